//! Azure connectors, after the samples of "Azure Connectors 3.0".

use super::*;

const SUBSCRIPTION: &str = "0a0a0a0a-1111-4222-8333-444444444444";
const DIRECTORY: &str = "0b0b0b0b-1111-4222-8333-444444444444";
const APPLICATION: &str = "0c0c0c0c-1111-4222-8333-444444444444";
const KEY: &str = "not-a-real-key-of-anything=";

fn app(name: &str, identifier: &str) -> Value {
    json!({"ConnectorAppInfoQList": {"list": [{"ConnectorAppInfo": {"name": name, "identifier": identifier}}]}})
}

/// A connector in the form of the guide's "Search Azure Connector" and "Get Azure Connector" samples: the
/// applications name the application, not the subscription, and the key is shown.
fn shown() -> Value {
    json!({
        "nextSync": "2031-06-30T18:51:02Z",
        "connectorAppInfos": {"list": [app("CI", APPLICATION), app("CSA", APPLICATION), app("AI", APPLICATION)]},
        "disabled": "false", "id": 6001, "connectorState": "QUEUED", "name": "corp", "isRemediationEnabled": "true",
        "lastSync": "2031-06-30T14:51:14Z", "runFrequency": 240,
        "authRecord": {"authenticationKey": KEY, "applicationId": APPLICATION, "directoryId": DIRECTORY,
            "subscriptionId": SUBSCRIPTION},
        "cloudviewUuid": "00000000-aaaa-4bbb-8ccc-dddddddddddd", "isDeleted": "false",
        "isGovCloudConfigured": "false", "type": "AZURE", "activation": {"ActivationModule": ["CLOUDVIEW"]},
        "subscriptionName": "corp-shared", "description": "Shared services"
    })
}

fn expected() -> Value {
    json!({
        "name": "corp", "description": "Shared services", "subscription_id": SUBSCRIPTION,
        "directory_id": DIRECTORY, "application_id": APPLICATION, "government": false,
        "capabilities": ["AI", "CI", "CSA"], "activation": [], "tags": [], "run_frequency": "4h", "remediation": true,
        "enabled": true, "perimeter_scan": "off"
    })
}

#[tokio::test]
async fn every_documented_form_of_a_connector_reads_as_the_same_one() {
    let lists = json!({"list": [
        {"ConnectorAppInfoQList": {"list": [{"ConnectorAppInfo": {"name": "CI"}}]}},
        [{"ConnectorAppInfoQList": {"list": [{"ConnectorAppInfo": {"name": "CSA"}}]}}],
        {"ConnectorAppInfoQLList": {"list": {"ConnectorAppInfo": {"name": "AI", "tagId": ""}}}},
    ]});
    for (form, connector) in [
        ("as searched for", shown()),
        ("real booleans", changed(shown(), json!({"disabled": false, "isGovCloudConfigured": false}))),
        ("numbers as strings", changed(shown(), json!({"id": "6001", "runFrequency": "240"}))),
        (
            "ids in capitals",
            changed(
                shown(),
                json!({"authRecord": {"applicationId": APPLICATION.to_uppercase(),
                "directoryId": DIRECTORY.to_uppercase(), "subscriptionId": SUBSCRIPTION.to_uppercase()}}),
            ),
        ),
        (
            "the sample of 2023, with fields of later versions",
            changed(
                shown(),
                json!({"isCPSEnabled": "false", "isInstantAssessmentEnabled": "false",
                "activation": {"list": {"ActivationModule": "CLOUDVIEW"}}}),
            ),
        ),
        ("lists in lists", changed(shown(), json!({"connectorAppInfos": lists}))),
        ("a list of one record", changed(shown(), json!({"authRecord": [shown()["authRecord"]]}))),
    ] {
        let object = one_of(Kind::Azure, wrapped_as(Kind::Azure, connector)).await;
        assert_eq!(Value::Object(object.spec.fields()), expected(), "{form}");
        assert_eq!((object.id.as_str(), object.hint, object.locked), ("6001", None, None), "{form}");
        assert!(object.unreadable.is_empty(), "{form}");
        assert_eq!(object.health.state.as_deref(), Some("QUEUED"), "{form}");
    }
}

