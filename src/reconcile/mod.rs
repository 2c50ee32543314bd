//! One pass from the desired state to a report: the function to read first.

mod aftermath;
mod ailments;
mod deletes;
mod events;
mod intents;
mod secrets;
mod settled;
mod too_often;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::task::Poll;
use std::time::Instant;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tracing::info;

use crate::apply::{Applied, Applying, Outcome, apply};
use crate::desired::Desired;
use crate::journal::{Journal, Run};
use crate::lock::{LockError, WriteLock};
use crate::plan::{
    ApprovedPlan, Failed, FieldChange, Known, LiveState, Names, Plan, Policy, Refusal, Warning, approve, plan,
};
use crate::pull::{check, kinds_to_read, pull_to_change};
use crate::qualys::{Reader, Writer};
use crate::recheck::{Age, Recheck};
use crate::resource::{Address, Checked, Kind};
use crate::secret::Secrets;
use crate::stop::Stop;

use intents::Intents;
use too_often::Meter;

pub use ailments::Ailments;
pub use deletes::Deletes;
pub(crate) use secrets::resolve as resolve_secrets;
pub use too_often::TooOften;

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
    /// Since when deletes have been wanted; `None` where they need not wait, since a person is there.
    pub deletes: Option<&'a mut Deletes>,
    /// How differences are judged.
    pub policy: &'a Policy,
    /// Once requested, no further change is begun.
    pub stop: &'a Stop,
    /// Told of each plan as it is made: before anything is written, and after.
    pub tell: &'a mut (dyn FnMut(&Plan, &mut Journal) + Send),
    /// Shown the plan before anything is written; `false` is no consent.
    pub consent: &'a mut (dyn FnMut(&Plan) -> BoxFuture<'static, bool> + Send),
    /// Told of each outcome as it comes, and again where a lost one is found by looking.
    pub each: &'a (dyn Fn(&Applied) + Sync),
}

impl<'a> Pass<'a> {
    const fn run(&self) -> Run<'a> {
        Run { id: self.run_id, trigger: self.trigger }
    }
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
    /// Where the platform does not allow as many calls as the passes take that the settings want.
    pub too_often: Option<TooOften>,
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
            // What failed before and waits has not got any better.
            End::Planned | End::Declined | End::Applied if !self.current().waiting.is_empty() => {
                PassOutcome::Failed
            }
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
pub async fn reconcile(mut pass: Pass<'_>) -> Report {
    let (policy, run_id) = (pass.policy, pass.run_id);
    let (began, clock) = (Timestamp::now(), Instant::now());
    info!(event = "reconcile_started", run_id, trigger = pass.trigger);
    pass.reader.heed(pass.stop.clone());
    // Held until the end: what another process makes meanwhile would not be in the listings.
    let _lock = match pass.writer.map_or(Ok(None), |_| lock(pass.journal, pass.trigger)) {
        Ok(lock) => lock,
        Err(held) => {
            events::log_locked(run_id, &held);
            return Report { end: End::Locked(held.to_string()), ..stopped(policy, began, clock) };
        }
    };

    let meter = Meter::new(pass.reader);
    let Some((mut sight, known)) = look(&mut pass, began).await else {
        return stopped(policy, began, clock);
    };
    let mut planned = plan(pass.desired, &sight.live, &known, policy);
    if let (Some(deletes), Some(clock)) = (&mut pass.deletes, &known.delete_clock) {
        deletes.remember(&planned, clock);
    }
    drop(known);
    remember(pass.journal, pass.desired, &sight.live, &mut planned, true);
    planned.expect(&sight.checked);
    let too_often = meter.charge(&mut planned, &pass.desired.settings.reconcile, began);
    events::log_plan(run_id, &planned, clock);
    events::log_stuck(run_id, &planned);
    pass.ailments.complete(&mut planned, pass.reader, pass.stop).await;

    let mut report = Report {
        plan: planned,
        too_often,
        cut_short: false,
        end: End::Planned,
        took: clock.elapsed(),
        ..stopped(policy, began, clock)
    };
    (pass.tell)(&report.plan, pass.journal);
    if let Err(refusal) = approve(&report.plan) {
        events::log_blocked(run_id, &refusal);
    }
    let mut consent = (pass.consent)(&report.plan);
    // What is there at once was given before; else somebody is asked, and the world goes on meanwhile.
    let (consented, asked) = match futures::poll!(&mut consent) {
        Poll::Ready(consented) => (consented, false),
        Poll::Pending => (consent.await, true),
    };
    sight.age.asked = asked;
    let Some(writer) = pass.writer else { return report };
    report.end = match approve(&report.plan) {
        Err(refusal) => End::Blocked(refusal),
        Ok(_) if !consented => End::Declined,
        Ok(approved) => {
            report.applied = send(&mut pass, writer, &approved, &sight).await;
            let skipped = |applied: &Applied| matches!(applied.outcome, Outcome::Skipped { .. });
            report.cut_short = pass.stop.is_requested() && report.applied.iter().any(skipped);
            End::Applied
        }
    };
    if !report.applied.is_empty() {
        look_again(&mut pass, &mut sight, &mut report).await;
    }
    report.took = clock.elapsed();
    report
}

