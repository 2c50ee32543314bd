//! Where a secret is to be found: an environment variable, a file, a credential of systemd, a command.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use tracing::warn;

use super::Secret;
use crate::bounded_file::{self, Bounds, ReadError};

/// Where a secret is to be found. The file holds references, never secrets.
///
/// Printed as the file writes it, of a command the program alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretRef {
    /// `{env: NAME}`: an environment variable.
    Env(String),
    /// `{file: PATH}`: a file's content, less a byte order mark and line ends.
    File(PathBuf),
    /// `{credential: NAME}`: a file in systemd's `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// `{command: [argv…], env: [NAMES]}`: what a command prints, less a byte order mark and line ends. It gets the
    /// environment variables that it names, PATH, HOME, LANG, TZ, and no others.
    Command {
        /// Program and arguments.
        argv: Vec<String>,
        /// Names of environment variables.
        env: Vec<String>,
    },
}

/// A secret could not be had. Names the reference, never the content.
#[derive(Debug, thiserror::Error)]
#[error("could not resolve the secret {reference}")]
pub struct SecretError {
    /// Which secret.
    pub reference: SecretRef,
    /// Why not.
    #[source]
    pub cause: SecretCause,
}

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum SecretCause {
    #[error("the environment variable is not set")]
    NotSet,
    #[error("$CREDENTIALS_DIRECTORY is not set: credentials exist under systemd alone, see LoadCredential=")]
    NoCredentials,
    #[error("could not read the file")]
    Unreadable(#[source] ReadError),
    #[error("could not run the command")]
    NotRun(#[source] io::Error),
    #[error("the command failed ({status}){}", .last_line.as_ref().map(|line| format!(": {line}")).unwrap_or_default())]
    Failed {
        status: ExitStatus,
        /// What it last said on stderr, without secrets.
        last_line: Option<String>,
    },
    #[error("the command did not end within {} s", .0.as_secs())]
    TooSlow(Duration),
    #[error("it is larger than {} KiB", MAX_BYTES >> 10)]
    TooLarge,
    #[error("it is empty")]
    Empty,
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it holds a NUL character")]
    Nul,
}

/// No secret that the platform takes is nearly as large; a file that is was named by mistake.
pub(super) const MAX_BYTES: u64 = 64 << 10;

const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// The environment variables that a command gets in any case.
pub(super) const COMMAND_ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

/// How serde names [`FilePath`]: the file's reader makes such a path relative to the file that names it.
pub(crate) const FILE_PATH: &str = "FilePath";

/// A path in the desired state's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilePath(pub(crate) PathBuf);

impl<'de> Deserialize<'de> for FilePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FilePath, D::Error> {
        struct Expected;
        impl<'de> Visitor<'de> for Expected {
            type Value = FilePath;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the path of a file")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<FilePath, D::Error> {
                inner.deserialize_str(self)
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<FilePath, E> {
                Ok(FilePath(PathBuf::from(path)))
            }
        }
        deserializer.deserialize_newtype_struct(FILE_PATH, Expected)
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretRef::Env(name) => write!(f, "{{env: {name}}}"),
            SecretRef::File(path) => write!(f, "{{file: {}}}", path.display()),
            SecretRef::Credential(name) => write!(f, "{{credential: {name}}}"),
            SecretRef::Command { argv, env: _ } => {
                // A whole command line in place of a program may hold a secret.
                let program = argv.first().map(String::as_str).unwrap_or_default();
                let word = program.split_whitespace().next().unwrap_or_default();
                let more = if argv.len() > 1 || word != program { ", …" } else { "" };
                write!(f, "{{command: [{word}{more}]}}")
            }
        }
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        match self {
            SecretRef::Env(name) => map.serialize_entry("env", name)?,
            SecretRef::File(path) => map.serialize_entry("file", path)?,
            SecretRef::Credential(name) => map.serialize_entry("credential", name)?,
            SecretRef::Command { argv, env } => {
                map.serialize_entry("command", argv)?;
                if !env.is_empty() {
                    map.serialize_entry("env", env)?;
                }
            }
        }
        map.end()
    }
}

