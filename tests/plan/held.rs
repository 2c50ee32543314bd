//! What is wanted and withheld: observed, locked, lost on the way, refused by the platform, or of another owner.

use trueup::plan::{Cause, Known, Refused, Style, render_text};
use trueup::resource::Kind;

use crate::{A, assert_lines, aws, azure, check, desired, live, live_aws, live_azure, plan_of};

#[test]
fn what_the_platform_does_not_take_is_left_alone_after_three_passes_until_something_moves() {
    let refused = |passes, got: serde_json::Value| {
        let mut known = Known::default();
        let (field, sent) = ("activation".to_owned(), serde_json::json!([]));
        known.refused.insert((Kind::Aws, "1".to_owned()), vec![Refused { field, sent, got, passes }]);
        known
    };
    let vm = serde_json::json!(["VM"]);
    for (file, passes, got, held) in [
        ("activation: []", 2, vm.clone(), false),
        ("activation: []", 3, vm.clone(), true),
        ("activation: []", 3, serde_json::json!(["PC"]), false),
        ("activation: [SCA]", 3, vm.clone(), false),
        // Another change takes it along.
        ("activation: [], enabled: false", 3, vm.clone(), false),
    ] {
        let live = live(&live_aws("activation: [VM], enabled: true"));
        let plan = plan_of(&desired(&aws(file)), &live, &refused(passes, got));
        assert_eq!(plan.summary.held == 1, held, "{file} {passes}");
        assert_eq!(plan.detailed_exit(), 2, "it is said all the same");
    }
}

#[test]
fn observed_objects_are_planned_and_held() {
    check(
        &aws("enabled: false, policy: observe"),
        &live_aws("enabled: true"),
        "
        ~ aws/a held: policy: observe
            enabled: true -> false",
    );
    check(
        &aws("enabled: false"),
        &live_aws("enabled: true, locked: member of contoso"),
        "
        ~ aws/a held: member of contoso
            enabled: true -> false",
    );
}

#[test]
fn a_member_of_an_organization_connector_is_held() {
    check(
        &azure("enabled: false"),
        &live_azure("enabled: true, locked: member of an organization connector"),
        "
        ~ azure/a held: member of an organization connector
            enabled: true -> false",
    );
}

#[test]
fn a_create_whose_answer_was_lost_is_held_until_it_is_settled() {
    let mut known = Known::default();
    let until = jiff::Timestamp::UNIX_EPOCH;
    known.unsettled.insert((Kind::Aws, A.to_owned()), until);
    assert_lines(
        &plan_of(&desired(&aws("")), &live("[]"), &known),
        "+ aws/a held: it was sent, and the answer lost: it is looked for until 1970-01-01T00:00:00Z before it is sent again",
    );
    assert_lines(&plan_of(&desired(&aws("")), &live(&live_aws("")), &known), "");
}

#[test]
fn another_owners_object_is_held_and_ends_in_1() {
    let wanted = format!("reconcile: {{owner: me}}\n{}", aws("enabled: false"));
    let plan = plan_of(&desired(&wanted), &live(&live_aws("enabled: true, owner: you")), &Known::default());
    assert_lines(
        &plan,
        "
        ~ aws/a held: owned by you, not me
            enabled: true -> false",
    );
    assert_eq!(plan.detailed_exit(), 1);
}

#[test]
fn another_owners_object_is_held_also_while_both_say_the_same() {
    let theirs = live(&live_aws("enabled: true, owner: you"));
    let wanted = |more: &str| desired(&format!("reconcile: {{owner: me}}\n{}", aws(more)));
    let plan = plan_of(&wanted("enabled: true"), &theirs, &Known::default());
    assert_lines(&plan, "~ aws/a held: owned by you, not me");
    assert_eq!((plan.detailed_exit(), plan.summary.held, plan.summary.unchanged), (1, 1, 0));
    let text = render_text(&plan, "US1", Style::default());
    assert!(text.contains("\n~ aws/a                    held     owned by you, not me\n"), "{text}");
    // Who observes claims nothing, and who has no mark of its own cannot tell whose it is.
    assert!(plan_of(&wanted("enabled: true, policy: observe"), &theirs, &Known::default()).is_in_sync());
    assert!(plan_of(&desired(&aws("enabled: true")), &theirs, &Known::default()).is_in_sync());
}

#[test]
fn what_is_held_and_counts_is_not_called_in_sync() {
    let wanted = desired(&aws("enabled: false, policy: observe"));
    let mut plan = plan_of(&wanted, &live(&live_aws("enabled: true")), &Known::default());
    assert_eq!((plan.detailed_exit(), plan.is_in_sync()), (2, false));
    let text = render_text(&plan, "US1", Style::default());
    assert!(text.starts_with("US1: 1 held · plan "), "{text}");
    assert!(text.contains("\nPlan: 0 to create, 0 to update, "), "{text}");
    // As long as it is held, a drift says since when it lasts, too.
    plan.changes[0].cause = Cause::Drift;
    plan.changes[0].since = Some("2026-11-21T02:14:00Z".parse().unwrap());
    let text = render_text(&plan, "US1", Style::default());
    assert!(
        text.contains("held     update: policy: observe; drifted since 2026-11-21 02:14 UTC\n"),
        "{text}"
    );
}
