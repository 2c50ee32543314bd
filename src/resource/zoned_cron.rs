//! A cron schedule on the wall clock of a zone:
//!
//! - a time that daylight saving skips is made up for when the clock has jumped (02:30 runs at 03:00);
//! - a time that comes twice runs at its first coming, unless every hour is named (`0 */15 * * * *`): then both.

use chrono::offset::LocalResult;
use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use cron::TimeUnitSpec;
use jiff::Timestamp;

/// A cron schedule, seconds first, and the zone whose wall clock it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZonedCron {
    cron: Box<cron::Schedule>,
    zone: chrono_tz::Tz,
}

impl ZonedCron {
    /// The schedule as it is meant in that zone.
    #[must_use]
    pub fn new(cron: cron::Schedule, zone: chrono_tz::Tz) -> ZonedCron {
        ZonedCron { cron: Box::new(cron), zone }
    }

    /// The zone's name in the IANA database.
    #[must_use]
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }

    /// The zone, to show times in.
    #[must_use]
    pub fn time_zone(&self) -> jiff::tz::TimeZone {
        // Both libraries have the whole database; should they ever differ, the time is right all the same.
        jiff::tz::TimeZone::get(self.zone.name()).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// When it is due next, strictly after `now`; `None` where that is never.
    #[must_use]
    pub fn after(&self, now: Timestamp) -> Option<Timestamp> {
        let now = DateTime::from_timestamp(now.as_second(), now.subsec_nanosecond().unsigned_abs())?;
        let next = next_in_zone(&self.cron, self.zone, now)?;
        Timestamp::from_second(next.timestamp()).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(cron: &str, timezone: &str) -> ZonedCron {
        ZonedCron::new(cron.parse().unwrap(), timezone.parse().unwrap())
    }

    fn at(instant: &str) -> Timestamp {
        instant.parse().unwrap()
    }

    /// What follows `now`, one after the other.
    #[track_caller]
    fn check(cron: &str, timezone: &str, now: &str, expected: &[&str]) {
        let schedule = schedule(cron, timezone);
        let mut now = at(now);
        let mut found = Vec::new();
        for _ in expected {
            now = schedule.after(now).unwrap();
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
        assert_eq!(schedule("0 0 6 1 1 * 2020", "UTC").after(at("2026-01-01T00:00:00Z")), None);
    }
}
