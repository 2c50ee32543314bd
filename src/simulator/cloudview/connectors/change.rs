//! The calls that change connectors. What they may change is for the rules of Connectors 3.0 to say.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Cloud, cloud_of, find, named, not_found, show};
use crate::simulator::answer::Answer;
use crate::simulator::gateway::body;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::{Call, Outcome, bare};
use crate::simulator::options::{CloudviewDeleteBody, CloudviewDeleteStatus, CloudviewUnknownIds};
use crate::simulator::qps::{self, Change, Effect, Patch};
use crate::simulator::store::Record;

pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    let cloud = cloud_of(call)?;
    let patch = (cloud.create)(call)?;
    let effects = cloud.noun.rules.create(call.world, cloud.noun, patch).map_err(translated)?;
    Ok(put(call, cloud, effects))
}

pub(super) fn update(call: &mut Call<'_>) -> Outcome {
    let cloud = cloud_of(call)?;
    let before = named(call, cloud)?;
    let patch = (cloud.update)(call)?;
    let effects = cloud.noun.rules.update(call.world, cloud.noun, &before, patch).map_err(translated)?;
    Ok(put(call, cloud, effects))
}

/// "You can view connector details, update or delete a disabled connector."
pub(super) fn delete(call: &mut Call<'_>) -> Outcome {
    let cloud = cloud_of(call)?;
    let ids = match (body::json(call)?, call.world.options.cloudview_delete_body) {
        (Value::Object(mut object), CloudviewDeleteBody::Object | CloudviewDeleteBody::Either) => {
            let ids = object.remove("connectorIds").ok_or_else(|| Refusal::missing("connectorIds"))?;
            if let Some(name) = object.keys().next() {
                return Err(Refusal::bad(format!("There is no field '{name}' here; there is connectorIds.")));
            }
            ids
        }
        (Value::Array(_), CloudviewDeleteBody::Object) => {
            return Err(Refusal::bad("The body has to be an object with the array connectorIds."));
        }
        (ids, CloudviewDeleteBody::Array | CloudviewDeleteBody::Object | CloudviewDeleteBody::Either) => ids,
    };
    let records = meant(call, cloud, &ids)?;
    let mut effects = Vec::new();
    for record in &records {
        effects.extend(cloud.noun.rules.delete(call.world, cloud.noun, record).map_err(translated)?);
    }
    apply(call, cloud, effects);
    Ok(match call.world.options.cloudview_delete_status {
        CloudviewDeleteStatus::Ok => acknowledged(),
        CloudviewDeleteStatus::NoContent => bare(204),
    })
}

/// Enables or disables connectors; one that is so already is left alone.
pub(super) fn switch(call: &mut Call<'_>, disabled: bool) -> Outcome {
    let cloud = cloud_of(call)?;
    let records = meant(call, cloud, &body::json(call)?)?;
    let mut effects = Vec::new();
    for record in records.iter().filter(|record| record.flag("disabled") != disabled) {
        let patch = Patch::from([("disabled", Change::Value(json!(disabled)))]);
        effects.extend(cloud.noun.rules.update(call.world, cloud.noun, record, patch).map_err(translated)?);
    }
    apply(call, cloud, effects);
    Ok(acknowledged())
}

/// "If a combination of connectors (enabled/disabled) or only disabled connector are run using Run API request call, the response
/// is always acknowledged: true. The Run connector API always skips disabled connector for all clouds."
pub(super) fn run(call: &mut Call<'_>) -> Outcome {
    let cloud = cloud_of(call)?;
    let records = meant(call, cloud, &body::json(call)?)?;
    let enabled: Vec<&Record> =
        records.iter().map(AsRef::as_ref).filter(|record| !record.flag("disabled")).collect();
    let effects = cloud.noun.rules.run(call.world, cloud.noun, &enabled).map_err(translated)?;
    apply(call, cloud, effects);
    Ok(acknowledged())
}

/// The connectors of an array of ids, each of them once.
fn meant(call: &Call<'_>, cloud: &Cloud, ids: &Value) -> Result<Vec<Arc<Record>>, Refusal> {
    let refused = || Refusal::bad("The body has to be an array of connectorIds, of one at least.");
    let ids = ids.as_array().filter(|ids| !ids.is_empty()).ok_or_else(refused)?;
    let (mut seen, mut records) = (BTreeSet::new(), Vec::new());
    for id in ids {
        let id = id.as_str().ok_or_else(refused)?;
        match (find(call.world, cloud, id), call.world.options.cloudview_unknown_ids) {
            (Some(record), _) => {
                if seen.insert(record.id) {
                    records.push(record);
                }
            }
            (None, CloudviewUnknownIds::Refused) => return Err(not_found(cloud, id)),
            (None, CloudviewUnknownIds::Ignored) => {}
        }
    }
    Ok(records)
}

fn apply(call: &mut Call<'_>, cloud: &Cloud, effects: Vec<Effect>) {
    for effect in effects {
        effect.apply(call.world, cloud.noun);
    }
}

/// Stores the one connector that a call makes or changes, and shows it whole.
fn put(call: &mut Call<'_>, cloud: &Cloud, effects: Vec<Effect>) -> Answer {
    let shown = effects.iter().find_map(|effect| match effect {
        Effect::Put(record) => Some(show::connector(cloud, record, &call.world.options)),
        Effect::Remove(_) => None,
    });
    apply(call, cloud, effects);
    Answer::json(200, &shown.unwrap_or_default())
}

fn acknowledged() -> Answer {
    Answer::json(200, &json!({"acknowledged": true}))
}

/// A refusal of Connectors 3.0, under the names that fields have here.
fn translated(refusal: qps::Refusal) -> Refusal {
    let qps::Refusal { status: _, code: _, message, resolution } = refusal;
    let text = format!("{message} {resolution}");
    Refusal::bad(text.replace("authRecord.", "").replace("runFrequency", "pollingFrequency"))
}
