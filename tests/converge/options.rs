//! What each option of the simulator makes of an apply.

use serde_json::json;
use trueup::plan::Action;
use trueup::reconcile::PassOutcome;

use crate::support::{May, Scene, complaints};
use crate::{assert_clean, journal, shown};

/// A subscription with something to create, update, clear and delete.
async fn busy(options: &[(&str, &str)]) -> Scene {
    let scene = Scene::new(options).await;
    let tag = |id: u64, name: &str, parent: Option<u64>, description: &str| json!({"id": id, "name": name, "parentTagId": parent, "color": "#AA0000", "description": description});
    let tags = [
        tag(7001, "prod", None, "what earns"),
        tag(7002, "web", Some(7001), ""),
        tag(7003, "old", None, "[trueup:cloudsec]"),
        tag(7004, "older", Some(7003), "below [trueup:cloudsec]"),
    ];
    scene.make("tag", tags).await;
    let schedule = json!({
        "recurrence": "DAILY", "optionProfileId": 2, "scanPrefix": "peri", "startDate": "12/01/2031",
        "startTime": "15:45", "timezone": "UTC",
    });
    let connector = |id: u64, name: &str, description: &str| {
        json!({
            "id": id, "name": name, "arn": format!("arn:aws:iam::21000000{id}:role/Reader"),
            "externalId": "US1-1-12345", "description": description, "activation": ["VM", "CERTVIEW"],
            "connectorAppInfos": ["AI", {"name": "CSA", "tagId": 7002}], "defaultTags": [7001],
            "isCPSEnabled": true, "connectorScanSetting": {"isCustomScanConfigEnabled": true},
            "connectorScanConfig": schedule, "allRegions": false, "endpoints": ["eu-west-1"],
        })
    };
    let mut theirs = connector(8004, "theirs", "not in the file");
    theirs["defaultTags"] = json!([7003]);
    let connectors = [
        connector(8001, "edge", "before"),
        connector(8002, "full", "to be cleared"),
        connector(8003, "gone", "[trueup:cloudsec]"),
        theirs,
    ];
    scene.make("aws", connectors).await;
    scene.forget_requests().await;
    scene
}

const HEAD: &str = "version: 1\nplatform: {pod: simulator}\n\
    reconcile: {owner: cloudsec, prune: owned, max_change_percent: 100}\n";

/// Every kind of change at once.
const EVERYTHING: &str = r##"
tags:
  - {name: prod, color: "#00ff00", description: ""}
  - {name: web, parent: prod, rule: {type: NAME_CONTAINS, text: web}}
  - {name: new, parent: prod/web}
connectors:
  aws:
    - {name: edge renamed, arn: "arn:aws:iam::210000008001:role/Other", description: after, external_id: US1-2-22222,
       capabilities: [AI, {name: CI, tag: new}], activation: [VM, PC], tags: [prod, new], regions: all,
       run_frequency: 2h, remediation: true, enabled: false, perimeter_scan: {recurrence: WEEKLY, days: [MON]}}
    - {name: full, arn: "arn:aws:iam::210000008002:role/Reader", description: "", capabilities: [], activation: [],
       tags: [], perimeter_scan: off}
    - {name: made, arn: "arn:aws:iam::210000008009:role/Reader", external_id: US1-3-33333, capabilities: [CSA],
       activation: [VM], tags: [web], perimeter_scan: global, regions: [af-south-1, eu-west-1]}
"##;

/// The one connector `edge`, with these fields, under the tags that are there.
fn edge(fields: &str) -> String {
    format!(
        "tags: [{{name: old}}, {{name: older, parent: old}}]\nconnectors:\n  aws:\n    \
         - {{name: gone, arn: 'arn:aws:iam::210000008003:role/Reader'}}\n    \
         - {{name: edge, arn: 'arn:aws:iam::210000008001:role/Reader', {fields}}}\n"
    )
}

/// An option, what is set besides, the file, and what the pass then complains of; nothing: it ends in sync.
type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, &'a [&'a str]);

