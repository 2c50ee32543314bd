//! GCP connectors. Fields as in the vendor's Connectors API User Guide, "GCP Connectors 3.0".

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::connector::{self, Common};
use super::field::leave_out;
use super::pem::PrivateKey;
use super::{
    Capabilities, Field, Finding, InCloudview, Kind, Module, ProjectId, Reference, Resource, Run,
    RunFrequency, Sent,
};
use crate::secret::{Secret, SecretRef};

/// A GCP connector, identified by the project that it looks into.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gcp {
    /// The display name; two connectors may share one.
    pub name: String,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The project; in a checked spec always set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<ProjectId>,
    /// The key of the service account that the platform signs in as: the JSON file that Google gives. One key may
    /// serve several projects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_key: Option<SecretRef>,
    /// The applications of the platform that it feeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// The modules that what it finds is activated for. The guide does not have it for GCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<BTreeSet<Module>>,
    /// The tags that what it finds gets, by path. The guide does not have it for GCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeSet<String>>,
    /// How often it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_frequency: Option<RunFrequency>,
    /// Whether findings may be remediated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation: Option<bool>,
    /// Whether it runs at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

impl Resource for Gcp {
    const KIND: Kind = Kind::Gcp;
    const SECTION: &'static [&'static str] = &["connectors", "gcp"];
    const RUN: Run = Run::Freely;
    const IN_CLOUDVIEW: InCloudview = InCloudview::Without(&["capabilities", "activation", "tags"]);
    const FIELDS: &'static [Field] = &[
        Field::updatable("name").identifying(),
        Field::updatable("description"),
        Field::identity("project_id"),
        Field::updatable("service_account_key").secret().needed(),
        // The guide marks nothing as mandatory; the vendor's later pages do these.
        Field::updatable("capabilities").needed(),
        Field::updatable("activation").sent(Sent::Tried),
        Field::updatable("tags").sent(Sent::Tried),
        Field::updatable("run_frequency").needed(),
        Field::updatable("remediation"),
        Field::updatable("enabled"),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&self) -> Option<String> {
        self.project_id.as_ref().map(|id| id.as_str().to_owned())
    }

    /// The project again: an answer that does not tell it may still suggest it.
    fn weak_identity(&self) -> Option<String> {
        self.identity()
    }

    fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        self.service_account_key.iter().map(|key| ("service_account_key", key)).collect()
    }

    fn admit(&self, _field: &'static str, secret: &Secret) -> Result<Option<String>, String> {
        let key = ServiceAccountKey::read(secret)?;
        let is_of_another = match (&key.project, &self.project_id) {
            (Some(of), Some(project)) => of != project.as_str(),
            (None, _) | (_, None) => false,
        };
        // The file is a secret: of it no more is told than what can be nothing but the name of a project.
        let name = key.project.and_then(|of| of.parse::<ProjectId>().ok());
        Ok(is_of_another.then(|| {
            let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
            format!(
                "the key was made in another project{name} than project_id; it serves if its account may look into both"
            )
        }))
    }

    /// What the platform takes of the file: its layout, and the rest of it, make no other key.
    fn essence(&self, _field: &'static str, secret: &Secret) -> Option<Secret> {
        Some(ServiceAccountKey::read(secret).ok()?.essence())
    }

    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        visit(&mut self.name);
        self.description.iter_mut().for_each(visit);
    }

    fn references(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
        connector::references(self.tags.as_mut(), self.capabilities.as_mut(), visit);
    }

    fn complete(&mut self, live: &Gcp) {
        connector::complete(
            self.capabilities.as_mut().zip(live.capabilities.as_ref()),
            self.activation.as_mut().zip(live.activation.as_ref()),
            None,
        );
    }

    fn leave_out(&mut self, field: &str) {
        leave_out!(field of self: description, service_account_key, capabilities, activation, tags, run_frequency,
            remediation, enabled);
    }

    fn disabled(&self) -> Option<Gcp> {
        Some(Gcp { enabled: Some(false), ..self.clone() })
    }

    fn check(&mut self, report: &mut dyn FnMut(Finding)) {
        connector::check(&self.common(), report);
        connector::check_identity("project_id", self.project_id.is_some(), report);
        for (field, named) in [
            // What is empty asks for nothing.
            ("activation", self.activation.as_ref().is_some_and(|modules| !modules.is_empty())),
            ("tags", self.tags.as_ref().is_some_and(|tags| !tags.is_empty())),
        ] {
            if named {
                report(Finding::warning(
                    field,
                    format!("the vendor's guide has no {field} for GCP connectors"),
                    "it is sent by itself, and said if the platform does not take it; a tag of a capability is documented",
                ));
            }
        }
    }
}

