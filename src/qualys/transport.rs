//! One door to the network: the number of requests at once, retries, rate limits, and the check that the right
//! subscription answers. What an answer means is its API family's business; where requests go is in
//! [`super::hosts`], and how a token is got in [`super::token`].

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use super::answer::{Answer, Fault};
use super::budget::Reply;
use super::call::{Auth, Call, Effect};
use super::cloudview::{Deletes, Door};
use super::endpoint::{Endpoint, RetryPolicy};
use super::entry::ahead;
use super::error::{ApiError, ApiErrorKind, ConnectError, Refusal, one_line};
use super::gate::{KeptBack, Wait, Waiting};
use super::guard::Guard;
use super::hosts::{Hosts, Server, Spent};
use super::lenient;
use super::limits::Limits;
use super::token::Tokens;
use crate::loopback::is_loopback;
use crate::secret::Secret;
use crate::span::span;
use crate::stop::Stop;
use crate::subscription::Subscription;

/// No documented answer comes near; it bounds what a broken one can cost.
const LONGEST_BODY: usize = 256 << 20;

/// How many requests were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requests {
    /// Requests that only look.
    pub reads: u64,
    /// Requests that change something.
    pub writes: u64,
    /// How many of both were sent again after a failure or a rate limit.
    pub retries: u64,
}

/// How a request says who asks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signed<'a> {
    /// It does not.
    Not,
    /// With user and password.
    AsUser,
    /// With this authorization.
    By(&'a HeaderValue),
}

/// The connection to one platform, shared by all that speak to it.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) endpoint: Endpoint,
    hosts: Hosts,
    retry: RetryPolicy,
    /// The subscription that may answer.
    expected: Option<String>,
    /// User and password, as a header.
    basic: HeaderValue,
    pub(super) tokens: Tokens,
    pub(super) door: Door,
    pub(super) deletes: Deletes,
    pub(super) secrets: Guard,
    /// How many requests may be under way, to all servers.
    places: Semaphore,
    /// Which subscription answered last.
    subscription: Mutex<Option<String>>,
    stop: OnceLock<Stop>,
    /// Which server a retry was last told of, and when.
    retry_told: Mutex<Option<(String, Instant)>>,
    reads: AtomicU64,
    writes: AtomicU64,
    retries: AtomicU64,
    limited_ms: AtomicU64,
    changes_left: AtomicUsize,
}

impl Transport {
    pub(super) fn new(endpoint: Endpoint) -> Result<Transport, ConnectError> {
        Ok(Transport {
            hosts: Hosts::new(&endpoint)?,
            basic: basic(&endpoint.username, &endpoint.password),
            tokens: Tokens::default(),
            door: Door::default(),
            deletes: Deletes::default(),
            secrets: Guard::new(&endpoint.username, &endpoint.password),
            retry: endpoint.retry,
            expected: endpoint.subscription.clone(),
            places: Semaphore::new(endpoint.concurrency.max(1)),
            subscription: Mutex::default(),
            stop: OnceLock::new(),
            retry_told: Mutex::default(),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            limited_ms: AtomicU64::new(0),
            changes_left: AtomicUsize::new(0),
            endpoint,
        })
    }

    pub(super) fn requests(&self) -> Requests {
        Requests {
            reads: self.reads.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
        }
    }

    pub(super) fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn quota_left(&self) -> Option<u64> {
        self.hosts.quota_left()
    }

    pub(super) fn spent(&self) -> Vec<Spent> {
        self.hosts.spent()
    }

    pub(super) fn subscription(&self) -> Option<String> {
        self.last_subscription().clone()
    }

    fn last_subscription(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.subscription.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, takes these secrets too out of what the platform says.
    pub(super) fn guard<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) {
        self.secrets.learn(secrets);
    }

    /// Makes the request until it succeeds or no further attempt is allowed. `read` says what the answer means.
    pub(super) async fn send<T>(
        &self,
        call: &Call,
        read: impl Fn(&Answer) -> Result<T, Fault>,
    ) -> Result<T, ApiError> {
        match call.auth {
            Auth::Basic => self.send_as_user(call, &read).await,
            Auth::Token => self.send_with_token(call, &read).await,
            Auth::Cloudview => self.send_to_cloudview(call, &read).await,
        }
    }

