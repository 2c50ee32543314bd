//! What can go wrong between us and the platform: which operation on which object, and why.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::call::{Call, Host, Module};
use super::cloudview::Shut;
use crate::visible::visible;

/// Why an operation on the platform failed. Reads
/// `could not search awsassetdataconnector: HTTP 403: you may not look at connectors`; the source, where there
/// is one, stands beside it and is not part of the text.
#[derive(Debug, Clone, thiserror::Error)]
#[error("could not {operation}{}: {}", Object(self.object.as_deref()), Cause(self))]
pub struct ApiError {
    /// What was to be done: `search awsassetdataconnector`.
    pub operation: String,
    /// The object's id or address, where the operation is about one.
    pub object: Option<Box<str>>,
    /// What kind of failure it is.
    pub kind: ApiErrorKind,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The platform's own words, or ours for what came instead of them; one line, cut short, without secrets.
    pub said: String,
    /// The host that was asked.
    pub(super) host: Host,
    /// The module that it is a call of, where that is known.
    pub(super) module: Option<Module>,
    pub(super) outcome_unknown: bool,
    /// Whether the same request may succeed a moment later.
    pub(super) transient: bool,
    /// That it may be the door to CloudView that is shut, not what is behind it.
    pub(super) shut: Option<Shut>,
    #[source]
    pub(super) source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The kinds of failure that a caller can tell apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiErrorKind {
    /// User or password are not taken.
    Credentials,
    /// The user may not do this.
    Permission,
    /// The object is not there or outside the user's scope; for a search: there is no such collection.
    NotFound,
    /// The platform does not know this kind of object, or not in this version.
    UnknownObject {
        /// What to do about it for this kind, where that is known.
        remedy: Option<&'static str>,
    },
    /// A limit would keep us waiting longer than we may.
    RateLimited {
        /// How long the platform asks us to wait, where it says so.
        wait: Option<Duration>,
    },
    /// The platform, or what we know of it, refuses the request as it is.
    Refused(Box<Refusal>),
    /// The platform failed (HTTP 5xx).
    Server,
    /// The answer makes no sense: HTML, empty, torn, of another type.
    Unreadable,
    /// No connection could be made, so nothing was sent.
    Unreachable(Obstacle),
    /// There was no answer: a timeout, a connection closed early.
    Transport,
    /// The answer comes from another subscription than the one that the file is for.
    WrongSubscription {
        /// The subscription that answered.
        found: Box<str>,
    },
    /// The account as a whole cannot be used (2001 expired, 2003 registration not completed).
    Account {
        /// The platform's code.
        code: u16,
    },
}

/// Why no connection could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Nobody knows the host's name.
    UnknownHost,
    /// Nobody listens there, or a proxy or firewall is in the way.
    NoConnection,
    /// The server's certificate is not trusted.
    Certificate,
}

/// Why a request was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The platform's code, as in `INVALID_REQUEST`.
    pub code: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What the platform advises.
    pub resolution: Option<String>,
    /// What we advise, where the kind knows the case.
    pub remedy: Option<&'static str>,
    /// The fields that were refused, where these went by themselves: all else of the write was made. Empty where the
    /// write was refused as a whole.
    pub fields: Vec<&'static str>,
}

/// A name, with a space before it, where there is one.
struct Object<'a>(Option<&'a str>);

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |object| write!(f, " {object}"))
    }
}

struct Cause<'a>(&'a ApiError);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cause(error) = self;
        // A failure that came with status 200 is told by its code; the status would only confuse.
        if let Some(status) = error.status.filter(|status| !(200..300).contains(status)) {
            write!(f, "HTTP {status}: ")?;
        }
        f.write_str(&error.said)
    }
}

