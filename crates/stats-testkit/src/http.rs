//! A little HTTP/1.1 client for the tests' own use: one request, one connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// An answer, read completely.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// When the status is not 2xx or the body is not JSON.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        let text = String::from_utf8_lossy(&self.body);
        ensure!(self.status / 100 == 2, "status {}: {text:.500}", self.status);
        serde_json::from_slice(&self.body).with_context(|| format!("not JSON: {text:.500}"))
    }
}

/// Sends `method` to `url` (`http://host:port/path`, no TLS) with a JSON `body`, possibly empty.
///
/// # Errors
/// When the server cannot be reached within a minute, or does not speak HTTP.
pub fn send(method: &str, url: &str, body: &[u8]) -> anyhow::Result<Answer> {
    let rest = url.strip_prefix("http://").context("only http:// is understood")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let address = host.to_socket_addrs()?.next().context("no address")?;
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_nodelay(true)?;
    let kind = if path.contains("_bulk") { "application/x-ndjson" } else { "application/json" };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         content-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    read_answer(BufReader::new(stream))
}

fn read_answer(mut reader: impl BufRead) -> anyhow::Result<Answer> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).context("no status line")?.parse()?;
    let (mut length, mut chunked) = (None, false);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = Some(value.trim().parse::<usize>()?),
            "transfer-encoding" => chunked = value.contains("chunked"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        read_chunks(&mut reader, &mut body)?;
    } else if let Some(length) = length {
        reader.take(length as u64).read_to_end(&mut body)?;
        ensure!(body.len() == length, "the body ends early");
    } else {
        reader.read_to_end(&mut body)?;
    }
    Ok(Answer { status, body })
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> anyhow::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).context("a broken chunk")?;
        let before = body.len();
        reader.by_ref().take(size as u64).read_to_end(body)?;
        if body.len() - before != size {
            bail!("a chunk ends early");
        }
        reader.read_line(&mut line)?;
        if size == 0 {
            return Ok(());
        }
    }
}
