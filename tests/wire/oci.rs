//! OCI connectors, after the samples of "OCI Connectors 3.0".

use super::*;

const TENANCY: &str = "ocid1.tenancy.oc1..warehouse2031";
const USER: &str = "ocid1.user.oc1..reader2031";
const FINGERPRINT: &str = "0a:1b:2c:3d:4e:5f:60:71:82:93:a4:b5:c6:d7:e8:f9";
const PEM: &str =
    "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5IG9mIGFueXRoaW5nIGF0IGFsbA==\n-----END PRIVATE KEY-----\n";

fn app(name: &str) -> Value {
    json!({"ConnectorAppInfo": {"name": name, "identifier": TENANCY, "tagId": 71,
        "tagMetadata": {"id": 71, "name": "edge", "color": "java.awt.Color[r=0,g=204,b=0]"}}})
}

/// A connector in the form of the guide's "Search OCI Connector" sample, as far as that is JSON: real booleans, all
/// applications in one list, the key shown with the carriage returns of XML.
fn shown() -> Value {
    json!({
        "id": 4001, "name": "oracle", "description": "Master", "lastSync": "2031-07-19T11:15:32Z",
        "lastError": "Internal processing error", "connectorState": "FINISHED_ERRORS", "type": "OCI",
        "disabled": false, "isGovCloudConfigured": false, "isDeleted": false, "runFrequency": 240,
        "nextSync": "2031-07-19T15:15:23Z", "isCPSEnabled": false,
        "connectorAppInfos": {"list": {"ConnectorAppInfoQList": [
            {"list": app("AI")}, {"list": app("CI")}, {"list": app("CSA")}
        ]}},
        "cloudviewUuid": "00000000-aaaa-4bbb-8ccc-dddddddddddd", "isInstantAssessmentEnabled": false,
        "isSnapshotAssessmentEnabled": false, "homeRegion": "us-ashburn-1",
        "authRecord": {"tenantId": TENANCY, "userId": USER, "fingerprint": FINGERPRINT,
            "privateKey": PEM.replace('\n', "&#xd;\n&#xd;\n")}
    })
}

fn expected() -> Value {
    let app = |name: &str| json!({"name": name, "tag": "#71"});
    json!({
        "name": "oracle", "description": "Master", "tenant_id": TENANCY, "user_id": USER,
        "fingerprint": FINGERPRINT, "home_region": "us-ashburn-1",
        "capabilities": [app("AI"), app("CI"), app("CSA")], "tags": [], "run_frequency": "4h", "enabled": true
    })
}

#[tokio::test]
async fn every_documented_form_of_a_connector_reads_as_the_same_one() {
    let lists = |apps: Value| json!({"connectorAppInfos": apps});
    for (form, data) in [
        ("data as one wrapped object", json!({"OciAssetDataConnector": shown()})),
        ("data as a list inside the name", json!({"OciAssetDataConnector": [shown()]})),
        ("data as a list", wrapped_as(Kind::Oci, shown())),
        (
            "lists in lists, with a level that has no name",
            wrapped_as(
                Kind::Oci,
                changed(
                    shown(),
                    lists(json!({"list": [{"ConnectorAppInfoQLList": [
                        {"list": [{"list": app("AI")}]}, {"list": {"list": app("CI")}}, [{"list": [app("CSA")]}]
                    ]}]})),
                ),
            ),
        ),
        (
            "one list with all, as requests have it",
            wrapped_as(
                Kind::Oci,
                changed(
                    shown(),
                    lists(json!({"list": {"ConnectorAppInfoQList": {"list":
                {"ConnectorAppInfo": [app("AI")["ConnectorAppInfo"], app("CI")["ConnectorAppInfo"],
                    app("CSA")["ConnectorAppInfo"]]}}}})),
                ),
            ),
        ),
        (
            "the keys that one sample has in an application",
            wrapped_as(
                Kind::Oci,
                changed(
                    shown(),
                    lists(json!({"list": {"ConnectorAppInfoQLList": [
                        {"list": changed(app("CSA"), json!({"order": 1, "value": "1.0.0"}))}, {"list": app("CI")},
                        {"list": app("AI")}
                    ]}})),
                ),
            ),
        ),
        (
            "ids as strings",
            wrapped_as(Kind::Oci, changed(shown(), json!({"id": "4001", "runFrequency": "240"}))),
        ),
        (
            "capitals where they mean nothing",
            wrapped_as(
                Kind::Oci,
                changed(
                    shown(),
                    json!({"homeRegion": "US-ASHBURN-1", "authRecord":
                {"tenantId": TENANCY, "userId": USER, "fingerprint": FINGERPRINT.to_uppercase()}}),
                ),
            ),
        ),
    ] {
        let object = one_of(Kind::Oci, data).await;
        assert_eq!(Value::Object(object.spec.fields()), expected(), "{form}");
        assert_eq!((object.id.as_str(), &object.hint, &object.locked), ("4001", &None, &None), "{form}");
        assert!(object.unreadable.is_empty(), "{form}");
        assert!(object.health.is_unhealthy(), "{form}");
        assert_eq!(object.health.last_error.as_deref(), Some("Internal processing error"), "{form}");
        assert!(!format!("{object:?}").contains("bm90"), "{form}: the key is not kept");
    }
}

