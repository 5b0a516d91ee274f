//! Locks over plain data.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A poisoned lock guards plain data here; it is as good as any.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
