//! CloudView 1.x, below `/cloudview-api/rest/v1`: an older way to the connectors that Connectors 3.0 shows, and what only it has.
//!
//! Its first documents have it on the portal and with a password; later it answered on the gateway and to a token. One URL
//! serves both here, so that the option `cloudview_auth` says which of the two logins is right.
//!
//! A service is a table of calls (`gateway::service`). A further one joins with its table and one line in [`SERVICES`], the kinds
//! of objects that it keeps with one line each in [`KINDS`].

use super::answer::{Answer, Request};
use super::gateway::auth::{self, Tokens};
use super::gateway::fields::Table;
use super::gateway::refusal::Refusal;
use super::gateway::service::{Effect, Service};
use super::http::Shared;
use super::options::{CloudviewAuth, CloudviewBadRequest, CloudviewWrongLogin, Options};

mod connectors;

mod report;

pub(crate) use report::follow_link;

/// What all of its paths begin with.
const PREFIX: &str = "/cloudview-api/rest/v1";

/// The services, one line each.
const SERVICES: &[&Service] =
    &[&connectors::AWS.service, &connectors::AZURE.service, &connectors::GCP.service, &report::SERVICE];

/// The kinds of objects that it keeps for itself; connectors are those of Connectors 3.0.
pub(crate) const KINDS: &[&Table] = &[&report::REPORT];

/// Answers everything below the prefix.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Option<Answer> {
    let effect = effect(request)?;
    let options = shared.world().options.clone();
    let mut answer =
        carry_out(shared, request, &options).unwrap_or_else(|refusal| refuse(&refusal, &options));
    (answer.write, answer.without_id) = (effect.write, effect.without_id);
    Some(answer)
}

/// What a call would do, were it carried out; `None` where it is none of this family.
pub(crate) fn effect(request: &Request) -> Option<Effect> {
    let rest = request.path.strip_prefix(PREFIX)?;
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    let otherwise =
        || Effect { write: !matches!(request.method.as_str(), "GET" | "HEAD"), without_id: false };
    Some(service_of(request).map_or_else(otherwise, |service| service.effect(request)))
}

fn carry_out(shared: &Shared, request: &Request, options: &Options) -> Result<Answer, Refusal> {
    check_login(shared, request, options)?;
    let unknown = || Refusal::not_found(format!("There is no {}.", request.path));
    service_of(request).ok_or_else(unknown)?.carry_out_unchecked(shared, request)
}

fn service_of(request: &Request) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.rest(&request.path).is_some()).copied()
}

/// The other scheme is what a client uses that believes to talk to the other host.
fn check_login(shared: &Shared, request: &Request, options: &Options) -> Result<(), Refusal> {
    let given = request.header("authorization").and_then(|login| login.split_once(' ')).unwrap_or_default().0;
    let (right, other) = match options.cloudview_auth {
        CloudviewAuth::Jwt => ("Bearer", "Basic"),
        CloudviewAuth::Basic => ("Basic", "Bearer"),
    };
    if given.eq_ignore_ascii_case(other) {
        return Err(match options.cloudview_wrong_login {
            CloudviewWrongLogin::Unauthorized => {
                Refusal::new(401, format!("The Authorization header holds no {right} credentials."))
            }
            CloudviewWrongLogin::NotFound => Refusal::not_found(format!("There is no {}.", request.path)),
        });
    }
    match options.cloudview_auth {
        CloudviewAuth::Jwt => {
            let tokens: &Tokens = &shared.world().gateway.tokens;
            auth::check(tokens, request)
        }
        CloudviewAuth::Basic => match request.basic() {
            Some((user, password)) if shared.account.accepts(&user, &password) => Ok(()),
            Some(_) => Err(Refusal::new(401, "The username or password is wrong.")),
            None => Err(Refusal::new(401, "The Authorization header holds no Basic credentials.")),
        },
    }
}

/// `APIErrorFacade`: `{errorCode, message, timestamp}`.
fn refuse(refusal: &Refusal, options: &Options) -> Answer {
    let mut answer = refusal.answer();
    if refusal.status == 400 && options.cloudview_bad_request == CloudviewBadRequest::Ok {
        answer.status = 200;
    }
    answer
}
