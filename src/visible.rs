//! Text from elsewhere (the platform, the file, a server's error), made safe to print.

/// Whether a terminal would act on the character, or a line be read in another order for it: control characters,
/// separators of lines, and marks that turn the direction of writing.
pub(crate) fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
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
