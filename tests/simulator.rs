//! What the simulator answers, held against the vendor's documents: their own samples with names and keys of our own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking, in helpers too")]

#[path = "simulator/azure.rs"]
mod azure;
#[path = "simulator/client.rs"]
mod client;
#[path = "simulator/cloudview.rs"]
mod cloudview;
#[path = "simulator/cloudview_bridge.rs"]
mod cloudview_bridge;
#[path = "simulator/cloudview_connectors.rs"]
mod cloudview_connectors;
#[path = "simulator/cloudview_lists.rs"]
mod cloudview_lists;
#[path = "simulator/cloudview_options.rs"]
mod cloudview_options;
#[path = "simulator/cloudview_refusals.rs"]
mod cloudview_refusals;
#[path = "simulator/container.rs"]
mod container;
#[path = "simulator/control.rs"]
mod control;
#[path = "simulator/gateway.rs"]
mod gateway;
#[path = "simulator/gcp.rs"]
mod gcp;
#[path = "simulator/global_scan.rs"]
mod global_scan;
#[path = "simulator/inventory.rs"]
mod inventory;
#[path = "simulator/kinds.rs"]
mod kinds;
#[path = "simulator/oci.rs"]
mod oci;
#[path = "simulator/options.rs"]
mod options;
#[path = "simulator/organization.rs"]
mod organization;
#[path = "simulator/protocol.rs"]
mod protocol;
#[path = "simulator/refusals.rs"]
mod refusals;
#[path = "simulator/report_files.rs"]
mod report_files;
#[path = "simulator/reports.rs"]
mod reports;
#[path = "simulator/samples.rs"]
mod samples;
#[path = "simulator/snapshot.rs"]
mod snapshot;
#[path = "simulator/state.rs"]
mod state;
#[path = "simulator/strictness.rs"]
mod strictness;
