//! The YAML of all files as one compact tree that knows the place of every key and value.
//!
//! Built from the parser's events rather than from a parsed value, since a value has no places and keeps the last
//! of two equal keys in silence. Nodes stand in one vector in the order of the text; an alias is the node that it
//! names, so nothing is copied however often it is used. What a key or a value means to a type is for `de`.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::mask;
use super::problem::{Problem, Report};
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

/// Deeper than any sensible file, and shallow enough for the stack.
const MAX_DEPTH: usize = 100;

/// Positions are kept in 32 bits.
const MAX_BYTES: usize = 1 << 30;

impl Tree {
    /// Takes a file in. The root is `None` where the file is empty, or was refused (and reported) as a whole.
    pub(super) fn parse(
        &mut self,
        shown: &Arc<str>,
        base: PathBuf,
        text: String,
        report: &mut Report,
    ) -> Result<Option<NodeId>, Refused> {
        self.files.push(SourceFile {
            shown: Arc::clone(shown),
            base,
            text: String::new(),
            line_starts: OnceCell::new(),
            first: self.next_id(),
        });
        let body = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let outcome = if body.len() > MAX_BYTES {
            Err(Problem::new(format!("{shown} is larger than 1 GiB"), "split it with include".to_owned()))
        } else {
            let mut builder = Builder {
                tree: self,
                anchors: HashMap::new(),
                open: Vec::new(),
                pending: Vec::new(),
                root: None,
                found: Vec::new(),
            };
            let syntax = builder.run(body);
            let Builder { root, found, .. } = builder;
            syntax.map(|()| (root, found))
        };
        let body = if body.len() == text.len() { text } else { body.to_owned() };
        if let Some(file) = self.files.last_mut() {
            file.text = body;
        }
        match outcome {
            Ok((root, found)) => {
                for Found { at, message, hint } in found {
                    report.error(self, at, message, Some(hint));
                }
                Ok(root)
            }
            Err(mut problem) => {
                if let Some(place) = &mut problem.place {
                    place.file = Arc::clone(shown);
                    let (line, column) = (place.line, place.column);
                    let (excerpt, caret) = self.excerpt(self.files.len() - 1, line, column);
                    (problem.excerpt, problem.caret) = (Some(excerpt), caret);
                }
                report.push_error(problem);
                Err(Refused)
            }
        }
    }

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

    /// The line that a node stands on, without secrets, and where in it the node starts.
    pub(super) fn excerpt_at(&self, id: NodeId) -> (String, u32) {
        let Node { line, column, .. } = *self.node(id);
        self.excerpt(self.file_of(id), line, column)
    }

