//! The verbs of CloudView's connectors, the same for every cloud. A connector is known by its `connectorId`, which
//! Connectors 3.0 shows as `cloudviewUuid`.
//!
//! Deletes, runs and switches take lists of ids; each carries one. An update takes the whole object: it is read right
//! before, and sent with the file's values over its own.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::join_all;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::door;
use super::wire::{self, Wire};
use crate::qualys::answer::{Answer, Fault};
use crate::qualys::call::{Call, Effect};
use crate::qualys::error::{ApiError, ApiErrorKind, Refusal};
use crate::qualys::lenient::Loose;
use crate::qualys::remote::Remote;
use crate::qualys::rest::{self, Paging};
use crate::qualys::shapes::Flag;
use crate::qualys::transport::Transport;
use crate::qualys::write::{Created, Write};
use crate::resource::{Address, LiveObject, Resource, RunError, Scope};

/// The page size of every sample.
const PAGING: Paging = Paging { number: "pageNo", first: 0, rows: 50, empty_is_none: false };
/// How often a listing is read that shifted while it was read: its usual order is that of the last runs.
const READINGS: usize = 3;
/// So many errors of a run are kept, the newest.
const KEPT: usize = 100;

/// A cloud's connectors in CloudView v1.
pub(in crate::qualys) trait CloudviewObject: Resource + Sync {
    /// The cloud in paths.
    const CLOUD: &'static str;

    /// Whether it is to run at all, where that is said.
    fn is_enabled(&self) -> Option<bool>;

    /// The connector in normal form.
    fn decode(connector: Wire) -> LiveObject;

    /// Has the call carry what a create, or an update of this live connector, sends.
    fn carry(&self, call: Call, write: &Write<'_>, live: Option<&Wire>) -> Result<Call, String>;
}

/// A connector, to be done with through CloudView v1.
pub(in crate::qualys) struct Cloudview<'a, T>(&'a T);

impl<'a, T> Cloudview<'a, T> {
    pub(in crate::qualys) fn new(spec: &'a T) -> Cloudview<'a, T> {
        Cloudview(spec)
    }
}

impl<T: CloudviewObject> Remote for Cloudview<'_, T> {
    async fn list(transport: &Transport, _scope: &Scope<'_>) -> Result<Vec<LiveObject>, ApiError> {
        let call = call::<T>("list", Method::GET, "", Effect::Read);
        let mut reading = 1;
        let connectors = loop {
            let listed =
                rest::list(transport, &call, PAGING, |loose: &Loose<Wire>| loose.object.connector_id.clone());
            match listed.await {
                // What moved to a page that was read already is missing.
                Err(error) if error.kind == ApiErrorKind::Unreadable && reading < READINGS => reading += 1,
                other => break other?,
            }
        };
        if connectors.iter().any(|loose| !has_id(&loose.object)) {
            return Err(transport.unreadable(&call, "a connector without connectorId".to_owned(), false));
        }
        let mut objects: Vec<LiveObject> =
            connectors.into_iter().map(|loose| loose.decode(&[], T::decode)).collect();
        objects.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(objects)
    }

