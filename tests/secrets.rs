//! The platform's password never leaves: not on a stream, not in a log, not in a file, not over HTTP, also
//! where the platform throws it back at us.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/bin.rs"]
mod bin;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use bin::{Daemon, Ended, Folder, Simulator, end};
use serde_json::{Value, json};

const USER: &str = "qu4lys_user";
/// What breaks naive quoting, in every encoding.
const PASSWORD: &str = "p\"w'd\\%41+/=&<ü€>?\u{1F511}#:{x}";

const SECTIONS: &str = "
tags: [{name: kept}]
connectors:
  aws:
    - {name: one, arn: \"arn:aws:iam::111111111111:role/Qualys\", external_id: US1-1368984-11111111, tags: [kept], run_frequency: 4h}
";

/// Every form in which the secret would be found by somebody who looks for it.
fn forms() -> Vec<(&'static str, String)> {
    let mut forms = vec![
        ("as it is", PASSWORD.to_owned()),
        ("for JSON", json_text(&json!(PASSWORD).to_string())),
        ("for JSON in JSON", json_text(&json!(json!(PASSWORD).to_string()).to_string())),
        ("for Rust", PASSWORD.escape_debug().to_string()),
        ("for JSON in ASCII", ascii_json(PASSWORD)),
        ("as YAML", PASSWORD.replace('\'', "''")),
        ("for XML", xml(PASSWORD)),
        ("percent-encoded", percent(PASSWORD, "")),
        (
            "percent-encoded, in small letters",
            percent(PASSWORD, "").replace("%C3%BC", "%c3%bc").to_lowercase(),
        ),
        ("percent-encoded as a path", percent(PASSWORD, "/:=&+")),
        ("percent-encoded as a form", percent(PASSWORD, "").replace("%20", "+")),
    ];
    let pair = format!("{USER}:{PASSWORD}");
    for (what, text) in [("the password", PASSWORD), ("user and password", pair.as_str())] {
        for (alphabet, engine) in [("base64", &STANDARD), ("base64 for URLs", &URL_SAFE)] {
            for offset in 0..3 {
                // Behind other bytes only the characters that hold nothing of them are certain.
                let shifted = engine.encode([&vec![b'x'; offset][..], text.as_bytes()].concat());
                let start = [0, 2, 3][offset];
                let whole = (text.len() + offset) / 3 * 4;
                forms.push((if offset == 0 { what } else { alphabet }, shifted[start..whole].to_owned()));
            }
        }
    }
    // A part tells enough, too.
    forms.push(("its beginning", "p\"w'd\\%41".to_owned()));
    forms.push(("its end", "\u{1F511}#:{x}".to_owned()));
    forms
}

fn json_text(quoted: &str) -> String {
    quoted[1..quoted.len() - 1].to_owned()
}

fn ascii_json(text: &str) -> String {
    let mut out = String::new();
    for unit in json_text(&json!(text).to_string()).encode_utf16() {
        match u8::try_from(unit).ok().filter(u8::is_ascii) {
            Some(ascii) => out.push(char::from(ascii)),
            None => write!(out, "\\u{unit:04x}").unwrap(),
        }
    }
    out
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
}

fn percent(text: &str, kept: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let character = char::from(byte);
        if byte.is_ascii_alphanumeric() || "-._~".contains(character) || kept.contains(character) {
            out.push(character);
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
    }
    out
}

#[track_caller]
fn check_text(place: &str, text: &str) {
    for (form, secret) in forms() {
        assert!(!text.contains(&secret), "{place} holds the secret {form}: {secret}\n{text}");
    }
}

#[track_caller]
fn check_ended(what: &str, ended: &Ended) {
    check_text(&format!("stdout of {what}"), &ended.stdout);
    check_text(&format!("stderr of {what}"), &ended.stderr);
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] })
        .collect()
}

/// Looks through every file that the program may have written: the folder holds no secret of ours itself.
#[track_caller]
fn check_files(folder: &Folder) {
    let files = files_below(folder.root());
    assert!(files.iter().any(|file| file.ends_with("trueup.db")), "the journal is among {files:?}");
    for file in files {
        let bytes = fs::read(&file).unwrap();
        for (form, secret) in forms() {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds the secret {form}", file.display());
        }
    }
}

