//! What keeps an apply from doing harm, as a user meets it: limits, listings that are not believed, and the lock.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/bin.rs"]
mod bin;

use bin::{Daemon, Folder, Running, Simulator, until};
use serde_json::{Value, json};

#[test]
fn a_plan_over_a_limit_is_shown_but_nothing_of_it_is_applied() {
    let folder = Folder::simulated(
        "reconcile: {prune: all, max_deletes: 5}\nconnectors: {aws: []}\ntags: [{name: cli}]\n",
    );
    let simulator = Simulator::beside(&folder, &["--generate", "aws=20"]);
    let before = simulator.objects("aws").len();

    let plan = folder.expect(0, &["plan"]);
    let blocked = &folder.expect(0, &["plan", "--format", "json"]).document("trueup.plan/v1")["blocked"];
    assert_eq!(blocked["limit"], "max_deletes", "{plan}");
    assert_eq!((&blocked["allowed"], &blocked["wanted"]), (&json!(5), &json!(before)));
    for part in ["blocked", "max_deletes", &before.to_string(), blocked["hint"].as_str().unwrap()] {
        assert!(plan.stdout.contains(part), "{part}: {plan}");
    }
    folder.expect(8, &["plan", "--detailed-exitcode"]);

    let apply = folder.expect(8, &["apply", "--yes"]);
    assert!(apply.stdout.contains("max_deletes"), "{apply}");
    let json = folder.expect(8, &["apply", "--yes", "--format", "json"]).document("trueup.apply/v1");
    assert_eq!(json["outcomes"], json!([]));
    assert_eq!(simulator.writes(), Vec::<Value>::new());
    assert_eq!(simulator.objects("aws").len(), before);

    // Each limit is lifted by its own word, for once.
    let deletes = before.to_string();
    let once = folder.expect(8, &["apply", "--yes", "--allow-deletes", &deletes]);
    assert!(once.stdout.contains("--allow-changes 100"), "{once}");
    folder.expect(0, &["apply", "--yes", "--allow-deletes", &deletes, "--allow-changes", "100"]);
    assert_eq!(simulator.objects("aws").len(), 0);
    folder.expect(64, &["apply", "--yes", "--allow-changes", "101"]);
}

#[test]
fn a_listing_that_shrank_is_believed_when_a_person_says_so() {
    let folder = Folder::simulated("tags: [{name: cli}]\nconnectors: {aws: []}\n");
    let simulator = Simulator::beside(&folder, &["--generate", "aws=20"]);
    folder.expect(0, &["apply", "--yes"]);
    let generated = (1..=20)
        .map(|number| json!({"kind": "aws", "name": format!("generated-{number:05}"), "delete": true}));
    simulator.control("POST", "objects", &generated.collect::<Vec<_>>().into());
    let doubted = folder.expect(1, &["plan"]);
    assert!(
        doubted.stdout.contains("scope lost?") && doubted.stdout.contains("--accept-shrink"),
        "{doubted}"
    );
    folder.expect(1, &["apply", "--yes"]);
    folder.expect(0, &["apply", "--yes", "--accept-shrink"]);
    folder.expect(0, &["plan"]);
}

#[test]
fn a_second_process_that_would_apply_is_refused_and_told_who_applies() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    // The first one is told to wait with its first write.
    simulator.control(
        "POST",
        "faults",
        &json!({"kind": "rate_limited", "retry_after": 60, "path": "/create/am/tag"}),
    );
    let first = Daemon::spawn(folder.command(&["apply", "--yes"]));
    let holder = folder.path("trueup.db.lock");
    until("the first write", || {
        let requests = simulator.take_requests();
        let sent = |request: &Value| request["path"].as_str().unwrap().contains("/create/am/tag");
        requests.iter().any(sent).then_some(()).ok_or(requests)
    });
    let told = std::fs::read_to_string(&holder).unwrap();
    let second = folder.expect(1, &["apply", "--yes"]);
    assert!(
        second.stderr.contains(told.trim()) && second.stderr.contains("is applying with the same journal"),
        "{second}"
    );
    let json = folder.expect(1, &["apply", "--yes", "--format", "json"]).document("trueup.error/v1");
    assert!(json["errors"][0]["message"].as_str().unwrap().contains(told.trim()), "{json}");
    // To look is always allowed; what the first one has begun is looked for, and not planned again.
    let plan = folder.run(&["plan"]);
    assert!(plan.stdout.contains("tag/prod/payments") && !plan.stderr.contains("is applying"), "{plan}");
    drop(first);
    // The lock goes with its process, however that ends.
    folder.expect(0, &["apply", "--yes", "--target", "aws/prod-web"]);
}

