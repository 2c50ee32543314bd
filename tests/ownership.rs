//! Whose an object is: adopted, taken over, released, and protected beyond its entry in the file.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/bin.rs"]
mod bin;

use bin::{Folder, Simulator};
use serde_json::{Value, json};

const TWO: &str = "
reconcile: {owner: cloudsec, prune: owned}
connectors:
  aws:
    - {name: one, arn: 'arn:aws:iam::111111111111:role/Q', external_id: US1-1368984-11111111}
    - {name: two, arn: 'arn:aws:iam::222222222222:role/Q', external_id: US1-1368984-22222222, description: Second}
";

/// Two connectors that somebody else made, just as the file wants them.
fn made_by_somebody() -> (Folder, Simulator) {
    let folder = Folder::simulated(TWO);
    let simulator = Simulator::beside(&folder, &[]);
    for (name, account, suffix) in [("one", "111111111111", "11111111"), ("two", "222222222222", "22222222")]
    {
        let arn = format!("arn:aws:iam::{account}:role/Q");
        let mut fields = json!({"name": name, "arn": arn, "externalId": format!("US1-1368984-{suffix}")});
        if name == "two" {
            fields["description"] = "Second".into();
        }
        simulator.make("aws", &fields);
    }
    simulator.take_requests();
    (folder, simulator)
}

