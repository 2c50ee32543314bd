//! A call that is not carried out, and the words that say why.

use serde_json::{Value, json};

use super::clock;
use crate::simulator::answer::Answer;

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// A call that the documents do not allow.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// A field that has to be there.
    pub(crate) fn missing(field: &str) -> Self {
        Self::bad(format!("Field '{field}' is required."))
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    /// The one form of an error that the documents show (Container Security, "Role-based Access to Sensor Profiles"); the
    /// other services' documents show none.
    pub(crate) fn answer(&self) -> Answer {
        Answer::json(self.status, &self.body())
    }

    pub(crate) fn body(&self) -> Value {
        let reason = match self.status {
            400 => "BAD_REQUEST",
            401 => "UNAUTHORIZED",
            403 => "FORBIDDEN",
            404 => "NOT_FOUND",
            405 => "METHOD_NOT_ALLOWED",
            412 => "PRECONDITION_FAILED",
            _ => "INTERNAL_SERVER_ERROR",
        };
        json!({
            "errorCode": format!("{} {reason}", self.status),
            "message": self.message,
            "timestamp": clock::milliseconds(),
        })
    }
}