#[tokio::test]
async fn no_tag_is_an_empty_id() {
    let apps = json!({"list": {"ConnectorAppInfoQList": {"list": {"ConnectorAppInfo":
        {"name": "AI", "identifier": TENANCY, "tagId": ""}}}}});
    let object =
        one_of(Kind::Oci, wrapped_as(Kind::Oci, changed(shown(), json!({"connectorAppInfos": apps})))).await;
    assert_eq!(object.spec.fields()["capabilities"], json!(["AI"]));
}

/// The answers to create and update, and maybe some reads, show of the record the tenancy alone.
#[tokio::test]
async fn what_an_answer_does_not_tell_is_not_known() {
    let connector = changed(shown(), json!({"authRecord": {"tenantId": TENANCY}, "homeRegion": null}));
    let object = one_of(Kind::Oci, wrapped_as(Kind::Oci, connector)).await;
    assert_eq!(object.spec.identity().as_deref(), Some(TENANCY));
    assert_eq!(object.unreadable.into_keys().collect::<Vec<_>>(), ["fingerprint", "home_region", "user_id"]);

    let connector = changed(shown(), json!({"authRecord": {}}));
    let object = one_of(Kind::Oci, wrapped_as(Kind::Oci, connector)).await;
    assert_eq!((object.spec.identity(), object.hint.as_deref()), (None, Some(TENANCY)));
}

fn apps() -> Value {
    json!({"set": {"ConnectorAppInfoQList": {"set": {"ConnectorAppInfo": [
        {"name": "AI", "identifier": TENANCY, "tagId": 71},
        {"name": "CI", "identifier": TENANCY, "tagId": ""},
    ]}}}})
}

fn whole(key: &SecretFile, passphrase: &SecretFile, tags: &Value) -> Spec {
    spec(
        Kind::Oci,
        json!({
            "name": "oracle", "description": "Master", "tenant_id": TENANCY, "user_id": USER,
            "fingerprint": FINGERPRINT.to_uppercase(), "private_key": key.reference(),
            "passphrase": passphrase.reference(), "home_region": "us-ashburn-1",
            "capabilities": ["CI", {"name": "AI", "tag": "env/edge"}], "tags": tags, "run_frequency": "4h", "enabled": true
        }),
    )
}

