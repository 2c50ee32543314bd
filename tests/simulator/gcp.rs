//! GCP connectors: the guide's samples re-made, what is refused, and the options that concern them.

use serde_json::{Value, json};

use crate::client::{GCP, Remote, changed, request_of};
use crate::refusals::check_refused;

pub(crate) const PROJECT: &str = "warehouse-104233";
pub(crate) const KEY: &str = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n";

/// The JSON sample of Create GCP Connector, flags as texts and arrays of one as it has them.
pub(crate) fn connector() -> Value {
    let app = |name: &str| json!({"ConnectorAppInfo": [{"name": name, "identifier": PROJECT}]});
    json!({
        "disabled": "false",
        "connectorAppInfos": {"set": [{"ConnectorAppInfoQList": [{"set": [app("CSA")]}, {"set": app("CI")}]}]},
        "runFrequency": 240,
        "isDeleted": "false",
        "isGovCloudConfigured": "false",
        "isRemediationEnabled": "true",
        "name": "warehouse",
        "authRecord": {
            "projectId": PROJECT,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "client_email": "qualys@warehouse-104233.iam.gserviceaccount.com",
            "client_id": "100000000000000000001",
            "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/qualys%40warehouse-104233",
            "private_key": KEY,
            "private_key_id": "00000000000000000000000000000000000000aa",
            "token_uri": "https://oauth2.googleapis.com/token",
            "type": "service_account",
        },
    })
}

pub(crate) fn request(object: &Value) -> Value {
    request_of("GcpAssetDataConnector", object)
}

async fn create(remote: &Remote) -> u64 {
    let created = remote.json("create", GCP, request(&connector())).await;
    assert_eq!(created["responseCode"], "SUCCESS", "{created}");
    created["data"][0]["GcpAssetDataConnector"]["id"].as_u64().unwrap()
}

async fn get(remote: &Remote, id: u64) -> Value {
    remote.json("get", &format!("{GCP}/{id}"), Value::Null).await["data"][0]["GcpAssetDataConnector"].take()
}

#[tokio::test]
async fn a_gcp_connector_lives_from_create_to_delete_in_json() {
    let remote = Remote::example().await;
    let created = remote.json("create", GCP, request(&connector())).await;
    let id = created["data"][0]["GcpAssetDataConnector"]["id"].as_u64().unwrap();
    let app = |name: &str| json!({"ConnectorAppInfoQList": {"list": [{"ConnectorAppInfo": {"name": name, "identifier": PROJECT}}]}});
    assert_eq!(
        created,
        json!({"responseCode": "SUCCESS", "count": 1, "data": [{"GcpAssetDataConnector": {
            "id": id,
            "name": "warehouse",
            "connectorState": "QUEUED",
            "disabled": "false",
            "isGovCloudConfigured": "false",
            "runFrequency": 240,
            "isRemediationEnabled": "true",
            "connectorAppInfos": {"list": [app("CI"), app("CSA")]},
            "authRecord": {"projectId": PROJECT},
        }}]})
    );

    // The sample of update sends the project alone.
    let change = json!({"name": "warehouse-eu", "description": "Updated", "disabled": false, "runFrequency": 500,
        "isRemediationEnabled": false, "authRecord": {"projectId": PROJECT}});
    let id_alone =
        json!({"responseCode": "SUCCESS", "count": 1, "data": [{"GcpAssetDataConnector": {"id": id}}]});
    assert_eq!(remote.json("update", &format!("{GCP}/{id}"), request(&change)).await, id_alone);
    for _ in 0..2 {
        get(&remote, id).await;
    }
    let mut live = get(&remote, id).await;
    for told in ["lastSync", "nextSync", "cloudviewUuid"] {
        assert!(live.as_object_mut().unwrap().remove(told).is_some_and(|value| value.is_string()), "{told}");
    }
    assert_eq!(
        live,
        json!({
            "id": id,
            "name": "warehouse-eu",
            "description": "Updated",
            "connectorState": "FINISHED_SUCCESS",
            "disabled": "false",
            "isGovCloudConfigured": "false",
            "isDeleted": "false",
            "runFrequency": 500,
            "isRemediationEnabled": "false",
            "connectorAppInfos": {"list": [app("CI"), app("CSA")]},
            "authRecord": {"projectId": PROJECT},
        })
    );
    assert_eq!(
        remote.plain("gcp", id).await["authRecord"]["private_key"],
        KEY,
        "it is kept, and never shown"
    );
    assert_eq!(remote.json("delete", &format!("{GCP}/{id}"), Value::Null).await, id_alone);
}

