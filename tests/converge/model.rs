//! The model beside the program: a connector as it was, and the entry of the file over it ([`merged`]).

use std::collections::{BTreeMap, BTreeSet};

pub(crate) const OURS: &str = "cloudsec";
pub(crate) const THEIRS: &str = "others";
pub(crate) const CAPABILITIES: [&str; 3] = ["AI", "CI", "CSA"];
pub(crate) const MODULES: [&str; 4] = ["VM", "PC", "SCA", "CERTVIEW"];
pub(crate) const REGIONS: [&str; 4] = ["eu-west-1", "af-south-1", "us-gov-west-1", "ap-southeast-2"];
pub(crate) const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
pub(crate) const DATES: [&str; 4] = ["2031-12-01", "2032-02-29", "2091-01-13", "2093-04-05"];
pub(crate) const TIMES: [&str; 4] = ["00:00", "15:45", "23:59", "06:07"];
pub(crate) const ZONES: [&str; 3] = ["UTC", "Africa/Cairo", "America/Argentina/Buenos_Aires"];
pub(crate) const COLORS: [&str; 3] = ["#AA0000", "#00FF7F", "#FFFFFF"];
pub(crate) const RULES: [&str; 3] = ["STATIC", "NAME_CONTAINS", "GROOVY"];

/// A connector. On the platform every field is set; in the file `None` is left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Connector {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) capabilities: Option<BTreeMap<&'static str, TagOf>>,
    pub(crate) activation: Option<BTreeSet<&'static str>>,
    pub(crate) tags: Option<BTreeSet<String>>,
    pub(crate) regions: Option<Regions>,
    pub(crate) run_frequency: Option<u64>,
    pub(crate) remediation: Option<bool>,
    pub(crate) enabled: Option<bool>,
    pub(crate) scan: Option<Scan>,
    /// Whose mark the description bears.
    pub(crate) owner: Option<String>,
}

/// The tag of a capability.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TagOf {
    LeftOut,
    None,
    Path(String),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Regions {
    All,
    Only(BTreeSet<&'static str>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scan {
    Off,
    Global,
    Own(Schedule),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Schedule {
    pub(crate) profile: Option<u64>,
    pub(crate) when: Option<When>,
    pub(crate) prefix: Option<String>,
    pub(crate) date: Option<&'static str>,
    pub(crate) time: Option<&'static str>,
    pub(crate) zone: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum When {
    Daily,
    Weekly(BTreeSet<&'static str>),
}

/// A tag; on the platform `color` alone may be unset, in the file `None` is left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Tag {
    pub(crate) description: Option<String>,
    pub(crate) color: Option<&'static str>,
    /// The type and the text.
    pub(crate) rule: Option<(&'static str, Option<String>)>,
    pub(crate) owner: Option<String>,
}

/// Tags by path, connectors by role.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct State {
    pub(crate) tags: BTreeMap<String, Tag>,
    pub(crate) connectors: BTreeMap<String, Connector>,
}

impl State {
    /// Names and descriptions without what nobody sees, which is no difference: white space around them and at the ends
    /// of their lines, and how these end.
    pub(crate) fn into_seen(mut self) -> State {
        let see = |text: &mut String| {
            let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
            *text = String::from(lines.join("\n").trim());
        };
        self.tags.values_mut().flat_map(|tag| &mut tag.description).for_each(see);
        for Connector { name, description, .. } in self.connectors.values_mut() {
            see(name);
            description.iter_mut().for_each(see);
        }
        self
    }
}

/// What the platform makes of a create that leaves everything out.
pub(crate) fn fresh_connector() -> Connector {
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

pub(crate) fn fresh_tag() -> Tag {
    Tag { description: Some(String::new()), color: None, rule: Some(("STATIC", None)), owner: None }
}

pub(crate) fn whole_schedule() -> Schedule {
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
pub(crate) fn merged(live: &Connector, wanted: &Connector, echo: bool) -> Connector {
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

pub(crate) fn merged_tag(live: &Tag, wanted: &Tag) -> Tag {
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