    /// Makes the request with user and password.
    pub(super) async fn send_as_user<T>(
        &self,
        call: &Call,
        read: &impl Fn(&Answer) -> Result<T, Fault>,
    ) -> Result<T, ApiError> {
        self.persist(call, Signed::AsUser, read).await
    }

    /// Asks for what a link leads to that the CloudView API gave. A link is its own permission, and servers of files
    /// refuse a second one: the user is made known only where it is refused without, and only if it leads back to where
    /// that API is. Links in the clear lead to loopback alone, and that only from there.
    pub(super) async fn follow<T>(
        &self,
        call: &Call,
        link: Url,
        read: &impl Fn(&Answer) -> Result<T, Fault>,
    ) -> Result<T, ApiError> {
        let refused =
            |said: String| ApiError::refused_here(call.operation.clone(), call.object.clone(), said);
        let family = self.hosts.of(self.cloudview_host().await);
        let in_the_clear = link.scheme() == "http" && family.is_in_the_clear() && is_loopback(&link);
        if !(link.scheme() == "https" || in_the_clear)
            || link.host().is_none()
            || !link.username().is_empty()
            || link.password().is_some()
        {
            let host = link.host_str().unwrap_or_default();
            return Err(refused(format!(
                "the platform's link leads to {}://{host}, and only https without a user's name is followed",
                link.scheme()
            )));
        }
        let call = Call { link: Some(link.clone()), ..call.clone() };
        if family.is_at(&link) {
            return match self.persist_at(family, &call, Signed::Not, read).await {
                Err(error) if matches!(error.status, Some(401 | 403)) => {
                    self.send_to_cloudview(&call, read).await
                }
                answer => answer,
            };
        }
        let server = Server::elsewhere(&self.endpoint, &link).map_err(|error| refused(error.to_string()))?;
        self.persist_at(&server, &call, Signed::Not, read).await
    }

    /// Makes the request until it succeeds or no further attempt is allowed, each time signed like this.
    pub(super) async fn persist<T>(
        &self,
        call: &Call,
        signed: Signed<'_>,
        read: &impl Fn(&Answer) -> Result<T, Fault>,
    ) -> Result<T, ApiError> {
        self.persist_at(self.hosts.of(call.host), call, signed, read).await
    }

