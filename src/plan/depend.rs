//! What must come before what: what is made for those that name it, the tags below a tag that goes.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Action, Change, Held};
use super::model::{Failed, Plan};
use super::names::Names;
use super::warning::Warning;
use crate::desired::Declared;
use crate::resource::{Access, Address, Kind, Spec};

/// Puts the creates that a change needs before it, takes out what needs a create that is withheld, and keeps
/// the tags that are still needed.
pub(super) fn depend(plan: &mut Plan, names: &Names, declared: &[Declared]) {
    // What was taken out may be what others need.
    while withhold(plan) {}
    keep_needed(plan, names, declared);
    order_deletes(plan);
    hand_over(plan);
    order_renames(plan);
}

fn deletes(change: &Change) -> bool {
    change.action == Action::Delete && change.applies()
}

fn deletes_tag(change: &Change) -> bool {
    change.address.kind == Kind::Tag && deletes(change)
}

/// Holds the delete of what the file still names somewhere, and of a tag above one that stays: the platform takes
/// a tag from all that bear it, and what is below it along with it.
fn keep_needed(plan: &mut Plan, names: &Names, declared: &[Declared]) {
    if !plan.changes.iter().any(deletes) {
        return;
    }
    let mut in_use: BTreeMap<Address, Address> = BTreeMap::new();
    for entry in declared {
        let address = Address::new(entry.spec.kind(), entry.spec.name());
        entry.spec.clone().references(&mut |reference| {
            if let Some(named) = names.address_of(reference.kind, reference.name) {
                in_use.entry(named).or_insert_with(|| address.clone());
            }
        });
    }
    let mut going: BTreeSet<String> =
        plan.changes.iter().filter(|change| deletes_tag(change)).map(path).collect();
    let mut deletes: Vec<&mut Change> = plan.changes.iter_mut().filter(|change| deletes(change)).collect();
    // What is below comes first, so that what is above knows whether it stays.
    deletes.sort_by_key(|change| std::cmp::Reverse(path(change).len()));
    for change in deletes {
        let (kind, path) = (change.address.kind, path(change));
        let address =
            if kind == Kind::Tag { Address::new(kind, path.clone()) } else { change.address.clone() };
        let mut below = names.live_below(&path).filter(|_| kind == Kind::Tag);
        let held = match in_use.get(&address) {
            // Nobody has to do anything about it.
            Some(by) => {
                let section = kind.section_path();
                let why = format!("ours, not in {section}, but named by {by}");
                Held::quietly(why)
            }
            None => match below.find(|below| !going.contains(*below)) {
                Some(below) => Held::because(format!("tag/{below}, which is below it, would go with it")),
                None => continue,
            },
        };
        change.held = Some(held);
        if kind == Kind::Tag {
            going.remove(&path);
        }
    }
}

/// The path of the tag that a change deletes. Its address says more where the path is there twice.
fn path(change: &Change) -> String {
    change.before.as_ref().and_then(Spec::identity).unwrap_or_else(|| change.address.name.clone())
}

/// Takes out what needs a create that is withheld or failed; whether there was any.
fn withhold(plan: &mut Plan) -> bool {
    let creates: BTreeMap<Address, bool> = plan
        .changes
        .iter()
        .filter(|change| change.action == Action::Create)
        .map(|change| (change.address.clone(), change.applies()))
        .collect();
    let failed: BTreeSet<Address> = plan.failed.iter().filter_map(|failed| failed.address.clone()).collect();
    let mut withheld = Vec::new();
    for (at, change) in plan.changes.iter_mut().enumerate() {
        let Some(mut after) = change.after.clone() else { continue };
        let mut missing = None;
        after.references(&mut |reference| {
            let address = Address::new(reference.kind, reference.name.clone());
            match creates.get(&address) {
                Some(true) => {
                    change.depends_on.insert(address);
                }
                Some(false) => missing = Some(format!("{address} is not live, and its create is held")),
                None if failed.contains(&address) => missing = Some(format!("{address} failed")),
                None => {}
            }
        });
        if let Some(error) = missing.filter(|_| change.applies()) {
            withheld.push((at, error));
        }
    }
    let found = !withheld.is_empty();
    for (at, error) in withheld.into_iter().rev() {
        let change = plan.changes.remove(at);
        let kind = change.address.kind;
        plan.failed.push(Failed { kind, address: Some(change.address), error, cause: None });
    }
    found
}

