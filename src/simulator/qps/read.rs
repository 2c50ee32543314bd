//! From the wire to a patch: every name and value is checked against the noun's table, and refused by name.

use serde_json::Value;

use super::connector::MODULES;
use super::noun::{Apps, Field, Item, Many, Shape, Taken};
use super::patch::{Change, Operation, Patch};
use super::refusal::Refusal;
use super::scan;
use super::tree::{Leaf, Native, Tree};
use crate::simulator::store::Object;
use crate::simulator::world::World;

/// The capabilities that a connector can have.
pub(crate) const APPS: &[&str] = &["AI", "CI", "CSA"];

/// Which call is read, and in which subscription.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) world: &'a World,
    /// The id in the path of an update; `None` for a create.
    pub(crate) update: Option<Target>,
}

/// What an update is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    One(u64),
    Matching,
}

impl Reading<'_> {
    /// Reads the object of a create or update.
    pub(crate) fn object(
        self,
        fields: &'static [Field],
        tree: &Tree,
        object: &str,
    ) -> Result<Patch, Refusal> {
        let entries = tree
            .entries()
            .ok_or_else(|| Refusal::value(object, "a text", "Specify the fields of this object."))?;
        let mut patch = Patch::new();
        for (name, tree) in entries {
            if name == "id" {
                if *tree != Tree::Nothing {
                    self.check_id(tree)?;
                }
                continue;
            }
            let field = self.field(fields, name, name)?;
            if *tree == Tree::Nothing {
                continue;
            }
            let change = self.change(field, tree)?;
            if self.taken(field) == Taken::Ignored {
                continue;
            }
            if patch.insert(field.name, change).is_some() {
                return Err(Refusal::twice(name));
            }
        }
        Ok(patch)
    }

    fn taken(self, field: &Field) -> Taken {
        field.taken(self.update.is_some(), &self.world.options)
    }

    /// The field of that name, if this call takes it.
    fn field(self, fields: &'static [Field], name: &str, path: &str) -> Result<&'static Field, Refusal> {
        let asked_as = |field: &Field| field.asked_as(&self.world.options);
        let mut writable = fields.iter().filter(|field| self.taken(field) != Taken::No);
        let found = writable.clone().find(|field| asked_as(field) == name);
        found.ok_or_else(|| {
            let accepted: Vec<_> = writable.by_ref().map(asked_as).collect();
            Refusal::unknown_field(path, &accepted)
        })
    }

    /// The path says which object is meant; a body that says another one is a mistake worth hearing of.
    fn check_id(self, tree: &Tree) -> Result<(), Refusal> {
        let given = integer("id", leaf("id", tree)?, 1, u64::MAX)?;
        match self.update {
            Some(Target::One(id)) if given == id => Ok(()),
            Some(Target::One(id)) => {
                Err(Refusal::value("id", &given.to_string(), &format!("The URL names {id}: leave 'id' out.")))
            }
            Some(Target::Matching) | None => {
                Err(Refusal::value("id", &given.to_string(), "The platform gives ids: leave 'id' out."))
            }
        }
    }

    fn change(self, field: &'static Field, tree: &Tree) -> Result<Change, Refusal> {
        let name = field.name;
        Ok(match &field.shape {
            Shape::Group(fields) => Change::Group(self.group(name, fields, tree)?),
            Shape::Many(many) => Change::Items(operations(name, tree, |operation, path, items| {
                self.items(many, operation, path, items)
            })?),
            Shape::One { item, fields } => Change::Value(self.one(name, item, fields, tree)?),
            Shape::Apps(apps) => {
                Change::Items(operations(name, tree, |_, path, lists| self.apps(*apps, path, lists))?)
            }
            Shape::Children => Change::Items(operations(name, tree, |operation, path, items| {
                children(operation, path, items)
            })?),
            Shape::Text { .. }
            | Shape::Checked(_)
            | Shape::Secret(_)
            | Shape::Date
            | Shape::Integer { .. }
            | Shape::Flag
            | Shape::Word(_) => Change::Value(self.scalar(name, &field.shape, leaf(name, tree)?)?),
        })
    }

    fn group(self, path: &str, fields: &'static [Field], tree: &Tree) -> Result<Object, Refusal> {
        let entries = tree
            .entries()
            .ok_or_else(|| Refusal::value(path, "a text", "Specify the elements of this field."))?;
        let mut members = Object::new();
        for (name, tree) in entries {
            let inner = format!("{path}.{name}");
            let field = self.field(fields, name, &inner)?;
            if *tree == Tree::Nothing {
                continue;
            }
            let value = match &field.shape {
                Shape::Many(many) => {
                    // A collection below a group comes with `set` alone: the group itself is replaced as a whole.
                    let all = operations(&inner, tree, |operation, path, items| {
                        if operation == Operation::Set {
                            self.items(many, operation, path, items)
                        } else {
                            Err(Refusal::unknown_field(path, &["set"]))
                        }
                    })?;
                    Value::Array(all.into_iter().flat_map(|(_, items)| items).collect())
                }
                shape => self.scalar(&inner, shape, leaf(&inner, tree)?)?,
            };
            if members.insert(field.name.to_owned(), value).is_some() {
                return Err(Refusal::twice(&inner));
            }
        }
        Ok(members)
    }

    fn one(self, path: &str, item: &str, fields: &'static [Field], tree: &Tree) -> Result<Value, Refusal> {
        let mut found = None;
        operations(path, tree, |operation, path, items| {
            if operation != Operation::Set {
                return Err(Refusal::unknown_field(path, &["set"]));
            }
            for (name, tree) in items {
                if name != item {
                    return Err(Refusal::unknown_field(&format!("{path}.{name}"), &[item]));
                }
                if *tree == Tree::Nothing {
                    continue;
                }
                if found.replace(self.group(&format!("{path}.{name}"), fields, tree)?).is_some() {
                    return Err(Refusal::twice(&format!("{path}.{name}")));
                }
            }
            Ok(Vec::new())
        })?;
        Ok(found.map_or(Value::Null, Value::Object))
    }

    fn items(
        self,
        many: &Many,
        operation: Operation,
        path: &str,
        items: &[(String, Tree)],
    ) -> Result<Vec<Value>, Refusal> {
        let mut values = Vec::with_capacity(items.len());
        for (name, tree) in items {
            if name != many.item {
                return Err(Refusal::unknown_field(&format!("{path}.{name}"), &[many.item]));
            }
            if *tree == Tree::Nothing {
                continue;
            }
            let path = format!("{path}.{name}");
            values.push(match &many.of {
                Item::Word(words) if *words == MODULES => {
                    Value::from(self.open_word(&path, leaf(&path, tree)?, words)?)
                }
                Item::Word(words) => Value::from(word(&path, leaf(&path, tree)?, words)?),
                Item::Tag => self.tag(&path, operation, tree)?,
                Item::Keyed(key, check) => {
                    let text = member(&path, tree, key, &[])?;
                    let text = &leaf(&path, text)?.text;
                    check(text)
                        .map_err(|expected| Refusal::value(&format!("{path}.{key}"), text, expected))?;
                    Value::from(text.as_str())
                }
            });
        }
        Ok(values)
    }

    /// A word of those that grow over time.
    fn open_word<'a>(self, path: &str, leaf: &'a Leaf, words: &[&str]) -> Result<&'a str, Refusal> {
        let given = leaf.text.trim();
        if self.world.options.is_newer_word(given) { Ok(given) } else { word(path, leaf, words) }
    }

    /// A tag is referred to by its id; a name beside it is not looked at.
    fn tag(self, path: &str, operation: Operation, tree: &Tree) -> Result<Value, Refusal> {
        let inner = format!("{path}.id");
        let id = integer(&inner, leaf(&inner, member(path, tree, "id", &["name"])?)?, 1, u64::MAX)?;
        if operation != Operation::Remove {
            self.check_tag(&inner, id)?;
        }
        Ok(Value::from(id))
    }

    fn check_tag(self, path: &str, id: u64) -> Result<(), Refusal> {
        if self.world.store.get("tag", id).is_some() {
            return Ok(());
        }
        Err(Refusal::value(path, &id.to_string(), "Specify the id of a tag in your account."))
    }

    /// Capabilities: `set.ConnectorAppInfoQList[].set.ConnectorAppInfo`.
    fn apps(self, special: Apps, path: &str, lists: &[(String, Tree)]) -> Result<Vec<Value>, Refusal> {
        let mut apps: Vec<Value> = Vec::new();
        for (name, tree) in lists {
            if name != "ConnectorAppInfoQList" {
                return Err(Refusal::unknown_field(&format!("{path}.{name}"), &["ConnectorAppInfoQList"]));
            }
            if *tree == Tree::Nothing {
                continue;
            }
            let path = format!("{path}.{name}");
            for (_, inner) in operations(&path, tree, |_, path, items| {
                let app =
                    |(name, tree): &(String, Tree)| self.app(special, &format!("{path}.{name}"), name, tree);
                items.iter().filter_map(|item| app(item).transpose()).collect()
            })? {
                for app in inner {
                    if apps.iter().any(|other| other["name"] == app["name"]) {
                        return Err(Refusal::twice(&format!("{path} {}", app["name"])));
                    }
                    apps.push(app);
                }
            }
        }
        Ok(apps)
    }

    fn app(self, special: Apps, path: &str, name: &str, tree: &Tree) -> Result<Option<Value>, Refusal> {
        if name != "ConnectorAppInfo" {
            return Err(Refusal::unknown_field(path, &["ConnectorAppInfo"]));
        }
        if *tree == Tree::Nothing {
            return Ok(None);
        }
        let entries = tree
            .entries()
            .ok_or_else(|| Refusal::value(path, "a text", "Specify name, identifier, tagId."))?;
        let mut app = Object::new();
        for (name, tree) in entries {
            let inner = format!("{path}.{name}");
            let value = match name.as_str() {
                "name" | "identifier" | "tagId" if *tree == Tree::Nothing => continue,
                "name" => Value::from(self.open_word(&inner, leaf(&inner, tree)?, APPS)?),
                "identifier" => Value::from(text(&inner, leaf(&inner, tree)?, 0)?),
                "tagId" if special.empty_tag && leaf(&inner, tree)?.text.is_empty() => continue,
                "tagId" => {
                    let id = integer(&inner, leaf(&inner, tree)?, 1, u64::MAX)?;
                    self.check_tag(&inner, id)?;
                    Value::from(id)
                }
                _ => return Err(Refusal::unknown_field(&inner, &["name", "identifier", "tagId"])),
            };
            if app.insert(name.clone(), value).is_some() {
                return Err(Refusal::twice(&inner));
            }
        }
        if !app.contains_key("name") {
            return Err(Refusal::missing(&format!("{path}.name")));
        }
        Ok(Some(Value::Object(app)))
    }

    fn scalar(self, path: &str, shape: &Shape, leaf: &Leaf) -> Result<Value, Refusal> {
        Ok(match shape {
            Shape::Text { max } => Value::from(text(path, leaf, *max)?),
            Shape::Checked(check) => {
                let text = text(path, leaf, 0)?;
                check(text).map_err(|expected| Refusal::value(path, text, expected))?;
                Value::from(text)
            }
            Shape::Secret(check) => {
                let Ok(secret) = text(path, leaf, 0) else {
                    return Err(Refusal::secret(path, "Specify a text."));
                };
                check(secret).map_err(|expected| Refusal::secret(path, expected))?;
                Value::from(secret)
            }
            Shape::Date => Value::from(scan::date(path, text(path, leaf, 0)?, &self.world.options)?),
            Shape::Integer { min, max } => Value::from(integer(path, leaf, *min, *max)?),
            Shape::Flag => match leaf.text.trim() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                other => return Err(Refusal::value(path, other, "Values expected: true, false.")),
            },
            Shape::Word(words) => Value::from(word(path, leaf, words)?),
            Shape::Group(_) | Shape::Many(_) | Shape::One { .. } | Shape::Apps(_) | Shape::Children => {
                return Err(Refusal::value(path, &leaf.text, "Specify the elements of this field."));
            }
        })
    }
}

