//! Which tag a name means.
//!
//! A tag is named by its path, or by its bare name where that is unique among what is live and what the file
//! declares. Live objects name tags by id (`#123`). All of these become the path, so that both sides compare.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Entry, LiveState};
use crate::desired::Declared;
use crate::resource::{Kind, LiveObject, Spec, tag::Tag};

/// The tags that there are and will be, by every name.
#[derive(Debug, Default)]
pub struct TagNames {
    /// Ids of the live tags of each path: more than one where the platform has the path twice.
    live: BTreeMap<String, Vec<String>>,
    /// Paths of the live tags by id.
    by_id: HashMap<String, String>,
    /// Paths by bare name, live and declared.
    by_name: BTreeMap<String, BTreeSet<String>>,
    /// Paths that the file declares.
    declared: BTreeSet<String>,
    /// The path of each declared tag, by its place in the file; an error where its parent is not to be found.
    declared_paths: Vec<Result<Tag, String>>,
    /// Why the tags could not be read.
    unread: Option<String>,
}

/// Why a name means no one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unclear {
    Nowhere(String),
    Twice(String, Vec<String>),
    Unread(String),
}

impl std::fmt::Display for Unclear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unclear::Nowhere(name) => {
                write!(f, "tag `{name}` is neither on the platform nor in the file")
            }
            Unclear::Twice(name, which) => {
                write!(f, "tag `{name}` is there more than once ({}): give its path", which.join(", "))
            }
            Unclear::Unread(error) => write!(f, "the tags that it names could not be read: {error}"),
        }
    }
}

impl TagNames {
    /// Takes stock of the tags that are live and those that the file declares.
    #[must_use]
    pub fn new(declared: &[Declared], live: &LiveState) -> TagNames {
        let mut names = TagNames::default();
        match live.kinds.get(&Kind::Tag) {
            Some(Err(error)) => names.unread = Some(error.clone()),
            None => names.unread = Some("they were not asked for".to_owned()),
            Some(Ok(listing)) => names.add_live(listing),
        }
        names.add_declared(declared);
        names
    }

    fn add_live(&mut self, listing: &[LiveObject]) {
        for object in listing {
            if let Spec::Tag(tag) = &object.spec {
                let path = tag.path();
                self.by_name.entry(tag.name.clone()).or_default().insert(path.clone());
                self.by_id.insert(object.id.clone(), path.clone());
                self.live.entry(path).or_default().push(object.id.clone());
            }
        }
    }

    /// Finds the path of each declared tag. One whose parent is declared too waits for that one.
    fn add_declared(&mut self, declared: &[Declared]) {
        let tags: Vec<&Tag> = declared
            .iter()
            .filter_map(|entry| if let Spec::Tag(tag) = &entry.spec { Some(tag) } else { None })
            .collect();
        let mut paths: Vec<Option<Result<Tag, String>>> = vec![None; tags.len()];
        let mut progress = true;
        while progress {
            progress = false;
            for (at, tag) in tags.iter().enumerate() {
                if paths[at].is_some() {
                    continue;
                }
                let waits = tag.parent.as_deref().is_some_and(|parent| {
                    let last = parent.rsplit('/').next().unwrap_or(parent);
                    tags.iter().zip(&paths).any(|(other, path)| path.is_none() && other.name == last)
                });
                if waits {
                    continue;
                }
                paths[at] = Some(self.place(tag));
                progress = true;
            }
        }
        // What still waits, waits for itself.
        self.declared_paths = tags
            .iter()
            .zip(paths)
            .map(|(tag, path)| {
                path.unwrap_or_else(|| Err(format!("the parents of `{}` form a circle", tag.name)))
            })
            .collect();
    }

    fn place(&mut self, tag: &Tag) -> Result<Tag, String> {
        let mut placed = tag.clone();
        let parent = match tag.parent.as_deref() {
            Some("") => String::new(),
            Some(parent) => self.resolve(parent).map_err(|unclear| format!("its parent: {unclear}"))?,
            // A bare name: the one tag of that name, wherever it is, else one at the top.
            None => match self.resolve(&tag.name) {
                Ok(path) => path.strip_suffix(&tag.name).unwrap_or_default().trim_end_matches('/').to_owned(),
                Err(Unclear::Nowhere(_) | Unclear::Unread(_)) => String::new(),
                Err(unclear @ Unclear::Twice(..)) => return Err(unclear.to_string()),
            },
        };
        placed.parent = Some(parent);
        let path = placed.path();
        self.by_name.entry(placed.name.clone()).or_default().insert(path.clone());
        self.declared.insert(path);
        Ok(placed)
    }

    /// The path that a name means.
    fn resolve(&self, name: &str) -> Result<String, Unclear> {
        if let Some(id) = name.strip_prefix('#')
            && let Some(path) = self.by_id.get(id)
        {
            return Ok(path.clone());
        }
        match self.live.get(name) {
            Some(ids) if ids.len() > 1 => {
                let ids = ids.iter().map(|id| format!("#{id}")).collect();
                return Err(Unclear::Twice(name.to_owned(), ids));
            }
            Some(_) => return Ok(name.to_owned()),
            None if self.declared.contains(name) => return Ok(name.to_owned()),
            None => {}
        }
        match self.by_name.get(name).map(|paths| (paths.len(), paths.first())) {
            Some((1, Some(path))) => {
                if self.live.get(path).is_some_and(|ids| ids.len() > 1) {
                    return self.resolve(path);
                }
                Ok(path.clone())
            }
            Some((_, _)) => {
                Err(Unclear::Twice(name.to_owned(), self.by_name[name].iter().cloned().collect()))
            }
            None => match &self.unread {
                Some(error) => Err(Unclear::Unread(error.clone())),
                None => Err(Unclear::Nowhere(name.to_owned())),
            },
        }
    }

    /// Makes the names in the entries of a kind canonical. An entry that names no one tag has a problem, alone.
    pub(super) fn resolve_entries<'a>(&self, entries: &[&'a Declared], kind: Kind) -> Vec<Entry<'a>> {
        let mut placed = self.declared_paths.iter();
        let mut resolved = Vec::with_capacity(entries.len());
        for &declared in entries {
            let mut problem = None;
            let mut spec = declared.spec.clone();
            if kind == Kind::Tag {
                match placed.next() {
                    Some(Ok(tag)) => spec = Spec::Tag(tag.clone()),
                    Some(Err(error)) => problem = Some(error.clone()),
                    None => {}
                }
            } else {
                self.canonical(&mut spec, &mut problem);
            }
            resolved.push(Entry { spec, declared, problem });
        }
        resolved
    }

    /// Makes the names in a spec canonical; the first that means no one tag is the problem.
    fn canonical(&self, spec: &mut Spec, problem: &mut Option<String>) {
        spec.references(&mut |reference| match self.resolve(reference.name) {
            Ok(path) => *reference.name = path,
            Err(_) if reference.name.starts_with('#') => {}
            Err(unclear) => {
                problem.get_or_insert_with(|| unclear.to_string());
            }
        });
    }

    /// A live object's spec with the paths of its tags in the place of their ids.
    pub(super) fn readable(&self, live: &LiveObject) -> Spec {
        let mut spec = live.spec.clone();
        self.canonical(&mut spec, &mut None);
        spec
    }

    /// The ids of the live tags by path, for writing.
    #[must_use]
    pub fn ids(&self) -> BTreeMap<String, String> {
        self.by_id.iter().map(|(id, path)| (path.clone(), id.clone())).collect()
    }
}
