//! The daemon as systemd runs it: its log read as events, its pages over HTTP, its platform a simulator that
//! misbehaves on request.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "daemon/alone.rs"]
mod alone;
#[path = "support/bin.rs"]
mod bin;
#[path = "daemon/deletes.rs"]
mod deletes;
#[path = "daemon/elsewhere.rs"]
mod elsewhere;
#[path = "daemon/notices.rs"]
mod notices;

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use bin::{Daemon, Folder, Simulator, end, free_port};
use serde_json::{Value, json};

/// A tag, and a connector that bears it.
const SECTIONS: &str = "
tags: [{name: kept}]
connectors:
  aws:
    - {name: one, arn: \"arn:aws:iam::111111111111:role/Qualys\", external_id: US1-1368984-11111111, tags: [kept], run_frequency: 4h}
";

/// A folder whose platform is a simulator of its own, started with these options.
#[track_caller]
fn with_platform(sections: &str, options: &[&str]) -> (Folder, Simulator) {
    let aside = Folder::with("");
    let options: Vec<&str> = options.iter().flat_map(|option| ["--option", option]).collect();
    let simulator = Simulator::start(&aside, &options);
    (Folder::remote(&simulator.url, sections), simulator)
}

#[track_caller]
fn check_fields(event: &Value, fields: &[&str]) {
    let has: Vec<&String> = event.as_object().unwrap().keys().collect();
    for field in ["timestamp", "level", "event"].iter().chain(fields) {
        assert!(event.get(*field).is_some(), "{field} is not among {has:?}");
    }
}

#[track_caller]
fn plan_over_http(daemon: &Daemon) -> Value {
    let answer = daemon.get("/api/v1/plan");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

// The log.

#[test]
fn a_start_is_told_event_by_event() {
    let folder = Folder::example();
    let valid = folder.expect(0, &["validate", "--format", "json"]).json();
    let warned = valid["warnings"].as_array().unwrap().len();
    let mut daemon = Daemon::start(&folder);
    let finished = daemon.finish_pass();
    let fields = |name: &str| -> Value { daemon.named(name).first().cloned().unwrap_or_default() };

    let loaded = fields("config_loaded");
    assert_eq!((&loaded["declared"], &loaded["warnings"]), (&json!(16), &json!(warned)), "{loaded}");
    let simulator = fields("simulator_started");
    check_fields(&simulator, &["url", "file"]);
    assert!(simulator["url"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{simulator}");
    assert_eq!(simulator["file"], folder.path("trueup-simulator.json").to_str().unwrap());
    let started = fields("daemon_started");
    assert_eq!(
        (&started["policy"], &started["platform"]),
        (&json!("dry-run"), &json!("simulator")),
        "{started}"
    );

    let pass = fields("reconcile_started");
    assert_eq!(pass["trigger"], "startup");
    let plan = fields("plan_computed");
    check_fields(&plan, &["duration_ms"]);
    for (field, expected) in [
        ("run_id", pass["run_id"].clone()),
        ("create", json!(8)),
        ("update", json!(3)),
        ("replace", json!(0)),
        ("delete", json!(0)),
        ("unchanged", json!(5)),
        ("held", json!(0)),
        ("unmanaged", json!(3)),
    ] {
        assert_eq!(plan[field], expected, "{field} of {plan}");
    }
    assert_eq!(
        (&finished["run_id"], &finished["outcome"]),
        (&pass["run_id"], &json!("pending")),
        "{finished}"
    );
    check_fields(&finished, &["duration_ms"]);
    let unhealthy = fields("connector_unhealthy");
    check_fields(&unhealthy, &["address", "state", "last_error", "errors"]);
    assert_eq!(unhealthy["errors"].as_array().map(Vec::len), Some(3), "{unhealthy}");
    assert_eq!(unhealthy["level"], "WARN");

    let ended = daemon.stop();
    assert_eq!(ended.events().last().unwrap()["event"], "daemon_stopped");
    assert_eq!(ended.stdout, "", "with JSON logs stdout stays empty");
    let order: Vec<Value> = ended.events().iter().map(|event| event["event"].clone()).collect();
    let at = |name: &str| order.iter().position(|event| event == name);
    let told = ["config_loaded", "simulator_started", "daemon_started", "reconcile_started", "plan_computed"];
    assert!(told.map(at).is_sorted() && told.map(at).iter().all(Option::is_some), "{order:?}");
}

#[test]
fn text_logs_are_lines_and_the_plan_is_on_stdout() {
    let folder = Folder::example();
    let mut daemon = Daemon::spawn(folder.command(&["run"]));
    daemon.next_line("the end of the pass", |line| line.contains("reconcile_finished"));
    let ended = daemon.stop();
    assert!(ended.stdout.contains("+ aws/prod-payments"), "{ended}");
    assert!(ended.stderr.contains(" INFO daemon_started ") && !ended.stderr.contains('\x1b'), "{ended}");
}

// The pages.

#[test]
fn what_is_served_is_what_the_plan_command_says() {
    let folder = Folder::example();
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    // It joins the daemon's simulator.
    let told = folder.expect(2, &["plan", "--format", "json", "--detailed-exitcode"]).json();
    let served = plan_over_http(&daemon);
    for part in ["format", "id", "platform", "policy", "exit", "summary", "changes", "unmanaged", "unhealthy"]
    {
        assert_eq!(served[part], told[part], "{part}");
    }
    assert_eq!(served["exit"], 2, "over HTTP the exit code is the detailed one");

    assert_eq!(daemon.get("/healthz").status, 200);
    assert_eq!(daemon.get("/readyz").status, 200);
    let metrics = daemon.get("/metrics").body;
    for line in ["trueup_changes{action=\"create\"} 8", "trueup_unmanaged 3", "trueup_unhealthy 2"] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    // Each kind that can be listed is a page; besides a token, the organization connector itself and its members, the
    // registries, the errors of the two connectors that failed, and the one expectation that is counted.
    let listed = trueup::resource::Kind::ALL.iter().filter(|kind| kind.is_listed()).count();
    let reads = format!("trueup_api_requests_total{{type=\"read\"}} {}", listed + 7);
    assert!(metrics.lines().any(|found| found == reads), "{reads} is not in\n{metrics}");
    let status = daemon.get("/api/v1/status").json();
    assert_eq!(status["format"], "trueup.status/v1");
    assert_eq!(status["plan"]["id"], told["id"], "{status}");
    assert_eq!(status["config"]["ok"], true, "{status}");
    assert_eq!(daemon.get("/nothing").status, 404);
}

#[test]
fn names_of_others_are_escaped_on_the_page() {
    let name = "<script>alert(1)</script>";
    let sections = SECTIONS.replace("{name: one", &format!("{{name: \"{name}\""));
    let (folder, simulator) = with_platform(&sections, &[]);
    let by_hand = json!({"name": format!("{name} & \"more\""), "arn": "arn:aws:iam::222222222222:role/Hand",
        "externalId": "x", "connectorState": "FINISHED_ERRORS", "lastError": name});
    simulator.control("POST", "objects", &json!({"kind": "aws", "create": by_hand}));
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    let page = daemon.get("/").body;
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("&#60;script&#62;alert(1)") || page.contains("&lt;script&gt;alert(1)"), "{page}");
}

// The file changes.

/// Saves the file, and the plan that follows creates this many.
#[track_caller]
fn check_save(daemon: &mut Daemon, creates: u64, save: impl FnOnce()) {
    let saved = Instant::now();
    save();
    let started = daemon.next("reconcile_started");
    assert_eq!(started["trigger"], "file_changed", "{started}");
    let plan = daemon.next("plan_computed");
    assert_eq!(plan["create"], creates, "{plan}");
    assert!(saved.elapsed() < Duration::from_secs(10), "{:?}", saved.elapsed());
    daemon.finish_pass();
}

fn with_tags(text: &str, names: &[&str]) -> String {
    let tags: Vec<String> = names.iter().map(|name| format!("{{name: {name}}}")).collect();
    format!("{text}tags: [{}]\n", tags.join(", "))
}

#[test]
fn a_file_saved_in_place_or_by_rename_gives_a_new_plan() {
    let (folder, _simulator) = with_platform("", &[]);
    let head = folder.read("config.yaml");
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    check_save(&mut daemon, 1, || folder.write("config.yaml", &with_tags(&head, &["a"])));
    // As editors do: beside, then over it.
    let replace = |names: &[&str]| {
        folder.write(".config.yaml.swp", &with_tags(&head, names));
        fs::rename(folder.path(".config.yaml.swp"), folder.path("config.yaml")).unwrap();
    };
    check_save(&mut daemon, 2, || replace(&["a", "b"]));
    check_save(&mut daemon, 3, || replace(&["a", "b", "c"]));
    // The new file is followed as the old one was.
    check_save(&mut daemon, 0, || folder.write("config.yaml", &head));
    // As vim does with a backup: away, then a new one.
    check_save(&mut daemon, 1, || {
        fs::rename(folder.path("config.yaml"), folder.path("config.yaml~")).unwrap();
        folder.write("config.yaml", &with_tags(&head, &["d"]));
    });
}

#[test]
fn a_folder_that_is_swapped_by_symlink_gives_a_new_plan() {
    let (folder, _simulator) = with_platform("journal: ../trueup.db\n", &[]);
    let head = folder.read("config.yaml");
    fs::remove_file(folder.path("config.yaml")).unwrap();
    // As Kubernetes mounts a ConfigMap.
    folder.write("mount/..first/config.yaml", &with_tags(&head, &["a"]));
    symlink("..first", folder.path("mount/..data")).unwrap();
    symlink("..data/config.yaml", folder.path("mount/config.yaml")).unwrap();
    let mut daemon =
        Daemon::spawn(folder.command(&["run", "-c", "mount/config.yaml", "--log-format", "json"]));
    daemon.finish_pass();
    let swap = |version: &str, names: &[&str]| {
        folder.write(&format!("mount/{version}/config.yaml"), &with_tags(&head, names));
        symlink(version, folder.path("mount/..data_tmp")).unwrap();
        fs::rename(folder.path("mount/..data_tmp"), folder.path("mount/..data")).unwrap();
    };
    check_save(&mut daemon, 2, || swap("..second", &["a", "b"]));
    check_save(&mut daemon, 3, || swap("..third", &["a", "b", "c"]));
}

#[test]
fn a_new_file_that_an_include_matches_gives_a_new_plan() {
    let (folder, _simulator) = with_platform("include: [more/*.yaml]\n", &[]);
    folder.write("more/a.yaml", "tags: [{name: a}]\n");
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    check_save(&mut daemon, 2, || folder.write("more/b.yaml", "tags: [{name: b}]\n"));
    check_save(&mut daemon, 1, || fs::remove_file(folder.path("more/a.yaml")).unwrap());
}

#[test]
fn a_file_that_is_refused_is_told_and_the_last_good_one_stays_in_force() {
    let (folder, _simulator) = with_platform(SECTIONS, &[]);
    let good = folder.read("config.yaml");
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    let plan = plan_over_http(&daemon);
    assert_eq!(plan["summary"]["create"], 2);

    let frequency = 1 + good.lines().nth(7).unwrap().find("4h").unwrap();
    for (broken, line, column, message) in [
        (good.replace("run_frequency: 4h", "run_frequency: 30m"), 8, frequency, "run frequency 30m"),
        (good.replace("tags: [{name: kept}]", "tagz: [{name: kept}]"), 5, 1, "unknown key `tagz`"),
        (good.replace("tags: [{name: kept}]", "tags: [{name: kept}"), 6, 1, ""),
    ] {
        folder.write("config.yaml", &broken);
        let rejected = daemon.next("config_rejected");
        assert_eq!(rejected["level"], "ERROR");
        assert_eq!(
            (&rejected["file"], &rejected["line"]),
            (&json!("config.yaml"), &json!(line)),
            "{rejected}"
        );
        assert_eq!(rejected["column"], column, "{rejected}");
        assert!(rejected["message"].as_str().unwrap().contains(message), "{rejected}");
        daemon.finish_pass();
        assert_eq!(plan_over_http(&daemon)["id"], plan["id"], "the last good one stays in force");
        assert_eq!(daemon.get("/api/v1/status").json()["config"]["ok"], false);
    }

    folder.write("config.yaml", &format!("{good}#\n").replace("run_frequency: 4h", "run_frequency: 8h"));
    daemon.next("config_loaded");
    daemon.finish_pass();
    assert_ne!(plan_over_http(&daemon)["id"], plan["id"]);
    assert_eq!(daemon.get("/api/v1/status").json()["config"]["ok"], true);
}

#[test]
fn a_file_whose_credentials_cannot_be_had_leaves_the_last_good_one_in_force() {
    let folder = Folder::simulated(SECTIONS);
    let good = folder.read("config.yaml");
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    let plan = plan_over_http(&daemon);
    let elsewhere = "{pod: US1, username: {env: NO_SUCH_USER}, password: {env: NO_SUCH_PASSWORD}}";
    folder.edit("{pod: simulator}", elsewhere);
    let rejected = daemon.next("config_rejected");
    assert!(rejected["message"].as_str().unwrap().contains("NO_SUCH_USER"), "{rejected}");
    check_fields(&rejected, &["file", "line", "column", "message"]);
    assert_eq!(rejected["line"], Value::Null, "it is in no one place");
    daemon.finish_pass();
    let status = daemon.get("/api/v1/status").json();
    assert_eq!(status["config"]["ok"], false, "{status}");
    // The simulator that it had is still there.
    let finished = daemon.pass();
    assert_eq!(finished["outcome"], "pending", "{:#?}", daemon.named("pull_failed"));
    assert_eq!(plan_over_http(&daemon)["id"], plan["id"]);

    folder.write("config.yaml", &good);
    daemon.next("config_loaded");
    assert_eq!(daemon.finish_pass()["outcome"], "pending");
    assert_eq!(daemon.get("/api/v1/status").json()["config"]["ok"], true);
}

// Drift.

#[test]
fn under_enforce_a_change_behind_its_back_is_told_and_reverted_at_the_next_pass() {
    let (folder, simulator) = with_platform(&format!("reconcile: {{policy: enforce}}\n{SECTIONS}"), &[]);
    let mut daemon = Daemon::start(&folder);
    let first = daemon.finish_pass();
    assert_eq!(first["outcome"], "applied", "{:#?}", daemon.events());
    assert_eq!(daemon.named("change_applied").len(), 2);
    assert_eq!(daemon.named("drift_detected"), Vec::<Value>::new());

    simulator.set("aws", "one", &json!({"runFrequency": 720, "defaultTags": []}));
    daemon.signal("HUP");
    let run_id = daemon.next("reconcile_started")["run_id"].clone();
    // In this order: it is told before it is undone.
    let told = ["plan_computed", "drift_detected", "change_applied", "drift_resolved", "reconcile_finished"];
    for event in told.map(|name| daemon.next(name)) {
        assert!(event["address"] == "aws/one" || event["run_id"] == run_id, "{event}");
    }
    let detected = daemon.named("drift_detected");
    assert_eq!(detected.len(), 1, "{detected:#?}");
    assert_eq!(detected[0]["level"], "WARN");
    assert_eq!((&detected[0]["address"], &detected[0]["action"]), (&json!("aws/one"), &json!("update")));
    assert_eq!(detected[0]["fields"], json!(["tags", "run_frequency"]), "an array, in the order of the kind");
    assert!(detected[0]["since"].as_str().unwrap().ends_with('Z'), "{}", detected[0]);
    let applied = daemon.named("change_applied").pop().unwrap();
    check_fields(&applied, &["run_id", "address", "action", "id", "duration_ms"]);
    assert_eq!((&applied["address"], &applied["action"]), (&json!("aws/one"), &json!("update")));

    let live = simulator.object("aws", "one");
    assert_eq!(live["runFrequency"], 240, "{live}");
    assert_eq!(live["defaultTags"].as_array().map(Vec::len), Some(1), "{live}");
    assert_eq!(daemon.pass()["outcome"], "in_sync");

    // What vanished is drift too.
    simulator.control("POST", "objects", &json!({"kind": "aws", "name": "one", "delete": true}));
    assert_eq!(daemon.pass()["outcome"], "applied");
    let gone = daemon.named("drift_detected").pop().unwrap();
    assert_eq!((&gone["address"], &gone["action"]), (&json!("aws/one"), &json!("create")), "{gone}");
    simulator.object("aws", "one");
}

#[test]
fn a_connector_that_fails_and_recovers_is_told_once_each_with_the_errors_of_its_run() {
    let (folder, simulator) = with_platform(SECTIONS, &["states=frozen"]);
    folder.expect(0, &["apply", "--yes"]);
    let lists = |simulator: &Simulator| {
        let asked = simulator.take_requests();
        let is_list = |request: &&Value| request["path"].as_str().unwrap().ends_with("connectorerrors");
        asked.iter().filter(is_list).count()
    };
    let errors = json!([
        {"errorMessage": "\u{1b}[31m<b>first</b>", "created": "2031-01-01T00:00:01Z"},
        {"errorMessage": "second", "created": "2031-01-01T00:00:02Z"}
    ]);
    let ill = json!({"connectorState": "FINISHED_ERRORS", "lastError": "<i>no</i> access", "errors": errors});
    simulator.set("aws", "one", &ill);
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    daemon.pass();
    let told = daemon.named("connector_unhealthy");
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["last_error"], "<i>no</i> access");
    // The newest first.
    assert_eq!(told[0]["errors"][0], "second", "{}", told[0]);
    assert!(told[0]["errors"][1].as_str().unwrap().ends_with("<b>first</b>"), "{}", told[0]);
    assert_eq!(lists(&simulator), 1, "asked for once while nothing moves");

    let shown = |from: &Value| from["unhealthy"][0]["errors"].clone();
    let (plan, status) = (plan_over_http(&daemon), daemon.get("/api/v1/status").json());
    assert_eq!(shown(&plan), shown(&status));
    assert_eq!(shown(&plan)[0], json!({"message": "second", "created": "2031-01-01T00:00:02Z"}));
    let page = daemon.get("/").body;
    assert!(page.contains("second") && page.contains("first"), "{page}");
    assert!(!page.contains("<b>") && !page.contains("<i>") && !page.contains('\u{1b}'), "{page}");

    simulator.set("aws", "one", &json!({"connectorState": "ERROR", "lastError": null}));
    daemon.pass();
    let told = daemon.named("connector_unhealthy");
    assert_eq!(told.len(), 2);
    assert_eq!(told[1]["last_error"], "second", "where the connector says nothing, its newest error does");
    assert_eq!(lists(&simulator), 1, "and again once it has");
    daemon.pass();
    assert_eq!((daemon.named("connector_unhealthy").len(), lists(&simulator)), (2, 0));
    simulator.set("aws", "one", &json!({"connectorState": "FINISHED_SUCCESS", "lastError": null}));
    daemon.pass();
    daemon.pass();
    let recovered = daemon.named("connector_recovered");
    assert_eq!(recovered.len(), 1, "{recovered:#?}");
    check_fields(&recovered[0], &["address", "state", "last_error", "errors"]);
    assert_eq!(recovered[0]["errors"], json!([]));
    assert_eq!(lists(&simulator), 0);
}

#[test]
fn what_the_platform_does_not_take_is_told_in_every_pass_also_when_it_is_left_alone() {
    let sections = SECTIONS.replace("tags: [kept]", "tags: []");
    let (folder, simulator) =
        with_platform(&format!("reconcile: {{policy: enforce}}\n{sections}"), &["empty_set=ignored"]);
    folder.expect(0, &["apply", "--yes"]);
    simulator.set("aws", "one", &json!({"defaultTags": ["kept"]}));
    simulator.take_requests();
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    for _ in 0..4 {
        daemon.pass();
    }
    let told = daemon.named("not_converged");
    assert_eq!(told.len(), 5, "{told:#?}");
    for event in told {
        check_fields(&event, &["run_id", "address", "field", "sent", "got"]);
        assert_eq!((&event["address"], &event["field"]), (&json!("aws/one"), &json!("tags")), "{event}");
        assert_eq!((&event["sent"], &event["got"]), (&json!([]), &json!(["kept"])), "{event}");
    }
    assert_eq!(simulator.writes().len(), 3, "after three passes it is left alone");
}

#[test]
fn a_drift_that_lasts_is_told_once_when_it_changes_and_when_it_ends() {
    let (folder, simulator) = with_platform(SECTIONS, &[]);
    folder.expect(0, &["apply", "--yes"]);
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    simulator.set("aws", "one", &json!({"runFrequency": 720}));
    for _ in 0..3 {
        assert_eq!(daemon.pass()["outcome"], "pending");
    }
    simulator.set("aws", "one", &json!({"description": "not in the file", "runFrequency": 360}));
    daemon.pass();
    let changed = daemon.named("drift_changed").pop().unwrap();
    assert_eq!(
        (&changed["level"], &changed["fields"]),
        (&json!("WARN"), &json!(["run_frequency"])),
        "{changed}"
    );
    let told = daemon.named("drift_detected");
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(changed["since"], told[0]["since"], "it is still the same drift");
    assert_eq!(plan_over_http(&daemon)["changes"][0]["cause"], "drift");
    let status = daemon.get("/api/v1/status").json();
    assert_eq!(status["drifted"][0]["fields"], json!(["run_frequency"]), "{status}");
    daemon.stop();

    // Neither does a restart tell it again.
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    simulator.set("aws", "one", &json!({"runFrequency": 240}));
    assert_eq!(daemon.pass()["outcome"], "in_sync");
    let resolved = daemon.named("drift_resolved");
    assert_eq!(resolved.len(), 1);
    assert_eq!(
        (&resolved[0]["action"], &resolved[0]["fields"]),
        (&json!("update"), &json!(["run_frequency"]))
    );
    assert_eq!(
        resolved[0]["since"], told[0]["since"],
        "as it was told, although the daemon was started anew"
    );
    daemon.pass();
    let ended = daemon.stop();
    assert_eq!(ended.stderr.matches("drift_").count(), 1, "{ended}");
}

#[test]
fn under_dry_run_nothing_is_ever_written() {
    let sections = format!("reconcile: {{policy: dry-run, prune: all}}\n{SECTIONS}");
    let (folder, simulator) = with_platform(&sections, &[]);
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    simulator.set("aws", "sandbox", &json!({"runFrequency": 720}));
    assert_eq!(daemon.pass()["outcome"], "pending");
    let plan = plan_over_http(&daemon);
    assert!(plan["summary"]["create"] == 2 && plan["summary"]["delete"].as_u64() > Some(0), "{plan}");
    daemon.stop();
    assert_eq!(simulator.writes(), Vec::<Value>::new());
    for request in simulator.take_requests() {
        assert_eq!(request["write"], false, "{request}");
    }
}

// Signals and triggers.

/// A file with this many connectors that are to be made.
fn many(count: usize) -> String {
    (0..count).fold("connectors:\n  aws:\n".to_owned(), |text, number| {
        let arn = format!("arn:aws:iam::{}:role/Qualys", 500_000_000_000 + number);
        format!("{text}    - {{name: made-{number:02}, arn: \"{arn}\", external_id: US1-1368984-55555555}}\n")
    })
}

#[test]
fn a_terminate_during_an_apply_finishes_what_is_in_flight_and_begins_nothing_new() {
    const COUNT: usize = 16;
    let (folder, simulator) =
        with_platform(&format!("reconcile: {{policy: enforce}}\n{}", many(COUNT)), &["latency_ms=200"]);
    folder.edit("pod: simulator", "pod: simulator, concurrency: 2");
    let mut daemon = Daemon::start(&folder);
    daemon.next("change_applied");
    let ended = daemon.stop();
    simulator.options(&json!({"latency_ms": 0}));

    let events = ended.events();
    let applied: Vec<&Value> = events.iter().filter(|event| event["event"] == "change_applied").collect();
    assert!((1..COUNT).contains(&applied.len()), "{ended}");
    let stop = events.iter().position(|event| event["event"] == "stop_requested").unwrap();
    let after = events[stop..].iter().filter(|event| event["event"] == "change_applied").count();
    assert!(after <= 2, "no more than were in flight: {ended}");
    assert_eq!(events.last().unwrap()["event"], "daemon_stopped");
    let finished = events.iter().find(|event| event["event"] == "reconcile_finished").unwrap();
    assert_eq!(finished["outcome"], "stopped", "{ended}");
    assert!(!ended.stderr.contains("outcome unknown"), "{ended}");

    // What we say that we made is what was asked for, and what is there.
    let creates = simulator.writes();
    assert_eq!(creates.len(), applied.len(), "{creates:#?}");
    let made = |simulator: &Simulator| -> Vec<String> {
        let names =
            simulator.objects("aws").into_iter().map(|object| object["name"].as_str().unwrap().to_owned());
        names.filter(|name| name.starts_with("made-")).collect()
    };
    let mut said: Vec<String> =
        applied.iter().map(|event| event["address"].as_str().unwrap().replace("aws/", "")).collect();
    let mut there = made(&simulator);
    said.sort();
    there.sort();
    assert_eq!(said, there);

    // The next start makes the rest, and none twice.
    let mut daemon = Daemon::start(&folder);
    assert_eq!(daemon.finish_pass()["outcome"], "applied");
    assert_eq!(made(&simulator).len(), COUNT);
    assert_eq!(simulator.writes().len(), COUNT);
}

#[test]
fn a_terminate_while_it_only_reads_ends_it_at_once() {
    let (folder, simulator) = with_platform(SECTIONS, &[]);
    simulator.fault(&json!({"kind": "delay", "ms": 60_000, "times": 0}));
    let mut daemon = Daemon::start(&folder);
    daemon.next("reconcile_started");
    let ended = daemon.stop();
    let finished = ended.events().into_iter().find(|event| event["event"] == "reconcile_finished").unwrap();
    assert_eq!(finished["outcome"], "stopped", "{ended}");
}

#[test]
fn triggers_during_a_pass_make_exactly_one_more() {
    let (folder, simulator) = with_platform("", &[]);
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    simulator.fault(&json!({"kind": "delay", "ms": 1_000, "times": 1}));
    daemon.signal("HUP");
    daemon.next("reconcile_started");
    for _ in 0..4 {
        daemon.signal("HUP");
    }
    folder.write("config.yaml", &format!("{}#\n", folder.read("config.yaml")));
    daemon.finish_pass();
    daemon.finish_pass();
    // An edit takes time to settle, in which a pass too many would have begun.
    folder.write("config.yaml", &format!("{}#\n", folder.read("config.yaml")));
    daemon.next("reconcile_started");
    daemon.finish_pass();
    let triggers: Vec<Value> =
        daemon.named("reconcile_started").iter().map(|event| event["trigger"].clone()).collect();
    assert_eq!(triggers, ["startup", "signal", "signal", "file_changed"]);
}

#[test]
fn passes_come_by_themselves_at_the_interval() {
    let (folder, _simulator) = with_platform("reconcile: {every: 10s}\n", &[]);
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    assert_eq!(daemon.next("reconcile_started")["trigger"], "schedule");
    daemon.finish_pass();
}

// The platform misbehaves.

#[test]
fn the_daemon_outlives_every_answer_of_the_platform() {
    let (folder, simulator) = with_platform(SECTIONS, &[]);
    let mut daemon = Daemon::start(&folder);
    assert_eq!(daemon.finish_pass()["outcome"], "pending");
    let plan = plan_over_http(&daemon);
    for fault in [
        json!({"kind": "status", "status": 401}),
        json!({"kind": "status", "status": 403}),
        json!({"kind": "status", "status": 404}),
        json!({"kind": "status", "status": 409}),
        json!({"kind": "status", "status": 200, "body": "{\"ServiceResponse\": {\"responseCode\": \"SUCC"}),
        json!({"kind": "status", "status": 302, "headers": {"location": "https://example.com/login"}}),
        json!({"kind": "html", "status": 200}),
        json!({"kind": "empty"}),
        json!({"kind": "status", "status": 500}),
    ] {
        let mut fault = fault;
        fault["times"] = json!(0);
        simulator.fault(&fault);
        assert_eq!(daemon.pass()["outcome"], "failed", "{fault}");
        let failed = daemon.named("pull_failed").pop().unwrap();
        check_fields(&failed, &["kind", "error"]);
        assert_eq!(failed["level"], "ERROR");
        let served = plan_over_http(&daemon);
        // Every kind that is listed, not only those that the file names.
        assert_eq!(served["summary"]["failed"], 7, "{fault}: {served}");
        assert_eq!(served["changes"], json!([]), "{fault}: a failed read is no empty read");

        simulator.end_faults();
        assert_eq!(daemon.pass()["outcome"], "pending", "after {fault}");
        assert_eq!(plan_over_http(&daemon)["id"], plan["id"], "after {fault}");
    }
    let ended = daemon.stop();
    assert!(!ended.stderr.contains("panicked"), "{ended}");
}

#[test]
fn a_refused_password_is_not_sent_again_before_it_changed_and_is_picked_up_then() {
    let aside = Folder::with("");
    let simulator = Simulator::start(&aside, &["--password", "the first one"]);
    let folder = Folder::remote(&simulator.url, SECTIONS);
    folder.edit("platform: {", "platform: {username: {env: USERNAME}, password: {file: password}, ");
    folder.write("password", "the first one");
    let mut command = folder.command(&["run", "-c", "config.yaml", "--log-format", "json"]);
    command.env("USERNAME", "simulator");
    let mut daemon = Daemon::spawn(command);
    assert_eq!(daemon.finish_pass()["outcome"], "pending");

    simulator.control("POST", "account", &json!({"password": "the second one"}));
    assert_eq!(daemon.pass()["outcome"], "failed");
    let wrong = || simulator.take_requests().iter().filter(|request| request["wrong_login"] == true).count();
    assert!(wrong() > 0);
    for _ in 0..3 {
        assert_eq!(daemon.pass()["outcome"], "failed");
    }
    assert_eq!(wrong(), 0, "accounts lock after a few");

    folder.write("password", "the second one");
    assert_eq!(daemon.pass()["outcome"], "pending");
    assert_eq!(wrong(), 0);
    daemon.stop();
}

#[test]
fn a_platform_that_is_not_there_yet_is_waited_for() {
    let port = free_port();
    let folder = Folder::remote(&format!("http://127.0.0.1:{port}"), SECTIONS);
    let mut daemon = Daemon::start(&folder);
    assert_eq!(daemon.finish_pass()["outcome"], "failed");
    let [failed] = &daemon.named("pull_failed")[..] else { panic!("one cause is told once") };
    assert_eq!(failed["kind"], "tag");
    assert!(failed["also"].as_str().unwrap().starts_with("aws, azure, gcp, oci"), "{failed}");
    assert_eq!(daemon.get("/healthz").status, 200, "restarting would not help");
    let page = daemon.get("/");
    assert!(page.status == 200 && page.body.contains("no connection"), "{page:?}");

    let aside = Folder::with("");
    let _simulator = Simulator::start(&aside, &["--listen", &format!("127.0.0.1:{port}")]);
    assert_eq!(daemon.pass()["outcome"], "pending");
}

// The start.

#[test]
fn a_start_that_cannot_be_is_told_and_ends_with_its_code() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listening = Folder::simulated("");
    listening.edit("127.0.0.1:0", &address);
    let wrong = Folder::simulated("tags: [{name: a, colour: red}]\nconnectors: {aws: [{nam: b}]}\n");
    let locked_out = Folder::remote("http://127.0.0.1:9", "");
    locked_out.edit("platform: {", "platform: {username: {env: NO_SUCH_VARIABLE}, ");
    for (folder, code, event, said) in [
        (&listening, 1, "start_failed", address.as_str()),
        (&wrong, 78, "config_rejected", "colour"),
        (&locked_out, 1, "start_failed", "NO_SUCH_VARIABLE"),
    ] {
        let json = end(folder.command(&["run", "--log-format", "json"]));
        assert_eq!(json.code, code, "{json}");
        let events = json.events();
        let told = events.iter().find(|found| found["event"] == event).unwrap_or_else(|| panic!("{json}"));
        assert_eq!(told["level"], "ERROR");
        assert!(told.to_string().contains(said), "{told}");
        assert_eq!(json.stdout, "", "{json}");

        let text = folder.expect(code, &["run"]);
        assert!(text.stderr.contains(said), "{text}");
    }
    let rejected = end(wrong.command(&["run", "--log-format", "json"])).events();
    let places: Vec<Value> = rejected
        .iter()
        .filter(|event| event["event"] == "config_rejected")
        .map(|event| json!([event["file"], event["line"], event["column"]]))
        .collect();
    assert!(places.len() >= 2, "one event a problem: {rejected:#?}");
    assert_eq!(places[0], json!(["config.yaml", 4, 18]), "{rejected:#?}");
}
