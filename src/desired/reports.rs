//! The section `reports`: assessment reports that are made on schedule or on demand. Its entries are jobs, not objects,
//! and have a reader of their own.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use uuid::Uuid;

use super::de::{At, Context};
use super::problem::{Report, accepted, nearest};
use super::sections::{Cron, Example, Zone, text_value, warn_of_short_gap};
use super::tree::{NodeId, Shape, Tree};
use super::{Declared, quoted};
use crate::resource::{Address, AssessmentReport, Evaluation, Kind, ReportCloud, ReportFormat, ZonedCron};
use crate::secret::FilePath;

/// The section's key.
pub(super) const SECTION: &str = "reports";

const KEYS: [&str; 13] = [
    "name",
    "cloud",
    "format",
    "policies",
    "results",
    "connectors",
    "period",
    "cron",
    "timezone",
    "description",
    "query",
    "resource_summary",
    "download_to",
];

/// Where the files of a report go that names no folder; relative to the file that it stands in.
const FOLDER: &str = "reports";
const DAY: Duration = Duration::from_hours(24);
/// How far back a report looks that does not say.
const PERIOD: Duration = DAY.saturating_mul(7);
const SHORTEST_PERIOD: Duration = Duration::from_hours(1);
const LONGEST_PERIOD: Duration = DAY.saturating_mul(366);

/// An entry as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReport {
    name: String,
    cloud: ReportCloud,
    format: ReportFormat,
    policies: Vec<Policy>,
    results: Option<Vec<Evaluation>>,
    connectors: Option<Vec<Connector>>,
    period: Option<Period>,
    cron: Option<Cron>,
    timezone: Option<Zone>,
    description: Option<String>,
    query: Option<String>,
    resource_summary: Option<bool>,
    download_to: Option<FilePath>,
}

text_value!(
    /// The id of a policy.
    Policy(Uuid), "the id of a policy, a UUID", |text| {
        // Of the several ways to write a UUID, the platform's.
        match Uuid::try_parse(text) {
            Ok(id) if text.len() == 36 => Ok(id),
            Ok(_) | Err(_) => Err(format!(
                "`{text}` is no policy: expected its UUID, as in 1b4e28ba-2fa1-11d2-883f-0016d3cca427"
            )),
        }
    }
);

text_value!(
    /// The address of a connector.
    Connector(Address), "the address of a connector, as in gcp/analytics", |text| {
        text.parse().map_err(|_| format!("`{text}` is no address of a connector: expected one as in gcp/analytics"))
    }
);

text_value!(
    /// How far back a report looks.
    Period(Duration), "a length of time, as in 7d or 12h", |text| {
        const FORM: &str = "expected one as in 7d, 12h or 1h30m";
        let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
        let of_days = match unit {
            "d" => number.trim_end().parse().ok().and_then(|days| DAY.checked_mul(days)),
            "w" => number.trim_end().parse().ok().and_then(|weeks| (DAY * 7).checked_mul(weeks)),
            _ => None,
        };
        let shorter = || text.parse::<SignedDuration>().ok().and_then(|period| Duration::try_from(period).ok());
        match of_days.or_else(shorter) {
            Some(period) if (SHORTEST_PERIOD..=LONGEST_PERIOD).contains(&period) => Ok(period),
            Some(_) => Err(format!("a period of `{text}` is not between 1h and 366d: {FORM}")),
            None => Err(format!("`{text}` is no length of time: {FORM}")),
        }
    }
);

/// What is around the entries.
pub(super) struct Around<'a> {
    /// The zone of schedules that name none.
    pub(super) zone: chrono_tz::Tz,
    /// The objects of the file.
    pub(super) declared: &'a [Declared],
    /// The kinds whose section stands in the file.
    pub(super) sections: &'a BTreeSet<Kind>,
}

/// Whether a schedule among these entries is meant in the zone of all.
pub(super) fn use_zone(tree: &Tree, entries: &[NodeId]) -> bool {
    entries.iter().any(|entry| {
        let is_map = tree.shape(*entry) == Shape::Map;
        is_map && tree.has_key(*entry, "cron") && !tree.has_key(*entry, "timezone")
    })
}

/// Reads the entries, in order, and reports everything that is wrong with them.
pub(super) fn read(
    tree: &mut Tree,
    report: &mut Report,
    entries: Vec<NodeId>,
    around: &Around<'_>,
) -> Vec<AssessmentReport> {
    let mut orders = Vec::new();
    let mut first: HashMap<String, NodeId> = HashMap::new();
    for node in entries {
        if tree.shape(node) != Shape::Map {
            let message = format!("expected an entry of {SECTION} (key: value)");
            report.error(tree, node, message, Some(accepted("", &KEYS)));
            continue;
        }
        let read = super::de::read(tree, report, node, &Context::default(), |tree| {
            RawReport::deserialize(At { tree, node })
        });
        let Some(raw) = read else { continue };
        let mut entry = Entry { tree, report, node };
        entry.check(&raw);
        if let (Some(cron), Some(at)) = (&raw.cron, entry.tree.get(node, "cron")) {
            warn_of_short_gap(entry.tree, entry.report, at, cron.shortest_gap());
        }
        entry.check_connectors(&raw, around);
        match first.get(&raw.name) {
            Some(earlier) => {
                let message = format!(
                    "the report {} is declared twice, first at {}",
                    quoted(&raw.name),
                    tree.place(*earlier)
                );
                let at = tree.get(node, "name").unwrap_or(node);
                report.error(tree, at, message, Some("give each its own name".to_owned()));
            }
            None => {
                first.insert(raw.name.clone(), node);
            }
        }
        orders.push(raw.order(tree.base(node), around.zone));
    }
    orders
}

