//! When passes start by themselves: every interval, with some jitter, and on the cron schedule.
//!
//! The interval is measured on the monotonic clock, so that setting the wall clock neither stalls nor hurries
//! it. Cron means the wall clock of its zone, as [`ZonedCron`] says.
//!
//! Between two passes nothing wakes up, except that a cron schedule is compared with the wall clock once an
//! hour: a timer does not notice that the machine slept or that its clock was set.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::Rng;
use tokio::sync::watch;
use tokio::time::Instant;

use super::triggers::{Sender, Trigger};
use crate::desired::settings::Reconcile;
use crate::resource::ZonedCron;

/// How far an interval may differ from the one asked for, so that many daemons do not call in step.
const JITTER: f64 = 0.1;
/// How often a cron schedule is compared with the wall clock at least.
const WALL_CLOCK_CHECK: Duration = Duration::from_hours(1);

/// When passes start by themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    every: Option<Duration>,
    cron: Option<ZonedCron>,
}

impl From<&Reconcile> for Schedule {
    fn from(reconcile: &Reconcile) -> Schedule {
        Schedule::new(reconcile.every, reconcile.zoned_cron())
    }
}

impl Schedule {
    /// Every so often, and when cron says so.
    #[must_use]
    pub const fn new(every: Option<Duration>, cron: Option<ZonedCron>) -> Schedule {
        Schedule { every, cron }
    }

    /// The interval, if there is one.
    #[must_use]
    pub const fn every(&self) -> Option<Duration> {
        self.every
    }

    /// By when three more passes have started, the last of which began at `since` and takes `took`: the longest that
    /// three intervals can be.
    #[must_use]
    pub fn thrice_after(&self, since: Timestamp, took: Duration) -> Option<Timestamp> {
        let three = match self.interval(1.0) {
            Some(interval) => since.checked_add(SignedDuration::try_from(interval * 3).ok()?).ok()?,
            None => (0..3).try_fold(since, |at, _| self.cron_after(at))?,
        };
        three.checked_add(SignedDuration::try_from(took * 3).ok()?).ok()
    }

    /// The length of the next interval. `chance` is from 0 to 1.
    #[must_use]
    pub fn interval(&self, chance: f64) -> Option<Duration> {
        let factor = 1.0 + JITTER * (2.0 * chance - 1.0);
        self.every.and_then(|every| Duration::try_from_secs_f64(every.as_secs_f64() * factor).ok())
    }

    /// When cron says so next, strictly after `now`.
    #[must_use]
    pub fn cron_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.cron.as_ref()?.after(now)
    }

    /// How many passes start within that time: of the interval on average, of cron in the fullest of the times that
    /// come next.
    #[must_use]
    pub fn passes_within(&self, window: Duration, now: Timestamp) -> f64 {
        /// Cron times that are looked at: a week of every quarter of an hour.
        const LOOKED_AT: usize = 700;
        let every = self.every.filter(|every| !every.is_zero());
        let intervals = every.map_or(0.0, |every| window.as_secs_f64() / every.as_secs_f64());
        let times: Vec<Timestamp> =
            std::iter::successors(self.cron_after(now), |last| self.cron_after(*last))
                .take(LOOKED_AT)
                .collect();
        let window = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
        let mut first = 0;
        let mut fullest = 0_u32;
        for (last, time) in times.iter().enumerate() {
            while time.duration_since(times[first]) >= window {
                first += 1;
            }
            fullest = fullest.max(u32::try_from(last + 1 - first).unwrap_or(u32::MAX));
        }
        intervals + f64::from(fullest)
    }

    /// When a pass starts next, where `rest` of the interval is left.
    #[must_use]
    pub fn next_after(&self, now: Timestamp, rest: Option<Duration>) -> Option<Timestamp> {
        let interval = rest.and_then(|rest| now.checked_add(SignedDuration::try_from(rest).ok()?).ok());
        [interval, self.cron_after(now)].into_iter().flatten().min()
    }
}

