//! Testing a connection, which is a job, and the management groups that the job brings.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::organization::check_uuid;
use super::{named, show};
use crate::simulator::answer::Answer;
use crate::simulator::gateway::fields::{Field, Shape, Table, fill, own, written};
use crate::simulator::gateway::page::Wanted;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::{Call, Outcome};
use crate::simulator::gateway::{body, clock};
use crate::simulator::options::ManagementGroupsPage;
use crate::simulator::qps::uuid;
use crate::simulator::store::Record;
use crate::simulator::world::World;

/// A tenant with its management groups. `synced`: a test has brought them into the platform's database.
pub(in super::super) static TENANT: Table = Table {
    kind: "azure_tenant",
    named_by: "tenantId",
    single: false,
    fields: &[
        own("tenantId", Shape::Text(0)),
        own("managementGroups", Shape::List(&Shape::Text(0))),
        own("synced", Shape::Flag),
    ],
    complete: |_, _, object| {
        fill(object, [("managementGroups", json!(GROUPS)), ("synced", json!(false))]);
    },
    settled: |_, _| {},
    generated: |index| json!({"tenantId": uuid(index as u64, 0x7e4a)}),
};

/// The groups of a tenant that no seed speaks of.
const GROUPS: &[&str] = &["Tenant Root Group", "Production", "Staging", "Sandbox"];

const TEST: &[Field] = &[
    written("tenantId", Shape::Checked(check_uuid)),
    written("applicationId", Shape::Checked(check_uuid)),
    written("secretValue", Shape::Text(0)),
];

const KNOWN: &[Field] = &[
    written("tenantId", Shape::Checked(check_uuid)),
    written("applicationId", Shape::Checked(check_uuid)),
    written("pageSize", Shape::Number),
    written("pageNumber", Shape::Number),
];

/// The jobs that tests have started.
#[derive(Debug, Default)]
pub(in super::super) struct Jobs(HashMap<String, Job>);

#[derive(Debug, Clone)]
struct Job {
    tenant: String,
    reads: u64,
    created: String,
}

/// `POST /org/azure/test/`
pub(super) fn test(call: &mut Call<'_>) -> Outcome {
    let taken: Vec<_> = TEST.iter().collect();
    let given = body::object(call, &taken, &["tenantId", "applicationId", "secretValue"])?;
    let tenant = given["tenantId"].as_str().unwrap_or_default().to_owned();
    let id = uuid::Uuid::new_v4().to_string();
    let job = Job { tenant, reads: 0, created: clock::stamp(0) };
    call.world.gateway.jobs.0.insert(id.clone(), job);
    Ok(Answer::json(200, &json!({"responseMessage": null, "responseCode": "SUCCESS", "jobUuid": id})))
}

/// `GET /org/azure/job/{uuid}`: "This Job syncs all management groups of the given Tenant".
pub(super) fn job(call: &mut Call<'_>) -> Outcome {
    let id = call.named.first().copied().unwrap_or_default();
    let needed = call.world.options.job_reads;
    let Some(job) = call.world.gateway.jobs.0.get_mut(id) else {
        return Err(Refusal::not_found(format!("There is no job {id}.")));
    };
    job.reads += 1;
    let job = job.clone();
    let done = job.reads >= needed;
    if done {
        sync(call.world, &job.tenant);
    }
    Ok(Answer::json(
        200,
        &json!({
            "status": if done { "COMPLETED" } else { "RUNNING" },
            "error": null,
            "createOn": job.created,
            "updatedOn": clock::stamp(0),
        }),
    ))
}

/// `POST /org/azure/management-groups/`: empty until a test of the tenant has brought its groups.
pub(super) fn known(call: &mut Call<'_>) -> Outcome {
    let taken: Vec<_> = KNOWN.iter().collect();
    let given = body::object(call, &taken, &["tenantId", "applicationId"])?;
    let place = call.world.options.management_groups_page;
    let mut wanted = match place {
        ManagementGroupsPage::Either | ManagementGroupsPage::Query => Wanted::read(call)?,
        ManagementGroupsPage::Body => Wanted::default(),
    };
    if place != ManagementGroupsPage::Query {
        let number = |name: &str| given.get(name).and_then(Value::as_u64);
        wanted.number = number("pageNumber").unwrap_or(wanted.number);
        wanted.size = number("pageSize").unwrap_or(wanted.size);
    }
    if wanted.size == 0 {
        return Err(Refusal::bad("Field 'pageSize' takes a whole number from 1, not 0."));
    }
    let tenant = find(call.world, given["tenantId"].as_str().unwrap_or_default());
    let groups = tenant.filter(|tenant| tenant.flag("synced"));
    let groups = groups.and_then(|tenant| tenant.object.get("managementGroups")?.as_array());
    Ok(wanted.answer(groups.map_or(&[], Vec::as_slice)))
}

/// `GET /org/azure/management-groups/{id}`
pub(super) fn attached(call: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, &show::groups(&named(call)?)))
}

fn find<'a>(world: &'a World, tenant: &str) -> Option<&'a Record> {
    let mut tenants = world.store.starting_at(TENANT.kind, 0).map(AsRef::as_ref);
    tenants.find(|record: &&Record| record.text("tenantId") == Some(tenant))
}

fn sync(world: &mut World, tenant: &str) {
    let mut record = find(world, tenant).cloned().unwrap_or_else(|| {
        let object = [("tenantId".to_owned(), json!(tenant))].into_iter().collect();
        Record { id: 0, object }
    });
    if record.flag("synced") {
        return;
    }
    if record.id == 0 {
        record.id = world.store.take_id();
    }
    (TENANT.complete)(world, record.id, &mut record.object);
    record.object.insert("synced".to_owned(), json!(true));
    world.put(TENANT.kind, record);
}
