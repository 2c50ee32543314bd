//! What the listing and the entries of one kind come to: each entry is matched and compared, and each live object that
//! none of them means is judged.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Held};
use super::compare::{self, Comparison};
use super::matching::{self, Match};
use super::model::{Failed, Plan, Unverified};
use super::unidentified::Odd;
use super::{Entry, Known, Names, Policy, Warning, absent, belief, deletes, prune};
use crate::desired::{Declared, Desired};
use crate::resource::{Kind, LiveObject, Wanted};

/// What the planning of every kind looks at.
pub(super) struct Scene<'a> {
    pub(super) desired: &'a Desired,
    pub(super) known: &'a Known,
    pub(super) policy: &'a Policy,
    pub(super) names: &'a Names,
    /// The ids of the objects that the journal knows, by identity.
    pub(super) identities: &'a BTreeMap<(Kind, &'a str), &'a str>,
}

impl Scene<'_> {
    /// Plans a kind whose listing is believed.
    pub(super) fn plan_kind(
        &self,
        kind: Kind,
        entries: &[&Declared],
        listing: &[LiveObject],
        plan: &mut Plan,
    ) {
        let Scene { desired, known, policy, names, identities } = *self;
        let warned = plan.warnings.len();
        let resolved = names.resolve_entries(entries, kind, known);
        deletes::note_given(kind, &resolved, desired, plan);
        let matched = matching::match_listing(&resolved, listing, kind, known, identities);
        let addresses = matching::Addresses::new(kind, &matched);
        let shielded: BTreeSet<&str> =
            resolved.iter().filter(|entry| entry.problem.is_some()).map(|entry| entry.spec.name()).collect();
        let mut odd = Odd::new(&matched, &addresses, known, policy);
        let mut misplaced: Vec<&str> = Vec::new();
        let compared = compare_all(&matched, kind, known, policy);
        for (found, compared) in matched.iter().zip(compared) {
            match found {
                Match::Pair { entry, .. } | Match::Missing { entry, .. } | Match::Ambiguous { entry, .. }
                    if entry.problem.is_some() =>
                {
                    let error = entry.problem.as_deref().unwrap_or_default();
                    let error = format!("{error} ({})", entry.declared.place);
                    let address = Some(addresses.of_entry(entry));
                    plan.failed.push(Failed { kind, address, error, cause: None });
                }
                Match::Pair { entry, live } if live.unread.is_some() => {
                    let address = Some(addresses.of_entry(entry));
                    plan.failed.push(Failed { kind, address, error: unread(live), cause: None });
                }
                Match::Pair { .. } | Match::Missing { .. } | Match::Left { .. }
                    if kind.wanted() == Wanted::Absent =>
                {
                    absent::judge(found, &addresses, known, policy, plan);
                }
                Match::Pair { entry, .. } => {
                    if let Some(compared) = compared {
                        let identity = (kind, entry.spec.identity().unwrap_or_default());
                        let unsettled = known.unsettled.get(&identity).copied();
                        compared.into_plan(addresses.of_entry(entry), unsettled, policy, plan);
                    }
                }
                Match::Missing { entry, known_id } => {
                    let address = addresses.of_entry(entry);
                    let identity = (kind, entry.spec.identity().unwrap_or_default());
                    let until = known.unsettled.get(&identity).copied();
                    let id = known_id.as_deref();
                    let holding = if id.is_none() { odd.holding(entry, &address) } else { Vec::new() };
                    let mut change = compare::create(entry, address, id, until, &holding, policy);
                    let made = id.and_then(|id| listing.iter().find(|live| live.id == id));
                    if let Some(live) = made.filter(|live| never_in_place(live, known)) {
                        misplaced.push(live.id.as_str());
                        change.held = Some(Held::misplaced(&live.id, &addresses.of_live(live)));
                    }
                    plan.make(change);
                }
                Match::Ambiguous { entry, ids } => {
                    let (address, error) = (Some(addresses.of_entry(entry)), ambiguous(entry, ids));
                    plan.failed.push(Failed { kind, address, error, cause: None });
                }
                // An entry whose path is not known may mean this one.
                Match::Left { live } if shielded.contains(live.spec.name()) => {}
                Match::Left { live } if misplaced.contains(&live.id.as_str()) => {}
                Match::Left { live } if odd.spares(live) => odd.tell(live, plan),
                Match::Left { live } => {
                    let address = addresses.of_live(live);
                    let object = known.objects.get(&(kind, live.id.clone()));
                    let named = desired.sections.contains(&kind);
                    // One that is not there is not new: what it named may have waited for longer than a pass.
                    let waits = named && policy.new_sections_wait && !known.sections.contains(&kind);
                    let section = prune::Section { named, waits };
                    let unmanaged = plan.unmanaged.len();
                    prune::judge(live, address, object, section, policy, plan);
                    if odd.is_nameless(live) && plan.unmanaged.len() > unmanaged {
                        plan.unmanaged.truncate(unmanaged);
                        odd.tell(live, plan);
                    }
                }
            }
        }
        tell_of_secrets(&resolved, &addresses, plan);
        // By address, as all else: the order of the file tells nothing.
        plan.warnings[warned..].sort_by(|a, b| a.cmp(b));
        plan.summary.live += if kind.is_shared() {
            matched.iter().filter(|found| matches!(found, Match::Pair { .. })).count()
        } else {
            listing.len()
        };
        plan.listings.insert(kind, listing.len());
        plan.staying.insert(kind, belief::staying(kind, listing, known));
        belief::take_stock(kind, &resolved, listing, known, plan);
    }
}

