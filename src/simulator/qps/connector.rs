//! What connectors of all clouds have in common: their fields, and how they are made, changed, run and deleted.

use serde_json::{Value, json};

use super::noun::{Apps, Field, Item, List, Many, Noun, Shape, Show, Write};
use super::patch::{self, Change, Patch};
use super::refusal::Refusal;
use super::rules::{Effect, Rules};
use super::scan;
use crate::simulator::options::{
    DuplicateIdentity, DuplicateName, IdentityUpdate, OddRunFrequency, Options, PcWithSca, ReuseAfterDelete,
    States,
};
use crate::simulator::store::{Object, Record, at};
use crate::simulator::world::{self, World};

/// The frequencies that the vendor's own tools offer, in minutes.
const FREQUENCIES: [u64; 8] = [60, 120, 180, 240, 360, 480, 720, 1440];

/// "Default 4 hours" (Connectors online help).
const DEFAULT_FREQUENCY: u64 = 240;

/// The states that the documents name (Search AWS Connector).
pub(crate) const STATES: &[&str] = &[
    "PENDING",
    "RUNNING",
    "SUCCESS",
    "ERROR",
    "QUEUED",
    "PROCESSING",
    "FINISHED_SUCCESS",
    "FINISHED_ERRORS",
    "DISABLED",
    "INCOMPLETE",
];

/// "Type of connector", in the searches of those clouds that have it.
pub(crate) const CLOUDS: &[&str] = &["AWS", "AZURE", "GCP", "OCI"];

/// The documents' "VM, PC, SCA, CERTVIEW", and what the platform adds.
pub(crate) const MODULES: &[&str] = &["VM", "PC", "SCA", "CERTVIEW", "CLOUDVIEW"];

/// What a cloud's connectors have of their own.
pub(crate) struct Connector {
    /// The path of the field that names what is connected; also what capabilities are identified by.
    pub(crate) identity: &'static str,
    /// The paths of what a create needs.
    pub(crate) required: &'static [&'static str],
    /// What a run that fails says.
    pub(crate) failure: &'static str,
    /// Fills in what a create leaves out. The patch is not applied yet.
    pub(crate) defaults: fn(&Patch, &mut Object),
    /// What follows from other fields.
    pub(crate) derive: fn(&mut Object) -> Result<(), Refusal>,
    /// What the platform finds out at its first contact with the cloud.
    pub(crate) learn: fn(&mut Object),
}

pub(crate) const fn both(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, write: Write::Both, show: Show::Always }
}

pub(crate) const fn shown(name: &'static str, shape: Shape, show: Show) -> Field {
    Field { name, shape, write: Write::Never, show }
}

/// The same field, and create's answer does not show it.
pub(crate) const fn later(field: Field) -> Field {
    Field { show: Show::Later, ..field }
}

pub(crate) const NAME: Field = both("name", Shape::Text { max: 255 });
pub(crate) const DESCRIPTION: Field = both("description", Shape::Text { max: 0 });
pub(crate) const LAST_SYNC: Field = shown("lastSync", Shape::Text { max: 0 }, Show::Later);
pub(crate) const LAST_ERROR: Field = shown("lastError", Shape::Text { max: 0 }, Show::Later);
pub(crate) const STATE: Field = shown("connectorState", Shape::Word(STATES), Show::Always);
pub(crate) const TYPE: Field = shown("type", Shape::Text { max: 0 }, Show::Always);
pub(crate) const DEFAULT_TAGS: Field =
    both("defaultTags", Shape::Many(Many { item: "TagSimple", of: Item::Tag, list: List::Wrapped }));
pub(crate) const ACTIVATION: Field = both(
    "activation",
    Shape::Many(Many { item: "ActivationModule", of: Item::Word(MODULES), list: List::Bare }),
);
pub(crate) const DISABLED: Field = both("disabled", Shape::Flag);
pub(crate) const GOV_CLOUD: Field =
    Field { name: "isGovCloudConfigured", shape: Shape::Flag, write: Write::Create, show: Show::Always };
