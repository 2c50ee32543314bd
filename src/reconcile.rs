//! One pass from the desired state to a report: the function to read first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::{error, info, warn};

use crate::apply::{Applied, Applying, Outcome, apply};
use crate::desired::Desired;
use crate::error::one_line;
use crate::journal::{Journal, JournalError};
use crate::plan::{Action, Change, FieldChange, LiveState, Plan, Policy, Refusal, TagNames, approve, plan};
use crate::pull::{kinds_to_read, pull};
use crate::qualys::{Reader, Writer};
use crate::resource::{Address, Kind, Spec};
use crate::stop::Stop;

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
    /// How differences are judged.
    pub policy: &'a Policy,
    /// Once requested, no further change is begun.
    pub stop: &'a Stop,
    /// Told of each plan as it is made: before anything is written, and after.
    pub tell: &'a mut (dyn FnMut(&Plan, &mut Journal) + Send),
    /// Shown the plan before anything is written; `false` is no consent.
    pub consent: &'a mut (dyn FnMut(&Plan) -> bool + Send),
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
            End::Stopped => PassOutcome::Stopped,
            End::Planned | End::Declined | End::Applied if self.has_failures() => PassOutcome::Failed,
            End::Planned | End::Declined | End::Applied if !self.applied.is_empty() => PassOutcome::Applied,
            End::Planned | End::Declined | End::Applied if self.current().is_in_sync() => PassOutcome::InSync,
            End::Planned | End::Declined | End::Applied => PassOutcome::Pending,
        }
    }

    /// Says in the log that the pass is over: the last that is said of it, once all it has to show is shown.
    pub fn log_end(&self, run_id: &str) {
        let (outcome, duration_ms) = (self.outcome().word(), millis(self.took));
        info!(event = "reconcile_finished", run_id, outcome, duration_ms);
    }
}

/// Brings the platform towards the file: pull, plan, limits; then, where there is a writer and consent, apply
/// and read again. Always returns a report: what goes wrong is in it.
pub async fn reconcile(pass: Pass<'_>) -> Report {
    let Pass { run_id, trigger, desired, reader, writer, journal, policy, stop, tell, consent } = pass;
    let (began, clock) = (Timestamp::now(), Instant::now());
    info!(event = "reconcile_started", run_id, trigger);
    reader.heed(stop.clone());

    let kinds = kinds_to_read(desired);
    let mut live = tokio::select! {
        live = pull(reader, &kinds) => live,
        () = stop.requested() => return stopped(policy, began, clock),
    };
    let mut planned = plan_with(journal, desired, &live, policy, true, began);
    planned.cost.calls_to_pull = reader.requests().reads;
    planned.cost.quota_left = reader.quota_left();
    log_plan(run_id, &planned, clock);

    let mut report = Report {
        plan: planned,
        applied: Vec::new(),
        after: None,
        not_converged: Vec::new(),
        end: End::Planned,
        began,
        took: clock.elapsed(),
    };
    tell(&report.plan, journal);
    let consented = consent(&report.plan);
    if let Some(writer) = writer {
        report.end = match approve(report.plan.clone()) {
            Err(refusal) => {
                warn!(
                    event = "plan_blocked",
                    run_id,
                    limit = refusal.0.limit,
                    "{refusal}; {}",
                    refusal.0.hint
                );
                End::Blocked(refusal)
            }
            Ok(_) if !consented => End::Declined,
            Ok(approved) => {
                let tags = TagNames::new(&desired.declared, &live).ids();
                let concurrency = desired.settings.platform.concurrency;
                let each = |applied: &Applied| log_outcome(run_id, applied);
                let stop = || stop.is_requested();
                let applying = Applying { writer, tags, concurrency, stop: &stop, each: &each };
                report.applied = apply(&approved, applying).await;
                End::Applied
            }
        };
    }
    if !report.applied.is_empty() {
        read_again(reader, &mut live, &report.applied).await;
        remember_writes(journal, &live, &report.applied);
        let after = plan_with(journal, desired, &live, policy, false, Timestamp::now());
        report.not_converged = not_converged(&report.applied, &live, &after);
        for NotConverged { address, field } in &report.not_converged {
            let FieldChange { path, before: got, after: sent } = field;
            warn!(event = "not_converged", run_id, %address, field = path, %sent, %got);
        }
        tell(&after, journal);
        report.after = Some(after);
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
        end: End::Stopped,
        began,
        took: clock.elapsed(),
    }
}

/// Plans with what the journal knows (`first`: of this pass), and lets it remember what was seen. A journal that fails costs facts,
/// not the pass.
fn plan_with(
    journal: &mut Journal,
    desired: &Desired,
    live: &LiveState,
    policy: &Policy,
    first: bool,
    now: Timestamp,
) -> Plan {
    let settle_for = desired.settings.reconcile.settle_for;
    let known = journal.known(settle_for, now).unwrap_or_else(|error| {
        journal_failed(&error);
        crate::plan::Known::default()
    });
    let mut planned = plan(desired, live, &known, policy);
    drop(known);
    let sizes: BTreeMap<Kind, usize> = live
        .kinds()
        .iter()
        .filter_map(|(kind, listing)| Some((*kind, listing.as_ref().ok()?.len())))
        .collect();
    let remembered = journal
        .observe(&planned, &desired.sections, &sizes, now)
        .and_then(|()| journal.date_drifts(&mut planned, first, now));
    if let Err(error) = remembered {
        journal_failed(&error);
    }
    planned
}

fn journal_failed(error: &JournalError) {
    warn!(
        event = "journal_failed",
        error = one_line(error),
        "drift cannot be told from pending until it works"
    );
}

