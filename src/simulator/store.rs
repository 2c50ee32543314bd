//! The objects, by kind and id, in plain form: the wire's field names, native values, collections as bare arrays.
//!
//! Records are shared and never changed in place, so that a page of a thousand is a thousand pointers and is written
//! out after the lock is gone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use serde_json::Value;

use super::state_file::{self, StateFile};

/// The name of a kind, e.g. `aws`.
pub(crate) type Kind = &'static str;

/// An object's fields in plain form.
pub(crate) type Object = serde_json::Map<String, Value>;

/// Where ids begin. One sequence serves all kinds, so that an id taken for another kind's is never found by luck.
const FIRST_ID: u64 = 2_000_001;

/// The fields that objects are looked up by: names, parents, cloud identities, and ids in CloudView.
const INDEXED: &[&str] = &[
    "name",
    "arn",
    "cloudviewUuid",
    "parentTagId",
    "authRecord.subscriptionId",
    "authRecord.projectId",
    "authRecord.tenantId",
];

/// A field, or with a dot in the path one member of a group.
pub(crate) fn at<'a>(object: &'a Object, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => object.get(path),
        Some((group, member)) => object.get(group)?.get(member),
    }
}

/// One object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) object: Object,
}

impl Record {
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.object.get(field)?.as_str()
    }

    pub(crate) fn flag(&self, field: &str) -> bool {
        self.object.get(field).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(crate) fn number(&self, field: &str) -> Option<u64> {
        self.object.get(field)?.as_u64()
    }
}

/// What answers need of the tags besides the object itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tags {
    names: BTreeMap<u64, Arc<str>>,
    colors: BTreeMap<u64, Arc<str>>,
    children: BTreeMap<u64, BTreeSet<u64>>,
}

impl Tags {
    pub(crate) fn name(&self, id: u64) -> Option<&str> {
        self.names.get(&id).map(AsRef::as_ref)
    }

    /// As `#RRGGBB`.
    pub(crate) fn color(&self, id: u64) -> Option<&str> {
        self.colors.get(&id).map(AsRef::as_ref)
    }

    pub(crate) fn children(&self, id: u64) -> impl DoubleEndedIterator<Item = u64> {
        self.children.get(&id).into_iter().flatten().copied()
    }
}

/// All objects, their indexes, and the lines not yet on disk.
#[derive(Debug, Default)]
pub(crate) struct Store {
    objects: BTreeMap<Kind, BTreeMap<u64, Arc<Record>>>,
    index: HashMap<(Kind, &'static str), HashMap<String, BTreeSet<u64>>>,
    tags: Arc<Tags>,
    next_id: u64,
    pending: String,
    /// What the objects changed since the last commit were before, in the order of the changes.
    before: Vec<(Kind, u64, Option<Arc<Record>>)>,
    file: Option<StateFile>,
}

impl Store {
    pub(crate) fn attach(&mut self, file: StateFile) {
        self.start_afresh();
        self.file = Some(file);
    }

    /// What there is now is what there was: nothing of it is to be written or taken back.
    pub(crate) fn start_afresh(&mut self) {
        self.pending.clear();
        self.before.clear();
    }

    /// From here on nothing reaches the file: it may be another process's by now.
    pub(crate) fn detach(&mut self) {
        self.file = None;
    }

    pub(crate) fn get(&self, kind: Kind, id: u64) -> Option<&Arc<Record>> {
        self.objects.get(kind)?.get(&id)
    }

    /// The objects of a kind from an id on, in the order of ids.
    pub(crate) fn starting_at(&self, kind: Kind, first: u64) -> impl Iterator<Item = &Arc<Record>> {
        self.objects
            .get(kind)
            .into_iter()
            .flat_map(move |objects| objects.range(first..))
            .map(|(_, record)| record)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (Kind, &Arc<Record>)> {
        self.objects.iter().flat_map(|(kind, objects)| objects.values().map(|record| (*kind, record)))
    }

    /// The objects of a kind whose indexed field has this value.
    pub(crate) fn with<'a>(
        &'a self,
        kind: Kind,
        field: &'static str,
        value: &str,
    ) -> impl Iterator<Item = &'a Arc<Record>> {
        let ids = self.index.get(&(kind, field)).and_then(|values| values.get(value));
        ids.into_iter().flatten().filter_map(move |id| self.get(kind, *id))
    }

    pub(crate) fn tags(&self) -> &Arc<Tags> {
        &self.tags
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.max(FIRST_ID)
    }

    pub(crate) fn take_id(&mut self) -> u64 {
        self.next_id = self.next_id() + 1;
        self.next_id - 1
    }

    pub(crate) fn reserve_ids_below(&mut self, next: u64) {
        self.next_id = self.next_id().max(next);
    }

