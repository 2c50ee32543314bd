//! Three hosts behind one door.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::stub::{Stub, reply, with};
use super::{bearer, creation, fine, gateway, listing, patient, transport};
use crate::qualys::call::{Auth, Call, Effect, Host, Part};
use crate::secret::Secret;

const BASIC: &str = "Basic YWNtZV9hYjE6cGE1NS13MHJk";

fn to(host: Host) -> Call {
    Call::new("list things", Method::GET, "/things", Effect::Read).at(host)
}

#[tokio::test]
async fn each_host_has_its_address_and_its_way_to_know_the_user() {
    let (api, portal) = (Stub::plays([reply(200, "{}")]).await, Stub::plays([reply(200, "{}")]).await);
    let gateway = gateway(|_| reply(200, "{}")).await;
    let mut endpoint = api.endpoint();
    endpoint.portal = portal.url.parse().unwrap();
    endpoint.gateway = gateway.url.parse().unwrap();
    let transport = transport(endpoint);
    for (call, server, authorization) in [
        (to(Host::Api), &api, BASIC),
        (to(Host::Portal), &portal, BASIC),
        (to(Host::Gateway), &gateway, "Bearer token-1"),
        (to(Host::Portal).signed(Auth::Token), &portal, "Bearer token-1"),
        (to(Host::Api).signed(Auth::Token), &api, "Bearer token-1"),
        (to(Host::Gateway).signed(Auth::Basic), &gateway, BASIC),
    ] {
        transport.send(&call, fine).await.unwrap();
        let asked = server.asked().pop().unwrap();
        for (name, value) in [
            ("authorization", Some(authorization)),
            ("accept", Some("application/json")),
            ("x-requested-with", Some("trueup")),
            ("content-type", None),
        ] {
            assert_eq!(asked.header(name), value, "{name} of {call:?}");
        }
    }
    assert_eq!((api.asked().len(), portal.asked().len(), gateway.asked().len()), (2, 2, 3), "one sign-in");
}

#[tokio::test]
async fn a_query_is_encoded() {
    let stub = Stub::plays([reply(200, "{}")]).await;
    let mut endpoint = stub.endpoint();
    endpoint.api = format!("{}/base/", stub.url).parse().unwrap();
    let call = to(Host::Api).query("filter", "name:\"a&b=c\" ü+/?#").query("pageNo", "0");
    transport(endpoint).send(&call, fine).await.unwrap();
    assert_eq!(
        stub.asked()[0].path,
        "/base/things?filter=name%3A%22a%26b%3Dc%22+%C3%BC%2B%2F%3F%23&pageNo=0"
    );
}

