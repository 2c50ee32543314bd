//! The YAML of all files as one compact tree that knows the place of every key and value.
//!
//! Nodes stand in one vector in the order of the text; an alias is the node that it names, so nothing is copied however
//! often it is used. `build` makes them from the parser's events. What a key or a value means to a type is for `de`.

mod build;

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::mask::Mask;
use super::{Place, quoted};

/// A node, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A scalar without quotes: what it looks like decides what it is.
    Plain,
    /// A text, whatever it looks like.
    Quoted,
    List,
    Map,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    line: u32,
    column: u32,
    /// Where its text, or its children (of a map: key, value, key, value), start and end.
    start: u32,
    end: u32,
    shape: Shape,
}

/// A scalar without quotes, by the core schema of YAML 1.2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
}

/// Why the reader no longer looks at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// It is `null`, which is the same as left out.
    Absent,
    /// It was reported; if it is a key, it may have been meant as this one.
    Wrong { meant: Option<&'static str> },
}

struct SourceFile {
    shown: Arc<str>,
    /// What paths in it are relative to, absolute.
    base: PathBuf,
    text: String,
    line_starts: OnceCell<Vec<u32>>,
    mask: OnceCell<Mask>,
    first: NodeId,
}

/// Everything that was read.
#[derive(Default)]
pub(super) struct Tree {
    files: Vec<SourceFile>,
    nodes: Vec<Node>,
    links: Vec<NodeId>,
    text: String,
    cut: HashMap<NodeId, Cut>,
}

impl Tree {
    fn next_id(&self) -> NodeId {
        NodeId(narrow(self.nodes.len()))
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(super) fn shape(&self, id: NodeId) -> Shape {
        self.node(id).shape
    }

    /// The text of a scalar; empty for a list or a map.
    pub(super) fn text(&self, id: NodeId) -> &str {
        let node = self.node(id);
        match node.shape {
            Shape::Plain | Shape::Quoted => &self.text[node.start as usize..node.end as usize],
            Shape::List | Shape::Map => "",
        }
    }

    /// What a scalar is; `None` for a list or a map.
    pub(super) fn scalar(&self, id: NodeId) -> Option<Scalar<'_>> {
        match self.shape(id) {
            Shape::Plain => Some(resolve(self.text(id))),
            Shape::Quoted => Some(Scalar::Text(self.text(id))),
            Shape::List | Shape::Map => None,
        }
    }

    pub(super) fn is_null(&self, id: NodeId) -> bool {
        self.scalar(id) == Some(Scalar::Null)
    }

    fn children(&self, id: NodeId) -> &[NodeId] {
        let node = self.node(id);
        match node.shape {
            Shape::List | Shape::Map => &self.links[node.start as usize..node.end as usize],
            Shape::Plain | Shape::Quoted => &[],
        }
    }

    /// The elements of a list that are still looked at.
    pub(super) fn items(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let list = if self.shape(id) == Shape::List { self.children(id) } else { &[] };
        list.iter().copied().filter(|item| !self.is_cut(*item))
    }

