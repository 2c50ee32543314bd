//! What the journal knows, for a plan to use.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde_json::Value;

use super::{Journal, JournalError, kind_of};
use crate::plan::{Known, KnownListing, KnownObject, Refused};

/// How long a smaller listing must stand before it is believed.
const BELIEVED_AFTER: Duration = Duration::from_hours(1);

impl Journal {
    /// What is known. A create whose answer was lost stays unsettled for `settle_for`.
    pub fn known(&mut self, settle_for: Duration, now: Timestamp) -> Result<Known, JournalError> {
        self.facts(|db, of| known(db, of, settle_for, now))
    }
}

fn known(db: &Connection, of: i64, settle_for: Duration, now: Timestamp) -> Result<Known, JournalError> {
    let mut known = Known::default();
    let mut query = db.prepare(
            "select kind, id, identity, base, written, ours, marked, protected, missing from object where subscription = ?1",
        )?;
    let mut rows = query.query(params![of])?;
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
                missing: row.get(8)?,
            },
        );
    }
    let mut query =
        db.prepare("select kind, good, doubted, doubted_since from listing where subscription = ?1")?;
    let mut rows = query.query(params![of])?;
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
    let mut query =
        db.prepare("select kind, id, field, sent, got, passes from refused where subscription = ?1")?;
    let mut rows = query.query(params![of])?;
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
    let mut query = db.prepare("select kind, id from leaving where subscription = ?1")?;
    let mut rows = query.query(params![of])?;
    while let Some(row) = rows.next()? {
        let Some(kind) = kind_of(row.get_ref(0)?) else { continue };
        known.leaving.insert((kind, row.get(1)?));
    }
    let mut query = db.prepare("select kind from section where subscription = ?1")?;
    let mut rows = query.query(params![of])?;
    while let Some(row) = rows.next()? {
        known.sections.extend(kind_of(row.get_ref(0)?));
    }
    let mut query = db.prepare("select kind, identity, since from unsettled where subscription = ?1")?;
    let mut rows = query.query(params![of])?;
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

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::plan::LiveState;
    use crate::resource::Kind;
    use crate::subscription::Subscription;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_was_written_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        let regions: Map<_, _> =
            [("regions".to_owned(), serde_json::json!(["eu-west-1"]))].into_iter().collect();
        Journal::open(&path).unwrap().0.of_tests().made(Kind::Aws, "7", "arn", true).unwrap();
        Journal::open(&path).unwrap().0.of_tests().wrote(Kind::Aws, "7", "arn", &regions).unwrap();
        let known = Journal::open(&path).unwrap().0.of_tests().known(Duration::ZERO, at(0)).unwrap();
        let object = &known.objects[&(Kind::Aws, "7".to_owned())];
        assert_eq!(&*object.written, r#"{"regions":["eu-west-1"]}"#);
        assert!(object.ours && object.marked && !object.protected);
    }

    #[test]
    fn what_is_known_can_be_looked_at_without_making_or_changing_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        let somebody = Subscription { id: None, host: "api.example".to_owned(), login: String::new() };
        let peek = |path: &std::path::Path| {
            let known = Journal::peek(path, &somebody, &LiveState::default(), Duration::ZERO, at(0)).unwrap();
            known.objects.len()
        };
        assert_eq!(peek(&path), 0);
        assert!(!path.exists());
        Journal::open(&path).unwrap().0.of_tests().made(Kind::SnapshotScan, "7", "7", true).unwrap();
        let files = || {
            let all = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
            let mut all: Vec<_> = all.collect();
            all.sort();
            (all, std::fs::read(&path).unwrap())
        };
        let before = files();
        assert_eq!((peek(&path), files()), (1, before));
        // While somebody else has it open.
        let _open = Journal::open(&path).unwrap();
        assert_eq!(peek(&path), 1);
    }

    #[test]
    fn a_lost_create_is_unsettled_for_its_time_and_over_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        Journal::open(&path).unwrap().0.of_tests().unsettled(Kind::Aws, "arn", at(100)).unwrap();
        let mut journal = Journal::open(&path).unwrap().0.of_tests();
        for (now, unsettled) in [(100, 1), (159, 1), (160, 0)] {
            assert_eq!(
                journal.known(Duration::from_mins(1), at(now)).unwrap().unsettled.len(),
                unsettled,
                "{now}"
            );
        }
    }
}
