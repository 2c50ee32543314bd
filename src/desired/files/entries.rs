//! The entries one by one: what each declares, and what it says besides its fields.

use serde::Deserialize;

use super::defaults::merged;
use super::{Found, Loader};
use crate::desired::checks::Entry;
use crate::desired::de::{self, Context, Pairs};
use crate::desired::problem::accepted;
use crate::desired::tree::{Cut, NodeId, Shape};
use crate::desired::{Declared, Meta, quoted};
use crate::resource::{Above, Finding, Kind, Spec};

/// What every entry may say besides its fields.
pub(super) const META_KEYS: &[&str] = &["policy", "ignore", "prevent_delete"];

/// What every entry may say besides its fields, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMeta {
    policy: Option<ObjectPolicy>,
    ignore: Option<Vec<String>>,
    prevent_delete: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ObjectPolicy {
    Observe,
}

impl Loader {
    pub(super) fn entries(&mut self, defaults: &[(Kind, NodeId)]) -> (Vec<Declared>, Vec<Entry>) {
        let mut declared = Vec::with_capacity(self.found.len());
        let mut entries = Vec::with_capacity(self.found.len());
        for Found { kind, node, above } in std::mem::take(&mut self.found) {
            let defaults = defaults.iter().find(|(of, _)| *of == kind).map(|(_, node)| *node);
            let entry = Entry { node, defaults, above };
            if let Some(object) = self.entry(kind, entry) {
                declared.push(object);
                entries.push(entry);
            }
        }
        (declared, entries)
    }

    fn entry(&mut self, kind: Kind, entry: Entry) -> Option<Declared> {
        let node = entry.node;
        if self.tree.shape(node) != Shape::Map {
            let known: Vec<&str> = kind.fields().iter().map(|field| field.name).collect();
            let message = format!("expected an entry of {} (key: value)", kind.section_path());
            self.report.error(&self.tree, node, message, Some(accepted("", &known)));
            return None;
        }
        let said_above: Vec<&'static str> = kind.above().map(Above::field).into_iter().collect();
        self.refuse_said_above(node, &said_above);
        let above = kind.above().map(Above::field).zip(entry.above);
        let context = Context { also: META_KEYS, except: &said_above, partial: false };
        let spec = de::read(&mut self.tree, &mut self.report, node, &context, |tree| {
            kind.deserialize(Pairs { tree, node, all: merged(tree, entry, is_field), above })
        });
        let meta = self.meta(kind, node, entry.defaults);
        let mut spec = spec?;
        self.findings(&mut spec, entry);
        Some(Declared { spec, meta, place: self.tree.place(node) })
    }

    /// What stands above an entry says these, not the entry.
    fn refuse_said_above(&mut self, node: NodeId, fields: &[&'static str]) {
        let keys = self.tree.pairs(node).map(|(key, _)| key);
        let said: Vec<NodeId> = keys.filter(|key| fields.contains(&self.tree.text(*key))).collect();
        for key in said {
            let message = format!("unknown key {}", quoted(self.tree.text(key)));
            let hint = "remove it: what the entry stands in says it".to_owned();
            self.report.error(&self.tree, key, message, Some(hint));
            self.tree.cut(key, Cut::Wrong { meant: None });
        }
    }

    fn findings(&mut self, spec: &mut Spec, entry: Entry) {
        let mut findings = Vec::new();
        spec.check(&mut |finding| findings.push(finding));
        if findings.is_empty() {
            return;
        }
        let tree = &self.tree;
        let (fields, spellings) = (spec.kind().fields(), spec.kind().spellings());
        let reported: Vec<&str> = std::iter::once(entry.node)
            .chain(entry.defaults)
            .flat_map(|map| tree.reported_keys(map))
            .filter(|key| spellings.contains(key) || fields.iter().any(|field| field.name == *key))
            .collect();
        for Finding { severity, field, message, hint } in findings {
            // What is missing, or does not go together, may be so because its part was refused.
            let follows = reported.contains(&field) || (field.is_empty() && !reported.is_empty());
            if !follows {
                let at = entry.field(tree, field).unwrap_or(entry.node);
                self.report.report(severity, tree, at, message, hint);
            }
        }
    }

    /// What a map says besides its fields, and where it says nothing, what its defaults do.
    pub(super) fn meta(&mut self, kind: Kind, node: NodeId, defaults: Option<NodeId>) -> Meta {
        let entry = Entry { node, defaults, above: None };
        if merged(&self.tree, entry, is_meta).is_empty() {
            return Meta::default();
        }
        let raw = de::read(&mut self.tree, &mut self.report, node, &Context::default(), |tree| {
            RawMeta::deserialize(Pairs { tree, node, all: merged(tree, entry, is_meta), above: None })
        });
        let RawMeta { policy, ignore, prevent_delete } = raw.unwrap_or_default();
        let ignore = ignore.unwrap_or_default();
        if let Some(list) = self.tree.get(node, "ignore") {
            let items: Vec<NodeId> = self.tree.items(list).collect();
            for (name, at) in ignore.iter().zip(items) {
                self.check_ignored(kind, name, at);
            }
        }
        Meta {
            observe: policy.is_some_and(|ObjectPolicy::Observe| true),
            ignore,
            prevent_delete: prevent_delete.unwrap_or(false),
        }
    }

    fn check_ignored(&mut self, kind: Kind, name: &str, at: NodeId) {
        let known: Vec<&str> =
            kind.fields().iter().filter(|field| !field.identifies).map(|field| field.name).collect();
        if known.contains(&name) {
            return;
        }
        let message = if kind.identifying().any(|identifying| identifying == name) {
            format!("`{name}` cannot be ignored: it tells objects apart")
        } else {
            format!("{} is no field of {kind}", quoted(name))
        };
        self.report.error(&self.tree, at, message, Some(accepted(name, &known)));
    }
}

fn is_meta(key: &str) -> bool {
    META_KEYS.contains(&key)
}

pub(super) fn is_field(key: &str) -> bool {
    !is_meta(key)
}