    fn excerpt(&self, file: usize, line: u32, column: u32) -> (String, u32) {
        let file = &self.files[file];
        let starts = file.line_starts.get_or_init(|| line_starts(&file.text));
        let line_at = |index: usize| -> Option<&str> {
            let start = *starts.get(index)? as usize;
            let end = starts.get(index + 1).map_or(file.text.len(), |end| *end as usize);
            Some(file.text[start..end].trim_end_matches(['\n', '\r']))
        };
        mask::excerpt(&line_at, line.saturating_sub(1) as usize, column.saturating_sub(1) as usize)
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
fn resolve(text: &str) -> Scalar<'_> {
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

/// Something wrong with the YAML itself that does not keep the rest from being read.
struct Found {
    at: NodeId,
    message: String,
    hint: String,
}

struct Open {
    id: NodeId,
    anchor: usize,
    /// Where in `pending` its children start.
    start: usize,
}

struct Builder<'t> {
    tree: &'t mut Tree,
    /// The nodes that are complete, by their anchor. Anchors count from 1.
    anchors: HashMap<usize, NodeId>,
    open: Vec<Open>,
    pending: Vec<NodeId>,
    root: Option<NodeId>,
    found: Vec<Found>,
}

impl Builder<'_> {
    fn run(&mut self, body: &str) -> Result<(), Problem> {
        let mut documents = 0;
        for event in Parser::new_from_str(body) {
            let (event, span) = event.map_err(|error| {
                let (message, hint) = explain_syntax(error.info(), body, *error.marker());
                at_mark(*error.marker(), message, hint)
            })?;
            let mark = span.start;
            match event {
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(at_mark(
                            mark,
                            "a second document starts here".to_owned(),
                            "keep one document a file: remove the line ---, or use include".to_owned(),
                        ));
                    }
                }
                Event::Alias(anchor) => match self.anchors.get(&anchor) {
                    Some(target) => self.attach(*target),
                    None => {
                        return Err(at_mark(
                            mark,
                            "this alias stands inside what it names".to_owned(),
                            "an alias (*name) repeats a complete value that an anchor (&name) marks before it"
                                .to_owned(),
                        ));
                    }
                },
                Event::Scalar(text, style, anchor, tag) => {
                    let quoted = style != ScalarStyle::Plain;
                    self.scalar(mark, &text, quoted, anchor, tag.as_deref());
                }
                Event::SequenceStart(anchor, tag) => {
                    self.start(mark, Shape::List, anchor, tag.as_deref())?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.start(mark, Shape::Map, anchor, tag.as_deref())?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(),
            }
        }
        Ok(())
    }

    fn add(&mut self, mark: Marker, shape: Shape) -> NodeId {
        let id = self.tree.next_id();
        self.tree.nodes.push(Node {
            line: narrow(mark.line()),
            column: narrow(mark.col() + 1),
            start: 0,
            end: 0,
            shape,
        });
        id
    }

    fn attach(&mut self, id: NodeId) {
        if self.open.is_empty() {
            self.root = Some(id);
        } else {
            self.pending.push(id);
        }
    }

    fn scalar(&mut self, mark: Marker, text: &str, quoted: bool, anchor: usize, tag: Option<&Tag>) {
        let is_text = quoted || tag.is_some_and(|tag| tag.suffix == "str" || tag.handle.is_empty());
        let id = self.add(mark, if is_text { Shape::Quoted } else { Shape::Plain });
        let start = narrow(self.tree.text.len());
        self.tree.text.push_str(text);
        let end = narrow(self.tree.text.len());
        let node = &mut self.tree.nodes[id.0 as usize];
        (node.start, node.end) = (start, end);
        self.refuse_tag(id, tag);
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        self.attach(id);
    }

    fn refuse_tag(&mut self, at: NodeId, tag: Option<&Tag>) {
        let Some(tag) = tag else { return };
        let non_specific = tag.handle.is_empty() && tag.suffix == "!";
        if !tag.is_yaml_core_schema() && !non_specific {
            self.found.push(Found {
                at,
                message: format!("the YAML tag {} is not known here", quoted(&format!("!{}", tag.suffix))),
                hint:
                    "remove the tag; a secret is given as {env: NAME}, {file: PATH}, {credential: NAME} or \
                       {command: [PROGRAM]}"
                        .to_owned(),
            });
        }
    }

    fn start(&mut self, mark: Marker, shape: Shape, anchor: usize, tag: Option<&Tag>) -> Result<(), Problem> {
        if self.open.len() >= MAX_DEPTH {
            return Err(at_mark(
                mark,
                format!("more than {MAX_DEPTH} levels of lists and maps"),
                "no part of the file goes deeper than a few levels".to_owned(),
            ));
        }
        let id = self.add(mark, shape);
        self.refuse_tag(id, tag);
        self.open.push(Open { id, anchor, start: self.pending.len() });
        Ok(())
    }

    fn end(&mut self) {
        let Some(Open { id, anchor, start }) = self.open.pop() else { return };
        if self.tree.shape(id) == Shape::Map {
            self.merge(start);
            self.refuse_second_keys(start);
        }
        let (first, last) =
            (narrow(self.tree.links.len()), narrow(self.tree.links.len() + self.pending.len() - start));
        self.tree.links.extend(self.pending.drain(start..));
        let node = &mut self.tree.nodes[id.0 as usize];
        (node.start, node.end) = (first, last);
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        self.attach(id);
    }

    /// Replaces `<<: *name` by the pairs of that map whose keys are not there already.
    fn merge(&mut self, start: usize) {
        let tree = &*self.tree;
        let is_merge = |key: NodeId| tree.shape(key) == Shape::Plain && tree.text(key) == "<<";
        if !self.pending[start..].chunks_exact(2).any(|pair| is_merge(pair[0])) {
            return;
        }
        let all: Vec<NodeId> = self.pending.drain(start..).collect();
        let (merges, own): (Vec<_>, Vec<_>) = all.chunks_exact(2).partition(|pair| is_merge(pair[0]));
        self.pending.extend(own.iter().copied().flatten());
        let mut names: HashSet<&str> = own.iter().map(|pair| tree.text(pair[0])).collect();
        for value in merges.iter().map(|pair| pair[1]) {
            let sources = match tree.shape(value) {
                Shape::List => tree.children(value).to_vec(),
                Shape::Map | Shape::Plain | Shape::Quoted => vec![value],
            };
            for source in sources {
                if tree.shape(source) != Shape::Map {
                    self.found.push(Found {
                        at: source,
                        message: "<< takes maps alone".to_owned(),
                        hint: "as in <<: *name, where &name marks a map".to_owned(),
                    });
                    continue;
                }
                for (key, value) in tree.all_pairs(source) {
                    if names.insert(tree.text(key)) {
                        self.pending.extend([key, value]);
                    }
                }
            }
        }
    }

    fn refuse_second_keys(&mut self, start: usize) {
        let tree = &*self.tree;
        let mut wrong = Vec::new();
        let mut first: HashMap<&str, NodeId> = HashMap::new();
        let keys: Vec<NodeId> = self.pending[start..].chunks_exact(2).map(|pair| pair[0]).collect();
        // Nearly all maps are small, where comparing all keys is cheaper than hashing them.
        let small = keys.len() <= 24;
        for (index, key) in keys.iter().enumerate() {
            if matches!(tree.shape(*key), Shape::List | Shape::Map) {
                wrong.push((
                    *key,
                    "a key must be a plain text".to_owned(),
                    "write it as key: value".to_owned(),
                ));
                continue;
            }
            let text = tree.text(*key);
            let earlier = if small {
                keys[..index].iter().copied().find(|other| tree.text(*other) == text)
            } else {
                first.insert(text, *key).inspect(|earlier| {
                    first.insert(text, *earlier);
                })
            };
            if let Some(earlier) = earlier.filter(|earlier| earlier != key) {
                let Node { line, column, .. } = *tree.node(earlier);
                wrong.push((
                    *key,
                    format!("the key {} stands twice, first in line {line}, column {column}", quoted(text)),
                    "keep one of the two".to_owned(),
                ));
            }
        }
        for (at, message, hint) in wrong {
            self.tree.cut(at, Cut::Wrong { meant: None });
            self.found.push(Found { at, message, hint });
        }
    }
}

