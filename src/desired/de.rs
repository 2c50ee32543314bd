//! Types out of the tree: a serde deserializer whose errors know their node, and a reader that collects all of them.
//!
//! [`read`] tries, reports what is wrong, looks no longer at that part, and tries again until nothing is left to
//! report. What only follows from a part that was reported (a key that is missing because it was misspelt) is not
//! reported again.

use std::fmt;

use serde::de::value::{MapDeserializer, StrDeserializer};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::files::plain;
use super::problem::{Report, accepted, nearest};
use super::quoted;
use super::tree::{Cut, NodeId, Scalar, Shape, Tree};
use crate::secret::FILE_PATH;

/// Why a type refused a part of the tree.
#[derive(Debug)]
pub(super) struct Error {
    at: Option<NodeId>,
    what: What,
}

#[derive(Debug)]
enum What {
    UnknownKey {
        key: String,
        known: &'static [&'static str],
    },
    UnknownValue {
        value: String,
        known: &'static [&'static str],
    },
    Missing(&'static str),
    Unfit {
        found: String,
        expected: String,
        could_be_text: bool,
    },
    /// `null` where the type has no place for it.
    Null,
    Other(String),
}

impl Error {
    /// The innermost part that is known.
    fn at(mut self, node: NodeId) -> Error {
        self.at.get_or_insert(node);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what.explain(&Context::default()).0)
    }
}

impl std::error::Error for Error {}

fn name_of(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(on) => on.to_string(),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Str(text) => quoted(text),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}

/// serde's words for what a type wants, in words of the file.
fn wanted(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "a sequence" => "a list".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "string" => "a text".to_owned(),
        "u64" | "u32" | "usize" | "u16" => "a whole number, not negative".to_owned(),
        _ if text.starts_with("struct ") || text == "a map" => "a map (key: value)".to_owned(),
        _ if text.starts_with("enum ") => "one word".to_owned(),
        _ => text,
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Error {
        Error { at: None, what: What::Other(message.to_string()) }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Error {
        if found == Unexpected::Unit {
            return Error { at: None, what: What::Null };
        }
        let could_be_text = matches!(
            found,
            Unexpected::Bool(_) | Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_)
        );
        let expected = wanted(expected);
        let could_be_text = could_be_text && expected == "a text";
        Error { at: None, what: What::Unfit { found: name_of(found), expected, could_be_text } }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Error {
        let what = What::Unfit { found: name_of(found), expected: wanted(expected), could_be_text: false };
        Error { at: None, what }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Error {
        Error { at: None, what: What::UnknownKey { key: field.to_owned(), known: expected } }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Error {
        Error { at: None, what: What::UnknownValue { value: variant.to_owned(), known: expected } }
    }

    fn missing_field(field: &'static str) -> Error {
        Error { at: None, what: What::Missing(field) }
    }
}

/// What an explanation says besides what the type knows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Context<'a> {
    /// Keys that are accepted beside those of the type, at its top.
    pub(super) also: &'static [&'static str],
    /// Keys that the type has but that are not accepted here, at its top.
    pub(super) except: &'a [&'static str],
    /// Whether a key that the type wants may be missing here, at its top.
    pub(super) partial: bool,
}

/// What values of some fields look like, for hints where a type only says no.
const EXAMPLES: [(&str, &str); 8] = [
    ("run_frequency", "accepted are 1h to 24h, as in 4h, 90m, or a number of minutes"),
    ("account_id", "an account id is twelve digits in quotes, as in \"123456789012\""),
    ("arn", "as in arn:aws:iam::123456789012:role/QualysConnector"),
    ("external_id", "put it in quotes, as in \"US1-1368984-11213331\""),
    ("regions", "accepted are all, or a list of region codes as in [eu-west-1, af-south-1]"),
    ("capabilities", "accepted are AI, CI and CSA, each once, as in [AI, {name: CSA, tag: prod}]"),
    ("activation", "accepted are VM, PC, SCA and CERTVIEW"),
    (
        "perimeter_scan",
        "accepted are off, global, or a schedule as in {recurrence: WEEKLY, days: [SUN, TUE]}",
    ),
];

impl What {
    /// Message and hint.
    fn explain(&self, context: &Context<'_>) -> (String, Option<String>) {
        match self {
            What::UnknownKey { key, known } => {
                let known = keys_of(known, context);
                (format!("unknown key {}", quoted(key)), Some(accepted(key, &known)))
            }
            What::UnknownValue { value, known } => {
                (format!("unknown value {}", quoted(value)), Some(accepted(value, known)))
            }
            What::Missing(key) => (format!("`{key}` is missing"), Some(format!("add {key}: …"))),
            What::Unfit { found, expected, could_be_text } => {
                let hint = if *could_be_text {
                    "put it in quotes, if a text is meant".to_owned()
                } else {
                    format!("accepted is {expected}")
                };
                (format!("expected {expected}, found {found}"), Some(hint))
            }
            What::Null => ("the value is missing".to_owned(), Some("give one, or remove it".to_owned())),
            What::Other(text) => split_hint(text),
        }
    }
}

