//! Assessment reports, from what the file says to a file on disk: [`make`] is the whole. A report changes no object, so
//! nothing here can write one: it holds a [`Reader`], to look connectors up, and a [`Reporter`].

mod folder;
mod wait;

use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::desired::Desired;
use crate::error::with_hint;
use crate::pace::Pace;
use crate::plan::{Known, locate};
use crate::pull::pull;
use crate::qualys::{ApiError, Reader, ReportRequest, Reporter};
use crate::resource::AssessmentReport;
use crate::span::span;
use crate::stop::Stop;

/// What to make, and with what.
#[derive(Debug, Clone, Copy)]
pub struct Making<'a> {
    /// What the file says of it.
    pub report: &'a AssessmentReport,
    /// The file, by which connectors are found.
    pub desired: &'a Desired,
    /// Looks connectors up.
    pub reader: &'a Reader,
    /// Has the report made.
    pub reporter: &'a Reporter,
    /// How patient it is.
    pub pace: Pace,
    /// How long a report whose create was not answered is looked for before it is asked for again.
    pub settle: Duration,
    /// Asked to stop, it waits no longer; what the platform has begun stays there.
    pub stop: &'a Stop,
}

/// How often the platform is asked for a report, and for how long. Its list may lag behind: for as long a report that it
/// does not have is waited for.
pub const PACE: Pace = Pace {
    first: Duration::from_secs(1),
    cap: Duration::from_secs(30),
    lag: Duration::from_mins(2),
    timeout: Duration::from_hours(1),
};

/// How long a report whose create was not answered is looked for before it is asked for again.
pub const SETTLE: Duration = Duration::from_secs(20);

/// What came of a report.
#[derive(Debug)]
pub struct Outcome {
    /// Which, by its name in the file.
    pub name: String,
    /// The platform's id, once it was asked for.
    pub id: Option<String>,
    /// The file, or why there is none.
    pub result: Result<Made, NotMade>,
    /// How long it took.
    pub took: Duration,
}

/// A file that was put in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    /// A connector of the report was not found.
    #[error("{0}")]
    Connector(String),
    /// The folder cannot be used, or the file not be put there.
    #[error("could not put the report into {}: {source}", folder.display())]
    Folder {
        /// Where.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The platform refused, or did not answer.
    #[error("{}", with_hint(.0))]
    Platform(#[from] ApiError),
    /// Whether the platform makes it is not known.
    #[error("{}; the report is not in the list, so it may or may not be made", with_hint(.0))]
    Lost(ApiError),
    /// The platform ended it without a file.
    #[error(
        "the platform ended report {id} as {state} (hint: the user interface of the platform may tell why)"
    )]
    Ended {
        /// Its id.
        id: String,
        /// The platform's word.
        state: &'static str,
    },
    /// Its time is over.
    #[error("report {id} expired{}, and cannot be downloaded any more (hint: make it again)", on_day(*.on))]
    Expired {
        /// Its id.
        id: String,
        /// The last day, where it is known.
        on: Option<Date>,
    },
    /// The list does not have it.
    #[error("report {id} is not in the platform's list of reports, for {} now (hint: make it again)", span(*.after))]
    Gone {
        /// Its id.
        id: String,
        /// For how long.
        after: Duration,
    },
    /// It took too long.
    #[error("report {id} is not completed after {}: {last}; it stays on the platform", span(*.after))]
    TooLong {
        /// Its id.
        id: String,
        /// How long was waited.
        after: Duration,
        /// What was seen last.
        last: String,
    },
    /// A fault of the program's own.
    #[error("a fault in trueup itself ended it")]
    Fault,
    /// It was asked to stop.
    #[error("stopped{}", stays(.id.as_deref()))]
    Stopped {
        /// The id of the report that the platform is making.
        id: Option<String>,
    },
}

fn on_day(on: Option<Date>) -> String {
    on.map(|on| format!(" on {on}")).unwrap_or_default()
}

fn stays(id: Option<&str>) -> String {
    id.map_or_else(
        || " before the platform was asked for it".to_owned(),
        |id| format!(" while the platform makes it: report {id} stays there"),
    )
}

