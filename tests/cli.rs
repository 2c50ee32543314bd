//! The commands as they are typed: what they print, on which stream, and how they end.
//!
//! Where somebody changes the platform behind our back, a simulator is running that the commands join.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/bin.rs"]
mod bin;
#[path = "cli/file.rs"]
mod file;
#[path = "cli/template.rs"]
mod template;

use bin::{Folder, Simulator, end, free_port, warnings};
use serde_json::{Value, json};

/// Sections of a file with one connector and its tag, both of which the simulator's example lacks.
const ONE: &str = "
tags: [{name: cli}]
connectors:
  aws:
    - {name: one, arn: \"arn:aws:iam::111111111111:role/QualysConnector\", external_id: US1-1368984-11111111, tags: [cli]}
";

#[track_caller]
fn addresses(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|entry| entry["address"].as_str().unwrap()).collect()
}

// Exit codes of a plan.

#[test]
fn the_example_is_planned_applied_and_then_in_sync() {
    let folder = Folder::example();
    let plan = folder.expect(0, &["plan"]);
    assert!(plan.stdout.contains("Plan: 8 to create, 3 to update"), "{plan}");
    assert_eq!(plan.stderr, "");
    let applied = folder.expect(0, &["apply", "--yes"]);
    assert!(applied.stdout.contains("Applied: 8 created, 3 updated"), "{applied}");
    // Each as it was made: a line in the columns of the plan, with its id.
    let made = |sign: &str, word: &str| {
        let line = |line: &&str| line.starts_with(sign) && line.contains(word) && line.contains("  id ");
        applied.stdout.lines().filter(line).count()
    };
    assert_eq!((made("+ ", " created "), made("~ ", " updated ")), (8, 3), "{applied}");
    let after = folder.expect(0, &["plan", "--detailed-exitcode"]);
    let first = after.stdout.lines().next();
    assert_eq!(first, Some("simulator: in sync · 16 unchanged, 3 unmanaged, 2 unverified"), "{after}");
}

#[test]
fn a_plan_without_detailed_exitcode_ends_well_whatever_it_holds() {
    let folder = Folder::example();
    folder.expect(0, &["plan"]);
    folder.expect(2, &["plan", "--detailed-exitcode"]);
}

/// Drift, then a change of the file, then both, from a state in which file and platform agree.
fn check_causes(folder: &Folder, simulator: &Simulator, with_journal: bool) {
    let code = |drift: i32| if with_journal { drift } else { 2 };
    let plan = ["plan", "--detailed-exitcode"];
    folder.expect(0, &plan);

    simulator.set("aws", "prod-web", &json!({"runFrequency": 720}));
    let drifted = folder.expect(code(4), &plan);
    assert!(drifted.stdout.contains("~ aws/prod-web"), "{drifted}");
    assert_eq!(drifted.stdout.contains("drifted since"), with_journal, "{drifted}");

    simulator.set("aws", "prod-web", &json!({"runFrequency": 240}));
    folder.expect(0, &plan);

    folder.edit("tags: [prod, web]", "tags: [prod]");
    let pending = folder.expect(2, &plan);
    assert!(pending.stdout.contains("-web"), "{pending}");

    simulator.set("aws", "shared-services", &json!({"disabled": true, "description": "moved"}));
    simulator.set("aws", "prod-web", &json!({"runFrequency": 720}));
    let both = folder.expect(code(6), &plan);
    assert_eq!(
        folder.run(&["plan", "--detailed-exitcode", "--format=json"]).document("trueup.plan/v1")["changes"]
            [0]["cause"],
        if with_journal { "both" } else { "pending" },
        "{both}"
    );
}

#[test]
fn after_an_apply_drift_is_4_a_change_of_the_file_2_and_both_6() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    folder.expect(0, &["apply", "--yes"]);
    check_causes(&folder, &simulator, true);
}

#[test]
fn a_plan_while_in_sync_is_enough_to_tell_drift_later() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    // Somebody else's apply, with another journal.
    folder.edit("journal: ./trueup.db", "journal: ./theirs.db");
    folder.expect(0, &["apply", "--yes"]);
    folder.edit("journal: ./theirs.db", "journal: ./trueup.db");
    check_causes(&folder, &simulator, true);
}

