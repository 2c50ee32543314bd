//! Logs: one line an event on stderr, as JSON for programs or as text for people.
//!
//! Callers use `tracing` with the event's stable name in the field `event`, further fields by their stable
//! names, and a message only where the name does not say it:
//!
//! ```
//! # let (address, fields) = ("aws/a", serde_json::json!(["regions"]));
//! tracing::warn!(event = "drift_detected", %address, json.fields = %fields, json.since = "null");
//! ```
//!
//! - JSON: `timestamp` (RFC 3339, UTC), `level`, `event`, then the fields in the caller's order at top level,
//!   `message` if there is one, and `target` where the event is not ours.
//! - **A field whose name starts with `json.` holds JSON text**: it becomes a JSON value under the name without
//!   the prefix (`fields` above is an array, `since` is null). Text that is no JSON stays a string.
//! - Fields of the spans around an event are its fields too; its own win.
//! - Values are data, also of the platform's making: control and bidirectional characters are escaped in both
//!   forms, so that no value can end a line, forge one, or colour a terminal.
//!
//! Where stderr is systemd's journal, each line bears its priority (so that `journalctl -p warning` shows the
//! drift), and text has no timestamp, since the journal has its own.

mod fields;
mod line;

use std::io::{self, Write as _};

use jiff::Timestamp;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use line::Lines;

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to stderr. `verbosity` is the number of `-v` less the number of `-q`.
///
/// Called again, it does nothing.
pub fn init(format: LogFormat, verbosity: i8, color: bool) {
    let journal = stderr_is_journal();
    let lines =
        Lines { format, color: color && !journal, journal, clock: Timestamp::now, write: write_to_stderr };
    let started = tracing_subscriber::registry().with(lines.with_filter(filter(verbosity))).try_init();
    if started.is_ok() && format == LogFormat::Json {
        // Else a panic would put lines of text between those of JSON.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            let message = panic.payload_as_str().unwrap_or("a panic");
            tracing::error!(event = "panicked", place, "{message}");
        }));
    }
}

/// What is logged. Ours is as loud as was asked for, all else whispers: at their most talkative, HTTP libraries
/// write down headers, and credentials are in headers.
fn filter(verbosity: i8) -> Targets {
    let (ours, others) = match verbosity {
        ..0 => (LevelFilter::WARN, LevelFilter::WARN),
        0 => (LevelFilter::INFO, LevelFilter::WARN),
        1 => (LevelFilter::DEBUG, LevelFilter::WARN),
        2.. => (LevelFilter::TRACE, LevelFilter::DEBUG),
    };
    let wire = ["h2", "hyper", "hyper_util", "reqwest", "rustls", "tower_http", "axum"];
    Targets::new()
        .with_default(others)
        .with_target("trueup", ours)
        .with_targets(wire.map(|target| (target, LevelFilter::WARN)))
}

/// Whether what is written to stderr ends in systemd's journal. The variable alone does not say so: programs
/// that systemd starts hand it on to theirs, whose stderr may be a terminal.
fn stderr_is_journal() -> bool {
    use std::os::unix::fs::MetadataExt;
    let Some(stream) = std::env::var_os("JOURNAL_STREAM") else { return false };
    let stderr = std::fs::metadata("/proc/self/fd/2");
    stderr.is_ok_and(|stderr| *stream == *format!("{}:{}", stderr.dev(), stderr.ino()))
}

