//! Plans that would do too much, and listings that are not believed.

use trueup::plan::{Known, KnownListing, KnownObject};
use trueup::resource::Kind;

use crate::{A, APPLICATION, DIRECTORY, aws, azure, check, desired, live, live_azure, many, plan_of};

#[test]
fn a_failed_read_is_never_an_empty_read() {
    check(&aws(""), "[{kind: aws, fails: an HTML page}]", "x aws: an HTML page");
}

#[test]
fn a_plan_over_a_limit_is_blocked_whole() {
    let wanted = |settings: &str, count: usize| {
        let entries = (0..count)
            .map(|n| format!("    - {{name: n{n}, arn: '{A}{n}', enabled: false}}\n"))
            .collect::<Vec<_>>()
            .concat();
        format!("reconcile: {{{settings}}}\nconnectors:\n  aws:\n{entries}")
    };
    for (file, is, blocked) in [
        (wanted("prune: all", 4), many(10), Some(("max_deletes", 5, 6))),
        (wanted("prune: all, max_deletes: 6, max_change_percent: 100", 4), many(10), None),
        (wanted("", 4), many(10), None.or(Some(("max_change_percent", 3, 4)))),
        (wanted("max_change_percent: 40", 4), many(10), None),
        (wanted("", 9), many(9), None),
        ("reconcile: {prune: all}\nconnectors: {aws: []}".to_owned(), many(2), Some(("empty", 0, 2))),
    ] {
        let plan = plan_of(&desired(&file), &live(&is), &Known::default());
        let found = plan.blocked.as_ref().map(|blocked| (blocked.limit, blocked.allowed, blocked.wanted));
        assert_eq!(found, blocked, "{file}");
        assert_eq!(plan.detailed_exit() == 8, blocked.is_some());
    }
}

#[test]
fn a_listing_that_shrank_too_much_is_not_believed_until_it_settles() {
    let file = desired(&aws(""));
    let mut known = Known::default();
    for (doubted, believed) in
        [(None, false), (Some((4, false)), false), (Some((4, true)), true), (Some((3, true)), false)]
    {
        known.listings.insert(Kind::Aws, KnownListing { good: 10, doubted });
        let plan = plan_of(&file, &live(&many(4)), &known);
        assert_eq!(plan.failed.is_empty(), believed, "{doubted:?}");
    }
}

#[test]
fn what_we_have_deleted_is_no_lost_scope() {
    let file = desired(&aws(""));
    let mut known = Known::default();
    known.listings.insert(Kind::Aws, KnownListing { good: 10, doubted: None });
    assert!(!plan_of(&file, &live(&many(4)), &known).failed.is_empty());
    known.leaving.extend((4..10).map(|id| (Kind::Aws, id.to_string())));
    assert!(plan_of(&file, &live(&many(4)), &known).failed.is_empty());
}

#[test]
fn a_delete_that_was_noted_and_not_made_still_counts_as_live_for_the_limits() {
    let file = "reconcile: {prune: all, max_deletes: 20, max_change_percent: 100}\n\
                tags: [{name: kept}]\nconnectors: {aws: []}";
    let mut known = Known::default();
    known.leaving.insert((Kind::Aws, "3".to_owned()));
    let plan = plan_of(&desired(file), &live(&many(10)), &known);
    assert_eq!(plan.summary.delete, 10);
    assert_eq!(plan.blocked, None);
    // The next listing is held against what is there to stay.
    assert_eq!((plan.listings[&Kind::Aws], plan.staying[&Kind::Aws]), (10, 9));
}

/// Ten connectors as they are live, and so many more.
fn with_more(settings: &str, more: usize, changed: usize) -> String {
    let entry = |n: usize| {
        let enabled = n >= changed;
        format!("    - {{name: n{n}, arn: '{A}{n}', enabled: {enabled}, external_id: US1-1-11111111}}\n")
    };
    let entries: String = (0..10 + more).map(entry).collect();
    format!("reconcile: {{{settings}}}\nconnectors:\n  aws:\n{entries}")
}

#[test]
fn what_is_made_does_not_count_as_a_change_of_what_is_live() {
    let is = many(10).replace("enabled: true", "enabled: true, external_id: US1-1-11111111");
    for (more, changed, blocked) in [(9, 0, None), (9, 3, None), (9, 4, Some(4)), (0, 4, Some(4))] {
        let plan = plan_of(
            &desired(&with_more("max_change_percent: 30", more, changed)),
            &live(&is),
            &Known::default(),
        );
        assert_eq!((plan.summary.create, plan.summary.update), (more, changed));
        assert_eq!(plan.blocked.map(|blocked| blocked.wanted), blocked, "{more} more, {changed} changed");
    }
}

