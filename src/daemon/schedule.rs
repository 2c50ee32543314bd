//! When passes start by themselves: every interval, with some jitter, and on the cron schedule.
//!
//! The interval is measured on the monotonic clock, so that setting the wall clock neither stalls nor hurries
//! it. Cron means the wall clock of its zone:
//!
//! - a time that daylight saving skips is made up for when the clock has jumped (02:30 runs at 03:00);
//! - a time that comes twice runs at its first coming, unless every hour is named (`0 */15 * * * *`): then both.
//!
//! Between two passes nothing wakes up, except that a cron schedule is compared with the wall clock once an
//! hour: a timer does not notice that the machine slept or that its clock was set.

use std::time::Duration;

use chrono::offset::LocalResult;
use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use cron::TimeUnitSpec;
use jiff::{SignedDuration, Timestamp};
use rand::Rng;
use tokio::sync::watch;
use tokio::time::Instant;

use super::triggers::{Sender, Trigger};
use crate::desired::settings::Reconcile;

/// How far an interval may differ from the one asked for, so that many daemons do not call in step.
const JITTER: f64 = 0.1;
/// How often a cron schedule is compared with the wall clock at least.
const WALL_CLOCK_CHECK: Duration = Duration::from_hours(1);

/// When passes start by themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    every: Option<Duration>,
    cron: Option<cron::Schedule>,
    timezone: chrono_tz::Tz,
}

impl From<&Reconcile> for Schedule {
    fn from(reconcile: &Reconcile) -> Schedule {
        Schedule::new(reconcile.every, reconcile.cron.clone(), reconcile.timezone)
    }
}

impl Schedule {
    /// Every so often, and when cron says so in that zone.
    #[must_use]
    pub const fn new(
        every: Option<Duration>,
        cron: Option<cron::Schedule>,
        timezone: chrono_tz::Tz,
    ) -> Schedule {
        Schedule { every, cron, timezone }
    }

