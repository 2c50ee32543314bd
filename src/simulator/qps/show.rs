//! From an object in plain form to an answer's elements, by the noun's table.

use std::borrow::Cow;

use serde_json::Value;

use super::noun::{Field, Item, List, Many, Noun, Shape, Show};
use super::out::Out;
use crate::simulator::options::EchoEndpoints;
use crate::simulator::store::{Record, Tags};

/// How much of an object an answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Create's answer: without what the platform finds out later.
    Partial,
    Whole,
    /// The answer to update and delete.
    IdAlone,
}

/// What showing needs besides the object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Showing<'a> {
    pub(crate) noun: &'static Noun,
    pub(crate) tags: &'a Tags,
    pub(crate) extent: Extent,
    pub(crate) endpoints: EchoEndpoints,
}

impl<'a> Showing<'a> {
    pub(crate) fn record(self, record: &'a Record) -> Out<'a> {
        let mut members = vec![("id", Out::Number(record.id))];
        if self.extent == Extent::IdAlone {
            return Out::Group(members);
        }
        for field in self.noun.fields {
            let shown = match field.show {
                Show::Always => true,
                Show::Later => self.extent == Extent::Whole,
                Show::Never => false,
                Show::Endpoints => self.endpoints == EchoEndpoints::On,
            };
            if !shown {
                continue;
            }
            let value = match field.shape {
                Shape::Children => self.children(record.id),
                _ => record.object.get(field.name).and_then(|value| self.value(field, value)),
            };
            if let Some(value) = value {
                members.push((field.name, value));
            }
        }
        Out::Group(members)
    }

    /// One field; `None` where there is nothing to show: empty collections are left out.
    fn value(self, field: &'static Field, value: &'a Value) -> Option<Out<'a>> {
        match &field.shape {
            Shape::Text { .. }
            | Shape::Checked(_)
            | Shape::Date
            | Shape::Integer { .. }
            | Shape::Flag
            | Shape::Word(_) => scalar(value),
            Shape::Group(fields) => self.group(fields, value),
            Shape::Many(many) => self.many(many, value),
            Shape::One { item, fields } => {
                let shown = self.group(fields, value)?;
                Some(Out::Items { list: List::Wrapped, item, items: vec![shown] })
            }
            Shape::Apps => self.apps(value),
            Shape::Children => None,
        }
    }

    fn group(self, fields: &'static [Field], value: &'a Value) -> Option<Out<'a>> {
        let members: Vec<_> = fields
            .iter()
            .filter_map(|field| Some((field.name, self.value(field, value.get(field.name)?)?)))
            .collect();
        (!members.is_empty()).then_some(Out::Group(members))
    }

    /// The order of lists means nothing, and the platform does not keep it: here it comes back reversed.
    fn many(self, many: &'static Many, value: &'a Value) -> Option<Out<'a>> {
        let items: Vec<_> = value
            .as_array()?
            .iter()
            .rev()
            .filter_map(|item| match &many.of {
                Item::Word(_) => scalar(item),
                Item::Tag => self.tag(item.as_u64()?),
                Item::Keyed(key, _) => Some(Out::Group(vec![(*key, scalar(item)?)])),
            })
            .collect();
        (!items.is_empty()).then_some(Out::Items { list: many.list, item: many.item, items })
    }

    fn tag(self, id: u64) -> Option<Out<'a>> {
        let name = Out::Text(Cow::Borrowed(self.tags.name(id)?));
        Some(Out::Group(vec![("id", Out::Number(id)), ("name", name)]))
    }

    fn apps(self, value: &'a Value) -> Option<Out<'a>> {
        let lists: Vec<_> = value
            .as_array()?
            .iter()
            .rev()
            .map(|app| {
                let mut members: Vec<_> = ["name", "identifier"]
                    .into_iter()
                    .filter_map(|member| Some((member, scalar(app.get(member)?)?)))
                    .collect();
                let tag = app.get("tagId").and_then(Value::as_u64);
                if let Some((id, name)) = tag.and_then(|id| Some((id, self.tags.name(id)?))) {
                    let mut metadata = vec![("id", Out::Number(id))];
                    // Create's answer knows the tag's id only.
                    if self.extent == Extent::Whole {
                        metadata.push(("name", Out::Text(Cow::Borrowed(name))));
                    }
                    members.push(("tagId", Out::Number(id)));
                    members.push(("tagMetadata", Out::Group(metadata)));
                }
                Out::Items { list: List::Wrapped, item: "ConnectorAppInfo", items: vec![Out::Group(members)] }
            })
            .collect();
        let item = "ConnectorAppInfoQList";
        (!lists.is_empty()).then_some(Out::Items { list: List::Wrapped, item, items: lists })
    }

    fn children(self, id: u64) -> Option<Out<'a>> {
        let items: Vec<_> = self.tags.children(id).rev().filter_map(|child| self.tag(child)).collect();
        (!items.is_empty()).then_some(Out::Items { list: List::Wrapped, item: "TagSimple", items })
    }
}

fn scalar(value: &Value) -> Option<Out<'_>> {
    match value {
        Value::String(text) => Some(Out::Text(Cow::Borrowed(text))),
        Value::Number(number) => number.as_u64().map(Out::Number),
        Value::Bool(flag) => Some(Out::Flag(*flag)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
