//! The patterns of `include`: what matches now, and where a match could appear.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use glob::Pattern;

/// A pattern of `include`.
#[derive(Debug)]
pub(super) struct Glob {
    /// The directories before the first wildcard.
    base: PathBuf,
    /// The pattern up to each of its components that has a wildcard, or comes after one; itself last.
    prefixes: Vec<Pattern>,
}

impl Glob {
    /// `None` for what is no pattern; who loads the file says so.
    pub(super) fn new(pattern: &str) -> Option<Glob> {
        let absolute = std::path::absolute(pattern).ok()?;
        let wild = |name: &OsStr| name.as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte));
        let mut base = PathBuf::new();
        let mut prefixes = Vec::new();
        let mut so_far = PathBuf::new();
        for component in absolute.components() {
            so_far.push(component);
            if prefixes.is_empty() && !wild(component.as_os_str()) {
                base.push(component);
            } else {
                prefixes.push(Pattern::new(so_far.to_str()?).ok()?);
            }
        }
        if prefixes.is_empty() {
            // No wildcard: the one path.
            prefixes.push(Pattern::new(so_far.to_str()?).ok()?);
            base.pop();
        }
        Some(Glob { base, prefixes })
    }

    /// Whether a path of this name matters.
    pub(super) fn could_match(&self, path: &Path) -> bool {
        self.prefixes.iter().any(|prefix| prefix.matches_path(path))
    }

    /// What matches now, sorted.
    pub(super) fn matches(&self) -> impl Iterator<Item = PathBuf> {
        self.prefixes.last().into_iter().flat_map(expand)
    }

    /// The directories in which a match, or a directory on the way to one, could appear.
    pub(super) fn directories(&self) -> impl Iterator<Item = PathBuf> {
        let between = self.prefixes.iter().rev().skip(1).flat_map(expand).filter(|path| path.is_dir());
        std::iter::once(self.base.clone()).chain(between)
    }
}

fn expand(pattern: &Pattern) -> impl Iterator<Item = PathBuf> + use<> {
    // What cannot be read cannot match.
    glob::glob(pattern.as_str()).into_iter().flatten().filter_map(Result::ok)
}