    /// As [`Transport::persist`], at this server.
    async fn persist_at<T>(
        &self,
        server: &Server,
        call: &Call,
        signed: Signed<'_>,
        read: &impl Fn(&Answer) -> Result<T, Fault>,
    ) -> Result<T, ApiError> {
        let (mut failed, mut waited) = (0, Duration::ZERO);
        // Once an attempt may have been processed, a later one that was not does not take that back.
        let mut maybe_done = false;
        // The limit that was met last: what is said if it is not waited out.
        let mut met = None;
        loop {
            let mut lead = match signed {
                Signed::AsUser => match server.entry.pass().await {
                    Ok(lead) => lead,
                    Err(refused) => {
                        return Err(ApiError { outcome_unknown: maybe_done, ..refused.instead_of(call) });
                    }
                },
                Signed::Not | Signed::By(_) => None,
            };
            let waiting = Waiting {
                places: &self.places,
                stop: self.stop.get(),
                patience: self.retry.max_wait,
                tell: &|wait| self.tell_wait(server, call, wait),
            };
            let pass = match server.gate.pass(call.toll, waiting, &mut waited).await {
                Ok(pass) => pass,
                Err(KeptBack { left }) => {
                    let fault = met.take().unwrap_or_else(|| Fault::kept_back(left));
                    return Err(self.give_up(call, fault, maybe_done));
                }
            };
            let answer = ahead(&mut lead, self.attempt(server, call, signed)).await;
            let limits = answer.as_ref().ok().map(|answer| answer.limits.clone());
            let read = answer.and_then(|answer| read(&answer));
            if let Signed::AsUser = signed {
                server.entry.learn(&read);
            }
            let refused = match &read {
                Err(Fault { kind: ApiErrorKind::RateLimited { .. }, .. }) => {
                    Some(self.retry.pause_at_limit(pass.meets()))
                }
                Ok(_) | Err(_) => None,
            };
            match &limits {
                Some(limits) => pass.answered(Reply { limits, refused }),
                None => drop(pass),
            }
            let fault = match read {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
            };
            maybe_done |= fault.maybe_done && call.effect != Effect::Read;
            if refused.is_some() {
                // The gate keeps it back for as long as was asked, and all others to that server.
                met = Some(fault);
                self.count_retry();
                continue;
            }
            failed += 1;
            let again = match call.effect {
                Effect::Read | Effect::Settled => fault.transient,
                Effect::Once => fault.transient && !fault.maybe_done,
            };
            let pause = self.retry.pause(failed).max(fault.wait.unwrap_or_default());
            if !again || failed >= self.retry.attempts || waited.saturating_add(pause) > self.retry.max_wait {
                let error = self.give_up(call, fault, maybe_done);
                match (lead, signed) {
                    (Some(lead), _) => lead.fail(&error),
                    (None, Signed::AsUser) => server.entry.refuse(&error).await,
                    (None, Signed::Not | Signed::By(_)) => {}
                }
                return Err(error);
            }
            // Nobody is to wait through its rest.
            drop(lead);
            self.tell_retry(server, call, &fault, failed);
            waited = waited.saturating_add(pause);
            self.count_retry();
            if !self.rest(pause).await {
                return Err(self.give_up(call, fault, maybe_done));
            }
        }
    }

    /// Says that the platform's limits make a request wait, and all behind it.
    fn tell_wait(&self, server: &Server, call: &Call, wait: Wait) {
        let Wait { left, more, is_news } = wait;
        self.limited_ms.fetch_add(millis(more), Ordering::Relaxed);
        if !is_news {
            return;
        }
        let (wait_ms, host) = (millis(left), server.name());
        let seconds = left.as_secs_f64().ceil();
        match self.changes_left.load(Ordering::Relaxed) {
            0 => tracing::warn!(
                event = "rate_limited", wait_ms, host, operation = %call.operation,
                "waiting {seconds} s for the platform's rate limit"
            ),
            changes_left => tracing::warn!(
                event = "rate_limited", wait_ms, host, operation = %call.operation, changes_left,
                "waiting {seconds} s for the platform's rate limit, {changes_left} {} left",
                if changes_left == 1 { "change" } else { "changes" }
            ),
        }
    }

    /// Says that a request is sent again. That there was no answer is for people to know, once for all requests that wait
    /// for the same server.
    fn tell_retry(&self, server: &Server, call: &Call, fault: &Fault, failed: u32) {
        const ONCE_IN: Duration = Duration::from_secs(5);
        let (host, operation, said) = (server.name(), &call.operation, &fault.said);
        let is_news = || {
            let mut told = self.retry_told.lock().unwrap_or_else(PoisonError::into_inner);
            let is_news = told.as_ref().is_none_or(|(of, at)| of != host || at.elapsed() >= ONCE_IN);
            if is_news {
                *told = Some((host.to_owned(), Instant::now()));
            }
            is_news
        };
        if !matches!(fault.kind, ApiErrorKind::Transport) || !is_news() {
            tracing::debug!(%operation, failed, kind = ?fault.kind, "trying again");
            return;
        }
        let (next, attempts) = (failed + 1, self.retry.attempts);
        let said = match fault.source.as_deref().and_then(|source| source.downcast_ref::<reqwest::Error>()) {
            Some(error) if error.is_timeout() && !error.is_connect() => {
                format!("no answer in {}", span(self.endpoint.timeout))
            }
            Some(_) | None => said.clone(),
        };
        tracing::warn!(event = "retrying", host, %operation, "{said}, try {next} of {attempts}");
    }

