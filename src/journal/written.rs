//! What our writes did: what was made, what was found there, what fields that are not read back hold, what the
//! platform did not take, and what is still to be looked for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use serde_json::{Map, Value};

use super::{Journal, JournalError};
use crate::plan::FieldChange;
use crate::resource::Kind;

impl Journal {
    /// Remembers a create whose answer was lost: it is not sent again until it was looked for long enough.
    pub fn unsettled(&mut self, kind: Kind, identity: &str, now: Timestamp) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute(
                "insert or replace into unsettled (subscription, kind, identity, since) values (?1, ?2, ?3, ?4)",
                params![of, kind.word(), identity, now.as_second()],
            )?;
            Ok(())
        })
    }

    /// Remembers that we made an object, and whether it bears our mark.
    pub fn made(&mut self, kind: Kind, id: &str, identity: &str, marked: bool) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute(
                "insert into object (subscription, kind, id, identity, ours, marked) values (?1, ?2, ?3, ?4, 1, ?5)
                 on conflict (subscription, kind, id) do update set ours = 1, marked = excluded.marked",
                params![of, kind.word(), id, identity, marked],
            )?;
            Ok(())
        })
    }

    /// Whether anything is remembered.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.db.is_some()
    }

    /// Whether it is remembered that an object is ours.
    pub fn is_ours(&mut self, kind: Kind, id: &str) -> Result<bool, JournalError> {
        self.facts(|db, of| {
            let mut query =
                db.prepare("select ours from object where subscription = ?1 and kind = ?2 and id = ?3")?;
            let ours = query.query_row(params![of, kind.word(), id], |row| row.get(0)).optional()?;
            Ok(ours.unwrap_or(false))
        })
    }

    /// Remembers that an object is not ours any more.
    pub fn disowned(&mut self, kind: Kind, id: &str) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute(
                "update object set ours = 0, marked = 0, protected = 0 where subscription = ?1 and kind = ?2 and id = ?3",
                params![of, kind.word(), id],
            )?;
            Ok(())
        })
    }

    /// Remembers that an object that we were to make was there already.
    pub fn found(&mut self, kind: Kind, id: &str, identity: &str) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute(
                "insert into object (subscription, kind, id, identity) values (?1, ?2, ?3, ?4) on conflict (subscription, kind, id) do nothing",
                params![of, kind.word(), id, identity],
            )?;
            Ok(())
        })?;
        self.settled(kind, identity)
    }

    /// Remembers what went to fields of an object that are not read back.
    pub fn wrote(
        &mut self,
        kind: Kind,
        id: &str,
        identity: &str,
        unreadable: &Map<String, Value>,
    ) -> Result<(), JournalError> {
        self.facts(|db, of| {
            let before: Option<String> = db
                .query_row(
                    "select written from object where subscription = ?1 and kind = ?2 and id = ?3",
                    params![of, kind.word(), id],
                    |row| row.get(0),
                )
                .optional()?;
            let mut written: Map<String, Value> =
                before.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            written.extend(unreadable.clone());
            db.execute(
                "insert into object (subscription, kind, id, identity, written) values (?1, ?2, ?3, ?4, ?5)
                 on conflict (subscription, kind, id) do update set written = excluded.written",
                params![of, kind.word(), id, identity, Value::Object(written).to_string()],
            )?;
            Ok(())
        })
    }

    /// A create was certainly not made: there is nothing to look for.
    pub fn settled(&mut self, kind: Kind, identity: &str) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute(
                "delete from unsettled where subscription = ?1 and kind = ?2 and identity = ?3",
                params![of, kind.word(), identity],
            )?;
            Ok(())
        })
    }

    /// Remembers which fields of an object the platform did not take when they were written, and in how many
    /// passes in a row; what it took this time is forgotten.
    pub fn refused(&mut self, kind: Kind, id: &str, fields: &[&FieldChange]) -> Result<(), JournalError> {
        self.facts(|db, of| {
            let transaction = db.transaction()?;
            let before: BTreeMap<String, (String, String, u32)> = transaction
                .prepare("select field, sent, got, passes from refused where subscription = ?1 and kind = ?2 and id = ?3")?
                .query_map(params![of, kind.word(), id], |row| {
                    Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)))
                })?
                .collect::<Result<_, _>>()?;
            if before.is_empty() && fields.is_empty() {
                return Ok(());
            }
            transaction.execute("delete from refused where subscription = ?1 and kind = ?2 and id = ?3", params![of, kind.word(), id])?;
            for FieldChange { path, before: got, after: sent, sensitive: _ } in fields {
                let (sent, got) = (sent.to_string(), got.to_string());
                let passes = match before.get(path) {
                    Some((earlier, same, passes)) if *earlier == sent && *same == got => passes + 1,
                    Some(_) | None => 1,
                };
                transaction.execute(
                    "insert into refused (subscription, kind, id, field, sent, got, passes) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![of, kind.word(), id, path, sent, got, passes],
                )?;
            }
            transaction.commit()?;
            Ok(())
        })
    }

    /// Forgets an object that is gone by our own doing.
    pub fn forget(&mut self, kind: Kind, id: &str) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute(
                "delete from object where subscription = ?1 and kind = ?2 and id = ?3",
                params![of, kind.word(), id],
            )?;
            Ok(())
        })
    }

    /// Remembers that an object goes by our own doing, before that is asked for: that the next listing is smaller by it
    /// is no wonder, and that a search shows it for a while is none either.
    pub fn leaves(&mut self, kind: Kind, id: &str) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute(
                "insert or ignore into leaving (subscription, kind, id) values (?1, ?2, ?3)",
                params![of, kind.word(), id],
            )?;
            Ok(())
        })
    }

    /// It does not go after all.
    pub fn stays(&mut self, kind: Kind, id: &str) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute(
                "delete from leaving where subscription = ?1 and kind = ?2 and id = ?3",
                params![of, kind.word(), id],
            )?;
            Ok(())
        })
    }
}
