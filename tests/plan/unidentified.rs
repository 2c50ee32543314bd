//! Objects of which nobody can tell which they are, and those that cannot be read whole, keep back what they may be.

use trueup::plan::{Known, KnownObject, Plan};
use trueup::resource::Kind;

use crate::{A, assert_lines, aws, azure, check, desired, live, live_aws, plan_of};

const NO_ARN: &str = "- {kind: aws, id: 101, name: legacy";

fn held(by: &str) -> String {
    format!("+ aws/a held: 1 live aws do not tell their identity (ids {by}): one of them may be it")
}

#[test]
fn an_object_without_identity_keeps_back_the_creates_that_it_may_be_and_no_others() {
    let mine = "its answer has no arn, only 111111111111";
    for (more, expected) in [
        (
            ", within: '999999999999'}",
            "+ aws/a\nu aws/#101: its answer has no arn, only 999999999999".to_owned(),
        ),
        (", within: '111111111111'}", format!("{}\nu aws/#101: {mine}", held("101"))),
        ("}", format!("{}\nu aws/#101: its answer has no arn", held("101"))),
        (", unread: arn}", format!("{}\nu aws/#101: cannot be read at arn", held("101"))),
        (", within: '999999999999', unread: arn}", "+ aws/a\nu aws/#101: cannot be read at arn".to_owned()),
        // The identity is told, and is another one.
        (
            ", arn: 'arn:aws:iam::111111111111:role/B', unread: tags}",
            "+ aws/a\nu aws/#101: cannot be read at tags".to_owned(),
        ),
    ] {
        check(&aws(""), &format!("{NO_ARN}{more}"), &expected);
        for pattern in ["aws/legacy*", "'aws/#101'"] {
            let ignoring = format!("reconcile: {{unmanaged_ignore: [{pattern}]}}\n{}", aws(""));
            check(&ignoring, &format!("{NO_ARN}{more}"), "+ aws/a");
        }
    }
}

#[test]
fn what_an_entry_certainly_is_not_may_be_pruned_and_what_cannot_be_read_never_is() {
    let all = |sections: &str| format!("reconcile: {{prune: all}}\n{sections}");
    let there = format!("- {{kind: aws, id: 1, name: a, arn: '{A}'}}\n");
    let tell = |more: &str, expected: &str| {
        check(&all(&aws("")), &format!("{there}{NO_ARN}{more}"), expected);
    };
    tell("}", "- aws/legacy");
    tell(", unread: description}", "u aws/#101: cannot be read at description");
    let other = ", arn: 'arn:aws:iam::222222222222:role/B'";
    tell(&format!("{other}, unread: description}}"), "u aws/#101: cannot be read at description");
    // It may be the one that is missing.
    let missing = format!("{}\nu aws/#101: its answer has no arn", held("101"));
    check(&all(&aws("")), &format!("{NO_ARN}}}"), &missing);
}

#[test]
fn an_entry_whose_object_cannot_be_read_whole_fails_alone() {
    let file = "connectors: {aws: [{name: a, arn: 'arn:aws:iam::111111111111:role/Q', enabled: true}, \
                {name: b, arn: 'arn:aws:iam::222222222222:role/Q', enabled: true}]}";
    let state = "- {kind: aws, id: 1, name: a, arn: 'arn:aws:iam::111111111111:role/Q', enabled: false, unread: tags}\n\
                 - {kind: aws, id: 2, name: b, arn: 'arn:aws:iam::222222222222:role/Q', enabled: false}\n";
    check(
        file,
        state,
        "
        ~ aws/b
            enabled: false -> true
        x aws/a: its object (id 1) cannot be read at tags: it is neither compared nor changed",
    );
}

#[test]
fn a_tag_that_cannot_be_read_has_no_effect_where_nobody_means_it() {
    let file = "tags: [{name: prod}, {name: 'Zürich'}]\nconnectors: {aws: [{name: a, arn: 'arn:aws:iam::111111111111:role/Q', tags: [prod]}]}";
    let tag = |id: u8, name: &str, more: &str| {
        format!("- {{kind: tag, id: {id}, name: \"{name}\", parent: ''{more}}}\n")
    };
    let prod = tag(1, "prod", "");
    let make = "+ aws/a";
    // Cut in the middle of something, and beside what the file names.
    check(file, &format!("{prod}{}", tag(2, "pay\u{fffd}", "")), &format!("+ tag/Zürich\n{make}"));
    check(file, &format!("{prod}{}", tag(2, "other", ", unread: color")), &format!("+ tag/Zürich\n{make}"));
    let held = |why: &str| {
        format!(
            "+ tag/Zürich held: 1 live tag do not tell their identity (ids 2): one of them may be it\n{make}\nu tag/#2: {why}"
        )
    };
    check(file, &format!("{prod}{}", tag(2, "Z\u{fffd}rich", "")), &held("its name cannot be read whole"));
    check(file, &format!("{prod}{}", tag(2, "", ", unread: name")), &held("cannot be read at name"));
}

fn plan_with(wanted: &str, state: &str) -> Plan {
    plan_of(&desired(wanted), &live(state), &Known::default())
}

