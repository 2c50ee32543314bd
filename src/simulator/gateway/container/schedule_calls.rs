//! The calls for a registry's schedules.

use std::sync::Arc;

use serde_json::{Value, json};

use super::page;
use super::registry::named;
use super::schedule::{self, SCHEDULE};
use crate::simulator::answer::Answer;
use crate::simulator::gateway::query::Query;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::{Call, Outcome};
use crate::simulator::gateway::{body, clock};
use crate::simulator::options::UnfilteredWrites;
use crate::simulator::store::{Object, Record};

/// Whether a schedule is one that an action touches.
type Ready = fn(&str) -> bool;

const TOKENS: &[&str] = &["status", "onDemand", "scheduleUuid"];

/// `GET /registry/{registryId}/schedule`
pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let registry = named(call)?.id;
    let mut found = call.world.as_searched(SCHEDULE.kind, 0);
    found.retain(|record| record.number("registry") == Some(registry));
    for record in &found {
        leave(call, record.id);
    }
    found.retain(|record| record.number("readsUntilGone").is_none_or(|reads| reads > 1));
    let shown: Vec<_> = found.iter().map(|record| schedule::show(record)).collect();
    for record in &found {
        schedule::seen(call.world, record.id);
    }
    page(call, &shown)
}

/// `POST /registry/{registryId}/schedule`
pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    let registry = named(call)?.id;
    let mut object = body::object(call, &SCHEDULE.taken(), &["filters"])?;
    let id = call.world.store.next_id();
    schedule::give(id, &mut object);
    schedule::check(&object)?;
    object.insert("registry".to_owned(), json!(registry));
    call.world.store.take_id();
    let record = call.world.put(SCHEDULE.kind, Record { id, object });
    Ok(Answer::json(200, &json!({"profileUuid": schedule::profile(call.world, &record)})))
}

/// `PUT /registry/{registryId}/schedule/{scheduleId}`: what is left out stays.
pub(super) fn update(call: &mut Call<'_>) -> Outcome {
    let registry = named(call)?.id;
    let id = call.named.get(1).copied().unwrap_or_default();
    let found = of(call, registry).into_iter().find(|record| record.text("scheduleUuid") == Some(id));
    let Some(before) = found else {
        return Err(Refusal::not_found(format!("There is no schedule with the scheduleId {id}.")));
    };
    let given = body::object(call, &SCHEDULE.taken(), &[])?;
    if before.text("status") == Some("Running") {
        return Err(Refusal::bad(format!("The schedule {id} cannot be updated: its status is Running.")));
    }
    if before.flag("onDemand") {
        return Err(Refusal::bad("A schedule with 'onDemand' true cannot be updated."));
    }
    check_unchanged(&before.object, &given)?;
    let mut object = before.object.clone();
    // The day belongs to the interval that it came with.
    if given.contains_key("scheduleIntervalInDays") {
        object.remove("weekDay");
    }
    object.extend(given);
    schedule::check(&object)?;
    object.insert("updated".to_owned(), json!(clock::milliseconds_text()));
    let record = call.world.put(SCHEDULE.kind, Record { id: before.id, object });
    Ok(Answer::json(200, &json!({"profileUuid": schedule::profile(call.world, &record)})))
}

/// `POST /registry/{registryId}/schedule/cancel?scheduleIds=`: those that have ended are left alone.
pub(super) fn cancel(call: &mut Call<'_>) -> Outcome {
    for record in meant(call, |status| matches!(status, "Queued" | "Running"))? {
        let mut object = record.object.clone();
        object.insert("status".to_owned(), json!("Canceled"));
        call.world.put(SCHEDULE.kind, Record { id: record.id, object });
    }
    Ok(Answer::json(200, &json!({"CancelJobId": uuid::Uuid::new_v4().to_string()})))
}

