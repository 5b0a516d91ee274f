//! One question or order.

use serde_json::{Map, Value, json};

use super::glob;
use crate::{Message, Properties, Refusal, Serializer};

/// A question or order to one worker, some or all.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What is wanted: `ping` for example.
    pub method: String,
    /// What goes with it.
    pub arguments: Map<String, Value>,
    /// Exchange and key by which an answer finds who asks; none when no answer is wanted.
    pub reply_to: Option<(String, String)>,
    /// By which who asks knows the answer.
    ticket: Value,
    /// The workers that are meant, by their names; all of them when there is none.
    destination: Option<Vec<String>>,
    pattern: Option<String>,
    /// What the logical clock of who asks shows.
    pub clock: u64,
    serializer: Serializer,
}

impl Request {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is no question.
    pub fn read(message: &Message) -> Result<Self, Refusal> {
        let serializer = Serializer::of(&message.properties)?;
        let body = serializer.read(&message.body)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let Some(method) = text(&body["method"]) else {
            return Err(Refusal::Body("it has no method".to_owned()));
        };
        let reply_to = &body["reply_to"];
        let destination = body["destination"].as_array();
        let pattern = match text(&body["matcher"]).as_deref() {
            None | Some("glob") => text(&body["pattern"]),
            // Nobody is meant by what is not understood.
            Some(_) => text(&body["pattern"]).map(|_| String::new()),
        };
        Ok(Self {
            method,
            arguments: body["arguments"].as_object().cloned().unwrap_or_default(),
            reply_to: text(&reply_to["exchange"]).zip(text(&reply_to["routing_key"])),
            ticket: body.get("ticket").cloned().unwrap_or_default(),
            destination: destination.map(|names| names.iter().filter_map(text).collect()),
            pattern,
            clock: message.headers.get("clock").and_then(Value::as_u64).unwrap_or_default(),
            serializer,
        })
    }

    /// Whether the worker of this name is meant.
    #[must_use]
    pub fn is_for(&self, worker: &str) -> bool {
        match (&self.destination, &self.pattern) {
            (Some(names), _) if !names.is_empty() => names.iter().any(|name| name == worker),
            (_, Some(pattern)) => glob::matches(pattern, worker),
            _ => true,
        }
    }

    /// The message with what `worker` answers; `clock` is its logical clock.
    #[must_use]
    pub fn answer(&self, worker: &str, answer: Value, clock: u64) -> Message {
        let mut headers = Map::new();
        headers.insert("ticket".to_owned(), self.ticket.clone());
        headers.insert("clock".to_owned(), Value::from(clock));
        Message {
            headers,
            properties: Properties {
                content_type: self.serializer.content_type().to_owned(),
                content_encoding: self.serializer.content_encoding().to_owned(),
                persistent: false,
                ..Properties::default()
            },
            body: self.serializer.write(&json!({worker: answer})),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broadcast_message;

    fn request(body: Value) -> Request {
        let mut message = broadcast_message(&body);
        message.headers.insert("clock".to_owned(), json!(7));
        Request::read(&message).unwrap()
    }

    #[test]
    fn a_question_is_for_those_whom_it_names() {
        let meant = |destination: Value, pattern: Value, matcher: Value| {
            let body = json!({
                "method": "ping", "arguments": null, "destination": destination,
                "pattern": pattern, "matcher": matcher,
            });
            request(body).is_for("a@host")
        };
        let none = || Value::Null;
        assert!(meant(none(), none(), none()));
        assert!(meant(json!([]), none(), none()));
        assert!(meant(json!(["b@host", "a@host"]), none(), none()));
        assert!(!meant(json!(["b@host"]), none(), none()));
        assert!(meant(none(), json!("a@*"), json!("glob")));
        assert!(!meant(none(), json!("b@*"), json!("glob")));
        // Regular expressions are not understood.
        assert!(!meant(none(), json!("a@.*"), json!("pcre")));
    }

    #[test]
    fn an_answer_carries_the_ticket_of_the_question() {
        let question = request(json!({
            "method": "ping", "ticket": "t",
            "reply_to": {"exchange": "reply.celery.pidbox", "routing_key": "who"},
        }));
        assert_eq!((question.method.as_str(), question.clock), ("ping", 7));
        let to = ("reply.celery.pidbox".to_owned(), "who".to_owned());
        assert_eq!(question.reply_to, Some(to));
        let answer = question.answer("a@host", json!({"ok": "pong"}), 8);
        assert_eq!((&answer.headers["ticket"], &answer.headers["clock"]), (&json!("t"), &json!(8)));
        assert_eq!(answer.body, br#"{"a@host":{"ok":"pong"}}"#);
    }

    #[test]
    fn what_is_no_question_is_refused() {
        for body in [json!([]), json!({}), json!({"method": 1})] {
            Request::read(&broadcast_message(&body)).unwrap_err();
        }
    }
}
