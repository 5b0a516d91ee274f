//! What an index name means (source-documents specification, sections 1.2, 1.14 and 3.2).

use stats_series::DocumentKind;

use super::report::{LineKind, Reason};

/// What the lines of an index are, or why they are refused. Any prefix and a year at the end do
/// not matter.
pub(crate) fn kind_of_index(index: &str) -> Result<LineKind, Reason> {
    let base = without_year(index);
    if let Some(kind) = DocumentKind::ALL.into_iter().find(|kind| base.ends_with(kind.alias())) {
        return Ok(LineKind::Documents(kind));
    }
    if base.ends_with("stats-bookmarks-community") {
        return Ok(LineKind::Bookmarks);
    }
    if base.ends_with("stats-community-events") {
        return Ok(LineKind::Events);
    }
    if is_communities(index) {
        return Ok(LineKind::Communities);
    }
    if OTHER_BASES.iter().any(|other| base.ends_with(other)) {
        return Err(Reason::OtherDateBasis);
    }
    if NOT_USED.iter().any(|name| index.contains(name)) {
        return Err(Reason::IndexNotUsed);
    }
    Err(Reason::UnknownIndex)
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

/// `communities-communities`, alone or with a version behind.
fn is_communities(index: &str) -> bool {
    const NAME: &str = "communities-communities";
    index.rfind(NAME).is_some_and(|start| {
        let rest = &index[start + NAME.len()..];
        rest.is_empty() || rest.starts_with("-v")
    })
}

fn without_year(index: &str) -> &str {
    match index.len().checked_sub(5).map(|end| index.as_bytes().split_at(end)) {
        Some((head, [b'-', year @ ..])) if year.iter().all(u8::is_ascii_digit) => {
            // An ASCII tail: the head ends at a character.
            &index[..head.len()]
        }
        _ => index,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        use DocumentKind::{RecordDelta, RecordSnapshot, UsageDelta, UsageSnapshot};
        let documents = |kind| Ok(LineKind::Documents(kind));
        for (name, expected) in [
            ("stats-community-records-delta-added-2025", documents(RecordDelta)),
            ("kcworks-stats-community-records-snapshot-added-2025", documents(RecordSnapshot)),
            ("stats-community-usage-delta", documents(UsageDelta)),
            ("Größe-stats-community-usage-snapshot-2019", documents(UsageSnapshot)),
            ("stats-community-records-delta-created-2025", Err(Reason::OtherDateBasis)),
            ("x-stats-community-records-snapshot-published", Err(Reason::OtherDateBasis)),
            ("stats-community-records-snapshot-2024", Err(Reason::UnknownIndex)),
            ("zenodo-stats-bookmarks-community", Ok(LineKind::Bookmarks)),
            ("stats-bookmarks-reindexing", Err(Reason::IndexNotUsed)),
            ("stats-community-events-2025", Ok(LineKind::Events)),
            ("communities-communities-v2.0.0-1735689600", Ok(LineKind::Communities)),
            ("kcworks-communities-communities-v1.0.0", Ok(LineKind::Communities)),
            ("events-stats-record-view-2025-03", Err(Reason::IndexNotUsed)),
            ("rdmrecords-records-record-v7.0.0-1735689600", Err(Reason::IndexNotUsed)),
            ("stats-community-usage-delta-2025-v2", Err(Reason::UnknownIndex)),
            ("", Err(Reason::UnknownIndex)),
            ("🙂5", Err(Reason::UnknownIndex)),
        ] {
            assert_eq!(kind_of_index(name), expected, "{name}");
        }
    }
}
