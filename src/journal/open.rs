//! The journal's file: found, made, or set aside where it is damaged.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::place::Place;
use super::{Journal, JournalError, damage, place, schema};
use crate::secret::DigestKey;

impl Journal {
    /// Opens the journal, or makes it. A damaged one is set aside; the second value says so.
    pub fn open(path: &Path) -> Result<(Journal, Option<String>), JournalError> {
        match Journal::open_once(path) {
            Ok(mut journal) => {
                let told = journal.find_key(path);
                Ok((journal, told))
            }
            Err(error) if damage::is_damage(&error) => {
                let mut told = damage::set_aside(path, &error)?;
                let mut journal = Journal::open_once(path)?;
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

    pub(super) fn open_once(path: &Path) -> Result<Journal, JournalError> {
        // Made here, so that nobody else can read it from its first moment.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| open_error(path, error))?;
        let db = Connection::open(path).map_err(|error| open_error(path, error))?;
        db.busy_timeout(Duration::from_secs(10))?;
        // Asked before anything is written: the file may be another program's.
        schema::version(&db, path)?;
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

pub(super) fn open_error(
    path: &Path,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> JournalError {
    JournalError::Open { path: path.to_owned(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

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

    #[test]
    fn another_programs_file_is_refused_and_left_as_it_is() {
        let ours =
            "create table object (kind text, id text, identity text, base text, written text, ours integer)";
        for (made, refused) in [
            ("create table urls (id integer); pragma user_version = 3;", true),
            ("pragma application_id = 1234; create table t (id integer);", true),
            ("pragma application_id = 1234;", true),
            ("create table object (id integer); pragma user_version = 1;", true),
            (&*format!("{ours}; pragma user_version = 77; pragma application_id = 1;"), true),
            ("", false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("theirs.db");
            Connection::open(&path).unwrap().execute_batch(made).unwrap();
            let before = std::fs::read(&path).unwrap();
            match Journal::open(&path) {
                Ok(_) => assert!(!refused, "{made}"),
                Err(error) => {
                    assert!(refused && error.to_string().contains("is another program's"), "{made}: {error}");
                    assert_eq!(std::fs::read(&path).unwrap(), before, "{made}");
                    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{made}");
                }
            }
        }
    }
}
