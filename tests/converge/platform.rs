//! A subscription of the model as the simulator keeps it, there and back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::model::{
    CAPABILITIES, COLORS, Connector, DATES, DAYS, OURS, REGIONS, RULES, Regions, Scan, Schedule, State,
    THEIRS, TIMES, Tag, TagOf, When, ZONES,
};
use crate::support::Objects;

pub(crate) const ROLES: [&str; 2] = ["role/QualysConnector", "role/team/Reader"];

pub(crate) fn arn(account: usize, role: usize) -> String {
    format!("arn:aws:iam::{:012}:{}", 210_000_000_000 + account, ROLES[role])
}

pub(crate) fn marked(description: Option<&String>, owner: Option<&String>) -> String {
    let text = description.cloned().unwrap_or_default();
    match owner {
        Some(owner) if text.is_empty() => format!("[trueup:{owner}]"),
        Some(owner) => format!("{text} [trueup:{owner}]"),
        None => text,
    }
}

/// Text and mark of a description.
pub(crate) fn unmarked(object: &Map<String, Value>) -> (Option<String>, Option<String>) {
    let text = object.get("description").and_then(Value::as_str).unwrap_or_default();
    for owner in [OURS, THEIRS] {
        if let Some(text) = text.strip_suffix(&format!("[trueup:{owner}]")) {
            return (Some(text.strip_suffix(' ').unwrap_or(text).to_owned()), Some(owner.to_owned()));
        }
    }
    (Some(text.to_owned()), None)
}

pub(crate) fn american(date: &str) -> String {
    format!("{}/{}/{}", &date[5..7], &date[8..], &date[..4])
}

/// The connector in the simulator's plain form.
pub(crate) fn plain(connector: &Connector, arn: &str, ids: &BTreeMap<String, u64>) -> Value {
    let mut object = json!({
        "name": connector.name,
        "arn": arn,
        "description": marked(connector.description.as_ref(), connector.owner.as_ref()),
        "externalId": connector.external_id,
        "connectorAppInfos": connector.capabilities.iter().flatten().map(|(name, of)| match of {
            TagOf::LeftOut | TagOf::None => json!({"name": name}),
            TagOf::Path(path) => json!({"name": name, "tagId": ids[path]}),
        }).collect::<Vec<_>>(),
        "activation": connector.activation,
        "defaultTags": connector.tags.iter().flatten().map(|path| ids[path]).collect::<Vec<_>>(),
        "allRegions": connector.regions == Some(Regions::All),
        "runFrequency": connector.run_frequency,
        "isRemediationEnabled": connector.remediation,
        "disabled": connector.enabled == Some(false),
        "isCPSEnabled": connector.scan != Some(Scan::Off),
    });
    if let Some(Regions::Only(codes)) = &connector.regions {
        object["endpoints"] = json!(codes);
    }
    match &connector.scan {
        Some(Scan::Global) => object["connectorScanSetting"] = json!({"isCustomScanConfigEnabled": false}),
        Some(Scan::Own(schedule)) => {
            object["connectorScanSetting"] = json!({"isCustomScanConfigEnabled": true});
            object["connectorScanConfig"] = json!({
                "optionProfileId": schedule.profile,
                "scanPrefix": schedule.prefix,
                "startDate": schedule.date.map(american),
                "startTime": schedule.time,
                "timezone": schedule.zone,
            });
            match &schedule.when {
                Some(When::Daily) => object["connectorScanConfig"]["recurrence"] = "DAILY".into(),
                Some(When::Weekly(days)) => {
                    object["connectorScanConfig"]["recurrence"] = "WEEKLY".into();
                    object["connectorScanConfig"]["daysOfWeek"] = json!(days);
                }
                None => {}
            }
        }
        Some(Scan::Off) | None => {}
    }
    object
}

