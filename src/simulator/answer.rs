//! A request and an answer, free of any HTTP library, so that a family of routes is a plain function.

use std::fmt::Write as _;

use axum::http::HeaderMap;
use base64::Engine as _;
use bytes::Bytes;

/// One request, its body read whole.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A form that a body can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Xml,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the body is declared as, without parameters such as its charset.
    pub(crate) fn media_type(&self) -> String {
        let declared = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        declared.split(';').next().unwrap_or_default().trim().to_owned()
    }

    /// The form that the answer is wanted in: the first one of the two that Accept names, else XML.
    pub(crate) fn accept(&self) -> Format {
        let accept = self.header("accept").unwrap_or_default().to_ascii_lowercase();
        let first =
            accept.split(',').find_map(|range| match range.split(';').next().unwrap_or_default().trim() {
                "application/json" => Some(Format::Json),
                "application/xml" | "text/xml" => Some(Format::Xml),
                _ => None,
            });
        first.unwrap_or(Format::Xml)
    }

    /// The user and password of Basic authentication.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        let (scheme, encoded) = self.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (user, password) = text.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    /// The names of all parameters of the query, decoded.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = String> {
        url::form_urlencoded::parse(self.query.as_bytes()).map(|(name, _)| name.into_owned())
    }

    /// One parameter of the query, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// One answer, and what the request log says of its request.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// The request was one that changes something.
    pub(crate) write: bool,
    /// The request was an update, delete or run that named no object.
    pub(crate) without_id: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
            write: false,
            without_id: false,
        }
    }

    pub(crate) fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    pub(crate) fn html(status: u16, title: &str) -> Self {
        let mut page = String::new();
        let _ = write!(
            page,
            "<!DOCTYPE html><html><head><title>{status} {title}</title></head>\
             <body><h1>{status} {title}</h1></body></html>"
        );
        Self::new(status, "text/html", page)
    }

    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
