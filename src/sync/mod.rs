//! Runs connectors on the platform now, and follows their runs to the end.
//!
//! Right after a run was asked for, the platform may still show how the one before it ended. So an end counts only
//! once the run has been seen under way, or the object differs from what it was before in its state or in the time of
//! its last run. Where neither shows within [`Pace::lag`], that is said.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::error::with_hint;
use crate::plan::Located;
use crate::qualys::{ApiError, ApiErrorKind, Reader, Writer};
use crate::resource::{Address, Health, Kind, LiveObject, RunError};
use crate::stop::Stop;

/// How long to look on, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The first pause between two looks; each is half as long again as the one before.
    pub first: Duration,
    /// The longest pause.
    pub cap: Duration,
    /// How long what is seen may be from before the run.
    pub lag: Duration,
    /// When to give up.
    pub timeout: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            first: Duration::from_secs(1),
            cap: Duration::from_secs(15),
            lag: Duration::from_mins(2),
            timeout: Duration::from_hours(1),
        }
    }
}

/// What to run, and with what.
pub struct Syncing<'a> {
    /// The way to read.
    pub reader: &'a Reader,
    /// The way to run.
    pub writer: &'a Writer,
    /// What to run.
    pub targets: Vec<Located<'a>>,
    /// How to follow the runs; `None` to start them alone.
    pub follow: Option<Pace>,
    /// Once requested, nothing more is looked at.
    pub stop: &'a Stop,
    /// Told of each state that a run is seen in.
    pub tell: &'a mut (dyn FnMut(&Seen<'_>) + Send),
}

impl std::fmt::Debug for Syncing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Syncing").field("targets", &self.targets).finish_non_exhaustive()
    }
}

/// A state that a run is seen in.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The object.
    pub address: &'a Address,
    /// The platform's own word.
    pub state: &'a str,
    /// How long after the run was asked for.
    pub after: Duration,
}

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was asked for; how it goes is not known.
    Started,
    /// It is under way.
    Running,
    /// It ended well.
    Finished,
    /// It ended with errors, or could not be started or followed.
    Failed,
    /// It was not asked for.
    Refused,
}

impl Outcome {
    /// The word in text and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Started => "started",
            Outcome::Running => "running",
            Outcome::Finished => "finished",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
        }
    }
}

/// A run and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The object.
    pub address: Address,
    /// The platform's id, where there is one.
    pub id: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether that is what was asked for.
    pub well: bool,
    /// The platform's own word for the state that it was last seen in.
    pub state: Option<String>,
    /// The platform's own words for what went wrong.
    pub last_error: Option<String>,
    /// The errors of the run, the newest first.
    pub errors: Vec<RunError>,
    /// What a person should know.
    pub reason: Option<String>,
    /// How long it was followed.
    pub took: Duration,
}

impl Ran {
    /// It was not asked for.
    #[must_use]
    pub fn refused(address: Address, reason: impl Into<String>) -> Ran {
        Ran::not_started(address, None, Outcome::Refused, reason)
    }

    /// It could not be started.
    #[must_use]
    pub fn failed(address: Address, reason: impl Into<String>) -> Ran {
        Ran::not_started(address, None, Outcome::Failed, reason)
    }

    fn not_started(address: Address, id: Option<String>, outcome: Outcome, reason: impl Into<String>) -> Ran {
        Ran {
            address,
            id,
            outcome,
            well: false,
            state: None,
            last_error: None,
            errors: Vec::new(),
            reason: Some(reason.into()),
            took: Duration::ZERO,
        }
    }
}

/// Runs the targets, and follows them where that is asked for. What came of each, in their order.
pub async fn sync(syncing: Syncing<'_>) -> Vec<Ran> {
    let Syncing { reader, writer, targets, follow, stop, tell } = syncing;
    let began = Instant::now();
    let mut runs = join_all(targets.iter().map(|target| start(target, reader, writer, stop))).await;
    if let Some(pace) = follow {
        look_on(&mut runs, reader, pace, stop, tell, began).await;
    }
    let mut ended: Vec<Ran> = runs.into_iter().map(|run| run.ran).collect();
    tell_why(&mut ended, reader).await;
    ended
}

/// A run that is looked on.
struct Run {
    ran: Ran,
    /// What is known of its course, while its end is waited for.
    open: Option<Course>,
}

async fn start(target: &Located<'_>, reader: &Reader, writer: &Writer, stop: &Stop) -> Run {
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

/// The course of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Course {
    before: Health,
    /// Whether anything was seen of it.
    seen: bool,
    /// When it was last looked at.
    looked: Duration,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Well,
    WithErrors,
    Disabled,
    /// Nothing was seen of it.
    Unseen,
}

impl Course {
    fn new(before: Health) -> Course {
        Course { before, seen: false, looked: Duration::ZERO }
    }

    fn under_way(before: Health) -> Course {
        Course { seen: true, ..Course::new(before) }
    }

    /// Whether this can only be from after the run began.
    fn has_moved(&self, health: &Health) -> bool {
        let synced = health.last_sync.is_some() && health.last_sync != self.before.last_sync;
        synced || health.state != self.before.state
    }

