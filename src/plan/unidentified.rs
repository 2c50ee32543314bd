//! Live objects of which nobody can tell which they are, and those that cannot be read whole. Each is a row of its own.
//! It keeps back the creates of those entries alone that it may be, and nothing is done to it.

use std::collections::BTreeMap;

use super::matching::{Addresses, Match};
use super::model::{Plan, Unidentified};
use super::{Entry, Known, Policy, prune};
use crate::resource::{Address, LiveObject, reads_as};

/// The odd objects of a listing, each with the entries that it keeps back.
pub(super) struct Odd<'a> {
    objects: Vec<&'a LiveObject>,
    holds: BTreeMap<&'a str, Vec<Address>>,
}

impl<'a> Odd<'a> {
    /// Finds them. Those that `unmanaged_ignore` names keep nothing back, and which entry it is the journal may know.
    pub(super) fn new(
        matched: &[Match<'_, 'a>],
        addresses: &Addresses,
        known: &Known,
        policy: &Policy,
    ) -> Odd<'a> {
        let left = matched.iter().filter_map(|found| match found {
            Match::Left { live } => Some(*live),
            Match::Pair { .. } | Match::Missing { .. } | Match::Ambiguous { .. } => None,
        });
        let is_known = |live: &LiveObject| {
            let known = known.objects.get(&(live.kind(), live.id.clone()));
            known.is_some_and(|known| !known.identity.is_empty())
        };
        let is_odd = |live: &&LiveObject| {
            let is_ignored = || prune::is_ignored(live, &addresses.of_live(live), policy);
            (live.unread.is_some() || !is_identified(live)) && !is_known(live) && !is_ignored()
        };
        Odd { objects: left.filter(is_odd).collect(), holds: BTreeMap::new() }
    }

    /// Those that an entry may mean that was not found; its create waits for a person to tell.
    pub(super) fn holding(&mut self, entry: &Entry<'_>, address: &Address) -> Vec<&'a LiveObject> {
        let holding: Vec<&LiveObject> =
            self.objects.iter().copied().filter(|live| may_be(live, entry)).collect();
        for live in &holding {
            self.holds.entry(live.id.as_str()).or_default().push(address.clone());
        }
        holding
    }

    /// Whether the object is one that nothing may be done to: nobody knows what it is.
    pub(super) fn spares(&self, live: &LiveObject) -> bool {
        live.unread.is_some() || self.holds.contains_key(live.id.as_str())
    }

    /// Adds the row of an object that is spared, or that is nobody's.
    pub(super) fn tell(&self, live: &LiveObject, plan: &mut Plan) {
        let holds = self.holds.get(live.id.as_str()).cloned().unwrap_or_default();
        let is_odd = self.objects.iter().any(|object| std::ptr::eq(*object, live));
        // What everybody shares is nobody's business but where it stands in the way.
        if is_odd && !(live.kind().is_shared() && holds.is_empty()) {
            let (address, id, name) = (own_address(live), live.id.clone(), live.spec.name().to_owned());
            plan.unidentified.push(Unidentified { address, id, name, why: why(live), holds });
        }
    }

    /// Whether nothing at all suggests what the object is.
    pub(super) fn is_nameless(&self, live: &LiveObject) -> bool {
        live.hint.is_none() && self.objects.iter().any(|object| std::ptr::eq(*object, live))
    }
}

/// The address of an object that has no other that is sure.
fn own_address(live: &LiveObject) -> Address {
    Address::new(live.kind(), format!("#{}", live.id))
}

/// Whether its identity is told, all of it.
fn is_identified(live: &LiveObject) -> bool {
    !live.vague
        && live.spec.identity().is_some_and(|identity| !identity.contains(char::REPLACEMENT_CHARACTER))
}

/// Whether the object may be the one that the entry means.
fn may_be(live: &LiveObject, entry: &Entry<'_>) -> bool {
    match (live.spec.identity().filter(|_| !live.vague), &live.within) {
        (Some(identity), _) => reads_as(&identity, &entry.spec.identity().unwrap_or_default()),
        (None, Some(within)) => entry.spec.weak_identity().is_none_or(|weak| weak == *within),
        (None, None) => true,
    }
}

/// Why nobody can tell which object it is.
fn why(live: &LiveObject) -> String {
    if let Some(places) = &live.unread {
        return format!("cannot be read at {places}");
    }
    if live.spec.identity().is_some() {
        return "its name cannot be read whole".to_owned();
    }
    let mut identifying =
        live.kind().fields().iter().filter(|field| field.identifies && field.name != "name");
    let field = identifying.next().map_or("identity", |field| field.name);
    match &live.within {
        Some(within) => format!("its answer has no {field}, only {within}"),
        None => format!("its answer has no {field}"),
    }
}
