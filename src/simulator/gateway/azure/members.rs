//! Member connectors: which belong to which organization connector, and how that changes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::organization::ORGANIZATION;
use super::{MEMBER, show};
use crate::simulator::answer::Answer;
use crate::simulator::gateway::fields::{Field, Shape, written};
use crate::simulator::gateway::page::Wanted;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::{Call, Outcome};
use crate::simulator::gateway::{body, page};
use crate::simulator::store::Record;
use crate::simulator::world::World;

const ATTACH: &[Field] =
    &[written("connectorId", Shape::Number), written("organizationConnectorId", Shape::Number)];

/// `GET /org/azure/member-connectors/{id}`
pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let organization = super::named(call)?;
    let all = call.world.as_searched(ORGANIZATION.kind, organization.id);
    let organization = all.into_iter().find(|record| record.id == organization.id);
    let members: Vec<_> = organization
        .iter()
        .flat_map(|organization| of(call.world, organization))
        .map(|member| show::member(call, member, organization.as_deref()))
        .collect();
    Ok(page::whole(&members))
}

/// `PUT /azure/attach`: answers with the connector as it was.
pub(super) fn attach(call: &mut Call<'_>) -> Outcome {
    let taken: Vec<_> = ATTACH.iter().collect();
    let given = body::object(call, &taken, &["connectorId", "organizationConnectorId"])?;
    let id = |name: &str| given.get(name).and_then(Value::as_u64).unwrap_or(0);
    let member = member(call.world, id("connectorId"))?;
    let organization_id = id("organizationConnectorId");
    let Some(organization) = call.world.store.get(ORGANIZATION.kind, organization_id).cloned() else {
        return Err(Refusal::not_found(format!(
            "Field 'organizationConnectorId': there is no organization connector with the id {organization_id}."
        )));
    };
    let shown = show::member(call, &member, None);
    match organization_of(call.world, member.id) {
        Some(present) if present.id == organization.id => {}
        Some(present) => {
            return Err(Refusal::bad(format!(
                "Field 'connectorId': connector {} is attached to the organization connector {}.",
                member.id, present.id
            )));
        }
        None if !may_join(&organization, &member) => {
            return Err(Refusal::bad(format!(
                "Field 'connectorId': connector {} belongs to another tenant.",
                member.id
            )));
        }
        None => {
            let lag = call.world.options.attach_lag;
            let mut members = ids(&organization);
            members.push(member.id);
            keep(call.world, &organization, &members, lag);
            mark(call.world, member.id, true, lag);
        }
    }
    Ok(Answer::json(200, &shown))
}

/// `PUT /azure/detach`: answers with the connectors, said to be attached to nothing.
pub(super) fn detach(call: &mut Call<'_>) -> Outcome {
    let ids = body::ids(call)?;
    let members: Vec<_> = ids.iter().map(|id| member(call.world, *id)).collect::<Result<_, _>>()?;
    let shown: Vec<_> = members.iter().map(|member| show::member(call, member, None)).collect();
    let lag = call.world.options.attach_lag;
    for member in &members {
        let Some(organization) = organization_of(call.world, member.id) else { continue };
        let mut left = self::ids(&organization);
        left.retain(|id| *id != member.id);
        keep(call.world, &organization, &left, lag);
        mark(call.world, member.id, false, lag);
    }
    Ok(page::whole(&shown))
}

/// `GET /azure/valid-org-connectors/{connectorId}`
pub(super) fn valid_organizations(call: &mut Call<'_>) -> Outcome {
    let wanted = Wanted::read(call)?;
    let member = member(call.world, call.id().unwrap_or(0))?;
    let attached = organization_of(call.world, member.id).is_some();
    let all = call.world.store.starting_at(ORGANIZATION.kind, 0);
    let valid = all.filter(|organization| !attached && may_join(organization, &member));
    let shown: Vec<_> = valid.map(|organization| show::status(call, organization)).collect();
    Ok(wanted.answer(&shown))
}

