//! An answer's elements, and how they are written as JSON and as XML.

use std::borrow::Cow;

use super::noun::List;
use crate::simulator::answer::Format;
use crate::simulator::options::{ActivationXml, DataShape, JsonBooleans, Options};

/// One element of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Out<'a> {
    Text(Cow<'a, str>),
    Number(u64),
    Flag(bool),
    Group(Vec<(&'a str, Out<'a>)>),
    Items { list: List, item: &'a str, items: Vec<Out<'a>> },
}

/// The choices that only concern how answers look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) format: Format,
    pub(crate) json_booleans: JsonBooleans,
    pub(crate) data_shape: DataShape,
    pub(crate) activation_xml: ActivationXml,
}

impl Style {
    pub(crate) fn new(format: Format, options: &Options) -> Self {
        Self {
            format,
            json_booleans: options.json_booleans,
            data_shape: options.data_shape,
            activation_xml: options.activation_xml,
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
            Self::Items { list, item, items } => {
                let (before, after) = match list {
                    List::Wrapped => ("{\"list\":[", "]}"),
                    List::Bare => ("{", "}"),
                    List::Plain => ("{\"list\":{", "}}"),
                };
                to.push_str(before);
                if *list != List::Wrapped {
                    json_text(item, to);
                    to.push_str(":[");
                }
                for (index, value) in items.iter().enumerate() {
                    if index > 0 {
                        to.push(',');
                    }
                    if *list == List::Wrapped {
                        to.push('{');
                        json_text(item, to);
                        to.push(':');
                        value.write_json(style, to);
                        to.push('}');
                    } else {
                        value.write_json(style, to);
                    }
                }
                if *list != List::Wrapped {
                    to.push(']');
                }
                to.push_str(after);
            }
        }
    }

    pub(crate) fn write_xml(&self, name: &str, style: Style, to: &mut String) {
        tag(to, "<", name);
        match self {
            Self::Text(text) => to.push_str(&quick_xml::escape::escape(text.as_ref())),
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
