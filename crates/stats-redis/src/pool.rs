//! Connections that are used again.

use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::{Connection, RedisError, RedisResult};

use crate::failure::{ends_connection, was_interrupted};

/// As many connections as threads need at a time; some of them are kept while nobody needs them.
pub struct Pool {
    most: usize,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    /// Keeps at most so many.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { most, idle: Mutex::new(Vec::new()) }
    }

    /// One that is idle.
    #[must_use]
    pub fn take(&self) -> Option<Connection> {
        self.idle().pop()
    }

    /// Keeps one for later, unless enough are kept.
    pub fn keep(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < self.most {
            idle.push(connection);
        }
    }

    /// Closes those that are idle: the server was restarted, or closed what was idle.
    pub fn clear(&self) {
        self.idle().clear();
    }

    /// Runs `work` on a connection, which is kept afterwards if it can be used again.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn run_on<T>(
        &self,
        mut connection: Connection,
        work: impl FnOnce(&mut Connection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let result = work(&mut connection);
        // After an error of the connection an answer may be under way that belongs to nobody.
        if !result.as_ref().is_err_and(ends_connection) {
            self.keep(connection);
        }
        result
    }

    /// Runs `work` on an idle connection, or on one from `open`. It is run again on a new one when the
    /// connection had been idle and turns out to be broken, and when this process was stopped while it
    /// waited for an answer: `work` must do no harm when it is done twice.
    ///
    /// # Errors
    /// Those of `open` and of `work`.
    pub fn run<T>(
        &self,
        open: impl Fn() -> RedisResult<Connection>,
        work: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let anew = || open().and_then(|connection| self.run_on(connection, &work));
        let idle = self.take();
        let was_idle = idle.is_some();
        let mut result = match idle {
            Some(connection) => self.run_on(connection, &work),
            None => anew(),
        };
        if was_idle && result.as_ref().is_err_and(RedisError::is_connection_dropped) {
            // The others are broken as well.
            self.clear();
            result = anew();
        }
        if result.as_ref().is_err_and(was_interrupted) {
            result = anew();
        }
        result
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
