//! What a plan saw, for the next one to know.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Journal, JournalError};
use crate::plan::{Observation, Plan};
use crate::resource::Kind;

impl Journal {
    /// Remembers what a plan observed: bases, the kinds that the file names, and the sizes of the listings.
    /// `sizes` are those of all listings that came, believed or not.
    pub fn observe(
        &mut self,
        plan: &Plan,
        sections: &BTreeSet<Kind>,
        sizes: &BTreeMap<Kind, usize>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.facts(|db, of| observe(db, of, plan, sections, sizes, now))
    }
}

fn observe(
    db: &mut Connection,
    of: i64,
    plan: &Plan,
    sections: &BTreeSet<Kind>,
    sizes: &BTreeMap<Kind, usize>,
    now: Timestamp,
) -> Result<(), JournalError> {
    let transaction = db.transaction()?;
    {
        let mut seen = transaction.prepare(
                "insert into object (subscription, kind, id, identity, base, protected) values (?1, ?2, ?3, ?4, ?5, ?6)
                 on conflict (subscription, kind, id) do update set
                   identity = excluded.identity, base = excluded.base, protected = excluded.protected",
            )?;
        let mut settled = transaction
            .prepare("delete from unsettled where subscription = ?1 and kind = ?2 and identity = ?3")?;
        let mut forgotten =
            transaction.prepare("delete from object where subscription = ?1 and kind = ?2 and id = ?3")?;
        let mut presence = transaction
            .prepare("update object set missing = ?4 where subscription = ?1 and kind = ?2 and id = ?3")?;
        let mut left =
            transaction.prepare("delete from leaving where subscription = ?1 and kind = ?2 and id = ?3")?;
        for observation in &plan.observed {
            match observation {
                Observation::Seen { kind, id, identity, base, protected } => {
                    seen.execute(params![of, kind.word(), id, identity, base, protected])?;
                    settled.execute(params![of, kind.word(), identity])?;
                }
                Observation::Forgotten { kind, id } => {
                    forgotten.execute(params![of, kind.word(), id])?;
                }
                Observation::Presence { kind, id, missing } => {
                    presence.execute(params![of, kind.word(), id, missing])?;
                }
                Observation::Left { kind, id } => {
                    left.execute(params![of, kind.word(), id])?;
                }
            }
        }
        let mut good = transaction.prepare(
                "insert into listing (subscription, kind, good) values (?1, ?2, ?3)
                 on conflict (subscription, kind) do update set good = excluded.good, doubted = null, doubted_since = null",
            )?;
        let mut doubted = transaction.prepare(
            "update listing set
                   doubted_since = case when doubted is ?3 then doubted_since else ?4 end,
                   doubted = ?3
                 where subscription = ?1 and kind = ?2",
        )?;
        transaction.execute("delete from section where subscription = ?1", params![of])?;
        for kind in sections {
            transaction.execute(
                "insert into section (subscription, kind) values (?1, ?2)",
                params![of, kind.word()],
            )?;
        }
        let count = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
        for (kind, &size) in sizes {
            match plan.staying.get(kind) {
                Some(&staying) => good.execute(params![of, kind.word(), count(staying)])?,
                None => doubted.execute(params![of, kind.word(), count(size), now.as_second()])?,
            };
        }
    }
    transaction.commit()?;
    Ok(())
}