impl RawReport {
    /// With the defaults filled in.
    fn order(self, base: &std::path::Path, zone: chrono_tz::Tz) -> AssessmentReport {
        let mut policies = Vec::with_capacity(self.policies.len());
        for Policy(policy) in self.policies {
            if !policies.contains(&policy) {
                policies.push(policy);
            }
        }
        let zone = self.timezone.map_or(zone, |Zone(zone)| zone);
        AssessmentReport {
            name: self.name,
            cloud: self.cloud,
            format: self.format,
            policies,
            results: self.results.unwrap_or_else(|| Evaluation::ALL.to_vec()).into_iter().collect(),
            connectors: self
                .connectors
                .map(|all| all.into_iter().map(|Connector(address)| address).collect()),
            period: self.period.map_or(PERIOD, |Period(period)| period),
            cron: self.cron.map(|Cron(cron)| ZonedCron::new(*cron, zone)),
            description: self.description.unwrap_or_default(),
            query: self.query.unwrap_or_default(),
            resource_summary: self.resource_summary.unwrap_or(false),
            download_to: self.download_to.map_or_else(|| base.join(FOLDER), |FilePath(path)| path),
        }
    }
}

/// An entry that is being checked.
struct Entry<'a> {
    tree: &'a Tree,
    report: &'a mut Report,
    node: NodeId,
}

impl Entry<'_> {
    /// The value of a key, or else the entry.
    fn at(&self, key: &str) -> NodeId {
        self.tree.get(self.node, key).unwrap_or(self.node)
    }

    fn error(&mut self, key: &str, message: impl Into<String>, hint: &str) {
        let at = self.at(key);
        self.report.error(self.tree, at, message.into(), Some(hint.to_owned()));
    }

    /// Whether something of this key was refused already: what is left of it says nothing.
    fn is_reported(&self, key: &str) -> bool {
        self.tree.reported_keys(self.node).any(|reported| reported == key)
            || self.tree.get(self.node, key).is_some_and(|value| self.tree.holds_reported(value))
    }

    /// What its types alone cannot tell.
    fn check(&mut self, raw: &RawReport) {
        if let Some((message, hint)) = AssessmentReport::refuses_name(&raw.name) {
            self.error("name", message, hint);
        }
        if !self.is_reported("policies") && !self.is_reported("format") {
            let policies: BTreeSet<Uuid> = raw.policies.iter().map(|Policy(policy)| *policy).collect();
            match (raw.format, policies.len()) {
                (ReportFormat::Pdf, 1) => {}
                (ReportFormat::Pdf, count) => {
                    let message = format!("a PDF is about exactly one policy, not {count}");
                    self.error("policies", message, "make a report for each, or say format: csv");
                }
                (ReportFormat::Csv, 0) => {
                    self.error(
                        "policies",
                        "a report without a policy",
                        "give the ids of one or more policies",
                    );
                }
                (ReportFormat::Csv, _) => {}
            }
        }
        if raw.results.as_ref().is_some_and(Vec::is_empty) && !self.is_reported("results") {
            let hint = "give some of PASS, PASSE and FAIL, or leave it out for all";
            self.error("results", "a report of no result", hint);
        }
        if raw.format == ReportFormat::Csv && raw.resource_summary == Some(true) {
            let message = "resource_summary is for PDF alone";
            self.error("resource_summary", message, "remove it: a CSV has a row for each resource");
        }
        if raw.timezone.is_some() && raw.cron.is_none() && !self.is_reported("cron") {
            let at = self.at("timezone");
            let hint = "add cron, or remove timezone".to_owned();
            self.report.warning(self.tree, at, "timezone has no effect without cron".to_owned(), Some(hint));
        }
    }

    fn check_connectors(&mut self, raw: &RawReport, around: &Around<'_>) {
        let Some(connectors) = &raw.connectors else { return };
        if connectors.is_empty() && !self.is_reported("connectors") {
            self.error("connectors", "a report of no connector", "name some, or leave it out for all");
        }
        if self.is_reported("cloud") {
            return;
        }
        let items: Vec<NodeId> = self.tree.items(self.at("connectors")).collect();
        let kind = raw.cloud.kind();
        let known: Vec<String> = around
            .declared
            .iter()
            .filter(|entry| entry.spec.kind() == kind)
            .map(|entry| entry.spec.address_name())
            .collect();
        for (Connector(address), at) in connectors.iter().zip(items) {
            let name = quoted(&address.to_string());
            if address.kind != kind {
                let message = format!("{name} is no connector of {}", raw.cloud);
                let hint = format!("this report takes addresses as in {kind}/NAME");
                self.report.error(self.tree, at, message, Some(hint));
                continue;
            }
            let plain = address.name.split_once('#').map_or(address.name.as_str(), |(name, _)| name);
            if !around.sections.contains(&kind) || known.iter().any(|known| known == plain) {
                continue;
            }
            // It may be live all the same, made by somebody else.
            let meant = nearest(plain, known.iter().map(String::as_str));
            let meant = meant.map(|meant| format!("did you mean `{kind}/{meant}`? ")).unwrap_or_default();
            let hint = format!("{meant}it is looked for on the platform when the report is made");
            self.report.warning(self.tree, at, format!("{name} is not in the file"), Some(hint));
        }
    }
}
