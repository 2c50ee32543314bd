//! GCP connectors, after the samples of "GCP Connectors 3.0".

use trueup::qualys::Reader;
use trueup::resource::gcp::ProjectField;

use super::*;

const PROJECT: &str = "warehouse-20311201";
const PEM: &str =
    "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5IG9mIGFueXRoaW5nIGF0IGFsbA==\n-----END PRIVATE KEY-----\n";

/// A connector in the form of the guide's "Search GCP Connector" sample: of the record the project alone is shown.
fn shown() -> Value {
    let app = |name: &str| json!({"ConnectorAppInfoQList": {"list": [{"ConnectorAppInfo": {"name": name, "identifier": PROJECT}}]}});
    json!({
        "nextSync": "2031-06-30T16:38:21Z", "connectorAppInfos": {"list": [app("CSA"), app("CI")]},
        "disabled": "false", "id": 5001, "connectorState": "FINISHED_SUCCESS", "name": "warehouse",
        "isRemediationEnabled": "true", "authRecord": {"projectId": PROJECT}, "lastSync": "2031-06-30T16:11:28Z",
        "runFrequency": 240, "cloudviewUuid": "00000000-aaaa-4bbb-8ccc-dddddddddddd", "isDeleted": "false",
        "isGovCloudConfigured": "false", "description": "Reports"
    })
}

fn expected() -> Value {
    json!({
        "name": "warehouse", "description": "Reports", "project_id": PROJECT, "capabilities": ["CI", "CSA"],
        "activation": [], "tags": [], "run_frequency": "4h", "remediation": true, "enabled": true
    })
}

#[tokio::test]
async fn every_documented_form_of_a_connector_reads_as_the_same_one() {
    let app = |name: &str| json!({"list": [{"ConnectorAppInfo": {"name": name, "identifier": PROJECT}}]});
    for (form, connector) in [
        ("as searched for", shown()),
        ("real booleans", changed(shown(), json!({"disabled": false, "isRemediationEnabled": true}))),
        (
            "the other spelling of the project",
            changed(shown(), json!({"authRecord": {"project_id": PROJECT}})),
        ),
        (
            "both spellings of the project",
            changed(shown(), json!({"authRecord": {"projectId": PROJECT, "project_id": PROJECT}})),
        ),
        (
            "a list of lists, as the XML samples have it",
            changed(
                shown(),
                json!({"connectorAppInfos": [
                    {"list": {"ConnectorAppInfoQList": app("CSA")}}, {"list": {"ConnectorAppInfoQList": app("CI")}}
                ]}),
            ),
        ),
        ("with a type", changed(shown(), json!({"type": "GCP"}))),
    ] {
        let object = one_of(Kind::Gcp, wrapped_as(Kind::Gcp, connector)).await;
        assert_eq!(Value::Object(object.spec.fields()), expected(), "{form}");
        assert_eq!((object.id.as_str(), object.hint, object.locked), ("5001", None, None), "{form}");
        assert!(object.unreadable.is_empty(), "{form}");
    }
}

#[tokio::test]
async fn an_answer_without_the_project_suggests_it() {
    let object = one_of(Kind::Gcp, wrapped_as(Kind::Gcp, changed(shown(), json!({"authRecord": {}})))).await;
    assert_eq!((object.spec.identity(), object.hint.as_deref()), (None, Some(PROJECT)));
}

/// The file that Google gives, with a key that is none.
fn key_file() -> Value {
    json!({
        "type": "service_account", "project_id": PROJECT, "private_key_id": "0123456789abcdef", "private_key": PEM,
        "client_email": "reader@warehouse-20311201.iam.gserviceaccount.com", "client_id": "100000000000000000001",
        "auth_uri": "https://accounts.example.com/auth", "token_uri": "https://oauth.example.com/token",
        "auth_provider_x509_cert_url": "https://www.example.com/certs",
        "client_x509_cert_url": "https://www.example.com/x509/reader", "universe_domain": "googleapis.com"
    })
}

/// What of the file is sent, with the project.
fn record(project_field: &str) -> Value {
    let mut record = key_file();
    let fields = record.as_object_mut().unwrap();
    fields.shift_remove("universe_domain");
    fields.shift_remove("project_id");
    fields.insert(project_field.to_owned(), PROJECT.into());
    record
}

