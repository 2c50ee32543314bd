//! Where the status hangs: the loop writes, HTTP reads. Whoever has something to say says it once, here; the metrics that
//! follow from it are set along with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::metrics::Metrics;
use super::pulse::Pulse;
use super::status::{
    ChangeView, Config, ConfigProblem, CurrentPass, Drifted, LastPass, LastReport, PlanHead, PlanView,
    ReportStatus, State, Status,
};
use super::triggers::Trigger;
use crate::desired::Problem;
use crate::reconcile::PassOutcome as Outcome;
use crate::report::{Made, Outcome as ReportOutcome};
use crate::resource::AssessmentReport;

/// A plan that is not the JSON it should be.
#[derive(Debug, thiserror::Error)]
#[error("could not read the plan that was rendered")]
pub struct PlanError(#[from] serde_json::Error);

/// Where the status hangs. Clones share it.
#[derive(Debug, Clone)]
pub struct Board {
    status: Arc<watch::Sender<Status>>,
    metrics: Arc<Metrics>,
    pulse: Pulse,
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
            success_due_at: None,
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
        Board {
            status: Arc::new(watch::Sender::new(status)),
            metrics: Arc::new(Metrics::new(version)),
            pulse: Pulse::new(),
        }
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

    /// Says why the loop is not alive, if it is not: it has ended, or stands still.
    #[must_use]
    pub fn why_dead(&self) -> Option<String> {
        if self.status.borrow().state == State::Ended {
            return Some("the loop has ended".to_owned());
        }
        let silent = self.pulse.stands_for()?;
        Some(format!("the loop has made no progress for {} s", silent.as_secs()))
    }

    /// The loop's pulse.
    pub(super) const fn pulse(&self) -> &Pulse {
        &self.pulse
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
            // Since when, not when last.
            status.config.rejected_at.get_or_insert(to_millisecond(now));
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

    /// By when a pass has to succeed for the daemon to stay ready.
    pub fn success_due(&self, at: Option<Timestamp>) {
        self.status.send_modify(|status| status.success_due_at = at);
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

/// The loop is alive while this is held.
#[derive(Debug)]
pub struct Alive(Board);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.state(State::Ended);
    }
}

/// Nobody needs to read nanoseconds.
fn to_millisecond(at: Timestamp) -> Timestamp {
    at.round(jiff::Unit::Millisecond).unwrap_or(at)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::status::NotReady;
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
            excerpt: Some(("password: hunter2".into(), 0)),
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
    fn it_is_ready_once_a_pass_has_succeeded_on_a_valid_file_and_until_it_stops() {
        let board = Board::new("1", at(0));
        let alive = board.loop_begins();
        assert_eq!(board.status().ready(at(10)), Err(NotReady::NoConfig));
        board.config_rejected(&[problem("wrong")], at(1));
        assert_eq!(board.status().ready(at(10)), Err(NotReady::NoConfig));
        board.config_loaded(&[], at(2));
        board.pass_begins("r1", Trigger::Startup, at(3));
        assert_eq!(board.status().ready(at(10)), Err(NotReady::FirstPass));
        board.pass_ends(Outcome::Failed, Some("no answer".into()), at(4), Duration::from_secs(1));
        assert_eq!(board.status().ready(at(10)), Err(NotReady::NoSuccess));
        board.pass_begins("r2", Trigger::Schedule, at(4));
        board.pass_ends(Outcome::InSync, None, at(4), Duration::from_secs(1));
        assert_eq!(board.status().ready(at(10)), Ok(()));
        // The last good file stays in force.
        board.config_rejected(&[problem("wrong")], at(5));
        assert_eq!(board.status().ready(at(10)), Ok(()));
        board.stopping();
        assert_eq!(board.status().ready(at(10)), Err(NotReady::Stopping));
        assert_eq!(board.why_dead(), None);
        drop(alive);
        assert_eq!(board.why_dead().as_deref(), Some("the loop has ended"));
    }

    #[test]
    fn it_is_not_ready_any_more_once_a_success_is_overdue() {
        let board = Board::new("1", at(0));
        let _alive = board.loop_begins();
        board.config_loaded(&[], at(1));
        board.pass_begins("r1", Trigger::Startup, at(2));
        board.pass_ends(Outcome::InSync, None, at(3), Duration::from_secs(1));
        board.success_due(Some(at(40)));
        assert_eq!(board.status().ready(at(40)), Ok(()));
        board.pass_begins("r2", Trigger::Schedule, at(20));
        board.pass_ends(Outcome::Failed, None, at(39), Duration::from_secs(1));
        assert_eq!(board.status().ready(at(41)), Err(NotReady::Stale));
        board.success_due(Some(at(80)));
        assert_eq!(board.status().ready(at(41)), Ok(()));
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
