//! Which live object an entry of the file means: by cloud identity, exactly; else by the journal's id; else by
//! a weaker identity that is unique among the unmatched of both sides.

use std::collections::{BTreeMap, HashMap};

use super::{Entry, Known};
use crate::resource::{Access, Address, Kind, LiveObject, Spec};

/// What was found for an entry, or for a live object that no entry means.
#[derive(Debug)]
pub(super) enum Match<'e, 'a> {
    /// The two belong together.
    Pair {
        /// The entry.
        entry: &'e Entry<'a>,
        /// The live object.
        live: &'a LiveObject,
    },
    /// Not live. The journal may know an id under which it once was.
    Missing {
        /// The entry.
        entry: &'e Entry<'a>,
        /// The id under which it was last seen.
        known_id: Option<String>,
    },
    /// Several live objects have its identity.
    Ambiguous {
        /// The entry.
        entry: &'e Entry<'a>,
        /// Their ids.
        ids: Vec<String>,
    },
    /// Live, and no entry means it.
    Left {
        /// The live object.
        live: &'a LiveObject,
    },
}

/// Matches the entries of a kind with its listing. Every entry and every live object comes out exactly once
/// (of an ambiguous entry's live objects: the ids alone).
pub(super) fn match_listing<'e, 'a>(
    entries: &'e [Entry<'a>],
    listing: &'a [LiveObject],
    kind: Kind,
    known: &Known,
    identities: &BTreeMap<(Kind, &str), &str>,
) -> Vec<Match<'e, 'a>> {
    let mut by_identity: HashMap<String, Vec<usize>> = HashMap::with_capacity(listing.len());
    let mut by_id: HashMap<&str, usize> = HashMap::with_capacity(listing.len());
    for (at, object) in listing.iter().enumerate() {
        by_id.insert(&object.id, at);
        if let Some(identity) = object.spec.identity() {
            by_identity.entry(identity).or_default().push(at);
        }
    }
    let mut taken = vec![false; listing.len()];
    let mut matched = Vec::with_capacity(listing.len());
    let mut missing = Vec::new();

    for entry in entries {
        let identity = entry.spec.identity().unwrap_or_default();
        match by_identity.get(&identity).map(Vec::as_slice) {
            Some(&[at]) => {
                taken[at] = true;
                matched.push(Match::Pair { entry, live: &listing[at] });
            }
            Some(several) => {
                for &at in several {
                    taken[at] = true;
                }
                let ids = several.iter().map(|&at| listing[at].id.clone()).collect();
                matched.push(Match::Ambiguous { entry, ids });
            }
            None => missing.push((entry, known.id_of(kind, identities, &identity))),
        }
    }
    missing.retain(|(entry, known_id)| {
        let id = known_id.as_deref().filter(|_| !kind.is_its_name());
        let at = id.and_then(|id| by_id.get(id)).copied().filter(|&at| !taken[at]);
        if let Some(at) = at {
            taken[at] = true;
            matched.push(Match::Pair { entry, live: &listing[at] });
        }
        at.is_none()
    });

    let weak = |specs: &mut dyn Iterator<Item = (usize, Option<String>)>| {
        let mut unique: HashMap<String, Option<usize>> = HashMap::new();
        for (at, identity) in specs {
            if let Some(identity) = identity {
                unique.entry(identity).and_modify(|seen| *seen = None).or_insert(Some(at));
            }
        }
        unique
    };
    if !missing.is_empty() {
        // Where another name is another object, a weaker identity alone would let an object of somebody else's be deleted
        // for one of another name. Only what we made, as the journal has it, may be an entry's former self, and only of
        // an entry that it knows no object of.
        // Likewise where nobody can see what there is.
        let is_updated =
            kind.is_listed() && kind.field("name").is_none_or(|name| name.access != Access::Fixed);
        let is_ours =
            |live: &LiveObject| known.objects.get(&(kind, live.id.clone())).is_some_and(|known| known.ours);
        let left = weak(
            &mut (0..listing.len())
                .filter(|&at| !taken[at] && listing[at].unread.is_none())
                .filter(|&at| is_updated || is_ours(&listing[at]))
                .map(|at| (at, listing[at].suggested_identity())),
        );
        let wanted = weak(&mut missing.iter().enumerate().map(|(at, (entry, known_id))| {
            (at, entry.spec.weak_identity().filter(|_| is_updated || known_id.is_none()))
        }));
        for (at, (entry, known_id)) in missing.into_iter().enumerate() {
            let partner = entry
                .spec
                .weak_identity()
                .filter(|identity| wanted.get(identity) == Some(&Some(at)))
                .and_then(|identity| left.get(&identity).copied().flatten());
            match partner {
                Some(live) => {
                    taken[live] = true;
                    matched.push(Match::Pair { entry, live: &listing[live] });
                }
                None => matched.push(Match::Missing { entry, known_id }),
            }
        }
    }
    for (at, live) in listing.iter().enumerate() {
        if !taken[at] {
            matched.push(Match::Left { live });
        }
    }
    matched
}

/// The addresses of a kind's objects. A name that is used twice gets the identity behind it.
pub(super) struct Addresses {
    kind: Kind,
    declared: BTreeMap<String, usize>,
    live: BTreeMap<String, usize>,
}

impl Addresses {
    pub(super) fn new(kind: Kind, matched: &[Match<'_, '_>]) -> Addresses {
        let mut declared = BTreeMap::new();
        let mut live = BTreeMap::new();
        for found in matched {
            match found {
                Match::Pair { entry, .. } | Match::Missing { entry, .. } | Match::Ambiguous { entry, .. } => {
                    *declared.entry(entry.spec.address_name()).or_insert(0) += 1;
                }
                Match::Left { live: object } => {
                    *live.entry(object.spec.address_name()).or_insert(0) += 1;
                }
            }
        }
        Addresses { kind, declared, live }
    }

    /// Declared objects keep their plain name unless the file itself uses it twice.
    pub(super) fn of_entry(&self, entry: &Entry<'_>) -> Address {
        self.address(&entry.spec, self.declared.get(&entry.spec.address_name()).copied().unwrap_or(0) > 1, "")
    }

    pub(super) fn of_live(&self, live: &LiveObject) -> Address {
        let name = live.spec.address_name();
        let seen =
            self.declared.get(&name).copied().unwrap_or(0) + self.live.get(&name).copied().unwrap_or(0);
        self.address(&live.spec, seen > 1, &live.id)
    }

    fn address(&self, spec: &Spec, repeated: bool, id: &str) -> Address {
        let name = spec.address_name();
        if !repeated {
            return Address::new(self.kind, name);
        }
        let identity = spec.identity().unwrap_or_else(|| id.to_owned());
        Address::new(self.kind, format!("{name}#{identity}"))
    }
}
