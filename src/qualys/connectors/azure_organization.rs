//! Azure organization connectors (Connectors API User Guide, "Azure Organization Connectors 3.0"), on the gateway.
//!
//! - The listing shows little, so each connector is read by its id, and its members with it.
//! - An edit wants every mandatory field again, the secret too; what the file leaves out is sent as it is.
//! - Enabling, attaching and detaching are calls of their own.
//! - Testing a connection makes the platform synchronize the tenant's management groups. So it is done before a
//!   write alone, and the groups that the file names are looked for among what it found.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::parts::{self, ConnectorAppInfo};
use crate::qualys::answer::Fault;
use crate::qualys::call::{Call, Effect, Host};
use crate::qualys::error::{ApiError, ApiErrorKind, Refusal};
use crate::qualys::remote::Remote;
use crate::qualys::rest::{self, Paging};
use crate::qualys::shapes::{Flag, Number, Text};
use crate::qualys::transport::Transport;
use crate::qualys::write::{Created, Write};
use crate::resource::azure_organization::AzureOrganization;
use crate::resource::{
    Address, AzureId, Capabilities, Kind, LiveObject, Module, OrganizationFrequency, Owner, RunError,
    RunFrequency, Scope, Spec,
};

const BASE: &str = "/connectors/v1.0/org/azure";
const MEMBERS: &str = "/connectors/v1.0/azure";

/// The synchronization of a tenant's groups is waited for this long at most.
const LONGEST_JOB: Duration = Duration::from_mins(2);

/// A connector. Each field has up to three spellings, by the call that shows it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    #[serde(deserialize_with = "crate::qualys::shapes::number")]
    id: Option<u64>,
    #[serde(deserialize_with = "crate::qualys::shapes::text")]
    name: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::text")]
    description: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    tenant_id: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    application_id: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    connector_prefix_name: Option<String>,
    connector_app_infos: Option<Vec<ConnectorAppInfo>>,
    org_run_frequency: Option<Frequency>,
    run_frequency: Option<Frequency>,
    connector_run_frequency: Option<Frequency>,
    included_mem: Option<Vec<String>>,
    excluded_mem: Option<Vec<String>>,
    member_configurations: Option<Groups>,
    create_connector_for_new_subscriptions_automatically: Option<Flag>,
    is_create_connector_for_new_subscriptions_automatically: Option<Flag>,
    disable_connectors_for_deleted_management_groups: Option<Flag>,
    is_disable_connectors_for_deleted_management_groups: Option<Flag>,
    #[serde(rename = "autoActivateVM")]
    auto_activate_vm: Option<Flag>,
    #[serde(rename = "autoActivatePC")]
    auto_activate_pc: Option<Flag>,
    #[serde(rename = "autoActivateSCA")]
    auto_activate_sca: Option<Flag>,
    auto_activate_cert_view: Option<Flag>,
    default_tag_ids: Option<Vec<Number>>,
    remediation_enabled: Option<Flag>,
    is_remediation_enabled: Option<Flag>,
    disabled: Option<Flag>,
    is_disabled: Option<Flag>,
    deleted: Option<Flag>,
    is_deleted: Option<Flag>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    state: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    last_error: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    last_synced: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Groups {
    included_members: Option<Vec<String>>,
    excluded_members: Option<Vec<String>>,
}

/// `{"hours": 1, "minutes": 0}`, or minutes, also as a text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Frequency {
    Parts {
        #[serde(default)]
        hours: u32,
        #[serde(default)]
        minutes: u32,
    },
    Minutes(u32),
    Text(String),
}

impl Frequency {
    fn minutes(&self) -> Option<u32> {
        match self {
            Frequency::Parts { hours, minutes } => hours.checked_mul(60)?.checked_add(*minutes),
            Frequency::Minutes(minutes) => Some(*minutes),
            Frequency::Text(text) => text.trim().parse().ok(),
        }
    }

    fn read(one: Option<Frequency>, other: Option<Frequency>) -> Option<OrganizationFrequency> {
        let minutes = one.or(other)?.minutes()?;
        Some(OrganizationFrequency(RunFrequency::from_minutes(minutes)))
    }
}

