//! One pass from the desired state to a report: the function to read first.

mod aftermath;
mod ailments;
mod events;
mod secrets;

use std::collections::BTreeMap;
use std::time::Instant;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tracing::info;

use crate::apply::{Applied, Applying, Outcome, apply};
use crate::desired::Desired;
use crate::journal::Journal;
use crate::lock::{LockError, WriteLock};
use crate::plan::{Failed, FieldChange, Known, LiveState, Names, Plan, Policy, Refusal, approve, plan};
use crate::pull::{check, kinds_to_read, pull_declared};
use crate::qualys::{Reader, Writer};
use crate::resource::{Address, Kind};
use crate::stop::Stop;

use aftermath::Intents;

pub use ailments::Ailments;
pub(crate) use secrets::resolve as resolve_secrets;

/// What a pass works with.
pub struct Pass<'a> {
    /// Names the pass in logs.
    pub run_id: &'a str,
    /// Why it runs, for logs.
    pub trigger: &'a str,
    /// What should be.
    pub desired: &'a Desired,
    /// The way to read.
    pub reader: &'a Reader,
    /// The way to write; without it the pass ends with the plan.
    pub writer: Option<&'a Writer>,
    /// What the platform cannot tell.
    pub journal: &'a mut Journal,
    /// What earlier passes know of runs that failed.
    pub ailments: &'a mut Ailments,
    /// How differences are judged.
    pub policy: &'a Policy,
    /// Once requested, no further change is begun.
    pub stop: &'a Stop,
    /// Told of each plan as it is made: before anything is written, and after.
    pub tell: &'a mut (dyn FnMut(&Plan, &mut Journal) + Send),
    /// Shown the plan before anything is written; `false` is no consent.
    pub consent: &'a mut (dyn FnMut(&Plan) -> BoxFuture<'static, bool> + Send),
}

/// What a pass did.
#[derive(Debug)]
pub struct Report {
    /// The plan that was made, and applied if it was.
    pub plan: Plan,
    /// What happened to each change, where it was applied.
    pub applied: Vec<Applied>,
    /// The plan after what was written had been read again; `None` where nothing was written.
    pub after: Option<Plan>,
    /// Fields that the platform did not take.
    pub not_converged: Vec<NotConverged>,
    /// Whether it was asked to stop before all changes had been begun.
    pub cut_short: bool,
    /// How the pass ended.
    pub end: End,
    /// When it began.
    pub began: Timestamp,
    /// How long it took.
    pub took: std::time::Duration,
}

/// How a pass ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With the plan: nothing was to be written.
    Planned,
    /// The plan is over a limit, nothing was written.
    Blocked(Refusal),
    /// Another process is applying with the same journal: nothing was read or written.
    Locked(String),
    /// The question was answered no.
    Declined,
    /// It was asked to stop before there was a plan.
    Stopped,
    /// What could be applied was.
    Applied,
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassOutcome {
    /// There was nothing to do.
    InSync,
    /// There are changes, and the policy is to make none.
    Pending,
    /// All changes were made.
    Applied,
    /// A limit is exceeded: nothing was applied.
    Blocked,
    /// Something failed.
    Failed,
    /// It was asked to stop before it was done.
    Stopped,
}

impl PassOutcome {
    /// The word in events, metrics and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            PassOutcome::InSync => "in_sync",
            PassOutcome::Pending => "pending",
            PassOutcome::Applied => "applied",
            PassOutcome::Blocked => "blocked",
            PassOutcome::Failed => "failed",
            PassOutcome::Stopped => "stopped",
        }
    }

    /// Whether everything went as it should.
    #[must_use]
    pub const fn is_success(self) -> bool {
        match self {
            PassOutcome::InSync | PassOutcome::Pending | PassOutcome::Applied => true,
            PassOutcome::Blocked | PassOutcome::Failed | PassOutcome::Stopped => false,
        }
    }
}

impl serde::Serialize for PassOutcome {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// A field that the platform did not take.
#[derive(Debug, Clone, PartialEq)]
pub struct NotConverged {
    /// The object.
    pub address: Address,
    /// The field, what was sent, and what came back.
    pub field: FieldChange,
}

impl Report {
    /// The plan as things stand now.
    #[must_use]
    pub fn current(&self) -> &Plan {
        self.after.as_ref().unwrap_or(&self.plan)
    }

