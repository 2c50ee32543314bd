//! Azure, GCP and OCI connectors and the global scan configuration, kept as the file says against the simulator,
//! however it answers where the vendor's documents leave that open.

#![expect(clippy::unwrap_used, reason = "a test whose scene cannot be set up has failed")]

mod support;

use serde_json::json;
use support::{May, Scene, complaints, pass};
use trueup::desired::Desired;
use trueup::journal::Journal;
use trueup::qualys::Endpoint;
use trueup::reconcile::Report;
use trueup::resource::gcp::ProjectField;

const PEM: &str =
    "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5IG9mIGFueXRoaW5nIGF0IGFsbA==\n-----END PRIVATE KEY-----\n";

/// What is in the secrets' files.
struct Secrets {
    folder: tempfile::TempDir,
}

impl Secrets {
    fn new() -> Secrets {
        let secrets = Secrets { folder: tempfile::tempdir().unwrap() };
        secrets.write("azure", "not-a-real-key-of-azure");
        secrets.write("gcp", &key_file("0123456789abcdef"));
        secrets.write("oci", PEM);
        secrets
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

fn key_file(id: &str) -> String {
    json!({
        "type": "service_account", "project_id": "warehouse-20311201", "private_key_id": id, "private_key": PEM,
        "client_email": "reader@warehouse-20311201.iam.gserviceaccount.com", "client_id": "100000000000000000001",
        "auth_uri": "https://accounts.example.com/auth", "token_uri": "https://oauth.example.com/token",
        "auth_provider_x509_cert_url": "https://www.example.com/certs",
        "client_x509_cert_url": "https://www.example.com/x509/reader"
    })
    .to_string()
}

/// One object of each kind; what a case changes is given.
struct File<'a> {
    settings: &'a str,
    azure: &'a str,
    gcp: &'a str,
    oci: &'a str,
    global_scan: &'a str,
}

const BEFORE: File<'_> = File {
    settings: "",
    azure: "name: corp, application_id: 0C0C0C0C-1111-4222-8333-444444444444, run_frequency: 4h, tags: [prod], \
            perimeter_scan: global, capabilities: [AI, {name: CSA, tag: prod}], activation: [VM]",
    gcp: "name: warehouse, capabilities: [CI, CSA], run_frequency: 4h, remediation: false",
    oci: "name: oracle, capabilities: [AI, {name: CI, tag: prod}], tags: [prod], enabled: true, run_frequency: 4h",
    global_scan: "option_profile_id: 2, recurrence: WEEKLY, days: [SUN, TUE], scan_prefix: Global, \
                  start_date: 2031-12-01, start_time: '12:45', timezone: Africa/Cairo",
};

const AFTER: File<'_> = File {
    settings: "",
    azure: "name: corp renamed, application_id: 0c0c0c0c-2222-4222-8333-444444444444, run_frequency: 6h, tags: [], \
            perimeter_scan: {option_profile_id: 2, recurrence: DAILY, scan_prefix: edge, start_date: 2031-12-01, \
            start_time: '05:45', timezone: Africa/Cairo}, capabilities: [AI, CI], activation: [VM, SCA], \
            description: after, remediation: true, enabled: false",
    gcp: "name: warehouse renamed, capabilities: [AI, {name: CSA, tag: prod}], run_frequency: 6h, remediation: true, \
          description: after, enabled: false",
    oci: "name: oracle renamed, capabilities: [CSA], tags: [other], description: after, enabled: false, \
          run_frequency: 4h",
    global_scan: "option_profile_id: 3, recurrence: DAILY, scan_prefix: Edge, start_date: 2031-12-01, \
                  start_time: '12:45', timezone: Africa/Cairo",
};

impl File<'_> {
    fn read(&self, scene: &Scene, secrets: &Secrets) -> Desired {
        let File { settings, azure, gcp, oci, global_scan } = self;
        scene.file(&format!(
            "version: 1
platform: {{pod: simulator}}
reconcile: {{owner: me, {settings}}}
tags: [{{name: prod}}, {{name: other}}]
connectors:
  azure:
    - {{subscription_id: 0a0a0a0a-1111-4222-8333-444444444444, directory_id: 0b0b0b0b-1111-4222-8333-444444444444,
        authentication_key: {{file: '{}'}}, government: false, {azure}}}
  gcp:
    - {{project_id: warehouse-20311201, service_account_key: {{file: '{}'}}, {gcp}}}
  oci:
    - {{tenant_id: ocid1.tenancy.oc1..warehouse, user_id: ocid1.user.oc1..reader, home_region: us-ashburn-1,
        fingerprint: '0a:1b:2c:3d:4e:5f:60:71:82:93:a4:b5:c6:d7:e8:f9', private_key: {{file: '{}'}}, {oci}}}
global_scan: {{{global_scan}}}
",
            secrets.path("azure"),
            secrets.path("gcp"),
            secrets.path("oci"),
        ))
    }
}

