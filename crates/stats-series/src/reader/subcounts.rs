//! The subcounts of a document: which list feeds which table.

use super::{Interrupted, ListTables, Reader, repeated};
use crate::plan::Place;
use crate::scan::json::{Key, Next, Parsed, after_member, expect_colon, read_key, skip_space};
use crate::scan::members::members;
use crate::scan::skip::skip_value;

/// The document and its `subcounts` stand around a member of these.
const IN_SUBCOUNTS: u32 = 2;

impl Reader {
    /// Reads `subcounts` at `at`, an object, list by list as they come.
    pub(super) fn read_subcounts(
        &mut self,
        document: &[u8],
        at: usize,
    ) -> Result<usize, Interrupted> {
        let mut at = skip_space(document, at + 1);
        if document.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        let mut expected = 0;
        loop {
            let (key, key_end) = read_key(document, at)?;
            let start = expect_colon(document, key_end)?;
            let list = self.list_named(&key, expected);
            expected = list.map_or(expected, |list| list + 1);
            let end = match list {
                None => skip_value(document, start, IN_SUBCOUNTS)?,
                Some(list) => {
                    repeated(self.lists[list].met == self.reading)?;
                    self.lists[list].met = self.reading;
                    self.read_subcount(list, document, start)?
                }
            };
            match after_member(document, end, b'}')? {
                Next::Member(next) => at = next,
                Next::End(end) => return Ok(end),
            }
        }
    }

    /// The list that a member of `subcounts` feeds; most often the one behind the last one.
    fn list_named(&self, key: &Key<'_>, expected: usize) -> Option<usize> {
        if self.lists.get(expected).is_some_and(|list| key.is(&list.name)) {
            return Some(expected);
        }
        self.lists.iter().position(|list| key.is(&list.name))
    }

    /// Reads the value of one subcount: a list, or an object with two lists.
    fn read_subcount(
        &mut self,
        list: usize,
        document: &[u8],
        at: usize,
    ) -> Result<usize, Interrupted> {
        let ListTables { plain, by_view, by_download, .. } = self.lists[list];
        match (document.get(at), plain) {
            (Some(b'['), Some(table)) => return Ok(self.read_list(table, document, at)?),
            (Some(b'{'), _) if by_view.is_some() || by_download.is_some() => {}
            _ => return Ok(skip_value(document, at, IN_SUBCOUNTS)?),
        }
        let mut sides = [("by_view", by_view, false), ("by_download", by_download, false)];
        let mut at = skip_space(document, at + 1);
        if document.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        loop {
            let (key, key_end) = read_key(document, at)?;
            let start = expect_colon(document, key_end)?;
            let side = sides.iter_mut().find(|(name, ..)| key.is(name));
            let mut target = None;
            if let Some((_, table, met)) = side {
                repeated(*met)?;
                *met = true;
                target = *table;
            }
            let end = match (document.get(start), target) {
                (Some(b'['), Some(table)) => self.read_list(table, document, start)?,
                _ => skip_value(document, start, IN_SUBCOUNTS + 1)?,
            };
            match after_member(document, end, b'}')? {
                Next::Member(next) => at = next,
                Next::End(end) => return Ok(end),
            }
        }
    }

    /// Reads `subcounts` as a whole, when the last of equal members must count.
    pub(super) fn whole_subcounts(&mut self, value: &[u8]) -> Parsed<()> {
        match value[0] {
            b'{' => {}
            b'n' => return Ok(()),
            _ => {
                for index in 0..self.tables.len() {
                    if matches!(self.tables[index].place, Place::List { .. }) {
                        self.failures.structure(index, "subcounts".into(), "expected an object");
                    }
                }
                return Ok(());
            }
        }
        for (name, value) in members(value)? {
            let Some(list) =
                self.lists.iter().position(|list| list.name.as_bytes() == name.as_ref())
            else {
                continue;
            };
            let ListTables { plain, by_view, by_download, .. } = self.lists[list];
            match (value[0], plain) {
                (b'[', Some(table)) => {
                    self.read_list(table, value, 0)?;
                }
                (b'{', _) => {
                    for (side, value) in members(value)? {
                        let table = match side.as_ref() {
                            b"by_view" => by_view,
                            b"by_download" => by_download,
                            _ => None,
                        };
                        if let (Some(table), b'[') = (table, value[0]) {
                            self.read_list(table, value, 0)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
