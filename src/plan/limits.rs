//! What a plan may do at most. A plan over a limit is blocked whole.

use std::fmt;

use super::Policy;
use super::change::Action;
use super::model::{Blocked, Plan};
use crate::resource::Kind;

/// Listings smaller than this are not held to a percentage.
const COUNTED_FROM: usize = 10;

/// The limit of a file that names nothing: prune deletes nothing then.
const EMPTY: &str = "empty";

/// A plan that may be applied: within the limits. The only thing that apply accepts.
#[derive(Debug)]
pub struct ApprovedPlan<'a>(&'a Plan);

/// Why a plan may not be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub Blocked);

/// The limit and what the plan wants, in words.
impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Blocked { limit, allowed, wanted, kind, hint: _ } = self;
        let plural = if *wanted == 1 { "" } else { "s" };
        f.write_str("blocked: the plan wants ")?;
        match kind {
            // Of all kinds together it is deletes that are limited, of one kind all changes.
            Some(kind) => write!(f, "{wanted} change{plural} of {kind}")?,
            None => write!(f, "{wanted} delete{plural}")?,
        }
        match *limit {
            EMPTY => f.write_str(", and the file names no object")?,
            limit => write!(f, ", {limit} allows {allowed}")?,
        }
        f.write_str("; nothing is applied")
    }
}

impl ApprovedPlan<'_> {
    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        self.0
    }
}

/// Lets a plan that is within the limits pass.
pub fn approve(plan: &Plan) -> Result<ApprovedPlan<'_>, Refusal> {
    match plan.blocked.clone() {
        Some(blocked) => Err(Refusal(blocked)),
        None => Ok(ApprovedPlan(plan)),
    }
}

/// The first limit that the plan is over.
pub(super) fn check(plan: &Plan, nothing_desired: bool, policy: &Policy) -> Option<Blocked> {
    let wanted = plan.applicable().filter(|change| change.deletes()).count();
    if nothing_desired && wanted > 0 {
        return Some(Blocked {
            limit: EMPTY,
            allowed: 0,
            wanted,
            kind: None,
            hint: "the file names no object at all, and prune would delete what is live: \
                   is it the right file?"
                .to_owned(),
        });
    }
    if wanted > policy.max_deletes {
        return Some(Blocked {
            limit: "max_deletes",
            allowed: policy.max_deletes,
            wanted,
            kind: None,
            hint: format!(
                "look at the deletes; if they are meant, say apply --allow-deletes {wanted}, or set reconcile.max_deletes"
            ),
        });
    }
    Kind::ALL.iter().find_map(|&kind| over_percentage(plan, kind, policy))
}

fn over_percentage(plan: &Plan, kind: Kind, policy: &Policy) -> Option<Blocked> {
    let live = plan.listings.get(&kind).copied().unwrap_or(0);
    if live < COUNTED_FROM {
        return None;
    }
    let wanted = plan
        .applicable()
        .filter(|change| change.address.kind == kind && change.action != Action::Create)
        .count();
    let allowed = live * policy.max_change_percent as usize / 100;
    (wanted > allowed).then(|| Blocked {
        limit: "max_change_percent",
        allowed,
        wanted,
        kind: Some(kind),
        hint: format!(
            "{wanted} of {live} live objects would change, {} % allows {allowed}; \
             if that is meant, say apply --allow-changes {}, or set reconcile.max_change_percent",
            policy.max_change_percent,
            (wanted * 100).div_ceil(live)
        ),
    })
}
