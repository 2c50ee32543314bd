//! Cron as the Quartz scheduler understands it: seconds first, Sunday is day 1, and of the two fields for days
//! exactly one is `?`. Everything is checked here, since the platform tells neither why it refuses a schedule
//! nor when one runs.
//!
//! Written for this program: the crates that read cron know part of Quartz alone (`L-3`, ranges that wrap
//! around and steps from a number are refused, `?` may stand in both fields), and none says which field is wrong.
//! Where versions of Quartz differ, this takes what all of them document: `L`, `W` and `#` stand alone.

mod days;
#[cfg(test)]
mod second_reading;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, Zoned};
use serde::de::{self, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use days::Days;

/// A Quartz cron expression. It keeps how it was written, and two that are written alike are equal; whether they mean
/// the same is asked apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuartzCron {
    written: String,
    meaning: Meaning,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Meaning {
    seconds: Values,
    minutes: Values,
    hours: Values,
    days: Days,
    months: Values,
    years: Values,
}

type Values = BTreeSet<i16>;

/// A field of the expression.
struct Field {
    name: &'static str,
    low: i16,
    high: i16,
    /// Names that stand for values, from `low` on.
    words: &'static [&'static str],
    /// What is accepted, in an error's words.
    accepted: &'static str,
    /// Whether a range may end below its start, and wrap around.
    wraps: bool,
}

const SECONDS: Field = Field {
    name: "seconds",
    low: 0,
    high: 59,
    words: &[],
    accepted: "0 to 59, *, lists, ranges and steps, as in 0 or 0/15",
    wraps: true,
};
const MINUTES: Field = Field { name: "minutes", ..SECONDS };
const HOURS: Field = Field {
    name: "hours",
    high: 23,
    accepted: "0 to 23, *, lists, ranges and steps, as in 2, 8-18 or 0/6",
    ..SECONDS
};
const DAY_OF_MONTH: Field = Field {
    name: "day-of-month",
    low: 1,
    high: 31,
    accepted: "1 to 31, *, ?, lists, ranges and steps, or one of L, L-3, LW, 15W alone",
    ..SECONDS
};
const MONTH: Field = Field {
    name: "month",
    low: 1,
    high: 12,
    words: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    accepted: "1 to 12 or JAN to DEC, *, lists, ranges and steps",
    ..SECONDS
};
const DAY_OF_WEEK: Field = Field {
    name: "day-of-week",
    low: 1,
    high: 7,
    words: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    accepted: "1 to 7 or SUN to SAT (1 is SUN), *, ?, lists, ranges and steps, or one of L, 6L, 6#3 alone",
    ..SECONDS
};
const YEAR: Field = Field {
    name: "year",
    low: 1970,
    high: 2099,
    words: &[],
    accepted: "1970 to 2099, *, lists, ranges and steps",
    wraps: false,
};

impl Field {
    fn all(&self) -> Values {
        (self.low..=self.high).collect()
    }

    fn wrong(&self, text: &str, why: &str) -> String {
        let text = if text.is_empty() { "nothing".to_owned() } else { format!("`{text}`") };
        let why = if why.is_empty() { "is not accepted" } else { why };
        format!("{text} in the {} field {why}: expected {}", self.name, self.accepted)
    }

    /// A number or a name; `None` for a name that is none.
    fn value(&self, text: &str) -> Option<i16> {
        let word = self.words.iter().position(|word| word.eq_ignore_ascii_case(text));
        let value = match word {
            Some(place) => self.low + i16::try_from(place).ok()?,
            None => number(text)?,
        };
        (self.low..=self.high).contains(&value).then_some(value)
    }

    /// A list of values, ranges and steps.
    fn values(&self, text: &str) -> Result<Values, String> {
        let mut values = Values::new();
        for part in text.split(',') {
            self.add(part, &mut values)?;
        }
        Ok(values)
    }

    fn add(&self, part: &str, values: &mut Values) -> Result<(), String> {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, Some(self.step(part, step)?)),
            None => (part, None),
        };
        let wrong = || self.wrong(part, "");
        let (from, to) = match (span.split_once('-'), step) {
            (Some((from, to)), _) => {
                if number(from).is_some() != number(to).is_some() {
                    return Err(self.wrong(part, "mixes a name and a number, which Quartz does not read"));
                }
                (self.value(from).ok_or_else(wrong)?, self.value(to).ok_or_else(wrong)?)
            }
            // Quartz reads `/15` as `*/15`.
            (None, Some(_)) if span.is_empty() => (self.low, self.high),
            (None, _) if span == "*" => (self.low, self.high),
            // A step from a value on goes to the end of the field.
            (None, Some(_)) => (self.value(span).ok_or_else(wrong)?, self.high),
            (None, None) => {
                values.insert(self.value(span).ok_or_else(wrong)?);
                return Ok(());
            }
        };
        if step.is_some() && span.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            return Err(self.wrong(part, "has a step after a name, which Quartz drops: write numbers"));
        }
        if to < from && !self.wraps {
            return Err(self.wrong(part, "ends before it starts"));
        }
        let count = self.high - self.low + 1;
        let end = if to < from { to + count } else { to };
        let step = usize::try_from(step.unwrap_or(1)).unwrap_or(1);
        let around = |value: i16| if value > self.high { value - count } else { value };
        values.extend((from..=end).step_by(step).map(around));
        Ok(())
    }

    fn step(&self, part: &str, step: &str) -> Result<i16, String> {
        // The greatest step that makes sense; Quartz refuses others.
        let most = if self.low == 0 { self.high } else { self.high - self.low + 1 };
        match number(step) {
            Some(step) if (1..=most).contains(&step) => Ok(step),
            Some(_) | None => Err(self.wrong(part, &format!("has a step that is not from 1 to {most}"))),
        }
    }
}

