//! The file: made for its owner only, recognised by its numbers, opened by several processes.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction};
use stats_sqlite::{
    Found, Layout, close_to_others, make_private, open_to_write, place, write_through_log,
};

use super::error::{ResultExt, misplaced, not_made};
use crate::{QueueError, QueueErrorKind};

/// The layout of the tables. A file with a higher number was written by a newer program.
const FORMAT_VERSION: i32 = 1;

/// `CSjb`: tells our files from other SQLite databases.
const LAYOUT: Layout = Layout { application_id: 0x4353_6a62, oldest: 1, present: FORMAT_VERSION };

/// `holder` is the tag of the delivery by which somebody has the message in hand until `lease`;
/// `due` and `lease` are in milliseconds since 1970.
const TABLES: &str = "
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    due INTEGER NOT NULL,
    lease INTEGER NOT NULL DEFAULT 0,
    holder TEXT,
    deliveries INTEGER NOT NULL DEFAULT 0,
    head TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX messages_by_turn ON messages (queue, priority, id);
CREATE TABLE results (
    id TEXT PRIMARY KEY,
    ends INTEGER NOT NULL,
    success INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX results_by_end ON results (ends);
CREATE UNIQUE INDEX messages_by_holder ON messages (holder) WHERE holder IS NOT NULL;
";

/// Makes the file if there is none, checks that it is one of ours and of a known format.
pub(super) fn open(path: &Path, patience: Duration) -> Result<Connection, QueueError> {
    place(path).map_err(misplaced)?;
    make_private(path).map_err(|error| not_made(error, path))?;
    close_to_others(path);
    let doing = || format!("opening the file of queues {}", path.display());
    let connection = open_to_write(path, patience).doing(doing)?;
    write_through_log(&connection).doing(doing)?;
    // What was sent has to be there after a lost power supply, too.
    connection.pragma_update(None, "synchronous", "FULL").doing(doing)?;
    let mut found = LAYOUT.look(&connection).doing(doing)?;
    if found == Found::Nothing {
        let tables = |made: &Transaction<'_>| made.execute_batch(TABLES);
        LAYOUT.make(&connection, patience, tables).doing(doing)?;
        found = LAYOUT.look(&connection).doing(doing)?;
    }
    known(found, path)?;
    Ok(connection)
}

fn known(found: Found, path: &Path) -> Result<(), QueueError> {
    let path = path.display();
    let (kind, text) = match found {
        Found::Format(_) => return Ok(()),
        Found::Newer(version) => (
            QueueErrorKind::NewerFormat,
            format!(
                "the file of queues {path} has format {version}, and this program knows formats up \
                 to {FORMAT_VERSION}: use the newer program, or another file"
            ),
        ),
        Found::Impossible(version) => (
            QueueErrorKind::Damaged,
            format!("the file of queues {path} has the impossible format {version}"),
        ),
        Found::Nothing | Found::Foreign => (
            QueueErrorKind::Damaged,
            format!("{path} is a database of another program, not a file of queues"),
        ),
    };
    Err(QueueError::new(kind, text))
}
