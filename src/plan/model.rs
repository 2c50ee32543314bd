//! The plan: one value for the text that a person reads, the JSON that a program reads, and apply.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::change::{Action, Change};
use super::deletes::Identities;
use super::warning::Warning;
use crate::desired::settings::Mode;
use crate::resource::{Address, Checked, ConnectorsApi, Fields, Health, Kind, LiveObject, RunError, Spec};

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
    /// Live objects of which nobody can tell which they are, or that cannot be read whole.
    pub unidentified: Vec<Unidentified>,
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
    /// What each file or pattern of `include` gives, or gave as long as that is not settled: for the journal.
    pub given: BTreeMap<String, Identities>,
    /// The changes that are held because they keep failing, until it is time to try them again.
    pub waiting: BTreeSet<Address>,
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
    pub unidentified: usize,
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

/// A live object of which nobody can tell which it is, or that cannot be read whole. Nothing is done to it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unidentified {
    /// Kind and id: `aws/#101`.
    pub address: Address,
    /// The platform's id.
    pub id: String,
    /// What the platform calls it.
    pub name: String,
    /// What is not told, or where its answer cannot be read.
    pub why: String,
    /// The entries that it may be, and whose creates wait.
    pub holds: Vec<Address>,
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
    /// The cause, where it fails every kind: people are told it once.
    #[serde(skip)]
    pub cause: Option<String>,
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
            unidentified: Vec::new(),
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
            given: BTreeMap::new(),
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
        self.unidentified.retain(|object| {
            kept.contains(&object.address) || object.holds.iter().any(|held| kept.contains(held))
        });
        self.unverified.retain(|object| kept.contains(&object.address));
        self.unhealthy.retain(|object| kept.contains(&object.address));
        self.warnings.retain(|warning| warning.address.as_ref().is_none_or(|address| kept.contains(address)));
        self.failed.retain(|failed| {
            let Failed { kind, address, error: _, cause: _ } = failed;
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
            || self.unidentified.iter().any(|object| object.address == *address)
            || self.failed.iter().any(|failed| match &failed.address {
                Some(failed) => failed == address,
                None => failed.kind == address.kind,
            })
    }

    pub(super) fn sort(&mut self) {
        self.changes.sort_by(|a, b| a.address.cmp(&b.address));
        self.unmanaged.sort_by(|a, b| (&a.address, &a.id).cmp(&(&b.address, &b.id)));
        self.unidentified.sort_by(|a, b| (&a.address, &a.id).cmp(&(&b.address, &b.id)));
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
            unidentified: self.unidentified.len(),
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
