//! Reads the live state as one snapshot, saying what could not be read.

use std::collections::BTreeSet;

use futures::future::join_all;

use crate::desired::Desired;
use crate::desired::settings::PullScope;
use crate::error::with_hint;
use crate::plan::{LiveState, Unread};
use crate::qualys::{ApiError, ApiErrorKind, Reader};
use crate::resource::{Checked, Expectation, Kind, LiveObject, Membership, Scope};

/// What is live of some kinds, and of what there is none to be had.
#[derive(Debug)]
pub struct Survey {
    /// The whole listing of each kind. One that failed is an error, never empty.
    pub live: LiveState,
    /// Of the kinds that could not be read, those of which the platform says that there is no such kind.
    pub lacking: BTreeSet<Kind>,
}

/// Reads all that there is of each kind, side by side, whatever a file may name.
pub async fn survey(reader: &Reader, kinds: &[Kind]) -> Survey {
    let read = read(reader, kinds, |_| Scope::Whole).await;
    let is_lacking = |error: &ApiError| error.says_there_is_no_such_kind();
    let lacking = read.iter().filter(|(_, listing)| listing.as_ref().is_err_and(is_lacking));
    Survey { lacking: lacking.map(|(kind, _)| *kind).collect(), live: state(reader, read) }
}

/// Reads the whole listing of each kind, side by side. A listing that fails is an error, never an empty one.
pub async fn pull(reader: &Reader, kinds: &[Kind]) -> LiveState {
    state(reader, read(reader, kinds, |_| Scope::Whole).await)
}

/// As [`pull`], where this is declared: of some kinds nothing else is looked at.
pub async fn pull_declared(reader: &Reader, kinds: &[Kind], desired: &Desired) -> LiveState {
    state(reader, read(reader, kinds, |kind| desired.scope(kind)).await)
}

/// As [`pull_declared`], for whoever may change what is read: also tells which Azure connectors are members of an
/// organization connector. That costs requests only where there are Azure connectors and the organization connectors
/// are not among the kinds: a request for their listing, and one for each of them.
pub async fn pull_to_change(reader: &Reader, kinds: &[Kind], desired: &Desired) -> LiveState {
    let read = read(reader, kinds, |kind| desired.scope(kind)).await;
    let listing = |kind| read.iter().find(|(of, _)| *of == kind).map(|(_, listing)| listing);
    let membership = match (listing(Kind::Azure), listing(Kind::AzureOrganization)) {
        (Some(Ok(connectors)), None) if !connectors.is_empty() => {
            reader.organization_members().await.unwrap_or_else(|error| untold(&error))
        }
        (_, Some(Err(error))) => untold(error),
        (_, Some(Ok(_)) | None) => Membership::NotAsked,
    };
    state_of(reader, read, membership)
}

/// What is known of the members where the organization connectors could not be read.
fn untold(error: &ApiError) -> Membership {
    let told = with_hint(error);
    if error.says_in_words_that_there_is_no_such_kind() {
        Membership::NoModule(told)
    } else {
        Membership::Unknown(told)
    }
}

type Read = Vec<(Kind, Result<Vec<LiveObject>, ApiError>)>;

async fn read<'a>(reader: &Reader, kinds: &[Kind], scope: impl Fn(Kind) -> Scope<'a>) -> Read {
    // The first request goes alone while nobody knows whether the password is taken, so it had better begin a long
    // listing: what everybody shares is short.
    let mut kinds = kinds.to_vec();
    kinds.sort_by_key(|kind| kind.is_shared());
    // A connector that an organization makes between the two listings must not look like nobody's member: so the
    // members are read after the connectors.
    let both = [Kind::Azure, Kind::AzureOrganization];
    let mut chains: Vec<Vec<Kind>> = Vec::new();
    for kind in kinds {
        match chains.iter_mut().find(|chain| both.contains(&kind) && both.contains(&chain[0])) {
            Some(chain) => chain.push(kind),
            None => chains.push(vec![kind]),
        }
    }
    let scope = &scope;
    let listings = chains.into_iter().map(async |mut chain: Vec<Kind>| {
        chain.sort_by_key(|kind| *kind == Kind::AzureOrganization);
        let mut read = Vec::with_capacity(chain.len());
        for kind in chain {
            read.push((kind, reader.list_within(kind, &scope(kind)).await));
        }
        read
    });
    join_all(listings).await.into_iter().flatten().collect()
}

fn state(reader: &Reader, read: Read) -> LiveState {
    state_of(reader, read, Membership::NotAsked)
}

fn state_of(reader: &Reader, mut read: Read, membership: Membership) -> LiveState {
    distrust_another_subscription(&mut read);
    let was_read: Vec<Kind> = read
        .iter()
        .filter(|(kind, listing)| kind.is_listed() && listing.is_ok())
        .map(|(kind, _)| *kind)
        .collect();
    let told = |(kind, listing): (Kind, Result<_, ApiError>)| {
        // A server that gave one kind well refuses another for a reason of that kind's own.
        let is_served = was_read.iter().any(|other| reader.share_a_server(kind, *other));
        (kind, listing.map_err(|error| unread(&error, is_served)))
    };
    LiveState::new(read.into_iter().map(told).collect(), membership)
}

fn unread(error: &ApiError, is_served: bool) -> Unread {
    let common = error.concerns_every_kind().filter(|_| !is_served);
    Unread {
        error: with_hint(error),
        cause: common.map_or_else(|| error.words(), str::to_owned),
        concerns_every_kind: common.is_some(),
    }
}

/// Where another subscription answered than the one that the file is for, nothing is believed: not every server tells
/// which one it answers for.
fn distrust_another_subscription(read: &mut Read) {
    let is_another = |error: &&ApiError| matches!(error.kind, ApiErrorKind::WrongSubscription { found: _ });
    let Some(error) = read.iter().find_map(|(_, listing)| listing.as_ref().err().filter(is_another)).cloned()
    else {
        return;
    };
    for (_, listing) in read.iter_mut().filter(|(_, listing)| listing.is_ok()) {
        *listing = Err(error.clone());
    }
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
/// are listed by what the file declares are not read where it declares nothing. There is always one, since only an
/// answer shows that the platform can be reached, and as whom.
#[must_use]
pub fn kinds_to_read(desired: &Desired) -> Vec<Kind> {
    let all = desired.settings.reconcile.pull == PullScope::All;
    let wanted = |kind: Kind| {
        all || desired.sections.contains(&kind) || (kind == Kind::Tag && !desired.sections.is_empty())
    };
    let api = desired.settings.platform.connectors_api;
    let something = |kind: Kind| !kind.is_scoped() || !desired.scope(kind).is_empty();
    let kinds = Kind::ALL.iter().copied().filter(|&kind| api.has(kind) && wanted(kind) && something(kind));
    let kinds: Vec<Kind> = kinds.collect();
    if kinds.iter().any(|kind| kind.is_listed()) { kinds } else { [kinds, vec![Kind::Tag]].concat() }
}