impl Gcp {
    /// The fields that connectors of several clouds have.
    pub(crate) fn common(&self) -> Common<'_> {
        Common {
            name: &self.name,
            description: self.description.as_deref(),
            capabilities: self.capabilities.as_ref(),
            activation: self.activation.as_ref(),
            tags: self.tags.as_ref(),
            run_frequency: self.run_frequency,
            remediation: self.remediation,
            enabled: self.enabled,
            perimeter_scan: None,
        }
    }
}

/// How the platform spells the field that names a project. The guide's samples have the one, later documents the
/// other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum ProjectField {
    /// `projectId`.
    #[default]
    #[serde(rename = "projectId")]
    Camel,
    /// `project_id`.
    #[serde(rename = "project_id")]
    Snake,
}

impl ProjectField {
    /// The field's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ProjectField::Camel => "projectId",
            ProjectField::Snake => "project_id",
        }
    }
}

/// The key of a service account, taken apart. Has no `Debug`: it is a secret throughout.
pub(crate) struct ServiceAccountKey {
    parts: Map<String, Value>,
    project: Option<String>,
}

impl ServiceAccountKey {
    /// What the platform takes of the file, under the file's own names.
    const PARTS: [&str; 9] = [
        "type",
        "private_key_id",
        "private_key",
        "client_email",
        "client_id",
        "auth_uri",
        "token_uri",
        "auth_provider_x509_cert_url",
        "client_x509_cert_url",
    ];

