//! Cells: the squares of the matrix that the program keeps true.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::{Category, Shelf};

/// One community, one year, one category: behind it stands at most one stored response.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    /// A community UUID as stored in the documents, or `global`.
    pub community: String,
    /// The year.
    pub year: i16,
    /// The category.
    pub category: Category,
}

impl Cell {
    /// The cell at this place.
    #[must_use]
    pub fn new(community: impl Into<String>, year: i16, category: Category) -> Self {
        Self { community: community.into(), year, category }
    }

    /// The shelf that its response is made from.
    #[must_use]
    pub fn shelf(&self) -> Shelf {
        Shelf { kind: self.category.kind(), community: self.community.clone(), year: self.year }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.community, self.year, self.category)
    }
}

/// Under the names of the Python package: `community_id`, `year`, and `category` by its query name
/// (cache-and-jobs specification, section 8.9).
impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Cell", 3)?;
        members.serialize_field("community_id", &self.community)?;
        members.serialize_field("year", &self.year)?;
        members.serialize_field("category", self.category.query_name())?;
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_the_names_of_the_python_package() {
        let cell = Cell::new("global", 2025, Category::UsageDelta);
        assert_eq!(
            serde_json::to_string(&cell).unwrap(),
            r#"{"community_id":"global","year":2025,"category":"usage-delta-category"}"#
        );
        assert_eq!(cell.to_string(), format!("global/2025/{}", Category::UsageDelta));
        assert_eq!(cell.shelf().year, 2025);
    }
}
