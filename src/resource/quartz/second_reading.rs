//! Quartz's own words read a second time: slowly, a day and a second at a time, without sets and without jumps. Both
//! readings have to find the same runs.

use jiff::ToSpan;
use proptest::prelude::*;

use super::*;

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Whether a field of values from `low` to `high`, which `names` may stand for, has the value.
fn has(text: &str, (low, high): (i16, i16), names: &[&str], value: i16) -> bool {
    let number = |text: &str| match names.iter().position(|name| *name == text) {
        Some(at) => low + i16::try_from(at).unwrap(),
        None => text.parse().unwrap(),
    };
    text.split(',').any(|part| {
        let (span, step) = part.split_once('/').unwrap_or((part, ""));
        let (from, to) = match span.split_once('-') {
            Some((from, to)) => (number(from), number(to)),
            None if span == "*" || span.is_empty() => (low, high),
            None if !step.is_empty() => (number(span), high),
            None => (number(span), number(span)),
        };
        // "Overflowing ranges": a range that ends below its start goes round.
        let behind = |value: i16| (value - from).rem_euclid(high - low + 1);
        let step = if step.is_empty() { 1 } else { step.parse().unwrap() };
        behind(value) <= behind(to) && behind(value) % step == 0
    })
}

/// The days of a date's month.
fn month_of(date: Date) -> impl Iterator<Item = Date> {
    date.first_of_month().series(1.day()).take_while(move |day| day.month() == date.month())
}

fn is_working_day(date: Date) -> bool {
    !matches!(date.weekday(), jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday)
}

/// "The weekday (Monday-Friday) nearest the given day. […] it will not 'jump' over the boundary of a month's days."
fn nearest_working_day(wanted: Date) -> Date {
    let distance = |day: &Date| i32::from(day.day() - wanted.day()).abs();
    month_of(wanted).filter(|day| is_working_day(*day)).min_by_key(distance).unwrap()
}

/// Whether the day-of-month field names that day.
fn in_month(text: &str, date: Date) -> bool {
    let on = |day: i16| month_of(date).find(|other| i16::from(other.day()) == day);
    let last = date.last_of_month();
    let (text, working) = text.strip_suffix('W').map_or((text, false), |text| (text, true));
    let wanted = match text.strip_prefix('L') {
        Some("") => Some(last),
        Some(before) => on(i16::from(last.day()) + before.parse::<i16>().unwrap()),
        None if working => on(text.parse().unwrap()),
        None => return has(text, (1, 31), &[], i16::from(date.day())),
    };
    wanted.is_some_and(|wanted| date == if working { nearest_working_day(wanted) } else { wanted })
}

/// Whether the day-of-week field names that day.
fn in_week(text: &str, date: Date) -> bool {
    let number = i16::from(date.weekday().to_sunday_one_offset());
    let is = |day: &str| has(day, (1, 7), &DAYS, number);
    let same: Vec<Date> = month_of(date).filter(|day| day.weekday() == date.weekday()).collect();
    if text == "L" {
        return date.weekday() == jiff::civil::Weekday::Saturday;
    }
    if let Some(day) = text.strip_suffix('L') {
        return is(day) && same.last() == Some(&date);
    }
    match text.split_once('#') {
        Some((day, nth)) => is(day) && same.get(nth.parse::<usize>().unwrap() - 1) == Some(&date),
        None => is(text),
    }
}

/// Whether the expression runs on that day.
fn runs_on(text: &str, date: Date) -> bool {
    let fields: Vec<&str> = text.split(' ').collect();
    let year = fields.get(6).copied().unwrap_or("*");
    has(fields[4], (1, 12), &MONTHS, i16::from(date.month()))
        && has(year, (1970, 2099), &[], date.year())
        && (fields[3] == "?" || in_month(fields[3], date))
        && (fields[5] == "?" || in_week(fields[5], date))
}

/// Whether it runs at that time of the days on which it runs.
fn runs_at(text: &str, time: Time) -> bool {
    let fields: Vec<&str> = text.split(' ').collect();
    [(fields[0], 59, time.second()), (fields[1], 59, time.minute()), (fields[2], 23, time.hour())]
        .iter()
        .all(|(text, high, value)| has(text, (0, *high), &[], i16::from(*value)))
}

/// A field of numbers or names: values, ranges that go round, steps, lists.
fn field(low: i16, high: i16, names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let value = low..=high;
    let steps = 1..high - low + 1;
    let written = move |value: i16| {
        let at = usize::try_from(value - low).unwrap();
        names.get(at).map_or_else(|| value.to_string(), |name| (*name).to_owned())
    };
    let number = (value.clone(), value.clone(), steps);
    prop_oneof![
        Just("*".to_owned()),
        value.clone().prop_map(|value| value.to_string()),
        value.clone().prop_map(written),
        (value.clone(), value.clone()).prop_map(|(a, b)| format!("{a}-{b}")),
        (value.clone(), value.clone()).prop_map(move |(a, b)| format!("{}-{}", written(a), written(b))),
        number.clone().prop_map(|(a, _, step)| format!("{a}/{step}")),
        number.clone().prop_map(|(_, _, step)| format!("*/{step}")),
        number.clone().prop_map(|(_, _, step)| format!("/{step}")),
        number.prop_map(|(a, b, step)| format!("{a}-{b}/{step}")),
        (proptest::collection::vec(value.clone(), 1..4), value.clone(), value).prop_map(
            move |(all, from, to)| {
                let all: Vec<String> = all.into_iter().map(written).collect();
                format!("{},{from}-{to}", all.join(","))
            }
        ),
    ]
}

