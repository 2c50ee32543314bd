//! The fields of the services' objects, as tables: what a kind has, what calls may set, what each field holds.

use serde_json::{Value, json};

use crate::simulator::kind::{self, Fields, Plain};
use crate::simulator::store::{Kind, Object, Record};
use crate::simulator::world::World;

/// One kind of object.
pub(crate) struct Table {
    /// The word for it in control calls and in the state file.
    pub(crate) kind: Kind,
    /// The field that people know an object by.
    pub(crate) named_by: &'static str,
    /// There is one at most.
    pub(crate) single: bool,
    pub(crate) fields: &'static [Field],
    /// Fills in what a seed leaves out.
    pub(crate) complete: fn(&World, u64, &mut Object),
    /// What else a seed's object changes.
    pub(crate) settled: fn(&mut World, &Record),
    pub(crate) generated: fn(usize) -> Value,
}

/// One field.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// Whether a call may set it; the others are the platform's own.
    pub(crate) written: bool,
}

/// What a field holds.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A text of at most so many characters; 0 for no limit.
    Text(usize),
    /// A text with a grammar: the function says what is accepted, if not this.
    Checked(fn(&str) -> Result<(), &'static str>),
    Number,
    Flag,
    Word(&'static [&'static str]),
    Group(&'static [Field]),
    List(&'static Shape),
    /// Another object: its id, and in seeds also its name.
    Of(Kind),
    /// Hours and minutes.
    Frequency,
    /// Whatever comes.
    Any,
}

/// Who gives the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A call: refused where the documents do not allow it.
    Call,
    /// A seed or a control call, which may hold what the platform would refuse: it stands for what has grown over years.
    Seed,
}

pub(crate) const fn written(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, written: true }
}

pub(crate) const fn own(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, written: false }
}

impl Table {
    /// The fields that calls take.
    pub(crate) fn taken(&self) -> Vec<&'static Field> {
        self.fields.iter().filter(|field| field.written).collect()
    }
}

impl Plain for Table {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn named_by(&self) -> &'static str {
        self.named_by
    }

    fn is_single(&self) -> bool {
        self.single
    }

    fn read(&self, world: &World, given: &Object) -> Result<Fields, String> {
        let mut given = given.clone();
        given.remove("id");
        let fields: Vec<_> = self.fields.iter().collect();
        read(world, &fields, &given, Origin::Seed)
    }

    fn complete(&self, world: &World, id: u64, object: &mut Object) {
        (self.complete)(world, id, object);
    }

    fn settled(&self, world: &mut World, record: &Record) {
        (self.settled)(world, record);
    }

    fn generated(&self, index: usize) -> Object {
        match (self.generated)(index) {
            Value::Object(object) => object,
            _ => Object::new(),
        }
    }
}

/// Fills in the fields that are not there.
pub(crate) fn fill<const N: usize>(object: &mut Object, defaults: [(&str, Value); N]) {
    for (name, value) in defaults {
        object.entry(name).or_insert(value);
    }
}

/// Reads fields; the error names the one that is wrong.
pub(crate) fn read(
    world: &World,
    taken: &[&Field],
    given: &Object,
    origin: Origin,
) -> Result<Fields, String> {
    let reader = Reader { world, origin };
    let mut fields = Vec::new();
    for (name, value) in given {
        let Some(field) = taken.iter().find(|field| field.name == name) else {
            let names: Vec<_> = taken.iter().map(|field| field.name).collect();
            return Err(format!("There is no field '{name}' here; there are {}.", names.join(", ")));
        };
        let value = (!value.is_null()).then(|| reader.value(name, &field.shape, value)).transpose()?;
        fields.push((name.clone(), value));
    }
    Ok(fields)
}

struct Reader<'a> {
    world: &'a World,
    origin: Origin,
}

