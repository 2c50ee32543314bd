//! Field values that have a grammar of their own. Each refuses, while it is read, what it cannot be.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};

/// How often a connector runs, in minutes. The file says `4h`, `90m` or a number of minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunFrequency {
    minutes: u32,
}

impl RunFrequency {
    /// Minutes as the platform gives them: any value, since others may have set it.
    #[must_use]
    pub const fn from_minutes(minutes: u32) -> RunFrequency {
        RunFrequency { minutes }
    }

    /// The number of minutes.
    #[must_use]
    pub const fn minutes(self) -> u32 {
        self.minutes
    }

    /// The steps that the vendor's own tools offer, in minutes.
    pub const VENDOR_STEPS: [u32; 8] = [60, 120, 180, 240, 360, 480, 720, 1440];

    /// Of a connector: the Connectors guide gives no limits; 1 to 24 hours are those of the vendor's user interface.
    const MOST: Bound = Bound { minutes: 1440, shown: "24h" };

    /// A frequency that the file may ask for.
    fn asked(minutes: u64, written: &str, most: Bound) -> Result<RunFrequency, String> {
        match u32::try_from(minutes) {
            Ok(minutes) if (60..=most.minutes).contains(&minutes) => Ok(RunFrequency { minutes }),
            _ => Err(format!("run frequency {written} is outside 1h to {}", most.shown)),
        }
    }

    fn parse(text: &str, most: Bound) -> Result<RunFrequency, String> {
        let wrong = || format!("`{text}` is no run frequency: expected hours or minutes, as in 4h or 90m");
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return RunFrequency::asked(text.parse().map_err(|_| wrong())?, &format!("{text}m"), most);
        }
        if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
            return RunFrequency::asked(u64::from(days) * 1440, text, most);
        }
        let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
        if span.as_secs() % 60 != 0 || span.subsec_nanos() != 0 || span.as_secs() < 0 {
            return Err(format!("run frequency `{text}` is not a whole number of minutes"));
        }
        RunFrequency::asked(span.as_secs().unsigned_abs() / 60, text, most)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, most: Bound) -> Result<RunFrequency, D::Error> {
        struct Expected(Bound);
        impl Visitor<'_> for Expected {
            type Value = RunFrequency;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a run frequency (4h, 90m, or minutes as a number)")
            }

            fn visit_u64<E: de::Error>(self, minutes: u64) -> Result<RunFrequency, E> {
                RunFrequency::asked(minutes, &format!("{minutes}m"), self.0).map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RunFrequency, E> {
                RunFrequency::parse(text, self.0).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Expected(most))
    }
}

/// The longest that a frequency may be.
#[derive(Debug, Clone, Copy)]
struct Bound {
    minutes: u32,
    shown: &'static str,
}

/// How often an organization connector, or each of its members, runs: up to seven days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct OrganizationFrequency(pub RunFrequency);

impl<'de> Deserialize<'de> for OrganizationFrequency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OrganizationFrequency, D::Error> {
        // Release notes of 2.14: longer ones are refused, and days may be what is counted.
        RunFrequency::read(deserializer, Bound { minutes: 7 * 1440, shown: "7d" }).map(OrganizationFrequency)
    }
}

impl fmt::Display for RunFrequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minutes {
            minutes if minutes != 0 && minutes.is_multiple_of(60) => write!(f, "{}h", minutes / 60),
            minutes => write!(f, "{minutes}m"),
        }
    }
}

impl Serialize for RunFrequency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RunFrequency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RunFrequency, D::Error> {
        RunFrequency::read(deserializer, RunFrequency::MOST)
    }
}

/// A text with a grammar: read from a string, shown as that string, or as what `folded` makes of it where several
/// spellings are one value.
macro_rules! text_with_a_grammar {
    ($(#[$doc:meta])* $name:ident, $expecting:literal, $check:expr $(, folded $fold:expr)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text as the platform gives it, unchecked: others may have written it.
            #[must_use]
            pub fn from_platform(text: impl Into<String>) -> $name {
                let text = text.into();
                $(let text = $fold(&text);)?
                $name(text)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<$name, String> {
                let check: fn(&str) -> bool = $check;
                let normal = $name::from_platform(text);
                if check(&normal.0) {
                    Ok(normal)
                } else {
                    Err(format!(concat!("`{}` is no ", $expecting), text))
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                struct Expected;
                impl Visitor<'_> for Expected {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }

                    // An account id without quotes is a number to YAML, and may have lost its zeros.
                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$name, E> {
                        Err(E::custom(format!("put {number} in quotes: it is a text of digits")))
                    }
                }
                deserializer.deserialize_any(Expected)
            }
        }
    };
}

text_with_a_grammar!(
    /// The ARN of the role that the platform assumes in an AWS account, by AWS's own grammar.
    RoleArn,
    "role ARN (as in arn:aws:iam::123456789012:role/QualysConnector)",
    |text| RoleArn::split(text).is_some()
);

text_with_a_grammar!(
    /// An AWS account id: twelve digits.
    AwsAccount,
    "AWS account id (twelve digits in quotes)",
    is_account
);

text_with_a_grammar!(
    /// The external id of an AWS role's trust policy: 2 to 1224 of `A-Z a-z 0-9 _ + = , . @ : / -`.
    ExternalId,
    "external id (2 to 1224 letters, digits or _+=,.@:/-)",
    |text| (2..=1224).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte))
);

