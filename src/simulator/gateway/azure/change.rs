//! Create, edit and delete.

use serde_json::{Value, json};

use super::organization::{self, OPTIONAL, ORGANIZATION, REQUIRED};
use super::{members, named, show};
use crate::simulator::answer::Answer;
use crate::simulator::gateway::body;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::{Call, Outcome, bare};
use crate::simulator::options::{OrgEditOmitted, OrgFrequency, PcWithSca};
use crate::simulator::store::{Object, Record};

/// "The following fields cannot be edited using the Edit API"; the identifiers of the capabilities belong to them.
const IMMUTABLE: &[&str] = &["applicationId", "name", "connectorPrefixName", "tenantId", "tenantName"];

/// Since release 2.14 a run takes place every one to seven days.
const MOST_DAYS: u64 = 7;

/// `POST /org/azure/`
pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    let mut object = read(call)?;
    let name = object.get("name").and_then(Value::as_str).unwrap_or_default();
    // "A unique name for the organization connector you want to create."
    if call.world.store.with(ORGANIZATION.kind, "name", name).next().is_some() {
        return Err(Refusal::bad(format!("Field 'name': there is an organization connector '{name}'.")));
    }
    let id = call.world.store.take_id();
    organization::identify(&mut object);
    organization::give(id, &mut object);
    keep(call, id, object)
}

/// `POST /org/azure/{id}`: all mandatory fields again, although most of them have to be what they are.
pub(super) fn edit(call: &mut Call<'_>) -> Outcome {
    let before = named(call)?;
    let given = read(call)?;
    if let Some(field) = IMMUTABLE.iter().find(|field| given.get(**field) != before.object.get(**field)) {
        return Err(Refusal::bad(format!("Field '{field}' cannot be edited.")));
    }
    let identifiers = |object: &Object| -> Vec<Value> {
        let apps = object.get("connectorAppInfos").and_then(Value::as_array).into_iter().flatten();
        apps.filter_map(|app| app.get("identifier").cloned()).collect()
    };
    let present = identifiers(&before.object);
    if let Some(other) = identifiers(&given).iter().find(|identifier| !present.contains(identifier)) {
        return Err(Refusal::bad(format!(
            "Field 'connectorAppInfos.identifier' cannot be edited, to {other}."
        )));
    }
    let mut object = before.object.clone();
    if call.world.options.org_edit_omitted == OrgEditOmitted::Reset {
        object.extend(OPTIONAL.iter().map(|(name, value)| ((*name).to_owned(), value())));
    }
    object.extend(given);
    organization::identify(&mut object);
    keep(call, before.id, object)
}

/// "Deleting the Org connector will detach the member connector associated with it."
pub(super) fn delete(call: &mut Call<'_>) -> Outcome {
    let record = named(call)?;
    let lag = call.world.options.attach_lag;
    for id in members::ids(&record) {
        members::mark(call.world, id, false, lag);
    }
    call.world.remove(ORGANIZATION.kind, record.id);
    Ok(bare(200))
}

/// The fields of a body, checked.
fn read(call: &Call<'_>) -> Result<Object, Refusal> {
    let mut object = body::object(call, &ORGANIZATION.taken(), REQUIRED)?;
    for app in object.get("connectorAppInfos").and_then(Value::as_array).into_iter().flatten() {
        if !app["name"].is_string() {
            return Err(Refusal::missing("connectorAppInfos.name"));
        }
    }
    if call.world.options.org_frequency == OrgFrequency::Days {
        for field in ["orgRunFrequency", "connectorRunFrequency"] {
            let days = organization::minutes(&object, field).div_ceil(24 * 60);
            if days > MOST_DAYS {
                return Err(Refusal::bad(format!("Field '{field}' takes at most {MOST_DAYS} days.")));
            }
            object.insert(field.to_owned(), json!({"hours": days * 24, "minutes": 0}));
        }
    }
    Ok(object)
}

fn keep(call: &mut Call<'_>, id: u64, mut object: Object) -> Outcome {
    let both =
        ["autoActivatePC", "autoActivateSCA"].iter().all(|name| object.get(*name) == Some(&json!(true)));
    if both && call.world.options.pc_with_sca == PcWithSca::Refused {
        return Err(Refusal::bad("Field 'autoActivateSCA' cannot be true while 'autoActivatePC' is."));
    }
    organization::requeue(&mut object);
    let record = call.world.put(ORGANIZATION.kind, Record { id, object });
    Ok(Answer::json(200, &show::detail(call, &record)))
}
