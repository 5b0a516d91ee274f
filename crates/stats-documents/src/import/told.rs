//! What is said of files in more than one place.

/// How documents are exported in a form that can be imported.
pub const HOW_TO_EXPORT: &str = "export whole indices, one hit a line with _index, _id and _source, \
    as elasticdump --type=data does";

/// Why nothing is read of a file.
pub(crate) const EMPTY: &str = "it is empty";
