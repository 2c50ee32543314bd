//! Forms with files: `multipart/form-data` (RFC 7578).

use std::collections::BTreeMap;

use crate::simulator::answer::Request;
use crate::simulator::gateway::refusal::Refusal;

/// A form's texts and its one file.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) texts: BTreeMap<String, String>,
    pub(super) file: Option<Vec<u8>>,
}

impl Form {
    /// Reads a form that may have these texts and this file. Files of other names are passed over: a known client sends an
    /// empty one along so that its form becomes a multipart one.
    pub(super) fn read(request: &Request, texts: &[&str], file: &str) -> Result<Self, Refusal> {
        if request.media_type() != "multipart/form-data" {
            return Err(Refusal::bad("The body has to be multipart/form-data."));
        }
        let boundary = request.header("content-type").and_then(|header| parameter(header, "boundary"));
        let boundary = boundary.filter(|boundary| !boundary.is_empty());
        let boundary = boundary.ok_or_else(|| Refusal::bad("The Content-Type header has no boundary."))?;
        let mut form = Self::default();
        for part in parts(&request.body, &boundary).ok_or_else(malformed)? {
            let (head, content) = split_once(part, b"\r\n\r\n").ok_or_else(malformed)?;
            let head = std::str::from_utf8(head).map_err(|_| malformed())?;
            let disposition = disposition(head).ok_or_else(malformed)?;
            let name = parameter(disposition, "name").ok_or_else(malformed)?;
            let is_file = parameter(disposition, "filename").is_some();
            if is_file && name != file {
                continue;
            }
            let twice = if name == file {
                if !is_file {
                    return Err(Refusal::bad(format!("Field '{name}' takes a file.")));
                }
                form.file.replace(content.to_vec()).is_some()
            } else if texts.contains(&name.as_str()) {
                let text = String::from_utf8(content.to_vec())
                    .map_err(|_| Refusal::bad(format!("Field '{name}' takes a text in UTF-8.")))?;
                form.texts.insert(name.clone(), text).is_some()
            } else {
                return Err(Refusal::bad(format!(
                    "There is no field '{name}' here; there are {file}, {}.",
                    texts.join(", ")
                )));
            };
            if twice {
                return Err(Refusal::bad(format!("Field '{name}' is given more than once.")));
            }
        }
        Ok(form)
    }
}

fn malformed() -> Refusal {
    Refusal::bad("The body is no valid multipart/form-data.")
}

/// What is between the boundaries; `None` if the last one is missing.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<&'a [u8]>> {
    let (first, between) = (format!("--{boundary}"), format!("\r\n--{boundary}"));
    // What stands before the first boundary is nobody's.
    let mut rest = match body.strip_prefix(first.as_bytes()) {
        Some(rest) => rest,
        None => split_once(body, between.as_bytes())?.1,
    };
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let (part, next) = split_once(rest.strip_prefix(b"\r\n")?, between.as_bytes())?;
        parts.push(part);
        rest = next;
    }
    Some(parts)
}

fn split_once<'a>(bytes: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(separator.len()).position(|window| window == separator)?;
    Some((&bytes[..at], &bytes[at + separator.len()..]))
}

fn disposition(head: &str) -> Option<&str> {
    let lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let mut named = lines.filter(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"));
    let value = named.next()?.1.trim();
    value.split(';').next()?.trim().eq_ignore_ascii_case("form-data").then_some(value)
}

/// A parameter of a header, with or without quotes.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after.trim_start());
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after.split_once(';')?.1;
    }
}

/// A parameter's value, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, letter) in quoted.char_indices() {
        match letter {
            '"' if !escaped => return (value, &quoted[at + 1..]),
            '\\' if !escaped => escaped = true,
            letter => {
                value.push(letter);
                escaped = false;
            }
        }
    }
    (value, "")
}
