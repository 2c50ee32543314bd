//! Performs an approved plan and records every outcome. Makes no choice of its own: order, fields and reasons
//! come with the plan.
//!
//! Creates and updates go first, kind by kind in the order of [`Kind::ALL`]; deletes follow in reverse. Within
//! a kind, changes run side by side up to `concurrency`, each after what it depends on. A failure stops only
//! what depends on it. What is found to have moved since the plan ([`crate::recheck`]) is not touched.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::error::with_hint;
use crate::plan::{Action, ApprovedPlan, Change};
use crate::qualys::{ApiError, ApiErrorKind, Context, Created, Names, Writer};
use crate::recheck::{Moved, Recheck, Sight};
use crate::resource::{Address, Kind};
use crate::secret::Secrets;

/// What happened to one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was made.
    Applied {
        /// The platform's id of the object; of a deleted one the id that it had.
        id: String,
        /// Whether a create found it there already, in a state that the platform does not tell.
        existed: bool,
    },
    /// The platform did not make it, or not all of it.
    Failed {
        /// Why.
        error: String,
        /// Whether the platform looked at this very request and said no: the same request will fail again. What
        /// is wrong for all (limits, credentials, the network) says nothing of this one.
        judged: bool,
        /// The id of an object that was made, or changed, all the same, though not as a whole.
        made: Option<String>,
    },
    /// It was not tried.
    Skipped {
        /// Because of what.
        because: Skip,
    },
    /// It was sent, and no answer says whether it was made.
    Unknown {
        /// What came instead of an answer.
        error: String,
    },
}

/// Why a change was not tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// The program is stopping.
    Stopping,
    /// Something that it needs was not made.
    Needs {
        /// What it needs.
        address: Address,
        /// What became of that, in a word.
        outcome: &'static str,
    },
    /// Somebody has changed it since the plan; `None` where it is gone.
    Moved(Option<Moved>),
    /// It was to be read again right before, and could not be.
    Unread(String),
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Skip::Stopping => f.write_str("the program is stopping"),
            Skip::Needs { address, outcome } => write!(f, "{address} {outcome}"),
            Skip::Moved(Some(moved)) => write!(f, "moved since the plan: {moved}"),
            Skip::Moved(None) => f.write_str("moved since the plan: it is gone"),
            Skip::Unread(error) => write!(f, "it could not be read again right before: {error}"),
        }
    }
}

impl Outcome {
    /// The word in JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Outcome::Applied { .. } => "applied",
            Outcome::Failed { .. } => "failed",
            Outcome::Skipped { .. } => "skipped",
            Outcome::Unknown { .. } => "unknown",
        }
    }

    /// Whether the change was made.
    #[must_use]
    pub const fn is_applied(&self) -> bool {
        matches!(self, Outcome::Applied { .. })
    }
}

/// A change and what happened to it.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The change.
    pub change: Change,
    /// What happened.
    pub outcome: Outcome,
    /// How long it took, all tries together.
    pub took: Duration,
}

/// How to apply.
pub struct Applying<'a> {
    /// The way to write.
    pub writer: &'a Writer,
    /// Looks at each object once more before it is written.
    pub recheck: Recheck<'a>,
    /// The ids of the live objects by canonical name.
    pub ids: BTreeMap<(Kind, String), String>,
    /// The secrets that the objects name.
    pub secrets: &'a Secrets,
    /// How many changes may be under way at once.
    pub concurrency: usize,
    /// Whether to begin no further change.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Told of each change before it is sent.
    pub before: &'a (dyn Fn(&Change) + Sync),
    /// Told of each replace once its object is deleted, before it is made anew.
    pub halfway: &'a (dyn Fn(&Change) + Sync),
    /// Told of each outcome as it comes.
    pub each: &'a (dyn Fn(&Applied) + Sync),
}

impl std::fmt::Debug for Applying<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Applying").field("concurrency", &self.concurrency).finish_non_exhaustive()
    }
}

/// The ids of named objects: those that were live, and those that this apply makes.
#[derive(Debug)]
struct Ids(Mutex<BTreeMap<(Kind, String), String>>);

impl Names for Ids {
    fn id(&self, kind: Kind, name: &str) -> Option<String> {
        if let Some(id) = name.strip_prefix('#') {
            return Some(id.to_owned());
        }
        self.lock().get(&(kind, name.to_owned())).cloned()
    }
}

