//! The sections of the main file that hold no objects, as written, and how they become [`Settings`].
//!
//! Each value's own type refuses what it cannot be while it is read, so that the reader knows the place; what
//! concerns several values is checked in [`Sections::settings`].

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use url::Url;

use super::pods::PodName;
use super::problem::{Report, accepted};
use super::settings::{
    Defaulted, Mode, Platform, Pod, Prune, PruneAction, PullScope, Reconcile, Replace, Settings,
};
use super::tree::{NodeId, Tree};
use crate::loopback;
use crate::resource::gcp::ProjectField;
use crate::resource::{CloudviewAuth, ConnectorsApi};
use crate::secret::{FilePath, SecretRef};

/// `platform`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlatform {
    pod: Option<PodName>,
    api_url: Option<BaseUrl>,
    portal_url: Option<BaseUrl>,
    gateway_url: Option<BaseUrl>,
    connectors_api: Option<ConnectorsApi>,
    cloudview_auth: Option<CloudviewAuth>,
    ca_bundle: Option<FilePath>,
    proxy: Option<ProxyUrl>,
    timeout: Option<Span>,
    concurrency: Option<Concurrency>,
    subscription: Option<Subscription>,
    gcp_project_field: Option<ProjectField>,
    username: Option<SecretRef>,
    password: Option<SecretRef>,
}

/// `reconcile`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReconcile {
    policy: Option<Mode>,
    every: Option<OrOff<Interval>>,
    cron: Option<Cron>,
    timezone: Option<Zone>,
    pull: Option<PullScope>,
    prune: Option<Prune>,
    prune_action: Option<PruneAction>,
    replace: Option<Replace>,
    owner: Option<Owner>,
    max_deletes: Option<usize>,
    max_change_percent: Option<Percent>,
    max_shrink_percent: Option<Percent>,
    delete_after: Option<Wait>,
    settle_for: Option<Span>,
    unmanaged_ignore: Option<Vec<AddressPattern>>,
    remind_every: Option<Span>,
}

/// A value, or none on purpose.
#[derive(Debug)]
pub(super) enum OrOff<T> {
    Off,
    On(T),
}

impl<T> OrOff<T> {
    fn on(self) -> Option<T> {
        match self {
            OrOff::Off => None,
            OrOff::On(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de> + Example> Deserialize<'de> for OrOff<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OrOff<T>, D::Error> {
        struct Either<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Example> Visitor<'de> for Either<T> {
            type Value = OrOff<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}, or off", T::EXAMPLE)
            }

            fn visit_bool<E: de::Error>(self, on: bool) -> Result<OrOff<T>, E> {
                if on { Err(E::invalid_value(de::Unexpected::Bool(on), &self)) } else { Ok(OrOff::Off) }
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OrOff<T>, E> {
                if text == "off" {
                    return Ok(OrOff::Off);
                }
                T::deserialize(de::value::StrDeserializer::new(text)).map(OrOff::On)
            }
        }
        deserializer.deserialize_any(Either(std::marker::PhantomData))
    }
}

/// What a value looks like, for messages.
pub(super) trait Example {
    const EXAMPLE: &'static str;
}

/// A value that is a text with a grammar.
macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident($inner:ty), $example:literal, $parse:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub(super) struct $name(pub(super) $inner);

        impl Example for $name {
            const EXAMPLE: &'static str = $example;
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                struct Expected;
                impl Visitor<'_> for Expected {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($example)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        let parse: fn(&str) -> Result<$inner, String> = $parse;
                        parse(text).map($name).map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(Expected)
            }
        }
    };
}

pub(super) use text_value;

text_value!(
    /// A length of time, longer than none.
    Span(Duration), "a length of time, as in 30s, 15m or 1h30m", length_of_time
);

fn length_of_time(text: &str) -> Result<Duration, String> {
    match Wait::parse(text)? {
        span if !span.is_zero() => Ok(span),
        _ => Err(format!("`{text}` is not longer than no time at all: expected one as in 15m")),
    }
}

/// Between two passes, and two reports. Below that a typing error is meant (`15ms` for `15m`).
const SHORTEST_INTERVAL: Duration = Duration::from_secs(10);

