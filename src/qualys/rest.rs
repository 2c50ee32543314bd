//! The families that speak plain JSON: what is a success, and what its body is.
//!
//! Whether an empty answer means "none" is for the caller to say: for some listings it does (HTTP 204), for the
//! rest it is how a wrong host looks. HTTP 404 never means an empty listing. What a family reads from a status,
//! as in 304 for "registered already", it looks for in [`Answer::status`] before it opens the answer, or in
//! [`ApiError::status`] afterwards.

#![cfg_attr(not(test), expect(dead_code, reason = "for the families that follow connectors and tags"))]

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::{Answer, Fault};
use super::refusal;

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
    serde_json::from_slice(body).map_err(|error| {
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
    serde_json::from_slice::<Verdict>(body).is_ok_and(|Verdict { error_code, response_code }| {
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
