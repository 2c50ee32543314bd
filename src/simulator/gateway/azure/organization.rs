//! What an organization connector holds, and how its runs go.

use serde_json::{Value, json};

use super::MEMBER;
use crate::simulator::gateway::clock;
use crate::simulator::gateway::fields::{Field, Shape, Table, fill, own, written};
use crate::simulator::options::States;
use crate::simulator::qps::uuid;
use crate::simulator::store::{Object, Record};
use crate::simulator::world::World;

/// An organization connector, its fields named as calls give them; answers have other names for some.
pub(in super::super) static ORGANIZATION: Table = Table {
    kind: "azure_organization",
    named_by: "name",
    single: false,
    fields: FIELDS,
    complete: |_, id, object| complete(id, object),
    settled,
    generated,
};

const FIELDS: &[Field] = &[
    written("name", Shape::Text(0)),
    written("description", Shape::Text(0)),
    written(
        "connectorAppInfos",
        Shape::List(&Shape::Group(&[
            written("name", Shape::Word(&["AI", "CI", "CSA"])),
            written("identifier", Shape::Checked(check_uuid)),
            written("tagId", Shape::Of("tag")),
        ])),
    ),
    written("isRemediationEnabled", Shape::Flag),
    written("tenantName", Shape::Text(0)),
    written("tenantId", Shape::Checked(check_uuid)),
    written("applicationId", Shape::Checked(check_uuid)),
    written("secretValue", Shape::Text(0)),
    written("orgRunFrequency", Shape::Frequency),
    written("connectorPrefixName", Shape::Text(30)),
    written("connectorRunFrequency", Shape::Frequency),
    written("excludedMem", Shape::List(&Shape::Text(0))),
    written("includedMem", Shape::List(&Shape::Text(0))),
    written("isCreateConnectorForNewSubscriptionsAutomatically", Shape::Flag),
    written("isDisableConnectorsForDeletedManagementGroups", Shape::Flag),
    written("autoActivateCV", Shape::Flag),
    written("autoActivateCertView", Shape::Flag),
    written("autoActivatePC", Shape::Flag),
    written("autoActivateSCA", Shape::Flag),
    written("autoActivateVM", Shape::Flag),
    written("defaultTagIds", Shape::List(&Shape::Of("tag"))),
    own("disabled", Shape::Flag),
    own(
        "state",
        Shape::Word(&[
            "PENDING",
            "RUNNING",
            "FINISHED_SUCCESS",
            "FINISHED_ERRORS",
            "SUCCESS",
            "ERROR",
            "QUEUED",
        ]),
    ),
    own("uuid", Shape::Text(0)),
    own("organizationId", Shape::Text(0)),
    own("createdBy", Shape::Text(0)),
    own("lastSynced", Shape::Text(0)),
    own("lastSuccessfulSync", Shape::Text(0)),
    own("nextSync", Shape::Text(0)),
    own("lastError", Shape::Text(0)),
    own("members", Shape::List(&Shape::Of(MEMBER))),
    own(
        "errors",
        Shape::List(&Shape::Group(&[own("errorMsg", Shape::Text(0)), own("created", Shape::Text(0))])),
    ),
];

/// Seeds hold fixed times, so that the same seed is the same subscription.
const LONG_AGO: &str = "2025-11-03T09:00:00.000+00:00";

/// What a create and an edit need.
pub(super) const REQUIRED: &[&str] = &[
    "name",
    "connectorAppInfos",
    "tenantName",
    "tenantId",
    "applicationId",
    "secretValue",
    "orgRunFrequency",
    "connectorPrefixName",
    "connectorRunFrequency",
];

/// A field and the value that it has when a create leaves it out.
type Omitted = (&'static str, fn() -> Value);

/// What an edit may leave out.
pub(super) const OPTIONAL: &[Omitted] = &[
    ("description", || Value::Null),
    ("isRemediationEnabled", || json!(false)),
    ("excludedMem", || json!([])),
    ("includedMem", || json!([])),
    ("isCreateConnectorForNewSubscriptionsAutomatically", || json!(false)),
    ("isDisableConnectorsForDeletedManagementGroups", || json!(false)),
    ("autoActivateCV", || json!(false)),
    ("autoActivateCertView", || json!(false)),
    ("autoActivatePC", || json!(false)),
    ("autoActivateSCA", || json!(false)),
    ("autoActivateVM", || json!(false)),
    ("defaultTagIds", || json!([])),
];

/// Azure's own identifiers.
pub(super) fn check_uuid(text: &str) -> Result<(), &'static str> {
    match uuid::Uuid::try_parse(text) {
        Ok(_) if text.len() == 36 => Ok(()),
        _ => Err("a UUID such as 8f6c0d1e-0000-4000-8000-000000000001"),
    }
}