fn keys_of(known: &[&'static str], context: &Context<'_>) -> Vec<&'static str> {
    let own = known.iter().filter(|key| !context.except.contains(key));
    own.chain(context.also).copied().collect()
}

/// The remedy that a type's own message holds, apart: what stands behind "expected", "as in", or in brackets.
fn split_hint(text: &str) -> (String, Option<String>) {
    for (separator, keep) in [(": expected ", "expected "), (", as in ", "as in "), (": ", "")] {
        if let Some((message, rest)) = text.rsplit_once(separator)
            && !message.is_empty()
            && message.matches('`').count() % 2 == 0
            && !rest.is_empty()
        {
            return (message.to_owned(), Some(format!("{keep}{rest}")));
        }
    }
    if let Some(inner) = text.strip_suffix(')')
        && let Some((message, rest)) = inner.rsplit_once(" (")
    {
        let hint = if rest.starts_with("as in ") { rest.to_owned() } else { format!("expected: {rest}") };
        return (message.to_owned(), Some(hint));
    }
    (text.to_owned(), None)
}

/// A value of the tree.
#[derive(Clone, Copy)]
pub(super) struct At<'t> {
    pub(super) tree: &'t Tree,
    pub(super) node: NodeId,
}

/// The pairs of one or more maps as if they were one.
pub(super) struct Pairs<'t> {
    pub(super) tree: &'t Tree,
    /// The map that they are of.
    pub(super) node: NodeId,
    pub(super) all: Vec<(NodeId, NodeId)>,
    /// One more pair, whose key stands nowhere: what the map stands in.
    pub(super) above: Option<(&'static str, NodeId)>,
}

struct Items<'t, I> {
    tree: &'t Tree,
    list: NodeId,
    rest: I,
    /// The element that the visitor looks at; the list itself before and behind them.
    current: NodeId,
}

impl<'de, I: Iterator<Item = NodeId>> SeqAccess<'de> for &mut Items<'_, I> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(node) = self.rest.next() else {
            self.current = self.list;
            return Ok(None);
        };
        self.current = node;
        seed.deserialize(At { tree: self.tree, node }).map(Some).map_err(|error| {
            let mut error = error.at(node);
            // In a map null is left out; in a list it would be an element that is nothing.
            if matches!(error.what, What::Null) && error.at == Some(node) {
                error.what = What::Other("an empty element: remove it, or give it a value".to_owned());
            }
            error
        })
    }
}

struct Entries<'t, I> {
    tree: &'t Tree,
    map: NodeId,
    pairs: I,
    above: Option<(&'static str, NodeId)>,
    current: (NodeId, NodeId),
}

impl<'de, I: Iterator<Item = (NodeId, NodeId)>> MapAccess<'de> for &mut Entries<'_, I> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(pair) = self.pairs.next() else {
            let Some((field, node)) = self.above.take() else {
                self.current = (self.map, self.map);
                return Ok(None);
            };
            self.current = (node, node);
            let key: StrDeserializer<'_, Error> = field.into_deserializer();
            return seed.deserialize(key).map(Some).map_err(|error| error.at(node));
        };
        self.current = pair;
        let key: StrDeserializer<'_, Error> = self.tree.text(pair.0).into_deserializer();
        seed.deserialize(key).map(Some).map_err(|error| error.at(pair.0))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let node = self.current.1;
        seed.deserialize(At { tree: self.tree, node }).map_err(|error| error.at(node))
    }
}