#[test]
fn without_a_journal_every_cause_is_pending() {
    let folder = Folder::example();
    folder.edit("journal: ./trueup.db", "journal: off");
    let simulator = Simulator::start(&folder, &[]);
    folder.edit("pod: simulator", &format!("pod: simulator\n  api_url: {}", simulator.url));
    folder.expect(0, &["apply", "--yes"]);
    check_causes(&folder, &simulator, false);
    assert!(!folder.path("trueup.db").exists(), "no journal means no file");
}

// One JSON document.

#[test]
fn json_is_one_document_that_names_its_format_and_the_exit_code() {
    let folder = Folder::example();
    let plan = folder.expect(0, &["plan", "--format", "json"]).document("trueup.plan/v1");
    let changes = [
        "tag/prod/payments",
        "aws/prod-payments",
        "aws/prod-web",
        "azure/corp-data",
        "azure/corp-shared",
        "gcp/analytics",
        "oci/oracle-lab",
        "azure_organization/contoso",
        "global_scan/global",
        "snapshot_scan/951234567875",
        "registry_schedule/88888888-8888-4888-8888-888888888888/weekly",
    ];
    assert_eq!(addresses(&plan["changes"]), changes);
    assert_eq!(plan["policy"], "dry-run");
    let plan = folder.expect(2, &["plan", "--format", "json", "--detailed-exitcode"]);
    plan.document("trueup.plan/v1");

    let applied = folder.expect(0, &["apply", "--yes", "--format", "json"]).document("trueup.apply/v1");
    let outcomes = applied["outcomes"].as_array().unwrap();
    assert_eq!(outcomes.len(), changes.len());
    for outcome in outcomes {
        assert_eq!(outcome["outcome"], "applied", "{outcome}");
        assert!(outcome["id"].is_string() && outcome["error"].is_null() && outcome["because"].is_null());
    }
    assert_eq!(applied["plan"]["format"], "trueup.plan/v1");
    assert_eq!(addresses(&applied["plan"]["changes"]).len(), changes.len());

    let nothing = folder.expect(0, &["apply", "--yes", "--format", "json"]).document("trueup.apply/v1");
    assert_eq!(nothing["outcomes"], json!([]));
    let valid = folder.expect(0, &["validate", "--format", "json"]).document("trueup.validate/v1");
    assert_eq!((&valid["declared"], warnings(&valid)), (&json!(16), Vec::new()));
}

#[test]
fn a_wrong_file_is_78_in_json_from_every_command_that_reads_one() {
    let folder = Folder::simulated("tagz: []\n");
    for command in [&["plan"][..], &["apply", "--yes"], &["validate"]] {
        for (config, place) in
            [("config.yaml", json!(["config.yaml", 4, 1])), ("none.yaml", json!([null, null, null]))]
        {
            let ended = folder.expect(78, &[command, &["--format", "json", "-c", config]].concat());
            let error = ended.document("trueup.error/v1")["errors"][0].clone();
            assert_eq!(json!([error["file"], error["line"], error["column"]]), place, "{ended}");
            assert!(error["message"].is_string() && error["hint"].is_string(), "{ended}");
            assert_eq!(ended.stderr, "");
        }
    }
}

#[test]
fn wrong_usage_is_64_in_json_too() {
    let folder = Folder::example();
    for (args, message) in [
        (&["plan", "--target", "aws/nobody"][..], "no such object: aws/nobody"),
        (&["apply", "--yes", "--target", "aws/nobody"], "no such object: aws/nobody"),
        (&["apply"], "apply asks, and there is no terminal to answer"),
        (&["plan", "--target", "nobody"], "`nobody` is no address"),
        (&["plan", "--no-such-flag"], "unexpected argument '--no-such-flag'"),
        (&["validate", "--color", "green"], "invalid value 'green'"),
    ] {
        let json = folder.expect(64, &[args, &["--format", "json"]].concat());
        let error = json.document("trueup.error/v1")["errors"][0].clone();
        assert!(error["message"].as_str().unwrap().contains(message), "{args:?}: {error}");
        let text = folder.expect(64, args);
        assert_eq!(text.stdout, "", "{args:?}");
        assert!(text.stderr.contains(message), "{args:?}: {text}");
    }
}