#[tokio::test]
async fn a_body_may_be_json_text_a_form_or_of_several_parts() {
    let stub = Stub::plays([reply(200, "{}")]).await;
    let transport = transport(stub.endpoint());
    let post = || Call::new("create thing", Method::POST, "/things", Effect::Once);
    let file = Part { name: "file", file: Some(("a\"b.json", "application/json")), content: b"{\"k\": 1}" };
    let name = Part { name: "name", file: None, content: "two words".as_bytes() };
    for (call, content_type, body) in [
        (post().json(&json!(["a"])), "application/json", "[\"a\"]"),
        (post().text("1,2"), "text/plain; charset=utf-8", "1,2"),
        (post().form(&[("a", "1 &2"), ("b", "ü")]), "application/x-www-form-urlencoded", "a=1+%262&b=%C3%BC"),
        (
            post().multipart(&[name, file]),
            "multipart/form-data; boundary=B",
            "--B\r\ncontent-disposition: form-data; name=\"name\"\r\n\r\ntwo words\r\n\
             --B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a%22b.json\"\r\n\
             content-type: application/json\r\n\r\n{\"k\": 1}\r\n--B--\r\n",
        ),
    ] {
        assert!(!format!("{call:?}").contains("content"), "a body may hold secrets: {call:?}");
        transport.send(&call.accepting("text/plain"), fine).await.unwrap();
        let asked = stub.asked().pop().unwrap();
        assert_eq!(asked.header("accept"), Some("text/plain"));
        let found = asked.header("content-type").unwrap();
        let boundary = found.split_once("boundary=").map_or("no boundary", |(_, boundary)| boundary);
        assert_eq!(found.replace(boundary, "B"), content_type);
        assert_eq!(asked.body.replace(boundary, "B"), body);
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_asks_to_wait_keeps_back_no_other() {
    let api = Stub::plays([reply(200, "{}")]).await;
    let limited = || with(reply(429, ""), "Retry-After", "300");
    let gateway = Stub::plays([reply(201, "token-1"), limited(), reply(200, "{}")]).await;
    let mut endpoint = patient(&api);
    endpoint.gateway = gateway.url.parse().unwrap();
    let connection = transport(endpoint);
    let (list, start) = (listing(), tokio::time::Instant::now());
    let meanwhile = async {
        while connection.limited().is_zero() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        connection.send(&to(Host::Api), fine).await
    };
    let (held, free) = tokio::join!(connection.send(&list, fine), meanwhile);
    assert!(held.is_ok() && free.is_ok());
    assert!(api.asked()[0].at - start < Duration::from_mins(1));
    assert!(gateway.asked()[2].at - start >= Duration::from_mins(5));

    // One server, one gate, whatever the host is called.
    let stub = Stub::plays([reply(201, "token-1"), limited(), reply(200, "{}")]).await;
    let mut endpoint = patient(&stub);
    endpoint.gateway = format!("{}/", stub.url).parse().unwrap();
    let connection = transport(endpoint);
    let start = tokio::time::Instant::now();
    let meanwhile = async {
        while connection.limited().is_zero() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        connection.send(&to(Host::Portal), fine).await
    };
    let (held, too) = tokio::join!(connection.send(&list, fine), meanwhile);
    assert!(held.is_ok() && too.is_ok());
    assert!(stub.asked()[2].at - start >= Duration::from_mins(5));
    assert!(stub.asked()[3].at - start >= Duration::from_mins(5));
}

#[tokio::test]
async fn the_quota_left_is_the_least_of_the_servers() {
    let api = Stub::plays([with(reply(200, "{}"), "X-RateLimit-Remaining", "290")]).await;
    let gateway = Stub::plays([
        with(reply(201, "token-1"), "X-RateLimit-Remaining", "5"),
        with(reply(200, "{}"), "X-RateLimit-Remaining", "900"),
    ])
    .await;
    let mut endpoint = api.endpoint();
    endpoint.gateway = gateway.url.parse().unwrap();
    let transport = transport(endpoint);
    transport.send(&to(Host::Api), fine).await.unwrap();
    transport.send(&listing(), fine).await.unwrap();
    assert_eq!(transport.quota_left(), Some(290));
}

#[tokio::test]
async fn another_subscription_is_refused_on_every_host() {
    let other = "Qualys:pod:00000000-69d6-7ebd-80e6-7b9a931475d8:06198167-43f3-7591-802a-1c400a0e81b1";
    let stub = gateway(move |_| with(reply(200, "{}"), "X-Powered-By", other)).await;
    let mut endpoint = stub.endpoint();
    endpoint.subscription = Some("F972E2CC-69D6-7EBD-80E6-7B9A931475D8".to_owned());
    let error = transport(endpoint).send(&listing(), fine).await.unwrap_err();
    assert!(
        error.to_string().contains("subscription 00000000-69d6-7ebd-80e6-7b9a931475d8 answers"),
        "{error}"
    );
}

#[tokio::test]
async fn no_secret_comes_back_in_an_error() {
    // A gateway that repeats all that it was sent.
    let stub = gateway(|asked| {
        let body = format!("{} key-0f-an-0bject {}", asked.header("authorization").unwrap(), asked.body);
        reply(400, body)
    })
    .await;
    let transport = transport(stub.endpoint());
    transport.guard([&Secret::new("key-0f-an-0bject")]);
    let call = creation().text("token=token-1&again=dG9rZW4tMQ==");
    let error = transport.send(&call, fine).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not create thing thing/a: HTTP 400: Bearer [redacted] [redacted] token=[redacted]&again=[redacted]"
    );
    for shown in [format!("{error:?}"), format!("{transport:?}"), format!("{call:?}")] {
        for secret in ["token-1", "dG9rZW4tMQ", "key-0f-an-0bject", "pa55-w0rd", "YWNtZV9hYjE6cGE1NS13MHJk"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
    assert_eq!(bearer(&stub.asked()[1]), "token-1");
}

#[tokio::test]
async fn a_hint_names_the_setting_of_the_host() {
    for (host, setting) in [
        (Host::Api, "platform.api_url"),
        (Host::Portal, "platform.portal_url"),
        (Host::Gateway, "platform.gateway_url"),
    ] {
        for answer in
            [reply(404, ""), reply(200, ""), reply(200, "<html>"), reply(302, ""), super::Play::Close]
        {
            let stub = Stub::plays([answer.clone()]).await;
            let call = to(host).signed(Auth::Basic);
            let error = transport(stub.endpoint()).send(&call, crate::qualys::rest::open).await.unwrap_err();
            let hint = error.hint().unwrap();
            assert!(hint.contains(setting), "{answer:?}: {hint}");
        }
    }
}
