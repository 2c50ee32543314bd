//! It converges: for generated subscriptions and files, what is applied is what the file says and nothing else,
//! the next plan is empty, and one fault on the way costs one pass at most.
//!
//! - `model` is beside the program: a connector as it was, and the entry of the file over it;
//! - `draw` generates a `case`, `hand` writes its file, `platform` is the simulator's form of it;
//! - `options` is what each option of the simulator makes of an apply, `once` what once went wrong.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "converge/case.rs"]
mod case;
#[path = "converge/draw.rs"]
mod draw;
#[path = "converge/hand.rs"]
mod hand;
#[path = "converge/model.rs"]
mod model;
#[path = "converge/once.rs"]
mod once;
#[path = "converge/options.rs"]
mod options;
#[path = "converge/platform.rs"]
mod platform;
mod support;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use draw::case;
use hand::Hand;
use model::State;
use platform::{observed, without_system_tags};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use serde_json::Value;
use support::{May, Scene, complaints};
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
            assert_eq!(state(&scene).await.into_seen(), case.expected().into_seen(), "{}", shown(&report.plan));

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
                assert_eq!(state(&scene).await.into_seen(), case.expected().into_seen(), "it went well, and yet");
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
            assert_eq!(state(&scene).await.into_seen(), case.expected().into_seen(), "{}", shown(&second.plan));
            scene.forget_requests().await;
            assert_clean(&scene.pass(&desired, &mut journal, May::Write).await);
            assert_eq!(scene.writes().await, [""; 0]);
        });
    }
}
