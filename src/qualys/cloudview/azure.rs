//! Azure connectors (`/azure/connectors`).

use serde_json::Value;

use super::connectors::CloudviewObject;
use super::wire::{Sent, Shown, Wire};
use crate::qualys::call::Call;
use crate::qualys::shapes::Flag;
use crate::qualys::write::Write;
use crate::resource::azure::Azure;
use crate::resource::{AzureId, LiveObject};

impl CloudviewObject for Azure {
    const CLOUD: &'static str = "azure";

    fn is_enabled(&self) -> Option<bool> {
        self.enabled
    }

    fn decode(mut connector: Wire) -> LiveObject {
        let Shown { name, description, run_frequency, remediation, enabled } = connector.shown();
        let spec = Azure {
            name,
            description: Some(description),
            subscription_id: connector.subscription_id.take().map(AzureId::from_platform),
            directory_id: connector.directory_id.take().map(AzureId::from_platform),
            application_id: connector.application_id.take().map(AzureId::from_platform),
            government: connector.is_gov_cloud.map(|Flag(on)| on),
            run_frequency,
            remediation: Some(remediation),
            enabled,
            ..Azure::default()
        };
        let label = connector.subscription_name.take();
        let may_be_untold = ["directory_id", "application_id", "government", "run_frequency", "enabled"];
        connector.live(spec, &may_be_untold, label)
    }

    /// The subscription is for a create alone. The key goes with every write where the file has it: an update takes the
    /// whole object, and no document says that it keeps a key that is not sent.
    fn carry(&self, call: Call, write: &Write<'_>, live: Option<&Wire>) -> Result<Call, String> {
        let mut fields = Sent::new(&self.common(), write, live).json();
        let mut put = |name: &str, value: Option<Value>| {
            fields.extend(value.map(|value| (name.to_owned(), value)));
        };
        let id = |field: &str, wanted: Option<&AzureId>, as_it_is: Option<&String>| {
            let wanted = write.of(field, wanted).map(AzureId::as_str);
            wanted.or(as_it_is.map(String::as_str)).map(Value::from)
        };
        let application = live.and_then(|live| live.application_id.as_ref());
        put("applicationId", id("application_id", self.application_id.as_ref(), application));
        let directory = live.and_then(|live| live.directory_id.as_ref());
        put("directoryId", id("directory_id", self.directory_id.as_ref(), directory));
        let government = live.and_then(|live| live.is_gov_cloud).map(|Flag(on)| on);
        put(
            "isGovCloud",
            write.of("government", self.government.as_ref()).copied().or(government).map(Value::from),
        );
        if write.is_create() {
            put("subscriptionId", self.subscription_id.as_ref().map(AzureId::as_str).map(Value::from));
        }
        if let Some(key) = &self.authentication_key {
            put("authenticationKey", Some(write.secret(key)?.expose().into()));
        }
        Ok(call.json(&fields.into()))
    }
}
