//! The applications that a connector feeds, each with the tag that it puts on what it finds.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};

use super::scalar::words;

words! {
    /// An application.
    Capability {
        /// Asset inventory.
        Ai = "AI",
        /// Cloud inventory.
        Ci = "CI",
        /// Cloud security assessment.
        Csa = "CSA",
    }
}

/// The set of applications, each with its tag: `None` is left out (the tag stays as it is), `""` is no tag.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities(pub BTreeMap<Capability, Option<String>>);

impl Capabilities {
    /// Gives each application whose tag is left out the tag that it has. One that the program does not know is kept.
    pub fn complete(&mut self, live: &Capabilities) {
        for (capability, tag) in &mut self.0 {
            if tag.is_none() {
                tag.clone_from(live.0.get(capability).unwrap_or(&None));
            }
        }
        let unknown = live.0.iter().filter(|(capability, _)| matches!(capability, Capability::Other(_)));
        for (capability, tag) in unknown {
            self.0.entry(capability.clone()).or_insert_with(|| tag.clone());
        }
    }
}

struct Tagged<'a>(&'a Capability, &'a str);

impl Serialize for Tagged<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("name", self.0)?;
        map.serialize_entry("tag", self.1)?;
        map.end()
    }
}

impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for (capability, tag) in &self.0 {
            match tag.as_deref() {
                // No tag is written as the bare name: what prints alike is alike.
                None | Some("") => list.serialize_element(capability)?,
                Some(tag) => list.serialize_element(&Tagged(capability, tag))?,
            }
        }
        list.end()
    }
}

/// One entry of the list, a bare name or a table.
struct Entry(Capability, Option<String>);

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Entry, D::Error> {
        struct Expected;
        impl<'de> Visitor<'de> for Expected {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a capability (AI, CI, CSA, or {name: AI, tag: NAME})")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Entry, E> {
                let name = Capability::deserialize(de::value::StrDeserializer::<E>::new(name))?;
                Ok(Entry(name, None))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Table {
                    name: Capability,
                    tag: Option<String>,
                }
                let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Entry(table.name, table.tag))
            }
        }
        deserializer.deserialize_any(Expected)
    }
}

impl<'de> Deserialize<'de> for Capabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Capabilities, D::Error> {
        struct Expected;
        impl<'de> Visitor<'de> for Expected {
            type Value = Capabilities;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of capabilities, as in [AI, {name: CSA, tag: prod}]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Capabilities, A::Error> {
                let mut all = BTreeMap::new();
                while let Some(Entry(name, tag)) = list.next_element()? {
                    if all.contains_key(&name) {
                        let name = name.name();
                        return Err(de::Error::custom(format!("capability {name} stands twice in the list")));
                    }
                    all.insert(name, tag);
                }
                Ok(Capabilities(all))
            }
        }
        deserializer.deserialize_seq(Expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Capabilities, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn names_and_tables_mix_and_are_sorted() {
        let all = read(r#"["CSA", {"name": "AI", "tag": "prod"}, {"name": "CI"}]"#).unwrap();
        assert_eq!(serde_json::to_string(&all).unwrap(), r#"[{"name":"AI","tag":"prod"},"CI","CSA"]"#);
    }

    #[test]
    fn a_capability_that_cannot_be_says_why() {
        for (text, why) in [
            (r#"["A I"]"#, "unknown variant `A I`, expected one of `AI`, `CI`, `CSA`"),
            (r#"["AI", "AI"]"#, "capability AI stands twice"),
            (r#"[{"name": "AI", "tags": "x"}]"#, "unknown field `tags`, expected `name` or `tag`"),
            (r#"[{"tag": "x"}]"#, "missing field `name`"),
            ("[7]", "expected a capability"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn an_application_that_the_program_does_not_know_is_kept_with_its_tag() {
        for (wanted, live, expected) in [
            (r#"["AI"]"#, r#"["AI", {"name": "CDR", "tag": "a"}]"#, r#"["AI",{"name":"CDR","tag":"a"}]"#),
            ("[]", r#"["AI", "CDR"]"#, r#"["CDR"]"#),
            (r#"["CDR"]"#, "[]", r#"["CDR"]"#),
        ] {
            let mut wanted = read(wanted).unwrap();
            wanted.complete(&read(live).unwrap());
            assert_eq!(serde_json::to_string(&wanted).unwrap(), expected);
        }
    }

    #[test]
    fn a_tag_that_is_left_out_is_the_one_that_is_there() {
        let mut wanted = read(r#"["AI", {"name": "CI", "tag": ""}, {"name": "CSA", "tag": "b"}]"#).unwrap();
        let live =
            read(r#"[{"name": "AI", "tag": "a"}, {"name": "CI", "tag": "a"}, {"name": "CSA", "tag": "a"}]"#);
        wanted.complete(&live.unwrap());
        let text = serde_json::to_string(&wanted).unwrap();
        assert_eq!(text, r#"[{"name":"AI","tag":"a"},"CI",{"name":"CSA","tag":"b"}]"#);
    }
}