#[tokio::test]
async fn every_option_of_the_simulator_ends_in_a_known_way() {
    let odd = edge("run_frequency: 100m");
    let pc_sca = edge("activation: [VM, PC, SCA]");
    let no_vm = edge("activation: [CERTVIEW]");
    let past = edge("perimeter_scan: {start_date: 2020-01-13}");
    let twin = edge("description: x")
        + "    - {name: edge, arn: 'arn:aws:iam::210000008009:role/Reader', external_id: xx}\n";
    // The connector `theirs` is deleted before.
    let back = edge("description: x")
        + "    - {name: back, arn: 'arn:aws:iam::210000008004:role/Reader', external_id: xx}\n";
    let regions = edge("regions: [us-east-1]");
    let soon = [("rate_limit_requests", "14"), ("rate_limit_window", "1")];
    let twice_refused = "aws/edge#arn:aws:iam::210000008009:role/Reader failed: could not create";
    let table: &[Row<'_>] = &[
        ("auth_failure", "401", &[], EVERYTHING, &[]),
        ("powered_by", "off", &[], EVERYTHING, &[]),
        ("methods", "tolerant", &[], EVERYTHING, &[]),
        ("update_method", "post_or_put", &[], EVERYTHING, &[]),
        ("unknown_id", "404", &[], EVERYTHING, &[]),
        ("unknown_id", "not_found", &[], EVERYTHING, &[]),
        ("duplicate_name", "accepted", &[], &twin, &[]),
        ("duplicate_name", "refused", &[], &twin, &[twice_refused]),
        ("duplicate_identity", "accepted", &[], EVERYTHING, &[]),
        ("reuse_after_delete", "refused", &[], &back, &["aws/back failed: could not create"]),
        ("reuse_after_delete", "allowed", &[], &back, &[]),
        ("reuse_after", "0", &[], &back, &[]),
        ("deleted_in_search", "shown", &[("reuse_after", "0")], &back, &[]),
        (
            "empty_set",
            "ignored",
            &[],
            EVERYTHING,
            &[
                "aws/full not converged: capabilities",
                "aws/full not converged: activation",
                "aws/full not converged: tags",
            ],
        ),
        ("odd_run_frequency", "accepted", &[], &odd, &[]),
        ("odd_run_frequency", "refused", &[], &odd, &["aws/edge failed: could not update"]),
        ("odd_run_frequency", "rounded", &[], &odd, &["aws/edge not converged: run_frequency"]),
        ("pc_with_sca", "refused", &[], &pc_sca, &["aws/edge failed: could not update"]),
        ("pc_with_sca", "accepted", &[], &pc_sca, &[]),
        ("cps_without_vm", "refused", &[], &no_vm, &["aws/edge failed: could not update"]),
        ("cps_without_vm", "accepted", &[], &no_vm, &[]),
        ("past_start_date", "accepted", &[], &past, &[]),
        ("past_start_date", "refused", &[], &past, &["aws/edge failed: could not update"]),
        ("date_order", "lenient", &[], &past, &[]),
        ("app_identifier", "any", &[], EVERYTHING, &[]),
        ("start_from_id", "exclusive", &[], EVERYTHING, &[]),
        ("search_case", "insensitive", &[], EVERYTHING, &[]),
        ("unfiltered_writes", "refused", &[], EVERYTHING, &[]),
        ("json_booleans", "real", &[], EVERYTHING, &[]),
        ("data_shape", "object-when-single", &[], EVERYTHING, &[]),
        ("activation_xml", "bare", &[], EVERYTHING, &[]),
        ("echo_endpoints", "off", &[], &regions, &[]),
        ("echo_endpoints", "on", &[], &regions, &[]),
        ("echo_endpoints", "on", &[], EVERYTHING, &[]),
        ("states", "errors", &[], EVERYTHING, &[]),
        ("states", "frozen", &[], EVERYTHING, &[]),
        ("duplicate_tag", "accepted", &[], EVERYTHING, &[]),
        ("tag_parent_delete", "refused", &[], EVERYTHING, &[]),
        ("tag_parent_delete", "orphan", &[], EVERYTHING, &[]),
        ("tag_in_use_delete", "refused", &[], EVERYTHING, &["tag/old failed: could not delete tag 7003"]),
        ("rate_limit", "409", &soon, EVERYTHING, &[]),
        ("rate_limit", "429", &soon, EVERYTHING, &[]),
        ("rate_limit_requests", "14", &[("rate_limit", "429"), ("rate_limit_window", "1")], EVERYTHING, &[]),
        ("rate_limit_window", "1", &[("rate_limit", "409"), ("rate_limit_requests", "14")], EVERYTHING, &[]),
        ("state_reads", "3", &[], EVERYTHING, &[]),
        ("latency_ms", "3", &[], EVERYTHING, &[]),
        ("subscription", "00000000-1111-2222-3333-444444444444", &[], EVERYTHING, &[]),
        ("pod", "EUPOD02", &[], EVERYTHING, &[]),
    ];
    for (name, value, besides, file, expected) in table {
        let case = format!("{name}: {value}");
        let mut scene = busy(&[&[(*name, *value)], *besides].concat()).await;
        scene.patience.max_wait = std::time::Duration::from_secs(5);
        if file.contains("name: back") {
            scene.delete_connector(8004).await;
        }
        let desired = scene.file(&format!("{HEAD}{file}"));
        let mut journal = journal();
        let first = scene.pass(&desired, &mut journal, May::Write).await;
        let complaints = complaints(&first);
        assert_eq!(complaints.len(), expected.len(), "{case}: {complaints:#?}");
        for (complaint, expected) in complaints.iter().zip(*expected) {
            assert!(complaint.starts_with(expected), "{case}: {complaints:#?}");
        }
        assert_eq!(first.has_failures(), !expected.is_empty(), "{case}");
        scene.objects().await.assert_no_doubles();
        scene.forget_requests().await;
        let second = scene.pass(&desired, &mut journal, May::Write).await;
        if expected.is_empty() {
            assert_clean(&second);
            assert_eq!(scene.writes().await, [""; 0], "{case}");
        }
    }
}

