//! Asset inventory: counting, searching and getting hosts.

use serde_json::{Value, json};

use crate::gateway::Gateway;

const COUNT: &str = "/rest/2.0/count/am/asset";
const SEARCH: &str = "/rest/2.0/search/am/asset";
const GET: &str = "/rest/2.0/get/am/asset";

async fn with(options: &[(&str, &str)]) -> Gateway {
    let gateway = Gateway::with(options).await;
    let hosts = json!([
        {"kind": "asset", "create": {"assetName": "web-1", "address": "10.0.0.1", "tags": ["web"], "oci": {"region": "us-ashburn-1"}}},
        {"kind": "asset", "create": {"assetName": "web-2", "address": "10.0.0.2", "oci": {"region": "us-ashburn-1"}}},
        {"kind": "asset", "create": {"assetName": "db-1", "provider": "AWS"}},
    ]);
    gateway.remote.control("POST", "/_sim/objects", hosts).await;
    gateway
}

fn filter(field: &str, operator: &str, value: &Value) -> Value {
    json!({"filters": [{"field": field, "operator": operator, "value": value}]})
}

fn names(found: &Value) -> Vec<&str> {
    let assets = found["assetListData"]["asset"].as_array().unwrap();
    assets.iter().map(|asset| asset["assetName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_documented_calls_are_answered_as_documented() {
    let gateway = with(&[]).await;
    let region = filter("oci.compute.canonicalRegionName", "EQUALS", &json!("us-ashburn-1"));
    let counted = gateway.json("POST", COUNT, &region).await;
    assert_eq!(
        counted,
        json!({"count": 2, "responseCode": "SUCCESS", "responseMessage": "Valid API Access"})
    );
    assert_eq!(gateway.last_effect().await, (false, false));
    let found = gateway.json("POST", SEARCH, &region).await;
    assert_eq!(names(&found), ["web-1", "web-2"]);
    let last =
        gateway.remote.control("GET", "/_sim/objects?kind=asset", Value::Null).await["objects"][1]["id"]
            .clone();
    assert_eq!(
        (&found["count"], &found["hasMore"], &found["lastSeenAssetId"]),
        (&json!(2), &json!(0), &last)
    );
    let first = &found["assetListData"]["asset"][0];
    assert_eq!(first["cloudProvider"]["oci"]["compute"]["region"], "us-ashburn-1");
    assert_eq!((&first["provider"], &first["tagList"]["tag"][0]["tagName"]), (&json!("OCI"), &json!("web")));

    for method in ["GET", "POST"] {
        let got = gateway.json(method, &format!("{GET}?assetId={last}"), &Value::Null).await;
        assert_eq!((names(&got), &got["lastSeenAssetId"]), (vec!["web-2"], &Value::Null));
    }
    assert_eq!(names(&gateway.json("POST", SEARCH, &Value::Null).await).len(), 3, "a body is not needed");
}

#[tokio::test]
async fn every_operator_finds_its_hosts() {
    let gateway = with(&[]).await;
    let objects = gateway.remote.control("GET", "/_sim/objects?kind=asset", Value::Null).await;
    let id = objects["objects"][1]["id"].clone();
    for (field, operator, value, expected) in [
        ("asset.id", "EQUALS", id.clone(), vec!["web-2"]),
        ("asset.id", "IN", json!(format!("{id}, 17")), vec!["web-2"]),
        ("asset.id", "NOT_EQUALS", id.clone(), vec!["web-1", "db-1"]),
        ("asset.id", "GREATER", id.clone(), vec!["db-1"]),
        ("asset.id", "LESSER", id.clone(), vec!["web-1"]),
        ("asset.id", "GREATER_THAN_EQUAL", id.clone(), vec!["web-2", "db-1"]),
        ("asset.id", "LESS_THAN_EQUAL", json!(id.to_string()), vec!["web-1", "web-2"]),
        ("asset.name", "CONTAINS", json!("-1"), vec!["web-1", "db-1"]),
        ("asset.name", "EQUALS", json!("db-1"), vec!["db-1"]),
        ("interfaces.address", "IN", json!("10.0.0.1,10.0.0.9"), vec!["web-1"]),
        ("oci.compute.canonicalRegionName", "NOT_EQUALS", json!("us-ashburn-1"), vec!["db-1"]),
    ] {
        let found = gateway.json("POST", SEARCH, &filter(field, operator, &value)).await;
        assert_eq!(names(&found), expected, "{field} {operator} {value}");
    }
}

#[tokio::test]
async fn a_search_is_narrowed_down_in_xml_too() {
    let gateway = with(&[]).await;
    let send = async |path: &str, criteria: &str| {
        let body =
            format!("<?xml version=\"1.0\"?><FilterRequest><filters>{criteria}</filters></FilterRequest>");
        let ask = gateway.ask("POST", path).header("Accept", "application/xml");
        ask.header("Content-Type", "application/xml").body(&body).send().await
    };
    let region = "<Criteria field=\"oci.compute.canonicalRegionName\" operator=\"EQUALS\"><value>us-ashburn-1</value></Criteria>";
    assert_eq!(names(&send(SEARCH, region).await.value()), ["web-1", "web-2"]);
    assert_eq!(send(COUNT, region).await.value()["count"], 2);
    let bare = "<Criteria field=\"asset.name\" operator=\"EQUALS\">db-1</Criteria>";
    assert_eq!(names(&send(SEARCH, bare).await.value()), ["db-1"]);
    assert_eq!(names(&send(SEARCH, "").await.value()).len(), 3);
    let refused = [
        ("<Filter/>", "Filter"),
        ("<Criteria operator=\"EQUALS\">x</Criteria>", "filters.field"),
        ("<Criteria field=\"asset.name\" operator=\"EQUALS\"/>", "filters.value"),
        (
            "<Criteria field=\"asset.name\" operator=\"EQUALS\"><value>a</value><value>b</value></Criteria>",
            "Criteria.value",
        ),
        ("<Criteria field=\"asset.name\" operator=\"EQUALS\" tag=\"x\">a</Criteria>", "tag"),
        ("<Criteria field=\"asset.name\"", "XML"),
    ];
    for (criteria, named) in refused {
        let answer = send(SEARCH, criteria).await;
        assert_eq!(answer.status, 400, "{criteria}: {answer:?}");
        assert!(answer.value()["message"].as_str().unwrap().contains(named), "{}", answer.body);
    }
    let text = gateway.ask("POST", SEARCH).header("Content-Type", "text/plain").body("{}").send().await;
    assert!(text.status == 400 && text.body.contains("application/xml"), "{text:?}");
}

#[tokio::test]
async fn pages_go_on_from_the_last_asset_that_was_seen() {
    let gateway = with(&[]).await;
    let first = gateway.json("POST", &format!("{SEARCH}?pageSize=2"), &json!({"filters": []})).await;
    assert_eq!((names(&first), &first["hasMore"]), (vec!["web-1", "web-2"], &json!(1)));
    let path = format!("{SEARCH}?pageSize=2&lastSeenAssetId={}", first["lastSeenAssetId"]);
    let second = gateway.json("POST", &path, &json!({"filters": []})).await;
    assert_eq!((names(&second), &second["hasMore"]), (vec!["db-1"], &json!(0)));
}

#[tokio::test]
async fn refusals_name_what_is_wrong() {
    let gateway = with(&[]).await;
    let cases = [
        (filter("asset.dnsName", "EQUALS", &json!("a")), "asset.dnsName"),
        (filter("asset.id", "EQUALS", &json!("web")), "asset.id"),
        (filter("asset.id", "CONTAINS", &json!("1")), "CONTAINS"),
        (filter("asset.name", "NOT EQUALS", &json!("1")), "NOT EQUALS"),
        (filter("interfaces.address", "EQUALS", &json!("web")), "interfaces.address"),
        (filter("asset.name", "EQUALS", &Value::Null), "filters.value"),
        (json!({"filters": [{"field": "asset.name", "value": "a"}]}), "filters.operator"),
        (json!({"filters": [{"operator": "EQUALS", "value": "a"}]}), "filters.field"),
        (json!({"ServiceRequest": {}}), "ServiceRequest"),
    ];
    for (body, named) in cases {
        gateway.refused("POST", SEARCH, &body, 400, named).await;
        gateway.refused("POST", COUNT, &body, 400, named).await;
    }
    for (query, named) in
        [("pageSize=301", "pageSize"), ("pageSize=0", "pageSize"), ("lastSeenAssetId=x", "lastSeenAssetId")]
    {
        gateway.refused("POST", &format!("{SEARCH}?{query}"), &Value::Null, 400, named).await;
    }
    gateway.refused("GET", GET, &Value::Null, 400, "assetId").await;
    gateway.refused("GET", &format!("{GET}?assetId=x"), &Value::Null, 400, "assetId").await;
}

#[tokio::test]
async fn nothing_found_looks_as_the_option_says() {
    for (value, status) in [("204", 204), ("empty_body", 200), ("zero", 200)] {
        let gateway = with(&[("inventory_empty", value)]).await;
        let nobody = filter("asset.name", "EQUALS", &json!("nobody"));
        for answer in [
            gateway.call("POST", SEARCH, &nobody).await,
            gateway.call("GET", &format!("{GET}?assetId=17"), &Value::Null).await,
        ] {
            assert_eq!((answer.status, answer.body.is_empty()), (status, value != "zero"), "{value}");
        }
        assert_eq!(gateway.json("POST", COUNT, &nobody).await["count"], 0, "a count always counts");
    }
}
