//! Messages as Celery wrote them.

pub(crate) mod bench;
pub(crate) mod doings;
pub(crate) mod watched;

use serde_json::Value;
use stats_jobs::{Message, Properties};
use stats_testkit::fixtures;

/// A file of `fixtures/celery/`.
pub(crate) fn captured(name: &str) -> Value {
    let bytes = fixtures::bytes(format!("celery/{name}.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// The message in such a file, of those that RabbitMQ carried.
pub(crate) fn captured_message(name: &str) -> Message {
    let captured = captured(name);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let properties = &captured["properties"];
    let body = match text(&captured["body_hex"]) {
        Some(hex) => from_hex(&hex),
        None => text(&captured["body_text"]).unwrap().into_bytes(),
    };
    Message {
        headers: captured["headers"].as_object().unwrap().clone(),
        properties: Properties {
            content_type: text(&properties["content_type"]).unwrap(),
            content_encoding: text(&properties["content_encoding"]).unwrap(),
            correlation_id: text(&properties["correlation_id"]),
            reply_to: text(&properties["reply_to"]),
            persistent: properties["delivery_mode"] == 2,
            priority: 0,
        },
        body,
    }
}

pub(crate) fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
