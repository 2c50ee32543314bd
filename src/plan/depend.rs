//! What must come before what: the tags that are made for a connector, the tags below a tag that goes.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Action, Failed, Plan};
use crate::resource::{Address, Kind};

/// Puts the creates that a change needs before it, and takes out what needs a create that is withheld.
pub(super) fn depend(plan: &mut Plan) {
    // What was taken out may be what others need.
    while withhold(plan) {}
    order_deletes(plan);
}

/// Takes out what needs a create that is withheld or failed; whether there was any.
fn withhold(plan: &mut Plan) -> bool {
    let creates: BTreeMap<Address, bool> = plan
        .changes
        .iter()
        .filter(|change| change.address.kind == Kind::Tag && change.action == Action::Create)
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
        plan.failed.push(Failed { kind, address: Some(change.address), error });
    }
    found
}

/// A tag is deleted after the tags below it.
fn order_deletes(plan: &mut Plan) {
    let deletes: Vec<Address> = plan
        .changes
        .iter()
        .filter(|change| {
            change.address.kind == Kind::Tag && change.action == Action::Delete && change.applies()
        })
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
