//! Whose facts are meant: the one place where that is decided.
//!
//! Facts belong to the subscription that they were learned from. Where the platform tells its id, that decides; else the
//! API host and the login do, under which a subscription was reached before. What is known of a subscription goes with it
//! when the platform begins to tell its id, or ceases to.

use std::collections::BTreeMap;

use rusqlite::{Connection, TransactionBehavior, params};

use super::{Entered, Journal, JournalError, kind_of};
use crate::plan::LiveState;
use crate::resource::Kind;
use crate::subscription::Subscription;

/// The tables that hold facts; each has a column `subscription`.
pub(super) const TABLES: [&str; 9] =
    ["object", "listing", "refused", "section", "unsettled", "drift", "history", "failing", "leaving"];

/// A subscription of which there are facts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    n: i64,
    /// As the platform told it.
    id: Option<String>,
    /// The hosts and logins by which it was reached.
    ways: Vec<(String, String)>,
}

impl Row {
    fn is_reached_by(&self, wanted: &Subscription) -> bool {
        self.ways.iter().any(|(host, login)| *host == wanted.host && *login == wanted.login)
    }

    fn has_host(&self, host: &str) -> bool {
        self.ways.iter().any(|(of, _)| of == host)
    }

    /// Written by a version that did not tell subscriptions apart, and not used since.
    fn is_unclaimed(&self) -> bool {
        self.id.is_none() && self.ways.is_empty()
    }

    /// Whether it may be the one of this id.
    fn may_be(&self, wanted: &Subscription) -> bool {
        match (&self.id, &wanted.id) {
            (Some(id), Some(told)) => Subscription::same_id(id, told),
            (None, _) | (_, None) => true,
        }
    }
}

/// What is known of a subscription, and why it is taken to be of that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// These facts.
    Known(i64),
    /// These facts, and those of another number that turns out to be the same subscription: the platform tells its id now.
    Same { n: i64, also: i64 },
    /// Those of an older journal, which nobody has used since.
    Unclaimed(i64),
    /// Those that were learned by another login: what they tell of is there.
    OtherLogin(i64),
    /// None, though there are some of this host.
    AnotherOfThisHost,
    /// None.
    Nothing,
}

impl Found {
    const fn number(self) -> Option<i64> {
        match self {
            Found::Known(n) | Found::Same { n, also: _ } | Found::Unclaimed(n) | Found::OtherLogin(n) => {
                Some(n)
            }
            Found::AnotherOfThisHost | Found::Nothing => None,
        }
    }
}

/// Decides whose facts are meant. `is_there` tells whether the platform shows the objects that are known under a number.
fn find(
    wanted: &Subscription,
    rows: &[Row],
    mut is_there: impl FnMut(i64) -> Result<bool, JournalError>,
) -> Result<Found, JournalError> {
    let by_way = rows.iter().find(|row| row.is_reached_by(wanted) && row.may_be(wanted));
    let by_id = rows.iter().find(|row| wanted.id.is_some() && row.id.is_some() && row.may_be(wanted));
    match (by_id, by_way) {
        (Some(row), Some(way)) if row.n != way.n => return Ok(Found::Same { n: row.n, also: way.n }),
        (Some(row), _) | (None, Some(row)) => return Ok(Found::Known(row.n)),
        (None, None) => {}
    }
    if let Some(row) = rows.iter().find(|row| row.is_unclaimed()) {
        return Ok(Found::Unclaimed(row.n));
    }
    // The newest first.
    for row in rows.iter().rev().filter(|row| row.has_host(&wanted.host) && row.may_be(wanted)) {
        if is_there(row.n)? {
            return Ok(Found::OtherLogin(row.n));
        }
    }
    let of_this_host = rows.iter().any(|row| row.has_host(&wanted.host));
    Ok(if of_this_host { Found::AnotherOfThisHost } else { Found::Nothing })
}

