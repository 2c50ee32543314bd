//! The connectors' calls: the same for three clouds; there are none for OCI.

use serde_json::json;

use crate::simulator::answer::Answer;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::{Call, Outcome, Route, Service};
use crate::simulator::options::Cloudview;
use crate::simulator::qps::QUALYS_ACCOUNTS;
use crate::simulator::world::World;

const ROUTES: &[Route] = &[Route::read("GET", "connectors/awsBaseAccountId", base_account)];

pub(super) static AWS: Service =
    Service { prefix: "/cloudview-api/rest/v1/aws", routes: ROUTES, enabled, refuse: Refusal::answer };

pub(super) static AZURE: Service =
    Service { prefix: "/cloudview-api/rest/v1/azure", routes: ROUTES, enabled, refuse: Refusal::answer };

pub(super) static GCP: Service =
    Service { prefix: "/cloudview-api/rest/v1/gcp", routes: ROUTES, enabled, refuse: Refusal::answer };

pub(super) fn enabled(world: &World) -> bool {
    world.options.cloudview == Cloudview::On
}

/// The account that roles in AWS have to trust. The documents name the call and no answer of it.
fn base_account(call: &mut Call<'_>) -> Outcome {
    if !call.request.path.starts_with(AWS.prefix) {
        return Err(Refusal::not_found(format!("There is no {}.", call.request.path)));
    }
    Ok(Answer::json(200, &json!({"awsBaseAccountId": QUALYS_ACCOUNTS[0]})))
}
