//! The one door between threads that wait and the client that never does.

use std::future::Future;
use std::io;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A thread that drives everything asynchronous. It ends with the door.
pub(super) struct Door {
    handle: Handle,
    _open: oneshot::Sender<()>,
}

impl Door {
    pub(super) fn open() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (open, closed) = oneshot::channel::<()>();
        thread::Builder::new().name("amqp".to_owned()).spawn(move || {
            // An error says that the door is gone, and nothing else.
            drop(runtime.block_on(closed));
        })?;
        Ok(Self { handle, _open: open })
    }

    /// Has `work` done and waits for it, for `within` at most; nothing then, and it is given up.
    pub(super) fn run<T: Send + 'static>(
        &self,
        within: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (teller, told) = sync_channel(1);
        let task = self.handle.spawn(async move { drop(teller.send(work.await)) });
        let done = told.recv_timeout(within).ok();
        if done.is_none() {
            task.abort();
        }
        done
    }
}
