//! Both sides of one broker.

use std::sync::Arc;

use serde_json::json;
use stats_jobs::{
    AmqpBroker, AmqpBrokerOptions, Broadcast, Failure, Producer, Queue, RedisBroker,
    RedisBrokerOptions, RedisResults, Serializer, TaskControl, TaskKind, TaskMessage, Tasks,
    Worker, WorkerParts,
};
use stats_model::SystemClock;
use stats_testkit::services::process::Process;
use stats_testkit::services::{Celery, CeleryVersion, RabbitMq, Redis};

use crate::support::bench::{Said, options};
use crate::support::doings::Doings;

const APP: &str = include_str!("app.py");

/// Which broker is between the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    Redis,
    RabbitMq,
}

impl Between {
    pub(crate) const ALL: [Self; 2] = [Self::Redis, Self::RabbitMq];
}

/// A broker with results beside it, and Celery of one version that uses both.
pub(crate) struct Side {
    celery: &'static Celery,
    between: Between,
    serializer: Serializer,
    broker: String,
    results: String,
    pub(crate) doings: Doings,
    pub(crate) said: Said,
}

impl Side {
    pub(crate) fn new(
        version: CeleryVersion,
        between: Between,
        serializer: Serializer,
    ) -> Option<Self> {
        let celery = Celery::shared(version)?;
        let results = Redis::shared()?.database();
        let broker = match between {
            Between::Redis => Redis::shared()?.database(),
            Between::RabbitMq => RabbitMq::shared()?.create_vhost().unwrap(),
        };
        let (doings, said) = (Doings::default(), Said::default());
        Some(Self { celery, between, serializer, broker, results, doings, said })
    }

    /// Every version, broker and serialiser in turn.
    pub(crate) fn each(look: impl Fn(Self)) {
        for version in CeleryVersion::ALL {
            for between in Between::ALL {
                for serializer in [Serializer::Json, Serializer::Msgpack] {
                    if let Some(side) = Self::new(version, between, serializer) {
                        look(side);
                    }
                }
            }
        }
    }

    fn environment(&self) -> [(&str, &str); 3] {
        let serializer = match self.serializer {
            Serializer::Json => "json",
            Serializer::Msgpack => "msgpack",
        };
        [("BROKER", &self.broker), ("RESULTS", &self.results), ("SERIALIZER", serializer)]
    }

    /// Runs a program of Python beside the application; what it prints, without the last line's end.
    pub(crate) fn python(&self, program: &str) -> String {
        let program = format!("from app import app, ours\n{program}");
        let printed = self.celery.run(APP, &self.environment(), &["-c", &program]);
        printed.unwrap().trim_end().to_owned()
    }

    /// Runs one of Celery's commands; what it prints.
    pub(crate) fn tool(&self, arguments: &[&str]) -> String {
        let all = [&["-m", "celery", "-A", "app"], arguments].concat();
        self.celery.run(APP, &self.environment(), &all).unwrap()
    }

    /// Starts a program of Celery; `ready` is what it then says.
    pub(crate) fn start(&self, arguments: &[&str], more: &[(&str, &str)], ready: &str) -> Process {
        let environment = [self.environment().as_slice(), more].concat();
        self.celery.start(APP, &environment, arguments, ready).unwrap()
    }

    pub(crate) fn queue(&self, name: &str) -> Arc<dyn Queue> {
        match self.between {
            Between::Redis => Arc::new(redis(&self.broker).queue(name)),
            Between::RabbitMq => Arc::new(amqp(&self.broker).queue(name)),
        }
    }

    pub(crate) fn broadcast(&self) -> Arc<dyn Broadcast> {
        match self.between {
            Between::Redis => Arc::new(redis(&self.broker)),
            Between::RabbitMq => Arc::new(amqp(&self.broker).broadcast()),
        }
    }

    pub(crate) fn results(&self) -> RedisResults {
        RedisResults::new(redis(&self.results), self.serializer, RedisResults::LIFETIME)
    }

    /// Who sends to Python's side.
    pub(crate) fn producer(&self) -> Producer {
        Producer::new(self.queue("celery"), self.serializer)
    }

    /// A worker of ours that performs `ours.…`.
    pub(crate) fn worker(&self, name: &str) -> Worker {
        let parts = WorkerParts {
            results: Some(Arc::new(self.results())),
            broadcast: Some(self.broadcast()),
            notices: self.said.listener(),
            ..WorkerParts::new(self.queue("stats-cache"), tasks(&self.doings))
        };
        let name = format!("{name}@here");
        Worker::start(parts, stats_jobs::WorkerOptions { name, ..options(2) })
    }
}

fn redis(url: &str) -> RedisBroker {
    RedisBroker::open(url, RedisBrokerOptions::default(), Arc::new(SystemClock)).unwrap()
}

fn amqp(url: &str) -> AmqpBroker {
    AmqpBroker::open(url, AmqpBrokerOptions::default()).unwrap()
}

fn tasks(doings: &Doings) -> Tasks {
    let echo = |task: &TaskMessage, _: &TaskControl| {
        Ok(json!({"arguments": task.arguments, "keywords": task.keywords}))
    };
    let fail = |_: &TaskMessage, _: &TaskControl| Err(Failure::new("ValueError", "bad 3").into());
    doings
        .tasks("ours.")
        .with("ours.echo", TaskKind::new(echo))
        .with("ours.bad", TaskKind::new(fail))
}
