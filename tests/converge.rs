//! It converges: for generated subscriptions and files, what is applied is what the file says and nothing else,
//! the next plan is empty, and one fault on the way costs one pass at most.
//!
//! The model beside the program is [`merged`]: a connector as it was, and the entry of the file over it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use proptest::test_runner::Config;
use serde_json::{Map, Value, json};
use support::{May, Objects, Scene, complaints};
use tokio::runtime::Runtime;
use trueup::journal::Journal;
use trueup::plan::{Action, Heading, Plan, Style, plan_json, render_text};
use trueup::reconcile::{PassOutcome, Report};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// So many cases, unless `PROPTEST_CASES` asks for more.
fn cases(cases: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|asked| asked.parse().ok());
    let cases = asked.unwrap_or(cases);
    Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() }
}

// The model

/// A connector. On the platform every field is set; in the file `None` is left out.
#[derive(Debug, Clone, PartialEq, Default)]
struct Connector {
    name: String,
    description: Option<String>,
    external_id: Option<String>,
    capabilities: Option<BTreeMap<&'static str, TagOf>>,
    activation: Option<BTreeSet<&'static str>>,
    tags: Option<BTreeSet<String>>,
    regions: Option<Regions>,
    run_frequency: Option<u64>,
    remediation: Option<bool>,
    enabled: Option<bool>,
    scan: Option<Scan>,
    /// Whose mark the description bears.
    owner: Option<String>,
}

