//! Every kind in one list, and a spec of any of them: what [`Resource`] says of a type is asked here of a value.

use std::collections::BTreeSet;

use serde::{Deserializer, Serialize};
use serde_json::Value;

use super::{
    Above, Access, Edit, Field, Fields, Finding, InCloudview, Reference, Resource, Run, Timetable, Wanted,
    aws, azure, azure_organization, gcp, global_scan, oci, prose, registry_connector, registry_schedule,
    snapshot_scan, tag,
};
use crate::secret::{Secret, SecretRef};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal => $spec:ty;)+) => {
        /// A kind of object, in the order of the file's sections, which is also the order of apply.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $kind,)+ }

        impl Kind {
            /// Every kind, in order.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind,)+];

            /// The word in addresses, events and JSON.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Kind::$kind => $word,)+ }
            }

            /// See [`Resource::SECTION`].
            #[must_use]
            pub const fn section(self) -> &'static [&'static str] {
                match self { $(Kind::$kind => <$spec as Resource>::SECTION,)+ }
            }

            /// See [`Resource::FIELDS`].
            #[must_use]
            pub const fn fields(self) -> &'static [Field] {
                match self { $(Kind::$kind => <$spec as Resource>::FIELDS,)+ }
            }

            /// See [`Resource::SHARED`].
            #[must_use]
            pub const fn is_shared(self) -> bool {
                match self { $(Kind::$kind => <$spec as Resource>::SHARED,)+ }
            }

            /// See [`Resource::SINGLETON`].
            #[must_use]
            pub const fn is_singleton(self) -> bool {
                match self { $(Kind::$kind => <$spec as Resource>::SINGLETON,)+ }
            }

            /// See [`Resource::WANTED`].
            #[must_use]
            pub const fn wanted(self) -> Wanted {
                match self { $(Kind::$kind => <$spec as Resource>::WANTED,)+ }
            }

            /// See [`Resource::ABOVE`].
            #[must_use]
            pub const fn above(self) -> Option<Above> {
                match self { $(Kind::$kind => <$spec as Resource>::ABOVE,)+ }
            }

            /// See [`Resource::above`].
            pub fn read_above<'de, D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
                match self { $(Kind::$kind => <$spec as Resource>::above(from),)+ }
            }

            /// See [`Resource::LISTED`].
            #[must_use]
            pub const fn is_listed(self) -> bool {
                match self { $(Kind::$kind => <$spec as Resource>::LISTED,)+ }
            }

            /// See [`Resource::UNDELETABLE`].
            #[must_use]
            pub const fn undeletable(self) -> Option<&'static str> {
                match self { $(Kind::$kind => <$spec as Resource>::UNDELETABLE,)+ }
            }

            /// See [`Resource::RUN`].
            #[must_use]
            pub const fn run(self) -> Run {
                match self { $(Kind::$kind => <$spec as Resource>::RUN,)+ }
            }

            /// See [`Resource::REFERS_TO`].
            #[must_use]
            pub const fn refers_to(self) -> &'static [Kind] {
                match self { $(Kind::$kind => <$spec as Resource>::REFERS_TO,)+ }
            }

            /// See [`Resource::IN_CLOUDVIEW`].
            #[must_use]
            pub const fn in_cloudview(self) -> InCloudview {
                match self { $(Kind::$kind => <$spec as Resource>::IN_CLOUDVIEW,)+ }
            }

            /// See [`Resource::SPELLINGS`].
            #[must_use]
            pub const fn spellings(self) -> &'static [&'static str] {
                match self { $(Kind::$kind => <$spec as Resource>::SPELLINGS,)+ }
            }

            /// See [`Resource::writes`].
            #[must_use]
            pub fn writes(self, edit: &Edit<'_, Spec>) -> usize {
                match self {
                    $(Kind::$kind => {
                        let edit = edit.narrow(|spec| match spec {
                            Spec::$kind(spec) => Some(spec),
                            #[allow(unreachable_patterns, reason = "reached as soon as there are two kinds")]
                            _ => None,
                        });
                        edit.map_or(1, |edit| <$spec as Resource>::writes(&edit))
                    })+
                }
            }

            /// See [`Resource::sends_again`].
            #[must_use]
            pub fn sends_again(self, fields: &[&str]) -> &'static [&'static str] {
                match self { $(Kind::$kind => <$spec as Resource>::sends_again(fields),)+ }
            }

            /// See [`Resource::known_by`].
            #[must_use]
            pub fn known_by(self, identity: &str) -> Option<Spec> {
                match self { $(Kind::$kind => <$spec as Resource>::known_by(identity).map(Spec::$kind),)+ }
            }

            /// Reads a spec of this kind, with all that its type refuses as the deserializer's error.
            pub fn deserialize<'de, D: Deserializer<'de>>(self, from: D) -> Result<Spec, D::Error> {
                match self { $(Kind::$kind => <$spec as serde::Deserialize>::deserialize(from).map(Spec::$kind),)+ }
            }
        }

        /// The comparable part of an object, in normal form: the same type for desired and live.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Spec { $($(#[$doc])* $kind($spec),)+ }

        impl Spec {
            /// The kind of the object.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self { $(Spec::$kind(_) => Kind::$kind,)+ }
            }

            /// See [`Resource::name`].
            #[must_use]
            pub fn name(&self) -> &str {
                match self { $(Spec::$kind(spec) => spec.name(),)+ }
            }

            /// See [`Resource::identity`].
            #[must_use]
            pub fn identity(&self) -> Option<String> {
                match self { $(Spec::$kind(spec) => spec.identity(),)+ }
            }

            /// See [`Resource::weak_identity`].
            #[must_use]
            pub fn weak_identity(&self) -> Option<String> {
                match self { $(Spec::$kind(spec) => spec.weak_identity(),)+ }
            }

            /// See [`Resource::secrets`].
            #[must_use]
            pub fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
                match self { $(Spec::$kind(spec) => spec.secrets(),)+ }
            }

            /// See [`Resource::admit`].
            pub fn admit(&self, field: &'static str, secret: &Secret) -> Result<Option<String>, String> {
                match self { $(Spec::$kind(spec) => spec.admit(field, secret),)+ }
            }

            /// See [`Resource::essence`].
            #[must_use]
            pub fn essence(&self, field: &'static str, secret: &Secret) -> Option<Secret> {
                match self { $(Spec::$kind(spec) => spec.essence(field, secret),)+ }
            }

            /// See [`Resource::caveats`]. A live object of another kind is none.
            #[must_use]
            pub fn caveats(&self, live: Option<&Spec>) -> Vec<String> {
                match self {
                    $(Spec::$kind(spec) => spec.caveats(live.and_then(|live| match live {
                        Spec::$kind(live) => Some(live),
                        #[allow(unreachable_patterns, reason = "reached as soon as there are two kinds")]
                        _ => None,
                    })),)+
                }
            }

            /// See [`Resource::address_name`].
            #[must_use]
            pub fn address_name(&self) -> String {
                match self { $(Spec::$kind(spec) => spec.address_name(),)+ }
            }

            /// See [`Resource::references`].
            pub fn references(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
                match self { $(Spec::$kind(spec) => spec.references(visit),)+ }
            }

            /// See [`Resource::complete`]. A live object of another kind fills nothing.
            pub fn complete(&mut self, live: &Spec) {
                match (self, live) {
                    $((Spec::$kind(spec), Spec::$kind(live)) => spec.complete(live),)+
                    #[allow(unreachable_patterns, reason = "reached as soon as there are two kinds")]
                    _ => {}
                }
            }

            /// See [`Resource::leave_out`].
            pub fn leave_out(&mut self, field: &str) {
                match self { $(Spec::$kind(spec) => spec.leave_out(field),)+ }
            }

            /// See [`Resource::disabled`].
            #[must_use]
            pub fn disabled(&self) -> Option<Spec> {
                match self { $(Spec::$kind(spec) => spec.disabled().map(Spec::$kind),)+ }
            }

            /// See [`Resource::exclusive`].
            #[must_use]
            pub fn exclusive(&self) -> Option<(&'static str, &BTreeSet<String>)> {
                match self { $(Spec::$kind(spec) => spec.exclusive(),)+ }
            }

            /// See [`Resource::schedule`].
            #[must_use]
            pub fn schedule(&self) -> Option<Timetable<'_>> {
                match self { $(Spec::$kind(spec) => spec.schedule(),)+ }
            }

            /// See [`Resource::check`].
            pub fn check(&mut self, report: &mut dyn FnMut(Finding)) {
                self.normalize();
                match self { $(Spec::$kind(spec) => spec.check(report),)+ }
            }

            /// Brings the texts that people write into their normal form.
            pub(crate) fn normalize(&mut self) {
                match self { $(Spec::$kind(spec) => spec.texts(&mut prose::normalize),)+ }
            }

            /// The fields that are set, in the form in which they are compared and shown.
            #[must_use]
            pub fn fields(&self) -> Fields {
                let value = match self { $(Spec::$kind(spec) => serde_json::to_value(spec),)+ };
                match value {
                    Ok(Value::Object(fields)) => fields,
                    Ok(_) | Err(_) => unreachable!("a spec is a struct of plain values"),
                }
            }
        }

        $(impl From<$spec> for Spec {
            fn from(spec: $spec) -> Spec { Spec::$kind(spec) }
        })+
    };
}

