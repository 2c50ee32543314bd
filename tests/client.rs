//! How the client speaks: paging, errors, what is sent again, and how long is waited.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod stub;

use std::time::Duration;

use serde_json::{Value, json};
use stub::{Asked, Play, Stub, reply, success, with};
use trueup::qualys::{ApiError, ApiErrorKind, Context, Reader, Requests, Writer};
use trueup::resource::{Kind, Spec};

struct NoNames;

impl trueup::qualys::Names for NoNames {
    fn id(&self, _: Kind, _: &str) -> Option<String> {
        None
    }
}

fn spec() -> Spec {
    Kind::Aws.deserialize(json!({"name": "orders", "arn": "arn:aws:iam::210987654321:role/Reader"})).unwrap()
}

async fn create(stub: &Stub) -> Result<String, ApiError> {
    Writer::new(&stub.reader()).create(&spec(), Context::new(&NoNames)).await.map(|created| created.id)
}

async fn update(stub: &Stub) -> Result<(), ApiError> {
    Writer::new(&stub.reader()).update("77", &spec(), &["name"], Context::new(&NoNames)).await
}

async fn delete(stub: &Stub) -> Result<(), ApiError> {
    Writer::new(&stub.reader()).delete(Kind::Aws, "77").await
}

fn rows(ids: impl IntoIterator<Item = u64>) -> Vec<Value> {
    ids.into_iter().map(|id| json!({"AwsAssetDataConnector": {"id": id, "name": format!("c{id}")}})).collect()
}

fn page(ids: impl IntoIterator<Item = u64>, more: Option<bool>, last: Option<u64>) -> Play {
    let data = rows(ids);
    let mut inside = json!({"count": data.len()});
    if !data.is_empty() {
        inside["data"] = data.into();
    }
    if let Some(more) = more {
        inside["hasMoreRecords"] = more.to_string().into();
    }
    if let Some(last) = last {
        inside["lastId"] = last.into();
    }
    success(&inside)
}

fn created() -> Play {
    success(&json!({"count": 1, "data": [{"AwsAssetDataConnector": {"id": 9}}]}))
}

fn failure(code: &str, message: &str, resolution: &str) -> String {
    json!({"ServiceResponse": {"responseCode": code, "responseErrorDetails":
        {"errorMessage": message, "errorResolution": resolution}}})
    .to_string()
}

fn ids(objects: &[trueup::resource::LiveObject]) -> Vec<u64> {
    objects.iter().map(|object| object.id.parse().unwrap()).collect()
}

// Requests

#[tokio::test]
async fn a_request_carries_what_the_platform_wants_and_no_more() {
    let stub =
        Stub::plays([page([], None, None), created(), page([77], None, None), page([77], None, None)]).await;
    stub.reader().list(Kind::Aws).await.unwrap();
    create(&stub).await.unwrap();
    update(&stub).await.unwrap();
    delete(&stub).await.unwrap();
    let asked = stub.asked();
    let paths = asked.iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect::<Vec<_>>();
    assert_eq!(
        paths,
        [
            "POST /qps/rest/3.0/search/am/awsassetdataconnector",
            "POST /qps/rest/3.0/create/am/awsassetdataconnector",
            "POST /qps/rest/3.0/update/am/awsassetdataconnector/77",
            "POST /qps/rest/3.0/delete/am/awsassetdataconnector/77",
        ]
    );
    for asked in &asked {
        for (name, value) in [
            ("accept", "application/json"),
            ("content-type", "application/json"),
            ("authorization", "Basic YWNtZV9hYjE6cGE1NS13MHJk"),
            ("x-requested-with", "trueup"),
            ("user-agent", concat!("trueup/", env!("CARGO_PKG_VERSION"))),
        ] {
            assert_eq!(asked.header(name), Some(value), "{name} of {}", asked.path);
        }
    }
    assert_eq!(asked[0].json(), json!({"ServiceRequest": {"preferences": {"limitResults": 1000}}}));
    assert_eq!(
        asked[2].json(),
        json!({"ServiceRequest": {"data": {"AwsAssetDataConnector": {"name": "orders"}}}})
    );
    assert_eq!(asked[3].body, "");
}

