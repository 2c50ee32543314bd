//! From the parser's events to the tree.
//!
//! From events rather than from a parsed value, since a value has no places and keeps the last of two equal keys in
//! silence. What is wrong with the YAML itself is said here; as much as can be is read all the same.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::{Cut, Node, NodeId, Refused, Shape, SourceFile, Tree, narrow};
use crate::desired::problem::{Problem, Report};
use crate::desired::{Place, quoted};

/// Deeper than any sensible file, and shallow enough for the stack.
const MAX_DEPTH: usize = 100;

/// Positions are kept in 32 bits.
const MAX_BYTES: usize = 1 << 30;

impl Tree {
    /// Takes a file in. The root is `None` where the file is empty, or was refused (and reported) as a whole.
    pub(in crate::desired) fn parse(
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
            mask: OnceCell::new(),
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
                    problem.excerpt = self.excerpt(self.files.len() - 1, line, column);
                }
                report.push_error(problem);
                Err(Refused)
            }
        }
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
                // It is not repeated: it may be a password that begins with an exclamation mark.
                message: "the YAML tag (!…) is not known here".to_owned(),
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
