//! Pages of the Connectors service: `{currentPage, .., content, .., last}`, counted from 0.

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::service::Call;
use crate::simulator::answer::Answer;

/// The documents name no default; their samples fit on one page.
const DEFAULT_SIZE: u64 = 50;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) number: u64,
    pub(crate) size: u64,
}

impl Default for Wanted {
    /// The first page.
    fn default() -> Self {
        Self { number: 0, size: DEFAULT_SIZE }
    }
}

impl Wanted {
    /// As the query says.
    pub(crate) fn read(call: &Call<'_>) -> Result<Self, Refusal> {
        Ok(Self { number: call.number("pageNumber", 0, 0)?, size: call.number("pageSize", 1, DEFAULT_SIZE)? })
    }

    /// The wanted part of a list.
    pub(crate) fn answer(self, all: &[Value]) -> Answer {
        let (total, number) = (all.len() as u64, self.number);
        let begin = number.saturating_mul(self.size).min(total);
        let end = begin.saturating_add(self.size).min(total);
        let content: Vec<_> = all
            .iter()
            .skip(usize::try_from(begin).unwrap_or(usize::MAX))
            .take(usize::try_from(end - begin).unwrap_or(usize::MAX))
            .collect();
        Answer::json(
            200,
            &json!({
                "currentPage": number,
                "currentPageSize": content.len(),
                "totalPages": total.div_ceil(self.size),
                "numberOfElements": total,
                "content": content,
                "hasContent": !content.is_empty(),
                "hasNext": end < total,
                "hasPrevious": number > 0,
                "first": number == 0,
                "last": end >= total,
            }),
        )
    }
}

/// A list that is answered whole, on one page.
pub(crate) fn whole(all: &[Value]) -> Answer {
    Wanted { number: 0, size: all.len().max(1) as u64 }.answer(all)
}