/// Makes a report and puts its file in place, telling of it in the log.
pub async fn make(making: Making<'_>) -> Outcome {
    let AssessmentReport { name, cloud, format, .. } = making.report;
    tracing::info!(event = "report_started", name, cloud = cloud.word(), format = format.word());
    let began = Instant::now();
    let mut id = None;
    let result = making.run(&mut id).await;
    let took = began.elapsed();
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match &result {
        Ok(Made { file, bytes }) => {
            tracing::info!(event = "report_finished", name, file = %file.display(), bytes, duration_ms);
        }
        // Asked for by a person: nothing is wrong.
        Err(stopped @ NotMade::Stopped { .. }) => {
            tracing::warn!(event = "report_failed", name, error = %stopped, id, duration_ms);
        }
        Err(error) => tracing::error!(event = "report_failed", name, error = %error, id, duration_ms),
    }
    Outcome { name: name.clone(), id, result, took }
}

impl Making<'_> {
    async fn run(&self, created: &mut Option<String>) -> Result<Made, NotMade> {
        let Making { report, reporter, .. } = self;
        folder::prepare(&report.download_to).await?;
        let connectors = self.until_stopped(None, self.connector_ids()).await?;
        // Finds the way in by a call that leaves no trace, and that the report could not be followed without.
        self.until_stopped(None, async { Ok(reporter.look().await?) }).await?;

        let at = Timestamp::now();
        let name = report.run_name(at);
        let request = ReportRequest { name: &name, report, connectors: &connectors, until: at };
        let id = self.create(&request).await?;
        *created = Some(id.clone());

        self.wait(&id).await?;
        let download = async { Ok(reporter.download(&id, report.format).await?) };
        let file = self.until_stopped(Some(&id), download).await?;
        folder::put(report, at, file).await
    }

    /// The ids of its connectors in CloudView, by a fresh listing; none for all.
    async fn connector_ids(&self) -> Result<Vec<String>, NotMade> {
        let Some(addresses) = &self.report.connectors else { return Ok(Vec::new()) };
        let live = pull(self.reader, &[self.report.cloud.kind()]).await;
        let known = Known::default();
        let found = locate(addresses, self.desired, &live, &known);
        let mut ids = Vec::with_capacity(found.len());
        for (address, found) in addresses.iter().zip(found) {
            let located =
                found.map_err(|why| NotMade::Connector(format!("could not find {address}: {why}")))?;
            let id = located.live.and_then(|live| self.reader.cloudview_id(live)).ok_or_else(|| {
                NotMade::Connector(format!(
                    "{address} has no id in CloudView: the platform gives it one some time after it is created, if it \
                     has the capability CI or CSA"
                ))
            })?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// Does what leaves no trace, unless it is asked to stop.
    async fn until_stopped<T>(
        &self,
        id: Option<&str>,
        doing: impl Future<Output = Result<T, NotMade>>,
    ) -> Result<T, NotMade> {
        tokio::select! {
            biased;
            () = self.stop.requested() => Err(NotMade::Stopped { id: id.map(str::to_owned) }),
            done = doing => done,
        }
    }
}

impl Outcome {
    /// How it ended, in a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match &self.result {
            Ok(Made { .. }) => "made",
            Err(NotMade::Stopped { .. }) => "stopped",
            Err(
                NotMade::Connector(_)
                | NotMade::Folder { .. }
                | NotMade::Platform(_)
                | NotMade::Lost(_)
                | NotMade::Ended { .. }
                | NotMade::Expired { .. }
                | NotMade::Gone { .. }
                | NotMade::TooLong { .. }
                | NotMade::Fault,
            ) => "failed",
        }
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let Outcome { name, id, result, took } = self;
        let made = result.as_ref().ok();
        json!({
            "name": name,
            "outcome": self.word(),
            "id": id,
            "file": made.map(|made| made.file.display().to_string()),
            "bytes": made.map(|made| made.bytes),
            "duration_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "error": result.as_ref().err().map(ToString::to_string),
        })
    }
}

/// How far the platform's clock may be behind ours.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// The earliest time that the platform can have noted for what was asked for now.
fn earliest(at: Timestamp) -> Timestamp {
    at.checked_sub(CLOCKS_DIFFER).unwrap_or(at)
}
