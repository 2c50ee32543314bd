//! What is exported plans to no change: for generated subscriptions through the library, and as it is typed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/bin.rs"]
mod bin;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::LazyLock;

use bin::{Folder, Simulator, end};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use serde_json::{Map, Value, json};
use support::Scene;
use tokio::runtime::Runtime;
use trueup::desired::Desired;
use trueup::export::{Export, Selection, export};
use trueup::plan::{Action, Plan, Style, render_text};
use trueup::pull::pull;
use trueup::qualys::Reader;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// So many cases, unless `PROPTEST_CASES` asks for more.
fn cases(cases: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|asked| asked.parse().ok());
    let cases = asked.unwrap_or(cases);
    Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() }
}

const FILE: &str = "version: 1\nplatform: {pod: simulator}\n";

async fn exported(scene: &Scene, file: &str) -> Export {
    let desired = scene.file(file);
    let reader = Reader::connect(scene.endpoint()).unwrap();
    let selection = Selection::default();
    let live = pull(&reader, &selection.kinds_to_read(trueup::resource::ConnectorsApi::V3)).await;
    export(&live, &desired.settings, "simulator", &selection)
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

// What is generated

/// What makes an object of a kind in the simulator's plain form. `{"ref": [KIND, NUMBER]}` anywhere in it becomes the id
/// of an object made before.
type Maker = fn() -> BoxedStrategy<Value>;

/// Every kind, in an order in which none refers to a later one.
const KINDS: [(&str, Maker); 5] =
    [("tag", tag), ("aws", aws), ("azure", azure), ("gcp", gcp), ("azure_organization", azure_organization)];

fn text() -> impl Strategy<Value = String> {
    const ODD: [&str; 41] = [
        "",
        " ",
        " padded ",
        "it's \"quoted\"",
        "a: b # c",
        "a:",
        "- x",
        "null",
        "~",
        "yes",
        "No",
        "off",
        "true",
        "007",
        "12",
        "1e3",
        "0x1F",
        "1.5",
        ".inf",
        "2031-12-01",
        "15:45",
        "{a}: [b]",
        "two\nlines",
        "two\nlines\n",
        " two\n lines",
        "two\n\n\n",
        "\n",
        "windows\r\nlines\r\n",
        "tab\t",
        "🦀→ü",
        "\u{202e}right",
        "\u{2028}a \u{85}b",
        "back\\slash\\n",
        "&a *b !c %d @e",
        "\u{1b}[31m",
        "\u{feff}bom",
        "see [1]",
        "# 12",
        "...",
        "--- a",
        "| >",
    ];
    prop_oneof![
        6 => select(&ODD[..]).prop_map(str::to_owned),
        6 => "[ -~äß→\n]{0,12}",
        1 => (500..3000_usize).prop_map(|length| "long ".repeat(length)),
        1 => select(&["x [trueup:others]", "[trueup:cloudsec!]", "twice [trueup:a] [trueup:b]"][..]).prop_map(str::to_owned),
    ]
}

/// What the platform and XML cannot carry in a name aside.
fn name() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.chars().filter(|c| !c.is_control()).take(300).collect())
}

fn of(kind: &'static str) -> impl Strategy<Value = Value> {
    (0..12_usize).prop_map(move |number| json!({"ref": [kind, number]}))
}

fn tag() -> BoxedStrategy<Value> {
    let names = prop_oneof![
        select(&["prod", "dev", "a/b", "#12", "prod", "dev"][..]).prop_map(str::to_owned),
        name()
    ];
    let rule = select(&["STATIC", "GROOVY", "NAME_CONTAINS", "CLOUD_ASSET"][..]);
    let color = select(&["#aa0000", "#00FF7F"][..]);
    (
        names,
        proptest::option::of(of("tag")),
        text(),
        proptest::option::of((rule, text())),
        proptest::option::of(color),
    )
        .prop_map(|(name, parent, description, rule, color)| {
            let mut tag = json!({"name": name, "description": description, "color": color});
            if let Some(parent) = parent {
                tag["parentTagId"] = parent;
            }
            if let Some((kind, text)) = rule {
                tag["ruleType"] = kind.into();
                tag["ruleText"] = text.into();
            }
            tag
        })
        .boxed()
}

