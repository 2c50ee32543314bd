//! What an address means, and a plan about its targets alone.

use trueup::plan::{Known, Policy, locate, plan};

use crate::{A, assert_lines, desired, live};

#[test]
fn targets_limit_the_plan_to_themselves_and_what_they_need() {
    let wanted = desired(&format!(
        "tags: [{{name: t}}, {{name: u}}]\n\
         connectors: {{aws: [{{name: a, arn: '{A}', tags: [t]}}, {{name: b, arn: '{A}2'}}]}}"
    ));
    let mut policy = Policy::from_settings(&wanted.settings.reconcile);
    policy.targets = ["aws/a".parse().unwrap(), "aws/nope".parse().unwrap()].into();
    let plan = plan(&wanted, &live("[]"), &Known::default(), &policy);
    assert_lines(
        &plan,
        "
        + tag/t
        + aws/a",
    );
    assert_eq!(plan.unknown_targets, ["aws/nope".parse().unwrap()]);
}

/// What each address means: an id, or why it means none.
#[track_caller]
fn check_addresses(file: &str, on_platform: &str, expected: &[(&str, &str)]) {
    let (desired, live, known) = (desired(file), live(on_platform), Known::default());
    let wanted: Vec<_> = expected.iter().map(|(address, _)| address.parse().unwrap()).collect();
    let found = locate(&wanted, &desired, &live, &known);
    for ((address, expected), found) in expected.iter().zip(found) {
        let found = match found {
            Ok(target) => format!("{} as {}", target.id, target.address),
            Err(why) => why.to_string(),
        };
        assert_eq!(found, *expected, "{address}");
    }
}

#[test]
fn an_address_means_what_the_plan_shows_under_it() {
    let file = "connectors:
  aws:
    - {name: ours, arn: 'arn:aws:iam::111111111111:role/Q'}
    - {name: same, arn: 'arn:aws:iam::222222222222:role/Q'}
    - {name: planned, arn: 'arn:aws:iam::333333333333:role/Q'}
    - {name: pair, arn: 'arn:aws:iam::444444444444:role/Q'}
    - {name: pair, arn: 'arn:aws:iam::555555555555:role/Q'}
    - {name: double, arn: 'arn:aws:iam::666666666666:role/Q'}
snapshot_scan: {account_id: '951234567875', schedule: '0 0 2 ? * * *'}
";
    let on_platform = "
- {kind: aws, id: 1, name: theirs, arn: 'arn:aws:iam::111111111111:role/Q'}
- {kind: aws, id: 2, name: same, arn: 'arn:aws:iam::222222222222:role/Q'}
- {kind: aws, id: 3, name: planned, arn: 'arn:aws:iam::777777777777:role/Q'}
- {kind: aws, id: 4, name: pair, arn: 'arn:aws:iam::444444444444:role/Q'}
- {kind: aws, id: 6, name: double, arn: 'arn:aws:iam::666666666666:role/Q'}
- {kind: aws, id: 7, name: double, arn: 'arn:aws:iam::666666666666:role/Q'}
- {kind: aws, id: 8, name: left, arn: 'arn:aws:iam::888888888888:role/Q'}
- {kind: aws, id: 9, name: left, arn: 'arn:aws:iam::999999999999:role/Q'}
";
    let several = |name: &str, accounts: [u64; 2]| {
        let [one, other] = accounts.map(|account| format!("aws/{name}#arn:aws:iam::{account}:role/Q"));
        format!("several bear that name: {one}, {other}")
    };
    let planned = "aws/planned#arn:aws:iam::777777777777:role/Q";
    check_addresses(
        file,
        on_platform,
        &[
            ("aws/ours", "1 as aws/ours"),
            ("aws/theirs", "1 as aws/ours"),
            ("aws/ours#arn:aws:iam::111111111111:role/Q", "1 as aws/ours"),
            ("aws/same", "2 as aws/same"),
            // A namesake is not what the file means.
            ("aws/planned", "in config.yaml:7, not live yet"),
            (planned, &format!("3 as {planned}")),
            ("aws/pair", &several("pair", [444_444_444_444, 555_555_555_555])),
            ("aws/pair#arn:aws:iam::444444444444:role/Q", "4 as aws/pair#arn:aws:iam::444444444444:role/Q"),
            ("aws/pair#arn:aws:iam::555555555555:role/Q", "in config.yaml:9, not live yet"),
            ("aws/double", "several live objects have its identity: ids 6, 7"),
            ("aws/left", &several("left", [888_888_888_888, 999_999_999_999])),
            ("aws/nobody", "neither on the platform nor in the file"),
            // It cannot be listed: its identity is its id.
            ("snapshot_scan/951234567875", "951234567875 as snapshot_scan/951234567875"),
            ("snapshot_scan/111111111111", "neither on the platform nor in the file"),
        ],
    );
    check_addresses(file, "[{kind: aws, fails: 'no answer'}]", &[("aws/ours", "no answer")]);
}

#[test]
fn what_has_a_new_role_is_found_by_its_account_as_in_the_plan() {
    check_addresses(
        "connectors: {aws: [{name: ours, arn: 'arn:aws:iam::111111111111:role/New'}]}",
        "[{kind: aws, id: 1, name: theirs, arn: 'arn:aws:iam::111111111111:role/Old'}]",
        &[("aws/ours", "1 as aws/ours")],
    );
}
