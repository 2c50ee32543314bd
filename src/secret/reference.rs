//! Where a secret is to be found: an environment variable, a file, a credential of systemd, a command.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::Secret;

/// Where a secret is to be found. The file holds references, never secrets.
///
/// Printed as the file writes it, of a command the program alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    Unreadable(#[source] io::Error),
    #[error("could not run the command")]
    NotRun(#[source] io::Error),
    #[error("the command failed ({0})")]
    Failed(ExitStatus),
    #[error("the command did not end within {} s", .0.as_secs())]
    TooSlow(Duration),
    #[error("it is larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("it is empty")]
    Empty,
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it holds a NUL character")]
    Nul,
}

/// No secret that the platform takes is nearly as large; a file that is was named by mistake.
const MAX_BYTES: u64 = 1 << 20;

const COMMAND_LIMIT: Duration = Duration::from_secs(30);

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
            SecretRef::Command(argv) => match argv.as_slice() {
                [program] => write!(f, "{{command: [{program}]}}"),
                [program, ..] => write!(f, "{{command: [{program}, …]}}"),
                [] => f.write_str("{command: []}"),
            },
        }
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            SecretRef::Env(name) => map.serialize_entry("env", name)?,
            SecretRef::File(path) => map.serialize_entry("file", path)?,
            SecretRef::Credential(name) => map.serialize_entry("credential", name)?,
            SecretRef::Command(argv) => map.serialize_entry("command", argv)?,
        }
        map.end()
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
                let mut found = None;
                while let Some(key) = map.next_key::<String>()? {
                    let unfit = |_| refuse(&format!("{key} of a secret reference has not the right form"));
                    let reference = match key.as_str() {
                        "env" => map.next_value().map(|name: Option<String>| name.map(SecretRef::Env)),
                        "file" => {
                            map.next_value().map(|path: Option<FilePath>| path.map(|p| SecretRef::File(p.0)))
                        }
                        "credential" => {
                            map.next_value().map(|name: Option<String>| name.map(SecretRef::Credential))
                        }
                        "command" => {
                            map.next_value().map(|argv: Option<Vec<String>>| argv.map(SecretRef::Command))
                        }
                        _ => return Err(refuse("not a form of secret reference that is known")),
                    }
                    .map_err(unfit)?;
                    if reference.is_some() && std::mem::replace(&mut found, reference).is_some() {
                        return Err(refuse("a secret has one reference, not several"));
                    }
                }
                let reference = found.ok_or_else(|| refuse("the secret reference is missing"))?;
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
            SecretRef::Env(name)
                if name.is_empty()
                    || name.starts_with(|first: char| first.is_ascii_digit())
                    || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
            {
                Err("env takes the name of an environment variable (letters, digits and _)")
            }
            SecretRef::File(path) if path.as_os_str().is_empty() => Err("file takes a path"),
            SecretRef::Credential(name)
                if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) =>
            {
                Err("credential takes the name of a credential, not a path")
            }
            SecretRef::Command(argv) if argv.first().is_none_or(String::is_empty) => {
                Err("command takes a program and its arguments")
            }
            SecretRef::Command(argv) if argv.iter().any(|argument| argument.contains('\0')) => {
                Err("command takes no NUL characters")
            }
            SecretRef::Env(_) | SecretRef::File(_) | SecretRef::Credential(_) | SecretRef::Command(_) => {
                Ok(())
            }
        }
    }

    /// Fetches the secret. Blocks, for a command up to 30 seconds.
    pub fn resolve(&self) -> Result<Secret, SecretError> {
        self.resolve_in(&|name| std::env::var_os(name))
    }

    fn resolve_in(&self, environment: &dyn Fn(&str) -> Option<OsString>) -> Result<Secret, SecretError> {
        let text = match self {
            SecretRef::Env(name) => environment(name)
                .ok_or(SecretCause::NotSet)
                .and_then(|value| value.into_string().map_err(|_| SecretCause::NotUtf8)),
            SecretRef::File(path) => read_file(path),
            SecretRef::Credential(name) => environment("CREDENTIALS_DIRECTORY")
                .ok_or(SecretCause::NoCredentials)
                .and_then(|directory| read_file(&PathBuf::from(directory).join(name))),
            SecretRef::Command(argv) => run(argv, COMMAND_LIMIT),
        };
        text.and_then(accept).map_err(|cause| SecretError { reference: self.clone(), cause })
    }
}