/// What `env` holds: the variable that is the secret, or those that a command gets.
enum Names {
    One(String),
    Several(Vec<String>),
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
        struct Expected;
        impl<'de> Visitor<'de> for Expected {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an environment variable")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Names, E> {
                Ok(Names::One(name.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Names, A::Error> {
                let mut several = Vec::new();
                while let Some(name) = names.next_element()? {
                    several.push(name);
                }
                Ok(Names::Several(several))
            }
        }
        deserializer.deserialize_any(Expected)
    }
}

/// No message here repeats what the file says: it may be the secret.
impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SecretRef, D::Error> {
        const FORMS: &str =
            "expected one of {env: NAME}, {file: PATH}, {credential: NAME}, {command: [PROGRAM, ARGUMENT]}";

        fn refuse<E: de::Error>(what: &str) -> E {
            E::custom(format_args!("{what}: {FORMS}"))
        }

        fn plain<E: de::Error>() -> E {
            refuse("a secret must be a reference, not plain text")
        }

        struct Expected;
        impl<'de> Visitor<'de> for Expected {
            type Value = SecretRef;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a secret reference, as in {env: NAME}")
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<SecretRef, E> {
                Err(plain())
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<SecretRef, E> {
                Err(plain())
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<SecretRef, E> {
                Err(plain())
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<SecretRef, E> {
                Err(plain())
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<SecretRef, E> {
                Err(plain())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<SecretRef, A::Error> {
                Err(refuse("a secret is one reference, not a list"))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretRef, A::Error> {
                let (mut found, mut names) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    let unfit = |_| refuse(&format!("{key} of a secret reference has not the right form"));
                    let reference = match key.as_str() {
                        "env" => match map.next_value::<Option<Names>>().map_err(unfit)? {
                            Some(Names::One(name)) => Some(SecretRef::Env(name)),
                            Some(Names::Several(several)) => {
                                names = Some(several);
                                None
                            }
                            None => None,
                        },
                        "file" => {
                            let path = map.next_value::<Option<FilePath>>().map_err(unfit)?;
                            path.map(|path| SecretRef::File(path.0))
                        }
                        "credential" => {
                            map.next_value::<Option<String>>().map_err(unfit)?.map(SecretRef::Credential)
                        }
                        "command" => {
                            let argv = map.next_value::<Option<Vec<String>>>().map_err(unfit)?;
                            argv.map(|argv| SecretRef::Command { argv, env: Vec::new() })
                        }
                        _ => return Err(refuse("not a form of secret reference that is known")),
                    };
                    if reference.is_some() && found.is_some() {
                        return Err(refuse("a secret has one reference, not several"));
                    }
                    found = reference.or(found);
                }
                let reference = match (found, names) {
                    (Some(SecretRef::Command { argv, env: _ }), Some(env)) => {
                        SecretRef::Command { argv, env }
                    }
                    (_, Some(_)) => return Err(refuse("a list in env belongs to a command")),
                    (found, None) => found.ok_or_else(|| refuse("the secret reference is missing"))?,
                };
                reference.check().map_err(refuse)?;
                Ok(reference)
            }
        }
        deserializer.deserialize_any(Expected)
    }
}

impl SecretRef {
    /// What is wrong with its form.
    fn check(&self) -> Result<(), &'static str> {
        match self {
            SecretRef::Env(name) if !is_variable(name) => {
                Err("env takes the name of an environment variable (letters, digits and _)")
            }
            SecretRef::File(path) if path.as_os_str().is_empty() => Err("file takes a path"),
            SecretRef::Credential(name)
                if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) =>
            {
                Err("credential takes the name of a credential, not a path")
            }
            SecretRef::Command { argv, env: _ } if argv.first().is_none_or(String::is_empty) => {
                Err("command takes a program and its arguments")
            }
            SecretRef::Command { argv, env: _ } if argv.iter().any(|argument| argument.contains('\0')) => {
                Err("command takes no NUL characters")
            }
            SecretRef::Command { argv: _, env } if !env.iter().all(|name| is_variable(name)) => {
                Err("env of a command takes names of environment variables (letters, digits and _)")
            }
            SecretRef::Env(_) | SecretRef::File(_) | SecretRef::Credential(_) | SecretRef::Command { .. } => {
                Ok(())
            }
        }
    }

    /// Fetches the secret. Blocks, for a command up to 30 seconds. What is doubtful about it is logged, once.
    pub fn resolve(&self) -> Result<Secret, SecretError> {
        let (secret, doubts) = self.resolve_in(&|name| std::env::var_os(name))?;
        for doubt in doubts {
            let first = SAID.lock().unwrap_or_else(PoisonError::into_inner).insert((self.clone(), doubt));
            if first {
                warn!(event = "secret_doubtful", secret = %self, "{doubt}");
            }
        }
        Ok(secret)
    }

    fn resolve_in(
        &self,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<(Secret, Vec<&'static str>), SecretError> {
        let mut doubts = Vec::new();
        let text = match self {
            SecretRef::Env(name) => environment(name)
                .ok_or(SecretCause::NotSet)
                .and_then(|value| value.into_string().map_err(|_| SecretCause::NotUtf8)),
            SecretRef::File(path) => read_file(path, &mut doubts),
            SecretRef::Credential(name) => environment("CREDENTIALS_DIRECTORY")
                .ok_or(SecretCause::NoCredentials)
                .and_then(|directory| read_file(&PathBuf::from(directory).join(name), &mut doubts)),
            SecretRef::Command { argv, env } => {
                let names = COMMAND_ENVIRONMENT.into_iter().chain(env.iter().map(String::as_str));
                let variables = names.filter_map(|name| Some((name.to_owned(), environment(name)?)));
                super::command::run(argv, &variables.collect::<Vec<_>>(), COMMAND_LIMIT)
            }
        };
        let secret = text
            .and_then(|text| accept(&text, &mut doubts))
            .map_err(|cause| SecretError { reference: self.clone(), cause })?;
        Ok((secret, doubts))
    }
}

/// What was said of a secret; each thing is said once.
static SAID: Mutex<BTreeSet<(SecretRef, &'static str)>> = Mutex::new(BTreeSet::new());

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Editors and shells leave a byte order mark and line ends, which are no part of a secret. Other white space may be one.
fn accept(text: &str, doubts: &mut Vec<&'static str>) -> Result<Secret, SecretCause> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Err(SecretCause::Empty);
    }
    if text.contains('\0') {
        return Err(SecretCause::Nul);
    }
    if text.trim() != text {
        doubts.push("it begins or ends with white space, which is taken for a part of it");
    }
    Ok(Secret::new(text))
}

/// The right of everybody to read a file.
const OTHERS_READ: u32 = 0o004;

/// Symbolic links are followed: so Kubernetes and systemd serve secrets.
fn read_file(path: &Path, doubts: &mut Vec<&'static str>) -> Result<String, SecretCause> {
    let bounds = Bounds { bytes: MAX_BYTES, ..Bounds::default() };
    let bytes = bounded_file::read_within(path, bounds).map_err(|error| match error {
        ReadError::TooLarge(_) => SecretCause::TooLarge,
        error => SecretCause::Unreadable(error),
    })?;
    if std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & OTHERS_READ != 0) {
        doubts.push("every user of this machine may read its file: chmod o-r");
    }
    String::from_utf8(bytes).map_err(|_| SecretCause::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<OsString> {
        match name {
            "GOOD" => Some("hunter2\n".into()),
            "EMPTY" => Some("\n".into()),
            _ => None,
        }
    }

    #[track_caller]
    fn check(reference: &SecretRef, expected: Result<&str, &str>) {
        let resolved = reference.resolve_in(&environment);
        match (&resolved, expected) {
            (Ok((secret, _)), Ok(text)) => assert_eq!(secret.expose(), text),
            (Err(error), Err(cause)) => {
                assert_eq!(error.to_string(), format!("could not resolve the secret {reference}"));
                assert!(error.cause.to_string().contains(cause), "{}", error.cause);
            }
            _ => panic!("{reference}: {resolved:?}, expected {expected:?}"),
        }
    }

    fn command(argv: &[&str]) -> SecretRef {
        SecretRef::Command {
            argv: argv.iter().map(|argument| (*argument).to_owned()).collect(),
            env: Vec::new(),
        }
    }

    #[test]
    fn a_secret_is_found_or_the_reference_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = directory.path().join(name);
            std::fs::write(&path, content).unwrap();
            SecretRef::File(path)
        };
        check(&SecretRef::Env("GOOD".into()), Ok("hunter2"));
        check(&SecretRef::Env("EMPTY".into()), Err("it is empty"));
        check(&SecretRef::Env("NONE".into()), Err("is not set"));
        check(&file("crlf", b"a b\r\n"), Ok("a b"));
        check(&file("several", b"a\r\n\n\r\n"), Ok("a"));
        check(&file("mark", "\u{feff}a\n".as_bytes()), Ok("a"));
        check(&file("largest", &vec![b'a'; 64 << 10]), Ok(&"a".repeat(64 << 10)));
        check(&file("larger", &vec![b'a'; (64 << 10) + 1]), Err("larger than 64 KiB"));
        check(&SecretRef::File(directory.path().to_owned()), Err("could not read the file"));
        check(&SecretRef::File("/dev/zero".into()), Err("could not read the file"));
        check(&file("latin", b"\xe4"), Err("not UTF-8"));
        check(&file("nul", b"a\0b"), Err("NUL"));
        check(&file("large", &vec![b'a'; 2 << 20]), Err("larger than"));
        check(&SecretRef::File(directory.path().join("none")), Err("could not read the file"));
        check(&SecretRef::Credential("x".into()), Err("$CREDENTIALS_DIRECTORY is not set"));
        let credentials = |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| directory.path().into());
        let credential = SecretRef::Credential("crlf".into()).resolve_in(&credentials).unwrap();
        assert_eq!(credential.0.expose(), "a b");
    }

    #[test]
    fn a_command_gives_what_it_prints() {
        check(&command(&["printf", "%s\\n", "$HOME hunter2"]), Ok("$HOME hunter2"));
        check(&command(&["false"]), Err("the command failed"));
        check(&command(&["/nonexistent/program"]), Err("could not run the command"));
        for (argv, shown) in [
            (&["pass"][..], "{command: [pass]}"),
            (&["pass", "show"], "{command: [pass, …]}"),
            (&["echo hunter2"], "{command: [echo, …]}"),
        ] {
            assert_eq!(command(argv).to_string(), shown);
        }
    }

    #[test]
    fn what_is_doubtful_about_a_secret_is_said() {
        let directory = tempfile::tempdir().unwrap();
        for (name, content, mode, doubts) in [
            ("good", "a b\n", 0o400, 0),
            ("links", "a", 0o440, 0),
            ("space", " a\n", 0o600, 1),
            ("tab", "a\t\n", 0o600, 1),
            ("open", "a", 0o644, 1),
            ("both", "a \r\n", 0o604, 2),
        ] {
            let (path, link) = (directory.path().join(name), directory.path().join(format!("{name}-link")));
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            std::os::unix::fs::symlink(&path, &link).unwrap();
            let (secret, said) = SecretRef::File(link).resolve_in(&environment).unwrap();
            assert_eq!(
                (secret.expose(), said.len()),
                (content.trim_end_matches(['\r', '\n']), doubts),
                "{said:?}"
            );
        }
    }

    #[test]
    fn what_is_no_reference_is_refused_without_being_repeated() {
        for (text, good) in [
            (r#"{"env": "NAME"}"#, true),
            (r#"{"file": "/run/x"}"#, true),
            (r#"{"credential": "x"}"#, true),
            (r#"{"command": ["pass", "show"]}"#, true),
            (r#"{"env": "NAME", "file": null}"#, true),
            (r#"{"command": ["pass"], "env": ["A", "B_1"]}"#, true),
            (r#"{"env": ["A"], "command": ["pass"]}"#, true),
            (r#"{"env": ["A"]}"#, false),
            (r#"{"env": ["A"], "file": "x"}"#, false),
            (r#"{"env": "A", "command": ["hunter2"]}"#, false),
            (r#"{"command": ["pass"], "env": ["hunter2!"]}"#, false),
            (r#"{"command": ["pass"], "env": [712361]}"#, false),
            (r#""hunter2""#, false),
            ("712361", false),
            ("true", false),
            (r#"["hunter2"]"#, false),
            (r#"{"hunter2": null}"#, false),
            (r#"{"env": "hunter2!"}"#, false),
            (r#"{"env": 712361}"#, false),
            (r#"{"env": "A", "file": "b"}"#, false),
            (r#"{"credential": "../hunter2"}"#, false),
            (r#"{"command": []}"#, false),
            (r#"{"command": "hunter2"}"#, false),
            ("{}", false),
        ] {
            match serde_json::from_str::<SecretRef>(text) {
                Ok(reference) => assert!(good, "{reference}"),
                Err(error) => {
                    let error = error.to_string();
                    assert!(!good && error.contains("{env: NAME}"), "{text}: {error}");
                    assert!(!error.contains("hunter2") && !error.contains("712361"), "{error}");
                }
            }
        }
    }
}
