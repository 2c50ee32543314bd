//! What the documents do not allow is refused with HTTP 200, INVALID_REQUEST and the name of what is wrong.

use serde_json::{Value, json};

use crate::client::{AWS, Remote};
use crate::samples::{connector, request};

const ARN: &str = "arn:aws:iam::123456789012:role/QualysConnector";

#[track_caller]
pub(crate) fn check_refused(answer: &Value, named: &str) {
    assert_eq!(answer["responseCode"], "INVALID_REQUEST", "{named}: {answer}");
    let details = &answer["responseErrorDetails"];
    let message = details["errorMessage"].as_str().unwrap();
    assert!(message.contains(named), "{message:?} does not name {named:?}");
    assert!(!details["errorResolution"].as_str().unwrap().is_empty());
    assert!(answer.get("data").is_none());
}

#[tokio::test]
async fn a_create_is_refused_by_the_name_of_the_field() {
    let remote = Remote::example().await;
    let one_app = |app: Value| json!({"set": {"ConnectorAppInfoQList": {"set": {"ConnectorAppInfo": app}}}});
    let cases: &[(&str, Value, &str)] = &[
        ("unknown name", json!({"colour": "red"}), "colour"),
        ("the samples' typing error", json!({"connectorApplInfos": {}}), "connectorApplInfos"),
        ("the platform's own", json!({"awsAccountId": "123456789012"}), "awsAccountId"),
        ("the platform's own", json!({"connectorState": "QUEUED"}), "connectorState"),
        ("an id", json!({"id": 5}), "id"),
        ("no name", json!({"name": ""}), "name"),
        ("a number as a name", json!({"name": 5}), "name"),
        ("a long name", json!({"name": "x".repeat(256)}), "name"),
        ("the samples' ARN", json!({"arn": "arn:aws:iam:::12345678911/role:testrole"}), "arn"),
        ("an account of 11 digits", json!({"arn": "arn:aws:iam::12345678911:role/r"}), "arn"),
        ("a user's ARN", json!({"arn": "arn:aws:iam::123456789012:user/u"}), "arn"),
        ("another partition", json!({"arn": "arn:aws-iso:iam::123456789012:role/r"}), "arn"),
        ("an external id with blanks", json!({"externalId": "a b"}), "externalId"),
        ("a text as a number", json!({"runFrequency": "often"}), "runFrequency"),
        ("a negative number", json!({"runFrequency": -5}), "runFrequency"),
        ("a word as a flag", json!({"disabled": "yes"}), "disabled"),
        ("the other partition's flag", json!({"isGovCloudConfigured": true}), "isGovCloudConfigured"),
        (
            "an unknown module",
            json!({"activation": {"set": {"ActivationModule": "CSA"}}}),
            "activation.set.ActivationModule",
        ),
        ("a read-only list", json!({"activation": {"list": {"ActivationModule": "VM"}}}), "activation.list"),
        ("a read-only count", json!({"defaultTags": {"count": 1}}), "defaultTags.count"),
        ("no operation", json!({"activation": ["VM"]}), "activation"),
        ("a tag that is not there", json!({"defaultTags": {"set": {"TagSimple": {"id": 17}}}}), "17"),
        (
            "a tag by name",
            json!({"defaultTags": {"set": {"TagSimple": {"name": "prod"}}}}),
            "defaultTags.set.TagSimple.id",
        ),
        (
            "a region's name",
            json!({"endpoints": {"set": {"AwsEndpointSimple": {"regionCode": "Ireland"}}}}),
            "regionCode",
        ),
        (
            "an unknown capability",
            json!({"connectorAppInfos": one_app(json!({"name": "VM"}))}),
            "ConnectorAppInfo.name",
        ),
        (
            "a nameless capability",
            json!({"connectorAppInfos": one_app(json!({"identifier": ARN}))}),
            "ConnectorAppInfo.name",
        ),
        (
            "a foreign identifier",
            json!({"connectorAppInfos": one_app(json!({"name": "AI", "identifier": "arn:aws:iam::1:role/r"}))}),
            "identifier",
        ),
        (
            "an unknown tag of a capability",
            json!({"connectorAppInfos": one_app(json!({"name": "AI", "tagId": 17}))}),
            "tagId",
        ),
        (
            "the samples' typing error",
            json!({"connectorAppInfos": {"set": {"ConnectorAppInfoQLList": {}}}}),
            "ConnectorAppInfoQLList",
        ),
        ("PC with SCA", json!({"activation": {"set": {"ActivationModule": ["PC", "SCA"]}}}), "activation"),
    ];
    for (what, fields, named) in cases {
        let mut object = connector("payments", ARN);
        for (name, value) in fields.as_object().unwrap() {
            object[name] = value.clone();
        }
        let answer = remote.json("create", AWS, request(&object)).await;
        assert_eq!(answer["responseCode"], "INVALID_REQUEST", "{what} ({named}): {answer}");
        check_refused(&answer, named);
    }
    for required in ["name", "arn", "externalId"] {
        let mut object = connector("payments", ARN);
        object.as_object_mut().unwrap().remove(required);
        check_refused(&remote.json("create", AWS, request(&object)).await, required);
    }
    assert_eq!(remote.json("search", AWS, Value::Null).await["count"], 3, "nothing was made");
}