fn apps() -> Value {
    json!({"set": {"ConnectorAppInfoQList": [
        {"set": {"ConnectorAppInfo": {"name": "CI", "identifier": PROJECT, "tagId": 71}}},
        {"set": {"ConnectorAppInfo": {"name": "CSA", "identifier": PROJECT}}},
    ]}})
}

fn whole(key: &SecretFile) -> Spec {
    spec(
        Kind::Gcp,
        json!({
            "name": "warehouse", "description": "Reports", "project_id": PROJECT,
            "service_account_key": key.reference(), "capabilities": ["CSA", {"name": "CI", "tag": "env/edge"}],
            "run_frequency": "4h", "remediation": true, "enabled": true, "tags": ["night"], "activation": ["VM"]
        }),
    )
}

#[tokio::test]
async fn a_create_sends_all_that_the_file_says_in_the_documented_form() {
    let key = SecretFile::new(&key_file().to_string());
    assert_eq!(
        created(&whole(&key), None).await,
        json!({
            "name": "warehouse", "description": "Reports", "type": "GCP", "authRecord": record("projectId"),
            "connectorAppInfos": apps(), "runFrequency": 240, "isRemediationEnabled": true, "disabled": false,
        })
    );
    let bare = spec(Kind::Gcp, json!({"name": "warehouse", "project_id": PROJECT}));
    let sent = json!({"name": "warehouse", "type": "GCP", "authRecord": {"projectId": PROJECT}});
    assert_eq!(created(&bare, None).await, sent, "what the file leaves out is not sent");
}

/// What was asked of the stub: the verb, and the object.
fn asked(stub: &Stub) -> Vec<(String, Value)> {
    let one = |asked: &stub::Asked| {
        let verb = asked.path.split('/').nth(4).unwrap_or_default().to_owned();
        (verb, asked.json()["ServiceRequest"]["data"]["GcpAssetDataConnector"].clone())
    };
    stub.asked().iter().map(one).collect()
}

