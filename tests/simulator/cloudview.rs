//! CloudView 1.x: how it is logged in to, and what all of its calls have in common.

use serde_json::Value;

use crate::client::Answer;
use crate::gateway::Gateway;

const BASE_ACCOUNT: &str = "/cloudview-api/rest/v1/aws/connectors/awsBaseAccountId";

async fn with_password(gateway: &Gateway, password: &str) -> Answer {
    let ask = gateway.remote.ask("GET", BASE_ACCOUNT);
    match password {
        "simulator" => ask.send().await,
        // simulator:other
        _ => ask.header("Authorization", "Basic c2ltdWxhdG9yOm90aGVy").send().await,
    }
}

#[tokio::test]
async fn the_login_is_a_token_or_a_password() {
    for (auth, token, password) in [("jwt", 200, 401), ("basic", 401, 200)] {
        let gateway = Gateway::with(&[("cloudview_auth", auth)]).await;
        assert_eq!(gateway.call("GET", BASE_ACCOUNT, &Value::Null).await.status, token, "{auth}");
        assert_eq!(with_password(&gateway, "simulator").await.status, password, "{auth}");
        assert_eq!(with_password(&gateway, "other").await.status, 401, "{auth}");
        let nobody = gateway.remote.ask("GET", BASE_ACCOUNT).without("Authorization").send().await;
        assert_eq!((nobody.status, nobody.value()["errorCode"].as_str()), (401, Some("401 UNAUTHORIZED")));
    }
}

#[tokio::test]
async fn the_other_login_is_refused_or_meets_a_host_without_the_paths() {
    for (status, text) in [(401, "401"), (404, "404")] {
        let options = [("cloudview_wrong_login", text), ("cloudview_auth", "jwt")];
        let gateway = Gateway::with(&options).await;
        assert_eq!(with_password(&gateway, "simulator").await.status, status);
        let options = [("cloudview_wrong_login", text), ("cloudview_auth", "basic")];
        let gateway = Gateway::with(&options).await;
        assert_eq!(gateway.call("GET", BASE_ACCOUNT, &Value::Null).await.status, status);
        // The right way to log in with the wrong password is the right host.
        assert_eq!(with_password(&gateway, "other").await.status, 401);
    }
}

#[tokio::test]
async fn a_subscription_without_it_answers_404_everywhere() {
    for (value, status) in [("on", 200), ("off", 404)] {
        let gateway = Gateway::with(&[("cloudview", value)]).await;
        assert_eq!(gateway.call("GET", BASE_ACCOUNT, &Value::Null).await.status, status, "{value}");
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_apart() {
    let gateway = Gateway::with(&[]).await;
    for (method, path, status) in [
        ("GET", "/cloudview-api/rest/v1", 404),
        ("GET", "/cloudview-api/rest/v1/oci/connectors?pageNo=0&pageSize=50", 404),
        ("GET", "/cloudview-api/rest/v1/aws/connectors/nothing", 404),
        ("GET", "/cloudview-api/rest/v1/aws/connectors/nothing/errors?pageNo=0&pageSize=50", 404),
        ("DELETE", "/cloudview-api/rest/v1/aws/connectors/nothing", 405),
        ("POST", "/cloudview-api/rest/v1/aws/connectors/connectors/enable", 405),
        ("GET", "/cloudview-api/rest/v1/azure/connectors/awsBaseAccountId", 404),
        ("GET", "/cloudview-api/rest/v2/aws/connectors", 404),
        ("POST", BASE_ACCOUNT, 405),
    ] {
        assert_eq!(gateway.call(method, path, &Value::Null).await.status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn the_log_tells_reads_from_writes_whatever_became_of_them() {
    let gateway = Gateway::with(&[]).await;
    for (method, path, write) in [
        ("GET", BASE_ACCOUNT, false),
        ("DELETE", "/cloudview-api/rest/v1/aws/connectors", true),
        ("POST", "/cloudview-api/rest/v1/gcp/connectors/run", true),
        ("DELETE", "/cloudview-api/rest/v1/oci/connectors", true),
    ] {
        gateway.call(method, path, &Value::Null).await;
        assert_eq!(gateway.last_effect().await, (write, false), "{method} {path}");
        let fault = serde_json::json!({"kind": "status", "status": 503, "path": "/cloudview-api/"});
        gateway.remote.control("POST", "/_sim/faults", fault).await;
        assert_eq!(gateway.call(method, path, &Value::Null).await.status, 503);
        assert_eq!(gateway.last_effect().await, (write, false), "{method} {path}");
    }
}