    pub(crate) fn put(&mut self, kind: Kind, record: Record) -> Arc<Record> {
        let record = Arc::new(record);
        self.before.push((kind, record.id, self.get(kind, record.id).cloned()));
        self.remember(kind, record.id, Some(&record.object));
        self.insert(kind, Arc::clone(&record));
        record
    }

    pub(crate) fn remove(&mut self, kind: Kind, id: u64) {
        if let Some(record) = self.take_out(kind, id) {
            self.before.push((kind, id, Some(record)));
            self.remember(kind, id, None);
        }
    }

    /// As read from the state file: nothing to be written.
    pub(crate) fn restore(&mut self, kind: Kind, id: u64, object: Option<Object>) {
        self.reserve_ids_below(id.saturating_add(1));
        match object {
            Some(object) => self.insert(kind, Arc::new(Record { id, object })),
            None => drop(self.take_out(kind, id)),
        }
    }

    /// Puts on disk what changed since the last time. What cannot be put there has not happened.
    pub(crate) fn commit(&mut self) -> io::Result<()> {
        let written = match &mut self.file {
            Some(file) if !self.pending.is_empty() => file.append(&self.pending),
            _ => Ok(()),
        };
        if written.is_err() {
            self.roll_back();
        }
        self.start_afresh();
        written
    }

    /// Takes back what changed since the last commit. Ids that were given are not given again.
    pub(crate) fn roll_back(&mut self) {
        for (kind, id, before) in std::mem::take(&mut self.before).into_iter().rev() {
            match before {
                Some(record) => self.insert(kind, record),
                None => drop(self.take_out(kind, id)),
            }
        }
        self.pending.clear();
    }

    fn remember(&mut self, kind: Kind, id: u64, object: Option<&Object>) {
        if self.file.is_some() {
            self.pending.push_str(&state_file::line(kind, id, object));
        }
    }

    fn insert(&mut self, kind: Kind, record: Arc<Record>) {
        self.take_out(kind, record.id);
        for (field, value) in indexed(&record.object) {
            self.index.entry((kind, field)).or_default().entry(value).or_default().insert(record.id);
        }
        if kind == "tag" {
            let tags = Arc::make_mut(&mut self.tags);
            tags.names.insert(record.id, record.text("name").unwrap_or_default().into());
            if let Some(color) = record.text("color") {
                tags.colors.insert(record.id, color.into());
            }
            if let Some(parent) = record.number("parentTagId") {
                tags.children.entry(parent).or_default().insert(record.id);
            }
        }
        self.objects.entry(kind).or_default().insert(record.id, record);
    }

    fn take_out(&mut self, kind: Kind, id: u64) -> Option<Arc<Record>> {
        let record = self.objects.get_mut(kind)?.remove(&id)?;
        for (field, value) in indexed(&record.object) {
            if let Some(values) = self.index.get_mut(&(kind, field))
                && let Some(ids) = values.get_mut(&value)
            {
                ids.remove(&id);
                if ids.is_empty() {
                    values.remove(&value);
                }
            }
        }
        if kind == "tag" {
            let tags = Arc::make_mut(&mut self.tags);
            tags.names.remove(&id);
            tags.colors.remove(&id);
            if let Some(parent) = record.number("parentTagId")
                && let Some(children) = tags.children.get_mut(&parent)
            {
                children.remove(&id);
            }
        }
        Some(record)
    }
}

fn indexed(object: &Object) -> impl Iterator<Item = (&'static str, String)> {
    INDEXED.iter().filter_map(|field| match at(object, field)? {
        Value::String(text) => Some((*field, text.clone())),
        Value::Number(number) => Some((*field, number.to_string())),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tag(id: u64, name: &str) -> Record {
        let object = Object::from_iter([("name".to_owned(), json!(name))]);
        Record { id, object }
    }

    fn names(store: &Store) -> Vec<String> {
        let found = store.starting_at("tag", 0);
        found.map(|record| record.text("name").unwrap().to_owned()).collect()
    }

    #[test]
    fn what_is_taken_back_was_never_there() {
        let mut store = Store::default();
        store.put("tag", tag(1, "kept"));
        store.put("tag", tag(2, "gone"));
        store.commit().unwrap();
        store.put("tag", tag(1, "changed"));
        store.put("tag", tag(1, "changed again"));
        store.remove("tag", 2);
        store.put("tag", tag(3, "new"));
        store.roll_back();
        assert_eq!(names(&store), ["kept", "gone"]);
        assert_eq!(store.with("tag", "name", "kept").count(), 1);
        assert_eq!(store.with("tag", "name", "changed again").count(), 0);
        assert_eq!((store.tags().name(1), store.tags().name(3)), (Some("kept"), None));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_cannot_be_written_has_not_happened() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut store = Store::default();
        store.put("tag", tag(1, "kept"));
        store.attach(StateFile::of(full, 0));
        store.put("tag", tag(2, "new"));
        assert_eq!(store.commit().unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(names(&store), ["kept"]);
        store.commit().unwrap();
    }
}
