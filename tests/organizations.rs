//! Azure organization connectors through whole passes: what an edit sends besides what changes, when a connection is
//! tested, and how members come and go.

#![expect(clippy::unwrap_used, reason = "a test whose scene cannot be set up has failed")]

#[path = "support/bin.rs"]
mod bin;
mod support;

use bin::{Daemon, Folder, Simulator, until};
use serde_json::{Map, Value, json};
use support::{May, Scene, complaints};
use trueup::desired::Desired;
use trueup::journal::Journal;
use trueup::plan::Action;
use trueup::reconcile::Report;

const TENANT: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const APPLICATION: &str = "bbbbbbbb-0000-4000-8000-000000000001";
const OTHER_APPLICATION: &str = "bbbbbbbb-0000-4000-8000-000000000002";

/// A subscription, the secret that the file names, and the journal.
struct Stage {
    scene: Scene,
    journal: Journal,
}

/// An organization connector as somebody has made it.
fn made(name: &str, changes: Value) -> Value {
    let whole = json!({
        "name": name, "description": "all of it", "tenantId": TENANT, "tenantName": "Org",
        "applicationId": APPLICATION, "connectorPrefixName": name, "connectorAppInfos": ["AI"],
        "orgRunFrequency": {"hours": 4, "minutes": 0}, "connectorRunFrequency": {"hours": 4, "minutes": 0},
        "includedMem": ["Production"], "excludedMem": [],
    });
    changed(whole, changes)
}

/// The same in the file.
fn wanted(name: &str, changes: Value) -> Value {
    let whole = json!({
        "name": name, "description": "all of it", "tenant_id": TENANT, "tenant_name": "Org",
        "application_id": APPLICATION, "secret": {"file": "secret"}, "connector_prefix": name,
        "capabilities": ["AI"], "org_run_frequency": "4h", "connector_run_frequency": "4h",
        "include_management_groups": ["Production"],
    });
    changed(whole, changes)
}

fn changed(mut whole: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("{changes}") };
    whole.as_object_mut().unwrap().extend(changes);
    whole
}

/// A connector of one subscription of the tenant.
fn member(name: &str, number: u32) -> Value {
    json!({"name": name, "authRecord": {
        "subscriptionId": format!("cccccccc-0000-4000-8000-{number:012}"), "directoryId": TENANT,
        "applicationId": APPLICATION, "authenticationKey": "of another",
    }})
}

impl Stage {
    async fn new(options: &[(&str, &str)]) -> Stage {
        let stage = Stage { scene: Scene::new(options).await, journal: Journal::in_memory().unwrap() };
        stage.secret("first~secret~of~the~organization");
        stage
    }

    fn secret(&self, text: &str) {
        std::fs::write(self.scene.path("secret"), text).unwrap();
    }

    fn file(&self, reconcile: &Value, entries: &[Value]) -> Desired {
        let file = json!({
            "version": 1, "platform": {"pod": "simulator"}, "reconcile": reconcile, "azure_organizations": entries,
        });
        self.scene.file(&file.to_string())
    }

    async fn pass(&mut self, entries: &[Value], may: May) -> Report {
        let desired = self.file(&json!({}), entries);
        self.scene.pass(&desired, &mut self.journal, may).await
    }

    /// The pass does what the file says, and the next one finds nothing to do.
    async fn applies(&mut self, entries: &[Value]) -> Report {
        let report = self.pass(entries, May::Write).await;
        assert_eq!(complaints(&report), [""; 0], "{entries:?}");
        let after = self.pass(entries, May::Look).await.plan;
        assert!(after.changes.is_empty(), "{entries:?}: {:?}", after.changes);
        report
    }

    async fn organization(&self, name: &str) -> Option<(u64, Map<String, Value>)> {
        let objects = self.scene.objects().await;
        objects.of("azure_organization").find(|(_, it)| it["name"] == name).map(|(id, it)| (id, it.clone()))
    }

