//! The only code that knows the platform's wire format. It reads and writes the types of [`crate::resource`].
//!
//! A [`Reader`] can only look; a [`Writer`] is the only thing that changes an object, one by id at a time; a [`Reporter`]
//! has reports made, which changes no object.
//! `transport` speaks HTTP with the platform's three `hosts`, of which each may count the calls of each `family`, and `token` signs in at the gateway. `entry` has one request go
//! first where nobody knows whether the password is taken; `inquiry` is what both make of many that want to know. `qps` is the API
//! family of connectors and tags, and each of its kinds has a file that turns its wire form into its spec and
//! back. A kind of another family implements `remote::Remote` by itself; `rest` helps those that speak plain JSON.
//! `cloudview` is the older API of connectors, which `remote` goes to where the settings say so.

mod client;
mod endpoint;
mod error;

mod remote;
mod write;

mod cloudview;
mod connectors;
mod container_security;
mod inventory;
mod tags;
mod template;

mod envelope;
mod qps;
mod rest;
mod run_errors;

mod lenient;
mod refusal;
mod shapes;

mod answer;
mod budget;
mod call;
mod entry;
mod family;
mod gate;
mod guard;
mod hosts;
mod inquiry;
mod limits;
mod quota;
mod token;
mod transport;

#[cfg(test)]
mod tests;

pub use client::{Reader, Writer};
pub use cloudview::{ReportRequest, ReportState, ReportStatus, Reporter};
pub use endpoint::{Endpoint, RetryPolicy};
pub use error::{ApiError, ApiErrorKind, ConnectError, Obstacle, REFUSED_CREDENTIALS, Refusal};
pub use hosts::{Rate, Spent};
pub use template::AwsTemplate;
pub use transport::Requests;
pub use write::{Context, Created, Names};
