//! Decisions, pure: what differs between the file and the platform, why, and what to do about it.
//!
//! [`plan`] is a function of the desired state, the live state, what the journal knows and the policy; no
//! client, clock, randomness or log. Order, reason and every choice are made here; `apply` only performs.
//!
//! - `belief.rs` doubts listings that lost much at once; `of_kind.rs` plans one kind: `names/` finds the object that a name
//!   or an address means, `matching.rs` the live object that an entry means, `unidentified.rs` keeps what may be an
//!   entry's apart, `compare.rs` compares the two field by field, `prune.rs` judges what the file does not name,
//!   `absent.rs` what is to be gone; `recall.rs` has what the journal alone knows.
//! - Then, over all kinds: `members.rs` withholds what may be a member of an organization connector, `patience.rs` what
//!   keeps failing, `deletes.rs` the deletes that must wait, `anew.rs` tells what a replace resets, `depend.rs`
//!   says what must come before what, and `limits.rs` refuses a plan that would do too much harm.
//! - `model.rs` is the plan itself, the one value that `render.rs`, `json.rs` and `apply` share, and `change.rs` one
//!   change of it; `failed.rs` tells people what of it failed.

mod absent;
mod anew;
mod belief;
mod change;
mod compare;
mod deletes;
mod depend;
mod failed;
mod json;
mod limits;
mod matching;
mod members;
mod model;
mod names;
mod of_kind;
mod patience;
mod prune;
mod recall;
mod render;
mod unidentified;
mod warning;

use std::collections::{BTreeMap, BTreeSet};

use glob::Pattern;
use jiff::Timestamp;
use serde_json::Value;

use crate::desired::settings::{Mode, Prune, PruneAction, Reconcile, Replace};
use crate::desired::{Declared, Desired, Problem};
use crate::resource::{Address, Fields, Kind, LiveObject, Membership, Spec, Told};

pub(crate) use absent::GONE;
pub use change::{Action, Cause, Change, FieldChange, Held};
pub use deletes::{DeleteClock, Identities};
pub use failed::{Failure, failures};
pub use json::{Heading, next_runs_json, plan_json};
pub use limits::{ApprovedPlan, Refusal, approve};
pub use members::doubt as doubt_of_membership;
pub use model::{
    Blocked, Cost, Failed, Observation, Plan, Summary, Unhealthy, Unidentified, Unmanaged, Unverified,
};
pub use names::{Located, Names, References, Unlocated, locate, locate_declared};
pub use patience::Failing;
pub(crate) use recall::CUT_SHORT;
pub use render::{Doing, Style, done_line, field_lines, render_text, run_error_lines};
pub use warning::Warning;

use of_kind::Scene;

/// What the platform has, as far as it could be read. Made by [`LiveState::new`], so that it names tags by
/// path.
#[derive(Debug, Default)]
pub struct LiveState {
    kinds: BTreeMap<Kind, Listing>,
    membership: Membership,
}

/// The whole listing of a kind, or why it could not be read.
pub type Listing = Result<Vec<LiveObject>, Unread>;

/// Why a kind could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The error, as people are told it.
    pub error: String,
    /// The cause in words that are the same for each kind that fails of it.
    pub cause: String,
    /// Whether the cause concerns every kind, be it named by the file or not: the pass has failed then.
    pub concerns_every_kind: bool,
}

impl From<String> for Unread {
    /// The cause is the kind's own.
    fn from(error: String) -> Unread {
        Unread { cause: error.clone(), error, concerns_every_kind: false }
    }
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.error)
    }
}

impl LiveState {
    /// What was read of each kind. The platform names tags by id; here they get their paths, as in the file. Members of
    /// organization connectors are locked: where these connectors were read, their listing tells who is one, else
    /// `membership` does.
    #[must_use]
    pub fn new(mut kinds: BTreeMap<Kind, Listing>, membership: Membership) -> LiveState {
        let membership = match (kinds.get(&Kind::AzureOrganization), membership) {
            (Some(Ok(organizations)), _) => Membership::told_by(organizations),
            (Some(Err(_)), no_module @ Membership::NoModule(_)) => no_module,
            (Some(Err(why)), _) => Membership::Unknown(why.error.clone()),
            (None, told) => told,
        };
        if let Some(Ok(connectors)) = kinds.get_mut(&Kind::Azure) {
            membership.lock_members(connectors);
        }
        let references = References::new(&kinds);
        for object in kinds.values_mut().flatten().flatten() {
            references.name(&mut object.spec);
        }
        LiveState { kinds, membership }
    }

