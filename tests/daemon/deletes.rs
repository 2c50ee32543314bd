//! When it deletes: only what an unchanged file has wanted for a while, and nothing of an include that lost its entries.

use super::*;

const OWNED: &str = "tags: [{name: keep}]\ninclude: [conf.d/*.yaml]\n";

fn settings(more: &str) -> String {
    format!("reconcile: {{owner: sec, prune: owned, policy: enforce, every: 1h{more}}}\n{OWNED}")
}

fn entry(name: &str, account: u32) -> String {
    let arn = format!("arn:aws:iam::{account:012}:role/Q");
    format!("connectors: {{aws: [{{name: {name}, arn: \"{arn}\", external_id: US1-1368984-11111111}}]}}\n")
}

/// A folder with three connectors in three files, and its platform.
#[track_caller]
fn with_three(more: &str) -> (Folder, Simulator) {
    let (folder, simulator) = with_platform(&settings(more), &[]);
    for (name, account) in [("one", 1), ("two", 2), ("three", 3)] {
        folder.write(&format!("conf.d/{name}.yaml"), &entry(name, account));
    }
    (folder, simulator)
}

/// Why each delete of the last plan is held.
#[track_caller]
fn held(daemon: &Daemon) -> Vec<(String, String)> {
    let plan = plan_over_http(daemon);
    let rows = plan["changes"].as_array().unwrap().iter().filter(|change| change["action"] == "delete");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rows.map(|change| (text(&change["address"]), text(&change["held"]))).collect()
}

fn ours(simulator: &Simulator) -> usize {
    let named = |object: &Value| ["one", "two", "three"].iter().any(|name| object["name"] == *name);
    simulator.objects("aws").iter().filter(|object| named(object)).count()
}

#[test]
fn files_that_vanish_for_a_while_cost_nothing_whoever_looks_meanwhile() {
    let (folder, simulator) = with_three(", delete_after: 0s");
    let mut daemon = Daemon::start(&folder);
    assert_eq!(daemon.finish_pass()["outcome"], "applied", "{:#?}", daemon.events());
    assert_eq!(ours(&simulator), 3);

    let away = || fs::rename(folder.path("conf.d"), folder.path("conf.away")).unwrap();
    let back = || fs::rename(folder.path("conf.away"), folder.path("conf.d")).unwrap();
    let why = "conf.d/*.yaml gave entries before and gives none: held until it does again, or is no longer named in include";
    away();
    assert_eq!(daemon.next("plan_computed")["delete"], 0);
    daemon.finish_pass();
    let all = ["aws/one", "aws/three", "aws/two"].map(|address| (address.to_owned(), why.to_owned()));
    assert_eq!(held(&daemon), all);
    let said = |event: &Value| event["message"].to_string().contains("conf.d/*.yaml gave entries before");
    assert!(daemon.named("warning").iter().any(said), "{:#?}", daemon.named("warning"));
    back();
    assert_eq!(daemon.finish_pass()["outcome"], "in_sync");

    // The same over a restart, and where a person applies.
    away();
    daemon.finish_pass();
    daemon.stop();
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    assert_eq!(held(&daemon), all);
    let applied = folder.expect(0, &["apply", "--yes"]);
    assert!(applied.stdout.contains("gave entries before and gives none"), "{applied}");
    assert_eq!(ours(&simulator), 3);

    // No longer named: that is meant.
    folder.edit("include: [conf.d/*.yaml]\n", "");
    daemon.next("plan_computed");
    daemon.finish_pass();
    assert_eq!(ours(&simulator), 0, "{:#?}", daemon.events());
    daemon.stop();
}

#[test]
fn a_delete_waits_until_the_file_has_wanted_it_for_a_while_and_is_then_made_without_being_asked() {
    let (folder, simulator) = with_three(", delete_after: 3s");
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    fs::remove_file(folder.path("conf.d/one.yaml")).unwrap();
    assert_eq!(daemon.next("plan_computed")["delete"], 0);
    daemon.finish_pass();
    let rows = held(&daemon);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(
        rows[0].1.starts_with("not before 20") && rows[0].1.ends_with("for 3s (reconcile.delete_after)"),
        "{rows:?}"
    );
    assert_eq!(ours(&simulator), 3);

    let started = daemon.next("reconcile_started");
    assert_eq!(started["trigger"], "schedule", "long before the interval is over");
    assert_eq!(daemon.next("change_applied")["address"], "aws/one");
    daemon.finish_pass();
    assert_eq!(ours(&simulator), 2);

    // Whoever applies is there, and need not wait.
    fs::remove_file(folder.path("conf.d/two.yaml")).unwrap();
    daemon.next("plan_computed");
    daemon.finish_pass();
    let plan = folder.expect(2, &["plan", "--detailed-exitcode"]);
    assert!(plan.stdout.contains("1 to delete"), "{plan}");
    daemon.stop();
    folder.expect(0, &["apply", "--yes"]);
    assert_eq!(ours(&simulator), 1);
}

#[test]
fn a_file_that_changes_meanwhile_has_to_want_a_delete_anew() {
    let (folder, simulator) = with_three(", delete_after: 1h");
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    fs::remove_file(folder.path("conf.d/one.yaml")).unwrap();
    daemon.next("plan_computed");
    daemon.finish_pass();
    let first = held(&daemon);
    daemon.pass();
    assert_eq!(held(&daemon), first, "the time does not begin anew with each pass");
    // Times are told to the second.
    let mut edit = 0;
    bin::until("a later time", || {
        edit += 1;
        folder.write("conf.d/two.yaml", &format!("# comment {edit}\n{}", entry("two", 2)));
        daemon.next("plan_computed");
        daemon.finish_pass();
        let now = held(&daemon);
        if now == first { Err(now) } else { Ok(()) }
    });
    assert_eq!(ours(&simulator), 3);
    daemon.stop();
}

#[test]
fn a_section_that_appears_deletes_nothing_in_the_pass_that_first_sees_it() {
    let head = "reconcile: {prune: all, policy: enforce, every: 1h, delete_after: 0s, max_deletes: 50}\ntags: [{name: keep}]\n";
    let (folder, simulator) = with_platform(head, &[]);
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    let before = simulator.objects("aws").len();
    assert!(before > 0);
    folder.write("config.yaml", &format!("{}connectors: {{aws: []}}\n", folder.read("config.yaml")));
    daemon.next("config_loaded");
    daemon.finish_pass();
    let first_time = "the file names this kind for the first time: deletes wait for the next pass";
    let rows = held(&daemon);
    assert_eq!((rows.len(), simulator.objects("aws").len()), (before, before), "{rows:?}");
    assert!(rows.iter().all(|(_, why)| why == first_time), "{rows:?}");
    daemon.pass();
    assert_eq!(simulator.objects("aws").len(), 0, "{:#?}", daemon.events());
    daemon.stop();
}
