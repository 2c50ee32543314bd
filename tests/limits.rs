//! The platform's rate limits, as users of the program meet them: the quota is spent as fast as may be and never
//! overdrawn, waits are announced, and what the quota cannot pay for is said beforehand.
//!
//! The windows are of seconds here, so that several of them pass in a test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/bin.rs"]
mod bin;

use std::fmt::Write as _;

use bin::{Daemon, Folder, Simulator};
use serde_json::{Value, json};

/// A file of so many connectors.
fn connectors(count: usize, reconcile: &str) -> String {
    let mut file = format!("{reconcile}journal: ./trueup.db\nconnectors:\n  aws:\n");
    for n in 0..count {
        let account = 310_000_000_000_u64 + n as u64;
        writeln!(
            file,
            "    - {{name: shop-{n:04}, arn: 'arn:aws:iam::{account}:role/Reader', external_id: US1-1-{n:05}}}"
        )
        .unwrap();
    }
    file
}

/// A platform with these options, and a folder whose file is about it.
fn platform(options: &[&str], sections: &str) -> (Folder, Simulator) {
    let folder = Folder::with("");
    let options = options.iter().flat_map(|option| ["--option", option]);
    let args: Vec<&str> = ["--seed", "empty"].into_iter().chain(options).collect();
    let simulator = Simulator::start(&folder, &args);
    folder.write("config.yaml", &Folder::remote(&simulator.url, sections).read("config.yaml"));
    (folder, simulator)
}

/// A thousand changes at 300 calls a window.
fn a_thousand_changes(options: &[&str]) {
    const CHANGES: usize = 1000;
    let fast = ["rate_limit_requests=300", "rate_limit_window=2"];
    let (folder, simulator) = platform(&[options, &fast].concat(), &connectors(CHANGES, ""));
    let ended = folder.expect(0, &["apply", "--yes", "--format", "json", "--log-format", "json"]);
    let applied = ended.json();
    assert_eq!(applied["outcomes"].as_array().unwrap().len(), CHANGES);
    assert_eq!(applied["plan"]["cost"]["calls_to_apply"], CHANGES);
    let requests = simulator.take_requests();
    let is_limit = |request: &&Value| [409, 429].iter().any(|status| request["status"] == *status);
    let limited: Vec<&Value> = requests.iter().filter(is_limit).collect();
    assert_eq!(limited, [&Value::Null; 0], "{options:?}: answers of a limit");
    let writes = requests.iter().filter(|request| request["write"] == true).count();
    assert_eq!(writes, CHANGES, "{options:?}: nothing is sent twice");
    // Once a wait, not once a request that waits: more than three windows pass, and the last ends in time.
    let waits: Vec<Value> =
        ended.events().into_iter().filter(|event| event["event"] == "rate_limited").collect();
    assert!((1..=8).contains(&waits.len()), "{options:?}: {waits:#?}");
    let left: Vec<u64> = waits.iter().filter_map(|wait| wait["changes_left"].as_u64()).collect();
    assert!(left.iter().all(|left| (1..=1000).contains(left)), "{left:?}");
    assert!(left.is_sorted_by(|one, next| one > next), "{left:?}");
    for wait in &waits {
        assert!((1..=3000).contains(&wait["wait_ms"].as_u64().unwrap()), "{wait}");
        assert_eq!(wait["host"], "127.0.0.1");
    }
}

#[test]
fn a_thousand_changes_provoke_no_answer_of_a_sliding_limit_that_says_how_long_to_wait() {
    a_thousand_changes(&["rate_limit=409"]);
}

#[test]
fn a_thousand_changes_provoke_no_answer_of_a_fixed_limit_that_does_not_say_how_long_to_wait() {
    a_thousand_changes(&["rate_limit=429", "rate_limit_kind=fixed", "rate_limit_wait=silent"]);
}