/// Below that a warning says so.
const SHORT_INTERVAL: Duration = Duration::from_mins(1);

text_value!(
    /// How long after one pass the next starts.
    Interval(Duration), "a length of time, as in 30s, 15m or 1h30m", |text| {
        let span = length_of_time(text)?;
        if span < SHORTEST_INTERVAL {
            return Err(format!("`{text}` is shorter than 10s: expected a longer interval, as in 15m"));
        }
        Ok(span)
    }
);

text_value!(
    /// A length of time, or none.
    Wait(Duration), "a length of time, as in 5m, or 0s", |text| Wait::parse(text)
);

impl Wait {
    fn parse(text: &str) -> Result<Duration, String> {
        let span: jiff::SignedDuration = text
            .parse()
            .map_err(|_| format!("`{text}` is no length of time: expected one as in 30s, 15m or 1h30m"))?;
        Duration::try_from(span)
            .map_err(|_| format!("`{text}` is not longer than no time at all: expected one as in 15m"))
    }
}

text_value!(
    /// When passes start.
    Cron(Box<cron::Schedule>), "a cron schedule, as in \"0 0 6 * * Mon-Fri *\"", |text| {
        const FORM: &str = "expected seconds, minutes, hours, day of month, month, day of week and year, as in \
                            \"0 0 6 * * Mon-Fri *\"";
        let fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() != 7 && !text.starts_with('@') {
            return Err(format!("a cron schedule has seven fields, this one {}: {FORM}", fields.len()));
        }
        if let Some(days) = fields.get(5) {
            refuse_numbered_days(days)?;
        }
        let schedule: cron::Schedule =
            text.parse().map_err(|_| format!("`{text}` is no cron schedule: {FORM}"))?;
        match shortest_gap(&schedule) {
            None => Err(format!("`{text}` never comes: {FORM}")),
            Some(gap) if gap < SHORTEST_INTERVAL => Err(format!(
                "`{text}` comes every {} s, more often than every 10 s: expected fewer seconds, as in \
                 \"0 0 6 * * Mon-Fri *\"",
                gap.as_secs()
            )),
            Some(_) => Ok(Box::new(schedule)),
        }
    }
);

/// Refuses numbers for days of the week: 1 is Monday to people who know Unix, and Sunday to others.
fn refuse_numbered_days(field: &str) -> Result<(), String> {
    let span = |part: &str| part.split('/').next().unwrap_or_default().to_owned();
    let spans: Vec<String> = field.split(',').map(span).collect();
    if !spans.iter().any(|span| span.contains(|c: char| c.is_ascii_digit())) {
        return Ok(());
    }
    let named = |first: usize| -> Option<String> {
        const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        let day = |text: &str| match text.parse::<usize>() {
            Ok(number @ 0..=7) => Some(DAYS[(number + 7 - first) % 7].to_owned()),
            Ok(_) => None,
            Err(_) => Some(text.to_owned()),
        };
        let one = |span: &String| {
            let ends: Option<Vec<String>> = span.split('-').map(day).collect();
            ends.map(|ends| ends.join("-"))
        };
        let all: Option<Vec<String>> = spans.iter().map(one).collect();
        all.map(|all| all.join(","))
    };
    let meant = match (named(0), named(1)) {
        (Some(monday), Some(sunday)) => {
            format!("{monday} where 1 is Monday, as in Unix, or {sunday} where 1 is Sunday")
        }
        (None, _) | (_, None) => "Mon, Tue, Wed, Thu, Fri, Sat and Sun".to_owned(),
    };
    Err(format!(
        "`{field}` counts the days of the week, which not everybody begins with the same day: expected \
                 their names, {meant}"
    ))
}

/// The shortest time between two of the next times; `None` if there is none. Of a schedule that comes but once it is
/// endless.
fn shortest_gap(schedule: &cron::Schedule) -> Option<Duration> {
    // More than come in a few minutes: by then all seconds have come.
    const MANY: usize = 200;
    let times: Vec<_> = schedule.upcoming(chrono::Utc).take(MANY).collect();
    times.first()?;
    let gaps = times.windows(2).filter_map(|pair| (pair[1] - pair[0]).to_std().ok());
    Some(gaps.min().unwrap_or(Duration::MAX))
}

