//! What is made, or made anew, is made of what the file says alone. What it leaves out gets the platform's default, and
//! there are fields without which the platform makes nothing.

use serde_json::Value;

use super::model::{Action, Plan};
use crate::resource::Spec;

/// Has creates that the platform is known to refuse fail before anything is written (a replace would have deleted by
/// then), and says which fields a replace puts back to the platform's defaults.
pub(super) fn judge(plan: &mut Plan) {
    for change in plan.changes.iter_mut().filter(|change| change.held.is_none()) {
        let is_replace = match change.action {
            Action::Create => false,
            Action::Replace => true,
            Action::Update | Action::Delete => continue,
        };
        let Some(after) = &change.after else { continue };
        let missing = missing(after);
        if !missing.is_empty() {
            let stays = if is_replace { ": it stays as it is" } else { "" };
            let why =
                format!("none is made without {}, which the file leaves out{stays}", missing.join(", "));
            plan.warnings.push(format!("{}: {why}", change.address));
            change.lacks.get_or_insert(why);
            continue;
        }
        let reset = change.before.as_ref().filter(|_| is_replace).map(|before| reset(before, after));
        if let Some(reset) = reset.filter(|reset| !reset.is_empty()) {
            plan.warnings.push(format!(
                "{}: made anew, it gets the platform's defaults for what the file leaves out: {}",
                change.address,
                reset.join(", ")
            ));
        }
    }
}

/// The fields that the platform wants of what it makes, and that are not there.
fn missing(after: &Spec) -> Vec<&'static str> {
    let said = after.fields();
    let needed = after.kind().fields().iter().filter(|field| field.needed);
    needed.map(|field| field.name).filter(|name| !said.contains_key(*name)).collect()
}

/// The fields that are there and that the file leaves out.
fn reset(before: &Spec, after: &Spec) -> Vec<&'static str> {
    let (is, said) = (before.fields(), after.fields());
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    };
    let fields = before.kind().fields().iter().map(|field| field.name);
    fields.filter(|name| !said.contains_key(*name) && is.get(*name).is_some_and(says)).collect()
}
