//! What came in, and what is to go wrong: the log of requests and the scripted faults.

use std::collections::{BTreeMap, VecDeque};

use axum::http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Request};
use super::routes;

/// How many requests the log keeps; its counters go on.
const KEPT: usize = 10_000;

/// The log and the faults, behind one lock of their own.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) log: Log,
    pub(crate) faults: Vec<Fault>,
    next_fault: u64,
}

/// Something that is to go wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    #[serde(default)]
    pub(crate) id: u64,
    /// Only requests of this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    /// Only requests whose path holds this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// Only requests that change something, or only those that do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) write: Option<bool>,
    /// The first matching request, counted from 1 and from now, that meets it.
    #[serde(default = "one")]
    pub(crate) nth: u64,
    /// How many matching requests meet it; 0 for all that follow.
    #[serde(default = "one")]
    pub(crate) times: u64,
    pub(crate) kind: FaultKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<serde_json::Value>,
    /// The CODE of the SIMPLE_RETURN body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<u32>,
    /// Seconds to wait, in the headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
    /// It comes after all others, and stays when they are taken away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) lasting: bool,
    /// What a rewritten answer has for the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) with: Option<String>,
    /// Milliseconds of delay; of a request that is held, how long at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u64>,
    /// The request is carried out before the fault's own answer replaces the true one.
    #[serde(default)]
    pub(crate) process: bool,
    #[serde(default)]
    pub(crate) seen: u64,
    #[serde(default)]
    pub(crate) fired: u64,
}

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    /// Another status and body instead of the true answer.
    Status,
    /// The true answer, later.
    Delay,
    /// The true answer, once the fault is taken away.
    Hold,
    /// The connection is closed, the request not carried out.
    Drop,
    /// The request is carried out, then the connection closed without an answer.
    Lost,
    /// The true answer, cut in the middle of its body.
    Torn,
    /// The true answer, each row of its list twice.
    Repeated,
    /// The true answer, with another text for each place where it has this one.
    Rewritten,
    /// A page of HTML, as proxies and maintenance windows send it.
    Html,
    /// A status without a body.
    Empty,
    /// 429, or 409 with a code, with the headers of a limit.
    RateLimited,
}

fn one() -> u64 {
    1
}

/// An hour is longer than any client waits for an answer.
pub(crate) const LONGEST_MS: u64 = 3_600_000;

impl Fault {
    /// What its types do not say.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.nth == 0 {
            return Err("nth is counted from 1".to_owned());
        }
        if let Some(status) = self.status.filter(|status| !(200..=599).contains(status)) {
            return Err(format!("status takes 200 to 599, not {status}"));
        }
        if let Some(ms) = self.ms.filter(|ms| *ms > LONGEST_MS) {
            return Err(format!("ms takes at most {LONGEST_MS}, not {ms}"));
        }
        if self.kind == FaultKind::Rewritten {
            if self.text.as_ref().is_none_or(String::is_empty) {
                return Err("rewritten takes a text, and with what it is rewritten".to_owned());
            }
            self.with_bytes()?;
        }
        for (name, value) in &self.headers {
            if name.parse::<HeaderName>().is_err() || value.parse::<HeaderValue>().is_err() {
                return Err(format!("headers: {name:?}: {value:?} is no header"));
            }
        }
        Ok(())
    }
}

impl Traffic {
    pub(crate) fn add_fault(&mut self, mut fault: Fault) -> Fault {
        self.next_fault += 1;
        (fault.id, fault.seen, fault.fired) = (self.next_fault, 0, 0);
        let lasting = self.faults.iter().position(|other| other.lasting && !fault.lasting);
        self.faults.insert(lasting.unwrap_or(self.faults.len()), fault.clone());
        fault
    }

    /// The first fault that this request meets. All that match count it, so that "the third update" stays the third
    /// whatever else is scripted.
    pub(crate) fn next_fault(&mut self, request: &Request) -> Option<Fault> {
        let mut hit = None;
        let write = routes::describe(request).write;
        for fault in &mut self.faults {
            if !fault.matches(request) || fault.write.is_some_and(|wanted| wanted != write) {
                continue;
            }
            fault.seen += 1;
            let due = fault.seen >= fault.nth && (fault.times == 0 || fault.fired < fault.times);
            if due && hit.is_none() {
                fault.fired += 1;
                hit = Some(fault.clone());
            }
        }
        hit
    }
}

