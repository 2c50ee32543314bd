//! A world: what is live, what the file says in its two editions, under which policy, and what must become of what.
//!
//! The model is no second planner. It says of each object one of four things: it becomes as the file says, it goes, it
//! is left alone, or either of the last two is right.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::draw::{joined, options, organization_of, policy, role, subject};
use crate::secrets::{Secrets, password};
use crate::species::{ANCHOR, FIXTURE, NAMED, REGISTRY, Species};

pub(crate) const OWNER: &str = "cloudsec";
pub(crate) const OTHER: &str = "platform-team";

/// `reconcile`, as far as it decides what becomes of an object.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) prune: &'static str,
    pub(crate) prune_action: &'static str,
    pub(crate) replace: &'static str,
    pub(crate) owned: bool,
    pub(crate) max_deletes: u64,
    pub(crate) max_change_percent: u64,
    /// Whether there is one.
    pub(crate) journal: bool,
    pub(crate) pull: &'static str,
}

/// Whose mark the description of a live object bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    None,
    Ours,
    /// Ours, and protected from deletes.
    OursKept,
    Theirs,
}

/// Why an object is in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
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
    pub(crate) role: Role,
    /// What is live at the start.
    pub(crate) seeded: Vec<Value>,
    /// The entries in the two editions of the file.
    pub(crate) entries: [Option<Value>; 2],
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
        if *species == Species::Organization && policy.replace == "allowed" && (*maybe_ours || ours) {
            // Another one that the tenant has not got yet may be taken for its new name.
            return Fate::Either;
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
            // Without its section nothing of a kind goes, but for what there is one of.
            "all" if !self.is_named(*species, edition) && *species != Species::SnapshotScan => {
                Fate::Untouched
            }
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
                "replace": replace, "delete_after": "0s",
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

/// What changes in the file from one step to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings<'a> {
    pub(crate) policy: &'a str,
    pub(crate) settle_for: &'a str,
}