fn schedule() -> impl Strategy<Value = Value> {
    let date = select(&["12/01/2031", "31/05/2022", "MM/DD/YYYY", "12/01/1999"][..]);
    let time = select(&["15:45", "HH:MM", "7:05"][..]);
    let zone = select(&["UTC", "Africa/Cairo", "Mars/Olympus"][..]);
    (select(&["DAILY", "WEEKLY"][..]), any::<bool>(), date, time, zone, name()).prop_map(
        |(recurrence, days, date, time, zone, prefix)| {
            let mut schedule = json!({"optionProfileId": 2, "recurrence": recurrence, "startDate": date, "startTime": time,
                "timezone": zone, "scanPrefix": prefix});
            if days {
                schedule["daysOfWeek"] = json!(["TUE", "SUN"]);
            }
            schedule
        },
    )
}

/// What connectors of every cloud have.
fn connector_of_any_cloud() -> impl Strategy<Value = Value> {
    let capability = |name: &'static str| {
        prop_oneof![Just(json!(name)), of("tag").prop_map(move |tag| json!({"name": name, "tagId": tag}))]
    };
    let capabilities = proptest::sample::subsequence(vec!["AI", "CI", "CSA", "XYZ"], 0..=3)
        .prop_flat_map(move |names| names.into_iter().map(capability).collect::<Vec<_>>());
    let modules = proptest::sample::subsequence(vec!["VM", "PC", "SCA", "CERTVIEW"], 0..=4);
    let frequency = prop_oneof![60..=1440_u64, select(&[5_u64, 240, 1500, 20160][..])];
    let scan = prop_oneof![
        Just(json!({"isCPSEnabled": false})),
        Just(json!({"isCPSEnabled": true, "connectorScanSetting": {"isCustomScanConfigEnabled": false}})),
        schedule().prop_map(|schedule| {
            json!({"isCPSEnabled": true, "connectorScanConfig": schedule,
            "connectorScanSetting": {"isCustomScanConfigEnabled": true}})
        }),
    ];
    (
        (name(), text(), frequency),
        (capabilities, modules, proptest::collection::vec(of("tag"), 0..4)),
        (any::<bool>(), any::<bool>(), proptest::bool::weighted(0.1), scan),
    )
        .prop_map(|((name, description, frequency), sets, (disabled, remediation, member, scan))| {
            let (capabilities, modules, tags) = sets;
            let common = json!({"name": name, "description": description, "runFrequency": frequency,
                "connectorAppInfos": capabilities, "activation": modules, "defaultTags": tags, "disabled": disabled,
                "isRemediationEnabled": remediation, "isAttachedToOrgConnector": member});
            with(common, &scan)
        })
}

