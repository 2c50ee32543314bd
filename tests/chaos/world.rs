//! A world: what is live, what the file says in its two editions, under which policy, and what must become of what.
//!
//! The model is no second planner. It says of each object one of four things: it becomes as the file says, it goes, it
//! is left alone, or either of the last two is right.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::draw::{joined, options, organization_of, policy, role, subject};
use crate::oddities::Oddities;
use crate::secrets::{Secrets, password};
use crate::species::{ANCHOR, BALLAST, FIXTURE, NAMED, REGISTRY, Species};

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
    /// None, a short one, which is over with the next pass, or a long one, which is over with none.
    pub(crate) delete_after: &'static str,
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
    /// An AWS connector without a role. `account`: the number of the one that it tells, if any.
    Unidentified { account: Option<u64>, ignored: bool },
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
        match self.role {
            Role::Unidentified { .. } => self.seeded[0]["name"].as_str().unwrap().to_owned(),
            _ => self.species.identity(self.number),
        }
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
    pub(crate) empty_sections: BTreeSet<Species>,
    /// Whether some entries stand in a file that the main one includes.
    pub(crate) included: bool,
    /// Whether that file is gone.
    pub(crate) vanished: bool,
    pub(crate) odd: Oddities,
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
    pub(crate) login: [Value; 2],
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
            included: dice.in_a_hundred(40),
            vanished: false,
            odd: Oddities::default(),
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
        world.become_odd(dice);
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
        add(tag(BALLAST, Role::Wanted, Vec::new(), Some(json!({"name": Species::Tag.name(BALLAST)}))));
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
                .any(|subject| subject.species == species && self.stands(subject, edition).is_some())
    }

    /// The entry of an object, where a file gives it now.
    fn stands<'a>(&self, subject: &'a Subject, edition: usize) -> Option<&'a Value> {
        subject.entry(edition).filter(|_| !(self.vanished && self.is_included(subject)))
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
        if subject.entry(edition).is_some() && self.stands(subject, edition).is_none() {
            // What a file that is gone has named is nobody's wish to delete.
            return Fate::Untouched;
        }
        if self.odd.members_unread && *species == Species::Azure && !live.is_empty() {
            // Each of them may be a member.
            return Fate::Untouched;
        }
        if subject.entry(edition).is_some() {
            return match role {
                Role::Wanted if live.is_empty() && self.is_veiled(subject) => Fate::Untouched,
                Role::Wanted if *species == Species::RegistryConnector => Fate::Goes,
                Role::Wanted | Role::Joins => Fate::Becomes,
                Role::Foreign if live.is_empty() || !marked("[trueup:") => Fate::Becomes,
                Role::Fixed(protected) if policy.replace == "allowed" && !protected => Fate::Becomes,
                Role::Observed | Role::Foreign | Role::Fixed(_) | Role::Twins | Role::Member => {
                    Fate::Untouched
                }
                Role::Left(_) | Role::Legacy | Role::Unidentified { .. } => unreachable!("not in the file"),
            };
        }
        let ours = policy.owned && marked(&format!("[trueup:{OWNER}]"));
        let strange = !marked("[trueup:");
        if matches!(species, Species::GlobalScan | Species::RegistryConnector)
            || matches!(role, Role::Member | Role::Unidentified { ignored: true, .. })
        {
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
            // Whether a file that is gone named its section is one question more.
            _ if by_all && self.vanished => Fate::Either,
            _ if by_all => Fate::Goes,
            _ => Fate::Untouched,
        }
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
