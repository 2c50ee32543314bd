//! One case: what is live, what the file says of it, and what is to become of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::hand::Hand;
use crate::model::{Connector, OURS, State, Tag, TagOf, fresh_connector, fresh_tag, merged, merged_tag};
use crate::platform::{marked, plain};
use crate::support::Scene;

/// A subscription, a file, and how it is written.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) live: State,
    /// The file's entries by role, each with the role of the live connector that it means, if there is one,
    /// and the fields that it ignores.
    pub(crate) wanted: BTreeMap<String, Entry>,
    pub(crate) wanted_tags: BTreeMap<String, Tag>,
    pub(crate) owner: bool,
    pub(crate) prune: bool,
    /// The platform tells the list of regions.
    pub(crate) echo: bool,
    pub(crate) hand: Hand,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) of: Option<String>,
    pub(crate) wanted: Connector,
    pub(crate) ignored: BTreeSet<&'static str>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let State { tags, connectors } = &self.live;
        writeln!(f, "live:")?;
        for (path, tag) in tags {
            writeln!(f, "  {path:?}: {tag:?}")?;
        }
        for (arn, connector) in connectors {
            writeln!(f, "  {arn}: {connector:?}")?;
        }
        f.write_str(&self.file(self.hand))
    }
}

impl Case {
    /// The name of a tag that the file uses: its path, or its bare name where no other tag has that.
    pub(crate) fn spoken<'p>(&self, path: &'p str, hand: Hand) -> &'p str {
        let last = path.rsplit('/').next().unwrap_or(path);
        let namesakes = self.live.tags.keys().chain(self.wanted_tags.keys()).collect::<BTreeSet<_>>();
        let namesakes = namesakes.iter().filter(|other| other.rsplit('/').next() == Some(last)).count();
        if hand.other && namesakes == 1 { last } else { path }
    }

    pub(crate) fn tag_entry(&self, path: &str, tag: &Tag, hand: Hand) -> Value {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        // Left out, the parent is none, or that of the one live tag of the name that no other entry means.
        let namesake = |other: &&String| other.rsplit('/').next() == Some(name);
        let mut live = self.live.tags.keys().filter(namesake);
        let left_out = hand.other
            && if parent.is_empty() {
                live.all(|other| other == path || self.wanted_tags.contains_key(other))
            } else {
                live.eq([path]) && self.wanted_tags.keys().filter(namesake).eq([path])
            };
        hand.tag(name, (!left_out).then(|| self.spoken(parent, hand)), tag)
    }

    pub(crate) fn connector_entry(&self, arn: &str, entry: &Entry, hand: Hand) -> Value {
        let mut wanted = entry.wanted.clone();
        let speak = |path: &mut String| *path = self.spoken(path, hand).to_owned();
        wanted.tags = wanted.tags.map(|tags| {
            let spoken = tags.into_iter().map(|mut path| {
                speak(&mut path);
                path
            });
            spoken.collect()
        });
        for of in wanted.capabilities.iter_mut().flat_map(BTreeMap::values_mut) {
            if let TagOf::Path(path) = of {
                speak(path);
            }
        }
        hand.connector(&wanted, arn, &entry.ignored)
    }

    pub(crate) fn file(&self, hand: Hand) -> String {
        let lines = |entries: Vec<Value>| {
            let Value::Array(entries) = hand.list(entries) else { unreachable!() };
            entries.iter().fold(String::new(), |lines, entry| lines + "    - " + &entry.to_string() + "\n")
        };
        let tags = self.wanted_tags.iter().map(|(path, tag)| self.tag_entry(path, tag, hand));
        let connectors = self.wanted.iter().map(|(arn, entry)| self.connector_entry(arn, entry, hand));
        let (tags, connectors) = (lines(tags.collect()), lines(connectors.collect()));
        let owner = if self.owner { format!("owner: {OURS}, ") } else { String::new() };
        let prune = if self.prune { "all" } else { "never" };
        let list = |lines: &str| if lines.is_empty() { " []\n".to_owned() } else { format!("\n{lines}") };
        format!(
            "version: 1\nplatform: {{pod: simulator}}\n\
             reconcile: {{{owner}prune: {prune}, max_deletes: 100, max_change_percent: 100}}\n\
             tags:{}connectors:\n  aws:{}",
            list(&tags),
            list(&connectors)
        )
    }

    /// The platform once the file is applied.
    pub(crate) fn expected(&self) -> State {
        let mut state = self.live.clone();
        let owner = self.owner.then(|| OURS.to_owned());
        for (path, wanted) in &self.wanted_tags {
            let live = state.tags.remove(path).unwrap_or(Tag { owner: owner.clone(), ..fresh_tag() });
            state.tags.insert(path.clone(), merged_tag(&live, wanted));
        }
        let mut kept = BTreeSet::new();
        for (arn, Entry { of, wanted, ignored }) in &self.wanted {
            let mut wanted = wanted.clone();
            for field in ignored {
                match *field {
                    "description" => wanted.description = None,
                    "tags" => wanted.tags = None,
                    "run_frequency" => wanted.run_frequency = None,
                    "perimeter_scan" => wanted.scan = None,
                    other => unreachable!("{other}"),
                }
            }
            let connector = match of {
                Some(of) => merged(&state.connectors.remove(of).unwrap(), &wanted, self.echo),
                None => merged(&Connector { owner: owner.clone(), ..fresh_connector() }, &wanted, self.echo),
            };
            state.connectors.insert(arn.clone(), connector);
            kept.insert(arn);
        }
        if self.prune {
            let theirs = |connector: &Connector| match connector.owner.as_deref() {
                None => false,
                Some(OURS) => !self.owner,
                Some(_) => true,
            };
            state.connectors.retain(|arn, connector| kept.contains(arn) || theirs(connector));
        }
        state
    }

    pub(crate) async fn scene(&self, options: &[(&str, &str)]) -> Scene {
        let lenient = [
            ("cps_without_vm", "accepted"),
            ("pc_with_sca", "accepted"),
            ("echo_endpoints", if self.echo { "on" } else { "off" }),
        ];
        let scene = Scene::new(&[&lenient, options].concat()).await;
        let mut ids: BTreeMap<String, u64> = BTreeMap::new();
        for (id, path) in scene.objects().await.paths() {
            ids.insert(path, id);
        }
        let mut tags = Vec::new();
        for (number, (path, tag)) in self.live.tags.iter().enumerate() {
            let id = 7001 + number as u64;
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            let rule = tag.rule.as_ref().unwrap();
            let fields = json!({
                "id": id, "name": name, "parentTagId": ids.get(parent),
                "description": marked(tag.description.as_ref(), tag.owner.as_ref()),
                "color": tag.color, "ruleType": rule.0, "ruleText": rule.1,
            });
            tags.push(fields);
            ids.insert(path.clone(), id);
        }
        scene.make("tag", tags).await;
        let connectors = &self.live.connectors;
        scene.make("aws", connectors.iter().map(|(arn, connector)| plain(connector, arn, &ids))).await;
        scene.forget_requests().await;
        scene
    }
}
