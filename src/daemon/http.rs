//! What the daemon serves over HTTP: a status page, health, metrics, the plan. Nothing here changes anything.
//!
//! There is no login. On loopback, where it listens unless told otherwise, it answers only to names of
//! loopback, so that a web page cannot read it by having its own name resolve to 127.0.0.1. Who listens
//! elsewhere decides who can reach it.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::routing::get;
use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tracing::{debug, error, info};

use super::board::Board;
use super::listener::Limited;
use super::page;
use crate::loopback;
use crate::stop::Stop;
use crate::visible::visible_json;

/// How long answers that are under way may take once it is to end.
const GRACE: Duration = Duration::from_secs(2);

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN_METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// On every answer. The page loads nothing, runs nothing, and is shown in no frame.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("could not listen on {address}")]
pub struct ListenError {
    /// The address.
    pub address: SocketAddr,
    #[source]
    source: ListenFailure,
}

/// The system's reason, without its number.
#[derive(Debug)]
struct ListenFailure(io::Error);

impl fmt::Display for ListenFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.kind() {
            io::ErrorKind::AddrInUse => f.write_str("address already in use"),
            io::ErrorKind::AddrNotAvailable => f.write_str("this machine does not have that address"),
            io::ErrorKind::PermissionDenied => f.write_str("permission denied"),
            _ => self.0.fmt(f),
        }
    }
}

impl Error for ListenFailure {}

/// A server that runs. Dropped, it ends when it has answered what it was asked.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Stop,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens, and serves what is on the board from now on.
    pub async fn start(address: SocketAddr, board: Board) -> Result<Server, ListenError> {
        let failed = |error| ListenError { address, source: ListenFailure(error) };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = Stop::new();
        let ending = stop.clone();
        let task = tokio::spawn(async move {
            let graceful = ending.clone();
            let server = axum::serve(Limited::new(listener), router(board, address))
                .with_graceful_shutdown(async move { graceful.requested().await });
            let too_late = async {
                ending.requested().await;
                tokio::time::sleep(GRACE).await;
            };
            tokio::select! {
                ended = server => if let Err(error) = ended {
                    error!(event = "http_failed", %error, "the HTTP server ended");
                },
                () = too_late => debug!(event = "http_cut", "a client took too long, its connection was cut"),
            }
        });
        info!(event = "http_listening", %address);
        Ok(Server { address, stop, task })
    }

    /// Where it listens: the port is the real one where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, answers those that it has, and frees the address.
    pub async fn stop(mut self) {
        self.stop.request();
        // An error would be a panic, which the panic hook has told of.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.request();
    }
}

fn router(board: Board, address: SocketAddr) -> Router {
    Router::new()
        .route("/", get(status_page))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/api/v1/plan", get(plan))
        .route("/api/v1/status", get(status))
        .fallback(async || failure(StatusCode::NOT_FOUND, "no such page"))
        .layer(middleware::from_fn_with_state(address, guard))
        .with_state(board)
}

