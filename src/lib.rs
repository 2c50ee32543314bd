//! trueup keeps a Qualys subscription's cloud connectors and scan schedules exactly as a YAML file says.
//!
//! It pulls all connectors, schedules and tags from the platform, compares them with the file, shows the differences as a
//! plan, and applies it under a dry-run or enforce policy: as a daemon, or once in CI.
//!
//! In reading order: [`reconcile`] is one pass, the function to read first. [`desired`] reads the file,
//! [`pull`] the platform; both end in the types of [`resource`], the normal form. [`plan`] compares the two and
//! makes every choice, [`apply`] performs it, [`recheck`] looks at each object right before, [`journal`] remembers what the
//! platform cannot tell, and [`lock`] keeps two processes from writing at the same time. [`qualys`] alone knows the wire, [`sync`] runs connectors
//! now, [`ownership`] marks objects as ours, [`report`] makes and downloads assessment reports, [`export`] writes what is
//! live as a file. [`daemon`] turns triggers into passes, [`cli`] arguments into commands.
//! [`simulator`] stands in for the platform and shares no code with [`qualys`].
//!
//! The rest is small and used by many: [`bounded_file`] reads a file without waiting for it for long, `loopback` knows
//! the addresses of this machine, [`pace`] follows what takes long, [`span`] tells lengths of time, [`subscription`] tells
//! whose facts are meant, [`visible`] makes text from elsewhere safe to show.

pub mod reconcile;

pub mod desired;
pub mod pull;
pub mod resource;

pub mod apply;
pub mod export;
pub mod journal;
pub mod lock;
pub mod ownership;
pub mod plan;
pub mod qualys;
pub mod recheck;
pub mod report;
pub mod sync;

pub mod cli;
pub mod connect;
pub mod daemon;

pub mod simulator;

pub mod bounded_file;
pub mod error;
pub mod exit;
pub(crate) mod loopback;
pub mod pace;
pub mod secret;
pub mod span;
pub mod stop;
pub mod subscription;
pub mod telemetry;
pub mod visible;

// The unit tests of `qualys` play the same stub as the test programs, which know the crate by its name.
#[cfg(test)]
extern crate self as trueup;
