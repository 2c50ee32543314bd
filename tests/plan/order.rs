//! Who takes a name waits for who gives it up.

use trueup::plan::Known;

use crate::{A, desired, live, many, plan_of};

/// The file renames the live connectors `n0`, `n1` … to these names; what comes after is new. What waits for what, and
/// what is said.
#[track_caller]
fn check(names: &[&str], waits: &[(&str, &str)], told: &[&str]) {
    let entry = |(n, name): (usize, &&str)| {
        format!("    - {{name: {name}, arn: '{A}{n}', external_id: US1-1-11111111}}\n")
    };
    let entries: String = names.iter().enumerate().map(entry).collect();
    let file = desired(&format!("connectors:\n  aws:\n{entries}"));
    let is = live(&many(3).replace("enabled: true", "external_id: US1-1-11111111"));
    let plan = plan_of(&file, &is, &Known::default());
    let found: Vec<(String, String)> = plan
        .changes
        .iter()
        .flat_map(|change| change.depends_on.iter().map(|on| (change.address.to_string(), on.to_string())))
        .collect();
    let waits: Vec<(String, String)> =
        waits.iter().map(|(one, other)| (format!("aws/{one}"), format!("aws/{other}"))).collect();
    assert_eq!(found, waits, "{names:?}");
    let warnings: Vec<String> = plan.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), told.len(), "{warnings:#?}");
    for (warning, told) in warnings.iter().zip(told) {
        assert!(warning.contains(told) && warning.contains("a temporary name"), "{warning}");
    }
}

#[test]
fn who_takes_a_name_waits_for_who_gives_it_up() {
    check(&["n0", "n1", "n2"], &[], &[]);
    check(&["x", "y", "z"], &[], &[]);
    // A chain: n0 becomes n1, n1 becomes n2, n2 something new.
    check(&["n1", "n2", "x"], &[("n1", "n2"), ("n2", "x")], &[]);
    // What is made takes a name that is given up.
    check(&["x", "n1", "n2", "n0"], &[("n0", "x")], &[]);
}

#[test]
fn names_that_go_round_in_a_circle_are_told() {
    check(&["n1", "n0", "n2"], &[("n0", "n1")], &["aws/n1: it takes the name of aws/n0"]);
    check(&["n1", "n2", "n0"], &[("n0", "n1"), ("n1", "n2")], &["aws/n2: it takes the name of aws/n0"]);
}