    /// Whether it got as far as a plan.
    #[must_use]
    pub fn has_plan(&self) -> bool {
        match self.end {
            End::Stopped | End::Locked(_) => false,
            End::Planned | End::Blocked(_) | End::Declined | End::Applied => true,
        }
    }

    /// What failed only when what was written was read again.
    pub fn failed_since(&self) -> impl Iterator<Item = &Failed> {
        self.after.iter().flat_map(|after| &after.failed).filter(|failed| !self.plan.failed.contains(failed))
    }

    /// Whether anything went wrong.
    #[must_use]
    pub fn has_failures(&self) -> bool {
        self.plan.has_failures()
            || !self.not_converged.is_empty()
            || self.after.as_ref().is_some_and(Plan::has_failures)
            || self.applied.iter().any(|applied| !applied.outcome.is_applied())
    }

    /// The pass in one word, for logs and metrics.
    #[must_use]
    pub fn outcome(&self) -> PassOutcome {
        match &self.end {
            End::Blocked(_) => PassOutcome::Blocked,
            End::Locked(_) => PassOutcome::Failed,
            End::Stopped => PassOutcome::Stopped,
            End::Applied if self.cut_short => PassOutcome::Stopped,
            End::Planned | End::Declined | End::Applied if self.has_failures() => PassOutcome::Failed,
            End::Planned | End::Declined | End::Applied if !self.applied.is_empty() => PassOutcome::Applied,
            End::Planned | End::Declined | End::Applied if self.current().is_in_sync() => PassOutcome::InSync,
            End::Planned | End::Declined | End::Applied => PassOutcome::Pending,
        }
    }

