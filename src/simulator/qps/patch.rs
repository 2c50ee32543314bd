//! What a create or update asks for, checked, and how it changes an object.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::simulator::options::EmptySet;
use crate::simulator::store::Object;

/// The fields that a request names. Those that it leaves out stay as they are: an update is a merge.
pub(crate) type Patch = BTreeMap<&'static str, Change>;

/// What becomes of one field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    Value(Value),
    /// Further fields under this one, merged in turn.
    Group(Object),
    /// A collection's operations, in their order.
    Items(Vec<(Operation, Vec<Value>)>),
}

/// What is done with the items of a collection ("Collections", Making API calls).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// "A new collection of items"; the others are discarded.
    Set,
    /// An item that is there already is updated.
    Add,
    /// An item that is not there is ignored.
    Remove,
    /// An item that is not there is ignored.
    Update,
}

impl Operation {
    pub(crate) const ALL: &[(&str, Self)] =
        &[("set", Self::Set), ("add", Self::Add), ("remove", Self::Remove), ("update", Self::Update)];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(word, _)| *word == name).map(|(_, operation)| *operation)
    }
}

/// Changes an object as a patch says.
pub(crate) fn apply(object: &mut Object, patch: Patch, empty_set: EmptySet) {
    for (field, change) in patch {
        match change {
            Change::Value(Value::Null) => drop(object.remove(field)),
            Change::Value(value) => drop(object.insert(field.to_owned(), value)),
            Change::Group(members) => {
                let entry = object.entry(field).or_insert_with(|| Value::Object(Object::new()));
                if let Value::Object(group) = entry {
                    group.extend(members);
                }
            }
            Change::Items(operations) => {
                let mut items = match object.remove(field) {
                    Some(Value::Array(items)) => items,
                    _ => Vec::new(),
                };
                for (operation, changed) in operations {
                    operate(&mut items, operation, changed, empty_set);
                }
                object.insert(field.to_owned(), Value::Array(items));
            }
        }
    }
}

fn operate(items: &mut Vec<Value>, operation: Operation, changed: Vec<Value>, empty_set: EmptySet) {
    if operation == Operation::Set {
        if changed.is_empty() && empty_set == EmptySet::Ignored {
            return;
        }
        items.clear();
    }
    for item in changed {
        let found = items.iter().position(|present| key(present) == key(&item));
        match (operation, found) {
            (Operation::Set | Operation::Add, None) => items.push(item),
            (Operation::Set | Operation::Add | Operation::Update, Some(at)) => merge(&mut items[at], item),
            (Operation::Remove, Some(at)) => drop(items.remove(at)),
            (Operation::Remove | Operation::Update, None) => {}
        }
    }
}

/// An item's key: a capability's name, or the item itself.
fn key(item: &Value) -> &Value {
    item.get("name").unwrap_or(item)
}

fn merge(present: &mut Value, item: Value) {
    match (present, item) {
        (Value::Object(present), Value::Object(item)) => present.extend(item),
        (present, item) => *present = item,
    }
}
