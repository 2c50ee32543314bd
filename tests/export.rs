//! What is exported plans to no change: for generated subscriptions through the library, and as it is typed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/bin.rs"]
mod bin;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::LazyLock;

use bin::{Folder, HEAD, Simulator, end};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use serde_json::{Map, Value, json};
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

// What is generated

/// What makes an object of a kind in the simulator's plain form. `{"ref": [KIND, NUMBER]}` anywhere in it becomes the id
/// of an object made before.
type Maker = fn() -> BoxedStrategy<Value>;

/// Every kind, in an order in which none refers to a later one.
const KINDS: [Made; 10] = [
    Made { kind: "tag", make: tag, least: 0, most: 6 },
    Made { kind: "aws", make: aws, least: 0, most: 6 },
    Made { kind: "azure", make: azure, least: 0, most: 6 },
    Made { kind: "gcp", make: gcp, least: 0, most: 6 },
    Made { kind: "oci", make: oci, least: 0, most: 6 },
    Made { kind: "azure_organization", make: azure_organization, least: 0, most: 6 },
    Made { kind: "global_scan", make: global_scan, least: 0, most: 1 },
    Made { kind: "registry", make: registry, least: 1, most: 3 },
    Made { kind: "registry_schedule", make: registry_schedule, least: 0, most: 6 },
    Made { kind: "registry_connector", make: registry_connector, least: 0, most: 2 },
];

/// How objects of a kind are made, and how many.
struct Made {
    kind: &'static str,
    make: Maker,
    least: usize,
    most: usize,
}

/// Of these the file can say nothing that they are: they are looked into, or can only be gone.
const NOT_EXPORTED: [&str; 2] = ["registry", "registry_connector"];

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

fn oci() -> BoxedStrategy<Value> {
    (connector_of_any_cloud(), 0..40_u8, select(&["us-ashburn-1", "mars-north-1", ""][..]))
        .prop_map(|(mut common, tenancy, region)| {
            let fields = common.as_object_mut().unwrap();
            fields.retain(|field, _| !field.starts_with("isCPS") && !field.starts_with("connectorScan"));
            fields.shift_remove("activation");
            let key = format!("-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----");
            let record = json!({"tenantId": format!("ocid1.tenancy.oc1..{tenancy}"),
                "userId": "ocid1.user.oc1..a", "privateKey": key,
                "fingerprint": "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"});
            with(common, &json!({"homeRegion": region, "authRecord": record}))
        })
        .boxed()
}

fn global_scan() -> BoxedStrategy<Value> {
    schedule().boxed()
}

fn registry() -> BoxedStrategy<Value> {
    name().prop_map(|name| json!({"registryName": name})).boxed()
}

fn registry_schedule() -> BoxedStrategy<Value> {
    let image = (prop_oneof![3 => Just("web".to_owned()), 1 => name()], proptest::option::of(name()))
        .prop_map(|(repo, tag)| json!({"repo": repo, "tag": tag}));
    let filter = (proptest::collection::vec(image, 0..3), select(&[0, 1, 7, 9, 14][..]))
        .prop_map(|(images, days)| json!({"repoTags": images, "days": days}));
    let days = select(&[1, 7, 30, 400][..]);
    let day = proptest::option::of(select(&["MONDAY", "THURSDAY"][..]));
    let state = select(&["Queued", "Running", "Finished", "Error"][..]);
    (
        (of("registry"), name(), any::<bool>(), any::<bool>(), state),
        proptest::collection::vec(filter, 0..3),
        (days, day, proptest::option::of((0..9_u8, name()))),
    )
        .prop_map(|((registry, name, on_demand, force, state), filters, (days, day, limits))| {
            let mut schedule = json!({"registry": registry, "name": name, "onDemand": on_demand,
                "forceScan": force, "status": state, "filters": filters, "scheduleIntervalInDays": days});
            if let Some(day) = day {
                schedule["weekDay"] = day.into();
            }
            if let Some((number, sort)) = limits {
                schedule["additionalFilters"] = json!({"numberOfTags": number, "sortCriteria": sort});
            }
            schedule
        })
        .boxed()
}

