//! The file: what should exist.
//!
//! [`load`] reads the main file and what it includes, and gives either everything, checked and in normal form, or
//! every problem with its place and remedy. It looks at no platform and resolves no secret.
//!
//! Inside: `tree` holds the YAML with places, `de` makes types of it, `sections` and `files` know what stands where,
//! `checks` is what holds across the whole, and `problem` and `mask` are how it is said.

mod checks;
mod de;
mod expectations;
mod files;
mod mask;
mod pods;
mod problem;
mod reports;
mod sections;
pub mod settings;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::resource::{AssessmentReport, Expectation, Kind, Scope, Spec};

pub(crate) use files::load_text;
pub use files::{load, load_at};
pub(crate) use problem::nearest;
pub use problem::{Problem, Rejected};
pub use settings::Settings;

/// What the file says should exist, checked, in normal form.
#[derive(Debug, Clone)]
pub struct Desired {
    /// Everything but the objects.
    pub settings: Settings,
    /// The objects, in the file's order. Names of other objects stand as the file writes them.
    pub declared: Vec<Declared>,
    /// The reports that are made on demand and on schedule, in the file's order.
    pub reports: Vec<AssessmentReport>,
    /// What the asset inventory should hold, in the file's order.
    pub expectations: Vec<Expectation>,
    /// The kinds whose section stands in a file, if only as an empty list.
    pub sections: BTreeSet<Kind>,
    /// What entries stand in, by their kind, each in the form of the field that names it: also what holds none.
    pub above: BTreeMap<Kind, Vec<Value>>,
    /// What the file is advised against.
    pub warnings: Vec<Problem>,
    /// Every file that was read, main file first, absolute.
    pub files: Vec<PathBuf>,
    /// The patterns of `include`, absolute: a new file that matches is part of the desired state.
    pub include: Vec<String>,
    /// What each item of `include` names.
    pub sources: Vec<Source>,
    /// A digest of what all these files hold.
    pub content: [u8; 32],
}

/// A file or pattern of `include`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As in [`Desired::include`].
    pub pattern: String,
    /// As the file writes it.
    pub shown: String,
    /// The files that it names, as in [`Place::file`]: also those that another item named before.
    pub files: BTreeSet<Arc<str>>,
}

impl Desired {
    /// Whether there is an entry that a file or pattern of `include` gives.
    #[must_use]
    pub fn gives(&self, source: &Source) -> bool {
        self.declared.iter().any(|entry| source.files.contains(&entry.place.file))
    }

    /// What is declared of a kind.
    #[must_use]
    pub fn scope(&self, kind: Kind) -> Scope<'_> {
        let declared = self.declared.iter().map(|entry| &entry.spec);
        Scope::Declared {
            above: self.above.get(&kind).into_iter().flatten().collect(),
            declared: declared.filter(|spec| spec.kind() == kind).collect(),
        }
    }
}

/// One object of the file.
#[derive(Debug, Clone)]
pub struct Declared {
    /// What it should be.
    pub spec: Spec,
    /// How it is to be handled.
    pub meta: Meta,
    /// Where it stands.
    pub place: Place,
}

impl Declared {
    /// What it should be, less the fields that it says to ignore: as if the file left them out.
    #[must_use]
    pub fn without_ignored(&self) -> Spec {
        let mut spec = self.spec.clone();
        self.meta.ignore.iter().for_each(|field| spec.leave_out(field));
        spec
    }
}

/// What every entry may say besides its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta {
    /// `policy: observe`: plan and alert only.
    pub observe: bool,
    /// Fields never compared nor written.
    pub ignore: Vec<String>,
    /// Neither deleted nor replaced.
    pub prevent_delete: bool,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as people know it: as given on the command line or by `include`, relative where it was.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A text of the file within a message, cut short.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 100;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}
