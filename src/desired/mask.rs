//! Excerpts: the offending line as a person may see it, which is without secrets.
//!
//! An excerpt shows keys, and the values of fields that are known to be harmless: those that a plan prints anyway.
//! Everything else (what stands behind an unknown key, comments, anchors, whatever the parser did not get to) is `…`, and
//! of a file that is not one of ours nothing is shown. The same rule says what a message may repeat.

use std::collections::HashSet;
use std::sync::LazyLock;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::de;
use super::files::top_keys;
use super::problem::nearest;
use super::reports::RawReport;
use super::sections::RawReconcile;
use super::tree::{Scalar, resolve};
use crate::resource::{Above, Expectation, Kind, Told};

/// Characters of a line that are shown; what is longer is cut around the place.
const WIDTH: usize = 160;

/// The keys of a secret reference.
const REFERENCE_KEYS: [&str; 4] = ["env", "file", "credential", "command"];

/// The keys of `platform` whose values are no secrets. Addresses are not among them: they may hold a password.
const PLATFORM_KEYS: [&str; 8] = [
    "pod",
    "connectors_api",
    "cloudview_auth",
    "ca_bundle",
    "timeout",
    "concurrency",
    "subscription",
    "gcp_project_field",
];

/// The keys within the fields of objects, and those that every entry may have.
#[rustfmt::skip]
const INNER_KEYS: [&str; 20] = [
    "days", "field", "filters", "ignore", "key", "name", "operator", "option_profile_id", "policy", "prevent_delete",
    "recurrence", "repo", "scan_prefix", "start_date", "start_time", "tag", "text", "timezone", "type", "value",
];

/// The keys of objects, checks and reports whose values a plan prints, and of what these stand in.
static OBJECT_KEYS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let mut keys = HashSet::from(INNER_KEYS);
    keys.extend(de::keys_of_type::<RawReport>());
    keys.extend(de::keys_of_type::<Expectation>());
    for kind in Kind::ALL {
        keys.extend(kind.section());
        keys.extend(kind.spellings());
        keys.extend(kind.fields().iter().map(|field| field.name));
        match kind.above() {
            Some(Above::Keys { field: _, keys: above }) => keys.extend(above),
            Some(Above::Entries { field: _, list }) => keys.extend(["id", list]),
            None => {}
        }
    }
    keys
});

/// The keys whose values are secret references.
static SECRET_KEYS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let fields = Kind::ALL.iter().flat_map(|kind| kind.fields()).filter(|field| field.told == Told::Secret);
    fields.map(|field| field.name).chain(["username", "password"]).collect()
});

/// What of a part of the file may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// The keys of the file itself.
    Top,
    /// Values, no keys.
    Values,
    Platform,
    Reconcile,
    /// Objects, and what is within them.
    Objects,
    /// A secret reference: the keys that it may have.
    Reference,
    Nothing,
}

impl Scope {
    fn of_section(key: &str) -> Scope {
        match key {
            "version" | "include" | "journal" | "listen" => Scope::Values,
            "platform" => Scope::Platform,
            "reconcile" => Scope::Reconcile,
            _ => Scope::Objects,
        }
    }

    /// What may be shown below a key, where that is one of this part.
    fn below(self, key: &str) -> Option<Scope> {
        match self {
            // An alias stands behind it, as a rule.
            Scope::Platform | Scope::Reconcile | Scope::Objects if key == "<<" => Some(Scope::Nothing),
            Scope::Top => {
                let keys = top_keys(true);
                let meant = keys.iter().find(|known| **known == key).copied();
                meant.or_else(|| nearest(key, keys)).map(Scope::of_section)
            }
            Scope::Platform | Scope::Objects if SECRET_KEYS.contains(key) => Some(Scope::Reference),
            Scope::Platform => PLATFORM_KEYS.contains(&key).then_some(Scope::Values),
            Scope::Reconcile => de::keys_of_type::<RawReconcile>().contains(&key).then_some(Scope::Values),
            Scope::Objects => OBJECT_KEYS.contains(key).then_some(Scope::Objects),
            Scope::Reference => REFERENCE_KEYS.contains(&key).then_some(Scope::Nothing),
            Scope::Values | Scope::Nothing => None,
        }
    }
}

/// A part of a line that may be shown: its line from 1, its first and last column (exclusive) in characters from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    line: usize,
    start: usize,
    end: usize,
}

/// What may be shown of a file.
#[derive(Debug, Default)]
pub(super) struct Mask {
    shown: Vec<Shown>,
    /// Whether a section that we know stands at the top of the file.
    pub(super) is_ours: bool,
}

struct Open {
    scope: Scope,
    is_map: bool,
    /// Of a map, the key whose value comes next.
    key: Option<Key>,
}

