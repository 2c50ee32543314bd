//! What the connectors of all clouds have in common on the wire.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::qualys::shapes::{Item, Items, Text};
use crate::qualys::write::Write;
use crate::resource::{
    Capabilities, Capability, Day, Health, Kind, Module, PerimeterScan, Recurrence, ScanDate, ScanTime,
    Schedule, ZoneName,
};

/// A tag where a connector names it: by id alone.
#[derive(Debug, Deserialize)]
pub(super) struct TagSimple {
    #[serde(default, deserialize_with = "crate::qualys::shapes::number")]
    id: Option<u64>,
}

impl Item for TagSimple {
    const NAME: &'static str = "TagSimple";
}

/// The tags as `#ID`, to be named once all tags are known.
pub(super) fn tags(Items(tags): Items<TagSimple>) -> BTreeSet<String> {
    tags.into_iter().filter_map(|tag| Some(format!("#{}", tag.id?))).collect()
}

/// `{"set": {"TagSimple": [{"id": 1}]}}`: `set` replaces the whole collection.
pub(super) fn set_tags(tags: &BTreeSet<String>, write: &Write<'_>) -> Result<Value, String> {
    let ids = tags.iter().map(|tag| Ok(json!({"id": write.id(Kind::Tag, tag)?})));
    Ok(json!({"set": {"TagSimple": ids.collect::<Result<Vec<_>, String>>()?}}))
}

#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct ActivationModule(Text);

impl Item for ActivationModule {
    const NAME: &'static str = "ActivationModule";
}

/// The modules, without `CLOUDVIEW`: the platform itself adds that where CI or CSA is on.
pub(super) fn activation(Items(modules): Items<ActivationModule>) -> BTreeSet<Module> {
    let names = modules.into_iter().map(|ActivationModule(Text(name))| name);
    names.filter(|name| name != "CLOUDVIEW").map(|name| Module::from_platform(&name)).collect()
}

pub(super) fn set_activation(modules: &BTreeSet<Module>) -> Value {
    let names: Vec<&str> = modules.iter().map(Module::name).collect();
    json!({"set": {"ActivationModule": names}})
}

/// An application. Its `identifier` repeats the cloud's identity and may be another one on read, so it is not read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectorAppInfo {
    #[serde(default, deserialize_with = "crate::qualys::shapes::text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "crate::qualys::shapes::number")]
    tag_id: Option<u64>,
    #[serde(default, deserialize_with = "crate::qualys::shapes::object")]
    tag_metadata: Option<TagSimple>,
}

impl Item for ConnectorAppInfo {
    const NAME: &'static str = "ConnectorAppInfo";
    // Part of the guide's samples spell it with two L.
    const LEVELS: &'static [&'static str] = &["ConnectorAppInfoQList", "ConnectorAppInfoQLList"];
}

/// The applications, each with its tag as `#ID` or `""` for none. One that no document names is left out.
pub(super) fn capabilities(Items(apps): Items<ConnectorAppInfo>) -> Capabilities {
    let mut all = BTreeMap::new();
    for app in apps {
        let Some(name) = app.name else { continue };
        let id = app.tag_id.or(app.tag_metadata.and_then(|tag| tag.id));
        all.insert(Capability::from_platform(&name), Some(id.map(|id| format!("#{id}")).unwrap_or_default()));
    }
    Capabilities(all)
}

