//! Questions of any bytes are read or refused.

use serde_json::json;
use stats_testkit::fuzz;

use super::request::Request;
use crate::{Message, Serializer};

fn fuzz_request(data: &[u8]) {
    for serializer in [Serializer::Json, Serializer::Msgpack] {
        let mut message = Message { body: data.to_vec(), ..Message::default() };
        message.properties.content_type = serializer.content_type().to_owned();
        let Ok(request) = Request::read(&message) else { continue };
        let _ = request.is_for("a@host");
        let answer = request.answer("a@host", json!({"ok": "pong"}), 1);
        assert_eq!(serializer.read(&answer.body), Ok(json!({"a@host": {"ok": "pong"}})));
    }
}

#[test]
fn requests() {
    fuzz::run("request", fuzz_request).unwrap();
}
