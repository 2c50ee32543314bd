//! Words of the platform's own vocabularies. They grow: the file may give a word that the program does not know, which
//! is sent as it is and warned of, and a live one is kept.

use crate::resource::Finding;

/// A type for one vocabulary: its known words, and [`Other`](Module::Other) for the rest.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$about])* $variant,)+
            /// A word that no document names yet.
            Other(String),
        }

        impl $name {
            const KNOWN: &'static [&'static str] = &[$($word,)+];

            /// The value of that name, known or not.
            #[must_use]
            pub fn from_platform(name: &str) -> $name {
                match name { $($word => $name::$variant,)+ other => $name::Other(other.to_owned()) }
            }

            /// The name on the wire and in the file.
            #[must_use]
            pub fn name(&self) -> &str {
                match self { $($name::$variant => $word,)+ $name::Other(name) => name }
            }

            /// Warns of a word that the program does not know.
            pub(in crate::resource) fn check(
                &self,
                field: &'static str,
                report: &mut dyn FnMut($crate::resource::Finding),
            ) {
                if let $name::Other(word) = self {
                    report($crate::resource::unknown_word(field, word, $name::KNOWN));
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let name = String::deserialize(deserializer)?;
                match $name::from_platform(&name) {
                    $name::Other(name) if !$crate::resource::is_word(&name) => {
                        Err(serde::de::Error::unknown_variant(&name, $name::KNOWN))
                    }
                    word => Ok(word),
                }
            }
        }
    };
}
pub(in crate::resource) use words;

/// Whether a text could be a word of the platform's.
pub(in crate::resource) fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.len() <= 64 && text.bytes().all(fits)
}

/// The warning of a word that the program does not know, with the one that was probably meant.
pub(in crate::resource) fn unknown_word(field: &'static str, word: &str, known: &[&str]) -> Finding {
    let meant = crate::desired::nearest(word, known.iter().copied());
    let meant = meant.map(|meant| format!("did you mean {meant}? ")).unwrap_or_default();
    Finding::warning(
        field,
        format!("trueup does not know {word}: it is sent as it is"),
        format!("{meant}known are {}", known.join(", ")),
    )
}
