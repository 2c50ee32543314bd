//! Whatever the platform answers, to whichever call: the pass says in one line what happened to what, changes
//! nothing that it should not, and the next pass, once the fault is gone, ends in sync.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod stub;
mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use stub::{Asked, Stub, success};
use support::{May, PASSWORD, Scene, USER, complaints, pass};
use trueup::journal::Journal;
use trueup::plan::Action;
use trueup::reconcile::{PassOutcome, Report};

fn journal() -> Journal {
    Journal::in_memory().unwrap()
}

/// The changes that the file below asks for, one of each action for tags and for connectors.
const CHANGES: [&str; 6] = ["tag/new", "tag/prod", "tag/old", "aws/fresh", "aws/edge", "aws/gone"];

const FILE: &str = r##"
version: 1
platform: {pod: simulator}
reconcile: {owner: cloudsec, prune: all, max_change_percent: 100}
tags:
  - {name: prod, color: "#00FF00"}
  - {name: new}
connectors:
  aws:
    - {name: edge, arn: "arn:aws:iam::210000008001:role/Reader", external_id: US1-1-12345,
       run_frequency: 2h, tags: [prod]}
    - {name: fresh, arn: "arn:aws:iam::210000008009:role/Reader", external_id: US1-1-12345}
"##;

/// A subscription that differs from the file in every way. The platform itself keeps nothing from being made twice.
async fn scene() -> Scene {
    let mut scene = Scene::new(&[("duplicate_identity", "accepted"), ("duplicate_tag", "accepted")]).await;
    // Twice the longest pause after a limit that does not say how long to wait.
    scene.patience.max_wait = scene.patience.cap * 20;
    scene
        .make(
            "tag",
            [
                json!({"id": 7001, "name": "prod", "color": "#AA0000"}),
                json!({"id": 7003, "name": "old", "description": "[trueup:cloudsec]"}),
                json!({"id": 7005, "name": "theirs", "color": "#123456"}),
            ],
        )
        .await;
    let connector = |id: u64, name: &str| {
        json!({
            "id": id, "name": name, "arn": format!("arn:aws:iam::21000000{id}:role/Reader"),
            "externalId": "US1-1-12345", "connectorAppInfos": ["AI"],
        })
    };
    let mut theirs = connector(8005, "theirs");
    theirs["description"] = "kept [trueup:others]".into();
    scene.make("aws", [connector(8001, "edge"), connector(8002, "gone"), theirs]).await;
    scene.forget_requests().await;
    scene
}

/// Which of the changes are made, and that nothing else is.
async fn made(scene: &Scene) -> BTreeSet<&'static str> {
    let objects = scene.objects().await;
    objects.assert_no_doubles();
    let object = |kind: &str, name: &str| {
        objects.of(kind).find(|(_, object)| object["name"] == name).map(|(_, object)| object.clone())
    };
    assert_eq!(object("tag", "theirs").unwrap()["color"], "#123456");
    assert_eq!(object("aws", "theirs").unwrap()["description"], "kept [trueup:others]");
    let edge = object("aws", "edge").unwrap();
    let of = |change: &&&str| match **change {
        "tag/new" => object("tag", "new").is_some(),
        "tag/prod" => object("tag", "prod").unwrap()["color"] == "#00FF00",
        "tag/old" => object("tag", "old").is_none(),
        "aws/fresh" => object("aws", "fresh").is_some(),
        "aws/edge" => edge["runFrequency"] == 120 && edge["defaultTags"] == json!([7001]),
        "aws/gone" => object("aws", "gone").is_none(),
        other => unreachable!("{other}"),
    };
    CHANGES.iter().filter(of).copied().collect()
}

/// A call, by its path and which of those with this path it is.
struct Call {
    path: &'static str,
    nth: u64,
    /// As errors name it, with the object that it is about.
    operation: &'static str,
    what: What,
}

