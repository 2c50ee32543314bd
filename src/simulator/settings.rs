//! What a simulator is started with, and why one could not be started.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::Options;

/// How a simulator listens, what it starts from and how it behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The file that keeps the objects; `None` keeps them in memory only.
    pub state: Option<PathBuf>,
    /// The objects to start from; used only when the state file does not exist yet.
    pub seed: Seed,
    /// How many generated objects of a kind to start with besides the seed's, e.g. `{"aws": 10000}`; as with the seed,
    /// only when the state file does not exist yet.
    pub generate: BTreeMap<String, usize>,
    /// The one account's name.
    pub username: String,
    /// The one account's password.
    pub password: String,
    /// The choices where the vendor's documents are silent.
    pub options: Options,
    /// Whether the control calls show secrets as they are.
    pub show_secrets: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state: None,
            seed: Seed::Example,
            generate: BTreeMap::new(),
            username: "simulator".to_owned(),
            password: "simulator".to_owned(),
            options: Options::default(),
            show_secrets: false,
        }
    }
}

/// The objects that a simulator starts from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Seed {
    /// A small subscription with a few tags and connectors.
    #[default]
    Example,
    /// The platform's own system tags, nothing else.
    Empty,
    /// A JSON file, in the form that `docs/simulator.md` describes.
    File(PathBuf),
}

/// Why a simulator could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("could not listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be read, written or locked.
    #[error("could not {operation} {}", path.display())]
    File {
        /// What was to be done with the file.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line of the state file that is not its last one is not what was written there.
    #[error("could not understand {} line {line}", path.display())]
    State {
        /// The state file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The state file names objects that this version does not have.
    #[error("could not understand {} line {line}: {problem}", path.display())]
    StateContent {
        /// The state file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The seed is neither JSON nor YAML.
    #[error("could not understand the seed {}", path.display())]
    SeedSyntax {
        /// The seed file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_yaml::Error,
    },
    /// The seed can be read, but names something that does not exist.
    #[error("could not use the seed {origin}: {problem}")]
    Seed {
        /// The seed file, or `example`.
        origin: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no such kind of object to generate.
    #[error("could not generate {kind:?} objects: the kinds are {}", accepted.join(", "))]
    Generate {
        /// The kind asked for.
        kind: String,
        /// The kinds there are.
        accepted: Vec<&'static str>,
    },
    /// Another process holds the state file.
    #[error("could not lock {}: another simulator serves it", path.display())]
    Locked {
        /// The state file.
        path: PathBuf,
    },
    /// Another process holds the state file, and did not say where it serves it.
    #[error("could not join the simulator that serves {}: it did not answer within {seconds} s", path.display())]
    Join {
        /// The state file.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
}
