//! What must hold at every moment, looked at from outside: the objects on the platform and the log of requests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::bin::Simulator;
use crate::oddities::newer_words_in;
use crate::species::Species;
use crate::world::{Fate, World};

/// What changes by being looked at, or with the clock.
const PASSING: [&str; 15] = [
    "connectorState",
    "lastSync",
    "nextSync",
    "lastError",
    "errors",
    "modified",
    "awsAccountId",
    "subscriptionName",
    "reEvalStatus",
    "status",
    "state",
    "lastSynced",
    "lastSuccessfulSync",
    "jobStartDate",
    "jobCompletionDate",
];

/// The managed kinds' objects, as they are on the platform.
pub(crate) struct Sight(BTreeMap<(Species, String), Vec<Value>>);

impl Sight {
    pub(crate) fn of(simulator: &Simulator) -> Sight {
        let listing = simulator.control("GET", "objects", &Value::Null);
        let records = listing["objects"].as_array().unwrap();
        let tags: BTreeMap<u64, &Value> = records
            .iter()
            .filter(|record| record["kind"] == "tag")
            .map(|record| (record["id"].as_u64().unwrap(), &record["object"]))
            .collect();
        let path_of = |id: u64| {
            let mut names = Vec::new();
            let mut next = Some(id);
            while let Some(tag) = next.and_then(|id| tags.get(&id)) {
                names.push(tag["name"].as_str().unwrap());
                next = tag.get("parentTagId").and_then(Value::as_u64);
            }
            names.reverse();
            names.join("/")
        };
        let mut found: BTreeMap<_, Vec<Value>> = BTreeMap::new();
        for record in records {
            let Some(species) = Species::named(record["kind"].as_str().unwrap()) else { continue };
            // The platform's own.
            if record["object"]["system"] == true {
                continue;
            }
            let mut object = record["object"].clone();
            let identity = species.identity_of(&object, &path_of);
            object.as_object_mut().unwrap().retain(|field, _| !PASSING.contains(&field.as_str()));
            found.entry((species, identity)).or_default().push(object);
        }
        Sight(found)
    }

    /// All that is seen here is seen there, and as it was.
    #[track_caller]
    pub(crate) fn check_all_stay(&self, later: &Sight) {
        for ((species, identity), before) in &self.0 {
            assert_eq!(
                later.live(*species, identity),
                before.as_slice(),
                "{species:?} {identity} is not ours"
            );
        }
    }

    /// The objects of this identity.
    pub(crate) fn live(&self, species: Species, identity: &str) -> &[Value] {
        self.0.get(&(species, identity.to_owned())).map_or(&[], Vec::as_slice)
    }
}

/// What must stay as it is.
pub(crate) struct Guard {
    /// By kind and identity: what nobody but others may change. An empty list: nothing may come.
    untouched: BTreeMap<(Species, String), Vec<Value>>,
    /// How many there may be of each identity at most.
    most: BTreeMap<(Species, String), usize>,
    /// By kind and id: words that nobody knows, and so nobody takes away.
    words: BTreeMap<(Species, String), Vec<&'static str>>,
}

impl Guard {
    /// From now on, in this edition of the file. What was there twice may stay so.
    pub(crate) fn of(world: &World, edition: usize, sight: &Sight) -> Guard {
        let (mut untouched, mut most, mut words) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for subject in &world.subjects {
            let identity = subject.identity();
            let live = sight.live(subject.species, &identity);
            let key = (subject.species, identity);
            most.insert(key.clone(), live.len().max(1));
            words.extend(
                live.iter()
                    .map(|object| ((subject.species, object["id"].to_string()), newer_words_in(object))),
            );
            let is_kept = world.keeps_back(subject, edition, sight);
            if is_kept || world.fate(subject, edition, live) == Fate::Untouched {
                untouched.insert(key, live.to_vec());
            }
        }
        Guard { untouched, most, words }
    }

