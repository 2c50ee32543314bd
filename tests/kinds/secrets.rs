//! Secrets are written when they change, known by their digests, and seen nowhere.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, Once};

use serde_json::json;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use trueup::journal::Journal;
use trueup::plan::Action;
use trueup::reconcile::{PassOutcome, Report};
use trueup::resource::Access;

use crate::rows::{Kept, Row};
use crate::support::{May, Scene, complaints};
use crate::{Stage, changes, json_of, shown, ways};

#[tokio::test]
async fn a_secret_that_changes_is_written_and_seen_nowhere() {
    let (heard, _guard) = listen();
    let cases: Vec<_> =
        ways().iter().flat_map(|row| (0..row.secrets.len()).map(|at| (row.way(), at))).collect();
    for ((kind, api), at) in cases {
        let mut stage = Stage::empty(Row::by(kind, api).unwrap(), &[("reuse_after_delete", "allowed")]).await;
        let place = stage.scene.path("trueup.db");
        stage.journal = Journal::open(&place).unwrap().0;
        let settings = json!({"replace": "allowed"});
        let desired = stage.desired(&settings);
        let first = stage.applies(&desired).await;
        let (_, before) = stage.object().await;

        let Kept { field, file, then, at, hidden, .. } = &stage.row.secrets[at];
        let (field, at, hidden) = (*field, *at, *hidden);
        let case = format!("{kind}: {field}");
        std::fs::write(stage.scene.path(file), then).unwrap();
        let expected = match kind.field(field).unwrap().access {
            Access::Fixed => Action::Replace,
            Access::Updatable | Access::Identity => Action::Update,
        };
        let seen = stage.pass(&desired, May::Look).await;
        assert_eq!(changes(&seen.plan), [(expected, vec![field], None)], "{case}");
        assert!(shown(&seen.plan).contains("(secret, changed)"), "{case}: {}", shown(&seen.plan));
        let fields = json_of(&seen.plan)["changes"][0]["fields"].clone();
        assert_eq!(fields, json!([{"path": field, "sensitive": true}]), "{case}");
        let report = stage.applies(&desired).await;
        let (_, after) = stage.object().await;
        assert_ne!(
            after.pointer(at).unwrap(),
            before.pointer(at).unwrap(),
            "{case}: the platform has the new one"
        );

        let mut texts: Vec<String> = vec![heard.lock().unwrap().clone()];
        for Report { plan, .. } in [&first, &seen, &report] {
            texts.extend([shown(plan), json_of(plan).to_string(), format!("{plan:?}")]);
        }
        texts.extend([&first, &seen, &report].map(|report| format!("{:?}", report.applied)));
        texts.extend(files_of_the_journal(&stage.scene));
        for (text, hidden) in texts.iter().flat_map(|text| hidden.map(|hidden| (text, hidden))) {
            assert!(!text.contains(hidden), "{case}: {hidden} is in {text}");
        }
    }
    assert!(heard.lock().unwrap().contains("change_applied"), "something was heard");
}

/// What is in the files beside the journal, and in it.
fn files_of_the_journal(scene: &Scene) -> Vec<String> {
    let names = ["trueup.db", "trueup.db-wal", "trueup.db.key"];
    let texts: Vec<String> = names
        .iter()
        .filter_map(|name| std::fs::read(scene.path(name)).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    assert!(!texts.is_empty());
    texts
}

#[tokio::test]
async fn a_secret_that_nobody_remembers_is_unverified_and_written_again_when_asked() {
    for row in ways().into_iter().filter(|row| !row.secrets.is_empty()) {
        let kind = row.kind;
        let mut stage = Stage::made(row, &[]).await;
        let desired = stage.desired(&json!({"replace": "allowed"}));
        let updatable = |field: &&str| kind.field(field).unwrap().access == Access::Updatable;
        let secrets: Vec<&str> = stage.row.secrets.iter().map(|secret| secret.field).collect();
        let written: Vec<&str> = secrets.iter().copied().filter(updatable).collect();
        let expected: Vec<_> =
            (!written.is_empty()).then_some((Action::Update, written, None)).into_iter().collect();
        for remembers in [true, false] {
            let case = format!("{kind}, with a journal: {remembers}");
            let (_, before) = stage.object().await;
            if !remembers {
                for Kept { file, then, .. } in &stage.row.secrets {
                    std::fs::write(stage.scene.path(file), then).unwrap();
                }
                stage.journal = Journal::off();
                stage.scene.forget_requests().await;
                let seen = stage.pass(&desired, May::Write).await;
                assert_eq!(changes(&seen.plan), [], "{case}");
                assert_eq!(seen.outcome(), PassOutcome::InSync, "{case}");
                assert_eq!(seen.plan.unverified.len(), 1, "{case}");
                assert_eq!(seen.plan.unverified[0].fields, secrets, "{case}");
                assert_eq!(stage.scene.writes().await, [""; 0], "{case}");
            }
            let report = stage.rewrite(&desired).await;
            assert_eq!(complaints(&report), [""; 0], "{case}");
            assert_eq!(changes(&report.plan), expected, "{case}");
            let (_, after) = stage.object().await;
            for Kept { at, .. } in stage.row.secrets.iter().filter(|secret| updatable(&secret.field)) {
                assert_eq!(after.pointer(at) == before.pointer(at), remembers, "{case}");
            }
        }
    }
}

/// What is logged from now on in this thread, however quiet, until the guard goes.
fn listen() -> (Arc<Mutex<String>>, tracing::subscriber::DefaultGuard) {
    // Tests on other threads listen to nothing; what they reach first would be taken to interest nobody.
    static SOMEBODY: Once = Once::new();
    SOMEBODY.call_once(|| tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap());
    let heard = Arc::new(Mutex::new(String::new()));
    let layer = Heard(Arc::clone(&heard));
    (heard, tracing::subscriber::set_default(tracing_subscriber::registry().with(layer)))
}

struct Heard(Arc<Mutex<String>>);

impl<S: tracing::Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target().starts_with("trueup") {
            event.record(&mut |field: &tracing::field::Field, value: &dyn Debug| {
                let _ = writeln!(self.0.lock().unwrap(), "{field}={value:?}");
            });
        }
    }
}
