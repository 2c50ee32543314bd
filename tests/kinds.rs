//! What is promised of every kind, for every kind there is: one table, and tests that go over it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/bin.rs"]
mod bin;
#[path = "kinds/rows.rs"]
mod rows;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, Once};

use rows::{Call, Kept, Other, PROD, Row, WEB};
use serde_json::{Map, Value, json};
use support::{May, Scene, complaints, pass_under};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use trueup::desired::Desired;
use trueup::journal::Journal;
use trueup::plan::{Action, Cause, Change, Heading, Plan, Policy, Style, plan_json, render_text};
use trueup::qualys::{Reader, Writer};
use trueup::reconcile::{PassOutcome, Report};
use trueup::resource::{Above, Access, ConnectorsApi, Kind, Told, Wanted};

/// The table.
fn rows() -> Vec<Row> {
    Kind::ALL.iter().filter_map(|&kind| Row::of(kind)).collect()
}

/// The table, and of the connectors that CloudView v1 has what it has of them.
fn ways() -> Vec<Row> {
    let through_cloudview = Kind::ALL.iter().filter_map(|&kind| Row::by(kind, ConnectorsApi::Cloudview));
    rows().into_iter().chain(through_cloudview).collect()
}

#[test]
fn every_kind_has_a_row_that_names_all_its_fields() {
    let words = |kinds: &mut dyn Iterator<Item = Kind>| kinds.map(Kind::word).collect::<Vec<_>>();
    assert_eq!(
        words(&mut rows().iter().map(|row| row.kind)),
        words(&mut Kind::ALL.iter().copied().filter(|kind| kind.wanted() == Wanted::Present)),
        "the kinds that have a row"
    );
    for row in rows() {
        let kind = row.kind;
        let named = |access| {
            let fields = kind.fields().iter().filter(move |field| field.access == access);
            fields.map(|field| field.name).collect::<Vec<_>>()
        };
        let others = |others: &[Other]| others.iter().map(|other| other.field).collect::<Vec<_>>();
        assert_eq!(others(&row.updates), named(Access::Updatable), "{kind}: what an update writes");
        assert_eq!(others(&row.fixed), named(Access::Fixed), "{kind}: what only a create writes");
        let secrets: Vec<_> = row.secrets.iter().map(|secret| secret.field).collect();
        let fields = kind.fields();
        let marked: Vec<_> =
            fields.iter().filter(|field| field.is_secret()).map(|field| field.name).collect();
        assert_eq!(secrets, marked, "{kind}: its secrets");
        let said: BTreeSet<&str> = row.entry.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(said, fields.iter().map(|field| field.name).collect(), "{kind}: the entry is whole");
        assert_eq!(row.calls.list.is_some(), kind.is_listed(), "{kind}: its listing");
        assert_eq!(row.calls.delete.is_none(), kind.undeletable().is_some(), "{kind}: its delete");
    }
}

/// The file with these entries; one without a value stands as an empty list.
fn config(platform: &Value, reconcile: &Value, entries: &[(Kind, Option<Value>)]) -> String {
    let mut file = json!({
        "version": 1, "platform": platform, "listen": "127.0.0.1:0", "reconcile": reconcile,
        "tags": [{"name": "prod"}],
    });
    for (kind, entry) in entries {
        let place = kind.section().iter().fold(&mut file, |place, section| &mut place[*section]);
        match entry {
            Some(entry) if kind.is_singleton() => *place = entry.clone(),
            entry if kind.above().is_some() => *place = json!([within(*kind, entry.as_ref())]),
            entry => {
                let mut all = place.as_array().cloned().unwrap_or_default();
                all.extend(entry.clone());
                *place = all.into();
            }
        }
    }
    format!("{file:#}")
}

/// What an entry of the kind stands in, with the entry in it, if there is one.
fn within(kind: Kind, entry: Option<&Value>) -> Value {
    let Some(Above::Entries { field, list }) = kind.above() else { unreachable!("{kind}") };
    let mut entry = entry.cloned();
    let mut above = Row::of(kind).unwrap().entry[field].clone();
    if let Some(entry) = &mut entry {
        above = entry.as_object_mut().unwrap().remove(field).unwrap();
    }
    above[list] = entry.into_iter().collect();
    above
}

