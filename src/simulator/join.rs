//! One server a state file: the first process serves it, the others join.
//!
//! Beside the state file lies its lock, which the serving process holds and into which it writes its URL. The operating system
//! frees the lock when that process dies, so nothing has to be cleaned up and a stale URL misleads nobody for long.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::server::{Simulator, start_locked};
use super::settings::{Settings, StartError};

/// How long a second process waits for the first one to say where it listens.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that is ours, or one that was already up.
#[derive(Debug)]
pub struct Running(Kind);

#[derive(Debug)]
enum Kind {
    Started(Simulator),
    Joined(String),
}

impl Running {
    /// Where it listens, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        match &self.0 {
            Kind::Started(simulator) => simulator.url(),
            Kind::Joined(url) => url,
        }
    }

    /// Whether the server is another one's.
    #[must_use]
    pub fn joined(&self) -> bool {
        match self.0 {
            Kind::Started(_) => false,
            Kind::Joined(_) => true,
        }
    }

    /// Ends the server if it is ours; another one's goes on.
    pub async fn shutdown(self) {
        match self.0 {
            Kind::Started(simulator) => simulator.shutdown().await,
            Kind::Joined(_) => {}
        }
    }
}

/// Joins the server already up on the same state file, or starts one. The settings of a server that is joined stand.
///
/// # Errors
///
/// As for [`start`](super::start); besides, the other process holds the file and never says where it listens.
pub async fn start_or_join(settings: Settings) -> Result<Running, StartError> {
    let Some(state) = settings.state.clone() else {
        return Ok(Running(Kind::Started(start_locked(settings, None).await?)));
    };
    let begun = Instant::now();
    loop {
        match Lock::try_take(&state)? {
            Locking::Ours(lock) => {
                return Ok(Running(Kind::Started(start_locked(settings, Some(lock)).await?)));
            }
            Locking::Theirs(Some(url)) if answers(&url).await => return Ok(Running(Kind::Joined(url))),
            Locking::Theirs(_) => {}
        }
        if begun.elapsed() > PATIENCE {
            return Err(StartError::Join { path: state, seconds: PATIENCE.as_secs() });
        }
        // The condition is another process's: there is nothing to be woken by.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether somebody listens there. A URL that outlived its writer fails here until the next owner has written its own.
async fn answers(url: &str) -> bool {
    let address = url.strip_prefix("http://").unwrap_or(url);
    TcpStream::connect(address).await.is_ok()
}

/// The lock of a state file, ours until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

/// Who has the lock.
#[derive(Debug)]
pub(crate) enum Locking {
    Ours(Lock),
    /// Somebody else, who may have said where.
    Theirs(Option<String>),
}

impl Lock {
    pub(crate) fn try_take(state: &Path) -> Result<Locking, StartError> {
        let mut name = OsString::from(state.as_os_str());
        name.push(".lock");
        let path = PathBuf::from(name);
        let failed = |operation| {
            let path = path.clone();
            move |source| StartError::File { operation, path, source }
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        super::state_file::private(&mut options);
        super::state_file::not_followed(&mut options);
        let mut file = options.open(&path).map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).map_err(failed("clear"))?;
                Ok(Locking::Ours(Self { file, path }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(failed("read"))?;
                // The line's end tells that it was written whole.
                Ok(Locking::Theirs(text.strip_suffix('\n').map(str::to_owned)))
            }
            Err(TryLockError::Error(source)) => Err(failed("lock")(source)),
        }
    }

    /// Tells the others where the server listens.
    pub(crate) fn announce(&mut self, url: &str) -> Result<(), StartError> {
        let written = self.file.rewind().and_then(|()| self.file.write_all(format!("{url}\n").as_bytes()));
        written.map_err(|source| StartError::File { operation: "write", path: self.path.clone(), source })
    }
}
