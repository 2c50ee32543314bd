//! What an entry of each kind can get wrong.

use super::*;

/// One connector, its fields at column 3 from line 5 on, gives these problems.
#[track_caller]
fn check_aws(fields: &str, expected: &[&str]) {
    const ARN: &str = "arn: arn:aws:iam::123456789012:role/Q";
    check(&format!("connectors: {{aws: [\n  {{name: x, {ARN},\n  {fields}}}]}}\n"), expected);
}

#[test]
fn one_entry_alone_is_told_what_it_got_wrong() {
    for (fields, expected) in [
        ("run_frequency: 6h", &[][..]),
        ("description: null, tags: ~", &[]),
        ("enabled: yes", &["5:12: expected true or false, found `yes`"]),
        ("description: 7", &["5:16: expected a text, found the number 7 | put it in quotes"]),
        (
            "descripton: x",
            &["5:3: unknown key `descripton` | did you mean `description`? accepted are name,"],
        ),
        ("polcy: observe", &["5:3: unknown key `polcy` | did you mean"]),
        ("prevent-delete: true", &["5:3: unknown key `prevent-delete` | did you mean `prevent_delete`?"]),
        (
            "activation: [VM, SCB]",
            &[
                "warning 5:15: trueup does not know SCB: it is sent as it is | did you mean SCA? known are VM, PC, SCA",
            ],
        ),
        (
            "activation: [CLOUDVIEW]",
            &["5:15: the platform itself adds CLOUDVIEW where CI or CSA is on | leave it"],
        ),
        ("activation: [VM, CSA]", &[]),
        ("activation: ['V M']", &["5:16: unknown value `V M` | did you mean `VM`?"]),
        ("capabilities: [CDR]", &["warning 5:17: trueup does not know CDR: it is sent as it is | "]),
        (
            "perimeter_scan: {recurrence: MONTHLY}",
            &["warning 5:19: trueup does not know MONTHLY: it is sent as it is | known are DAILY, WEEKLY"],
        ),
        ("activation: [VM, ~]", &["5:20: an empty element"]),
        ("capabilities: [AI, AI, 'C I']", &["5:22: capability AI stands twice", "5:26: unknown value `C I`"]),
        ("capabilities: [{nam: AI}]", &["5:19: unknown key `nam` | did you mean `name`?"]),
        ("regions: [Ireland]", &["5:13: `Ireland` is no region code | as in eu-west-1"]),
        ("run_frequency: 30m", &["5:18: run frequency 30m is outside 1h to 24h | accepted are 1h to 24h"]),
        ("run_frequency: 2h", &["warning 5:18: a run frequency of 2h can make"]),
        ("perimeter_scan: {recurrence: WEEKLY}", &["5:19: recurrence: WEEKLY needs days | as in days: [SUN"]),
        // What follows from the first error is not said again.
        (
            "perimeter_scan: {recurrence: WEEKLY, day: [SUN]}",
            &["5:40: unknown key `day` | did you mean `days`?"],
        ),
        (
            "perimeter_scan: {recurrence: WEEKLY, days: [SON]}",
            &["5:47: unknown value `SON` | did you mean `SUN`?"],
        ),
        ("perimeter_scan: {start_date: 2020-01-01}", &["warning 5:32: start_date 2020-01-01 is in the past"]),
        ("perimeter_scan: {timezone: Berlin}", &["5:30: unknown time zone `Berlin` | expected a name"]),
        ("external_id: 7", &["5:16: put 7 in quotes"]),
        ("policy: observe, ignore: [description], prevent_delete: true", &[]),
        ("policy: enforce", &["5:11: unknown value `enforce` | accepted is observe"]),
        ("ignore: [tag]", &["5:12: `tag` is no field of aws | did you mean `tags`?"]),
        ("ignore: [name, arn]", &["5:12: `name` cannot be ignored", "5:18: `arn` cannot be ignored"]),
        ("ignore: tags", &["5:11: expected a list, found `tags`"]),
        ("name: y", &["5:3: the key `name` stands twice, first in line 4, column 4"]),
        ("tags: [a], tags: [b]", &["5:14: the key `tags` stands twice"]),
        ("tags: !set [a]", &["5:"]),
    ] {
        check_aws(fields, expected);
    }
}

