//! Quartz's cron expressions: six fields, or seven with a year.

use std::ops::RangeInclusive;

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// What one field takes besides `*`.
struct Part {
    range: RangeInclusive<u32>,
    /// Names of the range's values from its first one on.
    names: &'static [&'static str],
    /// Whether a range may end below its start, and go round.
    round: bool,
    wrong: &'static str,
}

const SECONDS: Part =
    Part { range: 0..=59, names: &[], round: true, wrong: "a cron expression with seconds from 0 to 59" };
const MINUTES: Part =
    Part { range: 0..=59, names: &[], round: true, wrong: "a cron expression with minutes from 0 to 59" };
const HOURS: Part =
    Part { range: 0..=23, names: &[], round: true, wrong: "a cron expression with hours from 0 to 23" };
const OF_MONTH: Part = Part {
    range: 1..=31,
    names: &[],
    round: true,
    wrong: "a cron expression with days of the month from 1 to 31",
};
const MONTH: Part = Part {
    range: 1..=12,
    names: MONTHS,
    round: true,
    wrong: "a cron expression with months from 1 to 12, or JAN to DEC",
};
const OF_WEEK: Part = Part {
    range: 1..=7,
    names: DAYS,
    round: true,
    wrong: "a cron expression with days of the week from 1 to 7, or SUN to SAT",
};
const YEAR: Part = Part {
    range: 1970..=2099,
    names: &[],
    round: false,
    wrong: "a cron expression with years from 1970 to 2099",
};

/// Says what is wrong with an expression.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    let text = text.to_ascii_uppercase();
    let fields: Vec<&str> = text.split_whitespace().collect();
    let (&[second, minute, hour, of_month, month, of_week], year) = (match fields.as_slice() {
        [six @ .., _] if six.len() == 6 => (six, fields.last()),
        six => (six, None),
    }) else {
        return Err("a cron expression of six or seven fields");
    };
    if (of_month == "?") == (of_week == "?") {
        return Err("a cron expression with ? for one of day of month and day of week");
    }
    for (part, field) in [(&SECONDS, second), (&MINUTES, minute), (&HOURS, hour), (&MONTH, month)] {
        part.check(field)?;
    }
    if of_month != "?" && !is_last_or_weekday(of_month) {
        OF_MONTH.check(of_month)?;
    }
    if of_week != "?" && !is_last_or_nth(of_week) {
        OF_WEEK.check(of_week)?;
    }
    year.map_or(Ok(()), |year| YEAR.check(year))
}

/// `L`, `L-3`, `LW`, `L-3W`, `15W`.
fn is_last_or_weekday(field: &str) -> bool {
    let day = field.strip_suffix('W');
    match day.unwrap_or(field).strip_prefix('L') {
        Some("") => true,
        Some(before) => before.strip_prefix('-').and_then(number).is_some_and(|before| before <= 30),
        None => day.is_some_and(|day| OF_MONTH.value(day).is_some()),
    }
}

/// `L`, `6L`, `FRIL`, `6#3`.
fn is_last_or_nth(field: &str) -> bool {
    let day = |text: &str| OF_WEEK.value(text).is_some();
    field == "L"
        || field.strip_suffix('L').is_some_and(day)
        || field
            .split_once('#')
            .is_some_and(|(name, nth)| day(name) && matches!(nth, "1" | "2" | "3" | "4" | "5"))
}

impl Part {
    fn check(&self, field: &str) -> Result<(), &'static str> {
        if field.split(',').all(|item| self.takes(item)) { Ok(()) } else { Err(self.wrong) }
    }

    /// `5`, `5-9`, `*`, each with or without `/2`; `/2` is `*/2`. Ranges go round, but for years.
    fn takes(&self, item: &str) -> bool {
        let (base, step) = match item.split_once('/') {
            Some((base, step)) => (base, Some(step)),
            None => (item, None),
        };
        let step_taken =
            step.is_none_or(|step| number(step).is_some_and(|step| step > 0 && step <= *self.range.end()));
        step_taken
            && match base.split_once('-') {
                Some((from, to)) => match (self.value(from), self.value(to)) {
                    (Some(first), Some(last)) => {
                        let alike = number(from).is_some() == number(to).is_some();
                        alike && (first <= last || self.round)
                    }
                    (Some(_) | None, _) => false,
                },
                None => base == "*" || (base.is_empty() && step.is_some()) || self.value(base).is_some(),
            }
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = (*self.range.start()..).zip(self.names).find(|(_, name)| **name == text);
        named.map(|(value, _)| value).or_else(|| number(text).filter(|value| self.range.contains(value)))
    }
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
