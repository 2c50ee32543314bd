//! The only code that knows the platform's wire format. It reads and writes the types of [`crate::resource`].
//!
//! A [`Reader`] can only look; a [`Writer`] is the only thing that changes anything, one object by id at a time.
//! `transport` speaks HTTP, `qps` the API family of connectors and tags, and each kind has a file that turns
//! its wire form into its spec and back. A kind of another family implements `remote::Remote` by itself.

mod client;
mod endpoint;
mod error;

mod remote;

mod connectors;
mod tags;
mod template;

mod envelope;
mod qps;
mod refusal;
mod shapes;

mod answer;
mod limits;
mod transport;

pub use client::{Names, Reader, Writer};
pub use endpoint::{Endpoint, RetryPolicy};
pub use error::{ApiError, ApiErrorKind, ConnectError, Refusal};
pub use template::AwsTemplate;
pub use transport::Requests;
