//! What the JSON families answer, and what that means.

use serde::Deserialize;
use serde_json::{Value, json};

use super::stub::{Play, reply};
use super::{creation, gateway, listing, transport};
use crate::qualys::call::Call;
use crate::qualys::error::{ApiError, ApiErrorKind};
use crate::qualys::rest;

async fn told(call: &Call, answer: Play) -> ApiError {
    let stub = gateway(move |_| answer.clone()).await;
    transport(stub.endpoint()).send(call, rest::json::<Value>).await.unwrap_err()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
async fn every_form_of_a_reason_is_understood() {
    type IsKind = Box<dyn Fn(&ApiErrorKind) -> bool>;
    let refused = |code: Option<&str>| {
        let code = code.map(str::to_owned);
        move |kind: &ApiErrorKind| matches!(kind, ApiErrorKind::Refused(refusal) if refusal.code == code)
    };
    let cases: Vec<(Play, &str, IsKind)> = vec![
        (
            reply(
                403,
                r#"{"errorCode":"403 FORBIDDEN","message":"The user does not have the CS.SENSOR_PROFILE.VIEW permission","timestamp":1675678279909}"#,
            ),
            "HTTP 403: FORBIDDEN: The user does not have the CS.SENSOR_PROFILE.VIEW permission",
            Box::new(|kind| *kind == ApiErrorKind::Permission),
        ),
        (
            reply(400, r#"{"errorCode":"50004","message":"no such role","timestamp":1}"#),
            "HTTP 400: 50004: no such role",
            Box::new(refused(Some("50004"))),
        ),
        (
            reply(400, r#"{"errorCode":1021,"message":"no such role"}"#),
            "HTTP 400: 1021: no such role",
            Box::new(refused(Some("1021"))),
        ),
        (
            reply(
                400,
                r#"{"timestamp":"2023-05-17","status":400,"error":"Bad Request","message":"No message available","path":"/x"}"#,
            ),
            "HTTP 400: Bad Request",
            Box::new(refused(None)),
        ),
        (
            reply(
                400,
                r#"{"status":400,"error":"Bad Request","message":"name: must not be blank","path":"/x"}"#,
            ),
            "HTTP 400: name: must not be blank",
            Box::new(refused(None)),
        ),
        (
            reply(400, r#"{"responseCode":"INVALID_REQUEST","responseMessage":"days above 7"}"#),
            "HTTP 400: INVALID_REQUEST: days above 7",
            Box::new(refused(Some("INVALID_REQUEST"))),
        ),
        (
            reply(422, r#"{"data":null,"errors":[{"code":"E1","message":"bad account"},{"message":"x"}]}"#),
            "HTTP 422: E1: bad account",
            Box::new(refused(Some("E1"))),
        ),
        (reply(422, r#"{"errors":["bad account"]}"#), "HTTP 422: bad account", Box::new(refused(None))),
        (
            reply(400, r#"{"error":{"code":"E2","message":"bad account"}}"#),
            "HTTP 400: E2: bad account",
            Box::new(refused(Some("E2"))),
        ),
        (
            reply(404, "Connector not found"),
            "HTTP 404: Connector not found",
            Box::new(|kind| *kind == ApiErrorKind::NotFound),
        ),
        (reply(400, ""), "HTTP 400: an empty answer", Box::new(refused(None))),
        (
            reply(500, r#"{"status":500,"error":"Internal Server Error"}"#),
            "HTTP 500: Internal Server Error",
            Box::new(|kind| *kind == ApiErrorKind::Server),
        ),
        (
            reply(200, "<html><title>Login</title>"),
            "an HTML page titled \"Login\"",
            Box::new(|kind| *kind == ApiErrorKind::Unreadable),
        ),
        (reply(200, ""), "an empty answer", Box::new(|kind| *kind == ApiErrorKind::Unreadable)),
        (reply(204, ""), "an empty answer", Box::new(|kind| *kind == ApiErrorKind::Unreadable)),
        (
            reply(200, r#"{"content": ["#),
            "JSON that breaks off after 13 bytes",
            Box::new(|kind| *kind == ApiErrorKind::Unreadable),
        ),
        // A good status is no success by itself.
        (
            reply(200, r#"{"errorCode":"1021","message":"name is taken"}"#),
            "1021: name is taken",
            Box::new(refused(Some("1021"))),
        ),
        (
            reply(200, r#"{"errorCode":"404 NOT_FOUND","message":"no such id"}"#),
            "NOT_FOUND: no such id",
            Box::new(|kind| *kind == ApiErrorKind::NotFound),
        ),
        (
            reply(200, r#"{"responseCode":"FAILED","responseMessage":"wrong secret","jobUuid":null}"#),
            "FAILED: wrong secret",
            Box::new(refused(Some("FAILED"))),
        ),
        // What may have been done is not said to be refused.
        (
            reply(200, r#"{"errorCode":"500 INTERNAL_SERVER_ERROR","message":"oops"}"#),
            "INTERNAL_SERVER_ERROR: oops",
            Box::new(|kind| *kind == ApiErrorKind::Server),
        ),
        (reply(304, ""), "HTTP 304: already there, not modified", Box::new(refused(None))),
        (
            reply(412, r#"{"errorCode":"412 PRECONDITION_FAILED","message":"a registry uses it"}"#),
            "HTTP 412: PRECONDITION_FAILED: a registry uses it",
            Box::new(refused(Some("PRECONDITION_FAILED"))),
        ),
    ];
    for (answer, said, is_kind) in cases {
        let error = told(&creation(), answer.clone()).await;
        assert_eq!(error.to_string(), format!("could not create thing thing/a: {said}"), "{answer:?}");
        assert!(is_kind(&error.kind), "{answer:?}: {:?}", error.kind);
        let Play::Reply(status, ..) = answer else { unreachable!() };
        assert_eq!(error.status, Some(status), "callers may ask for 304 and 412");
        let unsure = matches!(error.kind, ApiErrorKind::Server | ApiErrorKind::Unreadable);
        assert_eq!(error.outcome_unknown(), unsure, "{answer:?}");
    }
}

#[tokio::test]
async fn a_status_that_means_something_is_seen_before_the_answer_is_opened() {
    let stub = gateway(|_| reply(304, "")).await;
    let (transport, call) = (transport(stub.endpoint()), creation());
    let registered = transport.send(&call, |answer| {
        if answer.status == reqwest::StatusCode::NOT_MODIFIED {
            Ok(false)
        } else {
            rest::done(answer).map(|()| true)
        }
    });
    assert!(!registered.await.unwrap());
}

#[tokio::test]
async fn successes_are_taken_in_the_form_that_is_asked_for() {
    for (body, value) in [
        ("{\"a\": 1}", json!({"a": 1})),
        ("\u{feff} {\"a\": 1}\n", json!({"a": 1})),
        ("[1]", json!([1])),
        // The state of a connector that has just been made.
        ("{\"error\": \"50004\", \"errorCode\": null}", json!({"error": "50004", "errorCode": null})),
        ("{\"errorCode\": \"\"}", json!({"errorCode": ""})),
        ("{\"responseCode\": \"SUCCESS\"}", json!({"responseCode": "SUCCESS"})),
    ] {
        let stub = gateway(move |_| reply(201, body)).await;
        let transport = transport(stub.endpoint());
        assert_eq!(transport.send(&listing(), rest::json::<Value>).await.unwrap(), value);
        assert_eq!(transport.send(&listing(), rest::json_or_none::<Value>).await.unwrap(), Some(value));
        transport.send(&listing(), rest::done).await.unwrap();
    }
    let stub = gateway(|_| reply(200, "Successfully registered the service account\n")).await;
    let text = transport(stub.endpoint()).send(&listing(), rest::text).await.unwrap();
    assert_eq!(text, "Successfully registered the service account");
    for empty in [reply(204, ""), reply(200, " ")] {
        let stub = gateway(move |_| empty.clone()).await;
        let transport = transport(stub.endpoint());
        assert_eq!(transport.send(&listing(), rest::json_or_none::<Value>).await.unwrap(), None);
        transport.send(&listing(), rest::done).await.unwrap();
    }
}

#[tokio::test]
async fn json_of_another_form_is_told_by_its_place_and_not_by_its_value() {
    #[derive(Debug, Deserialize)]
    struct Thing {
        #[serde(rename = "days")]
        _days: u8,
    }
    let stub = gateway(|_| reply(200, "[{\"days\": 1}, {\"days\": \"s3cret\"}]")).await;
    let error = transport(stub.endpoint()).send(&listing(), rest::json::<Vec<Thing>>).await.unwrap_err();
    assert_eq!(error.to_string(), "could not list things: JSON of another form at [1].days");
    assert!(!format!("{error:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_collection_that_is_not_found_is_no_empty_one() {
    let listed = told(&listing(), reply(404, "")).await;
    assert_eq!(listed.kind, ApiErrorKind::NotFound);
    assert!(!listed.is_gone());
    assert_eq!(
        listed.hint().unwrap(),
        "platform.gateway_url names the wrong host, or the subscription lacks the module"
    );
    let one = told(&listing().about("7"), reply(404, "")).await;
    assert!(one.is_gone());
    assert!(!told(&listing().about("7"), reply(404, "<html>")).await.is_gone());
}

#[tokio::test]
async fn the_permission_that_is_missing_is_named() {
    for (body, permission) in [
        (
            "The user does not have the ASSET.MANAGE_DATA_CONNECTORS permission.",
            "the permission ASSET.MANAGE_DATA_CONNECTORS",
        ),
        ("You need CS.SENSOR_PROFILE.VIEW.", "the permission CS.SENSOR_PROFILE.VIEW"),
        ("Access is denied. See docs.qualys.com", "the permission for this module"),
        ("", "the permission for this module"),
    ] {
        let error = told(&listing(), reply(403, body)).await;
        let hint = error.hint().unwrap();
        assert_eq!(hint, format!("give the user {permission}, and switch API access on for its role"));
    }
}

#[test]
fn only_an_id_goes_into_a_path() {
    for id in ["7", "0a1b-2c3d", "A_1"] {
        assert_eq!(rest::path_id(id), Ok(id));
    }
    for id in ["", ".", "..", "a/b", "a b", "a?b", "a%2fb", "ä"] {
        assert_eq!(rest::path_id(id), Err(format!("`{id}` is no id of the platform")));
    }
}
