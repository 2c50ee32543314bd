//! An object as the platform has it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Field, Finding, Kind, Spec};

/// An object as the platform has it: its spec in normal form, and what is about it but not of it.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveObject {
    /// The platform's own id.
    pub id: String,
    /// The comparable part. The owner's marker has been taken off its description.
    pub spec: Spec,
    /// Fields of the spec that this answer does not tell (the list of regions), each with a value that it
    /// certainly has not (`all`), in the form of [`Spec::fields`]; `null` where nothing is known.
    pub unreadable: BTreeMap<&'static str, Value>,
    /// The places of its answer that cannot be read; the rest of it is as it was read.
    pub unread: Option<String>,
    /// Whether its identity is among what cannot be read, so that what is told of it may be another's.
    pub vague: bool,
    /// The weak identity that it certainly has, where the answer tells that and not the exact one.
    pub within: Option<String>,
    /// The ids of the objects that its answer shows below it.
    pub below: Vec<String>,
    /// Another identity, that an answer which does not tell the exact one suggests.
    pub hint: Option<String>,
    /// Its id in CloudView, which knows connectors by other ids than Connectors 3.0 does.
    pub cloudview_id: Option<String>,
    /// Who marked the object as theirs.
    pub owner: Option<Owner>,
    /// How its last run went.
    pub health: Health,
    /// Why the platform would refuse to change it (a system tag, a member of an organization connector).
    pub locked: Option<String>,
    /// Why the platform would refuse to update it now, though not to delete it (a scan that runs).
    pub busy: Option<String>,
    /// Whether nobody can tell that it is there: it stands for an entry, where the platform has no listing.
    pub unseen: bool,
    /// The ids of the connectors that it lists as its members: those are its own to change.
    pub member_ids: Vec<String>,
    /// What people call what it looks into (the alias of an account, the name of a subscription).
    pub label: Option<String>,
}

impl LiveObject {
    /// The kind of the object.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.spec.kind()
    }

    /// An object of which no more is known than its id and spec.
    #[must_use]
    pub fn new(id: impl Into<String>, spec: impl Into<Spec>) -> LiveObject {
        let mut spec = spec.into();
        spec.normalize();
        LiveObject {
            id: id.into(),
            spec,
            unreadable: BTreeMap::new(),
            unread: None,
            vague: false,
            below: Vec::new(),
            within: None,
            hint: None,
            cloudview_id: None,
            owner: None,
            health: Health::default(),
            locked: None,
            busy: None,
            unseen: false,
            member_ids: Vec::new(),
            label: None,
        }
    }

    /// The weaker identity that it has, or that its answer suggests.
    #[must_use]
    pub fn suggested_identity(&self) -> Option<String> {
        self.spec.weak_identity().or_else(|| self.hint.clone())
    }

    /// Whether the answer does not tell the field; and if so a value that it certainly has not, `null` where
    /// nothing is known.
    #[must_use]
    pub fn untold(&self, field: &Field) -> Option<&Value> {
        if field.is_secret() { Some(&Value::Null) } else { self.unreadable.get(field.name) }
    }
}

/// The mark at the end of a description: ` [trueup:OWNER]`, or ` [trueup:OWNER!]` with `prevent_delete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The name in the mark.
    pub name: String,
    /// Whether the mark forbids to delete the object.
    pub prevent_delete: bool,
}

impl Owner {
    /// Splits a description as the platform has it into the text and the mark at its end.
    #[must_use]
    pub fn split(description: &str) -> (&str, Option<Owner>) {
        let Some(body) = description.strip_suffix(']') else { return (description, None) };
        let Some(at) = body.rfind("[trueup:") else { return (description, None) };
        let mark = &body[at + "[trueup:".len()..];
        let (name, prevent_delete) = match mark.strip_suffix('!') {
            Some(name) => (name, true),
            None => (mark, false),
        };
        if name.is_empty() || name.contains(['[', ']']) {
            return (description, None);
        }
        let text = body[..at].strip_suffix(' ').unwrap_or(&body[..at]);
        (text, Some(Owner { name: name.to_owned(), prevent_delete }))
    }

    /// Refuses a description in the file that ends like a mark: on the platform it would be one.
    pub(super) fn check_text(description: Option<&str>, report: &mut dyn FnMut(Finding)) {
        if let (_, Some(owner)) = Owner::split(description.unwrap_or_default()) {
            report(Finding::error(
                "description",
                format!("the description ends in the mark of the owner {}", owner.name),
                "remove the mark: reconcile.owner has it written",
            ));
        }
    }

    /// The description with the mark at its end.
    #[must_use]
    pub fn mark(&self, text: &str) -> String {
        let Owner { name, prevent_delete } = self;
        let bang = if *prevent_delete { "!" } else { "" };
        let space = if text.is_empty() { "" } else { " " };
        format!("{text}{space}[trueup:{name}{bang}]")
    }
}

/// How the last run of a connector went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// The platform's own word (`FINISHED_SUCCESS`); `None` for kinds that do not run.
    pub state: Option<String>,
    /// The platform's own words for what went wrong.
    pub last_error: Option<String>,
    /// When a run last ended, as the platform writes it: another value means another run.
    pub last_sync: Option<String>,
}

/// One error of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunError {
    /// The platform's own words.
    pub message: String,
    /// When it came, where that can be told.
    pub created: Option<Timestamp>,
}

impl Health {
    /// With the time at which a run last ended.
    #[must_use]
    pub fn synced(self, last_sync: Option<String>) -> Health {
        Health { last_sync, ..self }
    }

    /// Whether the last run went well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self.state.as_deref(), Some("FINISHED_SUCCESS" | "SUCCESS" | "FINISHED"))
    }

    /// Whether it is switched off.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.state.as_deref() == Some("DISABLED")
    }

    /// Whether a run is under way or waits: how the last one went is not told meanwhile.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.state.as_deref(), Some("QUEUED" | "PENDING" | "RUNNING" | "PROCESSING"))
    }

    /// Whether a person should look. Running and waiting are fine, and so is what has never run.
    #[must_use]
    pub fn is_unhealthy(&self) -> bool {
        matches!(self.state.as_deref(), Some("FINISHED_ERRORS" | "ERROR" | "INCOMPLETE"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_split_off_and_put_back_unchanged() {
        for (text, name, prevent_delete, described) in [
            ("Payments", "cloudsec", false, "Payments [trueup:cloudsec]"),
            ("Payments", "cloudsec", true, "Payments [trueup:cloudsec!]"),
            ("", "cloudsec", false, "[trueup:cloudsec]"),
            ("see [1]", "a-b", false, "see [1] [trueup:a-b]"),
        ] {
            let owner = Owner { name: name.to_owned(), prevent_delete };
            assert_eq!(owner.mark(text), described);
            assert_eq!(Owner::split(described), (text, Some(owner)));
        }
    }

    #[test]
    fn what_only_looks_like_a_mark_stays_text() {
        for text in ["plain", "[trueup:]", "[trueup:x] and more", "trueup:x]", "[trueup:!]", "a [other:x]"] {
            assert_eq!(Owner::split(text), (text, None));
        }
    }
}
