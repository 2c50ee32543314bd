//! What commands print: data on stdout, complaints on stderr.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::Format;
use crate::desired::{Problem, Rejected};
use crate::exit::Exit;
use crate::resource::Severity;
use crate::visible::visible_json;

/// Whether something that was said did not arrive.
static LOST: AtomicBool = AtomicBool::new(false);

/// Writes to stdout. A reader that has gone away is no failure of ours; a full disk is, see [`is_lost`].
pub(super) fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        // What is left in the buffer of stdout fails again with each further line.
        Err(error) => {
            if !LOST.swap(true, Ordering::Relaxed) {
                complain(&format!("error: could not write to stdout: {error}"));
            }
        }
    }
}

/// Whether something that was said did not arrive: whoever reads stdout has not got all of it.
pub(super) fn is_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Writes one JSON document to stdout.
pub(super) fn say_json(value: &Value) {
    say(&format!("{}\n", visible_json(&format!("{value:#}"))));
}

/// Writes a line to stderr.
pub(super) fn complain(line: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "{line}");
}

/// Says what went wrong, in the format that was asked for, and how the process ends.
pub(super) fn fail(format: Format, exit: Exit, message: &str, hint: Option<&str>) -> Exit {
    let problem = Problem::new(message, hint.map(str::to_owned));
    match format {
        Format::Json => say_json(&error_json(exit, &[problem])),
        Format::Text => {
            complain(&format!("error: {message}"));
            if let Some(hint) = hint {
                complain(&format!("hint: {hint}"));
            }
        }
    }
    exit
}

/// How a process ends whose file is not taken.
pub(super) fn exit_of(rejected: &Rejected) -> Exit {
    if rejected.passing { Exit::Failure } else { Exit::Config }
}

/// Says everything that is wrong with the file.
pub(super) fn reject(format: Format, rejected: &Rejected) -> Exit {
    let exit = exit_of(rejected);
    match format {
        Format::Json => {
            let mut json = error_json(exit, &rejected.problems);
            json["warnings"] = json!(rejected.warnings);
            say_json(&json);
        }
        Format::Text => {
            complain_of(&rejected.problems, &rejected.warnings);
            complain(&format!("error: {rejected}"));
        }
    }
    exit
}

/// Shows problems at length.
pub(super) fn complain_of(errors: &[Problem], warnings: &[Problem]) {
    for problem in warnings {
        complain(&problem.display(Severity::Warning).to_string());
    }
    for problem in errors {
        complain(&problem.display(Severity::Error).to_string());
    }
}

fn error_json(exit: Exit, problems: &[Problem]) -> Value {
    json!({ "format": "trueup.error/v1", "exit": exit.code(), "errors": problems })
}
