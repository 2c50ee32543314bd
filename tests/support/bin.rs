//! The program as its users run it: a folder of its own, commands, a simulator and a daemon that end with the
//! test. Nothing of the machine reaches it but `PATH`, and whoever waits has a deadline.

#![allow(dead_code, reason = "shared by test programs that each use a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Far beyond what anything here takes, for machines that are busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How a file for the built-in simulator begins. Port 0: no two tests meet.
pub(crate) const HEAD: &str = "version: 1\nplatform: {pod: simulator}\nlisten: 127.0.0.1:0\n";

/// A folder with a `config.yaml`, in which the program is run.
pub(crate) struct Folder {
    dir: TempDir,
}

impl Folder {
    /// With this file.
    pub(crate) fn with(config: &str) -> Folder {
        let folder = Folder { dir: tempfile::tempdir().unwrap() };
        folder.write("config.yaml", config);
        folder
    }

    /// With these sections, for the built-in simulator.
    pub(crate) fn simulated(sections: &str) -> Folder {
        Folder::with(&format!("{HEAD}{sections}"))
    }

    /// With the example, less the port that it names.
    pub(crate) fn example() -> Folder {
        Folder::with(&example().replace("listen: 127.0.0.1:9464", "listen: 127.0.0.1:0"))
    }

    /// With these sections, for the platform at this URL.
    pub(crate) fn remote(url: &str, sections: &str) -> Folder {
        Folder::with(&format!(
            "version: 1\nplatform: {{pod: simulator, api_url: \"{url}\"}}\nlisten: 127.0.0.1:0\n{sections}"
        ))
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Replaces the one place where `config.yaml` says `from`.
    #[track_caller]
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = self.read("config.yaml");
        assert_eq!(text.matches(from).count(), 1, "{from:?} stands once in\n{text}");
        self.write("config.yaml", &text.replace(from, to));
    }

    /// The program, not yet started.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        command.args(args).current_dir(self.dir.path()).env_clear().stdin(Stdio::null());
        for kept in ["PATH", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command
    }

    /// Runs the program to its end.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        end(self.command(args))
    }

    /// Runs the program, which ends with this code.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, args: &[&str]) -> Ended {
        let ended = self.run(args);
        assert_eq!(ended.code, code, "trueup {}\n{ended}", args.join(" "));
        ended
    }
}

/// `config.example.yaml` as it is.
pub(crate) fn example() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.yaml")).unwrap()
}

/// What a document warns of, but for the example's start dates: these lie ahead of the year in which it was written.
pub(crate) fn warnings(document: &Value) -> Vec<Value> {
    let all = document["warnings"].as_array().unwrap().iter();
    all.filter(|warning| !warning.to_string().contains("start_date 2031-12-01 is in the past"))
        .cloned()
        .collect()
}

/// A command that ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n--- stdout\n{}--- stderr\n{}---", self.code, self.stdout, self.stderr)
    }
}

impl Ended {
    /// The one JSON document that is all of stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// The same, which says of itself what it is and how the process ended.
    #[track_caller]
    pub(crate) fn document(&self, format: &str) -> Value {
        let json = self.json();
        assert_eq!(json["format"], format, "{self}");
        assert_eq!(json["exit"], self.code, "{self}");
        json
    }

    /// The lines of stderr, each a JSON object.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stderr.lines().map(parse).collect()
    }
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn end(command: Command) -> Ended {
    Running::start(command).wait()
}

/// A command under way; what it says is read as it comes.
pub(crate) struct Running {
    child: Killed,
    streams: [JoinHandle<Vec<u8>>; 2],
    command: String,
}

