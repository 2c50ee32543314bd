//! `ServiceRequest` and `ServiceResponse`, which wrap every call of the QPS family (Connectors API User Guide,
//! "JSON Support").

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Fault};
use super::lenient;
use super::refusal::{self, Words};
use super::shapes::{Flag, Number, Text};

/// A successful answer, its data not decoded yet.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) count: Option<u64>,
    /// Missing in part of the documented samples.
    pub(super) has_more: Option<bool>,
    pub(super) last_id: Option<u64>,
    pub(super) data: Option<Bytes>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorDetails {
    #[serde(rename = "errorMessage", default, deserialize_with = "super::shapes::text")]
    pub(super) message: Option<String>,
    #[serde(rename = "errorResolution", default, deserialize_with = "super::shapes::text")]
    pub(super) resolution: Option<String>,
}

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(rename = "ServiceResponse", borrow)]
    response: Response<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    #[serde(rename = "responseCode")]
    code: Option<Text>,
    #[serde(rename = "responseErrorDetails")]
    details: Option<ErrorDetails>,
    count: Option<Number>,
    has_more_records: Option<Flag>,
    last_id: Option<Number>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Reads the envelope of an answer and leaves its data as they are: the next page can be asked for before this
/// one is decoded.
pub(super) fn open(answer: &Answer) -> Result<Envelope, Fault> {
    if !answer.status.is_success() {
        return Err(refusal::fault(answer));
    }
    let body = answer.body.slice_ref(answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&answer.body));
    let opened = parse(&body).or_else(|| parse(&lenient::value(&body)?.to_string().into()));
    let Some((code, details, envelope)) = opened else {
        return Err(refusal::fault(answer));
    };
    match code {
        Some(Text(code)) if code == "SUCCESS" => Ok(envelope),
        code => {
            let words = Words::new(code.map(|Text(code)| code), details);
            Err(refusal::refused(answer, words))
        }
    }
}

/// What the envelope says, and what is in it.
fn parse(body: &Bytes) -> Option<(Option<Text>, Option<ErrorDetails>, Envelope)> {
    let Outer { response } = serde_json::from_slice(body).ok()?;
    let Response { code, details, count, has_more_records, last_id, data } = response;
    let envelope = Envelope {
        count: count.map(|Number(count)| count),
        has_more: has_more_records.map(|Flag(more)| more),
        last_id: last_id.map(|Number(id)| id),
        data: data.map(|data| body.slice_ref(data.get().as_bytes())),
    };
    Some((code, details, envelope))
}

/// The body of a search.
pub(super) fn search(criteria: &[(&str, &str, &str)], preferences: &Value) -> Bytes {
    let criteria: Vec<Value> = criteria
        .iter()
        .map(|(field, operator, value)| json!({"field": field, "operator": operator, "value": value}))
        .collect();
    let mut request = json!({"preferences": preferences});
    if !criteria.is_empty() {
        request["filters"] = json!({"Criteria": criteria});
    }
    wrap(&request)
}

/// The body of a create or update.
pub(super) fn data(object: &str, fields: &Map<String, Value>) -> Bytes {
    wrap(&json!({"data": {object: fields}}))
}

fn wrap(request: &Value) -> Bytes {
    Bytes::from(json!({"ServiceRequest": request}).to_string())
}
