//! What is made anew is made of what the file says alone: what it leaves out gets the platform's defaults.

use serde_json::Value;

use super::Warning;
use super::change::Action;
use super::model::Plan;
use crate::resource::Spec;

/// Says which fields a replace puts back to the platform's defaults, because the file leaves them out.
pub(super) fn tell_of_defaults(plan: &mut Plan) {
    let replaces = plan.changes.iter().filter(|change| change.applies() && change.action == Action::Replace);
    for change in replaces {
        let (Some(before), Some(after)) = (&change.before, &change.after) else { continue };
        let reset = reset(before, after);
        if !reset.is_empty() {
            let told = format!(
                "made anew, it gets the platform's defaults for what the file leaves out: {}",
                reset.join(", ")
            );
            plan.warnings.push(Warning::of(&change.address, told));
        }
    }
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
