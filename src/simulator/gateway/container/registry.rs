//! Registries: looked at only, they are there for their schedules.

use serde_json::{Value, json};

use super::{find, page};
use crate::simulator::answer::Answer;
use crate::simulator::gateway::fields::{Shape, Table, fill, own};
use crate::simulator::gateway::query::Query;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::{Call, Outcome};
use crate::simulator::qps::uuid;
use crate::simulator::store::Record;

/// A registry. `aws.arn` and `acr.connectorId` name the connector that it is reached through.
pub(in super::super) static REGISTRY: Table = Table {
    kind: "registry",
    named_by: "registryName",
    single: false,
    fields: &[
        own("registryUuid", Shape::Text(0)),
        own("registryName", Shape::Text(0)),
        own("registryUri", Shape::Text(0)),
        own("registryType", Shape::Text(0)),
        own("credentialType", Shape::Text(0)),
        own(
            "aws",
            Shape::Group(&[
                own("accountId", Shape::Text(0)),
                own("arn", Shape::Text(0)),
                own("region", Shape::Text(0)),
                own("accountType", Shape::Word(&["Global", "US_Gov"])),
            ]),
        ),
        own("acr", Shape::Group(&[own("connectorId", Shape::Text(0)), own("connectorName", Shape::Text(0))])),
        own("created", Shape::Text(0)),
        own("updated", Shape::Text(0)),
    ],
    complete: |_, id, object| {
        let name = object.get("registryName").and_then(Value::as_str).unwrap_or_default();
        let uri = format!("https://{name}.registry.example");
        fill(
            object,
            [
                ("registryUuid", json!(uuid(id, 0x4e61))),
                ("registryUri", json!(uri)),
                ("registryType", json!("AWS")),
                ("credentialType", json!("AWS")),
                ("created", json!(super::schedule::LONG_AGO)),
                ("updated", json!(super::schedule::LONG_AGO)),
            ],
        );
    },
    settled: |_, _| {},
    generated: |index| json!({"registryName": format!("generated-registry-{index:05}")}),
};

const TOKENS: &[&str] = &["registryUri", "registryName", "registryType", "registryUuid"];

/// `GET /registry`
pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let query = match call.request.parameter("filter") {
        Some(text) if !text.trim().is_empty() => Some(Query::read("filter", &text, TOKENS)?),
        _ => None,
    };
    let mut found = call.world.as_searched(REGISTRY.kind, 0);
    found.retain(|record| {
        let has = |token: &str| record.text(token).map(ToOwned::to_owned);
        query.as_ref().is_none_or(|query| query.takes(has))
    });
    let shown: Vec<_> = found.iter().map(|record| show(record)).collect();
    page(call, &shown)
}

/// `GET /registry/{registryId}`
pub(super) fn get(call: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, &show(named(call)?)))
}

/// The registry that the path names.
pub(super) fn named<'a>(call: &'a Call<'_>) -> Result<&'a Record, Refusal> {
    let id = call.named.first().copied().unwrap_or_default();
    find(call, REGISTRY.kind, "registryUuid", id)
        .ok_or_else(|| Refusal::not_found(format!("There is no registry with the registryId {id}.")))
}

fn show(record: &Record) -> Value {
    Value::Object(record.object.clone())
}
