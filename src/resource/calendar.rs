//! The dates, times and time zones of scans, as the file and the platform write them.

use std::fmt;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use serde::de::{self, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

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

/// The time zones that come with the program: the same on every machine, and read from no file.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

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

    /// The zone, where the name is one that the program knows.
    #[must_use]
    pub fn zone(&self) -> Option<TimeZone> {
        ZONES.get(&self.0).ok()
    }

    /// Whether both are names of zones with the same clocks, now and ahead: old names (`US/Eastern`, `America/New_York`),
    /// other names of one time (`UTC`, `GMT`, `Etc/UTC`), and places that share their rules. What was before no schedule
    /// asks for.
    #[must_use]
    pub fn means(&self, other: &ZoneName) -> bool {
        let zones = || self.zone().zip(other.zone());
        self == other || zones().is_some_and(|(one, other)| clocks(&one).eq(clocks(&other)))
    }
}

/// Every change of a zone's clocks from the year on whose rules the program comes with, with the offset that it leads
/// to. By rules that go on for ever, as far as schedules are made.
fn clocks(zone: &TimeZone) -> impl Iterator<Item = (Timestamp, Offset)> {
    const FAR: i16 = 2200;
    /// 1 January 2026.
    const NOW: i64 = 1_767_225_600;
    let now = Timestamp::from_second(NOW).unwrap_or(Timestamp::MIN);
    let mut last = zone.to_offset(now);
    let first = (now, last);
    let later = zone
        .following(now)
        .map(|change| (change.timestamp(), change.offset()))
        .take_while(|(at, offset)| offset.to_datetime(*at).year() < FAR)
        // A change of the name alone moves no clock.
        .filter(|(_, offset)| std::mem::replace(&mut last, *offset) != *offset)
        .collect::<Vec<_>>();
    std::iter::once(first).chain(later)
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn zones_with_the_same_clocks_now_and_ahead_are_one() {
        for (one, other, same) in [
            ("UTC", "GMT", true),
            ("UTC", "Etc/GMT", true),
            ("Etc/UTC", "GMT0", true),
            ("US/Eastern", "America/New_York", true),
            ("Europe/Berlin", "Europe/Paris", true),
            ("Asia/Kolkata", "Asia/Calcutta", true),
            ("Europe/Berlin", "Europe/London", false),
            ("UTC", "Europe/London", false),
            ("Africa/Lagos", "Europe/Berlin", false),
            ("America/Phoenix", "America/Denver", false),
            ("Nowhere/At_All", "UTC", false),
        ] {
            let (one, other) = (ZoneName::from_platform(one), ZoneName::from_platform(other));
            assert_eq!((one.means(&other), other.means(&one)), (same, same), "{one:?} {other:?}");
        }
    }

    #[test]
    fn every_zone_that_the_file_may_name_has_next_runs() {
        for zone in chrono_tz::TZ_VARIANTS {
            assert!(ZONES.get(zone.name()).is_ok(), "{zone}");
        }
    }
}
