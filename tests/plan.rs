//! Planning: what differs, why, and what is done about it. Desired states are files, live states a shorthand
//! of the same fields; the result is compared as the lines that a person reads.

#![expect(clippy::unwrap_used, reason = "a test whose scene cannot be set up has failed")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use trueup::desired::{self, Desired};
use trueup::plan::{
    Cause, Heading, Known, KnownListing, KnownObject, LiveState, Observation, Plan, Policy, Refused,
    SecretSight, Style, locate, plan, plan_json, render_text,
};
use trueup::resource::{Health, Kind, LiveObject, Owner, RunError};

const HEAD: &str = "version: 1\nplatform: {pod: simulator}\n";

#[track_caller]
fn desired(yaml: &str) -> Desired {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, format!("{HEAD}{yaml}")).unwrap();
    let mut desired = match desired::load(&path) {
        Ok(desired) => desired,
        Err(rejected) => panic!("{rejected}: {:#?}", rejected.problems),
    };
    for entry in &mut desired.declared {
        entry.place.file = "config.yaml".into();
    }
    for place in desired.warnings.iter_mut().filter_map(|warning| warning.place.as_mut()) {
        place.file = "config.yaml".into();
    }
    desired
}

/// A live state: a list of tables with the fields of the kind, and beside them `kind`, `id`, and where they
/// matter `owner`, `locked`, `state`, `last_error`, `hint`, `not` (a field that is not told, with what it is not).
/// A kind with `fails: WHY` could not be read.
#[track_caller]
fn live(yaml: &str) -> LiveState {
    let rows: Vec<serde_json::Map<String, Value>> = serde_yaml::from_str(yaml).unwrap();
    let mut kinds = BTreeMap::new();
    for &kind in Kind::ALL {
        kinds.insert(kind, Ok(Vec::new()));
    }
    for mut row in rows {
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let kind: Kind = row.remove("kind").map(text).unwrap().parse().unwrap();
        if let Some(why) = row.remove("fails") {
            kinds.insert(kind, Err(text(why)));
            continue;
        }
        let id = row.remove("id").map(text).unwrap();
        let owner = row.remove("owner").map(text);
        let locked = row.remove("locked").map(text);
        let hint = row.remove("hint").map(text);
        let health = Health {
            state: row.remove("state").map(text),
            last_error: row.remove("last_error").map(text),
            ..Health::default()
        };
        let unreadable = match row.remove("not") {
            Some(Value::Object(not)) => {
                not.into_iter().map(|(name, value)| (kind.field(&name).unwrap().name, value)).collect()
            }
            _ => BTreeMap::new(),
        };
        let spec = kind.deserialize(Value::Object(row)).unwrap();
        let owner = owner.map(|name| Owner {
            prevent_delete: name.ends_with('!'),
            name: name.trim_end_matches('!').to_owned(),
        });
        let object = LiveObject { unreadable, hint, owner, health, locked, ..LiveObject::new(id, spec) };
        kinds.get_mut(&kind).unwrap().as_mut().unwrap().push(object);
    }
    LiveState::new(kinds)
}

/// What the journal knows after a pass over these states.
fn known_after(desired: &Desired, live: &LiveState) -> Known {
    let mut known = Known::default();
    let seen = plan(desired, live, &known, &Policy::from_settings(&desired.settings.reconcile));
    for observation in seen.observed {
        if let Observation::Seen { kind, id, identity, base, protected } = observation {
            let object = KnownObject {
                identity,
                base: base.into(),
                written: "{}".into(),
                ours: false,
                marked: false,
                protected,
                missing: false,
            };
            known.objects.insert((kind, id), object);
        }
    }
    known
}

fn plan_of(desired: &Desired, live: &LiveState, known: &Known) -> Plan {
    plan(desired, live, known, &Policy::from_settings(&desired.settings.reconcile))
}