/// A subscription with the two tags that rows name, and what else these rows need.
async fn scene_for(rows: &[&Row], options: &[(&str, &str)]) -> Scene {
    let options: Vec<_> = rows.iter().flat_map(|row| row.options).chain(options).copied().collect();
    let scene = Scene::new(&options).await;
    for (id, name) in [(PROD, "prod"), (WEB, "web")] {
        scene.make("tag", [json!({"id": id, "name": name})]).await;
    }
    for row in rows {
        for (kind, object) in &row.needs {
            scene.make(kind, [object.clone()]).await;
        }
        for Kept { file, first, then, .. } in &row.secrets {
            std::fs::write(scene.path(file), first).unwrap();
            std::fs::write(scene.path(&format!("other-{file}")), then).unwrap();
        }
    }
    scene.forget_requests().await;
    scene
}

/// One kind on the simulator, and what we remember of it.
struct Stage {
    row: Row,
    scene: Scene,
    journal: Journal,
    /// What was there before.
    others: BTreeSet<u64>,
}

/// How the kind's section stands in the file.
enum Section {
    Absent,
    Empty,
    With(Value),
}

/// The platform of files that are read for a scene.
fn simulated() -> Value {
    json!({"pod": "simulator"})
}

/// The reconciler's settings where there is nothing to say.
fn usual() -> Value {
    json!({})
}

/// Those where what is ours and not in the file goes.
fn owned() -> Value {
    json!({"prune": "owned", "owner": "cloudsec"})
}

impl Stage {
    /// Nothing of the kind is there.
    async fn empty(row: Row, options: &[(&str, &str)]) -> Stage {
        let mut scene = scene_for(&[&row], options).await;
        scene.connectors_api = row.api;
        let others = scene.objects().await.of(row.simulated).map(|(id, _)| id).collect();
        Stage { row, scene, journal: Journal::in_memory().unwrap(), others }
    }

    /// What the row's entry says is there: we made it.
    async fn made(row: Row, options: &[(&str, &str)]) -> Stage {
        let mut stage = Stage::empty(row, options).await;
        let desired = stage.desired(&usual());
        stage.applies(&desired).await;
        stage
    }

    fn file(&self, reconcile: &Value, section: Section) -> Desired {
        let entries = match section {
            Section::Absent => vec![],
            Section::Empty => vec![(self.row.kind, None)],
            Section::With(entry) => vec![(self.row.kind, Some(entry))],
        };
        let platform = json!({"pod": "simulator", "connectors_api": self.row.api.word()});
        self.scene.file(&config(&platform, reconcile, &entries))
    }

    /// The file with the row's entry.
    fn desired(&self, reconcile: &Value) -> Desired {
        self.changed(&json!({}), reconcile)
    }

    /// The file with the row's entry and this over it.
    fn changed(&self, says: &Value, reconcile: &Value) -> Desired {
        self.file(reconcile, Section::With(self.row.entry_with(says)))
    }

    /// The file without the entry. Of some kinds only what the file names is looked at.
    fn dropped(&self, reconcile: &Value) -> Desired {
        let section = if self.row.kind.is_scoped() { Section::Empty } else { Section::Absent };
        self.file(reconcile, section)
    }

    async fn pass(&mut self, desired: &Desired, may: May) -> Report {
        self.scene.pass(desired, &mut self.journal, may).await
    }

    /// A pass that writes what cannot be read again.
    async fn rewrite(&mut self, desired: &Desired) -> Report {
        let usual = Policy::from_settings(&desired.settings.reconcile);
        self.under(&Policy { rewrite: true, ..usual }, desired, None).await
    }

