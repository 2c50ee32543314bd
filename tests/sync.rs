//! `trueup sync` as a user meets it: what is run, what is followed, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/bin.rs"]
mod bin;

use bin::{Daemon, Folder, Simulator, free_port};
use serde_json::{Value, json};

/// The outcomes by address.
fn outcomes(json: &Value) -> Vec<(&str, &str)> {
    let rows = json["runs"].as_array().unwrap().iter();
    rows.map(|run| (run["address"].as_str().unwrap(), run["outcome"].as_str().unwrap())).collect()
}

fn runs_sent(simulator: &Simulator) -> usize {
    let writes = simulator.writes();
    let is_run = |request: &&Value| {
        let path = request["path"].as_str().unwrap();
        path.contains("/run/") || path.ends_with("/register-scanner-run")
    };
    writes.iter().filter(is_run).count()
}

#[test]
fn a_run_is_started_by_address_and_not_waited_for_unless_asked() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    let json = folder.expect(0, &["sync", "aws/prod-web", "--format", "json"]).document("trueup.sync/v1");
    assert_eq!(outcomes(&json), [("aws/prod-web", "started")]);
    let run = &json["runs"][0];
    assert_eq!((&run["state"], &run["last_error"], &run["errors"]), (&json!(null), &json!(null), &json!([])));
    assert!(run["id"].is_string(), "{json}");
    assert_eq!(simulator.object("aws", "prod-web")["connectorState"], "QUEUED");
    // It runs already: said, and not asked for again.
    let text = folder.expect(0, &["sync", "aws/prod-web", "aws/prod-web"]);
    assert!(text.stdout.starts_with("  aws/prod-web             running   it runs already"), "{text}");
    assert!(text.stdout.ends_with("\nSync: 1 running.\n"), "{text}");
    assert_eq!(runs_sent(&simulator), 1);
}

#[test]
fn a_run_that_is_waited_for_ends_with_its_outcome_and_tells_its_states() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    let wait = ["sync", "aws/shared-services", "aws/sandbox", "--wait"];
    let ended = folder.expect(0, &wait);
    assert!(ended.stdout.contains("  aws/sandbox              finished  FINISHED_SUCCESS"), "{ended}");
    assert!(ended.stdout.ends_with("\nSync: 2 finished.\n"), "{ended}");
    for state in ["QUEUED", "RUNNING", "FINISHED_SUCCESS"] {
        assert_eq!(ended.stderr.matches(state).count(), 2, "{state}: {ended}");
    }
    simulator.options(&json!({"states": "errors"}));
    let ended = folder.expect(1, &[&wait[..], &["--format", "json", "-q"]].concat());
    assert_eq!(ended.stderr, "");
    let json = ended.document("trueup.sync/v1");
    assert_eq!(outcomes(&json), [("aws/shared-services", "failed"), ("aws/sandbox", "failed")]);
    let run = &json["runs"][0];
    assert_eq!(run["state"], "FINISHED_ERRORS");
    assert_eq!(run["errors"][0]["message"], run["last_error"], "{run}");
    assert!(run["errors"][0]["created"].is_string(), "{run}");
    assert!(run["reason"].is_null(), "{run}");
}

#[test]
fn a_run_that_does_not_end_in_time_is_1_and_runs_on() {
    let folder = Folder::example();
    let _simulator = Simulator::beside(&folder, &["--option", "states=frozen"]);
    let ended =
        folder.expect(1, &["sync", "aws/sandbox", "--wait", "--timeout", "100ms", "--format", "json"]);
    let json = ended.document("trueup.sync/v1");
    assert_eq!(outcomes(&json), [("aws/sandbox", "running")]);
    assert_eq!(json["runs"][0]["state"], "QUEUED");
    assert!(json["runs"][0]["reason"].as_str().unwrap().starts_with("not at its end after"), "{json}");
}

#[test]
fn connectors_of_every_kind_are_run_each_by_a_call_of_its_own() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    let all = [
        "aws/prod-web",
        "azure/corp-shared",
        "gcp/research",
        "oci/oracle-main",
        "azure_organization/contoso",
    ];
    let wait = [&["sync"], &all[..], &["--wait", "--format", "json"]].concat();
    let json = folder.expect(0, &wait).document("trueup.sync/v1");
    assert_eq!(outcomes(&json), all.map(|address| (address, "finished")));
    let writes = simulator.writes();
    assert_eq!(writes.len(), all.len(), "{writes:#?}");
    for request in writes {
        assert_eq!(request["without_id"], false, "{request}");
    }
}

#[test]
fn an_interrupt_ends_the_waiting_and_not_the_run() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &["--option", "states=frozen"]);
    let mut waiting = Daemon::spawn(folder.command(&["sync", "aws/sandbox", "--wait", "--format", "json"]));
    waiting.next_line("its state", |line| line.ends_with("QUEUED"));
    waiting.signal("INT");
    let ended = waiting.wait();
    let json = ended.document("trueup.sync/v1");
    assert_eq!((ended.code, outcomes(&json)), (1, vec![("aws/sandbox", "running")]));
    assert!(json["runs"][0]["reason"].as_str().unwrap().contains("stopped"), "{json}");
    assert_eq!(simulator.object("aws", "sandbox")["connectorState"], "QUEUED");
}

