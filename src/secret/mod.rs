//! Secret references, and a value that will not print.
//!
//! The file holds references alone. A [`Secret`] comes out of one by [`SecretRef::resolve`], shows its text through
//! [`Secret::expose`] and nothing else, and [`Redactor`] takes it out of every text that others gave us.

mod command;
mod digest;
mod redactor;
mod reference;
mod resolved;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

pub use digest::{DigestKey, comparable};
pub use redactor::Redactor;
pub(crate) use reference::{FILE_PATH, FilePath};
pub use reference::{SecretCause, SecretError, SecretRef};
pub use resolved::Secrets;

/// A secret's text. Prints as `[redacted]`, and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

/// Not in constant time: both sides are ours.
impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.expose() == other.expose()
    }
}

impl Secret {
    /// Takes a text to be kept secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(SecretString::from(text.into()))
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

const REDACTED: &str = "[redacted]";

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
        assert_eq!(format!("{:?}", Redactor::new([&secret])), "Redactor { .. }");
    }
}
