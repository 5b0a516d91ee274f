//! Years as people write them: `2024`, `2020-2023`.

use std::collections::BTreeSet;

use clap::Args;
use stats_service::Years;

use super::terminal;

/// A range of more years than this is a slip of the finger.
const WIDEST: i16 = 200;

/// Which years a command is about.
#[derive(Debug, Args)]
pub(super) struct YearChoice {
    /// A year or a range, `2024` or `2020-2023`; may be repeated.
    #[arg(long, value_name = "YEAR", value_parser = range)]
    year: Vec<Range>,
    /// The same; it wins over --year.
    #[arg(long, value_name = "A-B", value_parser = range)]
    years: Vec<Range>,
    /// Every year since the community began; wins over --year and --years. The default.
    #[arg(long)]
    all_years: bool,
}

impl YearChoice {
    /// The years; none named means the whole lifespan of each community.
    pub(super) fn resolve(&self) -> Years {
        if self.all_years {
            return Years::Auto;
        }
        if !self.year.is_empty() && !self.years.is_empty() {
            terminal::warn("--years wins over --year, which is left out of account");
        }
        let ranges = if self.years.is_empty() { &self.year } else { &self.years };
        let years: BTreeSet<i16> = ranges.iter().flat_map(|range| range.0.clone()).collect();
        if years.is_empty() { Years::Auto } else { Years::Named(years.into_iter().collect()) }
    }

    /// The years alone; none means all.
    pub(super) fn named(&self) -> Vec<i16> {
        match self.resolve() {
            Years::Auto => Vec::new(),
            Years::Named(years) => years,
        }
    }
}

/// The years of one argument; none when it is blank.
#[derive(Debug, Clone)]
pub(super) struct Range(Vec<i16>);

/// Reads a year or a range of years.
pub(super) fn range(text: &str) -> Result<Range, String> {
    if text.trim().is_empty() {
        return Ok(Range(Vec::new()));
    }
    let Some((first, last)) = text.split_once('-') else { return Ok(Range(vec![one(text)?])) };
    let invalid = |_| format!("Invalid year value '{}'", text.trim());
    let (first, last) = (one(first).map_err(invalid)?, one(last).map_err(invalid)?);
    if first > last {
        return Err(format!(
            "the range {first}-{last} runs backwards; did you mean {last}-{first}?"
        ));
    }
    if last - first >= WIDEST {
        return Err(format!("the range {first}-{last} has more than {WIDEST} years"));
    }
    Ok(Range((first..=last).collect()))
}

/// Reads a year of 1 to 9999.
pub(super) fn one(text: &str) -> Result<i16, String> {
    match text.trim().parse::<i16>() {
        Ok(year) if (1..=9999).contains(&year) => Ok(year),
        Ok(year) => Err(format!("year {year} is not in 1 to 9999")),
        Err(_) => Err(format!("Invalid year value '{}'", text.trim())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn years(text: &str) -> Result<Vec<i16>, String> {
        range(text).map(|range| range.0)
    }

    #[test]
    fn years_and_ranges() {
        assert_eq!(years("2024"), Ok(vec![2024]));
        assert_eq!(years(" 2020-2022 "), Ok(vec![2020, 2021, 2022]));
        assert_eq!(years("2020 - 2020"), Ok(vec![2020]));
        assert_eq!(years("  "), Ok(vec![]));
    }

    #[test]
    fn what_is_no_year_is_refused() {
        for text in
            ["20x4", "2024-20x5", "-5", "0", "10000", "1-9999", "2024-2020", "2020-", "99999"]
        {
            assert!(years(text).is_err(), "{text}");
        }
        assert_eq!(years("2024-20x5").unwrap_err(), "Invalid year value '2024-20x5'");
        assert_eq!(
            years("2024-2020").unwrap_err(),
            "the range 2024-2020 runs backwards; did you mean 2020-2024?"
        );
    }
}
