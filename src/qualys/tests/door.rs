//! The way in to the CloudView API: found by looking, kept, and never found out by a write.

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::stub::{Asked, Play, Stub, reply};
use super::{fine, transport};
use crate::qualys::ApiErrorKind;
use crate::qualys::call::{Call, Effect};
use crate::qualys::cloudview;
use crate::qualys::error::ApiError;
use crate::qualys::transport::Transport;
use crate::resource::CloudviewAuth;

const LIST: &str = "/cloudview-api/rest/v1/gcp/connectors";

fn listing() -> Call {
    cloudview::call("list gcp connectors", Method::GET, "/gcp/connectors", Effect::Read)
}

fn creation() -> Call {
    cloudview::call("create gcp connector", Method::POST, "/gcp/connectors", Effect::Once)
        .about("gcp/a")
        .json(&json!({"name": "a"}))
}

fn reading() -> Call {
    cloudview::call("read gcp connector", Method::GET, "/gcp/connectors/x", Effect::Read).about("x")
}

/// Gateway and portal, each with its own answer. Tokens are given where that is `Some`.
async fn platform(token: Option<&'static str>, gateway: Play, portal: Play) -> [Stub; 2] {
    let gateway = Stub::answers(move |_, asked| match (asked.path.as_str(), token) {
        ("/auth", Some(token)) => reply(201, token),
        ("/auth", None) => reply(401, "Bad credentials"),
        _ => gateway.clone(),
    })
    .await;
    [gateway, Stub::plays([portal]).await]
}

fn speak([gateway, portal]: &[Stub; 2], auth: CloudviewAuth) -> Transport {
    let mut endpoint = gateway.endpoint();
    endpoint.portal = portal.url.parse().unwrap();
    endpoint.cloudview_auth = auth;
    transport(endpoint)
}

/// `GET /path Bearer`, without the query.
fn trace(stub: &Stub) -> Vec<String> {
    let line = |asked: &Asked| {
        let path = asked.path.split('?').next().unwrap_or_default();
        let scheme =
            asked.header("authorization").and_then(|value| value.split(' ').next()).unwrap_or_default();
        format!("{} {path} {scheme}", asked.method).trim_end().to_owned()
    };
    stub.asked().iter().map(line).collect()
}

fn gone(status: u16) -> Play {
    reply(status, json!({"errorCode": status.to_string(), "message": format!("no {status}")}).to_string())
}

async fn lists(transport: &Transport) -> Result<(), ApiError> {
    transport.send(&listing(), fine).await
}

#[tokio::test]
async fn the_gateway_is_asked_first_and_kept() {
    let stubs = platform(Some("t"), reply(200, "{}"), reply(500, "")).await;
    let transport = speak(&stubs, CloudviewAuth::Auto);
    lists(&transport).await.unwrap();
    transport.send(&creation(), fine).await.unwrap();
    let [gateway, portal] = &stubs;
    assert_eq!(trace(gateway), ["POST /auth", &format!("GET {LIST} Bearer"), &format!("POST {LIST} Bearer")]);
    assert_eq!(trace(portal), [""; 0]);
}

#[tokio::test]
async fn the_portal_is_asked_where_the_gateway_does_not_have_it_and_kept() {
    for (token, refusal) in
        [(Some("t"), gone(404)), (Some("t"), gone(403)), (Some("t"), gone(401)), (None, gone(500))]
    {
        let stubs = platform(token, refusal, reply(200, "{}")).await;
        let transport = speak(&stubs, CloudviewAuth::Auto);
        lists(&transport).await.unwrap();
        let asked = stubs[0].asked().len();
        lists(&transport).await.unwrap();
        transport.send(&creation(), fine).await.unwrap();
        assert_eq!(stubs[0].asked().len(), asked, "{token:?}");
        let list = format!("GET {LIST} Basic");
        assert_eq!(trace(&stubs[1]), [&*list, &list, &format!("POST {LIST} Basic")], "{token:?}");
    }
}

#[tokio::test]
async fn a_write_and_a_read_of_one_object_have_a_listing_asked_for_before_them() {
    for call in [creation(), reading()] {
        let stubs = platform(Some("t"), gone(404), reply(200, "{}")).await;
        let transport = speak(&stubs, CloudviewAuth::Auto);
        transport.send(&call, fine).await.unwrap();
        let looks = "GET /cloudview-api/rest/v1/aws/connectors";
        assert_eq!(trace(&stubs[0]), ["POST /auth", &format!("{looks} Bearer")], "{call:?}");
        let then = format!("{} {} Basic", call.method, call.path);
        assert_eq!(trace(&stubs[1]), [format!("{looks} Basic"), then], "{call:?}");
    }
}

#[tokio::test]
async fn where_neither_answers_one_error_names_both_and_the_setting_and_the_write_is_not_sent() {
    let stubs = platform(Some("t"), gone(404), gone(401)).await;
    let transport = speak(&stubs, CloudviewAuth::Auto);
    for (call, what) in [
        (listing(), "list gcp connectors"),
        (creation(), "create gcp connector gcp/a"),
        (reading(), "read gcp connector x"),
    ] {
        let error = transport.send(&call, fine).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "could not {what}: CloudView is found neither on the gateway by token (HTTP 404: no 404) nor on the portal \
                 by user and password (HTTP 401: no 401)"
            )
        );
        assert!(error.hint().unwrap().contains("platform.cloudview_auth"), "{:?}", error.hint());
        assert!(!error.outcome_unknown() && !error.is_gone(), "{error}");
    }
    assert!(stubs.iter().all(|stub| trace(stub).iter().all(|line| !line.starts_with("POST /cloudview"))));
}

#[tokio::test]
async fn what_is_no_answer_to_the_question_leaves_it_open() {
    let stubs = platform(Some("t"), gone(503), reply(200, "{}")).await;
    let transport = speak(&stubs, CloudviewAuth::Auto);
    let error = lists(&transport).await.unwrap_err();
    assert_eq!((error.kind.clone(), error.status), (ApiErrorKind::Server, Some(503)));
    assert_eq!(trace(&stubs[1]), [""; 0]);
}

#[tokio::test]
async fn the_setting_has_one_asked_alone_and_is_named_where_it_may_be_wrong() {
    for (auth, asked, other) in [(CloudviewAuth::Basic, 1, 0), (CloudviewAuth::Jwt, 0, 1)] {
        let stubs = platform(Some("t"), gone(404), gone(404)).await;
        let error = lists(&speak(&stubs, auth)).await.unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::NotFound);
        let hint = error.hint().unwrap().into_owned();
        assert!(hint.starts_with(&format!("platform.cloudview_auth is {}", auth.word())), "{hint}");
        assert_eq!(trace(&stubs[asked]).last().unwrap().split(' ').nth(1), Some(LIST));
        assert_eq!(trace(&stubs[other]), [""; 0]);
        // Of one object it is the platform's word on that object.
        let error = speak(&stubs, auth).send(&reading(), fine).await.unwrap_err();
        assert!(error.is_gone(), "{error}");
        assert_eq!(error.hint().unwrap(), "it is gone, or outside the scope of the user");
    }
}

// On one thread all have asked before the first answer can be read.
#[tokio::test]
async fn many_that_ask_at_once_find_out_once() {
    let stubs = platform(None, gone(404), gone(401)).await;
    let transport = speak(&stubs, CloudviewAuth::Auto);
    let results = join_all((0..8).map(|_| lists(&transport))).await;
    assert!(results.into_iter().all(|result| result.is_err()));
    // One wrong password on either host, not eight.
    assert_eq!((stubs[0].asked().len(), stubs[1].asked().len()), (1, 1));
}
