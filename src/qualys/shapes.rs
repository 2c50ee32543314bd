//! The forms in which the platform writes one and the same value: booleans and numbers also as strings, `data`
//! and `list` as an array or a single object, collections with more or fewer levels around their items. The
//! vendor's samples show every one of them.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, IntoDeserializer, MapAccess,
    SeqAccess, Visitor,
};

/// A boolean, also as `"true"` or `"false"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

/// A whole number, also as a string of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number(pub(super) u64);

/// A text, also as a number or a boolean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Flag, D::Error> {
        struct Expected;
        impl Visitor<'_> for Expected {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }

            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag(flag))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Flag, E> {
                match text.trim() {
                    "" => Ok(Flag(false)),
                    text if text.eq_ignore_ascii_case("true") => Ok(Flag(true)),
                    text if text.eq_ignore_ascii_case("false") => Ok(Flag(false)),
                    text => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Expected)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        struct Expected;
        impl Visitor<'_> for Expected {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                let number = text.trim().parse();
                number.map(Number).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Expected)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        struct Expected;
        impl Visitor<'_> for Expected {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Text, E> {
                Ok(Text(text))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Text, E> {
                Ok(Text(flag.to_string()))
            }
        }
        deserializer.deserialize_any(Expected)
    }
}

/// For `deserialize_with`: a text that may be missing.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Text>::deserialize(deserializer)?.map(|Text(text)| text))
}

/// For `deserialize_with`: a text that may be missing, where an empty one says as little.
pub(super) fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text(deserializer)?.filter(|text| !text.is_empty()))
}

/// For `deserialize_with`: a boolean; missing, `null` and `""` are false.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<Flag>::deserialize(deserializer)?.is_some_and(|Flag(flag)| flag))
}

/// For `deserialize_with`: a number that may be missing; `""` is missing too.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match filled(deserializer)? {
        None => Ok(None),
        Some(text) => {
            Number::deserialize(de::value::StrDeserializer::new(&text)).map(|Number(number)| Some(number))
        }
    }
}

/// For `deserialize_with`: a single object; `null`, `""` and a list of one stand for it too.
pub(super) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    struct Expected<T>(PhantomData<T>);
    impl<'de, T: DeserializeOwned> Visitor<'de> for Expected<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_unit<E>(self) -> Result<Option<T>, E> {
            Ok(None)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<T>, E> {
            if text.is_empty() { Ok(None) } else { Err(E::invalid_type(de::Unexpected::Str(text), &self)) }
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
            T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Some)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<T>, A::Error> {
            let first = list.next_element()?;
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(first)
        }
    }
    deserializer.deserialize_any(Expected(PhantomData))
}

/// What a collection holds, and the names that the platform wraps it in.
pub(super) trait Item: DeserializeOwned {
    /// The name of one item: `TagSimple`.
    const NAME: &'static str;
    /// Names of levels between the collection and its items, besides `list`.
    const LEVELS: &'static [&'static str] = &[];
}

/// A collection, in whichever nesting: `{"list": [{"TagSimple": {…}}]}`, `{"list": {"TagSimple": {…}}}`,
/// `{"TagSimple": [{…}, {…}]}`, `[{"TagSimple": {…}}]`, `{"count": 0}`, `null`, `""`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Items<T>(pub(super) Vec<T>);

impl<T> Default for Items<T> {
    fn default() -> Items<T> {
        Items(Vec::new())
    }
}

impl<'de, T: Item> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Items<T>, D::Error> {
        let mut all = Vec::new();
        deserializer.deserialize_any(Level { all: &mut all, inside: false })?;
        Ok(Items(all))
    }
}

/// One level of a collection. `inside` the item's own name every map is an item.
struct Level<'a, T> {
    all: &'a mut Vec<T>,
    inside: bool,
}

impl<'de, T: Item> DeserializeSeed<'de> for Level<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Item> Visitor<'de> for Level<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a collection of {}", T::NAME)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Level { all: &mut *self.all, inside: self.inside })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.inside {
            self.all.push(T::deserialize(de::value::MapAccessDeserializer::new(map))?);
            return Ok(());
        }
        let (mut known, mut foreign) = (false, None);
        while let Some(key) = map.next_key::<String>()? {
            // `set` is what a request says; part of the samples echoes it.
            let level = matches!(key.as_str(), "list" | "set") || T::LEVELS.contains(&key.as_str());
            if level || key == T::NAME {
                known = true;
                map.next_value_seed(Level { all: &mut *self.all, inside: !level })?;
            } else {
                known |= key == "count";
                map.next_value::<IgnoredAny>()?;
                foreign.get_or_insert(key);
            }
        }
        // A map of unknown names alone is not an empty collection, it is one that we cannot read.
        match foreign {
            Some(key) if !known => Err(de::Error::unknown_field(&key, &["list"])),
            Some(_) | None => Ok(()),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        if !text.is_empty() {
            self.all.push(T::deserialize(de::value::StrDeserializer::new(text))?);
        }
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<(), E> {
        self.all.push(T::deserialize(number.into_deserializer())?);
        Ok(())
    }
}
