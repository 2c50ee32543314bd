//! The one entry for every request: body, faults, limits, latency, the routes, the log.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use bytes::BytesMut;
use futures::{StreamExt as _, stream};
use tokio::sync::Notify;

use super::account::Account;
use super::answer::{Answer, Request};
use super::connection::Connection;
use super::options::{RateLimit, RateLimitKind, RateLimitWait};
use super::traffic::{FaultKind, Traffic, limited};
use super::world::World;
use super::{control, routes};

/// Bodies beyond this are refused; ten thousand connectors in one seed call stay below it.
const MAX_BODY: usize = 64 << 20;

/// How long an answer is held back at most where the fault does not say.
const LONGEST_HOLD_MS: u64 = 60_000;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) url: String,
    pub(crate) account: Account,
    /// Whether the control calls show secrets as they are.
    pub(crate) show_secrets: bool,
    world: Mutex<World>,
    traffic: Mutex<Traffic>,
    /// When the calls came that count against the rate limit.
    window: Mutex<VecDeque<Instant>>,
    /// Rung when faults are taken away.
    released: Notify,
}

impl Shared {
    pub(crate) fn new(
        url: String,
        username: String,
        password: String,
        show_secrets: bool,
        world: World,
    ) -> Self {
        Self {
            url,
            account: Account::new(username, password),
            show_secrets,
            world: Mutex::new(world),
            traffic: Mutex::default(),
            window: Mutex::default(),
            released: Notify::new(),
        }
    }

    /// The objects and options. A handler that panicked leaves them usable: every change is made whole under the lock.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all faults away but lasting ones, and lets go what they hold.
    pub(crate) fn heal(&self) {
        self.traffic().faults.retain(|fault| fault.lasting);
        self.released.notify_waiters();
    }

    /// Waits until that fault is taken away, but not beyond `latest`.
    async fn wait_for_release(&self, fault: u64, latest: tokio::time::Instant) {
        loop {
            // Listened for before looking: a release in between is not missed.
            let released = self.released.notified();
            let mut released = std::pin::pin!(released);
            released.as_mut().enable();
            if !self.traffic().faults.iter().any(|other| other.id == fault) {
                return;
            }
            if tokio::time::timeout_at(latest, released).await.is_err() {
                return;
            }
        }
    }

    /// Counts a request against the rate limit.
    fn meter(&self) -> Metered {
        let (kind, counts, told, limit, seconds) = {
            let world = self.world();
            let options = &world.options;
            let told = options.rate_limit_wait == RateLimitWait::Told;
            (
                options.rate_limit,
                options.rate_limit_kind,
                told,
                options.rate_limit_requests,
                options.rate_limit_window,
            )
        };
        let status = match kind {
            RateLimit::None => return Metered::Under(Vec::new()),
            RateLimit::Conflict => 409,
            RateLimit::TooMany => 429,
        };
        let (length, now) = (Duration::from_secs(seconds), Instant::now());
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |at: &Instant| now.duration_since(*at) >= length;
        match counts {
            RateLimitKind::Sliding => {
                while window.front().is_some_and(is_over) {
                    window.pop_front();
                }
            }
            RateLimitKind::Fixed if window.front().is_some_and(is_over) => window.clear(),
            RateLimitKind::Fixed => {}
        }
        let count = window.len() as u64;
        if count < limit {
            window.push_back(now);
        }
        let passed = window.front().map_or(Duration::ZERO, |first| now.duration_since(*first));
        let wait = length.saturating_sub(passed).as_secs() + 1;
        if count >= limit {
            return Metered::Over(limited(status, None, Some(wait).filter(|_| told), limit, seconds));
        }
        let remaining = limit - count - 1;
        let mut headers = vec![
            ("X-RateLimit-Limit", limit),
            ("X-RateLimit-Window-Sec", seconds),
            ("X-RateLimit-Remaining", remaining),
        ];
        // The gateway's answers have no such header.
        if status == 409 && told {
            headers.push(("X-RateLimit-ToWait-Sec", if remaining == 0 { wait } else { 0 }));
        }
        Metered::Under(
            headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_string())).collect(),
        )
    }
}

/// Where a request stands in its window.
enum Metered {
    /// The headers that tell what is left; none where there is no limit.
    Under(Vec<(String, String)>),
    Over(Answer),
}

/// What becomes of the answer on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Whole,
    Torn,
    Never,
}