#[tokio::test]
async fn one_field_of_a_connector_is_read_as_it_should_be() {
    for (changes, field, value) in [
        (json!({"isGovCloudConfigured": "true"}), "government", json!(true)),
        (
            json!({"defaultTags": {"list": [{"TagSimple": {"id": 72, "name": "night"}}]}}),
            "tags",
            json!(["#72"]),
        ),
        (
            json!({"activation": {"ActivationModule": ["CLOUDVIEW", "CERTVIEW", "VM"]}}),
            "activation",
            json!(["VM", "CERTVIEW"]),
        ),
        (json!({"isCPSEnabled": "true"}), "perimeter_scan", json!("global")),
        (json!({"disabled": "true"}), "enabled", json!(false)),
    ] {
        let object = one_of(Kind::Azure, wrapped_as(Kind::Azure, changed(shown(), changes.clone()))).await;
        assert_eq!(
            Value::Object(object.spec.fields()),
            changed(expected(), json!({field: value})),
            "{changes}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_does_not_tell_the_record_says_nothing_wrong_of_it() {
    let of_create =
        json!({"list": [app("AI", &SUBSCRIPTION.to_uppercase()), app("CSA", &SUBSCRIPTION.to_uppercase())]});
    let apart = json!({"list": [app("AI", SUBSCRIPTION), app("CSA", APPLICATION)]});
    for (record, apps, hint) in [
        (json!({}), of_create.clone(), Some(SUBSCRIPTION)),
        (json!(null), shown()["connectorAppInfos"].clone(), Some(APPLICATION)),
        (json!(""), json!(null), None),
        (json!({"subscriptionId": ""}), apart, None),
    ] {
        let connector = changed(shown(), json!({"authRecord": record, "connectorAppInfos": apps}));
        let object = one_of(Kind::Azure, wrapped_as(Kind::Azure, connector)).await;
        assert_eq!(object.spec.identity(), None);
        assert_eq!(object.hint.as_deref(), hint, "{record}");
        let untold: Vec<_> = object.unreadable.into_iter().collect();
        assert_eq!(untold, [("application_id", Value::Null), ("directory_id", Value::Null)], "{record}");
    }
    let connector = changed(
        shown(),
        json!({"authRecord": {"subscriptionId": SUBSCRIPTION, "directoryId": DIRECTORY},
        "isGovCloudConfigured": null}),
    );
    let object = one_of(Kind::Azure, wrapped_as(Kind::Azure, connector)).await;
    assert_eq!((object.spec.identity().as_deref(), object.hint), (Some(SUBSCRIPTION), None));
    assert_eq!(object.unreadable.into_keys().collect::<Vec<_>>(), ["application_id", "government"]);
}

#[tokio::test]
async fn members_of_an_organization_and_what_is_deleted_are_told_apart() {
    let member = changed(shown(), json!({"isAttachedToOrgConnector": "true"}));
    let object = one_of(Kind::Azure, wrapped_as(Kind::Azure, member)).await;
    assert_eq!(object.locked.as_deref(), Some("member of an organization connector"));
    let deleted = changed(shown(), json!({"isDeleted": "true"}));
    assert_eq!(list(Kind::Azure, wrapped_as(Kind::Azure, deleted)).await.unwrap(), []);
}

#[tokio::test]
async fn the_key_that_an_answer_shows_is_not_kept() {
    let object = one_of(Kind::Azure, wrapped_as(Kind::Azure, shown())).await;
    assert!(!format!("{object:?}").contains(KEY));
    let broken = changed(shown(), json!({"authRecord": {"authenticationKey": KEY, "directoryId": {}}}));
    let object = one_of(Kind::Azure, wrapped_as(Kind::Azure, broken)).await;
    assert_eq!(object.unread.as_deref(), Some("authRecord.directoryId"));
    assert!(!format!("{object:?}").contains(KEY));
}

fn record() -> Value {
    json!({"applicationId": APPLICATION, "directoryId": DIRECTORY, "subscriptionId": SUBSCRIPTION,
        "authenticationKey": KEY})
}

fn apps() -> Value {
    json!({"set": {"ConnectorAppInfoQList": [
        {"set": {"ConnectorAppInfo": {"name": "AI", "identifier": SUBSCRIPTION, "tagId": 71}}},
        {"set": {"ConnectorAppInfo": {"name": "CI", "identifier": SUBSCRIPTION}}},
    ]}})
}

fn whole(key: &SecretFile) -> Spec {
    spec(
        Kind::Azure,
        json!({
            "name": "corp", "description": "Shared", "subscription_id": SUBSCRIPTION.to_uppercase(),
            "directory_id": DIRECTORY, "application_id": APPLICATION, "authentication_key": key.reference(),
            "government": false, "capabilities": ["CI", {"name": "AI", "tag": "env/edge"}],
            "activation": ["VM", "SCA"], "tags": ["night"], "run_frequency": "4h", "remediation": true, "enabled": true,
            "perimeter_scan": "global"
        }),
    )
}

#[tokio::test]
async fn a_create_sends_all_that_the_file_says_in_the_documented_form() {
    let key = SecretFile::new(KEY);
    assert_eq!(
        created(&whole(&key), None).await,
        json!({
            "name": "corp", "description": "Shared", "authRecord": record(), "isGovCloudConfigured": false,
            "connectorAppInfos": apps(), "activation": {"set": {"ActivationModule": ["VM", "SCA"]}},
            "defaultTags": {"set": {"TagSimple": [{"id": 72}]}}, "runFrequency": 240, "isRemediationEnabled": true,
            "disabled": false, "isCPSEnabled": true,
            "connectorScanSetting": {"isCustomScanConfigEnabled": false},
        })
    );
    let bare = spec(Kind::Azure, json!({"name": "corp", "subscription_id": SUBSCRIPTION}));
    let sent = json!({"name": "corp", "authRecord": {"subscriptionId": SUBSCRIPTION}});
    assert_eq!(created(&bare, None).await, sent);
}

#[tokio::test]
async fn an_update_sends_the_changed_fields_alone_and_the_record_whole() {
    let key = SecretFile::new(KEY);
    for (changed, sent) in [
        ("name", json!({"name": "corp"})),
        ("description", json!({"description": "Shared"})),
        ("directory_id", json!({"authRecord": record()})),
        ("application_id", json!({"authRecord": record()})),
        ("authentication_key", json!({"authRecord": record()})),
        ("capabilities", json!({"connectorAppInfos": apps()})),
        ("activation", json!({"activation": {"set": {"ActivationModule": ["VM", "SCA"]}}})),
        ("tags", json!({"defaultTags": {"set": {"TagSimple": [{"id": 72}]}}})),
        ("run_frequency", json!({"runFrequency": 240})),
        ("remediation", json!({"isRemediationEnabled": true})),
        ("enabled", json!({"disabled": false})),
        (
            "perimeter_scan",
            json!({"isCPSEnabled": true, "connectorScanSetting": {"isCustomScanConfigEnabled": false}}),
        ),
    ] {
        assert_eq!(updated(&whole(&key), &[changed], None).await, sent, "{changed}");
    }
    let keyless = spec(
        Kind::Azure,
        json!({"name": "corp", "subscription_id": SUBSCRIPTION,
        "directory_id": DIRECTORY, "application_id": APPLICATION}),
    );
    assert_eq!(
        updated(&keyless, &["application_id"], None).await,
        json!({"authRecord": {"applicationId": APPLICATION}}),
        "without the key the record could not be sent whole"
    );
}

#[tokio::test]
async fn a_key_that_cannot_be_had_stops_the_write_before_any_request() {
    let key = SecretFile::new(KEY);
    let spec = whole(&key);
    std::fs::remove_file(key.path()).unwrap();
    let secrets = secrets_of(&spec);
    let stub = Stub::plays([success(&json!({"count": 1}))]).await;
    let context = Context { secrets: &secrets, ..Context::new(&Known) };
    let error = Writer::new(&stub.reader()).create(&spec, context).await.unwrap_err().to_string();
    assert!(
        error.contains("could not create azureassetdataconnector azure/corp: could not resolve"),
        "{error}"
    );
    assert_eq!(stub.asked().len(), 0);
}
