//! What keeps failing is tried less and less often: the platform has said no to this very request, and will again
//! until the file or the live value moves.

use jiff::Timestamp;

use super::Known;
use super::change::Held;
use super::model::Plan;

/// A change that failed, again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// What was sent: see [`super::Change::fingerprint`]. Another change of the object is another matter.
    pub content: String,
    /// How often in a row.
    pub times: u32,
    /// The last error.
    pub last: String,
    /// When it may be tried again.
    pub until: Timestamp,
}

/// Holds the changes whose time has not come.
pub(super) fn hold_back(plan: &mut Plan, known: &Known) {
    if known.failing.is_empty() {
        return;
    }
    for change in plan.changes.iter_mut().filter(|change| change.applies()) {
        let Some(failing) = known.failing.get(&change.address) else { continue };
        let Failing { content, times, last, until } = failing;
        if *content != change.fingerprint() {
            continue;
        }
        let times = if *times == 1 { "once".to_owned() } else { format!("{times} times") };
        let until = until.strftime("%Y-%m-%d %H:%M:%S UTC");
        change.held = Some(Held::because(format!("failed {times}, last: {last}; tried again after {until}")));
        plan.waiting.insert(change.address.clone());
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::desired::settings::Mode;
    use crate::plan::{Action, Cause, Change, FieldChange};
    use crate::resource::{Address, Kind};

    fn change(before: &str) -> Change {
        Change {
            id: Some("7".to_owned()),
            cause: Cause::Drift,
            fields: vec![FieldChange::plain("run_frequency", before, "4h")],
            ..Change::new(Address::new(Kind::Aws, "a"), Action::Update)
        }
    }

    #[test]
    fn the_very_change_that_failed_waits_and_counts_by_its_cause() {
        let until = "2026-11-22T08:15:00Z".parse().unwrap();
        for (before, times, why) in [
            ("2h", 1, Some("failed once, last: no; tried again after 2026-11-22 08:15:00 UTC")),
            ("2h", 3, Some("failed 3 times, last: no; tried again after 2026-11-22 08:15:00 UTC")),
            // The live value has moved.
            ("8h", 3, None),
        ] {
            let content = change("2h").fingerprint();
            let failing = Failing { content, times, last: "no".to_owned(), until };
            let known = Known {
                failing: [(Address::new(Kind::Aws, "a"), failing)].into_iter().collect(),
                ..Known::default()
            };
            let mut plan = Plan::empty(Mode::Enforce);
            plan.changes.push(change(before));
            hold_back(&mut plan, &known);
            let held = plan.changes[0].held.as_ref();
            assert_eq!(held.map(|held| held.why.as_str()), why);
            assert_eq!(plan.waiting.len(), usize::from(why.is_some()));
            assert_eq!((plan.detailed_exit(), plan.is_in_sync()), (4, false));
        }
    }
}