    /// From now on, so many changes are left to be made; for whoever is told of a wait.
    pub(super) fn note_changes_left(&self, left: usize) {
        self.changes_left.store(left, Ordering::Relaxed);
    }

    /// How long the platform has asked to wait so far, all requests together.
    pub(super) fn limited(&self) -> Duration {
        Duration::from_millis(self.limited_ms.load(Ordering::Relaxed))
    }

    /// Rests between two attempts, or two looks; `false` where it was asked to stop meanwhile. Only rests are cut short: what
    /// was sent is waited for.
    pub(super) async fn rest(&self, pause: Duration) -> bool {
        let Some(stop) = self.stop.get() else {
            tokio::time::sleep(pause).await;
            return true;
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = stop.requested() => false,
        }
    }

    /// Where it leads to.
    pub(super) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether it speaks to just this endpoint, as this user.
    pub(super) fn serves(&self, endpoint: &Endpoint) -> bool {
        self.endpoint == *endpoint
    }

    /// From now on, a request to stop cuts short the rests between attempts.
    pub(super) fn heed(&self, stop: Stop) {
        // The first one stays: there is one request to stop in a process.
        let _ = self.stop.set(stop);
    }

    async fn attempt(&self, server: &Server, call: &Call, signed: Signed<'_>) -> Result<Answer, Fault> {
        let authorization = match signed {
            Signed::Not => None,
            Signed::AsUser => Some(&self.basic),
            Signed::By(authorization) => Some(authorization),
        };
        server.count();
        match call.effect {
            Effect::Read => &self.reads,
            Effect::Settled | Effect::Once => &self.writes,
        }
        .fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let answer = exchange(server, call, authorization).await;
        let duration_ms = millis(started.elapsed());
        let (method, path) = (&call.method, &call.path);
        match &answer {
            Ok((_, Answer { status, body, .. })) => {
                let (status, bytes) = (status.as_u16(), body.len());
                tracing::debug!(%method, path, status, duration_ms, bytes, "request");
            }
            Err(fault) => tracing::debug!(%method, path, duration_ms, fault = fault.said, "request failed"),
        }
        let (headers, answer) = answer?;
        self.note(&headers, &answer)?;
        Ok(answer)
    }

