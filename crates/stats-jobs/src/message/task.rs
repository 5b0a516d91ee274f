//! What the message of a task says.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::codec::Serializer;
use super::headers::{count, fault, instant, limits, needed, text};
use super::refusal::Refusal;
use super::shape::Message;

/// How long a task may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeLimits {
    /// After this it is asked to stop.
    pub soft: Option<Duration>,
    /// After this it has failed, whatever it does.
    pub hard: Option<Duration>,
}

/// A task to be performed, as protocol 2 of Celery has it (cache-and-jobs specification, section
/// 11.2).
#[derive(Debug, Clone, PartialEq)]
pub struct TaskMessage {
    /// The id: names the result, and is what is revoked.
    pub id: String,
    /// The full name of the task.
    pub task: String,
    /// The positional arguments.
    pub arguments: Vec<Value>,
    /// The arguments with names.
    pub keywords: Map<String, Value>,
    /// Not to be begun before.
    pub eta: Option<Timestamp>,
    /// Not to be begun afterwards.
    pub expires: Option<Timestamp>,
    /// How often it was tried before.
    pub retries: u32,
    /// How long it may take, as its sender says.
    pub time_limits: TimeLimits,
    /// Whether nobody asks for the result.
    pub ignore_result: bool,
    /// The task that began it all; itself, mostly.
    pub root_id: Option<String>,
    /// The task that sent it.
    pub parent_id: Option<String>,
    /// The group that it belongs to.
    pub group: Option<String>,
    /// Who sent it: `gen<process>@<host>`.
    pub origin: Option<String>,
    /// Whom an answer goes to, where results go through the broker.
    pub reply_to: Option<String>,
    /// 0 to 9; see [`Properties`](super::shape::Properties).
    pub priority: u8,
}

impl TaskMessage {
    /// A task to be performed as soon as possible.
    #[must_use]
    pub fn new(id: impl Into<String>, task: impl Into<String>) -> Self {
        let id = id.into();
        Self {
            root_id: Some(id.clone()),
            id,
            task: task.into(),
            arguments: Vec::new(),
            keywords: Map::new(),
            eta: None,
            expires: None,
            retries: 0,
            time_limits: TimeLimits::default(),
            ignore_result: false,
            parent_id: None,
            group: None,
            origin: None,
            reply_to: None,
            priority: 0,
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// When it cannot be performed by anybody who reads only what is read here.
    pub fn read(message: &Message) -> Result<Self, Refusal> {
        let headers = &message.headers;
        let task = needed(headers, "task")?;
        let id = needed(headers, "id")?;
        if let Some(compression) = headers.get("compression").filter(|value| !value.is_null()) {
            let compression = compression.as_str().unwrap_or("something");
            return Err(Refusal::Compressed(compression.chars().take(60).collect()));
        }
        let value = Serializer::of(&message.properties)?.read(&message.body)?;
        let (arguments, keywords) = body(value)?;
        let [hard, soft] = limits(headers, "timelimit")?;
        Ok(Self {
            arguments,
            keywords,
            eta: instant(headers, "eta")?,
            expires: instant(headers, "expires")?,
            retries: count(headers, "retries")?,
            time_limits: TimeLimits { soft, hard },
            ignore_result: ignore_result(headers)?,
            root_id: text(headers, "root_id"),
            parent_id: text(headers, "parent_id"),
            group: text(headers, "group"),
            origin: text(headers, "origin"),
            reply_to: message.properties.reply_to.clone(),
            priority: message.properties.priority,
            id,
            task,
        })
    }
}

fn ignore_result(headers: &Map<String, Value>) -> Result<bool, Refusal> {
    match headers.get("ignore_result") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(ignored)) => Ok(*ignored),
        Some(_) => Err(fault("ignore_result", "is neither true nor false")),
    }
}

/// The arguments of both kinds, if that is all there is.
fn body(value: Value) -> Result<(Vec<Value>, Map<String, Value>), Refusal> {
    let wrong = |what: &str| Err(Refusal::Body(what.to_owned()));
    let Value::Array(parts) = value else { return wrong("it is no array of three") };
    let Ok([arguments, keywords, embedded]) = <[Value; 3]>::try_from(parts) else {
        return wrong("it is no array of three");
    };
    let Value::Array(arguments) = arguments else { return wrong("its arguments are no array") };
    let Value::Object(keywords) = keywords else { return wrong("its keywords are no object") };
    let followed = match embedded {
        Value::Null => None,
        Value::Object(embedded) => followed(&embedded),
        _ => return wrong("its third part is no object"),
    };
    match followed {
        Some(what) => Err(Refusal::Followed(what)),
        None => Ok((arguments, keywords)),
    }
}

/// What is to be done with the result, if anything is.
fn followed(embedded: &Map<String, Value>) -> Option<&'static str> {
    let is_there = |name: &str| match embedded.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        Some(_) => true,
    };
    [
        ("callbacks", "callbacks"),
        ("errbacks", "callbacks for errors"),
        ("chain", "a chain"),
        ("chord", "a chord"),
    ]
    .into_iter()
    .find_map(|(name, what)| is_there(name).then_some(what))
}
