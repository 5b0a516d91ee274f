//! One connection, and questions over it with a deadline each.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::Failure;
use super::settings::{PostgresSettings, TlsMode};
use super::tls;
use crate::{SourceError, SourceErrorKind};

/// What the client waits beyond the server's own time limit before it gives up on the network.
const GRACE: Duration = Duration::from_secs(2);

/// A connection, open or not, and the little runtime that drives it while it is asked.
pub(super) struct Connection {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    client: Option<Client>,
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let open = self.client.is_some();
        formatter.debug_struct("Connection").field("open", &open).finish_non_exhaustive()
    }
}

impl Connection {
    /// A connection that is not open yet.
    pub(super) fn new(settings: &PostgresSettings) -> Result<Self, SourceError> {
        let mode = settings.tls_mode().map_err(|value| {
            let doing = format!(
                "connecting to {settings}: sslmode is '{value}', and it can be disable, allow, \
                 prefer, require, verify-ca or verify-full"
            );
            SourceError::new(SourceErrorKind::Refused, doing)
        })?;
        let tls = match mode {
            TlsMode::Disable => None,
            _ => Some(MakeRustlsConnect::new(tls::client_config(settings, mode)?)),
        };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            let doing = "preparing a connection to PostgreSQL";
            SourceError::caused_by(SourceErrorKind::Unreachable, doing, error)
        })?;
        let config = config(settings, mode);
        Ok(Self { runtime: Some(runtime), client: None, config, tls })
    }

    /// Opens it unless it is open.
    pub(super) fn open(&mut self, settings: &PostgresSettings) -> Result<(), SourceError> {
        let opened = self.opened(settings.connect_limit());
        opened.map_err(|failure| failure.into_error("connecting", settings))
    }

    /// Asks one question in a read-only transaction of its own. After an error the connection is
    /// given up: an answer may be under way that belongs to nobody.
    pub(super) fn rows(
        &mut self,
        settings: &PostgresSettings,
        query: &str,
    ) -> Result<Vec<Row>, Failure> {
        self.opened(settings.connect_limit())?;
        let (Some(client), Some(runtime)) = (self.client.take(), self.runtime.as_ref()) else {
            return Err(Failure::NotOpen);
        };
        let limit = settings.statement_limit();
        let answer = runtime
            .block_on(async { timeout(limit + GRACE, ask(&client, limit, query)).await })
            .map_err(|_| Failure::NoAnswer(limit + GRACE))?
            .map_err(Failure::Question);
        if answer.is_ok() {
            self.client = Some(client);
        }
        answer
    }

    fn opened(&mut self, limit: Duration) -> Result<(), Failure> {
        if self.client.as_ref().is_some_and(|client| !client.is_closed()) {
            return Ok(());
        }
        let Some(runtime) = self.runtime.as_ref() else { return Err(Failure::NotOpen) };
        let connecting = async { timeout(limit, connect(&self.config, self.tls.as_ref())).await };
        let connected = runtime.block_on(connecting);
        let client = connected.map_err(|_| Failure::NoConnection(limit))?;
        self.client = Some(client.map_err(Failure::Connection)?);
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Without this, the end of a source inside asynchronous code would panic.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn config(settings: &PostgresSettings, mode: TlsMode) -> Config {
    let mut config = Config::new();
    for (host, port) in settings.hosts() {
        config.host(host).port(port);
    }
    if let Some(user) = settings.user() {
        config.user(user);
    }
    if let Some(password) = settings.secret() {
        config.password(password);
    }
    if let Some(database) = settings.database_name() {
        config.dbname(database);
    }
    if let Some(options) = settings.option("options") {
        config.options(options);
    }
    config.application_name("community-stats").connect_timeout(settings.connect_limit());
    config.ssl_mode(match mode {
        TlsMode::Disable => SslMode::Disable,
        TlsMode::Prefer => SslMode::Prefer,
        TlsMode::Require | TlsMode::VerifyAuthority | TlsMode::VerifyFull => SslMode::Require,
    });
    config
}

/// Connects, and lets the runtime carry the connection whenever it runs.
async fn connect(
    config: &Config,
    tls: Option<&MakeRustlsConnect>,
) -> Result<Client, tokio_postgres::Error> {
    // What ends a connection is told to whoever asks over it next.
    match tls {
        Some(tls) => {
            let (client, connection) = config.connect(tls.clone()).await?;
            tokio::spawn(async { drop(connection.await) });
            Ok(client)
        }
        None => {
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(async { drop(connection.await) });
            Ok(client)
        }
    }
}

/// The limit is part of the transaction: through a pool, settings of a session would reach others.
async fn ask(
    client: &Client,
    limit: Duration,
    query: &str,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let limit = limit.as_millis();
    let begin = format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {limit}");
    client.batch_execute(&begin).await?;
    let rows = client.query_typed(query, &[]).await?;
    client.batch_execute("COMMIT").await?;
    Ok(rows)
}
