//! What somebody else changes or deletes is drift, and is put back.

use trueup::plan::{Action, Cause};
use trueup::qualys::{Reader, Writer};
use trueup::resource::Told;

use crate::rows::Other;
use crate::support::{May, complaints};
use crate::{Stage, changes, shown, usual, ways};

#[tokio::test]
async fn a_field_that_somebody_changes_is_drift_and_is_put_back() {
    for row in ways().into_iter().filter(|row| row.kind.is_listed()) {
        let mut stage = Stage::made(row, &[]).await;
        let desired = stage.desired(&usual());
        for at in 0..stage.row.updates.len() {
            let Other { field, says, shows: (place, value) } = &stage.row.updates[at];
            let (field, place) = (*field, *place);
            let may_show: Vec<String> = says.as_object().unwrap().keys().cloned().collect();
            if stage.row.kind.field(field).unwrap().told != Told::Value {
                continue;
            }
            let case = format!("{}: {field}", stage.row.kind);
            let (id, before) = stage.object().await;
            stage.set((place, value)).await;
            let seen = stage.pass(&desired, May::Look).await;
            let told = changes(&seen.plan);
            assert_eq!((told.len(), told[0].0, told[0].2), (1, Action::Update, None), "{case}: {told:?}");
            assert!(told[0].1.contains(&field), "{case}: {told:?}");
            assert!(
                told[0].1.iter().all(|field| may_show.iter().any(|may| may == field)),
                "{case}: {told:?}"
            );
            assert_eq!(seen.plan.changes[0].cause, Cause::Drift, "{case}");
            assert_eq!(seen.plan.detailed_exit(), 4, "{case}");
            stage.applies(&desired).await;
            let (same, after) = stage.object().await;
            assert_eq!((same, after.pointer(place)), (id, before.pointer(place)), "{case}");
        }
    }
}

#[tokio::test]
async fn what_somebody_deletes_is_drift_and_is_made_again() {
    for row in ways().into_iter().filter(|row| row.kind.is_listed()) {
        let kind = row.kind;
        let mut stage = Stage::made(row, &[]).await;
        let desired = stage.desired(&usual());
        let gone = stage.gone().await;
        stage.scene.control("POST", "/_sim/objects", gone).await;
        let seen = stage.pass(&desired, May::Look).await;
        assert_eq!(seen.plan.detailed_exit(), 4, "{kind}: {}", shown(&seen.plan));
        let reason = &seen.plan.changes[0].reason;
        assert!(reason.contains(", gone from the platform (it was "), "{kind}: {reason}");
        let report = stage.applies(&desired).await;
        assert_eq!(report.applied[0].change.action, Action::Create, "{kind}");
        stage.object().await;
    }
}

#[tokio::test]
async fn what_somebody_deletes_is_made_again_as_soon_as_the_platform_lets_go_of_it() {
    for row in ways().into_iter().filter(|row| row.kind.is_listed() && row.calls.delete.is_some()) {
        let kind = row.kind;
        let mut stage = Stage::made(row, &[("reuse_after", "10")]).await;
        let desired = stage.desired(&usual());
        let (id, object) = stage.object().await;
        let reader = Reader::connect(stage.scene.endpoint()).unwrap();
        Writer::new(&reader).delete(kind, &stage.row.id(id, &object)).await.unwrap();
        for turn in 0.. {
            let report = stage.pass(&desired, May::Write).await;
            let told = complaints(&report);
            if told.is_empty() {
                break;
            }
            assert!(turn < 5 && told.len() == 1, "{kind}: {told:#?}");
            assert!(told[0].contains("was deleted a short while ago"), "{kind}: {told:#?}");
        }
        assert_ne!(stage.object().await.0, id, "{kind}");
        stage.assert_settled(&desired, kind.word()).await;
    }
}