kinds! {
    /// An asset tag.
    Tag = "tag" => tag::Tag;
    /// An AWS connector.
    Aws = "aws" => aws::Aws;
    /// An Azure connector.
    Azure = "azure" => azure::Azure;
    /// A GCP connector.
    Gcp = "gcp" => gcp::Gcp;
    /// An OCI connector.
    Oci = "oci" => oci::Oci;
    /// An Azure organization connector.
    AzureOrganization = "azure_organization" => azure_organization::AzureOrganization;
    /// The global scan configuration.
    GlobalScan = "global_scan" => global_scan::GlobalScan;
    /// The service account of snapshot-based scans.
    SnapshotScan = "snapshot_scan" => snapshot_scan::SnapshotScan;
    /// A scan schedule of a registry.
    RegistrySchedule = "registry_schedule" => registry_schedule::RegistrySchedule;
    /// A connector to registries that is to be gone.
    RegistryConnector = "registry_connector" => registry_connector::RegistryConnector;
}

impl Spec {
    /// Whether it is switched off.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.disabled().is_some_and(|off| off == *self)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

impl std::str::FromStr for Kind {
    type Err = String;

    fn from_str(word: &str) -> Result<Kind, String> {
        Kind::ALL.iter().copied().find(|kind| kind.word() == word).ok_or_else(|| {
            let known: Vec<_> = Kind::ALL.iter().map(|kind| kind.word()).collect();
            format!("unknown kind `{word}`, expected one of {}", known.join(", "))
        })
    }
}

impl Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl Kind {
    /// Whether another name makes another object: then an id that the journal knows finds nothing that the
    /// identity did not.
    #[must_use]
    pub fn is_its_name(self) -> bool {
        self.field("name").is_some_and(|field| field.access == Access::Identity)
    }

