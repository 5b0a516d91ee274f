//! The tables of the archive, and how those of older formats become them.

/// `shelves` answers positions, changes and fingerprints; `documents` answers manifests, in the
/// order in which they are read; bodies lie apart, in the order in which they came.
///
/// `shelves.changed` is the last sequence number that touched the shelf, removals included, and
/// outlives the last document. `remote` is what a mirror remembers of the shelf in the index, and
/// is forgotten with every change; `evicted` is what that was when the shelf had to make room. Days
/// are numbers, `20250309`. `documents.mark` is the XXH3 of the plain document, so that a row and a
/// body that do not belong together are seen; `checked` is what `sound` makes of a row. Rows that
/// came from older formats may lack both.
pub(super) const TABLES: &str = "
CREATE TABLE archive (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    history TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    index_prefix TEXT
) STRICT;

CREATE TABLE dictionaries (
    dictionary INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE shelves (
    shelf INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    community TEXT NOT NULL,
    year INTEGER NOT NULL,
    documents INTEGER NOT NULL,
    highest INTEGER NOT NULL,
    total INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    plain INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    used INTEGER NOT NULL,
    remote TEXT,
    evicted TEXT,
    checked INTEGER,
    UNIQUE (kind, community, year)
) STRICT;
CREATE INDEX shelves_by_change ON shelves (kind, changed);
CREATE INDEX shelves_by_use ON shelves (used, shelf) WHERE documents > 0;

CREATE TABLE documents (
    shelf INTEGER NOT NULL,
    day INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    origin INTEGER,
    digest BLOB NOT NULL,
    plain INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    body INTEGER NOT NULL,
    mark INTEGER,
    checked INTEGER,
    PRIMARY KEY (shelf, day, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX documents_by_id ON documents (kind, id);

CREATE TABLE bodies (
    body INTEGER PRIMARY KEY,
    dictionary INTEGER,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE remembered (
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE communities (
    id TEXT PRIMARY KEY,
    slug TEXT,
    title TEXT,
    created INTEGER,
    visibility TEXT NOT NULL,
    deletion TEXT NOT NULL,
    dashboard_enabled INTEGER,
    dashboard_layout TEXT,
    checked INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX communities_by_slug ON communities (slug);

CREATE TABLE bookmarks (
    id TEXT PRIMARY KEY,
    kind INTEGER NOT NULL,
    community TEXT NOT NULL,
    day INTEGER NOT NULL,
    checked INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX bookmarks_by_kind ON bookmarks (kind, community);

CREATE TABLE events (
    id TEXT PRIMARY KEY,
    community TEXT NOT NULL,
    day INTEGER,
    record_created INTEGER,
    checked INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX events_by_day ON events (community, day);
CREATE INDEX events_by_record ON events (record_created);
";

/// Imports that did not end yet (`lost` is 0) or ended with loss, the sequence numbers that they
/// gave away, and the shelves that they changed and that are not settled.
pub(super) const IMPORTS: &str = "
CREATE TABLE imports (
    import INTEGER PRIMARY KEY AUTOINCREMENT,
    began INTEGER NOT NULL,
    lost INTEGER NOT NULL
) STRICT;

CREATE TABLE import_batches (
    import INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (import, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE import_shelves (
    shelf INTEGER NOT NULL,
    import INTEGER NOT NULL,
    PRIMARY KEY (shelf, import)
) STRICT, WITHOUT ROWID;
";

/// What a file of format 1 lacks.
pub(super) const FROM_1: &str = "
ALTER TABLE shelves ADD COLUMN evicted TEXT;
CREATE INDEX shelves_by_use ON shelves (used, shelf) WHERE documents > 0;
";

/// What a file of format 2 lacks, besides the tables of imports.
pub(super) const FROM_2: &str = "ALTER TABLE archive ADD COLUMN index_prefix TEXT;";

/// What a file of format 3 lacks.
pub(super) const FROM_3: &str = "
ALTER TABLE shelves ADD COLUMN checked INTEGER;
ALTER TABLE documents ADD COLUMN mark INTEGER;
ALTER TABLE documents ADD COLUMN checked INTEGER;
ALTER TABLE communities ADD COLUMN checked INTEGER;
ALTER TABLE bookmarks ADD COLUMN checked INTEGER;
ALTER TABLE events ADD COLUMN checked INTEGER;
";
