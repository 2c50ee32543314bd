//! User and password at a server where nobody knows whether they are taken: one request goes first, and what it is told
//! is told to all that wait. On one thread all have asked before the first answer can be read.

use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;

use super::stub::{Play, Stub, reply, with};
use super::{fine, patient, transport};
use crate::qualys::call::{Call, Effect};
use crate::qualys::error::{ApiError, ApiErrorKind};
use crate::qualys::transport::Transport;
use crate::qualys::{Endpoint, Reader, Requests, RetryPolicy};
use crate::resource::Kind;
use crate::stop::Stop;

const KINDS: [Kind; 4] = [Kind::Aws, Kind::Azure, Kind::Gcp, Kind::Tag];

fn look() -> Call {
    Call::new("list things", Method::GET, "/things", Effect::Read)
}

/// Eight at once.
async fn looks(transport: &Transport) -> Vec<Result<(), ApiError>> {
    let calls: Vec<Call> = (0..8).map(|_| look()).collect();
    join_all(calls.iter().map(|call| transport.send(call, fine))).await
}

fn kinds_of(results: &[Result<(), ApiError>]) -> Vec<Option<ApiErrorKind>> {
    results.iter().map(|result| result.as_ref().err().map(|error| error.kind.clone())).collect()
}

/// Each request is sent once, whatever comes of it.
fn hasty(stub: &Stub) -> Endpoint {
    let retry = RetryPolicy { attempts: 1, ..stub.endpoint().retry };
    Endpoint { retry, ..stub.endpoint() }
}

fn error_is_named(error: &ApiError) -> bool {
    error.to_string().contains("INVALID_CREDENTIALS")
}

fn envelope(code: &str) -> String {
    format!(
        "{{\"ServiceResponse\": {{\"responseCode\": \"{code}\", \"responseErrorDetails\": {{\"errorMessage\": \"no\"}}}}}}"
    )
}

#[tokio::test]
async fn eight_listings_at_once_try_a_wrong_password_once_and_a_doubtful_one_twice() {
    for (refusal, kind, tries) in [
        // It may be about the question: the second one decides.
        (reply(401, ""), ApiErrorKind::Credentials, 2),
        (reply(401, envelope("UNAUTHORIZED")), ApiErrorKind::Credentials, 2),
        (reply(401, envelope("INVALID_CREDENTIALS")), ApiErrorKind::Credentials, 1),
        (reply(200, envelope("INVALID_CREDENTIALS")), ApiErrorKind::Credentials, 1),
        (reply(409, envelope("2003")), ApiErrorKind::Account { code: 2003 }, 1),
    ] {
        let stub = Stub::plays([refusal]).await;
        let reader = Reader::connect(stub.endpoint()).unwrap();
        let listings = KINDS.iter().chain(&KINDS).map(|kind| reader.list(*kind));
        let errors: Vec<ApiError> =
            join_all(listings).await.into_iter().map(|listing| listing.unwrap_err()).collect();
        assert_eq!(stub.asked().len(), tries, "{}", errors[0]);
        assert_eq!(reader.requests(), Requests { reads: tries as u64, writes: 0, retries: 0 });
        let cause = errors[0].to_string().split_once(": ").unwrap().1.to_owned();
        for (error, kind_listed) in errors.iter().zip(KINDS.iter().chain(&KINDS)) {
            assert_eq!(error.kind, kind);
            assert!(!error.outcome_unknown());
            assert!(error.hint().is_some(), "{error}");
            assert!(error.to_string().ends_with(&cause), "{error}");
            // Each is told of what it was itself about.
            let own = Reader::connect(stub.endpoint()).unwrap().list(*kind_listed).await.unwrap_err();
            assert_eq!(error.to_string(), own.to_string());
        }
        let before = stub.asked().len();
        reader.list(Kind::Aws).await.unwrap_err();
        // Who comes later asks anew, unless the password itself was refused.
        let is_named = error_is_named(&reader.list(Kind::Aws).await.unwrap_err());
        assert_eq!(stub.asked().len(), if is_named { before } else { before + 2 });
    }
}

/// A kind that the user may not see, and that the platform refuses as if it did not know the user.
#[tokio::test]
async fn one_question_that_is_refused_by_a_401_keeps_none_of_the_others_back() {
    let stub = Stub::plays([reply(401, ""), reply(200, "{}")]).await;
    let results = looks(&transport(hasty(&stub))).await;
    let refused = results.iter().filter(|result| result.is_err()).count();
    assert_eq!((refused, stub.asked().len()), (1, 8));
}

#[tokio::test]
async fn once_one_was_answered_all_go_side_by_side() {
    // None of the further ones is answered, so that all of them are there at the same time.
    for first in [reply(200, "{}"), reply(403, ""), reply(404, ""), reply(400, "")] {
        let stub = Stub::plays([first, Play::Silence]).await;
        let transport = transport(Endpoint { concurrency: 8, ..stub.endpoint() });
        let all_are_there = async {
            while stub.asked().len() < 8 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = looks(&transport) => panic!("nobody answers"),
            () = all_are_there => {}
        }
    }
}

#[tokio::test]
async fn an_answer_that_says_nothing_of_the_user_lets_the_next_one_find_out() {
    let html = "<!DOCTYPE html><html><head><title>Proxy</title></head></html>";
    for (nothing, kind) in [
        (reply(500, ""), ApiErrorKind::Server),
        (reply(200, html), ApiErrorKind::Unreadable),
        (Play::Close, ApiErrorKind::Transport),
    ] {
        let wrong = reply(401, envelope("INVALID_CREDENTIALS"));
        let stub = Stub::plays([nothing.clone(), wrong]).await;
        let told = kinds_of(&looks(&transport(hasty(&stub))).await);
        assert_eq!(told[0], Some(kind.clone()));
        assert!(told[1..].iter().all(|told| *told == Some(ApiErrorKind::Credentials)), "{told:?}");
        assert_eq!(stub.asked().len(), 2, "{kind:?}");

        let stub = Stub::plays([nothing, reply(200, "{}")]).await;
        let transport = transport(stub.endpoint());
        assert_eq!(kinds_of(&looks(&transport).await), vec![None; 8]);
        assert_eq!((stub.asked().len(), transport.requests().retries), (9, 1), "{kind:?}");
    }
}

