//! What a person should know of a plan, in a line; and of which object, so that a plan for some objects tells nothing of
//! the others.

use std::fmt;
use std::ops::Deref;

use serde::{Serialize, Serializer};

use crate::resource::Address;

/// A warning. In JSON it is its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The object that it is about; `None` where it is about more than one.
    pub(super) address: Option<Address>,
    text: String,
    /// Where in the text it begins to say what; before that it says of what.
    told_at: usize,
}

impl Warning {
    /// About one object.
    pub(super) fn of(address: &Address, told: impl fmt::Display) -> Warning {
        let of = format!("{address}: ");
        Warning { address: Some(address.clone()), told_at: of.len(), text: format!("{of}{told}") }
    }

    /// About a place in the file, with which its text begins, in the entry of this object.
    pub(super) fn at(address: Option<Address>, place: &str, text: String) -> Warning {
        let told_at = if text.starts_with(place) { place.len() } else { 0 };
        Warning { address, text, told_at }
    }

    /// What it says, without the object or the place of which it says it.
    pub(super) fn told(&self) -> &str {
        self.text.get(self.told_at..).unwrap_or(&self.text)
    }
}

impl From<String> for Warning {
    /// About more than one object, or none.
    fn from(text: String) -> Warning {
        Warning { address: None, text, told_at: 0 }
    }
}

impl Deref for Warning {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl PartialEq<str> for Warning {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl PartialEq<&str> for Warning {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl PartialEq<String> for Warning {
    fn eq(&self, other: &String) -> bool {
        self.text == *other
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}
