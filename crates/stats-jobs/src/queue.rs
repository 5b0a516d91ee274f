//! The trait that every transport of messages answers.

use std::fmt;
use std::time::Duration;

use crate::{Message, QueueError, Refusal};

/// Names a delivery to the queue that it came from, until it is settled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// The tag with this text; only the queue that gives it knows what it means.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A message in our hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// By which it is settled.
    pub tag: Tag,
    /// Whether it may have been in somebody's hand before.
    pub redelivered: bool,
    /// The message, or why it is none. What is refused has to be [rejected](Queue::reject), too.
    pub content: Result<Message, Refusal>,
}

/// A queue of messages at some broker, by its name.
///
/// The contract, which the suite in module [`contract`](crate::contract) checks for every
/// implementation:
///
/// * *Sending.* When [`send`](Self::send) has returned, the message is kept by the broker. After an
///   error it may be there or not.
/// * *In hand.* A message that was [received](Self::receive) is given to nobody else until it is
///   settled: [acknowledged](Self::acknowledge), [rejected](Self::reject) or
///   [given back](Self::give_back). Each is settled once; then, and when the broker took it from us
///   meanwhile, settling is an error of kind [`Gone`](crate::Gone), and nothing is
///   changed.
/// * *Lost.* What was in the hand of a process that ended, or that lost its connection, comes again,
///   marked as redelivered: where there is a [lease](Self::lease), once that is over. No message is
///   ever lost; one may be performed twice.
/// * *Order.* Messages come as they were sent, those of lower priority numbers first where the broker
///   knows priorities. What comes again comes in any place.
/// * *Broken ones.* What is no message at all is delivered as a refusal, and never again once it is
///   rejected.
/// * *Threads and processes.* All methods may be called from several threads and processes at once.
///   Connections are made anew by themselves, by the call that needs one.
pub trait Queue: Send + Sync {
    /// The name of the queue.
    fn name(&self) -> &str;

    /// Where it is, for people; without a password.
    fn place(&self) -> String;

    /// Puts a message at the end.
    ///
    /// # Errors
    /// When the broker does not confirm that it has it.
    fn send(&self, message: &Message) -> Result<(), QueueError>;

    /// Takes the next message into our hand; waits for one, for `wait` at most.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    fn receive(&self, wait: Duration) -> Result<Option<Delivery>, QueueError>;

    /// Says that the message needs to be kept no more.
    ///
    /// # Errors
    /// [`Gone`](crate::Gone) when it is not in our hand, and when the broker cannot be
    /// told: it may come again then.
    fn acknowledge(&self, tag: &Tag) -> Result<(), QueueError>;

    /// Has the message come again.
    ///
    /// # Errors
    /// As [`acknowledge`](Self::acknowledge).
    fn give_back(&self, tag: &Tag) -> Result<(), QueueError>;

    /// Says that nobody should get the message again, since nobody could do anything with it. Where
    /// the broker has a place for such messages, it goes there.
    ///
    /// # Errors
    /// As [`acknowledge`](Self::acknowledge).
    fn reject(&self, tag: &Tag) -> Result<(), QueueError>;

    /// How long a message stays in our hand unless it is [kept](Self::keep). `None`: as long as the
    /// connection stands.
    fn lease(&self) -> Option<Duration>;

    /// Begins the leases of these messages anew. Those that are not in our hand are passed over.
    ///
    /// # Errors
    /// When the broker cannot be told.
    fn keep(&self, tags: &[Tag]) -> Result<(), QueueError>;

    /// How many messages wait, those in nobody's hand. A queue that is not there is empty, and is not
    /// made.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    fn length(&self) -> Result<u64, QueueError>;
}
