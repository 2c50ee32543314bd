//! Asset tags (`tag`, version 2.0; Asset Management and Tagging API).
//!
//! A tag knows its parent by id. Paths are made once the listing is whole, or once the parents that a read by
//! id leaves out have been fetched too.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::qps::{self, QpsObject};
use super::shapes::{Item, Items};
use super::transport::Transport;
use super::write::Write;
use crate::resource::tag::{Color, Rule, RuleType, Tag};
use crate::resource::{Kind, LiveObject, Owner, Spec};

/// Tags at the top that every subscription has and that the platform looks after.
const SYSTEM: [&str; 5] =
    ["Asset Groups", "Asset Search Tags", "Business Units", "Cloud Agent", "Malware Domain Assets"];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Wire {
    #[serde(deserialize_with = "super::shapes::number")]
    id: Option<u64>,
    #[serde(deserialize_with = "super::shapes::text")]
    name: Option<String>,
    #[serde(deserialize_with = "super::shapes::filled")]
    parent_tag_id: Option<String>,
    /// The guide's only answer tells its hierarchy so.
    children: Items<Child>,
    #[serde(deserialize_with = "super::shapes::text")]
    description: Option<String>,
    #[serde(deserialize_with = "super::shapes::filled")]
    color: Option<String>,
    #[serde(deserialize_with = "super::shapes::filled")]
    rule_type: Option<String>,
    #[serde(deserialize_with = "super::shapes::filled")]
    rule_text: Option<String>,
    #[serde(deserialize_with = "super::shapes::filled")]
    provider: Option<String>,
    #[serde(deserialize_with = "super::shapes::filled")]
    reserved_type: Option<String>,
    #[serde(deserialize_with = "super::shapes::filled")]
    src_asset_group_id: Option<String>,
    #[serde(deserialize_with = "super::shapes::filled")]
    src_business_unit_id: Option<String>,
}

impl Item for Wire {
    const NAME: &'static str = "Tag";
}

/// A tag where its parent shows it.
#[derive(Debug, Deserialize)]
struct Child {
    #[serde(default, deserialize_with = "super::shapes::number")]
    id: Option<u64>,
}

impl Item for Child {
    const NAME: &'static str = "TagSimple";
}

impl Wire {
    /// Made by the platform, not by a person: a write would be refused or undone.
    fn is_system(&self) -> bool {
        let at_top = parent(self).is_none();
        let dynamic_by_provider = self.rule_type.as_deref() == Some("CLOUD_ASSET");
        self.reserved_type.is_some()
            || self.src_asset_group_id.as_deref().is_some_and(|id| id != "0")
            || self.src_business_unit_id.as_deref().is_some_and(|id| id != "0")
            // A person's tag names a provider where its rule is about that cloud's assets.
            || (self.provider.is_some() && !dynamic_by_provider)
            || (at_top && self.name.as_deref().is_some_and(|name| SYSTEM.contains(&name)))
    }
}

/// The parent's id; tags at the top have none, or 0.
fn parent(wire: &Wire) -> Option<&str> {
    wire.parent_tag_id.as_deref().filter(|id| *id != "0")
}