    /// Reads the file that Google gives. The error names what is wrong, and repeats nothing of the file.
    pub(crate) fn read(secret: &Secret) -> Result<ServiceAccountKey, String> {
        // Editors of one system put a byte order mark in front.
        let text = secret.expose().trim_start_matches('\u{feff}');
        let Ok(Value::Object(mut file)) = serde_json::from_str(text) else {
            return Err("it is not the JSON file of a service account's key".to_owned());
        };
        let mut text = |name: &str| match file.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            Some(_) | None => None,
        };
        let project = text("project_id");
        let (mut parts, mut lacks) = (Map::new(), Vec::new());
        for name in ServiceAccountKey::PARTS {
            match text(name) {
                Some(text) => {
                    parts.insert(name.to_owned(), text.into());
                }
                None => lacks.push(name),
            }
        }
        if parts.get("type").is_some_and(|kind| kind != "service_account") {
            return Err("it is a key of another type than service_account".to_owned());
        }
        if !lacks.is_empty() {
            return Err(format!("the service account's key lacks {}", lacks.join(", ")));
        }
        let pem = parts.get("private_key").and_then(Value::as_str).unwrap_or_default();
        if PrivateKey::find(pem).is_none() {
            return Err("private_key in the service account's key is no private key in PEM form".to_owned());
        }
        Ok(ServiceAccountKey { parts, project })
    }

    /// The parts that the platform takes, in one layout.
    fn essence(mut self) -> Secret {
        if let Some(pem) = self.parts.get_mut("private_key") {
            let key = pem.as_str().and_then(PrivateKey::find).map(PrivateKey::essence);
            *pem = key.map_or(Value::Null, |key| key.expose().into());
        }
        Secret::new(Value::Object(self.parts).to_string())
    }

    /// The parts that the platform takes, by name.
    pub(crate) fn into_parts(self) -> Map<String, Value> {
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file() -> Value {
        json!({
            "type": "service_account", "project_id": "analytics-208707", "private_key_id": "0123456789abcdef",
            "private_key": "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n",
            "client_email": "reader@analytics-208707.iam.gserviceaccount.com", "client_id": "100000000000000000001",
            "auth_uri": "https://accounts.example.com/auth", "token_uri": "https://oauth.example.com/token",
            "auth_provider_x509_cert_url": "https://www.example.com/certs",
            "client_x509_cert_url": "https://www.example.com/x509/reader", "universe_domain": "googleapis.com"
        })
    }

    fn admitted(file: &str, project: &str) -> Result<Option<String>, String> {
        let project_id = Some(project.parse().unwrap());
        Gcp { project_id, ..Gcp::default() }.admit("service_account_key", &Secret::new(file))
    }

    #[test]
    fn a_key_that_cannot_be_one_is_told_what_it_lacks_and_never_what_it_holds() {
        let but = |name: &str, value: Value| {
            let mut file = file();
            file[name] = value;
            file.to_string()
        };
        let mut lacking = file();
        for name in ["client_email", "token_uri"] {
            lacking.as_object_mut().unwrap().remove(name);
        }
        for (file, why) in [
            ("hunter2".to_owned(), "it is not the JSON file of a service account's key"),
            ("[\"hunter2\"]".to_owned(), "it is not the JSON file of a service account's key"),
            (lacking.to_string(), "the service account's key lacks client_email, token_uri"),
            (but("auth_uri", json!("")), "the service account's key lacks auth_uri"),
            (but("client_id", json!(7)), "the service account's key lacks client_id"),
            (but("type", json!("authorized_user")), "it is a key of another type than service_account"),
            (but("type", json!(null)), "the service account's key lacks type"),
            (
                but("private_key", json!("hunter2")),
                "private_key in the service account's key is no private key in PEM form",
            ),
        ] {
            assert_eq!(admitted(&file, "analytics-208707").unwrap_err(), why);
        }
    }

    #[test]
    fn a_key_of_another_project_is_advised_of_and_taken() {
        let file = file().to_string();
        assert_eq!(admitted(&file, "analytics-208707"), Ok(None));
        let advice = admitted(&file, "warehouse-1").unwrap().unwrap();
        assert!(advice.starts_with("the key was made in another project (analytics-208707)"), "{advice}");
        // What is no project's name might be anything.
        let odd = file.replace("\"project_id\":\"analytics-208707\"", "\"project_id\":\"Hunter 2\"");
        let advice = admitted(&odd, "warehouse-1").unwrap().unwrap();
        assert!(advice.starts_with("the key was made in another project than"), "{advice}");
    }

    #[test]
    fn a_key_is_the_same_in_every_layout_of_its_file() {
        let essence = |text: String| Gcp::default().essence("service_account_key", &Secret::new(text));
        let but = |name: &str, value: &str| {
            let mut file = file();
            file[name] = value.into();
            file
        };
        let same = essence(file().to_string()).unwrap();
        let pem = file()["private_key"].as_str().unwrap().to_owned();
        for text in [
            serde_json::to_string_pretty(&file()).unwrap(),
            format!("\u{feff}{}", file()),
            but("private_key", &pem.replace('\n', "\r\n")).to_string(),
            but("universe_domain", "example.com").to_string(),
            but("project_id", "warehouse-1").to_string(),
        ] {
            assert!(essence(text.clone()) == Some(same.clone()), "{text}");
        }
        for name in
            ServiceAccountKey::PARTS.into_iter().filter(|name| !["type", "private_key"].contains(name))
        {
            assert!(essence(but(name, "another").to_string()) != Some(same.clone()), "{name}");
        }
        assert!(essence(but("private_key", &pem.replace("bm90", "bm91")).to_string()) != Some(same));
        assert!(essence("hunter2".to_owned()).is_none());
    }

    #[test]
    fn what_the_platform_does_not_take_of_the_file_is_left_out() {
        let Ok(key) = ServiceAccountKey::read(&Secret::new(file().to_string())) else { panic!("it is read") };
        let parts = key.into_parts();
        assert_eq!(parts.keys().collect::<Vec<_>>(), ServiceAccountKey::PARTS);
        assert_eq!(parts["private_key"], file()["private_key"]);
    }
}
