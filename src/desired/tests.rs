//! The file as a whole: what is taken, what is refused, and how that is said.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};

use super::{Desired, Rejected, files};
use crate::resource::{Kind, Severity};

const TODAY: Date = date(2026, 11, 21);

const HEAD: &str = "version: 1\nplatform: {pod: simulator}\n";

fn load_text(text: &str) -> Result<Desired, Rejected> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    std::fs::write(&path, text).unwrap();
    files::load_in(&path, TODAY, None)
}

/// Every problem as `line:column: message | hint`, warnings with a word before them.
fn said(loaded: &Result<Desired, Rejected>) -> String {
    let (problems, warnings) = match loaded {
        Ok(desired) => (&[][..], &desired.warnings),
        Err(rejected) => (&rejected.problems[..], &rejected.warnings),
    };
    let mut out = String::new();
    let errors = problems.iter().map(|problem| (Severity::Error, problem));
    for (severity, problem) in errors.chain(warnings.iter().map(|problem| (Severity::Warning, problem))) {
        if severity == Severity::Warning {
            out.push_str("warning ");
        }
        match &problem.place {
            Some(place) => write!(out, "{}:{}: ", place.line, place.column).unwrap(),
            None => out.push_str("-: "),
        }
        writeln!(out, "{} | {}", problem.message, problem.hint.as_deref().unwrap_or("-")).unwrap();
    }
    out
}

/// `text` behind a head of two lines gives these problems; lines count from the first of `text`.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let loaded = load_text(&format!("{}{text}", HEAD.replace('\n', " #\n").replace(" #\n", "\n")));
    let said = said(&loaded);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{text}\n{said}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{text}\n{said}expected {expected}");
    }
}

#[test]
fn the_example_is_taken_without_a_warning() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.yaml");
    let desired =
        files::load_in(&path, TODAY, None).unwrap_or_else(|rejected| panic!("{:#?}", rejected.problems));
    assert_eq!(desired.warnings, []);
    assert_eq!(desired.declared.len(), 6);
    assert_eq!(desired.sections, [Kind::Tag, Kind::Aws].into());
    assert_eq!(desired.files, [PathBuf::from(&path)]);
    assert_eq!(desired.settings.journal, Some(path.with_file_name("trueup.db")));
}
