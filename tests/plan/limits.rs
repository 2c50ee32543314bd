//! Plans that would do too much, and listings that are not believed.

use trueup::plan::{Known, KnownListing};
use trueup::resource::Kind;

use crate::{A, aws, check, desired, live, many, plan_of};

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
