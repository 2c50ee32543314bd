//! Bodies in: JSON, read against the fields that a call takes.

use serde_json::Value;

use super::fields::{self, Field, Origin};
use super::refusal::Refusal;
use super::service::Call;
use crate::simulator::store::Object;

/// The body as JSON.
pub(crate) fn json(call: &Call<'_>) -> Result<Value, Refusal> {
    if call.request.media_type() != "application/json" {
        return Err(Refusal::bad("The body has to be application/json."));
    }
    serde_json::from_slice(&call.request.body)
        .map_err(|error| Refusal::bad(format!("The body is no valid JSON: {error}.")))
}

/// The body as an object of these fields, those that are required among them. Null is as good as not there.
pub(crate) fn object(call: &Call<'_>, taken: &[&Field], required: &[&str]) -> Result<Object, Refusal> {
    let Value::Object(given) = json(call)? else {
        return Err(Refusal::bad("The body has to be an object."));
    };
    let read = fields::read(call.world, taken, &given, Origin::Call).map_err(Refusal::bad)?;
    let object: Object = read.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let empty = |value: &Value| match value {
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match required.iter().find(|name| object.get(**name).is_none_or(empty)) {
        Some(name) => Err(Refusal::missing(name)),
        None => Ok(object),
    }
}

/// The body as an array of ids, at least one.
pub(crate) fn ids(call: &Call<'_>) -> Result<Vec<u64>, Refusal> {
    let refused = || Refusal::bad("The body has to be an array of connectors' ids.");
    let Value::Array(items) = json(call)? else { return Err(refused()) };
    if items.is_empty() {
        return Err(refused());
    }
    items.iter().map(|item| item.as_u64().ok_or_else(refused)).collect()
}
