//! trueup keeps a Qualys subscription's cloud connectors and scan schedules exactly as a YAML file says.
pub mod desired;
pub mod qualys;
pub mod resource;
pub mod secret;
pub mod simulator;
