//! The plan: one value for the text that a person reads, the JSON that a program reads, and apply.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::warning::Warning;
use crate::desired::settings::Mode;
use crate::resource::{
    Address, Checked, ConnectorsApi, Edit, Field, Fields, Health, Kind, LiveObject, Owner, RunError, Spec,
    Timetable,
};

/// What to change, and all that a person should know beside it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// A hash of the actions, their fields and the objects that they touch.
    pub id: String,
    /// Whether the daemon applies.
    pub mode: Mode,
    /// The changes, those that are held among them; by kind, then by name.
    pub changes: Vec<Change>,
    /// The declared objects that are as they should be.
    pub unchanged: BTreeSet<Address>,
    /// How many of everything.
    pub summary: Summary,
    /// Live, not in the file, not ours.
    pub unmanaged: Vec<Unmanaged>,
    /// Fields that the platform does not return and the journal knows nothing of.
    pub unverified: Vec<Unverified>,
    /// Objects, declared or ours, whose last run failed.
    pub unhealthy: Vec<Unhealthy>,
    /// The state of each declared object that runs and is not unhealthy.
    pub states: BTreeMap<Address, Health>,
    /// What could not be planned.
    pub failed: Vec<Failed>,
    /// The limit that the plan is over: nothing of it is applied.
    pub blocked: Option<Blocked>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// What came of the expectations, in the file's order. None of it is a change, nor part of the id.
    pub expectations: Vec<Checked>,
    /// What it costs.
    pub cost: Cost,
    /// What the journal is to remember of this pass.
    pub observed: Vec<Observation>,
    /// Whether it is about its targets alone.
    pub targeted: bool,
    /// Targets that name nothing: neither in the file nor live.
    pub unknown_targets: Vec<Address>,
    /// The size of each listing that was believed.
    pub listings: BTreeMap<Kind, usize>,
    /// The same less what we have told the platform to delete: what the next listing is held against.
    pub staying: BTreeMap<Kind, usize>,
    /// The changes that are held because they keep failing, until it is time to try them again.
    pub waiting: BTreeSet<Address>,
}

/// One change of one object.
#[derive(Debug, Clone)]
pub struct Change {
    /// The object.
    pub address: Address,
    /// What happens to it.
    pub action: Action,
    /// The platform's id; none before a create.
    pub id: Option<String>,
    /// Who moved: the platform, the file, or both.
    pub cause: Cause,
    /// When the drift was first seen; what a person is told, not a choice.
    pub since: Option<Timestamp>,
    /// In how many passes it was seen.
    pub passes: u32,
    /// How often within a day we have undone this very drift.
    pub reverted: u32,
    /// Whether it is made because the file does not name the object: the limits of deletes count it.
    pub prunes: bool,
    /// Whether nobody knows that it is needed: the platform cannot be asked, and the journal does not know. It is
    /// tried, its object is unverified, and alone it is no reason not to be in sync.
    pub tentative: bool,
    /// Whether something of the object runs, or waits to: deleting it takes more then.
    pub running: bool,
    /// A secret that it needs and that could not be had: the change fails before anything is written.
    pub lacks: Option<String>,
    /// Why it is wanted but withheld.
    pub held: Option<Held>,
    /// Why it is wanted, for the reader of the plan; apply ignores it.
    pub reason: String,
    /// The changes of this plan that must come before.
    pub depends_on: BTreeSet<Address>,
    /// The fields that change, in the kind's order.
    pub fields: Vec<FieldChange>,
    /// Of a replace, all fields as they are made anew, in the form in which they are compared: also those that
    /// stay the same.
    pub anew: Fields,
    /// The object as it is.
    pub before: Option<Spec>,
    /// The object as it is to be, whole: what the file leaves out inside a field is filled from `before`.
    pub after: Option<Spec>,
    /// The mark that the object's description bears afterwards.
    pub marker: Option<Owner>,
}

/// Why a change is withheld.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// In words.
    pub why: String,
    /// Whether the exit code speaks of it: a delete that `prune: never` holds does not count.
    pub counts: bool,
    /// Whether it is another owner's: that ends in 1.
    pub foreign: bool,
    /// Whether the platform does not take it, however often it is sent.
    pub stuck: bool,
}

impl Held {
    /// Withheld for a reason that the exit code speaks of.
    pub(super) fn because(why: impl Into<String>) -> Held {
        Held { why: why.into(), counts: true, foreign: false, stuck: false }
    }

