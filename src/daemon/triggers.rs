//! What can wake the daemon: one closed list, through one mailbox.
//!
//! The mailbox holds at most one trigger. What comes while a pass runs therefore makes exactly one more pass,
//! however much comes. A trigger is logged and reported, and steers neither the plan nor the loop; but who asks has
//! what keeps failing tried again.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Serialize, Serializer};
use tokio::sync::Notify;

use crate::stop::Stop;

/// Why a pass runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// The daemon has started.
    Startup,
    /// The interval is over, or the cron schedule says so.
    Schedule,
    /// A file that the desired state was read from has changed.
    DesiredStateChanged,
    /// Somebody asked for it, by SIGHUP.
    Requested,
}

impl Trigger {
    /// Every trigger.
    pub const ALL: &'static [Trigger] =
        &[Trigger::Startup, Trigger::Schedule, Trigger::DesiredStateChanged, Trigger::Requested];

    /// The word in events, metrics and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Trigger::Startup => "startup",
            Trigger::Schedule => "schedule",
            Trigger::DesiredStateChanged => "file_changed",
            Trigger::Requested => "signal",
        }
    }

    /// Which of several triggers is reported: the one that a person is most likely to ask about.
    const fn weight(self) -> u8 {
        match self {
            Trigger::Schedule => 0,
            Trigger::DesiredStateChanged => 1,
            Trigger::Requested => 2,
            Trigger::Startup => 3,
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Serialize for Trigger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// What the loop does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Run a pass.
    Pass(Trigger),
    /// End.
    Stop,
}

/// An empty mailbox and the way into it. It ends when `stop` is requested.
#[must_use]
pub fn mailbox(stop: Stop) -> (Sender, Mailbox) {
    let slot = Arc::new(Slot::default());
    (Sender(Arc::clone(&slot)), Mailbox { slot, stop })
}

#[derive(Debug, Default)]
struct Slot {
    pending: Mutex<Option<Trigger>>,
    filled: Notify,
}

/// The way into a mailbox, for any thread.
#[derive(Debug, Clone)]
pub struct Sender(Arc<Slot>);

impl Sender {
    /// Asks for a pass. If one is already asked for, that one serves both.
    pub fn send(&self, trigger: Trigger) {
        let mut pending = self.0.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.is_none_or(|before| before.weight() < trigger.weight()) {
            *pending = Some(trigger);
        }
        drop(pending);
        self.0.filled.notify_one();
    }
}

/// Where the loop waits.
#[derive(Debug)]
pub struct Mailbox {
    slot: Arc<Slot>,
    stop: Stop,
}

impl Mailbox {
    /// Waits for what to do next. A request to stop comes before any pass. May be dropped while it waits:
    /// nothing is lost.
    pub async fn next(&mut self) -> Event {
        loop {
            if self.stop.is_requested() {
                return Event::Stop;
            }
            let pending = self.slot.pending.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(trigger) = pending {
                return Event::Pass(trigger);
            }
            tokio::select! {
                () = self.slot.filled.notified() => {}
                () = self.stop.requested() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn nothing_comes(mailbox: &mut Mailbox) {
        let wait = tokio::time::timeout(Duration::from_hours(1), mailbox.next()).await;
        assert!(wait.is_err(), "{wait:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn triggers_that_come_during_a_pass_make_exactly_one_more() {
        let (sender, mut mailbox) = mailbox(Stop::new());
        sender.send(Trigger::Startup);
        assert_eq!(mailbox.next().await, Event::Pass(Trigger::Startup));
        for _ in 0..3 {
            sender.send(Trigger::Schedule);
            sender.send(Trigger::Requested);
            sender.send(Trigger::DesiredStateChanged);
        }
        assert_eq!(mailbox.next().await, Event::Pass(Trigger::Requested));
        nothing_comes(&mut mailbox).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_trigger_wakes_a_mailbox_that_waits() {
        let (sender, mut mailbox) = mailbox(Stop::new());
        let waiting = tokio::spawn(async move { mailbox.next().await });
        tokio::task::yield_now().await;
        sender.send(Trigger::Schedule);
        assert_eq!(waiting.await.unwrap(), Event::Pass(Trigger::Schedule));
    }

    #[tokio::test]
    async fn a_stop_comes_before_any_pass_and_wakes_a_mailbox_that_waits() {
        let stop = Stop::new();
        let (sender, mut mailbox) = mailbox(stop.clone());
        let waiting = tokio::spawn(async move { (mailbox.next().await, mailbox) });
        tokio::task::yield_now().await;
        stop.request();
        let (event, mut mailbox) = waiting.await.unwrap();
        assert_eq!(event, Event::Stop);
        sender.send(Trigger::Requested);
        assert_eq!(mailbox.next().await, Event::Stop);
    }
}
