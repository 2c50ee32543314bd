//! When a delete may be made. Nobody looks at the daemon's plan before it is applied, and a folder that is being written,
//! or is not mounted yet, looks just like one whose entries were taken out.
//!
//! So the daemon makes a delete only once an unchanged file has wanted it for a while; and where a file or pattern of
//! `include` gave entries before and gives none now, what they named is not deleted at all, be it by the daemon or by
//! `apply`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::change::{Change, Held};
use super::model::Plan;
use super::prune::FIRST_TIME;
use super::{Entry, Known, Warning};
use crate::desired::Desired;
use crate::resource::{Kind, Spec};
use crate::span::span;

/// Objects by kind and identity, as the file names them.
pub type Identities = BTreeSet<(Kind, String)>;

/// How long deletes have to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteClock {
    /// See [`crate::desired::settings::Reconcile::delete_after`].
    pub after: Duration,
    /// Until when a delete waits that was not wanted before.
    pub first: Timestamp,
    /// Until when those wait that were, by kind and the platform's id; `None` where their time has come.
    pub waiting: BTreeMap<(Kind, String), Option<Timestamp>>,
}

/// Withholds the deletes whose time has not come, and those that nobody can be sure are meant.
pub(super) fn hold_back(plan: &mut Plan, desired: &Desired, known: &Known) {
    remember_given(plan, desired, known);
    hold_vanished(plan, desired, known);
    let Some(clock) = &known.delete_clock else { return };
    let DeleteClock { after, first, waiting } = clock;
    for change in plan.changes.iter_mut().filter(|change| change.applies() && change.deletes()) {
        let until = change.key().and_then(|key| waiting.get(&key).copied());
        let Some(until) = until.unwrap_or(Some(*first)) else { continue };
        change.held = Some(Held::because(format!(
            "not before {}: the file must want it unchanged for {} (reconcile.delete_after)",
            until.strftime("%Y-%m-%d %H:%M:%S UTC"),
            span(*after)
        )));
    }
}

/// Withholds the deletes of what a file or pattern gave that gives nothing any more.
fn hold_vanished(plan: &mut Plan, desired: &Desired, known: &Known) {
    for source in &desired.sources {
        let Some(before) = known.given.get(&source.pattern).filter(|_| !desired.gives(source)) else {
            continue;
        };
        let is_held = |change: &&mut Change| {
            // Its section went with it: that it is to be looked for anew is not what matters.
            let may_be = change.held.as_ref().is_none_or(|held| held.why == FIRST_TIME);
            may_be && change.deletes() && identities(change, known).any(|key| before.contains(&key))
        };
        let mut held = 0;
        for change in plan.changes.iter_mut().filter(is_held) {
            held += 1;
            change.held = Some(Held::because(format!(
                "{} gave entries before and gives none: held until it does again, or is no longer named in include",
                source.shown
            )));
        }
        if held > 0 {
            let deletes = if held == 1 { "1 delete is".to_owned() } else { format!("{held} deletes are") };
            plan.warnings.push(Warning::from(format!(
                "include: {} gave entries before and gives none: {deletes} held; if that is meant, take it out of include",
                source.shown
            )));
        }
    }
}

/// The identities under which the file may have named the object of a change.
fn identities<'a>(change: &'a Change, known: &'a Known) -> impl Iterator<Item = (Kind, String)> + 'a {
    let live = change.before.as_ref().and_then(Spec::identity);
    let named = change.key().and_then(|key| known.objects.get(&key)).map(|object| object.identity.clone());
    live.into_iter().chain(named).map(|identity| (change.address.kind, identity))
}

/// Notes what the entries of a kind are that files and patterns of `include` give.
pub(super) fn note_given(kind: Kind, entries: &[Entry<'_>], desired: &Desired, plan: &mut Plan) {
    for source in &desired.sources {
        let own = entries.iter().filter(|entry| source.files.contains(&entry.declared.place.file));
        let own = own.filter_map(|entry| Some((kind, entry.spec.identity()?)));
        plan.given.entry(source.pattern.clone()).or_default().extend(own);
    }
}

/// Completes what is given by what was given before and is not settled: what is still to be deleted, and kinds that could
/// not be read. A source that loses its entries one by one is thus known by all of them.
fn remember_given(plan: &mut Plan, desired: &Desired, known: &Known) {
    let leaving: Identities = plan
        .changes
        .iter()
        .filter(|change| change.deletes())
        .flat_map(|change| identities(change, known))
        .collect();
    for source in &desired.sources {
        let Some(before) = known.given.get(&source.pattern) else { continue };
        let given = plan.given.entry(source.pattern.clone()).or_default();
        let stays = |key: &&(Kind, String)| {
            !desired.gives(source) || leaving.contains(key) || !plan.listings.contains_key(&key.0)
        };
        given.extend(before.iter().filter(stays).cloned());
    }
}
