//! Azure connectors: the guide's samples re-made, what is refused, and the options that concern them.

use serde_json::{Value, json};

use crate::client::{AZURE, Remote, changed, request_of};
use crate::refusals::check_refused;

const APPLICATION: &str = "5d3c1a77-0f4e-4b9a-8a11-000000000001";
const DIRECTORY: &str = "5d3c1a77-0f4e-4b9a-8a11-000000000002";
pub(crate) const SUBSCRIPTION: &str = "5d3c1a77-0f4e-4b9a-8a11-000000000003";
pub(crate) const KEY: &str = "not-a-real-client-secret";

fn app(name: &str, tag: u64) -> Value {
    json!({"set": {"ConnectorAppInfo": {"name": name, "identifier": SUBSCRIPTION, "tagId": tag}}})
}

/// Sample 2 of Create Azure Connector.
pub(crate) fn connector(tag: u64) -> Value {
    json!({
        "name": "billing",
        "description": "Azure connector by API",
        "defaultTags": {"set": {"TagSimple": {"id": tag}}},
        "activation": {"set": {"ActivationModule": ["VM", "CERTVIEW", "SCA"]}},
        "disabled": false,
        "runFrequency": 240,
        "isRemediationEnabled": true,
        "isGovCloudConfigured": false,
        "authRecord": {
            "applicationId": APPLICATION,
            "directoryId": DIRECTORY,
            "subscriptionId": SUBSCRIPTION,
            "authenticationKey": KEY,
        },
        "connectorAppInfos": {"set": {"ConnectorAppInfoQList": [app("AI", tag), app("CI", tag), app("CSA", tag)]}},
    })
}

pub(crate) fn request(object: &Value) -> Value {
    request_of("AzureAssetDataConnector", object)
}

async fn create(remote: &Remote) -> u64 {
    let tag = remote.id("tag", "prod").await;
    let created = remote.json("create", AZURE, request(&connector(tag))).await;
    assert_eq!(created["responseCode"], "SUCCESS", "{created}");
    created["data"][0]["AzureAssetDataConnector"]["id"].as_u64().unwrap()
}

async fn get(remote: &Remote, id: u64) -> Value {
    remote.json("get", &format!("{AZURE}/{id}"), Value::Null).await["data"][0]["AzureAssetDataConnector"]
        .take()
}

#[tokio::test]
async fn an_azure_connector_lives_from_create_to_delete_in_json() {
    let remote = Remote::example().await;
    let tag = remote.id("tag", "prod").await;
    let created = remote.json("create", AZURE, request(&connector(tag))).await;
    let id = created["data"][0]["AzureAssetDataConnector"]["id"].as_u64().unwrap();
    let app = |name: &str, identifier: &str, metadata: Value| {
        json!({"ConnectorAppInfoQList": {"list": [{"ConnectorAppInfo":
            {"name": name, "identifier": identifier, "tagId": tag, "tagMetadata": metadata}}]}})
    };
    let new = |name: &str| app(name, SUBSCRIPTION, json!({"id": tag}));
    assert_eq!(
        created,
        json!({"responseCode": "SUCCESS", "count": 1, "data": [{"AzureAssetDataConnector": {
            "id": id,
            "name": "billing",
            "description": "Azure connector by API",
            "connectorState": "QUEUED",
            "type": "AZURE",
            "disabled": "false",
            "isGovCloudConfigured": "false",
            "runFrequency": 240,
            "isRemediationEnabled": "true",
            "connectorAppInfos": {"list": [new("CSA"), new("CI"), new("AI")]},
            "authRecord": {},
        }}]})
    );

    let change = json!({"id": id, "name": "Azure Connector", "activation": {"set": {"ActivationModule": "VM"}},
        "authRecord": {"applicationId": APPLICATION, "directoryId": DIRECTORY, "subscriptionId": SUBSCRIPTION,
            "authenticationKey": "another-client-secret"}});
    let updated = remote.json("update", &format!("{AZURE}/{id}"), request(&change)).await;
    let id_alone =
        json!({"responseCode": "SUCCESS", "count": 1, "data": [{"AzureAssetDataConnector": {"id": id}}]});
    assert_eq!(updated, id_alone);

    for _ in 0..2 {
        get(&remote, id).await;
    }
    let mut live = get(&remote, id).await;
    let known = |name: &str| app(name, APPLICATION, json!({"id": tag, "name": "prod"}));
    for told in ["lastSync", "nextSync", "cloudviewUuid"] {
        assert!(live.as_object_mut().unwrap().remove(told).is_some_and(|value| value.is_string()), "{told}");
    }
    assert_eq!(
        live,
        json!({
            "id": id,
            "name": "Azure Connector",
            "description": "Azure connector by API",
            "connectorState": "FINISHED_SUCCESS",
            "type": "AZURE",
            "defaultTags": {"list": [{"TagSimple": {"id": tag, "name": "prod"}}]},
            "activation": {"ActivationModule": ["CLOUDVIEW", "VM"]},
            "disabled": "false",
            "isGovCloudConfigured": "false",
            "isDeleted": "false",
            "runFrequency": 240,
            "isRemediationEnabled": "true",
            "connectorAppInfos": {"list": [known("CSA"), known("CI"), known("AI")]},
            "isInstantAssessmentEnabled": "false",
            "authRecord": {
                "applicationId": APPLICATION, "directoryId": DIRECTORY, "authenticationKey": "another-client-secret",
                "subscriptionId": SUBSCRIPTION,
            },
            "subscriptionName": "subscription-5d3c1a77",
        })
    );
    let ran = remote.json("run", &format!("{AZURE}/{id}"), Value::Null).await;
    assert_eq!(ran["data"][0]["AzureAssetDataConnector"]["connectorState"], "FINISHED_SUCCESS");
    assert_eq!(remote.json("delete", &format!("{AZURE}/{id}"), Value::Null).await, id_alone);
    let gone = remote.json("get", &format!("{AZURE}/{id}"), Value::Null).await;
    assert_eq!(gone["responseCode"], "OBJECT_NOT_FOUND");
}

