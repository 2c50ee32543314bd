//! JSON with its members in their order, those included that are given twice: a map would keep the last one alone, and
//! nobody would hear of the others.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::tree::{Leaf, Native};

/// A JSON value.
#[derive(Debug)]
pub(super) enum Json {
    Null,
    Scalar(Leaf),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn scalar(text: String, native: Native) -> Self {
        Self::Scalar(Leaf { text, native })
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Json;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::scalar(flag.to_string(), Native::Boolean))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::scalar(number.to_string(), Native::Number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::scalar(number.to_string(), Native::Number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::scalar(number.to_string(), Native::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::scalar(text.to_owned(), Native::Text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut given: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = given.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = given.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}
