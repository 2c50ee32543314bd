//! What one server lets us send, and when: all requests to it, reads and writes, draw on one budget.
//!
//! It is spent as fast as may be: a burst up to what is left, then a wait for the window. It is never overdrawn
//! knowingly: what is under way counts, and where nobody knows any more how much is left (after a wait, after a
//! while without a request) one request goes alone and finds out. A server whose answers have no limit headers is
//! not slowed down at all.
//!
//! There is no clock in here: the time is passed in.

use std::time::Duration;

use tokio::time::Instant;

use super::limits::Limits;
use super::quota::{Quota, Told};

/// What is told in whole seconds may have been rounded down.
const ROUNDED: Duration = Duration::from_secs(1);
/// After this part of a window without a request, others may have used up what was left.
const STALE: u32 = 8;

/// Whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Now.
    Go,
    /// Not before the platform has more to give.
    Wait(Instant),
    /// Once one of those under way is answered, or then at the latest.
    Answer(Option<Instant>),
}

/// Whether the platform counts a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Toll {
    /// Towards its limits.
    Counted,
    /// Not at all: signing in.
    Free,
}

/// A request under way.
#[derive(Debug)]
#[must_use = "it is under way until it is answered or lost"]
pub(super) struct Ticket {
    sent: Instant,
    toll: Toll,
    /// What it was to find out, where a limit was met before.
    due: Option<Due>,
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply<'a> {
    pub(super) limits: &'a Limits,
    /// Where the answer is that of a limit: the pause to make if it does not say how long to wait.
    pub(super) refused: Option<Duration>,
}

/// When to come back.
#[derive(Debug, Clone, Copy)]
struct Due {
    at: Instant,
    /// The platform's own word. Without it, what is known of the quotas counts as well.
    told: Option<Instant>,
}

/// What one server lets us send.
#[derive(Debug, Default)]
pub(super) struct Budget {
    quotas: Vec<Quota>,
    under_way: usize,
    /// How many may be under way.
    places: Option<usize>,
    /// When to come back after a limit was met: then one request is due, whatever was counted.
    due: Option<Due>,
    /// Whether one request is to find out first how much is left.
    uncertain: bool,
    /// When an answer came last.
    answered: Option<Instant>,
    /// How many times in a row a limit was met, and when last.
    met: (u32, Option<Instant>),
}

impl Budget {
    /// Whether a request may be sent now.
    pub(super) fn turn(&mut self, toll: Toll, now: Instant) -> Turn {
        let busy = self.under_way > 0;
        let wait = |until| if busy { Turn::Answer(Some(until)) } else { Turn::Wait(until) };
        if let Some(at) = self.due().filter(|at| now < *at) {
            return wait(at);
        }
        if toll == Toll::Free {
            return Turn::Go;
        }
        if self.places.is_some_and(|places| self.under_way >= places) {
            return Turn::Answer(None);
        }
        self.quotas.retain(|quota| quota.heard() + quota.window() > now);
        let idle_since = self.answered.filter(|_| !busy);
        self.uncertain |= idle_since
            .is_some_and(|since| self.quotas.iter().any(|quota| since + quota.window() / STALE <= now));
        if busy && (self.due.is_some() || self.uncertain) {
            return Turn::Answer(None);
        }
        if self.due.is_some() {
            return Turn::Go;
        }
        let under_way = self.under_way as u64;
        let mut later: Option<Instant> = None;
        for quota in &mut self.quotas {
            if quota.room(now, under_way) == 0 {
                self.uncertain = true;
                match quota.next_room() {
                    None if busy => return Turn::Answer(None),
                    next => later = later.max(next),
                }
            }
        }
        later.map_or(Turn::Go, wait)
    }

    /// A request is sent.
    pub(super) fn send(&mut self, toll: Toll, now: Instant) -> Ticket {
        let mut due = None;
        if toll == Toll::Counted {
            self.under_way += 1;
            due = self.due.take();
        }
        Ticket { sent: now, toll, due }
    }

    /// Counts that a request was refused for a limit: how many times in a row one was met by now. Those that were
    /// under way together met it once.
    pub(super) fn meets(&mut self, ticket: &Ticket, now: Instant) -> u32 {
        let (times, last) = self.met;
        let again = last.is_none_or(|last| ticket.sent >= last);
        let times = times.saturating_add(u32::from(again));
        self.met = (times, Some(now));
        times
    }

