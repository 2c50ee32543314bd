//! The families that speak plain JSON: what is a success, what its body is, and listings page by page.
//!
//! Whether an empty answer means "none" is for the caller to say: for some listings it does (HTTP 204), for the
//! rest it is how a wrong host looks. HTTP 404 never means an empty listing. What a family reads from a status,
//! as in 304 for "registered already", it looks for in [`Answer::status`] before it opens the answer, or in
//! [`ApiError::status`] afterwards.

use std::collections::HashSet;
use std::hash::Hash;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::{Answer, Fault};
use super::call::Call;
use super::error::ApiError;
use super::lenient;
use super::refusal;
use super::shapes::{Flag, Number};
use super::transport::Transport;

/// More pages than any documented listing has: they end at ten thousand rows.
const MOST_PAGES: u64 = 1000;

/// The body of a success; an empty one is none.
pub(super) fn open(answer: &Answer) -> Result<Bytes, Fault> {
    open_or_none(answer)?.ok_or_else(|| refusal::fault(answer))
}

/// The body of a success, where an empty answer means that there is nothing.
pub(super) fn open_or_none(answer: &Answer) -> Result<Option<Bytes>, Fault> {
    let body = answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&answer.body).trim_ascii();
    if !answer.status.is_success() || says_failure(body) || body.starts_with(b"<") {
        return Err(refusal::fault(answer));
    }
    Ok((!body.is_empty()).then(|| answer.body.slice_ref(body)))
}

/// Only that it succeeded, whatever it says.
pub(super) fn done(answer: &Answer) -> Result<(), Fault> {
    open_or_none(answer).map(drop)
}

/// A plain text.
pub(super) fn text(answer: &Answer) -> Result<String, Fault> {
    Ok(String::from_utf8_lossy(&open(answer)?).into_owned())
}

/// A value in JSON.
pub(super) fn json<T: DeserializeOwned>(answer: &Answer) -> Result<T, Fault> {
    decode(answer, &open(answer)?)
}

/// A value in JSON, where an empty answer means that there is none.
pub(super) fn json_or_none<T: DeserializeOwned>(answer: &Answer) -> Result<Option<T>, Fault> {
    open_or_none(answer)?.map(|body| decode(answer, &body)).transpose()
}

fn decode<T: DeserializeOwned>(answer: &Answer, body: &[u8]) -> Result<T, Fault> {
    lenient::read(body).map_err(|error| {
        if error.is_syntax() || error.is_eof() {
            return refusal::fault(answer);
        }
        // Where it is, and not what it is: a value may be a secret.
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let place = serde_path_to_error::deserialize::<_, T>(&mut deserializer).err();
        let place = place.map_or_else(|| "its end".to_owned(), |error| error.path().to_string());
        Fault::unreadable(answer, format!("JSON of another form at {place}"))
    })
}

/// A good status may come with a failure in the body. A field `error` is none: objects have one, for the state that
/// they are in.
fn says_failure(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Verdict {
        #[serde(default, deserialize_with = "super::shapes::filled")]
        error_code: Option<String>,
        #[serde(default, deserialize_with = "super::shapes::filled")]
        response_code: Option<String>,
    }
    let good = |code: &str| {
        let first = code.split_whitespace().next().unwrap_or_default();
        let status = first.parse::<u16>().ok().filter(|_| first.len() == 3);
        first.eq_ignore_ascii_case("SUCCESS")
            || first.eq_ignore_ascii_case("OK")
            || first == "0"
            || status.is_some_and(|status| (200..300).contains(&status))
    };
    if !body.starts_with(b"{") {
        return false;
    }
    lenient::read::<Verdict>(body).is_ok_and(|Verdict { error_code, response_code }| {
        [error_code, response_code].into_iter().flatten().any(|code| !good(&code))
    })
}

/// An id that may stand in a path. The wrong one would lead elsewhere, and none at all to everything.
pub(super) fn path_id(text: &str) -> Result<&str, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if text.is_empty() || !text.bytes().all(fits) {
        return Err(format!("`{text}` is no id of the platform"));
    }
    Ok(text)
}

