//! What an answer means that is not the expected one. Error bodies may be JSON or XML, with the connector
//! API's `ServiceResponse` or the older API's `SIMPLE_RETURN`, a page of HTML, or nothing at all; and bad
//! credentials have been recorded with HTTP 200.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;

use super::answer::{Answer, Fault};
use super::envelope::ErrorDetails;
use super::error::{ApiErrorKind, Refusal};

/// The older API's codes that mean "later", on HTTP 409 (vendor's API limits guide: 1960 concurrency, 1965
/// rate; 1959 and 1966 are their siblings in public clients).
const LIMIT_CODES: [&str; 4] = ["1959", "1960", "1965", "1966"];

/// What the platform gave as its reason, whatever the form.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) resolution: Option<String>,
}

impl Words {
    pub(super) fn new(code: Option<String>, details: Option<ErrorDetails>) -> Words {
        let ErrorDetails { message, resolution } = details.unwrap_or_default();
        Words { code, message, resolution }
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

fn classify(answer: &Answer, words: Words, said: String) -> Fault {
    let status = answer.status;
    let code = words.code.as_deref().unwrap_or_default();
    let limit = match status.as_u16() {
        429 => true,
        409 if LIMIT_CODES.contains(&code) => true,
        409 => code.is_empty() && answer.limits.exhausted(),
        _ => false,
    };
    if limit {
        let kind = ApiErrorKind::RateLimited { wait: answer.limits.wait };
        return Fault { transient: true, wait: answer.limits.wait, ..Fault::no(kind, status, said) };
    }
    if status.is_redirection() {
        let said =
            answer.location.as_ref().map_or("a redirect".to_owned(), |to| format!("a redirect to {to}"));
        return Fault::no(ApiErrorKind::Unreadable, status, said);
    }
    if status.is_server_error() {
        let fault = Fault::unsure(ApiErrorKind::Server, status, said);
        return Fault { wait: answer.limits.wait, ..fault };
    }
    // The code in the body knows more than the status.
    let kind = match code {
        "INVALID_CREDENTIALS" | "2000" => ApiErrorKind::Credentials,
        "2001" => ApiErrorKind::Account { code: 2001 },
        "2002" => ApiErrorKind::Account { code: 2002 },
        "2003" => ApiErrorKind::Account { code: 2003 },
        "OBJECT_NOT_FOUND" | "NOT_FOUND" => ApiErrorKind::NotFound,
        "INVALID_API_VERSION" => ApiErrorKind::UnknownObject { remedy: None },
        "UNAUTHORIZED" if status.as_u16() == 401 => ApiErrorKind::Credentials,
        "UNAUTHORIZED"
        | "INSUFFICIENT_PERMISSION"
        | "FORBIDDEN"
        | "NOT_AUTHORIZED"
        | "EVALUATION_EXPIRED" => ApiErrorKind::Permission,
        _ => match status.as_u16() {
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
            })),
        },
    };
    Fault::no(kind, status, said)
}

fn inspect(body: &[u8]) -> Body {
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
    #[derive(Deserialize)]
    struct Wrapped {
        #[serde(rename = "ServiceResponse")]
        response: Option<Reason>,
        #[serde(flatten)]
        bare: Reason,
    }
    /// The spellings of the connector API and of the gateway's services.
    #[derive(Deserialize, Default)]
    struct Reason {
        #[serde(rename = "responseCode")]
        code: Option<String>,
        #[serde(rename = "responseErrorDetails")]
        details: Option<ErrorDetails>,
        #[serde(alias = "errorMessage", alias = "error_description")]
        message: Option<String>,
        error: Option<serde_json::Value>,
    }
    match serde_json::from_str::<Wrapped>(text) {
        Ok(wrapped) => {
            let Reason { code, details, message, error } = wrapped.response.unwrap_or(wrapped.bare);
            let mut words = Words::new(code, details);
            let error = error.and_then(|error| error.as_str().map(str::to_owned));
            words.message = words.message.or(message).or(error);
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
