//! The journal's tables, and how an older journal becomes one of today. What it knows is kept.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::JournalError;

/// The version that this program writes: the number of steps that lead to it.
pub(super) const SCHEMA_VERSION: i64 = STEPS.len().cast_signed() as i64;

/// The version from which on facts say whose they are.
pub(super) const TOLD_APART: i64 = 5;

/// What makes of each version the next.
const STEPS: [&str; 6] = [FIRST, HISTORY, PRESENCE, DRIFT, SUBSCRIPTIONS, super::given::TABLE];

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

/// Whose facts they are. Tables are made anew, since what tells their rows apart grows. What an older version kept is of
/// number 1, which the first subscription that uses the journal takes over.
const SUBSCRIPTIONS: &str = "
    create table subscription (
        n  integer primary key autoincrement,
        id text
    );
    create table way (
        host         text not null,
        login        text not null,
        subscription integer not null,
        primary key (host, login)
    ) without rowid;
    insert into subscription (n) select 1
        where exists (select 1 from object) or exists (select 1 from listing) or exists (select 1 from section)
           or exists (select 1 from unsettled) or exists (select 1 from history) or exists (select 1 from drift);

    alter table object rename to old_object;
    create table object (
        subscription integer not null,
        kind      text not null,
        id        text not null,
        identity  text not null,
        base      text not null default '{}',
        written   text not null default '{}',
        ours      integer not null default 0,
        marked    integer not null default 0,
        protected integer not null default 0,
        missing   integer not null default 0,
        primary key (subscription, kind, id)
    ) without rowid;
    insert into object (subscription, kind, id, identity, base, written, ours, marked, protected, missing)
        select 1, kind, id, identity, base, written, ours, marked, protected, missing from old_object;
    drop table old_object;

    alter table listing rename to old_listing;
    create table listing (
        subscription  integer not null,
        kind          text not null,
        good          integer not null,
        doubted       integer,
        doubted_since integer,
        primary key (subscription, kind)
    ) without rowid;
    insert into listing (subscription, kind, good, doubted, doubted_since)
        select 1, kind, good, doubted, doubted_since from old_listing;
    drop table old_listing;

    alter table refused rename to old_refused;
    create table refused (
        subscription integer not null,
        kind   text not null,
        id     text not null,
        field  text not null,
        sent   text not null,
        got    text not null,
        passes integer not null,
        primary key (subscription, kind, id, field)
    ) without rowid;
    insert into refused (subscription, kind, id, field, sent, got, passes)
        select 1, kind, id, field, sent, got, passes from old_refused;
    drop table old_refused;

    alter table section rename to old_section;
    create table section (
        subscription integer not null,
        kind text not null,
        primary key (subscription, kind)
    ) without rowid;
    insert into section (subscription, kind) select 1, kind from old_section;
    drop table old_section;

    alter table unsettled rename to old_unsettled;
    create table unsettled (
        subscription integer not null,
        kind     text not null,
        identity text not null,
        since    integer not null,
        primary key (subscription, kind, identity)
    ) without rowid;
    insert into unsettled (subscription, kind, identity, since) select 1, kind, identity, since from old_unsettled;
    drop table old_unsettled;

    alter table drift rename to old_drift;
    create table drift (
        subscription integer not null,
        address      text not null,
        fingerprint  text not null,
        since        integer not null,
        passes       integer not null,
        announced    text,
        announced_at integer,
        action       text not null default '',
        fields       text not null default '[]',
        primary key (subscription, address)
    ) without rowid;
    insert into drift (subscription, address, fingerprint, since, passes, announced, announced_at, action, fields)
        select 1, address, fingerprint, since, passes, announced, announced_at, action, fields from old_drift;
    drop table old_drift;

    alter table failing rename to old_failing;
    create table failing (
        subscription integer not null,
        address   text not null,
        content   text not null,
        times     integer not null,
        last      text not null,
        failed_at integer not null,
        primary key (subscription, address)
    ) without rowid;
    insert into failing (subscription, address, content, times, last, failed_at)
        select 1, address, content, times, last, failed_at from old_failing;
    drop table old_failing;

    alter table leaving rename to old_leaving;
    create table leaving (
        subscription integer not null,
        kind text not null,
        id   text not null,
        primary key (subscription, kind, id)
    ) without rowid;
    insert into leaving (subscription, kind, id) select 1, kind, id from old_leaving;
    drop table old_leaving;

    alter table history add column subscription integer not null default 1;
    drop index history_address;
    create index history_address on history (subscription, address, n);
";

/// What the header of the file says whose it is: "trup". Journals of versions below 5 say nothing.
const APPLICATION_ID: i64 = 0x7472_7570;

fn application_id(db: &Connection) -> Result<i64, JournalError> {
    Ok(db.query_row("pragma application_id", [], |row| row.get(0))?)
}

