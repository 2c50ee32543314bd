//! A request body, whichever form it came in: XML elements and JSON members become the same tree of named entries.
//!
//! A repeated element is a repeated entry, and so is each item of a JSON array: `"TagSimple": [a, b]` and two
//! `<TagSimple>` read alike, as do an array of one and a bare object. A JSON member that is given twice, as in a sample of
//! Update Azure Connector, is a repeated entry too: none of them is lost.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::json::Json;
use super::refusal::Refusal;
use crate::simulator::answer::Format;

/// The words that make an entry a collection's operation.
const OPERATIONS: &[&str] = &["set", "add", "remove", "update", "list"];

/// No request goes deeper than a dozen elements; the limit is that of the JSON reader.
const MAX_DEPTH: usize = 128;

/// One element.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Leaf(Leaf),
    Branch(Vec<(String, Tree)>),
    /// Named, and nothing said: JSON's null, or an array without items. Its name is checked like any other.
    Nothing,
}

/// One scalar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) text: String,
    pub(crate) native: Native,
}

/// What the scalar was in JSON; XML has texts alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Native {
    Text,
    Number,
    Boolean,
}

impl Tree {
    /// The entries of an element; an empty element (`<set/>`) has none.
    pub(crate) fn entries(&self) -> Option<&[(String, Tree)]> {
        match self {
            Self::Branch(entries) => Some(entries),
            Self::Leaf(leaf) if leaf.native == Native::Text && leaf.text.trim().is_empty() => Some(&[]),
            Self::Leaf(_) => None,
            Self::Nothing => Some(&[]),
        }
    }

    fn text(text: String) -> Self {
        Self::Leaf(Leaf { text, native: Native::Text })
    }
}

/// Reads a body; the one root entry is returned with its name.
pub(crate) fn parse(format: Format, body: &[u8]) -> Result<(String, Tree), Refusal> {
    match format {
        Format::Json => parse_json(body),
        Format::Xml => parse_xml(body),
    }
}

fn parse_json(body: &[u8]) -> Result<(String, Tree), Refusal> {
    let parsed: Json = serde_json::from_slice(body).map_err(|error| {
        Refusal::invalid(format!("The request body is no valid JSON: {error}."), "Specify a valid JSON body.")
    })?;
    let Json::Object(members) = parsed else {
        return Err(not_wrapped());
    };
    let mut entries = Vec::with_capacity(1);
    for (name, value) in members {
        add_json(&mut entries, name, value);
    }
    let one = entries.pop().filter(|(_, tree)| entries.is_empty() && *tree != Tree::Nothing);
    one.ok_or_else(not_wrapped)
}

fn not_wrapped() -> Refusal {
    Refusal::invalid(
        "The request body has to be wrapped in 'ServiceRequest'.",
        "Specify one 'ServiceRequest'.",
    )
}

fn add_json(entries: &mut Vec<(String, Tree)>, name: String, value: Json) {
    match value {
        Json::Null => entries.push((name, Tree::Nothing)),
        Json::Scalar(leaf) => entries.push((name, Tree::Leaf(leaf))),
        // `"set": []` is an empty collection, `"TagSimple": []` is a collection without that.
        Json::Array(items) if items.is_empty() && OPERATIONS.contains(&name.as_str()) => {
            entries.push((name, Tree::Branch(Vec::new())));
        }
        Json::Array(items) if items.is_empty() => entries.push((name, Tree::Nothing)),
        Json::Array(items) => {
            for item in items {
                add_json(entries, name.clone(), item);
            }
        }
        Json::Object(members) => {
            let mut branch = Vec::with_capacity(members.len());
            for (name, value) in members {
                add_json(&mut branch, name, value);
            }
            entries.push((name, Tree::Branch(branch)));
        }
    }
}

/// An element whose end has not come yet.
#[derive(Default)]
struct Open {
    name: String,
    entries: Vec<(String, Tree)>,
    text: String,
}

fn parse_xml(body: &[u8]) -> Result<(String, Tree), Refusal> {
    let text = std::str::from_utf8(body).map_err(|error| bad_xml(&error.to_string()))?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let mut reader = Reader::from_str(text);
    let mut stack = vec![Open::default()];
    loop {
        let event = reader.read_event().map_err(|error| bad_xml(&error.to_string()))?;
        match event {
            Event::Start(_) if stack.len() > MAX_DEPTH => return Err(bad_xml("it is nested too deeply")),
            Event::Start(start) => stack.push(open(&start)?),
            Event::Empty(start) => {
                let element = open(&start)?;
                close(element, &mut stack)?;
            }
            Event::End(_) => {
                let element = stack.pop().ok_or_else(|| bad_xml("an end without a start"))?;
                close(element, &mut stack)?;
            }
            Event::Text(piece) => push_text(&mut stack, &piece.xml10_content()),
            Event::CData(piece) => push_text(&mut stack, &piece),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|error| bad_xml(&error.to_string()))?;
                let resolved = match character {
                    Some(character) => character.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&reference)
                        .ok_or_else(|| bad_xml(&format!("unknown entity &{};", &*reference)))?
                        .to_owned(),
                };
                push_text(&mut stack, &resolved);
            }
            Event::DocType(_) => return Err(bad_xml("a document type declaration is not taken")),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    let root = stack.pop().filter(|_| stack.is_empty()).ok_or_else(|| bad_xml("an element is not closed"))?;
    let Open { mut entries, text, .. } = root;
    if entries.len() != 1 || !text.trim().is_empty() {
        return Err(bad_xml("there has to be one root element"));
    }
    entries.pop().ok_or_else(|| bad_xml("there is no root element"))
}

fn open(start: &BytesStart<'_>) -> Result<Open, Refusal> {
    let mut element = Open { name: start.local_name().as_ref().to_owned(), ..Open::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| bad_xml(&error.to_string()))?;
        let name = attribute.key.as_ref().to_owned();
        // Namespaces and schema locations say nothing about the request.
        if name.starts_with("xmlns") || name.starts_with("xsi:") {
            continue;
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| bad_xml(&error.to_string()))?;
        element.entries.push((name, Tree::text(value.into_owned())));
    }
    Ok(element)
}

fn close(element: Open, stack: &mut [Open]) -> Result<(), Refusal> {
    let Open { name, mut entries, text } = element;
    let tree = if entries.is_empty() {
        Tree::text(text)
    } else {
        // `<Criteria field=".." operator="..">value</Criteria>` is the one element with attributes and a text.
        if !text.trim().is_empty() {
            if name != "Criteria" {
                return Err(bad_xml(&format!("element '{name}' holds both text and elements")));
            }
            entries.push(("value".to_owned(), Tree::text(text)));
        }
        Tree::Branch(entries)
    };
    let parent = stack.last_mut().ok_or_else(|| bad_xml("an end without a start"))?;
    parent.entries.push((name, tree));
    Ok(())
}

fn push_text(stack: &mut [Open], text: &str) {
    if let Some(element) = stack.last_mut() {
        element.text.push_str(text);
    }
}

fn bad_xml(problem: &str) -> Refusal {
    Refusal::invalid(
        format!("The request body is no valid XML: {problem}."),
        "Specify a valid XML body, or declare JSON with the header Content-Type: application/json.",
    )
}
