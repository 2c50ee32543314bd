//! Runs of connectors: asked for and followed, and what the platform says of those that failed.

#![allow(
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    reason = "helpers take what json! makes, and fail the test"
)]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{PASSWORD, Scene};
use trueup::journal::Journal;
use trueup::pace::Pace;
use trueup::plan::{Located, Plan, Policy, locate};
use trueup::pull::pull;
use trueup::qualys::{Reader, Writer};
use trueup::reconcile::{Ailments, Pass, reconcile};
use trueup::resource::{Address, Kind};
use trueup::stop::Stop;
use trueup::sync::{Outcome, Ran, Syncing, sync};

/// So that no test waits.
const PACE: Pace = Pace {
    first: Duration::from_millis(1),
    cap: Duration::from_millis(2),
    lag: Duration::from_secs(30),
    timeout: Duration::from_mins(1),
};

fn connector(name: &str, account: u64) -> Value {
    json!({"name": name, "arn": format!("arn:aws:iam::{account:012}:role/Q"), "externalId": "x-1"})
}

/// How an object is after a run.
fn ran(name: &str, account: u64, state: &str) -> Value {
    let mut object = connector(name, account);
    object["connectorState"] = state.into();
    object["lastSync"] = "2031-01-01T00:00:00Z".into();
    object
}

fn file(names: &[(&str, u64)]) -> String {
    let entries = names
        .iter()
        .map(|(name, account)| format!("    - {{name: {name}, arn: 'arn:aws:iam::{account:012}:role/Q'}}\n"));
    format!("version: 1\nplatform: {{pod: simulator}}\nconnectors:\n  aws:\n{}", entries.collect::<String>())
}

/// What came of the runs of these addresses, and the states that were seen.
async fn synced(scene: &Scene, yaml: &str, wanted: &[&str], follow: Option<Pace>) -> (Vec<Ran>, Vec<String>) {
    let reader = Reader::connect(scene.endpoint()).unwrap();
    let (desired, known) = (scene.file(yaml), trueup::plan::Known::default());
    let live = pull(&reader, &[Kind::Aws]).await;
    let wanted: Vec<Address> = wanted.iter().map(|address| address.parse().unwrap()).collect();
    let targets: Vec<Located<'_>> =
        locate(&wanted, &desired, &live, &known).into_iter().map(Result::unwrap).collect();
    let mut seen = Vec::new();
    let ran = sync(Syncing {
        reader: &reader,
        writer: &Writer::new(&reader),
        targets,
        follow,
        stop: &Stop::new(),
        tell: &mut |told| seen.push(format!("{} {}", told.address, told.state)),
    })
    .await;
    (ran, seen)
}

async fn runs_sent(scene: &Scene) -> usize {
    scene.writes().await.iter().filter(|path| path.contains("/run/")).count()
}

#[tokio::test]
async fn a_run_is_followed_over_every_state_to_its_end() {
    let scene = Scene::new(&[("states", "success")]).await;
    scene.make("aws", [ran("a", 1, "FINISHED_ERRORS"), ran("b", 2, "RUNNING")]).await;
    let (runs, seen) = synced(&scene, &file(&[]), &["aws/a", "aws/b"], Some(PACE)).await;
    let of_a: Vec<&String> = seen.iter().filter(|line| line.starts_with("aws/a")).collect();
    assert_eq!(of_a, ["aws/a QUEUED", "aws/a RUNNING", "aws/a FINISHED_SUCCESS"]);
    for run in &runs {
        assert_eq!((run.outcome, run.well, &run.reason), (Outcome::Finished, true, &None), "{run:?}");
        assert_eq!((run.state.as_deref(), &run.last_error), (Some("FINISHED_SUCCESS"), &None), "{run:?}");
    }
    assert_eq!(runs_sent(&scene).await, 1, "what runs already is not run again");
}

#[tokio::test]
async fn a_run_that_ends_with_errors_says_which() {
    let scene = Scene::new(&[("states", "errors")]).await;
    scene.make("aws", [ran("a", 1, "FINISHED_SUCCESS")]).await;
    let (runs, _) = synced(&scene, &file(&[]), &["aws/a"], Some(PACE)).await;
    let run = &runs[0];
    assert_eq!((run.outcome, run.well), (Outcome::Failed, false), "{run:?}");
    assert_eq!(run.state.as_deref(), Some("FINISHED_ERRORS"));
    assert_eq!(run.errors.len(), 1);
    assert_eq!(Some(&run.errors[0].message), run.last_error.as_ref());
}

