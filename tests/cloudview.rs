//! The connectors of one subscription through CloudView v1 and through Connectors 3.0: the same file, the same
//! addresses, actions and fields. Run with the real program against one simulator, which speaks both.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/bin.rs"]
mod bin;

use bin::{Ended, Folder, Simulator};
use serde_json::{Value, json};

const PEM: &str =
    "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5IG9mIGFueXRoaW5nIGF0IGFsbA==\n-----END PRIVATE KEY-----\n";
const V1: &str = "/cloudview-api/rest/v1";

/// One connector of each cloud, none of which the simulator's example has.
const CONNECTORS: &str = "connectors:
  aws:
    - {name: night shift, description: Orders, arn: \"arn:aws:iam::222233334444:role/Reader\",
       external_id: US1-1368984-77777, run_frequency: 4h, remediation: false}
  azure:
    - {name: corp, description: Shared, subscription_id: 0a0a0a0a-1111-4222-8333-444444444444,
       directory_id: 0b0b0b0b-1111-4222-8333-444444444444, application_id: 0c0c0c0c-1111-4222-8333-444444444444,
       authentication_key: {file: ./azure}, government: false, run_frequency: 4h, remediation: true}
  gcp:
    - {name: warehouse, description: Reports, project_id: warehouse-20311201, service_account_key: {file: ./gcp},
       run_frequency: 4h, enabled: false}
";

/// A folder, and a simulator that its commands join.
struct Scene {
    folder: Folder,
    simulator: Simulator,
    sections: String,
}

impl Scene {
    fn new(settings: &str) -> Scene {
        let folder = Folder::with("");
        let simulator = Simulator::beside(&folder, &["--option", "states=frozen"]);
        let scene = Scene { folder, simulator, sections: format!("{settings}{CONNECTORS}") };
        scene.write_azure("a-k3y-of-azure");
        scene.write_gcp("0123456789abcdef");
        scene
    }

    fn write_azure(&self, key: &str) {
        self.folder.write("azure", key);
    }

    fn write_gcp(&self, id: &str) {
        let file = json!({
            "type": "service_account", "project_id": "warehouse-20311201", "private_key_id": id, "private_key": PEM,
            "client_email": "reader@warehouse-20311201.iam.gserviceaccount.com", "client_id": "100000000000000000001",
            "auth_uri": "https://accounts.example.com/auth", "token_uri": "https://oauth.example.com/token",
            "auth_provider_x509_cert_url": "https://www.example.com/certs",
            "client_x509_cert_url": "https://www.example.com/x509/reader"
        });
        self.folder.write("gcp", &file.to_string());
    }

    #[track_caller]
    fn edit(&mut self, from: &str, to: &str) {
        assert_eq!(self.sections.matches(from).count(), 1, "{from:?} stands once in\n{}", self.sections);
        self.sections = self.sections.replace(from, to);
    }

    /// Runs with this back end, and with or without a journal.
    fn run(&self, platform: &str, journal: &str, args: &[&str]) -> Ended {
        self.folder.write(
            "config.yaml",
            &format!(
                "version: 1\nplatform: {{pod: simulator, {platform}}}\njournal: {journal}\nlisten: off\n{}",
                self.sections
            ),
        );
        self.folder.run(args)
    }

    #[track_caller]
    fn through_v1(&self, code: i32, args: &[&str]) -> Ended {
        let ended = self.run("connectors_api: cloudview", "./trueup.db", args);
        assert_eq!(ended.code, code, "trueup {}\n{ended}", args.join(" "));
        ended
    }

