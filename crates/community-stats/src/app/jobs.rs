//! Where tasks wait, and where their results go.

use std::path::PathBuf;
use std::sync::Arc;

use stats_jobs::{
    AmqpBroker, AmqpBrokerOptions, Broadcast, EmbeddedBroker, EmbeddedOptions, Queue, RedisBroker,
    RedisBrokerOptions, RedisResults, Results, Serializer,
};

use super::parts::{App, AppError, make_folder_of};
use crate::config::{BrokerUrl, ConfigError, Serialized};

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

impl App {
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
                let broker = AmqpBroker::open(address, AmqpBrokerOptions::default())?;
                Ok((Arc::new(broker.queue(name)), Some(Arc::new(broker.broadcast())), None))
            }
            "redis" | "rediss" => {
                let broker = self.redis_broker(address)?;
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
        let database = self.redis_broker(url.to_secret().expose())?;
        let serializer = serializer(self.settings.celery.result_serializer);
        Ok(Arc::new(RedisResults::new(database, serializer, RedisResults::LIFETIME)))
    }

    fn redis_broker(&self, url: &str) -> Result<RedisBroker, AppError> {
        Ok(RedisBroker::open(url, RedisBrokerOptions::default(), Arc::clone(&self.clock))?)
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
