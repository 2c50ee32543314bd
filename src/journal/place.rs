//! Whether the journal's file is still the one that is open: somebody may delete it, or put another in its place, and
//! what is then written goes nowhere.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Journal;

/// What SQLite keeps beside its file while it is open.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// Device and number of a file: what tells it from another one of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    fn of(path: &Path) -> Option<FileId> {
        let found = std::fs::metadata(path).ok()?;
        Some(FileId(found.dev(), found.ino()))
    }
}

/// Where an open journal lies, and which files those are.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    file: Option<FileId>,
    beside: [Option<FileId>; 2],
}

impl Place {
    /// Of a journal that is open.
    pub(super) fn of(path: &Path) -> Place {
        let beside = BESIDE.map(|suffix| FileId::of(&with(path, suffix)));
        Place { path: path.to_owned(), file: FileId::of(path), beside }
    }
}

/// The name with something behind it.
pub(super) fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

impl Journal {
    /// Whether the file that is open is not the one of its name any more: deleted, or replaced by another.
    #[must_use]
    pub fn has_moved(&self) -> bool {
        self.place.as_ref().is_some_and(|place| FileId::of(&place.path) != place.file)
    }

    /// Lets go of a journal whose file has moved, so that one can be opened in its place. What is left beside it would
    /// be taken for a part of the new one.
    pub fn leave(self) {
        let Journal { db, place, key: _, of: _ } = self;
        drop(db);
        let Some(Place { path, file: _, beside }) = place else { return };
        for (suffix, ours) in BESIDE.iter().zip(beside) {
            let path = with(&path, suffix);
            if ours.is_some() && FileId::of(&path) == ours {
                // If it cannot be taken away, opening the new one says what is wrong.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::resource::Kind;

    fn objects(journal: &mut Journal) -> Vec<String> {
        let known = journal.known(Duration::ZERO, Timestamp::UNIX_EPOCH).unwrap();
        known.objects.into_keys().map(|(_, id)| id).collect()
    }

    #[test]
    fn a_file_that_is_deleted_is_noticed_and_a_new_one_begun() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        let mut journal = Journal::open(&path).unwrap().0.of_tests();
        journal.made(Kind::Aws, "1", "arn", true).unwrap();
        assert!(!journal.has_moved());
        std::fs::remove_file(&path).unwrap();
        assert!(journal.has_moved());
        journal.leave();
        let (journal, told) = Journal::open(&path).unwrap();
        let mut journal = journal.of_tests();
        assert_eq!((told, objects(&mut journal)), (None, Vec::new()));
        journal.made(Kind::Aws, "2", "arn", true).unwrap();
        drop(journal);
        assert_eq!(objects(&mut Journal::open(&path).unwrap().0.of_tests()), ["2"]);
    }

    #[test]
    fn a_file_that_is_replaced_is_read_without_what_was_left_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("trueup.db"), folder.path().join("other.db"));
        Journal::open(&other).unwrap().0.of_tests().made(Kind::Aws, "theirs", "arn", true).unwrap();
        let mut journal = Journal::open(&path).unwrap().0.of_tests();
        journal.made(Kind::Aws, "ours", "arn", true).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(journal.has_moved());
        journal.leave();
        let (journal, told) = Journal::open(&path).unwrap();
        let mut journal = journal.of_tests();
        assert_eq!((told, objects(&mut journal)), (None, vec!["theirs".to_owned()]));
        assert!(!journal.has_moved());
    }

    #[test]
    fn a_journal_without_a_file_never_moves() {
        assert!(!Journal::in_memory().unwrap().has_moved());
        assert!(!Journal::off().has_moved());
    }
}