/// A collection's operations; `list` and `count` are read only.
fn operations(
    path: &str,
    tree: &Tree,
    mut read: impl FnMut(Operation, &str, &[(String, Tree)]) -> Result<Vec<Value>, Refusal>,
) -> Result<Vec<(Operation, Vec<Value>)>, Refusal> {
    let words = ["set", "add", "remove", "update"];
    let entries = tree
        .entries()
        .ok_or_else(|| Refusal::value(path, "a text", "Specify one of set, add, remove, update."))?;
    let mut all: Vec<(Operation, Vec<Value>)> = Vec::new();
    for (name, tree) in entries {
        let inner = format!("{path}.{name}");
        if matches!(name.as_str(), "list" | "count") {
            return Err(Refusal::invalid(
                format!("Field '{inner}' is read only."),
                "Specify one of set, add, remove, update.",
            ));
        }
        let Some(operation) = Operation::named(name) else {
            return Err(Refusal::unknown_field(&inner, &words));
        };
        if *tree == Tree::Nothing {
            continue;
        }
        let items = tree
            .entries()
            .ok_or_else(|| Refusal::value(&inner, "a text", "Specify the items of this collection."))?;
        let values = read(operation, &inner, items)?;
        // A `set` that comes in several elements, as in a sample of Update AWS Connector, is one set.
        match all.iter_mut().find(|(present, _)| *present == operation) {
            Some((_, present)) => present.extend(values),
            None => all.push((operation, values)),
        }
    }
    Ok(all)
}

