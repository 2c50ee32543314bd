//! What the JSON families answer, and what that means.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::stub::{Asked, Play, Stub, reply, with};
use super::{creation, gateway, listing, transport};
use crate::qualys::call::Call;
use crate::qualys::error::{ApiError, ApiErrorKind};
use crate::qualys::rest::{self, Paging};

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
async fn each_permission_for_sensor_profiles_that_the_documents_show_is_named() {
    for (who, verb) in [
        ("The user", "VIEW"),
        ("The quays_xb42 user", "DELETE"),
        ("The quays_xb42 user", "UPDATE"),
        ("The quays_xb42 user", "CREATE"),
    ] {
        let message = format!(
            "{who} does not have the CS.SENSOR_PROFILE.{verb} permission to perform this operation. Ensure that \
             required permissions are assigned to the user"
        );
        let body =
            json!({"errorCode": "403 FORBIDDEN", "message": message, "timestamp": 1_675_678_279_909_u64});
        let error = told(&listing(), reply(403, body.to_string())).await;
        assert_eq!(error.kind, ApiErrorKind::Permission, "{verb}");
        assert!(error.to_string().contains(&format!("HTTP 403: FORBIDDEN: {message}")), "{error}");
        let hint = error.hint().unwrap();
        let named =
            format!("give the user the permission CS.SENSOR_PROFILE.{verb}, and switch API access on");
        assert!(hint.starts_with(&named), "{hint}");
    }
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

// Listings

#[derive(Debug, Deserialize)]
struct Row {
    id: u64,
}

fn page_of(ids: impl IntoIterator<Item = u64>, rest: &Value) -> Play {
    let rows: Vec<Value> = ids.into_iter().map(|id| json!({"id": id})).collect();
    let mut page = json!({"content": rows});
    for (name, value) in rest.as_object().unwrap() {
        page[name] = value.clone();
    }
    reply(200, page.to_string())
}

async fn list(stub: &Stub, paging: Paging) -> Result<Vec<u64>, ApiError> {
    let call = listing().query("sort", "id:asc");
    let rows = rest::list(&transport(stub.endpoint()), &call, paging, |row: &Row| row.id).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

fn page_number(asked: &Asked) -> u64 {
    let (_, rest) = asked.path.split_once("pageNumber=").unwrap();
    rest.split('&').next().unwrap().parse().unwrap()
}

const THREE: Paging = Paging { rows: 3, ..Paging::BY_NUMBER };

#[tokio::test]
async fn a_listing_is_read_to_its_end_however_that_is_told() {
    type Tell = fn(number: u64, last: bool) -> Value;
    let tells: [(&str, Tell, usize); 7] = [
        ("last", |_, last| json!({"last": last}), 3),
        ("last, as text", |_, last| json!({"last": last.to_string(), "totalElements": "7"}), 3),
        ("hasNext", |_, last| json!({"hasNext": !last, "numberOfElements": 99}), 3),
        ("totalPages", |_, _| json!({"totalPages": 3}), 3),
        ("totalElements", |_, _| json!({"totalElements": 7}), 3),
        ("a count of the page", |_, last| json!({"count": if last { 1 } else { 3 }}), 3),
        ("nothing", |_, _| json!({}), 4),
    ];
    for (case, tell, requests) in tells {
        let stub = gateway(move |asked| {
            let number = page_number(asked);
            let ids = (number * 3 + 1..=number * 3 + 3).filter(|id| *id <= 7);
            page_of(ids, &tell(number, number >= 2))
        })
        .await;
        let found = list(&stub, THREE).await.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(found, (1..=7).collect::<Vec<_>>(), "{case}");
        let asked = stub.asked();
        assert_eq!(asked.len() - 1, requests, "{case}");
        assert_eq!(asked[2].path, "/things?sort=id%3Aasc&pageNumber=1&pageSize=3");
    }
}

#[tokio::test]
async fn other_families_count_pages_their_own_way() {
    let stub = gateway(|asked| match asked.path.as_str() {
        "/things?sort=id%3Aasc&pageNo=1&pageSize=2" => {
            reply(200, json!({"data": [{"id": 1}, {"id": 2}], "count": 3}).to_string())
        }
        "/things?sort=id%3Aasc&pageNo=2&pageSize=2" => {
            reply(200, json!({"data": [{"id": 3}], "count": 3}).to_string())
        }
        _ => reply(400, ""),
    })
    .await;
    let paging = Paging { number: "pageNo", first: 1, rows: 2, empty_is_none: true };
    assert_eq!(list(&stub, paging).await.unwrap(), [1, 2, 3]);
}

#[tokio::test]
async fn an_empty_listing_is_one_only_where_that_is_how_it_is_told() {
    for (answer, fine, fine_if_none) in [
        (reply(204, ""), false, true),
        (reply(200, ""), false, true),
        (reply(200, "{\"content\": [], \"last\": true}"), true, true),
        (reply(200, "{\"content\": null, \"totalElements\": 0}"), true, true),
        (reply(200, "{\"last\": true}"), false, false),
        (reply(200, "{\"data\": null, \"count\": 2}"), false, false),
        (reply(404, ""), false, false),
    ] {
        let stub = Stub::answers({
            let answer = answer.clone();
            move |_, asked| if asked.path == "/auth" { reply(201, "token") } else { answer.clone() }
        })
        .await;
        assert_eq!(list(&stub, THREE).await.is_ok(), fine, "{answer:?}");
        let none = Paging { empty_is_none: true, ..THREE };
        assert_eq!(list(&stub, none).await.is_ok(), fine_if_none, "{answer:?}");
    }
}

#[tokio::test]
async fn a_listing_that_is_not_whole_or_does_not_end_is_not_believed() {
    type Answers = fn(u64) -> Play;
    type Found = Result<&'static [u64], &'static str>;
    let cases: [(Answers, Found, usize); 5] = [
        // The same page for ever.
        (|_| page_of([1, 2, 3], &json!({"last": false})), Err("the listing does not go on after page 1"), 2),
        (|_| page_of([], &json!({"hasNext": true})), Err("the listing does not go on after page 0"), 1),
        // All at once, by one that knows no pages.
        (|_| page_of([1, 2, 3, 4], &json!({})), Ok(&[1, 2, 3, 4]), 2),
        // One that came before the others were read.
        (|number| page_of([number * 2, number * 2 + 2], &json!({"last": number == 2})), Ok(&[0, 2, 4, 6]), 3),
        // One that went.
        (
            |number| page_of([number * 2], &json!({"last": number == 2, "totalElements": 4})),
            Err("a count of 4 and 3 objects"),
            3,
        ),
    ];
    for (answers, expected, requests) in cases {
        let stub = gateway(move |asked| answers(page_number(asked))).await;
        let found = list(&stub, THREE).await.map_err(|error| error.to_string());
        let expected = expected.map(<[u64]>::to_vec).map_err(|said| format!("could not list things: {said}"));
        assert_eq!(found, expected);
        assert_eq!(stub.asked().len() - 1, requests);
    }
    // New rows for ever.
    let stub = gateway(|asked| page_of([page_number(asked)], &json!({"last": false}))).await;
    let error = list(&stub, THREE).await.unwrap_err();
    assert!(error.to_string().ends_with("the listing does not end after 1000 pages"), "{error}");
}

#[tokio::test]
async fn a_page_that_is_limited_is_asked_for_again() {
    let limited = with(reply(429, ""), "X-RateLimit-Remaining", "0");
    let stub = Stub::plays([reply(201, "token"), limited, page_of([1], &json!({"last": true}))]).await;
    assert_eq!(list(&stub, THREE).await.unwrap(), [1]);
    assert_eq!(stub.asked()[2].method, Method::GET.as_str());
}
