//! Text from elsewhere (the platform, the file, a server's error), made safe to show.

/// Says whether a character is shown as an escape: a terminal would act on it, a line be read in another order for it, or
/// nobody would see it. The last are format characters and those that Unicode calls default-ignorable: a name with one
/// would look like a name without.
pub(crate) fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// The text with whatever [`acts`] made visible.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A JSON document with whatever [`acts`] written as an escape of JSON: a program reads the same, a person sees it.
#[must_use]
pub fn visible_json(json: &str) -> String {
    use std::fmt::Write as _;
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        // Line ends are the document's own layout: within a text they are escaped already.
        if c == '\n' || !acts(c) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_would_see_is_shown_as_an_escape_and_read_back_as_it_was() {
        let hostile = (0..=0x1F_u32)
            .chain(0x7F..=0x9F)
            .chain([0xAD, 0x34F, 0x61C, 0x115F, 0x180E, 0x3164, 0xFEFF, 0xFFA0, 0xFFF9, 0x1D173])
            .chain(0x200B..=0x200F)
            .chain(0x2028..=0x202E)
            .chain(0x2060..=0x2069)
            .chain(0xFE00..=0xFE0F)
            .chain(0xE0000..=0xE007F)
            .chain(0xE0100..=0xE01EF);
        for c in hostile.map(|code| char::from_u32(code).unwrap()) {
            let text = format!("a{c}b");
            assert_eq!(visible(&text), format!("a{}b", c.escape_default()));
            for json in [
                serde_json::json!({ "x": text }).to_string(),
                format!("{:#}", serde_json::json!({ "x": text })),
            ] {
                let shown = visible_json(&json);
                assert!(!shown.chars().any(|c| c != '\n' && acts(c)), "{shown:?}");
                assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap()["x"], text);
            }
        }
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in [
            "Zahlungen für Köln",
            "支払い",
            "مدفوعات",
            "prod → web … “x”",
            "\u{1f680} rocket",
            "a\u{a0}b",
            "e\u{301}",
        ] {
            assert_eq!(visible(text), text);
            assert_eq!(visible_json(text), text);
        }
    }
}
