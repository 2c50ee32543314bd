//! Tags: the table of the Asset Management and Tagging API 2.0, parents and children, and the platform's own tags.

use serde_json::{Value, json};

use super::connector::{both, shown, uuid};
use super::criteria::{Operand, Source, by};
use super::noun::{Noun, Replies, Shape, Show, always};
use super::patch::{self, Change, Operation, Patch};
use super::refusal::Refusal;
use super::route::Verb;
use super::rules::{Effect, Rules};
use crate::simulator::options::{DuplicateTag, EmptySet, TagInUseDelete, TagParentDelete};
use crate::simulator::store::{Object, Record};
use crate::simulator::world::{self, World};

/// The kinds of rules. A tag without a rule is static, and comes back without a rule type.
const RULE_TYPES: &[&str] = &[
    "STATIC",
    "GROOVY",
    "OS_REGEX",
    "NETWORK_RANGE",
    "NETWORK_RANGE_ENHANCED",
    "NAME_CONTAINS",
    "INSTALLED_SOFTWARE",
    "OPEN_PORTS",
    "VULN_EXIST",
    "ASSET_SEARCH",
    "CLOUD_ASSET",
    "BUSINESS_INFORMATION",
    "GLOBAL_ASSET_VIEW",
    "TAG_SET",
    "NETWORK_TAG",
    "NETWORK",
    "VULN_DETECTION",
];

const ANY: Shape = Shape::Integer { min: 0, max: u64::MAX };

/// `tag`.
pub(crate) static TAG: Noun = Noun {
    kind: "tag",
    path: "tag",
    object: "Tag",
    version: "2.0",
    verbs: &[Verb::Create, Verb::Update, Verb::Get, Verb::Search, Verb::Count, Verb::Delete, Verb::Evaluate],
    fields: &[
        shown("tagUuid", Shape::Text { max: 0 }, Show::Always),
        both("name", Shape::Text { max: 1024 }),
        both("parentTagId", ANY),
        shown("created", Shape::Text { max: 0 }, Show::Always),
        shown("modified", Shape::Text { max: 0 }, Show::Always),
        both("color", Shape::Checked(check_color)),
        both("description", Shape::Text { max: 0 }),
        both("ruleType", Shape::Word(RULE_TYPES)),
        both("ruleText", Shape::Text { max: 0 }),
        both("srcAssetGroupId", ANY),
        both("srcBusinessUnitId", ANY),
        both("srcOperatingSystemName", Shape::Text { max: 0 }),
        both("provider", Shape::Text { max: 0 }),
        both("criticalityScore", Shape::Integer { min: 1, max: 5 }),
        shown("reEvalStatus", Shape::Text { max: 0 }, Show::Later),
        both("children", Shape::Children),
        // The platform's own: they refuse update and delete. Control calls and seeds set it.
        shown("system", Shape::Flag, Show::Never),
    ],
    searchable: &[
        by("id", Operand::Integer, Source::Id),
        by("name", Operand::Text, Source::Field("name")),
        by("parent", Operand::Integer, Source::Field("parentTagId")),
        by("ruleType", Operand::Keyword(RULE_TYPES), Source::Or("ruleType", "STATIC")),
        by("provider", Operand::Keyword(&[]), Source::Field("provider")),
        by("color", Operand::Text, Source::Field("color")),
    ],
    rules: &Tag,
    replies: Replies::usual,
    offered: always,
    single: false,
};

fn check_color(text: &str) -> Result<(), &'static str> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    let valid = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if valid { Ok(()) } else { Err("Specify a color as #RRGGBB.") }
}

struct Tag;

impl Rules for Tag {
    fn create(&self, world: &mut World, noun: &Noun, mut patch: Patch) -> Result<Vec<Effect>, Refusal> {
        let children = take_children(&mut patch);
        if !patch.contains_key("name") {
            return Err(Refusal::missing("name"));
        }
        let mut object = Object::new();
        patch::apply(&mut object, patch, world.options.empty_set);
        let id = world.store.next_id();
        settle(world, noun, id, None, &mut object)?;
        let mut family = Family { world, noun, parent: id, next: id + 1, effects: Vec::new() };
        family.effects.push(Effect::Put(Record { id, object: fresh(id, object) }));
        family.change(children)?;
        let Family { next, effects, .. } = family;
        world.store.reserve_ids_below(next);
        Ok(effects)
    }

