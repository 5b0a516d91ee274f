//! The thread that answers Celery's remote control.

use std::sync::Arc;
use std::time::Duration;

use super::books::Phase;
use super::commands;
use super::shared::Shared;
use crate::control::Request;
use crate::{Broadcast, Mailbox, Message};

/// One question for a message waits so long.
const WAIT: Duration = Duration::from_millis(500);

/// Answers until the worker has ended.
pub(super) fn run(shared: &Arc<Shared>) {
    let Some(broadcast) = shared.broadcast.clone() else { return };
    let mut pauses = shared.pauses();
    while shared.phase() != Phase::Ended {
        if let Ok(mut mailbox) = broadcast.mailbox(&shared.options.name) {
            pauses.reset();
            listen(shared, broadcast.as_ref(), mailbox.as_mut());
        }
        // The intake tells that the broker is away.
        shared.pause(pauses.next(), Phase::Ended);
    }
}

/// Answers until the worker has ended, or nothing can be heard any more.
fn listen(shared: &Shared, broadcast: &dyn Broadcast, mailbox: &mut dyn Mailbox) {
    while shared.phase() != Phase::Ended {
        match mailbox.receive(WAIT) {
            Ok(Some(message)) => hear(shared, broadcast, &message),
            Ok(None) => {}
            Err(_) => return,
        }
    }
}

fn hear(shared: &Shared, broadcast: &dyn Broadcast, message: &Message) {
    // What cannot be read was not for us.
    let Ok(request) = Request::read(message) else { return };
    shared.announcer.adjust(request.clock);
    if !request.is_for(&shared.options.name) {
        return;
    }
    let answer = commands::answer(shared, &request.method, &request.arguments);
    let (Some(answer), Some((exchange, key))) = (answer, &request.reply_to) else { return };
    let clock = shared.announcer.forward();
    let answer = request.answer(&shared.options.name, answer, clock);
    // Whoever asks waits for a second or so, and asks again.
    drop(broadcast.reply(exchange, key, &answer));
}
