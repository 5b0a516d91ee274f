//! A PostgreSQL server.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::process::{Process, folder, free_port, is_root, on_path, system_user, with_retries};
use super::{Service, shared, unique_name};

/// A PostgreSQL server on loopback TCP; user `postgres`, no password.
#[derive(Debug)]
pub struct Postgres {
    address: String,
    process: Option<Process>,
}

impl Postgres {
    /// A server of one's own.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start() -> anyhow::Result<Self> {
        with_retries(|| {
            let binaries = binaries().context("PostgreSQL is not installed")?;
            let (folder, port) = (folder("postgres")?, free_port()?);
            let data = folder.join("data");
            if is_root() {
                let (user, group) = system_user("postgres")?;
                chown(&folder, Some(user), Some(group))?;
            }
            let mut init = as_postgres(&binaries.join("initdb"));
            init.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"]);
            init.args(["--no-sync", "--pgdata"]).arg(&data).current_dir(&folder);
            let output = init.output().context("running initdb")?;
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "initdb failed: {said}");
            let mut command = as_postgres(&binaries.join("postgres"));
            command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
            command.args(["-c", "unix_socket_directories=", "-c", "fsync=off"]);
            command.current_dir(&folder);
            let mut process = Process::start("postgres", &folder, "INT", &command)?;
            let mut server = Self { address: format!("127.0.0.1:{port}"), process: None };
            process.wait_until(Duration::from_secs(30), || {
                server.sql("postgres", "SELECT 1").is_ok()
            })?;
            server.process = Some(process);
            Ok(server)
        })
    }

    /// The server of this test process, if PostgreSQL is installed.
    ///
    /// # Panics
    /// When it does not start, or is missing with `CI=true`.
    pub fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
        let attach = |address: &str| Self { address: address.to_owned(), process: None };
        shared(Service::Postgres, &SERVER, attach, Self::start)
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The URL of a new, empty database.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create_database(&self) -> anyhow::Result<String> {
        let name = unique_name();
        self.sql("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(format!("postgresql://postgres@{}/{name}", self.address))
    }

    /// Runs statements in a database with `psql` and gives what it prints, unaligned, without
    /// headers.
    ///
    /// # Errors
    /// When a statement fails, with what `psql` says.
    pub fn sql(&self, database: &str, statements: &str) -> anyhow::Result<String> {
        let binaries = binaries().context("PostgreSQL is not installed")?;
        let (host, port) = self.address.rsplit_once(':').context("address without port")?;
        let mut psql = Command::new(binaries.join("psql"));
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres"]);
        psql.args(["-h", host, "-p", port, "-d", database, "-c", statements]);
        let output = psql.output().context("running psql")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "psql failed: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Stops the server now; a no-op for a server we did not start.
    pub fn stop(&mut self) {
        self.process = None;
    }
}

/// The server refuses to run as root, so it runs as its system user then.
fn as_postgres(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
    command
}

/// The folder of the newest installed PostgreSQL's programs. Debian keeps them off the path.
pub(super) fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter(|entry| entry.path().join("bin/initdb").is_file())
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .max();
    match newest {
        Some((_, folder)) => Some(folder.join("bin")),
        None => (on_path("postgres") && on_path("initdb")).then(PathBuf::new),
    }
}
