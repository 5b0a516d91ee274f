//! A RabbitMQ broker.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::process::{Process, folder, free_port, on_path, with_retries};
use super::{Service, shared, unique_name};

/// Starts the node's own port mapper in the foreground of the watchdog's group, so that none is
/// left behind, then the broker.
const LAUNCH: &str = r#"epmd & exec "$1""#;

/// A RabbitMQ broker on loopback; user and password `guest`.
#[derive(Debug)]
pub struct RabbitMq {
    address: String,
    /// What `rabbitmqctl` needs to reach the node: its environment.
    control: Vec<(&'static str, String)>,
    process: Option<Process>,
}

impl RabbitMq {
    /// A broker of one's own.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start() -> anyhow::Result<Self> {
        with_retries(|| {
            let program = program().context("RabbitMQ is not installed")?;
            let folder = folder("rabbitmq")?;
            let (port, mapper, distribution) = (free_port()?, free_port()?, free_port()?);
            let control = environment(&folder, mapper, distribution);
            std::fs::write(folder.join("enabled_plugins"), "[].\n")?;
            std::fs::write(folder.join("rabbitmq.conf"), CONFIGURATION)?;
            let mut command = Command::new("sh");
            command.args(["-c", LAUNCH, "broker"]).arg(program);
            command.envs(control.iter().map(|(name, value)| (*name, value.as_str())));
            command.env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1");
            command.env("RABBITMQ_NODE_PORT", port.to_string());
            let mut process = Process::start("rabbitmq", &folder, "TERM", &command)?;
            let address = format!("127.0.0.1:{port}");
            process.wait_until(Duration::from_secs(60), || answers(&address))?;
            Ok(Self { address, control, process: Some(process) })
        })
    }

    /// The broker of this test process, if RabbitMQ is installed.
    ///
    /// # Panics
    /// When it does not start, or is missing with `CI=true`.
    pub fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<RabbitMq>> = OnceLock::new();
        shared(Service::RabbitMq, &SERVER, Self::attach, Self::start)
    }

    /// The broker with this description, as [`description`](Self::description) gave it.
    fn attach(description: &str) -> Self {
        let mut parts = description.split('|');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        let (address, folder) = (next(), next());
        let (mapper, distribution) = (next().parse().unwrap_or(0), next().parse().unwrap_or(0));
        let control = environment(Path::new(&folder), mapper, distribution);
        Self { address, control, process: None }
    }

    /// Everything that another process needs to use this broker, in one text.
    #[must_use]
    pub fn description(&self) -> String {
        let of = |name| {
            let found = self.control.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let (home, mapper) = (of("HOME"), of("ERL_EPMD_PORT"));
        format!("{}|{home}|{mapper}|{}", self.address, of("RABBITMQ_DIST_PORT"))
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The URL of the default virtual host.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@{}/", self.address)
    }

    /// The URL of a new, empty virtual host.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create_vhost(&self) -> anyhow::Result<String> {
        let name = unique_name();
        self.control(&["add_vhost", &name])?;
        self.control(&["set_permissions", "-p", &name, "guest", ".*", ".*", ".*"])?;
        Ok(format!("amqp://guest:guest@{}/{name}", self.address))
    }

    /// Runs `rabbitmqctl` against this broker and gives what it prints. Takes about a second.
    ///
    /// # Errors
    /// When it fails, with what it says.
    pub fn control(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let program = program().context("RabbitMQ is not installed")?;
        let mut command = Command::new(program.with_file_name("rabbitmqctl"));
        command.arg("-q").args(arguments);
        command.envs(self.control.iter().map(|(name, value)| (*name, value.as_str())));
        let output = command.output().context("running rabbitmqctl")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "rabbitmqctl {arguments:?} failed: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Stops the broker now; a no-op for a broker we did not start.
    pub fn stop(&mut self) {
        self.process = None;
    }
}

const CONFIGURATION: &str = "\
loopback_users.guest = true
disk_free_limit.absolute = 1MB
log.console = true
log.file = false
";

/// Everything of this node in `folder`, its distribution on loopback.
fn environment(folder: &Path, mapper: u16, distribution: u16) -> Vec<(&'static str, String)> {
    let within = |name: &str| folder.join(name).display().to_string();
    let kernel = "-kernel inet_dist_use_interface {127,0,0,1}";
    vec![
        ("HOME", folder.display().to_string()),
        ("ERL_EPMD_PORT", mapper.to_string()),
        ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
        ("RABBITMQ_DIST_PORT", distribution.to_string()),
        ("RABBITMQ_NODENAME", format!("t{distribution}@localhost")),
        ("RABBITMQ_MNESIA_BASE", within("mnesia")),
        ("RABBITMQ_LOG_BASE", within("logs")),
        ("RABBITMQ_PID_FILE", within("pid")),
        ("RABBITMQ_CONFIG_FILE", within("rabbitmq")),
        ("RABBITMQ_CONF_ENV_FILE", within("no-environment-file")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", within("enabled_plugins")),
        ("RABBITMQ_GENERATED_CONFIG_DIR", within("generated")),
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", format!("{kernel} +S 1:1 +sbwt none")),
    ]
}

/// The broker's own start script; the one on the path changes users and folders first.
pub(super) fn program() -> Option<PathBuf> {
    let debian = PathBuf::from("/usr/lib/rabbitmq/bin/rabbitmq-server");
    if debian.is_file() {
        return Some(debian);
    }
    on_path("rabbitmq-server").then(|| PathBuf::from("rabbitmq-server"))
}

/// Whether the broker greets a client: the start of its `Connection.Start` frame.
fn answers(address: &str) -> bool {
    let greet = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"AMQP\x00\x00\x09\x01")?;
        let mut answer = [0; 1];
        stream.read_exact(&mut answer)?;
        Ok(answer[0] == 1)
    };
    greet().unwrap_or(false)
}
