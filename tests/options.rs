//! The example, which holds an object of every kind, against the simulator with each of its options turned to each of
//! its other values: it ends in sync, or in the outcome that a table names.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking, in helpers too")]

mod support;

use std::collections::BTreeSet;

use support::{May, Scene, complaints};
use trueup::journal::Journal;
use trueup::reconcile::PassOutcome;
use trueup::simulator::Options;

/// Option, value, and how each complaint of the first pass begins.
type Row = (&'static str, &'static str, &'static [&'static str]);

/// What does not end in sync.
const NAMED: &[Row] = &[
    // The vendor's support has to enable OCI: that kind fails with the advice, the rest goes on.
    ("oci", "unknown", &["oci: could not search ociassetdataconnector: INVALID_API_VERSION"; 2]),
    // The file says which spelling the platform takes; platform.gcp_project_field is the other one.
    ("gcp_project_key", "project_id", &["gcp/analytics failed: could not create gcpassetdataconnector"]),
    // No answer tells a subscription: nothing that may be there already is made, and what needs it waits.
    (
        "azure_auth_record",
        "empty",
        &["azure_organization/contoso: azure/corp-data is not live, and its create is held"; 2],
    ),
    // The subscription lacks the module: its kinds fail with the reason, the rest goes on.
    (
        "container_security",
        "off",
        &[
            "registry_schedule: could not list registries: HTTP 404",
            "registry_connector: could not list registries: HTTP 404",
            "registry_schedule: could not list registries: HTTP 404",
            "registry_connector: could not list registries: HTTP 404",
        ],
    ),
    ("snapshot_needs_connector", "required", &["snapshot_scan/951234567875 failed: could not register"]),
    // The members show up later: until then they are said not to be taken.
    ("attach_lag", "2", &["azure_organization/contoso not converged: members"]),
    // Tokens that have ended before they are used: the gateway's kinds fail, the others go on.
    (
        "token_seconds",
        "0",
        &[
            "azure_organization: could not list azure organization connectors: HTTP 401",
            "registry_schedule: could not list registries: HTTP 401",
            "registry_connector: could not list registry connectors: HTTP 401",
            "azure_organization: could not list azure organization connectors: HTTP 401",
            "registry_schedule: could not list registries: HTTP 401",
            "registry_connector: could not list registry connectors: HTTP 401",
            "snapshot_scan/951234567875 failed: could not register",
        ],
    ),
];

/// Options that take a number, and one that is worth a try.
const NUMBERS: &[(&str, &str)] = &[
    ("token_seconds", "0"),
    ("job_reads", "3"),
    ("page_limit", "2"),
    ("attach_lag", "2"),
    ("state_reads", "3"),
    ("reuse_after", "0"),
    ("latency_ms", "2"),
    ("report_reads", "2"),
];

fn example(scene: &Scene) -> trueup::desired::Desired {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.yaml");
    // Its start dates lie ahead of the year in which it was written, and these of any other.
    scene.file(&std::fs::read_to_string(path).unwrap().replace("2031-12-01", "8031-12-01"))
}

#[tokio::test]
async fn the_example_ends_in_sync_or_in_a_named_outcome_whatever_the_platform_is_like() {
    let words = Options::table().iter().flat_map(|option| {
        option.values.iter().filter(|value| **value != option.default).map(|value| (option.name, *value))
    });
    let all: Vec<(&str, &str)> = words.chain(NUMBERS.iter().copied()).collect();
    let mut wrong = Vec::new();
    for &(name, value) in &all {
        let named = NAMED.iter().find(|(option, of, _)| (*option, *of) == (name, value));
        let expected = named.map_or(&[][..], |(_, _, expected)| expected);
        let scene = Scene::example(&[(name, value)]).await;
        let desired = example(&scene);
        let mut journal = Journal::in_memory().unwrap();
        let first = scene.pass(&desired, &mut journal, May::Write).await;
        let told = complaints(&first);
        let as_named = told.len() == expected.len()
            && told.iter().zip(expected).all(|(told, expected)| told.starts_with(expected));
        if !as_named {
            wrong.push(format!("{name}: {value}: {told:#?}"));
            continue;
        }
        scene.forget_requests().await;
        let second = scene.pass(&desired, &mut journal, May::Write).await;
        if named.is_some() {
            continue;
        }
        let writes = scene.writes().await;
        if second.outcome() != PassOutcome::InSync || !writes.is_empty() {
            let changes: Vec<_> = second
                .plan
                .changes
                .iter()
                .map(|change| (change.address.to_string(), change.field_names().join(", ")))
                .collect();
            wrong.push(format!("{name}: {value}: then {:?} {changes:?} {writes:?}", second.outcome()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let tried: BTreeSet<_> = all.iter().collect();
    assert_eq!(tried.len(), all.len());
    for (name, value, _) in NAMED {
        assert!(tried.contains(&(*name, *value)), "{name}: {value} is no option");
    }
}

#[tokio::test]
async fn a_project_that_the_platform_spells_otherwise_is_refused_with_the_setting_that_says_so() {
    let scene = Scene::example(&[("gcp_project_key", "project_id")]).await;
    let report = scene.pass(&example(&scene), &mut Journal::in_memory().unwrap(), May::Write).await;
    let told = complaints(&report);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].contains("(hint: platform.gcp_project_field says how the project is spelled"),
        "{told:#?}"
    );
}
