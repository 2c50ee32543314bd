//! What an answer means that is not the expected one. Error bodies may be JSON or XML, with the connector
//! API's `ServiceResponse`, the older API's `SIMPLE_RETURN` or one of the gateway's several forms, a page of HTML,
//! plain text, or nothing at all; and bad credentials have been recorded with HTTP 200.

use quick_xml::Reader;
use quick_xml::events::Event;
use reqwest::StatusCode;
use serde_json::Value;

use super::answer::{Answer, Fault};
use super::envelope::ErrorDetails;
use super::error::{ApiErrorKind, Refusal};

/// The older API's codes that mean "later", on HTTP 409 (vendor's API limits guide: 1960 concurrency, 1965
/// rate; 1959 and 1966 are their siblings in public clients).
const LIMIT_CODES: [&str; 4] = ["1959", "1960", "1965", "1966"];

/// What the platform gave as its reason, whatever the form.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// The HTTP status that the body names.
    status: Option<u16>,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) resolution: Option<String>,
}

impl Words {
    pub(super) fn new(code: Option<String>, details: Option<ErrorDetails>) -> Words {
        let ErrorDetails { message, resolution } = details.unwrap_or_default();
        Words { status: None, code, message, resolution }
    }

    fn is_empty(&self) -> bool {
        self.code.is_none() && self.message.is_none() && self.resolution.is_none()
    }

    /// `INVALID_REQUEST: message (resolution)`, without the full stops.
    fn said(&self) -> String {
        let stop = |text: &str| text.trim().trim_end_matches('.').to_owned();
        let mut said =
            [&self.code, &self.message].into_iter().flatten().map(|part| stop(part)).collect::<Vec<_>>();
        said.retain(|part| !part.is_empty());
        let said = said.join(": ");
        match self.resolution.as_deref().map(stop).filter(|resolution| !resolution.is_empty()) {
            Some(resolution) => format!("{said} ({resolution})"),
            None => said,
        }
    }
}

/// What a body is and says.
enum Body {
    Empty,
    Words(Words),
    Other(String),
}

/// The fault in an answer that is not a success in the terms of its family.
pub(super) fn fault(answer: &Answer) -> Fault {
    let body = inspect(&answer.body);
    let (words, said) = match body {
        Body::Empty => (Words::default(), "an empty answer".to_owned()),
        Body::Words(words) => {
            let said = words.said();
            (words, said)
        }
        Body::Other(said) => (Words::default(), said),
    };
    classify(answer, words, said)
}

/// The fault in an answer whose reason has been read already.
pub(super) fn refused(answer: &Answer, words: Words) -> Fault {
    let said = words.said();
    classify(answer, words, said)
}

/// What a body is that is neither JSON nor plain text; `None` if it is one of these.
pub(super) fn instead(answer: &Answer) -> Option<String> {
    match inspect(&answer.body) {
        Body::Empty => Some("an empty answer".to_owned()),
        Body::Other(said)
            if !answer.body.trim_ascii_start().starts_with(b"{")
                || foreign_encoding(&answer.body).is_some() =>
        {
            Some(said)
        }
        Body::Other(_) | Body::Words(_) => None,
    }
}

