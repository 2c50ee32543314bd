//! A client of few lines: it says exactly what is asked, and shows exactly what was answered.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use trueup::simulator::{Settings, Simulator, start};

/// A running simulator and what to say to it.
pub(crate) struct Remote {
    pub(crate) simulator: Simulator,
}

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// A request in the making.
pub(crate) struct Ask<'a> {
    url: &'a str,
    method: &'a str,
    path: &'a str,
    headers: Vec<(&'a str, String)>,
    body: String,
}

pub(crate) const AWS: &str = "awsassetdataconnector";
pub(crate) const AZURE: &str = "azureassetdataconnector";
pub(crate) const GCP: &str = "gcpassetdataconnector";
pub(crate) const OCI: &str = "ociassetdataconnector";
pub(crate) const GLOBAL_SCAN: &str = "globalscanconfiguration";

impl Remote {
    pub(crate) async fn example() -> Self {
        Self::with(&[]).await
    }

    /// The example with some options set.
    pub(crate) async fn with(options: &[(&str, &str)]) -> Self {
        let mut settings = Settings::default();
        for (name, value) in options {
            settings.options.set(name, value).unwrap();
        }
        Self::on(settings).await
    }

    pub(crate) async fn on(settings: Settings) -> Self {
        // What was written is looked at, keys included.
        Self { simulator: start(Settings { show_secrets: true, ..settings }).await.unwrap() }
    }

    pub(crate) fn ask<'a>(&'a self, method: &'a str, path: &'a str) -> Ask<'a> {
        ask(self.simulator.url(), method, path)
    }

    /// A JSON call of the Connectors API.
    pub(crate) async fn json(&self, verb: &str, noun: &str, body: Value) -> Value {
        let version = if noun.starts_with("tag") { "2.0" } else { "3.0" };
        let path = format!("/qps/rest/{version}/{verb}/am/{noun}");
        let method = if verb == "get" { "GET" } else { "POST" };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.ask(method, &path).json().body(&body).send().await;
        answer.value()["ServiceResponse"].take()
    }

    /// An XML call of the Connectors API.
    pub(crate) async fn xml(&self, verb: &str, noun: &str, body: &str) -> String {
        let version = if noun.starts_with("tag") { "2.0" } else { "3.0" };
        let path = format!("/qps/rest/{version}/{verb}/am/{noun}");
        let method = if verb == "get" { "GET" } else { "POST" };
        let answer = self.ask(method, &path).header("Content-Type", "text/xml").body(body).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.ask(method, path).json().body(&body).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.value()
    }

    /// The one object of a kind, by its id, in plain form.
    pub(crate) async fn plain(&self, kind: &str, id: u64) -> Value {
        let objects = self.control("GET", &format!("/_sim/objects?kind={kind}"), Value::Null).await;
        let mut found = objects["objects"].as_array().unwrap().iter().filter(|object| object["id"] == id);
        found.next().unwrap_or_else(|| panic!("no {kind} with id {id}"))["object"].clone()
    }

    /// The id of the one object of that name.
    pub(crate) async fn id(&self, kind: &str, name: &str) -> u64 {
        let objects = self.control("GET", &format!("/_sim/objects?kind={kind}"), Value::Null).await;
        let objects = objects["objects"].as_array().unwrap().clone();
        let mut named = objects.iter().filter(|object| object["object"]["name"] == name);
        named.next().unwrap_or_else(|| panic!("no {kind} named {name}"))["id"].as_u64().unwrap()
    }
}

/// A request with one object as its data.
pub(crate) fn request_of(name: &str, object: &Value) -> Value {
    serde_json::json!({"ServiceRequest": {"data": {name: object}}})
}

/// An object with some of its fields given another value; a dot in a name leads into a group, and null takes it away.
pub(crate) fn changed(mut object: Value, fields: &Value) -> Value {
    for (path, value) in fields.as_object().unwrap() {
        let mut place = &mut object;
        let (groups, last) = path.rsplit_once('.').map_or(("", path.as_str()), |split| split);
        for group in groups.split('.').filter(|group| !group.is_empty()) {
            place = &mut place[group];
        }
        if value.is_null() {
            place.as_object_mut().unwrap().remove(last);
        } else {
            place[last] = value.clone();
        }
    }
    object
}

pub(crate) fn ask<'a>(url: &'a str, method: &'a str, path: &'a str) -> Ask<'a> {
    let login = base64::engine::general_purpose::STANDARD.encode("simulator:simulator");
    Ask { url, method, path, headers: vec![("Authorization", format!("Basic {login}"))], body: String::new() }
}

impl<'a> Ask<'a> {
    pub(crate) fn header(mut self, name: &'a str, value: &str) -> Self {
        self.headers.retain(|(present, _)| *present != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(present, _)| *present != name);
        self
    }

    pub(crate) fn json(self) -> Self {
        self.header("Content-Type", "application/json").header("Accept", "application/json")
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    pub(crate) async fn send(self) -> Answer {
        self.try_send().await.unwrap()
    }

    /// `Err` holds what came before the connection ended too early.
    pub(crate) async fn try_send(self) -> Result<Answer, String> {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut text = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", self.method, self.path);
        if !self.headers.iter().any(|(name, _)| *name == "Host") {
            let _ = write!(text, "Host: {address}\r\n");
        }
        for (name, value) in &self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        let _ = write!(text, "Content-Length: {}\r\n\r\n{}", self.body.len(), self.body);
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let ended = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8(bytes).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return Err(text) };
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: BTreeMap<_, _> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.get("content-length").and_then(|length| length.parse().ok());
        if ended.is_err() || length.is_some_and(|length: usize| length != body.len()) {
            return Err(text.clone());
        }
        Ok(Answer { status, headers, body: body.to_owned() })
    }
}

impl Answer {
    pub(crate) fn value(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}