/// `DELETE /registry/{registryId}/schedule/bulk?scheduleIds=`: a job that leaves busy ones alone, and does not say so.
pub(super) fn delete(call: &mut Call<'_>) -> Outcome {
    let reads = call.world.options.job_reads;
    for record in meant(call, |status| !matches!(status, "Queued" | "Running" | "Unknown"))? {
        let mut object = record.object.clone();
        object.insert("readsUntilGone".to_owned(), json!(reads));
        call.world.put(SCHEDULE.kind, Record { id: record.id, object });
        if reads == 0 {
            call.world.remove(SCHEDULE.kind, record.id);
        }
    }
    Ok(Answer::json(200, &json!({"deletionJobId": uuid::Uuid::new_v4().to_string()})))
}

/// The schedules that a call names by id or by filter, or all; of these the ones that are ready for it.
fn meant(call: &Call<'_>, ready: Ready) -> Result<Vec<Arc<Record>>, Refusal> {
    let registry = named(call)?.id;
    let parameter = |name: &str| call.request.parameter(name).filter(|text| !text.trim().is_empty());
    let (ids, filter) = (parameter("scheduleIds"), parameter("filter"));
    if ids.is_none() && filter.is_none() && call.world.options.unfiltered_writes == UnfilteredWrites::Refused
    {
        return Err(Refusal::bad("Parameter 'scheduleIds' is required."));
    }
    let ids: Option<Vec<String>> = ids.map(|ids| ids.split(',').map(|id| id.trim().to_owned()).collect());
    let filter = filter.map(|text| Query::read("filter", &text, TOKENS)).transpose()?;
    let mut found = of(call, registry);
    found.retain(|record| {
        let id = record.text("scheduleUuid").unwrap_or_default();
        let has = |token: &str| match token {
            "onDemand" => Some(record.flag("onDemand").to_string()),
            field => record.text(field).map(ToOwned::to_owned),
        };
        ids.as_ref().is_none_or(|ids| ids.iter().any(|named| named == id))
            && filter.as_ref().is_none_or(|filter| filter.takes(has))
            && ready(record.text("status").unwrap_or_default())
    });
    Ok(found)
}

fn of(call: &Call<'_>, registry: u64) -> Vec<Arc<Record>> {
    let all = call.world.store.starting_at(SCHEDULE.kind, 0);
    all.filter(|record| record.number("registry") == Some(registry)).cloned().collect()
}

/// A look at a schedule that is being deleted brings its end nearer.
fn leave(call: &mut Call<'_>, id: u64) {
    let Some(record) = call.world.store.get(SCHEDULE.kind, id).cloned() else { return };
    match record.number("readsUntilGone") {
        Some(0 | 1) => call.world.remove(SCHEDULE.kind, id),
        Some(reads) => {
            let mut object = record.object.clone();
            object.insert("readsUntilGone".to_owned(), json!(reads - 1));
            call.world.put(SCHEDULE.kind, Record { id, object });
        }
        None => {}
    }
}

/// What a schedule scans, and whether by itself, is for good.
fn check_unchanged(before: &Object, given: &Object) -> Result<(), Refusal> {
    let refused = |field: &str| Err(Refusal::bad(format!("Field '{field}' cannot be updated.")));
    if given.get("onDemand").is_some_and(|value| Some(value) != before.get("onDemand")) {
        return refused("onDemand");
    }
    let Some(filters) = given.get("filters") else { return Ok(()) };
    let before = before.get("filters").unwrap_or(&Value::Null);
    if all_days(filters) != all_days(before) {
        return refused("filters.days");
    }
    match tags(filters).map(|tag| &tag["repo"]).eq(tags(before).map(|tag| &tag["repo"])) {
        false => refused("filters.repoTags.repo"),
        true if tags(filters).map(|tag| &tag["tag"]).ne(tags(before).map(|tag| &tag["tag"])) => {
            refused("filters.repoTags.tag")
        }
        true => Ok(()),
    }
}

/// Null and 0 are the same: the one is given, the other shown.
fn all_days(filters: &Value) -> Vec<u64> {
    filters.as_array().into_iter().flatten().map(|filter| filter["days"].as_u64().unwrap_or(0)).collect()
}

fn tags(filters: &Value) -> impl Iterator<Item = &Value> {
    let filters = filters.as_array().into_iter().flatten();
    filters.flat_map(|filter| filter["repoTags"].as_array().into_iter().flatten())
}