fn at_mark(mark: Marker, message: String, hint: String) -> Problem {
    let mut problem = Problem::new(message, hint);
    problem.place =
        Some(Place { file: Arc::from(""), line: narrow(mark.line().max(1)), column: narrow(mark.col() + 1) });
    problem
}

/// The parser's words for what is wrong, and what to do about the usual causes.
fn explain_syntax(info: &str, body: &str, mark: Marker) -> (String, String) {
    let line = body.lines().nth(mark.line().saturating_sub(1)).unwrap_or_default();
    let indent = &line[..line.len() - line.trim_start().len()];
    let hint = if info.contains("Unicode character escape") && holds_surrogate(body, mark) {
        "JSON writes a character beyond U+FFFF as two escapes, which YAML does not know: write the character itself, or \
         one escape, as \"\\U0001F680\" for \"\\ud83d\\ude80\" (Python writes the character itself with \
         ensure_ascii=False)"
    } else if info.contains("escape") || info.contains("hexadecimal") {
        "in double quotes a backslash begins an escape (\\n, \\xHH, \\uHHHH, \\UHHHHHHHH): write it twice, or use single \
         quotes"
    } else if indent.contains('\t') || info.contains("tab") {
        "YAML is indented with spaces: replace the tab"
    } else if info.contains("quote") || info.contains("scalar") {
        "close the quotes, and put a text that holds `: `, ` #` or starts with a special character in quotes"
    } else if info.contains("flow") || info.contains("']'") || info.contains("'}'") {
        "close every [ and {, and separate elements with commas"
    } else if info.contains("anchor") || info.contains("alias") {
        "an alias (*name) repeats what an anchor (&name) marks before it"
    } else {
        "check the indentation, and that every key is followed by a colon and a space"
    };
    (format!("not valid YAML: {info}"), hint.to_owned())
}

/// Whether the text from there on has half of a UTF-16 pair as an escape, which is how JSON spells what lies beyond U+FFFF.
fn holds_surrogate(body: &str, mark: Marker) -> bool {
    let rest = body.lines().skip(mark.line().saturating_sub(1));
    let halves = |line: &str| {
        let mut codes = line.split("\\u").skip(1).filter_map(|rest| rest.get(..4));
        codes.any(|code| u16::from_str_radix(code, 16).is_ok_and(|code| (0xD800..=0xDFFF).contains(&code)))
    };
    rest.into_iter().any(halves)
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
