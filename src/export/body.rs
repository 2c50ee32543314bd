//! The file's sections as they are written, and where in them each entry stands.

use std::collections::BTreeMap;

use serde_json::Value;

use super::draft::Draft;
use super::entry::{self, Entry};
use super::{head, yaml};
use crate::resource::{Above, Kind};
use crate::visible::visible;

/// The entry that starts at each line, lines from 1.
pub(super) type Lines = BTreeMap<u32, usize>;

/// Sections as they are written.
#[derive(Default)]
struct Body {
    out: String,
    /// Where entries start, in bytes.
    starts: Vec<(usize, usize)>,
}

impl Body {
    fn lines(&self) -> Lines {
        let (mut line, mut from) = (1_u32, 0);
        let lines = self.starts.iter().map(|&(start, at)| {
            let passed = self.out[from..start].matches('\n').count();
            line = line.saturating_add(u32::try_from(passed).unwrap_or(u32::MAX));
            from = start;
            (line, at)
        });
        lines.collect()
    }
}

/// The entry that a line is of.
pub(super) fn entry_at(lines: &Lines, line: u32) -> Option<usize> {
    lines.range(..=line).next_back().map(|(_, at)| *at)
}

impl Draft<'_> {
    /// The file without the comment at its top, and where its entries start.
    pub(super) fn body(&self) -> (String, Lines) {
        let mut body = Body { out: head::settings(self.settings), starts: Vec::new() };
        let has = |kind: Kind, kept: bool| {
            self.entries.iter().any(|entry| entry.address.kind == kind && entry.withheld.is_none() == kept)
        };
        let (declared, rest): (Vec<Kind>, Vec<Kind>) =
            Kind::ALL.iter().copied().partition(|kind| has(*kind, true));
        self.sections(&declared, 0, false, &mut body);
        // A section without entries would say that there is to be nothing of its kind.
        let rest: Vec<Kind> = rest.into_iter().filter(|kind| has(*kind, false)).collect();
        if !rest.is_empty() {
            let mut comments = Body::default();
            self.sections(&rest, 0, true, &mut comments);
            body.out.push('\n');
            yaml::comment(&mut body.out, 0, comments.out.trim_start());
        }
        let lines = body.lines();
        (body.out, lines)
    }

    /// The sections of these kinds, which are alike down to a depth.
    fn sections(&self, kinds: &[Kind], depth: usize, in_comment: bool, body: &mut Body) {
        let mut keys: Vec<&str> = Vec::new();
        for kind in kinds {
            if !keys.contains(&kind.section()[depth]) {
                keys.push(kind.section()[depth]);
            }
        }
        for key in keys {
            let within: Vec<Kind> =
                kinds.iter().copied().filter(|kind| kind.section()[depth] == key).collect();
            let blank = if depth == 0 { "\n" } else { "" };
            body.out.push_str(blank);
            yaml::key(&mut body.out, 2 * depth, key);
            match within.as_slice() {
                [kind] if kind.section().len() == depth + 1 => {
                    self.entries_of(*kind, 2 * depth + 2, in_comment, body);
                }
                _ => self.sections(&within, depth + 1, in_comment, body),
            }
        }
    }

    /// The entries of a kind, below what they stand in.
    fn entries_of(&self, kind: Kind, column: usize, in_comment: bool, body: &mut Body) {
        let of_kind = self.entries.iter().enumerate().filter(|(_, entry)| entry.address.kind == kind);
        let mut entries: Vec<Numbered<'_>> = of_kind.collect();
        let Some(above) = kind.above() else {
            return list(&entries, column, Style { in_comment, labels: true }, body);
        };
        let stands_in =
            |(_, entry): &Numbered<'_>| entry.fields.get(above.field()).cloned().unwrap_or_default();
        entries.sort_by_cached_key(|entry| stands_in(entry).to_string());
        for group in entries.chunk_by(|one, next| stands_in(one) == stands_in(next)) {
            // A heading over nothing would say that there is to be nothing below it.
            let has_none = !in_comment && group.iter().all(|(_, entry)| entry.withheld.is_some());
            let mut comments = Body::default();
            let (to, at) = if has_none { (&mut comments, 0) } else { (&mut *body, column) };
            // What all are known as is known of what they stand in.
            let label = group[0].1.label.as_deref();
            let label = label.filter(|_| group.iter().all(|(_, entry)| entry.label.as_deref() == label));
            let within = heading(above, &stands_in(&group[0]), label, at, &mut to.out);
            list(group, within, Style { in_comment: in_comment || has_none, labels: label.is_none() }, to);
            yaml::comment(&mut body.out, column, &comments.out);
        }
    }
}

