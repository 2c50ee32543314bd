//! Writes that fail, because the object has vanished or for want of permission, are told and repaired.

use trueup::desired::Desired;
use trueup::plan::{Action, Policy};

use crate::rows::{Call, Row};
use crate::support::{May, complaints};
use crate::{Answer, FORBIDDEN, Stage, UNAUTHORIZED, WORDS, owned, usual, ways};

#[tokio::test]
async fn an_update_of_what_has_vanished_is_told_and_repaired() {
    for row in ways() {
        let kind = row.kind;
        let mut stage = Stage::made(row, &[]).await;
        let desired = stage.changed(&stage.plain_change().says, &usual());
        let gone = stage.gone().await;
        let policy = Policy::from_settings(&desired.settings.reconcile);
        let report = stage.under(&policy, &desired, Some(gone)).await;
        let told = complaints(&report);
        if kind.is_listed() {
            let address = &report.plan.changes[0].address;
            assert_eq!(told, [format!("{address} skipped: moved since the plan: it is gone")], "{kind}");
            stage.applies(&desired).await;
        } else {
            // It is taken away and made again: nothing is missed.
            assert_eq!(told, [""; 0], "{kind}");
            stage.assert_settled(&desired, kind.word()).await;
        }
        stage.object().await;
    }
}

#[tokio::test]
async fn a_delete_of_what_has_vanished_is_done() {
    for row in ways().into_iter().filter(|row| row.calls.delete.is_some()) {
        let kind = row.kind;
        let mut stage = Stage::made(row, &[]).await;
        let desired = stage.dropped(&owned());
        let gone = stage.gone().await;
        let policy = Policy::from_settings(&desired.settings.reconcile);
        let report = stage.under(&policy, &desired, Some(gone)).await;
        assert_eq!(complaints(&report), [""; 0], "{kind}");
        assert_eq!(report.applied[0].change.action, Action::Delete, "{kind}");
        stage.assert_settled(&desired, kind.word()).await;
    }
}

#[tokio::test]
async fn a_write_that_is_not_permitted_is_told_and_made_once_it_is() {
    for (kind, api) in ways().iter().map(Row::way) {
        for answer in [FORBIDDEN, UNAUTHORIZED] {
            let mut stage = Stage::empty(Row::by(kind, api).unwrap(), &[]).await;
            let desired = stage.desired(&usual());
            stage.is_refused_and_repaired(&desired, stage.row.calls.create.clone(), &answer).await;
            let desired = stage.changed(&stage.plain_change().says, &usual());
            stage.is_refused_and_repaired(&desired, stage.row.calls.update.clone(), &answer).await;
            if let Some(delete) = stage.row.calls.delete.clone() {
                let desired = stage.dropped(&owned());
                stage.is_refused_and_repaired(&desired, delete, &answer).await;
                assert_eq!(stage.objects().await.len(), 0, "{kind}");
            }
        }
    }
}

impl Stage {
    async fn is_refused_and_repaired(&mut self, desired: &Desired, call: Call, answer: &Answer) {
        let case = format!("{}: {} {}", self.row.kind, call.2, answer.status);
        let before = self.objects().await;
        self.refuse(&call, answer).await;
        let report = self.pass(desired, May::Write).await;
        let told = complaints(&report);
        assert!(report.has_failures(), "{case}");
        assert_eq!(told.len(), 1, "{case}: {told:#?}");
        let named = format!("{} failed: could not {} ", report.plan.changes[0].address, call.2);
        assert!(told[0].starts_with(&named), "{case}: {told:#?}");
        for part in [answer.told, WORDS] {
            assert!(told[0].contains(part), "{case}: {told:#?}");
        }
        assert!(!told[0].contains('\n'), "{case}: {told:#?}");
        assert_eq!(self.objects().await, before, "{case}");
        assert!(self.scene.heal().await > 0, "{case}: nothing met the fault");
        self.applies(desired).await;
    }
}