fn accept(mut text: String) -> Result<Secret, SecretCause> {
    let end =
        text.strip_suffix('\n').map_or(text.len(), |rest| rest.strip_suffix('\r').unwrap_or(rest).len());
    text.truncate(end);
    if text.is_empty() {
        return Err(SecretCause::Empty);
    }
    if text.contains('\0') {
        return Err(SecretCause::Nul);
    }
    Ok(Secret::new(text))
}

fn read_file(path: &std::path::Path) -> Result<String, SecretCause> {
    let file = std::fs::File::open(path).map_err(SecretCause::Unreadable)?;
    read_text(file).map_err(SecretCause::Unreadable)?
}

fn read_text(from: impl Read) -> io::Result<Result<String, SecretCause>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Ok(Err(SecretCause::TooLarge));
    }
    Ok(String::from_utf8(bytes).map_err(|_| SecretCause::NotUtf8))
}

/// Runs the program as it is, without a shell. What it says on stderr is not shown: it may hold the secret.
fn run(argv: &[String], limit: Duration) -> Result<String, SecretCause> {
    let deadline = Instant::now() + limit;
    let [program, arguments @ ..] = argv else {
        return Err(SecretCause::NotRun(io::ErrorKind::InvalidInput.into()));
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(SecretCause::NotRun)?;
    let result = collect(&mut child, deadline, limit);
    if result.is_err() {
        // It may have ended by itself meanwhile; there is nothing else that could be done.
        let _ = child.kill();
        let _ = child.wait();
    }
    result
}

fn collect(child: &mut Child, deadline: Instant, limit: Duration) -> Result<String, SecretCause> {
    let Some(stdout) = child.stdout.take() else {
        return Err(SecretCause::NotRun(io::ErrorKind::BrokenPipe.into()));
    };
    // A read has no time limit, so it waits in a thread of its own; killing the program ends it.
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(read_text(stdout)));
    let left = deadline.saturating_duration_since(Instant::now());
    let text = receiver.recv_timeout(left).map_err(|_| SecretCause::TooSlow(limit))?;
    let text = text.map_err(SecretCause::NotRun)??;
    let status = loop {
        match child.try_wait().map_err(SecretCause::NotRun)? {
            Some(status) => break status,
            None if Instant::now() >= deadline => return Err(SecretCause::TooSlow(limit)),
            // It has closed its output, so it is about to end.
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    if status.success() { Ok(text) } else { Err(SecretCause::Failed(status)) }
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
            (Ok(secret), Ok(text)) => assert_eq!(secret.expose(), text),
            (Err(error), Err(cause)) => {
                assert_eq!(error.to_string(), format!("could not resolve the secret {reference}"));
                assert!(error.cause.to_string().contains(cause), "{}", error.cause);
            }
            _ => panic!("{reference}: {resolved:?}, expected {expected:?}"),
        }
    }

    fn command(argv: &[&str]) -> SecretRef {
        SecretRef::Command(argv.iter().map(|argument| (*argument).to_owned()).collect())
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
        check(&file("one", b"a\n\n"), Ok("a\n"));
        check(&file("latin", b"\xe4"), Err("not UTF-8"));
        check(&file("nul", b"a\0b"), Err("NUL"));
        check(&file("large", &vec![b'a'; 2 << 20]), Err("larger than"));
        check(&SecretRef::File(directory.path().join("none")), Err("could not read the file"));
        check(&SecretRef::Credential("x".into()), Err("$CREDENTIALS_DIRECTORY is not set"));
        let credentials = |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| directory.path().into());
        let credential = SecretRef::Credential("crlf".into()).resolve_in(&credentials).unwrap();
        assert_eq!(credential.expose(), "a b");
    }

    #[test]
    fn a_command_gives_what_it_prints() {
        check(&command(&["printf", "%s\\n", "$HOME hunter2"]), Ok("$HOME hunter2"));
        check(&command(&["false"]), Err("the command failed"));
        check(&command(&["/nonexistent/program"]), Err("could not run the command"));
        assert_eq!(command(&["pass", "show"]).to_string(), "{command: [pass, …]}");
    }

    #[test]
    fn a_command_that_does_not_end_is_given_up() {
        let argv = ["sleep".to_owned(), "30".to_owned()];
        assert!(matches!(run(&argv, Duration::from_millis(20)), Err(SecretCause::TooSlow(_))));
    }

    #[test]
    fn what_is_no_reference_is_refused_without_being_repeated() {
        for (text, good) in [
            (r#"{"env": "NAME"}"#, true),
            (r#"{"file": "/run/x"}"#, true),
            (r#"{"credential": "x"}"#, true),
            (r#"{"command": ["pass", "show"]}"#, true),
            (r#"{"env": "NAME", "file": null}"#, true),
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
