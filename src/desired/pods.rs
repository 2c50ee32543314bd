//! The vendor's platforms and their hosts, from the vendor's own table.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::settings::Pod;

macro_rules! pods {
    ($($name:literal: $api:literal, $portal:literal, $gateway:literal;)+) => {
        const PODS: &[Pod] = &[
            Pod::Simulator,
            $(Pod::Vendor { name: $name, api: $api, portal: $portal, gateway: $gateway },)+
        ];
        const NAMES: &[&str] = &["simulator", $($name,)+];
    };
}

pods! {
    "US1": "qualysapi.qualys.com", "qualysguard.qualys.com", "gateway.qg1.apps.qualys.com";
    "US2": "qualysapi.qg2.apps.qualys.com", "qualysguard.qg2.apps.qualys.com", "gateway.qg2.apps.qualys.com";
    "US3": "qualysapi.qg3.apps.qualys.com", "qualysguard.qg3.apps.qualys.com", "gateway.qg3.apps.qualys.com";
    "US4": "qualysapi.qg4.apps.qualys.com", "qualysguard.qg4.apps.qualys.com", "gateway.qg4.apps.qualys.com";
    "EU1": "qualysapi.qualys.eu", "qualysguard.qualys.eu", "gateway.qg1.apps.qualys.eu";
    "EU2": "qualysapi.qg2.apps.qualys.eu", "qualysguard.qg2.apps.qualys.eu", "gateway.qg2.apps.qualys.eu";
    "EU3": "qualysapi.qg3.apps.qualys.it", "qualysguard.qg3.apps.qualys.it", "gateway.qg3.apps.qualys.it";
    "IN1": "qualysapi.qg1.apps.qualys.in", "qualysguard.qg1.apps.qualys.in", "gateway.qg1.apps.qualys.in";
    "CA1": "qualysapi.qg1.apps.qualys.ca", "qualysguard.qg1.apps.qualys.ca", "gateway.qg1.apps.qualys.ca";
    "AE1": "qualysapi.qg1.apps.qualys.ae", "qualysguard.qg1.apps.qualys.ae", "gateway.qg1.apps.qualys.ae";
    "UK1": "qualysapi.qg1.apps.qualys.co.uk", "qualysguard.qg1.apps.qualys.co.uk", "gateway.qg1.apps.qualys.co.uk";
    "AU1": "qualysapi.qg1.apps.qualys.com.au", "qualysguard.qg1.apps.qualys.com.au", "gateway.qg1.apps.qualys.com.au";
    "KSA1": "qualysapi.qg1.apps.qualysksa.com", "qualysguard.qg1.apps.qualysksa.com", "gateway.qg1.apps.qualysksa.com";
}

impl Pod {
    /// The names that the file may give.
    pub const NAMES: &'static [&'static str] = NAMES;
}

/// A platform as the file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PodName {
    /// One of the vendor's table.
    Known(Pod),
    /// One that is not: its URLs are for the file to give.
    Other(String),
}

impl<'de> Deserialize<'de> for PodName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PodName, D::Error> {
        struct Expected;
        impl Visitor<'_> for Expected {
            type Value = PodName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a platform, as in US1")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<PodName, E> {
                let found = NAMES.iter().position(|known| *known == name).and_then(|at| PODS.get(at));
                Ok(found.copied().map_or_else(|| PodName::Other(name.to_owned()), PodName::Known))
            }
        }
        deserializer.deserialize_any(Expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_its_own_pod() {
        assert_eq!(NAMES.len(), PODS.len());
        for (name, pod) in NAMES.iter().zip(PODS) {
            match pod {
                Pod::Simulator => assert_eq!(*name, "simulator"),
                Pod::Vendor { name: own, api, portal, gateway } => {
                    assert_eq!(own, name);
                    assert!(api.starts_with("qualysapi."), "{api}");
                    assert!(portal.starts_with("qualysguard."), "{portal}");
                    assert!(gateway.starts_with("gateway.qg"), "{gateway}");
                    // The three stand under one domain.
                    let domain = gateway.rsplit_once("apps.").map_or("", |(_, domain)| domain);
                    assert!(api.ends_with(domain) && portal.ends_with(domain), "{name}");
                }
                Pod::Private => panic!("{name} is private"),
            }
        }
    }
}
