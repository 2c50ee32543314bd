//! What the asset inventory is expected to hold: how it is counted, and how plans and the daemon tell of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/bin.rs"]
mod bin;
mod stub;

use bin::{Daemon, Folder, Simulator};
use serde_json::{Value, json};
use stub::{Asked, Play, Stub, reply, with};
use trueup::qualys::{ApiError, ApiErrorKind};
use trueup::resource::Filter;

// How it is counted.

/// The gateway gives a token, and plays this to what is asked with it.
async fn gateway(play: impl Fn(usize) -> Play + Send + Sync + 'static) -> Stub {
    let counts = std::sync::atomic::AtomicUsize::new(0);
    Stub::answers(move |_, asked: &Asked| {
        if asked.path == "/auth" {
            return reply(201, "header.payload.signature");
        }
        play(counts.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    })
    .await
}

fn filters(filters: Value) -> Vec<Filter> {
    serde_json::from_value(filters).unwrap()
}

fn in_ashburn() -> Value {
    json!([{"field": "oci.compute.canonicalRegionName", "operator": "EQUALS", "value": "us-ashburn-1"}])
}

async fn count(play: Play) -> Result<u64, ApiError> {
    let stub = gateway(move |_| play.clone()).await;
    stub.reader().count_assets(&filters(in_ashburn())).await
}

#[tokio::test]
async fn the_documented_request_is_made_with_a_token() {
    let stub = gateway(|_| reply(200, r#"{"count": 850, "responseCode": "SUCCESS"}"#)).await;
    assert_eq!(stub.reader().count_assets(&filters(in_ashburn())).await.unwrap(), 850);
    let asked = stub.asked().pop().unwrap();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/rest/2.0/count/am/asset"));
    assert_eq!(asked.header("authorization"), Some("Bearer header.payload.signature"));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.json(), json!({"filters": in_ashburn()}));
}

#[tokio::test]
async fn every_value_is_sent_as_a_text_and_several_with_commas_between() {
    let stub = gateway(|_| reply(204, "")).await;
    let asked = json!([
        {"field": "asset.isContainerHost", "operator": "EQUALS", "value": true},
        {"field": "asset.totalMemory", "operator": "GREATER_THAN_EQUAL", "value": 1024},
        {"field": "asset.type", "operator": "IN", "value": ["HOST", 7]},
    ]);
    stub.reader().count_assets(&filters(asked)).await.unwrap();
    stub.reader().count_assets(&[]).await.unwrap();
    let asked: Vec<Value> = stub
        .asked()
        .iter()
        .filter(|asked| asked.path != "/auth")
        .map(|asked| asked.json()["filters"].clone())
        .collect();
    let values: Vec<&Value> = asked[0].as_array().unwrap().iter().map(|filter| &filter["value"]).collect();
    assert_eq!(values, ["true", "1024", "HOST,7"]);
    assert_eq!(asked[1], json!([]));
}

#[tokio::test]
async fn the_samples_of_replies_are_counts_and_nothing_is_none() {
    for (status, body, expected) in [
        (200, r#"{"count": 850, "responseCode": "SUCCESS", "responseMessage": "Valid API Access"}"#, 850),
        (200, r#"{"responseMessage": "Valid API Access", "count": "1", "responseCode": "SUCCESS"}"#, 1),
        (
            200,
            r#"{"responseMessage": "Valid API Access", "count": 0, "responseCode": "SUCCESS", "hasMore": 0}"#,
            0,
        ),
        (204, "", 0),
        (200, "", 0),
        (200, "\n", 0),
    ] {
        assert_eq!(count(reply(status, body)).await.unwrap(), expected, "{status} {body}");
    }
}

#[tokio::test]
async fn a_failed_count_is_no_count() {
    let forbidden = r#"{"errorCode": "403 FORBIDDEN", "message": "The user does not have the CSAM.API.ACCESS permission"}"#;
    let wrong = r#"{"responseMessage": "Invalid request.", "responseCode": "BAD_REQUEST"}"#;
    for (play, expected) in [
        (reply(403, forbidden), &["HTTP 403", "CSAM.API.ACCESS", "hint: "][..]),
        (reply(404, ""), &["HTTP 404", "platform.gateway_url", "lacks the module"]),
        (reply(404, "<html>not here</html>"), &["HTTP 404", "platform.gateway_url"]),
        // Also where the platform does not say which field it means.
        (reply(400, wrong), &["HTTP 400", "oci.compute.canonicalRegionName", "Invalid request"]),
        (reply(400, ""), &["HTTP 400", "oci.compute.canonicalRegionName"]),
        (reply(401, ""), &["HTTP 401", "permission"]),
        (reply(200, "<html>hello</html>"), &["HTML"]),
        (reply(200, r#"{"responseCode": "SUCCESS"}"#), &["JSON of another form"]),
        (reply(200, r#"{"count": 3, "responseCode": "INVALID_REQUEST"}"#), &["INVALID_REQUEST"]),
        (reply(500, ""), &["HTTP 500"]),
    ] {
        let error = count(play.clone()).await.unwrap_err();
        let told = trueup::error::with_hint(&error);
        assert!(told.starts_with("could not count assets by oci.compute.canonicalRegionName: "), "{told}");
        for part in expected {
            assert!(told.contains(part), "{play:?}: {part} is not in {told}");
        }
    }
}

#[tokio::test]
async fn a_limit_is_waited_out_unless_that_takes_too_long() {
    let stub = gateway(|number| match number {
        0 => with(reply(429, ""), "retry-after", "0"),
        _ => reply(200, r#"{"count": 2, "responseCode": "SUCCESS"}"#),
    })
    .await;
    assert_eq!(stub.reader().count_assets(&[]).await.unwrap(), 2);

    let error = count(with(reply(429, ""), "x-ratelimit-towait-sec", "86400")).await.unwrap_err();
    assert!(matches!(error.kind, ApiErrorKind::RateLimited { wait: Some(_) }), "{error:?}");
}

// How a plan tells of it.

const EXPECTATIONS: &str = "
expectations:
  - name: ashburn has hosts
    at_least: 1
    filters: [{field: oci.compute.canonicalRegionName, operator: EQUALS, value: us-ashburn-1}]
  - {name: not too many, at_most: 5}
";

/// A platform with a simulator of its own and an empty inventory, and a folder with these sections.
fn with_platform(sections: &str) -> (Folder, Simulator) {
    let aside = Folder::with("");
    aside.write("seed.json", "{}");
    let simulator = Simulator::start(&aside, &["--seed", "seed.json"]);
    (Folder::remote(&simulator.url, sections), simulator)
}

/// A host appears in that region.
fn host(simulator: &Simulator, region: &str) {
    let host =
        json!({"assetName": format!("host in {region}"), "provider": "OCI", "oci": {"region": region}});
    simulator.control("POST", "objects", &json!({"kind": "asset", "create": host}));
}

const NOT_MET: &str = "expectation \"ashburn has hosts\": 0 assets, at least 1 wanted";

#[test]
fn what_is_not_met_is_a_warning_and_no_change() {
    let (folder, simulator) = with_platform(EXPECTATIONS);
    let plan = folder.expect(0, &["plan", "--detailed-exitcode"]);
    assert!(plan.stdout.contains(&format!("warning: {NOT_MET}\n")), "{plan}");
    assert!(!plan.stdout.contains("not too many"), "{plan}");
    let before = folder.expect(0, &["plan", "--format", "json", "--detailed-exitcode"]).json();
    assert_eq!(before["warnings"], json!([NOT_MET]));
    assert_eq!(before["changes"], json!([]));
    assert_eq!(
        before["expectations"],
        json!([
            {"name": "ashburn has hosts", "count": 0, "at_least": 1, "at_most": null, "met": false, "error": null},
            {"name": "not too many", "count": 0, "at_least": null, "at_most": 5, "met": true, "error": null},
        ])
    );
    let applied = folder.expect(0, &["apply", "--yes"]);
    assert!(applied.stdout.contains(NOT_MET), "{applied}");
    assert_eq!(simulator.writes(), [Value::Null; 0], "it is only looked at");

    host(&simulator, "us-ashburn-1");
    host(&simulator, "eu-frankfurt-1");
    let after = folder.expect(0, &["plan", "--format", "json", "--detailed-exitcode"]).json();
    assert_eq!(after["warnings"], json!([]));
    let counts: Vec<&Value> =
        after["expectations"].as_array().unwrap().iter().map(|checked| &checked["count"]).collect();
    assert_eq!(counts, [1, 2]);
    assert_eq!(after["id"], before["id"], "what is counted is no part of the plan's id");
}

#[test]
fn what_cannot_be_counted_is_a_warning_and_fails_nothing() {
    let (folder, simulator) = with_platform(EXPECTATIONS);
    for (fault, said) in [
        (
            json!({"kind": "status", "status": 403, "body": {"errorCode": "403 FORBIDDEN",
            "message": "The user does not have the CSAM.API.ACCESS permission"}}),
            "CSAM.API.ACCESS",
        ),
        (json!({"kind": "status", "status": 404, "body": ""}), "platform.gateway_url"),
    ] {
        let mut fault = fault;
        fault["path"] = json!("/count/am/asset");
        fault["times"] = json!(0);
        simulator.fault(&fault);
        let plan = folder.expect(0, &["plan", "--format", "json", "--detailed-exitcode"]).json();
        let warnings = plan["warnings"].to_string();
        let begin =
            "expectation \\\"ashburn has hosts\\\" could not be checked: could not count assets by oci.";
        assert!(warnings.contains(begin) && warnings.contains(said), "{fault}: {warnings}");
        let first = &plan["expectations"][0];
        assert_eq!((&first["met"], &first["count"]), (&Value::Null, &Value::Null), "{first}");
        assert!(first["error"].as_str().unwrap().contains(said), "{first}");
        simulator.end_faults();
    }
}

#[test]
fn a_field_that_the_inventory_does_not_know_is_named() {
    let sections = EXPECTATIONS.replace("oci.compute.canonicalRegionName", "oci.compute.nope");
    let (folder, _simulator) = with_platform(&sections);
    let plan = folder.expect(0, &["plan"]);
    assert!(
        plan.stdout.contains("could not be checked: could not count assets by oci.compute.nope: HTTP 400"),
        "{plan}"
    );
}

#[test]
fn nothing_is_counted_unless_it_is_declared() {
    let (folder, simulator) = with_platform("");
    simulator.take_requests();
    folder.expect(0, &["plan"]);
    let asked = simulator.take_requests();
    assert!(
        !asked.is_empty() && asked.iter().all(|request| request["path"] != "/rest/2.0/count/am/asset"),
        "{asked:?}"
    );
    // And validate asks for nothing at all.
    let offline = Folder::remote("http://127.0.0.1:9", EXPECTATIONS);
    offline.expect(0, &["validate"]);
}

// How the daemon tells of it.

#[test]
fn the_daemon_tells_each_turn_of_an_expectation_once() {
    let sections = EXPECTATIONS.replace("not too many", "<b>not</b> too many");
    let (folder, simulator) = with_platform(&sections);
    let mut daemon = Daemon::start(&folder);
    assert_eq!(daemon.finish_pass()["outcome"], "in_sync");
    let told = |daemon: &Daemon, name: &str| -> Vec<Value> {
        let told = |event: Value| {
            json!([event["level"], event["name"], event["count"], event["at_least"], event["at_most"]])
        };
        daemon.named(name).into_iter().map(told).collect()
    };
    let metrics = |daemon: &Daemon| -> Vec<String> {
        let page = daemon.get("/metrics").body;
        page.lines().filter(|line| line.starts_with("trueup_expectation")).map(str::to_owned).collect()
    };
    let failed = json!(["WARN", "ashburn has hosts", 0, 1, null]);
    assert_eq!(told(&daemon, "expectation_failed"), std::slice::from_ref(&failed));
    assert!(metrics(&daemon).contains(&"trueup_expectation_met{name=\"ashburn has hosts\"} 0".to_owned()));
    let status = daemon.get("/api/v1/status").json();
    assert_eq!(
        status["expectations"][0],
        json!({"name": "ashburn has hosts", "count": 0, "at_least": 1, "at_most": null, "met": false, "error": null})
    );
    let page = daemon.get("/").body;
    assert!(page.contains("ashburn has hosts") && page.contains("not met"), "{page}");
    assert!(!page.contains("<b>not"), "{page}");

    // It lasts, and then nobody knows.
    daemon.pass();
    simulator.fault(&json!({"kind": "status", "status": 403, "path": "/count/am/asset", "times": 0}));
    assert_eq!(daemon.pass()["outcome"], "in_sync");
    assert_eq!(metrics(&daemon), [""; 0]);
    let warnings = daemon.named("warning");
    assert!(warnings.iter().any(|event| event.to_string().contains("could not be checked")), "{warnings:?}");
    assert!(daemon.get("/").body.contains("could not be checked"));
    simulator.end_faults();

    host(&simulator, "us-ashburn-1");
    daemon.pass();
    daemon.pass();
    assert_eq!(told(&daemon, "expectation_failed"), [failed], "it was told once");
    assert_eq!(told(&daemon, "expectation_met"), [json!(["INFO", "ashburn has hosts", 1, 1, null])]);
    let shown = metrics(&daemon);
    for line in [
        "trueup_expectation{name=\"ashburn has hosts\"} 1",
        "trueup_expectation_met{name=\"ashburn has hosts\"} 1",
    ] {
        assert!(shown.iter().any(|found| found == line), "{line} is not in {shown:?}");
    }
    let lasting =
        daemon.named("warning").iter().filter(|event| event.to_string().contains("at least")).count();
    assert_eq!(lasting, 0, "what has an event of its own is no warning besides");
}
