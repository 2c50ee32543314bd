//! What the file says is created and updated, and the platform shows it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trueup::plan::{Action, Cause};
use trueup::resource::{Access, Told};

use crate::rows::Other;
use crate::{Section, Stage, changes, owned, usual, ways};

#[tokio::test]
async fn what_the_file_names_is_made_whole_and_verified() {
    for row in ways() {
        let address = row.address();
        let mut stage = Stage::empty(row, &[]).await;
        let desired = stage.desired(&usual());
        let report = stage.applies(&desired).await;
        let made: Vec<_> = report.applied.iter().map(|applied| &applied.change).collect();
        assert_eq!(made.len(), 1, "{address}");
        assert_eq!((made[0].action, made[0].address.to_string()), (Action::Create, address.clone()));
        let fields = stage.row.kind.fields().iter().map(|field| field.name);
        let fields: Vec<_> = fields.filter(|field| stage.row.entry.get(field).is_some()).collect();
        assert_eq!(made[0].field_names(), fields, "{address}");
        stage.object().await;
    }
}

#[tokio::test]
async fn a_field_that_changes_in_the_file_is_written_alone_and_the_platform_shows_it() {
    for row in ways() {
        let mut stage = Stage::made(row, &[]).await;
        for at in 0..stage.row.updates.len() {
            let Other { field, says, shows: (place, value), .. } = &stage.row.updates[at];
            let (field, place, value) = (*field, *place, value.clone());
            let case = format!("{}: {field}", stage.row.kind);
            let (id, before) = stage.object().await;
            let desired = stage.changed(says, &usual());
            if stage.row.kind.field(field).unwrap().told == Told::Never {
                stage.assert_settled(&desired, &case).await;
                assert_eq!(before.pointer(place), Some(&value), "{case}");
                continue;
            }
            assert_ne!(before.pointer(place), Some(&value), "{case}: before");
            let report = stage.applies(&desired).await;
            assert_eq!(changes(&report.plan), [(Action::Update, vec![field], None)], "{case}");
            assert_eq!(report.plan.changes[0].cause, Cause::Pending, "{case}");
            let (same, after) = stage.object().await;
            assert_eq!(after.pointer(place), Some(&value), "{case}: {after:#}");
            assert!(same == id || !stage.row.kind.is_listed(), "{case}: it is still the same object");
            let desired = stage.desired(&usual());
            stage.applies(&desired).await;
            assert_eq!(stage.object().await.1.pointer(place), before.pointer(place), "{case}: and back");
        }
    }
}

#[tokio::test]
async fn another_name_is_an_update_another_object_or_a_replace_as_the_kind_has_it() {
    for row in ways() {
        let Some(name) = row.kind.field("name") else { continue };
        let kind = row.kind;
        let mut stage = Stage::made(row, &[("reuse_after_delete", "allowed")]).await;
        let (id, _) = stage.object().await;
        let says = json!({"name": "renamed"});
        let named = |objects: &BTreeMap<u64, Value>| {
            objects.iter().map(|(id, object)| (*id, object["name"].clone())).collect::<Vec<_>>()
        };
        match name.access {
            // Nobody can tell: it goes along when something else is written.
            Access::Updatable if name.told == Told::Never => {
                let desired = stage.changed(&says, &usual());
                stage.assert_settled(&desired, kind.word()).await;
                assert_eq!(stage.object().await.0, id, "{kind}");
            }
            Access::Updatable => {
                let desired = stage.changed(&says, &usual());
                stage.applies(&desired).await;
                assert_eq!(named(&stage.objects().await), [(id, json!("renamed"))], "{kind}");
            }
            Access::Identity => {
                let desired = stage.changed(&says, &owned());
                let report = stage.applies(&desired).await;
                let actions: Vec<_> = changes(&report.plan).into_iter().map(|change| change.0).collect();
                assert_eq!(actions, [Action::Delete, Action::Create], "{kind}");
                let (other, object) = stage.object().await;
                assert_eq!(object["name"], "renamed", "{kind}");
                assert_ne!(other, id, "{kind}");
            }
            Access::Fixed => {
                let desired = stage.changed(&says, &json!({"replace": "allowed"}));
                let report = stage.applies(&desired).await;
                assert_eq!(changes(&report.plan), [(Action::Replace, vec!["name"], None)], "{kind}");
                let (other, object) = stage.object().await;
                assert_eq!(object["name"], "renamed", "{kind}");
                assert_ne!(other, id, "{kind}");
            }
        }
    }
}

#[tokio::test]
async fn what_can_be_switched_off_is_made_off_switched_on_and_pruned_by_switching_it_off() {
    for row in ways() {
        let kind = row.kind;
        if kind.field("enabled").is_none() {
            continue;
        }
        let mut stage = Stage::empty(row, &[]).await;
        for (enabled, action) in [(false, Action::Create), (true, Action::Update), (false, Action::Update)] {
            let desired = stage.changed(&json!({"enabled": enabled}), &usual());
            let report = stage.applies(&desired).await;
            assert_eq!(report.applied[0].change.action, action, "{kind}");
            assert_eq!(stage.object().await.1["disabled"], !enabled, "{kind}");
        }
        let desired = stage.desired(&usual());
        stage.applies(&desired).await;
        let settings = json!({"prune": "owned", "owner": "cloudsec", "prune_action": "disable"});
        let desired = stage.file(&settings, Section::Absent);
        let report = stage.applies(&desired).await;
        assert_eq!(changes(&report.plan), [(Action::Update, vec!["enabled"], None)], "{kind}");
        assert_eq!(stage.object().await.1["disabled"], true, "{kind}");
    }
}