#[test]
fn a_platform_out_of_reach_is_1_and_says_which_kinds_were_not_read() {
    let folder = Folder::remote(&format!("http://127.0.0.1:{}", free_port()), ONE);
    let plan = folder.expect(1, &["plan", "--format", "json"]).document("trueup.plan/v1");
    let kinds: Vec<&Value> =
        plan["failed"].as_array().unwrap().iter().map(|failed| &failed["kind"]).collect();
    let all = ["tag", "aws", "azure", "gcp", "oci", "azure_organization", "global_scan"];
    assert_eq!(kinds, all, "also those that the file does not name");
    assert_eq!(plan["changes"], json!([]), "nothing is planned on nothing");
    let applied = folder.expect(1, &["apply", "--yes", "--format", "json"]);
    assert_eq!(applied.document("trueup.apply/v1")["outcomes"], json!([]));
}

#[test]
fn credentials_that_cannot_be_resolved_are_1_and_named() {
    let folder = Folder::remote("http://127.0.0.1:9", ONE);
    folder.edit("platform: {", "platform: {password: {env: NO_SUCH_VARIABLE}, ");
    let error = folder.expect(1, &["plan", "--format", "json"]).document("trueup.error/v1");
    let message = error["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("platform.password") && message.contains("NO_SUCH_VARIABLE"), "{message}");
}

#[test]
fn what_was_there_already_is_said_with_what_can_be_done_about_it() {
    const SCAN: &str = "snapshot_scan: {account_id: '951234567875', schedule: '0 0 2 ? * * *', tags: []}\n";
    let already = "it was there already, in a state that cannot be read: ";
    for (journal, told, after_rewrite) in [
        ("", "unverified until apply --rewrite writes it again", "in sync · 1 unchanged"),
        (
            "journal: \"off\"\n",
            "with journal: off it stays unverified, and each apply tries to make it again",
            "+ snapshot_scan",
        ),
    ] {
        let aside = Folder::with("");
        let simulator = Simulator::start(&aside, &["--seed", "empty"]);
        // Somebody registers it, elsewhere.
        Folder::remote(&simulator.url, SCAN).expect(0, &["apply", "--yes"]);
        let folder = Folder::remote(&simulator.url, &format!("{journal}{SCAN}"));
        let applied = folder.expect(0, &["apply", "--yes"]).stdout;
        assert!(applied.contains(&format!(" applied  {already}{told}\n")), "{applied}");
        folder.expect(0, &["apply", "--yes", "--rewrite"]);
        let plan = folder.run(&["plan"]).stdout;
        assert!(plan.contains(after_rewrite), "{journal}: {plan}");
    }
}

// Targets and partial failure.

#[test]
fn a_target_is_warned_of_alone_and_of_what_it_needs() {
    let one = "5ab00000-0000-4000-8000-000000000001";
    let entry = |name: &str, last: &str| {
        let id = one.replace("001", last);
        format!(
            "    - {{name: {name}, subscription_id: {id}, directory_id: {one}, application_id: {one}, \
             authentication_key: {{env: NO_SUCH_VARIABLE}}}}\n"
        )
    };
    let aside = Folder::with("");
    let simulator = Simulator::start(&aside, &["--seed", "empty"]);
    for (name, last) in [("shop", "001"), ("corp", "002")] {
        let record = json!({"subscriptionId": one.replace("001", last), "directoryId": one, "applicationId": one,
            "authenticationKey": "not-a-real-key"});
        simulator.make("azure", &json!({"name": name, "authRecord": record}));
    }
    simulator.fault(&json!({"kind": "status", "status": 403, "path": "/search/am/gcp", "times": 0}));
    let sections = format!(
        "reconcile: {{pull: all}}\nconnectors:\n  azure:\n{}{}",
        entry("shop", "001"),
        entry("corp", "002")
    );
    let folder = Folder::remote(&simulator.url, &sections);
    let warned = |args: &[&str]| {
        let plan = folder.run(&[&["plan", "--format", "json"], args].concat()).document("trueup.plan/v1");
        let all = plan["warnings"].as_array().unwrap().clone();
        all.iter()
            .map(|warning| warning.as_str().unwrap().split(": ").next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(warned(&[]), ["azure/corp", "azure/shop", "gcp"]);
    assert_eq!(warned(&["--target", "azure/shop"]), ["azure/shop"]);
    let told = folder.run(&["plan", "--target", "azure/corp"]).stdout;
    let told: Vec<&str> = told.lines().filter(|line| line.starts_with("warning: ")).collect();
    let [told] = told.as_slice() else { panic!("{told:#?}") };
    assert!(told.starts_with("warning: azure/corp: authentication_key not checked: "), "{told}");
}

#[test]
fn a_target_and_what_it_needs_are_applied_and_nothing_else() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    let json = folder
        .expect(0, &["apply", "--yes", "--format", "json", "--target", "aws/prod-payments"])
        .document("trueup.apply/v1");
    let mut applied = addresses(&json["outcomes"]);
    applied.sort_unstable();
    assert_eq!(applied, ["aws/prod-payments", "tag/prod/payments"]);
    assert_eq!(simulator.object("aws", "prod-web")["runFrequency"], 120, "not a target, not touched");
    let rest = folder.expect(2, &["plan", "--detailed-exitcode"]);
    assert!(rest.stdout.contains("Plan: 6 to create, 3 to update"), "{rest}");
}

#[test]
fn a_tag_that_exists_nowhere_fails_its_connector_alone_and_by_name() {
    let folder = Folder::simulated(&ONE.replace(
        "connectors:\n  aws:",
        "connectors:\n  aws:
    - {name: lost, arn: \"arn:aws:iam::222222222222:role/QualysConnector\", external_id: US1-1368984-12121212, tags: [nowhere]}",
    ));
    let simulator = Simulator::beside(&folder, &[]);
    let plan = folder.expect(1, &["plan"]);
    let line = plan.stdout.lines().find(|line| line.contains("nowhere")).unwrap_or_else(|| panic!("{plan}"));
    assert!(line.contains("aws/lost"), "{plan}");

    let ended = folder.expect(1, &["apply", "--yes", "--format", "json"]);
    let json = ended.document("trueup.apply/v1");
    let mut applied = addresses(&json["outcomes"]);
    applied.sort_unstable();
    assert_eq!(applied, ["aws/one", "tag/cli"], "{ended}");
    let names: Vec<Value> =
        simulator.objects("aws").into_iter().map(|object| object["name"].clone()).collect();
    assert!(names.contains(&json!("one")) && !names.contains(&json!("lost")), "{names:?}");
    // What was done stays done: only the lost one is left.
    let again = folder.expect(1, &["apply", "--yes", "--format", "json"]);
    assert_eq!(again.document("trueup.apply/v1")["outcomes"], json!([]), "{again}");
}

// The command line itself.

#[test]
fn help_and_version_are_data_and_mistakes_are_64() {
    let folder = Folder::example();
    let version = folder.expect(0, &["--version"]);
    assert_eq!(version.stdout, format!("trueup {}\n", env!("CARGO_PKG_VERSION")));
    for args in [
        &["--help"][..],
        &["plan", "--help"],
        &["apply", "-h"],
        &["run", "--help"],
        &["sync", "--help"],
        &["simulate", "--help"],
    ] {
        let help = folder.expect(0, args);
        assert!(help.stdout.contains("Usage: trueup"), "{args:?}: {help}");
        assert_eq!(help.stderr, "", "{args:?}");
    }
    for args in [
        &["--no-such-flag"][..],
        &[],
        &["paln"],
        &["plan", "--format", "yaml"],
        &["plan", "-q", "-v"],
        &["plan", "extra"],
        &["run", "--yes"],
        &["simulate", "--option", "no_such=1"],
        &["simulate", "--option", "latency_ms"],
        &["simulate", "--generate", "aws"],
        &["template"],
        &["template", "aws", "--capability", "AI"],
        &["template", "aws", "--external-id", "US1-1368984-11213331"],
        &["template", "aws", "--capability", "VM", "--external-id", "US1-1368984-11213331"],
        &["template", "aws", "--capability", "AI", "--external-id", "with space"],
        &["template", "aws", "--capability", "AI", "--external-id", "US1-1368984-11213331", "--cloud", "eu"],
        &["template", "aws", "--capability", "AI", "--external-id", "US1-1368984-11213331", "--force"],
        &["template", "azure"],
        &["sync"],
    ] {
        let wrong = folder.expect(64, args);
        assert_eq!(wrong.stdout, "", "{args:?}");
        assert_ne!(wrong.stderr, "", "{args:?}");
    }
}

#[test]
fn a_file_that_is_missing_is_78_and_named() {
    let folder = Folder::example();
    for command in [&["plan"][..], &["apply", "--yes"], &["validate"], &["run"]] {
        let ended = folder.expect(78, &[command, &["-c", "none.yaml"]].concat());
        assert!(ended.stderr.contains("none.yaml"), "{command:?}: {ended}");
    }
}

#[test]
fn config_yaml_in_the_working_folder_is_the_default() {
    let folder = Folder::example();
    let valid = folder.expect(0, &["validate"]);
    assert!(valid.stdout.starts_with("config.yaml: valid · 16 objects, 1 file, "), "{valid}");
}

#[test]
fn quiet_says_only_what_is_wrong_and_verbose_says_more() {
    let folder = Folder::example();
    assert_eq!(folder.expect(0, &["plan", "-q"]).stderr, "");
    let verbose =
        [&["plan", "-v"][..], &["plan", "-vv"], &["-vvv", "plan"]].map(|args| folder.expect(0, args).stderr);
    for stderr in &verbose {
        assert!(stderr.contains("reconcile_started") && stderr.contains("plan_computed"), "{stderr}");
    }
    assert!(verbose[0].lines().count() < verbose[1].lines().count(), "{}", verbose[1]);
    let quiet = folder.expect(0, &["plan", "-q"]);
    let loud = folder.expect(0, &["plan", "-vv"]);
    assert_eq!(quiet.stdout, loud.stdout, "the plan is data");
}

#[test]
fn colour_is_used_only_where_it_is_asked_for() {
    let folder = Folder::example();
    for (args, variables, colourful) in [
        (&["plan", "-v"][..], &[][..], false),
        (&["plan", "-v", "--color", "auto"], &[], false),
        (&["plan", "-v", "--color", "never"], &[], false),
        (&["plan", "-v", "--color", "always"], &[], true),
        (&["plan", "-v"], &[("NO_COLOR", "1")], false),
        (&["plan", "-v"], &[("CLICOLOR_FORCE", "1")], false),
        // Who names a flag means it.
        (&["plan", "-v", "--color", "always"], &[("NO_COLOR", "1")], true),
        (&["plan", "-v", "--color", "always", "--format", "json"], &[], false),
        (&["--help"], &[], false),
        (&["--no-such-flag"], &[], false),
    ] {
        let mut command = folder.command(args);
        command.envs(variables.iter().copied());
        let ended = end(command);
        assert_eq!(ended.stdout.contains('\x1b'), colourful, "{args:?} {variables:?}: {ended}");
        if !args.contains(&"json") {
            assert_eq!(ended.stderr.contains('\x1b'), colourful, "{args:?} {variables:?}: {ended}");
        }
    }
}

// The simulator.

#[test]
fn the_first_line_of_simulate_is_its_url_and_a_port_that_is_taken_is_1() {
    let folder = Folder::with("");
    let first = Simulator::start(&folder, &["--generate", "aws=20,tag=3"]);
    assert_eq!(first.objects("aws").len(), 23, "three of the example, twenty generated");
    let address = first.url.strip_prefix("http://").unwrap();
    let second = folder.expect(1, &["simulate", "--listen", address]);
    assert_eq!(second.stdout, "");
    assert!(second.stderr.contains(&format!("could not listen on {address}")), "{second}");
    assert_eq!(second.stderr.lines().count(), 1, "{second}");
    let unknown = folder.expect(1, &["simulate", "--listen", "127.0.0.1:0", "--generate", "cats=2"]);
    assert!(unknown.stderr.contains("cats"), "{unknown}");
    first.stop();
}

#[test]
fn what_the_simulator_keeps_outlives_it() {
    let folder = Folder::simulated(ONE);
    folder.expect(0, &["apply", "--yes"]);
    let simulator = Simulator::beside(&folder, &[]);
    assert_eq!(simulator.object("aws", "one")["externalId"], "US1-1368984-11111111");
    // A second one would write the same file.
    let state = folder.path("trueup-simulator.json");
    let second =
        folder.expect(1, &["simulate", "--listen", "127.0.0.1:0", "--state", state.to_str().unwrap()]);
    assert!(second.stderr.contains("another simulator serves it"), "{second}");
    simulator.stop();
    folder.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn the_last_word_of_the_headline_is_what_this_run_will_do() {
    for policy in ["dry-run", "enforce"] {
        let folder =
            Folder::simulated(&format!("reconcile: {{policy: {policy}}}\ntags: [{{name: fresh}}]\n"));
        let headline = |args: &[&str]| {
            let ended = folder.expect(0, args);
            ended
                .stdout
                .lines()
                .next()
                .unwrap_or_default()
                .rsplit(" · ")
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        assert_eq!(headline(&["plan"]), "dry-run", "plan writes nothing, whatever the policy");
        assert_eq!(headline(&["apply", "--yes"]), "apply", "apply writes, whatever the policy");
    }
}
