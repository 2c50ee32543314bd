//! Which object of a kind other than tags a name means: one has the name that the file or the platform gives it,
//! and where several share it, `NAME#IDENTITY`.

use std::collections::HashMap;

use super::Unclear;
use crate::desired::Declared;
use crate::plan::{Listing, LiveState};
use crate::resource::{Kind, LiveObject};

/// The objects of one kind, live and declared, by every name.
#[derive(Debug, Default)]
pub(super) struct KindNames {
    live: LiveNames,
    /// What each declared name means: the live object that it stands for, or itself where that is yet to be made.
    declared: HashMap<String, Vec<String>>,
    /// Why the objects could not be read.
    unread: Option<String>,
}

/// The canonical names of the live objects of one kind.
#[derive(Debug, Default)]
pub(super) struct LiveNames {
    ids: HashMap<String, String>,
    names: HashMap<String, Vec<String>>,
    identities: HashMap<String, String>,
}

impl LiveNames {
    pub(super) fn new(listing: &[LiveObject]) -> LiveNames {
        let mut names = LiveNames::default();
        let mut shared: HashMap<String, usize> = HashMap::new();
        for object in listing {
            *shared.entry(object.spec.address_name()).or_default() += 1;
        }
        for object in listing {
            let name = object.spec.address_name();
            let identity = object.spec.identity();
            let canonical = match shared.get(&name) {
                Some(2..) => format!("{name}#{}", identity.as_deref().unwrap_or(&object.id)),
                Some(_) | None => name.clone(),
            };
            names.names.entry(name).or_default().push(canonical.clone());
            names.ids.insert(object.id.clone(), canonical.clone());
            if let Some(identity) = identity {
                names.identities.insert(identity, canonical);
            }
        }
        names
    }

    fn of_id(&self, id: &str) -> Option<&String> {
        self.ids.get(id)
    }

    /// Canonical names by id.
    pub(super) fn into_names(self) -> HashMap<String, String> {
        self.ids
    }
}

impl KindNames {
    pub(super) fn new(kind: Kind, declared: &[Declared], live: &LiveState) -> KindNames {
        let mut names = KindNames::default();
        match live.kinds().get(&kind) {
            Some(Ok(listing)) => names.live = LiveNames::new(listing),
            Some(Err(error)) => names.unread = Some(error.to_string()),
            None => names.unread = Some("they were not asked for".to_owned()),
        }
        for entry in declared.iter().filter(|entry| entry.spec.kind() == kind) {
            let name = entry.spec.address_name();
            let live = entry.spec.identity().and_then(|identity| names.live.identities.get(&identity));
            let canonical = live.unwrap_or(&name).clone();
            names.declared.entry(name).or_default().push(canonical);
        }
        names
    }

    /// The canonical name of what is named.
    pub(super) fn resolve(&self, name: &str) -> Result<String, Unclear> {
        if let Some(canonical) = name.strip_prefix('#').and_then(|id| self.live.of_id(id)) {
            return Ok(canonical.clone());
        }
        if let Some(error) = &self.unread {
            return Err(Unclear::Unread(error.clone()));
        }
        let means = self.declared.get(name).or_else(|| self.live.names.get(name));
        match means.map(Vec::as_slice) {
            Some([one]) => return Ok(one.clone()),
            Some(several) => return Err(Unclear::Twice(name.to_owned(), several.to_vec())),
            None => {}
        }
        if let Some((_, identity)) = name.rsplit_once('#')
            && let Some(canonical) = self.live.identities.get(identity).or_else(|| self.live.of_id(identity))
        {
            return Ok(canonical.clone());
        }
        Err(Unclear::Nowhere(name.to_owned()))
    }

    /// The live objects: canonical name and id.
    pub(super) fn live(&self) -> impl Iterator<Item = (&str, &str)> {
        self.live.ids.iter().map(|(id, name)| (name.as_str(), id.as_str()))
    }
}

/// The names of a kind's live objects, where its listing came.
pub(super) fn of_listing(listing: Option<&Listing>) -> LiveNames {
    listing
        .and_then(|listing| listing.as_ref().ok())
        .map(|listing| LiveNames::new(listing))
        .unwrap_or_default()
}
