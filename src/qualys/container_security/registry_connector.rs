//! Connectors to registries: they are found and deleted. The lists are at `…/connectors`, the deletes at `…/connector`,
//! with the id in the body.

use std::collections::HashSet;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{PAGES, call, registries};
use crate::qualys::call::Effect;
use crate::qualys::error::{ApiError, ApiErrorKind, Refusal};
use crate::qualys::remote::Remote;
use crate::qualys::rest;
use crate::qualys::shapes::Number;
use crate::qualys::transport::Transport;
use crate::qualys::write::{Created, Write};
use crate::resource::registry_connector::{Cloud, RegistryConnector};
use crate::resource::{LiveObject, Resource, Scope, Spec};

/// The listing: bare, or with its count.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Listing {
    Bare(Vec<Listed>),
    Counted {
        data: Vec<Listed>,
        #[serde(default)]
        count: Option<Number>,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Listed {
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    arn: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    connector_id: Option<String>,
}

const OPERATION: &str = "list registry connectors";

const fn word(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Aws => "aws",
        Cloud::Acr => "acr",
    }
}

/// The ids of a cloud's connectors; `None` where the platform has no such listing.
async fn ids(transport: &Transport, cloud: Cloud) -> Result<Option<Vec<String>>, ApiError> {
    let path = format!("registry/{}/connectors", word(cloud));
    let listing = call(OPERATION, Method::GET, &path, Effect::Read);
    let (mut ids, mut seen) = (Vec::new(), HashSet::new());
    for page in PAGES.first.. {
        let asked =
            listing.clone().query(PAGES.number, page.to_string()).query("pageSize", PAGES.rows.to_string());
        let (rows, count) = match transport.send(&asked, rest::json_or_none::<Listing>).await {
            Ok(Some(Listing::Bare(rows))) => (rows, None),
            Ok(Some(Listing::Counted { data, count })) => (data, count),
            Ok(None) => (Vec::new(), None),
            Err(error) if error.status == Some(404) => return Ok(None),
            Err(error) => return Err(error),
        };
        let (came, before) = (rows.len(), ids.len());
        let named = rows.into_iter().filter_map(|row| match cloud {
            Cloud::Aws => row.arn,
            Cloud::Acr => row.connector_id.map(|id| id.to_ascii_lowercase()),
        });
        ids.extend(named.filter(|id| seen.insert(id.clone())));
        // A listing that knows no pages gives the same rows again.
        if came < PAGES.rows || ids.len() == before {
            if let Some(Number(count)) =
                count.filter(|Number(count)| *count > ids.len() as u64 && page == PAGES.first)
            {
                let said = format!("a count of {count} and {} objects", ids.len());
                return Err(transport.unreadable(&listing, said, false));
            }
            break;
        }
    }
    Ok(Some(ids))
}

impl Remote for RegistryConnector {
    async fn list(transport: &Transport, scope: &Scope<'_>) -> Result<Vec<LiveObject>, ApiError> {
        let mut all = Vec::new();
        for cloud in [Cloud::Aws, Cloud::Acr] {
            let declared = scope.declared().iter().filter_map(|spec| match spec {
                Spec::RegistryConnector(spec) if spec.cloud == cloud => Some(spec),
                _ => None,
            });
            let declared: Vec<&RegistryConnector> = declared.collect();
            let is_wanted = match scope {
                Scope::Whole => true,
                Scope::Declared { .. } => !declared.is_empty(),
            };
            if !is_wanted {
                continue;
            }
            if let Some(ids) = ids(transport, cloud).await? {
                all.extend(
                    ids.into_iter().map(|id| LiveObject::new(id.clone(), RegistryConnector::new(cloud, id))),
                );
            } else {
                // Without the module nothing would be found here either.
                registries::all(transport).await?;
                if let Scope::Whole = scope {
                    let message = format!("the platform does not list those to {}", word(cloud));
                    return Err(ApiError::refused_here(OPERATION.to_owned(), None, message));
                }
                all.extend(declared.into_iter().map(|spec| LiveObject {
                    unseen: true,
                    ..LiveObject::new(spec.id.clone(), spec.clone())
                }));
            }
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    async fn read(transport: &Transport, ids: &[String]) -> Result<Vec<LiveObject>, ApiError> {
        let mut found = Vec::new();
        for cloud in [Cloud::Aws, Cloud::Acr] {
            let all = self::ids(transport, cloud).await?.unwrap_or_default();
            let wanted = all.into_iter().filter(|id| ids.contains(id));
            found.extend(wanted.map(|id| LiveObject::new(id.clone(), RegistryConnector::new(cloud, id))));
        }
        Ok(found)
    }

    async fn create(&self, _transport: &Transport, _write: &Write<'_>) -> Result<Created, ApiError> {
        Err(only_deleted("create", &self.id))
    }

    async fn update(&self, _transport: &Transport, id: &str, _write: &Write<'_>) -> Result<(), ApiError> {
        Err(only_deleted("update", id))
    }

    async fn delete(transport: &Transport, id: &str) -> Result<(), ApiError> {
        let (cloud, body) = if id.starts_with("arn:") {
            (Cloud::Aws, json!({"arn": id}))
        } else {
            (Cloud::Acr, json!({"connectorId": id}))
        };
        let path = format!("registry/{}/connector", word(cloud));
        let delete =
            call("delete registry connector", Method::DELETE, &path, Effect::Settled).about(id).json(&body);
        match transport.send(&delete, rest::done).await {
            Err(error) if error.is_gone() => Ok(()),
            Err(error) if error.status == Some(412) => Err(still_used(transport, id, error).await),
            done => done,
        }
    }
}

fn only_deleted(verb: &str, id: &str) -> ApiError {
    let message = "such a connector is only deleted".to_owned();
    ApiError::refused_here(format!("{verb} {}", RegistryConnector::KIND), Some(id.to_owned()), message)
}

/// The refusal, with the registries that stand against it, where they can be told.
async fn still_used(transport: &Transport, id: &str, error: ApiError) -> ApiError {
    let all = registries::all(transport).await.unwrap_or_default();
    let mut users: Vec<&str> =
        all.iter().filter(|registry| registry.uses(id)).map(registries::Listed::shown).collect();
    users.sort_unstable();
    let by = match users.as_slice() {
        [] => "a registry".to_owned(),
        [one] => format!("registry {one}"),
        several => format!("registries {}", several.join(", ")),
    };
    let kind = match error.kind {
        ApiErrorKind::Refused(refusal) => {
            let remedy = Some("connect the registry in another way or delete it, then apply again");
            ApiErrorKind::Refused(Box::new(Refusal { remedy, ..*refusal }))
        }
        other => other,
    };
    ApiError { said: format!("still used by {by}: {}", error.said), kind, ..error }
}
