//! The secrets that the file's objects name: resolved once a pass, and what a plan may know of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::desired::Desired;
use crate::plan::{Known, LiveState, SecretSight};
use crate::qualys::Reader;
use crate::resource::{Checked, Kind, Spec};
use crate::secret::{DigestKey, Secret, SecretRef, Secrets};

/// Resolves the secrets of all objects, side by side, away from the threads that answer others.
pub(crate) async fn resolve(desired: &Desired) -> Secrets {
    let references: BTreeSet<SecretRef> = desired
        .declared
        .iter()
        .filter(|entry| !entry.spec.secrets().is_empty())
        .flat_map(|entry| {
            let spec = entry.without_ignored();
            spec.secrets().into_iter().map(|(_, reference)| reference.clone()).collect::<Vec<_>>()
        })
        .collect();
    if references.is_empty() {
        return Secrets::default();
    }
    let resolved = tokio::task::spawn_blocking(move || Secrets::resolve(references)).await;
    resolved.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

/// Has the reader repeat none of them from now on, and takes them out of what failed before they were there.
pub(super) fn guard(reader: &Reader, secrets: &Secrets, live: &mut LiveState, checked: &mut [Checked]) {
    reader.guard(secrets);
    live.reword_errors(|error| reader.redact(error));
    for error in checked.iter_mut().filter_map(|checked| checked.error.as_mut()) {
        *error = reader.redact(error);
    }
}

/// Lets the plan know the digests, by object and field.
pub(super) fn tell(known: &mut Known, desired: &Desired, secrets: &Secrets, key: Option<&DigestKey>) {
    let mut by_object: BTreeMap<(Kind, String), BTreeMap<&'static str, SecretSight>> = BTreeMap::new();
    for entry in &desired.declared {
        if entry.spec.secrets().is_empty() {
            continue;
        }
        // What is ignored is not asked for.
        let spec = entry.without_ignored();
        let sights = spec.secrets().into_iter().map(|(field, reference)| {
            let secret = secrets.get(reference);
            (field, secret.map_or_else(unresolved, |secret| sight(&entry.spec, field, secret, key)))
        });
        let object = (entry.spec.kind(), entry.spec.identity().unwrap_or_default());
        by_object.insert(object, sights.collect());
    }
    known.secrets = by_object;
}

fn unresolved(why: String) -> SecretSight {
    SecretSight { digest: Err(why), advice: None }
}

fn sight(spec: &Spec, field: &'static str, secret: &Secret, key: Option<&DigestKey>) -> SecretSight {
    match spec.admit(field, secret) {
        Ok(advice) => {
            let digest = key.map(|key| key.digest(spec.essence(field, secret).as_ref().unwrap_or(secret)));
            SecretSight { digest: Ok(digest), advice }
        }
        Err(why) => unresolved(why),
    }
}
