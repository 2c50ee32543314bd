//! The documents' samples, re-made: each request is taken, and each answer has the documented shape.

use serde_json::{Value, json};

use crate::client::{AWS, Remote};

const ARN: &str = "arn:aws:iam::123456789012:role/QualysConnector";

pub(crate) fn app(name: &str, arn: &str) -> Value {
    json!({"set": {"ConnectorAppInfo": {"name": name, "identifier": arn}}})
}

/// Sample 2 of Create AWS Connector.
pub(crate) fn connector(name: &str, arn: &str) -> Value {
    json!({
        "name": name,
        "description": "Connector created through API",
        "activation": {"set": {"ActivationModule": ["VM", "SCA"]}},
        "disabled": false,
        "arn": arn,
        "externalId": "US1-1368984-55500011",
        "allRegions": true,
        "runFrequency": 240,
        "isRemediationEnabled": true,
        "connectorAppInfos": {"set": {"ConnectorAppInfoQList": [app("AI", arn), app("CI", arn), app("CSA", arn)]}},
    })
}

pub(crate) fn request(object: &Value) -> Value {
    json!({"ServiceRequest": {"data": {"AwsAssetDataConnector": object}}})
}

#[tokio::test]
async fn a_connector_lives_from_create_to_delete_in_json() {
    let remote = Remote::example().await;
    let created = remote.json("create", AWS, request(&connector("payments", ARN))).await;
    assert_eq!(created["responseCode"], "SUCCESS", "{created}");
    let id = created["data"][0]["AwsAssetDataConnector"]["id"].as_u64().unwrap();
    let app = |name: &str| json!({"ConnectorAppInfoQList": {"list": [{"ConnectorAppInfo": {"name": name, "identifier": ARN}}]}});
    assert_eq!(
        created,
        json!({"responseCode": "SUCCESS", "count": 1, "data": [{"AwsAssetDataConnector": {
            "id": id,
            "name": "payments",
            "awsAccountId": "",
            "description": "Connector created through API",
            "connectorState": "QUEUED",
            "type": "AWS",
            "activation": {"ActivationModule": ["CLOUDVIEW", "SCA", "VM"]},
            "disabled": "false",
            "isGovCloudConfigured": "false",
            "isChinaConfigured": "false",
            "runFrequency": 240,
            "isRemediationEnabled": "true",
            "isCPSEnabled": "false",
            "connectorAppInfos": {"list": [app("CSA"), app("CI"), app("AI")]},
            "isInstantAssessmentEnabled": "false",
            "arn": ARN,
            "externalId": "US1-1368984-55500011",
            "qualysAwsAccountId": "100020003001",
            "allRegions": "true",
        }}]})
    );

    let change = json!({"runFrequency": 120, "description": ""});
    let updated = remote.json("update", &format!("{AWS}/{id}"), request(&change)).await;
    let id_alone =
        json!({"responseCode": "SUCCESS", "count": 1, "data": [{"AwsAssetDataConnector": {"id": id}}]});
    assert_eq!(updated, id_alone);

    let got = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
    let live = &got["data"][0]["AwsAssetDataConnector"];
    assert_eq!((&live["runFrequency"], &live["description"]), (&json!(120), &json!("")));
    assert_eq!(live["name"], "payments", "an update is a merge");
    assert!(live["cloudviewUuid"].is_string(), "{live}");
    assert!(got.get("hasMoreRecords").is_none(), "{got}");

    assert_eq!(remote.json("delete", &format!("{AWS}/{id}"), Value::Null).await, id_alone);
    let gone = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
    assert_eq!(gone["responseCode"], "OBJECT_NOT_FOUND");
}

