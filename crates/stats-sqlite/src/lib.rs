//! One SQLite file: found, made for its owner only, opened also where nothing may be written,
//! recognised by its numbers, checked, and set aside when it is damaged and can be made again. What its tables mean is for others to know.
#![forbid(unsafe_code)]

mod aside;
mod check;
mod failure;
mod file_kind;
mod layout;
mod place;
mod read;
mod write;

pub use aside::{Aside, Remade, mark_damaged};
pub use check::{RowCheck, quick_check, table_check, teach_row_check};
pub use failure::{Explained, explain, fault, kind_of};
pub use file_kind::{FileKind, WriteConnection, WriteLimits};
pub use layout::{Found, Layout};
pub use place::{
    FileIdentity, Place, PlaceError, close_to_others, file_identity, make_private, place,
};
pub use read::{ReadConnection, Unchanging, open_read_only};
pub use write::{limit_size, open_to_write, write_through_log};
