//! A proxy that passes bytes, for protocols other than HTTP.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Passes TCP connections to a server, and breaks them on demand.
#[derive(Debug)]
pub struct TcpProxy {
    address: String,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    connections: AtomicUsize,
    sent: AtomicU64,
    received: AtomicU64,
    delay: Mutex<Duration>,
    holding: Mutex<bool>,
    let_go: Condvar,
    cut_after: Mutex<Option<u64>>,
    refusing: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
    stopped: AtomicBool,
}

impl TcpProxy {
    /// A proxy in front of `upstream` (`host:port`).
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(upstream: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?.to_string();
        let (state, upstream) = (Arc::new(State::default()), upstream.to_owned());
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.stopped.load(Ordering::SeqCst) {
                    return;
                }
                shared.connections.fetch_add(1, Ordering::SeqCst);
                if !shared.refusing.load(Ordering::SeqCst) {
                    // A connection that cannot be made is closed, which is what its client sees.
                    drop(connect(&shared, client, &upstream));
                }
            }
        });
        Ok(Self { address, state })
    }

    /// `host:port` of the proxy.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How many connections were asked for.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many bytes went to the server and came from it.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        (self.state.sent.load(Ordering::SeqCst), self.state.received.load(Ordering::SeqCst))
    }

    /// Wait this long before each piece that comes from the server.
    pub fn delay(&self, time: Duration) {
        *lock(&self.state.delay) = time;
    }

    /// Keep back what comes from the server, or let go of it and what follows.
    pub fn hold(&self, hold: bool) {
        *lock(&self.state.holding) = hold;
        self.state.let_go.notify_all();
    }

    /// Close every connection once this many more bytes came from the server; `None` ends that.
    pub fn cut_after(&self, bytes: Option<u64>) {
        *lock(&self.state.cut_after) = bytes;
    }

    /// Close new connections at once, or stop doing so.
    pub fn refuse(&self, refuse: bool) {
        self.state.refusing.store(refuse, Ordering::SeqCst);
    }

    /// Close all open connections.
    pub fn disconnect(&self) {
        for stream in lock(&self.state.open).drain(..) {
            // It may be closed already.
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        self.hold(false);
        self.disconnect();
        // Wakes the listener; if nobody listens any more, all the better.
        drop(TcpStream::connect(&self.address));
    }
}

fn connect(state: &Arc<State>, client: TcpStream, upstream: &str) -> std::io::Result<()> {
    let server = TcpStream::connect(upstream)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    lock(&state.open).extend([client.try_clone()?, server.try_clone()?]);
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    let shared = state.clone();
    std::thread::spawn(move || pass(&shared, from_client, to_server, true));
    let shared = state.clone();
    std::thread::spawn(move || pass(&shared, server, client, false));
    Ok(())
}

/// Passes bytes in one direction until either side closes or the connection is to be cut.
fn pass(state: &State, mut from: TcpStream, mut to: TcpStream, sending: bool) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let mut passed = length;
        if sending {
            state.sent.fetch_add(length as u64, Ordering::SeqCst);
        } else {
            std::thread::sleep(*lock(&state.delay));
            let holding = state.let_go.wait_while(lock(&state.holding), |holding| *holding);
            drop(holding.unwrap_or_else(PoisonError::into_inner));
            if let Some(left) = lock(&state.cut_after).as_mut() {
                passed = passed.min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= passed as u64;
            }
            state.received.fetch_add(passed as u64, Ordering::SeqCst);
        }
        if to.write_all(&buffer[..passed]).is_err() || passed < length {
            break;
        }
    }
    // Either side may be closed already.
    drop(from.shutdown(Shutdown::Both));
    drop(to.shutdown(Shutdown::Both));
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
