//! One event.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{Message, Properties, Serializer};

/// Something that happened to a worker or a task, as Celery's tools want to hear it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened: `task-succeeded` for example.
    pub kind: &'static str,
    /// What else is told of it.
    pub fields: Map<String, Value>,
}

impl Event {
    /// An event with the members of `fields`, an object.
    #[must_use]
    pub fn new(kind: &'static str, fields: Value) -> Self {
        let Value::Object(fields) = fields else { return Self { kind, fields: Map::new() } };
        Self { kind, fields }
    }

    /// By which it goes to whoever wants to hear of its kind.
    #[must_use]
    pub fn routing_key(&self) -> String {
        self.kind.replace('-', ".")
    }

    /// The message, as `worker` tells it, its `count`th.
    #[must_use]
    pub fn write(self, worker: &str, now: Timestamp, count: u64) -> Message {
        let mut body = json!({
            "hostname": worker,
            "utcoffset": 0,
            "pid": std::process::id(),
            "clock": count,
            "timestamp": now.as_microsecond() as f64 / 1e6,
            "type": self.kind,
        });
        if let Value::Object(body) = &mut body {
            body.extend(self.fields);
        }
        let mut message = broadcast_message(&body);
        message.headers.insert("hostname".to_owned(), Value::from(worker));
        message
    }
}

/// A message in JSON that need not outlive the broker, without headers.
#[must_use]
pub fn broadcast_message(body: &Value) -> Message {
    let json = Serializer::Json;
    Message {
        headers: Map::new(),
        properties: Properties {
            content_type: json.content_type().to_owned(),
            content_encoding: json.content_encoding().to_owned(),
            persistent: false,
            ..Properties::default()
        },
        body: json.write(body),
    }
}
