//! Connectors through CloudView 1.x: the samples re-made.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::client::Answer;
use crate::gateway::Gateway;
use crate::gcp;

pub(crate) const AWS: &str = "/cloudview-api/rest/v1/aws/connectors";
pub(crate) const AZURE: &str = "/cloudview-api/rest/v1/azure/connectors";
pub(crate) const GCP: &str = "/cloudview-api/rest/v1/gcp/connectors";
pub(crate) const SUBSCRIPTION: &str = "5d3c1a77-0001-4000-8000-00000000000a";
pub(crate) const APPLICATION: &str = "5d3c1a77-0002-4000-8000-00000000000a";
pub(crate) const DIRECTORY: &str = "5d3c1a77-0003-4000-8000-00000000000a";
pub(crate) const APPLICATION_KEY: &str = "a key of ours";

/// "Create new AWS connector": both flags are true whatever the ARN says, and it asks for a portal connector.
pub(crate) fn aws() -> Value {
    json!({
        "arn": "arn:aws:iam::123456789012:role/CloudViewTest",
        "description": "Sample External ID",
        "externalId": "USPOD01-4765-9011278609223",
        "isChinaRegion": true,
        "isGovCloud": true,
        "isPortalConnector": true,
        "name": "payments",
        "pollingFrequency": {"hours": 1, "minutes": 1},
    })
}

pub(crate) fn azure() -> Value {
    json!({
        "name": "billing",
        "description": "test connector",
        "applicationId": APPLICATION,
        "authenticationKey": APPLICATION_KEY,
        "directoryId": DIRECTORY,
        "subscriptionId": SUBSCRIPTION,
        "isGovCloud": false,
        "pollingFrequency": {"hours": 9, "minutes": 0},
        "remediationEnabled": true,
    })
}

/// The key file, as Google writes it.
pub(crate) fn key_file() -> Value {
    let mut key = gcp::connector()["authRecord"].take();
    key.as_object_mut().unwrap().remove("projectId");
    key["project_id"] = json!("another-project");
    key["universe_domain"] = json!("googleapis.com");
    key
}

/// A part of a form: its name, its file's name, its content.
pub(crate) type Part = (&'static str, Option<&'static str>, String);

pub(crate) fn text(name: &'static str, content: &str) -> Part {
    (name, None, content.to_owned())
}

pub(crate) fn file(content: &str) -> Part {
    ("configFile", Some("key.json"), content.to_owned())
}

/// "Create GCP connector by providing specific project ID".
pub(crate) fn gcp_form() -> Vec<Part> {
    vec![
        file(&key_file().to_string()),
        text("description", "sample description"),
        text("name", "Sample GCP Connector"),
        text("pollingFrequencyInHrs", "10"),
        text("pollingFrequencyInMinutes", "15"),
        text("projectId", "sample_project-208707"),
    ]
}

pub(crate) async fn form(gateway: &Gateway, method: &str, path: &str, parts: &[Part]) -> Answer {
    let mut body = String::new();
    for (name, file, content) in parts {
        let (file, kind) = match file {
            Some(file) => (format!("; filename=\"{file}\""), "Content-Type: application/json\r\n"),
            None => (String::new(), ""),
        };
        let _ = write!(
            body,
            "--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n{kind}\r\n{content}\r\n"
        );
    }
    body += "--xyz--\r\n";
    let ask = gateway.ask(method, path).header("Content-Type", "multipart/form-data; boundary=xyz");
    ask.body(&body).send().await
}

/// The members of an answer, in their order.
fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Seconds since 1970 of `Wed Jan 13 05:17:58 UTC 2021`.
fn seconds(date: &Value) -> i64 {
    let date = date.as_str().unwrap();
    let (day, year) = date.split_once(" UTC ").unwrap_or_else(|| panic!("{date}"));
    let parsed = jiff::civil::DateTime::strptime("%a %b %d %H:%M:%S %Y", format!("{day} {year}")).unwrap();
    parsed.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second()
}

