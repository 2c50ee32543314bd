//! What failed, as people are told it. Programs are told each kind by itself.

use std::fmt;

use super::model::Failed;
use crate::resource::Kind;

/// One line of what failed: an object, a kind, or the kinds that one and the same cause has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure<'a> {
    /// The object or the kind; of several kinds the first.
    pub first: &'a Failed,
    /// The further kinds.
    pub also: Vec<Kind>,
}

/// The lines, in the order in which their first ones come. Kinds are of one cause if that fails every kind, or if their
/// errors are the same to the letter, which holds where they were waiting for the same call, as when a subscription lacks
/// a module.
#[must_use]
pub fn failures<'a>(failed: impl IntoIterator<Item = &'a Failed>) -> Vec<Failure<'a>> {
    let mut failures: Vec<Failure<'a>> = Vec::new();
    for one in failed {
        let Failed { kind, address, error, cause } = one;
        let same = |other: &&mut Failure<'_>| {
            let first = other.first;
            let is_alike = first.error == *error || (cause.is_some() && first.cause == *cause);
            address.is_none() && first.address.is_none() && is_alike
        };
        match failures.iter_mut().find(same) {
            Some(failure) => failure.also.push(*kind),
            None => failures.push(Failure { first: one, also: Vec::new() }),
        }
    }
    failures
}

/// What to say of the kinds that could not be read and that the file does not name: a warning for each cause, which
/// names the kinds. `failed` are those that the file names: what failed them is not told at length again.
pub(super) fn unread_warnings(unread: &[Failed], failed: &[Failed]) -> Vec<String> {
    let mut causes: Vec<(&Failed, Vec<&str>)> = Vec::new();
    for one in unread {
        match causes.iter_mut().find(|(first, _)| cause(&first.error) == cause(&one.error)) {
            Some((_, kinds)) => kinds.push(one.kind.word()),
            None => causes.push((one, vec![one.kind.word()])),
        }
    }
    let warning = |(first, kinds): (&Failed, Vec<&str>)| {
        let error = &first.error;
        let said = failed.iter().find(|said| said.address.is_none() && cause(&said.error) == cause(error));
        let kinds = kinds.join(", ");
        match said {
            Some(said) => format!("{kinds}: could not be read either, as {}; the file names none", said.kind),
            None => format!("{kinds}: could not be read, and the file names none: {error}"),
        }
    };
    causes.into_iter().map(warning).collect()
}

/// An error less the operation in which it came up: `HTTP 503` of `could not search tag: HTTP 503`.
fn cause(error: &str) -> &str {
    let operation = error.strip_prefix("could not ").and_then(|rest| rest.split_once(": "));
    operation.map_or(error, |(_, cause)| cause)
}

impl Failure<'_> {
    /// The further kinds in words; `None` where there are none.
    #[must_use]
    pub fn also(&self) -> Option<String> {
        let words: Vec<&str> = self.also.iter().map(|kind| kind.word()).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// What failed: `aws/prod`, `aws`, `registry_schedule, registry_connector`.
impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.first.address {
            Some(address) => write!(f, "{address}")?,
            None => write!(f, "{}", self.first.kind)?,
        }
        self.also().map_or(Ok(()), |also| write!(f, ", {also}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Address;

    #[test]
    fn a_cause_that_fails_all_kinds_is_one_warning_for_those_that_the_file_does_not_name() {
        let of = |kind, error: &str| Failed { kind, address: None, error: error.to_owned(), cause: None };
        let refused = |object: &str| format!("could not search {object}: HTTP 401: refused: again");
        let unread = [
            of(Kind::Tag, &refused("tag")),
            of(Kind::Gcp, "could not search gcp: HTTP 503"),
            of(Kind::Oci, &refused("oci")),
            of(Kind::GlobalScan, "could not search globalscan: HTTP 503"),
        ];
        let busy =
            "gcp, global_scan: could not be read, and the file names none: could not search gcp: HTTP 503";
        let said = [of(Kind::Aws, &refused("aws"))];
        assert_eq!(
            unread_warnings(&unread, &said),
            ["tag, oci: could not be read either, as aws; the file names none", busy]
        );
        let alone = "tag, oci: could not be read, and the file names none: could not search tag: HTTP 401: refused: again";
        assert_eq!(unread_warnings(&unread, &[]), [alone, busy]);
    }

    #[test]
    fn kinds_of_one_cause_are_one_line_and_objects_are_one_each() {
        let of = |kind, name: Option<&str>, error: &str| Failed {
            kind,
            address: name.map(|name| Address::new(kind, name.to_owned())),
            error: error.to_owned(),
            cause: None,
        };
        let failed = [
            of(Kind::Aws, None, "503"),
            of(Kind::Azure, Some("a"), "404"),
            of(Kind::Azure, Some("b"), "404"),
            of(Kind::RegistrySchedule, None, "404"),
            of(Kind::Gcp, None, "503"),
            of(Kind::RegistryConnector, None, "404"),
        ];
        let lines: Vec<String> = failures(&failed).iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["aws, gcp", "azure/a", "azure/b", "registry_schedule, registry_connector"]);
    }
}