/// An object with more fields.
fn with(mut object: Value, more: &Value) -> Value {
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

fn aws() -> BoxedStrategy<Value> {
    // Few accounts, so that two have one role now and then.
    let arn = prop_oneof![
        9 => (0..40_u8).prop_map(|account| format!("arn:aws:iam::2100000000{account:02}:role/Q")),
        1 => select(&["arn:aws:iam:::12345678911/role:testrole", ""][..]).prop_map(str::to_owned),
    ];
    let external_id = select(&["US1-1-12345", "x", "with space", "0"][..]);
    (connector_of_any_cloud(), arn, external_id, any::<bool>())
        .prop_map(|(common, arn, external_id, regions)| {
            let codes = if regions { json!({}) } else { json!({"endpoints": ["eu-west-1", "af-south-1"]}) };
            let own = json!({"arn": arn, "externalId": external_id, "allRegions": regions});
            with(with(common, &own), &codes)
        })
        .boxed()
}

fn uuid(number: u8) -> String {
    format!("{number:08}-1111-1111-1111-111111111111")
}

/// No secret may show, in whatever form the platform answers.
const SECRET: &str = "s3cr3t-Zx9";

fn azure() -> BoxedStrategy<Value> {
    (connector_of_any_cloud(), 0..40_u8, any::<bool>())
        .prop_map(|(common, subscription, government)| {
            let record = json!({"subscriptionId": uuid(subscription), "directoryId": uuid(1),
                "applicationId": uuid(subscription / 2), "authenticationKey": SECRET});
            with(common, &json!({"authRecord": record, "isGovCloudConfigured": government}))
        })
        .boxed()
}

fn gcp() -> BoxedStrategy<Value> {
    (connector_of_any_cloud(), 0..40_u8)
        .prop_map(|(mut common, project)| {
            // GCP knows no perimeter scans.
            let fields = common.as_object_mut().unwrap();
            fields.retain(|field, _| !field.starts_with("isCPS") && !field.starts_with("connectorScan"));
            let record = json!({"projectId": format!("project-{project}"), "private_key": SECRET});
            with(common, &json!({"authRecord": record}))
        })
        .boxed()
}

fn azure_organization() -> BoxedStrategy<Value> {
    let members = proptest::collection::vec(of("azure"), 0..4);
    let groups = || proptest::collection::vec(name(), 0..3);
    (
        connector_of_any_cloud(),
        (0..9_u8, members, proptest::collection::vec(of("tag"), 0..3)),
        groups(),
        groups(),
    )
        .prop_map(|(common, (tenant, members, tags), included, excluded)| {
            let capabilities = common["connectorAppInfos"].as_array().unwrap().iter();
            let capabilities: Vec<Value> = capabilities
                .map(|capability| {
                    capability.get("name").map_or_else(|| json!({"name": capability}), |_| capability.clone())
                })
                .filter(|capability| capability["name"] != "XYZ")
                .collect();
            json!({"name": common["name"], "description": common["description"], "tenantId": uuid(tenant),
                "tenantName": "Contoso", "applicationId": uuid(tenant), "secretValue": SECRET,
                "connectorPrefixName": "contoso", "connectorAppInfos": capabilities, "includedMem": included,
                "excludedMem": excluded, "defaultTagIds": tags, "members": members,
                "isRemediationEnabled": common["isRemediationEnabled"]})
        })
        .boxed()
}

/// A subscription: of each kind, in order, some objects.
fn subscription() -> impl Strategy<Value = Vec<(&'static str, Vec<Value>)>> {
    KINDS
        .map(|(kind, make)| proptest::collection::vec(make(), 0..7).prop_map(move |made| (kind, made)))
        .to_vec()
}

/// Puts ids in the places of references, where there are any to be had.
fn refer(value: &mut Value, ids: &[(&str, u64)]) {
    if let Some([kind, number]) = value.get("ref").and_then(Value::as_array).map(Vec::as_slice) {
        let of_kind: Vec<u64> = ids.iter().filter(|(of, _)| kind == of).map(|(_, id)| *id).collect();
        let at = usize::try_from(number.as_u64().unwrap()).unwrap();
        *value = of_kind[at % of_kind.len()].into();
        return;
    }
    match value {
        Value::Array(items) => {
            let kind = |item: &Value| Some(item.get("ref")?.get(0)?.as_str()?.to_owned());
            items.retain(|item| kind(item).is_none_or(|kind| ids.iter().any(|(of, _)| *of == kind)));
            for item in items {
                refer(item, ids);
            }
        }
        Value::Object(fields) => {
            for field in fields.values_mut() {
                refer(field, ids);
            }
        }
        _ => {}
    }
}

async fn make(scene: &Scene, subscription: &[(&'static str, Vec<Value>)]) -> usize {
    // The platform's own tags are there to be named as well.
    let mut ids: Vec<(&str, u64)> = scene.objects().await.of("tag").map(|(id, _)| ("tag", id)).collect();
    let mut made = 0;
    // A connector is attached to one organization connector at most.
    let mut attached = std::collections::BTreeSet::new();
    for (kind, objects) in subscription {
        for object in objects {
            let mut object = object.clone();
            refer(&mut object, &ids);
            if let Some(members) = object.get_mut("members").and_then(Value::as_array_mut) {
                members.retain(|member| attached.insert(member.as_u64()));
            }
            scene.make(kind, [object]).await;
            made += 1;
            let newest = scene.objects().await.of(kind).map(|(id, _)| id).max().unwrap();
            ids.push((kind, newest));
        }
    }
    made
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
        });
    }
}

