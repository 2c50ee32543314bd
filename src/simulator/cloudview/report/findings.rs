//! What an assessment finds: made up, but the same every time, from the connectors that are there.

use serde_json::Value;

use super::object::cloud;
use crate::simulator::store::{Record, at};
use crate::simulator::world::World;

/// One resource held against one control: what the documents name as a report's details.
pub(super) struct Finding {
    pub(super) policy: String,
    pub(super) control: &'static str,
    pub(super) resource: String,
    pub(super) resource_type: &'static str,
    pub(super) connector: String,
    pub(super) account: String,
    pub(super) evaluated: String,
    pub(super) result: &'static str,
}

/// What every connector has: the type of a resource, the control that it is held against, and how that ends.
type Held = [(&'static str, &'static str, &'static str); 3];

const AWS: Held =
    [("S3 Bucket", "45", "PASS"), ("EC2 Instance", "50", "FAIL"), ("Security Group", "41", "PASSE")];
const AZURE: Held = [
    ("Storage Account", "50014", "PASS"),
    ("Virtual Machine", "50023", "FAIL"),
    ("SQL Server", "50031", "PASSE"),
];
const GCP: Held =
    [("Bucket", "52005", "PASS"), ("VM Instance", "52016", "FAIL"), ("Firewall Rule", "52027", "PASSE")];

/// All findings of a report, by policy, then by connector.
pub(super) fn of(world: &World, report: &Record) -> Vec<Finding> {
    let Some((kind, account)) = cloud(report) else { return Vec::new() };
    let held = match kind {
        "aws" => AWS,
        "azure" => AZURE,
        _ => GCP,
    };
    let (wanted, results) = (texts(report, "connectorIds"), texts(report, "resourceResults"));
    let live = world.store.starting_at(kind, 0).filter(|connector| !connector.flag("isDeleted"));
    let connectors: Vec<_> = live
        .filter(|connector| {
            wanted.is_empty() || connector.text("cloudviewUuid").is_some_and(|id| wanted.contains(&id))
        })
        .collect();
    let mut findings = Vec::new();
    for policy in texts(report, "policyIds") {
        for connector in &connectors {
            let account = at(&connector.object, account).and_then(Value::as_str).unwrap_or_default();
            for (resource_type, control, result) in held {
                // "PASS" and "Pass" are one result: the documents write it both ways.
                if !results.is_empty() && !results.iter().any(|wanted| wanted.eq_ignore_ascii_case(result)) {
                    continue;
                }
                findings.push(Finding {
                    policy: policy.to_owned(),
                    control,
                    resource: format!("{account}/{}", resource_type.to_lowercase().replace(' ', "-")),
                    resource_type,
                    connector: connector.text("name").unwrap_or_default().to_owned(),
                    account: account.to_owned(),
                    evaluated: report.text("endDate").unwrap_or_default().to_owned(),
                    result,
                });
            }
        }
    }
    findings
}

/// A field that is a list of texts.
pub(super) fn texts<'a>(report: &'a Record, field: &str) -> Vec<&'a str> {
    let list = report.object.get(field).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}
