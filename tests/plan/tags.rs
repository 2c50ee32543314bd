//! Tags by path or by name, and what waits for the tags that it names.

use trueup::plan::Known;

use crate::{A, HEAD, assert_lines, aws, check, desired, known_after, live, live_aws, plan_of};

#[test]
fn tags_are_named_by_path_or_by_a_unique_bare_name() {
    let tags = "
- {kind: tag, id: 1, name: prod, parent: ''}
- {kind: tag, id: 2, name: payments, parent: prod}
- {kind: tag, id: 3, name: web, parent: prod}
- {kind: tag, id: 4, name: web, parent: ''}
- {kind: tag, id: 5, name: web2, parent: prod}
- {kind: tag, id: 6, name: web2, parent: payments}
";
    for (wanted, is, expected) in [
        ("tags: [prod/payments]", "tags: ['#2']", ""),
        ("tags: [payments]", "tags: ['#2']", ""),
        ("tags: [web]", "tags: ['#4']", ""),
        (
            "tags: [prod]",
            "tags: ['#2', '#99']",
            "~ aws/a\n    tags: [\"#99\",\"prod/payments\"] -> [\"prod\"]",
        ),
        ("tags: []", "tags: ['#1']", "~ aws/a\n    tags: [\"prod\"] -> []"),
        (
            "tags: [nope]",
            "tags: []",
            "x aws/a: tag `nope` is neither on the platform nor in the file (config.yaml:3)",
        ),
        (
            "tags: [web2]",
            "tags: []",
            "x aws/a: tag `web2` is there more than once (payments/web2, prod/web2): give its path (config.yaml:3)",
        ),
        ("capabilities: [{name: AI, tag: payments}]", "capabilities: [{name: AI, tag: '#2'}]", ""),
    ] {
        check(&aws(wanted), &(tags.to_owned() + &live_aws(is)), expected);
    }
}

#[test]
fn a_renamed_tag_is_another_tag() {
    let file = desired("tags: [{name: prod}]");
    let known = known_after(&file, &live("[{kind: tag, id: 1, name: prod, parent: ''}]"));
    let renamed = live("[{kind: tag, id: 1, name: renamed, parent: ''}]");
    assert_lines(&plan_of(&file, &renamed, &known), "+ tag/prod Drift");
}

#[test]
fn a_connector_depends_on_the_tags_that_are_made_for_it() {
    let wanted = format!(
        "tags: [{{name: payments, parent: prod}}, {{name: prod}}]\n\
         connectors: {{aws: [{{name: a, arn: '{A}', tags: [payments]}}]}}"
    );
    let plan = plan_of(&desired(&wanted), &live("[]"), &Known::default());
    assert_lines(
        &plan,
        "
        + tag/prod
        + tag/prod/payments
        + aws/a",
    );
    let needs: Vec<Vec<String>> =
        plan.changes.iter().map(|c| c.depends_on.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(needs, [vec![], vec!["tag/prod".to_owned()], vec!["tag/prod/payments".to_owned()]]);
}

#[test]
fn what_needs_a_tag_that_is_not_made_fails_alone() {
    let wanted = format!(
        "tags: [{{name: held, policy: observe}}]\n\
         connectors: {{aws: [{{name: a, arn: '{A}', tags: [held]}}, {{name: b, arn: '{A}2'}}]}}"
    );
    check(
        &wanted,
        "[]",
        "
        + tag/held held: policy: observe
        + aws/b
        x aws/a: tag/held is not live, and its create is held",
    );
}

#[test]
fn a_circle_of_parents_is_told_and_stops_nothing_else() {
    let wanted = "tags: [{name: x, parent: y}, {name: y, parent: x}, {name: z}]";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, format!("{HEAD}{wanted}")).unwrap();
    let rejected = desired::load(&path).unwrap_err();
    assert!(!rejected.problems.is_empty());
}

#[test]
fn connectors_that_name_tags_fail_while_tags_cannot_be_read() {
    let wanted = format!(
        "connectors: {{aws: [{{name: a, arn: '{A}', tags: [prod]}}, {{name: b, arn: '{A}2', enabled: false}}]}}"
    );
    let is = format!(
        "[{{kind: tag, fails: HTTP 403}}, {{kind: aws, id: 1, name: a, arn: '{A}'}}, {{kind: aws, id: 2, name: b, arn: '{A}2', enabled: true}}]"
    );
    let plan = plan_of(&desired(&wanted), &live(&is), &Known::default());
    assert_lines(
        &plan,
        "
        ~ aws/b
            enabled: true -> false
        x aws/a: the tags that it names could not be read: HTTP 403 (config.yaml:3)",
    );
    assert_eq!(plan.warnings, ["tag: could not be read, and the file names none: HTTP 403"]);
    assert_eq!(plan.detailed_exit(), 1);
}
