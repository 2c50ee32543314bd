//! An answer as it came over the wire, and the fault that is seen in it or instead of it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;

use super::error::ApiErrorKind;
use super::limits::Limits;

/// One answer, read whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Where a redirect points to, without its query.
    pub(super) location: Option<String>,
    pub(super) limits: Limits,
    pub(super) body: Bytes,
}

/// What went wrong with one attempt; becomes an [`super::ApiError`] if no further attempt is made.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: ApiErrorKind,
    pub(super) status: Option<u16>,
    /// The platform's words as they came; made presentable by the transport.
    pub(super) said: String,
    /// Whether the same request may succeed a moment later.
    pub(super) transient: bool,
    /// Whether the platform may have done what was asked.
    pub(super) maybe_done: bool,
    /// How long the platform asks to wait.
    pub(super) wait: Option<Duration>,
    pub(super) source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Fault {
    /// The platform said no: nothing was done, and asking again changes nothing.
    pub(super) fn no(kind: ApiErrorKind, status: StatusCode, said: impl Into<String>) -> Fault {
        Fault {
            kind,
            status: Some(status.as_u16()),
            said: said.into(),
            transient: false,
            maybe_done: false,
            wait: None,
            source: None,
        }
    }

    /// The request reached the platform and nothing sure is known of it.
    pub(super) fn unsure(kind: ApiErrorKind, status: StatusCode, said: impl Into<String>) -> Fault {
        Fault { transient: true, maybe_done: true, ..Fault::no(kind, status, said) }
    }

    /// The answer came with a good status but makes no sense.
    pub(super) fn unreadable(answer: &Answer, said: impl Into<String>) -> Fault {
        Fault::unsure(ApiErrorKind::Unreadable, answer.status, said)
    }

    /// There was no answer, or it broke off. What failed before the request was sent is told from the rest.
    pub(super) fn transport(error: reqwest::Error, status: Option<u16>) -> Fault {
        let unsent = error.is_connect() || error.is_builder();
        let said = if error.is_dns() {
            "the host's name is not known"
        } else if error.is_connect() {
            "no connection"
        } else if error.is_timeout() {
            "no answer in time"
        } else if status.is_some() {
            "the answer broke off"
        } else {
            "the connection was closed before the answer"
        };
        Fault {
            kind: ApiErrorKind::Transport,
            status: None,
            said: said.to_owned(),
            transient: !error.is_builder(),
            maybe_done: !unsent,
            wait: None,
            source: Some(Arc::new(error.without_url()) as Arc<dyn Error + Send + Sync>),
        }
    }

    /// Not sent, since the platform has asked to wait for longer than we may.
    pub(super) fn kept_back(left: Duration) -> Fault {
        Fault {
            kind: ApiErrorKind::RateLimited { wait: Some(left) },
            status: None,
            said: String::new(),
            transient: true,
            maybe_done: false,
            wait: Some(left),
            source: None,
        }
    }
}
