//! What people and programs read of the file alone, which is neither made nor changed: the history, and what is known.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Row, params};
use serde_json::Value;

use super::history::ENDED;
use super::{Journal, JournalError, lock_of, place, schema, subscriptions};
use crate::plan::{FieldChange, Known, LiveState};
use crate::subscription::Subscription;

/// One change that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When it was sent.
    pub at: Timestamp,
    /// The pass that sent it.
    pub run_id: String,
    /// Why that ran, in a word.
    pub trigger: String,
    /// The subscription, where the journal knows of several: by its host, or its id where that is not enough.
    pub subscription: Option<String>,
    /// The object.
    pub address: String,
    /// The kind of the object.
    pub kind: String,
    /// The action, in a word.
    pub action: String,
    /// `drift`, `pending` or `both`.
    pub cause: String,
    /// The platform's id of the object: after the change where that is known, else before.
    pub id: Option<String>,
    /// `applied`, `failed` or `unknown`; `None` while it is under way.
    pub outcome: Option<String>,
    /// Why it failed, or what came instead of an answer.
    pub error: Option<String>,
    /// How long it took, where an answer was waited for to the end.
    pub took: Option<Duration>,
    /// What was written.
    pub fields: Vec<FieldChange>,
}

/// Which changes are asked for.
#[derive(Debug, Clone, Default)]
pub struct Query<'a> {
    /// Those since then.
    pub since: Option<Timestamp>,
    /// Those of the objects whose address fits one of these; of all where there is none.
    pub addresses: &'a [AddressPattern],
    /// The newest of them, so many.
    pub limit: Option<usize>,
}

/// An address, or a pattern of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressPattern {
    text: String,
    /// `None` where the text is an address that no pattern is written like.
    pattern: Option<glob::Pattern>,
}

impl AddressPattern {
    /// Whether an address is meant.
    #[must_use]
    pub fn fits(&self, address: &str) -> bool {
        self.text == address || self.pattern.as_ref().is_some_and(|pattern| pattern.matches(address))
    }
}

impl From<String> for AddressPattern {
    fn from(text: String) -> AddressPattern {
        let pattern = glob::Pattern::new(&text).ok();
        AddressPattern { text, pattern }
    }
}

impl Journal {
    /// The history in the journal of that name, the newest last.
    pub fn history(path: &Path, query: &Query<'_>) -> Result<Vec<Entry>, JournalError> {
        if !path.exists() {
            return Err(JournalError::Missing { path: path.to_owned() });
        }
        let db = open(path)?;
        let version = schema::version(&db, path)?;
        if version < 2 {
            // Written by a version that kept none.
            return Ok(Vec::new());
        }
        let Query { since, addresses, limit } = query;
        // Which one it was matters where there are several.
        let told_apart = version >= schema::TOLD_APART;
        let names = if told_apart { subscriptions::names(&db)? } else { BTreeMap::new() };
        let of = if told_apart && names.len() > 1 { "subscription" } else { "null" };
        let mut statement = db.prepare(&format!(
            "select at, run, why, address, kind, action, cause, id, outcome, error, took, fields, {of} as number
             from history where at >= ?1 order by n desc",
        ))?;
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
        let mut rows = statement.query(params![since])?;
        let mut entries = Vec::new();
        while limit.is_none_or(|limit| entries.len() < limit)
            && let Some(row) = rows.next()?
        {
            let fits =
                |address: &str| addresses.is_empty() || addresses.iter().any(|pattern| pattern.fits(address));
            if row.get_ref("address")?.as_str().is_ok_and(fits) {
                let number: Option<i64> = row.get("number")?;
                let subscription = number.and_then(|number| names.get(&number)).cloned();
                entries.push(Entry { subscription, ..entry(row)? });
            }
        }
        entries.reverse();
        // Asked last, and where it matters alone: whoever writes must not find the lock taken.
        if entries.iter().any(|entry| entry.outcome.is_none()) && !is_being_written(path) {
            for entry in entries.iter_mut().filter(|entry| entry.outcome.is_none()) {
                entry.outcome = Some("unknown".to_owned());
                let error = entry
                    .error
                    .take()
                    .map_or_else(|| ENDED.to_owned(), |so_far| format!("{so_far}: {ENDED}"));
                entry.error = Some(error);
            }
        }
        Ok(entries)
    }
}

impl Journal {
    /// What the journal of that name knows of this subscription. Nothing where there is none, or one that an earlier
    /// version left as it was.
    pub fn peek(
        path: &Path,
        subscription: &Subscription,
        live: &LiveState,
        settle_for: Duration,
        now: Timestamp,
    ) -> Result<Known, JournalError> {
        if !path.exists() {
            return Ok(Known::default());
        }
        let db = open(path)?;
        if !schema::is_current(&db, path)? {
            return Ok(Known::default());
        }
        let mut journal = Journal { db: Some(db), place: None, key: None, of: None };
        journal.look_into(subscription, live)?;
        journal.known(settle_for, now)
    }
}

/// Opens the file for reading alone.
fn open(path: &Path) -> Result<Connection, JournalError> {
    let failed = |error| super::open::open_error(path, error);
    let read = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = if place::with(path, "-wal").exists() {
        Connection::open_with_flags(path, read).map_err(failed)?
    } else {
        // Nobody has it open: nothing is laid beside it, which takes leave to write there.
        let whole = std::path::absolute(path).map_err(|error| super::open::open_error(path, error))?;
        let mut uri = url::Url::from_file_path(&whole).map_err(|()| JournalError::Missing { path: whole })?;
        uri.set_query(Some("immutable=1"));
        Connection::open_with_flags(uri.as_str(), read | OpenFlags::SQLITE_OPEN_URI).map_err(failed)?
    };
    db.busy_timeout(Duration::from_secs(10))?;
    Ok(db)
}

/// Whether a process that may write holds the lock beside the journal. One that cannot be asked for counts as free.
fn is_being_written(path: &Path) -> bool {
    let Ok(lock) = File::open(lock_of(path)) else { return false };
    matches!(lock.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let took: Option<i64> = row.get("took")?;
    Ok(Entry {
        at: Timestamp::from_millisecond(row.get("at")?).unwrap_or_default(),
        run_id: row.get("run")?,
        trigger: row.get("why")?,
        subscription: None,
        address: row.get("address")?,
        kind: row.get("kind")?,
        action: row.get("action")?,
        cause: row.get("cause")?,
        id: row.get("id")?,
        outcome: row.get("outcome")?,
        error: row.get("error")?,
        took: took.and_then(|took| u64::try_from(took).ok()).map(Duration::from_millis),
        fields: fields(&row.get::<_, String>("fields")?),
    })
}

/// Fields as they are kept. Of a secret nothing but that it changed.
pub(super) fn fields(text: &str) -> Vec<FieldChange> {
    // The journal is ours, but it is a file: what cannot be read is as good as not known.
    let kept: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    let field = |kept: &Value| {
        let path = kept.get("path")?.as_str()?;
        if kept.get("sensitive").is_some() {
            // Two values that differ, for that is what is known of it.
            return Some(FieldChange { sensitive: true, ..FieldChange::plain(path, false, true) });
        }
        let of = |name: &str| kept.get(name).cloned().unwrap_or(Value::Null);
        Some(FieldChange::plain(path, of("before"), of("after")))
    };
    kept.iter().filter_map(field).collect()
}