/// Refuses what is not meant for us, and sets the headers of every answer.
async fn guard(State(address): State<SocketAddr>, request: Request, next: Next) -> Response<Body> {
    let mut response = if !names_us(address, &request) {
        failure(StatusCode::MISDIRECTED_REQUEST, "this server answers to names of loopback only")
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response =
            failure(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD: nothing can be changed here");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        response
    } else {
        next.run(request).await
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether the request names this server as its own machine would.
fn names_us(address: SocketAddr, request: &Request) -> bool {
    if !address.ip().to_canonical().is_loopback() {
        return true;
    }
    loopback::is_named(request.uri(), request.headers())
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn failure(status: StatusCode, message: &str) -> Response<Body> {
    answer(status, JSON, json!({ "error": message }).to_string())
}

async fn status_page(State(board): State<Board>) -> Response<Body> {
    match page::render(&board.status()) {
        Ok(page) => answer(StatusCode::OK, HTML, page),
        Err(error) => {
            error!(event = "http_failed", %error, "the status page could not be made");
            failure(StatusCode::INTERNAL_SERVER_ERROR, "the status page could not be made")
        }
    }
}

async fn healthz(State(board): State<Board>) -> Response<Body> {
    match board.why_dead() {
        None => answer(StatusCode::OK, JSON, json!({ "status": "ok" }).to_string()),
        Some(why) => failure(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}

async fn readyz(State(board): State<Board>) -> Response<Body> {
    let (status, body) = match board.status().ready(Timestamp::now()) {
        Ok(()) => (StatusCode::OK, json!({ "ready": true })),
        Err(reason) => {
            (StatusCode::SERVICE_UNAVAILABLE, json!({ "ready": false, "reason": reason.to_string() }))
        }
    };
    answer(status, JSON, body.to_string())
}

async fn metrics(State(board): State<Board>, headers: HeaderMap) -> Response<Body> {
    // Prometheus asks for OpenMetrics by name. Others get the same text under the name that they can read.
    let open = headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("application/openmetrics-text")));
    answer(StatusCode::OK, if open { OPEN_METRICS } else { PLAIN_METRICS }, board.metrics().render())
}

async fn plan(State(board): State<Board>) -> Response<Body> {
    match board.status().plan_json {
        Some(plan) => answer(StatusCode::OK, JSON, Body::from(bytes::Bytes::from_owner(Shared(plan)))),
        None => failure(StatusCode::SERVICE_UNAVAILABLE, "there is no plan yet"),
    }
}

/// A plan that is sent without being copied.
struct Shared(Arc<str>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

async fn status(State(board): State<Board>) -> Response<Body> {
    match serde_json::to_string(&board.status()).map(|json| visible_json(&json)) {
        Ok(json) => answer(StatusCode::OK, JSON, json),
        Err(error) => {
            error!(event = "http_failed", %error, "the status could not be written");
            failure(StatusCode::INTERNAL_SERVER_ERROR, "the status could not be written")
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::super::board::tests::{PLAN, at};
    use super::super::triggers::Trigger;
    use super::*;
    use crate::reconcile::PassOutcome as Outcome;

    struct Answer {
        status: u16,
        head: String,
        body: String,
    }

    async fn start() -> (Server, Board) {
        let board = Board::new("1.2.3", Timestamp::now());
        let server = Server::start("127.0.0.1:0".parse().unwrap(), board.clone()).await.unwrap();
        (server, board)
    }

    /// Sends these lines as they are, and reads until the server closes.
    async fn send(server: &Server, lines: &[&str]) -> Answer {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let request = format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"));
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    async fn fetch(server: &Server, path: &str) -> Answer {
        send(server, &[&format!("GET {path} HTTP/1.1"), "Host: localhost"]).await
    }

    #[tokio::test]
    async fn the_plan_is_served_byte_for_byte_once_there_is_one() {
        let (server, board) = start().await;
        let before = fetch(&server, "/api/v1/plan").await;
        assert_eq!((before.status, before.body.as_str()), (503, r#"{"error":"there is no plan yet"}"#));
        board.plan(PLAN.into()).unwrap();
        let after = fetch(&server, "/api/v1/plan").await;
        assert_eq!((after.status, after.body.as_str()), (200, PLAN));
        assert!(after.head.contains("content-type: application/json"), "{}", after.head);
        let head = send(&server, &["HEAD /api/v1/plan HTTP/1.1", "Host: localhost"]).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
    }

    #[tokio::test]
    async fn readiness_gives_its_reason_and_health_ends_with_the_loop() {
        let (server, board) = start().await;
        assert_eq!(fetch(&server, "/healthz").await.status, 200);
        let alive = board.loop_begins();
        let answer = fetch(&server, "/readyz").await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.body, r#"{"ready":false,"reason":"no valid configuration"}"#);
        board.config_loaded(&[], at(1));
        board.pass_begins("r1", Trigger::Startup, at(2));
        assert!(fetch(&server, "/readyz").await.body.contains("the first pass has not finished"));
        board.pass_ends(Outcome::InSync, None, at(3), Duration::from_secs(1));
        let answer = fetch(&server, "/readyz").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"ready":true}"#));
        assert_eq!(fetch(&server, "/healthz").await.status, 200);
        drop(alive);
        assert_eq!(fetch(&server, "/healthz").await.status, 503);
    }

    #[tokio::test]
    async fn the_status_says_what_the_board_does() {
        let (server, board) = start().await;
        board.plan(PLAN.into()).unwrap();
        let answer = fetch(&server, "/api/v1/status").await;
        assert_eq!(answer.status, 200);
        let status: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(status["format"], "trueup.status/v1");
        assert_eq!(status["version"], "1.2.3");
        assert_eq!(status["state"], "starting");
        assert_eq!(status["plan"]["summary"]["live"], 418);
        assert_eq!(status["drifted"][0]["since"], "2026-11-21T02:14:00Z");
        assert!(status.get("plan_json").is_none());
    }

    #[tokio::test]
    async fn metrics_are_labelled_as_the_scraper_asked() {
        let (server, _board) = start().await;
        let answer = fetch(&server, "/metrics").await;
        assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
        assert!(answer.body.contains("trueup_build_info{version=\"1.2.3\"} 1"), "{}", answer.body);
        let accept = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1";
        let answer = send(&server, &["GET /metrics HTTP/1.1", "Host: localhost", accept]).await;
        assert!(answer.head.contains("content-type: application/openmetrics-text"), "{}", answer.head);
        assert!(answer.body.ends_with("# EOF\n"));
    }

    #[tokio::test]
    async fn the_page_shows_the_plan_and_escapes_what_the_platform_says() {
        let (server, board) = start().await;
        assert_eq!(fetch(&server, "/").await.status, 200);
        board.plan(PLAN.into()).unwrap();
        let answer = fetch(&server, "/").await;
        assert!(answer.head.contains("content-type: text/html; charset=utf-8"), "{}", answer.head);
        for text in [
            "azure/corp-shared",
            "prune: never",
            "aws/old",
            "FINISHED_ERRORS",
            "the platform said 500",
            "a warning",
        ] {
            assert!(answer.body.contains(text), "no {text} in {}", answer.body);
        }
        assert!(!answer.body.contains("<b>no</b>"), "{}", answer.body);
        assert!(!answer.body.contains("<script"), "{}", answer.body);
    }

    #[tokio::test]
    async fn every_answer_has_the_headers_that_keep_browsers_safe() {
        let (server, _board) = start().await;
        for path in ["/", "/api/v1/plan", "/nowhere"] {
            let head = fetch(&server, path).await.head;
            for header in [
                "content-security-policy: default-src 'none'; style-src 'unsafe-inline'",
                "x-content-type-options: nosniff",
                "cache-control: no-store",
            ] {
                assert!(head.contains(header), "no {header} on {path}:\n{head}");
            }
        }
    }

    #[tokio::test]
    async fn only_get_and_head_are_answered_and_only_known_paths() {
        let (server, _board) = start().await;
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
            let answer =
                send(&server, &[&format!("{method} /api/v1/plan HTTP/1.1"), "Host: localhost"]).await;
            assert_eq!(answer.status, 405, "{method}");
            assert!(answer.head.contains("allow: get, head"), "{}", answer.head);
            serde_json::from_str::<serde_json::Value>(&answer.body).unwrap();
        }
        let answer = fetch(&server, "/api/v2/plan").await;
        assert_eq!((answer.status, answer.body.as_str()), (404, r#"{"error":"no such page"}"#));
    }

    #[tokio::test]
    async fn on_loopback_only_names_of_loopback_are_answered() {
        let (server, _board) = start().await;
        for (host, expected) in [
            ("localhost", 200),
            ("LOCALHOST:9464", 200),
            ("127.0.0.1:1", 200),
            ("127.1.2.3", 200),
            ("[::1]:9464", 200),
            ("evil.example", 421),
            ("localhost.evil.example", 421),
            ("127.0.0.1.evil.example:9464", 421),
            ("10.0.0.1", 421),
            ("", 421),
        ] {
            let answer = send(&server, &["GET /healthz HTTP/1.1", &format!("Host: {host}")]).await;
            assert_eq!(answer.status, expected, "{host}");
        }
        let answer = send(&server, &["GET http://evil.example/healthz HTTP/1.1", "Host: localhost"]).await;
        assert_eq!(answer.status, 421);
        // A load balancer's check, which names nobody.
        assert_eq!(send(&server, &["GET /healthz HTTP/1.0"]).await.status, 200);
    }

    #[tokio::test]
    async fn a_taken_address_is_named_with_the_reason() {
        let (server, board) = start().await;
        let error = Server::start(server.address(), board).await.unwrap_err();
        assert_eq!(error.to_string(), format!("could not listen on {}", server.address()));
        assert_eq!(error.source().unwrap().to_string(), "address already in use");
    }

    #[tokio::test]
    async fn a_stopped_server_frees_its_address_even_while_a_client_holds_on() {
        let (server, board) = start().await;
        let address = server.address();
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nHost: local").await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), server.stop()).await.unwrap();
        assert!(Server::start(address, board).await.is_ok());
    }
}
