//! Private keys in PEM form, as far as one can be told from something else that was named by mistake.

use crate::secret::Secret;

/// The private key in a text. Has no `Debug`: it is a secret throughout.
#[derive(Clone, Copy)]
pub(super) struct PrivateKey<'a> {
    /// What is said behind `BEGIN`: `RSA PRIVATE KEY`.
    label: &'a str,
    body: &'a str,
}

impl<'a> PrivateKey<'a> {
    /// Finds the private key in a text; what stands around it does not matter (some tools write a label behind it).
    pub(super) fn find(text: &'a str) -> Option<PrivateKey<'a>> {
        let (_, rest) = text.split_once("-----BEGIN ")?;
        let (label, rest) = rest.split_once("-----")?;
        let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
        let key = PrivateKey { label, body };
        (label.ends_with("PRIVATE KEY") && !label.contains('\n') && key.is_encoded()).then_some(key)
    }

    /// Whether a passphrase is needed to use it.
    pub(super) fn is_encrypted(self) -> bool {
        self.label.starts_with("ENCRYPTED ") || self.body.contains("Proc-Type: 4,ENCRYPTED")
    }

    /// The key without what makes no other key of it: how its lines end, and where.
    pub(super) fn essence(self) -> Secret {
        let mut essence = self.label.to_owned();
        for line in self.lines() {
            let separator = if is_header(&line) { "\n" } else { "" };
            essence.extend([separator, &line, separator]);
        }
        Secret::new(essence)
    }

    /// Whether the body is base64, with the headers of old forms in front. A backslash, of line ends that were escaped
    /// twice, is none of both.
    fn is_encoded(self) -> bool {
        let in_code = |byte: u8| byte.is_ascii_alphanumeric() || b"+/= \t".contains(&byte);
        let mut code = self.lines().filter(|line| !is_header(line)).peekable();
        code.peek().is_some() && code.all(|line| line.bytes().all(in_code))
    }

    /// The lines that hold something. In the vendor's samples a carriage return is also written `&#xd;`.
    fn lines(self) -> impl Iterator<Item = String> {
        let lines = self.body.lines().map(|line| line.replace("&#xd;", "").trim().to_owned());
        lines.filter(|line| !line.is_empty())
    }
}

fn is_header(line: &str) -> bool {
    ["Proc-Type: ", "DEK-Info: "].iter().any(|header| line.starts_with(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_is_told_from_other_texts() {
        let (open, locked) = (Some(false), Some(true));
        for (text, encrypted) in [
            ("-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n", open),
            ("-----BEGIN RSA PRIVATE KEY-----\r\nbm90\r\n-----END RSA PRIVATE KEY-----\r\nOCI_API_KEY", open),
            ("-----BEGIN PRIVATE KEY-----&#xd;\nbm90&#xd;\n-----END PRIVATE KEY-----&#xd;", open),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nbm90\n-----END ENCRYPTED PRIVATE KEY-----", locked),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\nbm90\n\
                 -----END RSA PRIVATE KEY-----",
                locked,
            ),
            ("-----BEGIN PUBLIC KEY-----\nbm90\n-----END PUBLIC KEY-----", None),
            ("-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n", None),
            ("-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----", None),
            ("-----BEGIN PRIVATE KEY-----\\nbm90\\n-----END PRIVATE KEY-----\\n", None),
            ("-----BEGIN PRIVATE KEY-----\n[redacted]\n-----END PRIVATE KEY-----", None),
            ("-----BEGIN PRIVATE KEY-----bm90-----END RSA PRIVATE KEY-----", None),
            ("ssh-ed25519 AAAA me@example.com", None),
            ("", None),
        ] {
            assert_eq!(PrivateKey::find(text).map(PrivateKey::is_encrypted), encrypted, "{text}");
        }
    }

    #[test]
    fn a_key_is_the_same_however_its_lines_end() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nbm90\nIGEg\n-----END RSA PRIVATE KEY-----";
        let essence = |text: &str| PrivateKey::find(text).unwrap().essence();
        for same in [
            key.replace('\n', "\r\n"),
            key.replace('\n', "&#xd;\n"),
            key.replace("bm90\n", "bm90"),
            format!("Bag Attributes\n{key}\nOCI_API_KEY\n"),
        ] {
            assert!(essence(&same) == essence(key), "{same}");
        }
        for other in [
            key.replace("bm90", "bm91"),
            key.replace("RSA ", ""),
            key.replace("4,ENCRYPTED", "4,CLEAR"),
            key.replace("Proc-Type: 4,ENCRYPTED\n", ""),
        ] {
            assert!(essence(&other) != essence(key), "{other}");
        }
    }
}
