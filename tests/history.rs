//! What was changed, when and why: `trueup history` after applies, drifts, crashes and failures; and what the daemon
//! makes of what keeps failing and of what keeps coming back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/bin.rs"]
mod bin;

use bin::{Daemon, Folder, Simulator, until};
use serde_json::{Value, json};

const SECTIONS: &str = "
tags: [{name: kept}]
connectors:
  aws:
    - {name: one, arn: \"arn:aws:iam::111111111111:role/Qualys\", external_id: US1-1368984-11111111, tags: [kept], run_frequency: 4h}
";

const ENDED: &str = "the program ended before an answer";

/// A folder whose platform is a simulator of its own.
#[track_caller]
fn with_platform(sections: &str) -> (Folder, Simulator) {
    let aside = Folder::with("");
    let simulator = Simulator::start(&aside, &[]);
    (Folder::remote(&simulator.url, sections), simulator)
}

#[track_caller]
fn entries(folder: &Folder, args: &[&str]) -> Vec<Value> {
    let json = folder.expect(0, &[&["history", "--format", "json"], args].concat()).json();
    assert_eq!(json["format"], "trueup.history/v1");
    json["entries"].as_array().unwrap().clone()
}

/// Address, action, cause and outcome of each.
fn rows(entries: &[Value]) -> Vec<[&str; 4]> {
    entries.iter().map(row).collect()
}

fn row(entry: &Value) -> [&str; 4] {
    ["address", "action", "cause", "outcome"].map(|field| entry[field].as_str().unwrap_or("-"))
}

// What is kept.

#[test]
fn every_change_is_kept_with_what_it_wrote_why_and_what_came_of_it() {
    let (folder, simulator) = with_platform(SECTIONS);
    folder.expect(0, &["apply", "--yes"]);
    simulator.set("aws", "one", &json!({"runFrequency": 720}));
    folder.edit("tags: [{name: kept}]", "tags: [{name: kept, color: \"#00FF00\"}]");
    folder.expect(0, &["apply", "--yes"]);

    let kept = entries(&folder, &[]);
    assert_eq!(
        rows(&kept),
        [
            ["tag/kept", "create", "pending", "applied"],
            ["aws/one", "create", "pending", "applied"],
            ["tag/kept", "update", "pending", "applied"],
            ["aws/one", "update", "drift", "applied"],
        ]
    );
    let [_, created, _, reverted] = &kept[..] else { unreachable!() };
    assert_eq!(reverted["fields"], json!([{"path": "run_frequency", "before": "12h", "after": "4h"}]));
    assert_eq!((&reverted["kind"], &reverted["trigger"]), (&json!("aws"), &json!("apply")));
    assert_eq!(reverted["id"], created["id"], "the platform's own");
    assert_eq!(reverted["error"], Value::Null);
    assert!(
        reverted["duration_ms"].is_u64() && reverted["at"].as_str().unwrap().ends_with('Z'),
        "{reverted}"
    );
    assert!(created["run_id"] == kept[0]["run_id"] && created["run_id"] != reverted["run_id"]);
    let keys: Vec<&String> = created.as_object().unwrap().keys().collect();
    let told = "at run_id trigger subscription address kind action cause id outcome error duration_ms fields";
    assert_eq!(keys, told.split(' ').collect::<Vec<_>>());

    let told = folder.expect(0, &["history"]).stdout;
    let line = told.lines().find(|line| line.contains("~ aws/one")).unwrap_or_else(|| panic!("{told}"));
    for part in ["T", "Z ~ aws/one ", " update ", " applied ", " drift · apply · run ", " · id "] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(told.ends_with("    run_frequency  12h → 4h\n"), "the newest is last:\n{told}");
    // A pass that finds nothing to do writes nothing.
    folder.expect(0, &["apply", "--yes"]);
    assert_eq!(entries(&folder, &[]).len(), 4);
}

#[test]
fn what_is_asked_for_is_what_is_shown() {
    let (folder, _simulator) = with_platform(SECTIONS);
    folder.expect(0, &["apply", "--yes"]);
    for (args, expected) in [
        (&["--address", "aws/one"][..], &["aws/one"][..]),
        (&["--address", "tag/*"], &["tag/kept"]),
        (&["--address", "aws/o*", "tag/kept"], &["tag/kept", "aws/one"]),
        (&["--address", "aws/two"], &[]),
        (&["--limit", "1"], &["aws/one"]),
        (&["--limit", "1", "--address", "tag/*"], &["tag/kept"]),
        (&["--since", "24h"], &["tag/kept", "aws/one"]),
        (&["--since", "7d", "--limit", "9"], &["tag/kept", "aws/one"]),
        (&["--since", "2200-01-01"], &[]),
        (&["--since", "2001-01-01T00:00:00Z"], &["tag/kept", "aws/one"]),
    ] {
        let found = entries(&folder, args);
        let addresses: Vec<&str> = found.iter().map(|entry| entry["address"].as_str().unwrap()).collect();
        assert_eq!(addresses, expected, "{args:?}");
    }
    assert_eq!(folder.expect(0, &["history", "--address", "aws/two"]).stdout, "");
    let wrong = folder.expect(64, &["history", "--since", "yesterday"]);
    assert!(wrong.stderr.contains("expected one as in 24h"), "{wrong}");
}

#[test]
fn without_a_journal_it_says_so_and_makes_none() {
    let (folder, _simulator) = with_platform(SECTIONS);
    let missing = folder.expect(1, &["history"]);
    assert!(
        missing.stderr.contains("there is no journal") && missing.stderr.contains("trueup.db"),
        "{missing}"
    );
    let json = folder.expect(1, &["history", "--format", "json"]).json();
    assert_eq!((&json["format"], &json["exit"]), (&json!("trueup.error/v1"), &json!(1)));
    let made = std::fs::read_dir(folder.root()).unwrap();
    let made: Vec<_> = made.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(made, ["config.yaml"]);

    folder.edit("listen:", "journal: \"off\"\nlisten:");
    let off = folder.expect(1, &["history"]);
    assert!(off.stderr.contains("journal: off"), "{off}");
}

#[test]
fn it_needs_neither_platform_nor_credentials_and_changes_nothing() {
    let (folder, simulator) = with_platform(SECTIONS);
    folder.expect(0, &["apply", "--yes"]);
    simulator.stop();
    let locked_out = "username: {env: NO_SUCH_VARIABLE}, password: {env: NO_SUCH_VARIABLE}, ";
    folder.edit("platform: {", &format!("platform: {{{locked_out}"));
    let before = std::fs::read(folder.path("trueup.db")).unwrap();
    let files = || {
        let found = std::fs::read_dir(folder.root()).unwrap();
        let mut names: Vec<_> = found.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let there = files();
    assert_eq!(entries(&folder, &[]).len(), 2);
    assert_eq!((files(), std::fs::read(folder.path("trueup.db")).unwrap()), (there, before));
    // The file itself is enough, wherever it lies.
    std::fs::remove_file(folder.path("config.yaml")).unwrap();
    assert_eq!(entries(&folder, &["--journal", "trueup.db"]).len(), 2);
}

#[test]
fn of_a_secret_nothing_is_kept_but_that_it_changed() {
    const KEY: &str = "fp0Wq8Zr4TnK7vYc2LbX";
    let (folder, simulator) = with_platform(
        "connectors:\n  azure:\n    - {name: corp, subscription_id: 5ab00000-0000-4000-8000-000000000001, \
         directory_id: 22222222-2222-2222-2222-222222222222, application_id: 33333333-3333-3333-3333-333333333333, \
         authentication_key: {file: key.txt}, description: shared}\n",
    );
    folder.write("key.txt", KEY);
    // It is repeated in what is refused too.
    let refused = json!({"ServiceResponse": {"responseCode": "INVALID_REQUEST",
        "responseErrorDetails": {"errorMessage": format!("{KEY} is no key")}}});
    simulator.fault(&json!({"kind": "status", "status": 200, "path": "/create/am/azure", "body": refused}));
    folder.expect(1, &["apply", "--yes"]);
    folder.expect(0, &["apply", "--yes"]);
    folder.write("key.txt", &format!("{KEY}-2"));
    folder.expect(0, &["apply", "--yes"]);

    let kept = entries(&folder, &[]);
    assert_eq!(
        rows(&kept),
        [
            ["azure/corp", "create", "pending", "failed"],
            ["azure/corp", "create", "pending", "applied"],
            ["azure/corp", "update", "pending", "applied"]
        ]
    );
    assert!(kept[0]["error"].as_str().unwrap().contains("[redacted] is no key"), "{}", kept[0]);
    assert_eq!(kept[2]["fields"], json!([{"path": "authentication_key", "sensitive": true}]));
    let told = folder.expect(0, &["history"]);
    assert!(told.stdout.ends_with("    authentication_key  (secret, changed)\n"), "{told}");

    assert!(!told.stdout.contains(KEY) && !json!(kept).to_string().contains(KEY), "{told}");
    for file in std::fs::read_dir(folder.root()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let bytes = std::fs::read(folder.path(&name)).unwrap();
        let is_in = bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes());
        assert!(!is_in || !name.starts_with("trueup.db"), "{name}");
    }
    // A description that repeats it is kept without it.
    folder.edit("description: shared", &format!("description: about {KEY}-2"));
    folder.expect(0, &["apply", "--yes"]);
    let last = entries(&folder, &[]).pop().unwrap();
    assert_eq!(last["fields"][0]["after"], "about [redacted]", "{last}");

    let history = rusqlite::Connection::open(folder.path("trueup.db")).unwrap();
    let all: Vec<String> = history
        .prepare("select fields || coalesce(error, '') from history")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    // Nor the digest, which the journal keeps for its own use.
    let written: String =
        history.query_row("select written from object where kind = 'azure'", [], |row| row.get(0)).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    let digest = written["authentication_key"].as_str().unwrap();
    assert!(all.iter().all(|text| !text.contains(digest)), "{all:?}");
}

// Crashes.

/// Begins an apply, and kills it while the answer to its last change is awaited.
#[track_caller]
fn kill_in(folder: &Folder, simulator: &Simulator, path: &str) {
    simulator.fault(&json!({"kind": "delay", "path": path, "ms": 20_000}));
    simulator.take_requests();
    let apply = Daemon::spawn(folder.command(&["apply", "--yes"]));
    // The history is read while it waits.
    until("the change that is under way", || {
        let found = entries(folder, &[]);
        let last = found.last().cloned().unwrap_or_default();
        if last["outcome"].is_null() && last["address"].is_string() { Ok(()) } else { Err(last) }
    });
    assert!(folder.expect(0, &["history"]).stdout.contains(" under way "));
    apply.signal("KILL");
    assert_eq!(apply.wait().code, -1);
    simulator.end_faults();
}

#[test]
fn a_change_that_nobody_saw_the_end_of_is_unknown_until_it_is_seen_done() {
    let (folder, simulator) =
        with_platform(&SECTIONS.replace("tags: [{name: kept}]", "").replace("tags: [kept], ", ""));
    // A create that is made, and whose answer does not come.
    let fault =
        json!({"kind": "status", "status": 200, "process": true, "path": "/create/am/aws", "ms": 20_000});
    simulator.fault(&fault);
    let apply = Daemon::spawn(folder.command(&["apply", "--yes"]));
    until("the connector", || {
        let live = simulator.objects("aws");
        if live.iter().any(|object| object["name"] == "one") { Ok(()) } else { Err(live) }
    });
    apply.signal("KILL");
    assert_eq!(apply.wait().code, -1);
    simulator.end_faults();
    let last = entries(&folder, &[]).pop().unwrap();
    assert_eq!(
        (&last["outcome"], &last["error"], &last["id"]),
        (&json!("unknown"), &json!(ENDED), &Value::Null)
    );
    let told = folder.expect(0, &["history"]).stdout;
    assert!(told.contains(&format!(" unknown ({ENDED}) ")), "{told}");
    // A plan that sees it is enough.
    folder.expect(0, &["plan"]);
    let last = entries(&folder, &[]).pop().unwrap();
    assert_eq!(rows(std::slice::from_ref(&last)), [["aws/one", "create", "pending", "applied"]]);
    assert!(last["id"].is_string() && last["error"].is_null() && last["duration_ms"].is_null(), "{last}");
}

#[test]
fn an_update_and_a_delete_are_seen_done_as_well() {
    let (folder, simulator) = with_platform(
        "reconcile: {owner: cloudsec, prune: owned}\ntags: [{name: kept, color: \"#AA0000\"}, {name: old}]\n",
    );
    folder.expect(0, &["apply", "--yes"]);
    let recolored = || simulator.object("tag", "kept")["color"] == "#00FF00";
    let gone = || simulator.objects("tag").iter().all(|tag| tag["name"] != "old");
    for (from, to, action, address) in
        [("#AA0000", "#00FF00", "update", "tag/kept"), (", {name: old}", "", "delete", "tag/old")]
    {
        folder.edit(from, to);
        let path = format!("/{action}/am/tag");
        simulator
            .fault(&json!({"kind": "status", "status": 200, "process": true, "path": path, "ms": 20_000}));
        let apply = Daemon::spawn(folder.command(&["apply", "--yes"]));
        until(action, || {
            let done = if action == "update" { recolored() } else { gone() };
            if done { Ok(()) } else { Err(simulator.objects("tag")) }
        });
        apply.signal("KILL");
        assert_eq!(apply.wait().code, -1);
        simulator.end_faults();
        let of_it = |outcome| [[address, action, "pending", outcome]];
        assert_eq!(rows(&entries(&folder, &["--limit", "1"])), of_it("unknown"));
        folder.expect(0, &["plan"]);
        assert_eq!(rows(&entries(&folder, &["--limit", "1"])), of_it("applied"));
    }
}

#[test]
fn a_delete_is_seen_done_also_where_no_more_is_listed_than_the_file_names() {
    const SHOP: &str = "88888888-8888-4888-8888-888888888888";
    let weekly = "{name: weekly, at: '09:30', every_days: 7, week_day: THURSDAY, filters: [{repo: web}]}";
    let schedules = |registry: &str, schedules: &str| {
        format!("container_security: {{registries: [{{{registry}, schedules: [{schedules}]}}]}}\n")
    };
    let free = "arn:aws:iam::210987654321:role/Free";
    let connector =
        format!("container_security: {{registry_connectors: {{aws: [{{arn: '{free}', state: absent}}]}}}}\n");
    let by_id = format!("id: {SHOP}");
    let cases = [
        (
            schedules("name: shop", weekly),
            schedules("name: shop", ""),
            "schedule/bulk",
            "registry_schedule/shop/#".to_owned(),
        ),
        (
            schedules(&by_id, weekly),
            schedules(&by_id, ""),
            "schedule/bulk",
            format!("registry_schedule/{SHOP}/#"),
        ),
        (String::new(), connector, "registry/aws/connector", format!("registry_connector/{free}")),
    ];
    for (before, after, path, address) in cases {
        let (folder, simulator) =
            with_platform("reconcile: {owner: cloudsec, prune: owned}\ntags: [{name: kept}]\n");
        simulator.make("registry_connector", &json!({"name": "free", "type": "AWS", "arn": free}));
        let head = folder.read("config.yaml");
        let kind = address.split('/').next().unwrap();
        folder.write("config.yaml", &format!("{head}{before}"));
        folder.expect(0, &["apply", "--yes"]);
        folder.write("config.yaml", &format!("{head}{after}"));
        let there = simulator.objects(kind).len();
        simulator.fault(&json!({"kind": "status", "status": 200, "process": true, "method": "DELETE", "path": path, "ms": 20_000}));
        let apply = Daemon::spawn(folder.command(&["apply", "--yes"]));
        simulator.take_requests();
        let mut asked = Vec::new();
        until("the delete", || {
            asked.extend(simulator.take_requests());
            if asked.iter().any(|request| request["method"] == "DELETE") {
                Ok(())
            } else {
                Err(asked.clone())
            }
        });
        apply.signal("KILL");
        assert_eq!(apply.wait().code, -1);
        simulator.end_faults();
        let last = || entries(&folder, &["--limit", "1"]).pop().unwrap();
        let unknown = last();
        assert_eq!(row(&unknown)[1..], ["delete", "pending", "unknown"], "{unknown}");
        assert!(row(&unknown)[0].starts_with(&address), "{unknown}");
        // Schedules are deleted by a job, which ends a while later.
        until("that it is gone", || {
            let live = simulator.objects(kind);
            if live.len() < there { Ok(()) } else { Err(folder.run(&["plan"])) }
        });
        folder.expect(0, &["plan"]);
        let seen = last();
        assert_eq!(
            (&row(&seen)[1..], &seen["address"]),
            (&["delete", "pending", "applied"][..], &unknown["address"])
        );
    }
}

#[test]
fn a_change_that_was_not_made_stays_unknown_when_it_is_sent_again() {
    let (folder, simulator) = with_platform(SECTIONS);
    folder.expect(0, &["apply", "--yes"]);
    folder.edit("run_frequency: 4h", "run_frequency: 8h");
    kill_in(&folder, &simulator, "/update/am/aws");
    // Whatever became of it is undone.
    simulator.set("aws", "one", &json!({"runFrequency": 240}));
    folder.expect(0, &["apply", "--yes"]);
    let kept = entries(&folder, &["--address", "aws/one"]);
    assert_eq!(
        rows(&kept)[1..],
        [["aws/one", "update", "pending", "unknown"], ["aws/one", "update", "pending", "applied"]]
    );
    assert_eq!(kept[1]["error"], ENDED);
}

#[test]
fn a_replace_that_ends_between_its_halves_tells_of_both() {
    let oci = "reconcile: {replace: allowed}\nconnectors:\n  oci:\n    - {name: main, tenant_id: ocid1.tenancy.oc1..ours, \
        user_id: ocid1.user.oc1..exampleuser, fingerprint: \"8a:cd:10:fc:f7:3c:c2:7d:a6:88:27:cb:1a:ad:52:7b\", \
        private_key: {file: key.pem}, home_region: us-ashburn-1, run_frequency: 4h, capabilities: [AI]}\n";
    let (folder, simulator) = with_platform(oci);
    folder.write(
        "key.pem",
        "-----BEGIN PRIVATE KEY-----\nb3duLWtleS1mb3ItdGVzdHM=\n-----END PRIVATE KEY-----\n",
    );
    folder.expect(0, &["apply", "--yes"]);
    folder.edit("home_region: us-ashburn-1", "home_region: eu-frankfurt-1");
    let refused = json!({"kind": "status", "status": 200, "path": "/create/am/oci",
        "body": {"ServiceResponse": {"responseCode": "INVALID_REQUEST",
            "responseErrorDetails": {"errorMessage": "the tenancy is reserved"}}}});
    simulator.fault(&refused);
    folder.expect(1, &["apply", "--yes"]);
    let last = entries(&folder, &[]).pop().unwrap();
    assert_eq!((&last["action"], &last["outcome"]), (&json!("replace"), &json!("failed")), "{last}");
    let error = last["error"].as_str().unwrap();
    assert!(error.starts_with("deleted, not yet created again: ") && error.contains("reserved"), "{error}");
    // What is missing is made by the next.
    simulator.end_faults();
    folder.expect(0, &["apply", "--yes"]);

    folder.edit("home_region: eu-frankfurt-1", "home_region: us-ashburn-1");
    kill_in(&folder, &simulator, "/create/am/oci");
    let last = entries(&folder, &[]).pop().unwrap();
    assert_eq!(last["error"], format!("deleted, not yet created again: {ENDED}"), "{last}");
    assert_eq!((&last["action"], &last["outcome"]), (&json!("replace"), &json!("unknown")), "{last}");
}

#[test]
fn a_change_that_a_stop_left_unbegun_is_no_failure_and_not_in_the_history() {
    let sections = "reconcile: {policy: enforce}\ntags: [{name: a}, {name: b}, {name: c}]\n";
    let (folder, simulator) = with_platform(sections);
    folder.edit("platform: {", "platform: {concurrency: 1, ");
    simulator.fault(&json!({"kind": "delay", "path": "/create/am/tag", "ms": 1_500}));
    let mut daemon = Daemon::start(&folder);
    daemon.next("plan_computed");
    until("the first create", || if entries(&folder, &[]).is_empty() { Err(()) } else { Ok(()) });
    let ended = daemon.stop();
    let events = ended.events();
    let named = |name: &str| events.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
    let skipped = named("change_skipped");
    assert_eq!(skipped.len(), 2, "{ended}");
    for event in skipped {
        assert_eq!((&event["level"], &event["because"]), (&json!("INFO"), &json!("the program is stopping")));
        assert!(event["address"].is_string() && event["run_id"].is_string(), "{event}");
    }
    assert!(named("change_failed").is_empty(), "{ended}");
    assert_eq!(rows(&entries(&folder, &[])), [["tag/a", "create", "pending", "applied"]]);
}

// What keeps failing.

const ENFORCED: &str = "
reconcile: {policy: enforce, every: 1h}
tags: [{name: good}, {name: bad}]
";

fn refuse_bad(simulator: &Simulator, status: u16, code: &str) {
    // Each create of a tag meets it but the first, which is the other one's.
    simulator.fault(&json!({"kind": "status", "status": status, "path": "/create/am/tag", "times": 0,
        "body": {"ServiceResponse": {"responseCode": code, "responseErrorDetails": {"errorMessage": "no such tag here"}}}}));
}

/// Saves the file with a comment more, and waits for the pass.
#[track_caller]
fn touch(folder: &Folder, daemon: &mut Daemon) -> Value {
    folder.write("config.yaml", &format!("{}#\n", folder.read("config.yaml")));
    let started = daemon.next("reconcile_started");
    assert_eq!(started["trigger"], "file_changed", "{started}");
    daemon.finish_pass()
}

#[track_caller]
fn held(daemon: &Daemon, address: &str) -> String {
    let plan = daemon.get("/api/v1/plan").json();
    let change = plan["changes"].as_array().unwrap().iter().find(|change| change["address"] == address);
    change.unwrap_or_else(|| panic!("{plan}"))["held"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_the_platform_refuses_waits_until_it_moves_or_somebody_asks() {
    let (folder, simulator) = with_platform("reconcile: {policy: enforce, every: 1h}\ntags: [{name: bad}]\n");
    refuse_bad(&simulator, 200, "INVALID_REQUEST");
    let tries = || {
        simulator.writes().iter().filter(|write| write["path"].as_str().unwrap().contains("/create/")).count()
    };
    let mut daemon = Daemon::start(&folder);
    assert_eq!(daemon.finish_pass()["outcome"], "failed");
    assert_eq!(tries(), 1);
    // Other passes leave it alone, and say so.
    assert_eq!(touch(&folder, &mut daemon)["outcome"], "failed", "it is no better than it was");
    assert_eq!(tries(), 1);
    let why = held(&daemon, "tag/bad");
    assert!(why.starts_with("failed once, last: could not create tag tag/bad: "), "{why}");
    assert!(
        why.contains("no such tag here") && why.contains("; tried again after 20") && why.ends_with(" UTC"),
        "{why}"
    );
    assert_eq!(daemon.get("/api/v1/plan").json()["exit"], 2, "it counts by its cause");
    // A restart changes nothing.
    daemon.stop();
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    assert_eq!(tries(), 1);
    // A person's apply tries at once.
    let applied = folder.expect(1, &["apply", "--yes"]);
    assert!(applied.stdout.contains("no such tag here"), "{applied}");
    assert_eq!(tries(), 2);
    // Who asks the daemon has it tried again.
    daemon.pass();
    assert_eq!(tries(), 3);
    touch(&folder, &mut daemon);
    assert_eq!(tries(), 3);
    // Another change is another matter.
    folder.edit("{name: bad}", "{name: bad, color: \"#00FF00\"}");
    daemon.next("change_failed");
    assert_eq!(tries(), 4);
    daemon.finish_pass();
    // Once it works it is over.
    simulator.end_faults();
    assert_eq!(daemon.pass()["outcome"], "applied");
    assert_eq!(touch(&folder, &mut daemon)["outcome"], "in_sync");
    let outcomes: Vec<Value> = entries(&folder, &[]).iter().map(|entry| entry["outcome"].clone()).collect();
    assert_eq!(outcomes, ["failed", "failed", "failed", "failed", "applied"]);
}

#[test]
fn failures_that_are_not_the_objects_own_are_tried_in_every_pass() {
    // A wrong password is not among these: it is not sent again at all before it changed.
    for (status, code) in [(403, "UNAUTHORIZED"), (404, "NOT_FOUND"), (200, "INVALID_API_VERSION")] {
        let (folder, simulator) = with_platform(ENFORCED);
        refuse_bad(&simulator, status, code);
        let mut daemon = Daemon::start(&folder);
        daemon.finish_pass();
        let failed = daemon.named("change_failed");
        assert_eq!(failed.len(), 2, "{status} {code}: {failed:#?}");
        touch(&folder, &mut daemon);
        assert_eq!(daemon.named("change_failed").len(), 4, "{status} {code}");
        assert_eq!(held(&daemon, "tag/bad"), "", "{status} {code}");
    }
}

// What keeps coming back.

#[test]
fn a_drift_that_comes_back_however_often_it_is_undone_is_named_with_its_count() {
    let (folder, simulator) = with_platform(&format!("reconcile: {{policy: enforce}}\n{SECTIONS}"));
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    for times in 0..5 {
        simulator.set("aws", "one", &json!({"runFrequency": 720}));
        assert_eq!(daemon.pass()["outcome"], "applied", "we do not give up");
        let detected = daemon.named("drift_detected").pop().unwrap();
        assert_eq!(detected["reverted"], times, "{detected}");
        let fights = daemon.named("fight_detected");
        assert_eq!(fights.len(), if times < 3 { 0 } else { times - 2 }, "{times}: {fights:#?}");
    }
    let fight = daemon.named("fight_detected").pop().unwrap();
    assert_eq!((&fight["address"], &fight["times"]), (&json!("aws/one"), &json!(4)), "{fight}");
    assert_eq!((&fight["fields"], &fight["level"]), (&json!(["run_frequency"]), &json!("WARN")), "{fight}");
    assert!(daemon.named("warning").is_empty(), "it has an event of its own");
    daemon.stop();

    // A plan says so too, and another drift is another matter.
    simulator.set("aws", "one", &json!({"runFrequency": 720}));
    let plan = folder.expect(0, &["plan"]).stdout;
    assert!(plan.contains("~ aws/one") && plan.contains("drifted since "), "{plan}");
    assert!(plan.contains("; reverted 5 times in 24 h: somebody or something else sets it"), "{plan}");
    let warning = "warning: aws/one: reverted 5 times in 24 h: somebody or something else sets run_frequency";
    assert!(plan.lines().any(|line| line == warning), "{plan}");
    simulator.set("aws", "one", &json!({"runFrequency": 480}));
    let plan = folder.expect(0, &["plan"]).stdout;
    assert!(plan.contains("drifted since ") && !plan.contains("reverted"), "{plan}");

    let reverts = entries(&folder, &["--address", "aws/one"]);
    assert_eq!(reverts.iter().filter(|entry| entry["cause"] == "drift").count(), 5);
}

// The journal's file.

#[test]
fn a_journal_that_is_deleted_under_the_daemon_is_noticed_and_begun_anew() {
    let (folder, simulator) = with_platform(&format!("reconcile: {{policy: enforce}}\n{SECTIONS}"));
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    std::fs::remove_file(folder.path("trueup.db")).unwrap();
    daemon.pass();
    daemon.pass();
    let told = daemon.named("journal_failed");
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["level"], "WARN");
    assert!(told[0]["error"].as_str().unwrap().contains("deleted or replaced"), "{}", told[0]);
    assert!(entries(&folder, &[]).is_empty(), "a new one");
    // It is written as the old one was, and knows a drift again.
    simulator.set("aws", "one", &json!({"runFrequency": 720}));
    daemon.pass();
    assert_eq!(daemon.named("drift_detected").len(), 1);
    assert_eq!(rows(&entries(&folder, &[])), [["aws/one", "update", "drift", "applied"]]);
    daemon.stop();
}
