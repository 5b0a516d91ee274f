//! The message that says what a task is, with all headers that Celery writes.

use std::time::Duration;

use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use super::codec::Serializer;
use super::repr::{python_repr, tuple_repr};
use super::shape::{Message, Properties};
use super::task::TaskMessage;

impl TaskMessage {
    /// Writes the message, in the form that Python's own workers are sent.
    #[must_use]
    pub fn write(&self, serializer: Serializer) -> Message {
        let embedded = json!({"callbacks": null, "errbacks": null, "chain": null, "chord": null});
        let body = json!([self.arguments, self.keywords, embedded]);
        let headers = json!({
            "lang": "py",
            "task": self.task,
            "id": self.id,
            "shadow": null,
            "eta": self.eta.map(instant),
            "expires": self.expires.map(instant),
            "group": self.group,
            "group_index": null,
            "retries": self.retries,
            "timelimit": [self.time_limits.hard.map(seconds), self.time_limits.soft.map(seconds)],
            "root_id": self.root_id,
            "parent_id": self.parent_id,
            "argsrepr": tuple_repr(&self.arguments),
            "kwargsrepr": python_repr(&Value::Object(self.keywords.clone())),
            "origin": self.origin,
            "ignore_result": self.ignore_result,
            "replaced_task_nesting": 0,
            "stamped_headers": null,
            "stamps": {},
        });
        let Value::Object(headers) = headers else { return Message::default() };
        Message {
            headers,
            properties: Properties {
                content_type: serializer.content_type().to_owned(),
                content_encoding: serializer.content_encoding().to_owned(),
                correlation_id: Some(self.id.clone()),
                reply_to: self.reply_to.clone(),
                persistent: true,
                priority: self.priority,
            },
            body: serializer.write(&body),
        }
    }
}

/// As Python writes an instant: microseconds, and the offset as a number.
pub(super) fn instant(instant: Timestamp) -> String {
    let instant = instant.round(Unit::Microsecond).unwrap_or(instant);
    instant.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()
}

/// Whole seconds without a point, as Python's senders mostly have them.
fn seconds(time: Duration) -> Value {
    match time.subsec_nanos() {
        0 => json!(time.as_secs()),
        _ => json!(time.as_secs_f64()),
    }
}
