//! YAML as it is written: block maps and block lists, quotes where a reader could take a text for something else.
//!
//! The general writer (`serde_yaml`) is not used here: it puts U+2028 and U+2029 as they are into single quotes and
//! breaks the line behind them, which is another text to a reader of YAML 1.2, and it leaves marks in place that turn
//! the direction of writing. What is written here reads the same under YAML 1.1 and 1.2.

use std::fmt::Write;

use serde_json::Value;

use crate::visible::acts;

/// Writes `key:`, below which more follows.
pub(super) fn key(out: &mut String, column: usize, key: &str) {
    indent(out, column);
    out.push_str(key);
    out.push_str(":\n");
}

/// Writes `key: value` in lines that start at a column.
pub(super) fn pair(out: &mut String, column: usize, key: &str, value: &Value) {
    indent(out, column);
    out.push_str(key);
    out.push(':');
    below(out, column, value);
}

/// Writes `- …`, the lines of an entry that was written two columns further in.
pub(super) fn item(out: &mut String, column: usize, entry: &str) {
    indent(out, column);
    out.push_str("- ");
    out.push_str(&entry[(column + 2).min(entry.len())..]);
}

/// Writes lines as comments. A reader looks at their characters too: it refuses a byte order mark, for one.
pub(super) fn comment(out: &mut String, column: usize, lines: &str) {
    for line in lines.lines() {
        indent(out, column);
        out.push_str(if line.is_empty() { "#" } else { "# " });
        for c in line.chars() {
            if is_hidden(c) {
                out.extend(c.escape_default());
            } else {
                out.push(c);
            }
        }
        out.push('\n');
    }
}

fn indent(out: &mut String, column: usize) {
    out.extend(std::iter::repeat_n(' ', column));
}

/// What stands behind a key.
fn below(out: &mut String, column: usize, value: &Value) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for value in items {
                element(out, column + 2, value);
            }
        }
        Value::Object(pairs) if pairs.len() > 1 || pairs.values().any(|value| !is_scalar(value)) => {
            out.push('\n');
            for (key, value) in pairs {
                pair(out, column + 2, key, value);
            }
        }
        Value::String(text) if is_block(text) => {
            out.push_str(if text.ends_with('\n') { " |\n" } else { " |-\n" });
            for line in text.lines() {
                if !line.is_empty() {
                    indent(out, column + 2);
                    out.push_str(line);
                }
                out.push('\n');
            }
        }
        inline => {
            out.push(' ');
            flow(out, inline, false);
            out.push('\n');
        }
    }
}

fn element(out: &mut String, column: usize, value: &Value) {
    match value {
        Value::Object(pairs) if !pairs.is_empty() => {
            let mut entry = String::new();
            for (key, value) in pairs {
                pair(&mut entry, column + 2, key, value);
            }
            item(out, column, &entry);
        }
        inline => {
            indent(out, column);
            out.push_str("- ");
            flow(out, inline, false);
            out.push('\n');
        }
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

/// A value on one line.
fn flow(out: &mut String, value: &Value, nested: bool) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let _ = write!(out, "{value}");
        }
        Value::String(text) if is_plain(text) && !(nested && text.contains(' ')) => out.push_str(text),
        Value::String(text) => quoted(out, text),
        Value::Array(items) => {
            out.push('[');
            for (at, value) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                flow(out, value, true);
            }
            out.push(']');
        }
        Value::Object(pairs) => {
            out.push('{');
            for (at, (key, value)) in pairs.iter().enumerate() {
                let _ = write!(out, "{}{key}: ", if at == 0 { "" } else { ", " });
                flow(out, value, true);
            }
            out.push('}');
        }
    }
}

/// Whether a text means itself without quotes, to any reader.
fn is_plain(text: &str) -> bool {
    // YAML 1.1 has more words than 1.2.
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let Some(first) = text.chars().next() else { return false };
    if WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) || text.ends_with([' ', ':']) {
        return false;
    }
    if first.is_numeric() {
        // A run frequency; other texts that start like a number may be one to somebody.
        return matches!(text.strip_suffix(['h', 'm']), Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()));
    }
    let fits = |c: char| c.is_alphanumeric() || " _-./@+=:".contains(c);
    (first.is_alphabetic() || first == '/') && text.chars().all(fits) && !text.contains(": ")
}

