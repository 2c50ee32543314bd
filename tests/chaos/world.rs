//! A world: what is live, what the file says in its two editions, under which policy, and what must become of what.
//!
//! The model is no second planner. It says of each object one of four things: it becomes as the file says, it goes, it
//! is left alone, or either of the last two is right.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::secrets::{Secrets, password};
use crate::species::{ANCHOR, FIXTURE, NAMED, REGISTRY, Species};

pub(crate) const OWNER: &str = "cloudsec";
const OTHER: &str = "platform-team";

/// `reconcile`, as far as it decides what becomes of an object.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) prune: &'static str,
    pub(crate) prune_action: &'static str,
    replace: &'static str,
    pub(crate) owned: bool,
    pub(crate) max_deletes: u64,
    max_change_percent: u64,
    /// Whether there is one.
    pub(crate) journal: bool,
    pull: &'static str,
}

/// Whose mark the description of a live object bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    Ours,
    /// Ours, and protected from deletes.
    OursKept,
    Theirs,
}

/// Why an object is in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The file names it, and nothing speaks against it.
    Wanted,
    /// The file names it and says only to look.
    Observed,
    /// Live, with this mark or none, and not in the file.
    Left(Mark),
    /// The file names it; another owner's mark is on it.
    Foreign,
    /// The file says otherwise in a field that is fixed at creation; the flag: and protects it.
    Fixed(bool),
    /// Two live objects have what the file names.
    Twins,
    /// A member of an organization connector of which the file says otherwise.
    Member,
    /// Live, not in the file, and in the list of what is ignored.
    Legacy,
    /// The file makes it a member of an organization connector, after which its own updates are held.
    Joins,
}

/// What must become of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// As the file says.
    Becomes,
    /// Deleted, or switched off.
    Goes,
    /// Left as it is.
    Untouched,
    /// Left or deleted: whose it is cannot be known by anybody.
    Either,
}

/// One object, live or wanted.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) species: Species,
    pub(crate) number: u64,
    role: Role,
    /// What is live at the start.
    pub(crate) seeded: Vec<Value>,
    /// The entries in the two editions of the file.
    entries: [Option<Value>; 2],
    /// Whether it was made, or may have been made, by us.
    pub(crate) maybe_ours: bool,
}

impl Subject {
    pub(crate) fn identity(&self) -> String {
        self.species.identity(self.number)
    }

    pub(crate) fn entry(&self, edition: usize) -> Option<&Value> {
        self.entries[edition].as_ref()
    }

    /// Its address, where it has a name of its own.
    pub(crate) fn address(&self) -> String {
        format!("{}/{}", self.species.simulated(), self.species.name(self.number))
    }

    /// Whether somebody may change it without making a judgement of it harder.
    pub(crate) fn is_plain(&self) -> bool {
        let stays = self.entries[0].as_ref().is_some_and(|entry| entry.get("members").is_some());
        self.role == Role::Wanted && self.identity() != ANCHOR && !stays
    }

    /// Whether nobody may touch it, so that somebody else's change must stay.
    pub(crate) fn is_left(&self) -> bool {
        // By another name what is ignored would not be.
        matches!(self.role, Role::Left(_)) && self.identity() != FIXTURE
    }
}

/// What there is, and what is wanted.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) policy: Policy,
    pub(crate) subjects: Vec<Subject>,
    /// Kinds whose section stands in the file though nothing is in it.
    empty_sections: BTreeSet<Species>,
    pub(crate) secrets: Secrets,
    pub(crate) options: BTreeMap<&'static str, String>,
    /// How long a create whose answer was lost is looked for while there is trouble.
    pub(crate) settle_for: &'static str,
    pub(crate) concurrency: u64,
    /// How long one answer may take. A short one makes an answer that comes late one that never came.
    pub(crate) timeout: &'static str,
    pub(crate) username: String,
    pub(crate) password: String,
    /// How the file refers to the two.
    login: [Value; 2],
}

