//! `trueup sync`: run connectors on the platform now.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use serde_json::json;

use super::apply::asked;
use super::lookup::{Looked, Purpose, look_up, unknown};
use super::session::{Session, heed_signals};
use super::{Common, Format, output};
use crate::exit::Exit;
use crate::pace::Pace;
use crate::plan::{Located, Unlocated, locate};
use crate::qualys::Writer;
use crate::resource::{Address, Kind, Run};
use crate::span::span;
use crate::stop::Stop;
use crate::sync::{PACE, Ran, Seen, Syncing, sync, text};
use crate::visible::visible;

#[derive(Debug, Args)]
pub(super) struct SyncArgs {
    /// What to run, by address as in the plan: aws/prod-payments
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<Address>,
    /// Follow the runs to their end
    #[arg(long)]
    wait: bool,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = length, requires = "wait")]
    timeout: Duration,
    /// Run without asking also what runs more than is named
    #[arg(long)]
    yes: bool,
    /// How the outcomes are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn length(text: &str) -> Result<Duration, String> {
    let length = text.parse::<SignedDuration>().ok().and_then(|length| Duration::try_from(length).ok());
    length
        .filter(|length| !length.is_zero())
        .ok_or_else(|| format!("`{text}` is no length of time: expected one as in 30s, 15m or 1h30m"))
}

pub(super) async fn run(common: &Common, args: &SyncArgs) -> Exit {
    common.start_logs(-1);
    if let Some(exit) = cannot_run(&args.addresses, args.format).or_else(|| nobody_to_ask(args)) {
        return exit;
    }
    let mut session = match Session::open(common, args.format, &[]).await {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    let stop = heed_signals();
    let exit = match run_all(common, args, &mut session, &stop).await {
        Err(exit) => exit,
        Ok(runs) => {
            let exit = if runs.iter().all(|ran| ran.well) { Exit::Success } else { Exit::Failure };
            match args.format {
                Format::Text => output::say(&text(&runs)),
                Format::Json => output::say_json(&json!({
                    "format": "trueup.sync/v1",
                    "runs": runs.iter().map(Ran::json).collect::<Vec<_>>(),
                    "exit": exit.code(),
                })),
            }
            exit
        }
    };
    session.close().await;
    exit
}

/// Kinds that cannot be run are wrong usage.
fn cannot_run(addresses: &[Address], format: Format) -> Option<Exit> {
    let address = addresses.iter().find(|address| address.kind.run() == Run::Never)?;
    let can: Vec<&str> =
        Kind::ALL.iter().filter(|kind| kind.run() != Run::Never).map(|kind| kind.word()).collect();
    let message = format!("{} cannot be run: nothing of its kind runs", visible(&address.to_string()));
    let hint = format!("what runs: {}", can.join(", "));
    Some(output::fail(format, Exit::Usage, &message, Some(&hint)))
}

/// What runs more than is named needs a consent.
fn nobody_to_ask(args: &SyncArgs) -> Option<Exit> {
    if args.yes || std::io::stdin().is_terminal() {
        return None;
    }
    let (address, what) = args.addresses.iter().find_map(|address| match address.kind.run() {
        Run::Widely(what) => Some((address, what)),
        Run::Never | Run::Freely => None,
    })?;
    let address = visible(&address.to_string());
    let message = format!("{address}: {what}: sync asks, and there is no terminal to answer");
    Some(output::fail(args.format, Exit::Usage, &message, Some("say --yes to run it without a question")))
}

async fn run_all(
    common: &Common,
    args: &SyncArgs,
    session: &mut Session,
    stop: &Stop,
) -> Result<Vec<Ran>, Exit> {
    let kinds: BTreeSet<Kind> = args.addresses.iter().map(|address| address.kind).collect();
    let Looked { live, known, secrets: _ } = look_up(session, kinds, Purpose::Run, stop, args.format).await?;
    let (desired, reader) = (&session.desired, session.reader());
    let found = locate(&args.addresses, desired, &live, &known);
    if let Some(exit) = unknown(&args.addresses, &found, args.format) {
        return Err(exit);
    }
    let mut rows = Vec::new();
    let mut targets: Vec<Located<'_>> = Vec::new();
    for (address, found) in args.addresses.iter().zip(found) {
        match found {
            Ok(target) if targets.iter().any(|other| other.address == target.address) => {}
            Ok(target) if !consents(&target, args, stop).await => {
                rows.push(Some(Ran { id: Some(target.id), ..Ran::refused(target.address, "not agreed to") }));
            }
            Ok(target) => {
                targets.push(target);
                rows.push(None);
            }
            Err(why @ Unlocated::Unread(_)) => {
                rows.push(Some(Ran::failed(address.clone(), why.to_string())));
            }
            Err(why) => rows.push(Some(Ran::refused(address.clone(), why.to_string()))),
        }
    }
    let width = targets.iter().map(|target| target.address.to_string().chars().count()).max();
    let width = width.unwrap_or_default();
    let mut tell = |Seen { address, state, after }: &Seen<'_>| {
        if !common.quiet {
            let told = format!("{:<width$}  {:>6}  {state}", address.to_string(), span(*after));
            output::complain(&visible(&told));
        }
    };
    let follow = args.wait.then_some(Pace { timeout: args.timeout, ..PACE });
    let writer = Writer::new(reader);
    let syncing = Syncing { reader, writer: &writer, targets, follow, stop, tell: &mut tell };
    let mut ran = sync(syncing).await.into_iter();
    Ok(rows.into_iter().filter_map(|row| row.or_else(|| ran.next())).collect())
}

/// Whether it may be run: what runs more than is named is asked for.
async fn consents(target: &Located<'_>, args: &SyncArgs, stop: &Stop) -> bool {
    match target.address.kind.run() {
        Run::Widely(what) if !args.yes => {
            output::complain(&visible(&format!("{}: {what}", target.address)));
            asked("Run it?", stop.clone()).await
        }
        Run::Widely(_) | Run::Freely | Run::Never => true,
    }
}
