//! One kind cannot be read, for want of permission or because the platform does not have it: the others go on.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use trueup::journal::Journal;
use trueup::reconcile::PassOutcome;
use trueup::resource::Kind;

use crate::rows::{Kept, PROD, Row, WEB};
use crate::support::{May, Scene, complaints};
use crate::{
    Answer, FORBIDDEN, NOT_FOUND, UNKNOWN, WORDS, bin, config, fault, json_of, rows, scene_for, shown,
    simulated, usual,
};

/// The file with the entry of every row.
fn everything(platform: &Value) -> String {
    let entries: Vec<_> = rows().into_iter().map(|row| (row.kind, Some(row.entry))).collect();
    config(platform, &usual(), &entries)
}

/// The kinds of which objects of the simulator's are there, but for what was needed before.
async fn kinds_there(scene: &Scene, rows: &[Row]) -> BTreeSet<Kind> {
    let objects = scene.objects().await;
    let made = |row: &&Row| {
        let needed = rows.iter().flat_map(|row| &row.needs).map(|(_, object)| &object["name"]);
        let needed: Vec<&Value> = needed.filter(|name| !name.is_null()).collect();
        let name = |object: &Map<String, Value>| object.get("name").cloned().unwrap_or_default();
        objects.of(row.simulated).any(|(_, object)| match row.kind {
            Kind::Tag => name(object) == "payments",
            _ => !needed.contains(&&name(object)),
        })
    };
    rows.iter().filter(made).map(|row| row.kind).collect()
}

#[tokio::test]
async fn a_subscription_of_all_kinds_in_which_one_kind_cannot_be_read_plans_and_applies_the_others_names_the_one_that_failed_and_why()
 {
    let rows = rows();
    for row in rows.iter().filter(|row| row.kind.is_listed()) {
        for answer in [FORBIDDEN, NOT_FOUND, UNKNOWN] {
            one_kind_is_not_read(&rows, row, &answer).await;
        }
    }
}

async fn one_kind_is_not_read(rows: &[Row], row: &Row, answer: &Answer) {
    let kind = row.kind;
    let case = format!("{kind}: {}", answer.told);
    let call = row.calls.list.as_ref().unwrap();
    let scene = scene_for(&rows.iter().collect::<Vec<_>>(), &[]).await;
    let desired = scene.file(&everything(&simulated()));
    let mut journal = Journal::in_memory().unwrap();
    scene.faults(fault(call, answer)).await;
    let report = scene.pass(&desired, &mut journal, May::Write).await;

    // It is named, with the reason, and so is what names objects of it: they cannot be told.
    let (whole, single): (Vec<_>, Vec<_>) =
        report.plan.failed.iter().partition(|failed| failed.address.is_none());
    assert_eq!(whole.len(), 1, "{case}: {whole:#?}");
    let error = &whole[0].error;
    assert_eq!(whole[0].kind, kind, "{case}");
    assert!(error.starts_with(&format!("could not {}: ", call.2)), "{case}: {error}");
    assert!(error.contains(answer.told) && error.contains(WORDS), "{case}: {error}");
    let naming: BTreeSet<Kind> = rows
        .iter()
        .map(|row| row.kind)
        .filter(|other| *other != kind && other.refers_to().contains(&kind))
        .collect();
    assert_eq!(single.iter().map(|failed| failed.kind).collect::<BTreeSet<_>>(), naming, "{case}");
    assert!(single.iter().all(|failed| failed.error.contains("could not be read")), "{case}: {single:#?}");
    assert!(shown(&report.plan).contains(WORDS), "{case}: {}", shown(&report.plan));
    assert_eq!(json_of(&report.plan)["failed"].as_array().unwrap().len(), 1 + single.len(), "{case}");
    assert!(report.has_failures(), "{case}");
    assert_eq!((report.outcome(), report.plan.detailed_exit()), (PassOutcome::Failed, 1), "{case}");

    // The others are made.
    let mut others: BTreeSet<Kind> = rows.iter().map(|row| row.kind).collect();
    others.retain(|other| *other != kind && !naming.contains(other));
    let applied: BTreeSet<Kind> = report.applied.iter().map(|applied| applied.change.address.kind).collect();
    assert_eq!(applied, others, "{case}");
    assert!(report.applied.iter().all(|applied| applied.outcome.is_applied()), "{case}");
    assert_eq!(kinds_there(&scene, rows).await, others, "{case}");

    // And then the rest.
    assert!(scene.heal().await > 0, "{case}: nothing met the fault");
    let report = scene.pass(&desired, &mut journal, May::Write).await;
    assert_eq!(complaints(&report), [""; 0], "{case}");
    assert_eq!(kinds_there(&scene, rows).await, rows.iter().map(|row| row.kind).collect(), "{case}");
    let report = scene.pass(&desired, &mut journal, May::Write).await;
    assert_eq!(report.outcome(), PassOutcome::InSync, "{case}: {}", shown(&report.plan));
}

