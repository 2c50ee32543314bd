//! GCP connectors (`gcpassetdataconnector`; Connectors API User Guide, "GCP Connectors 3.0").

use serde::Deserialize;
use serde_json::{Map, Value};

use super::parts::{self, Apps, AppsForm, Shown, wire};
use crate::qualys::qps::QpsObject;
use crate::qualys::write::Write;
use crate::resource::gcp::{Gcp, ServiceAccountKey};
use crate::resource::{LiveObject, ProjectId};

wire!("GcpAssetDataConnector" {
    #[serde(deserialize_with = "crate::qualys::shapes::object")]
    auth_record: Option<GcpAuthRecord>,
});

/// The one part of the record that answers show, in either spelling.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GcpAuthRecord {
    #[serde(rename = "projectId", deserialize_with = "crate::qualys::shapes::filled")]
    camel: Option<String>,
    #[serde(rename = "project_id", deserialize_with = "crate::qualys::shapes::filled")]
    snake: Option<String>,
}

impl QpsObject for Gcp {
    const NOUN: &'static str = "gcpassetdataconnector";
    const VERSION: &'static str = "3.0";
    type Wire = Wire;

    fn remedy(said: &str) -> Option<&'static str> {
        said.contains("authRecord.project").then_some(
            "platform.gcp_project_field says how the project is spelled: set it to the other of projectId and project_id",
        )
    }

    fn decode(wire: Wire) -> (u64, Option<LiveObject>) {
        wire.decode(live)
    }

    fn encode(&self, write: &Write<'_>) -> Result<Map<String, Value>, String> {
        let mut fields = Map::new();
        let identifier = self.project_id.as_ref().map(ProjectId::as_str);
        let apps = Apps { identifier, again: false, form: AppsForm::Lists };
        parts::put_common(&self.common(), apps, write, &mut fields)?;
        if write.is_create() {
            // In the guide's table of parameters, though in no sample.
            fields.insert("type".to_owned(), "GCP".into());
        }
        // A new key is the whole record again. Nothing else of the record changes.
        if write.is_create() || write.wants("service_account_key") {
            fields.insert("authRecord".to_owned(), self.auth_record(write)?.into());
        }
        Ok(fields)
    }
}

impl Gcp {
    fn auth_record(&self, write: &Write<'_>) -> Result<Map<String, Value>, String> {
        let mut record = Map::new();
        if let Some(project) = &self.project_id {
            record.insert(write.gcp_project_field.name().to_owned(), project.as_str().into());
        }
        if let Some(key) = &self.service_account_key {
            record.extend(ServiceAccountKey::read(write.secret(key)?)?.into_parts());
        }
        Ok(record)
    }
}

fn live(shown: Shown, own: Own) -> LiveObject {
    let GcpAuthRecord { camel, snake } = own.auth_record.unwrap_or_default();
    let spec = Gcp {
        name: shown.name,
        description: Some(shown.description),
        project_id: camel.or(snake).map(ProjectId::from_platform),
        service_account_key: None,
        capabilities: Some(shown.capabilities),
        activation: Some(shown.activation),
        tags: Some(shown.tags),
        run_frequency: shown.run_frequency,
        remediation: Some(shown.remediation),
        enabled: Some(shown.enabled),
    };
    shown.about.of(spec)
}
