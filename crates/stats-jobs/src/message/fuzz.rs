//! Messages of any bytes are read or refused, and what was read is written as it was.

use serde_json::Value;
use stats_testkit::fuzz;

use super::codec::Serializer;
use super::shape::Message;
use super::task::TaskMessage;

/// The first line holds headers and `content_type` as JSON, the rest is the body.
fn fuzz_task(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let headers = serde_json::from_slice(&data[..end]).ok();
    let Some(Value::Object(headers)) = headers else { return };
    let mut message = Message { headers, ..Message::default() };
    message.body = data.get(end + 1..).unwrap_or_default().to_vec();
    message.properties.content_type =
        message.text("content_type").unwrap_or("application/json").to_owned();
    let Ok(read) = TaskMessage::read(&message) else { return };
    for serializer in [Serializer::Json, Serializer::Msgpack] {
        let written = read.write(serializer);
        let again = TaskMessage::read(&written).expect("what was written can be read");
        assert_eq!((&again.id, &again.task), (&read.id, &read.task));
        assert_eq!(again.retries, read.retries);
        // The text of a number with a point may come back as its neighbour.
        if serializer == Serializer::Msgpack {
            assert_eq!(again.arguments, read.arguments);
            assert_eq!(again.keywords, read.keywords);
        }
    }
}

#[test]
fn tasks() {
    fuzz::run("task", fuzz_task).unwrap();
}