    /// The named field of this kind.
    #[must_use]
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// The keys of an entry that say which object it is.
    pub fn identifying(self) -> impl Iterator<Item = &'static str> {
        let fields = self.fields().iter().filter(|field| field.identifies).map(|field| field.name);
        fields.chain(self.spellings().iter().copied())
    }

    /// Whether its listing is of what the file declares alone.
    #[must_use]
    pub const fn is_scoped(self) -> bool {
        matches!(self.above(), Some(Above::Entries { .. })) || matches!(self.wanted(), Wanted::Absent)
    }

    /// The section as the file spells it: `connectors.aws`.
    #[must_use]
    pub fn section_path(self) -> String {
        self.section().join(".")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Severity;
    use super::*;

    /// An entry that sets every field, and those that cannot be left out.
    fn whole(kind: Kind) -> (Value, &'static [&'static str]) {
        match kind {
            Kind::Tag => (
                json!({"name": "a", "parent": "b", "description": "d", "color": "#AABBCC",
                    "rule": {"type": "NAME_CONTAINS", "text": "t"}}),
                &["name", "parent"],
            ),
            Kind::Aws => (
                json!({"name": "a", "description": "d", "arn": "arn:aws:iam::123456789012:role/Q",
                    "external_id": "US1-1-12345", "capabilities": ["AI"], "activation": ["VM"], "tags": ["t"],
                    "regions": "all", "run_frequency": "4h", "remediation": true, "enabled": true,
                    "perimeter_scan": "global"}),
                &["name", "arn"],
            ),
            Kind::Azure => (
                json!({"name": "a", "description": "d", "subscription_id": "11111111-0000-4000-8000-00000000000a",
                    "directory_id": "22222222-0000-4000-8000-00000000000a",
                    "application_id": "33333333-0000-4000-8000-00000000000a", "authentication_key": {"env": "KEY"},
                    "government": false, "capabilities": ["AI"], "activation": ["VM"], "tags": ["t"],
                    "run_frequency": "4h", "remediation": true, "enabled": true, "perimeter_scan": "global"}),
                &["name", "subscription_id"],
            ),
            Kind::Gcp => (
                json!({"name": "a", "description": "d", "project_id": "analytics-208707",
                    "service_account_key": {"env": "KEY"}, "capabilities": ["AI"], "activation": ["VM"], "tags": ["t"],
                    "run_frequency": "4h", "remediation": true, "enabled": true}),
                &["name", "project_id"],
            ),
            Kind::Oci => (
                json!({"name": "a", "description": "d", "tenant_id": "ocid1.tenancy.oc1..a",
                    "user_id": "ocid1.user.oc1..a", "fingerprint": "8a:cd:10:fc:f7:3c:c2:7d:a6:88:27:cb:1a:ad:52:7b",
                    "private_key": {"env": "KEY"}, "passphrase": {"env": "PHRASE"}, "home_region": "us-ashburn-1",
                    "capabilities": ["AI"], "tags": ["t"], "run_frequency": "4h", "enabled": true}),
                &["name", "tenant_id"],
            ),
            Kind::AzureOrganization => (
                json!({"name": "a", "tenant_id": "22222222-0000-4000-8000-00000000000a", "tenant_name": "A",
                    "description": "d", "application_id": "33333333-0000-4000-8000-00000000000a",
                    "secret": {"env": "KEY"}, "connector_prefix": "a", "capabilities": ["AI"],
                    "org_run_frequency": "1h", "connector_run_frequency": "4h",
                    "include_management_groups": ["g"], "exclude_management_groups": [],
                    "create_connectors_for_new_subscriptions": true,
                    "disable_connectors_for_deleted_groups": false, "activate": ["VM"], "tags": ["t"],
                    "remediation": false, "enabled": true, "members": ["azure/b"]}),
                &["name", "tenant_id"],
            ),
            Kind::GlobalScan => (
                json!({"option_profile_id": 2, "recurrence": "WEEKLY", "days": ["SUN", "TUE"],
                    "scan_prefix": "Global", "start_date": "2031-12-01", "start_time": "12:45",
                    "timezone": "Africa/Cairo"}),
                &[],
            ),
            Kind::SnapshotScan => (
                json!({"account_id": "123456789012", "schedule": "0 0 2 ? * * *",
                    "tags": [{"key": "k", "value": "v"}]}),
                &["account_id"],
            ),
            Kind::RegistrySchedule => (
                json!({"registry": {"name": "shop"}, "name": "weekly", "at": "09:30", "every_days": 7,
                    "week_day": "THURSDAY", "on_demand": false, "registry_type": "AWS", "force_scan": true,
                    "filters": [{"repo": "web", "tag": "latest", "days": 14}], "number_of_tags": 5,
                    "sort": "createdDate"}),
                &["registry", "name", "on_demand", "filters"],
            ),
            Kind::RegistryConnector => (
                json!({"cloud": "acr", "id": "f3c6d648-81d8-11ed-a1eb-0242ac120003", "state": "absent"}),
                &["cloud", "id", "state"],
            ),
        }
    }