/// The ids that an organization connector keeps.
pub(super) fn ids(organization: &Record) -> Vec<u64> {
    let members = organization.object.get("members").and_then(Value::as_array).into_iter().flatten();
    members.filter_map(Value::as_u64).collect()
}

/// The members of an organization connector that there still are.
pub(super) fn of<'a>(world: &'a World, organization: &Record) -> impl Iterator<Item = &'a Arc<Record>> {
    let there = ids(organization).into_iter().filter_map(|id| world.store.get(MEMBER, id));
    there.filter(|member| !member.flag("isDeleted"))
}

/// Tells a connector that it is a member, or is none any more.
pub(super) fn mark(world: &mut World, id: u64, attached: bool, lag: u64) {
    let Some(member) = world.store.get(MEMBER, id) else { return };
    if member.flag("isAttachedToOrgConnector") == attached {
        return;
    }
    let mut object = member.object.clone();
    object.insert("isAttachedToOrgConnector".to_owned(), json!(attached));
    world.put_late(MEMBER, Record { id, object }, lag);
}

fn member(world: &World, id: u64) -> Result<Arc<Record>, Refusal> {
    let found = world.store.get(MEMBER, id).filter(|member| !member.flag("isDeleted"));
    found.cloned().ok_or_else(|| {
        Refusal::not_found(format!("Field 'connectorId': there is no Azure connector with the id {id}."))
    })
}

fn organization_of(world: &World, member: u64) -> Option<Arc<Record>> {
    world.store.starting_at(ORGANIZATION.kind, 0).find(|record| ids(record).contains(&member)).cloned()
}

/// A member's subscription is of the organization's tenant.
fn may_join(organization: &Record, member: &Record) -> bool {
    let tenant = member.object.get("authRecord").and_then(|login| login.get("directoryId")?.as_str());
    tenant.is_none_or(|tenant| organization.text("tenantId") == Some(tenant))
}

