//! An answer as it came over the wire, and the fault that is seen in it or instead of it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use rustls::CertificateError;

use super::error::{ApiErrorKind, Obstacle};
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
        let obstacle = obstacle(&error);
        let said = if let Some(obstacle) = obstacle {
            match obstacle {
                Obstacle::UnknownHost => "the host's name is not known",
                Obstacle::NoConnection => "no connection",
                Obstacle::Certificate => why_not_trusted(&error),
            }
        } else if error.is_timeout() {
            "no answer in time"
        } else if status.is_some() {
            "the answer broke off"
        } else {
            "the connection was closed before the answer"
        };
        Fault {
            kind: obstacle.map_or(ApiErrorKind::Transport, ApiErrorKind::Unreachable),
            status: None,
            said: said.to_owned(),
            // A certificate does not become trusted by asking again.
            transient: !error.is_builder() && obstacle != Some(Obstacle::Certificate),
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

/// Why there was no connection; `None` where there was one.
fn obstacle(error: &reqwest::Error) -> Option<Obstacle> {
    if error.is_dns() {
        return Some(Obstacle::UnknownHost);
    }
    let refuses_certificate = |cause: &(dyn Error + 'static)| {
        matches!(cause.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
    };
    if !error.is_connect() {
        None
    } else if causes(error).any(refuses_certificate) {
        Some(Obstacle::Certificate)
    } else {
        Some(Obstacle::NoConnection)
    }
}

/// Why the server's certificate is not trusted, in plain words.
fn why_not_trusted(error: &(dyn Error + 'static)) -> &'static str {
    let refusal = causes(error).find_map(|cause| match cause.downcast_ref() {
        Some(rustls::Error::InvalidCertificate(refusal)) => Some(refusal),
        Some(_) | None => None,
    });
    match refusal {
        Some(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "the server's certificate is not trusted: it has expired"
        }
        Some(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            "the server's certificate is not trusted: it is not valid yet"
        }
        Some(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => {
            "the server's certificate is not trusted: it is for another name"
        }
        Some(CertificateError::UnknownIssuer) => {
            "the server's certificate is not trusted: it is signed by none of the known authorities"
        }
        // The TLS library has no public word for it.
        Some(CertificateError::Other(other)) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "the server's certificate is not trusted: it is that of an authority (CA:TRUE), which cannot be a server's as \
             well; issue one for the server, with basicConstraints CA:FALSE"
        }
        Some(_) | None => "the server's certificate is not trusted",
    }
}

/// The error's causes. One that an I/O error carries is not among its sources.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let carried = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        carried.map(|carried| carried as &(dyn Error + 'static)).or_else(|| error.source())
    })
}
