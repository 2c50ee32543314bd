//! Asset inventory: counting, searching and looking at hosts ("API Updates for OCI Information").

use std::sync::Arc;

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::service::{Call, Outcome, Route, Service, bare};
use crate::simulator::answer::Answer;
use crate::simulator::options::InventoryEmpty;
use crate::simulator::store::Record;

mod asset;

mod filter;

mod xml;

pub(super) use asset::ASSET;

/// `/rest/2.0`.
pub(super) static SERVICE: Service = Service {
    prefix: "/rest/2.0",
    routes: &[
        Route::read("POST", "count/am/asset", count),
        Route::read("POST", "search/am/asset", search),
        Route::read("GET", "get/am/asset", get),
        Route::read("POST", "get/am/asset", get),
    ],
    enabled: |_| true,
    refuse: Refusal::answer,
};

/// How many assets a page holds, and at most.
const PAGE: u64 = 100;
const LARGEST_PAGE: u64 = 300;

/// A page of assets, as search and get answer it.
struct Page {
    assets: Vec<Value>,
    last: Option<u64>,
    more: bool,
}

/// `POST /count/am/asset`
fn count(call: &mut Call<'_>) -> Outcome {
    let count = found(call, 0)?.len();
    Ok(Answer::json(
        200,
        &json!({"count": count, "responseCode": "SUCCESS", "responseMessage": "Valid API Access"}),
    ))
}

/// `POST /search/am/asset`
fn search(call: &mut Call<'_>) -> Outcome {
    let size = call.number("pageSize", 1, PAGE)?;
    if size > LARGEST_PAGE {
        return Err(Refusal::bad(format!("Parameter 'pageSize' takes at most {LARGEST_PAGE}, not {size}.")));
    }
    let after = call.number("lastSeenAssetId", 0, 0)?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut found = found(call, after.saturating_add(1))?;
    let more = found.len() > size;
    found.truncate(size);
    let assets = found.iter().map(|record| asset::show(call.world, record)).collect();
    Ok(answer(call, &Page { assets, last: found.last().map(|record| record.id), more }))
}

/// `GET` or `POST /get/am/asset?assetId=`
fn get(call: &mut Call<'_>) -> Outcome {
    if call.request.parameter("assetId").is_none() {
        return Err(Refusal::bad("Parameter 'assetId' is required."));
    }
    let id = call.number("assetId", 0, 0)?;
    let found = call.world.store.get(ASSET.kind, id).cloned();
    let assets = found.iter().map(|record| asset::show(call.world, record)).collect();
    Ok(answer(call, &Page { assets, last: None, more: false }))
}

/// The assets from an id on that the body's filters let through.
fn found(call: &mut Call<'_>, first: u64) -> Result<Vec<Arc<Record>>, Refusal> {
    let filters = filter::read(call)?;
    let mut found = call.world.as_searched(ASSET.kind, first);
    found.retain(|record| filters.iter().all(|filter| filter.takes(record)));
    Ok(found)
}

fn answer(call: &Call<'_>, page: &Page) -> Answer {
    if page.assets.is_empty() {
        match call.world.options.inventory_empty {
            InventoryEmpty::NoContent => return bare(204),
            InventoryEmpty::EmptyBody => return bare(200),
            InventoryEmpty::Zero => {}
        }
    }
    Answer::json(
        200,
        &json!({
            "responseMessage": "Valid API Access",
            "count": page.assets.len(),
            "responseCode": "SUCCESS",
            "lastSeenAssetId": page.last,
            "hasMore": u8::from(page.more),
            "assetListData": {"asset": page.assets},
        }),
    )
}
