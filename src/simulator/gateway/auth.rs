//! Tokens: a form with the account in, the bare text of a token out.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::parameters;
use super::refusal::Refusal;
use crate::simulator::answer::{Answer, Request};
use crate::simulator::http::Shared;
use crate::simulator::options::Options;

/// The tokens that were given, with the second at which each ends. Another process has others.
#[derive(Debug, Default)]
pub(crate) struct Tokens(HashMap<String, i64>);

/// `POST /auth`: 201 and the token as plain text.
pub(super) fn answer(shared: &Shared, request: &Request) -> Answer {
    if request.method != "POST" {
        return Answer::html(405, "Method Not Allowed").with_header("allow", "POST");
    }
    let form = parameters(&request.body);
    let field = |name: &str| form.get(name).map(String::as_str);
    if request.media_type() != "application/x-www-form-urlencoded" {
        return refuse("The body has to be application/x-www-form-urlencoded.");
    }
    if field("token") != Some("true") {
        return refuse("Field 'token' has to be true.");
    }
    if !login(request).is_some_and(|(user, password)| shared.account.accepts(&user, &password)) {
        return refuse("The username or password is wrong.");
    }
    let mut world = shared.world();
    let token = token(&shared.account.username, &world.options, field("permissions") == Some("true"));
    let now = now();
    let ends = now.saturating_add(life(&world.options));
    let tokens = &mut world.gateway.tokens.0;
    tokens.retain(|_, ends| *ends > now);
    tokens.insert(token.clone(), ends);
    Answer::new(201, "text/plain", token)
}

/// The name and password that a request for a token gives.
pub(crate) fn login(request: &Request) -> Option<(String, String)> {
    let mut form = parameters(&request.body);
    Some((form.remove("username")?, form.remove("password")?))
}

/// Whether a call names a token that is good now.
pub(crate) fn check(tokens: &Tokens, request: &Request) -> Result<(), Refusal> {
    let refused = |reason: &str| Err(Refusal::new(401, reason));
    let Some(authorization) = request.header("authorization") else {
        return refused("The Authorization header is missing: a Bearer token is expected.");
    };
    let Some((scheme, token)) = authorization.split_once(' ') else {
        return refused("The Authorization header holds no Bearer token.");
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return refused("The Authorization header holds no Bearer token.");
    }
    match tokens.0.get(token.trim()) {
        Some(ends) if *ends > now() => Ok(()),
        Some(_) => refused("The token has expired."),
        None => refused("The token is not known."),
    }
}

fn refuse(reason: &str) -> Answer {
    Refusal::new(401, reason).answer()
}

fn life(options: &Options) -> i64 {
    i64::try_from(options.token_seconds).unwrap_or(i64::MAX)
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Three parts as clients expect them; what makes a token good is that it was given, not its last part.
fn token(username: &str, options: &Options, permissions: bool) -> String {
    let issued = now();
    let mut claims = json!({
        "iss": "simulator",
        "sub": username,
        "jti": uuid::Uuid::new_v4().to_string(),
        "customerUuid": options.subscription,
        "iat": issued,
        "exp": issued.saturating_add(life(options)),
    });
    if permissions {
        claims["permissions"] = json!(["ASSET.MANAGE_DATA_CONNECTORS"]);
    }
    let header = json!({"alg": "RS256", "typ": "JWT"});
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{header}.{claims}")));
    format!("{header}.{claims}.{signature}")
}
