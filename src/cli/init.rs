//! What a process 1 owes to the others. Alone in a container, without an init, the program would be deaf to signals that
//! it does not handle, and heir to every orphan that a command leaves behind. So it starts itself once more, hands on the
//! signals, takes the orphans in, and ends as its child does.

use std::io;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};

/// The signals that are handed on.
const HANDED_ON: [Signal; 6] =
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2];

/// Runs the program as a child where this is process 1, and gives the child's exit code; `None` where there is no need to,
/// or no way.
pub(super) fn run() -> Option<u8> {
    if std::process::id() != 1 {
        return None;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(supervise()).ok()
}

async fn supervise() -> io::Result<u8> {
    // Before the child is there, so that none is missed.
    let mut ended = signal(SignalKind::child())?;
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
    for handed_on in HANDED_ON {
        let mut stream = signal(SignalKind::from_raw(handed_on as i32))?;
        let sender = sender.clone();
        tokio::spawn(async move { while stream.recv().await.is_some() && sender.send(handed_on).is_ok() {} });
    }
    let child = Command::new(std::env::current_exe()?).args(std::env::args_os().skip(1)).spawn()?;
    let child = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
    loop {
        if let Some(code) = reap(child) {
            return Ok(code);
        }
        tokio::select! {
            Some(handed_on) = received.recv() => {
                // It may have ended just now.
                let _ = kill(child, handed_on);
            }
            _ = ended.recv() => {}
        }
    }
}

/// Takes in every process that has ended; the exit code, where the child is among them.
fn reap(child: Pid) -> Option<u8> {
    let mut code = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, status)) if pid == child => code = u8::try_from(status & 0xff).ok(),
            // As shells tell it.
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                code = u8::try_from(128 + signal as i32).ok();
            }
            Ok(WaitStatus::StillAlive) => return code,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return code,
        }
    }
}
