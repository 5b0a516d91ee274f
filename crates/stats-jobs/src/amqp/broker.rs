//! The connection to the broker, made anew when it broke.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lapin::options::{ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::uri::{AMQPAuthority, AMQPScheme, AMQPUri};
use lapin::{Channel, Connection, ConnectionProperties};
use rustls::ClientConfig;

use super::door::Door;
use super::error::{is_not_found, queue_error};
use super::table::short;
use super::tunnel;
use crate::{QueueError, QueueErrorKind, locked};

/// How a broker of AMQP is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmqpBrokerOptions {
    /// For a connection, authentication included.
    pub connect_timeout: Duration,
    /// For each answer.
    pub response_timeout: Duration,
    /// After this without a sign of life either side takes the other for gone, to the second; unless
    /// the URL says another time.
    pub heartbeat: Duration,
}

impl Default for AmqpBrokerOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(30),
            heartbeat: Duration::from_secs(30),
        }
    }
}

/// A virtual host of RabbitMQ as Celery's broker. A copy of it is the same, with the same connection.
#[derive(Clone)]
pub struct AmqpBroker(Arc<Shared>);

struct Shared {
    uri: AMQPUri,
    options: AmqpBrokerOptions,
    tls: Option<Arc<ClientConfig>>,
    /// Closed before the door is.
    live: Mutex<Option<Arc<Connection>>>,
    door: Door,
}

impl AmqpBroker {
    /// The virtual host at `url`, in the form that Celery takes: `amqp://user:password@host:port//` for
    /// the default one. Nothing is connected yet: the first call tells what is wrong with it.
    ///
    /// # Errors
    /// When the URL is none of AMQP, or asks for TLS (`amqps`).
    pub fn open(url: &str, options: AmqpBrokerOptions) -> Result<Self, QueueError> {
        Self::open_either(url, options, None)
    }

    /// The same, also for a URL that asks for TLS, which is then spoken in this way.
    ///
    /// # Errors
    /// When the URL is none of AMQP.
    pub fn open_with_tls(
        url: &str,
        options: AmqpBrokerOptions,
        tls: Arc<ClientConfig>,
    ) -> Result<Self, QueueError> {
        Self::open_either(url, options, Some(tls))
    }

    fn open_either(
        url: &str,
        options: AmqpBrokerOptions,
        tls: Option<Arc<ClientConfig>>,
    ) -> Result<Self, QueueError> {
        let refused = |text: String| QueueError::new(QueueErrorKind::Refused, text);
        let url = url.strip_prefix("py").filter(|url| url.starts_with("amqp")).unwrap_or(url);
        let uri: Result<AMQPUri, String> = url.parse();
        // The text of the error may hold what stands in the URL.
        let mut uri =
            uri.map_err(|_| refused("the URL of the broker is none of AMQP".to_owned()))?;
        if uri.scheme == AMQPScheme::AMQPS && tls.is_none() {
            let text = "the broker's URL asks for TLS (amqps), and nothing says whom to trust";
            return Err(refused(text.to_owned()));
        }
        if uri.vhost.is_empty() {
            uri.vhost = "/".to_owned();
        }
        let heartbeat = u16::try_from(options.heartbeat.as_secs()).unwrap_or(u16::MAX);
        uri.query.heartbeat.get_or_insert(heartbeat);
        let door = Door::open().map_err(|error| {
            QueueError::caused_by(QueueErrorKind::Refused, "starting a thread for AMQP", error)
        })?;
        let tls = tls.filter(|_| uri.scheme == AMQPScheme::AMQPS);
        Ok(Self(Arc::new(Shared { uri, options, tls, live: Mutex::default(), door })))
    }

    /// Where it is, for people; without a password.
    #[must_use]
    pub fn place(&self) -> String {
        let AMQPUri { authority, vhost, .. } = &self.0.uri;
        format!("amqp {}:{} virtual host {vhost}", authority.host, authority.port)
    }

    pub(super) fn doing(&self, what: &str) -> String {
        format!("{what} at {}", self.place())
    }

    /// The connection that stands, or a new one.
    fn connection(&self) -> Result<Arc<Connection>, QueueError> {
        let mut live = locked(&self.0.live);
        if let Some(connection) = live.as_ref().filter(|it| it.status().connected()) {
            return Ok(connection.clone());
        }
        // The rest of the old one is not waited for.
        *live = None;
        let name = format!("community-stats {}", std::process::id());
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connect = Connection::connect_uri(self.way()?, properties);
        let connected = self.0.door.run(self.0.options.connect_timeout, connect);
        let doing = self.doing("connecting");
        let connection = Arc::new(answered(connected, doing)?);
        *live = Some(connection.clone());
        Ok(connection)
    }

