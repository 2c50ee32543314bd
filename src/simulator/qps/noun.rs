//! The vocabulary of the tables: what a noun is, what fields it has, what each of them takes and shows.

use super::criteria::Searchable;
use super::route::Verb;
use super::rules::Rules;
use super::show::Extent;
use crate::simulator::options::Options;

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
    pub(crate) replies: fn(&Options) -> Replies,
    /// Whether the subscription has it at all; an object that it has not is an unknown one.
    pub(crate) offered: fn(&Options) -> bool,
    /// Whether there is at most one: it has no id on the wire, and is made, changed and found without one.
    pub(crate) single: bool,
}

/// What a noun's answers show, and how they are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replies {
    pub(crate) update: Extent,
    pub(crate) run: Extent,
    pub(crate) form: Form,
}

/// How answers are built in JSON; in XML there is one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// That of most samples; options vary it.
    Usual,
    /// That of the samples of OCI connectors: as if XML had been turned into JSON, with real booleans.
    Oci,
}

impl Replies {
    pub(crate) fn usual(_: &Options) -> Self {
        Self { update: Extent::IdAlone, run: Extent::Whole, form: Form::Usual }
    }
}

/// Every subscription has it.
pub(crate) fn always(_: &Options) -> bool {
    true
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
#[derive(Debug, Clone, Copy)]
pub(crate) enum Write {
    /// Create and update.
    Both,
    Create,
    Update,
    /// Create takes it and does nothing with it.
    IgnoredOnCreate,
    /// The platform's own.
    Never,
    /// Create takes it; whether update does is an option.
    CreateAnd(fn(&Options) -> Taken),
    /// Whether create and update take it is an option.
    Optional(fn(&Options) -> Taken),
    /// Create and update, under a name that is an option.
    Spelled(fn(&Options) -> &'static str),
}

/// What a call does with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Yes,
    /// It is checked, and then forgotten.
    Ignored,
    No,
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
    /// As `Later`, in the way that the option `secrets_on_read` says.
    Secret,
    /// Empty in create's answer, and in all of them when the option `azure_auth_record` says so.
    AuthRecord,
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
    /// The same, and a refusal does not show the value.
    Secret(fn(&str) -> Result<(), &'static str>),
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
    Apps(Apps),
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

/// What is special about a cloud's capabilities.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Apps {
    /// Whether an empty `tagId` is taken for none.
    pub(crate) empty_tag: bool,
    /// The path of what answers show for the identifier, unless the option `azure_identifier_on_read` says otherwise.
    pub(crate) read_as: Option<&'static str>,
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

/// How a QList is shown: the documents' samples have several ways in JSON, and one in XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// `{"list": [{"TagSimple": ..}, ..]}`
    Wrapped,
    /// `{"ActivationModule": [..]}`
    Bare,
    /// `{"list": {"Day": [..]}}`
    Plain,
    /// The same, or without the array if there is one item: `{"list": {"ConnectorAppInfo": {..}}}`
    Collapsed,
    /// `{"list": [{"ConnectorAppInfoQList": [..]}]}`
    Gathered,
    /// One item: `{"list": [{"list": {"ConnectorAppInfo": {..}}}]}`
    Deep,
}

impl Noun {
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Field {
    /// Its name in requests.
    pub(crate) fn asked_as(&self, options: &Options) -> &'static str {
        match self.write {
            Write::Spelled(name) => name(options),
            _ => self.name,
        }
    }

    /// What a create or an update does with it.
    pub(crate) fn taken(&self, update: bool, options: &Options) -> Taken {
        match (self.write, update) {
            (Write::Both | Write::Spelled(_), _)
            | (Write::Create | Write::CreateAnd(_), false)
            | (Write::Update, true) => Taken::Yes,
            (Write::IgnoredOnCreate, false) => Taken::Ignored,
            (Write::CreateAnd(taken), true) | (Write::Optional(taken), _) => taken(options),
            (Write::Create | Write::IgnoredOnCreate, true) | (Write::Update, false) | (Write::Never, _) => {
                Taken::No
            }
        }
    }
}

impl std::fmt::Debug for Noun {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.kind)
    }
}
