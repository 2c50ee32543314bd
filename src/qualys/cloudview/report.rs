//! Assessment reports (CloudView API release notes 1.15, "Assessment Reports in PDF Format"): asked for, found in the
//! list of all reports, downloaded. Nothing here changes an object.
//!
//! The list has no documented order and no call for one report, so it is read page by page until the report is found.
//! A download is a link in most documents and the file itself in others; both are taken. A link is followed without our
//! credentials, unless it leads back to where the API is, and no further than to the file.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::door;
use crate::qualys::answer::{Answer, Fault};
use crate::qualys::call::{Call, Effect};
use crate::qualys::client::Reader;
use crate::qualys::error::{ApiError, ApiErrorKind, Refusal};
use crate::qualys::transport::Transport;
use crate::qualys::{refusal, rest, shapes};
use crate::resource::{AssessmentReport, ReportFormat};

/// As in the documents' sample.
const ROWS: usize = 50;
/// The family's listings end at ten thousand rows.
const MOST_PAGES: usize = 200;

/// Has reports made, and can do nothing else that leaves a trace on the platform. Cheap to clone.
#[derive(Clone)]
pub struct Reporter {
    transport: Arc<Transport>,
}

/// What a report is to hold.
#[derive(Debug, Clone, Copy)]
pub struct ReportRequest<'a> {
    /// What it is called, as no other report is.
    pub name: &'a str,
    /// What the file says of it.
    pub report: &'a AssessmentReport,
    /// The ids of its connectors in CloudView; none for all.
    pub connectors: &'a [String],
    /// Where its period ends.
    pub until: Timestamp,
}

/// Where a report is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportStatus {
    /// Its state.
    pub state: ReportState,
    /// The day after which it cannot be downloaded any more.
    pub expires_on: Option<Date>,
}

/// The states of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the platform's own words")]
pub enum ReportState {
    Accepted,
    Queued,
    Processing,
    Generated,
    Completed,
    Failed,
    Rejected,
    /// In no document: what clients call one after its last day.
    Expired,
    /// A word that no document has.
    Other(String),
}

impl ReportState {
    fn read(word: &str) -> ReportState {
        match word.trim().to_ascii_uppercase().as_str() {
            "ACCEPTED" => ReportState::Accepted,
            "QUEUED" => ReportState::Queued,
            "PROCESSING" => ReportState::Processing,
            "GENERATED" => ReportState::Generated,
            "COMPLETED" => ReportState::Completed,
            "FAILED" => ReportState::Failed,
            "REJECTED" => ReportState::Rejected,
            "EXPIRED" => ReportState::Expired,
            _ => ReportState::Other(word.trim().to_owned()),
        }
    }

    /// The platform's word.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            ReportState::Accepted => "ACCEPTED",
            ReportState::Queued => "QUEUED",
            ReportState::Processing => "PROCESSING",
            ReportState::Generated => "GENERATED",
            ReportState::Completed => "COMPLETED",
            ReportState::Failed => "FAILED",
            ReportState::Rejected => "REJECTED",
            ReportState::Expired => "EXPIRED",
            ReportState::Other(word) => word,
        }
    }
}

/// One report in the list of all.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Row {
    #[serde(deserialize_with = "shapes::filled")]
    report_id: Option<String>,
    #[serde(deserialize_with = "shapes::filled")]
    report_name: Option<String>,
    #[serde(deserialize_with = "shapes::filled")]
    status: Option<String>,
    #[serde(deserialize_with = "shapes::filled")]
    created_at: Option<String>,
    #[serde(deserialize_with = "shapes::filled")]
    expires_on: Option<String>,
}

/// One page of the list.
#[derive(Debug)]
struct Rows {
    rows: Vec<Row>,
    /// Whether it is the last, where that is said.
    last: Option<bool>,
}

/// What a download answers with.
enum Downloaded {
    File(Bytes),
    Link(Url),
}

impl Reporter {
    /// One that shares the reader's connections, limits and counters.
    #[must_use]
    pub fn new(reader: &Reader) -> Reporter {
        Reporter { transport: Arc::clone(&reader.transport) }
    }

