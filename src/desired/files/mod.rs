//! From files to the desired state.
//!
//! `read` has the texts, the main file's and those that `include` names; `layout` knows what stands where in them;
//! `defaults` and `entries` make objects of the entries. The main file's own keys are read here, where all comes together.

mod defaults;
mod entries;
mod layout;
mod read;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::checks::{self, Whole};
use super::de::{self, At, Context};
use super::problem::{Problem, Rejected, Report};
use super::sections::{Nodes, OrOff, Sections};
use super::tree::{NodeId, Refused, Scalar, Tree};
use super::{Declared, Desired, Source, expectations, quoted, reports};
use crate::resource::{AssessmentReport, Expectation, Kind};

pub(super) use layout::top_keys;
pub(super) use read::plain;
#[cfg(test)]
pub(super) use read::shown_name;

/// Reads the file, and the files that it includes.
pub fn load(path: &Path) -> Result<Desired, Rejected> {
    load_at(path, jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// Reads the file as it is judged on that day (a schedule may start in the past).
pub fn load_at(path: &Path, today: Date) -> Result<Desired, Rejected> {
    load_in(path, today, std::env::var_os("STATE_DIRECTORY"))
}

/// Reads a text as the file that would stand at this path.
pub(crate) fn load_text(path: &Path, text: &str, today: Date) -> Result<Desired, Rejected> {
    let loader = Loader { unsaved: Some(text.to_owned()), ..Loader::default() };
    load_with(loader, path, today, std::env::var_os("STATE_DIRECTORY"))
}

pub(super) fn load_in(
    path: &Path,
    today: Date,
    state_directory: Option<OsString>,
) -> Result<Desired, Rejected> {
    load_with(Loader::default(), path, today, state_directory)
}

fn load_with(
    mut loader: Loader,
    path: &Path,
    today: Date,
    state_directory: Option<OsString>,
) -> Result<Desired, Rejected> {
    match loader.main_file(path, today, state_directory) {
        Some((settings, declared)) => {
            let Loader {
                report,
                sections,
                above,
                files,
                include,
                sources,
                contents,
                expectations,
                reports,
                ..
            } = loader;
            let warnings = match report.finish() {
                Ok(warnings) => warnings,
                Err(rejected) => return Err(Rejected { files, include, ..rejected }),
            };
            Ok(Desired {
                settings,
                declared,
                reports,
                expectations,
                sections,
                above,
                warnings,
                files,
                include,
                sources,
                content: contents.finish(),
            })
        }
        None => match loader.report.finish() {
            Err(rejected) => Err(Rejected { files: loader.files, include: loader.include, ..rejected }),
            // Unreachable: what is not read is reported. A file that is not understood is not taken all the same.
            Ok(warnings) => {
                let problem = Problem::new(format!("could not read {}", path.display()), None);
                Err(Rejected { warnings, ..Rejected::unread(vec![problem]) })
            }
        },
    }
}

/// The keys of the main file that hold no objects.
const MAIN_KEYS: [&str; 7] = ["version", "platform", "reconcile", "journal", "listen", "include", "defaults"];

/// An entry, not looked into yet.
#[derive(Debug, Clone, Copy)]
struct Found {
    kind: Kind,
    node: NodeId,
    /// What it stands in, where that says something of it.
    above: Option<NodeId>,
}

/// Tells whether files hold what they held: a digest of all that is read, in order.
#[derive(Default)]
struct Contents(Sha256);

impl Contents {
    fn add(&mut self, path: &Path, bytes: &[u8]) {
        for part in [path.as_os_str().as_encoded_bytes(), bytes] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[derive(Default)]
struct Loader {
    tree: Tree,
    report: Report,
    sections: BTreeSet<Kind>,
    /// Where they stand.
    section_nodes: Vec<(Kind, NodeId)>,
    files: Vec<PathBuf>,
    include: Vec<String>,
    sources: Vec<Source>,
    /// What all files together hold.
    contents: Contents,
    /// The files that were read, without symbolic links, and as they are shown.
    real: HashMap<PathBuf, Arc<str>>,
    found: Vec<Found>,
    /// What entries stand in, by their kind.
    above: BTreeMap<Kind, Vec<serde_json::Value>>,
    /// The entries of `reports`.
    ordered: Vec<NodeId>,
    reports: Vec<AssessmentReport>,
    /// The entries of `expectations`.
    expected: Vec<NodeId>,
    expectations: Vec<Expectation>,
    /// The main file's text, where it is not read from the disk.
    unsaved: Option<String>,
}

impl Loader {
    fn main_file(
        &mut self,
        path: &Path,
        today: Date,
        state_directory: Option<OsString>,
    ) -> Option<(super::Settings, Vec<Declared>)> {
        let root = match self.read_file(path, path, None) {
            Ok(root) => root?,
            Err(Refused) => return None,
        };
        let base = self.tree.base(root).to_owned();
        let mut own = MainNodes::default();
        self.walk(root, "", Some(&mut own));
        self.version(root, own.version);
        if let Some(include) = own.include {
            self.includes(include, path, &base);
        }
        let defaults = own.defaults.map(|node| self.defaults(node)).unwrap_or_default();
        let nodes = Nodes {
            platform: own.platform,
            reconcile: own.reconcile,
            zone_is_used: reports::use_zone(&self.tree, &self.ordered),
        };
        let raw = Sections {
            platform: self.section(own.platform).unwrap_or_default(),
            reconcile: self.section(own.reconcile).unwrap_or_default(),
            journal: self.or_off(own.journal),
            listen: self.or_off(own.listen),
        };
        let journal = default_journal(&base, state_directory);
        let settings = raw.settings(&self.tree, &mut self.report, root, nodes, journal);
        let (declared, entries) = self.entries(&defaults);
        let whole = Whole {
            tree: &self.tree,
            settings: &settings,
            reconcile: own.reconcile,
            sections: &self.section_nodes,
            declared: &declared,
            entries: &entries,
            today,
        };
        checks::run_all(&whole, &mut self.report);
        let ordered = std::mem::take(&mut self.ordered);
        let around = reports::Around {
            zone: settings.reconcile.timezone,
            declared: &declared,
            sections: &self.sections,
        };
        self.reports = reports::read(&mut self.tree, &mut self.report, ordered, &around);
        let expected = std::mem::take(&mut self.expected);
        self.expectations = expectations::read(&mut self.tree, &mut self.report, expected);
        Some((settings, declared))
    }

    fn version(&mut self, root: NodeId, version: Option<NodeId>) {
        let tree = &self.tree;
        match version.map(|node| (node, tree.scalar(node))) {
            Some((_, Some(Scalar::Unsigned(1)))) => {}
            Some((node, _)) => self.report.error(
                tree,
                node,
                match tree.scalar(node) {
                    Some(_) => format!("version {} is not supported", quoted(tree.text(node))),
                    None => "expected the number of a version".to_owned(),
                },
                Some("this trueup reads version: 1".to_owned()),
            ),
            None if tree.reported_keys(root).any(|key| key == "version") => {}
            None => self.report.error(
                tree,
                root,
                "`version` is missing".to_owned(),
                Some("start the file with version: 1".to_owned()),
            ),
        }
    }

    fn section<T: for<'de> Deserialize<'de>>(&mut self, node: Option<NodeId>) -> Option<T> {
        let node = node?;
        de::read(&mut self.tree, &mut self.report, node, &Context::default(), |tree| {
            T::deserialize(At { tree, node })
        })
    }

    fn or_off<T: for<'de> Deserialize<'de>>(&mut self, node: Option<NodeId>) -> Option<OrOff<T>> {
        match self.tree.scalar(node?) {
            Some(Scalar::Bool(false) | Scalar::Text("off")) => Some(OrOff::Off),
            _ => self.section(node).map(OrOff::On),
        }
    }
}

/// Where the main file's own keys stand.
#[derive(Debug, Default)]
struct MainNodes {
    version: Option<NodeId>,
    platform: Option<NodeId>,
    reconcile: Option<NodeId>,
    journal: Option<NodeId>,
    listen: Option<NodeId>,
    include: Option<NodeId>,
    defaults: Option<NodeId>,
}

impl MainNodes {
    fn slot(&mut self, key: &str) -> Option<&mut Option<NodeId>> {
        match key {
            "version" => Some(&mut self.version),
            "platform" => Some(&mut self.platform),
            "reconcile" => Some(&mut self.reconcile),
            "journal" => Some(&mut self.journal),
            "listen" => Some(&mut self.listen),
            "include" => Some(&mut self.include),
            "defaults" => Some(&mut self.defaults),
            _ => None,
        }
    }
}

fn default_journal(base: &Path, state_directory: Option<OsString>) -> PathBuf {
    // systemd separates several directories by colons.
    let directory = state_directory.and_then(|all| std::env::split_paths(&all).next());
    directory.filter(|path| !path.as_os_str().is_empty()).unwrap_or_else(|| base.to_owned()).join("trueup.db")
}