/// A member, or a connector in the listing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Listed {
    #[serde(deserialize_with = "crate::qualys::shapes::number")]
    id: Option<u64>,
}

/// What a run of the connector left to say.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Summary {
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    error_msg: Option<String>,
    created: Option<String>,
}

/// The answer to a test of a connection.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tested {
    #[serde(rename = "jobUuid", deserialize_with = "crate::qualys::shapes::filled")]
    job: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Job {
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    status: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    error: Option<String>,
}

fn call(operation: &str, method: Method, path: &str, effect: Effect) -> Call {
    Call::new(operation, method, path, effect).at(Host::Gateway)
}

/// A call about the connector of this id.
fn call_by_id(
    operation: &str,
    method: Method,
    part: &str,
    id: &str,
    effect: Effect,
) -> Result<Call, ApiError> {
    let operation = format!("{operation} azure organization connector");
    match rest::path_id(id) {
        Ok(id) => Ok(call(&operation, method, &format!("{BASE}/{part}{id}"), effect).about(id)),
        Err(message) => Err(ApiError::refused_here(operation, None, message)),
    }
}

async fn pages<T: DeserializeOwned, K: Hash + Eq>(
    transport: &Transport,
    call: &Call,
    key: impl Fn(&T) -> K,
) -> Result<Vec<T>, ApiError> {
    rest::list(transport, call, Paging::BY_NUMBER, key).await
}

fn flag(one: Option<Flag>, other: Option<Flag>) -> Option<bool> {
    one.or(other).map(|Flag(flag)| flag)
}

impl Wire {
    fn is_deleted(&self) -> bool {
        flag(self.deleted, self.is_deleted).unwrap_or(false)
    }

    fn decode(self, members: BTreeSet<String>) -> LiveObject {
        let described = self.description.unwrap_or_default();
        let (description, owner) = Owner::split(&described);
        let groups = self.member_configurations.unwrap_or_default();
        let group_names = |one: Option<Vec<String>>, other: Option<Vec<String>>| {
            Some(one.or(other).unwrap_or_default().into_iter().collect())
        };
        let activate = [
            (Module::Vm, self.auto_activate_vm),
            (Module::Pc, self.auto_activate_pc),
            (Module::Sca, self.auto_activate_sca),
            (Module::CertView, self.auto_activate_cert_view),
        ];
        let applications = self.connector_app_infos.unwrap_or_default();
        let tags = self.default_tag_ids.unwrap_or_default().into_iter();
        let on = |module| matches!(module, Some(Flag(true)));
        let spec = AzureOrganization {
            name: self.name.unwrap_or_default(),
            tenant_id: self.tenant_id.map(AzureId::from_platform),
            tenant_name: None,
            description: Some(description.to_owned()),
            application_id: self.application_id.map(AzureId::from_platform),
            secret: None,
            connector_prefix: self.connector_prefix_name,
            capabilities: Some(parts::capabilities(applications)),
            org_run_frequency: Frequency::read(self.org_run_frequency, self.run_frequency),
            connector_run_frequency: Frequency::read(self.connector_run_frequency, None),
            include_management_groups: group_names(self.included_mem, groups.included_members),
            exclude_management_groups: group_names(self.excluded_mem, groups.excluded_members),
            create_connectors_for_new_subscriptions: flag(
                self.create_connector_for_new_subscriptions_automatically,
                self.is_create_connector_for_new_subscriptions_automatically,
            ),
            disable_connectors_for_deleted_groups: flag(
                self.disable_connectors_for_deleted_management_groups,
                self.is_disable_connectors_for_deleted_management_groups,
            ),
            activate: Some(
                activate.into_iter().filter(|(_, flag)| on(*flag)).map(|(module, _)| module).collect(),
            ),
            tags: Some(tags.map(|Number(id)| format!("#{id}")).collect()),
            remediation: flag(self.remediation_enabled, self.is_remediation_enabled),
            enabled: flag(self.disabled, self.is_disabled).map(|disabled| !disabled),
            members: Some(members),
        };
        let health = parts::health(self.state, self.last_error).synced(self.last_synced);
        let id = self.id.map(|id| id.to_string()).unwrap_or_default();
        LiveObject { owner, health, ..LiveObject::new(id, spec) }
    }
}

