//! Organization connectors: the guide's samples with names of our own, what is refused, and members.

use serde_json::{Value, json};
use trueup::simulator::{Seed, Settings};

use crate::client::Remote;
use crate::gateway::Gateway;

const ORG: &str = "/connectors/v1.0/org/azure";
const TENANT: &str = "66666666-6666-4666-8666-666666666666";
const APPLICATION: &str = "77777777-7777-4777-8777-777777777777";
const SECRET: &str = "fake-secret";

/// Everything that a create needs.
fn least() -> Value {
    json!({
        "name": "fabrikam",
        "connectorAppInfos": [{"name": "AI", "identifier": TENANT, "tagId": null}],
        "tenantName": "Fabrikam",
        "tenantId": TENANT,
        "applicationId": APPLICATION,
        "secretValue": SECRET,
        "orgRunFrequency": {"hours": 1, "minutes": 0},
        "connectorPrefixName": "fabrikam",
        "connectorRunFrequency": {"hours": 2, "minutes": 30},
    })
}

fn with(body: Value, fields: Value) -> Value {
    let (Value::Object(mut body), Value::Object(fields)) = (body, fields) else {
        panic!("objects are merged")
    };
    body.extend(fields);
    Value::Object(body)
}

/// The guide's sample of a create.
fn sample() -> Value {
    let apps = ["AI", "CI", "CSA"].map(|name| json!({"identifier": TENANT, "name": name, "tagId": null}));
    with(
        least(),
        json!({
            "description": "All of Fabrikam",
            "connectorAppInfos": apps,
            "isRemediationEnabled": true,
            "excludedMem": [],
            "includedMem": ["Production"],
            "isCreateConnectorForNewSubscriptionsAutomatically": true,
            "isDisableConnectorsForDeletedManagementGroups": true,
            "autoActivateCV": false,
            "autoActivateCertView": false,
            "autoActivatePC": false,
            "autoActivateSCA": false,
            "autoActivateVM": false,
            "defaultTagIds": [],
        }),
    )
}

async fn create(gateway: &Gateway, body: &Value) -> u64 {
    gateway.json("POST", &format!("{ORG}/"), body).await["id"].as_u64().unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn create_edit_and_get_answer_as_documented() {
    let gateway = Gateway::with(&[]).await;
    let created = gateway.json("POST", &format!("{ORG}/"), &sample()).await;
    let id = created["id"].as_u64().unwrap();
    assert_eq!(gateway.last_effect().await, (true, false));
    let path = format!("{ORG}/{id}");
    let edited = gateway.json("POST", &path, &with(sample(), json!({"description": "Changed"}))).await;
    let got = gateway.json("GET", &path, &Value::Null).await;
    for answer in [&created, &edited, &got] {
        let mut expected = vec![
            "id",
            "name",
            "description",
            "uuid",
            "orgRunFrequency",
            "connectorRunFrequency",
            "lastSynced",
            "nextSync",
            "type",
            "customerId",
            "userUuid",
            "userName",
            "lastError",
            "state",
            "connectorPrefixName",
            "defaultTagIds",
            "connectorAppInfos",
            "connectorCapabilities",
            "lastSuccessfulSync",
            "createdBy",
            "organizationId",
            "tenantId",
            "applicationId",
            "autoActivateVM",
            "autoActivatePC",
            "autoActivateSCA",
            "autoActivateCertView",
            "autoActivateCV",
            "includedMem",
            "excludedMem",
            "createConnectorForNewSubscriptionsAutomatically",
            "disableConnectorsForDeletedManagementGroups",
            "disabled",
            "deleted",
            "remediationEnabled",
        ];
        expected.sort_unstable();
        assert_eq!(keys(answer), expected, "no secretValue among them");
        assert!(!answer.to_string().contains(SECRET));
        assert_eq!(answer["state"], "PENDING");
        assert_eq!(answer["orgRunFrequency"], json!({"hours": 1, "minutes": 0}));
        assert_eq!(
            answer["connectorAppInfos"][2],
            json!({"name": "CSA", "identifier": TENANT, "tagId": null, "tagMetadata": null})
        );
        assert_eq!(answer["remediationEnabled"], true);
    }
    assert_eq!(
        (&created["description"], &edited["description"]),
        (&json!("All of Fabrikam"), &json!("Changed"))
    );
    assert_eq!(edited["id"], id);

    let gone = gateway.call("DELETE", &path, &Value::Null).await;
    assert_eq!((gone.status, gone.body.as_str()), (200, ""));
    gateway.refused("GET", &path, &Value::Null, 404, &id.to_string()).await;
}

#[tokio::test]
async fn runs_go_on_by_looking() {
    for (states, last) in
        [("success", "FINISHED_SUCCESS"), ("errors", "FINISHED_ERRORS"), ("frozen", "PENDING")]
    {
        let gateway = Gateway::with(&[("states", states)]).await;
        let id = create(&gateway, &sample()).await;
        let path = format!("{ORG}/{id}");
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(gateway.json("GET", &path, &Value::Null).await["state"].clone());
        }
        let between = if states == "frozen" { "PENDING" } else { "RUNNING" };
        assert_eq!(seen, ["PENDING", between, last]);
        let summary = gateway.json("GET", &format!("{ORG}/last-job-summary/{id}"), &Value::Null).await;
        let errors = usize::from(states == "errors");
        assert_eq!(summary["numberOfElements"], errors);
        if errors == 1 {
            assert_eq!(keys(&summary["content"][0]), ["created", "errorMsg", "type"]);
        }
    }
}

