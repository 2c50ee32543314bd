//! JSON that is not quite JSON. Objects are made by many programs over many years: a text that was cut inside an emoji
//! leaves half of a surrogate pair, an old gateway sends Latin-1, a serializer writes a member twice. None of that may
//! cost more than the character or the member that it is in.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::shapes::Item;
use crate::resource::LiveObject;

/// The body of an answer with each character that cannot be decoded replaced by U+FFFD, where the body looks like JSON.
/// Other bodies are files as often as texts, and stay as they are.
pub(super) fn text(body: Bytes, content_type: Option<&str>) -> Bytes {
    let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body).trim_ascii_start();
    if !start.starts_with(b"{") && !start.starts_with(b"[") {
        return body;
    }
    let body = match String::from_utf8_lossy(&body) {
        std::borrow::Cow::Borrowed(_) => body,
        std::borrow::Cow::Owned(_) if is_latin_1(content_type) => {
            body.iter().map(|byte| char::from(*byte)).collect::<String>().into()
        }
        std::borrow::Cow::Owned(text) => text.into(),
    };
    let halves = lone_surrogates(&body);
    if halves.is_empty() {
        return body;
    }
    let mut mended = body.to_vec();
    for at in halves {
        // An escape for an escape: every other place in the text stays where it is.
        mended[at..at + 6].copy_from_slice(br"\ufffd");
    }
    mended.into()
}

fn is_latin_1(content_type: Option<&str>) -> bool {
    let text = content_type.unwrap_or_default().to_ascii_lowercase();
    text.contains("charset=iso-8859-1") || text.contains("charset=\"iso-8859-1")
}

/// Where the escapes stand that are half of a surrogate pair whose other half is missing.
fn lone_surrogates(text: &[u8]) -> Vec<usize> {
    let mut lone = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].iter().position(|byte| *byte == b'\\') {
        at += next;
        match escape(text, at) {
            Some(0xD800..=0xDBFF) if matches!(escape(text, at + 6), Some(0xDC00..=0xDFFF)) => at += 12,
            Some(0xD800..=0xDFFF) => {
                lone.push(at);
                at += 6;
            }
            // Whatever the backslash escapes is no beginning of an escape itself.
            Some(_) | None => at = (at + 2).min(text.len()),
        }
    }
    lone
}

/// The code of the `\uXXXX` that stands there.
fn escape(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at..at + 6)?.strip_prefix(br"\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Reads a value. Of a member that is given twice the last one counts.
pub(super) fn read<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(text).or_else(|error| match value(text) {
        Some(value) => T::deserialize(value).map_err(|_| error),
        None => Err(error),
    })
}

/// The text as a value in which no member is given twice; `None` where it is no JSON.
pub(super) fn value(text: &[u8]) -> Option<Value> {
    serde_json::from_slice::<Plain>(text).ok().map(|Plain(value)| value)
}

/// A value in which no member is given twice. Where a map holds nothing but one member, several times, it is a list in
/// the spelling of the guide's samples, and all of them count.
struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Plain, D::Error> {
        struct Expected;
        impl<'de> Visitor<'de> for Expected {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
                Ok(flag.into())
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(number.into())
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(number.into())
            }

            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(number.into())
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(text.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                let mut all = Vec::new();
                while let Some(Plain(value)) = list.next_element()? {
                    all.push(value);
                }
                Ok(all.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut members: Vec<(String, Value)> = Vec::new();
                while let Some((name, Plain(value))) = map.next_entry::<String, Plain>()? {
                    members.push((name, value));
                }
                let first = members.first().map(|(name, _)| name.clone()).unwrap_or_default();
                if members.len() > 1
                    && members.iter().all(|(name, value)| *name == first && value.is_object())
                {
                    let all: Vec<Value> = members.into_iter().map(|(_, value)| value).collect();
                    return Ok(Map::from_iter([(first, all.into())]).into());
                }
                Ok(Map::from_iter(members).into())
            }
        }
        deserializer.deserialize_any(Expected).map(Plain)
    }
}

/// An object of a listing, read as far as it can be.
#[derive(Debug, Clone)]
pub(super) struct Loose<T> {
    pub(super) object: T,
    /// Its id as the platform has it, also where that is none.
    pub(super) id: Option<String>,
    /// The places that cannot be read: names of members, never their values, which may be secrets.
    pub(super) unread: Vec<String>,
}

impl<'de, T: DeserializeOwned + Default> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Loose<T>, D::Error> {
        let Plain(mut value) = Plain::deserialize(deserializer)?;
        let id = match value.get("id") {
            Some(Value::String(id)) => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            Some(_) | None => None,
        };
        let mut unread = Vec::new();
        // Each time round one member less, or the last.
        loop {
            let error = match serde_path_to_error::deserialize(&value) {
                Ok(object) => return Ok(Loose { object, id, unread }),
                Err(error) => error,
            };
            if !remove(&mut value, error.path()) {
                unread.push("all of it".to_owned());
                return Ok(Loose { object: T::default(), id, unread });
            }
            unread.push(error.path().to_string());
        }
    }
}

