//! The asset inventory (GAV/CSAM API v2, release notes 2.6 of December 2021, "API Updates for OCI Information"), on
//! the gateway: how many assets match. Nothing here writes.
//!
//! A value is a text in every sample; of several values (`IN`) there is no sample, and they are sent as in the API of
//! connectors and tags, with commas between them. Since 2.6 the platform counts what is in the user's scope alone.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Call, Effect, Host, Module};
use super::error::ApiError;
use super::rest;
use super::shapes::Number;
use super::transport::Transport;
use crate::resource::{Filter, FilterValue};

/// The answer of a count.
#[derive(Deserialize)]
struct Counted {
    count: Number,
}

impl Filter {
    fn encode(&self) -> Value {
        let Filter { field, operator, value } = self;
        let value = match value {
            FilterValue::One(one) => one.to_string(),
            FilterValue::List(list) => list.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        };
        json!({"field": field, "operator": operator.word(), "value": value})
    }
}

/// How many assets match all filters, within the scope of the user. No match may come as no content at all.
pub(super) async fn count(transport: &Transport, filters: &[Filter]) -> Result<u64, ApiError> {
    // A refusal need not name the field that is wrong.
    let mut operation = "count assets".to_owned();
    for (at, filter) in filters.iter().enumerate() {
        operation.push_str(if at == 0 { " by " } else { ", " });
        operation.push_str(&filter.field);
    }
    let filters: Vec<Value> = filters.iter().map(Filter::encode).collect();
    let call = Call::new(operation, Method::POST, "/rest/2.0/count/am/asset", Effect::Read)
        .at(Host::Gateway)
        .of_module(Module::AssetInventory)
        .json(&json!({"filters": filters}));
    let counted = transport.send(&call, rest::json_or_none::<Counted>).await?;
    Ok(counted.map_or(0, |Counted { count: Number(count) }| count))
}
