//! Azure organization connectors (Connectors API User Guide, "Azure Organization Connectors 3.0"), on the gateway.
//!
//! - The listing shows little, so each connector is read by its id, and its members with it (`answer`).
//! - An edit wants every mandatory field again, the secret too; what the file leaves out is sent as it is (`body`).
//! - Enabling, attaching and detaching are calls of their own (`members`).
//! - Testing a connection makes the platform synchronize the tenant's management groups. So it is done before a
//!   write alone, and the groups that the file names are looked for among what it found (`connection`).

mod answer;
mod body;
mod connection;
mod members;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::hash::Hash;

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::answer::{Attached, Kept, Made, Named, Summary, Wire};
pub(in crate::qualys) use self::members::of_all as members_of_all;
use self::members::{attach, attached, detach};
use crate::qualys::answer::{Answer, Fault};
use crate::qualys::call::{Call, Effect, Host, Module};
use crate::qualys::error::{ApiError, ApiErrorKind, Refusal};
use crate::qualys::lenient::Loose;
use crate::qualys::remote::Remote;
use crate::qualys::rest::{self, Paging};
use crate::qualys::shapes::Number;
use crate::qualys::transport::Transport;
use crate::qualys::write::{Created, Write};
use crate::resource::azure_organization::{AzureOrganization, TESTED, is_edit};
use crate::resource::{Address, Kind, LiveObject, RunError, Scope, Spec};

const BASE: &str = "/connectors/v1.0/org/azure";

const IF_RENAMED: &str =
    "give tenant_name as it was when the connector was made: it cannot be edited, and is never shown";

/// So many errors of a run are kept, the newest.
const KEPT: usize = 100;

fn call(operation: &str, method: Method, path: &str, effect: Effect) -> Call {
    Call::new(operation, method, path, effect).at(Host::Gateway).of_module(Module::OrganizationConnectors)
}

/// A call about the connector of this id.
fn call_by_id(
    operation: &str,
    method: Method,
    part: &str,
    id: &str,
    effect: Effect,
) -> Result<Call, ApiError> {
    let operation = format!("{operation} azure organization connector");
    match rest::path_id(id) {
        Ok(id) => Ok(call(&operation, method, &format!("{BASE}/{part}{id}"), effect).about(id)),
        Err(message) => Err(ApiError::refused_here(operation, None, message)),
    }
}

async fn pages<T: DeserializeOwned, K: Hash + Eq>(
    transport: &Transport,
    call: &Call,
    key: impl Fn(&T) -> K,
) -> Result<Vec<T>, ApiError> {
    rest::list(transport, call, Paging::BY_NUMBER, key).await
}

fn listing() -> Call {
    call("list azure organization connectors", Method::GET, &format!("{BASE}/"), Effect::Read)
}

/// The object as it is; nothing before a create.
fn before(write: &Write<'_>) -> AzureOrganization {
    match write.context.before {
        Some(Spec::AzureOrganization(before)) => before.clone(),
        Some(_) | None => AzureOrganization::default(),
    }
}

fn refused(call: &Call, message: String) -> ApiError {
    ApiError::refused_here(call.operation.clone(), call.object.clone(), message)
}

/// What to do where the platform refuses, which says why in its own words alone.
fn advised(mut error: ApiError, remedy: &'static str) -> ApiError {
    if let ApiErrorKind::Refused(refusal) = &mut error.kind {
        refusal.remedy = Some(remedy);
    }
    error
}

/// One connector whole; `None` where it is gone.
async fn one(transport: &Transport, id: &str) -> Result<Option<LiveObject>, ApiError> {
    let details = call_by_id("read", Method::GET, "", id, Effect::Read)?;
    let read = |answer: &Answer| {
        let wire: Loose<Wire> = rest::json(answer)?;
        if wire.object.is_nameless() && wire.unread.is_empty() {
            return Err(Fault::unreadable(answer, "an organization connector without a name"));
        }
        Ok(wire)
    };
    let wire = match transport.send(&details, read).await {
        Ok(wire) if wire.object.is_deleted() => return Ok(None),
        Ok(wire) => wire,
        Err(error) if error.is_gone() => return Ok(None),
        Err(error) => return Err(error),
    };
    let members = attached(transport, id).await?.into_iter().map(|Attached { id: Number(id), .. }| id);
    let members: BTreeSet<u64> = members.collect();
    let named = members.iter().map(|id| format!("azure/#{id}")).collect();
    let mut object = wire.decode(&["name", "tenantId"], |wire| wire.decode(named));
    object.member_ids = members.iter().map(ToString::to_string).collect();
    id.clone_into(&mut object.id);
    Ok(Some(object))
}

/// What the last job of the connector left to say, the newest first.
async fn last_job(transport: &Transport, id: &str) -> Result<Vec<RunError>, ApiError> {
    let call = call_by_id("read the last job of", Method::GET, "last-job-summary/", id, Effect::Read)?;
    let summaries: Vec<Summary> = pages(transport, &call, Summary::key).await?;
    let mut errors: Vec<RunError> = summaries.into_iter().filter_map(Summary::decode).collect();
    errors.sort_by_key(|error| Reverse(error.created));
    errors.truncate(KEPT);
    Ok(errors)
}

impl Remote for AzureOrganization {
    async fn list(transport: &Transport, _scope: &Scope<'_>) -> Result<Vec<LiveObject>, ApiError> {
        let listed = pages(transport, &listing(), |Named { id: Number(id), .. }: &Named| *id).await?;
        let ids: BTreeSet<u64> = listed.into_iter().map(|Named { id: Number(id), .. }| id).collect();
        let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
        Self::read(transport, &ids).await
    }

