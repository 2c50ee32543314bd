//! The test of a connection, and the management groups that it finds.
//!
//! A test makes the platform synchronize the tenant's management groups, so it is done before a write alone.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::body::wanted;
use super::{BASE, call, call_by_id, pages};
use crate::qualys::call::Effect;
use crate::qualys::error::ApiError;
use crate::qualys::rest;
use crate::qualys::shapes::Text;
use crate::qualys::transport::Transport;
use crate::qualys::write::Write;
use crate::resource::azure_organization::AzureOrganization;
use crate::resource::{Address, AzureId, Kind};

/// The synchronization of a tenant's groups is waited for this long at most.
const LONGEST_JOB: Duration = Duration::from_mins(2);

/// The answer to a test of a connection.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tested {
    #[serde(rename = "jobUuid", deserialize_with = "crate::qualys::shapes::filled")]
    job: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Job {
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    status: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    error: Option<String>,
}

impl AzureOrganization {
    /// Tests the connection, which makes the platform read the tenant's management groups, and looks for those that
    /// are named among them.
    pub(super) async fn test(&self, transport: &Transport, write: &Write<'_>) -> Result<(), ApiError> {
        let operation = "test the connection of azure organization connector";
        let address = Address::new(Kind::AzureOrganization, &self.name).to_string();
        let refused = |message| ApiError::refused_here(operation.to_owned(), Some(address.clone()), message);
        let secret = wanted("secret", self.secret.as_ref()).and_then(|secret| write.secret(secret));
        let secret = secret.map_err(refused)?;
        let account = json!({
            "tenantId": self.tenant_id.as_ref().map(AzureId::as_str),
            "applicationId": self.application_id.as_ref().map(AzureId::as_str),
        });
        let mut with_secret = account.clone();
        with_secret["secretValue"] = secret.expose().into();
        let test = call(operation, Method::POST, &format!("{BASE}/test/"), Effect::Settled)
            .about(address.clone())
            .json(&with_secret);
        let Tested { job } = transport.send(&test, rest::json).await?;
        let Some(id) = job else {
            return Err(refused("the answer names no job".to_owned()));
        };
        finished(transport, &id).await.map_err(|ended| match ended {
            Ended::Error(error) => error,
            Ended::Badly(why) => refused(why),
        })?;
        let named: BTreeSet<&String> = [&self.include_management_groups, &self.exclude_management_groups]
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        if named.is_empty() {
            return Ok(());
        }
        let groups =
            call("list management groups", Method::POST, &format!("{BASE}/management-groups/"), Effect::Read)
                .json(&account);
        let known: Vec<Text> = pages(transport, &groups, |Text(name): &Text| name.clone()).await?;
        let known: BTreeSet<String> = known.into_iter().map(|Text(name)| name).collect();
        let unknown: Vec<&str> =
            named.into_iter().filter(|name| !known.contains(*name)).map(String::as_str).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let known: Vec<&str> = known.iter().map(String::as_str).take(50).collect();
        Err(refused(format!(
            "the tenant has no management group {}; it has {}",
            unknown.join(", "),
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        )))
    }
}

/// How a job ended that did not end well.
enum Ended {
    Error(ApiError),
    Badly(String),
}

/// Waits until a job has completed.
async fn finished(transport: &Transport, id: &str) -> Result<(), Ended> {
    let status =
        call_by_id("follow the job of", Method::GET, "job/", id, Effect::Read).map_err(Ended::Error)?;
    let (mut waited, mut pause) = (Duration::ZERO, Duration::from_millis(250));
    loop {
        let job: Job = transport.send(&status, rest::json).await.map_err(Ended::Error)?;
        match job.status.as_deref() {
            Some("COMPLETED") if job.error.is_none() => return Ok(()),
            Some("COMPLETED" | "FAILED" | "ERROR") => {
                return Err(Ended::Badly(job.error.unwrap_or_else(|| "the job failed".to_owned())));
            }
            state if waited >= LONGEST_JOB => {
                let state = state.unwrap_or("without a state");
                return Err(Ended::Badly(format!("the job is still {state} after {} s", waited.as_secs())));
            }
            _ => {}
        }
        tokio::time::sleep(pause).await;
        waited += pause;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}