/// Digits alone: what `parse` would also take (`+5`) Quartz does not.
fn number(text: &str) -> Option<i16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl FromStr for QuartzCron {
    type Err = String;

    fn from_str(text: &str) -> Result<QuartzCron, String> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let written = fields.join(" ");
        let (seconds, minutes, hours, day_of_month, month, day_of_week, year) = match *fields {
            [seconds, minutes, hours, day_of_month, month, day_of_week] => {
                (seconds, minutes, hours, day_of_month, month, day_of_week, "*")
            }
            [seconds, minutes, hours, day_of_month, month, day_of_week, year] => {
                (seconds, minutes, hours, day_of_month, month, day_of_week, year)
            }
            _ => {
                let (count, s) = (fields.len(), if fields.len() == 1 { "" } else { "s" });
                return Err(format!(
                    "the schedule has {count} field{s}: expected the 6 or 7 of Quartz (seconds minutes hours \
                     day-of-month month day-of-week [year]), as in 0 0 2 ? * * * for every day at 02:00"
                ));
            }
        };
        let meaning = Meaning {
            seconds: SECONDS.values(seconds)?,
            minutes: MINUTES.values(minutes)?,
            hours: HOURS.values(hours)?,
            days: Days::read(&fields, day_of_month, day_of_week)?,
            months: MONTH.values(month)?,
            years: YEAR.values(year)?,
        };
        if meaning.dates_from(Date::constant(YEAR.low, 1, 1)).next().is_none() {
            return Err(format!("`{written}` never runs: expected days that its months and years have"));
        }
        Ok(QuartzCron { written, meaning })
    }
}

impl Meaning {
    /// The days on which it runs, from this one on, up to the last year that Quartz knows.
    fn dates_from(&self, from: Date) -> impl Iterator<Item = Date> {
        let first = from.max(Date::constant(YEAR.low, 1, 1));
        std::iter::successors(Some(first), |date| date.tomorrow().ok())
            .take_while(|date| date.year() <= YEAR.high)
            .filter(|date| {
                self.years.contains(&date.year())
                    && self.months.contains(&i16::from(date.month()))
                    && self.days.contain(*date)
            })
    }

    /// The times of day at which it runs.
    fn times(&self) -> impl Iterator<Item = Time> {
        let small = |value: i16| i8::try_from(value).unwrap_or(0);
        self.hours.iter().flat_map(move |hour| {
            self.minutes.iter().flat_map(move |minute| {
                self.seconds
                    .iter()
                    .map(move |second| Time::constant(small(*hour), small(*minute), small(*second), 0))
            })
        })
    }
}

impl QuartzCron {
    /// The field for days of the week where it has numbers, and the names of the days that it means.
    pub(super) fn numbered_days(&self) -> Option<(&str, String)> {
        let field = self.written.split(' ').nth(5)?;
        let counts = |part: &str| {
            part.split(['/', '#']).next().is_some_and(|span| span.contains(|c: char| c.is_ascii_digit()))
        };
        let days: Vec<i16> = match &self.meaning.days {
            _ if !field.split(',').any(counts) => return None,
            Days::OfWeek(days) => days.iter().copied().collect(),
            Days::LastOfWeek(day) | Days::NthOfWeek(day, _) => vec![*day],
            Days::Every | Days::OfMonth(_) | Days::Last { .. } | Days::NearestWeekday(_) => return None,
        };
        let name = |day: i16| {
            usize::try_from(day - DAY_OF_WEEK.low).ok().and_then(|at| DAY_OF_WEEK.words.get(at).copied())
        };
        Some((field, days.into_iter().filter_map(name).collect::<Vec<_>>().join(", ")))
    }

    /// The next `count` runs after an instant, if it runs that often, on the clocks of `zone`.
    ///
    /// A time that daylight saving skips does not come. One that comes twice counts once, at its second
    /// coming, in standard time: so Java reads it, in which Quartz is written.
    #[must_use]
    pub fn next_runs(&self, after: Timestamp, zone: &TimeZone, count: usize) -> Vec<Zoned> {
        let here = after.to_zoned(zone.clone()).datetime();
        // While a repeated hour passes for the first time, what it repeats is still to come.
        let repeated = match zone.to_ambiguous_zoned(here).offset() {
            AmbiguousOffset::Fold { before, after } => before.duration_since(after),
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => jiff::SignedDuration::ZERO,
        };
        let from = here.checked_sub(repeated).unwrap_or(here);
        self.meaning
            .dates_from(from.date())
            .flat_map(|date| self.meaning.times().map(move |time| date.to_datetime(time)))
            .skip_while(|local| *local < from)
            .filter_map(|local| coming(zone, local))
            .filter(|run| run.timestamp() > after)
            .take(count)
            .collect()
    }

    /// Whether it runs at the same times, however the two are written.
    #[must_use]
    pub fn means(&self, other: &QuartzCron) -> bool {
        self.meaning == other.meaning
    }

    /// Takes over how another one is written that means the same, so that comparing the texts finds no
    /// difference.
    pub fn complete(&mut self, live: &QuartzCron) {
        if self.means(live) {
            self.written.clone_from(&live.written);
        }
    }
}

/// When a local time comes; `None` for one that is skipped.
fn coming(zone: &TimeZone, local: DateTime) -> Option<Zoned> {
    let ambiguous = zone.to_ambiguous_zoned(local);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => None,
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.later().ok(),
    }
}

impl fmt::Display for QuartzCron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Serialize for QuartzCron {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

impl<'de> Deserialize<'de> for QuartzCron {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<QuartzCron, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
