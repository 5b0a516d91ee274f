//! Where tasks wait, and where their results go.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use serde::Serialize;
use stats_jobs::{
    AmqpBroker, AmqpBrokerOptions, Broadcast, EmbeddedBroker, EmbeddedFile, EmbeddedOptions, Queue,
    RedisBroker, RedisBrokerOptions, RedisResults, Results, Serializer,
};

use super::parts::{App, AppError, make_folder_of};
use crate::config::{BrokerUrl, ConfigError, Serialized};
use crate::connections::{broker_proof, redis_address};

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

impl App {
    /// The queue of the settings as it is; `None` when it would be in a file, and there is none yet.
    /// Nothing is made.
    ///
    /// # Errors
    /// When the broker cannot be asked, or the file not be read.
    pub fn queue_seen(&self) -> Result<Option<QueueSeen>, AppError> {
        let name = self.settings.celery.queue.clone();
        if let Some(url) = &self.settings.broker.url {
            let (queue, ..) = self.broker(url)?;
            return Ok(Some(QueueSeen { name, place: queue.place(), length: queue.length()? }));
        }
        let (path, options) = (self.settings.data.queue_path(), EmbeddedOptions::default());
        // What cannot be looked at is an error of whoever opens it, and not a queue that is empty.
        let is_missing = path.metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
        if is_missing || EmbeddedFile::is_unmade(&path, &options) {
            return Ok(None);
        }
        let length = EmbeddedFile::open(&path, &options)?.length(&name, self.clock.now())?;
        Ok(Some(QueueSeen { name, place: path.display().to_string(), length }))
    }

    /// The queue of the settings: at the broker that they name, or else in a file, which is made when it
    /// is not there. A broker is not asked yet.
    ///
    /// # Errors
    /// When an address cannot be used, or the file not be opened.
    pub fn jobs(&self) -> Result<Jobs, AppError> {
        let (queue, broadcast, file) = match &self.settings.broker.url {
            None => return self.jobs_in_a_file(),
            Some(url) => self.broker(url)?,
        };
        let results = self.settings.broker.result_backend.as_ref();
        let results = results.map(|url| self.results(url)).transpose()?;
        Ok(Jobs { queue, results, broadcast, serializer: self.task_serializer(), file })
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

    #[allow(clippy::type_complexity, reason = "taken apart at once")]
    fn broker(
        &self,
        url: &BrokerUrl,
    ) -> Result<(Arc<dyn Queue>, Option<Arc<dyn Broadcast>>, Option<PathBuf>), AppError> {
        let address = url.to_secret();
        // Of a list, the first one; others are for when it is not there.
        let address = address.expose().split(';').next().unwrap_or_default();
        let name = &self.settings.celery.queue;
        let scheme = url.nodes().first().map(|node| node.scheme().to_owned()).unwrap_or_default();
        match scheme.as_str() {
            "amqp" | "pyamqp" | "amqps" => {
                let options = AmqpBrokerOptions::default();
                let broker = match scheme.as_str() {
                    "amqps" => AmqpBroker::open_with_tls(address, options, self.broker_tls()?)?,
                    _ => AmqpBroker::open(address, options)?,
                };
                Ok((Arc::new(broker.queue(name)), Some(Arc::new(broker.broadcast())), None))
            }
            "redis" | "rediss" => {
                let broker = self.redis_broker("broker.url", url)?;
                Ok((Arc::new(broker.queue(name)), Some(Arc::new(broker)), None))
            }
            other => Err(not_spoken("broker.url", other)),
        }
    }

    fn results(&self, url: &BrokerUrl) -> Result<Arc<dyn Results>, AppError> {
        let scheme = url.nodes().first().map(|node| node.scheme().to_owned()).unwrap_or_default();
        if !matches!(scheme.as_str(), "redis" | "rediss") {
            return Err(not_spoken("broker.result_backend", &scheme));
        }
        let database = self.redis_broker("broker.result_backend", url)?;
        let serializer = serializer(self.settings.celery.result_serializer);
        Ok(Arc::new(RedisResults::new(database, serializer, RedisResults::LIFETIME)))
    }

    /// `key` is the setting that names it.
    fn redis_broker(&self, key: &str, url: &BrokerUrl) -> Result<RedisBroker, AppError> {
        let none =
            || ConfigError::new(format!("`{key}` cannot be read as that of a Redis database"));
        let url = url.redis().ok_or_else(none)?;
        let says_what_is_proven = url.options.iter().any(|(name, _)| name == "ssl_cert_reqs");
        let mut address = redis_address(&url);
        let (broker, tls) = (&self.settings.broker, &mut address.tls);
        // Results may be elsewhere, and what an address says itself comes first.
        if key == "broker.url" {
            tls.ca_file = tls.ca_file.take().or_else(|| broker.ca_certs.clone());
            tls.accept_any_certificate |= !broker.verify_certs && !says_what_is_proven;
        }
        Ok(RedisBroker::at(&address, RedisBrokerOptions::default(), Arc::clone(&self.clock))?)
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
