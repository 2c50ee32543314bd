//! Objects as seeds and control calls give them: in plain form, or as the wire writes them, whichever is at hand.
//!
//! Values are brought into plain form and checked for their type alone. A seed may hold what the platform would refuse:
//! it stands for what has grown over years.

use serde_json::{Value, json};

use super::noun::{Field, Item, Noun, Shape};
use crate::simulator::generate;
use crate::simulator::kind::{Fields, Plain};
use crate::simulator::store::{Kind, Object};
use crate::simulator::world::World;

impl Plain for Noun {
    fn kind(&self) -> Kind {
        self.kind
    }

    /// What there is one of at most bears no name.
    fn named_by(&self) -> &'static str {
        if self.single { "" } else { "name" }
    }

    fn is_single(&self) -> bool {
        self.single
    }

    fn identity(&self) -> Option<&'static str> {
        self.rules.identity()
    }

    fn read(&self, world: &World, given: &Object) -> Result<Fields, String> {
        read(world, self, given)
    }

    fn complete(&self, world: &World, id: u64, object: &mut Object) {
        self.rules.complete(world, self, id, object);
    }

    fn generated(&self, index: usize) -> Object {
        match generate::object(self.kind, index) {
            Value::Object(object) => object,
            _ => Object::new(),
        }
    }
}

/// Brings fields into plain form; `None` takes a field away.
fn read(world: &World, noun: &Noun, given: &Object) -> Result<Fields, String> {
    let mut fields = Vec::new();
    for (name, value) in given {
        if name == "id" {
            continue;
        }
        // A connector's own errors are no field of it, and yet something to start from.
        if name == "errors" && noun.field("connectorState").is_some() {
            fields.push((name.clone(), Some(value.clone())));
            continue;
        }
        if name == "parent" && noun.kind == "tag" {
            fields.push(("parentTagId".to_owned(), Some(tag(world, value)?)));
            continue;
        }
        let known = noun.field(name).filter(|field| !matches!(field.shape, Shape::Children));
        let Some(field) = known else {
            let accepted: Vec<_> = noun.fields.iter().map(|field| field.name).collect();
            return Err(format!(
                "{} objects have no field {name:?}; they have {}",
                noun.kind,
                accepted.join(", ")
            ));
        };
        if value.is_null() {
            fields.push((name.clone(), None));
        } else {
            fields.push((name.clone(), Some(shape(world, field, value)?)));
        }
    }
    Ok(fields)
}

fn shape(world: &World, field: &'static Field, value: &Value) -> Result<Value, String> {
    let wrong = |expected: &str| Err(format!("field {:?} takes {expected}, not {value}", field.name));
    Ok(match &field.shape {
        Shape::Text { .. } | Shape::Checked(_) | Shape::Secret(_) | Shape::Date => match value {
            Value::String(_) => value.clone(),
            Value::Number(number) => json!(number.to_string()),
            _ => return wrong("a text"),
        },
        Shape::Word(words) => match value.as_str() {
            Some(given) if words.contains(&given) || world.options.is_newer_word(given) => value.clone(),
            _ => return wrong(&format!("one of {}", words.join(", "))),
        },
        Shape::Integer { .. } => match (value.as_u64(), value.as_str().map(str::parse::<u64>)) {
            (Some(number), _) | (_, Some(Ok(number))) => json!(number),
            _ => return wrong("a whole number"),
        },
        Shape::Flag => match (value.as_bool(), value.as_str()) {
            (Some(flag), _) => json!(flag),
            (_, Some("true")) => json!(true),
            (_, Some("false")) => json!(false),
            _ => return wrong("true or false"),
        },
        Shape::Group(fields) => group(world, fields, value)?,
        Shape::One { item, fields } => {
            let items = items_of(value, &[item]);
            match items.as_slice() {
                [one] => group(world, fields, one)?,
                _ => return wrong("one object"),
            }
        }
        Shape::Many(many) => {
            let items = items_of(value, &[many.item]).into_iter().map(|value| match &many.of {
                Item::Tag => tag(world, value),
                Item::Word(words) => match value.as_str() {
                    Some(given) if words.contains(&given) || world.options.is_newer_word(given) => {
                        Ok(value.clone())
                    }
                    _ => Err(format!("field {:?} takes {}, not {value}", field.name, words.join(", "))),
                },
                Item::Keyed(key, _) => Ok(value.get(key).unwrap_or(value).clone()),
            });
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Shape::Apps(_) => {
            let items = items_of(value, &["ConnectorAppInfoQList", "ConnectorAppInfo"]);
            Value::Array(items.into_iter().map(|value| app(world, value)).collect::<Result<_, _>>()?)
        }
        Shape::Children => return wrong("nothing: tags name their parents"),
    })
}

fn group(world: &World, fields: &'static [Field], value: &Value) -> Result<Value, String> {
    let Some(given) = value.as_object() else { return Err(format!("an object is expected, not {value}")) };
    let mut members = Object::new();
    for (name, value) in given {
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            let accepted: Vec<_> = fields.iter().map(|field| field.name).collect();
            return Err(format!("there is no field {name:?} here; there are {}", accepted.join(", ")));
        };
        members.insert(name.clone(), shape(world, field, value)?);
    }
    Ok(Value::Object(members))
}

/// A capability: its name alone, or with the tag by id or by name.
fn app(world: &World, value: &Value) -> Result<Value, String> {
    let mut app = Object::new();
    if let Some(name) = value.as_str() {
        app.insert("name".to_owned(), json!(name));
        return Ok(Value::Object(app));
    }
    let Some(given) = value.as_object() else { return Err(format!("a capability is expected, not {value}")) };
    for (name, value) in given {
        match name.as_str() {
            "name" | "identifier" => drop(app.insert(name.clone(), value.clone())),
            "tagId" | "tag" => drop(app.insert("tagId".to_owned(), tag(world, value)?)),
            "tagMetadata" => {}
            _ => {
                return Err(format!(
                    "a capability has no field {name:?}; it has name, identifier, tag or tagId"
                ));
            }
        }
    }
    Ok(Value::Object(app))
}

/// A tag by its id, by its name, or as an object with either.
fn tag(world: &World, value: &Value) -> Result<Value, String> {
    if let Some(id) = value.as_u64().or_else(|| value.get("id")?.as_u64()) {
        return Ok(json!(id));
    }
    let Some(name) = value.as_str().or_else(|| value.get("name")?.as_str()) else {
        return Err(format!("a tag's id or name is expected, not {value}"));
    };
    let found = world.store.with("tag", "name", name).next();
    found.map(|record| json!(record.id)).ok_or_else(|| format!("there is no tag {name:?}"))
}

/// The items of a collection in any of its forms: a bare array, one bare item, or under `set` or `list` and the item's name.
fn items_of<'a>(value: &'a Value, names: &[&str]) -> Vec<&'a Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(|item| items_of(item, names)).collect(),
        Value::Object(members) => {
            let inner = members.iter().find(|(name, _)| {
                members.len() == 1
                    && (names.contains(&name.as_str()) || matches!(name.as_str(), "set" | "list" | "add"))
            });
            match inner {
                Some((_, inner)) => items_of(inner, names),
                None if members.is_empty() => Vec::new(),
                None => vec![value],
            }
        }
        _ => vec![value],
    }
}
