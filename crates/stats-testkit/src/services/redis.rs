//! A Redis server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context;

use super::process::{Process, folder, free_port, with_retries};
use super::{Service, shared, unique_name};

/// A Redis server without persistence, with 4,096 databases.
#[derive(Debug)]
pub struct Redis {
    address: String,
    process: Option<Process>,
    options: Vec<String>,
}

impl Redis {
    /// A server of one's own, with `options` appended to its command line, such as
    /// `["--maxmemory", "10mb"]`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(options: &[&str]) -> anyhow::Result<Self> {
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        with_retries(|| {
            let address = format!("127.0.0.1:{}", free_port()?);
            let process = Some(start(&address, &options)?);
            Ok(Self { address, process, options: options.clone() })
        })
    }

    /// The server of this test process, if Redis is installed.
    ///
    /// # Panics
    /// When it does not start, or is missing with `CI=true`.
    pub fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Redis>> = OnceLock::new();
        let attach = |address: &str| Self {
            address: address.to_owned(),
            process: None,
            options: Vec::new(),
        };
        shared(Service::Redis, &SERVER, attach, || Self::start(&[]))
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its folder, with the unix socket `socket` in it; `None` for a server we did not start.
    #[must_use]
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.process.as_ref().map(Process::folder)
    }

    /// The URL of an empty database that no other test uses, of other processes neither: the server
    /// itself counts them.
    ///
    /// # Panics
    /// When the server does not answer.
    #[must_use]
    pub fn database(&self) -> String {
        let claimed = say(&self.address, "INCR community-stats-tests:databases");
        let count: u64 = claimed.trim_start_matches(':').parse().expect("the server counts");
        let number = 16 + count % 4_080;
        // After many tests one that was used before comes again.
        say(&self.address, &format!("SELECT {number}\r\nFLUSHDB"));
        format!("redis://{}/{number}", self.address)
    }

    /// A key prefix that no other test uses.
    #[must_use]
    pub fn prefix(&self) -> String {
        unique_name()
    }

    /// Stops the server now; a no-op for a server we did not start.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again, at the same address and empty.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.stop();
        self.process = Some(start(&self.address, &self.options)?);
        Ok(())
    }
}

/// A Redis Sentinel of one's own, which alone decides that a primary is gone.
#[derive(Debug)]
pub struct Sentinel {
    address: String,
    _process: Process,
}

impl Sentinel {
    /// Watches the server at `primary` under the name `service`; `lines` are appended to its
    /// configuration.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(service: &str, primary: &str, lines: &str) -> anyhow::Result<Self> {
        let (host, primary_port) = primary.rsplit_once(':').context("address without port")?;
        with_retries(|| {
            let port = free_port()?;
            let folder = folder("sentinel")?;
            // It writes what it learns into its own configuration.
            let configuration = folder.join("sentinel.conf");
            let text = format!(
                "bind 127.0.0.1\nport {port}\ndir {}\n\
                 sentinel monitor {service} {host} {primary_port} 1\n\
                 sentinel down-after-milliseconds {service} 500\n{lines}\n",
                folder.display()
            );
            std::fs::write(&configuration, text)?;
            let mut command = Command::new("redis-server");
            command.arg(&configuration).arg("--sentinel");
            let mut process = Process::start("redis sentinel", &folder, "TERM", &command)?;
            let address = format!("127.0.0.1:{port}");
            process.wait_until(Duration::from_secs(20), || answers(&address))?;
            Ok(Self { address, _process: process })
        })
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

fn start(address: &str, options: &[String]) -> anyhow::Result<Process> {
    let (host, port) = address.rsplit_once(':').context("address without port")?;
    let folder = folder("redis")?;
    let mut command = Command::new("redis-server");
    command.args(["--bind", host, "--port", port, "--save", ""]);
    command.args(["--appendonly", "no", "--databases", "4096", "--dir"]).arg(&folder);
    command.args(["--unixsocket"]).arg(folder.join("socket")).args(options);
    // As a crash does it: nothing is saved, so nothing is lost.
    let mut process = Process::start("redis", &folder, "KILL", &command)?;
    process.wait_until(Duration::from_secs(20), || answers(address))?;
    Ok(process)
}

fn answers(address: &str) -> bool {
    let ping = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 1];
        stream.read_exact(&mut answer)?;
        // A server with a password answers with an error, which is an answer too.
        Ok(matches!(answer[0], b'+' | b'-'))
    };
    ping().unwrap_or(false)
}

/// Says one command, or several, and gives the last line of the answer.
fn say(address: &str, commands: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the server takes connections");
    stream.write_all(format!("{commands}\r\nQUIT\r\n").as_bytes()).expect("the server listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    let mut lines = answer.lines().rev().skip_while(|line| *line == "+OK");
    lines.next().unwrap_or_default().to_owned()
}
