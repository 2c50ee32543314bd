//! Schedules are compared by what they mean, and the registration of a snapshot scan, which nobody can read, is what the
//! file says also after a write that ended in the middle.

#![expect(clippy::unwrap_used, reason = "a test whose scene cannot be set up has failed")]

mod support;

use serde_json::{Value, json};
use support::{May, Scene, complaints};
use trueup::desired::Desired;
use trueup::journal::Journal;
use trueup::plan::Action;
use trueup::reconcile::{PassOutcome, Report};

const ACCOUNT: &str = "account_id: '951234567875'";
const OTHER: &str = "account_id: '951234567876'";
const DAILY: &str = "schedule: '0 0 2 ? * *'";
const TAGGED: &str = "tags: [{key: Owner, value: test}]";

fn snapshot(scene: &Scene, reconcile: &str, fields: &[&str]) -> Desired {
    let fields = fields.join(", ");
    scene.file(&format!(
        "version: 1\nplatform: {{pod: simulator}}\nreconcile: {{{reconcile}}}\nsnapshot_scan: {{{fields}}}\n"
    ))
}

/// Account, schedule and tags of what is registered.
async fn registered(scene: &Scene) -> Value {
    let objects = scene.objects().await;
    let all: Vec<Value> = objects
        .of("snapshot_registration")
        .map(|(_, object)| json!([object["accountId"], object["schedule"], object["tags"]]))
        .collect();
    all.into()
}

const OWNER: &str = r#"[{"tagKey": "Owner", "tagValue": "test"}]"#;

fn registration(account: &str, schedule: &str, tags: &str) -> Value {
    let tags: Value = serde_json::from_str(tags).unwrap();
    json!([[account, schedule, tags]])
}

/// The changes with their fields, and why each is held.
fn changes(report: &Report) -> Vec<(Action, Vec<&str>, Option<&str>)> {
    let all = report.plan.changes.iter();
    all.map(|change| {
        (change.action, change.field_names(), change.held.as_ref().map(|held| held.why.as_str()))
    })
    .collect()
}

async fn assert_in_sync(scene: &Scene, desired: &Desired, journal: &mut Journal) {
    scene.forget_requests().await;
    let report = scene.pass(desired, journal, May::Write).await;
    assert_eq!((report.outcome(), changes(&report)), (PassOutcome::InSync, Vec::new()));
    assert_eq!(report.plan.unverified, []);
    assert_eq!(scene.writes().await, [""; 0]);
}

#[tokio::test]
async fn another_spelling_of_the_same_cron_is_no_change() {
    let (scene, mut journal) = (Scene::new(&[]).await, Journal::in_memory().unwrap());
    for (at, schedule) in
        ["0 0 2 ? * FRI-MON 2026-2040", "0 0 2 ? * 1,2,6,7 2026-2040", "0 0 2 ? * fri-mon 2026/1"]
            .into_iter()
            .enumerate()
    {
        let file = snapshot(&scene, "", &[ACCOUNT, &format!("schedule: '{schedule}'")]);
        match at {
            0 => drop(scene.pass(&file, &mut journal, May::Write).await),
            1 => assert_in_sync(&scene, &file, &mut journal).await,
            _ => {
                let report = scene.pass(&file, &mut journal, May::Look).await;
                assert_eq!(changes(&report), [(Action::Update, vec!["schedule"], None)], "to 2099, not 2040");
            }
        }
    }
}

#[tokio::test]
async fn what_the_file_leaves_out_of_a_registration_goes_along_when_it_is_made_anew() {
    let (scene, mut journal) = (Scene::new(&[]).await, Journal::in_memory().unwrap());
    scene.pass(&snapshot(&scene, "", &[ACCOUNT, DAILY, TAGGED]), &mut journal, May::Write).await;
    let later = snapshot(&scene, "", &[ACCOUNT, "schedule: '0 0 3 ? * *'"]);
    let report = scene.pass(&later, &mut journal, May::Write).await;
    assert_eq!(changes(&report), [(Action::Update, vec!["schedule"], None)]);
    assert_eq!(registered(&scene).await, registration("951234567875", "0 0 3 ? * *", OWNER));
    assert_in_sync(&scene, &later, &mut journal).await;
    let cleared = snapshot(&scene, "", &[ACCOUNT, "schedule: '0 0 3 ? * *'", "tags: []"]);
    scene.pass(&cleared, &mut journal, May::Write).await;
    assert_eq!(registered(&scene).await, registration("951234567875", "0 0 3 ? * *", "[]"));
}

