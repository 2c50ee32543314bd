//! What the daemon notices of its files, and what it does where they cannot be read.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

use super::*;

/// A daemon on a file in a folder deep down, with this many tags.
fn deep(folder: &Folder, head: &str, root: &str, tags: &[&str]) {
    folder.write(&format!("{root}/team/conf/c.yaml"), &with_tags(head, tags));
    folder.write(&format!("{root}/team/conf/more/m.yaml"), "");
}

#[test]
fn a_directory_above_that_is_replaced_is_noticed_and_so_is_each_later_edit() {
    let (folder, _simulator) = with_platform("journal: off\ninclude: [more/*.yaml]\n", &[]);
    let head = folder.read("config.yaml");
    deep(&folder, &head, "w", &["a"]);
    let mut daemon =
        Daemon::spawn(folder.command(&["run", "-c", "w/team/conf/c.yaml", "--log-format", "json"]));
    daemon.finish_pass();
    for (replaced, tags) in [("w", ["a", "b"].as_slice()), ("w/team", &["a", "b", "c"])] {
        deep(&folder, &head, "next", tags);
        let next = replaced.replacen('w', "next", 1);
        check_save(&mut daemon, tags.len() as u64, || {
            fs::rename(folder.path(replaced), folder.path("old")).unwrap();
            fs::rename(folder.path(&next), folder.path(replaced)).unwrap();
        });
        fs::remove_dir_all(folder.path("old")).unwrap();
        check_save(&mut daemon, 1, || folder.write("w/team/conf/c.yaml", &with_tags(&head, &["d"])));
        check_save(&mut daemon, 2, || folder.write("w/team/conf/more/m.yaml", "tags: [{name: m}]\n"));
    }
}

#[test]
fn a_refused_file_is_mended_where_it_is_wrong_also_in_a_file_that_was_never_in_force() {
    let (folder, _simulator) = with_platform("", &[]);
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    folder.write("more.yaml", "tagz: []\n");
    folder.write("config.yaml", &format!("{}include: [more.yaml]\n", folder.read("config.yaml")));
    daemon.next("config_rejected");
    daemon.finish_pass();
    folder.write("more.yaml", "tags: [{name: mended}]\n");
    daemon.next("config_loaded");
    assert_eq!(daemon.next("plan_computed")["create"], 1);
}

// What cannot be read.

#[track_caller]
fn make_pipe(folder: &Folder, name: &str) {
    assert!(Command::new("mkfifo").arg(folder.path(name)).status().unwrap().success());
}

#[test]
fn a_pipe_among_the_files_is_refused_by_name_and_stops_nothing() {
    let (folder, _simulator) = with_platform("include: [conf.d/*.yaml]\n", &[]);
    folder.write("conf.d/a.yaml", "tags: [{name: a}]\n");
    let mut daemon = Daemon::start(&folder);
    daemon.finish_pass();
    make_pipe(&folder, "conf.d/f.yaml");
    let validated = folder.expect(78, &["validate"]);
    assert!(
        validated.stderr.contains("could not read conf.d/f.yaml: it is a pipe, not a regular file"),
        "{validated}"
    );

    let rejected = daemon.next("config_rejected");
    assert!(rejected["message"].as_str().unwrap().contains("conf.d/f.yaml"), "{rejected}");
    assert_eq!(daemon.finish_pass()["outcome"], "pending", "the last good file stays in force");
    assert_eq!(daemon.get("/healthz").status, 200);
    assert_eq!(daemon.get("/readyz").status, 200);
    // What has not changed is not told again.
    let told = daemon.named("config_rejected").len();
    daemon.pass();
    assert_eq!(daemon.named("config_rejected").len(), told + 1, "who asks is told");
    fs::remove_file(folder.path("conf.d/f.yaml")).unwrap();
    daemon.next("config_loaded");
    daemon.finish_pass();
    assert_eq!(daemon.get("/api/v1/status").json()["config"]["ok"], true);
    daemon.stop();
}

#[test]
fn what_cannot_be_read_at_start_is_1_where_it_may_pass_and_78_where_it_may_not() {
    for (include, code, why) in [
        // Reading it is an I/O error.
        ("/proc/self/mem", 1, "Input/output error"),
        ("none.yaml", 78, "No such file"),
        ("/dev/zero", 78, "it is a device, not a regular file"),
        (".", 78, "it is a directory, not a regular file"),
    ] {
        let folder = Folder::simulated(&format!("include: [\"{include}\"]\n"));
        for command in [["validate", "--quiet"], ["plan", "--quiet"], ["run", "--quiet"]] {
            let ended = folder.expect(code, &command);
            assert!(ended.stderr.contains(why), "{ended}");
        }
        let json = folder.expect(code, &["validate", "--format", "json"]).document("trueup.error/v1");
        assert_eq!(json["errors"].as_array().map(Vec::len), Some(1), "{json}");
    }
}

// What systemd is told.

/// A socket as systemd's, and a daemon that speaks to it.
#[track_caller]
fn with_socket(folder: &Folder) -> (UnixDatagram, Daemon) {
    let socket = UnixDatagram::bind(folder.path("notify")).unwrap();
    socket.set_read_timeout(Some(bin::PATIENCE)).unwrap();
    let mut command = folder.command(&["run", "--log-format", "json"]);
    command.env("NOTIFY_SOCKET", folder.path("notify"));
    (socket, Daemon::spawn(command))
}

/// The next message with this beginning.
#[track_caller]
fn receive(socket: &UnixDatagram, beginning: &str) -> String {
    let mut buffer = [0; 4096];
    loop {
        let length = socket.recv(&mut buffer).unwrap();
        let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
        if message.starts_with(beginning) {
            return message;
        }
    }
}

#[test]
fn systemd_is_told_the_verdict_and_that_the_file_on_disk_is_refused_since_when() {
    let (folder, _simulator) = with_platform(SECTIONS, &[]);
    let (socket, mut daemon) = with_socket(&folder);
    let ready = receive(&socket, "READY=1");
    let counts = "simulator, dry-run: 2 to change, 0 drifted, 0 held, 0 unchanged";
    assert!(ready.contains(&format!("STATUS=pending · {counts} · next pass ")), "{ready}");
    assert!(daemon.named("reconcile_finished").len() <= 1, "ready is said when the first pass has ended");

    folder.edit("run_frequency: 4h", "run_frequency: 30m");
    let refused = receive(&socket, "READY=1");
    assert!(refused.contains("STATUS=pending · the file on disk is refused since 20"), "{refused}");
    assert!(refused.contains(": config.yaml:8: run frequency 30m"), "{refused}");
    assert!(refused.contains(counts), "{refused}");
    daemon.finish_pass();
    let since = |message: &str| message.split("refused since ").nth(1).map(|rest| rest[..19].to_owned());
    let later = receive(&socket, "STATUS=pending · the file on disk is refused since ");
    assert_eq!(since(&later), since(&refused), "since when, not when last");

    folder.edit("run_frequency: 30m", "run_frequency: 4h");
    let mended = receive(&socket, "READY=1");
    assert!(!mended.contains("refused"), "{mended}");
    daemon.stop();
}
