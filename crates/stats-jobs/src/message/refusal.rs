//! Why a message is not performed.

/// What is wrong with a message. It says so of every copy of it: one that is refused once is never
/// tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A serialiser that is not read: pickle would run what is in it, and YAML nobody needs.
    #[error(
        "its body is of the type '{0}'; only application/json and application/x-msgpack are read"
    )]
    Serializer(String),
    /// A text that is not in UTF-8.
    #[error("the text of its body is in '{0}'; only utf-8 is read")]
    Encoding(String),
    /// A body that was made smaller.
    #[error("its body is compressed with '{0}', which is not read")]
    Compressed(String),
    /// A body of so many bytes.
    #[error("its body has {0} bytes, which is too large")]
    TooLarge(usize),
    /// A body that is not what its type says, or that no task of protocol 2 has.
    #[error("its body cannot be read: {0}")]
    Body(String),
    /// A header that is needed and missing, or that has an impossible value.
    #[error("its header '{name}' {fault}")]
    Header {
        /// Which.
        name: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A message of another protocol: without the headers `task` and `id`.
    #[error("it is no task of version 2 of Celery's protocol")]
    Protocol,
    /// Something has to be done with its result that is not done here: performed all the same, the
    /// work that was to follow would be lost without a word.
    #[error("it has {0}, and nothing that follows a task is done here")]
    Followed(&'static str),
    /// What the transport puts around a message cannot be read.
    #[error("its envelope cannot be read: {0}")]
    Envelope(String),
}
