//! What a pass sees of changes whose outcome nobody knew: sent by a process that ended before the answer, or answered
//! with nothing that told. What is seen to be made is said to be; all else stays unknown, for a listing may lag.

use serde_json::Value;

use super::NotConverged;
use super::aftermath::told;
use crate::apply::{Applied, Outcome};
use crate::desired::Desired;
use crate::journal::{Journal, JournalError, OpenChange, Run};
use crate::plan::{Action, LiveState, Plan};
use crate::resource::{Address, LiveObject};

/// Completes the history by what was read.
pub(super) fn complete_history(
    journal: &mut Journal,
    desired: &Desired,
    live: &LiveState,
    plan: &Plan,
) -> Result<(), JournalError> {
    for open in journal.open_changes()? {
        if let Some(id) = seen_made(&open, desired, live, plan) {
            journal.seen_made(open.n, &id)?;
        }
    }
    Ok(())
}

/// The id of the object, where a change is seen to have been made.
fn seen_made(open: &OpenChange, desired: &Desired, live: &LiveState, plan: &Plan) -> Option<String> {
    let OpenChange { n: _, kind, address, action, identity, id, fields } = open;
    // Only a listing that is complete and believed tells.
    if !kind.is_listed() || !plan.listings.contains_key(kind) {
        return None;
    }
    let listing = live.listing(*kind);
    let action = Action::ALL.iter().find(|known| known.word() == action)?;
    match action {
        Action::Create | Action::Replace => {
            let made =
                |object: &&LiveObject| object.spec.identity() == *identity && Some(&object.id) != id.as_ref();
            identity.as_ref()?;
            let mut found = listing.iter().filter(made);
            match (found.next(), found.next()) {
                (Some(object), None) => Some(object.id.clone()),
                (Some(_), Some(_)) | (None, _) => None,
            }
        }
        Action::Update => {
            let object = listing.iter().find(|object| Some(&object.id) == id.as_ref())?;
            let current = object.spec.fields();
            let mut told = fields.iter().filter(|change| {
                let field = kind.field(&change.path);
                !change.sensitive && field.is_some_and(|field| object.untold(field).is_none())
            });
            let mut is_made = false;
            let as_sent = told.all(|change| {
                is_made = true;
                current.get(&change.path).unwrap_or(&Value::Null) == &change.after
            });
            (as_sent && is_made).then(|| object.id.clone())
        }
        Action::Delete => {
            // Of some kinds no more is listed than what the file names.
            let named = || {
                address.parse::<Address>().is_ok_and(|address| desired.scope(*kind).looks_at(&address.name))
            };
            let listed = !kind.is_scoped() || named();
            let is_there = listing.iter().any(|object| Some(&object.id) == id.as_ref());
            id.clone().filter(|_| listed && !is_there)
        }
    }
}

/// Remembers the drifts that were undone and seen to be: what the platform did not take, nobody set anew.
pub(super) fn remember_reverts(
    journal: &mut Journal,
    run: Run<'_>,
    applied: &[Applied],
    not_converged: &[NotConverged],
) {
    for Applied { change, outcome, took: _ } in applied {
        let address = &change.address;
        let taken = !not_converged.iter().any(|not_converged| not_converged.address == *address);
        if change.cause.drifted() && taken && matches!(outcome, Outcome::Applied { existed: false, id: _ }) {
            told(journal.reverted(run, address));
        }
    }
}
