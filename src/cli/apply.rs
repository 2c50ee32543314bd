//! `trueup apply`: plan, ask, apply. The command is itself the consent, whatever `reconcile.policy` says.

use std::fmt::Write as _;
use std::future::ready;
use std::io::{BufRead, IsTerminal, Write as _};
use std::sync::Once;

use clap::Args;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::session::{self, Session, heed_signals, unknown_targets};
use super::{Common, Format, output};
use crate::apply::{Applied, Outcome};
use crate::exit::Exit;
use crate::plan::{Action, Doing, FieldChange, Plan, Style, done_line, failures};
use crate::reconcile::{End, NotConverged, Report};
use crate::resource::Address;
use crate::stop::Stop;
use crate::visible::visible;

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// Apply without asking
    #[arg(long)]
    yes: bool,
    /// How plan and outcomes are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Apply these objects, and what they depend on, alone
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    target: Vec<Address>,
    /// For this apply, allow so many deletes, whatever reconcile.max_deletes says
    #[arg(long, value_name = "N")]
    allow_deletes: Option<usize>,
    /// For this apply, allow updates and deletes of so many percent of a kind, whatever reconcile.max_change_percent says
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    allow_changes: Option<u32>,
    /// For this apply, believe listings that have shrunk, whatever reconcile.max_shrink_percent says
    #[arg(long)]
    accept_shrink: bool,
    /// Also write again what cannot be verified: secrets, and fields that the platform does not show
    #[arg(long)]
    rewrite: bool,
}

pub(super) async fn run(common: &Common, args: &ApplyArgs) -> Exit {
    common.start_logs(-1);
    if !args.yes && !std::io::stdin().is_terminal() {
        let hint = "say --yes to apply without a question";
        return output::fail(
            args.format,
            Exit::Usage,
            "apply asks, and there is no terminal to answer",
            Some(hint),
        );
    }
    let mut session = match Session::open(common, args.format, &args.target).await {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    let policy = &mut session.policy;
    policy.rewrite = args.rewrite;
    policy.max_deletes = args.allow_deletes.unwrap_or(policy.max_deletes);
    policy.max_change_percent = args.allow_changes.unwrap_or(policy.max_change_percent);
    if args.accept_shrink {
        policy.max_shrink_percent = 100;
    }
    let stop = heed_signals();

    let (platform, color) = (session.platform(), session.color);
    let style = Style { doing: Doing::Apply, ..session.style(false) };
    let asks = stop.clone();
    let mut consent = |plan: &Plan| -> BoxFuture<'static, bool> {
        if !plan.unknown_targets.is_empty() {
            return Box::pin(ready(false));
        }
        let text = session::text(plan, &platform, style);
        match args.format {
            Format::Text => output::say(&text),
            Format::Json if args.yes => {}
            Format::Json => output::complain(&text),
        }
        let nothing = plan.applicable().next().is_none() || plan.blocked.is_some();
        if args.yes || nothing {
            Box::pin(ready(true))
        } else {
            Box::pin(asked("Apply this plan?", asks.clone()))
        }
    };
    let gap = Once::new();
    let each = |applied: &Applied| {
        if let (Format::Text, Some(told)) = (args.format, done(applied)) {
            gap.call_once(|| output::say("\n"));
            output::say(&done_line(&applied.change, &told, color));
        }
    };
    let report = session.pass("apply", true, &mut consent, &each, &stop).await;
    let exit = unknown_targets(&report.plan, args.format).unwrap_or_else(|| {
        let exit = exit_of(&report);
        match (&report.end, args.format) {
            (End::Locked(holder), format) => {
                let hint = "wait until it is done, or stop it; then apply again";
                return output::fail(format, Exit::Failure, holder, Some(hint));
            }
            (_, Format::Text) => output::say(&outcome_text(&report, session.journal().is_kept())),
            (_, Format::Json) => output::say_json(&json!({
                "format": "trueup.apply/v1",
                "plan": session.json(&report.plan, exit, report.began),
                "outcomes": report.applied.iter().map(outcome_json).collect::<Vec<_>>(),
                "not_converged": report.not_converged.iter().map(not_converged_json).collect::<Vec<_>>(),
                "failed": report.failed_since().collect::<Vec<_>>(),
                "exit": exit.code(),
            })),
        }
        exit
    });
    session.close().await;
    exit
}

fn exit_of(report: &Report) -> Exit {
    match &report.end {
        End::Blocked(_) => Exit::Blocked,
        End::Declined | End::Stopped | End::Locked(_) => Exit::Failure,
        End::Planned | End::Applied if report.has_failures() => Exit::Failure,
        End::Planned | End::Applied => Exit::Success,
    }
}

