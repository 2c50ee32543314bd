//! Connectors to registries, of which the file can say one thing: that there is to be none. Fields as in the vendor's
//! Container Security API release notes 1.22.

use serde::{Deserialize, Serialize};

use super::{Above, AzureId, Field, Finding, Kind, Resource, RoleArn, Wanted};

/// A connector to registries that is to be gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConnector {
    /// Whose registries it connects to.
    pub cloud: Cloud,
    /// The UUID of one to Azure, the ARN of one to AWS.
    #[serde(default)]
    pub id: String,
    /// The file's own name for the id of one to AWS.
    #[serde(skip_serializing)]
    pub arn: Option<RoleArn>,
    /// What is to be.
    pub state: State,
}

/// Whose registries a connector is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// Amazon's.
    Aws,
    /// Azure's.
    Acr,
}

/// What is to be of a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is to be gone.
    Absent,
}

impl RegistryConnector {
    /// The connector of that id.
    #[must_use]
    pub fn new(cloud: Cloud, id: impl Into<String>) -> RegistryConnector {
        RegistryConnector { cloud, id: id.into(), arn: None, state: State::Absent }
    }
}

impl Resource for RegistryConnector {
    const KIND: Kind = Kind::RegistryConnector;
    const SECTION: &'static [&'static str] = &["container_security", "registry_connectors"];
    const ABOVE: Option<Above> = Some(Above::Keys { field: "cloud", keys: &["aws", "acr"] });
    const WANTED: Wanted = Wanted::Absent;
    const SHARED: bool = true;
    const REFERS_TO: &'static [Kind] = &[];
    const SPELLINGS: &'static [&'static str] = &["arn"];
    const FIELDS: &'static [Field] =
        &[Field::identity("cloud"), Field::identity("id"), Field::identity("state")];

    fn name(&self) -> &str {
        &self.id
    }

    fn identity(&self) -> Option<String> {
        Some(self.id.clone())
    }

    fn leave_out(&mut self, _field: &str) {}

    fn check(&mut self, report: &mut dyn FnMut(Finding)) {
        match (self.cloud, self.arn.take()) {
            (Cloud::Aws, Some(arn)) if self.id.is_empty() => arn.as_str().clone_into(&mut self.id),
            (Cloud::Aws, _) => {
                let hint = "give arn, as in {arn: \"arn:aws:iam::123456789012:role/old\", state: absent}";
                report(Finding::error("", "a connector to AWS is told by its ARN alone", hint));
            }
            (Cloud::Acr, None) => {
                if let Ok(id) = self.id.parse::<AzureId>() {
                    id.as_str().clone_into(&mut self.id);
                } else {
                    let message = format!("`{}` is no id of a connector to Azure", self.id);
                    report(Finding::error("id", message, "give its UUID"));
                }
            }
            (Cloud::Acr, Some(_)) => {
                let hint = "give id, its UUID, and no arn";
                report(Finding::error("arn", "a connector to Azure has no ARN", hint));
            }
        }
    }
}