/// What the platform gives every connector by itself.
pub(super) fn give(id: u64, object: &mut Object) {
    fill(
        object,
        [
            ("disabled", json!(false)),
            ("uuid", json!(uuid(id, 0x0a2e))),
            ("organizationId", json!(uuid(id, 0x0a26))),
            ("createdBy", json!("Simulator")),
            ("members", json!([])),
        ],
    );
    for (name, value) in OPTIONAL {
        object.entry(*name).or_insert_with(value);
    }
}

/// "The state is PENDING" after a create and after an edit, and when a connector is marked for running.
pub(super) fn requeue(object: &mut Object) {
    synced(object);
    object.insert("state".to_owned(), json!("PENDING"));
}

/// What becomes of a connector because it was looked at: time passes here by looking.
pub(super) fn seen(world: &mut World, id: u64) {
    let Some(record) = world.store.get(ORGANIZATION.kind, id).cloned() else { return };
    let Some(state @ ("PENDING" | "QUEUED" | "RUNNING")) = record.text("state") else { return };
    let states = world.options.states;
    if states == States::Frozen {
        return;
    }
    let needed = world.options.state_reads;
    let reads = world.reads.entry((ORGANIZATION.kind, record.id)).or_default();
    *reads += 1;
    if *reads < needed {
        return;
    }
    let mut object = record.object.clone();
    if state == "RUNNING" {
        finish(&mut object, states);
    } else {
        object.insert("state".to_owned(), json!("RUNNING"));
    }
    world.put(ORGANIZATION.kind, Record { id: record.id, object });
}

/// Minutes of a field of hours and minutes.
pub(super) fn minutes(object: &Object, field: &str) -> u64 {
    let part = |name: &str| object.get(field).and_then(|parts| parts[name].as_u64()).unwrap_or(0);
    part("hours").saturating_mul(60).saturating_add(part("minutes"))
}

fn synced(object: &mut Object) {
    let next = clock::stamp(minutes(object, "orgRunFrequency"));
    for (name, time) in
        [("lastSynced", clock::stamp(0)), ("lastSuccessfulSync", clock::stamp(0)), ("nextSync", next)]
    {
        object.insert(name.to_owned(), json!(time));
    }
}

fn finish(object: &mut Object, states: States) {
    let succeeded = object.get("lastSuccessfulSync").cloned().unwrap_or_default();
    synced(object);
    if states == States::Errors {
        let message =
            "An exception occurred while running Org Connector. Contact support to resolve the issue.";
        object.insert("lastSuccessfulSync".to_owned(), succeeded);
        object.insert("lastError".to_owned(), json!(message));
        object.insert("errors".to_owned(), json!([{"errorMsg": message, "created": clock::stamp(0)}]));
        object.insert("state".to_owned(), json!("FINISHED_ERRORS"));
    } else {
        object.remove("lastError");
        object.remove("errors");
        object.insert("state".to_owned(), json!("FINISHED_SUCCESS"));
    }
}

fn complete(id: u64, object: &mut Object) {
    let name = object.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let tenant = uuid(id, 0x7e4a);
    let apps = ["AI", "CI", "CSA"].map(|name| json!({"name": name}));
    fill(
        object,
        [
            ("tenantName", json!(name)),
            ("tenantId", json!(tenant)),
            ("applicationId", json!(uuid(id, 0xa661))),
            ("secretValue", json!("")),
            ("connectorPrefixName", json!(name.chars().take(30).collect::<String>())),
            ("connectorAppInfos", json!(apps)),
            ("orgRunFrequency", json!({"hours": 4, "minutes": 0})),
            ("connectorRunFrequency", json!({"hours": 4, "minutes": 0})),
            ("state", json!("FINISHED_SUCCESS")),
            ("lastSynced", json!(LONG_AGO)),
            ("lastSuccessfulSync", json!(LONG_AGO)),
            ("nextSync", json!(LONG_AGO)),
        ],
    );
    identify(object);
    give(id, object);
}

/// Capabilities that name no identifier have the tenant's.
pub(super) fn identify(object: &mut Object) {
    let tenant = object.get("tenantId").cloned().unwrap_or_default();
    if let Some(Value::Array(apps)) = object.get_mut("connectorAppInfos") {
        for app in apps.iter_mut().filter_map(Value::as_object_mut) {
            app.entry("identifier").or_insert_with(|| tenant.clone());
            app.entry("tagId").or_insert(Value::Null);
        }
    }
}

/// The members of a seed's connector know that they are members.
fn settled(world: &mut World, record: &Record) {
    for id in super::members::ids(record) {
        super::members::mark(world, id, true, 0);
    }
}

fn generated(index: usize) -> Value {
    json!({
        "name": format!("generated-organization-{index:05}"),
        "description": format!("Generated organization connector {index}"),
        "tenantName": format!("Generated {index}"),
        "tenantId": uuid(index as u64, 0x7e4a),
        "applicationId": uuid(index as u64, 0xa661),
        "connectorPrefixName": format!("generated-{index:05}"),
        "includedMem": ["Production"],
    })
}