    /// A pass that writes, while somebody makes a change.
    async fn under(&mut self, policy: &Policy, desired: &Desired, meanwhile: Option<Value>) -> Report {
        let meanwhile: futures::future::BoxFuture<'static, ()> = match meanwhile {
            Some(change) => self.scene.later(change),
            None => Box::pin(std::future::ready(())),
        };
        let endpoint = self.scene.endpoint();
        pass_under(policy, endpoint, desired, &mut self.journal, May::Write, meanwhile).await
    }

    /// A pass that makes changes, and goes well; the next one has nothing to do.
    #[track_caller]
    fn applies<'a>(&'a mut self, desired: &'a Desired) -> impl Future<Output = Report> + 'a {
        let at = std::panic::Location::caller();
        async move {
            self.scene.forget_requests().await;
            let report = self.pass(desired, May::Write).await;
            let case = format!("{at}: {}", self.row.kind);
            assert_eq!(complaints(&report), [""; 0], "{case}");
            assert_eq!(report.outcome(), PassOutcome::Applied, "{case}: {}", shown(&report.plan));
            let writes = self.scene.writes().await;
            let planned = report.plan.cost.calls_to_apply;
            assert_eq!(writes.len(), planned, "{case}: {writes:#?} {}", shown(&report.plan));
            self.assert_settled(desired, &case).await;
            report
        }
    }

    /// Nothing is to be done, nothing is sent, and everything is verified.
    async fn assert_settled(&mut self, desired: &Desired, case: &str) {
        self.scene.forget_requests().await;
        let report = self.pass(desired, May::Write).await;
        assert_eq!(report.outcome(), PassOutcome::InSync, "{case}: {}", shown(&report.plan));
        assert_eq!(report.plan.applicable().count(), 0, "{case}: {}", shown(&report.plan));
        assert_eq!(report.plan.unverified, [], "{case}");
        assert_eq!(self.scene.writes().await, [""; 0], "{case}");
    }

    /// What is there of the kind, but for what was there before.
    async fn objects(&self) -> BTreeMap<u64, Value> {
        let objects = self.scene.objects().await;
        let ours = objects.of(self.row.simulated).filter(|(id, _)| !self.others.contains(id));
        ours.map(|(id, object)| (id, object.clone().into())).collect()
    }

    /// The one object.
    async fn object(&self) -> (u64, Value) {
        let objects = self.objects().await;
        assert_eq!(objects.len(), 1, "{}: {objects:#?}", self.row.kind);
        objects.into_iter().next().unwrap()
    }

    /// Somebody changes a field.
    async fn set(&self, (at, value): (&str, &Value)) {
        let (id, mut object) = self.object().await;
        let top = at.split('/').nth(1).unwrap();
        match object.pointer_mut(at) {
            Some(place) => *place = value.clone(),
            None => object[top] = value.clone(),
        }
        let change = json!({"kind": self.row.simulated, "id": id, "set": {top: object[top]}});
        self.scene.control("POST", "/_sim/objects", change).await;
    }

    /// What takes the object away behind our back.
    async fn gone(&self) -> Value {
        json!({"kind": self.row.simulated, "id": self.object().await.0, "delete": true})
    }

    /// Every request of this sort is answered so.
    async fn refuse(&self, call: &Call, answer: &Answer) {
        self.scene.faults(fault(call, answer)).await;
    }
}

fn shown(plan: &Plan) -> String {
    render_text(plan, "simulator", Style::default())
}

/// The changes of a plan, each with its fields and why it is held.
fn changes(plan: &Plan) -> Vec<(Action, Vec<&str>, Option<&str>)> {
    let all = plan.changes.iter();
    all.map(|change| {
        let held = change.held.as_ref().map(|held| held.why.as_str());
        (change.action, change.field_names(), held)
    })
    .collect()
}

// Create and update

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

// Replace

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

// Delete

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

// Drift

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

// Secrets

