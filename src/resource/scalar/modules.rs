//! The modules that assets are activated for.

use serde::de::{self, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

/// A module that the assets of a connector are activated for. `CLOUDVIEW` is the platform's own doing and
/// never part of a spec.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Module {
    /// Vulnerability management.
    Vm,
    /// Policy compliance.
    Pc,
    /// Security configuration assessment.
    Sca,
    /// Certificate view.
    CertView,
    /// A module that the platform gave and that no document names.
    Other(String),
}

impl Module {
    const NAMES: &'static [&'static str] = &["VM", "PC", "SCA", "CERTVIEW"];

    /// The module of that name, known or not.
    #[must_use]
    pub fn from_platform(name: &str) -> Module {
        match name {
            "VM" => Module::Vm,
            "PC" => Module::Pc,
            "SCA" => Module::Sca,
            "CERTVIEW" => Module::CertView,
            other => Module::Other(other.to_owned()),
        }
    }

    /// The platform's name of the module.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Module::Vm => "VM",
            Module::Pc => "PC",
            Module::Sca => "SCA",
            Module::CertView => "CERTVIEW",
            Module::Other(name) => name,
        }
    }
}

impl Serialize for Module {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Module {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Module, D::Error> {
        let name = String::deserialize(deserializer)?;
        match Module::from_platform(&name) {
            Module::Other(name) if name == "CLOUDVIEW" => Err(de::Error::custom(
                "the platform itself adds CLOUDVIEW where CI or CSA is on: leave it out",
            )),
            Module::Other(name) => Err(de::Error::unknown_variant(&name, Module::NAMES)),
            module => Ok(module),
        }
    }
}
