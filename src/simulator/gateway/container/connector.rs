//! Connectors of registries, for Amazon's (ECR) and Azure's (ACR).

use serde_json::{Value, json};

use super::registry::REGISTRY;
use super::{find, page};
use crate::simulator::gateway::body;
use crate::simulator::gateway::fields::{Field, Shape, Table, fill, own, written};
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::{Call, Outcome, bare};
use crate::simulator::options::RegistryConnectorListing;
use crate::simulator::qps::uuid;
use crate::simulator::store::Record;

/// A connector of a registry: AWS ones are named by their ARN, ACR ones by their UUID.
pub(in super::super) static CONNECTOR: Table = Table {
    kind: "registry_connector",
    named_by: "name",
    single: false,
    fields: &[
        own("name", Shape::Text(0)),
        own("description", Shape::Text(0)),
        own("type", Shape::Word(&["AWS", "ACR"])),
        own("connectorId", Shape::Text(0)),
        own("arn", Shape::Text(0)),
        own("externalId", Shape::Text(0)),
        own("accountType", Shape::Word(&["Global", "US_Gov"])),
        own("applicationId", Shape::Text(0)),
    ],
    complete: |_, id, object| {
        let kind = if object.contains_key("arn") { "AWS" } else { "ACR" };
        fill(
            object,
            [("description", json!("")), ("type", json!(kind)), ("connectorId", json!(uuid(id, 0xacc0)))],
        );
    },
    settled: |_, _| {},
    generated: |index| {
        let account = 900_000_000_000_u64 + index as u64;
        json!({
            "name": format!("generated-registry-connector-{index:05}"),
            "arn": format!("arn:aws:iam::{account}:role/QualysRegistry"),
            "externalId": format!("{index:09}"),
            "accountType": "Global",
        })
    },
};

/// `GET /registry/aws/connectors`
pub(super) fn list_aws(call: &mut Call<'_>) -> Outcome {
    list(call, "AWS")
}

/// `GET /registry/acr/connectors`
pub(super) fn list_acr(call: &mut Call<'_>) -> Outcome {
    list(call, "ACR")
}

/// "Deletes an AWS ECR connector if it not associated with any registry."
pub(super) fn delete_aws(call: &mut Call<'_>) -> Outcome {
    const TAKEN: &[Field] = &[written("arn", Shape::Text(0))];
    delete(call, TAKEN, "AWS", &["aws", "arn"])
}

/// "Delete an ACR connector if it is not associated with any registry."
pub(super) fn delete_acr(call: &mut Call<'_>) -> Outcome {
    const TAKEN: &[Field] = &[written("connectorId", Shape::Text(0))];
    delete(call, TAKEN, "ACR", &["acr", "connectorId"])
}

fn list(call: &mut Call<'_>, of: &str) -> Outcome {
    if call.world.options.registry_connector_listing == RegistryConnectorListing::Off {
        return Err(Refusal::not_found(format!("There is no {}.", call.request.path)));
    }
    let all = call.world.as_searched(CONNECTOR.kind, 0);
    let shown: Vec<_> = all
        .iter()
        .filter(|record| record.text("type") == Some(of))
        .map(|record| Value::Object(record.object.clone()))
        .collect();
    page(call, &shown)
}

/// Registries keep what names their connector under the two words of `used`.
fn delete(call: &mut Call<'_>, taken: &[Field], of: &str, used: &[&str; 2]) -> Outcome {
    let [group, field] = *used;
    let taken: Vec<_> = taken.iter().collect();
    let given = body::object(call, &taken, &[field])?;
    let wanted = given[field].as_str().unwrap_or_default();
    let found = find(call, CONNECTOR.kind, field, wanted).filter(|record| record.text("type") == Some(of));
    let Some(id) = found.map(|record| record.id) else {
        return Err(Refusal::not_found(format!("There is no {of} connector with the {field} {wanted}.")));
    };
    let is_reached =
        |registry: &&Record| registry.object.get(group).is_some_and(|group| group[field] == given[field]);
    let used = call.world.store.starting_at(REGISTRY.kind, 0).map(AsRef::as_ref).find(is_reached);
    if let Some(registry) = used {
        let name = registry.text("registryName").unwrap_or_default();
        return Err(Refusal::new(
            412,
            format!("The connector {wanted} is associated with the registry {name}."),
        ));
    }
    call.world.remove(CONNECTOR.kind, id);
    Ok(bare(200))
}
