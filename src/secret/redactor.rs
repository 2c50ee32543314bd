//! Takes secrets out of texts that others gave us.

use std::fmt::{self, Write as _};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

use super::{REDACTED, Secret};

/// The order of the needles: longest first.
fn order(a: &str, b: &str) -> std::cmp::Ordering {
    b.len().cmp(&a.len()).then_with(|| a.cmp(b))
}

/// A secret in every spelling, and of one of several lines each longer line.
fn needles(text: &str) -> Vec<String> {
    let mut forms = spellings(text);
    if text.contains('\n') {
        // Long enough to be a line of a key rather than the bracket of a JSON file.
        const LINE: usize = 16;
        forms.extend(text.lines().map(str::trim).filter(|line| line.len() >= LINE).flat_map(spellings));
    }
    forms
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
        redactor.add_all(secrets);
        redactor
    }

    /// Takes out this secret too.
    pub fn add(&mut self, secret: &Secret) {
        self.add_all([secret]);
    }

    /// Takes out these secrets too; those that it knows cost little.
    pub fn add_all<'s>(&mut self, secrets: impl IntoIterator<Item = &'s Secret>) {
        let mut forms = Vec::new();
        for secret in secrets {
            let text = secret.expose();
            if text.is_empty() || self.knows(text) {
                continue;
            }
            if text.chars().count() < Redactor::SHORT {
                self.words.push(SecretString::from(text));
                continue;
            }
            forms.extend(needles(text));
            // A key file: what comes back is the key in it, not the file.
            if let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(text) {
                let keys = fields.iter().filter(|(name, _)| name.contains("private_key"));
                forms.extend(keys.filter_map(|(_, value)| value.as_str()).flat_map(needles));
            }
        }
        self.add_needles(forms);
    }

    fn knows(&self, text: &str) -> bool {
        let place = self.needles.binary_search_by(|needle| order(needle.expose_secret(), text));
        place.is_ok() || self.words.iter().any(|word| word.expose_secret() == text)
    }

    /// Takes out this secret, and the basic authorization that user and secret make.
    pub fn add_pair(&mut self, user: &str, secret: &Secret) {
        self.add(secret);
        let pair = format!("{user}:{}", secret.expose());
        self.add_needles(base64_forms(pair.as_bytes()));
    }

    fn add_needles(&mut self, forms: Vec<String>) {
        if forms.is_empty() {
            return;
        }
        self.needles.extend(forms.into_iter().map(SecretString::from));
        self.needles.sort_by(|a, b| order(a.expose_secret(), b.expose_secret()));
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
