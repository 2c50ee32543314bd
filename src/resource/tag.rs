//! Asset tags, shared with everything else on the platform. Fields as in the Asset Management and Tagging API.

use std::fmt;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use super::field::leave_out;
use super::scalar::words;
use super::{Field, Finding, Kind, Owner, Reference, Resource};

/// An asset tag, identified by its path.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// The last part of its path.
    pub name: String,
    /// The path of the tag above it; `""` for none. Left out: at the top, or wherever the one tag of that
    /// name is.
    #[serde(skip_serializing_if = "is_top")]
    pub parent: Option<String>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The colour of its label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Which assets get it by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
}

/// Which assets get a tag by themselves. A tag without a rule is of type `STATIC`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The engine.
    #[serde(rename = "type")]
    pub kind: RuleType,
    /// What the engine evaluates; `None` where there is none, or where the file leaves it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

words! {
    /// The engine of a rule.
    #[expect(missing_docs, reason = "the vendor's own names, which no document explains further")]
    RuleType {
        Static = "STATIC",
        Groovy = "GROOVY",
        OsRegex = "OS_REGEX",
        NetworkRange = "NETWORK_RANGE",
        NetworkRangeEnhanced = "NETWORK_RANGE_ENHANCED",
        NameContains = "NAME_CONTAINS",
        InstalledSoftware = "INSTALLED_SOFTWARE",
        OpenPorts = "OPEN_PORTS",
        VulnExist = "VULN_EXIST",
        AssetSearch = "ASSET_SEARCH",
        CloudAsset = "CLOUD_ASSET",
        BusinessInformation = "BUSINESS_INFORMATION",
        GlobalAssetView = "GLOBAL_ASSET_VIEW",
        TagSet = "TAG_SET",
        NetworkTag = "NETWORK_TAG",
        Network = "NETWORK",
        VulnDetection = "VULN_DETECTION",
    }
}

/// A colour, `#RRGGBB`, in capitals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Color(String);

impl Color {
    /// The colour as the platform gives it. Another form than `#RRGGBB` is kept as it is.
    #[must_use]
    pub fn from_platform(text: &str) -> Color {
        Color(text.to_ascii_uppercase())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Color, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.strip_prefix('#') {
            Some(digits) if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Ok(Color(text.to_ascii_uppercase()))
            }
            _ => Err(de::Error::custom(format!("`{text}` is no colour: expected \"#RRGGBB\", in quotes"))),
        }
    }
}

/// A tag at the top is written without its parent.
#[expect(clippy::ref_option, reason = "serde passes the field")]
fn is_top(parent: &Option<String>) -> bool {
    parent.as_deref().is_none_or(str::is_empty)
}

/// `#123` is how an id without a name is written; as a name it could mean another tag.
pub(super) fn check_tag_name(field: &'static str, name: &str, report: &mut dyn FnMut(Finding)) {
    if name.strip_prefix('#').is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
    {
        let message = format!("`{name}` reads as a tag's id");
        report(Finding::error(field, message, "name the tag by its path, as in prod/payments"));
    }
}

impl Tag {
    /// The path of the tag: its parent's path and its name. Right once the parent is canonical.
    #[must_use]
    pub fn path(&self) -> String {
        match self.parent.as_deref() {
            None | Some("") => self.name.clone(),
            Some(parent) => format!("{parent}/{}", self.name),
        }
    }
}

impl Resource for Tag {
    const KIND: Kind = Kind::Tag;
    const SECTION: &'static [&'static str] = &["tags"];
    const SHARED: bool = true;
    const FIELDS: &'static [Field] = &[
        Field::identity("name"),
        Field::identity("parent"),
        Field::updatable("description"),
        Field::updatable("color"),
        Field::updatable("rule"),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&self) -> Option<String> {
        (!self.name.is_empty()).then(|| self.path())
    }

    fn address_name(&self) -> String {
        self.path()
    }

    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        visit(&mut self.name);
        self.description.iter_mut().for_each(visit);
    }

    fn references(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
        if let Some(parent) = self.parent.as_mut().filter(|parent| !parent.is_empty()) {
            visit(Reference { kind: Kind::Tag, name: parent });
        }
    }

    fn leave_out(&mut self, field: &str) {
        leave_out!(field of self: description, color, rule);
    }

    fn complete(&mut self, live: &Tag) {
        if let (Some(wanted), Some(live)) = (&mut self.rule, &live.rule)
            && wanted.text.is_none()
            && wanted.kind == live.kind
        {
            wanted.text.clone_from(&live.text);
        }
    }

    fn check(&mut self, report: &mut dyn FnMut(Finding)) {
        if self.name.trim().is_empty() {
            report(Finding::error("name", "the name is empty", "give the tag a name"));
        }
        Owner::check_text(self.description.as_deref(), report);
        check_tag_name("name", &self.name, report);
        if let Some(parent) = &self.parent {
            check_tag_name("parent", parent, report);
        }
        if let Some(rule) = &mut self.rule {
            rule.kind.check("rule", report);
            if rule.text.as_deref() == Some("") {
                rule.text = None;
            }
            if rule.kind == RuleType::Static && rule.text.is_some() {
                report(Finding::error(
                    "rule",
                    "a STATIC tag evaluates no text",
                    "remove text, or choose another type",
                ));
            }
        }
    }
}
