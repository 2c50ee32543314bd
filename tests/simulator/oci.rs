//! OCI connectors: the guide's samples re-made, what is refused, and the options that concern them.

use serde_json::{Value, json};

use crate::client::{OCI, Remote, changed, request_of};
use crate::refusals::check_refused;

pub(crate) const TENANCY: &str = "ocid1.tenancy.oc1..aaaabbbbccccdddd";
const USER: &str = "ocid1.user.oc1..eeeeffffgggghhhh";
const FINGERPRINT: &str = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----";

/// The sample of Create OCI Connector, with one `isRemediationEnabled` for its two.
pub(crate) fn connector() -> Value {
    let app = |name: &str| json!({"name": name, "identifier": TENANCY, "tagId": ""});
    json!({
        "homeRegion": "us-ashburn-1",
        "runFrequency": 240,
        "isRemediationEnabled": true,
        "name": "ledger",
        "description": "The main ledger",
        "disabled": false,
        "isGovCloudConfigured": true,
        "isCPSEnabled": true,
        "authRecord": {
            "tenantId": TENANCY,
            "userId": USER,
            "fingerprint": FINGERPRINT,
            "privateKey": KEY,
            "passphrase": "not-a-real-passphrase",
        },
        "connectorAppInfos": {"set": {"ConnectorAppInfoQList": {"set": {"ConnectorAppInfo": [app("AI"), app("CI"), app("CSA")]}}}},
    })
}

pub(crate) fn request(object: &Value) -> Value {
    request_of("OciAssetDataConnector", object)
}

async fn create(remote: &Remote) -> u64 {
    let created = remote.json("create", OCI, request(&connector())).await;
    assert_eq!(created["responseCode"], "SUCCESS", "{created}");
    let data = &created["data"];
    let object = data.get("OciAssetDataConnector").unwrap_or(&data[0]["OciAssetDataConnector"]);
    object["id"].as_u64().unwrap()
}

async fn get(remote: &Remote, id: u64) -> Value {
    remote.json("get", &format!("{OCI}/{id}"), Value::Null).await["data"]["OciAssetDataConnector"].take()
}