#[derive(Clone, Copy, PartialEq)]
enum What {
    /// The listing of a kind.
    List(&'static str),
    /// The create of this object.
    Create(&'static str),
    /// The update or delete of this object.
    Change(&'static str),
    /// The look at what was written of a kind.
    Again(&'static str),
}

/// The kind whose listing is asked for first.
const FIRST: &str = "aws";

const CALLS: [Call; 10] = {
    const fn call(path: &'static str, nth: u64, operation: &'static str, what: What) -> Call {
        Call { path, nth, operation, what }
    }
    [
        call("/search/am/tag", 1, "search tag", What::List("tag")),
        call("/search/am/aws", 1, "search awsassetdataconnector", What::List("aws")),
        call("/create/am/tag", 1, "create tag tag/new", What::Create("tag/new")),
        call("/create/am/aws", 1, "create awsassetdataconnector aws/fresh", What::Create("aws/fresh")),
        call("/update/am/tag", 1, "update tag 7001", What::Change("tag/prod")),
        call("/update/am/aws", 1, "update awsassetdataconnector 8001", What::Change("aws/edge")),
        call("/delete/am/tag", 1, "delete tag 7003", What::Change("tag/old")),
        call("/delete/am/aws", 1, "delete awsassetdataconnector 8002", What::Change("aws/gone")),
        // Before these there is the look at what is to be deleted; of a tag for itself, and for its place.
        call("/search/am/tag", 4, "search tag", What::Again("tag")),
        call("/search/am/aws", 3, "search awsassetdataconnector", What::Again("aws")),
    ]
};

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Means {
    /// Not done, and not to be asked again.
    No,
    /// As `No`, of the user: refused with the first call to a server, so are those that wait for its answer.
    NoUser,
    /// As `No`, and what is to be deleted is gone.
    Gone,
    /// Not done, and to be asked again later; or not in this pass, where later is too late.
    Later { soon: bool },
    /// Anything may have happened; whether it has.
    Unsure { done: bool },
}

/// Each fault, what the report says of it, and what it means.
fn faults() -> Vec<(Value, &'static str, Means)> {
    // Words that would steer a terminal, break a line, or give the password away.
    let reason = format!("\u{1b}[31mno\r\n {USER}:{PASSWORD} \u{202e}may not");
    let says = |status: u16, code: &str| {
        let details = json!({"errorMessage": reason, "errorResolution": format!("not as {PASSWORD}")});
        let response = json!({"responseCode": code, "responseErrorDetails": details});
        json!({"kind": "status", "status": status, "body": {"ServiceResponse": response}})
    };
    let unsure = Means::Unsure { done: false };
    let done = Means::Unsure { done: true };
    let soon = Means::Later { soon: true };
    vec![
        (says(401, "INVALID_CREDENTIALS"), "HTTP 401: INVALID_CREDENTIALS", Means::NoUser),
        (says(403, "FORBIDDEN"), "HTTP 403: FORBIDDEN", Means::No),
        (says(404, "NOT_FOUND"), "HTTP 404: NOT_FOUND", Means::Gone),
        (json!({"kind": "html", "status": 404}), "HTTP 404: an HTML page", Means::No),
        (says(200, "INVALID_REQUEST"), ": INVALID_REQUEST: \\u{1b}[31mno", Means::No),
        (json!({"kind": "rate_limited", "code": 1965}), "HTTP 409: the rate limit", soon),
        (
            json!({"kind": "rate_limited", "code": 1965, "retry_after": 3600}),
            "HTTP 409: the rate limit asks to wait 3600 s",
            Means::Later { soon: false },
        ),
        (
            json!({"kind": "status", "status": 409, "code": 2003}),
            "HTTP 409: 2003: Registration",
            Means::NoUser,
        ),
        (json!({"kind": "rate_limited"}), "HTTP 429: the rate limit", soon),
        (says(500, "INTERNAL_ERROR"), "HTTP 500: INTERNAL_ERROR", unsure),
        (json!({"kind": "status", "status": 500, "process": true}), "HTTP 500: an HTML page", done),
        (json!({"kind": "html", "status": 502}), "HTTP 502: an HTML page", unsure),
        (json!({"kind": "html", "status": 200}), ": an HTML page", unsure),
        (json!({"kind": "empty"}), ": an empty answer", unsure),
        (json!({"kind": "torn"}), ": the answer broke off", done),
        (json!({"kind": "lost"}), ": the connection was closed before the answer", done),
        (json!({"kind": "drop"}), ": the connection was closed before the answer", unsure),
    ]
}

#[tokio::test]
async fn every_fault_of_every_call_is_told_does_no_harm_and_is_over_in_the_next_pass() {
    for call in &CALLS {
        for (fault, reason, means) in faults() {
            let case = format!("{} ({}): {fault}", call.operation, call.nth);
            one_fault(&case, call, fault, reason, means).await;
        }
    }
}

async fn one_fault(case: &str, call: &Call, mut fault: Value, reason: &str, means: Means) {
    let scene = scene().await;
    let mut desired = scene.file(FILE);
    let mut journal = journal();
    (fault["path"], fault["nth"], fault["times"]) = (call.path.into(), call.nth.into(), 0.into());
    scene.faults(fault).await;
    let first = scene.pass(&desired, &mut journal, May::Write).await;
    assert!(scene.heal().await > 0, "{case}: nothing met the fault");

    // Told.
    let told = complaints(&first);
    // A create that was made though its answer was lost is found when what was written is read again.
    let found =
        matches!((call.what, means), (What::Create(_) | What::Change(_), Means::Unsure { done: true }));
    if found {
        assert_eq!(first.outcome(), PassOutcome::Applied, "{case}: {told:#?}");
        assert_eq!(told, [""; 0], "{case}");
    } else {
        assert_told(case, call, reason, means, &first);
    }

    // No harm.
    let mut expected = BTreeSet::from(CHANGES);
    match call.what {
        What::List(FIRST) if means == Means::NoUser => expected.clear(),
        What::List(kind) => {
            expected.retain(|change| !change.starts_with(kind));
            // Which tags it is to bear is not known.
            if kind == "tag" {
                expected.remove("aws/edge");
            }
        }
        What::Create(change) | What::Change(change) if means != (Means::Unsure { done: true }) => {
            expected.remove(change);
        }
        What::Create(_) | What::Change(_) | What::Again(_) => {}
    }
    if matches!(means, Means::Later { soon: false } | Means::NoUser) {
        // Whoever asks the same server is kept back too: it was not sent, and so not refused.
        let made = made(&scene).await;
        assert!(made.is_subset(&expected), "{case}: {told:#?}");
        for left in expected.difference(&made).filter(|_| means == Means::NoUser) {
            let is_told = |complaint: &String| complaint.starts_with(&format!("{left} "));
            assert!(told.iter().any(is_told), "{case}: nothing is said of {left}: {told:#?}");
        }
    } else {
        assert_eq!(made(&scene).await, expected, "{case}: {told:#?}");
    }
    let requests = scene.requests().await;
    let asked =
        requests.iter().filter(|request| request["path"].as_str().unwrap().contains(call.path)).count();
    let asked = asked - usize::try_from(call.nth).unwrap() + 1;
    match (means, call.what) {
        (Means::No | Means::NoUser | Means::Gone | Means::Later { soon: false }, _)
        | (Means::Unsure { .. }, What::Create(_)) => {
            assert_eq!(asked, 1, "{case}: it was sent again");
        }
        (Means::Unsure { .. }, _) => assert_eq!(asked, 3, "{case}: as often as one is patient"),
        (Means::Later { soon: true }, _) => assert!(asked > 1, "{case}: it was not sent again"),
    }
    assert_writes_are_by_id(&requests);

    // Over.
    scene.forget_requests().await;
    let second = scene.pass(&desired, &mut journal, May::Write).await;
    assert_eq!(complaints(&second), [""; 0], "{case}");
    let waits: Vec<_> = second
        .plan
        .changes
        .iter()
        .filter(|change| change.action == Action::Create && !change.applies())
        .collect();
    if let (What::Create(address), Means::Unsure { done: false }) = (call.what, means) {
        // It is looked for first.
        assert_eq!(waits.len(), 1, "{case}");
        assert_eq!(waits[0].address.to_string(), address, "{case}");
        assert_eq!(scene.writes().await, [""; 0], "{case}");
        desired.settings.reconcile.settle_for = Duration::ZERO;
        let third = scene.pass(&desired, &mut journal, May::Write).await;
        assert_eq!(complaints(&third), [""; 0], "{case}");
    } else {
        assert_eq!(waits.len(), 0, "{case}");
    }
    assert_eq!(made(&scene).await, BTreeSet::from(CHANGES), "{case}");
    assert_writes_are_by_id(&scene.requests().await);
    scene.forget_requests().await;
    let last = scene.pass(&desired, &mut journal, May::Write).await;
    assert_eq!(last.outcome(), PassOutcome::InSync, "{case}");
    assert_eq!(scene.writes().await, [""; 0], "{case}");
}

/// The report says what went wrong, of what, in one line without anything that a terminal would act on.
fn assert_told(case: &str, call: &Call, reason: &str, means: Means, first: &Report) {
    let told = complaints(first);
    let harmless = means == Means::Gone && call.operation.starts_with("delete");
    assert_eq!(first.outcome(), PassOutcome::Failed, "{case}");
    assert!(!told.is_empty(), "{case}");
    for complaint in &told {
        assert!(
            !complaint.chars().any(char::is_control) && !complaint.contains('\u{202e}'),
            "{case}: {told:#?}"
        );
        assert!(!complaint.contains(PASSWORD), "{case}: {told:#?}");
        if means == (Means::Later { soon: false }) {
            assert!(complaint.contains("the rate limit asks to wait 3600 s"), "{case}: {told:#?}");
        } else if !harmless {
            let own = format!("could not {}: ", call.operation);
            // A refused password is not sent again: whatever comes later is told of its own operation.
            let operation = if means == Means::NoUser { "could not " } else { &own };
            assert!(complaint.contains(operation) && complaint.contains(reason), "{case}: {told:#?}");
        }
    }
    let (about, word) = match call.what {
        What::List(kind) | What::Again(kind) => (kind, ""),
        What::Create(address) | What::Change(address) => match means {
            Means::Unsure { .. } => (address, " unknown"),
            Means::Gone if harmless => (address, " not converged"),
            Means::No | Means::NoUser | Means::Gone | Means::Later { .. } => (address, " failed"),
        },
    };
    let about = format!("{about}{word}: ");
    assert!(told.iter().any(|complaint| complaint.starts_with(&about)), "{case}: {about} {told:#?}");
}

#[track_caller]
fn assert_writes_are_by_id(requests: &[Value]) {
    for request in requests.iter().filter(|request| request["write"] == true) {
        let create = request["path"].as_str().unwrap().contains("/create/");
        assert!(create || request["without_id"] == false, "{request}");
    }
}

#[tokio::test]
async fn a_limit_that_ends_in_time_is_waited_out_and_nothing_is_sent_twice() {
    for fault in [
        json!({"kind": "rate_limited", "retry_after": 1}),
        json!({"kind": "rate_limited", "code": 1965, "retry_after": 1}),
    ] {
        let mut scene = scene().await;
        scene.patience.max_wait = Duration::from_secs(5);
        let mut limited = fault.clone();
        limited["path"] = "/create/am/aws".into();
        scene.faults(limited).await;
        let report = scene.pass(&scene.file(FILE), &mut journal(), May::Write).await;
        assert_eq!(complaints(&report), [""; 0], "{fault}");
        assert_eq!(report.outcome(), PassOutcome::Applied, "{fault}");
        assert!(report.took >= Duration::from_secs(1), "{fault}: {:?}", report.took);
        assert_eq!(made(&scene).await, BTreeSet::from(CHANGES), "{fault}");
        let creates = scene.writes().await.iter().filter(|path| path.contains("/create/am/aws")).count();
        assert_eq!(creates, 2, "{fault}: the one that was refused, and the one that was taken");
    }
}

#[tokio::test]
async fn another_subscription_than_the_files_is_left_alone() {
    const MEANT: &str = "f972e2cc-0000-4000-8000-00000000abcd";
    const FOUND: &str = "5f1a7c2e-3b64-4d0a-9c55-0d6f2a81e7b3";
    let scene = scene().await;
    scene.control("POST", "/_sim/options", json!({"subscription": FOUND})).await;
    let before = scene.objects().await;
    let desired = scene.file(FILE);
    for (expected, met) in [(MEANT, false), (FOUND, true)] {
        let mut endpoint = scene.endpoint();
        endpoint.subscription = Some(expected.to_owned());
        let report = pass(endpoint, &desired, &mut journal(), May::Write).await;
        if met {
            assert_eq!(complaints(&report), [""; 0]);
            continue;
        }
        assert_eq!(report.outcome(), PassOutcome::Failed);
        assert_eq!(report.plan.detailed_exit(), 1);
        assert_eq!(report.plan.changes.len(), 0);
        let told = complaints(&report);
        // Every kind that is listed, whether or not the file names it.
        assert_eq!(told.len(), 8, "{told:#?}");
        for complaint in told {
            assert!(complaint.contains(MEANT) && complaint.contains(FOUND), "{complaint}");
        }
        assert_eq!(scene.writes().await, [""; 0]);
        assert_eq!(scene.objects().await, before);
    }
}

#[tokio::test]
async fn what_is_deleted_and_still_shown_is_not_live() {
    let scene = scene().await;
    scene.control("POST", "/_sim/options", json!({"deleted_in_search": "shown", "reuse_after": 0})).await;
    for id in [8001, 8002] {
        scene.delete_connector(id).await;
    }
    scene.forget_requests().await;
    let desired = scene.file(FILE);
    let mut journal = journal();
    let report = scene.pass(&desired, &mut journal, May::Write).await;
    assert_eq!(complaints(&report), [""; 0]);
    let connectors =
        report.plan.changes.iter().filter(|change| change.address.to_string().starts_with("aws/"));
    let actions: Vec<_> = connectors.map(|change| (change.address.to_string(), change.action)).collect();
    // Of the two that are gone one is wanted; nothing is left to delete of the other.
    assert_eq!(actions, [("aws/edge".to_owned(), Action::Create), ("aws/fresh".to_owned(), Action::Create)]);
    let last = scene.pass(&desired, &mut journal, May::Write).await;
    assert_eq!(last.outcome(), PassOutcome::InSync);
}

// Listings in pages

/// A platform without tags, whose connectors come in these pages, and which answers `gone` of this one.
async fn paged(pages: Vec<Value>, gone: u64) -> Stub {
    Stub::answers(move |_, asked: &Asked| {
        if asked.path.contains("/search/am/tag") {
            return success(&json!({"count": 0, "hasMoreRecords": "false"}));
        }
        if asked.path.contains("/search/am/aws") {
            let request = &asked.json()["ServiceRequest"];
            let criteria = request["filters"]["Criteria"].as_array().cloned().unwrap_or_default();
            if let Some(ids) = criteria.iter().find(|criterion| criterion["operator"] == "IN") {
                let ids = ids["value"].as_str().unwrap().split(',').map(|id| id.parse().unwrap());
                return success(&page(ids.filter(|id| *id != gone), "4h", false));
            }
            let number = usize::from(criteria.iter().any(|criterion| criterion["operator"] == "GREATER"));
            return success(&pages[number]);
        }
        let id = asked.path.rsplit('/').next().unwrap();
        if id == gone.to_string() {
            return stub::reply(
                200,
                json!({"ServiceResponse": {"responseCode": "OBJECT_NOT_FOUND"}}).to_string(),
            );
        }
        success(&json!({"count": 1, "data": [{"AwsAssetDataConnector": {"id": id}}]}))
    })
    .await
}

fn page(ids: impl IntoIterator<Item = u64>, frequency: &str, more: bool) -> Value {
    let minutes = if frequency == "4h" { 240 } else { 120 };
    let ids: Vec<u64> = ids.into_iter().collect();
    let rows = ids.iter().map(|id| {
        let arn = format!("arn:aws:iam::{id:012}:role/Reader");
        json!({"AwsAssetDataConnector": {"id": id, "name": format!("c{id}"), "arn": arn, "runFrequency": minutes}})
    });
    let rows: Vec<Value> = rows.collect();
    let mut inside = json!({"count": ids.len(), "hasMoreRecords": more.to_string(), "data": rows});
    if more {
        inside["lastId"] = ids.last().copied().into();
    }
    inside
}

/// A pass of a file that declares these connectors, and prunes all others.
async fn pass_over(stub: &Stub, ids: &[u64]) -> Report {
    let entries = ids.iter().map(|id| {
        format!("    - {{name: c{id}, arn: 'arn:aws:iam::{id:012}:role/Reader', run_frequency: 4h}}\n")
    });
    let file = format!(
        "version: 1\nplatform: {{pod: simulator}}\nreconcile: {{prune: all}}\nconnectors:\n  aws:\n{}",
        entries.collect::<String>()
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, file).unwrap();
    let desired = trueup::desired::load(&path).unwrap();
    pass(stub.endpoint(), &desired, &mut journal(), May::Write).await
}

fn written(stub: &Stub) -> Vec<String> {
    let asked = stub.asked();
    let looks = |path: &str| path.contains("/search/") || path == "/auth";
    let writes = asked.iter().filter(|asked| !looks(&asked.path));
    let mut writes: Vec<_> =
        writes.map(|asked| asked.path.trim_start_matches("/qps/rest/3.0/").to_owned()).collect();
    writes.sort();
    writes
}

#[tokio::test]
async fn a_listing_that_does_not_go_on_is_none() {
    let stuck = page([1, 2], "2h", true);
    let stub = paged(vec![stuck.clone(), stuck], 0).await;
    let report = pass_over(&stub, &[1]).await;
    assert_eq!(
        complaints(&report),
        ["aws: could not search awsassetdataconnector: the listing does not go on after id 2"]
    );
    assert_eq!(written(&stub), [""; 0], "neither is 1 updated nor 2 deleted");
}

#[tokio::test]
async fn a_page_that_fails_makes_the_listing_fail() {
    let stub = paged(vec![page([1, 2], "2h", true), json!({"count": 5})], 0).await;
    let report = pass_over(&stub, &[1, 7]).await;
    let told = complaints(&report);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].starts_with("aws: could not search awsassetdataconnector: "), "{told:#?}");
    assert_eq!(written(&stub), [""; 0], "what is on the pages that came is not all");
}

#[tokio::test]
async fn an_object_on_two_pages_is_one() {
    let stub = paged(vec![page([1, 2, 3], "4h", true), page([3, 4], "4h", false)], 0).await;
    let report = pass_over(&stub, &[1, 2, 3, 4]).await;
    assert_eq!(complaints(&report), [""; 0]);
    assert_eq!(report.outcome(), PassOutcome::InSync);
    assert_eq!(report.plan.summary.live, 4);
}

#[tokio::test]
async fn an_object_that_goes_while_the_listing_is_read_harms_no_other() {
    let pages = vec![page([1, 2], "2h", true), page([3, 4], "2h", false)];
    for (declared, told, writes) in [
        (
            &[1, 2, 3, 4][..],
            &["aws/c2 failed: could not update awsassetdataconnector 2: OBJECT_NOT_FOUND \
               (hint: it is gone, or outside the scope of the user)"][..],
            &[
                "update/am/awsassetdataconnector/1",
                "update/am/awsassetdataconnector/2",
                "update/am/awsassetdataconnector/3",
                "update/am/awsassetdataconnector/4",
            ][..],
        ),
        // It was to go anyway: it is read again before, and not deleted twice.
        (
            &[1, 3, 4],
            &[],
            &[
                "update/am/awsassetdataconnector/1",
                "update/am/awsassetdataconnector/3",
                "update/am/awsassetdataconnector/4",
            ],
        ),
    ] {
        let stub = paged(pages.clone(), 2).await;
        let report = pass_over(&stub, declared).await;
        assert_eq!(complaints(&report), told);
        assert_eq!(report.has_failures(), !told.is_empty());
        assert_eq!(written(&stub), writes);
    }
}