#[test]
fn a_text_that_cannot_be_decoded_whole_is_compared_as_far_as_it_can_be() {
    for (told, wanted, expected) in [
        ("pay\u{fffd}", "pay😀", ""),
        ("pay\u{fffd}", "pays", ""),
        ("pay\u{fffd}", "payments", "~ azure/a\n    description: \"pay\u{fffd}\" -> \"payments\""),
    ] {
        let file = azure(&format!("description: '{wanted}'"));
        let subscription = crate::SUBSCRIPTION;
        let state = format!(
            "- {{kind: azure, id: 1, name: a, subscription_id: {subscription}, description: \"{told}\"}}"
        );
        let plan = plan_with(&file, &state);
        assert_lines(&plan, expected);
        let warned = plan.warnings.iter().any(|warning| {
            **warning
                == *format!(
                    "azure/a: description cannot be read whole, and is taken to be as in the file: \"{told}\""
                )
        });
        assert_eq!(warned, expected.is_empty(), "{:?}", plan.warnings);
    }
}

#[test]
fn the_row_is_in_the_text_and_the_json_and_alone_no_reason_not_to_be_in_sync() {
    let state = format!("- {{kind: aws, id: 1, name: a, arn: '{A}'}}\n{NO_ARN}, within: '999999999999'}}");
    let plan = plan_with(&aws(""), &state);
    assert_eq!(plan.detailed_exit(), 0);
    let text = trueup::plan::render_text(&plan, "US1", trueup::plan::Style::default());
    assert!(text.starts_with("US1: in sync · 1 unchanged, 1 unidentified\n"), "{text}");
    let row = "? aws/#101                 unidentified \"legacy\", its answer has no arn, only 999999999999: holds nothing";
    assert!(text.contains(row), "{text}");
    let heading =
        trueup::plan::Heading { platform: "US1", generated_at: jiff::Timestamp::UNIX_EPOCH, exit: 0 };
    let json = trueup::plan::plan_json(&plan, &heading);
    assert_eq!(
        json["unidentified"],
        serde_json::json!([{"address": "aws/#101", "id": "101", "name": "legacy",
            "why": "its answer has no arn, only 999999999999", "holds": []}])
    );
    assert_eq!(json["summary"]["unidentified"], 1);
}

#[test]
fn a_live_word_that_is_not_known_is_kept_and_said() {
    let live_state = format!(
        "- {{kind: aws, id: 1, name: a, arn: '{A}', activation: [VM, SWCA], capabilities: [AI, {{name: CDR, tag: x}}]}}"
    );
    let plan = plan_with(&aws("activation: [VM], capabilities: [AI]"), &live_state);
    assert_lines(&plan, "");
    let kept = |field: &str, word: &str| {
        format!(
            "aws/a: {field}: the platform has {word}, which trueup does not know: kept (name it to manage it)"
        )
    };
    let warned: Vec<String> = plan.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warned, [kept("activation", "SWCA"), kept("capabilities", "CDR")]);
    // What is written beside it holds it, since a set is replaced whole.
    let plan = plan_with(&aws("activation: [SCA], capabilities: []"), &live_state);
    let after = plan.changes[0].after.as_ref().unwrap().fields();
    assert_eq!(after["activation"], serde_json::json!(["SCA", "SWCA"]));
    assert_eq!(after["capabilities"], serde_json::json!([{"name": "CDR", "tag": "x"}]));
    // Named, it is managed like any other.
    let plan = plan_with(&aws("activation: [SWCA]"), &live_state.replace("[VM, SWCA]", "[VM]"));
    assert_lines(&plan, "~ aws/a\n    activation: [\"VM\"] -> [\"SWCA\"]");
}

#[test]
fn what_a_reader_cannot_see_is_no_difference() {
    for (wanted, told) in [
        ("\"Payments, production\\n\"", "\"Payments, production\""),
        ("\"a \"", "a"),
        ("a", "\" a\\t\""),
        ("\"a\\nb\"", "\"a \\r\\nb\\r\\n\""),
    ] {
        let live_state = format!("- {{kind: aws, id: 1, name: {told}, arn: '{A}', description: {told}}}");
        let file = format!("connectors: {{aws: [{{name: {wanted}, arn: '{A}', description: {wanted}}}]}}");
        check(&file, &live_state, "");
        check(
            &format!("tags: [{{name: {wanted}}}]"),
            &format!("- {{kind: tag, id: 1, name: {told}, parent: ''}}"),
            "",
        );
    }
    let zones = |zone: &str| {
        format!(
            "perimeter_scan: {{option_profile_id: 2, recurrence: DAILY, scan_prefix: p, start_date: 2031-12-01, start_time: '12:00', timezone: {zone}}}, activation: [VM]"
        )
    };
    check(&aws(&zones("UTC")), &live_aws(&zones("GMT")), "");
}

#[test]
fn what_was_made_and_is_live_elsewhere_is_not_made_again() {
    let file = desired("tags: [{name: prod}, {name: payments, parent: prod}]");
    let is = live(
        "- {kind: tag, id: 1, name: prod, parent: ''}\n- {kind: tag, id: 2, name: payments, parent: ''}",
    );
    let made = |base: &str| KnownObject {
        identity: "prod/payments".to_owned(),
        base: base.into(),
        written: "{}".into(),
        ours: true,
        marked: false,
        protected: false,
        missing: false,
    };
    let mut known = Known::default();
    known.objects.insert((Kind::Tag, "2".to_owned()), made("{}"));
    assert_lines(
        &plan_of(&file, &is, &known),
        "+ tag/prod/payments Drift held: it was made (id 2), and the platform has it as tag/payments: not sent again before that one is moved or deleted",
    );
    // Seen in its place once, and moved by somebody since: another tag is made in its place.
    known.objects.insert((Kind::Tag, "2".to_owned()), made("{\"name\":\"payments\"}"));
    let plan = plan_of(&file, &is, &known);
    assert!(plan.changes.iter().any(|change| change.held.is_none()), "{:?}", plan.changes);
}