#[tokio::test]
async fn an_oci_connector_lives_from_create_to_delete_in_json() {
    let remote = Remote::example().await;
    let created = remote.json("create", OCI, request(&connector())).await;
    let id = created["data"]["OciAssetDataConnector"]["id"].as_u64().unwrap();
    let app = |name: &str| json!({"name": name, "identifier": TENANCY});
    assert_eq!(
        created,
        json!({"responseCode": "SUCCESS", "count": 1, "data": {"OciAssetDataConnector": {
            "id": id,
            "name": "ledger",
            "description": "The main ledger",
            "disabled": false,
            "isDeleted": false,
            "connectorAppInfos": {"list": {"ConnectorAppInfoQList": {"list": {"ConnectorAppInfo":
                [app("CSA"), app("CI"), app("AI")]}}}},
            "authRecord": {"tenantId": TENANCY},
        }}})
    );
    for _ in 0..2 {
        get(&remote, id).await;
    }
    let mut live = get(&remote, id).await;
    for told in ["lastSync", "nextSync", "cloudviewUuid"] {
        assert!(live.as_object_mut().unwrap().remove(told).is_some_and(|value| value.is_string()), "{told}");
    }
    let object = |name: &str| json!({"list": {"ConnectorAppInfo": app(name)}});
    assert_eq!(
        live,
        json!({
            "id": id,
            "name": "ledger",
            "description": "The main ledger",
            "connectorState": "FINISHED_SUCCESS",
            "type": "OCI",
            "disabled": false,
            "isGovCloudConfigured": false,
            "isDeleted": false,
            "runFrequency": 240,
            "isRemediationEnabled": true,
            "isCPSEnabled": false,
            "connectorAppInfos": {"list": {"ConnectorAppInfoQList": [object("CSA"), object("CI"), object("AI")]}},
            "isInstantAssessmentEnabled": false,
            "isSnapshotAssessmentEnabled": false,
            "homeRegion": "us-ashburn-1",
            "authRecord": {
                "tenantId": TENANCY, "userId": USER, "fingerprint": FINGERPRINT,
                "privateKey": KEY.replace('\n', "&#xd;\n"),
            },
        })
    );

    // Update answers with as much as create.
    let tag = remote.id("tag", "prod").await;
    let change = json!({"name": "ledger-2", "disabled": true, "defaultTags": {"set": {"TagSimple": {"id": tag}}},
        "connectorAppInfos": {"set": {"ConnectorAppInfoQList": {"set": {"ConnectorAppInfo":
            {"name": "AI", "identifier": TENANCY, "tagId": ""}}}}}});
    let mut updated = remote.json("update", &format!("{OCI}/{id}"), request(&change)).await;
    let shown = updated["data"]["OciAssetDataConnector"].as_object_mut().unwrap();
    assert!(shown.remove("lastSync").unwrap().is_string());
    assert_eq!(
        updated,
        json!({"responseCode": "SUCCESS", "count": 1, "data": {"OciAssetDataConnector": {
            "id": id, "name": "ledger-2", "description": "The main ledger", "disabled": true, "isDeleted": false,
            "connectorAppInfos": {"list": {"ConnectorAppInfoQList": {"list": {"ConnectorAppInfo": app("AI")}}}},
            "authRecord": {"tenantId": TENANCY},
        }}})
    );
    assert_eq!(get(&remote, id).await["defaultTags"]["list"][0]["TagSimple"]["id"], tag);
    check_refused(&remote.json("run", &format!("{OCI}/{id}"), Value::Null).await, "disabled");
    let id_alone =
        json!({"responseCode": "SUCCESS", "count": 1, "data": {"OciAssetDataConnector": {"id": id}}});
    remote.json("update", &format!("{OCI}/{id}"), request(&json!({"disabled": false}))).await;
    assert_eq!(remote.json("run", &format!("{OCI}/{id}"), Value::Null).await, id_alone);
    assert_eq!(remote.json("delete", &format!("{OCI}/{id}"), Value::Null).await, id_alone);
}

#[tokio::test]
async fn get_tells_the_color_of_a_capabilitys_tag() {
    let remote = Remote::example().await;
    let (id, tag) = (remote.id("oci", "oracle-main").await, remote.id("tag", "prod").await);
    let lists = get(&remote, id).await["connectorAppInfos"]["list"]["ConnectorAppInfoQList"].take();
    assert_eq!(
        lists[0]["list"]["ConnectorAppInfo"],
        json!({"name": "CSA", "identifier": "ocid1.tenancy.oc1..exampletenancy", "tagId": tag,
            "tagMetadata": {"id": tag, "name": "prod", "color": "java.awt.Color[r=170,g=0,b=0]"}})
    );
}

#[tokio::test]
async fn a_search_has_lists_of_lists() {
    let remote = Remote::example().await;
    let id = create(&remote).await;
    let body = json!({"ServiceRequest": {"filters": {"Criteria": {"field": "name", "operator": "EQUALS", "value": "ledger"}}}});
    let found = remote.json("search", OCI, body).await;
    assert_eq!((&found["count"], &found["hasMoreRecords"]), (&json!(1), &json!(false)));
    let one = &found["data"]["OciAssetDataConnector"][0];
    assert_eq!((&one["id"], &one["connectorState"]), (&json!(id), &json!("QUEUED")));
    let app = |name: &str| json!({"ConnectorAppInfo": {"name": name, "identifier": TENANCY}});
    assert_eq!(
        one["connectorAppInfos"],
        json!({"list": [{"ConnectorAppInfoQList": [
            {"list": [{"list": app("CSA")}]}, {"list": [app("CI")]}, {"list": [app("AI")]},
        ]}]})
    );
    let both = remote.json("search", OCI, Value::Null).await;
    assert_eq!(both["data"]["OciAssetDataConnector"].as_array().unwrap().len(), 2);
    assert_eq!(both["data"]["OciAssetDataConnector"][0]["lastError"], "Internal processing error");
    let none = json!({"ServiceRequest": {"filters": {"Criteria": {"field": "name", "operator": "EQUALS", "value": "x"}}}});
    assert_eq!(remote.json("search", OCI, none).await, json!({"responseCode": "SUCCESS", "count": 0}));
}

