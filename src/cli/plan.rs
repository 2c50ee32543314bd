//! `trueup plan`: pull, compare, print. Holds nothing that could write to the platform.

use std::future::ready;

use clap::Args;

use super::session::{Session, unknown_targets};
use super::{Common, Format, output};
use crate::exit::Exit;
use crate::resource::Address;
use crate::stop::Stop;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// How the plan is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Tell by the exit code: 2 changes are pending, 4 the live state drifted, 6 both, 8 a limit is exceeded
    #[arg(long)]
    detailed_exitcode: bool,
    /// List the objects that are live, not in the file and not ours
    #[arg(long)]
    show_unmanaged: bool,
    /// Plan these objects, and what they depend on, alone
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    target: Vec<Address>,
}

pub(super) async fn run(common: &Common, args: &PlanArgs) -> Exit {
    common.start_logs(-1);
    let mut session = match Session::open(common, args.format, &args.target).await {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    let report = session.pass("plan", false, &mut |_| Box::pin(ready(false)), &|_| {}, &Stop::new()).await;
    let plan = &report.plan;
    let exit = if let Some(exit) = unknown_targets(plan, args.format) {
        exit
    } else {
        let exit = if args.detailed_exitcode || plan.has_failures() {
            Exit::of_plan(plan.detailed_exit())
        } else {
            Exit::Success
        };
        match args.format {
            Format::Text => output::say(&session.text(plan, args.show_unmanaged)),
            Format::Json => output::say_json(&session.json(plan, exit, report.began)),
        }
        exit
    };
    session.close().await;
    exit
}
