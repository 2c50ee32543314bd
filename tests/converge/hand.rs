//! An entry of the model as the file writes it: what means the same has several spellings.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::model::{Connector, Regions, Scan, Schedule, Tag, TagOf, When};

/// How a file is written: what means the same in several spellings takes one by these.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hand {
    /// Fields that are left out stand there as `null`.
    pub(crate) nulls: bool,
    /// Entries and lists the other way round.
    pub(crate) reversed: bool,
    /// The second of two spellings.
    pub(crate) other: bool,
}

impl Hand {
    pub(crate) fn list(self, values: impl IntoIterator<Item = Value>) -> Value {
        let mut values: Vec<Value> = values.into_iter().collect();
        if self.reversed {
            values.reverse();
        }
        values.into()
    }

    pub(crate) fn spelled(self, one: impl Into<Value>, other: impl Into<Value>) -> Value {
        if self.other { other.into() } else { one.into() }
    }

    pub(crate) fn fields<'a>(self, fields: impl IntoIterator<Item = (&'a str, Option<Value>)>) -> Value {
        let mut fields: Vec<_> = fields.into_iter().collect();
        if self.reversed {
            fields.reverse();
        }
        let shown = fields.into_iter().filter(|(_, value)| self.nulls || value.is_some());
        shown.map(|(name, value)| (name.to_owned(), value.unwrap_or_default())).collect::<Map<_, _>>().into()
    }

    pub(crate) fn connector(
        self,
        connector: &Connector,
        arn: &str,
        ignored: &BTreeSet<&'static str>,
    ) -> Value {
        let capability = |(name, of): (&&'static str, &TagOf)| match of {
            TagOf::LeftOut => self.spelled(*name, json!({"name": name})),
            TagOf::None => json!({"name": name, "tag": ""}),
            TagOf::Path(path) => json!({"name": name, "tag": path}),
        };
        let (account, role) = (&arn[13..25], &arn[31..]);
        let by_parts = self.other && !role.contains('/');
        let texts = |set: &BTreeSet<&'static str>| self.list(set.iter().map(|text| json!(text)));
        self.fields([
            ("name", Some(connector.name.clone().into())),
            ("arn", (!by_parts).then(|| arn.into())),
            ("account_id", by_parts.then(|| account.into())),
            ("role", by_parts.then(|| role.into())),
            ("description", connector.description.clone().map(Value::from)),
            ("external_id", connector.external_id.clone().map(Value::from)),
            (
                "capabilities",
                connector.capabilities.as_ref().map(|all| self.list(all.iter().map(capability))),
            ),
            ("activation", connector.activation.as_ref().map(texts)),
            (
                "tags",
                connector.tags.as_ref().map(|tags| self.list(tags.iter().map(|tag| tag.as_str().into()))),
            ),
            (
                "regions",
                connector.regions.as_ref().map(|regions| match regions {
                    Regions::All => "all".into(),
                    Regions::Only(codes) => texts(codes),
                }),
            ),
            (
                "run_frequency",
                connector.run_frequency.map(|minutes| match minutes % 60 {
                    0 => self.spelled(format!("{}h", minutes / 60), minutes),
                    _ => self.spelled(format!("{minutes}m"), minutes),
                }),
            ),
            ("remediation", connector.remediation.map(Value::from)),
            ("enabled", connector.enabled.map(Value::from)),
            (
                "perimeter_scan",
                connector.scan.as_ref().map(|scan| match scan {
                    Scan::Off => self.spelled("off", false),
                    Scan::Global => "global".into(),
                    Scan::Own(schedule) => self.schedule(schedule),
                }),
            ),
            ("ignore", (!ignored.is_empty()).then(|| texts(ignored))),
        ])
    }

    pub(crate) fn schedule(self, schedule: &Schedule) -> Value {
        let (recurrence, days) = match &schedule.when {
            None => (None, None),
            Some(When::Daily) => (Some("DAILY"), None),
            Some(When::Weekly(days)) => (Some("WEEKLY"), Some(self.list(days.iter().map(|day| json!(day))))),
        };
        self.fields([
            ("option_profile_id", schedule.profile.map(Value::from)),
            ("recurrence", recurrence.map(Value::from)),
            ("days", days),
            ("scan_prefix", schedule.prefix.clone().map(Value::from)),
            ("start_date", schedule.date.map(Value::from)),
            ("start_time", schedule.time.map(Value::from)),
            ("timezone", schedule.zone.map(Value::from)),
        ])
    }

    pub(crate) fn tag(self, name: &str, parent: Option<&str>, tag: &Tag) -> Value {
        let rule = tag.rule.as_ref().map(|(kind, text)| {
            self.fields([("type", Some((*kind).into())), ("text", text.clone().map(Value::from))])
        });
        self.fields([
            ("name", Some(name.into())),
            ("parent", parent.map(Value::from)),
            ("description", tag.description.clone().map(Value::from)),
            ("color", tag.color.map(|color| color.to_lowercase().into())),
            ("rule", rule),
        ])
    }
}
