//! Puts our mark on live objects, and takes it off: the mark alone, nothing else of them is written.
//!
//! The mark stands at the end of the description. Where a kind has none, the journal alone knows that an object is
//! ours. What came of each write is read off the platform afterwards, so that a lost answer costs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use jiff::Timestamp;
use serde_json::Value;

use crate::desired::Declared;
use crate::error::{one_line, with_hint};
use crate::journal::{Answer, Journal, JournalError, Run};
use crate::plan::{Change, FieldChange, Located};
use crate::qualys::{Context, Names, Reader, Writer};
use crate::resource::{Address, Kind, LiveObject, Owner, Spec, Told, Wanted};
use crate::secret::Secrets;
use crate::stop::Stop;

/// What is to become of the mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim<'a> {
    /// It is to be ours: the object bears none, or that of this other owner.
    Adopt {
        /// Who we are.
        owner: &'a str,
        /// Whose objects may be taken over.
        from: Option<&'a str>,
    },
    /// Ours is to go.
    Release {
        /// Who we are, where the file says so.
        owner: Option<&'a str>,
    },
}

/// What to claim, and with what.
pub struct Claiming<'a> {
    /// The way to read.
    pub reader: &'a Reader,
    /// The way to write.
    pub writer: &'a Writer,
    /// Where it is remembered what is ours, and what was changed.
    pub journal: &'a mut Journal,
    /// How the history names this.
    pub run: Run<'a>,
    /// The ids of the live objects by canonical name.
    pub names: &'a dyn Names,
    /// The secrets that the file's objects name: some kinds want them with every write.
    pub secrets: &'a Secrets,
    /// What is to become of the marks.
    pub claim: Claim<'a>,
    /// Of which objects.
    pub targets: Vec<Located<'a>>,
    /// How many writes may be under way at once.
    pub concurrency: usize,
    /// Once requested, no further write is begun.
    pub stop: &'a Stop,
}

impl std::fmt::Debug for Claiming<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claiming").field("claim", &self.claim).finish_non_exhaustive()
    }
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is ours now.
    Adopted,
    /// It is not ours any more.
    Released,
    /// It was so already.
    Unchanged,
    /// It was not tried.
    Refused,
    /// It was tried, and is not so.
    Failed,
}

impl Outcome {
    /// All of them, as they are counted.
    pub const ALL: [Outcome; 5] =
        [Outcome::Adopted, Outcome::Released, Outcome::Unchanged, Outcome::Refused, Outcome::Failed];

    /// The word in text and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Adopted => "adopted",
            Outcome::Released => "released",
            Outcome::Unchanged => "unchanged",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
        }
    }

    /// Whether things are as was asked for.
    #[must_use]
    pub const fn is_well(self) -> bool {
        match self {
            Outcome::Adopted | Outcome::Released | Outcome::Unchanged => true,
            Outcome::Refused | Outcome::Failed => false,
        }
    }
}

/// An object and what came of the claim on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The object.
    pub address: Address,
    /// The platform's id, where there is one.
    pub id: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, where that is not plain.
    pub reason: Option<String>,
}

impl Claimed {
    /// Nothing was written.
    #[must_use]
    pub fn refused(address: Address, reason: impl Into<String>) -> Claimed {
        Claimed { address, id: None, outcome: Outcome::Refused, reason: Some(reason.into()) }
    }
}

/// What a claim takes for one object.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Nothing: it is so already.
    Nothing,
    /// It must not be done.
    Refuse(String),
    /// The journal is told; the kind has no description.
    Journal,
    /// The description is written with this mark, or with none.
    Mark(Option<Owner>),
}

