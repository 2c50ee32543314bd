//! Secret references, and a value that will not print.

use std::path::PathBuf;

/// Where a secret is to be found. The file holds references, never secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// `{env: NAME}`: an environment variable.
    Env(String),
    /// `{file: PATH}`: a file's content, less one line end.
    File(PathBuf),
    /// `{credential: NAME}`: a file in systemd's `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// `{command: [argv…]}`: what a command prints, less one line end.
    Command(Vec<String>),
}

/// A secret value. It prints as `[redacted]` and gives its text only through [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(secrecy::SecretString);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: String) -> Secret {
        Secret(text.into())
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        use secrecy::ExposeSecret;
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}
