//! Which part of a list is asked for and in what order, and a page of it as Spring writes it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::show;
use crate::simulator::answer::Answer;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::Call;
use crate::simulator::options::CloudviewLargePages;
use crate::simulator::store::Record;

/// The size of the pages in all samples; whether there may be more on one is an option.
const USUAL: usize = 50;

/// A page, counted from 0.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Wanted {
    number: usize,
    size: usize,
}

impl Wanted {
    /// Both parameters are required.
    pub(in super::super) fn read(call: &Call<'_>) -> Result<Self, Refusal> {
        let number = |name: &str, least| {
            if call.request.parameter(name).is_none() {
                return Err(Refusal::bad(format!("Parameter '{name}' is required.")));
            }
            call.number(name, least, least).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
        };
        let (page, size) = (number("pageNo", 0)?, number("pageSize", 1)?);
        let size = match call.world.options.cloudview_large_pages {
            CloudviewLargePages::Capped => size.min(USUAL),
            CloudviewLargePages::Refused if size > USUAL => {
                return Err(Refusal::bad(format!("Parameter 'pageSize' takes at most {USUAL}, not {size}.")));
            }
            CloudviewLargePages::Taken | CloudviewLargePages::Refused => size,
        };
        Ok(Self { number: page, size })
    }

    /// The wanted part of a list.
    pub(in super::super) fn part<T>(self, all: &[T]) -> &[T] {
        let begin = self.number.saturating_mul(self.size).min(all.len());
        let end = begin.saturating_add(self.size).min(all.len());
        &all[begin..end]
    }

    /// The page with this content, of so many items in all.
    pub(in super::super) fn answer(self, content: &[Value], total: usize) -> Answer {
        let Self { number, size } = self;
        let pages = total.div_ceil(size);
        let sort = json!({"sorted": true, "unsorted": false});
        Answer::json(
            200,
            &json!({
                "content": content,
                "pageable": {
                    "sort": sort,
                    "offset": number.saturating_mul(size),
                    "pageSize": size,
                    "pageNumber": number,
                    "paged": true,
                    "unpaged": false,
                },
                "last": number.saturating_add(1) >= pages,
                "totalElements": total,
                "totalPages": pages,
                "first": number == 0,
                "sort": sort,
                "numberOfElements": content.len(),
                "size": size,
                "number": number,
            }),
        )
    }
}

/// `sort`: a token and a direction, `lastSyncedOn:desc` unless asked otherwise.
pub(super) struct Order {
    by: Key,
    descending: bool,
}

/// What connectors are compared by; times are compared as texts, for they are all written the same way.
type Key = fn(&Record) -> String;

/// The documents show the first one alone, "for example".
const TOKENS: [(&str, Key); 3] = [
    ("lastSyncedOn", |record| show::synced(record).map(str::to_owned).unwrap_or_default()),
    ("name", |record| record.text("name").unwrap_or_default().to_owned()),
    ("state", |record| show::state(record).to_owned()),
];

impl Order {
    pub(super) fn read(call: &Call<'_>) -> Result<Self, Refusal> {
        let text = call.request.parameter("sort").unwrap_or_else(|| "lastSyncedOn:desc".to_owned());
        let (token, direction) = text.split_once(':').unwrap_or((text.as_str(), "asc"));
        let known = TOKENS.into_iter().find(|(name, _)| *name == token);
        if let (Some((_, by)), "asc" | "desc") = (known, direction) {
            return Ok(Self { by, descending: direction == "desc" });
        }
        let tokens = TOKENS.map(|(name, _)| name).join(", ");
        Err(Refusal::bad(format!("Parameter 'sort' takes one of {tokens} with :asc or :desc, not '{text}'.")))
    }

    /// Those that are alike stay in the order of their ids.
    pub(super) fn sort(&self, records: &mut [Arc<Record>]) {
        if self.descending {
            records.sort_by_cached_key(|record| std::cmp::Reverse((self.by)(record)));
        } else {
            records.sort_by_cached_key(|record| (self.by)(record));
        }
    }
}