#[tokio::test]
async fn a_perimeter_scan_needs_what_belongs_to_it() {
    let remote = Remote::example().await;
    let whole = json!({"optionProfileId": 2, "recurrence": "WEEKLY", "daysOfWeek": {"set": {"Day": ["SUN"]}},
        "scanPrefix": "p", "startDate": "12/01/2031", "startTime": "15:45", "timezone": "Africa/Cairo"});
    let scan = |configuration: &Value| {
        json!({"isCPSEnabled": true, "connectorScanSetting": {"isCustomScanConfigEnabled": true},
            "connectorScanConfig": {"set": {"ConnectorScanConfiguration": configuration}}})
    };
    let id = remote.id("aws", "prod-web").await;
    let path = format!("{AWS}/{id}");
    let check = async |object: Value, named: &str| {
        check_refused(&remote.json("update", &path, request(&object)).await, named);
    };
    check(json!({"isCPSEnabled": true}), "connectorScanSetting").await;
    let names: Vec<_> = whole.as_object().unwrap().keys().cloned().collect();
    for name in names {
        let mut less = whole.clone();
        less.as_object_mut().unwrap().remove(&name);
        check(scan(&less), &name).await;
    }
    let cases = [
        ("recurrence", json!("DAILY"), "daysOfWeek"),
        ("recurrence", json!("MONTHLY"), "recurrence"),
        ("startDate", json!("31/05/2022"), "startDate"),
        ("startDate", json!("2031-12-01"), "startDate"),
        ("startTime", json!("3:45pm"), "startTime"),
        ("startTime", json!("24:10"), "startTime"),
        ("timezone", json!("Cairo"), "timezone"),
        ("daysOfWeek", json!({"set": {"Day": "SUNDAY"}}), "daysOfWeek.set.Day"),
        ("daysOfWeek", json!({"list": {"Day": "SUN"}}), "daysOfWeek.list"),
        ("optionProfileId", json!("two"), "optionProfileId"),
    ];
    for (name, value, named) in cases {
        let mut other = whole.clone();
        other[name] = value;
        check(scan(&other), named).await;
    }
    let taken = remote.json("update", &path, request(&scan(&whole))).await;
    assert_eq!(taken["responseCode"], "SUCCESS", "{taken}");
}

#[tokio::test]
async fn an_update_takes_no_more_than_the_documents_name() {
    let remote = Remote::example().await;
    let id = remote.id("aws", "prod-web").await;
    let cases = [
        (json!({"id": id + 1, "name": "x"}), "id"),
        (json!({"isGovCloudConfigured": false}), "isGovCloudConfigured"),
        (json!({"isDeleted": false}), "isDeleted"),
        (json!({"cloudviewUuid": "x"}), "cloudviewUuid"),
    ];
    for (object, named) in cases {
        check_refused(&remote.json("update", &format!("{AWS}/{id}"), request(&object)).await, named);
    }
    let same = remote.json("update", &format!("{AWS}/{id}"), request(&json!({"id": id, "name": "x"}))).await;
    assert_eq!(same["responseCode"], "SUCCESS");
    let data = request(&json!({"name": "x"}));
    check_refused(&remote.json("delete", &format!("{AWS}/{id}"), data.clone()).await, "data");
    check_refused(&remote.json("search", AWS, data).await, "data");
    let both = json!({"ServiceRequest": {"data": {"AwsAssetDataConnector": {"name": "x"}},
        "filters": {"Criteria": {"field": "name", "operator": "EQUALS", "value": "x"}}}});
    check_refused(&remote.json("update", &format!("{AWS}/{id}"), both).await, "filters");
}

#[tokio::test]
async fn criteria_are_refused_by_name() {
    let remote = Remote::example().await;
    let cases = [
        ("search", "arn", "EQUALS", ARN, "arn"),
        ("search", "externalId", "EQUALS", "x", "externalId"),
        ("search", "tagName", "EQUALS", "prod", "tagName"),
        ("search", "id", "CONTAINS", "1", "CONTAINS"),
        ("search", "name", "IN", "a,b", "IN"),
        ("search", "name", "NOT_EQUALS", "a", "NOT_EQUALS"),
        ("search", "connectorState", "GREATER", "QUEUED", "GREATER"),
        ("search", "disabled", "IN", "true", "IN"),
        ("search", "id", "EQUALS", "abc", "'id' (abc)"),
        ("search", "disabled", "EQUALS", "undefined", "'disabled' (undefined)"),
        ("search", "lastSync", "GREATER", "yesterday", "'lastSync' (yesterday)"),
        ("delete", "name", "NOT EQUALS", "prod-web", "NOT EQUALS"),
        ("update", "name", "NOT EQUALS", "prod-web", "NOT EQUALS"),
    ];
    for (verb, field, operator, value, named) in cases {
        let criterion = json!({"field": field, "operator": operator, "value": value});
        let mut body = json!({"ServiceRequest": {"filters": {"Criteria": criterion}}});
        if verb == "update" {
            body["ServiceRequest"]["data"] = json!({"AwsAssetDataConnector": {"name": "x"}});
        }
        check_refused(&remote.json(verb, AWS, body).await, named);
    }
    let unsound =
        json!({"ServiceRequest": {"filters": {"Criteria": [{"field": "name", "operator": "EQUALS"}]}}});
    check_refused(&remote.json("search", AWS, unsound).await, "value");
    for (preferences, named) in [
        (json!({"limitResults": 1001}), "limitResults"),
        (json!({"limitResults": 0}), "limitResults"),
        (json!({"startFromOffset": 0}), "startFromOffset"),
        (json!({"startAt": 1}), "startAt"),
    ] {
        let body = json!({"ServiceRequest": {"preferences": preferences}});
        check_refused(&remote.json("search", AWS, body).await, named);
    }
}

