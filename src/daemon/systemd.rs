//! What systemd is told, where it started us: nothing happens elsewhere.

use std::io;
use std::time::Duration;

use sd_notify::NotifyState;
use tracing::warn;

/// Characters of a status that a line of `systemctl status` has room for; the rest is cut.
const STATUS_LENGTH: usize = 300;

/// Started: units that wait for us may start now.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
}

/// Reading the file again. [`ready`] must follow, whether or not the file was accepted.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => failed(&error),
    }
}

/// About to end.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping: changes in flight finish")]);
}

/// What `systemctl status` shows.
pub fn status(text: &str) {
    tell(&[NotifyState::Status(&one_line(text))]);
}

/// More time to start or to stop than the unit gives, counted from now.
pub fn extend_timeout(by: Duration) {
    tell(&[NotifyState::ExtendTimeoutUsec(u32::try_from(by.as_micros()).unwrap_or(u32::MAX))]);
}

/// Tells the watchdog, if the unit has one, that we are well for as long as `is_alive` says so.
pub async fn keep_alive(is_alive: impl Fn() -> bool) {
    let Some(within) = sd_notify::watchdog_enabled() else { return };
    // Half the time, as its manual recommends. Never zero, which an interval refuses.
    let mut tick = tokio::time::interval((within / 2).max(Duration::from_millis(1)));
    loop {
        tick.tick().await;
        if is_alive() {
            tell(&[NotifyState::Watchdog]);
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        failed(&error);
    }
}

fn failed(error: &io::Error) {
    warn!(event = "systemd_failed", %error, "systemd could not be told of our state");
}

/// A status is one line: the next would be taken for another message, and what is in it may be remote text.
fn one_line(text: &str) -> String {
    text.chars().take(STATUS_LENGTH).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::process::Command;

    use super::*;

    #[test]
    fn remote_text_cannot_smuggle_in_another_message() {
        assert_eq!(one_line("1 drifted\nMAINPID=1\u{85}x"), "1 drifted MAINPID=1 x");
        assert_eq!(one_line(&"é".repeat(1000)).chars().count(), STATUS_LENGTH);
    }

    /// What `messages_reach_the_socket` runs in a process of its own, which alone has the variables.
    #[tokio::test]
    async fn child_that_tells_everything() {
        if std::env::var_os("NOTIFY_SOCKET").is_none() {
            return;
        }
        reloading();
        ready("in sync");
        status("1 drifted");
        stopping();
        let _ = tokio::time::timeout(Duration::from_secs(5), keep_alive(|| true)).await;
    }

    #[test]
    fn messages_reach_the_socket() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "daemon::systemd::tests::child_that_tells_everything"])
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "20000")
            .env_remove("WATCHDOG_PID")
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let receive = || {
            let mut buffer = [0; 1024];
            let length = socket.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..length].to_vec()).unwrap()
        };
        let reloading = receive();
        assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
        assert_eq!(receive(), "READY=1\nSTATUS=in sync\n");
        assert_eq!(receive(), "STATUS=1 drifted\n");
        assert!(receive().starts_with("STOPPING=1\n"));
        assert_eq!(receive(), "WATCHDOG=1\n");
        assert_eq!(receive(), "WATCHDOG=1\n");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
