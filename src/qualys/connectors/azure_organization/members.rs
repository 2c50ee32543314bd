//! The connectors attached to organization connectors: who they are, and how one is attached or detached, which are
//! calls of their own.

use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::answer::{Attached, Named};
use super::{call_by_id, listing, number, pages};
use crate::qualys::call::{Call, Effect};
use crate::qualys::error::ApiError;
use crate::qualys::rest;
use crate::qualys::shapes::Number;
use crate::qualys::transport::Transport;
use crate::qualys::write::Write;
use crate::resource::{ConnectorsApi, Kind, Member, Membership};

const MEMBERS: &str = "/connectors/v1.0/azure";

/// Who is a member of any organization connector, without reading more of these than that.
///
/// Through CloudView v1 connectors are known by another id. The guide shows a `uuid` beside the `id` of a member, and
/// does not say that it is CloudView's: so it is presumed to be.
pub(in crate::qualys) async fn of_all(transport: &Transport) -> Result<Membership, ApiError> {
    let presumed = transport.endpoint().connectors_api == ConnectorsApi::Cloudview;
    let organizations = pages(transport, &listing(), |Named { id: Number(id), .. }: &Named| *id).await?;
    let each = organizations.into_iter().map(async |Named { id: Number(id), name }| {
        let organization = name.unwrap_or_else(|| format!("#{id}"));
        let rows = match attached(transport, &id.to_string()).await {
            // It was deleted meanwhile, and that detaches its members.
            Err(error) if error.is_gone() => Vec::new(),
            rows => rows?,
        };
        let member = |Attached { id: Number(id), uuid }| Member {
            id: if presumed { uuid } else { Some(id.to_string()) },
            organization: organization.clone(),
        };
        Ok::<Vec<Member>, ApiError>(rows.into_iter().map(member).collect())
    });
    let members = try_join_all(each).await?.into_iter().flatten().collect();
    Ok(Membership::Known { members, presumed })
}

/// The members of one organization connector.
pub(super) async fn attached(transport: &Transport, id: &str) -> Result<Vec<Attached>, ApiError> {
    let call = call_by_id("list the members of", Method::GET, "member-connectors/", id, Effect::Read)?;
    pages(transport, &call, |Attached { id: Number(id), uuid: _ }: &Attached| *id).await
}

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
