//! The file as a whole: what is taken, what is refused, and how that is said.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};

use super::{Desired, Rejected, files};
use crate::resource::{Kind, Severity};

const TODAY: Date = date(2026, 11, 21);

const HEAD: &str = "version: 1\nplatform: {pod: simulator}\n";
/// The same where connectors are managed through CloudView v1.
const CLOUDVIEW: &str = "version: 1\nplatform: {pod: simulator, connectors_api: cloudview}\n";

/// The UUID of something in Azure.
const ID: &str = "11111111-1111-1111-1111-111111111111";

fn load_text(text: &str) -> Result<Desired, Rejected> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    std::fs::write(&path, text).unwrap();
    files::load_in(&path, TODAY, None)
}

/// Every problem as `line:column: message | hint`, warnings with a word before them.
fn said(loaded: &Result<Desired, Rejected>) -> String {
    let (problems, warnings) = match loaded {
        Ok(desired) => (&[][..], &desired.warnings),
        Err(rejected) => (&rejected.problems[..], &rejected.warnings),
    };
    let mut out = String::new();
    let errors = problems.iter().map(|problem| (Severity::Error, problem));
    for (severity, problem) in errors.chain(warnings.iter().map(|problem| (Severity::Warning, problem))) {
        if severity == Severity::Warning {
            out.push_str("warning ");
        }
        match &problem.place {
            Some(place) => write!(out, "{}:{}: ", place.line, place.column).unwrap(),
            None => out.push_str("-: "),
        }
        writeln!(out, "{} | {}", problem.message, problem.hint.as_deref().unwrap_or("-")).unwrap();
    }
    out
}

/// `text` behind a head of two lines gives these problems (their beginnings, in order).
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_under(HEAD, text, expected);
}

#[track_caller]
fn check_under(head: &str, text: &str, expected: &[&str]) {
    let said = said(&load_text(&format!("{head}{text}")));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{text}\n{said}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{text}\n{said}expected {expected}");
    }
}

/// What `text` behind a head of two lines gives, line by line.
fn told_of(text: &str) -> Vec<String> {
    said(&load_text(&format!("{HEAD}{text}"))).lines().map(str::to_owned).collect()
}

/// One connector, its fields at column 3 from line 5 on, gives these problems.
#[track_caller]
fn check_aws(fields: &str, expected: &[&str]) {
    const ARN: &str = "arn: arn:aws:iam::123456789012:role/Q";
    check(&format!("connectors: {{aws: [\n  {{name: x, {ARN},\n  {fields}}}]}}\n"), expected);
}