#[tokio::test]
async fn a_connector_lives_from_create_to_delete_in_xml() {
    let remote = Remote::example().await;
    let tag = remote.id("tag", "prod").await;
    // Sample 1 of Create AWS Connector, `isDeleted` and all.
    let app = |name: &str| {
        format!(
            "<ConnectorAppInfoQList><set><ConnectorAppInfo><name>{name}</name><identifier>{ARN}</identifier>\
             <tagId>{tag}</tagId></ConnectorAppInfo></set></ConnectorAppInfoQList>"
        )
    };
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8" ?>
<ServiceRequest>
    <data>
        <AwsAssetDataConnector>
            <name>Payments &amp; billing</name>
            <description><![CDATA[Created <by> hand]]></description>
            <defaultTags><set><TagSimple><id>{tag}</id></TagSimple></set></defaultTags>
            <activation>
                <set>
                    <ActivationModule>VM</ActivationModule>
                    <ActivationModule>CERTVIEW</ActivationModule>
                </set>
            </activation>
            <disabled>false</disabled>
            <arn>{ARN}</arn>
            <externalId>US1-1368984-55500012</externalId>
            <isGovCloudConfigured>false</isGovCloudConfigured>
            <isDeleted>true</isDeleted>
            <allRegions>true</allRegions>
            <runFrequency>300</runFrequency>
            <isRemediationEnabled>true</isRemediationEnabled>
            <connectorAppInfos><set>{}{}{}</set></connectorAppInfos>
        </AwsAssetDataConnector>
    </data>
</ServiceRequest>"#,
        app("AI"),
        app("CI"),
        app("CSA"),
    );
    let created = remote.xml("create", AWS, &body).await;
    let url = remote.simulator.url();
    let id = created.split_once("<id>").unwrap().1.split_once("</id>").unwrap().0.to_owned();
    let shown_app = |name: &str, tag_name: &str| {
        format!(
            "<ConnectorAppInfoQList><list><ConnectorAppInfo><name>{name}</name><identifier>{ARN}</identifier>\
             <tagId>{tag}</tagId><tagMetadata><id>{tag}</id>{tag_name}</tagMetadata></ConnectorAppInfo></list>\
             </ConnectorAppInfoQList>"
        )
    };
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ServiceResponse \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:noNamespaceSchemaLocation=\"{url}/qps/xsd/3.0/am/awsassetdataconnector.xsd\">\
         <responseCode>SUCCESS</responseCode><count>1</count><data><AwsAssetDataConnector><id>{id}</id>\
         <name>Payments &amp; billing</name><awsAccountId></awsAccountId><description>Created &lt;by&gt; hand</description>\
         <connectorState>QUEUED</connectorState><type>AWS</type><defaultTags><list><TagSimple><id>{tag}</id>\
         <name>prod</name></TagSimple></list></defaultTags><activation><list>\
         <ActivationModule>CLOUDVIEW</ActivationModule><ActivationModule>CERTVIEW</ActivationModule>\
         <ActivationModule>VM</ActivationModule></list></activation><disabled>false</disabled>\
         <isGovCloudConfigured>false</isGovCloudConfigured><isChinaConfigured>false</isChinaConfigured>\
         <runFrequency>300</runFrequency><isRemediationEnabled>true</isRemediationEnabled>\
         <isCPSEnabled>false</isCPSEnabled><connectorAppInfos><list>{}{}{}</list></connectorAppInfos>\
         <isInstantAssessmentEnabled>false</isInstantAssessmentEnabled><arn>{ARN}</arn>\
         <externalId>US1-1368984-55500012</externalId><qualysAwsAccountId>100020003001</qualysAwsAccountId>\
         <allRegions>true</allRegions></AwsAssetDataConnector></data></ServiceResponse>",
        shown_app("CSA", ""),
        shown_app("CI", ""),
        shown_app("AI", ""),
    );
    assert_eq!(created, expected);

    // Update's sample gives all capabilities as three sets in one list.
    let set = |name: &str| {
        format!(
            "<set><ConnectorAppInfo><name>{name}</name><identifier>{ARN}</identifier></ConnectorAppInfo></set>"
        )
    };
    let body = format!(
        "<ServiceRequest><data><AwsAssetDataConnector><name>Renamed</name><connectorAppInfos><set>\
         <ConnectorAppInfoQList>{}{}</ConnectorAppInfoQList></set></connectorAppInfos></AwsAssetDataConnector></data>\
         </ServiceRequest>",
        set("AI"),
        set("CSA"),
    );
    let updated = remote.xml("update", &format!("{AWS}/{id}"), &body).await;
    let id_alone = format!(
        "<data><AwsAssetDataConnector><id>{id}</id></AwsAssetDataConnector></data></ServiceResponse>"
    );
    assert!(updated.ends_with(&id_alone), "{updated}");
    let got = remote.xml("get", &format!("{AWS}/{id}"), "").await;
    assert!(got.contains("<name>Renamed</name>") && !got.contains("<name>CI</name>"), "{got}");
    assert!(remote.xml("delete", &format!("{AWS}/{id}"), "").await.ends_with(&id_alone));
}