    /// Keeps which subscription answers, and refuses the answer of another subscription.
    fn note(&self, headers: &HeaderMap, answer: &Answer) -> Result<(), Fault> {
        let Some(found) = subscription(headers) else { return Ok(()) };
        // It is the platform's to say, and may be anything.
        let found = self.secrets.redact(&found);
        let first = self.last_subscription().replace(found.clone()).is_none();
        if first {
            tracing::debug!(subscription = found, "the platform names the subscription");
        }
        match &self.expected {
            Some(expected) if !Subscription::same_id(expected, &found) => {
                let said = format!("subscription {found} answers instead of {expected}");
                let fault = Fault::unsure(
                    ApiErrorKind::WrongSubscription { found: found.into() },
                    answer.status,
                    said,
                );
                Err(Fault { transient: false, ..fault })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn give_up(&self, call: &Call, fault: Fault, maybe_done: bool) -> ApiError {
        let Fault { kind, status, said, transient, maybe_done: _, wait, source } = fault;
        let present = |text: &str| {
            let line = one_line(&self.secrets.redact(text));
            line.trim_end_matches(['.', ' ']).to_owned()
        };
        let (said, maybe_done) = match &kind {
            ApiErrorKind::RateLimited { .. } => (limited(wait, &said), maybe_done),
            // The platform judged this very request: what came before it was refused as well.
            ApiErrorKind::Refused(_)
            | ApiErrorKind::Credentials
            | ApiErrorKind::Permission
            | ApiErrorKind::NotFound
            | ApiErrorKind::UnknownObject { .. }
            | ApiErrorKind::Account { .. } => (said, false),
            ApiErrorKind::Server
            | ApiErrorKind::Unreadable
            | ApiErrorKind::Unreachable(_)
            | ApiErrorKind::Transport
            | ApiErrorKind::WrongSubscription { .. } => (said, maybe_done),
        };
        let kind = match kind {
            ApiErrorKind::Refused(refusal) => ApiErrorKind::Refused(Box::new(Refusal {
                code: refusal.code.as_deref().map(present),
                message: present(&refusal.message),
                resolution: refusal.resolution.as_deref().map(present),
                remedy: refusal.remedy,
                fields: refusal.fields,
            })),
            other => other,
        };
        ApiError {
            operation: call.operation.clone(),
            object: call.object.as_deref().map(Box::from),
            host: call.host,
            module: call.module,
            kind,
            status,
            said: present(&said),
            outcome_unknown: maybe_done,
            transient,
            shut: None,
            source,
        }
    }

    /// The error for an answer that came well but whose content makes no sense.
    pub(super) fn unreadable(&self, call: &Call, said: String, maybe_done: bool) -> ApiError {
        let fault = Fault {
            kind: ApiErrorKind::Unreadable,
            status: None,
            said,
            transient: false,
            maybe_done,
            wait: None,
            source: None,
        };
        self.give_up(call, fault, maybe_done)
    }
}

/// One request and its answer, read whole.
async fn exchange(
    server: &Server,
    call: &Call,
    authorization: Option<&HeaderValue>,
) -> Result<(HeaderMap, Answer), Fault> {
    let mut request = server
        .client
        .request(call.method.clone(), server.url(call))
        .header(HeaderName::from_static("x-requested-with"), HeaderValue::from_static("trueup"))
        .header(ACCEPT, call.accept);
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization.clone());
    }
    if call.method != Method::GET || !call.body.is_empty() {
        request = request.header(CONTENT_TYPE, &*call.content_type).body(call.body.clone());
    }
    let mut response = request.send().await.map_err(|error| Fault::transport(error, None))?;
    let status = response.status();
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    let mut body = BytesMut::with_capacity(announced.unwrap_or(0).min(LONGEST_BODY));
    while let Some(chunk) =
        response.chunk().await.map_err(|error| Fault::transport(error, Some(status.as_u16())))?
    {
        if body.len() + chunk.len() > LONGEST_BODY {
            let said = format!("an answer of more than {} MiB", LONGEST_BODY >> 20);
            let fault = Fault::unsure(ApiErrorKind::Unreadable, status, said);
            return Err(Fault { transient: false, ..fault });
        }
        body.extend_from_slice(&chunk);
    }
    let headers = std::mem::take(response.headers_mut());
    let said = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let answer = Answer {
        status,
        location: said(LOCATION).and_then(|location| server.target(location)),
        limits: Limits::read(&headers, SystemTime::now()),
        body: lenient::text(body.freeze(), said(CONTENT_TYPE)),
    };
    Ok((headers, answer))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn limited(wait: Option<Duration>, said: &str) -> String {
    let limit = match wait {
        Some(wait) => format!("the rate limit asks to wait {} s", wait.as_secs_f64().ceil()),
        None => "the rate limit stays exceeded".to_owned(),
    };
    if said.is_empty() || said == "an empty answer" { limit } else { format!("{limit}: {said}") }
}

/// The subscription in `X-Powered-By: Qualys:<POD_ID>:<SUB_UUID>:<USER_UUID>` (Connectors API User Guide,
/// "Tracking API usage by user"). Sent only where support has switched it on.
fn subscription(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("x-powered-by")?.to_str().ok()?;
    let mut parts = value.trim().split(':');
    if !parts.next()?.eq_ignore_ascii_case("qualys") {
        return None;
    }
    let subscription = parts.nth(1)?.trim();
    (!subscription.is_empty()).then(|| subscription.to_owned())
}

/// The credentials as a header.
fn basic(username: &Secret, password: &Secret) -> HeaderValue {
    let pair = BASE64.encode(format!("{}:{}", username.expose(), password.expose()));
    // Base64 is made of characters that a header may hold.
    let mut authorization =
        HeaderValue::try_from(format!("Basic {pair}")).unwrap_or_else(|_| HeaderValue::from_static("Basic"));
    authorization.set_sensitive(true);
    authorization
}
