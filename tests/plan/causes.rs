//! Who moved: drift, pending or both, by what file and platform last agreed on.

use trueup::plan::Observation;
use trueup::resource::Kind;

use crate::{assert_lines, aws, desired, known_after, live, live_aws, plan_of};

#[test]
fn drift_and_pending_are_told_apart_by_the_base() {
    for (file_before, live_before, file_now, live_now, cause, exit) in [
        ("enabled: true", "enabled: true", "enabled: true", "enabled: false", "Drift", 4),
        ("enabled: true", "enabled: true", "enabled: false", "enabled: true", "Pending", 2),
        ("run_frequency: 4h", "run_frequency: 4h", "run_frequency: 6h", "run_frequency: 8h", "Both", 6),
        // Never equal before: nobody can tell.
        ("enabled: true", "enabled: false", "enabled: true", "enabled: false", "Pending", 2),
        // Two fields, one moved on each side.
        (
            "enabled: true, remediation: true",
            "enabled: true, remediation: true",
            "enabled: false, remediation: true",
            "enabled: true, remediation: false",
            "Both",
            6,
        ),
        // What the file leaves out inside a field did not drift.
        (
            "capabilities: [AI]",
            "capabilities: [{name: AI, tag: '#1'}]",
            "capabilities: [AI, CI]",
            "capabilities: [{name: AI, tag: '#2'}]",
            "Pending",
            2,
        ),
        (
            "capabilities: [AI]",
            "capabilities: [AI]",
            "capabilities: [AI]",
            "capabilities: [AI, CI]",
            "Drift",
            4,
        ),
        ("activation: [VM]", "activation: [VM]", "activation: [VM]", "activation: [VM, SCA]", "Drift", 4),
    ] {
        let known = known_after(&desired(&aws(file_before)), &live(&live_aws(live_before)));
        let plan = plan_of(&desired(&aws(file_now)), &live(&live_aws(live_now)), &known);
        let causes: Vec<String> = plan.changes.iter().map(|change| format!("{:?}", change.cause)).collect();
        assert_eq!(causes, [cause], "{file_now} / {live_now}");
        assert_eq!(plan.detailed_exit(), exit, "{file_now} / {live_now}");
    }
}

#[test]
fn a_base_survives_the_time_in_which_file_and_live_differ() {
    let agreed = known_after(&desired(&aws("enabled: true")), &live(&live_aws("enabled: true")));
    let drifted = live(&live_aws("enabled: false"));
    let first = plan_of(&desired(&aws("enabled: true")), &drifted, &agreed);
    assert!(first.observed.is_empty(), "nothing new to remember: {:?}", first.observed);
    let second = plan_of(&desired(&aws("enabled: true")), &drifted, &agreed);
    assert_eq!(second.detailed_exit(), 4);
}

#[test]
fn an_object_that_we_knew_and_that_is_gone_is_drift() {
    let wanted = desired(&aws(""));
    let known = known_after(&wanted, &live(&live_aws("")));
    let plan = plan_of(&wanted, &live("[]"), &known);
    assert_lines(&plan, "+ aws/a Drift");
    assert_eq!(plan.detailed_exit(), 4);
}

#[test]
fn what_is_neither_in_the_file_nor_live_is_forgotten() {
    let known = known_after(&desired(&aws("")), &live(&live_aws("")));
    let plan = plan_of(&desired("connectors: {aws: []}"), &live("[]"), &known);
    assert_eq!(plan.observed, [Observation::Forgotten { kind: Kind::Aws, id: "1".to_owned() }]);
}