fn children(operation: Operation, path: &str, items: &[(String, Tree)]) -> Result<Vec<Value>, Refusal> {
    let mut values = Vec::with_capacity(items.len());
    for (name, tree) in items {
        let path = format!("{path}.{name}");
        if name != "TagSimple" {
            return Err(Refusal::unknown_field(&path, &["TagSimple"]));
        }
        if *tree == Tree::Nothing {
            continue;
        }
        let entries = tree.entries().ok_or_else(|| Refusal::value(&path, "a text", "Specify id or name."))?;
        let mut child = Object::new();
        for (name, tree) in entries {
            let inner = format!("{path}.{name}");
            let value = match name.as_str() {
                "id" | "name" if *tree == Tree::Nothing => continue,
                "id" => Value::from(integer(&inner, leaf(&inner, tree)?, 1, u64::MAX)?),
                "name" => Value::from(text(&inner, leaf(&inner, tree)?, 1024)?),
                _ => return Err(Refusal::unknown_field(&inner, &["id", "name"])),
            };
            if child.insert(name.clone(), value).is_some() {
                return Err(Refusal::twice(&inner));
            }
        }
        let needed = if matches!(operation, Operation::Remove | Operation::Update) { "id" } else { "name" };
        if !child.contains_key(needed) && !child.contains_key("id") {
            return Err(Refusal::missing(&format!("{path}.{needed}")));
        }
        values.push(Value::Object(child));
    }
    Ok(values)
}

