//! AWS connectors (`/aws/connectors`).

use serde_json::Value;

use super::connectors::CloudviewObject;
use super::wire::{Sent, Shown, Wire};
use crate::qualys::call::Call;
use crate::qualys::shapes::Flag;
use crate::qualys::write::Write;
use crate::resource::aws::Aws;
use crate::resource::{ExternalId, LiveObject, Partition, RoleArn};

impl CloudviewObject for Aws {
    const CLOUD: &'static str = "aws";

    fn is_enabled(&self) -> Option<bool> {
        self.enabled
    }

    fn decode(mut connector: Wire) -> LiveObject {
        let Shown { name, description, run_frequency, remediation, enabled } = connector.shown();
        let spec = Aws {
            name,
            description: Some(description),
            arn: connector.arn.take().map(RoleArn::from_platform),
            external_id: connector.external_id.take().map(ExternalId::from_platform),
            run_frequency,
            remediation: Some(remediation),
            enabled,
            ..Aws::default()
        };
        let label = connector.account_alias.take();
        connector.live(spec, &["run_frequency", "enabled"], label)
    }

    fn carry(&self, call: Call, write: &Write<'_>, live: Option<&Wire>) -> Result<Call, String> {
        let mut fields = Sent::new(&self.common(), write, live).json();
        let mut put = |name: &str, value: Option<Value>| {
            fields.extend(value.map(|value| (name.to_owned(), value)));
        };
        let arn = write.of("arn", self.arn.as_ref());
        let of_the_role = |partition: Partition, as_it_is: Option<Flag>| match arn {
            Some(arn) => Some((arn.partition() == Some(partition)).into()),
            None => as_it_is.map(|Flag(on)| on.into()),
        };
        put("isGovCloud", of_the_role(Partition::AwsUsGov, live.and_then(|live| live.is_gov_cloud)));
        put("isChinaRegion", of_the_role(Partition::AwsCn, live.and_then(|live| live.is_china_region)));
        put("arn", arn.map(RoleArn::as_str).or(live.and_then(|live| live.arn.as_deref())).map(Value::from));
        let external_id = write.of("external_id", self.external_id.as_ref()).map(ExternalId::as_str);
        put("externalId", external_id.or(live.and_then(|live| live.external_id.as_deref())).map(Value::from));
        // Whether the portal knows it too is nothing that the file says: it stays as it is.
        put("isPortalConnector", live.and_then(|live| live.is_portal_connector).map(|Flag(on)| on.into()));
        Ok(call.json(&fields.into()))
    }
}