/// What a report says was changed, an address each with its symbol.
fn changed(report: &Report) -> Vec<String> {
    let changes = report.plan.changes.iter();
    changes.map(|change| format!("{}{}", change.action.symbol(), change.address)).collect()
}

#[tokio::test]
async fn every_cloud_converges_however_the_platform_answers() {
    for options in [
        &[][..],
        &[("azure_identifier_on_read", "kept")],
        &[("azure_auth_record", "empty")],
        &[("azure_auth_record", "empty"), ("azure_identifier_on_read", "kept")],
        &[("secrets_on_read", "masked")],
        &[("secrets_on_read", "absent")],
        &[("gcp_project_key", "project_id")],
        &[("oci_answers", "common")],
        &[("json_booleans", "real")],
        &[("data_shape", "object-when-single")],
    ] {
        let (scene, secrets) = (Scene::new(options).await, Secrets::new());
        let mut journal = Journal::in_memory().unwrap();
        let snake = options.contains(&("gcp_project_key", "project_id"));
        let gcp_project_field = if snake { ProjectField::Snake } else { ProjectField::Camel };
        let endpoint = || Endpoint { gcp_project_field, ..scene.endpoint() };

        let before = BEFORE.read(&scene, &secrets);
        let made = pass(endpoint(), &before, &mut journal, May::Write).await;
        assert_eq!(complaints(&made), Vec::<String>::new(), "{options:?}");
        assert_eq!(made.applied.len(), 6, "{options:?}");
        let plan = pass(endpoint(), &before, &mut journal, May::Look).await.plan;
        assert!(plan.is_in_sync() && plan.unverified.is_empty(), "{options:?}: {plan:#?}");

        let after = AFTER.read(&scene, &secrets);
        secrets.write("azure", "another-key-of-nothing");
        secrets.write("gcp", &key_file("fedcba9876543210"));
        let report = pass(endpoint(), &after, &mut journal, May::Write).await;
        assert_eq!(complaints(&report), Vec::<String>::new(), "{options:?}");
        let updates =
            ["~azure/corp renamed", "~gcp/warehouse renamed", "~oci/oracle renamed", "~global_scan/global"];
        assert_eq!(changed(&report), updates, "{options:?}");
        let plan = pass(endpoint(), &after, &mut journal, May::Look).await.plan;
        assert!(plan.is_in_sync() && plan.unverified.is_empty(), "{options:?}: {plan:#?}");

        let objects = scene.objects().await;
        let (_, azure) = objects.of("azure").next().unwrap();
        assert_eq!(azure["authRecord"]["authenticationKey"], "another-key-of-nothing", "{options:?}");
        let (_, gcp) = objects.of("gcp").next().unwrap();
        assert_eq!(gcp["authRecord"]["private_key_id"], "fedcba9876543210", "{options:?}");
    }
}

#[tokio::test]
async fn without_a_journal_what_cannot_be_read_is_said_and_nothing_is_changed() {
    let (scene, secrets) = (Scene::new(&[]).await, Secrets::new());
    let file = BEFORE.read(&scene, &secrets);
    scene.pass(&file, &mut Journal::in_memory().unwrap(), May::Write).await;
    let plan = scene.look(&file).await;
    assert!(plan.is_in_sync(), "{plan:#?}");
    let unverified: Vec<String> =
        plan.unverified.iter().map(|one| format!("{}: {}", one.address, one.fields.join(", "))).collect();
    assert_eq!(
        unverified,
        ["azure/corp: authentication_key", "gcp/warehouse: service_account_key", "oci/oracle: private_key"]
    );
}

