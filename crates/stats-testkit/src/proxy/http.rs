//! A proxy that understands HTTP/1.1.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Action, Authority, Fault};

/// A request that came by, and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The value of the header `Authorization`, if sent.
    pub authorization: Option<String>,
    /// The request's body.
    pub body: Vec<u8>,
    /// The status it was answered with; 0 for a closed connection.
    pub status: u16,
    /// Bytes of the answer's body that were passed on.
    pub received: usize,
}

/// How the proxy presents itself.
#[derive(Debug, Default)]
pub struct HttpProxyBuilder {
    upstream: String,
    tls: Option<Arc<rustls::ServerConfig>>,
    authorization: Option<String>,
}

impl HttpProxyBuilder {
    /// Speak TLS, with a certificate of `authority`.
    #[must_use]
    pub fn tls(mut self, authority: &Authority) -> Self {
        self.tls = Some(authority.server());
        self
    }

    /// Answer 401 unless the header `Authorization` has exactly this value.
    #[must_use]
    pub fn authorization(mut self, value: impl Into<String>) -> Self {
        self.authorization = Some(value.into());
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(self) -> anyhow::Result<HttpProxy> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?.to_string();
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let state = Arc::new(State::default());
        let (settings, shared) = (Arc::new(self), state.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (settings, shared) = (settings.clone(), shared.clone());
                // A broken connection is what faults are for; its client sees it too.
                std::thread::spawn(move || drop(serve(&settings, &shared, client)));
            }
        });
        Ok(HttpProxy { url: format!("{scheme}://{address}"), address, state })
    }
}

/// A running proxy. Ends when dropped; connections in use end with their client.
#[derive(Debug)]
pub struct HttpProxy {
    url: String,
    address: String,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    faults: Mutex<Vec<Fault>>,
    requests: Mutex<Vec<Request>>,
    stopped: AtomicBool,
}

impl HttpProxy {
    /// A proxy in front of `upstream` (`host:port`, plain HTTP).
    #[must_use]
    pub fn in_front_of(upstream: &str) -> HttpProxyBuilder {
        HttpProxyBuilder { upstream: upstream.to_owned(), ..HttpProxyBuilder::default() }
    }

    /// Its URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Adds a fault. The first one that hits a request decides.
    pub fn add(&self, fault: Fault) {
        lock(&self.state.faults).push(fault);
    }

    /// Forgets all faults and all requests.
    pub fn clear(&self) {
        lock(&self.state.faults).clear();
        lock(&self.state.requests).clear();
    }

    /// All requests so far, in the order in which they were finished.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state.requests).clone()
    }

    /// How many requests had `part` in their path or query.
    #[must_use]
    pub fn count(&self, part: &str) -> usize {
        lock(&self.state.requests).iter().filter(|request| request.target.contains(part)).count()
    }

    /// Bytes of all answers' bodies whose request had `part` in its path or query.
    #[must_use]
    pub fn received(&self, part: &str) -> usize {
        let requests = lock(&self.state.requests);
        requests.iter().filter(|r| r.target.contains(part)).map(|r| r.received).sum()
    }
}

impl Drop for HttpProxy {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener; if nobody listens any more, all the better.
        drop(TcpStream::connect(&self.address));
    }
}

trait ReadWrite: Read + Write + Send {}
impl<T: Read + Write + Send> ReadWrite for T {}
type Side = BufReader<Box<dyn ReadWrite>>;

fn serve(settings: &HttpProxyBuilder, state: &State, client: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    let client: Box<dyn ReadWrite> = match &settings.tls {
        Some(config) => {
            let connection =
                rustls::ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            Box::new(rustls::StreamOwned::new(connection, client))
        }
        None => Box::new(client),
    };
    let mut client = BufReader::new(client);
    let mut server = None;
    while let Some((head, body)) = read_message(&mut client, false)? {
        let mut request = Request {
            method: head.word(0),
            target: head.word(1),
            authorization: head.value("authorization"),
            body,
            status: 0,
            received: 0,
        };
        let reply = answer(settings, state, &mut server, &head, &mut request);
        // Counted before the client can know of the answer.
        lock(&state.requests).push(request);
        let reply = reply?;
        let piece = if reply.pause.is_some() { PIECE } else { reply.bytes.len().max(1) };
        for bytes in reply.bytes.chunks(piece) {
            std::thread::sleep(reply.pause.unwrap_or_default());
            client.get_mut().write_all(bytes)?;
            client.get_mut().flush()?;
        }
        if reply.last {
            return Ok(());
        }
    }
    Ok(())
}