fn without_dates(mut connector: Value) -> Value {
    let members = connector.as_object_mut().unwrap();
    for name in ["connectorId", "lastSyncedOn", "nextSyncedOn"] {
        assert!(members.remove(name).is_some(), "{name}");
    }
    connector
}

#[tokio::test]
async fn an_aws_connector_is_made_and_changed_as_documented() {
    let gateway = Gateway::with(&[("states", "frozen")]).await;
    let created = gateway.json("POST", AWS, &aws()).await;
    assert_eq!(
        names(&created),
        [
            "name",
            "connectorId",
            "description",
            "provider",
            "state",
            "totalAssets",
            "lastSyncedOn",
            "nextSyncedOn",
            "isGovCloud",
            "isChinaRegion",
            "awsAccountId",
            "isDisabled",
            "groups",
            "pollingFrequency",
            "error",
            "baseAccountId",
            "externalId",
            "arn",
            "isPortalConnector",
        ]
    );
    assert_eq!(seconds(&created["nextSyncedOn"]) - seconds(&created["lastSyncedOn"]), 3660);
    let mut expected = json!({
        "name": "payments",
        "description": "Sample External ID",
        "provider": "AWS",
        "state": "PENDING",
        "totalAssets": 0,
        "isGovCloud": true,
        "isChinaRegion": true,
        "awsAccountId": "123456789012",
        "isDisabled": false,
        "groups": [],
        "pollingFrequency": {"hours": 1, "minutes": 1},
        "error": "50004",
        "baseAccountId": "100020003001",
        "externalId": "USPOD01-4765-9011278609223",
        "arn": "arn:aws:iam::123456789012:role/CloudViewTest",
        "isPortalConnector": false,
    });
    assert_eq!(without_dates(created.clone()), expected);

    let path = format!("{AWS}/{}", created["connectorId"].as_str().unwrap());
    let mut body = aws();
    body["description"] = json!("Update External ID");
    body["remediationEnabled"] = json!(true);
    let updated = gateway.json("PUT", &path, &body).await;
    assert_eq!(updated["connectorId"], created["connectorId"]);
    (expected["description"], expected["remediationEnabled"]) = (json!("Update External ID"), json!(true));
    assert_eq!(without_dates(updated.clone()), expected);
    assert_eq!(gateway.json("GET", &path, &Value::Null).await, updated);
    assert_eq!(gateway.last_effect().await, (false, false));
}

#[tokio::test]
async fn an_azure_connector_shows_its_subscriptions_name_and_never_its_key() {
    let gateway = Gateway::with(&[]).await;
    let created = gateway.call("POST", AZURE, &azure()).await;
    assert_eq!(created.status, 200);
    assert!(!created.body.contains("authenticationKey") && !created.body.contains(APPLICATION_KEY));
    let expected = json!({
        "name": "billing",
        "description": "test connector",
        "provider": "AZURE",
        "state": "PENDING",
        "totalAssets": 0,
        "remediationEnabled": true,
        "isGovCloud": false,
        "isDisabled": false,
        "applicationId": APPLICATION,
        "subscriptionId": SUBSCRIPTION,
        "groups": [],
        "pollingFrequency": {"hours": 9, "minutes": 0},
        "directoryId": DIRECTORY,
    });
    assert_eq!(without_dates(created.value()), expected);
    let path = format!("{AZURE}/{}", created.value()["connectorId"].as_str().unwrap());
    let states =
        [gateway.json("GET", &path, &Value::Null).await, gateway.json("GET", &path, &Value::Null).await];
    assert!(states.iter().all(|read| read["state"] == "PENDING"), "{states:?}");
    let ended = gateway.call("GET", &path, &Value::Null).await;
    assert!(!ended.body.contains("authenticationKey") && !ended.body.contains(APPLICATION_KEY));
    let ended = ended.value();
    assert_eq!(
        (&ended["state"], &ended["subscriptionName"]),
        (&json!("SUCCESS"), &json!("subscription-5d3c1a77"))
    );

    // An update has no subscription and may leave out the key, which stays.
    let mut body = azure();
    for name in ["subscriptionId", "authenticationKey"] {
        body.as_object_mut().unwrap().remove(name);
    }
    body["name"] = json!("billing two");
    body["remediationEnabled"] = json!(false);
    let updated = gateway.json("PUT", &path, &body).await;
    assert_eq!((&updated["name"], &updated["subscriptionId"]), (&json!("billing two"), &json!(SUBSCRIPTION)));
    assert!(updated.get("remediationEnabled").is_none(), "shown where it is true alone");
    let id = gateway.remote.id("azure", "billing two").await;
    assert_eq!(gateway.remote.plain("azure", id).await["authRecord"]["authenticationKey"], APPLICATION_KEY);
}

