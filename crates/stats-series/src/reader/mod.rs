//! Reading a document into the tables: one pass, every byte looked at once where it looks as
//! expected, nothing kept but numbers, ids and labels.

mod date_field;
mod dates;
mod items;
mod subcounts;
mod totals;

use stats_model::DocumentKind;

use self::date_field::DateField;
pub(crate) use self::date_field::DocumentDate;
use self::totals::{Totals, value_cell};
use crate::failure::{DocumentFailure, Failures};
use crate::plan::{ListSide, Place};
use crate::predict::program::{Program, apply_all};
use crate::predict::template::Template;
use crate::predict::totals::KnownTotals;
use crate::rules::{Refused, Value, document_fields};
use crate::scan::cell::Cell;
use crate::scan::json::{Malformed, Next, after_member, expect_colon, read_key, skip_space};
use crate::scan::skip::skip_value;
use crate::scan::verbatim::Unwritable;
use crate::table::{Mark, NOBODY, Table, Texts};

/// The tables that one member of `subcounts` feeds.
#[derive(Debug, Default)]
struct ListTables {
    name: String,
    plain: Option<usize>,
    by_view: Option<usize>,
    by_download: Option<usize>,
    /// The reading in which it was last met.
    met: u64,
}

/// What a table needs besides its rows to read items quickly.
#[derive(Debug)]
struct Habits {
    programs: Vec<Program>,
    templates: Vec<Template>,
    /// The first series of the last list.
    leader: u32,
}

/// Everything that documents leave behind.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) kind: DocumentKind,
    pub(crate) tables: Vec<Table>,
    pub(crate) texts: Texts,
    /// One for every document that was fed.
    pub(crate) dates: Vec<DocumentDate>,
    pub(crate) failures: Failures,
    lists: Vec<ListTables>,
    habits: Vec<Habits>,
    global: Option<usize>,
    presence: Option<usize>,
    /// Counts attempts at reading a document; stamps what was met in the present one.
    reading: u64,
    scratch: Vec<u8>,
    marks: Vec<Mark>,
    no_date: usize,
    known_totals: KnownTotals,
    /// Whether documents may be read by their looks; tests compare both ways.
    pub(crate) predicts: bool,
    /// How many items and totals were.
    pub(crate) predicted: u64,
}

/// Why a pass over a document ended early.
enum Interrupted {
    Malformed(Malformed),
    /// A member stands twice; the last one counts, so the pass must be made again knowing it.
    Repeated,
}

impl From<Malformed> for Interrupted {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl Reader {
    pub(crate) fn new(kind: DocumentKind, tables: Vec<Table>) -> Self {
        let mut reader = Self {
            kind,
            texts: Texts::default(),
            dates: Vec::new(),
            failures: Failures::default(),
            lists: Vec::new(),
            habits: Vec::new(),
            global: None,
            presence: None,
            reading: 0,
            scratch: Vec::new(),
            marks: Vec::new(),
            no_date: 0,
            known_totals: KnownTotals::default(),
            predicts: true,
            predicted: 0,
            tables: Vec::new(),
        };
        let kept = reader.texts.keep(|out| {
            out.extend_from_slice(b"\"\"");
            Ok::<(), Unwritable>(())
        });
        reader.no_date = kept.unwrap_or_default();
        for table in tables {
            reader.add_table(table);
        }
        reader
    }

    fn add_table(&mut self, mut table: Table) {
        let index = self.tables.len();
        match &table.place {
            Place::Global => self.global = Some(index),
            Place::FilePresence => {
                self.presence = Some(index);
                table.create(b"m", b"\"metadata_only\"", b"\"Metadata Only\"");
                table.create(b"w", b"\"with_files\"", b"\"With Files\"");
            }
            Place::List { name, side } => {
                let known = self.lists.iter().position(|list| list.name == *name);
                let list = known.unwrap_or_else(|| {
                    self.lists.push(ListTables { name: name.clone(), ..ListTables::default() });
                    self.lists.len() - 1
                });
                let list = &mut self.lists[list];
                *match side {
                    None => &mut list.plain,
                    Some(ListSide::ByView) => &mut list.by_view,
                    Some(ListSide::ByDownload) => &mut list.by_download,
                } = Some(index);
            }
        }
        let programs =
            table.columns.iter().map(|column| Program::new(self.kind, *column)).collect();
        self.habits.push(Habits { programs, templates: Vec::new(), leader: NOBODY });
        self.failures.add_table(table.columns.len());
        self.tables.push(table);
    }

    /// Reads one document. Failures are kept for the responses that they concern.
    pub(crate) fn feed(&mut self, id: &str, document: &[u8]) {
        let mut marks = std::mem::take(&mut self.marks);
        marks.clear();
        marks.extend(self.tables.iter().map(Table::mark));
        self.feed_marked(id, document, &marks);
        self.marks = marks;
    }

    fn feed_marked(&mut self, id: &str, document: &[u8], marks: &[Mark]) {
        let outcome = match self.pass(document, false) {
            Err(Interrupted::Repeated) => {
                self.take_back(marks);
                self.pass(document, true)
            }
            outcome => outcome,
        };
        let position = self.dates.len() as u64;
        let problem = match outcome {
            Ok(date) => {
                self.settle(id, date, marks);
                return;
            }
            Err(Interrupted::Malformed(malformed)) => {
                format!("not valid JSON at byte {}: {}", malformed.at, malformed.what)
            }
            Err(Interrupted::Repeated) => "not valid JSON".to_owned(),
        };
        self.take_back(marks);
        self.dates.push(DocumentDate { text: self.no_date, parsed: None });
        self.failures.fail_document(DocumentFailure {
            position,
            id: id.to_owned(),
            field: String::new(),
            reason: problem,
        });
    }

