//! One process at a time writes to a platform: whoever makes a plan to apply holds a lock beside the journal from
//! before it reads until it is done, since what another one makes meanwhile would not be in its listing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// Held until it is dropped, or the process ends however it ends.
#[derive(Debug)]
pub struct WriteLock(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

/// Why the lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("{holder} is applying with the same journal ({} is locked)", path.display())]
    Held {
        /// Who, in its own words.
        holder: String,
        /// The file.
        path: PathBuf,
    },
    /// The file could not be used.
    #[error("could not lock {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl WriteLock {
    /// Takes the lock at once, or says who holds it. `why` is what this process is about, for others to read.
    pub fn take(path: &Path, why: &str) -> Result<WriteLock, LockError> {
        let failed = |source| LockError::Io { path: path.to_owned(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            // What somebody has linked it to is not ours to write over.
            .custom_flags(nix::libc::O_NOFOLLOW)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // What it says is for people alone; it may be about to write it.
                let _ = (&file).take(200).read_to_string(&mut holder);
                let holder = Some(holder.trim()).filter(|holder| !holder.is_empty());
                let holder = holder.unwrap_or("another process").to_owned();
                return Err(LockError::Held { holder, path: path.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let since = Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
        let told = format!("trueup (process {}, {why}, since {since})\n", std::process::id());
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(told.as_bytes()));
        written.map_err(failed)?;
        Ok(WriteLock(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_had_once_and_says_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db.lock");
        let held = WriteLock::take(&path, "apply").unwrap();
        let error = WriteLock::take(&path, "startup").unwrap_err().to_string();
        let holder = format!("trueup (process {}, apply, since ", std::process::id());
        assert!(
            error.starts_with(&holder) && error.contains(" is applying with the same journal"),
            "{error}"
        );
        drop(held);
        WriteLock::take(&path, "startup").unwrap();
    }

    #[test]
    fn what_the_locks_name_is_linked_to_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (path, theirs) = (folder.path().join("trueup.db.lock"), folder.path().join("theirs"));
        std::fs::write(&theirs, "theirs").unwrap();
        std::os::unix::fs::symlink(&theirs, &path).unwrap();
        let error = WriteLock::take(&path, "apply").unwrap_err();
        assert!(matches!(error, LockError::Io { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "theirs");
    }

    #[test]
    fn a_lock_that_cannot_be_made_is_told_from_one_that_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let error = WriteLock::take(&folder.path().join("nowhere/lock"), "apply").unwrap_err();
        assert!(matches!(error, LockError::Io { .. }), "{error}");
    }
}
