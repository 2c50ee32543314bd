//! What the connectors of every cloud have in common: their shared fields and the checks of these, the tags that
//! they name, and what the file may leave out inside a field.

use std::collections::BTreeSet;

use super::tag::check_tag_name;
use super::{Capabilities, Finding, Kind, Module, Owner, PerimeterScan, Reference, RunFrequency};

/// The fields that connectors of several clouds have. What a cloud lacks stays `None`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Common<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: Option<&'a str>,
    pub(crate) capabilities: Option<&'a Capabilities>,
    pub(crate) activation: Option<&'a BTreeSet<Module>>,
    pub(crate) tags: Option<&'a BTreeSet<String>>,
    pub(crate) run_frequency: Option<RunFrequency>,
    pub(crate) remediation: Option<bool>,
    pub(crate) enabled: Option<bool>,
    pub(crate) perimeter_scan: Option<&'a PerimeterScan>,
}

/// Reports what holds for a connector of any cloud.
pub(super) fn check(connector: &Common<'_>, report: &mut dyn FnMut(Finding)) {
    let Common {
        name,
        description,
        capabilities,
        activation,
        tags,
        run_frequency,
        remediation: _,
        enabled: _,
        perimeter_scan,
    } = *connector;
    check_name(name, report);
    if let Some(frequency) = run_frequency {
        check_run_frequency(frequency, report);
    }
    let platforms_own = |module: &&Module| module.name() == Module::PLATFORMS_OWN;
    for module in activation.into_iter().flatten().filter(|module| !platforms_own(module)) {
        module.check("activation", report);
    }
    if activation.is_some_and(|modules| modules.iter().any(|module| platforms_own(&module))) {
        report(Finding::error(
            "activation",
            "the platform itself adds CLOUDVIEW where CI or CSA is on",
            "leave it out",
        ));
    }
    for capability in capabilities.into_iter().flat_map(|Capabilities(all)| all.keys()) {
        capability.check("capabilities", report);
    }
    if let Some(PerimeterScan::Own(schedule)) = perimeter_scan {
        schedule.check_words("perimeter_scan", report);
    }
    if let Some(modules) = activation {
        check_activation(modules, perimeter_scan, report);
    }
    for name in tags.into_iter().flatten() {
        check_tag_name("tags", name, report);
    }
    let capabilities = capabilities.into_iter().flat_map(|Capabilities(all)| all.values());
    for name in capabilities.flatten() {
        check_tag_name("capabilities", name, report);
    }
    Owner::check_text(description, report);
}

/// Reports that what tells the connector from others is missing.
pub(super) fn check_identity(field: &'static str, given: bool, report: &mut dyn FnMut(Finding)) {
    if !given {
        let message = format!("`{field}` is missing: it tells the connector from others");
        report(Finding::error(field, message, format!("add {field}: …")));
    }
}

/// Reports a name that the platform would not take.
pub(super) fn check_name(name: &str, report: &mut dyn FnMut(Finding)) {
    if name.trim().is_empty() {
        report(Finding::error("name", "the name is empty", "give the connector a name"));
    }
    if name.chars().count() > 255 {
        report(Finding::error("name", "the name is longer than 255 characters", "shorten it"));
    }
}

/// Advises against what the vendor's documents and tools advise against.
fn check_run_frequency(frequency: RunFrequency, report: &mut dyn FnMut(Finding)) {
    if frequency.minutes() < 240 {
        report(Finding::warning(
            "run_frequency",
            format!("a run frequency of {frequency} can make the cloud throttle its API calls"),
            "the vendor advises 4h or more",
        ));
    }
    if !RunFrequency::VENDOR_STEPS.contains(&frequency.minutes()) {
        report(Finding::warning(
            "run_frequency",
            format!("{frequency} is not one of the steps that the vendor's own tools offer"),
            "the platform may round it; offered are 1h, 2h, 3h, 4h, 6h, 8h, 12h and 24h",
        ));
    }
}

