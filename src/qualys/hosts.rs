//! The servers behind the hosts: address, connections, and the gate that requests to it pass.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Client;
use url::Url;

use super::call::{Call, Host};
use super::endpoint::Endpoint;
use super::error::ConnectError;
use super::limits::Gate;

/// One server. Its rate limits are its own: a gateway that asks to wait keeps back nothing else.
#[derive(Debug)]
pub(super) struct Server {
    base: Url,
    pub(super) client: Client,
    pub(super) gate: Gate,
    quota_left: Mutex<Option<u64>>,
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
            let server =
                Server { base: url.clone(), client, gate: Gate::default(), quota_left: Mutex::default() };
            servers.push(Arc::new(server));
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
        let Hosts { api, portal, gateway } = self;
        [api, portal, gateway].into_iter().filter_map(|server| *server.quota()).min()
    }
}

impl Server {
    /// A server that is none of the platform's, to which a link of the platform's leads.
    pub(super) fn elsewhere(endpoint: &Endpoint, link: &Url) -> Result<Server, ConnectError> {
        let client = endpoint.client(link)?;
        Ok(Server { base: link.clone(), client, gate: Gate::default(), quota_left: Mutex::default() })
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

    pub(super) fn note_quota(&self, left: u64) {
        *self.quota() = Some(left);
    }

    fn quota(&self) -> std::sync::MutexGuard<'_, Option<u64>> {
        self.quota_left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn same_place(one: &Url, other: &Url) -> bool {
    one.as_str().trim_end_matches('/') == other.as_str().trim_end_matches('/')
}