pub(crate) const IS_DELETED: Field =
    Field { name: "isDeleted", shape: Shape::Flag, write: Write::IgnoredOnCreate, show: Show::Later };
pub(crate) const RUN_FREQUENCY: Field = both("runFrequency", Shape::Integer { min: 1, max: 525_600 });
pub(crate) const NEXT_SYNC: Field = shown("nextSync", Shape::Text { max: 0 }, Show::Later);
pub(crate) const REMEDIATION: Field = both("isRemediationEnabled", Shape::Flag);
pub(crate) const CPS: Field = both("isCPSEnabled", Shape::Flag);
pub(crate) const APP_INFOS: Field =
    both("connectorAppInfos", Shape::Apps(Apps { empty_tag: false, read_as: None }));
pub(crate) const CLOUDVIEW_UUID: Field = shown("cloudviewUuid", Shape::Text { max: 0 }, Show::Later);
pub(crate) const SCAN_SETTING: Field = both("connectorScanSetting", Shape::Group(scan::SETTING));
pub(crate) const SCAN_CONFIG: Field = both(
    "connectorScanConfig",
    Shape::One { item: "ConnectorScanConfiguration", fields: scan::CONFIGURATION },
);
pub(crate) const INSTANT: Field = shown("isInstantAssessmentEnabled", Shape::Flag, Show::Always);
/// Held by an organization connector that nobody here lists (an AWS one, or one outside the scope). No document of this family
/// shows it. Control calls set it.
pub(crate) const ATTACHED: Field = shown("isAttachedToOrgConnector", Shape::Flag, Show::Never);
/// "You can update only those connectors that created in the Connector application": one that was not. Control calls set it.
pub(crate) const MADE_ELSEWHERE: Field = shown("madeElsewhere", Shape::Flag, Show::Never);
/// How many assets CloudView counts. Control calls set it.
pub(crate) const TOTAL_ASSETS: Field =
    shown("totalAssets", Shape::Integer { min: 0, max: u64::MAX }, Show::Never);
/// When a call of CloudView made or changed the connector.
pub(crate) const CLOUDVIEW_SYNC: Field = shown("cloudviewSync", Shape::Text { max: 0 }, Show::Never);

impl Rules for Connector {
    fn create(&self, world: &mut World, noun: &Noun, patch: Patch) -> Result<Vec<Effect>, Refusal> {
        if let Some(absent) = self.required.iter().find(|path| !says_something_of(&patch, path)) {
            return Err(Refusal::missing(&asked_as(noun, absent, &world.options)));
        }
        let id = world.store.next_id();
        let mut object = self.fresh(id, &patch);
        patch::apply(&mut object, patch, world.options.empty_set);
        self.settle(world, noun, id, None, &mut object)?;
        requeue(&mut object);
        world.store.take_id();
        Ok(vec![Effect::Put(Record { id, object })])
    }

    fn update(
        &self,
        world: &mut World,
        noun: &Noun,
        before: &Record,
        patch: Patch,
    ) -> Result<Vec<Effect>, Refusal> {
        check_ours(before)?;
        let mut object = before.object.clone();
        patch::apply(&mut object, patch, world.options.empty_set);
        self.settle(world, noun, before.id, Some(&before.object), &mut object)?;
        requeue(&mut object);
        Ok(vec![Effect::Put(Record { id: before.id, object })])
    }

    fn delete(&self, _world: &World, _noun: &Noun, record: &Record) -> Result<Vec<Effect>, Refusal> {
        let mut object = record.object.clone();
        object.insert("isDeleted".to_owned(), Value::Bool(true));
        Ok(vec![Effect::Put(Record { id: record.id, object })])
    }

