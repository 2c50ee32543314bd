//! Start and end of a server.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::connection::{Connection, CuttableListener};
use super::http::{Shared, service};
use super::join::{Lock, Locking};
use super::settings::{Settings, StartError};
use super::world::World;

/// How long a shutdown waits for requests in flight.
const GRACE: Duration = Duration::from_secs(2);

/// A running server. Dropping it ends it too, without waiting for requests in flight.
#[derive(Debug)]
pub struct Simulator {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    shared: Arc<Shared>,
    /// Held for as long as the server may write its state.
    _lock: Option<Lock>,
}

/// Starts a server.
///
/// # Errors
///
/// The address is taken, the state file is another server's, or a file cannot be read or written.
pub async fn start(settings: Settings) -> Result<Simulator, StartError> {
    let lock = match &settings.state {
        None => None,
        Some(state) => match Lock::try_take(state)? {
            Locking::Ours(lock) => Some(lock),
            Locking::Theirs(_) => return Err(StartError::Locked { path: state.clone() }),
        },
    };
    start_locked(settings, lock).await
}

/// Starts a server on a state file that is already ours.
pub(crate) async fn start_locked(
    settings: Settings,
    mut lock: Option<Lock>,
) -> Result<Simulator, StartError> {
    let address = settings.listen;
    let listen_error = |source| StartError::Listen { address, source };
    let world = World::open(&settings)?;
    let listener = TcpListener::bind(address).await.map_err(listen_error)?;
    let url = format!("http://{}", listener.local_addr().map_err(listen_error)?);
    if let Some(lock) = &mut lock {
        lock.announce(&url)?;
    }

    let shared = Arc::new(Shared::new(
        url.clone(),
        settings.username,
        settings.password,
        settings.show_secrets,
        world,
    ));
    let make_service = service(Arc::clone(&shared)).into_make_service_with_connect_info::<Connection>();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let server = axum::serve(CuttableListener(listener), make_service);
        // The one error that `serve` can return is documented as never returned.
        let _ = server.with_graceful_shutdown(async { stopped.await.unwrap_or_default() }).await;
    });
    Ok(Simulator { url, stop: Some(stop), task, shared, _lock: lock })
}

impl Simulator {
    /// Where it listens, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it, once the requests in flight are answered or two seconds have passed.
    pub async fn shutdown(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = tokio::time::timeout(GRACE, &mut self.task).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
        // A request that is held back may outlive its server; the state file is the next one's then.
        self.shared.world().store.detach();
    }
}