    #[test]
    fn every_field_but_name_and_identity_can_be_left_out() {
        for &kind in Kind::ALL {
            let (entry, kept) = whole(kind);
            let mut spec = kind.deserialize(entry).unwrap();
            for field in kind.fields() {
                spec.leave_out(field.name);
            }
            assert_eq!(spec.fields().keys().collect::<Vec<_>>(), kept, "{kind}");
        }
    }

    #[test]
    fn a_spec_shows_what_it_was_read_from_field_by_field_in_order() {
        for &kind in Kind::ALL {
            let (entry, _) = whole(kind);
            let mut spec = kind.deserialize(entry.clone()).unwrap();
            spec.check(&mut |finding| assert_eq!(finding.severity, Severity::Warning, "{finding:?}"));
            assert_eq!(Value::Object(spec.fields()), entry, "{kind}");
            let names: Vec<&str> = kind.fields().iter().map(|field| field.name).collect();
            assert_eq!(spec.fields().keys().collect::<Vec<_>>(), names, "{kind}: the test knows every field");
            assert_eq!(kind.deserialize(Value::Object(spec.fields())).unwrap(), spec, "{kind}");
        }
    }

    #[test]
    fn every_secret_is_named_as_one_and_left_out_with_its_field() {
        for &kind in Kind::ALL {
            let mut spec = kind.deserialize(whole(kind).0).unwrap();
            let secrets = kind.fields().iter().filter(|field| field.is_secret()).map(|field| field.name);
            let secrets: Vec<&str> = secrets.collect();
            assert_eq!(
                spec.secrets().into_iter().map(|(field, _)| field).collect::<Vec<_>>(),
                secrets,
                "{kind}"
            );
            for field in secrets {
                spec.leave_out(field);
            }
            assert_eq!(spec.secrets(), [], "{kind}");
        }
    }
}