    /// Whether the list of reports can be read: without it, one that is asked for could not be followed.
    pub async fn look(&self) -> Result<(), ApiError> {
        self.page(0).await.map(drop)
    }

    /// Asks for a report, and gives its id. Where the answer is lost, [`ApiError::outcome_unknown`] says so.
    pub async fn create(&self, wanted: &ReportRequest<'_>) -> Result<String, ApiError> {
        let operation = format!("create assessment report {}", wanted.name);
        let call = door::call(operation, Method::POST, "/report/assessment/create", Effect::Once)
            .accepting("*/*")
            .json(&wanted.encode());
        self.transport.send(&call, read_id).await
    }

    /// Where the report with this id is on its way; `None` where it is not in the list.
    pub async fn status(&self, id: &str) -> Result<Option<ReportStatus>, ApiError> {
        let is_it = |row: &Row| row.report_id.as_deref().is_some_and(|found| found.eq_ignore_ascii_case(id));
        let Some(row) = self.find(is_it).await? else { return Ok(None) };
        Ok(Some(ReportStatus {
            state: ReportState::read(&row.status.unwrap_or_default()),
            expires_on: row.expires_on.as_deref().and_then(read_date),
        }))
    }

    /// The id of the report of this name that was made then or later, as far as the list tells the time.
    pub async fn made_since(&self, name: &str, since: Timestamp) -> Result<Option<String>, ApiError> {
        let row = self.find(|row| {
            let created = row.created_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
            row.report_name.as_deref() == Some(name) && created.is_none_or(|created| created >= since)
        });
        Ok(row.await?.and_then(|row| row.report_id))
    }

    /// The file of a report that is completed, checked to be of its format.
    pub async fn download(&self, id: &str, format: ReportFormat) -> Result<Bytes, ApiError> {
        let refused = |said: String| {
            ApiError::refused_here("download assessment report".to_owned(), Some(id.to_owned()), said)
        };
        let path = format!("/report/assessment/{}/download", rest::path_id(id).map_err(refused)?);
        let call = door::call("download assessment report", Method::GET, path, Effect::Read)
            .about(id)
            .accepting("*/*")
            .query("reportFormat", format.word());
        let downloaded = self.transport.send(&call, |answer| read_download(answer, format)).await;
        let link = match downloaded.map_err(maybe_expired)? {
            Downloaded::File(file) => return Ok(file),
            Downloaded::Link(link) => link,
        };
        let from = link.host_str().unwrap_or_default().to_owned();
        let call = Call { query: Vec::new(), ..call };
        let linked = self.transport.follow(&call, link, &|answer: &Answer| read_file(answer, format)).await;
        linked.map_err(|error| of_link(error, &from))
    }

    /// Reads the list until the row is found; each page may shift the next.
    async fn find(&self, is_it: impl Fn(&Row) -> bool) -> Result<Option<Row>, ApiError> {
        let mut seen = HashSet::new();
        for number in 0..MOST_PAGES {
            let Rows { rows, last } = self.page(number).await?;
            let count = rows.len();
            let mut is_new = false;
            for row in rows {
                if is_it(&row) {
                    return Ok(Some(row));
                }
                is_new |= seen.insert(row.report_id);
            }
            if last.unwrap_or(count < ROWS) || !is_new {
                break;
            }
        }
        Ok(None)
    }

    async fn page(&self, number: usize) -> Result<Rows, ApiError> {
        let path = "/report/assessment/list";
        let call = door::call("list assessment reports", Method::GET, path, Effect::Read)
            .query("pageNo", number.to_string())
            .query("pageSize", ROWS.to_string());
        self.transport.send(&call, read_rows).await
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").finish_non_exhaustive()
    }
}

impl ReportRequest<'_> {
    fn encode(&self) -> Value {
        let ReportRequest { name, report, connectors, until } = self;
        let second = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        // A period is a year at most; only a clock at the beginning of time makes this fail.
        let since = until.checked_sub(report.period).unwrap_or(*until);
        json!({
            "reportName": name,
            "description": report.description,
            "format": report.format.word(),
            "resourceSummaryInclude": report.resource_summary,
            "cloudType": report.cloud.word(),
            "query": report.query,
            "startDate": second(since),
            "endDate": second(*until),
            "policyIds": report.policies.iter().map(|id| id.hyphenated().to_string()).collect::<Vec<_>>(),
            "resourceResults": report.results.iter().map(|result| result.word()).collect::<Vec<_>>(),
            "groupIds": [],
            "connectorIds": connectors,
        })
    }
}

