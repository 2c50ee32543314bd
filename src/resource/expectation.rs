//! What the asset inventory should hold. A check, not an object: it is counted and told, and nothing is ever written.

use std::fmt;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// How many assets should match.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// What people know it by; one in a file.
    pub name: String,
    /// As many, or more.
    pub at_least: Option<u64>,
    /// As many, or fewer.
    pub at_most: Option<u64>,
    /// An asset counts if it matches all of them.
    #[serde(default)]
    pub filters: Vec<Filter>,
}

/// What an asset has to match.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The inventory's name of the field, as in `oci.compute.canonicalRegionName`.
    pub field: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub value: FilterValue,
}

/// How a field is compared (GAV/CSAM API v2, "Supported Operators"). Which of them a field takes, the platform says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the platform's own words")]
pub enum Operator {
    Equals,
    NotEquals,
    In,
    Contains,
    Greater,
    Lesser,
    GreaterThanEqual,
    LessThanEqual,
}

impl Operator {
    /// The platform's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Operator::Equals => "EQUALS",
            Operator::NotEquals => "NOT_EQUALS",
            Operator::In => "IN",
            Operator::Contains => "CONTAINS",
            Operator::Greater => "GREATER",
            Operator::Lesser => "LESSER",
            Operator::GreaterThanEqual => "GREATER_THAN_EQUAL",
            Operator::LessThanEqual => "LESS_THAN_EQUAL",
        }
    }

    /// Why it cannot be used with this value, whatever the field, and what to do about it: by the documents' lists of
    /// what goes with texts, numbers, dates and booleans.
    #[must_use]
    pub fn refuses(self, value: &FilterValue) -> Option<(String, &'static str)> {
        let (why, remedy) = match (self, value) {
            (Operator::In, FilterValue::One(_)) => ("takes a list", "as in [a, b]"),
            (Operator::In, FilterValue::List(_)) | (Operator::Equals, FilterValue::One(_)) => return None,
            (_, FilterValue::List(_)) => ("takes one value", "IN takes a list"),
            (_, FilterValue::One(Single::Bool(_))) => {
                ("does not take true or false", "EQUALS does; a text is put in quotes")
            }
            (Operator::Contains, FilterValue::One(Single::Number(_))) => ("takes a text", "put it in quotes"),
            (
                Operator::NotEquals
                | Operator::Contains
                | Operator::Greater
                | Operator::Lesser
                | Operator::GreaterThanEqual
                | Operator::LessThanEqual,
                FilterValue::One(Single::Text(_) | Single::Number(_)),
            ) => return None,
        };
        Some((format!("{} {why}", self.word()), remedy))
    }
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterValue {
    /// One value.
    One(Single),
    /// Any of several.
    List(Vec<Single>),
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Single {
    /// A text, or a date.
    Text(String),
    /// A number, as a text: none is computed with.
    Number(String),
    /// True or false.
    Bool(bool),
}

impl fmt::Display for Single {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Single::Text(text) | Single::Number(text) => f.write_str(text),
            Single::Bool(on) => write!(f, "{on}"),
        }
    }
}

impl<'de> Deserialize<'de> for FilterValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FilterValue, D::Error> {
        struct OneOrList;
        impl<'de> Visitor<'de> for OneOrList {
            type Value = FilterValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, true or false, or a list of them")
            }

