//! The token: got once, renewed in time, and never the cause of a loop.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::join_all;

use super::stub::{Play, Stub, reply, with};
use super::{bearer, creation, fine, gateway, listing, patient, trace, transport};
use crate::qualys::{ApiErrorKind, Requests};

/// A token that names the second of its end.
fn lasting(seconds: i64, number: usize) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let end = now.saturating_add_signed(seconds);
    format!("e30.{}.{number}", URL_SAFE_NO_PAD.encode(format!("{{\"exp\": {end}}}")))
}

/// A gateway whose tokens last so long, and that takes all of them.
async fn gateway_with_tokens_of(seconds: i64) -> Stub {
    Stub::answers(move |number, asked| match asked.path.as_str() {
        "/auth" => reply(200, lasting(seconds, number)),
        _ => reply(200, "{}"),
    })
    .await
}

fn sign_ins(stub: &Stub) -> usize {
    stub.asked().iter().filter(|asked| asked.path == "/auth").count()
}

#[tokio::test]
async fn a_token_is_asked_for_at_first_need_and_used_until_its_end() {
    let stub = gateway(|_| reply(200, "{}")).await;
    let transport = transport(stub.endpoint());
    assert_eq!(stub.asked().len(), 0);
    for _ in 0..3 {
        transport.send(&listing(), fine).await.unwrap();
    }
    let things = "GET /things token-1";
    assert_eq!(trace(&stub), ["POST /auth", things, things, things]);
    let auth = &stub.asked()[0];
    assert_eq!(auth.body, "username=acme_ab1&password=pa55-w0rd&token=true&permissions=true");
    for (name, value) in [
        ("content-type", Some("application/x-www-form-urlencoded")),
        ("x-requested-with", Some("trueup")),
        ("authorization", None),
    ] {
        assert_eq!(auth.header(name), value, "{name}");
    }
    assert_eq!(transport.requests(), Requests { reads: 4, writes: 0, retries: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_that_need_a_token_at_once_ask_for_one() {
    let stub = gateway(|_| reply(200, "{}")).await;
    let mut endpoint = stub.endpoint();
    // The sign-in needs a place too: it must not wait for those that wait for it.
    endpoint.concurrency = 1;
    let (transport, call) = (transport(endpoint), listing());
    for result in join_all((0..16).map(|_| transport.send(&call, fine))).await {
        result.unwrap();
    }
    assert_eq!((sign_ins(&stub), stub.asked().len()), (1, 17));
}

// On one thread all have asked before the first answer can be read.
#[tokio::test]
async fn many_that_need_a_token_at_once_are_refused_by_one_sign_in() {
    // Each further attempt with a wrong password would bring the account closer to being locked.
    let stub = Stub::answers(|_, _| reply(401, "Bad credentials")).await;
    let (transport, call) = (transport(stub.endpoint()), listing());
    for result in join_all((0..16).map(|_| transport.send(&call, fine))).await {
        let error = result.unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Credentials);
        assert_eq!(
            error.to_string(),
            "could not list things: HTTP 401: no token from the gateway: Bad credentials"
        );
    }
    assert_eq!(stub.asked().len(), 1);
    transport.send(&call, fine).await.unwrap_err();
    assert_eq!(stub.asked().len(), 1, "a refused password is not sent again");
}

#[tokio::test]
async fn what_is_no_token_is_not_taken_and_not_shown() {
    let html = "<!DOCTYPE html><html><head><title>Login</title></head></html>";
    for (answer, said, requests, hint) in [
        (reply(401, ""), "HTTP 401: no token from the gateway: an empty answer", 1, "platform.username"),
        (reply(404, ""), "HTTP 404: no token from the gateway: an empty answer", 1, "platform.gateway_url"),
        (
            reply(404, "{\"status\": 404, \"error\": \"Not Found\", \"path\": \"/auth\"}"),
            "HTTP 404: no token from the gateway: Not Found",
            1,
            "platform.gateway_url",
        ),
        (
            with(reply(302, ""), "location", "/login?next=s3cret"),
            "HTTP 302: no token from the gateway: a redirect to URL/login",
            1,
            "set platform.gateway_url",
        ),
        (
            reply(201, html),
            "no token from the gateway: an HTML page titled \"Login\"",
            3,
            "check platform.gateway_url",
        ),
        (reply(201, " \n"), "no token from the gateway: an empty answer", 3, "platform.gateway_url"),
        (
            reply(200, "{\"token\": \"s3cret\"}"),
            "no token from the gateway: something else than a token",
            3,
            "",
        ),
        (reply(201, "s3cret and more"), "no token from the gateway: something else than a token", 3, ""),
        (reply(503, ""), "HTTP 503: no token from the gateway: an empty answer", 3, "platform.gateway_url"),
        (
            Play::Close,
            "no token from the gateway: the connection was closed before the answer",
            3,
            "platform.gateway_url",
        ),
    ] {
        let stub = Stub::plays([answer.clone()]).await;
        let error = transport(stub.endpoint()).send(&creation(), fine).await.unwrap_err();
        let text = error.to_string().replace(&stub.url, "URL");
        assert_eq!(text, format!("could not create thing thing/a: {said}"), "{answer:?}");
        assert_eq!(stub.asked().len(), requests, "{answer:?}");
        assert!(!error.outcome_unknown() && !error.is_gone(), "{answer:?}: the call itself was not made");
        assert!(!format!("{error:?}").contains("s3cret"));
        assert!(error.hint().unwrap_or_default().contains(hint), "{answer:?}: {:?}", error.hint());
    }
}

#[tokio::test]
async fn a_sign_in_is_tried_again_as_a_read_is() {
    for first in [Play::Close, reply(500, ""), reply(502, "<html>"), reply(201, "")] {
        let stub = Stub::plays([first.clone(), reply(201, "token-1"), reply(200, "{}")]).await;
        let transport = transport(stub.endpoint());
        transport.send(&creation(), fine).await.unwrap_or_else(|error| panic!("{first:?}: {error}"));
        assert_eq!(transport.requests(), Requests { reads: 2, writes: 1, retries: 1 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_ahead_of_its_end() {
    for (life, still, then) in [(4 * 3600, 4 * 3600 - 310, 20), (800, 690, 20)] {
        let stub = gateway_with_tokens_of(life).await;
        let transport = transport(patient(&stub));
        transport.send(&listing(), fine).await.unwrap();
        tokio::time::advance(Duration::from_secs(still)).await;
        transport.send(&listing(), fine).await.unwrap();
        assert_eq!(sign_ins(&stub), 1, "a life of {life} s");
        tokio::time::advance(Duration::from_secs(then)).await;
        let call = listing();
        for result in join_all((0..4).map(|_| transport.send(&call, fine))).await {
            result.unwrap();
        }
        assert_eq!(sign_ins(&stub), 2, "a life of {life} s");
        let asked = stub.asked();
        assert_ne!(bearer(&asked[1]), bearer(asked.last().unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_has_ended_when_it_comes_is_renewed_once_a_minute() {
    let stub = gateway_with_tokens_of(-60).await;
    let transport = transport(patient(&stub));
    for minute in 1..=3 {
        for _ in 0..5 {
            transport.send(&listing(), fine).await.unwrap();
        }
        assert_eq!(sign_ins(&stub), minute);
        tokio::time::advance(Duration::from_secs(61)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_renewed_is_used_to_its_end() {
    let stub = Stub::answers(|number, asked| match asked.path.as_str() {
        "/auth" if number == 0 => reply(201, lasting(800, 1)),
        "/auth" => reply(401, ""),
        _ => reply(200, "{}"),
    })
    .await;
    let transport = transport(patient(&stub));
    transport.send(&listing(), fine).await.unwrap();
    tokio::time::advance(Duration::from_secs(710)).await;
    for _ in 0..5 {
        transport.send(&listing(), fine).await.unwrap();
    }
    assert_eq!(sign_ins(&stub), 2, "it is not tried again at once");
    tokio::time::advance(Duration::from_secs(100)).await;
    let error = transport.send(&listing(), fine).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Credentials);
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_call_made_once_more() {
    for call in [listing(), creation()] {
        let stub = gateway(|asked| match bearer(asked) {
            "token-1" => reply(401, "{\"errorCode\": \"401 UNAUTHORIZED\", \"message\": \"expired\"}"),
            _ => reply(200, "{}"),
        })
        .await;
        let transport = transport(stub.endpoint());
        transport.send(&call, fine).await.unwrap();
        let things = format!("{} /things", call.method);
        assert_eq!(
            trace(&stub),
            [
                "POST /auth".to_owned(),
                format!("{things} token-1"),
                "POST /auth".into(),
                format!("{things} token-2")
            ]
        );
        assert_eq!(transport.requests().retries, 1);
        transport.send(&call, fine).await.unwrap();
        assert_eq!(stub.asked().len(), 5, "the new one stays");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_refused_to_many_is_renewed_once() {
    let waiting = AtomicUsize::new(0);
    let stub = gateway(move |asked| match bearer(asked) {
        "token-1" => {
            // All have sent it before the first learns that it is refused.
            waiting.fetch_add(1, Ordering::SeqCst);
            while waiting.load(Ordering::SeqCst) < 4 {
                std::thread::sleep(Duration::from_millis(1));
            }
            reply(401, "")
        }
        _ => reply(200, "{}"),
    })
    .await;
    let (transport, call) = (std::sync::Arc::new(transport(stub.endpoint())), listing());
    let calls = (0..4).map(|_| {
        let (transport, call) = (std::sync::Arc::clone(&transport), call.clone());
        tokio::spawn(async move { transport.send(&call, fine).await })
    });
    for result in join_all(calls).await {
        result.unwrap().unwrap();
    }
    assert_eq!((sign_ins(&stub), stub.asked().len()), (2, 10));
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_with_a_fresh_token_lacks_a_permission() {
    let stub = gateway(|asked| match asked.method.as_str() {
        "GET" => reply(200, "{}"),
        _ => reply(401, "{\"message\": \"CS.SENSOR_PROFILE.CREATE is missing\"}"),
    })
    .await;
    let transport = transport(patient(&stub));
    let error = transport.send(&creation(), fine).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not create thing thing/a: HTTP 401: refused with a fresh token: CS.SENSOR_PROFILE.CREATE is missing"
    );
    assert_eq!(error.kind, ApiErrorKind::Permission);
    assert!(!error.outcome_unknown());
    assert_eq!(
        error.hint().unwrap(),
        "user and password are right: give the user the permission CS.SENSOR_PROFILE.CREATE, \
         and switch API access on for its role"
    );
    assert_eq!((sign_ins(&stub), stub.asked().len()), (2, 4));
    for _ in 0..5 {
        let error = transport.send(&creation(), fine).await.unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Permission);
    }
    assert_eq!(
        (sign_ins(&stub), stub.asked().len()),
        (2, 9),
        "a call that is made often does not sign in often"
    );
    transport.send(&listing(), fine).await.unwrap();
    tokio::time::advance(Duration::from_secs(61)).await;
    transport.send(&creation(), fine).await.unwrap_err();
    assert_eq!(sign_ins(&stub), 3, "a minute later the token may be what is wrong");
}

#[tokio::test]
async fn a_missing_permission_of_the_api_server_is_told_as_ever() {
    let stub = Stub::plays([reply(401, "")]).await;
    let call = listing().signed(crate::qualys::call::Auth::Basic);
    let error = transport(stub.endpoint()).send(&call, fine).await.unwrap_err();
    assert_eq!((error.kind, stub.asked().len()), (ApiErrorKind::Credentials, 1));
}
