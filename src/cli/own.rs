//! `trueup adopt` and `trueup release`: our mark on live objects, put on and taken off.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::lookup::{Looked, Purpose, look_up, unknown};
use super::session::{Session, heed_signals};
use super::{Common, Format, output};
use crate::error::one_line;
use crate::exit::Exit;
use crate::journal::Run;
use crate::lock::LockError;
use crate::ownership::{Claim, Claimed, Claiming, Outcome, claim};
use crate::plan::{Located, Names, Unlocated, locate, locate_declared};
use crate::qualys::Writer;
use crate::resource::{Address, Kind, Wanted};
use crate::stop::Stop;
use crate::visible::visible;

#[derive(Debug, Args)]
pub(super) struct AdoptArgs {
    /// What to adopt, by address as in the plan: aws/prod-payments. With --from, and none named: all that is theirs
    #[arg(value_name = "ADDRESS", required_unless_present_any = ["from", "all"], conflicts_with = "all")]
    addresses: Vec<Address>,
    /// Adopt all that the file names, is live, and bears nobody's mark
    #[arg(long, conflicts_with = "from")]
    all: bool,
    /// Take over what bears the mark of this owner
    #[arg(long, value_name = "OWNER")]
    from: Option<String>,
    /// How the outcomes are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ReleaseArgs {
    /// What to release, by address as in the plan: aws/prod-payments
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<Address>,
    /// How the outcomes are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Which objects are meant.
enum Choice<'a> {
    Named(&'a [Address]),
    /// All that the file names and that nobody has marked.
    Unowned,
    /// All that the file names and this owner has marked.
    Of(&'a str),
}

pub(super) async fn adopt(common: &Common, args: &AdoptArgs) -> Exit {
    common.start_logs(-1);
    let session = match Session::open(common, args.format, &[]).await {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    let Some(owner) = session.desired.settings.reconcile.owner.clone() else {
        session.close().await;
        let message = "nobody to adopt for: the file does not say whose mark objects bear";
        return output::fail(args.format, Exit::Usage, message, Some("set reconcile.owner"));
    };
    let choice = match (&args.from, args.addresses.as_slice()) {
        (Some(from), []) => Choice::Of(from),
        (None, []) => Choice::Unowned,
        (Some(_) | None, named) => Choice::Named(named),
    };
    let claim = Claim::Adopt { owner: &owner, from: args.from.as_deref() };
    run(session, "adopt", claim, choice, args.format).await
}

pub(super) async fn release(common: &Common, args: &ReleaseArgs) -> Exit {
    common.start_logs(-1);
    let session = match Session::open(common, args.format, &[]).await {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    let owner = session.desired.settings.reconcile.owner.clone();
    let claim = Claim::Release { owner: owner.as_deref() };
    run(session, "release", claim, Choice::Named(&args.addresses), args.format).await
}

async fn run(
    mut session: Session,
    command: &str,
    claim: Claim<'_>,
    choice: Choice<'_>,
    format: Format,
) -> Exit {
    let stop = heed_signals();
    let exit = match claim_all(&mut session, command, claim, choice, format, &stop).await {
        Err(exit) => exit,
        Ok(claimed) => {
            let well = claimed.iter().all(|claimed| claimed.outcome.is_well());
            let exit = if well { Exit::Success } else { Exit::Failure };
            match format {
                Format::Text => output::say(&text(&claimed)),
                Format::Json => output::say_json(&json!({
                    "format": format!("trueup.{command}/v1"),
                    "objects": claimed.iter().map(to_json).collect::<Vec<_>>(),
                    "exit": exit.code(),
                })),
            }
            exit
        }
    };
    session.close().await;
    exit
}

async fn claim_all(
    session: &mut Session,
    command: &str,
    wanted: Claim<'_>,
    choice: Choice<'_>,
    format: Format,
    stop: &Stop,
) -> Result<Vec<Claimed>, Exit> {
    // What an apply makes meanwhile would not be in our listing.
    let _lock = match session.journal().lock_writes(command) {
        Ok(lock) => lock,
        Err(held @ LockError::Held { .. }) => {
            let hint = "wait until it is done, then try again";
            return Err(output::fail(format, Exit::Failure, &held.to_string(), Some(hint)));
        }
        Err(error @ LockError::Io { .. }) => {
            tracing::warn!(event = "journal_failed", error = one_line(&error));
            None
        }
    };
    let kinds = kinds_of(session, &choice);
    let Looked { live, known, secrets } = look_up(session, kinds, Purpose::Change, stop, format).await?;
    let (desired, reader, journal) = session.parts();
    let mut rows: Vec<Option<Claimed>> = Vec::new();
    let mut targets: Vec<Located<'_>> = Vec::new();
    match choice {
        Choice::Named(addresses) => {
            let found = locate(addresses, desired, &live, &known);
            if let Some(exit) = unknown(addresses, &found, format) {
                return Err(exit);
            }
            for (address, found) in addresses.iter().zip(found) {
                match found {
                    Ok(target) if targets.iter().any(|other| other.address == target.address) => {}
                    Ok(target) => {
                        targets.push(target);
                        rows.push(None);
                    }
                    Err(why) => rows.push(Some(not_tried(address.clone(), &why))),
                }
            }
        }
        Choice::Unowned | Choice::Of(_) => {
            let (found, unread) = locate_declared(desired, &live, &known);
            for (kind, why) in unread {
                rows.push(Some(not_tried(Address::new(kind, "*"), &why)));
            }
            let meant = |located: &Located<'_>| {
                let owner = located.live.and_then(|live| live.owner.as_ref());
                let can = located.address.kind.is_listed() && located.address.kind.wanted() != Wanted::Absent;
                can && match choice {
                    Choice::Of(from) => owner.is_some_and(|owner| owner.name == from),
                    Choice::Unowned | Choice::Named(_) => owner.is_none(),
                }
            };
            targets = found.into_iter().filter(meant).collect();
            rows.extend(targets.iter().map(|_| None));
        }
    }
    let names = Names::new(&desired.declared, &live).ids();
    let run_id = uuid::Uuid::new_v4().to_string();
    let writer = Writer::new(reader);
    let claimed = claim(Claiming {
        reader,
        writer: &writer,
        journal,
        run: Run { id: &run_id, trigger: command },
        names: &names,
        secrets: &secrets,
        claim: wanted,
        targets,
        concurrency: desired.settings.platform.concurrency,
        stop,
    });
    let mut claimed = claimed.await.into_iter();
    Ok(rows.into_iter().filter_map(|row| row.or_else(|| claimed.next())).collect())
}

fn kinds_of(session: &Session, choice: &Choice<'_>) -> BTreeSet<Kind> {
    match choice {
        Choice::Named(addresses) => addresses.iter().map(|address| address.kind).collect(),
        Choice::Unowned | Choice::Of(_) => {
            session.desired.declared.iter().map(|entry| entry.spec.kind()).collect()
        }
    }
}

/// What an address that means no live object comes to.
fn not_tried(address: Address, why: &Unlocated) -> Claimed {
    let outcome = match why {
        Unlocated::Unread(_) => Outcome::Failed,
        Unlocated::Nowhere(_) | Unlocated::Shared(_) | Unlocated::NotLive(_) | Unlocated::Ambiguous(_) => {
            Outcome::Refused
        }
    };
    Claimed { outcome, ..Claimed::refused(address, why.to_string()) }
}

fn text(claimed: &[Claimed]) -> String {
    let mut text = String::new();
    let width = claimed.iter().map(|claimed| claimed.address.to_string().chars().count()).max().unwrap_or(0);
    for Claimed { address, id, outcome, reason } in claimed {
        let id = id.as_ref().map(|id| format!("id {id}"));
        let detail: Vec<&str> = [id.as_deref(), reason.as_deref()].into_iter().flatten().collect();
        let sign = if outcome.is_well() { ' ' } else { 'x' };
        let line =
            format!("{sign} {:<width$}  {:<9}  {}", address.to_string(), outcome.word(), detail.join(" · "));
        let _ = writeln!(text, "{}", visible(line.trim_end()));
    }
    let counts: Vec<String> = Outcome::ALL
        .iter()
        .map(|outcome| (claimed.iter().filter(|claimed| claimed.outcome == *outcome).count(), outcome.word()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let told = if counts.is_empty() { "nothing to do".to_owned() } else { counts.join(", ") };
    let _ = writeln!(text, "Ownership: {told}.");
    text
}

fn to_json(claimed: &Claimed) -> Value {
    let Claimed { address, id, outcome, reason } = claimed;
    json!({"address": address, "id": id, "outcome": outcome.word(), "reason": reason})
}