    /// Where the client connects to.
    fn way(&self) -> Result<AMQPUri, QueueError> {
        let mut way = self.0.uri.clone();
        let Some(tls) = &self.0.tls else { return Ok(way) };
        let AMQPAuthority { host, port, .. } = &mut way.authority;
        let open = tunnel::open(std::mem::take(host), *port, tls.clone());
        let doing = self.doing("connecting with TLS");
        let Some(opened) = self.0.door.run(self.0.options.connect_timeout, open) else {
            let doing = format!("{doing}: no answer in time");
            return Err(QueueError::new(QueueErrorKind::Unreachable, doing));
        };
        let kind = |error: &io::Error| match error.kind() {
            // A certificate that is not trusted.
            io::ErrorKind::InvalidData => QueueErrorKind::Refused,
            _ => QueueErrorKind::Unreachable,
        };
        *port = opened.map_err(|error| QueueError::caused_by(kind(&error), doing, error))?;
        "127.0.0.1".clone_into(host);
        way.scheme = AMQPScheme::AMQP;
        Ok(way)
    }

    /// Has `work` done, which may take `longer` than one answer.
    pub(super) fn run<T: Send + 'static>(
        &self,
        doing: &str,
        longer: Duration,
        work: impl Future<Output = lapin::Result<T>> + Send + 'static,
    ) -> Result<T, QueueError> {
        let done = self.0.door.run(self.0.options.response_timeout + longer, work);
        answered(done, self.doing(doing))
    }

    /// A new channel.
    pub(super) fn channel(&self, doing: &str) -> Result<Channel, QueueError> {
        let connection = self.connection()?;
        self.run(doing, Duration::ZERO, async move { connection.create_channel().await })
    }

    /// A new channel on which the broker confirms what it has.
    pub(super) fn confirming_channel(&self, doing: &str) -> Result<Channel, QueueError> {
        let channel = self.channel(doing)?;
        let confirming = channel.clone();
        self.run(doing, Duration::ZERO, async move {
            confirming.confirm_select(ConfirmSelectOptions::default()).await
        })?;
        Ok(channel)
    }

    /// Makes sure that there is a queue of this name.
    pub(super) fn declare(&self, queue: &str, doing: &str) -> Result<(), QueueError> {
        let name = self.short(queue)?;
        let connection = self.connection()?;
        self.run(doing, Duration::ZERO, async move {
            let declare = |passive| declare(&connection, &name, passive);
            // One that others made in another form is as good.
            match declare(true).await {
                Err(error) if is_not_found(&error) => declare(false).await.map(drop),
                known => known.map(drop),
            }
        })
    }

    /// How many messages wait in the queue of this name; none where there is no such queue.
    pub(super) fn length(&self, queue: &str, doing: &str) -> Result<u64, QueueError> {
        let name = self.short(queue)?;
        let connection = self.connection()?;
        self.run(doing, Duration::ZERO, async move {
            match declare(&connection, &name, true).await {
                Err(error) if is_not_found(&error) => Ok(0),
                known => known,
            }
        })
    }

    /// A name as AMQP has it.
    pub(super) fn short(&self, text: &str) -> Result<ShortString, QueueError> {
        short(text).ok_or_else(|| {
            let doing = self.doing("a name is longer than 255 bytes");
            QueueError::new(QueueErrorKind::Refused, doing)
        })
    }
}

/// How many messages wait then. On a channel of its own: it is closed when the broker says no.
async fn declare(connection: &Connection, name: &ShortString, passive: bool) -> lapin::Result<u64> {
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions { passive, durable: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare(name.clone(), options, FieldTable::default()).await?;
    channel.close(200, "".into()).await?;
    Ok(u64::from(queue.message_count()))
}

fn answered<T>(done: Option<lapin::Result<T>>, doing: String) -> Result<T, QueueError> {
    match done {
        Some(done) => done.map_err(|error| queue_error(doing, error)),
        None => {
            let doing = format!("{doing}: no answer in time");
            Err(QueueError::new(QueueErrorKind::Unreachable, doing))
        }
    }
}

impl fmt::Debug for AmqpBroker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("AmqpBroker").field(&self.place()).finish()
    }
}