#[test]
fn the_example_is_taken_without_a_warning() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.yaml");
    let desired =
        files::load_in(&path, TODAY, None).unwrap_or_else(|rejected| panic!("{:#?}", rejected.problems));
    assert_eq!(desired.warnings, []);
    assert_eq!(desired.declared.len(), 16);
    assert_eq!(desired.sections, Kind::ALL.iter().copied().collect(), "it shows every kind");
    assert_eq!(desired.files, [PathBuf::from(&path)]);
    assert_eq!(desired.settings.journal, Some(path.with_file_name("trueup.db")));
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
            &["5:20: unknown value `SCB` | did you mean `SCA`? accepted are VM, PC, SCA"],
        ),
        (
            "activation: [CLOUDVIEW]",
            &["5:16: the platform itself adds CLOUDVIEW where CI or CSA is on | leave it"],
        ),
        ("activation: [VM, ~]", &["5:20: an empty element"]),
        ("capabilities: [AI, AI, CIS]", &["5:22: capability AI stands twice", "5:26: unknown value `CIS`"]),
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
        ("recurrence: MONTHLY", &["3:27: unknown value `MONTHLY` | accepted are DAILY and WEEKLY"]),
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
fn settings_that_cannot_be_say_why() {
    for (text, expected) in [
        ("reconcile: {every: 1h30m, cron: \"0 0 6 * * Mon-Fri *\", timezone: Europe/Berlin}", &[][..]),
        ("reconcile: {every: 0s}", &["3:20: `0s` is not longer than no time at all | expected one as in"]),
        ("reconcile: {every: -5m}", &["3:20: `-5m` is not longer"]),
        (
            "reconcile: {every: 5}",
            &["3:20: expected a length of time, as in 30s, 15m or 1h30m, or off, found the"],
        ),
        ("reconcile: {every: off}", &["3:20: without every and cron no pass would ever start"]),
        (
            "reconcile: {cron: \"0 6 * * *\"}",
            &["3:19: a cron schedule has seven fields, this one 5 | expected seconds"],
        ),
        ("reconcile: {cron: \"0 0 25 * * * *\"}", &["3:19: `0 0 25 * * * *` is no cron schedule | expected"]),
        ("reconcile: {timezone: Mars}", &["3:23: unknown time zone `Mars`"]),
        ("reconcile: {timezone: Europe/Berlin}", &["warning 3:23: timezone has no effect without cron"]),
        ("reconcile: {policy: Enforce}", &["3:21: unknown value `Enforce` | did you mean `enforce`?"]),
        ("reconcile: {policy: off}", &["3:21: unknown value `off` | accepted are dry-run and enforce"]),
        (
            "reconcile: {max_change_percent: 101}",
            &["3:33: expected a percentage, 0 to 100, found the number 101"],
        ),
        ("reconcile: {max_deletes: -1}", &["3:26: expected a whole number, not negative, found"]),
        ("reconcile: {owner: \"a b\"}", &["3:20: `a b` is no owner | expected 1 to 64 of"]),
        (
            "reconcile: {unmanaged_ignore: [\"aws/***\", x]}",
            &["3:32: `aws/***` is no pattern", "3:43: `x` is no pattern of"],
        ),
        ("reconcile: [policy]", &["3:12: expected a map (key: value), found a list"]),
        ("journal: off\nlisten: false", &[]),
        ("journal: true", &["3:10: expected the path of a file, found true"]),
        ("journal: \"\"", &["3:10: an empty path"]),
        ("listen: 9464", &["3:9: expected an address and a port, as in 127.0.0.1:9464, found"]),
        ("listen: localhost:1", &[]),
        ("platform:", &["3:1: the key `platform` stands twice, first in line 2, column 1 | keep one"]),
        ("colour: red", &["3:1: unknown key `colour` | accepted are version, platform"]),
        ("conectors: {}", &["3:1: unknown key `conectors` | did you mean `connectors`?"]),
        ("connectors: {azur: []}", &["3:14: unknown key `azur` in connectors"]),
        ("expectations: []", &[]),
        ("expectations: {}", &["3:15: expected a list of entries in expectations | start each entry"]),
        ("reports: []", &[]),
        ("reports: {}", &["3:10: expected a list of entries in reports | start each entry with a dash"]),
        ("connectors: []", &["3:13: connectors holds sections"]),
        ("connectors: {aws: {}}", &["3:19: expected a list of entries in connectors.aws"]),
        ("connectors: {aws: }\ntags:\nreports:", &[]),
    ] {
        check(text, expected);
    }
}