impl Fault {
    fn matches(&self, request: &Request) -> bool {
        self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(&request.method))
            && self.path.as_ref().is_none_or(|path| request.path.contains(path.as_str()))
    }

    /// The answer that stands in for the true one, where this fault has one.
    pub(crate) fn answer(&self) -> Option<Answer> {
        let answer = match self.kind {
            FaultKind::Status => {
                let status = self.status.unwrap_or(500);
                match (&self.body, self.code) {
                    (Some(serde_json::Value::String(text)), _) => {
                        Answer::new(status, media_type(text), text.clone())
                    }
                    (Some(value), _) => Answer::json(status, value),
                    (None, Some(code)) => {
                        Answer::new(status, "text/xml", simple_return(code, self.retry_after))
                    }
                    (None, None) => Answer::html(status, "The request could not be served"),
                }
            }
            FaultKind::Html => Answer::html(self.status.unwrap_or(503), "Service Unavailable"),
            FaultKind::Empty => {
                let mut answer = Answer::new(self.status.unwrap_or(200), "", "");
                answer.headers.clear();
                answer
            }
            FaultKind::RateLimited => {
                let status = self.status.unwrap_or(if self.code.is_some() { 409 } else { 429 });
                limited(status, self.code, self.retry_after, 300, 3600)
            }
            FaultKind::Delay
            | FaultKind::Hold
            | FaultKind::Drop
            | FaultKind::Lost
            | FaultKind::Torn
            | FaultKind::Repeated
            | FaultKind::Rewritten => return None,
        };
        let waits = self.retry_after.filter(|_| self.kind != FaultKind::RateLimited);
        let answer = match waits {
            Some(seconds) => answer.with_header("retry-after", seconds.to_string()),
            None => answer,
        };
        let headers = self.headers.iter();
        Some(headers.fold(answer, |answer, (name, value)| answer.with_header(name, value)))
    }
}

impl Fault {
    /// The true answer as it leaves, where this fault changes it.
    pub(crate) fn change(&self, answer: Answer) -> Answer {
        match (self.kind, &self.text, self.with_bytes()) {
            (FaultKind::Repeated, ..) => repeated(answer),
            (FaultKind::Rewritten, Some(text), Ok(with)) => {
                let body = bytes_replaced(&answer.body, text.as_bytes(), &with);
                Answer { body: body.into(), ..answer }
            }
            _ => answer,
        }
    }

    /// Each character as one byte, so that also what is no UTF-8 can be asked for.
    fn with_bytes(&self) -> Result<Vec<u8>, String> {
        let with = self.with.as_deref().unwrap_or_default().chars();
        with.map(|character| {
            u8::try_from(character).map_err(|_| {
                format!("with takes characters up to U+00FF, each sent as one byte, not {character:?}")
            })
        })
        .collect()
    }
}

fn bytes_replaced(body: &[u8], text: &[u8], with: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(first) = rest.first() {
        if let Some(after) = rest.strip_prefix(text) {
            replaced.extend_from_slice(with);
            rest = after;
        } else {
            replaced.push(*first);
            rest = &rest[1..];
        }
    }
    replaced
}

/// The same answer with each row of its list twice: what a client that goes by offsets gets from a list that moves.
/// One that holds no list in JSON stays as it is.
fn repeated(answer: Answer) -> Answer {
    let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(&answer.body) else { return answer };
    let envelope =
        if body.get("ServiceResponse").is_some() { &mut body["ServiceResponse"] } else { &mut body };
    let Some(list) = ["data", "content"].into_iter().find(|name| envelope[*name].is_array()) else {
        return answer;
    };
    let rows: Vec<_> =
        envelope[list].as_array().into_iter().flatten().flat_map(|row| [row, row]).cloned().collect();
    if let Some(count) = envelope.get_mut("count") {
        *count = rows.len().into();
    }
    envelope[list] = rows.into();
    Answer { body: body.to_string().into(), ..answer }
}