#[test]
fn the_role_is_given_once_by_arn_or_by_its_parts() {
    let entry = |fields: &str| format!("connectors:\n  aws:\n    - {fields}\n");
    for (fields, expected) in [
        ("{name: x, account_id: \"012345678901\", role: Q}", &[][..]),
        ("{name: x}", &["5:7: the role is missing | give arn"]),
        ("{name: x, arn: Q}", &["5:22: `Q` is no role ARN | as in arn:aws:iam::"]),
        ("{name: x, anr: Q}", &["5:17: unknown key `anr` | did you mean `arn`?"]),
        ("{arn: \"arn:aws:iam::123456789012:role/Q\"}", &["5:7: `name` is missing"]),
        (
            "{nam: x, arn: \"arn:aws:iam::123456789012:role/Q\"}",
            &["5:8: unknown key `nam` | did you mean `name`?"],
        ),
        ("{name: x, account_id: 123456789012, role: Q}", &["5:29: put 123456789012 in quotes"]),
        ("just-a-name", &["5:7: expected an entry of connectors.aws"]),
        ("", &["5:7: expected an entry of connectors.aws"]),
    ] {
        check(&entry(fields), expected);
    }
}

/// One entry, its fields at column 3 from line 5 on, gives these problems.
#[track_caller]
fn check_entries(section: &str, start: &str, cases: &[(&str, &[&str])]) {
    for (fields, expected) in cases {
        check(&format!("connectors: {{{section}: [\n  {{name: x, {start}\n  {fields}}}]}}\n"), expected);
    }
}

#[test]
fn an_azure_connector_is_told_what_it_got_wrong() {
    const SUBSCRIPTION: &str = "subscription_id: 11111111-1111-4111-8111-111111111111,";
    check_entries(
        "azure",
        "",
        &[
            ("subscription_id: 0A0A0A0A-1111-4111-8111-111111111111", &[]),
            (
                "enabled: true",
                &["4:3: `subscription_id` is missing: it tells the connector from others | add"],
            ),
            ("subscription_id: corp-shared", &["5:20: `corp-shared` is no UUID | as in 11111111-2222-"]),
            (
                "subscripton_id: corp",
                &["5:3: unknown key `subscripton_id` | did you mean `subscription_id`?"],
            ),
        ],
    );
    check_entries(
        "azure",
        SUBSCRIPTION,
        &[
            ("directory_id: contoso.com", &["5:17: `contoso.com` is no UUID"]),
            ("application_id: 7", &["5:19: put 7 in quotes"]),
            (
                "authentication_key: hunter2",
                &["5:23: a secret must be a reference, not plain text | expected"],
            ),
            ("authentication_key: {env: KEY, file: key}", &["5:40: a secret has one reference, not several"]),
            ("government: us", &["5:15: expected true or false, found `us`"]),
            ("regions: all", &["5:3: unknown key `regions`"]),
            (
                "activation: [SCA], perimeter_scan: global",
                &["warning 5:38: a perimeter scan needs the module VM"],
            ),
            ("run_frequency: 2h", &["warning 5:18: a run frequency of 2h can make"]),
            ("ignore: [authentication_key, subscription_id]", &["5:32: `subscription_id` cannot be ignored"]),
        ],
    );
    check(
        "connectors: {azure: [\n  {name: a, subscription_id: 0a0a0a0a-1111-4111-8111-111111111111},\n  \
         {name: b, subscription_id: 0A0A0A0A-1111-4111-8111-111111111111}]}",
        &["5:30: azure `0a0a0a0a-1111-4111-8111-111111111111` is declared twice, first at"],
    );
    check(
        "defaults: {azure: {directory_id: 11111111-1111-4111-8111-111111111111, subscription_id: x}}",
        &[
            "3:72: `subscription_id` has no default: it tells objects apart | move it to the entries; defaults may",
        ],
    );
}

#[test]
fn a_gcp_connector_is_told_what_it_got_wrong() {
    check_entries(
        "gcp",
        "",
        &[
            ("project_id: analytics-208707, service_account_key: {file: key.json}", &[]),
            ("project_id: example.com:analytics", &[]),
            ("enabled: true", &["4:3: `project_id` is missing: it tells the connector from others | add"]),
            ("project_id: Analytics", &["5:15: `Analytics` is no project id | as in analytics-208707"]),
            ("project_id: 208707", &["5:15: put 208707 in quotes"]),
            ("project: analytics-208707", &["4:3: `project_id` is missing", "5:3: unknown key `project`"]),
        ],
    );
    check_entries(
        "gcp",
        "project_id: analytics-208707,",
        &[
            (
                "service_account_key: \"{}\"",
                &["5:24: a secret must be a reference, not plain text | expected"],
            ),
            (
                "tags: [prod]",
                &["warning 5:9: the vendor's guide has no tags for GCP connectors | it is sent"],
            ),
            ("activation: []", &[]),
            ("activation: [VM]", &["warning 5:15: the vendor's guide has no activation for GCP connectors"]),
            ("perimeter_scan: global", &["5:3: unknown key `perimeter_scan`"]),
            ("government: true", &["5:3: unknown key `government`"]),
            ("capabilities: [CI, CSA, {name: AI, tag: prod}], remediation: true, run_frequency: 6h", &[]),
        ],
    );
}