    /// Withheld for a reason that nobody has to do anything about.
    pub(super) fn quietly(why: impl Into<String>) -> Held {
        Held { counts: false, ..Held::because(why) }
    }
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is made.
    Create,
    /// Fields of it are written.
    Update,
    /// It is deleted, then made anew.
    Replace,
    /// It is deleted.
    Delete,
}

impl Action {
    /// The word in plans and events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Replace => "replace",
            Action::Delete => "delete",
        }
    }

    /// The word once it is done.
    #[must_use]
    pub const fn done(self) -> &'static str {
        match self {
            Action::Create => "created",
            Action::Update => "updated",
            Action::Replace => "replaced",
            Action::Delete => "deleted",
        }
    }

    /// Every action.
    pub const ALL: &'static [Action] = &[Action::Create, Action::Update, Action::Replace, Action::Delete];

    /// The sign at the start of its line.
    #[must_use]
    pub const fn symbol(self) -> char {
        match self {
            Action::Create => '+',
            Action::Update => '~',
            Action::Replace => '±',
            Action::Delete => '-',
        }
    }
}

/// Who moved away from where file and live last agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The platform.
    Drift,
    /// The file, or nobody can tell.
    Pending,
    /// Both.
    Both,
}

impl Cause {
    /// The word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Cause::Drift => "drift",
            Cause::Pending => "pending",
            Cause::Both => "both",
        }
    }

    /// The cause of two differences together.
    #[must_use]
    pub fn and(self, other: Cause) -> Cause {
        if self == other { self } else { Cause::Both }
    }

    /// Whether the platform moved.
    #[must_use]
    pub fn drifted(self) -> bool {
        matches!(self, Cause::Drift | Cause::Both)
    }

    /// Whether the file moved.
    #[must_use]
    pub fn pending(self) -> bool {
        matches!(self, Cause::Pending | Cause::Both)
    }
}

/// One field that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// The field's name in the file.
    pub path: String,
    /// Its value on the platform; `null` where there is none, or none is known. Of a secret the keyed digest of what
    /// was last written.
    pub before: Value,
    /// Its value in the file; of a secret the keyed digest.
    pub after: Value,
    /// Whether it is a secret: neither value is for anybody to see.
    pub sensitive: bool,
}

impl FieldChange {
    /// A field that changes.
    #[must_use]
    pub fn new(field: &Field, before: Value, after: Value) -> FieldChange {
        FieldChange { path: field.name.to_owned(), before, after, sensitive: field.is_secret() }
    }

    /// Something that changes and is no secret.
    #[must_use]
    pub fn plain(path: impl Into<String>, before: impl Into<Value>, after: impl Into<Value>) -> FieldChange {
        FieldChange { path: path.into(), before: before.into(), after: after.into(), sensitive: false }
    }
}

/// `{path, before, after}`, or `{path, sensitive: true}`.
impl Serialize for FieldChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let FieldChange { path, before, after, sensitive } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("path", path)?;
        if *sensitive {
            map.serialize_entry("sensitive", &true)?;
        } else {
            map.serialize_entry("before", before)?;
            map.serialize_entry("after", after)?;
        }
        map.end()
    }
}

/// How many of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[expect(missing_docs, reason = "each is the number of what its name says")]
pub struct Summary {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub delete: usize,
    pub held: usize,
    pub unchanged: usize,
    pub unmanaged: usize,
    pub unhealthy: usize,
    pub failed: usize,
    pub unverified: usize,
    pub live: usize,
    pub declared: usize,
}

/// A live object that is not in the file and not ours.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unmanaged {
    /// The object.
    pub address: Address,
    /// The platform's id.
    pub id: String,
    /// What people call what it looks into, where the platform tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// An object with fields that cannot be checked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unverified {
    /// The object.
    pub address: Address,
    /// The fields.
    pub fields: Vec<String>,
}

/// An object whose last run failed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unhealthy {
    /// The object.
    pub address: Address,
    /// The platform's id.
    pub id: String,
    /// The platform's own word.
    pub state: String,
    /// The platform's own words.
    pub last_error: Option<String>,
    /// The errors of that run, the newest first, as far as they were asked for.
    pub errors: Vec<RunError>,
    /// What people call what it looks into, where the platform tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Unhealthy {
    /// How the last run of this object went.
    pub(super) fn new(address: Address, live: &LiveObject) -> Unhealthy {
        let Health { state, last_error, last_sync: _ } = live.health.clone();
        let state = state.unwrap_or_default();
        let (id, label) = (live.id.clone(), live.label.clone());
        Unhealthy { address, id, state, last_error, errors: Vec::new(), label }
    }
}

