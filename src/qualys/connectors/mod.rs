//! Connectors 3.0 of the clouds (Connectors API User Guide).

mod aws;
mod azure;
mod azure_organization;
mod gcp;
mod parts;
mod snapshot_scan;