/// The changes and failures of a plan, a line each: `symbol address [cause] [held: why] field: before -> after`.
fn lines(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for change in &plan.changes {
        let cause = if change.cause == trueup::plan::Cause::Pending {
            String::new()
        } else {
            format!(" {:?}", change.cause)
        };
        let held = change.held.as_ref().map(|held| format!(" held: {}", held.why)).unwrap_or_default();
        lines.push(format!("{} {}{cause}{held}", change.action.symbol(), change.address));
        if change.action != trueup::plan::Action::Create {
            for field in &change.fields {
                lines.push(format!("    {}: {} -> {}", field.path, field.before, field.after));
            }
        }
    }
    for failed in &plan.failed {
        let what = failed.address.as_ref().map_or(failed.kind.to_string(), ToString::to_string);
        lines.push(format!("x {what}: {}", failed.error));
    }
    for object in &plan.unverified {
        lines.push(format!("? {}: {}", object.address, object.fields.join(", ")));
    }
    for object in &plan.unmanaged {
        lines.push(format!("o {} unmanaged", object.address));
    }
    if let Some(blocked) = &plan.blocked {
        lines.push(format!(
            "blocked: {} allows {}, wanted {}",
            blocked.limit, blocked.allowed, blocked.wanted
        ));
    }
    lines.join("\n")
}

#[track_caller]
fn check(wanted: &str, live_state: &str, expected: &str) {
    let plan = plan_of(&desired(wanted), &live(live_state), &Known::default());
    assert_lines(&plan, expected);
}

#[track_caller]
fn assert_lines(plan: &Plan, expected: &str) {
    let expected: Vec<&str> =
        expected.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
    let indent = expected.iter().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let expected: Vec<&str> = expected.iter().map(|line| &line[indent..]).collect();
    assert_eq!(lines(plan), expected.join("\n"));
}

const A: &str = "arn:aws:iam::111111111111:role/Q";

fn aws(fields: &str) -> String {
    format!("connectors: {{aws: [{{name: a, arn: '{A}', {fields}}}]}}")
}