    /// The bodies of the requests to this path.
    async fn sent(&self, method: &str, path: &str) -> Vec<Value> {
        let requests = self.scene.requests().await;
        let to = requests.iter().filter(|it| {
            it["method"] == method && it["path"].as_str().unwrap().trim_end_matches('/').ends_with(path)
        });
        to.map(|it| it["body"].clone()).collect()
    }
}

fn fields(report: &Report) -> Vec<Vec<&str>> {
    report.plan.changes.iter().map(trueup::plan::Change::field_names).collect()
}

// Secrets

#[tokio::test]
async fn a_secret_that_an_edit_sends_again_is_in_the_plan_and_known_from_then_on() {
    let mut stage = Stage::new(&[]).await;
    stage.scene.make("azure_organization", [made("org", json!({}))]).await;
    let before = [wanted("org", json!({}))];
    let unknown = stage.pass(&before, May::Look).await.plan;
    assert_eq!((unknown.changes.len(), unknown.unverified.len()), (0, 1), "nobody knows what was written");

    // Switching it off sends no secret.
    let off = [wanted("org", json!({"enabled": false}))];
    assert_eq!(fields(&stage.applies(&off).await), [["enabled"]]);
    assert_eq!(stage.pass(&off, May::Look).await.plan.unverified.len(), 1);

    let after = [wanted("org", json!({"description": "most of it"}))];
    let report = stage.applies(&after).await;
    assert_eq!(fields(&report), [["description", "secret"]]);
    assert_eq!(stage.sent("POST", "/test").await.len(), 1, "what may be another secret is tried out");
    let known = stage.pass(&after, May::Look).await.plan;
    assert_eq!(known.unverified, []);

    stage.secret("second~secret~of~the~organization");
    assert_eq!(fields(&stage.applies(&after).await), [["secret"]]);
    let (_, object) = stage.organization("org").await.unwrap();
    assert_eq!(object["secretValue"], "second~secret~of~the~organization");

    let again = [wanted("org", json!({"description": "some of it"}))];
    assert_eq!(fields(&stage.applies(&again).await), [["description"]], "what is known is not told again");
}

#[tokio::test]
async fn drift_that_is_undone_with_a_secret_that_nobody_knows_stays_drift() {
    let mut stage = Stage::new(&[]).await;
    stage.scene.make("azure_organization", [made("org", json!({}))]).await;
    let entries = [wanted("org", json!({}))];
    // What it was like is remembered, but for the secret.
    assert!(stage.pass(&entries, May::Write).await.plan.changes.is_empty());
    let change = json!({"kind": "azure_organization", "name": "org", "set": {"description": "theirs"}});
    stage.scene.control("POST", "/_sim/objects", change).await;
    let plan = stage.pass(&entries, May::Look).await.plan;
    assert_eq!(plan.changes[0].field_names(), ["description", "secret"]);
    assert_eq!(plan.detailed_exit(), 4);
}

#[tokio::test]
async fn what_was_made_but_not_whole_is_known_to_have_its_secret() {
    let mut stage = Stage::new(&[]).await;
    stage.scene.make("azure", [member("corp", 1)]).await;
    let entries = [wanted("org", json!({"members": ["azure/corp"]}))];
    stage.scene.faults(json!({"kind": "status", "status": 403, "path": "/azure/attach", "times": 0})).await;
    let report = stage.pass(&entries, May::Write).await;
    assert!(complaints(&report)[0].contains("not all of it"), "{:?}", complaints(&report));
    stage.scene.heal().await;
    let rest = stage.pass(&entries, May::Look).await.plan;
    assert_eq!((rest.changes[0].field_names(), rest.unverified), (vec!["members"], vec![]));
    stage.secret("second~secret~of~the~organization");
    assert_eq!(fields(&stage.applies(&entries).await), [["secret", "members"]]);
}

// Connections

