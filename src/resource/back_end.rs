//! Which of the platform's two APIs connectors are managed through, and how the older one knows its user.

use serde::Deserialize;

/// The API that connectors are managed through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorsApi {
    /// Connectors 3.0.
    #[default]
    V3,
    /// CloudView v1, for subscriptions that have only that.
    Cloudview,
}

impl ConnectorsApi {
    /// The word in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            ConnectorsApi::V3 => "v3",
            ConnectorsApi::Cloudview => "cloudview",
        }
    }
}

/// Where the CloudView API is and how it knows the user: it was moved over the years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CloudviewAuth {
    /// As is found out: whichever of the two answers, the newer first.
    #[default]
    Auto,
    /// On the portal, by user and password (the vendor's documents of 2021).
    Basic,
    /// On the gateway, by its token (reports of 2026).
    Jwt,
}

impl CloudviewAuth {
    /// The word in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            CloudviewAuth::Auto => "auto",
            CloudviewAuth::Basic => "basic",
            CloudviewAuth::Jwt => "jwt",
        }
    }
}