impl QpsObject for Tag {
    const NOUN: &'static str = "tag";
    const VERSION: &'static str = "2.0";
    const IDENTITY: &'static [&'static str] = &["name", "parentTagId", "children"];
    type Wire = Wire;

    /// The parent stands as `#ID` until [`Tag::settle`].
    fn decode(wire: Wire) -> (u64, Option<LiveObject>) {
        let id = wire.id.unwrap_or_default();
        let locked = wire.is_system().then(|| "a system tag".to_owned());
        let parent = parent(&wire).map(|id| format!("#{id}")).unwrap_or_default();
        let described = wire.description.unwrap_or_default();
        let (description, owner) = Owner::split(&described);
        let kind = wire.rule_type.as_deref().map_or(RuleType::Static, RuleType::from_platform);
        // Static tags come back without a rule; a text without a type is a leftover.
        let text = wire.rule_text.filter(|_| kind != RuleType::Static);
        let spec = Tag {
            name: wire.name.unwrap_or_default(),
            parent: Some(parent),
            description: Some(description.to_owned()),
            color: wire.color.as_deref().map(Color::from_platform),
            rule: Some(Rule { kind, text }),
        };
        let Items(children) = wire.children;
        let below = children.into_iter().filter_map(|child| Some(child.id?.to_string())).collect();
        let object = LiveObject { below, owner, locked, ..LiveObject::new(id.to_string(), spec) };
        (id, Some(object))
    }

    fn encode(&self, write: &Write<'_>) -> Result<Map<String, Value>, String> {
        let Tag { name, parent, description, color, rule } = self;
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| {
            fields.insert(name.to_owned(), value);
        };
        if write.wants("name") {
            put("name", name.as_str().into());
        }
        if let Some(parent) = write.of("parent", parent.as_ref()).filter(|parent| !parent.is_empty()) {
            put("parentTagId", write.id(Kind::Tag, parent)?);
        }
        if let Some(text) = write.description(description.as_deref()) {
            put("description", text.into());
        }
        if let Some(color) = write.of("color", color.as_ref()) {
            put("color", color.as_str().into());
        }
        if let Some(Rule { kind, text }) = write.of("rule", rule.as_ref()) {
            // A new tag without a rule is static already.
            if *kind != RuleType::Static || !write.is_create() {
                put("ruleType", kind.name().into());
            }
            if let Some(text) = text {
                put("ruleText", text.as_str().into());
            }
        }
        Ok(fields)
    }

    async fn settle(transport: &Transport, objects: &mut [LiveObject], whole: bool) -> Result<(), ApiError> {
        let mut above = BTreeMap::new();
        let at_top = |object: &LiveObject| told_parent(object).is_none();
        if !whole && objects.iter().any(at_top) {
            // What tells no parent stands at the top, or its parent alone tells of it.
            note(&mut above, &qps::search::<Tag>(transport, None).await?);
        }
        note(&mut above, objects);
        if !whole {
            fetch_parents(transport, &mut above).await?;
        }
        for object in objects {
            let parent = above.get(&object.id).and_then(|(_, parent)| parent.clone());
            let parent = parent.or_else(|| told_parent(object).map(str::to_owned));
            if let Spec::Tag(tag) = &mut object.spec {
                tag.parent = Some(path(&above, parent.as_deref()));
            }
        }
        Ok(())
    }
}

/// Name and parent of each tag, by id.
type Above = BTreeMap<String, (String, Option<String>)>;

fn note(above: &mut Above, objects: &[LiveObject]) {
    for object in objects.iter().filter(|object| !object.spec.name().is_empty()) {
        // What a whole listing told of it before is not forgotten.
        let known = above.get(&object.id).and_then(|(_, parent)| parent.clone());
        let parent = told_parent(object).map(str::to_owned).or(known);
        above.insert(object.id.clone(), (object.spec.name().to_owned(), parent));
    }
    for object in objects {
        for child in &object.below {
            // A tag's own word counts for more.
            if let Some((_, parent)) = above.get_mut(child) {
                parent.get_or_insert_with(|| object.id.clone());
            }
        }
    }
}

/// The id of the parent that the tag itself tells.
fn told_parent(object: &LiveObject) -> Option<&str> {
    match &object.spec {
        Spec::Tag(tag) => tag.parent.as_deref()?.strip_prefix('#'),
        _ => None,
    }
}

/// Fetches the tags above, level by level.
async fn fetch_parents(transport: &Transport, above: &mut Above) -> Result<(), ApiError> {
    loop {
        let parents = above.values().filter_map(|(_, parent)| parent.clone());
        let missing: BTreeSet<String> = parents.filter(|id| !above.contains_key(id)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let found = qps::by_id::<Tag>(transport, &Vec::from_iter(missing)).await?;
        if found.is_empty() {
            return Ok(());
        }
        note(above, &found);
    }
}

/// The path of a tag by its id. Where a parent is out of sight the path starts with that one's id, and where
/// the tags run in a circle it is the id alone: no name would be true.
fn path(above: &Above, id: Option<&str>) -> String {
    let Some(first) = id else { return String::new() };
    let mut names = Vec::new();
    let mut passed = BTreeSet::new();
    let mut next = id;
    while let Some(id) = next {
        if !passed.insert(id) {
            return format!("#{first}");
        }
        let Some((name, parent)) = above.get(id) else {
            names.push(format!("#{id}"));
            break;
        };
        names.push(name.clone());
        next = parent.as_deref();
    }
    names.reverse();
    names.join("/")
}
