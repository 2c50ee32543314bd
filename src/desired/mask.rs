//! Excerpts: the offending line as a person may see it, which is without secrets.
//!
//! Works on the text alone, since what is wrong may be the YAML itself, or a misspelt key before a password. It
//! rather hides too much: what stands behind a key that sounds like a secret is shown only where it is a reference.

/// Characters of a line that are shown; what is longer is cut around the place.
const WIDTH: usize = 160;

/// Words that make a key sound like a secret, without separators.
const SECRET_WORDS: [&str; 11] = [
    "password",
    "pasword",
    "passwd",
    "passwort",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "privatekey",
    "authenticationkey",
    "accountkey",
];

/// What a secret reference is made of, and how the words may be meant.
const REFERENCE_KEYS: [&str; 4] = ["env", "file", "credential", "command"];

/// The line of that number (from 0), and where in it the character of that number (from 0) is.
pub(super) fn excerpt<'t>(
    line_at: &dyn Fn(usize) -> Option<&'t str>,
    line: usize,
    column: usize,
) -> (String, u32) {
    let text = line_at(line).unwrap_or_default();
    let hidden = if continues_secret(line_at, line) {
        let start = text.len() - text.trim_start().len();
        vec![(start, text.len())]
    } else {
        hidden_ranges(text)
    };
    let mut shown: Vec<char> = Vec::new();
    let mut caret = None;
    let mut hiding = None;
    for (number, (at, character)) in text.char_indices().enumerate() {
        if number == column {
            caret = Some(shown.len());
        }
        let range = hidden.iter().position(|(start, end)| (*start..*end).contains(&at));
        match range {
            Some(range) if hiding == Some(range) => {
                if number == column {
                    caret = Some(shown.len() - 1);
                }
            }
            Some(range) => {
                hiding = Some(range);
                shown.push('…');
            }
            None => {
                hiding = None;
                shown.push(character);
            }
        }
    }
    cut(&shown, caret.unwrap_or(shown.len()))
}

/// What surrounds the caret, and where it then is.
fn cut(shown: &[char], caret: usize) -> (String, u32) {
    let start = if caret < WIDTH / 2 || shown.len() <= WIDTH { 0 } else { caret - WIDTH / 2 };
    let end = shown.len().min(start + WIDTH);
    let mut out = String::new();
    let mut caret = caret - start;
    if start > 0 {
        out.push('…');
        caret += 1;
    }
    out.extend(&shown[start..end]);
    if end < shown.len() {
        out.push('…');
    }
    (out, u32::try_from(caret).unwrap_or(u32::MAX))
}

fn sounds_secret(key: &str) -> bool {
    let plain: String = key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let near = |word: &&str| strsim::damerau_levenshtein(&plain, word) <= 2;
    SECRET_WORDS.iter().any(|word| plain.contains(word))
        || (plain.len() > 5 && ["password", "passphrase", "secret"].iter().any(near))
}

/// A key and where its value starts, in bytes.
fn keys(line: &str) -> impl Iterator<Item = (&str, usize)> {
    line.match_indices(':').filter_map(|(colon, _)| {
        let rest = &line[colon + 1..];
        let quoted = line[..colon].ends_with(['"', '\'']);
        if !(rest.is_empty() || rest.starts_with([' ', '\t']) || quoted) {
            return None;
        }
        let before = line[..colon].trim_end_matches(['"', '\'', ' ']);
        let start = before
            .rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-' || c == '.'))
            .map_or(0, |index| index + before[index..].chars().next().map_or(1, char::len_utf8));
        Some((&before[start..], colon + 1 + (rest.len() - rest.trim_start().len())))
    })
}

/// Whether a line without a key of its own belongs to a secret that starts on a line above.
fn continues_secret<'t>(line_at: &dyn Fn(usize) -> Option<&'t str>, line: usize) -> bool {
    // A private key in PEM has some 50 lines.
    const LOOK_BACK: usize = 200;
    if line_at(line).is_none_or(|text| keys(text).next().is_some()) {
        return false;
    }
    for above in (line.saturating_sub(LOOK_BACK)..line).rev() {
        let text = line_at(above).unwrap_or_default();
        if let Some((key, _)) = keys(text).last() {
            return sounds_secret(key);
        }
    }
    false
}