#[tokio::test]
async fn a_gcp_connector_is_made_and_changed_by_forms() {
    let gateway = Gateway::with(&[("states", "frozen")]).await;
    let created = form(&gateway, "POST", GCP, &gcp_form()).await;
    assert_eq!(created.status, 200, "{created:?}");
    assert!(!created.body.contains("private_key") && !created.body.contains("BEGIN"));
    let created = created.value();
    assert_eq!(
        names(&created),
        [
            "name",
            "connectorId",
            "description",
            "provider",
            "state",
            "totalAssets",
            "lastSyncedOn",
            "nextSyncedOn",
            "isDisabled",
            "projectId",
            "groups",
            "pollingFrequency",
        ]
    );
    let mut expected = json!({
        "name": "Sample GCP Connector",
        "description": "sample description",
        "provider": "GCP",
        "state": "PENDING",
        "totalAssets": 0,
        "isDisabled": false,
        "projectId": "sample_project-208707",
        "groups": [],
        "pollingFrequency": {"hours": 10, "minutes": 15},
    });
    assert_eq!(without_dates(created.clone()), expected);
    let id = gateway.remote.id("gcp", "Sample GCP Connector").await;
    let kept = gateway.remote.plain("gcp", id).await["authRecord"].clone();
    assert_eq!(
        (&kept["private_key"], &kept["projectId"]),
        (&json!(gcp::KEY), &json!("sample_project-208707"))
    );

    // A form without a key file; a known client sends another file along.
    let path = format!("{GCP}/{}", created["connectorId"].as_str().unwrap());
    let parts = [text("name", "Renamed \"GCP\" connector"), ("dummy", Some("dummy"), "dummy".to_owned())];
    let updated = form(&gateway, "PUT", &path, &parts).await;
    assert_eq!(updated.status, 200, "{updated:?}");
    expected["name"] = json!("Renamed \"GCP\" connector");
    assert_eq!(without_dates(updated.value()), expected);
    assert_eq!(gateway.remote.plain("gcp", id).await["authRecord"], kept);

    let mut key = key_file();
    key["client_id"] = json!("100000000000000000002");
    let rotated =
        form(&gateway, "PUT", &path, &[file(&key.to_string()), text("remediationEnabled", "true")]).await;
    assert_eq!((rotated.status, &rotated.value()["remediationEnabled"]), (200, &json!(true)));
    let plain = gateway.remote.plain("gcp", id).await;
    assert_eq!(plain["authRecord"]["client_id"], "100000000000000000002");
    assert_eq!(plain["authRecord"]["projectId"], "sample_project-208707");
}

#[tokio::test]
async fn the_base_account_is_a_map_of_texts() {
    let gateway = Gateway::with(&[]).await;
    let map = gateway.json("GET", &format!("{AWS}/awsBaseAccountId"), &Value::Null).await;
    assert_eq!(map, json!({"awsBaseAccountId": "100020003001"}));
}