#[tokio::test]
async fn what_is_no_id_is_never_sent() {
    let stub = Stub::plays([page([], None, None)]).await;
    let reader = stub.reader();
    let writer = Writer::new(&reader);
    for id in ["", "0", "x", "1/../2", "1,2", "-1", "+1", "99999999999999999999", " 1"] {
        let error = writer.delete(Kind::Aws, id).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("could not delete awsassetdataconnector: `{id}` is no id of the platform")
        );
        assert!(writer.update(id, &spec(), &["name"], Context::new(&NoNames)).await.is_err());
        assert!(reader.read(Kind::Aws, &[id.to_owned()]).await.is_err());
    }
    assert_eq!(stub.asked().len(), 0);
}

// Paging

/// A platform with connectors 1 to `most`, which reads `startFromId` and the criterion as it is told to.
async fn platform(most: u64, inclusive: bool, obeys_criteria: bool, says_more: bool) -> Stub {
    Stub::answers(move |_, asked: &Asked| {
        let request = asked.json()["ServiceRequest"].clone();
        let limit = request["preferences"]["limitResults"].as_u64().unwrap();
        let start = request["preferences"]["startFromId"].as_u64().unwrap_or(0);
        let greater = request["filters"]["Criteria"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["operator"] == "GREATER"))
            .map_or(0, |one| one["value"].as_str().unwrap().parse().unwrap());
        let all: Vec<u64> = (1..=most)
            .filter(|id| if inclusive { *id >= start } else { *id > start })
            .filter(|id| !obeys_criteria || *id > greater)
            .collect();
        let page_ids: Vec<u64> = all.iter().copied().take(usize::try_from(limit).unwrap()).collect();
        let more = page_ids.len() < all.len();
        let last = page_ids.last().copied().filter(|_| more && says_more);
        page(page_ids, says_more.then_some(more), last)
    })
    .await
}

#[tokio::test]
async fn a_listing_is_whole_whatever_the_cursor_means() {
    for inclusive in [true, false] {
        for obeys_criteria in [true, false] {
            for says_more in [true, false] {
                let stub = platform(2500, inclusive, obeys_criteria, says_more).await;
                let objects = stub.reader().list(Kind::Aws).await.unwrap();
                let case = format!("inclusive {inclusive}, criteria {obeys_criteria}, says more {says_more}");
                assert_eq!(ids(&objects), (1..=2500).collect::<Vec<_>>(), "{case}");
                assert!(stub.asked().len() <= 4, "{case}: {} requests", stub.asked().len());
            }
        }
    }
}

#[tokio::test]
async fn ten_thousand_objects_are_ten_requests() {
    let stub = platform(10_000, true, true, true).await;
    assert_eq!(stub.reader().list(Kind::Aws).await.unwrap().len(), 10_000);
    assert_eq!(stub.asked().len(), 10);
    let second = stub.asked()[1].json();
    assert_eq!(
        second,
        json!({"ServiceRequest": {
            "preferences": {"limitResults": 1000, "startFromId": 1000},
            "filters": {"Criteria": [{"field": "id", "operator": "GREATER", "value": "1000"}]}
        }})
    );
}

#[tokio::test]
async fn pages_end_when_they_should() {
    let many = || 1..=100;
    for (case, script, found, requests) in [
        ("one page", vec![page([1, 2], Some(false), None)], 2, 1),
        ("nothing", vec![page([], None, None)], 0, 1),
        (
            "nothing, spelled out",
            vec![success(&json!({"count": "0", "hasMoreRecords": "false", "data": []}))],
            0,
            1,
        ),
        ("few, and no word of more", vec![page([1, 2], None, None)], 2, 1),
        (
            "a full default page, and no word of more",
            vec![page(many(), None, None), page([], None, None)],
            100,
            2,
        ),
        ("no word of more but a last id", vec![page([1], None, Some(1)), page([2], None, None)], 2, 2),
        ("more, but no last id", vec![page([1, 2], Some(true), None), page([3], Some(false), None)], 3, 2),
        (
            "rows that come twice",
            vec![page([1, 2], Some(true), Some(2)), page([2, 3], Some(false), None)],
            3,
            2,
        ),
        (
            "a cursor that stands still over nothing",
            vec![page([1], Some(true), Some(1)), page([], Some(true), Some(1))],
            1,
            2,
        ),
        ("no rows but a cursor", vec![page([], Some(true), Some(5)), page([], Some(true), Some(5))], 0, 2),
        (
            "an empty page on the way",
            vec![page([1], Some(true), Some(1)), page([], Some(true), Some(5)), page([6], Some(false), None)],
            2,
            3,
        ),
        (
            "the last row for ever",
            vec![page([1, 2], Some(true), Some(2)), page([2], Some(true), Some(2))],
            2,
            2,
        ),
    ] {
        let stub = Stub::plays(script).await;
        let objects = stub.reader().list(Kind::Aws).await.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!((objects.len(), stub.asked().len()), (found, requests), "{case}");
    }
}

