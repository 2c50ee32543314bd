//! What `sync`, `adopt` and `release` share: the live objects that their addresses mean.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::session::Session;
use super::{Format, output};
use crate::error::one_line;
use crate::exit::Exit;
use crate::plan::{Known, LiveState, Located, Policy, Unlocated, doubt_of_membership};
use crate::pull::{pull_declared, pull_to_change};
use crate::reconcile::{enter_journal, resolve_secrets};
use crate::resource::{Address, Kind};
use crate::secret::Secrets;
use crate::stop::Stop;
use crate::visible::visible;

/// What the addresses are looked up in.
pub(super) struct Looked {
    pub(super) live: LiveState,
    pub(super) known: Known,
    pub(super) secrets: Secrets,
}

/// What the objects are looked up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// They are run.
    Run,
    /// They are changed, which members of organization connectors must not be.
    Change,
}

/// Reads what is live of the kinds, and what is known of it.
pub(super) async fn look_up(
    session: &mut Session,
    kinds: BTreeSet<Kind>,
    purpose: Purpose,
    stop: &Stop,
    format: Format,
) -> Result<Looked, Exit> {
    let (desired, reader, journal) = session.parts();
    reader.heed(stop.clone());
    // Of no kind at all nothing would be found out, also not that the password is wrong.
    let is_for_nothing = kinds.is_empty();
    let kinds: Vec<Kind> = if is_for_nothing { vec![Kind::Tag] } else { kinds.into_iter().collect() };
    // What the platform says of an object may repeat a secret of it.
    let pulling = async {
        match purpose {
            Purpose::Run => pull_declared(reader, &kinds, desired).await,
            Purpose::Change => pull_to_change(reader, &kinds, desired).await,
        }
    };
    let reading = async { tokio::join!(pulling, resolve_secrets(desired)) };
    let (mut live, secrets) = tokio::select! {
        read = reading => read,
        () = stop.requested() => {
            return Err(output::fail(format, Exit::Failure, "stopped before anything was done", None));
        }
    };
    reader.guard(&secrets);
    live.reword_errors(|error| reader.redact(error));
    // A cause of one kind's own is told of each object of that kind.
    let mut unread = live.kinds().values().filter_map(|listing| listing.as_ref().err());
    if let Some(unread) = unread.find(|unread| is_for_nothing || unread.concerns_every_kind) {
        return Err(output::fail(format, Exit::Failure, &visible(&unread.error), None));
    }
    let settle_for = desired.settings.reconcile.settle_for;
    // Without the journal what is declared is found still, by its identity.
    enter_journal(journal, reader, &live);
    let known = journal.known(settle_for, Timestamp::now()).unwrap_or_else(|error| {
        tracing::warn!(event = "journal_failed", error = one_line(&error));
        Known::default()
    });
    live.recall(&known);
    let policy = Policy::from_settings(&desired.settings.reconcile);
    if let (Purpose::Change, Some(why)) = (purpose, doubt_of_membership(&live, desired, &known, &policy)) {
        live.lock_all(Kind::Azure, &format!("it may be a member of an organization connector: {why}"));
    }
    Ok(Looked { live, known, secrets })
}

/// What names no one object is wrong usage.
pub(super) fn unknown(
    addresses: &[Address],
    found: &[Result<Located<'_>, Unlocated>],
    format: Format,
) -> Option<Exit> {
    let wrong: Vec<String> = addresses
        .iter()
        .zip(found)
        .filter_map(|(address, found)| match found {
            Err(why @ (Unlocated::Nowhere(_) | Unlocated::Shared(_))) => {
                Some(visible(&format!("{address} ({why})")))
            }
            Err(Unlocated::NotLive(_) | Unlocated::Ambiguous(_) | Unlocated::Unread(_)) | Ok(_) => None,
        })
        .collect();
    (!wrong.is_empty()).then(|| {
        let message = format!("no such object: {}", wrong.join(", "));
        let hint =
            "an address is one as in the plan: aws/prod-payments, aws/NAME#IDENTITY where a name is shared";
        output::fail(format, Exit::Usage, &message, Some(hint))
    })
}
