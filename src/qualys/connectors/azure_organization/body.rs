//! A whole organization connector, as a create and an edit send it: an edit wants every mandatory field again.

use serde_json::{Map, Value, json};

use super::answer::Kept;
use crate::qualys::write::Write;
use crate::resource::azure_organization::AzureOrganization;
use crate::resource::{Capability, Kind, Module, OrganizationFrequency};

impl AzureOrganization {
    /// The same, what it leaves out being as it is.
    pub(super) fn filled_from(&self, live: &AzureOrganization) -> AzureOrganization {
        macro_rules! filled {
            ($($field:ident),+) => {
                AzureOrganization {
                    $($field: self.$field.clone().or_else(|| live.$field.clone()),)+
                    name: self.name.clone(),
                }
            };
        }
        filled!(
            tenant_id,
            tenant_name,
            description,
            application_id,
            secret,
            connector_prefix,
            capabilities,
            org_run_frequency,
            connector_run_frequency,
            include_management_groups,
            exclude_management_groups,
            create_connectors_for_new_subscriptions,
            disable_connectors_for_deleted_groups,
            activate,
            tags,
            remediation,
            enabled,
            members
        )
    }

    /// The whole connector, as a create and an edit send it; `kept` is what an edit leaves as it is.
    pub(super) fn encode(&self, kept: &Kept, write: &Write<'_>) -> Result<Map<String, Value>, String> {
        let AzureOrganization {
            name,
            tenant_id,
            tenant_name,
            description,
            application_id,
            secret,
            connector_prefix,
            capabilities,
            org_run_frequency,
            connector_run_frequency,
            include_management_groups,
            exclude_management_groups,
            create_connectors_for_new_subscriptions,
            disable_connectors_for_deleted_groups,
            activate,
            tags,
            remediation,
            // Calls of their own.
            enabled: _,
            members: _,
        } = self;
        let tenant = wanted("tenant_id", tenant_id.as_ref())?;
        let secret = write.secret(wanted("secret", secret.as_ref())?)?;
        let text = description.as_deref().unwrap_or_default();
        let described = write.context.marker.map_or_else(|| text.to_owned(), |marker| marker.mark(text));
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| {
            body.insert(name.to_owned(), value);
        };
        put("name", name.as_str().into());
        put("description", described.into());
        put("tenantId", tenant.as_str().into());
        put("tenantName", wanted("tenant_name", tenant_name.as_ref())?.as_str().into());
        put("applicationId", wanted("application_id", application_id.as_ref())?.as_str().into());
        put("secretValue", secret.expose().into());
        put("connectorPrefixName", wanted("connector_prefix", connector_prefix.as_ref())?.as_str().into());
        let capabilities = wanted("capabilities", capabilities.as_ref())?;
        let application = |(capability, tag): (&Capability, &Option<String>)| {
            let tag = tag.as_deref().filter(|tag| !tag.is_empty());
            let id = tag.map_or(Ok(Value::Null), |tag| write.id(Kind::Tag, tag))?;
            let identifier = kept.identifier(capability).unwrap_or(tenant.as_str());
            Ok(json!({"identifier": identifier, "name": capability.name(), "tagId": id}))
        };
        let applications = capabilities.0.iter().map(application).collect::<Result<Vec<Value>, String>>();
        put("connectorAppInfos", applications?.into());
        put("orgRunFrequency", frequency(*wanted("org_run_frequency", org_run_frequency.as_ref())?));
        let of_members = wanted("connector_run_frequency", connector_run_frequency.as_ref())?;
        put("connectorRunFrequency", frequency(*of_members));
        for (name, groups) in
            [("includedMem", include_management_groups), ("excludedMem", exclude_management_groups)]
        {
            if let Some(groups) = groups {
                put(name, groups.iter().map(String::as_str).collect());
            }
        }
        for (name, flag) in [
            ("isCreateConnectorForNewSubscriptionsAutomatically", create_connectors_for_new_subscriptions),
            ("isDisableConnectorsForDeletedManagementGroups", disable_connectors_for_deleted_groups),
            ("isRemediationEnabled", remediation),
        ] {
            if let Some(flag) = flag {
                put(name, (*flag).into());
            }
        }
        if let Some(activate) = activate {
            for (name, module) in [
                ("autoActivateVM", Module::Vm),
                ("autoActivatePC", Module::Pc),
                ("autoActivateSCA", Module::Sca),
                ("autoActivateCertView", Module::CertView),
            ] {
                put(name, activate.contains(&module).into());
            }
        }
        if let Some(activate) = kept.activate_cloudview() {
            put("autoActivateCV", activate.into());
        }
        if let Some(tags) = tags {
            let ids: Result<Vec<Value>, String> = tags.iter().map(|tag| write.id(Kind::Tag, tag)).collect();
            put("defaultTagIds", ids?.into());
        }
        Ok(body)
    }
}

/// What the platform does not do without.
pub(super) fn wanted<'v, T>(field: &str, value: Option<&'v T>) -> Result<&'v T, String> {
    value.ok_or_else(|| format!("{field} is missing: the platform wants it with every create and edit"))
}

fn frequency(OrganizationFrequency(frequency): OrganizationFrequency) -> Value {
    json!({"hours": frequency.minutes() / 60, "minutes": frequency.minutes() % 60})
}
