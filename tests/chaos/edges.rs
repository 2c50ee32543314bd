//! What happens seldom: the file goes and comes back, a folder above it is replaced, the password changes, the journal
//! is used for another subscription. Nothing else goes wrong meanwhile.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::bin::{Daemon, Simulator};
use crate::dice::Dice;
use crate::run::Run;
use crate::secrets::password;
use crate::species::{ANCHOR, FIXTURE, REGISTRY, Species};
use crate::watch::{Requests, Sight};
use crate::world::{Role, World};

/// A wrong password is tried once at the API server and once at the gateway: platforms lock an account after a few.
const MOST_WRONG_LOGINS: u64 = 2;

/// What happens seldom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    /// The included file is gone for a while, under a daemon that enforces.
    Vanishing,
    /// The folder of the file is replaced by one with the other edition, under the daemon.
    Swapped(&'static str),
    /// The platform's password changes under the daemon, and then the one that the file names.
    Rotated(&'static str),
    /// The password is wrong for commands.
    Refused,
    /// The same file and journal are used for another subscription, whose objects have the ids of ours.
    Elsewhere,
}

impl Edge {
    pub(crate) fn of(dice: &mut Dice, world: &World) -> Edge {
        let policy = dice.pick(&["dry-run", "enforce"]);
        let elsewhere = if world.policy.journal { 4 } else { 0 };
        dice.weigh(&[
            (if world.included { 8 } else { 0 }, Edge::Vanishing),
            (3, Edge::Swapped(policy)),
            (3, Edge::Rotated(policy)),
            (2, Edge::Refused),
            (elsewhere, Edge::Elsewhere),
        ])
    }
}

impl Run<'_> {
    pub(crate) fn edge(&mut self, edge: Edge, dice: &mut Dice) {
        self.tell(format!("{edge:?}"));
        match edge {
            Edge::Vanishing => self.vanishing(dice),
            Edge::Swapped(policy) => self.swapped(policy),
            Edge::Rotated(policy) => self.rotated(policy, dice),
            Edge::Refused => self.refused(dice),
            Edge::Elsewhere => self.elsewhere(dice),
        }
    }

    /// A daemon that has ended its first pass.
    fn daemon_at_work(&mut self, policy: &str) -> Daemon {
        self.write_file(policy, self.world.settle_for);
        let mut daemon = Daemon::spawn(self.command(&["run", "--log-format", "json"]));
        self.tally.processes += 1;
        daemon.finish_pass();
        daemon
    }

    fn end(&mut self, daemon: Daemon, policy: &str) {
        let ended = daemon.stop();
        let requests = self.after(&ended);
        self.check_daemon(&requests, policy);
        self.write_file("dry-run", self.world.settle_for);
    }

    fn vanishing(&mut self, dice: &mut Dice) {
        let mut daemon = self.daemon_at_work("enforce");
        self.asked();
        let (there, aside) = (self.folder.path("etc/conf.d"), self.folder.path("aside"));
        self.world.vanished = true;
        self.look_anew();
        std::fs::rename(&there, &aside).unwrap();
        for _ in 0..2 {
            pass(&mut daemon);
            let requests = self.asked();
            self.check_daemon(&requests, "enforce");
        }
        if self.world.policy.journal && dice.in_a_hundred(50) {
            // A person who applies meanwhile sees the same.
            let ended = self.process(&["apply", "--yes", "--format", "json"], None);
            self.check_applied(&ended, self.world.policy.max_deletes);
        }
        std::fs::rename(&aside, &there).unwrap();
        self.world.vanished = false;
        self.look_anew();
        pass(&mut daemon);
        self.end(daemon, "enforce");
        self.tally.meet("vanished files");
    }

    fn swapped(&mut self, policy: &str) {
        let mut daemon = self.daemon_at_work(policy);
        self.asked();
        let before = self.files_as_written();
        self.edition = 1;
        self.look_anew();
        self.write_files("etc-new", self.edition, policy, self.world.settle_for, &self.simulator.url);
        std::fs::rename(self.folder.path("etc"), self.folder.path("etc-old")).unwrap();
        std::fs::rename(self.folder.path("etc-new"), self.folder.path("etc")).unwrap();
        pass(&mut daemon);
        let loaded = daemon.named("config_loaded").len();
        assert!(loaded > 1 || self.files_as_written() == before, "it stays on a file that is gone");
        self.end(daemon, policy);
        std::fs::remove_dir_all(self.folder.path("etc-old")).unwrap();
        self.tally.meet("swapped folders");
    }

    fn rotated(&mut self, policy: &str, dice: &mut Dice) {
        let mut daemon = self.daemon_at_work(policy);
        self.asked();
        let is_file = self.change_password(dice);
        // Who was known a moment ago is not kept waiting: the first pass may send all that it wants to know.
        pass(&mut daemon);
        self.asked();
        for _ in 0..2 {
            pass(&mut daemon);
        }
        let refused = self.asked().wrong_logins();
        assert_eq!(refused, 0, "a refused password is sent again");
        // The environment of a process does not change.
        if is_file {
            self.write_secrets();
            pass(&mut daemon);
            let requests = self.asked();
            assert_eq!(requests.wrong_logins(), 0, "the old password is sent still");
            assert!(requests.all() > 0, "the new password is not picked up: {}", daemon.lines().join("\n"));
        }
        self.end(daemon, policy);
        self.write_secrets();
        self.tally.meet(if is_file {
            "rotated passwords"
        } else {
            "passwords changed for a daemon that cannot know"
        });
    }

    fn refused(&mut self, dice: &mut Dice) {
        let stale = self.world.secrets.environment.clone();
        self.change_password(dice);
        // What commands are given is still the old one.
        let environment = std::mem::replace(&mut self.world.secrets.environment, stale);
        for command in [&["plan", "--format", "json"][..], &["apply", "--yes", "--format", "json"]] {
            let ended = self.process(command, None);
            let requests = self.after(&ended);
            assert_eq!(ended.code, 1, "{ended}");
            requests.check_none_writes();
            let refused = requests.wrong_logins();
            assert!(refused <= MOST_WRONG_LOGINS, "a wrong password was sent {refused} times: {ended}");
        }
        self.world.secrets.environment = environment;
        self.write_secrets();
        self.tally.meet("refused passwords");
    }

    /// The platform's password changes. What the file names is not rewritten yet; whether it can be for who runs already.
    fn change_password(&mut self, dice: &mut Dice) -> bool {
        let new = password(dice);
        self.simulator.control("POST", "account", &json!({"password": new}));
        let reference = self.world.login[1].clone();
        self.world.password.clone_from(&new);
        self.world.secrets.change(&reference, "platform", &new)
    }

    fn elsewhere(&mut self, dice: &mut Dice) {
        let seed = self.unrelated(dice);
        self.folder.write("secrets/elsewhere.json", &seed.to_string());
        let mut options = self.world.options.clone();
        options.remove("search_lag");
        options.insert("subscription", "0b1c2d3e-0000-4000-8000-00000000e15e".to_owned());
        let options: Vec<String> = options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let World { username, password, .. } = &self.world;
        let mut args =
            vec!["--seed", "secrets/elsewhere.json", "--username", username, "--password", password];
        args.extend(options.iter().flat_map(|option| ["--option", option]));
        let other = Simulator::start(&self.folder, &args);
        let before = Sight::of(&other);
        // What is not ours would go with `all`, and rightly so.
        let prune = self.world.policy.prune;
        self.world.policy.prune = if self.world.policy.owned { "owned" } else { "never" };
        self.write_files("etc", self.edition, "dry-run", self.world.settle_for, &other.url);
        self.world.policy.prune = prune;
        let ended = self.process(&["apply", "--yes", "--format", "json"], None);
        let ours = Requests::take(&self.simulator);
        assert_eq!(ours.all(), 0, "the other subscription is asked\n{ended}");
        self.after(&ended);
        let requests = Requests::take(&other);
        self.count(&requests);
        requests.check_ids();
        assert_eq!(ended.code, 0, "{ended}");
        let deletes = requests.deletes();
        assert!(deletes.is_empty(), "nothing there is ours: {deletes:#?}\n{ended}");
        let document = ended.json();
        for change in document["plan"]["changes"].as_array().unwrap() {
            assert_eq!(change["action"], "create", "nothing that is live there is in the file\n{ended}");
        }
        let now = Sight::of(&other);
        before.check_all_stay(&now);
        for subject in &self.world.subjects {
            let wanted = subject.entry(self.edition).is_some() && subject.role != Role::Observed;
            let live = now.live(subject.species, &subject.identity());
            if wanted && subject.species.is_described() {
                assert_eq!(live.len(), 1, "{:?} {} there\n{ended}", subject.species, subject.identity());
            }
        }
        self.write_file("dry-run", self.world.settle_for);
        self.tally.meet("other subscriptions");
    }

    /// Objects that have nothing to do with ours but their ids.
    fn unrelated(&self, dice: &mut Dice) -> Value {
        let listing = self.simulator.control("GET", "objects", &Value::Null);
        let mut seed: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (number, record) in (600..).zip(listing["objects"].as_array().unwrap()) {
            let species = Species::named(record["kind"].as_str().unwrap());
            let Some(species) = species.filter(|species| species.is_described()) else { continue };
            if record["object"]["system"] == true {
                continue;
            }
            let mut object = match species {
                Species::Tag => json!({"name": format!("unrelated-{number}")}),
                _ => species.live(dice, number, false),
            };
            object["id"] = record["id"].clone();
            seed.entry(species.simulated()).or_default().push(object);
        }
        // Connectors name these two.
        let tags = seed.entry("tag").or_default();
        tags.extend(
            [(ANCHOR, "#AA0000"), (FIXTURE, "#00BB00")]
                .map(|(name, color)| json!({"name": name, "color": color})),
        );
        let registry = json!({"registryName": "shop", "registryUuid": REGISTRY, "registryType": "AWS",
            "registryUri": "https://210987654321.dkr.ecr.eu-west-1.amazonaws.com"});
        let mut seed = json!(seed);
        seed["registry"] = json!([registry]);
        seed
    }
}

/// Asks for a pass and waits until it has ended, whatever others there are meanwhile.
fn pass(daemon: &mut Daemon) {
    daemon.signal("HUP");
    while daemon.next("reconcile_started")["trigger"] != "signal" {}
    daemon.finish_pass();
}
