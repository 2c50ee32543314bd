//! Follows runs to their ends.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, sleep};

use super::course::End;
use super::{Outcome, Ran, Run, Seen};
use crate::error::with_hint;
use crate::pace::{Pace, Pauses};
use crate::qualys::{ApiError, Reader};
use crate::resource::{Address, Kind, LiveObject};
use crate::span::span;
use crate::stop::Stop;

/// Looks at the open runs until none is left.
pub(super) async fn look_on(
    runs: &mut [Run],
    reader: &Reader,
    pace: Pace,
    stop: &Stop,
    tell: &mut (dyn FnMut(&Seen<'_>) + Send),
    began: Instant,
) {
    let mut pauses = Pauses::since(began, pace, pace.timeout);
    let mut told: BTreeMap<Address, String> = BTreeMap::new();
    for run in runs.iter_mut().filter(|run| run.open.is_none() && run.ran.outcome == Outcome::Started) {
        run.ran.reason = Some("the platform does not tell how it goes".to_owned());
    }
    let why = loop {
        let mut open: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
        for run in runs.iter().filter(|run| run.open.is_some()) {
            open.entry(run.ran.address.kind).or_default().extend(run.ran.id.clone());
        }
        if open.is_empty() {
            return;
        }
        let looks = open.iter().map(async |(kind, ids)| (*kind, reader.read(*kind, ids).await));
        let looks: BTreeMap<Kind, Result<Vec<LiveObject>, ApiError>> = tokio::select! {
            looks = join_all(looks) => looks.into_iter().collect(),
            () = stop.requested() => break "not followed to its end: stopped".to_owned(),
        };
        let after = began.elapsed();
        for run in runs.iter_mut().filter(|run| run.open.is_some()) {
            run.take(&looks[&run.ran.address.kind], reader, pace, after);
            if let Some(state) = &run.ran.state
                && told.get(&run.ran.address) != Some(state)
            {
                tell(&Seen { address: &run.ran.address, state, after });
                told.insert(run.ran.address.clone(), state.clone());
            }
        }
        let Some(pause) = pauses.next() else {
            break format!("not at its end after {}", span(pauses.limit));
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.requested() => break "not followed to its end: stopped".to_owned(),
        }
    };
    for run in runs.iter_mut() {
        if let Some(course) = run.open.take() {
            run.ran.outcome = if course.seen { Outcome::Running } else { Outcome::Started };
            run.ran.well = false;
            run.ran.reason = Some(why.clone());
            run.ran.took = began.elapsed();
        }
    }
}

impl Run {
    /// Takes what a look has shown.
    fn take(
        &mut self,
        looked: &Result<Vec<LiveObject>, ApiError>,
        reader: &Reader,
        pace: Pace,
        after: Duration,
    ) {
        let Some(course) = &mut self.open else { return };
        self.ran.took = after;
        let patient = after.saturating_sub(course.looked) < pace.lag;
        let object = looked
            .as_ref()
            .map(|objects| objects.iter().find(|object| Some(object.id.as_str()) == self.ran.id.as_deref()));
        let health = match object {
            Ok(Some(object)) => &object.health,
            Ok(None) if patient => return,
            Err(error) if patient && error.may_pass() => return,
            Ok(None) => return self.fail("it is not to be found any more".to_owned()),
            Err(error) => return self.fail(format!("it could not be followed: {}", with_hint(error))),
        };
        self.ran.state.clone_from(&health.state);
        let end = course.goes_on(health, after, pace.lag);
        let reason = match end {
            None => return,
            Some(End::Well) => {
                self.open = None;
                self.ran.outcome = Outcome::Finished;
                self.ran.reason = None;
                return;
            }
            Some(End::WithErrors) => None,
            Some(End::Disabled) => Some("it was disabled meanwhile".to_owned()),
            Some(End::Unseen) => Some(format!(
                "no run is to be seen after {}: the last one ended at {}",
                span(pace.lag),
                health.last_sync.as_deref().unwrap_or_default()
            )),
        };
        self.ran.last_error = health.last_error.as_ref().map(|error| reader.redact(error));
        self.open = None;
        (self.ran.outcome, self.ran.well, self.ran.reason) = (Outcome::Failed, false, reason);
    }

    fn fail(&mut self, reason: String) {
        self.open = None;
        (self.ran.outcome, self.ran.well, self.ran.reason) = (Outcome::Failed, false, Some(reason));
    }
}

/// Asks for the errors of the runs that ended with some.
pub(super) async fn tell_why(ended: &mut [Ran], reader: &Reader) {
    let failed = ended.iter_mut().filter(|ran| ran.outcome == Outcome::Failed && ran.reason.is_none());
    let asked = failed.map(async |ran| {
        let Some(id) = &ran.id else { return };
        match reader.run_errors(ran.address.kind, id).await {
            Ok(errors) => ran.errors = errors,
            Err(error) => ran.reason = Some(format!("its errors could not be read: {}", with_hint(&error))),
        }
    });
    join_all(asked).await;
}
