//! What is sent and received.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the queue breaks the contract")]

use std::time::Duration;

use super::{Harness, LONG, message, number, receive, receive_nothing, send};

/// Asking costs nothing and waiting ends.
pub fn an_empty_queue_gives_nothing(harness: &dyn Harness) {
    let queue = harness.queue();
    assert_eq!(queue.receive(Duration::ZERO).expect("a question"), None);
    receive_nothing(queue);
    assert_eq!(queue.length().expect("a question"), 0);
}

/// Headers, properties and every byte of the body come back.
pub fn what_was_sent_is_received_whole(harness: &dyn Harness) {
    let mut sent = message(1);
    sent.headers.insert("größe".to_owned(), serde_json::json!([null, -1, 1.5, {"a": true}]));
    sent.properties.reply_to = Some("somebody".to_owned());
    sent.body = (0..=255).collect();
    harness.queue().send(&sent).expect("a message is sent");
    let delivery = receive(harness.queue());
    assert!(!delivery.redelivered);
    assert_eq!(delivery.content.expect("a message"), sent);
    harness.queue().acknowledge(&delivery.tag).expect("it is in hand");
}

/// First in, first out.
pub fn messages_come_in_the_order_in_which_they_were_sent(harness: &dyn Harness) {
    let queue = harness.queue();
    (0..5).for_each(|number| send(queue, number));
    for expected in 0..5 {
        let delivery = receive(queue);
        assert_eq!(number(&delivery), expected);
        queue.acknowledge(&delivery.tag).expect("it is in hand");
    }
}

/// Priorities are rounded down to 0, 3, 6 and 9; within one the order stays.
pub fn messages_of_lower_priority_numbers_come_first(harness: &dyn Harness) {
    if !harness.has_priorities() {
        return;
    }
    let queue = harness.queue();
    for (number, priority) in [(0, 9), (1, 5), (2, 3), (3, 0), (4, 2), (5, 8)] {
        let mut sent = message(number);
        sent.properties.priority = priority;
        queue.send(&sent).expect("a message is sent");
    }
    let order: Vec<u64> = (0..6).map(|_| number(&receive(queue))).collect();
    assert_eq!(order, [3, 4, 1, 2, 5, 0]);
}

/// A megabyte is a message like any other.
pub fn a_big_message_is_received_whole(harness: &dyn Harness) {
    let mut sent = message(1);
    sent.body = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
    harness.queue().send(&sent).expect("a message is sent");
    assert!(receive(harness.queue()).content.expect("a message").body == sent.body);
}

/// Two queues of one broker have nothing in common.
pub fn queues_of_other_names_hold_other_messages(harness: &dyn Harness) {
    let (queue, elsewhere) = (harness.queue(), harness.elsewhere());
    assert_ne!(queue.name(), elsewhere.name());
    send(queue, 1);
    receive_nothing(elsewhere.as_ref());
    send(elsewhere.as_ref(), 2);
    assert_eq!(number(&receive(elsewhere.as_ref())), 2);
    assert_eq!(number(&receive(queue)), 1);
}

/// What is in somebody's hand does not wait.
pub fn the_length_counts_what_waits(harness: &dyn Harness) {
    let queue = harness.queue();
    (0..3).for_each(|number| send(queue, number));
    assert_eq!(queue.length().expect("a question"), 3);
    let delivery = receive(queue);
    assert_eq!(harness.other().length().expect("a question"), 2);
    queue.acknowledge(&delivery.tag).expect("it is in hand");
    assert_eq!(queue.length().expect("a question"), 2);
}

/// Waiting ends with the message.
pub fn whoever_waits_gets_what_is_sent_meanwhile(harness: &dyn Harness) {
    let other = harness.other();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| harness.queue().receive(LONG));
        send(other.as_ref(), 7);
        let delivery = waiting.join().expect("no panic").expect("a question").expect("a message");
        assert_eq!(number(&delivery), 7);
    });
}

/// It is refused to whoever meets it, and stands in nobody's way afterwards.
pub fn what_is_no_message_is_refused_once(harness: &dyn Harness) {
    if !harness.send_garbage() {
        return;
    }
    let queue = harness.queue();
    send(queue, 1);
    let delivery = receive(queue);
    delivery.content.expect_err("it is no message");
    queue.reject(&delivery.tag).expect("it is in hand");
    assert_eq!(number(&receive(queue)), 1);
    harness.lose();
    assert_eq!(number(&receive(queue)), 1);
    receive_nothing(queue);
}