impl Reader<'_> {
    fn value(&self, name: &str, shape: &Shape, value: &Value) -> Result<Value, String> {
        let strict = self.origin == Origin::Call;
        let wrong = |expected: &str| Err(format!("Field '{name}' takes {expected}, not {}.", shorten(value)));
        match shape {
            Shape::Text(most) => match value.as_str() {
                Some(text) if strict && *most > 0 && text.chars().count() > *most => {
                    wrong(&format!("at most {most} characters"))
                }
                Some(_) => Ok(value.clone()),
                None => wrong("a text"),
            },
            Shape::Checked(check) => match value.as_str() {
                Some(text) if strict => match check(text) {
                    Ok(()) => Ok(value.clone()),
                    Err(expected) => wrong(expected),
                },
                Some(_) => Ok(value.clone()),
                None => wrong("a text"),
            },
            Shape::Number if value.is_u64() => Ok(value.clone()),
            Shape::Number => wrong("a whole number"),
            Shape::Flag if value.is_boolean() => Ok(value.clone()),
            Shape::Flag => wrong("true or false"),
            Shape::Word(words) => match value.as_str() {
                Some(word) if words.contains(&word) => Ok(value.clone()),
                _ => wrong(&format!("one of {}", words.join(", "))),
            },
            Shape::Group(fields) => self.group(name, fields, value),
            Shape::List(shape) => match value.as_array() {
                Some(items) => items.iter().map(|item| self.value(name, shape, item)).collect(),
                None => wrong("an array"),
            },
            Shape::Of(kind) => self.reference(kind, value).ok_or(()).or_else(|()| {
                wrong(&format!("the id of a {kind} object{}", if strict { "" } else { ", or its name" }))
            }),
            Shape::Any => Ok(value.clone()),
            Shape::Frequency => match frequency(value) {
                Some(frequency) => Ok(frequency),
                None => wrong("an object of hours and minutes, of a minute at least"),
            },
        }
    }

    fn group(&self, name: &str, fields: &'static [Field], value: &Value) -> Result<Value, String> {
        // Seeds may give an object's first field alone, as in `"connectorAppInfos": ["AI"]`.
        if let (Origin::Seed, [first, ..], Value::String(_)) = (self.origin, fields, value) {
            return Ok(json!({first.name: self.value(first.name, &first.shape, value)?}));
        }
        let Some(given) = value.as_object() else {
            return Err(format!("Field '{name}' takes an object, not {}.", shorten(value)));
        };
        let fields: Vec<_> = fields.iter().collect();
        let members = read(self.world, &fields, given, self.origin)
            .map_err(|problem| format!("Field '{name}': {problem}"))?;
        Ok(members.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect())
    }

    fn reference(&self, kind: Kind, value: &Value) -> Option<Value> {
        let store = &self.world.store;
        let id = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        if self.origin == Origin::Call {
            return id.filter(|id| store.get(kind, *id).is_some()).map(|id| json!(id));
        }
        if let Some(id) = id {
            return Some(json!(id));
        }
        let (name, by) = (value.as_str()?, kind::find(kind).ok()?.named_by());
        let mut objects = store.starting_at(kind, 0).filter(|record| !record.flag("isDeleted"));
        objects.find(|record| record.text(by) == Some(name)).map(|record| json!(record.id))
    }
}

/// The samples have `{"hours", "minutes"}`, the tables say "Integer … Specified in minutes": both are taken.
fn frequency(value: &Value) -> Option<Value> {
    let (hours, minutes) = match value {
        Value::Number(minutes) => (minutes.as_u64()? / 60, minutes.as_u64()? % 60),
        Value::Object(parts) => {
            if parts.keys().any(|name| name != "hours" && name != "minutes") {
                return None;
            }
            let part = |name: &str| parts.get(name).map_or(Some(0), Value::as_u64);
            (part("hours")?, part("minutes")?)
        }
        _ => return None,
    };
    (minutes < 60 && hours + minutes > 0 && hours <= 8760)
        .then(|| json!({"hours": hours, "minutes": minutes}))
}

/// Values of a refused call are shown, but not whole keys.
fn shorten(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 80 {
        return text;
    }
    text.chars().take(80).chain("...".chars()).collect()
}
