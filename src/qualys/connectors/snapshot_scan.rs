//! The service account of snapshot-based scans (Connectors API User Guide, "Snapshot Based Scan"), on the gateway.
//!
//! The subscription has one registration. No call shows it, registering again answers 304 and changes nothing, and
//! deregistering takes no id: it takes away whichever account is registered. `GET …/register-scanner-run` starts a
//! scan of all registered targets, so nothing that only looks may call it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::qualys::call::{Call, Effect, Host};
use crate::qualys::error::ApiError;
use crate::qualys::remote::Remote;
use crate::qualys::rest;
use crate::qualys::transport::Transport;
use crate::qualys::write::{Created, Write};
use crate::resource::snapshot_scan::{InstanceTag, SnapshotScan};
use crate::resource::{Address, Kind, LiveObject, Scope};

const BASE: &str = "/conn/snapshot/v1.0";

fn call(operation: &str, method: Method, path: &str, effect: Effect) -> Call {
    let operation = format!("{operation} the snapshot scan's service account");
    Call::new(operation, method, format!("{BASE}/{path}"), effect).at(Host::Gateway)
}

impl SnapshotScan {
    /// The tags' keys are an array of pairs in the guide's sample; its table of parameters has them flat.
    fn encode(&self) -> Value {
        let SnapshotScan { account_id, schedule, tags } = self;
        let mut body = json!({"accountId": account_id.as_str()});
        if let Some(schedule) = schedule {
            body["schedule"] = schedule.to_string().into();
        }
        if let Some(tags) = tags {
            let pair = |InstanceTag { key, value }: &InstanceTag| json!({"tagKey": key, "tagValue": value});
            body["tags"] = tags.iter().map(pair).collect();
        }
        body
    }

    /// Registers the account; whether one was registered already, and nothing was changed.
    async fn register(&self, transport: &Transport, operation: &str) -> Result<bool, ApiError> {
        // Sent again after a lost answer it does no harm: then it is registered already.
        let call = call(operation, Method::POST, "register-service-account", Effect::Settled)
            .about(Address::new(Kind::SnapshotScan, self.account_id.as_str()).to_string())
            .json(&self.encode());
        let registered = transport.send(&call, |answer| match answer.status {
            StatusCode::NOT_MODIFIED => Ok(true),
            _ => rest::done(answer).map(|()| false),
        });
        registered.await
    }
}

async fn deregister(transport: &Transport, account: &str) -> Result<(), ApiError> {
    let call = call("deregister", Method::DELETE, "deregister-service-account", Effect::Settled)
        .about(Address::new(Kind::SnapshotScan, account).to_string());
    match transport.send(&call, rest::done).await {
        Err(error) if error.is_gone() => Ok(()),
        done => done,
    }
}

impl Remote for SnapshotScan {
    /// The journal knows what was registered; the platform does not tell.
    async fn list(_transport: &Transport, _scope: &Scope<'_>) -> Result<Vec<LiveObject>, ApiError> {
        Ok(Vec::new())
    }

    async fn read(_transport: &Transport, _ids: &[String]) -> Result<Vec<LiveObject>, ApiError> {
        Ok(Vec::new())
    }

    async fn create(&self, transport: &Transport, _write: &Write<'_>) -> Result<Created, ApiError> {
        let existed = self.register(transport, "register").await?;
        Ok(Created { existed, ..Created::new(self.account_id.as_str()) })
    }

    /// A registration cannot be changed: it is taken away and made again.
    async fn update(&self, transport: &Transport, id: &str, _write: &Write<'_>) -> Result<(), ApiError> {
        deregister(transport, id).await?;
        let operation = "register again, after it was deregistered,";
        if self.register(transport, operation).await? {
            let account = Address::new(Kind::SnapshotScan, self.account_id.as_str()).to_string();
            let why = "somebody else registered one meanwhile, in a state that cannot be read".to_owned();
            return Err(ApiError::refused_here(operation.to_owned(), Some(account), why));
        }
        Ok(())
    }

    async fn delete(transport: &Transport, id: &str) -> Result<(), ApiError> {
        deregister(transport, id).await
    }

    /// It is a GET, and yet it starts a scan.
    async fn run(transport: &Transport, id: &str) -> Result<(), ApiError> {
        let call = Call::new("run", Method::GET, format!("{BASE}/register-scanner-run"), Effect::Once)
            .at(Host::Gateway)
            .about(Address::new(Kind::SnapshotScan, id).to_string());
        transport.send(&call, rest::done).await
    }
}
