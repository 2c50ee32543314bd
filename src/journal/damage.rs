//! A damaged journal is set aside at the first statement that meets the damage, wherever it lies, and a new one begun.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Error, ErrorCode};

use super::open::open_error;
use super::{Entered, Journal, JournalError, Place, place, subscriptions};

/// Whether an error says that the file does not hold what we wrote.
pub(super) fn is_damage(error: &JournalError) -> bool {
    let JournalError::Query(error) = error else { return false };
    match error {
        // A page holds something else, and is read as if it were ours.
        Error::InvalidColumnType(..)
        | Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::Utf8Error(..) => true,
        other => {
            matches!(other.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
        }
    }
}

/// Gives a damaged file another name, with what SQLite has not yet written into it, and tells which.
pub(super) fn set_aside(path: &Path, error: &JournalError) -> Result<String, JournalError> {
    let mut aside = path.with_extension(format!("damaged-{}", Timestamp::now().as_second()));
    // Twice in a second, as in a loop of restarts, is twice a name of its own.
    while aside.exists() {
        aside.as_mut_os_string().push("x");
    }
    std::fs::rename(path, &aside).map_err(|error| open_error(path, error))?;
    // What belongs to the damaged file must not be read into the new one; it may not be there.
    let _ = std::fs::rename(place::with(path, "-wal"), place::with(&aside, "-wal"));
    let _ = std::fs::remove_file(place::with(path, "-shm"));
    Ok(told(path, &aside, error))
}

fn told(path: &Path, aside: &Path, error: &JournalError) -> String {
    let cause = match error {
        JournalError::Query(error) => error.to_string(),
        other => other.to_string(),
    };
    format!(
        "the journal {} was damaged ({cause}): it is set aside as {}, and a new one begun",
        path.display(),
        aside.display()
    )
}

impl Journal {
    /// Does the work; where the file turns out to be damaged, does it again on a new one.
    pub(super) fn attempt<T>(
        &mut self,
        mut work: impl FnMut(&mut Journal) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        match work(self) {
            Err(error) if is_damage(&error) && self.begin_anew(&error)? => work(self),
            done => done,
        }
    }

    /// Sets the damaged file aside and opens a new one in its place, for the same subscription. `false` where there is no
    /// file.
    fn begin_anew(&mut self, error: &JournalError) -> Result<bool, JournalError> {
        let Some(Place { path, .. }) = self.place.clone() else { return Ok(false) };
        let path: PathBuf = path;
        // Another process may have done so already: then its new one is opened.
        let has_moved = self.has_moved();
        self.db = None;
        if !has_moved {
            tracing::warn!(event = "journal_set_aside", "{}", set_aside(&path, error)?);
        }
        let (key, of) = (self.key.take(), self.of.take());
        *self = Journal { key, ..Journal::open_once(&path)? };
        if let (Some(db), Some(Entered { n: _, subscription })) = (&self.db, of) {
            let n = subscriptions::claim_anew(db, &subscription)?;
            self.of = Some(Entered { n, subscription });
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::journal::Query;
    use crate::plan::LiveState;
    use crate::resource::Kind;

    /// A journal of many pages.
    fn written(path: &Path) {
        let mut journal = Journal::open(path).unwrap().0.of_tests();
        for id in 0..300 {
            journal
                .made(Kind::Aws, &id.to_string(), &format!("arn:aws:iam::{id:012}:role/Reader"), true)
                .unwrap();
        }
    }

    fn aside(folder: &Path) -> usize {
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().contains("damaged-")).count()
    }

    #[test]
    fn damage_behind_the_first_page_is_noticed_by_whatever_statement_meets_it_first() {
        type Work = fn(&mut Journal) -> Result<(), JournalError>;
        let work: [(&str, Work); 5] = [
            ("known", |journal| journal.known(Duration::ZERO, Timestamp::UNIX_EPOCH).map(drop)),
            ("made", |journal| journal.made(Kind::Aws, "7", "arn", true)),
            ("settled", |journal| journal.settled(Kind::Aws, "arn")),
            ("open changes", |journal| journal.open_changes().map(drop)),
            ("under way", Journal::nothing_is_under_way),
        ];
        for (name, work) in work {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("trueup.db");
            written(&path);
            let mut bytes = std::fs::read(&path).unwrap();
            for page in bytes.chunks_mut(4096).skip(1) {
                let damaged = page.len().min(200);
                page[..damaged].fill(0xff);
            }
            std::fs::write(&path, bytes).unwrap();
            let (mut journal, _) = Journal::open(&path).unwrap();
            let somebody = crate::subscription::Subscription {
                id: None,
                host: "api.example".to_owned(),
                login: String::new(),
            };
            journal.enter(&somebody, &LiveState::default()).unwrap();
            work(&mut journal).unwrap_or_else(|error| panic!("{name}: {error}"));
            // From here on it is a journal as any other.
            journal.made(Kind::Aws, "8", "arn:8", true).unwrap();
            let known = journal.known(Duration::ZERO, Timestamp::UNIX_EPOCH).unwrap();
            assert!(known.objects.contains_key(&(Kind::Aws, "8".to_owned())), "{name}");
            assert_eq!(aside(folder.path()), 1, "{name}");
            assert!(Journal::history(&path, &Query::default()).unwrap().is_empty(), "{name}");
        }
    }
}