/// One connector whole; `None` where it is gone.
async fn one(transport: &Transport, id: &str) -> Result<Option<LiveObject>, ApiError> {
    let details = call_by_id("read", Method::GET, "", id, Effect::Read)?;
    let wire = match transport.send(&details, rest::json::<Wire>).await {
        Ok(wire) if wire.is_deleted() => return Ok(None),
        Ok(wire) => wire,
        Err(error) if error.is_gone() => return Ok(None),
        Err(error) => return Err(error),
    };
    let members = call_by_id("list the members of", Method::GET, "member-connectors/", id, Effect::Read)?;
    let members: Vec<Listed> = pages(transport, &members, |member: &Listed| member.id).await?;
    let members = members.into_iter().filter_map(|member| Some(format!("azure/#{}", member.id?))).collect();
    let mut object = wire.decode(members);
    id.clone_into(&mut object.id);
    Ok(Some(object))
}

/// What the last job of the connector left to say, the newest first.
async fn last_job(transport: &Transport, id: &str) -> Result<Vec<RunError>, ApiError> {
    let call = call_by_id("read the last job of", Method::GET, "last-job-summary/", id, Effect::Read)?;
    let key = |summary: &Summary| (summary.created.clone(), summary.error_msg.clone());
    let summaries: Vec<Summary> = pages(transport, &call, key).await?;
    let mut errors: Vec<RunError> = summaries
        .into_iter()
        .filter_map(|Summary { error_msg, created }| {
            Some(RunError { message: error_msg?, created: created.and_then(|created| created.parse().ok()) })
        })
        .collect();
    errors.sort_by_key(|error| std::cmp::Reverse(error.created));
    Ok(errors)
}

impl Remote for AzureOrganization {
    async fn list(transport: &Transport, _scope: &Scope<'_>) -> Result<Vec<LiveObject>, ApiError> {
        let listing =
            call("list azure organization connectors", Method::GET, &format!("{BASE}/"), Effect::Read);
        let listed: Vec<Listed> = pages(transport, &listing, |listed: &Listed| listed.id).await?;
        let ids: BTreeSet<u64> = listed.into_iter().filter_map(|listed| listed.id).collect();
        let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
        Self::read(transport, &ids).await
    }

    async fn read(transport: &Transport, ids: &[String]) -> Result<Vec<LiveObject>, ApiError> {
        let read = futures::future::join_all(ids.iter().map(|id| one(transport, id))).await;
        read.into_iter().filter_map(Result::transpose).collect()
    }

    async fn create(&self, transport: &Transport, write: &Write<'_>) -> Result<Created, ApiError> {
        let operation = "create azure organization connector";
        let address = Address::new(Kind::AzureOrganization, &self.name).to_string();
        let refused = |message| ApiError::refused_here(operation.to_owned(), Some(address.clone()), message);
        let body = self.encode(write).map_err(refused)?;
        self.test(transport, write).await?;
        let call = call(operation, Method::POST, &format!("{BASE}/"), Effect::Once)
            .about(address.clone())
            .json(&Value::Object(body));
        let created: Listed = transport.send(&call, rest::json).await?;
        let Some(id) = created.id.map(|id| id.to_string()) else {
            return Err(ApiError::refused_here(
                operation.to_owned(),
                Some(address),
                "the answer does not tell the id of what was made".to_owned(),
            ));
        };
        let mut rest = Ok(());
        if self.enabled == Some(false) {
            rest = status(transport, &id, false).await;
        }
        if let (Ok(()), Some(members)) = (&rest, &self.members) {
            rest = attach(transport, &id, members.iter(), write).await;
        }
        Ok(Created { incomplete: rest.err(), ..Created::new(id) })
    }

