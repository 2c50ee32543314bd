//! After an apply: what was written is read again, what was lost is looked for, and the journal told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::NotConverged;
use super::events::journal_failed;
use crate::apply::{Applied, Outcome, Skip};
use crate::desired::Desired;
use crate::error::one_line;
use crate::journal::{Journal, JournalError};
use crate::plan::{Action, CUT_SHORT, Change, FieldChange, GONE, LiveState, Plan, Unread};
use crate::qualys::Reader;
use crate::resource::{Address, Kind, LiveObject, Spec};

/// Reads what was written again. Where an outcome is unknown, the whole kind is listed: the object is looked
/// for.
pub(super) async fn read_again(
    reader: &Reader,
    desired: &Desired,
    live: &mut LiveState,
    applied: &[Applied],
) {
    let mut by_kind: BTreeMap<Kind, (Vec<String>, bool)> = BTreeMap::new();
    for Applied { change, outcome, took: _ } in applied {
        let (ids, whole) = by_kind.entry(change.address.kind).or_default();
        match outcome {
            Outcome::Applied { id, existed: _ } | Outcome::Failed { made: Some(id), .. } => {
                ids.push(id.clone());
                // What was replaced had another id, and is to be seen gone.
                ids.extend(change.id.clone().filter(|old| old != id));
            }
            Outcome::Unknown { .. } => *whole = true,
            // A replace may have deleted before it failed.
            Outcome::Failed { made: None, .. } if change.action == Action::Replace => *whole = true,
            // It is not as the plan has it.
            Outcome::Skipped { because: Skip::Moved(_) } => ids.extend(change.id.clone()),
            Outcome::Failed { made: None, .. } | Outcome::Skipped { .. } => {}
        }
    }
    let (mut kinds, membership) = std::mem::take(live).into_parts();
    for (kind, (ids, whole)) in by_kind {
        if ids.is_empty() && !whole {
            continue;
        }
        let known = kinds.remove(&kind).unwrap_or_else(|| Ok(Vec::new()));
        // What is listed by what it stands in is known by no id alone.
        let read = if whole || kind.is_scoped() {
            reader.list_within(kind, &desired.scope(kind)).await
        } else {
            reader.read(kind, &ids).await.map(|again| {
                let ids: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
                let mut listing = known.unwrap_or_default();
                listing.retain(|object| !ids.contains(object.id.as_str()));
                listing.extend(again);
                listing
            })
        };
        let read =
            read.map_err(|error| format!("what was written could not be read again: {}", one_line(&error)));
        kinds.insert(kind, read.map_err(Unread::from));
    }
    *live = LiveState::new(kinds, membership);
}

/// The identity of what a change makes. What is known by what we wrote alone is made anew by each write.
pub(super) fn made(change: &Change) -> Option<(Kind, String)> {
    let makes = match change.action {
        Action::Create | Action::Replace => true,
        Action::Update => !change.address.kind.is_listed(),
        Action::Delete => false,
    };
    let identity = change.after.as_ref().filter(|_| makes)?.identity()?;
    Some((change.address.kind, identity))
}

pub(super) fn told(result: Result<(), JournalError>) {
    if let Err(error) = result {
        journal_failed(&error);
    }
}

/// A change whose answer was lost and that a complete listing shows was made. Gives those that are settled so.
pub(super) fn settle(applied: &mut [Applied], live: &LiveState) -> Vec<usize> {
    let mut settled = Vec::new();
    for (at, Applied { change, outcome, took: _ }) in applied.iter_mut().enumerate() {
        if let (Outcome::Unknown { .. }, Some(id)) = (&*outcome, seen_made(change, live)) {
            *outcome = Outcome::Applied { id, existed: false };
            settled.push(at);
        }
    }
    settled
}

/// The id of the object, where the listing shows that the change was made. What cannot be seen stays unknown.
fn seen_made(change: &Change, live: &LiveState) -> Option<String> {
    let kind = change.address.kind;
    live.kinds().get(&kind)?.as_ref().ok()?;
    let listing = live.listing(kind);
    let by_id = |id: &String| listing.iter().find(|object| object.id == *id);
    match (change.action, &change.id) {
        (Action::Create | Action::Replace, _) => {
            let (_, identity) = made(change)?;
            let is_it = |object: &&LiveObject| object.spec.identity().as_deref() == Some(identity.as_str());
            let mut found = listing.iter().filter(is_it);
            let object = found.next()?;
            // Of a replaced object the old one may be what is seen.
            let is_new = change.id.as_ref() != Some(&object.id);
            (found.next().is_none() && is_new).then(|| object.id.clone())
        }
        (Action::Update, Some(id)) => {
            let object = by_id(id)?;
            let shown = object.spec.fields();
            let took = |field: &FieldChange| {
                let told = kind.field(&field.path).is_some_and(|known| object.untold(known).is_none());
                told && shown.get(&field.path) == Some(&field.after)
            };
            change.fields.iter().all(took).then(|| id.clone())
        }
        (Action::Delete, Some(id)) => by_id(id).is_none().then(|| id.clone()),
        (Action::Update | Action::Delete, None) => None,
    }
}

