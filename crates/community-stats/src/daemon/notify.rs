//! Words to systemd, where it started this process and wants to hear them.

use std::time::Duration;

use sd_notify::NotifyState;

/// Tells systemd. Who does not listen misses nothing.
fn tell(states: &[NotifyState<'_>]) {
    drop(sd_notify::notify(states));
}

/// That the work begins.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// That settings are read anew; [`ready`] follows.
pub(super) fn reloading() {
    tell(&[NotifyState::Reloading]);
}

/// That the process ends.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// A sign of life, and what goes on.
pub(super) fn alive(status: &str) {
    tell(&[NotifyState::Watchdog, NotifyState::Status(status)]);
}

/// How often signs of life are wanted: twice in the time after which systemd takes the process for
/// dead. `None`: it does not watch.
pub(super) fn signs_every() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|after| after / 2)
}
