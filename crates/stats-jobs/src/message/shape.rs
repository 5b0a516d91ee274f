//! A message as transports carry it.

use serde_json::{Map, Value};

/// What a transport carries: headers and properties, which every worker can read, and a body, which
/// its properties say how to read (cache-and-jobs specification, section 11.2).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Message {
    /// The headers by their names.
    pub headers: Map<String, Value>,
    /// What every message has.
    pub properties: Properties,
    /// The body as it was serialised.
    pub body: Vec<u8>,
}

/// The properties of a message that mean something to Celery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Properties {
    /// How the body was serialised: a media type.
    pub content_type: String,
    /// The encoding of its text; `binary` when it is none.
    pub content_encoding: String,
    /// The id of the task that the message is about.
    pub correlation_id: Option<String>,
    /// Whom an answer goes to.
    pub reply_to: Option<String>,
    /// Whether the message outlives the broker.
    pub persistent: bool,
    /// 0 to 9. Where priorities are honoured, 0 comes first, as with Redis below Celery.
    pub priority: u8,
}

impl Default for Properties {
    fn default() -> Self {
        Self {
            content_type: String::new(),
            content_encoding: String::new(),
            correlation_id: None,
            reply_to: None,
            persistent: true,
            priority: 0,
        }
    }
}

impl Message {
    /// The text of a header; `None` when it is missing or something else.
    #[must_use]
    pub fn text(&self, header: &str) -> Option<&str> {
        self.headers.get(header)?.as_str()
    }
}
