//! Since when the file has wanted which deletes: the daemon's memory from one pass to the next. It begins anew when the
//! daemon does, and whenever a file that was read holds something else: a delete then waits the longer.

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use crate::desired::Desired;
use crate::plan::{Change, DeleteClock, Plan};
use crate::resource::Kind;

/// Since when which deletes have been wanted.
#[derive(Debug, Default)]
pub struct Deletes {
    /// What the files held that want them.
    content: [u8; 32],
    /// When their time comes, by kind and the platform's id: measured by the clock that nobody sets, and as it is told.
    due: BTreeMap<(Kind, String), (Instant, Timestamp)>,
    /// When the first of those is due that the last plan had to wait for.
    next: Option<Instant>,
}

impl Deletes {
    /// How long the deletes have to wait that this file wants; `None` where they need not.
    pub(super) fn clock(&mut self, desired: &Desired, now: Timestamp) -> Option<DeleteClock> {
        if self.content != desired.content {
            self.content = desired.content;
            self.due.clear();
            self.next = None;
        }
        let after = desired.settings.reconcile.delete_after;
        let waits = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
        let first = now.checked_add(waits).unwrap_or(Timestamp::MAX);
        let waiting = |(due, told): &(Instant, Timestamp)| Some(*told).filter(|_| Instant::now() < *due);
        let waiting = self.due.iter().map(|(key, due)| (key.clone(), waiting(due))).collect();
        (!after.is_zero()).then_some(DeleteClock { after, first, waiting })
    }

    /// Remembers which deletes a plan wants that was made by this clock. Of a kind that could not be read nothing is known.
    pub(super) fn remember(&mut self, plan: &Plan, clock: &DeleteClock) {
        let wanted: Vec<_> =
            plan.changes.iter().filter(|change| change.deletes()).filter_map(Change::key).collect();
        self.due.retain(|key, _| wanted.contains(key) || !plan.listings.contains_key(&key.0));
        let due = Instant::now().checked_add(clock.after);
        self.next = None;
        for key in wanted {
            let Some(due) = due else { return };
            let waits = clock.waiting.get(&key) != Some(&None);
            let (due, _) = *self.due.entry(key).or_insert((due, clock.first));
            if waits {
                self.next = Some(self.next.map_or(due, |next| next.min(due)));
            }
        }
    }

    /// When the first delete is due that the last plan had to wait for: it may lie in the past by now.
    #[must_use]
    pub const fn next_due(&self) -> Option<Instant> {
        self.next
    }
}
