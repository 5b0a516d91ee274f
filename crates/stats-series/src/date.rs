//! The date text of a document, and the year that a series of dates shares
//! (data-series specification, section 5).

use crate::scan::python::decimal_digit;

/// A real calendar date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CalendarDate {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
}

/// The date that a text stands for: four digits, month and day of one or two digits, a space
/// allowed in place of the day's leading zero, and nothing else.
pub(crate) fn parse_date(text: &str) -> Option<CalendarDate> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.chars().count() != 4 {
        return None;
    }
    let year = year.chars().try_fold(0, |value, digit| Some(value * 10 + decimal_digit(digit)?))?;
    let month = short_number(month)?;
    let day = match day.strip_prefix(' ') {
        Some(digit) if digit.chars().count() == 1 => short_number(digit)?,
        Some(_) => return None,
        None => short_day(day)?,
    };
    let exists = year >= 1 && (1..=12).contains(&month) && day >= 1 && day <= days(year, month);
    exists.then_some(CalendarDate { year: year as u16, month: month as u8, day: day as u8 })
}

fn short_number(text: &str) -> Option<u32> {
    let digits = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// As [`short_number`]; after a leading 1 or 2 the second digit may be of any script.
fn short_day(text: &str) -> Option<u32> {
    let mut characters = text.chars();
    match (characters.next(), characters.next(), characters.next()) {
        (Some(tens @ ('1' | '2')), Some(ones), None) => {
            Some(decimal_digit(tens)? * 10 + decimal_digit(ones)?)
        }
        _ => short_number(text),
    }
}

const fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_parsable_as_the_specification_lists_them() {
        let date = |year, month, day| Some(CalendarDate { year, month, day });
        for (text, expected) in [
            ("2031-04-02", date(2031, 4, 2)),
            ("2031-4-2", date(2031, 4, 2)),
            ("2031-04- 2", date(2031, 4, 2)),
            ("0099-01-03", date(99, 1, 3)),
            ("٢٠٣١-04-02", date(2031, 4, 2)),
            ("2032-02-29", date(2032, 2, 29)),
            ("2031-02-29", None),
            ("2031-02-30", None),
            ("2031-04-02 10:00", None),
            ("20310402", None),
            ("0000-01-01", None),
            ("2031-13-01", None),
            ("2031-00-01", None),
            ("2031-04-00", None),
            ("2031-04-", None),
            ("31-04-02", None),
            ("2031-+4-02", None),
        ] {
            assert_eq!(parse_date(text), expected, "{text}");
        }
    }
}