impl ApiError {
    /// Whether a write may have been processed although it failed: its outcome must be looked up before it is
    /// sent again. Never true of a read.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        self.outcome_unknown
    }

    /// Whether the same question may be answered later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self.kind {
            ApiErrorKind::Server
            | ApiErrorKind::Unreadable
            | ApiErrorKind::Unreachable(_)
            | ApiErrorKind::Transport
            | ApiErrorKind::RateLimited { wait: _ } => true,
            ApiErrorKind::Credentials
            | ApiErrorKind::Permission
            | ApiErrorKind::NotFound
            | ApiErrorKind::UnknownObject { remedy: _ }
            | ApiErrorKind::Refused(_)
            | ApiErrorKind::WrongSubscription { found: _ }
            | ApiErrorKind::Account { code: _ } => false,
        }
    }

    /// The fields that were refused, where all else of the write was made; none where nothing of it was.
    #[must_use]
    pub fn refused_fields(&self) -> &[&'static str] {
        match &self.kind {
            ApiErrorKind::Refused(refusal) => &refusal.fields,
            ApiErrorKind::Credentials
            | ApiErrorKind::Permission
            | ApiErrorKind::NotFound
            | ApiErrorKind::UnknownObject { .. }
            | ApiErrorKind::RateLimited { .. }
            | ApiErrorKind::Server
            | ApiErrorKind::Unreadable
            | ApiErrorKind::Unreachable(_)
            | ApiErrorKind::Transport
            | ApiErrorKind::WrongSubscription { .. }
            | ApiErrorKind::Account { .. } => &[],
        }
    }

    /// What to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        if let Some(shut) = self.shut {
            return Some(Cow::Borrowed(shut.remedy()));
        }
        let reason = self.reason();
        let hint = match &self.kind {
            ApiErrorKind::Credentials => {
                "check platform.username and platform.password, and that platform.pod is the account's platform"
            }
            ApiErrorKind::Permission if reason.starts_with("EVALUATION_EXPIRED") => {
                "the module's licence or trial is over: renew it with the vendor"
            }
            ApiErrorKind::Permission => return Some(self.permission_hint()),
            ApiErrorKind::NotFound if self.object.is_none() => return Some(self.wrong_host()),
            ApiErrorKind::NotFound => "it is gone, or outside the scope of the user",
            ApiErrorKind::UnknownObject { remedy } => {
                remedy.unwrap_or("the subscription lacks the module, or its platform this version of the API")
            }
            ApiErrorKind::RateLimited { .. } => {
                "wait, run less often, or ask the vendor for a higher limit; other tools use the same quota"
            }
            ApiErrorKind::Unreadable | ApiErrorKind::Server if reason.starts_with("an empty answer") => {
                return Some(self.wrong_host());
            }
            ApiErrorKind::Unreadable if self.status.is_some_and(|status| (300..400).contains(&status)) => {
                return Some(Cow::Owned(format!(
                    "redirects are not followed, so that credentials stay where they belong: set {}",
                    self.host.setting()
                )));
            }
            ApiErrorKind::Unreadable if reason.starts_with("an HTML page") => {
                return Some(Cow::Owned(format!(
                    "something else answers in the platform's place (a proxy, the wrong host): check {}",
                    self.host.setting()
                )));
            }
            ApiErrorKind::Unreadable if self.status == Some(404) => return Some(self.wrong_host()),
            ApiErrorKind::Unreachable(Obstacle::Certificate) => {
                let setting = self.host.setting();
                return Some(Cow::Owned(format!(
                    "if the platform, or a proxy before it, has its certificate from an authority of your own, put that \
                     authority's certificate into platform.ca_bundle; else check {setting}: another server may answer there"
                )));
            }
            ApiErrorKind::Unreachable(_) | ApiErrorKind::Transport => {
                let setting = self.host.setting();
                return Some(Cow::Owned(format!("check the network, platform.proxy and {setting}")));
            }
            ApiErrorKind::WrongSubscription { .. } => {
                "the credentials belong to another subscription than platform.subscription"
            }
            ApiErrorKind::Account { code: 2003 } => {
                "sign in to the user interface once as this user and accept the licence agreement (EULA)"
            }
            ApiErrorKind::Account { .. } => {
                "the account needs the attention of its administrator or of the vendor"
            }
            ApiErrorKind::Refused(refusal) => return refusal.remedy.map(Cow::Borrowed),
            ApiErrorKind::Server | ApiErrorKind::Unreadable => return None,
        };
        Some(Cow::Borrowed(hint))
    }

    /// Whether the platform says of a whole collection that it is not there, or of a kind of object that it does not know
    /// it: the subscription lacks the module, unless the host is the wrong one. Where already the sign-in finds nothing,
    /// it is the host.
    #[must_use]
    pub fn says_there_is_no_such_kind(&self) -> bool {
        let is_of_the_kind = self.shut.is_none() && !self.is_for_want_of_token();
        match self.kind {
            ApiErrorKind::NotFound => is_of_the_kind && self.object.is_none(),
            ApiErrorKind::UnknownObject { remedy: _ } => is_of_the_kind,
            ApiErrorKind::Credentials
            | ApiErrorKind::Permission
            | ApiErrorKind::RateLimited { .. }
            | ApiErrorKind::Refused(_)
            | ApiErrorKind::Server
            | ApiErrorKind::Unreadable
            | ApiErrorKind::Unreachable(_)
            | ApiErrorKind::Transport
            | ApiErrorKind::WrongSubscription { .. }
            | ApiErrorKind::Account { .. } => false,
        }
    }

    /// Why every kind that the same server has would fail too: in a few words that are the same for each of them.
    /// `None` where the cause may be the kind's own, such as a missing module, a permission or a damaged answer.
    #[must_use]
    pub fn concerns_every_kind(&self) -> Option<&'static str> {
        // The way into CloudView has a setting of its own, which its hint names.
        if self.shut.is_some() {
            return None;
        }
        match &self.kind {
            ApiErrorKind::Credentials => Some(REFUSED_CREDENTIALS),
            ApiErrorKind::Account { code: _ } => Some("account"),
            ApiErrorKind::WrongSubscription { found: _ } => Some("subscription"),
            ApiErrorKind::Unreachable(Obstacle::UnknownHost) => Some("unknown host"),
            ApiErrorKind::Unreachable(Obstacle::NoConnection) => Some("no connection"),
            ApiErrorKind::Unreachable(Obstacle::Certificate) => Some("certificate"),
            // A proxy or a login page answers in the platform's place. With status 404 it may be a missing module.
            ApiErrorKind::Unreadable if self.status.is_some_and(|status| (300..400).contains(&status)) => {
                Some("redirect")
            }
            ApiErrorKind::Unreadable if self.reason().starts_with("an HTML page") => Some("page"),
            ApiErrorKind::Permission
            | ApiErrorKind::NotFound
            | ApiErrorKind::UnknownObject { remedy: _ }
            | ApiErrorKind::RateLimited { wait: _ }
            | ApiErrorKind::Refused(_)
            | ApiErrorKind::Server
            | ApiErrorKind::Unreadable
            | ApiErrorKind::Transport => None,
        }
    }

    /// Why, in words that are the same for each call that failed of it: `HTTP 503: an empty answer`.
    #[must_use]
    pub fn words(&self) -> String {
        let cause = self.cause().to_string();
        cause.replacen(NO_TOKEN, "", 1)
    }

    /// What was said, less that it was the sign-in that failed.
    fn reason(&self) -> &str {
        self.said.strip_prefix(NO_TOKEN).unwrap_or(&self.said)
    }

    /// Whether it says so in words of the platform: a page of HTML, or nothing at all, may be another server's.
    #[must_use]
    pub fn says_in_words_that_there_is_no_such_kind(&self) -> bool {
        let wordless = ["an HTML page", "an empty answer"].iter().any(|what| self.said.starts_with(what));
        self.says_there_is_no_such_kind() && !wordless
    }

    fn wrong_host(&self) -> Cow<'static, str> {
        let (setting, module) = (self.host.setting(), Object(self.module.map(Module::name)));
        Cow::Owned(format!("{setting} names the wrong host, or the subscription lacks the module{module}"))
    }

    fn permission_hint(&self) -> Cow<'static, str> {
        let known = if self.said.starts_with(FRESH_TOKEN) { "user and password are right: " } else { "" };
        let permission = match permission(&self.said) {
            Some(name) => format!("the permission {name}"),
            None if self.host == Host::Api => {
                "the permission (for connectors: Manager with full scope)".to_owned()
            }
            None => match self.module {
                Some(module) => match module.permission() {
                    Some(name) => format!("the permission {name}"),
                    None => format!("the permission for {}", module.name()),
                },
                None => "the permission for this module".to_owned(),
            },
        };
        Cow::Owned(format!("{known}give the user {permission}, and switch API access on for its role"))
    }

    /// Whether the platform says of one object that it is not there. A page of HTML with status 404 is another
    /// server's word, and without an object it is the collection that is missing.
    pub(super) fn is_gone(&self) -> bool {
        self.kind == ApiErrorKind::NotFound && self.object.is_some() && !self.said.starts_with("an HTML page")
    }

    /// As the user sees it for whose call a token was wanted.
    pub(super) fn for_want_of_token(&self, call: &Call) -> ApiError {
        ApiError {
            operation: call.operation.clone(),
            object: call.object.as_deref().map(Box::from),
            said: format!("{NO_TOKEN}{}", self.said),
            ..self.clone()
        }
    }

    /// Whether what failed is the sign-in at the gateway.
    pub(super) fn is_for_want_of_token(&self) -> bool {
        self.said.starts_with(NO_TOKEN)
    }

    /// As the user sees it for whose call the same was found out for another.
    pub(super) fn instead_of(&self, call: &Call) -> ApiError {
        ApiError {
            operation: call.operation.clone(),
            object: call.object.as_deref().map(Box::from),
            ..self.clone()
        }
    }

    /// Why alone: `HTTP 403: you may not look at connectors`.
    pub(super) fn cause(&self) -> impl fmt::Display {
        Cause(self)
    }

    /// Refused although the token was got just now: the token is not what is wrong.
    pub(super) fn despite_fresh_token(self) -> ApiError {
        ApiError { kind: ApiErrorKind::Permission, said: format!("{FRESH_TOKEN}{}", self.said), ..self }
    }

    /// What was refused before any request was sent.
    pub(super) fn refused_here(operation: String, object: Option<String>, message: String) -> ApiError {
        ApiError {
            operation,
            object: object.map(String::into_boxed_str),
            host: Host::Api,
            module: None,
            said: message.clone(),
            kind: ApiErrorKind::Refused(Box::new(Refusal { message, ..Refusal::default() })),
            status: None,
            outcome_unknown: false,
            transient: false,
            shut: None,
            source: None,
        }
    }
}