/// How a listing's pages are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paging {
    /// The parameter that names the page.
    pub(super) number: &'static str,
    /// The number of the first page.
    pub(super) first: u64,
    /// How many rows to ask for, as `pageSize`.
    pub(super) rows: usize,
    /// Whether an empty answer means that there are no rows.
    pub(super) empty_is_none: bool,
}

impl Paging {
    /// Pages by `pageNumber` from 0, as the gateway's connectors have them.
    pub(super) const BY_NUMBER: Paging =
        Paging { number: "pageNumber", first: 0, rows: 100, empty_is_none: false };
}

/// One page, in the spellings of the gateway's connectors, of the framework, and of container security.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
struct Page<T> {
    #[serde(alias = "data")]
    content: Option<Vec<T>>,
    last: Option<Flag>,
    has_next: Option<Flag>,
    total_pages: Option<Number>,
    #[serde(alias = "count")]
    total_elements: Option<Number>,
}

/// All rows of a listing, each once, in the order in which they came. `key` tells one row from another.
///
/// Pages by number shift when objects are created or deleted meanwhile. A row that comes twice counts once; fewer
/// rows than the platform counts are an error, since an object that was missed would look deleted.
pub(super) async fn list<T: DeserializeOwned, K: Hash + Eq>(
    transport: &Transport,
    call: &Call,
    paging: Paging,
    key: impl Fn(&T) -> K,
) -> Result<Vec<T>, ApiError> {
    let page = |number: u64, rows: usize| {
        call.clone().query(paging.number, number.to_string()).query("pageSize", rows.to_string())
    };
    list_by(transport, page, paging, key).await
}

/// The same, where `page` is the call for the page of a number, with so many rows.
pub(super) async fn list_by<T: DeserializeOwned, K: Hash + Eq>(
    transport: &Transport,
    page: impl Fn(u64, usize) -> Call,
    paging: Paging,
    key: impl Fn(&T) -> K,
) -> Result<Vec<T>, ApiError> {
    let (mut all, mut seen) = (Vec::new(), HashSet::new());
    let unreadable =
        |number: u64, said: String| Err(transport.unreadable(&page(number, paging.rows), said, false));
    for turn in 0..MOST_PAGES {
        let number = paging.first + turn;
        let read = |answer: &Answer| open_page(answer, paging.empty_is_none);
        let Page { content, last, has_next, total_pages, total_elements } =
            transport.send(&page(number, paging.rows), read).await?;
        let content = content.unwrap_or_default();
        let (rows, before) = (content.len(), all.len());
        all.extend(content.into_iter().filter(|row| seen.insert(key(row))));
        let brought_nothing = all.len() == before;
        let total = total_elements.map(|Number(total)| total);
        let whole = total.is_none_or(|total| total <= all.len() as u64);
        let said = last
            .map(|Flag(last)| !last)
            .or(has_next.map(|Flag(next)| next))
            .or(total_pages.map(|Number(pages)| turn + 1 < pages));
        let more = match said {
            Some(true) if brought_nothing => {
                return unreadable(number, format!("the listing does not go on after page {number}"));
            }
            Some(more) => more,
            // Not said. A full page may be followed by another even if the count is reached: it may be the page's.
            None => !brought_nothing && (total.is_none() || !whole || rows >= paging.rows),
        };
        if !more && !whole {
            let (total, found) = (total.unwrap_or_default(), all.len());
            return unreadable(number, format!("a count of {total} and {found} objects"));
        }
        if !more {
            return Ok(all);
        }
    }
    unreadable(paging.first, format!("the listing does not end after {MOST_PAGES} pages"))
}

fn open_page<T: DeserializeOwned>(answer: &Answer, empty_is_none: bool) -> Result<Page<T>, Fault> {
    let page = match json_or_none::<Page<T>>(answer)? {
        Some(page) => page,
        None if empty_is_none => Page {
            content: None,
            last: Some(Flag(true)),
            has_next: None,
            total_pages: None,
            total_elements: Some(Number(0)),
        },
        None => return Err(refusal::fault(answer)),
    };
    if page.content.is_none() && !matches!(page.total_elements, Some(Number(0))) {
        return Err(Fault::unreadable(answer, "a page without content"));
    }
    Ok(page)
}
