//! The remote, in process: an HTTP server that speaks the documented Qualys APIs and keeps its objects in a file.
//!
//! It is written from the vendor's documents alone and shares no wire code with the client, so that one misreading cannot
//! hide on both sides. It is strict: what the documents do not allow is refused, in the documented shape. Where they
//! are silent there is an [option](Options). `docs/simulator.md` tells how to use it.
//!
//! A request passes through these files: `http` (faults, log), `routes` (which family), then one folder a family: `qps` for
//! connectors and tags, `gateway` for the services that take a token, `cloudview` for CloudView 1.x. A further QPS object joins with
//! a table of its fields and one line in `qps/nouns.rs`, a further service of the gateway or of CloudView with its routes and one
//! line in `gateway/mod.rs` or `cloudview/mod.rs`, a further family with its routes and one line in `routes.rs`.

mod settings;

mod options;

mod server;

mod join;

mod connection;

mod http;

mod routes;

mod account;
mod answer;

mod traffic;

mod control;

mod portal;

mod qps;

mod gateway;

mod cloudview;

mod kind;
mod mask;

mod world;

mod store;

mod state_file;

mod seed;

mod generate;

pub use join::{Running, start_or_join};
pub use options::{OptionInfo, Options};
pub use server::{Simulator, start};
pub use settings::{Seed, Settings, StartError};
