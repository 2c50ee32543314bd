//! A request that is not carried out, and the words that say why.

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

    /// A field that this call does not take.
    pub(crate) fn unknown_field(field: &str, accepted: &[&str]) -> Self {
        Self::invalid(
            format!("Field '{field}' is not supported for this request."),
            format!("Supported fields: {}.", accepted.join(", ")),
        )
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
