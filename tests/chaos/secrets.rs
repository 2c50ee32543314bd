//! The secrets of a world, and the search for them in all that the program lets out.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};

use crate::dice::Dice;

const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789";
/// What breaks naive quoting, in every encoding.
const HARD: &[u8] = b"ABCXYZabcxyz789\"\\%+/=&<>?#:{}'";

/// A secret that somebody looks for.
#[derive(Debug, Clone)]
struct Hidden {
    what: String,
    /// Every form in which it would be found.
    forms: Vec<String>,
}

/// What no one may see.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    hidden: Vec<Hidden>,
    /// What commands get in their environment.
    pub(crate) environment: Vec<(String, String)>,
    /// What stands in files, by the file's name.
    pub(crate) files: Vec<(String, String)>,
    /// The texts as they are, each with what refers to it in the file.
    plain: Vec<(String, String)>,
}

impl Secrets {
    /// A secret of which `hide` must not be seen; given as a reference to the environment or to a file.
    pub(crate) fn keep(&mut self, dice: &mut Dice, name: &str, content: String, hide: &str) -> Value {
        self.hide(name, hide);
        let reference = self.refer(dice, name, content);
        self.plain.push((within(&reference), hide.to_owned()));
        reference
    }

    /// Another text for what a reference names. The earlier one stays a secret. `false` where nothing can be changed for
    /// a process that runs.
    pub(crate) fn change(&mut self, reference: &Value, name: &str, content: &str) -> bool {
        self.hide(name, content);
        for (_, secret) in self.plain.iter_mut().filter(|(place, _)| *place == within(reference)) {
            content.clone_into(secret);
        }
        let is_file = reference.get("file").is_some();
        let places = if is_file { &mut self.files } else { &mut self.environment };
        let place = reference.as_object().unwrap().values().next().unwrap();
        for (_, old) in places.iter_mut().filter(|(name, _)| name == place) {
            content.clone_into(old);
        }
        is_file
    }

    /// What an entry of the file sends as secrets.
    pub(crate) fn sent_by(&self, entry: &Value) -> Vec<&str> {
        self.named_in(&entry.to_string())
    }

    /// What a platform that the file was applied to might throw back.
    pub(crate) fn named_in(&self, file: &str) -> Vec<&str> {
        let named = self.plain.iter().filter(|(reference, _)| file.contains(reference));
        named.map(|(_, secret)| secret.as_str()).collect()
    }

    fn refer(&mut self, dice: &mut Dice, name: &str, content: String) -> Value {
        // An environment variable holds one line.
        if dice.in_a_hundred(50) && !content.contains('\n') {
            let variable = format!("CHAOS_{}", name.to_uppercase().replace('-', "_"));
            self.environment.push((variable.clone(), content));
            return json!({ "env": variable });
        }
        let file = format!("secrets/{name}");
        self.files.push((file.clone(), content));
        json!({ "file": file })
    }

    /// A reference to something that anybody may see.
    pub(crate) fn tell(&mut self, name: &str, content: &str) -> Value {
        let variable = format!("CHAOS_{}", name.to_uppercase());
        self.environment.push((variable.clone(), content.to_owned()));
        json!({ "env": variable })
    }

    fn hide(&mut self, what: &str, secret: &str) {
        let quoted = json!(secret).to_string();
        let quoted = &quoted[1..quoted.len() - 1];
        let percent: String = secret.bytes().map(percent).collect();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let mut forms = vec![secret.to_owned(), quoted.to_owned(), percent, form];
        for engine in [&STANDARD, &URL_SAFE] {
            for offset in 0..3 {
                // Behind other bytes only the characters that hold nothing of them are certain.
                let shifted = engine.encode([&vec![b'x'; offset][..], secret.as_bytes()].concat());
                forms.push(shifted[[0, 2, 3][offset]..(secret.len() + offset) / 3 * 4].to_owned());
            }
        }
        forms.sort();
        forms.dedup();
        self.hidden.push(Hidden { what: what.to_owned(), forms });
    }

    /// What is found of them in a text: whose secret, and how it is written there.
    fn found(&self, text: &[u8]) -> Option<(&str, &str)> {
        let in_text = |form: &&String| text.windows(form.len()).any(|window| window == form.as_bytes());
        self.hidden.iter().find_map(|Hidden { what, forms }| {
            forms.iter().find(in_text).map(|form| (what.as_str(), form.as_str()))
        })
    }

    /// Looks for all of them.
    #[track_caller]
    pub(crate) fn search(&self, place: &str, text: &[u8]) {
        if let Some((what, form)) = self.found(text) {
            panic!("{place} holds the secret of {what} as {form}\n{}", String::from_utf8_lossy(text));
        }
    }

    /// Looks through what lies in a folder and was not put there by us.
    #[track_caller]
    pub(crate) fn search_files(&self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                self.search(&path.display().to_string(), &std::fs::read(&path).unwrap());
            }
        }
    }
}

/// A reference as it is found in a file, whatever folder stands before it there.
fn within(reference: &Value) -> String {
    let place = reference.as_object().unwrap().values().next().unwrap().to_string();
    place.trim_start_matches('"').to_owned()
}

fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// A password.
pub(crate) fn password(dice: &mut Dice) -> String {
    format!("pw{}", dice.text(HARD, 22))
}

/// The body of a private key: letters, as base64 has them.
pub(crate) fn key(dice: &mut Dice) -> String {
    dice.text(LETTERS, 48)
}

#[test]
fn the_search_finds_a_secret_in_every_form() {
    let mut dice = Dice::of(1);
    let mut secrets = Secrets::default();
    let secret = password(&mut dice);
    secrets.keep(&mut dice, "password", secret.clone(), &secret);
    let forms = [
        secret.clone(),
        json!({"key": secret}).to_string(),
        STANDARD.encode(format!("user:{secret}")),
        url::form_urlencoded::Serializer::new(String::new()).append_pair("p", &secret).finish(),
    ];
    for text in forms {
        assert!(secrets.found(text.as_bytes()).is_some(), "{text}");
    }
    assert_eq!(secrets.found(b"nothing of it"), None);
}
