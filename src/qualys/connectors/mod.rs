//! Connectors 3.0 of the clouds (Connectors API User Guide).

mod aws;
mod azure;
mod gcp;
mod oci;
mod parts;
