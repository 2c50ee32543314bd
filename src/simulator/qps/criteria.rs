//! Filters: which fields may be searched, with which operators, and whether an object matches.
//!
//! The operators by type are the documents' own list ("Available operators").

use std::borrow::Cow;

use serde_json::Value;

use super::refusal::Refusal;
use super::request::Criterion;
use crate::simulator::options::SearchCase;
use crate::simulator::store::{Record, Tags, at};

/// One field that filters may name.
#[derive(Debug)]
pub(crate) struct Searchable {
    pub(crate) name: &'static str,
    pub(crate) operand: Operand,
    pub(crate) source: Source,
    /// Named in the samples of update and delete alone.
    pub(crate) only_in_writes: bool,
}

/// The type of a searchable field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand {
    Integer,
    Text,
    Date,
    /// One of these words; any word where the documents list none.
    Keyword(&'static [&'static str]),
    Boolean,
    /// The documents name no type: the operators of texts and of keywords are taken.
    Word,
}

/// Where an object keeps the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Id,
    /// A field, or with a dot in the path one member of a group.
    Field(&'static str),
    /// The items of a collection of words or ids.
    Items(&'static str),
    /// One member of the items of a collection.
    Member(&'static str, &'static str),
    /// The names of the tags whose ids a collection holds.
    TagNames(&'static str),
    /// The names of the tags that the items of a collection name under `tagId`.
    MemberTagNames(&'static str),
    /// A word, and what it is where the object has none.
    Or(&'static str, &'static str),
}

pub(crate) const fn by(name: &'static str, operand: Operand, source: Source) -> Searchable {
    Searchable { name, operand, source, only_in_writes: false }
}

/// A filter that has been checked.
#[derive(Debug)]
pub(crate) struct Filter {
    source: Source,
    operator: Operator,
    wanted: Wanted,
    ignore_case: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equals,
    NotEquals,
    Greater,
    Lesser,
    Contains,
    In,
}

#[derive(Debug)]
enum Wanted {
    Numbers(Vec<u64>),
    Texts(Vec<String>),
    Flag(bool),
}

impl Operand {
    fn operators(self) -> &'static [(&'static str, Operator)] {
        use Operator::{Contains, Equals, Greater, In, Lesser, NotEquals};
        match self {
            Self::Integer => &[
                ("EQUALS", Equals),
                ("NOT EQUALS", NotEquals),
                ("GREATER", Greater),
                ("LESSER", Lesser),
                ("IN", In),
            ],
            Self::Text => &[("CONTAINS", Contains), ("EQUALS", Equals), ("NOT EQUALS", NotEquals)],
            Self::Date => {
                &[("EQUALS", Equals), ("NOT EQUALS", NotEquals), ("GREATER", Greater), ("LESSER", Lesser)]
            }
            Self::Keyword(_) => &[("EQUALS", Equals), ("NOT EQUALS", NotEquals), ("IN", In)],
            Self::Boolean => &[("EQUALS", Equals), ("NOT EQUALS", NotEquals)],
            Self::Word => {
                &[("CONTAINS", Contains), ("EQUALS", Equals), ("NOT EQUALS", NotEquals), ("IN", In)]
            }
        }
    }
}

impl Filter {
    /// Checks a criterion against the fields that may be searched.
    pub(crate) fn check(
        criterion: &Criterion,
        searchable: &[Searchable],
        write: bool,
        case: SearchCase,
    ) -> Result<Self, Refusal> {
        let Criterion { field, operator, value } = criterion;
        let known = searchable.iter().filter(|known| write || !known.only_in_writes);
        let Some(known) = known.clone().find(|known| known.name == field) else {
            let names: Vec<_> = known.map(|known| known.name).collect();
            return Err(Refusal::invalid(
                format!("Criteria: Field '{field}' is not supported as criteria."),
                format!("Supported criteria: {}.", names.join(", ")),
            ));
        };
        let operators = known.operand.operators();
        let Some((_, operator)) = operators.iter().find(|(name, _)| name == operator) else {
            let names: Vec<_> = operators.iter().map(|(name, _)| *name).collect();
            return Err(Refusal::invalid(
                format!("Criteria: Operator '{operator}' is not supported for criteria '{field}'."),
                format!("Supported operators: {}.", names.join(", ")),
            ));
        };
        if write && *operator == Operator::NotEquals {
            return Err(Refusal::invalid(
                format!(
                    "Criteria: Operator 'NOT EQUALS' is not supported for criteria '{field}' in update and delete."
                ),
                "Specify another operator.",
            ));
        }
        let wanted = Wanted::read(known.operand, *operator, field, value)?;
        let ignore_case = case == SearchCase::Insensitive;
        wanted.check_words(known.operand, ignore_case, field, value)?;
        Ok(Self { source: known.source, operator: *operator, wanted, ignore_case })
    }

    /// The lowest id that can match, where the filter says something of it.
    pub(crate) fn lowest_id(&self) -> u64 {
        match (&self.source, self.operator, &self.wanted) {
            (Source::Id, Operator::Greater, Wanted::Numbers(ids)) => {
                ids.first().map_or(0, |id| id.saturating_add(1))
            }
            (Source::Id, Operator::Equals | Operator::In, Wanted::Numbers(ids)) => {
                ids.iter().min().copied().unwrap_or(0)
            }
            _ => 0,
        }
    }

    pub(crate) fn matches(&self, record: &Record, tags: &Tags) -> bool {
        let values = self.source.values(record, tags);
        match self.operator {
            Operator::NotEquals => !values.iter().any(|value| self.equal(value)),
            Operator::Equals | Operator::In => values.iter().any(|value| self.equal(value)),
            Operator::Contains => values.iter().any(|value| self.contained(value)),
            Operator::Greater => values.iter().any(|value| self.compare(value).is_gt()),
            Operator::Lesser => values.iter().any(|value| self.compare(value).is_lt()),
        }
    }

    fn equal(&self, value: &str) -> bool {
        match &self.wanted {
            Wanted::Numbers(numbers) => value.parse().is_ok_and(|value| numbers.contains(&value)),
            Wanted::Texts(texts) if self.ignore_case => {
                texts.iter().any(|text| text.to_lowercase() == value.to_lowercase())
            }
            Wanted::Texts(texts) => texts.iter().any(|text| text == value),
            Wanted::Flag(flag) => value == if *flag { "true" } else { "false" },
        }
    }

    fn contained(&self, value: &str) -> bool {
        let Wanted::Texts(texts) = &self.wanted else { return false };
        texts.iter().any(|text| {
            if self.ignore_case {
                value.to_lowercase().contains(&text.to_lowercase())
            } else {
                value.contains(text)
            }
        })
    }

    /// Times are all written alike, in UTC, so that their texts sort as they do.
    fn compare(&self, value: &str) -> std::cmp::Ordering {
        match &self.wanted {
            Wanted::Numbers(numbers) => match (value.parse::<u64>(), numbers.first()) {
                (Ok(value), Some(number)) => value.cmp(number),
                _ => std::cmp::Ordering::Equal,
            },
            Wanted::Texts(texts) => {
                texts.first().map_or(std::cmp::Ordering::Equal, |text| value.cmp(text.as_str()))
            }
            Wanted::Flag(_) => std::cmp::Ordering::Equal,
        }
    }
}

impl Wanted {
    /// A misspelt word would find nothing, and look like an empty list.
    fn check_words(
        &self,
        operand: Operand,
        ignore_case: bool,
        field: &str,
        value: &str,
    ) -> Result<(), Refusal> {
        let (Operand::Keyword(words @ [_, ..]), Self::Texts(given)) = (operand, self) else { return Ok(()) };
        let is_known = |given: &String| {
            words.iter().any(|word| given == word || (ignore_case && given.eq_ignore_ascii_case(word)))
        };
        if given.iter().all(is_known) {
            return Ok(());
        }
        Err(bad_value(field, value, &format!("Values expected: {}.", words.join(", "))))
    }

    fn read(operand: Operand, operator: Operator, field: &str, value: &str) -> Result<Self, Refusal> {
        let refuse = |resolution: &str| Err(bad_value(field, value, resolution));
        let items: Vec<&str> =
            if operator == Operator::In { value.split(',').map(str::trim).collect() } else { vec![value] };
        match operand {
            Operand::Integer => {
                let numbers: Result<Vec<u64>, _> = items.iter().map(|item| item.parse()).collect();
                numbers.map(Self::Numbers).or_else(|_| refuse("Specify criteria value(s) as Long."))
            }
            Operand::Boolean => match value {
                "true" => Ok(Self::Flag(true)),
                "false" => Ok(Self::Flag(false)),
                _ => refuse("Values expected: true, false."),
            },
            Operand::Date => match normal_time(value) {
                Some(time) => Ok(Self::Texts(vec![time])),
                None => refuse("Specify criteria value(s) as YYYY-MM-DD[THH:MM:SSZ]."),
            },
            Operand::Text | Operand::Keyword(_) | Operand::Word => {
                if items.iter().any(|item| item.is_empty()) {
                    return refuse("Specify criteria value(s).");
                }
                Ok(Self::Texts(items.into_iter().map(str::to_owned).collect()))
            }
        }
    }
}

/// A recorded refusal's words.
fn bad_value(field: &str, value: &str, resolution: &str) -> Refusal {
    Refusal::invalid(format!("Criteria: Invalid value format for criteria '{field}' ({value})."), resolution)
}

fn normal_time(value: &str) -> Option<String> {
    if let Ok(date) = value.parse::<jiff::civil::Date>()
        && value.len() == 10
    {
        return Some(format!("{date}T00:00:00Z"));
    }
    let time: jiff::Timestamp = value.parse().ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

impl Source {
    fn values<'a>(self, record: &'a Record, tags: &'a Tags) -> Vec<Cow<'a, str>> {
        let items = |field: &str| record.object.get(field).and_then(Value::as_array).into_iter().flatten();
        match self {
            Self::Id => vec![Cow::Owned(record.id.to_string())],
            Self::Field(path) => at(&record.object, path).and_then(scalar).into_iter().collect(),
            Self::Items(field) => items(field).filter_map(scalar).collect(),
            Self::Member(field, member) => {
                items(field).filter_map(|item| scalar(item.get(member)?)).collect()
            }
            Self::TagNames(field) => {
                items(field).filter_map(|item| Some(Cow::Borrowed(tags.name(item.as_u64()?)?))).collect()
            }
            Self::MemberTagNames(field) => items(field)
                .filter_map(|item| Some(Cow::Borrowed(tags.name(item.get("tagId")?.as_u64()?)?)))
                .collect(),
            Self::Or(field, otherwise) => {
                vec![record.object.get(field).and_then(scalar).unwrap_or(Cow::Borrowed(otherwise))]
            }
        }
    }
}

fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