impl World {
    pub(crate) fn of(dice: &mut Dice) -> World {
        let policy = policy(dice);
        let mut secrets = Secrets::default();
        let username = format!("user_{}", dice.between(100, 999));
        let password = password(dice);
        let login = [
            secrets.tell("username", &username),
            secrets.keep(dice, "platform", password.clone(), &password),
        ];
        let mut world = World {
            options: options(dice),
            settle_for: "",
            timeout: if dice.in_a_hundred(6) { "1s" } else { "20s" },
            concurrency: if dice.in_a_hundred(85) { 1 } else { 4 },
            policy,
            subjects: Vec::new(),
            empty_sections: BTreeSet::new(),
            secrets,
            username,
            password,
            login,
        };
        if !world.policy.journal {
            // Nothing is there to remember what a search does not show yet.
            world.options.remove("search_lag");
        }
        // What a search does not show yet must be waited for; where searches show all, nothing need be.
        world.settle_for = if world.lags() { "1h" } else { dice.pick(&["1h", "1ms"]) };
        world.populate(dice);
        world.second_edition(dice);
        world
    }

    pub(crate) fn lags(&self) -> bool {
        self.options.contains_key("search_lag")
    }

    fn populate(&mut self, dice: &mut Dice) {
        let mut add = |subject: Subject| self.subjects.push(subject);
        let tag = |number, role, seeded, entry: Option<Value>| Subject {
            species: Species::Tag,
            number,
            role,
            seeded,
            maybe_ours: false,
            entries: [entry.clone(), entry],
        };
        // Named by others: there all along.
        let anchor = json!({"name": ANCHOR, "color": "#AA0000"});
        add(tag(NAMED, Role::Wanted, vec![anchor.clone()], Some(anchor)));
        add(tag(NAMED + 1, Role::Left(Mark::None), vec![json!({"name": FIXTURE, "color": "#00BB00"})], None));
        // A few kinds a world, so that there are several of one.
        let mut kinds = dice.some(&Species::ALL);
        kinds.extend([dice.pick(&Species::ALL), Species::Aws]);
        if dice.in_a_hundred(20) {
            // Many of one kind, so that the limits in percent are met.
            kinds = vec![dice.pick(&[Species::Aws, Species::Azure, Species::Tag, Species::Schedule])];
        }
        if !self.policy.journal {
            // Without a journal nobody can know what is registered.
            kinds.retain(|species| *species != Species::SnapshotScan);
        }
        let size = dice.weigh(&[(6, 4), (4, 9), (2, 18)]);
        let mut size = dice.between(3, size);
        // A great clearing: most of what is there is to go.
        let clearing = dice.in_a_hundred(6);
        if clearing {
            kinds = vec![dice.pick(&[Species::Aws, Species::Azure, Species::Schedule])];
            size = dice.between(13, 18);
            self.policy =
                Policy { prune: "all", max_deletes: 20, max_change_percent: 100, ..self.policy.clone() };
        }
        for number in 1..=size {
            let species = dice.pick(&kinds);
            if species.is_single() {
                kinds.retain(|other| *other != species);
            }
            let role = if clearing && dice.in_a_hundred(75) {
                Role::Left(Mark::None)
            } else {
                role(dice, species, &self.policy)
            };
            let subject = subject(dice, species, number, role, &self.policy, &mut self.secrets);
            if role == Role::Member {
                add(organization_of(&subject));
            }
            if species == Species::Organization && role == Role::Wanted && dice.in_a_hundred(40) {
                let (member, organization) = joined(dice, subject, &mut self.secrets);
                add(member);
                add(organization);
                continue;
            }
            add(subject);
        }
        for species in Species::ALL {
            if !species.is_single() && dice.in_a_hundred(40) {
                self.empty_sections.insert(species);
            }
        }
    }

    /// Some entries are dropped in the second edition, others say something else.
    fn second_edition(&mut self, dice: &mut Dice) {
        for Subject { species, number, role, entries: [earlier, later], .. } in &mut self.subjects {
            // What has members, or is one, stays as it is.
            let joined = earlier.as_ref().is_some_and(|entry| entry.get("members").is_some());
            if earlier.is_none() || *number >= NAMED || *role != Role::Wanted || joined {
                continue;
            }
            match dice.between(0, 9) {
                0..=1 => *later = None,
                // Of OCI a secret is fixed at creation: whether it needs a replace the journal alone would know.
                2..=4 if *species != Species::Oci => {
                    let label = format!("{}-rotated", species.name(*number));
                    *later = Some(species.entry(dice, *number, &label, &mut self.secrets));
                }
                _ => {}
            }
        }
    }

    /// Whether the kind's section stands in an edition.
    fn is_named(&self, species: Species, edition: usize) -> bool {
        self.empty_sections.contains(&species)
            || self
                .subjects
                .iter()
                .any(|subject| subject.species == species && subject.entry(edition).is_some())
    }