#[test]
fn without_limit_headers_nobody_waits() {
    let (folder, _simulator) = platform(&["rate_limit=none"], &connectors(60, ""));
    let ended = folder.expect(0, &["apply", "--yes", "--log-format", "json"]);
    assert!(!ended.stderr.contains("rate_limited"), "{ended}");
    let plan = folder.expect(0, &["plan", "--format", "json"]).json();
    assert_eq!((&plan["cost"]["quota_left"], &plan["warnings"]), (&Value::Null, &json!([])));
}

#[test]
fn a_wait_is_said_in_a_sentence_with_what_is_left_and_a_request_to_stop_ends_it() {
    let (folder, simulator) = platform(&[], &connectors(5, ""));
    simulator.fault(&json!({"kind": "rate_limited", "retry_after": 3000, "path": "/create/am/aws"}));
    let mut apply = Daemon::spawn(folder.command(&["apply", "--yes"]));
    let line = apply.next_line("the wait", |line| line.contains("rate_limited"));
    assert!(
        line.contains("rate_limited waiting 3000 s for the platform's rate limit, ")
            && line.contains(" left "),
        "{line}"
    );
    assert!(line.contains("wait_ms=") && line.contains("changes_left="), "{line}");
    apply.signal("TERM");
    let ended = apply.wait();
    assert_eq!(ended.code, 1, "what was held back was not made: {ended}");
    assert_eq!(ended.stderr.matches("rate_limited").count(), 1, "four waited, and it is one wait: {ended}");
}

#[test]
fn the_daemon_waits_an_hour_for_the_next_window_and_stops_at_once_when_told() {
    let sections = connectors(3, "reconcile: {policy: enforce, every: 1h}\n");
    let (folder, simulator) = platform(&["rate_limit=409", "rate_limit_requests=9"], &sections);
    let mut daemon = Daemon::start(&folder);
    let wait = daemon.next("rate_limited");
    let left = wait["wait_ms"].as_u64().unwrap();
    assert!((3_500_000..=3_601_000).contains(&left), "{wait}");
    assert!(simulator.take_requests().iter().all(|request| request["status"] != 409), "ahead of time");
    let ended = daemon.stop();
    assert!(ended.stderr.contains("daemon_stopped"), "{ended}");
}

#[test]
fn an_interval_that_the_quota_cannot_pay_for_is_a_warning_with_the_arithmetic() {
    let sections = connectors(1, "reconcile: {every: 15m}\n");
    let (folder, _simulator) = platform(&["rate_limit=409", "rate_limit_requests=20"], &sections);
    let plan = folder.expect(0, &["plan", "--format", "json"]).json();
    let warning = plan["warnings"][0].as_str().unwrap();
    let calls = plan["cost"]["calls_to_pull"].as_u64().unwrap();
    // With what it takes to sign in.
    for calls in [calls, calls + 1] {
        if warning.starts_with(&format!("every: 15m makes 4 passes an hour of {calls} calls each = ")) {
            assert!(warning.contains(&format!("= {} calls; the platform allows 20 an hour", 4 * calls)));
            assert!(warning.contains("raise reconcile.every to at least "), "{warning}");
            let text = folder.expect(0, &["plan"]);
            assert!(text.stdout.contains(warning), "{text}");
            return;
        }
    }
    panic!("{warning}: {calls} calls");
}

#[test]
fn the_daemon_says_once_that_the_quota_does_not_pay_for_its_passes() {
    let sections = connectors(1, "reconcile: {every: 60s}\n");
    let (folder, _simulator) = platform(&["rate_limit=429", "rate_limit_requests=300"], &sections);
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    let said = daemon.named("interval_too_short");
    assert_eq!(said.len(), 1, "{said:#?}");
    let message = said[0]["message"].as_str().unwrap();
    assert!(message.starts_with("every: 1m makes 60 passes an hour of "), "{message}");
    assert!(message.contains("the platform allows 300 an hour: passes will wait"), "{message}");
    daemon.stop();
}
