//! A connector as the answers have it, in the order of the samples.

use serde_json::{Value, json};

use super::{AWS, Cloud, Own};
use crate::simulator::options::{CloudviewRunning, Options};
use crate::simulator::store::{Object, Record};

/// What a connector's error says before its first contact with the cloud; it is no error.
pub(super) const NOT_YET: &str = "50004";

/// When no frequency is known, "Default 4 hours".
const DEFAULT_FREQUENCY: u64 = 240;

pub(super) fn connector(cloud: &Cloud, record: &Record, options: &Options) -> Value {
    let Own { before_disabled, before_groups, at_end } = (cloud.own)(record);
    let mut shown = Object::new();
    let mut put = |name: &str, value: Value| drop(shown.insert(name.to_owned(), value));
    let minutes = frequency(record);
    put("name", json!(record.text("name")));
    put("connectorId", json!(record.text("cloudviewUuid")));
    // Connectors of the samples that never had one show none.
    if let Some(description) = record.text("description") {
        put("description", json!(description));
    }
    put("provider", json!(cloud.provider));
    put("state", json!(shown_state(cloud, record, options)));
    put("totalAssets", json!(record.number("totalAssets").unwrap_or(0)));
    if let Some(synced) = synced(record) {
        put("lastSyncedOn", json!(date(synced)));
        put("nextSyncedOn", json!(date(&next_sync(record, synced, minutes))));
    }
    // The samples have it where it is true alone.
    if record.flag("isRemediationEnabled") {
        put("remediationEnabled", json!(true));
    }
    for (name, value) in before_disabled {
        put(name, value);
    }
    put("isDisabled", json!(record.flag("disabled")));
    for (name, value) in before_groups {
        put(name, value);
    }
    put("groups", json!([]));
    put("pollingFrequency", json!({"hours": minutes / 60, "minutes": minutes % 60}));
    for (name, value) in at_end {
        put(name, value);
    }
    Value::Object(shown)
}

fn shown_state(cloud: &Cloud, record: &Record, options: &Options) -> &'static str {
    let runs = cloud.provider == AWS.provider && record.text("connectorState") == Some("RUNNING");
    match options.cloudview_running {
        CloudviewRunning::RegionsDiscovered if runs => "REGIONS_DISCOVERED",
        CloudviewRunning::RegionsDiscovered | CloudviewRunning::Pending => state(record),
    }
}

/// The documents have fewer words for it than Connectors 3.0, and none for being disabled: that is another field.
pub(super) fn state(record: &Record) -> &'static str {
    match record.text("connectorState").unwrap_or_default() {
        "SUCCESS" | "FINISHED_SUCCESS" => "SUCCESS",
        "ERROR" | "FINISHED_ERRORS" | "INCOMPLETE" => "ERROR",
        "DISABLED" if record.text("lastError").is_some() => "ERROR",
        "DISABLED" if record.text("lastSync").is_some() => "SUCCESS",
        _ => "PENDING",
    }
}

/// When it last ran, or was made or changed by a call of this family, whichever is later: answers to such a call show its own
/// time, while Connectors 3.0 shows none before the first run.
pub(super) fn synced(record: &Record) -> Option<&str> {
    record.text("lastSync").max(record.text("cloudviewSync"))
}

fn frequency(record: &Record) -> u64 {
    record.number("runFrequency").unwrap_or(DEFAULT_FREQUENCY)
}

fn next_sync(record: &Record, synced: &str, minutes: u64) -> String {
    if let Some(next) = record.text("nextSync").filter(|_| record.text("lastSync") == Some(synced)) {
        return next.to_owned();
    }
    let minutes = jiff::SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(0));
    let next = synced.parse::<jiff::Timestamp>().and_then(|synced| synced.checked_add(minutes));
    next.map_or_else(|_| synced.to_owned(), |next| next.to_string())
}

/// `Wed Jan 13 05:17:58 UTC 2021`; a time that a seed wrote otherwise stays as it is.
pub(super) fn date(time: &str) -> String {
    match time.parse::<jiff::Timestamp>() {
        Ok(time) => time.strftime("%a %b %d %H:%M:%S UTC %Y").to_string(),
        Err(_) => time.to_owned(),
    }
}