fn write_to_stderr(line: &str) {
    // There is nobody left to tell if this fails.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing::{Level, debug, info, info_span, warn};

    use super::*;
    use crate::visible::acts;

    /// What `log` writes.
    fn lines(format: LogFormat, color: bool, journal: bool, log: impl FnOnce()) -> Vec<String> {
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let layer = Lines {
            format,
            color,
            journal,
            clock: || "2026-11-21T20:40:12.345678901Z".parse().unwrap(),
            write: move |line: &str| sink.lock().unwrap().push(line.to_owned()),
        };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        std::mem::take(&mut *written.lock().unwrap())
    }

    #[track_caller]
    fn check(log: impl Fn(), json: &str, text: &str) {
        assert_eq!(lines(LogFormat::Json, false, false, &log), [format!("{json}\n")]);
        assert_eq!(lines(LogFormat::Text, false, false, &log), [format!("{text}\n")]);
    }

    #[test]
    fn an_event_is_one_line_with_its_name_first_and_its_fields_in_order() {
        check(
            || info!(run_id = "r1", create = 1, ratio = 0.5, ok = true, event = "plan_computed"),
            r#"{"timestamp":"2026-11-21T20:40:12.345678Z","level":"INFO","event":"plan_computed","run_id":"r1","create":1,"ratio":0.5,"ok":true}"#,
            "2026-11-21T20:40:12Z INFO plan_computed run_id=r1 create=1 ratio=0.5 ok=true",
        );
    }

    #[test]
    fn a_message_stands_beside_the_event() {
        check(
            || warn!(event = "watch_failed", n = 2, "files are {}", "compared"),
            r#"{"timestamp":"2026-11-21T20:40:12.345678Z","level":"WARN","event":"watch_failed","message":"files are compared","n":2}"#,
            "2026-11-21T20:40:12Z WARN watch_failed files are compared n=2",
        );
    }

    #[test]
    fn fields_that_hold_json_become_values_under_their_own_name() {
        let fields = serde_json::json!(["regions", "run_frequency"]);
        check(
            || warn!(event = "drift_detected", address = "aws/a b", json.fields = %fields, json.since = "null", json.odd = "{"),
            r#"{"timestamp":"2026-11-21T20:40:12.345678Z","level":"WARN","event":"drift_detected","address":"aws/a b","fields":["regions","run_frequency"],"since":null,"odd":"{"}"#,
            r#"2026-11-21T20:40:12Z WARN drift_detected address="aws/a b" fields=["regions","run_frequency"] since=null odd={"#,
        );
    }

    #[test]
    fn what_the_platform_says_can_neither_end_a_line_nor_colour_it() {
        let evil = "x\n{\"level\":\"INFO\"}\r\u{1b}[31m\u{9b}\u{202e}";
        check(
            || warn!(event = "e", error = evil),
            r#"{"timestamp":"2026-11-21T20:40:12.345678Z","level":"WARN","event":"e","error":"x\n{\"level\":\"INFO\"}\r\u001b[31m\u009b\u202e"}"#,
            r#"2026-11-21T20:40:12Z WARN e error="x\n{\"level\":\"INFO\"}\r\u001b[31m\u009b\u202e""#,
        );
        let text = lines(LogFormat::Text, true, false, || warn!(event = "e", "{evil}"));
        assert!(
            text[0].contains(r"e\u{1b}[31m") || text[0].contains(r"\u{1b}[31m\u{9b}\u{202e}"),
            "{text:?}"
        );
        assert_eq!(text[0].matches('\n').count(), 1);
    }

    #[test]
    fn fields_of_spans_are_added_and_the_event_s_own_win() {
        let spans = || {
            let outer = info_span!("pass", run_id = "r1", address = "outer", later = tracing::field::Empty);
            outer.record("later", 7);
            let _outer = outer.enter();
            let _inner = info_span!("change", address = "inner").entered();
            info!(event = "e", address = "own");
            info!(event = "e");
        };
        let found = lines(LogFormat::Text, false, true, spans);
        assert_eq!(
            found,
            ["<6>INFO e address=own run_id=r1 later=7\n", "<6>INFO e address=inner run_id=r1 later=7\n"]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_comes_back_out_of_the_json(value: String, message: String) {
            let found = lines(LogFormat::Json, false, false, || info!(event = "e", value, "{message}"));
            let line = found[0].strip_suffix('\n').unwrap();
            assert!(!line.contains(acts), "{line:?}");
            let json: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&json["value"], &json["message"]), (&Value::from(value), &Value::from(message)));
        }

        #[test]
        fn any_text_stays_on_its_line_for_people(value: String, message: String) {
            let found = lines(LogFormat::Text, false, true, || info!(event = "e", value, "{message}"));
            assert!(!found[0].strip_suffix('\n').unwrap().contains(acts), "{found:?}");
        }
    }

    #[test]
    fn the_journal_gets_priorities_and_no_second_timestamp() {
        assert_eq!(lines(LogFormat::Text, false, true, || warn!(event = "e")), ["<4>WARN e\n"]);
        let json = lines(LogFormat::Json, false, true, || debug!(event = "e"));
        assert!(json[0].starts_with("<7>{\"timestamp\":"), "{json:?}");
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("could not listen")]
        struct Outer(#[source] io::Error);
        let error = Outer(io::Error::other("taken"));
        let found = lines(LogFormat::Text, false, true, || {
            info!(event = "e", error = &error as &(dyn Error + 'static));
        });
        assert_eq!(found, ["<6>INFO e error=\"could not listen: taken\"\n"]);
    }

    #[test]
    fn what_is_not_ours_names_its_origin_and_a_field_cannot_pose_as_the_level() {
        let found = lines(
            LogFormat::Json,
            false,
            false,
            || info!(target: "notify::inotify", level = "ERROR", "hello"),
        );
        assert_eq!(
            found,
            ["{\"timestamp\":\"2026-11-21T20:40:12.345678Z\",\"level\":\"INFO\",\"message\":\"hello\",\
              \"target\":\"notify::inotify\",\"field.level\":\"ERROR\"}\n"]
        );
    }

    /// What `stderr_gets` runs in a process of its own, since logging is started once a process.
    #[test]
    fn child_that_logs() {
        let Ok(format) = std::env::var("TRUEUP_TEST_LOG") else { return };
        init(if format == "json" { LogFormat::Json } else { LogFormat::Text }, 0, true);
        init(LogFormat::Text, 2, false);
        warn!(event = "drift_detected", n = 1);
        debug!(event = "too_much");
        let _ = std::panic::catch_unwind(|| panic!("a bug\nof two lines"));
    }

    /// The lines that the child writes to a file as its stderr, from the first event on.
    fn stderr_gets(format: &str, journal: bool) -> Vec<String> {
        use std::os::unix::fs::MetadataExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        let metadata = file.as_file().metadata().unwrap();
        let inode = if journal { metadata.ino() } else { metadata.ino() + 1 };
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "telemetry::tests::child_that_logs", "--nocapture"])
            .env("TRUEUP_TEST_LOG", format)
            .env("JOURNAL_STREAM", format!("{}:{inode}", metadata.dev()))
            .stdout(std::process::Stdio::null())
            .stderr(file.reopen().unwrap())
            .status();
        assert!(status.unwrap().success());
        std::fs::read_to_string(file.path()).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn json_on_stderr_is_json_even_when_it_panics() {
        let lines = stderr_gets("json", false);
        let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.len(), 2, "{lines:?}");
        assert_eq!(events[0]["event"], "drift_detected");
        assert_eq!((&events[1]["event"], &events[1]["level"]), (&"panicked".into(), &"ERROR".into()));
        assert_eq!(events[1]["message"], "a bug\nof two lines");
    }

    #[test]
    fn the_journal_is_known_by_what_stderr_is_and_not_by_the_variable_alone() {
        assert_eq!(stderr_gets("text", true)[0], "<4>WARN drift_detected n=1");
        let terminal = &stderr_gets("text", false)[0];
        assert!(terminal.starts_with("\u{1b}[2m20") && terminal.contains("drift_detected"), "{terminal:?}");
    }

    #[test]
    fn verbosity_never_reaches_what_writes_headers_down() {
        for (verbosity, target, level, expected) in [
            (-1, "trueup::plan", Level::WARN, true),
            (-1, "trueup::plan", Level::INFO, false),
            (0, "trueup", Level::INFO, true),
            (0, "trueup::plan", Level::DEBUG, false),
            (0, "notify", Level::INFO, false),
            (1, "trueup::plan", Level::DEBUG, true),
            (1, "notify", Level::INFO, false),
            (2, "trueup::plan", Level::TRACE, true),
            (2, "notify", Level::DEBUG, true),
            (2, "hyper::proto::h1::io", Level::DEBUG, false),
            (9, "hyper::proto", Level::TRACE, false),
            (9, "hyper_util::client", Level::DEBUG, false),
            (9, "reqwest::connect", Level::TRACE, false),
            (9, "h2::codec", Level::DEBUG, false),
            (9, "hyper", Level::WARN, true),
        ] {
            let enabled = filter(verbosity).would_enable(target, &level);
            assert_eq!(enabled, expected, "{target} at {level} with verbosity {verbosity}");
        }
    }

    #[test]
    fn no_line_is_longer_than_what_a_journal_keeps_and_json_stays_json() {
        let long = "é<&\u{202e}\"".repeat(20_000);
        let list: Value = (0..5000).map(|n| Value::from(format!("aws/{n}"))).collect();
        let nested = serde_json::json!({"a": [{"b": long, "c": list}], "d": long});
        for format in [LogFormat::Json, LogFormat::Text] {
            for (what, log) in [
                ("message", (&|| warn!(event = "x", "{long}")) as &dyn Fn()),
                ("field", &|| warn!(event = "x", error = long, "short")),
                ("list", &|| warn!(event = "x", json.list = %list)),
                ("nested", &|| warn!(event = "x", json.nested = %nested)),
                (
                    "all",
                    &|| warn!(event = "x", a = long, b = long, json.c = %list, json.d = %nested, "{long}"),
                ),
            ] {
                let line = lines(format, false, false, log).pop().unwrap();
                assert!(line.len() <= line::LONGEST_LINE, "{what}: {}", line.len());
                assert!(line.len() > 100 && line.ends_with('\n') && line.lines().count() == 1, "{what}");
                if format == LogFormat::Json {
                    let json: Value = serde_json::from_str(&line).unwrap();
                    assert_eq!((&json["event"], &json["level"]), (&"x".into(), &"WARN".into()));
                }
                assert!(line.contains("bytes in all") || line.contains(" more"), "{what}: {line}");
            }
        }
        let short = "é".repeat(4000);
        let line = lines(LogFormat::Json, false, false, || warn!(event = "x", "{short}")).pop().unwrap();
        assert!(line.contains(&short), "what fits is whole");
    }
}
