//! Which object a name means.
//!
//! The file names other objects by name (a tag by its path), the platform by id (`#123`). Both become one canonical
//! name here, so that the two sides compare.

mod locate;
mod others;
mod tags;

use std::collections::{BTreeMap, HashMap};

use super::{Entry, Known, Listing, LiveState};
use crate::desired::Declared;
use crate::resource::{Address, Kind, Spec};

pub use locate::{Located, Unlocated, locate, locate_declared};

use others::KindNames;
use tags::TagNames;

/// The objects that there are and will be, by every name.
#[derive(Debug, Default)]
pub struct Names {
    tags: TagNames,
    others: BTreeMap<Kind, KindNames>,
}

/// Why a name means no one object.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unclear {
    Nowhere(String),
    Twice(String, Vec<String>),
    Unread(String),
}

impl Unclear {
    fn told(&self, kind: Kind) -> String {
        match self {
            Unclear::Nowhere(name) => format!("{kind} `{name}` is neither on the platform nor in the file"),
            Unclear::Twice(name, which) => {
                let remedy = if kind == Kind::Tag { "give its path" } else { "give NAME#IDENTITY" };
                format!("{kind} `{name}` is there more than once ({}): {remedy}", which.join(", "))
            }
            Unclear::Unread(error) => {
                format!("the {} that it names could not be read: {error}", kind.section_path())
            }
        }
    }
}

impl Names {
    /// Takes stock of what is live and what the file declares.
    #[must_use]
    pub fn new(declared: &[Declared], live: &LiveState) -> Names {
        let named = referred(declared.iter().map(|entry| entry.spec.kind()));
        let others = named.map(|kind| (kind, KindNames::new(kind, declared, live))).collect();
        Names { tags: TagNames::new(declared, live), others }
    }

    /// The canonical name of what is named.
    fn resolve(&self, kind: Kind, name: &str) -> Result<String, Unclear> {
        if kind == Kind::Tag {
            return self.tags.resolve(name);
        }
        self.others
            .get(&kind)
            .map_or_else(|| Err(Unclear::Nowhere(name.to_owned())), |names| names.resolve(name))
    }

    /// Why a name means no one object, if so.
    pub(crate) fn unclear(&self, kind: Kind, name: &str) -> Option<String> {
        self.resolve(kind, name).err().map(|unclear| unclear.told(kind))
    }

    /// The address of what is named, where it is one object.
    pub(super) fn address_of(&self, kind: Kind, name: &str) -> Option<Address> {
        self.resolve(kind, name).ok().map(|name| Address::new(kind, name))
    }

    /// The paths of the live tags below this one, however far.
    pub(super) fn live_below(&self, path: &str) -> impl Iterator<Item = &str> {
        self.tags.live_below(path)
    }

    /// Makes the names in the entries of a kind canonical. An entry that names no one object has a problem, alone.
    pub(super) fn resolve_entries<'a>(
        &self,
        entries: &[&'a Declared],
        kind: Kind,
        known: &'a Known,
    ) -> Vec<Entry<'a>> {
        let mut tags = self.tags.declared();
        let mut resolved = Vec::with_capacity(entries.len());
        for &declared in entries {
            let mut problem = None;
            let mut spec = declared.without_ignored();
            if kind == Kind::Tag {
                match tags.next() {
                    Some(Ok(tag)) => spec = Spec::Tag(tag.clone()),
                    Some(Err(error)) => problem = Some(error.clone()),
                    None => {}
                }
            } else {
                self.canonical(&mut spec, &mut problem);
            }
            let secrets = known.secrets_of(&spec);
            resolved.push(Entry { spec, declared, problem, secrets });
        }
        resolved
    }

    /// Makes the names in a spec canonical; the first that means no one object is the problem.
    fn canonical(&self, spec: &mut Spec, problem: &mut Option<String>) {
        spec.references(&mut |reference| match self.resolve(reference.kind, reference.name) {
            Ok(name) => *reference.name = name,
            Err(_) if reference.name.starts_with('#') => {}
            Err(unclear) => {
                problem.get_or_insert_with(|| unclear.told(reference.kind));
            }
        });
    }

    /// The ids of the live objects by canonical name, for writing.
    #[must_use]
    pub fn ids(&self) -> BTreeMap<(Kind, String), String> {
        let tags = self.tags.live().map(|live| (Kind::Tag, live));
        let others = self.others.iter().flat_map(|(kind, names)| names.live().map(|live| (*kind, live)));
        tags.chain(others).map(|(kind, (name, id))| ((kind, name.to_owned()), id.to_owned())).collect()
    }
}

/// The kinds that these kinds name objects of, tags aside.
fn referred(kinds: impl Iterator<Item = Kind>) -> impl Iterator<Item = Kind> {
    let mut named: Vec<Kind> = Vec::new();
    for kind in kinds {
        for &other in kind.refers_to() {
            if other != Kind::Tag && !named.contains(&other) {
                named.push(other);
            }
        }
    }
    named.into_iter()
}

/// The canonical names of live objects by kind and id.
#[derive(Debug)]
pub struct References(HashMap<Kind, HashMap<String, String>>);

impl References {
    pub(super) fn new(kinds: &BTreeMap<Kind, Listing>) -> References {
        let mut names: HashMap<Kind, HashMap<String, String>> = HashMap::new();
        if let Some(Ok(tags)) = kinds.get(&Kind::Tag) {
            let paths = tags.iter().filter_map(|object| Some((object.id.clone(), object.spec.identity()?)));
            names.insert(Kind::Tag, paths.collect());
        }
        let present =
            kinds.iter().filter(|(_, listing)| listing.as_ref().is_ok_and(|listing| !listing.is_empty()));
        for kind in referred(present.map(|(kind, _)| *kind)) {
            names.insert(kind, others::of_listing(kinds.get(&kind)).into_names());
        }
        References(names)
    }

    /// Puts canonical names in the place of ids. What is not in its kind's listing stays an id.
    pub fn name(&self, spec: &mut Spec) {
        let References(names) = self;
        spec.references(&mut |reference| {
            let id = reference.name.strip_prefix('#');
            if let Some(name) = id.and_then(|id| names.get(&reference.kind)?.get(id)) {
                reference.name.clone_from(name);
            }
        });
    }
}
