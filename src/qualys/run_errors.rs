//! The errors of runs (`search/am/assetdataconnectorerrors`; Connectors API User Guide, "Get Connector Errors"): one
//! list for the connectors of every cloud, asked for by the connector's id.

use std::cmp::Reverse;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::answer::Fault;
use super::call::{Call, Effect};
use super::envelope;
use super::error::ApiError;
use super::lenient;
use super::qps::{self, ObjectId};
use super::shapes::{Item, Items};
use super::transport::Transport;
use crate::resource::RunError;

const NOUN: &str = "assetdataconnectorerrors";
/// Errors have no id to go on from, and the newest is not the first: as many as one answer may hold.
const ASKED: usize = 1000;
/// So many of them are kept, the newest: a run may fail in every region for every service.
const KEPT: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default, deserialize_with = "super::shapes::filled")]
    error_message: Option<String>,
    #[serde(default, deserialize_with = "super::shapes::filled")]
    created: Option<String>,
}

impl Item for Wire {
    const NAME: &'static str = "AssetDataConnectorErrors";
}

impl Wire {
    /// Part of the guide's samples have blanks inside the time.
    fn decode(self) -> Option<RunError> {
        let created = self.created.map(|created| created.split_whitespace().collect::<String>());
        Some(RunError {
            message: self.error_message?,
            created: created.and_then(|created| created.parse().ok()),
        })
    }
}

/// The errors of a connector's last run, the newest first. Without a hit there are none.
pub(super) async fn of_run(transport: &Transport, id: &str) -> Result<Vec<RunError>, ApiError> {
    let operation = format!("search {NOUN}");
    let id =
        ObjectId::parse(id).map_err(|message| ApiError::refused_here(operation.clone(), None, message))?;
    let mut call =
        Call::new(operation, Method::POST, format!("/qps/rest/3.0/search/am/{NOUN}"), Effect::Read);
    let criteria = [("id", "EQUALS", &*id.number().to_string())];
    call.body = envelope::search(&criteria, &json!({"limitResults": ASKED}));
    let found = transport.send(&call, |answer| {
        let envelope = qps::open_listing(answer)?;
        let Some(data) = envelope.data else { return Ok(Vec::new()) };
        let unreadable = |_| Fault::unreadable(answer, "data that do not hold the errors of runs");
        let Items(wires) = lenient::read::<Items<Wire>>(&data).map_err(unreadable)?;
        Ok(wires.into_iter().filter_map(Wire::decode).collect())
    });
    let mut errors: Vec<RunError> = found.await?;
    errors.sort_by_key(|error| Reverse(error.created));
    errors.truncate(KEPT);
    Ok(errors)
}
