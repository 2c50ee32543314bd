//! Secret references, and a value that will not print.
//!
//! The file holds references alone. A [`Secret`] comes out of one by [`SecretRef::resolve`], shows its text through
//! [`Secret::expose`] and nothing else, and [`Redactor`] takes it out of every text that others gave us.

use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Where a secret is to be found. The file holds references, never secrets.
///
/// Printed as the file writes it, of a command the program alone.
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

/// A secret's text. Prints as `[redacted]`, and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

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

/// Takes secrets out of texts that others gave us, before they reach an error, a log or the journal.
///
/// Finds a secret as it is, and as it comes back from servers: in base64 (any alphabet, alone or within a longer
/// text, so also in a basic authorization header), percent-encoded, and escaped for JSON or XML; of a secret of
/// several lines also each longer line. A secret under four characters is taken out only as it is and where it
/// stands as a word of its own, since its letters are in every text. Redact first and cut short afterwards: half a
/// secret is not found.
#[derive(Default)]
pub struct Redactor {
    /// Longest first, so that the whole is taken out before a part of it.
    needles: Vec<SecretString>,
    words: Vec<SecretString>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// Below this a secret is a word among others.
    const SHORT: usize = 4;

    /// A redactor of these secrets.
    #[must_use]
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Redactor {
        let mut redactor = Redactor::default();
        for secret in secrets {
            redactor.add(secret);
        }
        redactor
    }

    /// Takes out this secret too.
    pub fn add(&mut self, secret: &Secret) {
        let text = secret.expose();
        if text.is_empty() {
            return;
        }
        if text.chars().count() < Redactor::SHORT {
            self.words.push(SecretString::from(text));
            return;
        }
        let mut forms = spellings(text);
        if text.contains('\n') {
            // Long enough to be a line of a key rather than the bracket of a JSON file.
            const LINE: usize = 16;
            forms.extend(text.lines().map(str::trim).filter(|line| line.len() >= LINE).flat_map(spellings));
        }
        self.add_needles(forms);
    }

    /// Takes out this secret, and the basic authorization that user and secret make.
    pub fn add_pair(&mut self, user: &str, secret: &Secret) {
        self.add(secret);
        let pair = format!("{user}:{}", secret.expose());
        self.add_needles(base64_forms(pair.as_bytes()));
    }

    fn add_needles(&mut self, forms: Vec<String>) {
        self.needles.extend(forms.into_iter().map(SecretString::from));
        self.needles.sort_by(|a, b| {
            let (a, b) = (a.expose_secret(), b.expose_secret());
            b.len().cmp(&a.len()).then_with(|| a.cmp(b))
        });
        self.needles.dedup_by(|a, b| a.expose_secret() == b.expose_secret());
    }

    /// The text with `[redacted]` in place of every secret.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = None;
        while let Some(character) = rest.chars().next() {
            let needle =
                self.needles.iter().map(ExposeSecret::expose_secret).find(|needle| rest.starts_with(*needle));
            let found = needle.or_else(|| self.word_at(rest, before));
            if let Some(found) = found {
                out.push_str(REDACTED);
                before = found.chars().next_back();
                rest = &rest[found.len()..];
            } else {
                out.push(character);
                before = Some(character);
                rest = &rest[character.len_utf8()..];
            }
        }
        out
    }

    fn word_at(&self, rest: &str, before: Option<char>) -> Option<&str> {
        let inside = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
        self.words.iter().map(ExposeSecret::expose_secret).find(|word| {
            rest.starts_with(*word) && !inside(before) && !inside(rest[word.len()..].chars().next())
        })
    }
}

/// The forms in which a text comes back from servers.
fn spellings(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned(), text.escape_debug().to_string()];
    forms.extend(base64_forms(text.as_bytes()));
    forms.extend(percent_forms(text));
    forms.extend(json_forms(text));
    for apostrophe in ["&apos;", "&#39;", "&#x27;"] {
        let xml = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        forms.push(xml.clone());
        forms.push(xml.replace('"', "&quot;").replace('\'', apostrophe));
    }
    forms
}