fn description(simulator: &Simulator, name: &str) -> String {
    simulator.object("aws", name)["description"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_is_adopted_bears_the_mark_and_is_otherwise_as_it_was() {
    let (folder, simulator) = made_by_somebody();
    let before = simulator.object("aws", "two");
    let adopted = folder.expect(0, &["adopt", "aws/one", "aws/two"]);
    assert!(adopted.stdout.contains("aws/one") && adopted.stdout.contains("2 adopted"), "{adopted}");
    assert_eq!(description(&simulator, "one"), "[trueup:cloudsec]");
    assert_eq!(description(&simulator, "two"), "Second [trueup:cloudsec]");
    let after = simulator.object("aws", "two");
    assert_eq!(without_marks(&[after]), without_marks(&[before]));
    assert_eq!(simulator.writes().len(), 2, "{:#?}", simulator.writes());
    folder.expect(0, &["plan", "--detailed-exitcode"]);
    let history = folder.expect(0, &["history", "--address", "aws/two"]);
    for part in ["~ aws/two", "applied", " adopt ", "Second", "[trueup:cloudsec]"] {
        assert!(history.stdout.contains(part), "{part}: {history}");
    }
    let again = folder.expect(0, &["adopt", "aws/one"]);
    assert!(again.stdout.contains("unchanged"), "{again}");
    assert_eq!(simulator.writes().len(), 2, "what is ours already is not written");
}

#[test]
fn what_was_adopted_is_pruned_and_what_was_released_is_left_alone() {
    let (folder, simulator) = made_by_somebody();
    folder.expect(0, &["adopt", "--all"]);
    let released = folder.expect(0, &["release", "aws/two"]);
    assert!(released.stdout.contains("1 released"), "{released}");
    assert_eq!(description(&simulator, "two"), "Second");
    folder.expect(0, &["plan", "--detailed-exitcode"]);
    folder.write("config.yaml", &format!("{}reconcile: {{owner: cloudsec, prune: owned}}\nconnectors: {{aws: [{{name: other, arn: 'arn:aws:iam::333333333333:role/Q', policy: observe}}]}}\n", bin::HEAD));
    let plan = folder.expect(0, &["plan", "--format", "json"]).json();
    let deletes: Vec<&Value> =
        plan["changes"].as_array().unwrap().iter().filter(|change| change["action"] == "delete").collect();
    assert_eq!(deletes.len(), 1, "{plan:#}");
    assert_eq!(deletes[0]["address"], "aws/one");
    // Also where no journal knows of it: the mark says so.
    std::fs::remove_file(folder.path("trueup.db")).unwrap();
    let plan = folder.expect(0, &["plan", "--format", "json"]).json();
    assert!(
        plan["changes"].to_string().contains("aws/one") && !plan["changes"].to_string().contains("aws/two")
    );
}

#[test]
fn another_owners_object_is_taken_over_only_when_its_owner_is_named() {
    let (folder, simulator) = made_by_somebody();
    simulator.set("aws", "one", &json!({"description": "First [trueup:network]"}));
    let refused = folder.expect(1, &["adopt", "aws/one", "aws/two"]);
    assert!(refused.stdout.contains("owned by network: --from network takes it over"), "{refused}");
    assert!(refused.stdout.contains("1 adopted, 1 refused"), "{refused}");
    assert_eq!(description(&simulator, "one"), "First [trueup:network]");
    let foreign = folder.expect(1, &["release", "aws/one"]);
    assert!(foreign.stdout.contains("owned by network"), "{foreign}");
    let all = folder.expect(0, &["adopt", "--all"]);
    assert!(all.stdout.contains("nothing to do"), "only what nobody has marked: {all}");
    // The file leaves the description out: that it is another's is no difference.
    let taken = folder.expect(0, &["adopt", "--from", "network", "--format", "json"]).json();
    assert_eq!(
        taken,
        json!({"format": "trueup.adopt/v1", "exit": 0, "objects": [
            {"address": "aws/one", "id": taken["objects"][0]["id"], "outcome": "adopted", "reason": null}]})
    );
    assert_eq!(description(&simulator, "one"), "First [trueup:cloudsec]");
}

#[test]
fn what_cannot_be_adopted_is_said_with_its_reason() {
    let (folder, simulator) = made_by_somebody();
    simulator.make(
        "aws",
        &json!({"name": "foreign", "arn": "arn:aws:iam::444444444444:role/Q", "externalId": "US1-1368984-44444444"}),
    );
    folder.edit("name: one, arn: 'arn:aws:iam::111111111111", "name: one, arn: 'arn:aws:iam::555555555555");
    for (args, code, told) in [
        (&["adopt", "aws/one"][..], 1, "not live yet"),
        (&["adopt", "aws/foreign"][..], 1, "the file does not name it"),
        (&["adopt", "aws/nowhere"][..], 64, "no such object: aws/nowhere"),
        (&["adopt"][..], 64, "required"),
        (&["adopt", "aws/one", "--all"][..], 64, "cannot be used with"),
    ] {
        let ended = folder.expect(code, args);
        assert!(format!("{ended}").contains(told), "{args:?}: {ended}");
    }
    folder.edit("owner: cloudsec, prune: owned", "prune: never");
    let nobody = folder.expect(64, &["adopt", "aws/two"]);
    assert!(nobody.stderr.contains("set reconcile.owner"), "{nobody}");
    assert_eq!(simulator.writes(), Vec::<Value>::new());
}

#[test]
fn a_mark_that_the_platform_refuses_or_loses_is_said() {
    let (folder, simulator) = made_by_somebody();
    simulator.fault(&json!({"kind": "status", "status": 403, "path": "/update/am/", "times": 0}));
    let refused = folder.expect(1, &["adopt", "aws/one"]);
    assert!(refused.stdout.contains("failed") && refused.stdout.contains("403"), "{refused}");
    simulator.end_faults();
    // The answer is lost, the mark is there.
    simulator.fault(&json!({"kind": "lost", "path": "/update/am/", "times": 0}));
    let adopted = folder.expect(0, &["adopt", "aws/one"]);
    assert!(adopted.stdout.contains("1 adopted"), "{adopted}");
    assert_eq!(description(&simulator, "one"), "[trueup:cloudsec]");
}

#[test]
fn every_kind_of_the_example_is_adopted_and_released_and_nothing_but_its_mark_changes() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    folder.expect(0, &["apply", "--yes"]);
    folder.edit("#owner: cloudsec ", "owner: cloudsec ");
    let unmarked = all_objects(&simulator);
    let adopted = folder.run(&["adopt", "--all"]);
    // A member of an organization connector refuses updates, and so the mark.
    assert_eq!(adopted.code, 1, "{adopted}");
    let refused: Vec<&str> = adopted.stdout.lines().filter(|line| line.starts_with('x')).collect();
    assert_eq!(refused.len(), 1, "{adopted}");
    assert!(refused[0].contains("azure/corp-data") && refused[0].contains("member of"), "{adopted}");
    for address in [
        "tag/prod ",
        "aws/prod-web ",
        "azure/corp-shared ",
        "gcp/analytics ",
        "oci/oracle-main ",
        "azure_organization/contoso ",
        "global_scan/global ",
        "registry_schedule/",
    ] {
        assert!(adopted.stdout.contains(address), "{address}: {adopted}");
    }
    // What this apply made is known to the journal; it has no description to bear a mark.
    assert!(adopted.stdout.contains("11 adopted, 2 unchanged, 1 refused"), "{adopted}");
    let marked = all_objects(&simulator);
    assert_same(&marked, &unmarked);
    let bear = marked.iter().filter(|object| object.to_string().contains("[trueup:cloudsec]")).count();
    assert_eq!(bear, 11, "{marked:#?}");
    let plan = folder.expect(0, &["plan", "--detailed-exitcode"]);
    assert!(plan.stdout.contains("in sync"), "{plan}");

    let addresses: Vec<String> = adopted
        .stdout
        .lines()
        .filter(|line| line.contains(" adopted "))
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    let mut args = vec!["release"];
    args.extend(addresses.iter().map(String::as_str));
    folder.expect(0, &args);
    let released = all_objects(&simulator);
    assert_same(&released, &unmarked);
    assert!(!json!(released).to_string().contains("[trueup:"), "{released:#?}");
    folder.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn prevent_delete_said_later_is_written_into_the_mark_by_adopt_and_outlives_the_entry() {
    let (folder, simulator) = made_by_somebody();
    folder.expect(0, &["adopt", "--all"]);
    folder.edit("description: Second}", "description: Second, prevent_delete: true}");
    let plan = folder.expect(0, &["plan", "--detailed-exitcode"]);
    assert!(plan.stdout.contains("in sync"), "{plan}");
    assert!(
        plan.stdout.contains("aws/two: prevent_delete") && plan.stdout.contains("trueup adopt aws/two"),
        "{plan}"
    );
    folder.expect(0, &["adopt", "aws/two"]);
    assert_eq!(description(&simulator, "two"), "Second [trueup:cloudsec!]");
    let plan = folder.expect(0, &["plan"]);
    assert!(!plan.stdout.contains("prevent_delete"), "{plan}");
    // Somebody else, without our journal, has dropped the entry.
    std::fs::remove_file(folder.path("trueup.db")).unwrap();
    let text = folder.read("config.yaml");
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("name: two")).collect();
    folder.write("config.yaml", &kept.join("\n"));
    let plan = folder.expect(0, &["plan"]);
    assert!(plan.stdout.contains("prevent_delete: true stood in the file"), "{plan}");
}

/// All that the simulator keeps.
fn all_objects(simulator: &Simulator) -> Vec<Value> {
    let all = simulator.control("GET", "objects", &Value::Null)["objects"].as_array().unwrap().clone();
    all.into_iter().map(|mut shown| shown["object"].take()).collect()
}

/// The same objects, marks aside.
#[track_caller]
fn assert_same(found: &[Value], wanted: &[Value]) {
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in without_marks(found).iter().zip(without_marks(wanted)) {
        assert_eq!(*found, wanted);
    }
}

/// The objects, their descriptions cut before a mark; what a write starts on the platform is left out.
fn without_marks(objects: &[Value]) -> Vec<Value> {
    let unmarked = |object: &Value| {
        let text = object["description"].as_str().unwrap_or_default();
        let text = text.split("[trueup:").next().unwrap().trim_end().to_owned();
        let mut object = object.clone();
        object["description"] = text.into();
        let fields = object.as_object_mut().unwrap();
        let moved = [
            "connectorState",
            "state",
            "lastSync",
            "lastSynced",
            "lastSuccessfulSync",
            "nextSync",
            "lastError",
            "errors",
            "modified",
        ];
        fields.retain(|field, _| !moved.contains(&field.as_str()));
        object
    };
    objects.iter().map(unmarked).collect()
}