#[test]
fn what_cannot_be_run_now_is_refused_alone_and_the_rest_is_run() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    simulator.set("aws", "sandbox", &json!({"disabled": true}));
    let all = ["sync", "aws/sandbox", "aws/prod-payments", "aws/shared-services", "--format", "json"];
    let json = folder.expect(1, &all).document("trueup.sync/v1");
    assert_eq!(
        outcomes(&json),
        [("aws/sandbox", "refused"), ("aws/prod-payments", "refused"), ("aws/shared-services", "started")]
    );
    let reason = |at: usize| json["runs"][at]["reason"].as_str().unwrap();
    assert!(reason(0).contains("disabled"), "{json}");
    assert!(reason(1).contains("not live yet") && reason(1).contains("config.yaml:"), "{json}");
    assert_eq!(runs_sent(&simulator), 1, "nothing is sent for what is refused");
    // Refused by the platform.
    simulator.fault(&json!({"kind": "status", "status": 403, "path": "/run/"}));
    let json = folder.expect(1, &["sync", "aws/prod-web", "--format", "json"]).document("trueup.sync/v1");
    assert_eq!(outcomes(&json), [("aws/prod-web", "failed")]);
    assert!(json["runs"][0]["reason"].as_str().unwrap().contains("HTTP 403"), "{json}");
}

#[test]
fn what_names_nothing_that_runs_is_64_and_nothing_is_sent() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    let twin = |account: &str| {
        let arn = format!("arn:aws:iam::{account}:role/Q");
        json!({"name": "twin", "arn": arn, "externalId": "x-1", "connectorState": "FINISHED_SUCCESS"})
    };
    for account in ["222222222222", "333333333333"] {
        simulator.control("POST", "objects", &json!({"kind": "aws", "create": twin(account)}));
    }
    for (args, message) in [
        (&["aws/nobody"][..], "no such object: aws/nobody (neither on the platform nor in the file)"),
        (&["aws/sandbox", "aws/nobody"], "no such object: aws/nobody"),
        (
            &["aws/sandbix"],
            "aws/sandbix (neither on the platform nor in the file; did you mean aws/sandbox?)",
        ),
        (&["aws/twin"], "aws/twin#arn:aws:iam::222222222222:role/Q"),
        (&["tag/prod"], "tag/prod cannot be run"),
        (&["sandbox"], "`sandbox` is no address"),
        (&["snapshot_scan/951234567875"], "not this account alone"),
        (&["snapshot_scan/000000000001", "--yes"], "no such object"),
        (&["aws/sandbox", "--wait", "--timeout", "soon"], "`soon` is no length of time"),
        (&["aws/sandbox", "--wait", "--timeout", "0s"], "`0s` is no length of time"),
        (&["aws/sandbox", "--timeout", "1m"], "--wait"),
    ] {
        let wrong = folder.expect(64, &[&["sync"], args].concat());
        assert_eq!(wrong.stdout, "", "{args:?}");
        assert!(wrong.stderr.contains(message), "{args:?}: {wrong}");
        let json = folder.expect(64, &[&["sync"], args, &["--format", "json"]].concat());
        json.document("trueup.error/v1");
    }
    assert_eq!(runs_sent(&simulator), 0);
    let one = ["sync", "aws/twin#arn:aws:iam::333333333333:role/Q", "--format", "json"];
    folder.expect(0, &one).document("trueup.sync/v1");
    assert_eq!(runs_sent(&simulator), 1);
}

#[test]
fn a_snapshot_scan_is_run_with_consent_and_its_end_is_not_told() {
    let folder =
        Folder::simulated("snapshot_scan: {account_id: '951234567875', schedule: '0 0 2 ? * * *'}\n");
    let simulator = Simulator::beside(&folder, &[]);
    let run = ["sync", "snapshot_scan/951234567875", "--yes", "--format", "json"];
    // Whether it is registered nobody can read: the platform says.
    let json = folder.expect(1, &run).document("trueup.sync/v1");
    assert!(json["runs"][0]["reason"].as_str().unwrap().contains("HTTP 404"), "{json}");
    folder.expect(0, &["apply", "--yes"]);
    simulator.take_requests();
    let json = folder.expect(0, &[&run[..], &["--wait"]].concat()).document("trueup.sync/v1");
    assert_eq!(outcomes(&json), [("snapshot_scan/951234567875", "started")]);
    assert_eq!(json["runs"][0]["reason"], "the platform does not tell how it goes");
    assert_eq!(runs_sent(&simulator), 1);
    folder.expect(64, &["sync", "snapshot_scan/951234567875"]);
    assert_eq!(runs_sent(&simulator), 1);
}

#[test]
fn a_kind_that_cannot_be_read_fails_its_runs() {
    let folder = Folder::remote(&format!("http://127.0.0.1:{}", free_port()), "");
    let json = folder.expect(1, &["sync", "aws/one", "--format", "json"]).document("trueup.error/v1");
    assert!(json["errors"][0]["message"].as_str().unwrap().contains("no connection"), "{json}");

    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    simulator.fault(
        &json!({"path": "search/am/awsassetdataconnector", "kind": "status", "status": 403, "times": 0}),
    );
    let json = folder.expect(1, &["sync", "aws/one", "--format", "json"]).document("trueup.sync/v1");
    assert_eq!(outcomes(&json), [("aws/one", "failed")]);
    assert!(json["runs"][0]["id"].is_null(), "{json}");
}