struct Key {
    at: Option<Shown>,
    /// What may be shown below it; `None` if it is not known.
    below: Option<Scope>,
}

impl Mask {
    /// Reads the file as far as the parser gets.
    pub(super) fn of(text: &str) -> Mask {
        let mut mask = Mask::default();
        let mut lines = Lines::new(text);
        let mut open: Vec<Open> = Vec::new();
        for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
            let (is_map, scalar) = match &event {
                Event::MappingEnd | Event::SequenceEnd => {
                    open.pop();
                    continue;
                }
                Event::MappingStart(..) => (true, None),
                Event::Scalar(text, style, ..) => (false, Some((&**text, *style))),
                Event::SequenceStart(..) | Event::Alias(_) => (false, None),
                _ => continue,
            };
            let at = scalar.and_then(|(text, style)| lines.find(text, style, span.start, span.end));
            let is_top = open.len() == 1;
            let scope = match open.last_mut() {
                None if is_map => Scope::Top,
                None => Scope::Nothing,
                Some(Open { scope, is_map: true, key }) => match key.take() {
                    None => {
                        let below = scalar.and_then(|(text, _)| scope.below(text));
                        mask.is_ours |= is_top && below.is_some();
                        // Of what is not known a key is shown where it reads like one.
                        let reads = |(text, _): &(&str, _)| *scope != Scope::Reference && is_wordy(text);
                        let at = at.filter(|_| below.is_some() || scalar.as_ref().is_some_and(reads));
                        let at = at.filter(|_| *scope != Scope::Nothing && *scope != Scope::Values);
                        *key = Some(Key { at, below });
                        Scope::Nothing
                    }
                    Some(Key { at, below }) => {
                        // `{hunter}` is a map with a key.
                        let is_null = scalar.is_some_and(|(text, style)| {
                            style == ScalarStyle::Plain && resolve(text) == Scalar::Null
                        });
                        mask.shown.extend(at.filter(|_| below.is_some() || !is_null));
                        below.unwrap_or(Scope::Nothing)
                    }
                },
                Some(Open { scope, .. }) => *scope,
            };
            let is_open = matches!(event, Event::MappingStart(..) | Event::SequenceStart(..));
            if is_open {
                open.push(Open { scope, is_map, key: None });
            } else if matches!(scope, Scope::Values | Scope::Objects) {
                let holds_login = scalar.is_some_and(|(text, _)| text.contains("://") && text.contains('@'));
                mask.shown.extend(at.filter(|_| !holds_login));
            }
        }
        mask.shown.sort_unstable();
        mask
    }

    fn on_line(&self, line: usize) -> &[Shown] {
        let start = self.shown.partition_point(|shown| shown.line < line);
        let end = self.shown.partition_point(|shown| shown.line <= line);
        &self.shown[start..end]
    }

    /// Whether what starts in that line (from 1) and column (from 0) may be repeated.
    pub(super) fn shows(&self, line: usize, column: usize) -> bool {
        self.is_ours && self.on_line(line).iter().any(|shown| shown.start == column)
    }

    /// The line of that number (from 1) as it may be shown, and where in it the character of that number (from 0) is.
    pub(super) fn excerpt(&self, text: &str, line: usize, column: usize) -> Option<(String, u32)> {
        if !self.is_ours {
            return None;
        }
        let characters: Vec<char> = text.chars().collect();
        let is_mark = |index: &usize| " \t-{}[],:\"'".contains(characters[*index]);
        let end = Shown { line, start: characters.len(), end: characters.len() };
        let mut hidden = Vec::new();
        let mut at = 0;
        for part in self.on_line(line).iter().chain([&end]) {
            // Between what is shown, all but the marks around it is hidden as one.
            let mut gap = at..part.start.min(characters.len());
            if let Some(first) = gap.clone().find(|index| !is_mark(index)) {
                hidden.push(first..gap.rfind(|index| !is_mark(index)).unwrap_or(first) + 1);
            }
            at = part.end;
        }
        let (mut shown, mut caret) = (Vec::new(), None);
        for (index, character) in characters.iter().enumerate() {
            let within = hidden.iter().find(|range| range.contains(&index));
            let is_first = within.is_none_or(|range| range.start == index);
            if index == column {
                caret = Some(shown.len() - usize::from(!is_first));
            }
            if is_first {
                shown.push(if within.is_some() { '…' } else { *character });
            }
        }
        let caret = caret.unwrap_or(shown.len());
        Some(cut(&shown, caret))
    }
}

/// Whether a key that is not known may be shown: one that reads like a key, and not like a password.
fn is_wordy(key: &str) -> bool {
    const LONGEST: usize = 40;
    let is_word = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '-';
    !key.is_empty() && key.len() <= LONGEST && key.chars().all(is_word)
}