#[tokio::test]
async fn regions_are_taken_and_not_echoed() {
    let remote = Remote::example().await;
    // Sample 5 of Create AWS Connector, its brackets mended.
    let mut object = connector("two-regions", ARN);
    object["allRegions"] = json!(false);
    object["endpoints"] =
        json!({"add": {"AwsEndpointSimple": [{"regionCode": "af-south-1"}, {"regionCode": "eu-south-1"}]}});
    let created = remote.json("create", AWS, request(&object)).await;
    let shown = &created["data"][0]["AwsAssetDataConnector"];
    assert_eq!((&shown["allRegions"], shown.get("endpoints")), (&json!("false"), None));

    let id = shown["id"].as_u64().unwrap();
    let change = json!({"endpoints": {"remove": {"AwsEndpointSimple": {"regionCode": "af-south-1"}}}});
    remote.json("update", &format!("{AWS}/{id}"), request(&change)).await;
    let objects = remote.control("GET", "/_sim/objects?kind=aws", Value::Null).await;
    let kept = objects["objects"].as_array().unwrap().iter().find(|object| object["id"] == id).unwrap();
    assert_eq!(kept["object"]["endpoints"], json!(["eu-south-1"]));
}

#[tokio::test]
async fn a_perimeter_scan_is_kept_and_shown() {
    let remote = Remote::example().await;
    // Sample 3 of Update AWS Connector, with a date as the table specifies it.
    let id = remote.id("aws", "prod-web").await;
    let body = "<ServiceRequest><data><AwsAssetDataConnector><isCPSEnabled>true</isCPSEnabled>\
        <connectorScanSetting><isCustomScanConfigEnabled>true</isCustomScanConfigEnabled></connectorScanSetting>\
        <connectorScanConfig><set><ConnectorScanConfiguration>\
        <daysOfWeek><set><Day>SUN</Day><Day>MON</Day></set></daysOfWeek><optionProfileId>2</optionProfileId>\
        <recurrence>WEEKLY</recurrence><scanPrefix>weekly scan</scanPrefix><startDate>05/31/2031</startDate>\
        <startTime>15:45</startTime><timezone>Africa/Cairo</timezone>\
        </ConnectorScanConfiguration></set></connectorScanConfig></AwsAssetDataConnector></data></ServiceRequest>";
    let updated = remote.xml("update", &format!("{AWS}/{id}"), body).await;
    assert!(updated.contains("<responseCode>SUCCESS</responseCode>"), "{updated}");
    let got = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
    let live = &got["data"][0]["AwsAssetDataConnector"];
    assert_eq!(live["isCPSEnabled"], "true");
    assert_eq!(live["connectorScanSetting"], json!({"isCustomScanConfigEnabled": "true"}));
    assert_eq!(
        live["connectorScanConfig"],
        json!({"list": [{"ConnectorScanConfiguration": {
            "scanPrefix": "weekly scan", "optionProfileId": 2, "recurrence": "WEEKLY", "startDate": "05/31/2031",
            "startTime": "15:45", "daysOfWeek": {"list": {"Day": ["MON", "SUN"]}}, "timezone": "Africa/Cairo",
        }}]})
    );
}

#[tokio::test]
async fn a_run_answers_with_the_connector_as_it_is() {
    let remote = Remote::example().await;
    let id = remote.id("aws", "prod-web").await;
    let ran = remote.json("run", &format!("{AWS}/{id}"), Value::Null).await;
    let shown = &ran["data"][0]["AwsAssetDataConnector"];
    assert_eq!(shown["connectorState"], "FINISHED_ERRORS");
    assert_eq!(shown["isDeleted"], "false");
    assert!(shown["lastError"].as_str().unwrap().starts_with("Error getting"), "{shown}");

    let mut states = Vec::new();
    for _ in 0..3 {
        let got = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
        states.push(got["data"][0]["AwsAssetDataConnector"]["connectorState"].clone());
    }
    assert_eq!(states, ["QUEUED", "RUNNING", "FINISHED_SUCCESS"]);
}

