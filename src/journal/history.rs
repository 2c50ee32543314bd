//! What was changed, when and why: each change before it is sent, and what came of it. What is skipped is not sent, and
//! not kept.
//!
//! A process that ends in between leaves a change without an answer. It stays open until a later pass sees that it was
//! made, or until the next change of the same object is sent.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;

use super::{Journal, JournalError, kind_of};
use crate::plan::{Change, FieldChange};
use crate::resource::{Address, Kind};

/// How many changes are kept; the oldest go first. At some 500 bytes each this is 50 MB at most.
pub(super) const KEPT: i64 = 100_000;

/// The pass that writes.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Its name in logs.
    pub id: &'a str,
    /// Why it runs, in a word.
    pub trigger: &'a str,
}

/// What came of a change.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// `applied`, `failed` or `unknown`.
    pub outcome: &'static str,
    /// The platform's id, where it is known now.
    pub id: Option<&'a str>,
    /// Why it failed, or what came instead of an answer.
    pub error: Option<&'a str>,
    /// How long it took.
    pub took: Duration,
}

/// A change of which nobody knows yet whether it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenChange {
    /// Its number in the history.
    pub n: i64,
    /// The kind of the object.
    pub kind: Kind,
    /// The object.
    pub address: String,
    /// The action, in a word.
    pub action: String,
    /// The identity of what it makes.
    pub identity: Option<String>,
    /// The platform's id of the object as it was.
    pub id: Option<String>,
    /// What it writes.
    pub fields: Vec<FieldChange>,
}

impl Journal {
    /// A change is about to be sent. What was open of the object stays unknown for good: nobody could tell the two
    /// apart. `fields` are the change's, fit to be kept; `identity` is that of what it makes.
    pub fn sends(
        &mut self,
        run: Run<'_>,
        change: &Change,
        fields: &[FieldChange],
        identity: Option<&str>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.facts(|db, of| {
            let Change { address, action, id, cause, .. } = change;
            let (address, kind) = (address.to_string(), address.kind.word());
            let fields = serde_json::json!(fields).to_string();
            let transaction = db.transaction()?;
            transaction.execute("update history set open = 0 where subscription = ?1 and address = ?2 and open", params![of, address])?;
            transaction.execute(
                "insert into history (subscription, at, run, why, address, kind, action, cause, content, fields, identity, id)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                params![
                    of,
                    now.as_millisecond(),
                    run.id,
                    run.trigger,
                    address,
                    kind,
                    action.word(),
                    cause.word(),
                    change.fingerprint(),
                    fields,
                    identity,
                    id
                ],
            )?;
            let oldest = transaction.last_insert_rowid() - KEPT;
            transaction.execute("delete from history where n <= ?1", params![oldest])?;
            transaction.commit()?;
            Ok(())
        })
    }

    /// The first half of a replace is done.
    pub fn is_halfway(&mut self, run: Run<'_>, address: &Address) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute(
                "update history set error = ?4 where subscription = ?1 and run = ?2 and address = ?3 and outcome is null",
                params![of, run.id, address.to_string(), HALFWAY],
            )?;
            Ok(())
        })
    }

    /// An answer has come, or none will.
    pub fn answered(
        &mut self,
        run: Run<'_>,
        address: &Address,
        answer: Answer<'_>,
    ) -> Result<(), JournalError> {
        self.facts(|db, of| {
            let Answer { outcome, id, error, took } = answer;
            let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
            db.execute(
                "update history set outcome = ?4, id = coalesce(?5, id), error = ?6, took = ?7, open = ?4 = 'unknown'
                 where subscription = ?1 and run = ?2 and address = ?3",
                params![of, run.id, address.to_string(), outcome, id, error, took],
            )?;
            Ok(())
        })
    }

    /// A pass that may write begins, and so no other is under way: what is without an answer will have none.
    pub fn nothing_is_under_way(&mut self) -> Result<(), JournalError> {
        self.attempt(|journal| {
            let Some(db) = &journal.db else { return Ok(()) };
            db.execute(
                "update history set outcome = 'unknown', error = case when error is null then ?1 else error || ': ' || ?1 end
                 where open and outcome is null",
                params![ENDED],
            )?;
            Ok(())
        })
    }

    /// The changes of which nobody knows yet whether they were made.
    pub fn open_changes(&mut self) -> Result<Vec<OpenChange>, JournalError> {
        self.facts(|db, of| {
            let mut query =
                db.prepare("select kind, n, address, action, identity, id, fields from history where subscription = ?1 and open")?;
            let mut rows = query.query(params![of])?;
            let mut open = Vec::new();
            while let Some(row) = rows.next()? {
                let Some(kind) = kind_of(row.get_ref(0)?) else { continue };
                open.push(OpenChange {
                    n: row.get(1)?,
                    kind,
                    address: row.get(2)?,
                    action: row.get(3)?,
                    identity: row.get(4)?,
                    id: row.get(5)?,
                    fields: super::past::fields(&row.get::<_, String>(6)?),
                });
            }
            Ok(open)
        })
    }

    /// An open change is seen to have been made.
    pub fn seen_made(&mut self, n: i64, id: &str) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute(
                "update history set outcome = 'applied', id = ?3, error = null, open = 0
                 where subscription = ?1 and n = ?2 and open",
                params![of, n, id],
            )?;
            Ok(())
        })
    }

    /// A drift was undone, and the object seen to be as it should.
    pub fn reverted(&mut self, run: Run<'_>, address: &Address) -> Result<(), JournalError> {
        self.facts(|db, of| {
            db.execute(
                "update history set reverted = 1 where subscription = ?1 and run = ?2 and address = ?3 and outcome = 'applied'",
                params![of, run.id, address.to_string()],
            )?;
            Ok(())
        })
    }
}