/// Warns of a schedule that comes more often than every minute.
pub(super) fn warn_of_short_gap(tree: &Tree, report: &mut Report, at: NodeId, gap: Duration) {
    if gap < SHORT_INTERVAL {
        let message = format!("every {} s is more often than every minute", gap.as_secs());
        let hint = "each time costs requests of the platform's quota: 15m is usual".to_owned();
        report.warning(tree, at, message, Some(hint));
    }
}

impl Cron {
    /// The shortest time between two times.
    pub(super) fn shortest_gap(&self) -> Duration {
        shortest_gap(&self.0).unwrap_or(Duration::MAX)
    }
}

text_value!(
    /// The zone that `cron` is meant in.
    Zone(chrono_tz::Tz), "a time zone of the IANA database, as in Europe/Berlin", |text| {
        text.parse().map_err(|_| {
            format!("unknown time zone `{text}`: expected a name of the IANA database, as in Europe/Berlin")
        })
    }
);

text_value!(
    /// Whose mark objects bear. It stands in descriptions, between `[trueup:` and `]`.
    Owner(String), "an owner, as in cloudsec", |text| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(text.to_owned())
        } else {
            Err(format!("`{text}` is no owner: expected 1 to 64 of A-Z a-z 0-9 . _ -"))
        }
    }
);

text_value!(
    /// A pattern of addresses.
    AddressPattern(glob::Pattern), "a pattern of addresses, as in aws/legacy-*", |text| {
        if !text.contains('/') {
            return Err(format!("`{text}` is no pattern of addresses: expected KIND/NAME, as in aws/legacy-*"));
        }
        glob::Pattern::new(text)
            .map_err(|error| format!("`{text}` is no pattern ({}): expected one as in aws/legacy-*", error.msg))
    }
);

text_value!(
    /// The UUID of a subscription.
    Subscription(String), "the UUID of a subscription", |text| match uuid::Uuid::try_parse(text) {
        Ok(id) => Ok(id.hyphenated().to_string()),
        Err(_) => Err(format!(
            "`{text}` is no subscription: expected its UUID, as in f972e2cc-69d6-4ebd-80e6-76eaaa5ba6a6"
        )),
    }
);

text_value!(
    /// The root of a platform's API.
    BaseUrl(Url), "an address, as in https://qualysapi.example.com", |text| {
        let url = web_address(text)?;
        if url.scheme() != "https" && !loopback::is_loopback(&url) {
            return Err("the address is not encrypted: expected https (http is for loopback addresses alone)".to_owned());
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("the address has a path: expected scheme and host alone, as in https://qualysapi.example.com"
                .to_owned());
        }
        Ok(url)
    }
);

text_value!(
    /// A proxy.
    ProxyUrl(Url), "the address of a proxy, as in http://proxy.example.com:3128", |text| {
        // Proxies are spoken to in the clear as a rule; what passes through them is not.
        web_address(text)
    }
);

text_value!(
    /// Where to listen.
    Listen(SocketAddr), "an address and a port, as in 127.0.0.1:9464", |text| {
        let spelled = text.replacen("localhost:", "127.0.0.1:", 1);
        spelled
            .parse()
            .map_err(|_| format!("`{text}` is no address with a port: expected one as in 127.0.0.1:9464"))
    }
);

/// The address, never repeated in a message, since it may hold a password.
fn web_address(text: &str) -> Result<Url, String> {
    const FORM: &str = "expected one as in https://qualysapi.example.com";
    let url = Url::parse(text).map_err(|error| format!("not an address ({error}): {FORM}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(format!("not an address of the web: {FORM}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "the address holds a user or a password: keep secrets out of the file (a proxy's may stand in \
                    the environment variable HTTPS_PROXY)"
                .to_owned(),
        );
    }
    Ok(url)
}

