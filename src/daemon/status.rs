//! What the daemon shows of itself, as plain data. Who writes it is the [board](super::board).
//!
//! The plan is kept as the JSON text that it was rendered to, and what is shown besides (drift, health, kinds
//! that failed) is read from that same text, so that no two views can disagree.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::triggers::Trigger;
use crate::desired::Problem;
use crate::reconcile::PassOutcome as Outcome;
use crate::resource::{Checked, RunError};

/// What the daemon is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The loop has not begun.
    Starting,
    /// It waits for a trigger.
    Idle,
    /// A pass runs.
    Reconciling,
    /// It was asked to stop, and finishes what is in flight.
    Stopping,
    /// The loop is gone.
    Ended,
}

/// What the daemon shows of itself.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// `trueup.status/v1`.
    pub format: &'static str,
    /// The version that runs.
    pub version: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// What it is doing.
    pub state: State,
    /// Whether the file is in force.
    pub config: Config,
    /// The pass that runs.
    pub current_pass: Option<CurrentPass>,
    /// The pass that ended last.
    pub last_pass: Option<LastPass>,
    /// When a pass last ended without failure.
    pub last_success_at: Option<Timestamp>,
    /// By when the next one has to, for the daemon to stay ready.
    #[serde(skip)]
    pub success_due_at: Option<Timestamp>,
    /// When a pass starts next by itself.
    pub next_pass_at: Option<Timestamp>,
    /// The last plan, without its changes: those are at `/api/v1/plan`.
    pub plan: Option<PlanHead>,
    /// Objects that drifted, by the last plan.
    pub drifted: Vec<Drifted>,
    /// Connectors that the platform reports errors of, by the last plan.
    pub unhealthy: Vec<Unhealthy>,
    /// Kinds that could not be read, by the last plan.
    pub failed: Vec<FailedKind>,
    /// The limit that the last plan exceeds: `{limit, allowed, wanted, kind, hint}`.
    pub blocked: Option<Value>,
    /// What came of the expectations: `{name, count, at_least, at_most, met, error}`.
    pub expectations: Vec<Checked>,
    /// The reports of the file, and what came of them.
    pub reports: Vec<ReportStatus>,
    /// The last plan as rendered.
    #[serde(skip)]
    pub plan_json: Option<Arc<str>>,
}

/// Whether the file is in force.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Config {
    /// Whether the file on disk is the one in force.
    pub ok: bool,
    /// When the one in force was loaded; `None` while there is none.
    pub loaded_at: Option<Timestamp>,
    /// When the file on disk was refused, if it is.
    pub rejected_at: Option<Timestamp>,
    /// The files that the one in force was read from.
    pub files: Vec<PathBuf>,
    /// Why the file on disk is refused.
    pub problems: Vec<ConfigProblem>,
}

/// A reason to refuse the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigProblem {
    /// The file, if it is in one.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl From<&Problem> for ConfigProblem {
    fn from(problem: &Problem) -> ConfigProblem {
        // The excerpt stays away: it is a line of the file, and HTTP has readers who may not see that.
        let Problem { place, excerpt: _, message, hint } = problem;
        ConfigProblem {
            file: place.as_ref().map(|place| place.file.to_string()),
            line: place.as_ref().map(|place| place.line),
            column: place.as_ref().map(|place| place.column),
            message: message.clone(),
            hint: hint.clone(),
        }
    }
}

/// A report of the file, and what came of it since the daemon was started.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ReportStatus {
    /// Which.
    pub name: String,
    /// When it is made next by itself.
    pub next_at: Option<Timestamp>,
    /// Since when it is being made.
    pub running_since: Option<Timestamp>,
    /// How it last ended.
    pub last: Option<LastReport>,
}

/// A report that ended.
#[derive(Debug, Clone, Serialize)]
pub struct LastReport {
    /// `made`, `failed` or `stopped`.
    pub outcome: &'static str,
    /// The platform's id, if it was asked for.
    pub id: Option<String>,
    /// The file that was made.
    pub file: Option<PathBuf>,
    /// Its size.
    pub bytes: Option<u64>,
    /// Why there is none.
    pub error: Option<String>,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
}

/// A pass that runs.
#[derive(Debug, Clone, Serialize)]
pub struct CurrentPass {
    /// Its name in the log.
    pub run_id: String,
    /// Why it runs.
    pub trigger: Trigger,
    /// Since when.
    pub started_at: Timestamp,
}

/// A pass that ended.
#[derive(Debug, Clone, Serialize)]
pub struct LastPass {
    /// Its name in the log.
    pub run_id: String,
    /// Why it ran.
    pub trigger: Trigger,
    /// How it ended.
    pub outcome: Outcome,
    /// What failed, where no plan says so.
    pub error: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
}

/// A plan without its changes. What an older or newer plan leaves out is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanHead {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub generated_at: Option<String>,
    /// The platform.
    pub platform: String,
    /// The policy: `dry-run` or `enforce`.
    pub policy: String,
    /// The detailed exit code that `plan` would give.
    pub exit: Option<i64>,
    /// What it counts.
    pub summary: PlanSummary,
}