// One thing at a time

fn connector(account: u8, fields: &Value) -> Value {
    let mut object = json!({"name": format!("c{account}"), "arn": format!("arn:aws:iam::2100000000{account:02}:role/Q"),
        "externalId": "US1-1-12345", "allRegions": true, "runFrequency": 240});
    object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    object
}

#[tokio::test]
async fn what_the_file_would_refuse_is_left_out_and_said() {
    let scene = Scene::new(&[("echo_endpoints", "off")]).await;
    let objects = [
        connector(1, &json!({"runFrequency": 5})),
        connector(2, &json!({"connectorAppInfos": ["AI", "XYZ"]})),
        connector(3, &json!({"externalId": "x"})),
        connector(4, &json!({"allRegions": false, "endpoints": ["eu-west-1"]})),
        connector(5, &json!({"description": "twice [trueup:a] [trueup:cloudsec!]"})),
        connector(
            6,
            &json!({"isCPSEnabled": true, "connectorScanSetting": {"isCustomScanConfigEnabled": true},
            "connectorScanConfig": {"optionProfileId": 2, "recurrence": "DAILY", "scanPrefix": "p",
                "startDate": "MM/DD/YYYY", "startTime": "15:45", "timezone": "UTC"}}),
        ),
    ];
    scene.make("aws", objects).await;
    let (export, desired) = check(&scene, &format!("{FILE}reconcile: {{owner: cloudsec}}\n")).await;
    assert_eq!((export.objects, export.left_out, export.withheld), (6, 5, 0), "{}", export.text);
    for (name, field, why) in [
        ("c1", "run_frequency", "run frequency 5m is outside 1h to 24h"),
        ("c2", "capabilities", "unknown value `XYZ`"),
        ("c3", "external_id", "`x` is no external id"),
        ("c4", "regions", "the platform does not show it; it is not all"),
        ("c5", "description", "the description ends in the mark of the owner a"),
    ] {
        assert!(!entry(&desired, name).contains_key(field), "{}", export.text);
        let said = format!("#   {field} ({why}");
        assert!(export.text.contains(&said), "{said}\n{}", export.text);
        let after = &export.text[export.text.find(&said).unwrap()..];
        assert_eq!(after.lines().nth(1), Some(format!("#     aws/{name}").as_str()));
    }
    for aside in [
        "      # run_frequency: 5m\n",
        "      # external_id: x\n",
        "      # capabilities:\n      #   - AI\n      #   - XYZ\n",
    ] {
        assert!(export.text.contains(aside), "{aside}\n{}", export.text);
    }
    let scan = &entry(&desired, "c6")["perimeter_scan"];
    assert_eq!(
        (&scan["start_time"], scan.get("start_date")),
        (&json!("15:45"), None),
        "what is told of it stays"
    );
    // The mark that protects it stays with it.
    let protected: Vec<_> = desired.declared.iter().filter(|entry| entry.meta.prevent_delete).collect();
    assert_eq!(protected.iter().map(|entry| entry.spec.name()).collect::<Vec<_>>(), ["c5"]);
}

