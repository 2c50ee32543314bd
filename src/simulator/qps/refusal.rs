//! A request that is not carried out, and the words that say why.

use crate::simulator::options::{Options, UnknownId};

/// Why a request is refused; goes out as a ServiceResponse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) resolution: String,
}

impl Refusal {
    /// The documents' answer to a bad request: HTTP 200 and INVALID_REQUEST in the body.
    pub(crate) fn invalid(message: impl Into<String>, resolution: impl Into<String>) -> Self {
        Self { status: 200, code: "INVALID_REQUEST", message: message.into(), resolution: resolution.into() }
    }

    /// A field whose value is not one of its type.
    pub(crate) fn value(field: &str, value: &str, expected: &str) -> Self {
        Self::invalid(format!("Invalid value for field '{field}' ({}).", shorten(value)), expected)
    }

    /// A secret whose form is wrong: it does not come back in the answer.
    pub(crate) fn secret(field: &str, expected: &str) -> Self {
        Self::invalid(format!("Invalid value for field '{field}'."), expected)
    }

    /// An object that does not exist, or not in the user's scope.
    pub(crate) fn unknown_id(message: String, options: &Options) -> Self {
        let (status, code) = match options.unknown_id {
            UnknownId::Ok => (200, "OBJECT_NOT_FOUND"),
            UnknownId::NotFound => (404, "OBJECT_NOT_FOUND"),
            UnknownId::OtherCode => (200, "NOT_FOUND"),
        };
        Self { status, code, message, resolution: "Verify the id.".to_owned() }
    }

    /// A field that this call does not take.
    pub(crate) fn unknown_field(field: &str, accepted: &[&str]) -> Self {
        Self::invalid(
            format!("Field '{field}' is not supported for this request."),
            format!("Supported fields: {}.", accepted.join(", ")),
        )
    }

    /// A field that is given more than once, in whichever way the form of the body allows that.
    pub(crate) fn twice(field: &str) -> Self {
        Self::invalid(format!("Field '{field}' is given more than once."), "Specify it once.")
    }

    /// A field that has to be there.
    pub(crate) fn missing(field: &str) -> Self {
        Self::invalid(format!("Field '{field}' is required."), format!("Specify '{field}'."))
    }
}

/// Values of a refused request are shown, but not whole keys.
fn shorten(value: &str) -> String {
    if value.chars().count() <= 80 {
        return value.to_owned();
    }
    value.chars().take(80).chain("...".chars()).collect()
}