fn classify(answer: &Answer, words: Words, said: String) -> Fault {
    let status = answer.status;
    // A failure that comes with a good status may tell the status that it means.
    let meant = words.status.filter(|_| status.is_success()).unwrap_or(status.as_u16());
    let code = words.code.as_deref().unwrap_or_default();
    let limit = match meant {
        429 => true,
        409 if LIMIT_CODES.contains(&code) => true,
        409 => code.is_empty() && answer.limits.exhausted(),
        _ => false,
    };
    if limit {
        let kind = ApiErrorKind::RateLimited { wait: answer.limits.wait };
        return Fault { transient: true, wait: answer.limits.wait, ..Fault::no(kind, status, said) };
    }
    // No redirect: what was asked for is there already.
    if status == StatusCode::NOT_MODIFIED {
        let message = "already there, not modified".to_owned();
        let refusal = Refusal { message: message.clone(), ..Refusal::default() };
        return Fault::no(ApiErrorKind::Refused(Box::new(refusal)), status, message);
    }
    if status.is_redirection() {
        let said =
            answer.location.as_ref().map_or("a redirect".to_owned(), |to| format!("a redirect to {to}"));
        return Fault::no(ApiErrorKind::Unreadable, status, said);
    }
    if meant >= 500 {
        let fault = Fault::unsure(ApiErrorKind::Server, status, said);
        return Fault { wait: answer.limits.wait, ..fault };
    }
    // The code in the body knows more than the status.
    let kind = match code {
        "INVALID_CREDENTIALS" | "2000" => ApiErrorKind::Credentials,
        _ if meant == 403 && says_wrong_password(&said) => ApiErrorKind::Credentials,
        "2001" => ApiErrorKind::Account { code: 2001 },
        "2002" => ApiErrorKind::Account { code: 2002 },
        "2003" => ApiErrorKind::Account { code: 2003 },
        "OBJECT_NOT_FOUND" | "NOT_FOUND" => ApiErrorKind::NotFound,
        "INVALID_API_VERSION" => ApiErrorKind::UnknownObject { remedy: None },
        "UNAUTHORIZED" if meant == 401 => ApiErrorKind::Credentials,
        "UNAUTHORIZED"
        | "INSUFFICIENT_PERMISSION"
        | "FORBIDDEN"
        | "NOT_AUTHORIZED"
        | "EVALUATION_EXPIRED" => ApiErrorKind::Permission,
        _ => match meant {
            // Without a code a good status says nothing, and SUCCESS is no reason: the answer is damaged.
            200..=299 if words.code.as_deref().is_none_or(|code| code == "SUCCESS") => {
                let bare = words.message.is_some() || words.code.is_some();
                return Fault::unreadable(
                    answer,
                    if bare { format!("not the expected JSON: {said}") } else { said },
                );
            }
            401 => ApiErrorKind::Credentials,
            403 => ApiErrorKind::Permission,
            404 => ApiErrorKind::NotFound,
            _ => ApiErrorKind::Refused(Box::new(Refusal {
                message: words.message.unwrap_or_else(|| said.clone()),
                code: words.code,
                resolution: words.resolution,
                remedy: None,
                fields: Vec::new(),
            })),
        },
    };
    Fault::no(kind, status, said)
}

/// Whether a refusal is the older API's word for a wrong user or password, code 2010, in whatever form it came.
pub(super) fn says_wrong_password(said: &str) -> bool {
    said.split([':', ' ']).next() == Some("2010") || said.contains("Bad Login/Password")
}

