//! A host, as much of it as seeds need, and as answers show it.

use serde_json::{Value, json};

use crate::simulator::gateway::fields::{Field, Shape, Table, fill, own};
use crate::simulator::qps::uuid;
use crate::simulator::store::Record;
use crate::simulator::world::World;

/// A host. Its id is the platform's assetId.
pub(in super::super) static ASSET: Table = Table {
    kind: "asset",
    named_by: "assetName",
    single: false,
    fields: &[
        own("assetName", Shape::Text(0)),
        own("assetUUID", Shape::Text(0)),
        own("agentId", Shape::Text(0)),
        own("address", Shape::Text(0)),
        own("dnsName", Shape::Text(0)),
        own("operatingSystem", Shape::Text(0)),
        own("provider", Shape::Word(&["AWS", "AZURE", "GCP", "OCI"])),
        own("isContainerHost", Shape::Flag),
        own("createdDate", Shape::Text(0)),
        own("lastModifiedDate", Shape::Text(0)),
        own("sensorLastUpdatedDate", Shape::Text(0)),
        own("tags", Shape::List(&Shape::Of("tag"))),
        own("oci", Shape::Group(OCI)),
    ],
    complete: |_, id, object| {
        let provider = object.get("oci").map(|_| json!("OCI"));
        fill(
            object,
            [
                ("assetUUID", json!(uuid(id, 0xa55e))),
                ("isContainerHost", json!(false)),
                ("createdDate", json!(LONG_AGO)),
                ("lastModifiedDate", json!(LONG_AGO)),
                ("sensorLastUpdatedDate", json!(LONG_AGO)),
                ("tags", json!([])),
            ],
        );
        if let Some(provider) = provider {
            object.entry("provider").or_insert(provider);
        }
    },
    settled: |_, _| {},
    generated: |index| {
        json!({
            "assetName": format!("generated-host-{index:05}"),
            "operatingSystem": "Oracle Linux 7.9",
            "oci": {"region": "us-ashburn-1", "state": "RUNNING"},
        })
    },
};

/// Seeds hold fixed times, so that the same seed is the same subscription.
const LONG_AGO: &str = "2025-11-03T09:00:00.000Z";

/// What is known of a host in Oracle's cloud. `region` is what a search calls canonicalRegionName.
const OCI: &[Field] = &[
    own("ociId", Shape::Text(0)),
    own("tenantId", Shape::Text(0)),
    own("tenantName", Shape::Text(0)),
    own("compartmentId", Shape::Text(0)),
    own("compartmentName", Shape::Text(0)),
    own("image", Shape::Text(0)),
    own("shape", Shape::Text(0)),
    own("state", Shape::Text(0)),
    own("region", Shape::Text(0)),
    own("availabilityDomain", Shape::Text(0)),
    own("faultDomain", Shape::Text(0)),
    own("creationDate", Shape::Text(0)),
    own("hasAgent", Shape::Flag),
    own("qualysScanner", Shape::Flag),
];

/// What answers show of a host that the simulator knows nothing about.
const NULLS: &[&str] = &[
    "hostId",
    "netbiosName",
    "timeZone",
    "biosDescription",
    "lastBoot",
    "totalMemory",
    "cpuCount",
    "lastLoggedOnUser",
    "hwUUID",
    "biosSerialNumber",
    "biosAssetTag",
    "hardware",
    "userAccountListData",
    "openPortListData",
    "volumeListData",
    "networkInterfaceListData",
    "softwareListData",
    "agent",
    "container",
    "activity",
    "serviceList",
    "lastLocation",
    "businessInformation",
    "assignedLocation",
    "businessAppListData",
    "processor",
];

pub(super) fn show(world: &World, record: &Record) -> Value {
    let kept = |name: &str| record.object.get(name).cloned().unwrap_or_default();
    let mut shown = json!({
        "assetId": record.id,
        "assetType": "HOST",
        "operatingSystem": record.text("operatingSystem").map(|name| json!({"osName": name, "fullName": name})),
        "cloudProvider": cloud(record),
        "sensor": {
            "activatedForModules": [],
            "pendingActivationForModules": [],
            "lastVMScan": 0,
            "lastComplianceScan": 0,
            "lastFullScan": 0,
        },
        "inventory": {"source": record.text("provider")},
        "tagList": {"tag": tags(world, record)},
        "criticality": {"score": 2, "isDefault": true, "lastUpdated": null},
    });
    let known = [
        "assetName",
        "assetUUID",
        "agentId",
        "address",
        "dnsName",
        "provider",
        "isContainerHost",
        "createdDate",
        "lastModifiedDate",
        "sensorLastUpdatedDate",
    ];
    for name in known {
        shown[name] = kept(name);
    }
    for name in NULLS {
        shown[name] = Value::Null;
    }
    shown
}

fn cloud(record: &Record) -> Value {
    let Some(kept) = record.object.get("oci") else { return Value::Null };
    let mut compute = json!({"hasAgent": false, "qualysScanner": false});
    for field in OCI {
        let value = kept.get(field.name).cloned();
        let flag = matches!(field.shape, Shape::Flag);
        if let Some(value) = value.or((!flag).then_some(Value::Null)) {
            compute[field.name] = value;
        }
    }
    json!({"aws": null, "azure": null, "gcp": null, "oci": {"compute": compute, "tags": [], "vnic": null}})
}

fn tags(world: &World, record: &Record) -> Vec<Value> {
    let ids = record.object.get("tags").and_then(Value::as_array).into_iter().flatten();
    let shown = ids.filter_map(Value::as_u64).map(|id| {
        json!({
            "tagId": id,
            "tagName": world.store.tags().name(id),
            "foregroundColor": 0,
            "backgroundColor": 0,
            "businessImpact": null,
            "criticalityScore": null,
        })
    });
    shown.collect()
}