#[tokio::test]
async fn an_oci_connector_with_another_key_is_made_anew_where_that_is_allowed() {
    let (scene, secrets) = (Scene::new(&[("reuse_after_delete", "allowed")]).await, Secrets::new());
    let mut journal = Journal::in_memory().unwrap();
    scene.pass(&BEFORE.read(&scene, &secrets), &mut journal, May::Write).await;
    secrets.write("oci", &PEM.replace("bm90", "bm91"));

    let held = scene.pass(&BEFORE.read(&scene, &secrets), &mut journal, May::Write).await;
    let why = held.plan.changes[0].held.as_ref().map(|held| held.why.as_str());
    assert_eq!(
        (changed(&held), why),
        (vec!["±oci/oracle".to_owned()], Some("needs a replace; replace: never"))
    );

    let allowed = File { settings: "replace: allowed", ..BEFORE }.read(&scene, &secrets);
    let report = scene.pass(&allowed, &mut journal, May::Write).await;
    assert_eq!(complaints(&report), Vec::<String>::new());
    let plan = scene.pass(&allowed, &mut journal, May::Look).await.plan;
    assert!(plan.is_in_sync() && plan.unverified.is_empty(), "{plan:#?}");
    let objects = scene.objects().await;
    let (_, oci) = objects.of("oci").next().unwrap();
    assert!(oci["authRecord"]["privateKey"].as_str().unwrap().contains("bm91"));
    assert_ne!(oci["defaultTags"], json!([]), "the tags are set behind the create: {oci:?}");
}

#[tokio::test]
async fn what_a_search_still_shows_of_a_replaced_connector_is_not_replaced_again() {
    let options = [("reuse_after_delete", "allowed"), ("duplicate_identity", "accepted")];
    let (scene, secrets) = (Scene::new(&options).await, Secrets::new());
    let mut journal = Journal::in_memory().unwrap();
    scene.pass(&BEFORE.read(&scene, &secrets), &mut journal, May::Write).await;
    secrets.write("oci", &PEM.replace("bm90", "bm91"));
    let allowed = File { settings: "replace: allowed", ..BEFORE }.read(&scene, &secrets);

    scene.control("POST", "/_sim/options", json!({"search_lag": 20})).await;
    let report = scene.pass(&allowed, &mut journal, May::Write).await;
    assert_eq!(changed(&report), ["±oci/oracle"]);
    assert_eq!(complaints(&report), Vec::<String>::new());
    for _ in 0..2 {
        scene.forget_requests().await;
        let again = scene.pass(&allowed, &mut journal, May::Write).await;
        let why = again.plan.changes[0].held.as_ref().unwrap().why.as_str();
        assert!(why.starts_with("its replacement was sent, and is not to be seen"), "{why}");
        assert_eq!(scene.writes().await, [""; 0]);
    }

    scene.control("POST", "/_sim/options", json!({"search_lag": 0})).await;
    let plan = scene.pass(&allowed, &mut journal, May::Look).await.plan;
    assert!(plan.is_in_sync() && plan.unverified.is_empty(), "{plan:#?}");
    let objects = scene.objects().await;
    let live = objects.of("oci").filter(|(_, object)| object["name"] == "oracle");
    assert_eq!(live.count(), 1);
}

#[tokio::test]
async fn a_replaced_connector_is_found_by_its_new_id_where_no_answer_tells_which_it_is() {
    let options = [("reuse_after_delete", "allowed"), ("azure_auth_record", "empty")];
    let (scene, secrets) = (Scene::new(&options).await, Secrets::new());
    let mut journal = Journal::in_memory().unwrap();
    scene.pass(&BEFORE.read(&scene, &secrets), &mut journal, May::Write).await;
    // Somebody made it for the government; that is fixed.
    let theirs = json!({"kind": "azure", "name": "corp", "set": {"isGovCloudConfigured": true}});
    scene.control("POST", "/_sim/objects", theirs).await;

    let allowed = File { settings: "replace: allowed", ..BEFORE }.read(&scene, &secrets);
    let report = scene.pass(&allowed, &mut journal, May::Write).await;
    assert_eq!(changed(&report), ["±azure/corp"]);
    assert_eq!(complaints(&report), Vec::<String>::new());
    let plan = scene.pass(&allowed, &mut journal, May::Look).await.plan;
    assert!(plan.is_in_sync() && plan.unverified.is_empty(), "{plan:#?}");
}

