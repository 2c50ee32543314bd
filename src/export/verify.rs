//! Reads the file as the program does and plans with it, and takes out what keeps it from being valid and in sync.

use std::collections::HashMap;
use std::path::Path;

use jiff::civil::Date;

use super::body::{Lines, entry_at};
use super::draft::Draft;
use super::entry;
use crate::desired::{self, Desired, Rejected};
use crate::plan::{Action, Known, LiveState, Names, Policy, plan};
use crate::resource::{Address, Kind, Spec};

/// How often the file is read and planned with, at most. Each time takes something out; once is the rule.
const ROUNDS: usize = 30;

impl Draft<'_> {
    /// Reads the file and plans with it, and takes out what keeps it from being valid and in sync.
    pub(super) fn verify(&mut self, live: &LiveState) -> Result<(), String> {
        for _ in 0..ROUNDS {
            let (text, lines) = self.body();
            let agreed = match read(&text) {
                Ok(desired) => self.agree(&desired, &lines, live)?,
                Err(rejected) => {
                    for problem in &rejected.problems {
                        let place = problem.place.as_ref().map_or(0, |place| place.line);
                        let at = entry_at(&lines, place).ok_or_else(|| problem.to_string())?;
                        self.entries[at].withhold(&problem.message);
                    }
                    false
                }
            };
            if agreed {
                return Ok(());
            }
        }
        Err("it still does not plan to no change".to_owned())
    }

    /// Whether the file plans to no change; takes out what stands against it.
    fn agree(&mut self, desired: &Desired, lines: &Lines, live: &LiveState) -> Result<bool, String> {
        if !self.name_clearly(desired, lines, live) {
            return Ok(false);
        }
        let planned =
            plan(desired, live, &Known::default(), &Policy::from_settings(&desired.settings.reconcile));
        let by_id: HashMap<(Kind, &str), usize> = (self.entries.iter().enumerate())
            .map(|(at, entry)| ((entry.address.kind, entry.id.as_str()), at))
            .collect();
        let mut refused: Vec<(usize, Option<String>, String)> = Vec::new();
        let of_address = |address: &Address| {
            let declared = addresses_of(address.kind, desired);
            let place = declared.into_iter().find(|(declared, _)| declared == address).map(|(_, line)| line);
            place.and_then(|line| entry_at(lines, line)).ok_or_else(|| format!("{address} is not in it"))
        };
        for change in &planned.changes {
            match change.action {
                Action::Update | Action::Replace => {
                    let id = (change.address.kind, change.id.as_deref().unwrap_or_default());
                    let at = *by_id.get(&id).ok_or_else(|| format!("{} is not in it", change.address))?;
                    for field in &change.fields {
                        let (live, file) = (entry::plain(&field.before), entry::plain(&field.after));
                        let why = format!("the file can only say {file} where the platform has {live}");
                        refused.push((at, Some(field.path.clone()), why));
                    }
                }
                Action::Create => {
                    let why = "the file cannot say which of the live objects it is";
                    refused.push((of_address(&change.address)?, None, why.to_owned()));
                }
                // What is live, ours and not exported.
                Action::Delete => {}
            }
        }
        for failed in &planned.failed {
            if let Some(address) = &failed.address {
                refused.push((of_address(address)?, None, failed.error.clone()));
            }
        }
        let agreed = refused.is_empty();
        for (at, field, why) in refused {
            let entry = &mut self.entries[at];
            entry.refuse(entry.address.kind.fields(), field.as_deref(), &why);
        }
        Ok(agreed)
    }

    /// Whether every name of another object means one; takes out those that do not.
    fn name_clearly(&mut self, desired: &Desired, lines: &Lines, live: &LiveState) -> bool {
        let names = Names::new(&desired.declared, live);
        let unclear = |spec: &Spec| {
            let mut found = Vec::new();
            spec.clone()
                .references(&mut |reference| found.extend(names.unclear(reference.kind, reference.name)));
            found
        };
        let mut all_clear = true;
        for declared in &desired.declared {
            let mut found = unclear(&declared.spec);
            if found.is_empty() {
                continue;
            }
            all_clear = false;
            let Some(at) = entry_at(lines, declared.place.line) else { continue };
            let entry = &mut self.entries[at];
            let mut spec = declared.spec.clone();
            for field in spec.kind().fields().iter().filter(|field| !field.identifies) {
                spec.leave_out(field.name);
                let left = unclear(&spec);
                if left.len() < found.len() {
                    entry.refuse(spec.kind().fields(), Some(field.name), &found[0]);
                    found = left;
                }
            }
            if let Some(why) = found.first() {
                entry.withhold(why);
            }
        }
        all_clear
    }
}

/// Reads the file as the program does.
pub(super) fn read(text: &str) -> Result<Desired, Rejected> {
    // No check that looks at the day refuses anything.
    const ANY_DAY: Date = Date::constant(2000, 1, 1);
    desired::load_text(Path::new("export.yaml"), text, ANY_DAY)
}

/// The addresses of a kind's entries as the plan gives them, each with its line.
fn addresses_of(kind: Kind, desired: &Desired) -> Vec<(Address, u32)> {
    let declared = || desired.declared.iter().filter(move |entry| entry.spec.kind() == kind);
    let mut seen: HashMap<String, usize> = HashMap::new();
    for entry in declared() {
        *seen.entry(entry.spec.address_name()).or_default() += 1;
    }
    let address = |spec: &Spec| {
        let name = spec.address_name();
        let repeated = seen.get(&name).is_some_and(|seen| *seen > 1);
        let identity = spec.identity().filter(|_| repeated);
        Address::new(kind, identity.map_or_else(|| name.clone(), |identity| format!("{name}#{identity}")))
    };
    declared().map(|entry| (address(&entry.spec), entry.place.line)).collect()
}