    /// The plan through either back end, without a journal: the same, but for ids and what v1 does not have.
    #[track_caller]
    fn plan_through_both(&self) -> Value {
        let [v1, v3] = ["cloudview", "v3"].map(|api| {
            let args = ["plan", "--format", "json", "--detailed-exitcode"];
            let ended = self.run(&format!("connectors_api: {api}"), "off", &args);
            let mut plan = ended.json();
            let connectors = |entry: &Value| {
                let address = entry["address"].as_str().unwrap();
                ["aws/", "azure/", "gcp/"].iter().any(|kind| address.starts_with(kind))
            };
            for list in ["changes", "unmanaged", "unverified", "unhealthy"] {
                let list = plan[list].as_array_mut().unwrap();
                list.retain(connectors);
                for entry in list {
                    entry["id"] = Value::Null;
                    entry.as_object_mut().unwrap().shift_remove("label");
                }
            }
            let keys = ["exit", "changes", "unmanaged", "unverified", "failed", "warnings", "blocked"];
            Value::from_iter(keys.map(|key| (key, plan[key].clone())))
        });
        assert_eq!(v1, v3);
        v1
    }

    #[track_caller]
    fn assert_in_sync(&self, case: &str) {
        self.through_v1(0, &["plan", "--detailed-exitcode"]);
        let plan = self.plan_through_both();
        assert_eq!((&plan["changes"], &plan["exit"]), (&json!([]), &json!(0)), "{case}: {plan:#}");
    }

    fn requests(&self) -> Vec<String> {
        let line = |request: &Value| {
            format!("{} {}", request["method"].as_str().unwrap(), request["path"].as_str().unwrap())
        };
        self.simulator.take_requests().iter().map(line).collect()
    }
}

/// `~aws/x run_frequency`, a line a change.
fn changes(plan: &Value) -> Vec<String> {
    let changes = plan["changes"].as_array().unwrap().iter();
    changes
        .map(|change| {
            let fields =
                change["fields"].as_array().unwrap().iter().map(|field| field["path"].as_str().unwrap());
            let (action, address) = (change["action"].as_str().unwrap(), change["address"].as_str().unwrap());
            format!("{action} {address}: {}", fields.collect::<Vec<_>>().join(" "))
        })
        .collect()
}

#[test]
fn the_same_file_plans_the_same_through_either_back_end_and_what_one_makes_is_in_sync_for_the_other() {
    let scene = Scene::new("");
    let plan = scene.plan_through_both();
    let actions: Vec<String> =
        changes(&plan).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(actions, ["create aws/night shift", "create azure/corp", "create gcp/warehouse"]);
    assert!(!plan["unmanaged"].as_array().unwrap().is_empty(), "the example's own are seen");
    scene.simulator.take_requests();
    scene.through_v1(0, &["apply", "--yes"]);
    let writes: Vec<String> = scene
        .requests()
        .into_iter()
        .filter(|line| !line.starts_with("GET") && line.contains("/gcp/"))
        .collect();
    assert_eq!(
        writes,
        [format!("POST {V1}/gcp/connectors"), format!("PATCH {V1}/gcp/connectors/connectors/disable")]
    );
    scene.assert_in_sync("after the create");
    // The same journal does for either. Connectors have other ids in the other, so that what it knows of their secrets
    // is found again by the one that wrote them alone.
    for (api, knows) in [("v3", false), ("cloudview", true)] {
        let ended = scene.run(
            &format!("connectors_api: {api}"),
            "./trueup.db",
            &["plan", "--format", "json", "--detailed-exitcode"],
        );
        assert_eq!(ended.code, 0, "{api}: {ended}");
        let plan = ended.json();
        assert_eq!((&plan["changes"], &plan["warnings"]), (&json!([]), &json!([])), "{api}: {ended}");
        assert_eq!(plan["unverified"].as_array().unwrap().is_empty(), knows, "{api}: {ended}");
    }
    let of = |kind: &str, name: &str| scene.simulator.object(kind, name);
    assert_eq!(of("azure", "corp")["authRecord"]["authenticationKey"], "a-k3y-of-azure");
    assert_eq!(of("gcp", "warehouse")["authRecord"]["private_key_id"], "0123456789abcdef");
    assert_eq!(of("gcp", "warehouse")["disabled"], true);
}

