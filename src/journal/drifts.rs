//! Since when each drift lasts, and what of it is news.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;

use super::{Journal, JournalError};
use crate::plan::{Change, Plan, Warning};

/// What became of a drift since it was last told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftNews {
    /// The object.
    pub address: String,
    /// What happened.
    pub what: DriftEvent,
    /// Since when it drifts, or drifted.
    pub since: Timestamp,
    /// The word of the action that undoes it, or would have.
    pub action: String,
    /// The fields that differ, or did.
    pub fields: Vec<String>,
}

/// What is to be told of a drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftEvent {
    /// It is new, or has lasted so long that it is told again.
    Detected,
    /// It is another one than last time.
    Changed,
    /// It is over.
    Resolved,
}

impl Journal {
    /// Writes into the plan since when each drift lasts, in how many passes it was seen, and how often we have
    /// undone the same within a day; `counts` says whether this is one more pass. Drifts that are over are kept until
    /// they are announced.
    pub fn date_drifts(&mut self, plan: &mut Plan, counts: bool, now: Timestamp) -> Result<(), JournalError> {
        self.facts(|db, of| {
            let transaction = db.transaction()?;
            for change in plan.changes.iter_mut().filter(|change| change.cause.drifted()) {
                let address = change.address.to_string();
                transaction.execute(
                    "insert into drift (subscription, address, fingerprint, since, passes, action, fields)
                 values (?1, ?2, ?3, ?4, 1, ?6, ?7)
                     on conflict (subscription, address) do update set fingerprint = excluded.fingerprint, passes = passes + ?5,
                       action = excluded.action, fields = excluded.fields",
                    params![
                        of,
                        address,
                        change.fingerprint(),
                        now.as_second(),
                        counts,
                        change.action.word(),
                        serde_json::json!(change.field_names()).to_string(),
                    ],
                )?;
                let (since, passes) = transaction.query_row(
                    "select since, passes from drift where subscription = ?1 and address = ?2",
                    params![of, address],
                    |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)),
                )?;
                change.since = Timestamp::from_second(since).ok();
                change.passes = passes;
                change.reverted = transaction.query_row(
                    "select count(*) from history where subscription = ?1 and address = ?2 and content = ?3
                   and reverted and at > ?4",
                    params![of, address, change.fingerprint(), now.as_millisecond() - A_DAY],
                    |row| row.get(0),
                )?;
                if change.reverted > 0 {
                    let times = match change.reverted {
                        1 => "once".to_owned(),
                        times => format!("{times} times"),
                    };
                    let told = format!("; reverted {times} in 24 h: somebody or something else sets it");
                    change.reason.push_str(&told);
                }
            }
            plan.warnings.extend(plan.changes.iter().filter_map(Change::fight).map(Warning::from));
            let drifted: BTreeSet<String> = drifted(plan).map(|change| change.address.to_string()).collect();
            let over: Vec<String> = {
                let mut query = transaction.prepare("select address from drift where subscription = ?1 and announced is null")?;
                query.query_map(params![of], |row| row.get(0))?.collect::<Result<_, _>>()?
            };
            for address in over.iter().filter(|address| is_over(address, &drifted, plan)) {
                transaction.execute("delete from drift where subscription = ?1 and address = ?2", params![of, address])?;
            }
            transaction.commit()?;
            Ok(())
        })
    }

    /// What of the drifts is to be told now. Telling is the daemon's: what a `plan` sees stays untold.
    pub fn announce_drifts(
        &mut self,
        plan: &Plan,
        remind_every: Duration,
        now: Timestamp,
    ) -> Result<Vec<DriftNews>, JournalError> {
        self.facts(|db, of| {
            let mut news = Vec::new();
            let transaction = db.transaction()?;
            {
                let mut told = transaction.prepare(
                    "update drift set announced = fingerprint, announced_at = ?3
                    where subscription = ?1 and address = ?2",
                )?;
                let mut over =
                    transaction.prepare("delete from drift where subscription = ?1 and address = ?2")?;
                let drifted: BTreeSet<String> =
                    drifted(plan).map(|change| change.address.to_string()).collect();
                let mut query = transaction.prepare(
                    "select address, fingerprint, since, announced, announced_at, action, fields
                     from drift where subscription = ?1 order by address",
                )?;
                let rows: Vec<DriftRow> =
                    query.query_map(params![of], DriftRow::read)?.collect::<Result<_, _>>()?;
                for DriftRow { address, fingerprint, since, announced, announced_at, action, fields } in rows
                {
                    let since = Timestamp::from_second(since).unwrap_or(now);
                    let what = if is_over(&address, &drifted, plan) {
                        over.execute(params![of, address])?;
                        DriftEvent::Resolved
                    } else if !drifted.contains(&address) {
                        continue;
                    } else {
                        let due = announced_at.is_none_or(|at| {
                            now.as_second().saturating_sub(at)
                                >= i64::try_from(remind_every.as_secs()).unwrap_or(i64::MAX)
                        });
                        let event = match announced {
                            Some(announced) if announced != fingerprint => DriftEvent::Changed,
                            None => DriftEvent::Detected,
                            Some(_) if due => DriftEvent::Detected,
                            Some(_) => continue,
                        };
                        told.execute(params![of, address, now.as_second()])?;
                        event
                    };
                    // The journal is ours, but it is a file: what cannot be read is as good as not known.
                    let fields = serde_json::from_str(&fields).unwrap_or_default();
                    news.push(DriftNews { address, what, since, action, fields });
                }
            }
            transaction.commit()?;
            Ok(news)
        })
    }
}

/// In milliseconds.
const A_DAY: i64 = 24 * 60 * 60 * 1000;

/// A drift as the journal keeps it. Times are seconds.
struct DriftRow {
    address: String,
    fingerprint: String,
    since: i64,
    /// The fingerprint that was told, and when.
    announced: Option<String>,
    announced_at: Option<i64>,
    action: String,
    /// A JSON array.
    fields: String,
}

impl DriftRow {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<DriftRow> {
        Ok(DriftRow {
            address: row.get(0)?,
            fingerprint: row.get(1)?,
            since: row.get(2)?,
            announced: row.get(3)?,
            announced_at: row.get(4)?,
            action: row.get(5)?,
            fields: row.get(6)?,
        })
    }
}

fn drifted(plan: &Plan) -> impl Iterator<Item = &Change> {
    plan.changes.iter().filter(|change| change.cause.drifted())
}

/// A drift is over when its object was looked at and does not drift.
fn is_over(address: &str, drifted: &BTreeSet<String>, plan: &Plan) -> bool {
    !drifted.contains(address) && address.parse().is_ok_and(|address| plan.looked_at(&address))
}
