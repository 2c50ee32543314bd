//! What is wrong, or ill-advised, in the file: where, what, and what is accepted instead.

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::path::PathBuf;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::Place;
use super::tree::{NodeId, Tree};
use crate::resource::Severity;
use crate::visible::acts;

/// Something wrong with, or ill-advised in, the file.
///
/// Serialized as `{file, line, column, message, hint}`; printed in one line as `file:line:column: message`, and by
/// [`Problem::display`] at length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, if it is in one place.
    pub place: Option<Place>,
    /// The offending line as it may be shown (of a long line, what surrounds the place), and where in it the place is, in
    /// characters from 0.
    pub excerpt: Option<(String, u32)>,
    /// What is wrong, in one sentence without full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// The file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.verdict())]
pub struct Rejected {
    /// What is wrong, ordered by file, line and column; never empty.
    pub problems: Vec<Problem>,
    /// What is ill-advised besides, in the same order.
    pub warnings: Vec<Problem>,
    /// Whether something could not be read for a reason of the moment, such as a lack of descriptors: the same file may
    /// well be taken later.
    pub passing: bool,
    /// Every file that was to be read, main file first, absolute.
    pub files: Vec<PathBuf>,
    /// The patterns of `include`, as far as they were read, absolute.
    pub include: Vec<String>,
}

impl Rejected {
    /// What is wrong with a file of which nothing was read.
    #[must_use]
    pub fn unread(problems: Vec<Problem>) -> Rejected {
        Rejected { problems, warnings: Vec::new(), passing: false, files: Vec::new(), include: Vec::new() }
    }

    fn verdict(&self) -> String {
        match self.problems.len() {
            _ if self.passing => "the file could not be read whole: it may be, later".to_owned(),
            1 => "the file is wrong in 1 place".to_owned(),
            count => format!("the file is wrong in {count} places"),
        }
    }
}

impl Problem {
    /// A problem that is in no one place.
    #[must_use]
    pub fn new(message: impl Into<String>, hint: impl Into<Option<String>>) -> Problem {
        Problem { place: None, excerpt: None, message: message.into(), hint: hint.into() }
    }

    /// The problem at length, for people: place and message, the line with a caret, the hint.
    #[must_use]
    pub fn display(&self, severity: Severity) -> impl fmt::Display + '_ {
        struct Long<'a>(&'a Problem, Severity);
        impl fmt::Display for Long<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.write_long(f, self.1)
            }
        }
        Long(self, severity)
    }

    fn write_place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(Place { file, line, column }) => write!(f, "{}:{line}:{column}: ", escaped(file)),
            None => Ok(()),
        }
    }

    fn write_long(&self, f: &mut fmt::Formatter<'_>, severity: Severity) -> fmt::Result {
        self.write_place(f)?;
        let word = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{word}: {}", escaped(&self.message))?;
        if let (Some((excerpt, caret)), Some(place)) = (&self.excerpt, &self.place) {
            let before: String = excerpt.chars().take(*caret as usize).collect();
            let number = place.line.to_string();
            let gutter = number.len();
            write!(f, "\n {number} | {}", escaped(excerpt))?;
            write!(f, "\n {:gutter$} | {:2$}^", "", "", escaped(&before).chars().count())?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n hint: {}", escaped(hint)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_place(f)?;
        f.write_str(&escaped(&self.message))
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Problem", 5)?;
        let place = self.place.as_ref();
        fields.serialize_field("file", &place.map(|place| &*place.file))?;
        fields.serialize_field("line", &place.map(|place| place.line))?;
        fields.serialize_field("column", &place.map(|place| place.column))?;
        fields.serialize_field("message", &self.message)?;
        fields.serialize_field("hint", &self.hint)?;
        fields.end()
    }
}

/// The text with everything escaped that a terminal could take for a command, or that would hide or turn text.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            // A tab keeps its width of one, so that the caret stays below its character.
            '\t' => out.push(' '),
            character if acts(character) => out.extend(character.escape_default()),
            character => out.push(character),
        }
    }
    out
}

