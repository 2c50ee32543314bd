//! Bodies in: what the clouds' bodies have in common, and how they become a change of a connector of Connectors 3.0.

use serde_json::{Value, json};

use crate::simulator::gateway::fields::{Field, Shape, written};
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::Call;
use crate::simulator::options::{CloudviewEditOmitted, CloudviewPollingFrequency};
use crate::simulator::qps::{Change, Patch};
use crate::simulator::store::Object;
use crate::simulator::world;

pub(super) const NAME: Field = written("name", Shape::Text(255));
pub(super) const DESCRIPTION: Field = written("description", Shape::Text(0));
pub(super) const REMEDIATION: Field = written("remediationEnabled", Shape::Flag);
pub(super) const GOV_CLOUD: Field = written("isGovCloud", Shape::Flag);
pub(super) const POLLING_FREQUENCY: Field = written(
    "pollingFrequency",
    Shape::Group(&[written("hours", Shape::Number), written("minutes", Shape::Number)]),
);

/// "Default 4 hours" (Connectors online help).
const DEFAULT_FREQUENCY: u64 = 240;

/// "For Cloud Inventory (CI) users, the pre-configured frequency is 24 hours."
const FIXED_FREQUENCY: u64 = 1440;

/// Which call a body belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Update,
}

/// A body whose names and types are right, becoming a patch.
pub(super) struct Body<'a> {
    call: &'a Call<'a>,
    verb: Verb,
    given: Object,
    pub(super) patch: Patch,
}

impl<'a> Body<'a> {
    /// `mandatory` are the fields that a create needs, and an update where fields that are left out are reset.
    pub(super) fn new(
        call: &'a Call<'_>,
        verb: Verb,
        given: Object,
        mandatory: &[&str],
    ) -> Result<Self, Refusal> {
        let body = Self { call, verb, given, patch: Patch::new() };
        let mut needed = mandatory.iter();
        let needs_all = verb == Verb::Create || body.resets();
        match needed.find(|name| needs_all && !body.given.contains_key(**name)) {
            Some(name) => Err(Refusal::missing(name)),
            None => Ok(body),
        }
    }

    /// Whether fields that are left out go back to what they are without a word of them.
    pub(super) fn resets(&self) -> bool {
        self.verb == Verb::Update
            && self.call.world.options.cloudview_edit_omitted == CloudviewEditOmitted::Reset
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name)?.as_str()
    }

    /// A text that has to be one that the check takes.
    pub(super) fn checked(
        &self,
        name: &str,
        check: fn(&str) -> Result<(), &'static str>,
    ) -> Result<Option<&str>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match check(text) {
            Ok(()) => Ok(Some(text)),
            Err(expected) => Err(Refusal::bad(format!("Field '{name}' is wrong: {expected}"))),
        }
    }

    /// Puts a field into the patch: what is given, or what it is reset to.
    pub(super) fn put(&mut self, field: &'static str, given: Option<Value>, otherwise: Value) {
        let value = given.or_else(|| self.resets().then_some(otherwise));
        if let Some(value) = value {
            self.patch.insert(field, Change::Value(value));
        }
    }

    pub(super) fn put_given(&mut self, field: &'static str, name: &str, otherwise: Value) {
        let given = self.given.get(name).cloned();
        self.put(field, given, otherwise);
    }

    /// Puts members of `authRecord`; those that are not given stay.
    pub(super) fn put_credentials(&mut self, members: Object) {
        if !members.is_empty() {
            self.patch.insert("authRecord", Change::Group(members));
        }
    }

    /// The fields of all clouds.
    pub(super) fn put_common(&mut self, frequency: Option<u64>) -> Result<(), Refusal> {
        if self.text("name").is_some_and(|name| name.trim().is_empty()) {
            return Err(Refusal::missing("name"));
        }
        self.put_given("name", "name", Value::Null);
        self.put_given("description", "description", Value::Null);
        self.put_given("isRemediationEnabled", "remediationEnabled", json!(false));
        match (self.call.world.options.cloudview_polling_frequency, self.verb) {
            (CloudviewPollingFrequency::Taken, _) => {
                self.put("runFrequency", frequency.map(Value::from), json!(DEFAULT_FREQUENCY));
            }
            (CloudviewPollingFrequency::Ignored, Verb::Create) => {
                self.put("runFrequency", Some(json!(FIXED_FREQUENCY)), Value::Null);
            }
            (CloudviewPollingFrequency::Ignored, Verb::Update) => {}
        }
        self.put("cloudviewSync", Some(json!(world::now())), Value::Null);
        Ok(())
    }

    /// `pollingFrequency` in minutes.
    pub(super) fn frequency(&self) -> Result<Option<u64>, Refusal> {
        let Some(parts) = self.given.get("pollingFrequency") else { return Ok(None) };
        let part = |name: &str| parts.get(name).and_then(Value::as_u64);
        minutes(part("hours"), part("minutes"), "pollingFrequency.hours", "pollingFrequency.minutes")
    }
}

/// "The valid range is 1 to 24 hours", "0 to 59 minutes", and "from minimum one hour to maximum 24 hours" in all.
pub(super) fn minutes(
    hours: Option<u64>,
    minutes: Option<u64>,
    hours_name: &str,
    minutes_name: &str,
) -> Result<Option<u64>, Refusal> {
    let hours = match (hours, minutes) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(Refusal::missing(hours_name)),
        (Some(hours), _) => hours,
    };
    let minutes = minutes.unwrap_or(0);
    if !(1..=24).contains(&hours) {
        return Err(Refusal::bad(format!("Field '{hours_name}' takes 1 to 24, not {hours}.")));
    }
    if minutes > 59 {
        return Err(Refusal::bad(format!("Field '{minutes_name}' takes 0 to 59, not {minutes}.")));
    }
    if hours == 24 && minutes > 0 {
        return Err(Refusal::bad(format!(
            "Field '{minutes_name}' has to be 0 with 24 hours, not {minutes}: the longest frequency is 24 hours."
        )));
    }
    Ok(Some(hours * 60 + minutes))
}
