//! The scan schedules of registries. Fields as in the vendor's Container Security API release notes 1.22.
//!
//! A schedule bears no name that could be read back: it is the one of its registry that scans on demand or not, and
//! looks at just these images.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::de::{self, Deserializer, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::field::leave_out;
use super::{Above, Edit, Field, Finding, Kind, Resource, ScanTime, Timetable};

/// A schedule of a registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrySchedule {
    /// The registry, as the file names it.
    pub registry: Registry,
    /// The name: sent, never read back. What is live and not in the file is named by its id.
    pub name: String,
    /// When it runs, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<ScanTime>,
    /// Every how many days it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_days: Option<Interval>,
    /// On which day it runs, where it runs every seven days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub week_day: Option<WeekDay>,
    /// Whether it is no schedule at all, but a scan that is made once. It cannot be edited.
    #[serde(default)]
    pub on_demand: bool,
    /// The vendor's word for the sort of registry: sent, never read back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_type: Option<String>,
    /// Whether images that were scanned before are scanned again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_scan: Option<bool>,
    /// Which images it looks at. They cannot be edited.
    pub filters: BTreeSet<ImageFilter>,
    /// How many tags of each repository it looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_of_tags: Option<u32>,
    /// What these tags are the first by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
}

/// The images of a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageFilter {
    /// The repository.
    pub repo: String,
    /// The tag; all tags where it is left out.
    #[serde(default)]
    pub tag: Option<String>,
    /// How many days old they may be; however old where it is left out.
    #[serde(default, deserialize_with = "days")]
    pub days: Option<u32>,
}

/// A registry by what the file calls it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Registry {
    /// The platform's UUID of it.
    Id(String),
    /// Its address.
    Uri(String),
    /// Its name.
    Name(String),
}

/// Every how many days a scan is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Interval(pub u32);

/// A day of the week by its whole name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum WeekDay {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Interval {
    /// The interval that has a day of the week.
    pub const WEEK: Interval = Interval(7);
}

impl WeekDay {
    const fn weekday(self) -> Weekday {
        match self {
            WeekDay::Monday => Weekday::Monday,
            WeekDay::Tuesday => Weekday::Tuesday,
            WeekDay::Wednesday => Weekday::Wednesday,
            WeekDay::Thursday => Weekday::Thursday,
            WeekDay::Friday => Weekday::Friday,
            WeekDay::Saturday => Weekday::Saturday,
            WeekDay::Sunday => Weekday::Sunday,
        }
    }
}

/// When a schedule scans, as far as it says so. The days of most intervals count from the day on which the schedule was
/// made, which the file does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageScan {
    at: Option<ScanTime>,
    every: Option<Interval>,
    on: Option<WeekDay>,
}

impl ImageScan {
    /// With what it leaves out as it was before.
    #[must_use]
    pub fn over(self, before: ImageScan) -> ImageScan {
        let every = self.every.or(before.every);
        let on = self.on.or(before.on).filter(|_| every == Some(Interval::WEEK));
        ImageScan { at: self.at.or(before.at), every, on }
    }

    /// The first scan after `now`, in UTC, where the days are known: every day, or one of the week.
    #[must_use]
    pub fn next_run(self, now: Timestamp) -> Option<Zoned> {
        let ScanTime(time) = self.at?;
        let on = match (self.every?, self.on) {
            (Interval(1), _) => None,
            (Interval::WEEK, Some(day)) => Some(day.weekday()),
            (Interval(_), _) => return None,
        };
        let today = now.to_zoned(TimeZone::UTC).date();
        std::iter::successors(Some(today), |date| date.tomorrow().ok())
            .take(8)
            .filter(|date| on.is_none_or(|day| date.weekday() == day))
            .filter_map(|date| date.to_datetime(time).to_zoned(TimeZone::UTC).ok())
            .find(|run| run.timestamp() > now)
    }

    /// How often it scans, in words.
    #[must_use]
    pub fn rhythm(self) -> Option<String> {
        let at = self.at?;
        Some(match self.every {
            Some(Interval(days)) => {
                format!(
                    "every {days} days at {at} UTC; which days is not known: they count from when it was made"
                )
            }
            None => format!("at {at} UTC, on the days that the platform has"),
        })
    }
}

impl Registry {
    /// What it is called.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Registry::Id(text) | Registry::Uri(text) | Registry::Name(text) => text,
        }
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ImageFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ImageFilter { repo, tag, days } = self;
        write!(f, "{repo}:{}", tag.as_deref().unwrap_or("*"))?;
        days.map_or(Ok(()), |days| write!(f, "@{days}d"))
    }
}

