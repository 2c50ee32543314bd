//! The control calls: faults, the log of requests, and changes behind a client's back.

use serde_json::{Value, json};

use trueup::simulator::{Settings, start};

use crate::azure;
use crate::client::{AWS, AZURE, Remote};
use crate::samples::{connector, request};

const ARN: &str = "arn:aws:iam::123456789012:role/QualysConnector";
const SEARCH: &str = "/qps/rest/3.0/search/am/awsassetdataconnector";

#[tokio::test]
async fn faults_stand_in_for_the_answer() {
    let cases = [
        (json!({"kind": "status"}), 500, "", "text/html"),
        (
            json!({"kind": "status", "status": 503, "body": "{\"message\":\"no\"}"}),
            503,
            "",
            "application/json",
        ),
        (json!({"kind": "status", "status": 409, "code": 2003}), 409, "", "text/xml"),
        (json!({"kind": "html"}), 503, "", "text/html"),
        (json!({"kind": "html", "status": 200}), 200, "", "text/html"),
        (json!({"kind": "rate_limited", "retry_after": 7}), 429, "retry-after", "application/json"),
        (
            json!({"kind": "rate_limited", "code": 1965, "retry_after": 7}),
            409,
            "x-ratelimit-towait-sec",
            "text/xml",
        ),
        (json!({"kind": "rate_limited", "code": 1960}), 409, "x-concurrency-limit-running", "text/xml"),
        (json!({"kind": "status", "status": 502, "headers": {"X-Cause": "7"}}), 502, "x-cause", "text/html"),
    ];
    let remote = Remote::example().await;
    for (fault, status, header, content_type) in cases {
        remote.control("POST", "/_sim/faults", fault.clone()).await;
        let answer = remote.ask("POST", SEARCH).json().send().await;
        assert_eq!(
            (answer.status, answer.headers["content-type"].as_str()),
            (status, content_type),
            "{fault}"
        );
        assert!(header.is_empty() || answer.headers.contains_key(header), "{fault}: {answer:?}");
        assert_eq!(remote.ask("POST", SEARCH).json().send().await.status, 200, "once is once");
    }
    remote.control("POST", "/_sim/faults", json!({"kind": "empty"})).await;
    let empty = remote.ask("POST", SEARCH).json().send().await;
    assert_eq!((empty.status, empty.body.as_str()), (200, ""));
}

#[tokio::test]
async fn dropped_lost_and_torn_answers_differ_in_what_was_done() {
    for (kind, done) in [("drop", false), ("lost", true), ("torn", true)] {
        let remote = Remote::example().await;
        let fault = json!({"kind": kind, "path": "/create/"});
        remote.control("POST", "/_sim/faults", fault).await;
        let path = format!("/qps/rest/3.0/create/am/{AWS}");
        let body = request(&connector("payments", ARN)).to_string();
        let before = remote.ask("POST", &path).json().body(&body).try_send().await.unwrap_err();
        assert_eq!(before.is_empty(), kind != "torn", "{kind}: {before}");
        let found = remote.json("search", AWS, Value::Null).await;
        assert_eq!(found["count"], if done { 4 } else { 3 }, "{kind}");
        let log = remote.control("GET", "/_sim/requests", Value::Null).await;
        assert_eq!(log["requests"][0]["status"], if kind == "torn" { 200 } else { 0 }, "{log}");
    }
}

