//! What commands say of the file.

use serde_json::{Value, json};

use crate::bin::{Folder, Simulator};
use crate::{ONE, addresses};

#[test]
fn eight_mistakes_are_reported_in_one_run_each_with_its_place_and_remedy() {
    let folder = Folder::with(
        r#"version: 1
platform:
  pod: simulator
  username: {env: QUALYS_USERNAME}
  password: hunter2-in-the-clear
reconcile:
  policy: enforced
connectors:
  aws:
    - name: prod-payments
      arn: arn:aws:iam::123456789012:role/QualysConnector
      external_id: US1-1368984-11213331
      run_frequncy: 4h
    - name: too-often
      arn: arn:aws:iam::210987654321:role/QualysConnector
      external_id: US1-1368984-20210001
      run_frequency: 30m
    - name: again
      arn: arn:aws:iam::123456789012:role/QualysConnector
      external_id: US1-1368984-20210002
    - name: weekly
      arn: arn:aws:iam::345678901234:role/QualysConnector
      external_id: US1-1368984-20210003
      activation: [VM]
      perimeter_scan:
        option_profile_id: 2
        recurrence: WEEKLY
        scan_prefix: perimeter
        start_date: 2031-12-01
        start_time: "15:45"
        timezone: Africa/Cairo
    - name: weekly
      arn: arn:aws:s3:::a-bucket
      external_id: US1-1368984-20210004
"#,
    );
    let json = folder.expect(78, &["validate", "--format", "json"]);
    let text = folder.expect(78, &["validate"]);
    for said in [&json.stdout, &text.stderr] {
        assert!(!said.contains("hunter2"), "{said}");
    }
    assert_eq!(text.stdout, "");
    for command in [&["plan"][..], &["apply", "--yes"]] {
        assert_eq!(folder.expect(78, command).stderr, text.stderr, "{command:?} says the same");
    }
    let json = json.document("trueup.error/v1");
    let problems =
        [json["errors"].as_array().unwrap().as_slice(), json["warnings"].as_array().unwrap()].concat();
    assert_eq!(problems.len(), 8, "{problems:#?}");
    for problem in &problems {
        assert!(problem["line"].as_u64() > Some(1) && problem["column"].as_u64() > Some(1), "{problem}");
        assert!(problem["hint"].is_string(), "{problem}");
    }
    insta::assert_snapshot!(text.stderr);
}

