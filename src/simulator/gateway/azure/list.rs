//! Looking at organization connectors, running them, and switching them on and off.

use std::sync::Arc;

use serde_json::{Value, json};

use super::organization::{self, ORGANIZATION};
use super::{named, show};
use crate::simulator::answer::Answer;
use crate::simulator::gateway::query::Query;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::{Call, Outcome, text};
use crate::simulator::gateway::{body, page};
use crate::simulator::options::OrgStatusMethod;
use crate::simulator::store::Record;

/// What the list's query can ask for.
const TOKENS: &[&str] = &[
    "id",
    "name",
    "description",
    "status",
    "remediationEnabled",
    "isEnabled",
    "organizationId",
    "tenantId",
    "applicationId",
];

/// `GET /org/azure/`
pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let wanted = page::Wanted::read(call)?;
    let query = match call.request.parameter("query") {
        Some(text) if !text.trim().is_empty() => Some(Query::read("query", &text, TOKENS)?),
        _ => None,
    };
    let mut found = call.world.as_searched(ORGANIZATION.kind, 0);
    found.retain(|record| query.as_ref().is_none_or(|query| query.takes(|token| has(record, token))));
    let shown: Vec<_> = found.iter().map(|record| show::item(call.world, record)).collect();
    for record in &found {
        organization::seen(call.world, record.id);
    }
    Ok(wanted.answer(&shown))
}

/// `GET /org/azure/{id}`
pub(super) fn get(call: &mut Call<'_>) -> Outcome {
    let record = named(call)?;
    let shown = show::detail(call, &record);
    organization::seen(call.world, record.id);
    Ok(Answer::json(200, &shown))
}

/// `GET /org/azure/last-job-summary/{id}`
pub(super) fn last_job_summary(call: &mut Call<'_>) -> Outcome {
    let record = named(call)?;
    let errors = record.object.get("errors").and_then(Value::as_array).into_iter().flatten();
    let shown: Vec<_> = errors
        .map(|error| json!({"type": null, "errorMsg": error["errorMsg"], "created": error["created"]}))
        .collect();
    Ok(page::whole(&shown))
}

/// `POST /org/azure/run/`: ids with commas between them, and a sentence in return.
pub(super) fn run(call: &mut Call<'_>) -> Outcome {
    let body = String::from_utf8_lossy(&call.request.body).into_owned();
    let ids: Result<Vec<u64>, _> = body.trim().split(',').map(|id| id.trim().parse()).collect();
    let ids = ids.map_err(|_| {
        Refusal::bad("The body has to be the ids of organization connectors, with commas between them.")
    })?;
    let mut started = 0;
    for record in records(call, &ids)?.iter().filter(|record| !record.flag("disabled")) {
        let mut object = record.object.clone();
        organization::requeue(&mut object);
        call.world.put(ORGANIZATION.kind, Record { id: record.id, object });
        started += 1;
    }
    Ok(text(
        200,
        &format!("A total of {started} Organization connectors have been successfully marked for running."),
    ))
}

/// `PUT /org/azure/status/?action=`, as in the samples.
pub(super) fn status(call: &mut Call<'_>) -> Outcome {
    match call.world.options.org_status_method {
        OrgStatusMethod::Put => switch(call),
        OrgStatusMethod::Post => Ok(not_by("PUT", "POST")),
    }
}

/// The same by POST, as in the table.
pub(super) fn status_by_post(call: &mut Call<'_>) -> Outcome {
    match call.world.options.org_status_method {
        OrgStatusMethod::Put => Ok(not_by("POST", "PUT")),
        OrgStatusMethod::Post => switch(call),
    }
}

fn not_by(method: &str, allowed: &str) -> Answer {
    let refusal = Refusal::new(405, format!("{method} is not taken here."));
    refusal.answer().with_header("allow", allowed)
}

fn switch(call: &mut Call<'_>) -> Outcome {
    let disabled = match call.request.parameter("action").as_deref() {
        Some("ENABLE") => false,
        Some("DISABLE") => true,
        _ => return Err(Refusal::bad("Parameter 'action' takes ENABLE or DISABLE.")),
    };
    let ids = body::ids(call)?;
    let mut shown = Vec::new();
    for record in records(call, &ids)? {
        let mut object = record.object.clone();
        object.insert("disabled".to_owned(), json!(disabled));
        let record = call.world.put(ORGANIZATION.kind, Record { id: record.id, object });
        shown.push(show::status(call, &record));
    }
    Ok(page::whole(&shown))
}

/// What a connector has for a token.
fn has(record: &Record, token: &str) -> Option<String> {
    match token {
        "id" => Some(record.id.to_string()),
        "remediationEnabled" => Some(record.flag("isRemediationEnabled").to_string()),
        "isEnabled" => Some((!record.flag("disabled")).to_string()),
        "status" => record.text("state").map(ToOwned::to_owned),
        field => record.text(field).map(ToOwned::to_owned),
    }
}

/// The connectors of these ids; all of them, or none is touched.
fn records(call: &Call<'_>, ids: &[u64]) -> Result<Vec<Arc<Record>>, Refusal> {
    let record = |id: &u64| {
        call.world.store.get(ORGANIZATION.kind, *id).cloned().ok_or_else(|| {
            Refusal::not_found(format!("There is no organization connector with the id {id}."))
        })
    };
    ids.iter().map(record).collect()
}
