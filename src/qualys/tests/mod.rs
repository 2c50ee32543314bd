//! The client below its public face: what no kind asks for by itself.

#[path = "../../../tests/stub/mod.rs"]
mod stub;

mod budget;
mod door;
mod entry;
mod gate;
mod hosts;
mod rest;
mod token;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use stub::{Asked, Play, Stub, reply};

use super::Endpoint;
use super::answer::{Answer, Fault};
use super::call::{Call, Effect, Host};
use super::transport::Transport;

/// A gateway that gives `token-1`, `token-2`, … and answers the rest by this function.
async fn gateway(play: impl Fn(&Asked) -> Play + Send + Sync + 'static) -> Stub {
    let given = AtomicUsize::new(0);
    Stub::answers(move |_, asked| match asked.path.as_str() {
        "/auth" => reply(201, format!("token-{}\n", given.fetch_add(1, Ordering::SeqCst) + 1)),
        _ => play(asked),
    })
    .await
}

fn bearer(asked: &Asked) -> &str {
    asked.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
}

/// `POST /auth`, `GET /things token-1`: what was asked and with which token.
fn trace(stub: &Stub) -> Vec<String> {
    let line = |asked: &Asked| format!("{} {} {}", asked.method, asked.path, bearer(asked));
    stub.asked().iter().map(|asked| line(asked).trim_end().to_owned()).collect()
}

fn listing() -> Call {
    Call::new("list things", Method::GET, "/things", Effect::Read).at(Host::Gateway)
}

fn creation() -> Call {
    Call::new("create thing", Method::POST, "/things", Effect::Once).at(Host::Gateway).about("thing/a")
}

fn transport(endpoint: Endpoint) -> Transport {
    Transport::new(endpoint).unwrap()
}

/// Where the clock is paused, a timeout would fire at once.
fn patient(stub: &Stub) -> Endpoint {
    Endpoint { timeout: Duration::MAX, ..stub.endpoint() }
}

/// For calls of which the answer's success alone matters.
fn fine(answer: &Answer) -> Result<(), Fault> {
    super::rest::done(answer)
}
