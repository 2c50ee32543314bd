//! What is promised of every kind, for every kind there is: one table, and tests that go over it.
//!
//! `rows` is the table; here is the stage on which each row is tried.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/bin.rs"]
mod bin;
#[path = "kinds/drift.rs"]
mod drift;
#[path = "kinds/moved.rs"]
mod moved;
#[path = "kinds/order.rs"]
mod order;
#[path = "kinds/prune.rs"]
mod prune;
#[path = "kinds/replace.rs"]
mod replace;
#[path = "kinds/rows.rs"]
mod rows;
#[path = "kinds/secrets.rs"]
mod secrets;
mod support;
#[path = "kinds/unread.rs"]
mod unread;
#[path = "kinds/unwritten.rs"]
mod unwritten;
#[path = "kinds/writes.rs"]
mod writes;

use std::collections::{BTreeMap, BTreeSet};

use rows::{Call, Kept, Other, PROD, Row, WEB};
use serde_json::{Value, json};
use support::{May, Scene, complaints, pass_under};
use trueup::desired::Desired;
use trueup::journal::Journal;
use trueup::plan::{Action, Heading, Plan, Policy, Style, plan_json, render_text};
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
    async fn set(&self, shows: (&str, &Value)) {
        self.scene.control("POST", "/_sim/objects", self.setting(shows).await).await;
    }

    /// What changes a field behind our back.
    async fn setting(&self, (at, value): (&str, &Value)) -> Value {
        let (id, mut object) = self.object().await;
        let top = at.split('/').nth(1).unwrap();
        match object.pointer_mut(at) {
            Some(place) => *place = value.clone(),
            None => object[top] = value.clone(),
        }
        json!({"kind": self.row.simulated, "id": id, "set": {top: object[top]}})
    }

    /// What takes the object away behind our back.
    async fn gone(&self) -> Value {
        json!({"kind": self.row.simulated, "id": self.object().await.0, "delete": true})
    }

    /// Every request of this sort is answered so.
    async fn refuse(&self, call: &Call, answer: &Answer) {
        self.scene.faults(fault(call, answer)).await;
    }

    /// The first update of a field that can be read.
    fn plain_change(&self) -> &Other {
        let plain = |other: &&Other| self.row.kind.field(other.field).unwrap().told == Told::Value;
        self.row.updates.iter().find(plain).unwrap()
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

fn json_of(plan: &Plan) -> Value {
    let heading = Heading { platform: "simulator", generated_at: jiff::Timestamp::UNIX_EPOCH, exit: 0 };
    plan_json(plan, &heading)
}

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
