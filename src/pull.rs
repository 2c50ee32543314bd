//! Reads the live state as one snapshot, saying what could not be read.

use futures::future::join_all;

use crate::desired::Desired;
use crate::desired::settings::PullScope;
use crate::error::with_hint;
use crate::plan::LiveState;
use crate::qualys::Reader;
use crate::resource::{Checked, Expectation, Kind, Scope};

/// Reads the whole listing of each kind, side by side. A listing that fails is an error, never an empty one.
pub async fn pull(reader: &Reader, kinds: &[Kind]) -> LiveState {
    read(reader, kinds, |_| Scope::default()).await
}

/// As [`pull`], where this is declared: of some kinds nothing else is looked at.
pub async fn pull_declared(reader: &Reader, kinds: &[Kind], desired: &Desired) -> LiveState {
    read(reader, kinds, |kind| desired.scope(kind)).await
}

async fn read<'a>(reader: &Reader, kinds: &[Kind], scope: impl Fn(Kind) -> Scope<'a>) -> LiveState {
    let listings = kinds.iter().map(|&kind| {
        let scope = scope(kind);
        async move {
            let listing = reader.list_declared(kind, &scope).await;
            (kind, listing.map_err(|error| with_hint(&error)))
        }
    });
    LiveState::new(join_all(listings).await.into_iter().collect())
}

/// Counts what is expected of the asset inventory, side by side. A count that fails is neither met nor failed.
pub async fn check(reader: &Reader, expectations: &[Expectation]) -> Vec<Checked> {
    let counts = expectations.iter().map(|expectation| async move {
        let counted = reader.count_assets(&expectation.filters).await;
        expectation.judge(counted.map_err(|error| with_hint(&error)))
    });
    join_all(counts).await
}

/// The kinds to read: all that the platform has, or those that the file names and the tags that these name. Kinds that
/// are listed by what the file declares are not read where it declares nothing.
#[must_use]
pub fn kinds_to_read(desired: &Desired) -> Vec<Kind> {
    let all = desired.settings.reconcile.pull == PullScope::All;
    let wanted = |kind: Kind| {
        all || desired.sections.contains(&kind) || (kind == Kind::Tag && !desired.sections.is_empty())
    };
    let api = desired.settings.platform.connectors_api;
    let something = |kind: Kind| !kind.is_scoped() || !desired.scope(kind).is_empty();
    Kind::ALL.iter().copied().filter(|&kind| api.has(kind) && wanted(kind) && something(kind)).collect()
}