fn live_aws(fields: &str) -> String {
    format!("- {{kind: aws, id: 1, name: a, arn: '{A}', {fields}}}")
}

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
        ("account_id: x", "", "unused"),
    ] {
        if expected == "unused" {
            continue;
        }
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
fn a_role_by_its_parts_is_the_same_as_its_arn() {
    let wanted = "connectors: {aws: [{name: a, account_id: '111111111111', role: Q}]}";
    check(wanted, &live_aws(""), "");
}

#[test]
fn a_rename_is_an_update() {
    check(
        &aws(""),
        &format!("- {{kind: aws, id: 1, name: old, arn: '{A}'}}"),
        "
        ~ aws/a
            name: \"old\" -> \"a\"",
    );
}

#[test]
fn a_new_role_in_the_same_account_is_an_update_where_the_account_is_unique() {
    let other = "arn:aws:iam::111111111111:role/Other";
    let row = |id: u8| format!("- {{kind: aws, id: {id}, name: a{id}, arn: '{other}{id}'}}\n");
    check(
        &aws(""),
        &row(1),
        "
        ~ aws/a
            name: \"a1\" -> \"a\"
            arn: \"arn:aws:iam::111111111111:role/Other1\" -> \"arn:aws:iam::111111111111:role/Q\"",
    );
    check(
        &aws(""),
        &(row(1) + &row(2)),
        "
        + aws/a
        o aws/a1 unmanaged
        o aws/a2 unmanaged",
    );
}

#[test]
fn two_live_objects_of_one_identity_are_an_error_and_neither_is_touched() {
    let twice = live_aws("enabled: true") + "\n" + &live_aws("enabled: true").replace("id: 1", "id: 2");
    check(
        &aws("enabled: false"),
        &twice,
        &format!(
            "
        x aws/a: 2 live objects have its identity {A}: ids 1, 2; neither is touched"
        ),
    );
}

#[test]
fn a_name_used_twice_makes_the_identity_part_of_the_address() {
    let wanted = format!("connectors: {{aws: [{{name: a, arn: '{A}'}}, {{name: a, arn: '{A}2'}}]}}");
    check(
        &wanted,
        "[]",
        &format!(
            "
        + aws/a#{A}
        + aws/a#{A}2"
        ),
    );
    check(
        &aws(""),
        &(live_aws("") + &format!("\n- {{kind: aws, id: 2, name: a, arn: '{A}2'}}")),
        &format!(
            "
        o aws/a#{A}2 unmanaged"
        )
        .replace("\n          ", "\n  "),
    );
}

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

#[test]
fn a_failed_read_is_never_an_empty_read() {
    check(&aws(""), "[{kind: aws, fails: an HTML page}]", "x aws: an HTML page");
}

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
fn a_renamed_tag_is_another_tag() {
    let file = desired("tags: [{name: prod}]");
    let known = known_after(&file, &live("[{kind: tag, id: 1, name: prod, parent: ''}]"));
    let renamed = live("[{kind: tag, id: 1, name: renamed, parent: ''}]");
    assert_lines(&plan_of(&file, &renamed, &known), "+ tag/prod Drift");
}

#[test]
fn an_ignored_field_is_not_written_on_create_either() {
    let file = desired(&aws("description: hello, run_frequency: 6h, ignore: [description, run_frequency]"));
    let plan = plan_of(&file, &live("[]"), &Known::default());
    assert_eq!(plan.changes[0].field_names(), ["name", "arn"]);
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

#[test]
fn a_replace_says_what_it_puts_back_to_the_defaults() {
    let live = live(&live_azure("government: false, run_frequency: 6h, tags: [], description: Ours"));
    let key = "authentication_key: {env: KEY}";
    let entry = azure(&format!(
        "government: true, directory_id: {APPLICATION}, application_id: {APPLICATION}, {key}"
    ));
    let replaced = |allowed: &str| {
        let file = desired(&format!("reconcile: {{replace: {allowed}}}\n{entry}"));
        plan_of(&file, &live, &Known::default()).warnings
    };
    let told = "azure/a: made anew, it gets the platform's defaults for what the file leaves out: description, run_frequency";
    assert_eq!(replaced("allowed"), [told]);
    assert_eq!(replaced("never"), [""; 0]);
}

fn many(count: usize) -> String {
    let row = |n| format!("- {{kind: aws, id: {n}, name: n{n}, arn: '{A}{n}', enabled: true}}\n");
    (0..count).map(row).collect::<Vec<_>>().concat()
}

#[test]
fn a_plan_over_a_limit_is_blocked_whole() {
    let wanted = |settings: &str, count: usize| {
        let entries = (0..count)
            .map(|n| format!("    - {{name: n{n}, arn: '{A}{n}', enabled: false}}\n"))
            .collect::<Vec<_>>()
            .concat();
        format!("reconcile: {{{settings}}}\nconnectors:\n  aws:\n{entries}")
    };
    for (file, is, blocked) in [
        (wanted("prune: all", 4), many(10), Some(("max_deletes", 5, 6))),
        (wanted("prune: all, max_deletes: 6, max_change_percent: 100", 4), many(10), None),
        (wanted("", 4), many(10), None.or(Some(("max_change_percent", 3, 4)))),
        (wanted("max_change_percent: 40", 4), many(10), None),
        (wanted("", 9), many(9), None),
        ("reconcile: {prune: all}\nconnectors: {aws: []}".to_owned(), many(2), Some(("empty", 0, 2))),
    ] {
        let plan = plan_of(&desired(&file), &live(&is), &Known::default());
        let found = plan.blocked.as_ref().map(|blocked| (blocked.limit, blocked.allowed, blocked.wanted));
        assert_eq!(found, blocked, "{file}");
        assert_eq!(plan.detailed_exit() == 8, blocked.is_some());
    }
}

#[test]
fn a_listing_that_shrank_too_much_is_not_believed_until_it_settles() {
    let file = desired(&aws(""));
    let mut known = Known::default();
    for (doubted, believed) in
        [(None, false), (Some((4, false)), false), (Some((4, true)), true), (Some((3, true)), false)]
    {
        known.listings.insert(Kind::Aws, KnownListing { good: 10, doubted });
        let plan = plan_of(&file, &live(&many(4)), &known);
        assert_eq!(plan.failed.is_empty(), believed, "{doubted:?}");
    }
}

#[test]
fn what_we_have_deleted_is_no_lost_scope() {
    let file = desired(&aws(""));
    let mut known = Known::default();
    known.listings.insert(Kind::Aws, KnownListing { good: 10, doubted: None });
    assert!(!plan_of(&file, &live(&many(4)), &known).failed.is_empty());
    known.leaving.extend((4..10).map(|id| (Kind::Aws, id.to_string())));
    assert!(plan_of(&file, &live(&many(4)), &known).failed.is_empty());
}

#[test]
fn a_delete_that_was_noted_and_not_made_still_counts_as_live_for_the_limits() {
    let file = "reconcile: {prune: all, max_deletes: 20, max_change_percent: 100}\n\
                tags: [{name: kept}]\nconnectors: {aws: []}";
    let mut known = Known::default();
    known.leaving.insert((Kind::Aws, "3".to_owned()));
    let plan = plan_of(&desired(file), &live(&many(10)), &known);
    assert_eq!(plan.summary.delete, 10);
    assert_eq!(plan.blocked, None);
    // The next listing is held against what is there to stay.
    assert_eq!((plan.listings[&Kind::Aws], plan.staying[&Kind::Aws]), (10, 9));
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

/// What is known after a pass over the live state in which these were written to fields that are not read back.
fn known_to_have_written(file: &Desired, live: &LiveState, written: &str) -> Known {
    let mut known = known_after(file, live);
    for object in known.objects.values_mut() {
        object.written = written.into();
    }
    known
}

/// What a plan knows of the secrets of a file's objects: these digests, by field.
fn with_digests(mut known: Known, file: &Desired, digests: &[(&'static str, &str)]) -> Known {
    for entry in &file.declared {
        let sight = |digest: &str| SecretSight { digest: Ok(Some(digest.to_owned())), advice: None };
        let sights = digests.iter().map(|(field, digest)| (*field, sight(digest))).collect();
        known.secrets.insert((entry.spec.kind(), entry.spec.identity().unwrap()), sights);
    }
    known
}

const SUBSCRIPTION: &str = "0a0a0a0a-1111-4222-8333-444444444444";
const DIRECTORY: &str = "0b0b0b0b-1111-4222-8333-444444444444";
const APPLICATION: &str = "0c0c0c0c-1111-4222-8333-444444444444";

fn azure(fields: &str) -> String {
    format!("connectors: {{azure: [{{name: a, subscription_id: {SUBSCRIPTION}, {fields}}}]}}")
}

fn live_azure(fields: &str) -> String {
    format!("- {{kind: azure, id: 1, name: a, subscription_id: {SUBSCRIPTION}, {fields}}}\n")
}

#[test]
fn an_azure_connector_is_its_subscription_in_whatever_letters() {
    let capitals =
        azure("directory_id: 0B0B0B0B-1111-4222-8333-444444444444").replace("0a0a0a0a", "0A0A0A0A");
    check(&capitals, &live_azure(&format!("directory_id: {DIRECTORY}")), "");
    check(
        &azure(&format!("application_id: {APPLICATION}")),
        &live_azure(&format!("application_id: {DIRECTORY}")).replace("name: a", "name: old"),
        &format!(
            "
        ~ azure/a
            name: \"old\" -> \"a\"
            application_id: \"{DIRECTORY}\" -> \"{APPLICATION}\""
        ),
    );
    // Another subscription is another connector, also under the same name.
    let other = live_azure("").replace("0a0a0a0a", "0d0d0d0d");
    check(
        &azure(""),
        &other,
        "
        + azure/a
        o azure/a#0d0d0d0d-1111-4222-8333-444444444444 unmanaged",
    );
}

#[test]
fn a_changed_key_is_found_by_its_digest_and_shown_as_nothing_but_changed() {
    let file = desired(&azure("authentication_key: {env: KEY}"));
    let is = live(&live_azure(""));
    for (written, now, expected) in [
        ("{}", "k:1", "? azure/a: authentication_key"),
        (r#"{"authentication_key": "k:1"}"#, "k:1", ""),
        (r#"{"authentication_key": "other:1"}"#, "k:1", "? azure/a: authentication_key"),
        (r#"{"authentication_key": "k:1"}"#, "k:2", "~ azure/a\n    authentication_key: \"k:1\" -> \"k:2\""),
    ] {
        let known = known_to_have_written(&file, &is, written);
        let known = with_digests(known, &file, &[("authentication_key", now)]);
        assert_lines(&plan_of(&file, &is, &known), expected);
    }
    let known = known_to_have_written(&file, &is, r#"{"authentication_key": "k:1"}"#);
    let plan = plan_of(&file, &is, &with_digests(known, &file, &[("authentication_key", "k:2")]));
    let text = render_text(&plan, "US1", Style::default());
    assert!(text.contains("authentication_key  (secret, changed)"), "{text}");
    let json =
        plan_json(&plan, &Heading { platform: "US1", generated_at: jiff::Timestamp::UNIX_EPOCH, exit: 2 });
    assert_eq!(
        json["changes"][0]["fields"],
        serde_json::json!([{"path": "authentication_key", "sensitive": true}])
    );
}

#[test]
fn what_is_fixed_at_creation_needs_a_replace() {
    let ids = format!("directory_id: {DIRECTORY}, application_id: {APPLICATION}");
    let is = live_azure(&format!("government: true, enabled: true, {ids}"));
    let wanted =
        azure(&format!("government: false, enabled: false, {ids}, authentication_key: {{env: KEY}}"));
    let fields = "
            government: true -> false
            enabled: true -> false
        ? azure/a: authentication_key";
    check(&wanted, &is, &format!("\n        ± azure/a held: needs a replace; replace: never{fields}"));
    let allowed = format!("reconcile: {{replace: allowed}}\n{wanted}");
    check(&allowed, &is, &format!("\n        ± azure/a{fields}"));
    let protected = allowed.replace("name: a,", "name: a, prevent_delete: true,");
    check(
        &protected,
        &is,
        &format!("\n        ± azure/a held: needs a replace; prevent_delete: true{fields}"),
    );
}

#[test]
fn what_could_not_be_made_again_is_not_replaced() {
    let ids = format!("directory_id: {DIRECTORY}, application_id: {APPLICATION}");
    let is = live_azure(&format!("government: true, {ids}, activation: [VM], perimeter_scan: \"off\""));
    for (says, lacks) in [
        (ids.clone(), "the platform wants authentication_key of what is made, which the file leaves out"),
        (
            format!("{ids}, authentication_key: {{env: KEY}}, ignore: [authentication_key]"),
            "the platform wants authentication_key of what is made, which the file leaves out",
        ),
        (
            format!("{ids}, authentication_key: {{env: KEY}}, perimeter_scan: global"),
            "perimeter_scan: it needs the module VM, which is not activated (add activation: [VM])",
        ),
    ] {
        let wanted =
            format!("reconcile: {{replace: allowed}}\n{}", azure(&format!("government: false, {says}")));
        let plan = plan_of(&desired(&wanted), &live(&is), &Known::default());
        let held = plan.changes[0].held.as_ref().map(|held| held.why.clone());
        assert_eq!(held, Some(format!("needs a replace; {lacks}")), "{says}");
    }
}

#[test]
fn what_the_platform_wants_of_a_new_object_and_the_file_leaves_out_is_said() {
    let (ids, key) = (
        format!("directory_id: {DIRECTORY}, application_id: {APPLICATION}"),
        "authentication_key: {env: KEY}",
    );
    let wants = |fields: &str| {
        format!("azure/a: the platform wants {fields} of what is made, which the file leaves out")
    };
    let no_vm =
        "azure/a: perimeter_scan: it needs the module VM, which is not activated (add activation: [VM])";
    let whole = live_azure(&format!("{ids}, perimeter_scan: \"off\", activation: [VM]"));
    for (says, is, warnings) in [
        (format!("{ids}, {key}"), "", vec![]),
        (ids.clone(), "", vec![wants("authentication_key")]),
        (key.to_owned(), "", vec![wants("directory_id, application_id")]),
        (format!("{key}, perimeter_scan: global"), "", vec![no_vm.to_owned(), wants("directory_id, application_id")]),
        // What is live has them.
        ("perimeter_scan: global".to_owned(), whole.as_str(), vec![]),
        (
            "perimeter_scan: {start_time: \"05:45\"}".to_owned(),
            whole.as_str(),
            vec![
                "azure/a: perimeter_scan: the platform wants option_profile_id, recurrence, scan_prefix, start_date, \
                 timezone too, which neither the file nor the connector has"
                    .to_owned(),
            ],
        ),
    ] {
        let plan = plan_of(&desired(&azure(&says)), &live(is), &Known::default());
        assert_eq!(plan.warnings, warnings, "{says}");
    }
}

#[test]
fn an_object_that_the_journal_knows_is_not_taken_for_another_one() {
    // Its answers do not tell its subscription, and the journal knows that it is the first one.
    let is = live("- {kind: azure, id: 1, name: a, not: {subscription_id: null}}");
    let first = desired(&azure(""));
    let other = desired(&azure("").replace(SUBSCRIPTION, "0d0d0d0d-1111-4222-8333-444444444444"));
    let known = known_to_have_written(&first, &live(&live_azure("")), "{}");
    assert_lines(&plan_of(&first, &is, &known), "");
    let held = "+ azure/a held: 1 live azure do not tell their identity (ids 1): one of them may be it";
    assert_lines(&plan_of(&other, &is, &Known::default()), held);
    assert_lines(&plan_of(&other, &is, &known), "+ azure/a\no azure/a#1 unmanaged");
}

#[test]
fn a_gcp_connector_is_its_project_and_a_new_key_an_update() {
    let wanted =
        |fields: &str| format!("connectors: {{gcp: [{{name: a, project_id: analytics-208707, {fields}}}]}}");
    let is =
        |fields: &str| format!("- {{kind: gcp, id: 1, name: b, project_id: analytics-208707, {fields}}}\n");
    check(&wanted("remediation: true"), &is("remediation: true"), "~ gcp/a\n    name: \"b\" -> \"a\"");
    check(
        &wanted(""),
        &is("").replace("208707", "208708"),
        "
        + gcp/a
        o gcp/b unmanaged",
    );
    check(&wanted(""), "- {kind: gcp, id: 1, name: a, hint: analytics-208707}", "");
    let file = desired(&wanted("service_account_key: {file: key.json}"));
    let is = live(&is("").replace("name: b", "name: a"));
    let known = known_to_have_written(&file, &is, r#"{"service_account_key": "k:1"}"#);
    for (digest, expected) in [("k:1", ""), ("k:2", "~ gcp/a\n    service_account_key: \"k:1\" -> \"k:2\"")] {
        let known = known_to_have_written(&file, &is, r#"{"service_account_key": "k:1"}"#);
        let known = with_digests(known, &file, &[("service_account_key", digest)]);
        assert_lines(&plan_of(&file, &is, &known), expected);
    }
    // One that could not be had, or that is no key, stops the change and is a warning.
    let mut known = known;
    let sight =
        SecretSight { digest: Err("the service account's key lacks client_id".to_owned()), advice: None };
    let object = (Kind::Gcp, "analytics-208707".to_owned());
    known.secrets.insert(object, BTreeMap::from([("service_account_key", sight)]));
    let plan = plan_of(&file, &is, &known);
    assert_lines(&plan, "");
    assert_eq!(
        plan.warnings,
        ["gcp/a: service_account_key not checked: the service account's key lacks client_id"]
    );
}

#[test]
fn what_an_oci_connector_signs_in_with_is_fixed_and_its_secrets_are_known_by_their_digests() {
    let keys = "fingerprint: 8A:CD:10:FC:F7:3C:C2:7D:A6:88:27:CB:1A:AD:52:7B, private_key: {file: key.pem}, \
                passphrase: {env: PHRASE}";
    let wanted = |fields: &str| {
        format!("connectors: {{oci: [{{name: a, tenant_id: ocid1.tenancy.oc1..aaaa, {fields}}}]}}")
    };
    let is = |fields: &str| {
        format!("- {{kind: oci, id: 1, name: a, tenant_id: ocid1.tenancy.oc1..aaaa, {fields}}}\n")
    };
    let told = is("fingerprint: 8a:cd:10:fc:f7:3c:c2:7d:a6:88:27:cb:1a:ad:52:7b");

    check(&wanted(keys), &told, "? oci/a: private_key, passphrase");
    check(&wanted("home_region: us-ashburn-1"), &is("not: {home_region: null}"), "? oci/a: home_region");
    check(
        &wanted("home_region: us-ashburn-1"),
        &is("home_region: us-phoenix-1"),
        "± oci/a held: needs a replace; replace: never\n    home_region: \"us-phoenix-1\" -> \"us-ashburn-1\"",
    );
    check(&wanted(""), "- {kind: oci, id: 1, name: a, hint: ocid1.tenancy.oc1..aaaa}", "");

    let file = desired(&wanted(keys));
    let live = live(&told);
    for (key, passphrase, expected) in [
        ("k:1", "k:2", ""),
        ("k:3", "k:2", "± oci/a held: needs a replace; replace: never\n    private_key: \"k:1\" -> \"k:3\""),
        ("k:1", "k:3", "± oci/a held: needs a replace; replace: never\n    passphrase: \"k:2\" -> \"k:3\""),
    ] {
        let known = known_to_have_written(&file, &live, r#"{"private_key": "k:1", "passphrase": "k:2"}"#);
        let known = with_digests(known, &file, &[("private_key", key), ("passphrase", passphrase)]);
        assert_lines(&plan_of(&file, &live, &known), expected);
    }
}

#[test]
fn the_global_scan_is_one_object_that_stays_when_the_file_drops_it() {
    const LIVE: &str = "- {kind: global_scan, id: global, option_profile_id: 2, recurrence: WEEKLY, days: [SUN], \
                        scan_prefix: Global, start_date: 2022-06-22, start_time: '12:45', timezone: Africa/Cairo}";
    check("global_scan: {recurrence: DAILY}", "[]", "+ global_scan/global");
    check("global_scan: {recurrence: WEEKLY, days: [SUN], start_time: '12:45'}", LIVE, "");
    check(
        "global_scan: {recurrence: WEEKLY, days: [TUE, SUN], scan_prefix: Edge}",
        LIVE,
        "
        ~ global_scan/global
            days: [\"SUN\"] -> [\"SUN\",\"TUE\"]
            scan_prefix: \"Global\" -> \"Edge\"",
    );
    check(
        "global_scan: {recurrence: DAILY}",
        LIVE,
        "
        ~ global_scan/global
            recurrence: \"WEEKLY\" -> \"DAILY\"",
    );
    check("tags: []", LIVE, "o global_scan/global unmanaged");
    let plan = plan_of(&desired("global_scan: {scan_prefix: Edge}"), &live(LIVE), &Known::default());
    let after = plan.changes[0].after.as_ref().unwrap().fields();
    assert_eq!(after["start_date"], "2022-06-22", "an update sends it whole");

    let file = desired("global_scan: {recurrence: WEEKLY, days: [SUN]}");
    let mut known = known_after(&file, &live(LIVE));
    known.objects.values_mut().for_each(|object| object.ours = true);
    let dropped = desired("reconcile: {owner: me, prune: owned}\ntags: [{name: x, policy: observe}]");
    let stays = "the platform has no call to delete the global scan configuration; it stays as it is";
    assert_lines(
        &plan_of(&dropped, &live(LIVE), &known),
        &format!("+ tag/x held: policy: observe\n- global_scan/global held: {stays}"),
    );
}

/// The answer to a create shows the record of an Azure connector empty, and other answers may.
#[test]
fn a_connector_whose_answer_does_not_tell_its_subscription_is_found_by_id_or_by_hint() {
    let wanted = azure(&format!("application_id: {APPLICATION}, enabled: false"));
    let row = |id: u8, more: &str| {
        format!(
            "- {{kind: azure, id: {id}, name: n{id}, enabled: false, not: {{application_id: null}}, {more}}}\n"
        )
    };
    let renamed = |id: u8, cause: &str| {
        format!("~ azure/a{cause}\n    name: \"n{id}\" -> \"a\"\n? azure/a: application_id")
    };
    // Nobody knows which one it is: a create could make a double.
    check(
        &wanted,
        &row(1, ""),
        "+ azure/a held: 1 live azure do not tell their identity (ids 1): one of them may be it",
    );
    let hint = format!("hint: {SUBSCRIPTION}");
    check(&wanted, &row(1, &hint), &renamed(1, ""));
    // The application, which many subscriptions share, is no subscription.
    let shared = format!("hint: {APPLICATION}");
    let both = row(1, &shared) + &row(2, &shared);
    check(
        &wanted,
        &both,
        "+ azure/a held: 2 live azure do not tell their identity (ids 1, 2): one of them may be it",
    );
    // Two with one hint tell nothing.
    let twice = row(1, &hint) + &row(2, &hint);
    check(
        &wanted,
        &twice,
        "+ azure/a held: 2 live azure do not tell their identity (ids 1, 2): one of them may be it",
    );

    // The journal knows the id, and what was written.
    let file = desired(&wanted);
    let told =
        live_azure(&format!("enabled: false, application_id: {APPLICATION}")).replace("id: 1", "id: 2");
    let written = format!(r#"{{"application_id": "{APPLICATION}"}}"#);
    let known = known_to_have_written(&file, &live(&told), &written);
    let untold = live(&(row(1, "") + &row(2, "")));
    assert_lines(
        &plan_of(&file, &untold, &known),
        "~ azure/a Drift\n    name: \"n2\" -> \"a\"\no azure/n1 unmanaged",
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

// Addresses.

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

#[test]
fn an_organization_connector_that_we_did_not_make_is_no_former_self_of_another_name() {
    let wanted = |name: &str| {
        desired(&format!(
            "reconcile: {{replace: allowed}}\nazure_organizations:
  - {{name: {name}, tenant_id: 22222222-2222-4222-8222-222222222222, tenant_name: T,
     application_id: 33333333-3333-4333-8333-333333333333, secret: {{env: NO_SUCH_SECRET}}, connector_prefix: p,
     capabilities: [AI], org_run_frequency: 4h, connector_run_frequency: 4h}}\n"
        ))
    };
    let theirs = live(
        "[{kind: azure_organization, id: 7, name: theirs, tenant_id: 22222222-2222-4222-8222-222222222222}]",
    );
    let seen = |known: &Known| {
        let plan = plan_of(&wanted("ours"), &theirs, known);
        let changes = plan.changes.iter().map(|change| (change.action.word(), change.id.clone()));
        (changes.collect::<Vec<_>>(), plan.unmanaged.len())
    };
    assert_eq!(seen(&Known::default()), (vec![("create", None)], 1));
    // The file once named it so, but we did not make it; then we did.
    let mut known = known_after(&wanted("theirs"), &theirs);
    assert_eq!(seen(&known), (vec![("create", None)], 1));
    known.objects.values_mut().for_each(|object| object.ours = true);
    assert_eq!(seen(&known), (vec![("replace", Some("7".to_owned()))], 0));
    // And it knows the entry by an object of its own, which is gone.
    let (_, former) = known.objects.iter().next().unwrap();
    let own = KnownObject { identity: former.identity.replace("theirs", "ours"), ..former.clone() };
    known.objects.insert((Kind::AzureOrganization, "8".to_owned()), own);
    // What we made stays, held by prune: never.
    assert_eq!(seen(&known), (vec![("create", None), ("delete", Some("7".to_owned()))], 0));
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