#[tokio::test]
async fn what_the_platform_does_not_take_is_said_by_name() {
    let later = File { oci: "name: renamed, run_frequency: 6h", ..BEFORE };
    let tagged = File { gcp: "name: renamed, tags: [prod]", ..BEFORE };
    let (oci, gcp) = ("oci/renamed", "gcp/renamed");
    for (options, file, address, refused, left) in [
        (&[][..], &later, oci, true, Some("run_frequency")),
        (&[("oci_run_frequency_update", "ignored")], &later, oci, false, Some("run_frequency")),
        (&[("oci_run_frequency_update", "accepted")], &later, oci, false, None),
        (&[], &tagged, gcp, true, Some("tags")),
        (&[("gcp_undocumented_fields", "accepted")], &tagged, gcp, false, None),
    ] {
        let (scene, secrets) = (Scene::new(options).await, Secrets::new());
        let mut journal = Journal::in_memory().unwrap();
        scene.pass(&BEFORE.read(&scene, &secrets), &mut journal, May::Write).await;
        let file = file.read(&scene, &secrets);
        for pass in 0..3 {
            let report = scene.pass(&file, &mut journal, May::Write).await;
            let mut complaints = complaints(&report).into_iter();
            if refused {
                let why = complaints.next().unwrap_or_default();
                let start =
                    format!("{address} failed: all but {} is written: could not update", left.unwrap());
                assert!(why.starts_with(&start) && why.contains("INVALID_REQUEST"), "{options:?}: {why}");
                assert!(why.contains("(hint: the vendor's guide has no such request"), "{options:?}: {why}");
            }
            let left = left.map(|field| format!("{address} not converged: {field}"));
            assert_eq!(complaints.collect::<Vec<_>>(), Vec::from_iter(left), "{options:?}: pass {pass}");
            assert!(
                scene.objects().await.0.values().any(|object| object.get("name") == Some(&json!("renamed"))),
                "{options:?}"
            );
        }
        scene.forget_requests().await;
        let report = scene.pass(&file, &mut journal, May::Write).await;
        assert!(!report.has_failures(), "{options:?}: {:?}", complaints(&report));
        assert_eq!(scene.writes().await, [""; 0], "{options:?}");
        let held = report.plan.changes.iter().filter_map(|change| Some(change.held.as_ref()?.why.clone()));
        let why = left.map(|field| format!("the platform does not take {field}: sent in 3 passes"));
        let held: Vec<String> = held.collect();
        match (why, held.as_slice()) {
            (None, []) => {}
            (Some(why), [one]) if one.starts_with(&why) => {}
            (why, _) => panic!("{options:?}: {held:?}, not {why:?}"),
        }
    }
}

#[tokio::test]
async fn a_gcp_connector_whose_tags_are_not_taken_is_made_and_its_key_known() {
    let (scene, secrets) = (Scene::new(&[]).await, Secrets::new());
    let mut journal = Journal::in_memory().unwrap();
    let tagged =
        File { gcp: "name: warehouse, tags: [prod], activation: []", ..BEFORE }.read(&scene, &secrets);
    let report = scene.pass(&tagged, &mut journal, May::Write).await;
    let complaints = complaints(&report);
    assert!(complaints[0].starts_with("gcp/warehouse failed: made (id "), "{complaints:?}");
    assert_eq!(complaints[1..], ["gcp/warehouse not converged: tags"]);
    let untagged = File { gcp: "name: warehouse", ..BEFORE }.read(&scene, &secrets);
    let plan = scene.pass(&untagged, &mut journal, May::Look).await.plan;
    assert!(plan.is_in_sync() && plan.unverified.is_empty(), "{plan:#?}");
}

#[tokio::test]
async fn the_same_key_in_another_writing_is_no_change() {
    let (scene, secrets) = (Scene::new(&[]).await, Secrets::new());
    let mut journal = Journal::in_memory().unwrap();
    let file = BEFORE.read(&scene, &secrets);
    scene.pass(&file, &mut journal, May::Write).await;
    secrets.write("oci", &format!("{}OCI_API_KEY\r\n", PEM.replace('\n', "\r\n")));
    let key: serde_json::Value = serde_json::from_str(&key_file("0123456789abcdef")).unwrap();
    secrets.write("gcp", &format!("{key:#}"));
    let plan = scene.pass(&file, &mut journal, May::Look).await.plan;
    assert!(plan.is_in_sync() && plan.unverified.is_empty(), "{plan:#?}");
}

