//! The file: made for its owner only, recognised by its numbers, opened by several processes.

use stats_sqlite::{FileKind, Layout};

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

/// What a file of queues is.
pub(super) const QUEUES: FileKind = FileKind {
    name: "file of queues",
    // `CSjb`: tells our files from other SQLite databases.
    layout: Layout { application_id: 0x4353_6a62, oldest: 1, present: 1 },
    tables: TABLES,
    // There is one format.
    upgrade: |_, _| Ok(()),
    checked: &[],
    // What was sent has to be there.
    durable: true,
};