#[tokio::test]
async fn a_create_sends_what_is_documented_and_an_update_behind_it_the_tags() {
    let (key, passphrase) = (SecretFile::new(PEM), SecretFile::new("not-a-real-phrase"));
    let create = json!({
        "name": "oracle", "description": "Master", "homeRegion": "us-ashburn-1",
        "authRecord": {"tenantId": TENANCY, "userId": USER, "fingerprint": FINGERPRINT,
            "privateKey": PEM.trim_end(), "passphrase": "not-a-real-phrase"},
        "connectorAppInfos": apps(), "runFrequency": 240, "disabled": false
    });
    let answer = success(&json!({"count": 1, "data": {"OciAssetDataConnector": {"id": "9", "name": "other",
        "authRecord": {"tenantId": TENANCY}}}}));
    let sent = |asked: &stub::Asked| asked.json()["ServiceRequest"]["data"]["OciAssetDataConnector"].clone();

    let spec = whole(&key, &passphrase, &json!(["night"]));
    let secrets = secrets_of(&spec);
    let context = Context { secrets: &secrets, ..Context::new(&Known) };
    let stub = Stub::plays([answer.clone()]).await;
    let made = Writer::new(&stub.reader()).create(&spec, context).await.unwrap();
    assert!(made.id == "9" && made.incomplete.is_none(), "{made:?}");
    let asked = stub.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(sent(&asked[0]), create);
    assert_eq!(asked[1].path, "/qps/rest/3.0/update/am/ociassetdataconnector/9");
    assert_eq!(sent(&asked[1]), json!({"defaultTags": {"set": {"TagSimple": [{"id": 72}]}}}));

    // Without tags, or with none, there is nothing to send behind it.
    for tags in [json!(null), json!([])] {
        let stub = Stub::plays([answer.clone()]).await;
        let spec = whole(&key, &passphrase, &tags);
        Writer::new(&stub.reader()).create(&spec, context).await.unwrap();
        assert_eq!(stub.asked().len(), 1, "{tags}");
        assert_eq!(sent(&stub.asked()[0]), create, "{tags}");
    }

    // What was made was made, even where its tags are not taken.
    let refusal = stub::reply(200, r#"{"ServiceResponse": {"responseCode": "INVALID_REQUEST"}}"#);
    let stub = Stub::plays([answer, refusal]).await;
    let made = Writer::new(&stub.reader()).create(&spec, context).await.unwrap();
    assert_eq!(made.id, "9");
    assert_eq!(
        made.incomplete.unwrap().to_string(),
        "could not update ociassetdataconnector 9: INVALID_REQUEST"
    );
    assert_eq!(stub.asked().len(), 2);

    // A tag that is nowhere stops the create too: what follows it could not be done.
    let spec = whole(&key, &passphrase, &json!(["nowhere"]));
    let stub = Stub::plays([success(&json!({"count": 1}))]).await;
    let error = Writer::new(&stub.reader()).create(&spec, context).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not create ociassetdataconnector oci/oracle: tag `nowhere` is not on the platform"
    );
    assert_eq!(stub.asked().len(), 0);
}

#[tokio::test]
async fn an_update_sends_the_changed_fields_alone_and_never_what_is_fixed() {
    let (key, passphrase) = (SecretFile::new(PEM), SecretFile::new("not-a-real-phrase"));
    for (changed, sent) in [
        ("name", json!({"name": "oracle"})),
        ("description", json!({"description": "Master"})),
        ("capabilities", json!({"connectorAppInfos": apps()})),
        ("tags", json!({"defaultTags": {"set": {"TagSimple": [{"id": 72}]}}})),
        ("run_frequency", json!({"runFrequency": 240})),
        ("enabled", json!({"disabled": false})),
    ] {
        let spec = whole(&key, &passphrase, &json!(["night"]));
        assert_eq!(updated(&spec, &[changed], None).await, sent, "{changed}");
    }
    let cleared = whole(&key, &passphrase, &json!([]));
    assert_eq!(updated(&cleared, &["tags"], None).await, json!({"defaultTags": {"set": {"TagSimple": []}}}));
}

#[tokio::test]
async fn a_subscription_without_oci_is_told_whom_to_ask() {
    let refusal = r#"{"ServiceResponse": {"responseCode": "INVALID_API_VERSION"}}"#;
    let stub = Stub::plays([stub::reply(200, refusal)]).await;
    let error = stub.reader().list(Kind::Oci).await.unwrap_err();
    let hint = error.hint().unwrap();
    assert!(hint.contains("have to be enabled for the subscription: ask the vendor's support"), "{hint}");
    let error = stub.reader().list(Kind::Gcp).await.unwrap_err();
    assert!(error.hint().unwrap().starts_with("the subscription lacks the module"));
}

/// The platform repeats what it was sent, and its own words go into an error.
#[tokio::test]
async fn keys_that_the_platform_throws_back_are_not_shown() {
    let (key, passphrase) = (SecretFile::new(PEM), SecretFile::new("not-a-real-phrase"));
    let spec = whole(&key, &passphrase, &json!([]));
    let secrets = secrets_of(&spec);
    for said in
        [PEM.to_owned(), "bm90IGEga2V5IG9mIGFueXRoaW5nIGF0IGFsbA==".to_owned(), PEM.replace('\n', "&#xd;\n")]
    {
        let answer = json!({"ServiceResponse": {"responseCode": "INVALID_REQUEST",
            "responseErrorDetails": {"errorMessage": format!("no key: {said} with not-a-real-phrase")}}});
        let stub = Stub::plays([stub::reply(200, answer.to_string())]).await;
        let reader = stub.reader();
        reader.guard(&secrets);
        let context = Context { secrets: &secrets, ..Context::new(&Known) };
        let error = Writer::new(&reader).create(&spec, context).await.unwrap_err();
        for shown in [error.to_string(), format!("{error:?}"), format!("{spec:?} {context:?} {secrets:?}")] {
            assert!(!shown.contains("bm90") && !shown.contains("not-a-real"), "{shown}");
        }
    }
}
