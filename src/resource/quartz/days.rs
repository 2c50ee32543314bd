//! The two fields for days: which days of a month they name.

use jiff::civil::{Date, Weekday};

use super::{DAY_OF_MONTH, DAY_OF_WEEK, Field, Values, number};

/// The days within a month, by whichever of the two fields says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Days {
    Every,
    OfMonth(Values),
    /// So many days before the last one; with `weekday`, the weekday that is nearest to that.
    Last {
        before: i16,
        weekday: bool,
    },
    /// The weekday that is nearest to this day, within the month.
    NearestWeekday(i16),
    /// Days of the week, 1 is Sunday.
    OfWeek(Values),
    /// The last such day of the week.
    LastOfWeek(i16),
    /// The first, second, … such day of the week.
    NthOfWeek(i16, i16),
}

impl Days {
    pub(super) fn read(fields: &[&str], of_month: &str, of_week: &str) -> Result<Days, String> {
        let with = |at: usize, other: &str| {
            let mut fields = fields.to_vec();
            fields[at] = other;
            fields.join(" ")
        };
        match (of_month, of_week) {
            ("?", "?") => Err(format!(
                "? stands in both fields for days, and Quartz wants it in one: expected {} for every day",
                with(5, "*")
            )),
            ("?", days) => Days::read_of_week(days),
            (days, "?") => Days::read_of_month(days),
            (_, "*") => Err(neither(&with(5, "?"))),
            ("*", _) => Err(neither(&with(3, "?"))),
            (_, _) => Err(format!(
                "day-of-month and day-of-week both name days, which Quartz does not combine: expected ? in one \
                 of them, {} or {}",
                with(5, "?"),
                with(3, "?")
            )),
        }
    }

    fn read_of_month(text: &str) -> Result<Days, String> {
        let field = DAY_OF_MONTH;
        if !text.contains(['L', 'l', 'W', 'w']) {
            let days = field.values(text)?;
            return Ok(if days == field.all() { Days::Every } else { Days::OfMonth(days) });
        }
        stand_alone(&field, text, "L and W")?;
        let (day, weekday) = match text.strip_suffix(['W', 'w']) {
            Some(day) => (day, true),
            None => (text, false),
        };
        match (day.strip_prefix(['L', 'l']), weekday) {
            (Some(""), _) => Ok(Days::Last { before: 0, weekday }),
            (Some(before), _) => match before.strip_prefix('-').and_then(number) {
                Some(before @ 0..=30) => Ok(Days::Last { before, weekday }),
                Some(_) | None => Err(field.wrong(text, "")),
            },
            (None, true) => match field.value(day) {
                Some(day) => Ok(Days::NearestWeekday(day)),
                None => Err(field.wrong(text, "")),
            },
            (None, false) => Err(field.wrong(text, "")),
        }
    }

    fn read_of_week(text: &str) -> Result<Days, String> {
        let field = DAY_OF_WEEK;
        let day = |day: &str| field.value(day).ok_or_else(|| field.wrong(text, ""));
        if text.contains(['L', 'l', '#']) {
            stand_alone(&field, text, "L and #")?;
        }
        if text.eq_ignore_ascii_case("L") {
            // The last day of the week, whatever the month.
            return Ok(Days::OfWeek(Values::from([7])));
        }
        if let Some(last) = text.strip_suffix(['L', 'l']) {
            return Ok(Days::LastOfWeek(day(last)?));
        }
        if let Some((of_week, nth)) = text.split_once('#') {
            return match number(nth) {
                Some(nth @ 1..=5) => Ok(Days::NthOfWeek(day(of_week)?, nth)),
                Some(_) | None => Err(field.wrong(text, "has a number after # that is not from 1 to 5")),
            };
        }
        let days = field.values(text)?;
        Ok(if days == field.all() { Days::Every } else { Days::OfWeek(days) })
    }

    /// Whether they are among the days of that date's month.
    pub(super) fn contain(&self, date: Date) -> bool {
        let (day, last) = (i16::from(date.day()), i16::from(date.days_in_month()));
        let weekday = i16::from(date.weekday().to_sunday_one_offset());
        match self {
            Days::Every => true,
            Days::OfMonth(days) => days.contains(&day),
            Days::Last { before, weekday } => {
                let wanted = last - before;
                wanted >= 1 && day == if *weekday { nearest_weekday(date, wanted) } else { wanted }
            }
            Days::NearestWeekday(wanted) => *wanted <= last && day == nearest_weekday(date, *wanted),
            Days::OfWeek(days) => days.contains(&weekday),
            Days::LastOfWeek(wanted) => weekday == *wanted && day + 7 > last,
            Days::NthOfWeek(wanted, nth) => weekday == *wanted && (day - 1) / 7 + 1 == *nth,
        }
    }
}

/// What to write where days are restricted by one field alone and `?` is missing.
fn neither(instead: &str) -> String {
    format!("neither day-of-month nor day-of-week is ?, and Quartz wants it in one: expected {instead}")
}

/// Quartz's own documents warn of these letters in lists and ranges, and some versions refuse them.
fn stand_alone(field: &Field, text: &str, letters: &str) -> Result<(), String> {
    if text.contains([',', '/']) {
        return Err(field.wrong(text, &format!("has more beside {letters}, which stand alone")));
    }
    Ok(())
}

/// The weekday that is nearest to a day of that date's month and lies in the same month.
fn nearest_weekday(date: Date, day: i16) -> i16 {
    let last = i16::from(date.days_in_month());
    let there = i8::try_from(day).ok().and_then(|day| Date::new(date.year(), date.month(), day).ok());
    match there.map(Date::weekday) {
        Some(Weekday::Saturday) if day == 1 => 3,
        Some(Weekday::Saturday) => day - 1,
        Some(Weekday::Sunday) if day == last => day - 2,
        Some(Weekday::Sunday) => day + 1,
        Some(_) | None => day,
    }
}
