//! What keeps failing is tried less and less often: the platform has said no to this very request, and will again
//! until the file or the live value moves.

use jiff::Timestamp;

use super::Known;
use super::model::{Held, Plan};

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