#[tokio::test]
async fn a_replacement_that_would_not_work_deletes_nothing() {
    let mut stage = Stage::new(&[]).await;
    stage.applies(&[wanted("org", json!({}))]).await;
    let (id, _) = stage.organization("org").await.unwrap();
    let changes = json!({"application_id": OTHER_APPLICATION, "include_management_groups": ["Nowhere"]});
    let reconcile = json!({"replace": "allowed"});
    let desired = stage.file(&reconcile, &[wanted("org", changes)]);
    let report = stage.scene.pass(&desired, &mut stage.journal, May::Write).await;
    let told = complaints(&report);
    assert_eq!((report.plan.changes[0].action, told.len()), (Action::Replace, 1), "{told:?}");
    assert!(told[0].contains("has no management group Nowhere; it has "), "{told:?}");
    assert!(!told[0].contains("deleted, not yet created again"), "{told:?}");
    assert_eq!(stage.organization("org").await.unwrap().0, id, "the one that there is stays");

    let changes = json!({"application_id": OTHER_APPLICATION});
    let desired = stage.file(&reconcile, &[wanted("org", changes)]);
    stage.scene.forget_requests().await;
    let report = stage.scene.pass(&desired, &mut stage.journal, May::Write).await;
    assert_eq!(complaints(&report), [""; 0]);
    let base = "/connectors/v1.0/org/azure";
    let writes = [format!("{base}/test/"), format!("{base}/{id}"), format!("{base}/")];
    assert_eq!(stage.scene.writes().await, writes, "it is tried out once, and before anything else");
    assert_eq!(report.plan.cost.calls_to_apply, writes.len());
    assert_ne!(stage.organization("org").await.unwrap().0, id);
}

#[tokio::test]
async fn a_test_that_does_not_end_well_says_what_to_do_and_nothing_is_written() {
    let job = |status: &str, error: Value| json!({"kind": "status", "status": 200, "times": 0, "path": "/job/", "body": {"status": status, "error": error}});
    for (fault, message) in [
        (job("COMPLETED", json!("AADSTS7000215: no such secret")), "AADSTS7000215: no such secret"),
        (job("FAILED", Value::Null), "the job ended as FAILED"),
        (job("RUNNING", json!("tenant not found")), "tenant not found"),
    ] {
        let mut stage = Stage::new(&[]).await;
        stage.scene.faults(fault).await;
        let told = complaints(&stage.pass(&[wanted("org", json!({}))], May::Write).await);
        let [told] = told.as_slice() else { panic!("{told:?}") };
        assert!(told.contains(message), "{told}");
        assert!(told.contains("(hint: check tenant_id, application_id and secret"), "{told}");
        assert!(told.contains("read the tenant's management groups"), "{told}");
        assert_eq!(stage.organization("org").await, None, "{told}");
    }
}

#[test]
fn an_interrupt_ends_the_wait_for_a_test_and_nothing_is_written() {
    let entry =
        changed(wanted("org", json!({})), json!({"secret": {"command": ["printf", "%s", "s3cr3t~0f~it"]}}));
    let folder = Folder::simulated(&format!("azure_organizations: [{entry}]\n"));
    let simulator = Simulator::beside(&folder, &["--option", "job_reads=1000000"]);
    let apply = Daemon::spawn(folder.command(&["apply", "--yes"]));
    until("the job is followed", || {
        let requests = simulator.control("GET", "requests", &Value::Null);
        let asked = requests["requests"].as_array().unwrap().iter();
        let jobs = asked.filter(|it| it["path"].as_str().unwrap().contains("/job/")).count();
        if jobs > 0 { Ok(()) } else { Err(requests) }
    });
    apply.signal("INT");
    let ended = apply.wait();
    assert_eq!(ended.code, 1, "{ended}");
    assert!(ended.stdout.contains("stopped before the test was done: nothing was written"), "{ended}");
    let paths: Vec<Value> = simulator.writes().iter().map(|it| it["path"].clone()).collect();
    assert_eq!(paths, ["/connectors/v1.0/org/azure/test/"]);
}