    async fn update(&self, transport: &Transport, id: &str, write: &Write<'_>) -> Result<(), ApiError> {
        let before = match write.context.before {
            Some(Spec::AzureOrganization(before)) => before.clone(),
            Some(_) | None => AzureOrganization::default(),
        };
        // Enabling and the members have calls of their own.
        let edits =
            write.changed.unwrap_or_default().iter().any(|field| !["enabled", "members"].contains(field));
        if edits {
            let call = call_by_id("edit", Method::POST, "", id, Effect::Settled)?;
            let whole = self.filled_from(&before);
            let refused =
                |message| ApiError::refused_here(call.operation.clone(), call.object.clone(), message);
            let body = whole.encode(write).map_err(refused)?;
            if ["secret", "include_management_groups", "exclude_management_groups"]
                .iter()
                .any(|field| write.wants(field))
            {
                whole.test(transport, write).await?;
            }
            transport.send(&call.json(&Value::Object(body)), rest::done).await?;
        }
        if let Some(members) = write.of("members", self.members.as_ref()) {
            let there = before.members.unwrap_or_default();
            detach(transport, id, there.difference(members), write).await?;
            attach(transport, id, members.difference(&there), write).await?;
        }
        match write.of("enabled", self.enabled.as_ref()) {
            Some(enabled) => status(transport, id, *enabled).await,
            None => Ok(()),
        }
    }

    /// The answer is a line of text that counts what was marked for running, and leaves out the rest without a word.
    async fn run(transport: &Transport, id: &str) -> Result<(), ApiError> {
        let call = call_by_id("run", Method::POST, "", id, Effect::Once)?;
        let call = Call { path: format!("{BASE}/run/"), ..call }.text(id);
        let marked = transport.send(&call, |answer| {
            let said = rest::text(answer)?;
            if said.trim_start().starts_with("A total of 0 ") {
                let refusal = Refusal { message: said.clone(), ..Refusal::default() };
                return Err(Fault::no(ApiErrorKind::Refused(Box::new(refusal)), answer.status, said));
            }
            Ok(())
        });
        marked.await
    }

    async fn run_errors(transport: &Transport, id: &str) -> Result<Vec<RunError>, ApiError> {
        last_job(transport, id).await
    }

    async fn delete(transport: &Transport, id: &str) -> Result<(), ApiError> {
        let call = call_by_id("delete", Method::DELETE, "", id, Effect::Settled)?;
        match transport.send(&call, rest::done).await {
            Err(error) if error.is_gone() => Ok(()),
            done => done,
        }
    }
}

impl AzureOrganization {
    /// The same, what it leaves out being as it is.
    fn filled_from(&self, live: &AzureOrganization) -> AzureOrganization {
        macro_rules! filled {
            ($($field:ident),+) => {
                AzureOrganization {
                    $($field: self.$field.clone().or_else(|| live.$field.clone()),)+
                    name: self.name.clone(),
                }
            };
        }
        filled!(
            tenant_id,
            tenant_name,
            description,
            application_id,
            secret,
            connector_prefix,
            capabilities,
            org_run_frequency,
            connector_run_frequency,
            include_management_groups,
            exclude_management_groups,
            create_connectors_for_new_subscriptions,
            disable_connectors_for_deleted_groups,
            activate,
            tags,
            remediation,
            enabled,
            members
        )
    }

