//! Registries' schedules and connectors, kept as the file says against the simulator, however it answers where the
//! vendor's documents leave that open.

#![expect(clippy::unwrap_used, reason = "a test whose scene cannot be set up has failed")]

mod support;

use serde_json::{Value, json};
use support::{May, Scene, complaints};
use trueup::journal::Journal;
use trueup::plan::{Action, Plan};
use trueup::reconcile::{PassOutcome, Report};

const SHOP: &str = "88888888-8888-4888-8888-888888888888";
const USED: &str = "arn:aws:iam::210987654321:role/QualysRegistry";
const FREE: &str = "arn:aws:iam::210987654321:role/Free";
const ACR: &str = "f3c6d648-81d8-11ed-a1eb-0242ac120003";

const WEEKLY: &str = "{name: weekly, at: '09:30', every_days: 7, week_day: THURSDAY, filters: [{repo: web}]}";

fn file(reconcile: &str, sections: &str) -> String {
    format!(
        "version: 1\nplatform: {{pod: simulator}}\nlisten: 127.0.0.1:0\nreconcile: {reconcile}\n\
         container_security: {sections}\n"
    )
}

fn with(registry: &str, schedules: &str) -> String {
    file("{}", &format!("{{registries: [{{{registry}, schedules: [{schedules}]}}]}}"))
}

fn absent(reconcile: &str, aws: &[&str], acr: &[&str]) -> String {
    let entries = |key: &str, ids: &[&str]| {
        let all: Vec<String> = ids.iter().map(|id| format!("{{{key}: '{id}', state: absent}}")).collect();
        all.join(", ")
    };
    let (aws, acr) = (entries("arn", aws), entries("id", acr));
    file(reconcile, &format!("{{registry_connectors: {{aws: [{aws}], acr: [{acr}]}}}}"))
}

/// A pass of its own journal, which writes.
async fn pass(scene: &Scene, journal: &mut Journal, text: &str) -> Report {
    scene.pass(&scene.file(text), journal, May::Write).await
}

fn changes(plan: &Plan) -> Vec<(String, Action, Option<String>)> {
    let all = plan.changes.iter();
    all.map(|change| {
        let held = change.held.as_ref().map(|held| held.why.clone());
        (change.address.to_string(), change.action, held)
    })
    .collect()
}

async fn of_kind(scene: &Scene, kind: &str) -> Vec<Value> {
    let objects = scene.objects().await;
    objects.of(kind).map(|(_, object)| Value::Object(object.clone())).collect()
}

async fn paths(scene: &Scene) -> Vec<String> {
    let requests = scene.requests().await;
    let paths = requests.iter().map(|request| request["path"].as_str().unwrap().to_owned());
    paths.filter(|path| path.contains("/csapi/")).collect()
}

#[tokio::test]
async fn a_registry_is_found_by_its_id_its_address_and_its_name() {
    for registry in [
        &format!("id: {SHOP}"),
        &format!("id: {}", SHOP.to_uppercase()),
        "uri: 'https://210987654321.dkr.ecr.eu-west-1.amazonaws.com'",
        "name: shop",
    ] {
        let scene = Scene::example(&[("schedule_id", "different")]).await;
        let mut journal = Journal::in_memory().unwrap();
        let text = with(registry, WEEKLY);
        let report = pass(&scene, &mut journal, &text).await;
        assert_eq!(complaints(&report), [""; 0], "{registry}");
        assert_eq!(report.applied.len(), 1, "{registry}");
        let made = of_kind(&scene, "registry_schedule").await;
        assert_eq!(made.len(), 1, "{registry}");
        assert_eq!(made[0]["filters"], json!([{"days": null, "repoTags": [{"repo": "web", "tag": null}]}]));
        assert_eq!(made[0]["onDemand"], false, "{registry}");
        let again = pass(&scene, &mut journal, &text).await;
        assert_eq!(again.outcome(), PassOutcome::InSync, "{registry}");
        // Without a journal as well.
        let plan = scene.look(&scene.file(&text)).await;
        assert_eq!(changes(&plan), [], "{registry}");
    }
}

#[tokio::test]
async fn a_registry_that_is_not_there_or_that_is_called_by_two_names_fails_its_kind() {
    for (registries, told) in [
        ("{name: lost}", "could not find registry lost: it is not there; there are shop"),
        (
            &format!("{{name: shop}}, {{id: {SHOP}}}"),
            &format!("could not find registry {SHOP}: it is the one that the file also calls shop"),
        ),
    ] {
        let scene = Scene::example(&[]).await;
        let text = file("{}", &format!("{{registries: [{registries}]}}"));
        let plan = scene.look(&scene.file(&text)).await;
        let told_of: Vec<&str> = plan.failed.iter().map(|failed| failed.error.as_str()).collect();
        assert!(told_of.len() == 1 && told_of[0].starts_with(told), "{told_of:#?}");
    }
}