#[tokio::test]
async fn a_global_scan_that_somebody_changed_is_set_back_without_its_past_start_date() {
    for past in ["accepted", "refused"] {
        let (scene, secrets) = (Scene::new(&[]).await, Secrets::new());
        let mut journal = Journal::in_memory().unwrap();
        let old = BEFORE.global_scan.replace("2031-12-01", "2021-12-01");
        let file = File { global_scan: &old, ..BEFORE }.read(&scene, &secrets);
        scene.pass(&file, &mut journal, May::Write).await;
        scene.control("POST", "/_sim/options", json!({"past_start_date": past})).await;
        let drift = json!({"kind": "global_scan", "set": {"scanPrefix": "theirs"}});
        scene.control("POST", "/_sim/objects", drift).await;

        let report = scene.pass(&file, &mut journal, May::Write).await;
        assert_eq!(changed(&report), ["~global_scan/global"]);
        assert_eq!(complaints(&report), Vec::<String>::new(), "{past}");
        assert!(scene.look(&file).await.is_in_sync());
    }
}

#[tokio::test]
async fn a_subscription_without_oci_keeps_the_rest() {
    let (scene, secrets) = (Scene::new(&[("oci", "unknown")]).await, Secrets::new());
    let file = BEFORE.read(&scene, &secrets);
    let report = scene.pass(&file, &mut Journal::in_memory().unwrap(), May::Write).await;
    let complaints = complaints(&report);
    assert!(
        complaints.iter().all(|one| one.starts_with("oci: could not search ociassetdataconnector")),
        "{complaints:?}"
    );
    assert!(complaints[0].contains("ask the vendor's support"), "{complaints:?}");
    assert_eq!(report.applied.len(), 5, "all but the connector itself");
}

/// An Azure connector whose key is nowhere, with these fields besides.
fn without_key(fields: &str) -> String {
    format!(
        "version: 1\nplatform: {{pod: simulator}}\nconnectors:\n  azure:\n    - {{name: corp, \
         subscription_id: 0a0a0a0a-1111-4222-8333-444444444444, authentication_key: {{env: TRUEUP_TEST_UNSET}}, {fields}}}\n"
    )
}

#[tokio::test]
async fn a_key_that_cannot_be_had_is_a_warning_in_a_plan_and_fails_the_change_before_any_write() {
    let scene = Scene::new(&[]).await;
    let record = json!({
        "subscriptionId": "0a0a0a0a-1111-4222-8333-444444444444", "directoryId": "0b0b0b0b-1111-4222-8333-444444444444",
        "applicationId": "0c0c0c0c-1111-4222-8333-444444444444", "authenticationKey": "not-a-real-key"
    });
    scene.make("azure", [json!({"name": "corp", "runFrequency": 240, "authRecord": record})]).await;
    let mut journal = Journal::in_memory().unwrap();
    let told = "azure/corp: authentication_key not checked: could not resolve the secret {env: TRUEUP_TEST_UNSET}: \
                the environment variable is not set";
    let desired = scene.file(&without_key("run_frequency: 6h"));
    let plan = scene.look(&desired).await;
    assert_eq!(plan.warnings, [told]);
    assert_eq!(plan.summary.update, 1);
    scene.forget_requests().await;
    let report = scene.pass(&desired, &mut journal, May::Write).await;
    let complaints = complaints(&report);
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
    assert!(
        complaints[0].starts_with("azure/corp failed: authentication_key: could not resolve"),
        "{complaints:#?}"
    );
    assert_eq!(scene.writes().await, [""; 0]);
    // Where nothing changes, there is nothing to fail.
    let same = scene.pass(&scene.file(&without_key("run_frequency: 4h")), &mut journal, May::Write).await;
    assert!(!same.has_failures() && same.applied.is_empty());
    // What is ignored is not asked for.
    let ignored = scene.file(&without_key("run_frequency: 6h, ignore: [authentication_key]"));
    let report = scene.pass(&ignored, &mut journal, May::Write).await;
    assert!(!report.has_failures() && report.plan.warnings.is_empty(), "{:?}", report.plan.warnings);
    assert_eq!(report.applied.len(), 1);
}