#[test]
fn an_oci_connector_is_told_what_it_got_wrong() {
    check_entries(
        "oci",
        "",
        &[
            ("tenant_id: ocid1.tenancy.oc1..aaaa", &[]),
            ("enabled: true", &["4:3: `tenant_id` is missing: it tells the connector from others | add"]),
            (
                "tenant_id: ocid1.user.oc1..aaaa",
                &["5:14: `ocid1.user.oc1..aaaa` is no OCID of a tenancy | as in"],
            ),
        ],
    );
    check_entries(
        "oci",
        "tenant_id: ocid1.tenancy.oc1..aaaa,",
        &[
            ("user_id: me", &["5:12: `me` is no OCID of a user | as in ocid1.user.oc1..aaaa"]),
            ("fingerprint: \"8A:CD\"", &["5:16: `8A:CD` is no fingerprint | expected: sixteen pairs of"]),
            ("fingerprint: 8A:CD:10:FC:F7:3C:C2:7D:A6:88:27:CB:1A:AD:52:7B", &[]),
            ("home_region: IAD", &["5:16: `IAD` is no region of Oracle Cloud | as in us-ashburn-1"]),
            ("private_key: \"-----BEGIN\"", &["5:16: a secret must be a reference, not plain text"]),
            ("private_key: {file: key.pem}, passphrase: {env: PHRASE}, home_region: us-ashburn-1", &[]),
            ("remediation: true", &["5:3: unknown key `remediation`"]),
            ("activation: [VM]", &["5:3: unknown key `activation`"]),
            ("tags: [\"#7\"]", &["5:9: `#7` reads as a tag's id"]),
        ],
    );
}

#[test]
fn the_global_scan_is_told_what_it_got_wrong() {
    for (fields, expected) in [
        (
            "option_profile_id: 2, recurrence: WEEKLY, days: [SUN, TUE], scan_prefix: Global, start_date: 2031-12-01, \
             start_time: \"12:45\", timezone: Africa/Cairo",
            &[][..],
        ),
        ("recurrence: DAILY, policy: observe, ignore: [timezone], prevent_delete: true", &[]),
        ("recurrence: WEEKLY", &["3:14: recurrence: WEEKLY needs days | as in days: [SUN, TUE]"]),
        (
            "recurrence: DAILY, days: [SUN]",
            &["3:40: recurrence: DAILY takes no days | remove days, or say WEEKLY"],
        ),
        ("days: [SUN]", &["3:21: days needs recurrence beside it | say WEEKLY"]),
        ("recurrence: WEEKLY, day: [SUN]", &["3:35: unknown key `day` | did you mean `days`?"]),
        ("recurrence: 'MON THLY'", &["3:27: unknown value `MON THLY` | accepted are DAILY and WEEKLY"]),
        ("recurrence: MONTHLY", &["warning 3:27: trueup does not know MONTHLY: it is sent as it is |"]),
        ("scan_prefix: \"\"", &["3:28: scan_prefix is empty | a scan's title starts with it"]),
        ("timezone: Berlin", &["3:25: unknown time zone `Berlin` | expected a name"]),
        ("start_time: 12", &["3:27: expected a text, found the number 12"]),
        (
            "start_date: 2026-11-20",
            &["warning 3:27: start_date 2026-11-20 is in the past | give a date from"],
        ),
        ("start_dat: 2031-12-01", &["3:15: unknown key `start_dat` | did you mean `start_date`?"]),
        ("name: x", &["3:15: unknown key `name`"]),
    ] {
        check(&format!("global_scan: {{{fields}}}"), expected);
    }
    check("global_scan: [{recurrence: DAILY}]", &["3:14: expected an entry of global_scan (key: value)"]);
    check("global_scan:", &[]);
}

