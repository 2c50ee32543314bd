//! Fields are compared in their normal form: those that the file names, and of those that are not read back what was written.

use trueup::plan::Known;
use trueup::resource::Kind;

use crate::{assert_lines, aws, check, desired, known_after, live, live_aws, plan_of};

#[test]
fn each_field_of_a_connector_is_compared_in_its_normal_form() {
    for (wanted, is, expected) in [
        ("run_frequency: 4h", "run_frequency: 240", ""),
        ("run_frequency: 240m", "run_frequency: 4h", ""),
        ("run_frequency: 4h", "run_frequency: 2h", "run_frequency: \"2h\" -> \"4h\""),
        ("description: x", "description: ''", "description: \"\" -> \"x\""),
        ("description: ''", "description: x", "description: \"x\" -> \"\""),
        ("activation: [SCA, VM]", "activation: [VM, SCA]", ""),
        ("activation: []", "activation: [VM]", "activation: [\"VM\"] -> []"),
        ("activation: [VM]", "activation: []", "activation: [] -> [\"VM\"]"),
        ("capabilities: [CSA, AI]", "capabilities: [AI, CSA]", ""),
        ("capabilities: [AI]", "capabilities: [{name: AI, tag: '#7'}]", ""),
        (
            "capabilities: [{name: AI, tag: ''}]",
            "capabilities: [{name: AI, tag: '#7'}]",
            "capabilities: [{\"name\":\"AI\",\"tag\":\"#7\"}] -> [\"AI\"]",
        ),
        ("regions: all", "regions: all", ""),
        ("regions: [eu-west-1]", "regions: all", "regions: \"all\" -> [\"eu-west-1\"]"),
        ("enabled: false", "enabled: true", "enabled: true -> false"),
        ("remediation: true", "remediation: false", "remediation: false -> true"),
        (
            "external_id: US1-1-12345",
            "external_id: US1-1-54321",
            "external_id: \"US1-1-54321\" -> \"US1-1-12345\"",
        ),
        ("perimeter_scan: off", "perimeter_scan: off", ""),
        ("perimeter_scan: false", "perimeter_scan: global", "perimeter_scan: \"global\" -> \"off\""),
        (
            "perimeter_scan: {start_time: '15:45'}",
            "perimeter_scan: {recurrence: DAILY, start_time: '15:45', timezone: UTC}",
            "",
        ),
        (
            "perimeter_scan: {start_time: '16:00'}",
            "perimeter_scan: {recurrence: DAILY, start_time: '15:45'}",
            "perimeter_scan: {\"recurrence\":\"DAILY\",\"start_time\":\"15:45\"} -> {\"recurrence\":\"DAILY\",\"start_time\":\"16:00\"}",
        ),
    ] {
        let expected = if expected.is_empty() { String::new() } else { format!("~ aws/a\n    {expected}") };
        check(&aws(wanted), &live_aws(is), &expected);
    }
}

#[test]
fn a_field_that_the_file_leaves_out_is_not_compared() {
    check(
        &aws(""),
        &live_aws("description: theirs, run_frequency: 90m, activation: [PC], enabled: false"),
        "",
    );
}

#[test]
fn an_ignored_field_is_not_compared() {
    check(&aws("description: ours, ignore: [description]"), &live_aws("description: theirs"), "");
}

#[test]
fn an_ignored_field_is_not_written_on_create_either() {
    let file = desired(&aws("description: hello, run_frequency: 6h, ignore: [description, run_frequency]"));
    let plan = plan_of(&file, &live("[]"), &Known::default());
    assert_eq!(plan.changes[0].field_names(), ["name", "arn"]);
}

#[test]
fn a_role_by_its_parts_is_the_same_as_its_arn() {
    let wanted = "connectors: {aws: [{name: a, account_id: '111111111111', role: Q}]}";
    check(wanted, &live_aws(""), "");
}

#[test]
fn a_new_role_takes_the_applications_along_and_shows_itself_alone() {
    let is =
        "- {kind: aws, id: 1, name: a, arn: 'arn:aws:iam::111111111111:role/Old', capabilities: [AI, CI]}";
    let plan = plan_of(&desired(&aws("")), &live(is), &Known::default());
    assert_eq!(plan.changes[0].field_names(), ["arn"]);
    let after = plan.changes[0].after.as_ref().unwrap().fields();
    assert_eq!(after["capabilities"], serde_json::json!(["AI", "CI"]), "what the client sends along");
}

#[test]
fn a_field_that_is_not_read_back_is_verified_by_what_was_written() {
    let not = "not: {regions: all}";
    let wrote = |regions: &str| {
        let mut known = known_after(&desired(&aws("")), &live(&live_aws(not)));
        known.objects.get_mut(&(Kind::Aws, "1".to_owned())).unwrap().written = regions.into();
        known
    };
    for (wanted, written, expected) in [
        ("regions: [eu-west-1]", "{}", "? aws/a: regions"),
        ("regions: [eu-west-1]", r#"{"regions":["eu-west-1"]}"#, ""),
        (
            "regions: [eu-west-1]",
            r#"{"regions":["us-east-1"]}"#,
            "~ aws/a\n    regions: [\"us-east-1\"] -> [\"eu-west-1\"]",
        ),
        // The list is not told, but that it is not `all` is.
        ("regions: all", "{}", "~ aws/a\n    regions: null -> \"all\""),
        ("regions: all", r#"{"regions":"all"}"#, "~ aws/a\n    regions: null -> \"all\""),
        ("", "{}", ""),
    ] {
        let plan = plan_of(&desired(&aws(wanted)), &live(&live_aws(not)), &wrote(written));
        assert_lines(&plan, expected);
    }
}
