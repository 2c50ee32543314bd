//! How answers show organization connectors. Each field has up to three spellings, by the call that shows it; they are
//! read as one.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::qualys::connectors::parts::{self, ConnectorAppInfo};
use crate::qualys::shapes::{Flag, Number};
use crate::resource::azure_organization::AzureOrganization;
use crate::resource::{
    AzureId, Capability, LiveObject, Module, OrganizationFrequency, Owner, RunError, RunFrequency,
};

/// A connector. Each field has up to three spellings, by the call that shows it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Wire {
    #[serde(deserialize_with = "crate::qualys::shapes::number")]
    id: Option<u64>,
    #[serde(deserialize_with = "crate::qualys::shapes::text")]
    name: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::text")]
    description: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    tenant_id: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    application_id: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    connector_prefix_name: Option<String>,
    connector_app_infos: Option<Vec<ConnectorAppInfo>>,
    org_run_frequency: Option<Frequency>,
    run_frequency: Option<Frequency>,
    connector_run_frequency: Option<Frequency>,
    included_mem: Option<Vec<String>>,
    excluded_mem: Option<Vec<String>>,
    member_configurations: Option<Groups>,
    create_connector_for_new_subscriptions_automatically: Option<Flag>,
    is_create_connector_for_new_subscriptions_automatically: Option<Flag>,
    disable_connectors_for_deleted_management_groups: Option<Flag>,
    is_disable_connectors_for_deleted_management_groups: Option<Flag>,
    #[serde(rename = "autoActivateVM")]
    auto_activate_vm: Option<Flag>,
    #[serde(rename = "autoActivatePC")]
    auto_activate_pc: Option<Flag>,
    #[serde(rename = "autoActivateSCA")]
    auto_activate_sca: Option<Flag>,
    auto_activate_cert_view: Option<Flag>,
    default_tag_ids: Option<Vec<Number>>,
    remediation_enabled: Option<Flag>,
    is_remediation_enabled: Option<Flag>,
    disabled: Option<Flag>,
    is_disabled: Option<Flag>,
    deleted: Option<Flag>,
    is_deleted: Option<Flag>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    state: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    last_error: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    last_synced: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Groups {
    included_members: Option<Vec<String>>,
    excluded_members: Option<Vec<String>>,
}

/// `{"hours": 1, "minutes": 0}`, or minutes, also as a text. Release notes of 2.14 speak of days.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Frequency {
    Parts { days: Option<Number>, hours: Option<Number>, minutes: Option<Number> },
    Minutes(Number),
}

impl Frequency {
    fn minutes(&self) -> Option<u32> {
        match self {
            Frequency::Parts { days: None, hours: None, minutes: None } => None,
            Frequency::Parts { days, hours, minutes } => {
                let of = |part: &Option<Number>, length: u64| {
                    part.map_or(0, |Number(count)| count).checked_mul(length)
                };
                let all = of(days, 1440)?.checked_add(of(hours, 60)?)?.checked_add(of(minutes, 1)?)?;
                u32::try_from(all).ok()
            }
            Frequency::Minutes(Number(minutes)) => u32::try_from(*minutes).ok(),
        }
    }

    fn read(one: Option<Frequency>, other: Option<Frequency>) -> Option<OrganizationFrequency> {
        let minutes = one.or(other)?.minutes()?;
        Some(OrganizationFrequency(RunFrequency::from_minutes(minutes)))
    }
}

/// A connector in the listing. One without an id would look gone if it were passed over.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) id: Number,
    #[serde(default, deserialize_with = "crate::qualys::shapes::filled")]
    pub(super) name: Option<String>,
}

/// A member. One without an id would look like no member if it were passed over.
#[derive(Debug, Deserialize)]
pub(super) struct Attached {
    pub(super) id: Number,
    #[serde(default, deserialize_with = "crate::qualys::shapes::filled")]
    pub(super) uuid: Option<String>,
}

/// What a create answers with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Made {
    #[serde(deserialize_with = "crate::qualys::shapes::number")]
    pub(super) id: Option<u64>,
}

fn flag(one: Option<Flag>, other: Option<Flag>) -> Option<bool> {
    one.or(other).map(|Flag(flag)| flag)
}

impl Wire {
    /// Whether it is no connector at all.
    pub(super) fn is_nameless(&self) -> bool {
        self.name.is_none()
    }