/// What a perimeter scan needs that neither the connector as it is to be nor the live one has.
pub(super) fn caveats(after: &Common<'_>, live: Option<Common<'_>>) -> Vec<String> {
    let live = live.unwrap_or_default();
    let Some(scan) = after.perimeter_scan.filter(|scan| live.perimeter_scan != Some(*scan)) else {
        return Vec::new();
    };
    let mut caveats = Vec::new();
    let lacking = match scan {
        PerimeterScan::Off => return caveats,
        PerimeterScan::Global => Vec::new(),
        PerimeterScan::Own(schedule) => schedule.lacking(),
    };
    if !lacking.is_empty() {
        caveats.push(format!(
            "perimeter_scan: the platform wants {} too, which neither the file nor the connector has",
            lacking.join(", ")
        ));
    }
    // What the file itself says of the modules is advised against where it is read.
    let has_vm = live.activation.is_some_and(|modules| modules.contains(&Module::Vm));
    if after.activation.is_none() && !has_vm {
        caveats.push(
            "perimeter_scan: it needs the module VM, which is not activated (add activation: [VM])"
                .to_owned(),
        );
    }
    caveats
}

/// Modules that exclude each other, and the one that a perimeter scan needs.
fn check_activation(
    modules: &BTreeSet<Module>,
    scan: Option<&PerimeterScan>,
    report: &mut dyn FnMut(Finding),
) {
    if modules.contains(&Module::Pc) && modules.contains(&Module::Sca) {
        report(Finding::warning(
            "activation",
            "PC and SCA exclude each other on the platform",
            "keep one of the two",
        ));
    }
    if matches!(scan, Some(PerimeterScan::Global | PerimeterScan::Own(_))) && !modules.contains(&Module::Vm) {
        report(Finding::warning(
            "perimeter_scan",
            "a perimeter scan needs the module VM, which activation leaves out",
            "add VM to activation",
        ));
    }
}

