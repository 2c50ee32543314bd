//! One quota: at most so many calls in any window. What the platform has counted at most, as far as its answers let
//! us know.
//!
//! - The window slides on the platform's side, or starts anew as a whole: both are bounded by the same rule, since a
//!   call that is answered has left the window no later than a window after its answer.
//! - Answers arrive out of order. An answer speaks of some moment between its request and its arrival, so it takes
//!   the place of another one only if its request was sent after that one had arrived. Of those that overlap, the
//!   one that leaves the least counts.
//! - Other programs use the same quota. What the platform has counted and we have not sent is theirs, and is
//!   expected to stay for a whole window; an answer that leaves more than expected ends that sooner.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The window where none is named: the documented one of most subscriptions ("Qualys API Limits").
const USUAL_WINDOW: Duration = Duration::from_hours(1);

/// What an answer says of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    /// How many calls a window takes.
    pub(super) limit: Option<u64>,
    /// Calls left.
    pub(super) remaining: u64,
    pub(super) window: Option<Duration>,
}

/// What a quota is called in the headers, its limit and its window: two that differ in it are not taken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    limit: Option<u64>,
    window: Option<Duration>,
}

impl Name {
    pub(super) fn of(told: Told) -> Name {
        let Told { limit, remaining: _, window } = told;
        Name { limit, window }
    }
}

/// A quota.
#[derive(Debug)]
pub(super) struct Quota {
    name: Name,
    /// When it was first told of.
    since: Instant,
    /// As told, or the most that was ever seen to be left, and one.
    limit: u64,
    /// Our calls that the platform may count still, the first to leave first.
    own: VecDeque<Counted>,
    /// Other programs' calls, and when they have left for certain.
    others: VecDeque<(Instant, u64)>,
    /// What was said, less what was certainly said before something else was.
    said: Vec<Said>,
    /// When calls ended that may or may not be counted in what was said.
    unsure: Vec<Instant>,
    /// What was counted beyond all that is answered: calls under way, or others'.
    beyond: u64,
    /// When something was said last.
    heard: Instant,
}

/// A call of ours that was answered, or lost.
#[derive(Debug, Clone, Copy)]
struct Counted {
    sent: Instant,
    ended: Instant,
    /// Whether its answer said that it was counted.
    sure: bool,
}

/// The calls that were left at some moment between the two.
#[derive(Debug, Clone, Copy)]
struct Said {
    sent: Instant,
    came: Instant,
    left: u64,
}

impl Quota {
    pub(super) fn new(told: Told, now: Instant) -> Quota {
        Quota {
            name: Name::of(told),
            since: now,
            limit: told.limit.unwrap_or(0),
            own: VecDeque::new(),
            others: VecDeque::new(),
            said: Vec::new(),
            unsure: Vec::new(),
            beyond: 0,
            heard: now,
        }
    }

    pub(super) fn name(&self) -> Name {
        self.name
    }

    /// When it was first told of.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// How many calls in which time, where both were told.
    pub(super) fn rate(&self) -> Option<(u64, Duration)> {
        self.name.limit.zip(self.name.window)
    }

    pub(super) fn window(&self) -> Duration {
        self.name.window.unwrap_or(USUAL_WINDOW)
    }

    /// When something was said last.
    pub(super) fn heard(&self) -> Instant {
        self.heard
    }

    /// Takes in an answer that came `now` to a request sent at `sent`. A refused one is not counted.
    pub(super) fn hear(&mut self, told: Told, sent: Instant, now: Instant, refused: bool, under_way: u64) {
        self.pass(now);
        self.heard = now;
        if !refused {
            self.own.push_back(Counted { sent, ended: now, sure: true });
        }
        if self.name.limit.is_none() {
            // This very call is counted; what else is, nobody knows.
            self.limit = self.limit.max(told.remaining.saturating_add(u64::from(!refused)));
        }
        self.said.retain(|said| said.came >= sent);
        self.unsure.retain(|ended| *ended >= sent);
        self.said.push(Said { sent, came: now, left: told.remaining });
        let least = self.said.iter().map(|said| said.left).min().unwrap_or(told.remaining);
        let most = self.limit.saturating_sub(least) + self.unsure.len() as u64;
        for _ in most..self.counted() {
            self.forgive(now);
        }
        self.beyond = most.saturating_sub(self.counted());
        // More than those under way can account for.
        let others = self.beyond.saturating_sub(under_way);
        if others > 0 {
            self.others.push_back((now + self.window(), others));
            self.beyond -= others;
        }
    }

    /// Counts a call that ended without a word of this quota; the platform may have counted it.
    pub(super) fn lost(&mut self, sent: Instant, now: Instant) {
        self.own.push_back(Counted { sent, ended: now, sure: false });
        self.unsure.push(now);
    }

    /// How many calls the platform will take for certain, beside those under way.
    pub(super) fn room(&mut self, now: Instant, under_way: u64) -> u64 {
        self.pass(now);
        self.left().saturating_sub(under_way)
    }

    /// Calls left, as of what was said last.
    pub(super) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.counted() + self.beyond)
    }

    /// When the next of the counted calls has left the window for certain.
    pub(super) fn next_room(&self) -> Option<Instant> {
        let window = self.window();
        let own = self.own.front().map(|counted| counted.ended + window);
        let others = self.others.front().map(|(until, _)| *until);
        let beyond = (self.beyond > 0).then_some(self.heard + window);
        [own, others, beyond].into_iter().flatten().min()
    }

    /// The same, where it is no guess: a call of ours, and a window that was told.
    pub(super) fn known_room(&self) -> Option<Instant> {
        let window = self.name.window?;
        self.own.iter().find(|counted| counted.sure).map(|counted| counted.ended + window)
    }

    fn counted(&self) -> u64 {
        self.own.len() as u64 + self.others.iter().map(|(_, count)| count).sum::<u64>()
    }

    /// Lets go of what has left the window by now.
    fn pass(&mut self, now: Instant) {
        let window = self.window();
        while let Some(gone) = self.own.front().copied().filter(|counted| counted.ended + window <= now) {
            self.own.pop_front();
            for said in &mut self.said {
                // It was counted then, and is not any more.
                if gone.ended < said.sent && gone.sent + window > said.came {
                    said.left += 1;
                }
            }
        }
        while self.others.front().is_some_and(|(until, _)| *until <= now) {
            self.others.pop_front();
        }
        self.said.retain(|said| said.came + window > now);
        self.unsure.retain(|ended| *ended + window > now);
        if self.heard + window <= now {
            self.beyond = 0;
        }
    }

    /// Takes one away that the platform does not count, contrary to what was expected: one of ours that may have left
    /// the window a little before its time, else one of others', whose time is a guess, else the oldest of ours, since
    /// the window starts anew.
    fn forgive(&mut self, now: Instant) {
        let window = self.window();
        if self.own.front().is_some_and(|counted| counted.sent + window <= now) {
            self.own.pop_front();
        } else if let Some((_, count)) = self.others.back_mut() {
            *count -= 1;
            if *count == 0 {
                self.others.pop_back();
            }
        } else {
            self.own.pop_front();
        }
    }
}