impl Journal {
    /// From now on the facts of this subscription are meant, and of no other. What a person should know of that choice
    /// is given once. Where nothing could be read, nobody knows who would answer: what is known is found by host and login
    /// alone, and else there is nothing, neither known nor kept.
    pub fn enter(&mut self, wanted: &Subscription, live: &LiveState) -> Result<Option<String>, JournalError> {
        self.of = None;
        let Some(db) = &mut self.db else { return Ok(None) };
        let rows = rows(db)?;
        let found = find(wanted, &rows, |n| is_there(db, n, live))?;
        let is_settled = matches!(found, Found::Known(n) if rows.iter().any(|row| {
            row.n == n && row.is_reached_by(wanted) && (row.id.is_some() || wanted.id.is_none())
        }));
        if is_settled || !somebody_answered(live) {
            if let Found::Known(n) | Found::Same { n, also: _ } = found {
                self.of = Some(Entered { n, subscription: wanted.clone() });
            }
            return Ok(None);
        }
        // Another process may be at it: what is written is decided by what is there now.
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let rows = self::rows(&transaction)?;
        let found = find(wanted, &rows, |n| is_there(&transaction, n, live))?;
        let n = claim(&transaction, wanted, found)?;
        transaction.commit()?;
        let told = told(wanted, found, &rows);
        self.of = Some(Entered { n, subscription: wanted.clone() });
        Ok(told)
    }

    /// What [`Journal::enter`] would find, without claiming anything.
    pub(super) fn look_into(&mut self, wanted: &Subscription, live: &LiveState) -> Result<(), JournalError> {
        let Some(db) = &self.db else { return Ok(()) };
        let found = find(wanted, &rows(db)?, |n| is_there(db, n, live))?;
        self.of = found.number().map(|n| Entered { n, subscription: wanted.clone() });
        Ok(())
    }
}

/// Whether a listing came, so that it is known who answers. Of kinds that cannot be listed nothing is asked.
fn somebody_answered(live: &LiveState) -> bool {
    let mut asked = live.kinds().iter().filter(|(kind, _)| kind.is_listed()).peekable();
    asked.peek().is_none() || asked.any(|(_, listing)| listing.is_ok())
}

fn rows(db: &Connection) -> Result<Vec<Row>, JournalError> {
    let mut rows: Vec<Row> = db
        .prepare("select n, id from subscription order by n")?
        .query_map([], |row| Ok(Row { n: row.get(0)?, id: row.get(1)?, ways: Vec::new() }))?
        .collect::<Result<_, _>>()?;
    let mut query = db.prepare("select subscription, host, login from way")?;
    let mut ways = query.query([])?;
    while let Some(way) = ways.next()? {
        let n: i64 = way.get(0)?;
        if let Some(row) = rows.iter_mut().find(|row| row.n == n) {
            row.ways.push((way.get(1)?, way.get(2)?));
        }
    }
    Ok(rows)
}

/// Whether the listings hold the objects that are known under a number: some under their ids and identities, and more of
/// them than ids that have become something else.
fn is_there(db: &Connection, n: i64, live: &LiveState) -> Result<bool, JournalError> {
    let mut listed: BTreeMap<(Kind, &str), Option<String>> = BTreeMap::new();
    for (kind, listing) in live.kinds().iter().filter(|(kind, _)| kind.is_listed()) {
        for object in listing.iter().flatten() {
            listed.insert((*kind, &object.id), object.spec.identity());
        }
    }
    let mut query = db.prepare("select kind, id, identity from object where subscription = ?1")?;
    let mut objects = query.query(params![n])?;
    let (mut same, mut others) = (0, 0);
    while let Some(object) = objects.next()? {
        let Some(kind) = kind_of(object.get_ref(0)?) else { continue };
        let (id, identity): (String, String) = (object.get(1)?, object.get(2)?);
        match listed.get(&(kind, id.as_str())) {
            Some(Some(found)) if *found == identity => same += 1,
            Some(_) => others += 1,
            None => {}
        }
    }
    Ok(same > others)
}

