//! A server as a child process that never outlives the test run.
//!
//! Between us and the server stands a small `sh` watchdog in a process group of its own. It reads
//! from a pipe that only we hold: when the pipe closes, because we dropped it or because our
//! process died in whatever way, the watchdog stops the server, then everything left in the group,
//! then removes the folder.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// `$1` folder to remove, `$2` signal that stops the server, the rest is the server's command.
/// A server that ignores its signal is killed after five seconds.
const WATCHDOG: &str = r#"
folder=$1 signal=$2; shift 2
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
( cat <&3 >/dev/null
  kill -s "$signal" "$server" 2>/dev/null
  tries=0
  while kill -0 "$server" 2>/dev/null && [ "$tries" -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
  kill -s KILL "$server" 2>/dev/null
) &
exec 3<&-
wait "$server"
status=$?
echo "exit status $status" > "$folder/.exit"
wait
trap '' TERM
kill -s TERM -- -$$ 2>/dev/null
sleep 0.05
rm -rf "$folder"
kill -s KILL -- -$$
"#;

/// A running server: its process and its folder.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    folder: PathBuf,
    watchdog: Child,
    lifeline: Option<ChildStdin>,
}

impl Process {
    /// Starts `command` with its output in `<folder>/log`. The folder is removed at the end.
    /// `signal` is the one that stops the server in good order, such as `TERM`.
    ///
    /// # Errors
    /// When the watchdog cannot be started.
    pub fn start(
        name: &'static str,
        folder: &Path,
        signal: &str,
        command: &Command,
    ) -> anyhow::Result<Self> {
        let log = fs::File::create(folder.join("log"))?;
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", WATCHDOG, "watchdog"]).arg(folder).arg(signal);
        watchdog.arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => watchdog.env(key, value),
                None => watchdog.env_remove(key),
            };
        }
        watchdog
            .current_dir(command.get_current_dir().unwrap_or(folder))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut watchdog = watchdog.spawn().context("starting sh")?;
        let lifeline = watchdog.stdin.take();
        Ok(Self { name, folder: folder.to_owned(), watchdog, lifeline })
    }

    /// Waits until `ready` answers true.
    ///
    /// # Errors
    /// When the server ends before that, or `limit` passes; with the end of its log.
    pub fn wait_until(
        &mut self,
        limit: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> anyhow::Result<()> {
        let end = Instant::now() + limit;
        while !ready() {
            if let Ok(status) = fs::read_to_string(self.folder.join(".exit")) {
                bail!("{} ended with {}: {}", self.name, status.trim(), self.log_end());
            }
            if Instant::now() > end {
                bail!("{} was not ready after {limit:?}: {}", self.name, self.log_end());
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    }

    /// Stops the server and waits for its end.
    ///
    /// # Errors
    /// When waiting for it fails.
    pub fn stop(&mut self) -> io::Result<()> {
        if self.lifeline.take().is_some() {
            self.watchdog.wait()?;
        }
        Ok(())
    }

    /// The folder it runs in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn log_end(&self) -> String {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(2_000)..]).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing can be done about a failed wait here; the watchdog ends on its own.
        drop(self.stop());
    }
}

/// A new temporary folder that this process does not remove itself; the watchdog does.
///
/// # Errors
/// When it cannot be made.
pub fn folder(name: &str) -> anyhow::Result<PathBuf> {
    let folder = tempfile::Builder::new().prefix(&format!("community-stats-{name}-")).tempdir()?;
    Ok(folder.keep())
}

/// A loopback port that is free at this moment.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Tries `start` three times, since another process may take a free port before the server does.
///
/// # Errors
/// The last failure.
pub fn with_retries<T>(mut start: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut last = None;
    for _ in 0..3 {
        match start() {
            Ok(server) => return Ok(server),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("not tried")))
}

/// Whether a file of this name can be executed from the search path.
#[must_use]
pub fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Whether this process runs as root, which some servers refuse to be.
#[must_use]
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|status| status.uid() == 0)
}

/// The user and group id of a system user.
///
/// # Errors
/// When there is no such user.
pub fn system_user(name: &str) -> anyhow::Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").context("reading the list of users")?;
    let fields = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.len() > 3 && fields[0] == name)
        .with_context(|| format!("there is no system user '{name}'"))?;
    Ok((fields[2].parse()?, fields[3].parse()?))
}