    /// The interval, if there is one.
    #[must_use]
    pub const fn every(&self) -> Option<Duration> {
        self.every
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
        let cron = self.cron.as_ref()?;
        let now = DateTime::from_timestamp(now.as_second(), now.subsec_nanosecond().unsigned_abs())?;
        let next = next_in_zone(cron, self.timezone, now)?;
        Timestamp::from_second(next.timestamp()).ok()
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

/// The first instant after `now` at which `cron` is due in `zone`.
///
/// The cron crate can iterate in a zone itself, but loses the times that daylight saving skips, and half of
/// those that it repeats. So the times of day are iterated without any zone, and each is then looked up.
fn next_in_zone(cron: &cron::Schedule, zone: chrono_tz::Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let here = now.with_timezone(&zone).naive_local();
    let times_after =
        |naive: NaiveDateTime| cron.after_owned(naive.and_utc()).map(|time: DateTime<Utc>| time.naive_utc());

    let first_coming = times_after(here).map(|time| comings(zone, time).0).find(|instant| *instant > now)?;
    if !cron.hours().is_all() {
        return Some(first_coming);
    }
    // While the repeated hour runs for the first time, its second coming starts before where we are.
    let repeated = match zone.from_local_datetime(&here) {
        LocalResult::Ambiguous(first, second) => second - first,
        LocalResult::Single(_) | LocalResult::None => chrono::TimeDelta::zero(),
    };
    let second_coming =
        times_after(here - repeated).map(|time| comings(zone, time).1).find(|instant| *instant > now);
    second_coming.into_iter().chain([first_coming]).min()
}

/// When a local time comes: for the first and for the last time. One that is skipped comes when the clock has
/// jumped.
fn comings(zone: chrono_tz::Tz, time: NaiveDateTime) -> (DateTime<Utc>, DateTime<Utc>) {
    match zone.from_local_datetime(&time) {
        LocalResult::Single(instant) => (instant.to_utc(), instant.to_utc()),
        LocalResult::Ambiguous(first, second) => (first.to_utc(), second.to_utc()),
        LocalResult::None => {
            let instant = end_of_gap(zone, time);
            (instant, instant)
        }
    }
}

/// The instant at which the clock jumps over `skipped`, by bisection: gaps are at most a day (Samoa, 2011).
fn end_of_gap(zone: chrono_tz::Tz, skipped: NaiveDateTime) -> DateTime<Utc> {
    let is_past = |second: i64| {
        DateTime::from_timestamp(second, 0)
            .is_some_and(|instant| instant.with_timezone(&zone).naive_local() >= skipped)
    };
    // Zones are at most 14 hours from UTC, so these enclose it.
    let middle = skipped.and_utc().timestamp();
    let (mut before, mut past) = (middle - 2 * 86_400, middle + 2 * 86_400);
    while past - before > 1 {
        let half = before + (past - before) / 2;
        if is_past(half) {
            past = half;
        } else {
            before = half;
        }
    }
    DateTime::from_timestamp(past, 0).unwrap_or_else(|| skipped.and_utc())
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
        Schedule { every, cron: cron.map(|cron| cron.parse().unwrap()), timezone: timezone.parse().unwrap() }
    }

    fn at(instant: &str) -> Timestamp {
        instant.parse().unwrap()
    }

    /// What follows `now`, one after the other.
    #[track_caller]
    fn check(cron: &str, timezone: &str, now: &str, expected: &[&str]) {
        let schedule = schedule(None, Some(cron), timezone);
        let mut now = at(now);
        let mut found = Vec::new();
        for _ in expected {
            now = schedule.cron_after(now).unwrap();
            found.push(now.to_string());
        }
        assert_eq!(found, expected, "{cron} in {timezone}");
    }

    #[test]
    fn cron_is_meant_in_its_zone() {
        check(
            "0 0 6 * * Mon-Fri *",
            "Europe/Berlin",
            "2026-11-20T05:00:00Z", // Friday, 06:00 in Berlin
            &["2026-11-23T05:00:00Z", "2026-11-24T05:00:00Z"],
        );
        check("0 0 6 * * * *", "UTC", "2026-11-20T05:59:59.999Z", &["2026-11-20T06:00:00Z"]);
        check("0 0 6 * * * *", "Asia/Kolkata", "2026-11-20T00:00:00Z", &["2026-11-20T00:30:00Z"]);
    }

    #[test]
    fn a_time_keeps_its_hour_across_daylight_saving() {
        check("0 0 6 * * * *", "Europe/Berlin", "2026-03-28T05:00:00Z", &["2026-03-29T04:00:00Z"]);
        check("0 0 6 * * * *", "Europe/Berlin", "2026-10-24T04:00:00Z", &["2026-10-25T05:00:00Z"]);
    }

    #[test]
    fn a_time_that_is_skipped_in_march_comes_when_the_clock_has_jumped() {
        check(
            "0 30 2 * * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        );
        // Several skipped times are one pass.
        check(
            "0 */15 * * * * *",
            "Europe/Berlin",
            "2026-03-29T00:40:00Z",
            &["2026-03-29T00:45:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z"],
        );
        // A whole day was skipped.
        check("0 0 6 30 12 * 2011", "Pacific/Apia", "2011-12-29T00:00:00Z", &["2011-12-30T10:00:00Z"]);
    }

    #[test]
    fn a_time_that_comes_twice_in_october_runs_once() {
        check(
            "0 30 2 * * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        );
        // The daemon was started in between: 02:10 for the second time.
        check("0 30 2 * * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", &["2026-10-26T01:30:00Z"]);
        check(
            "0 */30 2 * * * *",
            "Europe/Berlin",
            "2026-10-25T00:10:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-26T01:00:00Z"],
        );
    }

    #[test]
    fn every_quarter_of_an_hour_goes_on_through_the_repeated_hour() {
        check(
            "0 */15 * * * * *",
            "Europe/Berlin",
            "2026-10-24T23:50:00Z",
            &[
                "2026-10-25T00:00:00Z",
                "2026-10-25T00:15:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-25T00:45:00Z",
                "2026-10-25T01:00:00Z",
                "2026-10-25T01:15:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-25T01:45:00Z",
                "2026-10-25T02:00:00Z",
            ],
        );
    }

    /// Two years with their changes of the clock, in zones that do it by an hour, by half an hour, at midnight.
    const ZONES: [&str; 5] =
        ["Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "UTC"];

    fn comes(cron: &str, zone: &str, from: &str, to: &str) -> Vec<DateTime<Utc>> {
        let (cron, zone) = (cron.parse().unwrap(), zone.parse().unwrap());
        let end: DateTime<Utc> = to.parse().unwrap();
        let next = |now: &DateTime<Utc>| next_in_zone(&cron, zone, *now).filter(|next| *next < end);
        std::iter::successors(next(&from.parse().unwrap()), next).collect()
    }

    #[test]
    fn a_daily_time_comes_once_on_every_day_of_the_year() {
        for zone in ZONES {
            let tz: chrono_tz::Tz = zone.parse().unwrap();
            for cron in ["0 30 2 * * * *", "0 15 0 * * * *", "0 45 1 * * * *", "0 0 3 * * * *"] {
                // Noon, so that no day is cut in two.
                let found = comes(cron, zone, "2017-01-01T12:00:00Z", "2018-01-01T12:00:00Z");
                let days: std::collections::BTreeSet<_> =
                    found.iter().map(|instant| instant.with_timezone(&tz).date_naive()).collect();
                assert_eq!((found.len(), days.len()), (365, 365), "{cron} in {zone}");
            }
        }
    }

    #[test]
    fn every_minute_whose_local_time_matches_is_met_where_every_hour_is_named() {
        for zone in ZONES {
            let tz: chrono_tz::Tz = zone.parse().unwrap();
            let cron = "0 7,30 * * * * *";
            let (from, to) = ("2017-01-01T00:00:00Z", "2018-01-01T00:00:00Z");
            let found = comes(cron, zone, from, to);
            assert!(found.is_sorted() && found.len() > 17_000, "{zone}");
            let found: std::collections::BTreeSet<_> = found.into_iter().collect();
            let schedule: cron::Schedule = cron.parse().unwrap();
            let mut minute: DateTime<Utc> = from.parse().unwrap();
            let end: DateTime<Utc> = to.parse().unwrap();
            let mut extra = 0;
            loop {
                minute += chrono::TimeDelta::minutes(1);
                if minute >= end {
                    break;
                }
                let matches = schedule.includes(minute.with_timezone(&tz));
                match (matches, found.contains(&minute)) {
                    (true, false) => panic!("{minute} is missed in {zone}"),
                    (false, true) => extra += 1,
                    (true, true) | (false, false) => {}
                }
            }
            // What daylight saving skips, once a year at most.
            assert!(extra <= 1, "{extra} in {zone}");
        }
    }

    #[test]
    fn a_schedule_that_is_over_says_nothing() {
        assert_eq!(
            schedule(None, Some("0 0 6 1 1 * 2020"), "UTC").cron_after(at("2026-01-01T00:00:00Z")),
            None
        );
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
