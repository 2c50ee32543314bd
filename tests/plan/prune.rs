//! What the file does not name: deleted or disabled where `prune`, the owner and its protection allow.

use trueup::plan::{Known, Policy, plan};
use trueup::resource::Kind;

use crate::{A, assert_lines, aws, check, desired, known_after, live, live_aws, plan_of};

#[test]
fn prune_deletes_what_its_setting_allows_and_nothing_else() {
    let objects = format!(
        "- {{kind: aws, id: 1, name: ours, arn: '{A}1', owner: me}}
- {{kind: aws, id: 2, name: theirs, arn: '{A}2', owner: you}}
- {{kind: aws, id: 3, name: nobodys, arn: '{A}3'}}
- {{kind: aws, id: 4, name: legacy-x, arn: '{A}4'}}
- {{kind: aws, id: 5, name: kept, arn: '{A}5', owner: me!}}
- {{kind: aws, id: 6, name: member, arn: '{A}6', locked: member of contoso}}
- {{kind: tag, id: 7, name: shared, parent: ''}}
- {{kind: tag, id: 8, name: our-tag, parent: '', owner: me}}
- {{kind: aws, id: 9, name: a, arn: '{A}'}}
"
    );
    let settings = |prune: &str| {
        format!("reconcile: {{owner: me, {prune}, unmanaged_ignore: [aws/legacy-*]}}\ntags: []\n{}", aws(""))
    };
    check(
        &settings("prune: never"),
        &objects,
        "
        - tag/our-tag held: ours, not in the file; prune: never
        - aws/kept held: ours, not in the file; prune: never
        - aws/ours held: ours, not in the file; prune: never
        o aws/nobodys unmanaged",
    );
    check(
        &settings("prune: owned"),
        &objects,
        "
        - tag/our-tag
        - aws/kept held: prevent_delete: true stood in the file
        - aws/ours
        o aws/nobodys unmanaged",
    );
    check(
        &settings("prune: all"),
        &objects,
        "
        - tag/our-tag
        - aws/kept held: prevent_delete: true stood in the file
        - aws/nobodys
        - aws/ours",
    );
    check(
        &settings("prune: all, prune_action: disable"),
        &objects.replace(", arn:", ", enabled: true, arn:"),
        "
        - tag/our-tag
        ~ aws/kept held: prevent_delete: true stood in the file
            enabled: true -> false
        ~ aws/nobodys
            enabled: true -> false
        ~ aws/ours
            enabled: true -> false",
    );
}

#[test]
fn prevent_delete_outlives_its_entry() {
    let live = live(&live_aws(""));
    let known = known_after(&desired(&aws("prevent_delete: true")), &live);
    let dropped =
        desired("reconcile: {prune: all}\nconnectors: {aws: []}\ntags: [{name: x, policy: observe}]");
    assert_lines(
        &plan_of(&dropped, &live, &known),
        "+ tag/x held: policy: observe\n- aws/a held: prevent_delete: true stood in the file",
    );
}

#[test]
fn what_has_lost_its_mark_is_no_longer_ours() {
    let mut known = known_after(&desired(&aws("")), &live(&live_aws("")));
    let object = known.objects.get_mut(&(Kind::Aws, "1".to_owned())).unwrap();
    (object.ours, object.marked) = (true, true);
    let owned = "reconcile: {owner: me, prune: owned}\n";
    let kept = plan_of(&desired(&format!("{owned}{}", aws(""))), &live(&live_aws("")), &known);
    assert_eq!(kept.warnings, ["aws/a: somebody took our mark off its description: it is no longer ours"]);
    let dropped = desired(&format!("{owned}tags: [{{name: x, policy: observe}}]"));
    let expected = |row: &str| format!("+ tag/x held: policy: observe\n{row}");
    assert_lines(&plan_of(&dropped, &live(&live_aws("")), &known), &expected("o aws/a unmanaged"));
    assert_lines(&plan_of(&dropped, &live(&live_aws("owner: me")), &known), &expected("- aws/a"));
}