#[track_caller]
fn check_pages(daemon: &Daemon) {
    for path in ["/", "/metrics", "/api/v1/plan", "/api/v1/status", "/healthz", "/readyz"] {
        let answer = daemon.get(path);
        check_text(path, &format!("{:?}\n{}", answer.headers, answer.body));
    }
}

/// The scene: a simulator with this password, and a folder whose file says where credentials are.
struct Scene {
    simulator: Simulator,
    folder: Folder,
    /// Where the secrets are, and the simulator's own files.
    aside: Folder,
    /// `{env: …}` or another reference.
    reference: String,
}

impl Scene {
    #[track_caller]
    fn with(reference: &str) -> Scene {
        let aside = Folder::with("");
        aside.write("secret", PASSWORD);
        let reference = reference.replace("ASIDE", aside.root().to_str().unwrap());
        let simulator = Simulator::start(&aside, &["--username", USER, "--password", PASSWORD]);
        let folder = Folder::remote(&simulator.url, SECTIONS);
        folder.edit(
            "platform: {",
            &format!("platform: {{username: {{env: QUALYS_USERNAME}}, password: {reference}, "),
        );
        Scene { simulator, folder, aside, reference }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.folder.command(args);
        command.env("QUALYS_USERNAME", USER);
        if self.reference.contains("env") {
            command.env("QUALYS_PASSWORD", PASSWORD);
        }
        if self.reference.contains("credential") {
            command.env("CREDENTIALS_DIRECTORY", self.aside.root());
        }
        command
    }

    #[track_caller]
    fn run(&self, code: i32, args: &[&str]) -> Ended {
        let ended = end(self.command(args));
        check_ended(&args.join(" "), &ended);
        assert_eq!(ended.code, code, "trueup {}\n{ended}", args.join(" "));
        ended
    }

    /// Faults whose answers hold what we sent, in bodies, headers and statuses of all kinds.
    ///
    /// Those that may pass are tried again until the program gives up, which takes seconds each.
    fn echoes(with_passing: bool) -> Vec<Value> {
        let basic = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
        let said = format!("no: user {USER} password {PASSWORD} header Authorization: {basic}");
        let encoded = format!("{} {}", percent(PASSWORD, ""), URL_SAFE.encode(PASSWORD));
        let service = |code: &str| {
            json!({"ServiceResponse": {"responseCode": code, "responseErrorDetails":
                {"errorMessage": said, "errorResolution": encoded}}})
        };
        let simple = format!(
            "<?xml version=\"1.0\"?><SIMPLE_RETURN><RESPONSE><CODE>2000</CODE><TEXT>{}</TEXT></RESPONSE></SIMPLE_RETURN>",
            xml(&said)
        );
        let mut all = vec![
            json!({"status": 200, "body": service("INVALID_REQUEST")}),
            json!({"status": 200, "body": service("INVALID_CREDENTIALS")}),
            json!({"status": 200, "body": service(&format!("CODE_{PASSWORD}"))}),
            json!({"status": 400, "body": service("INVALID_REQUEST")}),
            json!({"status": 401, "body": {"error": said, "message": encoded}}),
            json!({"status": 403, "body": {"message": said}}),
            json!({"status": 404, "body": said}),
            json!({"status": 409, "body": simple}),
            json!({"status": 302, "headers": {"location": format!("https://example.com/{}?password={0}", percent(PASSWORD, ""))}}),
        ];
        let passing = vec![
            json!({"status": 200, "body": {"ServiceResponse": {"responseCode": "SUCCESS", "count": said, "data": said}}}),
            json!({"status": 200, "body": format!("<html><title>{}</title></html>", xml(&said))}),
            json!({"status": 200, "body": said}),
            json!({"status": 503, "body": service("SERVER_ERROR")}),
        ];
        if with_passing {
            all.extend(passing);
        }
        for fault in &mut all {
            fault["kind"] = json!("status");
            fault["times"] = json!(0);
            // Headers hold ASCII alone.
            let headers = fault["headers"].take();
            let mut headers = headers.as_object().cloned().unwrap_or_default();
            headers.insert("x-echo".to_owned(), json!(basic));
            headers.insert("www-authenticate".to_owned(), json!(basic));
            headers.insert(
                "x-powered-by".to_owned(),
                json!(format!("Qualys:POD:{}:{0}", percent(PASSWORD, ""))),
            );
            headers.insert("x-ratelimit-limit".to_owned(), json!(percent(PASSWORD, "")));
            fault["headers"] = Value::Object(headers);
        }
        all
    }
}

