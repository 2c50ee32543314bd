//! The command line: arguments in, one command run, an exit code out.

mod apply;
mod export;
mod history;
mod init;
mod lookup;
mod output;
mod own;
mod plan;
mod report;
mod run;
mod session;
mod simulate;
mod sync;
mod template;
mod validate;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use nix::sys::resource::{Resource, setrlimit};

use crate::desired::{self, Desired, Problem, Rejected};
use crate::exit::Exit;
use crate::telemetry::{self, LogFormat};

/// Where the file is looked for when none is named.
const DEFAULT_CONFIGS: [&str; 2] = ["config.yaml", "/etc/trueup/config.yaml"];

/// Keeps a Qualys subscription's cloud connectors and scan schedules exactly as a YAML file says.
#[derive(Debug, Parser)]
#[command(name = "trueup", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 success · 1 something failed · 8 a limit is exceeded, nothing applied · \
64 usage · 78 the file is wrong · with --detailed-exitcode: 2 changes are pending, 4 the live state drifted, 6 both";

#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
struct Common {
    /// The file that says what should be [default: config.yaml, then /etc/trueup/config.yaml]
    #[arg(short, long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How logs are written, on stderr
    #[arg(long, global = true, value_enum, default_value_t = LogChoice::Text)]
    log_format: LogChoice,
    /// Say more (-vv: still more)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// When to use colour (NO_COLOR is obeyed too)
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto)]
    color: ColorChoice,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogChoice {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// How a command prints what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The daemon: reconcile at start, on schedule, on SIGHUP, and when the file changes
    Run,
    /// Show what differs between the file and the platform
    Plan(plan::PlanArgs),
    /// Make the platform as the file says
    Apply(apply::ApplyArgs),
    /// Put our mark on what the file names and is live; nothing else of it changes
    ///
    /// The mark is ` [trueup:OWNER]` at the end of the description, OWNER being reconcile.owner (with prevent_delete,
    /// ` [trueup:OWNER!]`). Of kinds without a description the journal remembers that they are ours. What bears our
    /// mark is deleted under prune: owned once the file drops it. Another owner's object is left alone, unless --from
    /// names that owner.
    Adopt(own::AdoptArgs),
    /// Take our mark off: it is not ours any more, and prune: owned leaves it alone
    Release(own::ReleaseArgs),
    /// Write what is live as a file that plans to no change
    ///
    /// This is how an existing subscription is taken up. The platform and its credentials are those of the
    /// file that -c names, which may hold nothing else. What is written is a whole configuration under policy:
    /// dry-run. Review it, fill in what its first lines list, and go on with it.
    ///
    /// Secrets are never read: each is a reference to an environment variable named after its object. What
    /// cannot be said is left out and listed at the top: fields that the platform does not show, and values
    /// that the file would refuse. Objects that bear another owner's mark, or share their identity with a
    /// second one, stand there as comments. The platform's own tags are not written.
    ///
    /// A kind that cannot be read is a warning and ends in exit code 1; the others are written all the same. One that
    /// the platform says it does not have (no Container Security, no OCI) is a warning alone, unless it is asked for or
    /// the file that -c names has its section.
    ///
    /// Reports and expectations are no objects of the platform: they stay in the file that has them. What cannot be read
    /// back (the registration of the snapshot scan) is a comment where the journal knows of it, and else missing.
    Export(export::ExportArgs),
    /// Show what was changed, when and why, from the journal alone
    ///
    /// Each change that was sent is a line, the oldest first, with what came of it and the fields that it wrote
    /// below. Asks no platform, needs no credentials and changes nothing; a daemon may run meanwhile.
    History(history::HistoryArgs),
    /// Check the file alone, offline
    Validate(validate::ValidateArgs),
    /// Run connectors on the platform now
    Sync(sync::SyncArgs),
    /// Download what has to be set up in a cloud before a connector can work there
    Template(template::TemplateArgs),
    /// Make and download assessment reports now
    ///
    /// Each is one of the section reports in the file. The paths of the files that were made are printed; nothing
    /// that is there already is written over.
    Report(report::ReportArgs),
    /// Run the simulator of the platform alone
    Simulate(simulate::SimulateArgs),
}

