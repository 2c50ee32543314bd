//! What AWS has of its own: accounts, partitions, the ARNs of roles, and external ids.

use super::grammar::text_with_a_grammar;
use super::words::{is_word, words};

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

words! {
    /// A group of AWS accounts that share nothing with the others.
    Partition {
        /// The commercial regions.
        Aws = "aws",
        /// GovCloud.
        AwsUsGov = "aws-us-gov",
        /// China.
        AwsCn = "aws-cn",
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl RoleArn {
    /// The ARN of a role by its parts. The role's name may have a path before it (`team/Connector`).
    pub fn from_parts(partition: &Partition, account: &AwsAccount, role: &str) -> Result<RoleArn, String> {
        format!("arn:{}:iam::{account}:role/{}", partition.name(), role.trim_start_matches('/')).parse()
    }

    /// The account within the ARN; `None` where the platform's value is not an ARN.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        RoleArn::split(&self.0).map(|(_, account)| account)
    }

    /// The partition within the ARN; `None` where the platform's value is not an ARN.
    #[must_use]
    pub fn partition(&self) -> Option<Partition> {
        RoleArn::split(&self.0).map(|(partition, _)| Partition::from_platform(partition))
    }

    /// Partition and account, where the text is a role's ARN: role names have at most 64 of
    /// `A-Z a-z 0-9 _ + = , . @ -`, their path at most 512 characters.
    fn split(text: &str) -> Option<(&str, &str)> {
        let rest = text.strip_prefix("arn:")?;
        let (partition, rest) = rest.split_once(":iam::")?;
        let (account, role) = rest.split_once(":role/")?;
        let is_partition = partition == "aws" || partition.starts_with("aws-") && is_word(partition);
        if !is_partition || !is_account(account) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::scalar::read;

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
}
