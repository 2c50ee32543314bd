//! The families of APIs. Several may share a host, and each may have limits of its own there.

/// A family of APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    /// Connectors and tags.
    Qps,
    /// CloudView v1.
    Cloudview,
    /// Connectors of the gateway: those of organizations, and snapshot scans.
    Connectors,
    /// Registries.
    ContainerSecurity,
    /// Assets.
    Inventory,
    /// What is none of these: the gateway's token.
    Other,
}

impl Family {
    /// How many there are.
    pub(super) const COUNT: usize = 6;

    /// The family that a path belongs to: its first part tells.
    pub(super) fn of(path: &str) -> Family {
        match path.trim_start_matches('/').split('/').next().unwrap_or_default() {
            "qps" => Family::Qps,
            "cloudview-api" => Family::Cloudview,
            "connectors" | "conn" => Family::Connectors,
            "csapi" => Family::ContainerSecurity,
            "rest" => Family::Inventory,
            _ => Family::Other,
        }
    }
}
