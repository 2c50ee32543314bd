//! What a plan saw, for the next one to know.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::params;

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
        let Some(db) = &mut self.db else { return Ok(()) };
        let transaction = db.transaction()?;
        {
            let mut seen = transaction.prepare(
                "insert into object (kind, id, identity, base, protected) values (?1, ?2, ?3, ?4, ?5)
                 on conflict (kind, id) do update set
                   identity = excluded.identity, base = excluded.base, protected = excluded.protected",
            )?;
            let mut settled =
                transaction.prepare("delete from unsettled where kind = ?1 and identity = ?2")?;
            let mut forgotten = transaction.prepare("delete from object where kind = ?1 and id = ?2")?;
            let mut presence =
                transaction.prepare("update object set missing = ?3 where kind = ?1 and id = ?2")?;
            let mut left = transaction.prepare("delete from leaving where kind = ?1 and id = ?2")?;
            for observation in &plan.observed {
                match observation {
                    Observation::Seen { kind, id, identity, base, protected } => {
                        seen.execute(params![kind.word(), id, identity, base, protected])?;
                        settled.execute(params![kind.word(), identity])?;
                    }
                    Observation::Forgotten { kind, id } => {
                        forgotten.execute(params![kind.word(), id])?;
                    }
                    Observation::Presence { kind, id, missing } => {
                        presence.execute(params![kind.word(), id, missing])?;
                    }
                    Observation::Left { kind, id } => {
                        left.execute(params![kind.word(), id])?;
                    }
                }
            }
            let mut good = transaction.prepare(
                "insert into listing (kind, good) values (?1, ?2)
                 on conflict (kind) do update set good = excluded.good, doubted = null, doubted_since = null",
            )?;
            let mut doubted = transaction.prepare(
                "update listing set
                   doubted_since = case when doubted is ?2 then doubted_since else ?3 end,
                   doubted = ?2
                 where kind = ?1",
            )?;
            transaction.execute("delete from section", [])?;
            for kind in sections {
                transaction.execute("insert into section (kind) values (?1)", params![kind.word()])?;
            }
            let count = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
            for (kind, &size) in sizes {
                match plan.staying.get(kind) {
                    Some(&staying) => good.execute(params![kind.word(), count(staying)])?,
                    None => doubted.execute(params![kind.word(), count(size), now.as_second()])?,
                };
            }
        }
        transaction.commit()?;
        Ok(())
    }
}
