//! `trueup history`: what was changed, when and why. Reads the journal alone.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};
use serde_json::{Value, json};

use super::{Common, Format, output, shown};
use crate::error::one_line;
use crate::exit::Exit;
use crate::journal::{AddressPattern, Entry, Journal, JournalError, Query};
use crate::plan::{Action, field_lines};
use crate::visible::visible;

#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// Changes since then alone: 24h, 7d, 2026-11-01, or a time as in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// Changes of these objects alone: addresses as in the plan, or patterns of them, as in 'aws/prod-*'
    #[arg(long, value_name = "ADDRESS", num_args = 1.., value_parser = pattern)]
    address: Vec<AddressPattern>,
    /// The newest changes alone, so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Read this journal, instead of the one that the file names
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// How the changes are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn since(text: &str) -> Result<Timestamp, String> {
    since_from(text, Timestamp::now())
}

/// A time, or how long it is ago; without a zone it is meant in UTC.
fn since_from(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(at) = text.parse::<DateTime>() {
        return at.to_zoned(TimeZone::UTC).map(|at| at.timestamp()).map_err(|error| error.to_string());
    }
    let ago = text.parse::<Span>().ok().filter(|span| !span.is_negative());
    let ago = ago.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    ago.and_then(|ago| now.checked_sub(ago).ok()).ok_or_else(|| {
        format!("`{text}` is no time: expected one as in 24h, 7d, 2026-11-01 or 2026-11-01T06:00:00Z")
    })
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a parser of an argument")]
fn pattern(text: &str) -> Result<AddressPattern, String> {
    Ok(AddressPattern::from(text.to_owned()))
}

pub(super) fn run(common: &Common, args: &HistoryArgs) -> Exit {
    common.start_logs(-1);
    let path = match journal_of(common, args) {
        Ok(path) => path,
        Err(exit) => return exit,
    };
    let query = Query { since: args.since, addresses: &args.address, limit: args.limit };
    let entries = match Journal::history(&path, &query) {
        Ok(entries) => entries,
        Err(JournalError::Missing { path }) => {
            let message = format!("there is no journal {}: nothing was applied from here yet", shown(&path));
            let hint = "a daemon under systemd keeps it in its state directory: \
                        --journal /var/lib/trueup/trueup.db";
            return output::fail(args.format, Exit::Failure, &message, Some(hint));
        }
        Err(error) => return output::fail(args.format, Exit::Failure, &one_line(&error), None),
    };
    match args.format {
        Format::Text => output::say(&entries.iter().map(entry_text).collect::<String>()),
        Format::Json => output::say_json(&json!({
            "format": "trueup.history/v1",
            "entries": entries.iter().map(entry_json).collect::<Vec<_>>(),
        })),
    }
    Exit::Success
}

/// The journal that is asked for. What goes wrong is said; the error is the exit code.
fn journal_of(common: &Common, args: &HistoryArgs) -> Result<PathBuf, Exit> {
    if let Some(path) = &args.journal {
        return Ok(path.clone());
    }
    let desired = common.load().map_err(|rejected| output::reject(args.format, &rejected))?;
    desired.settings.journal.ok_or_else(|| {
        let hint = "nothing is remembered without one; name a file, as in journal: ./trueup.db";
        output::fail(args.format, Exit::Failure, "the file says journal: off", Some(hint))
    })
}

fn entry_text(entry: &Entry) -> String {
    let Entry {
        at,
        run_id,
        trigger,
        subscription,
        address,
        kind: _,
        action,
        cause,
        id,
        outcome,
        error,
        took,
        fields,
    } = entry;
    let known = Action::ALL.iter().copied().find(|known| known.word() == action);
    let symbol = known.map_or('?', Action::symbol);
    let run: String = run_id.chars().take(8).collect();
    let id = id.as_ref().map(|id| format!(" · id {id}")).unwrap_or_default();
    let of = subscription.as_ref().map(|name| format!(" · {name}")).unwrap_or_default();
    let took = took.map(|took| format!(" · {} ms", took.as_millis())).unwrap_or_default();
    let (outcome, error) = match (outcome.as_deref(), error) {
        (None, _) => ("under way".to_owned(), String::new()),
        (Some("unknown"), Some(error)) => (format!("unknown ({error})"), String::new()),
        (Some(outcome), Some(error)) => (outcome.to_owned(), format!(": {error}")),
        (Some(outcome), None) => (outcome.to_owned(), String::new()),
    };
    let at = at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let line = format!(
        "{at} {symbol} {address:<24} {action:<7} {outcome:<7}  {cause} · {trigger} · run {run}{of}{id}{took}{error}"
    );
    let mut text = String::new();
    let _ = writeln!(text, "{}", visible(&line));
    text.push_str(&field_lines(fields, known.unwrap_or(Action::Update)));
    text
}

fn entry_json(entry: &Entry) -> Value {
    let Entry {
        at,
        run_id,
        trigger,
        subscription,
        address,
        kind,
        action,
        cause,
        id,
        outcome,
        error,
        took,
        fields,
    } = entry;
    json!({
        "at": at,
        "run_id": run_id,
        "trigger": trigger,
        "subscription": subscription,
        "address": address,
        "kind": kind,
        "action": action,
        "cause": cause,
        "id": id,
        "outcome": outcome,
        "error": error,
        "duration_ms": took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        "fields": fields,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_how_long_it_is_ago() {
        let now: Timestamp = "2026-11-22T06:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("24h", "2026-11-21T06:00:00Z"),
            ("7d", "2026-11-15T06:00:00Z"),
            ("1w", "2026-11-15T06:00:00Z"),
            ("1h30m", "2026-11-22T04:30:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2026-11-01T08:15", "2026-11-01T08:15:00Z"),
            ("2026-11-01T08:15:00+02:00", "2026-11-01T06:15:00Z"),
        ] {
            assert_eq!(since_from(text, now).unwrap().to_string(), expected, "{text}");
        }
        for wrong in ["", "yesterday", "-1h", "1mo", "24", "2026-13-01"] {
            let error = since_from(wrong, now).unwrap_err();
            assert!(error.contains("expected one as in 24h"), "{wrong}: {error}");
        }
    }

    fn entry(outcome: Option<&str>, error: Option<&str>) -> Entry {
        Entry {
            at: "2026-11-22T06:00:00.123Z".parse().unwrap(),
            run_id: "0f9a1b2c-3d4e".to_owned(),
            trigger: "apply".to_owned(),
            subscription: None,
            address: "aws/a".to_owned(),
            kind: "aws".to_owned(),
            action: "update".to_owned(),
            cause: "drift".to_owned(),
            id: Some("7".to_owned()),
            outcome: outcome.map(str::to_owned),
            error: error.map(str::to_owned),
            took: None,
            fields: Vec::new(),
        }
    }

    #[test]
    fn an_entry_is_a_line_that_tells_its_outcome() {
        let head = "2026-11-22T06:00:00Z ~ aws/a                    update  ";
        let tail = "  drift · apply · run 0f9a1b2c · id 7";
        for (outcome, error, told, at_the_end) in [
            (Some("applied"), None, "applied", ""),
            (Some("failed"), Some("no \u{1b}[31m"), "failed ", ": no \\u{1b}[31m"),
            (Some("unknown"), Some("lost"), "unknown (lost)", ""),
            (None, None, "under way", ""),
        ] {
            let line = entry_text(&entry(outcome, error));
            assert_eq!(line, format!("{head}{told}{tail}{at_the_end}\n"));
        }
    }
}