    /// Says in the log that the pass is over: the last that is said of it, once all it has to show is shown.
    pub fn log_end(&self, run_id: &str) {
        let (outcome, duration_ms) = (self.outcome().word(), events::millis(self.took));
        info!(event = "reconcile_finished", run_id, outcome, duration_ms);
    }
}

/// Brings the platform towards the file: pull, plan, limits; then, where there is a writer and consent, apply
/// and read again. Always returns a report: what goes wrong is in it.
pub async fn reconcile(pass: Pass<'_>) -> Report {
    let Pass { run_id, trigger, desired, reader, writer, journal, ailments, policy, stop, tell, consent } =
        pass;
    let (began, clock) = (Timestamp::now(), Instant::now());
    info!(event = "reconcile_started", run_id, trigger);
    reader.heed(stop.clone());
    // Held until the end: what another process makes meanwhile would not be in the listings.
    let _lock = match writer.map_or(Ok(None), |_| lock(journal, trigger)) {
        Ok(lock) => lock,
        Err(held) => {
            events::log_locked(run_id, &held);
            return Report { end: End::Locked(held.to_string()), ..stopped(policy, began, clock) };
        }
    };

    let (kinds, sent) = (kinds_to_read(desired), reader.requests().reads);
    // The journal is read, and the secrets are fetched, while the platform makes its first answer.
    let reading = async {
        tokio::join!(
            pull_declared(reader, &kinds, desired),
            secrets::resolve(desired),
            async { recall(journal, desired, began) },
            check(reader, &desired.expectations),
        )
    };
    let (mut live, secrets, mut known, mut checked) = tokio::select! {
        read = reading => read,
        () = stop.requested() => return stopped(policy, began, clock),
    };
    secrets::guard(reader, &secrets, &mut live, &mut checked);
    secrets::tell(&mut known, desired, &secrets, journal.digest_key());
    live.recall(&known);
    let mut planned = plan(desired, &live, &known, policy);
    drop(known);
    remember(journal, desired, &live, &mut planned, true);
    planned.cost.calls_to_pull = reader.requests().reads - sent;
    planned.cost.quota_left = reader.quota_left();
    planned.expect(&checked);
    events::log_plan(run_id, &planned, clock);
    ailments.complete(&mut planned, reader, stop).await;

    let mut report = Report {
        plan: planned,
        cut_short: false,
        end: End::Planned,
        took: clock.elapsed(),
        ..stopped(policy, began, clock)
    };
    tell(&report.plan, journal);
    if let Err(refusal) = approve(&report.plan) {
        events::log_blocked(run_id, &refusal);
    }
    let consented = consent(&report.plan).await;
    let Some(writer) = writer else { return report };
    report.end = match approve(&report.plan) {
        Err(refusal) => End::Blocked(refusal),
        Ok(_) if !consented => End::Declined,
        Ok(approved) => {
            let intents = Intents::new(journal);
            let applying = Applying {
                writer,
                ids: Names::new(&desired.declared, &live).ids(),
                secrets: &secrets,
                concurrency: desired.settings.platform.concurrency,
                stop: &|| stop.is_requested(),
                before: &|change| intents.begin(change),
                each: &|applied| {
                    intents.end(applied);
                    events::log_outcome(run_id, applied);
                },
            };
            report.applied = apply(&approved, applying).await;
            let skipped = |applied: &Applied| matches!(applied.outcome, Outcome::Skipped { .. });
            report.cut_short = stop.is_requested() && report.applied.iter().any(skipped);
            End::Applied
        }
    };
    if !report.applied.is_empty() {
        aftermath::read_again(reader, desired, &mut live, &report.applied).await;
        for at in aftermath::settle(&mut report.applied, &live) {
            let applied = &report.applied[at];
            Intents::new(journal).end(applied);
            events::log_outcome(run_id, applied);
        }
        aftermath::remember_writes(journal, &live, &report.applied);
        let mut known = recall(journal, desired, Timestamp::now());
        secrets::tell(&mut known, desired, &secrets, journal.digest_key());
        live.recall(&known);
        // What was written again was written.
        let once = Policy { rewrite: false, ..policy.clone() };
        let mut after = plan(desired, &live, &known, &once);
        remember(journal, desired, &live, &mut after, false);
        after.expect(&checked);
        ailments.complete(&mut after, reader, stop).await;
        report.not_converged = aftermath::not_converged(&report.applied, &live, &after);
        aftermath::remember_refusals(journal, &report.applied, &report.not_converged);
        report.not_converged.iter().for_each(|field| events::log_not_converged(run_id, field));
        tell(&after, journal);
        report.after = Some(after);
        report.failed_since().for_each(|failed| events::log_failed(run_id, failed));
    }
    report.took = clock.elapsed();
    report
}

/// The report of a pass that was asked to stop while it read.
fn stopped(policy: &Policy, began: Timestamp, clock: Instant) -> Report {
    Report {
        plan: Plan::empty(policy.mode),
        applied: Vec::new(),
        after: None,
        not_converged: Vec::new(),
        cut_short: true,
        end: End::Stopped,
        began,
        took: clock.elapsed(),
    }
}

/// Takes the lock, or says who holds it. A lock that cannot be made costs a warning, not the pass.
fn lock(journal: &Journal, trigger: &str) -> Result<Option<WriteLock>, LockError> {
    match journal.lock_writes(trigger) {
        Err(held @ LockError::Held { .. }) => Err(held),
        Err(error @ LockError::Io { .. }) => {
            events::journal_failed(&error);
            Ok(None)
        }
        Ok(lock) => Ok(lock),
    }
}

/// What the journal knows. One that fails costs facts, not the pass.
fn recall(journal: &Journal, desired: &Desired, now: Timestamp) -> Known {
    journal.known(desired.settings.reconcile.settle_for, now).unwrap_or_else(|error| {
        events::journal_failed(&error);
        Known::default()
    })
}

/// Lets the journal remember what a plan saw, and dates the plan's drifts by it; `first` says whether this is the
/// first plan of the pass.
fn remember(journal: &mut Journal, desired: &Desired, live: &LiveState, plan: &mut Plan, first: bool) {
    let now = Timestamp::now();
    let sizes: BTreeMap<Kind, usize> = live
        .kinds()
        .iter()
        .filter_map(|(kind, listing)| Some((*kind, listing.as_ref().ok()?.len())))
        .collect();
    let remembered = journal
        .observe(plan, &desired.sections, &sizes, now)
        .and_then(|()| journal.date_drifts(plan, first, now));
    if let Err(error) = remembered {
        events::journal_failed(&error);
    }
}
