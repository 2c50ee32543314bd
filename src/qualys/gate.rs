//! The gate before a server, which all requests of a family of APIs pass one after the other: whoever stands first waits
//! for the [`Budget`], and all others behind. So a wait is one wait, however many want to pass, and a family that has
//! used up its quota keeps back no other.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use super::budget::{Budget, Reply, Ticket, Toll, Turn};
use super::family::Family;
use crate::stop::Stop;

/// Waits this close to one another are told as one.
const TELL_AGAIN: Duration = Duration::from_secs(10);
/// A wait that is longer is told however short a time ago another one was.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// The gate.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// One for each family, and one for what is not counted.
    lanes: [Lane; Family::COUNT + 1],
    budget: Mutex<Budget>,
    told: Mutex<Told>,
}

/// Where the requests of one family stand.
#[derive(Debug, Default)]
struct Lane {
    /// Held by whoever stands first.
    first: tokio::sync::Mutex<()>,
    /// An answer came.
    news: Notify,
}

/// What was told of waits.
#[derive(Debug, Default)]
struct Told {
    /// When something was told last, and until when the wait was to last.
    last: Option<(Instant, Instant)>,
    /// Up to when waits are counted.
    counted: Option<Instant>,
}

/// How somebody waits.
pub(super) struct Waiting<'a> {
    /// How many requests may be under way, to all servers.
    pub(super) places: &'a Semaphore,
    /// Cuts waits short.
    pub(super) stop: Option<&'a Stop>,
    /// How long it may wait.
    pub(super) patience: Duration,
    /// Told of a wait: for how long, and how much of it was not counted yet; and whether it is worth a line.
    pub(super) tell: &'a (dyn Fn(Wait) + Sync),
}

/// A wait that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    /// How long it lasts.
    pub(super) left: Duration,
    /// What of it was not in an earlier one.
    pub(super) more: Duration,
    /// Whether it is worth a line in the log.
    pub(super) is_news: bool,
}

/// It may not pass: the wait would be so long, or it was asked to stop.
#[derive(Debug)]
pub(super) struct KeptBack {
    pub(super) left: Duration,
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    /// Taken when it has arrived.
    ticket: Option<Ticket>,
    _place: SemaphorePermit<'a>,
}

impl Gate {
    /// Waits until a request may be sent; `waited` grows by the time that the limits took.
    pub(super) async fn pass<'a>(
        &'a self,
        toll: Toll,
        waiting: Waiting<'a>,
        waited: &mut Duration,
    ) -> Result<Pass<'a>, KeptBack> {
        let Waiting { places, stop, patience, tell } = waiting;
        let lane = self.lane(toll);
        let _first = lane.first.lock().await;
        loop {
            let turn = self.budget().turn(toll, Instant::now());
            let began = Instant::now();
            match turn {
                Turn::Go => {
                    let Ok(place) = places.acquire().await else {
                        unreachable!("the semaphore is never closed")
                    };
                    let now = Instant::now();
                    let mut budget = self.budget();
                    // There may have been news meanwhile.
                    if budget.turn(toll, now) == Turn::Go {
                        let ticket = Some(budget.send(toll, now));
                        return Ok(Pass { gate: self, ticket, _place: place });
                    }
                }
                // What was sent is waited for: it is answered, or its time is up.
                Turn::Answer(None) => lane.news.notified().await,
                Turn::Answer(Some(until)) => tokio::select! {
                    () = sleep_until(until) => {}
                    () = lane.news.notified() => {}
                },
                Turn::Wait(until) => {
                    let left = until.saturating_duration_since(began);
                    if waited.saturating_add(left) > patience {
                        let asked = self.budget().asked(began);
                        return Err(KeptBack { left: asked.unwrap_or(left) });
                    }
                    tell(self.begin_wait(began, until));
                    let stopped = async {
                        match stop {
                            Some(stop) => stop.requested().await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        () = sleep_until(until) => {}
                        () = lane.news.notified() => {}
                        () = stopped => return Err(KeptBack { left }),
                    }
                    *waited = waited.saturating_add(began.elapsed());
                }
            }
        }
    }

    /// Calls left, as of the last answers that said so.
    pub(super) fn left(&self) -> Option<u64> {
        self.budget().left()
    }

    /// How many calls in which time.
    pub(super) fn rate(&self) -> Option<(u64, Duration)> {
        self.budget().rate()
    }

    fn lane(&self, toll: Toll) -> &Lane {
        match toll {
            Toll::Counted(family) => &self.lanes[family as usize],
            Toll::Free => &self.lanes[Family::COUNT],
        }
    }

    fn begin_wait(&self, now: Instant, until: Instant) -> Wait {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.saturating_duration_since(now);
        let more = until.saturating_duration_since(told.counted.map_or(now, |counted| counted.max(now)));
        told.counted = told.counted.max(Some(until));
        let is_news = told.last.is_none_or(|(at, expected)| {
            let longer = until.saturating_duration_since(expected.max(now));
            longer > WORTH_TELLING || at + TELL_AGAIN <= now && more > Duration::ZERO
        });
        if is_news {
            told.last = Some((now, until));
        }
        Wait { left, more, is_news }
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        // A panic while it is held would have been in its own arithmetic; it is then as good as before.
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The answer is that of a limit: how many times in a row one was met by now.
    pub(super) fn meets(&self) -> u32 {
        self.ticket.as_ref().map_or(1, |ticket| self.gate.budget().meets(ticket, Instant::now()))
    }

    /// The answer came.
    pub(super) fn answered(mut self, reply: Reply<'_>) {
        if let Some(ticket) = self.ticket.take() {
            self.gate.budget().answered(ticket, Instant::now(), reply);
        }
    }
}

/// Without an answer it is lost.
impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.gate.budget().lost(ticket, Instant::now());
        }
        self.gate.lanes.iter().for_each(|lane| lane.news.notify_one());
    }
}
