//! What the source system names its small indices, without the prefix; only the communities and the
//! records are not its own (source-documents specification, sections 1.2 and 3.2).

/// The bookmarks of communities.
pub const BOOKMARKS: &str = "stats-bookmarks-community";
/// When records came to communities.
pub const EVENTS: &str = "stats-community-events";
/// The communities.
pub const COMMUNITIES: &str = "communities";
/// The records.
pub const RECORDS: &str = "rdmrecords-records";