/// The answer to one request too many.
///
/// 409 with a SIMPLE_RETURN body is the older API's way ("API Limits", Qualys API (VM, PC) User Guide), where a limit of
/// concurrency (1960) names no time to wait; 429 is the gateway's.
pub(crate) fn limited(status: u16, code: Option<u32>, wait: Option<u64>, limit: u64, window: u64) -> Answer {
    let (limit, window) = (limit.to_string(), window.to_string());
    if status == 409 {
        let code = code.unwrap_or(1965);
        let answer = Answer::new(status, "text/xml", simple_return(code, wait))
            .with_header("X-RateLimit-Limit", limit)
            .with_header("X-RateLimit-Window-Sec", window)
            .with_header("X-Concurrency-Limit-Limit", "2")
            .with_header("X-Concurrency-Limit-Running", if code == 1960 { "2" } else { "0" });
        return if code == 1960 {
            answer
        } else {
            let answer = answer.with_header("X-RateLimit-Remaining", "0");
            match wait {
                Some(seconds) => answer.with_header("X-RateLimit-ToWait-Sec", seconds.to_string()),
                None => answer,
            }
        };
    }
    let answer = Answer::json(status, &serde_json::json!({"message": "Too Many Requests"}))
        .with_header("X-RateLimit-Limit", limit)
        .with_header("X-RateLimit-Window-Sec", window)
        .with_header("X-RateLimit-Remaining", "0");
    match wait {
        Some(seconds) => answer.with_header("Retry-After", seconds.to_string()),
        None => answer,
    }
}

/// The SIMPLE_RETURN document of the older API.
fn simple_return(code: u32, wait: Option<u64>) -> String {
    let text = match code {
        1960 => "This API cannot be run until 1 currently running instance has finished.".to_owned(),
        1965 => format!("This API cannot be run again for another {} seconds.", wait.unwrap_or(60)),
        2003 => "Registration must be completed before API requests will be processed for this account."
            .to_owned(),
        _ => "The request could not be served.".to_owned(),
    };
    let items = match (code, wait) {
        (1965, Some(seconds)) => {
            format!("<ITEM_LIST><ITEM><KEY>SECONDS_TO_WAIT</KEY><VALUE>{seconds}</VALUE></ITEM></ITEM_LIST>")
        }
        _ => String::new(),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<SIMPLE_RETURN><RESPONSE><DATETIME>{}</DATETIME>\
         <CODE>{code}</CODE><TEXT>{text}</TEXT>{items}</RESPONSE></SIMPLE_RETURN>",
        super::world::now()
    )
}

fn media_type(body: &str) -> &'static str {
    match body.trim_start().chars().next() {
        Some('{' | '[') => "application/json",
        Some('<') if body.to_ascii_lowercase().contains("<html") => "text/html",
        Some('<') => "application/xml",
        _ => "text/plain",
    }
}

/// The last requests, and counters over all of them.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    next: u64,
    total: u64,
    reads: u64,
    writes: u64,
}

/// One request as `GET /_sim/requests` shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    pub(crate) n: u64,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// The status that was answered; 0 where no answer was sent.
    pub(crate) status: u16,
    pub(crate) without_id: bool,
    pub(crate) write: bool,
    /// It gave a name or password that is not the account's.
    pub(crate) wrong_login: bool,
    pub(crate) body: String,
    pub(crate) at: String,
}

impl Log {
    pub(crate) fn record(&mut self, request: &Request, status: u16, answer: &Answer, wrong_login: bool) {
        let Answer { write, without_id, .. } = *answer;
        self.next += 1;
        self.total += 1;
        if write {
            self.writes += 1;
        } else {
            self.reads += 1;
        }
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            n: self.next,
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            status,
            without_id,
            write,
            wrong_login,
            body: String::from_utf8_lossy(&request.body).into_owned(),
            at: super::world::now(),
        });
    }

    pub(crate) fn show(&self) -> serde_json::Value {
        serde_json::json!({
            "total": self.total,
            "reads": self.reads,
            "writes": self.writes,
            "requests": self.entries,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use serde_json::json;

    use super::{Answer, Fault};

    #[test]
    fn a_rewritten_answer_can_hold_bytes_that_are_no_text() {
        let fault = json!({"kind": "rewritten", "text": "ete", "with": "\u{e9}t\u{e9}"});
        let fault: Fault = serde_json::from_value(fault).unwrap();
        let answer = fault.change(Answer::json(200, &json!(["ete", "etete"])));
        assert_eq!(&answer.body[..], b"[\"\xe9t\xe9\",\"\xe9t\xe9te\"]");
    }
}
