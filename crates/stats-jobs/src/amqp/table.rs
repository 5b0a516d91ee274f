//! Headers and properties as AMQP has them.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use serde_json::{Map, Number, Value};

use crate::{Message, Properties};

/// A text for a name: of 255 bytes at most.
pub(super) fn short(text: &str) -> Option<ShortString> {
    ShortString::try_new(text).ok()
}

/// What goes with the body; nothing when a name or a property is too long for AMQP.
pub(super) fn properties(message: &Message) -> Option<BasicProperties> {
    let from = &message.properties;
    let mut properties = BasicProperties::default()
        .with_content_type(short(&from.content_type)?)
        .with_content_encoding(short(&from.content_encoding)?)
        .with_delivery_mode(if from.persistent { 2 } else { 1 })
        .with_priority(from.priority)
        .with_headers(table(&message.headers)?);
    if let Some(id) = &from.correlation_id {
        properties = properties.with_correlation_id(short(id)?);
    }
    if let Some(reply_to) = &from.reply_to {
        properties = properties.with_reply_to(short(reply_to)?);
    }
    Some(properties)
}

/// The message that came with these properties.
pub(super) fn message(properties: &BasicProperties, body: Vec<u8>) -> Message {
    let text = |text: &Option<ShortString>| text.as_ref().map(|text| text.as_str().to_owned());
    Message {
        headers: properties.headers().as_ref().map(object).unwrap_or_default(),
        properties: Properties {
            content_type: text(properties.content_type()).unwrap_or_default(),
            content_encoding: text(properties.content_encoding()).unwrap_or_default(),
            correlation_id: text(properties.correlation_id()),
            reply_to: text(properties.reply_to()),
            persistent: *properties.delivery_mode() == Some(2),
            priority: properties.priority().unwrap_or_default().min(9),
        },
        body,
    }
}

fn table(object: &Map<String, Value>) -> Option<FieldTable> {
    let mut table = FieldTable::default();
    for (name, value) in object {
        table.insert(short(name)?, field(value)?);
    }
    Some(table)
}

fn field(value: &Value) -> Option<AMQPValue> {
    Some(match value {
        Value::Null => AMQPValue::Void,
        Value::Bool(truth) => AMQPValue::Boolean(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(number) => {
                i32::try_from(number).map_or(AMQPValue::LongLongInt(number), AMQPValue::LongInt)
            }
            None => AMQPValue::Double(number.as_f64()?),
        },
        Value::String(text) => AMQPValue::LongString(text.as_str().into()),
        Value::Array(items) => {
            let items: Option<Vec<AMQPValue>> = items.iter().map(field).collect();
            AMQPValue::FieldArray(items?.into())
        }
        Value::Object(members) => AMQPValue::FieldTable(table(members)?),
    })
}

fn object(table: &FieldTable) -> Map<String, Value> {
    table.into_iter().map(|(name, field)| (name.as_str().to_owned(), value(field))).collect()
}

fn value(field: &AMQPValue) -> Value {
    let real = |number: f64| Number::from_f64(number).map_or(Value::Null, Value::Number);
    match field {
        AMQPValue::Boolean(truth) => Value::Bool(*truth),
        AMQPValue::ShortShortInt(number) => Value::from(*number),
        AMQPValue::ShortShortUInt(number) => Value::from(*number),
        AMQPValue::ShortInt(number) => Value::from(*number),
        AMQPValue::ShortUInt(number) => Value::from(*number),
        AMQPValue::LongInt(number) => Value::from(*number),
        AMQPValue::LongUInt(number) => Value::from(*number),
        AMQPValue::LongLongInt(number) => Value::from(*number),
        AMQPValue::Float(number) => real(f64::from(*number)),
        AMQPValue::Double(number) => real(*number),
        AMQPValue::DecimalValue(number) => {
            real(f64::from(number.value) / 10_f64.powi(i32::from(number.scale)))
        }
        AMQPValue::ShortString(text) => Value::from(text.as_str()),
        AMQPValue::LongString(text) => {
            Value::from(String::from_utf8_lossy(text.as_bytes()).into_owned())
        }
        AMQPValue::FieldArray(items) => items.as_slice().iter().map(value).collect(),
        AMQPValue::Timestamp(seconds) => Value::from(*seconds),
        AMQPValue::FieldTable(table) => Value::Object(object(table)),
        AMQPValue::ByteArray(bytes) => {
            Value::from(String::from_utf8_lossy(bytes.as_slice()).into_owned())
        }
        AMQPValue::Void => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_comes_back() {
        let headers = json!({
            "nothing": null, "yes": true, "small": -1, "large": i64::MAX, "part": 1.5,
            "text": "größe", "list": [1, [null], {}], "object": {"a": {"b": "c"}},
        });
        let Value::Object(headers) = headers else { panic!("an object") };
        let read = object(&table(&headers).unwrap());
        assert_eq!(Value::Object(read), Value::Object(headers));
    }

    #[test]
    fn names_that_are_too_long_are_refused() {
        let mut message = Message::default();
        message.headers.insert("x".repeat(256), json!(1));
        assert!(properties(&message).is_none());
        let mut message = Message::default();
        message.properties.correlation_id = Some("x".repeat(256));
        assert!(properties(&message).is_none());
    }
}
