//! Errors as people read them: the chain of causes on one line.

use std::error::Error;

use crate::qualys::ApiError;
use crate::visible::visible;

/// The error and its causes, joined by colons, on one line.
#[must_use]
pub fn one_line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some libraries print their cause themselves.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    visible(&text)
}

/// What the platform refused, and what to do about it where that is known, on one line.
#[must_use]
pub fn with_hint(error: &ApiError) -> String {
    let hint = error.hint().map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
    format!("{}{hint}", one_line(error))
}
