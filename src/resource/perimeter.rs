//! Perimeter scans: off, by the global configuration, or on a schedule of their own.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Weekday;
use jiff::{Timestamp, Zoned};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::scalar::words;
use super::{Finding, ScanDate, ScanTime, Timetable, ZoneName};

/// Whether and when the platform scans what a connector found from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PerimeterScan {
    /// Not at all.
    Off,
    /// As the subscription's global scan configuration says.
    Global,
    /// On a schedule of its own.
    Own(Schedule),
}

/// When a perimeter scan runs. What the file leaves out is not managed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The option profile of the scan, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option_profile_id: Option<u64>,
    /// Every day, or on some days of the week.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Recurrence>,
    /// The days of a weekly scan; `None` for a daily one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<BTreeSet<Day>>,
    /// What the scan's title starts with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan_prefix: Option<String>,
    /// The first day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<ScanDate>,
    /// The time of day, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<ScanTime>,
    /// The zone that date and time are meant in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<ZoneName>,
}

words! {
    /// How a scan comes again.
    Recurrence {
        /// Every day.
        Daily = "DAILY",
        /// On the days that are named.
        Weekly = "WEEKLY",
    }
}

/// A day of the week, Sunday first as the vendor lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Day {
    Sun,
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
}

impl Day {
    const fn of(weekday: Weekday) -> Day {
        match weekday {
            Weekday::Sunday => Day::Sun,
            Weekday::Monday => Day::Mon,
            Weekday::Tuesday => Day::Tue,
            Weekday::Wednesday => Day::Wed,
            Weekday::Thursday => Day::Thu,
            Weekday::Friday => Day::Fri,
            Weekday::Saturday => Day::Sat,
        }
    }
}

/// What does not go together in a schedule.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) field: &'static str,
    pub(super) message: &'static str,
    pub(super) hint: &'static str,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joint = if self.hint.starts_with("as in") { "," } else { ":" };
        write!(f, "{}{joint} {}", self.message, self.hint)
    }
}

impl Schedule {
    /// The first run after `now`, in the schedule's own zone; `None` where a part is missing that decides it.
    ///
    /// The time of day stays the same across daylight saving. No document says what the platform does on the
    /// two odd days; this is what Java, RFC 5545 and most calendars do: a time that is skipped comes as much
    /// later as was skipped (02:30 is 03:30), and of a time that comes twice the first one counts.
    #[must_use]
    pub fn next_run(&self, now: Timestamp) -> Option<Zoned> {
        // The longest gap between two runs is a week, unless a whole day is skipped.
        const LOOK_AHEAD: usize = 16;
        let Schedule {
            option_profile_id: _,
            recurrence,
            days,
            scan_prefix: _,
            start_date,
            start_time,
            timezone,
        } = self;
        let (ScanDate(start), ScanTime(time)) = ((*start_date)?, (*start_time)?);
        let zone = timezone.as_ref()?.zone()?;
        let days = match recurrence.as_ref()? {
            Recurrence::Daily => None,
            Recurrence::Weekly => Some(days.as_ref()?),
            Recurrence::Other(_) => return None,
        };
        let today = now.to_zoned(zone.clone()).date();
        // A run that daylight saving moved past midnight is of the day before.
        let from = start.max(today.yesterday().unwrap_or(today));
        std::iter::successors(Some(from), |date| date.tomorrow().ok())
            .take(LOOK_AHEAD)
            .filter(|date| days.is_none_or(|days| days.contains(&Day::of(date.weekday()))))
            .filter_map(|date| date.to_datetime(time).to_zoned(zone.clone()).ok())
            .find(|run| run.timestamp() > now)
    }

    /// Fills what is left out from the schedule that is there. Another name of the same time zone is no change.
    pub(super) fn complete(&mut self, live: &Schedule) {
        let Schedule { option_profile_id, recurrence, days, scan_prefix, start_date, start_time, timezone } =
            self;
        *option_profile_id = option_profile_id.or(live.option_profile_id);
        if recurrence.is_none() {
            recurrence.clone_from(&live.recurrence);
        }
        if days.is_none() && *recurrence != Some(Recurrence::Daily) {
            days.clone_from(&live.days);
        }
        if scan_prefix.is_none() {
            scan_prefix.clone_from(&live.scan_prefix);
        }
        *start_date = start_date.or(live.start_date);
        *start_time = start_time.or(live.start_time);
        let same_zone = |live: &ZoneName| timezone.as_ref().is_none_or(|zone| zone.means(live));
        if live.timezone.as_ref().is_some_and(same_zone) {
            timezone.clone_from(&live.timezone);
        }
    }

