//! The connectors' calls, the same for three clouds; there are none for OCI.
//!
//! The objects are those of Connectors 3.0, under other names: `connectorId` here is `cloudviewUuid` there. What the two ways
//! have in common (identities that are taken, states, deletion) is decided there; here is what the calls look like.
//!
//! Reading order: this file (the clouds and their calls), `change` (the calls that write), `fields` and `multipart` (bodies in),
//! `show` and `page` (answers out).

use std::sync::Arc;

use serde_json::{Value, json};

use crate::simulator::answer::Answer;
use crate::simulator::gateway::query::Query;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::{Call, Outcome, Route, Service};
use crate::simulator::options::Cloudview;
use crate::simulator::qps::{self, Noun, Patch, QUALYS_ACCOUNTS};
use crate::simulator::store::{Object, Record, at};
use crate::simulator::world::World;

mod change;

mod fields;

mod aws;

mod azure;

mod gcp;

mod multipart;

mod show;

pub(super) mod page;

/// A cloud's connectors.
pub(super) struct Cloud {
    pub(super) service: Service,
    /// The objects as Connectors 3.0 knows them.
    noun: &'static Noun,
    provider: &'static str,
    /// Reads the body of a create.
    create: fn(&Call<'_>) -> Result<Patch, Refusal>,
    /// Reads the body of an update.
    update: fn(&Call<'_>) -> Result<Patch, Refusal>,
    /// The fields that its answers have besides those of all clouds.
    own: fn(&Record) -> Own,
    /// What an error calls the place where it occurred.
    place: &'static str,
    /// The tokens that a list can be filtered by besides those of all clouds, and where their values are.
    tokens: &'static [(&'static str, &'static str)],
}

/// Fields of a cloud's own, by where the samples have them.
struct Own {
    before_disabled: Vec<(&'static str, Value)>,
    before_groups: Vec<(&'static str, Value)>,
    at_end: Vec<(&'static str, Value)>,
}

pub(super) use aws::AWS;
pub(super) use azure::AZURE;
pub(super) use gcp::GCP;

static CLOUDS: [&Cloud; 3] = [&AWS, &AZURE, &GCP];

const ROUTES: &[Route] = &[
    Route::read("GET", "connectors", list),
    Route::write("POST", "connectors", change::create),
    Route::write("DELETE", "connectors", change::delete),
    // The doubled word is the documents' own.
    Route::write("PATCH", "connectors/connectors/enable", |call| change::switch(call, false)),
    Route::write("PATCH", "connectors/connectors/disable", |call| change::switch(call, true)),
    Route::write("POST", "connectors/run", change::run),
    Route::read("GET", "connectors/awsBaseAccountId", base_account),
    Route::read("GET", "connectors/*", get),
    Route::write("PUT", "connectors/*", change::update),
    Route::read("GET", "connectors/*/errors", errors),
];

const fn service(prefix: &'static str) -> Service {
    Service { prefix, routes: ROUTES, enabled, refuse: Refusal::answer }
}

pub(super) fn enabled(world: &World) -> bool {
    world.options.cloudview == Cloudview::On
}

/// The cloud that a call is about.
fn cloud_of(call: &Call<'_>) -> Result<&'static Cloud, Refusal> {
    let path = &call.request.path;
    let named = CLOUDS.into_iter().find(|cloud| cloud.service.rest(path).is_some());
    named.ok_or_else(|| unknown_path(call))
}

fn unknown_path(call: &Call<'_>) -> Refusal {
    Refusal::not_found(format!("There is no {}.", call.request.path))
}

/// The connector of that `connectorId`.
fn find(world: &World, cloud: &Cloud, connector_id: &str) -> Option<Arc<Record>> {
    let mut all = world.store.with(cloud.noun.kind, "cloudviewUuid", connector_id);
    all.find(|record| !record.flag("isDeleted")).cloned()
}

fn not_found(cloud: &Cloud, connector_id: &str) -> Refusal {
    Refusal::not_found(format!("{} connector '{connector_id}' not found.", cloud.provider))
}

/// The connector that the path names.
fn named(call: &Call<'_>, cloud: &Cloud) -> Result<Arc<Record>, Refusal> {
    let connector_id = call.named.first().copied().unwrap_or_default();
    find(call.world, cloud, connector_id).ok_or_else(|| not_found(cloud, connector_id))
}

fn list(call: &mut Call<'_>) -> Outcome {
    let cloud = cloud_of(call)?;
    let wanted = page::Wanted::read(call)?;
    let order = page::Order::read(call)?;
    let filter = filter(call, cloud)?;
    let mut records = call.world.as_searched(cloud.noun.kind, 0);
    records.retain(|record| {
        let wanted = |filter: &Query| filter.takes(|token| has(cloud, record, token));
        !record.flag("isDeleted") && filter.as_ref().is_none_or(wanted)
    });
    order.sort(&mut records);
    let shown: Vec<_> = wanted
        .part(&records)
        .iter()
        .map(|record| show::connector(cloud, record, &call.world.options))
        .collect();
    let answer = wanted.answer(&shown, records.len());
    qps::looked_at(call.world, cloud.noun, wanted.part(&records));
    Ok(answer)
}

/// `filter`: "Filter the list of connectors using Qualys syntax".
fn filter(call: &Call<'_>, cloud: &Cloud) -> Result<Option<Query>, Refusal> {
    let Some(text) = call.request.parameter("filter").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let tokens: Vec<_> = ["name", "connectorId", "state"]
        .into_iter()
        .chain(cloud.tokens.iter().map(|(token, _)| *token))
        .collect();
    Query::read("filter", &text, &tokens).map(Some)
}

fn has(cloud: &Cloud, record: &Record, token: &str) -> Option<String> {
    let path = match token {
        "state" => return Some(show::state(record).to_owned()),
        "connectorId" => "cloudviewUuid",
        _ => cloud.tokens.iter().find(|(known, _)| *known == token).map_or("name", |(_, path)| path),
    };
    at(&record.object, path)?.as_str().map(str::to_owned)
}

fn get(call: &mut Call<'_>) -> Outcome {
    let cloud = cloud_of(call)?;
    let record = named(call, cloud)?;
    let answer = Answer::json(200, &show::connector(cloud, &record, &call.world.options));
    qps::looked_at(call.world, cloud.noun, &[record]);
    Ok(answer)
}

/// The errors of a connector's last run. `occuredOn` is the documents' own spelling.
fn errors(call: &mut Call<'_>) -> Outcome {
    let cloud = cloud_of(call)?;
    let wanted = page::Wanted::read(call)?;
    let record = named(call, cloud)?;
    let all = record.object.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let shown: Vec<_> = wanted
        .part(all)
        .iter()
        .map(|error| {
            let mut shown = Object::new();
            shown.insert("connectorId".to_owned(), json!(record.text("cloudviewUuid")));
            shown.insert("connectorName".to_owned(), json!(record.text("name")));
            shown.insert("error".to_owned(), error["errorMessage"].clone());
            shown.insert(
                "occuredOn".to_owned(),
                json!(show::date(error["created"].as_str().unwrap_or_default())),
            );
            if let Some(place) = error.get("region") {
                shown.insert(cloud.place.to_owned(), place.clone());
            }
            Value::Object(shown)
        })
        .collect();
    Ok(wanted.answer(&shown, all.len()))
}

/// The account that roles in AWS have to trust: a map of texts, of which the documents show no key.
fn base_account(call: &mut Call<'_>) -> Outcome {
    if cloud_of(call)?.provider != AWS.provider {
        return Err(unknown_path(call));
    }
    Ok(Answer::json(200, &json!({"awsBaseAccountId": QUALYS_ACCOUNTS[0]})))
}
