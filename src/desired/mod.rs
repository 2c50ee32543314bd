//! The file: what should exist.

pub mod settings;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::resource::{Kind, Spec};

pub use settings::Settings;

/// What the file says should exist, checked, in normal form.
#[derive(Debug, Clone)]
pub struct Desired {
    /// Everything but the objects.
    pub settings: Settings,
    /// The objects, in the file's order. Names of other objects stand as the file writes them.
    pub declared: Vec<Declared>,
    /// The kinds whose section stands in a file, if only as an empty list.
    pub sections: BTreeSet<Kind>,
    /// What the file is advised against.
    pub warnings: Vec<Problem>,
    /// Every file that was read, main file first, absolute.
    pub files: Vec<PathBuf>,
    /// The patterns of `include`, absolute: a new file that matches is part of the desired state.
    pub include: Vec<String>,
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
    /// The column, from 1.
    pub column: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Something wrong with, or ill-advised in, the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, if it is in one place.
    pub place: Option<Place>,
    /// The offending line of the file.
    pub excerpt: Option<String>,
    /// What is wrong, in one sentence without full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}
