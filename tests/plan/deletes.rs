//! When a delete may be made: after a time for which an unchanged file has wanted it, and not at all where an include has
//! lost its entries.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use trueup::desired::{Desired, Source};
use trueup::plan::{DeleteClock, Known, Plan};
use trueup::resource::Kind;

use crate::{A, APPLICATION, DIRECTORY, azure, desired, live, live_azure, plan_of};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn clock(waiting: &[(Kind, &str, Option<Timestamp>)]) -> DeleteClock {
    let waiting = waiting.iter().map(|(kind, id, until)| ((*kind, (*id).to_owned()), *until)).collect();
    DeleteClock { after: Duration::from_mins(5), first: at(600), waiting }
}

#[track_caller]
fn held_until(plan: &Plan, expected: &[(&str, Option<&str>)]) {
    let held: Vec<(String, Option<String>)> = plan
        .changes
        .iter()
        .map(|change| {
            let why = change.held.as_ref().map(|held| held.why.clone());
            let until = why.map(|why| {
                assert!(why.ends_with("(reconcile.delete_after)"), "{why}");
                why.strip_prefix("not before ").unwrap().split(':').take(3).collect::<Vec<_>>().join(":")
            });
            (change.address.to_string(), until)
        })
        .collect();
    let expected: Vec<_> =
        expected.iter().map(|(address, until)| ((*address).to_owned(), until.map(str::to_owned))).collect();
    assert_eq!(held, expected);
}

#[test]
fn every_kind_of_delete_waits_for_its_time_and_nothing_else_does() {
    let create = "{name: new, arn: 'arn:aws:iam::222222222222:role/Q'}";
    let gone = format!("- {{kind: aws, id: 2, name: gone, arn: '{A}2', owner: me, enabled: true}}\n");
    for settings in ["prune: owned", "prune: owned, prune_action: disable"] {
        let file =
            desired(&format!("reconcile: {{owner: me, {settings}}}\nconnectors: {{aws: [{create}]}}\n"));
        let is = live(&gone);
        let waits = |waiting: &[_]| Known { delete_clock: Some(clock(waiting)), ..Known::default() };
        let first = Some("1970-01-01 00:10:00 UTC");
        for (known, until) in [
            (waits(&[]), first),
            (waits(&[(Kind::Aws, "2", Some(at(300)))]), Some("1970-01-01 00:05:00 UTC")),
            (waits(&[(Kind::Aws, "2", None)]), None),
            // Another object's time says nothing of this one, nor does that of its id in another kind.
            (waits(&[(Kind::Aws, "3", None), (Kind::Gcp, "2", None)]), first),
            // A person is there.
            (Known::default(), None),
        ] {
            let plan = plan_of(&file, &is, &known);
            held_until(&plan, &[("aws/gone", until), ("aws/new", None)]);
            assert_eq!(plan.detailed_exit(), 2, "{settings}: what waits is pending");
        }
    }
}

#[test]
fn the_delete_of_a_replace_waits_too() {
    let ids = format!("directory_id: {DIRECTORY}, application_id: {APPLICATION}");
    let is = live(&live_azure(&format!("government: true, {ids}")));
    let wanted = azure(&format!("government: false, {ids}, authentication_key: {{env: KEY}}"));
    let file = desired(&format!("reconcile: {{replace: allowed}}\n{wanted}"));
    let id = is.listing(Kind::Azure)[0].id.clone();
    for (known, until) in [
        (Known::default(), None),
        (Known { delete_clock: Some(clock(&[])), ..Known::default() }, Some("1970-01-01 00:10:00 UTC")),
        (Known { delete_clock: Some(clock(&[(Kind::Azure, &id, None)])), ..Known::default() }, None),
    ] {
        let plan = plan_of(&file, &is, &known);
        held_until(&plan, &[("azure/a", until)]);
        assert_eq!(plan.summary.replace, usize::from(until.is_none()));
    }
}

// What an include gave.

const PATTERN: &str = "/etc/trueup/conf.d/*.yaml";