/// What a plan counts. The fields are those of `summary` in the plan's JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the words of the plan")]
pub struct PlanSummary {
    pub create: u64,
    pub update: u64,
    pub replace: u64,
    pub delete: u64,
    pub held: u64,
    pub unchanged: u64,
    pub unmanaged: u64,
    pub unhealthy: u64,
    pub failed: u64,
    pub unverified: u64,
    pub live: u64,
    pub declared: u64,
}

/// An object that drifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drifted {
    /// Which.
    pub address: String,
    /// What would undo it.
    pub action: String,
    /// The fields that drifted. Never their values.
    pub fields: Vec<String>,
    /// Since when, if that is known.
    pub since: Option<String>,
}

/// A connector that the platform reports errors of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unhealthy {
    /// Which.
    pub address: String,
    /// Its id on the platform.
    pub id: Option<String>,
    /// The platform's word for its state.
    pub state: Option<String>,
    /// The platform's own words.
    pub last_error: Option<String>,
    /// The errors of that run, the newest first.
    pub errors: Vec<RunError>,
    /// What people call what it looks into, where the platform tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A kind that could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailedKind {
    /// Which.
    pub kind: String,
    /// Why.
    pub error: String,
}

/// What of a plan's JSON is read here and by the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PlanView {
    pub(super) changes: Vec<ChangeView>,
    pub(super) unmanaged: Vec<AddressView>,
    pub(super) unverified: Vec<AddressView>,
    pub(super) unhealthy: Vec<Unhealthy>,
    pub(super) failed: Vec<FailedKind>,
    pub(super) blocked: Option<Value>,
    pub(super) warnings: Vec<Value>,
    pub(super) expectations: Vec<Checked>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChangeView {
    pub(super) address: String,
    pub(super) action: String,
    pub(super) cause: Option<String>,
    pub(super) since: Option<String>,
    pub(super) held: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) fields: Vec<FieldView>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FieldView {
    pub(super) path: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AddressView {
    pub(super) address: String,
}

/// Why `/readyz` says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// No file that could be put in force was seen yet.
    #[error("no valid configuration")]
    NoConfig,
    /// No pass has ended yet.
    #[error("the first pass has not finished")]
    FirstPass,
    /// No pass has succeeded for three intervals.
    #[error("no pass has succeeded for three intervals")]
    Stale,
    /// Every pass so far has failed, or was blocked.
    #[error("no pass has succeeded yet")]
    NoSuccess,
    /// It is about to end.
    #[error("stopping")]
    Stopping,
}

impl Status {
    /// Whether the daemon does its work.
    pub fn ready(&self, now: Timestamp) -> Result<(), NotReady> {
        match self.state {
            State::Stopping | State::Ended => return Err(NotReady::Stopping),
            State::Starting | State::Idle | State::Reconciling => {}
        }
        if self.config.loaded_at.is_none() {
            return Err(NotReady::NoConfig);
        }
        if self.last_pass.is_none() {
            return Err(NotReady::FirstPass);
        }
        if self.last_success_at.is_none() {
            return Err(NotReady::NoSuccess);
        }
        if self.success_due_at.is_some_and(|due| due < now) {
            return Err(NotReady::Stale);
        }
        Ok(())
    }

    /// All of it in one line, the most important first: whoever shows it may cut it.
    #[must_use]
    pub fn line(&self) -> String {
        let time = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        let mut parts = Vec::new();
        match &self.last_pass {
            Some(pass) => parts.push(pass.outcome.word().replace('_', " ")),
            None => parts.push("the first pass has not finished".to_owned()),
        }
        if let (false, Some(since)) = (self.config.ok, self.config.rejected_at) {
            let more = self.config.problems.len().saturating_sub(1);
            let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            let first = self.config.problems.first();
            let why = first.map(|problem| format!(": {}{more}", problem.line())).unwrap_or_default();
            parts.push(format!("the file on disk is refused since {}{why}", time(since)));
        }
        if let Some(PlanHead { platform, policy, summary, .. }) = &self.plan {
            let PlanSummary { create, update, replace, delete, held, unchanged, .. } = *summary;
            let wanted = create + update + replace + delete;
            parts.push(format!(
                "{platform}, {policy}: {wanted} to change, {} drifted, {held} held, {unchanged} unchanged",
                self.drifted.len()
            ));
        }
        parts.extend(self.next_pass_at.map(|at| format!("next pass {}", time(at))));
        parts.join(" · ")
    }
}

impl ConfigProblem {
    /// The problem in a few words.
    fn line(&self) -> String {
        let message: String = self.message.chars().take(60).collect();
        match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: {message}"),
            (_, _) => message,
        }
    }
}

impl ChangeView {
    /// Held changes count too: that nobody may undo it does not make it less of a drift.
    pub(super) fn into_drifted(self) -> Option<Drifted> {
        match self.cause.as_deref() {
            Some("drift" | "both") => Some(Drifted {
                address: self.address,
                action: self.action,
                fields: self.fields.into_iter().map(|field| field.path).collect(),
                since: self.since,
            }),
            Some(_) | None => None,
        }
    }
}