    fn update(
        &self,
        world: &mut World,
        noun: &Noun,
        before: &Record,
        mut patch: Patch,
    ) -> Result<Vec<Effect>, Refusal> {
        check_own(before, "updated")?;
        let children = take_children(&mut patch);
        let mut object = before.object.clone();
        patch::apply(&mut object, patch, world.options.empty_set);
        settle(world, noun, before.id, Some(&before.object), &mut object)?;
        object.insert("modified".to_owned(), json!(world::now()));
        let next = world.store.next_id();
        let mut family = Family { world, noun, parent: before.id, next, effects: Vec::new() };
        family.effects.push(Effect::Put(Record { id: before.id, object }));
        family.change(children)?;
        let Family { next, effects, .. } = family;
        world.store.reserve_ids_below(next);
        Ok(effects)
    }

    fn delete(&self, world: &World, noun: &Noun, record: &Record) -> Result<Vec<Effect>, Refusal> {
        delete(world, noun, record)
    }

    fn complete(&self, _world: &World, _noun: &Noun, id: u64, object: &mut Object) {
        let given = std::mem::take(object);
        *object = fresh(id, given);
        normalise(object);
    }
}

/// A new tag's own fields under what was asked for.
fn fresh(id: u64, given: Object) -> Object {
    let now = world::now();
    let mut object = Object::new();
    let fields = [("tagUuid", json!(uuid(id, 0x7a60))), ("created", json!(now)), ("modified", json!(now))];
    object.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    object.extend(given);
    object
}

/// What is the same as leaving it out: the static rule, and the root as a parent.
fn normalise(object: &mut Object) {
    if object.get("ruleType") == Some(&json!("STATIC")) {
        object.remove("ruleType");
    }
    if object.get("parentTagId") == Some(&json!(0)) {
        object.remove("parentTagId");
    }
}

fn settle(
    world: &World,
    noun: &Noun,
    id: u64,
    before: Option<&Object>,
    object: &mut Object,
) -> Result<(), Refusal> {
    normalise(object);
    let name = object.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.trim().is_empty() {
        return Err(Refusal::value("name", name, "Specify a name."));
    }
    let parent = object.get("parentTagId").and_then(Value::as_u64);
    if let Some(parent) = parent {
        check_parent(world, noun, id, parent)?;
    }
    let moved = before.is_none_or(|before| {
        ["name", "parentTagId"].iter().any(|field| before.get(*field) != object.get(*field))
    });
    if moved { check_name(world, noun, id, name, parent) } else { Ok(()) }
}

fn check_parent(world: &World, noun: &Noun, id: u64, parent: u64) -> Result<(), Refusal> {
    let mut above = Some(parent);
    while let Some(ancestor) = above {
        if ancestor == id {
            return Err(Refusal::value("parentTagId", &parent.to_string(), "A tag cannot be below itself."));
        }
        let Some(record) = world.store.get(noun.kind, ancestor) else {
            return Err(Refusal::value(
                "parentTagId",
                &parent.to_string(),
                "Specify the id of a tag in your account.",
            ));
        };
        above = record.number("parentTagId");
    }
    Ok(())
}

fn check_name(world: &World, noun: &Noun, id: u64, name: &str, parent: Option<u64>) -> Result<(), Refusal> {
    if world.options.duplicate_tag == DuplicateTag::Accepted {
        return Ok(());
    }
    let mut namesakes = world.store.with(noun.kind, "name", name);
    match namesakes.find(|other| other.id != id && other.number("parentTagId") == parent) {
        Some(other) => Err(Refusal::invalid(
            format!("A tag with the name '{name}' exists already under the same parent (id {}).", other.id),
            "Specify another 'name'.",
        )),
        None => Ok(()),
    }
}

fn check_own(record: &Record, what: &str) -> Result<(), Refusal> {
    if !record.flag("system") {
        return Ok(());
    }
    let name = record.text("name").unwrap_or_default();
    Err(Refusal::invalid(
        format!("Tag {} ({name}) is a system tag and cannot be {what}.", record.id),
        "Leave system tags to the platform.",
    ))
}

fn delete(world: &World, noun: &Noun, record: &Record) -> Result<Vec<Effect>, Refusal> {
    check_own(record, "deleted")?;
    if world.options.tag_in_use_delete == TagInUseDelete::Refused
        && let Some(user) =
            world.store.all().find(|(kind, other)| *kind != noun.kind && uses(other, record.id))
    {
        return Err(Refusal::invalid(
            format!("Tag {} is in use by the {} connector {}.", record.id, user.0, user.1.id),
            "Take the tag from its connectors first.",
        ));
    }
    let mut effects = vec![Effect::Remove(record.id)];
    for id in world.store.tags().children(record.id) {
        let Some(child) = world.store.get(noun.kind, id) else { continue };
        match world.options.tag_parent_delete {
            TagParentDelete::Cascade => effects.extend(delete(world, noun, child)?),
            TagParentDelete::Orphan => {
                let mut object = child.object.clone();
                object.remove("parentTagId");
                effects.push(Effect::Put(Record { id, object }));
            }
            TagParentDelete::Refused => {
                return Err(Refusal::invalid(
                    format!("Tag {} has children and cannot be deleted.", record.id),
                    "Delete or move its 'children' first.",
                ));
            }
        }
    }
    Ok(effects)
}