#[tokio::test]
async fn groups_that_the_file_does_not_name_are_not_looked_for() {
    let mut stage = Stage::new(&[]).await;
    let gone = json!({"includedMem": ["Production", "Gone"], "excludedMem": ["Gone too"]});
    stage.scene.make("azure_organization", [made("org", gone)]).await;
    let mut entry = wanted("org", json!({"description": "other"}));
    entry.as_object_mut().unwrap().remove("include_management_groups");
    stage.applies(&[entry]).await;
    let (_, object) = stage.organization("org").await.unwrap();
    assert_eq!(
        (&object["includedMem"], &object["excludedMem"]),
        (&json!(["Gone", "Production"]), &json!(["Gone too"]))
    );
}

#[tokio::test]
async fn a_tenant_with_many_groups_is_read_whole_wherever_the_page_is_named() {
    for place in ["either", "query", "body"] {
        let mut stage = Stage::new(&[("management_groups_page", place)]).await;
        let groups: Vec<String> = (0..230).map(|number| format!("group {number}")).collect();
        stage.scene.make("azure_tenant", [json!({"tenantId": TENANT, "managementGroups": groups})]).await;
        stage.applies(&[wanted("org", json!({"include_management_groups": ["group 0", "group 229"]}))]).await;
        let unknown = wanted("org", json!({"include_management_groups": ["group 230"]}));
        let told = complaints(&stage.pass(&[unknown], May::Write).await);
        assert!(told[0].contains("has no management group group 230; it has group 0, "), "{place}: {told:?}");
        assert!(told[0].contains("and 180 more"), "{place}: {told:?}");
    }
}

// Edits

#[tokio::test]
async fn an_edit_leaves_alone_what_the_file_cannot_say() {
    for omitted in ["kept", "reset"] {
        let mut stage = Stage::new(&[("org_edit_omitted", omitted)]).await;
        let apps = json!([{"name": "AI", "identifier": APPLICATION}]);
        let theirs = json!({"connectorAppInfos": apps, "autoActivateCV": true});
        stage.scene.make("azure_organization", [made("org", theirs)]).await;
        for (changes, names) in [
            (json!({"description": "other"}), vec!["AI"]),
            (json!({"description": "other", "capabilities": ["AI", "CSA"]}), vec!["AI", "CSA"]),
        ] {
            stage.applies(&[wanted("org", changes)]).await;
            let (_, object) = stage.organization("org").await.unwrap();
            let apps = object["connectorAppInfos"].as_array().unwrap();
            let shown: Vec<&str> = apps.iter().map(|app| app["name"].as_str().unwrap()).collect();
            assert_eq!(shown, names, "{omitted}");
            for app in apps {
                assert_eq!(app["identifier"], APPLICATION, "{omitted}: an identifier cannot be edited");
            }
            assert_eq!(object["autoActivateCV"], true, "{omitted}");
        }
    }
}

#[tokio::test]
async fn a_tenants_name_that_is_another_one_than_at_the_create_is_refused_with_what_to_do() {
    let mut stage = Stage::new(&[]).await;
    stage.applies(&[wanted("org", json!({}))]).await;
    let other = [wanted("org", json!({"tenant_name": "Other", "description": "other"}))];
    let told = complaints(&stage.pass(&other, May::Write).await);
    assert!(told[0].contains("'tenantName' cannot be edited (hint: give tenant_name as it was"), "{told:?}");
}

#[tokio::test]
async fn a_connector_is_switched_by_whichever_method_the_platform_takes() {
    for method in ["put", "post"] {
        let mut stage = Stage::new(&[("org_status_method", method)]).await;
        stage.applies(&[wanted("org", json!({"enabled": true}))]).await;
        for enabled in [false, true] {
            stage.applies(&[wanted("org", json!({"enabled": enabled}))]).await;
            assert_eq!(stage.organization("org").await.unwrap().1["disabled"], !enabled, "{method}");
        }
    }
}

// Members

