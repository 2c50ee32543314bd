//! What `sync`, `adopt` and `release` share: the live objects that their addresses mean.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::session::Session;
use super::{Format, output};
use crate::error::one_line;
use crate::exit::Exit;
use crate::plan::{Known, LiveState, Located, Unlocated};
use crate::pull::pull_declared;
use crate::reconcile::resolve_secrets;
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

/// Reads what is live of the kinds, and what is known of it.
pub(super) async fn look_up(
    session: &Session,
    kinds: BTreeSet<Kind>,
    stop: &Stop,
    format: Format,
) -> Result<Looked, Exit> {
    let (desired, reader) = (&session.desired, session.reader());
    reader.heed(stop.clone());
    let kinds: Vec<Kind> = kinds.into_iter().collect();
    // What the platform says of an object may repeat a secret of it.
    let reading = async { tokio::join!(pull_declared(reader, &kinds, desired), resolve_secrets(desired)) };
    let (mut live, secrets) = tokio::select! {
        read = reading => read,
        () = stop.requested() => {
            return Err(output::fail(format, Exit::Failure, "stopped before anything was done", None));
        }
    };
    reader.guard(&secrets);
    live.reword_errors(|error| reader.redact(error));
    let settle_for = desired.settings.reconcile.settle_for;
    // Without the journal what is declared is found still, by its identity.
    let known = session.journal().known(settle_for, Timestamp::now()).unwrap_or_else(|error| {
        tracing::warn!(event = "journal_failed", error = one_line(&error));
        Known::default()
    });
    live.recall(&known);
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
            Err(why @ (Unlocated::Nowhere | Unlocated::Shared(_))) => {
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