    fn take_back(&mut self, marks: &[Mark]) {
        self.failures.take_back();
        for (table, mark) in self.tables.iter_mut().zip(marks) {
            table.take_back(*mark);
        }
    }

    /// One pass. With `whole`, members are looked at once all are known, so that the last of
    /// equal ones counts; without, the subcounts are read on the way.
    fn pass<'a>(&mut self, document: &'a [u8], whole: bool) -> Result<DateField<'a>, Interrupted> {
        self.reading += 1;
        self.known_totals.forget();
        if let Err(error) = simdutf8::compat::from_utf8(document) {
            return Err(Malformed { at: error.valid_up_to(), what: "not UTF-8" }.into());
        }
        let names = document_fields(self.kind);
        let mut fields = [None; 4];
        let mut date = None;
        let mut subcounts = Subcounts::Absent;

        let mut at = skip_space(document, 0);
        if document.get(at) != Some(&b'{') {
            return Err(Malformed { at, what: "a document must be an object" }.into());
        }
        at = skip_space(document, at + 1);
        let mut end = at + 1;
        while document.get(at) != Some(&b'}') {
            let (key, key_end) = read_key(document, at)?;
            let start = expect_colon(document, key_end)?;
            let value_end;
            if key.is(self.kind.day_field()) {
                value_end = skip_value(document, start, 1)?;
                repeated(date.replace(&document[start..value_end]).is_some() && !whole)?;
            } else if key.is("subcounts") {
                repeated(!whole && !matches!(subcounts, Subcounts::Absent))?;
                if whole || document.get(start) != Some(&b'{') {
                    value_end = skip_value(document, start, 1)?;
                    subcounts = Subcounts::Value(&document[start..value_end]);
                } else {
                    value_end = self.read_subcounts(document, start)?;
                    subcounts = Subcounts::Read;
                }
            } else {
                let field = names.iter().position(|name| key.is(name) && !name.is_empty());
                let known = field.and_then(|_| self.known_totals.read(document, start));
                value_end = match known {
                    Some(end) => end,
                    None => skip_value(document, start, 1)?,
                };
                if let Some(field) = field {
                    let before = fields[field].replace(&document[start..value_end]);
                    repeated(before.is_some() && !whole)?;
                }
            }
            match after_member(document, value_end, b'}')? {
                Next::Member(next) => {
                    if document.get(next) == Some(&b'}') {
                        return Err(Malformed { at: next, what: "expected a key" }.into());
                    }
                    at = next;
                }
                Next::End(behind) => {
                    end = behind;
                    break;
                }
            }
        }
        let rest = skip_space(document, end);
        if rest != document.len() {
            return Err(Malformed { at: rest, what: "text behind the document" }.into());
        }
        if let Subcounts::Value(value) = subcounts {
            self.whole_subcounts(value)?;
        }
        self.read_totals(fields);
        Ok(DateField::of(date))
    }

    /// The document's own numbers: global and file presence.
    fn read_totals(&mut self, fields: [Option<&[u8]>; 4]) {
        let document = self.dates.len() as u32;
        if let Some(index) = self.global {
            if self.tables[index].series.is_empty() {
                self.tables[index].create(b"g", b"\"global\"", b"\"Global\"");
            }
            if !self.push_known_totals(index, document) {
                if self.predicts {
                    self.known_totals.remember(self.kind, fields[0]);
                }
                self.tables[index].start_row(0, document);
                let totals = Totals::of(self.kind, fields);
                for column in 0..self.tables[index].columns.len() {
                    let value = totals.value(self.tables[index].columns[column]);
                    let cell = self.cell(index, column, value, String::new);
                    self.tables[index].push_cell(cell);
                }
            }
        }
        if let Some(index) = self.presence {
            let totals = Totals::of(self.kind, fields);
            for series in 0..2 {
                self.tables[index].start_row(series, document);
                for column in 0..self.tables[index].columns.len() {
                    let value = totals.presence(self.tables[index].columns[column], series == 1);
                    let cell = self.cell(index, column, value, String::new);
                    self.tables[index].push_cell(cell);
                }
            }
        }
    }

    /// Gives the global series its row from totals that were read by their looks.
    fn push_known_totals(&mut self, index: usize, document: u32) -> bool {
        let Some(numbers) = self.known_totals.numbers() else { return false };
        let programs = &self.habits[index].programs;
        let Some(cells) = apply_all(programs, numbers) else { return false };
        self.tables[index].push_row(0, document, &cells[..programs.len()]);
        self.predicted += 1;
        true
    }

    /// The cell of a value; a value that cannot be written is a failure of its column.
    fn cell(
        &mut self,
        table: usize,
        column: usize,
        value: Result<Value<'_>, Refused>,
        path: impl Fn() -> String,
    ) -> Cell {
        let value = match value {
            Ok(value) => value,
            Err(Refused { field, reason }) => {
                self.failures.value(table, column, path() + &field, reason);
                return Cell::NONE;
            }
        };
        match value_cell(&mut self.texts, value) {
            Ok(cell) => cell,
            Err(unwritable) => {
                let field = path() + self.tables[table].columns[column].measure.name();
                self.failures.value(table, column, field, unwritable.reason());
                Cell::NONE
            }
        }
    }
}

enum Subcounts<'a> {
    Absent,
    /// Read on the way.
    Read,
    /// To be read at the end.
    Value(&'a [u8]),
}

const fn repeated(repeated: bool) -> Result<(), Interrupted> {
    if repeated { Err(Interrupted::Repeated) } else { Ok(()) }
}