#[test]
fn several_known_objects_that_vanish_at_once_are_a_lost_scope_until_that_is_accepted_or_lasts() {
    let entry = |number: u32| {
        let arn = format!("arn:aws:iam::{number:012}:role/Q");
        format!("    - {{name: c{number}, arn: '{arn}', external_id: US1-1368984-11111111}}\n")
    };
    let folder =
        Folder::simulated(&format!("connectors:\n  aws:\n{}", (1..=4).map(entry).collect::<String>()));
    let simulator = Simulator::beside(&folder, &["--seed", "empty"]);
    let make = |number: u32| {
        let fields = json!({"name": format!("c{number}"), "arn": format!("arn:aws:iam::{number:012}:role/Q"),
            "externalId": "US1-1368984-11111111"});
        simulator.make("aws", &fields);
    };
    // What the file does not name stays, so that the listing as a whole shrinks by less than half.
    (1..=12).for_each(make);
    folder.expect(0, &["plan", "--detailed-exitcode"]);
    let lose = |number: u32| {
        let gone = json!({"kind": "aws", "name": format!("c{number}"), "delete": true});
        simulator.control("POST", "objects", &gone);
    };
    // Two may well have been deleted by somebody.
    (1..=2).for_each(lose);
    let two = folder.expect(4, &["plan", "--detailed-exitcode"]);
    assert!(two.stdout.contains("gone from the platform"), "{two}");
    (1..=2).for_each(make);
    folder.expect(0, &["plan", "--detailed-exitcode"]);
    (1..=3).for_each(lose);
    for args in [&["plan"][..], &["apply", "--yes"][..]] {
        let doubted = folder.expect(1, args);
        let told = "of 4 objects that were there and are known 3 are gone at once (max_shrink_percent: 50): scope lost?";
        assert!(doubted.stdout.contains(told) && doubted.stdout.contains("--accept-shrink"), "{doubted}");
    }
    assert_eq!(simulator.writes(), Vec::<Value>::new());
    folder.expect(0, &["apply", "--yes", "--accept-shrink"]);
    assert_eq!(simulator.objects("aws").len(), 12);
    folder.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn a_clearing_whose_end_is_not_known_is_no_lost_scope_to_the_next_process() {
    let settings = "reconcile: {prune: all, max_deletes: 20, max_change_percent: 100}";
    // Killed in the midst of it, or all answers lost.
    for fault in [
        json!({"kind": "hold", "path": "/delete/am/", "nth": 12, "times": 0}),
        json!({"kind": "lost", "path": "/delete/am/", "times": 0}),
    ] {
        let folder =
            Folder::simulated(&format!("{settings}\ntags: [{{name: kept}}]\nconnectors: {{aws: []}}\n"));
        let simulator = Simulator::beside(&folder, &["--seed", "empty", "--generate", "aws=14"]);
        simulator.fault(&fault);
        let first = Running::start(folder.command(&["apply", "--yes"]));
        if fault["kind"] == "hold" {
            until("the twelfth delete", || {
                let held = simulator.control("GET", "faults", &Value::Null)["faults"][0]["fired"].as_u64();
                (held >= Some(1)).then_some(()).ok_or(held)
            });
            first.kill();
        } else {
            // That all are gone is seen when they are looked for.
            assert_eq!(first.wait().code, 0);
        }
        simulator.end_faults();
        folder.expect(0, &["apply", "--yes"]);
        assert_eq!(simulator.objects("aws"), [Value::Null; 0], "{fault}");
    }
}
