//! Looks once more at an object right before it is written. Between the listings that a plan was made from and a write, a
//! question waits for its answer and limits for their window; what somebody did to the object meanwhile is not undone
//! by accident.
//!
//! What is deleted or replaced is read again always, what is updated only where the listings have grown old. A kind that
//! the platform cannot be asked for is taken as the plan has it. Two sights of an object compare as in the plan: in normal
//! form, and with its owner.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::plan::{Action, Change, LiveState, References};
use crate::qualys::{ApiError, Reader};
use crate::resource::{Above, Field, Kind, LiveObject, Told};

/// An update relies on a listing that is younger than this.
const RELIED_ON: Duration = Duration::from_secs(30);

/// How old the listings of a plan are.
#[derive(Debug, Clone, Copy)]
pub struct Age {
    /// When the first of them was asked for.
    pub read_at: Instant,
    /// Whether a question has waited for its answer since.
    pub asked: bool,
}

/// The objects of a plan as it saw them, and the way to see them again.
pub struct Recheck<'a> {
    reader: &'a Reader,
    age: Age,
    objects: HashMap<(Kind, &'a str), &'a LiveObject>,
    references: References,
    /// Canonical names of what this apply deleted: that others do not name it any more is our own doing.
    deleted: Mutex<BTreeSet<(Kind, String)>>,
}

/// What became of an object since the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// It is as the plan has it, as far as it was to be looked at.
    AsPlanned,
    /// It is not there any more.
    Gone,
    /// It is another one now.
    Moved(Moved),
}

/// What of an object is not as the plan has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The fields, in the kind's order.
    pub fields: Vec<&'static str>,
    /// Whose it is now, in words, where the mark is another.
    pub owner: Option<String>,
    /// Why the platform would refuse to change it now.
    pub locked: Option<String>,
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Moved { fields, owner, locked } = self;
        let fields = fields.iter().map(|field| (*field).to_owned());
        let told: Vec<String> = owner.iter().chain(locked).cloned().chain(fields).collect();
        f.write_str(&told.join(", "))
    }
}

impl<'a> Recheck<'a> {
    /// What the plan saw, and how old that is.
    #[must_use]
    pub fn new(reader: &'a Reader, live: &'a LiveState, age: Age) -> Recheck<'a> {
        let objects = live.kinds().values().flatten().flatten();
        let objects = objects.map(|object| ((object.kind(), object.id.as_str()), object)).collect();
        Recheck { reader, age, objects, references: live.references(), deleted: Mutex::default() }
    }

    /// Looks at the object of a change that is about to be sent.
    pub async fn look(&self, change: &Change) -> Result<Sight, ApiError> {
        let kind = change.address.kind;
        let Some(id) = change.id.as_ref().filter(|_| kind.is_listed() && is_due(change, self.age)) else {
            return Ok(Sight::AsPlanned);
        };
        let Some(planned) = self.objects.get(&(kind, id.as_str())).filter(|object| !object.unseen) else {
            return Ok(Sight::AsPlanned);
        };
        let again = self.reader.read(kind, std::slice::from_ref(id)).await?;
        let Some(mut now) = again.into_iter().find(|object| object.id == *id) else {
            return Ok(Sight::Gone);
        };
        self.references.name(&mut now.spec);
        Ok(compare(planned, &now, &self.deleted()))
    }

    /// The object of this change was deleted, by us.
    pub fn note_deleted(&self, change: &Change) {
        self.deleted().insert((change.address.kind, change.address.name.clone()));
    }

    fn deleted(&self) -> std::sync::MutexGuard<'_, BTreeSet<(Kind, String)>> {
        // A panic while it is held would have been in a set's own code.
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recheck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recheck").field("age", &self.age).finish_non_exhaustive()
    }
}

/// Whether the object of the change is to be read again before it is sent.
fn is_due(change: &Change, age: Age) -> bool {
    match change.action {
        Action::Create => false,
        Action::Delete | Action::Replace => true,
        // Some are switched off in the place of a delete.
        Action::Update => change.prunes || age.asked || age.read_at.elapsed() >= RELIED_ON,
    }
}

/// What moved between two sights of one object. What either of them does not tell is not compared, nor is where the object
/// stands, which is part of its id.
fn compare(planned: &LiveObject, now: &LiveObject, deleted: &BTreeSet<(Kind, String)>) -> Sight {
    let kind = planned.kind();
    let (before, after) = (planned.spec.fields(), now.spec.fields());
    let mut bereft = planned.spec.clone();
    bereft.references(&mut |reference| {
        if deleted.contains(&(reference.kind, reference.name.clone())) {
            reference.name.insert(0, '?');
        }
    });
    let bereft = bereft.fields();
    let above = kind.above().map(Above::field);
    let is_told = |field: &&Field| {
        field.told == Told::Value && [planned, now].iter().all(|object| object.untold(field).is_none())
    };
    let told = kind.fields().iter().filter(is_told).map(|field| field.name);
    let fields: Vec<&str> = told
        .filter(|name| Some(*name) != above && bereft.get(*name) == before.get(*name))
        .filter(|name| before.get(*name) != after.get(*name))
        .collect();
    let owner = (planned.owner != now.owner).then(|| match &now.owner {
        Some(owner) => format!("it bears the mark {}", owner.mark("")),
        None => "it lost its owner's mark".to_owned(),
    });
    let locked = now.locked.clone().filter(|_| planned.locked.is_none());
    if fields.is_empty() && owner.is_none() && locked.is_none() {
        return Sight::AsPlanned;
    }
    Sight::Moved(Moved { fields, owner, locked })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Address;

    fn change(action: Action, prunes: bool) -> Change {
        Change { prunes, ..Change::new(Address::new(Kind::Aws, "a"), action) }
    }

    #[tokio::test(start_paused = true)]
    async fn updates_are_looked_at_again_once_the_listings_are_old_and_deletes_always() {
        let young = Age { read_at: Instant::now(), asked: false };
        let asked = Age { asked: true, ..young };
        let due = |age| {
            [
                is_due(&change(Action::Create, false), age),
                is_due(&change(Action::Update, false), age),
                is_due(&change(Action::Update, true), age),
                is_due(&change(Action::Replace, false), age),
                is_due(&change(Action::Delete, true), age),
            ]
        };
        tokio::time::advance(Duration::from_secs(29)).await;
        assert_eq!(due(young), [false, false, true, true, true]);
        assert_eq!(due(asked), [false, true, true, true, true]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(due(young), [false, true, true, true, true]);
    }
}