    async fn read(transport: &Transport, ids: &[String]) -> Result<Vec<LiveObject>, ApiError> {
        let read = futures::future::join_all(ids.iter().map(|id| one(transport, id))).await;
        read.into_iter().filter_map(Result::transpose).collect()
    }

    /// Looks for all that is to be sent, and tests the connection where that matters.
    async fn try_out(&self, transport: &Transport, write: &Write<'_>) -> Result<(), ApiError> {
        if !(write.is_create() || is_edit(write.changed.unwrap_or_default())) {
            return Ok(());
        }
        let operation =
            format!("{} azure organization connector", if write.is_create() { "create" } else { "edit" });
        let address = Address::new(Kind::AzureOrganization, &self.name).to_string();
        let whole = self.filled_from(&before(write));
        whole
            .encode(&Kept::default(), write)
            .map_err(|message| ApiError::refused_here(operation, Some(address), message))?;
        if !TESTED.iter().any(|field| write.wants(field)) {
            return Ok(());
        }
        // What the file leaves out is not looked for: it stays as it is.
        let named = [&self.include_management_groups, &self.exclude_management_groups];
        let named = named.into_iter().flatten().flatten().map(String::as_str).collect();
        whole.test(named, transport, write).await
    }

    async fn create(&self, transport: &Transport, write: &Write<'_>) -> Result<Created, ApiError> {
        let address = Address::new(Kind::AzureOrganization, &self.name).to_string();
        let path = format!("{BASE}/");
        let call =
            call("create azure organization connector", Method::POST, &path, Effect::Once).about(address);
        let body = self.encode(&Kept::default(), write).map_err(|message| refused(&call, message))?;
        let call = call.json(&Value::Object(body));
        let made = transport.send(&call, |answer| {
            let Made { id } = rest::json(answer)?;
            id.ok_or_else(|| Fault::unreadable(answer, "success without the id of what was created"))
        });
        let id = made.await?.to_string();
        let mut rest = Ok(());
        if self.enabled == Some(false) {
            rest = status(transport, &id, false).await;
        }
        if let (Ok(()), Some(members)) = (&rest, &self.members) {
            rest = attach(transport, &id, members.iter(), write).await;
        }
        Ok(Created { incomplete: rest.err(), ..Created::new(id) })
    }

    async fn update(&self, transport: &Transport, id: &str, write: &Write<'_>) -> Result<(), ApiError> {
        let before = before(write);
        if is_edit(write.changed.unwrap_or_default()) {
            // What was seen for the plan does not tell all that is to be kept.
            let details = call_by_id("edit", Method::GET, "", id, Effect::Read)?;
            let kept = transport.send(&details, rest::json::<Kept>).await?;
            let call = call_by_id("edit", Method::POST, "", id, Effect::Settled)?;
            let body = self.filled_from(&before).encode(&kept, write);
            let body = body.map_err(|message| refused(&call, message))?;
            let edited = transport.send(&call.json(&Value::Object(body)), rest::done).await;
            edited.map_err(|error| {
                if error.said.contains("tenantName") { advised(error, IF_RENAMED) } else { error }
            })?;
        }
        if let Some(members) = write.of("members", self.members.as_ref()) {
            let there = before.members.unwrap_or_default();
            detach(transport, id, there.difference(members), write).await?;
            attach(transport, id, members.difference(&there), write).await?;
        }
        match write.of("enabled", self.enabled.as_ref()) {
            Some(enabled) => status(transport, id, *enabled).await,
            None => Ok(()),
        }
    }

    /// The answer is a line of text that counts what was marked for running, and leaves out the rest without a word.
    async fn run(transport: &Transport, id: &str) -> Result<(), ApiError> {
        let call = call_by_id("run", Method::POST, "", id, Effect::Once)?;
        let call = Call { path: format!("{BASE}/run/"), ..call }.text(id);
        let marked = transport.send(&call, |answer| {
            let said = rest::text(answer)?;
            if said.trim_start().starts_with("A total of 0 ") {
                let refusal = Refusal { message: said.clone(), ..Refusal::default() };
                return Err(Fault::no(ApiErrorKind::Refused(Box::new(refusal)), answer.status, said));
            }
            Ok(())
        });
        marked.await
    }

    async fn run_errors(transport: &Transport, id: &str) -> Result<Vec<RunError>, ApiError> {
        last_job(transport, id).await
    }

    async fn delete(transport: &Transport, id: &str) -> Result<(), ApiError> {
        let call = call_by_id("delete", Method::DELETE, "", id, Effect::Settled)?;
        match transport.send(&call, rest::done).await {
            Err(error) if error.is_gone() => Ok(()),
            done => done,
        }
    }
}

/// Enables or disables the connector. The guide's table says POST, its sample PUT; the sample is what was run, and where
/// it is not taken the table is.
async fn status(transport: &Transport, id: &str, enabled: bool) -> Result<(), ApiError> {
    let (operation, action) = if enabled { ("enable", "ENABLE") } else { ("disable", "DISABLE") };
    let call = call_by_id(operation, Method::PUT, "", id, Effect::Settled)?;
    let put =
        Call { path: format!("{BASE}/status/"), ..call }.query("action", action).json(&json!([number(id)]));
    match transport.send(&put, rest::done).await {
        Err(error) if error.status == Some(405) => {
            transport.send(&Call { method: Method::POST, ..put }, rest::done).await
        }
        done => done,
    }
}

/// The guide's samples have ids without quotes.
fn number(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| id.into(), Value::from)
}
