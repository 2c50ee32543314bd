//! A wrong file is told all that is wrong with it in one run: place, line, remedy.

use std::path::Path;

use trueup::desired::{Rejected, load_at};
use trueup::resource::Severity;

fn load(text: &str) -> Rejected {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.yaml");
    std::fs::write(&path, text).expect("the file is written");
    load_at(&path, jiff::civil::date(2026, 11, 21)).expect_err("the file is wrong")
}

#[test]
fn eight_mistakes_are_reported_in_one_run() {
    let rejected = load(
        "version: 1
platform:
  pod: simulator
  password: hunter2
connectors:
  aws:
    - name: one
      colour: red
      arn: arn:aws:iam::123456789012:role/A
      activation: [VM, 'SCA!']
    - name: one
      arn: arn:aws:iam::123456789013:role/A
      run_frequency: 30m
    - name: three
      arn: arn:aws:iam::123456789012:role/A
      perimeter_scan: {recurrence: WEEKLY}
    - name: four
      arn: QualysConnector
",
    );
    let expected = [
        (4, 13, "a secret must be a reference, not plain text", "{env: NAME}"),
        (8, 7, "unknown key `colour`", "accepted are name, description"),
        (10, 24, "unknown value `SCA!`", "did you mean `SCA`?"),
        (13, 22, "run frequency 30m is outside 1h to 24h", "as in 4h"),
        (15, 12, "is declared twice, first at", "keep one of the two"),
        (16, 23, "WEEKLY needs days", "days: [SUN, TUE]"),
        (18, 12, "`QualysConnector` is no role ARN", "arn:aws:iam::"),
        // A name used twice is advice alone, and comes in the same run.
        (11, 13, "the name `one` is used twice", "aws/one#arn:aws:iam::123456789013:role/A"),
    ];
    let all: Vec<_> = rejected.problems.iter().chain(&rejected.warnings).collect();
    assert_eq!(all.len(), expected.len(), "{all:#?}");
    for (problem, (line, column, message, hint)) in all.iter().zip(expected) {
        let place = problem.place.as_ref().expect("a place");
        assert_eq!((place.line, place.column), (line, column), "{problem}");
        assert!(problem.message.contains(message), "{problem}");
        assert!(problem.hint.as_ref().is_some_and(|given| given.contains(hint)), "{problem:?}");
        assert!(problem.excerpt.is_some(), "{problem:?}");
        assert!(!problem.message.ends_with('.') && !problem.message.contains(" at line "), "{problem}");
    }
    assert!(!format!("{rejected:?}").contains("hunter2"));
    assert_eq!(rejected.warnings.len(), 1);
}

#[test]
fn a_problem_reads_well_at_length() {
    let rejected = load("version: 1\nplatform: {pod: simulater}\n");
    let shown = rejected.problems[0].display(Severity::Error).to_string();
    let (_, shown) = shown.rsplit_once("config.yaml:").expect("the file");
    assert_eq!(
        shown,
        "2:17: error: unknown value `simulater`\n \
         2 | platform: {pod: simulater}\n   |                 ^\n \
         hint: did you mean `simulator`? accepted are simulator, US1, US2, US3, US4, EU1, EU2, EU3, IN1, CA1, AE1, \
         UK1, AU1 and KSA1"
    );
}

#[test]
fn the_example_loads_without_a_warning() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.yaml");
    match load_at(&path, jiff::civil::date(2026, 11, 21)) {
        Ok(desired) => assert_eq!(desired.warnings, []),
        Err(rejected) => panic!("{:#?}", rejected.problems),
    }
}

#[test]
fn a_file_that_is_not_utf8_is_told_where() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.yaml");
    std::fs::write(&path, b"version: 1\n# caf\xc3\xa9 \xff\n").expect("the file is written");
    let rejected = load_at(&path, jiff::civil::date(2026, 11, 21)).expect_err("the file is wrong");
    let [problem] = rejected.problems.as_slice() else { panic!("{:#?}", rejected.problems) };
    let place = problem.place.as_ref().expect("a place");
    assert_eq!((place.line, place.column, problem.message.as_str()), (2, 8, "not UTF-8 from here on"));
}
