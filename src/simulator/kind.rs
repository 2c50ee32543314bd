//! A kind of object as seeds, control calls and the state file see it, whatever family of routes serves it.

use serde_json::Value;

use super::qps::NOUNS;
use super::store::{Kind, Object, Record};
use super::world::World;
use super::{cloudview, gateway};

/// Fields in plain form; `None` takes a field away.
pub(crate) type Fields = Vec<(String, Option<Value>)>;

/// How objects of a kind are made from plain form.
pub(crate) trait Plain: Sync {
    fn kind(&self) -> Kind;

    /// The field that people know an object by.
    fn named_by(&self) -> &'static str {
        "name"
    }

    /// Whether there is one object of it at most, which then needs no name.
    fn is_single(&self) -> bool {
        false
    }

    /// Where an object keeps its cloud identity.
    fn identity(&self) -> Option<&'static str> {
        None
    }

    /// What names the cloud's side of it: `arn`, `subscriptionId`.
    fn identity_key(&self) -> Option<&'static str> {
        self.identity().and_then(|path| path.rsplit('.').next())
    }

    /// Brings fields into plain form, checked for names and types alone.
    fn read(&self, world: &World, given: &Object) -> Result<Fields, String>;

    /// Fills in what the platform would know of an object that a seed or a control call makes.
    fn complete(&self, world: &World, id: u64, object: &mut Object);

    /// What else changes when a seed or a control call has put an object there.
    fn settled(&self, _world: &mut World, _record: &Record) {}

    /// The generated object of that number: the same one every time.
    fn generated(&self, index: usize) -> Object;
}

/// All kinds. What refers to others comes after them.
pub(crate) fn all() -> impl Iterator<Item = &'static dyn Plain> {
    let nouns = NOUNS.iter().map(|noun| *noun as &dyn Plain);
    let tables = gateway::KINDS.iter().chain(cloudview::KINDS);
    nouns.chain(tables.map(|table| *table as &dyn Plain))
}

/// The kind of that name; the error names those there are.
pub(crate) fn find(name: &str) -> Result<&'static dyn Plain, String> {
    all().find(|kind| kind.kind() == name).ok_or_else(|| {
        let kinds: Vec<_> = all().map(Plain::kind).collect();
        format!("there is no kind {name:?}; there are {}", kinds.join(", "))
    })
}