    /// The whole connector, as a create and an edit send it.
    fn encode(&self, write: &Write<'_>) -> Result<Map<String, Value>, String> {
        let AzureOrganization {
            name,
            tenant_id,
            tenant_name,
            description,
            application_id,
            secret,
            connector_prefix,
            capabilities,
            org_run_frequency,
            connector_run_frequency,
            include_management_groups,
            exclude_management_groups,
            create_connectors_for_new_subscriptions,
            disable_connectors_for_deleted_groups,
            activate,
            tags,
            remediation,
            // Calls of their own.
            enabled: _,
            members: _,
        } = self;
        let tenant = wanted("tenant_id", tenant_id.as_ref())?;
        let secret = write.secret(wanted("secret", secret.as_ref())?)?;
        let text = description.as_deref().unwrap_or_default();
        let described = write.context.marker.map_or_else(|| text.to_owned(), |marker| marker.mark(text));
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| {
            body.insert(name.to_owned(), value);
        };
        put("name", name.as_str().into());
        put("description", described.into());
        put("tenantId", tenant.as_str().into());
        put("tenantName", wanted("tenant_name", tenant_name.as_ref())?.as_str().into());
        put("applicationId", wanted("application_id", application_id.as_ref())?.as_str().into());
        put("secretValue", secret.expose().into());
        put("connectorPrefixName", wanted("connector_prefix", connector_prefix.as_ref())?.as_str().into());
        let capabilities = wanted("capabilities", capabilities.as_ref())?;
        put("connectorAppInfos", applications(capabilities, tenant.as_str(), write)?);
        put("orgRunFrequency", frequency(*wanted("org_run_frequency", org_run_frequency.as_ref())?));
        let of_members = wanted("connector_run_frequency", connector_run_frequency.as_ref())?;
        put("connectorRunFrequency", frequency(*of_members));
        for (name, groups) in
            [("includedMem", include_management_groups), ("excludedMem", exclude_management_groups)]
        {
            if let Some(groups) = groups {
                put(name, groups.iter().map(String::as_str).collect());
            }
        }
        for (name, flag) in [
            ("isCreateConnectorForNewSubscriptionsAutomatically", create_connectors_for_new_subscriptions),
            ("isDisableConnectorsForDeletedManagementGroups", disable_connectors_for_deleted_groups),
            ("isRemediationEnabled", remediation),
        ] {
            if let Some(flag) = flag {
                put(name, (*flag).into());
            }
        }
        if let Some(activate) = activate {
            for (name, module) in [
                ("autoActivateVM", Module::Vm),
                ("autoActivatePC", Module::Pc),
                ("autoActivateSCA", Module::Sca),
                ("autoActivateCertView", Module::CertView),
            ] {
                put(name, activate.contains(&module).into());
            }
        }
        if let Some(tags) = tags {
            let ids: Result<Vec<Value>, String> = tags.iter().map(|tag| write.id(Kind::Tag, tag)).collect();
            put("defaultTagIds", ids?.into());
        }
        Ok(body)
    }

    /// Tests the connection, which makes the platform read the tenant's management groups, and looks for those that
    /// are named among them.
    async fn test(&self, transport: &Transport, write: &Write<'_>) -> Result<(), ApiError> {
        let operation = "test the connection of azure organization connector";
        let address = Address::new(Kind::AzureOrganization, &self.name).to_string();
        let refused = |message| ApiError::refused_here(operation.to_owned(), Some(address.clone()), message);
        let secret = wanted("secret", self.secret.as_ref()).and_then(|secret| write.secret(secret));
        let secret = secret.map_err(refused)?;
        let account = json!({
            "tenantId": self.tenant_id.as_ref().map(AzureId::as_str),
            "applicationId": self.application_id.as_ref().map(AzureId::as_str),
        });
        let mut with_secret = account.clone();
        with_secret["secretValue"] = secret.expose().into();
        let test = call(operation, Method::POST, &format!("{BASE}/test/"), Effect::Settled)
            .about(address.clone())
            .json(&with_secret);
        let Tested { job } = transport.send(&test, rest::json).await?;
        let Some(id) = job else {
            return Err(refused("the answer names no job".to_owned()));
        };
        finished(transport, &id).await.map_err(|ended| match ended {
            Ended::Error(error) => error,
            Ended::Badly(why) => refused(why),
        })?;
        let named: BTreeSet<&String> = [&self.include_management_groups, &self.exclude_management_groups]
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        if named.is_empty() {
            return Ok(());
        }
        let groups =
            call("list management groups", Method::POST, &format!("{BASE}/management-groups/"), Effect::Read)
                .json(&account);
        let known: Vec<Text> = pages(transport, &groups, |Text(name): &Text| name.clone()).await?;
        let known: BTreeSet<String> = known.into_iter().map(|Text(name)| name).collect();
        let unknown: Vec<&str> =
            named.into_iter().filter(|name| !known.contains(*name)).map(String::as_str).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let known: Vec<&str> = known.iter().map(String::as_str).take(50).collect();
        Err(refused(format!(
            "the tenant has no management group {}; it has {}",
            unknown.join(", "),
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        )))
    }
}

/// How a job ended that did not end well.
enum Ended {
    Error(ApiError),
    Badly(String),
}