    /// The end, if this is it.
    fn goes_on(&mut self, health: &Health, after: Duration, lag: Duration) -> Option<End> {
        self.looked = after;
        self.seen |= health.is_running() || self.has_moved(health);
        if !self.seen {
            return match (&health.last_sync, after >= lag) {
                (_, false) => None,
                (Some(_), true) => Some(End::Unseen),
                // Nothing tells this run from the one before.
                (None, true) => Course::end(health),
            };
        }
        Course::end(health)
    }

    /// A state that no document names is waited out.
    fn end(health: &Health) -> Option<End> {
        if health.is_success() {
            Some(End::Well)
        } else if health.is_unhealthy() {
            Some(End::WithErrors)
        } else {
            health.is_disabled().then_some(End::Disabled)
        }
    }
}

/// Looks at the open runs until none is left.
async fn look_on(
    runs: &mut [Run],
    reader: &Reader,
    pace: Pace,
    stop: &Stop,
    tell: &mut (dyn FnMut(&Seen<'_>) + Send),
    began: Instant,
) {
    let mut pause = pace.first;
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
        let Some(left) = pace.timeout.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) else {
            break format!("not at its end after {}", span(pace.timeout));
        };
        tokio::select! {
            () = sleep(pause.min(left)) => {}
            () = stop.requested() => break "not followed to its end: stopped".to_owned(),
        }
        pause = pause.mul_f64(1.5).min(pace.cap);
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
            Err(error) if patient && may_pass(error) => return,
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

/// Whether the same question may be answered later.
fn may_pass(error: &ApiError) -> bool {
    match error.kind {
        ApiErrorKind::Server
        | ApiErrorKind::Unreadable
        | ApiErrorKind::Transport
        | ApiErrorKind::RateLimited { .. } => true,
        ApiErrorKind::Credentials
        | ApiErrorKind::Permission
        | ApiErrorKind::NotFound
        | ApiErrorKind::UnknownObject { remedy: _ }
        | ApiErrorKind::Refused(_)
        | ApiErrorKind::WrongSubscription { .. }
        | ApiErrorKind::Account { .. } => false,
    }
}

/// Asks for the errors of the runs that ended with some.
async fn tell_why(ended: &mut [Ran], reader: &Reader) {
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

/// A length of time as people write it: `1h 5m`, `12s`.
#[must_use]
pub fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_mins(2);

    /// `STATE` or `STATE@TIME`, the time being that of the last run.
    fn health(text: &str) -> Health {
        let (state, synced) = text.split_once('@').map_or((text, None), |(state, at)| (state, Some(at)));
        let state = Some(state.to_owned()).filter(|state| !state.is_empty());
        Health { state, last_error: None, last_sync: synced.map(str::to_owned) }
    }

    /// Looks at these times, in seconds, show these states; the last of them is the end.
    #[track_caller]
    fn check(before: &str, looks: &[(u64, &str)], expected: Option<End>) {
        let mut course = Course::new(health(before));
        let mut end = None;
        for (at, look) in looks {
            assert_eq!(end, None, "{before}: it ended before {look}");
            end = course.goes_on(&health(look), Duration::from_secs(*at), LAG);
        }
        assert_eq!(end, expected, "{before}: {looks:?}");
    }

    #[test]
    fn an_end_counts_once_something_of_the_run_was_seen() {
        let (ok, errors) = ("FINISHED_SUCCESS@1", "FINISHED_ERRORS@1");
        for (before, looks, expected) in [
            (ok, &[(0, "QUEUED@1"), (1, "RUNNING@1"), (2, "FINISHED_SUCCESS@2")][..], Some(End::Well)),
            (ok, &[(0, "PENDING@1"), (1, "PROCESSING@1"), (2, "INCOMPLETE@1")], Some(End::WithErrors)),
            // As it was before; then over before it was seen under way.
            (ok, &[(0, ok), (1, ok), (2, "FINISHED_SUCCESS@2")], Some(End::Well)),
            (errors, &[(0, errors), (119, errors)], None),
            (errors, &[(0, errors), (1, "FINISHED_ERRORS@2")], Some(End::WithErrors)),
            (errors, &[(0, errors), (1, ok)], Some(End::Well)),
            ("", &[(0, "SUCCESS")], Some(End::Well)),
            ("ERROR", &[(0, "ERROR"), (1, "RUNNING"), (2, "ERROR")], Some(End::WithErrors)),
            // Nothing for long: where the platform tells when runs end, there was none.
            (ok, &[(0, ok), (120, ok)], Some(End::Unseen)),
            ("SUCCESS", &[(0, "SUCCESS"), (120, "SUCCESS")], Some(End::Well)),
            (ok, &[(0, "RUNNING@1"), (1, "DISABLED@1")], Some(End::Disabled)),
            (ok, &[(0, "RUNNING@1"), (600, "A_NEW_WORD@1")], None),
        ] {
            check(before, looks, expected);
        }
    }

    #[test]
    fn what_runs_already_is_followed_from_there() {
        let mut course = Course::under_way(health("RUNNING@1"));
        let mut look = |text: &str| course.goes_on(&health(text), Duration::ZERO, LAG);
        assert_eq!(look("RUNNING@1"), None);
        assert_eq!(look("FINISHED_SUCCESS@1"), Some(End::Well));
    }

    #[test]
    fn times_are_told_as_people_write_them() {
        for (seconds, expected) in [(0, "0s"), (59, "59s"), (60, "1m"), (3600, "1h"), (3725, "1h 2m 5s")] {
            assert_eq!(span(Duration::from_secs(seconds)), expected);
        }
    }
}