#[tokio::test]
async fn a_secret_that_changes_is_written_and_seen_nowhere() {
    let (heard, _guard) = listen();
    let cases: Vec<_> =
        ways().iter().flat_map(|row| (0..row.secrets.len()).map(|at| (row.way(), at))).collect();
    for ((kind, api), at) in cases {
        let mut stage = Stage::empty(Row::by(kind, api).unwrap(), &[("reuse_after_delete", "allowed")]).await;
        let place = stage.scene.path("trueup.db");
        stage.journal = Journal::open(&place).unwrap().0;
        let settings = json!({"replace": "allowed"});
        let desired = stage.desired(&settings);
        let first = stage.applies(&desired).await;
        let (_, before) = stage.object().await;

        let Kept { field, file, then, at, hidden, .. } = &stage.row.secrets[at];
        let (field, at, hidden) = (*field, *at, *hidden);
        let case = format!("{kind}: {field}");
        std::fs::write(stage.scene.path(file), then).unwrap();
        let expected = match kind.field(field).unwrap().access {
            Access::Fixed => Action::Replace,
            Access::Updatable | Access::Identity => Action::Update,
        };
        let seen = stage.pass(&desired, May::Look).await;
        assert_eq!(changes(&seen.plan), [(expected, vec![field], None)], "{case}");
        assert!(shown(&seen.plan).contains("(secret, changed)"), "{case}: {}", shown(&seen.plan));
        let fields = json_of(&seen.plan)["changes"][0]["fields"].clone();
        assert_eq!(fields, json!([{"path": field, "sensitive": true}]), "{case}");
        let report = stage.applies(&desired).await;
        let (_, after) = stage.object().await;
        assert_ne!(
            after.pointer(at).unwrap(),
            before.pointer(at).unwrap(),
            "{case}: the platform has the new one"
        );

        let mut texts: Vec<String> = vec![heard.lock().unwrap().clone()];
        for Report { plan, .. } in [&first, &seen, &report] {
            texts.extend([shown(plan), json_of(plan).to_string(), format!("{plan:?}")]);
        }
        texts.extend([&first, &seen, &report].map(|report| format!("{:?}", report.applied)));
        texts.extend(files_of_the_journal(&stage.scene));
        for (text, hidden) in texts.iter().flat_map(|text| hidden.map(|hidden| (text, hidden))) {
            assert!(!text.contains(hidden), "{case}: {hidden} is in {text}");
        }
    }
    assert!(heard.lock().unwrap().contains("change_applied"), "something was heard");
}

