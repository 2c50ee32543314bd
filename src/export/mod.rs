//! The live state as a file that plans to no change. Pure: reads no platform, resolves no secret, writes nothing.
//!
//! An entry is what [`crate::resource::Spec::fields`] gives, which is the file's own form, so that a kind
//! needs no code here. What the file would not take is left out and listed at the top: first judged entry by
//! entry (`entry.rs`), then by reading the whole file as the program does and planning with it, until there is
//! nothing to change.

mod entry;
mod head;
mod yaml;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;

use jiff::civil::Date;

use crate::desired::{self, Desired, Rejected, Settings};
use crate::plan::{Action, Known, LiveState, Names, Policy, plan};
use crate::resource::{Address, ConnectorsApi, Kind, LiveObject, Spec};
use crate::secret::SecretRef;
use crate::visible::visible;

use entry::Entry;

/// Which objects are exported.
#[derive(Debug, Default, Clone)]
pub struct Selection {
    /// Those of these kinds; empty for all.
    pub kinds: BTreeSet<Kind>,
    /// These alone; empty for all.
    pub targets: BTreeSet<Address>,
}

impl Selection {
    fn kinds(&self) -> BTreeSet<Kind> {
        if !self.targets.is_empty() {
            return self.targets.iter().map(|target| target.kind).collect();
        }
        if self.kinds.is_empty() { Kind::ALL.iter().copied().collect() } else { self.kinds.clone() }
    }

    /// Of the kinds and objects that are asked for by name, one that cannot be had through this API.
    #[must_use]
    pub fn not_had(&self, api: ConnectorsApi) -> Option<Kind> {
        let named = self.kinds.iter().copied().chain(self.targets.iter().map(|target| target.kind));
        named.into_iter().find(|kind| !api.has(*kind))
    }

    /// The kinds to read: those of the objects, and those that these name.
    #[must_use]
    pub fn kinds_to_read(&self, api: ConnectorsApi) -> Vec<Kind> {
        let kinds = self.kinds();
        let named: BTreeSet<Kind> = kinds.iter().flat_map(|kind| kind.refers_to()).copied().collect();
        kinds.union(&named).copied().filter(|kind| api.has(*kind)).collect()
    }

    fn takes(&self, address: &Address, object: &LiveObject) -> bool {
        let by_name = || Address::new(address.kind, object.spec.address_name());
        self.targets.is_empty() || self.targets.contains(address) || self.targets.contains(&by_name())
    }
}

/// The file, and what is to be said of it.
#[derive(Debug)]
pub struct Export {
    /// The file.
    pub text: String,
    /// How many objects it declares.
    pub objects: usize,
    /// How many references to secrets it holds that are to be filled in.
    pub secrets: usize,
    /// How many fields it leaves out, or has to be told.
    pub left_out: usize,
    /// How many objects stand in it as comments alone.
    pub withheld: usize,
    /// The kinds that could not be read, and why.
    pub failed: Vec<(Kind, String)>,
    /// Targets that are not live.
    pub unknown_targets: Vec<Address>,
    /// Why the file cannot be relied on; a defect of this program.
    pub flaw: Option<String>,
}

/// Makes the file.
#[must_use]
pub fn export(live: &LiveState, settings: &Settings, platform: &str, selection: &Selection) -> Export {
    let mut draft = Draft::new(live, settings, selection);
    let flaw = draft.verify(live).err();
    let text = head::comment(&draft, platform) + &draft.body().0;
    let flaw = flaw.or_else(|| Some(read(&text).err()?.problems.first()?.to_string()));
    let kept = || draft.entries.iter().filter(|entry| entry.withheld.is_none());
    Export {
        text,
        objects: kept().count(),
        secrets: kept().map(|entry| entry.secrets(entry.address.kind.fields()).count()).sum(),
        left_out: kept().map(|entry| entry.left_out.len()).sum(),
        withheld: draft.entries.len() - kept().count(),
        failed: draft.failed,
        unknown_targets: draft.unknown_targets,
        flaw,
    }
}

/// The file as it comes into being.
struct Draft<'a> {
    settings: &'a Settings,
    /// By kind, then by name.
    entries: Vec<Entry>,
    /// The platform's own objects, which are not exported.
    platforms_own: BTreeMap<(Kind, String), Vec<String>>,
    /// The kinds of which the platform cannot be asked what there is.
    unlisted: Vec<Kind>,
    failed: Vec<(Kind, String)>,
    unknown_targets: Vec<Address>,
}

/// The entry that starts at each line, lines from 1.
type Lines = BTreeMap<u32, usize>;

/// How often the file is read and planned with, at most. Each time takes something out; once is the rule.
const ROUNDS: usize = 30;

