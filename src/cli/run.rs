//! `trueup run`: the daemon.

use std::fmt::Write as _;

use super::{Common, Format, LogChoice, output, session};
use crate::daemon::run::{Daemon, StartError, run as run_daemon};
use crate::desired::settings::Settings;
use crate::error::one_line;
use crate::exit::Exit;
use crate::plan::{Doing, Plan, Style};

/// The longest line of a plan: what is printed here is the log of a service, and whole in `plan`.
const LONGEST_LINE: usize = 16 << 10;

fn lines_that_fit(text: &str) -> String {
    let mut fit = String::with_capacity(text.len() + 1);
    for line in text.lines() {
        let end = (0..=line.len().min(LONGEST_LINE - 64)).rev().find(|end| line.is_char_boundary(*end));
        let end = end.unwrap_or(0);
        fit.push_str(&line[..end]);
        if end < line.len() {
            // Writing to a String cannot fail.
            let _ = write!(fit, "… ({} bytes in all)", line.len());
        }
        fit.push('\n');
    }
    fit
}

pub(super) async fn run(common: &Common) -> Exit {
    common.start_logs(0);
    let color = common.stdout_color();
    // With JSON logs the output is read by programs, often both streams as one: the plan is on `listen`.
    let shows = matches!(common.log_format, LogChoice::Text) && !common.quiet;
    let show = |plan: &Plan, platform: &str| {
        if shows {
            let style = Style { color, doing: Doing::of(plan.mode), ..Style::default() };
            output::say(&lines_that_fit(&session::text(plan, platform, style)));
        }
    };
    let daemon = Daemon {
        config: common.config(),
        open_journal: &|settings: &Settings| session::open_journal(settings),
        show: &show,
    };
    match run_daemon(daemon).await {
        Ok(()) => Exit::Success,
        // Each problem is in the log already; at a terminal people read them at length.
        Err(StartError::Rejected(rejected)) if shows => output::reject(Format::Text, &rejected),
        Err(StartError::Rejected(rejected)) => output::exit_of(&rejected),
        Err(error) => {
            tracing::error!(event = "start_failed", error = one_line(&error));
            Exit::Failure
        }
    }
}