#[test]
fn the_platform_is_named_and_has_a_login() {
    let login = "username: {env: U}, password: {file: p}";
    for (platform, expected) in [
        ("pod: simulator".to_owned(), &[][..]),
        (format!("pod: US1, {login}"), &[]),
        (format!("api_url: \"https://qualysapi.example.com\", {login}"), &[]),
        ("pod: US1".to_owned(), &["2:11: `password` is missing | add", "2:11: `username` is missing"]),
        (login.to_owned(), &["2:11: `pod` is missing | give platform"]),
        ("pod: us1".to_owned(), &["2:17: unknown value `us1` | did you mean `US1`?"]),
        ("pod: simulator, api_url: \"http://127.0.0.1:80\"".to_owned(), &[]),
        ("pod: simulator, api_url: \"http://[::1]:80/\"".to_owned(), &[]),
        ("pod: simulator, api_url: \"http://localhost\"".to_owned(), &[]),
        (
            "pod: simulator, api_url: \"http://example.com\"".to_owned(),
            &["2:37: the address is not encrypted"],
        ),
        ("pod: simulator, api_url: \"https://h/path\"".to_owned(), &["2:37: the address has a path"]),
        ("pod: simulator, api_url: \"https://u:hunter2@h\"".to_owned(), &["2:37: the address holds a user"]),
        ("pod: simulator, api_url: \"ftp://h\"".to_owned(), &["2:37: not an address of the web"]),
        ("pod: simulator, connectors_api: v3, cloudview_auth: jwt".to_owned(), &[]),
        ("pod: simulator, connectors_api: cloudview".to_owned(), &[]),
        (
            "pod: simulator, connectors_api: cloudviw".to_owned(),
            &["2:44: unknown value `cloudviw` | did you mean `cloudview`?"],
        ),
        (
            "pod: simulator, cloudview_auth: token".to_owned(),
            &["2:44: unknown value `token` | accepted are auto, basic and jwt"],
        ),
        ("pod: simulator, gcp_project_field: project_id".to_owned(), &[]),
        (
            "pod: simulator, gcp_project_field: projectid".to_owned(),
            &["2:47: unknown value `projectid` | did you mean `projectId`?"],
        ),
        ("pod: simulator, concurrency: 65".to_owned(), &["2:41: expected a number of requests, 1 to 64"]),
        ("pod: simulator, subscription: x".to_owned(), &["2:42: `x` is no subscription"]),
        (
            "pod: simulator, password: hunter2".to_owned(),
            &["2:38: a secret must be a reference, not plain text | expected one of {env"],
        ),
        (
            "pod: simulator, password: {env: A, value: hunter2}".to_owned(),
            &["2:54: not a form of secret reference"],
        ),
    ] {
        let text = format!("version: 1\nplatform: {{{platform}}}\n");
        let loaded = load_text(&text);
        let said = said(&loaded);
        assert_eq!(said.lines().count(), expected.len(), "{text}{said}");
        for (line, expected) in said.lines().zip(expected) {
            assert!(line.starts_with(expected), "{text}{said}expected {expected}");
        }
        assert!(!format!("{loaded:?}").contains("hunter2"), "{loaded:?}");
    }
}

#[test]
fn what_is_no_file_of_version_1_is_refused() {
    for (text, expected) in [
        ("", "1:1: `version` is missing: the file is empty"),
        ("# nothing\n", "1:1: `version` is missing: the file is empty"),
        ("platform: {pod: simulator}\n", "1:1: `version` is missing"),
        (
            "version: 2\nplatform: {pod: simulator}\n",
            "1:10: version `2` is not supported | this trueup reads version: 1",
        ),
        ("version: 1\n", "1:1: `platform` is missing | give platform"),
        ("- a\n", "1:1: expected a map"),
        ("version: 1\n---\nversion: 1\n", "2:1: a second document starts here"),
        ("version: 1\nplatform:\n\tpod: simulator\n", "3:"),
        ("version: 1\nplatform: {pod: simulator\n", "3:"),
        ("version: 1\nplatform: \"x\n", "2:"),
        ("version: 1\nplatform: *x\n", "2:11: not valid YAML"),
        ("version: 1\nplatform: &x {a: *x}\n", "2:18: "),
    ] {
        let said = said(&load_text(text));
        assert!(said.starts_with(expected), "{text:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{text:?}: {said}");
    }
}

