//! The global scan configuration (`globalscanconfiguration`; Connectors API User Guide, "Global Scan Configuration").
//!
//! There is one in a subscription, and the platform gives it no id: create and update go to a path without one, the
//! only updates that do. Nothing else than this one object answers to that path, and no filter is sent with it.
//!
//! The guide's sample of an update sends the configuration whole, and does not say what becomes of a part that is
//! left out; so an update sends all of it, as it is where it does not change. The start date alone, which lies in the
//! past sooner or later and may then be refused, goes with it only when something else of when it runs changes too.
//! There is no call to delete it.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::parts::{self, ConnectorScanConfiguration};
use crate::qualys::answer::Fault;
use crate::qualys::call::{Call, Effect};
use crate::qualys::envelope;
use crate::qualys::error::{ApiError, ApiErrorKind};
use crate::qualys::lenient;
use crate::qualys::qps;
use crate::qualys::remote::Remote;
use crate::qualys::shapes::{Item, Items};
use crate::qualys::transport::Transport;
use crate::qualys::write::{Created, Write};
use crate::resource::global_scan::GlobalScan;
use crate::resource::{Address, LiveObject, Resource, Scope};

const NOUN: &str = "globalscanconfiguration";

/// The fields that say when it runs.
const WHEN: [&str; 5] = ["recurrence", "days", "start_date", "start_time", "timezone"];

/// The same as a connector's own configuration, under another name.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct GlobalScanConfiguration(ConnectorScanConfiguration);

impl Item for GlobalScanConfiguration {
    const NAME: &'static str = "GlobalScanConfiguration";
}

impl Remote for GlobalScan {
    async fn list(transport: &Transport, _scope: &Scope<'_>) -> Result<Vec<LiveObject>, ApiError> {
        let found = search(transport).await?;
        Ok(found.map(|scan| LiveObject::new(GlobalScan::NAME, scan)).into_iter().collect())
    }

    async fn read(transport: &Transport, ids: &[String]) -> Result<Vec<LiveObject>, ApiError> {
        let mut all = GlobalScan::list(transport, &Scope::Whole).await?;
        all.retain(|object| ids.contains(&object.id));
        Ok(all)
    }

    /// Looks once more before it creates: a second configuration beside the first has no meaning, and one that is
    /// there by now is updated. A create whose answer is lost is not sent again here: the next listing shows whether
    /// it was made.
    async fn create(&self, transport: &Transport, _write: &Write<'_>) -> Result<Created, ApiError> {
        match search(transport).await? {
            None => send(transport, "create", Effect::Once, &parts::schedule_fields(&self.0)).await?,
            Some(there) => {
                let mut whole = self.clone();
                whole.complete(&there);
                send(transport, "update", Effect::Settled, &parts::schedule_fields(&whole.0)).await?;
            }
        }
        Ok(Created::new(GlobalScan::NAME))
    }

    async fn update(&self, transport: &Transport, _id: &str, write: &Write<'_>) -> Result<(), ApiError> {
        let mut fields = parts::schedule_fields(&self.0);
        if !WHEN.iter().any(|field| write.wants(field)) {
            fields.shift_remove("startDate");
        }
        send(transport, "update", Effect::Settled, &fields).await
    }

    async fn delete(_transport: &Transport, id: &str) -> Result<(), ApiError> {
        let why = GlobalScan::UNDELETABLE.unwrap_or_default().to_owned();
        Err(ApiError::refused_here(format!("delete {NOUN}"), Some(id.to_owned()), why))
    }
}

fn call(verb: &str, effect: Effect) -> Call {
    Call::new(format!("{verb} {NOUN}"), Method::POST, format!("/qps/rest/3.0/{verb}/am/{NOUN}"), effect)
}

/// The configuration that there is. The search takes no parameters.
async fn search(transport: &Transport) -> Result<Option<GlobalScan>, ApiError> {
    let call = call("search", Effect::Read);
    let envelope = transport.send(&call, qps::open_listing).await?;
    let Some(data) = envelope.data else { return Ok(None) };
    let unreadable = |said: &str| Err(transport.unreadable(&call, said.to_owned(), false));
    let Ok(Items(found)) = lenient::read::<Items<GlobalScanConfiguration>>(&data) else {
        return unreadable("data that do not hold a GlobalScanConfiguration that can be read");
    };
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (None, _) if envelope.count.is_some_and(|count| count > 0) => {
            unreadable("a count without the data that it counts")
        }
        (Some(_), Some(_)) => unreadable("more than one global scan configuration"),
        (one, _) => Ok(one.map(|GlobalScanConfiguration(wire)| GlobalScan(parts::schedule(wire)))),
    }
}

async fn send(
    transport: &Transport,
    verb: &str,
    effect: Effect,
    fields: &Map<String, Value>,
) -> Result<(), ApiError> {
    let mut call = call(verb, effect);
    call.object = Some(Address::new(GlobalScan::KIND, GlobalScan::NAME).to_string());
    call.body = envelope::data(GlobalScanConfiguration::NAME, fields);
    let sent = transport.send(&call, |answer| {
        let envelope = envelope::open(answer)?;
        if envelope.count == Some(0) {
            let said = "there is no global scan configuration";
            return Err(Fault::no(ApiErrorKind::NotFound, answer.status, said));
        }
        Ok(())
    });
    sent.await
}