/// The two fields for days, of every form.
fn days() -> impl Strategy<Value = (String, String)> {
    let of_month = prop_oneof![
        field(1, 31, &[]),
        (0..=30).prop_map(|before| format!("L-{before}")),
        (0..=30).prop_map(|before| format!("L-{before}W")),
        (1..=31).prop_map(|day| format!("{day}W")),
        Just("L".to_owned()),
        Just("LW".to_owned()),
    ];
    let of_week = prop_oneof![
        field(1, 7, &DAYS),
        (1..=7).prop_map(|day| format!("{day}L")),
        (0..7_usize).prop_map(|day| format!("{}L", DAYS[day])),
        (1..=7, 1..=5).prop_map(|(day, nth)| format!("{day}#{nth}")),
        (0..7_usize, 1..=5).prop_map(|(day, nth)| format!("{}#{nth}", DAYS[day])),
        Just("L".to_owned()),
    ];
    prop_oneof![
        of_month.prop_map(|days| (days, "?".to_owned())),
        of_week.prop_map(|days| ("?".to_owned(), days)),
    ]
}

fn year() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&["", " *", " 2020-2040/3", " 2027,2029", " 2026/2"][..])
}

/// Expressions of every form.
pub(super) fn expressions() -> impl Strategy<Value = String> {
    (field(0, 59, &[]), field(0, 59, &[]), field(0, 23, &[]), days(), field(1, 12, &MONTHS), year()).prop_map(
        |(seconds, minutes, hours, (of_month, of_week), month, year)| {
            format!("{seconds} {minutes} {hours} {of_month} {month} {of_week}{year}")
        },
    )
}

/// Two leap years, and months that begin and end on every day of the week.
const FROM: Date = jiff::civil::date(2024, 1, 1);
const TO: Date = jiff::civil::date(2032, 1, 1);

fn midnight(date: Date) -> Timestamp {
    date.to_zoned(TimeZone::UTC).unwrap().timestamp()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn both_readings_run_on_the_same_days((of_month, of_week) in days(), month in field(1, 12, &MONTHS), year in year()) {
        let text = format!("0 0 0 {of_month} {month} {of_week}{year}");
        let second: Vec<Date> =
            FROM.series(1.day()).take_while(|date| *date < TO).filter(|date| runs_on(&text, *date)).collect();
        match text.parse::<QuartzCron>() {
            Ok(cron) => {
                let before = midnight(FROM) - 1.second();
                let runs = cron.next_runs(before, &TimeZone::UTC, second.len() + 1);
                let first: Vec<Date> = runs.iter().map(Zoned::date).filter(|date| *date < TO).collect();
                prop_assert_eq!(first, second, "{}", text);
            }
            Err(error) => {
                prop_assert!(error.contains("never runs"), "{text}: {error}");
                prop_assert_eq!(second, [], "{}", text);
            }
        }
    }

    #[test]
    fn both_readings_run_at_the_same_seconds_of_a_day(
        seconds in field(0, 59, &[]), minutes in field(0, 59, &[]), hours in field(0, 23, &[]),
    ) {
        let text = format!("{seconds} {minutes} {hours} ? * *");
        let cron: QuartzCron = text.parse().unwrap();
        let day = midnight(FROM);
        let all = (0..86_400).map(|second| (day + second.seconds()).to_zoned(TimeZone::UTC));
        let second: Vec<Zoned> = all.filter(|at| runs_at(&text, at.time())).collect();
        let first = cron.next_runs(day - 1.second(), &TimeZone::UTC, second.len() + 1);
        let (later, first) = first.split_last().unwrap();
        prop_assert!(later.date() > FROM, "{text}: {later}");
        prop_assert_eq!(first, second, "{}", text);
    }

    /// Each run follows the one before, and from anywhere in between the next one is the same.
    #[test]
    fn the_next_run_is_the_first_of_those_that_are_to_come(text in expressions(), at in 1_700_000_000_i64..1_900_000_000, part in 0.0..1.0) {
        if let Ok(cron) = text.parse::<QuartzCron>() {
            let after = Timestamp::from_second(at).unwrap();
            let runs = cron.next_runs(after, &TimeZone::UTC, 6);
            for pair in runs.windows(2) {
                let (one, next) = (&pair[0], &pair[1]);
                prop_assert!(one < next, "{}: {} {}", text, one, next);
                let between = one.timestamp() + jiff::SignedDuration::from_secs_f64(next.duration_since(one).as_secs_f64() * part);
                if between < next.timestamp() {
                    let again = cron.next_runs(between, &TimeZone::UTC, 1);
                    prop_assert_eq!(again.first(), Some(next), "{} after {}", text, between);
                }
            }
            for run in &runs {
                prop_assert!(runs_on(&text, run.date()) && runs_at(&text, run.time()), "{}: {}", text, run);
            }
        }
    }
}
