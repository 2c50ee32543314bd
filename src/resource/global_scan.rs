//! The global scan configuration: the perimeter scan of every connector that has no schedule of its own. Fields as in
//! the vendor's Connectors API User Guide, "Global Scan Configuration".

use serde::{Deserialize, Serialize};

use super::field::leave_out;
use super::{Field, Finding, InCloudview, Kind, Resource, Schedule, Timetable};

/// The one global scan configuration of a subscription.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GlobalScan(pub Schedule);

impl GlobalScan {
    /// Its name, its identity and its id: the platform gives it none of the three.
    pub const NAME: &'static str = "global";
}

impl Resource for GlobalScan {
    const KIND: Kind = Kind::GlobalScan;
    const SECTION: &'static [&'static str] = &["global_scan"];
    const SINGLETON: bool = true;
    const UNDELETABLE: Option<&'static str> =
        Some("the platform has no call to delete the global scan configuration; it stays as it is");
    const REFERS_TO: &'static [Kind] = &[];
    const IN_CLOUDVIEW: InCloudview = InCloudview::Nothing("it has no perimeter scans");
    const FIELDS: &'static [Field] = &[
        Field::updatable("option_profile_id").needed(),
        Field::updatable("recurrence").needed(),
        Field::updatable("days"),
        Field::updatable("scan_prefix").needed(),
        Field::updatable("start_date").needed(),
        Field::updatable("start_time").needed(),
        Field::updatable("timezone").needed(),
    ];

    fn name(&self) -> &str {
        GlobalScan::NAME
    }

    fn identity(&self) -> Option<String> {
        Some(GlobalScan::NAME.to_owned())
    }

    /// An update sends it whole: what the file leaves out is sent as it is.
    fn complete(&mut self, live: &GlobalScan) {
        self.0.complete(&live.0);
    }

    fn leave_out(&mut self, field: &str) {
        let schedule = &mut self.0;
        leave_out!(field of schedule: option_profile_id, recurrence, days, scan_prefix, start_date, start_time,
            timezone);
    }

    fn schedule(&self) -> Option<Timetable<'_>> {
        Some(Timetable::Scan(&self.0))
    }

    fn check(&mut self, report: &mut dyn FnMut(Finding)) {
        if let Err(misfit) = self.0.check() {
            report(Finding::error(misfit.field, misfit.message, misfit.hint));
        }
        self.0.check_words("recurrence", report);
    }
}
