//! CloudView v1 (`/cloudview-api/rest/v1`; CloudView API release notes 1.12 to 1.15 of 2021): the connectors of
//! subscriptions that have no newer API, and the way in, which is the family's.
//!
//! Of each connector it tells and takes a part of what Connectors 3.0 does; [`crate::resource::InCloudview`] says which.

mod aws;
mod azure;
mod connectors;
mod door;
mod gcp;
mod report;
mod wire;

pub(super) use connectors::Cloudview;
#[cfg_attr(not(test), expect(unused_imports, reason = "for the family's other objects"))]
pub(super) use door::call;
pub(super) use door::{Deletes, Door, Shut};
pub use report::{ReportRequest, ReportState, ReportStatus, Reporter};
