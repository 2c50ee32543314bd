//! What is live and not in the file: unmanaged, or to be deleted, or held.

use super::change::{Action, Change, FieldChange, Held};
use super::model::{Plan, Unhealthy, Unmanaged};
use super::{KnownObject, Policy, Warning};
use crate::desired::settings::{Prune, PruneAction};
use crate::resource::{Address, LiveObject};

/// Why the deletes of a kind wait whose section is new.
pub(super) const FIRST_TIME: &str =
    "the file names this kind for the first time: deletes wait for the next pass";

/// How the file names a kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section {
    /// Its section stands in the file.
    pub(super) named: bool,
    /// It does so for the first time, and what would be deleted waits for the next pass.
    pub(super) waits: bool,
}

/// Judges a live object that no entry of the file means.
pub(super) fn judge(
    live: &LiveObject,
    address: Address,
    known: Option<&KnownObject>,
    section: Section,
    policy: &Policy,
    plan: &mut Plan,
) {
    if live.locked.is_some() {
        return;
    }
    let marked = live.owner.as_ref().map(|owner| owner.name.as_str());
    let foreign = marked.is_some_and(|name| policy.owner.as_deref() != Some(name));
    if foreign {
        return;
    }
    let ours = marked.is_some() || known.is_some_and(|known| known.ours && !known.lost_its_mark(live));
    let shared = live.kind().is_shared();
    if let (Some(why), Some(_)) = (live.kind().undeletable(), known) {
        // The file named it once.
        let held = Held::quietly(why);
        plan.changes.push(gone(live, address, "no longer in the file", Some(held)));
        return;
    }
    let wanted = match policy.prune {
        Prune::Never | Prune::Owned => ours,
        Prune::All => ours || (section.named && !shared && !is_ignored(live, &address, policy)),
    };
    if !wanted {
        if !shared && !is_ignored(live, &address, policy) {
            plan.unmanaged.push(Unmanaged { address, id: live.id.clone(), label: live.label.clone() });
        }
        return;
    }
    if ours && live.health.is_unhealthy() {
        plan.unhealthy.push(Unhealthy::new(address.clone(), live));
    }
    let protected = live.owner.as_ref().is_some_and(|owner| owner.prevent_delete)
        || known.is_some_and(|known| known.protected);
    if let Some(why) = live.kind().undeletable() {
        plan.warnings.push(Warning::of(&address, why));
        return;
    }
    // Without its section nothing of a kind is looked for in the file. Of what there is one of, the section is the entry.
    let unnamed = policy.prune == Prune::All && !section.named && !live.kind().is_singleton();
    let whose = if ours { "ours, not in the file" } else { "live, not in the file" };
    let (held, reason) = if policy.prune == Prune::Never {
        let why = format!("{whose}; prune: never");
        (Some(Held::quietly(&why)), why)
    } else if unnamed {
        let why = format!("{whose}; prune: all, and its section is not in the file either");
        (Some(Held::quietly(&why)), why)
    } else if protected {
        (Some(Held::because("prevent_delete: true stood in the file")), whose.to_owned())
    } else if section.waits {
        (Some(Held::because(FIRST_TIME)), whose.to_owned())
    } else {
        (None, whose.to_owned())
    };
    let disabled = live.spec.disabled().filter(|_| policy.prune_action == PruneAction::Disable);
    let (action, fields, after) = match disabled {
        // Off already: as good as gone.
        Some(disabled) if disabled == live.spec => return,
        Some(disabled) => {
            let field = FieldChange::plain("enabled", true, false);
            (Action::Update, vec![field], Some(disabled))
        }
        None => (Action::Delete, Vec::new(), None),
    };
    plan.changes.push(Change { action, fields, after, ..gone(live, address, &reason, held) });
}

/// The change that deletes a live object.
fn gone(live: &LiveObject, address: Address, reason: &str, held: Option<Held>) -> Change {
    let (reason, marker) = (reason.to_owned(), live.owner.clone());
    Change { held, reason, prunes: true, marker, ..Change::of(live, address, Action::Delete) }
}

/// Whether `unmanaged_ignore` names the object, by its address or by its id (`aws/#101`).
pub(super) fn is_ignored(live: &LiveObject, address: &Address, policy: &Policy) -> bool {
    let names = [address.to_string(), format!("{}/#{}", address.kind, live.id)];
    policy.unmanaged_ignore.iter().any(|pattern| names.iter().any(|name| pattern.matches(name)))
}