/// What is in the files beside the journal, and in it.
fn files_of_the_journal(scene: &Scene) -> Vec<String> {
    let names = ["trueup.db", "trueup.db-wal", "trueup.db.key"];
    let texts: Vec<String> = names
        .iter()
        .filter_map(|name| std::fs::read(scene.path(name)).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    assert!(!texts.is_empty());
    texts
}

#[tokio::test]
async fn a_secret_that_nobody_remembers_is_unverified_and_written_again_when_asked() {
    for row in ways().into_iter().filter(|row| !row.secrets.is_empty()) {
        let kind = row.kind;
        let mut stage = Stage::made(row, &[]).await;
        let desired = stage.desired(&json!({"replace": "allowed"}));
        let updatable = |field: &&str| kind.field(field).unwrap().access == Access::Updatable;
        let secrets: Vec<&str> = stage.row.secrets.iter().map(|secret| secret.field).collect();
        let written: Vec<&str> = secrets.iter().copied().filter(updatable).collect();
        let expected: Vec<_> =
            (!written.is_empty()).then_some((Action::Update, written, None)).into_iter().collect();
        for remembers in [true, false] {
            let case = format!("{kind}, with a journal: {remembers}");
            let (_, before) = stage.object().await;
            if !remembers {
                for Kept { file, then, .. } in &stage.row.secrets {
                    std::fs::write(stage.scene.path(file), then).unwrap();
                }
                stage.journal = Journal::off();
                stage.scene.forget_requests().await;
                let seen = stage.pass(&desired, May::Write).await;
                assert_eq!(changes(&seen.plan), [], "{case}");
                assert_eq!(seen.outcome(), PassOutcome::InSync, "{case}");
                assert_eq!(seen.plan.unverified.len(), 1, "{case}");
                assert_eq!(seen.plan.unverified[0].fields, secrets, "{case}");
                assert_eq!(stage.scene.writes().await, [""; 0], "{case}");
            }
            let report = stage.rewrite(&desired).await;
            assert_eq!(complaints(&report), [""; 0], "{case}");
            assert_eq!(changes(&report.plan), expected, "{case}");
            let (_, after) = stage.object().await;
            for Kept { at, .. } in stage.row.secrets.iter().filter(|secret| updatable(&secret.field)) {
                assert_eq!(after.pointer(at) == before.pointer(at), remembers, "{case}");
            }
        }
    }
}

// Objects that vanish

#[tokio::test]
async fn an_update_of_what_has_vanished_is_told_and_repaired() {
    for row in ways() {
        let kind = row.kind;
        let Call(_, _, operation) = row.calls.update.clone();
        let mut stage = Stage::made(row, &[]).await;
        let desired = stage.changed(&stage.plain_change().says, &usual());
        let gone = stage.gone().await;
        let policy = Policy::from_settings(&desired.settings.reconcile);
        let report = stage.under(&policy, &desired, Some(gone)).await;
        let told = complaints(&report);
        if kind.is_listed() {
            let change = &report.plan.changes[0];
            let named = format!("{} failed: could not {operation} ", change.address);
            assert_eq!(told.len(), 1, "{kind}: {told:#?}");
            assert!(told[0].starts_with(&named), "{kind}: {told:#?}");
            let id = change.id.as_ref().unwrap();
            assert!(told[0].contains(&format!(" {id}: ")) || kind.is_singleton(), "{kind}: {told:#?}");
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

impl Stage {
    /// The first update of a field that can be read.
    fn plain_change(&self) -> &Other {
        let plain = |other: &&Other| self.row.kind.field(other.field).unwrap().told == Told::Value;
        self.row.updates.iter().find(plain).unwrap()
    }
}

// Permissions, missing modules, old platforms

/// What stands in for the answer, and what is said of it.
struct Answer {
    status: u16,
    code: &'static str,
    told: &'static str,
}

const FORBIDDEN: Answer = Answer { status: 403, code: "FORBIDDEN", told: "HTTP 403" };
const UNAUTHORIZED: Answer = Answer { status: 401, code: "UNAUTHORIZED", told: "HTTP 401" };
const NOT_FOUND: Answer = Answer { status: 404, code: "NOT_FOUND", told: "HTTP 404" };
const UNKNOWN: Answer = Answer { status: 200, code: "INVALID_API_VERSION", told: "INVALID_API_VERSION" };

const WORDS: &str = "this is not for you";

fn fault(Call(method, path, operation): &Call, Answer { status, code, .. }: &Answer) -> Value {
    let body = if path.contains("/am/") {
        let details = json!({"errorMessage": WORDS, "errorResolution": "Ask somebody."});
        json!({"ServiceResponse": {"responseCode": code, "responseErrorDetails": details}})
    } else {
        let code = if *status == 200 { (*code).to_owned() } else { format!("{status} {code}") };
        json!({"errorCode": code, "message": WORDS})
    };
    let nth = 1 + tried_out_before(operation);
    json!({
        "kind": "status", "method": method, "path": path, "nth": nth, "times": 0, "status": status, "body": body,
    })
}

/// How many requests of the same method and the same beginning come before: a connection is tested, and its groups are
/// looked for.
fn tried_out_before(operation: &str) -> u64 {
    if operation == "create azure organization connector" { 2 } else { 0 }
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

fn json_of(plan: &Plan) -> Value {
    let heading = Heading { platform: "simulator", generated_at: jiff::Timestamp::UNIX_EPOCH, exit: 0 };
    plan_json(plan, &heading)
}

// Logs

/// What is logged from now on in this thread, however quiet, until the guard goes.
fn listen() -> (Arc<Mutex<String>>, tracing::subscriber::DefaultGuard) {
    // Tests on other threads listen to nothing; what they reach first would be taken to interest nobody.
    static SOMEBODY: Once = Once::new();
    SOMEBODY.call_once(|| tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap());
    let heard = Arc::new(Mutex::new(String::new()));
    let layer = Heard(Arc::clone(&heard));
    (heard, tracing::subscriber::set_default(tracing_subscriber::registry().with(layer)))
}

struct Heard(Arc<Mutex<String>>);

impl<S: tracing::Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target().starts_with("trueup") {
            event.record(&mut |field: &tracing::field::Field, value: &dyn Debug| {
                let _ = writeln!(self.0.lock().unwrap(), "{field}={value:?}");
            });
        }
    }
}