/// Waits until a job has completed.
async fn finished(transport: &Transport, id: &str) -> Result<(), Ended> {
    let status =
        call_by_id("follow the job of", Method::GET, "job/", id, Effect::Read).map_err(Ended::Error)?;
    let (mut waited, mut pause) = (Duration::ZERO, Duration::from_millis(250));
    loop {
        let job: Job = transport.send(&status, rest::json).await.map_err(Ended::Error)?;
        match job.status.as_deref() {
            Some("COMPLETED") if job.error.is_none() => return Ok(()),
            Some("COMPLETED" | "FAILED" | "ERROR") => {
                return Err(Ended::Badly(job.error.unwrap_or_else(|| "the job failed".to_owned())));
            }
            state if waited >= LONGEST_JOB => {
                let state = state.unwrap_or("without a state");
                return Err(Ended::Badly(format!("the job is still {state} after {} s", waited.as_secs())));
            }
            _ => {}
        }
        tokio::time::sleep(pause).await;
        waited += pause;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

fn wanted<'v, T>(field: &str, value: Option<&'v T>) -> Result<&'v T, String> {
    value.ok_or_else(|| format!("{field} is missing: the platform wants it with every create and edit"))
}

fn frequency(OrganizationFrequency(frequency): OrganizationFrequency) -> Value {
    json!({"hours": frequency.minutes() / 60, "minutes": frequency.minutes() % 60})
}

fn applications(
    Capabilities(all): &Capabilities,
    identifier: &str,
    write: &Write<'_>,
) -> Result<Value, String> {
    let application = |(capability, tag): (_, &Option<String>)| {
        let capability: &crate::resource::Capability = capability;
        let tag = tag.as_deref().filter(|tag| !tag.is_empty());
        let id = tag.map_or(Ok(Value::Null), |tag| write.id(Kind::Tag, tag))?;
        Ok(json!({"identifier": identifier, "name": capability.name(), "tagId": id}))
    };
    all.iter().map(application).collect::<Result<Vec<Value>, String>>().map(Value::from)
}

/// Enables or disables the connector. The guide's table says POST, its sample PUT; the sample is what was run.
async fn status(transport: &Transport, id: &str, enabled: bool) -> Result<(), ApiError> {
    let (operation, action) = if enabled { ("enable", "ENABLE") } else { ("disable", "DISABLE") };
    let call = call_by_id(operation, Method::PUT, "", id, Effect::Settled)?;
    let call =
        Call { path: format!("{BASE}/status/"), ..call }.query("action", action).json(&json!([number(id)]));
    transport.send(&call, rest::done).await
}

/// Attaches or detaches each of the connectors; `body` says what is sent of one.
async fn each_member(
    transport: &Transport,
    verb: &str,
    id: &str,
    members: impl Iterator<Item = &String>,
    write: &Write<'_>,
    body: impl Fn(Value) -> Value,
) -> Result<(), ApiError> {
    for member in members {
        let call = call_by_id(&format!("{verb} a member of"), Method::PUT, "", id, Effect::Settled)?;
        let call = Call { path: format!("{MEMBERS}/{verb}"), ..call };
        let connector = member_id(&call, member, write)?;
        transport.send(&call.about(member.as_str()).json(&body(connector)), rest::done).await?;
    }
    Ok(())
}

async fn attach(
    transport: &Transport,
    id: &str,
    members: impl Iterator<Item = &String>,
    write: &Write<'_>,
) -> Result<(), ApiError> {
    let body = |connector| json!({"connectorId": connector, "organizationConnectorId": number(id)});
    each_member(transport, "attach", id, members, write, body).await
}

async fn detach(
    transport: &Transport,
    id: &str,
    members: impl Iterator<Item = &String>,
    write: &Write<'_>,
) -> Result<(), ApiError> {
    each_member(transport, "detach", id, members, write, |connector| json!([connector])).await
}

fn member_id(call: &Call, member: &str, write: &Write<'_>) -> Result<Value, ApiError> {
    let name = member.strip_prefix("azure/").unwrap_or(member);
    write
        .id(Kind::Azure, name)
        .map_err(|message| ApiError::refused_here(call.operation.clone(), call.object.clone(), message))
}

/// The guide's samples have ids without quotes.
fn number(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| id.into(), Value::from)
}
