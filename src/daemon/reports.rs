//! Reports on their schedules, beside the passes: each in the background, one of a name at a time. They are made
//! whatever `reconcile.policy` is, since a report changes no object; what makes them holds nothing that could.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use super::board::Board;
use crate::desired::Desired;
use crate::qualys::{Reader, Reporter};
use crate::report::{Making, NotMade, Outcome, Pace, make};
use crate::resource::{AssessmentReport, ZonedCron};
use crate::stop::Stop;

/// How often schedules are compared with the wall clock at least: a timer does not notice that the machine slept or
/// that its clock was set.
const WALL_CLOCK_CHECK: Duration = Duration::from_hours(1);

/// What is in force.
#[derive(Debug, Clone)]
pub(super) struct Scheduled {
    /// The file.
    pub(super) desired: Arc<Desired>,
    /// Looks connectors up.
    pub(super) reader: Reader,
}

/// Makes reports when they are due, until it is asked to stop. It then ends at once: what the platform has begun stays
/// there.
pub(super) async fn run(in_force: watch::Receiver<Scheduled>, stop: Stop, board: Board) {
    run_with(in_force, stop, board, Timestamp::now, make_one).await;
}

/// Makes one report with what was in force when it was due.
async fn make_one(scheduled: Scheduled, report: AssessmentReport, stop: Stop) -> Outcome {
    let Scheduled { desired, reader } = scheduled;
    let reporter = Reporter::new(&reader);
    let (desired, pace) = (&*desired, Pace::default());
    make(Making { report: &report, desired, reader: &reader, reporter: &reporter, pace, stop: &stop }).await
}

async fn run_with<F: Future<Output = Outcome> + Send + 'static>(
    mut in_force: watch::Receiver<Scheduled>,
    stop: Stop,
    board: Board,
    clock: impl Fn() -> Timestamp,
    make: impl Fn(Scheduled, AssessmentReport, Stop) -> F,
) {
    let mut current = in_force.borrow_and_update().clone();
    let mut due = Due::default();
    due.reload(&current.desired.reports, clock());
    let mut running = Running::default();
    board.reports_loaded(&current.desired.reports);
    while !stop.is_requested() {
        let now = clock();
        for name in due.take(now) {
            let Some(report) = current.desired.reports.iter().find(|report| report.name == name) else {
                continue;
            };
            if running.has(&name) {
                tracing::warn!(
                    event = "report_missed",
                    name,
                    "it is due again, and the run before it has not ended: this time is left out"
                );
                continue;
            }
            board.report_begins(&name, now);
            let task = running.tasks.spawn(make(current.clone(), report.clone(), stop.clone()));
            running.names.insert(task.id(), name);
        }
        board.reports_due(|name| due.next(name));
        let wait = due.wait(clock());
        tokio::select! {
            () = stop.requested() => {}
            Ok(()) = in_force.changed() => {
                current = in_force.borrow_and_update().clone();
                due.reload(&current.desired.reports, clock());
                board.reports_loaded(&current.desired.reports);
            }
            Some(outcome) = running.next() => board.report_ends(&outcome, clock()),
            () = tokio::time::sleep(wait) => {}
        }
    }
    while let Some(outcome) = running.next().await {
        board.report_ends(&outcome, clock());
    }
}

/// The reports that are being made.
#[derive(Default)]
struct Running {
    tasks: JoinSet<Outcome>,
    names: HashMap<Id, String>,
}

impl Running {
    fn has(&self, name: &str) -> bool {
        self.names.values().any(|running| running == name)
    }

    /// What came of the one that ends next; `None` where none is being made.
    async fn next(&mut self) -> Option<Outcome> {
        match self.tasks.join_next_with_id().await? {
            Ok((id, outcome)) => {
                self.names.remove(&id);
                Some(outcome)
            }
            // A fault of ours ends the one report alone.
            Err(error) => {
                let name = self.names.remove(&error.id()).unwrap_or_default();
                tracing::error!(event = "report_failed", name, error = %error);
                Some(Outcome { name, id: None, result: Err(NotMade::Fault), took: Duration::ZERO })
            }
        }
    }
}

/// When each report is due next.
#[derive(Debug, Default)]
struct Due(BTreeMap<String, (ZonedCron, Option<Timestamp>)>);

impl Due {
    /// Another file. A schedule that stays keeps its time, so that none is lost to a reload.
    fn reload(&mut self, reports: &[AssessmentReport], now: Timestamp) {
        let mut before = std::mem::take(&mut self.0);
        for AssessmentReport { name, cron, .. } in reports {
            let Some(cron) = cron else { continue };
            let kept = before.remove(name).filter(|(known, _)| known == cron);
            let next = kept.unwrap_or_else(|| (cron.clone(), cron.after(now)));
            self.0.insert(name.clone(), next);
        }
    }

    /// Those that are due now, each of which then waits for its next time.
    fn take(&mut self, now: Timestamp) -> Vec<String> {
        let mut names = Vec::new();
        for (name, (cron, next)) in &mut self.0 {
            if next.is_some_and(|due| due <= now) {
                names.push(name.clone());
                *next = cron.after(now);
            } else {
                // What a clock set back brings nearer counts too.
                *next = [*next, cron.after(now)].into_iter().flatten().min();
            }
        }
        names
    }