#[tokio::test]
async fn running_takes_and_answers_plain_text() {
    let gateway = Gateway::with(&[]).await;
    let first = gateway.remote.id("azure_organization", "contoso").await;
    let second = create(&gateway, &sample()).await;
    let path = format!("{ORG}/run/");
    let run = gateway.send("POST", &path, &format!("{first},{second}")).await;
    assert_eq!(run.body, "A total of 2 Organization connectors have been successfully marked for running.");
    assert_eq!((run.status, run.headers["content-type"].as_str()), (200, "text/plain"));
    assert_eq!(gateway.last_effect().await, (true, false));
    assert_eq!(gateway.json("GET", &format!("{ORG}/{first}"), &Value::Null).await["state"], "PENDING");

    gateway.json("PUT", &format!("{ORG}/status/?action=DISABLE"), &json!([first])).await;
    let run = gateway.send("POST", &path, &format!("{first}, {second}")).await;
    assert!(run.body.starts_with("A total of 1 "), "a disabled one does not run: {}", run.body);
    for (body, status) in [("", 400), ("[1]", 400), ("1;2", 400), ("17", 404)] {
        assert_eq!(gateway.send("POST", &path, body).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn the_list_has_pages_and_a_query() {
    let generate = [("azure_organization".to_owned(), 5)].into();
    let remote = Remote::on(Settings { seed: Seed::Empty, generate, ..Settings::default() }).await;
    let gateway = Gateway::of(remote).await;
    let all = gateway.json("GET", &format!("{ORG}/"), &Value::Null).await;
    assert_eq!(
        keys(&all),
        [
            "content",
            "currentPage",
            "currentPageSize",
            "first",
            "hasContent",
            "hasNext",
            "hasPrevious",
            "last",
            "numberOfElements",
            "totalPages"
        ]
    );
    assert_eq!(
        keys(&all["content"][0]),
        [
            "connectorCapabilities",
            "id",
            "lastSynced",
            "name",
            "numberOfConnectorsAttached",
            "organizationId",
            "state",
            "type",
            "uuid"
        ]
    );
    assert_eq!(all["content"][0]["connectorCapabilities"], json!(["CSA", "CI", "AI"]));
    let last = gateway.json("GET", &format!("{ORG}?pageSize=2&pageNumber=2"), &Value::Null).await;
    assert_eq!(
        (&last["currentPage"], &last["currentPageSize"], &last["totalPages"], &last["numberOfElements"]),
        (&json!(2), &json!(1), &json!(3), &json!(5))
    );
    assert_eq!(
        (&last["hasNext"], &last["hasPrevious"], &last["first"], &last["last"]),
        (&json!(false), &json!(true), &json!(false), &json!(true))
    );
    let beyond = gateway.json("GET", &format!("{ORG}?pageNumber=9"), &Value::Null).await;
    assert_eq!((&beyond["hasContent"], &beyond["content"]), (&json!(false), &json!([])));

    let id = all["content"][1]["id"].as_u64().unwrap();
    for (query, count) in [
        (format!("id:{id}"), 1),
        ("name:generated-organization-00002".to_owned(), 1),
        ("name:%22generated-organization-00002%22%20and%20isEnabled:true".to_owned(), 1),
        ("description:%22Generated%20organization%20connector%203%22".to_owned(), 1),
        ("status:FINISHED_SUCCESS".to_owned(), 5),
        ("remediationEnabled:true".to_owned(), 0),
        ("tenantId:nobody".to_owned(), 0),
    ] {
        let found = gateway.json("GET", &format!("{ORG}?query={query}"), &Value::Null).await;
        assert_eq!(found["numberOfElements"], count, "{query}");
    }
    for (query, named) in [
        ("query=colour:red", "colour"),
        ("query=name", "query"),
        ("pageSize=0", "pageSize"),
        ("pageNumber=x", "pageNumber"),
    ] {
        gateway.refused("GET", &format!("{ORG}?{query}"), &Value::Null, 400, named).await;
    }
}

#[tokio::test]
async fn refused_creates_name_the_field() {
    let gateway = Gateway::with(&[]).await;
    for field in [
        "name",
        "connectorAppInfos",
        "tenantName",
        "tenantId",
        "applicationId",
        "secretValue",
        "orgRunFrequency",
        "connectorPrefixName",
        "connectorRunFrequency",
    ] {
        let mut body = least();
        body.as_object_mut().unwrap().remove(field);
        gateway.refused("POST", ORG, &body, 400, field).await;
    }
    let cases = [
        (json!({"name": "contoso"}), "name"),
        (json!({"tenantId": "fabrikam"}), "tenantId"),
        (json!({"applicationId": 7}), "applicationId"),
        (json!({"secretValue": ""}), "secretValue"),
        (json!({"connectorPrefixName": "x".repeat(31)}), "connectorPrefixName"),
        (json!({"connectorAppInfos": []}), "connectorAppInfos"),
        (json!({"connectorAppInfos": [{"name": "VM"}]}), "name"),
        (json!({"connectorAppInfos": [{"identifier": TENANT}]}), "connectorAppInfos.name"),
        (json!({"connectorAppInfos": [{"name": "AI", "identifier": "x"}]}), "identifier"),
        (json!({"orgRunFrequency": {"hours": 0, "minutes": 0}}), "orgRunFrequency"),
        (json!({"orgRunFrequency": {"hours": 1, "minutes": 60}}), "orgRunFrequency"),
        (json!({"connectorRunFrequency": {"days": 1}}), "connectorRunFrequency"),
        (json!({"connectorRunFrequency": "60"}), "connectorRunFrequency"),
        (json!({"includedMem": "Production"}), "includedMem"),
        (json!({"defaultTagIds": [17]}), "defaultTagIds"),
        (json!({"autoActivateVM": "true"}), "autoActivateVM"),
        (json!({"disabled": true}), "disabled"),
        (json!({"remediationEnabled": true}), "remediationEnabled"),
    ];
    for (fields, named) in cases {
        gateway.refused("POST", ORG, &with(least(), fields), 400, named).await;
    }
    assert_eq!(gateway.json("GET", ORG, &Value::Null).await["numberOfElements"], 1, "none was created");
    create(&gateway, &with(least(), json!({"orgRunFrequency": 90}))).await;
}

#[tokio::test]
async fn pc_and_sca_exclude_each_other_unless_the_option_says_otherwise() {
    let both = json!({"autoActivatePC": true, "autoActivateSCA": true});
    let gateway = Gateway::with(&[]).await;
    gateway.refused("POST", ORG, &with(sample(), both.clone()), 400, "autoActivateSCA").await;
    let id = create(&gateway, &with(sample(), json!({"autoActivatePC": true}))).await;
    // What the edit leaves out stays: the two meet in the connector, not in the request.
    let mut more = with(sample(), json!({"autoActivateSCA": true}));
    more.as_object_mut().unwrap().remove("autoActivatePC");
    gateway.refused("POST", &format!("{ORG}/{id}"), &more, 400, "autoActivateSCA").await;
    let accepting = Gateway::with(&[("pc_with_sca", "accepted")]).await;
    create(&accepting, &with(sample(), both)).await;
}

#[tokio::test]
async fn a_call_is_not_taken_for_the_name_of_an_object() {
    let gateway = Gateway::with(&[]).await;
    let id = gateway.remote.id("azure_organization", "contoso").await;
    for (method, path) in
        [("POST", "status/?action=ENABLE"), ("GET", "test"), ("DELETE", "run"), ("PUT", "job/x")]
    {
        let answer = gateway.call(method, &format!("{ORG}/{path}"), &json!([id])).await;
        assert_eq!(answer.status, 405, "{method} {path}: {answer:?}");
    }
    let status = gateway.call("POST", &format!("{ORG}/status"), &json!([id])).await;
    assert_eq!(status.headers["allow"], "PUT");
}

#[tokio::test]
async fn edits_need_everything_and_cannot_change_everything() {
    let gateway = Gateway::with(&[]).await;
    let id = create(&gateway, &sample()).await;
    let path = format!("{ORG}/{id}");
    gateway.refused("POST", &path, &json!({"description": "Changed"}), 400, "name").await;
    let mut without = sample();
    without.as_object_mut().unwrap().remove("secretValue");
    gateway.refused("POST", &path, &without, 400, "secretValue").await;
    let other = json!([{"name": "AI", "identifier": APPLICATION}]);
    for (field, value) in [
        ("applicationId", json!(TENANT)),
        ("name", json!("other")),
        ("connectorPrefixName", json!("other")),
        ("connectorAppInfos", other),
        ("tenantId", json!(APPLICATION)),
        ("tenantName", json!("Other")),
    ] {
        let named = if field == "connectorAppInfos" { "identifier" } else { field };
        gateway.refused("POST", &path, &with(sample(), json!({field: value})), 400, named).await;
    }
    gateway.refused("POST", &format!("{ORG}/17"), &sample(), 404, "17").await;
    gateway.refused("DELETE", &format!("{ORG}/17"), &Value::Null, 404, "17").await;
    let rotated =
        with(sample(), json!({"secretValue": "another-fake", "orgRunFrequency": {"hours": 6, "minutes": 0}}));
    gateway.json("POST", &path, &rotated).await;
    let kept = gateway.remote.control("GET", "/_sim/objects?kind=azure_organization", Value::Null).await;
    assert_eq!(kept["objects"][1]["object"]["secretValue"], "another-fake");
}

#[tokio::test]
async fn what_an_edit_leaves_out_is_kept_or_reset() {
    for (value, description, groups) in
        [("kept", json!("All of Fabrikam"), json!(["Production"])), ("reset", Value::Null, json!([]))]
    {
        let gateway = Gateway::with(&[("org_edit_omitted", value)]).await;
        let id = create(&gateway, &sample()).await;
        let edited = gateway.json("POST", &format!("{ORG}/{id}"), &least()).await;
        assert_eq!((&edited["description"], &edited["includedMem"]), (&description, &groups), "{value}");
    }
}

#[tokio::test]
async fn frequencies_are_kept_or_become_days() {
    let hours = |hours: u64| with(least(), json!({"orgRunFrequency": {"hours": hours, "minutes": 0}}));
    for (value, given, shown) in [("kept", 25, 25), ("days", 1, 24), ("days", 25, 48), ("days", 168, 168)] {
        let gateway = Gateway::with(&[("org_frequency", value)]).await;
        let created = gateway.json("POST", ORG, &hours(given)).await;
        assert_eq!(created["orgRunFrequency"], json!({"hours": shown, "minutes": 0}), "{value} {given}");
    }
    let gateway = Gateway::with(&[("org_frequency", "days")]).await;
    gateway.refused("POST", ORG, &hours(169), 400, "orgRunFrequency").await;
}

#[tokio::test]
async fn groups_are_known_after_a_test() {
    for reads in [1, 3] {
        let gateway = Gateway::with(&[("job_reads", &reads.to_string())]).await;
        let which = json!({"tenantId": TENANT, "applicationId": APPLICATION});
        let known = format!("{ORG}/management-groups/");
        let before = gateway.json("POST", &known, &which).await;
        assert_eq!((&before["hasContent"], &before["totalPages"]), (&json!(false), &json!(0)));
        assert_eq!(gateway.last_effect().await, (false, false));

        let login = with(which.clone(), json!({"secretValue": SECRET}));
        let job = gateway.json("POST", &format!("{ORG}/test/"), &login).await;
        assert_eq!((&job["responseCode"], &job["responseMessage"]), (&json!("SUCCESS"), &Value::Null));
        assert_eq!(gateway.last_effect().await, (true, false));
        let path = format!("{ORG}/job/{}", job["jobUuid"].as_str().unwrap());
        for read in 1..=reads {
            assert_eq!(gateway.json("POST", &known, &which).await["hasContent"], false);
            let job = gateway.json("GET", &path, &Value::Null).await;
            assert_eq!(keys(&job), ["createOn", "error", "status", "updatedOn"]);
            assert_eq!(job["status"] == "COMPLETED", read == reads, "{job}");
        }
        let groups = gateway.json("POST", &known, &which).await;
        assert_eq!(groups["content"], json!(["Tenant Root Group", "Production", "Staging", "Sandbox"]));
        let page =
            gateway.json("POST", &known, &with(which.clone(), json!({"pageSize": 3, "pageNumber": 1}))).await;
        assert_eq!(page["content"], json!(["Sandbox"]));
        let other = json!({"tenantId": APPLICATION, "applicationId": APPLICATION});
        assert_eq!(gateway.json("POST", &known, &other).await["content"], json!([]));

        gateway.refused("POST", &format!("{ORG}/test/"), &which, 400, "secretValue").await;
        gateway.refused("POST", &known, &json!({"tenantId": TENANT}), 400, "applicationId").await;
        gateway.refused("GET", &format!("{ORG}/job/17"), &Value::Null, 404, "17").await;
    }
}

#[tokio::test]
async fn a_tenants_groups_can_be_seeded() {
    let gateway = Gateway::with(&[]).await;
    let tenant = json!({"kind": "azure_tenant", "create": {"tenantId": TENANT, "managementGroups": ["Only"], "synced": true}});
    gateway.remote.control("POST", "/_sim/objects", tenant).await;
    let which = json!({"tenantId": TENANT, "applicationId": APPLICATION});
    let known = gateway.json("POST", &format!("{ORG}/management-groups"), &which).await;
    assert_eq!(known["content"], json!(["Only"]));
    let id = gateway.remote.id("azure_organization", "contoso").await;
    let attached = gateway.json("GET", &format!("{ORG}/management-groups/{id}"), &Value::Null).await;
    assert_eq!(attached, json!({"includedMembers": ["Production", "Sandbox"], "excludedMembers": []}));
}

#[tokio::test]
async fn enabling_and_disabling_answer_in_the_third_spelling() {
    let gateway = Gateway::with(&[]).await;
    let id = gateway.remote.id("azure_organization", "contoso").await;
    for (action, disabled) in [("DISABLE", true), ("ENABLE", false)] {
        let page = gateway.json("PUT", &format!("{ORG}/status/?action={action}"), &json!([id])).await;
        assert_eq!(gateway.last_effect().await, (true, false));
        let shown = &page["content"][0];
        let mut expected = vec![
            "id",
            "organizationId",
            "name",
            "connectorPrefixName",
            "runFrequency",
            "connectorRunFrequency",
            "lastSynced",
            "customerId",
            "userUuid",
            "userName",
            "type",
            "lastError",
            "isDeleted",
            "isDisabled",
            "description",
            "state",
            "nextSync",
            "isRemediationEnabled",
            "organizationName",
            "uuid",
            "isAssignStaticTagToAssetsPulledByThatConnector",
            "isAssignStaticTagToConnectors",
            "connectorAppInfos",
            "defaultTagIds",
            "memberConfigurations",
            "createConnectorForNewSubscriptionsAutomatically",
            "disableConnectorsForDeletedManagementGroups",
            "createStaticTagsForManagementGroups",
        ];
        expected.sort_unstable();
        assert_eq!(keys(shown), expected);
        assert_eq!((&shown["isDisabled"], &shown["runFrequency"]), (&json!(disabled), &json!("720")));
        assert_eq!(shown["state"], "FINISHED_SUCCESS", "the state stays");
        assert_eq!(gateway.json("GET", &format!("{ORG}/{id}"), &Value::Null).await["disabled"], disabled);
    }
    let status = format!("{ORG}/status/?action=DISABLE");
    gateway.refused("PUT", &format!("{ORG}/status/?action=STOP"), &json!([id]), 400, "action").await;
    gateway.refused("PUT", &status, &json!([]), 400, "array").await;
    gateway.refused("PUT", &status, &json!({"id": id}), 400, "array").await;
    gateway.refused("PUT", &status, &json!([id, 17]), 404, "17").await;
    assert_eq!(
        gateway.json("GET", &format!("{ORG}/{id}"), &Value::Null).await["disabled"],
        false,
        "all or none"
    );
}

#[tokio::test]
async fn members_are_connectors_of_their_own_that_refuse_updates_while_attached() {
    let gateway = Gateway::with(&[]).await;
    let azure = "azureassetdataconnector";
    let organization = gateway.remote.id("azure_organization", "contoso").await;
    let other = json!({"kind": "azure", "create": {"name": "elsewhere", "authRecord": {
        "applicationId": APPLICATION, "directoryId": "66666666-6666-6666-6666-666666666666", "subscriptionId": APPLICATION}}});
    let stranger = gateway.remote.control("POST", "/_sim/objects", other).await["id"].as_u64().unwrap();
    let attach = |member: u64| json!({"connectorId": member, "organizationConnectorId": organization});
    let path = "/connectors/v1.0/azure/attach";
    gateway.refused("PUT", path, &attach(stranger), 400, "another tenant").await;

    let moved = json!({"kind": "azure", "create": {"name": "contoso-web", "authRecord": {
        "applicationId": APPLICATION, "directoryId": "22222222-2222-2222-2222-222222222222", "subscriptionId": TENANT}}});
    let member = gateway.remote.control("POST", "/_sim/objects", moved).await["id"].as_u64().unwrap();
    gateway.json("PUT", path, &attach(member)).await;
    let members = gateway.json("GET", &format!("{ORG}/member-connectors/{organization}"), &Value::Null).await;
    assert_eq!(members["content"][0]["name"], "contoso-web");
    let got = gateway.remote.json("get", &format!("{azure}/{member}"), Value::Null).await;
    assert!(!got.to_string().contains("Attached"), "no document of this family shows who is a member: {got}");
    let update = json!({"ServiceRequest": {"data": {"AzureAssetDataConnector": {"description": "x"}}}});
    let refused = gateway.remote.json("update", &format!("{azure}/{member}"), update.clone()).await;
    assert_eq!(refused["responseCode"], "INVALID_REQUEST", "{refused}");

    gateway.json("PUT", "/connectors/v1.0/azure/detach", &json!([member])).await;
    let updated = gateway.remote.json("update", &format!("{azure}/{member}"), update).await;
    assert_eq!(updated["responseCode"], "SUCCESS", "{updated}");
}
