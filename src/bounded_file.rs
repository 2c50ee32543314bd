//! Reads a file without ever waiting for it for long: a pipe that nobody writes to, a device and a network file system
//! that hangs must not stop the program.
//!
//! Only regular files are read, up to a size, and within a time. The system cannot be asked to give up a read, so each is
//! done by a thread of its own; one that hangs is left behind, and its file is not tried again while it does.

use std::collections::BTreeSet;
use std::fs::{self, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// How much is read at most, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The largest size in bytes.
    pub bytes: u64,
    /// The longest time.
    pub time: Duration,
}

impl Default for Bounds {
    /// 64 MiB within 10 seconds.
    fn default() -> Bounds {
        Bounds { bytes: 64 << 20, time: Duration::from_secs(10) }
    }
}

/// A file could not be read. The file is not named: callers know it by the name that people gave it.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is something else than a regular file.
    #[error("it is {0}, not a regular file")]
    NotRegular(&'static str),
    /// It is larger than allowed.
    #[error("it is larger than {}", size(*.0))]
    TooLarge(u64),
    /// The file system did not answer in time.
    #[error("the file system did not answer within {} s", .0.as_secs())]
    TooSlow(Duration),
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ReadError {
    /// Says whether it may well go away by itself: the file may be good, and could not be read now. Who can start anew
    /// later should.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            ReadError::NotRegular(_) | ReadError::TooLarge(_) => false,
            ReadError::TooSlow(_) => true,
            ReadError::Io(error) => is_passing(error),
        }
    }
}

/// Says whether an error is of the moment (no descriptors, no memory, a disk or network that fails) rather than of the
/// path and its rights.
#[must_use]
pub fn is_passing(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidFilename
    ) && error.raw_os_error() != Some(nix::libc::ELOOP)
}

/// Reads a whole file within the usual bounds.
pub fn read(path: &Path) -> Result<Vec<u8>, ReadError> {
    read_within(path, Bounds::default())
}

/// Reads a whole file within these bounds. Blocks for as long as they allow.
pub fn read_within(path: &Path, bounds: Bounds) -> Result<Vec<u8>, ReadError> {
    run(path, bounds.time, move |path| read_now(path, bounds.bytes))
}

/// The files that a thread still hangs on.
static HANGING: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn hanging() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    HANGING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does `work` on a thread of its own, and gives up on it after that time.
fn run<T: Send + 'static>(
    path: &Path,
    time: Duration,
    work: impl FnOnce(&Path) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    if hanging().contains(path) {
        return Err(ReadError::TooSlow(time));
    }
    let (done, wait) = mpsc::sync_channel(1);
    let own = path.to_owned();
    thread::Builder::new().name("read".to_owned()).spawn(move || {
        let result = work(&own);
        let mut hanging = hanging();
        // Nobody may be waiting any more.
        let _ = done.send(result);
        hanging.remove(&own);
    })?;
    if let Ok(result) = wait.recv_timeout(time) {
        return result;
    }
    let mut hanging = hanging();
    // It may have ended just now.
    wait.try_recv().unwrap_or_else(|_| {
        hanging.insert(path.to_owned());
        Err(ReadError::TooSlow(time))
    })
}

fn read_now(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    // Looked at before it is opened, since opening a device can do something, and once more after: it may have been
    // replaced. Opened without blocking, a pipe does not wait for somebody to write to it.
    check(fs::metadata(path)?.file_type())?;
    let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    check(metadata.file_type())?;
    if metadata.len() > most {
        return Err(ReadError::TooLarge(most));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    // The size is not believed: it may grow, and files of /proc have none.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(ReadError::TooLarge(most)) } else { Ok(bytes) }
}

fn check(kind: FileType) -> Result<(), ReadError> {
    let other = match kind {
        _ if kind.is_file() => return Ok(()),
        _ if kind.is_dir() => "a directory",
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(ReadError::NotRegular(other))
}

fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    #[test]
    fn only_a_regular_file_within_its_size_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "12345").unwrap();
        fs::write(path("empty"), "").unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        std::os::unix::fs::symlink("pipe", path("link-to-pipe")).unwrap();
        std::os::unix::fs::symlink("loop", path("loop")).unwrap();
        assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        let _socket = UnixListener::bind(path("socket")).unwrap();
        for (path, bytes, expected) in [
            (path("file"), 5, Ok("12345")),
            (path("link"), 5, Ok("12345")),
            (path("empty"), 0, Ok("")),
            (path("file"), 4, Err(("it is larger than 4 bytes", false))),
            (path("none"), 5, Err(("No such file or directory (os error 2)", false))),
            (path("file/below"), 5, Err(("Not a directory (os error 20)", false))),
            (path("loop"), 5, Err(("Too many levels of symbolic links (os error 40)", false))),
            (path("pipe"), 5, Err(("it is a pipe, not a regular file", false))),
            (path("link-to-pipe"), 5, Err(("it is a pipe, not a regular file", false))),
            (path("socket"), 5, Err(("it is a socket, not a regular file", false))),
            (folder.path().to_owned(), 5, Err(("it is a directory, not a regular file", false))),
            (PathBuf::from("/dev/zero"), 5, Err(("it is a device, not a regular file", false))),
            // It says that its size is 0.
            (PathBuf::from("/proc/self/status"), 5, Err(("it is larger than 5 bytes", false))),
        ] {
            let found = read_within(&path, Bounds { bytes, ..Bounds::default() });
            let found = found.map_err(|error| (error.to_string(), error.is_passing()));
            let expected = expected.map(Vec::from).map_err(|(error, passing)| (error.to_owned(), passing));
            assert_eq!(found, expected, "{}", path.display());
        }
    }

    #[test]
    fn an_error_of_the_moment_is_told_from_one_of_the_path() {
        for (number, passing) in [
            (nix::libc::EMFILE, true),
            (nix::libc::ENFILE, true),
            (nix::libc::EIO, true),
            (nix::libc::ESTALE, true),
            (nix::libc::ENOMEM, true),
            (nix::libc::ENOENT, false),
            (nix::libc::EACCES, false),
            (nix::libc::EPERM, false),
            (nix::libc::ENOTDIR, false),
            (nix::libc::EISDIR, false),
            (nix::libc::ELOOP, false),
            (nix::libc::ENAMETOOLONG, false),
        ] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(ReadError::Io(io::Error::from_raw_os_error(number)).is_passing(), passing, "{error}");
        }
    }

    #[test]
    fn a_file_system_that_hangs_is_given_up_and_not_asked_again_before_it_answers() {
        let path = Path::new("/hangs/in/a/test");
        let (answer, hangs) = mpsc::channel::<()>();
        let soon = Duration::from_millis(20);
        let slow = run(path, soon, move |_| {
            let _ = hangs.recv();
            Ok(())
        });
        assert!(matches!(slow, Err(ReadError::TooSlow(_))), "{slow:?}");
        let again = run::<()>(path, Duration::from_mins(1), |_| panic!("it still hangs"));
        assert!(matches!(again, Err(ReadError::TooSlow(_))), "{again:?}");
        drop(answer);
        while hanging().contains(path) {
            thread::yield_now();
        }
        assert!(run(path, Duration::from_mins(1), |_| Ok(())).is_ok());
    }
}
