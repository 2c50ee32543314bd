//! From the disk to the tree: the main file, and those that `include` names, each once.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::Loader;
use super::layout::top_keys;
use crate::bounded_file;
use crate::desired::problem::{Problem, accepted};
use crate::desired::tree::{NodeId, Refused, Shape};
use crate::desired::{Place, Source, quoted};

impl Loader {
    /// Reads one file. `at` is where it is named, for the main file nowhere.
    pub(super) fn read_file(
        &mut self,
        path: &Path,
        shown: &Path,
        at: Option<NodeId>,
    ) -> Result<Option<NodeId>, Refused> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let unsaved = self.unsaved.take().map(String::into_bytes);
        let text = unsaved.map_or_else(|| bounded_file::read(&absolute), Ok);
        // Also one that cannot be read: it may be, later.
        self.files.push(absolute.clone());
        let refuse = |this: &mut Loader, message: String, hint: &str| {
            match at {
                Some(at) => this.report.error(&this.tree, at, message, Some(hint.to_owned())),
                None => this.report.push_error(Problem::new(message, hint.to_owned())),
            }
            Err(Refused)
        };
        let bytes = match text {
            Ok(read) => read,
            Err(error) => {
                let message = format!("could not read {}: {error}", shown.display());
                if error.is_passing() {
                    self.report.may_pass();
                    return refuse(self, message, "try again: the file itself may be good");
                }
                return refuse(self, message, "give the path of a readable file");
            }
        };
        self.contents.add(&absolute, &bytes);
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let before = String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned();
                self.report.push_error(not_utf8(&shown.to_string_lossy(), &before));
                return Err(Refused);
            }
        };
        let name: Arc<str> = shown.to_string_lossy().into();
        self.real
            .insert(std::fs::canonicalize(&absolute).unwrap_or_else(|_| absolute.clone()), Arc::clone(&name));
        let base = absolute.parent().unwrap_or(Path::new("/")).to_owned();
        let root = self.tree.parse(&name, base, text, &mut self.report)?;
        let root = root.filter(|root| !self.tree.is_null(*root));
        match root {
            None if at.is_none() => {
                let mut problem = Problem::new(
                    "`version` is missing: the file is empty",
                    "start it with version: 1".to_owned(),
                );
                problem.place = Some(Place { file: name, line: 1, column: 1 });
                self.report.push_error(problem);
                Err(Refused)
            }
            Some(root) if self.tree.shape(root) != Shape::Map => {
                let message = "expected a map (key: value)".to_owned();
                self.report.error(&self.tree, root, message, Some(accepted("", &top_keys(at.is_none()))));
                Err(Refused)
            }
            Some(root) if !self.tree.is_ours(root) => {
                let message = "none of our sections stands at the top of this file".to_owned();
                self.report.error(&self.tree, root, message, Some(accepted("", &top_keys(at.is_none()))));
                Err(Refused)
            }
            root => Ok(root),
        }
    }

    pub(super) fn includes(&mut self, node: NodeId, main: &Path, base: &Path) {
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
            let absolute = if is_glob { whole } else { glob::Pattern::escape(&whole) };
            self.include.push(absolute.clone());
            let mut source = Source { pattern: absolute, shown: pattern.clone(), files: BTreeSet::new() };
            for file in files {
                let real = std::fs::canonicalize(&file).ok();
                if let Some(name) = real.and_then(|real| self.real.get(&real)) {
                    source.files.insert(Arc::clone(name));
                    continue;
                }
                let relative = file.strip_prefix(base).ok();
                let shown = shown_name(main, pattern, relative.filter(|_| is_glob));
                source.files.insert(shown.to_string_lossy().into());
                if let Ok(Some(root)) = self.read_file(&file, &shown, Some(at)) {
                    self.walk(root, "", None);
                }
            }
            self.sources.push(source);
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
                            if bounded_file::is_passing(error.error()) {
                                self.report.may_pass();
                            }
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

/// An included file as people know it: relative where the main file and the pattern are.
pub(in crate::desired) fn shown_name(main: &Path, pattern: &str, matched: Option<&Path>) -> PathBuf {
    let named = matched.filter(|_| Path::new(pattern).is_relative()).unwrap_or(Path::new(pattern));
    plain(main.parent().unwrap_or(Path::new("")).join(named))
}

/// The same path without the `.` of `./reports`: paths are printed.
pub(in crate::desired) fn plain(whole: PathBuf) -> PathBuf {
    let plain: PathBuf = whole.components().filter(|part| *part != Component::CurDir).collect();
    if plain.as_os_str().is_empty() { whole } else { plain }
}
