//! `trueup simulate`: the simulator of the platform alone, for tests and for trying things out.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Common, Format, output};
use crate::daemon::signals::Signals;
use crate::error::one_line;
use crate::exit::Exit;
use crate::simulator::{Options, Seed, Settings, start};
use crate::stop::Stop;

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// Where to listen; port 0 picks one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Keep the objects in this file; without it they end with the process
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Start from the objects in this file, `example`, or `empty`
    #[arg(long, value_name = "FILE", default_value = "example")]
    seed: String,
    /// Add generated objects, as in aws=10000,tag=50
    #[arg(long, value_name = "KIND=COUNT", value_delimiter = ',', value_parser = generate)]
    generate: Vec<(String, usize)>,
    /// The account's user name
    #[arg(long, default_value = "simulator")]
    username: String,
    /// The account's password
    #[arg(long, default_value = "simulator", env = "TRUEUP_SIMULATOR_PASSWORD", hide_env_values = true)]
    password: String,
    /// How the simulator behaves where the documents are silent (repeatable), as in empty_set=ignored
    #[arg(long = "option", value_name = "NAME=VALUE")]
    options: Vec<String>,
    /// Show keys and passwords in the control calls below `/_sim/`, instead of a mask
    #[arg(long)]
    show_secrets: bool,
}

/// The objects live in memory; a typing error should not take all of it.
const MOST_GENERATED: usize = 1_000_000;

fn generate(text: &str) -> Result<(String, usize), String> {
    let (kind, count) = text.split_once('=').ok_or("expected KIND=COUNT, as in aws=100")?;
    let number = count.parse().ok().filter(|count| *count <= MOST_GENERATED);
    let number = number.ok_or_else(|| format!("`{count}` is no number of objects up to {MOST_GENERATED}"))?;
    Ok((kind.to_owned(), number))
}

pub(super) async fn run(common: &Common, args: SimulateArgs) -> Exit {
    common.start_logs(0);
    let mut options = Options::default();
    for option in &args.options {
        let set = match option.split_once('=') {
            Some((name, value)) => options.set(name, value),
            None => Err(format!("`{option}` is no option: expected NAME=VALUE")),
        };
        if let Err(error) = set {
            return output::fail(Format::Text, Exit::Usage, &error, None);
        }
    }
    let mut generate = BTreeMap::new();
    for (kind, count) in args.generate {
        if generate.insert(kind.clone(), count).is_some() {
            let error = format!("--generate names {kind} twice: once is enough");
            return output::fail(Format::Text, Exit::Usage, &error, None);
        }
    }
    let stop = Stop::new();
    let signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => return output::fail(Format::Text, Exit::Failure, &one_line(&error), None),
    };
    let settings = Settings {
        listen: args.listen,
        state: args.state,
        seed: match args.seed.as_str() {
            "example" => Seed::Example,
            "empty" => Seed::Empty,
            file => Seed::File(PathBuf::from(file)),
        },
        generate,
        username: args.username,
        password: args.password,
        options,
        show_secrets: args.show_secrets,
    };
    let simulator = match start(settings).await {
        Ok(simulator) => simulator,
        Err(error) => return output::fail(Format::Text, Exit::Failure, &one_line(&error), None),
    };
    output::say(&format!("{}\n", json!({ "url": simulator.url() })));
    tokio::spawn(signals.run_to_stop(stop.clone()));
    stop.requested().await;
    simulator.shutdown().await;
    Exit::Success
}
