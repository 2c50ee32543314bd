//! The secrets that the file's objects name, resolved for one pass.

use std::collections::{BTreeMap, BTreeSet};

use super::{Secret, SecretRef};

/// Secrets by reference, each resolved once however many objects name it.
#[derive(Debug, Default)]
pub struct Secrets(BTreeMap<SecretRef, Result<Secret, String>>);

/// How many are fetched at the same time: a command may take seconds.
const AT_ONCE: usize = 8;

impl Secrets {
    /// No secrets.
    #[must_use]
    pub const fn none() -> Secrets {
        Secrets(BTreeMap::new())
    }

    /// Fetches the secrets. Blocks, for a command up to 30 seconds.
    #[must_use]
    pub fn resolve(references: BTreeSet<SecretRef>) -> Secrets {
        let references: Vec<SecretRef> = references.into_iter().collect();
        let fetch = |part: &[SecretRef]| -> Vec<(SecretRef, Result<Secret, String>)> {
            let one = |reference: &SecretRef| {
                let resolved = reference.resolve().map_err(|error| crate::error::one_line(&error));
                (reference.clone(), resolved)
            };
            part.iter().map(one).collect()
        };
        let size = references.len().div_ceil(AT_ONCE).max(1);
        let all = std::thread::scope(|scope| {
            let parts: Vec<_> =
                references.chunks(size).map(|part| scope.spawn(move || fetch(part))).collect();
            let joined = parts.into_iter();
            joined
                .flat_map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        Secrets(all)
    }

    /// A secret, or why it could not be had.
    pub fn get(&self, reference: &SecretRef) -> Result<&Secret, String> {
        match self.0.get(reference) {
            Some(resolved) => resolved.as_ref().map_err(Clone::clone),
            None => Err(format!("the secret {reference} was not resolved")),
        }
    }

    /// All that could be had.
    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        self.0.values().flatten()
    }
}
