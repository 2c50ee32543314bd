//! A schedule that changes is shown with its next runs.

use serde_json::Value;
use trueup::plan::{Heading, Known, Style, plan_json, render_text};

use crate::{aws, desired, live, live_aws, plan_of};

/// The lines about next runs, and the same in JSON, for the one connector of these states.
#[track_caller]
fn check_next_runs(file: &str, on_platform: &str, text: Option<&str>, in_json: &Value) {
    let now = "2026-11-21T20:40:12Z".parse().unwrap();
    let plan = plan_of(&desired(&aws(file)), &live(&live_aws(on_platform)), &Known::default());
    let shown = render_text(&plan, "US1", Style { now, ..Style::default() });
    let line = shown.lines().find(|line| line.contains("next run")).map(str::trim_start);
    assert_eq!(line, text, "{shown}");
    let heading = Heading { platform: "US1", generated_at: now, exit: 2 };
    let json = plan_json(&plan, &heading);
    assert_eq!(json["changes"][0].get("next_runs").unwrap_or(&Value::Null), in_json);
    let later = "2032-01-01T00:00:00Z".parse().unwrap();
    let again = Heading { generated_at: later, ..heading };
    assert_eq!(json["id"], plan_json(&plan, &again)["id"], "the id is free of the clock");
}

#[test]
fn a_schedule_that_changes_is_shown_with_its_next_run_before_and_after() {
    let cairo = |days: &str, date: &str| {
        format!(
            "perimeter_scan: {{recurrence: WEEKLY, days: [{days}], start_date: {date}, start_time: '15:45', \
             timezone: Africa/Cairo}}"
        )
    };
    let tuesday = cairo("TUE", "2031-12-01");
    check_next_runs(
        &tuesday,
        &cairo("SUN", "2031-12-01"),
        Some("next run             Sun 2031-12-07 15:45 Africa/Cairo → Tue 2031-12-02 15:45 Africa/Cairo"),
        &serde_json::json!({"before": ["2031-12-07T13:45:00Z"], "after": ["2031-12-02T13:45:00Z"]}),
    );
    // What the file leaves out of the schedule is the platform's; a start date in the past is no run.
    check_next_runs(
        "perimeter_scan: {start_time: '15:50'}",
        &cairo("SUN", "2020-01-01"),
        Some(
            "next run                   Sun 2026-11-22 15:45 Africa/Cairo → Sun 2026-11-22 15:50 Africa/Cairo",
        ),
        &serde_json::json!({"before": ["2026-11-22T13:45:00Z"], "after": ["2026-11-22T13:50:00Z"]}),
    );
    // Another prefix moves no run.
    check_next_runs(
        "perimeter_scan: {scan_prefix: new}",
        &cairo("SUN", "2020-01-01"),
        Some("next run                    Sun 2026-11-22 15:45 Africa/Cairo"),
        &serde_json::json!({"before": ["2026-11-22T13:45:00Z"], "after": ["2026-11-22T13:45:00Z"]}),
    );
    // Before, it was somebody else's schedule, or none.
    for before in ["perimeter_scan: global", "perimeter_scan: off"] {
        check_next_runs(
            &tuesday,
            before,
            Some("next run        Tue 2031-12-02 15:45 Africa/Cairo"),
            &serde_json::json!({"before": null, "after": ["2031-12-02T13:45:00Z"]}),
        );
    }
}

#[test]
fn next_runs_are_not_shown_where_no_schedule_changes_or_none_can_be_told() {
    let own =
        "perimeter_scan: {recurrence: DAILY, start_date: 2031-12-01, start_time: '15:45', timezone: UTC}";
    check_next_runs("run_frequency: 8h", &format!("run_frequency: 4h, {own}"), None, &Value::Null);
    check_next_runs(
        &format!("run_frequency: 8h, {own}"),
        &format!("run_frequency: 4h, {own}"),
        None,
        &Value::Null,
    );
    check_next_runs("perimeter_scan: off", own, None, &Value::Null);
    check_next_runs(
        "perimeter_scan: {recurrence: DAILY, start_time: '15:45'}",
        "perimeter_scan: off",
        None,
        &Value::Null,
    );
    // How it is written makes no change.
    let other = "perimeter_scan: {recurrence: DAILY, start_date: 2031-12-01, start_time: '9:05'}";
    let plan =
        plan_of(&desired(&aws(&other.replace("9:05", "09:05"))), &live(&live_aws(other)), &Known::default());
    assert_eq!(plan.changes.len(), 0);
}
