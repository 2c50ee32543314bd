//! What a resource is, in normal form. No IO.
//!
//! One type per kind ([`aws::Aws`], [`tag::Tag`]) serves the file, the live object and the diff: the file's
//! reader and the platform's decoder both end in it, and two values of it are compared field by field in the
//! form that [`Spec::fields`] gives, which is also the form a person reads. What a field leaves out (`None`)
//! is not managed.
//!
//! A new kind is a file beside `aws.rs`, its wire file under `qualys/`, and one line in [`kinds!`](self).

mod address;
pub mod aws;
mod capability;
mod connector;
mod field;
mod live;
mod perimeter;
mod quartz;
mod scalar;
pub mod snapshot_scan;
pub mod tag;
mod timetable;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::secret::{Secret, SecretRef};

pub use address::Address;
pub use capability::{Capabilities, Capability};
pub use field::{Access, Field, Finding, Reference, Severity, Told};
pub use live::{Health, LiveObject, Owner, RunError};
pub use perimeter::{Day, PerimeterScan, Recurrence, ScanDate, ScanTime, Schedule, ZoneName};
pub use quartz::QuartzCron;
pub use scalar::{
    AwsAccount, ExternalId, Module, OrganizationFrequency, Partition, Regions, RoleArn, RunFrequency,
};
pub use timetable::Timetable;

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

    /// The name as the file or the platform has it.
    fn name(&self) -> &str;

    /// What makes it the same object in the cloud's own terms; `None` where the value does not carry it.
    fn identity(&self) -> Option<String>;

    /// A weaker identity that serves where the exact one finds nothing and this is unique on both sides.
    fn weak_identity(&self) -> Option<String> {
        None
    }

    /// The object, of which no more than its identity is known; only where it cannot be listed.
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

            /// See [`Resource::SPELLINGS`].
            #[must_use]
            pub const fn spellings(self) -> &'static [&'static str] {
                match self { $(Kind::$kind => <$spec as Resource>::SPELLINGS,)+ }
            }

            /// See [`Resource::known_by`].
            #[must_use]
            pub fn known_by(self, identity: &str) -> Option<Spec> {
                match self { $(Kind::$kind => <$spec as Resource>::known_by(identity).map(Spec::$kind),)+ }
            }

            /// Reads a spec of this kind, with all that its type refuses as the deserializer's error.
            pub fn deserialize<'de, D: serde::Deserializer<'de>>(self, from: D) -> Result<Spec, D::Error> {
                match self { $(Kind::$kind => <$spec as serde::Deserialize>::deserialize(from).map(Spec::$kind),)+ }
            }
        }

        /// The comparable part of an object, in normal form: the same type for desired and live.
        #[derive(Debug, Clone, PartialEq)]
        #[expect(clippy::large_enum_variant, reason = "nearly all objects are of the largest kinds")]
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
    /// The service account of snapshot-based scans.
    SnapshotScan = "snapshot_scan" => snapshot_scan::SnapshotScan;
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

    /// The section as the file spells it: `connectors.aws`.
    #[must_use]
    pub fn section_path(self) -> String {
        self.section().join(".")
    }
}