impl ExternalId {
    /// Whether it has the form that the vendor's older documents ask for, `POD-SUBSCRIPTION-ALNUM`.
    #[must_use]
    pub fn has_vendor_form(&self) -> bool {
        let mut parts = self.0.splitn(3, '-');
        let (Some(pod), Some(subscription), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        !pod.is_empty()
            && pod.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !subscription.is_empty()
            && subscription.bytes().all(|byte| byte.is_ascii_digit())
            && (5..=13).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }
}

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

/// A group of AWS accounts that share nothing with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Partition {
    /// The commercial regions.
    #[serde(rename = "aws")]
    Aws,
    /// GovCloud.
    #[serde(rename = "aws-us-gov")]
    AwsUsGov,
    /// China.
    #[serde(rename = "aws-cn")]
    AwsCn,
}

impl Partition {
    /// The word in an ARN.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Partition::Aws => "aws",
            Partition::AwsUsGov => "aws-us-gov",
            Partition::AwsCn => "aws-cn",
        }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl RoleArn {
    /// The ARN of a role by its parts. The role's name may have a path before it (`team/Connector`).
    pub fn from_parts(partition: Partition, account: &AwsAccount, role: &str) -> Result<RoleArn, String> {
        format!("arn:{}:iam::{account}:role/{}", partition.word(), role.trim_start_matches('/')).parse()
    }

    /// The account within the ARN; `None` where the platform's value is not an ARN.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        RoleArn::split(&self.0).map(|(_, account)| account)
    }

    /// The partition within the ARN; `None` where the platform's value is not an ARN.
    #[must_use]
    pub fn partition(&self) -> Option<Partition> {
        RoleArn::split(&self.0).map(|(partition, _)| partition)
    }

    /// Partition and account, where the text is a role's ARN: role names have at most 64 of
    /// `A-Z a-z 0-9 _ + = , . @ -`, their path at most 512 characters.
    fn split(text: &str) -> Option<(Partition, &str)> {
        let rest = text.strip_prefix("arn:")?;
        let (partition, rest) = rest.split_once(":iam::")?;
        let partition = [Partition::Aws, Partition::AwsUsGov, Partition::AwsCn]
            .into_iter()
            .find(|known| known.word() == partition)?;
        let (account, role) = rest.split_once(":role/")?;
        if !is_account(account) {
            return None;
        }
        let (path, name) = role.rsplit_once('/').unwrap_or(("", role));
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        let in_path = |byte: u8| byte == b'/' || byte.is_ascii_graphic();
        (path.len() <= 512
            && path.bytes().all(in_path)
            && (1..=64).contains(&name.len())
            && name.bytes().all(in_name))
        .then_some((partition, account))
    }
}

/// A module that the assets of a connector are activated for. `CLOUDVIEW` is the platform's own doing and
/// never part of a spec.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Module {
    /// Vulnerability management.
    Vm,
    /// Policy compliance.
    Pc,
    /// Security configuration assessment.
    Sca,
    /// Certificate view.
    CertView,
    /// A module that the platform gave and that no document names.
    Other(String),
}

impl Module {
    const NAMES: &'static [&'static str] = &["VM", "PC", "SCA", "CERTVIEW"];

    /// The module of that name, known or not.
    #[must_use]
    pub fn from_platform(name: &str) -> Module {
        match name {
            "VM" => Module::Vm,
            "PC" => Module::Pc,
            "SCA" => Module::Sca,
            "CERTVIEW" => Module::CertView,
            other => Module::Other(other.to_owned()),
        }
    }

    /// The platform's name of the module.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Module::Vm => "VM",
            Module::Pc => "PC",
            Module::Sca => "SCA",
            Module::CertView => "CERTVIEW",
            Module::Other(name) => name,
        }
    }
}

impl Serialize for Module {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Module {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Module, D::Error> {
        let name = String::deserialize(deserializer)?;
        match Module::from_platform(&name) {
            Module::Other(name) if name == "CLOUDVIEW" => Err(de::Error::custom(
                "the platform itself adds CLOUDVIEW where CI or CSA is on: leave it out",
            )),
            Module::Other(name) => Err(de::Error::unknown_variant(&name, Module::NAMES)),
            module => Ok(module),
        }
    }
}

/// The regions that a connector looks into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Regions {
    /// All that there are.
    All,
    /// Only these.
    Only(BTreeSet<String>),
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, words)) => {
            words.len() >= 2
                && words.iter().all(word)
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => false,
    }
}

