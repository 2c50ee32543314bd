//! What is generated: a subscription, a file, and how it is written.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use crate::case::{Case, Entry};
use crate::hand::Hand;
use crate::model::{
    CAPABILITIES, COLORS, Connector, DATES, DAYS, MODULES, OURS, REGIONS, RULES, Regions, Scan, Schedule,
    State, THEIRS, TIMES, Tag, TagOf, When, ZONES, fresh_connector, fresh_tag, merged, merged_tag,
    whole_schedule,
};
use crate::platform::arn;

pub(crate) fn text() -> impl Strategy<Value = String> {
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

pub(crate) fn name() -> impl Strategy<Value = String> {
    const NAMES: [&str; 9] =
        ["edge", "Edge", "pay/ments", "Zahlungen (EU)", "weiß \"x\"", " padded ", "#1", "null", "naïve: yes"];
    select(&NAMES[..]).prop_map(str::to_owned)
}

pub(crate) fn set(
    of: &'static [&'static str],
    least: usize,
) -> impl Strategy<Value = BTreeSet<&'static str>> {
    subsequence(of, least..=of.len()).prop_map(BTreeSet::from_iter)
}

pub(crate) fn schedule() -> impl Strategy<Value = Schedule> {
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
pub(crate) fn connector() -> impl Strategy<Value = Connector> {
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

pub(crate) fn tag() -> impl Strategy<Value = Tag> {
    let rule = (select(&RULES[..]), proptest::option::of(select(&["pay", "a || b", "ü"][..])))
        .prop_map(|(kind, text)| (kind, text.filter(|_| kind != "STATIC").map(str::to_owned)));
    (proptest::option::of(text()), proptest::option::of(select(&COLORS[..])), proptest::option::of(rule))
        .prop_map(|(description, color, rule)| Tag { description, color, rule, owner: None })
}

/// A tag's name, and which of the earlier ones it is under.
pub(crate) fn place() -> impl Strategy<Value = (&'static str, Option<Index>)> {
    (select(&["prod", "dev", "pay ments", "ünder", "007"][..]), proptest::option::of(any::<Index>()))
}

/// A live connector, and what the file does about it.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) live: Option<Connector>,
    pub(crate) mark: Option<&'static str>,
    pub(crate) named: bool,
    pub(crate) new_role: bool,
    /// The entry says what is there, so that it changes little.
    pub(crate) alike: bool,
    pub(crate) wanted: Connector,
    pub(crate) ignored: BTreeSet<&'static str>,
}

pub(crate) fn draft() -> impl Strategy<Value = Draft> {
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

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let tags = proptest::collection::vec((place(), tag(), proptest::option::of(tag()), any::<bool>()), 0..6);
    let drafts = proptest::collection::vec(draft(), 0..6);
    let hand =
        (any::<bool>(), any::<bool>()).prop_map(|(nulls, other)| Hand { nulls, reversed: false, other });
    (tags, drafts, any::<bool>(), proptest::bool::weighted(0.3), any::<bool>(), hand).prop_map(
        |(tags, drafts, owner, prune, echo, hand)| assemble(&tags, drafts, owner, prune, echo, hand),
    )
}

pub(crate) type TagDraft = ((&'static str, Option<Index>), Tag, Option<Tag>, bool);

/// Makes a case of what was drawn, and takes out what no platform takes.
pub(crate) fn assemble(
    tags: &[TagDraft],
    drafts: Vec<Draft>,
    owner: bool,
    prune: bool,
    echo: bool,
    hand: Hand,
) -> Case {
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
pub(crate) fn make_whole(live: &Connector, wanted: &mut Connector) {
    let Some(Scan::Own(schedule)) = &wanted.scan else { return };
    if !matches!(live.scan, Some(Scan::Own(_))) {
        let whole = Connector { scan: Some(Scan::Own(whole_schedule())), ..Connector::default() };
        let entry = Connector { scan: Some(Scan::Own(schedule.clone())), ..Connector::default() };
        wanted.scan = merged(&whole, &entry, true).scan;
    }
}