    /// No double, nothing unmanaged and nothing held touched, nothing made that nobody wants.
    #[track_caller]
    pub(crate) fn check(&self, sight: &Sight) {
        for (key, live) in &sight.0 {
            let Some(most) = self.most.get(key) else { panic!("nobody wants {key:?}: {live:#?}") };
            assert!(live.len() <= *most, "{key:?} is there {} times: {live:#?}", live.len());
            for object in live {
                let words = self.words.get(&(key.0, object["id"].to_string()));
                let left = newer_words_in(object);
                let kept = words.is_none_or(|words| words.iter().all(|word| left.contains(word)));
                assert!(kept, "{key:?} had {words:?}: {object:#}");
            }
        }
        for ((species, identity), before) in &self.untouched {
            let now = sight.live(*species, identity);
            assert_eq!(now, before.as_slice(), "{species:?} {identity} is not to be touched");
        }
    }
}

/// The requests of one process, as the platform logged them.
pub(crate) struct Requests(Vec<Value>);

impl Requests {
    /// Those since the last time.
    pub(crate) fn take(simulator: &Simulator) -> Requests {
        Requests(simulator.take_requests())
    }

    /// How many there have been since the last time.
    pub(crate) fn so_far(simulator: &Simulator) -> u64 {
        simulator.control("GET", "requests", &Value::Null)["total"].as_u64().unwrap()
    }

    /// One line a request.
    pub(crate) fn brief(&self) -> String {
        let line = |request: &Value| {
            let write = if request["write"] == true { '*' } else { ' ' };
            let text = |field: &str| request[field].as_str().unwrap_or_default().to_owned();
            let body = text("body").chars().take(300).collect::<String>().replace('\n', " ");
            format!(
                "  {write}{} {} {} {} {body}",
                request["status"],
                text("method"),
                text("path"),
                text("query")
            )
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn all(&self) -> u64 {
        self.0.len() as u64
    }

    fn writing(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(|request| request["write"] == true)
    }

    pub(crate) fn writes(&self) -> u64 {
        self.writing().count() as u64
    }

    /// How often the platform was given a wrong password.
    pub(crate) fn wrong_logins(&self) -> u64 {
        self.0.iter().filter(|request| request["wrong_login"] == true).count() as u64
    }

    #[track_caller]
    pub(crate) fn check_none_writes(&self) {
        let writes: Vec<_> = self.writing().collect();
        assert!(writes.is_empty(), "what only looks has written: {writes:#?}");
    }

    /// Each write names one object, but for the calls where the platform knows no id.
    #[track_caller]
    pub(crate) fn check_ids(&self) {
        for request in &self.0 {
            assert_eq!(request["without_id"], false, "{request:#}");
            let path = request["path"].as_str().unwrap();
            let verb = ["/update/", "/delete/", "/run/"].iter().any(|verb| path.contains(verb));
            let named = path.rsplit('/').next().is_some_and(|last| last.parse::<u64>().is_ok());
            let known_to_have_none = path.ends_with("/am/globalscanconfiguration");
            assert!(!verb || named || known_to_have_none, "{request:#}");
            // A filter in a write acts on all that match.
            assert!(!verb || !request["body"].as_str().unwrap().contains("Criteria"), "{request:#}");
            assert!(!path.contains("register-scanner-run") && !path.contains("/run/"), "{request:#}");
        }
    }

    /// The objects that the process tried to delete.
    pub(crate) fn deletes(&self) -> BTreeSet<String> {
        let deletes = self.writing().filter(|request| {
            let path = request["path"].as_str().unwrap();
            // What is registered is changed by taking it back and registering it anew.
            (request["method"] == "DELETE" && !path.contains("deregister")) || path.contains("/delete/am/")
        });
        deletes
            .map(|request| format!("{} {} {}", request["path"], request["query"], request["body"]))
            .collect()
    }
}