    /// What must become of an object from now on. `live` is whether it is there, `mark` whose mark it bears now.
    pub(crate) fn fate(&self, subject: &Subject, edition: usize, live: &[Value]) -> Fate {
        let Subject { species, role, maybe_ours, entries: [earlier, _], .. } = subject;
        let protected = earlier.as_ref().is_some_and(|entry| entry.get("prevent_delete").is_some());
        let policy = &self.policy;
        let marked = |mark: &str| {
            let bears =
                |object: &Value| object["description"].as_str().is_some_and(|text| text.contains(mark));
            live.iter().any(bears)
        };
        if subject.entry(edition).is_some() {
            return match role {
                Role::Wanted if *species == Species::RegistryConnector => Fate::Goes,
                Role::Wanted | Role::Joins => Fate::Becomes,
                Role::Foreign if live.is_empty() || !marked("[trueup:") => Fate::Becomes,
                Role::Fixed(protected) if policy.replace == "allowed" && !protected => Fate::Becomes,
                Role::Observed | Role::Foreign | Role::Fixed(_) | Role::Twins | Role::Member => {
                    Fate::Untouched
                }
                Role::Left(_) | Role::Legacy => unreachable!("not in the file"),
            };
        }
        let ours = policy.owned && marked(&format!("[trueup:{OWNER}]"));
        let strange = !marked("[trueup:");
        if matches!(species, Species::GlobalScan | Species::RegistryConnector) || *role == Role::Member {
            return Fate::Untouched;
        }
        // Of a registry that the file does not name nothing is looked at.
        let looks = policy.pull == "all" && *species != Species::Schedule;
        if !looks && !self.is_named(*species, edition) {
            return Fate::Untouched;
        }
        let by_all = policy.prune == "all"
            && self.is_named(*species, edition)
            && !species.is_shared()
            && *species != Species::SnapshotScan
            && *role != Role::Legacy;
        match policy.prune {
            "never" => Fate::Untouched,
            // The mark says neither; the journal may.
            _ if (ours || strange) && protected => Fate::Either,
            _ if ours => Fate::Goes,
            _ if !strange => Fate::Untouched,
            _ if *maybe_ours => Fate::Either,
            _ if by_all => Fate::Goes,
            _ => Fate::Untouched,
        }
    }

    /// The file of an edition.
    pub(crate) fn file(&self, edition: usize, url: &str, settings: &Settings<'_>) -> String {
        let Policy { prune, prune_action, replace, owned, max_deletes, max_change_percent, journal, pull } =
            &self.policy;
        let [username, password] = &self.login;
        let mut file = json!({
            "version": 1,
            "platform": {"pod": "simulator", "api_url": url, "username": username, "password": password,
                "timeout": self.timeout, "concurrency": self.concurrency},
            "listen": "off",
            "journal": if *journal { "./trueup.db" } else { "off" },
            "reconcile": {"policy": settings.policy, "every": "1h", "pull": pull, "prune": prune,
                "prune_action": prune_action,
                "replace": replace,
                "max_deletes": max_deletes, "max_change_percent": max_change_percent,
                "settle_for": settings.settle_for, "unmanaged_ignore": ["*/legacy-*"]},
        });
        if *owned {
            file["reconcile"]["owner"] = OWNER.into();
        }
        for species in Species::ALL {
            let entries = self.subjects.iter().filter(|subject| subject.species == species);
            let entries: Vec<&Value> = entries.filter_map(|subject| subject.entry(edition)).collect();
            if entries.is_empty() && !self.empty_sections.contains(&species) {
                continue;
            }
            let all = json!(entries);
            match species {
                Species::Tag => file["tags"] = all,
                Species::Aws => file["connectors"]["aws"] = all,
                Species::Azure => file["connectors"]["azure"] = all,
                Species::Gcp => file["connectors"]["gcp"] = all,
                Species::Oci => file["connectors"]["oci"] = all,
                Species::Organization => file["azure_organizations"] = all,
                Species::GlobalScan => file["global_scan"] = all[0].clone(),
                Species::SnapshotScan => file["snapshot_scan"] = all[0].clone(),
                Species::Schedule => {
                    file["container_security"]["registries"] = json!([{"id": REGISTRY, "schedules": all}]);
                }
                Species::RegistryConnector => {
                    let (aws, acr): (Vec<&Value>, Vec<&Value>) =
                        entries.into_iter().partition(|entry| entry.get("arn").is_some());
                    file["container_security"]["registry_connectors"] = json!({"aws": aws, "acr": acr});
                }
            }
        }
        format!("{file:#}")
    }