#[tokio::test]
async fn a_listing_that_goes_round_is_not_believed() {
    let stub = Stub::plays([page([1, 2], Some(true), Some(2))]).await;
    let error = stub.reader().list(Kind::Aws).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not search awsassetdataconnector: the listing does not go on after id 2"
    );
    assert_eq!(stub.asked().len(), 2);
}

#[tokio::test]
async fn a_read_by_ids_asks_for_them_in_chunks_and_takes_no_others() {
    let stub = Stub::answers(|_, asked| {
        let criteria = asked.json()["ServiceRequest"]["filters"]["Criteria"].clone();
        assert_eq!((&criteria[0]["field"], &criteria[0]["operator"]), (&json!("id"), &json!("IN")));
        let wanted = criteria[0]["value"].as_str().unwrap().to_owned();
        let found = wanted.split(',').map(|id| id.parse().unwrap()).filter(|id| *id != 600).chain([5000]);
        page(found, Some(false), None)
    })
    .await;
    let wanted: Vec<String> = (1..=1100).chain([5, 5]).map(|id| id.to_string()).collect();
    let found = stub.reader().read(Kind::Aws, &wanted).await.unwrap();
    assert_eq!(ids(&found), (1..=1100).filter(|id| *id != 600).collect::<Vec<_>>());
    assert_eq!(stub.asked().len(), 3);
    assert_eq!(stub.reader().read(Kind::Aws, &[]).await.unwrap(), []);
    assert_eq!(stub.asked().len(), 3, "nothing asked for needs no request");
}

// Errors

