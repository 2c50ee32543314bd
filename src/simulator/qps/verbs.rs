//! What each verb does, the same for every noun.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::noun::Noun;
use super::projection::Projection;
use super::read::{Reading, Target};
use super::refusal::Refusal;
use super::reply::{Envelope, Summary};
use super::request::ServiceRequest;
use super::route::Verb;
use super::rules::Effect;
use super::search;
use super::show::{AppLists, Choices, Extent, Showing};
use crate::simulator::answer::{Answer, Request};
use crate::simulator::http::Shared;
use crate::simulator::options::{DuplicateIdentity, UnfilteredWrites};
use crate::simulator::store::{Record, Tags, at};
use crate::simulator::world::World;

/// What was done: the objects to show, with all that is needed to write them out after the lock is gone.
struct Done {
    records: Vec<Arc<Record>>,
    summary: Summary,
    extent: Extent,
    lists: AppLists,
    tags: Arc<Tags>,
    choices: Choices,
}

pub(crate) fn carry_out(
    shared: &Shared,
    request: &Request,
    envelope: &Envelope,
    noun: &'static Noun,
    verb: Verb,
    id: Option<&str>,
    read: &ServiceRequest,
) -> Result<Answer, Refusal> {
    if read.object.is_some() && !matches!(verb, Verb::Create | Verb::Update) {
        return Err(Refusal::unknown_field("data", &["filters", "preferences"]));
    }
    let mut world = shared.world();
    let done = match verb {
        Verb::Create => create(&mut world, noun, id, read),
        Verb::Update => update(&mut world, noun, id, read),
        Verb::Get => get(&mut world, noun, id),
        Verb::Search => find(&mut world, noun, id, read),
        Verb::Count => return count(&world, envelope, noun, read),
        Verb::Delete => delete(&mut world, noun, id, read),
        Verb::Run | Verb::Evaluate => run(&mut world, noun, verb, id, read),
    }?;
    if let Err(error) = world.commit() {
        return Ok(Answer::html(500, &format!("The state file cannot be written: {error}")));
    }
    drop(world);

    let projection = match verb {
        Verb::Get | Verb::Search => Projection::read(request.parameter("fields").as_deref()),
        _ => Projection::default(),
    };
    let Done { records, summary, extent, lists, tags, choices } = done;
    let showing = Showing { noun, tags: &tags, extent, lists, choices };
    Ok(envelope.records(summary, &records, showing, &projection))
}

impl Done {
    fn new(world: &World, noun: &Noun, verb: Verb, records: Vec<Arc<Record>>) -> Self {
        let replies = (noun.replies)(&world.options);
        let extent = match verb {
            Verb::Create => Extent::Partial,
            Verb::Update => replies.update,
            Verb::Run => replies.run,
            Verb::Get | Verb::Search | Verb::Count => Extent::Whole,
            Verb::Delete | Verb::Evaluate => Extent::IdAlone,
        };
        Self {
            summary: Summary { count: records.len(), ..Summary::default() },
            records,
            extent,
            lists: AppLists::of(replies.form, verb),
            tags: Arc::clone(world.store.tags()),
            choices: Choices::new(&world.options),
        }
    }
}

fn create(
    world: &mut World,
    noun: &'static Noun,
    id: Option<&str>,
    read: &ServiceRequest,
) -> Result<Done, Refusal> {
    if let Some(id) = id {
        return Err(Refusal::value("id", id, "The platform gives ids: leave it out of the URL."));
    }
    refuse_filters(read)?;
    let tree = read.require_object(noun)?;
    let patch = Reading { world, update: None }.object(noun.fields, tree, noun.object)?;
    let effects = noun.rules.create(world, noun, patch)?;
    let created = put_ids(&effects).into_iter().take(1).collect::<Vec<_>>();
    apply(world, noun, effects);
    Ok(Done::new(world, noun, Verb::Create, as_they_are(world, noun, &created)))
}