/// Notes who is meant, and gives the number of the facts.
fn claim(db: &Connection, wanted: &Subscription, found: Found) -> Result<i64, JournalError> {
    let n = if let Some(n) = found.number() {
        n
    } else {
        db.execute("insert into subscription (id) values (null)", [])?;
        db.last_insert_rowid()
    };
    if let Found::Same { n, also } = found {
        for table in TABLES {
            // What is known by the id already holds.
            db.execute(
                &format!("update or ignore {table} set subscription = ?1 where subscription = ?2"),
                params![n, also],
            )?;
            db.execute(&format!("delete from {table} where subscription = ?1"), params![also])?;
        }
        db.execute("update way set subscription = ?1 where subscription = ?2", params![n, also])?;
        db.execute("delete from subscription where n = ?1", params![also])?;
    }
    db.execute("update subscription set id = coalesce(id, ?2) where n = ?1", params![n, wanted.id])?;
    db.execute(
        "insert into way (host, login, subscription) values (?1, ?2, ?3)
         on conflict (host, login) do update set subscription = excluded.subscription",
        params![wanted.host, wanted.login, n],
    )?;
    Ok(n)
}

/// Notes a subscription in a journal that was begun anew while its facts were meant.
pub(super) fn claim_anew(db: &Connection, wanted: &Subscription) -> Result<i64, JournalError> {
    let found = find(wanted, &rows(db)?, |_| Ok(false))?;
    claim(db, wanted, found)
}

/// What a person should know of the choice.
fn told(wanted: &Subscription, found: Found, rows: &[Row]) -> Option<String> {
    let host = &wanted.host;
    match found {
        Found::Known(_) | Found::Same { .. } | Found::Nothing => None,
        Found::Unclaimed(_) => Some(format!(
            "the journal was written by a version that did not tell subscriptions apart: what it knows is taken to be of \
             {wanted}"
        )),
        Found::OtherLogin(_) => Some(format!(
            "{host} is asked by another login than before, and shows the objects that the journal knows: what it knows of \
             them stays"
        )),
        Found::AnotherOfThisHost => {
            let by_this_login = rows.iter().any(|row| row.is_reached_by(wanted));
            let who = if by_this_login {
                "is another subscription than before"
            } else {
                "is asked by another login"
            };
            Some(format!(
                "{host} {who}, and what the journal knows of it is of another subscription: that is left alone, and \
                 nothing is known yet of this one"
            ))
        }
    }
}

