//! The modules that assets are activated for.

use super::words::words;

words! {
    /// A module that the assets of a connector are activated for. `CLOUDVIEW` is the platform's own doing and never part
    /// of a spec.
    Module {
        /// Vulnerability management.
        Vm = "VM",
        /// Policy compliance.
        Pc = "PC",
        /// Security configuration assessment.
        Sca = "SCA",
        /// Certificate view.
        CertView = "CERTVIEW",
        /// Cloud security assessment.
        Csa = "CSA",
    }
}

impl Module {
    /// What the platform itself adds where CI or CSA is on.
    pub(crate) const PLATFORMS_OWN: &'static str = "CLOUDVIEW";
}
