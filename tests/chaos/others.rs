//! What other people do to the platform meanwhile.

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::run::Run;
use crate::species::Species;
use crate::watch::Sight;
use crate::world::{Fate, Subject, World};

impl Run<'_> {
    /// Somebody else changes something.
    pub(crate) fn others(&mut self, dice: &mut Dice) {
        let sight = Sight::of(&self.simulator);
        let fates: Vec<(usize, Fate)> = self
            .world
            .subjects
            .iter()
            .enumerate()
            .map(|(at, subject)| {
                let live = sight.live(subject.species, &subject.identity());
                (at, self.world.fate(subject, self.edition, live))
            })
            .collect();
        let single = |at: usize| match sight
            .live(self.world.subjects[at].species, &self.world.subjects[at].identity())
        {
            [one] => Some(one.clone()),
            _ => None,
        };
        let wanted: Vec<usize> = fates
            .iter()
            .filter(|(at, fate)| {
                *fate == Fate::Becomes && self.world.subjects[*at].is_plain() && single(*at).is_some()
            })
            .map(|(at, _)| *at)
            .collect();
        let left: Vec<usize> = fates
            .iter()
            .filter(|(at, fate)| {
                let subject = &self.world.subjects[*at];
                *fate == Fate::Untouched
                    && subject.is_left()
                    && subject.species.is_connector()
                    && single(*at).is_some()
            })
            .map(|(at, _)| *at)
            .collect();
        let change = match dice.between(0, 3) {
            0 if !wanted.is_empty() => {
                let at = dice.pick(&wanted);
                let (species, object) = (self.world.subjects[at].species, single(at).unwrap());
                drifted(dice, species)
                    .map(|set| json!({"kind": species.simulated(), "id": object["id"], "set": set}))
            }
            1 if !wanted.is_empty() => {
                let at = dice.pick(&wanted);
                let subject = &mut self.world.subjects[at];
                let object = single_of(&sight, subject);
                // What is single tells nothing of its making: whose it is after this nobody could say.
                (!subject.species.is_single()).then(|| {
                    subject.maybe_ours = true;
                    json!({"kind": subject.species.simulated(), "id": object["id"], "delete": true})
                })
            }
            2 if !left.is_empty() => {
                let at = dice.pick(&left);
                let (species, object) = (self.world.subjects[at].species, single(at).unwrap());
                drifted(dice, species)
                    .map(|set| json!({"kind": species.simulated(), "id": object["id"], "set": set}))
            }
            _ => {
                let number = 500 + self.tally.changes_by_others;
                let subject = World::stranger(dice, number);
                let change = json!({"kind": subject.species.simulated(), "create": subject.seeded[0]});
                self.world.subjects.push(subject);
                Some(change)
            }
        };
        let Some(change) = change else { return };
        self.tell(format!("somebody else: {change}"));
        self.simulator.control("POST", "objects", &change);
        self.tally.changes_by_others += 1;
        self.look_anew();
    }
}

fn single_of(sight: &Sight, subject: &Subject) -> Value {
    sight.live(subject.species, &subject.identity())[0].clone()
}

/// What somebody sets an object of the kind to.
fn drifted(dice: &mut Dice, species: Species) -> Option<Value> {
    match species {
        Species::Tag => Some(json!({"color": "#123456"})),
        Species::Aws | Species::Azure | Species::Gcp | Species::Oci => Some(dice.pick(&[
            &(|| json!({"runFrequency": 480})) as &dyn Fn() -> Value,
            &|| json!({"disabled": true}),
            &|| json!({"name": "drifted"}),
        ])()),
        Species::Organization => Some(json!({"orgRunFrequency": {"hours": 24, "minutes": 0}})),
        Species::GlobalScan => Some(json!({"scanPrefix": "drifted"})),
        Species::Schedule => Some(json!({"schedule": "23:59"})),
        Species::SnapshotScan | Species::RegistryConnector => None,
    }
}
