//! AWS: a role's ARN, and an external id of the form that CloudView demands since 2021.

use serde_json::{Value, json};

use super::fields::{Body, DESCRIPTION, GOV_CLOUD, NAME, POLLING_FREQUENCY, REMEDIATION, Verb};
use super::{Cloud, Own, service, show};
use crate::simulator::gateway::body;
use crate::simulator::gateway::fields::{Field, Shape, written};
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::Call;
use crate::simulator::qps::{self, Patch, check_arn};
use crate::simulator::store::Record;

pub(crate) static AWS: Cloud = Cloud {
    service: service("/cloudview-api/rest/v1/aws"),
    noun: &qps::AWS,
    provider: "AWS",
    create: |call| read(call, Verb::Create),
    update: |call| read(call, Verb::Update),
    own,
    place: "region",
    tokens: &[("awsAccountId", "awsAccountId"), ("arn", "arn")],
};

static FIELDS: [Field; 9] = [
    NAME,
    DESCRIPTION,
    written("arn", Shape::Text(0)),
    written("externalId", Shape::Text(0)),
    GOV_CLOUD,
    written("isChinaRegion", Shape::Flag),
    // Asked for as true in the samples, and answered as false.
    written("isPortalConnector", Shape::Flag),
    POLLING_FREQUENCY,
    REMEDIATION,
];

fn read(call: &Call<'_>, verb: Verb) -> Result<Patch, Refusal> {
    let taken: Vec<_> = FIELDS.iter().collect();
    let given = body::object(call, &taken, &[])?;
    let mut body = Body::new(call, verb, given, &["name", "arn"])?;
    // "If the customer has to update a connector or create a new connector, they need to provide the external ID in the new
    // format": also where it does not change.
    let external_id =
        body.checked("externalId", check_external_id)?.ok_or_else(|| Refusal::missing("externalId"))?;
    let external_id = json!(external_id);
    let arn = body.checked("arn", check_arn)?.map(Value::from);
    body.put_common(body.frequency()?)?;
    body.put("externalId", Some(external_id), Value::Null);
    body.put("arn", arn, Value::Null);
    // What is said is shown again, as in the sample where both are true; what is connected follows from the ARN.
    body.put_given("saidGovCloud", "isGovCloud", Value::Null);
    body.put_given("saidChinaRegion", "isChinaRegion", Value::Null);
    Ok(body.patch)
}

/// `<Qualys POD>-<Qualys Subscription ID>-<random alphanumeric number>`, the last one of 5 to 13 letters and digits.
fn check_external_id(text: &str) -> Result<(), &'static str> {
    let parts: Vec<_> = text.split('-').collect();
    let letters_and_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let valid = match parts.as_slice() {
        [pod, subscription, random] => {
            pod.starts_with(|first: char| first.is_ascii_alphabetic())
                && letters_and_digits(pod)
                && !subscription.is_empty()
                && subscription.bytes().all(|byte| byte.is_ascii_digit())
                && (5..=13).contains(&random.len())
                && letters_and_digits(random)
        }
        _ => false,
    };
    if valid {
        Ok(())
    } else {
        Err("specify <Qualys POD>-<Qualys Subscription ID>-<5 to 13 letters and digits>.")
    }
}

fn own(record: &Record) -> Own {
    let said = |said: &str, known: &str| {
        json!(if record.object.contains_key(said) { record.flag(said) } else { record.flag(known) })
    };
    let arn = record.text("arn").unwrap_or_default();
    let error = match show::state(record) {
        "PENDING" => show::NOT_YET,
        "ERROR" => record.text("lastError").unwrap_or_default(),
        _ => "",
    };
    let mut before_disabled = vec![
        ("isGovCloud", said("saidGovCloud", "isGovCloudConfigured")),
        ("isChinaRegion", said("saidChinaRegion", "isChinaConfigured")),
        ("awsAccountId", json!(arn.split(':').nth(4).unwrap_or_default())),
    ];
    if let Some(alias) = record.text("accountAlias") {
        before_disabled.push(("accountAlias", json!(alias)));
    }
    Own {
        before_disabled,
        before_groups: Vec::new(),
        at_end: vec![
            ("error", json!(error)),
            ("baseAccountId", json!(record.text("qualysAwsAccountId"))),
            ("externalId", json!(record.text("externalId"))),
            ("arn", json!(arn)),
            ("isPortalConnector", json!(false)),
        ],
    }
}
