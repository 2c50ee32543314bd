//! What is fixed at creation is taken away and made anew, where that is allowed.

use serde_json::{Value, json};
use trueup::plan::{Action, Cause, Change};

use crate::rows::{Call, Other, Row};
use crate::support::{May, complaints};
use crate::{FORBIDDEN, Stage, changes, json_of, shown, usual, ways};

#[tokio::test]
async fn what_is_fixed_at_creation_is_held_unless_a_replace_is_allowed() {
    let reuse = [("reuse_after_delete", "allowed")];
    let cases: Vec<_> =
        ways().iter().flat_map(|row| (0..row.fixed.len()).map(|at| (row.way(), at))).collect();
    for ((kind, api), at) in cases {
        let mut stage = Stage::made(Row::by(kind, api).unwrap(), &reuse).await;
        let Other { field, says, shows: (place, value), .. } = &stage.row.fixed[at];
        let (field, place, value) = (*field, *place, value.clone());
        let case = format!("{kind}: {field}");
        let (id, before) = stage.object().await;
        assert_ne!(before.pointer(place), Some(&value), "{case}: before");

        let desired = stage.changed(says, &usual());
        let why = "needs a replace; replace: never";
        stage.scene.forget_requests().await;
        let held = stage.pass(&desired, May::Write).await;
        assert_eq!(changes(&held.plan), [(Action::Replace, vec![field], Some(why))], "{case}");
        assert_eq!((held.plan.detailed_exit(), held.applied.len()), (2, 0), "{case}");
        let rewritten = stage.rewrite(&desired).await;
        assert_eq!(changes(&rewritten.plan), [(Action::Replace, vec![field], Some(why))], "{case}");
        assert_eq!(stage.scene.writes().await, [""; 0], "{case}");

        let desired = stage.changed(&stage.row.fixed[at].says, &json!({"replace": "allowed"}));
        stage.scene.forget_requests().await;
        let report = stage.pass(&desired, May::Write).await;
        assert_eq!(complaints(&report), [""; 0], "{case}");
        assert_eq!(changes(&report.plan), [(Action::Replace, vec![field], None)], "{case}");
        assert_eq!(report.plan.summary.replace, 1, "{case}");
        let writes = stage.scene.writes().await;
        assert_eq!(writes.len(), report.plan.cost.calls_to_apply, "{case}: {writes:#?}");
        assert_eq!(json_of(&report.plan)["changes"][0]["action"], "replace", "{case}");
        assert!(shown(&report.plan).contains("\n± "), "{case}: {}", shown(&report.plan));
        assert_deletes_before_it_creates(&stage, &case).await;
        let (other, after) = stage.object().await;
        assert_ne!(other, id, "{case}");
        assert_eq!(after.pointer(place), Some(&value), "{case}: {after:#}");
        stage.assert_settled(&desired, &case).await;
    }
}

async fn assert_deletes_before_it_creates(stage: &Stage, case: &str) {
    let requests = stage.scene.requests().await;
    let last = |Call(method, path, _): &Call| {
        let is_it = |request: &Value| {
            request["method"] == *method && request["path"].as_str().unwrap().contains(path.as_str())
        };
        // What is tried out before comes first of all.
        requests.iter().rposition(|request| request["write"] == true && is_it(request)).unwrap()
    };
    let calls = &stage.row.calls;
    assert!(last(calls.delete.as_ref().unwrap()) < last(&calls.create), "{case}: {requests:#?}");
}

#[tokio::test]
async fn what_was_deleted_for_a_replace_and_not_created_again_is_said_and_made_in_the_next_pass() {
    for row in ways() {
        let Some(Other { says, field, .. }) = row.fixed.first() else { continue };
        let case = format!("{}: {field}", row.kind);
        let says = says.clone();
        let mut stage = Stage::made(row, &[("reuse_after_delete", "allowed")]).await;
        let desired = stage.changed(&says, &json!({"replace": "allowed"}));
        stage.refuse(&stage.row.calls.create, &FORBIDDEN).await;
        let report = stage.pass(&desired, May::Write).await;
        let told = complaints(&report);
        assert_eq!(told.len(), 1, "{case}: {told:#?}");
        assert!(told[0].contains(" failed: deleted, not yet created again: could not "), "{case}: {told:#?}");
        assert_eq!(stage.objects().await.len(), 0, "{case}");
        stage.scene.heal().await;
        let report = stage.applies(&desired).await;
        let Change { action, cause, .. } = &report.applied[0].change;
        // Where nobody can see that it is gone, both halves are sent once more.
        let again = if stage.row.kind.is_listed() { Action::Create } else { Action::Replace };
        assert_eq!((*action, *cause), (again, Cause::Pending), "{case}: it is gone by our own doing");
    }
}
