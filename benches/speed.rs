//! What a plan and an apply cost: prints figures, asserts nothing.
//!
//! Run by `cargo bench --bench speed`. The simulator is a process of its own (`trueup simulate`), the client the
//! real binary; CPU and memory are the client's alone, as the kernel counts them.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

const TRUEUP: &str = env!("CARGO_BIN_EXE_trueup");

fn main() {
    machine();
    let folder = tempfile::tempdir().expect("a folder for files");
    plan_of_many(folder.path(), 10_000, 0);
    plan_of_many(folder.path(), 10_000, 50);
    apply_creates(folder.path(), 1_000, 50);
    apply_under_a_quota(folder.path(), 1_000, 300, 10);
    idle_daemon(folder.path(), 100);
}

fn machine() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    say(&format!("machine: {cores} cores, {}", model.trim_start_matches([' ', '\t', ':'])));
}

/// A simulator of its own.
struct Simulator {
    child: Child,
    url: String,
}

impl Simulator {
    fn start(arguments: &[&str]) -> Simulator {
        let mut child = Command::new(TRUEUP)
            .args(["simulate", "--listen", "127.0.0.1:0", "--quiet", "--seed", "empty"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the simulator starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output is ours");
        BufReader::new(stdout).read_line(&mut line).expect("its first line");
        let first: Value = serde_json::from_str(&line).expect("a JSON line");
        Simulator { child, url: first["url"].as_str().expect("its URL").to_owned() }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let host = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).expect("a connection");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the answer is text");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        serde_json::from_str(body).unwrap_or(Value::Null)
    }

    /// The requests of the platform's own API since the last time, writes last.
    fn requests(&self) -> (u64, u64) {
        let counted = self.call("GET", "/_sim/requests", &Value::Null);
        self.call("DELETE", "/_sim/requests", &Value::Null);
        let of = |name: &str| counted["counters"][name].as_u64().or(counted[name].as_u64()).unwrap_or(0);
        (of("reads"), of("writes"))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing more to do then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run of the client cost.
struct Cost {
    wall: Duration,
    cpu: Duration,
    peak_kib: i64,
    output: String,
}

fn client(arguments: &[&str], config: &Path) -> Cost {
    let before = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the kernel counts");
    let clock = Instant::now();
    let output = Command::new(TRUEUP)
        .args(arguments)
        .args(["--config"])
        .arg(config)
        .stderr(Stdio::inherit())
        .output()
        .expect("the client runs");
    let wall = clock.elapsed();
    let after = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the kernel counts");
    let spent = |of: fn(&nix::sys::resource::Usage) -> nix::sys::time::TimeVal| {
        let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
        u64::try_from(micros(of(&after)) - micros(of(&before))).unwrap_or(0)
    };
    let cpu = spent(nix::sys::resource::Usage::user_time) + spent(nix::sys::resource::Usage::system_time);
    Cost {
        wall,
        cpu: Duration::from_micros(cpu),
        // The largest of all children so far: the simulator does not count until it has ended.
        peak_kib: after.max_rss(),
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
    }
}

/// A file of `count` connectors as the simulator generates them; every hundredth differs. It has a journal, which
/// the first of several runs fills.
fn config(folder: &Path, name: &str, url: &str, count: usize, differing: bool) -> PathBuf {
    let mut text = format!(
        "version: 1\nplatform: {{pod: simulator, api_url: \"{url}\"}}\n\
         reconcile: {{max_change_percent: 100}}\njournal: ./{name}.db\nlisten: off\n\
         defaults: {{aws: {{capabilities: [AI, CI, CSA], activation: [VM, SCA], regions: all, enabled: true}}}}\n\
         connectors:\n  aws:\n"
    );
    for n in 1..=count {
        let frequency = if differing && n % 100 == 0 { "6h" } else { "4h" };
        let account = 900_000_000_000_u64 + n as u64;
        writeln!(
            text,
            "    - name: generated-{n:05}\n      arn: arn:aws:iam::{account}:role/QualysConnector\n      \
             external_id: US1-1368984-{n:08}\n      description: Generated connector {n}\n      \
             run_frequency: {frequency}"
        )
        .expect("a string takes all");
    }
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the file is written");
    path
}

fn plan_of_many(folder: &Path, count: usize, latency_ms: u64) {
    let simulator = Simulator::start(&["--generate", &format!("aws={count}")]);
    let config = config(folder, &format!("plan-{latency_ms}.yaml"), &simulator.url, count, true);
    simulator.call("POST", "/_sim/options", &json!({ "latency_ms": latency_ms.to_string() }));
    let mut best: Option<Cost> = None;
    let mut walls = Vec::new();
    let mut requests = (0, 0);
    for _ in 0..5 {
        let _ = simulator.requests();
        let cost = client(&["plan", "--format", "json"], &config);
        requests = simulator.requests();
        walls.push(cost.wall.as_millis());
        if best.as_ref().is_none_or(|best| cost.wall < best.wall) {
            best = Some(cost);
        }
    }
    let best = best.expect("it ran");
    let plan: Value = serde_json::from_str(&best.output).unwrap_or(Value::Null);
    let summary = &plan["summary"];
    let pages = count.div_ceil(1000) as u64;
    say(&format!("\nplan of {count} connectors, 1 % differ, {latency_ms} ms an answer"));
    say(&format!("  found             {} updates, {} unchanged", summary["update"], summary["unchanged"]));
    say(&format!(
        "  requests          {} reads, {} writes (pages needed: {pages}, and a listing of each other kind)",
        requests.0, requests.1
    ));
    say(&format!("  wall              {} ms (all: {walls:?})", best.wall.as_millis()));
    say(&format!("  client CPU        {} ms", best.cpu.as_millis()));
    say(&format!("  client peak RSS   {} MB", best.peak_kib / 1024));
    if latency_ms > 0 {
        let chain = Duration::from_millis(pages * latency_ms);
        let times = best.wall.as_secs_f64() / chain.as_secs_f64();
        say(&format!("  chain of pages    {} ms: {times:.2} times that", chain.as_millis()));
    }
}

fn apply_creates(folder: &Path, count: usize, latency_ms: u64) {
    let simulator = Simulator::start(&[]);
    let config = config(folder, "apply.yaml", &simulator.url, count, false);
    simulator.call("POST", "/_sim/options", &json!({ "latency_ms": latency_ms.to_string() }));
    let _ = simulator.requests();
    let cost = client(&["apply", "--yes", "--format", "json"], &config);
    let requests = simulator.requests();
    let applied: Value = serde_json::from_str(&cost.output).unwrap_or(Value::Null);
    let least = Duration::from_millis(count as u64 * latency_ms / 8);
    say(&format!("\napply of {count} creates, concurrency 8, {latency_ms} ms an answer"));
    say(&format!(
        "  outcome           exit {}, {} outcomes",
        applied["exit"],
        applied["outcomes"].as_array().map_or(0, Vec::len)
    ));
    say(&format!("  requests          {} reads, {} writes", requests.0, requests.1));
    say(&format!(
        "  wall              {} ms; least possible for the writes {} ms: {:.3} times that, first listing and \
         re-reading included",
        cost.wall.as_millis(),
        least.as_millis(),
        cost.wall.as_secs_f64() / least.as_secs_f64()
    ));
    say(&format!("  client CPU        {} ms", cost.cpu.as_millis()));
}

/// The quota of a subscription on a fast clock: as many calls in `seconds` as there are in an hour.
fn apply_under_a_quota(folder: &Path, count: usize, limit: u64, seconds: u64) {
    for kind in ["sliding", "fixed"] {
        let simulator = Simulator::start(&[]);
        let config = config(folder, &format!("quota-{kind}.yaml"), &simulator.url, count, false);
        let options = json!({
            "rate_limit": "409", "rate_limit_kind": kind, "rate_limit_requests": limit.to_string(),
            "rate_limit_window": seconds.to_string(), "latency_ms": "50",
        });
        simulator.call("POST", "/_sim/options", &options);
        let _ = simulator.requests();
        let cost = client(&["apply", "--yes", "--format", "json", "--quiet"], &config);
        let counted = simulator.call("GET", "/_sim/requests", &Value::Null);
        let requests = counted["requests"].as_array().map_or(&[][..], Vec::as_slice);
        let refused = requests.iter().filter(|request| request["status"] == 409).count();
        let total = counted["total"].as_u64().unwrap_or(0);
        // All windows but the last pass whole; what is left for it takes its time.
        let windows = total.div_ceil(limit).saturating_sub(1);
        let rest = Duration::from_millis((total - windows * limit) * 50 / 8);
        let least = Duration::from_secs(windows * seconds) + rest;
        say(&format!("\napply of {count} creates, {limit} calls in {seconds} s ({kind}), 50 ms an answer"));
        say(&format!("  requests          {total}, {refused} of them refused for the limit"));
        say(&format!(
            "  wall              {} ms; least possible {} ms: {:.3} times that",
            cost.wall.as_millis(),
            least.as_millis(),
            cost.wall.as_secs_f64() / least.as_secs_f64()
        ));
    }
}

fn idle_daemon(folder: &Path, count: usize) {
    let simulator = Simulator::start(&["--generate", &format!("aws={count}")]);
    let config = config(folder, "idle.yaml", &simulator.url, count, false);
    let mut daemon = Command::new(TRUEUP)
        .args(["run", "--log-format", "json", "--config"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the daemon starts");
    let events = BufReader::new(daemon.stderr.take().expect("its log is ours"));
    let finished =
        events.lines().map_while(Result::ok).any(|line| line.contains(r#""event":"reconcile_finished""#));
    let status = |name: &str| {
        let text = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap_or_default();
        text.lines()
            .find_map(|line| {
                line.strip_prefix(name).map(|rest| rest.trim_start_matches(':').trim().to_owned())
            })
            .unwrap_or_default()
    };
    let switches = || {
        let of = |name| status(name).parse::<u64>().unwrap_or(0);
        of("voluntary_ctxt_switches") + of("nonvoluntary_ctxt_switches")
    };
    // A quarter of a minute in which nothing is due: what it does now it does for nothing.
    std::thread::sleep(Duration::from_secs(1));
    let _ = simulator.requests();
    let (cpu, before) = (cpu_ticks(daemon.id()), switches());
    std::thread::sleep(Duration::from_secs(15));
    say(&format!("\nidle daemon, {count} connectors (first pass finished: {finished})"));
    say(&format!("  resident          {}", status("VmRSS")));
    say(&format!(
        "  in 15 s           {} CPU ticks, {} context switches, {:?} requests (reads, writes)",
        cpu_ticks(daemon.id()) - cpu,
        switches() - before,
        simulator.requests()
    ));
    let pid = Pid::from_raw(i32::try_from(daemon.id()).expect("a process id"));
    kill(pid, Signal::SIGTERM).expect("it takes signals");
    let code = daemon.wait().expect("it ends").code();
    say(&format!("  after SIGTERM     exit {code:?}"));
}

/// User and system time, in the kernel's ticks.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    [11, 12].iter().filter_map(|&at| fields.get(at)?.parse::<u64>().ok()).sum()
}

fn say(line: &str) {
    // A reader that has gone away is no failure.
    let _ = writeln!(std::io::stdout(), "{line}");
}
