//! trueup keeps a Qualys subscription's cloud connectors and scan schedules exactly as a YAML file says.
pub mod daemon;
pub mod desired;
pub mod resource;
pub mod secret;
pub mod simulator;
pub mod stop;
pub mod telemetry;