    /// "If a single connector is run and it is disabled an error is returned. If multiple connectors are run and all are
    /// disabled an error is returned. If … some are disabled, only connectors that are enabled will run."
    fn run(&self, _world: &World, _noun: &Noun, records: &[&Record]) -> Result<Vec<Effect>, Refusal> {
        let enabled: Vec<_> = records.iter().filter(|record| !record.flag("disabled")).collect();
        if enabled.is_empty() && !records.is_empty() {
            let ids: Vec<_> = records.iter().map(|record| record.id.to_string()).collect();
            return Err(Refusal::invalid(
                format!("Connector {} cannot be run: 'disabled' is true.", ids.join(", ")),
                "Enable the connector, then run it.",
            ));
        }
        let queued = enabled.into_iter().map(|record| {
            let mut object = record.object.clone();
            requeue(&mut object);
            Effect::Put(Record { id: record.id, object })
        });
        Ok(queued.collect())
    }

    fn seen(&self, world: &mut World, noun: &Noun, record: &Record) -> Option<Record> {
        let state = record.text("connectorState")?;
        if !matches!(state, "QUEUED" | "PENDING" | "RUNNING" | "PROCESSING")
            || world.options.states == States::Frozen
        {
            return None;
        }
        let needed = world.options.state_reads;
        let reads = world.reads.entry((noun.kind, record.id)).or_default();
        *reads += 1;
        if *reads < needed {
            return None;
        }
        *reads = 0;
        let mut object = record.object.clone();
        if matches!(state, "QUEUED" | "PENDING") {
            object.insert("connectorState".to_owned(), json!("RUNNING"));
            (self.learn)(&mut object);
        } else {
            self.finish(&mut object, world.options.states);
        }
        Some(Record { id: record.id, object })
    }

    fn complete(&self, _world: &World, _noun: &Noun, id: u64, object: &mut Object) {
        let given = std::mem::replace(object, self.fresh(id, &Patch::new()));
        let ended = given.contains_key("connectorState");
        object.extend(given);
        let identity = at(object, self.identity).cloned().unwrap_or_default();
        if let Some(Value::Array(apps)) = object.get_mut("connectorAppInfos") {
            let apps = apps.iter_mut().filter_map(Value::as_object_mut);
            apps.for_each(|app| drop(app.insert("identifier".to_owned(), identity.clone())));
        }
        add_cloudview(object);
        // A seed may hold what the platform would refuse: it stands for what has grown over years.
        let _ = (self.derive)(object);
        (self.learn)(object);
        if !ended {
            self.finish(object, States::Success);
        }
    }

    fn identity(&self) -> Option<&'static str> {
        Some(self.identity)
    }
}

impl Connector {
    fn fresh(&self, id: u64, patch: &Patch) -> Object {
        let mut object = Object::new();
        let fields = [
            ("disabled", json!(false)),
            ("isDeleted", json!(false)),
            ("runFrequency", json!(DEFAULT_FREQUENCY)),
            ("isRemediationEnabled", json!(false)),
            ("cloudviewUuid", json!(uuid(id, 0xc10d))),
        ];
        object.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        (self.defaults)(patch, &mut object);
        object
    }

    /// Checks an object as a whole, and fills in what follows from it.
    fn settle(
        &self,
        world: &World,
        noun: &Noun,
        id: u64,
        before: Option<&Object>,
        object: &mut Object,
    ) -> Result<(), Refusal> {
        let options = &world.options;
        if object.get("name").and_then(Value::as_str).unwrap_or_default().trim().is_empty() {
            return Err(Refusal::value("name", "", "Specify a name."));
        }
        (self.derive)(object)?;
        settle_frequency(object, options)?;
        let identity = at(object, self.identity).cloned().unwrap_or_default();
        fill_identifiers(object, before.and_then(|before| at(before, self.identity)), &identity);
        self.check_identifiers(object, options)?;
        add_cloudview(object);
        check_modules(object, options)?;
        scan::check(object, options)?;
        let changed = |path: &str| before.is_none_or(|before| at(before, path) != at(object, path));
        if changed("name") {
            check_name(world, noun, id, object)?;
        }
        if changed(self.identity) {
            // The samples of update name the subscription and the project, and not whether they may be others. An ARN may.
            let fixed = before.is_some() && self.identity.starts_with("authRecord.");
            if fixed && options.identity_update == IdentityUpdate::Refused {
                let given = identity.as_str().unwrap_or_default();
                return Err(Refusal::value(self.identity, given, "It cannot be updated: leave it as it is."));
            }
            self.check_identity(world, noun, id, object)?;
        }
        Ok(())
    }