/// Puts the marks on, or takes them off. What came of each target, in their order.
pub async fn claim(claiming: Claiming<'_>) -> Vec<Claimed> {
    let Claiming { reader, writer, journal, run, names, secrets, claim, targets, concurrency, stop } =
        claiming;
    let steps: Vec<Step> =
        targets.iter().map(|target| step(claim, target, is_ours(journal, target))).collect();

    let marks = targets.iter().zip(&steps).enumerate().filter_map(|(at, (target, step))| match step {
        Step::Mark(marker) => Some((at, target, marker.as_ref())),
        Step::Nothing | Step::Refuse(_) | Step::Journal => None,
    });
    let noted = Mutex::new(&mut *journal);
    let writes = marks.map(|(at, target, marker)| {
        let noted = &noted;
        async move {
            let began = Instant::now();
            if stop.is_requested() {
                return (at, Written { sent: None, took: Duration::ZERO });
            }
            if let Some(live) = target.live {
                note(&mut noted.lock().unwrap_or_else(PoisonError::into_inner), |journal| {
                    let mut change = Change::of_mark(live, target.address.clone(), marker);
                    change.fields.iter_mut().for_each(|field| redact(field, reader));
                    journal.sends(run, &change, &change.fields, None, Timestamp::now())
                });
            }
            let sent = write(target, marker, writer, names, secrets).await;
            (at, Written { sent: Some(sent), took: began.elapsed() })
        }
    });
    let written: BTreeMap<usize, Written> =
        futures::stream::iter(writes).buffer_unordered(concurrency.max(1)).collect().await;
    let seen = look_again(reader, written.keys().map(|&at| &targets[at])).await;

    let done = match claim {
        Claim::Adopt { .. } => Outcome::Adopted,
        Claim::Release { .. } => Outcome::Released,
    };
    let mut claimed = Vec::with_capacity(targets.len());
    for (at, (target, step)) in targets.into_iter().zip(steps).enumerate() {
        let (outcome, reason) = match step {
            Step::Nothing => (Outcome::Unchanged, None),
            Step::Refuse(why) => (Outcome::Refused, Some(why)),
            Step::Journal if !journal.is_kept() => {
                let why = "its kind has no description to bear a mark, and there is no journal to know it by";
                (Outcome::Refused, Some(why.to_owned()))
            }
            Step::Journal => {
                let why = "known to the journal: its kind has no description to bear a mark";
                (done, Some(why.to_owned()))
            }
            Step::Mark(marker) => match &written[&at] {
                Written { sent: None, took: _ } => {
                    (Outcome::Refused, Some("not begun: the program is stopping".to_owned()))
                }
                Written { sent: Some(sent), took } => {
                    let (outcome, reason) = judge(&target, marker.as_ref(), sent, &seen, done);
                    let unread = seen.get(&target.address.kind).is_some_and(Result::is_err);
                    let word = match (outcome.is_well(), unread) {
                        (true, _) => "applied",
                        (false, true) => "unknown",
                        (false, false) => "failed",
                    };
                    let error = reason.as_deref();
                    let answer = Answer { outcome: word, id: Some(&target.id), error, took: *took };
                    note(journal, |journal| journal.answered(run, &target.address, answer));
                    (outcome, reason)
                }
            },
        };
        if outcome.is_well() {
            note(journal, |journal| match claim {
                Claim::Adopt { .. } => remember(journal, &target),
                Claim::Release { .. } => journal.disowned(target.address.kind, &target.id),
            });
        }
        let Located { address, id, live: _, declared: _ } = target;
        claimed.push(Claimed { address, id: Some(id), outcome, reason });
    }
    claimed
}

/// What became of a write of a mark.
struct Written {
    /// What came back; `None` where it was not begun.
    sent: Option<Result<(), String>>,
    took: Duration,
}

/// Tells the journal. One that fails costs what it would have known, not the claim.
fn note(journal: &mut Journal, tell: impl FnOnce(&mut Journal) -> Result<(), JournalError>) {
    if let Err(error) = tell(journal) {
        tracing::warn!(event = "journal_failed", error = one_line(&error));
    }
}

/// The platform may repeat a secret in a description.
fn redact(field: &mut FieldChange, reader: &Reader) {
    for value in [&mut field.before, &mut field.after] {
        if let Value::String(text) = value {
            *text = reader.redact(text);
        }
    }
}

fn is_ours(journal: &mut Journal, target: &Located<'_>) -> bool {
    journal.is_ours(target.address.kind, &target.id).unwrap_or_else(|error| {
        tracing::warn!(event = "journal_failed", error = one_line(&error));
        false
    })
}

