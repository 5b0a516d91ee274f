//! Real Redis servers for tests: on free ports, in temporary folders, gone with their test.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Connection, Value};
use stats_cache::{RedisAddress, RedisClient, RedisOptions};
use tempfile::TempDir;

/// A Redis server of one test's own.
pub(crate) struct RedisServer {
    folder: TempDir,
    port: u16,
    options: Vec<String>,
    child: Child,
}

impl RedisServer {
    /// A server with these options; `None` when `redis-server` is not installed, and outside of CI
    /// only a message follows from that.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            let text = "skipped: needs redis-server (Debian package redis-server)";
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}");
            // Straight to the terminal: output of tests that pass is not shown.
            let _ =
                std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes());
            return None;
        }
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        // Somebody else may take the port between asking for a free one and using it.
        for _ in 0..5 {
            let folder = TempDir::new().unwrap();
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let child = run(&folder, port, &options);
            let mut server = Self { folder, port, options: options.clone(), child };
            if server.answers() {
                return Some(server);
            }
        }
        panic!("redis-server does not start with {options:?}");
    }

    /// Stops the server at once, as a crash does.
    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same port; empty, since nothing was ever saved.
    pub(crate) fn start_again(&mut self) {
        self.child = run(&self.folder, self.port, &self.options);
        assert!(self.answers());
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: u16) -> String {
        format!("redis://127.0.0.1:{}/{database}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("socket")
    }

    /// A client of ours for a database.
    pub(crate) fn client(&self, database: u16) -> Arc<RedisClient> {
        client(&self.url(database))
    }

    /// Answers a command past everything of ours.
    pub(crate) fn raw(&self, database: u16, words: &[&[u8]]) -> Value {
        let mut connection = self.connection(database);
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.query(&mut connection).unwrap()
    }

    /// The same in words, for commands that can be read.
    pub(crate) fn say(&self, database: u16, line: &str) -> Value {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        self.raw(database, &words)
    }

    pub(crate) fn connection(&self, database: u16) -> Connection {
        redis::Client::open(self.url(database)).unwrap().get_connection().unwrap()
    }

    fn answers(&mut self) -> bool {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(20) {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            // A server with a password answers with an error, which is an answer too.
            let answer = redis::Client::open(self.url(0))
                .and_then(|client| client.get_connection())
                .and_then(|mut connection| redis::cmd("PING").exec(&mut connection));
            match answer {
                Err(error) if error.is_io_error() => std::thread::sleep(Duration::from_millis(5)),
                _ => return true,
            }
        }
        false
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A client of ours.
pub(crate) fn client(url: &str) -> Arc<RedisClient> {
    let address = RedisAddress::parse(url, 0).unwrap();
    Arc::new(RedisClient::connect(address, RedisOptions::default()).unwrap())
}

fn run(folder: &TempDir, port: u16, options: &[String]) -> Child {
    let socket = folder.path().join("socket");
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""])
        .args(["--appendonly", "no", "--dir"])
        .arg(folder.path())
        .arg("--unixsocket")
        .arg(socket)
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