/// One `ConnectorAppInfoQList` for each application. The guide's prose and the vendor's scripts agree on that;
/// its JSON samples also show several in one, with keys that repeat, which is no JSON.
pub(super) fn set_capabilities(
    Capabilities(all): &Capabilities,
    identifier: Option<&str>,
    write: &Write<'_>,
) -> Result<Value, String> {
    let mut lists = Vec::with_capacity(all.len());
    for (capability, tag) in all {
        let mut app = json!({"name": capability.name()});
        if let Some(identifier) = identifier {
            app["identifier"] = identifier.into();
        }
        if let Some(tag) = tag.as_deref().filter(|tag| !tag.is_empty()) {
            app["tagId"] = write.id(Kind::Tag, tag)?;
        }
        lists.push(json!({"set": {"ConnectorAppInfo": app}}));
    }
    Ok(json!({"set": {"ConnectorAppInfoQList": lists}}))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScanSetting {
    #[serde(default, deserialize_with = "crate::qualys::shapes::flag")]
    is_custom_scan_config_enabled: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ConnectorScanConfiguration {
    #[serde(deserialize_with = "crate::qualys::shapes::number")]
    option_profile_id: Option<u64>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    recurrence: Option<String>,
    days_of_week: Items<DayName>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    scan_prefix: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    start_date: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    start_time: Option<String>,
    #[serde(deserialize_with = "crate::qualys::shapes::filled")]
    timezone: Option<String>,
}

impl Item for ConnectorScanConfiguration {
    const NAME: &'static str = "ConnectorScanConfiguration";
}

#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct DayName(Text);

impl Item for DayName {
    const NAME: &'static str = "Day";
}

/// The days, the first as the vendor lists them.
const DAYS: [(Day, &str); 7] = [
    (Day::Sun, "SUN"),
    (Day::Mon, "MON"),
    (Day::Tue, "TUE"),
    (Day::Wed, "WED"),
    (Day::Thu, "THU"),
    (Day::Fri, "FRI"),
    (Day::Sat, "SAT"),
];

/// Whether and when a connector's finds are scanned from outside. A missing `isCPSEnabled` is off.
pub(super) fn perimeter_scan(
    enabled: bool,
    setting: Option<ScanSetting>,
    Items(configurations): Items<ConnectorScanConfiguration>,
) -> PerimeterScan {
    if !enabled {
        return PerimeterScan::Off;
    }
    if !setting.is_some_and(|setting| setting.is_custom_scan_config_enabled) {
        return PerimeterScan::Global;
    }
    PerimeterScan::Own(configurations.into_iter().next().map(schedule).unwrap_or_default())
}

/// What cannot be read (the guide shows `MM/DD/YYYY` as a date) is left out, and so never equal to a declared value.
fn schedule(wire: ConnectorScanConfiguration) -> Schedule {
    let Items(names) = wire.days_of_week;
    let day = |DayName(Text(name)): &DayName| DAYS.iter().find(|(_, day)| day == name).map(|(day, _)| *day);
    let days: BTreeSet<Day> = names.iter().filter_map(day).collect();
    let recurrence = match wire.recurrence.as_deref() {
        Some("DAILY") => Some(Recurrence::Daily),
        Some("WEEKLY") => Some(Recurrence::Weekly),
        _ => None,
    };
    Schedule {
        option_profile_id: wire.option_profile_id,
        recurrence,
        // Days count for a weekly scan alone; what a daily one has left of them means nothing.
        days: Some(days).filter(|days| !days.is_empty() && recurrence != Some(Recurrence::Daily)),
        scan_prefix: wire.scan_prefix,
        start_date: wire.start_date.as_deref().and_then(ScanDate::from_platform),
        start_time: wire.start_time.as_deref().and_then(ScanTime::parse),
        timezone: wire.timezone.map(ZoneName::from_platform),
    }
}

/// The fields of a perimeter scan. `isCPSEnabled: false` is sent only to switch off what is on: the vendor's own
/// client never sends it.
pub(super) fn set_perimeter_scan(
    scan: &PerimeterScan,
    create: bool,
    fields: &mut serde_json::Map<String, Value>,
) {
    let custom = match scan {
        PerimeterScan::Off => {
            if !create {
                fields.insert("isCPSEnabled".into(), false.into());
            }
            return;
        }
        PerimeterScan::Global => false,
        PerimeterScan::Own(schedule) => {
            fields.insert("connectorScanConfig".into(), set_schedule(schedule));
            true
        }
    };
    fields.insert("isCPSEnabled".into(), true.into());
    fields.insert("connectorScanSetting".into(), json!({"isCustomScanConfigEnabled": custom}));
}

fn set_schedule(schedule: &Schedule) -> Value {
    let Schedule { option_profile_id, recurrence, days, scan_prefix, start_date, start_time, timezone } =
        schedule;
    let mut wire = serde_json::Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            wire.insert(name.to_owned(), value);
        }
    };
    put("optionProfileId", option_profile_id.map(Value::from));
    put(
        "recurrence",
        recurrence.map(|recurrence| match recurrence {
            Recurrence::Daily => "DAILY".into(),
            Recurrence::Weekly => "WEEKLY".into(),
        }),
    );
    let name = |day: &Day| DAYS.iter().find(|(known, _)| known == day).map(|(_, name)| *name);
    put(
        "daysOfWeek",
        days.as_ref().map(|days| json!({"set": {"Day": days.iter().filter_map(name).collect::<Vec<_>>()}})),
    );
    put("scanPrefix", scan_prefix.clone().map(Value::from));
    put("startDate", start_date.map(|date| date.to_platform().into()));
    put("startTime", start_time.map(|time| time.to_string().into()));
    put("timezone", timezone.as_ref().map(|zone| zone.as_str().into()));
    json!({"set": {"ConnectorScanConfiguration": wire}})
}

/// How the last run went. An error of an earlier run that the platform still shows beside a good state is over.
pub(super) fn health(state: Option<String>, last_error: Option<String>) -> Health {
    let mut health = Health { state, last_error, last_sync: None };
    if !health.is_unhealthy() {
        health.last_error = None;
    }
    health
}