#[test]
fn a_replace_counts_as_a_delete() {
    let ids = format!("directory_id: {DIRECTORY}, application_id: {APPLICATION}");
    let is = live_azure(&format!("government: true, {ids}"));
    let wanted = azure(&format!("government: false, {ids}, authentication_key: {{env: KEY}}"));
    for (max_deletes, blocked) in [(0, Some(("max_deletes", 0, 1))), (1, None)] {
        let file = format!("reconcile: {{replace: allowed, max_deletes: {max_deletes}}}\n{wanted}");
        let plan = plan_of(&desired(&file), &live(&is), &Known::default());
        assert_eq!((plan.summary.replace, plan.summary.delete), (1, 0));
        let found = plan.blocked.as_ref().map(|blocked| (blocked.limit, blocked.allowed, blocked.wanted));
        assert_eq!(found, blocked);
    }
    // What is held is not made, and counts for nothing.
    let held =
        plan_of(&desired(&format!("reconcile: {{max_deletes: 0}}\n{wanted}")), &live(&is), &Known::default());
    assert_eq!((held.summary.held, held.blocked), (1, None));
}

#[test]
fn a_listing_may_shrink_by_just_what_is_allowed() {
    for (good, percent, listed, believed) in [
        (10, 50, 5, true),
        (10, 50, 4, false),
        (11, 50, 6, true),
        // More than half of it is gone.
        (11, 50, 5, false),
        (12, 25, 9, true),
        (12, 25, 8, false),
        (10, 0, 10, true),
        (10, 0, 9, false),
        (10, 100, 0, true),
        // So few are not judged by their number.
        (9, 50, 1, true),
    ] {
        let file = desired(&format!("reconcile: {{max_shrink_percent: {percent}}}\n{}", aws("")));
        let mut known = Known::default();
        known.listings.insert(Kind::Aws, KnownListing { good, doubted: None });
        let plan = plan_of(&file, &live(&listing(listed)), &known);
        assert_eq!(
            plan.failed.is_empty(),
            believed,
            "from {good} to {listed} at {percent} %: {:?}",
            plan.failed
        );
    }
}

#[test]
fn as_many_known_objects_may_vanish_as_are_allowed_and_two_may_always() {
    for (known_before, gone, percent, believed) in [
        (6, 3, 50, true),
        (7, 4, 50, false),
        (2, 2, 50, true),
        (3, 3, 50, false),
        (8, 3, 30, false),
        (10, 3, 30, true),
        (3, 3, 100, true),
    ] {
        let file = desired(&format!("reconcile: {{max_shrink_percent: {percent}}}\n{}", aws("")));
        let mut known = Known::default();
        // What nobody knows keeps the listing as large as it was.
        known.listings.insert(Kind::Aws, KnownListing { good: known_before - gone, doubted: None });
        for id in gone_first(known_before, gone) {
            let object = KnownObject {
                identity: format!("{A}{id}"),
                base: "{}".into(),
                written: "{}".into(),
                ours: false,
                marked: false,
                protected: false,
                missing: false,
            };
            known.objects.insert((Kind::Aws, id), object);
        }
        let is = live(&listing(known_before - gone));
        let plan = plan_of(&file, &is, &known);
        let case = format!("{gone} of {known_before} at {percent} %");
        assert_eq!(plan.failed.is_empty(), believed, "{case}: {:?}", plan.failed);
        // What was missing before, or we delete ourselves, has not vanished now.
        let leaving = |known: &mut Known, id: &String| known.leaving.insert((Kind::Aws, id.clone()));
        for id in known.objects.keys().map(|(_, id)| id.clone()).collect::<Vec<_>>() {
            leaving(&mut known, &id);
        }
        assert_eq!(plan_of(&file, &is, &known).failed, [], "{case}, by our own doing");
    }
}

/// So many connectors, or none.
fn listing(count: usize) -> String {
    if count == 0 { "[]".to_owned() } else { many(count) }
}

/// The ids of known objects: those that are listed, and those that are not.
fn gone_first(known: usize, gone: usize) -> impl Iterator<Item = String> {
    let listed = (0..known - gone).map(|id| id.to_string());
    listed.chain((0..gone).map(|id| format!("9{id}")))
}
