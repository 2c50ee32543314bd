//! The file as it comes into being: an entry for each live object that was asked for.

use std::collections::{BTreeMap, HashMap};

use super::entry::{self, Entry};
use super::secret_names::SecretNames;
use super::selection::{Selection, why_not};
use crate::desired::Settings;
use crate::pull::Survey;
use crate::resource::{Address, Kind, LiveObject};

/// The file as it comes into being.
pub(super) struct Draft<'a> {
    pub(super) settings: &'a Settings,
    /// By kind, then by name.
    pub(super) entries: Vec<Entry>,
    /// The platform's own objects, which are not exported.
    pub(super) platforms_own: BTreeMap<(Kind, String), Vec<String>>,
    /// The kinds of which nothing can be exported, and why.
    pub(super) impossible: Vec<(Kind, &'static str)>,
    /// The kinds that could not be read, and why.
    pub(super) failed: Vec<(Kind, String)>,
    /// Those of which the platform says that it does not have them, in what words.
    pub(super) lacking: Vec<(Kind, String)>,
    pub(super) unknown_targets: Vec<Address>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(survey: &Survey, settings: &'a Settings, selection: &Selection) -> Draft<'a> {
        let (kinds, mut unknown) = (selection.kinds(), selection.targets.clone());
        let impossible = kinds.iter().filter(|kind| survey.live.listing(**kind).is_empty());
        let impossible = impossible.filter_map(|kind| Some((*kind, why_not(*kind)?)));
        let mut draft = Draft {
            settings,
            entries: Vec::new(),
            platforms_own: BTreeMap::new(),
            impossible: impossible.collect(),
            failed: Vec::new(),
            lacking: Vec::new(),
            unknown_targets: Vec::new(),
        };
        let mut listings = Vec::new();
        for (&kind, listing) in survey.live.kinds() {
            match listing {
                Err(error) if survey.lacking.contains(&kind) => draft.lacking.push((kind, error.to_string())),
                Err(error) => {
                    unknown.retain(|target| target.kind != kind);
                    draft.failed.push((kind, error.to_string()));
                }
                Ok(listing) if kinds.contains(&kind) => listings.push(listing),
                Ok(_) => {}
            }
        }
        let mut objects: Vec<(Address, &LiveObject)> =
            listings.iter().flat_map(|listing| addresses(listing).zip(listing.iter())).collect();
        objects.sort_by_cached_key(|(address, live)| (address.clone(), id_order(&live.id)));
        let mut names = SecretNames::new(settings, &objects);
        objects.retain(|(address, object)| selection.takes(address, object));
        let shared = shared_identities(listings.into_iter().flatten());
        for (address, object) in objects {
            unknown.remove(&Address::new(address.kind, object.spec.address_name()));
            unknown.remove(&address);
            draft.add(object, address, &shared, &mut names);
        }
        draft.unknown_targets = unknown.into_iter().collect();
        draft
    }

    fn add(
        &mut self,
        live: &LiveObject,
        address: Address,
        shared: &HashMap<(Kind, String), Vec<&str>>,
        names: &mut SecretNames,
    ) {
        let kind = address.kind;
        // What everybody shares and nobody may change is the platform's own.
        if let (Some(why), true) = (&live.locked, kind.is_shared()) {
            self.platforms_own.entry((kind, why.clone())).or_default().push(address.name);
            return;
        }
        let fields = kind.fields();
        let identity = live.spec.identity();
        let own = identity.as_ref().unwrap_or(&live.id);
        let mut entry =
            Entry::new(live, address, fields, &mut |address, field| names.make(address, own, field));
        if !kind.is_listed() {
            entry.withhold("the journal alone knows of it, and the platform does not tell whether it is so");
        }
        if let Some(places) = &live.unread {
            entry.withhold(format!("its answer cannot be read at {places}"));
        }
        let owner = self.settings.reconcile.owner.as_deref();
        match &live.owner {
            Some(mark) if owner == Some(mark.name.as_str()) => {
                (entry.ours, entry.prevent_delete) = (true, mark.prevent_delete);
            }
            Some(mark) => entry.withhold(format!("it bears the mark of the owner {}", mark.name)),
            None => {}
        }
        let ids = identity.and_then(|identity| Some((shared.get(&(kind, identity.clone()))?, identity)));
        if let Some((ids, identity)) = ids.filter(|(ids, _)| ids.len() > 1) {
            let (count, ids) = (ids.len(), ids.join(", "));
            entry.withhold(format!("{count} live objects have the identity {identity}: ids {ids}"));
        }
        entry.settle(fields, &|fields| entry::check(kind, fields));
        self.entries.push(entry);
    }
}

/// The addresses of a listing, as a plan gives them to what is unmanaged.
fn addresses(listing: &[LiveObject]) -> impl Iterator<Item = Address> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for object in listing {
        *seen.entry(object.spec.address_name()).or_default() += 1;
    }
    listing.iter().map(move |object| {
        let (kind, name) = (object.kind(), object.spec.address_name());
        match seen.get(&name) {
            Some(2..) => {
                let identity = object.spec.identity().unwrap_or_else(|| object.id.clone());
                Address::new(kind, format!("{name}#{identity}"))
            }
            Some(_) | None => Address::new(kind, name),
        }
    })
}

/// The ids of the live objects of each identity.
fn shared_identities<'a>(
    objects: impl Iterator<Item = &'a LiveObject>,
) -> HashMap<(Kind, String), Vec<&'a str>> {
    let mut ids: HashMap<(Kind, String), Vec<&str>> = HashMap::new();
    for object in objects {
        if let Some(identity) = object.spec.identity() {
            ids.entry((object.kind(), identity)).or_default().push(&object.id);
        }
    }
    ids
}

/// Ids that are numbers, by number.
fn id_order(id: &str) -> (usize, &str) {
    (id.len(), id)
}