fn keep(world: &mut World, organization: &Record, members: &[u64], lag: u64) {
    let mut object = organization.object.clone();
    object.insert("members".to_owned(), json!(members));
    world.put_late(ORGANIZATION.kind, Record { id: organization.id, object }, lag);
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;
    use crate::simulator::Settings;
    use crate::simulator::answer::Request;
    use crate::simulator::gateway::azure::SERVICE;
    use crate::simulator::http::Shared;

    const CONTOSO: &str = "22222222-2222-2222-2222-222222222222";

    /// A subscription with the example's organization connector, a connector of its tenant, and one of another.
    struct Subscription {
        shared: Shared,
        organization: u64,
        member: u64,
        stranger: u64,
    }

    impl Subscription {
        fn new(attach_lag: u64) -> Self {
            let mut settings = Settings::default();
            settings.options.attach_lag = attach_lag;
            let mut world = World::open(&settings).unwrap();
            let mut put = |name: &str, tenant: &str| {
                let object = json!({
                    "name": name,
                    "authRecord": {"directoryId": tenant},
                    "activation": ["VM", "CLOUDVIEW"],
                    "isAttachedToOrgConnector": false,
                });
                let Value::Object(object) = object else { unreachable!("it is an object") };
                let id = world.store.take_id();
                world.put(MEMBER, Record { id, object });
                id
            };
            let (member, stranger) = (put("member", CONTOSO), put("stranger", "another"));
            let organization = world.store.starting_at(ORGANIZATION.kind, 0).next().unwrap().id;
            let shared = Shared::new(String::new(), String::new(), String::new(), false, world);
            Self { shared, organization, member, stranger }
        }

        fn call(&self, method: &str, path: &str, body: &Value) -> Value {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", "application/json".parse().unwrap());
            let request = Request {
                method: method.to_owned(),
                path: format!("/connectors/v1.0/{path}"),
                query: String::new(),
                headers,
                body: body.to_string().into(),
            };
            let answer = SERVICE.carry_out_unchecked(&self.shared, &request);
            let answer = answer.unwrap_or_else(|refusal| refusal.answer());
            serde_json::from_slice(&answer.body).unwrap_or_default()
        }

        fn attach(&self, member: u64) -> Value {
            self.call(
                "PUT",
                "azure/attach",
                &json!({"connectorId": member, "organizationConnectorId": self.organization}),
            )
        }

        fn members(&self) -> Value {
            self.call("GET", &format!("org/azure/member-connectors/{}", self.organization), &Value::Null)
        }

        fn is_attached(&self) -> bool {
            self.shared.world().store.get(MEMBER, self.member).unwrap().flag("isAttachedToOrgConnector")
        }
    }

    #[test]
    fn attaching_and_detaching_answer_with_what_was() {
        let subscription = Subscription::new(0);
        let valid = format!("azure/valid-org-connectors/{}", subscription.member);
        let page = subscription.call("GET", &valid, &Value::Null);
        assert_eq!(page["content"][0]["id"], subscription.organization);
        assert_eq!(page["content"][0]["isDisabled"], false, "in the status call's spelling");

        let attached = subscription.attach(subscription.member);
        assert_eq!(
            (&attached["id"], &attached["isAttachedToOrgConnector"], &attached["organizationConnectorId"]),
            (&json!(subscription.member), &json!(false), &Value::Null)
        );
        assert!(subscription.is_attached());
        let members = subscription.members();
        let member = &members["content"][0];
        assert_eq!(member["isAttachedToOrgConnector"], true);
        assert_eq!(member["organizationConnectorId"], subscription.organization);
        assert_eq!(member["activatedModules"], json!(["QWEB_VM", "CLOUDVIEW"]));
        assert_eq!(member["parentId"], "/providers/Microsoft.Management/managementGroups/Production");
        assert_eq!(subscription.call("GET", &valid, &Value::Null)["content"], json!([]));
        assert_eq!(subscription.attach(subscription.member)["id"], subscription.member, "again is no change");
        assert_eq!(subscription.members()["numberOfElements"], 1);

        let detached = subscription.call("PUT", "azure/detach", &json!([subscription.member]));
        assert_eq!(detached["content"][0]["isAttachedToOrgConnector"], false);
        assert!(!subscription.is_attached());
        assert_eq!(subscription.members()["numberOfElements"], 0);
    }

    #[test]
    fn refused_attachments_name_the_field() {
        let subscription = Subscription::new(0);
        let organization = subscription.organization;
        let cases = [
            (json!({"organizationConnectorId": organization}), "'connectorId' is required"),
            (json!({"connectorId": subscription.member}), "'organizationConnectorId' is required"),
            (json!({"connectorId": "1", "organizationConnectorId": organization}), "connectorId"),
            (json!({"connectorId": 17, "organizationConnectorId": organization}), "connectorId"),
            (
                json!({"connectorId": subscription.member, "organizationConnectorId": 17}),
                "organizationConnectorId",
            ),
            (
                json!({"connectorId": subscription.stranger, "organizationConnectorId": organization}),
                "another tenant",
            ),
        ];
        for (body, named) in cases {
            let refused = subscription.call("PUT", "azure/attach", &body);
            assert!(refused["message"].as_str().unwrap().contains(named), "{body}: {refused}");
        }
        let refused = subscription.call("PUT", "azure/detach", &json!([17]));
        assert_eq!(refused["errorCode"], "404 NOT_FOUND");
    }

    #[test]
    fn attaching_takes_some_looks_to_show() {
        let subscription = Subscription::new(2);
        subscription.attach(subscription.member);
        for count in [0, 0, 1] {
            assert_eq!(subscription.members()["numberOfElements"], count);
        }
        subscription.call("PUT", "azure/detach", &json!([subscription.member]));
        for count in [1, 1, 0] {
            assert_eq!(subscription.members()["numberOfElements"], count);
        }
    }

    #[test]
    fn deleting_an_organization_connector_detaches_its_members() {
        let subscription = Subscription::new(0);
        subscription.attach(subscription.member);
        subscription.call("DELETE", &format!("org/azure/{}", subscription.organization), &Value::Null);
        assert!(!subscription.is_attached());
    }
}
