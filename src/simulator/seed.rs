//! What a subscription starts with: system tags always, then the example, a file's objects, or generated ones.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::kind::{self, Plain};
use super::settings::{Seed, StartError};
use super::store::{Object, Record};
use super::world::World;

/// The subscription that the documentation shows.
const EXAMPLE: &str = include_str!("example.json");

/// Tags that every subscription has.
const SYSTEM_TAGS: &[&str] =
    &["Asset Groups", "Asset Search Tags", "Business Units", "Cloud Agent", "Malware Domain Assets"];

/// Seeds hold fixed times, so that the same seed is the same subscription.
pub(crate) const LONG_AGO: &str = "2025-11-03T09:00:00Z";

/// One object of a seed file.
struct Seeded {
    /// Where it stands in the file: its section, and its place there, counted from 0.
    place: String,
    kind: String,
    id: Option<u64>,
    object: Value,
}

/// Fills an empty subscription.
pub(crate) fn fill(
    world: &mut World,
    seed: &Seed,
    generate: &BTreeMap<String, usize>,
) -> Result<(), StartError> {
    for name in SYSTEM_TAGS {
        // Both fields exist on tags: nothing here can be refused.
        let _ = add(
            world,
            &super::qps::TAG,
            None,
            &fields(json!({"name": name, "system": true, "created": LONG_AGO, "modified": LONG_AGO})),
        );
    }
    match seed {
        Seed::Empty => {}
        Seed::Example => load(world, "example", EXAMPLE)?,
        Seed::File(path) => {
            let text = fs::read_to_string(path).map_err(|source| StartError::File {
                operation: "read",
                path: path.clone(),
                source,
            })?;
            load(world, &path.display().to_string(), &text)?;
        }
    }
    for (kind, count) in generate {
        let many = || kind::all().filter(|plain| !plain.is_single());
        let Some(plain) = many().find(|plain| plain.kind() == kind) else {
            let accepted = many().map(Plain::kind).collect();
            return Err(StartError::Generate { kind: kind.clone(), accepted });
        };
        for index in 1..=*count {
            let _ = add(world, plain, None, &plain.generated(index));
        }
    }
    Ok(())
}

/// Adds one object in plain form, completed as the platform would.
pub(crate) fn add(
    world: &mut World,
    plain: &dyn Plain,
    id: Option<u64>,
    given: &Object,
) -> Result<u64, String> {
    let fields = plain.read(world, given)?;
    let mut object: Object = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let kind = plain.kind();
    if plain.is_single() && world.store.starting_at(kind, 0).next().is_some() {
        return Err(format!("there is one {kind} object already, and no more than one"));
    }
    check_named(plain, &object)?;
    let id = match id {
        Some(id) if world.store.get(kind, id).is_some() => return Err(format!("id {id} is taken")),
        Some(id) => id,
        None => world.store.take_id(),
    };
    world.store.reserve_ids_below(id.saturating_add(1));
    plain.complete(world, id, &mut object);
    let record = world.put(kind, Record { id, object });
    plain.settled(world, &record);
    Ok(id)
}

/// Without the field that people know it by, an object could not be found again.
pub(crate) fn check_named(plain: &dyn Plain, object: &Object) -> Result<(), String> {
    let named_by = plain.named_by();
    if named_by.is_empty() || object.get(named_by).is_some_and(Value::is_string) {
        return Ok(());
    }
    Err(format!("{} objects need a {named_by}", plain.kind()))
}

/// Reads `{"tag": [..], "aws": [..]}`, or `{"objects": [{"kind", "id", "object"}, ..]}` as the control call shows them.
fn load(world: &mut World, origin: &str, text: &str) -> Result<(), StartError> {
    let refuse = |problem: String| StartError::Seed { origin: origin.to_owned(), problem };
    // JSON is YAML too, so one reader serves both.
    let value: Value = serde_yaml::from_str(text)
        .map_err(|source| StartError::SeedSyntax { path: origin.into(), source })?;
    let Value::Object(sections) = value else {
        return Err(refuse("an object of kinds is expected".to_owned()));
    };
    let mut all = Vec::new();
    for (name, section) in sections {
        let Value::Array(items) = section else {
            return Err(refuse(format!("{name}: an array is expected")));
        };
        if name != "objects" {
            kind::find(&name).map_err(refuse)?;
        }
        for (index, item) in items.into_iter().enumerate() {
            let place = format!("{name}[{index}]");
            let (kind, id, object) = if name == "objects" {
                (
                    item["kind"].as_str().unwrap_or_default().to_owned(),
                    item["id"].as_u64(),
                    item["object"].clone(),
                )
            } else {
                (name.clone(), item.get("id").and_then(Value::as_u64), item)
            };
            kind::find(&kind).map_err(|problem| refuse(format!("{place}: {problem}")))?;
            all.push(Seeded { place, kind, id, object });
        }
    }
    // In the order of the list of kinds, so that tags are there before what refers to them.
    for plain in kind::all() {
        let kind = plain.kind();
        for Seeded { place, id, object, .. } in all.iter().filter(|seeded| seeded.kind == kind) {
            let Value::Object(object) = object else {
                return Err(refuse(format!("{place}: an object is expected, not {object}")));
            };
            // The platform's own tags are there already; a seed taken from a running simulator names them again.
            let name = object.get(plain.named_by()).and_then(Value::as_str).unwrap_or_default();
            let system = kind == "tag" && SYSTEM_TAGS.contains(&name);
            if system {
                let present = world.store.with("tag", "name", name).next().map(|record| record.id);
                if let Some(present) = present {
                    world.store.remove("tag", present);
                }
            }
            add(world, plain, *id, object)
                .map_err(|problem| refuse(format!("{place} {name:?}: {problem}")))?;
        }
    }
    Ok(())
}

fn fields(value: Value) -> Object {
    match value {
        Value::Object(fields) => fields,
        _ => Object::new(),
    }
}
