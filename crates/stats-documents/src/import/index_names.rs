//! What an index name means (source-documents specification, sections 1.2, 1.14 and 3.2).

use stats_model::DocumentKind;

use super::report::{LineKind, Reason};

/// What an index name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexName<'a> {
    /// What its lines are.
    pub(crate) kind: LineKind,
    /// What precedes the name that every installation has: the installation's own prefix.
    pub(crate) prefix: &'a str,
}

/// No search engine takes a longer name for an index, in bytes.
const LONGEST_NAME: usize = 255;

/// What the lines of an index are, or why they are refused.
///
/// Behind the name of a kind, anything after a hyphen does not matter (a year, a month, the number
/// of a rollover, what a reindexing appended): index templates give all of these the alias by which
/// the documents are found.
pub(crate) fn read_index(index: &str) -> Result<IndexName<'_>, Reason> {
    if index.len() > LONGEST_NAME {
        return Err(Reason::UnknownIndex);
    }
    let named = |kind: LineKind, name: &str| {
        prefix_before(index, name).map(|prefix| IndexName { kind, prefix })
    };
    let found = known_names().find_map(|(kind, name)| named(kind, name));
    if let Some(found) = found.filter(|_| !index.contains(PERCOLATOR)) {
        return Ok(found);
    }
    if OTHER_BASES.iter().any(|other| prefix_before(index, other).is_some()) {
        return Err(Reason::OtherDateBasis);
    }
    if NOT_USED.iter().any(|name| index.contains(name)) {
        return Err(Reason::IndexNotUsed);
    }
    Err(Reason::UnknownIndex)
}

/// Whether the name of an index that means something stands in that of a file.
pub(crate) fn holds_index_name(file: &str) -> bool {
    let is_whole = |rest: &str| !rest.starts_with(char::is_alphanumeric);
    !file.contains(PERCOLATOR)
        && known_names().any(|(_, name)| {
            file.match_indices(name).any(|(start, _)| is_whole(&file[start + name.len()..]))
        })
}

/// Whether a text has a member `_index` with the name of an index that means something.
pub(crate) fn names_index(text: &[u8]) -> bool {
    const MEMBER: &[u8] = b"\"_index\"";
    memchr::memmem::find_iter(text, MEMBER).any(|start| {
        let after = text[start + MEMBER.len()..].trim_ascii_start();
        let value = after.strip_prefix(b":").map(<[u8]>::trim_ascii_start);
        let value = value.and_then(|value| value.strip_prefix(b"\"")).unwrap_or_default();
        let name = value.split(|byte| *byte == b'"').next().unwrap_or_default();
        std::str::from_utf8(name).is_ok_and(|name| read_index(name).is_ok())
    })
}

/// The names that indices have behind the prefix of an installation, and what their lines are.
fn known_names() -> impl Iterator<Item = (LineKind, &'static str)> {
    let documents = DocumentKind::ALL.map(|kind| (LineKind::Documents(kind), kind.alias()));
    documents.into_iter().chain([
        (LineKind::Bookmarks, "stats-bookmarks-community"),
        (LineKind::Events, "stats-community-events"),
        (LineKind::Communities, "communities-communities"),
    ])
}

/// Indices of stored searches, beside those of what they search for.
const PERCOLATOR: &str = "percolator";

/// What stands before `name`, if that is followed by nothing or by a hyphen.
fn prefix_before<'a>(index: &'a str, name: &str) -> Option<&'a str> {
    let start = memchr::memmem::find(index.as_bytes(), name.as_bytes())?;
    let rest = &index[start + name.len()..];
    (rest.is_empty() || rest.starts_with('-')).then(|| &index[..start])
}

const OTHER_BASES: [&str; 4] = [
    "stats-community-records-delta-created",
    "stats-community-records-delta-published",
    "stats-community-records-snapshot-created",
    "stats-community-records-snapshot-published",
];

/// Indices of an InvenioRDM instance that a dump of everything holds too.
const NOT_USED: [&str; 19] = [
    "stats-bookmarks",
    "events-stats-",
    "stats-record-view",
    "stats-file-download",
    "rdmrecords-",
    "communitymembers-",
    "communities-",
    "requests-",
    "requestevents-",
    "request_events-",
    "users-user",
    "groups-group",
    "vocabularies-",
    "affiliations-",
    "awards-",
    "funders-",
    "names-name",
    "subjects-",
    "oaipmh",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        use DocumentKind::{RecordDelta, RecordSnapshot, UsageDelta, UsageSnapshot};
        let named = |kind, prefix| Ok(IndexName { kind, prefix });
        let documents = |kind, prefix| named(LineKind::Documents(kind), prefix);
        for (name, expected) in [
            ("stats-community-records-delta-added-2025", documents(RecordDelta, "")),
            (
                "kcworks-stats-community-records-snapshot-added-2025",
                documents(RecordSnapshot, "kcworks-"),
            ),
            ("stats-community-usage-delta", documents(UsageDelta, "")),
            ("Größe-stats-community-usage-snapshot-2019", documents(UsageSnapshot, "Größe-")),
            ("stats-community-usage-delta-2025-03", documents(UsageDelta, "")),
            ("stats-community-usage-delta-2025-000001", documents(UsageDelta, "")),
            ("stats-community-usage-delta-2025-v2", documents(UsageDelta, "")),
            ("a-b-stats-community-usage-delta-2025-reindexed-v8", documents(UsageDelta, "a-b-")),
            ("stats-community-usage-deltas-2025", Err(Reason::UnknownIndex)),
            ("stats-community-records-delta-created-2025", Err(Reason::OtherDateBasis)),
            ("x-stats-community-records-snapshot-published", Err(Reason::OtherDateBasis)),
            ("x-stats-community-records-snapshot-published-2024-03", Err(Reason::OtherDateBasis)),
            ("stats-community-records-snapshot-2024", Err(Reason::UnknownIndex)),
            ("zenodo-stats-bookmarks-community", named(LineKind::Bookmarks, "zenodo-")),
            ("stats-bookmarks-reindexing", Err(Reason::IndexNotUsed)),
            ("stats-community-events-2025", named(LineKind::Events, "")),
            ("stats-community-events-2025-03", named(LineKind::Events, "")),
            ("communities-communities-v2.0.0-1735689600", named(LineKind::Communities, "")),
            ("kcworks-communities-communities-v1.0.0", named(LineKind::Communities, "kcworks-")),
            ("communities-communities-v2.0.0-percolators", Err(Reason::IndexNotUsed)),
            ("events-stats-record-view-2025-03", Err(Reason::IndexNotUsed)),
            ("rdmrecords-records-record-v7.0.0-1735689600", Err(Reason::IndexNotUsed)),
            ("", Err(Reason::UnknownIndex)),
            ("🙂5", Err(Reason::UnknownIndex)),
        ] {
            assert_eq!(read_index(name), expected, "{name}");
        }
        let long = |length| "x".repeat(length) + "-stats-community-usage-delta-2025";
        assert!(read_index(&long(222)).is_ok());
        assert_eq!(read_index(&long(223)), Err(Reason::UnknownIndex));
    }
}