/// All problems of one run.
#[derive(Default)]
pub(super) struct Report {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    /// What an anchor or a default brings into many entries is said once.
    said: HashSet<(NodeId, String)>,
    /// See [`Rejected::passing`].
    passing: bool,
}

impl Report {
    /// Notes that what is reported next may go away by itself.
    pub(super) fn may_pass(&mut self) {
        self.passing = true;
    }

    pub(super) fn error(&mut self, tree: &Tree, at: NodeId, message: String, hint: Option<String>) {
        self.report(Severity::Error, tree, at, message, hint);
    }

    pub(super) fn warning(&mut self, tree: &Tree, at: NodeId, message: String, hint: Option<String>) {
        self.report(Severity::Warning, tree, at, message, hint);
    }

    pub(super) fn report(
        &mut self,
        severity: Severity,
        tree: &Tree,
        at: NodeId,
        message: String,
        hint: Option<String>,
    ) {
        if !self.said.insert((at, message.clone())) {
            return;
        }
        let hint = hint.map(|hint| tree.without_secret(at, hint));
        let message = tree.without_secret(at, message);
        let problem = Problem { place: Some(tree.place(at)), excerpt: tree.excerpt_at(at), message, hint };
        match severity {
            Severity::Error => self.errors.push(problem),
            Severity::Warning => self.warnings.push(problem),
        }
    }

    pub(super) fn push_error(&mut self, problem: Problem) {
        self.errors.push(problem);
    }

    /// The warnings, if there is no error.
    pub(super) fn finish(self) -> Result<Vec<Problem>, Rejected> {
        let Report { errors: mut problems, mut warnings, said: _, passing } = self;
        for list in [&mut problems, &mut warnings] {
            list.sort_by(|a, b| (&a.place, &a.message).cmp(&(&b.place, &b.message)));
        }
        if problems.is_empty() {
            return Ok(warnings);
        }
        Err(Rejected { warnings, passing, ..Rejected::unread(problems) })
    }
}

/// The one of `known` that a word was probably meant as.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let word = plain(word);
    let allowed = (word.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &plain(candidate)), candidate))
        // As many typing errors as a word has letters make any word of it.
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// What is accepted, and which of it was probably meant.
pub(super) fn accepted(word: &str, known: &[&str]) -> String {
    let mut hint = String::new();
    if let Some(near) = nearest(word, known.iter().copied()) {
        let _ = write!(hint, "did you mean `{near}`? ");
    }
    match known {
        [] => hint.push_str("nothing is accepted here"),
        [only] => {
            let _ = write!(hint, "accepted is {only}");
        }
        [most @ .., last] => {
            let _ = write!(hint, "accepted are {} and {last}", most.join(", "));
        }
    }
    hint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_found_and_far_ones_are_not() {
        let known = ["description", "run_frequency", "AI", "CSA", "US1", "enforce"];
        for (word, meant) in [
            ("descripton", Some("description")),
            ("run-frequency", Some("run_frequency")),
            ("RunFrequency", Some("run_frequency")),
            ("csa", Some("CSA")),
            ("us1", Some("US1")),
            ("Enforce", Some("enforce")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }

    #[test]
    fn a_problem_shows_its_line_with_a_caret_and_no_control_characters() {
        let problem = Problem {
            place: Some(Place { file: "config.yaml".into(), line: 12, column: 7 }),
            excerpt: Some(("\tname: \u{1b}[31mred".to_owned(), 7)),
            message: "bad \u{7} name".to_owned(),
            hint: Some("give another".to_owned()),
        };
        assert_eq!(
            problem.display(Severity::Error).to_string(),
            "config.yaml:12:7: error: bad \\u{7} name\n 12 |  name: \\u{1b}[31mred\n    |        ^\n hint: give another"
        );
        assert_eq!(problem.to_string(), "config.yaml:12:7: bad \\u{7} name");
        assert_eq!(
            serde_json::to_string(&problem).unwrap(),
            r#"{"file":"config.yaml","line":12,"column":7,"message":"bad \u0007 name","hint":"give another"}"#
        );
    }
}
