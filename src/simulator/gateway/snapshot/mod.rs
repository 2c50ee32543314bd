//! Snapshot-based assessment: one registered account that is scanned by a schedule ("Snapshot-based Assessment").

use serde_json::{Value, json};

use super::body;
use super::fields::{Shape, Table, fill, written};
use super::refusal::Refusal;
use super::service::{Call, Outcome, Route, Service, bare, text};
use crate::simulator::answer::Answer;
use crate::simulator::options::{SnapshotNeedsConnector, SnapshotReregister};
use crate::simulator::store::{Object, Record};
use crate::simulator::world::World;

mod cron;

/// `/conn/snapshot/v1.0`.
pub(super) static SERVICE: Service = Service {
    prefix: "/conn/snapshot/v1.0",
    routes: &[
        Route::write("POST", "register-service-account", register),
        // It is a GET, and yet it starts a scan.
        Route::write("GET", "register-scanner-run", run),
        Route::write("DELETE", "deregister-service-account", deregister),
    ],
    enabled: |_| true,
    refuse: Refusal::answer,
};

/// The registered account. There is no call to read it.
pub(super) static REGISTRATION: Table = Table {
    kind: "snapshot_registration",
    named_by: "accountId",
    single: true,
    fields: &[
        written("accountId", Shape::Checked(check_account)),
        written("schedule", Shape::Checked(cron::check)),
        written(
            "tags",
            Shape::List(&Shape::Group(&[
                written("tagKey", Shape::Text(0)),
                written("tagValue", Shape::Text(0)),
            ])),
        ),
    ],
    complete: |_, _, object| fill(object, [("schedule", json!("0 0 2 ? * * *")), ("tags", json!([]))]),
    settled: |_, _| {},
    generated: |index| json!({"accountId": format!("{}", 900_000_000_000_u64 + index as u64)}),
};

const NOT_REGISTERED: &str = "Service account not found";

/// "Configure your AWS account as a service account to be used for the Snapshot Based scan."
fn register(call: &mut Call<'_>) -> Outcome {
    let given = body::object(call, &REGISTRATION.taken(), &["accountId", "schedule"])?;
    for tag in given.get("tags").and_then(Value::as_array).into_iter().flatten() {
        if let Some(name) = ["tagKey", "tagValue"].into_iter().find(|name| !tag[name].is_string()) {
            return Err(Refusal::missing(&format!("tags.{name}")));
        }
    }
    if call.world.options.snapshot_needs_connector == SnapshotNeedsConnector::Required {
        check_connector(call.world, &given)?;
    }
    let registered = registration(call.world).map(|record| record.id);
    if registered.is_some() && call.world.options.snapshot_reregister == SnapshotReregister::Kept {
        return Ok(bare(304));
    }
    let id = registered.unwrap_or_else(|| call.world.store.take_id());
    let mut object = given;
    (REGISTRATION.complete)(call.world, id, &mut object);
    call.world.put(REGISTRATION.kind, Record { id, object });
    let status = if registered.is_some() { 200 } else { 201 };
    Ok(text(status, "Successfully registered the service account"))
}

/// "Run a snapshot scan on all the registered target accounts."
fn run(call: &mut Call<'_>) -> Outcome {
    let Some(registered) = registration(call.world) else { return Err(Refusal::not_found(NOT_REGISTERED)) };
    let account = registered.text("accountId").unwrap_or_default().to_owned();
    let connector = connectors(call.world, &account).next().map(|record| record.id.to_string());
    let images = ["ap-northeast-1", "ap-south-1", "eu-central-1", "us-east-1", "us-west-2"];
    let images: Object = (0x51_u64..)
        .zip(images)
        .map(|(index, region)| (region.to_owned(), json!(format!("ami-{:017x}", index << 24))))
        .collect();
    Ok(Answer::json(
        200,
        &json!({
            "targetAccounts": [{"awsAccountId": account, "connectorId": connector}],
            "amis": images,
        }),
    ))
}

/// It names no account: there is but the one.
fn deregister(call: &mut Call<'_>) -> Outcome {
    let Some(id) = registration(call.world).map(|record| record.id) else {
        return Err(Refusal::not_found(NOT_REGISTERED));
    };
    call.world.remove(REGISTRATION.kind, id);
    Ok(bare(204))
}

fn registration(world: &World) -> Option<&Record> {
    world.store.starting_at(REGISTRATION.kind, 0).next().map(AsRef::as_ref)
}

/// 404 "Connector not found", 400 "connector is not cloudview".
fn check_connector(world: &World, given: &Object) -> Result<(), Refusal> {
    let account = given.get("accountId").and_then(Value::as_str).unwrap_or_default();
    let cloudview = |record: &&Record| {
        let apps = record.object.get("connectorAppInfos").and_then(Value::as_array);
        apps.is_some_and(|apps| apps.iter().any(|app| app["name"] == "CI" || app["name"] == "CSA"))
    };
    if connectors(world, account).next().is_none() {
        return Err(Refusal::not_found("Connector not found"));
    }
    if connectors(world, account).find(cloudview).is_none() {
        return Err(Refusal::bad(format!("The connector of accountId {account} is not cloudview.")));
    }
    Ok(())
}

fn connectors<'a>(world: &'a World, account: &str) -> impl Iterator<Item = &'a Record> {
    let part = format!(":{account}:");
    let all = world.store.starting_at("aws", 0).map(AsRef::as_ref);
    all.filter(move |record: &&Record| {
        !record.flag("isDeleted") && record.text("arn").is_some_and(|arn| arn.contains(&part))
    })
}

fn check_account(text: &str) -> Result<(), &'static str> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err("an AWS account of twelve digits")
}
