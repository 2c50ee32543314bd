//! A listener that keeps its clients from taking what the daemon needs for itself: connections are counted,
//! and silent ones are closed.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// Connections at a time; more wait in the system's queue. A scraper, a few probes and a few people need less.
const CONNECTIONS: usize = 64;
/// How long a client may say nothing. More than the minute that scrapers commonly keep between requests.
const SILENCE: Duration = Duration::from_secs(90);

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Limited {
    listener: TcpListener,
    permits: Arc<Semaphore>,
    silence: Duration,
}

impl Limited {
    pub(super) fn new(listener: TcpListener) -> Limited {
        Limited { listener, permits: Arc::new(Semaphore::new(CONNECTIONS)), silence: SILENCE }
    }
}

impl Listener for Limited {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // Nobody closes the semaphore; were it closed, connections would just not be counted.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        // axum's own accept sits out errors such as too many open files.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let alarm = Box::pin(tokio::time::sleep(self.silence));
        (Connection { stream, silence: self.silence, alarm, _permit: permit }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that counts.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    silence: Duration,
    alarm: Pin<Box<Sleep>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                let next = Instant::now() + self.silence;
                self.alarm.as_mut().reset(next);
                Poll::Ready(read)
            }
            Poll::Pending => {
                self.alarm.as_mut().poll(context).map(|()| Err(io::Error::from(io::ErrorKind::TimedOut)))
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn limited(connections: usize, silence: Duration) -> Limited {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Limited { listener, permits: Arc::new(Semaphore::new(connections)), silence }
    }

    #[tokio::test]
    async fn a_silent_connection_is_closed_and_one_that_speaks_is_not() {
        let mut listener = limited(2, Duration::from_millis(200)).await;
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let (mut connection, _) = listener.accept().await;
        let mut byte = [0];
        client.write_all(b"x").await.unwrap();
        assert_eq!(connection.read(&mut byte).await.unwrap(), 1);
        let error = connection.read(&mut byte).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_connection_too_many_waits_for_another_to_end() {
        let mut listener = limited(1, SILENCE).await;
        let address = listener.local_addr().unwrap();
        let _first = TcpStream::connect(address).await.unwrap();
        let _second = TcpStream::connect(address).await.unwrap();
        let (connection, _) = listener.accept().await;
        let wait = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
        assert!(wait.is_err(), "the second was taken though one is the limit");
        drop(connection);
        let wait = tokio::time::timeout(Duration::from_secs(10), listener.accept()).await;
        assert!(wait.is_ok());
    }
}
