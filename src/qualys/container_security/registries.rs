//! Registries. They are only looked at: what the file calls one is looked for among them.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;

use super::{PAGES, call};
use crate::qualys::call::Effect;
use crate::qualys::error::ApiError;
use crate::qualys::rest;
use crate::qualys::transport::Transport;
use crate::resource::registry_schedule::Registry;

/// A registry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Listed {
    #[serde(rename = "registryUuid", deserialize_with = "crate::qualys::shapes::filled")]
    uuid: Option<String>,
    #[serde(rename = "registryName", deserialize_with = "crate::qualys::shapes::filled")]
    name: Option<String>,
    #[serde(rename = "registryUri", deserialize_with = "crate::qualys::shapes::filled")]
    uri: Option<String>,
    aws: Option<Connector>,
    acr: Option<Connector>,
}

/// What it is connected by.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Connector {
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    arn: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    connector_id: Option<String>,
}

const OPERATION: &str = "list registries";

/// All registries of the subscription.
pub(super) async fn all(transport: &Transport) -> Result<Vec<Listed>, ApiError> {
    let listing = call(OPERATION, Method::GET, "registry", Effect::Read);
    rest::list(transport, &listing, PAGES, |row: &Listed| row.uuid.clone()).await
}

impl Listed {
    fn is(&self, wanted: &Registry) -> bool {
        let said = |field: &Option<String>, text: &str| field.as_deref() == Some(text);
        match wanted {
            Registry::Id(id) => self.uuid.as_ref().is_some_and(|uuid| uuid.eq_ignore_ascii_case(id)),
            // With a slash at its end or without.
            Registry::Uri(uri) => {
                self.uri.as_deref().map(|uri| uri.trim_end_matches('/')) == Some(uri.trim_end_matches('/'))
            }
            Registry::Name(name) => said(&self.name, name),
        }
    }

    /// Whether it is connected by the connector of that id or ARN.
    pub(super) fn uses(&self, connector: &str) -> bool {
        let ids = [&self.aws, &self.acr].into_iter().flatten().flat_map(|by| [&by.arn, &by.connector_id]);
        ids.flatten().any(|id| id.eq_ignore_ascii_case(connector))
    }

    /// The name, or what else there is, for a person.
    pub(super) fn shown(&self) -> &str {
        let name = self.name.as_deref().or(self.uri.as_deref());
        name.or(self.uuid.as_deref()).unwrap_or("one without a name")
    }
}

/// A registry that is looked into.
#[derive(Debug)]
pub(super) struct Opened {
    /// By what the file calls it.
    pub(super) registry: Registry,
    /// The platform's id of it.
    pub(super) id: String,
    /// The name that people know it by, where it is not called by that.
    pub(super) label: Option<String>,
}

/// Each registry of the subscription, called by its id.
pub(super) async fn each(transport: &Transport) -> Result<Vec<Opened>, ApiError> {
    let open = |Listed { uuid, name, uri: _, aws: _, acr: _ }| {
        let id = uuid.unwrap_or_default();
        rest::path_id(&id)
            .map_err(|message| ApiError::refused_here(OPERATION.to_owned(), name.clone(), message))?;
        let uuid = uuid::Uuid::try_parse(&id);
        let called = uuid.map_or_else(|_| id.clone(), |uuid| uuid.hyphenated().to_string());
        Ok(Opened { registry: Registry::Id(called), id, label: name })
    };
    all(transport).await?.into_iter().map(open).collect()
}

/// The id of each of these registries. One that is not there, or there twice, is an error: what it holds cannot be
/// told.
pub(super) async fn ids(
    transport: &Transport,
    wanted: &[Registry],
) -> Result<BTreeMap<Registry, String>, ApiError> {
    let all = all(transport).await?;
    let refused = |registry: &Registry, message: String| {
        Err(ApiError::refused_here("find registry".to_owned(), Some(registry.to_string()), message))
    };
    let mut ids: BTreeMap<Registry, String> = BTreeMap::new();
    for registry in wanted {
        let found: Vec<&Listed> = all.iter().filter(|listed| listed.is(registry)).collect();
        let id = match found.as_slice() {
            [one] => one.uuid.clone().unwrap_or_default(),
            [] if all.is_empty() => {
                return refused(registry, "the subscription has no registry".to_owned());
            }
            [] => {
                let there: Vec<&str> = all.iter().map(Listed::shown).take(20).collect();
                return refused(registry, format!("it is not there; there are {}", there.join(", ")));
            }
            several => {
                let ids: Vec<&str> = several.iter().filter_map(|listed| listed.uuid.as_deref()).collect();
                return refused(
                    registry,
                    format!("several are called that: give one of the ids {}", ids.join(", ")),
                );
            }
        };
        if let Err(message) = rest::path_id(&id) {
            return refused(registry, message);
        }
        if let Some((other, _)) = ids.iter().find(|(other, of)| **of == id && *other != registry) {
            return refused(
                registry,
                format!("it is the one that the file also calls {other}: call it by one name"),
            );
        }
        ids.insert(registry.clone(), id);
    }
    Ok(ids)
}
