//! Reads the live state as one snapshot, saying what could not be read.

use futures::future::join_all;

use crate::desired::Desired;
use crate::desired::settings::PullScope;
use crate::error::with_hint;
use crate::plan::LiveState;
use crate::qualys::Reader;
use crate::resource::{Checked, Expectation, Kind};

/// Reads the whole listing of each kind, side by side. A listing that fails is an error, never an empty one.
pub async fn pull(reader: &Reader, kinds: &[Kind]) -> LiveState {
    let listings = kinds
        .iter()
        .map(|&kind| async move { (kind, reader.list(kind).await.map_err(|error| with_hint(&error))) });
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

/// The kinds to read: all that the platform has, or those that the file names and the tags that these name.
#[must_use]
pub fn kinds_to_read(desired: &Desired) -> Vec<Kind> {
    match desired.settings.reconcile.pull {
        PullScope::All => Kind::ALL.to_vec(),
        PullScope::Declared => Kind::ALL
            .iter()
            .copied()
            .filter(|kind| {
                desired.sections.contains(kind) || (*kind == Kind::Tag && !desired.sections.is_empty())
            })
            .collect(),
    }
}
