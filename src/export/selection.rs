//! Which objects are exported, and which of them can be.

use std::collections::BTreeSet;

use crate::resource::{Address, ConnectorsApi, Kind, LiveObject, Wanted};

/// Which objects are exported.
#[derive(Debug, Default, Clone)]
pub struct Selection {
    /// Those of these kinds; empty for all.
    pub kinds: BTreeSet<Kind>,
    /// These alone; empty for all.
    pub targets: BTreeSet<Address>,
}

impl Selection {
    pub(super) fn kinds(&self) -> BTreeSet<Kind> {
        if !self.targets.is_empty() {
            return self.targets.iter().map(|target| target.kind).collect();
        }
        if self.kinds.is_empty() { Kind::ALL.iter().copied().collect() } else { self.kinds.clone() }
    }

    /// Of the kinds and objects that are asked for by name, one that cannot be had through this API.
    #[must_use]
    pub fn not_had(&self, api: ConnectorsApi) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|&kind| self.names(kind) && !api.has(kind))
    }

    /// Whether objects of the kind are asked for by name.
    #[must_use]
    pub fn names(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind) || self.targets.iter().any(|target| target.kind == kind)
    }

    /// The kinds to read: those of the objects, and those that these name.
    #[must_use]
    pub fn kinds_to_read(&self, api: ConnectorsApi) -> Vec<Kind> {
        let kinds = self.kinds();
        let named: BTreeSet<Kind> = kinds.iter().flat_map(|kind| kind.refers_to()).copied().collect();
        let can_be = |kind: &Kind| api.has(*kind) && kind.wanted() == Wanted::Present;
        kinds.union(&named).copied().filter(can_be).collect()
    }

    pub(super) fn takes(&self, address: &Address, object: &LiveObject) -> bool {
        let by_name = || Address::new(address.kind, object.spec.address_name());
        self.targets.is_empty() || self.targets.contains(address) || self.targets.contains(&by_name())
    }
}

/// Why no object of the kind can be exported, if so.
pub(super) fn why_not(kind: Kind) -> Option<&'static str> {
    match kind.wanted() {
        Wanted::Absent => Some("of such an object the file can say only that it is to be gone"),
        Wanted::Present if !kind.is_listed() => {
            Some("the platform does not tell what there is; declare it by hand")
        }
        Wanted::Present => None,
    }
}