#[test]
fn the_search_finds_the_secret_in_every_encoding() {
    let pair = format!("{USER}:{PASSWORD}");
    let mut texts = vec![PASSWORD.to_owned(), format!("{PASSWORD:?}"), json!({"a": PASSWORD}).to_string()];
    for before in ["", "x", "xy", "xyz", USER] {
        for text in [PASSWORD, &pair] {
            for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
                texts.push(format!("[{}]", engine.encode(format!("{before}{text} and more"))));
                texts.push(format!("[{}]", engine.encode(format!("{before}{text}"))));
            }
        }
    }
    for text in texts {
        assert!(forms().iter().any(|(_, secret)| text.contains(secret)), "{text}");
    }
}

#[test]
fn each_kind_of_reference_works_and_shows_nothing() {
    for reference in [
        "{env: QUALYS_PASSWORD}",
        "{file: ASIDE/secret}",
        "{credential: secret}",
        "{command: [cat, ASIDE/secret]}",
    ] {
        let scene = Scene::with(reference);
        scene.run(0, &["plan", "-vv"]);
        scene.run(0, &["apply", "--yes", "-vv", "--format", "json", "--log-format", "json"]);
        scene.run(0, &["plan", "-vvv", "--detailed-exitcode"]);
        scene.run(0, &["validate", "-vv"]);
        check_files(&scene.folder);
    }
}

#[test]
fn a_daemon_shows_nothing_whatever_the_platform_throws_back() {
    let scene = Scene::with("{env: QUALYS_PASSWORD}");
    scene.folder.edit("tags: [{name: kept}]", "reconcile: {policy: enforce}\ntags: [{name: kept}]");
    for format in ["json", "text"] {
        let mut daemon = Daemon::spawn(scene.command(&["run", "-vv", "--log-format", format]));
        let finish = |daemon: &mut Daemon| {
            daemon.next_line("the end of a pass", |line| line.contains("reconcile_finished"))
        };
        finish(&mut daemon);
        // A password that is refused as such is not sent again: nothing would come after it.
        let is_wrong = |fault: &Value| fault.to_string().contains("INVALID_CREDENTIALS");
        let (wrong, others): (Vec<Value>, Vec<Value>) =
            Scene::echoes(format == "json").into_iter().partition(is_wrong);
        for fault in &others {
            scene.simulator.fault(fault);
            daemon.signal("HUP");
            finish(&mut daemon);
            check_pages(&daemon);
            scene.simulator.end_faults();
        }
        // Writes are refused in the same way.
        for fault in &others {
            let mut fault = fault.clone();
            fault["path"] = json!("/update/");
            scene.simulator.set("aws", "one", &json!({"runFrequency": 720}));
            scene.simulator.fault(&fault);
            daemon.signal("HUP");
            finish(&mut daemon);
            check_pages(&daemon);
            scene.simulator.end_faults();
        }
        daemon.signal("HUP");
        let line = finish(&mut daemon);
        for fault in &wrong {
            scene.simulator.fault(fault);
            daemon.signal("HUP");
            finish(&mut daemon);
            check_pages(&daemon);
            scene.simulator.end_faults();
        }
        let ended = daemon.stop();
        check_ended(&format!("run with {format}"), &ended);
        assert!(line.contains("applied") || line.contains("in_sync"), "it recovered: {line}");
        assert!(ended.stderr.contains("pull_failed") && ended.stderr.contains("change_failed"), "{ended}");
        assert!(ended.stderr.contains("[redacted]"), "something was thrown back: {ended}");
    }
    check_files(&scene.folder);
}

#[test]
fn commands_show_nothing_whatever_the_platform_throws_back() {
    let scene = Scene::with("{file: ASIDE/secret}");
    for mut fault in Scene::echoes(false) {
        scene.simulator.fault(&fault);
        for args in [
            &["plan", "-vv"][..],
            &["plan", "-vv", "--format", "json", "--log-format", "json"],
            &["apply", "--yes", "-vv"],
        ] {
            scene.run(1, args);
        }
        scene.simulator.end_faults();
        fault["path"] = json!("/create/");
        scene.simulator.fault(&fault);
        scene.run(1, &["apply", "--yes", "-vv", "--format", "json", "--log-format", "json"]);
        scene.simulator.end_faults();
    }
    check_files(&scene.folder);
}

