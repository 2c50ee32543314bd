//! A pass that could see nothing of the platform has failed, whatever the file names: told once, by every command alike.

#![expect(clippy::unwrap_used, reason = "a test whose scene cannot be set up has failed")]

#[path = "support/bin.rs"]
mod bin;

use std::io::{Read, Write};
use std::net::TcpListener;

use bin::{Daemon, Ended, Folder, Simulator, end, free_port};
use serde_json::{Value, json};

/// The files: one that names nothing yet, and one that names something.
const FILES: [&str; 2] = ["", "tags: [{name: prod}]\n"];

/// Something that keeps every kind from being read.
struct Cause {
    name: &'static str,
    /// What `platform` says beside the credentials.
    platform: String,
    password: &'static str,
    /// What is said of it.
    told: &'static str,
    hint: &'static str,
    /// What plays the platform.
    played_by: Option<(Folder, Simulator)>,
}

impl Cause {
    fn new(name: &'static str, url: &str, told: &'static str, hint: &'static str) -> Cause {
        let platform = format!("pod: simulator, api_url: '{url}'");
        Cause { name, platform, password: "simulator", told, hint, played_by: None }
    }

    /// Of an answer of the simulator, which is started with these options.
    fn played(name: &'static str, options: &[&str], told: &'static str, hint: &'static str) -> Cause {
        let aside = Folder::with("");
        let simulator = Simulator::start(&aside, options);
        let cause = Cause::new(name, &simulator.url, told, hint);
        Cause { played_by: Some((aside, simulator)), ..cause }
    }

    fn simulator(&self) -> &Simulator {
        &self.played_by.as_ref().unwrap().1
    }

    fn folder(&self, sections: &str) -> Folder {
        let platform = &self.platform;
        Folder::with(&format!(
            "version: 1\nplatform: {{{platform}, username: {{env: WHO}}, password: {{env: PASS}}}}\nlisten: 127.0.0.1:0\n{sections}"
        ))
    }

    fn command(&self, folder: &Folder, args: &[&str]) -> std::process::Command {
        let mut command = folder.command(args);
        command.env("WHO", "simulator").env("PASS", self.password);
        command
    }

    fn run(&self, folder: &Folder, args: &[&str]) -> Ended {
        end(self.command(folder, args))
    }
}

/// A server of another make: it answers every request with a page.
fn page_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                    head.push(byte[0]);
                }
                let page = "<html><head><title>Welcome to nginx!</title></head></html>";
                let length = page.len();
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
                let _ = write!(stream, "{head}Content-Length: {length}\r\n\r\n{page}");
            });
        }
    });
    url
}

/// A host that cannot be looked up, which no name server has to be asked for: one of its labels is too long.
fn unknown_host() -> String {
    format!("https://{}.example", "a".repeat(64))
}

fn causes() -> Vec<Cause> {
    let closed = format!("http://127.0.0.1:{}", free_port());
    let password = Cause::played("a wrong password", &[], "INVALID_CREDENTIALS", "check platform.username");
    let other = Cause::played(
        "another subscription",
        &["--option", "powered_by=on"],
        "answers instead of",
        "another subscription than platform.subscription",
    );
    let busy = Cause::played("a platform that fails", &[], "HTTP 503", "");
    busy.simulator()
        .fault(&json!({"kind": "status", "status": 503, "path": "/", "times": 0, "body": "down"}));
    let barred = Cause::played("an account that may do nothing", &[], "HTTP 403", "");
    barred
        .simulator()
        .fault(&json!({"kind": "status", "status": 403, "path": "/", "times": 0, "body": "no"}));
    let half =
        Cause::played("an API server that is down while the gateway is up", &[], "no connection", "api_url");
    let gateway = &half.simulator().url;
    let half =
        Cause { platform: format!("pod: simulator, api_url: '{closed}', gateway_url: '{gateway}'"), ..half };
    vec![
        Cause { password: "n0t-the-0ne", ..password },
        Cause::new("a port where nobody listens", &closed, "no connection", "platform.api_url"),
        Cause::new("a host that nobody knows", &unknown_host(), "dns name", "platform.api_url"),
        Cause::new("a page of something else", &page_server(), "an HTML page", "something else answers"),
        Cause {
            platform: format!("{}, subscription: 11111111-2222-3333-4444-555555555555", other.platform),
            ..other
        },
        busy,
        barred,
        half,
    ]
}

/// The lines of a text that tell of the failure.
fn lines<'t>(text: &'t str, told: &str) -> Vec<&'t str> {
    text.lines().filter(|line| line.contains(told)).collect()
}

#[test]
fn what_keeps_every_kind_from_being_read_fails_every_command_with_one_message() {
    for cause in causes() {
        for sections in FILES {
            let folder = cause.folder(sections);
            let case = format!("{}, the file names {:?}", cause.name, sections);
            for args in [&["plan"][..], &["plan", "--detailed-exitcode"], &["apply", "--yes"]] {
                let ended = cause.run(&folder, args);
                assert_eq!(ended.code, 1, "{case}: {args:?}: {ended}");
                assert!(!ended.stdout.contains("in sync"), "{case}: {ended}");
                let told = lines(&ended.stdout, cause.told);
                assert_eq!(told.len(), 1, "{case}: {args:?}: {ended}");
                assert!(told[0].starts_with("x ") && told[0].contains(cause.hint), "{case}: {ended}");
                assert!(!ended.stdout.contains("warning: "), "{case}: {ended}");
            }
            let plan = cause.run(&folder, &["plan", "--format", "json"]).document("trueup.plan/v1");
            let failed = plan["failed"].as_array().unwrap();
            assert!(failed.len() > 4 && plan["summary"]["failed"] == failed.len(), "{case}: {plan:#}");
            assert!(plan["changes"].as_array().unwrap().is_empty(), "{case}: {plan:#}");
        }
    }
}

#[test]
fn a_daemon_that_sees_nothing_is_not_ready_and_counts_no_success() {
    for cause in causes() {
        for sections in FILES {
            let folder = cause.folder(sections);
            let case = format!("{}, the file names {:?}", cause.name, sections);
            let mut daemon = Daemon::spawn(cause.command(&folder, &["--log-format", "json", "run"]));
            let finished = daemon.finish_pass();
            assert_eq!(finished["outcome"], "failed", "{case}: {finished}");
            assert_eq!(daemon.named("pull_failed").len(), 1, "{case}: {:#?}", daemon.lines());
            let ready = daemon.get("/readyz");
            assert_eq!(ready.status, 503, "{case}: {ready:?}");
            assert_eq!(daemon.get("/healthz").status, 200, "{case}");
            let status = daemon.get("/api/v1/status").json();
            assert_eq!(status["last_success_at"], Value::Null, "{case}: {status:#}");
            let metrics = daemon.get("/metrics").body;
            let value = |name: &str| {
                let line = metrics.lines().find(|line| line.starts_with(&format!("{name} ")));
                line.map(|line| line.rsplit(' ').next().unwrap().to_owned())
            };
            let failed = value("trueup_failed_kinds").unwrap_or_default();
            assert!(failed.parse::<u64>().is_ok_and(|failed| failed > 4), "{case}: {failed}");
            let success = value("trueup_last_success_timestamp_seconds").unwrap_or("0".to_owned());
            assert_eq!(success, "0", "{case}");
            daemon.stop();
        }
    }
}
