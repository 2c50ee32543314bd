//! Azure: an application's key, which no answer shows, for a subscription, which no update changes.

use serde_json::{Value, json};

use super::fields::{Body, DESCRIPTION, GOV_CLOUD, NAME, POLLING_FREQUENCY, REMEDIATION, Verb};
use super::{Cloud, Own, service};
use crate::simulator::gateway::body;
use crate::simulator::gateway::fields::{Field, Shape, written};
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::Call;
use crate::simulator::options::CloudviewEditWithoutKey;
use crate::simulator::qps::{self, Patch, credentials};
use crate::simulator::store::{Object, Record, at};

pub(crate) static AZURE: Cloud = Cloud {
    service: service("/cloudview-api/rest/v1/azure"),
    noun: &qps::AZURE,
    provider: "AZURE",
    create: |call| read(call, Verb::Create),
    update: |call| read(call, Verb::Update),
    own,
    place: "location",
    tokens: &[
        ("subscriptionId", "authRecord.subscriptionId"),
        ("applicationId", "authRecord.applicationId"),
        ("directoryId", "authRecord.directoryId"),
    ],
};

static FIELDS: [Field; 8] = [
    NAME,
    DESCRIPTION,
    written("applicationId", Shape::Text(0)),
    written("directoryId", Shape::Text(0)),
    // Checked here: a refusal must not repeat it, whatever it is.
    written("authenticationKey", Shape::Any),
    GOV_CLOUD,
    POLLING_FREQUENCY,
    REMEDIATION,
];

static SUBSCRIPTION: Field = written("subscriptionId", Shape::Text(0));

fn read(call: &Call<'_>, verb: Verb) -> Result<Patch, Refusal> {
    let mut taken: Vec<_> = FIELDS.iter().collect();
    let mut mandatory = vec!["name", "applicationId", "directoryId"];
    if verb == Verb::Create {
        taken.push(&SUBSCRIPTION);
        mandatory.extend(["subscriptionId", "authenticationKey"]);
    }
    let given = body::object(call, &taken, &[])?;
    let key = match given.get("authenticationKey") {
        None if verb == Verb::Update
            && call.world.options.cloudview_edit_without_key == CloudviewEditWithoutKey::Refused =>
        {
            return Err(Refusal::missing("authenticationKey"));
        }
        None => None,
        Some(Value::String(key)) if !key.trim().is_empty() => Some(key.clone()),
        Some(_) => return Err(Refusal::bad("Field 'authenticationKey' takes a text that is not empty.")),
    };
    let mut body = Body::new(call, verb, given, &mandatory)?;
    let mut members = Object::new();
    for name in ["applicationId", "directoryId", "subscriptionId"] {
        if let Some(text) = body.checked(name, credentials::uuid)? {
            members.insert(name.to_owned(), json!(text));
        }
    }
    if let Some(key) = key {
        members.insert("authenticationKey".to_owned(), json!(key));
    }
    body.put_common(body.frequency()?)?;
    body.put_credentials(members);
    body.put_given("isGovCloudConfigured", "isGovCloud", json!(false));
    Ok(body.patch)
}

fn own(record: &Record) -> Own {
    let member = |path: &str| at(&record.object, path).cloned().unwrap_or_default();
    let mut before_groups = vec![
        ("applicationId", member("authRecord.applicationId")),
        ("subscriptionId", member("authRecord.subscriptionId")),
    ];
    // Azure's to tell, at the first contact.
    if let Some(name) = record.text("subscriptionName") {
        before_groups.push(("subscriptionName", json!(name)));
    }
    Own {
        before_disabled: vec![("isGovCloud", json!(record.flag("isGovCloudConfigured")))],
        before_groups,
        at_end: vec![("directoryId", member("authRecord.directoryId"))],
    }
}
