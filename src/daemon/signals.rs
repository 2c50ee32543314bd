//! Signals: SIGHUP asks for a pass (which reads the file again), SIGTERM and SIGINT ask to stop.
//!
//! There is no way to stop at once short of SIGKILL: a write whose answer is not waited for would leave its
//! outcome unknown. A second SIGTERM therefore changes nothing, and says so.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::triggers::{Sender, Trigger};

pub use crate::stop::Stop;

/// The signals that the daemon takes, from now on held back from their default action.
#[derive(Debug)]
pub struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

/// The signals could not be taken over.
#[derive(Debug, thiserror::Error)]
#[error("could not install the signal handlers")]
pub struct SignalsError(#[from] io::Error);

impl Signals {
    /// Takes them over. What comes before [`Signals::run`] is kept.
    pub fn install() -> Result<Signals, SignalsError> {
        Ok(Signals {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Turns them into triggers and the request to stop, for ever.
    pub async fn run(mut self, triggers: Sender, stop: Stop) {
        loop {
            tokio::select! {
                Some(()) = self.hangup.recv() => triggers.send(Trigger::Requested),
                Some(()) = self.terminate.recv() => request(&stop, "SIGTERM"),
                Some(()) = self.interrupt.recv() => request(&stop, "SIGINT"),
                else => return,
            }
        }
    }

    /// Turns all of them into the request to stop: for a command that a person waits for, who hangs up.
    pub async fn run_to_stop(mut self, stop: Stop) {
        loop {
            tokio::select! {
                Some(()) = self.hangup.recv() => request(&stop, "SIGHUP"),
                Some(()) = self.terminate.recv() => request(&stop, "SIGTERM"),
                Some(()) = self.interrupt.recv() => request(&stop, "SIGINT"),
                else => return,
            }
        }
    }
}

fn request(stop: &Stop, signal: &'static str) {
    // Said first: whoever waits for the request may be done, and say so, before this thread goes on.
    if stop.is_requested() {
        warn!(
            event = "stop_requested",
            signal, "already stopping: the changes in flight are still to finish"
        );
    } else {
        info!(event = "stop_requested", signal, "no new change is begun, those in flight finish");
    }
    stop.request();
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::super::triggers::{Event, mailbox};
    use super::*;

    fn raise(name: &str) {
        let status = Command::new("kill").args(["-s", name, &std::process::id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -s {name}");
    }

    // One test, since signals reach the whole process.
    #[tokio::test]
    async fn a_hangup_asks_for_a_pass_and_a_terminate_for_the_end() {
        let stop = Stop::new();
        let (sender, mut mailbox) = mailbox(stop.clone());
        let signals = Signals::install().unwrap();
        let task = tokio::spawn(signals.run(sender, stop.clone()));
        let within = Duration::from_secs(10);

        raise("HUP");
        let event = tokio::time::timeout(within, mailbox.next()).await;
        assert_eq!(event, Ok(Event::Pass(Trigger::Requested)));
        assert!(!stop.is_requested());

        raise("TERM");
        let event = tokio::time::timeout(within, mailbox.next()).await;
        assert_eq!(event, Ok(Event::Stop));
        raise("TERM");
        raise("INT");
        tokio::time::timeout(within, stop.requested()).await.unwrap();
        assert!(!task.is_finished(), "signals are still taken while stopping");
        task.abort();
    }
}
