//! The proof by trouble: worlds, policies, faults, deaths and other people's changes, all drawn from a seed, and the
//! program's promises held against what the platform saw.
//!
//! - `world` is what is live, what the file says, and the model: what must become of what; `draw` makes one, with the
//!   `oddities` that some have, and `file` writes it down;
//! - `species` knows how objects of each kind look; `secrets` what no one may see; `faults` draws what goes wrong;
//! - `run` is the life of one seed, `edges` what happens in it but seldom, `others` what other people do meanwhile;
//!   `watch` holds what must be true at every moment.
//!
//! A seed repeats exactly, with two exceptions: one in seven has several requests under way at once, whose order is the
//! machine's; and pauses between tries are random. Moments of death are tied to requests, not to time.
//!
//! `TRUEUP_CHAOS_SEEDS=2000` runs so many seeds, `TRUEUP_CHAOS_FIRST=17` begins with that one, `TRUEUP_CHAOS_THREADS=4`
//! takes so many at once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/bin.rs"]
mod bin;
#[path = "chaos/dice.rs"]
mod dice;
#[path = "chaos/draw.rs"]
mod draw;
#[path = "chaos/edges.rs"]
mod edges;
#[path = "chaos/faults.rs"]
mod faults;
#[path = "chaos/file.rs"]
mod file;
#[path = "chaos/oddities.rs"]
mod oddities;
#[path = "chaos/others.rs"]
mod others;
#[path = "chaos/run.rs"]
mod run;
#[path = "chaos/secrets.rs"]
mod secrets;
#[path = "chaos/species.rs"]
mod species;
#[path = "chaos/tally.rs"]
mod tally;
#[path = "chaos/watch.rs"]
mod watch;
#[path = "chaos/world.rs"]
mod world;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use run::{Run, Trail};
use tally::Tally;

/// A seed whose run broke a promise.
struct Violation {
    seed: u64,
    said: String,
    trail: Vec<String>,
}

fn asked(variable: &str, usual: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}: {text} is no number")),
        Err(_) => usual,
    }
}

#[test]
fn whatever_goes_wrong_it_does_no_harm_and_comes_to_rest_in_two_passes() {
    let (first, seeds) = (asked("TRUEUP_CHAOS_FIRST", 1), asked("TRUEUP_CHAOS_SEEDS", 200));
    let threads = asked("TRUEUP_CHAOS_THREADS", 2);
    let next = AtomicU64::new(first);
    let total = Mutex::new(Tally::default());
    let violations = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        return;
                    }
                    let (tally, violation) = live(seed);
                    total.lock().unwrap().add(&tally);
                    violations.lock().unwrap().extend(violation);
                }
            });
        }
    });
    let (total, violations) = (total.into_inner().unwrap(), violations.into_inner().unwrap());
    tell(&total.to_string());
    for Violation { seed, said, trail } in &violations {
        tell(&format!("--- seed {seed}\n{}\n{said}\nto repeat it: {}", trail.join("\n"), repeat(*seed)));
    }
    let seeds: Vec<u64> = violations.iter().map(|violation| violation.seed).collect();
    assert!(violations.is_empty(), "promises were broken with the seeds {seeds:?}, told above");
}

/// The run of one seed, and how it went.
fn live(seed: u64) -> (Tally, Option<Violation>) {
    let trail = Trail::default();
    let mut run = None;
    let outcome = catch_unwind(AssertUnwindSafe(|| run.insert(Run::begin(seed, &trail)).go()));
    let mut tally = run.map(|run| run.tally.clone()).unwrap_or_default();
    let violation = outcome.err().map(|panic| {
        tally.violations += 1;
        let trail = trail.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        Violation { seed, said: told(panic.as_ref()), trail }
    });
    (tally, violation)
}

fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}

fn repeat(seed: u64) -> String {
    format!("TRUEUP_CHAOS_FIRST={seed} TRUEUP_CHAOS_SEEDS=1 cargo test --test chaos -- --nocapture")
}

#[expect(clippy::print_stdout, reason = "the figures and what failed are what the test is for")]
fn tell(text: &str) {
    println!("{text}");
}
