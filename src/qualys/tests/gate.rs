//! Waits at the gate before a server: one for all that wait.

use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;

use super::stub::{Play, Stub, reply, with};
use super::{fine, patient, transport};
use crate::qualys::RetryPolicy;
use crate::qualys::call::{Call, Effect};
use crate::qualys::error::ApiErrorKind;
use crate::stop::Stop;

fn look() -> Call {
    Call::new("list things", Method::GET, "/things", Effect::Read)
}

/// An answer that leaves so many calls of two in a minute.
fn leaves(remaining: &str) -> Play {
    let answer = with(reply(200, "{}"), "X-RateLimit-Limit", "2");
    with(with(answer, "X-RateLimit-Window-Sec", "60"), "X-RateLimit-Remaining", remaining)
}

#[tokio::test(start_paused = true)]
async fn many_that_wait_make_one_wait_and_one_alone_finds_out_whether_it_is_over() {
    let stub = Stub::plays([leaves("0"), leaves("1"), leaves("0"), leaves("1"), leaves("0")]).await;
    let connection = transport(patient(&stub));
    connection.send(&look(), fine).await.unwrap();
    let calls: Vec<Call> = (0..4).map(|_| look()).collect();
    for done in join_all(calls.iter().map(|call| connection.send(call, fine))).await {
        done.unwrap();
    }
    let asked: Vec<_> = stub.asked().iter().map(|asked| asked.at).collect();
    let seconds: Vec<u64> = asked.iter().map(|at| (*at - asked[0]).as_secs()).collect();
    assert_eq!(seconds, [0, 60, 60, 120, 120], "two a minute");
    let waited = connection.limited().as_secs();
    assert!((119..=121).contains(&waited), "two waits, however many wait: {waited} s");
}

#[tokio::test(start_paused = true)]
async fn an_hour_is_waited_and_a_day_is_not() {
    for (seconds, fine_too) in [("3600", true), ("86274", false)] {
        let stub = Stub::plays([with(reply(429, ""), "Retry-After", seconds), reply(200, "{}")]).await;
        let mut endpoint = patient(&stub);
        endpoint.retry = RetryPolicy::default();
        let sent = transport(endpoint).send(&look(), fine).await;
        match sent {
            Ok(()) => assert!(fine_too, "{seconds}"),
            Err(error) => {
                assert!(!fine_too, "{seconds}: {error}");
                assert_eq!(error.kind, ApiErrorKind::RateLimited { wait: Some(Duration::from_secs(86_274)) });
                assert_eq!(stub.asked().len(), 1, "{seconds}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_to_stop_ends_the_wait_of_all() {
    let stub = Stub::plays([leaves("0")]).await;
    let connection = transport(patient(&stub));
    connection.send(&look(), fine).await.unwrap();
    let stop = Stop::new();
    connection.heed(stop.clone());
    let calls: Vec<Call> = (0..4).map(|_| look()).collect();
    let waiting = join_all(calls.iter().map(|call| connection.send(call, fine)));
    let start = tokio::time::Instant::now();
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        stop.request();
    };
    let (ended, ()) = tokio::join!(waiting, stopping);
    assert!(ended.iter().all(Result::is_err));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(stub.asked().len(), 1);
}
