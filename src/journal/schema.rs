//! The journal's tables, and how an older journal becomes one of today. What it knows is kept.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::JournalError;

/// The version that this program writes: the number of steps that lead to it.
pub(super) const SCHEMA_VERSION: i64 = STEPS.len().cast_signed() as i64;

/// What makes of each version the next.
const STEPS: [&str; 4] = [FIRST, HISTORY, PRESENCE, DRIFT];

const FIRST: &str = "
    create table if not exists object (
        kind     text not null,
        id       text not null,
        identity text not null,
        base     text not null default '{}',
        written  text not null default '{}',
        ours     integer not null default 0,
        marked   integer not null default 0,
        protected integer not null default 0,
        primary key (kind, id)
    ) without rowid;
    create table if not exists listing (
        kind          text primary key,
        good          integer not null,
        doubted       integer,
        doubted_since integer
    ) without rowid;
    create table if not exists refused (
        kind   text not null,
        id     text not null,
        field  text not null,
        sent   text not null,
        got    text not null,
        passes integer not null,
        primary key (kind, id, field)
    ) without rowid;
    create table if not exists section (
        kind text primary key
    ) without rowid;
    create table if not exists unsettled (
        kind     text not null,
        identity text not null,
        since    integer not null,
        primary key (kind, identity)
    ) without rowid;
    create table if not exists drift (
        address      text primary key,
        fingerprint  text not null,
        since        integer not null,
        passes       integer not null,
        announced    text,
        announced_at integer
    ) without rowid;
";

/// What was changed and when, and what keeps failing. Times in `history` are milliseconds, elsewhere seconds.
const HISTORY: &str = "
    create table history (
        n        integer primary key autoincrement,
        at       integer not null,
        run      text not null,
        why      text not null,
        address  text not null,
        kind     text not null,
        action   text not null,
        cause    text not null,
        content  text not null,
        fields   text not null,
        identity text,
        id       text,
        outcome  text,
        error    text,
        took     integer,
        open     integer not null default 1,
        reverted integer not null default 0
    );
    create index history_address on history (address, n);
    create index history_open on history (n) where open;
    create table failing (
        address   text primary key,
        content   text not null,
        times     integer not null,
        last      text not null,
        failed_at integer not null
    ) without rowid;
";

/// Which objects a listing held last, and what we have told the platform to delete.
const PRESENCE: &str = "
    alter table object add column missing integer not null default 0;
    create table leaving (
        kind text not null,
        id   text not null,
        primary key (kind, id)
    ) without rowid;
";

/// What drifted, told again when it is over: the action that undoes it, and a JSON array of the fields.
const DRIFT: &str = "
    alter table drift add column action text not null default '';
    alter table drift add column fields text not null default '[]';
";

/// The version of the tables of a journal that is not of a later program.
pub(super) fn version(db: &Connection, path: &Path) -> Result<i64, JournalError> {
    let found: i64 = db.query_row("pragma user_version", [], |row| row.get(0))?;
    if found > SCHEMA_VERSION {
        return Err(JournalError::Newer { path: path.to_owned(), found });
    }
    Ok(found)
}

/// Whether a journal has all tables of this program.
pub(super) fn is_current(db: &Connection, path: &Path) -> Result<bool, JournalError> {
    Ok(version(db, path)? == SCHEMA_VERSION)
}

/// Makes the tables, or brings them up to date.
pub(super) fn migrate(db: &mut Connection, path: &Path) -> Result<(), JournalError> {
    if is_current(db, path)? {
        return Ok(());
    }
    // Another process may be at it: whoever comes second finds it done.
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction, path)?;
    // Journals of version 1 were given tables as the program grew: those that are not there yet are made.
    let first = if found == 1 { 0 } else { usize::try_from(found).unwrap_or(0) };
    for step in &STEPS[first..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::journal::{Journal, Query};
    use crate::resource::Kind;

    /// A journal as the first version of the program left it.
    fn of_version_1(path: &Path) {
        let db = Connection::open(path).unwrap();
        db.execute_batch(
            "create table object (kind text not null, id text not null, identity text not null,
               base text not null default '{}', written text not null default '{}', ours integer not null default 0,
               marked integer not null default 0, protected integer not null default 0, primary key (kind, id)) without rowid;
             create table drift (address text primary key, fingerprint text not null, since integer not null,
               passes integer not null, announced text, announced_at integer) without rowid;
             insert into object (kind, id, identity, base, ours) values ('aws', '7', 'arn', '{\"run_frequency\":\"4h\"}', 1);
             insert into drift values ('aws/edge', 'f', 100, 2, null, null);
             pragma user_version = 1;",
        )
        .unwrap();
    }

    #[test]
    fn a_journal_of_version_1_keeps_what_it_knows_and_gets_a_history() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        of_version_1(&path);
        // Looked at before it is brought up to date, it is not touched.
        assert!(Journal::history(&path, &Query::default()).unwrap().is_empty());
        let (journal, told) = Journal::open(&path).unwrap();
        assert_eq!(told, None);
        let known = journal.known(Duration::ZERO, Timestamp::UNIX_EPOCH).unwrap();
        let object = &known.objects[&(Kind::Aws, "7".to_owned())];
        assert!(object.ours && &*object.base == r#"{"run_frequency":"4h"}"#, "{object:?}");
        drop(journal);

        let db = Connection::open(&path).unwrap();
        let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("pragma user_version"), SCHEMA_VERSION);
        assert_eq!(count("select since from drift where address = 'aws/edge'"), 100);
        assert_eq!(count("select count(*) from history"), 0);
        assert!(Journal::history(&path, &Query::default()).unwrap().is_empty());
    }
}