impl Common {
    /// The file: the one that is named, else the first of the usual ones that is there.
    fn config(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| {
            let usual = DEFAULT_CONFIGS.map(PathBuf::from);
            usual.iter().find(|path| path.exists()).unwrap_or(&usual[0]).clone()
        })
    }

    /// Reads the file.
    fn load(&self) -> Result<Desired, Rejected> {
        let path = self.config();
        if self.config.is_none() && matches!(path.try_exists(), Ok(false)) {
            let [here, installed] = DEFAULT_CONFIGS;
            let message = format!("there is no {here} in this folder, and no {installed}");
            let problems = vec![Problem::new(message, "name the file: -c FILE".to_owned())];
            return Err(Rejected::unread(problems));
        }
        desired::load(&path)
    }

    fn color_on(&self, is_terminal: bool) -> bool {
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
                is_terminal && !is_dumb && !is_set("NO_COLOR")
            }
        }
    }

    fn stdout_color(&self) -> bool {
        self.color_on(std::io::stdout().is_terminal())
    }

    /// Starts the logs. `base` is the level without `-v` and `-q`: 0 tells what happens, -1 what is wrong.
    fn start_logs(&self, base: i8) {
        let format = match self.log_format {
            LogChoice::Text => LogFormat::Text,
            LogChoice::Json => LogFormat::Json,
        };
        let verbosity = if self.quiet { -1 } else { base.saturating_add_unsigned(self.verbose) };
        telemetry::init(format, verbosity, self.color_on(std::io::stderr().is_terminal()));
    }
}

/// Runs the command line, and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    match init::run() {
        Some(code) => code.into(),
        None => run_command_line().into(),
    }
}

fn run_command_line() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are what was asked for; everything else is wrong usage.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            if exit == Exit::Usage && wants_json(std::env::args_os().skip(1)) {
                let text = error.render().to_string();
                let message = text.lines().next().unwrap_or_default();
                let message = message.strip_prefix("error: ").unwrap_or(message);
                return output::fail(
                    Format::Json,
                    exit,
                    message,
                    Some("trueup --help tells what is accepted"),
                );
            }
            // A closed pipe leaves nobody to tell.
            let _ = error.print();
            return exit;
        }
    };
    // A core dump would hold the credentials. Where it cannot be refused, the service's unit still does.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(1 << 20)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("could not start: {error}"));
            return Exit::Failure;
        }
    };
    let Cli { common, command } = cli;
    let exit = runtime.block_on(async {
        match command {
            Command::Run => run::run(&common).await,
            Command::Plan(args) => plan::run(&common, &args).await,
            Command::Apply(args) => apply::run(&common, &args).await,
            Command::Adopt(args) => own::adopt(&common, &args).await,
            Command::Release(args) => own::release(&common, &args).await,
            Command::Export(args) => export::run(&common, &args).await,
            Command::History(args) => history::run(&common, &args),
            Command::Validate(args) => validate::run(&common, &args),
            Command::Sync(args) => sync::run(&common, &args).await,
            Command::Template(args) => template::run(&common, args).await,
            Command::Report(args) => report::run(&common, &args).await,
            Command::Simulate(args) => simulate::run(&common, args).await,
        }
    });
    // Half a plan is none; what ended otherwise already is told by its own code.
    let exit =
        if output::is_lost() && !matches!(exit, Exit::Usage | Exit::Config) { Exit::Failure } else { exit };
    // A question that nobody answered any more is still being asked on a thread of its own.
    runtime.shutdown_background();
    exit
}

/// Whether a command line that is wrong asks for JSON: who reads the answer as JSON reads this one so too.
fn wants_json(args: impl Iterator<Item = OsString>) -> bool {
    let args: Vec<OsString> = args.collect();
    args.iter().any(|arg| arg == "--format=json")
        || args.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
}

/// The file as people know it.
fn shown(path: &Path) -> String {
    crate::visible::visible(&path.display().to_string())
}