/// A number within limits.
macro_rules! number_value {
    ($(#[$doc:meta])* $name:ident($inner:ty), $range:expr, $example:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(super) struct $name($inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                struct Expected;
                impl Visitor<'_> for Expected {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($example)
                    }

                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$name, E> {
                        match <$inner>::try_from(number) {
                            Ok(fit) if $range.contains(&fit) => Ok($name(fit)),
                            Ok(_) | Err(_) => Err(E::invalid_value(de::Unexpected::Unsigned(number), &self)),
                        }
                    }
                }
                deserializer.deserialize_any(Expected)
            }
        }
    };
}

number_value!(
    /// A share.
    Percent(u32), 0..=100, "a percentage, 0 to 100"
);
number_value!(
    /// Requests under way at once.
    Concurrency(usize), 1..=64, "a number of requests, 1 to 64"
);

/// Where the sections stand; for what concerns several values at once.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Nodes {
    pub(super) platform: Option<NodeId>,
    pub(super) reconcile: Option<NodeId>,
    /// Whether anything besides `reconcile.cron` is meant in the zone of `reconcile.timezone`.
    pub(super) zone_is_used: bool,
}

/// All sections that hold no objects.
#[derive(Debug, Default)]
pub(super) struct Sections {
    pub(super) platform: RawPlatform,
    pub(super) reconcile: RawReconcile,
    pub(super) journal: Option<OrOff<FilePath>>,
    pub(super) listen: Option<OrOff<Listen>>,
}

impl Sections {
    /// Fills in the defaults, and reports what does not go together.
    pub(super) fn settings(
        self,
        tree: &Tree,
        report: &mut Report,
        root: NodeId,
        nodes: Nodes,
        default_journal: PathBuf,
    ) -> Settings {
        let platform = platform(self.platform, tree, report, root, nodes.platform);
        let reconcile = reconcile(self.reconcile, tree, report, nodes);
        Settings {
            platform,
            reconcile,
            defaulted: Defaulted { journal: self.journal.is_none(), listen: self.listen.is_none() },
            journal: match self.journal {
                None => Some(default_journal),
                Some(journal) => journal.on().map(|path| path.0),
            },
            listen: match self.listen {
                None => Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464)),
                Some(listen) => listen.on().map(|listen| listen.0),
            },
        }
    }
}

fn platform(
    raw: RawPlatform,
    tree: &Tree,
    report: &mut Report,
    root: NodeId,
    node: Option<NodeId>,
) -> Platform {
    let RawPlatform {
        pod,
        api_url,
        portal_url,
        gateway_url,
        connectors_api,
        cloudview_auth,
        ca_bundle,
        proxy,
        timeout,
        concurrency,
        subscription,
        gcp_project_field,
        username,
        password,
    } = raw;
    let at = node.unwrap_or(root);
    let reported: Vec<&str> = node.into_iter().flat_map(|node| tree.reported_keys(node)).collect();
    let unsaid = |key: &str| !reported.contains(&key);
    let (mut pod, name) = match pod {
        Some(PodName::Known(pod)) => (Some(pod), None),
        Some(PodName::Other(name)) => (Some(Pod::Private), Some(name)),
        None => (None, None),
    };
    if let Some(name) = &name {
        let place = node.and_then(|node| tree.get(node, "pod")).unwrap_or(at);
        let (message, known) = (format!("unknown value `{name}`"), accepted(name, Pod::NAMES));
        if api_url.is_some() && portal_url.is_some() && gateway_url.is_some() {
            let hint = format!("its URLs are given: it is taken as a name; {known}");
            report.warning(tree, place, message, Some(hint));
        } else {
            report.error(tree, place, message, Some(known));
            // That is all that is wrong with it.
            pod = Some(Pod::Simulator);
        }
    }
    if pod.is_none() && api_url.is_none() && unsaid("pod") && unsaid("api_url") {
        report.error(
            tree,
            at,
            if node.is_some() { "`pod` is missing" } else { "`platform` is missing" }.to_owned(),
            Some(format!(
                "give platform: {{pod: …}}, one of {}; or api_url for a private platform",
                Pod::NAMES.join(", ")
            )),
        );
    }
    let needs_login = match pod {
        Some(Pod::Simulator) => false,
        Some(Pod::Vendor { .. } | Pod::Private) => true,
        None => api_url.is_some(),
    };
    for (key, value) in [("username", &username), ("password", &password)] {
        if needs_login && value.is_none() && unsaid(key) {
            report.error(
                tree,
                at,
                format!("`{key}` is missing"),
                Some(format!("add {key}: {{env: QUALYS_{}}}", key.to_uppercase())),
            );
        }
    }
    Platform {
        pod: pod.unwrap_or(Pod::Private),
        name,
        api_url: api_url.map(|url| url.0),
        portal_url: portal_url.map(|url| url.0),
        gateway_url: gateway_url.map(|url| url.0),
        connectors_api: connectors_api.unwrap_or_default(),
        cloudview_auth: cloudview_auth.unwrap_or_default(),
        ca_bundle: ca_bundle.map(|path| path.0),
        proxy: proxy.map(|url| url.0),
        timeout: timeout.map_or(Duration::from_secs(30), |span| span.0),
        concurrency: concurrency.map_or(8, |number| number.0),
        subscription: subscription.map(|id| id.0),
        gcp_project_field: gcp_project_field.unwrap_or_default(),
        username,
        password,
    }
}