fn registry_connector() -> BoxedStrategy<Value> {
    name().prop_map(|name| json!({"name": name, "type": "ACR", "connectorId": uuid(9)})).boxed()
}

/// A subscription: of each kind, in order, some objects.
fn subscription() -> impl Strategy<Value = Vec<(&'static str, Vec<Value>)>> {
    let objects = |Made { kind, make, least, most }: Made| {
        proptest::collection::vec(make(), least..=most).prop_map(move |made| (kind, made))
    };
    KINDS.map(objects).to_vec()
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
    for (kind, objects) in subscription {
        for object in objects {
            let mut object = object.clone();
            refer(&mut object, &ids);
            scene.make(kind, [object]).await;
            made += usize::from(!NOT_EXPORTED.contains(kind));
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

/// What people and programs put into names and descriptions. [`check`] has it read by two readers.
#[tokio::test]
async fn a_text_is_exported_as_it_is_whatever_yaml_could_take_it_for() {
    let texts: [&str; 76] = [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "N",
        "null",
        "Null ",
        "~",
        "true",
        "FALSE",
        "0x1F",
        "0o14",
        "007",
        "1e3",
        "1_000",
        ".5",
        "+1",
        "-1",
        ".nan",
        ".inf",
        "2031-12-01",
        "12:30:45",
        "-",
        "- a",
        "? x",
        "?x",
        ": z",
        ",a",
        "a: b",
        "a #b",
        "a :b",
        "ends:",
        "#c",
        "'",
        "\"",
        "''",
        "a\\b",
        "|",
        ">",
        "key: |",
        "---",
        "...",
        "%YAML 1.2",
        "<<",
        "=",
        "*x",
        "&x",
        "!x",
        "!!str x",
        "%x",
        "@x",
        "`x",
        "{a}",
        "{}",
        "[a]",
        "[]",
        " lead",
        "trail ",
        " both ",
        "\ttab\t",
        "\u{a0}wide",
        "\u{85}next",
        "\u{2028}line",
        "\u{2029}paragraph",
        "\u{feff}order",
        "\u{1}\u{7}\u{1b}[0m",
        "\u{7f}",
        "\u{202e}right\u{202d}",
        "\u{200f}right",
        "\u{61c}letter",
        "\u{ad}soft",
        "😀",
        "👩\u{200d}👧",
        "e\u{301}",
        "\u{e000}\u{10fffd}",
    ];
    let lines: [&str; 18] = [
        "one\ntwo",
        "one\ntwo\n",
        "one\ntwo\n\n",
        "\n",
        "\n\nx",
        "  lead\nx",
        "x\n  y\n z",
        "x\n\n\ny",
        "x\n\ty",
        "x \ny",
        "x\r\ny\r\n",
        "x\ry",
        "# a\n# b",
        "- a\n- b",
        "a: b\nc: d",
        "---\n...",
        "'q'\n\"r\"",
        "ümläut\nß\n",
    ];
    let scene = Scene::new(&[]).await;
    let long = "n".repeat(255);
    let all = || texts.into_iter().chain(lines).chain([long.as_str()]).zip(0_u8..);
    let objects = all().map(|(text, number)| {
        let arn = format!("arn:aws:iam::210000000{number:03}:role/Q");
        connector(0, &json!({"name": text, "description": text, "arn": arn}))
    });
    scene.make("aws", objects.filter(|object| !object["name"].as_str().unwrap().trim().is_empty())).await;
    let (export, desired) = check(&scene, FILE).await;
    assert_eq!((export.withheld, export.left_out), (0, 0), "{}", export.text);
    for (text, number) in all().filter(|(text, _)| !text.trim().is_empty()) {
        let arn = format!("arn:aws:iam::210000000{number:03}:role/Q");
        let mut found = desired.declared.iter().map(|entry| entry.spec.fields());
        let entry =
            found.find(|fields| fields["arn"] == *arn).unwrap_or_else(|| panic!("{text:?} is missing"));
        assert_eq!((&entry["name"], &entry["description"]), (&json!(text), &json!(text)));
    }
}

#[tokio::test]
async fn no_two_secrets_share_a_variable_and_none_changes_when_others_come() {
    let scene = Scene::new(&[]).await;
    let azure = |name: &str, number: u8| {
        let record = json!({"subscriptionId": uuid(number), "directoryId": uuid(1), "applicationId": uuid(2),
            "authenticationKey": SECRET});
        json!({"name": name, "authRecord": record, "runFrequency": 240})
    };
    let variables = |desired: &Desired| {
        let of = |entry: &trueup::desired::Declared| {
            let fields = entry.spec.fields();
            (
                fields["subscription_id"].clone(),
                fields["authentication_key"]["env"].as_str().unwrap().to_owned(),
            )
        };
        let mut all: Vec<_> = desired.declared.iter().map(of).collect();
        all.sort_by_key(|(id, _)| id.to_string());
        all.into_iter().map(|(_, variable)| variable).collect::<Vec<_>>()
    };
    scene.make("azure", [azure("corp-shared", 20), azure("corp shared", 21), azure("lab", 22)]).await;
    let before = variables(&check(&scene, FILE).await.1);
    let long =
        |number: u8| format!("AZURE_CORP_SHARED_{}_AUTHENTICATION_KEY", uuid(number).replace('-', "_"));
    assert_eq!(before, [long(20), long(21), "AZURE_LAB_AUTHENTICATION_KEY".to_owned()]);
    // Sorted before the others.
    scene.make("azure", [azure("Corp (Shared)", 30), azure("Corp.Shared", 31)]).await;
    let after = variables(&check(&scene, FILE).await.1);
    assert_eq!(after, [&before[..], &[long(30), long(31)]].concat());
}

#[tokio::test]
async fn schedules_of_all_registries_are_exported_below_the_registry_that_they_are_of() {
    let scene = Scene::new(&[]).await;
    scene
        .make(
            "registry",
            [
                json!({"id": 700, "registryName": "yes: no", "registryUuid": uuid(7)}),
                json!({"id": 800, "registryName": "shop", "registryUuid": uuid(8)}),
                json!({"id": 900, "registryName": "bare"}),
            ],
        )
        .await;
    let schedule = |registry: u64, number: u8, fields: &Value| {
        let repos = json!([{"repo": format!("shop/{number}"), "tag": "1.0"}]);
        let schedule = json!({"registry": registry, "name": "theirs", "onDemand": false, "schedule": "09:30",
            "scheduleUuid": uuid(number), "filters": [{"repoTags": repos}]});
        with(schedule, fields)
    };
    let objects = [
        schedule(
            800,
            1,
            &json!({"scheduleIntervalInDays": 7, "weekDay": "THURSDAY", "status": "Running",
            "additionalFilters": {"numberOfTags": 5, "sortCriteria": "a: b"}}),
        ),
        schedule(700, 2, &json!({"filters": []})),
        schedule(800, 3, &json!({"scheduleIntervalInDays": 7})),
        schedule(700, 4, &json!({"filters": [{"repoTags": [{"repo": "all"}], "days": 9}]})),
    ];
    scene.make("registry_schedule", objects).await;
    let (export, desired) = check(&scene, FILE).await;
    let of_registries = export.text.split("container_security:\n").nth(1).unwrap();
    insta::assert_snapshot!("export_of_registries", of_registries);
    let names: Vec<String> = desired.declared.iter().map(|entry| entry.spec.address_name()).collect();
    let [shop, one, three] = [uuid(8), uuid(1), uuid(3)];
    assert_eq!(
        names,
        [format!("{shop}/FILL-IN-{one}"), format!("{shop}/FILL-IN-{three}")],
        "{}",
        export.text
    );
    assert_eq!((export.objects, export.withheld, desired.warnings.len()), (2, 2, 2), "{}", export.text);
    for line in [
        &format!("#     registry_schedule/{shop}/#{one}\n"),
        "#   every_days (`week_day` is missing: every_days: 7 needs one):\n",
        "#   container_security.registry_connectors: of such an object the file can say only that it is to be gone\n",
    ] {
        assert!(export.text.contains(line), "{line}\n{}", export.text);
    }
}

#[tokio::test]
async fn a_subscription_without_a_module_is_exported_without_a_failure_and_says_what_it_lacks() {
    let scene = Scene::example(&[("container_security", "off"), ("oci", "unknown")]).await;
    let (export, _) = check(&scene, FILE).await;
    assert_eq!(export.failed, []);
    let lacking: Vec<Kind> = export.lacking.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(lacking, [Kind::Oci, Kind::RegistrySchedule]);
    for line in [
        "#   connectors.oci: there seems to be no such thing: could not search ociassetdataconnector: ",
        "#   container_security.registries: there seems to be no such thing: could not list registries: HTTP 404: ",
    ] {
        assert!(export.text.contains(line), "{line}\n{}", export.text);
    }
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
    let after = folder.expect(0, &["export", "--output", "after.yaml"]);
    assert_eq!(after.stderr, "");
    let said = " secrets to fill in, 3 fields left out; its first lines list them\n";
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
    folder.expect(0, &["export", "--output", "live.yaml"]);
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
    folder.expect(0, &["export", "--output", "live.yaml"]);
    assert_eq!(mode(), 0o600);
    folder.write("live.yaml", "precious");
    let refused = folder.expect(1, &["export", "--output", "live.yaml"]);
    let said = "error: live.yaml exists already\nhint: name another file, or pass --force\n";
    assert_eq!(refused.stderr, said);
    assert_eq!(folder.read("live.yaml"), "precious");
    fs::set_permissions(folder.path("live.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    folder.expect(0, &["export", "--output", "live.yaml", "--force"]);
    assert_eq!(mode(), 0o640);
    check_file(&folder, "live.yaml");
    folder.expect(1, &["export", "--output", ".", "--force"]);
    folder.expect(1, &["export", "--output", "nowhere/live.yaml"]);
    let shown = folder.expect(0, &["export", "--out", "-"]);
    assert_eq!(shown.stdout, folder.read("live.yaml"));
    let left: Vec<_> = fs::read_dir(folder.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".tmp")), "{left:?}");
}

#[test]
fn kinds_and_objects_can_be_chosen() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
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
    let shop = "registry_schedule/88888888-8888-4888-8888-888888888888";
    let id = "5c4e0000-0000-4000-8000-000000000001";
    simulator.make(
        "registry_schedule",
        &json!({"name": "theirs", "onDemand": false, "scheduleUuid": id,
        "filters": [{"repoTags": [{"repo": "web"}]}]}),
    );
    for args in [&["--kind", "registry_schedule"][..], &["--target", &format!("{shop}/#{id}")]] {
        let export = folder.expect(0, &[&["export"], args].concat());
        folder.write("some.yaml", &export.stdout);
        check_file(&folder, "some.yaml");
        assert!(
            export.stdout.contains("      # Known as shop.\n      schedules:\n        - name: FILL-IN-5c4e"),
            "{export}"
        );
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
    let nothing = folder.expect(1, &["export", "--output", "nothing.yaml"]);
    assert!(nothing.stderr.contains("error: nothing could be read, nothing was written\n"), "{nothing}");
    assert!(!folder.path("nothing.yaml").exists());
}

#[test]
fn what_the_subscription_lacks_is_missed_only_where_it_is_asked_for() {
    let folder = Folder::simulated("");
    let simulator = Simulator::beside(&folder, &[]);
    simulator.options(&json!({"container_security": "off"}));
    let whole = folder.expect(0, &["export", "--output", "live.yaml"]);
    let warning = "warning: there seems to be no registry_schedule: could not list registries: HTTP 404: ";
    assert!(whole.stderr.starts_with(warning) && whole.stderr.lines().count() == 1, "{whole}");
    check_file(&folder, "live.yaml");
    let asked = folder.expect(1, &["export", "--kind", "aws", "registry_schedule"]);
    assert!(asked.stderr.starts_with("warning: registry_schedule could not be read: "), "{asked}");
    folder.write("named.yaml", &format!("{HEAD}container_security: {{registries: []}}\n"));
    folder.expect(1, &["export", "-c", "named.yaml"]);
    // Nothing at all is no subscription.
    simulator.fault(&json!({"path": "/", "kind": "status", "status": 404, "times": 100_000}));
    folder.expect(1, &["export"]);
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
