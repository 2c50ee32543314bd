//! The control calls below `/_sim/`: what tests and demonstrations use to look inside and to make trouble.

use axum::http::Uri;
use serde_json::{Value, json};

use super::answer::{Answer, Request};
use super::http::Shared;
use super::kind::{self, Plain};
use super::mask::mask;
use super::seed;
use super::store::{Object, Record, at};
use super::traffic::Fault;
use super::world::World;
use crate::loopback;

type Outcome = Result<Value, String>;

/// Refuses a call that a page of somebody else's may have made in a browser on this machine: under another host name, from
/// another origin, or as a form, which a browser sends anywhere without asking.
pub(crate) fn refuse(uri: &Uri, request: &Request) -> Option<Answer> {
    let refusal = |status, error: &str| Some(Answer::json(status, &json!({"error": error})));
    if !loopback::is_named(uri, &request.headers) {
        return refusal(
            421,
            "control calls are for this machine alone: Host is to be a loopback address or localhost",
        );
    }
    let own = request.header("host").map(|host| format!("http://{host}"));
    if request.headers.contains_key("origin") && request.header("origin") != own.as_deref() {
        return refusal(403, "control calls are not for the pages of others: Origin is another one");
    }
    let writes = !matches!(request.method.as_str(), "GET" | "HEAD");
    let carries = request.method == "POST" || !request.body.is_empty();
    if writes && carries && request.media_type() != "application/json" {
        return refusal(415, "what a control call sends is JSON: Content-Type is to be application/json");
    }
    None
}

/// Answers a control call: 200 with JSON, or 400 with `{"error"}` that names what is accepted.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Answer {
    if let Err(error) = check_parameters(request) {
        return Answer::json(400, &json!({"error": error}));
    }
    let outcome = match (request.method.as_str(), request.path.trim_end_matches('/')) {
        ("GET", "/_sim/faults") => Ok(json!({"faults": shared.traffic().faults})),
        ("POST", "/_sim/faults") => add_faults(shared, request),
        ("DELETE", "/_sim/faults") => {
            shared.heal();
            Ok(json!({"faults": shared.traffic().faults}))
        }
        ("GET", "/_sim/requests") => Ok(shared.traffic().log.show()),
        ("DELETE", "/_sim/requests") => {
            // Shown and forgotten in one step: a request that comes meanwhile stands in this answer or in the next.
            let log = std::mem::take(&mut shared.traffic().log);
            Ok(log.show())
        }
        ("GET", "/_sim/objects") => list(&shared.world(), request.parameter("kind").as_deref()),
        ("POST", "/_sim/objects") => change(shared, request),
        ("POST", "/_sim/account") => change_account(shared, request),
        ("GET", "/_sim/options") => Ok(json!(shared.world().options.values())),
        ("POST", "/_sim/options") => set_options(shared, request),
        (_, "/_sim/faults" | "/_sim/requests" | "/_sim/objects" | "/_sim/account" | "/_sim/options") => {
            return Answer::json(405, &json!({"error": format!("{} is not taken here", request.method)}));
        }
        _ => {
            let known =
                "there are /_sim/faults, /_sim/requests, /_sim/objects, /_sim/account and /_sim/options";
            return Answer::json(404, &json!({"error": known}));
        }
    };
    match outcome {
        Ok(mut value) => {
            if !shared.show_secrets {
                mask(&mut value);
            }
            Answer::json(200, &value)
        }
        Err(error) => Answer::json(400, &json!({"error": error})),
    }
}

/// One call takes one parameter; a misspelt one would show everything instead of what was asked for.
fn check_parameters(request: &Request) -> Result<(), String> {
    let lists = request.method == "GET" && request.path.trim_end_matches('/') == "/_sim/objects";
    let accepted: &[&str] = if lists { &["kind"] } else { &[] };
    let mut given = request.parameters();
    match given.find(|name| !accepted.contains(&name.as_str())) {
        Some(unknown) if lists => Err(format!("there is no parameter {unknown:?}; there is kind")),
        Some(unknown) => Err(format!("there is no parameter {unknown:?} here")),
        None => Ok(()),
    }
}

fn body(request: &Request) -> Outcome {
    serde_json::from_slice(&request.body).map_err(|error| format!("the body is no valid JSON: {error}"))
}

fn add_faults(shared: &Shared, request: &Request) -> Outcome {
    let read = |value: Value| {
        let fault: Fault =
            serde_json::from_value(value).map_err(|error| format!("this is no fault: {error}"))?;
        fault.check().map_err(|problem| format!("this is no fault: {problem}"))?;
        Ok(fault)
    };
    match body(request)? {
        // All or none: a typing error in the third one does not leave the first two in force.
        Value::Array(all) => {
            let faults = all.into_iter().map(read).collect::<Result<Vec<_>, String>>()?;
            let mut traffic = shared.traffic();
            Ok(faults.into_iter().map(|fault| json!(traffic.add_fault(fault))).collect())
        }
        one => {
            let fault = read(one)?;
            Ok(json!(shared.traffic().add_fault(fault)))
        }
    }
}

/// Somebody gives the account another password.
fn change_account(shared: &Shared, request: &Request) -> Outcome {
    let refused = || "an object with the account's new password is expected".to_owned();
    let Value::Object(mut given) = body(request)? else { return Err(refused()) };
    match (given.remove("password"), given.is_empty()) {
        (Some(Value::String(password)), true) => {
            shared.account.change_password(password);
            Ok(json!({"username": shared.account.username}))
        }
        _ => Err(refused()),
    }
}

