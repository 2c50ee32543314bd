//! What may be run, and the asking for it.

use super::course::Course;
use super::{Outcome, Ran, Run};
use crate::error::with_hint;
use crate::plan::Located;
use crate::qualys::{Reader, Writer};
use crate::resource::{Health, Kind};
use crate::stop::Stop;

/// Asks for a run, unless it is no time for one.
pub(super) async fn start(target: &Located<'_>, reader: &Reader, writer: &Writer, stop: &Stop) -> Run {
    let Located { address, id, live, declared: _ } = target;
    let before = live.map(|live| live.health.clone()).unwrap_or_default();
    let ran = |outcome, reason: Option<String>| Ran {
        well: matches!(outcome, Outcome::Started | Outcome::Running),
        reason,
        ..Ran::not_started(address.clone(), Some(id.clone()), outcome, "")
    };
    let seen = |outcome, health: &Health, reason: Option<String>| Ran {
        state: health.state.clone(),
        last_error: health.last_error.as_ref().map(|error| reader.redact(error)),
        ..ran(outcome, reason)
    };
    if live.is_some_and(|live| live.spec.is_disabled() || live.health.is_disabled()) {
        let reason = "it is disabled: enable it, then run it".to_owned();
        return Run { ran: seen(Outcome::Refused, &before, Some(reason)), open: None };
    }
    if before.is_running() {
        let reason = "it runs already, or waits to".to_owned();
        let ran = seen(Outcome::Running, &before, Some(reason));
        return Run { ran, open: Some(Course::under_way(before)) };
    }
    if stop.is_requested() {
        let reason = "stopped before it was asked for".to_owned();
        return Run { ran: seen(Outcome::Refused, &before, Some(reason)), open: None };
    }
    match writer.run(address.kind, id).await {
        Ok(()) => {
            // What cannot be listed shows no state either.
            let open = address.kind.is_listed().then(|| Course::new(before));
            Run { ran: ran(Outcome::Started, None), open }
        }
        Err(error) if error.outcome_unknown() => {
            // Sent again it might run twice. Whether it runs can be seen.
            let health = look(reader, address.kind, id).await;
            let course = Course::new(before);
            let shown = health.filter(|health| health.is_running() || course.has_moved(health));
            if let Some(health) = shown {
                return Run { ran: seen(Outcome::Started, &health, None), open: Some(course) };
            }
            let reason = format!("whether it was started is not known: {}", with_hint(&error));
            Run { ran: ran(Outcome::Failed, Some(reason)), open: None }
        }
        Err(error) => Run { ran: ran(Outcome::Failed, Some(with_hint(&error))), open: None },
    }
}

async fn look(reader: &Reader, kind: Kind, id: &str) -> Option<Health> {
    let found = reader.read(kind, &[id.to_owned()]).await.ok()?;
    found.into_iter().next().map(|object| object.health)
}
