//! Which Azure connectors an organization connector manages.
//!
//! The organization owns its members: it makes them, sets them up and switches them off. So a member is neither
//! updated nor deleted by itself, nor counted as unmanaged. No documented answer of the connectors' own API tells who
//! is a member; only the organization's list of members does.

use super::LiveObject;

/// How the reason begins why a member is locked.
const LOCKED: &str = "member of azure_organization/";

/// A connector that an organization connector lists as its member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The connector's id in the API that the connectors were listed by; `None` where the list of members does not
    /// tell it.
    pub id: Option<String>,
    /// The name of the organization connector.
    pub organization: String,
}

/// What is known of the members of all organization connectors.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Membership {
    /// Nobody asked.
    #[default]
    NotAsked,
    /// The lists of members of all organization connectors.
    Known {
        /// Every member.
        members: Vec<Member>,
        /// Whether the ids are another API's and only presumed to be those of the connectors' listing.
        presumed: bool,
    },
    /// The platform answers that it has no organization connectors. In its own words.
    NoModule(String),
    /// The organization connectors, or the members of one of them, could not be read.
    Unknown(String),
}

impl Membership {
    /// Nobody is a member.
    #[must_use]
    pub const fn nobody() -> Membership {
        Membership::Known { members: Vec::new(), presumed: false }
    }

    /// What a complete listing of organization connectors tells.
    #[must_use]
    pub fn told_by(organizations: &[LiveObject]) -> Membership {
        let of = |live: &LiveObject| {
            let organization = live.spec.name().to_owned();
            let member =
                move |id: &String| Member { id: Some(id.clone()), organization: organization.clone() };
            live.member_ids.iter().map(member).collect::<Vec<_>>()
        };
        Membership::Known { members: organizations.iter().flat_map(of).collect(), presumed: false }
    }

    /// Locks the listed connectors that are members, and names the organization that each belongs to.
    pub fn lock_members(&self, listing: &mut [LiveObject]) {
        let Membership::Known { members, presumed: _ } = self else { return };
        for live in listing {
            let member = members.iter().find(|member| member.id.as_ref() == Some(&live.id));
            let was_one = live.locked.as_ref().is_some_and(|why| why.starts_with(LOCKED));
            if member.is_some() || was_one {
                live.locked = member.map(|member| format!("{LOCKED}{}", member.organization));
            }
        }
    }

    /// A member that none of the listed connectors can be told to be, although it is one of them.
    #[must_use]
    pub fn unplaced(&self, listing: &[LiveObject]) -> Option<&Member> {
        match self {
            Membership::Known { members, presumed: true } => {
                members.iter().find(|member| !listing.iter().any(|live| member.id.as_ref() == Some(&live.id)))
            }
            // By an id of its own API, what is not listed is none of the listed.
            Membership::Known { members: _, presumed: false }
            | Membership::NotAsked
            | Membership::NoModule(_)
            | Membership::Unknown(_) => None,
        }
    }
}