/// How entries are written.
#[derive(Debug, Clone, Copy)]
struct Style {
    /// Whether all of it becomes a comment in the end.
    in_comment: bool,
    /// Whether each says what people know it as.
    labels: bool,
}

/// An entry with its number among all.
type Numbered<'a> = (usize, &'a Entry);

/// Writes what stands above entries, and gives the column that they begin in.
fn heading(above: Above, value: &Value, label: Option<&str>, column: usize, out: &mut String) -> usize {
    match (above, value) {
        (Above::Entries { field: _, list }, Value::Object(named)) => {
            let mut item = String::new();
            for (key, value) in named {
                yaml::pair(&mut item, column + 2, key, value);
            }
            known_as(&mut item, column + 2, label);
            yaml::key(&mut item, column + 2, list);
            yaml::item(out, column, &item);
            column + 4
        }
        (Above::Entries { .. } | Above::Keys { .. }, key) => {
            yaml::key(out, column, &entry::plain(key));
            known_as(out, column + 2, label);
            column + 2
        }
    }
}

/// Writes entries one after the other.
fn list(entries: &[Numbered<'_>], column: usize, style: Style, body: &mut Body) {
    for &(at, entry) in entries {
        match entry.why_withheld() {
            None => {
                body.starts.push((body.out.len(), at));
                body.out.push_str(&entry_text(entry, column, style));
            }
            Some(why) => {
                let why = visible(&format!("Not exported ({}, id {}): {why}", entry.address, entry.id));
                yaml::comment(&mut body.out, column, &why);
                if style.in_comment {
                    body.out.push_str(&entry_text(entry, column, style));
                } else {
                    yaml::comment(&mut body.out, column, &entry_text(entry, 0, style));
                }
            }
        }
    }
}

/// What people know it as, where that is another name than the file's.
fn known_as(out: &mut String, column: usize, label: Option<&str>) {
    if let Some(label) = label {
        yaml::comment(out, column, &format!("Known as {}.", visible(label)));
    }
}

/// The entry as it stands in its section.
fn entry_text(entry: &Entry, column: usize, style: Style) -> String {
    let dash = if entry.address.kind.is_singleton() { 0 } else { 2 };
    let mut text = String::new();
    let stands_in = entry.address.kind.above().map(Above::field);
    for (key, value) in entry.fields.iter().filter(|(key, _)| Some(key.as_str()) != stands_in) {
        yaml::pair(&mut text, column + dash, key, value);
    }
    if entry.prevent_delete {
        yaml::pair(&mut text, column + dash, "prevent_delete", &true.into());
    }
    let mut aside = |key: &str, value: &Value| {
        let mut line = String::new();
        yaml::pair(&mut line, 0, key, value);
        yaml::comment(&mut text, column + dash, &line);
    };
    for (field, value) in &entry.advised {
        aside(field, value);
    }
    for left_out in &entry.left_out {
        if let Some(value) = &left_out.value {
            aside(&left_out.field, value);
        }
    }
    known_as(&mut text, column + dash, entry.label.as_deref().filter(|_| style.labels));
    if dash == 0 {
        return text;
    }
    let mut item = String::new();
    yaml::item(&mut item, column, &text);
    item
}