    /// Which Azure connectors are members of an organization connector, as far as that is known.
    #[must_use]
    pub const fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Locks every object of a kind, for this reason.
    pub fn lock_all(&mut self, kind: Kind, why: &str) {
        for object in self.kinds.get_mut(&kind).into_iter().flatten().flatten() {
            object.locked.get_or_insert_with(|| why.to_owned());
        }
    }

    /// The names that objects read later get, to compare with these.
    #[must_use]
    pub fn references(&self) -> References {
        References::new(&self.kinds)
    }

    /// Says otherwise why kinds could not be read.
    pub fn reword_errors(&mut self, reword: impl Fn(&str) -> String) {
        for unread in self.kinds.values_mut().filter_map(|listing| listing.as_mut().err()) {
            unread.error = reword(&unread.error);
            unread.cause = reword(&unread.cause);
        }
        if let Membership::NoModule(why) | Membership::Unknown(why) = &mut self.membership {
            *why = reword(why);
        }
    }

    /// Whether kinds were asked for and none could be read.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        let mut asked = self.kinds.iter().filter(|(kind, _)| kind.is_listed()).peekable();
        asked.peek().is_some() && asked.all(|(_, listing)| listing.is_err())
    }

    /// The kinds that fail a pass whether or not the file names them: those whose cause concerns every kind, and all
    /// where none could be read.
    #[must_use]
    pub fn failed(&self) -> Vec<Failed> {
        let is_blind = self.is_blind();
        let failed = |(&kind, listing): (&Kind, &Listing)| {
            let unread = listing.as_ref().err().filter(|unread| is_blind || unread.concerns_every_kind)?;
            let Unread { error, cause, concerns_every_kind: _ } = unread.clone();
            Some(Failed { kind, address: None, error, cause: Some(cause) })
        };
        self.kinds.iter().filter_map(failed).collect()
    }

    /// What was read of each kind, and who is a member of an organization connector.
    #[must_use]
    pub fn into_parts(self) -> (BTreeMap<Kind, Listing>, Membership) {
        (self.kinds, self.membership)
    }

    /// What was read of each kind.
    #[must_use]
    pub const fn kinds(&self) -> &BTreeMap<Kind, Listing> {
        &self.kinds
    }

    /// The listing of a kind; empty where it was not read.
    #[must_use]
    pub fn listing(&self, kind: Kind) -> &[LiveObject] {
        match self.kinds.get(&kind) {
            Some(Ok(listing)) => listing,
            Some(Err(_)) | None => &[],
        }
    }
}

/// What the journal knows and the platform cannot tell.
#[derive(Debug, Default)]
pub struct Known {
    /// What is known of each object, by kind and the platform's id.
    pub objects: BTreeMap<(Kind, String), KnownObject>,
    /// The kinds whose section stood in the file in an earlier pass.
    pub sections: BTreeSet<Kind>,
    /// Fields that the platform did not take when they were last written, by kind and the platform's id.
    pub refused: BTreeMap<(Kind, String), Vec<Refused>>,
    /// Creates whose answer was lost, by identity, and until when each is looked for.
    pub unsettled: BTreeMap<(Kind, String), Timestamp>,
    /// The size of the last good listing of each kind.
    pub listings: BTreeMap<Kind, KnownListing>,
    /// What we have told the platform to delete, by kind and the platform's id: a search may show it for a while.
    pub leaving: BTreeSet<(Kind, String)>,
    /// Changes that keep failing and are not to be tried again yet.
    pub failing: BTreeMap<Address, Failing>,
    /// What each file or pattern of `include` gave when it last gave something, by the pattern.
    pub given: BTreeMap<String, Identities>,
    /// How long deletes have to wait; `None` where they need not.
    pub delete_clock: Option<DeleteClock>,
    /// The secrets that the file's objects name, by kind and identity of the object, then by field.
    pub secrets: BTreeMap<(Kind, String), BTreeMap<&'static str, SecretSight>>,
}

/// What a plan may know of a secret that the file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSight {
    /// Its keyed digest; `None` where there is no key, and why it could not be had as the error.
    pub digest: Result<Option<String>, String>,
    /// What a person should know of it.
    pub advice: Option<String>,
}