#[tokio::test]
async fn a_limit_is_met_by_one_and_says_nothing_of_the_user() {
    let limit = with(reply(429, ""), "x-ratelimit-towait-sec", "0");
    let stub = Stub::plays([limit, reply(401, "")]).await;
    let told = kinds_of(&looks(&transport(stub.endpoint())).await);
    assert_eq!(told, vec![Some(ApiErrorKind::Credentials); 8]);
    // The one that met the limit may come again when the others are told already.
    assert!((2..=3).contains(&stub.asked().len()), "{}", stub.asked().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_place_is_enough_for_all() {
    for answer in [reply(200, "{}"), reply(401, ""), reply(503, "")] {
        let stub = Stub::plays([answer]).await;
        let transport = transport(Endpoint { concurrency: 1, ..stub.endpoint() });
        let ended = tokio::time::timeout(Duration::from_secs(20), looks(&transport)).await;
        assert_eq!(ended.unwrap().len(), 8);
    }
}

#[tokio::test]
async fn a_request_to_stop_ends_the_wait_of_the_first_and_of_those_behind_it() {
    let stub = Stub::plays([with(reply(429, ""), "Retry-After", "60")]).await;
    let transport = transport(stub.endpoint());
    let stop = Stop::new();
    transport.heed(stop.clone());
    let stopping = async {
        while stub.asked().is_empty() || transport.limited().is_zero() {
            tokio::task::yield_now().await;
        }
        stop.request();
    };
    let both = async { tokio::join!(looks(&transport), stopping) };
    let (ended, ()) = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
    assert!(ended.iter().all(Result::is_err));
    assert_eq!(stub.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_first_answer_that_does_not_come_keeps_nobody_waiting_for_ever() {
    let stub = Stub::plays([Play::Silence, reply(200, "{}")]).await;
    let transport = transport(patient(&stub));
    let call = look();
    let first = transport.send(&call, fine);
    tokio::select! {
        biased;
        _ = first => panic!("it is not answered"),
        others = looks(&transport) => assert_eq!(kinds_of(&others), vec![None; 8]),
    }
}

#[tokio::test]
async fn what_was_known_a_while_ago_is_found_out_anew() {
    let wrong = reply(401, envelope("INVALID_CREDENTIALS"));
    let stub = Stub::plays([reply(200, "{}"), wrong]).await;
    let transport = transport(stub.endpoint());
    transport.send(&look(), fine).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(2)).await;
    tokio::time::resume();
    // The password was changed meanwhile.
    assert_eq!(kinds_of(&looks(&transport).await), vec![Some(ApiErrorKind::Credentials); 8]);
    assert_eq!(stub.asked().len(), 2);
}

#[tokio::test]
async fn a_password_that_is_refused_as_such_is_not_sent_again_for_a_quarter_of_an_hour() {
    let stub = Stub::plays([reply(401, envelope("INVALID_CREDENTIALS"))]).await;
    let transport = transport(stub.endpoint());
    for _ in 0..3 {
        assert_eq!(kinds_of(&looks(&transport).await), vec![Some(ApiErrorKind::Credentials); 8]);
    }
    assert_eq!(stub.asked().len(), 1, "whoever comes later is told so too");
    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(16)).await;
    tokio::time::resume();
    assert_eq!(kinds_of(&looks(&transport).await), vec![Some(ApiErrorKind::Credentials); 8]);
    assert_eq!(stub.asked().len(), 2);
}

#[tokio::test]
async fn nobody_sends_a_password_again_that_was_refused_to_those_who_did_not_wait() {
    let wrong = reply(401, envelope("INVALID_CREDENTIALS"));
    let stub = Stub::plays([reply(200, "{}"), wrong]).await;
    let transport = transport(stub.endpoint());
    transport.send(&look(), fine).await.unwrap();
    // It was right a moment ago.
    assert_eq!(kinds_of(&looks(&transport).await), vec![Some(ApiErrorKind::Credentials); 8]);
    let sent = stub.asked().len();
    assert_eq!(kinds_of(&looks(&transport).await), vec![Some(ApiErrorKind::Credentials); 8]);
    assert_eq!(stub.asked().len(), sent);
}

#[tokio::test]
async fn what_may_have_been_done_stays_so_for_who_is_told_of_the_refusal_of_another() {
    // The update breaks off; what it is tried again behind is refused.
    let stub = Stub::answers(|number, asked| match (number, asked.method.as_str()) {
        (0, _) => Play::Close,
        _ => reply(401, ""),
    })
    .await;
    let transport = transport(stub.endpoint());
    let update = Call::new("update thing", Method::POST, "/things/1", Effect::Settled).about("thing/1");
    let reads = look();
    let (updated, _) = tokio::join!(transport.send(&update, fine), transport.send(&reads, fine));
    let error = updated.unwrap_err();
    assert_eq!((error.kind.clone(), error.object.as_deref()), (ApiErrorKind::Credentials, Some("thing/1")));
    assert!(error.to_string().starts_with("could not update thing thing/1: HTTP 401"), "{error}");
    // Sent again, it is refused itself, and so was what broke off. Not sent again, nobody knows.
    assert_eq!(error.outcome_unknown(), stub.asked().len() == 2);
}