#[tokio::test]
async fn another_account_takes_the_place_of_the_one_that_we_registered_and_of_no_other() {
    let (scene, mut journal) = (Scene::new(&[]).await, Journal::in_memory().unwrap());
    scene.pass(&snapshot(&scene, "", &[ACCOUNT, DAILY, TAGGED]), &mut journal, May::Write).await;
    scene.forget_requests().await;
    let held = scene.pass(&snapshot(&scene, "", &[OTHER, DAILY]), &mut journal, May::Write).await;
    let why = "needs a replace; replace: never";
    assert_eq!(changes(&held), [(Action::Replace, vec!["account_id"], Some(why))]);
    assert_eq!(scene.writes().await, [""; 0]);
    let allowed = snapshot(&scene, "replace: allowed", &[OTHER, DAILY]);
    scene.pass(&allowed, &mut journal, May::Write).await;
    assert_eq!(registered(&scene).await, registration("951234567876", "0 0 2 ? * *", "[]"));
    assert_in_sync(&scene, &allowed, &mut journal).await;

    // Somebody else's registration, which was found in place of ours.
    let mut journal = Journal::in_memory().unwrap();
    let mine = snapshot(&scene, "replace: allowed", &[ACCOUNT, DAILY]);
    let found = scene.pass(&mine, &mut journal, May::Write);
    assert_eq!(complaints(&found.await), [""; 0]);
    scene.forget_requests().await;
    let report = scene.pass(&allowed, &mut journal, May::Write).await;
    assert_eq!(changes(&report)[0].0, Action::Create);
    assert_eq!(scene.writes().await, ["/conn/snapshot/v1.0/register-service-account"]);
}

/// The registration is gone, and the new one not made.
#[tokio::test]
async fn a_change_that_ends_between_its_two_halves_is_told_and_repaired_also_when_the_file_goes_back() {
    for (fields, action) in [
        (&[ACCOUNT, "schedule: '0 0 4 ? * *'", TAGGED][..], Action::Update),
        (&[OTHER, DAILY, TAGGED], Action::Replace),
    ] {
        for killed in [false, true] {
            for back in [false, true] {
                let case = format!("{action:?}, killed: {killed}, back: {back}");
                let (scene, mut journal) = (Scene::new(&[]).await, Journal::in_memory().unwrap());
                let first = snapshot(&scene, "replace: allowed", &[ACCOUNT, DAILY, TAGGED]);
                scene.pass(&first, &mut journal, May::Write).await;
                let changed = snapshot(&scene, "replace: allowed", fields);
                let kind = if killed { "hold" } else { "status" };
                scene
                    .faults(
                        json!({"kind": kind, "path": "/register-service-account", "times": 0, "status": 400}),
                    )
                    .await;
                if killed {
                    // It ends while it waits for the answer to the first half, which was carried out.
                    scene
                        .faults(json!({"kind": "hold", "path": "/deregister-service-account", "times": 0}))
                        .await;
                    let gone = async {
                        while registered(&scene).await != json!([]) {
                            tokio::task::yield_now().await;
                        }
                    };
                    tokio::select! {
                        _ = scene.pass(&changed, &mut journal, May::Write) => panic!("{case}: it waits"),
                        () = gone => {}
                    }
                } else {
                    let report = scene.pass(&changed, &mut journal, May::Write).await;
                    let told = complaints(&report);
                    let said = ["after it was deregistered", "deleted, not yet created again"];
                    assert!(
                        told.len() == 1 && said.iter().any(|said| told[0].contains(said)),
                        "{case}: {told:?}"
                    );
                }
                assert_eq!(registered(&scene).await, json!([]), "{case}");
                scene.heal().await;
                let wanted = if back { &first } else { &changed };
                let report = scene.pass(wanted, &mut journal, May::Write).await;
                assert_eq!(complaints(&report), [""; 0], "{case}");
                assert_eq!(report.applied.len(), 1, "{case}");
                let (account, schedule) = match (back, action) {
                    (false, Action::Replace) => ("951234567876", "0 0 2 ? * *"),
                    (false, _) => ("951234567875", "0 0 4 ? * *"),
                    (true, _) => ("951234567875", "0 0 2 ? * *"),
                };
                assert_eq!(registered(&scene).await, registration(account, schedule, OWNER), "{case}");
                assert_in_sync(&scene, wanted, &mut journal).await;
            }
        }
    }
}