    fn all_pairs(&self, id: NodeId) -> impl Iterator<Item = (NodeId, NodeId)> + '_ {
        let map = if self.shape(id) == Shape::Map { self.children(id) } else { &[] };
        map.chunks_exact(2).map(|pair| (pair[0], pair[1]))
    }

    /// The pairs of a map that are still looked at.
    pub(super) fn pairs(&self, id: NodeId) -> impl Iterator<Item = (NodeId, NodeId)> + '_ {
        self.all_pairs(id).filter(|(key, value)| !self.is_cut(*key) && !self.is_cut(*value))
    }

    /// The value under a key, if it is there and still looked at.
    pub(super) fn get(&self, map: NodeId, key: &str) -> Option<NodeId> {
        self.pairs(map).find(|(name, _)| self.text(*name) == key).map(|(_, value)| value)
    }

    /// Whether a map says anything about a key, be it `null` or refused.
    pub(super) fn has_key(&self, map: NodeId, key: &str) -> bool {
        self.all_pairs(map).any(|(name, _)| self.text(name) == key)
    }

    /// The directory that a path in this node is relative to.
    pub(super) fn base(&self, id: NodeId) -> &std::path::Path {
        &self.files[self.file_of(id)].base
    }

    fn is_cut(&self, id: NodeId) -> bool {
        !self.cut.is_empty() && self.cut.contains_key(&id)
    }

    /// Looks no longer at a node; for a key or a value, at neither of the two. `false` if that was so before.
    pub(super) fn cut(&mut self, id: NodeId, why: Cut) -> bool {
        self.cut.insert(id, why).is_none()
    }

    /// The keys of a map that are no longer looked at because they were reported, as they were meant.
    pub(super) fn reported_keys(&self, map: NodeId) -> impl Iterator<Item = &str> + '_ {
        self.all_pairs(map).filter_map(|(key, value)| match (self.cut.get(&key), self.cut.get(&value)) {
            (Some(Cut::Wrong { meant: Some(meant) }), _) => Some(*meant),
            (Some(Cut::Wrong { .. }), _) | (_, Some(Cut::Wrong { .. })) => Some(self.text(key)),
            (None | Some(Cut::Absent), None | Some(Cut::Absent)) => None,
        })
    }

    /// Whether anything within was reported, so that what else seems wrong may follow from that.
    pub(super) fn holds_reported(&self, id: NodeId) -> bool {
        fn visit(tree: &Tree, id: NodeId, seen: &mut HashSet<NodeId>) -> bool {
            if !seen.insert(id) {
                return false;
            }
            matches!(tree.cut.get(&id), Some(Cut::Wrong { .. }))
                || tree.children(id).iter().any(|child| visit(tree, *child, seen))
        }
        !self.cut.is_empty() && visit(self, id, &mut HashSet::new())
    }

    fn file_of(&self, id: NodeId) -> usize {
        self.files.partition_point(|file| file.first <= id).saturating_sub(1)
    }

    /// Where a node stands.
    pub(super) fn place(&self, id: NodeId) -> Place {
        let Node { line, column, .. } = *self.node(id);
        Place { file: Arc::clone(&self.files[self.file_of(id)].shown), line, column }
    }

    /// The line that a node stands on as it may be shown, and where in it the node starts.
    pub(super) fn excerpt_at(&self, id: NodeId) -> Option<(String, u32)> {
        let Node { line, column, .. } = *self.node(id);
        self.excerpt(self.file_of(id), line, column)
    }

    fn excerpt(&self, file: usize, line: u32, column: u32) -> Option<(String, u32)> {
        let file = &self.files[file];
        let starts = file.line_starts.get_or_init(|| line_starts(&file.text));
        let index = line.saturating_sub(1) as usize;
        let text = starts.get(index).map_or("", |start| {
            let end = starts.get(index + 1).map_or(file.text.len(), |end| *end as usize);
            file.text[*start as usize..end].trim_end_matches(['\n', '\r'])
        });
        file.mask().excerpt(text, line as usize, column.saturating_sub(1) as usize)
    }

    /// Whether the file that a node stands in has a section that we know.
    pub(super) fn is_ours(&self, id: NodeId) -> bool {
        self.files[self.file_of(id)].mask().is_ours
    }

    /// The text without the node's own, where that may not be repeated: it may be a secret in a wrong place.
    pub(super) fn without_secret(&self, id: NodeId, text: String) -> String {
        // Below that, letters are in every text.
        const SHORTEST: usize = 3;
        let Node { line, column, .. } = *self.node(id);
        let mask = self.files[self.file_of(id)].mask();
        let own = self.text(id);
        if own.is_empty() || mask.shows(line as usize, column.saturating_sub(1) as usize) {
            return text;
        }
        let number = match self.scalar(id) {
            Some(Scalar::Unsigned(number)) => Some(number.to_string()),
            Some(Scalar::Signed(number)) => Some(number.to_string()),
            Some(Scalar::Float(number)) => Some(number.to_string()),
            Some(Scalar::Null | Scalar::Bool(_) | Scalar::Text(_)) | None => None,
        };
        let mut text = text.replace(&quoted(own), "`…`");
        // A path loses its doubled slashes.
        for spelling in [Some(own.to_owned()), Some(own.replace("//", "/")), number].into_iter().flatten() {
            if spelling.chars().count() >= SHORTEST {
                text = text.replace(&spelling, "…");
            }
        }
        text
    }
}

impl SourceFile {
    fn mask(&self) -> &Mask {
        self.mask.get_or_init(|| Mask::of(&self.text))
    }
}

/// The file was reported as a whole.
#[derive(Debug)]
pub(super) struct Refused;

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn line_starts(text: &str) -> Vec<u32> {
    let bytes = text.as_bytes();
    let breaks = bytes.iter().enumerate().filter(|(index, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(index + 1) != Some(&b'\n'),
        _ => false,
    });
    std::iter::once(0).chain(breaks.map(|(index, _)| narrow(index + 1))).collect()
}

/// As the core schema of YAML 1.2 has it: `off` and `yes` are texts, and so are digits behind a leading zero.
pub(super) fn resolve(text: &str) -> Scalar<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return Scalar::Text(text);
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = digits.strip_prefix(prefix).filter(|rest| !rest.starts_with(['+', '-'])) {
            let negative = text.starts_with('-');
            return match u64::from_str_radix(rest, radix) {
                Ok(number) if !negative => Scalar::Unsigned(number),
                Ok(number) => match i64::try_from(number) {
                    Ok(number) => Scalar::Signed(-number),
                    Err(_) => Scalar::Text(text),
                },
                Err(_) => Scalar::Text(text),
            };
        }
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        if digits.len() > 1 && digits.starts_with('0') {
            return Scalar::Text(text);
        }
        if !text.starts_with('-')
            && let Ok(number) = digits.parse()
        {
            return Scalar::Unsigned(number);
        }
        if let Ok(number) = text.parse() {
            return Scalar::Signed(number);
        }
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Scalar::Float(number),
        Ok(_) | Err(_) => Scalar::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_what_yaml_1_2_says() {
        for (text, is) in [
            ("", Scalar::Null),
            ("~", Scalar::Null),
            ("true", Scalar::Bool(true)),
            ("off", Scalar::Text("off")),
            ("yes", Scalar::Text("yes")),
            ("240", Scalar::Unsigned(240)),
            ("+1", Scalar::Unsigned(1)),
            ("-4", Scalar::Signed(-4)),
            ("0x1F", Scalar::Unsigned(31)),
            ("012345678901", Scalar::Text("012345678901")),
            ("123456789012", Scalar::Unsigned(123_456_789_012)),
            ("1.5", Scalar::Float(1.5)),
            ("1e3", Scalar::Float(1000.0)),
            ("15:45", Scalar::Text("15:45")),
            ("2031-12-01", Scalar::Text("2031-12-01")),
            ("4h", Scalar::Text("4h")),
            ("+-1", Scalar::Text("+-1")),
            ("infinity", Scalar::Text("infinity")),
        ] {
            assert_eq!(resolve(text), is, "{text}");
        }
    }
}
