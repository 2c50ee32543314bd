//! AWS connectors (`awsassetdataconnector`; Connectors API User Guide, "AWS Connectors 3.0").

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::parts::{self, Apps, AppsForm, Shown, wire};
use crate::qualys::qps::QpsObject;
use crate::qualys::shapes::{Flag, Item, Items};
use crate::qualys::write::Write;
use crate::resource::aws::Aws;
use crate::resource::{ExternalId, LiveObject, Partition, Regions, RoleArn};

wire!("AwsAssetDataConnector" {
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    arn: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    external_id: Option<String>,
    /// The account, which answers tell beside the role, and also where there is no role yet.
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    aws_account_id: Option<String>,
    all_regions: Option<Flag>,
    endpoints: Items<AwsEndpointSimple>,
});

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

    fn decode(wire: Wire) -> (u64, Option<LiveObject>) {
        wire.decode(live)
    }

    fn encode(&self, write: &Write<'_>) -> Result<Map<String, Value>, String> {
        let mut fields = Map::new();
        let apps = Apps {
            identifier: self.arn.as_ref().map(RoleArn::as_str),
            // Every application repeats the role: a new role is new there too.
            again: write.wants("arn"),
            form: AppsForm::Lists,
        };
        parts::put_common(&self.common(), apps, write, &mut fields)?;
        let mut put = |name: &str, value: Value| {
            fields.insert(name.to_owned(), value);
        };
        if let Some(arn) = write.of("arn", self.arn.as_ref()) {
            put("arn", arn.as_str().into());
            if write.is_create() && arn.partition() == Some(Partition::AwsUsGov) {
                put("isGovCloudConfigured", true.into());
            }
        }
        if let Some(external_id) = write.of("external_id", self.external_id.as_ref()) {
            put("externalId", external_id.as_str().into());
        }
        match write.of("regions", self.regions.as_ref()) {
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
        Ok(fields)
    }
}

fn live(shown: Shown, own: Own) -> LiveObject {
    let mut unreadable = BTreeMap::new();
    let Items(endpoints) = own.endpoints;
    let codes: BTreeSet<String> = endpoints.into_iter().filter_map(|endpoint| endpoint.region_code).collect();
    let regions = match own.all_regions {
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
    let within = own.aws_account_id.filter(|_| own.arn.is_none());
    let spec = Aws {
        name: shown.name,
        description: Some(shown.description),
        arn: own.arn.map(RoleArn::from_platform),
        account_id: None,
        role: None,
        partition: None,
        external_id: own.external_id.map(ExternalId::from_platform),
        capabilities: Some(shown.capabilities),
        activation: Some(shown.activation),
        tags: Some(shown.tags),
        regions,
        run_frequency: shown.run_frequency,
        remediation: Some(shown.remediation),
        enabled: Some(shown.enabled),
        perimeter_scan: Some(shown.perimeter_scan),
    };
    LiveObject { unreadable, within, ..shown.about.of(spec) }
}
