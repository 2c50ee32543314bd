//! The loop: triggers in, passes out. Only what goes wrong at start ends it; everything later is reported.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::alerts::Alerts;
use super::board::{Alive, Board};
use super::http::{ListenError, Server};
use super::loading::Loading;
use super::metrics::ApiRequest;
use super::reports::{self, Scheduled};
use super::schedule::{self, Schedule};
use super::signals::{Signals, SignalsError};
use super::systemd;
use super::triggers::{Event, Mailbox, Sender, Trigger, mailbox};
use super::watch::{WatchError, Watcher};
use crate::connect::{Connection, ConnectionError, connect};
use crate::desired::settings::{Mode, Settings};
use crate::desired::{Desired, Problem, Rejected};
use crate::error::one_line;
use crate::journal::Journal;
use crate::plan::{Failed, Heading, Plan, Policy, plan_json};
use crate::qualys::{REFUSED_CREDENTIALS, Requests, Writer};
use crate::reconcile::{Ailments, Deletes, Pass, Report, reconcile};
use crate::simulator;
use crate::stop::Stop;
use crate::visible::visible_json;

/// The daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The file is wrong.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// There is no way to the platform.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The status page has no port.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Signals could not be taken over.
    #[error(transparent)]
    Signals(#[from] SignalsError),
    /// Files could not be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
}

/// How the daemon is started.
pub struct Daemon<'a> {
    /// The file.
    pub config: PathBuf,
    /// Opens the journal of the settings; one that cannot be used is said, and replaced by one in memory.
    pub open_journal: &'a (dyn Fn(&Settings) -> Journal + Sync),
    /// Shown each plan that differs from the one before.
    pub show: &'a (dyn Fn(&Plan, &str) + Sync),
}

impl std::fmt::Debug for Daemon<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Daemon").field("config", &self.config).finish_non_exhaustive()
    }
}

/// What is in force.
struct InForce {
    desired: Arc<Desired>,
    reader: crate::qualys::Reader,
    platform: String,
    policy: Policy,
    ailments: Ailments,
    deletes: Deletes,
    /// Whether the platform refuses the password, which may be another one by the next pass.
    is_refused: bool,
    /// Whether it was said that the quota does not pay for the passes.
    too_often_said: bool,
    /// What of the reader's counters stands in the metrics: reports are made also between passes.
    counted: (Requests, Duration),
}

impl InForce {
    /// What reports are made of. Nothing in it writes objects.
    fn scheduled(&self) -> Scheduled {
        Scheduled { desired: Arc::clone(&self.desired), reader: self.reader.clone() }
    }
}

/// Runs until it is asked to stop.
pub async fn run(daemon: Daemon<'_>) -> Result<(), StartError> {
    let board = Board::new(env!("CARGO_PKG_VERSION"), Timestamp::now());
    let beat = || {
        // The first pass may have to wait for the platform for longer than the unit gives.
        if board.status().last_pass.is_none() {
            systemd::extend_timeout(START_EXTENSION);
        }
    };
    board.pulse().keep(beat, Box::pin(run_beating(daemon, board.clone()))).await
}

