//! Holds what may not be done to Azure connectors while nobody can tell which of them are members of an organization
//! connector. Members that are known are locked in the live state (`LiveState::new`), and so held like whatever else the
//! platform would refuse. A plan that only creates is not concerned: what is made now is nobody's member.

use super::change::{Action, Held};
use super::{Known, LiveState, Plan, Policy, Warning, belief};
use crate::desired::Desired;
use crate::resource::{Kind, Membership};

/// Says why an Azure connector may be a member of an organization connector although none of the lists of members names
/// it; `None` where what was read excludes that.
///
/// Where the platform answers that it has no organization connectors (the gateway, which has just given us a token, has
/// no such collection), this is believed: a subscription without the module could otherwise never change an Azure
/// connector through this program. It is not believed against evidence: when the file declares organization connectors, or
/// the journal has seen one here. A missing permission (403) is no such answer: there may be organization connectors
/// that this user may not see.
#[must_use]
pub fn doubt(live: &LiveState, desired: &Desired, known: &Known, policy: &Policy) -> Option<String> {
    let organizations = Kind::AzureOrganization;
    match live.membership() {
        Membership::Known { .. } => match belief::believed(organizations, live, known, policy) {
            Err(why) => Some(format!("the organization connectors are not believed: {why}")),
            Ok(_) => live.membership().unplaced(live.listing(Kind::Azure)).map(|member| {
                format!(
                    "azure_organization/{} has a member that no listed connector can be told to be",
                    member.organization
                )
            }),
        },
        Membership::NoModule(why) => {
            let seen = known.listings.get(&organizations).is_some_and(|listing| listing.good > 0)
                || known.objects.keys().any(|(kind, _)| *kind == organizations);
            let declared = desired.sections.contains(&organizations);
            match (declared, seen) {
                (false, false) => None,
                (true, _) => {
                    Some(format!("the file declares organization connectors, and the platform: {why}"))
                }
                (false, true) => {
                    Some(format!("there were organization connectors, and now the platform: {why}"))
                }
            }
        }
        Membership::Unknown(why) => Some(why.clone()),
        Membership::NotAsked => Some("the organization connectors were not read".to_owned()),
    }
}

/// Holds the updates, replaces and deletes of Azure connectors, any of which may be a member.
pub(super) fn hold_back(
    plan: &mut Plan,
    live: &LiveState,
    desired: &Desired,
    known: &Known,
    policy: &Policy,
) {
    if live.listing(Kind::Azure).is_empty() {
        return;
    }
    let changes = |change: &&mut super::Change| {
        change.address.kind == Kind::Azure && change.action != Action::Create && change.applies()
    };
    let mut concerned = plan.changes.iter_mut().filter(changes).peekable();
    match doubt(live, desired, known, policy) {
        Some(why) => {
            for change in concerned {
                change.held =
                    Some(Held::because(format!("it may be a member of an organization connector: {why}")));
            }
        }
        None => {
            if let (Membership::NoModule(why), true) = (live.membership(), concerned.peek().is_some()) {
                plan.warnings.push(Warning::from(format!(
                    "azure: the platform has no organization connectors, so no connector is held as a member of one: {why}"
                )));
            }
        }
    }
}
