//! What the daemon shows of itself: plain data on a board that the loop writes and HTTP reads.
//!
//! Whoever has something to say says it once, here; the metrics that follow from it are set along with it.
//! The plan is kept as the JSON text that it was rendered to, and what is shown besides (drift, health, kinds
//! that failed) is read from that same text, so that no two views can disagree.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use super::metrics::Metrics;
use super::triggers::Trigger;
use crate::desired::Problem;
use crate::reconcile::PassOutcome as Outcome;
use crate::report::{Made, Outcome as ReportOutcome};
use crate::resource::{AssessmentReport, Checked, RunError};

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
        let Problem { place, excerpt: _, caret: _, message, hint } = problem;
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
    /// It is about to end.
    #[error("stopping")]
    Stopping,
}

impl Status {
    /// Whether the daemon does its work.
    pub fn ready(&self) -> Result<(), NotReady> {
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
        Ok(())
    }
}

/// A plan that is not the JSON it should be.
#[derive(Debug, thiserror::Error)]
#[error("could not read the plan that was rendered")]
pub struct PlanError(#[from] serde_json::Error);

/// Where the status hangs. Clones share it.
#[derive(Debug, Clone)]
pub struct Board {
    status: Arc<watch::Sender<Status>>,
    metrics: Arc<Metrics>,
}

impl Board {
    /// A daemon that was started `now`.
    #[must_use]
    pub fn new(version: &str, now: Timestamp) -> Board {
        let status = Status {
            format: "trueup.status/v1",
            version: version.to_owned(),
            started_at: to_millisecond(now),
            state: State::Starting,
            config: Config::default(),
            current_pass: None,
            last_pass: None,
            last_success_at: None,
            next_pass_at: None,
            plan: None,
            drifted: Vec::new(),
            unhealthy: Vec::new(),
            failed: Vec::new(),
            blocked: None,
            expectations: Vec::new(),
            reports: Vec::new(),
            plan_json: None,
        };
        Board { status: Arc::new(watch::Sender::new(status)), metrics: Arc::new(Metrics::new(version)) }
    }

    /// What it shows now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// The metrics, for what is not on the board.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Sees every change from now on.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// The loop begins. It counts as alive until what is returned is dropped, by whatever way.
    #[must_use]
    pub fn loop_begins(&self) -> Alive {
        self.state(State::Idle);
        Alive(self.clone())
    }

    /// Whether the loop is alive, or has yet to begin.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.status.borrow().state != State::Ended
    }

    /// A file was put in force.
    pub fn config_loaded(&self, files: &[PathBuf], now: Timestamp) {
        self.metrics.config_ok(true);
        self.status.send_modify(|status| {
            status.config = Config {
                ok: true,
                loaded_at: Some(to_millisecond(now)),
                rejected_at: None,
                files: files.to_vec(),
                problems: Vec::new(),
            };
        });
    }

    /// The file on disk was refused. What was in force stays so.
    pub fn config_rejected(&self, problems: &[Problem], now: Timestamp) {
        self.metrics.config_ok(false);
        self.status.send_modify(|status| {
            status.config.ok = false;
            status.config.rejected_at = Some(to_millisecond(now));
            status.config.problems = problems.iter().map(ConfigProblem::from).collect();
        });
    }

    /// A pass begins.
    pub fn pass_begins(&self, run_id: &str, trigger: Trigger, now: Timestamp) {
        self.status.send_modify(|status| {
            status.current_pass =
                Some(CurrentPass { run_id: run_id.to_owned(), trigger, started_at: to_millisecond(now) });
            if status.state == State::Idle {
                status.state = State::Reconciling;
            }
        });
    }

    /// A plan was made: its JSON, as `/api/v1/plan` is to give it.
    pub fn plan(&self, json: Arc<str>) -> Result<(), PlanError> {
        let head: PlanHead = serde_json::from_str(&json)?;
        let view: PlanView = serde_json::from_str(&json)?;
        let PlanView {
            changes,
            unmanaged: _,
            unverified: _,
            unhealthy,
            failed,
            blocked,
            warnings: _,
            expectations,
        } = view;
        let drifted: Vec<Drifted> = changes.into_iter().filter_map(ChangeView::into_drifted).collect();
        self.metrics.plan(&head.summary);
        self.metrics.drifted(drifted.len() as u64);
        self.metrics.expectations(&expectations);
        self.status.send_modify(|status| {
            status.plan = Some(head);
            status.drifted = drifted;
            status.unhealthy = unhealthy;
            status.failed = failed;
            status.blocked = blocked;
            status.expectations = expectations;
            status.plan_json = Some(json);
        });
        Ok(())
    }

    /// The pass that began has ended. `error` is for what no plan says.
    pub fn pass_ends(&self, outcome: Outcome, error: Option<String>, now: Timestamp, duration: Duration) {
        self.status.send_modify(|status| {
            let Some(CurrentPass { run_id, trigger, started_at }) = status.current_pass.take() else {
                return;
            };
            self.metrics.pass(trigger, outcome, duration);
            if outcome.is_success() {
                self.metrics.succeeded(now);
                status.last_success_at = Some(to_millisecond(now));
            }
            status.last_pass = Some(LastPass {
                run_id,
                trigger,
                outcome,
                error,
                started_at,
                finished_at: to_millisecond(now),
                duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            });
            if status.state == State::Reconciling {
                status.state = State::Idle;
            }
        });
    }

    /// These are the reports of the file. What came of one that was there before is kept.
    pub fn reports_loaded(&self, reports: &[AssessmentReport]) {
        self.metrics.reports_loaded(reports);
        self.status.send_modify(|status| {
            let mut before = std::mem::take(&mut status.reports);
            let keep = |report: &AssessmentReport| {
                let known = before.iter_mut().find(|known| known.name == report.name).map(std::mem::take);
                known.unwrap_or_else(|| ReportStatus { name: report.name.clone(), ..ReportStatus::default() })
            };
            status.reports = reports.iter().map(keep).collect();
        });
    }

    /// When reports are made next by themselves, by their names.
    pub fn reports_due(&self, next: impl Fn(&str) -> Option<Timestamp>) {
        self.status.send_modify(|status| {
            for report in &mut status.reports {
                report.next_at = next(&report.name);
            }
        });
    }

    /// A report is being made.
    pub fn report_begins(&self, name: &str, now: Timestamp) {
        self.report(name, |report| report.running_since = Some(to_millisecond(now)));
    }

    /// A report has ended.
    pub fn report_ends(&self, outcome: &ReportOutcome, now: Timestamp) {
        let ReportOutcome { name, id, result, took } = outcome;
        self.metrics.report(outcome, now);
        let made = result.as_ref().ok();
        let last = LastReport {
            outcome: outcome.word(),
            id: id.clone(),
            file: made.map(|Made { file, .. }| file.clone()),
            bytes: made.map(|Made { bytes, .. }| *bytes),
            error: result.as_ref().err().map(ToString::to_string),
            finished_at: to_millisecond(now),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        };
        self.report(name, |report| {
            report.running_since = None;
            report.last = Some(last);
        });
    }

    /// One that the file does not name any more has no row.
    fn report(&self, name: &str, change: impl FnOnce(&mut ReportStatus)) {
        self.status.send_modify(|status| {
            if let Some(report) = status.reports.iter_mut().find(|report| report.name == name) {
                change(report);
            }
        });
    }

    /// When a pass starts next by itself.
    pub fn next_pass(&self, at: Option<Timestamp>) {
        self.status.send_modify(|status| status.next_pass_at = at.map(to_millisecond));
    }

    /// It was asked to stop.
    pub fn stopping(&self) {
        self.state(State::Stopping);
    }

    fn state(&self, state: State) {
        self.status.send_modify(|status| status.state = state);
    }
}

