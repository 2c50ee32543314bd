//! The token that the gateway gives for user and password: got at first need, shared by all, renewed ahead of its
//! end, and got anew when it is refused.
//!
//! A refused token (HTTP 401) may have ended early, and may also be how a module says that the user lacks a
//! permission. So one renewal and one more attempt decide: who is refused with a fresh token lacks the permission.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::HeaderValue;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use super::answer::{Answer, Fault};
use super::call::{Call, Effect, Host};
use super::error::{ApiError, ApiErrorKind};
use super::inquiry::{Inquiry, REFUSED_FOR};
use super::refusal;
use super::transport::{Signed, Transport};
use crate::secret::Secret;

/// How long a token lives that does not say so itself (vendor's guides to the gateway).
const LIFE: Duration = Duration::from_hours(4);
/// The longest life that is believed: a token is remote text, and must not overflow a clock.
const LONGEST_LIFE: Duration = Duration::from_hours(48);
/// No token is renewed sooner, whatever it says of its end. Should it really end before, it is refused, and renewed
/// for that.
const SHORTEST_LIFE: Duration = Duration::from_secs(5);
/// How long what did not help is not tried again.
const QUIET: Duration = Duration::from_mins(1);

/// The token at hand, and what was learnt about getting it.
#[derive(Debug, Default)]
pub(super) struct Tokens(Inquiry<State>);

#[derive(Debug, Default)]
struct State {
    current: Option<Token>,
    /// How often a token was asked for.
    asked: u64,
    /// The operations that were refused with a fresh token, and when.
    in_vain: HashMap<String, Instant>,
}

#[derive(Debug, Clone)]
struct Token {
    /// Tells which of two was got later.
    serial: u64,
    authorization: HeaderValue,
    renew_at: Instant,
    ends_at: Instant,
}

impl Transport {
    /// Makes the request with a token. A refused token is renewed, and the request made once more, whatever its
    /// effect: it was refused, not done.
    pub(super) async fn send_with_token<T>(
        &self,
        call: &Call,
        read: &impl Fn(&Answer) -> Result<T, Fault>,
    ) -> Result<T, ApiError> {
        let token = self.token(call, None).await?;
        let refused = match self.persist(call, Signed::By(&token.authorization), read).await {
            Err(error) if error.kind == ApiErrorKind::Credentials => error,
            other => return other,
        };
        if self.tokens.was_in_vain(call).await {
            return Err(refused.despite_fresh_token());
        }
        tracing::debug!(operation = %call.operation, "the token is refused");
        let fresh = self.token(call, Some(&token)).await?;
        self.count_retry();
        match self.persist(call, Signed::By(&fresh.authorization), read).await {
            Err(error) if error.kind == ApiErrorKind::Credentials => {
                self.tokens.note_in_vain(call).await;
                Err(error.despite_fresh_token())
            }
            other => other,
        }
    }

    /// The token to use: another one than `refused`, where that is given. However many need one at the same time,
    /// one of them asks for it, and the others get what it got.
    async fn token(&self, call: &Call, refused: Option<&Token>) -> Result<Token, ApiError> {
        let mut state = self.tokens.0.turn().await;
        if let Some(token) = &state.current
            && Instant::now() < token.renew_at
            && refused.is_none_or(|refused| token.serial > refused.serial)
        {
            return Ok(token.clone());
        }
        if let Some(error) = state.failure() {
            return Err(error.for_want_of_token(call));
        }
        state.asked += 1;
        match self.sign_in(state.asked).await {
            Ok(token) => {
                state.current = Some(token.clone());
                Ok(token)
            }
            Err(error) => {
                let now = Instant::now();
                if let Some(token) = &mut state.current
                    && refused.is_none()
                    && now < token.ends_at
                {
                    // There is time left: that is what renewing ahead is for.
                    tracing::warn!(event = "token_not_renewed", %error, "the gateway gives no new token yet");
                    let is_refused = error.kind == ApiErrorKind::Credentials;
                    token.renew_at = token.ends_at.min(now + if is_refused { REFUSED_FOR } else { QUIET });
                    return Ok(token.clone());
                }
                let told = error.for_want_of_token(call);
                if error.kind == ApiErrorKind::Credentials {
                    state.refuse(error);
                } else {
                    state.fail(error);
                }
                Err(told)
            }
        }
    }