#[tokio::test]
async fn only_enabled_connectors_run() {
    let remote = Remote::example().await;
    let id = remote.id("aws", "sandbox").await;
    let disabled = remote.json("update", &format!("{AWS}/{id}"), request(&json!({"disabled": "true"}))).await;
    assert_eq!(disabled["responseCode"], "SUCCESS");
    let got = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
    assert_eq!(got["data"][0]["AwsAssetDataConnector"]["connectorState"], "DISABLED");

    let one = remote.json("run", &format!("{AWS}/{id}"), Value::Null).await;
    assert_eq!(one["responseCode"], "INVALID_REQUEST");
    let all = remote.json("run", AWS, Value::Null).await;
    assert_eq!(all["count"], 2, "some are disabled: the others run");
}

#[tokio::test]
async fn base_accounts_errors_and_templates_are_given() {
    let remote = Remote::example().await;
    let accounts = remote.ask("GET", "/qps/rest/3.0/search/am/awsbaseaccount").json().send().await.value();
    assert_eq!(
        accounts["ServiceResponse"],
        json!({"responseCode": "SUCCESS", "count": 1, "hasMoreRecords": "false", "data": [{
            "globalAccountId": "100020003001", "govAccountId": "100020003002", "chinaAccountId": "100020003003",
            "customerGlobalAccount": "false", "customerGovAccount": "false", "customerChinaAccount": "false",
        }]})
    );
    let xml = remote.ask("GET", "/qps/rest/3.0/search/am/awsbaseaccount").send().await.body;
    assert!(xml.contains("<data><globalAccountId>100020003001</globalAccountId>"), "{xml}");

    let id = remote.id("aws", "prod-web").await;
    let body = format!(
        "<ServiceRequest><filters><Criteria field=\"id\" operator=\"EQUALS\">{id}</Criteria></filters></ServiceRequest>"
    );
    let path = "/qps/rest/3.0/search/am/assetdataconnectorerrors";
    let errors =
        remote.ask("GET", path).header("Accept", "application/json").body(&body).send().await.value();
    let errors = &errors["ServiceResponse"];
    assert_eq!((&errors["count"], &errors["hasMoreRecords"]), (&json!(3), &json!("false")));
    let first = &errors["data"][0]["AssetDataConnectorErrors"];
    assert!(first["errorMessage"].is_string() && first["created"].is_string(), "{first}");

    let wanted = json!({"ServiceRequest": {"data": {"AwsCloudformationTemplate":
        {"awsCloudType": "Global", "externalId": "US1-1368984-777", "capability": "AI"}}}});
    let path = "/qps/rest/3.0/download/am/awscloudformationtemplate";
    let template = remote.ask("POST", path).json().body(&wanted.to_string()).send().await.value();
    assert_eq!(template["AWSTemplateFormatVersion"], "2010-09-09");
    assert!(template.get("ServiceResponse").is_none());
    assert!(template.to_string().contains("US1-1368984-777"));
}

#[tokio::test]
async fn the_portal_tells_its_version() {
    let remote = Remote::example().await;
    for path in ["/qps/rest/portal/version", "/qps/rest/portal/version/"] {
        let answer = remote.ask("GET", path).json().send().await.value();
        let versions = &answer["ServiceResponse"]["data"][0]["Portal-Version"];
        assert!(versions["PortalApplication-VERSION"].is_string(), "{answer}");
        let xml = remote.ask("GET", path).send().await.body;
        assert!(xml.contains("<data><Portal-Version><PortalApplication-VERSION>"), "{xml}");
    }
    assert_eq!(remote.ask("GET", "/msp/about.php").send().await.status, 200);
}

