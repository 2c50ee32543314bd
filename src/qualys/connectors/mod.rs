//! Connectors 3.0 of the clouds, and what goes with them (Connectors API User Guide).

mod aws;
mod azure;
mod gcp;
mod global_scan;
mod oci;
mod parts;
