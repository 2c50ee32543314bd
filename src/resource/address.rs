//! Addresses: how people and programs name an object (`aws/prod-payments`).

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::Kind;

/// Kind and name. Ordered by kind (the order of the file's sections), then by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The kind of the object.
    pub kind: Kind,
    /// Its name; `NAME#IDENTITY` where the name is used twice within the kind.
    pub name: String,
}

impl Address {
    /// The address of an object by kind and name.
    #[must_use]
    pub fn new(kind: Kind, name: impl Into<String>) -> Address {
        Address { kind, name: name.into() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let Some((kind, name)) = text.split_once('/') else {
            return Err(format!("`{text}` is no address: expected KIND/NAME, as in aws/prod-payments"));
        };
        if name.is_empty() {
            return Err(format!("`{text}` is no address: the name is missing"));
        }
        Ok(Address::new(kind.parse()?, name))
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
