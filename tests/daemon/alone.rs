//! Where nobody helps it: as process 1 of a container, beside clients that take all that they can, and before a platform
//! that does not answer.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use super::*;

/// The pid, as seen from here, of what `unshare` runs as process 1.
fn child_of(parent: u32) -> Result<u32, String> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = fs::read_to_string(path).unwrap_or_default();
    children.split_whitespace().next().and_then(|pid| pid.parse().ok()).ok_or(children)
}

/// The command as process 1; `None` where this machine allows no namespaces.
fn as_process_1(folder: &Folder, args: &[&str]) -> Option<Command> {
    let allowed = Command::new("unshare").args(["--pid", "--fork", "--mount-proc", "true"]).output();
    if !allowed.is_ok_and(|ended| ended.status.success()) {
        return None;
    }
    let program = folder.command(args);
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child"]).arg(program.get_program());
    command.args(program.get_args()).current_dir(folder.root()).env_clear();
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(command)
}

#[test]
fn as_process_1_it_ends_on_sigterm_and_takes_in_the_orphans_of_its_commands() {
    let (folder, simulator) = with_platform("", &[]);
    let orphan = "(sleep 0.2; : >ended) & echo simulator";
    folder.edit(
        &format!("{{pod: simulator, api_url: \"{}\"}}", simulator.url),
        &format!(
            "{{api_url: \"{}\", username: {{command: [echo, simulator]}}, password: {{command: [sh, -c, \"{orphan}\"]}}}}",
            simulator.url
        ),
    );
    let Some(command) = as_process_1(&folder, &["run", "--log-format", "json"]) else { return };
    let mut daemon = Daemon::spawn(command);
    daemon.finish_pass();
    let first = bin::until("process 1", || child_of(daemon.id()));
    bin::until("the orphan's end", || if folder.path("ended").exists() { Ok(()) } else { Err("it runs") });
    bin::until("no zombie", || {
        let children = fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap();
        let state = |pid: &str| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let zombies: Vec<_> =
            children.split_whitespace().map(state).filter(|stat| stat.contains(") Z ")).collect();
        if zombies.is_empty() { Ok(()) } else { Err(zombies) }
    });
    let status = Command::new("kill").args(["-s", "TERM", &first.to_string()]).status();
    assert!(status.unwrap().success());
    let ended = daemon.wait();
    assert_eq!(ended.code, 0, "{ended}");
    assert_eq!(ended.events().last().unwrap()["event"], "daemon_stopped");
}

#[test]
fn as_process_1_a_command_ends_with_its_own_code() {
    for (file, args, code) in [("tagz: []\n", ["validate"], 78), ("", ["validate"], 0), ("", ["nothing"], 64)]
    {
        let folder = Folder::simulated(file);
        let Some(command) = as_process_1(&folder, &args) else { return };
        assert_eq!(end(command).code, code, "{args:?}");
    }
}

#[test]
fn requests_that_never_end_keep_nobody_out() {
    let (folder, _simulator) = with_platform("", &[]);
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    let url = daemon.url();
    let address = url.strip_prefix("http://").unwrap();
    let unfinished: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n");
            stream
        })
        .collect();
    for path in ["/healthz", "/metrics", "/readyz"] {
        assert_eq!(daemon.get(path).status, 200, "{path}");
    }
    // The first have made room.
    let mut first = &unfinished[0];
    first.set_read_timeout(Some(bin::PATIENCE)).unwrap();
    assert!(!matches!(first.read(&mut [0; 64]), Ok(1..)), "it was cut without an answer");
    daemon.stop();
}

#[test]
fn a_platform_that_does_not_answer_is_told_at_each_try_and_the_loop_gets_on() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let folder = Folder::remote(&url, "");
    folder.edit("{pod: simulator,", "{pod: simulator, timeout: 1s,");
    let mut daemon = Daemon::start(&folder);
    let told = daemon.next("retrying");
    assert_eq!(told["level"], "WARN");
    assert_eq!(told["host"], "127.0.0.1");
    assert!(told["message"].as_str().unwrap().starts_with("no answer in 1s, try 2 of "), "{told}");
    assert_eq!(daemon.get("/healthz").status, 200, "a pass that waits is no loop that stands");
    daemon.stop();
}
