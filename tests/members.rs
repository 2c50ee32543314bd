//! Members of Azure organization connectors: only the organization's own list tells who they are, and while it cannot be
//! read, no Azure connector that might be one is written.

#![expect(clippy::unwrap_used, reason = "a test whose scene cannot be set up has failed")]

mod support;

use serde_json::{Value, json};
use support::{May, Scene};
use trueup::desired::Desired;
use trueup::journal::Journal;
use trueup::plan::{Action, Plan};
use trueup::resource::ConnectorsApi;

const TENANT: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const APPLICATION: &str = "bbbbbbbb-0000-4000-8000-000000000001";
const LISTING: &str = "/connectors/v1.0/org/azure/";
const MEMBERS: &str = "/connectors/v1.0/org/azure/member-connectors/";
/// The id of the connector that the organization has.
const MEMBER: u64 = 7001;
/// The id of the connector that nobody has.
const STRAY: u64 = 7002;

fn subscription(number: u64) -> String {
    format!("cccccccc-0000-4000-8000-{number:012}")
}

fn connector(id: u64, name: &str) -> Value {
    json!({"id": id, "name": name, "runFrequency": 240, "authRecord": {
        "subscriptionId": subscription(id), "directoryId": TENANT, "applicationId": APPLICATION,
        "authenticationKey": "of nobody",
    }})
}

/// A subscription with a member of an organization connector, and a connector that is nobody's member.
async fn subscription_with_a_member(api: ConnectorsApi) -> Scene {
    let mut scene = Scene::new(&[("states", "frozen")]).await;
    scene.connectors_api = api;
    scene.make("azure", [connector(MEMBER, "joined"), connector(STRAY, "stray")]).await;
    let organization = json!({"name": "contoso", "tenantId": TENANT, "members": [MEMBER]});
    scene.make("azure_organization", [organization]).await;
    scene
}

/// What a file wants of both connectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// That they be gone.
    Delete,
    /// That they be switched off.
    Disable,
    /// That they run more often.
    Update,
    /// That they be made anew, for their cloud is a fixed field.
    Replace,
    /// A third one, and nothing of these.
    Create,
}

impl Wants {
    const CHANGES: [Wants; 4] = [Wants::Delete, Wants::Disable, Wants::Update, Wants::Replace];

    fn entries(self) -> Vec<Value> {
        let entry = |id: u64, name: &str, more: Value| {
            let mut entry = json!({"name": name, "subscription_id": subscription(id)});
            entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            entry
        };
        let both = |more: Value| vec![entry(MEMBER, "joined", more.clone()), entry(STRAY, "stray", more)];
        let login = json!({"directory_id": TENANT, "application_id": APPLICATION,
            "authentication_key": {"file": "key"}, "capabilities": ["AI"], "run_frequency": "4h"});
        match self {
            Wants::Delete | Wants::Disable => Vec::new(),
            Wants::Update => both(json!({"run_frequency": "2h"})),
            Wants::Replace => {
                let mut more = login;
                more["government"] = true.into();
                both(more)
            }
            Wants::Create => {
                let mut entries = both(json!({}));
                entries.push(entry(7003, "new", login));
                entries
            }
        }
    }

    fn action(self) -> Action {
        match self {
            Wants::Delete => Action::Delete,
            Wants::Disable | Wants::Update => Action::Update,
            Wants::Replace => Action::Replace,
            Wants::Create => Action::Create,
        }
    }
}

fn file(scene: &Scene, wants: Wants, pull: &str, more: &Value) -> Desired {
    std::fs::write(scene.path("key"), "a-key-of-azure").unwrap();
    let api = if scene.connectors_api == ConnectorsApi::V3 { "v3" } else { "cloudview" };
    let action = if wants == Wants::Disable { "disable" } else { "delete" };
    let mut entries = wants.entries();
    for entry in &mut entries {
        if api == "cloudview" {
            entry.as_object_mut().unwrap().remove("capabilities");
        }
    }
    let mut file = json!({
        "version": 1, "platform": {"pod": "simulator", "connectors_api": api},
        "reconcile": {"prune": "all", "prune_action": action, "replace": "allowed", "pull": pull},
        // So that the desired state is not empty.
        "tags": [{"name": "prod"}],
        "connectors": {"azure": entries},
    });
    file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    scene.file(&file.to_string())
}