/// The parts of a line that are not shown, in bytes.
fn hidden_ranges(line: &str) -> Vec<(usize, usize)> {
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    for (key, start) in keys(line) {
        if hidden.last().is_some_and(|(_, end)| start < *end) || !sounds_secret(key) {
            continue;
        }
        let value = &line[start..];
        if value.is_empty() || value.starts_with('#') {
            continue;
        }
        let end = start + value_length(value, line[..start].contains(['{', '[']));
        if !is_reference(&line[start..end]) {
            hidden.push((start, end));
        }
    }
    // `https://user:password@host`.
    for (at, _) in line.match_indices("://") {
        let start = at + 3;
        let end = line[start..].find(['/', ' ', '"', '\'', ',']).map_or(line.len(), |end| start + end);
        if let Some(sign) = line[start..end].rfind('@') {
            hidden.push((start, start + sign));
        }
    }
    hidden.sort_unstable();
    hidden
}

/// How far the value at the start of the text goes.
fn value_length(text: &str, in_flow: bool) -> usize {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') if at == 0 || depth > 0 => quote = Some(character),
            (None, '{' | '[') if at == 0 || depth > 0 => depth += 1,
            (None, '}' | ']') if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            (None, '}' | ']' | ',') if in_flow && depth == 0 => return at,
            (Some(_) | None, _) => {}
        }
    }
    text.trim_end().len()
}

/// `{env: NAME}` and the like, with nothing beside it.
fn is_reference(value: &str) -> bool {
    let Some(inner) = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return false;
    };
    let mut names = keys(inner).map(|(key, _)| key);
    let (first, second) = (names.next(), names.next());
    first.is_some_and(|name| REFERENCE_KEYS.contains(&name))
        && second.is_none()
        && (!inner.contains(',') || first == Some("command"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, line: usize, column: usize, shown: &str, caret: u32) {
        let lines: Vec<&str> = text.lines().collect();
        let (excerpt, at) = excerpt(&|number| lines.get(number).copied(), line, column);
        assert_eq!((excerpt.as_str(), at), (shown, caret), "{text}");
    }

    #[test]
    fn what_stands_behind_a_secret_key_is_hidden() {
        check("  password: hunter2", 0, 12, "  password: …", 12);
        check("  pasword: hunter2", 0, 2, "  pasword: …", 2);
        check("  \"password\": \"hunter2\"", 0, 2, "  \"password\": …", 2);
        check("{pod: U, password: hunter2, x: 1}", 0, 28, "{pod: U, password: …, x: 1}", 22);
        check("{password: \"a, b\", x: 1}", 0, 19, "{password: …, x: 1}", 14);
        check("password: {env: X, value: hunter2}", 0, 19, "password: …", 10);
        check("password: {hunter2}", 0, 10, "password: …", 10);
        check("passwrod: hunter2", 0, 0, "passwrod: …", 0);
        check("private_key: -----BEGIN KEY-----\nMIIEabc\nMIIEdef", 2, 0, "…", 0);
        check("authentication_key: 'a''b'", 0, 0, "authentication_key: …", 0);
    }

    #[test]
    fn references_and_other_keys_are_shown() {
        for line in [
            "  password: {env: QUALYS_PASSWORD}",
            "password: {command: [pass, show, qualys]}",
            "  secret: # to come",
            "  secret:",
            "  name: prod",
            "  api_url: https://qualysapi.example.com",
        ] {
            check(line, 0, 2, line, 2);
        }
    }

    #[test]
    fn credentials_in_an_address_are_hidden() {
        check("  proxy: http://me:hunter2@proxy:3128", 0, 9, "  proxy: http://…@proxy:3128", 9);
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = format!("{}x{}", "a".repeat(500), "b".repeat(500));
        let (text, caret) = excerpt(&|_| Some(&line), 0, 500);
        assert_eq!(text.chars().count(), WIDTH + 2);
        assert_eq!(text.chars().nth(caret as usize), Some('x'));
    }
}