            fn visit_bool<E: de::Error>(self, on: bool) -> Result<FilterValue, E> {
                OneValue.visit_bool(on).map(FilterValue::One)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<FilterValue, E> {
                OneValue.visit_u64(number).map(FilterValue::One)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<FilterValue, E> {
                OneValue.visit_i64(number).map(FilterValue::One)
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<FilterValue, E> {
                OneValue.visit_f64(number).map(FilterValue::One)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<FilterValue, E> {
                OneValue.visit_str(text).map(FilterValue::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<FilterValue, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                Ok(FilterValue::List(all))
            }
        }
        deserializer.deserialize_any(OneOrList)
    }
}

impl<'de> Deserialize<'de> for Single {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Single, D::Error> {
        deserializer.deserialize_any(OneValue)
    }
}

struct OneValue;

impl Visitor<'_> for OneValue {
    type Value = Single;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, or true or false")
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<Single, E> {
        Ok(Single::Bool(on))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Single, E> {
        Ok(Single::Number(number.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Single, E> {
        Ok(Single::Number(number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Single, E> {
        Ok(Single::Number(number.to_string()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Single, E> {
        Ok(Single::Text(text.to_owned()))
    }
}

/// What came of an expectation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Checked {
    /// Which.
    pub name: String,
    /// How many assets match; `None` if that could not be counted.
    pub count: Option<u64>,
    /// See [`Expectation::at_least`].
    pub at_least: Option<u64>,
    /// See [`Expectation::at_most`].
    pub at_most: Option<u64>,
    /// Whether it is met; `None` if nobody knows.
    pub met: Option<bool>,
    /// Why nobody knows.
    pub error: Option<String>,
}

impl Expectation {
    /// Judges a count, or what went wrong with it.
    #[must_use]
    pub fn judge(&self, counted: Result<u64, String>) -> Checked {
        let Expectation { name, at_least, at_most, filters: _ } = self;
        let (count, error) = match counted {
            Ok(count) => (Some(count), None),
            Err(error) => (None, Some(error)),
        };
        let fits = |count: u64| {
            at_least.is_none_or(|at_least| count >= at_least) && at_most.is_none_or(|most| count <= most)
        };
        Checked {
            name: name.clone(),
            count,
            at_least: *at_least,
            at_most: *at_most,
            met: count.map(fits),
            error,
        }
    }
}

impl Checked {
    /// What a person is told, unless it is met.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let Checked { name, count, at_least, at_most, met, error } = self;
        if let Some(error) = error {
            return Some(format!("expectation \"{name}\" could not be checked: {error}"));
        }
        let count = count.filter(|_| *met == Some(false))?;
        let assets = if count == 1 { "asset" } else { "assets" };
        let wanted = match (at_least, at_most) {
            (Some(at_least), _) if count < *at_least => format!("at least {at_least}"),
            (_, Some(at_most)) => format!("at most {at_most}"),
            (Some(at_least), None) => format!("at least {at_least}"),
            (None, None) => return None,
        };
        Some(format!("expectation \"{name}\": {count} {assets}, {wanted} wanted"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        bounds: (Option<u64>, Option<u64>),
        counted: Result<u64, &str>,
        met: Option<bool>,
        told: Option<&str>,
    ) {
        let (at_least, at_most) = bounds;
        let expectation = Expectation { name: "hosts".to_owned(), at_least, at_most, filters: Vec::new() };
        let checked = expectation.judge(counted.map_err(str::to_owned));
        assert_eq!((checked.met, checked.warning().as_deref()), (met, told), "{bounds:?} {counted:?}");
    }

    #[test]
    fn a_count_is_held_against_both_bounds_and_told_by_the_one_that_it_breaks() {
        let least = Some("expectation \"hosts\": 0 assets, at least 1 wanted");
        check((Some(1), None), Ok(0), Some(false), least);
        check((Some(1), None), Ok(1), Some(true), None);
        check((None, Some(0)), Ok(0), Some(true), None);
        let most = Some("expectation \"hosts\": 1 asset, at most 0 wanted");
        check((None, Some(0)), Ok(1), Some(false), most);
        check((Some(2), Some(5)), Ok(5), Some(true), None);
        let few = Some("expectation \"hosts\": 1 asset, at least 2 wanted");
        check((Some(2), Some(5)), Ok(1), Some(false), few);
        let many = Some("expectation \"hosts\": 6 assets, at most 5 wanted");
        check((Some(2), Some(5)), Ok(6), Some(false), many);
    }

    #[test]
    fn what_could_not_be_counted_is_neither_met_nor_failed() {
        let told = Some("expectation \"hosts\" could not be checked: no answer");
        check((Some(1), None), Err("no answer"), None, told);
    }

    #[test]
    fn operators_take_what_the_documents_say_and_the_rest_is_for_the_platform() {
        use Operator::{Contains, Equals, Greater, In, NotEquals};
        let one = |single| FilterValue::One(single);
        let text = || one(Single::Text("2026-01-01".to_owned()));
        let number = || one(Single::Number("5".to_owned()));
        let list = || FilterValue::List(vec![Single::Number("5".to_owned())]);
        for (operator, value, taken) in [
            (Equals, text(), true),
            (Equals, one(Single::Bool(true)), true),
            (NotEquals, one(Single::Bool(true)), false),
            (Greater, text(), true),
            (Greater, number(), true),
            (Greater, list(), false),
            (Contains, text(), true),
            (Contains, number(), false),
            (In, list(), true),
            (In, text(), false),
        ] {
            assert_eq!(operator.refuses(&value).is_none(), taken, "{operator:?} {value:?}");
        }
    }
}