#[tokio::test]
async fn what_cannot_be_declared_stands_in_it_as_a_comment_with_the_reason() {
    let scene = Scene::new(&[]).await;
    scene
        .make(
            "tag",
            [json!({"name": "#12"}), json!({"name": "dup"}), json!({"name": "dup"}), json!({"name": "top"})],
        )
        .await;
    let id = |name: &'static str, objects: &support::Objects| {
        objects.of("tag").filter(|(_, tag)| tag["name"] == name).map(|(id, _)| id).max().unwrap()
    };
    let objects = scene.objects().await;
    let (dup, number) = (id("dup", &objects), id("#12", &objects));
    scene.make("tag", [json!({"name": "below", "parentTagId": dup})]).await;
    let objects = [
        connector(1, &json!({})),
        connector(1, &json!({"name": "double"})),
        connector(2, &json!({"description": "d [trueup:others]"})),
        connector(3, &json!({"name": "n".repeat(300)})),
        connector(4, &json!({"arn": "arn:aws:iam:::12345678911/role:testrole"})),
        connector(5, &json!({"defaultTags": [dup, id("top", &objects)]})),
        connector(6, &json!({"connectorAppInfos": [{"name": "AI", "tagId": number}]})),
        connector(7, &json!({"isAttachedToOrgConnector": true})),
    ];
    scene.make("aws", objects).await;
    let (export, desired) = check(&scene, FILE).await;
    let declared: Vec<String> = desired.declared.iter().map(|entry| entry.spec.address_name()).collect();
    assert_eq!(declared, ["top", "c5", "c6", "c7"], "{}", export.text);
    assert_eq!(export.withheld, 9, "{}", export.text);
    assert!(
        !entry(&desired, "c5").contains_key("tags") && !entry(&desired, "c6").contains_key("capabilities")
    );
    for why in [
        "2 live objects have the identity dup: ids ",
        "2 live objects have the identity arn:aws:iam::210000000001:role/Q: ids ",
        "it bears the mark of the owner others",
        "the name is longer than 255 characters",
        "is no role ARN",
        "name: `#12` reads as a tag's id",
        "tag `dup` is there more than once",
        "capabilities (`#12` reads as a tag's id):",
    ] {
        assert!(export.text.contains(why), "{why}\n{}", export.text);
    }
    assert!(export.text.contains("    # - name: double\n    #   description: \"\"\n"), "{}", export.text);
    assert!(
        export.text.contains("tag/Cloud Agent") && export.text.contains(": a system tag\n"),
        "{}",
        export.text
    );
}

#[tokio::test]
async fn a_tag_that_the_file_would_take_for_its_own_parent_is_a_comment() {
    let scene = Scene::new(&[]).await;
    // `prod` twice at the top, so that neither is declared, and once more far below.
    scene.make("tag", [json!({"id": 900, "name": "prod"}), json!({"id": 901, "name": "other"})]).await;
    scene.make("tag", [json!({"id": 910, "name": "x", "parentTagId": 900})]).await;
    scene.make("tag", [json!({"id": 920, "name": "prod", "parentTagId": 910})]).await;
    scene
        .control(
            "POST",
            "/_sim/objects",
            json!([{"kind": "tag", "id": 900, "set": {"description": "[trueup:others]"}}]),
        )
        .await;
    let (export, desired) = check(&scene, FILE).await;
    assert!(export.text.contains("is above itself"), "{}", export.text);
    assert!(desired.declared.iter().any(|entry| entry.spec.address_name() == "other"), "{}", export.text);
}

#[tokio::test]
async fn an_empty_subscription_is_a_file_without_objects() {
    let scene = Scene::new(&[]).await;
    let (export, desired) = check(&scene, FILE).await;
    assert_eq!(
        (export.objects, desired.sections.len()),
        (0, 0),
        "no section: nothing is claimed to be empty"
    );
}

#[tokio::test]
async fn what_could_not_be_read_is_said_and_the_rest_is_exported() {
    let scene = Scene::new(&[]).await;
    scene.make("tag", [json!({"id": 900, "name": "prod"})]).await;
    scene.make("aws", [connector(1, &json!({"defaultTags": [900]}))]).await;
    for (path, missing, objects) in [("aws", "aws", 1), ("tag", "tag", 1)] {
        scene.faults(json!({"path": path, "kind": "status", "status": 503, "times": 100_000})).await;
        let export = exported(&scene, FILE).await;
        scene.heal().await;
        assert_eq!(export.failed.len(), 1, "{}", export.text);
        assert!(
            export.text.contains(&format!("# Could not be read, and is missing here:\n#   {missing}: ")),
            "{}",
            export.text
        );
        assert_eq!((export.objects, export.flaw), (objects, None), "{}", export.text);
        let plan = scene.look(&scene.file(&export.text)).await;
        assert!(plan.changes.is_empty() && plan.failed.is_empty(), "{}\n{}", told(&plan), export.text);
    }
}

