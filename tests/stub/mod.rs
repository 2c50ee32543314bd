//! A platform that plays given answers, one a request, and keeps what it was asked.

#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "shared by test programs that each use a part of it"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use trueup::qualys::{Endpoint, Reader, RetryPolicy};
use trueup::resource::gcp::ProjectField;
use trueup::resource::{CloudviewAuth, ConnectorsApi};
use trueup::secret::Secret;

/// One scripted answer.
#[derive(Debug, Clone)]
pub enum Play {
    /// Status, headers, body.
    Reply(u16, Vec<(String, String)>, String),
    /// Reads the request and closes the connection.
    Close,
    /// Announces more of the body than it sends, and closes.
    Torn(String),
    /// Never answers.
    Silence,
}

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub at: tokio::time::Instant,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

pub fn reply(status: u16, body: impl Into<String>) -> Play {
    Play::Reply(status, Vec::new(), body.into())
}

pub fn with(play: Play, name: &str, value: &str) -> Play {
    match play {
        Play::Reply(status, mut headers, body) => {
            headers.push((name.to_owned(), value.to_owned()));
            Play::Reply(status, headers, body)
        }
        other => other,
    }
}

/// A successful answer with this inside.
pub fn success(inside: &Value) -> Play {
    let mut response = inside.clone();
    response["responseCode"] = "SUCCESS".into();
    reply(200, serde_json::json!({"ServiceResponse": response}).to_string())
}

#[derive(Clone)]
pub struct Stub {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    /// Answers the requests in this order. The last answer is given to all that come after it.
    pub async fn plays(script: impl IntoIterator<Item = Play>) -> Stub {
        let script: Vec<Play> = script.into_iter().collect();
        Stub::answers(move |number, _| script[number.min(script.len() - 1)].clone()).await
    }

    /// Answers by a function of the request's number and content.
    pub async fn answers(play: impl Fn(usize, &Asked) -> Play + Send + Sync + 'static) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let stub = Stub { url, asked: Arc::clone(&asked) };
        let play = Arc::new(play);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&asked), Arc::clone(&play)));
            }
        });
        stub
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn endpoint(&self) -> Endpoint {
        let url: url::Url = self.url.parse().unwrap();
        Endpoint {
            api: url.clone(),
            portal: url.clone(),
            gateway: url,
            name: "stub".to_owned(),
            built_in: false,
            username: Secret::new("acme_ab1".to_owned()),
            password: Secret::new("pa55-w0rd".to_owned()),
            ca_bundle: None,
            proxy: None,
            timeout: Duration::from_secs(20),
            concurrency: 4,
            subscription: None,
            connectors_api: ConnectorsApi::default(),
            cloudview_auth: CloudviewAuth::default(),
            gcp_project_field: ProjectField::default(),
            retry: RetryPolicy {
                attempts: 3,
                base: Duration::from_millis(1),
                cap: Duration::from_millis(2),
                max_wait: Duration::from_mins(10),
            },
        }
    }

    pub fn reader(&self) -> Reader {
        Reader::connect(self.endpoint()).unwrap()
    }
}

async fn serve(
    stream: TcpStream,
    asked: Arc<Mutex<Vec<Asked>>>,
    play: Arc<impl Fn(usize, &Asked) -> Play + Send + Sync + 'static>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = request(&mut stream).await {
        let number = {
            let mut asked = asked.lock().unwrap();
            asked.push(request.clone());
            asked.len() - 1
        };
        let (status, headers, body, announced) = match play(number, &request) {
            Play::Reply(status, headers, body) => {
                let length = body.len();
                (status, headers, body, length)
            }
            Play::Torn(body) => (200, Vec::new(), body.clone(), body.len() + 100),
            Play::Close => return,
            Play::Silence => std::future::pending().await,
        };
        let mut head = format!("HTTP/1.1 {status} Stub\r\ncontent-length: {announced}\r\n");
        for (name, value) in headers {
            head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
        }
        let answer = format!("{head}\r\n{body}");
        if stream.write_all(answer.as_bytes()).await.is_err() || announced != body.len() {
            return;
        }
    }
}

async fn request(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let mut first = lines.first()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    let body = String::from_utf8(body).unwrap();
    Some(Asked { method, path, headers, body, at: tokio::time::Instant::now() })
}