#[tokio::test]
async fn bodies_that_are_no_requests_are_refused() {
    let remote = Remote::example().await;
    let path = format!("/qps/rest/3.0/search/am/{AWS}");
    let cases = [
        ("application/json", "{", "JSON"),
        ("application/json", "{\"filters\": {}}", "'filters'"),
        ("application/json", "{\"ServiceRequest\": {\"filter\": {}}}", "'filter'"),
        ("application/json", "[]", "ServiceRequest"),
        ("text/xml", "<ServiceRequest>", "XML"),
        ("text/xml", "{\"ServiceRequest\": {}}", "XML"),
        ("application/xml", "<ServiceResponse/>", "ServiceResponse"),
        ("application/xml", "<!DOCTYPE x><ServiceRequest/>", "document type"),
        (
            "text/xml",
            "<ServiceRequest><filters><Criteria field=\"id\" operator=\"EQUALS\">\n5\n</Criteria></filters></ServiceRequest>",
            "'id'",
        ),
        (
            "text/xml",
            "<ServiceRequest><preferences><limitResults> 5</limitResults></preferences></ServiceRequest>",
            "limitResults",
        ),
    ];
    let deep = "<a>".repeat(200);
    let cases = cases.into_iter().chain([("text/xml", deep.as_str(), "deeply")]);
    for (content_type, body, named) in cases {
        let ask = remote
            .ask("POST", &path)
            .header("Accept", "application/json")
            .header("Content-Type", content_type);
        let answer = ask.body(body).send().await;
        assert_eq!(answer.status, 200);
        check_refused(&answer.value()["ServiceResponse"], named);
    }
}

#[tokio::test]
async fn tags_are_refused_by_the_name_of_the_field() {
    let remote = Remote::example().await;
    let tag = |object: Value| json!({"ServiceRequest": {"data": {"Tag": object}}});
    let prod = remote.id("tag", "prod").await;
    let web = remote.id("tag", "web").await;
    let cases = [
        (json!({"color": "#FFFFFF"}), "name"),
        (json!({"name": "x", "ruleType": ""}), "ruleType"),
        (json!({"name": "x", "ruleType": "MAGIC"}), "ruleType"),
        (json!({"name": "x", "color": "red"}), "color"),
        (json!({"name": "x", "color": "#FFF"}), "color"),
        (json!({"name": "x", "parentTagId": 17}), "parentTagId"),
        (json!({"name": "x", "criticalityScore": 9}), "criticalityScore"),
        (json!({"name": "x", "tagUuid": "u"}), "tagUuid"),
        (json!({"name": "x", "children": {"list": []}}), "children.list"),
        (json!({"name": "x", "children": {"set": {"TagSimple": {}}}}), "children"),
        (json!({"name": "prod"}), "prod"),
    ];
    for (object, named) in cases {
        check_refused(&remote.json("create", "tag", tag(object)).await, named);
    }
    let cycle = remote.json("update", &format!("tag/{prod}"), tag(json!({"parentTagId": web}))).await;
    check_refused(&cycle, "parentTagId");
    let system = remote.id("tag", "Cloud Agent").await;
    check_refused(
        &remote.json("update", &format!("tag/{system}"), tag(json!({"name": "mine"}))).await,
        "Cloud Agent",
    );
    check_refused(&remote.json("delete", &format!("tag/{system}"), Value::Null).await, "Cloud Agent");
}

#[tokio::test]
async fn connectors_made_elsewhere_say_why_they_refuse_updates() {
    let remote = Remote::example().await;
    for (field, reason) in
        [("madeElsewhere", "Connectors application"), ("isAttachedToOrgConnector", "organization connector")]
    {
        let set = json!({"kind": "aws", "name": "sandbox", "set": {field: true}});
        let id = remote.control("POST", "/_sim/objects", set).await["id"].as_u64().unwrap();
        let answer =
            remote.json("update", &format!("{AWS}/{id}"), request(&json!({"runFrequency": 60}))).await;
        check_refused(&answer, reason);
        let unset = json!({"kind": "aws", "name": "sandbox", "set": {field: false}});
        remote.control("POST", "/_sim/objects", unset).await;
    }
}