/// The changes of Azure connectors, each with why it is held.
fn changes(plan: &Plan) -> Vec<(String, Action, Option<String>)> {
    let azure = plan.changes.iter().filter(|change| change.address.kind == trueup::resource::Kind::Azure);
    azure
        .map(|change| {
            (change.address.name.clone(), change.action, change.held.as_ref().map(|held| held.why.clone()))
        })
        .collect()
}

/// The back ends, and the kinds that are pulled with each.
const WAYS: [(ConnectorsApi, &str); 3] =
    [(ConnectorsApi::V3, "all"), (ConnectorsApi::V3, "declared"), (ConnectorsApi::Cloudview, "all")];

#[tokio::test]
async fn a_member_is_neither_written_nor_counted_whatever_is_wanted_of_it() {
    for (api, pull) in WAYS {
        for wants in Wants::CHANGES {
            let case = format!("{api:?} {pull} {wants:?}");
            let scene = subscription_with_a_member(api).await;
            let desired = file(&scene, wants, pull, &json!({}));
            let before = scene.objects().await;
            let report = scene.pass(&desired, &mut Journal::in_memory().unwrap(), May::Write).await;
            let of = |name: &str| {
                changes(&report.plan)
                    .into_iter()
                    .find(|(of, ..)| of == name)
                    .map(|(_, action, held)| (action, held))
            };
            assert_eq!(of("stray"), Some((wants.action(), None)), "{case}");
            let held = Some("member of azure_organization/contoso".to_owned());
            let expected = (!wants.entries().is_empty()).then(|| (wants.action(), held));
            assert_eq!(of("joined"), expected, "{case}");
            let key = ("azure".to_owned(), MEMBER);
            assert_eq!(scene.objects().await.0[&key], before.0[&key], "{case}: the member is as it was");

            let unmanaged = |plan: &Plan| plan.unmanaged.iter().any(|object| object.id == MEMBER.to_string());
            assert!(!unmanaged(&report.plan), "{case}");
        }
    }
}

/// What keeps the members from being read.
fn troubles() -> Vec<(Value, &'static str)> {
    let says = |status: u16, path: &str| {
        json!({"kind": "status", "status": status, "path": path, "times": 0,
        "body": {"errorCode": format!("{status} NO"), "message": "the words of the platform"}})
    };
    vec![
        (says(403, LISTING), "HTTP 403: NO: the words of the platform"),
        (says(500, LISTING), "HTTP 500: NO: the words of the platform"),
        (says(403, MEMBERS), "HTTP 403: NO: the words of the platform"),
        (says(503, MEMBERS), "HTTP 503: NO: the words of the platform"),
        (json!({"kind": "html", "status": 404, "path": LISTING, "times": 0}), "HTTP 404: an HTML page"),
        (json!({"kind": "empty", "status": 404, "path": LISTING, "times": 0}), "HTTP 404: an empty answer"),
        (json!({"kind": "empty", "path": MEMBERS, "times": 0}), "an empty answer"),
        (json!({"kind": "torn", "path": MEMBERS, "times": 0}), "the answer broke off"),
        (says(401, "/auth"), "no token from the gateway: "),
    ]
}

#[tokio::test]
async fn while_nobody_can_tell_who_is_a_member_nothing_is_written_to_a_connector_that_might_be_one() {
    for (at, (fault, why)) in troubles().into_iter().enumerate() {
        for (turn, wants) in Wants::CHANGES.into_iter().enumerate() {
            let (api, pull) = WAYS[(at + turn) % WAYS.len()];
            if api == ConnectorsApi::Cloudview && why.starts_with("no token") {
                // Without a token the connectors themselves cannot be read there.
                continue;
            }
            let case = format!("{api:?} {pull} {wants:?} {fault}");
            let scene = subscription_with_a_member(api).await;
            let desired = file(&scene, wants, pull, &json!({}));
            scene.faults(fault.clone()).await;
            let report = scene.pass(&desired, &mut Journal::in_memory().unwrap(), May::Write).await;
            assert!(scene.heal().await > 0, "{case}: nothing met the fault");
            let held = changes(&report.plan);
            assert_eq!(held.len(), 2, "{case}: {held:?}");
            for (name, action, held) in held {
                let held = held.unwrap_or_default();
                assert_eq!(action, wants.action(), "{case} {name}");
                assert!(
                    held.starts_with("it may be a member of an organization connector: "),
                    "{case}: {held}"
                );
                assert!(held.contains(why), "{case}: {held}");
            }
            let azure = |path: &String| path.contains("azure");
            assert_eq!(scene.writes().await.iter().filter(|path| azure(path)).count(), 0, "{case}");
        }
    }
}