/// A file with one connector of its own, which includes a pattern that gives those whose names are given.
fn including(own: &str, given: &[&str]) -> Desired {
    let entries: Vec<String> =
        given.iter().map(|name| format!("{{name: {name}, arn: '{A}{name}'}}")).collect();
    let mut file = desired(&format!(
        "reconcile: {{owner: me, prune: owned, replace: allowed}}\n{own}connectors: {{aws: [{}]}}",
        entries.join(", ")
    ));
    for entry in file.declared.iter_mut().filter(|entry| entry.spec.kind() == Kind::Aws) {
        entry.place.file = "conf.d/x.yaml".into();
    }
    file.sources = vec![Source {
        pattern: PATTERN.to_owned(),
        shown: "conf.d/*.yaml".to_owned(),
        files: ["conf.d/x.yaml".into()].into_iter().collect(),
    }];
    file
}

fn ours(names: &[&str]) -> String {
    let row = |(id, name): (usize, &&str)| {
        format!("- {{kind: aws, id: {id}, name: {name}, arn: '{A}{name}', owner: me}}\n")
    };
    names.iter().enumerate().map(row).collect()
}

fn gave(names: &[&str]) -> Known {
    let entries: BTreeSet<_> = names.iter().map(|name| (Kind::Aws, format!("{A}{name}"))).collect();
    Known { given: BTreeMap::from([(PATTERN.to_owned(), entries)]), ..Known::default() }
}

#[track_caller]
fn deleted(plan: &Plan) -> (Vec<&str>, Vec<&str>) {
    let of = |applies: bool| {
        let rows = plan.changes.iter().filter(|change| change.deletes() && change.applies() == applies);
        rows.map(|change| change.address.name.as_str()).collect()
    };
    (of(true), of(false))
}

#[test]
fn what_an_include_gave_that_gives_none_any_more_is_not_deleted() {
    let is = live(&ours(&["a", "b", "other"]));
    for (what, file, known, expected) in [
        ("it gives none", including("", &[]), gave(&["a", "b"]), (vec!["other"], vec!["a", "b"])),
        ("it gives one", including("", &["a"]), gave(&["a", "b"]), (vec!["b", "other"], vec![])),
        ("it never gave any", including("", &[]), gave(&[]), (vec!["a", "b", "other"], vec![])),
        ("nobody knows", including("", &[]), Known::default(), (vec!["a", "b", "other"], vec![])),
        (
            "it is no longer named",
            Desired { sources: Vec::new(), ..including("", &[]) },
            gave(&["a", "b"]),
            (vec!["a", "b", "other"], vec![]),
        ),
    ] {
        // Something is desired, else nothing is deleted at all.
        let mut file = file;
        file.declared.extend(desired("tags: [{name: keep}]").declared);
        let plan = plan_of(&file, &is, &known);
        assert_eq!(deleted(&plan), expected, "{what}");
        let said = "include: conf.d/*.yaml gave entries before and gives none: 2 deletes are held; \
                    if that is meant, take it out of include";
        let warned = plan.warnings.iter().any(|warning| *warning == said);
        assert_eq!(warned, !expected.1.is_empty(), "{what}: {:?}", plan.warnings);
        for change in plan.changes.iter().filter(|change| change.deletes()) {
            let why = change.held.as_ref().map_or("", |held| held.why.as_str());
            assert!(why.is_empty() || why.contains("gave entries before and gives none"), "{what}: {why}");
        }
    }
}

#[test]
fn an_include_is_known_by_all_that_it_gave_as_long_as_what_it_lost_is_not_settled() {
    let given = |plan: &Plan| -> Vec<String> {
        let entries = plan.given.get(PATTERN).into_iter().flatten();
        entries.map(|(_, identity)| identity.trim_start_matches(A).to_owned()).collect()
    };
    let all = live(&ours(&["a", "b", "c"]));
    let of = |file: &Desired, is, known: &Known| given(&plan_of(file, is, known));
    assert_eq!(of(&including("", &["a", "b", "c"]), &all, &Known::default()), ["a", "b", "c"]);
    // One by one: b and c are still to be deleted.
    assert_eq!(of(&including("", &["a"]), &all, &gave(&["a", "b", "c"])), ["a", "b", "c"]);
    assert_eq!(of(&including("", &[]), &all, &gave(&["a", "b", "c"])), ["a", "b", "c"]);
    // They are gone.
    let left = live(&ours(&["a"]));
    assert_eq!(of(&including("", &["a"]), &left, &gave(&["a", "b", "c"])), ["a"]);
    // Nobody knows whether they are.
    let unread = live("- {kind: aws, fails: no answer}");
    assert_eq!(of(&including("", &["a"]), &unread, &gave(&["a", "b"])), ["a", "b"]);
}