#[test]
fn a_key_of_an_object_is_not_repeated_by_the_first_listing_that_fails() {
    let simulator = Simulator::start(&Folder::with(""), &["--seed", "empty"]);
    let folder = Folder::remote(
        &simulator.url,
        "
connectors:
  azure:
    - {name: one, subscription_id: 11111111-1111-4111-8111-111111111111,
       directory_id: 22222222-2222-4222-8222-222222222222, application_id: 33333333-3333-4333-8333-333333333333,
       authentication_key: {env: AZURE_KEY}}
expectations: [{name: hosts, at_most: 5, filters: [{field: asset.name, operator: EQUALS, value: x}]}]
",
    );
    simulator.fault(
        &json!({"kind": "status", "status": 503, "times": 0, "body": format!("{PASSWORD} was not passed on")}),
    );
    for args in [
        &["plan"][..],
        &["plan", "--format", "json", "--log-format", "json"],
        &["sync", "azure/one", "--format", "json"],
    ] {
        let mut command = folder.command(args);
        let ended = end({
            command.env("AZURE_KEY", PASSWORD);
            command
        });
        assert_eq!(ended.code, 1, "{ended}");
        check_ended(&args.join(" "), &ended);
        assert!(ended.stdout.contains("was not passed on"), "{ended}");
    }
}

#[test]
fn a_wrong_password_is_said_without_it() {
    for option in ["auth_failure=200", "auth_failure=401"] {
        let aside = Folder::with("");
        let simulator =
            Simulator::start(&aside, &["--username", USER, "--password", "another", "--option", option]);
        let folder = Folder::remote(&simulator.url, SECTIONS);
        folder.edit(
            "platform: {",
            "platform: {username: {env: QUALYS_USERNAME}, password: {env: QUALYS_PASSWORD}, ",
        );
        let command = |args: &[&str]| {
            let mut command = folder.command(args);
            command.env("QUALYS_USERNAME", USER).env("QUALYS_PASSWORD", PASSWORD);
            command
        };
        for args in [&["plan", "-vv"][..], &["apply", "--yes", "-vv", "--format", "json"]] {
            let ended = end(command(args));
            check_ended(&args.join(" "), &ended);
            assert_eq!(ended.code, 1, "{ended}");
            assert!(ended.stdout.contains("credentials"), "it says what is wrong: {ended}");
        }
        let mut daemon = Daemon::spawn(command(&["run", "-vv", "--log-format", "json"]));
        daemon.finish_pass();
        check_pages(&daemon);
        check_ended("run", &daemon.stop());
        check_files(&folder);
    }
}

#[test]
fn a_reference_that_fails_is_named_without_what_it_gave() {
    let script = format!("printf '%s' '{}'; printf '%s' '{0}' >&2; exit 3", PASSWORD.replace('\'', "'\\''"));
    for (reference, named) in [
        ("{env: NO_SUCH_VARIABLE}", "NO_SUCH_VARIABLE"),
        ("{file: ./no-such-file}", "no-such-file"),
        ("{credential: no-such-credential}", "no-such-credential"),
        (&format!("{{command: [sh, -c, {}]}}", json!(script)), "sh"),
    ] {
        let folder = Folder::remote("http://127.0.0.1:9", SECTIONS);
        folder.edit("platform: {", &format!("platform: {{password: {reference}, "));
        for args in
            [&["plan", "-vv"][..], &["plan", "--format", "json"], &["run", "-vv", "--log-format", "json"]]
        {
            let mut command = folder.command(args);
            command.env("CREDENTIALS_DIRECTORY", folder.root());
            let ended = end(command);
            check_ended(reference, &ended);
            assert_eq!(ended.code, 1, "{ended}");
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(said.contains("platform.password") && said.contains(named), "{ended}");
        }
    }
}

