//! The course of one run, as looks at its object show it.
//!
//! Right after a run was asked for, the platform may still show how the one before it ended. So an end counts only
//! once the run has been seen under way, or the object differs from what it was before in its state or in the time of
//! its last run. Where neither shows within the lag of a [`Pace`], that is said.
//!
//! [`Pace`]: crate::pace::Pace

use std::time::Duration;

use crate::resource::Health;

/// The course of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Course {
    before: Health,
    /// Whether anything was seen of it.
    pub(super) seen: bool,
    /// When it was last looked at.
    pub(super) looked: Duration,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Well,
    WithErrors,
    Disabled,
    /// Nothing was seen of it.
    Unseen,
}

impl Course {
    pub(super) fn new(before: Health) -> Course {
        Course { before, seen: false, looked: Duration::ZERO }
    }

    pub(super) fn under_way(before: Health) -> Course {
        Course { seen: true, ..Course::new(before) }
    }

    /// Whether this can only be from after the run began.
    pub(super) fn has_moved(&self, health: &Health) -> bool {
        let synced = health.last_sync.is_some() && health.last_sync != self.before.last_sync;
        synced || health.state != self.before.state
    }

    /// The end, if this is it.
    pub(super) fn goes_on(&mut self, health: &Health, after: Duration, lag: Duration) -> Option<End> {
        self.looked = after;
        self.seen |= health.is_running() || self.has_moved(health);
        if !self.seen {
            return match (&health.last_sync, after >= lag) {
                (_, false) => None,
                (Some(_), true) => Some(End::Unseen),
                // Nothing tells this run from the one before.
                (None, true) => Course::end(health),
            };
        }
        Course::end(health)
    }

    /// A state that no document names is waited out.
    fn end(health: &Health) -> Option<End> {
        if health.is_success() {
            Some(End::Well)
        } else if health.is_unhealthy() {
            Some(End::WithErrors)
        } else {
            health.is_disabled().then_some(End::Disabled)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_mins(2);

    /// `STATE` or `STATE@TIME`, the time being that of the last run.
    fn health(text: &str) -> Health {
        let (state, synced) = text.split_once('@').map_or((text, None), |(state, at)| (state, Some(at)));
        let state = Some(state.to_owned()).filter(|state| !state.is_empty());
        Health { state, last_error: None, last_sync: synced.map(str::to_owned) }
    }

    /// Looks at these times, in seconds, show these states; the last of them is the end.
    #[track_caller]
    fn check(before: &str, looks: &[(u64, &str)], expected: Option<End>) {
        let mut course = Course::new(health(before));
        let mut end = None;
        for (at, look) in looks {
            assert_eq!(end, None, "{before}: it ended before {look}");
            end = course.goes_on(&health(look), Duration::from_secs(*at), LAG);
        }
        assert_eq!(end, expected, "{before}: {looks:?}");
    }

    #[test]
    fn an_end_counts_once_something_of_the_run_was_seen() {
        let (ok, errors) = ("FINISHED_SUCCESS@1", "FINISHED_ERRORS@1");
        for (before, looks, expected) in [
            (ok, &[(0, "QUEUED@1"), (1, "RUNNING@1"), (2, "FINISHED_SUCCESS@2")][..], Some(End::Well)),
            (ok, &[(0, "PENDING@1"), (1, "PROCESSING@1"), (2, "INCOMPLETE@1")], Some(End::WithErrors)),
            // As it was before; then over before it was seen under way.
            (ok, &[(0, ok), (1, ok), (2, "FINISHED_SUCCESS@2")], Some(End::Well)),
            (errors, &[(0, errors), (119, errors)], None),
            (errors, &[(0, errors), (1, "FINISHED_ERRORS@2")], Some(End::WithErrors)),
            (errors, &[(0, errors), (1, ok)], Some(End::Well)),
            ("", &[(0, "SUCCESS")], Some(End::Well)),
            ("ERROR", &[(0, "ERROR"), (1, "RUNNING"), (2, "ERROR")], Some(End::WithErrors)),
            // Nothing for long: where the platform tells when runs end, there was none.
            (ok, &[(0, ok), (120, ok)], Some(End::Unseen)),
            ("SUCCESS", &[(0, "SUCCESS"), (120, "SUCCESS")], Some(End::Well)),
            (ok, &[(0, "RUNNING@1"), (1, "DISABLED@1")], Some(End::Disabled)),
            (ok, &[(0, "RUNNING@1"), (600, "A_NEW_WORD@1")], None),
        ] {
            check(before, looks, expected);
        }
    }

    #[test]
    fn what_runs_already_is_followed_from_there() {
        let mut course = Course::under_way(health("RUNNING@1"));
        let mut look = |text: &str| course.goes_on(&health(text), Duration::ZERO, LAG);
        assert_eq!(look("RUNNING@1"), None);
        assert_eq!(look("FINISHED_SUCCESS@1"), Some(End::Well));
    }
}