/// Of a replace that is between its halves.
pub(super) const HALFWAY: &str = "deleted, not yet created again";

/// Of a change that nobody waits for any more.
pub(super) const ENDED: &str = "the program ended before an answer";

#[cfg(test)]
mod tests {

    use super::*;
    use crate::journal::Query;
    use crate::plan::{Action, Cause};

    const RUN: Run<'_> = Run { id: "run", trigger: "apply" };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn change(name: &str, action: Action) -> Change {
        Change {
            cause: Cause::Drift,
            fields: vec![FieldChange::plain("run_frequency", "12h", "4h")],
            ..Change::new(Address::new(Kind::Aws, name), action)
        }
    }

    fn sends(journal: &mut Journal, change: &Change, second: i64) {
        journal.sends(RUN, change, &change.fields, Some("arn"), at(second)).unwrap();
    }

    fn answered(journal: &mut Journal, change: &Change, outcome: &'static str, error: Option<&str>) {
        let answer = Answer { outcome, id: None, error, took: Duration::from_millis(7) };
        journal.answered(RUN, &change.address, answer).unwrap();
    }

    /// Outcome and error of each change.
    fn told(path: &std::path::Path) -> Vec<(Option<String>, Option<String>)> {
        let entries = Journal::history(path, &Query::default()).unwrap();
        entries.into_iter().map(|entry| (entry.outcome, entry.error)).collect()
    }

    fn pair(outcome: Option<&str>, error: Option<&str>) -> (Option<String>, Option<String>) {
        (outcome.map(str::to_owned), error.map(str::to_owned))
    }

    #[test]
    fn a_change_is_under_way_while_somebody_writes_and_unknown_once_nobody_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        let mut journal = Journal::open(&path).unwrap().0.of_tests();
        let (update, replace) = (change("a", Action::Update), change("b", Action::Replace));
        let lock = journal.lock_writes("apply").unwrap();
        sends(&mut journal, &update, 1);
        sends(&mut journal, &replace, 2);
        journal.is_halfway(RUN, &replace.address).unwrap();
        assert_eq!(told(&path), [pair(None, None), pair(None, Some(HALFWAY))]);
        drop(lock);
        let both = format!("{HALFWAY}: {ENDED}");
        let ended = [pair(Some("unknown"), Some(ENDED)), pair(Some("unknown"), Some(&both))];
        assert_eq!(told(&path), ended);
        // The next one who writes says the same for good.
        journal.nothing_is_under_way().unwrap();
        let _lock = journal.lock_writes("apply").unwrap();
        assert_eq!(told(&path), ended);
        assert_eq!(journal.open_changes().unwrap().len(), 2, "they may yet be seen to be made");
    }

    #[test]
    fn an_unknown_change_is_completed_when_it_is_seen_and_not_once_the_object_is_changed_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        let mut journal = Journal::open(&path).unwrap().0.of_tests();
        let update = change("a", Action::Update);
        sends(&mut journal, &update, 1);
        answered(&mut journal, &update, "unknown", Some("lost"));
        let open = journal.open_changes().unwrap();
        let [OpenChange { n, fields, .. }] = &open[..] else { panic!("{open:?}") };
        assert_eq!(fields, &update.fields);
        journal.seen_made(*n, "7").unwrap();
        assert_eq!(told(&path), [pair(Some("applied"), None)]);
        assert!(journal.open_changes().unwrap().is_empty());

        let (first, again) = (Run { id: "2", trigger: "apply" }, Run { id: "3", trigger: "apply" });
        journal.sends(first, &update, &[], None, at(2)).unwrap();
        journal.sends(again, &update, &[], None, at(3)).unwrap();
        let open = journal.open_changes().unwrap();
        assert_eq!(open.len(), 1, "{open:?}");
        journal.seen_made(open[0].n - 1, "7").unwrap();
        assert_eq!(told(&path)[1], pair(Some("unknown"), Some(ENDED)));
    }

    #[test]
    fn the_oldest_changes_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db");
        let mut journal = Journal::open(&path).unwrap().0.of_tests();
        for second in 1..=3 {
            sends(&mut journal, &change("a", Action::Update), second);
        }
        // As if the history were full but for one.
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute("update history set n = n + ?1 where n > 1", params![KEPT - 2]).unwrap();
        db.execute("update sqlite_sequence set seq = ?1 where name = 'history'", params![KEPT + 1]).unwrap();
        sends(&mut journal, &change("a", Action::Update), 4);
        let entries = Journal::history(&path, &Query::default()).unwrap();
        let kept: Vec<i64> = entries.iter().map(|entry| entry.at.as_second()).collect();
        assert_eq!(kept, [2, 3, 4]);
    }

    #[test]
    fn a_failure_is_counted_while_it_is_the_same_and_forgotten_when_it_is_over() {
        let mut journal = Journal::in_memory().unwrap().of_tests();
        let (mut update, other) = (change("a", Action::Update), change("b", Action::Update));
        let every = Some(Duration::from_mins(15));
        let times = |journal: &mut Journal, second: i64| {
            let failing = journal.failing(every, at(second)).unwrap();
            failing.values().map(|failing| failing.times).collect::<Vec<_>>()
        };
        for expected in 1..=3 {
            journal.failed(&update, "no", at(0)).unwrap();
            assert_eq!(times(&mut journal, 0), [expected]);
        }
        journal.failed(&other, "no", at(0)).unwrap();
        // Three failures wait for 48 minutes, one for 12.
        assert_eq!(times(&mut journal, 12 * 60 - 1), [3, 1]);
        assert_eq!(times(&mut journal, 12 * 60), [3]);
        assert_eq!(times(&mut journal, 48 * 60), [0_u32; 0]);
        journal.succeeded(&other.address).unwrap();
        // The live value moves.
        update.fields[0].before = "8h".into();
        journal.failed(&update, "no", at(0)).unwrap();
        assert_eq!(times(&mut journal, 0), [1]);
        let mut plan = crate::plan::Plan::empty(crate::desired::settings::Mode::Enforce);
        plan.changes.push(update.clone());
        journal.forget_moved(&plan).unwrap();
        assert_eq!(times(&mut journal, 0), [1], "it stands as it failed");
        plan.changes[0].fields[0].before = "9h".into();
        journal.forget_moved(&plan).unwrap();
        assert_eq!(times(&mut journal, 0), [0_u32; 0]);
        journal.failed(&update, "no", at(0)).unwrap();
        journal.try_all_again().unwrap();
        assert_eq!(times(&mut journal, 0), [0_u32; 0]);
    }

    #[test]
    fn only_reverts_of_the_same_drift_within_a_day_are_counted() {
        let mut journal = Journal::in_memory().unwrap().of_tests();
        let drift = change("a", Action::Update);
        let mut other = drift.clone();
        other.fields[0].before = "8h".into();
        let hour = 3600;
        for (at_hour, run, change) in
            [(0, "1", &drift), (10, "2", &drift), (20, "3", &other), (30, "4", &drift)]
        {
            let run = Run { id: run, trigger: "schedule" };
            journal.sends(run, change, &change.fields, None, at(at_hour * hour)).unwrap();
            let answer = Answer { outcome: "applied", id: None, error: None, took: Duration::ZERO };
            journal.answered(run, &change.address, answer).unwrap();
            journal.reverted(run, &change.address).unwrap();
        }
        for (now, expected) in [(31, 2), (33, 2), (35, 1), (55, 0)] {
            let mut plan = crate::plan::Plan::empty(crate::desired::settings::Mode::Enforce);
            plan.changes.push(drift.clone());
            journal.date_drifts(&mut plan, true, at(now * hour)).unwrap();
            assert_eq!(plan.changes[0].reverted, expected, "after {now} hours");
            assert_eq!(plan.changes[0].reason.contains("24 h"), expected > 0);
        }
    }
}