/// Why an entry that several live objects could be is not planned.
fn ambiguous(entry: &Entry<'_>, ids: &[String]) -> String {
    format!(
        "{} live objects have its identity {}: ids {}; neither is touched",
        ids.len(),
        entry.spec.identity().unwrap_or_default(),
        ids.join(", ")
    )
}

/// Whether we made the object, and never saw it where it was to be.
fn never_in_place(live: &LiveObject, known: &Known) -> bool {
    let known = known.objects.get(&(live.kind(), live.id.clone()));
    known.is_some_and(|known| known.ours && &*known.base == "{}")
}

/// Why an entry is not planned whose object cannot be read whole.
fn unread(live: &LiveObject) -> String {
    let places = live.unread.as_deref().unwrap_or_default();
    format!("its object (id {}) cannot be read at {places}: it is neither compared nor changed", live.id)
}

impl Plan {
    /// Adds what is to be made, with what is to be said of that.
    fn make(&mut self, change: Change) {
        let address = &change.address;
        if change.tentative {
            let fields = change.fields.iter().map(|field| field.path.clone()).collect();
            self.unverified.push(Unverified { address: address.clone(), fields });
        }
        let told = change.after.iter().flat_map(compare::before_create);
        self.warnings.extend(told.map(|told| Warning::of(address, told)));
        self.changes.push(change);
    }
}

/// What a person should know of the secrets of a kind's entries.
fn tell_of_secrets(resolved: &[Entry<'_>], addresses: &matching::Addresses, plan: &mut Plan) {
    for entry in resolved {
        for (field, sight) in entry.secrets.into_iter().flatten() {
            let told = match &sight.digest {
                Err(why) => format!("{field} not checked: {why}"),
                Ok(_) => match &sight.advice {
                    Some(advice) => format!("{field}: {advice}"),
                    None => continue,
                },
            };
            plan.warnings.push(Warning::of(&addresses.of_entry(entry), told));
        }
    }
}

/// From this many on, comparing is worth a second thread.
const MANY: usize = 1000;

/// Compares each pair that can be compared; side by side where there are many, since none needs another.
fn compare_all<'m>(
    matched: &'m [Match<'m, 'm>],
    kind: Kind,
    known: &'m Known,
    policy: &Policy,
) -> Vec<Option<Comparison<'m>>> {
    let compare = |found: &'m Match<'m, 'm>| match found {
        Match::Pair { entry, live }
            if entry.problem.is_none() && live.unread.is_none() && kind.wanted() == Wanted::Present =>
        {
            let key = (kind, live.id.clone());
            let refused = known.refused.get(&key).map_or(&[][..], Vec::as_slice);
            Some(Comparison::new(entry, live, known.objects.get(&key), refused, policy.rewrite))
        }
        Match::Pair { .. } | Match::Missing { .. } | Match::Ambiguous { .. } | Match::Left { .. } => None,
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if matched.len() < MANY || threads == 1 {
        return matched.iter().map(compare).collect();
    }
    std::thread::scope(|scope| {
        let parts: Vec<_> = matched
            .chunks(matched.len().div_ceil(threads))
            .map(|part| scope.spawn(move || part.iter().map(compare).collect::<Vec<_>>()))
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
