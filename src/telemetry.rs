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

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use jiff::Timestamp;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

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

/// The layer that writes each event as a line.
struct Lines<C, W> {
    format: LogFormat,
    color: bool,
    journal: bool,
    clock: C,
    write: W,
}

impl<S, C, W> Layer<S> for Lines<C, W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    C: Fn() -> Timestamp + 'static,
    W: Fn(&str) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.append_missing(outer);
            }
        }
        let metadata = event.metadata();
        let ours = metadata.target().split("::").next() == Some("trueup");
        let target = (!ours).then_some(metadata.target());
        let line = self.line(*metadata.level(), target, &fields);
        (self.write)(&line);
    }
}

impl<C: Fn() -> Timestamp, W> Lines<C, W> {
    fn line(&self, level: Level, target: Option<&str>, fields: &Fields) -> String {
        let mut line = String::with_capacity(256);
        // Writing to a String cannot fail.
        let _ = self.write_line(&mut line, level, target, fields);
        line.push('\n');
        line
    }

    fn write_line(
        &self,
        line: &mut String,
        level: Level,
        target: Option<&str>,
        fields: &Fields,
    ) -> fmt::Result {
        let Fields { event, message, rest } = fields;
        if self.journal {
            write!(line, "<{}>", priority(level))?;
        }
        match self.format {
            LogFormat::Json => {
                write!(line, r#"{{"timestamp":"{:.6}","level":"{level}""#, (self.clock)())?;
                let named = [("event", event.as_ref()), ("message", message.as_ref())];
                for (name, text) in named {
                    if let Some(text) = text {
                        write!(line, r#","{name}":"#)?;
                        write_json(line, &Value::from(text.as_str()))?;
                    }
                }
                if let Some(target) = target {
                    line.push_str(r#","target":"#);
                    write_json(line, &Value::from(target))?;
                }
                for (name, value) in rest {
                    line.push(',');
                    write_json(line, &Value::from(field_name(name)))?;
                    line.push(':');
                    write_json(line, value)?;
                }
                line.push('}');
            }
            LogFormat::Text => {
                if !self.journal {
                    write!(line, "{} ", self.dim(&format!("{:.0}", (self.clock)())))?;
                }
                write!(line, "{}", self.level(level))?;
                if let Some(target) = target {
                    write!(line, " {}", self.dim(&format!("{target}:")))?;
                }
                if let Some(event) = event {
                    line.push(' ');
                    self.bold(line, event)?;
                }
                if let Some(message) = message {
                    line.push(' ');
                    escape(line, message)?;
                }
                for (name, value) in rest {
                    write!(line, " {}", self.dim(&format!("{name}=")))?;
                    write_text(line, value)?;
                }
            }
        }
        Ok(())
    }

    fn level(&self, level: Level) -> String {
        let code = match level {
            Level::ERROR => 31,
            Level::WARN => 33,
            Level::INFO => 32,
            Level::DEBUG => 34,
            Level::TRACE => 35,
        };
        if self.color { format!("\x1b[{code}m{level}\x1b[0m") } else { format!("{level}") }
    }

    fn dim(&self, text: &str) -> String {
        if self.color { format!("\x1b[2m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(&self, line: &mut String, text: &str) -> fmt::Result {
        if !self.color {
            return escape(line, text);
        }
        line.push_str("\x1b[1m");
        escape(line, text)?;
        line.write_str("\x1b[0m")
    }
}

/// Syslog's number.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// Names that the line itself has; a field may not say them again.
fn field_name(name: &str) -> String {
    match name {
        "timestamp" | "level" | "target" => format!("field.{name}"),
        _ => name.to_owned(),
    }
}

/// Characters that could do something to a terminal or to the order in which a line is read.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON on one line. JSON itself escapes only some of what [`is_unsafe`].
fn write_json(line: &mut String, value: &Value) -> fmt::Result {
    for c in value.to_string().chars() {
        // These are all within the 16 bits that the escape has, and stand in strings alone.
        if is_unsafe(c) { write!(line, "\\u{:04x}", u32::from(c))? } else { line.push(c) }
    }
    Ok(())
}

/// A value for people: bare where it is one plain word, as JSON otherwise.
fn write_text(line: &mut String, value: &Value) -> fmt::Result {
    match value {
        Value::String(text) if is_plain(text) => line.write_str(text),
        other => write_json(line, other),
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && !text.chars().any(|c| c.is_whitespace() || is_unsafe(c) || matches!(c, '"' | '=' | '\\'))
}

/// Text without quotes, in which nothing unsafe is left.
fn escape(line: &mut String, text: &str) -> fmt::Result {
    for c in text.chars() {
        if is_unsafe(c) { write!(line, "{}", c.escape_default())? } else { line.push(c) }
    }
    Ok(())
}

/// The fields of an event or a span, in the caller's order.
#[derive(Debug, Default)]
struct Fields {
    event: Option<String>,
    message: Option<String>,
    rest: Vec<(&'static str, Value)>,
}

impl Fields {
    fn set(&mut self, field: &Field, value: Value) {
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        match field.name() {
            "event" => self.event = Some(text(value)),
            "message" => self.message = Some(text(value)),
            name => {
                let (name, value) = match (name.strip_prefix("json."), value) {
                    (Some(name), Value::String(text)) => {
                        (name, serde_json::from_str(&text).unwrap_or(Value::String(text)))
                    }
                    (Some(name), value) => (name, value),
                    (None, value) => (name, value),
                };
                match self.rest.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => *known = value,
                    None => self.rest.push((name, value)),
                }
            }
        }
    }

    /// Adds what only the other has. A span's `event` or `message` would not be this event's.
    fn append_missing(&mut self, other: &Fields) {
        for (name, value) in &other.rest {
            if !self.rest.iter().any(|(known, _)| known == name) {
                self.rest.push((name, value.clone()));
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, Value::from(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.set(field, i64::try_from(value).map_or_else(|_| Value::from(value.to_string()), Value::from));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field, u64::try_from(value).map_or_else(|_| Value::from(value.to_string()), Value::from));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, Value::from(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(error) = source {
            // Writing to a String cannot fail.
            let _ = write!(text, ": {error}");
            source = error.source();
        }
        self.set(field, Value::String(text));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{debug, info, info_span, warn};

    use super::*;

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
            assert!(!line.contains(is_unsafe), "{line:?}");
            let json: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&json["value"], &json["message"]), (&Value::from(value), &Value::from(message)));
        }

        #[test]
        fn any_text_stays_on_its_line_for_people(value: String, message: String) {
            let found = lines(LogFormat::Text, false, true, || info!(event = "e", value, "{message}"));
            assert!(!found[0].strip_suffix('\n').unwrap().contains(is_unsafe), "{found:?}");
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
}