#[test]
fn line_ends_and_a_byte_order_mark_do_not_matter() {
    let text = format!("{HEAD}tags:\n- name: prod\n- {{name: web, colour: red}}\n");
    for text in [text.clone(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
        let Err(rejected) = load_text(&text) else { panic!("{text:?} is taken") };
        let problem = &rejected.problems[0];
        let place = problem.place.as_ref().unwrap();
        assert_eq!((place.line, place.column), (5, 15), "{text:?}");
        assert_eq!(problem.excerpt.as_deref(), Some("- {name: web, colour: red}"), "{text:?}");
    }
}

#[test]
fn every_check_of_the_whole_finds_what_it_is_for() {
    let aws = |entries: &str| {
        format!("connectors: {{aws: [{}]}}", entries.replace("ARN", "\"arn:aws:iam::123456789012:role"))
    };
    let cases: [(&str, String, &[&str]); 10] = [
        ("an owner for prune: owned", "reconcile: {prune: owned}".to_owned(), &["3:20: prune: owned needs owner"]),
        ("an owner for prune: owned", "reconcile: {prune: owned, owner: me}".to_owned(), &[]),
        (
            "one entry an object",
            aws("{name: a, arn: ARN/Q\"},\n  {name: b, account_id: \"123456789012\", role: Q}"),
            &["4:25: aws `arn:aws:iam::123456789012:role/Q` is declared twice, first at"],
        ),
        ("one entry an object", "tags: [{name: a}, {name: a, parent: b},\n{name: a}]".to_owned(), &["4:8: tag `a` is declared twice"]),
        (
            "one object a name",
            aws("{name: a, arn: ARN/Q\"},\n  {name: a, arn: ARN/R\"}"),
            &["warning 4:10: the name `a` is used twice within aws, first at"],
        ),
        (
            "no tag above itself",
            "tags: [{name: a, parent: c},\n{name: b, parent: a}, {name: c, parent: b}, {name: d, parent: d}, {name: e, parent: a}]".to_owned(),
            &["3:26: tag `a` is above itself: a below c below b below a", "4:63: tag `d` is above itself: d below d"],
        ),
        (
            "no schedule in the past",
            aws("{name: a, arn: ARN/Q\", perimeter_scan: {start_date: 2026-11-20}}"),
            &["warning 3:100: start_date 2026-11-20 is in the past | give a date from 2026-11-21 on"],
        ),
        (
            "nothing left to fill in",
            format!(
                "azure_organizations:\n- {{name: a, tenant_id: {ID}, application_id: {ID}, secret: {{env: S}}, \
                 tenant_name: FILL-IN}}\n"
            ),
            &["warning 4:147: FILL-IN would be sent as it stands here | replace it: the platform never shows the value"],
        ),
        (
            "what CloudView has",
            aws("{name: a, arn: ARN/Q\", remediation: true,\n  tags: [x]}"),
            &["4:9: `tags` cannot be managed through CloudView v1, which neither takes nor tells it | remove the field, or"],
        ),
        (
            "members safe from prune",
            "reconcile: {prune: all}\nconnectors: {azure: []}".to_owned(),
            &["warning 3:20: CloudView v1 does not tell which connectors are members"],
        ),
    ];
    for check in super::checks::CHECKS {
        assert!(cases.iter().any(|(name, ..)| *name == check.name), "no case for {}", check.name);
    }
    for (name, text, expected) in &cases {
        let through_cloudview = ["what CloudView has", "members safe from prune"].contains(name);
        check_under(if through_cloudview { CLOUDVIEW } else { HEAD }, text, expected);
    }
}

#[test]
fn what_cloudview_lacks_is_refused_wherever_it_stands() {
    const AZURE: &str = "subscription_id: 11111111-1111-4111-8111-111111111111";
    for (text, expected) in [
        // Of what it has, nothing is.
        (
            format!(
                "tags: [{{name: t}}]\nreconcile: {{prune: owned, owner: me}}\n\
                 defaults: {{azure: {{run_frequency: 4h, remediation: true}}}}\n\
                 connectors: {{aws: [], gcp: [], azure: [{{name: a, {AZURE}, enabled: false, government: true}}]}}\n\
                 snapshot_scan: {{account_id: \"951234567875\", schedule: \"0 0 2 ? * * *\"}}"
            ),
            &[][..],
        ),
        // What is ignored is not managed, and a default that is undone is not there.
        (
            format!(
                "defaults: {{azure: {{tags: [x]}}}}\n\
                 connectors: {{azure: [{{name: a, {AZURE}, tags: null, activation: [VM], ignore: [activation]}}]}}"
            ),
            &[],
        ),
        (
            format!(
                "connectors: {{azure: [{{name: a, {AZURE},\n capabilities: [AI],\n activation: [VM],\n tags: [],\n \
                 perimeter_scan: off}}]}}"
            ),
            &[
                "4:16: `capabilities` cannot",
                "5:14: `activation` cannot",
                "6:8: `tags` cannot",
                "7:18: `perimeter_scan` cannot",
            ],
        ),
        (
            format!(
                "defaults: {{azure: {{capabilities: [AI]}}}}\nconnectors: {{azure: [{{name: a, {AZURE}}}, {{name: b, {}}}]}}",
                AZURE.replace("-111111111111", "-111111111112")
            ),
            // Once, where it stands.
            &["3:34: `capabilities` cannot"],
        ),
        (
            "connectors: {oci: []}\nazure_organizations: []\n\
             global_scan: {option_profile_id: 2, recurrence: DAILY, start_date: 2031-12-01, start_time: \"12:45\", \
             timezone: Africa/Cairo}"
                .to_owned(),
            &[
                "3:19: connectors.oci cannot be managed through CloudView v1: it has no OCI connectors | remove the section, or",
                "4:22: azure_organizations cannot be managed through CloudView v1: it has no organization connectors",
                "5:14: global_scan cannot be managed through CloudView v1: it has no perimeter scans",
            ],
        ),
    ] {
        check_under(CLOUDVIEW, &text, expected);
        if expected.iter().all(|line| !line.starts_with("warning")) && !text.contains("DAILY") {
            check(&text, &[]);
        }
    }
    check_under(
        CLOUDVIEW,
        "connectors: {aws: [{name: a, arn: \"arn:aws:iam::123456789012:role/Q\", run_frequency: 25h, regions: all}]}",
        &[
            "3:86: run frequency 25h is outside 1h to 24h",
            "3:100: `regions` cannot be managed through CloudView v1",
        ],
    );
}

#[test]
fn defaults_are_merged_and_undone_and_told_off_once() {
    let desired = load_text(&format!(
        "{HEAD}defaults: {{aws: {{run_frequency: 4h, capabilities: [AI], tags: [all]}}}}\nconnectors:\n  aws:\n    \
         - {{name: a, arn: \"arn:aws:iam::123456789012:role/Q\"}}\n    \
         - {{name: b, arn: \"arn:aws:iam::123456789013:role/Q\", run_frequency: 6h, capabilities: null, tags: []}}\n"
    ))
    .unwrap();
    let shown: Vec<String> = desired
        .declared
        .iter()
        .map(|declared| {
            let mut fields = declared.spec.fields();
            fields.remove("arn");
            serde_json::to_string(&fields).unwrap()
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#"{"name":"a","run_frequency":"4h","capabilities":["AI"],"tags":["all"]}"#,
            r#"{"name":"b","run_frequency":"6h","tags":[]}"#
        ]
    );

    let entries = "connectors:\n  aws:\n    \
                   - {name: a, arn: \"arn:aws:iam::123456789012:role/Q\"}\n    \
                   - {name: b, arn: \"arn:aws:iam::123456789013:role/Q\"}\n";
    for (defaults, expected) in [
        ("{run_frequency: 2h}", &["warning 3:33: a run frequency of 2h"][..]),
        (
            "{run_frequency: 25h, tag: [x]}",
            &["3:33: run frequency 25h is outside", "3:38: unknown key `tag` | did you mean `tags`?"],
        ),
        (
            "{name: x, arn: y}",
            &["3:18: `name` has no default: it tells", "3:27: `arn` has no default: it tells"],
        ),
        ("{policy: observe}", &["3:18: `policy` has no default: it is said per object"]),
        ("7", &["3:17: expected a map of fields"]),
        ("null", &[]),
    ] {
        check(&format!("defaults: {{aws: {defaults}}}\n{entries}"), expected);
    }
    check("defaults: {asw: {}}", &["3:12: unknown key `asw` in defaults | did you mean `aws`?"]);
    check("defaults: {oci: {home_region: us-ashburn-1}}", &[]);
    check("defaults: {snapshot_scan: {}}", &["3:12: unknown key `snapshot_scan` in defaults | accepted are"]);
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

#[test]
fn anchors_and_merge_keys_repeat_values() {
    let desired = load_text(&format!(
        "{HEAD}connectors:\n  aws:\n    - &first {{name: a, arn: \"arn:aws:iam::123456789012:role/Q\", tags: &tags [x]}}\n    \
         - {{<<: *first, name: b, arn: \"arn:aws:iam::123456789013:role/Q\"}}\n    \
         - {{name: c, arn: \"arn:aws:iam::123456789014:role/Q\", tags: *tags}}\n"
    ))
    .unwrap();
    assert_eq!(desired.declared.len(), 3);
    for declared in &desired.declared {
        assert_eq!(declared.spec.fields()["tags"].to_string(), r#"["x"]"#);
    }
}

#[test]
fn included_files_append_and_paths_are_relative_to_the_file_that_names_them() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    };
    let main = write(
        "etc/config.yaml",
        "version: 1\nplatform: {pod: simulator, password: {file: pw}}\njournal: j/x.db\n\
         include: [more/*.yaml, more/b.yaml, \"none-*.yaml\"]\ntags: [{name: main}]\n",
    );
    write("etc/more/b.yaml", "tags: [{name: b}]\n");
    write("etc/more/a.yaml", "tags: [{name: a}]\nconnectors: {aws: []}\n");
    write("etc/more/.#a.yaml", "nonsense");
    let desired = files::load_in(&main, TODAY, None).unwrap();
    let base = directory.path().join("etc");
    let names: Vec<&str> = desired.declared.iter().map(|declared| declared.spec.name()).collect();
    assert_eq!(names, ["main", "a", "b"]);
    assert_eq!(desired.files, [main.clone(), base.join("more/a.yaml"), base.join("more/b.yaml")]);
    assert_eq!(desired.include.len(), 3);
    assert!(desired.include.iter().all(|pattern| Path::new(pattern).is_absolute()), "{:?}", desired.include);
    assert_eq!(desired.settings.journal, Some(base.join("j/x.db")));
    assert_eq!(desired.settings.platform.password, Some(crate::secret::SecretRef::File(base.join("pw"))));
    assert!(desired.warnings[0].message.starts_with("no file matches"), "{:?}", desired.warnings);

    // A secret's path, too, is relative to the file that names it; what belongs in the main file stays there.
    write("etc/more/b.yaml", "platform: {}\ninclude: []\ntag: []\n");
    let main = write("etc/config.yaml", &format!("{HEAD}include: [more/b.yaml, more/none.yaml]\n"));
    let rejected = files::load_in(&main, TODAY, None).unwrap_err();
    let messages: Vec<String> =
        rejected.problems.iter().map(|p| p.to_string().replace(base.to_str().unwrap(), "")).collect();
    assert!(
        messages[0].starts_with("/config.yaml:3:24: could not read /more/none.yaml: No such file"),
        "{messages:?}"
    );
    assert_eq!(
        messages[1..],
        [
            "/more/b.yaml:1:1: `platform` belongs in the main file",
            "/more/b.yaml:2:1: `include` belongs in the main file",
            "/more/b.yaml:3:1: unknown key `tag`"
        ]
    );
}

#[test]
fn files_are_named_as_they_were_given() {
    for (main, pattern, shown) in [
        ("config.yaml", "connectors/a.yaml", "connectors/a.yaml"),
        ("./etc/config.yaml", "./a.yaml", "etc/a.yaml"),
        ("etc/config.yaml", "/abs/a.yaml", "/abs/a.yaml"),
        ("/etc/t/config.yaml", "b/a.yaml", "/etc/t/b/a.yaml"),
    ] {
        assert_eq!(files::shown_name(Path::new(main), pattern, None), Path::new(shown), "{main} {pattern}");
    }
}

#[test]
fn the_journal_is_where_systemd_says_unless_the_file_says() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    for (text, state, journal) in [
        ("", None, Some(directory.path().join("trueup.db"))),
        ("", Some("/var/lib/trueup:/var/lib/other"), Some(PathBuf::from("/var/lib/trueup/trueup.db"))),
        ("journal: x.db\n", Some("/var/lib/trueup"), Some(directory.path().join("x.db"))),
        ("journal: off\n", Some("/var/lib/trueup"), None),
    ] {
        std::fs::write(&path, format!("{HEAD}{text}")).unwrap();
        let desired = files::load_in(&path, TODAY, state.map(Into::into)).unwrap();
        assert_eq!(desired.settings.journal, journal, "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_one_problem() {
    let rejected = files::load_in(Path::new("/nonexistent/config.yaml"), TODAY, None).unwrap_err();
    assert_eq!(rejected.problems.len(), 1);
    let message = rejected.problems[0].to_string();
    assert!(message.starts_with("could not read /nonexistent/config.yaml: No such file"), "{message}");
}

#[test]
fn every_commented_line_of_the_example_is_valid() {
    let example = include_str!("../../config.example.yaml");
    let uncommented: String = example
        .lines()
        .map(|line| {
            let indent = line.len() - line.trim_start().len();
            match line.trim_start().strip_prefix('#') {
                Some(rest)
                    if rest.starts_with(|c: char| c.is_ascii_lowercase()) && !rest.starts_with("include") =>
                {
                    format!("{}{rest}\n", &line[..indent])
                }
                _ => format!("{line}\n"),
            }
        })
        .collect();
    assert!(uncommented.lines().count() > 100 && uncommented.contains("\n  username:"));
    let said = said(&load_text(&uncommented));
    assert_eq!(said, "");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, cases: 300, ..Default::default() })]

    /// Whatever is done to the file, the answer is a value.
    #[test]
    fn no_damage_to_the_file_panics(
        edits in proptest::collection::vec((proptest::num::usize::ANY, 0_u8..3, proptest::num::u8::ANY), 1..12)
    ) {
        let mut bytes = include_bytes!("../../config.example.yaml").to_vec();
        for (at, what, byte) in edits {
            let at = at % bytes.len();
            match what {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                _ => bytes.insert(at, b"{}[]:,&*!|>'\"%#-?\n\t \0\xc3"[byte as usize % 22]),
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.yaml");
        std::fs::write(&path, bytes).unwrap();
        let loaded = files::load_in(&path, TODAY, None);
        let shown = said(&loaded);
        if let Err(rejected) = loaded {
            proptest::prop_assert!(!rejected.problems.is_empty(), "{shown}");
            for problem in &rejected.problems {
                proptest::prop_assert!(!problem.display(Severity::Error).to_string().is_empty());
            }
        }
    }
}

/// serde_yaml's value of a text and ours are the same: YAML means here what it means elsewhere.
#[test]
fn the_tree_means_what_serde_yaml_reads() {
    use serde::Deserialize as _;

    use super::de::At;
    use super::problem::Report;
    use super::tree::Tree;

    for text in [
        include_str!("../../config.example.yaml"),
        "a: [1, -2, 0x1f, 0o17, 1.5, 1e3, .inf, ~, null, true, False, yes, off, 007, 12e, +3, '', \"\\t\", 2031-12-01]",
        "a: &x {b: [c, d]}\ne: *x\n? f\n: g\n",
        "a: |\n  two\n  lines\n\nb: >-\n  folded\n  text\nc: plain\n  continued\n",
        "- - a\n  - b\n-\n  - c: d\n",
        "a: !!str 7\nb: \"7\"\nc: !!int 7\n",
        "\"quoted key\": 'it''s'\nhttp://x: a:b\nc: 'd' # e\n",
        "äöü: ß\nemoji: \u{1f600}\n",
    ] {
        let mut tree = Tree::default();
        let mut report = Report::default();
        let root = tree.parse(&"x".into(), PathBuf::new(), text.to_owned(), &mut report).unwrap().unwrap();
        let ours = serde_yaml::Value::deserialize(At { tree: &tree, node: root }).unwrap();
        let theirs: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(ours, theirs, "{text}");
    }
}

#[test]
fn expectations_have_a_name_and_a_bound() {
    for (fields, expected) in [
        ("{name: a, at_least: 1}", &[][..]),
        ("{name: a, at_most: 0, filters: }", &[]),
        ("{name: a, at_least: 5, at_most: 5}", &[]),
        ("{at_least: 1}", &["4:5: `name` is missing | add name: …"]),
        ("{name: \" \", at_least: 1}", &["4:12: an empty name | say what is expected"]),
        ("{name: 1, at_least: 1}", &["4:12: expected a text, found the number 1 | put it in quotes"]),
        ("{name: a}", &["4:5: `a` has no bound | add at_least: …, at_most: …, or both"]),
        ("{name: a, atleast: 1}", &["4:15: unknown key `atleast` | did you mean `at_least`?"]),
        (
            "{name: a, least: 1, at_most: 1}",
            &["4:15: unknown key `least` | accepted are name, at_least, at_most"],
        ),
        (
            "{name: a, at_least: 6, at_most: 5}",
            &["4:25: at_least 6 is more than at_most 5: no count is both | at_least is the lower"],
        ),
        ("{name: a, at_least: -1}", &["4:25: expected a whole number, not negative, found the number -1"]),
        ("{name: a, at_least: some}", &["4:25: expected a whole number, not negative, found `some`"]),
        ("{name: a, at_least: 0}", &["warning 4:25: at_least: 0 is always met | ask for one at least"]),
        ("hosts", &["4:5: expected an entry of expectations (key: value) | accepted are name, at_least"]),
        (
            "{name: a, at_least: 1}\n- {name: b, at_least: 1}\n- {name: a, at_most: 2}",
            &["6:12: the expectation `a` is declared twice, first at"],
        ),
    ] {
        let fields = fields.replace('\n', "\n  ");
        check(&format!("expectations:\n  - {fields}"), expected);
    }
}

#[test]
fn filters_of_expectations_are_held_against_what_the_documents_say() {
    for (filter, expected) in [
        ("field: oci.compute.canonicalRegionName, operator: EQUALS, value: us-ashburn-1", &[][..]),
        ("field: asset.isContainerHost, operator: EQUALS, value: true", &[]),
        ("field: asset.totalMemory, operator: GREATER_THAN_EQUAL, value: 1024", &[]),
        ("field: asset.created, operator: LESSER, value: 2026-01-01", &[]),
        ("field: asset.type, operator: IN, value: [HOST, VM]", &[]),
        ("field: asset.name, operator: CONTAINS, value: \"10\"", &[]),
        ("field: f, operator: EQUAL, value: a", &["7:30: unknown value `EQUAL` | did you mean `EQUALS`?"]),
        (
            "field: f, operator: NOT EQUALS, value: a",
            &["7:30: unknown value `NOT EQUALS` | did you mean `NOT_EQUALS`?"],
        ),
        ("field: f, operator: equals, value: a", &["7:30: unknown value `equals` | did you mean `EQUALS`?"]),
        (
            "field: f, operator: LIKE, value: a",
            &["7:30: unknown value `LIKE` | accepted are EQUALS, NOT_EQUALS, IN"],
        ),
        ("field: f, operator: EQUALS", &["7:9: `value` is missing | add value: …"]),
        (
            "field: f, operator: EQUALS, value: {a: 1}",
            &["7:45: expected a text, a number, true or false, or a list"],
        ),
        (
            "field: f, operator: EQUALS, value: \"\"",
            &["7:45: an empty text: no filter looks for that | give a"],
        ),
        (
            "field: a b, operator: EQUALS, value: a",
            &["7:17: `a b` is no field of the inventory | as in oci."],
        ),
        (
            "field: f, operater: EQUALS, value: a",
            &["7:20: unknown key `operater` | did you mean `operator`?"],
        ),
        ("field: f, operator: EQUALS, value: [a]", &["7:45: EQUALS takes one value | IN takes a list"]),
        ("field: f, operator: IN, value: a", &["7:41: IN takes a list | as in [a, b]"]),
        ("field: f, operator: IN, value: []", &["7:41: an empty list: no asset is one of none | give the"]),
        (
            "field: f, operator: IN, value: [a, \"b,c\"]",
            &["7:45: `b,c` holds a comma, which tells values apart"],
        ),
        (
            "field: f, operator: IN, value: [[a]]",
            &["7:42: expected a text, a number, or true or false, found a list"],
        ),
        (
            "field: f, operator: LESSER, value: true",
            &["7:45: LESSER does not take true or false | EQUALS does"],
        ),
        ("field: f, operator: CONTAINS, value: 10", &["7:47: CONTAINS takes a text | put it in quotes"]),
        (
            "field: f, operator: EQUALS, value: 1.10",
            &["7:45: `1.10` would be sent as 1.1 | put it in quotes"],
        ),
    ] {
        let head = "expectations:\n  - name: a\n    at_least: 1\n    filters:";
        check(&format!("{head}\n      - {{{filter}}}"), expected);
    }
    check(
        "expectations:\n  - name: a\n    at_least: 1\n    filters: [x, {field: f, operator: IN, value: b}]\n",
        &["6:15: expected a map (key: value), found `x`", "6:50: IN takes a list"],
    );
    check(
        "expectations:\n  - name: a\n    at_least: 1\n    filters: {field: f}\n",
        &["6:14: expected a list, found a map"],
    );
}

#[test]
fn expectations_of_included_files_are_appended() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("config.yaml", &format!("{HEAD}include: [more.yaml]\nexpectations: [{{name: a, at_least: 1}}]\n"));
    write("more.yaml", "expectations: [{name: b, at_most: 2}]\n");
    let load = || files::load_in(&directory.path().join("config.yaml"), TODAY, None);
    let names: Vec<String> = load().unwrap().expectations.into_iter().map(|expected| expected.name).collect();
    assert_eq!(names, ["a", "b"]);
    write("more.yaml", "expectations: [{name: a, at_most: 2}]\n");
    let said = said(&load());
    assert!(
        said.contains("the expectation `a` is declared twice, first at") && said.contains("config.yaml:4"),
        "{said}"
    );
}
