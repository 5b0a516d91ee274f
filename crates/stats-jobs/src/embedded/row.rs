//! A message as a row holds it: headers and properties in one text, the body as it is.

use serde_json::{Value, json};

use crate::{Message, Properties, Refusal};

/// Headers and properties.
pub(super) fn head(message: &Message) -> String {
    let properties = &message.properties;
    json!({
        "headers": message.headers,
        "content_type": properties.content_type,
        "content_encoding": properties.content_encoding,
        "correlation_id": properties.correlation_id,
        "reply_to": properties.reply_to,
        "persistent": properties.persistent,
        "priority": properties.priority,
    })
    .to_string()
}

/// The message again.
pub(super) fn message(head: &str, body: Vec<u8>) -> Result<Message, Refusal> {
    let head: Value =
        serde_json::from_str(head).map_err(|error| Refusal::Envelope(error.to_string()))?;
    let Some(headers) = head["headers"].as_object() else {
        return Err(Refusal::Envelope("it has no headers".to_owned()));
    };
    let text = |name: &str| head[name].as_str().map(str::to_owned);
    let properties = Properties {
        content_type: text("content_type").unwrap_or_default(),
        content_encoding: text("content_encoding").unwrap_or_default(),
        correlation_id: text("correlation_id"),
        reply_to: text("reply_to"),
        persistent: head["persistent"] == true,
        priority: head["priority"].as_u64().map_or(0, |priority| priority.min(9) as u8),
    };
    Ok(Message { headers: headers.clone(), properties, body })
}
