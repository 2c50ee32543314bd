//! OCI connectors (`ociassetdataconnector`; Connectors API User Guide, "OCI Connectors 3.0").

use serde::Deserialize;
use serde_json::{Map, Value};

use super::parts::{self, Apps, AppsForm, Shown, wire};
use crate::qualys::qps::QpsObject;
use crate::qualys::write::Write;
use crate::resource::oci::Oci;
use crate::resource::{Fingerprint, LiveObject, OciRegion, TenancyOcid, UserOcid};

wire!("OciAssetDataConnector" {
    #[serde(deserialize_with = "crate::qualys::shapes::object")]
    auth_record: Option<OciAuthRecord>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    home_region: Option<String>,
});

/// What the platform signs in with. The private key, which search and get show, is not read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OciAuthRecord {
    #[serde(rename = "tenantId", deserialize_with = "crate::qualys::shapes::filled")]
    tenant: Option<String>,
    #[serde(rename = "userId", deserialize_with = "crate::qualys::shapes::filled")]
    user: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    fingerprint: Option<String>,
}

impl QpsObject for Oci {
    const NOUN: &'static str = "ociassetdataconnector";
    const VERSION: &'static str = "3.0";
    const IF_UNKNOWN: Option<&'static str> =
        Some("OCI connectors have to be enabled for the subscription: ask the vendor's support");
    type Wire = Wire;

    fn decode(wire: Wire) -> (u64, Option<LiveObject>) {
        wire.decode(live)
    }

    fn encode(&self, write: &Write<'_>) -> Result<Map<String, Value>, String> {
        let mut fields = Map::new();
        let identifier = self.tenant_id.as_ref().map(TenancyOcid::as_str);
        let apps = Apps { identifier, again: false, form: AppsForm::OneList };
        parts::put_common(&self.common(), apps, write, &mut fields)?;
        if write.is_create() {
            if let Some(region) = &self.home_region {
                fields.insert("homeRegion".to_owned(), region.as_str().into());
            }
            fields.insert("authRecord".to_owned(), self.auth_record(write)?.into());
        }
        Ok(fields)
    }
}

impl Oci {
    fn auth_record(&self, write: &Write<'_>) -> Result<Map<String, Value>, String> {
        let mut record = Map::new();
        let mut put = |name: &str, text: Option<&str>| {
            if let Some(text) = text {
                record.insert(name.to_owned(), text.into());
            }
        };
        put("tenantId", self.tenant_id.as_ref().map(TenancyOcid::as_str));
        put("userId", self.user_id.as_ref().map(UserOcid::as_str));
        put("fingerprint", self.fingerprint.as_ref().map(Fingerprint::as_str));
        for (name, reference) in [("privateKey", &self.private_key), ("passphrase", &self.passphrase)] {
            if let Some(reference) = reference {
                put(name, Some(write.secret(reference)?.expose()));
            }
        }
        Ok(record)
    }
}

fn live(shown: Shown, own: Own) -> LiveObject {
    let record = own.auth_record.unwrap_or_default();
    let spec = Oci {
        name: shown.name,
        description: Some(shown.description),
        tenant_id: record.tenant.map(TenancyOcid::from_platform),
        user_id: record.user.map(UserOcid::from_platform),
        fingerprint: record.fingerprint.map(Fingerprint::from_platform),
        private_key: None,
        passphrase: None,
        home_region: own.home_region.map(OciRegion::from_platform),
        capabilities: Some(shown.capabilities),
        tags: Some(shown.tags),
        run_frequency: shown.run_frequency,
        enabled: Some(shown.enabled),
    };
    let unreadable = parts::untold([
        ("user_id", spec.user_id.is_none()),
        ("fingerprint", spec.fingerprint.is_none()),
        ("home_region", spec.home_region.is_none()),
    ]);
    LiveObject { unreadable, ..shown.about.of(spec) }
}
