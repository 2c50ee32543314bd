//! What a registry's schedule holds, how it is shown, and how its runs go.

use serde_json::{Value, json};

use super::registry::REGISTRY;
use crate::simulator::gateway::clock;
use crate::simulator::gateway::fields::{Field, Shape, Table, fill, own, written};
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::options::{ScheduleId, States};
use crate::simulator::qps::uuid;
use crate::simulator::store::{Object, Record};
use crate::simulator::world::World;

/// Seeds hold fixed times, so that the same seed is the same subscription.
pub(super) const LONG_AGO: &str = "1762160400000";

const DAYS: &[&str] = &["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];

/// A schedule. `registry` is whose it is, `readsUntilGone` that it is being deleted.
pub(in super::super) static SCHEDULE: Table = Table {
    kind: "registry_schedule",
    named_by: "name",
    single: false,
    fields: &[
        own("registry", Shape::Of("registry")),
        written("filters", Shape::List(&Shape::Group(FILTER))),
        written("name", Shape::Text(0)),
        written("onDemand", Shape::Flag),
        written("schedule", Shape::Checked(check_time)),
        written("forceScan", Shape::Flag),
        written("registryType", Shape::Text(0)),
        written("scheduleIntervalInDays", Shape::Number),
        written("additionalFilters", Shape::Group(ADDITIONAL)),
        written("weekDay", Shape::Word(DAYS)),
        own("scheduleUuid", Shape::Text(0)),
        own("status", Shape::Word(&["Queued", "Running", "Finished", "Error", "Unknown", "Canceled"])),
        own("created", Shape::Text(0)),
        own("updated", Shape::Text(0)),
        own("jobStartDate", Shape::Text(0)),
        own("jobCompletionDate", Shape::Text(0)),
        own("readsUntilGone", Shape::Number),
    ],
    complete: |_, id, object| {
        fill(
            object,
            [
                ("onDemand", json!(false)),
                ("schedule", json!("02:00")),
                ("scheduleIntervalInDays", json!(1)),
                ("filters", json!([])),
                ("status", json!("Finished")),
                ("created", json!(LONG_AGO)),
                ("updated", json!(LONG_AGO)),
            ],
        );
        give(id, object);
    },
    settled,
    generated: |index| {
        json!({
            "name": format!("generated-schedule-{index:05}"),
            "filters": [{"days": null, "repoTags": [{"repo": format!("generated/{index:05}"), "tag": null}]}],
        })
    },
};

const FILTER: &[Field] = &[
    written("days", Shape::Number),
    written(
        "repoTags",
        Shape::List(&Shape::Group(&[written("repo", Shape::Text(0)), written("tag", Shape::Text(0))])),
    ),
];

const ADDITIONAL: &[Field] =
    &[written("numberOfTags", Shape::Number), written("sortCriteria", Shape::Text(0))];

/// What the platform gives every schedule by itself.
pub(super) fn give(id: u64, object: &mut Object) {
    let now = clock::milliseconds_text();
    fill(
        object,
        [
            ("scheduleUuid", json!(uuid(id, 0x5c4e))),
            ("onDemand", json!(true)),
            ("forceScan", json!(false)),
            ("status", json!("Queued")),
            ("created", json!(now)),
            ("updated", json!(now)),
        ],
    );
}

/// The id that create and update answer with.
pub(super) fn profile(world: &World, record: &Record) -> Value {
    match world.options.schedule_id {
        ScheduleId::Same => json!(record.text("scheduleUuid")),
        ScheduleId::Different => json!(uuid(record.id, 0x94f1)),
    }
}

/// As the list shows it: no name, and no days where there are none.
pub(super) fn show(record: &Record) -> Value {
    let mut shown = json!({
        "scheduleUuid": null,
        "onDemand": null,
        "created": null,
        "updated": null,
        "jobStartDate": null,
        "jobCompletionDate": null,
        "name": null,
        "errors": null,
        "schedule": null,
        "filters": [],
        "additionalFilters": null,
        "status": null,
        "jobListingStartDate": record.text("jobStartDate"),
        "jobListingCompletionDate": null,
        "jobScanningStartDate": record.text("jobStartDate"),
        "jobScanningCompletionDate": record.text("jobCompletionDate"),
        "forceScan": null,
        "scheduleIntervalInDays": null,
        "weekDay": null,
    });
    for (name, value) in &record.object {
        if name != "name" && shown.get(name).is_some() {
            shown[name] = value.clone();
        }
    }
    for filter in shown["filters"].as_array_mut().into_iter().flatten() {
        filter["days"] = json!(filter["days"].as_u64().unwrap_or(0));
        for tag in filter["repoTags"].as_array_mut().into_iter().flatten() {
            tag["tag"] = json!(tag["tag"].as_str());
        }
    }
    shown
}

/// What holds for a schedule as a whole.
pub(super) fn check(object: &Object) -> Result<(), Refusal> {
    let refused = |field: &str, rule: &str| Err(Refusal::bad(format!("Field '{field}' {rule}.")));
    let filters = object.get("filters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for filter in filters {
        if !filter["days"].is_null() && !filter["days"].as_u64().is_some_and(|days| days <= 7 || days == 14) {
            return refused("filters.days", "takes null, 1 to 7, and 14");
        }
        let tags = filter["repoTags"].as_array().map_or(&[][..], Vec::as_slice);
        if tags.is_empty() {
            return refused("filters.repoTags", "is required");
        }
        if tags.iter().any(|tag| tag["repo"].as_str().is_none_or(str::is_empty)) {
            return refused("filters.repoTags.repo", "is required");
        }
    }
    let automatic = object.get("onDemand") == Some(&json!(false));
    if automatic && !object.contains_key("schedule") {
        return refused("schedule", "is required for an automatic schedule");
    }
    let interval = object.get("scheduleIntervalInDays").and_then(Value::as_u64);
    if interval.is_some_and(|days| !(1..=365).contains(&days)) {
        return refused("scheduleIntervalInDays", "takes a number from 1 to 365");
    }
    // "This field is valid only when the scheduleIntervalInDays parameter has a value of 7."
    match (automatic && interval == Some(7), object.contains_key("weekDay")) {
        (true, false) => refused("weekDay", "is required when scheduleIntervalInDays is 7"),
        (false, true) => {
            refused("weekDay", "is taken only by an automatic schedule with scheduleIntervalInDays 7")
        }
        _ => Ok(()),
    }
}

/// What becomes of a schedule because it was looked at: time passes here by looking.
pub(super) fn seen(world: &mut World, id: u64) {
    let Some(record) = world.store.get(SCHEDULE.kind, id).cloned() else { return };
    let Some(status @ ("Queued" | "Running")) = record.text("status") else { return };
    let ending = world.options.states;
    if ending == States::Frozen {
        return;
    }
    let needed = world.options.state_reads;
    let reads = world.reads.entry((SCHEDULE.kind, id)).or_default();
    *reads += 1;
    if *reads < needed {
        return;
    }
    let (next, field) = match (status, ending) {
        ("Queued", _) => ("Running", "jobStartDate"),
        (_, States::Errors) => ("Error", "jobCompletionDate"),
        _ => ("Finished", "jobCompletionDate"),
    };
    let mut object = record.object.clone();
    object.insert("status".to_owned(), json!(next));
    object.insert(field.to_owned(), json!(clock::milliseconds_text()));
    world.put(SCHEDULE.kind, Record { id, object });
}

/// A seed's schedule without a registry belongs to the first one.
fn settled(world: &mut World, record: &Record) {
    if record.object.contains_key("registry") {
        return;
    }
    let Some(registry) = world.store.starting_at(REGISTRY.kind, 0).next().map(|registry| registry.id) else {
        return;
    };
    let mut object = record.object.clone();
    object.insert("registry".to_owned(), json!(registry));
    world.put(SCHEDULE.kind, Record { id: record.id, object });
}

fn check_time(text: &str) -> Result<(), &'static str> {
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once(':') {
        Some((hours, minutes)) if digits(hours) && digits(minutes) && hours < "24" && minutes < "60" => {
            Ok(())
        }
        _ => Err("a time such as 09:30"),
    }
}