#[tokio::test]
async fn an_azure_connector_with_a_perimeter_scan_is_made_in_xml() {
    let remote = Remote::example().await;
    // Sample 3 of Create Azure Connector, its date as the table specifies it.
    let body = format!(
        "<ServiceRequest><data><AzureAssetDataConnector><name>scanned</name>\
         <activation><set><ActivationModule>VM</ActivationModule></set></activation>\
         <isCPSEnabled>true</isCPSEnabled><authRecord><applicationId>{APPLICATION}</applicationId>\
         <directoryId>{DIRECTORY}</directoryId><subscriptionId>{SUBSCRIPTION}</subscriptionId>\
         <authenticationKey>{KEY}</authenticationKey></authRecord>\
         <connectorScanSetting><isCustomScanConfigEnabled>true</isCustomScanConfigEnabled></connectorScanSetting>\
         <connectorScanConfig><set><ConnectorScanConfiguration>\
         <daysOfWeek><set><Day>SUN</Day><Day>MON</Day></set></daysOfWeek><optionProfileId>2</optionProfileId>\
         <recurrence>WEEKLY</recurrence><scanPrefix>Scan azure 01</scanPrefix><startDate>05/31/2031</startDate>\
         <startTime>15:45</startTime><timezone>Africa/Cairo</timezone>\
         </ConnectorScanConfiguration></set></connectorScanConfig></AzureAssetDataConnector></data></ServiceRequest>"
    );
    let created = remote.xml("create", AZURE, &body).await;
    let url = remote.simulator.url();
    let id = created.split_once("<id>").unwrap().1.split_once("</id>").unwrap().0.to_owned();
    let enabled = "<isCPSEnabled>true</isCPSEnabled>";
    let scan = "<connectorScanSetting><isCustomScanConfigEnabled>true\
        </isCustomScanConfigEnabled></connectorScanSetting><connectorScanConfig><list><ConnectorScanConfiguration>\
        <scanPrefix>Scan azure 01</scanPrefix><optionProfileId>2</optionProfileId><recurrence>WEEKLY</recurrence>\
        <startDate>05/31/2031</startDate><startTime>15:45</startTime><daysOfWeek><list><Day>MON</Day><Day>SUN</Day>\
        </list></daysOfWeek><timezone>Africa/Cairo</timezone></ConnectorScanConfiguration></list></connectorScanConfig>";
    assert_eq!(
        created,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ServiceResponse \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:noNamespaceSchemaLocation=\"{url}/qps/xsd/3.0/am/azureassetdataconnector.xsd\">\
             <responseCode>SUCCESS</responseCode><count>1</count><data><AzureAssetDataConnector><id>{id}</id>\
             <name>scanned</name><connectorState>QUEUED</connectorState><type>AZURE</type><disabled>false</disabled>\
             <isGovCloudConfigured>false</isGovCloudConfigured><runFrequency>240</runFrequency>\
             <isRemediationEnabled>false</isRemediationEnabled>{enabled}{scan}<authRecord></authRecord>\
             </AzureAssetDataConnector></data></ServiceResponse>"
        )
    );
    let got = remote.xml("get", &format!("{AZURE}/{id}"), "").await;
    let record = format!(
        "<authRecord><applicationId>{APPLICATION}</applicationId><directoryId>{DIRECTORY}</directoryId>\
         <authenticationKey>{KEY}</authenticationKey><subscriptionId>{SUBSCRIPTION}</subscriptionId></authRecord>"
    );
    assert!([record.as_str(), enabled, scan].iter().all(|part| got.contains(part)), "{got}");
}

