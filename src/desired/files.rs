//! From files to the desired state: what stands where, `include`, `defaults`, and the entries one by one.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use serde::Deserialize;

use super::checks::{self, Entry, Whole};
use super::de::{self, At, Context, Pairs};
use super::problem::{Problem, Rejected, Report, accepted};
use super::sections::{Nodes, OrOff, Sections};
use super::tree::{Cut, NodeId, Refused, Scalar, Shape, Tree};
use super::{Declared, Desired, Meta, Place, expectations, quoted, reports};
use crate::resource::{Above, AssessmentReport, Expectation, Finding, Kind, Spec};

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
            let Loader { report, sections, above, files, include, expectations, reports, .. } = loader;
            let warnings = report.finish()?;
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
            })
        }
        None => match loader.report.finish() {
            Err(rejected) => Err(rejected),
            // Unreachable: what is not read is reported. A file that is not understood is not taken all the same.
            Ok(warnings) => Err(Rejected {
                problems: vec![Problem::new(format!("could not read {}", path.display()), None)],
                warnings,
            }),
        },
    }
}

/// The keys of the main file that hold no objects.
const MAIN_KEYS: [&str; 7] = ["version", "platform", "reconcile", "journal", "listen", "include", "defaults"];

/// What every entry may say besides its fields.
const META_KEYS: &[&str] = &["policy", "ignore", "prevent_delete"];

/// What every entry may say besides its fields, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMeta {
    policy: Option<ObjectPolicy>,
    ignore: Option<Vec<String>>,
    prevent_delete: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ObjectPolicy {
    Observe,
}

/// An entry, not looked into yet.
#[derive(Debug, Clone, Copy)]
struct Found {
    kind: Kind,
    node: NodeId,
    /// What it stands in, where that says something of it.
    above: Option<NodeId>,
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
    /// The files that were read, without symbolic links.
    real: HashSet<PathBuf>,
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