#[test]
fn every_field_is_updated_through_v1_however_the_platform_takes_a_part() {
    for (omitted, without_key) in [("kept", "kept"), ("reset", "refused")] {
        let mut scene = Scene::new("");
        scene
            .simulator
            .options(&json!({"cloudview_edit_omitted": omitted, "cloudview_edit_without_key": without_key}));
        scene.through_v1(0, &["apply", "--yes"]);
        for (from, to, change) in [
            ("name: night shift", "name: day shift", "aws/day shift: name"),
            ("description: Orders", "description: New orders", "aws/day shift: description"),
            ("222233334444:role/Reader", "222233334444:role/Other", "aws/day shift: arn"),
            ("US1-1368984-77777", "US1-1368984-88888", "aws/day shift: external_id"),
            (
                "run_frequency: 4h, remediation: false",
                "run_frequency: 90m, remediation: false",
                "aws/day shift: run_frequency",
            ),
            ("remediation: false", "remediation: true, enabled: false", "aws/day shift: remediation enabled"),
            ("true, enabled: false", "true, enabled: true", "aws/day shift: enabled"),
            ("name: corp", "name: corp two", "azure/corp two: name"),
            ("0b0b0b0b-1111", "0b0b0b0b-2222", "azure/corp two: directory_id"),
            ("0c0c0c0c-1111", "0c0c0c0c-2222", "azure/corp two: application_id"),
            ("description: Shared", "description: Shared by all", "azure/corp two: description"),
            ("name: warehouse", "name: ware house & more", "gcp/ware house & more: name"),
            ("description: Reports", "description: \"\"", "gcp/ware house & more: description"),
            (
                "run_frequency: 4h, enabled: false",
                "run_frequency: 24h, remediation: true, enabled: true",
                "gcp/ware house & more: run_frequency remediation enabled",
            ),
        ] {
            scene.edit(from, to);
            let plan = scene.plan_through_both();
            assert_eq!(changes(&plan), [format!("update {change}")], "{omitted}: {to}");
            scene.through_v1(0, &["apply", "--yes"]);
            scene.assert_in_sync(to);
        }
    }
}

#[test]
fn a_rotated_key_is_found_by_its_digest_and_sent() {
    let scene = Scene::new("");
    scene.through_v1(0, &["apply", "--yes"]);
    scene.write_azure("another-k3y");
    scene.write_gcp("fedcba9876543210");
    let plan = scene.through_v1(0, &["plan", "--format", "json"]).json();
    assert_eq!(
        changes(&plan),
        ["update azure/corp: authentication_key", "update gcp/warehouse: service_account_key"]
    );
    let ended = scene.through_v1(0, &["apply", "--yes", "-vv"]);
    assert!(!format!("{ended}").contains("another-k3y"), "{ended}");
    assert_eq!(scene.simulator.object("azure", "corp")["authRecord"]["authenticationKey"], "another-k3y");
    assert_eq!(
        scene.simulator.object("gcp", "warehouse")["authRecord"]["private_key_id"],
        "fedcba9876543210"
    );
    scene.assert_in_sync("rotated");
}

#[test]
fn drift_is_seen_and_undone() {
    let scene = Scene::new("");
    scene.through_v1(0, &["apply", "--yes"]);
    scene.simulator.set("aws", "night shift", &json!({"runFrequency": 60, "disabled": true}));
    scene.simulator.set("gcp", "warehouse", &json!({"description": "By hand"}));
    let ended = scene.through_v1(4, &["plan", "--format", "json", "--detailed-exitcode"]);
    let plan = ended.json();
    assert_eq!(
        changes(&plan),
        ["update aws/night shift: run_frequency", "update gcp/warehouse: description"]
    );
    assert!(plan["changes"].as_array().unwrap().iter().all(|change| change["cause"] == "drift"), "{ended}");
    scene.through_v1(0, &["apply", "--yes"]);
    scene.assert_in_sync("drift undone");
}

