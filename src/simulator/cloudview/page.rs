//! Pages of CloudView's lists: Spring's own, counted from 0. Their number and size have to be named.

use serde_json::{Value, json};

use crate::simulator::answer::Answer;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::Call;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    number: u64,
    size: u64,
}

impl Wanted {
    /// As the query says: `pageNo` and `pageSize`, both of them.
    pub(super) fn read(call: &Call<'_>) -> Result<Self, Refusal> {
        let number = |name: &str, least: u64| match call.request.parameter(name) {
            Some(_) => call.number(name, least, least),
            None => Err(Refusal::bad(format!("Parameter '{name}' is required."))),
        };
        Ok(Self { number: number("pageNo", 0)?, size: number("pageSize", 1)? })
    }

    /// The items of that page.
    pub(super) fn of<T>(self, all: &[T]) -> &[T] {
        let index = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(all.len());
        let begin = self.offset();
        &all[index(begin)..index(begin.saturating_add(self.size))]
    }

    /// The answer with these items, of so many in the whole list.
    pub(super) fn answer(self, content: &[Value], total: usize) -> Answer {
        let Self { number, size } = self;
        let total = total as u64;
        let sort = json!({"sorted": false, "unsorted": true, "empty": true});
        let pageable = json!({
            "sort": sort,
            "pageNumber": number,
            "pageSize": size,
            "offset": self.offset(),
            "paged": true,
            "unpaged": false,
        });
        Answer::json(
            200,
            &json!({
                "content": content,
                "pageable": pageable,
                "last": self.offset().saturating_add(size) >= total,
                "totalPages": total.div_ceil(size),
                "totalElements": total,
                "first": number == 0,
                "sort": sort,
                "numberOfElements": content.len(),
                "size": size,
                "number": number,
            }),
        )
    }

    fn offset(self) -> u64 {
        self.number.saturating_mul(self.size)
    }
}