fn update(
    world: &mut World,
    noun: &'static Noun,
    id: Option<&str>,
    read: &ServiceRequest,
) -> Result<Done, Refusal> {
    if noun.single {
        return update_single(world, noun, id, read);
    }
    let records = targets(world, noun, Verb::Update, id, read)?;
    let target = match (id, records.first()) {
        (Some(_), Some(record)) => Target::One(record.id),
        _ => Target::Matching,
    };
    let tree = read.require_object(noun)?;
    let patch = Reading { world, update: Some(target) }.object(noun.fields, tree, noun.object)?;
    let mut effects = Vec::new();
    for record in &records {
        effects.extend(noun.rules.update(world, noun, record, patch.clone())?);
    }
    refuse_shared_identity(world, noun, &effects)?;
    apply(world, noun, effects);
    let ids: Vec<_> = records.iter().map(|record| record.id).collect();
    Ok(Done::new(world, noun, Verb::Update, as_they_are(world, noun, &ids)))
}

/// Each object of an update was held against those that are there; here they are held against one another.
fn refuse_shared_identity(world: &World, noun: &Noun, effects: &[Effect]) -> Result<(), Refusal> {
    let (Some(path), DuplicateIdentity::Refused) = (noun.rules.identity(), world.options.duplicate_identity)
    else {
        return Ok(());
    };
    let mut taken = BTreeMap::new();
    for effect in effects {
        let Effect::Put(record) = effect else { continue };
        let Some(identity) = at(&record.object, path).and_then(Value::as_str) else { continue };
        let unchanged = world
            .store
            .get(noun.kind, record.id)
            .is_some_and(|before| at(&before.object, path).and_then(Value::as_str) == Some(identity));
        if let Some(other) = taken.insert(identity, record.id)
            && !unchanged
        {
            return Err(Refusal::invalid(
                format!("Connectors {other} and {} would both have the {path} '{identity}'.", record.id),
                format!("Specify '{path}' for one connector alone."),
            ));
        }
    }
    Ok(())
}

/// An update of the one object that there may be.
fn update_single(
    world: &mut World,
    noun: &'static Noun,
    id: Option<&str>,
    read: &ServiceRequest,
) -> Result<Done, Refusal> {
    if let Some(id) = id {
        return Err(Refusal::value("id", id, "There is one at most: leave the id out of the URL."));
    }
    refuse_filters(read)?;
    let tree = read.require_object(noun)?;
    let patch = Reading { world, update: Some(Target::Matching) }.object(noun.fields, tree, noun.object)?;
    let present = world.store.starting_at(noun.kind, 0).next().cloned();
    let effects = match present {
        Some(before) => noun.rules.update(world, noun, &before, patch)?,
        None => noun.rules.update_absent(world, noun, patch)?,
    };
    let ids = put_ids(&effects);
    apply(world, noun, effects);
    Ok(Done::new(world, noun, Verb::Update, as_they_are(world, noun, &ids)))
}

fn put_ids(effects: &[Effect]) -> Vec<u64> {
    let put = effects.iter().filter_map(|effect| match effect {
        Effect::Put(record) => Some(record.id),
        Effect::Remove(_) => None,
    });
    put.collect()
}

fn apply(world: &mut World, noun: &Noun, effects: Vec<Effect>) {
    for effect in effects {
        effect.apply(world, noun);
    }
}

fn as_they_are(world: &World, noun: &Noun, ids: &[u64]) -> Vec<Arc<Record>> {
    ids.iter().filter_map(|id| world.store.get(noun.kind, *id).cloned()).collect()
}

fn delete(
    world: &mut World,
    noun: &'static Noun,
    id: Option<&str>,
    read: &ServiceRequest,
) -> Result<Done, Refusal> {
    let records = targets(world, noun, Verb::Delete, id, read)?;
    let mut effects = Vec::new();
    for record in &records {
        effects.extend(noun.rules.delete(world, noun, record)?);
    }
    apply(world, noun, effects);
    Ok(Done::new(world, noun, Verb::Delete, records))
}

