//! User and password at one server. As long as nobody knows whether they are taken there, one request goes first, and
//! the others wait for its answer: a listing of each kind side by side would try a wrong password once for each kind, and
//! the platform locks an account after a few.
//!
//! An answer that says nothing of the user (the server fails, a proxy answers in its place, a limit is met, none comes)
//! lets the next one go. Whoever waits holds neither a place nor the gate, so that nobody waits for it.

use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::answer::Fault;
use super::error::{ApiError, ApiErrorKind};
use super::inquiry::{Inquiry, Turn};
use super::refusal::says_wrong_password;

/// For how long after an answer to a known user the next ones are not kept waiting. Passwords expire and are changed:
/// a daemon that has slept since tries again with one request.
const KNOWN: Duration = Duration::from_mins(1);
/// How long the others wait for the answer to the first. A refusal comes at once; a long listing, or one from a server
/// that does not answer, may take minutes, and all others as long after it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The platform's code for a wrong user or password, in recordings of it.
const WRONG_PASSWORD: &str = "INVALID_CREDENTIALS";

/// What is known of user and password at one server.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// When an answer last showed that they are taken; none where the last one showed that they are not.
    taken: Mutex<Option<Instant>>,
    inquiry: Inquiry<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// How many of those that came do not wait any longer.
    let_go: u64,
    /// Whether the last one was refused in a way that may be about its own question.
    in_doubt: bool,
}

/// Who goes first. Dropped, it lets the next one.
#[derive(Debug)]
pub(super) struct Lead<'a>(Turn<'a, Queue>);

impl Entry {
    /// Waits while another one finds out. Who gets a lead is to find out; who gets none need not.
    ///
    /// # Errors
    ///
    /// Another one was refused meanwhile; as that one is told.
    pub(super) async fn pass(&self) -> Result<Option<Lead<'_>>, ApiError> {
        if self.is_open() {
            return Ok(None);
        }
        let mut turn = self.inquiry.turn().await;
        if self.is_open() {
            turn.in_doubt = false;
            return Ok(None);
        }
        if let Some(refused) = turn.failure() {
            return Err(refused.clone());
        }
        Ok((turn.let_go <= turn.number()).then_some(Lead(turn)))
    }

    /// Learns from an answer, or from what came instead of one.
    pub(super) fn learn<T>(&self, answer: &Result<T, Fault>) {
        let taken = match answer.as_ref().map_err(|fault| &fault.kind) {
            Ok(_)
            | Err(
                ApiErrorKind::Permission
                | ApiErrorKind::NotFound
                | ApiErrorKind::UnknownObject { remedy: _ }
                | ApiErrorKind::Refused(_)
                | ApiErrorKind::WrongSubscription { found: _ },
            ) => Some(Instant::now()),
            Err(ApiErrorKind::Credentials | ApiErrorKind::Account { code: _ }) => None,
            Err(
                ApiErrorKind::RateLimited { wait: _ }
                | ApiErrorKind::Server
                | ApiErrorKind::Unreadable
                | ApiErrorKind::Unreachable(_)
                | ApiErrorKind::Transport,
            ) => return,
        };
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = taken;
    }

    /// The password of one who did not find out for others was refused as such: nobody sends it for a while.
    pub(super) async fn refuse(&self, error: &ApiError) {
        if error.said.contains(WRONG_PASSWORD) {
            self.inquiry.turn().await.refuse(error.clone());
        }
    }

    fn is_open(&self) -> bool {
        let taken = *self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.is_some_and(|at| at.elapsed() < KNOWN)
    }
}

impl Lead<'_> {
    /// The request failed for good: where the user is refused, so are all that wait. The platform names a wrong
    /// password as such (INVALID_CREDENTIALS). Another 401 may also be how it refuses this one question: then the next one
    /// finds out, and decides.
    pub(super) fn fail(mut self, error: &ApiError) {
        let is_certain = match error.kind {
            ApiErrorKind::Account { code: _ } => true,
            ApiErrorKind::Credentials => {
                self.0.in_doubt || error.said.contains(WRONG_PASSWORD) || says_wrong_password(&error.said)
            }
            ApiErrorKind::Permission
            | ApiErrorKind::NotFound
            | ApiErrorKind::UnknownObject { remedy: _ }
            | ApiErrorKind::Refused(_)
            | ApiErrorKind::RateLimited { wait: _ }
            | ApiErrorKind::Server
            | ApiErrorKind::Unreadable
            | ApiErrorKind::Unreachable(_)
            | ApiErrorKind::Transport
            | ApiErrorKind::WrongSubscription { found: _ } => return,
        };
        self.0.in_doubt = !is_certain;
        if error.said.contains(WRONG_PASSWORD) {
            self.0.refuse(error.clone());
        } else if is_certain {
            self.0.fail(error.clone());
        }
    }

    /// Nobody who has come by now is to wait any longer.
    fn let_go(mut self) {
        self.0.let_go = self.0.so_many();
    }
}

/// Makes the request ahead of all that wait, as long as they have patience.
pub(super) async fn ahead<T>(lead: &mut Option<Lead<'_>>, request: impl Future<Output = T>) -> T {
    if lead.is_none() {
        return request.await;
    }
    let mut request = pin!(request);
    tokio::select! {
        biased;
        answer = &mut request => return answer,
        () = sleep(PATIENCE) => {}
    }
    if let Some(lead) = lead.take() {
        lead.let_go();
    }
    request.await
}
