//! The file, read away from the loop: a file system that hangs costs the daemon a refusal, not its life.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info};

use super::board::Board;
use crate::desired::{self, Desired, Problem, Rejected};

/// How long all files together may take. Longer than one may, which then is named.
const LIMIT: Duration = Duration::from_secs(15);

/// Reads the file, and says what came of it.
#[derive(Debug)]
pub(super) struct Loading {
    config: PathBuf,
    /// A read that was given up and may hang still. No second one is begun beside it.
    under_way: Option<JoinHandle<Result<Desired, Rejected>>>,
    /// Whether the file was last refused for something that may go away by itself.
    again: bool,
    /// What the file was last refused for.
    told: Vec<Problem>,
}

impl Loading {
    pub(super) const fn new(config: PathBuf) -> Loading {
        Loading { config, under_way: None, again: false, told: Vec::new() }
    }

    /// The main file.
    pub(super) fn config(&self) -> &Path {
        &self.config
    }

    /// Whether to read it again even if nothing has changed.
    pub(super) const fn is_due(&self) -> bool {
        self.again
    }

    /// Reads the file. A refusal is told once, unless somebody asks.
    pub(super) async fn load(&mut self, asked: bool, board: &Board) -> Result<Desired, Rejected> {
        match self.read().await {
            Ok(desired) => {
                info!(
                    event = "config_loaded",
                    file = %self.config.display(),
                    files = desired.files.len(),
                    declared = desired.declared.len(),
                    warnings = desired.warnings.len(),
                );
                board.config_loaded(&desired.files, Timestamp::now());
                self.again = false;
                self.told.clear();
                Ok(desired)
            }
            Err(rejected) => {
                self.again = rejected.passing;
                self.reject(&rejected.problems, asked, board);
                Err(rejected)
            }
        }
    }

    /// Refuses the file for these problems.
    pub(super) fn reject(&mut self, problems: &[Problem], asked: bool, board: &Board) {
        if asked || self.told != problems {
            for problem in problems {
                self.tell(problem);
            }
        }
        self.told = problems.to_vec();
        board.config_rejected(problems, Timestamp::now());
    }

    fn tell(&self, problem: &Problem) {
        let place = problem.place.as_ref();
        // Without a place they are null, so that the fields are always there.
        let (line, column) = (json!(place.map(|place| place.line)), json!(place.map(|place| place.column)));
        error!(
            event = "config_rejected",
            file = place.map_or_else(|| self.config.display().to_string(), |place| place.file.to_string()),
            json.line = %line,
            json.column = %column,
            message = problem.message,
            hint = problem.hint,
        );
    }

    async fn read(&mut self) -> Result<Desired, Rejected> {
        let end = Instant::now() + LIMIT;
        if let Some(hanging) = &mut self.under_way {
            // What it finds is out of date by now.
            if timeout_at(end, hanging).await.is_err() {
                return Err(self.hangs());
            }
            self.under_way = None;
        }
        let config = self.config.clone();
        let reading = self.under_way.insert(tokio::task::spawn_blocking(move || desired::load(&config)));
        let Ok(read) = timeout_at(end, reading).await else { return Err(self.hangs()) };
        self.under_way = None;
        read.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    fn hangs(&self) -> Rejected {
        let message = format!(
            "could not read {} and what it includes: the file system did not answer within {} s",
            self.config.display(),
            LIMIT.as_secs()
        );
        let hint = "try again: the files themselves may be good".to_owned();
        Rejected { passing: true, ..Rejected::unread(vec![Problem::new(message, hint)]) }
    }
}
