//! The regions that a connector looks into.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};

/// The regions that a connector looks into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Regions {
    /// All that there are.
    All,
    /// Only these.
    Only(BTreeSet<String>),
}

/// Whether the text has the form of a region code: words and a number, with hyphens between them.
pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, words)) => {
            words.len() >= 2
                && words.iter().all(word)
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => false,
    }
}

impl Serialize for Regions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Regions::All => serializer.serialize_str("all"),
            Regions::Only(codes) => {
                let mut list = serializer.serialize_seq(Some(codes.len()))?;
                for code in codes {
                    list.serialize_element(code)?;
                }
                list.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Regions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Regions, D::Error> {
        struct Expected;
        impl<'de> Visitor<'de> for Expected {
            type Value = Regions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`all`, or a list of region codes as in [eu-west-1, af-south-1]")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Regions, E> {
                match text {
                    "all" => Ok(Regions::All),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Regions, A::Error> {
                let mut codes = BTreeSet::new();
                while let Some(code) = list.next_element::<String>()? {
                    if !is_region(&code) {
                        return Err(de::Error::custom(format!(
                            "`{code}` is no region code (as in eu-west-1)"
                        )));
                    }
                    codes.insert(code);
                }
                if codes.is_empty() {
                    return Err(de::Error::custom(
                        "an empty list of regions would look nowhere: name one, or say all",
                    ));
                }
                Ok(Regions::Only(codes))
            }
        }
        deserializer.deserialize_any(Expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::scalar::read;

    #[test]
    fn regions_are_all_or_a_sorted_list() {
        assert_eq!(read::<Regions>(r#""all""#).as_deref(), Ok(r#""all""#));
        let sorted = read::<Regions>(r#"["us-gov-west-1","eu-west-1","eu-west-1"]"#);
        assert_eq!(sorted.as_deref(), Ok(r#"["eu-west-1","us-gov-west-1"]"#));
        for wrong in [r#""some""#, "[]", r#"["Ireland"]"#, r#"["eu-west"]"#, "true"] {
            assert!(read::<Regions>(wrong).is_err(), "{wrong}");
        }
    }
}
