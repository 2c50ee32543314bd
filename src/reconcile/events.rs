//! What a pass tells the log: stable events with stable fields.

use std::time::Instant;

use tracing::{error, info, warn};

use super::NotConverged;
use crate::apply::{Applied, Outcome, Skip};
use crate::error::one_line;
use crate::lock::LockError;
use crate::plan::{Failed, FieldChange, Plan, Refusal, failures};
use crate::resource::Address;

/// Kinds that one cause has failed are one event: that of the first, which names the others.
pub(super) fn log_failed<'a>(run_id: &str, failed: impl IntoIterator<Item = &'a Failed>) {
    for failure in failures(failed) {
        let Failed { kind, address, error, cause: _ } = failure.first;
        match address {
            None => {
                error!(event = "pull_failed", run_id, kind = kind.word(), also = failure.also(), error);
            }
            Some(address) => error!(event = "change_failed", run_id, %address, action = "plan", error),
        }
    }
}

pub(super) fn log_plan(run_id: &str, plan: &Plan, clock: Instant) {
    log_failed(run_id, &plan.failed);
    let summary = plan.summary;
    info!(
        event = "plan_computed",
        run_id,
        create = summary.create,
        update = summary.update,
        replace = summary.replace,
        delete = summary.delete,
        unchanged = summary.unchanged,
        held = summary.held,
        unmanaged = summary.unmanaged,
        duration_ms = millis(clock.elapsed()),
    );
}

pub(super) fn log_outcome(run_id: &str, applied: &Applied) {
    let Applied { change, outcome, took } = applied;
    let (address, action) = (&change.address, change.action.word());
    match outcome {
        Outcome::Applied { id, existed: _ } => {
            info!(event = "change_applied", run_id, %address, action, id, duration_ms = millis(*took));
        }
        Outcome::Failed { error, judged: _, made: _ } => {
            error!(event = "change_failed", run_id, %address, action, error);
        }
        Outcome::Unknown { error } => {
            let error = format!("outcome unknown: {error}");
            error!(event = "change_failed", run_id, %address, action, error);
        }
        // Nothing went wrong: the next pass begins it.
        Outcome::Skipped { because: because @ Skip::Stopping } => {
            info!(event = "change_skipped", run_id, %address, action, %because);
        }
        Outcome::Skipped { because: because @ (Skip::Needs { .. } | Skip::Moved(_) | Skip::Unread(_)) } => {
            let error = format!("skipped: {because}");
            warn!(event = "change_failed", run_id, %address, action, error);
        }
    }
}

pub(super) fn millis(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn log_blocked(run_id: &str, refusal: &Refusal) {
    warn!(event = "plan_blocked", run_id, limit = refusal.0.limit, "{refusal}; {}", refusal.0.hint);
}

pub(super) fn log_not_converged(run_id: &str, not_converged: &NotConverged) {
    let NotConverged { address, field } = not_converged;
    not_taken(run_id, address, field);
}

/// What is not sent any more, because the platform did not take it, is told in every pass all the same.
pub(super) fn log_stuck(run_id: &str, plan: &Plan) {
    for change in plan.changes.iter().filter(|change| change.held.as_ref().is_some_and(|held| held.stuck)) {
        change.fields.iter().for_each(|field| not_taken(run_id, &change.address, field));
    }
}

fn not_taken(run_id: &str, address: &Address, field: &FieldChange) {
    let FieldChange { path, before: got, after: sent, sensitive } = field;
    if *sensitive {
        warn!(event = "not_converged", run_id, %address, field = path);
        return;
    }
    warn!(event = "not_converged", run_id, %address, field = path, json.sent = %sent, json.got = %got);
}

/// Another process is applying: this pass does nothing.
pub(super) fn log_locked(run_id: &str, error: &LockError) {
    warn!(event = "pass_refused", run_id, error = %error, "another process is applying");
}

/// What a person should know of whose facts are meant.
pub(super) fn journal_of(told: &str) {
    warn!(event = "journal_subscription", "{told}");
}

pub(super) fn journal_failed(error: &(dyn std::error::Error + 'static)) {
    warn!(
        event = "journal_failed",
        error = one_line(error),
        "drift cannot be told from pending until it works"
    );
}