#[tokio::test]
async fn creates_wait_for_nobody() {
    for (api, pull) in WAYS {
        let scene = subscription_with_a_member(api).await;
        let desired = file(&scene, Wants::Create, pull, &json!({}));
        scene.faults(troubles().remove(0).0).await;
        let report = scene.pass(&desired, &mut Journal::in_memory().unwrap(), May::Write).await;
        assert_eq!(changes(&report.plan), [("new".to_owned(), Action::Create, None)], "{api:?}");
        assert_eq!(scene.objects().await.of("azure").count(), 3, "{api:?}");
    }
}

#[tokio::test]
async fn a_platform_without_the_module_has_no_members_unless_something_speaks_against_it() {
    let absent = json!({"kind": "status", "status": 404, "path": LISTING, "times": 0,
        "body": {"errorCode": "404 NOT_FOUND", "message": "there is no such service"}});
    let organizations = json!({"azure_organizations": []});
    for (api, pull) in WAYS {
        for (wants, more, seen, held) in [
            (Wants::Delete, json!({}), false, None),
            (Wants::Update, json!({}), false, None),
            (
                Wants::Delete,
                json!({}),
                true,
                Some("there were organization connectors, and now the platform: "),
            ),
            (
                Wants::Update,
                json!({}),
                true,
                Some("there were organization connectors, and now the platform: "),
            ),
            (Wants::Delete, organizations.clone(), false, Some("the file declares organization connectors")),
        ] {
            let cloudview = api == ConnectorsApi::Cloudview;
            // There the organization connectors are not a kind, which the file could name or a journal could have seen.
            if cloudview && held.is_some() {
                continue;
            }
            let case = format!("{api:?} {pull} {wants:?} {more} {seen}");
            let scene = subscription_with_a_member(api).await;
            let mut journal = Journal::in_memory().unwrap();
            if seen {
                let all = file(&scene, Wants::Create, "all", &json!({}));
                scene.pass(&all, &mut journal, May::Look).await;
            }
            scene.faults(absent.clone()).await;
            let desired = file(&scene, wants, pull, &more);
            let plan = scene.pass(&desired, &mut journal, May::Look).await.plan;
            let changes = changes(&plan);
            assert_eq!(changes.len(), 2, "{case}: {changes:?}");
            for (name, action, why) in changes {
                assert_eq!(
                    (action, why.is_some()),
                    (wants.action(), held.is_some()),
                    "{case} {name} {why:?}"
                );
                assert!(why.unwrap_or_default().contains(held.unwrap_or_default()), "{case} {name}");
            }
            let said = plan.warnings.iter().any(|warning| {
                warning
                    .to_string()
                    .contains("no connector is held as a member of one: could not list azure organization")
            });
            assert_eq!(said, held.is_none(), "{case}: {:?}", plan.warnings);
        }
    }
}

#[tokio::test]
async fn who_is_a_member_is_asked_only_where_there_are_connectors_and_is_counted() {
    let asked = async |scene: &Scene, desired: &Desired| {
        scene.forget_requests().await;
        let plan = scene.look(desired).await;
        let requests = scene.requests().await;
        let to =
            |path: &str| requests.iter().filter(|it| it["path"].as_str().unwrap().contains(path)).count();
        assert_eq!(plan.cost.calls_to_pull, requests.len() as u64, "every request is counted");
        to("/org/azure")
    };
    let scene = subscription_with_a_member(ConnectorsApi::V3).await;
    // The listing, and the members of the one organization connector.
    assert_eq!(asked(&scene, &file(&scene, Wants::Update, "declared", &json!({}))).await, 2);
    let other = json!({"version": 1, "platform": {"pod": "simulator"}, "reconcile": {"pull": "declared"},
        "connectors": {"aws": []}});
    assert_eq!(asked(&scene, &scene.file(&other.to_string())).await, 0);
    let empty = Scene::new(&[]).await;
    assert_eq!(asked(&empty, &file(&empty, Wants::Update, "declared", &json!({}))).await, 0);
}
