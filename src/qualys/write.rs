//! What is to be written of a spec, and what a write needs to know besides.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::ApiError;
use super::qps::ObjectId;
use crate::resource::gcp::ProjectField;
use crate::resource::{Kind, Owner, Spec};
use crate::secret::{Secret, SecretRef, Secrets};

/// Canonical names of other objects (`prod/payments`) to the platform's ids.
pub trait Names: Sync {
    /// The id of the object of that name. `#ID`, which stands for the id itself, is never asked for.
    fn id(&self, kind: Kind, name: &str) -> Option<String>;
}

impl Names for BTreeMap<(Kind, String), String> {
    fn id(&self, kind: Kind, name: &str) -> Option<String> {
        self.get(&(kind, name.to_owned())).cloned()
    }
}

/// What a write needs to know besides the spec.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The mark that goes to the end of the description, if that is sent.
    pub marker: Option<&'a Owner>,
    /// The ids of the objects that the spec names.
    pub names: &'a dyn Names,
    /// The secrets that the spec names.
    pub secrets: &'a Secrets,
    /// The object as it is; `None` before a create.
    pub before: Option<&'a Spec>,
}

impl<'a> Context<'a> {
    /// No mark, no secrets.
    #[must_use]
    pub fn new(names: &'a dyn Names) -> Context<'a> {
        static NONE: Secrets = Secrets::none();
        Context { marker: None, names, secrets: &NONE, before: None }
    }

    /// With this mark.
    #[must_use]
    pub fn marked(self, marker: Option<&'a Owner>) -> Context<'a> {
        Context { marker, ..self }
    }
}

/// What came of a create.
#[derive(Debug, Clone)]
pub struct Created {
    /// The platform's id.
    pub id: String,
    /// Whether it was there already, in a state that the platform does not tell. Nothing was written then.
    pub existed: bool,
    /// Where it takes several requests to make it whole: what went wrong after it was made.
    pub incomplete: Option<ApiError>,
}

impl Created {
    /// It was made.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Created {
        Created { id: id.into(), existed: false, incomplete: None }
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

/// One write: which fields to send, and what is around it.
pub(super) struct Write<'a> {
    /// The fields to send; `None` for a create, which sends all that are set.
    pub(super) changed: Option<&'a [&'a str]>,
    /// Fields that go by themselves, and not here.
    pub(super) apart: &'a [&'a str],
    pub(super) context: Context<'a>,
    pub(super) gcp_project_field: ProjectField,
}

impl Write<'_> {
    pub(super) fn is_create(&self) -> bool {
        self.changed.is_none()
    }

    /// Whether the field is to be sent if it is set.
    pub(super) fn wants(&self, field: &str) -> bool {
        !self.apart.contains(&field) && self.changed.is_none_or(|changed| changed.contains(&field))
    }

    /// The field, if it is set and to be sent.
    pub(super) fn of<'v, T>(&self, field: &str, value: Option<&'v T>) -> Option<&'v T> {
        value.filter(|_| self.wants(field))
    }

    /// The description with the marker at its end, if it is to be sent.
    pub(super) fn description(&self, text: Option<&str>) -> Option<String> {
        let marker = self.context.marker;
        let wanted = self.wants("description") && (text.is_some() || marker.is_some() || !self.is_create());
        wanted.then(|| {
            let text = text.unwrap_or_default();
            marker.map_or_else(|| text.to_owned(), |marker| marker.mark(text))
        })
    }

    /// The id of the object of that name, as a number.
    pub(super) fn id(&self, kind: Kind, name: &str) -> Result<Value, String> {
        let itself = name.strip_prefix('#').filter(|id| ObjectId::parse(id).is_ok()).map(str::to_owned);
        let id = itself.or_else(|| self.context.names.id(kind, name));
        let id = id.ok_or_else(|| format!("{kind} `{name}` is not on the platform"))?;
        ObjectId::parse(&id).map(ObjectId::number)
    }

    /// The text of a secret.
    pub(super) fn secret(&self, reference: &SecretRef) -> Result<&Secret, String> {
        self.context.secrets.get(reference)
    }
}
