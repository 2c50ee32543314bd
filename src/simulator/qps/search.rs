//! Finding objects: filters, the page's beginning and its length.

use std::sync::Arc;

use super::criteria::Filter;
use super::noun::Noun;
use super::refusal::Refusal;
use super::request::ServiceRequest;
use crate::simulator::options::{DeletedInSearch, StartFromId};
use crate::simulator::store::Record;
use crate::simulator::world::World;

/// One page of what was found.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) records: Vec<Arc<Record>>,
    pub(crate) more: bool,
}

pub(crate) fn filters(
    world: &World,
    noun: &Noun,
    request: &ServiceRequest,
    write: bool,
) -> Result<Vec<Filter>, Refusal> {
    let case = world.options.search_case;
    request.criteria.iter().map(|criterion| Filter::check(criterion, noun.searchable, write, case)).collect()
}

/// The page that the preferences name, in the order of ids.
pub(crate) fn page(world: &mut World, noun: &Noun, request: &ServiceRequest) -> Result<Page, Refusal> {
    let filters = filters(world, noun, request, false)?;
    let preferences = request.preferences;
    let from = match (preferences.start_from_id, world.options.start_from_id) {
        (None, _) => 0,
        (Some(id), StartFromId::Inclusive) => id,
        (Some(id), StartFromId::Exclusive) => id.saturating_add(1),
    };
    let first = filters.iter().map(Filter::lowest_id).fold(from, u64::max);
    let limit = preferences.limit.min(world.options.page_limit.max(1));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let skip = usize::try_from(preferences.start_from_offset.saturating_sub(1)).unwrap_or(usize::MAX);

    let lagging = (!world.lagging.is_empty()).then(|| world.as_searched(noun.kind, first));
    let shown = world.options.deleted_in_search == DeletedInSearch::Shown;
    let tags = Arc::clone(world.store.tags());
    let wanted = |record: &&Arc<Record>| {
        (shown || !record.flag("isDeleted")) && filters.iter().all(|filter| filter.matches(record, &tags))
    };
    let mut records: Vec<_> = if let Some(records) = &lagging {
        records.iter().filter(wanted).skip(skip).take(limit + 1).cloned().collect()
    } else {
        let all = world.store.starting_at(noun.kind, first);
        all.filter(wanted).skip(skip).take(limit + 1).cloned().collect()
    };
    let more = records.len() > limit;
    records.truncate(limit);
    Ok(Page { records, more })
}

/// Everything live that the filters match, as it is.
pub(crate) fn all(world: &World, noun: &Noun, filters: &[Filter]) -> Vec<Arc<Record>> {
    let live = world.store.starting_at(noun.kind, 0).filter(|record| !record.flag("isDeleted"));
    live.filter(|record| filters.iter().all(|filter| filter.matches(record, world.store.tags())))
        .cloned()
        .collect()
}
