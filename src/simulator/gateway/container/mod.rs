//! Container Security: registries, the schedules that scan them, and the connectors that they are reached through.

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::service::{Call, Outcome, Route, Service, bare};
use crate::simulator::answer::Answer;
use crate::simulator::options::{ContainerSecurity, EmptyList};
use crate::simulator::store::{Kind, Record};

mod registry;

mod connector;

mod schedule;

mod schedule_calls;

mod sensor;

pub(super) use connector::CONNECTOR;
pub(super) use registry::REGISTRY;
pub(super) use schedule::SCHEDULE;

/// `/csapi/v1.3`.
pub(super) static SERVICE: Service = Service {
    prefix: "/csapi/v1.3",
    routes: &[
        Route::read("GET", "registry", registry::list),
        // Lists are called connectors, single ones connector.
        Route::read("GET", "registry/aws/connectors", connector::list_aws),
        Route::read("GET", "registry/acr/connectors", connector::list_acr),
        Route::write("DELETE", "registry/aws/connector", connector::delete_aws),
        Route::write("DELETE", "registry/acr/connector", connector::delete_acr),
        Route::read("GET", "registry/*", registry::get),
        Route::read("GET", "registry/*/schedule", schedule_calls::list),
        Route::write("POST", "registry/*/schedule", schedule_calls::create),
        Route::write_to("POST", "registry/*/schedule/cancel", "scheduleIds", schedule_calls::cancel),
        Route::write_to("DELETE", "registry/*/schedule/bulk", "scheduleIds", schedule_calls::delete),
        Route::write("PUT", "registry/*/schedule/*", schedule_calls::update),
        Route::read("GET", "sensorProfile", sensor::list),
        Route::read("GET", "sensorProfile/*", sensor::get),
        Route::write("POST", "sensorProfile", sensor::create),
        Route::write("PUT", "sensorProfile/*", sensor::update),
        Route::write("DELETE", "sensorProfile/*", sensor::delete),
    ],
    enabled: |world| world.options.container_security == ContainerSecurity::On,
    refuse: Refusal::answer,
};

/// A page of a list, counted from 1; one without items has no content.
fn page(call: &Call<'_>, all: &[Value]) -> Outcome {
    let number = call.number("pageNumber", 1, 1)?;
    let size = call.number("pageSize", 1, 50)?;
    let begin = usize::try_from((number - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    let data: Vec<_> = all.iter().skip(begin).take(usize::try_from(size).unwrap_or(usize::MAX)).collect();
    if data.is_empty() && call.world.options.empty_list == EmptyList::NoContent {
        return Ok(bare(204));
    }
    Ok(Answer::json(200, &json!({"data": data, "count": all.len()})))
}

/// The object of a kind whose field has this value.
fn find<'a>(call: &'a Call<'_>, kind: Kind, field: &str, value: &str) -> Option<&'a Record> {
    let mut all = call.world.store.starting_at(kind, 0).map(AsRef::as_ref);
    all.find(|record: &&Record| record.text(field) == Some(value))
}
