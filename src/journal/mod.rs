//! The journal: what the platform cannot tell. One SQLite file.
//!
//! It holds, for each subscription, and in that for each object that the file names, the base (the values at which file and live last agreed),
//! what was last written to fields that are never read back, and whether we made the object; the sizes of the
//! last good listings, and what we have told the platform to delete; since when each drift lasts; what keeps failing; and
//! what was changed when. No secret is ever written to it. Without it every readable fact is still right: a drift is then
//! told as pending, and an unreadable field as unverified.
//!
//! - `open.rs` finds or makes the file, `damage.rs` sets a damaged one aside, `schema.rs` has its tables, `place.rs` notices when it is another file.
//! - `subscriptions.rs` decides whose facts are meant: of another subscription nothing is looked at.
//! - `known.rs` reads what a plan may know; `observed.rs` keeps what a plan saw, `written.rs` what a write did.
//! - `drifts.rs` dates the drifts and says what of them is news; `failing.rs` counts what keeps failing.
//! - `given.rs` keeps what the files and patterns of `include` gave.
//! - `history.rs` keeps each change that is sent and what came of it; `past.rs` reads that, for people.

mod damage;
mod drifts;
mod failing;
mod given;
mod history;
mod known;
mod observed;
mod open;
mod past;
mod place;
mod schema;
mod subscriptions;
mod written;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::lock::{LockError, WriteLock};
use crate::resource::Kind;
use crate::secret::DigestKey;
use crate::subscription::Subscription;

pub use drifts::{DriftEvent, DriftNews};
pub use history::{Answer, OpenChange, Run};
pub use past::{AddressPattern, Entry, Query};

use place::Place;
use schema::SCHEMA_VERSION;

/// The journal could not be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file could not be opened or made.
    #[error("could not open the journal {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no such file.
    #[error("there is no journal {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is of a later version of the program.
    #[error(
        "the journal {} is of schema {found}, this version knows {SCHEMA_VERSION}: \
         run the version that wrote it, or set the file aside", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema's version in it.
        found: i64,
    },
    /// The file is another program's.
    #[error(
        "{} is another program's SQLite file: it is left alone; name another file under journal", path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A query failed.
    #[error("could not use the journal")]
    Query(#[from] rusqlite::Error),
}

/// The journal.
#[derive(Debug)]
pub struct Journal {
    /// `None` where nothing is to be remembered.
    db: Option<Connection>,
    /// Where it lies; `None` where it ends with the process.
    place: Option<Place>,
    /// The key of the digests of secrets; `None` where there is no journal, or no key.
    key: Option<DigestKey>,
    /// The subscription whose facts are meant; `None` while that is not known: then there are none.
    of: Option<Entered>,
}

/// The subscription whose facts are meant.
#[derive(Debug, Clone)]
struct Entered {
    /// Its number in this journal.
    n: i64,
    subscription: Subscription,
}

impl Journal {
    /// No journal: knows nothing, remembers nothing.
    #[must_use]
    pub const fn off() -> Journal {
        Journal { db: None, place: None, key: None, of: None }
    }

    /// A journal that ends with the process.
    pub fn in_memory() -> Result<Journal, JournalError> {
        let journal = Journal::prepare(Connection::open_in_memory()?, Path::new(":memory:"))?;
        Ok(Journal { key: Some(DigestKey::random()), ..journal })
    }

    /// The key of the digests of secrets.
    #[must_use]
    pub const fn digest_key(&self) -> Option<&DigestKey> {
        self.key.as_ref()
    }

    /// Works on the facts of the subscription that is meant. While that is not known there are none, and none are kept.
    fn facts<T: Default>(
        &mut self,
        mut work: impl FnMut(&mut Connection, i64) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        self.attempt(|journal| match (&mut journal.db, &journal.of) {
            (Some(db), Some(of)) => work(db, of.n),
            (_, _) => Ok(T::default()),
        })
    }

    /// Takes the lock that lies beside the journal, for as long as this process may write to the platform. There is
    /// none without a file.
    pub fn lock_writes(&self, why: &str) -> Result<Option<WriteLock>, LockError> {
        let Some(Place { path, .. }) = &self.place else { return Ok(None) };
        WriteLock::take(&lock_of(path), why).map(Some)
    }
}

/// The lock that lies beside a journal.
fn lock_of(path: &Path) -> PathBuf {
    place::with(path, ".lock")
}

fn kind_of(value: rusqlite::types::ValueRef<'_>) -> Option<Kind> {
    // A kind of a later version is left alone.
    value.as_str().ok()?.parse().ok()
}

#[cfg(test)]
impl Journal {
    /// With the facts of one subscription, whichever: for tests that tell none apart.
    fn of_tests(mut self) -> Journal {
        let subscription = Subscription { id: None, host: "api.example".to_owned(), login: String::new() };
        self.enter(&subscription, &crate::plan::LiveState::default()).unwrap();
        self
    }
}
