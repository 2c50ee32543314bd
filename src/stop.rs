//! A request to stop, for everything that takes time to look at.
//!
//! It asks, it does not interrupt: whoever holds one finishes what it has begun and begins nothing new.

use std::sync::Arc;

use tokio::sync::watch;

/// A request to stop. Clones share the one request, which is never taken back.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    /// One that nobody has requested yet.
    #[must_use]
    pub fn new() -> Stop {
        Stop(Arc::new(watch::Sender::new(false)))
    }

    /// Asks to stop; `false` if that was asked before.
    #[expect(clippy::must_use_candidate, reason = "most who ask need not know whether they are the first")]
    pub fn request(&self) -> bool {
        !self.0.send_replace(true)
    }

    /// Whether to begin nothing new.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is requested.
    pub async fn requested(&self) {
        let mut requested = self.0.subscribe();
        // An error would mean that the sender is gone, and we hold it.
        let _ = requested.wait_for(|requested| *requested).await;
    }
}

impl Default for Stop {
    fn default() -> Stop {
        Stop::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_reaches_every_clone_and_stays() {
        let stop = Stop::new();
        let other = stop.clone();
        let waiting = tokio::spawn(async move { other.requested().await });
        assert!(!stop.is_requested());
        assert!(stop.request(), "the first request is the first");
        assert!(!stop.request(), "the second is not");
        waiting.await.unwrap();
        assert!(stop.is_requested());
        stop.requested().await;
    }
}