#[tokio::test]
async fn a_tag_is_made_with_its_children() {
    let remote = Remote::example().await;
    // Sample 1 of JSON Support.
    let object = json!({"name": "Parent", "ruleType": "NAME_CONTAINS", "ruleText": "windows", "color": "#FFFFFF",
        "children": {"set": {"TagSimple": [{"name": "Child 1"}, {"name": "Child 2"}]}}});
    let created = remote.json("create", "tag", json!({"ServiceRequest": {"data": {"Tag": object}}})).await;
    let tag = &created["data"][0]["Tag"];
    let id = tag["id"].as_u64().unwrap();
    assert_eq!(
        tag["children"],
        json!({"list": [{"TagSimple": {"id": id + 2, "name": "Child 2"}}, {"TagSimple": {"id": id + 1, "name": "Child 1"}}]})
    );
    assert_eq!(tag["ruleType"], "NAME_CONTAINS");
    assert!(["created", "modified", "tagUuid"].iter().all(|field| tag[field].is_string()), "{tag}");

    // Sample 2: criteria are ANDed.
    let criteria = |color: &str| {
        json!({"ServiceRequest": {"filters": {"Criteria": [
            {"field": "parent", "operator": "EQUALS", "value": id.to_string()},
            {"field": "name", "operator": "CONTAINS", "value": "hild"},
            {"field": "id", "operator": "IN", "value": format!("{},{}", id + 1, id)},
            {"field": "ruleType", "operator": color, "value": "STATIC"},
        ]}}})
    };
    let found = remote.json("search", "tag", criteria("EQUALS")).await;
    assert_eq!((&found["count"], &found["data"][0]["Tag"]["name"]), (&json!(1), &json!("Child 1")));
    assert!(found["data"][0]["Tag"].get("ruleType").is_none(), "a static tag has no rule type");
    assert_eq!(remote.json("search", "tag", criteria("NOT EQUALS")).await["count"], 0);
    assert_eq!(remote.json("count", "tag", criteria("EQUALS")).await["count"], 1);
}

#[tokio::test]
async fn children_are_set_added_removed_and_updated() {
    let remote = Remote::example().await;
    let (prod, web) = (remote.id("tag", "prod").await, remote.id("tag", "web").await);
    let steps: [(Value, &[&str]); 5] = [
        (json!({"add": {"TagSimple": {"name": "api"}}}), &["api", "web"]),
        (json!({"update": {"TagSimple": {"id": web, "name": "site"}}}), &["api", "site"]),
        (json!({"remove": {"TagSimple": {"id": 1}}}), &["api", "site"]),
        (json!({"set": {"TagSimple": [{"name": "api"}, {"name": "db"}]}}), &["db", "api"]),
        (json!({"set": {}}), &[]),
    ];
    for (children, expected) in steps {
        let body = json!({"ServiceRequest": {"data": {"Tag": {"children": children}}}});
        let updated = remote.json("update", &format!("tag/{prod}"), body).await;
        assert_eq!(updated["data"], json!([{"Tag": {"id": prod}}]), "{updated}");
        let got = remote.json("get", &format!("tag/{prod}"), Value::Null).await;
        let list = got["data"][0]["Tag"]["children"]["list"].as_array().cloned().unwrap_or_default();
        let names: Vec<_> = list.iter().map(|child| child["TagSimple"]["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "after {children}");
    }
}

/// A sample of Update Azure Connector gives the capabilities as one member three times.
#[tokio::test]
async fn members_of_one_name_are_items_of_one_collection() {
    let remote = Remote::example().await;
    let id = remote.id("aws", "sandbox").await;
    let app = |name: &str| {
        format!(r#""ConnectorAppInfoQList": {{"set": {{"ConnectorAppInfo": {{"name": "{name}"}}}}}}"#)
    };
    let body = format!(
        r#"{{"ServiceRequest": {{"data": {{"AwsAssetDataConnector": {{"connectorAppInfos": {{"set": {{{}, {}, {}}}}}}}}}}}}}"#,
        app("AI"),
        app("CI"),
        app("CSA")
    );
    let path = format!("/qps/rest/3.0/update/am/{AWS}/{id}");
    let answer = remote.ask("POST", &path).json().body(&body).send().await.value();
    assert_eq!(answer["ServiceResponse"]["responseCode"], "SUCCESS", "{answer}");
    let apps = remote.plain("aws", id).await["connectorAppInfos"].clone();
    let mut names: Vec<_> =
        apps.as_array().unwrap().iter().map(|app| app["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["AI", "CI", "CSA"]);
}
