//! What a resource is, in normal form. No IO.
//!
//! One type per kind ([`aws::Aws`], [`tag::Tag`]) serves the file, the live object and the diff: the file's
//! reader and the platform's decoder both end in it, and two values of it are compared field by field in the
//! form that [`Spec::fields`] gives, which is also the form a person reads. What a field leaves out (`None`)
//! is not managed.
//!
//! A new kind is a file beside `aws.rs`, its wire file under `qualys/`, and one line in [`kinds!`](self).

mod above;
mod address;
pub mod aws;
pub mod azure;
pub mod azure_organization;
mod back_end;
mod calendar;
mod capability;
pub(crate) mod connector;
mod edit;
mod expectation;
mod field;
pub mod gcp;
pub mod global_scan;
mod live;
pub mod oci;
mod pem;
mod perimeter;
mod quartz;
pub mod registry_connector;
pub mod registry_schedule;
mod report;
mod scalar;
pub mod snapshot_scan;
pub mod tag;
mod timetable;
mod zoned_cron;

use std::collections::BTreeSet;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::secret::{Secret, SecretRef};

pub use above::{Above, Scope, Wanted};
pub use address::Address;
pub use back_end::{CloudviewAuth, ConnectorsApi, InCloudview};
pub use calendar::{ScanDate, ScanTime, ZoneName};
pub use capability::{Capabilities, Capability};
pub use edit::Edit;
pub use expectation::{Checked, Expectation, Filter, FilterValue, Operator, Single};
pub use field::{Access, FILL_IN, Field, Finding, Reference, Sent, Severity, Told};
pub use live::{Health, LiveObject, Owner, RunError};
pub use perimeter::{Day, PerimeterScan, Recurrence, Schedule};
pub use quartz::QuartzCron;
pub use report::{AssessmentReport, Evaluation, ReportAddress, ReportCloud, ReportFormat};
pub use scalar::{
    AwsAccount, AzureId, ExternalId, Fingerprint, Module, OciRegion, OrganizationFrequency, Partition,
    ProjectId, Regions, RoleArn, RunFrequency, TenancyOcid, UserOcid,
};
pub use timetable::Timetable;
pub use zoned_cron::ZonedCron;

/// The fields of a spec in the form in which they are compared and shown: the file's own.
pub type Fields = Map<String, Value>;

/// What every kind says of itself; the generic machinery (file, plan, apply, journal) asks nothing more.
pub trait Resource: Clone + PartialEq + Serialize + DeserializeOwned {
    /// The kind that this type is the spec of.
    const KIND: Kind;
    /// Where the file holds objects of this kind, outermost section first: `["connectors", "aws"]`.
    const SECTION: &'static [&'static str];
    /// The fields, in the order in which a plan shows them.
    const FIELDS: &'static [Field];
    /// Whether everybody on the platform shares such objects: they are never counted as unmanaged, and
    /// pruned only when ours.
    const SHARED: bool = false;
    /// Whether there is one such object at most: its section is the entry itself, not a list.
    const SINGLETON: bool = false;
    /// What the file wants of the objects that it declares.
    const WANTED: Wanted = Wanted::Present;
    /// What stands above the entries in the section, where that is no plain list.
    const ABOVE: Option<Above> = None;
    /// Whether the platform can be asked which objects of the kind there are. Where it cannot, the journal alone
    /// knows, and what it does not know is tried.
    const LISTED: bool = true;
    /// Why the platform cannot delete such an object, for kinds of which that is so.
    const UNDELETABLE: Option<&'static str> = None;
    /// Whether such an object can be told to run now, and what runs then.
    const RUN: Run = Run::Never;
    /// The kinds of the objects that such an object may name.
    const REFERS_TO: &'static [Kind] = &[Kind::Tag];
    /// Other keys that an entry may give its identity by.
    const SPELLINGS: &'static [&'static str] = &[];

    /// What CloudView v1 has of the kind.
    const IN_CLOUDVIEW: InCloudview = InCloudview::Elsewhere;

    /// Reads what stands above entries, and gives the value of the field that names it.
    fn above<'de, D: Deserializer<'de>>(_from: D) -> Result<Value, D::Error> {
        Err(D::Error::custom("nothing stands above such entries"))
    }

    /// The name as the file or the platform has it.
    fn name(&self) -> &str;

    /// What makes it the same object in the cloud's own terms; `None` where the value does not carry it.
    fn identity(&self) -> Option<String>;

    /// A weaker identity that serves where the exact one finds nothing and this is unique on both sides.
    fn weak_identity(&self) -> Option<String> {
        None
    }

    /// The object, of which no more than its identity is known; only where it cannot be listed.
    #[must_use]
    fn known_by(_identity: &str) -> Option<Self> {
        None
    }

    /// The secrets that the object names, each with its field.
    fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        Vec::new()
    }

    /// Looks at a resolved secret: an error where the platform could not use it, and advice about it.
    fn admit(&self, _field: &'static str, _secret: &Secret) -> Result<Option<String>, String> {
        Ok(None)
    }

    /// What of a secret tells it from another one, where that is less than its whole text: another writing of the same
    /// secret is no change.
    fn essence(&self, _field: &'static str, _secret: &Secret) -> Option<Secret> {
        None
    }

    /// What the platform is known to want of a write, and neither this nor the live object has: told, and tried all the
    /// same. This is complete; without a live object it is to be made.
    fn caveats(&self, _live: Option<&Self>) -> Vec<String> {
        Vec::new()
    }

    /// The name in the object's address.
    fn address_name(&self) -> String {
        self.name().to_owned()
    }

    /// Shows each name of another object, to be replaced by its canonical form.
    fn references(&mut self, _visit: &mut dyn FnMut(Reference<'_>)) {}

    /// Fills what the file leaves out inside a field (a capability's tag, a schedule's zone) from the live
    /// object. Whole fields that are left out stay so.
    fn complete(&mut self, _live: &Self) {}

    /// Leaves a field out, as if the file did not have it. The name and the identity stay.
    fn leave_out(&mut self, field: &str);

    /// The same object, switched off; `None` for kinds that cannot be.
    fn disabled(&self) -> Option<Self> {
        None
    }

    /// How many writing requests it takes.
    #[must_use]
    fn writes(edit: &Edit<'_, Self>) -> usize {
        edit.requests()
    }

    /// The secrets that an update of these fields sends again, changed or not.
    #[must_use]
    fn sends_again(_fields: &[&str]) -> &'static [&'static str] {
        &[]
    }

    /// A field of names of other objects, each of which no two objects of the kind may have at once.
    fn exclusive(&self) -> Option<(&'static str, &BTreeSet<String>)> {
        None
    }

    /// When it runs, if it is or bears a schedule.
    fn schedule(&self) -> Option<Timetable<'_>> {
        None
    }

    /// Brings other documented spellings into the one normal form, and reports what is wrong or ill-advised
    /// across fields. What one field alone can get wrong, its own type refuses while it is read.
    fn check(&mut self, _report: &mut dyn FnMut(Finding)) {}
}

/// What can be run of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// Nothing.
    Never,
    /// The one object.
    Freely,
    /// More than the one object: what, to be consented to.
    Widely(&'static str),
}

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
                match self { $(Spec::$kind(spec) => spec.check(report),)+ }
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
