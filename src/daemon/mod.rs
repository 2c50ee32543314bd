//! The daemon: triggers in, passes out, status on show.

pub mod triggers;

pub mod schedule;
pub mod signals;
pub mod watch;

pub mod board;
pub mod http;
mod listener;
pub mod metrics;
mod page;
pub mod status;
pub mod systemd;

mod alerts;
mod loading;
mod pulse;
mod reports;
pub mod run;
