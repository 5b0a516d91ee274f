//! Documents that cannot be part of a response, and which responses that concerns.

use std::fmt;

/// A document that the reference fails on, and so do we: which one, which field, and why.
/// Instead of a response, never with half of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFailure {
    /// Its place in feeding order, from 0.
    pub position: u64,
    /// The name under which it was fed, usually its `_id`.
    pub id: String,
    /// The path of the field: `totals.view`, `subcounts.languages[3].files.added`; empty for the
    /// document as a whole.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for DocumentFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, id, field, reason } = self;
        write!(formatter, "document {}", position + 1)?;
        if !id.is_empty() {
            write!(formatter, " ({id})")?;
        }
        if !field.is_empty() {
            write!(formatter, ", field {field}")?;
        }
        write!(formatter, ": {reason}")
    }
}

impl std::error::Error for DocumentFailure {}

/// The first failure of every part of a builder.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    document: Option<DocumentFailure>,
    tables: Vec<TableFailures>,
    pending: Vec<Pending>,
}

#[derive(Debug, Default)]
struct TableFailures {
    structure: Option<DocumentFailure>,
    columns: Vec<Option<DocumentFailure>>,
}

/// A failure of the document being read; it stands once the document is known to have a date.
#[derive(Debug)]
struct Pending {
    table: usize,
    column: Option<usize>,
    field: String,
    reason: String,
}

impl Failures {
    pub(crate) fn add_table(&mut self, columns: usize) {
        let columns = (0..columns).map(|_| None).collect();
        self.tables.push(TableFailures { structure: None, columns });
    }

    /// The whole document is unusable.
    pub(crate) fn fail_document(&mut self, failure: DocumentFailure) {
        self.pending.clear();
        self.document.get_or_insert(failure);
    }

    /// A list of a table is not what it should be, date or no date.
    pub(crate) fn structure(&mut self, table: usize, field: String, reason: impl Into<String>) {
        self.pending.push(Pending { table, column: None, field, reason: reason.into() });
    }

    /// A value is not what it should be; without a date nobody looks at it.
    pub(crate) fn value(
        &mut self,
        table: usize,
        column: usize,
        field: String,
        reason: impl Into<String>,
    ) {
        let pending = Pending { table, column: Some(column), field, reason: reason.into() };
        self.pending.push(pending);
    }

    /// Forgets what was found in the document being read.
    pub(crate) fn take_back(&mut self) {
        self.pending.clear();
    }

    /// The document is read: what was found stands, values only when it has a date.
    pub(crate) fn settle(&mut self, position: u64, id: &str, has_date: bool) {
        for Pending { table, column, field, reason } in self.pending.drain(..) {
            let table = &mut self.tables[table];
            let place = match column {
                None => &mut table.structure,
                Some(column) if has_date => &mut table.columns[column],
                Some(_) => continue,
            };
            let failure = || DocumentFailure { position, id: id.to_owned(), field, reason };
            place.get_or_insert_with(failure);
        }
    }

    /// The first failure that concerns any of these columns of tables.
    pub(crate) fn first(
        &self,
        columns: impl Iterator<Item = (usize, usize)>,
    ) -> Option<&DocumentFailure> {
        columns
            .flat_map(|(table, column)| {
                let table = &self.tables[table];
                [table.structure.as_ref(), table.columns[column].as_ref()]
            })
            .chain([self.document.as_ref()])
            .flatten()
            .min_by_key(|failure| failure.position)
    }
}