/// Nobody needs to read nanoseconds.
fn to_millisecond(at: Timestamp) -> Timestamp {
    at.round(jiff::Unit::Millisecond).unwrap_or(at)
}

impl ChangeView {
    /// Held changes count too: that nobody may undo it does not make it less of a drift.
    fn into_drifted(self) -> Option<Drifted> {
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

/// The loop is alive while this is held.
#[derive(Debug)]
pub struct Alive(Board);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.state(State::Ended);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const PLAN: &str = r#"{"format": "trueup.plan/v1", "id": "7f3c9a12", "generated_at": "2026-11-21T20:40:12Z",
        "platform": "US1", "policy": "dry-run", "exit": 6,
        "summary": {"create": 1, "update": 1, "held": 1, "unchanged": 413, "unmanaged": 1, "unhealthy": 1,
                    "failed": 1, "live": 418, "declared": 415, "new_in_a_later_version": 1},
        "changes": [
          {"address": "aws/prod-payments", "action": "create", "cause": "pending", "since": null, "held": null,
           "reason": "in connectors/aws.yaml:14, not live",
           "fields": [{"path": "run_frequency", "before": null, "after": "4h"}, {"path": "key", "sensitive": true}]},
          {"address": "azure/corp-shared", "action": "update", "cause": "drift", "since": "2026-11-21T02:14:00Z",
           "held": null, "reason": "drifted", "fields": [{"path": "run_frequency", "before": "2h", "after": "4h"}]},
          {"address": "gcp/old", "action": "delete", "cause": "both", "held": "prune: never", "fields": []}],
        "unmanaged": [{"address": "aws/old", "id": "12"}],
        "unhealthy": [{"address": "aws/x", "id": "13", "state": "FINISHED_ERRORS", "last_error": "<b>no</b> access"}],
        "failed": [{"kind": "oci", "error": "the platform said 500"}],
        "blocked": {"limit": "max_deletes", "allowed": 5, "wanted": 14, "kind": "aws", "hint": "raise it"},
        "warnings": ["a warning"],
        "expectations": [{"name": "<b>hosts</b>", "count": 0, "at_least": 1, "at_most": null, "met": false, "error": null}]}"#;

