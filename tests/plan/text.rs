//! The plan as people and programs read it: text and JSON, the same for the same input.

use std::collections::BTreeSet;

use serde_json::Value;
use trueup::plan::{Heading, Known, Policy, Style, plan_json, render_text};
use trueup::resource::RunError;

use crate::{aws, desired, live, live_aws, many, plan_of};

const SHOWN_FILE: &str = "
reconcile: {owner: me}
tags:
  - {name: payments, color: '#AA0000', rule: {type: NAME_CONTAINS, text: pay}}
connectors:
  aws:
    - {name: prod-payments, arn: 'arn:aws:iam::123456789012:role/Q', run_frequency: 4h, capabilities: [AI, {name: CSA, tag: payments}]}
    - name: shared
      arn: arn:aws:iam::210987654321:role/Q
      description: \"first line\\nsecond line\\nthird line\"
      run_frequency: 2h
      activation: [VM, SCA]
      perimeter_scan: {recurrence: WEEKLY, days: [SUN, TUE], start_time: '15:45'}
    - {name: watched, arn: 'arn:aws:iam::310987654321:role/Q', enabled: true, policy: observe}
    - {name: lost, arn: 'arn:aws:iam::410987654321:role/Q', tags: [nowhere]}
    - {name: same, arn: 'arn:aws:iam::510987654321:role/Q', regions: [eu-west-1]}
";

const SHOWN_LIVE: &str = "
- kind: aws
  id: 1
  name: shared
  arn: arn:aws:iam::210987654321:role/Q
  description: \"first line\\nanother line\\nthird line\"
  run_frequency: 4h
  activation: [VM, CERTVIEW]
  perimeter_scan: {recurrence: DAILY, start_time: '15:45'}
  state: FINISHED_ERRORS
  last_error: \"no access\\nto \\u001b[31mEC2\"
- {kind: aws, id: 2, name: watched, arn: 'arn:aws:iam::310987654321:role/Q', enabled: false}
- {kind: aws, id: 3, name: same, arn: 'arn:aws:iam::510987654321:role/Q', not: {regions: all}}
- {kind: aws, id: 4, name: old, arn: 'arn:aws:iam::610987654321:role/Q', owner: me}
- {kind: aws, id: 5, name: sandbox, arn: 'arn:aws:iam::710987654321:role/Q'}
";

#[test]
fn a_plan_reads_well_as_text() {
    let plan = plan_of(&desired(SHOWN_FILE), &live(SHOWN_LIVE), &Known::default());
    let style = Style { show_unmanaged: true, ..Style::default() };
    insta::assert_snapshot!(render_text(&plan, "US1", style));
}

#[test]
fn a_plan_is_stable_as_json() {
    let plan = plan_of(&desired(SHOWN_FILE), &live(SHOWN_LIVE), &Known::default());
    let heading = Heading { platform: "US1", generated_at: jiff::Timestamp::UNIX_EPOCH, exit: 1 };
    insta::assert_snapshot!(format!("{:#}", plan_json(&plan, &heading)));
}

#[test]
fn a_plan_of_nothing_says_in_sync() {
    let plan = plan_of(&desired(&aws("")), &live(&live_aws("")), &Known::default());
    assert_eq!(render_text(&plan, "US1", Style::default()), "US1: in sync · 1 unchanged\n");
}

#[test]
fn of_the_errors_of_a_run_three_are_shown_and_the_plan_is_the_same() {
    let mut plan = plan_of(&desired(SHOWN_FILE), &live(SHOWN_LIVE), &Known::default());
    let id = plan.id.clone();
    let error = |number: i64| RunError {
        message: format!("\u{1b}[31m<b>{number}\n</b>"),
        created: jiff::Timestamp::from_second(number * 60).ok(),
    };
    plan.unhealthy[0].errors = (1..=5).map(error).collect();
    plan.unhealthy[0].errors[0].created = None;
    let text = render_text(&plan, "US1", Style::default());
    let after = text.lines().skip_while(|line| !line.contains(" unhealthy ")).skip(1).take(4);
    assert_eq!(
        after.collect::<Vec<_>>(),
        [
            "    \\u{1b}[31m<b>1\\n</b>",
            "    1970-01-01 00:02 UTC  \\u{1b}[31m<b>2\\n</b>",
            "    1970-01-01 00:03 UTC  \\u{1b}[31m<b>3\\n</b>",
            "    … 2 more",
        ]
    );
    let heading = Heading { platform: "US1", generated_at: jiff::Timestamp::UNIX_EPOCH, exit: 1 };
    let json = plan_json(&plan, &heading);
    assert_eq!(json["unhealthy"][0]["errors"][1]["created"], "1970-01-01T00:02:00Z");
    assert_eq!(json["id"], Value::String(id));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let file = format!("tags: [{{name: t}}]\n{}", aws("enabled: false, tags: [t]"));
    let text = |_| {
        let plan =
            plan_of(&desired(&file), &live(&(many(30) + &live_aws("enabled: true"))), &Known::default());
        let heading = Heading { platform: "US1", generated_at: jiff::Timestamp::UNIX_EPOCH, exit: 2 };
        render_text(&plan, "US1", Style::default()) + &plan_json(&plan, &heading).to_string()
    };
    let all: BTreeSet<String> = (0..10).map(text).collect();
    assert_eq!(all.len(), 1);
}

#[test]
fn equal_warnings_are_one_line_and_a_long_plan_ends_in_its_verdict() {
    let entries: Vec<String> = (0..40)
        .map(|at| {
            format!("{{name: c{at:02}, arn: 'arn:aws:iam::{:012}:role/R', run_frequency: 1h}}", 100 + at)
        })
        .collect();
    let wanted = desired(&format!("connectors:\n  aws:\n    - {}\n", entries.join("\n    - ")));
    assert!(wanted.warnings.len() >= 40, "{:?}", wanted.warnings);
    let plan = plan_of(&wanted, &live("[]"), &Known::default());
    let text = render_text(&plan, "US1", Style::default());
    let warned: Vec<&str> =
        text.lines().filter(|line| line.contains("can make the cloud throttle")).collect();
    let [warned] = warned.as_slice() else { panic!("{warned:#?}") };
    assert!(warned.starts_with("warning: config.yaml:") && warned.contains("(40 times"), "{warned}");
    let verdict = text.lines().next();
    assert_eq!(text.lines().last(), verdict, "the verdict stands last as well");

    // Of the entries that are not asked for nothing is warned.
    let policy = Policy::from_settings(&wanted.settings.reconcile);
    let targets = ["aws/c07".parse().unwrap()].into();
    let plan = trueup::plan::plan(&wanted, &live("[]"), &Known::default(), &Policy { targets, ..policy });
    let of_file = plan.warnings.iter().filter(|warning| warning.starts_with("config.yaml:")).count();
    assert_eq!(of_file, wanted.warnings.len() / 40, "{:?}", plan.warnings);
}
