//! What stands where: sections, and the entries in them.

use super::{Found, Loader, MAIN_KEYS, MainNodes};
use crate::desired::de::{self, At, Context};
use crate::desired::problem::accepted;
use crate::desired::tree::{NodeId, Shape};
use crate::desired::{expectations, quoted, reports};
use crate::resource::{Above, Kind};

impl Loader {
    /// Sorts what stands under `prefix` into sections. `main` is `None` in an included file.
    pub(super) fn walk(&mut self, map: NodeId, prefix: &str, mut main: Option<&mut MainNodes>) {
        let pairs: Vec<_> = self.tree.pairs(map).collect();
        for (key, value) in pairs {
            let name = self.tree.text(key).to_owned();
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            let slot = main.as_deref_mut().and_then(|main| main.slot(&path));
            if let Some(slot) = slot {
                *slot = Some(value).filter(|value| !self.tree.is_null(*value));
            } else if let Some(kind) = Kind::ALL.iter().copied().find(|kind| kind.section_path() == path) {
                self.entries_of(kind, value);
            } else if Kind::ALL.iter().any(|kind| kind.section_path().starts_with(&format!("{path}."))) {
                self.group(&path, value);
            } else if path == reports::SECTION {
                let entries = self.plain_entries(value, reports::SECTION);
                self.ordered.extend(entries);
            } else if path == expectations::SECTION {
                let entries = self.plain_entries(value, expectations::SECTION);
                self.expected.extend(entries);
            } else {
                self.refuse_key(key, prefix, main.is_some());
            }
        }
    }

    /// A section of sections, as `connectors`.
    fn group(&mut self, path: &str, value: NodeId) {
        match self.tree.shape(value) {
            Shape::Map => self.walk(value, path, None),
            Shape::Plain | Shape::Quoted | Shape::List if !self.tree.is_null(value) => {
                let message = format!("{path} holds sections, not values of its own");
                self.report.error(&self.tree, value, message, Some(accepted("", &keys_under(path))));
            }
            Shape::Plain | Shape::Quoted | Shape::List => {}
        }
    }

    fn refuse_key(&mut self, key: NodeId, prefix: &str, is_main: bool) {
        let name = self.tree.text(key);
        let (message, hint) = if prefix.is_empty() && !is_main && MAIN_KEYS.contains(&name) {
            let hint = format!("move it there; an included file holds {}", top_keys(false).join(", "));
            (format!("`{name}` belongs in the main file"), hint)
        } else {
            let known = if prefix.is_empty() { top_keys(is_main) } else { keys_under(prefix) };
            let place = if prefix.is_empty() { String::new() } else { format!(" in {prefix}") };
            (format!("unknown key {}{place}", quoted(name)), accepted(name, &known))
        };
        self.report.error(&self.tree, key, message, Some(hint));
    }

    fn entries_of(&mut self, kind: Kind, list: NodeId) {
        if self.tree.is_null(list) {
            return;
        }
        self.section_nodes.push((kind, list));
        if kind.is_singleton() {
            self.single_entry_of(kind, list);
            return;
        }
        if let Some(Above::Keys { field: _, keys }) = kind.above() {
            self.entries_under(kind, list, keys);
            return;
        }
        if !self.is_list(list, &kind.section_path()) {
            return;
        }
        self.sections.insert(kind);
        let items: Vec<NodeId> = self.tree.items(list).collect();
        for item in items {
            match kind.above() {
                None | Some(Above::Keys { .. }) => self.found.push(Found { kind, node: item, above: None }),
                Some(Above::Entries { field: _, list }) => self.entries_within(kind, item, list),
            }
        }
    }

    /// The entries of a section that holds no objects.
    fn plain_entries(&mut self, list: NodeId, section: &str) -> Vec<NodeId> {
        if self.tree.is_null(list) || !self.is_list(list, section) {
            return Vec::new();
        }
        self.tree.items(list).collect()
    }

    /// Whether a section is the list of entries that it should be; what else it is is reported.
    fn is_list(&mut self, list: NodeId, section: &str) -> bool {
        if self.tree.shape(list) == Shape::List {
            return true;
        }
        let message = format!("expected a list of entries in {section}");
        let hint = "start each entry with a dash: - name: …".to_owned();
        self.report.error(&self.tree, list, message, Some(hint));
        false
    }

    /// A section that is a map of lists.
    fn entries_under(&mut self, kind: Kind, map: NodeId, keys: &[&'static str]) {
        let section = kind.section_path();
        if self.tree.shape(map) != Shape::Map {
            let message = format!("{section} holds lists, not values of its own");
            self.report.error(&self.tree, map, message, Some(accepted("", keys)));
            return;
        }
        self.sections.insert(kind);
        let pairs: Vec<_> = self.tree.pairs(map).collect();
        for (key, list) in pairs {
            let name = self.tree.text(key).to_owned();
            if !keys.contains(&name.as_str()) {
                let message = format!("unknown key {} in {section}", quoted(&name));
                self.report.error(&self.tree, key, message, Some(accepted(&name, keys)));
            } else if !self.tree.is_null(list) && self.is_list(list, &format!("{section}.{name}")) {
                let entries = self.tree.items(list).map(|node| Found { kind, node, above: Some(key) });
                self.found.extend(entries);
            }
        }
    }

    /// An entry that holds those of the kind, under a key.
    fn entries_within(&mut self, kind: Kind, above: NodeId, key: &'static str) {
        let section = kind.section_path();
        if self.tree.shape(above) != Shape::Map {
            let message = format!("expected an entry of {section} (key: value)");
            self.report.error(&self.tree, above, message, Some(format!("give it {key}: [...]")));
            return;
        }
        let named = de::read(&mut self.tree, &mut self.report, above, &Context::default(), |tree| {
            kind.read_above(At { tree, node: above })
        });
        if let Some(named) = named {
            let all = self.above.entry(kind).or_default();
            if !all.contains(&named) {
                all.push(named);
            }
        }
        let Some(list) = self.tree.get(above, key).filter(|list| !self.tree.is_null(*list)) else { return };
        if !self.is_list(list, key) {
            return;
        }
        let entries = self.tree.items(list).map(|node| Found { kind, node, above: Some(above) });
        self.found.extend(entries);
    }

    /// A section that is an entry itself.
    fn single_entry_of(&mut self, kind: Kind, node: NodeId) {
        self.sections.insert(kind);
        match self.found.iter().find(|found| found.kind == kind) {
            Some(Found { node: first, .. }) => {
                let message = format!(
                    "{} stands in the files twice, first at {}",
                    kind.section_path(),
                    self.tree.place(*first)
                );
                let hint = "a subscription has one: keep one of the two".to_owned();
                self.report.error(&self.tree, node, message, Some(hint));
            }
            None => self.found.push(Found { kind, node, above: None }),
        }
    }
}

/// The first parts of the sections of all kinds, in order.
pub(super) fn keys_under(prefix: &str) -> Vec<&'static str> {
    let depth = if prefix.is_empty() { 0 } else { prefix.split('.').count() };
    let mut keys = Vec::new();
    for kind in Kind::ALL {
        let section = kind.section();
        if section.len() > depth && section[..depth].join(".") == prefix && !keys.contains(&section[depth]) {
            keys.push(section[depth]);
        }
    }
    keys
}

pub(in crate::desired) fn top_keys(is_main: bool) -> Vec<&'static str> {
    let main: &[&str] = if is_main { &MAIN_KEYS } else { &[] };
    main.iter().copied().chain(keys_under("")).chain([reports::SECTION, expectations::SECTION]).collect()
}