#[tokio::test]
async fn a_gcp_connector_is_made_in_xml() {
    let remote = Remote::example().await;
    let tag = remote.id("tag", "web").await;
    // The XML sample of Create GCP Connector: the key has true line ends.
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" ?><ServiceRequest><data><GcpAssetDataConnector>\
         <disabled>false</disabled><connectorAppInfos><set><ConnectorAppInfoQList><set><ConnectorAppInfo>\
         <name>CSA</name><identifier>{PROJECT}</identifier><tagId>{tag}</tagId></ConnectorAppInfo></set>\
         </ConnectorAppInfoQList></set></connectorAppInfos><runFrequency>240</runFrequency>\
         <isDeleted>false</isDeleted><isGovCloudConfigured>false</isGovCloudConfigured>\
         <isRemediationEnabled>true</isRemediationEnabled><name>warehouse</name><authRecord>\
         <projectId>{PROJECT}</projectId>\
         <auth_provider_x509_cert_url>https://www.googleapis.com/oauth2/v1/certs</auth_provider_x509_cert_url>\
         <auth_uri>https://accounts.google.com/o/oauth2/auth</auth_uri><client_email>q@p.example</client_email>\
         <client_id>1000</client_id><client_x509_cert_url>https://www.googleapis.com/x</client_x509_cert_url>\
         <private_key>{KEY}</private_key><private_key_id>aa</private_key_id>\
         <token_uri>https://oauth2.googleapis.com/token</token_uri><type>service_account</type>\
         </authRecord></GcpAssetDataConnector></data></ServiceRequest>"
    );
    let created = remote.xml("create", GCP, &body).await;
    let id: u64 = created.split_once("<id>").unwrap().1.split_once("</id>").unwrap().0.parse().unwrap();
    let shown = format!(
        "<connectorAppInfos><list><ConnectorAppInfoQList><list><ConnectorAppInfo><name>CSA</name>\
         <identifier>{PROJECT}</identifier><tagId>{tag}</tagId><tagMetadata><id>{tag}</id></tagMetadata>\
         </ConnectorAppInfo></list></ConnectorAppInfoQList></list></connectorAppInfos>\
         <authRecord><projectId>{PROJECT}</projectId></authRecord></GcpAssetDataConnector></data></ServiceResponse>"
    );
    assert!(created.ends_with(&shown), "{created}");
    assert_eq!(remote.plain("gcp", id).await["authRecord"]["private_key"], KEY);
}

#[tokio::test]
async fn every_documented_criterion_finds_its_gcp_connector() {
    let remote = Remote::example().await;
    let id = remote.id("gcp", "research").await;
    let criteria = [
        ("id", id.to_string()),
        ("name", "research".to_owned()),
        ("description", "Made by hand".to_owned()),
        ("lastSync", "2026-01-12T01:21:57Z".to_owned()),
        ("type", "GCP".to_owned()),
        ("Type", "GCP".to_owned()),
        ("authRecord.projectId", "research-318204".to_owned()),
        ("connectorState", "FINISHED_SUCCESS".to_owned()),
        ("appCapability.name", "CSA".to_owned()),
        ("appCapability.tag.name", "prod".to_owned()),
        ("disabled", "false".to_owned()),
    ];
    let criteria =
        criteria.map(|(field, value)| json!({"field": field, "operator": "EQUALS", "value": value}));
    let found =
        remote.json("search", GCP, json!({"ServiceRequest": {"filters": {"Criteria": criteria}}})).await;
    assert_eq!((&found["count"], &found["data"][0]["GcpAssetDataConnector"]["id"]), (&json!(1), &json!(id)));
    for unknown in ["defaultTags.name", "activation", "lastError", "authRecord.client_email"] {
        let criterion = json!({"field": unknown, "operator": "EQUALS", "value": "x"});
        let body = json!({"ServiceRequest": {"filters": {"Criteria": criterion}}});
        check_refused(&remote.json("search", GCP, body).await, unknown);
    }
    // The sample's URL ends in an id, which no search takes.
    check_refused(&remote.json("search", &format!("{GCP}/{id}"), Value::Null).await, "id");
}