/// The bare id of the report, as text or as JSON. Whatever else comes with a good status may stand for one that is made.
fn read_id(answer: &Answer) -> Result<String, Fault> {
    let text = rest::text(answer)?;
    let text = text.trim().trim_matches('"').trim();
    match Uuid::try_parse(text) {
        Ok(_) if text.len() == 36 => Ok(text.to_owned()),
        Ok(_) | Err(_) => {
            let said =
                refusal::instead(answer).unwrap_or_else(|| "something else than a report's id".to_owned());
            Err(Fault::unreadable(answer, said))
        }
    }
}

/// The sample of the list is torn: it may be a page of rows, a bare array of them, or one row.
fn read_rows(answer: &Answer) -> Result<Rows, Fault> {
    let unreadable = || Fault::unreadable(answer, "JSON of another form than a list of reports");
    let mut value: Value = rest::json(answer)?;
    let last = value.get("last").and_then(Value::as_bool);
    let rows = match value.get_mut("content").map(Value::take) {
        Some(content) => content,
        None if value.is_array() => value,
        None if value.get("reportId").is_some() => Value::Array(vec![value]),
        None => return Err(unreadable()),
    };
    let rows = serde_json::from_value(rows).map_err(|_| unreadable())?;
    Ok(Rows { rows, last })
}

