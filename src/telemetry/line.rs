//! An event as one line, in either form.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use serde_json::Value;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::LogFormat;
use super::fields::Fields;
use crate::visible::{acts, visible, visible_json};

/// The longest line: systemd's journal cuts its lines at 48 KiB, and others earlier.
pub(super) const LONGEST_LINE: usize = 16 << 10;

/// The layer that writes each event as a line.
pub(super) struct Lines<C, W> {
    pub(super) format: LogFormat,
    pub(super) color: bool,
    pub(super) journal: bool,
    pub(super) clock: C,
    pub(super) write: W,
}

impl<S, C, W> Layer<S> for Lines<C, W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    C: Fn() -> Timestamp + 'static,
    W: Fn(&str) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.append_missing(outer);
            }
        }
        let metadata = event.metadata();
        let ours = metadata.target().split("::").next() == Some("trueup");
        let target = (!ours).then_some(metadata.target());
        let line = self.line(*metadata.level(), target, &fields);
        (self.write)(&line);
    }
}

impl<C: Fn() -> Timestamp, W> Lines<C, W> {
    fn line(&self, level: Level, target: Option<&str>, fields: &Fields) -> String {
        let mut line = String::with_capacity(256);
        // Writing to a String cannot fail.
        let _ = self.write_line(&mut line, level, target, fields);
        // Texts become longer as they are escaped, so what matters is how long the line then is.
        let mut most = LONGEST_LINE / 2;
        while line.len() >= LONGEST_LINE && most > 0 {
            line.clear();
            let _ = self.write_line(&mut line, level, target, &fields.cut(most));
            most /= 2;
        }
        line.push('\n');
        line
    }

    fn write_line(
        &self,
        line: &mut String,
        level: Level,
        target: Option<&str>,
        fields: &Fields,
    ) -> fmt::Result {
        let Fields { event, message, rest } = fields;
        if self.journal {
            write!(line, "<{}>", priority(level))?;
        }
        match self.format {
            LogFormat::Json => {
                write!(line, r#"{{"timestamp":"{:.6}","level":"{level}""#, (self.clock)())?;
                let named = [("event", event.as_ref()), ("message", message.as_ref())];
                for (name, text) in named {
                    if let Some(text) = text {
                        write!(line, r#","{name}":"#)?;
                        write_json(line, &Value::from(text.as_str()))?;
                    }
                }
                if let Some(target) = target {
                    line.push_str(r#","target":"#);
                    write_json(line, &Value::from(target))?;
                }
                for (name, value) in rest {
                    line.push(',');
                    write_json(line, &Value::from(field_name(name)))?;
                    line.push(':');
                    write_json(line, value)?;
                }
                line.push('}');
            }
            LogFormat::Text => {
                if !self.journal {
                    write!(line, "{} ", self.dim(&format!("{:.0}", (self.clock)())))?;
                }
                write!(line, "{}", self.level(level))?;
                if let Some(target) = target {
                    write!(line, " {}", self.dim(&format!("{target}:")))?;
                }
                if let Some(event) = event {
                    line.push(' ');
                    self.bold(line, event)?;
                }
                if let Some(message) = message {
                    line.push(' ');
                    line.push_str(&visible(message));
                }
                for (name, value) in rest {
                    write!(line, " {}", self.dim(&format!("{name}=")))?;
                    write_text(line, value)?;
                }
            }
        }
        Ok(())
    }

    fn level(&self, level: Level) -> String {
        let code = match level {
            Level::ERROR => 31,
            Level::WARN => 33,
            Level::INFO => 32,
            Level::DEBUG => 34,
            Level::TRACE => 35,
        };
        if self.color { format!("\x1b[{code}m{level}\x1b[0m") } else { format!("{level}") }
    }

    fn dim(&self, text: &str) -> String {
        if self.color { format!("\x1b[2m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(&self, line: &mut String, text: &str) -> fmt::Result {
        if !self.color {
            return line.write_str(&visible(text));
        }
        line.push_str("\x1b[1m");
        line.push_str(&visible(text));
        line.write_str("\x1b[0m")
    }
}

/// Syslog's number.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// Names that the line itself has; a field may not say them again.
fn field_name(name: &str) -> String {
    match name {
        "timestamp" | "level" | "target" => format!("field.{name}"),
        _ => name.to_owned(),
    }
}

/// JSON on one line.
fn write_json(line: &mut String, value: &Value) -> fmt::Result {
    line.write_str(&visible_json(&value.to_string()))
}

/// A value for people: bare where it is one plain word, as JSON otherwise.
fn write_text(line: &mut String, value: &Value) -> fmt::Result {
    match value {
        Value::String(text) if is_plain(text) => line.write_str(text),
        other => write_json(line, other),
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || acts(c) || matches!(c, '"' | '=' | '\\'))
}
