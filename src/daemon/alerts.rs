//! What the daemon tells in its log beside its passes: drifts that begin, change and end; connectors that fail
//! and recover; expectations that fail and are met again. Each is told once, and a drift that lasts again every
//! `remind_every`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tracing::{info, warn};

use crate::error::one_line;
use crate::journal::{DriftEvent, DriftNews, Journal};
use crate::plan::{Change, Plan, Unhealthy, Warning};
use crate::resource::{Address, Checked, Health, RunError};

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    unhealthy: BTreeMap<String, (String, Option<String>)>,
    /// The drifts that come back however often they are undone, and how often that was when it was last told.
    fights: BTreeMap<Address, u32>,
    /// The expectations that failed when they were last counted.
    unmet: BTreeSet<String>,
    warnings: Vec<Warning>,
}

impl Alerts {
    /// Tells what is new in a plan.
    pub(super) fn tell(&mut self, plan: &Plan, journal: &mut Journal, remind_every: Duration) {
        tell_drifts(plan, journal, remind_every);
        self.tell_fights(plan);
        self.tell_health(plan);
        self.tell_expectations(plan);
        // What is not met has an event of its own, and so has a fight.
        let unmet = |checked: &&Checked| checked.met == Some(false);
        let unmet = plan.expectations.iter().filter(unmet).filter_map(Checked::warning);
        let told: Vec<_> = unmet.chain(plan.changes.iter().filter_map(Change::fight)).collect();
        let is_told = |warning: &&Warning| told.iter().any(|told| **warning == *told);
        let warnings: Vec<&Warning> = plan.warnings.iter().filter(|warning| !is_told(warning)).collect();
        for warning in warnings.iter().filter(|warning| !self.warnings.contains(warning)) {
            warn!(event = "warning", "{warning}");
        }
        self.warnings = warnings.into_iter().cloned().collect();
    }

    fn tell_fights(&mut self, plan: &Plan) {
        for change in self.new_fights(plan) {
            let (address, times) = (change.address.to_string(), change.reverted);
            let fields = serde_json::json!(change.field_names());
            warn!(
                event = "fight_detected",
                address,
                json.fields = %fields,
                times,
                "somebody or something else sets what the file says otherwise"
            );
        }
    }

    /// The drifts that were undone too often, where how often that was is news.
    fn new_fights<'p>(&mut self, plan: &'p Plan) -> Vec<&'p Change> {
        let mut news = Vec::new();
        for change in plan.changes.iter().filter(|change| change.fight().is_some()) {
            if self.fights.insert(change.address.clone(), change.reverted) != Some(change.reverted) {
                news.push(change);
            }
        }
        news
    }

    fn tell_expectations(&mut self, plan: &Plan) {
        for checked in self.changed_expectations(plan) {
            let Checked { name, count, at_least, at_most, met, error: _ } = checked;
            let number = |number: &Option<u64>| serde_json::Value::from(*number);
            let (count, at_least, at_most) = (number(count), number(at_least), number(at_most));
            if *met == Some(true) {
                info!(
                    event = "expectation_met",
                    name,
                    json.count = %count,
                    json.at_least = %at_least,
                    json.at_most = %at_most,
                );
            } else {
                warn!(
                    event = "expectation_failed",
                    name,
                    json.count = %count,
                    json.at_least = %at_least,
                    json.at_most = %at_most,
                );
            }
        }
    }

    /// The expectations that fail since this plan, and those that had failed and are met. What could not be counted
    /// is as it was.
    fn changed_expectations<'p>(&mut self, plan: &'p Plan) -> Vec<&'p Checked> {
        let names: BTreeSet<&str> = plan.expectations.iter().map(|checked| checked.name.as_str()).collect();
        self.unmet.retain(|name| names.contains(name.as_str()));
        let mut changed = Vec::new();
        for checked in &plan.expectations {
            let news = match checked.met {
                Some(true) => self.unmet.remove(&checked.name),
                Some(false) => self.unmet.insert(checked.name.clone()),
                None => false,
            };
            changed.extend(news.then_some(checked));
        }
        changed
    }

    fn tell_health(&mut self, plan: &Plan) {
        let mut now = BTreeMap::new();
        for Unhealthy { address, id: _, state, last_error, errors, label: _ } in &plan.unhealthy {
            let address = address.to_string();
            let how = (state.clone(), last_error.clone());
            if self.unhealthy.get(&address) != Some(&how) {
                let last_error = last_error.as_deref().unwrap_or_default();
                let errors = messages(errors);
                warn!(event = "connector_unhealthy", address, state, last_error, json.errors = %errors);
            }
            now.insert(address, how);
        }
        for (address, how) in std::mem::take(&mut self.unhealthy) {
            if now.contains_key(&address) {
                continue;
            }
            match address.parse().ok().and_then(|address| plan.states.get(&address)) {
                // Running again, as after each change of ours: how that ends is not known yet.
                Some(health) if health.is_running() => drop(now.insert(address, how)),
                Some(Health { state, last_error, last_sync: _ }) => {
                    let state = state.as_deref().unwrap_or_default();
                    let last_error = last_error.as_deref().unwrap_or_default();
                    let errors = messages(&[]);
                    info!(event = "connector_recovered", address, state, last_error, json.errors = %errors);
                }
                None => {
                    let looked_at = address.parse().is_ok_and(|address| plan.looked_at(&address));
                    // Gone, or not in the file any more: nobody's to worry about. Not read: not recovered.
                    if !looked_at {
                        now.insert(address, how);
                    }
                }
            }
        }
        self.unhealthy = now;
    }
}