/// What a pass has found out before it plans.
struct Sight {
    live: LiveState,
    age: Age,
    secrets: Secrets,
    checked: Vec<Checked>,
}

/// Reads the platform, the journal and the secrets; `None` where it was asked to stop meanwhile.
async fn look(pass: &mut Pass<'_>, began: Timestamp) -> Option<(Sight, Known)> {
    let Pass { desired, reader, journal, stop, deletes, .. } = pass;
    let kinds = kinds_to_read(desired);
    let age = Age { read_at: tokio::time::Instant::now(), asked: false };
    // The secrets are fetched while the platform makes its first answer.
    let reading = async {
        tokio::join!(
            pull_to_change(reader, &kinds, desired),
            secrets::resolve(desired),
            check(reader, &desired.expectations),
        )
    };
    let (mut live, secrets, mut checked) = tokio::select! {
        read = reading => read,
        () = stop.requested() => return None,
    };
    secrets::guard(reader, &secrets, &mut live, &mut checked);
    // Only what answered tells whose facts are meant.
    enter_journal(journal, reader, &live);
    let mut known = recall(journal, desired, deletes.as_deref_mut(), began);
    secrets::tell(&mut known, desired, &secrets, journal.digest_key());
    live.recall(&known);
    Some((Sight { live, age, secrets, checked }, known))
}

/// Sends the changes, the journal being told of each before and after.
async fn send(
    pass: &mut Pass<'_>,
    writer: &Writer,
    approved: &ApprovedPlan<'_>,
    sight: &Sight,
) -> Vec<Applied> {
    let (run, run_id, stop, desired, each) = (pass.run(), pass.run_id, pass.stop, pass.desired, pass.each);
    let redact = |text: &str| pass.reader.redact(text);
    let intents = Intents::new(pass.journal, run, pass.policy.patient, &redact);
    let applying = Applying {
        writer,
        recheck: Recheck::new(pass.reader, &sight.live, sight.age),
        ids: Names::new(&desired.declared, &sight.live).ids(),
        secrets: &sight.secrets,
        concurrency: desired.settings.platform.concurrency,
        stop: &|| stop.is_requested(),
        before: &|change| intents.begin(change),
        halfway: &|change| intents.halfway(change),
        each: &|applied| {
            intents.end(applied);
            events::log_outcome(run_id, applied);
            each(applied);
        },
    };
    apply(approved, applying).await
}