/// How an error begins that is about the sign-in at the gateway.
/// The cause of a kind that could not be read because the platform refuses user or password.
pub const REFUSED_CREDENTIALS: &str = "credentials";

pub(super) const NO_TOKEN: &str = "no token from the gateway: ";
/// How an error begins that is about a call that a fresh token did not help.
const FRESH_TOKEN: &str = "refused with a fresh token: ";

/// The name of a permission in the platform's words, as in `CS.SENSOR_PROFILE.VIEW`.
fn permission(said: &str) -> Option<&str> {
    let part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_uppercase())
            && part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let mut words =
        said.split(|character: char| !(character.is_ascii_alphanumeric() || "._".contains(character)));
    words.find_map(|word| {
        let word = word.trim_end_matches('.');
        (word.contains('.') && word.split('.').all(part)).then_some(word)
    })
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The CA bundle cannot be read.
    #[error("could not read platform.ca_bundle {}", path.display())]
    CaBundle {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The CA bundle holds something else than certificates.
    #[error("platform.ca_bundle {} holds no certificates in PEM form", path.display())]
    NoCertificates {
        /// The file.
        path: std::path::PathBuf,
    },
    /// The proxy's URL cannot be used. The URL is not shown, since it may hold a password.
    #[error("platform.proxy is no URL of a proxy")]
    Proxy,
    /// The HTTP client cannot be made.
    #[error("could not set up the HTTP client")]
    Client {
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}

/// Cuts to a length that fits one line, and makes control characters visible: the text comes from outside.
pub(super) fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut line = String::with_capacity(words.len().min(LONGEST + 4));
    for (at, character) in words.chars().enumerate() {
        if at == LONGEST {
            line.push('…');
            break;
        }
        line.push(character);
    }
    visible(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_become_one_short_line() {
        assert_eq!(one_line("  two\r\n lines\t"), "two lines");
        assert_eq!(one_line("\u{1b}[31mred\u{202e}"), "\\u{1b}[31mred\\u{202e}");
        assert_eq!(one_line(&"é".repeat(400)), format!("{}…", "é".repeat(300)));
    }
}
