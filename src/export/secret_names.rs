//! Names for references to secrets: of the object and the field, each once, and each as long as its object is what it
//! is, so that no secret ends up with another object when one is added.

use std::collections::{BTreeMap, BTreeSet};

use crate::desired::Settings;
use crate::resource::{Address, LiveObject};
use crate::secret::SecretRef;

/// The names of the variables.
pub(super) struct SecretNames {
    /// How many objects would have each name.
    wanted: BTreeMap<String, usize>,
    taken: BTreeSet<String>,
}

impl SecretNames {
    /// For these objects, beside the names that the settings take.
    pub(super) fn new(settings: &Settings, objects: &[(Address, &LiveObject)]) -> SecretNames {
        let own = [&settings.platform.username, &settings.platform.password];
        let own = own.into_iter().flatten().filter_map(|reference| match reference {
            SecretRef::Env(name) => Some(name.clone()),
            SecretRef::File(_) | SecretRef::Credential(_) | SecretRef::Command { .. } => None,
        });
        let mut names = SecretNames { wanted: BTreeMap::new(), taken: own.collect() };
        for (address, _) in objects {
            for field in address.kind.fields().iter().filter(|field| field.is_secret()) {
                *names.wanted.entry(variable(&address.to_string(), field.name)).or_default() += 1;
            }
        }
        names
    }

    /// `AZURE_CORP_SHARED_AUTHENTICATION_KEY` for the authentication key of `azure/corp-shared`; with the identity in it
    /// where another object would have the same.
    pub(super) fn make(&mut self, address: &Address, identity: &str, field: &str) -> String {
        let mut name = variable(&address.to_string(), field);
        if self.taken.contains(&name) || self.wanted.get(&name).is_some_and(|wanted| *wanted > 1) {
            name = variable(&format!("{address}#{identity}"), field);
        }
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

fn variable(object: &str, field: &str) -> String {
    let text = format!("{object}_{field}").to_ascii_uppercase();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Kind;

    #[test]
    fn secrets_are_named_after_their_objects_each_once() {
        let of = |name: &str| Address::new(Kind::Azure, name);
        let shared = variable("azure/corp-shared", "key");
        let mut names = SecretNames {
            wanted: BTreeMap::from([(shared, 3)]),
            taken: BTreeSet::from(["AZURE_X_KEY".to_owned()]),
        };
        for (object, identity, name) in [
            ("corp-shared", "a-1", "AZURE_CORP_SHARED_A_1_KEY"),
            ("Corp (shared)!", "a-2", "AZURE_CORP_SHARED_A_2_KEY"),
            ("corp shared", "a.2", "AZURE_CORP_SHARED_A_2_KEY_2"),
            ("x", "b", "AZURE_X_B_KEY"),
            ("ünder→1", "c", "AZURE_NDER_1_KEY"),
            ("日本", "d", "AZURE_KEY"),
        ] {
            assert_eq!(names.make(&of(object), identity, "key"), name);
        }
    }
}