/// Asks on stderr, so that stdout holds data alone. Anything but `yes` is no, an interrupt too.
pub(super) async fn asked(question: &'static str, stop: Stop) -> bool {
    let mut stderr = std::io::stderr();
    let _ = write!(stderr, "\n{question} Only `yes` is taken: ").and_then(|()| stderr.flush());
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == "yes"
    });
    tokio::select! {
        answer = answer => answer.unwrap_or(false),
        () = stop.requested() => {
            output::complain("");
            false
        }
    }
}

/// What is said at once of a change that was made. What was not is told in the log as it happens, and once more in the
/// end.
fn done(Applied { change: _, outcome, took }: &Applied) -> Option<String> {
    match outcome {
        Outcome::Applied { id, existed: false } => Some(format!("id {id} · {} ms", took.as_millis())),
        Outcome::Applied { id: _, existed: true }
        | Outcome::Failed { .. }
        | Outcome::Skipped { .. }
        | Outcome::Unknown { .. } => None,
    }
}

/// What came of it. Whether there is a journal decides what can be done about what was there already.
fn outcome_text(report: &Report, has_journal: bool) -> String {
    let mut text = String::new();
    match &report.end {
        End::Declined => text.push_str("\nNothing was applied.\n"),
        End::Stopped => text.push_str("\nStopped before anything was applied.\n"),
        End::Blocked(_) | End::Planned | End::Locked(_) => {}
        End::Applied if report.applied.is_empty() => {}
        End::Applied => {
            text.push('\n');
            for Applied { change, outcome, took: _ } in &report.applied {
                let why = match outcome {
                    Outcome::Applied { existed: false, id: _ } => continue,
                    Outcome::Applied { existed: true, id: _ } => existed(has_journal).to_owned(),
                    Outcome::Failed { error, judged: _, made: _ } | Outcome::Unknown { error } => {
                        error.clone()
                    }
                    Outcome::Skipped { because } => because.to_string(),
                };
                let sign = if outcome.is_applied() { '?' } else { 'x' };
                let address = visible(&change.address.to_string());
                let _ = writeln!(text, "{sign} {address:<24} {:<8} {}", outcome.word(), visible(&why));
            }
            for NotConverged { address, field } in &report.not_converged {
                let FieldChange { path, before: got, after: sent, sensitive } = field;
                let told = if *sensitive { String::new() } else { format!(": sent {sent}, got {got}") };
                let line = format!("! {address} not converged: {path}{told}");
                let _ = writeln!(text, "{}", visible(&line));
            }
            for failure in failures(report.failed_since()) {
                let (what, error) = (failure.to_string(), &failure.first.error);
                let _ = writeln!(text, "x {} failed   {}", visible(&what), visible(error));
            }
            let done = |action| {
                let of = |applied: &&Applied| {
                    let made = matches!(applied.outcome, Outcome::Applied { existed: false, id: _ });
                    made && applied.change.action == action
                };
                report.applied.iter().filter(of).count()
            };
            let ended = |word| report.applied.iter().filter(|applied| applied.outcome.word() == word).count();
            let _ = writeln!(
                text,
                "Applied: {} created, {} updated, {} replaced, {} deleted. {} failed, {} skipped, {} unknown.",
                done(Action::Create),
                done(Action::Update),
                done(Action::Replace),
                done(Action::Delete),
                ended("failed"),
                ended("skipped"),
                ended("unknown"),
            );
        }
    }
    text
}

/// What is said of a create that found its object there already.
const fn existed(has_journal: bool) -> &'static str {
    if has_journal {
        "it was there already, in a state that cannot be read: unverified until apply --rewrite writes it again"
    } else {
        "it was there already, in a state that cannot be read: with journal: off it stays unverified, and each apply tries \
         to make it again"
    }
}

fn outcome_json(applied: &Applied) -> Value {
    let Applied { change, outcome, took: _ } = applied;
    let (id, error, because) = match outcome {
        Outcome::Applied { id, existed: _ } => (Some(id), None, None),
        Outcome::Failed { error, judged: _, made } => {
            (made.as_ref().or(change.id.as_ref()), Some(error), None)
        }
        Outcome::Unknown { error } => (change.id.as_ref(), Some(error), None),
        Outcome::Skipped { because } => (change.id.as_ref(), None, Some(because.to_string())),
    };
    json!({
        "address": change.address,
        "action": change.action,
        "outcome": outcome.word(),
        "id": id,
        "error": error,
        "because": because,
    })
}

fn not_converged_json(not_converged: &NotConverged) -> Value {
    let NotConverged { address, field } = not_converged;
    let FieldChange { path, before: got, after: sent, sensitive } = field;
    if *sensitive {
        return json!({ "address": address, "field": path, "sensitive": true });
    }
    json!({ "address": address, "field": path, "sent": sent, "got": got })
}