#[test]
fn what_the_file_does_not_name_is_deleted_one_by_one_in_the_form_that_the_platform_takes() {
    for (form, status, refusal) in [
        ("array", "200", "400"),
        ("object", "204", "400"),
        ("object", "200", "200"),
        ("either", "204", "400"),
    ] {
        let mut scene = Scene::new("reconcile: {prune: owned, owner: ops, max_change_percent: 100}\n");
        scene.simulator.options(&json!({"cloudview_delete_body": form, "cloudview_delete_status": status, "cloudview_bad_request": refusal}));
        scene.through_v1(0, &["apply", "--yes"]);
        let others = scene.simulator.objects("aws").len();
        scene.sections = scene.sections.replace(CONNECTORS, "connectors: {aws: [], azure: [], gcp: []}\n");
        // Nothing would be left: another entry stands for what stays.
        scene.sections.push_str("tags: [{name: stays}]\n");
        scene.simulator.take_requests();
        scene.through_v1(0, &["apply", "--yes"]);
        assert_eq!(scene.simulator.objects("aws").len(), others - 1, "{form}");
        let deletes = scene.requests().into_iter().filter(|line| line.starts_with("DELETE")).count();
        // The bare list is tried once by each connector that is deleted at the same time, before one has found out.
        assert!(
            if form == "object" { (4..=6).contains(&deletes) } else { deletes == 3 },
            "{form}: {deletes}"
        );
        let plan = scene.through_v1(0, &["plan", "--detailed-exitcode"]);
        assert!(plan.stdout.starts_with("simulator: in sync"), "{plan}");
    }
}

#[test]
fn a_connector_is_disabled_where_that_is_what_deleting_means() {
    let mut scene = Scene::new("reconcile: {prune: owned, owner: ops, prune_action: disable}\n");
    scene.through_v1(0, &["apply", "--yes"]);
    scene.sections = scene.sections.split("  azure:").next().unwrap().to_owned() + "  azure: []\n  gcp: []\n";
    scene.through_v1(0, &["apply", "--yes"]);
    assert_eq!(scene.simulator.object("azure", "corp")["disabled"], true);
}

#[test]
fn a_listing_that_fails_is_no_empty_one() {
    let scene = Scene::new("reconcile: {prune: owned, owner: ops}\n");
    scene.through_v1(0, &["apply", "--yes"]);
    for (fault, said) in [
        (json!({"kind": "status", "status": 401}), "HTTP 401"),
        (json!({"kind": "status", "status": 403}), "HTTP 403"),
        (json!({"kind": "status", "status": 404}), "HTTP 404"),
        (
            json!({"kind": "rate_limited", "retry_after": 86400}),
            "HTTP 429: the rate limit asks to wait 86400 s",
        ),
        (json!({"kind": "empty"}), "an empty answer"),
        (json!({"kind": "html", "status": 200}), "an HTML page"),
    ] {
        for auth in ["auto", "jwt"] {
            let mut fault = fault.clone();
            (fault["path"], fault["times"]) = (format!("{V1}/azure/connectors").into(), 0.into());
            scene.simulator.fault(&fault);
            let platform = format!("connectors_api: cloudview, cloudview_auth: {auth}");
            let ended = scene.run(&platform, "./trueup.db", &["apply", "--yes", "--format", "json"]);
            assert_eq!(ended.code, 1, "{fault}: {ended}");
            let plan = &ended.json()["plan"];
            assert_eq!(plan["changes"], json!([]), "{fault}: {ended}");
            let mut failed = plan["failed"].as_array().unwrap().iter();
            let failed = failed.find(|failed| failed["kind"] == "azure").unwrap();
            assert!(failed["error"].as_str().unwrap().contains(said), "{fault}: {ended}");
            scene.simulator.end_faults();
        }
    }
    scene.assert_in_sync("the platform is well again");
}

