//! Planning: what differs, why, and what is done about it. Desired states are files, live states a shorthand
//! of the same fields; the result is compared as the lines that a person reads.

#![expect(clippy::unwrap_used, reason = "a test whose scene cannot be set up has failed")]

#[path = "plan/addresses.rs"]
mod addresses;
#[path = "plan/causes.rs"]
mod causes;
#[path = "plan/clouds.rs"]
mod clouds;
#[path = "plan/deletes.rs"]
mod deletes;
#[path = "plan/fields.rs"]
mod fields;
#[path = "plan/held.rs"]
mod held;
#[path = "plan/limits.rs"]
mod limits;
#[path = "plan/many.rs"]
mod many;
#[path = "plan/names.rs"]
mod names;
#[path = "plan/next_runs.rs"]
mod next_runs;
#[path = "plan/order.rs"]
mod order;
#[path = "plan/prune.rs"]
mod prune;
#[path = "plan/replace.rs"]
mod replace;
#[path = "plan/tags.rs"]
mod tags;
#[path = "plan/text.rs"]
mod text;
#[path = "plan/unidentified.rs"]
mod unidentified;

use std::collections::BTreeMap;

use serde_json::Value;
use trueup::desired::{self, Desired};
use trueup::plan::{Known, KnownObject, LiveState, Observation, Plan, Policy, plan};
use trueup::resource::{Health, Kind, LiveObject, Membership, Owner};

const HEAD: &str = "version: 1\nplatform: {pod: simulator}\n";

#[track_caller]
fn desired(yaml: &str) -> Desired {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, format!("{HEAD}{yaml}")).unwrap();
    let mut desired = match desired::load(&path) {
        Ok(desired) => desired,
        Err(rejected) => panic!("{rejected}: {:#?}", rejected.problems),
    };
    for entry in &mut desired.declared {
        entry.place.file = "config.yaml".into();
    }
    for place in desired.warnings.iter_mut().filter_map(|warning| warning.place.as_mut()) {
        place.file = "config.yaml".into();
    }
    desired
}

/// A live state: a list of tables with the fields of the kind, and beside them `kind`, `id`, and where they
/// matter `owner`, `locked`, `state`, `last_error`, `hint`, `unread`, `within`, `not` (a field that is not told, with what it is not).
/// A kind with `fails: WHY` could not be read.
#[track_caller]
fn live(yaml: &str) -> LiveState {
    let rows: Vec<serde_json::Map<String, Value>> = serde_yaml::from_str(yaml).unwrap();
    let mut kinds = BTreeMap::new();
    for &kind in Kind::ALL {
        kinds.insert(kind, Ok(Vec::new()));
    }
    for mut row in rows {
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let kind: Kind = row.remove("kind").map(text).unwrap().parse().unwrap();
        if let Some(why) = row.remove("fails") {
            kinds.insert(kind, Err(text(why).into()));
            continue;
        }
        let id = row.remove("id").map(text).unwrap();
        let owner = row.remove("owner").map(text);
        let locked = row.remove("locked").map(text);
        let hint = row.remove("hint").map(text);
        let unread = row.remove("unread").map(text);
        let within = row.remove("within").map(text);
        let health = Health {
            state: row.remove("state").map(text),
            last_error: row.remove("last_error").map(text),
            ..Health::default()
        };
        let unreadable = match row.remove("not") {
            Some(Value::Object(not)) => {
                not.into_iter().map(|(name, value)| (kind.field(&name).unwrap().name, value)).collect()
            }
            _ => BTreeMap::new(),
        };
        let spec = kind.deserialize(Value::Object(row)).unwrap();
        let owner = owner.map(|name| Owner {
            prevent_delete: name.ends_with('!'),
            name: name.trim_end_matches('!').to_owned(),
        });
        let object = LiveObject {
            unreadable,
            hint,
            unread,
            within,
            owner,
            health,
            locked,
            ..LiveObject::new(id, spec)
        };
        kinds.get_mut(&kind).unwrap().as_mut().unwrap().push(object);
    }
    LiveState::new(kinds, Membership::NotAsked)
}