#[tokio::test]
async fn a_member_that_goes_to_another_organization_is_detached_there_first() {
    for (from, to) in [("alpha", "beta"), ("beta", "alpha")] {
        let mut stage = Stage::new(&[]).await;
        stage.scene.make("azure", [member("corp", 1)]).await;
        let entries = |of_from: Value, of_to: Value| {
            [wanted(from, json!({"members": of_from})), wanted(to, json!({"members": of_to}))]
        };
        stage.applies(&entries(json!(["azure/corp"]), json!([]))).await;
        // The one that lets it go has more to do than the other.
        stage.scene.faults(json!({"kind": "delay", "ms": 200, "path": "/detach"})).await;
        let report = stage.applies(&entries(json!([]), json!(["azure/corp"]))).await;
        let gains = report.plan.changes.iter().find(|change| change.address.name == to).unwrap();
        let needs: Vec<String> = gains.depends_on.iter().map(ToString::to_string).collect();
        assert_eq!(needs, [format!("azure_organization/{from}")]);
        assert_eq!(stage.organization(from).await.unwrap().1["members"], json!([]));
    }
}

// What a create cannot do without

#[tokio::test]
async fn what_only_a_create_needs_may_be_left_out_of_what_is_live_and_is_told_of_what_is_not() {
    let mut stage = Stage::new(&[]).await;
    let mut entry = wanted("org", json!({"capabilities": []}));
    for field in ["connector_prefix", "org_run_frequency", "connector_run_frequency"] {
        entry.as_object_mut().unwrap().remove(field);
    }
    let report = stage.pass(std::slice::from_ref(&entry), May::Write).await;
    let warned = "azure_organization/org: the platform wants connector_prefix, capabilities, org_run_frequency, \
                  connector_run_frequency of what is made, which the file leaves out";
    assert!(report.plan.warnings.iter().any(|told| told == warned), "{:?}", report.plan.warnings);
    let told = complaints(&report);
    let [told] = told.as_slice() else { panic!("{told:?}") };
    assert!(told.contains("connector_prefix is missing"), "{told}");
    assert_eq!(stage.scene.writes().await, [""; 0]);

    stage.scene.make("azure_organization", [made("org", json!({}))]).await;
    entry.as_object_mut().unwrap().remove("capabilities");
    assert!(stage.pass(&[entry], May::Write).await.plan.changes.is_empty());
}

#[tokio::test]
async fn a_replacement_that_lacks_what_a_create_needs_deletes_nothing() {
    let mut stage = Stage::new(&[]).await;
    stage.applies(&[wanted("org", json!({}))]).await;
    let (id, _) = stage.organization("org").await.unwrap();
    let mut entry = wanted("org", json!({"connector_prefix": "other"}));
    entry.as_object_mut().unwrap().remove("org_run_frequency");
    let desired = stage.file(&json!({"replace": "allowed"}), &[entry]);
    let report = stage.scene.pass(&desired, &mut stage.journal, May::Write).await;
    let held = report.plan.changes[0].held.as_ref().map(|held| held.why.as_str());
    let lacks =
        "needs a replace; the platform wants org_run_frequency of what is made, which the file leaves out";
    assert_eq!(held, Some(lacks));
    assert_eq!(stage.organization("org").await.unwrap().0, id);
}

#[tokio::test]
async fn a_replacement_that_the_platform_refuses_in_the_end_is_said_and_made_in_the_next_pass() {
    let mut stage = Stage::new(&[]).await;
    stage.applies(&[wanted("org", json!({}))]).await;
    let reconcile = json!({"replace": "allowed"});
    let desired = stage.file(&reconcile, &[wanted("org", json!({"connector_prefix": "other"}))]);
    // The test, the groups, and then the create.
    let create = json!({"kind": "status", "status": 403, "method": "POST", "path": "/org/azure/", "nth": 3, "times": 0});
    stage.scene.faults(create).await;
    let told = complaints(&stage.scene.pass(&desired, &mut stage.journal, May::Write).await);
    assert!(told[0].contains("deleted, not yet created again: could not create"), "{told:?}");
    stage.scene.heal().await;
    let report = stage.scene.pass(&desired, &mut stage.journal, May::Write).await;
    assert_eq!((complaints(&report), report.plan.changes[0].action), (vec![], Action::Create));
}
