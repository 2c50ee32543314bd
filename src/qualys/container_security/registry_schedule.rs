//! The scan schedules of registries.
//!
//! - They are listed registry by registry, and a plan looks only into those that the file names. An id here is that of
//!   the registry and that of the schedule, since every call wants both.
//! - `name` comes back null, `registryType` not at all, and days that were not given as 0.
//! - A create answers with a `profileUuid`. Nothing says that it is the schedule's id: the schedule is looked for.
//! - An edit wants the whole schedule, and is refused while it runs.
//! - A delete makes a job that leaves alone what is queued or runs, and does not say so. So that is cancelled first, and
//!   the listing is read until the schedule is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::try_join_all;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::registries::Opened;
use super::{PAGES, call, registries};
use crate::qualys::call::{Call, Effect};
use crate::qualys::error::{ApiError, ApiErrorKind};
use crate::qualys::lenient::Loose;
use crate::qualys::remote::Remote;
use crate::qualys::rest;
use crate::qualys::shapes::{Flag, Number};
use crate::qualys::transport::Transport;
use crate::qualys::write::{Created, Write};
use crate::resource::registry_schedule::{ImageFilter, Interval, Registry, RegistrySchedule, WeekDay};
use crate::resource::{Address, Health, Kind, LiveObject, Resource, ScanTime, Scope, Spec};

