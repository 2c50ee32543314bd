//! What the file says besides the objects: where the platform is, and how to reconcile.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use glob::Pattern;
use serde::Deserialize;
use url::Url;

use crate::resource::gcp::ProjectField;
use crate::resource::{CloudviewAuth, ConnectorsApi, ZonedCron};
use crate::secret::SecretRef;

/// Everything in the main file but the objects. Defaults are filled in, paths are absolute.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where the platform is and how to speak to it.
    pub platform: Platform,
    /// How to reconcile.
    pub reconcile: Reconcile,
    /// The journal's file; `None` for none.
    pub journal: Option<PathBuf>,
    /// Where the daemon serves its status; `None` for nowhere.
    pub listen: Option<SocketAddr>,
    /// What of this the file leaves to its default.
    pub defaulted: Defaulted,
}

/// What the file leaves to its default, where that is another one elsewhere or nothing worth saying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaulted {
    /// The journal lies where it lies by default.
    pub journal: bool,
    /// The daemon listens where it does by default.
    pub listen: bool,
}

/// Where the platform is and how to speak to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// The built-in simulator, or the platform of that name.
    pub pod: Pod,
    /// What the file calls a platform that is none of the vendor's table.
    pub name: Option<String>,
    /// Overrides the pod's API server.
    pub api_url: Option<Url>,
    /// Overrides the pod's portal.
    pub portal_url: Option<Url>,
    /// Overrides the pod's gateway.
    pub gateway_url: Option<Url>,
    /// The API that connectors are managed through.
    pub connectors_api: ConnectorsApi,
    /// Where the CloudView API is and how it knows the user.
    pub cloudview_auth: CloudviewAuth,
    /// More certificates to trust, PEM.
    pub ca_bundle: Option<PathBuf>,
    /// The proxy to go through; else what the environment says.
    pub proxy: Option<Url>,
    /// How long one answer may take.
    pub timeout: Duration,
    /// How many requests may be under way at once.
    pub concurrency: usize,
    /// The one subscription (its UUID) that this file is for.
    pub subscription: Option<String>,
    /// How the platform spells the project of a GCP connector.
    pub gcp_project_field: ProjectField,
    /// The user; the simulator needs none.
    pub username: Option<SecretRef>,
    /// The password; the simulator needs none.
    pub password: Option<SecretRef>,
}

/// A platform of the vendor, or the built-in simulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pod {
    /// The built-in simulator.
    Simulator,
    /// One of the vendor's, from the vendor's own table.
    Vendor {
        /// Its name, as in `US1`.
        name: &'static str,
        /// The API server's host.
        api: &'static str,
        /// The portal's host.
        portal: &'static str,
        /// The gateway's host.
        gateway: &'static str,
    },
    /// None named: the URLs say where.
    Private,
}

/// How to reconcile.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconcile {
    /// Whether `run` applies.
    pub policy: Mode,
    /// How long after one scheduled pass the next starts; `None` where a cron schedule alone is given.
    pub every: Option<Duration>,
    /// When passes start besides.
    pub cron: Option<cron::Schedule>,
    /// The zone that `cron` is meant in.
    pub timezone: chrono_tz::Tz,
    /// Which kinds are read.
    pub pull: PullScope,
    /// What is deleted.
    pub prune: Prune,
    /// What "deleted" means for connectors.
    pub prune_action: PruneAction,
    /// Whether a change that needs delete and create may be made.
    pub replace: Replace,
    /// Whose mark created and adopted objects bear.
    pub owner: Option<String>,
    /// Deletes (and replaces) that one plan may hold.
    pub max_deletes: usize,
    /// Updates and deletes that one plan may hold, of the live objects of a kind, in percent.
    pub max_change_percent: u32,
    /// How much smaller than the last good listing one may be, in percent.
    pub max_shrink_percent: u32,
    /// In the daemon, how long an unchanged file must have wanted a delete before it is made.
    pub delete_after: Duration,
    /// How long a create whose answer was lost is looked for.
    pub settle_for: Duration,
    /// Live objects that are not counted as unmanaged: patterns of addresses.
    pub unmanaged_ignore: Vec<Pattern>,
    /// How often a lasting drift is logged again.
    pub remind_every: Duration,
}

impl Reconcile {
    /// When passes start besides, in the zone that this is meant in.
    #[must_use]
    pub fn zoned_cron(&self) -> Option<ZonedCron> {
        self.cron.clone().map(|cron| ZonedCron::new(cron, self.timezone))
    }
}

/// Whether changes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Plan and alert, change nothing.
    DryRun,
    /// Apply.
    Enforce,
}

impl Mode {
    /// The word in the file and in plans.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Mode::DryRun => "dry-run",
            Mode::Enforce => "enforce",
        }
    }
}

/// Which kinds are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PullScope {
    /// All that the platform has.
    All,
    /// Those that the file names.
    Declared,
}

/// What is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prune {
    /// Nothing.
    Never,
    /// What is ours and the file dropped.
    Owned,
    /// Every live object of the kinds whose section stands in the file.
    All,
}

/// What "deleted" means for connectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PruneAction {
    /// Deleted.
    Delete,
    /// Disabled.
    Disable,
}

/// Whether a change that needs delete and create may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Replace {
    /// It is held.
    Never,
    /// It is made.
    Allowed,
}
