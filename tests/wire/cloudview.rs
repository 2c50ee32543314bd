//! The same connectors through CloudView v1, after the samples of its release notes of 2021.

use trueup::qualys::{Endpoint, Reader};
use trueup::resource::{CloudviewAuth, ConnectorsApi};

use super::stub::Asked;
use super::*;

const ID: &str = "7f25a529-4629-31e6-9bef-7a5828c36000";
const ROOT: &str = "/cloudview-api/rest/v1";
const SUBSCRIPTION: &str = "11111111-0000-4000-8000-00000000000a";
const DIRECTORY: &str = "22222222-0000-4000-8000-00000000000a";
const APPLICATION: &str = "33333333-0000-4000-8000-00000000000a";
const PROJECT: &str = "warehouse-20311201";
const PEM: &str =
    "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5IG9mIGFueXRoaW5nIGF0IGFsbA==\n-----END PRIVATE KEY-----\n";

fn reader(stub: &Stub) -> Reader {
    let endpoint = Endpoint {
        connectors_api: ConnectorsApi::Cloudview,
        cloudview_auth: CloudviewAuth::Basic,
        ..stub.endpoint()
    };
    Reader::connect(endpoint).unwrap()
}

/// A connector in the form of the notes' samples.
fn shown(kind: Kind) -> Value {
    let mut connector = json!({
        "name": "night shift", "connectorId": ID, "description": "Reports [trueup:ops]", "provider": "X",
        "state": "SUCCESS", "totalAssets": 241, "lastSyncedOn": "Wed Jan 13 05:17:58 UTC 2031",
        "nextSyncedOn": "Wed Jan 13 09:17:58 UTC 2031", "isDisabled": false, "groups": [],
        "remediationEnabled": true, "pollingFrequency": {"hours": 4, "minutes": 30}
    });
    let own = match kind {
        Kind::Aws => json!({
            "isGovCloud": false, "isChinaRegion": false, "awsAccountId": "210987654321", "error": "",
            "baseAccountId": "000011112222", "externalId": "US7-424242-20311201", "arn": ARN,
            "accountAlias": "alias-orders", "isPortalConnector": true
        }),
        Kind::Azure => json!({
            "isGovCloud": true, "applicationId": APPLICATION, "subscriptionId": SUBSCRIPTION,
            "subscriptionName": "Orders (prod)", "directoryId": DIRECTORY
        }),
        _ => json!({"projectId": PROJECT}),
    };
    for (name, value) in own.as_object().unwrap() {
        connector[name] = value.clone();
    }
    connector
}

fn expected(kind: Kind) -> Value {
    match kind {
        Kind::Aws => json!({"name": "night shift", "description": "Reports", "arn": ARN,
            "external_id": "US7-424242-20311201", "run_frequency": "270m", "remediation": true, "enabled": true}),
        Kind::Azure => {
            json!({"name": "night shift", "description": "Reports", "subscription_id": SUBSCRIPTION,
            "directory_id": DIRECTORY, "application_id": APPLICATION, "government": true, "run_frequency": "270m",
            "remediation": true, "enabled": true})
        }
        _ => {
            json!({"name": "night shift", "description": "Reports", "project_id": PROJECT, "run_frequency": "270m",
            "remediation": true, "enabled": true})
        }
    }
}

fn page(content: Value) -> Value {
    let count = content.as_array().unwrap().len();
    json!({"content": content, "last": true, "totalElements": count, "totalPages": 1, "size": 50, "number": 0,
        "numberOfElements": count, "first": true})
}

async fn listed(kind: Kind, connector: Value) -> LiveObject {
    let stub = Stub::plays([reply(200, page(json!([connector])).to_string())]).await;
    let objects = reader(&stub).list(kind).await.unwrap();
    let path = format!("{ROOT}/{kind}/connectors?pageNo=0&pageSize=50");
    let asked = stub.asked();
    assert_eq!((asked[0].method.as_str(), &asked[0].path), ("GET", &path));
    assert!(asked[0].header("authorization").unwrap().starts_with("Basic "));
    objects.into_iter().next().unwrap()
}

