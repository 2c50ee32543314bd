//! The section `expectations`: what the asset inventory should hold. Its entries are checks, not objects, and have a
//! reader of their own.

use std::collections::HashMap;

use serde::Deserialize;

use super::de::{self, At, Context};
use super::problem::{Report, accepted};
use super::quoted;
use super::tree::{NodeId, Shape, Tree};
use crate::resource::{Expectation, Filter, FilterValue, Single};

/// The section's key.
pub(super) const SECTION: &str = "expectations";

const KEYS: [&str; 4] = ["name", "at_least", "at_most", "filters"];

/// Reads the entries, in order, and reports everything that is wrong with them.
pub(super) fn read(tree: &mut Tree, report: &mut Report, entries: Vec<NodeId>) -> Vec<Expectation> {
    let mut expectations = Vec::new();
    let mut first: HashMap<String, NodeId> = HashMap::new();
    for node in entries {
        if tree.shape(node) != Shape::Map {
            let message = format!("expected an entry of {SECTION} (key: value)");
            report.error(tree, node, message, Some(accepted("", &KEYS)));
            continue;
        }
        let read = de::read(tree, report, node, &Context::default(), |tree| {
            Expectation::deserialize(At { tree, node })
        });
        let Some(expectation) = read else { continue };
        check(tree, report, node, &expectation);
        match first.get(&expectation.name) {
            Some(earlier) => {
                let (name, place) = (quoted(&expectation.name), tree.place(*earlier));
                let message = format!("the expectation {name} is declared twice, first at {place}");
                let at = tree.get(node, "name").unwrap_or(node);
                report.error(tree, at, message, Some("give each its own name".to_owned()));
            }
            None => {
                first.insert(expectation.name.clone(), node);
            }
        }
        expectations.push(expectation);
    }
    expectations
}

/// What its types alone cannot tell.
fn check(tree: &Tree, report: &mut Report, node: NodeId, expectation: &Expectation) {
    let Expectation { name, at_least, at_most, filters } = expectation;
    let at = |key: &str| tree.get(node, key).unwrap_or(node);
    if name.trim().is_empty() {
        let hint = "say what is expected, as in name: ashburn has hosts".to_owned();
        report.error(tree, at("name"), "an empty name".to_owned(), Some(hint));
    }
    let bound_reported = tree.reported_keys(node).any(|key| key == "at_least" || key == "at_most");
    match (at_least, at_most) {
        (None, None) if !bound_reported => {
            let message = format!("{} has no bound", quoted(name));
            report.error(tree, node, message, Some("add at_least: …, at_most: …, or both".to_owned()));
        }
        (Some(at_least), Some(at_most)) if at_least > at_most => {
            let message = format!("at_least {at_least} is more than at_most {at_most}: no count is both");
            let hint = "at_least is the lower bound, at_most the upper".to_owned();
            report.error(tree, at("at_least"), message, Some(hint));
        }
        (Some(0), None) => {
            let hint = "ask for one at least, or say at_most: 0".to_owned();
            report.warning(tree, at("at_least"), "at_least: 0 is always met".to_owned(), Some(hint));
        }
        (None | Some(_), None | Some(_)) => {}
    }
    let nodes: Vec<NodeId> =
        tree.get(node, "filters").map(|list| tree.items(list).collect()).unwrap_or_default();
    for (filter, node) in filters.iter().zip(nodes) {
        check_filter(tree, report, node, filter);
    }
}

fn check_filter(tree: &Tree, report: &mut Report, node: NodeId, filter: &Filter) {
    let Filter { field, operator, value } = filter;
    let at = |key: &str| tree.get(node, key).unwrap_or(node);
    if field.is_empty()
        || field.contains(|character: char| character.is_whitespace() || character.is_control())
    {
        let hint = "as in oci.compute.canonicalRegionName".to_owned();
        let message = format!("{} is no field of the inventory", quoted(field));
        report.error(tree, at("field"), message, Some(hint));
    }
    if tree.reported_keys(node).any(|key| key == "operator" || key == "value") {
        return;
    }
    let value_at = at("value");
    if let Some((message, remedy)) = operator.refuses(value) {
        report.error(tree, value_at, message, Some(remedy.to_owned()));
        return;
    }
    match value {
        FilterValue::One(one) => check_value(tree, report, value_at, one),
        // Its elements were refused one by one.
        FilterValue::List(list) if list.is_empty() && tree.holds_reported(value_at) => {}
        FilterValue::List(list) if list.is_empty() => {
            let message = "an empty list: no asset is one of none".to_owned();
            report.error(tree, value_at, message, Some("give the values, as in [a, b]".to_owned()));
        }
        FilterValue::List(list) => {
            let items: Vec<NodeId> = tree.items(value_at).collect();
            for (one, at) in list.iter().zip(items) {
                check_value(tree, report, at, one);
                if one.to_string().contains(',') {
                    let message =
                        format!("{} holds a comma, which tells values apart", quoted(&one.to_string()));
                    let hint = "make it one value an element; one with a comma needs EQUALS".to_owned();
                    report.error(tree, at, message, Some(hint));
                }
            }
        }
    }
}

fn check_value(tree: &Tree, report: &mut Report, at: NodeId, one: &Single) {
    match one {
        Single::Text(text) if text.is_empty() => {
            let message = "an empty text: no filter looks for that".to_owned();
            report.error(tree, at, message, Some("give a value, or remove the filter".to_owned()));
        }
        // As 1.10, which is 1.1 to YAML, and another text to the platform.
        Single::Number(number) if number != tree.text(at) => {
            let message = format!("{} would be sent as {number}", quoted(tree.text(at)));
            report.error(tree, at, message, Some("put it in quotes, if the text is meant".to_owned()));
        }
        Single::Text(_) | Single::Number(_) | Single::Bool(_) => {}
    }
}
