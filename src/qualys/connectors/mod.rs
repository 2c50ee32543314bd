//! Connectors 3.0 of the clouds, and what goes with them (Connectors API User Guide).

mod aws;
mod azure;
mod azure_organization;
mod gcp;
mod global_scan;
mod oci;
mod parts;
mod snapshot_scan;

pub(super) use azure_organization::members_of_all;
