//! Which live object an address means: the one at which a plan shows that address. So a declared name means the live
//! object of its identity, whatever name the platform has for that; and where this leaves no doubt, an object's own
//! name, and `NAME#IDENTITY`, mean it too.

use std::collections::BTreeMap;

use super::Names;
use crate::desired::{Declared, Desired, nearest};
use crate::plan::matching::{Addresses, Match, match_listing};
use crate::plan::{Entry, Known, LiveState};
use crate::resource::{Address, Kind, LiveObject};

/// The live object that an address means.
#[derive(Debug, Clone)]
pub struct Located<'a> {
    /// Its address in a plan.
    pub address: Address,
    /// The platform's id.
    pub id: String,
    /// The object; `None` where the platform cannot be asked for it and the journal does not know it.
    pub live: Option<&'a LiveObject>,
    /// What the file says of it, if it does.
    pub declared: Option<&'a Declared>,
}

/// Why an address means no one live object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unlocated {
    /// Neither in the file nor live; the one that was probably meant.
    #[error("neither on the platform nor in the file{}", meant(.0.as_ref()))]
    Nowhere(Option<Address>),
    /// Several objects bear the name.
    #[error("several bear that name: {}", addresses(.0))]
    Shared(Vec<Address>),
    /// It is yet to be made.
    #[error("in {0}, not live yet")]
    NotLive(String),
    /// Several live objects have its identity.
    #[error("several live objects have its identity: ids {}", .0.join(", "))]
    Ambiguous(Vec<String>),
    /// The kind's objects could not be read.
    #[error("{0}")]
    Unread(String),
}

fn meant(address: Option<&Address>) -> String {
    address.map(|address| format!("; did you mean {address}?")).unwrap_or_default()
}

fn addresses(all: &[Address]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Finds what each address means.
#[must_use]
pub fn locate<'a>(
    wanted: &[Address],
    desired: &'a Desired,
    live: &'a LiveState,
    known: &'a Known,
) -> Vec<Result<Located<'a>, Unlocated>> {
    let names = Names::new(&desired.declared, live);
    let mut by_kind: BTreeMap<Kind, Result<Vec<Row<'a>>, Unlocated>> = BTreeMap::new();
    for Address { kind, name: _ } in wanted {
        by_kind.entry(*kind).or_insert_with(|| rows(*kind, &names, desired, live, known));
    }
    let find = |address: &Address| match &by_kind[&address.kind] {
        Ok(rows) => find(address, rows),
        Err(error) => Err(error.clone()),
    };
    wanted.iter().map(find).collect()
}

/// Every live object that the file names, kind by kind. Kinds that could not be read are left out, and told.
#[must_use]
pub fn locate_declared<'a>(
    desired: &'a Desired,
    live: &'a LiveState,
    known: &'a Known,
) -> (Vec<Located<'a>>, Vec<(Kind, Unlocated)>) {
    let names = Names::new(&desired.declared, live);
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for &kind in live.kinds().keys() {
        match rows(kind, &names, desired, live, known) {
            Ok(rows) => {
                let located = rows.into_iter().filter_map(|row| row.found.ok());
                found.extend(located.filter(|located| located.declared.is_some()));
            }
            Err(error) => unread.push((kind, error)),
        }
    }
    (found, unread)
}

/// All that there is of a kind, live or in the file.
fn rows<'a>(
    kind: Kind,
    names: &Names,
    desired: &'a Desired,
    live: &'a LiveState,
    known: &'a Known,
) -> Result<Vec<Row<'a>>, Unlocated> {
    let listing = match live.kinds().get(&kind) {
        Some(Ok(listing)) => listing,
        Some(Err(error)) => return Err(Unlocated::Unread(error.to_string())),
        None => return Err(Unlocated::Unread("they were not asked for".to_owned())),
    };
    let entries: Vec<&Declared> = desired.declared.iter().filter(|entry| entry.spec.kind() == kind).collect();
    let entries = names.resolve_entries(&entries, kind, known);
    let matched = match_listing(&entries, listing, kind, known, &known.identities());
    let addresses = Addresses::new(kind, &matched);
    Ok(matched.iter().map(|found| Row::new(found, &addresses)).collect())
}

/// A live object, an entry of the file, or both, and all that it can be called.
struct Row<'a> {
    address: Address,
    names: Vec<String>,
    found: Result<Located<'a>, Unlocated>,
}

impl<'a> Row<'a> {
    fn new(found: &Match<'_, 'a>, addresses: &Addresses) -> Row<'a> {
        let of_entry = |entry: &Entry<'_>| {
            let name = entry.spec.address_name();
            let long = entry.spec.identity().map(|identity| format!("{name}#{identity}"));
            [Some(name), long].into_iter().flatten().collect::<Vec<_>>()
        };
        let of_live = |live: &LiveObject| {
            let name = live.spec.address_name();
            let identity = live.spec.identity().unwrap_or_else(|| live.id.clone());
            vec![format!("{name}#{identity}"), name, format!("#{}", live.id)]
        };
        let here = |address: &Address, live: &'a LiveObject, declared| match &live.unread {
            None => Ok(Located { address: address.clone(), id: live.id.clone(), live: Some(live), declared }),
            Some(places) => Err(Unlocated::Unread(format!("its answer cannot be read at {places}"))),
        };
        match found {
            Match::Pair { entry, live } => {
                let address = addresses.of_entry(entry);
                let names = [of_entry(entry), of_live(live)].concat();
                Row { found: here(&address, live, Some(entry.declared)), address, names }
            }
            Match::Left { live } => {
                let address = addresses.of_live(live);
                Row { found: here(&address, live, None), address, names: of_live(live) }
            }
            Match::Missing { entry, known_id: _ } => {
                let address = addresses.of_entry(entry);
                // What cannot be listed has its identity for an id, and may well be there.
                let untold = entry.spec.identity().filter(|_| !address.kind.is_listed());
                let found = match untold {
                    Some(id) => {
                        let declared = Some(entry.declared);
                        Ok(Located { address: address.clone(), id, live: None, declared })
                    }
                    None => Err(Unlocated::NotLive(entry.declared.place.to_string())),
                };
                Row { found, address, names: of_entry(entry) }
            }
            Match::Ambiguous { entry, ids } => Row {
                address: addresses.of_entry(entry),
                names: of_entry(entry),
                found: Err(Unlocated::Ambiguous(ids.clone())),
            },
        }
    }
}

fn find<'a>(address: &Address, rows: &[Row<'a>]) -> Result<Located<'a>, Unlocated> {
    if let Some(row) = rows.iter().find(|row| row.address == *address) {
        return row.found.clone();
    }
    let called: Vec<&Row<'a>> = rows.iter().filter(|row| row.names.contains(&address.name)).collect();
    match called.as_slice() {
        [] => {
            let near = nearest(&address.name, rows.iter().map(|row| row.address.name.as_str()));
            Err(Unlocated::Nowhere(near.map(|name| Address::new(address.kind, name))))
        }
        [row] => row.found.clone(),
        several => Err(Unlocated::Shared(several.iter().map(|row| row.address.clone()).collect())),
    }
}
