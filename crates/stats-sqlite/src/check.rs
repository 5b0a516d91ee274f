//! Whether rows are as they were written, and whether SQLite finds its own structure sound.

use std::cell::Cell;

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use xxhash_rust::xxh3::xxh3_64;

/// So many findings are enough to know.
const FINDINGS: i64 = 5;

/// The number that a row carries to show that it is as it was written: a hash of all that it says, in
/// the order in which it is said, so that neither a value nor its place can be another.
///
/// It fits SQLite's integers, is never negative and always takes eight bytes: one altered bit makes no
/// `NULL` of it.
#[derive(Clone, Default)]
pub struct RowCheck(Vec<u8>);

/// Room for what most rows say.
const ROOM: usize = 512;

impl RowCheck {
    /// Nothing said yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Vec::with_capacity(ROOM))
    }

    /// Takes back all that was said, for the next row.
    pub fn begin_again(&mut self) {
        self.0.clear();
    }

    /// Says a value as it stands in a row.
    pub fn value(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.0.push(0),
            ValueRef::Integer(number) => self.say_number(number),
            ValueRef::Real(number) => self.say_number(number.to_bits().cast_signed()),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => self.say_bytes(bytes),
        }
    }

    fn say_number(&mut self, number: i64) {
        self.say_head(1, number.to_le_bytes());
    }

    fn say_bytes(&mut self, bytes: &[u8]) {
        self.say_head(2, (bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn say_head(&mut self, class: u8, [a, b, c, d, e, f, g, h]: [u8; 8]) {
        self.0.extend_from_slice(&[class, a, b, c, d, e, f, g, h]);
    }

    /// Says a number.
    #[must_use]
    pub fn number(mut self, number: i64) -> Self {
        self.say_number(number);
        self
    }

    /// Says bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.say_bytes(bytes);
        self
    }

    /// Says a text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Says that there is nothing.
    #[must_use]
    pub fn nothing(mut self) -> Self {
        self.value(ValueRef::Null);
        self
    }

    /// Says a number, if there is one.
    #[must_use]
    pub fn maybe_number(self, number: Option<i64>) -> Self {
        match number {
            Some(number) => self.number(number),
            None => self.nothing(),
        }
    }

    /// Says a text, if there is one.
    #[must_use]
    pub fn maybe_text(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(text),
            None => self.nothing(),
        }
    }

    /// The number.
    #[must_use]
    pub fn finish(&self) -> i64 {
        // Between 2^61 and 2^62: any sign or sum is far away.
        let kept = xxh3_64(&self.0) >> 3;
        i64::try_from(kept | 1 << 61).unwrap_or(i64::MAX)
    }
}

/// Gives a connection the function `row_check(…)`: [`RowCheck`] of its arguments, in their order.
/// Statements write the number of a row with the row, and compare it later.
///
/// # Errors
/// When SQLite does not take it.
pub fn teach_row_check(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    let room = Cell::new(RowCheck::new());
    connection.create_scalar_function("row_check", -1, flags, move |context| {
        let mut check = room.take();
        check.begin_again();
        for at in 0..context.len() {
            check.value(context.get_raw(at));
        }
        let number = check.finish();
        room.set(check);
        Ok(number)
    })
}

/// What SQLite finds wrong with the structure of a database, in a few lines; empty when nothing. It
/// reads the whole file.
///
/// # Errors
/// When it cannot be read at all.
pub fn quick_check(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    findings(connection, &format!("PRAGMA quick_check({FINDINGS})"))
}

/// What SQLite finds wrong with one table and its indices, which have to agree; empty when nothing.
///
/// # Errors
/// When it cannot be read at all.
pub fn table_check(connection: &Connection, table: &'static str) -> rusqlite::Result<Vec<String>> {
    findings(connection, &format!("PRAGMA integrity_check({table})"))
}

fn findings(connection: &Connection, pragma: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(pragma)?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut found = Vec::new();
    for line in lines.take(usize::try_from(FINDINGS).unwrap_or(usize::MAX)) {
        let line = line?;
        if line != "ok" {
            // SQLite puts a heading before some of them.
            found.push(line.replace("*** in database main ***\n", "").replace('\n', "; "));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_said_can_be_moved_or_left_out() {
        let said = [
            RowCheck::new().text("ab").text("c"),
            RowCheck::new().text("a").text("bc"),
            RowCheck::new().text("abc"),
            RowCheck::new().text("abc").nothing(),
            RowCheck::new().nothing().text("abc"),
            RowCheck::new().number(1),
            RowCheck::new().number(1).number(0),
            RowCheck::new(),
        ];
        let mut numbers: Vec<i64> = said.iter().map(RowCheck::finish).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), said.len());
        assert!(numbers.iter().all(|number| (1 << 61..1 << 62).contains(number)));
        assert_eq!(RowCheck::new().text("a").finish(), RowCheck::new().bytes(b"a").finish());
        let mut again = RowCheck::new().text("what stood in another row");
        again.begin_again();
        again.value(ValueRef::Text(b"abc"));
        again.value(ValueRef::Null);
        assert_eq!(again.finish(), RowCheck::new().text("abc").nothing().finish());
    }

    #[test]
    fn a_sound_database_has_no_findings_and_a_lost_index_entry_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t (a); CREATE INDEX i ON t (a) WHERE a = 1;
                 INSERT INTO t VALUES (1), (2);",
            )
            .unwrap();
        assert_eq!(quick_check(&connection).unwrap(), [""; 0]);
        assert_eq!(table_check(&connection, "t").unwrap(), [""; 0]);
        // An index of all rows that lacks one of them.
        connection
            .execute_batch(
                "PRAGMA writable_schema = ON;
                 UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t (a)' WHERE name = 'i';",
            )
            .unwrap();
        drop(connection);
        let connection = Connection::open(&path).unwrap();
        assert_ne!(table_check(&connection, "t").unwrap(), [""; 0]);
    }
}