/// Reads what was written again. Where an outcome is unknown, the whole kind is listed: the object is looked
/// for.
async fn read_again(reader: &Reader, live: &mut LiveState, applied: &[Applied]) {
    let mut by_kind: BTreeMap<Kind, (Vec<String>, bool)> = BTreeMap::new();
    for Applied { change, outcome, took: _ } in applied {
        let (ids, whole) = by_kind.entry(change.address.kind).or_default();
        match outcome {
            Outcome::Applied { id } => ids.push(id.clone()),
            Outcome::Unknown { .. } => *whole = true,
            // A replace may have deleted before it failed.
            Outcome::Failed { .. } if change.action == Action::Replace => *whole = true,
            Outcome::Failed { .. } | Outcome::Skipped { .. } => {}
        }
    }
    let mut kinds = std::mem::take(live).into_kinds();
    for (kind, (ids, whole)) in by_kind {
        if ids.is_empty() && !whole {
            continue;
        }
        let known = kinds.remove(&kind).unwrap_or_else(|| Ok(Vec::new()));
        let read = if whole {
            reader.list(kind).await
        } else {
            reader.read(kind, &ids).await.map(|again| {
                let ids: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
                let mut listing = known.unwrap_or_default();
                listing.retain(|object| !ids.contains(object.id.as_str()));
                listing.extend(again);
                listing
            })
        };
        let read =
            read.map_err(|error| format!("what was written could not be read again: {}", one_line(&error)));
        kinds.insert(kind, read);
    }
    *live = LiveState::new(kinds);
}

/// Tells the journal what we made, and what went to fields that are not read back.
fn remember_writes(journal: &mut Journal, live: &LiveState, applied: &[Applied]) {
    let mut by_id = BTreeMap::new();
    for (kind, listing) in live.kinds() {
        for object in listing.iter().flatten() {
            by_id.insert((*kind, object.id.as_str()), object);
        }
    }
    for Applied { change, outcome, took: _ } in applied {
        let kind = change.address.kind;
        let makes = matches!(change.action, Action::Create | Action::Replace);
        // What was made and is not to be seen yet must not be made again either.
        let unseen = match outcome {
            Outcome::Applied { id } => !by_id.contains_key(&(kind, id.as_str())),
            Outcome::Unknown { .. } => true,
            Outcome::Failed { .. } | Outcome::Skipped { .. } => false,
        };
        if makes && unseen {
            let identity = change.after.as_ref().and_then(Spec::identity).unwrap_or_default();
            if let Err(error) = journal.unsettled(kind, &identity, Timestamp::now()) {
                journal_failed(&error);
            }
        }
        let Outcome::Applied { id } = outcome else { continue };
        let result = match (&change.after, change.action) {
            // Still there: what is known of it holds.
            (_, Action::Delete) if by_id.contains_key(&(kind, id.as_str())) => Ok(()),
            (_, Action::Delete) | (None, _) => journal.deleted(kind, id),
            (Some(after), _) => {
                let unreadable: Map<String, Value> = change
                    .fields
                    .iter()
                    .filter(|field| {
                        by_id
                            .get(&(kind, id.as_str()))
                            .is_some_and(|object| object.unreadable.contains_key(field.path.as_str()))
                    })
                    .map(|field| (field.path.clone(), field.after.clone()))
                    .collect();
                let identity = after.identity().unwrap_or_default();
                journal.wrote(kind, id, &identity, makes, &unreadable)
            }
        };
        if let Err(error) = result {
            journal_failed(&error);
            return;
        }
    }
}

/// What still differs of what was written; of a delete, that the object is still there.
fn not_converged(applied: &[Applied], live: &LiveState, after: &Plan) -> Vec<NotConverged> {
    let still: BTreeMap<&Address, &Change> =
        after.changes.iter().map(|change| (&change.address, change)).collect();
    let mut found = Vec::new();
    for Applied { change, outcome, took: _ } in applied {
        let Outcome::Applied { id } = outcome else { continue };
        let address = &change.address;
        if change.action == Action::Delete {
            if live.listing(address.kind).iter().any(|object| object.id == *id) {
                let field = FieldChange { path: "live".to_owned(), before: true.into(), after: false.into() };
                found.push(NotConverged { address: address.clone(), field });
            }
        } else if let Some(still) = still.get(address) {
            let written = change.field_names();
            let fields = still.fields.iter().filter(|field| written.contains(&field.path.as_str()));
            found.extend(fields.map(|field| NotConverged { address: address.clone(), field: field.clone() }));
        }
    }
    found
}

fn log_plan(run_id: &str, plan: &Plan, clock: Instant) {
    for failed in &plan.failed {
        let address = failed.address.as_ref().map(ToString::to_string);
        match address {
            None => error!(event = "pull_failed", run_id, kind = failed.kind.word(), error = failed.error),
            Some(address) => {
                error!(event = "change_failed", run_id, address, action = "plan", error = failed.error);
            }
        }
    }
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

fn log_outcome(run_id: &str, applied: &Applied) {
    let Applied { change, outcome, took } = applied;
    let (address, action) = (&change.address, change.action.word());
    match outcome {
        Outcome::Applied { id } => {
            info!(event = "change_applied", run_id, %address, action, id, duration_ms = millis(*took));
        }
        Outcome::Failed { error } => error!(event = "change_failed", run_id, %address, action, error),
        Outcome::Unknown { error } => {
            let error = format!("outcome unknown: {error}");
            error!(event = "change_failed", run_id, %address, action, error);
        }
        Outcome::Skipped { because } => {
            let error = format!("skipped: {because}");
            warn!(event = "change_failed", run_id, %address, action, error);
        }
    }
}

fn millis(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