/// A kind, or one object, that could not be planned.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Failed {
    /// The kind.
    pub kind: Kind,
    /// The object, where it is not the whole kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Why.
    pub error: String,
}

/// A limit that a plan is over.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Blocked {
    /// The setting.
    pub limit: &'static str,
    /// What it allows.
    pub allowed: usize,
    /// What the plan wants.
    pub wanted: usize,
    /// The kind, where the limit is one of a kind.
    pub kind: Option<Kind>,
    /// What to do.
    pub hint: String,
}

/// What a plan costs, in requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Cost {
    /// Writing requests to apply it.
    pub calls_to_apply: usize,
    /// Requests that the pull took.
    pub calls_to_pull: u64,
    /// Requests that the platform says are left.
    pub quota_left: Option<u64>,
}

/// What the journal is to remember of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// It was seen, with this base.
    Seen {
        /// The kind.
        kind: Kind,
        /// The platform's id.
        id: String,
        /// The identity under which the file names it.
        identity: String,
        /// See [`super::KnownObject::base`].
        base: String,
        /// See [`super::KnownObject::protected`].
        protected: bool,
    },
    /// A complete listing does not hold it, and the file does not name it.
    Forgotten {
        /// The kind.
        kind: Kind,
        /// The platform's id.
        id: String,
    },
    /// A complete listing holds it again, or does not hold it any more.
    Presence {
        /// The kind.
        kind: Kind,
        /// The platform's id.
        id: String,
        /// See [`super::KnownObject::missing`].
        missing: bool,
    },
    /// We deleted it, and a complete listing does not hold it any more.
    Left {
        /// The kind.
        kind: Kind,
        /// The platform's id.
        id: String,
    },
}

/// From this many reverts of the same drift within a day on, something else is taken to set it.
const FIGHT: u32 = 3;

impl Change {
    /// What makes it the same change as last time: what is done, and which fields move from what to what.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let fields: Vec<_> =
            self.fields.iter().map(|field| (&field.path, &field.before, &field.after)).collect();
        let text = serde_json::json!([self.action, fields]).to_string();
        Sha256::digest(text).iter().take(8).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }

    /// Says, of a drift that comes back however often it is undone, that something else sets it.
    #[must_use]
    pub fn fight(&self) -> Option<String> {
        let fields = match self.field_names().as_slice() {
            [] => "it".to_owned(),
            _ if self.action == Action::Create => "it".to_owned(),
            fields => fields.join(", "),
        };
        (self.cause.drifted() && self.reverted >= FIGHT).then(|| {
            format!(
                "{}: reverted {} times in 24 h: somebody or something else sets {fields}",
                self.address, self.reverted
            )
        })
    }

    /// A pending change of which no more is known than the object and the action.
    #[must_use]
    pub(crate) fn new(address: Address, action: Action) -> Change {
        Change {
            address,
            action,
            id: None,
            cause: Cause::Pending,
            held: None,
            reason: String::new(),
            since: None,
            passes: 0,
            reverted: 0,
            prunes: false,
            tentative: false,
            running: false,
            lacks: None,
            depends_on: BTreeSet::new(),
            fields: Vec::new(),
            anew: Fields::new(),
            before: None,
            after: None,
            marker: None,
        }
    }

    /// The same of an object that is live.
    #[must_use]
    pub(crate) fn of(live: &LiveObject, address: Address, action: Action) -> Change {
        Change {
            id: Some(live.id.clone()),
            running: live.health.is_running(),
            before: Some(live.spec.clone()),
            ..Change::new(address, action)
        }
    }

    /// The mark of a live object is put on, exchanged or taken off; nothing else of it changes.
    #[must_use]
    pub fn of_mark(live: &LiveObject, address: Address, marker: Option<&Owner>) -> Change {
        let fields = live.spec.fields();
        let text = fields.get("description").and_then(Value::as_str).unwrap_or_default();
        let described =
            |owner: Option<&Owner>| owner.map_or_else(|| text.to_owned(), |owner| owner.mark(text));
        let before = described(live.owner.as_ref());
        Change {
            fields: vec![FieldChange::plain("description", before, described(marker))],
            after: Some(live.spec.clone()),
            marker: marker.cloned(),
            ..Change::of(live, address, Action::Update)
        }
    }

    /// Whether apply performs it.
    #[must_use]
    pub fn applies(&self) -> bool {
        self.held.is_none()
    }

    /// The writing requests that it takes, where connectors are managed through this API.
    #[must_use]
    pub fn writes(&self, api: ConnectorsApi) -> usize {
        let kind = self.address.kind;
        let delete = || api.writes(kind, &Edit::Delete { running: self.running });
        let create = || self.after.as_ref().map_or(0, |after| api.writes(kind, &Edit::Create(after)));
        match self.action {
            Action::Create => create(),
            Action::Delete => delete(),
            Action::Replace => delete() + create(),
            Action::Update => self.after.as_ref().map_or(0, |after| {
                let fields = self.field_names();
                api.writes(kind, &Edit::Update { before: self.before.as_ref(), after, fields: &fields })
            }),
        }
    }

    /// What is written, field by field.
    pub fn written(&self) -> impl Iterator<Item = (&str, &Value)> {
        let changed = self.fields.iter().map(|field| (field.path.as_str(), &field.after));
        changed.chain(self.anew.iter().map(|(field, value)| (field.as_str(), value)))
    }

    /// The schedule that the object has, if any, and the one that it gets, where they differ.
    #[must_use]
    pub fn new_schedule(&self) -> Option<(Option<Timetable<'_>>, Timetable<'_>)> {
        let after = self.after.as_ref().and_then(Spec::schedule)?;
        let before = self.before.as_ref().and_then(Spec::schedule);
        let after = after.over(before);
        (before != Some(after)).then_some((before, after))
    }

    /// The names of the fields that change.
    #[must_use]
    pub fn field_names(&self) -> Vec<&str> {
        self.fields.iter().map(|field| field.path.as_str()).collect()
    }
}

