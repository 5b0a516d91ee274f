//! Small tables, and numbers as people read them.

use std::io;
use std::time::Duration;

use jiff::SignedDuration;

use super::terminal::Page;
use crate::shown::shown;

/// Which side of its column a text stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Rows of texts in aligned columns.
pub(super) struct Table {
    heads: Vec<(&'static str, Side)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(heads: &[(&'static str, Side)]) -> Self {
        Self { heads: heads.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.into_iter().map(|cell| shown(cell).to_string()).collect());
    }

    /// Writes it, columns two spaces apart, without spaces at the end of a line.
    pub(super) fn write(&self, page: &mut Page) -> io::Result<()> {
        for line in self.lines() {
            writeln!(page, "{line}")?;
        }
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        let width = |(column, (head, _)): (usize, &(&str, Side))| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| length(cell));
            cells.chain([length(head)]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = self.heads.iter().enumerate().map(width).collect();
        let heads: Vec<String> = self.heads.iter().map(|(head, _)| (*head).to_owned()).collect();
        let rows = [&heads].into_iter().chain(&self.rows);
        let line_of = |row: &Vec<String>| {
            let mut line = String::new();
            for ((cell, width), (_, side)) in row.iter().zip(&widths).zip(&self.heads) {
                let padding = " ".repeat(width.saturating_sub(length(cell)));
                match side {
                    Side::Left => line.push_str(&format!("{cell}{padding}  ")),
                    Side::Right => line.push_str(&format!("{padding}{cell}  ")),
                }
            }
            line.trim_end().to_owned()
        };
        rows.map(line_of).collect()
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// A number of bytes, divided by 1024 up to TB, two decimals.
pub(super) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KB", "MB", "GB", "TB"] {
        if value < 1024.0 {
            return format!("{value:.2} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.2} PB")
}

/// A number with a comma every three digits.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration in its two largest units; a second unit of zero is left out.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds == 0 {
        return format!("{} ms", duration.as_millis());
    }
    let parts = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")].map(|(unit, name)| (unit, name));
    let mut rest = seconds;
    let mut text = Vec::new();
    for (unit, name) in parts {
        if !text.is_empty() || rest >= unit {
            text.push((rest / unit, name));
            rest %= unit;
        }
    }
    let shown = text.iter().take(2).enumerate().filter(|(index, (n, _))| *index == 0 || *n > 0);
    shown.map(|(_, (number, name))| format!("{number}{name}")).collect::<Vec<_>>().join(" ")
}

/// How old something is; what was made a moment ago, or by a clock ahead of ours, has no age.
pub(super) fn age(elapsed: SignedDuration) -> String {
    let seconds = u64::try_from(elapsed.as_secs()).unwrap_or(0);
    if seconds == 0 { "0s".to_owned() } else { duration(Duration::from_secs(seconds)) }
}

/// A number and its noun: `1 day`, `2 days`.
pub(super) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_counts_and_durations() {
        assert_eq!(size(0), "0.00 B");
        assert_eq!(size(3205), "3.13 KB");
        assert_eq!(size(1 << 50), "1.00 PB");
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        let shown = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(
            [59, 61, 3660, 86_400, 198_000].map(shown),
            ["59s", "1m 1s", "1h 1m", "1d", "2d 7h"]
        );
        assert_eq!(duration(Duration::from_millis(20)), "20 ms");
    }

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&[("name", Side::Left), ("n", Side::Right)]);
        table.row(vec!["größe".to_owned(), "5".to_owned()]);
        table.row(vec!["a".to_owned(), "500".to_owned()]);
        table.row(vec!["\u{7}\n".to_owned(), "1".to_owned()]);
        let lines = ["name          n", "größe         5", "a           500", "\\u{7}\\u{a}    1"];
        assert_eq!(table.lines(), lines);
    }
}
