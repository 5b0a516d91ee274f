//! How many tasks that do nothing a worker performs in a second, from each queue: ours, and a Python
//! worker of Celery on the same broker in the same run, once in one process and once in two.
//!
//! `scripts/test` fetches what the latter needs. Results are not kept, and messages are acknowledged when
//! tasks begin, which is Celery's default. Both have room for two tasks at a time. The time is taken while
//! the queue goes from nine tenths of its length to one tenth, so that no start is in it.
//!
//! `cargo bench -p stats-jobs --bench queues [-- TASKS]` (50,000 by default)
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use stats_jobs::{
    AmqpBroker, AmqpBrokerOptions, EmbeddedBroker, EmbeddedOptions, Producer, Queue, RedisBroker,
    RedisBrokerOptions, Serializer, TaskControl, TaskKind, TaskMessage, Tasks, Worker,
    WorkerOptions, WorkerParts,
};
use stats_model::SystemClock;
use stats_testkit::services::{Celery, CeleryVersion, RabbitMq, Redis};

const APP: &str = include_str!("queues/app.py");
const TASK: &str = "bench.nothing";
const LOOK_EVERY: Duration = Duration::from_millis(10);

fn main() {
    let tasks = std::env::args().filter_map(|text| text.parse().ok()).next().unwrap_or(50_000);
    let celery = Celery::shared(CeleryVersion::V5_5).expect("Python");
    println!("{tasks} tasks that do nothing; tasks in a second\n");
    println!(
        "{:<10}{:>10}{:>10}{:>14}{:>16}{:>10}",
        "queue", "sent", "ours", "Celery solo", "Celery prefork", "ratio"
    );
    let redis = Redis::start(&[]).unwrap();
    let rabbit = RabbitMq::shared().expect("RabbitMQ");
    let at_redis = python(celery, &Broker::Redis(redis.database()), tasks);
    let at_rabbit = python(celery, &Broker::RabbitMq(rabbit.create_vhost().unwrap()), tasks);
    let folder = tempfile::tempdir().unwrap();
    let file = Broker::File(folder.path().join("jobs.db"));
    // There is no Celery on a file: it is held against the faster of the others.
    let best = [at_redis, at_rabbit].map(|it| it[0].max(it[1]));
    row("SQLite", ours(&file, tasks), None, best[0].max(best[1]));
    row("Redis", ours(&Broker::Redis(redis.database()), tasks), Some(at_redis), best[0]);
    let vhost = Broker::RabbitMq(rabbit.create_vhost().unwrap());
    row("RabbitMQ", ours(&vhost, tasks), Some(at_rabbit), best[1]);
}

fn row(name: &str, [sent, ours]: [f64; 2], python: Option<[f64; 2]>, best: f64) {
    let [solo, prefork] = python
        .map_or(["-".to_owned(), "-".to_owned()], |both| both.map(|rate| format!("{rate:.0}")));
    println!("{name:<10}{sent:>10.0}{ours:>10.0}{solo:>14}{prefork:>16}{:>10.1}", ours / best);
}

/// Where tasks wait.
enum Broker {
    File(std::path::PathBuf),
    Redis(String),
    RabbitMq(String),
}

impl Broker {
    fn queue(&self, name: &str) -> Arc<dyn Queue> {
        let clock = Arc::new(SystemClock);
        match self {
            Self::File(path) => {
                let broker = EmbeddedBroker::open(path, EmbeddedOptions::default(), clock);
                Arc::new(broker.unwrap().queue(name))
            }
            Self::Redis(url) => {
                let broker = RedisBroker::open(url, RedisBrokerOptions::default(), clock);
                Arc::new(broker.unwrap().queue(name))
            }
            Self::RabbitMq(url) => {
                let broker = AmqpBroker::open(url, AmqpBrokerOptions::default());
                Arc::new(broker.unwrap().queue(name))
            }
        }
    }

    fn url(&self) -> &str {
        match self {
            Self::File(_) => unreachable!("Python has no file"),
            Self::Redis(url) | Self::RabbitMq(url) => url,
        }
    }
}

/// What is sent and performed in a second.
fn ours(broker: &Broker, tasks: u64) -> [f64; 2] {
    let queue = broker.queue("stats-cache");
    let sent = send(&queue, tasks);
    let nothing = |_: &TaskMessage, _: &TaskControl| Ok(Value::Null);
    let tasks_here = Tasks::new().with(TASK, TaskKind::new(nothing).without_results());
    let parts = WorkerParts::new(broker.queue("stats-cache"), tasks_here);
    let worker = Worker::start(parts, WorkerOptions { slots: 2, ..WorkerOptions::default() });
    let rate = rate(&queue, tasks);
    assert!(worker.stop(Duration::from_secs(10)).unfinished.is_empty());
    [sent, rate]
}

/// What Python performs in a second: in one process, and in two.
fn python(celery: &Celery, broker: &Broker, tasks: u64) -> [f64; 2] {
    let queue = broker.queue("celery");
    ["solo", "prefork"].map(|pool| {
        send(&queue, tasks);
        let quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"];
        let arguments = ["worker", "-P", pool, "-c", "2", "-l", "WARNING"];
        let arguments = [arguments.as_slice(), &quiet].concat();
        let environment = [("BROKER", broker.url())];
        let worker = celery.start(APP, &environment, &arguments, "[queues]").unwrap();
        let rate = rate(&queue, tasks);
        drop(worker);
        rate
    })
}

/// Sends tasks; how many in a second.
fn send(queue: &Arc<dyn Queue>, tasks: u64) -> f64 {
    let producer = Producer::new(Arc::clone(queue), Serializer::Json);
    let begun = Instant::now();
    for _ in 0..tasks {
        producer.send(&producer.task(TASK)).unwrap();
    }
    tasks as f64 / begun.elapsed().as_secs_f64()
}

/// How many tasks leave a queue in a second.
fn rate(queue: &Arc<dyn Queue>, tasks: u64) -> f64 {
    let until = |most: u64| loop {
        let length = queue.length().unwrap();
        if length <= most {
            return (length, Instant::now());
        }
        sleep(LOOK_EVERY);
    };
    let (before, begun) = until(tasks * 9 / 10);
    let (after, ended) = until(tasks / 10);
    until(0);
    (before - after) as f64 / (ended - begun).as_secs_f64()
}