/// The lines of a text, looked at in order.
struct Lines<'t> {
    rest: std::str::Lines<'t>,
    line: usize,
    text: &'t str,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Lines<'t> {
        Lines { rest: text.lines(), line: 0, text: "" }
    }

    /// Where a scalar stands, if it is on one line and nothing else is within its bounds.
    fn find(&mut self, text: &str, style: ScalarStyle, start: Marker, end: Marker) -> Option<Shown> {
        while self.line < start.line() {
            self.text = self.rest.next()?;
            self.line += 1;
        }
        if self.line != start.line() || end.line() != start.line() {
            return None;
        }
        let length = end.col().checked_sub(start.col())?;
        let source: String = self.text.chars().skip(start.col()).take(length).collect();
        let is_it = match style {
            ScalarStyle::Plain => source.trim_end() == text,
            ScalarStyle::SingleQuoted => {
                source.len() > 1 && source.starts_with('\'') && source.ends_with('\'')
            }
            ScalarStyle::DoubleQuoted => source.len() > 1 && source.starts_with('"') && source.ends_with('"'),
            ScalarStyle::Literal | ScalarStyle::Folded => false,
        };
        let end = start.col() + source.trim_end().chars().count();
        (is_it && !text.is_empty()).then_some(Shown { line: start.line(), start: start.col(), end })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, line: usize, column: usize, shown: &str, caret: u32) {
        let text = format!("version: 1\n{text}");
        let lines: Vec<&str> = text.lines().collect();
        let excerpt = Mask::of(&text).excerpt(lines[line - 1], line, column);
        assert_eq!(excerpt, Some((shown.to_owned(), caret)), "{text}");
    }

    #[test]
    fn keys_and_the_values_of_harmless_fields_are_shown() {
        for line in [
            "tags: [{name: prod, color: \"#AA0000\"}]",
            "platform: {pod: US1, timeout: 30s}",
            "reconcile: {every: 15m, prune: 'never'}",
            "include: [connectors/*.yaml]",
            "snapshot_scan: {account_id: \"951234567875\", tags: [{key: Owner, value: test}]}",
        ] {
            check(line, 2, 6, line, 6);
        }
        for (text, line, shown) in [
            (
                "platform: {pod: U, password: hunter2, timeout: 1s}",
                2,
                "platform: {pod: U, password: …, timeout: 1s}",
            ),
            ("platform:\n  password: {env: X, value: hunter2}", 3, "  password: {env: …}"),
            ("platform:\n  password: {hunter2}", 3, "  password: {…}"),
            ("platform:\n  \"password\": \"a, b\" # hunter2", 3, "  \"password\": \"…"),
            ("platform:\n  pasword: hunter2", 3, "  pasword: …"),
            ("platform:\n  proxy: http://me:hunter2@proxy:3128", 3, "  proxy: …"),
            ("tags:\n- name: &hunter2 prod # hunter2", 3, "- name: …"),
            ("tags:\n- name: prod # hunter2", 3, "- name: prod …"),
            ("tags:\n- hunter2: prod", 3, "- …"),
            ("tags:\n- {name: !hunter2 prod, hunter}", 3, "- {name: …}"),
            ("tags:\n- {name: prod, colour: {name: hunter2}}", 3, "- {name: prod, colour: {…}}"),
            ("tags:\n- name: |\n    hunter2: x", 4, "    …"),
            ("tags:\n- name: \"prod", 3, "- …"),
        ] {
            check(text, line, 0, shown, 0);
        }
    }

    #[test]
    fn the_caret_stays_below_its_character() {
        check("platform: {password: hunter2, pod: U}", 2, 22, "platform: {password: …, pod: U}", 21);
        check("platform: {password: hunter2, pod: U}", 2, 30, "platform: {password: …, pod: U}", 24);
        check("platform: {password: hunter2}", 2, 90, "platform: {password: …}", 23);
    }

    #[test]
    fn of_a_file_that_is_not_ours_nothing_is_shown() {
        for text in [
            "DB_PASSWORD=hunter2",
            "users: {admin: hunter2}",
            "- hunter2",
            "{\"type\": \"service_account\"}",
            "",
        ] {
            assert_eq!(Mask::of(text).excerpt(text, 1, 0), None, "{text}");
        }
        for text in ["tgas: [a]", "version: 1\ntags: [a"] {
            assert!(Mask::of(text).is_ours, "{text}");
        }
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = format!("tags: [{}, x{}]", "a".repeat(500), "b".repeat(500));
        let (text, caret) = Mask::of(&line).excerpt(&line, 1, 509).unwrap();
        assert_eq!(text.chars().count(), WIDTH + 2);
        assert_eq!(text.chars().nth(caret as usize), Some('x'));
    }
}
