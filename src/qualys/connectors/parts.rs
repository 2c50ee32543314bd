//! What the connectors of all clouds have in common on the wire. `wire!` declares the wire form of one cloud's.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::qualys::shapes::{Item, Items, Text};
use crate::qualys::write::Write;
use crate::resource::connector::Common;
use crate::resource::{
    Capabilities, Capability, Day, Health, Kind, LiveObject, Module, Owner, PerimeterScan, Recurrence,
    RunFrequency, ScanDate, ScanTime, Schedule, Spec, ZoneName,
};

/// The wire form of a connector, as search and get show it: `Wire`, with the fields of all clouds and these of one
/// cloud alone. Fields that the spec does not have are not read, and so no secret is.
///
/// One flat struct for each cloud, since serde's `flatten` would keep every answer in memory twice and lose the place
/// of what cannot be read.
macro_rules! wire {
    ($item:literal { $($(#[$attribute:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub(in crate::qualys) struct Wire {
            #[serde(deserialize_with = "crate::qualys::shapes::number")]
            id: Option<u64>,
            #[serde(deserialize_with = "crate::qualys::shapes::text")]
            name: Option<String>,
            #[serde(deserialize_with = "crate::qualys::shapes::text")]
            description: Option<String>,
            connector_app_infos: crate::qualys::shapes::Items<super::parts::ConnectorAppInfo>,
            activation: crate::qualys::shapes::Items<super::parts::ActivationModule>,
            default_tags: crate::qualys::shapes::Items<super::parts::TagSimple>,
            #[serde(deserialize_with = "crate::qualys::shapes::number")]
            run_frequency: Option<u64>,
            #[serde(deserialize_with = "crate::qualys::shapes::flag")]
            is_remediation_enabled: bool,
            #[serde(deserialize_with = "crate::qualys::shapes::flag")]
            disabled: bool,
            #[serde(rename = "isCPSEnabled", deserialize_with = "crate::qualys::shapes::flag")]
            is_cps_enabled: bool,
            #[serde(deserialize_with = "crate::qualys::shapes::object")]
            connector_scan_setting: Option<super::parts::ScanSetting>,
            connector_scan_config: crate::qualys::shapes::Items<super::parts::ConnectorScanConfiguration>,
            #[serde(deserialize_with = "crate::qualys::shapes::filled")]
            connector_state: Option<String>,
            #[serde(deserialize_with = "crate::qualys::shapes::filled")]
            last_error: Option<String>,
            #[serde(deserialize_with = "crate::qualys::shapes::filled")]
            last_sync: Option<String>,
            #[serde(deserialize_with = "crate::qualys::shapes::filled")]
            cloudview_uuid: Option<String>,
            #[serde(deserialize_with = "crate::qualys::shapes::flag")]
            is_attached_to_org_connector: bool,
            #[serde(deserialize_with = "crate::qualys::shapes::flag")]
            is_deleted: bool,
            $($(#[$attribute])* $field: $type,)*
        }

        impl crate::qualys::shapes::Item for Wire {
            const NAME: &'static str = $item;
        }

        /// What this cloud's connectors alone show.
        struct Own {
            $($field: $type,)*
        }

        impl Wire {
            /// The connector by its id, which is 0 where it has none; `None` for one that is deleted.
            fn decode(
                self,
                live: impl FnOnce(super::parts::Shown, Own) -> crate::resource::LiveObject,
            ) -> (u64, Option<crate::resource::LiveObject>) {
                let id = self.id.unwrap_or_default();
                // Deletion is soft on the platform; what is deleted is not live.
                if self.is_deleted {
                    return (id, None);
                }
                let own = Own { $($field: self.$field,)* };
                let shown = super::parts::Shown::new(super::parts::Shared {
                    id,
                    name: self.name,
                    description: self.description,
                    apps: self.connector_app_infos,
                    activation: self.activation,
                    tags: self.default_tags,
                    run_frequency: self.run_frequency,
                    remediation: self.is_remediation_enabled,
                    disabled: self.disabled,
                    scan: self.is_cps_enabled,
                    scan_setting: self.connector_scan_setting,
                    scan_config: self.connector_scan_config,
                    state: self.connector_state,
                    last_error: self.last_error,
                    last_sync: self.last_sync,
                    cloudview_id: self.cloudview_uuid,
                    is_member: self.is_attached_to_org_connector,
                });
                (id, Some(live(shown, own)))
            }
        }
    };
}
pub(super) use wire;

/// The fields of all clouds as they come.
#[expect(clippy::struct_excessive_bools, reason = "the wire form has that many")]
pub(super) struct Shared {
    pub(super) id: u64,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) apps: Items<ConnectorAppInfo>,
    pub(super) activation: Items<ActivationModule>,
    pub(super) tags: Items<TagSimple>,
    pub(super) run_frequency: Option<u64>,
    pub(super) remediation: bool,
    pub(super) disabled: bool,
    pub(super) scan: bool,
    pub(super) scan_setting: Option<ScanSetting>,
    pub(super) scan_config: Items<ConnectorScanConfiguration>,
    pub(super) state: Option<String>,
    pub(super) last_error: Option<String>,
    pub(super) last_sync: Option<String>,
    pub(super) cloudview_id: Option<String>,
    pub(super) is_member: bool,
}

/// The fields of all clouds in normal form.
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) capabilities: Capabilities,
    pub(super) activation: BTreeSet<Module>,
    pub(super) tags: BTreeSet<String>,
    pub(super) run_frequency: Option<RunFrequency>,
    pub(super) remediation: bool,
    pub(super) enabled: bool,
    pub(super) perimeter_scan: PerimeterScan,
    pub(super) about: About,
}

/// What is about a connector and not of it.
pub(super) struct About {
    id: u64,
    /// What the applications name as the cloud's identity. Not the identity itself: on read it may be another.
    identifier: Option<String>,
    cloudview_id: Option<String>,
    owner: Option<Owner>,
    health: Health,
    locked: Option<String>,
}

impl Shown {
    pub(super) fn new(shared: Shared) -> Shown {
        let described = shared.description.unwrap_or_default();
        let (description, owner) = Owner::split(&described);
        let Items(mut apps) = shared.apps;
        let identifier = identifier(&mut apps);
        let run_frequency = shared.run_frequency.and_then(|minutes| u32::try_from(minutes).ok());
        Shown {
            name: shared.name.unwrap_or_default(),
            description: description.to_owned(),
            capabilities: capabilities(apps),
            activation: activation(shared.activation),
            tags: tags(shared.tags),
            run_frequency: run_frequency.map(RunFrequency::from_minutes),
            remediation: shared.remediation,
            enabled: !shared.disabled,
            perimeter_scan: perimeter_scan(shared.scan, shared.scan_setting, shared.scan_config),
            about: About {
                id: shared.id,
                identifier,
                cloudview_id: shared.cloudview_id,
                owner,
                health: health(shared.state, shared.last_error).synced(shared.last_sync),
                locked: shared.is_member.then(|| "member of an organization connector".to_owned()),
            },
        }
    }
}

impl About {
    /// The live object. Where the answer does not tell its identity, the applications suggest one.
    pub(super) fn of(self, spec: impl Into<Spec>) -> LiveObject {
        let About { id, identifier, cloudview_id, owner, health, locked } = self;
        let spec = spec.into();
        let hint = identifier.filter(|_| spec.identity().is_none());
        LiveObject { hint, cloudview_id, owner, health, locked, ..LiveObject::new(id.to_string(), spec) }
    }
}

/// Those of the fields that the answer does not tell, in the form of [`LiveObject::unreadable`].
pub(super) fn untold<const N: usize>(fields: [(&'static str, bool); N]) -> BTreeMap<&'static str, Value> {
    fields.into_iter().filter_map(|(field, untold)| untold.then_some((field, Value::Null))).collect()
}

/// How the applications of a connector are sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Apps<'a> {
    /// What each names as the cloud's identity.
    pub(super) identifier: Option<&'a str>,
    /// Whether they are sent though they did not change, since what they name did.
    pub(super) again: bool,
    pub(super) form: AppsForm,
}

/// In which form the applications are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AppsForm {
    /// One list for each. The guide's prose and the vendor's scripts agree on that; its JSON samples also show several
    /// in one, with keys that repeat, which is no JSON.
    Lists,
    /// One list of all, as the guide has it for OCI, with an empty id for no tag.
    OneList,
}

/// Puts the fields that connectors of several clouds have.
pub(super) fn put_common(
    common: &Common<'_>,
    apps: Apps<'_>,
    write: &Write<'_>,
    fields: &mut Map<String, Value>,
) -> Result<(), String> {
    let Common {
        name,
        description,
        capabilities,
        activation,
        tags,
        run_frequency,
        remediation,
        enabled,
        perimeter_scan,
    } = *common;
    let mut put = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    if write.wants("name") {
        put("name", name.into());
    }
    if let Some(text) = write.description(description) {
        put("description", text.into());
    }
    // What a create leaves out is empty; whether it may say so is nowhere documented.
    let is_sent = |is_empty: bool| !(write.is_create() && is_empty);
    if let Some(capabilities) = capabilities {
        let is_empty = capabilities.0.is_empty();
        if (write.wants("capabilities") && is_sent(is_empty)) || (apps.again && !is_empty) {
            put("connectorAppInfos", set_capabilities(capabilities, apps, write)?);
        }
    }
    if let Some(modules) = write.of("activation", activation).filter(|modules| is_sent(modules.is_empty())) {
        put("activation", set_activation(modules));
    }
    if let Some(tags) = write.of("tags", tags).filter(|tags| is_sent(tags.is_empty())) {
        put("defaultTags", set_tags(tags, write)?);
    }
    if let Some(frequency) = write.of("run_frequency", run_frequency.as_ref()) {
        put("runFrequency", frequency.minutes().into());
    }
    if let Some(remediation) = write.of("remediation", remediation.as_ref()) {
        put("isRemediationEnabled", (*remediation).into());
    }
    if let Some(enabled) = write.of("enabled", enabled.as_ref()) {
        put("disabled", (!enabled).into());
    }
    if let Some(scan) = write.of("perimeter_scan", perimeter_scan) {
        set_perimeter_scan(scan, write.is_create(), fields);
    }
    Ok(())
}

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
fn tags(Items(tags): Items<TagSimple>) -> BTreeSet<String> {
    tags.into_iter().filter_map(|tag| Some(format!("#{}", tag.id?))).collect()
}

/// `{"set": {"TagSimple": [{"id": 1}]}}`: `set` replaces the whole collection.
fn set_tags(tags: &BTreeSet<String>, write: &Write<'_>) -> Result<Value, String> {
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
fn activation(Items(modules): Items<ActivationModule>) -> BTreeSet<Module> {
    let names = modules.into_iter().map(|ActivationModule(Text(name))| name);
    names.filter(|name| name != Module::PLATFORMS_OWN).map(|name| Module::from_platform(&name)).collect()
}

fn set_activation(modules: &BTreeSet<Module>) -> Value {
    let names: Vec<&str> = modules.iter().map(Module::name).collect();
    json!({"set": {"ActivationModule": names}})
}

/// An application. Its `identifier` repeats the cloud's identity in requests, and may be another one on read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectorAppInfo {
    #[serde(default, deserialize_with = "crate::qualys::shapes::text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "crate::qualys::shapes::filled")]
    identifier: Option<String>,
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

/// The applications, each with its tag as `#ID` or `""` for none; that of no name is left out.
pub(super) fn capabilities(apps: Vec<ConnectorAppInfo>) -> Capabilities {
    let mut all = BTreeMap::new();
    for app in apps {
        let Some(name) = app.name else { continue };
        let id = app.tag_id.or(app.tag_metadata.and_then(|tag| tag.id));
        all.insert(Capability::from_platform(&name), Some(id.map(|id| format!("#{id}")).unwrap_or_default()));
    }
    Capabilities(all)
}

/// The identifier on which all applications agree.
fn identifier(apps: &mut [ConnectorAppInfo]) -> Option<String> {
    let (first, others) = apps.split_first_mut()?;
    let identifier = first.identifier.take()?;
    others
        .iter()
        .all(|app| app.identifier.as_ref().is_none_or(|other| *other == identifier))
        .then_some(identifier)
}

fn set_capabilities(
    Capabilities(all): &Capabilities,
    apps: Apps<'_>,
    write: &Write<'_>,
) -> Result<Value, String> {
    let mut infos = Vec::with_capacity(all.len());
    for (capability, tag) in all {
        let mut app = json!({"name": capability.name()});
        if let Some(identifier) = apps.identifier {
            app["identifier"] = identifier.into();
        }
        match tag.as_deref().filter(|tag| !tag.is_empty()) {
            Some(tag) => app["tagId"] = write.id(Kind::Tag, tag)?,
            None if apps.form == AppsForm::OneList => app["tagId"] = "".into(),
            None => {}
        }
        infos.push(app);
    }
    let lists = match apps.form {
        AppsForm::Lists => infos.into_iter().map(|app| json!({"set": {"ConnectorAppInfo": app}})).collect(),
        AppsForm::OneList => json!({"set": {"ConnectorAppInfo": infos}}),
    };
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
fn perimeter_scan(
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
pub(super) fn schedule(wire: ConnectorScanConfiguration) -> Schedule {
    let Items(names) = wire.days_of_week;
    let day = |DayName(Text(name)): &DayName| DAYS.iter().find(|(_, day)| day == name).map(|(day, _)| *day);
    let days: BTreeSet<Day> = names.iter().filter_map(day).collect();
    let recurrence = wire.recurrence.as_deref().map(Recurrence::from_platform);
    Schedule {
        option_profile_id: wire.option_profile_id,
        // Days count for a weekly scan alone; what a daily one has left of them means nothing.
        days: Some(days).filter(|days| !days.is_empty() && recurrence != Some(Recurrence::Daily)),
        recurrence,
        scan_prefix: wire.scan_prefix,
        start_date: wire.start_date.as_deref().and_then(ScanDate::from_platform),
        start_time: wire.start_time.as_deref().and_then(ScanTime::parse),
        timezone: wire.timezone.map(ZoneName::from_platform),
    }
}

/// The fields of a perimeter scan. `isCPSEnabled: false` is sent only to switch off what is on: the vendor's own
/// client never sends it.
fn set_perimeter_scan(scan: &PerimeterScan, create: bool, fields: &mut Map<String, Value>) {
    let custom = match scan {
        PerimeterScan::Off => {
            if !create {
                fields.insert("isCPSEnabled".into(), false.into());
            }
            return;
        }
        PerimeterScan::Global => false,
        PerimeterScan::Own(schedule) => {
            let configuration = schedule_fields(schedule);
            let set = json!({"set": {"ConnectorScanConfiguration": configuration}});
            fields.insert("connectorScanConfig".into(), set);
            true
        }
    };
    fields.insert("isCPSEnabled".into(), true.into());
    fields.insert("connectorScanSetting".into(), json!({"isCustomScanConfigEnabled": custom}));
}

/// The fields of a scan configuration.
pub(super) fn schedule_fields(schedule: &Schedule) -> Map<String, Value> {
    let Schedule { option_profile_id, recurrence, days, scan_prefix, start_date, start_time, timezone } =
        schedule;
    let mut wire = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            wire.insert(name.to_owned(), value);
        }
    };
    put("optionProfileId", option_profile_id.map(Value::from));
    put("recurrence", recurrence.as_ref().map(|recurrence| recurrence.name().into()));
    let name = |day: &Day| DAYS.iter().find(|(known, _)| known == day).map(|(_, name)| *name);
    put(
        "daysOfWeek",
        days.as_ref().map(|days| json!({"set": {"Day": days.iter().filter_map(name).collect::<Vec<_>>()}})),
    );
    put("scanPrefix", scan_prefix.clone().map(Value::from));
    put("startDate", start_date.map(|date| date.to_platform().into()));
    put("startTime", start_time.map(|time| time.to_string().into()));
    put("timezone", timezone.as_ref().map(|zone| zone.as_str().into()));
    wire
}

/// How the last run went. An error of an earlier run that the platform still shows beside a good state is over.
pub(super) fn health(state: Option<String>, last_error: Option<String>) -> Health {
    let mut health = Health { state, last_error, last_sync: None };
    if !health.is_unhealthy() {
        health.last_error = None;
    }
    health
}
