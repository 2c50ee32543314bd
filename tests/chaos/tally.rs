//! What was done, in figures.

use std::collections::BTreeMap;
use std::fmt;

/// Counts over one seed, or over many.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) seeds: u64,
    pub(crate) processes: u64,
    pub(crate) kills: u64,
    pub(crate) requests: u64,
    pub(crate) writes: u64,
    pub(crate) changes_by_others: u64,
    /// Listings that were not believed until a person said so.
    pub(crate) doubted: u64,
    pub(crate) faults: BTreeMap<String, u64>,
    /// What is seldom, and how often it was met.
    pub(crate) seldom: BTreeMap<&'static str, u64>,
    /// Logins that the platform refused.
    pub(crate) wrong_logins: u64,
    /// How the last pass that was needed was reached.
    pub(crate) passes: BTreeMap<u64, u64>,
    pub(crate) exits: BTreeMap<i32, u64>,
    pub(crate) violations: u64,
}

impl Tally {
    pub(crate) fn meet(&mut self, what: &'static str) {
        *self.seldom.entry(what).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Tally) {
        self.seeds += other.seeds;
        self.processes += other.processes;
        self.kills += other.kills;
        self.requests += other.requests;
        self.writes += other.writes;
        self.changes_by_others += other.changes_by_others;
        self.violations += other.violations;
        self.doubted += other.doubted;
        self.wrong_logins += other.wrong_logins;
        for (what, count) in &other.seldom {
            *self.seldom.entry(what).or_default() += count;
        }
        for (kind, count) in &other.faults {
            *self.faults.entry(kind.clone()).or_default() += count;
        }
        for (passes, count) in &other.passes {
            *self.passes.entry(*passes).or_default() += count;
        }
        for (code, count) in &other.exits {
            *self.exits.entry(*code).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally {
            seeds,
            processes,
            kills,
            requests,
            writes,
            changes_by_others,
            doubted,
            faults,
            seldom,
            wrong_logins,
            passes,
            exits,
            violations,
        } = self;
        let listed = |counts: Vec<(String, u64)>| {
            counts.into_iter().map(|(what, count)| format!("{what} {count}")).collect::<Vec<_>>().join(", ")
        };
        let met: u64 = faults.values().sum();
        writeln!(f, "seeds: {seeds}, violations: {violations}")?;
        writeln!(f, "processes: {processes}, killed: {kills}")?;
        writeln!(f, "requests: {requests}, writes: {writes}, changes by others: {changes_by_others}")?;
        let faults = faults.iter().map(|(kind, count)| (kind.clone(), *count)).collect();
        writeln!(f, "faults met: {met} ({})", listed(faults))?;
        let seldom = seldom.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect();
        writeln!(f, "seldom: {}, logins refused {wrong_logins}", listed(seldom))?;
        let exits = exits.iter().map(|(code, count)| (format!("exit {code}:"), *count)).collect();
        writeln!(f, "ends: {}", listed(exits))?;
        let passes = passes.iter().map(|(passes, count)| (format!("{passes} passes:"), *count)).collect();
        writeln!(f, "listings not believed until a person said so: {doubted}")?;
        writeln!(f, "needed once it was quiet: {}", listed(passes))
    }
}