    fn check_identifiers(&self, object: &Object, options: &Options) -> Result<(), Refusal> {
        use crate::simulator::options::AppIdentifier;

        let own = at(object, self.identity);
        let apps = object.get("connectorAppInfos").and_then(Value::as_array).into_iter().flatten();
        let foreign =
            apps.filter_map(|app| app.get("identifier")).find(|identifier| Some(*identifier) != own);
        match (foreign, options.app_identifier) {
            (Some(identifier), AppIdentifier::Own) => Err(Refusal::value(
                "connectorAppInfos.ConnectorAppInfo.identifier",
                identifier.as_str().unwrap_or_default(),
                &format!("Specify the same value as in '{}'.", self.identity),
            )),
            (Some(_), AppIdentifier::Any) | (None, _) => Ok(()),
        }
    }

    fn check_identity(&self, world: &World, noun: &Noun, id: u64, object: &Object) -> Result<(), Refusal> {
        let Some(identity) = at(object, self.identity).and_then(Value::as_str) else { return Ok(()) };
        let options = &world.options;
        for other in world.store.with(noun.kind, self.identity, identity).filter(|other| other.id != id) {
            let (refused, reason) = if other.flag("isDeleted") {
                let deleted = world.deleted_at.get(&(noun.kind, other.id)).copied().unwrap_or(0);
                let recent = world.tick.saturating_sub(deleted) <= options.reuse_after;
                (
                    recent && options.reuse_after_delete == ReuseAfterDelete::Refused,
                    "was deleted a short while ago",
                )
            } else {
                (options.duplicate_identity == DuplicateIdentity::Refused, "exists already")
            };
            if refused {
                return Err(Refusal::invalid(
                    format!(
                        "A connector with the {} '{identity}' {reason} (id {}).",
                        self.identity, other.id
                    ),
                    format!("Specify another '{}'.", self.identity),
                ));
            }
        }
        Ok(())
    }

    fn finish(&self, object: &mut Object, states: States) {
        if object.get("disabled") == Some(&Value::Bool(true)) {
            requeue(object);
            return;
        }
        let minutes = object.get("runFrequency").and_then(Value::as_u64).unwrap_or(DEFAULT_FREQUENCY);
        let now = world::now();
        let state = if states == States::Errors {
            object.insert("lastError".to_owned(), json!(self.failure));
            object.insert("errors".to_owned(), json!([{"errorMessage": self.failure, "created": now}]));
            "FINISHED_ERRORS"
        } else {
            object.remove("lastError");
            object.remove("errors");
            "FINISHED_SUCCESS"
        };
        object.insert("connectorState".to_owned(), json!(state));
        object.insert("lastSync".to_owned(), json!(now));
        object.insert("nextSync".to_owned(), json!(world::later(minutes)));
    }
}

/// Whether a patch says something of the field at that path.
fn says_something_of(patch: &Patch, field: &str) -> bool {
    let Some((group, member)) = field.split_once('.') else {
        return patch.contains_key(field);
    };
    matches!(patch.get(group), Some(Change::Group(members)) if members.contains_key(member))
}

/// The path as requests spell it.
fn asked_as(noun: &Noun, path: &str, options: &Options) -> String {
    let (group, member) = path.split_once('.').unwrap_or((path, ""));
    match noun.field(group).map(|field| &field.shape) {
        Some(Shape::Group(fields)) => {
            let field = fields.iter().find(|field| field.name == member);
            format!("{group}.{}", field.map_or(member, |field| field.asked_as(options)))
        }
        _ => path.to_owned(),
    }
}

/// A UUID that follows from the id, so that generated subscriptions are the same every time.
pub(crate) fn uuid(id: u64, salt: u64) -> String {
    format!("{:08x}-{salt:04x}-4000-8000-{id:012x}", id & 0xffff_ffff)
}

