//! What each cloud has of its own: identities, secrets that are known by their digests, and the one global scan.

use std::collections::BTreeMap;

use trueup::desired::Desired;
use trueup::plan::{Heading, Known, SecretSight, Style, plan_json, render_text};
use trueup::resource::Kind;

use crate::{
    APPLICATION, DIRECTORY, assert_lines, azure, check, desired, known_after, known_to_have_written, live,
    live_azure, plan_of,
};

/// What a plan knows of the secrets of a file's objects: these digests, by field.
fn with_digests(mut known: Known, file: &Desired, digests: &[(&'static str, &str)]) -> Known {
    for entry in &file.declared {
        let sight = |digest: &str| SecretSight { digest: Ok(Some(digest.to_owned())), advice: None };
        let sights = digests.iter().map(|(field, digest)| (*field, sight(digest))).collect();
        known.secrets.insert((entry.spec.kind(), entry.spec.identity().unwrap()), sights);
    }
    known
}

#[test]
fn an_azure_connector_is_its_subscription_in_whatever_letters() {
    let capitals =
        azure("directory_id: 0B0B0B0B-1111-4222-8333-444444444444").replace("0a0a0a0a", "0A0A0A0A");
    check(&capitals, &live_azure(&format!("directory_id: {DIRECTORY}")), "");
    check(
        &azure(&format!("application_id: {APPLICATION}")),
        &live_azure(&format!("application_id: {DIRECTORY}")).replace("name: a", "name: old"),
        &format!(
            "
        ~ azure/a
            name: \"old\" -> \"a\"
            application_id: \"{DIRECTORY}\" -> \"{APPLICATION}\""
        ),
    );
    // Another subscription is another connector, also under the same name.
    let other = live_azure("").replace("0a0a0a0a", "0d0d0d0d");
    check(
        &azure(""),
        &other,
        "
        + azure/a
        o azure/a#0d0d0d0d-1111-4222-8333-444444444444 unmanaged",
    );
}

#[test]
fn a_changed_key_is_found_by_its_digest_and_shown_as_nothing_but_changed() {
    let file = desired(&azure("authentication_key: {env: KEY}"));
    let is = live(&live_azure(""));
    for (written, now, expected) in [
        ("{}", "k:1", "? azure/a: authentication_key"),
        (r#"{"authentication_key": "k:1"}"#, "k:1", ""),
        (r#"{"authentication_key": "other:1"}"#, "k:1", "? azure/a: authentication_key"),
        (r#"{"authentication_key": "k:1"}"#, "k:2", "~ azure/a\n    authentication_key: \"k:1\" -> \"k:2\""),
    ] {
        let known = known_to_have_written(&file, &is, written);
        let known = with_digests(known, &file, &[("authentication_key", now)]);
        assert_lines(&plan_of(&file, &is, &known), expected);
    }
    let known = known_to_have_written(&file, &is, r#"{"authentication_key": "k:1"}"#);
    let plan = plan_of(&file, &is, &with_digests(known, &file, &[("authentication_key", "k:2")]));
    let text = render_text(&plan, "US1", Style::default());
    assert!(text.contains("authentication_key  (secret, changed)"), "{text}");
    let json =
        plan_json(&plan, &Heading { platform: "US1", generated_at: jiff::Timestamp::UNIX_EPOCH, exit: 2 });
    assert_eq!(
        json["changes"][0]["fields"],
        serde_json::json!([{"path": "authentication_key", "sensitive": true}])
    );
}

#[test]
fn a_gcp_connector_is_its_project_and_a_new_key_an_update() {
    let wanted =
        |fields: &str| format!("connectors: {{gcp: [{{name: a, project_id: analytics-208707, {fields}}}]}}");
    let is =
        |fields: &str| format!("- {{kind: gcp, id: 1, name: b, project_id: analytics-208707, {fields}}}\n");
    check(&wanted("remediation: true"), &is("remediation: true"), "~ gcp/a\n    name: \"b\" -> \"a\"");
    check(
        &wanted(""),
        &is("").replace("208707", "208708"),
        "
        + gcp/a
        o gcp/b unmanaged",
    );
    check(&wanted(""), "- {kind: gcp, id: 1, name: a, hint: analytics-208707}", "");
    let file = desired(&wanted("service_account_key: {file: key.json}"));
    let is = live(&is("").replace("name: b", "name: a"));
    let known = known_to_have_written(&file, &is, r#"{"service_account_key": "k:1"}"#);
    for (digest, expected) in [("k:1", ""), ("k:2", "~ gcp/a\n    service_account_key: \"k:1\" -> \"k:2\"")] {
        let known = known_to_have_written(&file, &is, r#"{"service_account_key": "k:1"}"#);
        let known = with_digests(known, &file, &[("service_account_key", digest)]);
        assert_lines(&plan_of(&file, &is, &known), expected);
    }
    // One that could not be had, or that is no key, stops the change and is a warning.
    let mut known = known;
    let sight =
        SecretSight { digest: Err("the service account's key lacks client_id".to_owned()), advice: None };
    let object = (Kind::Gcp, "analytics-208707".to_owned());
    known.secrets.insert(object, BTreeMap::from([("service_account_key", sight)]));
    let plan = plan_of(&file, &is, &known);
    assert_lines(&plan, "");
    assert_eq!(
        plan.warnings,
        ["gcp/a: service_account_key not checked: the service account's key lacks client_id"]
    );
}

#[test]
fn what_an_oci_connector_signs_in_with_is_fixed_and_its_secrets_are_known_by_their_digests() {
    let keys = "fingerprint: 8A:CD:10:FC:F7:3C:C2:7D:A6:88:27:CB:1A:AD:52:7B, private_key: {file: key.pem}, \
                passphrase: {env: PHRASE}";
    let wanted = |fields: &str| {
        format!("connectors: {{oci: [{{name: a, tenant_id: ocid1.tenancy.oc1..aaaa, {fields}}}]}}")
    };
    let is = |fields: &str| {
        format!("- {{kind: oci, id: 1, name: a, tenant_id: ocid1.tenancy.oc1..aaaa, {fields}}}\n")
    };
    let told = is("fingerprint: 8a:cd:10:fc:f7:3c:c2:7d:a6:88:27:cb:1a:ad:52:7b");

    check(&wanted(keys), &told, "? oci/a: private_key, passphrase");
    check(&wanted("home_region: us-ashburn-1"), &is("not: {home_region: null}"), "? oci/a: home_region");
    check(
        &wanted("home_region: us-ashburn-1"),
        &is("home_region: us-phoenix-1"),
        "± oci/a held: needs a replace; replace: never\n    home_region: \"us-phoenix-1\" -> \"us-ashburn-1\"",
    );
    check(&wanted(""), "- {kind: oci, id: 1, name: a, hint: ocid1.tenancy.oc1..aaaa}", "");

    let file = desired(&wanted(keys));
    let live = live(&told);
    for (key, passphrase, expected) in [
        ("k:1", "k:2", ""),
        ("k:3", "k:2", "± oci/a held: needs a replace; replace: never\n    private_key: \"k:1\" -> \"k:3\""),
        ("k:1", "k:3", "± oci/a held: needs a replace; replace: never\n    passphrase: \"k:2\" -> \"k:3\""),
    ] {
        let known = known_to_have_written(&file, &live, r#"{"private_key": "k:1", "passphrase": "k:2"}"#);
        let known = with_digests(known, &file, &[("private_key", key), ("passphrase", passphrase)]);
        assert_lines(&plan_of(&file, &live, &known), expected);
    }
}

#[test]
fn the_global_scan_is_one_object_that_stays_when_the_file_drops_it() {
    const LIVE: &str = "- {kind: global_scan, id: global, option_profile_id: 2, recurrence: WEEKLY, days: [SUN], \
                        scan_prefix: Global, start_date: 2022-06-22, start_time: '12:45', timezone: Africa/Cairo}";
    check("global_scan: {recurrence: DAILY}", "[]", "+ global_scan/global");
    check("global_scan: {recurrence: WEEKLY, days: [SUN], start_time: '12:45'}", LIVE, "");
    check(
        "global_scan: {recurrence: WEEKLY, days: [TUE, SUN], scan_prefix: Edge}",
        LIVE,
        "
        ~ global_scan/global
            days: [\"SUN\"] -> [\"SUN\",\"TUE\"]
            scan_prefix: \"Global\" -> \"Edge\"",
    );
    check(
        "global_scan: {recurrence: DAILY}",
        LIVE,
        "
        ~ global_scan/global
            recurrence: \"WEEKLY\" -> \"DAILY\"",
    );
    check("tags: []", LIVE, "o global_scan/global unmanaged");
    let plan = plan_of(&desired("global_scan: {scan_prefix: Edge}"), &live(LIVE), &Known::default());
    let after = plan.changes[0].after.as_ref().unwrap().fields();
    assert_eq!(after["start_date"], "2022-06-22", "an update sends it whole");

    let file = desired("global_scan: {recurrence: WEEKLY, days: [SUN]}");
    let mut known = known_after(&file, &live(LIVE));
    known.objects.values_mut().for_each(|object| object.ours = true);
    let dropped = desired("reconcile: {owner: me, prune: owned}\ntags: [{name: x, policy: observe}]");
    let stays = "the platform has no call to delete the global scan configuration; it stays as it is";
    assert_lines(
        &plan_of(&dropped, &live(LIVE), &known),
        &format!("+ tag/x held: policy: observe\n- global_scan/global held: {stays}"),
    );
}
