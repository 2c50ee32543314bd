//! Assessment reports: jobs, not objects. What the file says of one, and the names that one run of it has. Fields as in
//! the vendor's CloudView API release notes, "Assessment Reports in PDF Format".

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::{Address, Kind, ZonedCron};

/// A report that the platform makes on demand: evaluations of a cloud's resources against policies.
#[derive(Debug, Clone, PartialEq)]
pub struct AssessmentReport {
    /// What people know it by; one in a file.
    pub name: String,
    /// Whose resources it is about.
    pub cloud: ReportCloud,
    /// What kind of file it is.
    pub format: ReportFormat,
    /// The policies that it evaluates; of a PDF exactly one.
    pub policies: Vec<Uuid>,
    /// The evaluations that it shows.
    pub results: BTreeSet<Evaluation>,
    /// The connectors whose resources it is about; `None` for all.
    pub connectors: Option<Vec<Address>>,
    /// How far back it looks from the moment at which it is made.
    pub period: Duration,
    /// When the daemon makes it; `None` for on demand alone.
    pub cron: Option<ZonedCron>,
    /// Free text.
    pub description: String,
    /// A search in the platform's query language (QQL); empty for none.
    pub query: String,
    /// Whether a PDF lists the resources one by one.
    pub resource_summary: bool,
    /// The folder that its files go to, absolute.
    pub download_to: PathBuf,
}

/// The clouds that there are reports of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the clouds' own names")]
pub enum ReportCloud {
    Aws,
    Azure,
    Gcp,
}

/// What kind of file a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the formats' own names")]
pub enum ReportFormat {
    Pdf,
    Csv,
}

/// How a resource was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evaluation {
    /// It passed.
    Pass,
    /// It passed by an exception.
    PassWithException,
    /// It failed.
    Fail,
}

/// A word of the file in any case of its letters, as the vendor's documents write them in several.
macro_rules! words {
    ($type:ident: $what:literal { $($variant:ident = $word:literal,)+ }) => {
        impl $type {
            /// All of them.
            pub const ALL: &'static [$type] = &[$($type::$variant,)+];

            /// The platform's word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $($type::$variant => $word,)+ }
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                struct Word;
                impl Visitor<'_> for Word {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        let found = $type::ALL.iter().find(|word| word.word().eq_ignore_ascii_case(text));
                        found.copied().ok_or_else(|| E::unknown_variant(text, &[$($word,)+]))
                    }
                }
                deserializer.deserialize_any(Word)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! { ReportCloud: "a cloud: AWS, Azure or GCP" { Aws = "AWS", Azure = "Azure", Gcp = "GCP", } }
words! { ReportFormat: "a format: pdf or csv" { Pdf = "pdf", Csv = "csv", } }
words! {
    Evaluation: "a result: PASS, PASSE or FAIL" {
        Pass = "PASS", PassWithException = "PASSE", Fail = "FAIL",
    }
}

impl ReportCloud {
    /// The kind of its connectors.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            ReportCloud::Aws => Kind::Aws,
            ReportCloud::Azure => Kind::Azure,
            ReportCloud::Gcp => Kind::Gcp,
        }
    }
}

/// Far more than a table of reports has room for.
const LONGEST_NAME: usize = 80;

impl AssessmentReport {
    /// Why no file can be named after a report of this name, and what to do about it.
    #[must_use]
    pub fn refuses_name(name: &str) -> Option<(String, &'static str)> {
        let reason = if name.trim().is_empty() {
            "an empty name"
        } else if name.chars().any(char::is_control) {
            "the name holds a control character"
        } else if name.contains(['/', '\\']) {
            "the name holds a path separator"
        } else if name.starts_with('.') {
            "the name starts with a dot"
        } else if name.chars().count() > LONGEST_NAME {
            "the name is longer than 80 characters"
        } else if !name.contains(|character: char| character.is_ascii_alphanumeric()) {
            "the name has no letter and no digit of ASCII"
        } else {
            return None;
        };
        Some((reason.to_owned(), "files are named after it: give one as in gcp-weekly"))
    }

    /// What one run of it is called, on the platform and by its file: no other run has the name, unless it starts in
    /// the same second.
    #[must_use]
    pub fn run_name(&self, at: Timestamp) -> String {
        format!("{}-{}", self.name, at.strftime("%Y%m%dT%H%M%SZ"))
    }

    /// The name of the file of that run, without a folder. Whatever the name holds, it names a file right in its
    /// folder, and no hidden one.
    #[must_use]
    pub fn file_name(&self, at: Timestamp, turn: u32) -> String {
        let plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
        let stem: String = self
            .run_name(at)
            .chars()
            .map(|character| if plain(character) { character } else { '-' })
            .skip_while(|character| *character == '.')
            .collect();
        let turn = if turn == 0 { String::new() } else { format!("-{}", turn + 1) };
        format!("{stem}{turn}.{}", self.format)
    }
}

#[cfg(test)]
impl AssessmentReport {
    /// One for tests, `gcp-weekly`.
    pub(crate) fn example() -> AssessmentReport {
        AssessmentReport {
            name: "gcp-weekly".to_owned(),
            cloud: ReportCloud::Gcp,
            format: ReportFormat::Pdf,
            policies: vec![Uuid::from_u128(7)],
            results: BTreeSet::from([Evaluation::Pass]),
            connectors: None,
            period: Duration::from_hours(1),
            cron: None,
            description: String::new(),
            query: String::new(),
            resource_summary: false,
            download_to: PathBuf::from("/reports"),
        }
    }
}

/// How a report is named among addresses: in the log, on the status page and by `validate`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReportAddress<'a>(pub &'a str);

impl fmt::Display for ReportAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "report/{}", self.0)
    }
}

impl Serialize for ReportAddress<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(name: &str) -> AssessmentReport {
        AssessmentReport { name: name.to_owned(), ..AssessmentReport::example() }
    }

    #[test]
    fn a_run_is_named_after_the_report_and_its_second() {
        let at = "2026-11-23T06:00:00.987Z".parse().unwrap();
        for (name, run, file) in [
            ("gcp-weekly", "gcp-weekly-20261123T060000Z", "gcp-weekly-20261123T060000Z.pdf"),
            (
                "Prod: all/ of it",
                "Prod: all/ of it-20261123T060000Z",
                "Prod--all--of-it-20261123T060000Z.pdf",
            ),
            ("../..", "../..-20261123T060000Z", "-..-20261123T060000Z.pdf"),
            ("Zürich 1", "Zürich 1-20261123T060000Z", "Z-rich-1-20261123T060000Z.pdf"),
        ] {
            assert_eq!(report(name).run_name(at), run);
            assert_eq!(report(name).file_name(at, 0), file);
        }
        assert_eq!(report("a").file_name(at, 1), "a-20261123T060000Z-2.pdf");
    }

    #[test]
    fn a_name_that_makes_no_file_name_is_refused() {
        for name in ["", " ", "a/b", "a\\b", "..", ".hidden", "a\nb", "é", &"a".repeat(81)] {
            assert!(AssessmentReport::refuses_name(name).is_some(), "{name:?}");
        }
        for name in ["a", "gcp-weekly", "Prod (EU): all", "v1.2", &"a".repeat(80)] {
            assert_eq!(AssessmentReport::refuses_name(name), None, "{name:?}");
        }
    }
}
