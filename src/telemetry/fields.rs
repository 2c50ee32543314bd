//! The fields of an event, and of the spans around it.

use std::error::Error;
use std::fmt::{self, Write as _};

use serde_json::Value;
use tracing::field::{Field, Visit};

/// The fields of an event or a span, in the caller's order.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) event: Option<String>,
    pub(super) message: Option<String>,
    pub(super) rest: Vec<(&'static str, Value)>,
}

impl Fields {
    fn set(&mut self, field: &Field, value: Value) {
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        match field.name() {
            "event" => self.event = Some(text(value)),
            "message" => self.message = Some(text(value)),
            name => {
                let (name, value) = match (name.strip_prefix("json."), value) {
                    (Some(name), Value::String(text)) => {
                        (name, serde_json::from_str(&text).unwrap_or(Value::String(text)))
                    }
                    (Some(name), value) => (name, value),
                    (None, value) => (name, value),
                };
                match self.rest.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => *known = value,
                    None => self.rest.push((name, value)),
                }
            }
        }
    }

    /// The same, with texts of so many bytes and lists of a fraction of as many items at most.
    pub(super) fn cut(&self, most: usize) -> Fields {
        let Fields { event, message, rest } = self;
        let message = message.as_deref().map(|message| cut_text(message, most));
        let rest = rest.iter().map(|(name, value)| (*name, cut_value(value, most))).collect();
        Fields { event: event.clone(), message, rest }
    }

    /// Adds what only the other has. A span's `event` or `message` would not be this event's.
    pub(super) fn append_missing(&mut self, other: &Fields) {
        for (name, value) in &other.rest {
            if !self.rest.iter().any(|(known, _)| known == name) {
                self.rest.push((name, value.clone()));
            }
        }
    }
}

fn cut_value(value: &Value, most: usize) -> Value {
    // A list of a few texts should not lose any of them.
    let items = most / 64;
    match value {
        Value::String(text) => Value::from(cut_text(text, most)),
        Value::Array(all) if all.len() > items => {
            let kept = all.iter().take(items).map(|value| cut_value(value, most));
            let more = Value::from(format!("… {} more", all.len() - items));
            kept.chain([more]).collect()
        }
        Value::Array(all) => all.iter().map(|value| cut_value(value, most)).collect(),
        Value::Object(all) => all
            .iter()
            .take(items.max(1))
            .map(|(name, value)| (cut_text(name, most), cut_value(value, most)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The beginning of a text, and how long it is.
fn cut_text(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}… ({} bytes in all)", &text[..end], text.len())
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, Value::from(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.set(field, i64::try_from(value).map_or_else(|_| Value::from(value.to_string()), Value::from));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field, u64::try_from(value).map_or_else(|_| Value::from(value.to_string()), Value::from));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, Value::from(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(error) = source {
            // Writing to a String cannot fail.
            let _ = write!(text, ": {error}");
            source = error.source();
        }
        self.set(field, Value::String(text));
    }
}