#[test]
fn a_registry_and_its_schedules_are_told_what_they_got_wrong() {
    let registries = |text: &str, expected: &[&str]| {
        check(&format!("container_security: {{registries: {text}}}\n"), expected);
    };
    for (registry, expected) in [
        ("{name: shop, schedules: []}", &[][..]),
        ("{uri: \"https://registry.example\"}", &[]),
        (&format!("{{id: {ID}, schedules: ~}}"), &[]),
        ("{id: shop}", &["3:35: `shop` is no id of a registry | expected its UUID; or give its uri or name"]),
        ("{schedules: []}", &["3:35: a registry without a name | expected id, uri or name"]),
        ("{name: a, uri: b}", &["3:35: a registry that is named twice | expected one of id, uri and name"]),
        ("{nam: shop, schedules: []}", &["3:36: unknown key `nam` | did you mean `name`?"]),
        ("7", &["3:35: expected an entry of container_security.registries"]),
        ("{name: shop, schedules: {}}", &["3:59: expected a list of entries in schedules"]),
        ("{name: shop, schedules: [7]}", &["3:60: expected an entry of container_security.registries"]),
    ] {
        registries(&format!("[{registry}]"), expected);
    }
    for (fields, expected) in [
        ("at: \"09:30\", every_days: 7, week_day: MONDAY", &[][..]),
        ("every_days: 1", &[]),
        ("every_days: 7", &["`week_day` is missing: every_days: 7 needs one"]),
        ("every_days: 6, week_day: MONDAY", &["week_day without every_days: 7"]),
        ("week_day: MONDAY", &["week_day without every_days: 7"]),
        ("week_day: MON, every_days: 7", &["unknown value `MON` | accepted are MONDAY"]),
        ("every_days: 366", &["every 366 days is no interval | expected 1 to 365"]),
        (
            "registry: {name: other}",
            &["unknown key `registry` | remove it: what the entry stands in says it"],
        ),
        ("regstry: x", &["unknown key `regstry` | accepted are name, at, every_days"]),
    ] {
        let text = format!("[{{name: shop, schedules: [{{name: a, filters: [{{repo: r}}], {fields}}}]}}]");
        let rejected = told_of(&format!("container_security: {{registries: {text}}}\n"));
        assert_eq!(rejected.len(), expected.len(), "{fields}: {rejected:#?}");
        for (told, expected) in rejected.iter().zip(expected) {
            assert!(told.contains(expected), "{fields}: {told}");
        }
    }
}

#[test]
fn connectors_that_are_to_be_gone_are_told_what_they_got_wrong() {
    for (connectors, expected) in [
        ("{aws: [{arn: \"arn:aws:iam::123456789012:role/old\", state: absent}], acr: ~}", &[][..]),
        ("{acr: [{id: 11111111-1111-1111-1111-111111111111, state: absent}]}", &[]),
        ("{acr: [{id: old, state: absent}]}", &["`old` is no id of a connector to Azure | give its UUID"]),
        ("{acr: [{id: 11111111-1111-1111-1111-111111111111}]}", &["`state` is missing"]),
        ("{aws: [{id: x, state: absent}]}", &["a connector to AWS is told by its ARN alone | give arn"]),
        (
            "{aws: [{arn: \"arn:aws:iam::123456789012:role/old\", state: present}]}",
            &["unknown value `present` | accepted is absent"],
        ),
        (
            "{gcp: []}",
            &["unknown key `gcp` in container_security.registry_connectors | accepted are aws and acr"],
        ),
        (
            "[]",
            &[
                "container_security.registry_connectors holds lists, not values of its own | accepted are aws and acr",
            ],
        ),
        ("{aws: 7}", &["expected a list of entries in container_security.registry_connectors.aws"]),
        (
            "{aws: [{cloud: acr, arn: \"arn:aws:iam::123456789012:role/a\", state: absent}]}",
            &["unknown key `cloud`"],
        ),
    ] {
        let told = told_of(&format!("container_security: {{registry_connectors: {connectors}}}\n"));
        assert_eq!(told.len(), expected.len(), "{connectors}: {told:#?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.contains(expected), "{connectors}: {told}");
        }
    }
}

#[test]
fn the_same_images_twice_in_one_registry_are_one_schedule() {
    let one = "{name: a, filters: [{repo: r, tag: null, days: null}]}";
    let other = "{name: b, filters: [{repo: r}]}";
    let twice = format!(
        "container_security:\n  registries:\n  - {{name: shop, schedules: [{one}]}}\n  - {{name: shop, schedules: [{other}]}}\n"
    );
    let told = told_of(&twice);
    assert!(told.len() == 1 && told[0].contains("`shop/scheduled/r:*` is declared twice"), "{told:#?}");
    for differs in
        ["{name: b, on_demand: true, filters: [{repo: r}]}", "{name: b, filters: [{repo: r, days: 14}]}"]
    {
        assert_eq!(told_of(&twice.replace(other, differs)), [""; 0]);
    }
    let elsewhere = twice.replacen("{name: shop", "{name: other", 1);
    assert_eq!(told_of(&elsewhere), [""; 0]);
}