async fn run_beating(daemon: Daemon<'_>, board: Board) -> Result<(), StartError> {
    let Daemon { config, open_journal, show } = daemon;
    let stop = Stop::new();
    let signals = Signals::install()?;
    let (triggers, mut mailbox) = mailbox(stop.clone());
    let signals = tokio::spawn(signals.run(triggers.clone(), stop.clone()));
    let watcher = Watcher::new(triggers.clone())?;
    let mut loading = Loading::new(config);
    // Before the file is read, so that no edit falls between reading and watching.
    watcher.follow(&[loading.config().to_owned()], &[]).await;
    let Some(desired) = unless_stopped(&stop, loading.load(true, &board)).await else { return Ok(()) };
    let desired = desired?;
    let server = match desired.settings.listen {
        Some(address) => Some(Server::start(address, board.clone()).await?),
        None => None,
    };
    let mut journal = open_journal(&desired.settings);
    let connecting = connect(&desired.settings, None, None);
    let Some(connection) = unless_stopped(&stop, connecting).await else { return Ok(()) };
    let Connection { reader, platform, mut simulator } = connection?;
    follow(&watcher, &loading, &desired, None).await;
    let (timetable, schedules) = watch::channel(Schedule::from(&desired.settings.reconcile));
    let background = start_background(signals, &triggers, schedules, &board);

    info!(
        event = "daemon_started",
        version = env!("CARGO_PKG_VERSION"),
        config = %loading.config().display(),
        platform,
        policy = desired.settings.reconcile.policy.word(),
        listen = server.as_ref().map(|server| server.address().to_string()),
    );
    let policy = policy(&desired);
    let desired = Arc::new(desired);
    let mut in_force = InForce {
        desired,
        reader,
        platform,
        policy,
        ailments: Ailments::default(),
        deletes: Deletes::default(),
        is_refused: false,
        too_often_said: false,
        counted: <(Requests, Duration)>::default(),
    };
    let (ordered, orders) = watch::channel(in_force.scheduled());
    let making = tokio::spawn(reports::run(orders, stop.clone(), board.clone()));
    let mut alerts = Alerts::default();
    let mut shown = None;
    let alive = board.loop_begins();
    triggers.send(Trigger::Startup);
    while let Event::Pass(trigger) = next(&mut mailbox, in_force.deletes.next_due()).await {
        // Events get lost, and what is mounted over a directory makes none: before each pass the content is compared.
        let changed = watcher.look().await;
        let asked = matches!(trigger, Trigger::DesiredStateChanged | Trigger::Requested);
        if asked || changed || loading.is_due() || in_force.is_refused {
            systemd::reloading();
            let old = in_force.desired.settings.clone();
            let reloading = reload(&mut loading, asked || changed, &mut in_force, &mut simulator, &board);
            let Some(rejected) = unless_stopped(&stop, reloading).await else { continue };
            follow(&watcher, &loading, &in_force.desired, rejected.as_ref()).await;
            let settings = &in_force.desired.settings;
            timetable.send_replace(Schedule::from(&settings.reconcile));
            ordered.send_replace(in_force.scheduled());
            if settings.journal != old.journal {
                journal = open_journal(settings);
            }
            if settings.listen != old.listen {
                warn!(
                    event = "restart_needed",
                    "listen has changed: it takes effect when the daemon is restarted"
                );
            }
            expect_success(&board, &in_force);
            systemd::ready(&board.status().line());
        }
        if journal.has_moved() {
            journal = begin_anew(journal, &in_force.desired.settings, open_journal);
        }
        let report = pass(trigger, &mut in_force, &mut journal, &mut alerts, &board, &stop).await;
        let planned = report.has_plan();
        if planned && (shown.as_ref() != Some(&report.current().id) || !report.applied.is_empty()) {
            show(&report.plan, &in_force.platform);
            if let Some(after) = &report.after {
                show(after, &in_force.platform);
            }
            shown = Some(report.current().id.clone());
        }
    }

    board.stopping();
    systemd::stopping();
    end(making, alive, background, server, simulator).await;
    info!(event = "daemon_stopped");
    Ok(())
}

/// Ends what runs beside the loop.
async fn end(
    making: tokio::task::JoinHandle<()>,
    alive: Alive,
    background: Vec<tokio::task::JoinHandle<()>>,
    server: Option<Server>,
    simulator: Option<simulator::Running>,
) {
    // It heeds the stop by itself, and ends as soon as no request is under way that leaves a trace.
    if let Err(error) = making.await {
        error!(event = "reports_failed", error = one_line(&error));
    }
    drop(alive);
    for task in background {
        task.abort();
    }
    if let Some(server) = server {
        server.stop().await;
    }
    if let Some(simulator) = simulator {
        simulator.shutdown().await;
    }
}

