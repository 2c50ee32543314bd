//! Which family of routes a request belongs to. One line a family.

use std::sync::Arc;

use super::answer::{Answer, Request};
use super::http::Shared;
use super::{cloudview, gateway, portal, qps};

/// A family answers the requests that it knows.
type Family = fn(&Shared, &Request) -> Option<Answer>;

const FAMILIES: &[Family] =
    &[qps::answer, gateway::answer, cloudview::answer, cloudview::follow_link, portal::answer];

/// The answer to a request, carried out.
pub(crate) fn answer(shared: &Arc<Shared>, request: &Request) -> Answer {
    shared.world().tick += 1;
    let known = FAMILIES.iter().find_map(|family| family(shared, request));
    known.unwrap_or_else(|| Answer::html(404, "Not Found"))
}

/// Whether a request counts against the rate limit: fetching a token does not.
pub(crate) fn is_metered(request: &Request) -> bool {
    !gateway::is_login(request)
}

/// Whether a request gives a name or password that is not the account's.
pub(crate) fn is_wrong_login(shared: &Shared, request: &Request) -> bool {
    let login = if gateway::is_login(request) { gateway::login(request) } else { request.basic() };
    login.is_some_and(|(user, password)| !shared.account.accepts(&user, &password))
}

/// What the log says of a request that is not carried out.
pub(crate) fn describe(request: &Request) -> Answer {
    let mut answer = Answer::html(503, "Service Unavailable");
    if let Some(call) = qps::Call::parse(&request.path) {
        (answer.write, answer.without_id) = (call.is_write(), call.is_without_id());
    } else if let Some(effect) = gateway::effect(request).or_else(|| cloudview::effect(request)) {
        (answer.write, answer.without_id) = (effect.write, effect.without_id);
    } else {
        answer.write = !matches!(request.method.as_str(), "GET" | "HEAD");
    }
    answer
}