/// Takes out the innermost member on the way to a place; `false` where there is none.
fn remove(value: &mut Value, path: &serde_path_to_error::Path) -> bool {
    let segments: Vec<&Segment> = path.iter().collect();
    let Some(last) = segments.iter().rposition(|segment| matches!(segment, Segment::Map { .. })) else {
        return false;
    };
    let mut at = Some(value);
    for segment in &segments[..last] {
        at = at.and_then(|value| match segment {
            Segment::Map { key } => value.get_mut(key),
            Segment::Seq { index } => value.get_mut(index),
            Segment::Enum { .. } | Segment::Unknown => None,
        });
    }
    match (at.and_then(Value::as_object_mut), segments[last]) {
        (Some(members), Segment::Map { key }) => members.shift_remove(key).is_some(),
        _ => false,
    }
}

impl<T> Loose<T> {
    /// The object in normal form, with what cannot be read of it. Its identity is told by these members.
    pub(super) fn decode(self, identity: &[&str], decode: impl FnOnce(T) -> LiveObject) -> LiveObject {
        let Loose { object, id: _, unread } = self;
        let live = decode(object);
        let vague = unread.iter().any(|place| identity.iter().any(|member| place.starts_with(member)));
        LiveObject { unread: (!unread.is_empty()).then(|| unread.join(", ")), vague, ..live }
    }
}

impl<T: Item + Default> Item for Loose<T> {
    const NAME: &'static str = T::NAME;
    const LEVELS: &'static [&'static str] = T::LEVELS;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::shapes::{Flag, Number};
    use super::*;

    fn mended(body: &[u8], content_type: Option<&str>) -> String {
        String::from_utf8(text(Bytes::copy_from_slice(body), content_type).to_vec()).unwrap()
    }

    #[test]
    fn a_character_that_cannot_be_decoded_costs_that_character_alone() {
        for (body, content_type, expected) in [
            (&br#"{"a": "x\ud83d"}"#[..], None, r#"{"a": "x\ufffd"}"#),
            (br#"{"a": "\uDE00y"}"#, None, r#"{"a": "\ufffdy"}"#),
            (br#"{"a": "\ud83d\ud83d\ude00"}"#, None, r#"{"a": "\ufffd\ud83d\ude00"}"#),
            (br#"{"a": "\ud83d\u0041"}"#, None, r#"{"a": "\ufffd\u0041"}"#),
            // An escaped backslash before a `u` is no escape.
            (br#"{"a": "\\ud83d"}"#, None, r#"{"a": "\\ud83d"}"#),
            (br#"{"a": "\\\ud83d"}"#, None, r#"{"a": "\\\ufffd"}"#),
            (b"{\"a\": \"Z\xfcrich\"}", None, "{\"a\": \"Z\u{fffd}rich\"}"),
            (b"{\"a\": \"Z\xfcrich\"}", Some("application/json; charset=ISO-8859-1"), "{\"a\": \"Zürich\"}"),
            (
                "{\"a\": \"Zürich\"}".as_bytes(),
                Some("application/json; charset=ISO-8859-1"),
                "{\"a\": \"Zürich\"}",
            ),
            (br#"{"a": "\ud83"#, None, r#"{"a": "\ud83"#),
            (br#"{"a": "\"#, None, r#"{"a": "\"#),
        ] {
            assert_eq!(mended(body, content_type), expected);
        }
        assert_eq!(text(Bytes::from_static(b"%PDF-\xfc"), None), &b"%PDF-\xfc"[..], "a file stays as it is");
    }

    #[test]
    fn of_a_member_that_is_given_twice_the_last_counts_and_a_list_in_that_spelling_stays_one() {
        for (text, expected) in [
            (r#"{"a": 1, "b": 2, "a": 3}"#, json!({"a": 3, "b": 2})),
            (r#"{"a": 1, "a": 2}"#, json!({"a": 2})),
            (r#"[{"a": [true, null, -1, 1.5], "a": "x"}]"#, json!([{"a": "x"}])),
            (r#"{"set": {"App": {"n": 1}, "App": {"n": 2}}}"#, json!({"set": {"App": [{"n": 1}, {"n": 2}]}})),
        ] {
            assert_eq!(value(text.as_bytes()), Some(expected), "{text}");
        }
        assert_eq!(value(b"{"), None);
    }

    #[test]
    fn an_object_is_read_as_far_as_it_can_be_and_the_rest_is_named() {
        #[derive(Debug, Default, PartialEq, Deserialize)]
        #[serde(default)]
        struct Thing {
            id: Option<Number>,
            name: Option<String>,
            flag: Option<Flag>,
            parts: Vec<Option<Number>>,
        }
        for (text, id, name, unread) in [
            (r#"{"id": 7, "name": "a"}"#, Some("7"), Some("a"), &[][..]),
            (r#"{"id": 7, "name": "a", "name": "b"}"#, Some("7"), Some("b"), &[]),
            (r#"{"id": 7, "name": "a", "flag": "perhaps"}"#, Some("7"), Some("a"), &["flag"]),
            (r#"{"id": "7", "name": {}, "parts": [1, {"x": 2}]}"#, Some("7"), None, &["name", "parts[1]"]),
            (r#"{"id": "x", "name": "a"}"#, Some("x"), Some("a"), &["id"]),
            ("[]", None, None, &[]),
            ("17", None, None, &["all of it"]),
        ] {
            let loose: Loose<Thing> = serde_json::from_str(text).unwrap();
            assert_eq!((loose.id.as_deref(), loose.object.name.as_deref()), (id, name), "{text}");
            assert_eq!(loose.unread, unread, "{text}");
        }
    }
}