impl Running {
    #[track_caller]
    pub(crate) fn start(mut command: Command) -> Running {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut child = Killed(child);
        let streams = [read_all(child.0.stdout.take().unwrap()), read_all(child.0.stderr.take().unwrap())];
        Running { child, streams, command: format!("{command:?}") }
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.child.0.try_wait().unwrap().is_some()
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ended {
        let status = self.child.wait(PATIENCE).unwrap_or_else(|| panic!("{} does not end", self.command));
        self.ended(status)
    }

    /// Ends it on the spot. A code of -1 says that it was.
    #[track_caller]
    pub(crate) fn kill(mut self) -> Ended {
        // It may have ended by itself.
        let _ = self.child.0.kill();
        let status = self.child.0.wait().unwrap();
        self.ended(status)
    }

    fn ended(self, status: ExitStatus) -> Ended {
        let [stdout, stderr] = self.streams.map(|thread| String::from_utf8(thread.join().unwrap()).unwrap());
        Ended { code: status.code().unwrap_or(-1), stdout, stderr }
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// A process that does not outlive the test.
struct Killed(Child);

impl Killed {
    fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return Some(status);
            }
            if Instant::now() > deadline {
                return None;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Looks again until there is something.
#[track_caller]
pub(crate) fn until<T, E: Debug>(what: &str, mut look: impl FnMut() -> Result<T, E>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(last) if Instant::now() > deadline => panic!("{what} does not come: {last:#?}"),
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An answer over HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Asks a server on this machine.
#[track_caller]
pub(crate) fn http(method: &str, url: &str, body: &str) -> Answer {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let head = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    );
    stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let (status, headers) = head.split_once("\r\n").unwrap();
    Answer {
        status: status.split(' ').nth(1).unwrap().parse().unwrap(),
        headers: headers
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: body.to_owned(),
    }
}

/// `trueup simulate`, running.
pub(crate) struct Simulator {
    child: Killed,
    pub(crate) url: String,
}

impl Simulator {
    /// The one that the commands of this folder join, since it serves the file beside their journal.
    #[track_caller]
    pub(crate) fn beside(folder: &Folder, args: &[&str]) -> Simulator {
        let state = folder.path("trueup-simulator.json");
        let args = [&["--state", state.to_str().unwrap()], args].concat();
        Simulator::start(folder, &args)
    }

    /// On a port of its own, unless told otherwise.
    #[track_caller]
    pub(crate) fn start(folder: &Folder, args: &[&str]) -> Simulator {
        let listen: &[&str] = if args.contains(&"--listen") { &[] } else { &["--listen", "127.0.0.1:0"] };
        let mut command = folder.command(&[&["simulate", "--show-secrets"], listen, args].concat());
        let mut child = Killed(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        // Read to the end in any case, so that it never waits for us.
        let stderr = read_all(child.0.stderr.take().unwrap());
        let mut stdout = BufReader::new(child.0.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Ok(first) = serde_json::from_str::<Value>(&line) else {
            drop(child);
            panic!("{line:?} is no JSON; {}", String::from_utf8_lossy(&stderr.join().unwrap()));
        };
        Simulator { child, url: first["url"].as_str().unwrap().to_owned() }
    }

    #[track_caller]
    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = http(method, &format!("{}/_sim/{path}", self.url), &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Somebody else changes an object.
    #[track_caller]
    pub(crate) fn set(&self, kind: &str, name: &str, fields: &Value) {
        self.control("POST", "objects", &json!({"kind": kind, "name": name, "set": fields}));
    }

    /// Somebody else makes an object.
    #[track_caller]
    pub(crate) fn make(&self, kind: &str, fields: &Value) {
        self.control("POST", "objects", &json!({"kind": kind, "create": fields}));
    }

    #[track_caller]
    pub(crate) fn fault(&self, fault: &Value) {
        self.control("POST", "faults", fault);
    }

    #[track_caller]
    pub(crate) fn end_faults(&self) {
        self.control("DELETE", "faults", &Value::Null);
    }

    #[track_caller]
    pub(crate) fn options(&self, options: &Value) {
        self.control("POST", "options", options);
    }

    /// The objects of a kind, in plain form.
    #[track_caller]
    pub(crate) fn objects(&self, kind: &str) -> Vec<Value> {
        let listing = self.control("GET", &format!("objects?kind={kind}"), &Value::Null);
        listing["objects"].as_array().unwrap().iter().map(|entry| entry["object"].clone()).collect()
    }

    /// The one object of that name.
    #[track_caller]
    pub(crate) fn object(&self, kind: &str, name: &str) -> Value {
        let mut named = self.objects(kind).into_iter().filter(|object| object["name"] == name);
        let found = named.next().unwrap_or_else(|| panic!("no {kind} named {name}"));
        assert_eq!(named.next(), None, "several {kind} named {name}");
        found
    }

    /// The requests so far, and forgets them.
    #[track_caller]
    pub(crate) fn take_requests(&self) -> Vec<Value> {
        self.control("DELETE", "requests", &Value::Null)["requests"].as_array().unwrap().clone()
    }

    /// The requests so far that change something.
    #[track_caller]
    pub(crate) fn writes(&self) -> Vec<Value> {
        let requests = self.control("GET", "requests", &Value::Null)["requests"].as_array().unwrap().clone();
        requests.into_iter().filter(|request| request["write"] == true).collect()
    }

    /// Asks it to stop, and waits.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        signal(&self.child.0, "TERM");
        let status = self.child.wait(PATIENCE).unwrap();
        assert_eq!(status.code(), Some(0));
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.unwrap().success(), "kill -s {name}");
}

/// `trueup run`, running; its log is read as it comes.
pub(crate) struct Daemon {
    child: Killed,
    log: Arc<Log>,
    readers: Vec<JoinHandle<()>>,
    /// How far [`Daemon::next`] has come.
    read: usize,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    stdout: Mutex<String>,
    grown: Condvar,
}

impl Log {
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Daemon {
    /// With JSON logs.
    #[track_caller]
    pub(crate) fn start(folder: &Folder) -> Daemon {
        Daemon::spawn(folder.command(&["run", "-c", "config.yaml", "--log-format", "json"]))
    }

    #[track_caller]
    pub(crate) fn spawn(mut command: Command) -> Daemon {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut child = Killed(child);
        let log = Arc::new(Log::default());
        let stderr = BufReader::new(child.0.stderr.take().unwrap());
        let mut stdout = child.0.stdout.take().unwrap();
        let (of_stderr, of_stdout) = (Arc::clone(&log), Arc::clone(&log));
        let readers = vec![
            thread::spawn(move || {
                for line in stderr.lines() {
                    of_stderr.lines().push(line.unwrap());
                    of_stderr.grown.notify_all();
                }
            }),
            thread::spawn(move || {
                let mut text = String::new();
                // What was read before an error is kept.
                let _ = stdout.read_to_string(&mut text);
                *of_stdout.stdout.lock().unwrap() = text;
            }),
        ];
        Daemon { child, log, readers, read: 0 }
    }

    /// The lines of the log so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log.lines().clone()
    }

    /// The events so far.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        self.lines().iter().map(|line| parse(line)).collect()
    }

    /// The events of that name so far.
    #[track_caller]
    pub(crate) fn named(&self, name: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["event"] == name).collect()
    }

    /// Waits for the next line that fits; those before it are skipped.
    #[track_caller]
    pub(crate) fn next_line(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.log.lines();
        loop {
            while let Some(line) = lines.get(self.read) {
                self.read += 1;
                if fits(line) {
                    return line.clone();
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{what} does not come:\n{}", lines.join("\n"));
            // Woken early now and then, so that a process that died is not waited for.
            lines = self.log.grown.wait_timeout(lines, left.min(Duration::from_millis(100))).unwrap().0;
            let over = self.readers.first().is_some_and(JoinHandle::is_finished);
            assert!(!over || lines.len() > self.read, "{what} never came:\n{}", lines.join("\n"));
        }
    }

    /// Waits for the next event of that name.
    #[track_caller]
    pub(crate) fn next(&mut self, name: &str) -> Value {
        parse(&self.next_line(name, |line| parse(line)["event"] == name))
    }

    /// Waits until the next pass has ended.
    #[track_caller]
    pub(crate) fn finish_pass(&mut self) -> Value {
        self.next("reconcile_finished")
    }

    /// Asks for a pass and waits until it has ended.
    #[track_caller]
    pub(crate) fn pass(&mut self) -> Value {
        self.signal("HUP");
        let started = self.next("reconcile_started");
        assert_eq!(started["trigger"], "signal", "{started}");
        self.finish_pass()
    }

    /// Where it serves its status.
    #[track_caller]
    pub(crate) fn url(&self) -> String {
        until("http_listening", || {
            let lines = self.lines();
            let address = lines.iter().find(|line| line.contains("http_listening")).and_then(|line| {
                let port =
                    line.split_once("127.0.0.1:")?.1.split(|after: char| !after.is_ascii_digit()).next()?;
                Some(format!("http://127.0.0.1:{port}"))
            });
            address.ok_or(lines)
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        http("GET", &format!("{}{path}", self.url()), "")
    }

    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child.0, name);
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ended {
        let status = self.child.wait(PATIENCE);
        let status = status.unwrap_or_else(|| panic!("it does not end:\n{}", self.lines().join("\n")));
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let stderr = self.lines().join("\n") + "\n";
        let stdout = self.log.stdout.lock().unwrap().clone();
        Ended { code: status.code().unwrap_or(-1), stdout, stderr }
    }

    /// Asks it to stop; it ends well.
    #[track_caller]
    pub(crate) fn stop(self) -> Ended {
        self.signal("TERM");
        let ended = self.wait();
        assert_eq!(ended.code, 0, "{ended}");
        ended
    }
}

#[track_caller]
fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}
