//! What the settings can get wrong.

use super::*;

#[test]
fn settings_that_cannot_be_say_why() {
    for (text, expected) in [
        ("reconcile: {every: 1h30m, cron: \"0 0 6 * * Mon-Fri *\", timezone: Europe/Berlin}", &[][..]),
        ("reconcile: {every: 0s}", &["3:20: `0s` is not longer than no time at all | expected one as in"]),
        ("reconcile: {every: -5m}", &["3:20: `-5m` is not longer"]),
        (
            "reconcile: {every: 15ms}",
            &["3:20: `15ms` is shorter than 10s | expected a longer interval, as in 15m"],
        ),
        ("reconcile: {every: 9999ms}", &["3:20: `9999ms` is shorter than 10s"]),
        ("reconcile: {every: 10s}", &["warning 3:20: every 10 s is more often than every minute"]),
        ("reconcile: {every: 59s}", &["warning 3:20: every 59 s is more often"]),
        ("reconcile: {every: 60s}", &[]),
        ("reconcile: {cron: \"* * * * * * *\"}", &["3:19: `* * * * * * *` comes every 1 s, more often than"]),
        ("reconcile: {cron: \"0,5 0 6 * * * *\"}", &["3:19: `0,5 0 6 * * * *` comes every 5 s"]),
        ("reconcile: {cron: \"55,0 * * * * * *\"}", &["3:19: `55,0 * * * * * *` comes every 5 s"]),
        (
            "reconcile: {cron: \"0/20 * * * * * *\"}",
            &["warning 3:19: every 20 s is more often than every minute"],
        ),
        ("reconcile: {cron: \"0 * * * * * *\"}", &[]),
        ("reconcile: {cron: \"0 0 0 1 1 * 2099\"}", &[]),
        (
            "reconcile: {cron: \"0 0 6 * * 1-5 *\"}",
            &[
                "3:19: `1-5` counts the days of the week, which not everybody begins with the same day | expected their \
               names, Mon-Fri where 1 is Monday, as in Unix, or Sun-Thu where 1 is Sunday",
            ],
        ),
        (
            "reconcile: {cron: \"0 0 6 * * 0,Wed,6 *\"}",
            &[
                "3:19: `0,Wed,6` counts the days of the week, which not everybody begins with the same day | expected \
               their names, Sun,Wed,Sat where",
            ],
        ),
        ("reconcile: {cron: \"0 0 6 * * 7/2 *\"}", &["3:19: `7/2` counts the days of the week"]),
        ("reconcile: {cron: \"0 0 6 * * 9 *\"}", &["3:19: `9` counts the days of the week"]),
        ("reconcile: {cron: \"0 0 6 1-5 * * *\"}", &[]),
        ("reconcile: {cron: \"0 0 6 * * */2 *\"}", &[]),
        ("reconcile: {cron: \"0 0 6 ? * Mon,Wed-Fri *\"}", &[]),
        ("reconcile: {cron: \"@daily\"}", &[]),
        (
            "snapshot_scan: {account_id: \"951234567875\", schedule: \"0 0 2 ? * 2-6 *\"}",
            &[
                "warning 3:55: `2-6` for days of the week means MON, TUE, WED, THU, FRI: Quartz counts from 1, Sunday",
            ],
        ),
        (
            "snapshot_scan: {account_id: \"951234567875\", schedule: \"0 0 2 ? * 6#3\"}",
            &["warning 3:55: `6#3` for days of the week means FRI"],
        ),
        ("snapshot_scan: {account_id: \"951234567875\", schedule: \"0 0 2 ? * MON-FRI *\"}", &[]),
        ("snapshot_scan: {account_id: \"951234567875\", schedule: \"0 0 2 ? * */2 *\"}", &[]),
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
        (
            format!(
                "pod: US9, api_url: \"https://a\", portal_url: \"https://b\", gateway_url: \"https://c\", {login}"
            ),
            &["warning 2:17: unknown value `US9` | its URLs are given: it is taken as a name; "],
        ),
        (
            format!("pod: US9, api_url: \"https://a\", portal_url: \"https://b\", {login}"),
            &["2:17: unknown value `US9` | did you mean"],
        ),
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
fn the_journal_is_where_systemd_says_unless_the_file_says() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    for (text, state, journal) in [
        ("", None, Some(directory.path().join("trueup.db"))),
        ("", Some("/var/lib/trueup:/var/lib/other"), Some(PathBuf::from("/var/lib/trueup/trueup.db"))),
        ("journal: x.db\n", Some("/var/lib/trueup"), Some(directory.path().join("x.db"))),
        ("journal: ./j/./x.db\n", None, Some(directory.path().join("j/x.db"))),
        ("journal: off\n", Some("/var/lib/trueup"), None),
    ] {
        std::fs::write(&path, format!("{HEAD}{text}")).unwrap();
        let desired = files::load_in(&path, TODAY, state.map(Into::into)).unwrap();
        // As it is printed: two paths are equal whatever `.` they hold.
        let shown = |path: Option<PathBuf>| path.map(PathBuf::into_os_string);
        assert_eq!(shown(desired.settings.journal), shown(journal), "{text}");
    }
}
