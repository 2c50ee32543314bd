//! OCI connectors. Fields as in the vendor's Connectors API User Guide, "OCI Connectors 3.0".

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::connector::{self, Common};
use super::field::leave_out;
use super::pem::PrivateKey;
use super::{
    Capabilities, Field, Finding, Fingerprint, InCloudview, Kind, OciRegion, Reference, Resource, Run,
    RunFrequency, Sent, TenancyOcid, UserOcid,
};
use crate::secret::{Secret, SecretRef};

/// An OCI connector, identified by the tenancy that it looks into. What it signs in with is fixed at creation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oci {
    /// The display name; two connectors may share one.
    pub name: String,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The tenancy; in a checked spec always set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenancyOcid>,
    /// The user that the platform signs in as. The answers to create and update do not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserOcid>,
    /// The fingerprint of the user's API signing key. The answers to create and update do not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// The user's API signing key, in PEM form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<SecretRef>,
    /// What the key is encrypted with, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<SecretRef>,
    /// The tenancy's home region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home_region: Option<OciRegion>,
    /// The applications of the platform that it feeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// The tags that what it finds gets, by path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeSet<String>>,
    /// How often it runs. The guide has it on create alone; it is tried on update too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_frequency: Option<RunFrequency>,
    /// Whether it runs at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

impl Resource for Oci {
    const KIND: Kind = Kind::Oci;
    const SECTION: &'static [&'static str] = &["connectors", "oci"];
    const RUN: Run = Run::Freely;
    const IN_CLOUDVIEW: InCloudview = InCloudview::Nothing("it has no OCI connectors");
    const FIELDS: &'static [Field] = &[
        Field::updatable("name").identifying(),
        Field::updatable("description"),
        Field::identity("tenant_id"),
        Field::fixed("user_id").needed(),
        Field::fixed("fingerprint").needed(),
        Field::fixed("private_key").secret().needed(),
        Field::fixed("passphrase").secret().optional(),
        Field::fixed("home_region").needed(),
        Field::updatable("capabilities").needed(),
        // The guide has them on update alone.
        Field::updatable("tags").sent(Sent::BehindCreate),
        Field::updatable("run_frequency").needed().sent(Sent::TriedOnUpdate),
        Field::updatable("enabled"),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&self) -> Option<String> {
        self.tenant_id.as_ref().map(|id| id.as_str().to_owned())
    }

    /// The tenancy again: an answer that does not tell it may still suggest it.
    fn weak_identity(&self) -> Option<String> {
        self.identity()
    }

    fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        let key = self.private_key.iter().map(|key| ("private_key", key));
        key.chain(self.passphrase.iter().map(|phrase| ("passphrase", phrase))).collect()
    }

    fn admit(&self, field: &'static str, secret: &Secret) -> Result<Option<String>, String> {
        if field != "private_key" {
            return Ok(None);
        }
        match PrivateKey::find(secret.expose()) {
            None => Err("it is no private key in PEM form".to_owned()),
            Some(key) if key.is_encrypted() && self.passphrase.is_none() => {
                Ok(Some("the key is encrypted, and no passphrase is given".to_owned()))
            }
            Some(_) => Ok(None),
        }
    }

    /// The key alone: how its lines end, and what stands around it, make no other.
    fn essence(&self, field: &'static str, secret: &Secret) -> Option<Secret> {
        (field == "private_key").then(|| PrivateKey::find(secret.expose())).flatten().map(PrivateKey::essence)
    }

    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        visit(&mut self.name);
        self.description.iter_mut().for_each(visit);
    }

    fn references(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
        connector::references(self.tags.as_mut(), self.capabilities.as_mut(), visit);
    }

    fn complete(&mut self, live: &Oci) {
        connector::complete(self.capabilities.as_mut().zip(live.capabilities.as_ref()), None, None);
    }

    fn leave_out(&mut self, field: &str) {
        leave_out!(field of self: description, user_id, fingerprint, private_key, passphrase, home_region,
            capabilities, tags, run_frequency, enabled);
    }

    fn disabled(&self) -> Option<Oci> {
        Some(Oci { enabled: Some(false), ..self.clone() })
    }

    fn check(&mut self, report: &mut dyn FnMut(Finding)) {
        connector::check(&self.common(), report);
        connector::check_identity("tenant_id", self.tenant_id.is_some(), report);
    }
}

impl Oci {
    /// The fields that connectors of several clouds have.
    pub(crate) fn common(&self) -> Common<'_> {
        Common {
            name: &self.name,
            description: self.description.as_deref(),
            capabilities: self.capabilities.as_ref(),
            activation: None,
            tags: self.tags.as_ref(),
            run_frequency: self.run_frequency,
            remediation: None,
            enabled: self.enabled,
            perimeter_scan: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_however_its_lines_end_and_a_passphrase_is_not() {
        let key = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n";
        let essence = |field, text: &str| Oci::default().essence(field, &Secret::new(text));
        let same = essence("private_key", key);
        assert!(same.is_some() && same == essence("private_key", &key.replace('\n', "\r\n")));
        assert!(essence("passphrase", key).is_none() && essence("private_key", "hunter2").is_none());
    }

    #[test]
    fn a_private_key_that_cannot_be_one_is_told_and_never_shown() {
        let pem = |label: &str| format!("-----BEGIN {label}-----\nbm90IGEga2V5\n-----END {label}-----\n");
        let phrase = Some(SecretRef::Env("PHRASE".to_owned()));
        let encrypted = "the key is encrypted, and no passphrase is given";
        for (key, passphrase, said) in [
            (pem("PRIVATE KEY"), None, Ok(None)),
            (pem("RSA PRIVATE KEY") + "OCI_API_KEY\n", None, Ok(None)),
            (pem("ENCRYPTED PRIVATE KEY"), phrase, Ok(None)),
            (pem("ENCRYPTED PRIVATE KEY"), None, Ok(Some(encrypted))),
            (pem("PUBLIC KEY"), None, Err("it is no private key in PEM form")),
            ("hunter2".to_owned(), None, Err("it is no private key in PEM form")),
        ] {
            let connector = Oci { passphrase, ..Oci::default() };
            let admitted = connector.admit("private_key", &Secret::new(key.as_str()));
            let admitted = admitted.as_ref().map(Option::as_deref).map_err(String::as_str);
            assert_eq!(admitted, said, "{key}");
            assert_eq!(connector.admit("passphrase", &Secret::new("hunter2")), Ok(None));
        }
    }
}
