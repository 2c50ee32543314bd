//! Texts that people write for people: names and descriptions.

/// The normal form: what a reader cannot see is no part of the text, and platforms trim it. That is white space around
/// it and at the ends of its lines, and how its lines end.
pub(super) fn normalize(text: &mut String) {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let normal = lines.join("\n");
    let normal = normal.trim();
    if normal != text {
        *text = String::from(normal);
    }
}

/// Whether a text of the platform's may be this one: each U+FFFD in it stands for a character that could not be decoded,
/// or for one that was cut off.
#[must_use]
pub(crate) fn reads_as(told: &str, wanted: &str) -> bool {
    if told == wanted {
        return true;
    }
    // Of what was cut off at the end, the blank before it is left.
    let cut = |c: char| c == char::REPLACEMENT_CHARACTER || c.is_whitespace();
    told.contains(char::REPLACEMENT_CHARACTER)
        && (matches(told, wanted) || told.trim_end_matches(cut) == wanted.trim_end())
}

/// Whether the texts are alike where each U+FFFD stands for one character or none.
fn matches(told: &str, wanted: &str) -> bool {
    let wanted: Vec<char> = wanted.chars().collect();
    // The lengths of the beginnings of `wanted` that the text so far may be.
    let mut ends = vec![false; wanted.len() + 1];
    ends[0] = true;
    for told in told.chars() {
        let any = told == char::REPLACEMENT_CHARACTER;
        let mut next = vec![false; wanted.len() + 1];
        for at in (0..=wanted.len()).filter(|at| ends[*at]) {
            next[at] |= any;
            if let Some(character) = wanted.get(at)
                && (any || *character == told)
            {
                next[at + 1] = true;
            }
        }
        ends = next;
    }
    ends[wanted.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_cannot_see_is_no_part_of_a_text() {
        for (text, normal) in [
            ("a", "a"),
            ("a ", "a"),
            (" a\n", "a"),
            ("a  \nb\t\n\n", "a\nb"),
            ("a\r\nb\r\n", "a\nb"),
            ("a\n  b", "a\n  b"),
            ("a\n\nb", "a\n\nb"),
            (" ", ""),
            ("a  b", "a  b"),
        ] {
            let mut written = text.to_owned();
            normalize(&mut written);
            assert_eq!(written, normal, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_stands_for_one_character_or_none() {
        for (told, wanted, alike) in [
            ("a", "a", true),
            ("a", "b", false),
            ("Z\u{fffd}rich", "Zürich", true),
            ("Z\u{fffd}rich", "Zurich", true),
            ("Z\u{fffd}rich", "Zrich", true),
            ("Z\u{fffd}rich", "Zuerich", false),
            ("Z\u{fffd}\u{fffd}rich", "Zuerich", true),
            ("pay \u{fffd}", "pay 😀", true),
            ("pay\u{fffd}", "pay", true),
            ("pay \u{fffd}", "pay", true),
            ("\u{fffd}", "", true),
            ("\u{fffd}", "payments", false),
            ("pay", "pa\u{fffd}", false),
        ] {
            assert_eq!(reads_as(told, wanted), alike, "{told} {wanted}");
        }
    }
}
