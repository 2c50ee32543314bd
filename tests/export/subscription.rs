//! Generated subscriptions: some objects of every kind, with what people, programs and the platform itself put there.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::support::Scene;

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
pub(crate) fn with(mut object: Value, more: &Value) -> Value {
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

pub(crate) fn uuid(number: u8) -> String {
    format!("{number:08}-1111-1111-1111-111111111111")
}

/// No secret may show, in whatever form the platform answers.
pub(crate) const SECRET: &str = "s3cr3t-Zx9";

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
pub(crate) fn subscription() -> impl Strategy<Value = Vec<(&'static str, Vec<Value>)>> {
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

pub(crate) async fn make(scene: &Scene, subscription: &[(&'static str, Vec<Value>)]) -> usize {
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
            made += usize::from(!NOT_EXPORTED.contains(kind));
            let newest = scene.objects().await.of(kind).map(|(id, _)| id).max().unwrap();
            ids.push((kind, newest));
        }
    }
    made
}