impl Ids {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Kind, String), String>> {
        // A panic while it is held would have been in a map's own code; the map is then as good as before.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Performs the changes of the plan that are not held.
pub async fn apply(plan: &ApprovedPlan<'_>, mut applying: Applying<'_>) -> Vec<Applied> {
    let ids = Ids(Mutex::new(std::mem::take(&mut applying.ids)));
    let Applying { writer, concurrency, stop, each, .. } = applying;
    let mut outcomes: BTreeMap<Address, Applied> = BTreeMap::new();
    let total = plan.plan().applicable().count();
    writer.note_changes_left(total);
    for stage in stages(plan.plan().applicable()) {
        let here: BTreeSet<Address> = stage.iter().map(|change| change.address.clone()).collect();
        // What this stage still has to do before a change may start.
        let blocked_by = |change: &Change, outcomes: &BTreeMap<Address, Applied>| {
            change.depends_on.iter().any(|needed| here.contains(needed) && !outcomes.contains_key(needed))
        };
        let (mut blocked, ready): (Vec<_>, Vec<_>) =
            stage.into_iter().partition(|change| blocked_by(change, &outcomes));
        let mut ready = VecDeque::from(ready);
        let mut running = FuturesUnordered::new();
        loop {
            let mut came = Vec::new();
            while running.len() < concurrency.max(1)
                && let Some(change) = ready.pop_front()
            {
                if let Some(because) = reason_to_skip(change, &outcomes, stop) {
                    let outcome = Outcome::Skipped { because };
                    came.push(Applied { change: change.clone(), outcome, took: Duration::ZERO });
                } else {
                    running.push(perform(change, &applying, &ids));
                }
            }
            if came.is_empty() {
                match running.next().await {
                    Some(applied) => came.push(applied),
                    None if blocked.is_empty() => break,
                    // A circle: the planner makes none. Going on is better than waiting for ever.
                    None => ready.extend(blocked.drain(..)),
                }
            }
            for applied in came {
                each(&applied);
                outcomes.insert(applied.change.address.clone(), applied);
            }
            writer.note_changes_left(total.saturating_sub(outcomes.len()));
            if !blocked.is_empty() {
                let (still, free): (Vec<_>, Vec<_>) =
                    blocked.into_iter().partition(|change| blocked_by(change, &outcomes));
                blocked = still;
                ready.extend(free);
            }
        }
    }
    outcomes.into_values().collect()
}

fn reason_to_skip(
    change: &Change,
    outcomes: &BTreeMap<Address, Applied>,
    stop: &(dyn Fn() -> bool + Sync),
) -> Option<Skip> {
    if stop() {
        return Some(Skip::Stopping);
    }
    change.depends_on.iter().find_map(|needed| {
        let needed = outcomes.get(needed)?;
        let Applied { change: Change { address, .. }, outcome, took: _ } = needed;
        (!outcome.is_applied()).then(|| Skip::Needs { address: address.clone(), outcome: outcome.word() })
    })
}

/// The changes in the order of their stages: what is made, kind by kind; then what goes, in reverse.
fn stages<'a>(changes: impl Iterator<Item = &'a Change>) -> Vec<Vec<&'a Change>> {
    let (gone, made): (Vec<_>, Vec<_>) = changes.partition(|change| change.action == Action::Delete);
    let of = |changes: &[&'a Change], kind| {
        changes.iter().copied().filter(|change| change.address.kind == kind).collect::<Vec<_>>()
    };
    let forward = Kind::ALL.iter().map(|&kind| of(&made, kind));
    let backward = Kind::ALL.iter().rev().map(|&kind| of(&gone, kind));
    forward.chain(backward).filter(|stage| !stage.is_empty()).collect()
}

async fn perform(change: &Change, applying: &Applying<'_>, ids: &Ids) -> Applied {
    let began = Instant::now();
    let outcome = match look_and_write(change, applying, ids).await {
        Ok(Done::Skipped(because)) => Outcome::Skipped { because },
        Ok(Done::Written(Created { id, existed, incomplete })) => {
            ids.lock().insert((change.address.kind, change.address.name.clone()), id.clone());
            match incomplete {
                None => Outcome::Applied { id, existed },
                Some(error) => Outcome::Failed {
                    error: format!("made (id {id}), but not all of it: {}", with_hint(&error)),
                    judged: is_judged(change, &error),
                    made: Some(id),
                },
            }
        }
        Err(Unwritten::Lacks(error)) => Outcome::Failed { error, judged: false, made: None },
        Err(Unwritten::Incomplete) => Outcome::Failed {
            error: "the plan does not say what to write: this is a defect of trueup".to_owned(),
            judged: false,
            made: None,
        },
        Err(Unwritten::Refused { error, after }) => {
            let told = format!("{after}{}", with_hint(&error));
            if error.outcome_unknown() {
                Outcome::Unknown { error: told }
            } else {
                let judged = is_judged(change, &error);
                match (error.refused_fields(), &change.id) {
                    ([], _) | (_, None) => Outcome::Failed { error: told, judged, made: None },
                    // An update of which all else was made.
                    (fields, Some(id)) => {
                        let error = format!("all but {} is written: {told}", fields.join(", "));
                        Outcome::Failed { error, judged, made: Some(id.clone()) }
                    }
                }
            }
        }
    };
    Applied { change: change.clone(), outcome, took: began.elapsed() }
}

