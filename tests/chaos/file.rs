//! The file of a world, in its two editions: one file, or one that includes another.

use serde_json::{Value, json};

use crate::species::{BALLAST, REGISTRY, Species};
use crate::world::{OWNER, Policy, Subject, World};

/// What changes in the file from one step to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings<'a> {
    pub(crate) policy: &'a str,
    pub(crate) settle_for: &'a str,
    /// Where the platform is.
    pub(crate) url: &'a str,
    /// The folder of the secrets and of the journal.
    pub(crate) root: &'a str,
}

/// Texts of files, by their place below the folder of the file.
pub(crate) type Files = Vec<(&'static str, String)>;

impl World {
    /// The files of an edition, the main one first.
    pub(crate) fn files(&self, edition: usize, settings: &Settings<'_>) -> Files {
        let Policy {
            prune,
            prune_action,
            replace,
            owned,
            max_deletes,
            max_change_percent,
            journal,
            pull,
            delete_after,
        } = &self.policy;
        let [username, password] = &self.login;
        let Settings { policy, settle_for, url, root } = settings;
        let mut file = json!({
            "version": 1,
            "platform": {"pod": "simulator", "api_url": url, "username": username, "password": password,
                "timeout": self.timeout, "concurrency": self.concurrency},
            "listen": "off",
            "journal": if *journal { format!("{root}/trueup.db") } else { "off".to_owned() },
            "reconcile": {"policy": policy, "every": "1h", "pull": pull, "prune": prune,
                "prune_action": prune_action,
                "replace": replace, "delete_after": delete_after,
                "max_deletes": max_deletes, "max_change_percent": max_change_percent,
                "settle_for": settle_for, "unmanaged_ignore": ["*/legacy-*"]},
        });
        if *owned {
            file["reconcile"]["owner"] = OWNER.into();
        }
        let mut more = json!({});
        if self.included {
            file["include"] = json!(["conf.d/*.yaml"]);
        }
        for species in Species::ALL {
            let of_kind = |subject: &&Subject| subject.species == species;
            let (inner, outer): (Vec<&Subject>, Vec<&Subject>) =
                self.subjects.iter().filter(of_kind).partition(|subject| self.is_included(subject));
            let entries = |subjects: Vec<&Subject>| -> Vec<Value> {
                subjects.into_iter().filter_map(|subject| subject.entry(edition).cloned()).collect()
            };
            let (inner, outer) = (entries(inner), entries(outer));
            if !inner.is_empty() {
                put(&mut more, species, inner);
            }
            if !outer.is_empty() || self.empty_sections.contains(&species) {
                put(&mut file, species, outer);
            }
        }
        // A secret lies where it lies, whichever file names it.
        let text = |file: &Value| format!("{file:#}").replace("\"secrets/", &format!("\"{root}/secrets/"));
        let mut files = vec![("config.yaml", text(&file))];
        if self.included {
            files.push(("conf.d/more.yaml", text(&more)));
        }
        files
    }

    /// Whether the entry of this one stands in the included file.
    pub(crate) fn is_included(&self, subject: &Subject) -> bool {
        let moved = match subject.species {
            Species::Tag => subject.number == BALLAST,
            Species::Aws | Species::Gcp | Species::Oci => true,
            // What others name by their address stays beside them.
            Species::Azure
            | Species::Organization
            | Species::GlobalScan
            | Species::SnapshotScan
            | Species::Schedule
            | Species::RegistryConnector => false,
        };
        self.included && moved
    }
}

/// Puts the entries of a kind where a file has them.
fn put(file: &mut Value, species: Species, entries: Vec<Value>) {
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
            let (aws, acr): (Vec<Value>, Vec<Value>) =
                entries.into_iter().partition(|entry| entry.get("arn").is_some());
            file["container_security"]["registry_connectors"] = json!({"aws": aws, "acr": acr});
        }
    }
}
