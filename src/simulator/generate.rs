//! Generated objects, in plain form: the same ones every time.

use serde_json::{Value, json};

use super::seed::LONG_AGO;

/// The object of that number, counted from 1.
pub(crate) fn object(kind: &str, index: usize) -> Value {
    match kind {
        "tag" => tag(index),
        "azure" => connector("generated-azure", index, azure(index)),
        "gcp" => connector("generated-gcp", index, gcp(index)),
        "oci" => connector("generated-oci", index, oci(index)),
        _ => connector("generated", index, aws(index)),
    }
}

fn tag(index: usize) -> Value {
    let name = format!("generated-tag-{index:05}");
    json!({"name": name, "color": "#808080", "created": LONG_AGO, "modified": LONG_AGO})
}

/// What is the same for all clouds, and the cloud's own.
fn connector(name: &str, index: usize, own: Value) -> Value {
    let mut object = json!({
        "name": format!("{name}-{index:05}"),
        "description": format!("Generated connector {index}"),
        "connectorAppInfos": ["AI", "CI", "CSA"],
        "runFrequency": 240,
        "connectorState": "FINISHED_SUCCESS",
        "lastSync": LONG_AGO,
        "nextSync": "2025-11-03T13:00:00Z",
    });
    if let (Value::Object(object), Value::Object(own)) = (&mut object, own) {
        object.extend(own);
    }
    object
}

fn aws(index: usize) -> Value {
    json!({
        "arn": format!("arn:aws:iam::{}:role/QualysConnector", 900_000_000_000_u64 + index as u64),
        "externalId": format!("US1-1368984-{index:08}"),
        "activation": ["VM", "SCA"],
        "allRegions": true,
    })
}

/// One application in one directory, as many subscriptions as asked for.
fn azure(index: usize) -> Value {
    json!({
        "activation": ["VM", "SCA"],
        "authRecord": {
            "applicationId": "a2000000-0000-4000-8000-000000000001",
            "directoryId": "d1000000-0000-4000-8000-000000000001",
            "subscriptionId": format!("90000000-0000-4000-8000-{index:012x}"),
            "authenticationKey": "generated-application-key",
        },
        "subscriptionName": format!("generated subscription {index}"),
    })
}

fn gcp(index: usize) -> Value {
    json!({"authRecord": {"projectId": format!("generated-{index:05}")}})
}

fn oci(index: usize) -> Value {
    json!({
        "homeRegion": "eu-frankfurt-1",
        "authRecord": {
            "tenantId": format!("ocid1.tenancy.oc1..generated{index:05}"),
            "userId": format!("ocid1.user.oc1..generated{index:05}"),
            "fingerprint": "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
            "privateKey": "-----BEGIN PRIVATE KEY-----\nZ2VuZXJhdGVk\n-----END PRIVATE KEY-----",
        },
    })
}