impl<'a> Draft<'a> {
    fn new(live: &LiveState, settings: &'a Settings, selection: &Selection) -> Draft<'a> {
        let mut draft = Draft {
            settings,
            entries: Vec::new(),
            platforms_own: BTreeMap::new(),
            unlisted: Vec::new(),
            failed: Vec::new(),
            unknown_targets: Vec::new(),
        };
        let (kinds, mut unknown) = (selection.kinds(), selection.targets.clone());
        let mut names = SecretNames::new(settings);
        for (&kind, listing) in live.kinds() {
            let listing = match listing {
                Err(error) => {
                    unknown.retain(|target| target.kind != kind);
                    draft.failed.push((kind, error.clone()));
                    continue;
                }
                Ok(_) if !kinds.contains(&kind) => continue,
                Ok(_) if !kind.is_listed() || kind.is_scoped() => {
                    draft.unlisted.push(kind);
                    continue;
                }
                Ok(listing) => listing,
            };
            let mut objects: Vec<(Address, &LiveObject)> = addresses(kind, listing).zip(listing).collect();
            objects.sort_by_key(|(address, live)| (address.clone(), id_order(&live.id)));
            let shared = shared_identities(listing);
            for (address, object) in
                objects.into_iter().filter(|(address, object)| selection.takes(address, object))
            {
                unknown.remove(&Address::new(kind, object.spec.address_name()));
                unknown.remove(&address);
                draft.add(object, address, &shared, &mut names);
            }
        }
        draft.unknown_targets = unknown.into_iter().collect();
        draft
    }

    fn add(
        &mut self,
        live: &LiveObject,
        address: Address,
        shared: &HashMap<String, Vec<&str>>,
        names: &mut SecretNames,
    ) {
        let kind = address.kind;
        // What everybody shares and nobody may change is the platform's own.
        if let (Some(why), true) = (&live.locked, kind.is_shared()) {
            self.platforms_own.entry((kind, why.clone())).or_default().push(address.name);
            return;
        }
        let fields = kind.fields();
        let mut entry = Entry::new(live, address, fields, &mut |address, field| names.make(address, field));
        let owner = self.settings.reconcile.owner.as_deref();
        match &live.owner {
            Some(mark) if owner == Some(mark.name.as_str()) => {
                (entry.ours, entry.prevent_delete) = (true, mark.prevent_delete);
            }
            Some(mark) => entry.withhold(format!("it bears the mark of the owner {}", mark.name)),
            None => {}
        }
        let identity = live.spec.identity();
        if let Some(ids) =
            identity.as_ref().and_then(|identity| shared.get(identity)).filter(|ids| ids.len() > 1)
        {
            let identity = identity.as_deref().unwrap_or_default();
            entry.withhold(format!(
                "{} live objects have the identity {identity}: ids {}",
                ids.len(),
                ids.join(", ")
            ));
        }
        entry.settle(fields, &|fields| entry::check(kind, fields));
        self.entries.push(entry);
    }

    /// The file without the comment at its top, and where its entries start.
    fn body(&self) -> (String, Lines) {
        let mut body = Body { out: head::settings(self.settings), starts: Vec::new() };
        let has = |kind: Kind, kept: bool| {
            self.entries.iter().any(|entry| entry.address.kind == kind && entry.withheld.is_none() == kept)
        };
        let (declared, rest): (Vec<Kind>, Vec<Kind>) =
            Kind::ALL.iter().copied().partition(|kind| has(*kind, true));
        self.sections(&declared, 0, false, &mut body);
        // A section without entries would say that there is to be nothing of its kind.
        let rest: Vec<Kind> = rest.into_iter().filter(|kind| has(*kind, false)).collect();
        if !rest.is_empty() {
            let mut comments = Body::default();
            self.sections(&rest, 0, true, &mut comments);
            body.out.push('\n');
            yaml::comment(&mut body.out, 0, comments.out.trim_start());
        }
        let lines = body.lines();
        (body.out, lines)
    }

    /// The sections of these kinds, which are alike down to a depth.
    fn sections(&self, kinds: &[Kind], depth: usize, in_comment: bool, body: &mut Body) {
        let mut keys: Vec<&str> = Vec::new();
        for kind in kinds {
            if !keys.contains(&kind.section()[depth]) {
                keys.push(kind.section()[depth]);
            }
        }
        for key in keys {
            let within: Vec<Kind> =
                kinds.iter().copied().filter(|kind| kind.section()[depth] == key).collect();
            let blank = if depth == 0 { "\n" } else { "" };
            let _ = writeln!(body.out, "{blank}{}{key}:", "  ".repeat(depth));
            match within.as_slice() {
                [kind] if kind.section().len() == depth + 1 => {
                    self.entries_of(*kind, 2 * depth + 2, in_comment, body);
                }
                _ => self.sections(&within, depth + 1, in_comment, body),
            }
        }
    }

    fn entries_of(&self, kind: Kind, column: usize, in_comment: bool, body: &mut Body) {
        for (at, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.address.kind == kind) {
            match entry.why_withheld() {
                None => {
                    body.starts.push((body.out.len(), at));
                    body.out.push_str(&entry_text(entry, column));
                }
                Some(why) => {
                    let why = visible(&format!("Not exported ({}, id {}): {why}", entry.address, entry.id));
                    yaml::comment(&mut body.out, column, &why);
                    if in_comment {
                        body.out.push_str(&entry_text(entry, column));
                    } else {
                        yaml::comment(&mut body.out, column, &entry_text(entry, 0));
                    }
                }
            }
        }
    }

    /// Reads the file and plans with it, and takes out what keeps it from being valid and in sync.
    fn verify(&mut self, live: &LiveState) -> Result<(), String> {
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
fn read(text: &str) -> Result<Desired, Rejected> {
    // No check that looks at the day refuses anything.
    const ANY_DAY: Date = Date::constant(2000, 1, 1);
    desired::load_text(Path::new("export.yaml"), text, ANY_DAY)
}

/// Sections as they are written.
#[derive(Default)]
struct Body {
    out: String,
    /// Where entries start, in bytes.
    starts: Vec<(usize, usize)>,
}

impl Body {
    fn lines(&self) -> Lines {
        let (mut line, mut from) = (1_u32, 0);
        let lines = self.starts.iter().map(|&(start, at)| {
            let passed = self.out[from..start].matches('\n').count();
            line = line.saturating_add(u32::try_from(passed).unwrap_or(u32::MAX));
            from = start;
            (line, at)
        });
        lines.collect()
    }
}

fn entry_at(lines: &Lines, line: u32) -> Option<usize> {
    lines.range(..=line).next_back().map(|(_, at)| *at)
}

/// The entry as it stands in its section.
fn entry_text(entry: &Entry, column: usize) -> String {
    let dash = if entry.address.kind.is_singleton() { 0 } else { 2 };
    let mut text = String::new();
    for (key, value) in &entry.fields {
        yaml::pair(&mut text, column + dash, key, value);
    }
    if entry.prevent_delete {
        yaml::pair(&mut text, column + dash, "prevent_delete", &true.into());
    }
    let mut aside = |key: &str, value: &serde_json::Value| {
        let mut line = String::new();
        yaml::pair(&mut line, 0, key, value);
        yaml::comment(&mut text, column + dash, &line);
    };
    for (field, value) in &entry.advised {
        aside(field, value);
    }
    for left_out in &entry.left_out {
        if let Some(value) = &left_out.value {
            aside(&left_out.field, value);
        }
    }
    if let Some(label) = &entry.label {
        yaml::comment(&mut text, column + dash, &format!("Known as {}.", visible(label)));
    }
    if dash == 0 {
        return text;
    }
    let mut item = String::new();
    yaml::item(&mut item, column, &text);
    item
}

/// The addresses of a listing, as a plan gives them to what is unmanaged.
fn addresses(kind: Kind, listing: &[LiveObject]) -> impl Iterator<Item = Address> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for object in listing {
        *seen.entry(object.spec.address_name()).or_default() += 1;
    }
    listing.iter().map(move |object| {
        let name = object.spec.address_name();
        match seen.get(&name) {
            Some(2..) => {
                let identity = object.spec.identity().unwrap_or_else(|| object.id.clone());
                Address::new(kind, format!("{name}#{identity}"))
            }
            Some(_) | None => Address::new(kind, name),
        }
    })
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

/// The ids of the live objects of each identity.
fn shared_identities(listing: &[LiveObject]) -> HashMap<String, Vec<&str>> {
    let mut ids: HashMap<String, Vec<&str>> = HashMap::new();
    for object in listing {
        if let Some(identity) = object.spec.identity() {
            ids.entry(identity).or_default().push(&object.id);
        }
    }
    ids
}

/// Ids that are numbers, by number.
fn id_order(id: &str) -> (usize, &str) {
    (id.len(), id)
}

/// Names for references to secrets: of the object and the field, each once.
struct SecretNames {
    taken: BTreeSet<String>,
}

impl SecretNames {
    fn new(settings: &Settings) -> SecretNames {
        let own = [&settings.platform.username, &settings.platform.password];
        let names = own.into_iter().flatten().filter_map(|reference| match reference {
            SecretRef::Env(name) => Some(name.clone()),
            SecretRef::File(_) | SecretRef::Credential(_) | SecretRef::Command(_) => None,
        });
        SecretNames { taken: names.collect() }
    }

    /// `AZURE_CORP_SHARED_AUTHENTICATION_KEY` for the authentication key of `azure/corp-shared`.
    fn make(&mut self, address: &Address, field: &str) -> String {
        let text = format!("{address}_{field}").to_ascii_uppercase();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let name = words.collect::<Vec<_>>().join("_");
        let mut unique = name.clone();
        for number in 2.. {
            if self.taken.insert(unique.clone()) {
                break;
            }
            unique = format!("{name}_{number}");
        }
        unique
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_named_after_their_objects_each_once() {
        let mut names = SecretNames { taken: BTreeSet::from(["AWS_X_KEY".to_owned()]) };
        for (object, name) in [
            ("corp-shared", "AWS_CORP_SHARED_KEY"),
            ("corp shared", "AWS_CORP_SHARED_KEY_2"),
            ("Corp (shared)!", "AWS_CORP_SHARED_KEY_3"),
            ("x", "AWS_X_KEY_2"),
            ("ünder→1", "AWS_NDER_1_KEY"),
            ("日本", "AWS_KEY"),
        ] {
            assert_eq!(names.make(&Address::new(Kind::Aws, object), "key"), name);
        }
    }
}