// As it is typed

/// What is in the file is valid, and plans to no change.
#[track_caller]
fn check_file(folder: &Folder, file: &str) {
    folder.expect(0, &["validate", "-c", file]);
    let plan = folder.expect(0, &["plan", "-c", file, "--detailed-exitcode"]);
    assert!(plan.stdout.starts_with("simulator: in sync · "), "{plan}\n{}", folder.read(file));
}

#[test]
fn the_example_is_exported_before_and_after_it_is_applied() {
    let folder = Folder::example();
    let before = folder.expect(0, &["export"]);
    assert_eq!(before.stderr, "");
    assert!(!folder.path("trueup.db").exists(), "nothing is remembered");
    folder.write("before.yaml", &before.stdout);
    check_file(&folder, "before.yaml");
    folder.expect(0, &["apply", "--yes"]);
    let after = folder.expect(0, &["export", "--out", "after.yaml"]);
    assert_eq!(after.stderr, "");
    let said = " secrets to fill in, 1 field left out; its first lines list them\n";
    assert!(after.stdout.starts_with("after.yaml: ") && after.stdout.ends_with(said), "{after}");
    let told = folder.read("after.yaml");
    for line in [
        "#   AZURE_CORP_SHARED_AUTHENTICATION_KEY: authentication_key of azure/corp-shared\n",
        "      authentication_key: {env: AZURE_CORP_SHARED_AUTHENTICATION_KEY}\n",
        "    tenant_name: FILL-IN\n",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    check_file(&folder, "after.yaml");
    // The same objects, so the same file, whichever file told where they are.
    let again = folder.expect(0, &["export", "-c", "after.yaml"]);
    assert_eq!(again.stdout, folder.read("after.yaml"));
    assert_ne!(again.stdout, before.stdout);
}

#[test]
fn what_was_exported_shows_what_changes_from_then_on() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    folder.expect(0, &["export", "--out", "live.yaml"]);
    simulator.set("aws", "sandbox", &json!({"name": "no: \"sand\" #box\u{202e}"}));
    let plan = folder.expect(2, &["plan", "-c", "live.yaml", "--detailed-exitcode"]);
    assert!(plan.stdout.contains("→ sandbox"), "{plan}");
    folder.expect(0, &["export", "-o", "live.yaml", "--force"]);
    check_file(&folder, "live.yaml");
    assert_eq!(simulator.writes(), [Value::Null; 0]);
}

#[test]
fn a_file_that_is_there_is_overwritten_by_force_alone_and_keeps_its_mode() {
    let folder = Folder::example();
    let mode = || fs::metadata(folder.path("live.yaml")).unwrap().permissions().mode() & 0o777;
    folder.expect(0, &["export", "--out", "live.yaml"]);
    assert_eq!(mode(), 0o600);
    folder.write("live.yaml", "precious");
    let refused = folder.expect(1, &["export", "--out", "live.yaml"]);
    let said = "error: live.yaml exists already\nhint: name another file, or pass --force\n";
    assert_eq!(refused.stderr, said);
    assert_eq!(folder.read("live.yaml"), "precious");
    fs::set_permissions(folder.path("live.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    folder.expect(0, &["export", "--output", "live.yaml", "--force"]);
    assert_eq!(mode(), 0o640);
    check_file(&folder, "live.yaml");
    folder.expect(1, &["export", "--out", ".", "--force"]);
    folder.expect(1, &["export", "--out", "nowhere/live.yaml"]);
    let shown = folder.expect(0, &["export", "--out", "-"]);
    assert_eq!(shown.stdout, folder.read("live.yaml"));
    let left: Vec<_> = fs::read_dir(folder.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".tmp")), "{left:?}");
}

