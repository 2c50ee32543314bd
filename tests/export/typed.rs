//! As it is typed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::bin::{Folder, HEAD, Simulator, end};

/// What is in the file is valid, and plans to no change.
#[track_caller]
fn check_file(folder: &Folder, file: &str) {
    folder.expect(0, &["validate", "-c", file]);
    let plan = folder.expect(0, &["plan", "-c", file, "--detailed-exitcode"]);
    assert!(plan.stdout.starts_with("simulator: in sync · "), "{plan}\n{}", folder.read(file));
}

#[test]
fn the_example_is_exported_before_and_after_it_is_applied() {
    let folder = Folder::example();
    let before = folder.expect(0, &["export"]);
    assert_eq!(before.stderr, "");
    assert!(!folder.path("trueup.db").exists(), "nothing is remembered");
    folder.write("before.yaml", &before.stdout);
    check_file(&folder, "before.yaml");
    folder.expect(0, &["apply", "--yes"]);
    let after = folder.expect(0, &["export", "--output", "after.yaml"]);
    assert_eq!(after.stderr, "");
    let said = " secrets to fill in, 3 fields left out, 1 object as comments; its first lines list them\n";
    assert!(after.stdout.starts_with("after.yaml: ") && after.stdout.ends_with(said), "{after}");
    let told = folder.read("after.yaml");
    for line in [
        "#   AZURE_CORP_SHARED_AUTHENTICATION_KEY: authentication_key of azure/corp-shared\n",
        "      authentication_key: {env: AZURE_CORP_SHARED_AUTHENTICATION_KEY}\n",
        "    tenant_name: FILL-IN\n",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    check_file(&folder, "after.yaml");
    // What the journal alone knows is for a person to judge.
    for known in [
        "# snapshot_scan:\n#   # Not exported (snapshot_scan/951234567875, id ",
        "#   schedule: \"0 0 2 ? * * *\"\n",
    ] {
        assert!(told.contains(known), "{known}\n{told}");
    }
    let elsewhere = Folder::with(&told);
    fs::copy(folder.path("trueup-simulator.json"), elsewhere.path("trueup-simulator.json")).unwrap();
    check_file(&elsewhere, "config.yaml");
    // The same objects, so the same file, whichever file told where they are.
    let again = folder.expect(0, &["export", "-c", "after.yaml"]);
    assert_eq!(again.stdout, folder.read("after.yaml"));
    assert_ne!(again.stdout, before.stdout);
}

#[test]
fn what_was_exported_shows_what_changes_from_then_on() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    folder.expect(0, &["export", "--output", "live.yaml"]);
    simulator.set("aws", "sandbox", &json!({"name": "no: \"sand\" #box\u{202e}"}));
    let plan = folder.expect(2, &["plan", "-c", "live.yaml", "--detailed-exitcode"]);
    assert!(plan.stdout.contains("→ sandbox"), "{plan}");
    folder.expect(0, &["export", "-o", "live.yaml", "--force"]);
    check_file(&folder, "live.yaml");
    assert_eq!(simulator.writes(), [Value::Null; 0]);
}

#[test]
fn a_file_that_is_there_is_overwritten_by_force_alone_and_keeps_its_mode() {
    let folder = Folder::example();
    let mode = || fs::metadata(folder.path("live.yaml")).unwrap().permissions().mode() & 0o777;
    folder.expect(0, &["export", "--output", "live.yaml"]);
    assert_eq!(mode(), 0o600);
    folder.write("live.yaml", "precious");
    let refused = folder.expect(1, &["export", "--output", "live.yaml"]);
    let said = "error: live.yaml exists already\nhint: name another file, or pass --force\n";
    assert_eq!(refused.stderr, said);
    assert_eq!(folder.read("live.yaml"), "precious");
    fs::set_permissions(folder.path("live.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    folder.expect(0, &["export", "--output", "live.yaml", "--force"]);
    assert_eq!(mode(), 0o640);
    check_file(&folder, "live.yaml");
    folder.expect(1, &["export", "--output", ".", "--force"]);
    folder.expect(1, &["export", "--output", "nowhere/live.yaml"]);
    let shown = folder.expect(0, &["export", "--out", "-"]);
    assert_eq!(shown.stdout, folder.read("live.yaml"));
    let left: Vec<_> = fs::read_dir(folder.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".tmp")), "{left:?}");
}

