//! Azure connectors (`azureassetdataconnector`; Connectors API User Guide, "Azure Connectors 3.0").

use serde::Deserialize;
use serde_json::{Map, Value};

use super::parts::{self, Apps, AppsForm, Shown, wire};
use crate::qualys::qps::QpsObject;
use crate::qualys::shapes::Flag;
use crate::qualys::write::Write;
use crate::resource::azure::Azure;
use crate::resource::{AzureId, LiveObject};

wire!("AzureAssetDataConnector" {
    #[serde(deserialize_with = "crate::qualys::shapes::object")]
    auth_record: Option<AzureAuthRecord>,
    is_gov_cloud_configured: Option<Flag>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    subscription_name: Option<String>,
});

/// What the platform signs in with. The key, which some answers show, is not read. The answer to a create shows the
/// record empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AzureAuthRecord {
    #[serde(rename = "subscriptionId", deserialize_with = "crate::qualys::shapes::filled")]
    subscription: Option<String>,
    #[serde(rename = "directoryId", deserialize_with = "crate::qualys::shapes::filled")]
    directory: Option<String>,
    #[serde(rename = "applicationId", deserialize_with = "crate::qualys::shapes::filled")]
    application: Option<String>,
}

impl QpsObject for Azure {
    const NOUN: &'static str = "azureassetdataconnector";
    const VERSION: &'static str = "3.0";
    type Wire = Wire;

    fn decode(wire: Wire) -> (u64, Option<LiveObject>) {
        wire.decode(live)
    }

    fn encode(&self, write: &Write<'_>) -> Result<Map<String, Value>, String> {
        let mut fields = Map::new();
        let identifier = self.subscription_id.as_ref().map(AzureId::as_str);
        let apps = Apps { identifier, again: false, form: AppsForm::Lists };
        parts::put_common(&self.common(), apps, write, &mut fields)?;
        let record = self.auth_record(write)?;
        if !record.is_empty() {
            fields.insert("authRecord".to_owned(), record.into());
        }
        if let Some(government) = write.of("government", self.government.as_ref()) {
            fields.insert("isGovCloudConfigured".to_owned(), (*government).into());
        }
        Ok(fields)
    }
}

impl Azure {
    /// What the platform is to sign in with, where that is to be sent.
    ///
    /// The guide sends the record whole, also in its one sample of an update, and does not say whether a part would
    /// be merged with what is there or take its place. So the record goes whole wherever the file gives the key.
    /// Where it does not (an entry that leaves keys to somebody else), the changed parts go alone, as an update is a
    /// merge everywhere else.
    fn auth_record(&self, write: &Write<'_>) -> Result<Map<String, Value>, String> {
        const PARTS: [&str; 3] = ["directory_id", "application_id", "authentication_key"];
        let mut record = Map::new();
        if !PARTS.iter().any(|part| write.wants(part)) {
            return Ok(record);
        }
        let whole = write.is_create() || self.authentication_key.is_some();
        for (name, part, id) in [
            ("applicationId", "application_id", &self.application_id),
            ("directoryId", "directory_id", &self.directory_id),
            ("subscriptionId", "subscription_id", &self.subscription_id),
        ] {
            if let Some(id) = id.as_ref().filter(|_| whole || write.wants(part)) {
                record.insert(name.to_owned(), id.as_str().into());
            }
        }
        if let Some(key) = &self.authentication_key {
            record.insert("authenticationKey".to_owned(), write.secret(key)?.expose().into());
        }
        Ok(record)
    }
}

fn live(shown: Shown, own: Own) -> LiveObject {
    let record = own.auth_record.unwrap_or_default();
    let id = |text: Option<String>| text.map(AzureId::from_platform);
    let government = own.is_gov_cloud_configured.map(|Flag(on)| on);
    let spec = Azure {
        name: shown.name,
        description: Some(shown.description),
        subscription_id: id(record.subscription),
        directory_id: id(record.directory),
        application_id: id(record.application),
        authentication_key: None,
        government,
        capabilities: Some(shown.capabilities),
        activation: Some(shown.activation),
        tags: Some(shown.tags),
        run_frequency: shown.run_frequency,
        remediation: Some(shown.remediation),
        enabled: Some(shown.enabled),
        perimeter_scan: Some(shown.perimeter_scan),
    };
    let unreadable = parts::untold([
        ("directory_id", spec.directory_id.is_none()),
        ("application_id", spec.application_id.is_none()),
        ("government", government.is_none()),
    ]);
    let object = shown.about.of(spec);
    // The applications' identifier is the subscription in requests, and on read may be the application, which many
    // subscriptions share. So it is a hint at most.
    let hint = object.hint.map(|id| AzureId::from_platform(id).as_str().to_owned());
    LiveObject { unreadable, hint, label: own.subscription_name, ..object }
}
