//! What is fixed once it is made: replaced where that is allowed and can be done.

use trueup::plan::Known;

use crate::{APPLICATION, DIRECTORY, azure, check, desired, live, live_azure, plan_of};

#[test]
fn what_is_fixed_at_creation_needs_a_replace() {
    let ids = format!("directory_id: {DIRECTORY}, application_id: {APPLICATION}");
    let is = live_azure(&format!("government: true, enabled: true, {ids}"));
    let wanted =
        azure(&format!("government: false, enabled: false, {ids}, authentication_key: {{env: KEY}}"));
    let fields = "
            government: true -> false
            enabled: true -> false
        ? azure/a: authentication_key";
    check(&wanted, &is, &format!("\n        ± azure/a held: needs a replace; replace: never{fields}"));
    let allowed = format!("reconcile: {{replace: allowed}}\n{wanted}");
    check(&allowed, &is, &format!("\n        ± azure/a{fields}"));
    let protected = allowed.replace("name: a,", "name: a, prevent_delete: true,");
    check(
        &protected,
        &is,
        &format!("\n        ± azure/a held: needs a replace; prevent_delete: true{fields}"),
    );
}

#[test]
fn what_could_not_be_made_again_is_not_replaced() {
    let ids = format!("directory_id: {DIRECTORY}, application_id: {APPLICATION}");
    let is = live_azure(&format!("government: true, {ids}, activation: [VM], perimeter_scan: \"off\""));
    for (says, lacks) in [
        (ids.clone(), "the platform wants authentication_key of what is made, which the file leaves out"),
        (
            format!("{ids}, authentication_key: {{env: KEY}}, ignore: [authentication_key]"),
            "the platform wants authentication_key of what is made, which the file leaves out",
        ),
        (
            format!("{ids}, authentication_key: {{env: KEY}}, perimeter_scan: global"),
            "perimeter_scan: it needs the module VM, which is not activated (add activation: [VM])",
        ),
    ] {
        let wanted =
            format!("reconcile: {{replace: allowed}}\n{}", azure(&format!("government: false, {says}")));
        let plan = plan_of(&desired(&wanted), &live(&is), &Known::default());
        let held = plan.changes[0].held.as_ref().map(|held| held.why.clone());
        assert_eq!(held, Some(format!("needs a replace; {lacks}")), "{says}");
    }
}

#[test]
fn what_the_platform_wants_of_a_new_object_and_the_file_leaves_out_is_said() {
    let (ids, key) = (
        format!("directory_id: {DIRECTORY}, application_id: {APPLICATION}"),
        "authentication_key: {env: KEY}",
    );
    let wants = |fields: &str| {
        format!("azure/a: the platform wants {fields} of what is made, which the file leaves out")
    };
    let no_vm =
        "azure/a: perimeter_scan: it needs the module VM, which is not activated (add activation: [VM])";
    let whole = live_azure(&format!("{ids}, perimeter_scan: \"off\", activation: [VM]"));
    for (says, is, warnings) in [
        (format!("{ids}, {key}"), "", vec![]),
        (ids.clone(), "", vec![wants("authentication_key")]),
        (key.to_owned(), "", vec![wants("directory_id, application_id")]),
        (format!("{key}, perimeter_scan: global"), "", vec![no_vm.to_owned(), wants("directory_id, application_id")]),
        // What is live has them.
        ("perimeter_scan: global".to_owned(), whole.as_str(), vec![]),
        (
            "perimeter_scan: {start_time: \"05:45\"}".to_owned(),
            whole.as_str(),
            vec![
                "azure/a: perimeter_scan: the platform wants option_profile_id, recurrence, scan_prefix, start_date, \
                 timezone too, which neither the file nor the connector has"
                    .to_owned(),
            ],
        ),
    ] {
        let plan = plan_of(&desired(&azure(&says)), &live(is), &Known::default());
        assert_eq!(plan.warnings, warnings, "{says}");
    }
}

#[test]
fn a_replace_says_what_it_puts_back_to_the_defaults() {
    let live = live(&live_azure("government: false, run_frequency: 6h, tags: [], description: Ours"));
    let key = "authentication_key: {env: KEY}";
    let entry = azure(&format!(
        "government: true, directory_id: {APPLICATION}, application_id: {APPLICATION}, {key}"
    ));
    let replaced = |allowed: &str| {
        let file = desired(&format!("reconcile: {{replace: {allowed}}}\n{entry}"));
        plan_of(&file, &live, &Known::default()).warnings
    };
    let told = "azure/a: made anew, it gets the platform's defaults for what the file leaves out: description, run_frequency";
    assert_eq!(replaced("allowed"), [told]);
    assert_eq!(replaced("never"), [""; 0]);
}
