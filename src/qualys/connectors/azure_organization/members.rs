//! The connectors attached to an organization connector: attaching and detaching are calls of their own.

use reqwest::Method;
use serde_json::{Value, json};

use super::{call_by_id, number};
use crate::qualys::call::{Call, Effect};
use crate::qualys::error::ApiError;
use crate::qualys::rest;
use crate::qualys::transport::Transport;
use crate::qualys::write::Write;
use crate::resource::Kind;

const MEMBERS: &str = "/connectors/v1.0/azure";

/// Attaches or detaches each of the connectors; `body` says what is sent of one.
async fn each_member(
    transport: &Transport,
    verb: &str,
    id: &str,
    members: impl Iterator<Item = &String>,
    write: &Write<'_>,
    body: impl Fn(Value) -> Value,
) -> Result<(), ApiError> {
    for member in members {
        let call = call_by_id(&format!("{verb} a member of"), Method::PUT, "", id, Effect::Settled)?;
        let call = Call { path: format!("{MEMBERS}/{verb}"), ..call };
        let connector = member_id(&call, member, write)?;
        transport.send(&call.about(member.as_str()).json(&body(connector)), rest::done).await?;
    }
    Ok(())
}

pub(super) async fn attach(
    transport: &Transport,
    id: &str,
    members: impl Iterator<Item = &String>,
    write: &Write<'_>,
) -> Result<(), ApiError> {
    let body = |connector| json!({"connectorId": connector, "organizationConnectorId": number(id)});
    each_member(transport, "attach", id, members, write, body).await
}

pub(super) async fn detach(
    transport: &Transport,
    id: &str,
    members: impl Iterator<Item = &String>,
    write: &Write<'_>,
) -> Result<(), ApiError> {
    each_member(transport, "detach", id, members, write, |connector| json!([connector])).await
}

fn member_id(call: &Call, member: &str, write: &Write<'_>) -> Result<Value, ApiError> {
    let name = member.strip_prefix("azure/").unwrap_or(member);
    write
        .id(Kind::Azure, name)
        .map_err(|message| ApiError::refused_here(call.operation.clone(), call.object.clone(), message))
}
