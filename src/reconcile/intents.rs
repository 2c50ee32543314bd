//! What is told to the journal as a change is sent and answered.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::aftermath::{made, told};
use crate::apply::{Applied, Outcome};
use crate::journal::{Answer, Journal, Run};
use crate::plan::{Action, CUT_SHORT, Change, FieldChange};

/// Tells the journal of each change before it is sent, and of what came of it as it comes: a process that ends in
/// between leaves the next one knowing what to look for, and a person what may have been done.
pub(super) struct Intents<'a> {
    journal: Mutex<&'a mut Journal>,
    run: Run<'a>,
    /// Whether failures are counted, so that what keeps failing is tried less often.
    patient: bool,
    /// Takes secrets out of a text.
    redact: &'a (dyn Fn(&str) -> String + Sync),
}

impl<'a> Intents<'a> {
    pub(super) const fn new(
        journal: &'a mut Journal,
        run: Run<'a>,
        patient: bool,
        redact: &'a (dyn Fn(&str) -> String + Sync),
    ) -> Intents<'a> {
        Intents { journal: Mutex::new(journal), run, patient, redact }
    }

    /// A change is about to be sent. A listing that is smaller by what is deleted is no wonder, whatever becomes of the
    /// answer and of this process. What cannot be listed cannot be looked for, and may be sent twice.
    pub(super) fn begin(&self, change: &Change) {
        let now = Timestamp::now();
        if let Some(id) = deleted(change) {
            told(self.journal().leaves(change.address.kind, id));
        }
        let made = made(change);
        if let Some((kind, identity)) = made.as_ref().filter(|(kind, _)| kind.is_listed()) {
            told(self.journal().unsettled(*kind, identity, now));
        }
        // Without its secret it is not sent.
        if change.lacks.is_none() {
            self.begin_unseen(change);
            let fields: Vec<FieldChange> = change.fields.iter().map(|field| self.redacted(field)).collect();
            let identity = made.as_ref().map(|(_, identity)| identity.as_str());
            told(self.journal().sends(self.run, change, &fields, identity, now));
        }
    }

    /// What is written and cannot be seen is known again once the write is done.
    fn begin_unseen(&self, change: &Change) {
        let kind = change.address.kind;
        if let (false, Some(id), Some(before)) = (kind.is_listed(), &change.id, &change.before) {
            let begun = Map::from_iter([(CUT_SHORT.to_owned(), true.into())]);
            told(self.journal().wrote(kind, id, &before.identity().unwrap_or_default(), &begun));
        }
    }

    /// The first half of a replace is done.
    pub(super) fn halfway(&self, change: &Change) {
        told(self.journal().is_halfway(self.run, &change.address));
    }

    /// An answer has come, or none will. A create that was made stays unsettled until it is seen.
    pub(super) fn end(&self, applied: &Applied) {
        let Applied { change, outcome, took } = applied;
        let (id, error) = match outcome {
            Outcome::Applied { id, existed: _ } => (Some(id), None),
            Outcome::Failed { error, judged: _, made } => (made.as_ref(), Some(error)),
            Outcome::Unknown { error } => (None, Some(error)),
            // It was not sent.
            Outcome::Skipped { .. } => return,
        };
        let (id, error) = (id.map(String::as_str), error.map(String::as_str));
        let answer = Answer { outcome: outcome.word(), id, error, took: *took };
        told(self.journal().answered(self.run, &change.address, answer));
        match outcome {
            Outcome::Applied { .. } => told(self.journal().succeeded(&change.address)),
            Outcome::Failed { error, judged: true, made: _ } if self.patient => {
                told(self.journal().failed(change, error, Timestamp::now()));
            }
            Outcome::Failed { .. } | Outcome::Unknown { .. } | Outcome::Skipped { .. } => {}
        }
        if let (Outcome::Failed { made: None, .. }, Action::Delete, Some(id)) =
            (outcome, change.action, deleted(change))
        {
            told(self.journal().stays(change.address.kind, id));
        }
        let Some((kind, identity)) = made(change) else { return };
        match outcome {
            Outcome::Applied { id, existed: true } => told(self.journal().found(kind, id, &identity)),
            Outcome::Applied { id, existed: false } | Outcome::Failed { made: Some(id), .. } => {
                let marked = change.marker.is_some();
                told(self.journal().made(kind, id, &identity, marked));
            }
            Outcome::Failed { made: None, .. } => told(self.journal().settled(kind, &identity)),
            Outcome::Unknown { .. } | Outcome::Skipped { .. } => {}
        }
    }

    /// The platform may repeat a secret in what it gives as another value.
    fn redacted(&self, field: &FieldChange) -> FieldChange {
        let FieldChange { path, before, after, sensitive } = field;
        let of = |value: &Value| redacted(value, self.redact);
        FieldChange { path: path.clone(), before: of(before), after: of(after), sensitive: *sensitive }
    }

    fn journal(&self) -> MutexGuard<'_, &'a mut Journal> {
        // SQLite keeps its own house in order whatever panicked here.
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn redacted(value: &Value, redact: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(redact(text)),
        Value::Array(items) => items.iter().map(|item| redacted(item, redact)).collect(),
        Value::Object(map) => {
            map.iter().map(|(name, value)| (name.clone(), redacted(value, redact))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The id of what a change deletes.
fn deleted(change: &Change) -> Option<&str> {
    match change.action {
        Action::Delete | Action::Replace => change.id.as_deref(),
        Action::Create | Action::Update => None,
    }
}