#[tokio::test]
async fn a_fault_meets_the_requests_that_it_names() {
    let remote = Remote::example().await;
    let fault =
        json!({"kind": "status", "status": 500, "method": "POST", "path": SEARCH, "nth": 2, "times": 2});
    remote.control("POST", "/_sim/faults", fault).await;
    let mut statuses = Vec::new();
    for path in [SEARCH, "/qps/rest/2.0/search/am/tag", SEARCH, SEARCH, SEARCH] {
        statuses.push(remote.ask("POST", path).send().await.status);
    }
    assert_eq!(statuses, [200, 200, 500, 500, 200]);
    let faults = remote.control("GET", "/_sim/faults", Value::Null).await;
    assert_eq!((&faults["faults"][0]["seen"], &faults["faults"][0]["fired"]), (&json!(4), &json!(2)));

    remote.control("POST", "/_sim/faults", json!({"kind": "empty", "status": 500, "times": 0})).await;
    for _ in 0..3 {
        assert_eq!(remote.ask("POST", SEARCH).send().await.status, 500);
    }
    remote.control("DELETE", "/_sim/faults", Value::Null).await;
    assert_eq!(remote.ask("POST", SEARCH).send().await.status, 200);
}

#[tokio::test]
async fn a_fault_meets_only_what_writes_or_only_what_does_not() {
    let create = format!("/qps/rest/3.0/create/am/{AWS}");
    for (write, expected) in [(true, [200, 500, 200]), (false, [500, 200, 200])] {
        let remote = Remote::example().await;
        remote.control("POST", "/_sim/faults", json!({"kind": "status", "write": write})).await;
        let mut statuses = Vec::new();
        for path in [SEARCH, &create, SEARCH] {
            statuses.push(remote.ask("POST", path).json().send().await.status);
        }
        assert_eq!(statuses, expected, "write: {write}");
    }
}

