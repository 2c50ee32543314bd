//! The services behind the platform's gateway, which take a token instead of a password.
//!
//! Reading order: `auth` (how a token is come by), `service` (the table of calls that a service has, and how one is answered),
//! `refusal` (what is said to a call that is not carried out), `fields` (what objects and bodies hold). Then one folder a service.

use std::collections::HashMap;

use self::fields::Table;
use self::service::Service;
use super::answer::{Answer, Request};
use super::http::Shared;

pub(crate) mod auth;

pub(crate) mod service;

pub(crate) mod refusal;

pub(crate) mod fields;

pub(crate) mod body;

pub(crate) mod clock;

mod page;

pub(crate) mod query;

mod snapshot;

mod azure;

mod container;

mod inventory;

pub(crate) use auth::login;
pub(crate) use service::Effect;

/// The services, one line each.
const SERVICES: &[&Service] =
    &[&snapshot::SERVICE, &azure::SERVICE, &container::SERVICE, &inventory::SERVICE];

/// The kinds of objects that they keep.
pub(crate) const KINDS: &[&Table] = &[
    &snapshot::REGISTRATION,
    &azure::TENANT,
    &azure::ORGANIZATION,
    &container::CONNECTOR,
    &container::REGISTRY,
    &container::SCHEDULE,
    &inventory::ASSET,
];

/// What the gateway remembers only while it runs.
#[derive(Debug, Default)]
pub(crate) struct Gateway {
    pub(crate) tokens: auth::Tokens,
    jobs: azure::Jobs,
}

/// Answers what one of the services knows, and the call that gives tokens.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Option<Answer> {
    if is_login(request) {
        return Some(auth::answer(shared, request));
    }
    let service = service_of(request)?;
    let effect = service.effect(request);
    let mut answer = service.answer(shared, request);
    (answer.write, answer.without_id) = (effect.write, effect.without_id);
    Some(answer)
}

/// What a call would do, were it carried out.
pub(crate) fn effect(request: &Request) -> Option<Effect> {
    if is_login(request) {
        return Some(Effect::default());
    }
    service_of(request).map(|service| service.effect(request))
}

pub(crate) fn is_login(request: &Request) -> bool {
    request.path.trim_end_matches('/') == "/auth"
}

fn service_of(request: &Request) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.rest(&request.path).is_some()).copied()
}

/// The parameters of a query or a form; the first one of a name wins.
fn parameters(text: &[u8]) -> HashMap<String, String> {
    let mut parameters = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(text) {
        parameters.entry(name.into_owned()).or_insert_with(|| value.into_owned());
    }
    parameters
}
