//! What takes its time: a create whose answer may be lost, and the platform at work.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::{Instant, sleep};

use super::{Making, NotMade, earliest};
use crate::error::with_hint;
use crate::pace::Pauses;
use crate::qualys::{ReportRequest, ReportState, ReportStatus};

impl Making<'_> {
    /// Asks for the report. Where the answer is lost, it is looked for by its name, which no other has, before it is
    /// asked for once more.
    pub(super) async fn create(&self, request: &ReportRequest<'_>) -> Result<String, NotMade> {
        let mut again = true;
        loop {
            if self.stop.is_requested() {
                return Err(NotMade::Stopped { id: None });
            }
            // What was sent is waited for: whether the platform makes it should be known.
            let error = match self.reporter.create(request).await {
                Ok(id) => return Ok(id),
                Err(error) if error.outcome_unknown() => error,
                Err(error) => return Err(error.into()),
            };
            tracing::warn!(
                event = "report_progress",
                name = self.report.name,
                state = "answer lost",
                error = with_hint(&error),
                "looking for it in the list"
            );
            match self.look_for(request).await? {
                Some(id) => return Ok(id),
                None if again => again = false,
                None => return Err(NotMade::Lost(error)),
            }
        }
    }

    /// Looks for the report for a while: a list may lag behind what it lists.
    async fn look_for(&self, request: &ReportRequest<'_>) -> Result<Option<String>, NotMade> {
        let mut pauses = Pauses::new(self.pace, self.settle);
        loop {
            let found = async { Ok(self.reporter.made_since(request.name, earliest(request.until)).await?) };
            if let Some(id) = self.until_stopped(None, found).await? {
                return Ok(Some(id));
            }
            let Some(pause) = pauses.next() else { return Ok(None) };
            self.rest(None, pause).await?;
        }
    }

    /// Waits until the platform has completed the report.
    pub(super) async fn wait(&self, id: &str) -> Result<(), NotMade> {
        let mut pauses = Pauses::new(self.pace, self.pace.timeout);
        let mut told = None;
        let mut seen = Instant::now();
        loop {
            let looked = self.until_stopped(Some(id), async { Ok(self.reporter.status(id).await) }).await?;
            let last = match looked {
                Ok(Some(ReportStatus { state, expires_on })) => {
                    seen = Instant::now();
                    if told.as_ref() != Some(&state) {
                        tracing::info!(
                            event = "report_progress",
                            name = self.report.name,
                            state = state.word(),
                            id
                        );
                    }
                    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
                    let is_over = state == ReportState::Expired || expires_on.is_some_and(|on| on < today);
                    if is_over {
                        return Err(NotMade::Expired { id: id.to_owned(), on: expires_on });
                    }
                    if is_completed(id, &state)? {
                        return Ok(());
                    }
                    let last = format!("its state is {}", state.word());
                    told = Some(state);
                    last
                }
                Ok(None) if seen.elapsed() >= self.pace.lag => {
                    return Err(NotMade::Gone { id: id.to_owned(), after: seen.elapsed() });
                }
                Ok(None) => "it is not in the list".to_owned(),
                Err(error) if error.may_pass() => with_hint(&error),
                Err(error) => return Err(error.into()),
            };
            let Some(pause) = pauses.next() else {
                return Err(NotMade::TooLong { id: id.to_owned(), after: pauses.limit, last });
            };
            self.rest(Some(id), pause).await?;
        }
    }

    async fn rest(&self, id: Option<&str>, pause: Duration) -> Result<(), NotMade> {
        self.until_stopped(id, async {
            sleep(pause).await;
            Ok(())
        })
        .await
    }
}

/// Whether the state is the end; an end without a file is an error. A word that no document has is no end.
fn is_completed(id: &str, state: &ReportState) -> Result<bool, NotMade> {
    match state {
        ReportState::Completed => Ok(true),
        ReportState::Failed => Err(NotMade::Ended { id: id.to_owned(), state: "FAILED" }),
        ReportState::Rejected => Err(NotMade::Ended { id: id.to_owned(), state: "REJECTED" }),
        ReportState::Accepted
        | ReportState::Queued
        | ReportState::Processing
        | ReportState::Generated
        | ReportState::Expired
        | ReportState::Other(_) => Ok(false),
    }
}
