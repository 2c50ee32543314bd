//! Perimeter scans: off, by the global configuration, or on a schedule of their own.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::{Date, Time};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

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

/// How a scan comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Recurrence {
    /// Every day.
    Daily,
    /// On the days that are named.
    Weekly,
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

/// A calendar date, `2031-12-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScanDate(pub Date);

/// A time of day to the minute, `15:45`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScanTime(pub Time);

impl ScanDate {
    /// Reads what the platform shows: `mm/dd/yyyy` as specified, and `dd/mm/yyyy`, which samples show, where
    /// the two can be told apart. `None` for anything else.
    #[must_use]
    pub fn from_platform(text: &str) -> Option<ScanDate> {
        let mut parts = text.split('/');
        let (a, b, year) = (parts.next()?, parts.next()?, parts.next()?);
        let (a, b, year) = (a.parse().ok()?, b.parse().ok()?, year.parse().ok()?);
        let (month, day) = if a > 12 { (b, a) } else { (a, b) };
        Date::new(year, month, day).ok().map(ScanDate)
    }

    /// The specified form, `mm/dd/yyyy`.
    #[must_use]
    pub fn to_platform(self) -> String {
        format!("{:02}/{:02}/{:04}", self.0.month(), self.0.day(), self.0.year())
    }
}

impl fmt::Display for ScanDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl ScanTime {
    /// Reads `HH:MM`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<ScanTime> {
        let (hour, minute) = text.split_once(':')?;
        let digits = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(hour) || !digits(minute) {
            return None;
        }
        Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok().map(ScanTime)
    }
}

impl fmt::Display for ScanTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl Serialize for ScanDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for ScanTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScanDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ScanDate, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(ScanDate).map_err(|_| {
            de::Error::custom(format!("`{text}` is no date: expected year-month-day, as in 2031-12-01"))
        })
    }
}

impl<'de> Deserialize<'de> for ScanTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ScanTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        ScanTime::parse(&text).ok_or_else(|| {
            de::Error::custom(format!("`{text}` is no time of day: expected HH:MM, as in \"15:45\""))
        })
    }
}

/// The name of a time zone in the IANA database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ZoneName(String);

impl ZoneName {
    /// The name as the platform gives it, unchecked.
    #[must_use]
    pub fn from_platform(name: impl Into<String>) -> ZoneName {
        ZoneName(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ZoneName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ZoneName, D::Error> {
        let name = String::deserialize(deserializer)?;
        match name.parse::<chrono_tz::Tz>() {
            Ok(_) => Ok(ZoneName(name)),
            Err(_) => Err(de::Error::custom(format!(
                "unknown time zone `{name}`: expected a name of the IANA database, as in Europe/Berlin"
            ))),
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
    /// Fills what is left out from the schedule that is there.
    pub(super) fn complete(&mut self, live: &Schedule) {
        let Schedule { option_profile_id, recurrence, days, scan_prefix, start_date, start_time, timezone } =
            self;
        *option_profile_id = option_profile_id.or(live.option_profile_id);
        *recurrence = recurrence.or(live.recurrence);
        if days.is_none() && *recurrence != Some(Recurrence::Daily) {
            days.clone_from(&live.days);
        }
        if scan_prefix.is_none() {
            scan_prefix.clone_from(&live.scan_prefix);
        }
        *start_date = start_date.or(live.start_date);
        *start_time = start_time.or(live.start_time);
        if timezone.is_none() {
            timezone.clone_from(&live.timezone);
        }
    }

    /// Days belong to a weekly scan, and a weekly scan has days; a scan has a title.
    pub(super) fn check(&self) -> Result<(), Misfit> {
        let misfit = |field, message, hint| Err(Misfit { field, message, hint });
        if self.scan_prefix.as_deref().is_some_and(|prefix| prefix.trim().is_empty()) {
            return misfit("scan_prefix", "scan_prefix is empty", "a scan's title starts with it");
        }
        match (self.recurrence, self.days.as_ref().map(BTreeSet::is_empty)) {
            (Some(Recurrence::Weekly), None | Some(true)) => {
                misfit("days", "recurrence: WEEKLY needs days", "as in days: [SUN, TUE]")
            }
            (Some(Recurrence::Daily), Some(_)) => {
                misfit("days", "recurrence: DAILY takes no days", "remove days, or say WEEKLY")
            }
            (None, Some(_)) => misfit("days", "days needs recurrence beside it", "say WEEKLY"),
            (Some(Recurrence::Weekly), Some(false)) | (Some(Recurrence::Daily) | None, None) => Ok(()),
        }
    }
}

impl PerimeterScan {
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
    use super::*;

    fn read(text: &str) -> Result<PerimeterScan, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn both_orders_of_a_date_are_read_where_they_can_be_told_apart() {
        for (text, date) in [
            ("12/01/2031", Some("2031-12-01")),
            ("06/22/2022", Some("2022-06-22")),
            ("31/05/2022", Some("2022-05-31")),
            ("MM/DD/YYYY", None),
            ("13/13/2022", None),
            ("2022-06-22", None),
            ("", None),
        ] {
            let read = ScanDate::from_platform(text).map(|date| date.to_string());
            assert_eq!(read.as_deref(), date, "{text}");
        }
        assert_eq!(ScanDate::from_platform("6/2/2022").unwrap().to_platform(), "06/02/2022");
    }

    #[test]
    fn a_schedule_that_cannot_be_says_why() {
        for (text, why) in [
            (r#"{"recurrence": "WEEKLY"}"#, "WEEKLY needs days"),
            (r#"{"recurrence": "WEEKLY", "days": []}"#, "WEEKLY needs days"),
            (r#"{"recurrence": "DAILY", "days": ["SUN"]}"#, "DAILY takes no days"),
            (r#"{"days": ["SUN"]}"#, "days needs recurrence"),
            (r#"{"recurrence": "MONTHLY"}"#, "unknown variant `MONTHLY`"),
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
}
