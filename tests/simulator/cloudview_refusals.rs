//! What CloudView 1.x refuses, and that it names what is wrong.

use serde_json::{Value, json};

use crate::client::{Answer, changed};
use crate::cloudview_connectors::{
    APPLICATION_KEY, AWS, AZURE, DIRECTORY, GCP, Part, aws, azure, file, form, gcp_form, key_file, text,
};
use crate::gateway::Gateway;

/// What a body is refused for, and what the refusal names.
type Row = (Value, &'static str);

async fn connector_id(gateway: &Gateway, base: &str, name: &str) -> String {
    let path = format!("{base}?pageNo=0&pageSize=1&filter=name:{name}");
    let page = gateway.json("GET", &path, &Value::Null).await;
    page["content"][0]["connectorId"].as_str().unwrap().to_owned()
}

async fn objects(gateway: &Gateway) -> Value {
    gateway.remote.control("GET", "/_sim/objects", Value::Null).await
}

#[tokio::test]
async fn aws_bodies_are_refused_by_the_name_of_the_field() {
    let gateway = Gateway::with(&[]).await;
    let rows: &[Row] = &[
        (json!({"colour": "red"}), "colour"),
        (json!({"authRecord": {}}), "authRecord"),
        (json!({"connectorId": "x"}), "connectorId"),
        (json!({"isDisabled": true}), "isDisabled"),
        (json!({"name": null}), "name"),
        (json!({"name": " "}), "name"),
        (json!({"name": 7}), "name"),
        (json!({"name": "n".repeat(256)}), "name"),
        (json!({"description": 7}), "description"),
        (json!({"arn": null}), "arn"),
        (json!({"arn": "arn:aws:iam::12345678901:role/Short"}), "arn"),
        (json!({"arn": "arn:aws:iam:::123456789012:role/Colons"}), "arn"),
        (json!({"externalId": null}), "externalId"),
        (json!({"externalId": "1606011692837"}), "externalId"),
        (json!({"externalId": "USPOD01-4765-1234"}), "externalId"),
        (json!({"externalId": "USPOD01-4765-12345678901234"}), "externalId"),
        (json!({"externalId": "USPOD01-4765-12_45"}), "externalId"),
        (json!({"externalId": "USPOD01-four-12345"}), "externalId"),
        (json!({"externalId": "-4765-12345"}), "externalId"),
        (json!({"externalId": "USPOD01-4765-12345-6"}), "externalId"),
        (json!({"isGovCloud": "true"}), "isGovCloud"),
        (json!({"isChinaRegion": 1}), "isChinaRegion"),
        (json!({"isPortalConnector": "no"}), "isPortalConnector"),
        (json!({"remediationEnabled": "true"}), "remediationEnabled"),
        (json!({"pollingFrequency": 240}), "pollingFrequency"),
        (json!({"pollingFrequency": {"hours": 0, "minutes": 30}}), "hours"),
        (json!({"pollingFrequency": {"hours": 25, "minutes": 0}}), "hours"),
        (json!({"pollingFrequency": {"minutes": 30}}), "hours"),
        (json!({"pollingFrequency": {"hours": 4, "minutes": 60}}), "minutes"),
        (json!({"pollingFrequency": {"hours": 24, "minutes": 1}}), "minutes"),
        (json!({"pollingFrequency": {"hours": "4", "minutes": 0}}), "hours"),
        (json!({"pollingFrequency": {"hours": 4, "seconds": 0}}), "seconds"),
    ];
    let update = format!("{AWS}/{}", connector_id(&gateway, AWS, "sandbox").await);
    let before = objects(&gateway).await;
    for (fields, named) in rows {
        gateway.refused("POST", AWS, &changed(aws(), fields), 400, named).await;
        // An update may leave out the name and the ARN.
        if *fields != json!({"name": null}) && *fields != json!({"arn": null}) {
            gateway.refused("PUT", &update, &changed(aws(), fields), 400, named).await;
        }
    }
    assert_eq!(objects(&gateway).await, before);
    for fields in [
        json!({"externalId": "pod01-324825-abcDE"}),
        json!({"externalId": "US1-1-1234567890abc", "pollingFrequency": {"hours": 24}}),
        json!({"description": null, "pollingFrequency": null, "isGovCloud": null, "isPortalConnector": null}),
    ] {
        gateway.json("PUT", &update, &changed(aws(), &fields)).await;
    }
}

#[tokio::test]
async fn azure_bodies_are_refused_by_the_name_of_the_field_and_without_the_key() {
    let gateway = Gateway::with(&[]).await;
    let both: &[Row] = &[
        (json!({"arn": "x"}), "arn"),
        (json!({"name": ""}), "name"),
        (json!({"applicationId": "not one"}), "applicationId"),
        (json!({"directoryId": "not one"}), "directoryId"),
        (json!({"authenticationKey": ""}), "authenticationKey"),
        (json!({"authenticationKey": [APPLICATION_KEY]}), "authenticationKey"),
        (json!({"isGovCloud": "no"}), "isGovCloud"),
        (json!({"pollingFrequency": {"hours": 0}}), "hours"),
    ];
    let create: &[Row] = &[
        (json!({"name": null}), "name"),
        (json!({"applicationId": null}), "applicationId"),
        (json!({"directoryId": null}), "directoryId"),
        (json!({"subscriptionId": null}), "subscriptionId"),
        (json!({"subscriptionId": "not one"}), "subscriptionId"),
        (json!({"authenticationKey": null}), "authenticationKey"),
        (json!({"subscriptionId": "44444444-4444-4444-4444-444444444444"}), "subscriptionId '4444"),
    ];
    for (fields, named) in both.iter().chain(create) {
        let body = changed(azure(), fields);
        gateway.refused("POST", AZURE, &body, 400, named).await;
        let answer = gateway.call("POST", AZURE, &body).await;
        assert!(!answer.body.contains(APPLICATION_KEY), "{answer:?}");
        assert!(!answer.body.contains("authRecord"), "{answer:?}");
    }
    let update = format!("{AZURE}/{}", connector_id(&gateway, AZURE, "corp-lab").await);
    let body = changed(azure(), &json!({"subscriptionId": null}));
    for (fields, named) in both {
        gateway.refused("PUT", &update, &changed(body.clone(), fields), 400, named).await;
    }
    gateway.refused("PUT", &update, &azure(), 400, "subscriptionId").await;
    assert_eq!(gateway.json("PUT", &update, &body).await["directoryId"], DIRECTORY);
}

fn names_it(answer: &Answer, named: &str) {
    assert_eq!(answer.status, 400, "{named}: {answer:?}");
    let value = answer.value();
    assert!(value["message"].as_str().unwrap().contains(named), "{named}: {value}");
    assert!(!answer.body.contains("BEGIN PRIVATE"), "{answer:?}");
}

/// The sample's form with one part replaced, added or (where there is no content) left out.
fn with(part: Part) -> Vec<Part> {
    let mut parts = gcp_form();
    parts.retain(|(name, ..)| *name != part.0);
    if !part.2.is_empty() {
        parts.push(part);
    }
    parts
}

#[tokio::test]
async fn forms_are_refused_by_the_name_of_the_part() {
    let gateway = Gateway::with(&[]).await;
    let key = |fields: Value| file(&changed(key_file(), &fields).to_string());
    for (part, named) in [
        (text("name", ""), "name"),
        (text("name", " "), "name"),
        (text("projectId", ""), "projectId"),
        (text("projectId", "Sample_Project"), "projectId"),
        (text("configFile", &key_file().to_string()), "configFile"),
        (file(""), "configFile"),
        (file("no JSON"), "configFile"),
        (file("[]"), "configFile"),
        (key(json!({"type": "authorized_user"})), "type"),
        (key(json!({"private_key": null})), "private_key"),
        (key(json!({"private_key": "-----BEGIN PRIVATE KEY-----"})), "private_key"),
        (key(json!({"client_email": ""})), "client_email"),
        (key(json!({"token_uri": "ftp://example.com"})), "token_uri"),
        (text("pollingFrequencyInHrs", "0"), "pollingFrequencyInHrs"),
        (text("pollingFrequencyInHrs", "25"), "pollingFrequencyInHrs"),
        (text("pollingFrequencyInHrs", "ten"), "pollingFrequencyInHrs"),
        (text("pollingFrequencyInHrs", ""), "pollingFrequencyInHrs"),
        (text("pollingFrequencyInMinutes", "60"), "pollingFrequencyInMinutes"),
        (text("remediationEnabled", "yes"), "remediationEnabled"),
        (text("pollingFrequency", "{}"), "pollingFrequency"),
        (text("colour", "red"), "colour"),
    ] {
        names_it(&form(&gateway, "POST", GCP, &with(part)).await, named);
    }
    let mut twice = gcp_form();
    twice.push(text("name", "again"));
    names_it(&form(&gateway, "POST", GCP, &twice).await, "name");

    let update = format!("{GCP}/{}", connector_id(&gateway, GCP, "research").await);
    names_it(&form(&gateway, "PUT", &update, &[text("projectId", "other-208707")]).await, "projectId");
    names_it(&form(&gateway, "PUT", &update, &[file("no JSON")]).await, "configFile");
    names_it(&form(&gateway, "PUT", &update, &[text("name", " ")]).await, "name");
}

#[tokio::test]
async fn bodies_that_are_no_forms_are_refused() {
    let gateway = Gateway::with(&[]).await;
    let good = "--xyz\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nn\r\n--xyz--\r\n";
    for (kind, body, named) in [
        ("application/json", "{}", "multipart/form-data"),
        ("application/x-www-form-urlencoded", "name=n", "multipart/form-data"),
        ("multipart/form-data", good, "boundary"),
        ("multipart/form-data; boundary=other", good, "multipart/form-data"),
        ("multipart/form-data; boundary=xyz", "--xyz\r\nno parts", "multipart/form-data"),
        ("multipart/form-data; boundary=xyz", "--xyz\r\nno head\r\n--xyz--", "multipart/form-data"),
        (
            "multipart/form-data; boundary=xyz",
            "--xyz\r\nX: y\r\n\r\nnameless\r\n--xyz--",
            "multipart/form-data",
        ),
        // This one is a form: what is missing is the file.
        ("multipart/form-data; charset=utf-8; boundary=\"xyz\"", good, "configFile"),
    ] {
        let answer = gateway.ask("POST", GCP).header("Content-Type", kind).body(body).send().await;
        names_it(&answer, named);
    }
}

#[tokio::test]
async fn arrays_of_ids_are_refused_whole() {
    let gateway = Gateway::with(&[]).await;
    let known = connector_id(&gateway, AWS, "sandbox").await;
    let before = objects(&gateway).await;
    for (method, path) in [
        ("DELETE", AWS.to_owned()),
        ("PATCH", format!("{AWS}/connectors/enable")),
        ("PATCH", format!("{AWS}/connectors/disable")),
        ("POST", format!("{AWS}/run")),
    ] {
        for body in [json!([]), json!([1]), json!(known), json!({"connectorIds": [known]})] {
            gateway.refused(method, &path, &body, 400, "array").await;
        }
        let unknown = json!([known, "00000000-0000-4000-8000-000000000000"]);
        gateway.refused(method, &path, &unknown, 404, "not found").await;
        // A connector of another cloud is none of this one.
        let azure = json!([connector_id(&gateway, AZURE, "corp-shared").await]);
        gateway.refused(method, &path, &azure, 404, "not found").await;
        let answer = gateway.ask(method, &path).header("Content-Type", "text/plain").body("[]").send().await;
        names_it(&answer, "application/json");
    }
    assert_eq!(objects(&gateway).await, before);
}

#[tokio::test]
async fn lists_need_their_parameters() {
    let gateway = Gateway::with(&[]).await;
    for (query, named) in [
        ("", "pageNo"),
        ("?pageSize=50", "pageNo"),
        ("?pageNo=0", "pageSize"),
        ("?pageNo=-1&pageSize=50", "pageNo"),
        ("?pageNo=0&pageSize=0", "pageSize"),
        ("?pageNo=0&pageSize=many", "pageSize"),
        ("?pageNo=0&pageSize=50&sort=colour:asc", "sort"),
        ("?pageNo=0&pageSize=50&sort=name:up", "sort"),
        ("?pageNo=0&pageSize=50&filter=colour:red", "colour"),
        ("?pageNo=0&pageSize=50&filter=name", "filter"),
    ] {
        gateway.refused("GET", &format!("{AWS}{query}"), &Value::Null, 400, named).await;
    }
    let errors = format!("{AWS}/{}/errors", connector_id(&gateway, AWS, "prod-web").await);
    gateway.refused("GET", &errors, &Value::Null, 400, "pageNo").await;
}

#[tokio::test]
async fn connectors_that_others_look_after_are_not_updated() {
    for (field, named) in
        [("madeElsewhere", "Connectors application"), ("isAttachedToOrgConnector", "organization connector")]
    {
        let gateway = Gateway::with(&[]).await;
        let set = json!({"kind": "aws", "name": "sandbox", "set": {field: true}});
        gateway.remote.control("POST", "/_sim/objects", set).await;
        let id = connector_id(&gateway, AWS, "sandbox").await;
        gateway.refused("PUT", &format!("{AWS}/{id}"), &aws(), 400, named).await;
    }
}