#[test]
fn the_program_ends_in_1_where_one_kind_cannot_be_read_and_does_the_rest() {
    let rows = rows();
    let aside = bin::Folder::with("");
    let options: Vec<String> = rows
        .iter()
        .flat_map(|row| row.options)
        .flat_map(|(name, value)| ["--option".to_owned(), format!("{name}={value}")])
        .collect();
    let simulator = bin::Simulator::start(&aside, &options.iter().map(String::as_str).collect::<Vec<_>>());
    // Its example is another subscription than the one that is meant here.
    for object in simulator.control("GET", "objects", &Value::Null)["objects"].as_array().unwrap() {
        if object["object"]["system"] != true {
            simulator.control(
                "POST",
                "objects",
                &json!({"kind": object["kind"], "id": object["id"], "delete": true}),
            );
        }
    }
    for (id, name) in [(PROD, "prod"), (WEB, "web")] {
        simulator.control("POST", "objects", &json!({"kind": "tag", "create": {"id": id, "name": name}}));
    }
    for (kind, object) in rows.iter().flat_map(|row| &row.needs) {
        simulator.control("POST", "objects", &json!({"kind": kind, "create": object}));
    }
    let folder = bin::Folder::with(&everything(&json!({"pod": "simulator", "api_url": simulator.url})));
    for Kept { file, first, .. } in rows.iter().flat_map(|row| &row.secrets) {
        folder.write(file, first);
    }

    for (word, answer) in [("azure_organization", NOT_FOUND), ("gcp", FORBIDDEN)] {
        let row = rows.iter().find(|row| row.kind.word() == word).unwrap();
        let call = row.calls.list.as_ref().unwrap();
        simulator.fault(&fault(call, &answer));
        let plan = folder.expect(1, &["plan"]);
        let named = format!("could not {}: {}", call.2, answer.told);
        assert!(plan.stdout.contains(word) && plan.stdout.contains(&named), "{plan}");
        let applied = folder.expect(1, &["apply", "--yes", "--format", "json"]).json();
        assert_eq!(applied["exit"], 1, "{applied:#}");
        assert_eq!(applied["plan"]["failed"][0]["kind"], word, "{applied:#}");
        assert!(applied["plan"]["failed"][0]["error"].as_str().unwrap().contains(&named), "{applied:#}");
        let outcomes = applied["outcomes"].as_array().unwrap();
        assert!(outcomes.iter().all(|outcome| outcome["outcome"] == "applied"), "{applied:#}");
        assert!(simulator.objects(row.simulated).is_empty(), "{applied:#}");
        simulator.end_faults();
        // For the next turn.
        if word != "gcp" {
            assert_eq!(outcomes.len(), rows.len() - 1, "{applied:#}");
            let gcp = simulator.object("gcp", "analytics");
            simulator.control("POST", "objects", &json!({"kind": "gcp", "id": gcp["id"], "delete": true}));
        }
    }
    folder.expect(0, &["apply", "--yes"]);
    folder.expect(0, &["plan", "--detailed-exitcode"]);
}