/// `{id: …}`, `{uri: …}` or `{name: …}`; in the file beside the list of schedules.
impl<'de> Deserialize<'de> for Registry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Registry, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Named {
            id: Option<String>,
            uri: Option<String>,
            name: Option<String>,
            #[serde(rename = "schedules")]
            _schedules: Option<IgnoredAny>,
        }
        let Named { id, uri, name, _schedules } = Named::deserialize(deserializer)?;
        let registry = match (id, uri, name) {
            (Some(id), None, None) => {
                let uuid = uuid::Uuid::try_parse(&id).map_err(|_| {
                    de::Error::custom(format!(
                        "`{id}` is no id of a registry: expected its UUID; or give its uri or name"
                    ))
                })?;
                Registry::Id(uuid.hyphenated().to_string())
            }
            (None, Some(uri), None) => Registry::Uri(uri),
            (None, None, Some(name)) => Registry::Name(name),
            (None, None, None) => {
                return Err(de::Error::custom("a registry without a name: expected id, uri or name"));
            }
            _ => {
                return Err(de::Error::custom(
                    "a registry that is named twice: expected one of id, uri and name",
                ));
            }
        };
        if registry.as_str().is_empty() {
            return Err(de::Error::custom("a registry without a name: expected id, uri or name"));
        }
        Ok(registry)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Interval, D::Error> {
        match u32::deserialize(deserializer)? {
            days @ 1..=365 => Ok(Interval(days)),
            days => Err(de::Error::custom(format!("every {days} days is no interval: expected 1 to 365"))),
        }
    }
}

fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match Option::<u32>::deserialize(deserializer)? {
        None => Ok(None),
        Some(days @ (1..=7 | 14)) => Ok(Some(days)),
        Some(days) => Err(de::Error::custom(format!(
            "{days} days is no age that can be filtered by: expected 1 to 7, or 14"
        ))),
    }
}

impl Resource for RegistrySchedule {
    const KIND: Kind = Kind::RegistrySchedule;
    const SECTION: &'static [&'static str] = &["container_security", "registries"];
    const ABOVE: Option<Above> = Some(Above::Entries { field: "registry", list: "schedules" });
    const REFERS_TO: &'static [Kind] = &[];
    const FIELDS: &'static [Field] = &[
        Field::identity("registry"),
        Field::updatable("name").write_only().identifying(),
        Field::updatable("at"),
        Field::updatable("every_days"),
        Field::updatable("week_day"),
        Field::identity("on_demand"),
        Field::updatable("registry_type").write_only(),
        Field::updatable("force_scan"),
        Field::identity("filters"),
        Field::updatable("number_of_tags"),
        Field::updatable("sort"),
    ];

    fn above<'de, D: Deserializer<'de>>(from: D) -> Result<serde_json::Value, D::Error> {
        let registry = Registry::deserialize(from)?;
        serde_json::to_value(registry).map_err(de::Error::custom)
    }

    fn name(&self) -> &str {
        &self.name
    }

    /// A registry's tag holds no space and no comma.
    fn identity(&self) -> Option<String> {
        let filters: Vec<String> = self.filters.iter().map(ToString::to_string).collect();
        let when = if self.on_demand { "on-demand" } else { "scheduled" };
        Some(format!("{}/{when}/{}", self.registry, filters.join(",")))
    }

    fn address_name(&self) -> String {
        format!("{}/{}", self.registry, self.name)
    }

    /// What is under way is cancelled before it is deleted.
    fn writes(edit: &Edit<'_, RegistrySchedule>) -> usize {
        match edit {
            Edit::Delete { running: true } => 2,
            Edit::Create(_) | Edit::Update { .. } | Edit::Delete { running: false } => 1,
        }
    }

    fn leave_out(&mut self, field: &str) {
        leave_out!(field of self: at, every_days, week_day, registry_type, force_scan, number_of_tags, sort);
    }

    fn schedule(&self) -> Option<Timetable<'_>> {
        let scan = ImageScan { at: self.at, every: self.every_days, on: self.week_day };
        let says_when = scan != ImageScan { at: None, every: None, on: None };
        (says_when && !self.on_demand).then_some(Timetable::Images(scan))
    }

    fn check(&mut self, report: &mut dyn FnMut(Finding)) {
        if self.name.is_empty() || self.name.starts_with('#') {
            report(Finding::error("name", "a schedule without a name", "give it one, as in weekly"));
        }
        if self.filters.is_empty() {
            let hint = "name the images, as in [{repo: shop/web}]";
            report(Finding::error("filters", "a schedule that looks at no image", hint));
        }
        for filter in self.filters.iter().filter(|filter| filter.repo.is_empty()) {
            let message = format!("the filter `{filter}` names no repository");
            report(Finding::error("filters", message, "give a repository, as in {repo: shop/web}"));
        }
        match (self.every_days, self.week_day) {
            (Some(Interval::WEEK), None) => {
                let message = "`week_day` is missing: every_days: 7 needs one";
                report(Finding::error("week_day", message, "give the day, as in week_day: THURSDAY"));
            }
            (Some(Interval::WEEK), Some(_)) | (_, None) => {}
            (_, Some(_)) => {
                let message = "week_day without every_days: 7";
                report(Finding::error("week_day", message, "remove it, or add every_days: 7"));
            }
        }
        if self.on_demand && (self.at.is_some() || self.every_days.is_some()) {
            let message = "on_demand: true is a scan that is made once: it has no time";
            report(Finding::warning("on_demand", message, "remove at and every_days, or on_demand"));
        }
    }
}
