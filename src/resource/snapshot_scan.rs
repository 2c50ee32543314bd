//! The service account of snapshot-based scans. Fields as in the vendor's Connectors API User Guide, "Snapshot Based
//! Scan".
//!
//! The platform has one registration for a subscription and no call that shows it: what was registered is known to
//! the journal alone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{AwsAccount, Edit, Field, Finding, Kind, QuartzCron, Resource, Run};

/// The registered service account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotScan {
    /// The AWS account that the scanners run in.
    pub account_id: AwsAccount,
    /// When the scans run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<QuartzCron>,
    /// Which instances are scanned. A registration without tags scans all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeSet<InstanceTag>>,
}

/// A tag of an instance in AWS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceTag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl Resource for SnapshotScan {
    const KIND: Kind = Kind::SnapshotScan;
    const SECTION: &'static [&'static str] = &["snapshot_scan"];
    const SINGLETON: bool = true;
    const LISTED: bool = false;
    const RUN: Run = Run::Widely("it scans all targets that are registered, not this account alone");
    const REFERS_TO: &'static [Kind] = &[];
    const FIELDS: &'static [Field] = &[
        Field::fixed("account_id").identifying(),
        Field::updatable("schedule").needed(),
        Field::updatable("tags"),
    ];

    fn name(&self) -> &str {
        self.account_id.as_str()
    }

    fn identity(&self) -> Option<String> {
        Some(self.account_id.as_str().to_owned())
    }

    /// The subscription has one registration: another account takes its place.
    fn weak_identity(&self) -> Option<String> {
        Some("the registration".to_owned())
    }

    fn known_by(identity: &str) -> Option<SnapshotScan> {
        let account_id = identity.parse().ok()?;
        Some(SnapshotScan { account_id, schedule: None, tags: None })
    }

    /// Another spelling of the same schedule is no change. A registration that changes is made anew as a whole: what the
    /// file leaves out goes with it as it is.
    fn complete(&mut self, live: &SnapshotScan) {
        if self.tags.is_none() && self.account_id == live.account_id {
            self.tags.clone_from(&live.tags);
        }
        if let (Some(wanted), Some(live)) = (&mut self.schedule, &live.schedule) {
            wanted.complete(live);
        }
    }

    /// A registration that changes is taken away and made again.
    fn writes(edit: &Edit<'_, SnapshotScan>) -> usize {
        match edit {
            Edit::Update { .. } => 2,
            Edit::Create(_) | Edit::Delete { .. } => 1,
        }
    }

    fn leave_out(&mut self, field: &str) {
        super::field::leave_out!(field of self: schedule, tags);
    }

    fn schedule(&self) -> Option<super::Timetable<'_>> {
        self.schedule.as_ref().map(super::Timetable::Cron)
    }

    fn check(&mut self, report: &mut dyn FnMut(Finding)) {
        if self.schedule.is_none() {
            let hint = "give a Quartz cron expression, as in \"0 0 2 ? * * *\"";
            report(Finding::error("schedule", "`schedule` is missing: a registration needs one", hint));
        }
        if let Some((days, names)) = self.schedule.as_ref().and_then(QuartzCron::numbered_days) {
            let message =
                format!("`{days}` for days of the week means {names}: Quartz counts from 1, Sunday");
            report(Finding::warning("schedule", message, "write the names, which nobody misreads"));
        }
        for tag in self.tags.iter().flatten().filter(|tag| tag.key.is_empty()) {
            let message = format!("a tag with the value `{}` has no key", tag.value);
            report(Finding::error("tags", message, "give key and value, as in {key: Owner, value: test}"));
        }
    }
}
