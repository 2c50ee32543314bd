//! What the file says is to be gone: a declared delete, whatever prune says. The limits count it as any other.

use super::change::{Action, Change, Held};
use super::matching::{Addresses, Match};
use super::model::{Plan, Unverified};
use super::{Entry, Known, KnownObject, Policy, parse_object};
use crate::resource::{Address, LiveObject};

/// What the journal keeps of a delete of what could not be seen.
pub(crate) const GONE: (&str, &str) = ("state", "absent");

/// Judges what is to be gone. What the file does not name is left alone.
pub(super) fn judge(
    found: &Match<'_, '_>,
    addresses: &Addresses,
    known: &Known,
    policy: &Policy,
    plan: &mut Plan,
) {
    match found {
        Match::Pair { entry, live } => {
            let known = known.objects.get(&(live.kind(), live.id.clone()));
            delete(entry, live, addresses.of_entry(entry), known, policy, plan);
        }
        Match::Missing { entry, known_id: _ } => {
            plan.unchanged.insert(addresses.of_entry(entry));
        }
        Match::Ambiguous { .. } | Match::Left { .. } => {}
    }
}

/// Deletes what is there, or may be.
fn delete(
    entry: &Entry<'_>,
    live: &LiveObject,
    address: Address,
    known: Option<&KnownObject>,
    policy: &Policy,
    plan: &mut Plan,
) {
    let (field, gone) = GONE;
    let deleted =
        || known.is_some_and(|known| parse_object(&known.written).get(field).is_some_and(|it| it == gone));
    if live.unseen && deleted() && !policy.rewrite {
        plan.unchanged.insert(address);
        return;
    }
    let place = &entry.declared.place;
    let reason = if live.unseen {
        plan.unverified.push(Unverified { address: address.clone(), fields: vec![field.to_owned()] });
        format!(
            "{field}: {gone} in {place}; whether it is there cannot be read: tried, and no harm if it is not"
        )
    } else {
        format!("{field}: {gone} in {place}")
    };
    let meta = &entry.declared.meta;
    let held = if meta.observe {
        Some(Held::because("policy: observe"))
    } else {
        meta.prevent_delete.then(|| Held::because("prevent_delete: true"))
    };
    plan.changes.push(Change {
        held,
        reason,
        tentative: live.unseen,
        ..Change::of(live, address, Action::Delete)
    });
}