#[tokio::test]
async fn a_connector_reads_as_the_file_has_it() {
    for (kind, label) in
        [(Kind::Aws, Some("alias-orders")), (Kind::Azure, Some("Orders (prod)")), (Kind::Gcp, None)]
    {
        let object = listed(kind, shown(kind)).await;
        assert_eq!(Value::Object(object.spec.fields()), expected(kind), "{kind}");
        assert_eq!((object.id.as_str(), object.label.as_deref()), (ID, label), "{kind}");
        assert_eq!(object.owner.map(|owner| owner.name).as_deref(), Some("ops"), "{kind}");
        assert!(object.unreadable.is_empty(), "{kind}: {:?}", object.unreadable);
        assert_eq!(object.health.last_sync.as_deref(), Some("2031-01-13T05:17:58Z"), "{kind}");
    }
}

#[tokio::test]
async fn what_an_answer_does_not_tell_is_not_taken_for_false() {
    for (kind, field, spelled) in [
        (Kind::Aws, "enabled", "isDisabled"),
        (Kind::Azure, "run_frequency", "pollingFrequency"),
        (Kind::Azure, "government", "isGovCloud"),
        (Kind::Azure, "directory_id", "directoryId"),
        (Kind::Gcp, "enabled", "isDisabled"),
    ] {
        let mut connector = shown(kind);
        connector.as_object_mut().unwrap().shift_remove(spelled);
        let object = listed(kind, connector).await;
        assert!(!object.spec.fields().contains_key(field), "{kind} {field}");
        assert_eq!(object.unreadable.keys().collect::<Vec<_>>(), [&field], "{kind}");
    }
}

#[tokio::test]
async fn remediation_is_off_where_it_is_not_shown_as_samples_show_it_where_it_is_on() {
    let mut connector = shown(Kind::Aws);
    connector.as_object_mut().unwrap().shift_remove("remediationEnabled");
    let object = listed(Kind::Aws, connector).await;
    assert_eq!((object.spec.fields()["remediation"].clone(), object.unreadable.len()), (json!(false), 0));
}

#[tokio::test]
async fn a_connector_that_waits_for_its_first_run_has_no_error() {
    let waiting = changed(shown(Kind::Aws), json!({"state": "PENDING", "error": "50004"}));
    assert_eq!(listed(Kind::Aws, waiting).await.health.last_error, None);
    let failed =
        listed(Kind::Aws, changed(shown(Kind::Aws), json!({"state": "ERROR", "error": "50003"}))).await;
    assert!(failed.health.is_unhealthy());
    assert_eq!(failed.health.last_error.as_deref(), Some("50003"));
}

#[tokio::test]
async fn a_listing_that_shifts_while_it_is_read_is_read_again() {
    let of = |number: usize| {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        changed(shown(Kind::Gcp), json!({"connectorId": id}))
    };
    let play = move |rows: std::ops::Range<usize>, last: bool| {
        let content: Vec<Value> = rows.map(of).collect();
        reply(200, json!({"content": content, "last": last, "totalElements": 60}).to_string())
    };
    // A run moved 59 to the first page after that was read: 49 comes again, and 59 not at all.
    let stub =
        Stub::plays([play(0..50, false), play(49..59, true), play(0..50, false), play(50..60, true)]).await;
    let objects = reader(&stub).list(Kind::Gcp).await.unwrap();
    assert_eq!((objects.len(), stub.asked().len()), (60, 4));
    // One that never comes whole is no listing.
    let stub = Stub::plays([play(0..50, true)]).await;
    let error = reader(&stub).list(Kind::Gcp).await.unwrap_err().to_string();
    assert_eq!(error, "could not list gcp connector: a count of 60 and 50 objects");
}

#[tokio::test]
async fn a_missing_collection_is_no_empty_one() {
    for status in [401, 403, 404] {
        let stub = Stub::plays([reply(status, "{}")]).await;
        let error = reader(&stub).list(Kind::Aws).await.unwrap_err();
        assert_eq!(error.status, Some(status));
        assert!(error.hint().unwrap().contains("platform.cloudview_auth"), "{:?}", error.hint());
    }
}

