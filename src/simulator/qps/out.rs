//! An answer's elements, and how they are written as JSON and as XML.

use std::borrow::Cow;

use super::noun::{Form, List};
use super::route::Verb;
use crate::simulator::answer::Format;
use crate::simulator::options::{ActivationXml, DataShape, JsonBooleans, Options};

/// One element of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Out<'a> {
    Text(Cow<'a, str>),
    /// A text of several lines, each of which comes back with a carriage return at its end: a character in XML, the text
    /// `&#xd;` in JSON.
    Lines(&'a str),
    Number(u64),
    Flag(bool),
    Group(Vec<(&'a str, Out<'a>)>),
    Items {
        list: List,
        item: &'a str,
        items: Vec<Out<'a>>,
    },
}

/// The choices that only concern how answers look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) format: Format,
    pub(crate) json_booleans: JsonBooleans,
    pub(crate) data: Data,
    pub(crate) activation_xml: ActivationXml,
}

/// How `data` looks in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    /// `[{"Tag": {..}}, ..]`
    Array,
    /// The same, or `{"Tag": {..}}` if there is one.
    ObjectWhenSingle,
    /// `{"OciAssetDataConnector": {..}}`, or `{"OciAssetDataConnector": [..]}` if there are several.
    Object,
    /// `{"OciAssetDataConnector": [..]}`
    ObjectOfArray,
}

impl Style {
    pub(crate) fn new(format: Format, options: &Options) -> Self {
        Self {
            format,
            json_booleans: options.json_booleans,
            data: match options.data_shape {
                DataShape::Array => Data::Array,
                DataShape::ObjectWhenSingle => Data::ObjectWhenSingle,
            },
            activation_xml: options.activation_xml,
        }
    }

    /// The style of one noun's answers.
    pub(crate) fn of(self, form: Form, verb: Verb) -> Self {
        match (form, verb) {
            (Form::Usual, _) => self,
            (Form::Oci, Verb::Search) => {
                Self { json_booleans: JsonBooleans::Real, data: Data::ObjectOfArray, ..self }
            }
            (Form::Oci, _) => Self { json_booleans: JsonBooleans::Real, data: Data::Object, ..self },
        }
    }

    /// "Booleans come back as JSON strings" in nearly all samples.
    pub(crate) fn json_flag(self, flag: bool) -> &'static str {
        match (self.json_booleans, flag) {
            (JsonBooleans::Strings, true) => "\"true\"",
            (JsonBooleans::Strings, false) => "\"false\"",
            (JsonBooleans::Real, true) => "true",
            (JsonBooleans::Real, false) => "false",
        }
    }
}

impl Out<'_> {
    pub(crate) fn write_json(&self, style: Style, to: &mut String) {
        match self {
            Self::Text(text) => json_text(text, to),
            Self::Lines(text) => json_text(&text.replace('\r', "").replace('\n', "&#xd;\n"), to),
            Self::Number(number) => to.push_str(&number.to_string()),
            Self::Flag(flag) => to.push_str(style.json_flag(*flag)),
            Self::Group(members) => {
                to.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        to.push(',');
                    }
                    json_text(name, to);
                    to.push(':');
                    value.write_json(style, to);
                }
                to.push('}');
            }
            Self::Items { list, item, items } => write_items(*list, item, items, style, to),
        }
    }

    pub(crate) fn write_xml(&self, name: &str, style: Style, to: &mut String) {
        tag(to, "<", name);
        match self {
            Self::Text(text) => to.push_str(&xml_text(text)),
            Self::Lines(text) => {
                let escaped = xml_text(text);
                to.push_str(&escaped.replace('\r', "").replace('\n', "&#xd;\n"));
            }
            Self::Number(number) => to.push_str(&number.to_string()),
            Self::Flag(flag) => to.push_str(if *flag { "true" } else { "false" }),
            Self::Group(members) => {
                for (name, value) in members {
                    value.write_xml(name, style, to);
                }
            }
            Self::Items { list, item, items } => {
                let level = *list != List::Bare || style.activation_xml == ActivationXml::List;
                if level {
                    to.push_str("<list>");
                }
                for value in items {
                    value.write_xml(item, style, to);
                }
                if level {
                    to.push_str("</list>");
                }
            }
        }
        tag(to, "</", name);
    }
}

fn write_items(list: List, item: &str, items: &[Out<'_>], style: Style, to: &mut String) {
    if list == List::Wrapped {
        to.push_str("{\"list\":[");
        for (index, value) in items.iter().enumerate() {
            to.push_str(if index > 0 { ",{" } else { "{" });
            json_text(item, to);
            to.push(':');
            value.write_json(style, to);
            to.push('}');
        }
        to.push_str("]}");
        return;
    }
    // The others gather all items under one name.
    let (before, after) = match list {
        List::Wrapped | List::Bare => ("{", "}"),
        List::Plain | List::Collapsed => ("{\"list\":{", "}}"),
        List::Gathered => ("{\"list\":[{", "}]}"),
        List::Deep => ("{\"list\":[{\"list\":{", "}}]}"),
    };
    let bare = matches!(list, List::Collapsed | List::Deep) && items.len() == 1;
    to.push_str(before);
    json_text(item, to);
    to.push_str(if bare { ":" } else { ":[" });
    for (index, value) in items.iter().enumerate() {
        if index > 0 {
            to.push(',');
        }
        value.write_json(style, to);
    }
    if !bare {
        to.push(']');
    }
    to.push_str(after);
}

/// An element's text. What XML 1.0 has no way to write, and JSON has (U+0001, U+FFFE), becomes U+FFFD: one such name in a
/// list would otherwise make the whole answer unreadable.
fn xml_text(text: &str) -> Cow<'_, str> {
    let impossible = |letter: char| matches!(letter, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.contains(impossible) {
        let possible = text.replace(impossible, "\u{fffd}");
        return quick_xml::escape::escape(possible.as_str()).into_owned().into();
    }
    quick_xml::escape::escape(text)
}

fn tag(to: &mut String, open: &str, name: &str) {
    to.push_str(open);
    to.push_str(name);
    to.push('>');
}

/// A JSON string, quotes and all.
pub(crate) fn json_text(text: &str, to: &mut String) {
    to.push('"');
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape: Cow<'_, str> = match byte {
            b'"' => "\\\"".into(),
            b'\\' => "\\\\".into(),
            b'\n' => "\\n".into(),
            b'\r' => "\\r".into(),
            b'\t' => "\\t".into(),
            0..0x20 => format!("\\u{byte:04x}").into(),
            _ => continue,
        };
        to.push_str(&text[start..at]);
        to.push_str(&escape);
        start = at + 1;
    }
    to.push_str(&text[start..]);
    to.push('"');
}