    fn next(&self, name: &str) -> Option<Timestamp> {
        self.0.get(name).and_then(|(_, next)| *next)
    }

    /// How long until the next one, at most until the wall clock is looked at again.
    fn wait(&self, now: Timestamp) -> Duration {
        let next = self.0.values().filter_map(|(_, next)| *next).min();
        let wait = next.map(|next| Duration::try_from(next.duration_since(now)).unwrap_or(Duration::ZERO));
        wait.unwrap_or(WALL_CLOCK_CHECK).min(WALL_CLOCK_CHECK)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::Instant;

    use super::*;
    use crate::report::Made;

    fn at(instant: &str) -> Timestamp {
        instant.parse().unwrap()
    }

    fn report(name: &str, cron: &str) -> AssessmentReport {
        let cron = ZonedCron::new(cron.parse().unwrap(), chrono_tz::UTC);
        AssessmentReport { name: name.to_owned(), cron: Some(cron), ..AssessmentReport::example() }
    }

    #[test]
    fn a_schedule_that_stays_keeps_its_time_and_a_new_one_counts_from_now() {
        let (six, noon) = ("0 0 6 * * * *", "0 0 12 * * * *");
        let mut due = Due::default();
        due.reload(&[report("a", six), report("b", six)], at("2026-01-01T05:00:00Z"));
        // Read again a moment after it was due, before that was seen.
        due.reload(&[report("a", six), report("b", noon)], at("2026-01-01T06:00:01Z"));
        assert_eq!(due.take(at("2026-01-01T06:00:02Z")), ["a"]);
        assert_eq!(due.next("a"), Some(at("2026-01-02T06:00:00Z")));
        assert_eq!(due.next("b"), Some(at("2026-01-01T12:00:00Z")));
        due.reload(&[], at("2026-01-01T06:00:03Z"));
        assert_eq!((due.next("a"), due.wait(at("2026-01-01T06:00:03Z"))), (None, WALL_CLOCK_CHECK));
    }

    #[test]
    fn a_clock_that_is_set_back_brings_a_time_nearer() {
        let mut due = Due::default();
        due.reload(&[report("a", "0 0 6 * * * *")], at("2026-01-05T07:00:00Z"));
        assert_eq!(due.take(at("2026-01-01T05:59:30Z")), [""; 0]);
        assert_eq!(due.wait(at("2026-01-01T05:59:30Z")), Duration::from_secs(30));
        assert_eq!(due.take(at("2026-01-01T06:00:00Z")), ["a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn two_names_run_side_by_side_and_one_of_a_name_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("config.yaml");
        let entry = |name: &str| {
            format!(
                "{{name: {name}, cloud: GCP, format: csv, policies: [{}], cron: \"0 * * * * * *\"}}",
                uuid::Uuid::nil()
            )
        };
        let text = format!(
            "version: 1\nplatform: {{pod: simulator, api_url: \"http://127.0.0.1:9\"}}\nreports: [{}, {}]\n",
            entry("long"),
            entry("short")
        );
        std::fs::write(&config, text).unwrap();
        let desired = Arc::new(crate::desired::load(&config).unwrap());
        // Nothing is asked of the platform.
        let reader = crate::connect::connect(&desired.settings, None, None).await.unwrap().reader;
        let scheduled = Scheduled { desired, reader };
        let (_settings, in_force) = watch::channel(scheduled);
        let (stop, board) = (Stop::new(), Board::new("1", at("2026-01-01T00:00:30Z")));
        let begun = Arc::new(Mutex::new(Vec::new()));
        let under_way = Arc::new(AtomicUsize::new(0));
        let (wall, monotonic) = (at("2026-01-01T00:00:30Z"), Instant::now());
        let clock = move || wall + monotonic.elapsed();
        let (noted, counted) = (Arc::clone(&begun), Arc::clone(&under_way));
        let make = move |_: Scheduled, report: AssessmentReport, _: Stop| {
            noted.lock().unwrap().push(report.name.clone());
            let counted = Arc::clone(&counted);
            async move {
                counted.fetch_add(1, Ordering::SeqCst);
                let took = Duration::from_secs(if report.name == "long" { 150 } else { 10 });
                tokio::time::sleep(took).await;
                counted.fetch_sub(1, Ordering::SeqCst);
                let made = Made { file: "/r".into(), bytes: 1 };
                Outcome { name: report.name, id: None, result: Ok(made), took }
            }
        };
        let running = tokio::spawn(run_with(in_force, stop.clone(), board.clone(), clock, make));
        tokio::time::sleep(Duration::from_secs(35)).await;
        assert_eq!(under_way.load(Ordering::SeqCst), 2, "side by side");
        // Four minutes: the long one is due at each, and begins at the first and the fourth.
        tokio::time::sleep(Duration::from_mins(3)).await;
        let begun = begun.lock().unwrap().clone();
        let count = |name: &str| begun.iter().filter(|begun| *begun == name).count();
        assert_eq!((count("long"), count("short")), (2, 4), "{begun:?}");
        stop.request();
        running.await.unwrap();
        assert_eq!(
            under_way.load(Ordering::SeqCst),
            0,
            "what runs is waited for: it heeds the stop by itself"
        );
        let status = board.status();
        assert!(status.reports.iter().all(|report| report.running_since.is_none()), "{:?}", status.reports);
    }
}
