//! What is exported plans to no change: for generated subscriptions of all kinds, thing by thing, and as it is typed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/bin.rs"]
mod bin;
#[path = "export/parts.rs"]
mod parts;
#[path = "export/subscription.rs"]
mod subscription;
mod support;
#[path = "export/typed.rs"]
mod typed;

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Map, Value};
use subscription::{SECRET, make, subscription};
use support::Scene;
use tokio::runtime::Runtime;
use trueup::desired::Desired;
use trueup::export::{Export, Selection, export};
use trueup::plan::{Action, Plan, Style, render_text};
use trueup::pull::survey;
use trueup::qualys::Reader;
use trueup::resource::{Above, ConnectorsApi, Kind};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// So many cases, unless `PROPTEST_CASES` asks for more.
fn cases(cases: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|asked| asked.parse().ok());
    let cases = asked.unwrap_or(cases);
    Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() }
}

const FILE: &str = "version: 1\nplatform: {pod: simulator}\n";

const CLOUDVIEW: &str = "version: 1\nplatform: {pod: simulator, connectors_api: cloudview}\n";

async fn exported(scene: &Scene, file: &str) -> Export {
    let desired = scene.file(file);
    let reader = Reader::connect(scene.endpoint()).unwrap();
    let selection = Selection::default();
    let survey = survey(&reader, &selection.kinds_to_read(scene.connectors_api)).await;
    export(&survey, &desired.settings, "simulator", &selection)
}

/// The entries of a kind as they are written, less what they say besides their fields.
fn section(file: &Value, kind: Kind) -> Vec<Map<String, Value>> {
    let section = kind.section().iter().fold(file, |above, key| &above[*key]);
    let mut entries: Vec<Map<String, Value>> = match (kind.above(), section) {
        (_, Value::Null) => Vec::new(),
        (None | Some(Above::Keys { .. }), Value::Array(entries)) => {
            entries.iter().map(|entry| entry.as_object().unwrap().clone()).collect()
        }
        (Some(Above::Entries { field, list }), Value::Array(above)) => {
            let within = above.iter().flat_map(|above| {
                let mut named = above.clone();
                let entries = named.as_object_mut().unwrap().shift_remove(list).unwrap();
                let entries = entries.as_array().unwrap().clone();
                entries.into_iter().map(move |mut entry| {
                    let fields = entry.as_object_mut().unwrap();
                    fields.insert(field.to_owned(), named.clone());
                    fields.clone()
                })
            });
            within.collect()
        }
        (_, single) => vec![single.as_object().unwrap().clone()],
    };
    for entry in &mut entries {
        entry.shift_remove("prevent_delete");
    }
    entries
}

fn told(plan: &Plan) -> String {
    render_text(plan, "simulator", Style { show_unmanaged: true, ..Style::default() })
}

/// Exports, and holds the file to all that is promised of every export.
async fn check(scene: &Scene, file: &str) -> (Export, Desired) {
    scene.forget_requests().await;
    let export = exported(scene, file).await;
    assert_eq!(export.flaw, None, "{}", export.text);
    assert_eq!(export.text, exported(scene, file).await.text, "twice the same");
    let desired = scene.file(&export.text);
    assert_eq!(desired.declared.len(), export.objects);
    let plan = scene.look(&desired).await;
    assert!(plan.is_in_sync() && plan.failed.is_empty(), "{}\n{}", told(&plan), export.text);
    // What is ours and stands there as a comment is not declared, which is shown.
    let undeclared =
        plan.changes.iter().filter(|change| change.action == Action::Delete && change.held.is_some());
    assert_eq!(undeclared.count(), plan.changes.len(), "{}\n{}", told(&plan), export.text);
    assert!(plan.changes.len() <= export.withheld, "{}\n{}", told(&plan), export.text);
    assert_eq!(scene.writes().await, [""; 0]);
    // Another reader reads the same.
    let other: Value =
        serde_yaml::from_str(&export.text).unwrap_or_else(|error| panic!("{error}\n{}", export.text));
    for kind in Kind::ALL {
        let entries = section(&other, *kind);
        let own = desired.declared.iter().filter(|entry| entry.spec.kind() == *kind);
        assert_eq!(
            entries,
            own.map(|entry| entry.spec.fields()).collect::<Vec<_>>(),
            "{kind}\n{}",
            export.text
        );
    }
    let hidden = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{2028}'..='\u{202E}' | '\u{feff}');
    assert!(!export.text.contains(hidden), "{:?}", export.text);
    assert!(!export.text.contains(SECRET), "{}", export.text);
    (export, desired)
}

/// The entry of that name, in the file's form.
#[track_caller]
fn entry(desired: &Desired, name: &str) -> Map<String, Value> {
    let mut named = desired.declared.iter().filter(|entry| entry.spec.address_name() == name);
    let found = named.next().unwrap_or_else(|| panic!("{name} is not in the file"));
    assert!(named.next().is_none(), "{name} is in the file twice");
    found.spec.fields()
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn an_export_of_any_subscription_is_valid_and_plans_to_no_change(
        subscription in subscription(),
        owner in any::<bool>(),
        echo in any::<bool>(),
    ) {
        RUNTIME.block_on(async {
            let echo = if echo { "on" } else { "off" };
            let scene = Scene::new(&[("echo_endpoints", echo)]).await;
            let made = make(&scene, &subscription).await;
            let owner = if owner { "reconcile: {owner: cloudsec}\n" } else { "" };
            let (export, _) = check(&scene, &format!("{FILE}{owner}")).await;
            assert_eq!(export.objects + export.withheld, made, "{}", export.text);
            assert_eq!((export.failed, export.lacking), (Vec::new(), Vec::new()));
        });
    }
}

proptest! {
    #![proptest_config(cases(30))]

    #[test]
    fn an_export_through_the_older_api_is_valid_and_plans_to_no_change(subscription in subscription()) {
        RUNTIME.block_on(async {
            let mut scene = Scene::new(&[]).await;
            scene.connectors_api = ConnectorsApi::Cloudview;
            make(&scene, &subscription).await;
            let (export, desired) = check(&scene, CLOUDVIEW).await;
            assert_eq!((export.failed, export.lacking), (Vec::new(), Vec::new()));
            assert_eq!(desired.settings.platform.connectors_api, ConnectorsApi::Cloudview);
        });
    }
}