/// What the journal knows after a pass over these states.
fn known_after(desired: &Desired, live: &LiveState) -> Known {
    let mut known = Known::default();
    let seen = plan(desired, live, &known, &Policy::from_settings(&desired.settings.reconcile));
    for observation in seen.observed {
        if let Observation::Seen { kind, id, identity, base, protected } = observation {
            let object = KnownObject {
                identity,
                base: base.into(),
                written: "{}".into(),
                ours: false,
                marked: false,
                protected,
                missing: false,
            };
            known.objects.insert((kind, id), object);
        }
    }
    known
}

/// What is known after a pass over the live state in which these were written to fields that are not read back.
fn known_to_have_written(file: &Desired, live: &LiveState, written: &str) -> Known {
    let mut known = known_after(file, live);
    for object in known.objects.values_mut() {
        object.written = written.into();
    }
    known
}

fn plan_of(desired: &Desired, live: &LiveState, known: &Known) -> Plan {
    plan(desired, live, known, &Policy::from_settings(&desired.settings.reconcile))
}

/// The changes and failures of a plan, a line each: `symbol address [cause] [held: why] field: before -> after`.
fn lines(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for change in &plan.changes {
        let cause = if change.cause == trueup::plan::Cause::Pending {
            String::new()
        } else {
            format!(" {:?}", change.cause)
        };
        let held = change.held.as_ref().map(|held| format!(" held: {}", held.why)).unwrap_or_default();
        lines.push(format!("{} {}{cause}{held}", change.action.symbol(), change.address));
        if change.action != trueup::plan::Action::Create {
            for field in &change.fields {
                lines.push(format!("    {}: {} -> {}", field.path, field.before, field.after));
            }
        }
    }
    for failed in &plan.failed {
        let what = failed.address.as_ref().map_or(failed.kind.to_string(), ToString::to_string);
        lines.push(format!("x {what}: {}", failed.error));
    }
    for object in &plan.unverified {
        lines.push(format!("? {}: {}", object.address, object.fields.join(", ")));
    }
    for object in &plan.unmanaged {
        lines.push(format!("o {} unmanaged", object.address));
    }
    for object in &plan.unidentified {
        lines.push(format!("u {}: {}", object.address, object.why));
    }
    if let Some(blocked) = &plan.blocked {
        lines.push(format!(
            "blocked: {} allows {}, wanted {}",
            blocked.limit, blocked.allowed, blocked.wanted
        ));
    }
    lines.join("\n")
}

#[track_caller]
fn check(wanted: &str, live_state: &str, expected: &str) {
    let plan = plan_of(&desired(wanted), &live(live_state), &Known::default());
    assert_lines(&plan, expected);
}

#[track_caller]
fn assert_lines(plan: &Plan, expected: &str) {
    let expected: Vec<&str> =
        expected.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
    let indent = expected.iter().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let expected: Vec<&str> = expected.iter().map(|line| &line[indent..]).collect();
    assert_eq!(lines(plan), expected.join("\n"));
}

const A: &str = "arn:aws:iam::111111111111:role/Q";

fn aws(fields: &str) -> String {
    format!("connectors: {{aws: [{{name: a, arn: '{A}', {fields}}}]}}")
}

fn live_aws(fields: &str) -> String {
    format!("- {{kind: aws, id: 1, name: a, arn: '{A}', {fields}}}")
}

fn many(count: usize) -> String {
    let row = |n| format!("- {{kind: aws, id: {n}, name: n{n}, arn: '{A}{n}', enabled: true}}\n");
    (0..count).map(row).collect::<Vec<_>>().concat()
}

const SUBSCRIPTION: &str = "0a0a0a0a-1111-4222-8333-444444444444";
const DIRECTORY: &str = "0b0b0b0b-1111-4222-8333-444444444444";
const APPLICATION: &str = "0c0c0c0c-1111-4222-8333-444444444444";

fn azure(fields: &str) -> String {
    format!("connectors: {{azure: [{{name: a, subscription_id: {SUBSCRIPTION}, {fields}}}]}}")
}

fn live_azure(fields: &str) -> String {
    format!("- {{kind: azure, id: 1, name: a, subscription_id: {SUBSCRIPTION}, {fields}}}\n")
}
