//! One connector, two ways to it: CloudView 1.x and Connectors 3.0.

use serde_json::{Value, json};
use trueup::simulator::{Seed, Settings};

use crate::client::{self, Remote};
use crate::cloudview_connectors::{AWS, AZURE, GCP, aws, azure, form, gcp_form};
use crate::gateway::Gateway;
use crate::samples;

#[tokio::test]
async fn what_is_made_here_is_there_in_connectors_3_0() {
    let gateway = Gateway::with(&[]).await;
    let remote = &gateway.remote;
    let made = gateway.json("POST", AWS, &aws()).await;
    let id = remote.id("aws", "payments").await;
    let there = async || {
        let read = remote.json("get", &format!("{}/{id}", client::AWS), Value::Null).await;
        read["data"][0]["AwsAssetDataConnector"].clone()
    };
    let seen = there().await;
    assert_eq!(seen["cloudviewUuid"], made["connectorId"]);
    assert_eq!(seen["arn"], aws()["arn"]);
    assert_eq!((&seen["runFrequency"], &seen["description"]), (&json!(61), &json!("Sample External ID")));
    assert_eq!(seen["isRemediationEnabled"], "false");
    assert!(seen.get("cloudviewSync").is_none() && seen.get("saidGovCloud").is_none());

    let mut body = aws();
    (body["name"], body["remediationEnabled"]) = (json!("renamed"), json!(true));
    let path = format!("{AWS}/{}", made["connectorId"].as_str().unwrap());
    gateway.json("PUT", &path, &body).await;
    let ids = json!([made["connectorId"]]);
    gateway.json("PATCH", &format!("{AWS}/connectors/disable"), &ids).await;
    let seen = there().await;
    assert_eq!((&seen["name"], &seen["isRemediationEnabled"]), (&json!("renamed"), &json!("true")));
    assert_eq!((&seen["disabled"], &seen["connectorState"]), (&json!("true"), &json!("DISABLED")));

    gateway.json("DELETE", AWS, &ids).await;
    let gone = remote.json("get", &format!("{}/{id}", client::AWS), Value::Null).await;
    assert_eq!(gone["responseCode"], "OBJECT_NOT_FOUND");
}

#[tokio::test]
async fn what_is_made_here_is_a_seed_for_the_next_simulator() {
    let gateway = Gateway::with(&[("states", "frozen")]).await;
    gateway.json("POST", AWS, &aws()).await;
    gateway.json("POST", AZURE, &azure()).await;
    assert_eq!(form(&gateway, "POST", GCP, &gcp_form()).await.status, 200);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("seed.json");
    let objects = gateway.remote.control("GET", "/_sim/objects", Value::Null).await;
    std::fs::write(&path, objects.to_string()).unwrap();
    let next =
        Gateway::of(Remote::on(Settings { seed: Seed::File(path), ..Settings::default() }).await).await;
    for base in [AWS, AZURE, GCP] {
        let list = format!("{base}?pageNo=0&pageSize=50&filter=state:PENDING");
        let (before, after) =
            (gateway.json("GET", &list, &Value::Null).await, next.json("GET", &list, &Value::Null).await);
        assert_eq!(before["totalElements"], 1, "{base}");
        let (mut before, after) = (before["content"][0].clone(), after["content"][0].clone());
        if base == AZURE {
            // A seed has had its first contact with the cloud.
            before["subscriptionName"] = after["subscriptionName"].clone();
        }
        assert_eq!(before, after);
    }
}

#[tokio::test]
async fn what_is_made_in_connectors_3_0_is_here() {
    let gateway = Gateway::with(&[]).await;
    let remote = &gateway.remote;
    let mut object = samples::connector("ledger", "arn:aws-us-gov:iam::123456789012:role/Ledger");
    object["externalId"] = json!("1606011692837");
    let created = remote.json("create", client::AWS, samples::request(&object)).await;
    let id = created["data"][0]["AwsAssetDataConnector"]["id"].as_u64().unwrap();
    let listed =
        gateway.json("GET", &format!("{AWS}?pageNo=0&pageSize=50&filter=name:ledger"), &Value::Null).await;
    assert_eq!(listed["totalElements"], 1);
    let here = &listed["content"][0];
    assert_eq!(here["connectorId"], remote.plain("aws", id).await["cloudviewUuid"]);
    assert_eq!((&here["isGovCloud"], &here["isChinaRegion"]), (&json!(true), &json!(false)));
    assert_eq!((&here["remediationEnabled"], &here["baseAccountId"]), (&json!(true), &json!("100020003002")));
    assert!(here.get("lastSyncedOn").is_none(), "it never ran");
    // "All previously created connectors will continue to work as configured."
    assert_eq!(here["externalId"], "1606011692837");

    let path = format!("{AWS}/{}", here["connectorId"].as_str().unwrap());
    let update = json!({"name": "ledger two", "disabled": true, "runFrequency": 120});
    remote.json("update", &format!("{}/{id}", client::AWS), samples::request(&update)).await;
    let read = gateway.json("GET", &path, &Value::Null).await;
    assert_eq!((&read["name"], &read["isDisabled"]), (&json!("ledger two"), &json!(true)));
    assert_eq!(read["pollingFrequency"], json!({"hours": 2, "minutes": 0}));
    remote.json("delete", &format!("{}/{id}", client::AWS), Value::Null).await;
    assert_eq!(gateway.call("GET", &path, &Value::Null).await.status, 404);
}