/// Reads what was written again, settles what was lost, and plans once more with what is seen now.
async fn look_again(pass: &mut Pass<'_>, sight: &mut Sight, report: &mut Report) {
    let (run, desired, reader, policy) = (pass.run(), pass.desired, pass.reader, pass.policy);
    let Sight { live, age: _, secrets, checked } = sight;
    aftermath::read_again(reader, desired, live, &report.applied).await;
    let redact = |text: &str| reader.redact(text);
    for at in aftermath::settle(&mut report.applied, live) {
        let applied = &report.applied[at];
        Intents::new(pass.journal, run, policy.patient, &redact).end(applied);
        events::log_outcome(run.id, applied);
        (pass.each)(applied);
    }
    aftermath::remember_writes(pass.journal, live, &report.applied);
    let mut known = recall(pass.journal, desired, pass.deletes.as_deref_mut(), Timestamp::now());
    secrets::tell(&mut known, desired, secrets, pass.journal.digest_key());
    live.recall(&known);
    // What was written again was written.
    let once = Policy { rewrite: false, ..policy.clone() };
    let mut after = plan(desired, live, &known, &once);
    remember(pass.journal, desired, live, &mut after, false);
    after.expect(checked);
    after.warnings.extend(report.too_often.as_ref().map(TooOften::to_string).map(Warning::from));
    pass.ailments.complete(&mut after, reader, pass.stop).await;
    report.not_converged = aftermath::not_converged(&report.applied, live, &after);
    remember_taken(pass.journal, run, report);
    (pass.tell)(&after, pass.journal);
    report.after = Some(after);
    events::log_failed(run.id, report.failed_since());
}

/// The report of a pass that was asked to stop while it read.
fn stopped(policy: &Policy, began: Timestamp, clock: Instant) -> Report {
    Report {
        plan: Plan::empty(policy.mode),
        applied: Vec::new(),
        after: None,
        not_converged: Vec::new(),
        too_often: None,
        cut_short: true,
        end: End::Stopped,
        began,
        took: clock.elapsed(),
    }
}

/// Takes the lock, or says who holds it. A lock that cannot be made costs a warning, not the pass.
fn lock(journal: &mut Journal, trigger: &str) -> Result<Option<WriteLock>, LockError> {
    match journal.lock_writes(trigger) {
        Err(held @ LockError::Held { .. }) => Err(held),
        Err(error @ LockError::Io { .. }) => {
            events::journal_failed(&error);
            Ok(None)
        }
        Ok(lock) => {
            if let Err(error) = journal.nothing_is_under_way() {
                events::journal_failed(&error);
            }
            Ok(lock)
        }
    }
}

/// Tells the journal, and the log, what the platform took of what was written, and what not.
fn remember_taken(journal: &mut Journal, run: Run<'_>, report: &Report) {
    aftermath::remember_refusals(journal, &report.applied, &report.not_converged);
    settled::remember_reverts(journal, run, &report.applied, &report.not_converged);
    report.not_converged.iter().for_each(|field| events::log_not_converged(run.id, field));
}

/// Has the journal mean the subscription that answers, and says what a person should know of that.
pub(crate) fn enter_journal(journal: &mut Journal, reader: &Reader, live: &LiveState) {
    match journal.enter(&reader.subscription(), live) {
        Ok(told) => told.iter().for_each(|told| events::journal_of(told)),
        Err(error) => events::journal_failed(&error),
    }
}

/// What the journal knows. One that fails costs facts, not the pass.
fn recall(journal: &mut Journal, desired: &Desired, deletes: Option<&mut Deletes>, now: Timestamp) -> Known {
    let settings = &desired.settings.reconcile;
    let known = journal.known(settings.settle_for, now).and_then(|known| {
        let failing = journal.failing(settings.every, now)?;
        let given = journal.given(main_file(desired))?;
        Ok(Known { failing, given, ..known })
    });
    let known = known.unwrap_or_else(|error| {
        events::journal_failed(&error);
        Known::default()
    });
    Known { delete_clock: deletes.and_then(|deletes| deletes.clock(desired, now)), ..known }
}

/// The file that the others are named in.
fn main_file(desired: &Desired) -> &Path {
    desired.files.first().map_or(Path::new(""), PathBuf::as_path)
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
        .and_then(|()| journal.gave(main_file(desired), &plan.given))
        .and_then(|()| journal.date_drifts(plan, first, now))
        .and_then(|()| if first { journal.forget_moved(plan) } else { Ok(()) })
        .and_then(|()| settled::complete_history(journal, desired, live, plan));
    if let Err(error) = remembered {
        events::journal_failed(&error);
    }
}