#[tokio::test]
async fn what_the_file_does_not_name_is_not_looked_at_and_costs_nothing() {
    for option in ["on", "off"] {
        let scene = Scene::example(&[("container_security", option)]).await;
        for sections in ["{}", "{registries: []}", "{registry_connectors: {aws: [], acr: }}"] {
            scene.forget_requests().await;
            let plan = scene.look(&scene.file(&file("{pull: all}", sections))).await;
            assert_eq!(plan.failed, [], "{sections}");
            assert_eq!(plan.warnings, [""; 0], "{sections}");
            assert_eq!(paths(&scene).await, [""; 0], "{sections}");
        }
    }
}

#[tokio::test]
async fn a_subscription_without_container_security_fails_these_kinds_alone_and_says_why() {
    let scene = Scene::example(&[("container_security", "off")]).await;
    let text = with("name: shop", WEEKLY) + "tags: [{name: new}]\n";
    let report = pass(&scene, &mut Journal::in_memory().unwrap(), &text).await;
    let told = complaints(&report);
    assert!(
        told.iter().all(|told| told.starts_with("registry_schedule: could not list registries: HTTP 404"))
    );
    assert!(told[0].contains("the subscription lacks the module"), "{told:#?}");
    let applied: Vec<String> =
        report.applied.iter().map(|applied| applied.change.address.to_string()).collect();
    assert_eq!(applied, ["tag/new"]);
}

#[tokio::test]
async fn what_is_there_and_not_in_the_file_is_named_by_its_id() {
    let scene = Scene::example(&[]).await;
    let filters = json!([{"repoTags": [{"repo": "other"}]}]);
    scene.make("registry_schedule", [json!({"name": "theirs", "onDemand": false, "filters": filters})]).await;
    let id = of_kind(&scene, "registry_schedule").await[0]["scheduleUuid"].as_str().unwrap().to_owned();
    let text = with("name: shop", WEEKLY);
    let plan = scene.look(&scene.file(&text)).await;
    let unmanaged: Vec<String> = plan.unmanaged.iter().map(|object| object.address.to_string()).collect();
    assert!(unmanaged.contains(&format!("registry_schedule/shop/#{id}")), "{unmanaged:?}");
    assert_eq!(changes(&plan), [("registry_schedule/shop/weekly".to_owned(), Action::Create, None)]);
}

#[tokio::test]
async fn a_schedule_that_runs_is_left_for_a_later_pass_and_an_on_demand_scan_for_good() {
    for (field, on_demand, why, passes) in [
        ("status", false, "running: it is changed once its scan is over", true),
        ("onDemand", true, "on-demand: the platform cannot change it", false),
    ] {
        let scene = Scene::example(&[]).await;
        let filters = json!([{"repoTags": [{"repo": "web"}]}]);
        let there = json!({"name": "x", "onDemand": on_demand, "filters": filters, "schedule": "08:00",
            "forceScan": false, "status": "Running"});
        scene.make("registry_schedule", [there]).await;
        let entry =
            format!("{{name: web, on_demand: {on_demand}, force_scan: true, filters: [{{repo: web}}]}}");
        let text = with("name: shop", &entry);
        let mut journal = Journal::in_memory().unwrap();
        let held = pass(&scene, &mut journal, &text).await;
        let expected = ("registry_schedule/shop/web".to_owned(), Action::Update, Some(why.to_owned()));
        assert_eq!(changes(&held.plan), [expected], "{field}");
        assert_eq!((held.plan.detailed_exit(), held.applied.len()), (2, 0), "{field}");
        let later = pass(&scene, &mut journal, &text).await;
        assert_eq!(later.applied.len(), usize::from(passes), "{field}: {:#?}", changes(&later.plan));
        assert_eq!(complaints(&later), [""; 0], "{field}");
    }
}