#[tokio::test]
async fn in_xml_an_oci_connector_looks_like_the_others() {
    let remote = Remote::example().await;
    let id = create(&remote).await;
    let got = remote.xml("get", &format!("{OCI}/{id}"), "").await;
    let key = KEY.replace('\n', "&#xd;\n");
    for expected in [
        "<disabled>false</disabled>".to_owned(),
        format!(
            "<list><ConnectorAppInfoQList><list><ConnectorAppInfo><name>CSA</name><identifier>{TENANCY}</identifier>\
                 </ConnectorAppInfo></list></ConnectorAppInfoQList><ConnectorAppInfoQList><list>"
        ),
        format!(
            "<authRecord><tenantId>{TENANCY}</tenantId><userId>{USER}</userId><fingerprint>{FINGERPRINT}</fingerprint>\
                 <privateKey>{key}</privateKey></authRecord>"
        ),
    ] {
        assert!(got.contains(&expected), "{expected} is not in {got}");
    }
    let body = "<ServiceRequest><data><OciAssetDataConnector><description>By XML</description></OciAssetDataConnector>\
        </data></ServiceRequest>";
    let updated = remote.xml("update", &format!("{OCI}/{id}"), body).await;
    assert!(updated.contains("<description>By XML</description>"), "{updated}");
}

#[tokio::test]
async fn an_oci_connector_is_refused_by_the_name_of_the_field() {
    let remote = Remote::example().await;
    let tag = remote.id("tag", "prod").await;
    let create_cases = [
        (json!({"name": null}), "name"),
        (json!({"runFrequency": null}), "runFrequency"),
        (json!({"homeRegion": null}), "homeRegion"),
        (json!({"connectorAppInfos": null}), "connectorAppInfos"),
        (json!({"authRecord": null}), "authRecord.tenantId"),
        (json!({"authRecord.tenantId": null}), "authRecord.tenantId"),
        (json!({"authRecord.userId": null}), "authRecord.userId"),
        (json!({"authRecord.fingerprint": null}), "authRecord.fingerprint"),
        (json!({"authRecord.privateKey": null}), "authRecord.privateKey"),
        (json!({"authRecord.privateKey": " "}), "authRecord.privateKey"),
        (json!({"authRecord.tenantId": USER}), "authRecord.tenantId"),
        (json!({"authRecord.userId": "me"}), "authRecord.userId"),
        (json!({"authRecord.region": "us-ashburn-1"}), "authRecord.region"),
        (json!({"homeRegion": "Ashburn"}), "homeRegion"),
        (json!({"isRemediationEnabled": [false, true]}), "isRemediationEnabled"),
        (json!({"defaultTags": {"set": {"TagSimple": {"id": tag}}}}), "defaultTags"),
        (json!({"activation": {"set": {"ActivationModule": "VM"}}}), "activation"),
        (json!({"connectorApplInfos": {}}), "connectorApplInfos"),
        (json!({"isGovCloudConfigured": "maybe"}), "isGovCloudConfigured"),
    ];
    for (fields, named) in create_cases {
        check_refused(&remote.json("create", OCI, request(&changed(connector(), &fields))).await, named);
    }
    assert_eq!(remote.json("search", OCI, Value::Null).await["count"], 1, "nothing was made");
    let without = changed(connector(), &json!({"authRecord.passphrase": null, "description": null}));
    assert_eq!(remote.json("create", OCI, request(&without)).await["responseCode"], "SUCCESS");
    let id = remote.id("oci", "ledger").await;
    let update_cases = [
        (json!({"authRecord": {"privateKey": KEY}}), "authRecord"),
        (json!({"homeRegion": "us-ashburn-1"}), "homeRegion"),
        (json!({"runFrequency": 120}), "runFrequency"),
        (json!({"isRemediationEnabled": true}), "isRemediationEnabled"),
        (json!({"isCPSEnabled": false}), "isCPSEnabled"),
        (json!({"isGovCloudConfigured": false}), "isGovCloudConfigured"),
    ];
    for (fields, named) in update_cases {
        check_refused(&remote.json("update", &format!("{OCI}/{id}"), request(&fields)).await, named);
    }
    for unknown in ["authRecord.tenantId", "homeRegion", "activation"] {
        let criterion = json!({"field": unknown, "operator": "EQUALS", "value": "x"});
        let body = json!({"ServiceRequest": {"filters": {"Criteria": criterion}}});
        check_refused(&remote.json("search", OCI, body).await, unknown);
    }
}

