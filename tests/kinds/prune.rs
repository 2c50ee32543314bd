//! What the file has dropped: what we made, what others made, and what is held by another object.

use serde_json::json;
use trueup::desired::Desired;
use trueup::journal::Journal;
use trueup::plan::Action;
use trueup::resource::Kind;

use crate::rows::Row;
use crate::support::May;
use crate::{Section, Stage, changes, config, owned, simulated, usual, ways};

#[tokio::test]
async fn prune_takes_what_we_made_and_the_file_has_dropped() {
    for row in ways() {
        let kind = row.kind;
        let mut stage = Stage::made(row, &[]).await;
        let before = stage.object().await;
        let stays = kind.undeletable();
        let desired = stage.dropped(&usual());
        let why = stays.unwrap_or("ours, not in the file; prune: never");
        stage.assert_held(&desired, why).await;
        let desired = stage.dropped(&owned());
        if let Some(why) = stays {
            stage.assert_held(&desired, why).await;
            assert_eq!(stage.object().await, before, "{kind}");
        } else {
            let report = stage.applies(&desired).await;
            assert_eq!(changes(&report.plan), [(Action::Delete, vec![], None)], "{kind}");
            assert_eq!(stage.objects().await.len(), 0, "{kind}");
        }
    }
}

impl Stage {
    /// The delete is shown and not made, and the exit code does not speak of it.
    async fn assert_held(&mut self, desired: &Desired, why: &str) {
        self.scene.forget_requests().await;
        let report = self.pass(desired, May::Write).await;
        let kind = self.row.kind;
        assert_eq!(changes(&report.plan), [(Action::Delete, vec![], Some(why))], "{kind}");
        assert_eq!(report.plan.detailed_exit(), 0, "{kind}");
        assert_eq!(self.scene.writes().await, [""; 0], "{kind}");
    }
}

#[tokio::test]
async fn prune_all_takes_what_others_made_where_the_section_is_there() {
    let all = json!({"prune": "all"});
    for row in ways() {
        let kind = row.kind;
        // Its section is the entry itself: there is no empty one.
        if kind.is_singleton() {
            continue;
        }
        let mut stage = Stage::made(row, &[]).await;
        // Nobody remembers who made it.
        stage.journal = Journal::in_memory().unwrap();
        let before = stage.object().await;
        for (settings, section) in
            [(all.clone(), Section::Absent), (owned(), Section::Empty), (usual(), Section::Empty)]
        {
            let looked_at = !kind.is_scoped() || !matches!(section, Section::Absent);
            let desired = stage.file(&settings, section);
            let report = stage.pass(&desired, May::Write).await;
            assert_eq!(changes(&report.plan), [], "{kind}: {settings}");
            let unmanaged = report.plan.unmanaged.iter().filter(|object| object.address.kind == kind).count();
            assert_eq!(unmanaged, usize::from(looked_at && !kind.is_shared()), "{kind}: {settings}");
        }
        assert_eq!(stage.object().await, before, "{kind}");
        let desired = stage.file(&all, Section::Empty);
        if kind.is_shared() {
            stage.assert_settled(&desired, kind.word()).await;
            assert_eq!(stage.object().await, before, "{kind}");
        } else {
            let report = stage.applies(&desired).await;
            assert_eq!(changes(&report.plan), [(Action::Delete, vec![], None)], "{kind}");
            assert_eq!(stage.objects().await.len(), 0, "{kind}");
        }
    }
}

#[tokio::test]
async fn members_of_an_organization_connector_are_neither_pruned_nor_counted_nor_changed() {
    let mut stage = Stage::made(Row::of(Kind::AzureOrganization).unwrap(), &[]).await;
    let member = stage.row.needs[0].1.clone();
    let organization = (Kind::AzureOrganization, Some(stage.row.entry.clone()));
    let file = config(&simulated(), &json!({"prune": "all"}), &[organization.clone(), (Kind::Azure, None)]);
    let desired = stage.scene.file(&file);
    stage.assert_settled(&desired, "an empty section").await;
    assert_eq!(stage.pass(&desired, May::Look).await.plan.unmanaged, []);

    let login = &member["authRecord"];
    let entry =
        json!({"name": "corp-data", "subscription_id": login["subscriptionId"], "run_frequency": "2h"});
    let file = config(&simulated(), &usual(), &[organization, (Kind::Azure, Some(entry))]);
    let desired = stage.scene.file(&file);
    stage.scene.forget_requests().await;
    let report = stage.pass(&desired, May::Write).await;
    let held = changes(&report.plan);
    assert_eq!(held.len(), 1, "{held:?}");
    assert!(held[0].2.unwrap().contains("member of"), "{held:?}");
    assert_eq!(stage.scene.writes().await, [""; 0]);
}