fn set_options(shared: &Shared, request: &Request) -> Outcome {
    let Value::Object(given) = body(request)? else {
        return Err("an object of names and values is expected".to_owned());
    };
    let mut world = shared.world();
    // All or nothing: a typing error in the third name does not leave the first two set.
    let mut options = world.options.clone();
    for (name, value) in given {
        let text = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        options.set(&name, &text)?;
    }
    if options.search_lag == 0 && options.attach_lag == 0 {
        world.forget_lag();
    }
    world.options = options;
    Ok(json!(world.options.values()))
}

fn shown(plain: &dyn Plain, record: &Record) -> Value {
    let mut object = record.object.clone();
    object.insert("id".to_owned(), json!(record.id));
    json!({"kind": plain.kind(), "id": record.id, "object": object})
}

/// The live objects: deleted connectors are left out.
fn list(world: &World, kind: Option<&str>) -> Outcome {
    let kinds = match kind {
        Some(kind) => vec![kind::find(kind)?],
        None => kind::all().collect(),
    };
    let records = kinds.into_iter().flat_map(|plain| {
        let live = world.store.starting_at(plain.kind(), 0).filter(|record| !record.flag("isDeleted"));
        live.map(move |record| shown(plain, record))
    });
    Ok(json!({"objects": records.collect::<Vec<_>>()}))
}

/// Somebody changes an object behind the client's back.
fn change(shared: &Shared, request: &Request) -> Outcome {
    let given = body(request)?;
    let mut world = shared.world();
    let outcome = match given {
        Value::Array(all) => {
            all.into_iter().map(|one| change_one(&mut world, one)).collect::<Result<_, _>>().map(Value::Array)
        }
        one => change_one(&mut world, one),
    };
    // All or none: what came before the one that is refused is taken back.
    match outcome {
        Ok(shown) => {
            world.commit().map_err(|error| format!("the state file cannot be written: {error}"))?;
            Ok(shown)
        }
        Err(problem) => {
            world.store.roll_back();
            Err(problem)
        }
    }
}

fn change_one(world: &mut World, given: Value) -> Outcome {
    const ACCEPTED: &str = "kind, one of id, name and the cloud identity (arn, subscriptionId, projectId, tenantId), and one of set, create and delete";
    let Value::Object(given) = given else { return Err(format!("an object is expected, with {ACCEPTED}")) };
    let (mut kind, mut found, mut set, mut create, mut delete) = (None, Vec::new(), None, None, false);
    for (key, value) in given {
        match (key.as_str(), value) {
            ("kind", Value::String(name)) => kind = Some(kind::find(&name)?),
            ("id" | "name", value) => found.push((key, value)),
            (identity, value) if kind::all().any(|plain| plain.identity_key() == Some(identity)) => {
                found.push((key, value));
            }
            ("set" | "patch" | "fields" | "update", Value::Object(fields)) => set = Some(fields),
            ("create" | "add", Value::Object(fields)) => create = Some(fields),
            ("delete" | "remove", Value::Bool(flag)) => delete = flag,
            (key, value) => return Err(format!("{key:?}: {value} is not taken; taken are {ACCEPTED}")),
        }
    }
    let plain = kind.ok_or_else(|| format!("there is no kind; taken are {ACCEPTED}"))?;
    match (set, create, delete) {
        (None, Some(fields), false) => {
            let id = fields.get("id").and_then(Value::as_u64);
            let id = seed::add(world, plain, id, &fields)?;
            Ok(world.store.get(plain.kind(), id).map_or(Value::Null, |record| shown(plain, record)))
        }
        (Some(fields), None, false) => {
            let record = find(world, plain, &found)?;
            set_fields(world, plain, record, &fields)
        }
        (None, None, true) => {
            let record = find(world, plain, &found)?;
            world.remove(plain.kind(), record.id);
            Ok(shown(plain, &record))
        }
        _ => Err(format!("one thing at a time; taken are {ACCEPTED}")),
    }
}

fn set_fields(world: &mut World, plain: &dyn Plain, mut record: Record, fields: &Object) -> Outcome {
    for (name, value) in plain.read(world, fields)? {
        match value {
            Some(value) => drop(record.object.insert(name, value)),
            None => drop(record.object.remove(&name)),
        }
    }
    seed::check_named(plain, &record.object)?;
    plain.complete(world, record.id, &mut record.object);
    let record = world.put(plain.kind(), record);
    plain.settled(world, &record);
    Ok(shown(plain, &record))
}

/// The one object that is meant.
fn find(world: &World, plain: &dyn Plain, by: &[(String, Value)]) -> Result<Record, String> {
    let identity = plain.identity_key();
    if by.is_empty() && !plain.is_single() {
        let or = identity.map(|key| format!(" or {key}")).unwrap_or_default();
        return Err(format!("which one? name it by id, name{or}"));
    }
    let live = world.store.starting_at(plain.kind(), 0).filter(|record| !record.flag("isDeleted"));
    let mut meant = live.filter(|record| {
        by.iter().all(|(key, value)| match key.as_str() {
            "id" => Some(record.id) == value.as_u64().or_else(|| value.as_str()?.parse().ok()),
            "name" => record.object.get(plain.named_by()) == Some(value),
            key if Some(key) == identity => {
                plain.identity().and_then(|path| at(&record.object, path)) == Some(value)
            }
            key => record.object.get(key) == Some(value),
        })
    });
    let which = || {
        let all: Vec<_> = by.iter().map(|(key, value)| format!("{key} {value}")).collect();
        if all.is_empty() { String::new() } else { format!(" with {}", all.join(", ")) }
    };
    let first = meant.next().ok_or_else(|| format!("there is no {} object{}", plain.kind(), which()))?;
    match meant.next() {
        Some(_) => Err(format!("there are several {} objects{}", plain.kind(), which())),
        None => Ok(first.as_ref().clone()),
    }
}