/// Whether a text reads best line by line.
fn is_block(text: &str) -> bool {
    let odd = |line: &str| line.ends_with(' ') || line.chars().any(is_hidden);
    text.trim_end_matches('\n').contains('\n')
        && !text.starts_with([' ', '\n'])
        && !text.ends_with("\n\n")
        && !text.split('\n').any(odd)
}

/// Whether a character cannot be seen, or changes how others are: it is written as an escape.
fn is_hidden(c: char) -> bool {
    acts(c) || matches!(c, '\u{FDD0}'..='\u{FDEF}') || u32::from(c) & 0xFFFE == 0xFFFE
}

fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        let code = u32::from(c);
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if !is_hidden(c) => out.push(c),
            _ => {
                let _ = match code {
                    0..=0xFF => write!(out, "\\x{code:02X}"),
                    0x100..=0xFFFF => write!(out, "\\u{code:04X}"),
                    _ => write!(out, "\\U{code:08X}"),
                };
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn written(value: &Value) -> String {
        let mut out = String::new();
        pair(&mut out, 0, "x", value);
        out
    }

    #[test]
    fn plain_things_are_written_plainly() {
        for (value, text) in [
            (json!("prod"), "x: prod\n"),
            (json!("arn:aws:iam::123456789012:role/Q"), "x: arn:aws:iam::123456789012:role/Q\n"),
            (json!("4h"), "x: 4h\n"),
            (json!("Payments, production"), "x: \"Payments, production\"\n"),
            (json!("Zahlungen für prod"), "x: Zahlungen für prod\n"),
            (json!(true), "x: true\n"),
            (json!(2), "x: 2\n"),
            (json!([]), "x: []\n"),
            (json!(""), "x: \"\"\n"),
            (json!(["AI", {"name": "CSA", "tag": "prod"}]), "x:\n  - AI\n  - name: CSA\n    tag: prod\n"),
            (json!({"env": "KEY"}), "x: {env: KEY}\n"),
            (json!({"env": "a b"}), "x: {env: \"a b\"}\n"),
            (json!({"command": ["op", "read"]}), "x:\n  command:\n    - op\n    - read\n"),
            (json!({"type": "A", "text": "b"}), "x:\n  type: A\n  text: b\n"),
            (json!("one\ntwo"), "x: |-\n  one\n  two\n"),
            (json!("one\n\n# two\n"), "x: |\n  one\n\n  # two\n"),
        ] {
            assert_eq!(written(&value), text);
        }
    }

    #[test]
    fn what_a_reader_could_mistake_is_quoted() {
        for text in [
            "yes",
            "Null",
            "~",
            "off",
            "007",
            "1e3",
            "0x1F",
            ".5",
            "-",
            "- x",
            "#x",
            "a #b",
            "a: b",
            "a:",
            " a",
            "a ",
            "2031-12-01",
            "15:45",
            "{a}",
            "[a]",
            "!x",
            "&x",
            "*x",
            "%x",
            "@x",
            "`x",
            "'x'",
            "|",
            ">",
            "<<",
            "=",
            "a, b",
            "٣",
            "x\u{202e}y",
            "\u{feff}x",
            "a\u{2028}b",
            "\u{7f}",
        ] {
            let written = written(&json!(text));
            assert!(written.starts_with("x: \"") && written.ends_with("\"\n"), "{written}");
            assert!(!written[..written.len() - 1].chars().any(is_hidden), "{written:?}");
        }
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ -~äß→\n\t]{0,12}",
            "[#:\\- \n\t'\"|>&*!%@`?,{}\\[\\]ab\r\u{85}\u{2028}\u{2029}\u{feff}]{0,10}",
            "(a|b| |\n|#|\r\n){0,9}",
            proptest::collection::vec(any::<char>(), 0..8).prop_map(String::from_iter),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_text_reads_back_as_itself_in_every_place(a in text(), b in text(), c in text()) {
            let value = json!({"text": a, "list": [b, {"name": c, "tag": a}], "one": {"env": b}, "last": c});
            let mut out = written(&value);
            // A comment may follow anything.
            comment(&mut out, 2, &written(&value));
            comment(&mut out, 0, &format!("{a}{b}{c}"));
            let other: Value = serde_yaml::from_str(&out).unwrap();
            prop_assert_eq!(&other["x"], &value, "{}", out);
        }
    }
}
