//! What the simulator answers, held against the vendor's documents: their own samples with names and keys of our own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking, in helpers too")]

#[path = "simulator/azure.rs"]
mod azure;
#[path = "simulator/client.rs"]
mod client;
#[path = "simulator/control.rs"]
mod control;
#[path = "simulator/gcp.rs"]
mod gcp;
#[path = "simulator/global_scan.rs"]
mod global_scan;
#[path = "simulator/kinds.rs"]
mod kinds;
#[path = "simulator/oci.rs"]
mod oci;
#[path = "simulator/options.rs"]
mod options;
#[path = "simulator/protocol.rs"]
mod protocol;
#[path = "simulator/refusals.rs"]
mod refusals;
#[path = "simulator/samples.rs"]
mod samples;
#[path = "simulator/state.rs"]
mod state;
