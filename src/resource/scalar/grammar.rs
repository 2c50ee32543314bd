//! Texts with a grammar, a type each.

/// A text with a grammar: read from a string, shown as that string, or as what `folded` makes of it where several
/// spellings are one value.
macro_rules! text_with_a_grammar {
    ($(#[$doc:meta])* $name:ident, $expecting:literal, $check:expr $(, folded $fold:expr)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text as the platform gives it, unchecked: others may have written it.
            #[must_use]
            pub fn from_platform(text: impl Into<String>) -> $name {
                let text = text.into();
                $(let text = $fold(&text);)?
                $name(text)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<$name, String> {
                let check: fn(&str) -> bool = $check;
                let normal = $name::from_platform(text);
                if check(&normal.0) {
                    Ok(normal)
                } else {
                    Err(format!(concat!("`{}` is no ", $expecting), text))
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                struct Expected;
                impl serde::de::Visitor<'_> for Expected {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }

                    // An account id without quotes is a number to YAML, and may have lost its zeros.
                    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<$name, E> {
                        Err(E::custom(format!("put {number} in quotes: it is a text of digits")))
                    }
                }
                deserializer.deserialize_any(Expected)
            }
        }
    };
}

pub(super) use text_with_a_grammar;
