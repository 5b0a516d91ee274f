//! One SQLite file: found, opened also where nothing may be written, checked, and set aside when it
//! is damaged and can be made again. What its tables mean is for others to know.
#![forbid(unsafe_code)]

mod aside;
mod check;
mod failure;
mod place;
mod read;

pub use aside::{Aside, is_like_ours, mark_damaged, marked_damaged, set_aside};
pub use check::{RowCheck, quick_check, table_check, teach_row_check};
pub use failure::{Explained, FailureKind, explain};
pub use place::{FileIdentity, Place, PlaceError, file_identity, place};
pub use read::{ReadConnection, Unchanging, open_read_only};
