//! AWS connectors. Fields as in the vendor's Connectors API User Guide, "AWS Connectors 3.0".

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::connector::Common;
use super::field::leave_out;
use super::{
    AwsAccount, Capabilities, ExternalId, Field, Finding, InCloudview, Kind, Module, Partition,
    PerimeterScan, Reference, Regions, Resource, RoleArn, Run, RunFrequency, Timetable, connector,
};

/// An AWS connector, identified by the ARN of the role that the platform assumes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// The display name; two connectors may share one.
    pub name: String,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The role; in a checked spec always set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<RoleArn>,
    /// The role's account, where the file gives the role by its parts; folded into `arn` by the check.
    #[serde(skip_serializing)]
    pub account_id: Option<AwsAccount>,
    /// The role's name, where the file gives the role by its parts.
    #[serde(skip_serializing)]
    pub role: Option<String>,
    /// The account's partition, where the file gives the role by its parts; `aws` if left out.
    #[serde(skip_serializing)]
    pub partition: Option<Partition>,
    /// The external id in the role's trust policy. Not a secret: AWS says so, and the platform shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// The applications that it feeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// The modules that what it finds is activated for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<BTreeSet<Module>>,
    /// The tags that what it finds gets, by path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeSet<String>>,
    /// The regions that it looks into. The platform tells `all` or not; the list is in no documented answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<Regions>,
    /// How often it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_frequency: Option<RunFrequency>,
    /// Whether findings may be remediated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation: Option<bool>,
    /// Whether it runs at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether and when what it finds is scanned from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub perimeter_scan: Option<PerimeterScan>,
}

impl Resource for Aws {
    const KIND: Kind = Kind::Aws;
    const SECTION: &'static [&'static str] = &["connectors", "aws"];
    const RUN: Run = Run::Freely;
    const IN_CLOUDVIEW: InCloudview =
        InCloudview::Without(&["capabilities", "activation", "tags", "regions", "perimeter_scan"]);
    const SPELLINGS: &'static [&'static str] = &["account_id", "role", "partition"];
    const FIELDS: &'static [Field] = &[
        Field::updatable("name").identifying(),
        Field::updatable("description"),
        Field::updatable("arn").identifying(),
        Field::updatable("external_id").needed(),
        Field::updatable("capabilities"),
        Field::updatable("activation"),
        Field::updatable("tags"),
        Field::updatable("regions"),
        Field::updatable("run_frequency"),
        Field::updatable("remediation"),
        Field::updatable("enabled"),
        Field::updatable("perimeter_scan"),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&self) -> Option<String> {
        self.arn.as_ref().map(|arn| arn.as_str().to_owned())
    }

    /// The account: a new role in the same account is an update where the account has one connector.
    fn weak_identity(&self) -> Option<String> {
        self.arn.as_ref()?.account().map(str::to_owned)
    }

    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        visit(&mut self.name);
        self.description.iter_mut().for_each(visit);
    }

    fn references(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
        connector::references(self.tags.as_mut(), self.capabilities.as_mut(), visit);
    }

    fn complete(&mut self, live: &Aws) {
        // Each application names the role too: with a new role they are sent again as they are.
        if self.arn != live.arn && self.capabilities.is_none() {
            self.capabilities.clone_from(&live.capabilities);
        }
        connector::complete(
            self.capabilities.as_mut().zip(live.capabilities.as_ref()),
            self.activation.as_mut().zip(live.activation.as_ref()),
            self.perimeter_scan.as_mut().zip(live.perimeter_scan.as_ref()),
        );
    }

    fn caveats(&self, live: Option<&Aws>) -> Vec<String> {
        connector::caveats(&self.common(), live.map(Aws::common))
    }

    fn leave_out(&mut self, field: &str) {
        leave_out!(field of self: description, external_id, capabilities, activation, tags, regions, run_frequency,
            remediation, enabled, perimeter_scan);
    }

    fn disabled(&self) -> Option<Aws> {
        Some(Aws { enabled: Some(false), ..self.clone() })
    }

    fn schedule(&self) -> Option<Timetable<'_>> {
        self.perimeter_scan.as_ref().and_then(PerimeterScan::schedule)
    }

    fn check(&mut self, report: &mut dyn FnMut(Finding)) {
        self.fold_role_into_arn(report);
        connector::check(&self.common(), report);
        if let Some(partition) = self.arn.as_ref().and_then(RoleArn::partition) {
            partition.check("arn", report);
        }
        if let Some(external_id) = self.external_id.as_ref().filter(|id| !id.has_vendor_form()) {
            report(Finding::warning(
                "external_id",
                format!("external id {external_id} has not the form POD-SUBSCRIPTION-ALNUM"),
                "the vendor's older documents ask for it, as in US1-1368984-11213331",
            ));
        }
    }
}

impl Aws {
    /// The fields that connectors of several clouds have.
    pub(crate) fn common(&self) -> Common<'_> {
        Common {
            name: &self.name,
            description: self.description.as_deref(),
            capabilities: self.capabilities.as_ref(),
            activation: self.activation.as_ref(),
            tags: self.tags.as_ref(),
            run_frequency: self.run_frequency,
            remediation: self.remediation,
            enabled: self.enabled,
            perimeter_scan: self.perimeter_scan.as_ref(),
        }
    }

    fn fold_role_into_arn(&mut self, report: &mut dyn FnMut(Finding)) {
        let parts = (self.account_id.take(), self.role.take(), self.partition.take());
        match (&self.arn, parts) {
            (Some(_), (None, None, None)) => {}
            (Some(_), _) => report(Finding::error(
                "arn",
                "the role is given twice: by arn and by its parts",
                "keep arn, or account_id and role",
            )),
            (None, (Some(account), Some(role), partition)) => {
                match RoleArn::from_parts(&partition.unwrap_or(Partition::Aws), &account, &role) {
                    Ok(arn) => self.arn = Some(arn),
                    Err(error) => {
                        report(Finding::error(
                            "role",
                            error,
                            "role is the role's name, as in QualysConnector",
                        ));
                    }
                }
            }
            (None, _) => report(Finding::error(
                "",
                "the role is missing",
                "give arn: arn:aws:iam::ACCOUNT:role/ROLE, or account_id and role",
            )),
        }
    }
}
