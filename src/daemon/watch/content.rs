//! What the files are: compared to tell a change from a touch.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::bounded_file::{self, ReadError};

/// What all files are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint(pub(super) BTreeMap<PathBuf, Content>);

impl Fingerprint {
    /// The files that differ, for people.
    pub(super) fn changes(&self, before: &Fingerprint) -> String {
        let paths: BTreeSet<&PathBuf> = self.0.keys().chain(before.0.keys()).collect();
        let changed = paths.into_iter().filter(|path| self.0.get(*path) != before.0.get(*path));
        changed.map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    }
}

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    Digest([u8; 32]),
    /// Not there, or not to be read, and why.
    Unreadable(io::ErrorKind),
    /// A directory, a pipe, a device, or far too large.
    NoFile,
}

impl Content {
    pub(super) fn of(path: &Path) -> Content {
        match bounded_file::read(path) {
            Ok(bytes) => Content::Digest(Sha256::digest(bytes).into()),
            Err(ReadError::Io(error)) => Content::Unreadable(error.kind()),
            Err(ReadError::TooSlow(_)) => Content::Unreadable(io::ErrorKind::TimedOut),
            Err(ReadError::NotRegular(_) | ReadError::TooLarge(_)) => Content::NoFile,
        }
    }
}
