//! The loop: triggers in, passes out. Only what goes wrong at start ends it; everything later is reported.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::alerts::Alerts;
use super::board::Board;
use super::http::{ListenError, Server};
use super::metrics::ApiRequest;
use super::reports::{self, Scheduled};
use super::schedule::{self, Schedule};
use super::signals::{Signals, SignalsError};
use super::systemd;
use super::triggers::{Event, Sender, Trigger, mailbox};
use super::watch::{WatchError, Watcher};
use crate::connect::{Connection, ConnectionError, connect};
use crate::desired::settings::{Mode, Settings};
use crate::desired::{self, Desired, Problem, Rejected};
use crate::error::one_line;
use crate::journal::Journal;
use crate::plan::{Heading, Plan, Policy, plan_json};
use crate::qualys::{Requests, Writer};
use crate::reconcile::{Ailments, Pass, Report, reconcile};
use crate::simulator;
use crate::stop::Stop;

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
    let Daemon { config, open_journal, show } = daemon;
    let stop = Stop::new();
    let signals = Signals::install()?;
    let board = Board::new(env!("CARGO_PKG_VERSION"), Timestamp::now());
    let (triggers, mut mailbox) = mailbox(stop.clone());
    let watcher = Watcher::new(triggers.clone())?;
    // Before the file is read, so that no edit falls between reading and watching.
    watcher.follow(std::slice::from_ref(&config), &[]).await;
    let desired = load(&config, &board)?;
    let server = match desired.settings.listen {
        Some(address) => Some(Server::start(address, board.clone()).await?),
        None => None,
    };
    let mut journal = open_journal(&desired.settings);
    let Connection { reader, platform, mut simulator } = connect(&desired.settings, None, None).await?;
    watcher.follow(&followed(&config, &desired), &desired.include).await;
    let (timetable, schedules) = watch::channel(Schedule::from(&desired.settings.reconcile));
    let background = start_background(signals, &stop, &triggers, schedules, &board);

    info!(
        event = "daemon_started",
        version = env!("CARGO_PKG_VERSION"),
        config = %config.display(),
        platform,
        policy = desired.settings.reconcile.policy.word(),
        listen = server.as_ref().map(|server| server.address().to_string()),
    );
    systemd::ready("started");
    let policy = policy(&desired);
    let desired = Arc::new(desired);
    let mut in_force = InForce {
        desired,
        reader,
        platform,
        policy,
        ailments: Ailments::default(),
        too_often_said: false,
        counted: <(Requests, Duration)>::default(),
    };
    let (ordered, orders) = watch::channel(in_force.scheduled());
    let making = tokio::spawn(reports::run(orders, stop.clone(), board.clone()));
    let mut alerts = Alerts::default();
    let mut shown = None;
    let alive = board.loop_begins();
    triggers.send(Trigger::Startup);
    while let Event::Pass(trigger) = mailbox.next().await {
        if matches!(trigger, Trigger::DesiredStateChanged | Trigger::Requested) {
            systemd::reloading();
            let old = in_force.desired.settings.clone();
            reload(&config, &mut in_force, &mut simulator, &board).await;
            watcher.follow(&followed(&config, &in_force.desired), &in_force.desired.include).await;
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
            systemd::ready("reloaded");
        }
        if journal.has_moved() {
            journal = begin_anew(journal, &in_force.desired.settings, open_journal);
        }
        // Who asks wants to see it tried.
        if trigger == Trigger::Requested
            && let Err(error) = journal.try_all_again()
        {
            warn!(event = "journal_failed", error = one_line(&error), "what failed waits on");
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
    info!(event = "daemon_stopped");
    Ok(())
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

fn start_background(
    signals: Signals,
    stop: &Stop,
    triggers: &Sender,
    schedules: watch::Receiver<Schedule>,
    board: &Board,
) -> Vec<tokio::task::JoinHandle<()>> {
    let (on_time, on_board) = (triggers.clone(), board.clone());
    let watched = board.clone();
    vec![
        tokio::spawn(signals.run(triggers.clone(), stop.clone())),
        tokio::spawn(async move { schedule::run(schedules, on_time, |at| on_board.next_pass(at)).await }),
        tokio::spawn(async move { systemd::keep_alive(|| watched.is_alive()).await }),
    ]
}

/// The policy that the file sets. Nobody looks at the daemon's plan before it is applied, so that a section
/// that appears, as by a slip of an include, deletes nothing at once; and nobody waits for what keeps failing.
fn policy(desired: &Desired) -> Policy {
    Policy { new_sections_wait: true, patient: true, ..Policy::from_settings(&desired.settings.reconcile) }
}

/// The files whose change makes a pass: those that were read, and the main file in any case.
fn followed(config: &Path, desired: &Desired) -> Vec<PathBuf> {
    let mut files = vec![config.to_owned()];
    files.extend(desired.files.iter().filter(|file| *file != config).cloned());
    files
}

/// Reads the file, and says what came of it.
fn load(config: &Path, board: &Board) -> Result<Desired, Rejected> {
    match desired::load(config) {
        Ok(desired) => {
            info!(
                event = "config_loaded",
                file = %config.display(),
                files = desired.files.len(),
                declared = desired.declared.len(),
                warnings = desired.warnings.len(),
            );
            board.config_loaded(&desired.files, Timestamp::now());
            Ok(desired)
        }
        Err(rejected) => {
            for problem in &rejected.problems {
                let place = problem.place.as_ref();
                error!(
                    event = "config_rejected",
                    file = place.map_or_else(|| config.display().to_string(), |place| place.file.to_string()),
                    line = place.map(|place| place.line),
                    column = place.map(|place| place.column),
                    message = problem.message,
                    hint = problem.hint,
                );
            }
            board.config_rejected(&rejected.problems, Timestamp::now());
            Err(rejected)
        }
    }
}

/// Puts the file as it is now in force. A wrong one, or one with which the platform cannot be reached, changes
/// nothing.
async fn reload(
    config: &Path,
    in_force: &mut InForce,
    simulator: &mut Option<simulator::Running>,
    board: &Board,
) {
    let Ok(desired) = load(config, board) else { return };
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
            *in_force = InForce { desired, reader, platform, policy, ailments, too_often_said, counted };
        }
        Err(error) => {
            let message = one_line(&error);
            error!(
                event = "config_rejected",
                file = %config.display(),
                line = None::<u32>,
                column = None::<u32>,
                message,
            );
            board.config_rejected(&[Problem::new(message, None)], Timestamp::now());
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
    let run_id = uuid::Uuid::new_v4().to_string();
    board.pass_begins(&run_id, trigger, Timestamp::now());
    let InForce { desired, reader, platform, policy, ailments, too_often_said, counted } = in_force;
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
        policy,
        stop,
        // A drift is told before it is undone.
        tell: &mut |plan, journal| alerts.tell(plan, journal, remind_every),
        consent: &mut |_| Box::pin(std::future::ready(true)),
        each: &|_| {},
    })
    .await;
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
    systemd::status(&format!("{}: {}", report.outcome().word(), platform));
    report.log_end(&run_id);
    report
}

fn publish(board: &Board, plan: &Plan, platform: &str) {
    let heading = Heading { platform, generated_at: Timestamp::now(), exit: plan.detailed_exit() };
    let json = Arc::from(plan_json(plan, &heading).to_string());
    if let Err(error) = board.plan(json) {
        error!(event = "status_failed", error = one_line(&error), "the plan cannot be shown over HTTP");
    }
}
