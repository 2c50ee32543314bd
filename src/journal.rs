//! The journal: what the platform cannot tell. One SQLite file.
//!
//! It holds, for each object that the file names, the base (the values at which file and live last agreed),
//! what was last written to fields that are never read back, and whether we made the object; the sizes of the
//! last good listings; and since when each drift lasts. No secret is ever written to it. Without it every
//! readable fact is still right: a drift is then told as pending, and an unreadable field as unverified.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::lock::{LockError, WriteLock};
use crate::plan::{Change, FieldChange, Known, KnownListing, KnownObject, Observation, Plan, Refused};
use crate::resource::Kind;
use crate::secret::DigestKey;

const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
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

/// How long a smaller listing must stand before it is believed.
const BELIEVED_AFTER: Duration = Duration::from_hours(1);

/// The journal could not be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file could not be opened or made.
    #[error("could not open the journal {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file is of a later version of the program.
    #[error(
        "the journal {} is of schema {found}, this version knows {SCHEMA_VERSION}: \
         run the version that wrote it, or set the file aside", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema's version in it.
        found: i64,
    },
    /// A query failed.
    #[error("could not use the journal")]
    Query(#[from] rusqlite::Error),
}

/// What became of a drift since it was last told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftNews {
    /// The object.
    pub address: String,
    /// What happened.
    pub what: DriftEvent,
    /// Since when it drifts, or drifted.
    pub since: Timestamp,
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

/// The journal.
#[derive(Debug)]
pub struct Journal {
    /// `None` where nothing is to be remembered.
    db: Option<Connection>,
    /// Where it lies; `None` where it ends with the process.
    path: Option<PathBuf>,
    /// The key of the digests of secrets; `None` where there is no journal, or no key.
    key: Option<DigestKey>,
}

impl Journal {
    /// Opens the journal, or makes it. A damaged one is set aside; the second value says so.
    pub fn open(path: &Path) -> Result<(Journal, Option<String>), JournalError> {
        match Journal::open_once(path) {
            Ok(mut journal) => {
                let told = journal.find_key(path);
                Ok((journal, told))
            }
            Err(JournalError::Query(error)) if is_damage(&error) => {
                let aside = path.with_extension(format!("damaged-{}", Timestamp::now().as_second()));
                std::fs::rename(path, &aside).map_err(|error| open_error(path, error))?;
                for suffix in ["-wal", "-shm"] {
                    let mut side = path.as_os_str().to_owned();
                    side.push(suffix);
                    // What belongs to the damaged file must not be read into the new one; it may not be there.
                    let _ = std::fs::remove_file(side);
                }
                let mut journal = Journal::open_once(path)?;
                let mut told = format!(
                    "the journal {} was damaged ({error}): it is set aside as {}, and a new one begun",
                    path.display(),
                    aside.display()
                );
                if let Some(more) = journal.find_key(path) {
                    told = format!("{told}; {more}");
                }
                Ok((journal, Some(told)))
            }
            Err(error) => Err(error),
        }
    }

    /// No journal: knows nothing, remembers nothing.
    #[must_use]
    pub const fn off() -> Journal {
        Journal { db: None, path: None, key: None }
    }

    /// A journal that ends with the process.
    pub fn in_memory() -> Result<Journal, JournalError> {
        let journal = Journal::prepare(Connection::open_in_memory()?, Path::new(":memory:"))?;
        Ok(Journal { key: Some(DigestKey::random()), ..journal })
    }

    /// The key of the digests of secrets.
    #[must_use]
    pub const fn digest_key(&self) -> Option<&DigestKey> {
        self.key.as_ref()
    }

    /// Takes the lock that lies beside the journal, for as long as this process may write to the platform. There is
    /// none without a file.
    pub fn lock_writes(&self, why: &str) -> Result<Option<WriteLock>, LockError> {
        let Some(path) = &self.path else { return Ok(None) };
        let mut beside = path.as_os_str().to_owned();
        beside.push(".lock");
        WriteLock::take(Path::new(&beside), why).map(Some)
    }