#[tokio::test]
async fn every_documented_criterion_finds_its_azure_connector() {
    let remote = Remote::example().await;
    let id = remote.id("azure", "corp-shared").await;
    let tag = remote.id("tag", "prod").await;
    let criteria = [
        ("id", id.to_string()),
        ("name", "corp-shared".to_owned()),
        ("description", "Shared services of the corporation".to_owned()),
        ("connectorState", "FINISHED_SUCCESS".to_owned()),
        ("lastSync", "2026-01-12T06:10:22Z".to_owned()),
        ("type", "AZURE".to_owned()),
        ("Type", "AZURE".to_owned()),
        ("activation", "CERTVIEW".to_owned()),
        ("authRecord.applicationId", "33333333-3333-3333-3333-333333333333".to_owned()),
        ("authRecord.directoryId", "22222222-2222-2222-2222-222222222222".to_owned()),
        ("authRecord.subscriptionId", "11111111-1111-1111-1111-111111111111".to_owned()),
        ("authrecord.applicationId", "33333333-3333-3333-3333-333333333333".to_owned()),
        ("authrecord.directoryId", "22222222-2222-2222-2222-222222222222".to_owned()),
        ("authrecord.subscriptionId", "11111111-1111-1111-1111-111111111111".to_owned()),
        ("appCapability.name", "CSA".to_owned()),
        ("appCapability.tag.name", "prod".to_owned()),
        ("disabled", "false".to_owned()),
        ("defaultTags.name", "prod".to_owned()),
        ("defaultTag", tag.to_string()),
        ("defaultTags", tag.to_string()),
    ];
    let mut all = Vec::new();
    for (field, value) in criteria {
        let criterion = json!({"field": field, "operator": "EQUALS", "value": value});
        all.push(criterion.clone());
        let body = json!({"ServiceRequest": {"filters": {"Criteria": criterion}}});
        let found = remote.json("search", AZURE, body).await;
        let ids: Vec<_> = found["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["AzureAssetDataConnector"]["id"])
            .collect();
        assert!(ids.contains(&&json!(id)), "{field}: {found}");
    }
    let found = remote.json("search", AZURE, json!({"ServiceRequest": {"filters": {"Criteria": all}}})).await;
    assert_eq!((&found["count"], &found["hasMoreRecords"]), (&json!(1), &json!("false")));
    for unknown in ["authRecord.authenticationKey", "subscriptionName", "cloudviewUuid"] {
        let criterion = json!({"field": unknown, "operator": "EQUALS", "value": "x"});
        let body = json!({"ServiceRequest": {"filters": {"Criteria": criterion}}});
        check_refused(&remote.json("search", AZURE, body).await, unknown);
    }
    // Sample 2: attributes in XML, without a declaration.
    let body = "<ServiceRequest><filters><Criteria field=\"appCapability.name\" operator=\"EQUALS\">AI</Criteria>\
        <Criteria field=\"authRecord.subscriptionId\" operator=\"EQUALS\">11111111-1111-1111-1111-111111111111</Criteria>\
        </filters></ServiceRequest>";
    let found = remote.xml("search", AZURE, body).await;
    assert!(found.contains("<count>1</count><hasMoreRecords>false</hasMoreRecords>"), "{found}");
}

#[tokio::test]
async fn an_azure_connector_is_refused_by_the_name_of_the_field() {
    let remote = Remote::example().await;
    let tag = remote.id("tag", "prod").await;
    let cases = [
        (json!({"authRecord": null}), "authRecord.applicationId"),
        (json!({"authRecord.applicationId": null}), "authRecord.applicationId"),
        (json!({"authRecord.directoryId": null}), "authRecord.directoryId"),
        (json!({"authRecord.subscriptionId": null}), "authRecord.subscriptionId"),
        (json!({"authRecord.authenticationKey": null}), "authRecord.authenticationKey"),
        (json!({"authRecord.authenticationKey": ""}), "authRecord.authenticationKey"),
        (json!({"authRecord.authenticationKey": 5}), "authRecord.authenticationKey"),
        (json!({"authRecord.applicationId": "billing"}), "authRecord.applicationId"),
        (json!({"authRecord.directoryId": "5d3c1a7-0f4e-4b9a-8a11-000000000002"}), "authRecord.directoryId"),
        (
            json!({"authRecord.subscriptionId": "5d3c1a77-0f4e-4b9a-8a11-00000000000g"}),
            "authRecord.subscriptionId",
        ),
        (json!({"authRecord.id": 7}), "authRecord.id"),
        (json!({"authRecord": "mine"}), "authRecord"),
        (json!({"subscriptionName": "billing"}), "subscriptionName"),
        (json!({"type": "AZURE"}), "type"),
        (json!({"isChinaConfigured": false}), "isChinaConfigured"),
        (json!({"allRegions": true}), "allRegions"),
        (json!({"arn": "arn:aws:iam::123456789012:role/r"}), "arn"),
        (json!({"isCPSEnabled": true}), "isCustomScanConfigEnabled"),
        (
            json!({"connectorAppInfos.set.ConnectorAppInfoQList":
                {"set": {"ConnectorAppInfo": {"name": "AI", "identifier": APPLICATION}}}}),
            "identifier",
        ),
        (
            json!({"connectorAppInfos.set.ConnectorAppInfoQList":
                {"set": {"ConnectorAppInfo": {"name": "AI", "identifier": SUBSCRIPTION, "tagId": ""}}}}),
            "tagId",
        ),
    ];
    for (fields, named) in cases {
        let object = changed(connector(tag), &fields);
        check_refused(&remote.json("create", AZURE, request(&object)).await, named);
    }
    assert_eq!(remote.json("search", AZURE, Value::Null).await["count"], 2, "nothing was made");
    let id = create(&remote).await;
    for (fields, named) in [
        (json!({"isGovCloudConfigured": true}), "isGovCloudConfigured"),
        (json!({"authRecord": {"subscriptionId": "11111111-1111-1111-1111-111111111111"}}), "11111111"),
    ] {
        check_refused(&remote.json("update", &format!("{AZURE}/{id}"), request(&fields)).await, named);
    }
}

#[tokio::test]
async fn a_refused_key_does_not_come_back() {
    let remote = Remote::example().await;
    let object = changed(connector(1), &json!({"authRecord.authenticationKey": {"secret": KEY}}));
    let answer = remote.json("create", AZURE, request(&object)).await;
    assert_eq!(answer["responseCode"], "INVALID_REQUEST");
    assert!(!answer.to_string().contains(KEY), "{answer}");
}

#[tokio::test]
async fn a_key_alone_can_be_replaced() {
    let remote = Remote::example().await;
    let id = create(&remote).await;
    let change = json!({"authRecord": {"authenticationKey": "another-client-secret"}});
    remote.json("update", &format!("{AZURE}/{id}"), request(&change)).await;
    let record = get(&remote, id).await["authRecord"].take();
    assert_eq!(record["authenticationKey"], "another-client-secret");
    assert_eq!(record["applicationId"], APPLICATION, "the rest stays");
}

#[tokio::test]
async fn azure_answers_follow_their_options() {
    for (value, shown) in [("echoed", json!(KEY)), ("masked", json!("********")), ("absent", Value::Null)] {
        let remote = Remote::with(&[("secrets_on_read", value)]).await;
        let id = create(&remote).await;
        let record = get(&remote, id).await["authRecord"].take();
        assert_eq!(record["authenticationKey"], shown, "{value}");
        assert_eq!(record["applicationId"], APPLICATION);
        let found = remote.json("search", AZURE, Value::Null).await;
        assert_eq!(found["data"][2]["AzureAssetDataConnector"]["authRecord"], record);
        let plain = remote.plain("azure", id).await;
        assert_eq!(plain["authRecord"]["authenticationKey"], KEY, "it is kept, however it is shown");
    }
    for (value, empty) in [("shown", false), ("empty", true)] {
        let remote = Remote::with(&[("azure_auth_record", value)]).await;
        let id = create(&remote).await;
        assert_eq!(get(&remote, id).await["authRecord"] == json!({}), empty, "{value}");
        let found = remote.json("search", AZURE, Value::Null).await;
        assert_eq!(found["data"][2]["AzureAssetDataConnector"]["authRecord"] == json!({}), empty, "{value}");
    }
    for (value, identifier) in [("rewritten", APPLICATION), ("kept", SUBSCRIPTION)] {
        let remote = Remote::with(&[("azure_identifier_on_read", value)]).await;
        let id = create(&remote).await;
        let lists = get(&remote, id).await["connectorAppInfos"]["list"].take();
        assert_eq!(
            lists[0]["ConnectorAppInfoQList"]["list"][0]["ConnectorAppInfo"]["identifier"],
            identifier
        );
    }
    for (value, code) in [("own", "INVALID_REQUEST"), ("any", "SUCCESS")] {
        let remote = Remote::with(&[("app_identifier", value)]).await;
        let id = create(&remote).await;
        let read = json!({"connectorAppInfos": {"set": {"ConnectorAppInfoQList":
            {"set": {"ConnectorAppInfo": {"name": "AI", "identifier": APPLICATION}}}}}});
        let updated = remote.json("update", &format!("{AZURE}/{id}"), request(&read)).await;
        assert_eq!(updated["responseCode"], code, "what was read is not what is asked for");
    }
}