/// In base64 a text looks different at each of three offsets; the characters that it shares with its neighbours
/// are left off.
fn base64_forms(bytes: &[u8]) -> Vec<String> {
    const SHORTEST: usize = 6;
    let mut forms = Vec::new();
    for (padded, bare) in [(STANDARD, STANDARD_NO_PAD), (URL_SAFE, URL_SAFE_NO_PAD)] {
        forms.push(padded.encode(bytes));
        forms.push(bare.encode(bytes));
        for offset in 0..3_usize {
            let mut shifted = vec![0; offset];
            shifted.extend_from_slice(bytes);
            let encoded = bare.encode(&shifted);
            let start = (offset * 8).div_ceil(6);
            let end = shifted.len() * 8 / 6;
            if end >= start + SHORTEST {
                forms.push(encoded[start..end].to_owned());
            }
        }
    }
    forms
}

fn percent_forms(text: &str) -> Vec<String> {
    // What stays as it is differs from one encoder to the next.
    const KEPT: [&str; 5] = ["", "-._~", "-._*", "-_.!~*'()", "-_.!~*'();/?:@&=+$,#"];
    let mut forms = Vec::new();
    for kept in KEPT {
        for upper in [true, false] {
            let encoded: String = text
                .bytes()
                .map(|byte| match byte {
                    _ if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) => {
                        char::from(byte).to_string()
                    }
                    _ if upper => format!("%{byte:02X}"),
                    _ => format!("%{byte:02x}"),
                })
                .collect();
            forms.push(encoded.replace("%20", "+"));
            forms.push(encoded);
        }
    }
    forms
}

fn json_forms(text: &str) -> Vec<String> {
    let Ok(quoted) = serde_json::to_string(text) else { return Vec::new() };
    let plain = &quoted[1..quoted.len() - 1];
    let mut forms = Vec::new();
    for body in [plain.to_owned(), plain.replace('/', "\\/")] {
        // What an encoder writes as \uXXXX beyond what it must.
        let escapes: [fn(char) -> bool; 3] = [
            |character| !character.is_ascii(),
            |character| "<>&".contains(character),
            |character| !character.is_ascii() || "<>&'".contains(character),
        ];
        for escaped in escapes {
            for upper in [true, false] {
                forms.push(unicode_escaped(&body, escaped, upper));
            }
        }
        forms.push(body);
    }
    forms
}

fn unicode_escaped(text: &str, escaped: fn(char) -> bool, upper: bool) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if !escaped(character) {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = if upper { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
        }
    }
    out
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
    fn a_secret_does_not_print() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
        assert_eq!(format!("{:?}", Redactor::new([&secret])), "Redactor { .. }");
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

    #[test]
    fn every_spelling_of_a_secret_is_redacted() {
        let secret = "p/ä\"ß s'&<w+rd";
        let mut redactor = Redactor::new([&Secret::new(secret)]);
        redactor.add_pair("user", &Secret::new(secret));
        for spelling in [
            secret.to_owned(),
            serde_json::to_string(secret).unwrap(),
            format!("{secret:?}"),
            STANDARD.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
            STANDARD.encode(format!("user:{secret}")),
            url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
            "p/ä&quot;ß s&#39;&amp;&lt;w+rd".to_owned(),
            "p\\/\\u00e4\\\"\\u00df s\\u0027\\u0026\\u003cw+rd".to_owned(),
        ] {
            let text = redactor.redact(&format!("before {spelling} after"));
            let quotes = text.replace('"', "");
            assert_eq!(quotes, "before [redacted] after", "{spelling}");
        }
        // Within a longer text only the characters that it shares with its neighbours are left.
        for user in ["a", "ab", "abc"] {
            let encoded = STANDARD.encode(format!("{user}:{secret}:{user}"));
            let left = redactor.redact(&encoded).replace(REDACTED, "");
            assert!(left.len() <= 14, "{left}");
        }
    }

    #[test]
    fn a_short_secret_is_redacted_only_as_a_word() {
        let redactor = Redactor::new([&Secret::new("ab")]);
        assert_eq!(redactor.redact("about ab, cab \"ab\""), "about [redacted], cab \"[redacted]\"");
    }

    #[test]
    fn the_lines_of_a_key_are_redacted_one_by_one() {
        let redactor = Redactor::new([&Secret::new("{\n  MIIEvQIBADANBgkqhkiG9w0BAQ\n}")]);
        assert_eq!(redactor.redact("{ MIIEvQIBADANBgkqhkiG9w0BAQ }"), "{ [redacted] }");
    }
}