#[test]
fn a_create_whose_answer_is_lost_never_makes_two() {
    for fault in ["lost", "torn", "drop"] {
        let scene = Scene::new("");
        for kind in ["aws", "azure", "gcp"] {
            scene
                .simulator
                .fault(&json!({"kind": fault, "method": "POST", "path": format!("{V1}/{kind}/connectors")}));
        }
        for _ in 0..2 {
            scene.run("connectors_api: cloudview", "./trueup.db", &["apply", "--yes"]);
        }
        let expected = usize::from(fault != "drop");
        for (kind, name) in [("aws", "night shift"), ("azure", "corp"), ("gcp", "warehouse")] {
            let named = scene.simulator.objects(kind).into_iter().filter(|object| object["name"] == name);
            assert_eq!(named.count(), expected, "{fault} {kind}");
        }
        if fault != "drop" {
            scene.through_v1(0, &["apply", "--yes"]);
            scene.assert_in_sync(fault);
        }
    }
}

#[test]
fn the_way_in_is_found_or_set_and_a_wrong_one_is_said_with_the_setting() {
    for (truth, wrong_login) in [("jwt", "401"), ("jwt", "404"), ("basic", "401"), ("basic", "404")] {
        let scene = Scene::new("reconcile: {pull: declared}\n");
        scene.simulator.options(&json!({"cloudview_auth": truth, "cloudview_wrong_login": wrong_login}));
        for auth in ["auto", "jwt", "basic"] {
            let platform = format!("connectors_api: cloudview, cloudview_auth: {auth}");
            let ended = scene.run(&platform, "off", &["plan"]);
            let right = auth == "auto" || auth == truth;
            assert_eq!(ended.code, i32::from(!right), "{truth} {auth}: {ended}");
            if !right {
                assert!(ended.stdout.contains(&format!("platform.cloudview_auth is {auth}")), "{ended}");
            }
        }
        scene.through_v1(0, &["apply", "--yes"]);
        scene.through_v1(0, &["plan", "--detailed-exitcode"]);
    }
    let scene = Scene::new("reconcile: {pull: declared}\n");
    scene.simulator.options(&json!({"cloudview": "off"}));
    let ended = scene.run("connectors_api: cloudview", "off", &["apply", "--yes"]);
    assert_eq!(ended.code, 1, "{ended}");
    let said = "CloudView is found neither on the gateway by token (HTTP 404";
    assert!(format!("{ended}").contains(said), "{ended}");
    assert!(
        format!("{ended}").contains("set platform.cloudview_auth to what the subscription has"),
        "{ended}"
    );
    let writes = scene.simulator.writes();
    assert!(writes.iter().all(|write| !write["path"].as_str().unwrap().starts_with(V1)), "{writes:?}");
}

#[test]
fn a_frequency_that_is_accepted_and_ignored_is_said_not_to_converge() {
    let scene = Scene::new("");
    scene.simulator.options(&json!({"cloudview_polling_frequency": "ignored"}));
    let ended = scene.through_v1(1, &["apply", "--yes", "--log-format", "json"]);
    for (address, field) in [("aws/night shift", "run_frequency"), ("gcp/warehouse", "run_frequency")] {
        assert!(
            ended.stderr.lines().any(|line| {
                line.contains("not_converged") && line.contains(address) && line.contains(field)
            }),
            "{address}: {ended}"
        );
    }
}

#[test]
fn connectors_are_run_through_v1() {
    let mut scene = Scene::new("");
    scene.simulator.options(&json!({"states": "success"}));
    scene.edit("enabled: false", "enabled: true");
    scene.through_v1(0, &["apply", "--yes"]);
    let wait = ["sync", "azure/corp", "gcp/warehouse", "--wait", "--format", "json"];
    // The first run is the platform's own, right after the create.
    scene.through_v1(0, &wait);
    scene.simulator.take_requests();
    let ended = scene.through_v1(0, &wait);
    for run in ended.json()["runs"].as_array().unwrap() {
        assert_eq!((&run["outcome"], &run["state"]), (&json!("finished"), &json!("SUCCESS")), "{ended}");
    }
    let posts: Vec<String> = scene
        .requests()
        .into_iter()
        .filter(|line| line.starts_with("POST") && line.ends_with("/run"))
        .collect();
    assert_eq!(posts.len(), 2, "{posts:?}");
    assert!(posts.iter().all(|line| line.contains(V1)), "{posts:?}");
}