/// The tag of a capability.
#[derive(Debug, Clone, PartialEq)]
enum TagOf {
    LeftOut,
    None,
    Path(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Regions {
    All,
    Only(BTreeSet<&'static str>),
}

#[derive(Debug, Clone, PartialEq)]
enum Scan {
    Off,
    Global,
    Own(Schedule),
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Schedule {
    profile: Option<u64>,
    when: Option<When>,
    prefix: Option<String>,
    date: Option<&'static str>,
    time: Option<&'static str>,
    zone: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq)]
enum When {
    Daily,
    Weekly(BTreeSet<&'static str>),
}

/// A tag; on the platform `color` alone may be unset, in the file `None` is left out.
#[derive(Debug, Clone, PartialEq, Default)]
struct Tag {
    description: Option<String>,
    color: Option<&'static str>,
    /// The type and the text.
    rule: Option<(&'static str, Option<String>)>,
    owner: Option<String>,
}

/// Tags by path, connectors by role.
#[derive(Debug, Clone, PartialEq, Default)]
struct State {
    tags: BTreeMap<String, Tag>,
    connectors: BTreeMap<String, Connector>,
}

/// What the platform makes of a create that leaves everything out.
fn fresh_connector() -> Connector {
    Connector {
        name: String::new(),
        description: Some(String::new()),
        external_id: None,
        capabilities: Some(BTreeMap::new()),
        activation: Some(BTreeSet::new()),
        tags: Some(BTreeSet::new()),
        regions: Some(Regions::All),
        run_frequency: Some(240),
        remediation: Some(false),
        enabled: Some(true),
        scan: Some(Scan::Off),
        owner: None,
    }
}

fn fresh_tag() -> Tag {
    Tag { description: Some(String::new()), color: None, rule: Some(("STATIC", None)), owner: None }
}

fn whole_schedule() -> Schedule {
    Schedule {
        profile: Some(9),
        when: Some(When::Daily),
        prefix: Some("whole".to_owned()),
        date: Some("2093-04-05"),
        time: Some("06:07"),
        zone: Some("UTC"),
    }
}

/// A live connector and the entry of the file over it. `echo`: the platform tells its list of regions; where it
/// does not, a list cannot be told from another one and is left alone.
fn merged(live: &Connector, wanted: &Connector, echo: bool) -> Connector {
    let capabilities = wanted.capabilities.clone().map(|wanted| {
        let had = live.capabilities.clone().unwrap_or_default();
        let tag = |capability, tag| match tag {
            TagOf::LeftOut => had.get(capability).cloned().unwrap_or(TagOf::None),
            tag => tag,
        };
        wanted.into_iter().map(|(capability, of)| (capability, tag(capability, of))).collect()
    });
    let regions = match (&live.regions, &wanted.regions) {
        (Some(Regions::Only(_)), Some(Regions::Only(_))) if !echo => None,
        (_, wanted) => wanted.clone(),
    };
    let scan = match (&live.scan, &wanted.scan) {
        (Some(Scan::Own(live)), Some(Scan::Own(wanted))) => Some(Scan::Own(Schedule {
            profile: wanted.profile.or(live.profile),
            when: wanted.when.clone().or(live.when.clone()),
            prefix: wanted.prefix.clone().or(live.prefix.clone()),
            date: wanted.date.or(live.date),
            time: wanted.time.or(live.time),
            zone: wanted.zone.or(live.zone),
        })),
        (_, wanted) => wanted.clone(),
    };
    Connector {
        name: wanted.name.clone(),
        description: wanted.description.clone().or(live.description.clone()),
        external_id: wanted.external_id.clone().or(live.external_id.clone()),
        capabilities: capabilities.or(live.capabilities.clone()),
        activation: wanted.activation.clone().or(live.activation.clone()),
        tags: wanted.tags.clone().or(live.tags.clone()),
        regions: regions.or(live.regions.clone()),
        run_frequency: wanted.run_frequency.or(live.run_frequency),
        remediation: wanted.remediation.or(live.remediation),
        enabled: wanted.enabled.or(live.enabled),
        scan: scan.or(live.scan.clone()),
        owner: live.owner.clone(),
    }
}

fn merged_tag(live: &Tag, wanted: &Tag) -> Tag {
    let rule = wanted.rule.clone().map(|(kind, text)| match &live.rule {
        Some((had, old)) if *had == kind => (kind, text.or(old.clone())),
        _ => (kind, text),
    });
    Tag {
        description: wanted.description.clone().or(live.description.clone()),
        color: wanted.color.or(live.color),
        rule: rule.or(live.rule.clone()),
        owner: live.owner.clone(),
    }
}

// As the simulator keeps it

const ROLES: [&str; 2] = ["role/QualysConnector", "role/team/Reader"];

fn arn(account: usize, role: usize) -> String {
    format!("arn:aws:iam::{:012}:{}", 210_000_000_000 + account, ROLES[role])
}

fn marked(description: Option<&String>, owner: Option<&String>) -> String {
    let text = description.cloned().unwrap_or_default();
    match owner {
        Some(owner) if text.is_empty() => format!("[trueup:{owner}]"),
        Some(owner) => format!("{text} [trueup:{owner}]"),
        None => text,
    }
}

/// Text and mark of a description.
fn unmarked(object: &Map<String, Value>) -> (Option<String>, Option<String>) {
    let text = object.get("description").and_then(Value::as_str).unwrap_or_default();
    for owner in [OURS, THEIRS] {
        if let Some(text) = text.strip_suffix(&format!("[trueup:{owner}]")) {
            return (Some(text.strip_suffix(' ').unwrap_or(text).to_owned()), Some(owner.to_owned()));
        }
    }
    (Some(text.to_owned()), None)
}

fn american(date: &str) -> String {
    format!("{}/{}/{}", &date[5..7], &date[8..], &date[..4])
}

/// The connector in the simulator's plain form.
fn plain(connector: &Connector, arn: &str, ids: &BTreeMap<String, u64>) -> Value {
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

fn one_of(known: &[&'static str], value: &Value) -> &'static str {
    known.iter().find(|known| *value == **known).unwrap_or_else(|| panic!("{value} is none of {known:?}"))
}

fn set_of(known: &[&'static str], values: Option<&Value>) -> BTreeSet<&'static str> {
    values.and_then(Value::as_array).into_iter().flatten().map(|value| one_of(known, value)).collect()
}

fn observed(objects: &Objects) -> State {
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

fn observed_scan(object: &Map<String, Value>) -> Scan {
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

// As the file writes it

/// How a file is written: what means the same in several spellings takes one by these.
#[derive(Debug, Clone, Copy, Default)]
struct Hand {
    /// Fields that are left out stand there as `null`.
    nulls: bool,
    /// Entries and lists the other way round.
    reversed: bool,
    /// The second of two spellings.
    other: bool,
}

impl Hand {
    fn list(self, values: impl IntoIterator<Item = Value>) -> Value {
        let mut values: Vec<Value> = values.into_iter().collect();
        if self.reversed {
            values.reverse();
        }
        values.into()
    }

    fn spelled(self, one: impl Into<Value>, other: impl Into<Value>) -> Value {
        if self.other { other.into() } else { one.into() }
    }

    fn fields<'a>(self, fields: impl IntoIterator<Item = (&'a str, Option<Value>)>) -> Value {
        let mut fields: Vec<_> = fields.into_iter().collect();
        if self.reversed {
            fields.reverse();
        }
        let shown = fields.into_iter().filter(|(_, value)| self.nulls || value.is_some());
        shown.map(|(name, value)| (name.to_owned(), value.unwrap_or_default())).collect::<Map<_, _>>().into()
    }

    fn connector(self, connector: &Connector, arn: &str, ignored: &BTreeSet<&'static str>) -> Value {
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

    fn schedule(self, schedule: &Schedule) -> Value {
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

    fn tag(self, name: &str, parent: Option<&str>, tag: &Tag) -> Value {
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

// What is generated

const OURS: &str = "cloudsec";
const THEIRS: &str = "others";
const CAPABILITIES: [&str; 3] = ["AI", "CI", "CSA"];
const MODULES: [&str; 4] = ["VM", "PC", "SCA", "CERTVIEW"];
const REGIONS: [&str; 4] = ["eu-west-1", "af-south-1", "us-gov-west-1", "ap-southeast-2"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const DATES: [&str; 4] = ["2031-12-01", "2032-02-29", "2091-01-13", "2093-04-05"];
const TIMES: [&str; 4] = ["00:00", "15:45", "23:59", "06:07"];
const ZONES: [&str; 3] = ["UTC", "Africa/Cairo", "America/Argentina/Buenos_Aires"];
const COLORS: [&str; 3] = ["#AA0000", "#00FF7F", "#FFFFFF"];
const RULES: [&str; 3] = ["STATIC", "NAME_CONTAINS", "GROOVY"];

/// A subscription, a file, and how it is written.
#[derive(Clone)]
struct Case {
    live: State,
    /// The file's entries by role, each with the role of the live connector that it means, if there is one,
    /// and the fields that it ignores.
    wanted: BTreeMap<String, Entry>,
    wanted_tags: BTreeMap<String, Tag>,
    owner: bool,
    prune: bool,
    /// The platform tells the list of regions.
    echo: bool,
    hand: Hand,
}

#[derive(Debug, Clone)]
struct Entry {
    of: Option<String>,
    wanted: Connector,
    ignored: BTreeSet<&'static str>,
}

fn text() -> impl Strategy<Value = String> {
    const ODD: [&str; 24] = [
        "",
        " ",
        " padded ",
        "it's \"quoted\"",
        "a: b # c",
        "- x",
        "null",
        "true",
        "007",
        "1e3",
        "~",
        "{a}: [b]",
        "two\nlines\n",
        "windows\r\n",
        "tab\t",
        "ünï→🦀",
        "\u{202e}right to left",
        "\u{2028}line \u{85}next",
        "back\\slash\\n",
        "&amp; <b>bold</b> ]]>",
        "\u{7f}\u{1b}[31m",
        "\u{feff}bom",
        "e\u{301}",
        "see [trueup:] and [1]",
    ];
    prop_oneof![select(&ODD[..]).prop_map(str::to_owned), "[ -~äß→\n]{0,12}"]
}

fn name() -> impl Strategy<Value = String> {
    const NAMES: [&str; 9] =
        ["edge", "Edge", "pay/ments", "Zahlungen (EU)", "weiß \"x\"", " padded ", "#1", "null", "naïve: yes"];
    select(&NAMES[..]).prop_map(str::to_owned)
}

fn set(of: &'static [&'static str], least: usize) -> impl Strategy<Value = BTreeSet<&'static str>> {
    subsequence(of, least..=of.len()).prop_map(BTreeSet::from_iter)
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let when = prop_oneof![Just(When::Daily), set(&DAYS, 1).prop_map(When::Weekly)];
    let prefix = select(&["peri", "two words", "ü"][..]).prop_map(str::to_owned);
    (
        proptest::option::of(1..9_000_000_u64),
        proptest::option::of(when),
        proptest::option::of(prefix),
        proptest::option::of(select(&DATES[..])),
        proptest::option::of(select(&TIMES[..])),
        proptest::option::of(select(&ZONES[..])),
    )
        .prop_map(|(profile, when, prefix, date, time, zone)| Schedule {
            profile,
            when,
            prefix,
            date,
            time,
            zone,
        })
}

/// The fields of an entry. Tags stand as `@N` until it is known which there are.
fn connector() -> impl Strategy<Value = Connector> {
    let tag = || (0..9_u8).prop_map(|number| format!("@{number}"));
    let of = prop_oneof![Just(TagOf::LeftOut), Just(TagOf::None), tag().prop_map(TagOf::Path)];
    let capabilities = (set(&CAPABILITIES, 0), [of.clone(), of.clone(), of])
        .prop_map(|(names, of)| names.into_iter().zip(of).collect::<BTreeMap<_, _>>());
    let regions = prop_oneof![Just(Regions::All), set(&REGIONS, 1).prop_map(Regions::Only)];
    let scan = prop_oneof![Just(Scan::Off), Just(Scan::Global), schedule().prop_map(Scan::Own)];
    let frequency = prop_oneof![select(&[60, 240, 1440][..]), 60..=1440_u64];
    let external_id = "US1-[0-9]{7}-[0-9]{8}";
    (
        name(),
        proptest::option::of(text()),
        proptest::option::of(external_id),
        proptest::option::of(capabilities),
        proptest::option::of(set(&MODULES, 0)),
        proptest::option::of(proptest::collection::btree_set(tag(), 0..4)),
        proptest::option::of(regions),
        proptest::option::of(frequency),
        proptest::option::of(any::<bool>()),
        proptest::option::of(any::<bool>()),
        proptest::option::of(scan),
    )
        .prop_map(|fields| {
            let (name, description, external_id, capabilities, activation, tags, regions, run_frequency, ..) =
                fields.clone();
            let (.., remediation, enabled, scan) = fields;
            Connector {
                name,
                description,
                external_id,
                capabilities,
                activation,
                tags,
                regions,
                run_frequency,
                remediation,
                enabled,
                scan,
                owner: None,
            }
        })
}

fn tag() -> impl Strategy<Value = Tag> {
    let rule = (select(&RULES[..]), proptest::option::of(select(&["pay", "a || b", "ü"][..])))
        .prop_map(|(kind, text)| (kind, text.filter(|_| kind != "STATIC").map(str::to_owned)));
    (proptest::option::of(text()), proptest::option::of(select(&COLORS[..])), proptest::option::of(rule))
        .prop_map(|(description, color, rule)| Tag { description, color, rule, owner: None })
}

/// A tag's name, and which of the earlier ones it is under.
fn place() -> impl Strategy<Value = (&'static str, Option<Index>)> {
    (select(&["prod", "dev", "pay ments", "ünder", "007"][..]), proptest::option::of(any::<Index>()))
}

/// A live connector, and what the file does about it.
#[derive(Debug, Clone)]
struct Draft {
    live: Option<Connector>,
    mark: Option<&'static str>,
    named: bool,
    new_role: bool,
    /// The entry says what is there, so that it changes little.
    alike: bool,
    wanted: Connector,
    ignored: BTreeSet<&'static str>,
}

fn draft() -> impl Strategy<Value = Draft> {
    const IGNORED: [&str; 4] = ["description", "tags", "run_frequency", "perimeter_scan"];
    let ignored = prop_oneof![3 => Just(BTreeSet::new()), 1 => set(&IGNORED, 1)];
    (
        proptest::option::weighted(0.8, connector()),
        prop_oneof![4 => Just(None), 2 => Just(Some(OURS)), 1 => Just(Some(THEIRS))],
        proptest::bool::weighted(0.8),
        proptest::bool::weighted(0.3),
        proptest::bool::weighted(0.3),
        connector(),
        ignored,
    )
        .prop_map(|(live, mark, named, new_role, alike, wanted, ignored)| Draft {
            live,
            mark,
            named,
            new_role,
            alike,
            wanted,
            ignored,
        })
}

fn case() -> impl Strategy<Value = Case> {
    let tags = proptest::collection::vec((place(), tag(), proptest::option::of(tag()), any::<bool>()), 0..6);
    let drafts = proptest::collection::vec(draft(), 0..6);
    let hand =
        (any::<bool>(), any::<bool>()).prop_map(|(nulls, other)| Hand { nulls, reversed: false, other });
    (tags, drafts, any::<bool>(), proptest::bool::weighted(0.3), any::<bool>(), hand).prop_map(
        |(tags, drafts, owner, prune, echo, hand)| assemble(&tags, drafts, owner, prune, echo, hand),
    )
}

type TagDraft = ((&'static str, Option<Index>), Tag, Option<Tag>, bool);

/// Makes a case of what was drawn, and takes out what no platform takes.
fn assemble(tags: &[TagDraft], drafts: Vec<Draft>, owner: bool, prune: bool, echo: bool, hand: Hand) -> Case {
    let mut case = Case {
        live: State::default(),
        wanted: BTreeMap::new(),
        wanted_tags: BTreeMap::new(),
        owner,
        prune,
        echo,
        hand,
    };
    let mut paths: Vec<String> = Vec::new();
    for ((name, under), live, wanted, is_live) in tags {
        let parent = under.filter(|_| !paths.is_empty()).map(|index| index.get(&paths).clone());
        let path = parent.as_ref().map_or((*name).to_owned(), |parent| format!("{parent}/{name}"));
        let below_live = parent.is_none_or(|parent| case.live.tags.contains_key(&parent));
        if paths.contains(&path) {
            continue;
        }
        let is_live = *is_live && below_live;
        let live = merged_tag(&fresh_tag(), live);
        if let Some(wanted) = wanted.clone().or((!is_live).then(Tag::default)) {
            let mut wanted = wanted;
            let kind = live.rule.as_ref().filter(|_| is_live).map_or("STATIC", |rule| rule.0);
            // What a rule of another type does with an old text is nowhere said.
            if let Some((new, text)) =
                wanted.rule.as_mut().filter(|(new, _)| *new != kind && *new != "STATIC")
            {
                text.get_or_insert_with(|| new.to_lowercase());
            }
            case.wanted_tags.insert(path.clone(), wanted);
        }
        if is_live {
            case.live.tags.insert(path.clone(), live);
        }
        paths.push(path);
    }
    // A file that names a tag as a parent by a name that several have, and means one that it does not declare,
    // is refused where that could be a circle.
    let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    for path in paths.iter().rev() {
        let below = |other: &&String| other.rsplit_once('/').is_some_and(|(parent, _)| parent == path);
        let needed = case.wanted_tags.keys().any(|other| below(&other));
        if needed && paths.iter().filter(|other| last(other) == last(path)).count() > 1 {
            case.wanted_tags.entry(path.clone()).or_default();
        }
    }
    let tag = |text: &str, live: bool| {
        let live = paths.iter().filter(|path| !live || case.live.tags.contains_key(*path));
        let known: Vec<&str> = live.map(String::as_str).chain(["Cloud Agent"]).collect();
        let number: usize = text[1..].parse().unwrap();
        known[number % known.len()].to_owned()
    };
    let name_tags = |connector: &mut Connector, live: bool| {
        if let Some(tags) = &mut connector.tags {
            *tags = tags.iter().map(|text| tag(text, live)).collect();
        }
        for of in connector.capabilities.iter_mut().flat_map(BTreeMap::values_mut) {
            if let TagOf::Path(path) = of {
                *path = tag(path, live);
            }
        }
    };
    for (account, draft) in drafts.into_iter().enumerate() {
        let Draft { live, mark, named, new_role, alike, mut wanted, ignored } = draft;
        name_tags(&mut wanted, false);
        let Some(mut live) = live else {
            // New; the platform wants an external id.
            wanted.external_id.get_or_insert_with(|| "US1-1-12345".to_owned());
            make_whole(&Connector::default(), &mut wanted);
            let entry = Entry { of: None, wanted, ignored: BTreeSet::new() };
            case.wanted.insert(arn(account, 0), entry);
            continue;
        };
        name_tags(&mut live, true);
        make_whole(&Connector::default(), &mut live);
        live.external_id.get_or_insert_with(|| "US1-2-12345".to_owned());
        let mut live = merged(&fresh_connector(), &live, true);
        // Another owner's object is held; whether it is named is not this test's matter.
        let named = named && mark != Some(THEIRS);
        live.owner = mark.map(str::to_owned);
        if named {
            make_whole(&live, &mut wanted);
            if alike {
                wanted = Connector { run_frequency: wanted.run_frequency, owner: None, ..live.clone() };
            }
            let role = usize::from(new_role);
            let entry = Entry { of: Some(arn(account, 0)), wanted, ignored };
            case.wanted.insert(arn(account, role), entry);
        }
        case.live.connectors.insert(arn(account, 0), live);
    }
    // An empty file under `prune` is refused, which is another test's matter.
    case.prune &= !case.wanted.is_empty();
    case
}

/// A schedule where there was none is given whole: the platform wants all of it.
fn make_whole(live: &Connector, wanted: &mut Connector) {
    let Some(Scan::Own(schedule)) = &wanted.scan else { return };
    if !matches!(live.scan, Some(Scan::Own(_))) {
        let whole = Connector { scan: Some(Scan::Own(whole_schedule())), ..Connector::default() };
        let entry = Connector { scan: Some(Scan::Own(schedule.clone())), ..Connector::default() };
        wanted.scan = merged(&whole, &entry, true).scan;
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let State { tags, connectors } = &self.live;
        writeln!(f, "live:")?;
        for (path, tag) in tags {
            writeln!(f, "  {path:?}: {tag:?}")?;
        }
        for (arn, connector) in connectors {
            writeln!(f, "  {arn}: {connector:?}")?;
        }
        f.write_str(&self.file(self.hand))
    }
}

impl Case {
    /// The name of a tag that the file uses: its path, or its bare name where no other tag has that.
    fn spoken<'p>(&self, path: &'p str, hand: Hand) -> &'p str {
        let last = path.rsplit('/').next().unwrap_or(path);
        let namesakes = self.live.tags.keys().chain(self.wanted_tags.keys()).collect::<BTreeSet<_>>();
        let namesakes = namesakes.iter().filter(|other| other.rsplit('/').next() == Some(last)).count();
        if hand.other && namesakes == 1 { last } else { path }
    }

    fn tag_entry(&self, path: &str, tag: &Tag, hand: Hand) -> Value {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        // Left out, the parent is none, or that of the one live tag of the name that no other entry means.
        let namesake = |other: &&String| other.rsplit('/').next() == Some(name);
        let mut live = self.live.tags.keys().filter(namesake);
        let left_out = hand.other
            && if parent.is_empty() {
                live.all(|other| other == path || self.wanted_tags.contains_key(other))
            } else {
                live.eq([path]) && self.wanted_tags.keys().filter(namesake).eq([path])
            };
        hand.tag(name, (!left_out).then(|| self.spoken(parent, hand)), tag)
    }

    fn connector_entry(&self, arn: &str, entry: &Entry, hand: Hand) -> Value {
        let mut wanted = entry.wanted.clone();
        let speak = |path: &mut String| *path = self.spoken(path, hand).to_owned();
        wanted.tags = wanted.tags.map(|tags| {
            let spoken = tags.into_iter().map(|mut path| {
                speak(&mut path);
                path
            });
            spoken.collect()
        });
        for of in wanted.capabilities.iter_mut().flat_map(BTreeMap::values_mut) {
            if let TagOf::Path(path) = of {
                speak(path);
            }
        }
        hand.connector(&wanted, arn, &entry.ignored)
    }

    fn file(&self, hand: Hand) -> String {
        let lines = |entries: Vec<Value>| {
            let Value::Array(entries) = hand.list(entries) else { unreachable!() };
            entries.iter().fold(String::new(), |lines, entry| lines + "    - " + &entry.to_string() + "\n")
        };
        let tags = self.wanted_tags.iter().map(|(path, tag)| self.tag_entry(path, tag, hand));
        let connectors = self.wanted.iter().map(|(arn, entry)| self.connector_entry(arn, entry, hand));
        let (tags, connectors) = (lines(tags.collect()), lines(connectors.collect()));
        let owner = if self.owner { format!("owner: {OURS}, ") } else { String::new() };
        let prune = if self.prune { "all" } else { "never" };
        let list = |lines: &str| if lines.is_empty() { " []\n".to_owned() } else { format!("\n{lines}") };
        format!(
            "version: 1\nplatform: {{pod: simulator}}\n\
             reconcile: {{{owner}prune: {prune}, max_deletes: 100, max_change_percent: 100}}\n\
             tags:{}connectors:\n  aws:{}",
            list(&tags),
            list(&connectors)
        )
    }

    /// The platform once the file is applied.
    fn expected(&self) -> State {
        let mut state = self.live.clone();
        let owner = self.owner.then(|| OURS.to_owned());
        for (path, wanted) in &self.wanted_tags {
            let live = state.tags.remove(path).unwrap_or(Tag { owner: owner.clone(), ..fresh_tag() });
            state.tags.insert(path.clone(), merged_tag(&live, wanted));
        }
        let mut kept = BTreeSet::new();
        for (arn, Entry { of, wanted, ignored }) in &self.wanted {
            let mut wanted = wanted.clone();
            for field in ignored {
                match *field {
                    "description" => wanted.description = None,
                    "tags" => wanted.tags = None,
                    "run_frequency" => wanted.run_frequency = None,
                    "perimeter_scan" => wanted.scan = None,
                    other => unreachable!("{other}"),
                }
            }
            let connector = match of {
                Some(of) => merged(&state.connectors.remove(of).unwrap(), &wanted, self.echo),
                None => merged(&Connector { owner: owner.clone(), ..fresh_connector() }, &wanted, self.echo),
            };
            state.connectors.insert(arn.clone(), connector);
            kept.insert(arn);
        }
        if self.prune {
            let theirs = |connector: &Connector| match connector.owner.as_deref() {
                None => false,
                Some(OURS) => !self.owner,
                Some(_) => true,
            };
            state.connectors.retain(|arn, connector| kept.contains(arn) || theirs(connector));
        }
        state
    }

    async fn scene(&self, options: &[(&str, &str)]) -> Scene {
        let lenient = [
            ("cps_without_vm", "accepted"),
            ("pc_with_sca", "accepted"),
            ("echo_endpoints", if self.echo { "on" } else { "off" }),
        ];
        let scene = Scene::new(&[&lenient, options].concat()).await;
        let mut ids: BTreeMap<String, u64> = BTreeMap::new();
        for (id, path) in scene.objects().await.paths() {
            ids.insert(path, id);
        }
        let mut tags = Vec::new();
        for (number, (path, tag)) in self.live.tags.iter().enumerate() {
            let id = 7001 + number as u64;
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            let rule = tag.rule.as_ref().unwrap();
            let fields = json!({
                "id": id, "name": name, "parentTagId": ids.get(parent),
                "description": marked(tag.description.as_ref(), tag.owner.as_ref()),
                "color": tag.color, "ruleType": rule.0, "ruleText": rule.1,
            });
            tags.push(fields);
            ids.insert(path.clone(), id);
        }
        scene.make("tag", tags).await;
        let connectors = &self.live.connectors;
        scene.make("aws", connectors.iter().map(|(arn, connector)| plain(connector, arn, &ids))).await;
        scene.forget_requests().await;
        scene
    }
}

/// Tags that every subscription has are no part of the model.
fn without_system_tags(mut state: State) -> State {
    const SYSTEM: [&str; 5] =
        ["Asset Groups", "Asset Search Tags", "Business Units", "Cloud Agent", "Malware Domain Assets"];
    state.tags.retain(|path, _| !SYSTEM.contains(&path.as_str()));
    state
}

async fn state(scene: &Scene) -> State {
    without_system_tags(observed(&scene.objects().await))
}

#[track_caller]
fn assert_clean(report: &Report) {
    assert_eq!(complaints(report), [""; 0], "{}", shown(&report.plan));
    assert!(!report.has_failures(), "{report:#?}");
    assert!(report.current().is_in_sync(), "{}", shown(report.current()));
    assert!(
        matches!(report.outcome(), PassOutcome::InSync | PassOutcome::Applied),
        "{:?}: {:?}",
        report.outcome(),
        report.end
    );
}

fn shown(plan: &Plan) -> String {
    render_text(plan, "simulator", Style { show_unmanaged: true, ..Style::default() })
}

fn journal() -> Journal {
    Journal::in_memory().unwrap()
}

// Properties

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn what_was_applied_is_in_sync_and_is_not_written_again(case in case()) {
        RUNTIME.block_on(async {
            let scene = case.scene(&[]).await;
            let desired = scene.file(&case.file(case.hand));
            let mut journal = journal();
            let first = scene.pass(&desired, &mut journal, May::Write).await;
            assert_clean(&first);
            assert_eq!(scene.writes().await.len(), first.plan.cost.calls_to_apply);

            scene.forget_requests().await;
            assert_clean(&scene.pass(&desired, &mut journal, May::Write).await);
            let forgetful = scene.look(&desired).await;
            assert_eq!(forgetful.applicable().count(), 0, "{}", shown(&forgetful));
            assert_eq!(scene.writes().await, [""; 0]);
        });
    }

    #[test]
    fn the_platform_is_afterwards_what_the_file_says_and_else_what_it_was(case in case()) {
        RUNTIME.block_on(async {
            let scene = case.scene(&[]).await;
            assert_eq!(state(&scene).await, case.live, "the model is right");
            let before = scene.objects().await;
            let desired = scene.file(&case.file(case.hand));
            let report = scene.pass(&desired, &mut journal(), May::Write).await;
            assert_clean(&report);
            assert_eq!(state(&scene).await, case.expected(), "{}", shown(&report.plan));

            let after = scene.objects().await;
            let touched: BTreeSet<&str> =
                report.applied.iter().filter_map(|applied| applied.change.id.as_deref()).collect();
            for (key, object) in &before.0 {
                if !touched.contains(key.1.to_string().as_str()) {
                    assert_eq!(Some(object), after.0.get(key), "nobody asked for a change of {key:?}");
                }
            }
        });
    }

    #[test]
    fn without_consent_nothing_is_written(case in case()) {
        RUNTIME.block_on(async {
            let scene = case.scene(&[]).await;
            let before = scene.objects().await;
            let desired = scene.file(&case.file(case.hand));
            for may in [May::Look, May::Ask] {
                let report = scene.pass(&desired, &mut journal(), may).await;
                assert_eq!(complaints(&report), [""; 0]);
                assert_eq!(report.applied.len(), 0);
            }
            assert_eq!(scene.writes().await, [""; 0]);
            assert_eq!(scene.objects().await, before);
        });
    }

    #[test]
    fn the_order_in_the_file_does_not_change_a_byte_of_the_plan(case in case()) {
        RUNTIME.block_on(async {
            let scene = case.scene(&[]).await;
            let mut plans = Vec::new();
            for hand in [case.hand, Hand { reversed: true, ..case.hand }] {
                let mut desired = scene.file(&case.file(hand));
                // Where an entry stands is told in its reason and with the file's warnings.
                desired.warnings.clear();
                for entry in &mut desired.declared {
                    (entry.place.line, entry.place.file) = (1, "config.yaml".into());
                }
                let plan = scene.look(&desired).await;
                let heading =
                    Heading { platform: "simulator", generated_at: jiff::Timestamp::UNIX_EPOCH, exit: 0 };
                plans.push((shown(&plan), plan_json(&plan, &heading).to_string()));
            }
            assert_eq!(plans[0], plans[1]);
        });
    }
}

/// What can go wrong with one request.
const FAULTS: [&str; 14] = [
    r#"{"kind": "status", "status": 500}"#,
    r#"{"kind": "status", "status": 502}"#,
    r#"{"kind": "status", "status": 500, "process": true}"#,
    r#"{"kind": "html", "status": 200}"#,
    r#"{"kind": "html"}"#,
    r#"{"kind": "drop"}"#,
    r#"{"kind": "lost"}"#,
    r#"{"kind": "torn"}"#,
    r#"{"kind": "empty"}"#,
    r#"{"kind": "empty", "process": true}"#,
    r#"{"kind": "status", "status": 401}"#,
    r#"{"kind": "status", "status": 403}"#,
    r#"{"kind": "rate_limited", "code": 1965}"#,
    r#"{"kind": "rate_limited", "retry_after": 0}"#,
];

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn one_fault_is_survived_or_told_and_the_next_pass_is_clean(
        case in case(), fault in select(&FAULTS[..]), nth in 1..14_u64, for_good in any::<bool>(),
    ) {
        RUNTIME.block_on(async {
            // The platform itself keeps nothing from being made twice.
            let lax = [("duplicate_identity", "accepted"), ("duplicate_tag", "accepted")];
            let scene = case.scene(&lax).await;
            let mut desired = scene.file(&case.file(case.hand));
            let mut fault: Value = serde_json::from_str(fault).unwrap();
            fault["nth"] = nth.into();
            // As often as one request is tried.
            fault["times"] = if for_good { 3 } else { 1 }.into();
            scene.faults(fault).await;
            let mut journal = journal();
            let first = scene.pass(&desired, &mut journal, May::Write).await;
            let met = scene.heal().await;
            if met == 0 || !first.has_failures() {
                assert_clean(&first);
                assert_eq!(state(&scene).await, case.expected(), "it went well, and yet");
            }
            let mut second = scene.pass(&desired, &mut journal, May::Write).await;
            if second.current().changes.iter().any(|change| change.action == Action::Create) {
                // Its answer was lost, so it is looked for, and what needs it waits; once that is over it is
                // sent again.
                let waits = |complaint: &String| {
                    complaint.ends_with("its create is held") || complaint.contains(": tag/") && complaint.ends_with(" failed")
                };
                assert!(complaints(&second).iter().all(waits), "{:#?}", complaints(&second));
                desired.settings.reconcile.settle_for = std::time::Duration::ZERO;
                second = scene.pass(&desired, &mut journal, May::Write).await;
            }
            assert_clean(&second);
            scene.objects().await.assert_no_doubles();
            assert_eq!(state(&scene).await, case.expected(), "{}", shown(&second.plan));
            scene.forget_requests().await;
            assert_clean(&scene.pass(&desired, &mut journal, May::Write).await);
            assert_eq!(scene.writes().await, [""; 0]);
        });
    }
}

// Options

/// A subscription with something to create, update, clear and delete.
async fn busy(options: &[(&str, &str)]) -> Scene {
    let scene = Scene::new(options).await;
    let tag = |id: u64, name: &str, parent: Option<u64>, description: &str| json!({"id": id, "name": name, "parentTagId": parent, "color": "#AA0000", "description": description});
    let tags = [
        tag(7001, "prod", None, "what earns"),
        tag(7002, "web", Some(7001), ""),
        tag(7003, "old", None, "[trueup:cloudsec]"),
        tag(7004, "older", Some(7003), "below [trueup:cloudsec]"),
    ];
    scene.make("tag", tags).await;
    let schedule = json!({
        "recurrence": "DAILY", "optionProfileId": 2, "scanPrefix": "peri", "startDate": "12/01/2031",
        "startTime": "15:45", "timezone": "UTC",
    });
    let connector = |id: u64, name: &str, description: &str| {
        json!({
            "id": id, "name": name, "arn": format!("arn:aws:iam::21000000{id}:role/Reader"),
            "externalId": "US1-1-12345", "description": description, "activation": ["VM", "CERTVIEW"],
            "connectorAppInfos": ["AI", {"name": "CSA", "tagId": 7002}], "defaultTags": [7001],
            "isCPSEnabled": true, "connectorScanSetting": {"isCustomScanConfigEnabled": true},
            "connectorScanConfig": schedule, "allRegions": false, "endpoints": ["eu-west-1"],
        })
    };
    let mut theirs = connector(8004, "theirs", "not in the file");
    theirs["defaultTags"] = json!([7003]);
    let connectors = [
        connector(8001, "edge", "before"),
        connector(8002, "full", "to be cleared"),
        connector(8003, "gone", "[trueup:cloudsec]"),
        theirs,
    ];
    scene.make("aws", connectors).await;
    scene.forget_requests().await;
    scene
}

const HEAD: &str = "version: 1\nplatform: {pod: simulator}\n\
    reconcile: {owner: cloudsec, prune: owned, max_change_percent: 100}\n";

/// Every kind of change at once.
const EVERYTHING: &str = r##"
tags:
  - {name: prod, color: "#00ff00", description: ""}
  - {name: web, parent: prod, rule: {type: NAME_CONTAINS, text: web}}
  - {name: new, parent: prod/web}
connectors:
  aws:
    - {name: edge renamed, arn: "arn:aws:iam::210000008001:role/Other", description: after, external_id: US1-2-22222,
       capabilities: [AI, {name: CI, tag: new}], activation: [VM, PC], tags: [prod, new], regions: all,
       run_frequency: 2h, remediation: true, enabled: false, perimeter_scan: {recurrence: WEEKLY, days: [MON]}}
    - {name: full, arn: "arn:aws:iam::210000008002:role/Reader", description: "", capabilities: [], activation: [],
       tags: [], perimeter_scan: off}
    - {name: made, arn: "arn:aws:iam::210000008009:role/Reader", external_id: US1-3-33333, capabilities: [CSA],
       activation: [VM], tags: [web], perimeter_scan: global, regions: [af-south-1, eu-west-1]}
"##;

/// The one connector `edge`, with these fields, under the tags that are there.
fn edge(fields: &str) -> String {
    format!(
        "tags: [{{name: old}}, {{name: older, parent: old}}]\nconnectors:\n  aws:\n    \
         - {{name: gone, arn: 'arn:aws:iam::210000008003:role/Reader'}}\n    \
         - {{name: edge, arn: 'arn:aws:iam::210000008001:role/Reader', {fields}}}\n"
    )
}

/// An option, what is set besides, the file, and what the pass then complains of; nothing: it ends in sync.
type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, &'a [&'a str]);

#[tokio::test]
async fn every_option_of_the_simulator_ends_in_a_known_way() {
    let odd = edge("run_frequency: 100m");
    let pc_sca = edge("activation: [VM, PC, SCA]");
    let no_vm = edge("activation: [CERTVIEW]");
    let past = edge("perimeter_scan: {start_date: 2020-01-13}");
    let twin = edge("description: x")
        + "    - {name: edge, arn: 'arn:aws:iam::210000008009:role/Reader', external_id: xx}\n";
    // The connector `theirs` is deleted before.
    let back = edge("description: x")
        + "    - {name: back, arn: 'arn:aws:iam::210000008004:role/Reader', external_id: xx}\n";
    let regions = edge("regions: [us-east-1]");
    let soon = [("rate_limit_requests", "14"), ("rate_limit_window", "1")];
    let twice_refused = "aws/edge#arn:aws:iam::210000008009:role/Reader failed: could not create";
    let table: &[Row<'_>] = &[
        ("auth_failure", "401", &[], EVERYTHING, &[]),
        ("powered_by", "off", &[], EVERYTHING, &[]),
        ("methods", "tolerant", &[], EVERYTHING, &[]),
        ("update_method", "post_or_put", &[], EVERYTHING, &[]),
        ("unknown_id", "404", &[], EVERYTHING, &[]),
        ("unknown_id", "not_found", &[], EVERYTHING, &[]),
        ("duplicate_name", "accepted", &[], &twin, &[]),
        ("duplicate_name", "refused", &[], &twin, &[twice_refused]),
        ("duplicate_identity", "accepted", &[], EVERYTHING, &[]),
        ("reuse_after_delete", "refused", &[], &back, &["aws/back failed: could not create"]),
        ("reuse_after_delete", "allowed", &[], &back, &[]),
        ("reuse_after", "0", &[], &back, &[]),
        ("deleted_in_search", "shown", &[("reuse_after", "0")], &back, &[]),
        (
            "empty_set",
            "ignored",
            &[],
            EVERYTHING,
            &[
                "aws/full not converged: capabilities",
                "aws/full not converged: activation",
                "aws/full not converged: tags",
            ],
        ),
        ("odd_run_frequency", "accepted", &[], &odd, &[]),
        ("odd_run_frequency", "refused", &[], &odd, &["aws/edge failed: could not update"]),
        ("odd_run_frequency", "rounded", &[], &odd, &["aws/edge not converged: run_frequency"]),
        ("pc_with_sca", "refused", &[], &pc_sca, &["aws/edge failed: could not update"]),
        ("pc_with_sca", "accepted", &[], &pc_sca, &[]),
        ("cps_without_vm", "refused", &[], &no_vm, &["aws/edge failed: could not update"]),
        ("cps_without_vm", "accepted", &[], &no_vm, &[]),
        ("past_start_date", "accepted", &[], &past, &[]),
        ("past_start_date", "refused", &[], &past, &["aws/edge failed: could not update"]),
        ("date_order", "lenient", &[], &past, &[]),
        ("app_identifier", "any", &[], EVERYTHING, &[]),
        ("start_from_id", "exclusive", &[], EVERYTHING, &[]),
        ("search_case", "insensitive", &[], EVERYTHING, &[]),
        ("unfiltered_writes", "refused", &[], EVERYTHING, &[]),
        ("json_booleans", "real", &[], EVERYTHING, &[]),
        ("data_shape", "object-when-single", &[], EVERYTHING, &[]),
        ("activation_xml", "bare", &[], EVERYTHING, &[]),
        ("echo_endpoints", "off", &[], &regions, &[]),
        ("echo_endpoints", "on", &[], &regions, &[]),
        ("echo_endpoints", "on", &[], EVERYTHING, &[]),
        ("states", "errors", &[], EVERYTHING, &[]),
        ("states", "frozen", &[], EVERYTHING, &[]),
        ("duplicate_tag", "accepted", &[], EVERYTHING, &[]),
        ("tag_parent_delete", "refused", &[], EVERYTHING, &[]),
        ("tag_parent_delete", "orphan", &[], EVERYTHING, &[]),
        ("tag_in_use_delete", "refused", &[], EVERYTHING, &["tag/old failed: could not delete tag 7003"]),
        ("rate_limit", "409", &soon, EVERYTHING, &[]),
        ("rate_limit", "429", &soon, EVERYTHING, &[]),
        ("rate_limit_requests", "14", &[("rate_limit", "429"), ("rate_limit_window", "1")], EVERYTHING, &[]),
        ("rate_limit_window", "1", &[("rate_limit", "409"), ("rate_limit_requests", "14")], EVERYTHING, &[]),
        ("state_reads", "3", &[], EVERYTHING, &[]),
        ("latency_ms", "3", &[], EVERYTHING, &[]),
        ("subscription", "00000000-1111-2222-3333-444444444444", &[], EVERYTHING, &[]),
        ("pod", "EUPOD02", &[], EVERYTHING, &[]),
    ];
    for (name, value, besides, file, expected) in table {
        let case = format!("{name}: {value}");
        let mut scene = busy(&[&[(*name, *value)], *besides].concat()).await;
        scene.patience.max_wait = std::time::Duration::from_secs(5);
        if file.contains("name: back") {
            scene.delete_connector(8004).await;
        }
        let desired = scene.file(&format!("{HEAD}{file}"));
        let mut journal = journal();
        let first = scene.pass(&desired, &mut journal, May::Write).await;
        let complaints = complaints(&first);
        assert_eq!(complaints.len(), expected.len(), "{case}: {complaints:#?}");
        for (complaint, expected) in complaints.iter().zip(*expected) {
            assert!(complaint.starts_with(expected), "{case}: {complaints:#?}");
        }
        assert_eq!(first.has_failures(), !expected.is_empty(), "{case}");
        scene.objects().await.assert_no_doubles();
        scene.forget_requests().await;
        let second = scene.pass(&desired, &mut journal, May::Write).await;
        if expected.is_empty() {
            assert_clean(&second);
            assert_eq!(scene.writes().await, [""; 0], "{case}");
        }
    }
}

#[tokio::test]
async fn what_a_lagging_search_does_not_show_yet_is_not_made_twice() {
    for lag in ["1", "2", "3", "5"] {
        let lax = [("duplicate_identity", "accepted"), ("duplicate_tag", "accepted")];
        let scene = busy(&lax).await;
        scene.control("POST", "/_sim/options", json!({"search_lag": lag})).await;
        let desired = scene.file(&format!("{HEAD}{EVERYTHING}"));
        let mut journal = journal();
        let mut passes = 0;
        loop {
            let report = scene.pass(&desired, &mut journal, May::Write).await;
            scene.objects().await.assert_no_doubles();
            passes += 1;
            let waits = report.plan.changes.iter().any(|change| change.action == Action::Create);
            if report.outcome() == PassOutcome::InSync && !waits {
                break;
            }
            assert!(passes < 12, "lag {lag}: {:#?} {}", complaints(&report), shown(&report.plan));
        }
    }
}

#[tokio::test]
async fn what_the_platform_does_not_take_is_written_in_three_passes_and_then_left_alone() {
    let scene = Scene::new(&[("empty_set", "ignored")]).await;
    let arn = "arn:aws:iam::210987654321:role/Q";
    let connector = json!({"name": "a", "arn": arn, "externalId": "US1-1-12345", "activation": ["VM"]});
    scene.make("aws", [connector]).await;
    let file = |activation: &str| {
        let entry = format!("{{name: a, arn: '{arn}', activation: {activation}}}");
        scene.file(&format!("{HEAD}connectors: {{aws: [{entry}]}}\n"))
    };
    let mut journal = journal();
    for pass in 1..=6 {
        scene.forget_requests().await;
        let report = scene.pass(&file("[]"), &mut journal, May::Write).await;
        let (writes, held) = (scene.writes().await.len(), report.plan.summary.held);
        assert_eq!((writes, held), if pass <= 3 { (1, 0) } else { (0, 1) }, "pass {pass}");
    }
    let report = scene.pass(&file("[SCA]"), &mut journal, May::Write).await;
    assert_eq!(report.outcome(), PassOutcome::Applied, "the file has moved: {:#?}", complaints(&report));
}

// What once went wrong

#[tokio::test]
async fn tags_that_share_a_name_are_told_apart() {
    for (live, file, expected) in [
        (&[][..], "[{name: a}, {name: a, parent: a}]", &["a", "a/a"][..]),
        (&[], "[{name: a, parent: a}, {name: a, parent: ''}]", &["a", "a/a"]),
        (
            &[],
            "[{name: a, parent: b}, {name: b}, {name: b, parent: a}, {name: a}]",
            &["a", "a/b", "b", "b/a"],
        ),
        (&["b"], "[{name: a, parent: b}, {name: a}]", &["a", "b", "b/a"]),
        (&["b", "b/a"], "[{name: a}, {name: a, parent: b}]", &["a", "b", "b/a"]),
        // The one of the name, wherever it is.
        (&["b", "b/a"], "[{name: a, description: x}]", &["b", "b/a"]),
    ] {
        let scene = Scene::new(&[]).await;
        let tags = live.iter().enumerate().map(|(number, path)| {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            json!({"id": 7001 + number, "name": name, "parent": Some(parent).filter(|parent| !parent.is_empty())})
        });
        for mut tag in tags {
            tag.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            scene.make("tag", [tag]).await;
        }
        let desired = scene.file(&format!("version: 1\nplatform: {{pod: simulator}}\ntags: {file}\n"));
        assert_clean(&scene.pass(&desired, &mut journal(), May::Write).await);
        let paths: Vec<String> = state(&scene).await.tags.into_keys().collect();
        assert_eq!(paths, expected, "{live:?} {file}");
        assert_eq!(scene.look(&desired).await.applicable().count(), 0, "{live:?} {file}");
    }
}

#[tokio::test]
async fn what_needs_a_withheld_tag_waits_with_it_however_far_below() {
    let scene = Scene::new(&[]).await;
    let file = "version: 1\nplatform: {pod: simulator}\ntags:\n  - {name: a, policy: observe}\n  \
                - {name: b, parent: a}\n  - {name: c, parent: b}\n  - {name: d}\nconnectors:\n  aws:\n  \
                - {name: e, arn: 'arn:aws:iam::210000000000:role/R', external_id: xx, tags: [c]}\n";
    let report = scene.pass(&scene.file(file), &mut journal(), May::Write).await;
    let addresses: Vec<_> =
        report.plan.failed.iter().map(|failed| failed.address.clone().unwrap().to_string()).collect();
    assert_eq!(addresses, ["tag/a/b", "tag/a/b/c", "aws/e"]);
    assert_eq!(scene.writes().await, ["/qps/rest/2.0/create/am/tag"], "the one that needs nothing");
}

#[tokio::test]
async fn prune_takes_no_tag_that_others_need() {
    let ours = |id: u64, name: &str, parent: Option<u64>| json!({"id": id, "name": name, "parentTagId": parent, "description": "[trueup:cloudsec]"});
    let file = "version: 1\nplatform: {pod: simulator}\nreconcile: {owner: cloudsec, prune: owned}\ntags: []\n\
                connectors:\n  aws:\n  - {name: e, arn: 'arn:aws:iam::210000000000:role/R', external_id: xx, tags: [used]}\n";
    let scene = Scene::new(&[]).await;
    let below = json!({"id": 7003, "name": "theirs", "parentTagId": 7002});
    scene
        .make("tag", [ours(7001, "used", None), ours(7002, "above", None), below, ours(7004, "free", None)])
        .await;
    let desired = scene.file(file);
    let mut journal = journal();
    let report = scene.pass(&desired, &mut journal, May::Write).await;
    assert_eq!(complaints(&report), [""; 0]);
    let tags: Vec<String> = state(&scene).await.tags.into_keys().collect();
    assert_eq!(tags, ["above", "above/theirs", "used"], "{}", shown(&report.plan));
    assert_clean(&scene.pass(&desired, &mut journal, May::Write).await);
}

#[test]
fn what_the_platform_would_give_back_as_something_else_is_refused() {
    for (entry, message) in [
        ("description: 'x [trueup:cloudsec]'", "the description ends in the mark of the owner cloudsec"),
        ("description: '[trueup:others!]'", "the description ends in the mark of the owner others"),
        ("perimeter_scan: {scan_prefix: ''}", "scan_prefix is empty"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        let arn = arn(0, 0);
        let file = format!(
            "version: 1\nplatform: {{pod: simulator}}\nconnectors: {{aws: [{{name: e, arn: '{arn}', {entry}}}]}}\n"
        );
        std::fs::write(&path, file).unwrap();
        let problems = trueup::desired::load(&path).unwrap_err().problems;
        let messages: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(messages, [message], "{entry}");
    }
}
