//! What is odd about a world: an object that nobody can identify, texts that nobody can read, words that nobody knows,
//! members that nobody may list.
//!
//! What an answer shows otherwise than it is kept is a lasting fault of the simulator.

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::species::{NEWER_CAPABILITY, NEWER_MODULE, Species};
use crate::watch::Sight;
use crate::world::{Mark, Role, Subject, World};

/// How a text of an answer is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It ends in half of a pair of surrogates, as where it was cut inside an emoji.
    Surrogate,
    /// Its member is given twice.
    Doubled,
    /// It holds a byte of Latin-1.
    Latin1,
}

/// What is odd about a world as a whole.
#[derive(Debug, Default)]
pub(crate) struct Oddities {
    /// The object whose name is broken in listings: its place among the subjects.
    pub(crate) broken: Option<(usize, Broken)>,
    /// Whether the members of organization connectors cannot be listed.
    pub(crate) members_unread: bool,
}

/// An AWS connector without a role, as older scripts made them.
pub(crate) fn unidentified(dice: &mut Dice, number: u64, world: &World) -> Subject {
    let species = Species::Aws;
    let ignored = dice.in_a_hundred(25);
    // Only where nothing else of that account is live: two in one account are another story.
    let missing = world.subjects.iter().filter(|subject| {
        subject.species == species && subject.seeded.is_empty() && subject.entry(0).is_some()
    });
    let mut accounts: Vec<Option<u64>> = missing.map(|subject| Some(subject.number)).collect();
    accounts.extend([Some(number), None]);
    let account = dice.pick(&accounts);
    let mut object = species.live(dice, number, false);
    object["name"] = format!("{}-{number}", if ignored { "legacy" } else { "keyless" }).into();
    object.as_object_mut().unwrap().remove("arn");
    // A capability bears the role's name, and could not be written back.
    object["connectorAppInfos"] = json!([]);
    if let Some(account) = account {
        object["awsAccountId"] = species.identity(account).into();
    }
    let (role, entries) = (Role::Unidentified { account, ignored }, [None, None]);
    Subject { species, number, role, seeded: vec![object], entries, maybe_ours: false }
}

/// Words of a live object that are newer than the guide.
pub(crate) fn newer_words(dice: &mut Dice, species: Species, object: &mut Value) {
    if !matches!(species, Species::Aws | Species::Azure) {
        return;
    }
    if dice.in_a_hundred(12) {
        object["activation"].as_array_mut().unwrap().push(NEWER_MODULE.into());
    }
    if dice.in_a_hundred(8) {
        object["connectorAppInfos"].as_array_mut().unwrap().push(NEWER_CAPABILITY.into());
    }
    if dice.in_a_hundred(8) {
        object["connectorState"] = "REBALANCING".into();
    }
}

/// The newer words that stand in an object.
pub(crate) fn newer_words_in(object: &Value) -> Vec<&'static str> {
    let text = object.to_string();
    let all = [NEWER_MODULE, NEWER_CAPABILITY].into_iter();
    all.filter(|word| text.contains(&format!("\"{word}\""))).collect()
}

impl Subject {
    /// Whether it is an object that nobody can identify, and that may be this other one.
    fn may_be(&self, other: &Subject) -> bool {
        match self.role {
            Role::Unidentified { account, ignored: false } => {
                other.species == Species::Aws && account.is_none_or(|account| account == other.number)
            }
            _ => false,
        }
    }
}

impl World {
    /// Draws what is odd, once it is known what there is.
    pub(crate) fn become_odd(&mut self, dice: &mut Dice) {
        if dice.in_a_hundred(14) {
            let subject = unidentified(dice, 300, self);
            self.subjects.push(subject);
        }
        if dice.in_a_hundred(25) {
            let strange: Vec<usize> = (0..self.subjects.len()).filter(|at| self.may_be_broken(*at)).collect();
            if !strange.is_empty() {
                let broken = dice.pick(&[Broken::Surrogate, Broken::Doubled, Broken::Latin1]);
                self.odd.broken = Some((dice.pick(&strange), broken));
            }
        }
        let has = |role: Role| self.subjects.iter().any(|subject| subject.role == role);
        // What joins an organization is compared with the members that it has.
        self.odd.members_unread = has(Role::Member) && !has(Role::Joins) && dice.in_a_hundred(50);
    }

    /// Whether nobody names the object.
    fn may_be_broken(&self, at: usize) -> bool {
        let Subject { species, role, seeded, .. } = &self.subjects[at];
        let listed =
            matches!(species, Species::Tag | Species::Aws | Species::Azure | Species::Gcp | Species::Oci);
        listed && self.subjects[at].is_left() && *role == Role::Left(Mark::None) && seeded.len() == 1
    }

    /// What is wrong with the platform's answers all the time.
    pub(crate) fn lasting_faults(&self) -> Value {
        let mut faults = Vec::new();
        if let Some((at, broken)) = self.odd.broken {
            let Subject { species, seeded, .. } = &self.subjects[at];
            let name = seeded[0]["name"].as_str().unwrap();
            let member = format!("\"name\":\"{name}\"");
            let with = match broken {
                Broken::Surrogate => format!("\"name\":\"{name} \\ud83d\""),
                Broken::Doubled => format!("{member},{member}"),
                Broken::Latin1 => format!("\"name\":\"{name} \u{e9}t\u{e9}\""),
            };
            faults.push(json!({"kind": "rewritten", "path": format!("/search/am/{}", species.simulated()),
                "text": member, "with": with}));
        }
        if self.odd.members_unread {
            faults.push(json!({"kind": "status", "status": 403, "path": "/member-connectors"}));
        }
        for fault in &mut faults {
            (fault["times"], fault["lasting"]) = (0.into(), true.into());
        }
        faults.into()
    }

    /// Whether a connector may be in the way of a create: one that nobody can identify, in its account or in one that is
    /// not told.
    pub(crate) fn is_veiled(&self, subject: &Subject) -> bool {
        self.subjects.iter().any(|other| other.may_be(subject))
    }

    /// Whether an object that nobody can identify may be one that the file names and nobody finds.
    pub(crate) fn keeps_back(&self, other: &Subject, edition: usize, sight: &Sight) -> bool {
        let is_missing = |subject: &&Subject| {
            subject.entry(edition).is_some() && sight.live(subject.species, &subject.identity()).is_empty()
        };
        self.subjects.iter().filter(is_missing).any(|subject| other.may_be(subject))
    }
}
