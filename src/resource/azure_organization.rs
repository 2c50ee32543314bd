//! Azure organization connectors: one makes and looks after the connectors of a whole tenant. Fields as in the
//! vendor's Connectors API User Guide, "Azure Organization Connectors 3.0".

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::connector::{self, Common};
use super::field::leave_out;
use super::{
    AzureId, Capabilities, Edit, Field, Finding, InCloudview, Kind, Module, OrganizationFrequency, Reference,
    Resource, Run,
};
use crate::secret::SecretRef;

/// An Azure organization connector, identified by its tenant and name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AzureOrganization {
    /// The name. It cannot be edited.
    pub name: String,
    /// The directory that it looks after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<AzureId>,
    /// The directory's name: sent, never read back, never compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_name: Option<String>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The application that it signs in as. It cannot be edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_id: Option<AzureId>,
    /// The application's secret. Every edit sends it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
    /// What the names of the connectors that it makes start with. It cannot be edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector_prefix: Option<String>,
    /// The applications that it feeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// How often it looks for subscriptions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_run_frequency: Option<OrganizationFrequency>,
    /// How often the connectors that it makes run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector_run_frequency: Option<OrganizationFrequency>,
    /// The management groups whose subscriptions it looks after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_management_groups: Option<BTreeSet<String>>,
    /// The management groups whose subscriptions it leaves alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_management_groups: Option<BTreeSet<String>>,
    /// Whether a new subscription gets a connector by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_connectors_for_new_subscriptions: Option<bool>,
    /// Whether the connectors of a deleted management group are switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_connectors_for_deleted_groups: Option<bool>,
    /// The modules that the assets of its connectors are activated for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activate: Option<BTreeSet<Module>>,
    /// The tags that what its connectors find gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeSet<String>>,
    /// Whether its connectors may remediate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation: Option<bool>,
    /// Whether it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The connectors attached to it, by address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<BTreeSet<String>>,
}

/// Fields that have calls of their own; all others go with an edit.
pub(crate) const APART: [&str; 2] = ["enabled", "members"];

/// Fields of which the connection is tested before they are sent.
pub(crate) const TESTED: [&str; 3] = ["secret", "include_management_groups", "exclude_management_groups"];

/// What an address of a member starts with.
const MEMBER: &str = "azure/";

impl Resource for AzureOrganization {
    const KIND: Kind = Kind::AzureOrganization;
    const SECTION: &'static [&'static str] = &["azure_organizations"];
    const REFERS_TO: &'static [Kind] = &[Kind::Tag, Kind::Azure];
    const RUN: Run = Run::Freely;
    const IN_CLOUDVIEW: InCloudview = InCloudview::Nothing("it has no organization connectors");
    const FIELDS: &'static [Field] = &[
        Field::fixed("name").identifying(),
        Field::identity("tenant_id"),
        Field::updatable("tenant_name").write_only(),
        Field::updatable("description"),
        Field::fixed("application_id"),
        Field::updatable("secret").secret(),
        Field::fixed("connector_prefix").needed(),
        Field::updatable("capabilities").needed(),
        Field::updatable("org_run_frequency").needed(),
        Field::updatable("connector_run_frequency").needed(),
        Field::updatable("include_management_groups"),
        Field::updatable("exclude_management_groups"),
        Field::updatable("create_connectors_for_new_subscriptions"),
        Field::updatable("disable_connectors_for_deleted_groups"),
        Field::updatable("activate"),
        Field::updatable("tags"),
        Field::updatable("remediation"),
        Field::updatable("enabled"),
        Field::updatable("members"),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&self) -> Option<String> {
        self.tenant_id.as_ref().map(|tenant| format!("{tenant}/{}", self.name))
    }

    /// The tenant: another name in the same tenant is a replace where the tenant has one that we made.
    fn weak_identity(&self) -> Option<String> {
        self.tenant_id.as_ref().map(ToString::to_string)
    }

    fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        self.secret.iter().map(|secret| ("secret", secret)).collect()
    }

    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        visit(&mut self.name);
        self.description.iter_mut().for_each(visit);
    }

    fn references(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
        connector::references(self.tags.as_mut(), self.capabilities.as_mut(), visit);
        if let Some(members) = &mut self.members {
            let named = std::mem::take(members).into_iter().map(|member| {
                let mut name = member.strip_prefix(MEMBER).unwrap_or(&member).to_owned();
                visit(Reference { kind: Kind::Azure, name: &mut name });
                format!("{MEMBER}{name}")
            });
            *members = named.collect();
        }
    }

    fn complete(&mut self, live: &AzureOrganization) {
        connector::complete(self.capabilities.as_mut().zip(live.capabilities.as_ref()), None, None);
        // The platform may count in whole days: what it made of the file's value is that value.
        for (wanted, live) in [
            (&mut self.org_run_frequency, live.org_run_frequency),
            (&mut self.connector_run_frequency, live.connector_run_frequency),
        ] {
            if live.is_some() && wanted.map(OrganizationFrequency::in_days) == live {
                *wanted = live;
            }
        }
    }

    fn leave_out(&mut self, field: &str) {
        leave_out!(field of self: tenant_name, description, application_id, secret, connector_prefix, capabilities,
            org_run_frequency, connector_run_frequency, include_management_groups, exclude_management_groups,
            create_connectors_for_new_subscriptions, disable_connectors_for_deleted_groups, activate, tags,
            remediation, enabled, members);
    }

    /// The connection is tested before what depends on it, which makes the platform synchronize its groups; enabling,
    /// attaching and detaching are calls of their own.
    fn writes(edit: &Edit<'_, AzureOrganization>) -> usize {
        let no_members = BTreeSet::new();
        match *edit {
            Edit::Create(after) => {
                let attached = after.members.as_ref().map_or(0, BTreeSet::len);
                2 + usize::from(after.enabled == Some(false)) + attached
            }
            Edit::Update { before, after, fields } => {
                let any = |names: &[&str]| fields.iter().any(|field| names.contains(field));
                let (edits, tests) = (is_edit(fields), any(&TESTED));
                let there = before.and_then(|before| before.members.as_ref()).unwrap_or(&no_members);
                let moved = after.members.as_ref().filter(|_| any(&["members"]));
                let moved = moved.map_or(0, |members| members.symmetric_difference(there).count());
                usize::from(edits) + usize::from(tests) + moved + usize::from(any(&["enabled"]))
            }
            Edit::Delete { .. } => 1,
        }
    }

    /// "The secret key value" is among what an edit wants again.
    fn sends_again(fields: &[&str]) -> &'static [&'static str] {
        if is_edit(fields) { &["secret"] } else { &[] }
    }

    fn exclusive(&self) -> Option<(&'static str, &BTreeSet<String>)> {
        self.members.as_ref().map(|members| ("members", members))
    }

    fn disabled(&self) -> Option<AzureOrganization> {
        Some(AzureOrganization { enabled: Some(false), ..self.clone() })
    }

    fn check(&mut self, report: &mut dyn FnMut(Finding)) {
        let common = Common {
            name: &self.name,
            description: self.description.as_deref(),
            capabilities: self.capabilities.as_ref(),
            activation: self.activate.as_ref(),
            tags: self.tags.as_ref(),
            ..Common::default()
        };
        connector::check(&common, report);
        self.check_what_is_sent_always(report);
        for module in self.activate.iter().flatten().filter(|module| !SWITCHED.contains(module)) {
            report(Finding::error(
                "activate",
                format!("an organization connector has no switch for {}", module.name()),
                "it activates VM, PC, SCA and CERTVIEW",
            ));
        }
        for (field, frequency) in [
            ("org_run_frequency", self.org_run_frequency),
            ("connector_run_frequency", self.connector_run_frequency),
        ] {
            if let Some(frequency) = frequency.filter(|frequency| frequency.in_days() != *frequency) {
                report(Finding::warning(
                    field,
                    format!("{} is no whole number of days", frequency.0),
                    format!("newer platforms round it up to {}", frequency.in_days().0),
                ));
            }
        }
        if self.connector_prefix.as_ref().is_some_and(|prefix| prefix.chars().count() > 30) {
            let message = "the prefix is longer than 30 characters";
            report(Finding::error("connector_prefix", message, "shorten it: it cannot be edited later"));
        }
        for member in self.members.iter().flatten().filter(|member| !member.starts_with(MEMBER)) {
            let message = format!("`{member}` is no address of an Azure connector");
            report(Finding::error("members", message, "name it as in azure/corp-shared"));
        }
        let (included, excluded) = (&self.include_management_groups, &self.exclude_management_groups);
        for group in
            included.iter().flatten().filter(|group| excluded.iter().flatten().any(|it| it == *group))
        {
            let message = format!("management group `{group}` is both included and excluded");
            report(Finding::error("exclude_management_groups", message, "keep one of the two"));
        }
    }
}

