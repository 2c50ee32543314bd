//! The subscription: its objects, how it behaves, and what it remembers only while it runs.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use super::gateway::Gateway;
use super::options::{OWN_SUBSCRIPTION, Options};
use super::seed;
use super::settings::{Settings, StartError};
use super::state_file::{self, Left};
use super::store::{Kind, Record, Store};

/// Everything behind the one lock.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) store: Store,
    /// How often an object was read in its present state.
    pub(crate) reads: HashMap<(Kind, u64), u64>,
    /// Objects that searches do not show as they are yet.
    pub(crate) lagging: BTreeMap<(Kind, u64), Lagging>,
    /// The request at which an object was deleted; those of an earlier process count from the first one.
    pub(crate) deleted_at: HashMap<(Kind, u64), u64>,
    /// Requests so far.
    pub(crate) tick: u64,
    /// Tokens and jobs of the gateway.
    pub(crate) gateway: Gateway,
}

/// An object that searches show as it was.
#[derive(Debug, Clone)]
pub(crate) struct Lagging {
    pub(crate) before: Option<Arc<Record>>,
    pub(crate) searches: u64,
}

/// The time as the API writes it.
pub(crate) fn now() -> String {
    later(0)
}

/// The time in so many minutes.
pub(crate) fn later(minutes: u64) -> String {
    let seconds = i64::try_from(minutes.saturating_mul(60)).unwrap_or(0);
    let time = jiff::Timestamp::now();
    let time = time.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(time);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl World {
    pub(crate) fn open(settings: &Settings) -> Result<Self, StartError> {
        let mut world = Self {
            options: settings.options.clone(),
            store: Store::default(),
            reads: HashMap::new(),
            lagging: BTreeMap::new(),
            deleted_at: HashMap::new(),
            tick: 0,
            gateway: Gateway::default(),
        };
        let left = match &settings.state {
            Some(path) => state_file::load(path, &mut world.store)?,
            None => Left::default(),
        };
        // No two subscriptions have one UUID, and each keeps its own.
        let own = left.subscription.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        if world.options.subscription == OWN_SUBSCRIPTION {
            world.options.subscription.clone_from(&own);
        }
        if !left.found {
            seed::fill(&mut world, &settings.seed, &settings.generate)?;
        }
        if let Some(path) = &settings.state {
            let file = state_file::rewrite(path, &world.store, &own)?;
            world.store.attach(file);
        }
        world.store.start_afresh();
        world.forget_lag();
        Ok(world)
    }

    /// Stores an object; searches see it with the lag that is set.
    pub(crate) fn put(&mut self, kind: Kind, record: Record) -> Arc<Record> {
        self.put_late(kind, record, 0)
    }

    /// Stores an object; at least so many searches see it as it was.
    pub(crate) fn put_late(&mut self, kind: Kind, record: Record, searches: u64) -> Arc<Record> {
        self.lag(kind, record.id, searches);
        self.reads.remove(&(kind, record.id));
        if record.flag("isDeleted") {
            self.deleted_at.insert((kind, record.id), self.tick);
        }
        self.store.put(kind, record)
    }

    /// Drops an object for good.
    pub(crate) fn remove(&mut self, kind: Kind, id: u64) {
        self.lag(kind, id, 0);
        self.store.remove(kind, id);
    }

    pub(crate) fn commit(&mut self) -> io::Result<()> {
        self.store.commit()
    }

    /// Makes searches show everything as it is.
    pub(crate) fn forget_lag(&mut self) {
        self.lagging.clear();
    }

    /// The objects of a kind as a search sees them, and one search less to wait for.
    pub(crate) fn as_searched(&mut self, kind: Kind, first: u64) -> Vec<Arc<Record>> {
        let mut shown: BTreeMap<u64, Arc<Record>> =
            self.store.starting_at(kind, first).map(|record| (record.id, Arc::clone(record))).collect();
        for ((_, id), lagging) in self.lagging.iter_mut().filter(|((lagging, _), _)| *lagging == kind) {
            lagging.searches -= 1;
            match &lagging.before {
                Some(before) if *id >= first => drop(shown.insert(*id, Arc::clone(before))),
                _ => drop(shown.remove(id)),
            }
        }
        self.lagging.retain(|_, lagging| lagging.searches > 0);
        shown.into_values().collect()
    }

    fn lag(&mut self, kind: Kind, id: u64, searches: u64) {
        let searches = searches.max(self.options.search_lag);
        if searches > 0 {
            let before = self.store.get(kind, id).cloned();
            self.lagging.entry((kind, id)).or_insert(Lagging { before, searches });
        }
    }
}
