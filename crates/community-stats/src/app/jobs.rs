//! Where tasks wait, and where their results go.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use serde::Serialize;
use stats_cache::RedisAddress;
use stats_jobs::{
    AmqpBroker, AmqpBrokerOptions, Broadcast, EmbeddedBroker, EmbeddedFile, EmbeddedOptions, Queue,
    RedisBroker, RedisBrokerOptions, RedisResults, Results, Serializer,
};

use super::parts::{App, AppError, make_folder_of};
use crate::config::{BrokerNode, BrokerUrl, ConfigError, RedisUrl, Serialized};
use crate::connections::{broker_address, broker_proof, redis_address};

/// A queue, and what goes with it.
pub struct Jobs {
    /// Where tasks wait.
    pub queue: Arc<dyn Queue>,
    /// Where results go; nowhere if nobody said where.
    pub results: Option<Arc<dyn Results>>,
    /// How Celery's tools see a worker.
    pub broadcast: Option<Arc<dyn Broadcast>>,
    /// How tasks are written.
    pub serializer: Serializer,
    /// The file of a queue without a broker.
    pub file: Option<PathBuf>,
}

/// A queue, seen by somebody who only looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueSeen {
    /// Its name.
    pub name: String,
    /// Where it is, for people; without a password.
    pub place: String,
    /// How many tasks wait in it.
    pub length: u64,
}

/// A queue at a broker, and how Celery's tools see who works on it.
type AtBroker = (Arc<dyn Queue>, Arc<dyn Broadcast>);

impl App {
    /// The queue of the settings as it is; `None` when it would be in a file, and there is none yet.
    /// Nothing is made.
    ///
    /// # Errors
    /// When the broker cannot be asked, or the file not be read.
    pub fn queue_seen(&self) -> Result<Option<QueueSeen>, AppError> {
        let name = self.settings.celery.queue.clone();
        if let Some(url) = &self.settings.broker.url {
            let (queue, _) = self.broker(url)?;
            return Ok(Some(QueueSeen { name, place: queue.place(), length: queue.length()? }));
        }
        let path = self.settings.data.queue_path();
        let file = EmbeddedFile::find(&path, EmbeddedOptions::default());
        let Some(file) = file else { return Ok(None) };
        let length = file.length(&name, self.clock.now())?;
        Ok(Some(QueueSeen { name, place: path.display().to_string(), length }))
    }

    /// The queue of the settings: at the broker that they name, or else in a file, which is made when it
    /// is not there. A broker is not asked yet.
    ///
    /// # Errors
    /// When an address cannot be used, or the file not be opened.
    pub fn jobs(&self) -> Result<Jobs, AppError> {
        let Some(url) = &self.settings.broker.url else { return self.jobs_in_a_file() };
        let (queue, broadcast) = self.broker(url)?;
        let results = self.settings.broker.result_backend.as_ref();
        let results = results.map(|url| self.results(url)).transpose()?;
        Ok(Jobs {
            queue,
            results,
            broadcast: Some(broadcast),
            serializer: self.task_serializer(),
            file: None,
        })
    }

    fn jobs_in_a_file(&self) -> Result<Jobs, AppError> {
        let path = self.settings.data.queue_path();
        make_folder_of(&path)?;
        let options = EmbeddedOptions::default();
        let broker = EmbeddedBroker::open(&path, options, Arc::clone(&self.clock))?;
        Ok(Jobs {
            queue: Arc::new(broker.queue(&self.settings.celery.queue)),
            results: Some(Arc::new(broker.results(RedisResults::LIFETIME))),
            broadcast: None,
            serializer: self.task_serializer(),
            file: Some(path),
        })
    }

    /// The queue at a broker, and how Celery's tools see who works on it.
    fn broker(&self, url: &BrokerUrl) -> Result<AtBroker, AppError> {
        let address = url.to_secret();
        // Of a list, the first one; others are for when it is not there.
        let address = address.expose().split(';').next().unwrap_or_default();
        let (name, options) = (&self.settings.celery.queue, AmqpBrokerOptions::default());
        let scheme = url.nodes().first().map(|node| node.scheme().to_owned()).unwrap_or_default();
        let amqp = |broker: AmqpBroker| -> AtBroker {
            (Arc::new(broker.queue(name)), Arc::new(broker.broadcast()))
        };
        match scheme.as_str() {
            "amqp" | "pyamqp" => Ok(amqp(AmqpBroker::open(address, options)?)),
            "amqps" => {
                let tls = self.broker_tls()?;
                Ok(amqp(AmqpBroker::open_with_tls(address, options, tls)?))
            }
            "redis" | "rediss" => {
                let address = broker_address(redis("broker.url", url)?, &self.settings.broker);
                let broker = self.redis_broker(&address)?;
                Ok((Arc::new(broker.queue(name)), Arc::new(broker)))
            }
            other => Err(not_spoken("broker.url", other)),
        }
    }

    fn results(&self, url: &BrokerUrl) -> Result<Arc<dyn Results>, AppError> {
        let scheme = url.nodes().first().map(|node| node.scheme().to_owned()).unwrap_or_default();
        if !matches!(scheme.as_str(), "redis" | "rediss") {
            return Err(not_spoken("broker.result_backend", &scheme));
        }
        let address = redis_address(redis("broker.result_backend", url)?);
        let database = self.redis_broker(&address)?;
        let serializer = serializer(self.settings.celery.result_serializer);
        Ok(Arc::new(RedisResults::new(database, serializer, RedisResults::LIFETIME)))
    }

    fn redis_broker(&self, address: &RedisAddress) -> Result<RedisBroker, AppError> {
        Ok(RedisBroker::at(address, RedisBrokerOptions::default(), Arc::clone(&self.clock))?)
    }

    /// What a broker of AMQP has to prove.
    ///
    /// # Errors
    /// When the certificates that settings name cannot be used.
    fn broker_tls(&self) -> Result<Arc<ClientConfig>, AppError> {
        let proof = broker_proof(&self.settings)?;
        let unusable = |error| ConfigError::new("preparing TLS for the broker").caused_by(error);
        Ok(Arc::new(proof.client_config().map_err(unusable)?))
    }

    fn task_serializer(&self) -> Serializer {
        serializer(self.settings.celery.task_serializer)
    }
}

/// The database that the setting `key` names first.
fn redis<'a>(key: &str, url: &'a BrokerUrl) -> Result<&'a RedisUrl, AppError> {
    let none = || ConfigError::new(format!("`{key}` cannot be read as that of a Redis database"));
    let first = url.nodes().first().and_then(BrokerNode::redis);
    Ok(first.ok_or_else(none)?)
}

const fn serializer(named: Serialized) -> Serializer {
    match named {
        Serialized::Msgpack => Serializer::Msgpack,
        Serialized::Json => Serializer::Json,
    }
}

fn not_spoken(key: &str, scheme: &str) -> AppError {
    let text = format!("`{key}`: {scheme}:// is not spoken here");
    ConfigError::new(text).with_hint("amqp:// and redis:// are").into()
}