/// Whether the platform looked at this very request and refused it. Missing permissions, a missing module, limits and
/// everything that is no clear answer are the same for others of the kind, and may be over in a moment.
fn is_judged(change: &Change, error: &ApiError) -> bool {
    match &error.kind {
        ApiErrorKind::Refused(_) => true,
        // On a create it is the collection that is missing.
        ApiErrorKind::NotFound => error.object.is_some() && change.action != Action::Create,
        ApiErrorKind::Credentials
        | ApiErrorKind::Permission
        | ApiErrorKind::UnknownObject { .. }
        | ApiErrorKind::RateLimited { .. }
        | ApiErrorKind::Server
        | ApiErrorKind::Unreadable
        | ApiErrorKind::Unreachable(_)
        | ApiErrorKind::Transport
        | ApiErrorKind::WrongSubscription { .. }
        | ApiErrorKind::Account { .. } => false,
    }
}

/// Why a write was not made.
enum Unwritten {
    /// The platform did not make it; and what had been done before.
    Refused { error: ApiError, after: &'static str },
    /// A secret that it needs could not be had.
    Lacks(String),
    /// The plan does not say what to write. The planner makes no such change; were it to, one change fails.
    Incomplete,
}

impl From<ApiError> for Unwritten {
    fn from(error: ApiError) -> Unwritten {
        Unwritten::Refused { error, after: "" }
    }
}

/// What came of a change that did not go wrong.
enum Done {
    Written(Created),
    Skipped(Skip),
}

/// Looks at the object once more, and writes if it is as the plan has it.
async fn look_and_write(change: &Change, applying: &Applying<'_>, ids: &Ids) -> Result<Done, Unwritten> {
    let Applying { recheck, before, .. } = applying;
    if let Some(lacks) = &change.lacks {
        before(change);
        return Err(Unwritten::Lacks(lacks.clone()));
    }
    match recheck.look(change).await {
        Ok(Sight::AsPlanned) => {}
        // The wanted end of a delete. It is not sent: what cannot be seen is not known to be the one that was meant.
        Ok(Sight::Gone) if change.action == Action::Delete => {
            before(change);
            let gone = change.id.clone().ok_or(Unwritten::Incomplete)?;
            return Ok(Done::Written(Created::new(gone)));
        }
        Ok(Sight::Gone) => return Ok(Done::Skipped(Skip::Moved(None))),
        Ok(Sight::Moved(moved)) => return Ok(Done::Skipped(Skip::Moved(Some(moved)))),
        Err(error) => return Ok(Done::Skipped(Skip::Unread(with_hint(&error)))),
    }
    before(change);
    write(change, applying, ids).await.map(Done::Written)
}

async fn write(change: &Change, applying: &Applying<'_>, ids: &Ids) -> Result<Created, Unwritten> {
    let Applying { writer, secrets, recheck, halfway, .. } = applying;
    let context =
        Context { marker: change.marker.as_ref(), names: ids, secrets, before: change.before.as_ref() };
    match (change.action, &change.after, &change.id) {
        (Action::Create, Some(after), _) => Ok(writer.create(after, context).await?),
        (Action::Update, Some(after), Some(id)) => {
            writer.update(id, after, &change.field_names(), context).await?;
            Ok(Created::new(id))
        }
        (Action::Replace, Some(after), Some(id)) => {
            let anew = Context { before: None, ..context };
            // What could not be made again is not deleted.
            writer.try_out(after, anew).await?;
            writer.delete(change.address.kind, id).await?;
            recheck.note_deleted(change);
            halfway(change);
            let after_delete =
                |error| Unwritten::Refused { error, after: "deleted, not yet created again: " };
            writer.create_tried(after, anew).await.map_err(after_delete)
        }
        (Action::Delete, _, Some(id)) => {
            writer.delete(change.address.kind, id).await?;
            recheck.note_deleted(change);
            Ok(Created::new(id))
        }
        (Action::Create | Action::Update | Action::Replace | Action::Delete, _, _) => {
            Err(Unwritten::Incomplete)
        }
    }
}