/// The version of the tables of a journal, which is neither another program's file nor of a later program.
pub(super) fn version(db: &Connection, path: &Path) -> Result<i64, JournalError> {
    let found: i64 = db.query_row("pragma user_version", [], |row| row.get(0))?;
    let is_ours = match application_id(db)? {
        APPLICATION_ID => true,
        0 => {
            let tables: i64 = db.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
            tables == 0 || db.prepare("select kind, id, identity, base, written, ours from object").is_ok()
        }
        _ => false,
    };
    if !is_ours {
        return Err(JournalError::Foreign { path: path.to_owned() });
    }
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
    if is_current(db, path)? && application_id(db)? == APPLICATION_ID {
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
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::journal::{Journal, Query};
    use crate::plan::LiveState;
    use crate::resource::Kind;
    use crate::subscription::Subscription;

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

    /// A subscription that nothing has been learned from yet.
    fn somebody() -> Subscription {
        Subscription { id: None, host: "api.example".to_owned(), login: "login".to_owned() }
    }

    #[test]
    fn a_journal_of_version_1_keeps_what_it_knows_and_gets_a_history() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        of_version_1(&path);
        // Looked at before it is brought up to date, it is not touched.
        assert!(Journal::history(&path, &Query::default()).unwrap().is_empty());
        let (mut journal, told) = Journal::open(&path).unwrap();
        assert_eq!(told, None);
        journal.enter(&somebody(), &LiveState::default()).unwrap();
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

    /// A journal of the last version that did not tell subscriptions apart, with a row in each table.
    fn of_version_4(path: &Path) {
        let db = Connection::open(path).unwrap();
        for step in &STEPS[..4] {
            db.execute_batch(step).unwrap();
        }
        db.execute_batch(
            r#"insert into object (kind, id, identity, base, written, ours, marked, protected, missing)
                 values ('aws', '7', 'arn', '{"name":"a"}', '{"regions":[]}', 1, 1, 1, 1);
               insert into listing values ('aws', 40, 12, 90);
               insert into refused values ('aws', '7', 'run_frequency', '"4h"', '"2h"', 3);
               insert into section values ('aws');
               insert into unsettled values ('aws', 'arn:2', 100);
               insert into drift values ('aws/edge', 'f', 100, 2, 'f', 101, 'update', '["name"]');
               insert into failing values ('aws/edge', 'f', 2, 'no', 100);
               insert into leaving values ('aws', '9');
               insert into history (at, run, why, address, kind, action, cause, content, fields)
                 values (100000, 'run', 'apply', 'aws/edge', 'aws', 'update', 'drift', 'f', '[]');
               pragma user_version = 4;"#,
        )
        .unwrap();
    }

    #[test]
    fn what_a_journal_of_version_4_knows_is_taken_over_by_the_first_who_uses_it_and_that_is_said_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        of_version_4(&path);
        let settle_for = Duration::from_mins(10);
        let at = |second| Timestamp::from_second(second).unwrap();
        let shown = |known: &crate::plan::Known| format!("{known:?}");
        let open = || Journal::open(&path).unwrap().0;
        // Until somebody is meant, nothing is known.
        let mut journal = open();
        assert_eq!(
            shown(&journal.known(settle_for, at(200)).unwrap()),
            shown(&crate::plan::Known::default())
        );
        let told = journal.enter(&somebody(), &LiveState::default()).unwrap().unwrap();
        assert!(told.contains("did not tell subscriptions apart") && told.contains("api.example"), "{told}");
        let known = journal.known(settle_for, at(200)).unwrap();
        let key = (Kind::Aws, "7".to_owned());
        let object = &known.objects[&key];
        assert!(object.ours && object.marked && object.protected && object.missing, "{object:?}");
        assert_eq!((&*object.base, &*object.written), (r#"{"name":"a"}"#, r#"{"regions":[]}"#));
        assert_eq!((known.listings[&Kind::Aws].good, known.refused[&key][0].passes), (40, 3));
        assert!(known.sections.contains(&Kind::Aws) && known.leaving.contains(&(Kind::Aws, "9".to_owned())));
        assert!(known.unsettled.contains_key(&(Kind::Aws, "arn:2".to_owned())));
        assert_eq!(journal.failing(None, at(100)).unwrap().len(), 1);
        assert_eq!(journal.open_changes().unwrap().len(), 1);
        let mut empty = crate::plan::Plan::empty(crate::desired::settings::Mode::DryRun);
        empty.listings.insert(Kind::Aws, 0);
        let news = journal.announce_drifts(&empty, Duration::ZERO, at(300)).unwrap();
        assert_eq!((news[0].address.as_str(), &news[0].fields[..]), ("aws/edge", &["name".to_owned()][..]));

        let mut again = open();
        assert_eq!(again.enter(&somebody(), &LiveState::default()).unwrap(), None);
        assert_eq!(again.known(settle_for, at(200)).unwrap().objects.len(), 1);
        let other = Subscription { host: "other.example".to_owned(), ..somebody() };
        assert_eq!(again.enter(&other, &LiveState::default()).unwrap(), None);
        let nothing = again.known(settle_for, at(200)).unwrap();
        assert_eq!(shown(&nothing), shown(&crate::plan::Known::default()));
    }
}
