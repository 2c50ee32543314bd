//! What one finds out for all: however many want to know the same thing at the same time, one of them looks. Where that
//! fails, those that waited meanwhile have failed too, and who comes later looks anew. So a wrong password is tried
//! once, not once by each that needs it, which would lock the account; and a password that was refused as such has failed
//! for a while for who comes later too.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::error::ApiError;

/// How long a refused password is not sent again: platforms lock an account after a few wrong logins. One that has
/// changed meanwhile is another client's.
pub(super) const REFUSED_FOR: Duration = Duration::from_mins(15);

/// Something that is found out by one at a time; `S` is what is known of it.
#[derive(Debug, Default)]
pub(super) struct Inquiry<S> {
    /// How many have come. Who had come when something happened is told by this count, not by a clock: a clock may show
    /// two the same time.
    came: AtomicU64,
    found: Mutex<Found<S>>,
}

#[derive(Debug, Default)]
struct Found<S> {
    known: S,
    failure: Option<Failure>,
}

/// The last look that failed.
#[derive(Debug)]
struct Failure {
    /// How many had come by then.
    came: u64,
    error: ApiError,
    /// Until when it has failed for who comes later too.
    until: Option<Instant>,
}

/// What is known, for the one whose turn it is to see, and to find out more. The others wait until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a, S> {
    /// How many had come before.
    number: u64,
    came: &'a AtomicU64,
    found: MutexGuard<'a, Found<S>>,
}

impl<S> Inquiry<S> {
    /// Waits until all who came before have seen, or found out, what they want to know.
    pub(super) async fn turn(&self) -> Turn<'_, S> {
        let number = self.came.fetch_add(1, Ordering::SeqCst);
        Turn { number, came: &self.came, found: self.found.lock().await }
    }
}

impl<S> Turn<'_, S> {
    /// How it failed for another while this one waited.
    pub(super) fn failure(&self) -> Option<&ApiError> {
        let failure = self.found.failure.as_ref()?;
        let lasts = failure.until.is_some_and(|until| Instant::now() < until);
        (self.number < failure.came || lasts).then_some(&failure.error)
    }

    /// It failed, and so it has for all who wait.
    pub(super) fn fail(&mut self, error: ApiError) {
        self.found.failure = Some(Failure { came: self.so_many(), error, until: None });
    }

    /// The password was refused as such: it is not sent again for a while.
    pub(super) fn refuse(&mut self, error: ApiError) {
        let until = Instant::now().checked_add(REFUSED_FOR);
        self.found.failure = Some(Failure { came: self.so_many(), error, until });
    }

    /// How many had come before this one.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// How many have come by now, this one among them.
    pub(super) fn so_many(&self) -> u64 {
        self.came.load(Ordering::SeqCst)
    }
}

impl<S> Deref for Turn<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.found.known
    }
}

impl<S> DerefMut for Turn<'_, S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.found.known
    }
}
