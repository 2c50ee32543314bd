//! Which of the platform's two APIs connectors are managed through, and how the older one knows its user.

use serde::Deserialize;

use super::{Edit, Kind, Spec};

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

/// What CloudView v1 has of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InCloudview {
    /// The kind is of another API in any case.
    Elsewhere,
    /// All but these fields, which it neither takes nor tells.
    Without(&'static [&'static str]),
    /// Nothing, and why.
    Nothing(&'static str),
}

impl ConnectorsApi {
    /// Whether objects of a kind can be looked at and managed.
    #[must_use]
    pub const fn has(self, kind: Kind) -> bool {
        match (self, kind.in_cloudview()) {
            (ConnectorsApi::V3, _) | (_, InCloudview::Elsewhere | InCloudview::Without(_)) => true,
            (ConnectorsApi::Cloudview, InCloudview::Nothing(_)) => false,
        }
    }

    /// How many writing requests a change of an object of the kind takes.
    #[must_use]
    pub fn writes(self, kind: Kind, edit: &Edit<'_, Spec>) -> usize {
        let apart = match (self, kind.in_cloudview(), edit) {
            (ConnectorsApi::V3, _, _)
            | (ConnectorsApi::Cloudview, InCloudview::Elsewhere | InCloudview::Nothing(_), _)
            | (ConnectorsApi::Cloudview, InCloudview::Without(_), Edit::Delete { running: _ }) => false,
            // Switching on and off is a call of its own there.
            (ConnectorsApi::Cloudview, InCloudview::Without(_), Edit::Create(after)) => after.is_disabled(),
            (
                ConnectorsApi::Cloudview,
                InCloudview::Without(_),
                Edit::Update { before: _, after: _, fields },
            ) => fields.contains(&"enabled") && fields.len() > 1,
        };
        kind.writes(edit) + usize::from(apart)
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