/// The name of each subscription of which there are facts, for people: its host, and where that is not enough its id.
pub(super) fn names(db: &Connection) -> Result<BTreeMap<i64, String>, JournalError> {
    let mut names = BTreeMap::new();
    let rows = rows(db)?;
    for Row { n, id, ways } in &rows {
        let host = ways.last().map(|(host, _)| host.as_str());
        let alone = rows.iter().filter(|row| host.is_some_and(|host| row.has_host(host))).count() < 2;
        let name = match (host, id) {
            (Some(host), _) if alone => host.to_owned(),
            (Some(host), Some(id)) => format!("{host} ({id})"),
            (Some(host), None) => format!("{host} (#{n})"),
            (None, _) => "unknown".to_owned(),
        };
        names.insert(*n, name);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Membership;

    fn row(n: i64, id: Option<&str>, ways: &[(&str, &str)]) -> Row {
        let ways = ways.iter().map(|(host, login)| ((*host).to_owned(), (*login).to_owned())).collect();
        Row { n, id: id.map(str::to_owned), ways }
    }

    #[test]
    fn facts_are_found_by_the_id_then_by_host_and_login_then_by_what_is_there() {
        let told = |id: &str| row(1, Some(id), &[("api", "us")]);
        let untold = || row(1, None, &[("api", "us")]);
        let older = || row(1, None, &[]);
        let elsewhere = || row(2, None, &[("proxy", "us")]);
        for (id, host, login, rows, is_there, expected) in [
            // By the id, wherever it answers, and however its hyphens stand.
            (Some("a-1"), "api", "us", vec![told("a-1")], false, Found::Known(1)),
            (Some("A1"), "proxy", "eu", vec![told("a-1")], false, Found::Known(1)),
            (Some("b"), "proxy", "us", vec![told("a"), elsewhere()], false, Found::Known(2)),
            // What tells no id any more, or not yet.
            (None, "api", "us", vec![told("a")], false, Found::Known(1)),
            (Some("a"), "api", "us", vec![untold()], false, Found::Known(1)),
            (Some("a"), "proxy", "us", vec![told("a"), elsewhere()], false, Found::Same { n: 1, also: 2 }),
            // Another one, under whatever host and login.
            (Some("b"), "api", "us", vec![told("a")], true, Found::AnotherOfThisHost),
            (None, "other", "us", vec![told("a")], true, Found::Nothing),
            (None, "other", "us", vec![untold()], true, Found::Nothing),
            (None, "api", "us", vec![], true, Found::Nothing),
            // Another login.
            (None, "api", "eu", vec![untold()], true, Found::OtherLogin(1)),
            (None, "api", "eu", vec![untold()], false, Found::AnotherOfThisHost),
            (Some("a"), "api", "eu", vec![untold()], true, Found::OtherLogin(1)),
            (None, "api", "eu", vec![told("a")], true, Found::OtherLogin(1)),
            // An older journal goes to whoever comes first.
            (None, "api", "us", vec![older()], false, Found::Unclaimed(1)),
            (Some("a"), "api", "us", vec![older()], false, Found::Unclaimed(1)),
            (
                Some("a"),
                "api",
                "us",
                vec![older(), row(2, Some("a"), &[("api", "us")])],
                false,
                Found::Known(2),
            ),
        ] {
            let case = format!("{id:?} {host} {login} {rows:?}");
            let wanted =
                Subscription { id: id.map(str::to_owned), host: host.to_owned(), login: login.to_owned() };
            assert_eq!(find(&wanted, &rows, |_| Ok(is_there)).unwrap(), expected, "{case}");
        }
    }

    #[test]
    fn facts_that_were_learned_before_the_id_was_told_are_kept_with_it() {
        let at = |host: &str, id: Option<&str>| Subscription {
            id: id.map(str::to_owned),
            host: host.to_owned(),
            login: "us".to_owned(),
        };
        let mut journal = Journal::in_memory().unwrap();
        let mut enter = |wanted: &Subscription, made: Option<&str>| {
            journal.enter(wanted, &LiveState::default()).unwrap();
            if let Some(id) = made {
                journal.made(Kind::Aws, id, "arn", true).unwrap();
            }
            let known = journal.known(std::time::Duration::ZERO, jiff::Timestamp::UNIX_EPOCH).unwrap();
            known.objects.into_keys().map(|(_, id)| id).collect::<Vec<_>>()
        };
        assert_eq!(enter(&at("api", Some("a")), Some("1")), ["1"]);
        assert_eq!(enter(&at("proxy", None), Some("2")), ["2"]);
        assert_eq!(enter(&at("proxy", Some("a")), None), ["1", "2"]);
        assert_eq!(enter(&at("proxy", None), None), ["1", "2"]);
        assert_eq!(enter(&at("proxy", Some("b")), None), [""; 0]);
        assert_eq!(enter(&at("api", None), None), ["1", "2"]);
    }

    #[test]
    fn while_nothing_can_be_read_nothing_is_claimed_or_kept() {
        let nobody = LiveState::new([(Kind::Aws, Err("no".to_owned().into()))].into(), Membership::NotAsked);
        let somebody = Subscription { id: None, host: "api".to_owned(), login: "us".to_owned() };
        let mut journal = Journal::in_memory().unwrap();
        journal.enter(&somebody, &nobody).unwrap();
        journal.made(Kind::Aws, "1", "arn", true).unwrap();
        let objects = |journal: &mut Journal| {
            journal.known(std::time::Duration::ZERO, jiff::Timestamp::UNIX_EPOCH).unwrap().objects.len()
        };
        assert_eq!(objects(&mut journal), 0);
        journal.enter(&somebody, &LiveState::default()).unwrap();
        journal.made(Kind::Aws, "1", "arn", true).unwrap();
        // What was learned before is known also in a pass that reads nothing.
        journal.enter(&somebody, &nobody).unwrap();
        assert_eq!(objects(&mut journal), 1);
    }
}