#[tokio::test]
async fn oci_connectors_can_be_unknown_to_the_subscription() {
    let remote = Remote::with(&[("oci", "unknown")]).await;
    let id = remote.id("oci", "oracle-main").await;
    for (verb, body) in [
        ("create", request(&connector())),
        ("update", request(&json!({"name": "x"}))),
        ("search", Value::Null),
        ("get", Value::Null),
        ("delete", Value::Null),
        ("run", Value::Null),
    ] {
        let path = if matches!(verb, "create" | "search") { OCI.to_owned() } else { format!("{OCI}/{id}") };
        assert_eq!(remote.json(verb, &path, body).await["responseCode"], "INVALID_API_VERSION", "{verb}");
    }
    assert_eq!(remote.plain("oci", id).await["name"], "oracle-main");
}

#[tokio::test]
async fn oci_answers_and_updates_follow_their_options() {
    for (value, code, minutes) in
        [("refused", "INVALID_REQUEST", 240), ("ignored", "SUCCESS", 240), ("accepted", "SUCCESS", 120)]
    {
        let remote = Remote::with(&[("oci_run_frequency_update", value)]).await;
        let id = create(&remote).await;
        let change = request(&json!({"runFrequency": 120}));
        assert_eq!(
            remote.json("update", &format!("{OCI}/{id}"), change).await["responseCode"],
            code,
            "{value}"
        );
        assert_eq!(get(&remote, id).await["runFrequency"], minutes, "{value}");
        let odd = request(&json!({"runFrequency": "often"}));
        check_refused(&remote.json("update", &format!("{OCI}/{id}"), odd).await, "runFrequency");
    }
    for (value, shown) in [("masked", json!("********")), ("absent", Value::Null)] {
        let remote = Remote::with(&[("secrets_on_read", value)]).await;
        let id = create(&remote).await;
        let record = get(&remote, id).await["authRecord"].take();
        assert_eq!((&record["privateKey"], &record["userId"]), (&shown, &json!(USER)), "{value}");
        assert!(record.get("passphrase").is_none());
    }
    let remote = Remote::with(&[("oci_answers", "common")]).await;
    let id = create(&remote).await;
    let updated = remote.json("update", &format!("{OCI}/{id}"), request(&json!({"name": "x"}))).await;
    assert_eq!(updated["data"], json!([{"OciAssetDataConnector": {"id": id}}]));
    let got = remote.json("get", &format!("{OCI}/{id}"), Value::Null).await;
    let live = &got["data"][0]["OciAssetDataConnector"];
    assert_eq!(live["disabled"], "false");
    let app = json!({"ConnectorAppInfoQList": {"list": [{"ConnectorAppInfo": {"name": "CSA", "identifier": TENANCY}}]}});
    assert_eq!(live["connectorAppInfos"]["list"][0], app);
}