#[test]
fn a_warning_is_said_and_stops_nothing() {
    let folder = Folder::simulated(&ONE.replace("tags: [cli]", "tags: [cli], run_frequency: 1h"));
    let json = folder.expect(0, &["plan", "--format", "json"]).document("trueup.plan/v1");
    let warning = json["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("config.yaml:8:") && warning.contains("run frequency of 1h"), "{warning}");
    assert_eq!(json["warnings"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(json["summary"]["create"], 2);
    let text = folder.expect(0, &["plan"]);
    assert!(text.stdout.contains(warning), "{text}");
    let valid = folder.expect(0, &["validate"]);
    assert!(valid.stderr.contains("warning: a run frequency of 1h"), "{valid}");
    let json = folder.expect(0, &["validate", "--format", "json"]).document("trueup.validate/v1");
    assert_eq!(json["warnings"].as_array().unwrap().len(), 1, "{json}");
}

/// A year in which no run of these tests takes place.
const FAR: &str = "activation: [VM], perimeter_scan: {option_profile_id: 2, recurrence: WEEKLY, \
                   days: [SUN, TUE], scan_prefix: far, start_date: 8031-12-01, start_time: '15:45', \
                   timezone: Africa/Cairo}";

#[test]
fn validate_tells_when_the_schedules_of_the_file_run_next() {
    let folder = Folder::simulated(&ONE.replace("tags: [cli]", &format!("tags: [cli], {FAR}")));
    let valid = folder.expect(0, &["validate"]);
    assert_eq!(
        valid.stdout,
        "config.yaml: valid · 2 objects, 1 file, 0 warnings\n    aws/one  next run  Tue 8031-12-02 15:45 Africa/Cairo\n"
    );
    let json = folder.expect(0, &["validate", "--format", "json"]).document("trueup.validate/v1");
    assert_eq!(
        json["schedules"],
        json!([{"address": "aws/one", "next_runs": ["8031-12-02T13:45:00Z"]}]),
        "{json}"
    );
    let quiet = folder.expect(0, &["validate", "-q"]);
    assert_eq!(quiet.stdout, "config.yaml: valid · 2 objects, 1 file, 0 warnings\n");
    // A schedule of which a part is left to the platform cannot be told.
    folder.edit(", timezone: Africa/Cairo", "");
    let valid = folder.expect(0, &["validate"]);
    assert_eq!(valid.stdout, "config.yaml: valid · 2 objects, 1 file, 0 warnings\n");
    let json = folder.expect(0, &["validate", "--format", "json"]).document("trueup.validate/v1");
    assert_eq!(json["schedules"], json!([]), "{json}");
}

#[test]
fn validate_tells_the_schedules_of_the_daemon_and_of_registries() {
    let schedule = |name: &str, fields: &str| {
        format!("{{name: {name}, filters: [{{repo: shop/{name}}}], registry_type: AWS, {fields}}}")
    };
    let all = [
        schedule("weekly", "at: '09:30', every_days: 7, week_day: THURSDAY"),
        schedule("daily", "at: '23:59', every_days: 1"),
        schedule("thirds", "at: '9:05', every_days: 3"),
        schedule("default", "at: '9:05'"),
        schedule("left", "every_days: 3"),
        schedule("once", "on_demand: true"),
    ];
    let folder = Folder::with(&format!(
        "version: 1\nplatform: {{pod: simulator}}\n\
         reconcile: {{cron: '30 0 6 1 1 * *', timezone: Europe/Berlin}}\n\
         container_security: {{registries: [{{name: shop, schedules: [{}]}}]}}\n",
        all.join(", ")
    ));
    let valid = folder.expect(0, &["validate"]);
    let lines: Vec<&str> = valid.stdout.lines().skip(1).map(str::trim).collect();
    let of = |name: &str| {
        let begin = format!("{name}  next run");
        lines.iter().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("{name}: {valid}"))
    };
    assert_eq!(lines.len(), 5, "{valid}");
    let daemon = lines[0];
    assert!(daemon.starts_with("reconcile  next runs  ") && daemon.ends_with(" Europe/Berlin"), "{valid}");
    assert_eq!(daemon.matches("-01-01 06:00:30").count(), 3, "{valid}");
    let told = |name: &str| of(&format!("registry_schedule/shop/{name}")).split_once("next run  ").unwrap().1;
    assert!(told("weekly").starts_with("Thu ") && told("weekly").ends_with(" 09:30 UTC"), "{valid}");
    assert!(told("daily").ends_with(" 23:59 UTC"), "{valid}");
    assert_eq!(
        told("thirds"),
        "every 3 days at 09:05 UTC; which days is not known: they count from when it was made"
    );
    assert_eq!(told("default"), "at 09:05 UTC, on the days that the platform has");

    let json = folder.expect(0, &["validate", "--format", "json"]).document("trueup.validate/v1");
    let schedules = json["schedules"].as_array().unwrap();
    assert_eq!(schedules[0]["address"], "reconcile");
    let runs = schedules[0]["next_runs"].as_array().unwrap();
    assert!(runs.iter().all(|run| run.as_str().unwrap().ends_with("-01-01T05:00:30Z")), "{json}");
    let [weekly, thirds] = ["weekly", "thirds"].map(|name| {
        let address = format!("registry_schedule/shop/{name}");
        schedules.iter().find(|schedule| schedule["address"] == *address).unwrap()
    });
    assert!(weekly["next_runs"][0].as_str().unwrap().ends_with("T09:30:00Z"), "{json}");
    assert_eq!((&thirds["next_runs"], &thirds["rhythm"]), (&Value::Null, &json!(told("thirds"))), "{json}");
}

#[test]
fn a_schedule_of_a_name_used_twice_is_told_with_its_identity() {
    let two = format!(
        "connectors: {{aws: [{{name: a, arn: 'arn:aws:iam::111111111111:role/Q', {FAR}}}, \
         {{name: a, arn: 'arn:aws:iam::222222222222:role/Q'}}]}}\n"
    );
    let valid = Folder::simulated(&two).expect(0, &["validate"]);
    assert!(
        valid.stdout.contains("    aws/a#arn:aws:iam::111111111111:role/Q  next run  Tue 8031"),
        "{valid}"
    );
}

#[test]
fn a_plan_tells_when_a_new_schedule_runs_next() {
    let folder = Folder::simulated(&ONE.replace("tags: [cli]", &format!("tags: [cli], {FAR}")));
    let plan = folder.expect(0, &["plan"]);
    assert!(
        plan.stdout.contains("\n    next run                          Tue 8031-12-02 15:45 Africa/Cairo\n"),
        "{plan}"
    );
    folder.expect(0, &["apply", "--yes"]);
    folder.edit("days: [SUN, TUE]", "days: [SUN]");
    let plan = folder.expect(0, &["plan"]);
    assert!(
        plan.stdout.contains(
            "    perimeter_scan.days  -TUE\n    \
             next run             Tue 8031-12-02 15:45 Africa/Cairo → Sun 8031-12-07 15:45 Africa/Cairo\n"
        ),
        "{plan}"
    );
    let json = folder.expect(0, &["plan", "--format", "json"]).document("trueup.plan/v1");
    assert_eq!(
        json["changes"][0]["next_runs"],
        json!({"before": ["8031-12-02T13:45:00Z"], "after": ["8031-12-07T13:45:00Z"]}),
        "{json}"
    );
}

#[test]
fn files_are_included_by_path_and_by_pattern_from_where_they_are_named() {
    let folder = Folder::simulated("include: [more.yaml, connectors/*.yaml]\ntags: [{name: cli}]\n");
    let one = |name: &str, account: &str| {
        format!(
            "connectors: {{aws: [{{name: {name}, arn: \"arn:aws:iam::{account}:role/Qualys\", external_id: US1-1368984-{account}}}]}}\n"
        )
    };
    folder.write("more.yaml", "tags: [{name: more, parent: cli}]\n");
    folder.write("connectors/a.yaml", &one("a", "111111111111"));
    folder.write("connectors/b.yaml", &one("b", "222222222222"));
    folder.write("connectors/c.yml", "no: file of the pattern");
    let plan = folder.expect(0, &["plan", "--format", "json"]).json();
    assert_eq!(addresses(&plan["changes"]), ["tag/cli", "tag/cli/more", "aws/a", "aws/b"]);
    assert_eq!(plan["changes"][3]["reason"], "in connectors/b.yaml:1, not live");

    // From another folder the same file means the same.
    let elsewhere = Folder::with("");
    let config = folder.path("config.yaml");
    let plan_from_elsewhere = elsewhere.expect(0, &["plan", "--format=json", "-c", config.to_str().unwrap()]);
    assert_eq!(plan_from_elsewhere.json()["id"], plan["id"]);
    assert!(!elsewhere.path("trueup.db").exists(), "the journal lies beside the file");

    folder.write("connectors/b.yaml", "connectors: {aws: [{nam: b}]}\n");
    let error =
        folder.expect(78, &["plan", "--format", "json"]).document("trueup.error/v1")["errors"][0].clone();
    assert_eq!(json!([error["file"], error["line"]]), json!(["connectors/b.yaml", 1]), "{error}");
    std::fs::remove_file(folder.path("more.yaml")).unwrap();
    let missing = folder.expect(78, &["validate"]);
    assert!(missing.stderr.contains("config.yaml:4") && missing.stderr.contains("more.yaml"), "{missing}");
}

#[test]
fn a_pattern_that_matches_nothing_is_a_warning() {
    let folder = Folder::simulated(&format!("include: [connectors/*.yaml]\n{ONE}"));
    let json = folder.expect(0, &["plan", "--format", "json"]).json();
    let warning = json["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("config.yaml:4:11: ") && warning.contains("connectors/*.yaml"), "{warning}");
}

#[test]
fn a_journal_that_cannot_be_written_is_one_warning_and_the_plan_is_right() {
    let folder = Folder::example();
    let simulator = Simulator::start(&folder, &[]);
    folder.edit("pod: simulator", &format!("pod: simulator\n  api_url: {}", simulator.url));
    let right = folder.expect(0, &["plan", "--format=json"]).json();
    // Permissions would not keep root out; a file where a folder should be does.
    folder.write("a-file", "");
    folder.edit("journal: ./trueup.db", "journal: ./a-file/trueup.db");
    let ended = folder.expect(0, &["plan", "--format=json", "--log-format=json"]);
    assert_eq!(ended.json()["id"], right["id"], "{ended}");
    let events = ended.events();
    assert_eq!(events.len(), 1, "{ended}");
    assert_eq!((&events[0]["level"], &events[0]["event"]), (&json!("WARN"), &json!("journal_unavailable")));

    let apply = folder.expect(0, &["apply", "--yes"]);
    assert_eq!(apply.stderr.lines().count(), 1, "{apply}");
    assert!(folder.expect(0, &["plan"]).stdout.contains("in sync"), "the platform took it all the same");
}

#[test]
fn a_plan_that_cannot_be_written_is_a_failure() {
    let folder = Folder::simulated(ONE);
    for args in [&["plan", "--format", "json"][..], &["validate"][..]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = folder.command(args).stdout(full).output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{args:?}: {told}");
        assert_eq!(told.matches("error: could not write to stdout: ").count(), 1, "{args:?}: {told}");
    }
}

#[test]
fn without_a_file_the_usual_places_are_named() {
    let folder = Folder::simulated("");
    std::fs::remove_file(folder.path("config.yaml")).unwrap();
    for args in [&["plan"][..], &["validate"][..], &["history"][..]] {
        let ended = folder.expect(78, args);
        assert!(
            ended.stderr.contains("no config.yaml in this folder, and no /etc/trueup/config.yaml"),
            "{ended}"
        );
        assert!(ended.stderr.contains("-c FILE"), "{ended}");
    }
}
