//! What a resource is, in normal form. No IO.
//!
//! One type per kind ([`aws::Aws`], [`tag::Tag`]) serves the file, the live object and the diff: the file's
//! reader and the platform's decoder both end in it, and two values of it are compared field by field in the
//! form that [`Spec::fields`] gives, which is also the form a person reads. What a field leaves out (`None`)
//! is not managed.
//!
//! A new kind is a file beside `aws.rs`, its wire file under `qualys/`, and one line in the list of `kind.rs`.

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
mod kind;
mod live;
mod membership;
pub mod oci;
mod pem;
mod perimeter;
mod prose;
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
pub use kind::{Kind, Spec};
pub use live::{Health, LiveObject, Owner, RunError};
pub use membership::{Member, Membership};
pub use perimeter::{Day, PerimeterScan, Recurrence, Schedule};
pub(crate) use prose::reads_as;
pub use quartz::QuartzCron;
pub use report::{AssessmentReport, Evaluation, ReportAddress, ReportCloud, ReportFormat};
pub use scalar::{
    AwsAccount, AzureId, ExternalId, Fingerprint, Module, OciRegion, OrganizationFrequency, Partition,
    ProjectId, Regions, RoleArn, RunFrequency, TenancyOcid, UserOcid,
};
use scalar::{is_word, unknown_word};
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

    /// Shows each text that people write for people, to be brought into its normal form.
    fn texts(&mut self, _visit: &mut dyn FnMut(&mut String)) {}

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
