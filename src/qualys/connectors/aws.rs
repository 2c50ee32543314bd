//! AWS connectors (`awsassetdataconnector`; Connectors API User Guide, "AWS Connectors 3.0").

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::parts::{
    self, ActivationModule, ConnectorAppInfo, ConnectorScanConfiguration, ScanSetting, TagSimple,
};
use crate::qualys::qps::QpsObject;
use crate::qualys::shapes::{Flag, Item, Items};
use crate::qualys::write::Write;
use crate::resource::aws::Aws;
use crate::resource::{ExternalId, LiveObject, Owner, Partition, Regions, RoleArn, RunFrequency};

/// A connector as search and get show it. Fields that the spec does not have are not read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "the wire form has that many")]
pub(in crate::qualys) struct Wire {
    #[serde(deserialize_with = "crate::qualys::shapes::number")]
    id: Option<u64>,
    #[serde(deserialize_with = "crate::qualys::shapes::text")]
    name: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::text")]
    description: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    arn: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    external_id: Option<String>,
    connector_app_infos: Items<ConnectorAppInfo>,
    activation: Items<ActivationModule>,
    default_tags: Items<TagSimple>,
    all_regions: Option<Flag>,
    endpoints: Items<AwsEndpointSimple>,
    #[serde(deserialize_with = "crate::qualys::shapes::number")]
    run_frequency: Option<u64>,
    #[serde(deserialize_with = "crate::qualys::shapes::flag")]
    is_remediation_enabled: bool,
    #[serde(deserialize_with = "crate::qualys::shapes::flag")]
    disabled: bool,
    #[serde(rename = "isCPSEnabled", deserialize_with = "crate::qualys::shapes::flag")]
    is_cps_enabled: bool,
    #[serde(deserialize_with = "crate::qualys::shapes::object")]
    connector_scan_setting: Option<ScanSetting>,
    connector_scan_config: Items<ConnectorScanConfiguration>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    connector_state: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    last_error: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    last_sync: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::flag")]
    is_attached_to_org_connector: bool,
    #[serde(deserialize_with = "crate::qualys::shapes::flag")]
    is_deleted: bool,
}

impl Item for Wire {
    const NAME: &'static str = "AwsAssetDataConnector";
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AwsEndpointSimple {
    #[serde(default, deserialize_with = "crate::qualys::shapes::filled")]
    region_code: Option<String>,
}

impl Item for AwsEndpointSimple {
    const NAME: &'static str = "AwsEndpointSimple";
}

impl QpsObject for Aws {
    const NOUN: &'static str = "awsassetdataconnector";
    const VERSION: &'static str = "3.0";
    type Wire = Wire;

    fn decode(wire: Wire) -> Result<(u64, Option<LiveObject>), String> {
        let id = wire.id.ok_or("an AwsAssetDataConnector without id")?;
        // Deletion is soft on the platform; what is deleted is not live.
        if wire.is_deleted {
            return Ok((id, None));
        }
        let described = wire.description.unwrap_or_default();
        let (description, owner) = Owner::split(&described);
        let mut unreadable = BTreeMap::new();
        let Items(endpoints) = wire.endpoints;
        let codes: BTreeSet<String> =
            endpoints.into_iter().filter_map(|endpoint| endpoint.region_code).collect();
        let regions = match wire.all_regions {
            Some(Flag(true)) => Some(Regions::All),
            Some(Flag(false)) if !codes.is_empty() => Some(Regions::Only(codes)),
            Some(Flag(false)) => {
                // The list is not told, but that it is not `all` is.
                unreadable.insert("regions", Value::from("all"));
                None
            }
            None => {
                unreadable.insert("regions", Value::Null);
                None
            }
        };
        let run_frequency = wire.run_frequency.and_then(|minutes| u32::try_from(minutes).ok());
        let spec = Aws {
            name: wire.name.unwrap_or_default(),
            description: Some(description.to_owned()),
            arn: wire.arn.map(RoleArn::from_platform),
            account_id: None,
            role: None,
            partition: None,
            external_id: wire.external_id.map(ExternalId::from_platform),
            capabilities: Some(parts::capabilities(wire.connector_app_infos)),
            activation: Some(parts::activation(wire.activation)),
            tags: Some(parts::tags(wire.default_tags)),
            regions,
            run_frequency: run_frequency.map(RunFrequency::from_minutes),
            remediation: Some(wire.is_remediation_enabled),
            enabled: Some(!wire.disabled),
            perimeter_scan: Some(parts::perimeter_scan(
                wire.is_cps_enabled,
                wire.connector_scan_setting,
                wire.connector_scan_config,
            )),
        };
        let locked =
            wire.is_attached_to_org_connector.then(|| "member of an organization connector".to_owned());
        let health = parts::health(wire.connector_state, wire.last_error).synced(wire.last_sync);
        let object =
            LiveObject { unreadable, owner, health, locked, ..LiveObject::new(id.to_string(), spec) };
        Ok((id, Some(object)))
    }

