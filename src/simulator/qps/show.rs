//! From an object in plain form to an answer's elements, by the noun's table.

use std::borrow::Cow;

use serde_json::Value;

use super::noun::{Apps, Field, Form, Item, List, Many, Noun, Shape, Show};
use super::out::Out;
use super::route::Verb;
use crate::simulator::options::{
    AzureAuthRecord, AzureIdentifierOnRead, EchoEndpoints, Options, SecretsOnRead, TagHierarchy,
};
use crate::simulator::store::{Object, Record, Tags, at};

/// What stands for a secret.
const MASK: &str = "********";

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
    pub(crate) lists: AppLists,
    pub(crate) choices: Choices,
}

/// The options that decide what answers show; they are looked at when the lock is gone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choices {
    endpoints: EchoEndpoints,
    secrets: SecretsOnRead,
    azure_auth_record: AzureAuthRecord,
    azure_identifier: AzureIdentifierOnRead,
    tag_hierarchy: TagHierarchy,
}

impl Choices {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            endpoints: options.echo_endpoints,
            secrets: options.secrets_on_read,
            azure_auth_record: options.azure_auth_record,
            azure_identifier: options.azure_identifier_on_read,
            tag_hierarchy: options.tag_hierarchy,
        }
    }
}

/// How capabilities are arranged in lists. The samples of OCI connectors have three ways of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppLists {
    /// A list of QLists, each of them a list of one capability.
    Usual,
    /// Create and update: one QList with all capabilities.
    OneList,
    /// Get: an object with the QLists, each of them an object with one capability.
    Objects,
    /// Search: lists of arrays, the first capability in a list of a list.
    ListOfLists,
}

impl AppLists {
    pub(crate) fn of(form: Form, verb: Verb) -> Self {
        match (form, verb) {
            (Form::Usual, _) => Self::Usual,
            (Form::Oci, Verb::Search) => Self::ListOfLists,
            (Form::Oci, Verb::Create | Verb::Update) => Self::OneList,
            (Form::Oci, _) => Self::Objects,
        }
    }
}

impl<'a> Showing<'a> {
    pub(crate) fn record(self, record: &'a Record) -> Out<'a> {
        let mut members = Vec::new();
        if !self.noun.single {
            members.push(("id", Out::Number(record.id)));
        }
        if self.extent == Extent::IdAlone {
            return Out::Group(members);
        }
        for field in self.noun.fields {
            if field.name == "parentTagId" && self.choices.tag_hierarchy == TagHierarchy::Children {
                continue;
            }
            let value = match &field.shape {
                Shape::Children if self.choices.tag_hierarchy == TagHierarchy::Parent => None,
                Shape::Children => self.children(record.id),
                Shape::Apps(special) => {
                    record.object.get(field.name).and_then(|value| self.apps(special, value, &record.object))
                }
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
        let whole = self.extent == Extent::Whole;
        match field.show {
            Show::Always => {}
            Show::Later if whole => {}
            Show::Endpoints if self.choices.endpoints == EchoEndpoints::On => {}
            Show::AuthRecord if whole && self.choices.azure_auth_record == AzureAuthRecord::Shown => {}
            Show::AuthRecord => return Some(Out::Group(Vec::new())),
            Show::Secret if whole => return self.secret(value),
            Show::Later | Show::Endpoints | Show::Secret | Show::Never => return None,
        }
        match &field.shape {
            Shape::Text { .. }
            | Shape::Checked(_)
            | Shape::Secret(_)
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
            Shape::Apps(_) | Shape::Children => None,
        }
    }

    fn secret(self, value: &'a Value) -> Option<Out<'a>> {
        match self.choices.secrets {
            SecretsOnRead::Echoed => {
                let text = value.as_str()?;
                Some(if text.contains('\n') { Out::Lines(text) } else { Out::Text(text.into()) })
            }
            SecretsOnRead::Masked => Some(Out::Text(MASK.into())),
            SecretsOnRead::Absent => None,
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

    fn apps(self, special: &Apps, value: &'a Value, object: &'a Object) -> Option<Out<'a>> {
        let rewritten =
            self.extent == Extent::Whole && self.choices.azure_identifier == AzureIdentifierOnRead::Rewritten;
        let identifier = special.read_as.filter(|_| rewritten).and_then(|path| at(object, path));
        let apps: Vec<_> = value.as_array()?.iter().rev().map(|app| self.app(app, identifier)).collect();
        if apps.is_empty() {
            return None;
        }
        let (inner, outer) = match self.lists {
            AppLists::Usual => (List::Wrapped, List::Wrapped),
            AppLists::OneList | AppLists::Objects => (List::Collapsed, List::Collapsed),
            AppLists::ListOfLists => (List::Wrapped, List::Gathered),
        };
        let list_of = |list, items| Out::Items { list, item: "ConnectorAppInfo", items };
        let lists = if self.lists == AppLists::OneList {
            vec![list_of(inner, apps)]
        } else {
            let one_each = apps.into_iter().enumerate().map(|(index, app)| match (self.lists, index) {
                (AppLists::ListOfLists, 0) => list_of(List::Deep, vec![app]),
                _ => list_of(inner, vec![app]),
            });
            one_each.collect()
        };
        Some(Out::Items { list: outer, item: "ConnectorAppInfoQList", items: lists })
    }

    fn app(self, app: &'a Value, identifier: Option<&'a Value>) -> Out<'a> {
        let identifier = identifier.or_else(|| app.get("identifier"));
        let named = [("name", app.get("name")), ("identifier", identifier)];
        let mut members: Vec<_> =
            named.into_iter().filter_map(|(name, value)| Some((name, scalar(value?)?))).collect();
        let tag = app.get("tagId").and_then(Value::as_u64);
        if let Some((id, name)) = tag.and_then(|id| Some((id, self.tags.name(id)?))) {
            let mut metadata = vec![("id", Out::Number(id))];
            // Create's answer knows the tag's id only.
            if self.extent == Extent::Whole {
                metadata.push(("name", Out::Text(Cow::Borrowed(name))));
            }
            // As in the sample of Get OCI Connector, and in no other.
            if let (AppLists::Objects, Some(color)) = (self.lists, self.tags.color(id).and_then(java_color)) {
                metadata.push(("color", Out::Text(color.into())));
            }
            members.push(("tagId", Out::Number(id)));
            members.push(("tagMetadata", Out::Group(metadata)));
        }
        Out::Group(members)
    }

    fn children(self, id: u64) -> Option<Out<'a>> {
        let items: Vec<_> = self.tags.children(id).rev().filter_map(|child| self.tag(child)).collect();
        (!items.is_empty()).then_some(Out::Items { list: List::Wrapped, item: "TagSimple", items })
    }
}

/// `#00CC00` as a Java program prints it.
fn java_color(color: &str) -> Option<String> {
    let digits = u32::from_str_radix(color.strip_prefix('#')?, 16).ok()?;
    let [_, red, green, blue] = digits.to_be_bytes();
    Some(format!("java.awt.Color[r={red},g={green},b={blue}]"))
}

fn scalar(value: &Value) -> Option<Out<'_>> {
    match value {
        Value::String(text) => Some(Out::Text(Cow::Borrowed(text))),
        Value::Number(number) => number.as_u64().map(Out::Number),
        Value::Bool(flag) => Some(Out::Flag(*flag)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