/// Tells the journal what went to fields that are not read back, and what is gone.
pub(super) fn remember_writes(journal: &mut Journal, live: &LiveState, applied: &[Applied]) {
    let mut by_id = BTreeMap::new();
    for (kind, listing) in live.kinds() {
        for object in listing.iter().flatten() {
            by_id.insert((*kind, object.id.as_str()), object);
        }
    }
    let is_seen_gone = |kind: Kind, id: &str| {
        live.kinds().get(&kind).is_some_and(Result::is_ok) && !by_id.contains_key(&(kind, id))
    };
    for Applied { change, outcome, took: _ } in applied {
        let kind = change.address.kind;
        // What is refused of an object that was made all the same is in no field that is not read back.
        let (Outcome::Applied { id, existed: false } | Outcome::Failed { made: Some(id), .. }) = outcome
        else {
            // Deleted by us, and not made again: that it is gone is no drift.
            if let (Action::Replace, Some(old)) = (change.action, change.id.as_ref())
                && kind.is_listed()
                && is_seen_gone(kind, old)
            {
                told(journal.forget(kind, old));
            }
            continue;
        };
        let seen = by_id.get(&(kind, id.as_str()));
        match (&change.after, change.action) {
            // Nobody can see that it is gone: that it was deleted is to be known.
            (_, Action::Delete) if seen.is_some_and(|object| object.unseen) => {
                let (field, gone) = GONE;
                let identity = change.before.as_ref().and_then(Spec::identity).unwrap_or_default();
                let written = Map::from_iter([(field.to_owned(), gone.into())]);
                told(journal.wrote(kind, id, &identity, &written));
            }
            // Still there: what is known of it holds.
            (_, Action::Delete) if seen.is_some() => {}
            (_, Action::Delete) | (None, _) => told(journal.forget(kind, id)),
            (Some(after), action) => {
                // The journal's id of a replaced object is the new one's.
                if let (Action::Replace, Some(old)) = (action, change.id.as_ref().filter(|old| *old != id))
                    && is_seen_gone(kind, old)
                {
                    told(journal.forget(kind, old));
                }
                let untold = |name: &str| {
                    kind.field(name).is_some_and(|field| match seen {
                        Some(object) => object.untold(field).is_some(),
                        // What cannot be listed is never seen.
                        None => field.is_secret() || !kind.is_listed(),
                    })
                };
                // Of what cannot be listed, that the write came to its end is to be known too.
                let ended =
                    (outcome.is_applied() && !kind.is_listed()).then(|| (CUT_SHORT.to_owned(), false.into()));
                told(wrote(journal, change, id, after, untold, ended));
            }
        }
    }
}

/// Tells the journal what went to these fields, and this besides.
fn wrote(
    journal: &mut Journal,
    change: &Change,
    id: &str,
    after: &Spec,
    wanted: impl Fn(&str) -> bool,
    besides: Option<(String, Value)>,
) -> Result<(), JournalError> {
    let written = change.written().filter(|(name, _)| wanted(name));
    let written = written.map(|(name, value)| (name.to_owned(), value.clone()));
    let written: Map<String, Value> = written.chain(besides).collect();
    if written.is_empty() {
        return Ok(());
    }
    journal.wrote(change.address.kind, id, &after.identity().unwrap_or_default(), &written)
}

/// Tells the journal which fields the platform did not take of each object that was written, and so which it did.
pub(super) fn remember_refusals(journal: &mut Journal, applied: &[Applied], not_converged: &[NotConverged]) {
    for Applied { change, outcome, took: _ } in applied {
        let (Some(id), Some(_)) = (seen_written(outcome), &change.after) else { continue };
        let of_this = not_converged.iter().filter(|not_converged| not_converged.address == change.address);
        let fields: Vec<&FieldChange> = of_this.map(|not_converged| &not_converged.field).collect();
        told(journal.refused(change.address.kind, id, &fields));
    }
}

/// The id of what was written and read again, be it but in part: the platform looked at the rest, and refused it.
fn seen_written(outcome: &Outcome) -> Option<&String> {
    match outcome {
        Outcome::Applied { id, existed: _ } | Outcome::Failed { made: Some(id), judged: true, error: _ } => {
            Some(id)
        }
        Outcome::Failed { .. } | Outcome::Skipped { .. } | Outcome::Unknown { .. } => None,
    }
}

/// Whether what still differs is what a change made: not its absence, and not what it replaced, which a search may show
/// for a while.
fn is_of(still: &Change, change: &Change) -> bool {
    let is_replaced = change.action == Action::Replace && still.id == change.id;
    still.action != Action::Create && !is_replaced
}

/// What still differs of what was written, or was to be; of a delete, that the object is still there.
pub(super) fn not_converged(applied: &[Applied], live: &LiveState, after: &Plan) -> Vec<NotConverged> {
    let still: BTreeMap<&Address, &Change> =
        after.changes.iter().map(|change| (&change.address, change)).collect();
    let mut found = Vec::new();
    for Applied { change, outcome, took: _ } in applied {
        let Some(id) = seen_written(outcome) else { continue };
        let address = &change.address;
        if change.action == Action::Delete {
            if live.listing(address.kind).iter().any(|object| object.id == *id && !object.unseen) {
                let field = FieldChange::plain("live", true, false);
                found.push(NotConverged { address: address.clone(), field });
            }
        } else if still.get(address).is_some_and(|still| still.action == Action::Create)
            && let Some(object) = live.listing(address.kind).iter().find(|object| object.id == *id)
        {
            // It is there, and not where it was to be: what tells where that is was not taken.
            let shown = object.spec.fields();
            for field in address.kind.fields().iter().filter(|field| field.identifies) {
                let sent = change.fields.iter().find(|sent| sent.path == field.name);
                let got = shown.get(field.name).cloned().unwrap_or_default();
                if let Some(sent) = sent.filter(|sent| sent.after != got) {
                    let field = FieldChange { before: got, ..sent.clone() };
                    found.push(NotConverged { address: address.clone(), field });
                }
            }
        } else if let Some(still) = still.get(address).filter(|still| is_of(still, change)) {
            let written = change.field_names();
            let fields = still.fields.iter().filter(|field| written.contains(&field.path.as_str()));
            found.extend(fields.map(|field| NotConverged { address: address.clone(), field: field.clone() }));
        }
    }
    found
}
