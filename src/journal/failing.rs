//! What keeps failing, so that it is tried less and less often: the daemon's matter, since a person who applies wants
//! it tried at once.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::{Journal, JournalError};
use crate::plan::{Change, Failing, Plan};
use crate::resource::Address;

/// The least and the most that is waited.
const LEAST: Duration = Duration::from_mins(1);
const MOST: Duration = Duration::from_hours(6);

/// How long the next try waits after so many failures in a row: after the first until the next pass of the interval,
/// then for twice as many passes each time, and never longer than six hours.
fn wait(times: u32, every: Option<Duration>) -> Duration {
    // An interval may be a tenth shorter than the file says, and a change fails a while after its pass began.
    let first = every.unwrap_or_default().mul_f64(0.8).max(LEAST);
    let factor = 2_u32.saturating_pow(times.saturating_sub(1));
    first.saturating_mul(factor).min(MOST)
}

impl Journal {
    /// The platform has looked at this change and refused it.
    pub fn failed(&mut self, change: &Change, error: &str, now: Timestamp) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute(
                "insert into failing (subscription, address, content, times, last, failed_at) values (?1, ?2, ?3, 1, ?4, ?5)
                 on conflict (subscription, address) do update set
                   times = case when content = excluded.content then times + 1 else 1 end,
                   content = excluded.content, last = excluded.last, failed_at = excluded.failed_at",
                params![of, change.address.to_string(), change.fingerprint(), error, now.as_second()],
            )?;
            Ok(())
        })
    }

    /// A change of the object was made: what failed before is over.
    pub fn succeeded(&mut self, address: &Address) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute(
                "delete from failing where subscription = ?1 and address = ?2",
                params![of, address.to_string()],
            )?;
            Ok(())
        })
    }

    /// Somebody asked for everything to be tried again.
    pub fn try_all_again(&mut self) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute("delete from failing where subscription = ?1", params![of])?;
            Ok(())
        })
    }

    /// What failed and is not to be tried yet, where a pass comes every so often.
    pub fn failing(
        &mut self,
        every: Option<Duration>,
        now: Timestamp,
    ) -> Result<BTreeMap<Address, Failing>, JournalError> {
        self.facts(|db, of| {
            let mut failing = BTreeMap::new();
            let mut query = db.prepare(
                "select address, content, times, last, failed_at from failing where subscription = ?1",
            )?;
            let mut rows = query.query(params![of])?;
            while let Some(row) = rows.next()? {
                // A kind of a later version is left alone.
                let Ok(address) = row.get::<_, String>(0)?.parse::<Address>() else { continue };
                let times = row.get(2)?;
                let waits = SignedDuration::try_from(wait(times, every)).unwrap_or(SignedDuration::MAX);
                let until =
                    Timestamp::from_second(row.get(4)?).ok().and_then(|at| at.checked_add(waits).ok());
                if let Some(until) = until.filter(|until| *until > now) {
                    let (content, last) = (row.get(1)?, row.get(3)?);
                    failing.insert(address, Failing { content, times, last, until });
                }
            }
            Ok(failing)
        })
    }

    /// Forgets the failures of what a plan shows to have moved: another change is not the one that failed.
    pub fn forget_moved(&mut self, plan: &Plan) -> Result<(), JournalError> {
        self.facts(|db, of| {
            let failed: Vec<(String, String)> = db
                .prepare("select address, content from failing where subscription = ?1")?
                .query_map(params![of], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            for (text, content) in failed {
                let Ok(address) = text.parse::<Address>() else { continue };
                let moved = match plan.changes.iter().find(|change| change.address == address) {
                    Some(change) => change.fingerprint() != content,
                    None => plan.looked_at(&address),
                };
                if moved {
                    db.execute(
                        "delete from failing where subscription = ?1 and address = ?2",
                        params![of, text],
                    )?;
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_in_a_row_doubles_the_passes_that_are_waited_up_to_six_hours() {
        let minutes = |times, every| wait(times, every).as_secs_f64() / 60.0;
        let quarter = Some(Duration::from_mins(15));
        // A pass may come after 13.5 minutes already; the second failure skips one pass, the third skips three.
        let waits: Vec<f64> = (1..=6).map(|times| minutes(times, quarter)).collect();
        assert_eq!(waits, [12.0, 24.0, 48.0, 96.0, 192.0, 360.0]);
        let table = [
            (None, 1, 1.0),
            (None, 4, 8.0),
            (Some(Duration::from_secs(1)), 2, 2.0),
            (quarter, u32::MAX, 360.0),
        ];
        for (every, times, expected) in table {
            assert!((minutes(times, every) - expected).abs() < 1e-9, "{every:?} {times}");
        }
    }
}