#[test]
fn what_people_call_an_account_is_shown_where_the_platform_tells() {
    let scene = Scene::new("");
    scene.simulator.set("azure", "corp-lab", &json!({"subscriptionName": "Lab of Corp"}));
    for api in ["cloudview", "v3"] {
        let platform = format!("connectors_api: {api}");
        let ended = scene.run(&platform, "off", &["plan", "--show-unmanaged"]);
        let row = ended.stdout.lines().find(|line| line.contains("azure/corp-lab")).unwrap();
        assert!(row.ends_with("(Lab of Corp)"), "{row}");
        let plan = scene.run(&platform, "off", &["plan", "--format", "json"]).json();
        let labels: Vec<&Value> =
            plan["unmanaged"].as_array().unwrap().iter().filter_map(|entry| entry.get("label")).collect();
        assert!(labels.contains(&&json!("Lab of Corp")), "{labels:?}");
    }
}

#[test]
fn an_export_leaves_out_what_v1_does_not_tell_and_plans_to_no_change() {
    let scene = Scene::new("");
    scene.through_v1(0, &["apply", "--yes"]);
    let same_as_name = scene.through_v1(0, &["export"]);
    assert!(!same_as_name.stdout.contains("Known as"), "{same_as_name}");
    scene.simulator.set("azure", "corp-lab", &json!({"subscriptionName": "Lab of Corp"}));
    let exported = scene.through_v1(0, &["export"]);
    for absent in ["capabilities", "activation", "perimeter_scan", "regions", "oci", "azure_organizations"] {
        assert!(!exported.stdout.contains(&format!("{absent}:")), "{absent}: {exported}");
    }
    assert!(exported.stdout.contains("connectors_api: cloudview"), "{exported}");
    assert!(exported.stdout.contains("Known as Lab of Corp."), "{exported}");
    let file = Folder::with(&exported.stdout);
    std::fs::copy(scene.folder.path("trueup-simulator.json"), file.path("trueup-simulator.json")).unwrap();
    let plan = file.expect(0, &["plan", "--detailed-exitcode"]);
    assert!(plan.stdout.starts_with("simulator: in sync"), "{plan}");
    let refused = scene.through_v1(64, &["export", "--kind", "oci"]);
    assert!(refused.stderr.contains("connectors_api: v3"), "{refused}");
}

#[test]
fn what_needs_the_newer_api_says_so() {
    let mut scene = Scene::new("");
    let ended =
        scene.through_v1(1, &["template", "aws", "--capability", "AI", "--external-id", "US1-1368984-77777"]);
    assert!(
        ended.stderr.contains("Connectors 3.0") && ended.stderr.contains("connectors_api: v3"),
        "{ended}"
    );
    scene.edit("remediation: false}", "remediation: false, tags: [x]}");
    let ended = scene.through_v1(78, &["validate"]);
    assert!(ended.stderr.contains("`tags` cannot be managed through CloudView v1"), "{ended}");
}

#[test]
fn all_kinds_that_exist_there_are_read_and_no_other() {
    let scene = Scene::new("");
    scene.simulator.take_requests();
    scene.through_v1(0, &["plan"]);
    let requests = scene.requests();
    for kind in ["aws", "azure", "gcp"] {
        assert_eq!(
            requests.iter().filter(|line| **line == format!("GET {V1}/{kind}/connectors")).count(),
            1,
            "{requests:?}"
        );
    }
    // Of organization connectors no more than who their members are.
    let gateway = requests.iter().filter(|line| line.contains("/connectors/v1.0")).map(String::as_str);
    let of_members =
        |line: &&str| line.ends_with("/org/azure/") || line.contains("/org/azure/member-connectors/");
    assert_eq!(gateway.filter(|line| !of_members(line)).count(), 0, "{requests:?}");
    for absent in ["assetdataconnector", "orgs", "scanconfig"] {
        assert!(!requests.iter().any(|line| line.contains(absent)), "{absent}: {requests:?}");
    }
}
