//! Runs connectors on the platform now, and follows their runs to the end.
//!
//! `start` says what may be run and asks for it, `course` what looks at an object tell of its run, `follow` looks until
//! the end, `ran` is what came of it.

mod course;
mod follow;
mod ran;
mod start;

use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

pub use self::ran::{Outcome, Ran, text};
use crate::pace::Pace;
use crate::plan::Located;
use crate::qualys::{Reader, Writer};
use crate::resource::Address;
use crate::stop::Stop;

/// How runs are followed. What is seen may be from before a run for as long as the lag.
pub const PACE: Pace = Pace {
    first: Duration::from_secs(1),
    cap: Duration::from_secs(15),
    lag: Duration::from_mins(2),
    timeout: Duration::from_hours(1),
};

/// What to run, and with what.
pub struct Syncing<'a> {
    /// The way to read.
    pub reader: &'a Reader,
    /// The way to run.
    pub writer: &'a Writer,
    /// What to run.
    pub targets: Vec<Located<'a>>,
    /// How to follow the runs; `None` to start them alone.
    pub follow: Option<Pace>,
    /// Once requested, nothing more is looked at.
    pub stop: &'a Stop,
    /// Told of each state that a run is seen in.
    pub tell: &'a mut (dyn FnMut(&Seen<'_>) + Send),
}

impl std::fmt::Debug for Syncing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Syncing").field("targets", &self.targets).finish_non_exhaustive()
    }
}

/// A state that a run is seen in.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The object.
    pub address: &'a Address,
    /// The platform's own word.
    pub state: &'a str,
    /// How long after the run was asked for.
    pub after: Duration,
}

/// Runs the targets, and follows them where that is asked for. What came of each, in their order.
pub async fn sync(syncing: Syncing<'_>) -> Vec<Ran> {
    let Syncing { reader, writer, targets, follow, stop, tell } = syncing;
    let began = Instant::now();
    let mut runs = join_all(targets.iter().map(|target| start::start(target, reader, writer, stop))).await;
    if let Some(pace) = follow {
        follow::look_on(&mut runs, reader, pace, stop, tell, began).await;
    }
    let mut ended: Vec<Ran> = runs.into_iter().map(|run| run.ran).collect();
    follow::tell_why(&mut ended, reader).await;
    ended
}

/// A run that is looked on.
struct Run {
    ran: Ran,
    /// What is known of its course, while its end is waited for.
    open: Option<course::Course>,
}