/// What the journal knows of one object.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, kept as such")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownObject {
    /// The identity under which the file named it.
    pub identity: String,
    /// The base: a JSON object of the managed fields' values at which file and live were last seen equal, or
    /// were last made equal by us, as the file gave them. Kept as text: it is looked into only where
    /// something differs.
    pub base: Box<str>,
    /// A JSON object of what was last written to fields that are not read back.
    pub written: Box<str>,
    /// Whether we made it.
    pub ours: bool,
    /// Whether it bore our mark when we made it.
    pub marked: bool,
    /// Whether the file last said `prevent_delete` of it.
    pub protected: bool,
    /// Whether the last believed listing did not hold it.
    pub missing: bool,
}

impl KnownObject {
    /// Whether somebody has taken our mark off its description: it is theirs from then on.
    fn lost_its_mark(&self, live: &LiveObject) -> bool {
        self.marked && live.owner.is_none() && live.kind().field("description").is_some()
    }
}

/// A field that the platform did not take.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The field.
    pub field: String,
    /// What was sent.
    pub sent: Value,
    /// What was there when it was read again.
    pub got: Value,
    /// In how many passes in a row.
    pub passes: u32,
}

/// How large a listing was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownListing {
    /// The last one that was believed.
    pub good: usize,
    /// A smaller one that was not believed, and whether it has stood for an hour.
    pub doubted: Option<(usize, bool)>,
}

impl Known {
    /// The id under which an identity was last seen.
    fn id_of(&self, kind: Kind, identities: &BTreeMap<(Kind, &str), &str>, identity: &str) -> Option<String> {
        identities
            .get(&(kind, identity))
            .map(|id| (*id).to_owned())
            .filter(|id| self.objects.contains_key(&(kind, id.clone())))
    }

    fn secrets_of(&self, spec: &Spec) -> Option<&BTreeMap<&'static str, SecretSight>> {
        if self.secrets.is_empty() {
            return None;
        }
        self.secrets.get(&(spec.kind(), spec.identity().unwrap_or_default()))
    }

    fn identities(&self) -> BTreeMap<(Kind, &str), &str> {
        self.objects
            .iter()
            .map(|((kind, id), object)| ((*kind, object.identity.as_str()), id.as_str()))
            .collect()
    }
}

/// How the differences are to be judged.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether the daemon applies; shown in the plan.
    pub mode: Mode,
    /// What is deleted.
    pub prune: Prune,
    /// What "deleted" means for connectors.
    pub prune_action: PruneAction,
    /// Whether a change that needs delete and create may be made.
    pub replace: Replace,
    /// Whose mark created objects bear.
    pub owner: Option<String>,
    /// See [`Reconcile::max_deletes`].
    pub max_deletes: usize,
    /// See [`Reconcile::max_change_percent`].
    pub max_change_percent: u32,
    /// See [`Reconcile::max_shrink_percent`].
    pub max_shrink_percent: u32,
    /// See [`Reconcile::unmanaged_ignore`].
    pub unmanaged_ignore: Vec<Pattern>,
    /// Whether deletes of a kind that the file names for the first time wait for the next pass.
    pub new_sections_wait: bool,
    /// Whether what keeps failing waits ever longer before it is tried again.
    pub patient: bool,
    /// Whether to write secrets, and fields that cannot be verified, again.
    pub rewrite: bool,
    /// Plan these objects, and what they depend on, alone; empty for all.
    pub targets: BTreeSet<Address>,
}

impl Policy {
    /// The policy that the file sets.
    #[must_use]
    pub fn from_settings(settings: &Reconcile) -> Policy {
        Policy {
            mode: settings.policy,
            prune: settings.prune,
            prune_action: settings.prune_action,
            replace: settings.replace,
            owner: settings.owner.clone(),
            max_deletes: settings.max_deletes,
            max_change_percent: settings.max_change_percent,
            max_shrink_percent: settings.max_shrink_percent,
            unmanaged_ignore: settings.unmanaged_ignore.clone(),
            new_sections_wait: false,
            patient: false,
            rewrite: false,
            targets: BTreeSet::new(),
        }
    }
}

