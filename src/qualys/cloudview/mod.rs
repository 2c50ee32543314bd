//! CloudView v1 (`/cloudview-api/rest/v1`; CloudView API release notes 1.12 to 1.15 of 2021).

mod door;
mod report;

#[cfg_attr(not(test), expect(unused_imports, reason = "for the objects behind the door"))]
pub(super) use door::call;
pub(super) use door::{Door, Shut};
pub use report::{ReportRequest, ReportState, ReportStatus, Reporter};
