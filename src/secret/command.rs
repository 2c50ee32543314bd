//! Runs the command that gives a secret: without a shell, with little of our environment, and not for long.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::reference::MAX_BYTES;
use super::{Redactor, Secret, SecretCause};
use crate::visible::visible;

/// What a command says of its failure is one line of a message.
const LONGEST_LINE: usize = 200;

/// What the command prints. The variables are its whole environment.
pub(super) fn run(
    argv: &[String],
    variables: &[(String, OsString)],
    limit: Duration,
) -> Result<String, SecretCause> {
    let deadline = Instant::now() + limit;
    let [program, arguments @ ..] = argv else {
        return Err(SecretCause::NotRun(io::ErrorKind::InvalidInput.into()));
    };
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (name, value)))
        // A group of its own, so that what it starts can be ended with it.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(SecretCause::NotRun)?;
    let (stdout, stderr) = (read(child.stdout.take()), read(child.stderr.take()));
    let printed = wait(&mut child, &stdout, deadline, limit);
    match printed {
        Ok((status, text)) if status.success() => text_of(text),
        Ok((status, text)) => {
            end(&mut child);
            let said =
                stderr.recv_timeout(Duration::from_secs(1)).ok().and_then(Result::ok).unwrap_or_default();
            Err(SecretCause::Failed { status, last_line: last_line(&said, &text, variables) })
        }
        Err(cause) => {
            end(&mut child);
            Err(cause)
        }
    }
}

/// Ends the command and all that it started.
fn end(child: &mut Child) {
    // It may have ended by itself meanwhile; there is nothing else that could be done.
    if let Ok(group) = i32::try_from(child.id()) {
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    let _ = child.wait();
}

/// A read has no time limit, so it waits in a thread of its own; killing the group ends it.
fn read(from: Option<impl Read + Send + 'static>) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let Some(mut from) = from else { return };
        let read = from.by_ref().take(MAX_BYTES + 1).read_to_end(&mut bytes);
        // Nobody may be waiting any more.
        let _ = sender.send(read.map(|_| bytes));
        // What it says beyond that is dropped, so that it does not wait for us.
        let _ = io::copy(&mut from, &mut io::sink());
    });
    receiver
}

fn wait(
    child: &mut Child,
    stdout: &Receiver<io::Result<Vec<u8>>>,
    deadline: Instant,
    limit: Duration,
) -> Result<(ExitStatus, Vec<u8>), SecretCause> {
    let left = deadline.saturating_duration_since(Instant::now());
    let bytes = stdout.recv_timeout(left).map_err(|_| SecretCause::TooSlow(limit))?;
    let bytes = bytes.map_err(SecretCause::NotRun)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(SecretCause::TooLarge);
    }
    loop {
        match child.try_wait().map_err(SecretCause::NotRun)? {
            Some(status) => return Ok((status, bytes)),
            None if Instant::now() >= deadline => return Err(SecretCause::TooSlow(limit)),
            // It has closed its output, so it is about to end.
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn text_of(bytes: Vec<u8>) -> Result<String, SecretCause> {
    String::from_utf8(bytes).map_err(|_| SecretCause::NotUtf8)
}

/// The last line of its stderr, without what it printed or was given: these may be secrets.
fn last_line(stderr: &[u8], stdout: &[u8], variables: &[(String, OsString)]) -> Option<String> {
    let said = String::from_utf8_lossy(stderr);
    let printed = String::from_utf8_lossy(stdout);
    let given =
        variables.iter().filter(|(name, _)| !super::reference::COMMAND_ENVIRONMENT.contains(&name.as_str()));
    let secrets: Vec<Secret> = std::iter::once(printed.trim().to_owned())
        .chain(given.map(|(_, value)| value.to_string_lossy().into_owned()))
        .map(Secret::new)
        .collect();
    let redacted = Redactor::new(&secrets).redact(&said);
    let line = redacted.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    let short: String = line.chars().take(LONGEST_LINE).collect();
    let more = if short.len() < line.len() { "…" } else { "" };
    Some(format!("{}{more}", visible(&short)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, variables: &[(&str, &str)], limit: Duration) -> Result<String, SecretCause> {
        let argv = ["sh", "-c", script].map(str::to_owned);
        let given = variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value)));
        let path = ("PATH".to_owned(), std::env::var_os("PATH").unwrap());
        run(&argv, &given.chain([path]).collect::<Vec<_>>(), limit)
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_command_gets_its_variables_and_no_others() {
        let printed = sh("env", &[("VAULT_TOKEN", "hunter2")], LONG).unwrap();
        let mut names: Vec<&str> = printed.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        // The shell's own.
        names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
        names.sort_unstable();
        assert_eq!(names, ["PATH", "VAULT_TOKEN"]);
    }

    #[test]
    fn the_last_line_of_stderr_tells_why_a_command_failed() {
        for (script, expected) in [
            ("echo first >&2; echo 'vault: permission denied' >&2; exit 3", Some("vault: permission denied")),
            ("echo; exit 3", None),
            ("printf hunter2; echo 'cannot send hunter2' >&2; exit 3", Some("cannot send [redacted]")),
            ("echo \"bad token $TOKEN\" >&2; exit 3", Some("bad token [redacted]")),
            ("printf 'a\\033[31m' >&2; exit 3", Some("a\\u{1b}[31m")),
            ("yes | head -c 300000 >&2; echo >&2; exit 3", Some("y")),
        ] {
            match sh(script, &[("TOKEN", "hunter22")], LONG) {
                Err(SecretCause::Failed { last_line, .. }) => {
                    assert_eq!(last_line.as_deref(), expected, "{script}");
                }
                other => panic!("{script}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_command_that_does_not_end_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        // The grandchild outlives the shell, and holds its output open.
        let script = format!("sleep 600 & echo $! > {}; exit 0", pid.display());
        assert!(matches!(sh(&script, &[], Duration::from_secs(2)), Err(SecretCause::TooSlow(_))));
        let sleeper = std::fs::read_to_string(pid).unwrap();
        let deadline = Instant::now() + LONG;
        let is_alive = || {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", sleeper.trim())).unwrap_or_default();
            state.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
        };
        while is_alive() {
            assert!(Instant::now() < deadline, "it lives on");
            thread::sleep(Duration::from_millis(5));
        }
    }
}