    /// The parts that the platform needs of a schedule of its own and that are missing; days are checked as they are read.
    pub(super) fn lacking(&self) -> Vec<&'static str> {
        let Schedule {
            option_profile_id,
            recurrence,
            days: _,
            scan_prefix,
            start_date,
            start_time,
            timezone,
        } = self;
        let parts = [
            ("option_profile_id", option_profile_id.is_none()),
            ("recurrence", recurrence.is_none()),
            ("scan_prefix", scan_prefix.is_none()),
            ("start_date", start_date.is_none()),
            ("start_time", start_time.is_none()),
            ("timezone", timezone.is_none()),
        ];
        parts.into_iter().filter_map(|(part, is_missing)| is_missing.then_some(part)).collect()
    }

    /// Warns of a recurrence that the program does not know.
    pub(super) fn check_words(&self, field: &'static str, report: &mut dyn FnMut(Finding)) {
        if let Some(recurrence) = &self.recurrence {
            recurrence.check(field, report);
        }
    }

    /// Days belong to a weekly scan, and a weekly scan has days; a scan has a title.
    pub(super) fn check(&self) -> Result<(), Misfit> {
        let misfit = |field, message, hint| Err(Misfit { field, message, hint });
        if self.scan_prefix.as_deref().is_some_and(|prefix| prefix.trim().is_empty()) {
            return misfit("scan_prefix", "scan_prefix is empty", "a scan's title starts with it");
        }
        match (&self.recurrence, self.days.as_ref().map(BTreeSet::is_empty)) {
            (Some(Recurrence::Weekly), None | Some(true)) => {
                misfit("days", "recurrence: WEEKLY needs days", "as in days: [SUN, TUE]")
            }
            (Some(Recurrence::Daily), Some(_)) => {
                misfit("days", "recurrence: DAILY takes no days", "remove days, or say WEEKLY")
            }
            (None, Some(_)) => misfit("days", "days needs recurrence beside it", "say WEEKLY"),
            (Some(Recurrence::Weekly), Some(false))
            | (Some(Recurrence::Daily) | None, None)
            | (Some(Recurrence::Other(_)), _) => Ok(()),
        }
    }
}

impl PerimeterScan {
    /// Its own schedule.
    #[must_use]
    pub fn schedule(&self) -> Option<Timetable<'_>> {
        match self {
            PerimeterScan::Own(schedule) => Some(Timetable::Scan(schedule)),
            PerimeterScan::Off | PerimeterScan::Global => None,
        }
    }

    /// Fills what the file leaves out of an own schedule from the one that is there.
    pub fn complete(&mut self, live: &PerimeterScan) {
        if let (PerimeterScan::Own(schedule), PerimeterScan::Own(live)) = (self, live) {
            schedule.complete(live);
        }
    }
}