fn reconcile(raw: RawReconcile, tree: &Tree, report: &mut Report, nodes: Nodes) -> Reconcile {
    let node = nodes.reconcile;
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    let value = |key: &str| node.and_then(|node| tree.get(node, key));
    let reported: Vec<&str> = node.into_iter().flat_map(|node| tree.reported_keys(node)).collect();
    let gaps = [
        (
            "every",
            raw.every.as_ref().and_then(|every| match every {
                OrOff::On(span) => Some(span.0),
                OrOff::Off => None,
            }),
        ),
        ("cron", raw.cron.as_ref().map(Cron::shortest_gap)),
    ];
    for (key, gap) in gaps {
        if let (Some(gap), Some(at)) = (gap, value(key)) {
            warn_of_short_gap(tree, report, at, gap);
        }
    }
    let every = match (raw.every, &raw.cron) {
        (Some(OrOff::On(span)), _) => Some(span.0),
        (None, None) => Some(minutes(15)),
        (None, Some(_)) => None,
        (Some(OrOff::Off), cron) => {
            if let (None, Some(at), false) = (cron, value("every"), reported.contains(&"cron")) {
                report.error(
                    tree,
                    at,
                    "without every and cron no pass would ever start".to_owned(),
                    Some("give one of the two, as in every: 15m or cron: \"0 0 6 * * Mon-Fri *\"".to_owned()),
                );
            }
            None
        }
    };
    if let (Some(at), None) = (value("timezone"), &raw.cron)
        && !reported.contains(&"cron")
        && !nodes.zone_is_used
    {
        report.warning(
            tree,
            at,
            "timezone has no effect without cron".to_owned(),
            Some("add cron, or remove timezone".to_owned()),
        );
    }
    Reconcile {
        policy: raw.policy.unwrap_or(Mode::DryRun),
        every,
        cron: raw.cron.map(|cron| *cron.0),
        timezone: raw.timezone.map_or(chrono_tz::UTC, |zone| zone.0),
        pull: raw.pull.unwrap_or(PullScope::All),
        prune: raw.prune.unwrap_or(Prune::Never),
        prune_action: raw.prune_action.unwrap_or(PruneAction::Delete),
        replace: raw.replace.unwrap_or(Replace::Never),
        owner: raw.owner.map(|owner| owner.0),
        max_deletes: raw.max_deletes.unwrap_or(5),
        max_change_percent: raw.max_change_percent.map_or(30, |percent| percent.0),
        max_shrink_percent: raw.max_shrink_percent.map_or(50, |percent| percent.0),
        delete_after: raw.delete_after.map_or(minutes(5), |span| span.0),
        settle_for: raw.settle_for.map_or(minutes(10), |span| span.0),
        unmanaged_ignore: raw
            .unmanaged_ignore
            .unwrap_or_default()
            .into_iter()
            .map(|pattern| pattern.0)
            .collect(),
        remind_every: raw.remind_every.map_or(minutes(24 * 60), |span| span.0),
    }
}
