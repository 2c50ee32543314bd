//! `defaults`, and an entry with those of its kind beneath it.

use super::Loader;
use super::entries::{META_KEYS, is_field};
use super::layout::keys_under;
use crate::desired::checks::Entry;
use crate::desired::de::{self, Context, Pairs};
use crate::desired::problem::accepted;
use crate::desired::quoted;
use crate::desired::tree::{Cut, NodeId, Shape, Tree};
use crate::resource::Kind;

impl Loader {
    /// The defaults by kind, each checked by itself, so that an error in them is said once.
    pub(super) fn defaults(&mut self, node: NodeId) -> Vec<(Kind, NodeId)> {
        let mut defaults = Vec::new();
        if self.tree.shape(node) != Shape::Map {
            let hint = "as in defaults: {aws: {run_frequency: 4h}}".to_owned();
            self.report.error(&self.tree, node, "expected a map of clouds".to_owned(), Some(hint));
            return defaults;
        }
        let pairs: Vec<_> = self.tree.pairs(node).collect();
        for (key, value) in pairs {
            let path = format!("connectors.{}", self.tree.text(key));
            match Kind::ALL.iter().copied().find(|kind| kind.section_path() == path) {
                None => self.refuse_default_key(key),
                Some(_) if self.tree.is_null(value) => {}
                Some(kind) => {
                    if self.tree.shape(value) == Shape::Map {
                        self.check_defaults(kind, value);
                        defaults.push((kind, value));
                    } else {
                        let hint = "as in {run_frequency: 4h}".to_owned();
                        self.report.error(
                            &self.tree,
                            value,
                            "expected a map of fields".to_owned(),
                            Some(hint),
                        );
                    }
                }
            }
        }
        defaults
    }

    fn refuse_default_key(&mut self, key: NodeId) {
        let name = self.tree.text(key);
        let message = format!("unknown key {} in defaults", quoted(name));
        self.report.error(&self.tree, key, message, Some(accepted(name, &keys_under("connectors"))));
    }

    fn check_defaults(&mut self, kind: Kind, map: NodeId) {
        let identifying: Vec<&'static str> = kind.identifying().collect();
        let refused: Vec<(NodeId, &'static str)> = self
            .tree
            .pairs(map)
            .filter_map(|(key, _)| {
                let name = self.tree.text(key);
                let known = identifying.iter().copied().find(|known| *known == name)?;
                Some((key, known))
            })
            .collect();
        for (key, name) in refused {
            let fields = kind.fields().iter().filter(|field| !field.identifies).map(|field| field.name);
            let fields: Vec<&str> = fields.chain(META_KEYS.iter().copied()).collect();
            self.report.error(
                &self.tree,
                key,
                format!("`{name}` has no default: it tells objects apart"),
                Some(format!("move it to the entries; defaults may give {}", fields.join(", "))),
            );
            self.tree.cut(key, Cut::Wrong { meant: None });
        }
        let context = Context { also: META_KEYS, except: &identifying, partial: true };
        de::read(&mut self.tree, &mut self.report, map, &context, |tree| {
            let all = tree.pairs(map).filter(|(key, _)| is_field(tree.text(*key))).collect();
            kind.deserialize(Pairs { tree, node: map, all, above: None })
        });
        self.meta(kind, map, None);
    }
}

/// The pairs of an entry and of its defaults whose keys are wanted.
pub(super) fn merged(tree: &Tree, entry: Entry, is_wanted: fn(&str) -> bool) -> Vec<(NodeId, NodeId)> {
    let wanted = |(key, _): &(NodeId, NodeId)| is_wanted(tree.text(*key));
    let mut pairs: Vec<_> = tree.pairs(entry.node).filter(wanted).collect();
    if let Some(defaults) = entry.defaults {
        let own = pairs.len();
        for (key, value) in tree.pairs(defaults).filter(wanted) {
            // Also a null of the entry's own hides the default, and so does a value that was refused.
            let name = tree.text(key);
            let hidden =
                pairs[..own].iter().any(|(key, _)| tree.text(*key) == name) || tree.has_key(entry.node, name);
            if !hidden {
                pairs.push((key, value));
            }
        }
    }
    pairs
}