fn uses(record: &Record, tag: u64) -> bool {
    let items = |field: &str| record.object.get(field).and_then(Value::as_array).into_iter().flatten();
    items("defaultTags").any(|id| id.as_u64() == Some(tag))
        || items("connectorAppInfos").any(|app| app.get("tagId").and_then(Value::as_u64) == Some(tag))
}

fn take_children(patch: &mut Patch) -> Vec<(Operation, Vec<Value>)> {
    match patch.remove("children") {
        Some(Change::Items(operations)) => operations,
        _ => Vec::new(),
    }
}

/// A tag whose children are changed along with it.
struct Family<'a> {
    world: &'a World,
    noun: &'a Noun,
    parent: u64,
    next: u64,
    effects: Vec<Effect>,
}

impl Family<'_> {
    fn change(&mut self, operations: Vec<(Operation, Vec<Value>)>) -> Result<(), Refusal> {
        for (operation, items) in operations {
            if operation == Operation::Set
                && !(items.is_empty() && self.world.options.empty_set == EmptySet::Ignored)
            {
                self.discard_others(&items)?;
            }
            for item in items {
                let id = item.get("id").and_then(Value::as_u64);
                let name = item.get("name").and_then(Value::as_str);
                let child = id.and_then(|id| self.world.store.get(self.noun.kind, id));
                let ours = child.is_some_and(|child| child.number("parentTagId") == Some(self.parent));
                match (operation, id, name, child) {
                    (Operation::Remove, ..) => {
                        if let Some(child) = child.filter(|_| ours) {
                            self.effects.extend(delete(self.world, self.noun, child)?);
                        }
                    }
                    (Operation::Update, _, name, child) => {
                        if let Some(child) = child.filter(|_| ours) {
                            self.put(child, name)?;
                        }
                    }
                    (Operation::Set | Operation::Add, Some(_), name, Some(child)) => self.put(child, name)?,
                    (Operation::Set | Operation::Add, Some(id), _, None) => {
                        let path = "children.TagSimple.id";
                        return Err(Refusal::value(
                            path,
                            &id.to_string(),
                            "Specify the id of a tag in your account.",
                        ));
                    }
                    (Operation::Set | Operation::Add, None, Some(name), _) => self.make(name),
                    (Operation::Set | Operation::Add, None, None, _) => {}
                }
            }
        }
        Ok(())
    }

    /// "Any existing items not in the list provided will be discarded."
    fn discard_others(&mut self, items: &[Value]) -> Result<(), Refusal> {
        for id in self.world.store.tags().children(self.parent) {
            let Some(child) = self.world.store.get(self.noun.kind, id) else { continue };
            let kept = items.iter().any(|item| match item.get("id").and_then(Value::as_u64) {
                Some(given) => given == id,
                None => item.get("name").and_then(Value::as_str) == child.text("name"),
            });
            if !kept {
                self.effects.extend(delete(self.world, self.noun, child)?);
            }
        }
        Ok(())
    }

    /// Puts an existing tag under the parent, with a new name if one is given.
    fn put(&mut self, child: &Record, name: Option<&str>) -> Result<(), Refusal> {
        check_own(child, "updated")?;
        // A parent that is just being made is above nothing yet.
        if self.world.store.get(self.noun.kind, self.parent).is_some() {
            check_parent(self.world, self.noun, child.id, self.parent)?;
        }
        let mut object = child.object.clone();
        object.insert("parentTagId".to_owned(), json!(self.parent));
        object.insert("modified".to_owned(), json!(world::now()));
        object.extend(name.map(|name| ("name".to_owned(), json!(name))));
        self.effects.push(Effect::Put(Record { id: child.id, object }));
        Ok(())
    }

    /// Makes a child of that name, unless there is one.
    fn make(&mut self, name: &str) {
        let mut namesakes = self.world.store.with(self.noun.kind, "name", name);
        if namesakes.any(|other| other.number("parentTagId") == Some(self.parent)) {
            return;
        }
        let id = self.next;
        self.next += 1;
        let given = [("name", json!(name)), ("parentTagId", json!(self.parent))];
        let object = fresh(id, given.map(|(name, value)| (name.to_owned(), value)).into_iter().collect());
        self.effects.push(Effect::Put(Record { id, object }));
    }
}
