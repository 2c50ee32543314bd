//! What the machinery must know of a field beyond its value.

use super::Kind;

/// The body of [`super::Resource::leave_out`]: of these fields, each an `Option`, the named one becomes
/// `None`. Other names stand for fields that cannot be left out.
macro_rules! leave_out {
    ($named:ident of $spec:ident: $($field:ident),+ $(,)?) => {
        match $named {
            $(stringify!($field) => $spec.$field = None,)+
            _ => {}
        }
    };
}
pub(super) use leave_out;

/// One field of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name in the file and in plans.
    pub name: &'static str,
    /// What the platform lets one do with it.
    pub access: Access,
    /// What an answer of the platform may tell of it.
    pub told: Told,
    /// Whether it is part of what makes the object the one that it is: it cannot be ignored, and has no default.
    pub identifies: bool,
    /// Whether an object may well be without it.
    pub optional: bool,
}

/// What the platform lets one do with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Written by an update.
    Updatable,
    /// Fixed at creation: a change is a replace.
    Fixed,
    /// Names the object; what differs in it is another object.
    Identity,
}

/// What an answer of the platform may tell of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Its value.
    Value,
    /// Nothing that may be used: it is a secret. The file gives a reference, and a change is found by the keyed
    /// digest of what was last written.
    Secret,
    /// Nothing: it is sent, and never compared.
    Never,
}

/// Stands for a value that the file wants and the platform never shows, until a person has put it there.
pub const FILL_IN: &str = "FILL-IN";

impl Field {
    const fn new(name: &'static str, access: Access) -> Field {
        Field {
            name,
            access,
            told: Told::Value,
            identifies: matches!(access, Access::Identity),
            optional: false,
        }
    }

    /// A field that an update can write.
    #[must_use]
    pub const fn updatable(name: &'static str) -> Field {
        Field::new(name, Access::Updatable)
    }

    /// A field that only a create can write.
    #[must_use]
    pub const fn fixed(name: &'static str) -> Field {
        Field::new(name, Access::Fixed)
    }

    /// A field that makes the object what it is.
    #[must_use]
    pub const fn identity(name: &'static str) -> Field {
        Field::new(name, Access::Identity)
    }

    /// The field is a secret.
    #[must_use]
    pub const fn secret(self) -> Field {
        Field { told: Told::Secret, ..self }
    }

    /// The field is sent and never compared.
    #[must_use]
    pub const fn write_only(self) -> Field {
        Field { told: Told::Never, ..self }
    }

    /// The field tells objects apart, though it can change.
    #[must_use]
    pub const fn identifying(self) -> Field {
        Field { identifies: true, ..self }
    }

    /// An object may well be without the secret: an export only suggests it.
    #[must_use]
    pub const fn optional(self) -> Field {
        Field { optional: true, ..self }
    }

    /// Whether it is a secret.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self.told, Told::Secret)
    }
}

/// A name of another object inside a spec.
#[derive(Debug)]
pub struct Reference<'a> {
    /// The kind of the object that is named.
    pub kind: Kind,
    /// Its name as written; to be replaced by its canonical form. `#ID` where the platform gave an id alone.
    pub name: &'a mut String,
}

/// How bad a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file is not taken.
    Error,
    /// The file is taken; the vendor's documents or tools advise against this.
    Warning,
}

/// Something about an entry of the file that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether the file can be used all the same.
    pub severity: Severity,
    /// The field within the entry; empty for the entry itself.
    pub field: &'static str,
    /// What is wrong, in one sentence without full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    /// An error in a field, with the remedy.
    #[must_use]
    pub fn error(field: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Finding {
        Finding { severity: Severity::Error, field, message: message.into(), hint: Some(hint.into()) }
    }

    /// Advice about a field.
    #[must_use]
    pub fn warning(field: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Finding {
        Finding { severity: Severity::Warning, field, message: message.into(), hint: Some(hint.into()) }
    }
}
