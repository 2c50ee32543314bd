//! What a noun does beyond its table of fields.

use super::noun::Noun;
use super::patch::Patch;
use super::refusal::Refusal;
use crate::simulator::store::{Object, Record};
use crate::simulator::world::World;

/// A noun's own rules. All decide first and say what is to change, so that a refused call has changed nothing.
pub(crate) trait Rules: Sync {
    /// The new object comes first, what comes into being with it after it.
    fn create(&self, world: &mut World, noun: &Noun, patch: Patch) -> Result<Vec<Effect>, Refusal>;

    fn update(
        &self,
        world: &mut World,
        noun: &Noun,
        before: &Record,
        patch: Patch,
    ) -> Result<Vec<Effect>, Refusal>;

    /// An update of a noun that there is one of at most, while there is none.
    fn update_absent(&self, _world: &mut World, noun: &Noun, _patch: Patch) -> Result<Vec<Effect>, Refusal> {
        Err(Refusal::invalid(format!("There is no {}.", noun.object), "Create it first."))
    }

    fn delete(&self, world: &World, noun: &Noun, record: &Record) -> Result<Vec<Effect>, Refusal>;

    /// What `run` or `evaluate` starts; the answer shows the objects as they were.
    fn run(&self, _world: &World, _noun: &Noun, _records: &[&Record]) -> Result<Vec<Effect>, Refusal> {
        Ok(Vec::new())
    }

    /// What becomes of an object because it was looked at: time passes here by looking.
    fn seen(&self, _world: &mut World, _noun: &Noun, _record: &Record) -> Option<Record> {
        None
    }

    /// Fills in what the platform would know of an object that a seed or a control call makes.
    fn complete(&self, _world: &World, _noun: &Noun, _id: u64, _object: &mut Object) {}

    /// The path of the field that names what is connected, for nouns that connect something.
    fn identity(&self) -> Option<&'static str> {
        None
    }
}

/// One thing that changes.
#[derive(Debug)]
pub(crate) enum Effect {
    Put(Record),
    Remove(u64),
}

impl Effect {
    pub(crate) fn apply(self, world: &mut World, noun: &Noun) {
        match self {
            Self::Put(record) => drop(world.put(noun.kind, record)),
            Self::Remove(id) => world.remove(noun.kind, id),
        }
    }
}
