//! What one server lets us send, and when: all requests to it, reads and writes, draw on one budget.
//!
//! A quota binds the families of APIs whose answers told of it last: those that name the same limit in the same time are
//! taken to share it, and a family whose answers name another one is done with the one before. A pause that the server
//! asks for is one for all of it; when it is over, one request of each family that met the limit goes, whatever was
//! counted, and finds out.
//!
//! It is spent as fast as may be: a burst up to what is left, then a wait for the window. It is never overdrawn
//! knowingly: what is under way counts, and where nobody knows any more how much is left (after a wait, after a
//! while without a request) one request goes alone and finds out. A server whose answers have no limit headers is
//! not slowed down at all.
//!
//! There is no clock in here: the time is passed in.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::family::Family;
use super::limits::Limits;
use super::quota::{Name, Quota, Told};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Toll {
    /// Towards the limits of its family.
    Counted(Family),
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
    /// The quota that the answers of each family told of last.
    told: BTreeMap<Family, Name>,
    under_way: usize,
    /// How many may be under way.
    places: Option<usize>,
    /// When to come back after a limit was met, by what met it: then one request of it is due, whatever was counted.
    due: BTreeMap<Toll, Due>,
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
        if let Some(at) = self.come_back().filter(|at| now < *at) {
            return wait(at);
        }
        let Toll::Counted(family) = toll else { return Turn::Go };
        if self.places.is_some_and(|places| self.under_way >= places) {
            return Turn::Answer(None);
        }
        self.quotas.retain(|quota| quota.heard() + quota.window() > now);
        let idle_since = self.answered.filter(|_| !busy);
        self.uncertain |= idle_since
            .is_some_and(|since| self.quotas.iter().any(|quota| since + quota.window() / STALE <= now));
        let is_due = self.due.contains_key(&toll);
        if busy && (is_due || self.uncertain) {
            return Turn::Answer(None);
        }
        if is_due {
            return Turn::Go;
        }
        let under_way = self.under_way as u64;
        let Some(quota) = self.quota_of(family) else { return Turn::Go };
        if quota.room(now, under_way) > 0 {
            return Turn::Go;
        }
        let next = quota.next_room();
        self.uncertain = true;
        match next {
            None if busy => Turn::Answer(None),
            next => next.map_or(Turn::Go, wait),
        }
    }

    /// A request is sent.
    pub(super) fn send(&mut self, toll: Toll, now: Instant) -> Ticket {
        let mut due = None;
        if let Toll::Counted(_) = toll {
            self.under_way += 1;
            due = self.due.remove(&toll);
        } else {
            self.due.retain(|of, due| *of != toll || due.at > now);
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
        if let Some(granted) = limits.concurrency.filter(|granted| *granted > 0) {
            self.places = Some(granted);
        }
        let under_way = self.under_way as u64;
        if let Toll::Counted(family) = toll {
            if refused.is_none() {
                self.met = (0, None);
            }
            match limits.told() {
                Some(told) => {
                    if let Some(quota) = self.told_of(family, told, sent, now) {
                        quota.hear(told, sent, now, refused.is_some(), under_way);
                    }
                }
                None if refused.is_none() => {
                    if let Some(quota) = self.quota_of(family) {
                        if quota.heard() < sent && quota.room(now, 0) == 0 {
                            // It took one that it had no room for: this limit is not there any more.
                            self.told.remove(&family);
                            self.drop_unbound();
                        } else {
                            quota.lost(sent, now);
                        }
                    }
                }
                None => {}
            }
            self.uncertain = self.quota_of(family).is_some_and(|quota| quota.room(now, under_way) == 0);
        }
        self.heed(toll, now, reply);
    }

    /// No answer came.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is given back once")]
    pub(super) fn lost(&mut self, ticket: Ticket, now: Instant) {
        let Ticket { sent, toll, due } = ticket;
        self.arrive(toll, now);
        let Toll::Counted(family) = toll else { return };
        if let Some(quota) = self.quota_of(family) {
            quota.lost(sent, now);
        }
        // It did not find out whether the limit is over: the next one is to.
        if let Some(Due { at: _, told }) = due {
            self.due.entry(toll).or_insert_with(|| {
                self.uncertain = true;
                Due { at: now, told }
            });
        }
    }

    /// How much longer the platform asks to wait, in its own words.
    pub(super) fn asked(&self, now: Instant) -> Option<Duration> {
        let told = self.due.values().filter_map(|due| due.told).max()?;
        Some(told.saturating_duration_since(now))
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
        if let Toll::Counted(_) = toll {
            self.under_way = self.under_way.saturating_sub(1);
            self.answered = Some(now);
        }
    }

    /// Notes when to come back, where a limit was met.
    fn heed(&mut self, toll: Toll, now: Instant, Reply { limits, refused }: Reply<'_>) {
        if refused.is_none() && limits.remaining != Some(0) {
            return;
        }
        let named = limits.wait.map(|wait| now + wait);
        let at = match (named, refused) {
            (Some(named), _) if limits.wait_is_rounded => {
                self.known_room(toll).unwrap_or(named + ROUNDED).clamp(named, named + ROUNDED)
            }
            (Some(named), _) => named,
            (None, Some(pause)) => now + pause,
            // The quota itself knows when there is room again.
            (None, None) => return,
        };
        if self.due.get(&toll).is_none_or(|due| due.at < at) {
            self.due.insert(toll, Due { at, told: named });
        }
        self.uncertain = true;
    }

    /// When to come back after limits were met.
    fn come_back(&self) -> Option<Instant> {
        let at = |(toll, due): (&Toll, &Due)| {
            self.known_room(*toll).filter(|_| due.told.is_none()).map_or(due.at, |room| room.max(due.at))
        };
        self.due.iter().map(at).max()
    }

    /// When there is room again in the quota of a family, where it is full and that is no guess.
    fn known_room(&self, toll: Toll) -> Option<Instant> {
        let Toll::Counted(family) = toll else { return None };
        let name = self.told.get(&family)?;
        let quota = self.quotas.iter().find(|quota| quota.name() == *name)?;
        quota.known_room().filter(|_| quota.left() == 0)
    }

    /// The quota that binds a family.
    fn quota_of(&mut self, family: Family) -> Option<&mut Quota> {
        let name = self.told.get(&family)?;
        self.quotas.iter_mut().find(|quota| quota.name() == *name)
    }

    /// The quota that an answer to a request of the family tells of, which binds it from now on. What was asked before
    /// the family told of the one that binds it now corrects nothing.
    fn told_of(&mut self, family: Family, told: Told, sent: Instant, now: Instant) -> Option<&mut Quota> {
        let name = Name::of(told);
        match self.quota_of(family) {
            Some(quota) if quota.name() == name => {}
            Some(quota) if sent < quota.since() => return None,
            Some(_) | None => {
                self.told.insert(family, name);
                self.drop_unbound();
            }
        }
        if !self.quotas.iter().any(|quota| quota.name() == name) {
            self.quotas.push(Quota::new(told, now));
        }
        self.quota_of(family)
    }

    /// Lets go of the quotas that bind nobody.
    fn drop_unbound(&mut self) {
        let Budget { quotas, told, .. } = self;
        quotas.retain(|quota| told.values().any(|name| *name == quota.name()));
    }
}