/// What the claim takes. `known` is whether the journal holds the object to be ours.
fn step(claim: Claim<'_>, target: &Located<'_>, known: bool) -> Step {
    let kind = target.address.kind;
    if kind.wanted() == Wanted::Absent {
        return Step::Refuse("the file only ever says that such an object is to be gone".to_owned());
    }
    let Some(live) = target.live.filter(|_| kind.is_listed()) else {
        return Step::Refuse("the platform cannot be asked whether it is there".to_owned());
    };
    let marked = live.owner.as_ref();
    let refuse_if_locked = |step| match &live.locked {
        Some(why) => Step::Refuse(why.clone()),
        None => step,
    };
    match claim {
        Claim::Adopt { owner, from } => {
            let Some(declared) = target.declared else {
                return Step::Refuse(
                    "the file does not name it: what is adopted is kept as the file says".to_owned(),
                );
            };
            match marked.filter(|marked| marked.name != owner) {
                Some(theirs) if from != Some(theirs.name.as_str()) => {
                    let name = &theirs.name;
                    return Step::Refuse(format!("owned by {name}: --from {name} takes it over"));
                }
                Some(_) | None => {}
            }
            if kind.field("description").is_none() {
                return if known { Step::Nothing } else { refuse_if_locked(Step::Journal) };
            }
            let mark = Owner { name: owner.to_owned(), prevent_delete: declared.meta.prevent_delete };
            if marked == Some(&mark) { Step::Nothing } else { refuse_if_locked(Step::Mark(Some(mark))) }
        }
        Claim::Release { owner } => match marked {
            Some(theirs) if owner != Some(theirs.name.as_str()) => {
                let name = &theirs.name;
                let remedy = match owner {
                    Some(owner) => format!("this file speaks for {owner}"),
                    None => format!("with reconcile.owner: {name} it can be released"),
                };
                Step::Refuse(format!("owned by {name}: {remedy}"))
            }
            Some(_) => refuse_if_locked(Step::Mark(None)),
            None if known => Step::Journal,
            None => Step::Nothing,
        },
    }
}

/// Writes the description as it is, with the mark at its end or without one.
async fn write(
    target: &Located<'_>,
    marker: Option<&Owner>,
    writer: &Writer,
    names: &dyn Names,
    secrets: &Secrets,
) -> Result<(), String> {
    let Located { address: _, id, live, declared } = target;
    let Some(live) = live else { return Err("it is not live".to_owned()) };
    let spec = with_what_is_never_told(&live.spec, *declared);
    let context = Context { secrets, before: Some(&live.spec), ..Context::new(names) }.marked(marker);
    writer.update(id, &spec, &["description"], context).await.map_err(|error| with_hint(&error))
}

/// The live spec with what only the file can tell of it: some kinds want that again with every write.
fn with_what_is_never_told(live: &Spec, declared: Option<&Declared>) -> Spec {
    let Some(declared) = declared else { return live.clone() };
    let (mut fields, told) = (live.fields(), declared.spec.fields());
    for field in live.kind().fields().iter().filter(|field| field.told != Told::Value) {
        if let Some(value) = told.get(field.name) {
            fields.insert(field.name.to_owned(), value.clone());
        }
    }
    // What the platform has may be more than the file would take; its description is writable all the same.
    live.kind().deserialize(Value::Object(fields)).unwrap_or_else(|_| live.clone())
}

/// The objects as they are now, kind by kind.
async fn look_again<'a>(
    reader: &Reader,
    written: impl Iterator<Item = &'a Located<'a>>,
) -> BTreeMap<Kind, Result<Vec<LiveObject>, String>> {
    let mut ids: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    for located in written {
        ids.entry(located.address.kind).or_default().insert(located.id.clone());
    }
    let mut seen = BTreeMap::new();
    for (kind, ids) in ids {
        let ids: Vec<String> = ids.into_iter().collect();
        seen.insert(kind, reader.read(kind, &ids).await.map_err(|error| with_hint(&error)));
    }
    seen
}

/// What the platform shows decides; where it shows nothing, what it answered does.
fn judge(
    located: &Located<'_>,
    marker: Option<&Owner>,
    written: &Result<(), String>,
    seen: &BTreeMap<Kind, Result<Vec<LiveObject>, String>>,
    done: Outcome,
) -> (Outcome, Option<String>) {
    let found = match seen.get(&located.address.kind) {
        Some(Ok(objects)) => objects.iter().find(|object| object.id == located.id),
        Some(Err(error)) => {
            let told = match written {
                Ok(()) => format!("written, and could not be read again: {error}"),
                Err(refused) => refused.clone(),
            };
            return (Outcome::Failed, Some(told));
        }
        None => None,
    };
    match (found, written) {
        (Some(object), _) if object.owner.as_ref() == marker => (done, None),
        (_, Err(error)) => (Outcome::Failed, Some(error.clone())),
        (Some(_), Ok(())) => (Outcome::Failed, Some("the platform did not take the mark".to_owned())),
        (None, Ok(())) => (Outcome::Failed, Some("written, and not to be seen any more".to_owned())),
    }
}

/// Lets the journal know that the object is ours.
fn remember(journal: &mut Journal, target: &Located<'_>) -> Result<(), JournalError> {
    let Located { address, id, live, declared } = target;
    let identity = declared.map(|declared| &declared.spec).or(live.map(|live| &live.spec));
    let identity = identity.and_then(Spec::identity).unwrap_or_default();
    journal.made(address.kind, id, &identity, address.kind.field("description").is_some())
}
