//! The journal's file: found, made, or set aside where it is damaged.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use super::place::Place;
use super::{Journal, JournalError, place, schema};
use crate::secret::DigestKey;

impl Journal {
    /// Opens the journal, or makes it. A damaged one is set aside; the second value says so.
    pub fn open(path: &Path) -> Result<(Journal, Option<String>), JournalError> {
        match Journal::open_once(path) {
            Ok(mut journal) => {
                let told = journal.find_key(path);
                Ok((journal, told))
            }
            Err(JournalError::Query(error)) if is_damage(&error) => {
                let aside = path.with_extension(format!("damaged-{}", Timestamp::now().as_second()));
                std::fs::rename(path, &aside).map_err(|error| open_error(path, error))?;
                for suffix in ["-wal", "-shm"] {
                    // What belongs to the damaged file must not be read into the new one; it may not be there.
                    let _ = std::fs::remove_file(place::with(path, suffix));
                }
                let mut journal = Journal::open_once(path)?;
                let mut told = format!(
                    "the journal {} was damaged ({error}): it is set aside as {}, and a new one begun",
                    path.display(),
                    aside.display()
                );
                if let Some(more) = journal.find_key(path) {
                    told = format!("{told}; {more}");
                }
                Ok((journal, Some(told)))
            }
            Err(error) => Err(error),
        }
    }

    /// Finds the key beside the journal, or makes it. What went wrong is said: secrets are then unverified.
    fn find_key(&mut self, path: &Path) -> Option<String> {
        let beside = place::with(path, ".key");
        match DigestKey::open(&beside) {
            Ok(key) => {
                self.key = Some(key);
                None
            }
            Err(error) => Some(format!(
                "could not use {}, the key of the digests of secrets: {error}; changed secrets are not noticed",
                beside.display()
            )),
        }
    }

    fn open_once(path: &Path) -> Result<Journal, JournalError> {
        // Made here, so that nobody else can read it from its first moment.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| open_error(path, error))?;
        let db = Connection::open(path).map_err(|error| open_error(path, error))?;
        db.busy_timeout(Duration::from_secs(10))?;
        db.pragma_update(None, "journal_mode", "wal")?;
        db.pragma_update(None, "synchronous", "normal")?;
        let journal = Journal::prepare(db, path)?;
        Ok(Journal { place: Some(Place::of(path)), ..journal })
    }

    pub(super) fn prepare(mut db: Connection, path: &Path) -> Result<Journal, JournalError> {
        schema::migrate(&mut db, path)?;
        Ok(Journal { db: Some(db), place: None, key: None, of: None })
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt)
    )
}

pub(super) fn open_error(
    path: &Path,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> JournalError {
    JournalError::Open { path: path.to_owned(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Kind;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_damaged_journal_is_set_aside_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        std::fs::write(
            &path,
            "this is no database, and longer than a header of one hundred bytes ".repeat(4),
        )
        .unwrap();
        let (mut journal, told) = Journal::open(&path).unwrap();
        assert!(told.unwrap().contains("set aside as"));
        assert!(journal.known(Duration::ZERO, at(0)).unwrap().objects.is_empty());
        let names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(names.iter().any(|name| name.contains("damaged-")), "{names:?}");
    }

    #[test]
    fn the_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        let mut journal = Journal::open(&path).unwrap().0.of_tests();
        journal.made(Kind::Aws, "1", "arn", true).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
        }
    }

    #[test]
    fn a_journal_of_a_later_version_is_refused_not_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let error = Journal::open(&path).unwrap_err();
        assert!(error.to_string().contains("is of schema 99"), "{error}");
    }
}
