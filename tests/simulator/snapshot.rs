//! Snapshot-based assessment: registering, running, deregistering.

use serde_json::{Value, json};

use crate::gateway::Gateway;

const REGISTER: &str = "/conn/snapshot/v1.0/register-service-account";
const RUN: &str = "/conn/snapshot/v1.0/register-scanner-run";
const DEREGISTER: &str = "/conn/snapshot/v1.0/deregister-service-account";

fn account(schedule: &str) -> Value {
    json!({"accountId": "210987654321", "schedule": schedule, "tags": [{"tagKey": "Owner", "tagValue": "web"}]})
}

#[tokio::test]
async fn the_documented_calls_are_answered_as_documented() {
    let gateway = Gateway::with(&[]).await;
    for (method, path) in [("GET", RUN), ("DELETE", DEREGISTER)] {
        gateway.refused(method, path, &Value::Null, 404, "Service account not found").await;
    }
    let registered = gateway.call("POST", REGISTER, &account("0 0 2 ? * * *")).await;
    assert_eq!(
        (registered.status, registered.body.as_str()),
        (201, "Successfully registered the service account")
    );
    assert_eq!(registered.headers["content-type"], "text/plain");
    assert_eq!(gateway.last_effect().await, (true, false));

    let run = gateway.json("GET", RUN, &Value::Null).await;
    let id = gateway.remote.id("aws", "prod-web").await;
    assert_eq!(
        run["targetAccounts"],
        json!([{"awsAccountId": "210987654321", "connectorId": id.to_string()}])
    );
    assert!(run["amis"]["us-east-1"].as_str().unwrap().starts_with("ami-"), "{run}");
    assert_eq!(gateway.last_effect().await, (true, false), "a GET that starts a scan");

    let gone = gateway.call("DELETE", DEREGISTER, &Value::Null).await;
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    gateway.refused("DELETE", DEREGISTER, &Value::Null, 404, "not found").await;
}

#[tokio::test]
async fn a_second_registration_changes_something_or_not() {
    for (value, status, schedule) in [("kept", 304, "0 0 2 ? * * *"), ("updated", 200, "0 30 4 ? * SUN")] {
        let gateway = Gateway::with(&[("snapshot_reregister", value)]).await;
        assert_eq!(gateway.call("POST", REGISTER, &account("0 0 2 ? * * *")).await.status, 201);
        let again = gateway.call("POST", REGISTER, &account("0 30 4 ? * SUN")).await;
        assert_eq!((again.status, again.body.is_empty()), (status, status == 304), "{again:?}");
        let kept =
            gateway.remote.control("GET", "/_sim/objects?kind=snapshot_registration", Value::Null).await;
        assert_eq!(kept["objects"].as_array().unwrap().len(), 1, "one a subscription");
        assert_eq!(kept["objects"][0]["object"]["schedule"], schedule);
    }
}

#[tokio::test]
async fn the_account_may_need_a_connector() {
    let other = json!({"accountId": "999999999999", "schedule": "0 0 2 ? * *"});
    let without = json!({"accountId": "456789012345", "schedule": "0 0 2 ? * *"});
    let gateway = Gateway::with(&[("snapshot_needs_connector", "required")]).await;
    gateway.refused("POST", REGISTER, &other, 404, "Connector not found").await;
    gateway.refused("POST", REGISTER, &without, 400, "accountId").await;
    assert_eq!(gateway.call("POST", REGISTER, &account("0 0 2 ? * *")).await.status, 201);
    let gateway = Gateway::with(&[("snapshot_needs_connector", "any")]).await;
    assert_eq!(gateway.call("POST", REGISTER, &other).await.status, 201);
}