/// Opens the journal again whose file is gone, or another one.
fn begin_anew(
    journal: Journal,
    settings: &Settings,
    open_journal: &(dyn Fn(&Settings) -> Journal + Sync),
) -> Journal {
    warn!(
        event = "journal_failed",
        error = "its file was deleted or replaced while it was open",
        "it is opened anew: what is not in the new file is forgotten"
    );
    // Before the other is opened: what the old one leaves behind must not be taken for a part of it.
    journal.leave();
    open_journal(settings)
}

/// What the loop does next: at the latest when the time of a delete has come, a pass.
async fn next(mailbox: &mut Mailbox, delete_due: Option<Instant>) -> Event {
    let due = async {
        match delete_due {
            Some(due) => tokio::time::sleep_until(due.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        event = mailbox.next() => event,
        () = due => Event::Pass(Trigger::Schedule),
    }
}

/// How much longer than the unit gives a start may take, from each beat of the loop on.
const START_EXTENSION: Duration = Duration::from_mins(1);

/// Does what is begun, unless it is asked to stop first.
async fn unless_stopped<T>(stop: &Stop, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = stop.requested() => None,
    }
}

fn start_background(
    signals: tokio::task::JoinHandle<()>,
    triggers: &Sender,
    schedules: watch::Receiver<Schedule>,
    board: &Board,
) -> Vec<tokio::task::JoinHandle<()>> {
    let (on_time, on_board) = (triggers.clone(), board.clone());
    let watched = board.clone();
    vec![
        signals,
        tokio::spawn(async move { schedule::run(schedules, on_time, |at| on_board.next_pass(at)).await }),
        tokio::spawn(async move { systemd::keep_alive(|| watched.why_dead().is_none()).await }),
    ]
}

/// The policy that the file sets. Nobody looks at the daemon's plan before it is applied, so that a section
/// that appears, as by a slip of an include, deletes nothing at once; and nobody waits for what keeps failing.
fn policy(desired: &Desired) -> Policy {
    Policy { new_sections_wait: true, patient: true, ..Policy::from_settings(&desired.settings.reconcile) }
}

/// Follows the files whose change makes a pass: the main file in any case, those in force, and of a file that is refused
/// those that may mend it.
async fn follow(watcher: &Watcher, loading: &Loading, desired: &Desired, rejected: Option<&Rejected>) {
    let mut files = vec![loading.config().to_owned()];
    files.extend(desired.files.iter().chain(rejected.iter().flat_map(|rejected| &rejected.files)).cloned());
    let mut include = desired.include.clone();
    include.extend(rejected.iter().flat_map(|rejected| &rejected.include).cloned());
    watcher.follow(&files, &include).await;
}

/// Has the board know by when a pass has to succeed.
fn expect_success(board: &Board, in_force: &InForce) {
    let status = board.status();
    let schedule = Schedule::from(&in_force.desired.settings.reconcile);
    let took = Duration::from_millis(status.last_pass.map_or(0, |pass| pass.duration_ms));
    board.success_due(status.last_success_at.and_then(|since| schedule.thrice_after(since, took)));
}

/// Puts the file as it is now in force. A wrong one, or one with which the platform cannot be reached, changes
/// nothing; if the file is wrong, it is returned what was.
async fn reload(
    loading: &mut Loading,
    asked: bool,
    in_force: &mut InForce,
    simulator: &mut Option<simulator::Running>,
    board: &Board,
) -> Option<Rejected> {
    let desired = match loading.load(asked, board).await {
        Ok(desired) => desired,
        Err(rejected) => return Some(rejected),
    };
    // Credentials are resolved anew, since they may have been rotated.
    match connect(&desired.settings, simulator.as_ref(), Some(&in_force.reader)).await {
        Ok(Connection { reader, platform, simulator: started }) => {
            // One that is there already stays, also where it is not asked for any more: it may be again.
            if started.is_some() {
                *simulator = started;
            }
            let policy = policy(&desired);
            // Another platform has other connectors.
            let same = reader.is(&in_force.reader);
            let ailments = if same { std::mem::take(&mut in_force.ailments) } else { Ailments::default() };
            let desired = Arc::new(desired);
            let counted = if same { in_force.counted } else { <(Requests, Duration)>::default() };
            let too_often_said = false;
            // It begins anew by itself where the files hold something else.
            let deletes = std::mem::take(&mut in_force.deletes);
            let is_refused = false;
            *in_force = InForce {
                desired,
                reader,
                platform,
                policy,
                ailments,
                deletes,
                is_refused,
                too_often_said,
                counted,
            };
            None
        }
        Err(error) => {
            let problem = Problem::new(one_line(&error), None);
            loading.reject(std::slice::from_ref(&problem), asked, board);
            Some(Rejected {
                files: desired.files,
                include: desired.include,
                ..Rejected::unread(vec![problem])
            })
        }
    }
}

async fn pass(
    trigger: Trigger,
    in_force: &mut InForce,
    journal: &mut Journal,
    alerts: &mut Alerts,
    board: &Board,
    stop: &Stop,
) -> Report {
    // Who asks wants to see it tried.
    if trigger == Trigger::Requested
        && let Err(error) = journal.try_all_again()
    {
        warn!(event = "journal_failed", error = one_line(&error), "what failed waits on");
    }
    let run_id = uuid::Uuid::new_v4().to_string();
    let is_first = board.status().last_pass.is_none();
    board.pass_begins(&run_id, trigger, Timestamp::now());
    let InForce { desired, reader, platform, policy, ailments, deletes, is_refused, too_often_said, counted } =
        in_force;
    let remind_every = desired.settings.reconcile.remind_every;
    // In dry-run nothing is in reach that could write.
    let writer = (policy.mode == Mode::Enforce).then(|| Writer::new(reader));
    let report = reconcile(Pass {
        run_id: &run_id,
        trigger: trigger.word(),
        desired,
        reader,
        writer: writer.as_ref(),
        journal,
        ailments,
        // Under dry-run nothing is made: what is shown is what `plan` says.
        deletes: (policy.mode == Mode::Enforce).then_some(deletes),
        policy,
        stop,
        // A drift is told before it is undone.
        tell: &mut |plan, journal| alerts.tell(plan, journal, remind_every),
        consent: &mut |_| Box::pin(std::future::ready(true)),
        each: &|_| {},
    })
    .await;
    let credentials = |failed: &Failed| failed.cause.as_deref() == Some(REFUSED_CREDENTIALS);
    *is_refused = report.current().failed.iter().any(credentials);
    if let Some(too_often) = &report.too_often
        && !std::mem::replace(too_often_said, true)
    {
        warn!(event = "interval_too_short", run_id, "{too_often}");
    }
    let (sent, waited) = std::mem::replace(counted, (reader.requests(), reader.limited()));
    let ((now, limited), metrics) = (*counted, board.metrics());
    metrics.api_requests(ApiRequest::Read, now.reads - sent.reads);
    metrics.api_requests(ApiRequest::Write, now.writes - sent.writes);
    metrics.api_requests(ApiRequest::Retry, now.retries - sent.retries);
    metrics.rate_limited(limited.saturating_sub(waited));
    for applied in &report.applied {
        board.metrics().change_applied(applied.change.action.word(), applied.outcome.word());
    }
    if report.has_plan() {
        publish(board, report.current(), platform);
    }
    board.pass_ends(report.outcome(), None, Timestamp::now(), report.took);
    expect_success(board, in_force);
    let tell = if is_first { systemd::ready } else { systemd::status };
    tell(&board.status().line());
    report.log_end(&run_id);
    report
}

fn publish(board: &Board, plan: &Plan, platform: &str) {
    let heading = Heading { platform, generated_at: Timestamp::now(), exit: plan.detailed_exit() };
    let json = Arc::from(visible_json(&plan_json(plan, &heading).to_string()));
    if let Err(error) = board.plan(json) {
        error!(event = "status_failed", error = one_line(&error), "the plan cannot be shown over HTTP");
    }
}