/// The guide has neither: whatever the platform makes of them, the connector is made and the rest written.
#[tokio::test]
async fn tags_and_activation_go_by_themselves_and_a_refusal_of_one_stops_nothing_else() {
    let key = SecretFile::new(&key_file().to_string());
    let spec = whole(&key);
    let secrets = secrets_of(&spec);
    let context = Context { secrets: &secrets, ..Context::new(&Known) };
    let made = || success(&json!({"count": 1, "data": [{"GcpAssetDataConnector": {"id": 9}}]}));
    let refusal = || stub::reply(200, r#"{"ServiceResponse": {"responseCode": "INVALID_REQUEST"}}"#);
    let activation = json!({"activation": {"set": {"ActivationModule": ["VM"]}}});
    let tags = json!({"defaultTags": {"set": {"TagSimple": [{"id": 72}]}}});
    let hint = "the vendor's guide has no such request with this field, so it was only tried: leave it out of the entry, \
                or put it into its `ignore`";

    let stub = Stub::plays([made(), refusal(), made()]).await;
    let created = Writer::new(&stub.reader()).create(&spec, context).await.unwrap();
    let incomplete = created.incomplete.unwrap();
    assert_eq!((created.id.as_str(), incomplete.refused_fields()), ("9", &["activation"][..]));
    assert_eq!(incomplete.hint().as_deref(), Some(hint));
    let sent = asked(&stub);
    assert_eq!(sent[0].0, "create");
    assert_eq!(sent[1..], [("update".to_owned(), activation.clone()), ("update".to_owned(), tags.clone())]);

    for (of_activation, refused) in [(made(), &["tags"][..]), (refusal(), &["activation", "tags"])] {
        let stub = Stub::plays([made(), of_activation, refusal()]).await;
        let writer = Writer::new(&stub.reader());
        let error = writer.update("9", &spec, &["name", "tags", "activation"], context).await.unwrap_err();
        assert_eq!(error.refused_fields(), refused);
        let sent: Vec<Value> = asked(&stub).into_iter().map(|(_, sent)| sent).collect();
        assert_eq!(sent, [json!({"name": "warehouse"}), activation.clone(), tags.clone()]);
    }

    // Where the rest is refused they are not tried, and without an answer nothing more is sent.
    for (answers, requests) in [(vec![refusal()], 1), (vec![made(), stub::reply(403, "no")], 2)] {
        let stub = Stub::plays(answers).await;
        let writer = Writer::new(&stub.reader());
        let error = writer.update("9", &spec, &["name", "tags", "activation"], context).await.unwrap_err();
        assert_eq!((error.refused_fields(), stub.asked().len()), (&[][..], requests), "{error}");
    }
}

#[tokio::test]
async fn what_is_empty_is_not_sent_with_a_create() {
    let spec = spec(
        Kind::Gcp,
        json!({"name": "warehouse", "project_id": PROJECT, "capabilities": [], "tags": [], "activation": []}),
    );
    let sent = json!({"name": "warehouse", "type": "GCP", "authRecord": {"projectId": PROJECT}});
    assert_eq!(created(&spec, None).await, sent);
    let cleared = json!({"connectorAppInfos": {"set": {"ConnectorAppInfoQList": []}}});
    assert_eq!(updated(&spec, &["capabilities"], None).await, cleared);
}

#[tokio::test]
async fn an_update_sends_the_changed_fields_alone() {
    let key = SecretFile::new(&key_file().to_string());
    for (changed, sent) in [
        ("name", json!({"name": "warehouse"})),
        ("description", json!({"description": "Reports"})),
        ("service_account_key", json!({"authRecord": record("projectId")})),
        ("capabilities", json!({"connectorAppInfos": apps()})),
        ("activation", json!({"activation": {"set": {"ActivationModule": ["VM"]}}})),
        ("tags", json!({"defaultTags": {"set": {"TagSimple": [{"id": 72}]}}})),
        ("run_frequency", json!({"runFrequency": 240})),
        ("remediation", json!({"isRemediationEnabled": true})),
        ("enabled", json!({"disabled": false})),
    ] {
        assert_eq!(updated(&whole(&key), &[changed], None).await, sent, "{changed}");
    }
}

#[tokio::test]
async fn the_project_is_spelled_as_the_settings_say() {
    let key = SecretFile::new(&key_file().to_string());
    let spec = whole(&key);
    let secrets = secrets_of(&spec);
    let stub = Stub::plays([success(&json!({"count": 1, "data": []}))]).await;
    let endpoint = trueup::qualys::Endpoint { gcp_project_field: ProjectField::Snake, ..stub.endpoint() };
    let context = Context { secrets: &secrets, ..Context::new(&Known) };
    let writer = Writer::new(&Reader::connect(endpoint).unwrap());
    writer.update("9", &spec, &["service_account_key"], context).await.unwrap();
    let sent = &stub.asked()[0].json()["ServiceRequest"]["data"]["GcpAssetDataConnector"];
    assert_eq!(*sent, json!({"authRecord": record("project_id")}));
}

/// The platform repeats what it was sent, and its own words go into an error.
#[tokio::test]
async fn a_key_that_the_platform_throws_back_is_not_shown() {
    let key = SecretFile::new(&key_file().to_string());
    let spec = whole(&key);
    let secrets = secrets_of(&spec);
    for said in
        [PEM.to_owned(), "bm90IGEga2V5IG9mIGFueXRoaW5nIGF0IGFsbA==".to_owned(), PEM.replace('\n', "\\n")]
    {
        let answer = json!({"ServiceResponse": {"responseCode": "INVALID_REQUEST",
            "responseErrorDetails": {"errorMessage": format!("no key: {said}")}}});
        let stub = Stub::plays([stub::reply(200, answer.to_string())]).await;
        let reader = stub.reader();
        reader.guard(&secrets);
        let context = Context { secrets: &secrets, ..Context::new(&Known) };
        let error = Writer::new(&reader).create(&spec, context).await.unwrap_err();
        for shown in [error.to_string(), format!("{error:?}"), format!("{spec:?} {context:?}")] {
            assert!(!shown.contains("bm90"), "{shown}");
        }
    }
}
