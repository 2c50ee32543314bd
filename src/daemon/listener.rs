//! A listener whose clients cannot keep others out: connections are counted, one that has made no progress for longest
//! makes room for a new one, and silent ones are closed.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};

/// What clients may take.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Connections at a time. A scraper, a few probes and a few people need less.
    connections: usize,
    /// How long the whole head of a request may take.
    head: Duration,
    /// How long a client may say nothing between requests, or take nothing of an answer. More than the minute that
    /// scrapers commonly keep between requests.
    silence: Duration,
}

const BOUNDS: Bounds =
    Bounds { connections: 64, head: Duration::from_secs(10), silence: Duration::from_secs(90) };

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Limited {
    listener: TcpListener,
    seats: Arc<Mutex<Seats>>,
    bounds: Bounds,
}

impl Limited {
    pub(super) fn new(listener: TcpListener) -> Limited {
        Limited::with(listener, BOUNDS)
    }

    fn with(listener: TcpListener, bounds: Bounds) -> Limited {
        Limited { listener, seats: Arc::default(), bounds }
    }
}

impl Listener for Limited {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // axum's own accept sits out errors such as too many open files.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let seat = Seat::take(&self.seats, self.bounds.connections);
        let alarm = Box::pin(tokio::time::sleep(self.bounds.head));
        (Connection { stream, bounds: self.bounds, in_head: true, alarm, seat }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The connections that count, by number.
#[derive(Debug, Default)]
struct Seats {
    next: u64,
    taken: BTreeMap<u64, Taken>,
}

/// What is known of a connection that counts.
#[derive(Debug)]
struct Taken {
    /// When it was made, or last took something of an answer. What a client says is no progress: it may say it slowly.
    progress: Instant,
    /// Wakes who waits for it.
    waker: Option<Waker>,
}

/// A connection's place among those that count, until it is dropped or has to make room.
#[derive(Debug)]
struct Seat {
    number: u64,
    seats: Arc<Mutex<Seats>>,
}

impl Seat {
    /// Takes a place; where there is none left, that of the connection without progress for longest.
    fn take(seats: &Arc<Mutex<Seats>>, most: usize) -> Seat {
        let mut all = lock(seats);
        while all.taken.len() >= most.max(1) {
            let oldest = all.taken.iter().min_by_key(|(number, taken)| (taken.progress, **number));
            let Some(number) = oldest.map(|(number, _)| *number) else { break };
            if let Some(waker) = all.taken.remove(&number).and_then(|taken| taken.waker) {
                waker.wake();
            }
        }
        let number = all.next;
        all.next += 1;
        all.taken.insert(number, Taken { progress: Instant::now(), waker: None });
        drop(all);
        Seat { number, seats: Arc::clone(seats) }
    }

    /// Fails where the connection has made room for another.
    fn check(&self) -> io::Result<()> {
        if lock(&self.seats).taken.contains_key(&self.number) {
            return Ok(());
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    fn progress(&self) {
        if let Some(taken) = lock(&self.seats).taken.get_mut(&self.number) {
            taken.progress = Instant::now();
        }
    }

    fn wait(&self, context: &Context<'_>) {
        if let Some(taken) = lock(&self.seats).taken.get_mut(&self.number) {
            taken.waker = Some(context.waker().clone());
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.seats).taken.remove(&self.number);
    }
}

fn lock(seats: &Mutex<Seats>) -> MutexGuard<'_, Seats> {
    seats.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that counts.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    bounds: Bounds,
    /// Whether a request is being said, and not answered yet.
    in_head: bool,
    alarm: Pin<Box<Sleep>>,
    seat: Seat,
}

impl Connection {
    /// Notes what came of a write.
    fn wrote(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            return self.wait(context).map(Err);
        }
        self.in_head = false;
        self.seat.progress();
        let next = Instant::now() + self.bounds.silence;
        self.alarm.as_mut().reset(next);
        written
    }

    /// Waits for the client, not for ever.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        self.seat.wait(context);
        self.alarm.as_mut().poll(context).map(|()| io::ErrorKind::TimedOut.into())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.seat.check()?;
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() {
            return self.wait(context).map(Err);
        }
        if !std::mem::replace(&mut self.in_head, true) {
            let next = Instant::now() + self.bounds.head;
            self.alarm.as_mut().reset(next);
        }
        // Also who never lets us wait has to come to an end.
        if self.alarm.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.seat.check()?;
        let written = Pin::new(&mut self.stream).poll_write(context, buffer);
        self.wrote(context, written)
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
        self.seat.check()?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.wrote(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Far beyond what anything here takes.
    const LONG: Duration = Duration::from_mins(5);

    async fn limited(bounds: Bounds) -> (Limited, SocketAddr) {
        let listener = Limited::with(TcpListener::bind("127.0.0.1:0").await.unwrap(), bounds);
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[tokio::test]
    async fn a_head_that_does_not_end_is_cut_however_much_comes_of_it() {
        let head = Duration::from_millis(200);
        let (mut listener, address) = limited(Bounds { connections: 2, head, silence: LONG }).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let (mut connection, _) = listener.accept().await;
        let trickle = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(head / 20).await;
            }
        });
        let mut byte = [0];
        let error = loop {
            match connection.read(&mut byte).await {
                Ok(read) => assert_eq!(read, 1),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(connection);
        trickle.await.unwrap();
    }

    #[tokio::test]
    async fn a_client_may_be_silent_between_requests_and_not_for_ever() {
        let silence = Duration::from_millis(100);
        let (mut listener, address) = limited(Bounds { connections: 2, head: LONG, silence }).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let (mut connection, _) = listener.accept().await;
        connection.write_all(b"an answer").await.unwrap();
        let error = connection.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let mut answer = [0; 9];
        client.read_exact(&mut answer).await.unwrap();
    }

    #[tokio::test]
    async fn the_one_without_progress_for_longest_makes_room() {
        let (mut listener, address) = limited(Bounds { connections: 2, head: LONG, silence: LONG }).await;
        let mut clients = Vec::new();
        for _ in 0..2 {
            clients.push(TcpStream::connect(address).await.unwrap());
        }
        let (mut first, _) = listener.accept().await;
        let (mut second, _) = listener.accept().await;
        // The first gets an answer, the second only speaks.
        first.write_all(b"an answer").await.unwrap();
        let waiting = tokio::spawn(async move {
            let mut bytes = Vec::new();
            second.read_to_end(&mut bytes).await.map_err(|error| error.kind())
        });
        clients.push(TcpStream::connect(address).await.unwrap());
        let (mut third, _) = listener.accept().await;
        assert_eq!(waiting.await.unwrap(), Err(io::ErrorKind::ConnectionAborted));
        first.write_all(b"more").await.unwrap();
        third.write_all(b"an answer").await.unwrap();
    }
}
