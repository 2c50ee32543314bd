//! How answers show connectors: an organization connector in three ways, each with names of its own, and a member.

use serde_json::{Map, Value, json};

use super::members;
use super::organization::minutes;
use crate::simulator::gateway::service::Call;
use crate::simulator::store::Record;
use crate::simulator::world::World;

/// The user's UUID.
const USER: &str = "c7d1f0a2-6b38-4e0f-9a44-1d5e83b7c920";

/// As create, edit and get show it.
pub(super) fn detail(call: &Call<'_>, record: &Record) -> Value {
    let mut shown = json!({
        "id": record.id,
        "lastError": null,
        "type": "AZURE",
        "customerId": call.world.options.subscription,
        "userUuid": USER,
        "userName": call.shared.account.username,
        "connectorAppInfos": apps(call.world, record),
        "connectorCapabilities": capabilities(record),
        "deleted": false,
    });
    copy(
        record,
        &mut shown,
        &[
            ("name", "name"),
            ("description", "description"),
            ("uuid", "uuid"),
            ("orgRunFrequency", "orgRunFrequency"),
            ("connectorRunFrequency", "connectorRunFrequency"),
            ("lastSynced", "lastSynced"),
            ("nextSync", "nextSync"),
            ("lastError", "lastError"),
            ("state", "state"),
            ("connectorPrefixName", "connectorPrefixName"),
            ("defaultTagIds", "defaultTagIds"),
            ("lastSuccessfulSync", "lastSuccessfulSync"),
            ("createdBy", "createdBy"),
            ("organizationId", "organizationId"),
            ("tenantId", "tenantId"),
            ("applicationId", "applicationId"),
            ("autoActivateVM", "autoActivateVM"),
            ("autoActivatePC", "autoActivatePC"),
            ("autoActivateSCA", "autoActivateSCA"),
            ("autoActivateCertView", "autoActivateCertView"),
            ("autoActivateCV", "autoActivateCV"),
            ("includedMem", "includedMem"),
            ("excludedMem", "excludedMem"),
            (
                "isCreateConnectorForNewSubscriptionsAutomatically",
                "createConnectorForNewSubscriptionsAutomatically",
            ),
            ("isDisableConnectorsForDeletedManagementGroups", "disableConnectorsForDeletedManagementGroups"),
            ("disabled", "disabled"),
            ("isRemediationEnabled", "remediationEnabled"),
        ],
    );
    shown
}

/// As the list shows it.
pub(super) fn item(world: &World, record: &Record) -> Value {
    let mut capabilities = capabilities(record);
    capabilities.reverse();
    let mut shown = json!({
        "id": record.id,
        "type": "AZURE",
        "connectorCapabilities": capabilities,
        "numberOfConnectorsAttached": members::of(world, record).count(),
    });
    let same = ["organizationId", "name", "uuid", "state", "lastSynced"];
    copy(record, &mut shown, &same.map(|name| (name, name)));
    shown
}

/// As the status call and the list of valid ones show it.
pub(super) fn status(call: &Call<'_>, record: &Record) -> Value {
    let mut shown = json!({
        "id": record.id,
        "runFrequency": minutes(&record.object, "orgRunFrequency").to_string(),
        "connectorRunFrequency": minutes(&record.object, "connectorRunFrequency").to_string(),
        "customerId": call.world.options.subscription,
        "userUuid": USER,
        "userName": call.shared.account.username,
        "type": "AZURE",
        "lastError": null,
        "isDeleted": false,
        "isAssignStaticTagToAssetsPulledByThatConnector": false,
        "isAssignStaticTagToConnectors": false,
        "connectorAppInfos": apps(call.world, record),
        "memberConfigurations": groups(record),
        "createStaticTagsForManagementGroups": false,
    });
    copy(
        record,
        &mut shown,
        &[
            ("organizationId", "organizationId"),
            ("name", "name"),
            ("connectorPrefixName", "connectorPrefixName"),
            ("lastSynced", "lastSynced"),
            ("lastError", "lastError"),
            ("disabled", "isDisabled"),
            ("description", "description"),
            ("state", "state"),
            ("nextSync", "nextSync"),
            ("isRemediationEnabled", "isRemediationEnabled"),
            ("name", "organizationName"),
            ("uuid", "uuid"),
            ("defaultTagIds", "defaultTagIds"),
            (
                "isCreateConnectorForNewSubscriptionsAutomatically",
                "createConnectorForNewSubscriptionsAutomatically",
            ),
            ("isDisableConnectorsForDeletedManagementGroups", "disableConnectorsForDeletedManagementGroups"),
        ],
    );
    shown
}