/// What to write to the client, and whether to close the connection then.
struct Reply {
    bytes: Vec<u8>,
    last: bool,
    /// Before each [`PIECE`].
    pause: Option<Duration>,
}

/// What trickles at once.
const PIECE: usize = 256;

/// Finds the answer to one request; an error closes the connection without one.
fn answer(
    settings: &HttpProxyBuilder,
    state: &State,
    server: &mut Option<Side>,
    head: &Head,
    request: &mut Request,
) -> io::Result<Reply> {
    let action = match &settings.authorization {
        Some(expected) if Some(expected) != request.authorization.as_ref() => {
            Some(Action::Answer { status: 401, retry_after: None })
        }
        _ => lock(&state.faults).iter_mut().find_map(|fault| fault.strike(request)),
    };
    match &action {
        Some(Action::Delay(time)) => std::thread::sleep(*time),
        Some(Action::Before(act)) => act(),
        Some(Action::Close) => return Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Action::Answer { status, retry_after }) => {
            request.status = *status;
            return Ok(arranged(*status, *retry_after));
        }
        _ => {}
    }
    let (head, mut body) = forward(settings, server, head, request)?;
    request.status = head.word(1).parse().unwrap_or(0);
    let mut passed = None;
    match &action {
        Some(Action::CutBody(after)) => passed = Some((*after).min(body.len())),
        Some(Action::CorruptByte(at)) if !body.is_empty() => {
            let at = at % body.len();
            body[at] ^= 1;
        }
        Some(Action::Rewrite(rewrite)) => body = rewrite(body),
        _ => {}
    }
    let mut bytes =
        if request.method == "HEAD" { head.bytes() } else { head.with_length(body.len()) };
    request.received = passed.unwrap_or(body.len());
    bytes.extend_from_slice(&body[..request.received]);
    let pause = match action {
        Some(Action::Trickle(pause)) => Some(pause),
        _ => None,
    };
    Ok(Reply { bytes, last: passed.is_some(), pause })
}

/// Asks the server, over the connection kept for this client.
fn forward(
    settings: &HttpProxyBuilder,
    server: &mut Option<Side>,
    head: &Head,
    request: &Request,
) -> io::Result<(Head, Vec<u8>)> {
    let upstream = match server {
        Some(upstream) => upstream,
        None => {
            let stream = TcpStream::connect(&settings.upstream)?;
            stream.set_nodelay(true)?;
            server.insert(BufReader::new(Box::new(stream)))
        }
    };
    let mut bytes = head.with_length(request.body.len());
    bytes.extend_from_slice(&request.body);
    upstream.get_mut().write_all(&bytes)?;
    read_message(upstream, request.method == "HEAD")?
        .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn arranged(status: u16, retry_after: Option<u64>) -> Reply {
    let body = format!(
        r#"{{"error":{{"type":"arranged","reason":"status {status}"}},"status":{status}}}"#
    );
    let retry = retry_after.map(|s| format!("retry-after: {s}\r\n")).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status} arranged\r\ncontent-type: application/json\r\n{retry}content-length: {}\r\n\r\n",
        body.len()
    );
    Reply { bytes: (head + &body).into_bytes(), last: false, pause: None }
}

/// The first line and the headers of a message.
struct Head(Vec<String>);

impl Head {
    fn word(&self, number: usize) -> String {
        self.0[0].split(' ').nth(number).unwrap_or_default().to_owned()
    }

    fn value(&self, name: &str) -> Option<String> {
        self.0[1..].iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.0.join("\r\n").into_bytes();
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes
    }

    /// The same with a body of `length` bytes that is not chunked.
    fn with_length(&self, length: usize) -> Vec<u8> {
        let framing = |line: &&String| {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            !matches!(name.as_str(), "content-length" | "transfer-encoding")
        };
        let mut lines: Vec<String> = self.0.iter().filter(framing).cloned().collect();
        lines.push(format!("content-length: {length}"));
        Self(lines).bytes()
    }
}

/// Reads a whole message; `None` when the connection ended before it.
fn read_message(side: &mut Side, no_body: bool) -> io::Result<Option<(Head, Vec<u8>)>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if side.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        lines.push(line.to_owned());
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let head = Head(lines);
    let mut body = Vec::new();
    if head.value("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        read_chunks(side, &mut body)?;
    } else if let (Some(length), false) = (head.value("content-length"), no_body) {
        let length: u64 = length.parse().map_err(io::Error::other)?;
        side.take(length).read_to_end(&mut body)?;
        if body.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Some((head, body)))
}

fn read_chunks(side: &mut Side, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut line = String::new();
        side.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        side.by_ref().take(size).read_to_end(body)?;
        side.read_line(&mut line)?;
        if size == 0 {
            return Ok(());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
