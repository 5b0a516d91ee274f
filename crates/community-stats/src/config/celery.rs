//! How tasks are sent and performed as Celery does.

use std::num::NonZeroU16;

use super::section::section;
use super::types::choice;

choice! {
    /// How messages and results are written.
    Serialized: "\"msgpack\" or \"json\"" {
        /// As InvenioRDM has it.
        Msgpack = "msgpack",
        /// As Celery has it.
        Json = "json",
    }
}

section! {
    /// How tasks are sent and performed, beside Celery or, without a broker, by way of a file in the
    /// data folder.
    CelerySettings = "celery" {
        /// The queue whose tasks `run` performs, and to which `cache generate --async` sends. Never the
        /// queue of InvenioRDM's own tasks: what is not known here is rejected.
        queue: String = "stats-cache".to_owned(), [];

        /// How tasks are written: as `CELERY_TASK_SERIALIZER` of the Python side says, or another one
        /// that it accepts.
        task_serializer: Serialized = Serialized::Msgpack, [];

        /// How results are written: exactly as `CELERY_RESULT_SERIALIZER` of the Python side says.
        result_serializer: Serialized = Serialized::Msgpack, [];

        /// Whether a task that fails ends in the state SUCCESS with `"success": false`, as that of the
        /// Python package does; otherwise in FAILURE.
        upstream_results: bool = false, [];

        /// How many tasks `run` performs at the same time.
        tasks_at_once: NonZeroU16 = NonZeroU16::MIN, [];
    }
}
