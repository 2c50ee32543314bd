//! Azure organization connectors, after the samples of "Azure Organization Connectors 3.0".

use super::*;

const TENANT: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const APPLICATION: &str = "bbbbbbbb-0000-4000-8000-000000000001";

/// As the details are shown, with these changes.
fn details(changes: Value) -> Value {
    let whole = json!({
        "id": "7", "name": "org", "description": "all of it", "tenantId": TENANT, "applicationId": APPLICATION,
        "orgRunFrequency": {"hours": 1, "minutes": 0}, "connectorRunFrequency": {"hours": 4, "minutes": 30},
        "state": "FINISHED_SUCCESS", "lastError": null, "connectorPrefixName": "made", "defaultTagIds": [5],
        "connectorAppInfos": [{"name": "AI", "identifier": TENANT, "tagId": null, "tagMetadata": null}],
        "autoActivateVM": true, "autoActivatePC": false, "autoActivateSCA": false, "autoActivateCertView": true,
        "includedMem": ["Production"], "excludedMem": [], "disabled": false, "deleted": false,
        "createConnectorForNewSubscriptionsAutomatically": true,
        "disableConnectorsForDeletedManagementGroups": false, "remediationEnabled": true,
    });
    changed(whole, changes)
}

fn page(content: Value) -> stub::Play {
    let count = content.as_array().unwrap().len();
    let page = json!({
        "currentPage": 0, "currentPageSize": count, "totalPages": 1, "numberOfElements": count, "content": content,
        "hasContent": count > 0, "hasNext": false, "hasPrevious": false, "first": true, "last": true,
    });
    stub::reply(200, page.to_string())
}

/// A gateway with one organization connector, its details as given, and the groups that a test finds.
async fn gateway(details: Value) -> Stub {
    Stub::answers(move |_, asked| {
        let path = asked.path.split('?').next().unwrap_or_default();
        match (asked.method.as_str(), path.trim_end_matches('/')) {
            (_, "/auth") => stub::reply(201, "a.b.c"),
            ("GET", "/connectors/v1.0/org/azure") => page(json!([{"id": "7", "name": "org"}])),
            ("GET", "/connectors/v1.0/org/azure/7") => stub::reply(200, details.to_string()),
            ("GET", "/connectors/v1.0/org/azure/member-connectors/7") => page(json!([{"id": "21"}])),
            ("POST", "/connectors/v1.0/org/azure/test") => {
                stub::reply(200, json!({"responseCode": "SUCCESS", "jobUuid": "j-1"}).to_string())
            }
            ("GET", "/connectors/v1.0/org/azure/job/j-1") => {
                stub::reply(200, json!({"status": "COMPLETED", "error": null}).to_string())
            }
            ("POST", "/connectors/v1.0/org/azure/management-groups") => {
                page(json!(["Production", "Staging"]))
            }
            ("POST", "/connectors/v1.0/org/azure" | "/connectors/v1.0/org/azure/7") => {
                stub::reply(200, details.to_string())
            }
            _ => stub::reply(200, "{}"),
        }
    })
    .await
}