/// Plans: what to change so that the platform is as the file says.
#[must_use]
pub fn plan(desired: &Desired, live: &LiveState, known: &Known, policy: &Policy) -> Plan {
    let names = Names::new(&desired.declared, live);
    let scene = Scene { desired, known, policy, names: &names, identities: &known.identities() };
    let mut plan = Plan::empty(policy.mode);
    plan.warnings.extend(desired.warnings.iter().map(|problem| advice(problem, desired)));

    plan.failed = live.failed();
    let mut unread = Vec::new();
    for &kind in Kind::ALL {
        let entries: Vec<&Declared> =
            desired.declared.iter().filter(|entry| entry.spec.kind() == kind).collect();
        plan.summary.declared += entries.len();
        match belief::believed(kind, live, known, policy) {
            Ok(Some(listing)) => scene.plan_kind(kind, &entries, listing, &mut plan),
            Ok(None) => {}
            Err(_) if plan.failed.iter().any(|failed| failed.kind == kind && failed.address.is_none()) => {}
            Err(error) => {
                let is_named = !entries.is_empty() || desired.sections.contains(&kind);
                let failed = if is_named { &mut plan.failed } else { &mut unread };
                failed.push(Failed { kind, address: None, error, cause: None });
            }
        }
    }

    let targets = &policy.targets;
    unread.retain(|unread| targets.is_empty() || targets.iter().any(|target| target.kind == unread.kind));
    plan.warnings.extend(failed::unread_warnings(&unread, &plan.failed).into_iter().map(Warning::from));
    members::hold_back(&mut plan, live, desired, known, policy);
    if policy.patient {
        patience::hold_back(&mut plan, known);
    }
    deletes::hold_back(&mut plan, desired, known);
    anew::tell_of_defaults(&mut plan);
    depend::depend(&mut plan, &names, &desired.declared);
    plan.keep_targets(&policy.targets);
    plan.sort();
    plan.blocked = limits::check(&plan, desired.declared.is_empty(), policy);
    plan.finish(desired.settings.platform.connectors_api);
    plan
}

/// What the file is advised against, in one line, and of which entry: the one that begins last before the place.
fn advice(problem: &Problem, desired: &Desired) -> Warning {
    let text = match &problem.hint {
        Some(hint) => format!("{problem} ({hint})"),
        None => problem.to_string(),
    };
    let Some(place) = &problem.place else { return Warning::from(text) };
    let before = desired
        .declared
        .iter()
        .filter(|entry| entry.place.file == place.file && entry.place.line <= place.line)
        .max_by_key(|entry| entry.place.line);
    let address = before.map(|entry| Address::new(entry.spec.kind(), entry.spec.address_name()));
    Warning::at(address, &format!("{}:{}:{}: ", place.file, place.line, place.column), text)
}

/// An entry of the file whose names of other objects are canonical.
#[derive(Debug)]
struct Entry<'a> {
    spec: Spec,
    declared: &'a Declared,
    /// Why it cannot be planned. It still means its live object, which nothing else may touch then.
    problem: Option<String>,
    /// What is known of its secrets.
    secrets: Option<&'a BTreeMap<&'static str, SecretSight>>,
}

impl Entry<'_> {
    /// The fields of its spec, or of that spec completed, as they are compared: a secret by its digest, and without
    /// those that could not be resolved and those that are never compared.
    fn fields_of(&self, spec: &Spec) -> Fields {
        let mut fields = spec.fields();
        for field in spec.kind().fields() {
            match field.told {
                Told::Value => {}
                Told::Never => {
                    fields.shift_remove(field.name);
                }
                Told::Secret => {
                    let Some(place) = fields.get_mut(field.name) else { continue };
                    match self.secrets.and_then(|secrets| secrets.get(field.name)) {
                        Some(SecretSight { digest: Ok(digest), advice: _ }) => {
                            *place = Value::String(digest.clone().unwrap_or_default());
                        }
                        Some(SecretSight { digest: Err(_), advice: _ }) => {
                            fields.shift_remove(field.name);
                        }
                        None => *place = Value::String(String::new()),
                    }
                }
            }
        }
        fields
    }

    /// The secrets of it that could not be had: field and why.
    fn lacking(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let secrets = self.secrets.into_iter().flatten();
        secrets.filter_map(|(field, sight)| Some((*field, sight.digest.as_ref().err()?.as_str())))
    }
}

fn parse_object(text: &str) -> serde_json::Map<String, Value> {
    // The journal is ours, but it is a file: what cannot be read is as good as not known.
    serde_json::from_str(text).unwrap_or_default()
}
