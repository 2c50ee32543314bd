//! Tokens of the gateway, and what all its services have in common.

use base64::Engine as _;
use serde_json::{Value, json};
use trueup::simulator::{Seed, Settings};

use crate::client::{Answer, Ask, Remote};

const LOGIN: &str = "username=simulator&password=simulator&token=true";

/// A remote with a token at hand.
pub(crate) struct Gateway {
    pub(crate) remote: Remote,
    token: String,
}

impl Gateway {
    pub(crate) async fn with(options: &[(&str, &str)]) -> Self {
        Self::of(Remote::with(options).await).await
    }

    pub(crate) async fn of(remote: Remote) -> Self {
        let token = login(&remote, LOGIN).await;
        assert_eq!(token.status, 201, "{token:?}");
        Self { remote, token: token.body }
    }

    /// A call with the token; a body that is not null goes as JSON.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &body).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask(method, path).json().body(body).send().await
    }

    /// A request with the token, still without a body and its type.
    pub(crate) fn ask<'a>(&'a self, method: &'a str, path: &'a str) -> Ask<'a> {
        self.remote.ask(method, path).header("Authorization", &format!("Bearer {}", self.token))
    }

    /// The answer's JSON, of a call that succeeds.
    pub(crate) async fn json(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.call(method, path, body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {answer:?}");
        answer.value()
    }

    /// A call is refused with this status, in words that name this.
    pub(crate) async fn refused(&self, method: &str, path: &str, body: &Value, status: u16, named: &str) {
        let answer = self.call(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
        let value = answer.value();
        let message = value["message"].as_str().unwrap();
        assert!(message.contains(named), "{message} does not name {named}");
        assert!(value["errorCode"].as_str().unwrap().starts_with(&format!("{status} ")), "{value}");
        assert!(value["timestamp"].is_i64(), "{value}");
    }

    /// What the log says of the last request: a write, and one for all objects.
    pub(crate) async fn last_effect(&self) -> (bool, bool) {
        let log = self.remote.control("GET", "/_sim/requests", Value::Null).await;
        let last = log["requests"].as_array().unwrap().last().unwrap().clone();
        (last["write"].as_bool().unwrap(), last["without_id"].as_bool().unwrap())
    }
}

async fn login(remote: &Remote, form: &str) -> Answer {
    let ask = remote.ask("POST", "/auth").without("Authorization");
    ask.header("Content-Type", "application/x-www-form-urlencoded").body(form).send().await
}

#[tokio::test]
async fn a_token_is_the_bare_text_of_a_jwt() {
    let remote = Remote::with(&[("token_seconds", "60")]).await;
    let answer = login(&remote, LOGIN).await;
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (201, "text/plain"));
    let parts: Vec<_> = answer.body.split('.').collect();
    assert_eq!(parts.len(), 3);
    let claims = |token: &str| -> Value {
        let part = token.split('.').nth(1).unwrap();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let plain = claims(&answer.body);
    assert_eq!(plain["exp"].as_i64().unwrap() - plain["iat"].as_i64().unwrap(), 60);
    assert!(plain.get("permissions").is_none());
    let more = login(&remote, &format!("{LOGIN}&permissions=true")).await;
    assert!(claims(&more.body)["permissions"].is_array());
    let log = remote.control("GET", "/_sim/requests", Value::Null).await;
    assert_eq!(log["writes"], 0, "a login changes nothing");
}

#[tokio::test]
async fn logins_that_are_refused_say_why() {
    let remote = Remote::example().await;
    for (form, named) in [
        ("username=simulator&password=other&token=true", "password"),
        ("username=other&password=simulator&token=true", "username"),
        ("username=simulator&password=simulator", "token"),
        ("", "token"),
    ] {
        let answer = login(&remote, form).await;
        assert_eq!(answer.status, 401, "{form}");
        assert!(answer.value()["message"].as_str().unwrap().contains(named), "{answer:?}");
    }
    let json = remote.ask("POST", "/auth").json().body(LOGIN).send().await;
    assert_eq!(json.status, 401);
    assert!(json.body.contains("form-urlencoded"), "{json:?}");
    assert_eq!(remote.ask("GET", "/auth").send().await.status, 405);
}

#[tokio::test]
async fn calls_need_a_token_that_is_good() {
    let gateway = Gateway::with(&[]).await;
    let path = "/connectors/v1.0/org/azure/";
    assert_eq!(gateway.call("GET", path, &Value::Null).await.status, 200);
    for login in ["Bearer nonsense", "Bearer", "Basic c2ltdWxhdG9yOnNpbXVsYXRvcg=="] {
        let answer = gateway.remote.ask("GET", path).header("Authorization", login).send().await;
        assert_eq!(answer.status, 401, "{login}");
        assert_eq!(answer.value()["errorCode"], "401 UNAUTHORIZED");
    }
    assert_eq!(gateway.remote.ask("GET", path).without("Authorization").send().await.status, 401);

    let short = Gateway::with(&[("token_seconds", "0")]).await;
    let expired = short.call("GET", path, &Value::Null).await;
    assert_eq!(expired.status, 401);
    assert!(expired.body.contains("expired"), "{expired:?}");
}

#[tokio::test]
async fn one_service_can_be_forbidden_though_the_token_is_good() {
    let gateway = Gateway::with(&[]).await;
    let fault = json!({"kind": "status", "status": 403, "path": "/conn/snapshot/", "times": 0, "body": {"message": "no"}});
    gateway.remote.control("POST", "/_sim/faults", fault).await;
    assert_eq!(
        gateway.call("DELETE", "/conn/snapshot/v1.0/deregister-service-account", &Value::Null).await.status,
        403
    );
    assert_eq!(gateway.last_effect().await, (true, false));
    assert_eq!(gateway.call("GET", "/connectors/v1.0/org/azure", &Value::Null).await.status, 200);
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_apart() {
    let gateway = Gateway::with(&[]).await;
    for (method, path, status) in [
        ("GET", "/connectors/v1.0/org/aws/", 404),
        ("GET", "/connectors/v1.0/org/azure/1/2", 404),
        ("GET", "/connectors/v1.0", 404),
        ("POST", "/connectors/v1.0/org/azure/status/?action=ENABLE", 405),
        ("PATCH", "/connectors/v1.0/org/azure/", 405),
        ("POST", "/conn/snapshot/v1.0/register-scanner-run", 405),
        ("GET", "/connectors/v1.0/azure/attach", 405),
        ("GET", "/connectors/v1.0x/org/azure/", 404),
    ] {
        assert_eq!(gateway.call(method, path, &Value::Null).await.status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn limits_count_calls_but_not_logins() {
    let options = [("rate_limit", "429"), ("rate_limit_requests", "1")];
    let gateway = Gateway::with(&options).await;
    let path = "/connectors/v1.0/org/azure/";
    let under = gateway.call("GET", path, &Value::Null).await;
    assert_eq!((under.status, under.headers["x-ratelimit-remaining"].as_str()), (200, "0"));
    let over = gateway.call("POST", path, &json!({})).await;
    assert_eq!((over.status, over.headers["x-ratelimit-limit"].as_str()), (429, "1"));
    assert_eq!(gateway.last_effect().await, (true, false));
    let login = login(&gateway.remote, LOGIN).await;
    assert_eq!(login.status, 201);
    assert!(login.headers.keys().all(|name| !name.contains("ratelimit")), "{login:?}");
}

#[tokio::test]
async fn every_kind_can_be_generated_and_outlives_a_restart() {
    let kinds = [
        "azure_tenant",
        "azure_organization",
        "registry_connector",
        "registry",
        "registry_schedule",
        "asset",
    ];
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings {
        state: Some(directory.path().join("state.json")),
        seed: Seed::Empty,
        generate: kinds.map(|kind| (kind.to_owned(), 3)).into(),
        ..Settings::default()
    };
    let mut before = Value::Null;
    for _ in 0..2 {
        let remote = Remote::on(settings.clone()).await;
        let objects = remote.control("GET", "/_sim/objects", Value::Null).await;
        for kind in kinds {
            let of_kind =
                objects["objects"].as_array().unwrap().iter().filter(|object| object["kind"] == kind);
            assert_eq!(of_kind.count(), 3, "{kind}");
        }
        assert!(before.is_null() || before == objects);
        before = objects;
        remote.simulator.shutdown().await;
    }
}
