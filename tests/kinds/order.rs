//! The order of an apply: what is made and changed comes before what goes; names are given up before they are taken.

use serde_json::json;
use trueup::journal::Journal;
use trueup::plan::Action;
use trueup::reconcile::PassOutcome;

use crate::support::{May, Scene, complaints};

const ARN: &str = "arn:aws:iam::11111111111";

fn connector(name: &str, account: usize) -> serde_json::Value {
    json!({"name": name, "arn": format!("{ARN}{account}:role/Q"), "externalId": "US1-1-11111111",
        "description": "[trueup:cloudsec]"})
}

fn entry(name: &str, account: usize, more: &str) -> String {
    format!("    - {{name: {name}, arn: '{ARN}{account}:role/Q', external_id: US1-1-11111111{more}}}\n")
}

#[tokio::test]
async fn deletes_come_last_and_in_reverse() {
    let scene = Scene::new(&[]).await;
    scene.make("tag", [json!({"id": 900, "name": "old", "description": "[trueup:cloudsec]"})]).await;
    scene.make("aws", [connector("kept", 1), connector("gone", 2), connector("gone-too", 3)]).await;
    let desired = scene.file(&format!(
        "version: 1\nplatform: {{pod: simulator}}\nreconcile: {{owner: cloudsec, prune: owned}}\ntags: [{{name: new}}]\n\
         connectors:\n  aws:\n{}{}",
        entry("kept", 1, ", run_frequency: 8h"),
        entry("made", 4, ", tags: [new]"),
    ));
    scene.forget_requests().await;
    let report = scene.pass(&desired, &mut Journal::in_memory().unwrap(), May::Write).await;
    assert_eq!(complaints(&report), [""; 0]);
    let writes = scene.writes().await;
    let place = |part: &str| {
        let at = |path: &String| path.contains(part);
        (writes.iter().position(at).unwrap(), writes.iter().rposition(at).unwrap())
    };
    let stages = [
        (place("/create/am/tag").0, place("/create/am/tag").1),
        (
            place("/create/am/aws").0.min(place("/update/am/aws").0),
            place("/create/am/aws").1.max(place("/update/am/aws").1),
        ),
        place("/delete/am/aws"),
        place("/delete/am/tag"),
    ];
    assert_eq!(writes.len(), 6, "{writes:#?}");
    assert!(stages.is_sorted_by(|one, next| one.1 < next.0), "{stages:?}: {writes:#?}");
}

/// The file renames three live connectors to these names, and makes what comes after.
async fn rename(scene: &Scene, names: &[&str]) -> trueup::reconcile::Report {
    let entries: String = (1..).zip(names).map(|(account, name)| entry(name, account, "")).collect();
    let desired =
        scene.file(&format!("version: 1\nplatform: {{pod: simulator}}\nconnectors:\n  aws:\n{entries}"));
    scene.pass(&desired, &mut Journal::in_memory().unwrap(), May::Write).await
}

async fn three(names: &str) -> Scene {
    let scene = Scene::new(&[("duplicate_name", names)]).await;
    scene.make("aws", [connector("a", 1), connector("b", 2), connector("c", 3)]).await;
    scene
}

#[tokio::test]
async fn a_chain_of_renames_takes_one_apply_where_equal_names_are_refused() {
    for names in [&["b", "c", "d"][..], &["d", "a", "b"], &["x", "y", "z", "a"], &["b", "c", "d", "a"]] {
        let scene = three("refused").await;
        let report = rename(&scene, names).await;
        assert_eq!(complaints(&report), [""; 0], "{names:?}");
        assert_eq!(report.outcome(), PassOutcome::Applied, "{names:?}");
        assert_eq!(rename(&scene, names).await.outcome(), PassOutcome::InSync, "{names:?}");
    }
}

#[tokio::test]
async fn a_swap_of_names_is_told_and_made_where_the_platform_takes_it() {
    for (names, fine) in [("accepted", true), ("refused", false)] {
        let scene = three(names).await;
        let before = scene.objects().await;
        let report = rename(&scene, &["b", "a", "c"]).await;
        assert!(report.plan.changes.iter().all(|change| change.action == Action::Update));
        let told =
            report.plan.warnings.iter().filter(|told| told.contains("give one of them a temporary name"));
        assert_eq!(told.count(), 1, "{:?}", report.plan.warnings);
        if fine {
            assert_eq!(complaints(&report), [""; 0]);
            continue;
        }
        assert_eq!(report.outcome(), PassOutcome::Failed);
        assert_eq!(scene.objects().await, before, "nothing is half done");
        // As it was advised.
        for names in [["x", "b", "c"], ["x", "a", "c"], ["b", "a", "c"]] {
            assert_eq!(complaints(&rename(&scene, &names).await), [""; 0], "{names:?}");
        }
    }
}