async fn listed(details: Value) -> LiveObject {
    let mut all = gateway(details).await.reader().list(Kind::AzureOrganization).await.unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// What is asked of the gateway besides the token.
fn calls(stub: &Stub) -> Vec<String> {
    let asked = stub.asked().into_iter().filter(|asked| asked.path != "/auth");
    asked.map(|asked| format!("{} {}", asked.method, asked.path.split('?').next().unwrap())).collect()
}

fn wanted(key: &SecretFile, changes: Value) -> Spec {
    let whole = json!({
        "name": "org", "tenant_id": TENANT, "tenant_name": "Org", "application_id": APPLICATION,
        "secret": key.reference(), "connector_prefix": "made", "capabilities": ["AI"], "org_run_frequency": "1h",
        "connector_run_frequency": "4h", "include_management_groups": ["Production"],
    });
    spec(Kind::AzureOrganization, changed(whole, changes))
}

#[tokio::test]
async fn the_three_spellings_of_an_organization_connectors_fields_read_as_one() {
    let shown = listed(details(json!({}))).await;
    assert_eq!(
        Value::Object(shown.spec.fields()),
        json!({
            "name": "org", "tenant_id": TENANT, "description": "all of it", "application_id": APPLICATION,
            "connector_prefix": "made", "capabilities": ["AI"], "org_run_frequency": "1h",
            "connector_run_frequency": "270m", "include_management_groups": ["Production"],
            "exclude_management_groups": [], "create_connectors_for_new_subscriptions": true,
            "disable_connectors_for_deleted_groups": false, "activate": ["VM", "CERTVIEW"], "tags": ["#5"],
            "remediation": true, "enabled": true, "members": ["azure/#21"],
        })
    );
    let as_status_shows = json!({
        "orgRunFrequency": null, "runFrequency": "60", "connectorRunFrequency": "270", "includedMem": null,
        "excludedMem": null, "memberConfigurations": {"includedMembers": ["Production"], "excludedMembers": []},
        "disabled": null, "isDisabled": false, "deleted": null, "isDeleted": false, "remediationEnabled": null,
        "isRemediationEnabled": true,
    });
    let as_requests_have = json!({
        "createConnectorForNewSubscriptionsAutomatically": null,
        "isCreateConnectorForNewSubscriptionsAutomatically": "true",
        "disableConnectorsForDeletedManagementGroups": null,
        "isDisableConnectorsForDeletedManagementGroups": "false", "orgRunFrequency": 60, "id": 7,
    });
    for changes in [as_status_shows, as_requests_have] {
        assert_eq!(listed(details(changes.clone())).await, shown, "{changes}");
    }
    for frequency in
        [json!({"hours": "1"}), json!({"minutes": 60}), json!("60"), json!({"hours": 0, "minutes": "60"})]
    {
        assert_eq!(listed(details(json!({"orgRunFrequency": frequency}))).await, shown, "{frequency}");
    }
    let days = listed(details(json!({"orgRunFrequency": {"days": 2}}))).await;
    assert_eq!(days.spec.fields()["org_run_frequency"], "48h");
    let gone = gateway(details(json!({"deleted": true}))).await;
    assert_eq!(gone.reader().list(Kind::AzureOrganization).await.unwrap(), []);
}

#[tokio::test]
async fn details_that_tell_no_name_are_no_connector_and_no_empty_listing() {
    for answer in [json!({}), json!({"id": 7}), details(json!({"name": null}))] {
        let error = gateway(answer).await.reader().list(Kind::AzureOrganization).await.unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Unreadable, "{error}");
        assert!(error.to_string().contains("an organization connector without a name"), "{error}");
    }
}

#[tokio::test]
async fn a_row_without_an_id_is_no_row_that_may_be_passed_over() {
    for listing in ["/connectors/v1.0/org/azure", "/connectors/v1.0/org/azure/member-connectors/7"] {
        let whole = details(json!({}));
        let stub = Stub::answers(move |_, asked| {
            let path = asked.path.split('?').next().unwrap_or_default().trim_end_matches('/');
            match path {
                "/auth" => stub::reply(201, "a.b.c"),
                _ if path == listing => page(json!([{"id": "7"}, {"name": "other"}])),
                "/connectors/v1.0/org/azure" => page(json!([{"id": "7"}])),
                _ => stub::reply(200, whole.to_string()),
            }
        });
        let error = stub.await.reader().list(Kind::AzureOrganization).await.unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Unreadable, "{listing}: {error}");
        assert!(error.to_string().contains("content[1]"), "{listing}: {error}");
    }
}

#[tokio::test]
async fn a_create_that_succeeds_without_saying_which_id_is_looked_for() {
    let key = SecretFile::new("an 0rganization's secret");
    for changes in [json!({"id": null}), json!({"id": ""}), json!({"id": "seven"})] {
        let stub = gateway(details(changes.clone())).await;
        let spec = wanted(&key, json!({}));
        let secrets = secrets_of(&spec);
        let context = Context { secrets: &secrets, ..Context::new(&Known) };
        let error = Writer::new(&stub.reader()).create(&spec, context).await.unwrap_err();
        assert!(error.outcome_unknown(), "{changes}: {error}");
    }
}

#[tokio::test]
async fn of_the_last_job_the_newest_errors_are_told_and_not_more_than_a_person_reads() {
    let lines: Vec<Value> = (0..150)
        .map(|number| json!({"type": null, "errorMsg": format!("error {number}"), "created": format!("2031-05-08T05:{:02}:{:02}.000+00:00", number / 60, number % 60)}))
        .collect();
    let stub = Stub::answers(move |_, asked| match asked.path.split('?').next().unwrap_or_default() {
        "/auth" => stub::reply(201, "a.b.c"),
        "/connectors/v1.0/org/azure/last-job-summary/7" => page(lines.clone().into()),
        _ => stub::reply(404, ""),
    });
    let errors = stub.await.reader().run_errors(Kind::AzureOrganization, "7").await.unwrap();
    assert_eq!((errors.len(), errors[0].message.as_str()), (100, "error 149"));
    assert_eq!(errors[0].created.unwrap().to_string(), "2031-05-08T05:02:29Z");
}

