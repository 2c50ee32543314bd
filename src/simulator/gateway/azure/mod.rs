//! Organization connectors: one for all subscriptions of an Azure tenant, with member connectors ("Azure Organization
//! Connectors").

use super::refusal::Refusal;
use super::service::{Call, Route, Service};
use crate::simulator::store::{Kind, Record};

mod organization;

mod change;

mod show;

mod list;

mod groups;

mod members;

pub(super) use groups::{Jobs, TENANT};
pub(super) use organization::ORGANIZATION;

/// Member connectors are connectors of their own, and live where those live.
const MEMBER: Kind = "azure";

/// `/connectors/v1.0`.
pub(super) static SERVICE: Service = Service {
    prefix: "/connectors/v1.0",
    routes: &[
        // Testing brings the tenant's management groups into the platform's database.
        Route::write("POST", "org/azure/test", groups::test),
        Route::read("GET", "org/azure/job/*", groups::job),
        Route::read("POST", "org/azure/management-groups", groups::known),
        Route::read("GET", "org/azure/management-groups/*", groups::attached),
        Route::read("GET", "org/azure/member-connectors/*", members::list),
        Route::read("GET", "org/azure/last-job-summary/*", list::last_job_summary),
        Route::write("POST", "org/azure/run", list::run),
        // The heading says POST, the samples PUT.
        Route::write("PUT", "org/azure/status", list::status),
        Route::write("POST", "org/azure/status", list::status_by_post),
        Route::read("GET", "org/azure", list::list),
        Route::write("POST", "org/azure", change::create),
        Route::read("GET", "org/azure/*", list::get),
        Route::write("POST", "org/azure/*", change::edit),
        Route::write("DELETE", "org/azure/*", change::delete),
        Route::write("PUT", "azure/attach", members::attach),
        Route::write("PUT", "azure/detach", members::detach),
        Route::read("GET", "azure/valid-org-connectors/*", members::valid_organizations),
    ],
    enabled: |_| true,
    refuse: Refusal::answer,
};

/// The organization connector that the path names.
fn named(call: &Call<'_>) -> Result<Record, Refusal> {
    let found = call.id().and_then(|id| call.world.store.get(ORGANIZATION.kind, id));
    found.map(|record| record.as_ref().clone()).ok_or_else(|| {
        let id = call.named.first().copied().unwrap_or_default();
        Refusal::not_found(format!("There is no organization connector with the id {id}."))
    })
}
