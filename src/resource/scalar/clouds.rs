//! The ids by which Azure, Google Cloud and Oracle Cloud know what a connector looks into.

use super::grammar::text_with_a_grammar;
use super::regions::is_region;

text_with_a_grammar!(
    /// A UUID by which Azure knows a subscription, a directory or an application; in small letters.
    AzureId,
    "UUID (as in 11111111-2222-3333-4444-555555555555)",
    |text| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(),
    folded str::to_ascii_lowercase
);

text_with_a_grammar!(
    /// The id of a Google Cloud project: 6 to 30 small letters, digits and hyphens, a letter first and no hyphen last;
    /// of an old one in front the domain that it belongs to, and a colon.
    ProjectId,
    "project id (as in analytics-208707)",
    |text| {
        let (domain, id) = text.split_once(':').unwrap_or(("example.com", text));
        let in_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let in_domain = |byte: u8| in_id(byte) || byte == b'.';
        domain.contains('.')
            && domain.bytes().all(in_domain)
            && (6..=30).contains(&id.len())
            && id.bytes().all(in_id)
            && id.starts_with(|first: char| first.is_ascii_lowercase())
            && !id.ends_with('-')
    }
);

text_with_a_grammar!(
    /// The OCID of an Oracle Cloud tenancy.
    TenancyOcid,
    "OCID of a tenancy (as in ocid1.tenancy.oc1..aaaa)",
    |text| is_ocid(text, "tenancy")
);

text_with_a_grammar!(
    /// The OCID of an Oracle Cloud user.
    UserOcid,
    "OCID of a user (as in ocid1.user.oc1..aaaa)",
    |text| is_ocid(text, "user")
);

text_with_a_grammar!(
    /// The fingerprint of an API signing key, in small letters: sixteen pairs of hexadecimal digits.
    Fingerprint,
    "fingerprint (sixteen pairs of hexadecimal digits, with colons between them)",
    |text| {
        let pairs: Vec<&str> = text.split(':').collect();
        pairs.len() == 16
            && pairs.iter().all(|pair| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit()))
    },
    folded str::to_ascii_lowercase
);

text_with_a_grammar!(
    /// A region of Oracle Cloud, in small letters.
    OciRegion,
    "region of Oracle Cloud (as in us-ashburn-1)",
    is_region,
    folded str::to_ascii_lowercase
);

/// `ocid1.TYPE.REALM.[REGION].UNIQUE`, in part with a piece between the last two.
fn is_ocid(text: &str, kind: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let in_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let (Some(["ocid1", found, realm]), Some(unique)) = (parts.first_chunk::<3>(), parts.last()) else {
        return false;
    };
    *found == kind
        && (5..=6).contains(&parts.len())
        && !realm.is_empty()
        && !unique.is_empty()
        && parts.iter().all(|part| part.bytes().all(in_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azure_ids_are_uuids_in_whatever_letters() {
        let normal = "0a1b2c3d-0000-4111-8222-9f9f9f9f9f9f";
        for (text, good) in [
            (normal, true),
            ("0A1B2C3D-0000-4111-8222-9F9F9F9F9F9F", true),
            ("{0a1b2c3d-0000-4111-8222-9f9f9f9f9f9f}", false),
            ("0a1b2c3d000041118222-9f9f9f9f9f9f", false),
            ("0a1b2c3d000041118222f9f9f9f9f9f9", false),
            ("0a1b2c3d-0000-4111-8222-9f9f9f9f9f9g", false),
            ("", false),
        ] {
            let read = text.parse::<AzureId>();
            assert_eq!(read.as_ref().ok().map(AzureId::as_str), good.then_some(normal), "{text}");
        }
        assert_eq!(AzureId::from_platform("0A1B-xx").as_str(), "0a1b-xx", "the platform's is not judged");
    }

    #[test]
    fn project_ids_follow_the_grammar_of_google() {
        for (text, good) in [
            ("analytics-208707", true),
            ("my-pro", true),
            ("example.com:my-project", true),
            ("a23456789012345678901234567890", true),
            ("a234567890123456789012345678901", false),
            ("my-pr", false),
            ("1analytics", false),
            ("analytics-", false),
            ("Analytics", false),
            ("my_project", false),
            ("example:my-project", false),
            ("example.com:short", false),
            ("a.b:c.d:my-project", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<ProjectId>().is_ok(), good, "{text}");
        }
    }

    #[test]
    fn ocids_and_what_goes_with_them_follow_the_grammar_of_oracle() {
        for (text, good) in [
            ("ocid1.tenancy.oc1..aaaa", true),
            ("ocid1.tenancy.oc2..aaaaaaaa7q2w", true),
            ("ocid1.tenancy.oc1.phx.aaaa", true),
            ("ocid1.tenancy.oc1.phx.x.aaaa", true),
            ("ocid1.tenancy.oc1..", false),
            ("ocid1.tenancy.oc1", false),
            ("ocid1.tenancy...aaaa", false),
            ("ocid1.user.oc1..aaaa", false),
            ("ocid2.tenancy.oc1..aaaa", false),
            ("ocid1.tenancy.oc1..aa aa", false),
            ("tenancy", false),
        ] {
            assert_eq!(text.parse::<TenancyOcid>().is_ok(), good, "{text}");
        }
        assert!("ocid1.user.oc1..aaaa".parse::<UserOcid>().is_ok());
        assert!("ocid1.tenancy.oc1..aaaa".parse::<UserOcid>().is_err());

        let normal = "8a:cd:10:fc:f7:3c:c2:7d:a6:88:27:cb:1a:ad:52:7b";
        for (text, good) in [
            (normal, true),
            ("8A:CD:10:FC:F7:3C:C2:7D:A6:88:27:CB:1A:AD:52:7B", true),
            ("8a:cd:10:fc:f7:3c:c2:7d:a6:88:27:cb:1a:ad:52", false),
            ("8a:cd:10:fc:f7:3c:c2:7d:a6:88:27:cb:1a:ad:52:fg", false),
            ("8acd10fcf73cc27da68827cb1aad527b", false),
            ("asd", false),
        ] {
            let read = text.parse::<Fingerprint>();
            assert_eq!(read.as_ref().ok().map(Fingerprint::as_str), good.then_some(normal), "{text}");
        }
        assert_eq!("US-Ashburn-1".parse::<OciRegion>().unwrap().as_str(), "us-ashburn-1");
        assert!("IAD".parse::<OciRegion>().is_err());
    }
}