#[test]
fn kinds_and_objects_can_be_chosen() {
    let folder = Folder::example();
    for (args, has, lacks) in [
        (&["--kind", "tag"][..], "- name: unused", "arn:"),
        (&["--kind", "aws"], "- name: sandbox", "tags:\n  - name"),
        (&["--kind", "aws", "tag"], "- name: sandbox", "no such thing"),
        (&["--target", "aws/prod-web"], "tags:\n        - prod\n        - prod/web\n", "sandbox"),
        (&["--target", "tag/prod/web", "aws/sandbox"], "parent: prod", "prod-web"),
    ] {
        let export = folder.expect(0, &[&["export"], args].concat());
        assert!(export.stdout.contains(has) && !export.stdout.contains(lacks), "{args:?} {export}");
        folder.write("some.yaml", &export.stdout);
        check_file(&folder, "some.yaml");
    }
    let untold = folder.expect(0, &["export", "--kind", "snapshot_scan"]);
    let said = "#   snapshot_scan: the platform does not tell what there is; declare it by hand\n";
    assert!(untold.stdout.contains(said) && untold.stderr.is_empty(), "{untold}");
    let unknown = folder.expect(64, &["export", "--target", "aws/sandbox", "aws/nobody", "tag/Cloud Agent"]);
    assert!(unknown.stderr.starts_with("error: no such object: aws/nobody\n"), "{unknown}");
    assert_eq!(unknown.stdout, "");
    for wrong in [&["--kind", "lambda"][..], &["--kind", "aws", "--target", "aws/sandbox"], &["--force"]] {
        folder.expect(64, &[&["export"], wrong].concat());
    }
}

#[test]
fn what_cannot_be_read_fails_the_command_and_costs_nothing_else() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    simulator.fault(&json!({"path": "aws", "kind": "status", "status": 403, "times": 100_000}));
    let partly = folder.expect(1, &["export"]);
    assert!(partly.stderr.starts_with("warning: aws could not be read: "), "{partly}");
    assert!(partly.stdout.contains("# Could not be read, and is missing here:\n#   aws: "), "{partly}");
    simulator.end_faults();
    folder.write("some.yaml", &partly.stdout);
    check_file(&folder, "some.yaml");
    simulator.fault(&json!({"path": "/", "kind": "status", "status": 403, "times": 100_000}));
    let nothing = folder.expect(1, &["export", "--out", "nothing.yaml"]);
    assert!(nothing.stderr.contains("error: nothing could be read, nothing was written\n"), "{nothing}");
    assert!(!folder.path("nothing.yaml").exists());
}

#[test]
fn the_credentials_stay_references() {
    let folder = Folder::example();
    let simulator = Simulator::start(&folder, &["--username", "acme_ab1", "--password", "pa55-w0rd+Zx"]);
    let url = &simulator.url;
    folder.write("password.txt", "pa55-w0rd+Zx\n");
    folder.write(
        "config.yaml",
        &format!(
            "version: 1\nplatform: {{api_url: \"{url}\", username: {{env: WHO}}, password: {{file: password.txt}}}}\n\
             reconcile: {{policy: enforce}}\n"
        ),
    );
    let mut command = folder.command(&["export"]);
    command.env("WHO", "acme_ab1");
    let export = end(command);
    assert_eq!((export.code, export.stderr.as_str()), (0, ""), "{export}");
    assert!(!export.stdout.contains("pa55") && !export.stdout.contains("acme_ab1"), "{export}");
    let file = folder.path("password.txt");
    let platform = format!(
        "platform:\n  api_url: {url}/\n  username: {{env: WHO}}\n  password: {{file: {}}}\n\nreconcile:\n  policy: dry-run\n",
        file.display()
    );
    assert!(export.stdout.contains(&platform), "{export}");
}