    fn encode(&self, write: &Write<'_>) -> Result<Map<String, Value>, String> {
        let Aws {
            name,
            description,
            arn,
            // Parts of `arn`, folded into it when the file is checked.
            account_id: _,
            role: _,
            partition: _,
            external_id,
            capabilities,
            activation,
            tags,
            regions,
            run_frequency,
            remediation,
            enabled,
            perimeter_scan,
        } = self;
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| {
            fields.insert(name.to_owned(), value);
        };
        if write.wants("name") {
            put("name", name.as_str().into());
        }
        if let Some(text) = write.description(description.as_deref()) {
            put("description", text.into());
        }
        if let Some(arn) = write.of("arn", arn.as_ref()) {
            put("arn", arn.as_str().into());
            if write.is_create() && arn.partition() == Some(Partition::AwsUsGov) {
                put("isGovCloudConfigured", true.into());
            }
        }
        if let Some(external_id) = write.of("external_id", external_id.as_ref()) {
            put("externalId", external_id.as_str().into());
        }
        // Every application repeats the role: a new role is new there too.
        if let Some(capabilities) =
            capabilities.as_ref().filter(|_| write.wants("capabilities") || write.wants("arn"))
        {
            let identifier = arn.as_ref().map(RoleArn::as_str);
            put("connectorAppInfos", parts::set_capabilities(capabilities, identifier, write)?);
        }
        // What a create leaves out is empty; whether it may say so is nowhere documented.
        if let Some(modules) = write.of("activation", activation.as_ref())
            && !(write.is_create() && modules.is_empty())
        {
            put("activation", parts::set_activation(modules));
        }
        if let Some(tags) = write.of("tags", tags.as_ref())
            && !(write.is_create() && tags.is_empty())
        {
            put("defaultTags", parts::set_tags(tags, write)?);
        }
        match write.of("regions", regions.as_ref()) {
            Some(Regions::All) => put("allRegions", true.into()),
            Some(Regions::Only(codes)) => {
                let codes: Vec<Value> = codes.iter().map(|code| json!({"regionCode": code})).collect();
                // The guide's sample creates with `add`; an update replaces what is there.
                let verb = if write.is_create() { "add" } else { "set" };
                put("allRegions", false.into());
                put("endpoints", json!({verb: {"AwsEndpointSimple": codes}}));
            }
            None => {}
        }
        if let Some(frequency) = write.of("run_frequency", run_frequency.as_ref()) {
            put("runFrequency", frequency.minutes().into());
        }
        if let Some(remediation) = write.of("remediation", remediation.as_ref()) {
            put("isRemediationEnabled", (*remediation).into());
        }
        if let Some(enabled) = write.of("enabled", enabled.as_ref()) {
            put("disabled", (!enabled).into());
        }
        if let Some(scan) = write.of("perimeter_scan", perimeter_scan.as_ref()) {
            parts::set_perimeter_scan(scan, write.is_create(), &mut fields);
        }
        Ok(fields)
    }
}