impl Serialize for PerimeterScan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            PerimeterScan::Off => serializer.serialize_str("off"),
            PerimeterScan::Global => serializer.serialize_str("global"),
            PerimeterScan::Own(schedule) => schedule.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for PerimeterScan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PerimeterScan, D::Error> {
        struct Expected;
        impl<'de> Visitor<'de> for Expected {
            type Value = PerimeterScan;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("off, global, or a schedule ({option_profile_id: 2, recurrence: DAILY, …})")
            }

            fn visit_bool<E: de::Error>(self, on: bool) -> Result<PerimeterScan, E> {
                if on {
                    Err(E::invalid_value(de::Unexpected::Bool(on), &self))
                } else {
                    Ok(PerimeterScan::Off)
                }
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<PerimeterScan, E> {
                match word {
                    "off" => Ok(PerimeterScan::Off),
                    "global" => Ok(PerimeterScan::Global),
                    _ => Err(E::unknown_variant(word, &["off", "global"])),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PerimeterScan, A::Error> {
                let schedule = Schedule::deserialize(de::value::MapAccessDeserializer::new(map))?;
                schedule.check().map_err(de::Error::custom)?;
                Ok(PerimeterScan::Own(schedule))
            }
        }
        deserializer.deserialize_any(Expected)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;

    use super::*;

    fn read(text: &str) -> Result<PerimeterScan, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_schedule_that_cannot_be_says_why() {
        for (text, why) in [
            (r#"{"recurrence": "WEEKLY"}"#, "WEEKLY needs days"),
            (r#"{"recurrence": "WEEKLY", "days": []}"#, "WEEKLY needs days"),
            (r#"{"recurrence": "DAILY", "days": ["SUN"]}"#, "DAILY takes no days"),
            (r#"{"days": ["SUN"]}"#, "days needs recurrence"),
            (r#"{"recurrence": "MON THLY"}"#, "unknown variant `MON THLY`"),
            (r#"{"scan_prefix": " "}"#, "scan_prefix is empty"),
            (r#"{"timezone": "Berlin"}"#, "unknown time zone `Berlin`"),
            (r#"{"start_date": "12/01/2031"}"#, "is no date"),
            (r#"{"start_time": "25:00"}"#, "is no time of day"),
            (r#""sometimes""#, "unknown variant `sometimes`, expected `off` or `global`"),
            ("true", "expected off, global, or a schedule"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn off_has_two_spellings() {
        assert_eq!(read("false"), Ok(PerimeterScan::Off));
        assert_eq!(read(r#""off""#), Ok(PerimeterScan::Off));
    }

    #[test]
    fn a_scan_that_becomes_daily_loses_its_days() {
        let mut wanted = read(r#"{"recurrence": "DAILY"}"#).unwrap();
        let live = read(r#"{"recurrence": "WEEKLY", "days": ["SUN"], "start_time": "15:45"}"#).unwrap();
        wanted.complete(&live);
        assert_eq!(wanted, read(r#"{"recurrence": "DAILY", "start_time": "15:45"}"#).unwrap());
    }

    /// The first run after `now`.
    #[track_caller]
    fn check_run(schedule: &str, now: &str, expected: Option<&str>) {
        let schedule: Schedule = serde_json::from_str(schedule).unwrap();
        let run = schedule.next_run(now.parse().unwrap());
        let run = run.map(|run| run.strftime("%a %F %H:%M %:z").to_string());
        assert_eq!(run.as_deref(), expected, "after {now}");
    }

    #[test]
    fn a_scan_runs_at_its_time_in_its_zone() {
        let daily = r#"{"recurrence": "DAILY", "start_date": "2031-12-01", "start_time": "15:45",
            "timezone": "Africa/Cairo"}"#;
        for (now, run) in [
            // Long before the start, on the first day before and after the time, and long after.
            ("2026-11-21T20:40:12Z", "Mon 2031-12-01 15:45 +02:00"),
            ("2031-12-01T13:44:59Z", "Mon 2031-12-01 15:45 +02:00"),
            ("2031-12-01T13:45:00Z", "Tue 2031-12-02 15:45 +02:00"),
            ("2040-02-29T00:00:00Z", "Wed 2040-02-29 15:45 +02:00"),
        ] {
            check_run(daily, now, Some(run));
        }
        let weekly = r#"{"recurrence": "WEEKLY", "days": ["SUN", "TUE"], "start_date": "2031-12-01",
            "start_time": "00:10", "timezone": "Asia/Kolkata"}"#;
        for (now, run) in [
            ("2026-11-21T20:40:12Z", "Tue 2031-12-02 00:10 +05:30"),
            ("2031-12-01T18:39:59Z", "Tue 2031-12-02 00:10 +05:30"),
            ("2031-12-01T18:40:00Z", "Sun 2031-12-07 00:10 +05:30"),
            ("2031-12-31T18:40:00Z", "Sun 2032-01-04 00:10 +05:30"),
        ] {
            check_run(weekly, now, Some(run));
        }
    }

    #[test]
    fn a_scan_keeps_its_hour_across_daylight_saving() {
        let at = |time: &str, zone: &str| {
            format!(
                r#"{{"recurrence": "DAILY", "start_date": "2006-01-01", "start_time": "{time}", "timezone": "{zone}"}}"#
            )
        };
        let berlin = at("02:30", "Europe/Berlin");
        for (now, run) in [
            ("2026-03-28T12:00:00Z", "Sun 2026-03-29 03:30 +02:00"),
            ("2026-03-29T01:30:00Z", "Mon 2026-03-30 02:30 +02:00"),
            ("2026-10-24T12:00:00Z", "Sun 2026-10-25 02:30 +02:00"),
            ("2026-10-25T00:30:00Z", "Mon 2026-10-26 02:30 +01:00"),
        ] {
            check_run(&berlin, now, Some(run));
        }
        // A whole day was skipped: its run came on the next one, together with that day's own.
        let apia = at("06:00", "Pacific/Apia");
        check_run(&apia, "2011-12-29T16:00:00Z", Some("Sat 2011-12-31 06:00 +14:00"));
        check_run(&apia, "2011-12-30T16:00:00Z", Some("Sun 2012-01-01 06:00 +14:00"));
        // What is moved past midnight belongs to the day before (America/Santiago, a day without 00:00-01:00).
        let late = at("00:30", "America/Santiago");
        check_run(&late, "2026-09-06T03:00:00Z", Some("Sun 2026-09-06 01:30 -03:00"));
    }

    #[test]
    fn another_name_of_the_same_zone_is_taken_as_it_is_there() {
        for (file, live, taken) in [
            ("US/Eastern", "America/New_York", "America/New_York"),
            ("America/New_York", "US/Eastern", "US/Eastern"),
            ("Asia/Calcutta", "Asia/Kolkata", "Asia/Kolkata"),
            ("UTC", "Etc/UTC", "Etc/UTC"),
            ("UTC", "Zulu", "Zulu"),
            // Alike now and ahead, whatever was before.
            ("Europe/Berlin", "Europe/Paris", "Europe/Paris"),
            ("UTC", "GMT", "GMT"),
            ("Europe/London", "Europe/Dublin", "Europe/Dublin"),
            // Alike for a part of the year.
            ("Europe/Berlin", "Europe/London", "Europe/Berlin"),
            ("Africa/Cairo", "Africa/Tripoli", "Africa/Cairo"),
            // Nothing is known of these.
            ("Africa/Cairo", "GMT+2 (Cairo)", "Africa/Cairo"),
        ] {
            let of = |name: &str| Schedule {
                timezone: Some(ZoneName::from_platform(name)),
                ..Schedule::default()
            };
            let mut wanted = of(file);
            wanted.complete(&of(live));
            assert_eq!(wanted, of(taken), "{file} and {live}");
        }
    }

    #[test]
    fn without_a_part_that_decides_it_there_is_no_next_run() {
        let whole = serde_json::json!({"recurrence": "WEEKLY", "days": ["SUN"], "start_date": "2031-12-01",
            "start_time": "15:45", "timezone": "UTC"});
        let now = "2026-11-21T20:40:12Z".parse().unwrap();
        let run = |value: serde_json::Value| serde_json::from_value::<Schedule>(value).unwrap().next_run(now);
        assert!(run(whole.clone()).is_some());
        for part in ["recurrence", "days", "start_date", "start_time", "timezone"] {
            let mut rest = whole.clone();
            rest.as_object_mut().unwrap().remove(part);
            assert_eq!(run(rest), None, "without {part}");
        }
        let mut odd: Schedule = serde_json::from_value(whole).unwrap();
        odd.timezone = Some(ZoneName::from_platform("GMT+2 (Berlin)"));
        assert_eq!(odd.next_run(now), None);
        odd.timezone = Some(ZoneName::from_platform("UTC"));
        odd.days = Some(BTreeSet::new());
        assert_eq!(odd.next_run(now), None);
        odd.days = Some(BTreeSet::from([Day::Sun]));
        odd.start_date = Some(ScanDate(Date::MAX));
        assert_eq!(odd.next_run(now), None);
    }

    #[test]
    fn how_a_date_or_a_time_is_written_makes_no_difference() {
        let schedule = |date: &str, time: &str| Schedule {
            start_date: ScanDate::from_platform(date),
            start_time: ScanTime::parse(time),
            ..Schedule::default()
        };
        let file: Schedule =
            serde_json::from_str(r#"{"start_date": "2022-06-22", "start_time": "9:05"}"#).unwrap();
        for (date, time) in
            [("06/22/2022", "09:05"), ("22/06/2022", "9:05"), ("6/22/2022", "9:05"), ("22/6/2022", "09:05")]
        {
            assert_eq!(schedule(date, time), file, "{date} {time}");
        }
        // What cannot be told apart is as specified, month first.
        assert_eq!(
            schedule("05/06/2022", "09:05").start_date.map(|date| date.to_string()).as_deref(),
            Some("2022-05-06")
        );
        assert_ne!(schedule("05/06/2022", "09:05"), schedule("06/05/2022", "09:05"));
    }
}