#[tokio::test]
async fn what_somebody_registers_between_the_two_halves_is_told() {
    let (scene, mut journal) = (Scene::new(&[]).await, Journal::in_memory().unwrap());
    scene.pass(&snapshot(&scene, "", &[ACCOUNT, DAILY]), &mut journal, May::Write).await;
    let gone = json!({"kind": "empty", "path": "/deregister-service-account", "status": 204});
    scene.faults(gone).await;
    let changed = snapshot(&scene, "", &[ACCOUNT, "schedule: '0 0 4 ? * *'"]);
    let report = scene.pass(&changed, &mut journal, May::Write).await;
    let told = complaints(&report);
    assert!(told.len() == 1 && told[0].contains("somebody else registered one meanwhile"), "{told:?}");
    scene.pass(&changed, &mut journal, May::Write).await;
    assert_eq!(registered(&scene).await, registration("951234567875", "0 0 4 ? * *", "[]"));
    assert_in_sync(&scene, &changed, &mut journal).await;
}

#[tokio::test]
async fn another_name_of_the_same_time_zone_and_another_way_to_write_a_date_are_no_change() {
    let scene = Scene::new(&[("date_order", "lenient")]).await;
    let scan = |zone: &str, date: &str| {
        format!(
            "{{option_profile_id: 2, recurrence: WEEKLY, days: [SUN, TUE], scan_prefix: peri, \
             start_date: {date}, start_time: '9:05', timezone: {zone}}}"
        )
    };
    let file = |scan: &str| {
        scene.file(&format!(
            "version: 1\nplatform: {{pod: simulator}}\nglobal_scan: {scan}\nconnectors:\n  aws:\n    \
             - {{name: edge, arn: 'arn:aws:iam::111111111111:role/Q', external_id: US1-1-11111, activation: [VM], \
             perimeter_scan: {scan}}}\n"
        ))
    };
    let mut journal = Journal::in_memory().unwrap();
    scene.pass(&file(&scan("US/Eastern", "2093-05-31")), &mut journal, May::Write).await;
    let shown = json!({
        "optionProfileId": 2, "recurrence": "WEEKLY", "daysOfWeek": ["TUE", "SUN"], "scanPrefix": "peri",
        "startDate": "31/05/2093", "startTime": "09:05", "timezone": "America/New_York"
    });
    scene.control("POST", "/_sim/objects", json!({"kind": "global_scan", "set": shown})).await;
    let connector = json!({"kind": "aws", "name": "edge", "set": {"connectorScanConfig": shown}});
    scene.control("POST", "/_sim/objects", connector).await;
    for zone in ["US/Eastern", "America/New_York"] {
        assert_in_sync(&scene, &file(&scan(zone, "2093-05-31")), &mut journal).await;
    }
    for (zone, date) in [("US/Central", "2093-05-31"), ("US/Eastern", "2093-05-30")] {
        let report = scene.pass(&file(&scan(zone, date)), &mut journal, May::Look).await;
        assert_eq!(changes(&report).len(), 2, "{zone} {date}");
    }
}

#[tokio::test]
async fn to_plan_sends_nothing_that_writes_whatever_the_file_names() {
    let scene = Scene::example(&[]).await;
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.yaml");
    let desired = scene.file(&std::fs::read_to_string(path).unwrap());
    let mut journal = Journal::in_memory().unwrap();
    for written in [false, true] {
        if written {
            scene.pass(&desired, &mut journal, May::Write).await;
        }
        scene.forget_requests().await;
        scene.pass(&desired, &mut journal, May::Look).await;
        let requests = scene.requests().await;
        assert!(requests.len() > 8, "{requests:?}");
        assert_eq!(scene.writes().await, [""; 0]);
        for telling in ["register", "/org/azure/test", "/run", "/create", "/update"] {
            let asked = |request: &Value| request["path"].as_str().unwrap().contains(telling);
            assert!(!requests.iter().any(asked), "{telling}: {requests:?}");
        }
    }
}