    /// An answer came.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is given back once")]
    pub(super) fn answered(&mut self, ticket: Ticket, now: Instant, reply: Reply<'_>) {
        let Ticket { sent, toll, due: _ } = ticket;
        let Reply { limits, refused } = reply;
        self.arrive(toll, now);
        if refused.is_none() && toll == Toll::Counted {
            self.met = (0, None);
        }
        if let Some(granted) = limits.concurrency.filter(|granted| *granted > 0) {
            self.places = Some(granted);
        }
        let under_way = self.under_way as u64;
        match limits.told() {
            Some(told) => self.quota(told, now).hear(told, sent, now, refused.is_some(), under_way),
            None if refused.is_none() && toll == Toll::Counted => {
                // It took one that it had no room for: this limit is not there any more.
                self.quotas.retain_mut(|quota| quota.heard() >= sent || quota.room(now, 0) > 0);
                self.quotas.iter_mut().for_each(|quota| quota.lost(sent, now));
            }
            None => {}
        }
        self.uncertain = self.quotas.iter_mut().any(|quota| quota.room(now, under_way) == 0);
        self.heed(now, reply);
    }

    /// No answer came.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is given back once")]
    pub(super) fn lost(&mut self, ticket: Ticket, now: Instant) {
        let Ticket { sent, toll, due } = ticket;
        self.arrive(toll, now);
        if toll == Toll::Counted {
            self.quotas.iter_mut().for_each(|quota| quota.lost(sent, now));
        }
        // It did not find out whether the limit is over: the next one is to.
        if let (Some(Due { at: _, told }), None) = (due, self.due) {
            self.due = Some(Due { at: now, told });
            self.uncertain = true;
        }
    }

    /// How much longer the platform asks to wait, in its own words.
    pub(super) fn asked(&self, now: Instant) -> Option<Duration> {
        Some(self.due?.told?.saturating_duration_since(now))
    }

    /// Calls left, as of the last answers that said so.
    pub(super) fn left(&self) -> Option<u64> {
        self.quotas.iter().map(Quota::left).min()
    }

    /// How many calls in which time: of several quotas, the least in the same time.
    pub(super) fn rate(&self) -> Option<(u64, Duration)> {
        let rates = self.quotas.iter().filter_map(Quota::rate);
        rates.min_by_key(|(limit, window)| {
            // Both are not zero, or no quota would have them.
            std::cmp::Reverse(window.as_nanos() / u128::from((*limit).max(1)))
        })
    }

    fn arrive(&mut self, toll: Toll, now: Instant) {
        if toll == Toll::Counted {
            self.under_way = self.under_way.saturating_sub(1);
            self.answered = Some(now);
        }
    }

    /// Notes when to come back, where a limit was met.
    fn heed(&mut self, now: Instant, Reply { limits, refused }: Reply<'_>) {
        if refused.is_none() && limits.remaining != Some(0) {
            return;
        }
        let told = limits.wait.map(|wait| now + wait);
        let at = match (told, refused) {
            (Some(told), _) if limits.wait_is_rounded => {
                self.known_room().unwrap_or(told + ROUNDED).clamp(told, told + ROUNDED)
            }
            (Some(told), _) => told,
            (None, Some(pause)) => now + pause,
            // The quota itself knows when there is room again.
            (None, None) => return,
        };
        let later = self.due.is_none_or(|due| due.at < at);
        if later {
            self.due = Some(Due { at, told });
        }
        self.uncertain = true;
    }

    /// When to come back after a limit was met.
    fn due(&self) -> Option<Instant> {
        let Due { at, told } = self.due?;
        Some(self.known_room().filter(|_| told.is_none()).map_or(at, |room| room.max(at)))
    }

    /// When there is room in all quotas that are full, where that is no guess.
    fn known_room(&self) -> Option<Instant> {
        self.quotas.iter().filter(|quota| quota.left() == 0).filter_map(Quota::known_room).max()
    }

    fn quota(&mut self, told: Told, now: Instant) -> &mut Quota {
        let at = self.quotas.iter().position(|quota| quota.is(told)).unwrap_or_else(|| {
            self.quotas.push(Quota::new(told, now));
            self.quotas.len() - 1
        });
        &mut self.quotas[at]
    }
}
