//! What shows that the rows of each table are as they were written.

/// The small tables: as many rows as there are shelves, bookmarks, communities and events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Shelves,
    Bookmarks,
    Communities,
    Events,
}

/// What `documents.checked` is. Its parameters stand for columns that are written at the same time.
pub(super) const DOCUMENT_CHECK: &str =
    "row_check(5, shelf, day, id, kind, sequence, origin, digest, plain, stored, body, mark)";

impl Table {
    pub(super) const ALL: [Self; 4] =
        [Self::Shelves, Self::Bookmarks, Self::Communities, Self::Events];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Shelves => "shelves",
            Self::Bookmarks => "bookmarks",
            Self::Communities => "communities",
            Self::Events => "events",
        }
    }

    /// What `checked` is, from the columns of a row. Of a shelf only what answers are made of.
    pub(super) const fn check(self) -> &'static str {
        match self {
            Self::Shelves => {
                "row_check(1, kind, community, year, documents, highest, total, changed)"
            }
            Self::Bookmarks => "row_check(2, id, kind, community, day)",
            Self::Communities => {
                "row_check(3, id, slug, title, created, visibility, deletion, dashboard_enabled, \
                 dashboard_layout)"
            }
            Self::Events => "row_check(4, id, community, day, record_created)",
        }
    }
}