#[tokio::test]
async fn a_delete_cancels_what_is_under_way_and_waits_until_it_is_gone() {
    for status in ["Queued", "Running", "Finished", "Error"] {
        let scene = Scene::example(&[("job_reads", "2")]).await;
        let filters = json!([{"repoTags": [{"repo": "web"}]}]);
        let there = json!({"name": "x", "onDemand": false, "filters": filters, "status": status});
        scene.make("registry_schedule", [there]).await;
        let text = file("{prune: all}", "{registries: [{name: shop, schedules: []}]}");
        let text = text + "tags: [{name: prod}]\n";
        let report = pass(&scene, &mut Journal::in_memory().unwrap(), &text).await;
        assert_eq!(complaints(&report), [""; 0], "{status}");
        let schedules =
            report.applied.iter().filter(|applied| applied.change.address.kind.word() == "registry_schedule");
        assert_eq!(schedules.count(), 1, "{status}");
        assert_eq!(of_kind(&scene, "registry_schedule").await, [Value::Null; 0], "{status}");
        let requests = scene.requests().await;
        let deletes: Vec<&Value> = requests.iter().filter(|request| request["method"] == "DELETE").collect();
        assert!(
            !deletes.is_empty() && deletes.iter().all(|request| request["without_id"] != true),
            "{deletes:#?}"
        );
    }
}

#[tokio::test]
async fn a_connector_that_is_to_be_gone_is_deleted_whatever_prune_says_and_others_are_left_alone() {
    let scene = Scene::example(&[]).await;
    scene
        .make(
            "registry_connector",
            [
                json!({"name": "free", "type": "AWS", "arn": FREE}),
                json!({"name": "azure", "type": "ACR", "connectorId": ACR}),
            ],
        )
        .await;
    let mut journal = Journal::in_memory().unwrap();
    let over = absent("{max_deletes: 1}", &[FREE], &[ACR]);
    assert_eq!(pass(&scene, &mut journal, &over).await.outcome(), PassOutcome::Blocked);

    let text = absent("{}", &[FREE], &[&ACR.to_uppercase()]);
    let report = pass(&scene, &mut journal, &text).await;
    assert_eq!(complaints(&report), [""; 0]);
    let gone = |id: &str| (format!("registry_connector/{id}"), Action::Delete, None);
    assert_eq!(changes(&report.plan), [gone(FREE), gone(ACR)]);
    assert_eq!(
        report.plan.unmanaged.iter().filter(|it| it.address.kind.word() == "registry_connector").count(),
        0
    );
    let left = of_kind(&scene, "registry_connector").await;
    assert_eq!((left.len(), &left[0]["arn"]), (1, &json!(USED)));
    let again = pass(&scene, &mut journal, &text).await;
    assert_eq!(again.outcome(), PassOutcome::InSync);
    assert_eq!(again.plan.summary.unchanged, 2);
}

#[tokio::test]
async fn a_connector_that_a_registry_uses_is_not_deleted_and_the_registry_is_named() {
    let scene = Scene::example(&[]).await;
    let report = pass(&scene, &mut Journal::in_memory().unwrap(), &absent("{}", &[USED], &[])).await;
    let told = complaints(&report);
    let named = format!(
        "registry_connector/{USED} failed: could not delete registry connector {USED}: HTTP 412: still used by \
         registry shop: "
    );
    assert!(told.len() == 1 && told[0].starts_with(&named), "{told:#?}");
    assert_eq!(of_kind(&scene, "registry_connector").await.len(), 1);
}

#[tokio::test]
async fn where_connectors_cannot_be_listed_each_delete_is_tried_once() {
    let scene = Scene::example(&[("registry_connector_listing", "off")]).await;
    scene.make("registry_connector", [json!({"name": "free", "type": "AWS", "arn": FREE})]).await;
    let mut journal = Journal::in_memory().unwrap();
    let text = absent("{}", &[FREE], &[ACR]);
    let seen = scene.pass(&scene.file(&text), &mut journal, May::Look).await;
    assert_eq!(seen.plan.unverified.len(), 2);
    assert_eq!((seen.outcome(), seen.plan.detailed_exit()), (PassOutcome::InSync, 0));
    let first = pass(&scene, &mut journal, &text).await;
    assert_eq!(complaints(&first), [""; 0]);
    assert_eq!(first.applied.len(), 2);
    assert_eq!(of_kind(&scene, "registry_connector").await.len(), 1, "the one that is used");
    scene.forget_requests().await;
    let second = pass(&scene, &mut journal, &text).await;
    assert_eq!((second.outcome(), second.plan.unverified.len()), (PassOutcome::InSync, 0));
    assert_eq!(scene.writes().await, [""; 0]);
    // With the listing again, what came back is seen.
    scene.control("POST", "/_sim/options", json!({"registry_connector_listing": "on"})).await;
    scene.make("registry_connector", [json!({"name": "free", "type": "AWS", "arn": FREE})]).await;
    let third = pass(&scene, &mut journal, &text).await;
    assert_eq!(third.applied.len(), 1);
}
