//! The conformance suite of [`Queue`]: what every transport has to do, checked on the broker itself.
//!
//! A transport implements [`Harness`] for its tests and calls
//! [`queue_contract!`](crate::queue_contract), which makes one test of every case:
//!
//! ```text
//! stats_jobs::queue_contract!(MyHarness::start);
//! ```
//!
//! Where transports may differ, the harness says how. A bug found in one becomes a case for all.

mod cases;
mod hands;

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use stats_model::ManualClock;

pub use self::cases::*;
pub use self::hands::*;
use crate::{Delivery, Message, Queue, Serializer, TaskMessage};

/// So long is waited for what has to come.
const LONG: Duration = Duration::from_secs(20);
/// So long is waited for what must not come.
const SHORT: Duration = Duration::from_millis(150);

/// A queue under test with everything a test has to be able to do to it.
///
/// Each test gets its own, empty.
pub trait Harness: Sync {
    /// The queue.
    fn queue(&self) -> &dyn Queue;

    /// A second way to the same queue, as another process would have it.
    fn other(&self) -> Box<dyn Queue>;

    /// Another queue of the same broker.
    fn elsewhere(&self) -> Box<dyn Queue>;

    /// The clock by which leases pass; none where a delivery is lost with its connection only.
    fn clock(&self) -> Option<&ManualClock>;

    /// Has whatever is in the hand of [`queue`](Self::queue) be lost, as if its process had ended:
    /// lets its lease pass, or breaks its connection.
    fn lose(&self) {
        assert!(self.pass_of_the_lease(1), "without a lease a connection has to break");
    }

    /// Lets half of the lease pass; false where there is none.
    fn pass_half_of_the_lease(&self) -> bool {
        self.pass_of_the_lease(2)
    }

    /// Lets the lease, divided by `parts`, pass; false where there is none.
    fn pass_of_the_lease(&self, parts: u32) -> bool {
        let Some((clock, lease)) = self.clock().zip(self.queue().lease()) else { return false };
        clock.advance(SignedDuration::try_from(lease / parts).expect("leases are short"));
        true
    }

    /// Whether priorities are honoured.
    fn has_priorities(&self) -> bool;

    /// Puts something that is no message at the end, past the queue. False where nobody else can.
    fn send_garbage(&self) -> bool;
}

/// Makes a test of each case of the suite. The argument is an expression that can be called without
/// arguments and returns `Option<impl Harness>`; with `None` the test is skipped, and whoever returns
/// it says why.
#[macro_export]
macro_rules! queue_contract {
    ($start:expr) => {
        $crate::queue_contract!($start,
            an_empty_queue_gives_nothing
            what_was_sent_is_received_whole
            messages_come_in_the_order_in_which_they_were_sent
            messages_of_lower_priority_numbers_come_first
            a_big_message_is_received_whole
            queues_of_other_names_hold_other_messages
            the_length_counts_what_waits
            whoever_waits_gets_what_is_sent_meanwhile
            what_is_no_message_is_refused_once
            a_message_in_hand_is_given_to_nobody_else
            an_acknowledged_message_never_comes_again
            a_rejected_message_never_comes_again
            what_is_given_back_comes_again
            what_was_lost_comes_again
            what_is_settled_cannot_be_settled_again
            what_was_lost_cannot_be_settled
            a_message_that_is_kept_stays_in_hand
            each_message_goes_to_one_of_many
        );
    };
    ($start:expr, $($case:ident)+) => {
        $(
            #[test]
            fn $case() {
                if let Some(harness) = ($start)() {
                    $crate::contract::$case(&harness);
                }
            }
        )+
    };
}

/// A message for tests, which says `number`.
#[must_use]
pub fn message(number: u64) -> Message {
    let mut task = TaskMessage::new(format!("id-{number}"), "some.module.task");
    task.arguments.push(json!(number));
    task.write(Serializer::Json)
}

fn receive(queue: &dyn Queue) -> Delivery {
    queue.receive(LONG).expect("the broker is asked").expect("a message comes")
}

fn receive_nothing(queue: &dyn Queue) {
    assert_eq!(queue.receive(SHORT).expect("the broker is asked"), None);
}

/// What the message of a delivery says.
fn number(delivery: &Delivery) -> u64 {
    let message = delivery.content.as_ref().expect("a message");
    let task = TaskMessage::read(message).expect("a task");
    task.arguments[0].as_u64().expect("a number")
}

fn send(queue: &dyn Queue, number: u64) {
    queue.send(&message(number)).expect("a message is sent");
}