fn member<'a>(path: &str, tree: &'a Tree, key: &str, also: &[&str]) -> Result<&'a Tree, Refusal> {
    let entries =
        tree.entries().ok_or_else(|| Refusal::value(path, "a text", &format!("Specify '{key}' in it.")))?;
    let mut found = None;
    for (name, tree) in entries {
        if name == key {
            if *tree == Tree::Nothing {
                continue;
            }
            if found.replace(tree).is_some() {
                return Err(Refusal::twice(&format!("{path}.{key}")));
            }
        } else if !also.contains(&name.as_str()) {
            return Err(Refusal::unknown_field(&format!("{path}.{name}"), &[key]));
        }
    }
    found.ok_or_else(|| Refusal::missing(&format!("{path}.{key}")))
}

fn leaf<'a>(path: &str, tree: &'a Tree) -> Result<&'a Leaf, Refusal> {
    match tree {
        Tree::Leaf(leaf) => Ok(leaf),
        Tree::Branch(_) => Err(Refusal::value(path, "elements", "Specify one value.")),
        Tree::Nothing => Err(Refusal::value(path, "nothing", "Specify one value.")),
    }
}

fn text<'a>(path: &str, leaf: &'a Leaf, max: usize) -> Result<&'a str, Refusal> {
    if leaf.native != Native::Text {
        return Err(Refusal::value(path, &leaf.text, "Specify a text."));
    }
    if max > 0 && leaf.text.chars().count() > max {
        return Err(Refusal::value(
            path,
            &leaf.text,
            &format!("Specify a text of at most {max} characters."),
        ));
    }
    Ok(&leaf.text)
}

fn word<'a>(path: &str, leaf: &'a Leaf, words: &[&str]) -> Result<&'a str, Refusal> {
    let given = leaf.text.trim();
    if words.contains(&given) {
        return Ok(given);
    }
    Err(Refusal::value(path, given, &format!("Values expected: {}.", words.join(", "))))
}

/// "Whitespace (which includes line breaks) is not allowed in XML tags that are numbers."
fn integer(path: &str, leaf: &Leaf, min: u64, max: u64) -> Result<u64, Refusal> {
    let digits = !leaf.text.is_empty() && leaf.text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { leaf.text.parse().ok() } else { None };
    number.filter(|number| (min..=max).contains(number)).ok_or_else(|| {
        let range = match (min, max) {
            (_, u64::MAX) => format!("from {min}"),
            _ => format!("from {min} to {max}"),
        };
        Refusal::value(path, &leaf.text, &format!("Specify a whole number {range}, without whitespace."))
    })
}
