//! What the secrets and identifiers in a connector's `authRecord` have to look like.

/// A text that is there.
pub(crate) fn present(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() { Err("Specify a text that is not empty.") } else { Ok(()) }
}

/// Azure's identifiers of tenants, applications and subscriptions.
pub(crate) fn uuid(text: &str) -> Result<(), &'static str> {
    let lengths = text.split('-').map(str::len);
    let digits = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    let valid = digits && lengths.eq([8, 4, 4, 4, 12]);
    if valid { Ok(()) } else { Err("Specify a UUID, e.g. 11111111-1111-1111-1111-111111111111.") }
}

/// A private key as PEM, with true line ends: a backslash in it is one that was escaped twice.
pub(crate) fn private_key(text: &str) -> Result<(), &'static str> {
    let inner = text.trim().strip_prefix("-----BEGIN PRIVATE KEY-----");
    let inner = inner.and_then(|rest| rest.strip_suffix("-----END PRIVATE KEY-----"));
    let valid = inner.is_some_and(|inner| !inner.trim().is_empty() && !inner.contains('\\'));
    if valid { Ok(()) } else { Err("Specify the private key of the key file, from BEGIN to END.") }
}

/// Google's identifier of a project; the underscore is in a sample of Create GCP Connector alone.
pub(crate) fn project(text: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.:".contains(&byte);
    let valid = (4..=63).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.bytes().all(allowed);
    if valid { Ok(()) } else { Err("Specify the id of a project in Google Cloud, e.g. warehouse-104233.") }
}

/// Where Google's key files point to.
pub(crate) fn https(text: &str) -> Result<(), &'static str> {
    let host = text.strip_prefix("https://").unwrap_or_default();
    let valid = !host.is_empty() && !text.contains(char::is_whitespace);
    if valid { Ok(()) } else { Err("Specify a URL that begins with https://.") }
}

/// "Type": a key file of another type is not one of a service account.
pub(crate) const KEY_TYPES: &[&str] = &["service_account"];

/// Oracle's identifier of a tenancy.
pub(crate) fn tenancy(text: &str) -> Result<(), &'static str> {
    if ocid(text, "ocid1.tenancy.") {
        Ok(())
    } else {
        Err("Specify the OCID of a tenancy: ocid1.tenancy.<..>.")
    }
}

/// Oracle's identifier of a user; a sample names a tenancy there, so that any OCID will do.
pub(crate) fn user(text: &str) -> Result<(), &'static str> {
    if ocid(text, "ocid1.") { Ok(()) } else { Err("Specify the OCID of a user: ocid1.user.<..>.") }
}

fn ocid(text: &str, start: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    text.strip_prefix(start).is_some_and(|rest| !rest.is_empty()) && text.bytes().all(allowed)
}

/// Oracle's regions: us-ashburn-1, us-gov-ashburn-1.
pub(crate) fn oci_region(text: &str) -> Result<(), &'static str> {
    let valid = text.rsplit_once('-').is_some_and(|(place, number)| {
        place.contains('-')
            && place
                .split('-')
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()))
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    if valid { Ok(()) } else { Err("Specify a region of Oracle Cloud, e.g. us-ashburn-1.") }
}
