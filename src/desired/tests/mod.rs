//! The file as a whole: what is taken, what is refused, and how that is said.

mod entries;
mod expectations;
mod settings;

use super::{Desired, Rejected, files};
use crate::resource::{Kind, Severity};
use jiff::civil::{Date, date};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

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
fn what_is_no_yaml_is_said_with_what_to_do() {
    let pair = "JSON writes a character beyond U+FFFF as two escapes, which YAML does not know: write the character \
                itself, or one escape, as \"\\U0001F680\" for \"\\ud83d\\ude80\"";
    let escape = "in double quotes a backslash begins an escape";
    for (name, hint) in [
        (r#""\ud83d\ude80 rocket""#, pair),
        ("\"on the\n next line \\uD83D\\uDE80\"", pair),
        (r#""half of one: \ud83d""#, pair),
        (r#""\U00110000""#, escape),
        (r#""C:\work""#, escape),
        (r#""\u12""#, escape),
    ] {
        let yaml = load_text(&format!("{HEAD}tags: [{{name: {name}}}]\n"));
        // As json.dumps writes it, with any indentation.
        let json = load_text(&format!(
            "{{\n\t\"version\": 1,\n\t\"platform\": {{\"pod\": \"simulator\"}},\n\t\"tags\": [{{\"name\": {name}}}]\n}}\n"
        ));
        for said in [said(&yaml), said(&json)] {
            assert!(
                said.contains("not valid YAML") && said.contains(&format!(" | {hint}")),
                "{name}: {said}"
            );
        }
    }
    for name in ["\"\u{1f680} rocket\"", r#""\U0001F680 rocket""#, r#""\u00e9t\u00e9""#] {
        let taken = load_text(&format!("{HEAD}tags: [{{name: {name}}}]\n"));
        assert!(taken.is_ok(), "{name}: {}", said(&taken));
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
        assert_eq!(problem.excerpt, Some(("- {name: web, colour: …}".to_owned(), 14)), "{text:?}");
    }
}

#[test]
fn every_check_of_the_whole_finds_what_it_is_for() {
    let aws = |entries: &str| {
        format!("connectors: {{aws: [{}]}}", entries.replace("ARN", "\"arn:aws:iam::123456789012:role"))
    };
    let organizations = |one: &str, other: &str| {
        let entry = |name: &str, members: &str| {
            format!(
                "- {{name: {name}, tenant_id: {ID}, application_id: {ID}, secret: {{env: S}}, tenant_name: x, members: \
                 {members}}}\n"
            )
        };
        format!("azure_organizations:\n{}{}", entry("a", one), entry("b", other))
    };
    let cases: [(&str, String, &[&str]); 11] = [
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
            "one object a member",
            organizations("[azure/x, azure/y]", "[azure/y]"),
            &["5:159: `azure/y` is in `members` of two azure_organization entries, first at"],
        ),
        ("one object a member", organizations("[azure/x]", "[azure/y]"), &[]),
        (
            "no tag above itself",
            "tags: [{name: a, parent: c},\n{name: b, parent: a}, {name: c, parent: b}, {name: d, parent: d}, {name: e, parent: a}]".to_owned(),
            // `d` is below another one of its name, which the platform may have.
            &["3:26: tag `a` is above itself: a below c below b below a"],
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
    ];
    for check in super::checks::CHECKS {
        assert!(cases.iter().any(|(name, ..)| *name == check.name), "no case for {}", check.name);
    }
    for (name, text, expected) in &cases {
        let through_cloudview = *name == "what CloudView has";
        check_under(if through_cloudview { CLOUDVIEW } else { HEAD }, text, expected);
    }
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
        ("{policy: observe, ignore: [description], prevent_delete: true}", &[]),
        ("{policy: watch}", &["3:26: unknown value `watch`"]),
        ("{ignore: [arn]}", &["3:27: `arn` cannot be ignored"]),
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
fn a_file_that_cannot_be_read_is_one_problem() {
    let rejected = files::load_in(Path::new("/nonexistent/config.yaml"), TODAY, None).unwrap_err();
    assert_eq!(rejected.problems.len(), 1);
    let message = rejected.problems[0].to_string();
    assert!(message.starts_with("could not read /nonexistent/config.yaml: No such file"), "{message}");
}

#[test]
fn every_commented_line_of_the_example_is_valid() {
    let example = include_str!("../../../config.example.yaml");
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
        let mut bytes = include_bytes!("../../../config.example.yaml").to_vec();
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
        include_str!("../../../config.example.yaml"),
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
