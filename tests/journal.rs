//! Whose facts the journal's are: two subscriptions never meet in it, and one does not lose its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/bin.rs"]
mod bin;

use bin::{Daemon, Ended, Folder, Simulator, free_port};
use serde_json::{Value, json};

const NAMES: [&str; 3] = ["one", "two", "three"];

/// A file for the platform at this URL, all in one folder and so with one journal.
fn file(url: &str, user: &str, rest: &str) -> String {
    format!(
        "version: 1\nplatform: {{api_url: \"{url}\", portal_url: \"{url}\", gateway_url: \"{url}\", \
         username: {{env: {user}}}, password: {{env: PASSWORD}}}}\nlisten: off\n{rest}"
    )
}

fn connectors(names: &[&str]) -> String {
    let entry = |(at, name): (usize, &&str)| {
        format!(
            "    - {{name: {name}, arn: \"arn:aws:iam::11112222333{at}:role/Q\", \
             external_id: US1-1-11112222, capabilities: [AI], run_frequency: 4h}}\n"
        )
    };
    let entries: String = names.iter().enumerate().map(entry).collect();
    format!("connectors:\n  aws:\n{entries}")
}

#[track_caller]
fn run(folder: &Folder, code: i32, args: &[&str]) -> Ended {
    let mut command = folder.command(args);
    command.env("USER_A", "simulator").env("USER_B", "other").env("USER_C", "third");
    command.env("PASSWORD", "simulator");
    let ended = bin::end(command);
    assert_eq!(ended.code, code, "trueup {}\n{ended}", args.join(" "));
    ended
}

