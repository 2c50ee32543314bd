//! Field values that have a grammar of their own. Each refuses, while it is read, what it cannot be.

mod aws;
mod clouds;
mod frequency;
mod grammar;
mod modules;
mod regions;
mod words;

pub use aws::{AwsAccount, ExternalId, Partition, RoleArn};
pub use clouds::{AzureId, Fingerprint, OciRegion, ProjectId, TenancyOcid, UserOcid};
pub use frequency::{OrganizationFrequency, RunFrequency};
pub use modules::Module;
pub use regions::Regions;
pub(in crate::resource) use words::{is_word, unknown_word, words};

/// What a value that is written so is read as, in its normal form, or why it is refused.
#[cfg(test)]
fn read<T: serde::de::DeserializeOwned + serde::Serialize>(text: &str) -> Result<String, String> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let read: T = serde_json::from_value(value).map_err(|error| error.to_string())?;
    Ok(serde_json::to_string(&read).unwrap())
}
