//! The subscription's own scan configuration, for perimeter scans of connectors that have none ("Global Scan Configuration").
//!
//! There is one at most. It has no id, and nothing deletes it.

use super::noun::{Noun, Replies, always};
use super::patch::{self, Change, Patch};
use super::refusal::Refusal;
use super::route::Verb;
use super::rules::{Effect, Rules};
use super::scan;
use super::show::Extent;
use crate::simulator::options::{GlobalScanCreate, GlobalScanUpdate, Options};
use crate::simulator::store::{Object, Record};
use crate::simulator::world::World;

/// `globalscanconfiguration`.
pub(crate) static GLOBAL_SCAN: Noun = Noun {
    kind: "global_scan",
    path: "globalscanconfiguration",
    object: "GlobalScanConfiguration",
    version: "3.0",
    verbs: &[Verb::Create, Verb::Update, Verb::Search],
    fields: scan::CONFIGURATION,
    searchable: &[],
    rules: &GlobalScan,
    replies,
    offered: always,
    single: true,
};

/// Create and update answer with the whole of it.
fn replies(options: &Options) -> Replies {
    Replies { update: Extent::Whole, ..Replies::usual(options) }
}

struct GlobalScan;

impl Rules for GlobalScan {
    fn create(&self, world: &mut World, noun: &Noun, patch: Patch) -> Result<Vec<Effect>, Refusal> {
        let present = world.store.starting_at(noun.kind, 0).next().map(|record| record.id);
        if present.is_some() && world.options.global_scan_create_when_present == GlobalScanCreate::Refused {
            return Err(Refusal::invalid(
                format!("There is a {} already.", noun.object),
                "Update it: a subscription has one.",
            ));
        }
        let object = settle(Object::new(), patch, &world.options)?;
        let id = present.unwrap_or_else(|| world.store.take_id());
        Ok(vec![Effect::Put(Record { id, object })])
    }

    fn update(
        &self,
        world: &mut World,
        _noun: &Noun,
        before: &Record,
        patch: Patch,
    ) -> Result<Vec<Effect>, Refusal> {
        let mut object = before.object.clone();
        // Days that belonged to the weeks of before do not stand in the way of a change to DAILY.
        let daily = patch.get("recurrence") == Some(&Change::Value("DAILY".into()));
        if daily && !patch.contains_key("daysOfWeek") {
            object.remove("daysOfWeek");
        }
        let object = settle(object, patch, &world.options)?;
        Ok(vec![Effect::Put(Record { id: before.id, object })])
    }

    fn update_absent(&self, world: &mut World, noun: &Noun, patch: Patch) -> Result<Vec<Effect>, Refusal> {
        if world.options.global_scan_update_when_absent == GlobalScanUpdate::Refused {
            return Err(Refusal::invalid(format!("There is no {}.", noun.object), "Create it first."));
        }
        self.create(world, noun, patch)
    }

    fn delete(&self, _world: &World, noun: &Noun, _record: &Record) -> Result<Vec<Effect>, Refusal> {
        Err(Refusal::invalid(format!("A {} cannot be deleted.", noun.object), "Update it."))
    }
}

fn settle(mut object: Object, patch: Patch, options: &Options) -> Result<Object, Refusal> {
    patch::apply(&mut object, patch, options.empty_set);
    scan::check_days(&object, "")?;
    scan::check_whole(&object, "")?;
    Ok(object)
}
