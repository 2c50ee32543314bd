//! A file that leads to another platform while the daemon runs.

use super::*;

const FAILS: &str = "connectors: {aws: [{name: one, arn: \"arn:aws:iam::111111111111:role/Q\"}]}\n";

/// A platform with one connector, whose last run failed for this reason. It looks the same everywhere but for that.
#[track_caller]
fn failing(why: &str) -> Simulator {
    let simulator = Simulator::start(&Folder::with(""), &["--seed", "empty"]);
    simulator.make(
        "aws",
        &json!({"name": "one", "arn": "arn:aws:iam::111111111111:role/Q", "externalId": "x",
            "connectorState": "FINISHED_ERRORS", "lastError": "it failed",
            "errors": [{"errorMessage": why, "created": "2031-01-01T00:00:00Z"}]}),
    );
    simulator
}

/// The requests that a platform has counted, and those that the daemon has.
fn reads(daemon: &Daemon) -> u64 {
    let metrics = daemon.get("/metrics").body;
    let line = metrics.lines().find(|line| line.starts_with("trueup_api_requests_total{type=\"read\"} "));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("{metrics}"))
}

#[test]
fn what_is_known_of_one_platform_is_not_taken_for_another() {
    let (here, there) = (failing("no access here"), failing("no access there"));
    let folder = Folder::remote(&here.url, FAILS);
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    // More requests here than there will be there, so that counting on from here would show.
    for _ in 0..3 {
        daemon.pass();
    }
    let why = |daemon: &Daemon| {
        let status = daemon.get("/api/v1/status").json();
        status["unhealthy"][0]["errors"][0]["message"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(why(&daemon), "no access here");
    let before = reads(&daemon);
    there.take_requests();

    folder.edit(&here.url, &there.url);
    daemon.next("config_loaded");
    daemon.finish_pass();
    assert_eq!(why(&daemon), "no access there", "it has the same id and the same last error");
    assert_eq!(reads(&daemon) - before, there.take_requests().len() as u64);
    daemon.stop();
}
