//! The servers behind the hosts: address, connections, and the gate that requests to each pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Client;
use url::Url;

use super::call::{Call, Host};
use super::endpoint::Endpoint;
use super::entry::Entry;
use super::error::ConnectError;
use super::gate::Gate;

/// One server. Its rate limits are its own: a gateway that asks to wait keeps back nothing else.
#[derive(Debug)]
pub(super) struct Server {
    base: Url,
    pub(super) client: Client,
    pub(super) gate: Gate,
    pub(super) entry: Entry,
    /// How many requests it was sent.
    sent: AtomicU64,
}

/// All servers of one platform.
#[derive(Debug)]
pub(super) struct Hosts {
    api: Arc<Server>,
    portal: Arc<Server>,
    gateway: Arc<Server>,
}

impl Hosts {
    pub(super) fn new(endpoint: &Endpoint) -> Result<Hosts, ConnectError> {
        let mut servers: Vec<Arc<Server>> = Vec::with_capacity(3);
        let mut server = |url: &Url| {
            if let Some(known) = servers.iter().find(|server| same_place(&server.base, url)) {
                return Ok(Arc::clone(known));
            }
            // Made by the same rules: its connections are kept by host anyway, and certificates are read once.
            let alike = servers.iter().find(|server| Endpoint::same_rules(&server.base, url));
            let client = match alike {
                Some(server) => server.client.clone(),
                None => endpoint.client(url)?,
            };
            servers.push(Arc::new(Server::new(url, client)));
            Ok(Arc::clone(&servers[servers.len() - 1]))
        };
        Ok(Hosts {
            api: server(&endpoint.api)?,
            portal: server(&endpoint.portal)?,
            gateway: server(&endpoint.gateway)?,
        })
    }

    pub(super) fn of(&self, host: Host) -> &Server {
        match host {
            Host::Api => &self.api,
            Host::Portal => &self.portal,
            Host::Gateway => &self.gateway,
        }
    }

    /// How many calls are left, as of the last answers that said so: the least, where servers count for themselves.
    pub(super) fn quota_left(&self) -> Option<u64> {
        self.each().into_iter().filter_map(|server| server.gate.left()).min()
    }

    /// What each server was sent, and what it allows.
    pub(super) fn spent(&self) -> Vec<Spent> {
        let spent = |server: &Server| Spent {
            sent: server.sent.load(Ordering::Relaxed),
            rate: server.gate.rate().map(|(calls, window)| Rate { calls, window }),
        };
        self.each().into_iter().map(spent).collect()
    }

    /// Each once, in an order that stays.
    fn each(&self) -> Vec<&Server> {
        let Hosts { api, portal, gateway } = self;
        let mut each: Vec<&Server> = Vec::with_capacity(3);
        for server in [api, portal, gateway] {
            if !each.iter().any(|known| std::ptr::eq(*known, &raw const **server)) {
                each.push(server);
            }
        }
        each
    }
}

/// What one server was sent so far, and what it allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Requests.
    pub sent: u64,
    /// Where its answers tell.
    pub rate: Option<Rate>,
}

/// A rate limit: so many calls in any window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many calls.
    pub calls: u64,
    /// How long the window is.
    pub window: Duration,
}

impl Server {
    fn new(base: &Url, client: Client) -> Server {
        Server {
            base: base.clone(),
            client,
            gate: Gate::default(),
            entry: Entry::default(),
            sent: AtomicU64::new(0),
        }
    }

    /// A server that is none of the platform's, to which a link of the platform's leads.
    pub(super) fn elsewhere(endpoint: &Endpoint, link: &Url) -> Result<Server, ConnectError> {
        let client = endpoint.client(link)?;
        Ok(Server::new(link, client))
    }

    /// Whether the link leads to this server itself.
    pub(super) fn is_at(&self, link: &Url) -> bool {
        self.base.origin() == link.origin()
    }

    /// Whether it is spoken to in the clear, which only loopback is.
    pub(super) fn is_in_the_clear(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// Where the call goes.
    pub(super) fn url(&self, call: &Call) -> Url {
        if let Some(link) = &call.link {
            return link.clone();
        }
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), call.path));
        if !call.query.is_empty() {
            url.query_pairs_mut().clear().extend_pairs(&call.query);
        }
        url
    }

    /// Where a redirect leads, without the query, which may hold a token.
    pub(super) fn target(&self, location: &str) -> Option<String> {
        let mut target = self.base.join(location).ok()?;
        target.set_query(None);
        target.set_fragment(None);
        // Fails for URLs that cannot hold a user, which is as good.
        let _ = target.set_username("");
        let _ = target.set_password(None);
        Some(target.into())
    }

    /// Counts a request that is sent.
    pub(super) fn count(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Its name, for people.
    pub(super) fn name(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }
}

fn same_place(one: &Url, other: &Url) -> bool {
    one.as_str().trim_end_matches('/') == other.as_str().trim_end_matches('/')
}
