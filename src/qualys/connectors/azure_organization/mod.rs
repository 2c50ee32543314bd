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

use std::collections::BTreeSet;
use std::hash::Hash;

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::answer::{Listed, Summary, Wire};
use self::members::{attach, detach};
use crate::qualys::answer::Fault;
use crate::qualys::call::{Call, Effect, Host};
use crate::qualys::error::{ApiError, ApiErrorKind, Refusal};
use crate::qualys::remote::Remote;
use crate::qualys::rest::{self, Paging};
use crate::qualys::transport::Transport;
use crate::qualys::write::{Created, Write};
use crate::resource::azure_organization::AzureOrganization;
use crate::resource::{Address, Kind, LiveObject, RunError, Scope, Spec};

const BASE: &str = "/connectors/v1.0/org/azure";

fn call(operation: &str, method: Method, path: &str, effect: Effect) -> Call {
    Call::new(operation, method, path, effect).at(Host::Gateway)
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

/// One connector whole; `None` where it is gone.
async fn one(transport: &Transport, id: &str) -> Result<Option<LiveObject>, ApiError> {
    let details = call_by_id("read", Method::GET, "", id, Effect::Read)?;
    let wire = match transport.send(&details, rest::json::<Wire>).await {
        Ok(wire) if wire.is_deleted() => return Ok(None),
        Ok(wire) => wire,
        Err(error) if error.is_gone() => return Ok(None),
        Err(error) => return Err(error),
    };
    let members = call_by_id("list the members of", Method::GET, "member-connectors/", id, Effect::Read)?;
    let members: Vec<Listed> = pages(transport, &members, |member: &Listed| member.id).await?;
    let members = members.into_iter().filter_map(|member| Some(format!("azure/#{}", member.id?))).collect();
    let mut object = wire.decode(members);
    id.clone_into(&mut object.id);
    Ok(Some(object))
}

/// What the last job of the connector left to say, the newest first.
async fn last_job(transport: &Transport, id: &str) -> Result<Vec<RunError>, ApiError> {
    let call = call_by_id("read the last job of", Method::GET, "last-job-summary/", id, Effect::Read)?;
    let summaries: Vec<Summary> = pages(transport, &call, Summary::key).await?;
    let mut errors: Vec<RunError> = summaries.into_iter().filter_map(Summary::decode).collect();
    errors.sort_by_key(|error| std::cmp::Reverse(error.created));
    Ok(errors)
}

impl Remote for AzureOrganization {
    async fn list(transport: &Transport, _scope: &Scope<'_>) -> Result<Vec<LiveObject>, ApiError> {
        let listing =
            call("list azure organization connectors", Method::GET, &format!("{BASE}/"), Effect::Read);
        let listed: Vec<Listed> = pages(transport, &listing, |listed: &Listed| listed.id).await?;
        let ids: BTreeSet<u64> = listed.into_iter().filter_map(|listed| listed.id).collect();
        let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
        Self::read(transport, &ids).await
    }

    async fn read(transport: &Transport, ids: &[String]) -> Result<Vec<LiveObject>, ApiError> {
        let read = futures::future::join_all(ids.iter().map(|id| one(transport, id))).await;
        read.into_iter().filter_map(Result::transpose).collect()
    }

    async fn create(&self, transport: &Transport, write: &Write<'_>) -> Result<Created, ApiError> {
        let operation = "create azure organization connector";
        let address = Address::new(Kind::AzureOrganization, &self.name).to_string();
        let refused = |message| ApiError::refused_here(operation.to_owned(), Some(address.clone()), message);
        let body = self.encode(write).map_err(refused)?;
        self.test(transport, write).await?;
        let call = call(operation, Method::POST, &format!("{BASE}/"), Effect::Once)
            .about(address.clone())
            .json(&Value::Object(body));
        let created: Listed = transport.send(&call, rest::json).await?;
        let Some(id) = created.id.map(|id| id.to_string()) else {
            return Err(ApiError::refused_here(
                operation.to_owned(),
                Some(address),
                "the answer does not tell the id of what was made".to_owned(),
            ));
        };
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
        let before = match write.context.before {
            Some(Spec::AzureOrganization(before)) => before.clone(),
            Some(_) | None => AzureOrganization::default(),
        };
        // Enabling and the members have calls of their own.
        let edits =
            write.changed.unwrap_or_default().iter().any(|field| !["enabled", "members"].contains(field));
        if edits {
            let call = call_by_id("edit", Method::POST, "", id, Effect::Settled)?;
            let whole = self.filled_from(&before);
            let refused =
                |message| ApiError::refused_here(call.operation.clone(), call.object.clone(), message);
            let body = whole.encode(write).map_err(refused)?;
            if ["secret", "include_management_groups", "exclude_management_groups"]
                .iter()
                .any(|field| write.wants(field))
            {
                whole.test(transport, write).await?;
            }
            transport.send(&call.json(&Value::Object(body)), rest::done).await?;
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

/// Enables or disables the connector. The guide's table says POST, its sample PUT; the sample is what was run.
async fn status(transport: &Transport, id: &str, enabled: bool) -> Result<(), ApiError> {
    let (operation, action) = if enabled { ("enable", "ENABLE") } else { ("disable", "DISABLE") };
    let call = call_by_id(operation, Method::PUT, "", id, Effect::Settled)?;
    let call =
        Call { path: format!("{BASE}/status/"), ..call }.query("action", action).json(&json!([number(id)]));
    transport.send(&call, rest::done).await
}

/// The guide's samples have ids without quotes.
fn number(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| id.into(), Value::from)
}
