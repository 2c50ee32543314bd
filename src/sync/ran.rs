//! What came of a run, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::plan::run_error_lines;
use crate::resource::{Address, RunError};
use crate::span::span;
use crate::visible::visible;

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was asked for; how it goes is not known.
    Started,
    /// It is under way.
    Running,
    /// It ended well.
    Finished,
    /// It ended with errors, or could not be started or followed.
    Failed,
    /// It was not asked for.
    Refused,
}

impl Outcome {
    /// The word in text and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Started => "started",
            Outcome::Running => "running",
            Outcome::Finished => "finished",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
        }
    }
}

/// A run and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The object.
    pub address: Address,
    /// The platform's id, where there is one.
    pub id: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether that is what was asked for.
    pub well: bool,
    /// The platform's own word for the state that it was last seen in.
    pub state: Option<String>,
    /// The platform's own words for what went wrong.
    pub last_error: Option<String>,
    /// The errors of the run, the newest first.
    pub errors: Vec<RunError>,
    /// What a person should know.
    pub reason: Option<String>,
    /// How long it was followed.
    pub took: Duration,
}

impl Ran {
    /// It was not asked for.
    #[must_use]
    pub fn refused(address: Address, reason: impl Into<String>) -> Ran {
        Ran::not_started(address, None, Outcome::Refused, reason)
    }

    /// It could not be started.
    #[must_use]
    pub fn failed(address: Address, reason: impl Into<String>) -> Ran {
        Ran::not_started(address, None, Outcome::Failed, reason)
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let Ran { address, id, outcome, well: _, state, last_error, errors, reason, took: _ } = self;
        json!({
            "address": address,
            "id": id,
            "outcome": outcome.word(),
            "state": state,
            "last_error": last_error,
            "errors": errors,
            "reason": reason,
        })
    }

    pub(super) fn not_started(
        address: Address,
        id: Option<String>,
        outcome: Outcome,
        reason: impl Into<String>,
    ) -> Ran {
        Ran {
            address,
            id,
            outcome,
            well: false,
            state: None,
            last_error: None,
            errors: Vec::new(),
            reason: Some(reason.into()),
            took: Duration::ZERO,
        }
    }
}

/// What came of all of them, a line each, and a summary.
#[must_use]
pub fn text(runs: &[Ran]) -> String {
    let mut text = String::new();
    let longest = runs.iter().map(|ran| ran.address.to_string().chars().count()).max();
    let width = longest.unwrap_or_default().max(24);
    for ran in runs {
        let Ran { address, id: _, outcome, well, state, last_error, errors, reason, took } = ran;
        let ended = [state, last_error].into_iter().flatten().map(String::as_str).collect::<Vec<_>>();
        let ended = ended.join(": ");
        let after = if took.is_zero() { String::new() } else { format!("after {}", span(*took)) };
        let parts = [reason.as_deref().unwrap_or_default(), &ended, &after];
        let detail = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
        let sign = if *well { ' ' } else { 'x' };
        let line = format!("{sign} {:<width$} {:<9} {detail}", address.to_string(), outcome.word());
        let _ = writeln!(text, "{}", visible(line.trim_end()));
        for line in run_error_lines(errors) {
            let _ = writeln!(text, "{line}");
        }
    }
    let all = [Outcome::Started, Outcome::Running, Outcome::Finished, Outcome::Failed, Outcome::Refused];
    let counts: Vec<String> = all
        .iter()
        .map(|outcome| (runs.iter().filter(|ran| ran.outcome == *outcome).count(), outcome.word()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let _ = writeln!(text, "Sync: {}.", counts.join(", "));
    text
}