#[test]
fn a_password_in_the_file_is_refused_without_being_repeated() {
    let plain = "hunter2-in-the-clear";
    for platform in [
        format!("{{pod: simulator, password: {plain}}}"),
        format!("{{pod: simulator, password: \"{plain}\"}}"),
        format!("{{pod: simulator, password: [{plain}]}}"),
        format!("{{pod: simulator, password: {{value: {plain}}}}}"),
        format!("{{pod: simulator, pasword: {plain}}}"),
        format!("{{pod: simulator, password: {{env: {plain}, file: x}}}}"),
        format!("{{pod: US1, api_url: \"https://user:{plain}@example.com\"}}"),
        format!("{{pod: simulator, proxy: \"http://user:{plain}@example.com\"}}"),
        format!("\n  pod: simulator\n  password: |\n    {plain}"),
        format!("\n  pod: simulator\n  password: {plain}\n  : : :"),
    ] {
        let folder = Folder::with(&format!("version: 1\nplatform: {platform}\nlisten: off\njournal: off\n"));
        for args in [
            &["validate"][..],
            &["validate", "--format", "json"],
            &["plan", "-vv"],
            &["plan", "-vv", "--format", "json", "--log-format", "json"],
            &["apply", "--yes"],
            &["run", "-vv"],
            &["run", "-vv", "--log-format", "json"],
        ] {
            let ended = folder.expect(78, args);
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(!said.contains("hunter2"), "{platform} {args:?}\n{ended}");
            assert!(said.contains("config.yaml"), "{platform} {args:?}\n{ended}");
        }
    }
}

/// A file that is refused, with a secret in some wrong place: what stands behind `version: 1`, and what is in a second
/// file that it may include.
const MISPLACED: [&str; 53] = [
    "platform: {pod: US1, username: {env: U}, password: {env: \"S3cret!\"}}",
    "platform: {pod: US1, username: {env: U}, password: {env: S3cret!x, file: y}}",
    "platform: {pod: US1, username: {env: U}, password: {command: \"echo S3cret\"}}",
    "platform: {pod: US1, username: {env: U}, password: {command: [echo, {S3cret: x}]}}",
    "platform: {pod: US1, username: {env: U}, password: {file: [S3cret]}}",
    "platform: {pod: US1, username: {env: U}, password: {credential: ../S3cret}}",
    "platform: {pod: US1, username: {env: U}, password: {S3cret}}",
    "platform: {pod: US1, username: {env: U}, password: {S3cret: x}}",
    "platform: {pod: US1, username: {env: U}, password: {value: {name: S3cret}}}",
    "platform: {pod: US1, username: {env: U}, password: !S3cret}",
    "platform: {pod: US1, username: {env: U}, password: !S3cret x}",
    "platform: {pod: US1, username: {env: U}, password: *S3cret}",
    "platform: {pod: US1, username: {env: U}, password: &S3cret x}",
    "platform: {pod: US1, username: {env: U}, password: @S3cret}",
    "platform: {pod: US1, username: {env: U}, password: \"S3cret\\q\"}",
    "platform: {pod: US1, username: {env: U}, password: S3cret, password: S3cret}",
    "platform: {pod: US1, S3cret}",
    "platform: {pod: US1, S3cret: x, S3cret: y}",
    "platform: {pod: US1, \"S3cret!\": {x: y}}",
    "platform: {pod: US1, pass word: S3cret}",
    "platform: {pod: US1, api_key: S3cret}",
    "platform: {pod: US1, name: S3cret}",
    "platform: {pod: US1, api_url: \"https://user:S3cret@example.com\"}",
    "platform: {pod: US1, api_url: S3cret}",
    "platform: {pod: US1, proxy: [S3cret]}",
    "platform: {pod: US1, proxy: {S3cret: S3cret}}",
    "platform: S3cret",
    "platform: [S3cret]",
    "platform:\n  pod: US1\n  password: |\n    S3cret\n\ttab",
    "platform:\n  pod: US1\n  password: >-\n    S3cret\n    S3cret\n  : : :",
    "platform:\n  pod: US1\n  password: first\n    S3cret\n    third\n",
    "platform:\n  pod: US1\n  password:\n  S3cret",
    "platform:\n  pod: US1\n\tpassword: S3cret",
    "platform:\n  pod: US1 # S3cret\n  pasword: x # S3cret",
    "platform:\n  pod: US1\n  ? S3cret\n  : x",
    "platform:\n  pod: US1\n  ? {S3cret: x}\n  : S3cret",
    "platform:\n  pod: US1\n  password: \"S3cret",
    "platform: {pod: simulator}\nconnectors: {azure: [{name: a, authentication_kye: S3cret}]}",
    "platform: {pod: simulator}\nconnectors: {azure: [{name: a, authentication_key: 'S3cret'}]}",
    "platform: {pod: simulator}\nconnectors: {azure: [{name: a, <<: S3cret}]}",
    "platform: {pod: simulator}\nconnectors: {azure: [{name: {S3cret: x}}]}",
    "platform: {pod: simulator}\nconnectors: {oci: [{name: a, private_key: [x, \"-----BEGIN S3cret\"]}]}",
    "platform: {pod: simulator}\nconnectors: {gcp: [{name: a, service_account_key: {type: x, private_key: S3cret}}]}",
    "platform: {pod: simulator}\ndefaults: {azure: {authentication_key: S3cret, colour: S3cret}}",
    "platform: {pod: simulator}\ndefaults: {S3cret: {}}",
    "platform: {pod: simulator}\npasswords:\n  name: S3cret\n  S3cret: name",
    "platform: {pod: simulator}\nS3cret: {name: S3cret}",
    "platform: {pod: simulator}\nS3cret",
    "platform: {pod: simulator}\nlisten: {token: S3cret}",
    "platform: {pod: simulator}\njournal: {postgres: \"postgres://user:S3cret@host/db\", name: S3cret}",
    "platform: {pod: simulator}\ninclude: [\"https://user:S3cret@example.com/x.yaml\"]",
    "platform: {pod: simulator}\nreconcile: {token: S3cret, every: {x: S3cret}}",
    "platform: {pod: simulator}\ntags: [{name: x, rule: {type: S3cret-no-type, secret: S3cret}}]",
];