type IsKind = fn(&ApiErrorKind) -> bool;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
async fn every_failure_is_told_in_one_line() {
    let html =
        "<!DOCTYPE html><html><head><TITLE>Service\nUnavailable</TITLE></head><body>secret</body></html>";
    let xml = |code: &str| {
        format!(
            "<?xml version=\"1.0\"?><ServiceResponse><responseCode>{code}</responseCode><responseErrorDetails>\
         <errorMessage><![CDATA[Authentication failed.]]></errorMessage><errorResolution>Verify user &amp; password\
         </errorResolution></responseErrorDetails></ServiceResponse>"
        )
    };
    let simple = |code: u32, text: &str| {
        format!(
            "<?xml version=\"1.0\"?><!DOCTYPE SIMPLE_RETURN SYSTEM \"x.dtd\"><SIMPLE_RETURN><RESPONSE><DATETIME>now\
         </DATETIME><CODE>{code}</CODE><TEXT>{text}</TEXT></RESPONSE></SIMPLE_RETURN>"
        )
    };
    let long = "x".repeat(1000);
    let cut = format!("HTTP 500: INTERNAL: {}…", "x".repeat(290));
    let cases: Vec<(Play, &str, IsKind)> = vec![
        (
            reply(
                200,
                failure(
                    "INVALID_CREDENTIALS",
                    "Authentication failed",
                    "Verify both, user and password credentials.",
                ),
            ),
            "INVALID_CREDENTIALS: Authentication failed (Verify both, user and password credentials)",
            |kind| *kind == ApiErrorKind::Credentials,
        ),
        (
            reply(200, xml("INVALID_CREDENTIALS")),
            "INVALID_CREDENTIALS: Authentication failed (Verify user & password)",
            |kind| *kind == ApiErrorKind::Credentials,
        ),
        (reply(401, ""), "HTTP 401: an empty answer", |kind| *kind == ApiErrorKind::Credentials),
        (
            reply(403, failure("NOT_AUTHORIZED", "You may not do this", "")),
            "HTTP 403: NOT_AUTHORIZED: You may not do this",
            |kind| *kind == ApiErrorKind::Permission,
        ),
        (
            reply(403, r#"{"message": "ASSET.MANAGE_DATA_CONNECTORS is missing"}"#),
            "HTTP 403: ASSET.MANAGE_DATA_CONNECTORS is missing",
            |kind| *kind == ApiErrorKind::Permission,
        ),
        (
            reply(200, failure("EVALUATION_EXPIRED", "Your trial is over.", "")),
            "EVALUATION_EXPIRED: Your trial is over",
            |kind| *kind == ApiErrorKind::Permission,
        ),
        (reply(404, html), "HTTP 404: an HTML page titled \"Service Unavailable\"", |kind| {
            *kind == ApiErrorKind::NotFound
        }),
        (reply(404, ""), "HTTP 404: an empty answer", |kind| *kind == ApiErrorKind::NotFound),
        (
            reply(200, failure("INVALID_API_VERSION", "no such object", "")),
            "INVALID_API_VERSION: no such object",
            |kind| *kind == ApiErrorKind::UnknownObject { remedy: None },
        ),
        (
            reply(200, failure("INVALID_REQUEST", "Criteria: Invalid value\r\nfor 'id'.", "Specify Long.")),
            "INVALID_REQUEST: Criteria: Invalid value for 'id' (Specify Long)",
            |kind| {
                matches!(kind, ApiErrorKind::Refused(refusal)
                if refusal.code.as_deref() == Some("INVALID_REQUEST") && refusal.resolution.as_deref() == Some("Specify Long"))
            },
        ),
        (
            reply(400, "pa55-w0rd and YWNtZV9hYjE6cGE1NS13MHJk are \u{1b}[31mwrong"),
            "HTTP 400: [redacted] and [redacted] are \\u{1b}[31mwrong",
            |kind| matches!(kind, ApiErrorKind::Refused(_)),
        ),
        (
            reply(409, simple(2003, "Registration must be completed")),
            "HTTP 409: 2003: Registration must be completed",
            |kind| *kind == ApiErrorKind::Account { code: 2003 },
        ),
        (reply(200, simple(2001, "This account has expired.")), "2001: This account has expired", |kind| {
            *kind == ApiErrorKind::Account { code: 2001 }
        }),
        (reply(409, failure("CONFLICT", "in use", "")), "HTTP 409: CONFLICT: in use", |kind| {
            matches!(kind, ApiErrorKind::Refused(_))
        }),
        (reply(503, html), "HTTP 503: an HTML page titled \"Service Unavailable\"", |kind| {
            *kind == ApiErrorKind::Server
        }),
        (reply(502, ""), "HTTP 502: an empty answer", |kind| *kind == ApiErrorKind::Server),
        (reply(500, failure("INTERNAL", &long, "")), &cut, |kind| *kind == ApiErrorKind::Server),
        (reply(200, html), "an HTML page titled \"Service Unavailable\"", |kind| {
            *kind == ApiErrorKind::Unreadable
        }),
        (reply(200, ""), "an empty answer", |kind| *kind == ApiErrorKind::Unreadable),
        (reply(200, "OK"), "not the expected JSON: OK", |kind| *kind == ApiErrorKind::Unreadable),
        (reply(200, xml("SUCCESS")), "XML where JSON was asked for", |kind| {
            *kind == ApiErrorKind::Unreadable
        }),
        (
            reply(200, r#"{"ServiceResponse": {"responseCode": "SUCC"#),
            "JSON that breaks off after 42 bytes",
            |kind| *kind == ApiErrorKind::Unreadable,
        ),
        (reply(403, simple(2010, "Bad Login/Password")), "HTTP 403: 2010: Bad Login/Password", |kind| {
            *kind == ApiErrorKind::Credentials
        }),
        (reply(403, "2010 Bad Login/Password"), "HTTP 403: 2010 Bad Login/Password", |kind| {
            *kind == ApiErrorKind::Credentials
        }),
        (reply(403, "you have 2010 objects"), "HTTP 403: you have 2010 objects", |kind| {
            *kind == ApiErrorKind::Permission
        }),
        (reply(200, "{\0\"\0"), "text in UTF-16 where UTF-8 was asked for", |kind| {
            *kind == ApiErrorKind::Unreadable
        }),
        (reply(200, "\0{\0\""), "text in UTF-16 where UTF-8 was asked for", |kind| {
            *kind == ApiErrorKind::Unreadable
        }),
        (reply(200, "{}"), "JSON without a reason", |kind| *kind == ApiErrorKind::Unreadable),
        (
            reply(200, r#"{"ServiceResponse": {"responseCode": "SUCCESS"}}"#),
            "success without count and data",
            |kind| *kind == ApiErrorKind::Unreadable,
        ),
        (success(&json!({"count": 3})), "a count without the data that it counts", |kind| {
            *kind == ApiErrorKind::Unreadable
        }),
        (
            with(reply(302, ""), "location", "https://u:p@elsewhere.example/login?token=s3cret#x"),
            "HTTP 302: a redirect to https://elsewhere.example/login",
            |kind| *kind == ApiErrorKind::Unreadable,
        ),
        (Play::Torn("{".to_owned()), "the answer broke off", |kind| *kind == ApiErrorKind::Transport),
        (Play::Close, "the connection was closed before the answer", |kind| *kind == ApiErrorKind::Transport),
    ];
    for (play, said, kind) in cases {
        let stub = Stub::plays([play]).await;
        let error = stub.reader().list(Kind::Aws).await.unwrap_err();
        assert_eq!(error.to_string(), format!("could not search awsassetdataconnector: {said}"));
        assert!(kind(&error.kind), "{error}: {:?}", error.kind);
        assert!(!error.outcome_unknown(), "a read has no outcome");
        let debug = format!("{error:?} {:?} {:?}", stub.reader(), stub.endpoint());
        for secret in ["pa55-w0rd", "YWNtZV9hYjE6cGE1NS13MHJk", "s3cret", "acme_ab1"] {
            assert!(!debug.contains(secret), "{secret} in {debug}");
        }
    }
}

#[tokio::test]
async fn an_error_says_what_to_do() {
    for (play, hint) in [
        (reply(401, ""), "check platform.username"),
        (reply(403, ""), "give the user the permission"),
        (reply(404, ""), "names the wrong host, or the subscription lacks the module"),
        (reply(200, ""), "names the wrong host, or the subscription lacks the module"),
        (reply(200, "<html></html>"), "something else answers"),
        (reply(307, ""), "redirects are not followed"),
        (reply(200, failure("INVALID_API_VERSION", "", "")), "lacks the module"),
        (
            reply(409, "<SIMPLE_RETURN><RESPONSE><CODE>2003</CODE></RESPONSE></SIMPLE_RETURN>"),
            "accept the licence agreement (EULA)",
        ),
        (Play::Close, "check the network"),
    ] {
        let stub = Stub::plays([play.clone()]).await;
        let error = stub.reader().list(Kind::Aws).await.unwrap_err();
        assert!(error.hint().unwrap().contains(hint), "{play:?}: {:?}", error.hint());
    }
}

#[tokio::test]
async fn no_connection_and_no_answer_are_told_apart() {
    let stub = Stub::plays([Play::Silence]).await;
    let mut endpoint = stub.endpoint();
    endpoint.timeout = Duration::from_millis(80);
    endpoint.retry.attempts = 1;
    let reader = Reader::connect(endpoint.clone()).unwrap();
    let error = Writer::new(&reader).create(&spec(), Context::new(&NoNames)).await.unwrap_err();
    assert_eq!(error.to_string(), "could not create awsassetdataconnector aws/orders: no answer in time");
    assert!(error.outcome_unknown());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    endpoint.api = format!("http://127.0.0.1:{port}").parse().unwrap();
    let reader = Reader::connect(endpoint).unwrap();
    let error = Writer::new(&reader).create(&spec(), Context::new(&NoNames)).await.unwrap_err();
    assert_eq!(error.to_string(), "could not create awsassetdataconnector aws/orders: no connection");
    assert!(!error.outcome_unknown(), "it was never sent");
}

// What is sent again

#[tokio::test]
async fn a_create_is_not_sent_again_unless_it_was_certainly_not_processed() {
    for (first, requests, unknown) in [
        (Play::Close, 1, true),
        (Play::Torn("{".to_owned()), 1, true),
        (reply(500, ""), 1, true),
        (reply(503, failure("BUSY", "", "")), 1, true),
        (reply(200, ""), 1, true),
        (reply(200, "<html>"), 1, true),
        (success(&json!({"count": 1})), 1, true),
        (success(&json!({"count": 1, "data": [{"AwsAssetDataConnector": {}}]})), 1, true),
        (reply(400, failure("INVALID_REQUEST", "no", "")), 1, false),
        (reply(200, failure("INVALID_REQUEST", "no", "")), 1, false),
        (reply(403, ""), 1, false),
    ] {
        let stub = Stub::plays([first.clone(), created()]).await;
        let error = create(&stub).await.unwrap_err();
        assert_eq!((stub.asked().len(), error.outcome_unknown()), (requests, unknown), "{first:?}: {error}");
    }
    let limited = with(reply(429, ""), "x-requested", "x");
    let stub = Stub::plays([limited, created()]).await;
    assert_eq!(create(&stub).await.unwrap(), "9", "a limit refuses before anything is done");
    assert_eq!(stub.asked().len(), 2);
}

#[tokio::test]
async fn reads_and_writes_by_id_are_sent_again() {
    for first in
        [Play::Close, Play::Torn("{".to_owned()), reply(500, ""), reply(200, "<html>"), reply(200, "")]
    {
        let stub = Stub::plays([first.clone(), page([77], Some(false), None)]).await;
        assert_eq!(stub.reader().list(Kind::Aws).await.unwrap().len(), 1, "{first:?}");
        let stub = Stub::plays([first.clone(), page([77], None, None)]).await;
        update(&stub).await.unwrap_or_else(|error| panic!("{first:?}: {error}"));
        let stub = Stub::plays([first.clone(), page([77], None, None)]).await;
        delete(&stub).await.unwrap_or_else(|error| panic!("{first:?}: {error}"));
    }
    let stub = Stub::plays([reply(500, "")]).await;
    let error = update(&stub).await.unwrap_err();
    assert_eq!((stub.asked().len(), error.outcome_unknown()), (3, true), "attempts are counted");
}

#[tokio::test]
async fn what_was_judged_is_not_sent_again() {
    for answer in [
        reply(401, ""),
        reply(403, ""),
        reply(404, ""),
        reply(400, ""),
        reply(302, ""),
        reply(200, failure("INVALID_CREDENTIALS", "", "")),
        reply(409, "<SIMPLE_RETURN><RESPONSE><CODE>2003</CODE></RESPONSE></SIMPLE_RETURN>"),
    ] {
        let stub = Stub::plays([answer.clone()]).await;
        stub.reader().list(Kind::Aws).await.unwrap_err();
        assert_eq!(stub.asked().len(), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_not_found_is_deleted_but_not_updated() {
    for answer in [
        reply(404, ""),
        reply(404, failure("NOT_FOUND", "", "")),
        reply(200, failure("OBJECT_NOT_FOUND", "no such id", "")),
        success(&json!({"count": 0})),
    ] {
        let stub = Stub::plays([answer.clone()]).await;
        delete(&stub).await.unwrap_or_else(|error| panic!("{answer:?}: {error}"));
        let error = update(&stub).await.unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::NotFound, "{answer:?}");
        assert_eq!(error.object.as_deref(), Some("77"));
    }
    let stub = Stub::plays([reply(404, "<html>")]).await;
    delete(&stub).await.unwrap_err();
}

// Rate limits

#[tokio::test(start_paused = true)]
async fn rate_limits_are_waited_out_as_told() {
    let simple =
        |code: u32| format!("<SIMPLE_RETURN><RESPONSE><CODE>{code}</CODE></RESPONSE></SIMPLE_RETURN>");
    for (refusal, seconds) in [
        (with(reply(429, ""), "Retry-After", "7"), 7),
        (with(with(reply(429, ""), "Retry-After", "7"), "X-RateLimit-ToWait-Sec", "90"), 90),
        (with(reply(409, simple(1965)), "X-RateLimit-ToWait-Sec", "30"), 30),
        (reply(409, simple(1960)), 0),
        (with(reply(409, ""), "X-RateLimit-Remaining", "0"), 0),
        (with(reply(409, ""), "X-RateLimit-ToWait-Sec", "30"), 30),
        (reply(429, "<html>"), 0),
    ] {
        let stub = Stub::plays([refusal.clone(), refusal.clone(), page([1], Some(false), None)]).await;
        let mut endpoint = stub.endpoint();
        endpoint.timeout = Duration::MAX;
        endpoint.retry.attempts = 1;
        let reader = Reader::connect(endpoint).unwrap();
        assert_eq!(reader.list(Kind::Aws).await.unwrap().len(), 1, "limits do not use up attempts");
        let at: Vec<_> = stub.asked().iter().map(|asked| asked.at).collect();
        for pair in at.windows(2) {
            let waited = (pair[1] - pair[0]).as_secs_f64();
            let told = f64::from(seconds);
            assert!(waited >= told && waited < told + 12.0, "{refusal:?}: waited {waited} s");
        }
        assert_eq!(reader.requests(), Requests { reads: 3, writes: 0, retries: 2 });
    }
}

#[tokio::test]
async fn a_wait_beyond_our_patience_is_an_error_that_says_how_long() {
    let refusal = with(
        reply(
            409,
            "<SIMPLE_RETURN><RESPONSE><CODE>1965</CODE><TEXT>Try later.</TEXT></RESPONSE></SIMPLE_RETURN>",
        ),
        "X-RateLimit-ToWait-Sec",
        "86274",
    );
    let stub = Stub::plays([refusal]).await;
    let error = create(&stub).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not create awsassetdataconnector aws/orders: HTTP 409: the rate limit asks to wait 86274 s: 1965: Try later"
    );
    assert_eq!(error.kind, ApiErrorKind::RateLimited { wait: Some(Duration::from_secs(86274)) });
    assert!(!error.outcome_unknown());
    assert_eq!(stub.asked().len(), 1);
}

#[tokio::test]
async fn a_request_to_stop_cuts_a_wait_short_and_the_write_is_not_made() {
    let stub = Stub::plays([with(reply(429, ""), "Retry-After", "500")]).await;
    let (reader, stop) = (stub.reader(), trueup::stop::Stop::new());
    reader.heed(stop.clone());
    let writing =
        tokio::spawn(async move { Writer::new(&reader).create(&spec(), Context::new(&NoNames)).await });
    while stub.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    stop.request();
    let ended = tokio::time::timeout(Duration::from_mins(1), writing).await;
    let error = ended.expect("it does not wait for 500 s").unwrap().unwrap_err();
    assert!(!error.outcome_unknown(), "{error}");
    assert_eq!(stub.asked().len(), 1);
}

#[tokio::test]
async fn a_conflict_without_a_limits_code_is_an_error() {
    let plenty = with(with(reply(409, ""), "X-RateLimit-Remaining", "12"), "X-RateLimit-ToWait-Sec", "5");
    for answer in
        [reply(409, ""), plenty, with(reply(409, failure("CONFLICT", "", "")), "X-RateLimit-Remaining", "0")]
    {
        let stub = Stub::plays([answer.clone()]).await;
        let error = stub.reader().list(Kind::Aws).await.unwrap_err();
        assert!(matches!(error.kind, ApiErrorKind::Refused(_)), "{answer:?}: {error}");
        assert_eq!(stub.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_used_up_quota_slows_us_down_before_we_are_refused() {
    let last = with(
        with(page([1], Some(true), Some(1)), "X-RateLimit-Remaining", "0"),
        "X-RateLimit-ToWait-Sec",
        "40",
    );
    let next = with(page([2], Some(false), None), "X-RateLimit-Remaining", "299");
    let stub = Stub::plays([last, next]).await;
    let mut endpoint = stub.endpoint();
    endpoint.timeout = Duration::MAX;
    let reader = Reader::connect(endpoint).unwrap();
    assert_eq!(reader.quota_left(), None);
    assert_eq!(reader.list(Kind::Aws).await.unwrap().len(), 2);
    let asked = stub.asked();
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(40));
    assert_eq!(reader.quota_left(), Some(299));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_more_requests_run_at_once_than_the_platform_grants() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, peak) = (Arc::clone(&running), Arc::clone(&most));
    let stub = Stub::answers(move |number, _| {
        let count = now.fetch_add(1, Ordering::SeqCst) + 1;
        if number > 3 {
            peak.fetch_max(count, Ordering::SeqCst);
        }
        std::thread::sleep(Duration::from_millis(10));
        now.fetch_sub(1, Ordering::SeqCst);
        with(page([1], Some(false), None), "X-Concurrency-Limit-Limit", "1")
    })
    .await;
    let reader = stub.reader();
    for _ in 0..3 {
        futures::future::join_all((0..4).map(|_| reader.list(Kind::Aws))).await;
    }
    assert_eq!(stub.asked().len(), 12);
    assert!(most.load(Ordering::SeqCst) <= 1);
}

// The right subscription

#[tokio::test]
async fn another_subscription_is_refused_before_its_answer_is_read() {
    let ours = "F972E2CC-69D6-7EBD-80E6-7B9A931475D8";
    // The guide's own sample has its hyphens in other places.
    let same = "Qualys:testpod:f972e2cc-69d6-7ebd-80e67b9a931475d8:06198167-43f3-7591-802a-1c400a0e81b1";
    let other = "Qualys:testpod:00000000-69d6-7ebd-80e6-7b9a931475d8:06198167-43f3-7591-802a-1c400a0e81b1";
    for (header, fine) in [(Some(same), true), (Some("PHP/8"), true), (None, true), (Some(other), false)] {
        let answer = page([1], Some(false), None);
        let stub =
            Stub::plays([header.map_or(answer.clone(), |header| with(answer, "X-Powered-By", header))]).await;
        let mut endpoint = stub.endpoint();
        endpoint.subscription = Some(ours.to_owned());
        let reader = Reader::connect(endpoint).unwrap();
        match reader.list(Kind::Aws).await {
            Ok(objects) => assert!(fine && objects.len() == 1, "{header:?}"),
            Err(error) => {
                assert!(!fine, "{header:?}: {error}");
                assert_eq!(
                    error.to_string(),
                    format!(
                        "could not search awsassetdataconnector: subscription 00000000-69d6-7ebd-80e6-7b9a931475d8 answers instead of {ours}"
                    )
                );
                assert_eq!(stub.asked().len(), 1);
            }
        }
    }
    let stub = Stub::plays([with(page([1], Some(false), None), "X-Powered-By", same)]).await;
    let reader = stub.reader();
    reader.list(Kind::Aws).await.unwrap();
    assert_eq!(reader.subscription().id.as_deref(), Some("f972e2cc-69d6-7ebd-80e67b9a931475d8"));
}

// Set-up

#[tokio::test]
async fn a_bad_ca_bundle_is_told_when_the_client_is_made() {
    let stub = Stub::plays([page([], None, None)]).await;
    let directory = tempfile::tempdir().unwrap();
    let mut endpoint = stub.endpoint();
    let missing = directory.path().join("missing.pem");
    endpoint.ca_bundle = Some(missing.clone());
    let error = Reader::connect(endpoint.clone()).unwrap_err();
    assert_eq!(error.to_string(), format!("could not read platform.ca_bundle {}", missing.display()));
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "not a certificate").unwrap();
    endpoint.ca_bundle = Some(empty.clone());
    let error = Reader::connect(endpoint).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("platform.ca_bundle {} holds no certificates in PEM form", empty.display())
    );
}

#[tokio::test]
async fn loopback_is_spoken_to_without_a_proxy() {
    let stub = Stub::plays([page([1], Some(false), None)]).await;
    let mut endpoint = stub.endpoint();
    endpoint.proxy = Some("http://user:s3cret@127.0.0.1:9".parse().unwrap());
    let reader = Reader::connect(endpoint).unwrap();
    assert_eq!(reader.list(Kind::Aws).await.unwrap().len(), 1);
}