#[tokio::test]
async fn what_a_lagging_search_does_not_show_yet_is_not_made_twice() {
    for lag in ["1", "2", "3", "5"] {
        let lax = [("duplicate_identity", "accepted"), ("duplicate_tag", "accepted")];
        let scene = busy(&lax).await;
        scene.control("POST", "/_sim/options", json!({"search_lag": lag})).await;
        let desired = scene.file(&format!("{HEAD}{EVERYTHING}"));
        let mut journal = journal();
        let mut passes = 0;
        loop {
            let report = scene.pass(&desired, &mut journal, May::Write).await;
            scene.objects().await.assert_no_doubles();
            passes += 1;
            let waits = report.plan.changes.iter().any(|change| change.action == Action::Create);
            if report.outcome() == PassOutcome::InSync && !waits {
                break;
            }
            assert!(passes < 12, "lag {lag}: {:#?} {}", complaints(&report), shown(&report.plan));
        }
    }
}

#[tokio::test]
async fn what_the_platform_does_not_take_is_written_in_three_passes_and_then_left_alone() {
    let scene = Scene::new(&[("empty_set", "ignored")]).await;
    let arn = "arn:aws:iam::210987654321:role/Q";
    let connector = json!({"name": "a", "arn": arn, "externalId": "US1-1-12345", "activation": ["VM"]});
    scene.make("aws", [connector]).await;
    let file = |activation: &str| {
        let entry = format!("{{name: a, arn: '{arn}', activation: {activation}}}");
        scene.file(&format!("{HEAD}connectors: {{aws: [{entry}]}}\n"))
    };
    let mut journal = journal();
    for pass in 1..=6 {
        scene.forget_requests().await;
        let report = scene.pass(&file("[]"), &mut journal, May::Write).await;
        let (writes, held) = (scene.writes().await.len(), report.plan.summary.held);
        assert_eq!((writes, held), if pass <= 3 { (1, 0) } else { (0, 1) }, "pass {pass}");
    }
    let report = scene.pass(&file("[SCA]"), &mut journal, May::Write).await;
    assert_eq!(report.outcome(), PassOutcome::Applied, "the file has moved: {:#?}", complaints(&report));
}
