//! Whether a listing is believed. One that has lost much at once may be complete for a smaller scope: the platform shows
//! what the user may see, and a role that was taken away looks like objects that were deleted.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, Known, KnownObject, LiveState, Observation, Plan, Policy};
use crate::resource::{Kind, LiveObject, Wanted};

/// Listings that were smaller than that are not judged by their size.
const SMALL: usize = 10;
/// So many known objects that vanish at once are several.
const SEVERAL: usize = 3;

/// The listing of a kind, where there is one that can be believed.
pub(super) fn believed<'a>(
    kind: Kind,
    live: &'a LiveState,
    known: &Known,
    policy: &Policy,
) -> Result<Option<&'a [LiveObject]>, String> {
    let listing = match live.kinds().get(&kind) {
        None => return Ok(None),
        Some(Err(unread)) => return Err(unread.error.clone()),
        Some(Ok(listing)) => listing,
    };
    // How much is listed of some kinds is for the file to say, and some are to go.
    let judged = !kind.is_scoped() && kind.is_listed() && kind.wanted() != Wanted::Absent;
    let Some(before) = known.listings.get(&kind).filter(|_| judged) else { return Ok(Some(listing)) };
    if before.doubted == Some((listing.len(), true)) {
        return Ok(Some(listing));
    }
    let listed: BTreeSet<&str> = listing.iter().map(|object| object.id.as_str()).collect();
    let percent = policy.max_shrink_percent.min(100) as usize;
    // What we have deleted ourselves is no loss.
    let good = before.good.saturating_sub(leaving(kind, known).filter(|id| !listed.contains(id)).count());
    let what = if good >= SMALL && listing.len() * 100 < good * (100 - percent) {
        format!("the listing shrank from {good} to {} objects", listing.len())
    } else {
        let (gone, all) = vanished(kind, &listed, known);
        if gone < SEVERAL || gone * 100 <= percent * all {
            return Ok(Some(listing));
        }
        format!("of {all} objects that were there and are known {gone} are gone at once")
    };
    Err(format!(
        "{what} (max_shrink_percent: {}): scope lost? It is believed when it is the same an hour later, or by apply \
         --accept-shrink",
        policy.max_shrink_percent
    ))
}

/// How many of the objects that the journal knows, and that were there, the listing does not hold; and how many there
/// were. Those that we delete ourselves are not among them.
fn vanished(kind: Kind, listed: &BTreeSet<&str>, known: &Known) -> (usize, usize) {
    let were_there: Vec<&str> = of_kind(kind, known)
        .filter(|(id, object)| !object.missing && !known.leaving.contains(&(kind, (*id).to_owned())))
        .map(|(id, _)| id)
        .collect();
    let gone = were_there.iter().filter(|id| !listed.contains(*id)).count();
    (gone, were_there.len())
}

/// How many objects of a listing are there to stay: a search may show for a while what we have deleted.
pub(super) fn staying(kind: Kind, listing: &[LiveObject], known: &Known) -> usize {
    listing.iter().filter(|object| !known.leaving.contains(&(kind, object.id.clone()))).count()
}

/// Has the journal remember which of the objects that it knows are there. What is gone and not in the file is forgotten.
pub(super) fn take_stock(
    kind: Kind,
    entries: &[Entry<'_>],
    listing: &[LiveObject],
    known: &Known,
    plan: &mut Plan,
) {
    let mut gone: BTreeMap<&str, &KnownObject> = of_kind(kind, known).collect();
    for object in listing {
        let there = gone.remove(object.id.as_str());
        if there.is_some_and(|there| there.missing) {
            plan.observed.push(Observation::Presence { kind, id: object.id.clone(), missing: false });
        }
    }
    let left = leaving(kind, known).filter(|id| !listing.iter().any(|object| object.id == *id));
    plan.observed.extend(left.map(|id| Observation::Left { kind, id: id.to_owned() }));
    if gone.is_empty() {
        return;
    }
    let declared: BTreeSet<String> = entries.iter().filter_map(|entry| entry.spec.identity()).collect();
    for (id, object) in gone {
        let id = id.to_owned();
        if !declared.contains(&object.identity) {
            plan.observed.push(Observation::Forgotten { kind, id });
        } else if !object.missing {
            plan.observed.push(Observation::Presence { kind, id, missing: true });
        }
    }
}

/// What we have told the platform to delete, and have not seen gone yet.
fn leaving(kind: Kind, known: &Known) -> impl Iterator<Item = &str> {
    let of_kind = (kind, String::new())..;
    known.leaving.range(of_kind).take_while(move |(of, _)| *of == kind).map(|(_, id)| id.as_str())
}

fn of_kind(kind: Kind, known: &Known) -> impl Iterator<Item = (&str, &KnownObject)> {
    let of_kind = (kind, String::new())..;
    let objects = known.objects.range(of_kind).take_while(move |((of, _), _)| *of == kind);
    objects.map(|((_, id), object)| (id.as_str(), object))
}
