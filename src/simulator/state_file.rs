//! The objects on disk: JSON lines, one a changed object, appended before the change is answered.
//!
//! A line is `{"kind", "id", "object"}` or, for one that is gone, `{"kind", "id", "gone": true}`; the last line of an object
//! wins. At open the file is written anew with what is left, under a first line that keeps the next id, so that none is
//! ever given twice, and the subscription's UUID. Texts are written, not synced: the file has to outlive the process, not the machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::kind;
use super::settings::StartError;
use super::store::{Object, Store};

/// An open state file.
#[derive(Debug)]
pub(crate) struct StateFile {
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// There may be part of a line behind them, of a write that failed.
    torn: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    trueup_simulator: u32,
    next_id: u64,
    /// Files of earlier versions have none.
    #[serde(default)]
    subscription: Option<String>,
}

/// What an earlier process left besides the objects.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Whether it left anything.
    pub(crate) found: bool,
    /// The subscription's UUID.
    pub(crate) subscription: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    kind: String,
    id: u64,
    object: Option<Object>,
    #[serde(default)]
    gone: bool,
}

/// Only the owner reads a file that may hold keys.
pub(crate) fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = options;
}

/// What somebody has linked a name to is not ours to write over.
pub(crate) fn not_followed(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(nix::libc::O_NOFOLLOW);
    }
    #[cfg(not(unix))]
    let _ = options;
}

#[derive(Serialize)]
struct NewLine<'a> {
    kind: &'a str,
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'a Object>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    gone: bool,
}

/// The line for an object as it is now.
pub(crate) fn line(kind: &str, id: u64, object: Option<&Object>) -> String {
    let line = NewLine { kind, id, object, gone: object.is_none() };
    // Maps with text keys and values from JSON always have a JSON form.
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
}

/// Reads what an earlier process left.
pub(crate) fn load(path: &Path, store: &mut Store) -> Result<Left, StartError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Left::default()),
        Err(source) => return Err(StartError::File { operation: "read", path: path.to_owned(), source }),
    };
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let (lines, torn) = bytes.split_at(whole);
    // The first line is written elsewhere and moved here whole: a file without one is something else, and is left alone.
    if !torn.is_empty() && lines.is_empty() {
        let problem = "this is no state file of a simulator".to_owned();
        return Err(StartError::StateContent { path: path.to_owned(), line: 1, problem });
    }
    if !torn.is_empty() {
        // The process died while it wrote this line, before it answered: nobody was told of the change.
        let aside = beside(path, ".torn");
        let kept = private_file(&aside, false).and_then(|mut file| file.write_all(torn));
        kept.map_err(|source| StartError::File { operation: "write", path: aside, source })?;
    }

    let mut left = Left::default();
    for (index, text) in lines.split(|byte| *byte == b'\n').enumerate() {
        if text.is_empty() {
            continue;
        }
        let line = index + 1;
        let syntax = |source| StartError::State { path: path.to_owned(), line, source };
        if !left.found {
            let Header { trueup_simulator: _, next_id, subscription } =
                serde_json::from_slice(text).map_err(syntax)?;
            store.reserve_ids_below(next_id);
            left = Left { found: true, subscription };
            continue;
        }
        let Line { kind, id, object, gone } = serde_json::from_slice(text).map_err(syntax)?;
        let known = kind::find(&kind);
        let kind = known
            .map_err(|problem| StartError::StateContent { path: path.to_owned(), line, problem })?
            .kind();
        store.restore(kind, id, object.filter(|_| !gone));
    }
    Ok(left)
}

/// Writes the file anew with what the store holds, and opens it for what comes.
pub(crate) fn rewrite(path: &Path, store: &Store, subscription: &str) -> Result<StateFile, StartError> {
    let failed = |operation| move |source| StartError::File { operation, path: path.to_owned(), source };
    let fresh = beside(path, ".new");
    let header =
        Header { trueup_simulator: 1, next_id: store.next_id(), subscription: Some(subscription.to_owned()) };
    let mut text = serde_json::to_string(&header).unwrap_or_default();
    text.push('\n');
    for (kind, record) in store.all() {
        text.push_str(&line(kind, record.id, Some(&record.object)));
    }
    let mut file = private_file(&fresh, false).map_err(failed("write"))?;
    file.write_all(text.as_bytes()).map_err(failed("write"))?;
    fs::rename(&fresh, path).map_err(failed("replace"))?;
    let file = private_file(path, true).map_err(failed("open"))?;
    Ok(StateFile::of(file, text.len() as u64))
}

impl StateFile {
    pub(crate) fn of(file: File, length: u64) -> Self {
        Self { file, length, torn: false }
    }

    /// Writes all lines or none: half a line in the middle would make the whole file unreadable for the next process.
    pub(crate) fn append(&mut self, lines: &str) -> io::Result<()> {
        self.cut()?;
        self.torn = true;
        if let Err(error) = self.file.write_all(lines.as_bytes()) {
            // If it cannot be cut off now, then before the next line is written.
            let _ = self.cut();
            return Err(error);
        }
        self.torn = false;
        self.length += lines.len() as u64;
        Ok(())
    }

    fn cut(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.length)?;
            self.torn = false;
        }
        Ok(())
    }
}

fn private_file(path: &Path, append: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).append(append).truncate(!append);
    private(&mut options);
    not_followed(&mut options);
    options.open(path)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn what_a_temporary_name_is_linked_to_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let (path, theirs) = (directory.path().join("state.json"), directory.path().join("theirs"));
        fs::write(&theirs, "theirs").unwrap();
        std::os::unix::fs::symlink(&theirs, beside(&path, ".new")).unwrap();
        let error = rewrite(&path, &Store::default(), "own").unwrap_err();
        assert!(matches!(error, StartError::File { operation: "write", .. }), "{error}");
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
    }

    #[test]
    fn part_of_a_line_that_could_not_be_written_is_cut_off_before_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let mut state = StateFile::of(private_file(&path, true).unwrap(), 0);
        state.append("one\n").unwrap();
        state.file.write_all(b"tw").unwrap();
        state.torn = true;
        state.append("three\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\nthree\n");
    }
}
