//! Keyed digests of secrets: how a changed secret is found without keeping it.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::Secret;

/// The key of the digests. It lies in a file of its own, so that the journal alone, which people copy around, does
/// not let anybody try passwords against it.
#[derive(Clone)]
pub struct DigestKey([u8; DigestKey::LENGTH]);

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey(..)")
    }
}

impl DigestKey {
    const LENGTH: usize = 32;

    /// A key that ends with the process.
    #[must_use]
    pub fn random() -> DigestKey {
        DigestKey(rand::random())
    }

    /// Reads the key, or makes it at first use, for its owner alone.
    pub fn open(path: &Path) -> io::Result<DigestKey> {
        match std::fs::read(path) {
            Ok(bytes) => {
                let key = bytes.try_into().map_err(|bytes: Vec<u8>| {
                    let told = format!("it holds {} bytes, not the {} of a key", bytes.len(), Self::LENGTH);
                    io::Error::new(io::ErrorKind::InvalidData, told)
                })?;
                Ok(DigestKey(key))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => DigestKey::make(path),
            Err(error) => Err(error),
        }
    }

    /// Written beside and linked into place: a key is there whole or not at all, and of two processes that make it
    /// at the same time both use the same one.
    fn make(path: &Path) -> io::Result<DigestKey> {
        let key = DigestKey::random();
        let beside = path.with_extension(format!("key-{}", std::process::id()));
        // What an earlier process of this number left, or somebody linked there, is not written into.
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let placed = file.write_all(&key.0).and_then(|()| file.sync_all());
        let placed = placed.and_then(|()| std::fs::hard_link(&beside, path));
        std::fs::remove_file(&beside)?;
        match placed {
            Ok(()) => Ok(key),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => DigestKey::open(path),
            Err(error) => Err(error),
        }
    }

    /// The digest of a secret, `KEY:DIGEST` in hexadecimal digits; what stands before the colon names the key.
    #[must_use]
    pub fn digest(&self, secret: &Secret) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("HMAC takes keys of any length")
        };
        mac.update(secret.expose().as_bytes());
        format!("{}:{}", hex(&Sha256::digest(self.0)[..4]), hex(&mac.finalize().into_bytes()))
    }
}

/// Whether two digests were made with the same key, and so can be compared.
#[must_use]
pub fn comparable(one: &str, other: &str) -> bool {
    matches!((one.split_once(':'), other.split_once(':')), (Some((a, _)), Some((b, _))) if a == b)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trueup.db.key");
        let secret = Secret::new("hunter2");
        let first = DigestKey::open(&path).unwrap().digest(&secret);
        assert_eq!(DigestKey::open(&path).unwrap().digest(&secret), first);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_digest_changes_with_the_secret_and_with_the_key() {
        let (one, other) = (DigestKey::random(), DigestKey::random());
        let (a, b) = (Secret::new("a"), Secret::new("b"));
        assert_ne!(one.digest(&a), one.digest(&b));
        assert!(comparable(&one.digest(&a), &one.digest(&b)));
        assert!(!comparable(&one.digest(&a), &other.digest(&a)));
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "short").unwrap();
        assert!(DigestKey::open(&path).unwrap_err().to_string().contains("5 bytes"));
    }
}