    pub(super) fn is_deleted(&self) -> bool {
        flag(self.deleted, self.is_deleted).unwrap_or(false)
    }

    pub(super) fn decode(self, members: BTreeSet<String>) -> LiveObject {
        let described = self.description.unwrap_or_default();
        let (description, owner) = Owner::split(&described);
        let groups = self.member_configurations.unwrap_or_default();
        let group_names = |one: Option<Vec<String>>, other: Option<Vec<String>>| {
            Some(one.or(other).unwrap_or_default().into_iter().collect())
        };
        let activate = [
            (Module::Vm, self.auto_activate_vm),
            (Module::Pc, self.auto_activate_pc),
            (Module::Sca, self.auto_activate_sca),
            (Module::CertView, self.auto_activate_cert_view),
        ];
        let applications = self.connector_app_infos.unwrap_or_default();
        let tags = self.default_tag_ids.unwrap_or_default().into_iter();
        let on = |module| matches!(module, Some(Flag(true)));
        let spec = AzureOrganization {
            name: self.name.unwrap_or_default(),
            tenant_id: self.tenant_id.map(AzureId::from_platform),
            tenant_name: None,
            description: Some(description.to_owned()),
            application_id: self.application_id.map(AzureId::from_platform),
            secret: None,
            connector_prefix: self.connector_prefix_name,
            capabilities: Some(parts::capabilities(applications)),
            org_run_frequency: Frequency::read(self.org_run_frequency, self.run_frequency),
            connector_run_frequency: Frequency::read(self.connector_run_frequency, None),
            include_management_groups: group_names(self.included_mem, groups.included_members),
            exclude_management_groups: group_names(self.excluded_mem, groups.excluded_members),
            create_connectors_for_new_subscriptions: flag(
                self.create_connector_for_new_subscriptions_automatically,
                self.is_create_connector_for_new_subscriptions_automatically,
            ),
            disable_connectors_for_deleted_groups: flag(
                self.disable_connectors_for_deleted_management_groups,
                self.is_disable_connectors_for_deleted_management_groups,
            ),
            activate: Some(
                activate.into_iter().filter(|(_, flag)| on(*flag)).map(|(module, _)| module).collect(),
            ),
            tags: Some(tags.map(|Number(id)| format!("#{id}")).collect()),
            remediation: flag(self.remediation_enabled, self.is_remediation_enabled),
            enabled: flag(self.disabled, self.is_disabled).map(|disabled| !disabled),
            members: Some(members),
        };
        let health = parts::health(self.state, self.last_error).synced(self.last_synced);
        let id = self.id.map(|id| id.to_string()).unwrap_or_default();
        LiveObject { owner, health, ..LiveObject::new(id, spec) }
    }
}

/// What a run of the connector left to say.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Summary {
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    error_msg: Option<String>,
    created: Option<String>,
}

impl Summary {
    /// Tells one line of a summary from another.
    pub(super) fn key(&self) -> (Option<String>, Option<String>) {
        (self.created.clone(), self.error_msg.clone())
    }

    pub(super) fn decode(self) -> Option<RunError> {
        let Summary { error_msg, created } = self;
        Some(RunError { message: error_msg?, created: created.and_then(|created| created.parse().ok()) })
    }
}

/// What an answer shows and the file cannot say: an edit sends it as it is, since it cannot be edited, or would be reset.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    #[serde(rename = "connectorAppInfos")]
    applications: Option<Vec<Identified>>,
    #[serde(rename = "autoActivateCV")]
    activate_cloudview: Option<Flag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Identified {
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    name: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    identifier: Option<String>,
}

impl Kept {
    /// The identifier of a capability; of a new one, that of the others.
    pub(super) fn identifier(&self, capability: &Capability) -> Option<&str> {
        let all = || self.applications.iter().flatten();
        let own = all().find(|it| it.name.as_deref() == Some(capability.name()));
        own.and_then(|it| it.identifier.as_deref()).or_else(|| all().find_map(|it| it.identifier.as_deref()))
    }

    /// Whether CloudView is switched on for what the connector finds: in all samples, and in no table.
    pub(super) fn activate_cloudview(&self) -> Option<bool> {
        self.activate_cloudview.map(|Flag(on)| on)
    }
}
