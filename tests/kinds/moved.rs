//! What somebody does to an object while `apply` asks: what is not as the plan has it is not written.

use serde_json::{Value, json};
use trueup::apply::{Outcome, Skip};
use trueup::desired::Desired;
use trueup::plan::{Action, Policy};
use trueup::reconcile::{PassOutcome, Report};
use trueup::resource::{ConnectorsApi, Told};

use crate::rows::{Other, Row};
use crate::{FORBIDDEN, Stage, fault, owned, shown, usual, ways};

impl Stage {
    /// A pass with consent, before which somebody does this.
    async fn asked(&mut self, desired: &Desired, meanwhile: Value) -> Report {
        self.scene.forget_requests().await;
        let policy = Policy::from_settings(&desired.settings.reconcile);
        self.under(&policy, desired, Some(meanwhile)).await
    }

    /// Nothing was written, and that is said by name.
    async fn assert_skipped(&self, report: &Report, action: Action, told: &str) {
        let case = format!("{} {action:?}: {}", self.row.kind, shown(&report.plan));
        let [applied] = report.applied.as_slice() else { panic!("{case}") };
        assert_eq!(applied.change.action, action, "{case}");
        let Outcome::Skipped { because: because @ Skip::Moved(_) } = &applied.outcome else {
            panic!("{case} {:?}", applied.outcome)
        };
        let because = because.to_string();
        assert!(because.starts_with("moved since the plan: ") && because.contains(told), "{case}: {because}");
        assert_eq!(self.scene.writes().await, [""; 0], "{case}");
        assert_eq!(report.outcome(), PassOutcome::Failed, "{case}");
    }
}

/// The updates that can be read back.
fn plain(row: &Row) -> Vec<&Other> {
    row.updates.iter().filter(|other| row.kind.field(other.field).unwrap().told == Told::Value).collect()
}

/// Every way in which the platform can be asked.
fn read_back() -> impl Iterator<Item = Row> {
    ways().into_iter().filter(|row| row.kind.is_listed())
}

#[tokio::test]
async fn what_moved_while_apply_asked_is_not_updated() {
    for row in read_back() {
        let mut stage = Stage::made(row, &[]).await;
        let plain = plain(&stage.row);
        let [wanted, moved, ..] = plain.as_slice() else { continue };
        let (field, says) = (moved.field, wanted.says.clone());
        let meanwhile = stage.setting((moved.shows.0, &moved.shows.1)).await;
        let desired = stage.changed(&says, &usual());
        let report = stage.asked(&desired, meanwhile).await;
        stage.assert_skipped(&report, Action::Update, field).await;
        // The next pass plans with what is there now.
        let next = report.after.as_ref().unwrap();
        assert!(next.changes[0].field_names().contains(&field), "{field}: {}", shown(next));
        stage.applies(&desired).await;
    }
}

#[tokio::test]
async fn what_moved_while_apply_asked_is_not_deleted_and_what_is_gone_is_done() {
    for row in read_back().filter(|row| row.kind.undeletable().is_none()) {
        let kind = row.kind;
        let mut stage = Stage::made(row, &[]).await;
        let plain = plain(&stage.row);
        let (field, shows) = (plain[0].field, plain[0].shows.clone());
        let desired = stage.dropped(&owned());
        let meanwhile = stage.setting((shows.0, &shows.1)).await;
        let report = stage.asked(&desired, meanwhile).await;
        stage.assert_skipped(&report, Action::Delete, field).await;
        stage.object().await;

        let gone = stage.gone().await;
        let report = stage.asked(&desired, gone).await;
        let [applied] = report.applied.as_slice() else { panic!("{kind}: {:?}", report.applied) };
        assert!(applied.outcome.is_applied(), "{kind}: {:?}", applied.outcome);
        assert_eq!(stage.scene.writes().await, [""; 0], "{kind}: it is gone already");
        assert_eq!(report.outcome(), PassOutcome::Applied, "{kind}");
        stage.assert_settled(&desired, kind.word()).await;
    }
}

#[tokio::test]
async fn what_moved_while_apply_asked_is_not_replaced() {
    for row in read_back().filter(|row| !row.fixed.is_empty()) {
        let says = row.fixed[0].says.clone();
        let mut stage = Stage::made(row, &[]).await;
        let plain = plain(&stage.row);
        let (field, shows) = (plain[0].field, plain[0].shows.clone());
        let desired = stage.changed(&says, &json!({"replace": "allowed"}));
        let meanwhile = stage.setting((shows.0, &shows.1)).await;
        let report = stage.asked(&desired, meanwhile).await;
        stage.assert_skipped(&report, Action::Replace, field).await;
        stage.object().await;
        let gone = stage.gone().await;
        let report = stage.asked(&desired, gone).await;
        stage.assert_skipped(&report, Action::Replace, "it is gone").await;
    }
}

#[tokio::test]
async fn what_another_owner_marked_while_apply_asked_is_theirs() {
    for row in read_back().filter(|row| row.kind.undeletable().is_none()) {
        let Some(described) = row.updates.iter().find(|other| other.field == "description") else { continue };
        let place = described.shows.0;
        let says = plain(&row).iter().find(|other| other.field != "description").unwrap().says.clone();
        let mut stage = Stage::made(row, &[]).await;
        let text = stage.object().await.1.pointer(place).unwrap().as_str().unwrap().to_owned();
        let marked: Value = format!("{text} [trueup:netops]").into();
        let meanwhile = stage.setting((place, &marked)).await;
        let theirs = "it bears the mark [trueup:netops]";
        let desired = stage.changed(&says, &usual());
        let report = stage.asked(&desired, meanwhile.clone()).await;
        stage.assert_skipped(&report, Action::Update, theirs).await;

        let back: Value = text.into();
        stage.set((place, &back)).await;
        let desired = stage.dropped(&owned());
        let report = stage.asked(&desired, meanwhile).await;
        stage.assert_skipped(&report, Action::Delete, theirs).await;
        stage.object().await;
    }
}

#[tokio::test]
async fn what_cannot_be_read_again_is_not_deleted() {
    // Where the same call lists and reads by id, the second one is that before the delete.
    for row in read_back().filter(|row| row.api == ConnectorsApi::V3 && row.kind.word() == "aws") {
        let mut stage = Stage::made(row, &[]).await;
        let desired = stage.dropped(&owned());
        let list = stage.row.calls.list.clone().unwrap();
        let mut refused = fault(&list, &FORBIDDEN);
        refused["nth"] = 2.into();
        stage.scene.faults(refused).await;
        let report = stage.asked(&desired, json!([])).await;
        let [applied] = report.applied.as_slice() else { panic!("{:?}", report.applied) };
        let Outcome::Skipped { because: because @ Skip::Unread(_) } = &applied.outcome else {
            panic!("{:?}", applied.outcome)
        };
        assert!(
            because.to_string().starts_with("it could not be read again right before: could not "),
            "{because}"
        );
        assert_eq!(stage.scene.writes().await, [""; 0]);
        stage.scene.heal().await;
        stage.applies(&desired).await;
    }
}