#[test]
fn what_prune_disables_counts_as_deleted() {
    let is = "- {kind: aws, id: 1, name: b, arn: 'arn:aws:iam::222222222222:role/Q', enabled: true, run_frequency: 90m}";
    for (settings, limit) in [("", "empty"), (", max_deletes: 0", "empty")] {
        let file =
            format!("reconcile: {{prune: all, prune_action: disable{settings}}}\nconnectors: {{aws: []}}");
        let plan = plan_of(&desired(&file), &live(is), &Known::default());
        assert_eq!(plan.blocked.as_ref().map(|blocked| blocked.limit), Some(limit));
    }
    let file = format!("reconcile: {{prune: all, prune_action: disable, max_deletes: 0}}\n{}", aws(""));
    let plan = plan_of(&desired(&file), &live(is), &Known::default());
    assert_eq!(plan.blocked.as_ref().map(|blocked| blocked.limit), Some("max_deletes"));
}

#[test]
fn deletes_of_a_kind_that_is_named_for_the_first_time_wait_where_nobody_looks() {
    let wanted = desired("reconcile: {prune: all}\ntags: [{name: x}]\nconnectors: {aws: []}");
    let is = live(&format!("{}\n- {{kind: tag, id: 9, name: x, parent: ''}}", live_aws("")));
    let policy = Policy { new_sections_wait: true, ..Policy::from_settings(&wanted.settings.reconcile) };
    let mut known = Known::default();
    let first = "- aws/a held: the file names this kind for the first time: deletes wait for the next pass";
    assert_lines(&plan(&wanted, &is, &known, &policy), first);
    known.sections.insert(Kind::Aws);
    assert_lines(&plan(&wanted, &is, &known, &policy), "- aws/a");
}

#[test]
fn deletes_that_prune_never_holds_do_not_count_for_the_exit_code() {
    let wanted = format!("reconcile: {{owner: me}}\n{}", aws(""));
    let is = live_aws("") + &format!("\n- {{kind: aws, id: 2, name: b, arn: '{A}2', owner: me}}");
    let plan = plan_of(&desired(&wanted), &live(&is), &Known::default());
    assert_eq!((plan.summary.held, plan.detailed_exit()), (1, 0));
}

#[test]
fn what_a_broken_entry_means_is_not_pruned() {
    let wanted = format!(
        "reconcile: {{prune: all, owner: me}}\n\
         tags: [{{name: x, parent: gone}}]\n\
         connectors: {{aws: [{{name: a, arn: '{A}', tags: [nope]}}]}}"
    );
    let is = live_aws("") + "\n- {kind: tag, id: 9, name: x, parent: '', owner: me}";
    check(
        &wanted,
        &is,
        "
        x tag/gone/x: its parent: tag `gone` is neither on the platform nor in the file (config.yaml:4)
        x aws/a: tag `nope` is neither on the platform nor in the file (config.yaml:5)",
    );
}

#[test]
fn a_section_that_is_absent_is_not_pruned() {
    let wanted = "reconcile: {prune: all}\ntags: [{name: x}]";
    check(
        wanted,
        &format!("{}\n- {{kind: tag, id: 9, name: x, parent: ''}}", live_aws("")),
        "o aws/a unmanaged",
    );
}

#[test]
fn prune_all_takes_nothing_of_a_kind_whose_section_is_absent_not_even_ours() {
    let is = live(&format!("{}\n- {{kind: tag, id: 9, name: x, parent: ''}}", live_aws("owner: me")));
    let file = |sections: &str| {
        desired(&format!("reconcile: {{owner: me, prune: all}}\ntags: [{{name: x}}]\n{sections}"))
    };
    let plan = plan_of(&file(""), &is, &Known::default());
    assert_lines(
        &plan,
        "- aws/a held: ours, not in the file; prune: all, and its section is not in the file either",
    );
    assert_eq!(plan.detailed_exit(), 0);
    assert_lines(&plan_of(&file("connectors: {aws: []}"), &is, &Known::default()), "- aws/a");
}
