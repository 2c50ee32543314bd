//! The answers of the asset inventory, after the samples of the GAV/CSAM release notes 2.6.
//!
//! The client counts, and nothing else: what the other two calls answer holds the same count among the rest.

use super::*;
use trueup::resource::Filter;

/// A host in the form of the sample of get: most of what can be known of it is null.
fn host() -> Value {
    let unknown =
        json!({"fullName": "Unknown", "category": "Unknown", "lifecycle": {"gaDate": null, "stage": ""}});
    json!({
        "assetId": 42_000_017, "assetUUID": "0d0c0b0a-2222-4222-8333-444455556666", "hostId": null, "agentId": null,
        "lastModifiedDate": "2031-11-30T14:05:02.000Z", "createdDate": "2031-11-30T14:05:01.000Z",
        "sensorLastUpdatedDate": "2031-11-30T14:05:02.000Z", "assetType": "HOST", "address": null, "dnsName": null,
        "assetName": "night-batch", "timeZone": null, "totalMemory": null, "cpuCount": null, "isContainerHost": false,
        "operatingSystem": unknown, "hardware": unknown, "userAccountListData": null, "openPortListData": null,
        "provider": "OCI",
        "cloudProvider": {"aws": null, "azure": null, "gcp": null, "oci": {
            "compute": {
                "ociId": "ocid1.instance.oc1.us-sanjose-1.example", "tenantId": "ocid1.tenancy.oc1..example",
                "state": "TERMINATED", "region": "us-sanjose-1", "availabilityDomain": "Xmpl:US-SANJOSE-1-AD-1",
                "creationDate": 1_638_271_328_000_u64, "hasAgent": false, "qualysScanner": false,
            },
            "tags": [{"key": "CreatedBy", "value": "batch", "type": "DEFINED", "nameSpace": "Oracle-Tags"}],
            "vnic": null,
        }},
        "sensor": {"activatedForModules": [], "pendingActivationForModules": [], "lastVMScan": 0},
        "inventory": {"source": "ORACLE", "created": 1_638_281_101_000_u64, "lastUpdated": 1_638_281_102_000_u64},
        "tagList": {"tag": [{"tagId": 71, "tagName": "edge", "foregroundColor": 0, "criticalityScore": null}]},
        "criticality": {"score": 2, "isDefault": true, "lastUpdated": null}, "processor": null,
    })
}

/// The sample of search writes the day of creation in another way, and knows more of the host.
fn found() -> Value {
    let host = changed(
        host(),
        json!({"address": "10.0.8.17", "lastBoot": "2031-11-23T21:18:19.000Z", "totalMemory": 15467,
            "processor": {"description": "EPYC", "speed": null, "numCPUs": 2}}),
    );
    let compute = json!({"region": "us-ashburn-1", "creationDate": "2031-11-23 21:02:21", "hasAgent": true});
    changed(host, json!({"cloudProvider": {"oci": {"compute": compute, "tags": []}}}))
}

fn page(last: Value, host: Value) -> Value {
    json!({"responseMessage": "Valid API Access", "count": 1, "responseCode": "SUCCESS", "lastSeenAssetId": last,
        "hasMore": 0, "assetListData": {"asset": [host]}})
}

#[tokio::test]
async fn every_sample_of_an_answer_is_a_count() {
    let filters =
        json!([{"field": "oci.compute.canonicalRegionName", "operator": "EQUALS", "value": "us-ashburn-1"}]);
    let filters: Vec<Filter> = serde_json::from_value(filters).unwrap();
    for (sample, answer, count) in [
        (
            "count",
            json!({"count": 850, "responseCode": "SUCCESS", "responseMessage": "Valid API Access"}),
            850,
        ),
        ("get", page(Value::Null, host()), 1),
        ("search", page(json!(42_000_017), found()), 1),
    ] {
        let stub = Stub::plays([reply(201, "a.b.c"), reply(200, answer.to_string())]).await;
        assert_eq!(stub.reader().count_assets(&filters).await.unwrap(), count, "{sample}");
    }
}