#[tokio::test]
async fn an_answer_is_held_until_the_faults_are_taken_away() {
    let remote = Remote::example().await;
    remote.control("POST", "/_sim/faults", json!({"kind": "hold", "path": "/create/"})).await;
    let path = format!("/qps/rest/3.0/create/am/{AWS}");
    let body = request(&connector("payments", ARN)).to_string();
    let held = remote.ask("POST", &path).json().body(&body).send();
    let meanwhile = async {
        // It is carried out and listed at once.
        loop {
            let log = remote.control("GET", "/_sim/requests", Value::Null).await;
            if log["writes"] == 1 {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(remote.json("search", AWS, Value::Null).await["count"], 4);
        remote.control("DELETE", "/_sim/faults", Value::Null).await;
    };
    let (answer, ()) =
        tokio::time::timeout(std::time::Duration::from_secs(30), async { tokio::join!(held, meanwhile) })
            .await
            .unwrap();
    assert_eq!(answer.status, 200);

    remote.control("POST", "/_sim/faults", json!({"kind": "hold", "ms": 1})).await;
    assert_eq!(remote.ask("POST", SEARCH).json().send().await.status, 200, "not longer than it says");
}

#[tokio::test]
async fn the_rows_of_a_page_come_twice() {
    let remote = Remote::example().await;
    let once = remote.json("search", AWS, Value::Null).await;
    remote.control("POST", "/_sim/faults", json!({"kind": "repeated"})).await;
    let twice = remote.json("search", AWS, Value::Null).await;
    assert_eq!((&once["count"], &twice["count"]), (&json!(3), &json!(6)));
    let (once, twice) = (once["data"].as_array().unwrap(), twice["data"].as_array().unwrap());
    let expected: Vec<_> = once.iter().flat_map(|row| [row, row]).collect();
    assert_eq!(twice.iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn somebody_changes_objects_behind_our_back() {
    let remote = Remote::example().await;
    let by_arn = json!({"kind": "aws", "arn": "arn:aws:iam::456789012345:role/Sandbox", "set": {
        "runFrequency": 60, "disabled": "true", "description": "Changed", "defaultTags": ["unused"],
        "activation": {"set": {"ActivationModule": ["VM", "PC"]}}, "connectorAppInfos": ["AI", {"name": "CI", "tag": "prod"}],
    }});
    let changed = remote.control("POST", "/_sim/objects", by_arn).await;
    assert_eq!(changed["object"]["activation"], json!(["VM", "PC", "CLOUDVIEW"]));
    let id = changed["id"].as_u64().unwrap();
    let got = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
    let live = &got["data"][0]["AwsAssetDataConnector"];
    assert_eq!((&live["runFrequency"], &live["disabled"]), (&json!(60), &json!("true")));
    assert_eq!(live["defaultTags"]["list"][0]["TagSimple"]["name"], "unused");

    let made = json!({"kind": "aws", "create": {"name": "by-hand", "arn": ARN, "externalId": "x-1"}});
    let made = remote.control("POST", "/_sim/objects", made).await;
    assert_eq!(made["object"]["connectorState"], "FINISHED_SUCCESS");
    let gone = remote
        .control("POST", "/_sim/objects", json!({"kind": "aws", "name": "by-hand", "delete": true}))
        .await;
    assert_eq!(gone["id"], made["id"]);
    assert_eq!(remote.json("search", AWS, Value::Null).await["count"], 3);
}

#[tokio::test]
async fn wrong_control_calls_say_what_is_accepted() {
    let remote = Remote::example().await;
    let cases = [
        ("/_sim/objects", json!({"kind": "aws", "name": "nobody", "set": {}}), "nobody"),
        ("/_sim/objects", json!({"kind": "cloud", "name": "x", "set": {}}), "tag, aws"),
        ("/_sim/objects", json!({"kind": "aws", "name": "sandbox", "set": {"colour": 1}}), "runFrequency"),
        (
            "/_sim/objects",
            json!({"kind": "aws", "name": "sandbox", "set": {"defaultTags": ["nope"]}}),
            "nope",
        ),
        ("/_sim/objects", json!({"kind": "aws", "name": "sandbox", "change": {}}), "set, create and delete"),
        ("/_sim/faults", json!({"kind": "explode"}), "rate_limited"),
        ("/_sim/objects", json!({"kind": "aws", "name": "sandbox", "set": {"name": null}}), "need a name"),
        ("/_sim/objects?knd=aws", json!({"kind": "aws", "name": "sandbox", "delete": true}), "knd"),
        ("/_sim/faults", json!({"kind": "drop", "nth": 0}), "nth"),
        ("/_sim/faults", json!({"kind": "status", "status": 99}), "200 to 599"),
        ("/_sim/faults", json!({"kind": "status", "status": 1000}), "200 to 599"),
        ("/_sim/faults", json!({"kind": "status", "headers": {"a b": "c"}}), "a b"),
        ("/_sim/faults", json!({"kind": "status", "headers": {"a": "b\r\nc: d"}}), "headers"),
        ("/_sim/faults", json!({"kind": "delay", "ms": u64::MAX}), "ms takes at most"),
        ("/_sim/faults", json!([{"kind": "drop"}, {"kind": "explode"}]), "rate_limited"),
        ("/_sim/options", json!({"page_limit": 0}), "from 1 to 1000"),
        ("/_sim/options", json!({"latency_ms": u64::MAX}), "to 3600000"),
        ("/_sim/options", json!({"pod": "a\r\nb: c"}), "ASCII"),
        ("/_sim/options", json!({"subscription": ""}), "1 to 200"),
        ("/_sim/options", json!({"states": "happy"}), "frozen"),
        ("/_sim/options", json!({"colour": "red"}), "duplicate_name"),
    ];
    for (path, body, named) in cases {
        let answer = remote.ask("POST", path).json().body(&body.to_string()).send().await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.value()["error"].as_str().unwrap().contains(named), "{}", answer.body);
    }
    assert_eq!(remote.ask("GET", "/_sim/nothing").send().await.status, 404);
    let misspelt = remote.ask("GET", "/_sim/objects?knd=aws").send().await;
    assert!(misspelt.status == 400 && misspelt.body.contains("there is kind"), "{misspelt:?}");
    let faults = remote.control("GET", "/_sim/faults", Value::Null).await;
    assert_eq!(faults, json!({"faults": []}), "of a wrong list none is in force");
    let id = remote.id("aws", "sandbox").await;
    let before = remote.plain("aws", id).await;
    let half = json!([{"kind": "aws", "id": id, "set": {"runFrequency": 77}}, {"kind": "aws", "name": "nobody", "delete": true}]);
    assert_eq!(remote.ask("POST", "/_sim/objects").json().body(&half.to_string()).send().await.status, 400);
    assert_eq!(remote.plain("aws", id).await, before, "of a wrong list nothing is changed");
}

#[tokio::test]
async fn options_change_while_it_runs() {
    let remote = Remote::example().await;
    let set =
        remote.control("POST", "/_sim/options", json!({"unknown_id": 404, "json_booleans": "real"})).await;
    assert_eq!((&set["unknown_id"], &set["json_booleans"]), (&json!("404"), &json!("real")));
    assert_eq!(remote.ask("GET", "/qps/rest/3.0/get/am/awsassetdataconnector/17").send().await.status, 404);
    assert_eq!(remote.control("GET", "/_sim/options", Value::Null).await, set);
}

#[tokio::test]
async fn the_log_holds_what_was_asked() {
    let remote = Remote::example().await;
    let body = request(&connector("payments", ARN));
    remote.json("create", AWS, body.clone()).await;
    remote.json("search", &format!("{AWS}?fields=id"), Value::Null).await;
    let log = remote.control("GET", "/_sim/requests", Value::Null).await;
    let first = &log["requests"][0];
    assert_eq!(
        (&first["n"], &first["method"], &first["write"], &first["status"]),
        (&json!(1), &json!("POST"), &json!(true), &json!(200))
    );
    assert_eq!(first["body"], body.to_string());
    assert_eq!(log["requests"][1]["query"], "fields=id");
    let forgotten = remote.control("DELETE", "/_sim/requests", Value::Null).await;
    assert_eq!(forgotten, log, "what is forgotten is shown in the same step, so that no request is missed");
    let empty = remote.control("GET", "/_sim/requests", Value::Null).await;
    assert_eq!(empty, json!({"total": 0, "reads": 0, "writes": 0, "requests": []}));
}

#[tokio::test]
async fn a_rewritten_answer_has_another_text_for_each_place_of_one() {
    let remote = Remote::example().await;
    for (text, with) in [
        ("\"sandbox\"", "\"sandbox \\ud83d\""),
        ("\"name\":\"sandbox\"", "\"name\":\"one\",\"name\":\"two\""),
    ] {
        let fault = json!({"kind": "rewritten", "path": "/search/", "text": text, "with": with});
        remote.control("POST", "/_sim/faults", fault).await;
        let body = remote.ask("POST", SEARCH).json().send().await.body;
        assert_eq!(body.matches(with).count(), 1, "{body}");
    }
    for wrong in [json!({"kind": "rewritten"}), json!({"kind": "rewritten", "text": "a", "with": "\u{20ac}"})]
    {
        assert_eq!(
            remote.ask("POST", "/_sim/faults").json().body(&wrong.to_string()).send().await.status,
            400
        );
    }
}

#[tokio::test]
async fn a_lasting_fault_comes_after_the_others_and_outlives_them() {
    let remote = Remote::example().await;
    let status = |status: u16, lasting: bool| json!({"kind": "status", "status": status, "lasting": lasting, "times": 0});
    remote.control("POST", "/_sim/faults", json!([status(503, true), status(500, false)])).await;
    assert_eq!(remote.ask("POST", SEARCH).json().send().await.status, 500);
    let left = remote.control("DELETE", "/_sim/faults", Value::Null).await;
    assert_eq!(left["faults"].as_array().unwrap().len(), 1, "{left}");
    assert_eq!(remote.ask("POST", SEARCH).json().send().await.status, 503);
}

#[tokio::test]
async fn a_changed_password_refuses_the_old_one_and_the_log_counts_who_still_sends_it() {
    let remote = Remote::example().await;
    let log_in = async || {
        let form = "username=simulator&password=simulator&token=true";
        let asked = remote.ask("POST", "/auth").header("content-type", "application/x-www-form-urlencoded");
        let gateway = asked.body(form).send().await.status;
        let api = remote.ask("POST", SEARCH).json().send().await.body.contains("SUCCESS");
        (gateway, api)
    };
    assert_eq!(log_in().await, (201, true));
    let account = json!({"password": "another"});
    remote.control("POST", "/_sim/account", account).await;
    assert_eq!(log_in().await, (401, false));
    let log = remote.control("GET", "/_sim/requests", Value::Null).await;
    let wrong = log["requests"].as_array().unwrap().iter().map(|request| request["wrong_login"].clone());
    assert_eq!(wrong.collect::<Value>(), json!([false, false, true, true]));
    for wrong in [json!({}), json!({"password": 1}), json!({"password": "a", "username": "b"})] {
        assert_eq!(
            remote.ask("POST", "/_sim/account").json().body(&wrong.to_string()).send().await.status,
            400
        );
    }
}

#[tokio::test]
async fn control_calls_are_refused_to_the_pages_of_others() {
    let remote = Remote::example().await;
    let address = remote.simulator.url().strip_prefix("http://").unwrap().to_owned();
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    let own = remote.simulator.url().to_owned();
    let same = format!("localhost:{port}");
    for (host, origin, status) in [
        (address.as_str(), None, 200),
        (same.as_str(), None, 200),
        (&address, Some(own.as_str()), 200),
        ("evil.example", None, 421),
        ("localhost.evil.example", None, 421),
        ("192.0.2.1", None, 421),
        ("", None, 421),
        (&address, Some("http://evil.example"), 403),
        (&address, Some("null"), 403),
        (&address, Some("https://localhost"), 403),
        // Another server of this machine's is another origin.
        (&address, Some("http://127.0.0.1:1"), 403),
        ("evil.example", Some("http://evil.example"), 421),
    ] {
        for (method, path) in
            [("GET", "/_sim/objects"), ("DELETE", "/_sim/faults"), ("POST", "/_sim/options")]
        {
            let mut ask = remote.ask(method, path).json().header("Host", host);
            if method == "POST" {
                ask = ask.body("{}");
            }
            if let Some(origin) = origin {
                ask = ask.header("Origin", origin);
            }
            let answer = ask.send().await;
            assert_eq!(answer.status, status, "{method} {path} to {host:?} from {origin:?}: {answer:?}");
        }
    }
    // The platform's own API is for everybody.
    assert_eq!(remote.ask("POST", SEARCH).json().header("Host", "proxy.example").send().await.status, 200);
}

#[tokio::test]
async fn control_calls_take_json_alone() {
    let remote = Remote::example().await;
    for (media_type, status) in [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=b", 415),
    ] {
        let ask = remote.ask("POST", "/_sim/options").header("Content-Type", media_type);
        assert_eq!(ask.body("{}").send().await.status, status, "{media_type}");
    }
    assert_eq!(remote.ask("POST", "/_sim/options").body("{}").send().await.status, 415, "none at all");
    assert_eq!(remote.ask("DELETE", "/_sim/faults").send().await.status, 200, "it carries nothing");
}

#[tokio::test]
async fn secrets_are_shown_by_control_calls_only_where_that_was_asked_for() {
    for (show_secrets, shown) in [(false, "********"), (true, azure::KEY)] {
        let settings = Settings { show_secrets, ..Settings::default() };
        let remote = Remote { simulator: start(settings).await.unwrap() };
        let tag = remote.id("tag", "prod").await;
        remote.json("create", AZURE, azure::request(&azure::connector(tag))).await;
        let id = remote.id("azure", "billing").await;
        assert_eq!(remote.plain("azure", id).await["authRecord"]["authenticationKey"], shown);
        let set = json!({"kind": "azure", "id": id, "set": {"description": "x"}});
        let set = remote.control("POST", "/_sim/objects", set).await;
        assert_eq!(set["object"]["authRecord"]["authenticationKey"], shown);
        let log = remote.control("GET", "/_sim/requests", Value::Null).await.to_string();
        assert_eq!(log.contains(azure::KEY), show_secrets, "{log}");
    }
}
