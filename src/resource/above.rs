//! Kinds whose section is no plain list: what stands above the entries reaches each of them as a field. And listings
//! that are of what the file declares alone.

use serde_json::Value;

use super::Spec;

/// What stands above the entries of a kind in its section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Above {
    /// The section is a list of entries of another sort, each with a list of the kind's own.
    Entries {
        /// The field that says which of them it stands in.
        field: &'static str,
        /// The key of the list within them.
        list: &'static str,
    },
    /// The section is a map of lists.
    Keys {
        /// The field that says under which key it stands.
        field: &'static str,
        /// The keys.
        keys: &'static [&'static str],
    },
}

/// What the file wants of the objects that it declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// That they are there, as it says.
    Present,
    /// That they are gone: each is a declared delete.
    Absent,
}

impl Above {
    /// The field that tells an entry what stands above it.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Above::Entries { field, list: _ } | Above::Keys { field, keys: _ } => field,
        }
    }
}

/// What a listing is to look at.
#[derive(Debug, Clone)]
pub enum Scope<'a> {
    /// All that there is.
    Whole,
    /// What the file declares of the kind, for kinds that are listed by what they stand in. Of the others all that there
    /// is.
    Declared {
        /// What the entries stand in, each in the form of the field that names it.
        above: Vec<&'a Value>,
        /// The objects.
        declared: Vec<&'a Spec>,
    },
}

impl<'a> Scope<'a> {
    /// What the file's entries stand in, where only this is looked into.
    #[must_use]
    pub fn above(&self) -> &[&'a Value] {
        match self {
            Scope::Whole => &[],
            Scope::Declared { above, declared: _ } => above,
        }
    }

    /// The objects that the file declares, where only these are looked for.
    #[must_use]
    pub fn declared(&self) -> &[&'a Spec] {
        match self {
            Scope::Whole => &[],
            Scope::Declared { above: _, declared } => declared,
        }
    }

    /// Whether the listing would hold the object whose address has this name, if it were there: the file declares it, or
    /// names what it stands in, which its address begins with.
    #[must_use]
    pub fn looks_at(&self, name: &str) -> bool {
        let is_within = |above: &str| name.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
        match self {
            Scope::Whole => true,
            Scope::Declared { above, declared } => {
                declared.iter().any(|spec| spec.address_name() == name)
                    || above.iter().any(|above| called(above).into_iter().any(is_within))
            }
        }
    }

    /// Whether there is nothing to look at: the file declares nothing of the kind.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Scope::Whole => false,
            Scope::Declared { above, declared } => above.is_empty() && declared.is_empty(),
        }
    }
}

/// What the file calls something that entries stand in: a name, or one that says what sort of name it is
/// (`{"id": "…"}`).
fn called(above: &Value) -> Vec<&str> {
    match above {
        Value::String(name) => vec![name],
        Value::Object(names) => names.values().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Vec::new(),
    }
}