/// Shows the tags that a connector names: those that what it finds gets, and those of its applications.
pub(super) fn references(
    tags: Option<&mut BTreeSet<String>>,
    capabilities: Option<&mut Capabilities>,
    visit: &mut dyn FnMut(Reference<'_>),
) {
    if let Some(tags) = tags {
        *tags = std::mem::take(tags)
            .into_iter()
            .map(|mut name| {
                visit(Reference { kind: Kind::Tag, name: &mut name });
                name
            })
            .collect();
    }
    // An empty name is no tag.
    let tags_of_applications =
        capabilities.into_iter().flat_map(|Capabilities(all)| all.values_mut().flatten());
    for name in tags_of_applications.filter(|name| !name.is_empty()) {
        visit(Reference { kind: Kind::Tag, name });
    }
}

/// Fills what the file leaves out inside these fields from the live ones, where both sides have the field.
pub(super) fn complete(
    capabilities: Option<(&mut Capabilities, &Capabilities)>,
    activation: Option<(&mut BTreeSet<Module>, &BTreeSet<Module>)>,
    perimeter_scan: Option<(&mut PerimeterScan, &PerimeterScan)>,
) {
    if let Some((wanted, live)) = capabilities {
        wanted.complete(live);
    }
    // What the program does not know may be what somebody pays for.
    if let Some((wanted, live)) = activation {
        wanted.extend(live.iter().filter(|module| matches!(module, Module::Other(_))).cloned());
    }
    if let Some((wanted, live)) = perimeter_scan {
        wanted.complete(live);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn modules(names: &[&str]) -> BTreeSet<Module> {
        serde_json::from_value(json!(names)).unwrap()
    }

    /// The findings, each as `field: message`.
    fn findings(connector: &Common<'_>) -> Vec<String> {
        let mut found = Vec::new();
        check(connector, &mut |finding| found.push(format!("{}: {}", finding.field, finding.message)));
        found
    }

    #[test]
    fn what_holds_for_every_cloud_is_said_of_each_field() {
        let (vm, sca, both) = (modules(&["VM"]), modules(&["SCA"]), modules(&["VM", "PC", "SCA"]));
        let tags = BTreeSet::from(["prod".to_owned(), "#12".to_owned()]);
        let capabilities: Capabilities =
            serde_json::from_value(json!([{"name": "AI", "tag": "#7"}])).unwrap();
        let good = Common { name: "a", ..Common::default() };
        let long = "x".repeat(256);
        for (connector, expected) in [
            (good, None),
            (Common { name: " ", ..good }, Some("name: the name is empty")),
            (Common { name: &long, ..good }, Some("name: the name is longer than 255 characters")),
            (Common { run_frequency: Some(RunFrequency::from_minutes(240)), ..good }, None),
            (
                Common { run_frequency: Some(RunFrequency::from_minutes(180)), ..good },
                Some("run_frequency: a run frequency of 3h can make the cloud throttle its API calls"),
            ),
            (
                Common { run_frequency: Some(RunFrequency::from_minutes(300)), ..good },
                Some("run_frequency: 5h is not one of the steps that the vendor's own tools offer"),
            ),
            (
                Common { activation: Some(&both), ..good },
                Some("activation: PC and SCA exclude each other on the platform"),
            ),
            (
                Common { activation: Some(&sca), perimeter_scan: Some(&PerimeterScan::Global), ..good },
                Some("perimeter_scan: a perimeter scan needs the module VM, which activation leaves out"),
            ),
            (Common { activation: Some(&vm), perimeter_scan: Some(&PerimeterScan::Global), ..good }, None),
            (Common { activation: Some(&sca), perimeter_scan: Some(&PerimeterScan::Off), ..good }, None),
            (Common { tags: Some(&tags), ..good }, Some("tags: `#12` reads as a tag's id")),
            (
                Common { capabilities: Some(&capabilities), ..good },
                Some("capabilities: `#7` reads as a tag's id"),
            ),
            (
                Common { description: Some("x [trueup:me]"), ..good },
                Some("description: the description ends in the mark of the owner me"),
            ),
        ] {
            assert_eq!(findings(&connector), Vec::from_iter(expected), "{connector:?}");
        }
    }

    #[test]
    fn a_frequency_that_is_short_and_odd_is_advised_against_for_both() {
        let odd =
            Common { name: "a", run_frequency: Some(RunFrequency::from_minutes(90)), ..Common::default() };
        let found = findings(&odd);
        assert!(
            matches!(found.as_slice(), [short, odd] if short.contains("throttle") && odd.contains("steps")),
            "{found:?}"
        );
    }

    #[test]
    fn a_perimeter_scan_is_told_what_it_lacks_where_it_is_to_change() {
        let vm = modules(&["VM"]);
        let scan = |value: serde_json::Value| serde_json::from_value::<PerimeterScan>(value).unwrap();
        let whole = scan(json!({"option_profile_id": 2, "recurrence": "DAILY", "scan_prefix": "p",
            "start_date": "2031-12-01", "start_time": "15:45", "timezone": "UTC"}));
        let part = scan(json!({"option_profile_id": 2, "recurrence": "DAILY", "scan_prefix": "p"}));
        let is = |scan, activation| Common { perimeter_scan: Some(scan), activation, ..Common::default() };
        let no_vm = "perimeter_scan: it needs the module VM, which is not activated (add activation: [VM])";
        let no_start = "perimeter_scan: the platform wants start_date, start_time, timezone too, which neither the file \
                        nor the connector has";
        let (off, global) = (PerimeterScan::Off, PerimeterScan::Global);
        for (after, live, told) in [
            (is(&whole, Some(&vm)), None, &[][..]),
            (is(&whole, None), None, &[no_vm]),
            (is(&whole, None), Some(is(&off, Some(&vm))), &[]),
            (is(&part, Some(&vm)), Some(is(&global, None)), &[no_start]),
            (is(&part, None), None, &[no_start, no_vm]),
            // What the file itself says of the modules is advised against where it is read.
            (is(&global, Some(&modules(&["SCA"]))), None, &[]),
            (is(&off, None), None, &[]),
            (is(&part, None), Some(is(&part, None)), &[]),
            (Common { perimeter_scan: None, ..is(&off, None) }, None, &[]),
        ] {
            assert_eq!(caveats(&after, live), told, "{after:?} {live:?}");
        }
    }

    #[test]
    fn every_tag_that_is_named_is_shown_once() {
        let mut tags = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        let mut capabilities: Capabilities =
            serde_json::from_value(json!([{"name": "AI", "tag": "c"}, {"name": "CI", "tag": ""}, "CSA"]))
                .unwrap();
        references(Some(&mut tags), Some(&mut capabilities), &mut |reference| {
            reference.name.insert_str(0, "x/");
        });
        assert_eq!(tags, BTreeSet::from(["x/a".to_owned(), "x/b".to_owned()]));
        assert_eq!(
            serde_json::to_value(&capabilities).unwrap(),
            json!([{"name": "AI", "tag": "x/c"}, "CI", "CSA"])
        );
    }
}