pub(crate) fn one_of(known: &[&'static str], value: &Value) -> &'static str {
    known.iter().find(|known| *value == **known).unwrap_or_else(|| panic!("{value} is none of {known:?}"))
}

pub(crate) fn set_of(known: &[&'static str], values: Option<&Value>) -> BTreeSet<&'static str> {
    values.and_then(Value::as_array).into_iter().flatten().map(|value| one_of(known, value)).collect()
}

pub(crate) fn observed(objects: &Objects) -> State {
    let paths = objects.paths();
    let tags = objects.of("tag").map(|(id, object)| {
        let (description, owner) = unmarked(object);
        let kind = object.get("ruleType").map_or("STATIC", |kind| one_of(&RULES, kind));
        let text = object.get("ruleText").and_then(Value::as_str).filter(|_| kind != "STATIC");
        let rule = Some((kind, text.map(str::to_owned)));
        let color = object.get("color").map(|color| one_of(&COLORS, color));
        (paths[&id].clone(), Tag { description, color, rule, owner })
    });
    let connectors = objects.of("aws").map(|(_, object)| {
        let path = |id: &Value| paths[&id.as_u64().unwrap()].clone();
        let (description, owner) = unmarked(object);
        let capabilities = object.get("connectorAppInfos").and_then(Value::as_array).into_iter().flatten();
        let capabilities = capabilities.map(|app| {
            assert_eq!(app["identifier"], object["arn"], "a capability is of the connector's own role");
            let tag = app.get("tagId").map_or(TagOf::None, |id| TagOf::Path(path(id)));
            (one_of(&CAPABILITIES, &app["name"]), tag)
        });
        let mut activation = set_of(&["VM", "PC", "SCA", "CERTVIEW", "CLOUDVIEW"], object.get("activation"));
        activation.remove("CLOUDVIEW");
        let regions = if object["allRegions"] == true {
            Regions::All
        } else {
            Regions::Only(set_of(&REGIONS, object.get("endpoints")))
        };
        let connector = Connector {
            name: object["name"].as_str().unwrap().to_owned(),
            description,
            external_id: object["externalId"].as_str().map(str::to_owned),
            capabilities: Some(capabilities.collect()),
            activation: Some(activation),
            tags: Some(
                object.get("defaultTags").and_then(Value::as_array).into_iter().flatten().map(path).collect(),
            ),
            regions: Some(regions),
            run_frequency: object["runFrequency"].as_u64(),
            remediation: object["isRemediationEnabled"].as_bool(),
            enabled: object["disabled"].as_bool().map(|disabled| !disabled),
            scan: Some(observed_scan(object)),
            owner,
        };
        (object["arn"].as_str().unwrap().to_owned(), connector)
    });
    State { tags: tags.collect(), connectors: connectors.collect() }
}

pub(crate) fn observed_scan(object: &Map<String, Value>) -> Scan {
    if object["isCPSEnabled"] == false {
        return Scan::Off;
    }
    if object["connectorScanSetting"]["isCustomScanConfigEnabled"] == false {
        return Scan::Global;
    }
    let config = &object["connectorScanConfig"];
    let date = |shown: &Value| DATES.iter().find(|date| *shown == american(date)).copied();
    Scan::Own(Schedule {
        profile: config["optionProfileId"].as_u64(),
        when: Some(if config["recurrence"] == "DAILY" {
            When::Daily
        } else {
            When::Weekly(set_of(&DAYS, config.get("daysOfWeek")))
        }),
        prefix: config["scanPrefix"].as_str().map(str::to_owned),
        date: date(&config["startDate"]),
        time: Some(one_of(&TIMES, &config["startTime"])),
        zone: Some(one_of(&ZONES, &config["timezone"])),
    })
}

/// Tags that every subscription has are no part of the model.
pub(crate) fn without_system_tags(mut state: State) -> State {
    const SYSTEM: [&str; 5] =
        ["Asset Groups", "Asset Search Tags", "Business Units", "Cloud Agent", "Malware Domain Assets"];
    state.tags.retain(|path, _| !SYSTEM.contains(&path.as_str()));
    state
}