    /// Reads one file. `at` is where it is named, for the main file nowhere.
    fn read_file(
        &mut self,
        path: &Path,
        shown: &Path,
        at: Option<NodeId>,
    ) -> Result<Option<NodeId>, Refused> {
        let text = std::path::absolute(path).and_then(|absolute| {
            let unsaved = self.unsaved.take().map(String::into_bytes);
            let text = unsaved.map_or_else(|| std::fs::read(&absolute), Ok)?;
            Ok((absolute, text))
        });
        let refuse = |this: &mut Loader, message: String, hint: &str| {
            match at {
                Some(at) => this.report.error(&this.tree, at, message, Some(hint.to_owned())),
                None => this.report.push_error(Problem::new(message, hint.to_owned())),
            }
            Err(Refused)
        };
        let (absolute, bytes) = match text {
            Ok(read) => read,
            Err(error) => {
                let message = format!("could not read {}: {error}", shown.display());
                return refuse(self, message, "give the path of a readable file");
            }
        };
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let before = String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned();
                self.report.push_error(not_utf8(&shown.to_string_lossy(), &before));
                return Err(Refused);
            }
        };
        self.real.insert(std::fs::canonicalize(&absolute).unwrap_or_else(|_| absolute.clone()));
        let base = absolute.parent().unwrap_or(Path::new("/")).to_owned();
        self.files.push(absolute);
        let name: Arc<str> = shown.to_string_lossy().into();
        let root = self.tree.parse(&name, base, text, &mut self.report)?;
        let root = root.filter(|root| !self.tree.is_null(*root));
        match root {
            None if at.is_none() => {
                let mut problem = Problem::new(
                    "`version` is missing: the file is empty",
                    "start it with version: 1".to_owned(),
                );
                problem.place = Some(super::Place { file: name, line: 1, column: 1 });
                self.report.push_error(problem);
                Err(Refused)
            }
            Some(root) if self.tree.shape(root) != Shape::Map => {
                let message = "expected a map (key: value)".to_owned();
                self.report.error(&self.tree, root, message, Some(accepted("", &top_keys(at.is_none()))));
                Err(Refused)
            }
            root => Ok(root),
        }
    }

    /// Sorts what stands under `prefix` into sections. `main` is `None` in an included file.
    fn walk(&mut self, map: NodeId, prefix: &str, mut main: Option<&mut MainNodes>) {
        let pairs: Vec<_> = self.tree.pairs(map).collect();
        for (key, value) in pairs {
            let name = self.tree.text(key).to_owned();
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            let slot = main.as_deref_mut().and_then(|main| main.slot(&path));
            if let Some(slot) = slot {
                *slot = Some(value).filter(|value| !self.tree.is_null(*value));
            } else if let Some(kind) = Kind::ALL.iter().copied().find(|kind| kind.section_path() == path) {
                self.entries_of(kind, value);
            } else if Kind::ALL.iter().any(|kind| kind.section_path().starts_with(&format!("{path}."))) {
                self.group(&path, value);
            } else if path == reports::SECTION {
                let entries = self.plain_entries(value, reports::SECTION);
                self.ordered.extend(entries);
            } else if path == expectations::SECTION {
                let entries = self.plain_entries(value, expectations::SECTION);
                self.expected.extend(entries);
            } else {
                self.refuse_key(key, prefix, main.is_some());
            }
        }
    }

    /// A section of sections, as `connectors`.
    fn group(&mut self, path: &str, value: NodeId) {
        match self.tree.shape(value) {
            Shape::Map => self.walk(value, path, None),
            Shape::Plain | Shape::Quoted | Shape::List if !self.tree.is_null(value) => {
                let message = format!("{path} holds sections, not values of its own");
                self.report.error(&self.tree, value, message, Some(accepted("", &keys_under(path))));
            }
            Shape::Plain | Shape::Quoted | Shape::List => {}
        }
    }

    fn refuse_key(&mut self, key: NodeId, prefix: &str, is_main: bool) {
        let name = self.tree.text(key);
        let (message, hint) = if prefix.is_empty() && !is_main && MAIN_KEYS.contains(&name) {
            let hint = format!("move it there; an included file holds {}", top_keys(false).join(", "));
            (format!("`{name}` belongs in the main file"), hint)
        } else {
            let known = if prefix.is_empty() { top_keys(is_main) } else { keys_under(prefix) };
            let place = if prefix.is_empty() { String::new() } else { format!(" in {prefix}") };
            (format!("unknown key {}{place}", quoted(name)), accepted(name, &known))
        };
        self.report.error(&self.tree, key, message, Some(hint));
    }

    fn entries_of(&mut self, kind: Kind, list: NodeId) {
        if self.tree.is_null(list) {
            return;
        }
        self.section_nodes.push((kind, list));
        if kind.is_singleton() {
            self.single_entry_of(kind, list);
            return;
        }
        if let Some(Above::Keys { field: _, keys }) = kind.above() {
            self.entries_under(kind, list, keys);
            return;
        }
        if !self.is_list(list, &kind.section_path()) {
            return;
        }
        self.sections.insert(kind);
        let items: Vec<NodeId> = self.tree.items(list).collect();
        for item in items {
            match kind.above() {
                None | Some(Above::Keys { .. }) => self.found.push(Found { kind, node: item, above: None }),
                Some(Above::Entries { field: _, list }) => self.entries_within(kind, item, list),
            }
        }
    }

    /// The entries of a section that holds no objects.
    fn plain_entries(&mut self, list: NodeId, section: &str) -> Vec<NodeId> {
        if self.tree.is_null(list) || !self.is_list(list, section) {
            return Vec::new();
        }
        self.tree.items(list).collect()
    }

    /// Whether a section is the list of entries that it should be; what else it is is reported.
    fn is_list(&mut self, list: NodeId, section: &str) -> bool {
        if self.tree.shape(list) == Shape::List {
            return true;
        }
        let message = format!("expected a list of entries in {section}");
        let hint = "start each entry with a dash: - name: …".to_owned();
        self.report.error(&self.tree, list, message, Some(hint));
        false
    }

    /// A section that is a map of lists.
    fn entries_under(&mut self, kind: Kind, map: NodeId, keys: &[&'static str]) {
        let section = kind.section_path();
        if self.tree.shape(map) != Shape::Map {
            let message = format!("{section} holds lists, not values of its own");
            self.report.error(&self.tree, map, message, Some(accepted("", keys)));
            return;
        }
        self.sections.insert(kind);
        let pairs: Vec<_> = self.tree.pairs(map).collect();
        for (key, list) in pairs {
            let name = self.tree.text(key).to_owned();
            if !keys.contains(&name.as_str()) {
                let message = format!("unknown key {} in {section}", quoted(&name));
                self.report.error(&self.tree, key, message, Some(accepted(&name, keys)));
            } else if !self.tree.is_null(list) && self.is_list(list, &format!("{section}.{name}")) {
                let entries = self.tree.items(list).map(|node| Found { kind, node, above: Some(key) });
                self.found.extend(entries);
            }
        }
    }

    /// An entry that holds those of the kind, under a key.
    fn entries_within(&mut self, kind: Kind, above: NodeId, key: &'static str) {
        let section = kind.section_path();
        if self.tree.shape(above) != Shape::Map {
            let message = format!("expected an entry of {section} (key: value)");
            self.report.error(&self.tree, above, message, Some(format!("give it {key}: [...]")));
            return;
        }
        let named = de::read(&mut self.tree, &mut self.report, above, &Context::default(), |tree| {
            kind.read_above(At { tree, node: above })
        });
        if let Some(named) = named {
            let all = self.above.entry(kind).or_default();
            if !all.contains(&named) {
                all.push(named);
            }
        }
        let Some(list) = self.tree.get(above, key).filter(|list| !self.tree.is_null(*list)) else { return };
        if !self.is_list(list, key) {
            return;
        }
        let entries = self.tree.items(list).map(|node| Found { kind, node, above: Some(above) });
        self.found.extend(entries);
    }

    /// A section that is an entry itself.
    fn single_entry_of(&mut self, kind: Kind, node: NodeId) {
        self.sections.insert(kind);
        match self.found.iter().find(|found| found.kind == kind) {
            Some(Found { node: first, .. }) => {
                let message = format!(
                    "{} stands in the files twice, first at {}",
                    kind.section_path(),
                    self.tree.place(*first)
                );
                let hint = "a subscription has one: keep one of the two".to_owned();
                self.report.error(&self.tree, node, message, Some(hint));
            }
            None => self.found.push(Found { kind, node, above: None }),
        }
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

    fn includes(&mut self, node: NodeId, main: &Path, base: &Path) {
        let Some(patterns) = self.section::<Vec<String>>(Some(node)) else { return };
        let items: Vec<NodeId> = self.tree.items(node).collect();
        for (pattern, at) in patterns.iter().zip(items) {
            let absolute = glob::Pattern::escape(&base.to_string_lossy());
            let is_glob = pattern.contains(['*', '?', '[']);
            let whole = if Path::new(pattern).is_absolute() {
                pattern.clone()
            } else if is_glob {
                format!("{}/{}", absolute.trim_end_matches('/'), pattern.trim_start_matches("./"))
            } else {
                base.join(pattern).to_string_lossy().into_owned()
            };
            if pattern.is_empty() {
                self.report.error(
                    &self.tree,
                    at,
                    "an empty path".to_owned(),
                    Some("give a file or a pattern, as in connectors/*.yaml".to_owned()),
                );
                continue;
            }
            let files = if is_glob { self.matches(&whole, at) } else { vec![PathBuf::from(&whole)] };
            self.include.push(if is_glob { whole } else { glob::Pattern::escape(&whole) });
            for file in files {
                if std::fs::canonicalize(&file).is_ok_and(|real| self.real.contains(&real)) {
                    continue;
                }
                let relative = file.strip_prefix(base).ok();
                let shown = shown_name(main, pattern, relative.filter(|_| is_glob));
                if let Ok(Some(root)) = self.read_file(&file, &shown, Some(at)) {
                    self.walk(root, "", None);
                }
            }
        }
    }

    fn matches(&mut self, pattern: &str, at: NodeId) -> Vec<PathBuf> {
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            // Editors keep their own files there, and Kubernetes its versions.
            require_literal_leading_dot: true,
        };
        let mut files = Vec::new();
        let mut all_listed = true;
        match glob::glob_with(pattern, options) {
            Ok(found) => {
                for path in found {
                    match path {
                        Ok(path) if path.is_dir() => {}
                        Ok(path) => files.push(path),
                        Err(error) => {
                            all_listed = false;
                            let message =
                                format!("could not list {}: {}", error.path().display(), error.error());
                            let hint = "make the directory readable".to_owned();
                            self.report.error(&self.tree, at, message, Some(hint));
                        }
                    }
                }
                if files.is_empty() && all_listed {
                    let message = format!("no file matches {}", quoted(self.tree.text(at)));
                    let hint = "it is relative to the file that names it".to_owned();
                    self.report.warning(&self.tree, at, message, Some(hint));
                }
            }
            Err(error) => {
                let message = format!("{} is no pattern: {}", quoted(self.tree.text(at)), error.msg);
                self.report.error(&self.tree, at, message, Some("as in connectors/*.yaml".to_owned()));
            }
        }
        files.sort();
        files
    }

    /// The defaults by kind, each checked by itself, so that an error in them is said once.
    fn defaults(&mut self, node: NodeId) -> Vec<(Kind, NodeId)> {
        let mut defaults = Vec::new();
        if self.tree.shape(node) != Shape::Map {
            let hint = "as in defaults: {aws: {run_frequency: 4h}}".to_owned();
            self.report.error(&self.tree, node, "expected a map of clouds".to_owned(), Some(hint));
            return defaults;
        }
        let pairs: Vec<_> = self.tree.pairs(node).collect();
        for (key, value) in pairs {
            let path = format!("connectors.{}", self.tree.text(key));
            match Kind::ALL.iter().copied().find(|kind| kind.section_path() == path) {
                None => self.refuse_default_key(key),
                Some(_) if self.tree.is_null(value) => {}
                Some(kind) => {
                    if self.tree.shape(value) == Shape::Map {
                        self.check_defaults(kind, value);
                        defaults.push((kind, value));
                    } else {
                        let hint = "as in {run_frequency: 4h}".to_owned();
                        self.report.error(
                            &self.tree,
                            value,
                            "expected a map of fields".to_owned(),
                            Some(hint),
                        );
                    }
                }
            }
        }
        defaults
    }

    fn refuse_default_key(&mut self, key: NodeId) {
        let name = self.tree.text(key);
        let message = format!("unknown key {} in defaults", quoted(name));
        self.report.error(&self.tree, key, message, Some(accepted(name, &keys_under("connectors"))));
    }

    fn check_defaults(&mut self, kind: Kind, map: NodeId) {
        let identifying: Vec<&'static str> = kind.identifying().collect();
        let refused: Vec<(NodeId, &'static str)> = self
            .tree
            .pairs(map)
            .filter_map(|(key, _)| {
                let name = self.tree.text(key);
                let known = identifying.iter().copied().find(|known| *known == name)?;
                Some((key, known))
            })
            .collect();
        for (key, name) in refused {
            let fields = kind.fields().iter().filter(|field| !field.identifies).map(|field| field.name);
            let fields: Vec<&str> = fields.chain(META_KEYS.iter().copied()).collect();
            self.report.error(
                &self.tree,
                key,
                format!("`{name}` has no default: it tells objects apart"),
                Some(format!("move it to the entries; defaults may give {}", fields.join(", "))),
            );
            self.tree.cut(key, Cut::Wrong { meant: None });
        }
        let context = Context { also: META_KEYS, except: &identifying, partial: true };
        de::read(&mut self.tree, &mut self.report, map, &context, |tree| {
            let all = tree.pairs(map).filter(|(key, _)| is_field(tree.text(*key))).collect();
            kind.deserialize(Pairs { tree, node: map, all, above: None })
        });
        self.meta(kind, map, None);
    }

    fn entries(&mut self, defaults: &[(Kind, NodeId)]) -> (Vec<Declared>, Vec<Entry>) {
        let mut declared = Vec::with_capacity(self.found.len());
        let mut entries = Vec::with_capacity(self.found.len());
        for Found { kind, node, above } in std::mem::take(&mut self.found) {
            let defaults = defaults.iter().find(|(of, _)| *of == kind).map(|(_, node)| *node);
            let entry = Entry { node, defaults, above };
            if let Some(object) = self.entry(kind, entry) {
                declared.push(object);
                entries.push(entry);
            }
        }
        (declared, entries)
    }

    fn entry(&mut self, kind: Kind, entry: Entry) -> Option<Declared> {
        let node = entry.node;
        if self.tree.shape(node) != Shape::Map {
            let known: Vec<&str> = kind.fields().iter().map(|field| field.name).collect();
            let message = format!("expected an entry of {} (key: value)", kind.section_path());
            self.report.error(&self.tree, node, message, Some(accepted("", &known)));
            return None;
        }
        let said_above: Vec<&'static str> = kind.above().map(Above::field).into_iter().collect();
        self.refuse_said_above(node, &said_above);
        let above = kind.above().map(Above::field).zip(entry.above);
        let context = Context { also: META_KEYS, except: &said_above, partial: false };
        let spec = de::read(&mut self.tree, &mut self.report, node, &context, |tree| {
            kind.deserialize(Pairs { tree, node, all: merged(tree, entry, is_field), above })
        });
        let meta = self.meta(kind, node, entry.defaults);
        let mut spec = spec?;
        self.findings(&mut spec, entry);
        Some(Declared { spec, meta, place: self.tree.place(node) })
    }

    /// What stands above an entry says these, not the entry.
    fn refuse_said_above(&mut self, node: NodeId, fields: &[&'static str]) {
        let keys = self.tree.pairs(node).map(|(key, _)| key);
        let said: Vec<NodeId> = keys.filter(|key| fields.contains(&self.tree.text(*key))).collect();
        for key in said {
            let message = format!("unknown key {}", quoted(self.tree.text(key)));
            let hint = "remove it: what the entry stands in says it".to_owned();
            self.report.error(&self.tree, key, message, Some(hint));
            self.tree.cut(key, Cut::Wrong { meant: None });
        }
    }

    fn findings(&mut self, spec: &mut Spec, entry: Entry) {
        let mut findings = Vec::new();
        spec.check(&mut |finding| findings.push(finding));
        if findings.is_empty() {
            return;
        }
        let tree = &self.tree;
        let (fields, spellings) = (spec.kind().fields(), spec.kind().spellings());
        let reported: Vec<&str> = std::iter::once(entry.node)
            .chain(entry.defaults)
            .flat_map(|map| tree.reported_keys(map))
            .filter(|key| spellings.contains(key) || fields.iter().any(|field| field.name == *key))
            .collect();
        for Finding { severity, field, message, hint } in findings {
            // What is missing, or does not go together, may be so because its part was refused.
            let follows = reported.contains(&field) || (field.is_empty() && !reported.is_empty());
            if !follows {
                let at = entry.field(tree, field).unwrap_or(entry.node);
                self.report.report(severity, tree, at, message, hint);
            }
        }
    }

    /// What a map says besides its fields, and where it says nothing, what its defaults do.
    fn meta(&mut self, kind: Kind, node: NodeId, defaults: Option<NodeId>) -> Meta {
        let entry = Entry { node, defaults, above: None };
        if merged(&self.tree, entry, is_meta).is_empty() {
            return Meta::default();
        }
        let raw = de::read(&mut self.tree, &mut self.report, node, &Context::default(), |tree| {
            RawMeta::deserialize(Pairs { tree, node, all: merged(tree, entry, is_meta), above: None })
        });
        let RawMeta { policy, ignore, prevent_delete } = raw.unwrap_or_default();
        let ignore = ignore.unwrap_or_default();
        if let Some(list) = self.tree.get(node, "ignore") {
            let items: Vec<NodeId> = self.tree.items(list).collect();
            for (name, at) in ignore.iter().zip(items) {
                self.check_ignored(kind, name, at);
            }
        }
        Meta {
            observe: policy.is_some_and(|ObjectPolicy::Observe| true),
            ignore,
            prevent_delete: prevent_delete.unwrap_or(false),
        }
    }

    fn check_ignored(&mut self, kind: Kind, name: &str, at: NodeId) {
        let known: Vec<&str> =
            kind.fields().iter().filter(|field| !field.identifies).map(|field| field.name).collect();
        if known.contains(&name) {
            return;
        }
        let message = if kind.identifying().any(|identifying| identifying == name) {
            format!("`{name}` cannot be ignored: it tells objects apart")
        } else {
            format!("{} is no field of {kind}", quoted(name))
        };
        self.report.error(&self.tree, at, message, Some(accepted(name, &known)));
    }
}

/// What to say of a file whose text ends, as text, behind `before`.
fn not_utf8(shown: &str, before: &str) -> Problem {
    let lines = before.split('\n');
    let column = lines.clone().next_back().unwrap_or_default().chars().count() + 1;
    let whole = |number| u32::try_from(number).unwrap_or(u32::MAX);
    let place = Place { file: shown.into(), line: whole(lines.count()), column: whole(column) };
    Problem {
        place: Some(place),
        ..Problem::new("not UTF-8 from here on", "save the file as UTF-8".to_owned())
    }
}

fn is_meta(key: &str) -> bool {
    META_KEYS.contains(&key)
}

fn is_field(key: &str) -> bool {
    !is_meta(key)
}

/// The pairs of an entry and of its defaults whose keys are wanted.
fn merged(tree: &Tree, entry: Entry, is_wanted: fn(&str) -> bool) -> Vec<(NodeId, NodeId)> {
    let wanted = |(key, _): &(NodeId, NodeId)| is_wanted(tree.text(*key));
    let mut pairs: Vec<_> = tree.pairs(entry.node).filter(wanted).collect();
    if let Some(defaults) = entry.defaults {
        let own = pairs.len();
        for (key, value) in tree.pairs(defaults).filter(wanted) {
            // Also a null of the entry's own hides the default, and so does a value that was refused.
            let name = tree.text(key);
            let hidden =
                pairs[..own].iter().any(|(key, _)| tree.text(*key) == name) || tree.has_key(entry.node, name);
            if !hidden {
                pairs.push((key, value));
            }
        }
    }
    pairs
}

/// An included file as people know it: relative where the main file and the pattern are.
pub(super) fn shown_name(main: &Path, pattern: &str, matched: Option<&Path>) -> PathBuf {
    let named = matched.filter(|_| Path::new(pattern).is_relative()).unwrap_or(Path::new(pattern));
    plain(main.parent().unwrap_or(Path::new("")).join(named))
}

/// The same path without the `.` of `./reports`: paths are printed.
pub(super) fn plain(whole: PathBuf) -> PathBuf {
    let plain: PathBuf = whole.components().filter(|part| *part != Component::CurDir).collect();
    if plain.as_os_str().is_empty() { whole } else { plain }
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

/// The first parts of the sections of all kinds, in order.
fn keys_under(prefix: &str) -> Vec<&'static str> {
    let depth = if prefix.is_empty() { 0 } else { prefix.split('.').count() };
    let mut keys = Vec::new();
    for kind in Kind::ALL {
        let section = kind.section();
        if section.len() > depth && section[..depth].join(".") == prefix && !keys.contains(&section[depth]) {
            keys.push(section[depth]);
        }
    }
    keys
}

fn top_keys(is_main: bool) -> Vec<&'static str> {
    let main: &[&str] = if is_main { &MAIN_KEYS } else { &[] };
    main.iter().copied().chain(keys_under("")).chain([reports::SECTION, expectations::SECTION]).collect()
}

fn default_journal(base: &Path, state_directory: Option<OsString>) -> PathBuf {
    // systemd separates several directories by colons.
    let directory = state_directory.and_then(|all| std::env::split_paths(&all).next());
    directory.filter(|path| !path.as_os_str().is_empty()).unwrap_or_else(|| base.to_owned()).join("trueup.db")
}
