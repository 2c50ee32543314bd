//! `trueup report`: make and download reports now.

use std::time::Duration;

use clap::Args;
use futures::future::join_all;
use serde_json::{Value, json};

use super::session::heed_signals;
use super::sync::length;
use super::{Common, Format, output, shown};
use crate::connect::connect;
use crate::desired;
use crate::error::one_line;
use crate::exit::Exit;
use crate::qualys::Reporter;
use crate::report::{Making, Outcome, Pace, make};
use crate::resource::AssessmentReport;
use crate::visible::visible;

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Which of the file's reports
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// How long to wait for the platform
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = length)]
    timeout: Duration,
    /// How the outcomes are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) async fn run(common: &Common, args: &ReportArgs) -> Exit {
    // Its progress is in the log.
    common.start_logs(0);
    let desired = match desired::load(&common.config()) {
        Ok(desired) => desired,
        Err(rejected) => return output::reject(args.format, &rejected),
    };
    let wanted = match wanted(&args.names, &desired.reports) {
        Ok(wanted) => wanted,
        Err((message, hint)) => return output::fail(args.format, Exit::Usage, &message, Some(&hint)),
    };
    let connection = match connect(&desired.settings, None, None).await {
        Ok(connection) => connection,
        Err(error) => return output::fail(args.format, Exit::Failure, &one_line(&error), None),
    };
    let stop = heed_signals();
    let (reader, reporter) = (&connection.reader, Reporter::new(&connection.reader));
    reader.heed(stop.clone());
    let pace = Pace { timeout: args.timeout, ..Pace::default() };
    let all = wanted.into_iter().map(|report| {
        make(Making { report, desired: &desired, reader, reporter: &reporter, pace, stop: &stop })
    });
    let outcomes = join_all(all).await;
    if let Some(simulator) = connection.simulator {
        simulator.shutdown().await;
    }
    say(args.format, &outcomes)
}

/// The reports of these names, each once; or what is wrong with the names, and which there are.
fn wanted<'a>(
    names: &[String],
    reports: &'a [AssessmentReport],
) -> Result<Vec<&'a AssessmentReport>, (String, String)> {
    let mut wanted: Vec<&AssessmentReport> = Vec::new();
    for name in names {
        let Some(report) = reports.iter().find(|report| report.name == *name) else {
            let known: Vec<String> = reports.iter().map(|report| visible(&report.name)).collect();
            let hint = if known.is_empty() {
                "the file has no reports: declare one in the section reports".to_owned()
            } else {
                format!("the file has {}", known.join(", "))
            };
            return Err((format!("no such report: {}", visible(name)), hint));
        };
        if !wanted.iter().any(|other| other.name == report.name) {
            wanted.push(report);
        }
    }
    Ok(wanted)
}

/// The paths of the files that were made; what failed stands in the log.
fn say(format: Format, outcomes: &[Outcome]) -> Exit {
    let well = outcomes.iter().all(|outcome| outcome.result.is_ok());
    let exit = if well { Exit::Success } else { Exit::Failure };
    match format {
        Format::Text => {
            for made in outcomes.iter().filter_map(|outcome| outcome.result.as_ref().ok()) {
                output::say(&format!("{}\n", shown(&made.file)));
            }
        }
        Format::Json => output::say_json(&json!({
            "format": "trueup.report/v1",
            "reports": outcomes.iter().map(Outcome::json).collect::<Vec<Value>>(),
            "exit": exit.code(),
        })),
    }
    exit
}