#[tokio::test]
async fn connectors_are_disabled_enabled_and_run_by_arrays_of_ids() {
    let gateway = Gateway::with(&[]).await;
    let acknowledged = json!({"acknowledged": true});
    let made = [
        gateway.json("POST", AWS, &aws()).await,
        gateway.json("POST", AZURE, &azure()).await,
        form(&gateway, "POST", GCP, &gcp_form()).await.value(),
    ];
    for (base, made) in [AWS, AZURE, GCP].into_iter().zip(made) {
        let ids = json!([made["connectorId"]]);
        let path = format!("{base}/{}", made["connectorId"].as_str().unwrap());
        let read = async || gateway.json("GET", &path, &Value::Null).await;
        while read().await["state"] == "PENDING" {}
        assert_eq!(gateway.json("PATCH", &format!("{base}/connectors/disable"), &ids).await, acknowledged);
        assert_eq!(gateway.last_effect().await, (true, false));
        let disabled = read().await;
        // What became of it before stays to be seen.
        assert_eq!(
            (&disabled["isDisabled"], &disabled["state"]),
            (&json!(true), &json!("SUCCESS")),
            "{base}"
        );
        // "The Run connector API always skips disabled connector", and says that it is acknowledged.
        assert_eq!(gateway.json("POST", &format!("{base}/run"), &ids).await, acknowledged);
        assert_eq!(read().await, disabled);
        let body = if base == AZURE { json!({"name": "still here"}) } else { aws() };
        if base != GCP {
            assert_eq!(
                gateway.json("PUT", &path, &body).await["isDisabled"],
                true,
                "disabled ones are updated"
            );
        }
        assert_eq!(gateway.json("PATCH", &format!("{base}/connectors/enable"), &ids).await, acknowledged);
        assert_eq!(read().await["isDisabled"], false);
        while read().await["state"] == "PENDING" {}
        assert_eq!(gateway.json("POST", &format!("{base}/run"), &ids).await, acknowledged);
        assert_eq!(read().await["state"], "PENDING");
        assert_eq!(gateway.json("DELETE", base, &ids).await, acknowledged);
        assert_eq!(gateway.call("GET", &path, &Value::Null).await.status, 404);
    }
}

#[tokio::test]
async fn states_have_the_words_of_the_documents() {
    let gateway = Gateway::with(&[("states", "frozen")]).await;
    let made = gateway.json("POST", AWS, &aws()).await;
    let path = format!("{AWS}/{}", made["connectorId"].as_str().unwrap());
    for (state, disabled, shown, error) in [
        ("QUEUED", false, "PENDING", "50004"),
        ("PENDING", false, "PENDING", "50004"),
        ("RUNNING", false, "PENDING", "50004"),
        ("PROCESSING", false, "PENDING", "50004"),
        ("DISABLED", true, "PENDING", "50004"),
        ("SUCCESS", false, "SUCCESS", ""),
        ("FINISHED_SUCCESS", false, "SUCCESS", ""),
        ("ERROR", false, "ERROR", ""),
        ("FINISHED_ERRORS", false, "ERROR", ""),
        ("INCOMPLETE", false, "ERROR", ""),
    ] {
        let set = json!({"kind": "aws", "name": "payments", "set": {"connectorState": state, "disabled": disabled}});
        gateway.remote.control("POST", "/_sim/objects", set).await;
        let read = gateway.json("GET", &path, &Value::Null).await;
        assert_eq!((&read["state"], &read["error"]), (&json!(shown), &json!(error)), "{state}");
    }
    let set = json!({"kind": "aws", "name": "payments", "set": {
        "connectorState": "DISABLED", "lastError": "AccessDenied", "accountAlias": "pay", "totalAssets": 241}});
    gateway.remote.control("POST", "/_sim/objects", set).await;
    let read = gateway.json("GET", &path, &Value::Null).await;
    assert_eq!((&read["state"], &read["error"]), (&json!("ERROR"), &json!("AccessDenied")));
    assert_eq!((&read["accountAlias"], &read["totalAssets"]), (&json!("pay"), &json!(241)));
}