/// Answers every request.
pub(crate) async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = match read(&parts.headers, body).await {
        Ok(body) => body,
        Err(refusal) => return send(refusal, Delivery::Whole, &connection),
    };
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    // Somebody else's page in a browser on this machine is no more than a stranger.
    if request.path.starts_with("/_sim/") {
        let answer = if !connection.peer.ip().is_loopback() {
            Answer::html(403, "Control calls are for this machine alone")
        } else if let Some(refusal) = control::refuse(&parts.uri, &request) {
            refusal
        } else {
            control::answer(&shared, &request)
        };
        return send(answer, Delivery::Whole, &connection);
    }

    let Served { answer, delivery, due, held, wrong_login } = serve(&shared, &request);
    let status = if delivery == Delivery::Never { 0 } else { answer.status };
    // Before the wait: a client that goes away meanwhile has asked all the same.
    shared.traffic().log.record(&request, status, &answer, wrong_login);
    // What takes time is the way back: the request is carried out at once, its answer held back until due.
    match held {
        Some(fault) => shared.wait_for_release(fault, due).await,
        None if due > tokio::time::Instant::now() => tokio::time::sleep_until(due).await,
        None => {}
    }
    send(answer, delivery, &connection)
}

/// The body, read whole; or why not.
async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Answer> {
    let too_large = || Answer::html(413, "Payload Too Large");
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    // Refused before it comes: nobody waits for it to be sent.
    if declared.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(too_large());
    }
    let (mut parts, mut whole) = (body.into_data_stream(), BytesMut::new());
    while let Some(part) = parts.next().await {
        // One whose parts are not what HTTP says, or whose sender went away.
        let part = part.map_err(|_| Answer::html(400, "Bad Request"))?;
        if whole.len() + part.len() > MAX_BODY {
            return Err(too_large());
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.freeze())
}

/// An answer on its way out.
struct Served {
    answer: Answer,
    delivery: Delivery,
    /// Not before this; where it is held, at the latest then.
    due: tokio::time::Instant,
    /// The fault that holds it back.
    held: Option<u64>,
    /// Whether the platform saw a name or password that is not the account's.
    wrong_login: bool,
}

fn serve(shared: &Arc<Shared>, request: &Request) -> Served {
    let fault = shared.traffic().next_fault(request);
    let latency = shared.world().options.latency_ms;
    let kind = fault.as_ref().map(|fault| fault.kind);
    let held = fault.as_ref().filter(|fault| fault.kind == FaultKind::Hold).map(|fault| fault.id);
    let ms =
        fault.as_ref().and_then(|fault| fault.ms).unwrap_or(if held.is_some() { LONGEST_HOLD_MS } else { 0 });
    let due = tokio::time::Instant::now() + Duration::from_millis(latency.saturating_add(ms));
    let stand_in = fault.as_ref().and_then(super::traffic::Fault::answer);
    let dropped = kind == Some(FaultKind::Drop);
    let processed = !dropped && fault.as_ref().is_none_or(|fault| fault.process || stand_in.is_none());
    let wrong_login = processed && routes::is_wrong_login(shared, request);
    let answered = if processed {
        let metered = if routes::is_metered(request) { shared.meter() } else { Metered::Under(Vec::new()) };
        match metered {
            Metered::Over(answer) => {
                let described = routes::describe(request);
                Answer { write: described.write, without_id: described.without_id, ..answer }
            }
            Metered::Under(headers) => {
                let mut answer = routes::answer(shared, request);
                answer.headers.extend(headers);
                answer
            }
        }
    } else {
        routes::describe(request)
    };
    let answer = match stand_in {
        Some(stand_in) => Answer { write: answered.write, without_id: answered.without_id, ..stand_in },
        None => fault.iter().fold(answered, |answer, fault| fault.change(answer)),
    };
    let delivery = match kind {
        Some(FaultKind::Drop | FaultKind::Lost) => Delivery::Never,
        Some(FaultKind::Torn) => Delivery::Torn,
        _ => Delivery::Whole,
    };
    Served { answer, delivery, due, held, wrong_login }
}

fn send(answer: Answer, delivery: Delivery, connection: &Connection) -> Response {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    let body = match delivery {
        Delivery::Whole => Body::from(answer.body),
        Delivery::Never => {
            connection.cut();
            Body::empty()
        }
        Delivery::Torn => {
            builder = builder.header("content-length", answer.body.len());
            torn(answer.body.slice(..answer.body.len() / 2), connection.clone())
        }
    };
    builder.body(body).unwrap_or_else(|_| Response::new(Body::from("an answer with an impossible header")))
}

/// Half a body under a whole body's length, then the end of the connection.
fn torn(half: Bytes, connection: Connection) -> Body {
    let parts = stream::unfold(Some(half), move |half| {
        let connection = connection.clone();
        async move {
            if let Some(bytes) = half {
                return Some((Ok::<_, std::io::Error>(bytes), None));
            }
            // The server flushes what it has when the body has nothing ready; only then is the connection cut.
            tokio::task::yield_now().await;
            connection.cut();
            Some((Err(std::io::ErrorKind::ConnectionAborted.into()), None))
        }
    });
    Body::from_stream(parts)
}

/// The service that the listener drives.
pub(crate) type Service = axum::Router;

/// All paths lead to [`handle`]: the families decide themselves what they know.
pub(crate) fn service(shared: Arc<Shared>) -> Service {
    axum::Router::new().fallback(handle).with_state(shared)
}