#[tokio::test]
async fn a_gcp_connector_is_refused_by_the_name_of_the_field() {
    let remote = Remote::example().await;
    let tag = remote.id("tag", "prod").await;
    let key = |inner: &str| format!("-----BEGIN PRIVATE KEY-----{inner}-----END PRIVATE KEY-----");
    let mut cases = vec![
        (json!({"authRecord.project_id": PROJECT}), "authRecord.project_id"),
        (json!({"authRecord.universe_domain": "googleapis.com"}), "authRecord.universe_domain"),
        (json!({"authRecord.projectId": "My Project"}), "authRecord.projectId"),
        (json!({"authRecord.projectId": ""}), "authRecord.projectId"),
        (json!({"authRecord.type": "authorized_user"}), "authRecord.type"),
        (json!({"authRecord.private_key": "/etc/keys/gcp.json"}), "authRecord.private_key"),
        (json!({"authRecord.private_key": key("")}), "authRecord.private_key"),
        (json!({"authRecord.private_key": key("\\nbm90IGEga2V5\\n")}), "authRecord.private_key"),
        (json!({"authRecord.client_email": " "}), "authRecord.client_email"),
        (json!({"authRecord.client_id": ""}), "authRecord.client_id"),
        (json!({"authRecord.token_uri": "oauth2.googleapis.com"}), "authRecord.token_uri"),
        (json!({"defaultTags": {"set": {"TagSimple": {"id": tag}}}}), "defaultTags"),
        (json!({"activation": {"set": {"ActivationModule": "VM"}}}), "activation"),
        (json!({"isCPSEnabled": false}), "isCPSEnabled"),
        (json!({"type": "AWS"}), "type"),
        (json!({"isGovCloudConfigured": 1}), "isGovCloudConfigured"),
        (
            json!({"connectorAppInfos": {"set": {"ConnectorAppInfoQList":
                {"set": {"ConnectorAppInfo": {"name": "CI", "identifier": "another-project"}}}}}}),
            "identifier",
        ),
    ];
    let names = connector();
    let names: Vec<_> =
        names["authRecord"].as_object().unwrap().keys().map(|name| format!("authRecord.{name}")).collect();
    cases.extend(names.iter().map(|name| (json!({name: null}), name.as_str())));
    cases.push((json!({"name": null}), "name"));
    for (fields, named) in cases {
        let answer = remote.json("create", GCP, request(&changed(connector(), &fields))).await;
        check_refused(&answer, named);
        assert!(!answer.to_string().contains("bm90IGEga2V5"), "{answer}");
    }
    assert_eq!(remote.json("search", GCP, Value::Null).await["count"], 1, "nothing was made");
    let with_table = changed(connector(), &json!({"type": "GCP", "allRegions": true}));
    assert_eq!(
        remote.json("create", GCP, request(&with_table)).await["responseCode"],
        "SUCCESS",
        "the table names them"
    );
}

#[tokio::test]
async fn the_project_is_spelled_as_the_option_says() {
    for (value, taken, refused) in
        [("projectId", "projectId", "project_id"), ("project_id", "project_id", "projectId")]
    {
        let remote = Remote::with(&[("gcp_project_key", value)]).await;
        let spelled = |name: &str| {
            let mut object = changed(connector(), &json!({"authRecord.projectId": null}));
            object["authRecord"][name] = json!(PROJECT);
            request(&object)
        };
        check_refused(&remote.json("create", GCP, spelled(refused)).await, &format!("authRecord.{refused}"));
        let none = changed(connector(), &json!({"authRecord.projectId": null}));
        check_refused(&remote.json("create", GCP, request(&none)).await, &format!("authRecord.{taken}"));
        let created = remote.json("create", GCP, spelled(taken)).await;
        assert_eq!(
            created["data"][0]["GcpAssetDataConnector"]["authRecord"],
            json!({"projectId": PROJECT}),
            "{created}"
        );
        check_refused(&remote.json("create", GCP, spelled(taken)).await, PROJECT);
    }
}

#[tokio::test]
async fn undocumented_fields_are_taken_as_the_option_says() {
    for (value, code) in [("refused", "INVALID_REQUEST"), ("accepted", "SUCCESS")] {
        let remote = Remote::with(&[("gcp_undocumented_fields", value)]).await;
        let tag = remote.id("tag", "prod").await;
        let id = create(&remote).await;
        let fields = json!({"defaultTags": {"set": {"TagSimple": {"id": tag}}},
            "activation": {"set": {"ActivationModule": ["VM"]}}});
        let updated = remote.json("update", &format!("{GCP}/{id}"), request(&fields)).await;
        assert_eq!(updated["responseCode"], code);
        let live = get(&remote, id).await;
        if code == "SUCCESS" {
            assert_eq!(live["activation"], json!({"ActivationModule": ["CLOUDVIEW", "VM"]}));
            assert_eq!(live["defaultTags"]["list"][0]["TagSimple"]["name"], "prod");
        } else {
            assert!(live.get("activation").is_none() && live.get("defaultTags").is_none(), "{live}");
        }
    }
}
