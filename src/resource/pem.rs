//! Private keys in PEM form, as far as one can be told from something else that was named by mistake.

/// What a text that holds a private key tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PrivateKey {
    /// Whether a passphrase is needed to use it.
    pub(super) encrypted: bool,
}

impl PrivateKey {
    /// Finds the private key in a text; what stands around it does not matter (some tools write a label behind it).
    pub(super) fn find(text: &str) -> Option<PrivateKey> {
        let (_, rest) = text.split_once("-----BEGIN ")?;
        let (label, rest) = rest.split_once("-----")?;
        let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
        if !label.ends_with("PRIVATE KEY") || label.contains('\n') || body.trim().is_empty() {
            return None;
        }
        let encrypted = label.starts_with("ENCRYPTED ") || body.contains("Proc-Type: 4,ENCRYPTED");
        Some(PrivateKey { encrypted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_is_told_from_other_texts() {
        let open = Some(PrivateKey { encrypted: false });
        let locked = Some(PrivateKey { encrypted: true });
        for (text, found) in [
            ("-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n", open),
            ("-----BEGIN RSA PRIVATE KEY-----\r\nbm90\r\n-----END RSA PRIVATE KEY-----\r\nOCI_API_KEY", open),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nbm90\n-----END ENCRYPTED PRIVATE KEY-----", locked),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nbm90\n-----END RSA PRIVATE KEY-----",
                locked,
            ),
            ("-----BEGIN PUBLIC KEY-----\nbm90\n-----END PUBLIC KEY-----", None),
            ("-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n", None),
            ("-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----", None),
            ("-----BEGIN PRIVATE KEY-----bm90-----END RSA PRIVATE KEY-----", None),
            ("ssh-ed25519 AAAA me@example.com", None),
            ("", None),
        ] {
            assert_eq!(PrivateKey::find(text), found, "{text}");
        }
    }
}
