//! Which tag a name means: a tag is named by its path, or by its bare name where that is unique among what is live and what the file
//! declares. Live objects name tags by id (`#123`). All of these become the path, so that both sides compare.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Unclear;
use crate::desired::Declared;
use crate::plan::LiveState;
use crate::resource::{Kind, LiveObject, Spec, tag::Tag};

/// The tags that there are and will be, by every name.
#[derive(Debug, Default)]
pub(super) struct TagNames {
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

impl TagNames {
    /// Takes stock of the tags that are live and those that the file declares.
    pub(super) fn new(declared: &[Declared], live: &LiveState) -> TagNames {
        let mut names = TagNames::default();
        match live.kinds().get(&Kind::Tag) {
            Some(Err(error)) => names.unread = Some(error.to_string()),
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
        let specs: Vec<Spec> = declared
            .iter()
            .filter(|entry| entry.spec.kind() == Kind::Tag)
            .map(Declared::without_ignored)
            .collect();
        let tags: Vec<&Tag> = specs
            .iter()
            .filter_map(|spec| if let Spec::Tag(tag) = spec { Some(tag) } else { None })
            .collect();
        let mut paths: Vec<Option<Result<Tag, String>>> = vec![None; tags.len()];
        let mut progress = true;
        while progress {
            progress = false;
            for (at, tag) in tags.iter().enumerate() {
                if paths[at].is_some() {
                    continue;
                }
                // A path that is there already is meant, whatever else bears its last name.
                let waits = tag.parent.as_deref().is_some_and(|parent| {
                    let last = parent.rsplit('/').next().unwrap_or(parent);
                    let mut open =
                        tags.iter().zip(&paths).enumerate().filter(|(_, (_, path))| path.is_none());
                    !self.live.contains_key(parent)
                        && !self.declared.contains(parent)
                        && open.any(|(other, (tag, _))| other != at && tag.name == last)
                });
                if waits {
                    continue;
                }
                paths[at] = Some(self.place(tag, &tags));
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

    fn place(&mut self, tag: &Tag, tags: &[&Tag]) -> Result<Tag, String> {
        let mut placed = tag.clone();
        let parent = match tag.parent.as_deref() {
            Some("") => String::new(),
            Some(parent) => {
                self.resolve(parent).map_err(|unclear| format!("its parent: {}", unclear.told(Kind::Tag)))?
            }
            None => self.place_bare(&tag.name, tags)?,
        };
        placed.parent = Some(parent);
        let path = placed.path();
        self.by_name.entry(placed.name.clone()).or_default().insert(path.clone());
        self.declared.insert(path);
        Ok(placed)
    }

    /// The parent of a declared tag that names none: that of the one live tag of its name, else it is at the
    /// top. A tag that another entry means by its parent is not this one.
    fn place_bare(&self, name: &str, tags: &[&Tag]) -> Result<String, String> {
        if self.live.contains_key(name) {
            return Ok(String::new());
        }
        let taken = |above: &str| {
            let named = tags.iter().filter(|tag| tag.name == name).filter_map(|tag| tag.parent.as_deref());
            let mut named = named.filter(|parent| !parent.is_empty());
            named.any(|parent| {
                let by_id = parent.strip_prefix('#').and_then(|id| self.by_id.get(id));
                let parent = by_id.map_or(parent, String::as_str);
                above.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
            })
        };
        let namesakes = self.by_name.get(name).into_iter().flatten();
        let live = namesakes.filter(|path| self.live.contains_key(*path));
        let above = live.filter_map(|path| path.strip_suffix(name)?.strip_suffix('/'));
        match above.filter(|above| !taken(above)).collect::<Vec<_>>().as_slice() {
            [] => Ok(String::new()),
            [one] => Ok((*one).to_owned()),
            several => {
                let paths = several.iter().map(|above| format!("{above}/{name}")).collect();
                Err(Unclear::Twice(name.to_owned(), paths).told(Kind::Tag))
            }
        }
    }

    /// The paths of the live tags below this one, however far.
    pub(super) fn live_below(&self, path: &str) -> impl Iterator<Item = &str> {
        let above = format!("{path}/");
        let from = self.live.range(above.clone()..).map(|(path, _)| path.as_str());
        from.take_while(move |path| path.starts_with(&above))
    }

    /// The path that a name means.
    pub(super) fn resolve(&self, name: &str) -> Result<String, Unclear> {
        if let Some(id) = name.strip_prefix('#')
            && let Some(path) = self.by_id.get(id)
        {
            return Ok(path.clone());
        }
        // What the file declares may be live already, and under which id is not known.
        if let Some(error) = &self.unread {
            return Err(Unclear::Unread(error.clone()));
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
            None => Err(Unclear::Nowhere(name.to_owned())),
        }
    }

    /// Each declared tag with its path, in the file's order; an error where that cannot be told.
    pub(super) fn declared(&self) -> impl Iterator<Item = &Result<Tag, String>> {
        self.declared_paths.iter()
    }

    /// The live tags: path and id.
    pub(super) fn live(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_id.iter().map(|(id, path)| (path.as_str(), id.as_str()))
    }
}
