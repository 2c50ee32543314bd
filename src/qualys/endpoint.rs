//! Where the platform is, who asks, and how patient the client is.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Certificate, Client, Proxy, redirect};
use url::Url;

use super::error::ConnectError;
use crate::loopback::is_loopback;
use crate::resource::gcp::ProjectField;
use crate::resource::{CloudviewAuth, ConnectorsApi};
use crate::secret::Secret;

/// Where the platform is and how to speak to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// The API server: the QPS family (connectors, tags).
    pub api: Url,
    /// The portal: CloudView v1 on older platforms.
    pub portal: Url,
    /// The gateway: the families that take a token.
    pub gateway: Url,
    /// What people call it: `US1`, `simulator`.
    pub name: String,
    /// Whether it is the built-in simulator, which listens on another port at each start.
    pub built_in: bool,
    /// The user.
    pub username: Secret,
    /// The password.
    pub password: Secret,
    /// More certificates to trust, PEM.
    pub ca_bundle: Option<PathBuf>,
    /// The proxy to go through; else what the environment says. Loopback addresses are always spoken to directly.
    pub proxy: Option<Url>,
    /// How long one answer may take, its body included; [`Duration::MAX`] for any time.
    pub timeout: Duration,
    /// How many requests may be under way at once.
    pub concurrency: usize,
    /// The one subscription (its UUID) that may answer.
    pub subscription: Option<String>,
    /// The API that connectors are managed through.
    pub connectors_api: ConnectorsApi,
    /// Where the CloudView API is and how it knows the user.
    pub cloudview_auth: CloudviewAuth,
    /// How it spells a field that its documents spell in two ways.
    pub gcp_project_field: ProjectField,
    /// What is tried again, and how long is waited.
    pub retry: RetryPolicy,
}

/// How often and after which time a failed request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a request is sent at most, rate limits not counted.
    pub attempts: u32,
    /// The upper bound of the first pause; it doubles with each attempt, and the pause is random below it.
    pub base: Duration,
    /// The longest pause that is not asked for by the platform.
    pub cap: Duration,
    /// How long one request may wait for rate limits, all pauses together. Long enough for the next window of a limit
    /// by the hour, too short for that of a limit by the day: such a wait is better said than sat out.
    pub max_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> RetryPolicy {
        RetryPolicy {
            attempts: 4,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
            max_wait: Duration::from_mins(75),
        }
    }
}

impl RetryPolicy {
    /// The pause before the attempt after `failed` ones: exponential, with full jitter, so that clients that
    /// failed together do not come back together.
    pub(super) fn pause(&self, failed: u32) -> Duration {
        let bound = self.base.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(self.cap);
        bound.mul_f64(rand::random())
    }

    /// The pause after a limit that does not say how long to wait, met so many times in a row: it doubles up to ten
    /// times the usual cap. Limits by the hour are common, and each refusal may itself be counted.
    pub(super) fn pause_at_limit(&self, met: u32) -> Duration {
        let cap = self.cap.saturating_mul(10);
        let bound = self.base.saturating_mul(1 << met.min(16)).min(cap);
        bound.mul_f64(0.5 + rand::random::<f64>() / 2.0)
    }
}

impl Endpoint {
    /// What tells the platform from others, where it does not tell its subscription: the API server's address, without
    /// scheme and credentials.
    pub(super) fn host(&self) -> String {
        if self.built_in {
            return self.name.clone();
        }
        let host = self.api.host_str().unwrap_or_default();
        let port = self.api.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{host}{port}{}", self.api.path().trim_end_matches('/'))
    }

    /// The HTTP client for one of the URLs. HTTP/1.1: the platform's load balancers speak nothing newer
    /// reliably, and a few kept connections serve as well.
    pub(super) fn client(&self, url: &Url) -> Result<Client, ConnectError> {
        // Fails where a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder()
            .http1_only()
            .user_agent(concat!("trueup/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(self.timeout.min(Duration::from_secs(10)))
            // Shorter than what load balancers grant: a connection that the other side has just closed costs
            // a create its certain outcome.
            .pool_idle_timeout(Duration::from_secs(20));
        if self.timeout == Duration::MAX {
            client = client.pool_idle_timeout(None);
        } else {
            client = client.timeout(self.timeout);
        }
        let certificates = self.certificates()?;
        client = match url.scheme() {
            // Plain HTTP is spoken with loopback alone; no certificates are read, so that none need be there.
            "http" => client.tls_certs_only(certificates),
            _ => client.tls_certs_merge(certificates),
        };
        client = match &self.proxy {
            _ if is_loopback(url) => client.no_proxy(),
            Some(proxy) => client.proxy(Proxy::all(proxy.clone()).map_err(|_| ConnectError::Proxy)?),
            None => client,
        };
        client.build().map_err(|source| ConnectError::Client { source: source.without_url() })
    }

    /// Whether [`Endpoint::client`] makes the same client for both.
    pub(super) fn same_rules(one: &Url, other: &Url) -> bool {
        one.scheme() == other.scheme() && is_loopback(one) == is_loopback(other)
    }

    fn certificates(&self) -> Result<Vec<Certificate>, ConnectError> {
        let Some(path) = &self.ca_bundle else { return Ok(Vec::new()) };
        let pem =
            std::fs::read(path).map_err(|source| ConnectError::CaBundle { path: path.clone(), source })?;
        match Certificate::from_pem_bundle(&without_byte_order_marks(&pem)) {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            Ok(_) | Err(_) => Err(ConnectError::NoCertificates { path: path.clone() }),
        }
    }
}

/// A mark before `-----BEGIN` hides that certificate from whoever reads PEM, and bundles that were joined from files hold
/// some in the middle.
fn without_byte_order_marks(pem: &[u8]) -> Vec<u8> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let mut left = Vec::with_capacity(pem.len());
    let mut rest = pem;
    while let Some((&first, after)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(MARK) {
            rest = behind;
        } else {
            left.push(first);
            rest = after;
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_cap() {
        let policy = RetryPolicy::default();
        for (failed, bound) in [(1, 500), (2, 1_000), (3, 2_000), (10, 30_000), (u32::MAX, 30_000)] {
            for _ in 0..50 {
                assert!(policy.pause(failed) <= Duration::from_millis(bound), "after {failed} failures");
            }
        }
    }

    #[test]
    fn a_client_for_a_real_platform_can_be_made() {
        let url: Url = "https://qualysapi.qualys.com".parse().unwrap();
        let endpoint = Endpoint {
            api: url.clone(),
            portal: url.clone(),
            gateway: url.clone(),
            name: "US1".to_owned(),
            built_in: false,
            username: Secret::new("u".to_owned()),
            password: Secret::new("p".to_owned()),
            ca_bundle: None,
            proxy: Some("http://proxy.example:3128".parse().unwrap()),
            timeout: Duration::from_secs(30),
            concurrency: 8,
            subscription: None,
            connectors_api: ConnectorsApi::default(),
            cloudview_auth: CloudviewAuth::default(),
            gcp_project_field: ProjectField::default(),
            retry: RetryPolicy::default(),
        };
        endpoint.client(&url).unwrap();
    }
}