impl Plan {
    /// A plan of nothing.
    #[must_use]
    pub fn empty(mode: Mode) -> Plan {
        Plan {
            id: String::new(),
            mode,
            changes: Vec::new(),
            unchanged: BTreeSet::new(),
            summary: Summary::default(),
            unmanaged: Vec::new(),
            unverified: Vec::new(),
            unhealthy: Vec::new(),
            states: BTreeMap::new(),
            failed: Vec::new(),
            blocked: None,
            warnings: Vec::new(),
            expectations: Vec::new(),
            cost: Cost::default(),
            observed: Vec::new(),
            targeted: false,
            unknown_targets: Vec::new(),
            listings: BTreeMap::new(),
            staying: BTreeMap::new(),
            waiting: BTreeSet::new(),
        }
    }

    /// Takes in what came of the expectations: each that is not met, or that nobody knows of, is a warning.
    pub fn expect(&mut self, checked: &[Checked]) {
        self.warnings.extend(checked.iter().filter_map(Checked::warning).map(Warning::from));
        self.expectations = checked.to_vec();
    }

    /// The changes that apply would perform.
    pub fn applicable(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.applies())
    }

    /// Whether nothing is known to need a change, be it held, and nothing failed: the detailed exit code is 0.
    #[must_use]
    pub fn is_in_sync(&self) -> bool {
        self.detailed_exit() == 0
    }

    /// The exit code that tells the most: 1, 8, then 2, 4 or 6, else 0.
    #[must_use]
    pub fn detailed_exit(&self) -> u8 {
        if self.has_failures() {
            return 1;
        }
        if self.blocked.is_some() {
            return 8;
        }
        let counts =
            |change: &&Change| !change.tentative && change.held.as_ref().is_none_or(|held| held.counts);
        let counted = || self.changes.iter().filter(counts);
        let pending = counted().any(|change| change.cause.pending());
        let drifted = counted().any(|change| change.cause.drifted());
        u8::from(pending) * 2 + u8::from(drifted) * 4
    }

    /// Whether something could not be planned, or belongs to another owner.
    #[must_use]
    pub fn has_failures(&self) -> bool {
        !self.failed.is_empty()
            || self.changes.iter().any(|change| change.held.as_ref().is_some_and(|held| held.foreign))
    }

    /// Drops every object but the targets and what their changes depend on.
    pub(super) fn keep_targets(&mut self, targets: &BTreeSet<Address>) {
        if targets.is_empty() {
            return;
        }
        self.targeted = true;
        self.unknown_targets = targets.iter().filter(|target| !self.mentions(target)).cloned().collect();
        let mut kept = targets.clone();
        let mut grown = true;
        while grown {
            let more: Vec<Address> = self
                .changes
                .iter()
                .filter(|change| kept.contains(&change.address))
                .flat_map(|change| change.depends_on.iter().cloned())
                .collect();
            let size = kept.len();
            kept.extend(more);
            grown = kept.len() > size;
        }
        self.changes.retain(|change| kept.contains(&change.address));
        self.unchanged.retain(|address| kept.contains(address));
        self.unmanaged.retain(|object| kept.contains(&object.address));
        self.unverified.retain(|object| kept.contains(&object.address));
        self.unhealthy.retain(|object| kept.contains(&object.address));
        self.warnings.retain(|warning| warning.address.as_ref().is_none_or(|address| kept.contains(address)));
        self.failed.retain(|failed| {
            let Failed { kind, address, error: _ } = failed;
            match address {
                Some(address) => kept.contains(address),
                None => kept.iter().any(|address| address.kind == *kind),
            }
        });
    }

    /// Whether the plan would show a difference of the object if there were one. What could not be read, and
    /// what was not asked for, was not looked at.
    #[must_use]
    pub fn looked_at(&self, address: &Address) -> bool {
        let failed = self.failed.iter().any(|failed| failed.address.as_ref() == Some(address));
        let listed = !self.targeted && self.listings.contains_key(&address.kind);
        self.unchanged.contains(address) || (listed && !failed)
    }

    /// Whether anything of the plan is about the object. A kind that could not be read may hold it.
    fn mentions(&self, address: &Address) -> bool {
        self.changes.iter().any(|change| change.address == *address)
            || self.unchanged.contains(address)
            || self.unmanaged.iter().any(|object| object.address == *address)
            || self.failed.iter().any(|failed| match &failed.address {
                Some(failed) => failed == address,
                None => failed.kind == address.kind,
            })
    }

    pub(super) fn sort(&mut self) {
        self.changes.sort_by(|a, b| a.address.cmp(&b.address));
        self.unmanaged.sort_by(|a, b| (&a.address, &a.id).cmp(&(&b.address, &b.id)));
        self.unverified.sort_by(|a, b| a.address.cmp(&b.address));
        self.unhealthy.sort_by(|a, b| a.address.cmp(&b.address));
        self.failed.sort_by(|a, b| (a.kind, &a.address).cmp(&(b.kind, &b.address)));
    }

    /// Counts, and names the plan by its content.
    pub(super) fn finish(&mut self, api: ConnectorsApi) {
        let count = |action| self.applicable().filter(|change| change.action == action).count();
        let Summary { live, declared, .. } = self.summary;
        self.summary = Summary {
            create: count(Action::Create),
            update: count(Action::Update),
            replace: count(Action::Replace),
            delete: count(Action::Delete),
            held: self.changes.iter().filter(|change| !change.applies()).count(),
            unchanged: self.unchanged.len(),
            unmanaged: self.unmanaged.len(),
            unhealthy: self.unhealthy.len(),
            failed: self.failed.len(),
            unverified: self.unverified.len(),
            live,
            declared,
        };
        self.cost.calls_to_apply = self.applicable().map(|change| change.writes(api)).sum();
        self.id = self.hash();
    }

    fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        for change in &self.changes {
            let Change {
                address,
                action,
                id,
                held,
                fields,
                before,
                after,
                marker: _,
                cause: _,
                since: _,
                passes: _,
                reverted: _,
                prunes: _,
                tentative: _,
                running: _,
                lacks: _,
                reason: _,
                depends_on: _,
                anew: _,
            } = change;
            let before = before.as_ref().map(without_secrets);
            let after = after.as_ref().map(without_secrets);
            let row = serde_json::json!([address, action, id, held.is_some(), fields, before, after]);
            hasher.update(row.to_string());
            hasher.update([b'\n']);
        }
        hasher.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }
}

/// The fields of a spec, less those that are secret: where a secret is found differs from one machine to the next.
fn without_secrets(spec: &Spec) -> Fields {
    let mut fields = spec.fields();
    for field in spec.kind().fields().iter().filter(|field| field.is_secret()) {
        fields.shift_remove(field.name);
    }
    fields
}