/// What only one object of a kind may have is let go of by one before another takes it.
fn hand_over(plan: &mut Plan) {
    let mut let_go: BTreeMap<(Kind, String), Address> = BTreeMap::new();
    // Deletes come last, whatever waits for them.
    let stays = |change: &&Change| change.applies() && change.action != Action::Delete;
    for change in plan.changes.iter().filter(stays) {
        for name in lost(change.before.as_ref(), change.after.as_ref()) {
            let_go.insert((change.address.kind, name.clone()), change.address.clone());
        }
    }
    for change in &mut plan.changes {
        let kind = change.address.kind;
        let taken = lost(change.after.as_ref(), change.before.as_ref());
        change
            .depends_on
            .extend(taken.into_iter().filter_map(|name| let_go.get(&(kind, name.clone())).cloned()));
    }
}

/// The names that only one object of the kind may have, and that the one spec has and the other has not. A spec that does
/// not say which it has leaves them as they are.
fn lost<'a>(of: Option<&'a Spec>, to: Option<&'a Spec>) -> Vec<&'a String> {
    let Some((_, had)) = of.and_then(Spec::exclusive) else { return Vec::new() };
    match to.map(Spec::exclusive) {
        None => had.iter().collect(),
        Some(None) => Vec::new(),
        Some(Some((_, kept))) => had.difference(kept).collect(),
    }
}

/// A name is given up by one object before another of the kind takes it: some platforms refuse equal names. Where names
/// go round in a circle, one object has to take a name that is not free yet, and a person is told.
fn order_renames(plan: &mut Plan) {
    let name = |spec: Option<&Spec>| spec.map(|spec| (spec.kind(), spec.name().to_owned()));
    let names = |change: &Change| {
        let is_written = change.address.kind.field("name").is_some_and(|f| f.access == Access::Updatable);
        let (before, after) = (name(change.before.as_ref()), name(change.after.as_ref()));
        // What is replaced is gone before it is made anew.
        let stays = change.applies() && change.action != Action::Delete && is_written;
        (stays && before != after).then_some((before, after))
    };
    let mut given_up: BTreeMap<(Kind, String), Vec<Address>> = BTreeMap::new();
    for change in &plan.changes {
        if let Some((Some(before), _)) = names(change) {
            given_up.entry(before).or_default().push(change.address.clone());
        }
    }
    if given_up.is_empty() {
        return;
    }
    // The order of the file tells nothing.
    plan.changes.sort_by(|a, b| a.address.cmp(&b.address));
    let mut needs: BTreeMap<Address, BTreeSet<Address>> =
        plan.changes.iter().map(|change| (change.address.clone(), change.depends_on.clone())).collect();
    for change in &mut plan.changes {
        let taken = names(change).and_then(|(_, after)| given_up.get(&after?));
        for holder in taken.into_iter().flatten().filter(|holder| **holder != change.address) {
            if comes_after(holder, &change.address, &needs) {
                let told = format!(
                    "it takes the name of {holder}, which waits for its own: where the platform refuses equal names, give \
                     one of them a temporary name, apply, and then the other names"
                );
                plan.warnings.push(Warning::of(&change.address, told));
            } else {
                needs.entry(change.address.clone()).or_default().insert(holder.clone());
                change.depends_on.insert(holder.clone());
            }
        }
    }
}

/// Whether the one change has to wait for the other, be it over others.
fn comes_after(one: &Address, other: &Address, needs: &BTreeMap<Address, BTreeSet<Address>>) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![one]);
    while let Some(address) = next.pop() {
        if address == other {
            return true;
        }
        if seen.insert(address) {
            next.extend(needs.get(address).into_iter().flatten());
        }
    }
    false
}

/// A tag is deleted after the tags below it.
fn order_deletes(plan: &mut Plan) {
    let deletes: Vec<Address> = plan
        .changes
        .iter()
        .filter(|change| deletes_tag(change))
        .map(|change| change.address.clone())
        .collect();
    for change in &mut plan.changes {
        if deletes.contains(&change.address) {
            let below = format!("{}/", change.address.name);
            let children = deletes.iter().filter(|other| other.name.starts_with(&below)).cloned();
            change.depends_on.extend(children);
        }
    }
}