/// The newest errors of a run, as JSON: a line of the log is to stay one that can be read.
fn messages(errors: &[RunError]) -> serde_json::Value {
    const TOLD: usize = 10;
    errors.iter().take(TOLD).map(|error| error.message.as_str()).collect()
}

fn tell_drifts(plan: &Plan, journal: &mut Journal, remind_every: Duration) {
    let news = match journal.announce_drifts(plan, remind_every, Timestamp::now()) {
        Ok(news) => news,
        Err(error) => {
            warn!(event = "journal_failed", error = one_line(&error), "drifts cannot be told");
            return;
        }
    };
    for DriftNews { address, what, since, action, fields } in news {
        let change = plan.changes.iter().find(|change| change.address.to_string() == address);
        let fields = serde_json::json!(fields);
        let reverted = change.map_or(0, |change| change.reverted);
        match what {
            DriftEvent::Detected => {
                warn!(event = "drift_detected", address, action, json.fields = %fields, %since, reverted);
            }
            DriftEvent::Changed => {
                warn!(event = "drift_changed", address, action, json.fields = %fields, %since);
            }
            DriftEvent::Resolved => {
                warn!(event = "drift_resolved", address, action, json.fields = %fields, %since);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::settings::Mode;
    use crate::resource::Kind;

    fn plan_with(state: &str) -> Plan {
        let mut plan = Plan::empty(Mode::DryRun);
        let address = Address::new(Kind::Aws, "a");
        let health = Health { state: Some(state.to_owned()), ..Health::default() };
        if health.is_unhealthy() {
            let (id, state) = ("1".to_owned(), state.to_owned());
            let (last_error, errors) = (None, Vec::new());
            let label = None;
            plan.unhealthy.push(Unhealthy { address: address.clone(), id, state, last_error, errors, label });
        } else {
            plan.states.insert(address.clone(), health);
        }
        plan.listings.insert(Kind::Aws, 1);
        plan.unchanged.insert(address);
        plan
    }

    #[test]
    fn a_connector_that_runs_again_has_not_recovered_before_it_succeeds() {
        let mut alerts = Alerts::default();
        for (state, unhealthy) in [
            ("FINISHED_ERRORS", 1),
            ("QUEUED", 1),
            ("RUNNING", 1),
            ("FINISHED_ERRORS", 1),
            ("PROCESSING", 1),
            ("FINISHED_SUCCESS", 0),
            ("QUEUED", 0),
        ] {
            alerts.tell_health(&plan_with(state));
            assert_eq!(alerts.unhealthy.len(), unhealthy, "{state}");
        }
    }

    #[test]
    fn an_expectation_is_told_when_it_fails_and_when_it_is_met_again() {
        let mut alerts = Alerts::default();
        for (met, told) in [
            (Some(true), false),
            (Some(false), true),
            (Some(false), false),
            (None, false),
            (Some(false), false),
            (None, false),
            (Some(true), true),
            (Some(true), false),
        ] {
            let mut plan = Plan::empty(Mode::DryRun);
            plan.expectations.push(Checked { name: "hosts".to_owned(), met, ..Checked::default() });
            assert_eq!(!alerts.changed_expectations(&plan).is_empty(), told, "{met:?}");
        }
        // One that is taken out of the file was not met, and is forgotten.
        alerts.unmet.insert("hosts".to_owned());
        assert!(alerts.changed_expectations(&Plan::empty(Mode::DryRun)).is_empty());
        assert!(alerts.unmet.is_empty());
    }
}
