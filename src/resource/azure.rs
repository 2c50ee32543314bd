//! Azure connectors. Fields as in the vendor's Connectors API User Guide, "Azure Connectors 3.0".

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::connector::{self, Common};
use super::field::leave_out;
use super::{
    AzureId, Capabilities, Field, Finding, InCloudview, Kind, Module, PerimeterScan, Reference, Resource,
    Run, RunFrequency, Timetable,
};
use crate::secret::SecretRef;

/// An Azure connector, identified by the subscription that it looks into.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Azure {
    /// The display name; two connectors may share one.
    pub name: String,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The subscription; in a checked spec always set. The answer to a create, and maybe others, does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<AzureId>,
    /// The directory (tenant) that the application is registered in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory_id: Option<AzureId>,
    /// The application that the platform signs in as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_id: Option<AzureId>,
    /// The application's secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_key: Option<SecretRef>,
    /// Whether the subscription is in the government's cloud. The guide has it on create alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub government: Option<bool>,
    /// The applications of the platform that it feeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// The modules that what it finds is activated for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<BTreeSet<Module>>,
    /// The tags that what it finds gets, by path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeSet<String>>,
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

impl Resource for Azure {
    const KIND: Kind = Kind::Azure;
    const SECTION: &'static [&'static str] = &["connectors", "azure"];
    const RUN: Run = Run::Freely;
    const IN_CLOUDVIEW: InCloudview =
        InCloudview::Without(&["capabilities", "activation", "tags", "perimeter_scan"]);
    const FIELDS: &'static [Field] = &[
        Field::updatable("name").identifying(),
        Field::updatable("description"),
        Field::identity("subscription_id"),
        Field::updatable("directory_id").needed(),
        Field::updatable("application_id").needed(),
        Field::updatable("authentication_key").secret().needed(),
        Field::fixed("government"),
        Field::updatable("capabilities"),
        Field::updatable("activation"),
        Field::updatable("tags"),
        Field::updatable("run_frequency"),
        Field::updatable("remediation"),
        Field::updatable("enabled"),
        Field::updatable("perimeter_scan"),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&self) -> Option<String> {
        self.subscription_id.as_ref().map(|id| id.as_str().to_owned())
    }

    /// The subscription again: an answer that does not tell it may still suggest it.
    fn weak_identity(&self) -> Option<String> {
        self.identity()
    }

    fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        self.authentication_key.iter().map(|key| ("authentication_key", key)).collect()
    }

    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        visit(&mut self.name);
        self.description.iter_mut().for_each(visit);
    }

    fn references(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
        connector::references(self.tags.as_mut(), self.capabilities.as_mut(), visit);
    }

    fn complete(&mut self, live: &Azure) {
        // What the platform signs in with is sent as one record: what the file leaves out of it is sent as it is.
        if self.authentication_key.is_some() {
            self.directory_id = self.directory_id.take().or_else(|| live.directory_id.clone());
            self.application_id = self.application_id.take().or_else(|| live.application_id.clone());
        }
        connector::complete(
            self.capabilities.as_mut().zip(live.capabilities.as_ref()),
            self.activation.as_mut().zip(live.activation.as_ref()),
            self.perimeter_scan.as_mut().zip(live.perimeter_scan.as_ref()),
        );
    }

    fn caveats(&self, live: Option<&Azure>) -> Vec<String> {
        connector::caveats(&self.common(), live.map(Azure::common))
    }

    fn schedule(&self) -> Option<Timetable<'_>> {
        self.perimeter_scan.as_ref().and_then(PerimeterScan::schedule)
    }

    fn leave_out(&mut self, field: &str) {
        leave_out!(field of self: description, directory_id, application_id, authentication_key, government,
            capabilities, activation, tags, run_frequency, remediation, enabled, perimeter_scan);
    }

    fn disabled(&self) -> Option<Azure> {
        Some(Azure { enabled: Some(false), ..self.clone() })
    }

    fn check(&mut self, report: &mut dyn FnMut(Finding)) {
        connector::check(&self.common(), report);
        connector::check_identity("subscription_id", self.subscription_id.is_some(), report);
    }
}

impl Azure {
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
}