impl Serialize for Regions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Regions::All => serializer.serialize_str("all"),
            Regions::Only(codes) => {
                let mut list = serializer.serialize_seq(Some(codes.len()))?;
                for code in codes {
                    list.serialize_element(code)?;
                }
                list.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Regions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Regions, D::Error> {
        struct Expected;
        impl<'de> Visitor<'de> for Expected {
            type Value = Regions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`all`, or a list of region codes as in [eu-west-1, af-south-1]")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Regions, E> {
                match text {
                    "all" => Ok(Regions::All),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Regions, A::Error> {
                let mut codes = BTreeSet::new();
                while let Some(code) = list.next_element::<String>()? {
                    if !is_region(&code) {
                        return Err(de::Error::custom(format!(
                            "`{code}` is no region code (as in eu-west-1)"
                        )));
                    }
                    codes.insert(code);
                }
                if codes.is_empty() {
                    return Err(de::Error::custom(
                        "an empty list of regions would look nowhere: name one, or say all",
                    ));
                }
                Ok(Regions::Only(codes))
            }
        }
        deserializer.deserialize_any(Expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: serde::de::DeserializeOwned + Serialize>(text: &str) -> Result<String, String> {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let read: T = serde_json::from_value(value).map_err(|error| error.to_string())?;
        Ok(serde_json::to_string(&read).unwrap())
    }

    #[test]
    fn run_frequencies_have_one_normal_form() {
        for (written, normal) in [
            (r#""4h""#, r#""4h""#),
            (r#""240m""#, r#""4h""#),
            ("240", r#""4h""#),
            (r#""240""#, r#""4h""#),
            (r#""90m""#, r#""90m""#),
            (r#""1h30m""#, r#""90m""#),
            (r#""24h""#, r#""24h""#),
        ] {
            assert_eq!(read::<RunFrequency>(written).as_deref(), Ok(normal), "{written}");
        }
    }

    #[test]
    fn a_run_frequency_that_cannot_be_says_why() {
        for (written, why) in [
            (r#""30m""#, "run frequency 30m is outside 1h to 24h"),
            ("30", "run frequency 30m is outside 1h to 24h"),
            (r#""25h""#, "run frequency 25h is outside 1h to 24h"),
            (r#""often""#, "`often` is no run frequency"),
            (r#""3601s""#, "not a whole number of minutes"),
            (r#""-2h""#, "not a whole number of minutes"),
            ("true", "expected a run frequency"),
        ] {
            let error = read::<RunFrequency>(written).unwrap_err();
            assert!(error.contains(why), "{written}: {error}");
        }
    }

    #[test]
    fn role_arns_follow_the_grammar_of_aws() {
        for (text, good) in [
            ("arn:aws:iam::123456789012:role/QualysConnector", true),
            ("arn:aws-us-gov:iam::123456789012:role/team/QualysConnector", true),
            ("arn:aws-cn:iam::123456789012:role/Q", true),
            ("arn:aws:iam:::12345678911/role:testrole", false),
            ("arn:aws:iam::12345678901:role/Short", false),
            ("arn:aws:iam::123456789012:user/Someone", false),
            ("arn:aws:iam::123456789012:role/", false),
            ("arn:aws:iam::123456789012:role/with space", false),
            ("arn:gcp:iam::123456789012:role/Q", false),
            ("QualysConnector", false),
        ] {
            assert_eq!(text.parse::<RoleArn>().is_ok(), good, "{text}");
        }
    }

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
    fn an_unquoted_account_id_is_told_to_be_quoted() {
        let error = read::<AwsAccount>("123456789012").unwrap_err();
        assert!(error.contains("put 123456789012 in quotes"), "{error}");
    }

    #[test]
    fn external_ids_of_the_vendors_form_are_told_apart() {
        for (text, vendor) in [
            ("US1-1368984-11213331", true),
            ("pod01-324825-1616617666828", true),
            ("1576723123456", false),
            ("US1-1368984-abc", false),
        ] {
            assert_eq!(text.parse::<ExternalId>().unwrap().has_vendor_form(), vendor, "{text}");
        }
        assert!("x".parse::<ExternalId>().is_err());
        assert!("with space".parse::<ExternalId>().is_err());
    }

    #[test]
    fn regions_are_all_or_a_sorted_list() {
        assert_eq!(read::<Regions>(r#""all""#).as_deref(), Ok(r#""all""#));
        let sorted = read::<Regions>(r#"["us-gov-west-1","eu-west-1","eu-west-1"]"#);
        assert_eq!(sorted.as_deref(), Ok(r#"["eu-west-1","us-gov-west-1"]"#));
        for wrong in [r#""some""#, "[]", r#"["Ireland"]"#, r#"["eu-west"]"#, "true"] {
            assert!(read::<Regions>(wrong).is_err(), "{wrong}");
        }
    }
}