/// Answers as the family does, with one connector of each cloud.
async fn platform() -> Stub {
    Stub::answers(|_, asked| {
        let kind = asked.path.strip_prefix(ROOT).and_then(|path| path.split('/').nth(1)).unwrap();
        match (asked.method.as_str(), asked.path.rsplit('/').next().unwrap()) {
            ("DELETE", _) => reply(204, ""),
            ("PATCH", _) | (_, "run") => reply(200, r#"{"acknowledged": true}"#),
            _ => reply(200, shown(kind.parse().unwrap()).to_string()),
        }
    })
    .await
}

fn key_file() -> String {
    json!({
        "type": "service_account", "project_id": PROJECT, "private_key_id": "0123456789abcdef", "private_key": PEM,
        "client_email": "reader@warehouse-20311201.iam.gserviceaccount.com", "client_id": "100000000000000000001",
        "auth_uri": "https://accounts.example.com/auth", "token_uri": "https://oauth.example.com/token",
        "auth_provider_x509_cert_url": "https://www.example.com/certs",
        "client_x509_cert_url": "https://www.example.com/x509/reader"
    })
    .to_string()
}

/// A whole connector of the file, different from the live one in every field that can differ.
fn wanted(kind: Kind, key: &SecretFile) -> Spec {
    let fields = match kind {
        Kind::Aws => {
            json!({"name": "day shift", "description": "New", "arn": "arn:aws-us-gov:iam::210987654321:role/R",
            "external_id": "US7-424242-77777", "run_frequency": "6h", "remediation": false, "enabled": false})
        }
        Kind::Azure => json!({"name": "day shift", "description": "New", "subscription_id": SUBSCRIPTION,
            "directory_id": "22222222-0000-4000-8000-00000000000b", "authentication_key": key.reference(),
            "application_id": "33333333-0000-4000-8000-00000000000b", "government": false, "run_frequency": "6h",
            "remediation": false, "enabled": false}),
        _ => json!({"name": "day shift", "description": "New", "project_id": PROJECT,
            "service_account_key": key.reference(), "run_frequency": "6h", "remediation": false, "enabled": false}),
    };
    spec(kind, fields)
}

/// The parts of a form by name; of a file with its own name and type.
fn parts(asked: &Asked) -> Value {
    let boundary = asked.header("content-type").unwrap().split("boundary=").nth(1).unwrap();
    let mut parts = json!({});
    for part in asked.body.split(&format!("--{boundary}")).filter(|part| part.starts_with("\r\n")) {
        let (head, content) = part.trim_start_matches("\r\n").split_once("\r\n\r\n").unwrap();
        let quoted =
            |name: &str| Some(head.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?.to_owned());
        let name = quoted("name").unwrap();
        let content = content.strip_suffix("\r\n").unwrap();
        let file = quoted("filename").map(|file| format!("{file}: {content}"));
        parts[name] = file.unwrap_or_else(|| content.to_owned()).into();
    }
    parts
}

/// What was carried, as JSON.
fn body(asked: &Asked) -> Value {
    if asked.header("content-type").unwrap().starts_with("multipart") { parts(asked) } else { asked.json() }
}

/// `PUT /aws/connectors/ID`, below the root.
fn lines(stub: &Stub) -> Vec<String> {
    let line = |asked: &Asked| {
        format!("{} {}", asked.method, asked.path.strip_prefix(ROOT).unwrap()).replace(ID, "ID")
    };
    stub.asked().iter().map(line).collect()
}

#[tokio::test]
async fn a_create_sends_all_that_the_file_says_and_switches_off_what_is_to_be_off() {
    let (azure_key, gcp_key) = (SecretFile::new("a-k3y"), SecretFile::new(&key_file()));
    for (kind, key, sent) in [
        (
            Kind::Aws,
            &azure_key,
            json!({"name": "day shift", "description": "New [trueup:ops]", "pollingFrequency": {"hours": 6, "minutes": 0},
                "remediationEnabled": false, "isGovCloud": true, "isChinaRegion": false,
                "arn": "arn:aws-us-gov:iam::210987654321:role/R", "externalId": "US7-424242-77777"}),
        ),
        (
            Kind::Azure,
            &azure_key,
            json!({"name": "day shift", "description": "New [trueup:ops]", "pollingFrequency": {"hours": 6, "minutes": 0},
                "remediationEnabled": false, "applicationId": "33333333-0000-4000-8000-00000000000b",
                "directoryId": "22222222-0000-4000-8000-00000000000b", "isGovCloud": false,
                "subscriptionId": SUBSCRIPTION, "authenticationKey": "a-k3y"}),
        ),
        (
            Kind::Gcp,
            &gcp_key,
            json!({"name": "day shift", "description": "New [trueup:ops]", "pollingFrequencyInHrs": "6",
                "pollingFrequencyInMinutes": "0", "remediationEnabled": "false", "projectId": PROJECT,
                "configFile": format!("key.json: {}", key_file())}),
        ),
    ] {
        let (stub, spec) = (platform().await, wanted(kind, key));
        let secrets = secrets_of(&spec);
        let owner = Owner { name: "ops".to_owned(), prevent_delete: false };
        let context = Context { secrets: &secrets, ..Context::new(&Known) }.marked(Some(&owner));
        let created = Writer::new(&reader(&stub)).create(&spec, context).await.unwrap();
        assert_eq!((created.id.as_str(), created.incomplete.is_none()), (ID, true), "{kind}");
        assert_eq!(
            lines(&stub),
            [format!("POST /{kind}/connectors"), format!("PATCH /{kind}/connectors/connectors/disable")],
        );
        assert_eq!(body(&stub.asked()[0]), sent, "{kind}");
        assert_eq!(body(&stub.asked()[1]), json!([ID]), "{kind}");
    }
}

#[tokio::test]
async fn an_update_sends_the_whole_connector_with_the_changed_fields_over_what_is_live() {
    let (azure_key, gcp_key) = (SecretFile::new("a-k3y"), SecretFile::new(&key_file()));
    let aws = json!({"name": "night shift", "description": "Reports [trueup:ops]",
        "pollingFrequency": {"hours": 4, "minutes": 30}, "remediationEnabled": true, "isGovCloud": false,
        "isChinaRegion": false, "arn": ARN, "externalId": "US7-424242-20311201", "isPortalConnector": true});
    let azure = json!({"name": "night shift", "description": "Reports [trueup:ops]",
        "pollingFrequency": {"hours": 4, "minutes": 30}, "remediationEnabled": true, "isGovCloud": true,
        "applicationId": APPLICATION, "directoryId": DIRECTORY, "authenticationKey": "a-k3y"});
    let gcp = json!({"name": "night shift", "description": "Reports [trueup:ops]", "pollingFrequencyInHrs": "4",
        "pollingFrequencyInMinutes": "30", "remediationEnabled": "true", "dummy": "dummy: dummy"});
    let six = json!({"hours": 6, "minutes": 0});
    for (kind, live, field, sent) in [
        (Kind::Aws, &aws, "name", json!({"name": "day shift"})),
        (Kind::Aws, &aws, "description", json!({"description": "New"})),
        (
            Kind::Aws,
            &aws,
            "arn",
            json!({"arn": "arn:aws-us-gov:iam::210987654321:role/R", "isGovCloud": true}),
        ),
        (Kind::Aws, &aws, "external_id", json!({"externalId": "US7-424242-77777"})),
        (Kind::Aws, &aws, "run_frequency", json!({"pollingFrequency": six})),
        (Kind::Aws, &aws, "remediation", json!({"remediationEnabled": false})),
        (Kind::Azure, &azure, "name", json!({"name": "day shift"})),
        (Kind::Azure, &azure, "directory_id", json!({"directoryId": "22222222-0000-4000-8000-00000000000b"})),
        (
            Kind::Azure,
            &azure,
            "application_id",
            json!({"applicationId": "33333333-0000-4000-8000-00000000000b"}),
        ),
        (Kind::Azure, &azure, "authentication_key", json!({})),
        (Kind::Gcp, &gcp, "name", json!({"name": "day shift"})),
        (
            Kind::Gcp,
            &gcp,
            "run_frequency",
            json!({"pollingFrequencyInHrs": "6", "pollingFrequencyInMinutes": "0"}),
        ),
        (
            Kind::Gcp,
            &gcp,
            "service_account_key",
            json!({"dummy": null, "configFile": format!("key.json: {}", key_file())}),
        ),
    ] {
        let key = if kind == Kind::Gcp { &gcp_key } else { &azure_key };
        let (stub, spec) = (platform().await, wanted(kind, key));
        let secrets = secrets_of(&spec);
        let context = Context { secrets: &secrets, ..Context::new(&Known) };
        Writer::new(&reader(&stub)).update(ID, &spec, &[field], context).await.unwrap();
        assert_eq!(
            lines(&stub),
            [format!("GET /{kind}/connectors/ID"), format!("PUT /{kind}/connectors/ID")],
            "{kind} {field}"
        );
        let mut whole = changed(live.clone(), sent);
        whole.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        assert_eq!(body(&stub.asked()[1]), whole, "{kind} {field}");
    }
}

#[tokio::test]
async fn a_connector_is_switched_by_its_own_call_after_the_rest() {
    for (fields, expected) in [
        (&["enabled"][..], &["PATCH /aws/connectors/connectors/disable"][..]),
        (
            &["name", "enabled"],
            &["GET /aws/connectors/ID", "PUT /aws/connectors/ID", "PATCH /aws/connectors/connectors/disable"],
        ),
    ] {
        let stub = platform().await;
        let spec = wanted(Kind::Aws, &SecretFile::new(""));
        Writer::new(&reader(&stub)).update(ID, &spec, fields, Context::new(&Known)).await.unwrap();
        assert_eq!(lines(&stub), expected);
    }
    let stub = platform().await;
    let on = aws(json!({"name": "a", "arn": ARN, "enabled": true}));
    Writer::new(&reader(&stub)).update(ID, &on, &["enabled"], Context::new(&Known)).await.unwrap();
    assert_eq!(lines(&stub), ["PATCH /aws/connectors/connectors/enable"]);
}

#[tokio::test]
async fn a_switch_that_is_not_acknowledged_is_an_error_and_after_a_create_an_incomplete_one() {
    let stub = Stub::answers(|_, asked| match asked.method.as_str() {
        "PATCH" => reply(200, r#"{"acknowledged": false}"#),
        _ => reply(200, shown(Kind::Aws).to_string()),
    })
    .await;
    let writer = Writer::new(&reader(&stub));
    let spec = wanted(Kind::Aws, &SecretFile::new(""));
    let error = writer.update(ID, &spec, &["enabled"], Context::new(&Known)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("could not disable aws connector {ID}: it is not acknowledged"));
    let created = writer.create(&spec, Context::new(&Known)).await.unwrap();
    assert!(created.incomplete.unwrap().to_string().contains("not acknowledged"));
}

#[tokio::test]
async fn a_delete_names_one_connector_in_the_form_that_the_platform_takes() {
    for (by_object, forms) in [
        (false, vec![json!([ID]), json!([ID])]),
        // Found out once.
        (true, vec![json!([ID]), json!({"connectorIds": [ID]}), json!({"connectorIds": [ID]})]),
    ] {
        let stub = Stub::answers(move |_, asked| {
            if asked.json().is_object() == by_object { reply(200, "") } else { reply(400, "cannot be read") }
        })
        .await;
        let writer = Writer::new(&reader(&stub));
        for _ in 0..2 {
            writer.delete(Kind::Gcp, ID).await.unwrap();
        }
        let asked = stub.asked();
        assert_eq!(asked.iter().map(Asked::json).collect::<Vec<_>>(), forms);
        assert!(
            asked.iter().all(|asked| asked.method == "DELETE" && asked.path.ends_with("/gcp/connectors"))
        );
    }
    // Refused in both forms, the documented one is told of.
    let stub = Stub::plays([reply(400, "busy"), reply(400, "no list")]).await;
    let error = Writer::new(&reader(&stub)).delete(Kind::Gcp, ID).await.unwrap_err().to_string();
    assert_eq!(error, format!("could not delete gcp connector {ID}: HTTP 400: busy"));
}

#[tokio::test]
async fn what_is_gone_is_deleted_and_absent_in_either_form_of_saying_so() {
    for said in [reply(404, ""), reply(404, r#"{"status": 404}"#), reply(400, "Connector not found")] {
        let stub = Stub::plays([said]).await;
        Writer::new(&reader(&stub)).delete(Kind::Aws, ID).await.unwrap();
        assert_eq!(reader(&stub).read(Kind::Aws, &[ID.to_owned()]).await.unwrap(), []);
        assert_eq!(stub.asked().len(), 2);
    }
}

#[tokio::test]
async fn a_run_is_asked_for_by_one_id_and_once_and_its_errors_are_read() {
    let stub = platform().await;
    Writer::new(&reader(&stub)).run(Kind::Azure, ID).await.unwrap();
    assert_eq!(lines(&stub), ["POST /azure/connectors/run"]);
    assert_eq!(stub.asked()[0].json(), json!([ID]));
    let stub = Stub::plays([Play::Close]).await;
    let error = Writer::new(&reader(&stub)).run(Kind::Azure, ID).await.unwrap_err();
    assert!(error.outcome_unknown() && stub.asked().len() == 1);

    let rows = json!([
        {"connectorId": ID, "error": "no rights", "occuredOn": "Wed Jan 13 05:17:58 UTC 2031", "region": "eu-west-1"},
        {"connectorId": ID, "error": "no rights", "occuredOn": "Thu Jan 14 05:17:58 UTC 2031", "location": "westus"},
        {"connectorId": ID, "error": "", "occuredOn": "Thu Jan 14 05:17:58 UTC 2031"},
        {"connectorId": ID, "error": "odd", "occuredOn": "now"},
    ]);
    let stub = Stub::plays([reply(200, page(rows).to_string())]).await;
    let errors = reader(&stub).run_errors(Kind::Azure, ID).await.unwrap();
    let errors: Vec<String> = errors
        .iter()
        .map(|error| {
            let at = error.created.map(|at| at.to_string()).unwrap_or_default();
            format!("{at} {}", error.message)
        })
        .collect();
    assert_eq!(
        errors,
        ["2031-01-14T05:17:58Z westus: no rights", "2031-01-13T05:17:58Z eu-west-1: no rights", " odd"]
    );
    assert_eq!(lines(&stub), ["GET /azure/connectors/ID/errors?pageNo=0&pageSize=50"]);
}

#[tokio::test]
async fn nothing_is_ever_sent_for_what_is_no_id_or_lacks_what_a_create_needs() {
    let stub = platform().await;
    let writer = Writer::new(&reader(&stub));
    let spec = wanted(Kind::Aws, &SecretFile::new(""));
    for id in ["", "../x", "a/b", "a?b", "[]"] {
        writer.delete(Kind::Aws, id).await.unwrap_err();
        writer.run(Kind::Aws, id).await.unwrap_err();
        writer.update(id, &spec, &["enabled"], Context::new(&Known)).await.unwrap_err();
        writer.update(id, &spec, &["name"], Context::new(&Known)).await.unwrap_err();
        reader(&stub).read(Kind::Aws, &[id.to_owned()]).await.unwrap_err();
    }
    let keyless = super::spec(Kind::Gcp, json!({"name": "a", "project_id": PROJECT}));
    let error = writer.create(&keyless, Context::new(&Known)).await.unwrap_err().to_string();
    assert!(error.contains("could not create gcp connector gcp/a: "), "{error}");
    assert!(error.contains("without service_account_key"), "{error}");
    assert_eq!(lines(&stub), [""; 0]);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_not_sent_again() {
    for lost in [Play::Close, Play::Torn("{".to_owned()), reply(502, ""), reply(200, "{}"), reply(200, "")] {
        let stub = Stub::plays([lost.clone()]).await;
        let spec = wanted(Kind::Aws, &SecretFile::new(""));
        let error = Writer::new(&reader(&stub)).create(&spec, Context::new(&Known)).await.unwrap_err();
        assert!(error.outcome_unknown(), "{lost:?}: {error}");
        assert_eq!(stub.asked().len(), 1, "{lost:?}");
    }
}
