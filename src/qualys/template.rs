//! The CloudFormation template of the role that an AWS connector assumes (Connectors API User Guide, "Download
//! AWS CloudFormation Template 3.0"). The answer is the template itself, not a ServiceResponse.

use reqwest::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::answer::{Answer, Fault};
use super::call::{Call, Effect};
use super::error::ApiError;
use super::transport::Transport;
use super::{envelope, refusal};
use crate::resource::{Capability, ExternalId, Partition};

/// What a template is for.
#[derive(Debug, Clone)]
pub struct AwsTemplate {
    /// The application that the connector feeds.
    pub capability: Capability,
    /// The account's partition.
    pub partition: Partition,
    /// The external id in the role's trust policy.
    pub external_id: ExternalId,
}

/// Asks for a template, which changes nothing on the platform.
pub(super) async fn download(transport: &Transport, wanted: &AwsTemplate) -> Result<String, ApiError> {
    let AwsTemplate { capability, partition, external_id } = wanted;
    // `Global` stands in the documents; the other two are named there as kinds of accounts alone.
    let cloud = match partition {
        Partition::Aws => "Global",
        Partition::AwsUsGov => "Government",
        Partition::AwsCn => "China",
        Partition::Other(name) => name,
    };
    let fields = Map::from_iter([
        ("awsCloudType".to_owned(), Value::from(cloud)),
        ("externalId".to_owned(), Value::from(external_id.as_str())),
        ("capability".to_owned(), Value::from(capability.name())),
    ]);
    let mut call = Call::new(
        "download awscloudformationtemplate",
        Method::POST,
        "/qps/rest/3.0/download/am/awscloudformationtemplate",
        Effect::Read,
    );
    call.body = envelope::data("AwsCloudformationTemplate", &fields);
    transport.send(&call, open).await
}

/// The text of the template as it came.
fn open(answer: &Answer) -> Result<String, Fault> {
    /// What every template has; no refusal does.
    #[derive(Deserialize)]
    struct Template {
        #[serde(rename = "Resources")]
        _resources: Map<String, Value>,
        #[serde(rename = "ServiceResponse")]
        response: Option<IgnoredAny>,
    }
    let text = std::str::from_utf8(&answer.body).unwrap_or_default().trim_start_matches('\u{feff}').trim();
    match serde_json::from_str(text) {
        Ok(Template { response: None, .. }) if answer.status.is_success() => Ok(text.to_owned()),
        Ok(_) | Err(_) => Err(refusal::fault(answer)),
    }
}
