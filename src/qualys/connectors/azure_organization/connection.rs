//! The test of a connection, and the management groups that it finds.
//!
//! A test makes the platform synchronize the tenant's management groups, so it is done before a write alone.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::body::wanted;
use super::{BASE, advised, call, call_by_id};
use crate::pace::{Pace, Pauses};
use crate::qualys::call::Effect;
use crate::qualys::error::ApiError;
use crate::qualys::rest::{self, Paging};
use crate::qualys::shapes::Text;
use crate::qualys::transport::Transport;
use crate::qualys::write::Write;
use crate::resource::azure_organization::AzureOrganization;
use crate::resource::{Address, AzureId, Kind};
use crate::span::span;

/// How the synchronization of a tenant's groups is waited for.
const PACE: Pace = Pace {
    first: Duration::from_millis(250),
    cap: Duration::from_secs(5),
    lag: Duration::ZERO,
    timeout: Duration::from_mins(2),
};

/// So many of a tenant's groups are told where one is not among them.
const TOLD: usize = 50;

const IF_REFUSED: &str = "check tenant_id, application_id and secret (it may have expired), and that the application may \
                          read the tenant's management groups: in Azure, the role Reader at the root group";
const IF_LATE: &str =
    "the platform still reads the tenant's management groups: apply again later, or ask the vendor's support";
const IF_UNKNOWN: &str = "name groups as Azure shows them, letter by letter; what was made in Azure a moment ago may \
                          take a while to show";

/// The answer to a test of a connection.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tested {
    #[serde(rename = "jobUuid", deserialize_with = "crate::qualys::shapes::filled")]
    job: Option<String>,
}

/// What a test has started.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Job {
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    status: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    error: Option<String>,
}

impl AzureOrganization {
    /// Tests the connection, which makes the platform read the tenant's management groups, and looks for `named` among
    /// them.
    pub(super) async fn test(
        &self,
        named: BTreeSet<&str>,
        transport: &Transport,
        write: &Write<'_>,
    ) -> Result<(), ApiError> {
        let operation = "test the connection of azure organization connector";
        let address = Address::new(Kind::AzureOrganization, &self.name).to_string();
        let refused = |message| ApiError::refused_here(operation.to_owned(), Some(address.clone()), message);
        let secret = wanted("secret", self.secret.as_ref()).and_then(|secret| write.secret(secret));
        let secret = secret.map_err(refused)?;
        let mut account = Map::new();
        for (name, id) in [("tenantId", &self.tenant_id), ("applicationId", &self.application_id)] {
            account.insert(name.to_owned(), id.as_ref().map(AzureId::as_str).into());
        }
        let mut whole = account.clone();
        whole.insert("secretValue".to_owned(), secret.expose().into());
        let test = call(operation, Method::POST, &format!("{BASE}/test/"), Effect::Settled)
            .about(address.clone())
            .json(&Value::Object(whole));
        let tested = transport.send(&test, rest::json).await;
        let Tested { job } = tested.map_err(|error| advised(error, IF_REFUSED))?;
        let id = job.ok_or_else(|| refused("the answer names no job".to_owned()))?;
        finished(transport, &id).await.map_err(|ended| match ended {
            Ended::Error(error) => error,
            Ended::Badly(why) => advised(refused(why), IF_REFUSED),
            Ended::Not(why) => advised(refused(why), IF_LATE),
            Ended::Stopped => refused("stopped before the test was done: nothing was written".to_owned()),
        })?;
        if named.is_empty() {
            return Ok(());
        }
        let known = groups(transport, &account).await?;
        let unknown: Vec<&str> = named.into_iter().filter(|name| !known.contains(*name)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let message =
            format!("the tenant has no management group {}; it has {}", unknown.join(", "), told(&known));
        Err(advised(refused(message), IF_UNKNOWN))
    }
}

/// The groups that the platform knows of the account.
async fn groups(transport: &Transport, account: &Map<String, Value>) -> Result<BTreeSet<String>, ApiError> {
    let path = format!("{BASE}/management-groups/");
    let groups = call("list management groups", Method::POST, &path, Effect::Read);
    // The guide has the page among the parameters of the body, and elsewhere in the query.
    let page = |number: u64, rows: usize| {
        let mut body = account.clone();
        body.insert("pageNumber".to_owned(), number.into());
        body.insert("pageSize".to_owned(), rows.into());
        let asked = groups.clone().json(&Value::Object(body));
        asked.query("pageNumber", number.to_string()).query("pageSize", rows.to_string())
    };
    let rows = rest::list_by(transport, page, Paging::BY_NUMBER, |Text(name): &Text| name.clone()).await?;
    Ok(rows.into_iter().map(|Text(name)| name).collect())
}

fn told(known: &BTreeSet<String>) -> String {
    let names: Vec<&str> = known.iter().map(String::as_str).take(TOLD).collect();
    match known.len().saturating_sub(TOLD) {
        _ if names.is_empty() => "none".to_owned(),
        0 => names.join(", "),
        more => format!("{}, and {more} more", names.join(", ")),
    }
}

/// How a job ended that did not end well.
enum Ended {
    /// It could not be followed.
    Error(ApiError),
    Badly(String),
    /// It goes on.
    Not(String),
    /// We were asked to stop.
    Stopped,
}

/// Waits until a job has completed.
async fn finished(transport: &Transport, id: &str) -> Result<(), Ended> {
    let status =
        call_by_id("follow the job of", Method::GET, "job/", id, Effect::Read).map_err(Ended::Error)?;
    let mut pauses = Pauses::new(PACE, PACE.timeout);
    loop {
        let Job { status: state, error } = transport.send(&status, rest::json).await.map_err(Ended::Error)?;
        let state = state.as_deref().unwrap_or("without a state");
        match (state, error) {
            ("COMPLETED", None) => return Ok(()),
            // The guide names no other state, and an error in each.
            (_, Some(error)) => return Err(Ended::Badly(error)),
            ("FAILED" | "ERROR", None) => return Err(Ended::Badly(format!("the job ended as {state}"))),
            (_, None) => {}
        }
        let Some(pause) = pauses.next() else {
            return Err(Ended::Not(format!("the job is still {state} after {}", span(pauses.limit))));
        };
        if !transport.rest(pause).await {
            return Err(Ended::Stopped);
        }
    }
}
