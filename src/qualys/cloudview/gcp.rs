//! GCP connectors (`/gcp/connectors`), whose writes are forms with a file in them.

use super::connectors::CloudviewObject;
use super::wire::{Sent, Shown, Wire};
use crate::qualys::call::{Call, Part};
use crate::qualys::write::Write;
use crate::resource::gcp::{Gcp, ServiceAccountKey};
use crate::resource::{LiveObject, ProjectId};

impl CloudviewObject for Gcp {
    const CLOUD: &'static str = "gcp";

    fn is_enabled(&self) -> Option<bool> {
        self.enabled
    }

    fn decode(mut connector: Wire) -> LiveObject {
        let Shown { name, description, run_frequency, remediation, enabled } = connector.shown();
        let spec = Gcp {
            name,
            description: Some(description),
            project_id: connector.project_id.take().map(ProjectId::from_platform),
            run_frequency,
            remediation: Some(remediation),
            enabled,
            ..Gcp::default()
        };
        connector.live(spec, &["run_frequency", "enabled"], None)
    }

    /// The project and the key file are for a create, a new key file for an update too. An update without one carries a
    /// file that means nothing: a client that is in use found servers to take values apart at their blanks in forms
    /// without a file.
    fn carry(&self, call: Call, write: &Write<'_>, live: Option<&Wire>) -> Result<Call, String> {
        let sent = Sent::new(&self.common(), write, live);
        let mut values = vec![("name", sent.name.clone())];
        values.extend(sent.description.clone().map(|text| ("description", text)));
        if let Some((hours, minutes)) = sent.polling() {
            values.push(("pollingFrequencyInHrs", hours.to_string()));
            values.push(("pollingFrequencyInMinutes", minutes.to_string()));
        }
        values.extend(sent.remediation.map(|on| ("remediationEnabled", on.to_string())));
        if write.is_create() {
            let project = self.project_id.as_ref().ok_or("it has no project_id")?;
            values.push(("projectId", project.as_str().to_owned()));
        }
        let key = match &self.service_account_key {
            Some(key) if write.wants("service_account_key") => {
                let key = write.secret(key)?;
                ServiceAccountKey::read(key)?;
                Some(key.expose())
            }
            None if write.is_create() => {
                return Err("CloudView v1 makes no GCP connector without service_account_key".to_owned());
            }
            Some(_) | None => None,
        };
        let file = match key {
            Some(key) => Part {
                name: "configFile",
                file: Some(("key.json", "application/json")),
                content: key.as_bytes(),
            },
            None => Part { name: "dummy", file: Some(("dummy", "text/plain")), content: b"dummy" },
        };
        let values = values.iter().map(|(name, text)| Part { name, file: None, content: text.as_bytes() });
        let parts: Vec<Part<'_>> = values.chain([file]).collect();
        Ok(call.multipart(&parts))
    }
}