/// What else is read by mistake: none of it is a file of ours.
const FOREIGN: [&str; 10] = [
    "PATH=/bin\0QUALYS_PASSWORD=S3cret\0",
    "QUALYS_PASSWORD=S3cret\n",
    "machine example.com login me password S3cret\n",
    "S3cret",
    "- S3cret\n",
    "password: S3cret\n",
    "users:\n- name: S3cret\n  S3cret: {token: S3cret}\n",
    "{\"type\": \"service_account\", \"private_key\": \"S3cret\"}\n",
    "-----BEGIN PRIVATE KEY-----\nS3cret: x\n-----END PRIVATE KEY-----\n",
    "password: \"S3cret\nother: [",
];

#[test]
fn a_refused_file_shows_no_secret_wherever_it_stands() {
    let check = |folder: &Folder, text: &str| {
        for args in [
            &["validate"][..],
            &["validate", "--format", "json"],
            &["run", "-vv"],
            &["run", "-vv", "--log-format", "json"],
        ] {
            let ended = folder.run(args);
            let said = format!("{}{}", ended.stdout, ended.stderr);
            // A field that a plan prints may be repeated.
            let harmless = text.contains("type: S3cret-no-type").then_some("S3cret-no-type");
            let said = harmless.map_or(said.clone(), |harmless| said.replace(harmless, ""));
            assert!(!said.to_lowercase().contains("s3cret"), "{text}\n{args:?}\n{ended}");
            assert_eq!(ended.code, 78, "{text}\n{args:?}\n{ended}");
            assert!(said.contains("config.yaml") || said.contains("other.yaml"), "{text}\n{args:?}\n{ended}");
        }
    };
    for text in MISPLACED {
        check(&Folder::with(&format!("version: 1\n{text}\n")), text);
    }
    for text in FOREIGN {
        check(&Folder::with(text), text);
        let folder = Folder::with("version: 1\nplatform: {pod: simulator}\ninclude: [other.yaml]\n");
        folder.write("other.yaml", text);
        check(&folder, text);
    }
}

#[test]
fn a_daemon_that_refuses_a_file_shows_none_of_its_passwords() {
    let folder = Folder::simulated(SECTIONS);
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    folder.edit("{pod: simulator}", "{pod: simulator, password: hunter2-in-the-clear}");
    daemon.next("config_rejected");
    daemon.finish_pass();
    for path in ["/", "/api/v1/status", "/api/v1/plan", "/metrics"] {
        let answer = daemon.get(path);
        assert!(!answer.body.contains("hunter2"), "{path}: {}", answer.body);
    }
    let ended = daemon.stop();
    assert!(!ended.stderr.contains("hunter2"), "{ended}");
}
