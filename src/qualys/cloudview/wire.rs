//! A connector as CloudView v1 shows it, whatever its cloud, and the fields that all clouds send alike.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::qualys::shapes::{Flag, Number};
use crate::qualys::write::Write;
use crate::resource::connector::Common;
use crate::resource::{Health, LiveObject, Owner, RunFrequency, Spec};

/// A connector as lists and answers to writes show it. What the spec does not have is not read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::qualys) struct Wire {
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    pub(super) connector_id: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::text")]
    name: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::text")]
    description: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    state: Option<String>,
    /// A code, also while the connector waits for its first run, when it means nothing (`50004`).
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    error: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    last_synced_on: Option<String>,
    is_disabled: Option<Flag>,
    /// In samples where it is true alone.
    #[serde(deserialize_with = "crate::qualys::shapes::flag")]
    remediation_enabled: bool,
    #[serde(deserialize_with = "crate::qualys::shapes::object")]
    polling_frequency: Option<PollingFrequency>,
    /// AWS.
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    pub(super) arn: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    pub(super) external_id: Option<String>,
    pub(super) is_china_region: Option<Flag>,
    pub(super) is_portal_connector: Option<Flag>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    pub(super) account_alias: Option<String>,
    /// AWS and Azure.
    pub(super) is_gov_cloud: Option<Flag>,
    /// Azure.
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    pub(super) subscription_id: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    pub(super) directory_id: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    pub(super) application_id: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    pub(super) subscription_name: Option<String>,
    /// GCP.
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    pub(super) project_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct PollingFrequency {
    hours: Option<Number>,
    minutes: Option<Number>,
}

impl PollingFrequency {
    fn decode(&self) -> Option<RunFrequency> {
        let number = |part: &Option<Number>| part.as_ref().map_or(0, |Number(number)| *number);
        let minutes = number(&self.hours).checked_mul(60)?.checked_add(number(&self.minutes))?;
        u32::try_from(minutes).ok().map(RunFrequency::from_minutes)
    }
}

/// The fields of all clouds in normal form.
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) run_frequency: Option<RunFrequency>,
    pub(super) remediation: bool,
    pub(super) enabled: Option<bool>,
}

impl Wire {
    pub(super) fn shown(&self) -> Shown {
        let described = self.description.as_deref().unwrap_or_default();
        Shown {
            name: self.name.clone().unwrap_or_default(),
            description: Owner::split(described).0.to_owned(),
            run_frequency: self.polling_frequency.as_ref().and_then(PollingFrequency::decode),
            remediation: self.remediation_enabled,
            enabled: self.is_disabled.map(|Flag(off)| !off),
        }
    }

    /// The live object. Of `may_be_untold`, what the spec lacks is told by this answer not at all: no document says
    /// that a missing value is a false one.
    pub(super) fn live(
        self,
        spec: impl Into<Spec>,
        may_be_untold: &[&'static str],
        label: Option<String>,
    ) -> LiveObject {
        let spec = spec.into();
        let fields = spec.fields();
        let untold = may_be_untold.iter().filter(|field| !fields.contains_key(**field));
        let unreadable: BTreeMap<&'static str, Value> = untold.map(|field| (*field, Value::Null)).collect();
        let owner = Owner::split(self.description.as_deref().unwrap_or_default()).1;
        let health = health(self.state, self.error, self.last_synced_on);
        let id = self.connector_id.unwrap_or_default();
        LiveObject { unreadable, owner, health, label, ..LiveObject::new(id, spec) }
    }
}

/// A code of an error that comes while a run waits or is under way is of no run.
fn health(state: Option<String>, error: Option<String>, synced: Option<String>) -> Health {
    let health = Health { state, last_error: None, last_sync: synced.map(|text| time_as_shown(&text)) };
    let last_error = error.filter(|_| !health.is_running() && !health.is_success());
    Health { last_error, ..health }
}

fn time_as_shown(text: &str) -> String {
    time(text).map_or_else(|| text.to_owned(), |time| time.to_string())
}

/// A time as in `Wed Jan 13 05:17:58 UTC 2021`, or as in RFC 3339.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let words: Vec<&str> = text.split_whitespace().collect();
    // The day of the week adds nothing, and could only contradict.
    let [_, month, day, time, "UTC" | "GMT" | "Z", year] = words[..] else { return text.trim().parse().ok() };
    let civil = DateTime::strptime("%b %d %H:%M:%S %Y", format!("{month} {day} {time} {year}")).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// The fields that connectors of all clouds send: the file's where they are to be written, else as they are. An update
/// takes the whole object, so that what is not sent could be lost.
pub(super) struct Sent {
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// Minutes.
    frequency: Option<u32>,
    pub(super) remediation: Option<bool>,
}

impl Sent {
    pub(super) fn new(common: &Common<'_>, write: &Write<'_>, live: Option<&Wire>) -> Sent {
        let shown = live.map(Wire::shown);
        let name = live.and_then(|live| live.name.clone()).filter(|_| !write.wants("name"));
        let frequency = write.of("run_frequency", common.run_frequency.as_ref()).copied();
        Sent {
            name: name.unwrap_or_else(|| common.name.to_owned()),
            description: write
                .description(common.description)
                .or_else(|| live.and_then(|live| live.description.clone())),
            frequency: frequency
                .or_else(|| shown.as_ref().and_then(|shown| shown.run_frequency))
                .map(RunFrequency::minutes),
            remediation: write
                .of("remediation", common.remediation.as_ref())
                .copied()
                .or_else(|| shown.map(|shown| shown.remediation)),
        }
    }

    /// Hours and the minutes beyond them.
    pub(super) fn polling(&self) -> Option<(u32, u32)> {
        self.frequency.map(|minutes| (minutes / 60, minutes % 60))
    }

    /// As JSON.
    pub(super) fn json(self) -> Map<String, Value> {
        let polling = self.polling().map(|(hours, minutes)| json!({"hours": hours, "minutes": minutes}));
        let fields = [
            ("name", Some(self.name.into())),
            ("description", self.description.map(Value::from)),
            ("pollingFrequency", polling),
            ("remediationEnabled", self.remediation.map(Value::from)),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_that_samples_show() {
        for (text, expected) in [
            ("Wed Jan 13 05:17:58 UTC 2021", Some("2021-01-13T05:17:58Z")),
            // The day of the week is not held against the date.
            ("Mon Jan 13 05:17:58 UTC 2021", Some("2021-01-13T05:17:58Z")),
            ("Tue Feb 02 04:46:20 GMT 2021", Some("2021-02-02T04:46:20Z")),
            ("2021-01-13T05:17:58.125Z", Some("2021-01-13T05:17:58.125Z")),
            ("Wed Jan 13 05:17:58 PST 2021", None),
            ("Wed Jan 33 05:17:58 UTC 2021", None),
            ("soon", None),
        ] {
            assert_eq!(time(text).map(|time| time.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn an_error_of_a_run_that_has_not_ended_is_none() {
        for (state, error, unhealthy, told) in [
            ("PENDING", "50004", false, None),
            ("SUCCESS", "", false, None),
            ("ERROR", "50003", true, Some("50003")),
            ("ERROR", "", true, None),
            ("REGIONS_DISCOVERED", "", false, None),
        ] {
            let error = Some(error.to_owned()).filter(|error| !error.is_empty());
            let health = health(Some(state.to_owned()), error, None);
            assert_eq!((health.is_unhealthy(), health.last_error.as_deref()), (unhealthy, told), "{state}");
        }
    }
}