    /// Finds the key beside the journal, or makes it. What went wrong is said: secrets are then unverified.
    fn find_key(&mut self, path: &Path) -> Option<String> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".key");
        let beside = PathBuf::from(beside);
        self.path = Some(path.to_owned());
        match DigestKey::open(&beside) {
            Ok(key) => {
                self.key = Some(key);
                None
            }
            Err(error) => Some(format!(
                "could not use {}, the key of the digests of secrets: {error}; changed secrets are not noticed",
                beside.display()
            )),
        }
    }

    fn open_once(path: &Path) -> Result<Journal, JournalError> {
        // Made here, so that nobody else can read it from its first moment.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| open_error(path, error))?;
        let db = Connection::open(path).map_err(|error| open_error(path, error))?;
        db.busy_timeout(Duration::from_secs(10))?;
        db.pragma_update(None, "journal_mode", "wal")?;
        db.pragma_update(None, "synchronous", "normal")?;
        Journal::prepare(db, path)
    }

    fn prepare(db: Connection, path: &Path) -> Result<Journal, JournalError> {
        let found: i64 = db.query_row("pragma user_version", [], |row| row.get(0))?;
        if found > SCHEMA_VERSION {
            return Err(JournalError::Newer { path: path.to_owned(), found });
        }
        db.execute_batch(SCHEMA)?;
        if found != SCHEMA_VERSION {
            db.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        }
        Ok(Journal { db: Some(db), path: None, key: None })
    }

    /// What is known. A create whose answer was lost stays unsettled for `settle_for`.
    pub fn known(&self, settle_for: Duration, now: Timestamp) -> Result<Known, JournalError> {
        let mut known = Known::default();
        let Some(db) = &self.db else { return Ok(known) };
        let mut query =
            db.prepare("select kind, id, identity, base, written, ours, marked, protected from object")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let Some(kind) = kind_of(row.get_ref(0)?) else { continue };
            known.objects.insert(
                (kind, row.get(1)?),
                KnownObject {
                    identity: row.get(2)?,
                    base: row.get::<_, String>(3)?.into(),
                    written: row.get::<_, String>(4)?.into(),
                    ours: row.get(5)?,
                    marked: row.get(6)?,
                    protected: row.get(7)?,
                },
            );
        }
        let mut query = db.prepare("select kind, good, doubted, doubted_since from listing")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let Some(kind) = kind_of(row.get_ref(0)?) else { continue };
            let size = |count: i64| usize::try_from(count).unwrap_or(0);
            let doubted: Option<i64> = row.get(2)?;
            let since: Option<i64> = row.get(3)?;
            let settled =
                since.is_some_and(|since| now.as_second() - since >= BELIEVED_AFTER.as_secs().cast_signed());
            let good = size(row.get(1)?);
            let doubted = doubted.map(|count| (size(count), settled));
            known.listings.insert(kind, KnownListing { good, doubted });
        }
        let mut query = db.prepare("select kind, id, field, sent, got, passes from refused")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let Some(kind) = kind_of(row.get_ref(0)?) else { continue };
            let json = |text: String| serde_json::from_str(&text).unwrap_or(Value::Null);
            known.refused.entry((kind, row.get(1)?)).or_default().push(Refused {
                field: row.get(2)?,
                sent: json(row.get(3)?),
                got: json(row.get(4)?),
                passes: row.get(5)?,
            });
        }
        let mut query = db.prepare("select kind from section")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            known.sections.extend(kind_of(row.get_ref(0)?));
        }
        let mut query = db.prepare("select kind, identity, since from unsettled")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let Some(kind) = kind_of(row.get_ref(0)?) else { continue };
            let wait = i64::try_from(settle_for.as_secs()).unwrap_or(i64::MAX);
            let until = row.get::<_, i64>(2)?.saturating_add(wait);
            if let (true, Ok(until)) = (until > now.as_second(), Timestamp::from_second(until)) {
                known.unsettled.insert((kind, row.get(1)?), until);
            }
        }
        Ok(known)
    }

    /// Remembers a create whose answer was lost: it is not sent again until it was looked for long enough.
    pub fn unsettled(&mut self, kind: Kind, identity: &str, now: Timestamp) -> Result<(), JournalError> {
        let Some(db) = &self.db else { return Ok(()) };
        db.execute(
            "insert or replace into unsettled (kind, identity, since) values (?1, ?2, ?3)",
            params![kind.word(), identity, now.as_second()],
        )?;
        Ok(())
    }

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
            for observation in &plan.observed {
                match observation {
                    Observation::Seen { kind, id, identity, base, protected } => {
                        seen.execute(params![kind.word(), id, identity, base, protected])?;
                        settled.execute(params![kind.word(), identity])?;
                    }
                    Observation::Forgotten { kind, id } => {
                        forgotten.execute(params![kind.word(), id])?;
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
            for (kind, &size) in sizes {
                let size = i64::try_from(size).unwrap_or(i64::MAX);
                if plan.listings.contains_key(kind) {
                    good.execute(params![kind.word(), size])?;
                } else {
                    doubted.execute(params![kind.word(), size, now.as_second()])?;
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Remembers that we made an object, and whether it bears our mark.
    pub fn made(&mut self, kind: Kind, id: &str, identity: &str, marked: bool) -> Result<(), JournalError> {
        let Some(db) = &self.db else { return Ok(()) };
        db.execute(
            "insert into object (kind, id, identity, ours, marked) values (?1, ?2, ?3, 1, ?4)
             on conflict (kind, id) do update set ours = 1, marked = excluded.marked",
            params![kind.word(), id, identity, marked],
        )?;
        Ok(())
    }

    /// Remembers that an object that we were to make was there already.
    pub fn found(&mut self, kind: Kind, id: &str, identity: &str) -> Result<(), JournalError> {
        let Some(db) = &self.db else { return Ok(()) };
        db.execute(
            "insert into object (kind, id, identity) values (?1, ?2, ?3) on conflict (kind, id) do nothing",
            params![kind.word(), id, identity],
        )?;
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
        let Some(db) = &self.db else { return Ok(()) };
        let before: Option<String> = db
            .query_row(
                "select written from object where kind = ?1 and id = ?2",
                params![kind.word(), id],
                |row| row.get(0),
            )
            .optional()?;
        let mut written: Map<String, Value> =
            before.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        written.extend(unreadable.clone());
        db.execute(
            "insert into object (kind, id, identity, written) values (?1, ?2, ?3, ?4)
             on conflict (kind, id) do update set written = excluded.written",
            params![kind.word(), id, identity, Value::Object(written).to_string()],
        )?;
        Ok(())
    }

    /// A create was certainly not made: there is nothing to look for.
    pub fn settled(&mut self, kind: Kind, identity: &str) -> Result<(), JournalError> {
        let Some(db) = &self.db else { return Ok(()) };
        db.execute(
            "delete from unsettled where kind = ?1 and identity = ?2",
            params![kind.word(), identity],
        )?;
        Ok(())
    }

    /// Remembers which fields of an object the platform did not take when they were written, and in how many
    /// passes in a row; what it took this time is forgotten.
    pub fn refused(&mut self, kind: Kind, id: &str, fields: &[&FieldChange]) -> Result<(), JournalError> {
        let Some(db) = &mut self.db else { return Ok(()) };
        let transaction = db.transaction()?;
        let before: BTreeMap<String, (String, String, u32)> = transaction
            .prepare("select field, sent, got, passes from refused where kind = ?1 and id = ?2")?
            .query_map(params![kind.word(), id], |row| {
                Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)))
            })?
            .collect::<Result<_, _>>()?;
        if before.is_empty() && fields.is_empty() {
            return Ok(());
        }
        transaction.execute("delete from refused where kind = ?1 and id = ?2", params![kind.word(), id])?;
        for FieldChange { path, before: got, after: sent, sensitive: _ } in fields {
            let (sent, got) = (sent.to_string(), got.to_string());
            let passes = match before.get(path) {
                Some((earlier, same, passes)) if *earlier == sent && *same == got => passes + 1,
                Some(_) | None => 1,
            };
            transaction.execute(
                "insert into refused (kind, id, field, sent, got, passes) values (?1, ?2, ?3, ?4, ?5, ?6)",
                params![kind.word(), id, path, sent, got, passes],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Forgets an object that is gone by our own doing.
    pub fn forget(&mut self, kind: Kind, id: &str) -> Result<(), JournalError> {
        let Some(db) = &self.db else { return Ok(()) };
        db.execute("delete from object where kind = ?1 and id = ?2", params![kind.word(), id])?;
        Ok(())
    }

    /// Remembers that an object goes by our own doing: that the listing is smaller by it is no wonder. The next listing
    /// that is believed counts what there is.
    pub fn deleting(&mut self, kind: Kind) -> Result<(), JournalError> {
        let Some(db) = &self.db else { return Ok(()) };
        db.execute("update listing set good = max(good - 1, 0) where kind = ?1", params![kind.word()])?;
        Ok(())
    }

    /// Writes into the plan since when each drift lasts, and in how many passes it was seen; `counts` says
    /// whether this is one more. Drifts that are over are kept until they are announced.
    pub fn date_drifts(&mut self, plan: &mut Plan, counts: bool, now: Timestamp) -> Result<(), JournalError> {
        let Some(db) = &mut self.db else { return Ok(()) };
        let transaction = db.transaction()?;
        for change in plan.changes.iter_mut().filter(|change| change.cause.drifted()) {
            let address = change.address.to_string();
            transaction.execute(
                "insert into drift (address, fingerprint, since, passes) values (?1, ?2, ?3, 1)
                 on conflict (address) do update set fingerprint = excluded.fingerprint, passes = passes + ?4",
                params![address, fingerprint(change), now.as_second(), counts],
            )?;
            let (since, passes) = transaction.query_row(
                "select since, passes from drift where address = ?1",
                params![address],
                |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)),
            )?;
            change.since = Timestamp::from_second(since).ok();
            change.passes = passes;
        }
        let drifted: BTreeSet<String> = drifted(plan).map(|change| change.address.to_string()).collect();
        let over: Vec<String> = {
            let mut query = transaction.prepare("select address from drift where announced is null")?;
            query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        for address in over.iter().filter(|address| is_over(address, &drifted, plan)) {
            transaction.execute("delete from drift where address = ?1", params![address])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// What of the drifts is to be told now. Telling is the daemon's: what a `plan` sees stays untold.
    pub fn announce_drifts(
        &mut self,
        plan: &Plan,
        remind_every: Duration,
        now: Timestamp,
    ) -> Result<Vec<DriftNews>, JournalError> {
        let mut news = Vec::new();
        let Some(db) = &mut self.db else { return Ok(Vec::new()) };
        let transaction = db.transaction()?;
        {
            let mut told = transaction
                .prepare("update drift set announced = fingerprint, announced_at = ?2 where address = ?1")?;
            let mut over = transaction.prepare("delete from drift where address = ?1")?;
            let drifted: BTreeSet<String> = drifted(plan).map(|change| change.address.to_string()).collect();
            let mut query = transaction.prepare(
                "select address, fingerprint, since, announced, announced_at from drift order by address",
            )?;
            let rows: Vec<DriftRow> = query
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?
                .collect::<Result<_, _>>()?;
            for (address, fingerprint, since, announced, announced_at) in rows {
                let since = Timestamp::from_second(since).unwrap_or(now);
                let what = if is_over(&address, &drifted, plan) {
                    over.execute(params![address])?;
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
                    told.execute(params![address, now.as_second()])?;
                    event
                };
                news.push(DriftNews { address, what, since });
            }
        }
        transaction.commit()?;
        Ok(news)
    }
}

/// Address, fingerprint, since when, what was told, and when.
type DriftRow = (String, String, i64, Option<String>, Option<i64>);

fn drifted(plan: &Plan) -> impl Iterator<Item = &Change> {
    plan.changes.iter().filter(|change| change.cause.drifted())
}

/// A drift is over when its object was looked at and does not drift.
fn is_over(address: &str, drifted: &BTreeSet<String>, plan: &Plan) -> bool {
    !drifted.contains(address) && address.parse().is_ok_and(|address| plan.looked_at(&address))
}

/// What makes a drift the same one as last time.
fn fingerprint(change: &Change) -> String {
    let fields: Vec<_> =
        change.fields.iter().map(|field| (&field.path, &field.before, &field.after)).collect();
    let text = serde_json::json!([change.action, fields]).to_string();
    Sha256::digest(text).iter().take(8).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn kind_of(value: rusqlite::types::ValueRef<'_>) -> Option<Kind> {
    // A kind of a later version is left alone.
    value.as_str().ok()?.parse().ok()
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt)
    )
}

fn open_error(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> JournalError {
    JournalError::Open { path: path.to_owned(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_damaged_journal_is_set_aside_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        std::fs::write(
            &path,
            "this is no database, and longer than a header of one hundred bytes ".repeat(4),
        )
        .unwrap();
        let (journal, told) = Journal::open(&path).unwrap();
        assert!(told.unwrap().contains("set aside as"));
        assert!(journal.known(Duration::ZERO, at(0)).unwrap().objects.is_empty());
        let names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(names.iter().any(|name| name.contains("damaged-")), "{names:?}");
    }

    #[test]
    fn the_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.made(Kind::Aws, "1", "arn", true).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
        }
    }

    #[test]
    fn what_was_written_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        let regions: Map<_, _> =
            [("regions".to_owned(), serde_json::json!(["eu-west-1"]))].into_iter().collect();
        Journal::open(&path).unwrap().0.made(Kind::Aws, "7", "arn", true).unwrap();
        Journal::open(&path).unwrap().0.wrote(Kind::Aws, "7", "arn", &regions).unwrap();
        let known = Journal::open(&path).unwrap().0.known(Duration::ZERO, at(0)).unwrap();
        let object = &known.objects[&(Kind::Aws, "7".to_owned())];
        assert_eq!(&*object.written, r#"{"regions":["eu-west-1"]}"#);
        assert!(object.ours && object.marked && !object.protected);
    }

    #[test]
    fn a_lost_create_is_unsettled_for_its_time_and_over_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        Journal::open(&path).unwrap().0.unsettled(Kind::Aws, "arn", at(100)).unwrap();
        let journal = Journal::open(&path).unwrap().0;
        for (now, unsettled) in [(100, 1), (159, 1), (160, 0)] {
            assert_eq!(
                journal.known(Duration::from_mins(1), at(now)).unwrap().unsettled.len(),
                unsettled,
                "{now}"
            );
        }
    }

    #[test]
    fn a_journal_of_a_later_version_is_refused_not_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let error = Journal::open(&path).unwrap_err();
        assert!(error.to_string().contains("is of schema 99"), "{error}");
    }
}