#[test]
fn kinds_and_objects_can_be_chosen() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    for (args, has, lacks) in [
        (&["--kind", "tag"][..], "- name: unused", "arn:"),
        (&["--kind", "aws"], "- name: sandbox", "tags:\n  - name"),
        (&["--kind", "aws", "tag"], "- name: sandbox", "no such thing"),
        (&["--target", "aws/prod-web"], "tags:\n        - prod\n        - prod/web\n", "sandbox"),
        (&["--target", "tag/prod/web", "aws/sandbox"], "parent: prod", "prod-web"),
    ] {
        let export = folder.expect(0, &[&["export"], args].concat());
        assert!(export.stdout.contains(has) && !export.stdout.contains(lacks), "{args:?} {export}");
        folder.write("some.yaml", &export.stdout);
        check_file(&folder, "some.yaml");
    }
    let shop = "registry_schedule/88888888-8888-4888-8888-888888888888";
    let id = "5c4e0000-0000-4000-8000-000000000001";
    simulator.make(
        "registry_schedule",
        &json!({"name": "theirs", "onDemand": false, "scheduleUuid": id,
        "filters": [{"repoTags": [{"repo": "web"}]}]}),
    );
    for args in [&["--kind", "registry_schedule"][..], &["--target", &format!("{shop}/#{id}")]] {
        let export = folder.expect(0, &[&["export"], args].concat());
        folder.write("some.yaml", &export.stdout);
        check_file(&folder, "some.yaml");
        assert!(
            export.stdout.contains("      # Known as shop.\n      schedules:\n        - name: FILL-IN-5c4e"),
            "{export}"
        );
    }
    let untold = folder.expect(0, &["export", "--kind", "snapshot_scan"]);
    let said = "#   snapshot_scan: the platform does not tell what there is; declare it by hand\n";
    assert!(untold.stdout.contains(said) && untold.stderr.is_empty(), "{untold}");
    let unknown = folder.expect(64, &["export", "--target", "aws/sandbox", "aws/nobody", "tag/Cloud Agent"]);
    assert!(unknown.stderr.starts_with("error: no such object: aws/nobody\n"), "{unknown}");
    assert_eq!(unknown.stdout, "");
    for wrong in [&["--kind", "lambda"][..], &["--kind", "aws", "--target", "aws/sandbox"], &["--force"]] {
        folder.expect(64, &[&["export"], wrong].concat());
    }
}

#[test]
fn what_cannot_be_read_fails_the_command_and_costs_nothing_else() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    simulator.fault(&json!({"path": "aws", "kind": "status", "status": 403, "times": 100_000}));
    let partly = folder.expect(1, &["export"]);
    assert!(partly.stderr.starts_with("warning: aws could not be read: "), "{partly}");
    assert!(partly.stdout.contains("# Could not be read, and is missing here:\n#   aws: "), "{partly}");
    simulator.end_faults();
    folder.write("some.yaml", &partly.stdout);
    check_file(&folder, "some.yaml");
    simulator.fault(&json!({"path": "/", "kind": "status", "status": 403, "times": 100_000}));
    let nothing = folder.expect(1, &["export", "--output", "nothing.yaml"]);
    assert!(nothing.stderr.contains("error: nothing could be read, nothing was written\n"), "{nothing}");
    assert!(!folder.path("nothing.yaml").exists());
}

#[test]
fn what_the_subscription_lacks_is_missed_only_where_it_is_asked_for() {
    let folder = Folder::simulated("");
    let simulator = Simulator::beside(&folder, &[]);
    simulator.options(&json!({"container_security": "off"}));
    let whole = folder.expect(0, &["export", "--output", "live.yaml"]);
    let warning = "warning: there seems to be no registry_schedule: could not list registries: HTTP 404: ";
    assert!(whole.stderr.starts_with(warning) && whole.stderr.lines().count() == 1, "{whole}");
    check_file(&folder, "live.yaml");
    let asked = folder.expect(1, &["export", "--kind", "aws", "registry_schedule"]);
    assert!(asked.stderr.starts_with("warning: registry_schedule could not be read: "), "{asked}");
    folder.write("named.yaml", &format!("{HEAD}container_security: {{registries: []}}\n"));
    folder.expect(1, &["export", "-c", "named.yaml"]);
    // Nothing at all is no subscription.
    simulator.fault(&json!({"path": "/", "kind": "status", "status": 404, "times": 100_000}));
    folder.expect(1, &["export"]);
}

#[test]
fn the_credentials_stay_references() {
    let folder = Folder::example();
    let simulator = Simulator::start(&folder, &["--username", "acme_ab1", "--password", "pa55-w0rd+Zx"]);
    let url = &simulator.url;
    folder.write("password.txt", "pa55-w0rd+Zx\n");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(folder.path("password.txt"), private).unwrap();
    folder.write(
        "config.yaml",
        &format!(
            "version: 1\nplatform: {{api_url: \"{url}\", username: {{env: WHO}}, password: {{file: password.txt}}}}\n\
             reconcile: {{policy: enforce}}\n"
        ),
    );
    let mut command = folder.command(&["export"]);
    command.env("WHO", "acme_ab1");
    let export = end(command);
    assert_eq!((export.code, export.stderr.as_str()), (0, ""), "{export}");
    assert!(!export.stdout.contains("pa55") && !export.stdout.contains("acme_ab1"), "{export}");
    let file = folder.path("password.txt");
    let platform = format!(
        "platform:\n  api_url: {url}/\n  username: {{env: WHO}}\n  password: {{file: {}}}\n\nreconcile:\n  policy: dry-run\n",
        file.display()
    );
    assert!(export.stdout.contains(&platform), "{export}");
}