/// What a body is encoded in that nobody asked for: then nothing in it can be read.
fn foreign_encoding(body: &[u8]) -> Option<&'static str> {
    match body {
        [0x1f, 0x8b, ..] => Some("an answer compressed with gzip, which was not asked for"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{' | b'[' | b'<', 0, ..] | [0, b'{' | b'[' | b'<', ..] => {
            Some("text in UTF-16 where UTF-8 was asked for")
        }
        _ => None,
    }
}

fn inspect(body: &[u8]) -> Body {
    if let Some(encoding) = foreign_encoding(body) {
        return Body::Other(encoding.to_owned());
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Body::Empty;
    }
    if text.starts_with(['{', '[']) {
        return json(text);
    }
    let start = text.get(..text.len().min(400)).unwrap_or_default().to_ascii_lowercase();
    if start.contains("<!doctype html") || start.contains("<html") {
        let title = between(text, "<title", "</title").and_then(|rest| rest.split_once('>'));
        let title = title.map(|(_, title)| title.trim()).filter(|title| !title.is_empty());
        return Body::Other(
            title.map_or("an HTML page".into(), |title| format!("an HTML page titled \"{title}\"")),
        );
    }
    if text.starts_with('<') {
        let words = xml(text);
        // Success in the wrong format is no reason; it is not what was asked for.
        if words.is_empty() || words.code.as_deref() == Some("SUCCESS") {
            return Body::Other("XML where JSON was asked for".to_owned());
        }
        return Body::Words(words);
    }
    Body::Words(Words { message: Some(text.to_owned()), ..Words::default() })
}

fn json(text: &str) -> Body {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => {
            let words = reason(value.get("ServiceResponse").unwrap_or(&value));
            if words.is_empty() {
                Body::Other("JSON without a reason".to_owned())
            } else {
                Body::Words(words)
            }
        }
        // The parser's own words would show a piece of the text.
        Err(error) if error.is_eof() => {
            Body::Other(format!("JSON that breaks off after {} bytes", text.len()))
        }
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            Body::Other(format!("JSON that cannot be read (line {line} column {column})"))
        }
    }
}

/// The reason in the forms of the connector API (`responseErrorDetails`), of the gateway's services
/// (`errorCode` and `message`, `responseCode` and `responseMessage`, a list of `errors`) and of the framework
/// beneath them (`status`, `error`, `message`).
fn reason(value: &Value) -> Words {
    let word = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let field = |value: &Value, names: &[&str]| names.iter().find_map(|name| word(value.get(*name)?));
    if let Some(message) = word(value) {
        return Words { message: Some(message), ..Words::default() };
    }
    let (status, code) = match field(value, &["responseCode", "errorCode", "code"]) {
        Some(code) => status_in(&code),
        None => (None, None),
    };
    let details = value.get("responseErrorDetails").unwrap_or(&Value::Null);
    let message = field(details, &["errorMessage"])
        .or_else(|| field(value, &["message", "errorMessage", "error_description", "responseMessage"]))
        // What the framework says when it has nothing to say.
        .filter(|message| message != "No message available")
        .or_else(|| field(value, &["error"]));
    let words = Words { status, code, message, resolution: field(details, &["errorResolution"]) };
    let within = [value, &value["errors"], &value["error"]].map(|inner| match inner {
        Value::Array(list) => list.first(),
        // Itself was read already.
        Value::Object(_) if !std::ptr::eq(inner, value) => Some(inner),
        _ => None,
    });
    match within.into_iter().flatten().next() {
        Some(inner) if words.message.is_none() => {
            let Words { status, code, message, resolution } = reason(inner);
            Words {
                status: words.status.or(status),
                code: words.code.or(code),
                message,
                resolution: words.resolution.or(resolution),
            }
        }
        Some(_) | None => words,
    }
}

/// A code like `403 FORBIDDEN` is a status and a code.
fn status_in(code: &str) -> (Option<u16>, Option<String>) {
    let (number, rest) = code.split_once(' ').unwrap_or((code, ""));
    match number.parse() {
        Ok(status) if number.len() == 3 && (100..600).contains(&status) => {
            (Some(status), Some(rest.trim().to_owned()).filter(|rest| !rest.is_empty()))
        }
        Ok(_) | Err(_) => (None, Some(code.to_owned())),
    }
}

/// The reason in a `ServiceResponse` or a `SIMPLE_RETURN`. What is torn gives what stood before the tear.
fn xml(text: &str) -> Words {
    let mut words = Words::default();
    let mut reader = Reader::from_str(text);
    let mut inside: Option<String> = None;
    let mut content = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                inside = Some(tag.local_name().as_ref().to_owned());
                content.clear();
            }
            Ok(Event::Text(part)) => content.push_str(&part.xml10_content()),
            Ok(Event::CData(part)) => content.push_str(&part.xml10_content()),
            Ok(Event::GeneralRef(entity)) => {
                let character = entity.resolve_char_ref().ok().flatten().map(String::from);
                let named =
                    || quick_xml::escape::resolve_predefined_entity(entity.as_ref()).map(str::to_owned);
                content.push_str(&character.or_else(named).unwrap_or_default());
            }
            Ok(Event::End(_)) => {
                let value = content.trim();
                if let Some(name) = inside.take().filter(|_| !value.is_empty()) {
                    let place = match name.as_str() {
                        "responseCode" | "CODE" => Some(&mut words.code),
                        "errorMessage" | "TEXT" => Some(&mut words.message),
                        "errorResolution" => Some(&mut words.resolution),
                        _ => None,
                    };
                    if let Some(place) = place {
                        place.get_or_insert_with(|| value.to_owned());
                    }
                }
                content.clear();
            }
            Ok(Event::Eof) | Err(_) => return words,
            Ok(_) => {}
        }
    }
}

/// The text from a mark to another, whatever the case of the letters.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    // ASCII folding keeps every byte in its place.
    let folded = text.to_ascii_lowercase();
    let start = folded.find(from)? + from.len();
    let end = folded[start..].find(to)? + start;
    text.get(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asked_for_is_called_by_its_name() {
        for (body, told) in [
            (&b"\x1f\x8b\x08\x00"[..], "an answer compressed with gzip, which was not asked for"),
            (b"\xff\xfe{\x00", "text in UTF-16 where UTF-8 was asked for"),
            (b"\xfe\xff\x00{", "text in UTF-16 where UTF-8 was asked for"),
            (b"{\x00\"\x00", "text in UTF-16 where UTF-8 was asked for"),
            (b"\xef\xbb\xbf{}", "JSON without a reason"),
        ] {
            let Body::Other(said) = inspect(body) else { panic!("{told}") };
            assert_eq!(said, told);
        }
    }
}