/// `2021-02-02`, and a time behind it where there is one.
fn read_date(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

/// The file, or a link to it.
fn read_download(answer: &Answer, format: ReportFormat) -> Result<Downloaded, Fault> {
    if answer.status.is_success() && is_format(&answer.body, format) {
        return Ok(Downloaded::File(answer.body.clone()));
    }
    let body = rest::open(answer)?;
    match std::str::from_utf8(&body).ok().and_then(read_link) {
        Some(link) => Ok(Downloaded::Link(link)),
        None => Err(another_file(answer, format)),
    }
}

fn read_file(answer: &Answer, format: ReportFormat) -> Result<Bytes, Fault> {
    if answer.status.is_success() && is_format(&answer.body, format) {
        return Ok(answer.body.clone());
    }
    rest::open(answer)?;
    Err(another_file(answer, format))
}

/// A file of another kind than was asked for. Not its words: they may be somebody's data.
fn another_file(answer: &Answer, format: ReportFormat) -> Fault {
    let found = match &answer.body {
        body if body.starts_with(b"%PDF-") => "a PDF",
        body if body.starts_with(b"PK\x03\x04") => "a ZIP archive",
        body if body.trim_ascii_start().starts_with(b"{") => "JSON without a link",
        _ => "something else",
    };
    let wanted = match format {
        ReportFormat::Pdf => "a PDF",
        ReportFormat::Csv => "CSV",
    };
    Fault {
        transient: false,
        ..Fault::unreadable(answer, format!("{found} came, where {wanted} was asked for"))
    }
}

/// Whether a body is a file of the format, by its first bytes. CSV has no mark of its own: it is a text, and none of
/// what answers in its place.
fn is_format(body: &[u8], format: ReportFormat) -> bool {
    match format {
        ReportFormat::Pdf => body.starts_with(b"%PDF-"),
        ReportFormat::Csv => {
            let Ok(text) = std::str::from_utf8(body) else { return false };
            let text = text.trim_start_matches('\u{feff}').trim();
            let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            !text.is_empty()
                && !text.contains('\0')
                && !text.starts_with(['<', '{'])
                && !text.starts_with("%PDF-")
                && !text.starts_with("PK\u{3}\u{4}")
                && read_link(text).is_none()
                && !is_json()
        }
    }
}

/// The link that a body is or holds: a bare text, a JSON string, or the one link among the values of a JSON object.
fn read_link(text: &str) -> Option<Url> {
    let link = |text: &str| {
        let text = text.trim();
        let is_web = text.starts_with("https://") || text.starts_with("http://");
        let is_one = !text.contains(|character: char| character.is_whitespace() || character.is_control());
        (is_web && is_one).then(|| Url::parse(text).ok()).flatten()
    };
    if let Some(link) = link(text) {
        return Some(link);
    }
    match serde_json::from_str::<Value>(text).ok()? {
        Value::String(text) => link(&text),
        Value::Object(fields) => {
            let mut links = fields.values().filter_map(|value| link(value.as_str()?));
            let first = links.next()?;
            // Of several nobody knows which.
            links.next().is_none().then_some(first)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// A report that was completed and is not to be had.
fn maybe_expired(error: ApiError) -> ApiError {
    if !error.is_gone() {
        return error;
    }
    let remedy = Some("reports are kept for a few days alone: make it again");
    let refusal = Refusal { message: error.said.clone(), remedy, ..Refusal::default() };
    ApiError { kind: ApiErrorKind::Refused(Box::new(refusal)), ..error }
}

/// A refusal of the server that a link leads to is about the link, not about the user or the platform.
fn of_link(error: ApiError, host: &str) -> ApiError {
    const REMEDY: &str =
        "the link may have expired, or the host cannot be reached from here: make the report again";
    let message = match error.kind {
        ApiErrorKind::Refused(_) if error.status.is_none() => return error,
        ApiErrorKind::Credentials
        | ApiErrorKind::Permission
        | ApiErrorKind::NotFound
        | ApiErrorKind::UnknownObject { remedy: _ }
        | ApiErrorKind::RateLimited { wait: _ }
        | ApiErrorKind::Refused(_)
        | ApiErrorKind::Server
        | ApiErrorKind::Unreadable
        | ApiErrorKind::Unreachable(_)
        | ApiErrorKind::Transport
        | ApiErrorKind::WrongSubscription { found: _ }
        | ApiErrorKind::Account { code: _ } => format!("the link to {host}: {}", error.cause()),
    };
    let refusal = Refusal { message: message.clone(), remedy: Some(REMEDY), ..Refusal::default() };
    ApiError {
        kind: ApiErrorKind::Refused(Box::new(refusal)),
        said: message,
        status: None,
        shut: None,
        ..error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_found_in_every_form_and_nothing_else_is_one() {
        let url = "https://files.example.com/r/1.pdf?sig=a%2Bb";
        for text in [
            url.to_owned(),
            format!("\n{url}\n"),
            format!("\"{url}\""),
            format!("{{\"downloadUrl\": \"{url}\", \"name\": \"r\", \"size\": 3}}"),
        ] {
            assert_eq!(read_link(&text).map(String::from).as_deref(), Some(url), "{text}");
        }
        for text in [
            "",
            "nothing",
            "ftp://files.example.com/r",
            "https://a.example.com/r and more",
            "{\"a\": \"https://a.example.com\", \"b\": \"https://b.example.com\"}",
            "[\"https://a.example.com\"]",
            "a,b\nhttps://a.example.com,1",
        ] {
            assert_eq!(read_link(text), None, "{text}");
        }
    }

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        for (body, pdf, csv) in [
            (&b"%PDF-1.7\n\xff\xfe"[..], true, false),
            (b"%PDF-1.4\n", true, false),
            (b"Control,Result\n1,PASS\n", false, true),
            (b"\xef\xbb\xbfControl\n", false, true),
            ("Kontrolle,Größe\n".as_bytes(), false, true),
            (b"", false, false),
            (b" \n", false, false),
            (b"<html>sign in</html>", false, false),
            (b"{\"errorCode\": \"1\"}", false, false),
            (b"[]", false, false),
            (b"\"text\"", false, false),
            (b"PK\x03\x04\xff", false, false),
            (b"PK\x03\x04", false, false),
            (b"a\0b", false, false),
            (b"https://files.example.com/r", false, false),
        ] {
            assert_eq!(
                (is_format(body, ReportFormat::Pdf), is_format(body, ReportFormat::Csv)),
                (pdf, csv),
                "{}",
                String::from_utf8_lossy(body)
            );
        }
    }
}
