//! A PDF of one page of text, written by hand: the format's smallest useful part (ISO 32000-1, 7.5).

use std::fmt::Write as _;

/// A4, in points of 1/72 inch.
const WIDTH: usize = 595;
const HEIGHT: usize = 842;
const MARGIN: usize = 50;

/// The size of the letters, and from one line's foot to the next one's.
const SIZE: usize = 9;
const LEADING: usize = 13;

/// What fits: Helvetica's letters are half as wide as they are high, or a little more.
const LETTERS: usize = 95;
const LINES: usize = (HEIGHT - 2 * MARGIN) / LEADING;

/// The bytes of a file with these lines. What does not fit on the page is counted on its last line.
pub(super) fn page(title: &str, lines: &[String]) -> String {
    let content = content(lines);
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Resources << /Font << /F1 4 0 R >> >> \
             /Contents 5 0 R >>"
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        format!("<< /Title ({}) >>", escaped(title)),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = String::new();
    for (object, number) in objects.iter().zip(1..) {
        // Each entry is 20 bytes long, its end included: readers go to the entry of a number by counting.
        let _ = writeln!(places, "{:010} 00000 n ", file.len());
        let _ = write!(file, "{number} 0 obj\n{object}\nendobj\n");
    }
    let (begin, count) = (file.len(), objects.len() + 1);
    let _ = write!(
        file,
        "xref\n0 {count}\n0000000000 65535 f \n{places}trailer\n<< /Size {count} /Root 1 0 R /Info 6 0 R >>\n\
         startxref\n{begin}\n%%EOF\n"
    );
    file
}

/// The page's text as drawing instructions.
fn content(lines: &[String]) -> String {
    let mut content = format!("BT\n/F1 {SIZE} Tf\n{LEADING} TL\n{MARGIN} {} Td\n", HEIGHT - MARGIN);
    let shown = if lines.len() > LINES { LINES - 1 } else { lines.len() };
    for line in &lines[..shown] {
        let _ = writeln!(content, "({}) Tj T*", escaped(&cut(line)));
    }
    if shown < lines.len() {
        let _ = writeln!(content, "(and {} more lines) Tj T*", lines.len() - shown);
    }
    content.push_str("ET");
    content
}

fn cut(line: &str) -> String {
    if line.chars().count() <= LETTERS {
        return line.to_owned();
    }
    line.chars().take(LETTERS - 3).chain("...".chars()).collect()
}

/// As a literal string: WinAnsiEncoding has the letters of Latin-1, and the file stays plain ASCII.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '(' | ')' | '\\' => escaped.extend(['\\', letter]),
            ' '..='~' => escaped.push(letter),
            '\u{a0}'..='\u{ff}' => {
                let _ = write!(escaped, "\\{:03o}", u32::from(letter));
            }
            _ => escaped.push('?'),
        }
    }
    escaped
}
