//! What looks like nothing and is not: names that say nothing, members given twice, words that exist nowhere.

use serde_json::{Value, json};

use crate::client::{AWS, AZURE, GCP, OCI, Remote};
use crate::refusals::check_refused;
use crate::samples::request;

#[tokio::test]
async fn names_are_checked_whatever_is_said_of_them() {
    let remote = Remote::example().await;
    let path = format!("{AWS}/{}", remote.id("aws", "prod-web").await);
    let nothing = [Value::Null, json!([])];
    for nothing in &nothing {
        let cases = [
            (json!({"colour": nothing}), "colour"),
            (json!({"defaultTags": {"sett": nothing}}), "defaultTags.sett"),
            (json!({"defaultTags": {"set": {"TagSmple": nothing}}}), "defaultTags.set.TagSmple"),
            (json!({"activation": {"set": {"Module": nothing}}}), "activation.set.Module"),
            (
                json!({"connectorAppInfos": {"set": {"ConnectorAppInfoQLList": nothing}}}),
                "ConnectorAppInfoQLList",
            ),
            (
                json!({"connectorAppInfos": {"set": {"ConnectorAppInfoQList": {"set": {"App": nothing}}}}}),
                "ConnectorAppInfoQList.set.App",
            ),
            (json!({"connectorScanSetting": {"isCustom": nothing}}), "connectorScanSetting.isCustom"),
        ];
        for (object, named) in cases {
            check_refused(&remote.json("update", &path, request(&object)).await, named);
        }
        for member in ["filter", "preference"] {
            check_refused(
                &remote.json("search", AWS, json!({"ServiceRequest": {member: nothing}})).await,
                member,
            );
        }
    }
    // A name that is right and says nothing is as good as one that is not there.
    let before = remote.json("get", &path, Value::Null).await;
    let silent = json!({"id": null, "name": null, "defaultTags": {"set": null}, "description": []});
    assert_eq!(remote.json("update", &path, request(&silent)).await["responseCode"], "SUCCESS");
    let after = remote.json("get", &path, Value::Null).await;
    for field in ["name", "defaultTags", "description"] {
        let of = |answer: &Value| answer["data"][0]["AwsAssetDataConnector"][field].clone();
        assert_eq!((of(&after), of(&after).is_null()), (of(&before), false), "{field}");
    }
}

#[tokio::test]
async fn what_is_given_twice_is_heard_of() {
    let remote = Remote::example().await;
    let path = format!("/qps/rest/3.0/update/am/{AWS}/{}", remote.id("aws", "prod-web").await);
    let data = |members: &str| {
        format!(r#"{{"ServiceRequest": {{"data": {{"AwsAssetDataConnector": {{{members}}}}}}}}}"#)
    };
    let search = format!("/qps/rest/3.0/search/am/{AWS}");
    let cases = [
        (&path, data(r#""name": "a", "name": "b""#), "name"),
        (&path, data(r#""connectorScanSetting": {"isCustomScanConfigEnabled": true, "isCustomScanConfigEnabled": false}"#), "isCustomScanConfigEnabled"),
        (&search, r#"{"ServiceRequest": {"preferences": {"limitResults": 1, "limitResults": 2}}}"#.to_owned(), "limitResults"),
        (&search, r#"{"ServiceRequest": {"filters": {"Criteria": {"field": "id", "field": "name", "operator": "EQUALS", "value": "1"}}}}"#.to_owned(), "Criteria.field"),
        (&search, r#"{"ServiceRequest": {}, "ServiceRequest": {}}"#.to_owned(), "ServiceRequest"),
    ];
    for (path, body, named) in cases {
        let answer = remote.ask("POST", path).json().body(&body).send().await;
        check_refused(&answer.value()["ServiceResponse"], named);
    }
}

#[tokio::test]
async fn a_body_is_declared_as_what_the_documents_know() {
    let remote = Remote::example().await;
    let path = format!("/qps/rest/3.0/search/am/{AWS}");
    let search = async |declared: &str| {
        let ask = remote.ask("POST", &path).header("Accept", "application/json");
        let ask = if declared.is_empty() { ask } else { ask.header("Content-Type", declared) };
        ask.body("<ServiceRequest/>").send().await.value()["ServiceResponse"].take()
    };
    // The samples leave the header out in places, and curl then declares a form.
    for taken in
        ["", "text/xml", "Text/XML; charset=UTF-8", "application/xml", "application/x-www-form-urlencoded"]
    {
        assert_eq!(search(taken).await["count"], 3, "{taken}");
    }
    for refused in ["text/plain", "application/octet-stream", "image/png"] {
        check_refused(&search(refused).await, "Content-Type");
    }
}

#[tokio::test]
async fn one_identity_is_not_given_to_several_at_once() {
    let remote = Remote::example().await;
    let arn = "arn:aws:iam::999999999999:role/Shared";
    let body = json!({"ServiceRequest": {
        "filters": {"Criteria": [{"field": "disabled", "operator": "EQUALS", "value": "false"}]},
        "data": {"AwsAssetDataConnector": {"arn": arn}},
    }});
    check_refused(&remote.json("update", AWS, body).await, arn);
    let objects = remote.control("GET", "/_sim/objects?kind=aws", Value::Null).await;
    assert!(!objects.to_string().contains(arn), "nothing was changed");
}

#[tokio::test]
async fn a_misspelt_word_is_no_empty_list() {
    let remote = Remote::example().await;
    let cases = [
        (AWS, "connectorState", "FINISHED_ERROR", "FINISHED_ERRORS"),
        (AWS, "activation", "VMDR", "CERTVIEW"),
        (AZURE, "type", "Azure", "AZURE"),
        (GCP, "Type", "GOOGLE", "GCP"),
        (OCI, "connectorState", "DONE", "FINISHED_SUCCESS"),
        ("tag", "ruleType", "NAME", "NAME_CONTAINS"),
    ];
    for (noun, field, value, expected) in cases {
        let search = async |operator: &str, value: &str| {
            let criteria = json!({"field": field, "operator": operator, "value": value});
            remote.json("search", noun, json!({"ServiceRequest": {"filters": {"Criteria": criteria}}})).await
        };
        for (operator, value) in [("EQUALS", value), ("IN", &*format!("{expected},{value}"))] {
            let refused = search(operator, value).await;
            check_refused(&refused, field);
            let resolution = refused["responseErrorDetails"]["errorResolution"].as_str().unwrap();
            assert!(
                resolution.starts_with("Values expected: ") && resolution.contains(expected),
                "{resolution}"
            );
        }
        assert_eq!(search("IN", expected).await["responseCode"], "SUCCESS", "{field} {expected}");
    }
}