fn check_ours(record: &Record) -> Result<(), Refusal> {
    let name = record.text("name").unwrap_or_default();
    let id = record.id;
    if record.flag("madeElsewhere") {
        return Err(Refusal::invalid(
            format!(
                "Connector {id} ({name}) was not created in the Connectors application and cannot be updated."
            ),
            "Update only connectors that were created in the Connectors application.",
        ));
    }
    if record.flag("isAttachedToOrgConnector") {
        return Err(Refusal::invalid(
            format!(
                "Connector {id} ({name}) is attached to an organization connector and cannot be updated on its own."
            ),
            "Update the organization connector, or detach this one.",
        ));
    }
    Ok(())
}

fn requeue(object: &mut Object) {
    let disabled = object.get("disabled") == Some(&Value::Bool(true));
    object.insert("connectorState".to_owned(), json!(if disabled { "DISABLED" } else { "QUEUED" }));
}

fn settle_frequency(object: &mut Object, options: &Options) -> Result<(), Refusal> {
    let minutes = object.get("runFrequency").and_then(Value::as_u64).unwrap_or(DEFAULT_FREQUENCY);
    if FREQUENCIES.contains(&minutes) {
        return Ok(());
    }
    match options.odd_run_frequency {
        OddRunFrequency::Accepted => Ok(()),
        OddRunFrequency::Refused => {
            let steps = FREQUENCIES.map(|step| step.to_string()).join(", ");
            Err(Refusal::value("runFrequency", &minutes.to_string(), &format!("Values expected: {steps}.")))
        }
        OddRunFrequency::Rounded => {
            let nearest = FREQUENCIES.into_iter().min_by_key(|step| step.abs_diff(minutes));
            object.insert("runFrequency".to_owned(), json!(nearest));
            Ok(())
        }
    }
}

/// Capabilities are identified by what is connected. One that came without it gets it, and one that followed the identity
/// goes on following it.
fn fill_identifiers(object: &mut Object, before: Option<&Value>, identity: &Value) {
    let Some(Value::Array(apps)) = object.get_mut("connectorAppInfos") else { return };
    for app in apps.iter_mut().filter_map(Value::as_object_mut) {
        let present = app.get("identifier");
        if present.is_none() || (before.is_some() && present == before) {
            app.insert("identifier".to_owned(), identity.clone());
        }
    }
}

/// The samples ask for VM and CERTVIEW with CI and CSA, and get CLOUDVIEW besides, if the cloud has modules at all.
fn add_cloudview(object: &mut Object) {
    let apps = object.get("connectorAppInfos").and_then(Value::as_array);
    let cloudview =
        apps.is_some_and(|apps| apps.iter().any(|app| app["name"] == "CI" || app["name"] == "CSA"));
    if let Some(Value::Array(modules)) = object.get_mut("activation") {
        modules.retain(|module| module != "CLOUDVIEW");
        if cloudview {
            modules.push(json!("CLOUDVIEW"));
        }
    }
}

fn check_modules(object: &Object, options: &Options) -> Result<(), Refusal> {
    let modules = object.get("activation").and_then(Value::as_array);
    let has = |name: &str| modules.is_some_and(|modules| modules.iter().any(|module| module == name));
    if options.pc_with_sca == PcWithSca::Refused && has("PC") && has("SCA") {
        return Err(Refusal::invalid(
            "Field 'activation' holds both PC and SCA.",
            "Specify one of the activation modules PC and SCA.",
        ));
    }
    Ok(())
}

fn check_name(world: &World, noun: &Noun, id: u64, object: &Object) -> Result<(), Refusal> {
    if world.options.duplicate_name == DuplicateName::Accepted {
        return Ok(());
    }
    let name = object.get("name").and_then(Value::as_str).unwrap_or_default();
    let other =
        world.store.with(noun.kind, "name", name).find(|other| other.id != id && !other.flag("isDeleted"));
    match other {
        Some(other) => Err(Refusal::invalid(
            format!("A connector with the name '{name}' exists already (id {}).", other.id),
            "Specify another 'name'.",
        )),
        None => Ok(()),
    }
}