    /// Asks the gateway for a token.
    async fn sign_in(&self, serial: u64) -> Result<Token, ApiError> {
        // `permissions` puts those of the modules into the token, which some families want to see in it.
        let call = Call::new("sign in", Method::POST, "/auth", Effect::Read)
            .at(Host::Gateway)
            // "Qualys API Limits": signing in is not counted.
            .free()
            .accepting("*/*")
            .form(&[
                ("username", self.endpoint.username.expose()),
                ("password", self.endpoint.password.expose()),
                ("token", "true"),
                ("permissions", "true"),
            ]);
        let token = self.persist(&call, Signed::Not, &read_token).await?;
        self.secrets.learn_token(&token);
        let life = life(&token, SystemTime::now());
        tracing::debug!(life_s = life.as_secs(), "the gateway gives a token");
        let now = Instant::now();
        // It is made of characters that a header may hold.
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        authorization.set_sensitive(true);
        Ok(Token { serial, authorization, renew_at: now + renewed_after(life), ends_at: now + life })
    }
}

impl Tokens {
    /// Whether a fresh token did not help this operation just now. Asking for one with each call of a module that
    /// the user may not use would make as many sign-ins as calls.
    async fn was_in_vain(&self, call: &Call) -> bool {
        let state = self.0.turn().await;
        state.in_vain.get(&call.operation).is_some_and(|at| at.elapsed() < QUIET)
    }

    async fn note_in_vain(&self, call: &Call) {
        self.0.turn().await.in_vain.insert(call.operation.clone(), Instant::now());
    }
}

/// The body is the bare token. What else a good status comes with is not shown: it may hold one.
fn read_token(answer: &Answer) -> Result<Secret, Fault> {
    if answer.status == StatusCode::NOT_FOUND {
        // Not the object that the token is wanted for.
        let fault = refusal::fault(answer);
        return Err(Fault { kind: ApiErrorKind::Unreadable, ..fault });
    }
    if !answer.status.is_success() {
        return Err(refusal::fault(answer));
    }
    let text = std::str::from_utf8(&answer.body).unwrap_or_default().trim();
    // RFC 6750, section 2.1.
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if !text.is_empty() && text.bytes().all(fits) {
        return Ok(Secret::new(text));
    }
    let said = refusal::instead(answer).unwrap_or_else(|| "something else than a token".to_owned());
    Err(Fault::unreadable(answer, said))
}

/// How long the token lives from now on: to the end that it names (RFC 7519, `exp`), but not for longer than it
/// was made for, since our clock may be wrong. Zero where it has ended, or the clock is that wrong.
fn life(token: &Secret, now: SystemTime) -> Duration {
    let claims = token.expose().split('.').nth(1);
    let claims = claims.and_then(|claims| URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok());
    let claims = claims.and_then(|claims| serde_json::from_slice::<Value>(&claims).ok());
    let second = |name: &str| claims.as_ref()?.get(name)?.as_f64();
    let Some(end) = second("exp") else { return LIFE };
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let left = end - second("iat").map_or(now, |issued| now.max(issued));
    // Fails below zero, and for what is no time at all.
    Duration::try_from_secs_f64(left.min(LONGEST_LIFE.as_secs_f64())).unwrap_or_default()
}

/// A token that has ended when it comes is used all the same, for a while: it is the gateway's to refuse it, and
/// the wrong clock may be ours.
fn renewed_after(life: Duration) -> Duration {
    if life.is_zero() {
        return QUIET;
    }
    life.saturating_sub((life / 8).min(Duration::from_mins(5))).max(SHORTEST_LIFE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Secret {
        Secret::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)))
    }

    #[test]
    fn a_token_lives_as_long_as_it_says_and_four_hours_if_it_does_not() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (claims, seconds) in [
            ("{\"exp\": 1003600}", 3600),
            ("{\"exp\": 1003600.0, \"iat\": 999000}", 3600),
            // Our clock is behind.
            ("{\"exp\": 1009000, \"iat\": 1005000}", 4000),
            ("{\"exp\": 999999}", 0),
            ("{\"exp\": 1e300}", 48 * 3600),
            ("{\"exp\": -5}", 0),
            ("{\"exp\": \"soon\"}", 4 * 3600),
            ("{}", 4 * 3600),
            ("[", 4 * 3600),
        ] {
            assert_eq!(life(&token(claims), now), Duration::from_secs(seconds), "{claims}");
        }
        for opaque in ["opaque", "a.b.c", "a.%.c"] {
            assert_eq!(life(&Secret::new(opaque), now), LIFE, "{opaque}");
        }
    }

    #[test]
    fn a_token_is_renewed_ahead_of_its_end_and_never_all_the_time() {
        for (life, renewed) in [(4 * 3600, 4 * 3600 - 300), (800, 700), (2, 5), (0, 60)] {
            let after = renewed_after(Duration::from_secs(life));
            assert_eq!(after, Duration::from_secs(renewed), "{life} s");
        }
    }
}
