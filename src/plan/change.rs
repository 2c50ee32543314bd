//! One change of one object: what is done to it, who moved, what keeps it back, and which fields move from what to what.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::resource::{
    Address, ConnectorsApi, Edit, Field, Fields, Kind, LiveObject, Owner, Spec, Timetable,
};

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

    /// Withheld since it was made, and is live under another identity: sent again it would be a double.
    pub(super) fn misplaced(id: &str, address: &Address) -> Held {
        let why = format!(
            "it was made (id {id}), and the platform has it as {address}: not sent again before that one is moved or deleted"
        );
        Held { stuck: true, ..Held::because(why) }
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

    /// Whether something is deleted, or switched off in place of that.
    #[must_use]
    pub fn deletes(&self) -> bool {
        self.prunes || matches!(self.action, Action::Delete | Action::Replace)
    }

    /// The kind and the platform's id of what it changes.
    #[must_use]
    pub fn key(&self) -> Option<(Kind, String)> {
        Some((self.address.kind, self.id.clone()?))
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
