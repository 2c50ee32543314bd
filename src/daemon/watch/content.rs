//! What the files are: compared to tell a change from a touch.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

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
    /// A directory, a pipe, a device: reading it could take for ever.
    NoFile,
}

impl Content {
    pub(super) fn of(path: &Path) -> Content {
        let digest = || -> io::Result<Content> {
            if !fs::metadata(path)?.is_file() {
                return Ok(Content::NoFile);
            }
            let mut hasher = Sha256::new();
            let mut file = File::open(path)?;
            let mut buffer = vec![0; 64 * 1024];
            loop {
                match io::Read::read(&mut file, &mut buffer)? {
                    0 => return Ok(Content::Digest(hasher.finalize().into())),
                    read => hasher.update(&buffer[..read]),
                }
            }
        };
        digest().unwrap_or_else(|error| Content::Unreadable(error.kind()))
    }
}