/// A delete is followed this long at most.
const LONGEST_DELETE: Duration = Duration::from_secs(30);
/// A schedule that was just made is looked for this often.
const LOOKS: u32 = 4;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    schedule_uuid: Option<String>,
    on_demand: Option<Flag>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    schedule: Option<String>,
    filters: Option<Vec<Filter>>,
    additional_filters: Option<Limits>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    status: Option<String>,
    errors: Option<Value>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    job_completion_date: Option<String>,
    force_scan: Option<Flag>,
    #[serde(deserialize_with = "crate::qualys::shapes::number")]
    schedule_interval_in_days: Option<u64>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    week_day: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Filter {
    #[serde(deserialize_with = "crate::qualys::shapes::number")]
    days: Option<u64>,
    repo_tags: Option<Vec<RepoTag>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RepoTag {
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    repo: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    tag: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Limits {
    number_of_tags: Option<Number>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    sort_criteria: Option<String>,
}

fn small(number: Option<u64>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

impl Wire {
    /// The images that it looks at, each filter by itself. 0 days are as good as none.
    fn filters(&self) -> BTreeSet<ImageFilter> {
        let each = |filter: &Filter| {
            let days = small(filter.days).filter(|days| *days != 0);
            let images = filter.repo_tags.iter().flatten();
            let images = images.map(move |RepoTag { repo, tag }| ImageFilter {
                repo: repo.clone().unwrap_or_default(),
                tag: tag.clone(),
                days,
            });
            images.collect::<Vec<_>>()
        };
        self.filters.iter().flatten().flat_map(each).collect()
    }

    fn state(&self) -> Option<String> {
        self.status.as_deref().map(str::to_ascii_uppercase)
    }

    /// The platform leaves it alone then.
    fn is_under_way(&self) -> bool {
        matches!(self.state().as_deref(), Some("QUEUED" | "RUNNING"))
    }

    fn decode(self, registry: Registry, registry_id: &str) -> Result<LiveObject, String> {
        let id = self.schedule_uuid.clone().ok_or("a schedule without scheduleUuid")?;
        let (state, filters) = (self.state(), self.filters());
        let on_demand = matches!(self.on_demand, Some(Flag(true)));
        let busy = match state.as_deref() {
            _ if on_demand => Some("on-demand: the platform cannot change it".to_owned()),
            Some("RUNNING") => Some("running: it is changed once its scan is over".to_owned()),
            Some(_) | None => None,
        };
        let limits = self.additional_filters.unwrap_or_default();
        let last_error = match self.errors {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text).filter(|text| !text.is_empty()),
            Some(Value::Array(errors)) if errors.is_empty() => None,
            Some(other) => Some(other.to_string()),
        };
        let week_day =
            self.week_day.map(|day| serde_json::from_value(Value::String(day.to_ascii_uppercase())).ok());
        let spec = RegistrySchedule {
            registry,
            name: format!("#{id}"),
            at: self.schedule.as_deref().and_then(ScanTime::parse),
            every_days: small(self.schedule_interval_in_days).map(Interval),
            week_day: week_day.flatten(),
            on_demand,
            registry_type: None,
            force_scan: self.force_scan.map(|Flag(flag)| flag),
            filters,
            number_of_tags: limits.number_of_tags.and_then(|Number(number)| u32::try_from(number).ok()),
            sort: limits.sort_criteria,
        };
        let health = Health { state, last_error, last_sync: self.job_completion_date };
        Ok(LiveObject { health, busy, ..LiveObject::new(format!("{registry_id}/{id}"), spec) })
    }
}

/// The id of a schedule: that of its registry, and its own.
struct Id<'a> {
    registry: &'a str,
    schedule: &'a str,
}

impl<'a> Id<'a> {
    fn parse(operation: &str, id: &'a str) -> Result<Id<'a>, ApiError> {
        let refused = |message| ApiError::refused_here(operation.to_owned(), Some(id.to_owned()), message);
        let (registry, schedule) =
            id.split_once('/').ok_or_else(|| refused(format!("`{id}` is no id of a registry's schedule")))?;
        rest::path_id(registry).map_err(refused)?;
        rest::path_id(schedule).map_err(refused)?;
        Ok(Id { registry, schedule })
    }
}

/// The registry's name, or what else it is known by, is for errors.
fn listing_of(registry_id: &str, shown: &str) -> Call {
    let path = format!("registry/{registry_id}/schedule");
    call("list schedules of registry", Method::GET, &path, Effect::Read).about(shown)
}

async fn rows(transport: &Transport, registry_id: &str, shown: &str) -> Result<Vec<Loose<Wire>>, ApiError> {
    let listing = listing_of(registry_id, shown);
    rest::list(transport, &listing, PAGES, |row: &Loose<Wire>| row.object.schedule_uuid.clone()).await
}

/// The registries that the file names.
async fn declared(transport: &Transport, above: &[&Value]) -> Result<Vec<Opened>, ApiError> {
    let read = |registry: &&Value| serde_json::from_value((*registry).clone());
    let wanted: Result<Vec<Registry>, _> = above.iter().map(read).collect();
    let wanted = wanted.map_err(|error| {
        ApiError::refused_here("list registry schedules".to_owned(), None, error.to_string())
    })?;
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let ids = registries::ids(transport, &wanted).await?;
    Ok(ids.into_iter().map(|(registry, id)| Opened { registry, id, label: None }).collect())
}

/// The schedules of one registry.
async fn schedules(transport: &Transport, opened: &Opened) -> Result<Vec<LiveObject>, ApiError> {
    let Opened { registry, id, label } = opened;
    let shown = label.clone().unwrap_or_else(|| registry.to_string());
    let rows = rows(transport, id, &shown).await?;
    let decoded = rows.into_iter().map(|row| {
        let Loose { object, id: of, unread } = row;
        let live = object.decode(registry.clone(), id)?;
        let live = Loose { object: live, id: of, unread }.decode(&["onDemand", "filters"], |live| live);
        Ok(LiveObject { label: label.clone(), ..live })
    });
    let decoded: Result<Vec<LiveObject>, String> = decoded.collect();
    decoded.map_err(|said| transport.unreadable(&listing_of(id, &shown), said, false))
}

/// A schedule as it is; `None` where it is gone.
async fn look(transport: &Transport, id: &Id<'_>) -> Result<Option<Wire>, ApiError> {
    let rows = rows(transport, id.registry, id.registry).await?;
    let mut rows = rows.into_iter().map(|row| row.object);
    Ok(rows.find(|row| row.schedule_uuid.as_deref() == Some(id.schedule)))
}

impl Remote for RegistrySchedule {
    async fn list(transport: &Transport, scope: &Scope<'_>) -> Result<Vec<LiveObject>, ApiError> {
        let opened = match scope {
            Scope::Whole => registries::each(transport).await?,
            Scope::Declared { above, declared: _ } => declared(transport, above).await?,
        };
        let listings = opened.iter().map(|opened| schedules(transport, opened));
        let mut all: Vec<LiveObject> = try_join_all(listings).await?.into_iter().flatten().collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    /// What stands in for the registry's name is its id: the file may call it otherwise.
    async fn read(transport: &Transport, ids: &[String]) -> Result<Vec<LiveObject>, ApiError> {
        let mut by_registry: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for id in ids {
            let Id { registry, schedule: _ } = Id::parse("read registry schedule", id)?;
            by_registry.entry(registry).or_default().insert(id);
        }
        let mut found = Vec::new();
        for (registry, ids) in by_registry {
            let (id, registry) = (registry.to_owned(), Registry::Id(registry.to_owned()));
            let all = schedules(transport, &Opened { registry, id, label: None }).await?;
            found.extend(all.into_iter().filter(|object| ids.contains(object.id.as_str())));
        }
        Ok(found)
    }

    async fn create(&self, transport: &Transport, _write: &Write<'_>) -> Result<Created, ApiError> {
        let ids = registries::ids(transport, std::slice::from_ref(&self.registry)).await?;
        let registry = ids.get(&self.registry).map(String::as_str).unwrap_or_default();
        let address = Address::new(Kind::RegistrySchedule, self.address_name()).to_string();
        let create = call(
            "create registry schedule",
            Method::POST,
            &format!("registry/{registry}/schedule"),
            Effect::Once,
        )
        .about(address)
        .json(&self.encode());
        let answer = transport.send(&create, rest::json::<Map<String, Value>>).await;
        let answer = answer.map_err(|error| {
            // What was to be made cannot be what is not there.
            let is_registry = error.kind == ApiErrorKind::NotFound;
            let of = if is_registry { format!("registry {}: ", self.registry) } else { String::new() };
            ApiError { said: format!("{of}{}", error.said), ..error }
        })?;
        let mut pause = Duration::from_millis(200);
        for turn in 0..LOOKS {
            let rows = match rows(transport, registry, &self.registry.to_string()).await {
                Ok(rows) => rows.into_iter().map(|row| row.object).collect::<Vec<_>>(),
                Err(error) => return Ok(Created { incomplete: Some(error), ..told(registry, &answer) }),
            };
            let is_it = |row: &&Wire| {
                row.filters() == self.filters && matches!(row.on_demand, Some(Flag(true))) == self.on_demand
            };
            if let Some(id) = rows.iter().find(is_it).and_then(|row| row.schedule_uuid.as_deref()) {
                return Ok(Created::new(format!("{registry}/{id}")));
            }
            if turn + 1 < LOOKS {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
        let message = "the platform took it, and its listing does not show it yet".to_owned();
        let error = ApiError::refused_here(create.operation, create.object, message);
        Ok(Created { incomplete: Some(error), ..told(registry, &answer) })
    }

    async fn update(&self, transport: &Transport, id: &str, write: &Write<'_>) -> Result<(), ApiError> {
        let operation = "update registry schedule";
        let Id { registry, schedule } = Id::parse(operation, id)?;
        let whole = match write.context.before {
            Some(Spec::RegistrySchedule(before)) => self.filled_from(before),
            Some(_) | None => self.clone(),
        };
        let path = format!("registry/{registry}/schedule/{schedule}");
        let update = call(operation, Method::PUT, &path, Effect::Settled).about(id).json(&whole.encode());
        transport.send(&update, rest::done).await
    }

    async fn delete(transport: &Transport, id: &str) -> Result<(), ApiError> {
        let operation = "delete registry schedule";
        let parts = Id::parse(operation, id)?;
        let Id { registry, schedule } = parts;
        let about = |method, part: &str, operation: &str| {
            call(operation, method, &format!("registry/{registry}/schedule/{part}"), Effect::Settled)
                .about(id)
                .query("scheduleIds", schedule)
        };
        let delete = about(Method::DELETE, "bulk", operation);
        let cancel = about(Method::POST, "cancel", "cancel the scan of registry schedule");
        let (mut waited, mut pause) = (Duration::ZERO, Duration::from_millis(100));
        // The job skips what is under way, and so is asked for again when that is over.
        let mut asked = false;
        loop {
            let Some(row) = look(transport, &parts).await? else { return Ok(()) };
            let under_way = row.is_under_way();
            if waited >= LONGEST_DELETE {
                let state = row.status.as_deref().unwrap_or("without a state");
                let seconds = waited.as_secs();
                let message =
                    format!("it is still there after {seconds} s ({state}): the platform skips what is busy");
                return Err(ApiError::refused_here(operation.to_owned(), Some(id.to_owned()), message));
            }
            if under_way {
                match transport.send(&cancel, rest::done).await {
                    // It has come to its end meanwhile: that cannot be cancelled.
                    Err(error) if error.is_gone() || error.status == Some(400) => {}
                    done => done?,
                }
            }
            if under_way || !asked || waited >= LONGEST_DELETE / 2 {
                match transport.send(&delete, rest::done).await {
                    Err(error) if error.is_gone() => return Ok(()),
                    done => done?,
                }
                asked = true;
            }
            tokio::time::sleep(pause).await;
            waited += pause;
            pause = (pause * 2).min(Duration::from_secs(4));
        }
    }
}

/// What the answer to a create says, for want of better.
fn told(registry: &str, answer: &Map<String, Value>) -> Created {
    let id = ["scheduleUuid", "scheduleId", "profileUuid"].iter().find_map(|key| answer.get(*key)?.as_str());
    Created::new(format!("{registry}/{}", id.unwrap_or("unknown")))
}

impl RegistrySchedule {
    /// The same, what it leaves out being as it is.
    fn filled_from(&self, live: &RegistrySchedule) -> RegistrySchedule {
        let every_days = self.every_days.or(live.every_days);
        RegistrySchedule {
            registry: self.registry.clone(),
            name: self.name.clone(),
            at: self.at.or(live.at),
            every_days,
            week_day: self.week_day.or(live.week_day).filter(|_| every_days == Some(Interval::WEEK)),
            on_demand: self.on_demand,
            registry_type: self.registry_type.clone(),
            force_scan: self.force_scan.or(live.force_scan),
            filters: self.filters.clone(),
            number_of_tags: self.number_of_tags.or(live.number_of_tags),
            sort: self.sort.clone().or_else(|| live.sort.clone()),
        }
    }

    fn encode(&self) -> Value {
        let RegistrySchedule {
            registry: _,
            name,
            at,
            every_days,
            week_day,
            on_demand,
            registry_type,
            force_scan,
            filters,
            number_of_tags,
            sort,
        } = self;
        let mut by_age: BTreeMap<Option<u32>, Vec<Value>> = BTreeMap::new();
        for ImageFilter { repo, tag, days } in filters {
            by_age.entry(*days).or_default().push(json!({"repo": repo, "tag": tag}));
        }
        let filters: Vec<Value> =
            by_age.into_iter().map(|(days, images)| json!({"days": days, "repoTags": images})).collect();
        let mut body = json!({"filters": filters, "name": name, "onDemand": on_demand});
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body[name] = value;
            }
        };
        put("schedule", at.map(|at| at.to_string().into()));
        put("forceScan", force_scan.map(Value::from));
        put("registryType", registry_type.as_deref().map(Value::from));
        put("scheduleIntervalInDays", every_days.map(|Interval(days)| days.into()));
        put("weekDay", week_day.and_then(|day: WeekDay| serde_json::to_value(day).ok()));
        let mut limits = Map::new();
        if let Some(number) = number_of_tags {
            limits.insert("numberOfTags".to_owned(), (*number).into());
        }
        if let Some(sort) = sort {
            limits.insert("sortCriteria".to_owned(), sort.as_str().into());
        }
        put("additionalFilters", (!limits.is_empty()).then(|| limits.into()));
        body
    }
}