    async fn read(transport: &Transport, ids: &[String]) -> Result<Vec<LiveObject>, ApiError> {
        let ids: BTreeSet<&String> = ids.iter().collect();
        let found = join_all(ids.into_iter().map(|id| one::<T>(transport, "read", id))).await;
        let mut objects = Vec::with_capacity(found.len());
        for connector in found {
            match connector {
                Ok(connector) => objects.push(T::decode(connector)),
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(objects)
    }

    async fn create(&self, transport: &Transport, write: &Write<'_>) -> Result<Created, ApiError> {
        let Cloudview(spec) = self;
        let address = Address::new(T::KIND, spec.address_name()).to_string();
        let call = call::<T>("create", Method::POST, "", Effect::Once).about(address);
        let call = carry(*spec, call, write, None)?;
        let created = transport.send(&call, |answer| {
            let connector = rest::json::<Wire>(answer)?;
            let id = connector.connector_id.filter(|id| rest::path_id(id).is_ok());
            id.ok_or_else(|| Fault::unreadable(answer, "success without the id of what was created"))
        });
        let id = created.await?;
        let mut incomplete = None;
        // There is no making one that is switched off.
        if spec.is_enabled() == Some(false) {
            incomplete = switch::<T>(transport, &id, false).await.err();
        }
        Ok(Created { incomplete, ..Created::new(id) })
    }

    async fn update(&self, transport: &Transport, id: &str, write: &Write<'_>) -> Result<(), ApiError> {
        let Cloudview(spec) = self;
        if write.changed.is_none_or(|changed| changed.iter().any(|field| *field != "enabled")) {
            let live = one::<T>(transport, "update", id).await?;
            let call =
                call::<T>("update", Method::PUT, &path_of::<T>("update", id)?, Effect::Settled).about(id);
            transport.send(&carry(*spec, call, write, Some(&live))?, rest::done).await?;
        }
        match spec.is_enabled().filter(|_| write.wants("enabled")) {
            Some(on) => switch::<T>(transport, id, on).await,
            None => Ok(()),
        }
    }

    async fn delete(transport: &Transport, id: &str) -> Result<(), ApiError> {
        path_of::<T>("delete", id)?;
        let call = call::<T>("delete", Method::DELETE, "", Effect::Settled).about(id);
        let (list, object) = (json!([id]), json!({"connectorIds": [id]}));
        let deleted = if transport.deletes.by_object() {
            transport.send(&call.json(&object), rest::done).await
        } else {
            match transport.send(&call.clone().json(&list), rest::done).await {
                // The documents have the one form, a client that is in use has the other.
                Err(refused) if refuses_the_form(&refused) => {
                    match transport.send(&call.json(&object), rest::done).await {
                        Ok(()) => {
                            transport.deletes.remember_object();
                            Ok(())
                        }
                        Err(error) if refuses_the_form(&error) => Err(refused),
                        other => other,
                    }
                }
                other => other,
            }
        };
        match deleted {
            Err(error) if is_gone(&error) => Ok(()),
            other => other,
        }
    }

    async fn run(transport: &Transport, id: &str) -> Result<(), ApiError> {
        path_of::<T>("run", id)?;
        // Sent twice it would run twice.
        let call = call::<T>("run", Method::POST, "/run", Effect::Once).about(id).json(&json!([id]));
        transport.send(&call, acknowledged).await
    }

    async fn run_errors(transport: &Transport, id: &str) -> Result<Vec<RunError>, ApiError> {
        let path = format!("{}/errors", path_of::<T>("list errors of", id)?);
        let call = call::<T>("list errors of", Method::GET, &path, Effect::Read).about(id);
        // Two rows may be alike.
        let number = AtomicU64::new(0);
        let rows = rest::list(transport, &call, PAGING, |_: &Row| number.fetch_add(1, Ordering::Relaxed));
        let mut errors: Vec<RunError> = rows.await?.into_iter().filter_map(Row::decode).collect();
        errors.sort_by_key(|error| std::cmp::Reverse(error.created));
        errors.truncate(KEPT);
        Ok(errors)
    }
}

fn call<T: CloudviewObject>(verb: &str, method: Method, below: &str, effect: Effect) -> Call {
    door::call(operation::<T>(verb), method, format!("/{}/connectors{below}", T::CLOUD), effect)
}

fn operation<T: CloudviewObject>(verb: &str) -> String {
    format!("{verb} {} connector", T::CLOUD)
}

/// The path of one connector, below the collection's.
fn path_of<T: CloudviewObject>(verb: &str, id: &str) -> Result<String, ApiError> {
    match rest::path_id(id) {
        Ok(id) => Ok(format!("/{id}")),
        Err(message) => Err(ApiError::refused_here(operation::<T>(verb), None, message)),
    }
}

fn carry<T: CloudviewObject>(
    spec: &T,
    call: Call,
    write: &Write<'_>,
    live: Option<&Wire>,
) -> Result<Call, ApiError> {
    let (operation, object) = (call.operation.clone(), call.object.clone());
    spec.carry(call, write, live).map_err(|message| ApiError::refused_here(operation, object, message))
}

/// One connector as it is. `verb` is what that is wanted for.
async fn one<T: CloudviewObject>(transport: &Transport, verb: &str, id: &str) -> Result<Wire, ApiError> {
    let call = call::<T>(verb, Method::GET, &path_of::<T>(verb, id)?, Effect::Read).about(id);
    let read = transport.send(&call, |answer| {
        let connector = rest::json::<Wire>(answer)?;
        if connector.connector_id.as_deref() == Some(id) {
            return Ok(connector);
        }
        Err(Fault::unreadable(answer, "another object than the one that was asked for"))
    });
    read.await
}

/// Switches one connector on or off.
async fn switch<T: CloudviewObject>(transport: &Transport, id: &str, on: bool) -> Result<(), ApiError> {
    let verb = if on { "enable" } else { "disable" };
    path_of::<T>(verb, id)?;
    // The path says it twice in the documents, too.
    let call = call::<T>(verb, Method::PATCH, &format!("/connectors/{verb}"), Effect::Settled);
    transport.send(&call.about(id).json(&json!([id])), acknowledged).await
}

fn has_id(connector: &Wire) -> bool {
    connector.connector_id.as_deref().is_some_and(|id| rest::path_id(id).is_ok())
}

/// Whether the platform says of one connector that it is not there: by the status, or, as a client that is in use has
/// seen it, in the words of a refusal.
fn is_gone(error: &ApiError) -> bool {
    let in_words = || is_refused(error) && error.said.to_ascii_lowercase().contains("not found");
    error.is_gone() || in_words()
}

/// Whether the request as it is was refused. A good status may come with a refusal in the body.
fn is_refused(error: &ApiError) -> bool {
    matches!(error.kind, ApiErrorKind::Refused(_)) && matches!(error.status, Some(200 | 400))
}

/// Whether it may be the form of a list of ids that is refused.
fn refuses_the_form(error: &ApiError) -> bool {
    is_refused(error) && !is_gone(error)
}

/// Success, which may be said in so many words.
fn acknowledged(answer: &Answer) -> Result<(), Fault> {
    #[derive(Deserialize)]
    struct Acknowledgement {
        acknowledged: Option<Flag>,
    }
    match rest::json_or_none::<Value>(answer)?.map(serde_json::from_value::<Acknowledgement>) {
        Some(Ok(Acknowledgement { acknowledged: Some(Flag(false)) })) => {
            let message = "it is not acknowledged".to_owned();
            let refusal = Refusal { message: message.clone(), ..Refusal::default() };
            Err(Fault::no(ApiErrorKind::Refused(Box::new(refusal)), answer.status, message))
        }
        Some(Ok(_) | Err(_)) | None => Ok(()),
    }
}

/// An error of a run.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Row {
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    error: Option<String>,
    /// So spelled.
    #[serde(alias = "occurredOn", deserialize_with = "crate::qualys::shapes::filled")]
    occured_on: Option<String>,
    #[serde(alias = "location", deserialize_with = "crate::qualys::shapes::filled")]
    region: Option<String>,
}

impl Row {
    fn decode(self) -> Option<RunError> {
        let Row { error, occured_on, region } = self;
        let message = match (error?, region) {
            (error, Some(region)) => format!("{region}: {error}"),
            (error, None) => error,
        };
        Some(RunError { message, created: occured_on.as_deref().and_then(wire::time) })
    }
}
