//! What is in somebody's hand.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the queue breaks the contract")]

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::{Harness, SHORT, number, receive, receive_nothing, send};
use crate::{Gone, QueueError, QueueErrorKind};

/// Neither to us nor to another process.
pub fn a_message_in_hand_is_given_to_nobody_else(harness: &dyn Harness) {
    let other = harness.other();
    send(harness.queue(), 1);
    let delivery = receive(harness.queue());
    receive_nothing(other.as_ref());
    receive_nothing(harness.queue());
    harness.queue().acknowledge(&delivery.tag).expect("it is in hand");
}

/// Whatever happens to whoever had it.
pub fn an_acknowledged_message_never_comes_again(harness: &dyn Harness) {
    send(harness.queue(), 1);
    let delivery = receive(harness.queue());
    harness.queue().acknowledge(&delivery.tag).expect("it is in hand");
    harness.lose();
    receive_nothing(harness.queue());
    receive_nothing(harness.other().as_ref());
}

/// Whatever happens to whoever had it.
pub fn a_rejected_message_never_comes_again(harness: &dyn Harness) {
    send(harness.queue(), 1);
    let delivery = receive(harness.queue());
    harness.queue().reject(&delivery.tag).expect("it is in hand");
    harness.lose();
    receive_nothing(harness.queue());
    receive_nothing(harness.other().as_ref());
}

/// To us or to another process, and says so.
pub fn what_is_given_back_comes_again(harness: &dyn Harness) {
    let other = harness.other();
    send(harness.queue(), 1);
    let delivery = receive(harness.queue());
    harness.queue().give_back(&delivery.tag).expect("it is in hand");
    let again = receive(other.as_ref());
    assert_eq!(number(&again), 1);
    assert!(again.redelivered);
    other.acknowledge(&again.tag).expect("it is in hand");
    receive_nothing(harness.queue());
}

/// To another process, once.
pub fn what_was_lost_comes_again(harness: &dyn Harness) {
    let other = harness.other();
    for lost in 0..3 {
        send(harness.queue(), lost);
        receive(harness.queue());
    }
    harness.lose();
    let mut found = BTreeSet::new();
    for _ in 0..3 {
        let again = receive(other.as_ref());
        assert!(again.redelivered);
        found.insert(number(&again));
        other.acknowledge(&again.tag).expect("it is in hand");
    }
    assert_eq!(found, BTreeSet::from([0, 1, 2]));
    receive_nothing(other.as_ref());
}

/// Said twice, the second is an error that changes nothing.
pub fn what_is_settled_cannot_be_settled_again(harness: &dyn Harness) {
    let queue = harness.queue();
    (0..2).for_each(|number| send(queue, number));
    let delivery = receive(queue);
    queue.acknowledge(&delivery.tag).expect("it is in hand");
    is_gone(queue.acknowledge(&delivery.tag));
    is_gone(queue.give_back(&delivery.tag));
    is_gone(queue.reject(&delivery.tag));
    queue.keep(&[delivery.tag]).expect("nothing to keep");
    assert_eq!(number(&receive(queue)), 1);
    receive_nothing(queue);
}

/// It is in somebody else's hand by then.
pub fn what_was_lost_cannot_be_settled(harness: &dyn Harness) {
    let other = harness.other();
    send(harness.queue(), 1);
    let delivery = receive(harness.queue());
    harness.lose();
    let again = receive(other.as_ref());
    is_gone(harness.queue().acknowledge(&delivery.tag));
    other.give_back(&again.tag).expect("it is in hand");
    assert_eq!(number(&receive(harness.queue())), 1);
}

/// Once and again, longer than one lease.
pub fn a_message_that_is_kept_stays_in_hand(harness: &dyn Harness) {
    let (queue, other) = (harness.queue(), harness.other());
    send(queue, 1);
    let delivery = receive(queue);
    queue.keep(std::slice::from_ref(&delivery.tag)).expect("it is in hand");
    for _ in 0..4 {
        if !harness.pass_half_of_the_lease() {
            assert_eq!(queue.lease(), None);
            return;
        }
        queue.keep(std::slice::from_ref(&delivery.tag)).expect("it is in hand");
        receive_nothing(other.as_ref());
    }
    queue.acknowledge(&delivery.tag).expect("it is in hand");
}

/// Several threads of several processes receive at once.
pub fn each_message_goes_to_one_of_many(harness: &dyn Harness) {
    const MESSAGES: u64 = 60;
    (0..MESSAGES).for_each(|number| send(harness.queue(), number));
    let found = Mutex::new(Vec::new());
    let ways = [harness.other(), harness.other()];
    std::thread::scope(|scope| {
        for way in &ways {
            for _ in 0..2 {
                scope.spawn(|| {
                    while let Some(delivery) = way.receive(SHORT).expect("a question") {
                        crate::locked(&found).push(number(&delivery));
                        way.acknowledge(&delivery.tag).expect("it is in hand");
                    }
                });
            }
        }
    });
    let mut found = found.into_inner().expect("no panic");
    found.sort_unstable();
    assert_eq!(found, (0..MESSAGES).collect::<Vec<_>>());
}

fn is_gone(settled: Result<(), QueueError>) {
    assert_eq!(settled.expect_err("it is not in hand").kind(), QueueErrorKind::Own(Gone));
}