    pub(in super::super) fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn problem(message: &str) -> Problem {
        Problem {
            place: None,
            excerpt: Some("password: hunter2".into()),
            caret: 0,
            message: message.into(),
            hint: None,
        }
    }

    #[test]
    fn drift_health_and_failures_are_read_from_the_plan_itself() {
        let board = Board::new("1", at(0));
        board.plan(PLAN.into()).unwrap();
        let status = board.status();
        let drifted: Vec<_> = status.drifted.iter().map(|drifted| drifted.address.as_str()).collect();
        assert_eq!(drifted, ["azure/corp-shared", "gcp/old"]);
        assert_eq!(status.drifted[0].fields, ["run_frequency"]);
        assert_eq!(status.unhealthy[0].state.as_deref(), Some("FINISHED_ERRORS"));
        assert_eq!(status.failed[0].kind, "oci");
        assert_eq!(status.blocked.unwrap()["wanted"], 14);
        assert_eq!((status.expectations[0].count, status.expectations[0].met), (Some(0), Some(false)));
        assert_eq!(status.plan.unwrap().summary.live, 418);
        assert_eq!(status.plan_json.as_deref(), Some(PLAN));
        assert!(board.metrics().render().contains("\ntrueup_drifted 2\n"));
    }

    #[test]
    fn text_that_is_no_plan_leaves_the_board_as_it_was() {
        let board = Board::new("1", at(0));
        board.plan(PLAN.into()).unwrap();
        assert!(board.plan("{".into()).is_err());
        assert_eq!(board.status().plan_json.as_deref(), Some(PLAN));
    }

    #[test]
    fn it_is_ready_once_a_pass_has_ended_on_a_valid_file_and_until_it_stops() {
        let board = Board::new("1", at(0));
        let alive = board.loop_begins();
        assert_eq!(board.status().ready(), Err(NotReady::NoConfig));
        board.config_rejected(&[problem("wrong")], at(1));
        assert_eq!(board.status().ready(), Err(NotReady::NoConfig));
        board.config_loaded(&[], at(2));
        board.pass_begins("r1", Trigger::Startup, at(3));
        assert_eq!(board.status().ready(), Err(NotReady::FirstPass));
        board.pass_ends(Outcome::Failed, Some("no answer".into()), at(4), Duration::from_secs(1));
        assert_eq!(board.status().ready(), Ok(()));
        // The last good file stays in force.
        board.config_rejected(&[problem("wrong")], at(5));
        assert_eq!(board.status().ready(), Ok(()));
        board.stopping();
        assert_eq!(board.status().ready(), Err(NotReady::Stopping));
        assert!(board.is_alive());
        drop(alive);
        assert!(!board.is_alive());
    }

    #[test]
    fn a_refused_file_shows_its_problems_without_its_lines_until_one_is_accepted() {
        let board = Board::new("1", at(0));
        board.config_loaded(&["/etc/trueup/config.yaml".into()], at(1));
        board.config_rejected(&[problem("unknown field `colour`")], at(2));
        let json = serde_json::to_string(&board.status()).unwrap();
        assert!(json.contains("unknown field `colour`"), "{json}");
        assert!(!json.contains("hunter2"), "{json}");
        let config = board.status().config;
        assert!(!config.ok && config.loaded_at.is_some() && config.files.len() == 1);
        assert!(board.metrics().render().contains("\ntrueup_config_ok 0\n"));
        board.config_loaded(&[], at(3));
        assert!(board.status().config.problems.is_empty());
        assert!(board.metrics().render().contains("\ntrueup_config_ok 1\n"));
    }

    #[test]
    fn a_pass_shows_while_it_runs_and_what_became_of_it_afterwards() {
        let board = Board::new("1", at(0));
        let _alive = board.loop_begins();
        board.pass_begins("r1", Trigger::Requested, at(10));
        assert_eq!(board.status().state, State::Reconciling);
        board.pass_ends(Outcome::Applied, None, at(12), Duration::from_millis(1900));
        let status = board.status();
        assert_eq!(status.state, State::Idle);
        assert!(status.current_pass.is_none());
        let last = status.last_pass.unwrap();
        assert_eq!((last.run_id.as_str(), last.duration_ms, last.outcome), ("r1", 1900, Outcome::Applied));
        assert_eq!(status.last_success_at, Some(at(12)));
    }
}