#[tokio::test]
async fn a_registration_can_be_put_there_once() {
    let gateway = Gateway::with(&[]).await;
    let make = json!({"kind": "snapshot_registration", "create": {"accountId": "210987654321"}});
    gateway.remote.control("POST", "/_sim/objects", make.clone()).await;
    let again = gateway.remote.ask("POST", "/_sim/objects").json().body(&make.to_string()).send().await;
    assert_eq!(again.status, 400);
    assert!(again.body.contains("no more than one"), "{again:?}");
    let set = json!({"kind": "snapshot_registration", "set": {"schedule": "0 0 3 ? * *"}});
    let set = gateway.remote.control("POST", "/_sim/objects", set).await;
    assert_eq!(set["object"]["schedule"], "0 0 3 ? * *", "the one there is needs no name");
}

#[tokio::test]
async fn refusals_name_the_field() {
    let gateway = Gateway::with(&[]).await;
    let cases = [
        (json!({"schedule": "0 0 2 ? * *"}), "accountId"),
        (json!({"accountId": "210987654321"}), "schedule"),
        (json!({"accountId": null, "schedule": "0 0 2 ? * *"}), "accountId"),
        (json!({"accountId": "21098765432", "schedule": "0 0 2 ? * *"}), "accountId"),
        (json!({"accountId": 210_987_654_321_u64, "schedule": "0 0 2 ? * *"}), "accountId"),
        (
            json!({"accountId": "210987654321", "schedule": "0 0 2 ? * *", "tags": [{"tagKey": "a"}]}),
            "tags.tagValue",
        ),
        (json!({"accountId": "210987654321", "schedule": "0 0 2 ? * *", "tags": [{"key": "a"}]}), "key"),
        (json!({"accountId": "210987654321", "schedule": "0 0 2 ? * *", "tags": "a"}), "tags"),
        (json!({"accountId": "210987654321", "schedule": "0 0 2 ? * *", "region": "a"}), "region"),
        (json!([]), "object"),
    ];
    for (body, named) in cases {
        gateway.refused("POST", REGISTER, &body, 400, named).await;
    }
    let nonsense = gateway.send("POST", REGISTER, "{").await;
    assert_eq!(nonsense.status, 400);
}

#[tokio::test]
async fn schedules_are_what_quartz_takes() {
    let taken = [
        "0 0 2 ? * * *",
        "0 0 2 ? * *",
        "0 0 2 * * ?",
        "0 0/15 8-18 ? * MON-FRI",
        "*/10 5,35 0 L * ?",
        "0 0 12 15W JAN,jul ? 2030-2035",
        "0 0 12 L-3 * ?",
        "0 0 12 LW * ?",
        "0 0 12 L-3W * ?",
        "0 /15 12 ? NOV-FEB fri-mon",
        "0 0 12 ? * 6L",
        "0 0 12 ? * fri#3",
        "0 0 22-2 ? * 1/2",
    ];
    let refused = [
        "",
        "0 2 * * *",
        "0 0 2 * * *",
        "0 0 2 ? * ?",
        "0 0 2 ? * * * *",
        "60 0 2 ? * *",
        "0 60 2 ? * *",
        "0 0 24 ? * *",
        "0 0 2 0 * ?",
        "0 0 2 32 * ?",
        "0 0 2 ? 13 *",
        "0 0 2 ? FOO *",
        "0 0 2 ? * 0",
        "0 0 2 ? * 8",
        "0 0 2 ? * 2#6",
        "0 0 2 ? * * 1969",
        "0 0/0 2 ? * *",
        "0 0 2 ? * MON-",
        "0 , 2 ? * *",
        "0 -1 2 ? * *",
        "0 / 2 ? * *",
        "0 0 2 L-31W * ?",
        "0 0 2 L3 * ?",
        "0 0 2 ? * MON-6",
        "0 0 2 ? * * 2035-2031",
        "@daily",
    ];
    for schedule in taken {
        let gateway = Gateway::with(&[]).await;
        assert_eq!(gateway.call("POST", REGISTER, &account(schedule)).await.status, 201, "{schedule}");
    }
    let gateway = Gateway::with(&[]).await;
    for schedule in refused {
        gateway.refused("POST", REGISTER, &account(schedule), 400, "schedule").await;
    }
}