/// Sends triggers for ever. A new schedule starts a new interval. `publish` is told when the next pass is due.
pub async fn run(
    schedule: watch::Receiver<Schedule>,
    triggers: Sender,
    publish: impl Fn(Option<Timestamp>) + Send + Sync,
) {
    let chance = || rand::rng().random_range(0.0..=1.0);
    run_with(schedule, triggers, publish, Timestamp::now, chance).await;
}

async fn run_with(
    mut schedule: watch::Receiver<Schedule>,
    triggers: Sender,
    publish: impl Fn(Option<Timestamp>),
    clock: impl Fn() -> Timestamp,
    chance: impl Fn() -> f64,
) {
    loop {
        let current = schedule.borrow_and_update().clone();
        // Reasons to look again besides being due: other settings changed, this schedule did not.
        let same = async |schedule: &mut watch::Receiver<Schedule>| {
            while schedule.changed().await.is_ok() {
                if *schedule.borrow_and_update() != current {
                    return;
                }
            }
            // Nobody can change it any more.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = same(&mut schedule) => {}
            () = send_when_due(&current, &triggers, &publish, &clock, &chance) => {}
        }
    }
}

async fn send_when_due(
    schedule: &Schedule,
    triggers: &Sender,
    publish: &impl Fn(Option<Timestamp>),
    clock: &impl Fn() -> Timestamp,
    chance: &impl Fn() -> f64,
) {
    loop {
        let interval = schedule.interval(chance());
        let interval_ends = interval.and_then(|interval| Instant::now().checked_add(interval));
        let now = clock();
        publish(schedule.next_after(now, interval));
        let mut cron_due = schedule.cron_after(now);
        loop {
            let now = clock();
            if interval_ends.is_some_and(|end| end <= Instant::now())
                || cron_due.is_some_and(|due| due <= now)
            {
                triggers.send(Trigger::Schedule);
                break;
            }
            // What is overdue stays; what a clock set back brings nearer counts too.
            cron_due = [cron_due, schedule.cron_after(now)].into_iter().flatten().min();
            let until_cron = cron_due.map(|due| {
                let wait = Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO);
                Instant::now() + wait.min(WALL_CLOCK_CHECK)
            });
            match [interval_ends, until_cron].into_iter().flatten().min() {
                Some(wake) => tokio::time::sleep_until(wake).await,
                None => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    use super::super::triggers::{Event, Mailbox, mailbox};
    use super::*;
    use crate::stop::Stop;

    fn schedule(every: Option<Duration>, cron: Option<&str>, timezone: &str) -> Schedule {
        let cron = cron.map(|cron| ZonedCron::new(cron.parse().unwrap(), timezone.parse().unwrap()));
        Schedule { every, cron }
    }

    fn at(instant: &str) -> Timestamp {
        instant.parse().unwrap()
    }

    #[test]
    fn the_interval_varies_by_a_tenth_and_the_earlier_of_both_wins() {
        let minutes = |minutes: f64| Some(Duration::from_secs_f64(minutes * 60.0));
        let both = schedule(minutes(10.0), Some("0 0 6 * * * *"), "UTC");
        assert_eq!(both.interval(0.0), minutes(9.0));
        assert_eq!(both.interval(0.5), minutes(10.0));
        assert_eq!(both.interval(1.0), minutes(11.0));
        let now = at("2026-01-01T05:00:00Z");
        assert_eq!(both.next_after(now, minutes(10.0)), Some(at("2026-01-01T05:10:00Z")));
        assert_eq!(both.next_after(now, minutes(70.0)), Some(at("2026-01-01T06:00:00Z")));
        assert_eq!(both.next_after(now, None), Some(at("2026-01-01T06:00:00Z")));
        assert_eq!(schedule(Some(Duration::MAX), None, "UTC").next_after(now, Some(Duration::MAX)), None);
    }

    #[test]
    fn three_intervals_are_the_longest_that_they_can_be_and_three_passes_more() {
        let now = at("2026-01-01T05:00:00Z");
        let (ten, minute) = (Some(Duration::from_mins(10)), Duration::from_mins(1));
        for (every, cron, took, expected) in [
            (ten, None, Duration::ZERO, Some("2026-01-01T05:33:00Z")),
            (ten, None, minute, Some("2026-01-01T05:36:00Z")),
            (None, Some("0 0 6 * * * *"), Duration::ZERO, Some("2026-01-03T06:00:00Z")),
            (None, Some("0 0 6 * * * *"), minute, Some("2026-01-03T06:03:00Z")),
            (None, None, minute, None),
        ] {
            let found = schedule(every, cron, "UTC").thrice_after(now, took);
            assert_eq!(found, expected.map(at), "{every:?} {cron:?}");
        }
    }

    struct Running {
        settings: watch::Sender<Schedule>,
        mailbox: Mailbox,
        published: Arc<Mutex<Option<Timestamp>>>,
    }

    /// A schedule that runs on the paused clock, which stands at `start` now.
    fn start(first: Schedule, start: &str) -> Running {
        let (settings, receiver) = watch::channel(first);
        let (sender, mailbox) = mailbox(Stop::new());
        let published = Arc::new(Mutex::new(None));
        let publish = Arc::clone(&published);
        let (wall, monotonic) = (at(start), Instant::now());
        let clock = move || wall + monotonic.elapsed();
        // The extremes in turn.
        let high = AtomicBool::new(true);
        let chance = move || if high.fetch_not(Ordering::Relaxed) { 1.0 } else { 0.0 };
        tokio::spawn(run_with(receiver, sender, move |at| *publish.lock().unwrap() = at, clock, chance));
        Running { settings, mailbox, published }
    }

    impl Running {
        /// Waits for the next trigger, and says after how long it came.
        async fn next(&mut self) -> Duration {
            let before = Instant::now();
            let event = tokio::time::timeout(Duration::from_secs(1_000_000), self.mailbox.next()).await;
            assert_eq!(event, Ok(Event::Pass(Trigger::Schedule)));
            before.elapsed()
        }
    }

    /// Timers have the resolution of a millisecond.
    #[track_caller]
    fn assert_about(found: Duration, expected: Duration) {
        assert!(found.abs_diff(expected) < Duration::from_millis(5), "{found:?} instead of {expected:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn intervals_follow_one_another_with_jitter() {
        let ten = Duration::from_mins(10);
        let mut running = start(schedule(Some(ten), None, "UTC"), "2026-01-01T00:00:00Z");
        assert_about(running.next().await, Duration::from_mins(11));
        assert_about(running.next().await, Duration::from_mins(9));
        assert_about(running.next().await, Duration::from_mins(11));
        tokio::task::yield_now().await;
        let published = running.published.lock().unwrap().unwrap();
        assert_eq!(published.as_second(), at("2026-01-01T00:40:00Z").as_second());
    }

    #[tokio::test(start_paused = true)]
    async fn cron_is_met_to_the_second_after_a_long_wait() {
        let mut running = start(schedule(None, Some("0 30 6 * * * *"), "UTC"), "2026-01-01T10:00:00Z");
        assert_about(running.next().await, Duration::from_mins(20 * 60 + 30));
        assert_about(running.next().await, Duration::from_hours(24));
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_schedule_counts_from_now_and_the_same_one_changes_nothing() {
        let (ten, hour) = (Duration::from_mins(10), Duration::from_hours(1));
        let mut running = start(schedule(Some(hour), None, "UTC"), "2026-01-01T00:00:00Z");
        tokio::time::sleep(Duration::from_mins(30)).await;
        running.settings.send(schedule(Some(hour), None, "UTC")).unwrap();
        assert_about(running.next().await, Duration::from_mins(36));
        tokio::time::sleep(Duration::from_mins(5)).await;
        running.settings.send(schedule(Some(ten), None, "UTC")).unwrap();
        assert_about(running.next().await, Duration::from_mins(11));
    }

    #[tokio::test(start_paused = true)]
    async fn without_interval_and_cron_nothing_comes() {
        let mut running = start(schedule(None, None, "UTC"), "2026-01-01T00:00:00Z");
        let wait = tokio::time::timeout(Duration::from_secs(1_000_000), running.mailbox.next()).await;
        assert!(wait.is_err());
        assert_eq!(*running.published.lock().unwrap(), None);
    }
}
