//! Reports on schedule: beside the passes, one of a name at a time, whatever the policy.

use serde_json::{Value, json};

use crate::bin::{Daemon, Folder, Simulator, until};

const POLICY: &str = "0e7c2b5a-53c4-4a0e-8f0b-6a3f5d9e1c44";
/// As often as it may be.
const EACH_TEN_SECONDS: &str = "*/10 * * * * * *";

fn section(name: &str, cron: &str) -> String {
    format!("reports: [{{name: {name}, cloud: GCP, format: pdf, policies: [{POLICY}], cron: \"{cron}\"}}]\n")
}

fn with_platform(sections: &str, options: &[&str]) -> (Folder, Simulator) {
    let aside = Folder::with("");
    let options: Vec<&str> = options.iter().flat_map(|option| ["--option", option]).collect();
    let simulator = Simulator::start(&aside, &options);
    (Folder::remote(&simulator.url, sections), simulator)
}

#[test]
fn a_report_is_made_at_its_times_under_dry_run_and_nothing_else_is_written() {
    let (folder, simulator) = with_platform(&section("weekly", EACH_TEN_SECONDS), &[]);
    let mut daemon = Daemon::start(&folder);
    let finished = daemon.next("report_finished");
    assert_eq!(finished["name"], "weekly");
    let file = std::path::PathBuf::from(finished["file"].as_str().unwrap());
    assert!(std::fs::read(&file).unwrap().starts_with(b"%PDF-"));
    let again = daemon.next("report_finished");
    assert_ne!(again["file"], finished["file"]);
    let missed = daemon.named("report_missed");
    assert!(missed.iter().all(|event| event["name"] == "weekly" && event["level"] == "WARN"), "{missed:?}");

    let writes = simulator.writes();
    assert!(
        writes.iter().all(|write| write["path"].as_str().unwrap().ends_with("/report/assessment/create")),
        "{writes:?}"
    );

    let metrics = daemon.get("/metrics").body;
    for begin in [
        "trueup_reports_total{name=\"weekly\",outcome=\"made\"} ",
        "trueup_report_last_success_timestamp_seconds{name=\"weekly\"} ",
        "trueup_report_bytes{name=\"weekly\"} ",
        "trueup_report_duration_seconds{name=\"weekly\"} ",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(begin)), "{begin} is not in\n{metrics}");
    }
    let report = daemon.get("/api/v1/status").json()["reports"][0].clone();
    assert_eq!((&report["name"], &report["last"]["outcome"]), (&json!("weekly"), &json!("made")), "{report}");
    assert!(report["next_at"].is_string(), "{report}");
    let page = daemon.get("/").body;
    assert!(page.contains("<h2>Reports</h2>") && page.contains("weekly-2"), "{page}");
    daemon.stop();
}

#[test]
fn a_time_that_comes_while_it_runs_is_said_and_left_out_and_a_stop_ends_the_wait_at_once() {
    let (folder, simulator) = with_platform(&section("weekly", EACH_TEN_SECONDS), &["report_end=never"]);
    let mut daemon = Daemon::start(&folder);
    daemon.next("report_started");
    assert_eq!(daemon.next("report_missed")["name"], "weekly");
    // Passes go on meanwhile.
    assert_eq!(daemon.pass()["outcome"], "in_sync");
    let running = daemon.get("/api/v1/status").json()["reports"][0]["running_since"].clone();
    assert!(running.is_string(), "{running}");
    let ended = daemon.stop();
    let events = ended.events();
    let started = events.iter().filter(|event| event["event"] == "report_started").count();
    assert_eq!(started, 1, "one of a name at a time");
    let failed = events.iter().find(|event| event["event"] == "report_failed").unwrap();
    let id = simulator.objects("report")[0]["reportId"].as_str().unwrap().to_owned();
    assert_eq!(failed["error"], format!("stopped while the platform makes it: report {id} stays there"));
    assert_eq!(events.last().unwrap()["event"], "daemon_stopped");
}

#[test]
fn reports_follow_the_file() {
    let (folder, _simulator) = with_platform(&section("never", "0 0 6 1 1 * 2099"), &[]);
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    let rows = |daemon: &Daemon| daemon.get("/api/v1/status").json()["reports"].clone();
    let first = rows(&daemon);
    assert_eq!((&first[0]["name"], &first[0]["next_at"]), (&json!("never"), &json!("2099-01-01T06:00:00Z")));
    folder.edit(&section("never", "0 0 6 1 1 * 2099"), &section("soon", EACH_TEN_SECONDS));
    assert_eq!(daemon.next("report_finished")["name"], "soon");
    let names: Vec<Value> = rows(&daemon).as_array().unwrap().iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["soon"]);
    folder.edit(&section("soon", EACH_TEN_SECONDS), "reports: []\n");
    until("no row", || {
        let left = rows(&daemon);
        if left == json!([]) { Ok(()) } else { Err(left) }
    });
}

#[test]
fn a_report_that_fails_is_told_and_tried_at_its_next_time() {
    let (folder, simulator) = with_platform(&section("weekly", EACH_TEN_SECONDS), &["report_end=failed"]);
    let mut daemon = Daemon::start(&folder);
    let failed = daemon.next("report_failed");
    assert!(failed["error"].as_str().unwrap().contains("as FAILED"), "{failed}");
    simulator.options(&json!({"report_end": "completed"}));
    assert_eq!(daemon.next("report_finished")["name"], "weekly");
    let metrics = daemon.get("/metrics").body;
    let line = "trueup_reports_total{name=\"weekly\",outcome=\"failed\"} ";
    assert!(metrics.lines().any(|found| found.starts_with(line)), "{metrics}");
}
