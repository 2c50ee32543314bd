//! What the journal alone knows: objects of the kinds that the platform cannot be asked for.
//!
//! What was written is all that is known of them. A write that ends in the middle leaves nothing known for sure: the
//! journal marks it as begun, and takes the mark off once it is done. What bears the mark is written again.

use serde_json::Value;

use super::{Known, KnownObject, LiveState, parse_object};
use crate::resource::{Kind, LiveObject};

/// What the journal keeps beside the fields of an object while it is written; no field is called so.
pub(crate) const CUT_SHORT: &str = "cut short?";

impl LiveState {
    /// Adds what the journal alone knows of: objects of the kinds that the platform cannot be asked for.
    pub fn recall(&mut self, known: &Known) {
        for &kind in Kind::ALL.iter().filter(|kind| !kind.is_listed()) {
            let Some(Ok(listing)) = self.kinds.get_mut(&kind) else { continue };
            let recalled = known.objects.iter().filter(|((of, _), _)| *of == kind);
            *listing = recalled
                .filter_map(|((_, id), object)| {
                    let bare = kind.known_by(&object.identity)?;
                    let mut written = parse_object(&object.written);
                    written.shift_remove(CUT_SHORT);
                    let mut fields = bare.fields();
                    fields.extend(written);
                    let spec = kind.deserialize(Value::Object(fields)).unwrap_or(bare);
                    let known = spec.fields();
                    let untold = kind.fields().iter().filter(|field| !known.contains_key(field.name));
                    let unreadable = untold.map(|field| (field.name, Value::Null)).collect();
                    Some(LiveObject { unreadable, ..LiveObject::new(id.clone(), spec) })
                })
                .collect();
        }
    }
}

impl KnownObject {
    /// Whether a write of ours began and may have ended in the middle: what is there is what it was before, what it was to
    /// be, or nothing.
    pub(super) fn was_cut_short(&self) -> bool {
        let written = parse_object(&self.written);
        // Made by us, and the process ended before it could say what it wrote.
        let unsaid = self.ours && written.is_empty();
        unsaid || written.get(CUT_SHORT).is_some_and(|begun| *begun == Value::Bool(true))
    }
}