#[tokio::test]
async fn the_end_of_the_run_before_is_not_taken_for_this_ones() {
    for (before, states, expected) in [
        ("FINISHED_ERRORS", "success", Outcome::Finished),
        ("FINISHED_SUCCESS", "success", Outcome::Finished),
        ("FINISHED_SUCCESS", "errors", Outcome::Failed),
    ] {
        let scene = Scene::new(&[("states", states), ("search_lag", "3")]).await;
        scene.make("aws", [ran("a", 1, before)]).await;
        // What was made lags too.
        for _ in 0..4 {
            Reader::connect(scene.endpoint()).unwrap().list(Kind::Aws).await.unwrap();
        }
        let (runs, seen) = synced(&scene, &file(&[]), &["aws/a"], Some(PACE)).await;
        assert_eq!(runs[0].outcome, expected, "{before}: {seen:?}");
        assert_eq!(seen[0], format!("aws/a {before}"), "the search lags");
        assert!(seen.contains(&"aws/a RUNNING".to_owned()), "{seen:?}");
    }
}

#[tokio::test]
async fn a_run_that_does_not_end_in_time_is_not_well() {
    let scene = Scene::new(&[("states", "frozen")]).await;
    scene.make("aws", [ran("a", 1, "FINISHED_SUCCESS")]).await;
    let pace = Pace { timeout: Duration::from_millis(20), ..PACE };
    let (runs, _) = synced(&scene, &file(&[]), &["aws/a"], Some(pace)).await;
    assert_eq!((runs[0].outcome, runs[0].well), (Outcome::Running, false), "{runs:?}");
    assert!(runs[0].reason.as_deref().unwrap().starts_with("not at its end after"), "{runs:?}");
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_looking_and_never_by_asking_twice() {
    for (kind, outcome) in [("lost", Outcome::Started), ("drop", Outcome::Failed)] {
        let scene = Scene::new(&[]).await;
        scene.make("aws", [ran("a", 1, "FINISHED_SUCCESS")]).await;
        scene.faults(json!({"kind": kind, "path": "/run/"})).await;
        let (runs, _) = synced(&scene, &file(&[]), &["aws/a"], None).await;
        assert_eq!(runs[0].outcome, outcome, "{kind}: {runs:?}");
        assert_eq!(runs_sent(&scene).await, 1, "{kind}");
    }
}

#[tokio::test]
async fn a_platform_that_cannot_be_asked_for_a_while_is_asked_again() {
    let scene = Scene::new(&[]).await;
    scene.make("aws", [ran("a", 1, "FINISHED_SUCCESS")]).await;
    let fault = |times: u64| json!({"kind": "status", "path": "/search/", "nth": 2, "times": times});
    scene.faults(fault(9)).await;
    let (runs, _) = synced(&scene, &file(&[]), &["aws/a"], Some(PACE)).await;
    assert_eq!(runs[0].outcome, Outcome::Finished, "{runs:?}");
    scene.heal().await;
    scene.faults(fault(0)).await;
    let pace = Pace { lag: Duration::ZERO, ..PACE };
    let (runs, _) = synced(&scene, &file(&[]), &["aws/a"], Some(pace)).await;
    assert_eq!((runs[0].outcome, runs[0].well), (Outcome::Failed, false), "{runs:?}");
    assert!(runs[0].reason.as_deref().unwrap().starts_with("it could not be followed"), "{runs:?}");
}

#[tokio::test]
async fn a_declared_name_means_the_live_object_of_its_identity() {
    let scene = Scene::new(&[]).await;
    scene.make("aws", [ran("theirs", 1, "FINISHED_SUCCESS"), ran("ours", 2, "FINISHED_SUCCESS")]).await;
    let (runs, _) = synced(&scene, &file(&[("ours", 1)]), &["aws/ours"], None).await;
    let objects = scene.objects().await;
    let live = objects.of("aws").find(|(id, _)| Some(id.to_string()) == runs[0].id).unwrap().1;
    assert_eq!(live["name"], "theirs");
}

// What the platform says of runs that failed.

/// The plan of one pass that knows what the passes before it have asked for.
async fn pass(scene: &Scene, yaml: &str, ailments: &mut Ailments) -> Plan {
    let (reader, desired) = (Reader::connect(scene.endpoint()).unwrap(), scene.file(yaml));
    let report = reconcile(Pass {
        run_id: "test",
        trigger: "test",
        desired: &desired,
        reader: &reader,
        writer: None,
        journal: &mut Journal::in_memory().unwrap(),
        ailments,
        deletes: None,
        policy: &Policy::from_settings(&desired.settings.reconcile),
        stop: &Stop::new(),
        tell: &mut |_, _| {},
        consent: &mut |_| Box::pin(std::future::ready(false)),
        each: &|_| {},
    })
    .await;
    report.plan
}

async fn lists_asked(scene: &Scene) -> usize {
    let requests = scene.requests().await;
    let asked = requests
        .iter()
        .filter(|request| request["path"].as_str().unwrap().ends_with("assetdataconnectorerrors"));
    let asked = asked.count();
    scene.forget_requests().await;
    asked
}

fn ill(name: &str, account: u64, last_error: &str) -> Value {
    let mut object = ran(name, account, "FINISHED_ERRORS");
    object["lastError"] = last_error.into();
    object["errors"] = json!([{"errorMessage": format!("why {name}"), "created": "2031-01-01T00:00:00Z"}]);
    object
}

#[tokio::test]
async fn the_errors_of_a_run_are_asked_for_once_while_nothing_moves() {
    let scene = Scene::new(&[("states", "frozen")]).await;
    scene.make("aws", [ill("a", 1, "no"), ran("b", 2, "FINISHED_SUCCESS"), ill("theirs", 3, "no")]).await;
    let (yaml, mut ailments) = (file(&[("a", 1), ("b", 2)]), Ailments::default());
    for (asked, state, last_error) in [
        (1, "FINISHED_ERRORS", "no"),
        (0, "FINISHED_ERRORS", "no"),
        (1, "FINISHED_ERRORS", "not again"),
        (1, "ERROR", "not again"),
        (0, "ERROR", "not again"),
    ] {
        let change = json!({"connectorState": state, "lastError": last_error});
        scene.control("POST", "/_sim/objects", json!({"kind": "aws", "name": "a", "set": change})).await;
        let plan = pass(&scene, &yaml, &mut ailments).await;
        assert_eq!(lists_asked(&scene).await, asked, "{state} {last_error}");
        let [unhealthy] = plan.unhealthy.as_slice() else { panic!("{:?}", plan.unhealthy) };
        let messages: Vec<&str> = unhealthy.errors.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(messages, ["why a"]);
    }
}

#[tokio::test]
async fn a_pass_asks_for_a_bounded_number_of_lists_and_the_next_ones_for_the_rest() {
    let scene = Scene::new(&[]).await;
    let all: Vec<(String, u64)> = (1..=45).map(|number| (format!("c{number}"), number)).collect();
    scene.make("aws", all.iter().map(|(name, account)| ill(name, *account, "no"))).await;
    let named: Vec<(&str, u64)> = all.iter().map(|(name, account)| (name.as_str(), *account)).collect();
    let (yaml, mut ailments) = (file(&named), Ailments::default());
    for (asked, told) in [(20, 20), (20, 40), (5, 45), (0, 45)] {
        let plan = pass(&scene, &yaml, &mut ailments).await;
        assert_eq!(lists_asked(&scene).await, asked);
        assert_eq!(plan.unhealthy.iter().filter(|object| !object.errors.is_empty()).count(), told);
        assert_eq!(plan.warnings, Vec::<String>::new());
    }
}

#[tokio::test]
async fn errors_of_runs_that_cannot_be_read_are_one_warning_and_the_same_plan() {
    let scene = Scene::new(&[]).await;
    scene.make("aws", [ill("a", 1, "no"), ill("b", 2, "no")]).await;
    let (yaml, mut ailments) = (file(&[("a", 1), ("b", 2)]), Ailments::default());
    scene.faults(json!({"kind": "status", "status": 403, "path": "connectorerrors", "times": 0})).await;
    let without = pass(&scene, &yaml, &mut ailments).await;
    let [warning] = without.warnings.as_slice() else { panic!("{:?}", without.warnings) };
    assert!(warning.starts_with("the errors of the last run could not be read: aws/a: "), "{warning}");
    assert!(warning.ends_with("(and so of 1 more)"), "{warning}");
    assert!(!without.has_failures());
    scene.heal().await;
    let with = pass(&scene, &yaml, &mut ailments).await;
    assert_eq!(with.unhealthy.iter().map(|object| object.errors.len()).sum::<usize>(), 2);
    assert_eq!((with.id, with.warnings), (without.id, Vec::new()), "the plan is the same one");
}

#[tokio::test]
async fn what_the_platform_says_of_a_run_repeats_no_secret() {
    let scene = Scene::new(&[]).await;
    let mut object = ill("a", 1, &format!("signed in with {PASSWORD}"));
    object["errors"][0]["errorMessage"] = format!("{PASSWORD} was refused").into();
    scene.make("aws", [object]).await;
    let plan = pass(&scene, &file(&[("a", 1)]), &mut Ailments::default()).await;
    let said = serde_json::to_string(&plan.unhealthy).unwrap();
    assert!(!said.contains(PASSWORD) && said.contains("was refused") && said.contains("signed in"), "{said}");
}