#[tokio::test]
async fn to_look_at_organization_connectors_tests_no_connection() {
    let stub = gateway(details(json!({}))).await;
    stub.reader().list(Kind::AzureOrganization).await.unwrap();
    let base = "/connectors/v1.0/org/azure";
    assert_eq!(
        calls(&stub),
        [format!("GET {base}/"), format!("GET {base}/7"), format!("GET {base}/member-connectors/7")]
    );
}

#[tokio::test]
async fn a_create_tests_the_connection_first_and_refuses_unknown_groups_with_those_there_are() {
    let key = SecretFile::new("an 0rganization's secret");
    let stub = gateway(details(json!({}))).await;
    let spec = wanted(&key, json!({"include_management_groups": ["Production", "Nowhere"]}));
    let secrets = secrets_of(&spec);
    let context = Context { secrets: &secrets, ..Context::new(&Known) };
    let error = Writer::new(&stub.reader()).create(&spec, context).await.unwrap_err().to_string();
    assert!(
        error.ends_with("the tenant has no management group Nowhere; it has Production, Staging"),
        "{error}"
    );
    let made = calls(&stub).into_iter().filter(|call| call == "POST /connectors/v1.0/org/azure/").count();
    assert_eq!(made, 0, "nothing is made");

    let spec = wanted(&key, json!({}));
    let stub = gateway(details(json!({}))).await;
    let made = Writer::new(&stub.reader()).create(&spec, context).await.unwrap();
    assert_eq!((made.id.as_str(), made.incomplete.is_none()), ("7", true));
    let asked = stub.asked();
    let create = asked.iter().find(|asked| asked.path == "/connectors/v1.0/org/azure/").unwrap();
    assert_eq!(
        create.json(),
        json!({
            "name": "org", "description": "", "tenantId": TENANT, "tenantName": "Org",
            "applicationId": APPLICATION, "secretValue": "an 0rganization's secret",
            "connectorPrefixName": "made",
            "connectorAppInfos": [{"identifier": TENANT, "name": "AI", "tagId": null}],
            "orgRunFrequency": {"hours": 1, "minutes": 0}, "connectorRunFrequency": {"hours": 4, "minutes": 0},
            "includedMem": ["Production"],
        })
    );
}

#[tokio::test]
async fn an_edit_sends_every_mandatory_field_again_and_what_the_file_leaves_out_as_it_is() {
    let key = SecretFile::new("an 0rganization's secret");
    let live = listed(details(json!({}))).await;
    let stub = gateway(details(json!({}))).await;
    let spec = wanted(&key, json!({"description": "other"}));
    let secrets = secrets_of(&spec);
    let context = Context { secrets: &secrets, before: Some(&live.spec), ..Context::new(&Known) };
    Writer::new(&stub.reader()).update("7", &spec, &["description"], context).await.unwrap();
    assert_eq!(
        calls(&stub),
        ["GET /connectors/v1.0/org/azure/7", "POST /connectors/v1.0/org/azure/7"],
        "no test where no group and no secret changes"
    );
    let asked = stub.asked();
    let sent = asked.last().unwrap().json();
    for (field, value) in [
        ("description", json!("other")),
        ("secretValue", json!("an 0rganization's secret")),
        ("tenantName", json!("Org")),
        ("isCreateConnectorForNewSubscriptionsAutomatically", json!(true)),
        ("isDisableConnectorsForDeletedManagementGroups", json!(false)),
        ("isRemediationEnabled", json!(true)),
        ("autoActivateVM", json!(true)),
        ("autoActivatePC", json!(false)),
        ("excludedMem", json!([])),
        ("defaultTagIds", json!([5])),
    ] {
        assert_eq!(sent[field], value, "{field} of {sent}");
    }
}

#[tokio::test]
async fn what_has_a_call_of_its_own_is_not_an_edit() {
    let key = SecretFile::new("an 0rganization's secret");
    let live = listed(details(json!({}))).await;
    let stub = gateway(details(json!({}))).await;
    let spec = wanted(&key, json!({"enabled": false, "members": ["azure/#22"]}));
    let secrets = secrets_of(&spec);
    let context = Context { secrets: &secrets, before: Some(&live.spec), ..Context::new(&Known) };
    Writer::new(&stub.reader()).update("7", &spec, &["enabled", "members"], context).await.unwrap();
    let bodies: Vec<(String, Value)> = stub
        .asked()
        .iter()
        .filter(|asked| asked.path != "/auth")
        .map(|asked| (format!("{} {}", asked.method, asked.path), asked.json()))
        .collect();
    let base = "/connectors/v1.0";
    assert_eq!(
        bodies,
        [
            (format!("PUT {base}/azure/detach"), json!([21])),
            (format!("PUT {base}/azure/attach"), json!({"connectorId": 22, "organizationConnectorId": 7})),
            (format!("PUT {base}/org/azure/status/?action=DISABLE"), json!([7])),
        ]
    );
}