/// A simulator with no objects but its own tags, and its options.
#[track_caller]
fn platform(aside: &Folder, args: &[&str]) -> Simulator {
    aside.write("empty.json", r#"{"objects": []}"#);
    let seed = aside.path("empty.json");
    Simulator::start(aside, &[&["--seed", seed.to_str().unwrap()], args].concat())
}

/// The connectors by id.
fn live(simulator: &Simulator) -> Vec<(u64, Value)> {
    let listing = simulator.control("GET", "objects?kind=aws", &Value::Null);
    let objects = listing["objects"].as_array().unwrap().iter();
    objects.map(|entry| (entry["id"].as_u64().unwrap(), entry["object"].clone())).collect()
}

/// Somebody else's connectors, under the ids that the other platform gave.
fn make_foreign(simulator: &Simulator, ids: &[u64]) {
    for id in ids {
        simulator.make(
            "aws",
            &json!({"id": id, "name": format!("foreign-{id}"), "externalId": "US1-1-99999999",
                    "arn": format!("arn:aws:iam::99999{id:07}:role/Theirs"), "connectorAppInfos": ["AI"]}),
        );
    }
}

fn rows(plan: &Ended) -> Vec<String> {
    let changes = plan.json()["changes"].as_array().unwrap().clone();
    let row = |change: &Value| {
        let held = if change["held"].is_null() { "" } else { " held" };
        format!("{} {}{held}", change["action"].as_str().unwrap(), change["address"].as_str().unwrap())
    };
    changes.iter().map(row).collect()
}

/// How the platform says who answers.
const TELLING: [&str; 2] = ["powered_by=on", "powered_by=off"];

#[test]
fn of_another_subscription_under_the_same_ids_nothing_is_looked_at() {
    for telling in TELLING {
        let aside = (Folder::with(""), Folder::with(""));
        let (a, b) = (platform(&aside.0, &["--option", telling]), platform(&aside.1, &["--option", telling]));
        let ours = connectors(&NAMES);
        let folder = Folder::with(&file(&a.url, "USER_A", &ours));
        run(&folder, 0, &["apply", "--yes"]);
        let ids: Vec<u64> = live(&a).into_iter().map(|(id, _)| id).collect();
        make_foreign(&b, &ids);
        let foreign = live(&b);

        folder.write("config.yaml", &file(&b.url, "USER_A", &ours));
        let plan = run(&folder, 0, &["plan", "--format", "json"]);
        assert_eq!(rows(&plan), ["create aws/one", "create aws/three", "create aws/two"], "{telling}");
        let changes = &plan.json()["changes"];
        assert_eq!(changes[0]["cause"], "pending", "nothing that was known is gone: {telling}");

        // The journal says that ids are ours; these are not.
        let other = connectors(&["else"]).replace("11112222333", "55552222333");
        let owned = format!("reconcile: {{owner: sec, prune: owned}}\n{other}");
        folder.write("config.yaml", &file(&b.url, "USER_A", &owned));
        let plan = run(&folder, 0, &["plan", "--format", "json"]);
        assert_eq!(rows(&plan), ["create aws/else"], "{telling}");
        run(&folder, 0, &["apply", "--yes"]);
        let after: Vec<_> = live(&b).into_iter().filter(|(id, _)| ids.contains(id)).collect();
        assert_eq!(after, foreign, "{telling}");

        // And of the first all is known still: what it lost was ours.
        a.control("POST", "objects", &json!({"kind": "aws", "name": "one", "delete": true}));
        folder.write("config.yaml", &file(&a.url, "USER_A", &ours));
        let plan = run(&folder, 0, &["plan", "--format", "json"]);
        assert_eq!(rows(&plan), ["create aws/one"], "{telling}");
        assert_eq!(plan.json()["changes"][0]["cause"], "drift", "{telling}");
    }
}

#[test]
fn two_files_may_share_a_journal() {
    let aside = (Folder::with(""), Folder::with(""));
    let (us, eu) = (platform(&aside.0, &[]), platform(&aside.1, &[]));
    make_foreign(&us, &(9001..9041).collect::<Vec<_>>());
    make_foreign(&eu, &(9001..9013).collect::<Vec<_>>());
    let folder = Folder::with("");
    let declared = |rest: &str| format!("reconcile: {{pull: declared}}\n{rest}");
    folder.write("us.yaml", &file(&us.url, "USER_A", &declared(&connectors(&NAMES[..1]))));
    folder.write("eu.yaml", &file(&eu.url, "USER_A", &declared(&connectors(&NAMES[1..2]))));
    for _ in 0..2 {
        for (config, expected) in [("us.yaml", "create aws/one"), ("eu.yaml", "create aws/two")] {
            let plan = run(&folder, 0, &["plan", "-c", config, "--format", "json"]);
            assert_eq!((rows(&plan), &plan.json()["failed"]), (vec![expected.to_owned()], &json!([])));
        }
    }
    // The history tells them apart as soon as there are several.
    run(&folder, 0, &["apply", "--yes", "-c", "us.yaml"]);
    run(&folder, 0, &["apply", "--yes", "-c", "eu.yaml"]);
    let history = run(&folder, 0, &["history", "-c", "us.yaml", "--format", "json"]).json();
    let told = history["entries"].as_array().unwrap().iter();
    let told: Vec<_> = told.map(|entry| (entry["address"].clone(), entry["subscription"].clone())).collect();
    let host = |simulator: &Simulator| json!(simulator.url.strip_prefix("http://").unwrap());
    assert_eq!(told, [(json!("aws/one"), host(&us)), (json!("aws/two"), host(&eu))]);
    let text = run(&folder, 0, &["history", "-c", "eu.yaml"]).stdout;
    assert!(text.contains(&format!(" · {}", eu.url.strip_prefix("http://").unwrap())), "{text}");
}

#[test]
fn a_daemon_whose_file_is_led_to_another_platform_touches_nothing_of_that_one() {
    let aside = (Folder::with(""), Folder::with(""));
    let (a, b) = (platform(&aside.0, &[]), platform(&aside.1, &[]));
    let ours = format!(
        "reconcile: {{policy: enforce, prune: owned, owner: sec, every: 1h}}\n{}",
        connectors(&NAMES)
    );
    let folder = Folder::with(&file(&a.url, "USER_A", &ours));
    let mut command = folder.command(&["run", "-c", "config.yaml", "--log-format", "json"]);
    command.env("USER_A", "simulator").env("PASSWORD", "simulator");
    let mut daemon = Daemon::spawn(command);
    assert_eq!(daemon.finish_pass()["outcome"], "applied");
    let ids: Vec<u64> = live(&a).into_iter().map(|(id, _)| id).collect();
    make_foreign(&b, &ids);
    let foreign = live(&b);
    folder.write("config.yaml", &file(&b.url, "USER_A", &ours));
    assert_eq!(daemon.finish_pass()["outcome"], "applied");
    daemon.stop();
    let after = live(&b);
    assert_eq!(after.len(), 2 * NAMES.len());
    assert_eq!(after.into_iter().filter(|(id, _)| ids.contains(id)).collect::<Vec<_>>(), foreign);
}

#[test]
fn another_login_on_a_host_that_tells_no_id_keeps_the_facts_where_the_objects_are_there() {
    let aside = Folder::with("");
    let (state, listen) = (aside.path("state.json"), format!("127.0.0.1:{}", free_port()));
    let started = |user: &str, state: &std::path::Path| {
        let state = state.to_str().unwrap();
        platform(
            &aside,
            &["--listen", &listen, "--state", state, "--username", user, "--option", "powered_by=off"],
        )
    };
    let a = started("simulator", &state);
    let folder = Folder::with(&file(&a.url, "USER_A", &connectors(&NAMES)));
    run(&folder, 0, &["apply", "--yes"]);
    a.set("aws", "one", &json!({"runFrequency": 720}));
    let ids: Vec<u64> = live(&a).into_iter().map(|(id, _)| id).collect();
    a.stop();

    let b = started("other", &state);
    folder.write("config.yaml", &file(&b.url, "USER_B", &connectors(&NAMES)));
    let plan = run(&folder, 0, &["plan", "--format", "json"]);
    assert_eq!(plan.json()["changes"][0]["cause"], "drift", "the base is known: {plan}");
    assert!(plan.stderr.contains("is asked by another login than before"), "{plan}");
    let again = run(&folder, 0, &["plan", "--format", "json"]);
    assert!(!again.stderr.contains("another login"), "it is said once: {again}");
    b.stop();

    // Another one's platform behind the same host.
    let c = started("third", &aside.path("another.json"));
    make_foreign(&c, &ids);
    folder.write("config.yaml", &file(&c.url, "USER_C", &connectors(&NAMES)));
    let plan = run(&folder, 0, &["plan", "--format", "json"]);
    assert_eq!(rows(&plan), ["create aws/one", "create aws/three", "create aws/two"]);
    assert!(plan.stderr.contains("nothing is known yet of this one"), "{plan}");
    let again = run(&folder, 0, &["plan", "--format", "json"]);
    assert_eq!(again.stderr, "", "it is said once");
}

#[test]
fn a_platform_that_begins_to_tell_its_id_or_ceases_to_loses_no_facts() {
    for order in [["off", "on", "off"], ["on", "off", "on"]] {
        let aside = Folder::with("");
        let a = platform(&aside, &[]);
        let folder = Folder::with(&file(&a.url, "USER_A", &connectors(&NAMES)));
        a.options(&json!({"powered_by": order[0]}));
        run(&folder, 0, &["apply", "--yes"]);
        a.set("aws", "one", &json!({"runFrequency": 720}));
        for telling in &order[1..] {
            a.options(&json!({"powered_by": telling}));
            let plan = run(&folder, 0, &["plan", "--format", "json"]);
            assert_eq!(plan.json()["changes"][0]["cause"], "drift", "{order:?} {telling}");
            assert_eq!(plan.stderr, "", "{order:?} {telling}");
        }
    }
}