fn visit_pairs<'de, V: Visitor<'de>>(
    visitor: V,
    tree: &Tree,
    map: NodeId,
    pairs: impl Iterator<Item = (NodeId, NodeId)>,
    above: Option<(&'static str, NodeId)>,
) -> Result<V::Value, Error> {
    let mut entries = Entries { tree, map, pairs, above, current: (map, map) };
    visitor.visit_map(&mut entries).map_err(|error| error.at(entries.current.1))
}

impl<'de> Deserializer<'de> for At<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let At { tree, node } = self;
        let read = match tree.scalar(node) {
            Some(Scalar::Null) => visitor.visit_unit(),
            Some(Scalar::Bool(on)) => visitor.visit_bool(on),
            Some(Scalar::Unsigned(number)) => visitor.visit_u64(number),
            Some(Scalar::Signed(number)) => visitor.visit_i64(number),
            Some(Scalar::Float(number)) => visitor.visit_f64(number),
            Some(Scalar::Text(text)) => visitor.visit_str(text),
            None if tree.shape(node) == Shape::Map => {
                visit_pairs(visitor, tree, node, tree.pairs(node), None)
            }
            None => {
                let mut items = Items { tree, list: node, rest: tree.items(node), current: node };
                visitor.visit_seq(&mut items).map_err(|error| error.at(items.current))
            }
        };
        read.map_err(|error| error.at(node))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.tree.is_null(self.node) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == FILE_PATH
            && let Some(Scalar::Text(text)) = self.tree.scalar(self.node)
        {
            // A path is relative to the file that names it, which nobody but the tree knows.
            if text.is_empty() {
                return Err(
                    <Error as de::Error>::custom("an empty path: expected the path of a file").at(self.node)
                );
            }
            let path = plain(self.tree.base(self.node).join(text));
            let path: StrDeserializer<'_, Error> = path
                .to_str()
                .ok_or_else(|| <Error as de::Error>::custom("the path is not UTF-8").at(self.node))?
                .into_deserializer();
            return visitor.visit_newtype_struct(path);
        }
        visitor.visit_newtype_struct(self)
    }

    // A struct is never given as a list of its values, though serde would take one.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.tree.shape(self.node) {
            Shape::List => Err(<Error as de::Error>::invalid_type(Unexpected::Seq, &visitor).at(self.node)),
            Shape::Plain | Shape::Quoted | Shape::Map => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let unfit = |found| Err(<Error as de::Error>::invalid_type(found, &visitor).at(self.node));
        match self.tree.shape(self.node) {
            Shape::List => unfit(Unexpected::Seq),
            Shape::Map => unfit(Unexpected::Map),
            Shape::Plain | Shape::Quoted if self.tree.is_null(self.node) => unfit(Unexpected::Unit),
            Shape::Plain | Shape::Quoted => {
                visitor.visit_enum(Word(self.tree.text(self.node))).map_err(|error| error.at(self.node))
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map identifier
    }
}

/// The one word that an enum of words is given as.
struct Word<'t>(&'t str);

impl<'de> EnumAccess<'de> for Word<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let word: StrDeserializer<'_, Error> = self.0.into_deserializer();
        seed.deserialize(word).map(|value| (value, self))
    }
}

impl<'de> VariantAccess<'de> for Word<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _seed: T) -> Result<T::Value, Error> {
        Err(de::Error::invalid_type(Unexpected::UnitVariant, &"a word with a value"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        Err(de::Error::invalid_type(Unexpected::UnitVariant, &visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        Err(de::Error::invalid_type(Unexpected::UnitVariant, &visitor))
    }
}

impl<'de> Deserializer<'de> for Pairs<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Pairs { tree, node, all, above } = self;
        visit_pairs(visitor, tree, node, all.into_iter(), above).map_err(|error| error.at(node))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Reads a type from the tree, and reports everything that is wrong with it. `None` where nothing is left to read.
pub(super) fn read<T>(
    tree: &mut Tree,
    report: &mut Report,
    root: NodeId,
    context: &Context<'_>,
    attempt: impl Fn(&Tree) -> Result<T, Error>,
) -> Option<T> {
    loop {
        let Error { at, what } = match attempt(tree) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let at = at.unwrap_or(root);
        let context = if is_top(tree, root, at) { *context } else { Context::default() };
        let cut = if matches!(what, What::Null) && at != root {
            Cut::Absent
        } else {
            let meant = match &what {
                What::UnknownKey { key, known } => nearest(key, known.iter().copied())
                    .and_then(|near| known.iter().copied().find(|k| *k == near)),
                _ => None,
            };
            if !follows(tree, at, &what, &context) {
                let (message, hint) = what.explain(&context);
                let hint = hint.or_else(|| example_for(tree, root, at));
                report.error(tree, at, message, hint);
            }
            Cut::Wrong { meant }
        };
        if at == root || !tree.cut(at, cut) {
            return None;
        }
    }
}

/// The keys that a type accepts: its refusal of another key tells them.
pub(super) fn keys_of_type<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    match T::deserialize(MapDeserializer::<_, Error>::new(std::iter::once(("", ())))) {
        Err(Error { what: What::UnknownKey { key: _, known }, .. }) => known,
        Ok(_) | Err(_) => &[],
    }
}

/// Whether a node is the root, a key or a value right under it.
fn is_top(tree: &Tree, root: NodeId, at: NodeId) -> bool {
    at == root || tree.pairs(root).any(|(key, _)| key == at)
}

/// Whether the error only follows from what was reported before.
fn follows(tree: &Tree, at: NodeId, what: &What, context: &Context<'_>) -> bool {
    match what {
        What::Missing(key) => context.partial || tree.reported_keys(at).any(|reported| reported == *key),
        What::UnknownKey { .. } | What::UnknownValue { .. } | What::Unfit { .. } | What::Null => false,
        What::Other(_) => tree.holds_reported(at),
    }
}

fn example_for(tree: &Tree, root: NodeId, at: NodeId) -> Option<String> {
    let (key, _) =
        tree.pairs(root).find(|(_, value)| *value == at || tree.items(*value).any(|item| item == at))?;
    let name = tree.text(key);
    EXAMPLES.iter().find(|(field, _)| *field == name).map(|(_, example)| (*example).to_owned())
}