    /// What is live at the start, as a seed of the simulator.
    pub(crate) fn seed(&self) -> Value {
        let mut seed = json!({"registry": [{"registryName": "shop", "registryUuid": REGISTRY, "registryType": "AWS",
            "registryUri": "https://210987654321.dkr.ecr.eu-west-1.amazonaws.com"}]});
        for Subject { species, seeded, .. } in &self.subjects {
            for object in seeded {
                let kind = species.simulated();
                match seed[kind].as_array_mut() {
                    Some(all) => all.push(object.clone()),
                    None => seed[kind] = json!([object]),
                }
            }
        }
        seed
    }

    /// A connector that somebody makes by hand.
    pub(crate) fn stranger(dice: &mut Dice, number: u64) -> Subject {
        let species = dice.pick(&[Species::Aws, Species::Azure, Species::Gcp, Species::Oci]);
        let seeded = vec![species.live(dice, number, false)];
        let (role, entries) = (Role::Left(Mark::None), [None, None]);
        Subject { species, number, role, seeded, entries, maybe_ours: false }
    }
}

/// An organization connector that is to have a member, and that member.
fn joined(dice: &mut Dice, organization: Subject, secrets: &mut Secrets) -> (Subject, Subject) {
    let (species, number) = (Species::Azure, 700 + organization.number);
    let name = species.name(number);
    let mut entry = species.entry(dice, number, &name, secrets);
    // Were it to be updated, that would be held once it is a member.
    entry.as_object_mut().unwrap().retain(|field, _| !matches!(field.as_str(), "perimeter_scan" | "tags"));
    let member = Subject {
        species,
        number,
        role: Role::Joins,
        seeded: Vec::new(),
        entries: [Some(entry.clone()), Some(entry)],
        maybe_ours: true,
    };
    let named = |entry: &Option<Value>| {
        let mut entry = entry.clone()?;
        entry["members"] = json!([format!("azure/{name}")]);
        Some(entry)
    };
    let entries = organization.entries.each_ref().map(named);
    (member, Subject { entries, ..organization })
}

/// The organization connector of another owner that a member belongs to.
fn organization_of(member: &Subject) -> Subject {
    let number = 900 + member.number;
    let species = Species::Organization;
    let mut object = species.live(&mut Dice::of(number), number, false);
    object["members"] = json!([member.seeded[0]["id"]]);
    object["description"] = format!("theirs [trueup:{OTHER}]").into();
    let (role, entries) = (Role::Left(Mark::Theirs), [None, None]);
    Subject { species, number, role, seeded: vec![object], entries, maybe_ours: false }
}

/// What changes in the file from one step to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings<'a> {
    pub(crate) policy: &'a str,
    pub(crate) settle_for: &'a str,
}

fn policy(dice: &mut Dice) -> Policy {
    let owned = dice.in_a_hundred(65);
    let prune =
        if owned { dice.pick(&["never", "owned", "owned", "all"]) } else { dice.pick(&["never", "all"]) };
    Policy {
        prune,
        owned,
        prune_action: dice.pick(&["delete", "delete", "delete", "disable"]),
        replace: dice.pick(&["allowed", "never"]),
        max_deletes: dice.pick(&[0, 1, 2, 5, 20]),
        max_change_percent: dice.pick(&[10, 30, 100]),
        journal: dice.in_a_hundred(90),
        pull: dice.pick(&["all", "declared"]),
    }
}

/// A platform that takes all that the file may say, and that would make doubles if it were asked to.
fn options(dice: &mut Dice) -> BTreeMap<&'static str, String> {
    let mut options = BTreeMap::from([
        ("oci_run_frequency_update", "accepted".to_owned()),
        ("gcp_undocumented_fields", "accepted".to_owned()),
        ("reuse_after_delete", "allowed".to_owned()),
        ("duplicate_identity", "accepted".to_owned()),
        ("duplicate_tag", "accepted".to_owned()),
    ]);
    let mut maybe = |times, name, value: String| {
        if dice.in_a_hundred(times) {
            options.insert(name, value);
        }
    };
    maybe(20, "duplicate_identity", "refused".to_owned());
    maybe(30, "page_limit", "2".to_owned());
    maybe(20, "search_lag", "2".to_owned());
    maybe(10, "search_lag", "5".to_owned());
    for (name, other) in [
        ("auth_failure", "401"),
        ("powered_by", "off"),
        ("unknown_id", "404"),
        ("unknown_id", "not_found"),
        ("deleted_in_search", "shown"),
        ("start_from_id", "exclusive"),
        ("json_booleans", "real"),
        ("data_shape", "object-when-single"),
        ("echo_endpoints", "on"),
        ("secrets_on_read", "masked"),
        ("secrets_on_read", "absent"),
        ("azure_identifier_on_read", "kept"),
        ("oci_answers", "common"),
        ("empty_list", "object"),
        ("schedule_id", "different"),
        ("snapshot_reregister", "updated"),
        ("states", "errors"),
    ] {
        maybe(15, name, other.to_owned());
    }
    options
}

