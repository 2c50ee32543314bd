//! What is taken, what is refused, and when it runs.

use proptest::prelude::*;

use super::second_reading::expressions;
use super::*;

fn cron(text: &str) -> QuartzCron {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The runs that follow `after`, all in the zone.
#[track_caller]
fn check(text: &str, zone: &str, after: &str, expected: &[&str]) {
    let runs =
        cron(text).next_runs(after.parse().unwrap(), &TimeZone::get(zone).unwrap(), expected.len().max(1));
    let runs: Vec<String> = runs.iter().map(|run| run.strftime("%a %F %T %:z").to_string()).collect();
    assert_eq!(runs, expected, "{text} in {zone} after {after}");
}

/// The dates of the runs that follow the first of January 2026, all at midnight.
#[track_caller]
fn dates(text: &str, expected: &[&str]) {
    let after = "2025-12-31T23:59:59Z".parse().unwrap();
    let runs = cron(text).next_runs(after, &TimeZone::UTC, expected.len());
    let runs: Vec<String> = runs.iter().map(|run| run.date().to_string()).collect();
    assert_eq!(runs, expected, "{text}");
}

#[test]
fn every_field_counts() {
    let after = "2026-11-20T05:00:00Z";
    for (text, expected) in [
        ("0 0 2 ? * * *", "Sat 2026-11-21 02:00:00 +00:00"),
        ("0 0 2 ? * *", "Sat 2026-11-21 02:00:00 +00:00"),
        ("0 0 2 * * ?", "Sat 2026-11-21 02:00:00 +00:00"),
        ("30 0 5 ? * * *", "Fri 2026-11-20 05:00:30 +00:00"),
        ("0 0/15 * ? * * *", "Fri 2026-11-20 05:15:00 +00:00"),
        ("0 */15 * ? * * *", "Fri 2026-11-20 05:15:00 +00:00"),
        ("0 /15 * ? * * *", "Fri 2026-11-20 05:15:00 +00:00"),
        ("0 7-40/10 * ? * * *", "Fri 2026-11-20 05:07:00 +00:00"),
        ("0 0 22-3 ? * * *", "Fri 2026-11-20 22:00:00 +00:00"),
        ("0 0 2 ? * MON-FRI *", "Mon 2026-11-23 02:00:00 +00:00"),
        ("0 0 2 ? * fri-mon *", "Sat 2026-11-21 02:00:00 +00:00"),
        ("0 0 2 ? * 1 *", "Sun 2026-11-22 02:00:00 +00:00"),
        ("0 0 2 ? * L *", "Sat 2026-11-21 02:00:00 +00:00"),
        ("0 0 2 1 JAN,JUL ? *", "Fri 2027-01-01 02:00:00 +00:00"),
        ("0 0 2 1 NOV-FEB ? *", "Tue 2026-12-01 02:00:00 +00:00"),
        ("0 0 2 31 * ? *", "Thu 2026-12-31 02:00:00 +00:00"),
        ("0 0 2 ? * * 2031-2035/2", "Wed 2031-01-01 02:00:00 +00:00"),
    ] {
        check(text, "UTC", after, &[expected]);
    }
}

#[test]
fn an_expression_that_ends_has_fewer_runs() {
    check("0 0 2 ? * * 2025", "UTC", "2026-11-20T05:00:00Z", &[]);
    let last = cron("0 0 2 31 12 ? 2026");
    assert_eq!(last.next_runs("2026-11-20T05:00:00Z".parse().unwrap(), &TimeZone::UTC, 3).len(), 1);
    assert_eq!(last.next_runs(Timestamp::MAX, &TimeZone::UTC, 3), []);
    assert_eq!(cron("* * * ? * *").next_runs(Timestamp::MIN, &TimeZone::UTC, 3).len(), 3);
}

#[test]
fn days_at_the_end_of_a_month_follow_its_length() {
    dates("0 0 0 L * ?", &["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]);
    dates("0 0 0 L 2 ?", &["2026-02-28", "2027-02-28", "2028-02-29", "2029-02-28"]);
    dates("0 0 0 L-3 * ?", &["2026-01-28", "2026-02-25", "2026-03-28", "2026-04-27"]);
    dates("0 0 0 L-30 * ?", &["2026-01-01", "2026-03-01", "2026-05-01"]);
    dates("0 0 0 31 * ?", &["2026-01-31", "2026-03-31", "2026-05-31"]);
    dates("0 0 0 29 2 ?", &["2028-02-29", "2032-02-29", "2036-02-29"]);
    dates("0 0 0 29 2 ? 2090-2099", &["2092-02-29", "2096-02-29"]);
}

#[test]
fn the_nearest_weekday_stays_in_its_month() {
    // 2026-08-01 is a Saturday, 2026-05-31 a Sunday, 2026-02-15 a Sunday, 2026-08-15 a Saturday.
    dates("0 0 0 1W 8 ?", &["2026-08-03"]);
    dates("0 0 0 31W 5 ?", &["2026-05-29"]);
    dates("0 0 0 15W 2 ?", &["2026-02-16"]);
    dates("0 0 0 15W 8 ?", &["2026-08-14"]);
    dates("0 0 0 LW * ?", &["2026-01-30", "2026-02-27", "2026-03-31", "2026-04-30", "2026-05-29"]);
    // Three days before the end of January and of March are a Wednesday and a Saturday.
    dates("0 0 0 L-3W 1,3 ?", &["2026-01-28", "2026-03-27"]);
    dates("0 0 0 31W * ?", &["2026-01-30", "2026-03-31", "2026-05-29"]);
}

#[test]
fn days_of_the_week_are_counted_within_the_month() {
    dates("0 0 0 ? * 6L", &["2026-01-30", "2026-02-27", "2026-03-27"]);
    dates("0 0 0 ? * FRIL", &["2026-01-30", "2026-02-27", "2026-03-27"]);
    dates("0 0 0 ? * 6#3", &["2026-01-16", "2026-02-20", "2026-03-20"]);
    dates("0 0 0 ? * thu#5", &["2026-01-29", "2026-04-30", "2026-07-30"]);
    dates("0 0 0 ? * 1", &["2026-01-04", "2026-01-11"]);
    dates("0 0 0 ? * 2-6/2", &["2026-01-02", "2026-01-05", "2026-01-07"]);
}

#[test]
fn a_time_that_is_skipped_does_not_come_and_a_repeated_one_comes_once() {
    let daily = "0 30 2 ? * *";
    check(
        daily,
        "Europe/Berlin",
        "2026-03-28T00:00:00Z",
        &["Sat 2026-03-28 02:30:00 +01:00", "Mon 2026-03-30 02:30:00 +02:00"],
    );
    let twice = ["Sun 2026-10-25 02:30:00 +01:00", "Mon 2026-10-26 02:30:00 +01:00"];
    check(daily, "Europe/Berlin", "2026-10-24T12:00:00Z", &twice);
    // While the hour passes for the first time, before and behind the half.
    check(daily, "Europe/Berlin", "2026-10-25T00:10:00Z", &twice);
    check(daily, "Europe/Berlin", "2026-10-25T00:50:00Z", &twice);
    check(daily, "Europe/Berlin", "2026-10-25T01:30:00Z", &twice[1..]);
}

#[test]
fn what_means_the_same_is_the_same() {
    for same in [
        &["0 0 2 ? * MON-FRI *", "0 0 2 ? * 2-6", "0  0 2\t? * tue,mon,wed,FRI,5 1970-2099"][..],
        &["0 0 2 ? * *", "0 0 2 * * ?", "0 0 2 1-31 1-12 ? *", "00 00 02 ? JAN-DEC SUN-SAT"],
        &["0 0 2 ? * 6L", "0 0 2 ? * friL *"],
        &["0 0 2 ? * L", "0 0 2 ? * SAT", "0 0 2 ? * 7"],
        &["0 0 2 L-0 * ?", "0 0 2 l * ?"],
        &["0/15 * * ? * *", "*/15 * * ? * *", "0,30,15,45 * * ? * *"],
    ] {
        for (a, b) in same.iter().zip(&same[1..]) {
            assert!(cron(a).means(&cron(b)), "{a} and {b}");
        }
    }
    for (a, b) in [
        ("0 0 2 ? * *", "0 0 3 ? * *"),
        ("0 0 2 ? * 6L", "0 0 2 ? * 6#4"),
        ("0 0 2 31 * ?", "0 0 2 L * ?"),
        ("0 0 2 31W * ?", "0 0 2 LW * ?"),
        ("0 0 2 ? * *", "0 0 2 ? * * 2031"),
    ] {
        assert!(!cron(a).means(&cron(b)), "{a} and {b}");
    }
}

#[test]
fn what_means_the_same_can_be_written_as_the_other() {
    let live = cron("0 0 2 ? * MON-FRI *");
    for (file, written) in [("0 0 2 ? * 2-6", "0 0 2 ? * MON-FRI *"), ("0 0 2 ? * 1-5", "0 0 2 ? * 1-5")] {
        let mut file = cron(file);
        file.complete(&live);
        assert_eq!(file.to_string(), written);
    }
}

#[test]
fn it_is_written_as_it_was_read_but_for_the_spaces() {
    let read: QuartzCron = serde_json::from_str("\"  0 0\\t2 ?  * Mon-FRI \"").unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), "\"0 0 2 ? * Mon-FRI\"");
}

#[test]
fn what_cannot_be_names_its_field_and_what_is_accepted() {
    let (both, neither) = ("? stands in both", "neither day-of-month nor day-of-week is ?");
    for (text, why) in [
        ("", "has 0 fields: expected the 6 or 7 of Quartz"),
        ("@daily", "has 1 field: expected"),
        ("30 2 * * 1", "has 5 fields: expected the 6 or 7 of Quartz (seconds minutes hours"),
        ("0 0 2 ? * * * *", "has 8 fields"),
        ("60 0 2 ? * *", "`60` in the seconds field is not accepted: expected 0 to 59"),
        ("0 x 2 ? * *", "`x` in the minutes field is not accepted: expected 0 to 59"),
        ("0 0 24 ? * *", "`24` in the hours field is not accepted: expected 0 to 23"),
        ("0 0 +2 ? * *", "`+2` in the hours field"),
        ("0 0 2, ? * *", "nothing in the hours field"),
        ("0 0 ? * * ?", "`?` in the hours field"),
        ("0 0 2-4-6 ? * *", "`2-4-6` in the hours field"),
        ("0 0 0/0 ? * *", "`0/0` in the hours field has a step that is not from 1 to 23"),
        ("0 0 0/24 ? * *", "has a step that is not from 1 to 23"),
        ("0 0 2 32 * ?", "`32` in the day-of-month field is not accepted: expected 1 to 31"),
        ("0 0 2 0 * ?", "`0` in the day-of-month field"),
        ("0 0 2 L,15 * ?", "`L,15` in the day-of-month field has more beside L and W, which stand alone"),
        ("0 0 2 L-31 * ?", "`L-31` in the day-of-month field"),
        ("0 0 2 32W * ?", "`32W` in the day-of-month field"),
        ("0 0 2 W * ?", "`W` in the day-of-month field"),
        ("0 0 2 5L * ?", "`5L` in the day-of-month field"),
        ("0 0 2 1 13 ?", "`13` in the month field is not accepted: expected 1 to 12 or JAN to DEC"),
        ("0 0 2 1 JANUARY ?", "`JANUARY` in the month field"),
        ("0 0 2 1 JAN-3 ?", "`JAN-3` in the month field mixes a name and a number"),
        ("0 0 2 ? * 0", "`0` in the day-of-week field is not accepted: expected 1 to 7 or SUN to SAT (1 is"),
        ("0 0 2 ? * 8", "`8` in the day-of-week field"),
        ("0 0 2 ? * MON-FRI/2", "`MON-FRI/2` in the day-of-week field has a step after a name"),
        ("0 0 2 ? * 6#6", "`6#6` in the day-of-week field has a number after # that is not from 1 to 5"),
        ("0 0 2 ? * 2,6#3", "`2,6#3` in the day-of-week field has more beside L and #"),
        ("0 0 2 ? * 2,6L", "has more beside L and #, which stand alone"),
        ("0 0 2 ? * * 1969", "`1969` in the year field is not accepted: expected 1970 to 2099"),
        ("0 0 2 ? * * 2035-2031", "`2035-2031` in the year field ends before it starts"),
        ("0 0 2 ? * ?", both),
        ("0 0 2 ? * ?", "expected 0 0 2 ? * * for every day"),
        ("0 0 2 * * *", neither),
        ("0 0 2 * * * *", "expected 0 0 2 * * ? *"),
        ("0 0 2 15 * *", "expected 0 0 2 15 * ?"),
        ("0 0 2 * * mon", "expected 0 0 2 ? * mon"),
        ("0 0 2 15 * mon", "expected ? in one of them, 0 0 2 15 * ? or 0 0 2 ? * mon"),
        ("0 0 2 31 2 ?", "`0 0 2 31 2 ?` never runs: expected days that its months and years have"),
        ("0 0 2 29 2 ? 2031", "never runs"),
        ("0 0 2 ? * ９", "`９` in the day-of-week field"),
    ] {
        let error = text.parse::<QuartzCron>().unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
}

/// Whether it is due at that time, said in the other direction.
fn is_due(cron: &QuartzCron, at: DateTime) -> bool {
    let Meaning { seconds, minutes, hours, days, months, years } = &cron.meaning;
    let has = |values: &Values, value: i8| values.contains(&i16::from(value));
    has(seconds, at.second())
        && has(minutes, at.minute())
        && has(hours, at.hour())
        && has(months, at.month())
        && years.contains(&at.year())
        && days.contain(at.date())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn runs_come_in_order_and_none_is_left_out(
        text in expressions(),
        after in 1_600_000_000_i64..2_000_000_000,
        zone in prop_oneof![Just("UTC"), Just("Europe/Berlin"), Just("Australia/Lord_Howe"), Just("Africa/Cairo")],
    ) {
        let zone = TimeZone::get(zone).unwrap();
        let after = Timestamp::from_second(after).unwrap();
        if let Ok(cron) = text.parse::<QuartzCron>() {
            let runs = cron.next_runs(after, &zone, 5);
            let mut before = after;
            for run in &runs {
                prop_assert!(run.timestamp() > before, "{} after {}", run, before);
                prop_assert!(is_due(&cron, run.datetime()), "{}", run);
                before = run.timestamp();
            }
            prop_assert_eq!(runs.get(1..).unwrap_or_default(), match runs.first() {
                Some(first) => cron.next_runs(first.timestamp(), &zone, runs.len() - 1),
                None => Vec::new(),
            });
            // Second by second, up to the first run or an hour.
            let first = runs.first().map_or(Timestamp::MAX, Zoned::timestamp);
            for second in 1..3600 {
                let at = after + jiff::SignedDuration::from_secs(second);
                if at >= first {
                    break;
                }
                let local = at.to_zoned(zone.clone()).datetime();
                let counts = coming(&zone, local).is_some_and(|coming| coming.timestamp() == at);
                prop_assert!(!(counts && is_due(&cron, local)), "{} was left out", at);
            }
        }
    }
}
