//! Assessment reports: asked for, waited for, downloaded and put in place, by hand and by the daemon.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/bin.rs"]
mod bin;
mod stub;

#[path = "reports/client.rs"]
mod client;
#[path = "reports/daemon.rs"]
mod daemon;
#[path = "reports/file.rs"]
mod file;
#[path = "reports/simulated.rs"]
mod simulated;
