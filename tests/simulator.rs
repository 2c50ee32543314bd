//! What the simulator answers, held against the vendor's documents: their own samples with names and keys of our own.

#[path = "simulator/client.rs"]
mod client;

use client::{AWS, Remote};
use serde_json::{Value, json};

fn create_request(name: &str, account: &str) -> Value {
    let arn = format!("arn:aws:iam::{account}:role/QualysConnector");
    let app = |name: &str| json!({"set": {"ConnectorAppInfo": {"name": name, "identifier": arn}}});
    json!({"ServiceRequest": {"data": {"AwsAssetDataConnector": {
        "name": name,
        "description": "Connector created through API",
        "activation": {"set": {"ActivationModule": ["VM", "SCA"]}},
        "disabled": false,
        "arn": arn,
        "externalId": "US1-1368984-55500011",
        "allRegions": true,
        "runFrequency": 240,
        "isRemediationEnabled": true,
        "connectorAppInfos": {"set": {"ConnectorAppInfoQList": [app("AI"), app("CI"), app("CSA")]}},
    }}}})
}

#[tokio::test]
async fn a_connector_lives_from_create_to_delete_in_json() {
    let remote = Remote::example().await;
    let created = remote.json("create", AWS, create_request("payments", "123456789012")).await;
    assert_eq!(created["responseCode"], "SUCCESS", "{created}");
    let connector = &created["data"][0]["AwsAssetDataConnector"];
    assert_eq!(connector["connectorState"], "QUEUED");
    assert_eq!(connector["awsAccountId"], "");
    assert_eq!(connector["disabled"], "false");
    assert!(connector.get("cloudviewUuid").is_none(), "{connector}");
    let id = connector["id"].as_u64().unwrap();

    let found = remote.json("search", AWS, Value::Null).await;
    assert_eq!(found["count"], 4);
    assert_eq!(found["hasMoreRecords"], "false");

    let change = json!({"ServiceRequest": {"data": {"AwsAssetDataConnector": {"runFrequency": 120}}}});
    let updated = remote.json("update", &format!("{AWS}/{id}"), change).await;
    assert_eq!(updated["data"], json!([{"AwsAssetDataConnector": {"id": id}}]));

    let got = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
    let connector = &got["data"][0]["AwsAssetDataConnector"];
    assert_eq!(connector["runFrequency"], 120);
    assert_eq!(connector["description"], "Connector created through API");
    assert!(connector["cloudviewUuid"].is_string());

    let deleted = remote.json("delete", &format!("{AWS}/{id}"), Value::Null).await;
    assert_eq!(deleted["data"], json!([{"AwsAssetDataConnector": {"id": id}}]));
    let gone = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
    assert_eq!(gone["responseCode"], "OBJECT_NOT_FOUND");
}

#[tokio::test]
async fn a_tag_is_made_with_its_children() {
    let remote = Remote::example().await;
    let request = json!({"ServiceRequest": {"data": {"Tag": {
        "name": "Parent", "ruleType": "NAME_CONTAINS", "ruleText": "windows", "color": "#FFFFFF",
        "children": {"set": {"TagSimple": [{"name": "Child 1"}, {"name": "Child 2"}]}},
    }}}});
    let created = remote.json("create", "tag", request).await;
    let tag = &created["data"][0]["Tag"];
    let names: Vec<_> = tag["children"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|child| child["TagSimple"]["name"].clone())
        .collect();
    assert_eq!(names, ["Child 2", "Child 1"]);
    let id = tag["id"].as_u64().unwrap();
    let deleted = remote.json("delete", &format!("tag/{id}"), Value::Null).await;
    assert_eq!(deleted["responseCode"], "SUCCESS");
}

#[tokio::test]
async fn xml_is_taken_and_given_unless_json_is_asked_for() {
    let remote = Remote::example().await;
    let body = "<?xml version=\"1.0\"?><ServiceRequest><filters><Criteria field=\"name\" operator=\"EQUALS\">\
                prod-web</Criteria></filters></ServiceRequest>";
    let answer = remote.xml("search", AWS, body).await;
    assert!(answer.contains("<responseCode>SUCCESS</responseCode><count>1</count>"), "{answer}");
    assert!(answer.contains("<activation><list><ActivationModule>CLOUDVIEW</ActivationModule>"), "{answer}");
}
