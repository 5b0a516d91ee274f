//! Why a task failed, as an exception of Python.

use std::fmt;

use serde_json::{Value, json};

/// Why a task failed. Python's side raises it as an exception again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The name of the exception's class.
    pub exception: String,
    /// The module that the class is in. Where Python's side does not know it, it makes a class of that
    /// name.
    pub module: String,
    /// What it says.
    pub message: String,
    /// Where it happened, for people.
    pub traceback: Option<String>,
}

impl Failure {
    /// An exception of Python itself, `RuntimeError` for example.
    #[must_use]
    pub fn new(exception: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of("builtins", exception, message)
    }

    /// An exception of some module.
    #[must_use]
    pub fn of(
        module: impl Into<String>,
        exception: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (module, exception, message) = (module.into(), exception.into(), message.into());
        Self { exception, module, message, traceback: None }
    }

    /// What is stored in place of a result.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({
            "exc_type": self.exception,
            "exc_message": [self.message],
            "exc_module": self.module,
        })
    }

    /// What was stored in place of a result; `None` when it is no exception.
    #[must_use]
    pub fn from_value(value: &Value, traceback: Option<String>) -> Option<Self> {
        let message = match &value["exc_message"] {
            Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
            Value::Null => String::new(),
            other => text(other),
        };
        Some(Self {
            exception: value["exc_type"].as_str()?.to_owned(),
            module: value["exc_module"].as_str().unwrap_or("builtins").to_owned(),
            message,
            traceback,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.exception, self.message)
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
