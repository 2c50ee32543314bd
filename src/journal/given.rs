//! What the files and patterns of `include` gave when they last gave something: facts of the file, whatever the platform.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::params;

use super::{Journal, JournalError};
use crate::plan::Identities;

/// The table. The main file is part of the key: several files may share a journal.
pub(super) const TABLE: &str = "
    create table given (
        main    text not null,
        pattern text not null,
        entries text not null,
        primary key (main, pattern)
    ) without rowid;
";

impl Journal {
    /// What each file or pattern gave that this main file names.
    pub fn given(&self, main: &Path) -> Result<BTreeMap<String, Identities>, JournalError> {
        let mut given = BTreeMap::new();
        let Some(db) = &self.db else { return Ok(given) };
        let mut query = db.prepare("select pattern, entries from given where main = ?1")?;
        let mut rows = query.query([main.to_string_lossy()])?;
        while let Some(row) = rows.next()? {
            let entries: Vec<(String, String)> =
                serde_json::from_str(&row.get::<_, String>(1)?).unwrap_or_default();
            // A kind of a later version is left alone.
            let entries =
                entries.into_iter().filter_map(|(kind, identity)| Some((kind.parse().ok()?, identity)));
            given.insert(row.get(0)?, entries.collect());
        }
        Ok(given)
    }

    /// Remembers it. What the main file does not name any more is forgotten.
    pub fn gave(&mut self, main: &Path, given: &BTreeMap<String, Identities>) -> Result<(), JournalError> {
        // Most passes find nothing new.
        if self.given(main)? == *given {
            return Ok(());
        }
        let Some(db) = &mut self.db else { return Ok(()) };
        let transaction = db.transaction()?;
        let main = main.to_string_lossy();
        transaction.execute("delete from given where main = ?1", [&main])?;
        for (pattern, entries) in given.iter().filter(|(_, entries)| !entries.is_empty()) {
            let entries: Vec<_> = entries.iter().map(|(kind, identity)| (kind.word(), identity)).collect();
            transaction.execute(
                "insert into given (main, pattern, entries) values (?1, ?2, ?3)",
                params![main, pattern, serde_json::json!(entries).to_string()],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }
}
