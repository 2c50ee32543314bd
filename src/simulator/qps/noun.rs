//! The vocabulary of the tables: what a noun is, what fields it has, what each of them takes and shows.

use super::criteria::Searchable;
use super::route::Verb;
use super::rules::Rules;

/// One object type of the API.
pub(crate) struct Noun {
    /// The word for it in control calls and in the state file.
    pub(crate) kind: &'static str,
    /// Its word in paths.
    pub(crate) path: &'static str,
    /// Its element in bodies.
    pub(crate) object: &'static str,
    pub(crate) version: &'static str,
    pub(crate) verbs: &'static [Verb],
    /// In the order of the vendor's schema.
    pub(crate) fields: &'static [Field],
    pub(crate) searchable: &'static [Searchable],
    pub(crate) rules: &'static dyn Rules,
}

/// One field.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) write: Write,
    pub(crate) show: Show,
}

/// Which calls take a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// Create and update.
    Both,
    Create,
    /// Create takes it and does nothing with it.
    IgnoredOnCreate,
    /// The platform's own.
    Never,
}

/// Which answers show a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    Always,
    /// Not in create's answer, which is a partial object.
    Later,
    /// In none; the simulator's own memory.
    Never,
    /// Only when the option `echo_endpoints` says so.
    Endpoints,
}

/// What a field holds.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A text of at most so many characters; 0 for no limit.
    Text {
        max: usize,
    },
    /// A text with a grammar: the function says what is accepted, if not this.
    Checked(fn(&str) -> Result<(), &'static str>),
    /// A date mm/dd/yyyy.
    Date,
    Integer {
        min: u64,
        max: u64,
    },
    Flag,
    Word(&'static [&'static str]),
    /// Further fields under this one.
    Group(&'static [Field]),
    /// A QList.
    Many(Many),
    /// A QList of one item without a key, which has no other operation than `set`. In plain form it is the item.
    One {
        item: &'static str,
        fields: &'static [Field],
    },
    /// Capabilities: a QList of QLists. In plain form it is an array of `{name, identifier, tagId}`.
    Apps,
    /// A tag's children: a QList of tags, kept nowhere but in the children themselves.
    Children,
}

/// A QList's items.
#[derive(Debug)]
pub(crate) struct Many {
    /// The element's name, e.g. `TagSimple`.
    pub(crate) item: &'static str,
    pub(crate) of: Item,
    pub(crate) list: List,
}

/// One item of a QList.
#[derive(Debug)]
pub(crate) enum Item {
    /// The item is a word.
    Word(&'static [&'static str]),
    /// The item is a tag's id under `id`, shown with the tag's name.
    Tag,
    /// The item is one text under this name.
    Keyed(&'static str, fn(&str) -> Result<(), &'static str>),
}

/// How a QList is shown: the documents' samples have three ways in JSON, and one in XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// `{"list": [{"TagSimple": ..}, ..]}`
    Wrapped,
    /// `{"ActivationModule": [..]}`
    Bare,
    /// `{"list": {"Day": [..]}}`
    Plain,
}

impl Noun {
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl std::fmt::Debug for Noun {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.kind)
    }
}