fn role(dice: &mut Dice, species: Species, policy: &Policy) -> Role {
    let role = dice.weigh(&[
        (58, Role::Wanted),
        (7, Role::Observed),
        (10, Role::Left(Mark::None)),
        (8, Role::Left(Mark::Ours)),
        (3, Role::Left(Mark::OursKept)),
        (3, Role::Left(Mark::Theirs)),
        (4, Role::Foreign),
        (6, Role::Fixed(false)),
        (2, Role::Fixed(true)),
        (2, Role::Twins),
        (4, Role::Member),
        (4, Role::Legacy),
    ]);
    let fits = match role {
        Role::Wanted | Role::Observed | Role::Left(Mark::None) => true,
        Role::Left(_) => species.is_described(),
        Role::Foreign => species.is_described() && policy.owned,
        Role::Fixed(_) => species.has_fixed_fields(),
        Role::Twins | Role::Legacy => species.is_connector() && species != Species::Organization,
        Role::Member | Role::Joins => species == Species::Azure,
    };
    if fits { role } else { Role::Wanted }
}

fn subject(
    dice: &mut Dice,
    species: Species,
    number: u64,
    role: Role,
    policy: &Policy,
    secrets: &mut Secrets,
) -> Subject {
    let live = match role {
        // What is registered already keeps its schedule, whatever is asked for.
        Role::Wanted if species == Species::SnapshotScan => dice.in_a_hundred(30),
        Role::Wanted | Role::Observed => dice.in_a_hundred(55),
        _ => true,
    };
    let mut seeded = Vec::new();
    if live {
        let mut object = species.live(dice, number, matches!(role, Role::Fixed(_)));
        let mark = match role {
            Role::Left(mark) => mark,
            Role::Foreign => Mark::Theirs,
            Role::Wanted if species.is_described() && policy.owned && dice.in_a_hundred(30) => Mark::Ours,
            _ => Mark::None,
        };
        let bears = match mark {
            Mark::None => None,
            Mark::Ours => Some(format!("[trueup:{OWNER}]")),
            Mark::OursKept => Some(format!("[trueup:{OWNER}!]")),
            Mark::Theirs => Some(format!("[trueup:{OTHER}]")),
        };
        if let Some(bears) = bears {
            object["description"] =
                format!("{} {bears}", object["description"].as_str().unwrap()).trim().into();
        }
        if role == Role::Legacy {
            object["name"] = format!("legacy-{number}").into();
        }
        if role == Role::Member {
            object["id"] = (5000 + number).into();
            object["isAttachedToOrgConnector"] = true.into();
        }
        if role == Role::Wanted && species == Species::Aws && dice.in_a_hundred(20) {
            // Another role in the same account.
            object["arn"] = crate::species::role(&species.identity(number), "Former").into();
        }
        if role == Role::Twins {
            seeded.push(object.clone());
        }
        seeded.push(object);
    }
    let named = !matches!(role, Role::Left(_) | Role::Legacy);
    let entry = named.then(|| {
        let mut entry = species.entry(dice, number, &species.name(number), secrets);
        match role {
            Role::Observed => entry["policy"] = "observe".into(),
            Role::Fixed(true) => entry["prevent_delete"] = true.into(),
            Role::Wanted if dice.in_a_hundred(10) && species != Species::RegistryConnector => {
                entry["prevent_delete"] = true.into();
            }
            _ => {}
        }
        entry
    });
    // Who has registered what is registered already, no answer tells.
    let maybe_ours = named && (!live || species == Species::SnapshotScan);
    Subject { species, number, role, seeded, entries: [entry.clone(), entry], maybe_ours }
}
