//! What `plan` and `apply` share: the file read, the platform reached, the journal open, one pass run.

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;

use super::{Common, Format, output, shown};
use crate::apply::Applied;
use crate::connect::{Connection, connect};
use crate::daemon::signals::Signals;
use crate::desired::{Desired, Settings};
use crate::error::one_line;
use crate::exit::Exit;
use crate::journal::Journal;
use crate::plan::{Heading, Plan, Policy, Style, plan_json, render_text};
use crate::qualys::{Reader, Writer};
use crate::reconcile::{Ailments, Pass, Report, reconcile};
use crate::resource::Address;
use crate::stop::Stop;

/// Everything that one pass of a command needs.
pub(super) struct Session {
    pub(super) desired: Desired,
    connection: Connection,
    journal: Journal,
    pub(super) policy: Policy,
    pub(super) color: bool,
}

impl Session {
    /// Reads the file and finds the platform. What goes wrong is said; the error is the exit code.
    pub(super) async fn open(common: &Common, format: Format, targets: &[Address]) -> Result<Session, Exit> {
        let desired = common.load().map_err(|rejected| output::reject(format, &rejected))?;
        let connection = connect(&desired.settings, None, None)
            .await
            .map_err(|error| output::fail(format, Exit::Failure, &one_line(&error), None))?;
        let mut policy = Policy::from_settings(&desired.settings.reconcile);
        policy.targets = targets.iter().cloned().collect::<BTreeSet<_>>();
        let color = common.stdout_color();
        // One pass has nothing to tell itself later.
        let journal = match desired.settings.journal {
            Some(_) => open_journal(&desired.settings),
            None => Journal::off(),
        };
        Ok(Session { desired, connection, journal, policy, color })
    }

    /// Runs one pass; with `write`, it may write what `consent` agrees to, and `each` is told of each outcome.
    pub(super) async fn pass(
        &mut self,
        trigger: &str,
        write: bool,
        consent: &mut (dyn FnMut(&Plan) -> BoxFuture<'static, bool> + Send),
        each: &(dyn Fn(&Applied) + Sync),
        stop: &Stop,
    ) -> Report {
        // Without consent to write there is nothing in reach that could.
        let writer = write.then(|| Writer::new(&self.connection.reader));
        let run_id = uuid::Uuid::new_v4().to_string();
        let report = reconcile(Pass {
            run_id: &run_id,
            trigger,
            desired: &self.desired,
            reader: &self.connection.reader,
            writer: writer.as_ref(),
            journal: &mut self.journal,
            ailments: &mut Ailments::default(),
            deletes: None,
            policy: &self.policy,
            stop,
            tell: &mut |_, _| {},
            consent,
            each,
        })
        .await;
        report.log_end(&run_id);
        report
    }

    /// What a command works with that writes to the journal itself.
    pub(super) const fn parts(&mut self) -> (&Desired, &Reader, &mut Journal) {
        (&self.desired, &self.connection.reader, &mut self.journal)
    }

    pub(super) const fn reader(&self) -> &Reader {
        &self.connection.reader
    }

    pub(super) const fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(super) fn text(&self, plan: &Plan, show_unmanaged: bool) -> String {
        text(plan, &self.connection.platform, self.style(show_unmanaged))
    }

    /// How this command shows a plan that it does nothing with.
    pub(super) fn style(&self, show_unmanaged: bool) -> Style {
        Style { color: self.color, show_unmanaged, ..Style::default() }
    }

    pub(super) fn platform(&self) -> String {
        self.connection.platform.clone()
    }

    pub(super) fn json(&self, plan: &Plan, exit: Exit, at: Timestamp) -> Value {
        let heading = Heading { platform: &self.connection.platform, generated_at: at, exit: exit.code() };
        plan_json(plan, &heading)
    }

    /// Ends the session; a simulator that this process started ends with it.
    pub(super) async fn close(self) {
        if let Some(simulator) = self.connection.simulator {
            simulator.shutdown().await;
        }
    }
}

/// A stop that an interrupt requests.
pub(super) fn heed_signals() -> Stop {
    let stop = Stop::new();
    match Signals::install() {
        Ok(signals) => drop(tokio::spawn(signals.run_to_stop(stop.clone()))),
        Err(error) => {
            output::complain(&format!("warning: {error}: an interrupt will not wait for calls in flight"));
        }
    }
    stop
}

/// The plan as text, as of now.
pub(super) fn text(plan: &Plan, platform: &str, style: Style) -> String {
    render_text(plan, platform, Style { now: Timestamp::now(), ..style })
}

/// A target that names nothing is wrong usage.
pub(super) fn unknown_targets(plan: &Plan, format: Format) -> Option<Exit> {
    let unknown: Vec<String> = plan.unknown_targets.iter().map(ToString::to_string).collect();
    (!unknown.is_empty()).then(|| {
        let message = format!("no such object: {}", unknown.join(", "));
        let hint = "a target is an address as in the plan: aws/prod-payments, tag/prod/payments, or aws/NAME#IDENTITY \
                    where a name is there twice";
        output::fail(format, Exit::Usage, &message, Some(hint))
    })
}

/// The journal of the file, or one that ends with the process. A journal that cannot be used is said, and
/// costs the telling of drift from pending; everything else is right without it.
pub(super) fn open_journal(settings: &Settings) -> Journal {
    let in_memory = || match Journal::in_memory() {
        Ok(journal) => journal,
        Err(error) => unreachable!("an empty database in memory: {error}"),
    };
    let Some(path) = &settings.journal else { return in_memory() };
    match Journal::open(path) {
        Ok((journal, told)) => {
            if let Some(told) = told {
                tracing::warn!(event = "journal_set_aside", "{told}");
            }
            journal
        }
        Err(error) => {
            tracing::warn!(
                event = "journal_unavailable",
                file = shown(path),
                error = one_line(&error),
                "going on without: drift cannot be told from pending, fields that are not read back are unverified"
            );
            in_memory()
        }
    }
}
