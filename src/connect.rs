//! From the settings to a way to the platform: URLs, credentials, and the simulator where it is asked for.

use std::path::PathBuf;
use std::time::Duration;

use tracing::info;
use url::Url;

use crate::desired::Settings;
use crate::desired::settings::{Platform, Pod};
use crate::qualys::{ConnectError, Endpoint, Reader, RetryPolicy};
use crate::secret::{Secret, SecretError, SecretRef};
use crate::simulator;

/// A way to the platform.
#[derive(Debug)]
pub struct Connection {
    /// What reads.
    pub reader: Reader,
    /// The platform's name in plans: the pod, or the host.
    pub platform: String,
    /// The simulator, where this call started or joined one.
    pub simulator: Option<simulator::Running>,
}

/// There is no way to the platform.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// A credential could not be resolved.
    #[error("could not resolve platform.{name}")]
    Credential {
        /// The setting.
        name: &'static str,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// The simulator did not start.
    #[error("could not start the simulator")]
    Simulator(#[from] simulator::StartError),
    /// A URL is missing or wrong.
    #[error("could not tell where the platform's {0} is: set platform.pod, or platform.{0}_url")]
    Url(&'static str),
    /// The client could not be set up.
    #[error("could not set up the client")]
    Client(#[from] ConnectError),
}

/// Finds the way to the platform. No request is sent. Where a simulator is asked for, `running` is used if there
/// is one; where `current` already leads there, it is kept, and with it what it knows of the platform's limits.
pub async fn connect(
    settings: &Settings,
    running: Option<&simulator::Running>,
    current: Option<&Reader>,
) -> Result<Connection, ConnectionError> {
    let platform = &settings.platform;
    let built_in = platform.pod == Pod::Simulator && platform.api_url.is_none();
    let simulator = match (built_in, running) {
        (false, _) | (true, Some(_)) => None,
        (true, None) => Some(start_simulator(settings).await?),
    };
    let simulator_url = simulator
        .as_ref()
        .or(running.filter(|_| built_in))
        .map(|running| running.url().parse::<Url>().map_err(|_| ConnectionError::Url("api")))
        .transpose()?;
    let place = |own: &Option<Url>, what: &'static str, host: Option<&str>| {
        own.clone()
            .or_else(|| simulator_url.clone())
            .or_else(|| host.and_then(|host| format!("https://{host}").parse().ok()))
            // A private platform, and a simulator elsewhere, serve all families from one place.
            .or_else(|| platform.api_url.clone())
            .ok_or(ConnectionError::Url(what))
    };
    let (name, api, portal, gateway) = match platform.pod {
        Pod::Simulator => ("simulator".to_owned(), None, None, None),
        Pod::Vendor { name, api, portal, gateway } => {
            (name.to_owned(), Some(api), Some(portal), Some(gateway))
        }
        Pod::Private => {
            let host = platform.api_url.as_ref().and_then(Url::host_str).unwrap_or("private");
            (platform.name.as_deref().unwrap_or(host).to_owned(), None, None, None)
        }
    };
    let username = credential("username", platform.username.as_ref(), platform, built_in).await?;
    let password = credential("password", platform.password.as_ref(), platform, built_in).await?;
    let endpoint = Endpoint {
        api: place(&platform.api_url, "api", api)?,
        portal: place(&platform.portal_url, "portal", portal)?,
        gateway: place(&platform.gateway_url, "gateway", gateway)?,
        name: name.clone(),
        built_in,
        username,
        password,
        ca_bundle: platform.ca_bundle.clone(),
        proxy: platform.proxy.clone(),
        timeout: platform.timeout,
        concurrency: platform.concurrency,
        subscription: platform.subscription.clone(),
        connectors_api: platform.connectors_api,
        cloudview_auth: platform.cloudview_auth,
        gcp_project_field: platform.gcp_project_field,
        retry: patience(platform.pod),
    };
    let reader = match current.filter(|current| current.serves(&endpoint)) {
        Some(current) => current.clone(),
        None => Reader::connect(endpoint)?,
    };
    Ok(Connection { reader, platform: name, simulator })
}

/// How patient the client is. With a simulator, also one elsewhere, there is nobody to spare by long pauses; what it asks
/// to wait is waited all the same.
fn patience(pod: Pod) -> RetryPolicy {
    let usual = RetryPolicy::default();
    match pod {
        Pod::Simulator => {
            RetryPolicy { base: Duration::from_millis(10), cap: Duration::from_millis(250), ..usual }
        }
        Pod::Vendor { .. } | Pod::Private => usual,
    }
}

/// A credential. The built-in simulator knows one account, whatever the file says.
async fn credential(
    name: &'static str,
    reference: Option<&SecretRef>,
    platform: &Platform,
    built_in: bool,
) -> Result<Secret, ConnectionError> {
    match reference {
        Some(reference) if !built_in => {
            // A command may take its time.
            let reference = reference.clone();
            let resolved = tokio::task::spawn_blocking(move || reference.resolve()).await;
            let resolved = resolved.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
            resolved.map_err(|source| ConnectionError::Credential { name, source })
        }
        Some(_) | None if platform.pod == Pod::Simulator => Ok(Secret::new("simulator")),
        Some(_) | None => Ok(Secret::new("")),
    }
}

async fn start_simulator(settings: &Settings) -> Result<simulator::Running, ConnectionError> {
    let state = simulator_state(settings);
    let running = simulator::start_or_join(simulator::Settings {
        state: Some(state.clone()),
        ..simulator::Settings::default()
    })
    .await?;
    info!(
        event = "simulator_started",
        url = running.url(),
        file = %state.display(),
        joined = running.joined(),
    );
    Ok(running)
}

/// The simulator's file lies beside the journal.
fn simulator_state(settings: &Settings) -> PathBuf {
    let folder =
        settings.journal.as_deref().and_then(std::path::Path::parent).map(PathBuf::from).unwrap_or_default();
    folder.join("trueup-simulator.json")
}
