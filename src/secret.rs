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