/// The management groups that an organization connector is for.
pub(super) fn groups(record: &Record) -> Value {
    let field = |name: &str| record.object.get(name).cloned().unwrap_or_else(|| json!([]));
    json!({"includedMembers": field("includedMem"), "excludedMembers": field("excludedMem")})
}

/// A connector of one subscription, and the organization connector that it is shown to belong to.
pub(super) fn member(call: &Call<'_>, record: &Record, organization: Option<&Record>) -> Value {
    let text = |name: &str| record.text(name);
    let modules = record.object.get("activation").and_then(Value::as_array).into_iter().flatten();
    let modules: Vec<_> = modules
        .filter_map(Value::as_str)
        .map(|module| match module {
            "VM" | "PC" => format!("QWEB_{module}"),
            other => other.to_owned(),
        })
        .collect();
    let included = organization.and_then(|record| record.object.get("includedMem")?.get(0)?.as_str());
    let parent = included.map(|group| format!("/providers/Microsoft.Management/managementGroups/{group}"));
    json!({
        "id": record.id,
        "uuid": text("cloudviewUuid"),
        "customerId": call.world.options.subscription,
        "userUuid": USER,
        "username": call.shared.account.username,
        "name": text("name"),
        "description": text("description").unwrap_or_default(),
        "defaultTagIds": record.object.get("defaultTags"),
        "state": text("connectorState"),
        "cloudType": "AZURE",
        "isRemediationEnabled": record.flag("isRemediationEnabled"),
        "isDisabled": record.flag("disabled"),
        "isDeleted": record.flag("isDeleted"),
        "scanUuid": null,
        "activatedModules": modules,
        "connectorAppInfos": apps(call.world, record),
        "lastSynced": text("lastSync"),
        "isAttachedToOrgConnector": organization.is_some(),
        "organizationId": organization.and_then(|record| record.text("organizationId")),
        "organizationConnectorId": organization.map(|record| record.id),
        "parentId": parent,
    })
}

/// Copies fields under the names that an answer has for them.
fn copy(record: &Record, shown: &mut Value, names: &[(&str, &str)]) {
    for (field, name) in names {
        if let Some(value) = record.object.get(*field) {
            shown[name] = value.clone();
        }
    }
}

fn capabilities(record: &Record) -> Vec<Value> {
    let apps = record.object.get("connectorAppInfos").and_then(Value::as_array).into_iter().flatten();
    apps.map(|app| app["name"].clone()).collect()
}

fn apps(world: &World, record: &Record) -> Vec<Value> {
    let apps = record.object.get("connectorAppInfos").and_then(Value::as_array).into_iter().flatten();
    let shown = apps.map(|app| {
        let tag = app["tagId"].as_u64();
        let mut shown = Map::new();
        shown.insert("name".to_owned(), app["name"].clone());
        shown.insert("identifier".to_owned(), app["identifier"].clone());
        shown.insert("tagId".to_owned(), json!(tag));
        let metadata = tag.map(|id| json!({"id": id, "name": world.store.tags().name(id)}));
        shown.insert("tagMetadata".to_owned(), json!(metadata));
        Value::Object(shown)
    });
    shown.collect()
}