fn run(
    world: &mut World,
    noun: &'static Noun,
    verb: Verb,
    id: Option<&str>,
    read: &ServiceRequest,
) -> Result<Done, Refusal> {
    let records = targets(world, noun, verb, id, read)?;
    let targets: Vec<&Record> = records.iter().map(AsRef::as_ref).collect();
    let effects = noun.rules.run(world, noun, &targets)?;
    let started = put_ids(&effects);
    apply(world, noun, effects);
    // Of several connectors only the enabled ones run, and only they are answered.
    let records = if started.is_empty() {
        records
    } else {
        records.into_iter().filter(|record| started.contains(&record.id)).collect()
    };
    Ok(Done::new(world, noun, verb, records))
}

fn get(world: &mut World, noun: &'static Noun, id: Option<&str>) -> Result<Done, Refusal> {
    let record = one(world, noun, id.ok_or_else(|| Refusal::missing("id"))?)?;
    let done = Done::new(world, noun, Verb::Get, vec![record]);
    looked_at(world, noun, &done.records);
    Ok(done)
}

fn find(
    world: &mut World,
    noun: &'static Noun,
    id: Option<&str>,
    read: &ServiceRequest,
) -> Result<Done, Refusal> {
    if let Some(id) = id {
        return Err(Refusal::value(
            "id",
            id,
            "Specify the criteria 'id' in the body: leave it out of the URL.",
        ));
    }
    let page = search::page(world, noun, read)?;
    let last_id = page.records.last().map(|record| record.id).filter(|_| page.more);
    let more = (!page.records.is_empty()).then_some(page.more);
    let mut done = Done::new(world, noun, Verb::Search, page.records);
    (done.summary.more, done.summary.last_id) = (more, last_id);
    looked_at(world, noun, &done.records);
    Ok(done)
}

fn count(world: &World, envelope: &Envelope, noun: &Noun, read: &ServiceRequest) -> Result<Answer, Refusal> {
    let filters = search::filters(world, noun, read, false)?;
    let count = search::all(world, noun, &filters).len();
    Ok(envelope.elements(Summary { count, ..Summary::default() }, &[]))
}

/// Time passes by looking.
pub(crate) fn looked_at(world: &mut World, noun: &'static Noun, records: &[Arc<Record>]) {
    for shown in records {
        // A search that lags shows it as it was: nothing becomes of that, and nothing of it comes back.
        if world.lagging.contains_key(&(noun.kind, shown.id)) {
            continue;
        }
        let Some(record) = world.store.get(noun.kind, shown.id).cloned() else { continue };
        if let Some(next) = noun.rules.seen(world, noun, &record) {
            // Not through `World::put`: what a look changes shows in the next search whatever the lag.
            world.store.put(noun.kind, next);
        }
    }
}

fn one(world: &World, noun: &Noun, id: &str) -> Result<Arc<Record>, Refusal> {
    let number = id.parse::<u64>().map_err(|_| Refusal::value("id", id, "Specify the id as Long."))?;
    let found = world.store.get(noun.kind, number).filter(|record| !record.flag("isDeleted"));
    found.cloned().ok_or_else(|| {
        let message = format!("There is no {} with the id {id} in your scope.", noun.object);
        Refusal::unknown_id(message, &world.options)
    })
}

/// The objects that a write acts on: the one that the URL names, or all that the filters match.
fn targets(
    world: &World,
    noun: &Noun,
    verb: Verb,
    id: Option<&str>,
    read: &ServiceRequest,
) -> Result<Vec<Arc<Record>>, Refusal> {
    if let Some(id) = id {
        refuse_filters(read)?;
        return Ok(vec![one(world, noun, id)?]);
    }
    if read.criteria.is_empty() && world.options.unfiltered_writes == UnfilteredWrites::Refused {
        return Err(Refusal::invalid(
            "Field 'filters' is required.",
            "Specify an id in the URL, or filters.",
        ));
    }
    let write = matches!(verb, Verb::Update | Verb::Delete);
    let filters = search::filters(world, noun, read, write)?;
    Ok(search::all(world, noun, &filters))
}

fn refuse_filters(read: &ServiceRequest) -> Result<(), Refusal> {
    if read.criteria.is_empty() {
        return Ok(());
    }
    Err(Refusal::invalid(
        "Field 'filters' is not supported for this request.",
        "Specify an id in the URL or filters, not both; create takes neither.",
    ))
}
