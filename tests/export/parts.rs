//! One thing at a time, through the library.

use serde_json::{Value, json};
use trueup::desired::{Declared, Desired};
use trueup::resource::Kind;

use crate::subscription::{SECRET, uuid, with};
use crate::support::{self, Scene};
use crate::{FILE, check, entry, exported, told};

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
    assert_eq!((export.objects, export.left_out, export.withheld), (6, 4, 0), "{}", export.text);
    for (name, field, why) in [
        ("c1", "run_frequency", "run frequency 5m is outside 1h to 24h"),
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
    // A word that is not known may be declared, and so is exported.
    assert_eq!(entry(&desired, "c2")["capabilities"], json!(["AI", "XYZ"]));
    for aside in ["      # run_frequency: 5m\n", "      # external_id: x\n"] {
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

/// What people and programs put into names.
const TEXTS: [&str; 76] = [
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

/// What they put into descriptions.
const LINES: [&str; 18] = [
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

/// A text without what nobody sees: white space around it and at the ends of its lines, and how these end.
fn as_seen(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

/// [`check`] has each read by two readers.
#[tokio::test]
async fn a_text_is_exported_as_it_is_whatever_yaml_could_take_it_for() {
    let scene = Scene::new(&[]).await;
    let long = "n".repeat(255);
    let all = || TEXTS.into_iter().chain(LINES).chain([long.as_str()]).zip(0_u8..);
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
        let seen = json!(as_seen(text));
        assert_eq!((&entry["name"], &entry["description"]), (&seen, &seen));
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
        let of = |entry: &Declared| {
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
async fn a_module_whose_sign_in_finds_nothing_may_be_there_and_is_missed() {
    let scene = Scene::example(&[]).await;
    scene.faults(json!({"path": "/auth", "kind": "status", "status": 404, "times": 100_000})).await;
    let export = exported(&scene, FILE).await;
    let failed: Vec<Kind> = export.failed.iter().map(|(kind, _)| *kind).collect();
    assert_eq!((failed, export.lacking), (vec![Kind::AzureOrganization, Kind::RegistrySchedule], Vec::new()));
    assert!(export.failed[0].1.contains("no token from the gateway"), "{:?}", export.failed);
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
