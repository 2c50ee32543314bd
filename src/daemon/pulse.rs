//! Whether the loop gets on: it says so itself every few seconds, on its own thread. A loop that waits for the
//! platform, be it for an hour, goes on saying so; one whose thread is held up cannot.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How often the loop says that it gets on.
const BEAT: Duration = Duration::from_secs(5);
/// How long it may say nothing. Far more than making the largest plan takes.
const SILENCE: Duration = Duration::from_secs(30);

/// The loop's pulse. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Pulse {
    last: Arc<Mutex<Instant>>,
    beat: Duration,
    silence: Duration,
}

impl Pulse {
    pub(super) fn new() -> Pulse {
        Pulse::with(BEAT, SILENCE)
    }

    fn with(beat: Duration, silence: Duration) -> Pulse {
        Pulse { last: Arc::new(Mutex::new(Instant::now())), beat, silence }
    }

    /// Does the loop's work, and beats as long as its thread comes by. `tell` is told of each beat.
    pub(super) async fn keep<T>(&self, tell: impl Fn(), work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            // One task polls both: where the work holds up the thread, this is held up too.
            never = self.beats(tell) => match never {},
        }
    }

    async fn beats(&self, tell: impl Fn()) -> Infallible {
        let mut tick = tokio::time::interval(self.beat);
        loop {
            tick.tick().await;
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            tell();
        }
    }

    /// For how long the loop has stood still, where that is longer than it may.
    pub(super) fn stands_for(&self) -> Option<Duration> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        Some(last.elapsed()).filter(|silent| *silent > self.silence)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_waits_for_hours_gets_on() {
        let pulse = Pulse::new();
        pulse.keep(|| {}, tokio::time::sleep(Duration::from_hours(2))).await;
        assert_eq!(pulse.stands_for(), None);
        tokio::time::advance(SILENCE + Duration::from_secs(1)).await;
        assert!(pulse.stands_for().is_some(), "nothing beats any more");
    }

    #[test]
    fn a_loop_whose_thread_is_held_up_stands_until_it_is_not() {
        let pulse = Pulse::with(Duration::from_millis(1), Duration::from_millis(20));
        let (free, held_up) = mpsc::channel::<()>();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let own = pulse.clone();
        let looping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(own.keep(|| {}, async {
                // As a read of a pipe that nobody writes to.
                let _ = held_up.recv();
                let _ = ended.await;
            }));
        });
        while pulse.stands_for().is_none() {
            thread::yield_now();
        }
        drop(free);
        while pulse.stands_for().is_some() {
            thread::yield_now();
        }
        drop(end);
        looping.join().unwrap();
    }
}