/// The modules that a request has a switch for.
const SWITCHED: [Module; 4] = [Module::Vm, Module::Pc, Module::Sca, Module::CertView];

/// Whether a change of these fields is an edit, or by calls of their own alone.
pub(crate) fn is_edit(fields: &[&str]) -> bool {
    fields.iter().any(|field| !APART.contains(field))
}

impl AzureOrganization {
    /// The platform wants these with every create and every edit.
    fn check_what_is_sent_always(&self, report: &mut dyn FnMut(Finding)) {
        let given = [
            ("tenant_id", self.tenant_id.is_some(), "give the directory's UUID"),
            ("tenant_name", self.tenant_name.is_some(), "give the directory's name"),
            ("application_id", self.application_id.is_some(), "give the application's UUID"),
            (
                "secret",
                self.secret.is_some(),
                "give a reference to the application's secret, as in {env: NAME}",
            ),
        ];
        for (field, _, hint) in given.into_iter().filter(|(_, given, _)| !given) {
            let message = format!("`{field}` is missing: the platform wants it with every write");
            report(Finding::error(field, message, hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn every(org: &str, connectors: &str) -> AzureOrganization {
        let fields = json!({"name": "a", "org_run_frequency": org, "connector_run_frequency": connectors});
        serde_json::from_value(fields).unwrap()
    }

    #[test]
    fn a_frequency_that_the_platform_rounded_up_to_days_is_the_one_that_was_asked_for() {
        for (wanted, live, same) in [
            ("1h", "24h", true),
            ("24h", "24h", true),
            ("25h", "48h", true),
            ("7d", "7d", true),
            ("1h", "1h", true),
            ("1h", "48h", false),
            ("25h", "24h", false),
            ("48h", "25h", false),
            ("1h", "2h", false),
        ] {
            let live = every(live, live);
            let mut filled = every(wanted, wanted);
            filled.complete(&live);
            assert_eq!(filled == live, same, "{wanted} {live:?}");
        }
    }

    #[test]
    fn other_than_whole_days_are_warned_of() {
        let mut found = Vec::new();
        every("1h", "48h").check(&mut |finding| {
            if finding.severity == crate::resource::Severity::Warning {
                found.push(format!(
                    "{}: {} | {}",
                    finding.field,
                    finding.message,
                    finding.hint.unwrap_or_default()
                ));
            }
        });
        let warned = "org_run_frequency: 1h is no whole number of days | newer platforms round it up to 24h";
        assert_eq!(found, [warned]);
    }
}
