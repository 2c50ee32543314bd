//! GCP: a service account's key file, uploaded as a form's part, for a project, which no update changes.

use serde_json::{Value, json};

use super::fields::{Body, Verb, minutes};
use super::multipart::Form;
use super::{Cloud, Own, service};
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::Call;
use crate::simulator::qps::{self, Patch, credentials};
use crate::simulator::store::{Object, Record, at};

pub(crate) static GCP: Cloud = Cloud {
    service: service("/cloudview-api/rest/v1/gcp"),
    noun: &qps::GCP,
    provider: "GCP",
    create: |call| read(call, Verb::Create),
    update: |call| read(call, Verb::Update),
    own,
    place: "region",
    tokens: &[("projectId", PROJECT)],
};

const PROJECT: &str = "authRecord.projectId";

const FILE: &str = "configFile";
const HOURS: &str = "pollingFrequencyInHrs";
const MINUTES: &str = "pollingFrequencyInMinutes";

/// The texts of the form; the file comes besides.
const FIELDS: &[&str] = &["name", "description", HOURS, MINUTES, "remediationEnabled", "projectId"];

type Check = fn(&str) -> Result<(), &'static str>;

/// What a service account's key file has, in Google's own names. What else it holds is not looked at.
const KEY: &[(&str, Check)] = &[
    ("private_key_id", credentials::present),
    ("private_key", credentials::private_key),
    ("client_email", credentials::present),
    ("client_id", credentials::present),
    ("auth_uri", credentials::https),
    ("token_uri", credentials::https),
    ("auth_provider_x509_cert_url", credentials::https),
    ("client_x509_cert_url", credentials::https),
];

fn read(call: &Call<'_>, verb: Verb) -> Result<Patch, Refusal> {
    let texts =
        if verb == Verb::Create { FIELDS } else { FIELDS.split_last().map_or(FIELDS, |(_, rest)| rest) };
    let form = Form::read(call.request, texts, FILE)?;
    let number = |name: &str| match form.texts.get(name) {
        Some(text) => match text.parse::<u64>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Refusal::bad(format!("Field '{name}' takes a whole number, not '{text}'."))),
        },
        None => Ok(None),
    };
    let frequency = minutes(number(HOURS)?, number(MINUTES)?, HOURS, MINUTES)?;
    let mut given = Object::new();
    for (name, text) in &form.texts {
        let value = match (name.as_str(), text.as_str()) {
            ("remediationEnabled", "true") => json!(true),
            ("remediationEnabled", "false") => json!(false),
            ("remediationEnabled", other) => {
                return Err(Refusal::bad(format!(
                    "Field 'remediationEnabled' takes true or false, not '{other}'."
                )));
            }
            (_, text) => json!(text),
        };
        given.insert(name.clone(), value);
    }
    let mut members = match (&form.file, verb) {
        (Some(file), _) => key_of(file)?,
        (None, Verb::Create) => return Err(Refusal::missing(FILE)),
        (None, Verb::Update) => Object::new(),
    };
    let mandatory: &[&str] = if verb == Verb::Create { &["name", "projectId"] } else { &["name"] };
    let mut body = Body::new(call, verb, given, mandatory)?;
    if let Some(project) = body.checked("projectId", credentials::project)? {
        members.insert("projectId".to_owned(), json!(project));
    }
    body.put_common(frequency)?;
    body.put_credentials(members);
    Ok(body.patch)
}

/// Reads a key file; a refusal names what is wrong with it and repeats none of it.
fn key_of(file: &[u8]) -> Result<Object, Refusal> {
    let refused = |problem: &str| {
        Refusal::bad(format!("Field '{FILE}' is no key file of a service account: {problem}"))
    };
    let Ok(Value::Object(given)) = serde_json::from_slice(file) else {
        return Err(refused("it is no JSON object."));
    };
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    if !text("type").is_some_and(|kind| credentials::KEY_TYPES.contains(&kind)) {
        return Err(refused("its 'type' has to be service_account."));
    }
    let mut key = Object::new();
    key.insert("type".to_owned(), json!(text("type")));
    for (name, check) in KEY {
        let Some(value) = text(name) else { return Err(refused(&format!("'{name}' is missing."))) };
        check(value).map_err(|expected| refused(&format!("'{name}': {expected}")))?;
        key.insert((*name).to_owned(), json!(value));
    }
    Ok(key)
}

fn own(record: &Record) -> Own {
    let project = at(&record.object, PROJECT).cloned().unwrap_or_default();
    Own { before_disabled: Vec::new(), before_groups: vec![("projectId", project)], at_end: Vec::new() }
}
