//! The text that kombu keeps a message as.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{Message, Properties, Refusal, largest_body};

/// Says that a message was in somebody's hand before.
const REDELIVERED: &str = "redelivered";

/// The text of a message that goes by way of `exchange` to who gets `routing_key`, with a new tag.
pub(super) fn text(message: &Message, exchange: &str, routing_key: &str) -> String {
    let properties = &message.properties;
    let mut written = json!({
        "delivery_mode": if properties.persistent { 2 } else { 1 },
        "delivery_info": {"exchange": exchange, "routing_key": routing_key},
        "priority": properties.priority,
        "body_encoding": "base64",
        "delivery_tag": new_tag(),
    });
    for (name, value) in
        [("correlation_id", &properties.correlation_id), ("reply_to", &properties.reply_to)]
    {
        if let Some(value) = value {
            written[name] = Value::from(value.as_str());
        }
    }
    json!({
        "body": STANDARD.encode(&message.body),
        "content-encoding": properties.content_encoding,
        "content-type": properties.content_type,
        "headers": message.headers,
        "properties": written,
    })
    .to_string()
}

/// The message of a text, and whether it was in somebody's hand before.
pub(super) fn message(text: &[u8]) -> Result<(Message, bool), Refusal> {
    let broken = |what: String| Refusal::Envelope(what);
    let read: Value = serde_json::from_slice(text).map_err(|error| broken(error.to_string()))?;
    let object = |value: &Value, what: &str| {
        let object = value.as_object().cloned();
        object.ok_or_else(|| broken(format!("it has no {what}")))
    };
    let text_of = |value: &Value| value.as_str().map(str::to_owned);
    let mut headers = object(&read["headers"], "headers")?;
    let redelivered = headers.remove(REDELIVERED).is_some_and(|value| value == true);
    let properties = object(&read["properties"], "properties")?;
    let property = |name: &str| properties.get(name).and_then(text_of);
    let Some(body) = read["body"].as_str() else {
        return Err(broken("it has no body".to_owned()));
    };
    let message = Message {
        headers,
        properties: Properties {
            content_type: text_of(&read["content-type"]).unwrap_or_default(),
            content_encoding: text_of(&read["content-encoding"]).unwrap_or_default(),
            correlation_id: property("correlation_id"),
            reply_to: property("reply_to"),
            persistent: properties.get("delivery_mode").is_none_or(|mode| mode == 2),
            priority: priority(&properties),
        },
        body: self::body(body, property("body_encoding").as_deref())?,
    };
    Ok((message, redelivered))
}

fn body(text: &str, encoding: Option<&str>) -> Result<Vec<u8>, Refusal> {
    if text.len() / 4 * 3 > largest_body() {
        return Err(Refusal::TooLarge(text.len() / 4 * 3));
    }
    match encoding {
        Some("base64") => {
            STANDARD.decode(text).map_err(|error| Refusal::Envelope(format!("its body: {error}")))
        }
        None => Ok(text.as_bytes().to_vec()),
        Some(other) => {
            let other: String = other.chars().take(60).collect();
            Err(Refusal::Envelope(format!("its body is written in '{other}'")))
        }
    }
}

fn priority(properties: &Map<String, Value>) -> u8 {
    let priority = properties.get("priority").and_then(Value::as_u64);
    priority.map_or(0, |priority| priority.min(9) as u8)
}

/// A message that somebody had in hand, as `unacked` keeps it.
pub(super) struct Unacked {
    message: Map<String, Value>,
    /// The exchange and the key by which it goes to its queue.
    pub(super) route: (String, String),
}

impl Unacked {
    /// Reads such an entry; `None` when it is none.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let (message, exchange, routing_key) =
            serde_json::from_slice::<(Map<String, Value>, String, String)>(text).ok()?;
        Some(Self { message, route: (exchange, routing_key) })
    }

    /// Its priority.
    pub(super) fn priority(&self) -> u8 {
        self.message.get("properties").and_then(Value::as_object).map_or(0, priority)
    }

    /// The text as which it waits again, with a tag by which whoever had it cannot settle it.
    pub(super) fn again(mut self) -> String {
        let member = |object: &mut Map<String, Value>, name: &str, key: &str, value: Value| {
            if let Some(Value::Object(found)) = object.get_mut(name) {
                found.insert(key.to_owned(), value);
            }
        };
        member(&mut self.message, "headers", REDELIVERED, Value::Bool(true));
        member(&mut self.message, "properties", "delivery_tag", Value::String(new_tag()));
        if let Some(Value::Object(properties)) = self.message.get_mut("properties") {
            member(properties, "delivery_info", REDELIVERED, Value::Bool(true));
        }
        Value::Object(self.message).to_string()
    }
}

fn new_tag() -> String {
    Uuid::new_v4().to_string()
}
